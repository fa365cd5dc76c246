"""Recorded trainings: written, read back, refused when damaged, and answered from."""

import contextlib
import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.reference import network
from seesaw_nas.core.errors import RunError, SpecError
from seesaw_nas.evaluators import Subject, table
from seesaw_nas.evaluators.recorded import TableEvaluator
from seesaw_nas.evaluators.table import Recorded, Table
from seesaw_nas.space import Budget, Feasible, encode, load
from seesaw_nas.training.epoch import Epoch

SPACE = load("seesaw-digits")
FEASIBLE = Feasible(SPACE, Budget(0, 600_000))
SUBJECT = Subject("digits", (1, 8, 8), 10, 1079, 359)
ABOUT = {
    "settings": {"space": "", "recipe": "quick", "seed_with": []},
    "space": "seesaw-digits",
    "budget": {"low": 0, "high": 600_000},
}
SEEDS = (7, 0, 3)  # not in order


def curve(architecture, seed):
    """Two epochs, by which a training can be told."""
    first = cost.macs(architecture) % 97 / 100 + seed / 1000
    return (Epoch(1, 2.5, 2.25, first, 0.5), Epoch(2, 2.0, 1.75, first + 0.02, 0.25))


def drawn(count):
    rng = np.random.default_rng(0)
    return [FEASIBLE.draw_even(rng) for _ in range(count)]


@pytest.fixture(scope="module")
def recorded():
    entries = tuple(Recorded(a, {seed: curve(a, seed) for seed in SEEDS}) for a in drawn(12))
    return Table(SUBJECT, 2, ABOUT, entries)


@pytest.fixture(scope="module")
def evaluator(recorded):
    return TableEvaluator(recorded, SPACE)


@pytest.fixture
def file(recorded, tmp_path):
    path = tmp_path / "table.parquet"
    table.write(path, recorded)
    return path


# --- the file


def test_table_comes_back_as_it_was_written(file, recorded):
    found = table.read(file)
    assert found == recorded
    assert (found.space, found.budget, found.recipe, found.epochs) == ("seesaw-digits", "600000", "quick", 2)


def test_budget_of_a_band_and_space_of_a_file_are_as_a_user_writes_them(recorded):
    about = ABOUT | {"budget": {"low": 100, "high": 200}, "settings": {"space": "my.toml", "recipe": "quick"}}
    found = replace(recorded, about=about)
    assert (found.budget, found.space) == ("100:200", "my.toml")


def test_columns_are_those_that_the_description_names(file):
    content = parquet.read_table(file)
    assert content.column_names == [
        *("digest", "spec", "macs", "params", "seed"),
        *("epoch", "train_loss", "loss", "top1", "seconds"),
    ]
    assert content.num_rows == 12 * 3 * 2
    row = content.to_pylist()[0]
    architecture = drawn(1)[0]
    assert (row["digest"], row["macs"]) == (architecture.digest, cost.macs(architecture))
    assert row["params"] == cost.params(architecture)
    assert json.loads(row["spec"]) == architecture.to_dict()
    about = json.loads(content.schema.metadata[b"seesaw_nas"])
    assert (about["schema_version"], about["epochs"], about["subject"]["name"]) == (1, 2, "digits")


def rewritten(path, about=None, content=None):
    """The file with another description or other rows."""
    before = parquet.read_table(path)
    content = before if content is None else content
    known = json.loads(before.schema.metadata[b"seesaw_nas"])
    metadata = {b"seesaw_nas": json.dumps(known if about is None else about(known))}
    parquet.write_table(content.replace_schema_metadata(metadata), path)


def without(*path):
    """A description that lacks one entry."""

    def change(about):
        *outer, last = path
        inner = about
        for key in outer:
            inner = inner[key]
        del inner[last]
        return about

    return change


def refused(path):
    with pytest.raises(RunError) as caught:
        table.read(path)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 300 + len(str(path))
    return message.replace(str(path), "FILE")


def test_missing_file_is_told(tmp_path):
    assert refused(tmp_path / "none.parquet").startswith("cannot read the table FILE: ")


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"PAR1", b"PAR1" + bytes(100) + b"PAR1", b"\xff" * 1000],
)
def test_file_that_is_not_parquet_is_refused(tmp_path, content):
    path = tmp_path / "table.parquet"
    path.write_bytes(content)
    assert "FILE" in refused(path)


def test_file_cut_anywhere_is_refused(file):
    content = file.read_bytes()
    for end in range(0, len(content), len(content) // 20):
        file.write_bytes(content[:end])
        assert "FILE" in refused(file)


def test_file_with_a_damaged_byte_is_refused_in_one_line_or_read(file):
    content = file.read_bytes()
    for at in range(4, len(content), 40):
        file.write_bytes(content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :])
        with contextlib.suppress(RunError):
            table.read(file)
            continue
        refused(file)


def test_folder_is_refused(tmp_path):
    (tmp_path / "folder").mkdir()
    assert "FILE" in refused(tmp_path / "folder")


def test_parquet_of_something_else_is_refused(tmp_path):
    parquet.write_table(pa.table({"a": [1, 2]}), tmp_path / "other.parquet")
    message = refused(tmp_path / "other.parquet")
    assert message.startswith("FILE is no table of recorded trainings (digest: there is no such column)")
    assert message.endswith("make one by `tabulate`")


