"""The lines of ``trials.jsonl``: what each may say, checked as it is read, and what they come to for every trial.

The first line is the header. Each further one is a JSON object whose first field says what happened: ``propose``,
``attempt``, ``pause`` or ``end`` of the trial with that number; ``note`` or ``study`` for what concerns all trials.
Loads without torch and without Optuna.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seesaw_nas.architecture import compact
from seesaw_nas.core.errors import SpecError
from seesaw_nas.search.history.checks import (
    AIM,
    ANYTHING,
    CHOICES,
    COUNT,
    CURVE,
    END,
    OBJECT,
    RANGE,
    SCORE,
    SECONDS,
    TEXT,
    Fields,
    check_fields,
)
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.training.epoch import Epoch

SCHEMA_VERSION = 1
FIRST = "0"  # letter of a gene's first choice
MOST_GENES = 10_000  # a network has at most 1,000 blocks, and a block four genes

HEADER: Fields = {
    "schema_version": COUNT, "study": TEXT, "objectives": AIM, "budget": RANGE, "genes": CHOICES,
}  # fmt: skip
RESULT: Fields = {
    "top1": SCORE, "split": TEXT, "seed": COUNT, "seconds": SECONDS, "reason": TEXT, "worker": TEXT,
    "attempts": COUNT, "after": COUNT, "curve": CURVE, "at": SECONDS,
}  # fmt: skip
VERBS: Mapping[str, Fields] = {
    "propose": {
        "propose": COUNT, "architecture": TEXT, "macs": COUNT, "params": COUNT, "genes": TEXT,
        "origin": TEXT, "attempts": COUNT, "seed": COUNT, "schedule": COUNT, "reason": TEXT, "at": SECONDS,
        "attributes": OBJECT,
    },
    "attempt": {"attempt": COUNT, "attempts": COUNT},
    "pause": {"pause": COUNT, **RESULT},
    "end": {"end": COUNT, "state": END, **RESULT},
    "note": {"note": TEXT, "value": ANYTHING},
    "study": {"study": OBJECT},
    "attributes": {"attributes": COUNT, "value": OBJECT},
}  # fmt: skip
_NEEDED = {
    "propose": ("genes", "origin", "attempts", "seed"),
    "attempt": ("attempts",),
    "pause": ("attempts", "curve"),
    "end": ("state", "attempts"),
    "note": ("value",),
    "study": (),
    "attributes": ("value",),
}
_decoder = json.JSONDecoder()  # json.loads, which looks for blanks, takes a fifth longer


def parse(line: bytes) -> dict[str, Any]:
    """The JSON object of a line.

    Raises:
        ValueError: it is none, or nested too deeply.
    """
    try:
        text = line.strip().decode()
        found, end = _decoder.raw_decode(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("it is no text") from None
    if end < len(text):
        raise json.JSONDecodeError("Extra data", text, end)
    if type(found) is not dict:
        raise ValueError("it is no JSON object")
    return found


def dump(value: Mapping[str, Any]) -> bytes:
    """A line, with its end."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


