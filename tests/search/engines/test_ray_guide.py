"""The guide's example for Ray Tune runs as it stands, on seesaw-cifar, with few small images in place of CIFAR-10."""

import json
import re

import numpy as np
import pytest

pytest.importorskip("ray.tune", reason="Ray is not installed")
import clusters
import torch
from processes import REPOSITORY

from seesaw_nas import data
from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.data import Images, SearchData

pytestmark = pytest.mark.thorough
GUIDE = REPOSITORY / "docs/guide/clusters.md"


def noise(n):
    pixels = np.random.default_rng(n).integers(0, 256, (n, 3, 32, 32), dtype=np.uint8)
    return Images(torch.from_numpy(pixels), torch.arange(n) % 10)


@pytest.fixture
def cluster(monkeypatch, tmp_path):
    """A small cluster, and a home of its own for results; Ray's servers keep theirs, in which their token is."""
    with clusters.two_cpus():
        for name, value in {"HOME": str(tmp_path), "TRIALS": "2", "EPOCHS": "1"}.items():
            monkeypatch.setenv(name, value)
        yield


def test_example_of_the_guide(cluster, monkeypatch, capsys):
    classes = tuple("0123456789")
    images = SearchData.of("cifar10", classes, noise(20), noise(10), flip=True, padding=4)
    monkeypatch.setattr(data, "load", lambda name: {"cifar10": images}[name])
    section = GUIDE.read_text(encoding="utf-8").split("### Ray Tune's own algorithms")[1]
    (code,) = re.findall(r"^```python\n(.*?)^```$", section.split("\n## ")[0], re.MULTILINE | re.DOTALL)
    exec(compile(code, str(GUIDE), "exec"), {"__name__": "__main__"})
    *_, figures, spec = capsys.readouterr().out.splitlines()
    macs = int(re.fullmatch(r"\d+\.\d\d%, ([\d,]+) Multi-Adds", figures)[1].replace(",", ""))
    assert macs == cost.macs(Architecture.from_dict(json.loads(spec))) <= 110_000_000
