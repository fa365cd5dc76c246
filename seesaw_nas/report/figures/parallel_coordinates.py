"""Every trial as a line through its choices."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import SpecError
from seesaw_nas.evaluators.words import TRAINED, Words
from seesaw_nas.report.effects import blocks_of, stages_of
from seesaw_nas.report.theme import GREY, LIGHT, LOW_TO_HIGH, NOTHING_TRAINED, THEME, blank, caption
from seesaw_nas.search.records import CompleteTrial, TrialRecord, complete
from seesaw_nas.space import Space, encode, genes

MOST_AXES = 6  # beside Multi-Adds and top-1: more cannot be followed by the eye
MOST_GENES = 12  # of a space whose genes are axes
MOST_LINES = 200
ABSENT = "no block"
END = 0.03  # of an axis of numbers, left free at either end

Floats = npt.NDArray[np.float64]
Line = tuple[CompleteTrial, Mapping[str, str]]  # and the choices by name


@dataclass(frozen=True, slots=True)
class Axis:
    """An upright axis.

    Attributes:
        name: such as ``stage1.partition``.
        heights: where each line crosses it, (lines,), from 0 to 1.
        ticks: height and text of each.
    """

    name: str
    heights: Floats
    ticks: tuple[tuple[float, str], ...]


def parallel_genotype(records: Sequence[TrialRecord], space: Space, words: Words = TRAINED) -> go.Figure:
    """Each trained trial as a line through its choices, to its Multi-Adds and its top-1, which also colours it.

    The axes are the ``MOST_AXES`` choices by which top-1 differs most, in the order of the stages: genes, or in a space
    of more than ``MOST_GENES`` summaries of its stages: the most frequent partition of each, its blocks, expansion and
    flow. Within a choice the lines are spread out a little, in the order of top-1. Of more than ``MOST_LINES`` trials
    as many are drawn, evenly by top-1.
    """
    done = sorted(complete(records), key=lambda trial: trial.top1)
    if not done:
        return blank(NOTHING_TRAINED)
    drawn = [done[i] for i in np.linspace(0, len(done) - 1, min(len(done), MOST_LINES)).round().astype(int)]
    lines = [(trial, choices) for trial in drawn if (choices := _choices(trial.architecture, space)) is not None]
    if not lines:
        return blank(f"none of the {len(done)} {words.done} trials is in space '{escape(space.name)}'")
    top1 = words.scale * np.array([trial.top1 for trial, _ in lines])
    macs = np.array([trial.macs / 1e6 for trial, _ in lines])
    every = {name: [choices[name] for _, choices in lines] for name in lines[0][1]}
    chosen, left_out = _most_telling(every, top1)
    axes = [_categories(name, every[name], space) for name in chosen]
    axes += [_numbers("Multi-Adds (M)", macs), _numbers(words.axis(), top1)]
    numbers = [trial.number for trial, _ in lines]
    told = [[*(choices[name] for name in chosen), f"{trial.macs / 1e6:.6g}"] for trial, choices in lines]
    values = [[*line, f"{value:.6g}"] for line, value in zip(told, top1, strict=True)]
    figure = _draw(axes, top1, numbers, [_hover(trial, chosen, words) for trial in lines], values)
    if left_out:
        caption(figure, f"The {len(chosen)} choices by which {words.noun} differs most; {left_out} others left out.")
    return figure


def _hover(line: Line, names: Sequence[str], words: Words) -> str:
    trial, choices = line
    told = "<br>".join(f"{_spoken(name)}: {choices[name]}" for name in names)
    return f"<b>trial {trial.number}</b>, {words.figure(trial.top1)}, {trial.macs:,} Multi-Adds<br>{told}"


def _most_telling(every: Mapping[str, list[str]], top1: Floats) -> tuple[list[str], int]:
    """The names of at most ``MOST_AXES`` choices that varied, and how many more did.

    Those by which most of the variance of top-1 lies between the choices, less what as many classes explain by chance.
    """
    varied = [name for name, values in every.items() if len(set(values)) > 1]
    order = sorted(varied, key=lambda name: -_explained(every[name], top1))
    kept = set(order[:MOST_AXES])
    return [name for name in varied if name in kept], len(varied) - len(kept)


def _explained(values: Sequence[str], top1: Floats) -> float:
    """The adjusted share of the variance between classes; of as many classes as lines nothing is known."""
    total, n = float(((top1 - top1.mean()) ** 2).sum()), len(top1)
    classes, places = np.unique(np.array(values), return_inverse=True)
    if not total or len(classes) >= n:
        return -1.0
    means = np.bincount(places, top1) / np.bincount(places)
    within = float(((top1 - means[places]) ** 2).sum())
    return 1 - (within / (n - len(classes))) / (total / (n - 1))


def _draw(
    axes: Sequence[Axis], top1: Floats, numbers: Sequence[int], texts: Sequence[str], values: Sequence[list[str]]
) -> go.Figure:
    """Lines from the worst to the best, so that the best lie above; points at their ends with what they are.

    Args:
        axes: in their order from the left, each a category of the horizontal axis.
        top1: of each line, in the unit of the last axis.
        numbers, texts: the trial of each line, and what the pointer shows of it.
        values: what each line has on each axis, which no line shows, for the data of the figure.
    """
    places = [_spoken(axis.name) for axis in axes]
    figure = go.Figure(layout=_layout(axes))
    heights = np.array([axis.heights for axis in axes])  # (axes, lines)
    low, high = float(np.quantile(top1, 0.1)), float(top1.max())  # a few very low ones would take all the colours
    shares = np.clip((top1 - low) / (high - low), 0, 1) if high > low else np.ones(len(top1))
    colours = sample_colorscale(LOW_TO_HIGH, shares.tolist())
    figure.add_traces(
        [
            go.Scatter(
                x=places, y=heights[:, i].round(3), mode="lines", hoverinfo="skip", name=f"trial {numbers[i]}",
                text=values[i], line={"color": colour, "width": 1.5, "shape": "spline", "smoothing": 0.4},
            )
            for i, colour in enumerate(colours)
        ]
    )  # fmt: skip
    bar = {"thickness": 10, "outlinewidth": 0, "len": 0.8, "x": 1.02, "xpad": 0}
    figure.add_scatter(
        x=places[-1:] * len(top1), y=heights[-1].round(3), mode="markers", hoverinfo="text", name="trials",
        hovertext=list(texts), marker={
            "size": 7, "color": top1.round(3), "cmin": low, "cmax": high, "colorscale": LOW_TO_HIGH,
            "showscale": high > low, "colorbar": bar,
        },
    )  # fmt: skip
    return figure


def _layout(axes: Sequence[Axis]) -> dict[str, Any]:
    """The axes, with their names above and their ticks beside them."""
    shapes, notes = [], []
    for place, axis in enumerate(axes):
        line = {"color": GREY, "width": 1}
        shapes.append({"type": "line", "x0": place, "x1": place, "y0": 0, "y1": 1, "line": line, "layer": "below"})
        above = {"yanchor": "bottom", "yshift": 6, "font": {"size": 13}}
        notes.append({"text": _spoken(axis.name).replace(": ", "<br>"), "x": place, "y": 1, **above})
        beside = {"xanchor": "right", "xshift": -6, "font": {"size": 12}, "bgcolor": LIGHT["page"], "borderpad": 1}
        notes += [{"text": text, "x": place, "y": height, **beside} for height, text in axis.ticks]
    return {
        "template": THEME, "showlegend": False, "meta": {"is_wide": True}, "margin": {"l": 40, "r": 90, "t": 64},
        "xaxis": {"type": "category", "visible": False, "range": [-0.45, len(axes) - 0.85]},
        "yaxis": {"visible": False, "range": [-0.02, 1.02]},
        "shapes": shapes, "annotations": [{"showarrow": False, **note} for note in notes],
    }  # fmt: skip


def _choices(architecture: Architecture, space: Space) -> dict[str, str] | None:
    """By axis; ``None`` for an architecture of another space."""
    if _is_large(space):
        has_its_shape = len(architecture.stages) == len(space.stages) or space.outline_of(architecture) is not None
        return _summary(architecture, space) if has_its_shape else None
    try:
        chosen = encode(space, architecture)
    except SpecError:
        return None
    _, _, repeats = space.take_apart(architecture)
    return {name: ABSENT if _is_idle(name, repeats) else value for name, value in chosen.items()}


@lru_cache(maxsize=8)
def _is_large(space: Space) -> bool:
    return len(genes(space)) > MOST_GENES


def _is_idle(gene: str, repeats: Sequence[int]) -> bool:
    """Whether a gene is that of a block which an architecture of these repeats does not have."""
    stage, block, *rest = (*gene.split("."), "")
    return any(rest) and int(block[5:]) > repeats[int(stage[5:]) - 1]


def _summary(architecture: Architecture, space: Space) -> dict[str, str]:
    head = {"head": str(architecture.head.channels)} if len(space.heads) > 1 else {}
    told: dict[str, dict[str, str]] = {"head": head, "partition": {}, "blocks": {}, "expansion": {}, "flow": {}}
    found = dict(zip(stages_of(architecture, space), blocks_of(architecture), strict=True))
    for i in range(1, 1 + len(space.stages)):
        blocks = found.get(i, ())
        told["blocks"][f"stage{i}.blocks"] = str(len(blocks))
        for kind in ("partition", "expansion", "flow"):
            most = Counter(str(getattr(block, kind)) for block in blocks).most_common(1)
            told[kind][f"stage{i}.{kind}"] = most[0][0] if most else ABSENT
    return {name: value for group in told.values() for name, value in group.items()}


def _categories(name: str, values: Sequence[str], space: Space) -> Axis:
    """An axis of text: as the space lists its choices, spread by rank within each."""
    listed = genes(space).get(name, ())
    order = [value for value in listed if value in values] or sorted(set(values) - {ABSENT}, key=_by_size)
    order += [ABSENT] if ABSENT in values else []
    places = np.array([order.index(value) for value in values])
    spread = np.zeros(len(values))
    for place in range(len(order)):
        here = np.flatnonzero(places == place)
        spread[here] = np.linspace(-0.3, 0.3, len(here)) if len(here) > 1 else 0
    ticks = tuple(((place + 0.5) / len(order), escape(text)) for place, text in enumerate(order))
    return Axis(name, (places + spread + 0.5) / len(order), ticks)


def _numbers(name: str, values: Floats) -> Axis:
    """An axis of numbers, with ticks at both ends and in the middle."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        return Axis(name, np.full(len(values), 0.5), ((0.5, f"{low:.4g}"),))
    ticks = tuple((END + (1 - 2 * END) * at, f"{low + at * (high - low):.3g}") for at in (0.0, 0.25, 0.5, 0.75, 1.0))
    return Axis(name, END + (1 - 2 * END) * (values - low) / (high - low), ticks)


def _spoken(name: str) -> str:
    """``stage1.block2.grouping`` as ``stage 1.2: grouping``."""
    place, _, kind = name.rpartition(".")
    found = re.fullmatch(r"stage(\d+)(?:\.block(\d+))?", place)
    return f"stage {'.'.join(filter(None, found.groups()))}: {kind}" if found else name


def _by_size(value: str) -> tuple[int, str]:
    return (int(value), "") if value.isdigit() else (0, value)
