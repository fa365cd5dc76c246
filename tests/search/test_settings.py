import contextlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seesaw_nas.errors import OptionError, RunError, SeesawError
from seesaw_nas.search import STRATEGIES, SearchSettings


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"strategy": "tpee"}, "unknown strategy 'tpee', did you mean 'tpe'? (known: random, tpe)"),
        ({"evaluator": "guessed"}, "unknown evaluator 'guessed' (known: trained, table)"),
        (
            {"recipe": "quik"},
            "unknown recipe 'quik', did you mean 'quick'? (known: paper, paper-imagenet, modern, quick)",
        ),
        ({"trials": 0}, "--trials must be at least 1, got 0"),
        ({"trials": -3}, "--trials must be at least 1, got -3"),
        ({"epochs": -1}, "--epochs must be at least 0, got -1"),
        ({"train_size": -1}, "--train-size must be at least 0, got -1"),
        ({"seed": -1}, "--seed must be at least 0, got -1"),
        ({"image_size": -8}, "--image-size must be at least 0, got -8"),
    ],
)
def test_impossible_settings_are_refused(change, message):
    with pytest.raises(OptionError) as caught:
        SearchSettings(**change)
    assert str(caught.value) == message


@given(
    st.builds(
        SearchSettings,
        dataset=st.text(),
        budget=st.text(),
        space=st.text(),
        strategy=st.sampled_from(sorted(STRATEGIES)),
        trials=st.integers(1),
        recipe=st.sampled_from(["quick", "paper"]),
        epochs=st.integers(0),
        train_size=st.integers(0),
        seed=st.integers(0),
        device=st.text(),
        data_dir=st.text(),
        image_size=st.integers(0),
        cache_dir=st.text(),
        latency=st.booleans(),
    )
)
def test_settings_survive_run_json(settings):
    assert SearchSettings.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings


@pytest.mark.parametrize("value", [None, [], {}, {"trials": 3}, SearchSettings().to_dict() | {"more": 1}])
def test_settings_of_another_release_are_refused(value):
    with pytest.raises(RunError, match=r"not those of this release; wanted: budget, cache_dir, data_dir, .*, trials"):
        SearchSettings.from_dict(value)


@pytest.mark.parametrize("name", ["latency", "cache_dir"])
def test_settings_of_a_run_before_there_were_latencies_and_caches_have_none(name):
    earlier = {key: value for key, value in SearchSettings(trials=3).to_dict().items() if key != name}
    assert SearchSettings.from_dict(earlier) == SearchSettings(trials=3, latency=False, cache_dir="")


@given(st.sampled_from(sorted(SearchSettings().to_dict())), st.sampled_from([None, [], {}, "x", 1.5]))
def test_settings_edited_by_hand_never_end_in_another_error(key, value):
    with contextlib.suppress(SeesawError):
        SearchSettings.from_dict(SearchSettings().to_dict() | {key: value})


def test_epochs_replace_those_of_the_recipe():
    assert SearchSettings(recipe="paper").fitted_recipe.epochs == 400  # the paper's, section 4.1
    assert SearchSettings(recipe="paper", epochs=3).fitted_recipe.epochs == 3


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
    settings = SearchSettings(dataset=dataset)
    found = settings.load_space(size, 1, 7)
    assert (found.name, found.input_size, found.input_channels, found.classes) == (name, size, 1, 7)
    assert replace(settings, space="seesaw-cifar-tiny").load_space(size, 1, 7).name == "seesaw-cifar-tiny"
