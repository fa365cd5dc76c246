"""Toolkits in a process of their own, as benchmarks/strategies.py asks them."""

import importlib
import sys
from pathlib import Path

import pytest

import seesaw_nas

FOLDER = Path(seesaw_nas.__file__).parent.parent / "benchmarks"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="benchmarks/ is in a clone alone")
# Trains each network in two parts, prints where answers go, and ends when told more than five budgets.
SERVER = """
import sys
sys.path.insert(0, {folder!r})
from serving import serve

class Parts:
    def __init__(self, setting):
        self.setting, self.asked = setting, 0

    def ask(self):
        print("what a toolkit prints")
        number, part = divmod(self.asked, 2)
        genotype = {{gene: texts[number % len(texts)] for gene, texts in self.setting.choices.items()}}
        return {{"number": number, "genotype": genotype, "until": self.setting.epochs // (2 - part)}}

    def tell(self, number, until, error, share):
        self.asked += 1
        if share > 5:
            raise SystemExit(3)

serve({{"parts": Parts}}, "1.2")
"""


@pytest.fixture
def outside(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    module = importlib.import_module("peers.outside")
    server = tmp_path / "server.py"
    server.write_text(SERVER.format(folder=str(FOLDER / "peers")))
    monkeypatch.setitem(module.OUTSIDE, "toy parts", str(server))
    return module


def test_a_toolkit_is_asked_and_told_over_pipes(outside, capfd):
    toolkit = outside.Outside("toy parts", Path(sys.executable))
    for _ in range(2):  # a search after another begins anew
        toolkit.start(0, {"width": ["narrow", "wide"], "kernel": ["3"]}, epochs=4)
        jobs = []
        for _ in range(3):
            jobs.append(toolkit.ask())
            toolkit.tell(jobs[-1], error=0.2, share=0.5)
        assert [(job.number, job.until) for job in jobs] == [(0, 2), (0, 4), (1, 2)]
        assert [job.genotype for job in jobs] == [
            {"kernel": "3", "width": "narrow"}, {"kernel": "3", "width": "narrow"}, {"kernel": "3", "width": "wide"}
        ]  # fmt: skip
    assert toolkit.version == "1.2"
    toolkit.close()
    assert "what a toolkit prints" in capfd.readouterr().err


def test_a_toolkit_that_ends_is_noticed(outside):
    toolkit = outside.Outside("toy parts", Path(sys.executable))
    toolkit.start(0, {"width": ["narrow", "wide"]}, epochs=4)
    job = toolkit.ask()
    with pytest.raises(RuntimeError, match="toy parts ended with status 3"):
        toolkit.tell(job, error=0.2, share=6.0)


def test_a_training_in_parts_is_charged_once(outside):
    strategies = importlib.import_module("strategies")
    bench = strategies.Bench(FOLDER / "tables" / "digits-small.parquet", 4, Path(sys.executable))
    answers = bench.outside("toy parts", 0)
    assert bench.close() == {"toy parts": "1.2"}
    # Nine epochs each: 4 and then 5 more. Four trainings fit 36 epochs; 10% of them hold none.
    assert [answers[share].trained for share in strategies.COSTS] == [0, 1, 2, 4]
    assert all(0.5 < answers[share].worth <= 1 for share in (0.2, 0.5, 1.0))
