"""The evaluator that trains nothing: a zero-cost score in place of an accuracy."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import torch

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import OptionError, known
from seesaw_nas.data import SearchData, check_fits
from seesaw_nas.evaluators import proxies
from seesaw_nas.evaluators.base import Evaluator, EvaluatorSetting, Request, Score


@dataclass(frozen=True, slots=True)
class ProxyEvaluator(Evaluator):
    """Ranks architectures by one of :data:`seesaw_nas.evaluators.proxies.PROXIES`; ``top1`` is that score, no fraction.

    Attributes:
        name: of the score.
        data: give it on ``device`` to move it once, not once a trial.
    """

    name: str
    data: SearchData
    device: torch.device | str = "cpu"

    def __post_init__(self) -> None:
        if self.name not in proxies.PROXIES:
            raise OptionError(known("proxy", self.name, proxies.PROXIES))

    @property
    def epochs(self) -> int:
        return 1

    def score(self, architecture: Architecture, request: Request) -> Score:
        """The score of ``architecture``, which ``top1`` holds.

        Raises:
            SpecError: the architecture wants other images or another number of classes than the data have.
            TrainingFailed: the score is no finite number, or memory ran out.
        """
        check_fits(architecture, self.data)
        started = time.monotonic()
        found = proxies.score(self.name, architecture, data=self.data, seed=request.seed, device=self.device)
        seconds = time.monotonic() - started
        return Score(found, "validation", seconds, note=f"score of proxy:{self.name}, no accuracy")

    def on(self, device: torch.device | str) -> ProxyEvaluator:
        """The same on another device, which gets a copy of the images."""
        return replace(self, data=self.data.to(device), device=device)

    def estimate(self, architecture: Architecture) -> float:
        """Seconds of one score: the second of two, which finds the libraries ready."""
        self.evaluate(architecture, seed=0)
        return self.evaluate(architecture, seed=0).seconds


def make(setting: EvaluatorSetting) -> ProxyEvaluator:
    """The proxy whose name stands behind the colon."""
    return ProxyEvaluator(setting.name.partition(":")[2], setting.images)
