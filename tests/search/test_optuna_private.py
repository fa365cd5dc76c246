"""The names of Optuna that are not promised: each is there in the installed release, and says so where it is not."""

import optuna
import pytest

from seesaw_nas.core.errors import RunError
from seesaw_nas.search.history import optuna_private

INSTALLED = f"Optuna {optuna.__version__}"


@pytest.fixture
def study():
    return optuna.create_study()


def test_the_storage_of_a_study_has_its_trials(study):
    asked = study.ask()
    found = optuna_private.storage(study).get_trial(optuna_private.trial_id(asked))
    assert found.number == asked.number == 0, f"{INSTALLED} keeps a study's trials elsewhere"


def test_a_finished_trial_is_known_by_the_same_number(study):
    asked = study.ask()
    study.tell(asked, 0.5)
    (frozen,) = study.get_trials()
    assert optuna_private.trial_id(frozen) == optuna_private.trial_id(asked), f"{INSTALLED} numbers trials anew"


def test_nsga2_notes_the_generation_under_the_key():
    study = optuna.create_study(sampler=optuna.samplers.NSGAIISampler(population_size=2, seed=0))
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=5)
    generations = [trial.system_attrs.get(optuna_private.generation_key()) for trial in study.get_trials()]
    assert generations == [0, 0, 1, 1, 2], f"{INSTALLED} notes the generation of a trial under another key"


def test_what_samplers_note_is_read_and_set(study):
    trial = study.ask()
    trial.set_user_attr("ours", 1)
    optuna_private.open_trial(study, 0).set_user_attr("mine", {"a": 1})
    assert study.trials[0].user_attrs == {"ours": 1, "mine": {"a": 1}}
    assert optuna_private.attributes(study, 0) == {}
    optuna_private.set_study_attribute(study, "parents", [0])
    assert optuna_private.study_attributes(study) == {"parents": [0]}, f"{INSTALLED} keeps them elsewhere"


@pytest.mark.parametrize("read", [optuna_private.storage, optuna_private.trial_id])
def test_a_name_that_is_gone_is_one_line(read):
    class Changed:
        """What a later release might hand out."""

    with pytest.raises(RunError) as caught:
        read(Changed())
    name = {"storage": "_storage", "trial_id": "_trial_id"}[read.__name__]
    assert str(caught.value) == (
        f"{INSTALLED} has no Changed.{name}, which the history of a search needs; "
        f"install the release that constraints.txt names"
    )
