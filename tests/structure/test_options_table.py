"""The guide says of every option what its declaration says."""

import re

import pytest
from options_table import GUIDE, options_of, parts_of, tables

from seesaw_nas.deploy.latency import LatencySettings
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.training.options import TrainSettings

TEXT = GUIDE.read_text(encoding="utf-8")
CHOICES = {
    one.name: set(one.option.choices)
    for settings in (SearchSettings, TrainSettings, LatencySettings)
    for one in options_of(settings)
    if one.option.choices
}


def test_tables_of_options_are_those_of_the_declarations():
    assert parts_of(TEXT)[1] == tables(), "write them anew: python tests/structure/options_table.py"
    assert "| `--budget` |  | Multi-Adds for one image" in TEXT
    assert "| `--trials` | `20` | Architectures to train. |" in TEXT


@pytest.mark.parametrize("name", ["scheduler", "engine", "execution", "backends"])
def test_tables_of_one_option_s_values_name_every_value(name):
    (rows,) = re.findall(rf"^\| `--{name}` \|.*\n\|[-|]+\n((?:\|.*\n)+)", parts_of(TEXT)[0], flags=re.MULTILINE)
    assert set(re.findall(r"^\| `([\w-]+)`", rows, flags=re.MULTILINE)) == CHOICES[name]
