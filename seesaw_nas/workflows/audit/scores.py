"""The scores of an audit on disk, as they come: called again, an audit goes on where it stopped."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from seesaw_nas.core.documents import DocumentError, read_json
from seesaw_nas.core.errors import RunError, SpecError
from seesaw_nas.core.fields import check_version, take_fields
from seesaw_nas.core.files import write_json
from seesaw_nas.core.typed import build, conform
from seesaw_nas.evaluators.basis import Basis
from seesaw_nas.evaluators.differences import TRAININGS, difference
from seesaw_nas.evaluators.ranking.spent import CORE

SCHEMA_VERSION = 3
_Nested = Mapping[str, Mapping[str, Mapping[str, Any]]]
EVERY = 2.0  # seconds of scores that a killed process may lose


@dataclass(frozen=True, slots=True)
class ScoreEntry:
    """What an evaluator said of one architecture.

    Attributes:
        score: more is better; ``None`` where it failed.
        seconds, unit: that it took, as of :class:`seesaw_nas.evaluators.ranking.spent.Spent`.
        reason: why there is no score.
    """

    score: float | None
    seconds: float
    unit: str = CORE
    reason: str = ""


class Scorebook:
    """Scores by evaluator, digest and seed, in an ``audit.json`` that also holds what was made of them."""

    def __init__(self, path: Path, basis: Basis) -> None:
        """Read what is in the file, where there is one.

        Args:
            basis: what the trainings are of.

        Raises:
            RunError: it is no such file, or one of other trainings.
        """
        self._path = path
        self._basis = basis
        self._result: Any = None
        self._scores: dict[str, dict[str, dict[str, ScoreEntry]]] = {}
        self._written = time.monotonic()
        if path.exists():
            self._read()

    def _read(self) -> None:
        try:
            content = take_fields(read_json(self._path), ["schema_version", "scores", "task"], ["result"])
            check_version(content["schema_version"], SCHEMA_VERSION)
            for name, of_name in conform("scores", _Nested, content["scores"]).items():
                for digest, of_one in of_name.items():
                    for seed, entry in of_one.items():
                        self._place(name, digest)[seed] = build(ScoreEntry, entry)
            before = Basis.from_dict(content["task"], str(self._path))
        except (DocumentError, SpecError) as error:
            raise RunError(f"{self._path} is no audit ({error}); choose another --out") from None
        if differing := difference(before, self._basis, TRAININGS):
            raise RunError(f"{self._path} is the audit of other trainings: {differing}; choose another --out")

    def _place(self, name: str, digest: str) -> dict[str, ScoreEntry]:
        return self._scores.setdefault(name, {}).setdefault(digest, {})

    def __enter__(self) -> Scorebook:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write()

    def get(self, name: str, digest: str, seed: int) -> ScoreEntry | None:
        """What is known; ``None`` for nothing."""
        return self._scores.get(name, {}).get(digest, {}).get(str(seed))

    def add(self, name: str, digest: str, seed: int, scored: ScoreEntry) -> None:
        """Keep a score; it is on disk within ``EVERY`` seconds of work, and when the book is closed."""
        self._place(name, digest)[str(seed)] = scored
        if time.monotonic() - self._written > EVERY:
            self._write()

    def conclude(self, result: Mapping[str, Any]) -> None:
        """Put down what came of the scores."""
        self._result = result

    def _write(self) -> None:
        scores = {
            name: {digest: {seed: asdict(entry) for seed, entry in of_one.items()} for digest, of_one in found.items()}
            for name, found in self._scores.items()
        }
        document = {
            "schema_version": SCHEMA_VERSION,
            "task": self._basis.to_dict(),
            "result": self._result,
            "scores": scores,
        }
        write_json(self._path, document)
        self._written = time.monotonic()
