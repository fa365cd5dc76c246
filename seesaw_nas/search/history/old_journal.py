"""The history of a run as earlier versions kept it: an Optuna study in the journal file ``optuna.journal``.

It is read, and converted once when the search goes on; nothing is written to it, and Optuna's locks are not taken.
"""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial

from seesaw_nas.core.documents import read_bytes
from seesaw_nas.core.errors import RunError, SeesawError
from seesaw_nas.core.files import partial
from seesaw_nas.search.history import optuna_private
from seesaw_nas.search.history.file_history import header_of, proposal_line, result_line
from seesaw_nas.search.history.history import SAMPLER, trial_seed
from seesaw_nas.search.history.lines import Genotypes, dump
from seesaw_nas.search.history.memory_study import GENERATION
from seesaw_nas.search.history.reading import as_record, as_records, counts
from seesaw_nas.search.objectives import directions
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.space import Budget, Space, genes

LARGEST = 2**31  # bytes
CUT_OFF = "a crash cut it off while its genes were chosen"


def is_old_journal(path: Path) -> bool:
    """Whether this file is a journal of Optuna's, and not a file of ours."""
    try:
        with path.open("rb") as file:
            return b'"op_code":' in file.read(4096).split(b"\n")[0]
    except OSError:
        return False


def read_study(journal: Path) -> optuna.Study | None:
    """The study in a journal, which is left as it is; ``None`` where none was begun.

    Raises:
        RunError: the file is not such a journal.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        content = read_bytes(journal, LARGEST)
        _check_lines(content)
        if b"\n" not in content:
            return None  # another process had just made the file
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            storage = JournalStorage(JournalFileBackend(str(journal)))
            (name,) = optuna.get_all_study_names(storage)
            return optuna.load_study(storage=storage, study_name=name)
    except Exception as error:  # Optuna carries out what a damaged journal says, and fails in any way
        raise _unreadable(journal, error) from None


def _unreadable(journal: Path, error: Exception) -> RunError:
    reason = str(error) if isinstance(error, SeesawError) else f"{type(error).__name__}: {error}"
    return RunError(f"{journal} is not a readable Optuna journal: {reason[:300]}")


def read_records(journal: Path) -> list[TrialRecord]:
    """Every proposal in a journal.

    Raises:
        RunError: the file is not such a journal.
    """
    study = read_study(journal)
    return as_records(study.get_trials(deepcopy=False), str(journal)) if study else []


def read_with_genotypes(journal: Path) -> tuple[Genotypes, list[TrialRecord]]:
    """The genes of the trials in a journal, and every proposal; raises what :func:`read_records` does."""
    study = read_study(journal)
    trials = study.get_trials(deepcopy=False) if study else []
    whole = max(trials, key=lambda trial: len(trial.distributions), default=None)
    found: dict[str, Any] = dict(whole.distributions) if whole else {}
    try:
        choices = {name: tuple(distribution.choices) for name, distribution in found.items()}
        letters = Genotypes(choices, {}).letters
        chosen = {trial.number: letters(trial.params) for trial in trials if trial.params.keys() >= choices.keys()}
    except (AttributeError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(journal, error) from None
    return Genotypes(choices, chosen), as_records(trials, str(journal))


def _check_lines(content: bytes) -> None:
    """Optuna passes over a last line that is none of its own, so every line is looked at first.

    Raises:
        ValueError: a line that has its end is none of a journal.
    """
    for number, line in enumerate(content.split(b"\n")[:-1], start=1):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict) or "op_code" not in value:
            raise ValueError(f"line {number} is no operation of a study")


def convert(
    journal: Path, path: Path, space: Space, budget: Budget, seed: int = 0, *, objectives: str = "front"
) -> None:
    """Write what a journal says to a trials file, all at once or not at all.

    Where both are one path, the journal is kept beside it, with ``.optuna`` behind its name. A lock that a process of
    an earlier version left when it was killed is removed.

    Raises:
        RunError: the journal is damaged, or of other objectives.
        OSError: the file cannot be written.
    """
    study = read_study(journal)
    lines = [] if study is None else _lines(study, journal, space, budget, seed, objectives)
    part = partial(path)
    with part.open("wb") as file:
        file.writelines(map(dump, lines))
        file.flush()
        os.fsync(file.fileno())
    if path == journal:
        shutil.copy2(journal, journal.with_name(journal.name + ".optuna"))
    part.replace(path)
    journal.with_name(journal.name + ".lock").unlink(missing_ok=True)


def _lines(
    study: optuna.Study, journal: Path, space: Space, budget: Budget, seed: int, objectives: str
) -> list[dict[str, Any]]:
    found, wanted = [direction.name.lower() for direction in study.directions], directions(objectives)
    if found != wanted:
        raise RunError(f"{journal} is another program's study: objectives {found}, wanted {wanted}")
    lines = [header_of(space, budget, objectives, study.study_name)]
    lines += [{"note": name, "value": value} for name, value in study.user_attrs.items()]
    if attributes := optuna_private.study_attributes(study):
        lines.append({"study": attributes})
    trials = study.get_trials(deepcopy=False)
    while trials and "proposal" not in trials[-1].user_attrs:
        del trials[-1]  # one that a crash cut off before it proposed anything is asked for again
    for trial in trials:
        lines += _lines_of_trial(trial, journal, genes(space), seed)
    return lines


def _lines_of_trial(
    trial: FrozenTrial, journal: Path, choices: Mapping[str, tuple[str, ...]], seed: int
) -> list[dict[str, Any]]:
    record = (
        as_record(trial, trial_seed(seed, trial.number), str(journal))
        if "proposal" in trial.user_attrs
        else TrialRecord(trial.number, "infeasible", origin=SAMPLER, reason=CUT_OFF)
    )
    attempts, behind = counts(trial)
    try:
        first = {name: values[0] for name, values in choices.items()}  # of one that was cut off
        chosen = Genotypes(choices, {}).letters(first | trial.params)
    except ValueError as error:
        raise RunError(f"{journal}: trial {trial.number} has other genes than the space: {error}") from None
    attributes = {name: value for name, value in trial.system_attrs.items() if not name.startswith("constraints")}
    if attributes == {GENERATION: 0} and record.origin != SAMPLER:
        attributes = {}
    lines = [proposal_line(record, chosen, attempts, attributes)]
    return lines if record.state == "running" else [*lines, result_line(record, behind, 0, record.seed)]
