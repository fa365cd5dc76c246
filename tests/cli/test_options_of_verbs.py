"""Options of the command line come from where they are options_of, and nothing else needs to know of one."""

import json
from dataclasses import dataclass, field
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from seesaw_nas.cli.parts.declared import Change, take_changes, take_settings
from seesaw_nas.cli.parts.parameters import Json
from seesaw_nas.cli.parts.verbs import app, load_verbs
from seesaw_nas.core.errors import OptionError, RunError
from seesaw_nas.core.options import option, options_of
from seesaw_nas.deploy.latency import LatencySettings
from seesaw_nas.search.settings import CHANGEABLE, SearchSettings
from seesaw_nas.search.topics import Scheduling


@dataclass(frozen=True, slots=True)
class Later(Scheduling):
    """A topic with one option more than this release has."""

    patience: int = option("Patience in epochs.", default=3, least=1, changeable=True)


@dataclass(frozen=True, slots=True)
class LaterSettings(SearchSettings):
    scheduling: Later = field(default_factory=Later)


def answer(decorator, *typed):
    """What a verb with the decorator gets as its first argument, or the error; and what is printed."""
    received = []

    @decorator
    def toy(first, *, where: Annotated[str, typer.Argument()] = "", as_json: Json = False) -> None:
        received.append((first, where, as_json))

    alone = typer.Typer(rich_markup_mode=None)
    alone.command()(toy)
    result = CliRunner().invoke(alone, typed)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return received[0] if received else result.output


def test_a_field_more_is_an_option_a_key_of_run_json_and_a_check_without_another_edit():
    settings, where, as_json = answer(
        take_settings(LaterSettings), "here", "--patience", "5", "--trials", "2", "--json"
    )
    assert (settings, where, as_json) == (LaterSettings.of(patience=5, trials=2), "here", True)
    assert settings.scheduling.patience == 5
    written = json.loads(json.dumps(settings.to_dict()))
    assert written["patience"] == 5
    assert LaterSettings.from_dict(written) == settings
    assert "Patience in epochs." in answer(take_settings(LaterSettings), "--help")
    with pytest.raises(OptionError) as caught:
        answer(take_settings(LaterSettings), "--patience", "0")
    assert str(caught.value) == "--patience must be at least 1, got 0"
    assert answer(take_changes(LaterSettings), "--patience", "4")[0] == {"patience": 4}


def test_run_from_before_an_option_has_its_default():
    before = SearchSettings.of(trials=7).to_dict()
    assert LaterSettings.from_dict(before) == LaterSettings.of(trials=7)
    with pytest.raises(RunError, match="not those of this release"):
        SearchSettings.from_dict(LaterSettings().to_dict())


def test_every_option_of_a_search_is_handed_over():
    # a value that is not the default for each, of its type
    other = {
        "budget": "1M", "space": "s", "image_size": 16, "dataset": "cifar10", "recipe": "modern", "epochs": 2,
        "train_size": 9, "seed": 3, "device": "cuda:1", "threads": 2, "data_dir": "d", "cache_dir": "c",
        "strategy": "predicted", "objectives": "top1", "trials": 4, "seed_with": ("a", "b"),
        "scheduler": "asha", "reduction": 4, "min_epochs": 1, "evaluator": "tuned",
        "supernet": "n", "validation_size": 8, "curve": False,
        "supernet_epochs": 5, "sampling": "sandwich", "candidates": 60, "tuned": 7, "confirm": 2, "confirm_seeds": 4,
        "latency": True, "engine": "ray", "workers": 2, "workers_per_gpu": 3, "ray_address": "auto",
        "gpus_per_trial": 0.5, "rank": "observed", "tensorboard": True, "latency_profile": "f", "accept_spread": True,
    }  # fmt: skip
    left = {"table": "", "plan": "plain", "storage": "", "short_epochs": "0"}  # these do not go with the others
    assert other.keys() | left.keys() == {one.field for one in options_of(SearchSettings)}
    typed = []
    for one in options_of(SearchSettings):
        value = other.get(one.field)
        if isinstance(value, bool):
            typed.append(f"--{one.name}" if value else f"--no-{one.name}")
        elif isinstance(value, tuple):
            typed += [part for entry in value for part in (f"--{one.name}", entry)]
        elif value is not None:
            typed += [f"--{one.name}", str(value)]
    assert answer(take_settings(SearchSettings), *typed)[0].to_dict() == other | left


def test_nothing_given_is_the_defaults():
    assert answer(take_settings(SearchSettings))[0] == SearchSettings()
    assert answer(take_settings(LatencySettings))[0] == LatencySettings()
    assert answer(take_changes(SearchSettings))[0] == {}


def test_verb_takes_some_and_differs_in_name_default_and_place():
    some = take_settings(
        SearchSettings, "searched", "trials", "epochs",
        without=("image_size",), space=Change(argument=True), trials=Change(name="n", default=300),
    )  # fmt: skip
    assert answer(some, "here", "s", "--epochs", "3")[0] == SearchSettings.of(space="s", trials=300, epochs=3)
    text = answer(some, "--help")
    assert "--n " in text
    assert "--image-size" not in text
    assert "Default: the one for the data set" not in text  # a space is required here


def test_lists_are_written_with_commas_where_the_option_says_so():
    settings = answer(take_settings(LatencySettings), "--batch", "1,8", "--backends", "eager,fused")[0]
    assert (settings.batches, settings.backends) == ((1, 8), ("eager", "fused"))
    with pytest.raises(OptionError) as caught:
        answer(take_settings(LatencySettings), "--batch", "1,x")
    assert str(caught.value) == "cannot read --batch '1,x'; write whole numbers with commas, like 1,8,64"


def test_help_begins_with_a_capital_and_ends_with_a_stop():
    helps = {one.field: one.option.help for cls in (SearchSettings, LatencySettings) for one in options_of(cls)}
    assert [name for name, text in helps.items() if not (text[0].isupper() and text.endswith("."))] == []


def test_resume_offers_what_a_run_may_change():
    load_verbs()
    (resume,) = [one.callback for one in app.registered_commands if one.callback.__name__ == "resume"]
    assert set(CHANGEABLE) < set(resume.__signature__.parameters)
    assert set(CHANGEABLE) == {
        "trials", "device", "threads", "data_dir", "latency", "confirm", "confirm_seeds", "engine", "workers",
        "workers_per_gpu",
        "ray_address", "gpus_per_trial", "storage", "supernet", "dataset", "space", "table", "cache_dir", "rank",
            "tensorboard",
    }  # fmt: skip
