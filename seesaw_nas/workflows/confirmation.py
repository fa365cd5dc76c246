"""Training the best of a search again with several seeds, so that its figures have a mean and a spread."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seesaw_nas.core.documents import DocumentError, read_json
from seesaw_nas.core.errors import RunError, SpecError
from seesaw_nas.core.fields import at_path, check_distinct, check_fraction, take_fields
from seesaw_nas.core.files import write_json
from seesaw_nas.core.typed import build, conform
from seesaw_nas.evaluators import Failure, attempt
from seesaw_nas.evaluators.words import words
from seesaw_nas.search.records import CompleteTrial
from seesaw_nas.search.spread import Spread

if TYPE_CHECKING:
    from seesaw_nas.evaluators import Evaluator
    from seesaw_nas.search.standing import Standing

OnBegin = Callable[[int, int, CompleteTrial], None]


@dataclass(frozen=True, slots=True)
class Repeat:
    """One more training of an architecture.

    Attributes:
        top1: on the validation split, a fraction; ``None`` where the training failed.
    """

    digest: str
    trial: int
    seed: int
    top1: float | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Ties:
    """Means that differ from the highest by less than the seeds' noise explains.

    Attributes:
        digests: of these, the highest one's first; empty without several trainings of one architecture.
        margin: of a difference that counts, for as many trainings as the highest one had: twice its standard error.
    """

    digests: tuple[str, ...] = ()
    margin: float = 0.0

    @classmethod
    def among(cls, spreads: Mapping[str, Spread]) -> Ties:
        """The noise is the pooled standard deviation, taken to be the same for all."""
        repeated = [spread for spread in spreads.values() if spread.sd is not None]
        if not repeated:
            return cls()
        freedom = sum(spread.n - 1 for spread in repeated)
        noise = math.sqrt(sum((spread.n - 1) * (spread.sd or 0.0) ** 2 for spread in repeated) / freedom)
        highest, *others = sorted(spreads, key=lambda digest: -spreads[digest].mean)
        top = spreads[highest]
        tied = [
            digest
            for digest in others
            if top.mean - spreads[digest].mean < 2 * noise * math.sqrt(1 / top.n + 1 / spreads[digest].n)
        ]
        return cls((highest, *tied), 2 * noise * math.sqrt(2 / top.n))

    def __str__(self) -> str:
        if not self.digests:
            return ""
        margin = f"a difference of {100 * self.margin:.2f} points or less is the seeds' noise"
        others = (
            f"{', '.join(self.digests[1:])} cannot be told from it" if self.digests[1:] else "no other comes near it"
        )
        return f"{self.digests[0]} is highest, {others}; {margin}"


@dataclass(frozen=True)
class Confirmed:
    """What the repeats found.

    Attributes:
        conditions: how they were trained: recipe, epochs, images.
    """

    conditions: Mapping[str, str] = field(default_factory=dict)
    repeats: tuple[Repeat, ...] = ()

    @property
    def spreads(self) -> dict[str, Spread]:
        """By digest; without the architectures whose repeats all failed."""
        found: dict[str, list[float]] = {}
        for repeat in self.repeats:
            if repeat.top1 is not None:
                found.setdefault(repeat.digest, []).append(repeat.top1)
        return {
            digest: Spread(statistics.fmean(top1), statistics.stdev(top1) if len(top1) > 1 else None, len(top1))
            for digest, top1 in found.items()
        }

    @property
    def ties(self) -> Ties:
        """Which of the means cannot be told from the highest."""
        return Ties.among(self.spreads)

    @property
    def means(self) -> dict[str, float]:
        """By digest."""
        return {digest: spread.mean for digest, spread in self.spreads.items()}


def read(path: Path) -> Confirmed:
    """What a run's ``confirmed.json`` says; nothing without one.

    Raises:
        RunError: the file is damaged.
    """
    if not path.exists():
        return Confirmed()
    try:
        return _confirmed(read_json(path))
    except (DocumentError, SpecError) as error:
        raise RunError(f"{path} is damaged ({error}); delete it to train the repeats again") from None


def _confirmed(value: Any) -> Confirmed:
    content = take_fields(value, ["conditions", "repeats"])
    conditions: Mapping[str, str] = conform("conditions", Mapping[str, str], content["conditions"])
    are_accuracies = words(conditions.get("evaluator", "trained")).is_accuracy
    repeats = []
    for i, entry in enumerate(conform("repeats", tuple[Any, ...], content["repeats"])):
        with at_path(f"repeats[{i}]"):
            repeats.append(repeat := build(Repeat, entry))
            if are_accuracies and repeat.top1 is not None:
                check_fraction("top1", repeat.top1)
    check_distinct("repeats", [f"{repeat.digest} with seed {repeat.seed}" for repeat in repeats])
    return Confirmed(conditions, tuple(repeats))


def candidates(standing: Standing, count: int) -> list[CompleteTrial]:
    """The trials of the ``count`` best architectures: front by front, of each the one worth most first."""
    return [row.trial for row in standing.first(count)]


def confirm(
    path: Path,
    chosen: Sequence[CompleteTrial],
    seeds: Sequence[int],
    evaluator: Evaluator,
    conditions: Mapping[str, str],
    on_begin: OnBegin | None = None,
) -> Confirmed:
    """Train each of ``chosen`` with each seed, but for those that ``path`` has already; it is replaced after each.

    Args:
        conditions: how ``evaluator`` trains; repeats from under others are begun anew.
        on_begin: told how many are done, of how many, and whose turn it is.

    Raises:
        RunError: the file is damaged.
    """
    before = read(path)
    repeats = list(before.repeats) if before.conditions == dict(conditions) else []
    there = {(repeat.digest, repeat.seed) for repeat in repeats}
    wanted = [(trial, seed) for trial in chosen for seed in seeds]
    for done, (trial, seed) in enumerate(wanted):
        if (trial.digest, seed) in there:
            continue
        if on_begin:
            on_begin(done, len(wanted), trial)
        repeats.append(_repeat(trial, seed, evaluator))
        write_json(path, _document(Confirmed(conditions, tuple(repeats))))
    return Confirmed(conditions, tuple(repeats))


def _repeat(trial: CompleteTrial, seed: int, evaluator: Evaluator) -> Repeat:
    score = attempt(lambda: evaluator.evaluate(trial.architecture, seed=seed))
    if isinstance(score, Failure):
        return Repeat(trial.digest, trial.number, seed, None, 0.0)
    return Repeat(trial.digest, trial.number, seed, score.top1, score.seconds)


def _document(confirmed: Confirmed) -> dict[str, Any]:
    return {"conditions": dict(confirmed.conditions), "repeats": [asdict(repeat) for repeat in confirmed.repeats]}
