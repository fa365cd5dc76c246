"""Recorded trainings in one Parquet file.

A row is an epoch of one training: ``digest``, ``spec`` (the architecture's JSON), ``macs``, ``params``, ``seed``,
``epoch``, ``train_loss``, ``loss``, ``top1`` (a fraction, on the validation images), ``seconds``. What all trainings
share stands as JSON in the file's metadata, under ``seesaw_nas``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.description import check_fields
from seesaw_nas.core.documents import DocumentError, decode, parse_json, read_bytes
from seesaw_nas.core.errors import RunError, SeesawError, SpecError
from seesaw_nas.core.fields import at_path, check_distinct, check_fraction, shorten
from seesaw_nas.core.files import replace_file
from seesaw_nas.core.typed import check, conform
from seesaw_nas.evaluators.subject import Subject
from seesaw_nas.training.epoch import Epoch

Curve = tuple[Epoch, ...]

SCHEMA_VERSION = 1
LARGEST = 2**30  # bytes of a file, and of its content
MOST_ROWS = 2_000_000
COLUMNS: dict[str, tuple[type, bool]] = {  # those that are read: type, and whether values may be missing
    "digest": (str, False), "spec": (str, False), "seed": (int, False), "epoch": (int, False),
    "train_loss": (float, False), "loss": (float, True), "top1": (float, True), "seconds": (float, False),
}  # fmt: skip
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
    try:
        content = read_bytes(path, LARGEST)
    except DocumentError as error:
        raise RunError(error.about(path, "the table")) from None
    import pyarrow as pa

    try:
        rows, about = _rows(content)
        if "schema_version" not in about:
            raise SpecError("this field is missing", "schema_version")
        if (version := about.pop("schema_version")) != SCHEMA_VERSION:
            raise RunError(
                f"{path} is a table of version {shorten(version)}; this release reads version {SCHEMA_VERSION}"
            )
        table = _table(rows, about)
    except RunError:
        raise
    except (pa.ArrowException, OSError, SeesawError, ValueError, MemoryError, OverflowError) as error:
        ours = isinstance(error, SeesawError)
        reason = str(error) if ours else " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise RunError(f"{path} is no table of recorded trainings ({reason}); make one by `tabulate`") from None
    if not table.entries:
        raise RunError(f"{path} holds no training")
    return table


def _rows(content: bytes) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """The columns, and the metadata; nothing is expanded before its size is known.

    Raises:
        SeesawError: they are too large, or not those of such a table.
        ArrowException, OSError: the file is not Parquet, or damaged.
    """
    import pyarrow as pa
    from pyarrow import parquet

    _check_columns(parquet.read_schema(pa.BufferReader(content)))
    file = parquet.ParquetFile(pa.BufferReader(content), read_dictionary=["spec", "digest"])
    groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
    expanded = sum(group.total_byte_size for group in groups)
    if file.metadata.num_rows > MOST_ROWS or expanded > LARGEST:
        raise SpecError(
            f"{file.metadata.num_rows:,} rows and {expanded:,} bytes are too many; at most {MOST_ROWS:,} rows and "
            f"{LARGEST:,} bytes are read"
        )
    about = (file.schema_arrow.metadata or {}).get(_KEY)
    if about is None:
        raise SpecError("its metadata do not say what the trainings are of", _KEY.decode())
    table = file.read(columns=list(COLUMNS))
    table.validate(full=True)
    rows = {name: _values(table.column(name), name) for name in COLUMNS}
    return rows, conform("metadata", Mapping[str, Any], parse_json(decode(about, "JSON")))


def _check_columns(schema: Any) -> None:
    import pyarrow as pa

    tests = {str: _is_text, int: pa.types.is_integer, float: pa.types.is_floating}
    for name, (kind, optional) in COLUMNS.items():
        if name not in schema.names:
            raise SpecError("there is no such column", name)
        if schema.names.count(name) > 1:
            raise SpecError("there are several such columns", name)
        found = schema.field(name).type
        if not tests[kind](found) and not (optional and pa.types.is_null(found)):
            raise SpecError(f"a column of type {kind.__name__} is wanted, got {found}", name)


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind.value_type if pa.types.is_dictionary(kind) else kind))


def _values(column: Any, name: str) -> list[Any]:
    """The values of a column; of texts, each different one is one object."""
    if column.null_count and not COLUMNS[name][1]:
        raise SpecError(f"{column.null_count:,} values are missing", name)
    found: list[Any] = []
    for chunk in column.chunks:
        if COLUMNS[name][0] is str:
            texts = chunk.dictionary.to_pylist()
            found += [texts[i] for i in chunk.indices.to_pylist()]
        else:
            found += chunk.to_pylist()
    return found


def _table(rows: Mapping[str, list[Any]], about: dict[str, Any]) -> Table:
    check_fields(about)
    for name in ("settings", "budget", "subject", "epochs"):
        if name not in about:
            raise SpecError("this field is missing", name)
    subject = conform("subject", Subject, about.pop("subject"))
    found: dict[str, dict[int, list[Epoch]]] = {}
    digests: dict[str, str] = {}
    numbers = [rows[name] for name in Epoch.__slots__]
    for spec, digest, seed, *figures in zip(rows["spec"], rows["digest"], rows["seed"], *numbers, strict=True):
        if digests.setdefault(spec, digest) != digest:
            raise SpecError("two digests stand beside one architecture", "digest")
        found.setdefault(spec, {}).setdefault(conform("seed", int, seed), []).append(Epoch(*figures))
    entries = tuple(_entry(spec, digests[spec], curves) for spec, curves in found.items())
    check_distinct("spec", [entry.architecture.digest for entry in entries])
    table = Table(subject, conform("epochs", int, about.pop("epochs")), about, entries)
    with at_path("settings"):
        space, _ = (conform(name, str, about["settings"].get(name)) for name in ("space", "recipe"))
    if not space and not about.get("space"):
        raise SpecError("this field is missing", "space")
    return table


def check_curve(curve: Sequence[Epoch], digest: str) -> None:
    """Refuse figures that the training of an architecture cannot have had.

    Args:
        curve: its epochs, at least one; those before the last may be without top-1.
        digest: of the architecture, for messages.

    Raises:
        SpecError: the message names the field.
    """
    for epoch in curve:
        check(epoch)
        if epoch.top1 is not None:
            check_fraction("top1", epoch.top1)
    if [epoch.epoch for epoch in curve] != list(range(1, len(curve) + 1)):
        raise SpecError(f"the epochs of a training of {digest} do not count up from 1", "epoch")
    if curve[-1].top1 is None:
        raise SpecError(f"the last epoch of a training of {digest} has none", "top1")


def _entry(spec: str, digest: str, curves: Mapping[int, list[Epoch]]) -> Recorded:
    architecture = Architecture.from_dict(parse_json(spec))
    if architecture.digest != digest:
        raise SpecError(f"the architecture has digest {architecture.digest}, got {shorten(digest)}", "digest")
    for curve in curves.values():
        check_curve(curve, digest)
    return Recorded(architecture, {seed: tuple(curve) for seed, curve in curves.items()})
