"""SearchProgress of a search that a program runs: one output in a notebook, lines elsewhere."""

import sys
from types import SimpleNamespace

import pytest

from seesaw_nas.search.records import TrialRecord
from seesaw_nas.training.epoch import Epoch
from seesaw_nas.workflows import notebook
from seesaw_nas.workflows.notebook import SearchProgress, in_notebook


def record(number, state="complete", top1=None, reason=""):
    return TrialRecord(number=number, state=state, architecture=None, macs=None, params=None, top1=top1, reason=reason)


@pytest.fixture
def cell(monkeypatch):
    """A notebook's cell: the pages that its one output has had."""
    pages = []

    class Handle:
        def update(self, page):
            pages.append(page)

    def display(page, display_id):
        pages.append(page)
        return Handle()

    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display, HTML=str))
    return pages


def test_a_notebook_is_told_from_a_terminal(monkeypatch, cell):
    assert in_notebook()
    terminal = SimpleNamespace(get_ipython=lambda: SimpleNamespace())  # IPython's own shell has no kernel
    monkeypatch.setitem(sys.modules, "IPython", terminal)
    assert not in_notebook()
    monkeypatch.delitem(sys.modules, "IPython")
    assert not in_notebook()


def test_one_output_shows_trials_best_and_what_runs(cell, capsys):
    progress = SearchProgress(trials=4)
    progress.begun(0, None, 300_000)
    assert "0 of 4 trials<br>trial 0, 300.0K Multi-Adds" in cell[-1]
    progress.epoch(Epoch(1, 1.0, 1.0, 0.5, 1.0))
    assert "trial 0, 300.0K Multi-Adds: epoch 1, 50.00%" in cell[-1]
    progress.ended(record(0, top1=0.75))
    progress.ended(record(1, "duplicate", top1=0.75))
    progress.ended(record(2, "failed", reason="<nan>"))
    assert "2 of 4 trials<br>best 75.00% by trial 0<br>about " in cell[-1]
    assert "width:50.0%" in cell[-1]
    assert capsys.readouterr() == ("", "")


def test_steps_do_not_redraw_at_every_one(cell, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(notebook.time, "monotonic", lambda: now[0])
    progress = SearchProgress(trials=1)
    progress.begun(0, None, 1)
    before = len(cell)
    for step in range(1, 101):
        now[0] += 0.01
        progress.step(step, 100)
    assert 3 <= len(cell) - before <= 4  # of 100, in one second
    assert "trial 0, 1 Multi-Adds: " in cell[-1]


def test_elsewhere_each_trial_has_a_line_on_standard_error(capsys):
    progress = SearchProgress(trials=2)
    progress.begun(0, None, 300_000)
    progress.step(1, 2)
    progress.ended(record(0, "failed", reason="no memory"))
    progress.ended(record(1, top1=0.5))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[0].startswith("trial 0: no memory; 1 of 2 trials; about ")
    assert err.splitlines()[1] == "trial 1: 50.00%; 2 of 2 trials; best 50.00% by trial 1"
