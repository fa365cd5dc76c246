"""The evaluators that an audit knows, by name: proxies, early epochs, the predictor, and what a search has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seesaw_nas.core.errors import OptionError, known
from seesaw_nas.evaluators import EVALUATORS, PROXY, SUPERNET, needs
from seesaw_nas.evaluators.proxies import PROXIES

EPOCH, SHORT, PREDICTOR = "epoch", "short", "predictor"
MOST_EPOCHS = 8  # of a curve, where they are not asked for one by one


def describe(name: str) -> str:
    """What an evaluator is, in words."""
    if name.startswith(f"{EPOCH}-"):
        return f"top-1 after epoch {epoch_of(name)} of the recorded trainings"
    if epochs := short_of(name):
        return f"trained from scratch for {epochs} epoch{'s' if epochs > 1 else ''}, on a schedule of its own"
    words = {PREDICTOR: "predicted from the other trainings, by cross-validation", **PROXIES}
    return words[name] if name in words else EVALUATORS[name].what


def epoch_of(name: str) -> int:
    """The K of ``epoch-K``; 0 for another evaluator."""
    return int(name.removeprefix(f"{EPOCH}-")) if name.startswith(f"{EPOCH}-") else 0


def short_of(name: str) -> int:
    """The K of ``short-K``, a training by itself; 0 for another evaluator."""
    number = name.removeprefix(f"{SHORT}-")
    return int(number) if number != name and number.isdecimal() else 0


def choose_evaluators(asked: Sequence[str], evaluated: Sequence[int], supernet: str) -> list[str]:
    """The names of the evaluators to audit, each once.

    Args:
        asked: names; ``epoch`` stands for several of ``epoch-1`` and on, ``short-2`` for a training of two epochs.
            Empty for all that need nothing further: proxies, epochs, the predictor, and ``inherited`` where there is
            a supernet.
        evaluated: the epochs before the last after which trainings were evaluated, ascending.
        supernet: a folder; empty for none.

    Raises:
        OptionError: a name is unknown, or wants a supernet.
    """
    several = [f"{EPOCH}-{k}" for k in _spaced(evaluated)]
    if not asked:
        return [*PROXIES, *several, PREDICTOR, *(["inherited"] if supernet else [])]
    every = [f"{EPOCH}-{k}" for k in evaluated]
    called = [name for name, entry in EVALUATORS.items() if not entry.is_truth and not name.startswith(PROXY)]
    known_names = [*PROXIES, PREDICTOR, *called, EPOCH, *every]
    for name in asked:
        if name not in known_names and not short_of(name):
            raise OptionError(known("evaluator to audit", name, [*known_names, f"{SHORT}-1"]))
        if needs(name) == SUPERNET and not supernet:
            raise OptionError(f"evaluator {name} wants --supernet FOLDER; `seesaw-nas supernet` makes one")
    return list(dict.fromkeys(name for each in asked for name in (several if each == EPOCH else [each])))


def _spaced(epochs: Sequence[int]) -> list[int]:
    """At most ``MOST_EPOCHS`` of them, evenly."""
    if not epochs:
        return []
    places = np.linspace(0, len(epochs) - 1, min(len(epochs), MOST_EPOCHS))
    return [epochs[i] for i in places.round().astype(int)]
