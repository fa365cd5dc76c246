"""Quantities as users type them, and as they are shown."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seesaw_nas.core.errors import UnitError
from seesaw_nas.core.units import (
    format_bytes,
    format_count,
    format_duration,
    format_figure,
    format_large,
    format_nanoseconds,
    format_top1,
    parse_bytes,
    parse_count,
    parse_duration,
    parse_nanoseconds,
    write_budget,
    write_bytes,
    write_nanoseconds,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("110M", 110_000_000),
        ("110m", 110_000_000),
        (" 110 M ", 110_000_000),
        ("1.5G", 1_500_000_000),
        ("0.5K", 500),
        ("600k", 600_000),
        ("42", 42),
        ("110000000", 110_000_000),
        ("110,000,000", 110_000_000),
        ("110_000_000", 110_000_000),
    ],
)
def test_counts_as_users_write_them(text, value):
    assert parse_count(text) == value


def test_a_count_is_exact_where_floats_are_not():
    # 1.1 * 10**9 is 1100000000.0000002 in floats of 64 bits.
    assert parse_count("1.1G") == 1_100_000_000
    assert parse_count("99999999999999999.999G") == 99_999_999_999_999_999_999_000_000


@pytest.mark.parametrize("text", ["", " ", "M", "lots", "-5M", "+5M", "1e6", "110MB", "110 M M", ".5M", "5.M", "nan"])
def test_what_is_no_count_is_refused_with_an_example(text):
    with pytest.raises(UnitError) as refused:
        parse_count(text)
    assert str(refused.value) == (
        f"cannot read '{text}' as a number of Multi-Adds; write it like 110M, 1.5G or 110000000"
    )


@pytest.mark.parametrize("text", ["1,5M", "1,50M", "11_0M", "1,0000"])
def test_a_decimal_comma_is_refused_and_not_taken_for_thousands(text):
    with pytest.raises(UnitError, match="cannot read"):
        parse_count(text)


@pytest.mark.parametrize("text", ["0", "0M", "1.5", "1.0000001M"])
def test_a_count_is_positive_and_whole(text):
    with pytest.raises(UnitError, match="is not a positive whole number of Multi-Adds"):
        parse_count(text)


@given(st.integers(1, 10**30))
def test_a_plain_or_grouped_count_is_read_back(value):
    assert parse_count(str(value)) == value
    assert parse_count(f"{value:,}") == value
    assert parse_count(f"{value:_}") == value


@given(st.text(max_size=12))
def test_no_text_makes_anything_but_a_number_or_a_unit_error(text):
    for parse in (parse_count, parse_duration):
        with contextlib.suppress(UnitError):
            assert parse(text) > 0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1.0K"),
        (108_212_736, "108.2M"),
        (999_949, "999.9K"),
        (999_950, "1.0M"),  # not 1000.0K
        (999_950_000, "1.0G"),
        (2_500_000_000, "2.5G"),
    ],
)
def test_counts_are_shown_short(value, text):
    assert format_count(value) == text


@given(st.integers(1, 10**12))
def test_a_count_shown_short_is_right_to_one_part_in_twenty(value):
    assert abs(parse_count(format_count(value)) - value) <= value / 20


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (999_999_999, "999,999,999"),
        (10**9, "1.00e9"),
        (9_999_999_999, "1.00e10"),  # not 10.00e9
        (176_596_887_096_000, "1.77e14"),
        (123 * 10**400, "1.23e402"),  # beyond floats
    ],
)
def test_large_counts_are_exact_while_short(value, text):
    assert format_large(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.02373, "0.0237"),
        (9.6, "9.60"),
        (42.14, "42.1"),
        (99.94, "99.9"),
        (99.95, "100"),
        (563.4, "563"),
        (1234.5, "1,234"),
    ],
)
def test_measured_figures_have_three_digits(value, text):
    assert format_figure(value) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("30m", 1800), ("2h", 7200), ("1.5h", 5400), ("1d", 86400), (" 2 h ", 7200)],
)
def test_durations_as_users_write_them(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0s", "-1h", "2 hours", "1h30m", "h", "1:30", "2H"])
def test_what_is_no_duration_is_refused_with_an_example(text):
    with pytest.raises(UnitError) as refused:
        parse_duration(text)
    assert str(refused.value) == f"cannot read '{text}' as a duration; write it like 90s, 30m or 2h"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 s"),
        (0.2, "1 s"),  # rounded up: 0 s would say that it is over
        (59, "59 s"),
        (59.5, "1 min 00 s"),
        (200, "3 min 20 s"),
        (3599.5, "1 h 00 min"),
        (7500, "2 h 05 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_durations_are_shown_in_two_units(seconds, text):
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.4835, "48.35%"), (0.0, "0.00%"), (1.0, "100.00%"), (483.7913, "483.791"), (-3.5, "-3.5")]
)
def test_top1_is_a_percentage_and_another_score_is_not(value, text):
    assert format_top1(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("60%", "60%"), (600_000, "600000"), (6e5, "600000"), (np.int64(7), "7"), (np.float32(8), "8"),
        ((5e5, 600_000), "500000:600000"), (["100M", 110e6], "100M:110000000"),
    ],
)  # fmt: skip
def test_a_program_s_budget_is_a_text_a_number_or_a_pair(value, text):
    assert write_budget(value) == text


@pytest.mark.parametrize("value", [0.6, True, None, (1, 2, 3), float("nan"), {}])
def test_what_is_no_budget_is_refused_with_what_is(value):
    with pytest.raises(UnitError) as refused:
        write_budget(value)
    assert str(refused.value).startswith(
        "a budget is a text such as 110M or 100M:110M, a whole number of Multi-Adds, a pair of these as a band, or a "
        "dictionary with one of these for each cost; got "
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [("256KB", 262_144), ("1.5 MiB", 1_572_864), ("4096B", 4_096), ("27.3kb", 27_955), ("1GB", 1_073_741_824)],
)
def test_sizes_are_read_as_data_sheets_write_them(text, found):
    assert parse_bytes(text) == found


@pytest.mark.parametrize("text", ["256", "0KB", "0.1B", "-1KB", "1TB", "KB", "256KB memory"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(UnitError, match=r"write it like 256KB, 1\.5MB or 4096B"):
        parse_bytes(text)


@pytest.mark.parametrize(
    ("text", "found"), [("4ms", 4_000_000), ("0.5 ms", 500_000), ("800us", 800_000), ("1s", 10**9)]
)
def test_times_are_whole_nanoseconds(text, found):
    assert parse_nanoseconds(text) == found


@pytest.mark.parametrize("text", ["4", "0ms", "4 m", "-4ms", "ms", "4msec"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(UnitError, match=r"write it like 4ms, 0\.5ms or 800us"):
        parse_nanoseconds(text)


@given(st.integers(1, 2**40))
def test_amounts_spelled_for_a_user_are_read_back_to_three_digits(amount):
    assert parse_bytes(write_bytes(amount)) == pytest.approx(amount, rel=0.006, abs=1)
    assert parse_nanoseconds(write_nanoseconds(amount)) == pytest.approx(amount, rel=0.006, abs=1)


def test_amounts_are_shown_short():
    assert [format_bytes(amount) for amount in (1_000, 262_144, 1_572_864)] == ["1,000 B", "256 KB", "1.5 MB"]
    assert [format_nanoseconds(amount) for amount in (4_000_000, 812_345)] == ["4 ms", "0.812 ms"]


def test_a_budget_of_several_costs_is_written_from_a_dictionary():
    given = {"macs": (500_000, 6e5), "int8 memory": "28KB"}
    assert write_budget(given) == "500000:600000 macs, 28KB int8 memory"
