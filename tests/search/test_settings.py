import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seesaw_nas.core.errors import OptionError, RunError, SeesawError
from seesaw_nas.evaluators import EVALUATORS
from seesaw_nas.search import STRATEGIES, SearchSettings
from seesaw_nas.search.halving import SCHEDULERS
from seesaw_nas.search.settings import FIRST
from seesaw_nas.search.strategies import OBJECTIVES

TUNNED = f"unknown evaluator 'tunned', did you mean 'tuned'? (known: {', '.join(EVALUATORS)})"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"strategy": "tpee"},
            f"unknown strategy 'tpee', did you mean 'tpe'? (known: {', '.join(STRATEGIES)})",
        ),
        ({"evaluator": "tunned"}, TUNNED),
        (
            {"recipe": "quik"},
            "unknown recipe 'quik', did you mean 'quick'? (known: paper, paper-imagenet, modern, quick)",
        ),
        ({"objectives": "top-1"}, "unknown objectives 'top-1', did you mean 'top1'? (known: front, top1, top1,COST)"),
        ({"objectives": "python:x"}, "unknown objectives 'python:x' (known: front, top1, top1,COST)"),
        ({"scheduler": "ash"}, "unknown scheduler 'ash', did you mean 'asha'? (known: none, asha, hyperband, moasha)"),
        ({"table": "t"}, "--evaluator table wants --table FILE, no other does; `seesaw-nas tabulate` makes one"),
        (
            {"evaluator": "table"},
            "--evaluator table wants --table FILE, no other does; `seesaw-nas tabulate` makes one",
        ),
        ({"reduction": 1}, "--reduction must be at least 2, got 1"),
        ({"min_epochs": -1}, "--min-epochs must be at least 0, got -1"),
        ({"trials": 0}, "--trials must be at least 1, got 0"),
        ({"trials": -3}, "--trials must be at least 1, got -3"),
        ({"epochs": -1}, "--epochs must be at least 0, got -1"),
        ({"train_size": -1}, "--train-size must be at least 0, got -1"),
        ({"seed": -1}, "--seed must be at least 0, got -1"),
        ({"image_size": -8}, "--image-size must be at least 0, got -8"),
        ({"validation_size": -1}, "--validation-size must be at least 0, got -1"),
        (
            {"evaluator": "inherited"},
            "--evaluator inherited wants --supernet FOLDER; `seesaw-nas supernet` makes one",
        ),
        ({"evaluator": "tuned"}, "--evaluator tuned wants --supernet FOLDER; `seesaw-nas supernet` makes one"),
        ({"supernet": "s"}, "--supernet is for --evaluator inherited, tuned and --strategy predicted; leave it out"),
        ({"plan": "share"}, "unknown plan 'share', did you mean 'shared'? (known: plain, shared)"),
        (
            {"sampling": "sandwhich"},
            "unknown sampling 'sandwhich', did you mean 'sandwich'? (known: single-path, sandwich)",
        ),
        (
            {"plan": "shared", "evaluator": "table", "table": "t"},
            "--plan shared chooses its evaluators itself; leave out --evaluator table",
        ),
        (
            {"plan": "shared", "scheduler": "asha"},
            "--plan shared halves in rounds of its own; leave out --scheduler asha",
        ),
        (
            {"plan": "shared", "storage": "sqlite:///x"},
            "--plan shared keeps its stages in the run's folder; leave out --storage",
        ),
        (
            {"plan": "shared", "candidates": 10},
            "--plan shared narrows down from --candidates to --tuned, got 10 and 100",
        ),
        ({"candidates": -1}, "--candidates must be at least 0, got -1"),
    ],
)
def test_impossible_settings_are_refused(change, message):
    with pytest.raises(OptionError) as caught:
        SearchSettings.of(**change)
    assert str(caught.value) == message


