"""Damaged files: whatever is done to one, reading it ends in a value or in one line of ours, and in nothing else."""

import contextlib
import json
import signal
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from mutations import damage_bytes, damage_json, damage_lines, damage_toml, damage_value, dumps
from pyarrow import parquet
from recorded import drawn, table

from seesaw_nas import space
from seesaw_nas.architecture import cost, specfile
from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.core.errors import SeesawError
from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.deploy.latency.document import document as latency_document
from seesaw_nas.deploy.latency.document import read as read_timings
from seesaw_nas.deploy.latency.record import Latency, NetworkLatencies
from seesaw_nas.evaluators import table as tables
from seesaw_nas.evaluators.basis import Basis
from seesaw_nas.network import models
from seesaw_nas.search import records
from seesaw_nas.search.history import old_journal
from seesaw_nas.search.history.places import records_of
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.space import Budget
from seesaw_nas.workflows import confirmation, shared_plan

OF_OLD_JOURNALS = 50, 200  # mutations in place of 100 and 2,000: Optuna reads these, in 20 ms
LONGEST = 30  # seconds after which a reading counts as endless
EXAMPLE = RunFolder.open(Path(__file__).parents[3] / "runs/examples/digits-600K")
SMALL = Architecture(8, 1, 3, Stem(4, 2), (Stage(4, 1, (Block(1, 3, Partition((1, 1)), "shuffle"),)),), Head(4))
NETWORK = models.build(SMALL, seed=0)


def read_spec(path):
    named = specfile.read(path)
    return specfile.document(named), cost.layers(named.architecture)


def read_space(path):
    found = space.load(str(path))
    return found.digest, list(found.slots(0))


def read_run(path):
    description = RunFolder.open(path.parent).description
    SearchSettings.from_dict(description.get("settings", {}))
    return Basis.of(description, "run")


def read_history(path):
    found = records_of(RunFolder.open(path.parent))
    return records.front(records.complete(found))


def read_table(path):
    found = tables.read(path)
    return found.space, found.budget, found.recipe, Basis.of(found.about, "table"), [e.macs for e in found.entries]


def read_confirmed(path):
    found = confirmation.read(path)
    return found.spreads, str(found.ties)


def read_stages(path):
    return shared_plan.shares(shared_plan.read(RunFolder(path.parent, {})))


def read_latency(path):
    found = read_timings(path)
    return [found.cells(digest) for digest in found.latencies]


def read_weights(path):
    return models.load_weights(NETWORK, path)


def make_confirmed():
    repeats = [confirmation.Repeat(f"{i:016x}", i, seed, 0.5 + 0.1 * seed, 2.0) for i in range(3) for seed in range(2)]
    value = {"conditions": {"recipe": "quick", "images": "100"}, "repeats": [_dict(one) for one in repeats]}
    return json.dumps(value).encode()


def _dict(record):
    return {name: getattr(record, name) for name in record.__slots__}


def make_stages():
    steps = [
        shared_plan.StepResult("supernet", "a supernet trained", 0, 9.5, None),
        shared_plan.StepResult("inherited", "scored with its weights", 100, 9.5, 0.5),
        shared_plan.StepResult("epochs-1", "trained for 1 epoch", 10, 9.5, 0.7, 0.25, 5),
    ]
    return json.dumps({"stages": [_dict(step) for step in steps]}).encode()


def make_latency():
    measured = Latency("eager", 1, 1, "cpu", "float32", 0.0, 10, 1.5, 1.25, 1.75, 1.0, 0.0, 1.0)
    failed = Latency("fused", 8, 1, "cpu", "float32", reason="it cannot be built")
    networks = [NetworkLatencies(Named("a", SMALL), (measured, failed))]
    return json.dumps(latency_document(networks, {"device": "CPU"})).encode()


def make_history(folder):
    settings = EXAMPLE.description["settings"]
    found = space.load("seesaw-digits")
    old_journal.convert(EXAMPLE.old_journal, folder / "h", found, Budget.parse(settings["budget"], found.costliest))
    lines = (folder / "h").read_bytes().splitlines(keepends=True)
    return b"".join(lines[:20])


def _head(path, lines):
    return b"".join(path.read_bytes().splitlines(keepends=True)[:lines])


def make_spec():
    return json.dumps(specfile.document(Named("small", SMALL), {"dataset": "digits", "top1": 0.5})).encode()


def make_table(folder):
    tables.write(folder / "t", table([[0.5, 0.75]], drawn(2)))
    return (folder / "t").read_bytes()


def make_weights(folder):
    models.save_weights(NETWORK, folder / "w", {"name": "small"})
    return (folder / "w").read_bytes()


