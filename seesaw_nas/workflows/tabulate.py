"""Training many architectures of a space into one table, to compare strategies on within seconds."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core import threads
from seesaw_nas.core.documents import DocumentError, check_file, decode, parse_json, read_bytes
from seesaw_nas.core.errors import OptionError, RunError, SpecError
from seesaw_nas.core.fields import shorten
from seesaw_nas.core.files import cut_torn_line, open_locked, refuse_existing
from seesaw_nas.core.names import check_name
from seesaw_nas.core.run_folder import check_description
from seesaw_nas.core.typed import build
from seesaw_nas.evaluators import Failure, attempt
from seesaw_nas.evaluators import table as tables
from seesaw_nas.evaluators.basis import Basis
from seesaw_nas.evaluators.differences import difference
from seesaw_nas.evaluators.table import Curve, Recorded, Table
from seesaw_nas.search.listener import Listener
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.search.strategies.base import distinct
from seesaw_nas.training.epoch import Epoch
from seesaw_nas.workflows.plan import Plan, plan
from seesaw_nas.workflows.problem import Problem, description, make_problem

LIKE = "architectures"  # field of what a table says of itself: a checksum of those that were named, not drawn
LARGEST_HEADER = 2**24  # bytes of the first line of what was begun
LARGEST_PART = 2**30  # bytes of what was begun: about 200,000 trainings


def tabulate(
    settings: SearchSettings,
    out: Path | str,
    *,
    seeds: int = 3,
    like: Path | str | None = None,
    listener: Listener | None = None,
    on_problem: Callable[[Problem], None] | None = None,
    on_plan: Callable[[Problem, Plan], None] | None = None,
) -> Table:
    """Train ``settings.proposals.trials`` architectures with every seed, and write their curves to a Parquet file.

    The architectures are exact draws, their Multi-Adds even over the whole budget, or those of an earlier table. Until
    all are trained, what there is stands in ``OUT.part.jsonl``; called again, this goes on from there.

    Args:
        settings: what to train on and how; strategy and evaluator are not used.
        out: the file to make.
        seeds: trainings of each architecture; their seeds count up from the settings' own.
        like: an earlier table; its first architectures are trained, in its order, in place of draws.
        listener: told of each training, as of a trial.
        on_problem: told of the problem, before anything is trained.
        on_plan: told of the plan, for which a step is timed.

    Raises:
        OptionError: no seed is wanted.
        RunError: the file exists, another process is making it, or what was begun there is another table; or the
            earlier table cannot be read, or an architecture of it is not of the space or outside the budget.
        SeesawError: the settings cannot be carried out.
    """
    out = Path(out)
    if seeds < 1:
        raise OptionError(f"--seeds must be at least 1, got {seeds}")
    if not _part_of(out).exists():  # else a process may have been killed between writing the table and its end
        refuse_existing(out)
    check_name(out.name, "the table's name")
    if listener:
        listener.doing("reading images")
    problem = make_problem(settings)
    if on_problem:
        on_problem(problem)
    if listener and problem.passed_over.count:
        listener.remark(problem.passed_over.sentence)
    draws, drawn = find_architectures(problem, like, listener)
    about = {**description(problem), "seeds": seeds, **drawn}
    with _Log(out, about) as log:
        if out.exists():
            return _made(out, log)
        if on_plan:
            left = left_of(draws, settings.training.seed, seeds, log.done)
            on_plan(problem, plan_trainings(problem, left, listener))
        now = threads.recorded(about)
        if listener and (changed := threads.change(log.begun, now)):
            listener.remark(f"{_part_of(out)}: {changed}")
        for number, (architecture, seed) in enumerate(_pairs(draws, settings.training.seed, seeds)):
            if (architecture.digest, seed) not in log.done:
                log.add(architecture, seed, _trained(problem, architecture, seed, number, listener or Listener()))
        entries = tuple(_entries(draws, log, settings.training.seed, seeds))
        if not entries:
            raise RunError("every training failed, so there is nothing to write")
        failed = sum(not curve for curve in log.done.values())
        table = Table(problem.subject, problem.evaluator.epochs, about | {"failed": failed}, entries)
        refuse_existing(out)
        tables.write(out, table)
        log.discard()
    return table


def plan_trainings(problem: Problem, architectures: Sequence[Architecture], listener: Listener | None) -> Plan:
    """The plan of so many trainings, one for each entry."""
    halving = problem.settings.halving(problem.evaluator.epochs)
    return plan(problem, len(architectures), halving, listener=listener, architectures=architectures)


def _made(out: Path, log: _Log) -> Table:
    """The table that a process wrote from this log before it was killed; the log goes.

    Raises:
        RunError: the file is another one.
    """
    table = tables.read(out)
    recorded = {
        (entry.architecture.digest, seed): curve for entry in table.entries for seed, curve in entry.curves.items()
    }
    if recorded != {pair: curve for pair, curve in log.done.items() if curve}:
        refuse_existing(out)
    log.discard()
    return table


def read_beginning(out: Path) -> dict[str, Any]:
    """What the beginning of a table says of itself, as far as it can be read; nothing where there is none."""
    try:
        with _part_of(out).open("rb") as file:
            about = parse_json(file.readline(LARGEST_HEADER).decode())
    except (OSError, ValueError, DocumentError):
        return {}
    return about if isinstance(about, dict) else {}


def read_done(out: Path) -> set[tuple[str, int]]:
    """Digest and seed of the trainings that the beginning of a table has, as far as it can be read."""
    found = set()
    with contextlib.suppress(OSError, ValueError, DocumentError, KeyError, TypeError), _part_of(out).open() as file:
        next(file, "")
        for line in file:
            entry = parse_json(line)
            found.add((entry["digest"], entry["seed"]))
    return found


def left_of(
    architectures: Sequence[Architecture], first: int, seeds: int, done: Collection[tuple[str, int]]
) -> list[Architecture]:
    """The architectures of the trainings that are not done, one entry for each training."""
    return [one for one, seed in _pairs(architectures, first, seeds) if (one.digest, seed) not in done]


def _part_of(out: Path) -> Path:
    """What there is of a table until it is whole."""
    return out.with_name(out.name + ".part.jsonl")


def find_architectures(
    problem: Problem, like: Path | str | None, listener: Listener | None = None
) -> tuple[list[Architecture], dict[str, str]]:
    """What a table is of, and what it says of that where it is no draw; the listener is told where there are fewer.

    Raises:
        RunError: the earlier table ``like`` cannot be read, or holds an architecture that does not fit.
    """
    wanted = problem.settings.proposals.trials
    found = _draws(problem, wanted) if like is None else _architectures_of(Path(like), problem, wanted)
    if listener and like is not None and len(found) < wanted:
        listener.remark(f"{wanted:,} architectures are wanted, but {like} has {len(found):,}; all of them are trained")
    checksum = sha256(" ".join(one.digest for one in found).encode()).hexdigest()
    return found, {} if like is None else {LIKE: checksum}


def _entries(draws: Sequence[Architecture], log: _Log, first: int, seeds: int) -> Iterator[Recorded]:
    """What was trained of each architecture; nothing of one whose trainings all failed."""
    for architecture in draws:
        pairs = _pairs([architecture], first, seeds)
        if curves := {seed: curve for _, seed in pairs if (curve := log.done[architecture.digest, seed])}:
            yield Recorded(architecture, curves)


def _draws(problem: Problem, count: int) -> list[Architecture]:
    """Distinct architectures that fit the budget, from the fewest there are to as many as are wanted."""
    rng = np.random.default_rng(problem.settings.training.seed)
    found: dict[str, Architecture] = {}
    while len(found) < min(count, problem.feasible.count):
        architecture = distinct(problem.feasible, rng, found.keys())
        found[architecture.digest] = architecture
    return list(found.values())


def _architectures_of(path: Path, problem: Problem, count: int) -> list[Architecture]:
    """The first ``count`` architectures of an earlier table, each of which fits the problem."""
    named = [entry.architecture for entry in tables.read(path).entries[:count]]
    for place, architecture in enumerate(named):
        objection = problem.space.objection(architecture)
        if not objection and (bound := problem.budget.broken(architecture)):
            objection = f"its {bound.cost.tell(bound.cost.of(architecture))} are outside {bound}"
        if objection:
            raise RunError(
                f"architecture {place + 1} of {path} is not of what is searched: {objection}; give the space and "
                "budget of that table"
            )
    return named


def _pairs(architectures: Sequence[Architecture], first: int, seeds: int) -> Iterator[tuple[Architecture, int]]:
    return ((architecture, seed) for architecture in architectures for seed in range(first, first + seeds))


def _trained(problem: Problem, architecture: Architecture, seed: int, number: int, listener: Listener) -> Curve:
    """The curve of one training; empty where it failed."""
    listener.begun(number, architecture, cost.macs(architecture))
    found = attempt(
        lambda: problem.placed.evaluate(architecture, seed=seed, on_epoch=listener.epoch, on_step=listener.step)
    )
    return () if isinstance(found, Failure) else found.curve


def _other_draws(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """How many architectures and seeds another table is of; all else is what its figures are of."""
    counts = ((about.get("settings", {}).get("trials"), about.get("seeds")) for about in (before, now))
    (n, seeds), (wanted_n, wanted_seeds) = counts
    if (n, seeds) == (wanted_n, wanted_seeds):
        return "" if before.get(LIKE) == now.get(LIKE) else "other architectures"
    if n is None or seeds is None:
        return f"of how many architectures and seeds is not recorded, now {wanted_n:,} with {wanted_seeds}"
    return f"{n:,} architectures with {seeds} seeds each, now {wanted_n:,} with {wanted_seeds}"


@dataclass(frozen=True, slots=True)
class _Training:
    """A line of a log: one training, with an empty curve if it failed."""

    digest: str
    seed: int
    curve: tuple[Epoch, ...]


class _Log:
    """The trainings done so far, a line each after a first one that says of what; safe on disk one by one.

    One process at a time has it, and no other may make the table meanwhile.
    """

    def __init__(self, out: Path, about: Mapping[str, Any]) -> None:
        self._out, self._path = out, _part_of(out)
        self._locked = contextlib.ExitStack()
        self._about = json.loads(json.dumps({k: v for k, v in about.items() if k != "conditions"}))
        self._conditions = {"conditions": about["conditions"]}
        self.begun: Mapping[str, Any] = {}
        self.done: dict[tuple[str, int], Curve] = {}

    def __enter__(self) -> _Log:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.exists():
                check_file(self._path)
            self._file = self._locked.enter_context(open_locked(self._path))
            with self._locked.pop_all() as held:  # until it is known that the rest is in order
                self._refuse_made()
                content = read_bytes(self._path, LARGEST_PART)
                lines = decode(content[: content.rfind(b"\n") + 1], "text").splitlines()
                self._read(lines)
                cut_torn_line(self._path)  # of a file that is known to be a table's
                self._locked = held.pop_all()
        except DocumentError as error:
            raise RunError(f"{self._path} is not the beginning of a table ({error}); delete it to start anew") from None
        except BlockingIOError:
            raise RunError(f"another process is making {self._out}; wait for it, or choose another name") from None
        except OSError as error:
            raise RunError(f"cannot write {self._path}: {error.strerror}; choose another place") from None
        if not lines:
            self._append(self._about | self._conditions)
        return self

    def __exit__(self, *_: object) -> None:
        self._locked.close()

    def _refuse_made(self) -> None:
        """Refuse where another process made the table between the first look and the lock."""
        if self._out.exists() and not self._path.stat().st_size:
            self._path.unlink()  # that process had deleted its own
            refuse_existing(self._out)

    def _read(self, lines: list[str]) -> None:
        try:
            about, *rest = [parse_json(line) for line in lines] or [self._about]
            if not isinstance(about, dict):
                raise SpecError("its first line says nothing of a table")
            about = self.begun = check_description(about, str(self._path))
            for entry in rest:
                training = build(_Training, entry)
                if training.curve:
                    tables.check_curve(training.curve, shorten(training.digest))
                if (training.digest, training.seed) in self.done:
                    raise SpecError(f"{shorten(training.digest)} with seed {training.seed} is there twice", "digest")
                self.done[training.digest, training.seed] = training.curve
        except (DocumentError, SpecError) as error:
            raise RunError(f"{self._path} is not the beginning of a table ({error}); delete it to start anew") from None
        before, now = Basis.of(about, str(self._path)), Basis.of(self._about, "what is wanted now")
        if differing := difference(before, now) or _other_draws(about, self._about):
            raise RunError(
                f"{self._path} is the beginning of another table: {differing}; finish that, or delete it to start anew"
            )

    def add(self, architecture: Architecture, seed: int, curve: Curve) -> None:
        self.done[architecture.digest, seed] = curve
        self._append({"digest": architecture.digest, "seed": seed, "curve": [asdict(epoch) for epoch in curve]})

    def _append(self, entry: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(entry) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def discard(self) -> None:
        self._path.unlink(missing_ok=True)
