"""Parallel coordinates."""

import numpy as np
import pytest
from drawn import notes, trial
from open_spaces import OPEN, TEXT

from seesaw_nas import report, space
from seesaw_nas.space import Feasible

SPACE = """
schema_version = 1
name = "two"
description = "two stages"
budget = "100%"
input = { size = 8, channels = 1, classes = 10 }
stem = { channels = 8, stride = 1 }
head = { channels = 16 }
blocks = { expansions = [1, 2], kernels = [3], partitions = ["1", "1:3"], flows = ["none"], activations = ["none"] }
[[stages]]
channels = 8
stride = 1
repeats = [1, 2]
[[stages]]
channels = 16
stride = 2
repeats = [1]
"""


ONE_TWO = "expansions = [1, 2]"


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    path = tmp_path_factory.mktemp("space") / "two.toml"
    path.write_text(SPACE)
    return space.load(str(path))


def searched(found, count):
    rng, feasible = np.random.default_rng(0), Feasible(found, found.budget("100%"))
    return [trial(i, 0.5 + i / 1000, architecture=feasible.draw_even(rng)) for i in range(count)]


def axes(figure):
    (shown,) = figure.data
    return {axis.label: axis for axis in shown.dimensions}


def read(axis):
    """What stands at each line, by the nearest tick."""
    return [axis.ticktext[round(value)] for value in axis.values.tolist()]


def test_a_small_space_has_an_axis_a_gene_and_each_line_its_genes(small):
    records = searched(small, 20)
    found = axes(report.parallel_genotype(records, small))
    assert list(found) == [
        "s1.repeats", "s1.b1.grouping", "s1.b1.expansion", "s1.b2.grouping", "s1.b2.expansion", "s2.b1.grouping",
        "s2.b1.expansion", "Multi-Adds (M)", "top-1 (%)",
    ]  # fmt: skip
    assert read(found["s1.repeats"]) == [str(len(r.architecture.stages[0].blocks)) for r in records]
    second = [r.architecture.stages[0].blocks[1:] for r in records]
    assert read(found["s1.b2.expansion"]) == [str(b[0].expansion) if b else "no block" for b in second]
    assert found["Multi-Adds (M)"].values.tolist() == pytest.approx([r.macs / 1e6 for r in records])
    assert found["top-1 (%)"].values.tolist() == pytest.approx([100 * r.top1 for r in records])


def test_a_large_space_has_as_many_summaries_of_its_stages_as_fit():
    large = space.load("seesaw-cifar")
    records = searched(large, 30)
    found = axes(report.parallel_genotype(records, large))
    assert len(found) <= 12 + 2
    assert [name for name in found if name.endswith(".partition")] == [f"s{i}.partition" for i in range(1, 8)]
    assert read(found["s6.blocks"]) == [str(len(r.architecture.stages[5].blocks)) for r in records]


def test_of_thousands_of_trials_some_are_drawn_the_best_and_the_worst_among_them(small):
    one = searched(small, 1)[0].architecture
    many = [trial(i, i / 5000, architecture=one) for i in range(5000)]
    values = axes(report.parallel_genotype(many, small))["top-1 (%)"].values.tolist()
    assert len(values) == 500
    assert (values[0], values[-1]) == (0, pytest.approx(99.98))


def test_trials_of_another_space_are_left_out(small):
    strange = trial(99, 0.9)
    assert len(axes(report.parallel_genotype([*searched(small, 3), strange], small))["top-1 (%)"].values) == 3
    assert notes(report.parallel_genotype([strange], small)) == ["none of the 1 trained trials is in space 'two'"]


def test_no_trial_says_so_and_one_is_a_line(small):
    assert notes(report.parallel_genotype([], small)) == ["no trial has a result"]
    assert len(axes(report.parallel_genotype(searched(small, 1), small))["top-1 (%)"].values) == 1


def test_absent_stages_and_heads_have_axes_of_their_own():
    records = searched(OPEN, 30)
    repeats = [OPEN.take_apart(record.architecture)[2] for record in records]
    found = axes(report.parallel_genotype(records, OPEN))
    assert read(found["head"]) == [str(record.architecture.head.channels) for record in records]
    assert read(found["s1.repeats"]) == [str(n) for n, _, _ in repeats]
    assert [one == "no block" for one in read(found["s1.b1.grouping"])] == [n == 0 for n, _, _ in repeats]
    assert {n for n, _, _ in repeats} == {0, 1}


def test_a_large_space_summarises_an_absent_stage_as_no_block():
    large = space.parse(TEXT.replace("kernels = [3]", "kernels = [3, 5]").replace("expansions = [1]", ONE_TWO), "t")
    assert len(space.genes(large)) > 12
    records = searched(large, 30)
    repeats = [large.take_apart(record.architecture)[2] for record in records]
    found = axes(report.parallel_genotype(records, large))
    assert read(found["s3.blocks"]) == [str(n) for *_, n in repeats]
    assert [one == "no block" for one in read(found["s3.partition"])] == [n == 0 for *_, n in repeats]
    assert read(found["head"]) == [str(record.architecture.head.channels) for record in records]
