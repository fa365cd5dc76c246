"""The numbers that a figure draws, as a table: a row a point, in the order of the figure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

_TRIAL = re.compile(r"trial (\d+)")
_BY_TRIAL = "trial %{customdata}"  # how a figure says that its points' own data are the numbers of trials


def drawn_data(figure: go.Figure) -> pd.DataFrame:
    """Every point, bar and named line that a figure draws.

    ``series`` is its name in the legend, and ``panel`` the title of its panel, where there are several. A column for
    each direction has the axis's title, or ``x`` and ``y`` where panels differ. Where something has them, there are
    ``base`` of a bar that does not begin at 0, both ends of bars of error, what the colour says, ``trial``,
    ``segment``, which counts the pieces of an interrupted line from 1, and ``value``, what a place on an axis means.
    """
    names = {axis: _axis_name(figure, axis) for axis in "xy"}
    panels = _panels(figure)
    colour = _colour_name(figure)
    rows = [row for trace in figure.data for row in _of_trace(trace, names, panels, colour)]
    rows += [row for shape in figure.layout.shapes if shape.name for row in _of_line(shape, names, panels)]
    order = ["panel", "series", "trial", "segment", names["x"], names["y"]]
    table = pd.DataFrame(rows)
    first = [name for name in order if name in table and table[name].notna().any()]
    rest = [name for name in table if name not in order and table[name].notna().any()]
    for name in ("trial", "segment"):
        if name in first:
            table[name] = table[name].astype("Int64")
    return table[[*first, *rest]]


def _axis_name(figure: go.Figure, axis: str) -> str:
    """The one title that axes of a direction have."""
    own = figure.select_xaxes() if axis == "x" else figure.select_yaxes()
    titles = {_plain(found.title.text) for found in own if found.title.text}
    return titles.pop() if len(titles) == 1 else axis


def _panels(figure: go.Figure) -> dict[tuple[str, str], str]:
    """The title of each pair of axes, ``("x2", "y2")``, or its number; nothing where there is one."""
    pairs = list(dict.fromkeys((trace.xaxis or "x", trace.yaxis or "y") for trace in figure.data))
    if len(pairs) < 2:
        return {}
    titles = [_plain(note.text) for note in figure.layout.annotations if note.yanchor == "bottom"]
    has_titles = len(titles) == len(pairs)
    return {pair: titles[i] if has_titles else str(i + 1) for i, pair in enumerate(pairs)}


def _colour_name(figure: go.Figure) -> str:
    """What the colours of points say, by the title of the colour bar."""
    titles = [trace.marker.colorbar.title.text for trace in figure.data if trace.type == "scatter"]
    return next(filter(None, titles), "colour")


def _of_trace(
    trace: Any, names: dict[str, str], panels: dict[tuple[str, str], str], colour: str
) -> Iterator[dict[str, Any]]:
    x, y = _values(trace.x), _values(trace.y)
    interrupted = any(value is None for value in (*x, *y))
    extra = _extra(trace, x, y, names, colour)
    segment = 1
    for i, (at, value) in enumerate(zip(x, y, strict=True)):
        if at is None or value is None:
            segment += 1
            continue
        row: dict[str, Any] = {
            "panel": panels.get((trace.xaxis or "x", trace.yaxis or "y")),
            "series": _plain(trace.name),
        }
        row |= {names["x"]: at, names["y"]: value}
        if interrupted:
            row["segment"] = segment
        yield row | {name: values[i] for name, values in extra.items()}


def _extra(trace: Any, x: list[Any], y: list[Any], names: dict[str, str], scale: str) -> dict[str, list[Any]]:
    """What else is drawn of each point; ``scale`` is what colours say."""
    found: dict[str, list[Any]] = {}
    for axis, values in (("x", x), ("y", y)):
        error = getattr(trace, f"error_{axis}", None)
        if error is not None and error.array is not None:
            up, down = _values(error.array), _values(error.array if error.arrayminus is None else error.arrayminus)
            found[f"{names[axis]}, lower end"] = [v - d for v, d in zip(values, down, strict=True)]
            found[f"{names[axis]}, upper end"] = [v + u for v, u in zip(values, up, strict=True)]
    if "base" in trace and trace.base is not None:
        found["base"] = _values(trace.base)
    colour = trace.marker.color if "marker" in trace else None
    if colour is not None and not isinstance(colour, str) and not isinstance(colour[0], str):
        found[scale] = _values(colour)
    texts = list(trace.hovertext) if isinstance(trace.hovertext, list | tuple | np.ndarray) else []
    numbers = [_TRIAL.search(text) for text in texts]
    if numbers and all(numbers):
        found["trial"] = [int(number[1]) for number in numbers if number]
    elif (trace.hovertemplate or "").startswith(_BY_TRIAL) and trace.customdata is not None:
        found["trial"] = _values(trace.customdata)
    elif number := _TRIAL.fullmatch(trace.name or ""):
        found["trial"] = [int(number[1])] * len(x)
    if "mode" in trace and trace.mode == "lines" and isinstance(trace.text, list | tuple | np.ndarray):
        found["value"] = _values(trace.text)  # which places on axes of several kinds stand for
    return found


def _of_line(shape: Any, names: dict[str, str], panels: dict[tuple[str, str], str]) -> Iterator[dict[str, Any]]:
    """The place of a line that is named, such as a budget; the direction that it spans is empty."""
    pair = (shape.xref.split()[0], shape.yref.split()[0])
    row = {"panel": panels.get(pair), "series": _plain(shape.name)}
    if shape.x0 == shape.x1:
        yield row | {names["x"]: shape.x0}
    elif shape.y0 == shape.y1:
        yield row | {names["y"]: shape.y0}


def _values(given: Any) -> list[Any]:
    return [] if given is None else [value.item() if hasattr(value, "item") else value for value in given]


def _plain(text: str | None) -> str:
    """Text without markup."""
    return unescape(re.sub(r"<[^>]+>", " ", text or "")).strip()
