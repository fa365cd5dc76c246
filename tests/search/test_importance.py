"""Importances of genes, from the trials of a search."""

from dataclasses import replace

import numpy as np
import pytest

from seesaw_nas.core.errors import OptionError
from seesaw_nas.search.estimates.importance import METHODS, importances
from seesaw_nas.search.history.file_history import FileHistory
from seesaw_nas.search.history.lines import Genotypes
from seesaw_nas.search.history.trials_file import TrialsReader
from seesaw_nas.space import Feasible, encode, load

DECISIVE = "stage2.block1.expansion"


def searched(journal, top1, count=60):
    """The trials of a search of random draws with one failure, and their genes."""
    space = load("seesaw-digits")
    budget, rng = space.budget("100%"), np.random.default_rng(0)
    history = FileHistory(journal, space, budget)
    for i in range(count):
        architecture = Feasible(space, budget).draw_even(rng)
        number = history.add(architecture, "draw")
        told = {"top1": top1(encode(space, architecture))} if i != 1 else {"state": "failed"}
        history.finish(number, replace(history[number], **{"state": "complete"} | told))
    reader = TrialsReader(journal)
    return reader.read().genotypes, reader.records()


@pytest.mark.parametrize("method", METHODS)
def test_the_gene_that_decides_comes_first_and_all_add_up_to_one(tmp_path, method):
    genotypes, trials = searched(tmp_path / "trials.jsonl", lambda genes: 0.5 + 0.1 * int(genes[DECISIVE]))
    found = importances(trials, genotypes, method=method)
    assert next(iter(found)) == DECISIVE
    assert found[DECISIVE] > 3 / len(found)  # three times what an equal share would be
    assert sum(found.values()) == pytest.approx(1)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert {type(value) for value in found.values()} == {float}


def test_too_few_trials_or_equal_ones_tell_nothing(tmp_path):
    genotypes, few = searched(tmp_path / "few", lambda genes: int(genes[DECISIVE]) / 10, count=9)
    assert importances(few, genotypes) == {}
    genotypes, equal = searched(tmp_path / "equal", lambda _: 0.5)
    assert importances(equal, genotypes) == {}


def test_unknown_method_is_refused():
    with pytest.raises(OptionError, match=r"unknown method of importance 'shap' \(known: ped-anova, fanova\)"):
        importances([], Genotypes({}, {}), method="shap")
