"""Every trial as a line through its choices."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from html import escape
from itertools import groupby
from typing import Any

import numpy as np
import plotly.graph_objects as go

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import SpecError
from seesaw_nas.evaluators.words import TRAINED, Words
from seesaw_nas.report.effects import blocks_of, stages_of
from seesaw_nas.report.theme import LOW_TO_HIGH, NOTHING_TRAINED, THEME, blank
from seesaw_nas.search.records import CompleteTrial, TrialRecord, complete
from seesaw_nas.space import Space, encode, genes

MOST_AXES = 12
MOST_LINES = 500
ABSENT = "no block"


def parallel_genotype(records: Sequence[TrialRecord], space: Space, words: Words = TRAINED) -> go.Figure:
    """Each trained trial as a line through its choices, to its Multi-Adds and its top-1, which also colours it.

    A space of at most ``MOST_AXES`` genes has an axis for each. A larger one has as many summaries of its stages as
    fit: the most frequent partition of each, then its blocks, expansion and flow. Within a choice the lines are spread
    out a little, in the order of top-1. Of more than ``MOST_LINES`` trials as many are drawn, evenly by top-1.
    """
    done = sorted(complete(records), key=lambda trial: trial.top1)
    if not done:
        return blank(NOTHING_TRAINED)
    drawn = [done[i] for i in np.linspace(0, len(done) - 1, min(len(done), MOST_LINES)).round().astype(int)]
    lines = [(trial, choices) for trial in drawn if (choices := _choices(trial.architecture, space)) is not None]
    if not lines:
        return blank(f"none of the {len(done)} {words.done} trials is in space '{escape(space.name)}'")
    axes = [_categories(name, [choices[name] for _, choices in lines], space) for name in _axes(space, lines)]
    top1 = np.array([words.scale * trial.top1 for trial, _ in lines], dtype=np.float32)
    macs = np.array([trial.macs / 1e6 for trial, _ in lines], dtype=np.float32)
    figure = go.Figure(layout={"template": THEME, "margin": {"l": 80, "r": 80, "t": 110, "b": 24}})
    figure.add_parcoords(
        dimensions=[*axes, {"label": "Multi-Adds (M)", "values": macs}, {"label": words.axis(), "values": top1}],
        line={"color": top1, "colorscale": LOW_TO_HIGH, "showscale": False},
        labelside="top",
        labelangle=-25,
        rangefont={"color": "rgba(0,0,0,0)"},  # the ends are among the ticks, near enough
        unselected={"line": {"opacity": 0.1}},
    )
    return figure


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
    return len(genes(space)) > MOST_AXES


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


def _axes(space: Space, lines: Sequence[tuple[CompleteTrial, Mapping[str, str]]]) -> list[str]:
    """The axes on which anything was chosen: all genes, or whole kinds of summary while they fit."""
    every = list(lines[0][1])
    if not _is_large(space):
        return every
    varied = [name for name in every if len({choices[name] for _, choices in lines}) > 1] or every[:1]
    kept: list[str] = []
    for _, same in groupby(varied, key=lambda name: name.partition(".")[2]):
        kind = list(same)
        if len(kept) + len(kind) <= MOST_AXES or not kept:
            kept += kind
    return sorted(kept, key=_stage)


def _stage(name: str) -> str:
    """Sorts the axes of one stage beside each other."""
    return name.partition(".")[0]


def _categories(name: str, values: list[str], space: Space) -> dict[str, Any]:
    """An axis of text: as the space lists its choices, spread by rank within each."""
    listed = genes(space).get(name, ())
    order = [value for value in listed if value in values] or sorted(set(values) - {ABSENT}, key=_by_size)
    order += [ABSENT] if ABSENT in values else []
    places = np.array([order.index(value) for value in values], dtype=np.float32)
    spread = np.zeros(len(values), dtype=np.float32)
    for place in range(len(order)):
        here = np.flatnonzero(places == place)
        spread[here] = np.linspace(-0.3, 0.3, len(here)) if len(here) > 1 else 0
    return {
        "label": re.sub(r"(stage|block)(?=\d)", lambda found: found[0][0], name),
        "values": places + spread,
        "tickvals": list(range(len(order))),
        "ticktext": order,
        "range": [-0.5, len(order) - 0.5],
    }


def _by_size(value: str) -> tuple[int, str]:
    return (int(value), "") if value.isdigit() else (0, value)