@given(
    st.builds(
        SearchSettings.of,
        dataset=st.text(),
        budget=st.text(),
        space=st.text(),
        strategy=st.sampled_from(sorted(STRATEGIES)),
        trials=st.integers(1, 10**7),
        recipe=st.sampled_from(["quick", "paper"]),
        epochs=st.integers(0, 100_000),
        train_size=st.integers(0),
        seed=st.integers(0, 2**53),
        device=st.text(),
        data_dir=st.text(),
        image_size=st.integers(0, 2048),
        cache_dir=st.text(),
        latency=st.booleans(),
        objectives=st.sampled_from(sorted(OBJECTIVES)),
        scheduler=st.sampled_from(sorted(SCHEDULERS)),
        reduction=st.integers(2, 100_000),
        min_epochs=st.integers(0, 100_000),
        seed_with=st.lists(st.text()).map(tuple),
    )
)
def test_settings_survive_run_json(settings):
    assert SearchSettings.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings


@pytest.mark.parametrize("value", [None, [], {}, {"trials": 3}, SearchSettings().to_dict() | {"more": 1}])
def test_settings_of_another_release_are_refused(value):
    with pytest.raises(
        RunError, match=r"not those of this release; wanted: accept_spread, budget, cache_dir, .*, trials, .*, workers"
    ):
        SearchSettings.from_dict(value)


LATER = [name for name in SearchSettings().to_dict() if name not in FIRST]


@pytest.mark.parametrize("names", [[name] for name in LATER] + [LATER], ids="+".join)
def test_settings_of_a_run_before_there_were_such_mean_what_it_did(names):
    earlier = {key: value for key, value in SearchSettings.of(trials=3).to_dict().items() if key not in names}
    found = SearchSettings.from_dict(earlier)
    before = {"rank": "observed"} if "rank" in names else {}  # the only rule there was
    assert found == SearchSettings.of(trials=3, **before)
    meant = {"latency": False, "cache_dir": "", "objectives": "front", "scheduler": "none", "engine": "serial"}
    assert {name: found.to_dict()[name] for name in meant} == meant


@pytest.mark.parametrize("kind", ["strategy", "evaluator"])
def test_object_of_a_program_is_named_and_not_known(kind):
    settings = SearchSettings.of(**{kind: "python:Mine"})
    assert SearchSettings.from_dict(settings.to_dict()) == settings


@pytest.mark.parametrize(
    ("settings", "levels"),
    [
        ({}, (9,)),
        ({"scheduler": "asha"}, (3, 9)),  # a third of 9 epochs at least
        ({"scheduler": "asha", "min_epochs": 1}, (1, 3, 9)),
        ({"scheduler": "moasha", "reduction": 2}, (5, 9)),
        ({"scheduler": "hyperband", "reduction": 2, "min_epochs": 1}, (1, 2, 3, 5, 9)),
        ({"scheduler": "none", "min_epochs": 1}, (9,)),
    ],
)
def test_trials_pause_where_the_scheduler_says(settings, levels):
    assert SearchSettings.of(**settings).halving(9).levels == levels


def test_more_epochs_at_least_than_a_whole_training_has_are_refused():
    with pytest.raises(OptionError) as caught:
        SearchSettings.of(scheduler="asha", min_epochs=10).halving(9)
    assert str(caught.value) == "--min-epochs must lie within 1 to the 9 epochs of a trial, got 10"


@given(st.sampled_from(sorted(SearchSettings().to_dict())), st.sampled_from([None, [], {}, "x", 1.5]))
def test_settings_edited_by_hand_never_end_in_another_error(key, value):
    with contextlib.suppress(SeesawError):
        SearchSettings.from_dict(SearchSettings().to_dict() | {key: value})


def test_epochs_replace_those_of_the_recipe():
    assert SearchSettings.of(recipe="paper").training.fitted_recipe.epochs == 400  # the paper's, section 4.1
    assert SearchSettings.of(recipe="paper", epochs=3).training.fitted_recipe.epochs == 3


@pytest.mark.parametrize(
    ("dataset", "size", "name"),
    [
        ("digits", 8, "seesaw-digits"),
        ("cifar100", 32, "seesaw-cifar"),
        ("photos", 64, "seesaw-cifar"),
        ("photos", 224, "seesaw-imagenet"),
    ],
)
def test_space_fits_the_images_unless_one_is_named(dataset, size, name):
    settings = SearchSettings.of(dataset=dataset)
    found = settings.load_space(size, 1, 7)
    assert (found.name, found.input_size, found.input_channels, found.classes) == (name, size, 1, 7)
    assert settings.replace(space="seesaw-cifar-tiny").load_space(size, 1, 7).name == "seesaw-cifar-tiny"
