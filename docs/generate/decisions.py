"""The index of the decisions, made from their pages."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "decisions"
HEAD = re.compile(r"# (?P<title>[^\n]+)\n\n(?P<date>\d{4}-\d\d-\d\d)\. Status: (?P<status>[^\n]+)\.\n")


def pages() -> list[Path]:
    """The pages of the decisions, the newest first."""
    return sorted(FOLDER.glob("[0-9]*.md"), reverse=True)


def table() -> str:
    """A row for each decision: its title as a link, its date and its status.

    Raises:
        ValueError: a page does not begin with a title, a date and a status.
    """
    rows = []
    for page in pages():
        head = HEAD.match(page.read_text(encoding="utf-8"))
        if head is None:
            raise ValueError(f"{page.name} must begin with '# title', a blank line, and 'YYYY-MM-DD. Status: ....'")
        rows.append(f"| [{head['title']}]({page.name}) | {head['date'].replace('-', '&#8209;')} | {head['status']} |")
    return "\n".join(["| decision | date | status |", "|---|---|---|", *rows, ""])
