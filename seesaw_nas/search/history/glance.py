"""A look at a history of thousands of trials that costs little: states and the highest top-1, by how lines begin.

No line but the first proposal's is read as JSON, no architecture is built; :class:`TrialsReader` reads everything and
checks it. Loads without torch and without Optuna.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from seesaw_nas.core.documents import DocumentError, open_file
from seesaw_nas.core.errors import RunError
from seesaw_nas.search import records
from seesaw_nas.search.history.lines import VERBS, parse

_VERB = re.compile(rb'\{"(' + "|".join(VERBS).encode() + rb')":')
_END = re.compile(rb'\{"end":(\d+),"state":"([a-z]+)",')
_PAUSE = re.compile(rb'\{"pause":(\d+),')
_TOP1 = re.compile(rb',"top1":(-?[0-9][0-9.eE+-]*)')  # a quote within a text has a backslash before it


@dataclass(frozen=True, slots=True)
class Glance:
    """What a history comes to.

    Attributes:
        counts: proposals by state; ``running`` are those that were not ended.
        best: the highest top-1 of a complete trial.
        began: when the first trial was proposed, in seconds since 1970; 0 before there is one.
    """

    counts: dict[str, int]
    best: float | None
    began: float

    @property
    def begun(self) -> int:
        """Architectures whose training was begun."""
        return sum(self.counts.get(state, 0) for state in records.TRAINED)

    @property
    def open(self) -> int:
        """Architectures whose training was begun and has not ended."""
        return self.counts.get("running", 0) + self.counts.get("paused", 0)


def glance(path: Path) -> Glance:
    """Look at a trials file; a line that is still being written is left out.

    Raises:
        RunError: the file cannot be opened, or a line is none of such a file.
    """
    found = _Counts()
    try:
        with open_file(path) as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    break
                try:
                    found.take(line, number)
                except (ValueError, KeyError, TypeError):
                    raise DocumentError(f"line {number} is damaged") from None
    except (DocumentError, OSError) as error:
        raise RunError(f"{path} is not a readable history of a search: {error}; restore the file") from None
    return found.glance()


class _Counts:
    def __init__(self) -> None:
        self.proposed = 0
        self.ended: Counter[str] = Counter()
        self.paused: set[int] = set()
        self.best: float | None = None
        self.began = 0.0

    def take(self, line: bytes, number: int) -> None:
        """Count a line; raises ValueError, KeyError or TypeError where it is none."""
        if number == 1:
            parse(line)["schema_version"]
            return
        verb = _VERB.match(line)
        if verb is None or not line.endswith(b"}\n"):
            raise ValueError
        if verb[1] == b"propose":
            self.proposed += 1
            if self.proposed == 1:
                self.began = float(parse(line).get("at", 0.0))
        elif verb[1] == b"pause" and (pause := _PAUSE.match(line)):
            self.paused.add(int(pause[1]))
        elif verb[1] == b"end":
            self._end(line)

    def _end(self, line: bytes) -> None:
        end = _END.match(line)
        if end is None:
            raise ValueError
        self.paused.discard(int(end[1]))
        self.ended[end[2].decode()] += 1
        if end[2] == b"complete" and (top1 := _TOP1.search(line)):
            value = float(top1[1])
            self.best = value if self.best is None else max(self.best, value)

    def glance(self) -> Glance:
        running = self.proposed - self.ended.total() - len(self.paused)
        counts = {**self.ended, "paused": len(self.paused), "running": running}
        return Glance({state: count for state, count in counts.items() if count > 0}, self.best, self.began)
