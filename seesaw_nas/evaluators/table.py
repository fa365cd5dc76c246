"""Recorded trainings in one Parquet file.

A row is an epoch of one training: ``digest``, ``spec`` (the architecture's JSON), ``macs``, ``params``, ``seed``,
``epoch``, ``train_loss``, ``loss``, ``top1`` (a fraction, on the validation images), ``seconds``. What all trainings
share stands as JSON in the file's metadata, under ``seesaw_nas``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import RunError, SeesawError
from seesaw_nas.core.files import replace_file
from seesaw_nas.evaluators.subject import Subject
from seesaw_nas.training.epoch import Epoch

Curve = tuple[Epoch, ...]

SCHEMA_VERSION = 1
_KEY = b"seesaw_nas"


@dataclass(frozen=True)
class Recorded:
    """One architecture of a table.

    Attributes:
        curves: of each training, by its seed.
    """

    architecture: Architecture
    curves: Mapping[int, Curve]

    @cached_property
    def macs(self) -> int:
        return cost.macs(self.architecture)


@dataclass(frozen=True)
class Table:
    """Trainings of many architectures under the same conditions.

    Attributes:
        subject: what they were trained on.
        epochs: of every training.
        about: space, budget, recipe, hardware and whatever else the trainings share, in JSON values.
    """

    subject: Subject
    epochs: int
    about: Mapping[str, Any]
    entries: tuple[Recorded, ...]

    @property
    def space(self) -> str:
        """Its name, or the file that described it."""
        return str(self.about["settings"]["space"] or self.about["space"])

    @property
    def space_file(self) -> str:
        """The text that described the space; empty where it is one that comes with the package."""
        return str(self.about.get("space_file", ""))

    @property
    def budget(self) -> str:
        """That the architectures were drawn from, as a user would write it."""
        low, high = self.about["budget"]["low"], self.about["budget"]["high"]
        return f"{low}:{high}" if low else str(high)

    @property
    def recipe(self) -> str:
        return str(self.about["settings"]["recipe"])


def write(path: Path, table: Table) -> None:
    """Put a table into a file, in one step.

    Raises:
        OSError: the file cannot be written.
    """
    import pyarrow as pa
    from pyarrow import parquet

    rows = [
        {"digest": entry.architecture.digest, "spec": json.dumps(entry.architecture.to_dict()), "macs": entry.macs}
        | {"params": cost.params(entry.architecture), "seed": seed}
        | asdict(epoch)
        for entry in table.entries
        for seed, curve in entry.curves.items()
        for epoch in curve
    ]
    about = {"schema_version": SCHEMA_VERSION, "subject": asdict(table.subject), "epochs": table.epochs, **table.about}
    content = pa.Table.from_pylist(rows).replace_schema_metadata({_KEY: json.dumps(about)})
    sink = pa.BufferOutputStream()
    parquet.write_table(content, sink, compression="zstd")
    replace_file(path, sink.getvalue().to_pybytes())


def read(path: Path) -> Table:
    """The table in a file.

    Raises:
        RunError: there is none, or the file is no such table.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = path.read_bytes()
    except OSError as error:
        raise RunError(f"cannot read the table {path}: {error.strerror}") from None
    try:
        content = parquet.read_table(pa.BufferReader(file))
        about = json.loads((content.schema.metadata or {})[_KEY])
        if (version := about.pop("schema_version")) != SCHEMA_VERSION:
            raise RunError(f"{path} is a table of version {version}; this release reads version {SCHEMA_VERSION}")
        subject = about.pop("subject")
        found: dict[str, dict[int, list[Epoch]]] = {}
        for row in content.to_pylist():
            epoch = Epoch(**{name: row[name] for name in Epoch.__slots__})
            found.setdefault(row["spec"], {}).setdefault(row["seed"], []).append(epoch)
        entries = tuple(
            Recorded(Architecture.from_dict(json.loads(spec)), {seed: tuple(c) for seed, c in curves.items()})
            for spec, curves in found.items()
        )
        lists = {name: tuple(value) for name, value in subject.items() if isinstance(value, list)}
        table = Table(Subject(**subject | lists), int(about.pop("epochs")), about, entries)
        table.space, table.budget, table.recipe  # noqa: B018 (whether they are there)
    except RunError:
        raise
    except (pa.ArrowException, OSError, SeesawError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise RunError(f"{path} is no table of recorded trainings ({reason}); make one by `tabulate`") from None
    if not table.entries:
        raise RunError(f"{path} holds no training")
    return table
