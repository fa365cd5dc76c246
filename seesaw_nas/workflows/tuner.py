"""Ask and tell: a search for programs that train in a loop of their own."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from numbers import Integral
from pathlib import Path
from typing import Any

from seesaw_nas import report, space
from seesaw_nas.core.errors import OptionError, RunError, known
from seesaw_nas.core.units import BudgetLike, write_budget
from seesaw_nas.evaluators import Score
from seesaw_nas.search import DEFAULT_STRATEGY, halving, proposer
from seesaw_nas.search import objectives as aims
from seesaw_nas.search.aims import PREFIX, read
from seesaw_nas.search.estimates.live import Live
from seesaw_nas.search.history import old_journal
from seesaw_nas.search.history.checks import CURVE, SECONDS
from seesaw_nas.search.history.file_history import FileHistory
from seesaw_nas.search.history.history import History
from seesaw_nas.search.history.lines import entries
from seesaw_nas.search.jobs import Job
from seesaw_nas.search.records import CompleteTrial, TrialRecord
from seesaw_nas.search.standing import Standing
from seesaw_nas.search.strategies.base import Setting
from seesaw_nas.search.strategies.resolver import resolve
from seesaw_nas.search.topics import ESTIMATE, RANKS
from seesaw_nas.space import Budget, Feasible, Space
from seesaw_nas.space.costs import Cost
from seesaw_nas.space.scaling import default_budget

UNLIMITED = 10**9  # trials
_ABOUT = "about"  # note of the history: what its trials have in common


def _check_same(known: History, about: Mapping[str, Any], journal: str) -> None:
    """Note what a history is about, or refuse to go on with one that is about something else."""
    before = known.notes.get(_ABOUT)
    if not isinstance(before, dict):
        known.note(_ABOUT, dict(about))
    elif changed := [_change(name, before.get(name), value) for name, value in about.items() if before[name] != value]:
        raise RunError(f"{journal} was begun with {'; '.join(changed)}; name another journal")


def _change(name: str, before: object, now: object) -> str:
    """How something differs; counts that are the same in short are written out."""
    texts = [_short(value) for value in (before, now)]
    if texts[0] == texts[1] and isinstance(before, list) and isinstance(now, list):
        texts = [", ".join([f"{low:,} to {high:,} Multi-Adds", *others]) for low, high, *others in (before, now)]
    return f"{name} {texts[0]}, now {texts[1]}"


def _short(value: object) -> str:
    if not isinstance(value, list):
        return str(value)
    low, high, *others = value
    return ", ".join([str(Budget(low, high)), *others])


def _front_cost(objectives: str, budget: Budget) -> Cost:
    """What a front sets top-1 against; latency is told by the times that the budget has.

    Raises:
        OptionError: it is latency, which the budget does not bound.
    """
    bounded = {f"{PREFIX}{bound.cost.name}": bound.cost for bound in budget.others}
    return bounded[objectives] if objectives in bounded else aims.cost_of(objectives)


def _open_history(
    journal: Path | None, feasible: Feasible, objectives: str, cost: Cost, about: Mapping[str, Any], seed: int
) -> FileHistory:
    """The history in a file, locked for its Tuner, or in memory; a journal of earlier versions is converted."""
    where = (feasible.space, feasible.budget, seed)
    try:
        if journal and old_journal.is_old_journal(journal):
            old_journal.convert(journal, journal, *where, objectives=objectives)
        found = FileHistory(journal, *where, objectives=objectives, name="tuner", lock=True, cost=cost)
    except OSError as error:
        raise RunError(
            f"the journal {journal} cannot be opened: {error.strerror or error}; name a file, in a folder that exists"
        ) from error
    try:
        _check_same(found, about, str(journal))
    except BaseException:
        found.close()
        raise
    return found


def _path(journal: object) -> Path | None:
    """Where a journal is to be; ``None`` for one in memory.

    Raises:
        OptionError: it is no path.
    """
    if journal is None or journal == "":
        return None
    if not isinstance(journal, str | Path) or "\0" in str(journal):
        raise OptionError(f"journal must be the path of a file, got {_shown(journal)}")
    return Path(journal)


def _within(search_space: str | Space | Feasible, written: str) -> Feasible:
    if isinstance(search_space, Feasible):
        if written:
            raise OptionError(
                f"what fits {search_space.budget} was given, and beside it the budget '{written}'; give one"
            )
        return search_space
    found = space.load(search_space) if isinstance(search_space, str) else search_space
    return Feasible.of(found, written or default_budget(found))


class Tuner:
    """Proposes architectures within a budget, and learns what they scored.

        tuner = Tuner("seesaw-digits", "600K", strategy="evolution")
        while (job := tuner.ask()) is not None:
            tuner.tell(job, my_training(job.architecture, job.seed))
        tuner.front()

    Several jobs may be asked for before one is told, by several threads, too. A journal belongs to one
    Tuner at a time, until that is closed, is no longer referred to, or its process ends.
    """

    def __init__(
        self,
        search_space: str | Space | Feasible,
        budget: BudgetLike = "",
        *,
        strategy: Any = DEFAULT_STRATEGY,
        objectives: str = "front",
        trials: int = UNLIMITED,
        epochs: int = 1,
        scheduler: str = "none",
        reduction: int = 3,
        min_epochs: int = 1,
        seed: int = 0,
        journal: Path | str | None = None,
        rank: str = ESTIMATE,
    ) -> None:
        """Begin, or go on with what stands in ``journal``.

        Args:
            search_space: a name, a file, or a space; or what fits a budget of latency already, by
                ``Feasible.of(space, "4ms", profile)``, without a ``budget`` beside it.
            budget: as on the command line, a whole number of Multi-Adds, a pair of these as a band, or a dictionary
                with one of these for each cost; the space's own when empty.
            strategy: a name; or what :func:`seesaw_nas.search.strategies.resolver.resolve` takes.
            objectives: ``front``, ``top1``, or ``top1`` with a cost, such as ``top1,params``; latency
                where the budget bounds it, by its times.
            trials: architectures after which :meth:`ask` has no more.
            epochs: of a whole training; with a scheduler, jobs say how many to reach.
            scheduler: ``none``, ``asha``, ``hyperband`` or ``moasha``.
            journal: file for the history, to resume from; in memory if omitted.
            rank: by what :attr:`best` and :meth:`front` are told: ``estimate``, from all trials, or ``observed``.

        Raises:
            SeesawError: one of these cannot be loaded; the text says which exist. Or another search wrote the
                journal, or another Tuner works with it, or it cannot be opened.
        """
        objectives = read(objectives)
        if rank not in RANKS:
            raise OptionError(known("rank", rank, RANKS))
        _check_whole_numbers(trials=(trials, 1), epochs=(epochs, 1), seed=(seed, 0))
        trials, epochs, seed = int(trials), int(epochs), int(seed)  # of NumPy's whole numbers, too
        feasible = _within(search_space, write_budget(budget))
        found = feasible.space
        self._cost = _front_cost(objectives, feasible.budget)
        amount = partial(aims.amount_of_record, self._cost)
        rungs = halving.make(scheduler, epochs, reduction=reduction, minimum=min_epochs, amount=amount)
        about: dict[str, Any] = {"space": found.name, "its digest": found.digest}
        about |= {"budget": feasible.budget.key, "seed": seed, "epochs": epochs}
        self._history = _open_history(_path(journal), feasible, objectives, self._cost, about, seed)
        self._live = Live(found, feasible.budget, epochs)
        setting = Setting(feasible, seed, objectives, rungs.levels, live=self._live, cost=self._cost)
        name, given = (strategy, None) if isinstance(strategy, str) else ("", strategy)
        self._rank, self._feasible = rank, feasible
        self._lock = threading.RLock()  # several threads may ask and tell
        self._proposer = proposer.Proposer(
            self._history,
            resolve(name, given, setting),
            trials=trials,
            epochs=epochs,
            halving=rungs,
            live=self._live if rank == ESTIMATE else None,
        )

    def close(self) -> None:
        """Let go of the journal, so that another Tuner can go on with it; this one can only be read afterwards."""
        with self._lock:
            self._history.close()

    def __enter__(self) -> Tuner:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self) -> Job | None:
        """The next training to do; ``None`` when none is left, or none before another is told."""
        with self._lock:
            return self._proposer.ask()

    def tell(self, job: Job, score: float | Score) -> None:
        """Say what a training reached on validation images.

        Args:
            score: top-1 as a fraction from 0 to 1; a :class:`Score` with its curve where ``job.until`` is not the last
                epoch.

        Raises:
            OptionError: the score is no such fraction, its curve is wanted and not there, or the job was told before or
                is another tuner's.
            OSError: the journal cannot be written, as on a full disk; the job may be told again.
        """
        checked = _checked(score)
        with self._lock:
            self._check_open(job)
            if job.until < self._proposer.epochs and len(checked.curve) < job.until:
                raise OptionError(
                    f"a Score with the curve of {job.until} epochs is wanted, got {len(checked.curve)} of them"
                )
            self._proposer.tell(job, checked)

    def fail(self, job: Job, reason: str) -> None:
        """Say that a training broke.

        Raises:
            OptionError: the job was told before, or the reason is no text.
            OSError: as of :meth:`tell`.
        """
        if not isinstance(reason, str):
            raise OptionError(f"a reason in words is wanted, got {repr(reason)[:60]}")
        with self._lock:
            self._check_open(job)
            self._proposer.fail(job, reason)

    def _check_open(self, job: Job) -> None:
        known = isinstance(job, Job) and 0 <= job.number < len(self._history)
        if not known or self._history[job.number].digest != job.architecture.digest:
            raise OptionError(f"a job that this tuner's `ask` returned is wanted, got {repr(job)[:60]}")
        if (state := self._history[job.number].state) != "running":
            raise OptionError(f"the job of trial {job.number} was told before: it is {state}")

    @property
    def trials(self) -> list[TrialRecord]:
        """Every proposal, in order."""
        with self._lock:
            return self._history.records()

    @property
    def best(self) -> CompleteTrial | None:
        """The one that is worth most; ``None`` when none is complete."""
        with self._lock:
            return self._standing().best()

    def front(self) -> list[CompleteTrial]:
        """Those that no other beats in both worth and cost, the cheapest first."""
        with self._lock:
            return self._standing().front()

    def _standing(self) -> Standing:
        """How the trained architectures stand; to be used before the next trial is told, from which estimates learn."""
        trials, feasible = self._history.records(), self._feasible
        return Standing(
            trials,
            feasible.space,
            feasible.budget,
            self._proposer.epochs,
            rank=self._rank,
            estimates=self._live.follow(self._history),
            cost=self._cost,
        )

    def frame(self) -> Any:
        """A pandas DataFrame, one row a proposal; see :func:`seesaw_nas.report.frame`."""
        return report.frame(self.trials)


def _check_whole_numbers(**given: tuple[object, int]) -> None:
    """Refuse what is no whole number, or below the least one; ``given`` are values with their least ones by name."""
    for name, (value, least) in given.items():
        if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
            raise OptionError(f"{name} must be a whole number of at least {least}, got {_shown(value)}")


def _checked(score: object) -> Score:
    """A score of which every figure is what it should be.

    Raises:
        OptionError: it is not.
    """
    if not isinstance(score, Score):
        return Score(_fraction(score), "validation", 0.0)
    top1 = _fraction(score.top1)
    try:
        curve = tuple(score.curve)
        whole = CURVE.holds(entries(curve)) and SECONDS.holds(float(score.seconds))
        whole = whole and all(0 <= epoch.top1 <= 1 for epoch in curve if epoch.top1 is not None)
    except (TypeError, ValueError, AttributeError):
        whole = False
    if not whole or not isinstance(score.split, str) or not isinstance(score.note, str):
        raise OptionError(f"a Score with seconds and with a curve of epochs is wanted, got {repr(score)[:200]}")
    return replace(score, top1=top1, curve=curve)


def _fraction(value: Any) -> float:
    kind = type(value).__name__
    try:
        found = math.nan if kind in ("bool", "bool_", "str", "bytes", "bytearray") else float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):  # of a tensor with several entries
        found = math.nan
    if not 0 <= found <= 1:
        raise OptionError(
            f"top-1 as a fraction from 0 to 1 is wanted, got {_shown(value)}; say `fail` where a training broke"
        )
    return found


def _shown(value: object) -> str:
    """The beginning of a value's text; its type where Python refuses the text, as of an integer of 5,000 digits."""
    try:
        return repr(value)[:60]
    except ValueError:
        return f"a value of type {type(value).__name__} that is too long to print"
