"""HTML by which values show themselves in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

MOST_ROWS = 60  # of a table in a notebook; the rest is counted


def table(caption: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table under a caption; every text is escaped, numbers stand at the right."""
    every = list(rows)
    parts = [f"<caption style='text-align:left'>{escape(caption)}</caption>"]
    if headings:
        parts.append(f"<tr>{''.join(f'<th>{escape(heading)}</th>' for heading in headings)}</tr>")
    parts += [f"<tr>{''.join(map(_cell, row))}</tr>" for row in every[:MOST_ROWS]]
    if (more := len(every) - MOST_ROWS) > 0:
        parts.append(f"<tr><td colspan='{max(1, len(headings))}'>and {more:,} more</td></tr>")
    return f"<table>{''.join(parts)}</table>"


def _cell(value: object) -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    text = f"{value:,}" if is_number else str(value)
    return f"<td style='text-align:{'right' if is_number else 'left'}'>{escape(text)}</td>"