class Entry:
    """What the lines of one trial come to; :meth:`record` is the same as a record, with its architecture built.

    Attributes:
        line: at which the trial was proposed, from 1.
        attempts: trainings that were begun; ``behind``: those of them that came to an end or a pause.
        genes: a letter for each gene's choice, as of :class:`Genotypes`.
        attributes: what Optuna's sampler noted of the trial.
        ended: 0.0 until it has come to its end.
    """

    __slots__ = (
        "architecture", "attempts", "attributes", "behind", "curve", "ended", "genes", "line", "macs", "number",
        "origin", "params", "reason", "schedule", "seconds", "seed", "split", "started", "state", "top1", "worker",
    )  # fmt: skip

    def __init__(self, found: Mapping[str, Any], line: int) -> None:
        self.number: int = found["propose"]
        self.line = line
        self.architecture: str | None = found.get("architecture")
        self.macs: int | None = found.get("macs")
        self.params: int | None = found.get("params")
        self.genes: str = found["genes"]
        self.origin: str = found["origin"]
        self.attempts: int = found["attempts"]
        self.seed: int = found["seed"]
        self.schedule: int = found.get("schedule", 0)
        self.reason: str = found.get("reason", "")
        self.started: float = found.get("at", 0.0)
        self.attributes: dict[str, Any] = found.get("attributes", {})
        self.behind, self.state, self.split, self.worker = 0, "running", "validation", ""
        self.top1: float | None = None
        self.seconds = self.ended = 0.0
        self.curve: list[list[Any]] = []

    def take_result(self, found: Mapping[str, Any]) -> None:
        """The line of a pause or an end."""
        if self.state not in ("running", "paused"):
            raise ValueError(f"trial {self.number} has ended before: it is {self.state}")
        if (after := found.get("after", 0)) > len(self.curve):
            raise ValueError(f"after: at most the {len(self.curve)} epochs that are known are wanted, got {after}")
        END = "end" in found
        self.state = found["state"] if END else "paused"
        self.top1 = found.get("top1")
        self.split = found.get("split", "validation")
        self.seed = found.get("seed", self.seed)
        self.seconds = found.get("seconds", 0.0)
        self.reason = found.get("reason", "")
        self.worker = found.get("worker", "")
        self.behind = found["attempts"]
        self.curve = self.curve[:after] + found.get("curve", [])
        self.ended = found.get("at", 0.0) if END else 0.0
        if self.state == "complete" and self.architecture is None:
            raise ValueError(f"trial {self.number} is complete, but has no architecture")

    def record(self) -> TrialRecord:
        """The record.

        Raises:
            SpecError: its architecture is none.
        """
        state: Any = self.state
        return TrialRecord(
            number=self.number,
            state=state,
            architecture=None if self.architecture is None else compact.read(self.architecture),
            macs=self.macs,
            params=self.params,
            top1=self.top1,
            split=self.split,
            seed=self.seed,
            seconds=self.seconds,
            curve=tuple(epochs(self.curve)),
            reason=self.reason,
            origin=self.origin,
            worker=self.worker,
            schedule=self.schedule,
            started=self.started,
            ended=self.ended,
        )


def epochs(curve: Sequence[Sequence[Any]]) -> Iterable[Epoch]:
    """The epochs of a curve's entries; the fifth figure of an entry is its epoch, where that is not its place."""
    for place, (train_loss, loss, top1, seconds, *epoch) in enumerate(curve, start=1):
        yield Epoch(epoch[0] if epoch else place, train_loss, loss, top1, seconds)


def entries(curve: Sequence[Epoch]) -> list[list[Any]]:
    """The entries of a curve, which :func:`epochs` reads back."""
    return [
        [float(one.train_loss), _float(one.loss), finite(one.top1), float(one.seconds)]
        + ([] if one.epoch == place else [int(one.epoch)])
        for place, one in enumerate(curve, start=1)
    ]


def _float(value: float | None) -> float | None:
    return None if value is None else float(value)


def finite(value: float | None) -> float | None:
    """The number, or ``None`` where it is none that a file may hold."""
    return None if value is None or not math.isfinite(value) else float(value)


@dataclass(frozen=True, slots=True)
class Genotypes:
    """The genes of a search's trials.

    Attributes:
        choices: of each gene, by its name.
        chosen: by the number of a trial, a letter for each gene: ``0`` for its first choice, and on in Unicode's order.
    """

    choices: Mapping[str, tuple[str, ...]]
    chosen: Mapping[int, str]

    def __getitem__(self, number: int) -> dict[str, str]:
        """The genes of one trial, by name."""
        chosen = zip(self.choices.items(), self.chosen[number], strict=True)
        return {name: values[ord(letter) - ord(FIRST)] for (name, values), letter in chosen}

    def letters(self, genotype: Mapping[str, str]) -> str:
        """The letters of these genes; raises ValueError where a choice is none of the gene's."""
        return "".join(chr(ord(FIRST) + values.index(genotype.get(name, ""))) for name, values in self.choices.items())


