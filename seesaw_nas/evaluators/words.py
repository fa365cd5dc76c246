"""The words for what an evaluator does and says: the one home of them for terminal, JSON, reports and comparisons.

Only a network that was trained has a top-1. What a table recorded is called recorded, and everything else, of proxies,
inherited weights and functions, is a score, written as the number that it is. Importing this loads no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from seesaw_nas.core.units import format_top1
from seesaw_nas.evaluators import PROXY, TABLE, describe, needs, trains


@dataclass(frozen=True, slots=True)
class Words:
    """How to speak of one evaluator and its figures.

    Attributes:
        score: what a figure is, such as ``top-1``, in text and as the heading of a column.
        done: what became of an architecture that has one, such as ``trained``.
        many: what its evaluations are, such as ``trainings``.
        told: what the figures are, in a heading.
        timed: where an estimate of the time is from; empty where there is none.
        is_share: whether figures are fractions from 0 to 1 that are shown in percent.
        is_accuracy: whether they are accuracies of trained networks, measured or recorded.
        split: whether it matters which split they are from.
        published: whether the paper's figures may stand beside them.
    """

    score: str
    done: str
    many: str
    told: str
    timed: str = ""
    is_share: bool = True
    is_accuracy: bool = True
    split: bool = True
    published: bool = False

    @property
    def key(self) -> str:
        """The name of a figure in JSON."""
        return "top1" if self.is_accuracy else "score"

    @property
    def noun(self) -> str:
        """What a figure is, within a sentence: ``top-1``, ``recorded accuracy`` or ``score``."""
        return f"{self.score} accuracy" if self.score == "recorded" else self.score

    @property
    def scale(self) -> int:
        """What figures are multiplied by to be drawn."""
        return 100 if self.is_share else 1

    @property
    def unit(self) -> str:
        """What stands behind a figure that is drawn."""
        return "%" if self.is_share else ""

    def axis(self, splits: str = "") -> str:
        """The title of an axis; ``splits`` are those that the figures are from."""
        name = f"{splits} {self.noun}" if splits and self.split else self.noun
        return f"{name} (%)" if self.is_share else name

    def figure(self, value: float) -> str:
        """A figure as text: ``48.35%``, or a score as it is."""
        return format_top1(value) if self.is_share else f"{value:.6g}"

    def about(self, mean: float, sd: float | None) -> str:
        """A mean with its standard deviation, as text."""
        if not self.is_share:
            return f"{mean:.4g}" + ("" if sd is None else f" +- {sd:.2g}")
        return f"{mean:.2%}" + ("" if sd is None else f" +- {100 * sd:.2f}")

    def estimate(self, figures: Any) -> str:
        """What is estimated of an architecture, of :class:`seesaw_nas.search.worth.Figures`."""
        return self.about(figures.estimate, figures.estimate_sd)

    def spread(self, spread: Any) -> str:
        """Repeats of an architecture, of :class:`seesaw_nas.search.spread.Spread`."""
        return f"{self.about(spread.mean, spread.sd)} ({spread.n})"


TIMED_STEP, TIMED_SCORE = "from timed steps", "from timed scores"
TRAINED = Words(
    "top-1", "trained", "trainings", "top-1 on the validation split, one seed each", TIMED_STEP, published=True
)
TUNED = Words(
    "top-1",
    "tuned",
    "trainings",
    "top-1 on the validation split after training on from a supernet's weights",
    TIMED_STEP,
)
RECORDED = Words("recorded", "recorded", "evaluations", "accuracy as the table recorded it, one seed each", split=False)


def words(evaluator: str) -> Words:
    """How to speak of the evaluator of this name; a name that is not in the registry is a program's own."""
    if needs(evaluator) == TABLE:
        return RECORDED
    if evaluator == "trained":
        return TRAINED
    if trains(evaluator):
        return TUNED
    is_own = describe(evaluator) == "an object of the program"
    told = f"scores of {evaluator}" if is_own or evaluator.startswith(PROXY) else "scores with inherited weights"
    return Words(
        "score",
        "scored",
        "evaluations",
        f"{told}, no accuracy of trained networks" if not is_own else told,
        "" if is_own else TIMED_SCORE,
        is_share=False,
        is_accuracy=False,
        split=False,
    )
