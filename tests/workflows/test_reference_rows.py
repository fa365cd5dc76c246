"""Every row of tables 3 to 7 beside our count; what differs says why, and what does not stays silent."""

import subprocess
import sys
from dataclasses import replace

import pytest

from seesaw_nas.architecture.reference import PUBLISHED, Published
from seesaw_nas.architecture.reference.published import MACS_STEP
from seesaw_nas.core.errors import OptionError
from seesaw_nas.workflows.reference import TOLERANCE, WHYS, Compared, compare

ROW = Published(7, "made up", "cifar10", 100_000_000, 0.9, "x@cifar10", True, "nobody", 1_000_000, 100_000)


def compared(params=1_000_000, macs=100_000_000, published=ROW):
    return Compared(published, params, macs, reading="", stand_in=False, why="")


def is_beyond(row):
    """Whether either figure is off by more than half of its last printed digit and by more than ``TOLERANCE``."""

    def off(exact, printed, step):
        return abs(exact - printed) > max(TOLERANCE * printed, step / 2)

    printed = row.published
    return off(row.macs, printed.macs, MACS_STEP) or (
        printed.params is not None and off(row.params, printed.params, printed.params_step)
    )


def test_every_row_of_the_paper_is_there_in_its_order():
    rows = compare()
    assert tuple(row.published for row in rows) == PUBLISHED
    assert all(row.params > 0 and row.macs > 0 for row in rows)


def test_what_differs_beyond_rounding_says_why_and_nothing_else_does():
    rows = compare()
    assert [row.published.network for row in rows if is_beyond(row)] == [
        row.published.network for row in rows if row.why
    ]
    assert {row.published.network for row in rows if row.why} == set(WHYS)


def test_differences_are_those_of_the_table():
    found = {row.published.network: row for row in compare()}
    # 313,619,328 / 314M - 1 and 3,505,960 / 3.5M - 1
    assert found["mobilenetv2@imagenet"].macs_difference == pytest.approx(-0.00121, abs=1e-5)
    assert found["mobilenetv2@imagenet"].params_difference == pytest.approx(0.00170, abs=1e-5)
    assert found["vgg-16@imagenet"].params_difference is None
    assert found["inception-v1@imagenet"].macs_difference == pytest.approx(0.0348, abs=1e-4)


def test_a_permutation_costs_nothing():
    found = {row.published.network: row for row in compare(6)}
    without, with_ = found["igcv3-noperm-0.5d@cifar10-tiny"], found["igcv3-0.5d@cifar10-tiny"]
    assert (without.params, without.macs) == (with_.params, with_.macs) == (1_379_722, 51_177_984)


@pytest.mark.parametrize(
    ("row", "beyond"),
    [
        (compared(), False),
        (compared(macs=102_000_000), False),  # 2%
        (compared(macs=102_000_001), True),
        (compared(macs=97_999_999), True),
        (compared(params=1_050_000), False),  # half of the last digit of 1.0M
        (compared(params=1_050_001), True),
        (compared(params=949_999), True),
        (compared(params=9, published=replace(ROW, params=None, params_step=0)), False),
        (compared(macs=30_600_000, published=replace(ROW, macs=30_000_000)), False),
        (compared(macs=10_400_000, published=replace(ROW, macs=10_000_000)), False),  # 4%, and prints 10M
    ],
)
def test_beyond_is_beyond_two_per_cent_and_the_printed_rounding(row, beyond):
    assert is_beyond(row) is beyond


def test_the_difference_of_classes_between_the_two_light_condensenets():
    ten, hundred = (row for row in compare() if row.published.network.startswith("condensenet-light-94"))
    assert hundred.params - ten.params == 90 * (214 + 1) == 19_350
    assert "19,350" in hundred.why


def test_readings_and_stand_ins():
    rows = {row.published.network: row for row in compare()}
    assert rows["seesaw-share-v0-0.5d@cifar10"].reading.startswith("1:2, and even where")
    assert rows["igcv3-0.5d-t3@cifar100-tiny"].reading == rows["igcv3-1.0d@imagenet"].reading != ""
    assert rows["vgg-16@imagenet"].reading == rows["resnet-18@imagenet"].reading == ""
    assert [name for name, row in rows.items() if row.stand_in] == ["nasnet-b-4@imagenet", "nasnet-c-3@imagenet"]
    assert all(row.reading.startswith("STAND-IN") for row in rows.values() if row.stand_in)


def test_one_table_and_one_data_set():
    assert {row.published.table for row in compare(6)} == {6}
    assert {row.published.table for row in compare(dataset="cifar10")} == {3, 6}
    assert len(compare(3, "cifar10")) == 9


@pytest.mark.parametrize(
    ("table", "dataset", "text"),
    [
        (8, "", "the tables with networks are 3 to 7, got 8"),
        (0, "", "the tables with networks are 3 to 7, got 0"),
        (None, "cifar", "unknown data set of the paper 'cifar', did you mean 'cifar10'? (known: cifar10, cifar100, i"),
        (5, "cifar10", "table 5 is about imagenet, not cifar10; leave one of the two away"),
    ],
)
def test_a_table_or_data_set_that_is_not_there(table, dataset, text):
    with pytest.raises(OptionError) as refused:
        compare(table, dataset)
    assert str(refused.value).startswith(text)


def test_a_table_of_our_space_needs_no_torch():
    code = """
import sys
sys.modules["torch"] = None
from seesaw_nas.workflows.reference import compare
print(len(compare(7)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("3\n", "")