def test_other_version_is_told_with_the_one_that_is_read(file):
    rewritten(file, lambda about: about | {"schema_version": 2})
    assert refused(file) == "FILE is a table of version 2; this release reads version 1"


def test_table_without_a_training_is_refused(file):
    rewritten(file, content=parquet.read_table(file).slice(0, 0))
    assert refused(file) == "FILE holds no training"


@pytest.mark.parametrize(
    "change",
    [
        without("schema_version"),
        without("subject"),
        without("subject", "name"),
        without("epochs"),
        without("settings"),
        without("settings", "space"),
        without("settings", "recipe"),
        without("budget"),
        lambda about: [],
        lambda about: 3,
        lambda about: about | {"settings": "quick"},
        lambda about: about | {"epochs": "two"},
        lambda about: about | {"subject": about["subject"] | {"more": 1}},
    ],
)
def test_description_that_is_none_is_refused(file, change):
    rewritten(file, change)
    assert refused(file).startswith("FILE is no table of recorded trainings (")


@pytest.mark.parametrize("spec", ["{", "[]", "3", "{}", '{"input": 8}'])
def test_row_without_an_architecture_is_refused(file, spec):
    content = parquet.read_table(file)
    index = content.column_names.index("spec")
    rewritten(file, content=content.set_column(index, "spec", pa.array([spec] * content.num_rows)))
    assert refused(file).startswith("FILE is no table of recorded trainings (")


@pytest.mark.parametrize("column", ["spec", "seed", "epoch", "top1", "seconds"])
def test_missing_column_is_named(file, column):
    rewritten(file, content=parquet.read_table(file).drop_columns([column]))
    assert (
        refused(file)
        == f"FILE is no table of recorded trainings ({column}: there is no such column); make one by `tabulate`"
    )


# --- answers


def test_recorded_architecture_has_its_own_curve_and_no_note(evaluator, recorded):
    for entry in recorded.entries:
        score = evaluator.evaluate(entry.architecture, seed=0)
        assert score.curve == entry.curves[0]
        assert (score.top1, score.split, score.note) == (score.curve[-1].top1, "validation", "")
        assert score.seconds == 0.75


def test_seed_chooses_among_those_recorded_in_their_order(evaluator, recorded):
    entry = recorded.entries[0]
    found = [evaluator.evaluate(entry.architecture, seed=seed).curve for seed in range(7)]
    assert found == [entry.curves[seed] for seed in (0, 3, 7, 0, 3, 7, 0)]
    assert evaluator.evaluate(entry.architecture, seed=3 * 10**15 + 2).curve == entry.curves[7]


@pytest.mark.parametrize(("until", "epochs"), [(1, 1), (2, 2), (None, 2), (9, 2)])
def test_curve_ends_where_it_is_to_pause(evaluator, recorded, until, epochs):
    heard, entry = [], recorded.entries[0]
    score = evaluator.evaluate(entry.architecture, seed=0, until=until, on_epoch=heard.append)
    assert score.curve == tuple(heard) == entry.curves[0][:epochs]
    assert (score.top1, score.seconds) == (heard[-1].top1, sum(epoch.seconds for epoch in heard))


def test_architecture_that_is_not_recorded_gets_the_nearest_one_s_curve_and_says_so(evaluator, recorded):
    entry = recorded.entries[0]
    other = FEASIBLE.mutate(entry.architecture, np.random.default_rng(4))
    genes, others = encode(SPACE, entry.architecture), encode(SPACE, other)
    differing = sum(genes[name] != others[name] for name in genes)
    assert differing >= 1
    score = evaluator.evaluate(other, seed=0)
    assert score.curve == entry.curves[0]
    assert score.note == (
        f"of the nearest recorded architecture, {entry.architecture.digest}: {differing} genes differ"
    )


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_nearest_differs_in_the_fewest_genes_and_of_those_its_multi_adds_are_closest(evaluator, recorded, seed):
    other = FEASIBLE.draw(np.random.default_rng(seed))
    code = encode(SPACE, other)

    def distance(entry):
        differing = sum(value != code[name] for name, value in encode(SPACE, entry.architecture).items())
        return differing, abs(entry.macs - cost.macs(other))

    entry, differing = evaluator.nearest(other)
    assert (differing, abs(entry.macs - cost.macs(other))) == min(map(distance, recorded.entries))


def test_evaluation_takes_no_time_and_the_table_s_epochs(evaluator, recorded):
    assert (evaluator.estimate(recorded.entries[0].architecture), evaluator.epochs) == (0.0, 2)


def test_architectures_of_another_space_are_passed_over(recorded):
    foreign = Recorded(network("igcv3-0.5d"), {0: recorded.entries[0].curves[0]})
    mixed = TableEvaluator(replace(recorded, entries=(foreign, *recorded.entries)), SPACE)
    assert mixed.nearest(recorded.entries[3].architecture) == (recorded.entries[3], 0)


def test_space_with_none_of_the_architectures_is_refused(recorded):
    with pytest.raises(RunError) as caught:
        TableEvaluator(recorded, load("seesaw-cifar"))
    assert str(caught.value) == (
        "no architecture of the table is in space 'seesaw-cifar'; it was recorded in seesaw-digits"
    )


def test_architecture_outside_the_space_is_refused(evaluator):
    with pytest.raises(SpecError, match="the architecture is not in space 'seesaw-digits'"):
        evaluator.evaluate(network("igcv3-0.5d"), seed=0)
