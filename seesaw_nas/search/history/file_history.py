"""The history of a run in its file ``trials.jsonl``, which one process owns.

The process reads the file once, and knows from then on what it wrote. An Optuna study is made, in memory, when a
sampler is first asked; from then on it is told what happens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seesaw_nas.architecture import compact
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import RunError, SpecError
from seesaw_nas.search.history.history import SAMPLER, History
from seesaw_nas.search.history.lines import SCHEMA_VERSION, Genotypes, entries, finite
from seesaw_nas.search.history.trials_file import TrialsFile
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.space import Budget, Space, decode, encode, genes
from seesaw_nas.space.costs import MACS, Cost

if TYPE_CHECKING:
    import optuna

    from seesaw_nas.search.history.memory_study import MemoryStudy


class FileHistory(History):
    """The trials in a file, or in memory alone."""

    def __init__(
        self,
        path: Path | None,
        space: Space,
        budget: Budget,
        seed: int = 0,
        *,
        objectives: str = "front",
        name: str = "run",
        lock: bool = False,
        cost: Cost = MACS,
    ) -> None:
        """Open the file, or make it.

        Args:
            path: ``None`` for a history in memory.
            objectives: ``front``, ``top1``, or ``top1`` with a cost.
            name: of a new study; one that is there keeps its own, so that a run folder may be renamed.
            cost: that of a front.
            lock: whether nobody else may open it so, neither in another process nor in this one.

        Raises:
            RunError: the file is damaged, or of another search; or somebody else has locked it.
            OSError: it cannot be written.
        """
        super().__init__(space, budget, seed, cost)
        self._choices = genes(space)
        self._chosen: dict[int, str] = {}
        self._genotypes = Genotypes(self._choices, self._chosen)
        self._file = TrialsFile(path, header_of(space, budget, objectives, name), lock=lock)
        content = self._file.content
        self._objectives, self._name = content.header["objectives"], content.header["study"]
        try:
            self._check_same(objectives)
        except RunError:
            self.close()
            raise
        self._notes, self._study_attributes = content.notes, content.attributes
        self._chosen |= {trial.number: trial.genes for trial in content.trials}
        self._attributes = [trial.attributes for trial in content.trials]
        self._study: MemoryStudy | None = None
        self._unwritten: list[dict[str, Any]] = []  # what a sampler noted
        for trial, record in zip(content.trials, self._file.reader.records(), strict=True):
            self._register(record, trial.attempts, trial.behind)

    def _check_same(self, objectives: str) -> None:
        if self._objectives != objectives:
            raise RunError(
                f"{self._file.path} is the history of another search: objectives {self._objectives}, wanted "
                f"{objectives}; name another file"
            )
        choices = {name: list(values) for name, values in self._choices.items()}
        if self._file.content.header["genes"] != choices:
            raise RunError(
                f"{self._file.path} is the history of another search, in a space with other choices than "
                f"'{self.space.name}'; name another file"
            )

    def close(self) -> None:
        """Let go of the file; what was read stays, and nothing can be written afterwards."""
        self._file.close()

    @property
    def notes(self) -> Mapping[str, Any]:
        """What :meth:`note` noted, by name."""
        return self._notes

    def note(self, name: str, value: Any) -> None:
        """Note something of the whole search, in JSON values; afterwards that is durable."""
        self._file.append({"note": name, "value": value})
        self._notes[name] = value

    @property
    def study(self) -> optuna.Study:
        """The trials as Optuna's samplers see them, in memory."""
        return self._memory_study().study

    def _memory_study(self) -> MemoryStudy:
        if self._study is None:
            from seesaw_nas.search.history import memory_study  # Optuna is loaded only for samplers that are its own

            found = memory_study.MemoryStudy(self._name, self._objectives, self._choices, self.budget, self.cost)
            for number, record in self._records.items():
                counts = self._attempts[number], self._behind[number]
                found.add(record, self.genotype(number), self._attributes[number], *counts)
            found.note(self._study_attributes, self._notes)
            self._study = found
        return self._study

    def genotype(self, number: int) -> dict[str, str]:
        """The genes of one trial."""
        return self._genotypes[number]

    def add(self, architecture: Architecture, origin: str = "", attempts: int = 1) -> int:
        """Begin a trial of this architecture, in a single write; returns its number."""
        number = len(self._records)
        genotype = encode(self.space, architecture)
        self._propose(number, architecture, genotype, origin, attempts)
        if self._study is not None:
            with self._in_step():
                self._study.add(self._records[number], genotype, {}, attempts, 0)
        return number

    def ask(self) -> int:
        """Begin a trial whose genes the study's sampler chooses; returns its number."""
        study = self._memory_study()
        with self._in_step():
            number, genotype, noted = study.ask()
            if number != len(self._records):
                raise RunError(f"the study of a search begins trial {number} where {len(self._records)} is the next")
            architecture, reason = None, ""
            try:
                architecture = decode(self.space, genotype)
            except SpecError as error:
                reason = str(error)
            self._propose(number, architecture, genotype, SAMPLER, 1, reason, noted)
            study.complete_proposal(self._records[number])
            self._keep_attributes(study)
        return number

    def _propose(
        self,
        number: int,
        architecture: Architecture | None,
        genotype: Mapping[str, Any],
        origin: str,
        attempts: int,
        reason: str = "",
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        chosen = self._genotypes.letters(genotype)
        record = self._new_record(number, architecture, origin, reason)
        self._file.append(proposal_line(record, chosen, attempts, attributes or {}))
        self._chosen[number] = chosen
        self._attributes.append(dict(attributes or {}))
        self._register(record, attempts, 0)

    def _save_attempts(self, number: int, count: int) -> None:
        self._file.append({"attempt": number, "attempts": count})

    def _save_result(self, number: int, record: TrialRecord) -> None:
        before = self._records[number]
        after = len(before.curve) if record.curve[: len(before.curve)] == before.curve else 0
        self._file.append(result_line(record, self._behind[number], after, before.seed))

    def _write(self, number: int, record: TrialRecord) -> None:
        super()._write(number, record)
        if self._study is not None:
            with self._in_step():
                self._attributes[number] |= (noted := self._study.tell(record, self._behind[number]))
                if noted:
                    self._unwritten.append({"attributes": number, "value": noted})
                self._keep_attributes(self._study)

    def _keep_attributes(self, study: MemoryStudy) -> None:
        """Write what Optuna's sampler noted; where the disk is full, with the next trial."""
        now = study.attributes
        if new := {name: value for name, value in now.items() if self._study_attributes.get(name) != value}:
            self._unwritten.append({"study": new})
            self._study_attributes |= new
        with suppress(OSError):
            while self._unwritten:
                self._file.append(self._unwritten[0])
                del self._unwritten[0]

    @contextmanager
    def _in_step(self) -> Iterator[None]:
        """Context that forgets the study in memory where file and study may have come apart."""
        try:
            yield
        except BaseException:
            self._study = None
            raise


def header_of(space: Space, budget: Budget, objectives: str, name: str) -> dict[str, Any]:
    """The first line of a trials file."""
    choices = {gene: list(values) for gene, values in genes(space).items()}
    return {
        "schema_version": SCHEMA_VERSION,
        "study": name,
        "objectives": objectives,
        "budget": [budget.low, budget.high],
        "genes": choices,
    }


def proposal_line(record: TrialRecord, chosen: str, attempts: int, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The line of a proposal; what is empty is left out."""
    line: dict[str, Any] = {"propose": record.number}
    if record.architecture is not None:
        line |= {"architecture": compact.write(record.architecture), "macs": record.macs, "params": record.params}
    line |= {"genes": chosen, "origin": record.origin, "attempts": attempts, "seed": record.seed}
    line |= {"at": round(record.started, 3)}
    line |= {"schedule": record.schedule} if record.schedule else {}
    line |= {"reason": record.reason} if record.reason else {}
    return line | ({"attributes": dict(attributes)} if attributes else {})


def result_line(record: TrialRecord, behind: int, after: int, seed: int) -> dict[str, Any]:
    """The line of a pause or an end; what is empty is left out.

    Args:
        after: so many epochs of the curve are in the file.
        seed: that the file has.
    """
    is_pause = record.state == "paused"
    line: dict[str, Any] = {"pause": record.number} if is_pause else {"end": record.number, "state": record.state}
    line |= {"attempts": behind, "seconds": float(record.seconds), "after": after}
    line |= {"curve": entries(record.curve)[after:]}
    line |= {} if (top1 := finite(record.top1)) is None else {"top1": top1}
    line |= {"split": record.split} if record.split != "validation" else {}
    line |= {"seed": record.seed} if record.seed != seed else {}
    line |= {name: value for name in ("reason", "worker") if (value := getattr(record, name))}
    return line if is_pause else line | {"at": round(record.ended, 3)}
