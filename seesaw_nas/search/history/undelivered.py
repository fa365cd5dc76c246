"""Results that a database has not confirmed yet, one file each in the run's folder."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from seesaw_nas.core.documents import DocumentError, read_json
from seesaw_nas.core.files import write_json


class Undelivered:
    """A folder of results on their way to a database; it is there only while it holds some.

    Args:
        folder: made when it is needed.
        study: name of the study that the results belong to.
    """

    def __init__(self, folder: Path, study: str) -> None:
        self.folder = folder
        self._study = study

    def keep(self, trial_id: int, result: Any) -> None:
        """Note what became of a trial; on a full disk nothing is noted, for the database may yet take it."""
        with contextlib.suppress(OSError):
            self.folder.mkdir(exist_ok=True)
            write_json(self._file(trial_id), {"study": self._study, "trial_id": trial_id, "result": result})

    def drop(self, trial_id: int) -> None:
        """Forget a trial: the database has it, or wants it no longer."""
        with contextlib.suppress(OSError):
            self._file(trial_id).unlink(missing_ok=True)
            self.folder.rmdir()

    def results(self) -> dict[int, Any]:
        """What is kept, by the number by which the storage knows the trial; files of other studies are passed over."""
        found = {}
        for file in sorted(self.folder.glob("*.json")):
            with contextlib.suppress(DocumentError, KeyError, TypeError):
                kept = read_json(file)
                if kept["study"] == self._study and type(kept["trial_id"]) is int and isinstance(kept["result"], dict):
                    found[kept["trial_id"]] = kept["result"]
        return found

    def _file(self, trial_id: int) -> Path:
        return self.folder / f"{trial_id}.json"
