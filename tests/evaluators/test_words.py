"""The words for what evaluators do and say."""

from __future__ import annotations

import pytest

from seesaw_nas.evaluators import EVALUATORS
from seesaw_nas.evaluators.words import TRAINED, words
from seesaw_nas.search.spread import Spread


@pytest.mark.parametrize(
    ("evaluator", "figure", "axis", "done"),
    [
        ("trained", "48.35%", "validation top-1 (%)", "trained"),
        ("tuned", "48.35%", "validation top-1 (%)", "tuned"),
        ("table", "48.35%", "recorded accuracy (%)", "recorded"),
        ("inherited", "0.48352", "score", "scored"),
        ("proxy:flow", "0.48352", "score", "scored"),
        ("python:count", "0.48352", "score", "scored"),
    ],
)
def test_figures_are_called_what_they_are(evaluator, figure, axis, done):
    said = words(evaluator)
    assert (said.figure(0.48352), said.axis("validation"), said.done) == (figure, axis, done)


def test_only_trainings_from_scratch_stand_beside_published_figures():
    assert [name for name in [*EVALUATORS, "python:count"] if words(name).published] == ["trained"]


def test_only_trainings_and_what_was_recorded_of_some_are_accuracies():
    assert [name for name in [*EVALUATORS, "python:count"] if words(name).is_accuracy] == ["trained", "table", "tuned"]


def test_means_have_the_unit_of_their_figures():
    spread = Spread(0.5, 0.0123, 3)
    assert TRAINED.spread(spread) == str(spread) == "50.00% +- 1.23 (3)"
    assert words("python:count").spread(spread) == "0.5 +- 0.012 (3)"
    assert words("python:count").about(483.791, None) == "483.8"


def test_time_is_said_to_be_timed_only_where_it_was():
    assert words("trained").timed == "from timed steps"
    assert words("proxy:flow").timed == words("inherited").timed == "from timed scores"
    assert words("table").timed == words("python:count").timed == ""
