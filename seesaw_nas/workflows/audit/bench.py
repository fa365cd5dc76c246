"""One way to ask any evaluator by its name for the score of an architecture."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.device import find_device
from seesaw_nas.core.documents import DocumentError, read_json
from seesaw_nas.core.errors import OutOfMemory, RunError, SpecError, TrainingFailed
from seesaw_nas.core.typed import conform
from seesaw_nas.data.cache import holds_copies
from seesaw_nas.evaluators import proxies
from seesaw_nas.evaluators.basis import Basis
from seesaw_nas.evaluators.differences import SCORED_OTHERWISE, difference
from seesaw_nas.evaluators.ranking.spent import CORE, FREE, GPU, UNKNOWN, Spent
from seesaw_nas.search.settings import SHARING, SearchSettings
from seesaw_nas.search.topics import Scoring
from seesaw_nas.space import Space, load, parse
from seesaw_nas.training import memory
from seesaw_nas.workflows.audit.names import short_of
from seesaw_nas.workflows.audit.scores import Scorebook, ScoreEntry
from seesaw_nas.workflows.audit.truth import Truth
from seesaw_nas.workflows.objects import NO_OBJECTS, Objects
from seesaw_nas.workflows.problem import make_problem
from seesaw_nas.workflows.search_images import load_described

if TYPE_CHECKING:
    import torch

    from seesaw_nas.data import SearchData
    from seesaw_nas.evaluators import Subject

Scorer = Callable[[Architecture, int], float]
OnScore = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Bench:
    """Where evaluators score architectures under the conditions of a truth.

    Attributes:
        supernet: folder of a trained one, for those evaluators that want it; empty for none.
        device, data_dir: as a search's; empty for the truth's own place of the images.
    """

    truth: Truth
    supernet: str = ""
    device: str = "auto"
    data_dir: str = ""

    def scorer(self, name: str) -> Scorer:
        """What scores an architecture with a seed; made ready, so that what it costs can be measured.

        Raises:
            SeesawError: the images or the supernet cannot be loaded.
        """
        if name in proxies.STATIC:
            return lambda architecture, seed: proxies.score(name, architecture)
        if name in proxies.PROXIES:
            images, device = self._images, self.torch_device
            return lambda architecture, seed: proxies.score(name, architecture, data=images, seed=seed, device=device)
        problem = make_problem(self._settings(name), self._given)
        self._check_images(problem.settings, problem.subject)
        evaluator = problem.placed
        return lambda architecture, seed: evaluator.evaluate(architecture, seed=seed).top1

    @cached_property
    def torch_device(self) -> torch.device:
        return find_device(self.device)

    @cached_property
    def space(self) -> Space:
        """That the architectures were drawn from.

        Raises:
            SeesawError: it can no longer be loaded.
        """
        first = self.truth.entries[0].architecture
        name, text = self.truth.settings.searched.space, self.truth.space_file
        found = parse(text, name) if text else load(name)
        return found.adapt(first.input_size, first.input_channels, first.classes)

    @cached_property
    def _images(self) -> SearchData:
        settings = self._settings("trained")
        images, subject, _ = load_described(settings)
        self._check_images(settings, subject)
        return images.to(self.torch_device)

    def _check_images(self, settings: SearchSettings, subject: Subject) -> None:
        """Refuse other images than those of the trainings, as far as these say which they were.

        Raises:
            RunError: these are others.
        """
        record = {"settings": settings.to_dict(), "images": subject.record, "recipe": {}}
        now = Basis.of(record, "what is there now")
        if differing := difference(self.truth.basis, now, SCORED_OTHERWISE):
            raise RunError(f"cannot score what {self.truth.runs[0]} trained: {differing}; restore its images")

    @property
    def _given(self) -> Objects:
        return Objects(space=self.space) if self.truth.space_file else NO_OBJECTS

    def _settings(self, evaluator: str) -> SearchSettings:
        """The truth's, with another evaluator; of a search's plan and engine nothing is left."""
        own, training = self.truth.settings, self.truth.settings.training
        epochs = short_of(evaluator) or (1 if evaluator == "tuned" else training.epochs)
        data_dir, cache_dir = self.data_dir or training.data_dir, training.cache_dir
        if cache_dir and not holds_copies(Path(cache_dir)):
            cache_dir = ""  # a run's folder, which may be anybody's, makes no other
        return SearchSettings(
            training=replace(training, epochs=epochs, device=self.device, data_dir=data_dir, cache_dir=cache_dir),
            searched=own.searched,
            scoring=Scoring(
                evaluator="trained" if short_of(evaluator) else evaluator,
                supernet=self.supernet if evaluator in SHARING else "",
                validation_size=own.scoring.validation_size,
                curve=False,
            ),
        )

    def scores(self, name: str, book: Scorebook, seed: int, on_score: OnScore | None = None) -> list[ScoreEntry]:
        """What an evaluator says of every architecture, in order; what the book has is not scored again.

        Raises:
            SeesawError: as for :meth:`scorer`.
        """
        scorer: Scorer | None = None
        key, found = self.key(name), []
        for number, entry in enumerate(self.truth.entries, start=1):
            digest = entry.architecture.digest
            if (scored := book.get(key, digest, seed)) is None:
                scorer = scorer or self.scorer(name)
                scored = timed(scorer, entry.architecture, seed, self.unit(name))
                book.add(key, digest, seed, scored)
            found.append(scored)
            if on_score:
                on_score(name, number, len(self.truth.entries))
        return found

    def key(self, name: str) -> str:
        """Under which scores are kept: with a mark of the supernet that they rest on."""
        return f"{name}@{self._mark_supernet()}" if name in SHARING else name

    def _mark_supernet(self) -> str:
        result = Path(self.supernet) / "result.json"
        told = result.read_bytes() if result.is_file() else b""
        return hashlib.sha256(str(Path(self.supernet).resolve()).encode() + told).hexdigest()[:16]

    def unit(self, name: str) -> str:
        """In which a score of this evaluator is priced: on a GPU, by the time for which it holds the GPU."""
        return GPU if name not in proxies.STATIC and self.torch_device.type == "cuda" else CORE

    def once(self, name: str) -> Spent:
        """What the supernet's training cost, by its ``result.json``; unknown where that does not say."""
        if name not in SHARING:
            return FREE
        try:
            found = read_json(Path(self.supernet) / "result.json")
            name = {GPU: "seconds", CORE: "core_seconds"}[found["unit"]]
            return Spent(conform(name, float, found[name]), found["unit"])
        except (DocumentError, SpecError, KeyError, TypeError):
            return UNKNOWN


def timed(scorer: Scorer, architecture: Architecture, seed: int, unit: str = CORE) -> ScoreEntry:
    """One score, and what it cost; a network that cannot be scored has a reason instead.

    A score is a number on the host, so the device has done all that it was given when the clock is read.
    """
    clock = time.perf_counter if unit == GPU else time.process_time
    started = clock()
    try:
        score, reason, exhausted = scorer(architecture, seed), "", False
    except (SpecError, TrainingFailed) as error:
        score, reason, exhausted = math.nan, str(error), isinstance(error, OutOfMemory)
    spent = clock() - started
    if exhausted:
        memory.release()
    if math.isfinite(score):
        return ScoreEntry(score, spent, unit)
    return ScoreEntry(None, spent, unit, reason or f"the score is {score}")