def _letters(choices: Sequence[str]) -> str:
    """A regular expression for the letter of any of a gene's choices."""
    return f"[{FIRST}-{re.escape(chr(ord(FIRST) + len(choices) - 1))}]"


class Content:
    """What the lines of a file come to.

    Attributes:
        header: the fields of the first line; empty before there is one.
        trials: by number.
        notes: by name, what a search noted of itself.
        attributes: what Optuna's sampler noted of the study.
        lines: read so far.
        changed: the trials about which there were lines; who has seen them clears it.
    """

    def __init__(self) -> None:
        self.header: dict[str, Any] = {}
        self.trials: list[Entry] = []
        self.notes: dict[str, Any] = {}
        self.attributes: dict[str, Any] = {}
        self.lines = 0
        self.changed: dict[int, Entry] = {}
        self._genes = re.compile("")  # a letter of each gene

    def take(self, line: bytes) -> None:
        """Take in the next line.

        Raises:
            ValueError: it says what it may not say; the text tells what.
        """
        self.lines += 1
        found = parse(line)
        if not self.header:
            self._take_header(found)
            return
        verb = next(iter(found), "")
        if verb not in VERBS:
            raise ValueError(f"a line about {', '.join(VERBS)} is wanted, got '{verb[:60]}'")
        check_fields(found, VERBS[verb], _NEEDED[verb])
        if verb == "note":
            self.notes[found["note"]] = found["value"]
        elif verb == "study":
            self.attributes |= found["study"]
        elif verb == "propose":
            self._take_proposal(found)
        else:
            self._take_change(verb, found)

    def _take_header(self, found: dict[str, Any]) -> None:
        version = found.get("schema_version")
        if type(version) is int and version > SCHEMA_VERSION:
            raise ValueError(f"it has schema version {version}, this release reads up to {SCHEMA_VERSION}")
        check_fields(found, HEADER, HEADER)
        if (genes := len(found["genes"])) > MOST_GENES:
            raise ValueError(f"genes: at most {MOST_GENES:,} are wanted, got {genes:,}")
        self.header = found
        self._genes = re.compile("".join(map(_letters, found["genes"].values())))

    def _take_proposal(self, found: dict[str, Any]) -> None:
        if (number := found["propose"]) != len(self.trials):
            raise ValueError(f"the next proposal is of trial {len(self.trials)}, got trial {number}")
        if not self._genes.fullmatch(found["genes"]):
            count = len(self.header["genes"])
            raise ValueError(f"genes: a choice for each of the {count} genes of the first line is wanted")
        given = [name in found for name in ("architecture", "macs", "params")]
        if any(given) and not all(given):
            raise ValueError("an architecture with its macs and params is wanted, or none of the three")
        self.changed[number] = trial = Entry(found, self.lines)
        self.trials.append(trial)

    def _take_change(self, verb: str, found: dict[str, Any]) -> None:
        if (number := found[verb]) >= len(self.trials):
            raise ValueError(f"trial {number} was not proposed")
        self.changed[number] = trial = self.trials[number]
        if verb == "attempt":
            trial.attempts = found["attempts"]
        elif verb == "attributes":
            trial.attributes = {**trial.attributes, **found["value"]}
        else:
            trial.take_result(found)

    @property
    def genotypes(self) -> Genotypes:
        """The genes of every trial."""
        choices = {gene: tuple(values) for gene, values in self.header.get("genes", {}).items()}
        return Genotypes(choices, {trial.number: trial.genes for trial in self.trials})


def record_of(trial: Entry) -> TrialRecord:
    """The record of a trial; raises ValueError with its line where the architecture is none."""
    try:
        return trial.record()
    except SpecError as error:
        raise ValueError(f"line {trial.line}: {error}") from None
