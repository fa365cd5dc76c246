"""What the site's pages have from the code, and what the guide says beside it."""

import re
import sys

import pytest
from blocks import ROOT, pages

sys.path.insert(0, str(ROOT / "docs" / "generate"))

import check
import prepare

from seesaw_nas.cli.parts.verbs import list_verbs
from seesaw_nas.core.options import options_of
from seesaw_nas.deploy.latency import LatencySettings
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.training.options import TrainSettings

GUIDE = "\n".join((ROOT / page).read_text(encoding="utf-8") for page in pages() if page.startswith("docs/guide"))
CHOICES = {
    one.name: set(one.option.choices)
    for settings in (SearchSettings, TrainSettings, LatencySettings)
    for one in options_of(settings)
    if one.option.choices
}
FILES = prepare.sources()


def test_tables_of_options_are_those_of_the_declarations():
    page = prepare.text_of("reference/options.md", FILES)
    assert "| `--budget` |  | What a network may cost. " in page
    assert "| `--trials` | `20` | Architectures to train. |" in page
    assert [one.name for one in options_of(SearchSettings) if f"`--{one.name}`" not in page] == []


def test_page_of_commands_has_every_verb_with_its_options():
    page = prepare.text_of("reference/commands.md", FILES)
    assert re.findall(r"^## (\w+)$", page, re.MULTILINE) == list_verbs()
    search = page.split("## search\n")[1].split("\n## ")[0]
    assert "Search for the best architectures within a budget." in search
    assert "    seesaw-nas search [OPTIONS]" in search
    assert re.search(r"^\| `--trials <int\b.*` \| Architectures to train\.", search, re.MULTILINE)


def test_page_of_python_names_what_the_modules_offer():
    page = prepare.text_of("reference/api.md", FILES)
    assert {"::: seesaw_nas.api.search", "::: seesaw_nas.api.Tuner", "::: seesaw_nas.space.Feasible"} <= set(
        page.splitlines()
    )


def test_index_of_decisions_has_every_page_once_with_its_status():
    rows = re.findall(r"^\| \[.+\]\((\d\d-[\w-]+\.md)\) \| \d{4}&#8209;\d\d&#8209;\d\d \| (in force.*|replaced.*) \|$",
                      prepare.text_of("decisions/index.md", FILES), re.MULTILINE)  # fmt: skip
    names = [path.name for path in (ROOT / "docs" / "decisions").glob("[0-9]*.md")]
    assert [name for name, _ in rows] == sorted(names, reverse=True)


@pytest.mark.parametrize("page", [page for page in FILES if page.endswith(".md")])
def test_links_of_a_page_lead_to_pages_of_the_site(page):
    text = re.sub(r"^```.*?^```$", "", prepare.text_of(page, FILES), flags=re.MULTILINE | re.DOTALL)
    for _, _, target, _ in prepare.LINK.findall(text):
        assert prepare.normpath(f"{page.rpartition('/')[0] or '.'}/{target}") in FILES, f"{target} is no page"


def test_a_link_to_a_file_that_is_no_page_becomes_its_path():
    about = prepare.text_of("about.md", FILES)
    assert "([start](" not in about
    assert "(index.md)" in about, "docs/index.md of the repository is the site's start"
    assert "`benchmarks/results/strategies.json`" in about
    assert "](benchmarks/" not in about


def test_what_a_page_loads_from_elsewhere_is_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<a href="https://example.org">x</a><script src="own.js"></script><link rel="canonical" href="https://a.b/">'
        '<script src="https://example.org/x.js"></script><style>@import "//example.org/y.css";</style>'
    )
    (tmp_path / "b.css").write_text("a { src: url(https://example.org/z.woff) } b { src: url(own.woff) }")
    assert check.find_loaded(tmp_path) == [
        "a.html: <script> https://example.org/x.js",
        "a.html: //example.org/y.css",
        "b.css: https://example.org/z.woff",
    ]


@pytest.mark.parametrize("name", ["scheduler", "engine", "execution", "backends"])
def test_tables_of_one_option_s_values_name_every_value(name):
    (rows,) = re.findall(rf"^\| `--{name}` \|.*\n\|[-|]+\n((?:\|.*\n)+)", GUIDE, flags=re.MULTILINE)
    assert set(re.findall(r"^\| `([\w-]+)`", rows, flags=re.MULTILINE)) == CHOICES[name]
