"""Texts in CSV files that spreadsheets would compute."""

import pytest

from seesaw_nas.core.cells import mark_formula


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+cmd", "-a", "@SUM(A1)", "\t=1", "\r=1", "\n", "  =1", "=", "-", "-1+2", "\N{FULLWIDTH EQUALS SIGN}1"],
)
def test_formula_is_marked(text):
    assert mark_formula(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=1", "-1", "+1.5", "-1.5e-3", ".5", "12", "a - b", "3x3", "c16 s1: t1 k3 1"])
def test_number_or_other_text_is_left(text):
    assert mark_formula(text) == text
