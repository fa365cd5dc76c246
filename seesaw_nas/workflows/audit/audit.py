"""An audit: every evaluator scores what was trained, and its order is held against that of the trainings."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import numpy as np

from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.device import describe
from seesaw_nas.core.errors import OptionError, RunError, SeesawError
from seesaw_nas.core.files import hold_folder
from seesaw_nas.core.run_folder import refuse_links
from seesaw_nas.evaluators.ranking import bands
from seesaw_nas.evaluators.ranking.result import Audit, Row, sort_key
from seesaw_nas.evaluators.ranking.spent import RECORDED, Spent
from seesaw_nas.report.pages.audit import write_audit
from seesaw_nas.search.estimates.predictor import FOLDS, out_of_sample
from seesaw_nas.workflows.audit import BAND, BOOTSTRAP, names, trainings
from seesaw_nas.workflows.audit.bench import Bench, OnScore
from seesaw_nas.workflows.audit.judge import Judge
from seesaw_nas.workflows.audit.scores import Scorebook, ScoreEntry

FILE, PAGE = "audit.json", "audit.html"
LEAST_RESAMPLES = 100


def audit(
    runs: Sequence[Path | str],
    *,
    evaluators: Sequence[str] = (),
    supernet: Path | str = "",
    band: float = BAND,
    bootstrap: int = BOOTSTRAP,
    seed: int = 0,
    device: str = "auto",
    data_dir: str = "",
    storage: str = "",
    out: Path | str = "",
    on_score: OnScore | None = None,
) -> Audit:
    """Hold evaluators against trainings, and write ``audit.json`` and ``audit.html``.

    Scores are kept in ``audit.json`` as they come; called again, this goes on from there.

    Args:
        runs: folders of searches, and tables by ``tabulate``, trained under the same conditions.
        evaluators: names (:func:`seesaw_nas.workflows.audit.names.choose_evaluators`); all that need no more if empty.
        supernet: folder of a trained one, for ``inherited`` and ``tuned``.
        band: how much more than its cheapest the costliest architecture of a band may cost, a fraction.
        bootstrap: resamples of the architectures behind each interval.
        seed: of the scores and of the resamples.
        device, data_dir: as a search's; without ``data_dir`` the first run's own.
        storage: URL of the database that has the searches' trials; needed where their folders have none.
        out: folder to write to; see :func:`folder`.
        on_score: told of each score: the evaluator, how many there are of it, and how many there will be.

    Raises:
        OptionError: there is too little to rank by, or an option is out of its range.
        SeesawError: something cannot be read or scored.
    """
    if bootstrap < LEAST_RESAMPLES:
        raise OptionError(f"--bootstrap must be at least {LEAST_RESAMPLES}, got {bootstrap}, to have tails to measure")
    if seed < 0:
        raise OptionError(f"--seed must be at least 0, got {seed}")
    paths, supernet = [Path(run) for run in runs], str(supernet)
    known = trainings.read(paths, storage)
    wanted = names.choose_evaluators(evaluators, known.evaluated, supernet)
    cut, left_out = bands.cut([entry.macs for entry in known.entries], band)
    bench, judge = Bench(known, supernet, device, data_dir), Judge(known, cut, bootstrap, seed)
    about = conditions(describe(bench.torch_device))
    place = _made(folder(paths, out), paths)
    with _held(place), Scorebook(place / FILE, known.basis) as book:
        rows, skipped = _rows(wanted, bench, judge, book, seed, on_score)
        found = Audit(
            runs=known.runs,
            task=known.basis.to_dict(),
            architectures=len(known.entries),
            trainings=known.trainings,
            training_seconds=known.seconds(known.epochs),
            band=band,
            bands=cut,
            left_out=left_out,
            bootstrap=bootstrap,
            seed=seed,
            baseline=judge.baseline(),
            ceiling=judge.ceiling(),
            rows=tuple(sorted(rows, key=sort_key)),
            skipped=skipped,
            conditions=about,
            unknown=known.unknown,
        )
        book.conclude(found.to_dict())
        _draw(place / PAGE, found)
    return found


def folder(paths: Sequence[Path], out: Path | str = "") -> Path:
    """Where an audit goes: ``out``; or ``audit`` in the folder of a single run, and here for tables and several."""
    if out:
        return Path(out)
    return paths[0] / "audit" if len(paths) == 1 and paths[0].is_dir() else Path("audit")


def _made(place: Path, paths: Sequence[Path]) -> Path:
    """The folder to write to, made where it lacks; one in a run's folder, which may be anybody's, is no link."""
    if place.parent in paths:
        refuse_links(place, ", or choose another --out")
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot write to {place}: {error.strerror}; choose another --out") from None
    return place


@contextlib.contextmanager
def _held(place: Path) -> Iterator[None]:
    """Context in which no other audit writes into the folder: it would score all again, and one lose its scores."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(hold_folder(place))
        except BlockingIOError:
            raise RunError(f"another process is writing to {place}; wait for it, or choose another --out") from None
        yield


def _draw(path: Path, found: Audit) -> None:
    write_audit(path, found)


def _rows(
    wanted: Sequence[str], bench: Bench, judge: Judge, book: Scorebook, seed: int, on_score: OnScore | None
) -> tuple[list[Row], dict[str, str]]:
    """A row of each evaluator, and why some have none."""
    rows, skipped = [], {}
    for name in wanted:
        if names.epoch_of(name):
            rows.append(judge.early(name))
        elif name == names.PREDICTOR:
            try:
                rows.append(_predicted(bench, judge, seed))
            except SeesawError as error:
                skipped[name] = str(error)
        else:
            rows.append(_called(name, bench, judge, book, seed, on_score))
    return rows, skipped


def _called(name: str, bench: Bench, judge: Judge, book: Scorebook, seed: int, on_score: OnScore | None) -> Row:
    found = bench.scores(name, book, seed, on_score)
    scores = np.array([math.nan if each.score is None else each.score for each in found])
    reasons = [each.reason for each in found if each.score is None]
    note = f"{len(reasons)} without a score, such as: {reasons[0]}" if reasons else ""
    return judge.scored(name, scores, _median(found, bench.unit(name)), bench.once(name), note)


def _median(found: Sequence[ScoreEntry], unit: str) -> Spent:
    """Of one score, in the unit of this audit where it scored any; else in that of the earlier one whose they are."""
    wanted = unit if any(each.unit == unit for each in found) else found[0].unit
    return Spent(median(each.seconds for each in found if each.unit == wanted), wanted)


def _predicted(bench: Bench, judge: Judge, seed: int) -> Row:
    """Each architecture predicted from the trainings of the other folds, which are what it costs once."""
    trials = [entry.trial(i) for i, entry in enumerate(bench.truth.entries)]
    started = time.process_time()
    scores = np.array(out_of_sample(bench.space, trials, folds=FOLDS, seed=seed), dtype=np.float64)
    spent = Spent((time.process_time() - started) / len(trials))
    learnt = Spent((1 - 1 / FOLDS) * bench.truth.trainings * bench.truth.seconds(bench.truth.epochs), RECORDED)
    note = f"learns from {FOLDS - 1} of {FOLDS} of these trainings"
    return judge.scored(names.PREDICTOR, scores, spent, learnt, note)