STRANGE_VALUES = [0, -1, "x", float("nan"), 1e308, [1], True, 2**62, {"a": 1}, b"\xff", "[" * 3000, None]
STRANGE_COLUMNS = [
    *(lambda n, value=value: pa.array([value] * n) for value in STRANGE_VALUES),
    lambda n: pa.nulls(n, pa.float64()),
    lambda n: pa.array([2**64 - 1] * n, pa.uint64()),
    lambda n: pa.array([b"\xed\xa0\x80"] * n, pa.binary()).view(pa.string()),  # half a surrogate pair
    lambda n: pa.array(["x"] * n).dictionary_encode(),
    lambda n: pa.array([None, *[0.5] * (n - 1)]),
]


@cache
def _whole(content):
    return parquet.read_table(pa.BufferReader(content))


def damage_table(content, rng):
    """Every other time bytes; else a column, or what the metadata say."""
    if rng.integers(2):
        return damage_bytes(content, rng)
    whole = _whole(content)
    metadata = whole.schema.metadata
    kind = rng.integers(3)
    if kind == 0:
        metadata = {b"seesaw_nas": dumps(damage_value(json.loads(metadata[b"seesaw_nas"]), rng)).encode()}
    elif kind == 1:
        i = int(rng.integers(whole.num_columns))
        strange = STRANGE_COLUMNS[int(rng.integers(len(STRANGE_COLUMNS)))](whole.num_rows)
        whole = whole.set_column(i, whole.column_names[i], strange)
    else:
        rows = rng.integers(0, whole.num_rows, int(rng.integers(1, 12)))
        whole = whole.take(pa.array(rows))
    sink = pa.BufferOutputStream()
    parquet.write_table(whole.replace_schema_metadata(metadata), sink)
    return sink.getvalue().to_pybytes()


def damage_header(content, rng):
    """Bytes, most often of the header, where names, types, shapes and places of the tensors stand; or its values."""
    kind, size = rng.integers(3), int.from_bytes(content[:8], "little")
    if kind == 0:
        return damage_bytes(content, rng)
    if kind == 1:
        return damage_bytes(content[: 8 + size], rng) + content[8 + size :]
    header = damage_json(content[8 : 8 + size], rng)
    return len(header).to_bytes(8, "little") + header + content[8 + size :]


@pytest.fixture
def originals(tmp_path):
    """Content of an undamaged file of each kind, its name, how it is damaged and how it is read."""
    return {
        "spec": (make_spec(), "small.json", damage_json, read_spec),
        "space": ((space.files._FOLDERS[1] / "seesaw-digits.toml").read_bytes(), "s.toml", damage_toml, read_space),
        "run": (EXAMPLE.description_file.read_bytes(), "run.json", damage_json, read_run),
        "history": (make_history(tmp_path), EXAMPLE.journal.name, damage_lines, read_history),
        "old journal": (_head(EXAMPLE.old_journal, 60), EXAMPLE.old_journal.name, damage_lines, read_history),
        "table": (make_table(tmp_path), "t.parquet", damage_table, read_table),
        "confirmed": (make_confirmed(), "confirmed.json", damage_json, read_confirmed),
        "stages": (make_stages(), "stages.json", damage_json, read_stages),
        "latency": (make_latency(), "latency.json", damage_json, read_latency),
        "weights": (make_weights(tmp_path), "w.safetensors", damage_header, read_weights),
    }


@contextlib.contextmanager
def bounded():
    """Raise an error in a reading that does not end."""

    def give_up(*_):
        raise AssertionError(f"still reading after {LONGEST} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(LONGEST)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("mutations", [100, pytest.param(2000, marks=pytest.mark.thorough)])
@pytest.mark.parametrize(
    "kind", ["spec", "space", "run", "history", "old journal", "table", "confirmed", "stages", "latency", "weights"]
)
def test_a_damaged_file_is_read_or_refused_in_one_line(kind, mutations, originals, tmp_path, capfd):
    content, name, damage, read = originals[kind]
    folder, rng = tmp_path / "run", np.random.default_rng(16)
    folder.mkdir()
    (folder / "run.json").write_bytes(EXAMPLE.description_file.read_bytes())
    path, refused = folder / name, 0
    path.write_bytes(content)
    read(path)  # the undamaged one
    if kind == "old journal":
        mutations = OF_OLD_JOURNALS[mutations > 100]
    for number in range(mutations):
        damaged = damage(content, rng)
        path.write_bytes(damaged)
        try:
            with bounded(), warnings.catch_warnings():
                warnings.simplefilter("error")
                read(path)
        except SeesawError as error:
            refused += 1
            text = str(error)
            assert len(text.splitlines()) == 1, (number, text)
            assert len(text) < 2500, (number, text[:300])
        except BaseException as error:
            raise AssertionError(f"mutation {number}: {type(error).__name__}: {error}: {damaged[:3000]!r}") from error
    assert refused > mutations / 4
    assert capfd.readouterr() == ("", "")
