"""Parallel coordinates."""

from dataclasses import replace

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


LARGE = TEXT.replace("kernels = [3]", "kernels = [3, 5]").replace("expansions = [1]", "expansions = [1, 2]")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    path = tmp_path_factory.mktemp("space") / "two.toml"
    path.write_text(SPACE)
    return space.load(str(path))


def searched(found, count):
    rng, feasible = np.random.default_rng(0), Feasible(found, found.budget("100%"))
    return [trial(i, 0.5 + i / 1000, architecture=feasible.draw_even(rng)) for i in range(count)]


def lines(figure):
    return [shown for shown in figure.data if shown.mode == "lines"]


def names(figure):
    """Of the axes, from the left; each stands above its axis."""
    return [note.text.replace("<br>", " ") for note in figure.layout.annotations if note.yanchor == "bottom"]


def read(figure, name):
    """What stands at each line where it crosses the axis of this name, by the nearest tick."""
    place = names(figure).index(name)
    ticks = {note.y: note.text for note in figure.layout.annotations if note.x == place and note.xanchor == "right"}
    return [ticks[min(ticks, key=lambda at: abs(at - line.y[place]))] for line in lines(figure)]


def test_the_axes_are_the_choices_by_which_top1_differs_most_then_multi_adds_and_top1(small):
    records = searched(small, 40)
    # top-1 as made up here is that of the expansion of the second stage, 2 being better, and a little of the number
    telling = [replace(r, top1=0.1 * r.architecture.stages[1].blocks[0].expansion + r.number / 1e5) for r in records]
    found = report.parallel_genotype(telling, small)
    assert len(names(found)) <= 6 + 2
    assert names(found)[-2:] == ["Multi-Adds (M)", "top-1 (%)"]
    assert "stage 2.1 expansion" in names(found)
    ranked = sorted(telling, key=lambda r: r.top1)
    assert read(found, "stage 2.1 expansion") == [str(r.architecture.stages[1].blocks[0].expansion) for r in ranked]
    assert {line.line.dash for line in lines(found)} == {None}
    heights = [line.y[-1] for line in lines(found)]
    assert heights == sorted(heights)
    assert (heights[0], heights[-1]) == pytest.approx((0.03, 0.97))


def test_points_at_the_end_have_a_colour_bar_and_say_what_they_are(small):
    found = report.parallel_genotype(searched(small, 20), small)
    (ends,) = [shown for shown in found.data if shown.mode == "markers"]
    assert ends.marker.showscale
    assert list(ends.marker.color) == pytest.approx([50 + i / 10 for i in range(20)])
    assert ends.hovertext[0].startswith("<b>trial 0</b>, 50.00%, ")


def test_a_large_space_has_summaries_of_its_stages():
    found = report.parallel_genotype(searched(space.load("seesaw-cifar"), 30), space.load("seesaw-cifar"))
    assert len(names(found)) == 6 + 2
    assert {name.split()[-1] for name in names(found)[:-2]} <= {"partition", "blocks", "expansion", "flow"}
    assert "choices by which top-1 differs most; " in notes(found)[-1]


def test_of_thousands_of_trials_some_are_drawn_the_best_and_the_worst_among_them(small):
    one = searched(small, 1)[0].architecture
    many = [trial(i, i / 5000, architecture=one) for i in range(5000)]
    found = report.parallel_genotype(many, small)
    assert len(lines(found)) == 200
    assert list(found.data[-1].marker.color)[::199] == [0, pytest.approx(99.98)]


def test_trials_of_another_space_are_left_out(small):
    strange = trial(99, 0.9)
    assert len(lines(report.parallel_genotype([*searched(small, 3), strange], small))) == 3
    assert notes(report.parallel_genotype([strange], small)) == ["none of the 1 trained trials is in space 'two'"]


def test_no_trial_says_so_and_one_is_a_line(small):
    assert notes(report.parallel_genotype([], small)) == ["no trial has a result"]
    assert len(lines(report.parallel_genotype(searched(small, 1), small))) == 1


def by(top1, records):
    """The same records with such a top-1, and in its order."""
    return sorted((replace(record, top1=top1(record.architecture)) for record in records), key=lambda one: one.top1)


@pytest.mark.parametrize("text", [TEXT, LARGE])
def test_heads_have_an_axis_of_their_own(text):
    found = space.parse(text, "t")
    records = by(lambda one: one.head.channels / 100, searched(found, 30))
    heads = [str(record.architecture.head.channels) for record in records]
    assert read(report.parallel_genotype(records, found), "head") == heads
    assert len(set(heads)) == 2


def test_an_absent_stage_has_no_repeats_and_no_block():
    records = by(lambda one: OPEN.take_apart(one)[2][0] / 2, searched(OPEN, 30))
    repeats = [OPEN.take_apart(record.architecture)[2][0] for record in records]
    found = report.parallel_genotype(records, OPEN)
    assert read(found, "stage 1 repeats") == [str(n) for n in repeats]
    assert [one == "no block" for one in read(found, "stage 1.1 grouping")] == [n == 0 for n in repeats]
    assert set(repeats) == {0, 1}


def test_a_large_space_summarises_an_absent_stage_as_no_block():
    large = space.parse(LARGE, "t")
    assert len(space.genes(large)) > 12
    records = by(lambda one: large.take_apart(one)[2][2] / 3, searched(large, 30))
    repeats = [large.take_apart(record.architecture)[2][2] for record in records]
    found = report.parallel_genotype(records, large)
    assert read(found, "stage 3 blocks") == [str(n) for n in repeats]
    assert [one == "no block" for one in read(found, "stage 3 partition")] == [n == 0 for n in repeats]
