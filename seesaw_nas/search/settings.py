"""What a search is asked to do: one frozen value, kept in the run's ``run.json`` so that it can be resumed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from seesaw_nas.core import options
from seesaw_nas.core.errors import OptionError, RunError
from seesaw_nas.core.units import write_budget
from seesaw_nas.data import default_space
from seesaw_nas.evaluators import EVALUATORS, SUPERNET, is_truth, that_need
from seesaw_nas.search import halving
from seesaw_nas.search.halving import Amount, Halving, macs_of
from seesaw_nas.search.spending import AUTO
from seesaw_nas.search.strategies import DEFAULT_STRATEGY, STRATEGIES, takes_short, takes_supernet
from seesaw_nas.search.topics import (
    ENGINES,
    ESTIMATE,
    OBSERVED,
    PLANS,
    PYTHON,
    Ending,
    Placement,
    Proposals,
    Scheduling,
    Scoring,
    Searched,
    Steps,
)
from seesaw_nas.training.options import Training

if TYPE_CHECKING:
    from seesaw_nas.space import Space

__all__ = ["CHANGEABLE", "ENGINES", "PLANS", "PYTHON", "SHARING", "SearchSettings"]

SHARED_WINNERS = 3
SHARING = that_need(SUPERNET)
FIRST = {  # options of the first release, which every record holds; others may be missing
    "dataset", "budget", "space", "strategy", "evaluator", "trials", "recipe", "epochs", "train_size", "seed", "device",
    "data_dir", "image_size",
}  # fmt: skip
LARGE_IMAGE = 96  # pixels; a folder of images at least this large gets the ImageNet layout


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """What to search, on what, for how long, by topic; :meth:`of` makes one from flat names."""

    searched: Searched = field(default_factory=Searched)
    training: Training = field(default_factory=Training)
    proposals: Proposals = field(default_factory=Proposals)
    scheduling: Scheduling = field(default_factory=Scheduling)
    scoring: Scoring = field(default_factory=Scoring)
    steps: Steps = field(default_factory=Steps)
    ending: Ending = field(default_factory=Ending)
    placement: Placement = field(default_factory=Placement)

    def __post_init__(self) -> None:
        """Refuse topics that do not go together."""
        options.check(self)
        evaluator, scheduler, storage = self.scoring.evaluator, self.scheduling.scheduler, self.placement.storage
        if (evaluator in SHARING) > bool(self.scoring.supernet):
            raise OptionError(f"--evaluator {evaluator} wants --supernet FOLDER; `seesaw-nas supernet` makes one")
        if self.scoring.supernet and evaluator not in SHARING and not takes_supernet(self.proposals.strategy):
            learning = ", ".join(name for name in STRATEGIES if takes_supernet(name))
            raise OptionError(
                f"--supernet is for --evaluator {', '.join(SHARING)} and --strategy {learning}; leave it out"
            )
        if self.steps.plan == "shared":
            if evaluator != "trained":
                raise OptionError(f"--plan shared chooses its evaluators itself; leave out --evaluator {evaluator}")
            if scheduler != "none":
                raise OptionError(f"--plan shared halves in rounds of its own; leave out --scheduler {scheduler}")
            if storage:
                raise OptionError("--plan shared keeps its stages in the run's folder; leave out --storage")
        if self.proposals.short_epochs.strip("0"):
            self._check_short()
        if storage and scheduler != "none":
            raise OptionError(f"--scheduler {scheduler} wants the history in the run's file; leave out --storage")

    def _check_short(self) -> None:
        """Refuse what short trainings cannot be combined with; by themselves, they are left out there."""
        option, strategy = f"--short-epochs {self.proposals.short_epochs}", self.proposals.strategy
        if self.proposals.short_epochs == AUTO:
            return
        if self.scheduling.scheduler != "none":
            raise OptionError(
                f"{option} wants --scheduler none, got {self.scheduling.scheduler}; leave out one of them"
            )
        if self.steps.plan == "shared":
            raise OptionError(f"{option} is no part of --plan shared, which halves in rounds of its own; leave it out")
        if not takes_short(strategy):
            able = ", ".join(name for name in STRATEGIES if takes_short(name))
            raise OptionError(f"{option} wants a strategy that can use short trainings: {able}; got {strategy}")
        if self.scoring.evaluator in EVALUATORS and not is_truth(self.scoring.evaluator):
            raise OptionError(
                f"{option} wants an evaluator that trains from scratch, got {self.scoring.evaluator}; leave it out"
            )

    @property
    def short_may_pay(self) -> bool:
        """Whether a search by these settings may begin with short trainings by itself."""
        proposals, plain = self.proposals, self.scheduling.scheduler == "none" and self.steps.plan == "plain"
        return plain and proposals.strategy == DEFAULT_STRATEGY and self.ending.rank == ESTIMATE

    @classmethod
    def of(cls, **values: Any) -> SearchSettings:
        """Settings from options by their flat names, such as ``of(dataset="cifar10", trials=8)``.

        A budget may be a whole number, too.

        Raises:
            TypeError: there is no such option.
            OptionError: a value is not allowed.
        """
        return options.compose(cls, _with_written(values))

    def replace(self, **values: Any) -> SearchSettings:
        """The same with these values in place of its own; raises as :meth:`of`."""
        return options.change(self, _with_written(values))

    @property
    def all_alike(self) -> bool:
        """Whether every trial is trained for as many epochs."""
        return self.scheduling.scheduler == "none" and not self.proposals.short_epochs.strip("0")

    @property
    def trains_here(self) -> bool:
        """Whether trials are trained in the process that proposes them."""
        return self.placement.engine == "serial"

    def halving(self, epochs: int, amount: Amount = macs_of) -> Halving:
        """Which of the trials is trained how far.

        Args:
            epochs: of a whole training.
            amount: what the architecture of a trial costs.

        Raises:
            OptionError: ``min_epochs`` is more than that.
        """
        wanted = self.scheduling
        minimum = wanted.min_epochs or math.ceil(epochs / wanted.reduction)
        return halving.make(wanted.scheduler, epochs, reduction=wanted.reduction, minimum=minimum, amount=amount)

    @property
    def winners(self) -> int:
        """How many of the best to train again: by plan ``shared`` three where no number is given."""
        return self.ending.confirm or (SHARED_WINNERS if self.steps.plan == "shared" else 0)

    @property
    def whole(self) -> SearchSettings:
        """The same with the recipe's own epochs and all training images: how the best are trained in the end."""
        return self.replace(epochs=0, train_size=0)

    def load_space(self, input_size: int, input_channels: int, classes: int) -> Space:
        """The space to search, for images of this kind."""
        from seesaw_nas.space import load  # numpy, which --help can do without

        fallback = "seesaw-imagenet" if input_size >= LARGE_IMAGE else "seesaw-cifar"
        space = load(self.searched.space or default_space(self.training.dataset) or fallback)
        return space.adapt(input_size, input_channels, classes)

    def to_dict(self) -> dict[str, Any]:
        """All options by their flat names, as plain JSON values."""
        return options.flatten(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> SearchSettings:
        """What :meth:`to_dict` wrote, in this release or an earlier one.

        Raises:
            RunError: the options are not those of this release.
        """
        wanted = {one.field for one in options.options_of(cls)}
        if not isinstance(value, Mapping) or value.keys() - wanted or FIRST - value.keys():
            raise RunError(f"the run's settings are not those of this release; wanted: {', '.join(sorted(wanted))}")
        try:
            # before there were these options, that was the rule
            return options.read(cls, {"rank": OBSERVED, "short_epochs": "0"} | dict(value))
        except options.KindError as error:
            raise RunError(f"the run's settings hold a value of the wrong kind: {error}") from None


def _with_written(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of options, with a budget and epochs of short trainings as texts."""
    found = {**values, **({"budget": write_budget(values["budget"])} if "budget" in values else {})}
    short = found.get("short_epochs")
    return found | ({"short_epochs": str(short)} if type(short) is int else {})


CHANGEABLE = tuple(one.field for one in options.options_of(SearchSettings) if one.option.changeable)
