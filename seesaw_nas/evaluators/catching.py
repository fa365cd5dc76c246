"""An evaluator some of whose exceptions cost one trial and not the search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import TrainingFailed
from seesaw_nas.evaluators.attempt import at_once, on_device
from seesaw_nas.evaluators.base import Evaluator, Request, Score
from seesaw_nas.training import memory

if TYPE_CHECKING:
    import torch

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class CatchingEvaluator(Evaluator):
    """Scores as another evaluator does; what that raises of these kinds fails the trial.

    Memory that ran out is left to the search, which tries such a trial again where nothing else runs.

    Attributes:
        inner: the other evaluator.
        kinds: classes of exceptions.
    """

    inner: Evaluator
    kinds: tuple[type[Exception], ...]

    @property
    def epochs(self) -> int:
        return self.inner.epochs

    @property
    def at_once(self) -> int:
        """As many as the other evaluator takes."""
        return at_once(self.inner)

    def score(self, architecture: Architecture, request: Request) -> Score:
        """What the other evaluator says.

        Raises:
            TrainingFailed: it raised one of the kinds.
        """
        inner, asked = self.inner, request
        return self._catch(
            lambda: inner.evaluate(
                architecture,
                seed=asked.seed,
                until=asked.until,
                checkpoint=asked.checkpoint,
                on_epoch=asked.on_epoch,
                on_step=asked.on_step,
            )
        )

    def scores(self, architectures: Sequence[Architecture]) -> list[Score]:
        """What the other evaluator says of several; raises as :meth:`score`."""
        inner: Any = self.inner
        return self._catch(lambda: list(inner.scores(architectures)))

    def _catch(self, work: Callable[[], Result]) -> Result:
        try:
            return work()
        except TrainingFailed:
            raise
        except self.kinds as error:
            if memory.is_exhaustion(error):
                raise
            raise TrainingFailed(f"the evaluator raised {type(error).__name__}: {error}") from error

    def estimate(self, architecture: Architecture) -> float:
        """As the other evaluator."""
        return self.inner.estimate(architecture)

    def on(self, device: torch.device | str) -> CatchingEvaluator:
        """The same with the other evaluator on a device."""
        return replace(self, inner=on_device(self.inner, device))
