"""Budgets as users write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seesaw_nas.core.errors import BudgetError, UnitError
from seesaw_nas.space import Budget

COSTLIEST = 319_600_001


def costliest(of):
    """What the costliest network of a space that does not exist costs, in any respect."""
    return COSTLIEST


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("110M", 0, 110_000_000),
        ("1.5G", 0, 1_500_000_000),
        ("100M:110M", 100_000_000, 110_000_000),
        ("110M:110M", 110_000_000, 110_000_000),
        (" 100M : 110M ", 100_000_000, 110_000_000),
        ("60%", 0, 191_760_000),  # 0.6 * 319,600,001 is 191,760,000.6: rounded down, so that 60% is not exceeded
        ("50%:60%", 159_800_000, 191_760_000),
        ("100M:60%", 100_000_000, 191_760_000),
        ("12.5 %", 0, 39_950_000),
        ("100%", 0, COSTLIEST),
    ],
)
def test_budgets_as_users_write_them(text, low, high):
    assert Budget.parse(text, costliest) == Budget(low, high)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("110M:100M", "a budget's lower end must not be above its upper one, got 110,000,000 to 100,000,000; "),
        ("60%:50%", "a budget's lower end must not be above its upper one, got 191,760,000 to 159,800,000; "),
        ("0%", "a share of the costliest architecture lies above 0% and up to 100%, got '0%'"),
        ("120%", "a share of the costliest architecture lies above 0% and up to 100%, got '120%'"),
        ("-5%", "a share of the costliest architecture lies above 0% and up to 100%, got '-5%'"),
        ("half%", "a share of the costliest architecture lies above 0% and up to 100%, got 'half%'"),
    ],
)
def test_what_cannot_be_a_budget_is_refused(text, wanted):
    with pytest.raises(BudgetError) as refused:
        Budget.parse(text, costliest)
    assert str(refused.value).startswith(wanted)


@pytest.mark.parametrize(
    ("text", "unread"),
    [("junk", "junk"), ("", ""), ("100M:", ""), (":110M", ""), ("1M:2M:3M", "2M:3M"), ("100M-110M", "100M-110M")],
)
def test_junk_is_told_by_the_part_that_cannot_be_read(text, unread):
    with pytest.raises(UnitError) as refused:
        Budget.parse(text, costliest)
    assert str(refused.value).startswith(f"cannot read '{unread}' as a number of Multi-Adds")


def test_both_ends_belong_to_the_budget():
    budget = Budget(100, 110)
    assert [macs in budget.lead for macs in (99, 100, 110, 111)] == [False, True, True, False]


@pytest.mark.parametrize(("budget", "text"), [(Budget(0, 110_000_000), "110.0M"), (Budget(600, 1500), "600:1.5K")])
def test_a_budget_is_shown_short(budget, text):
    assert str(budget) == text


@given(st.integers(1, 10**12), st.integers(0, 10**12))
def test_a_band_is_read_back(low, more):
    assert Budget.parse(f"{low}:{low + more}", lambda _: 1) == Budget(low, low + more)


@given(st.integers(1, 100), st.integers(100, 10**15))
def test_a_share_is_never_exceeded(percent, costliest):
    budget = Budget.parse(f"{percent}%", lambda _: costliest)
    assert budget.high * 100 <= percent * costliest < (budget.high + 1) * 100
