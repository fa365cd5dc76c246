"""Importances of genes, from the trials of a journal."""

from dataclasses import replace

import numpy as np
import pytest

from seesaw_nas.core.errors import OptionError, RunError
from seesaw_nas.search.estimates.importance import METHODS, importances
from seesaw_nas.search.history.history import History
from seesaw_nas.search.history.journal import open_study
from seesaw_nas.search.history.reading import read_trials
from seesaw_nas.space import Feasible, encode, load

DECISIVE = "stage2.block1.expansion"


def searched(journal, top1, count=60):
    """The trials of a search of random draws with one duplicate and one failure."""
    space = load("seesaw-digits")
    budget, rng = space.budget("100%"), np.random.default_rng(0)
    history = History(open_study(journal, "made up"), space, budget)
    for i in range(count):
        architecture = Feasible(space, budget).draw_even(rng)
        number = history.add(architecture, "draw")
        told = {"top1": top1(encode(space, architecture))} if i != 1 else {"state": "failed"}
        history.finish(number, replace(history[number], **{"state": "complete"} | told))
    return read_trials(journal)


@pytest.mark.parametrize("method", METHODS)
def test_the_gene_that_decides_comes_first_and_all_add_up_to_one(tmp_path, method):
    trials = searched(tmp_path / "optuna.journal", lambda genes: 0.5 + 0.1 * int(genes[DECISIVE]))
    found = importances(trials, method=method)
    assert next(iter(found)) == DECISIVE
    assert found[DECISIVE] > 3 / len(found)  # three times what an equal share would be
    assert sum(found.values()) == pytest.approx(1)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert {type(value) for value in found.values()} == {float}


def test_too_few_trials_or_equal_ones_tell_nothing(tmp_path):
    assert importances(searched(tmp_path / "few", lambda genes: int(genes[DECISIVE]) / 10, count=9)) == {}
    assert importances(searched(tmp_path / "equal", lambda _: 0.5)) == {}


def test_what_is_no_journal_or_no_method_is_refused(tmp_path):
    (tmp_path / "broken").write_text("{}\n")
    with pytest.raises(RunError, match="is not a readable Optuna journal"):
        read_trials(tmp_path / "broken")
    with pytest.raises(OptionError, match=r"unknown method of importance 'shap' \(known: ped-anova, fanova\)"):
        importances([], method="shap")
