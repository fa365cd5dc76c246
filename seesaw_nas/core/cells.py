"""Texts in CSV files, which spreadsheets read: a text that they would take for a formula is marked as a text."""

from __future__ import annotations

import re

_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")  # also the full-width forms
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def mark_formula(text: str) -> str:
    """``text`` with an apostrophe before it if a spreadsheet would compute it; a number is left as it is."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text
