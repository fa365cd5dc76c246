"""What the choices of a search come to: their effects on top-1, by the estimates or by least squares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from seesaw_nas.evaluators.words import TRAINED, Words
from seesaw_nas.report.effects import LEAST_TRIALS, Effect, fit
from seesaw_nas.report.theme import BLUE, GREY, THEME, blank, caption
from seesaw_nas.search.estimates.contributions import contributions
from seesaw_nas.search.estimates.held_out import half_width
from seesaw_nas.search.estimates.model import Estimates
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.space import Space

CHANCE = 0.9  # of the intervals of the estimates
MOST_ROWS = 60  # of a choice; beyond, its stages one by one would fill several screens
LONGEST = 36  # characters of a line
ROW, BETWEEN_PANELS = 22, 64  # pixels


def choice_effects(
    records: Sequence[TrialRecord],
    estimates: Estimates | None = None,
    words: Words = TRAINED,
    space: Space | None = None,
    *,
    columns: int = 2,
) -> go.Figure:
    """What each choice adds to top-1, with intervals, a panel for each kind of choice.

    By ``estimates``, what they leave possible of the average architecture; without them the effects of
    :func:`seesaw_nas.report.effects`, by stage where there are trials enough for it, else over the whole network. Full
    marks have an interval that leaves out 0; where none has, there is nothing to show.

    Args:
        space: whose numbers the stages have, where an architecture may lack some.
        columns: of panels beside each other.
    """
    if estimates is None:
        return _by_least_squares(records, words, space, columns)
    return _by_estimates(estimates, words, columns)


def _by_estimates(estimates: Estimates, words: Words, columns: int) -> go.Figure:
    every = contributions(estimates)
    count = Counter(one.choice for one in every)
    shown = [one for one in every if count[one.choice] <= MOST_ROWS or one.stage == 0]
    if not shown:
        return blank("no choice was varied in the trials")
    side = half_width(CHANCE)
    effects = [
        Effect(c.stage, c.choice, c.level, c.reference, c.mean, c.mean - side * c.sd, c.mean + side * c.sd, c.n)
        for c in shown
    ]
    if not any(map(_is_sure, effects)):
        return blank(f"no choice has an effect that {len(estimates)} trials can tell from 0")
    figure = _draw(effects, "all stages: ", words, columns)
    hidden = len(every) - len(shown)
    left_out = f"<br>Left out: {hidden} levels of single stages, which are too many to show." if hidden else ""
    caption(
        figure,
        f"By the estimates from {len(estimates)} trials: what all blocks with a choice in place of another add to an "
        f"average architecture at equal Multi-Adds,<br>with {CHANCE:.0%} intervals. Choices that few trials made have "
        f"wide intervals about 0; full marks leave out 0.{left_out}",
    )
    return figure


def _by_least_squares(records: Sequence[TrialRecord], words: Words, space: Space | None, columns: int) -> go.Figure:
    found = fit(records, by="stage", space=space)
    if not found.is_enough:
        by_stage, found = found, fit(records, by="network", space=space)
        if not found.is_enough:
            return blank(f"too few trials for the effects of choices: {found.lack}")
        why = f"whole network, since the stages one by one are too many: {by_stage.lack}<br>"
    else:
        why = ""
    shown = [effect for effect in found.effects if not np.isnan(effect.value)]
    if not shown:
        return blank(f"no choice was varied in {LEAST_TRIALS} trials or more, apart from the others")
    if not any(map(_is_sure, shown)):
        return blank(f"no choice has an effect that {found.trials} trials can tell from 0")
    figure = _draw(shown, "", words, columns)
    hidden = len(found.effects) - len(shown)
    left_out = (
        f" {hidden} levels left out: in too few trials, hardly varied, or never apart from others." if hidden else ""
    )
    caption(
        figure,
        f"{why}{found.trials} trials of this search, which chose them with a purpose: no experiment. Least squares at "
        f"equal Multi-Adds, 95% intervals (HC3);<br>of {len(shown)} intervals about {max(1, round(len(shown) / 20))} "
        f"would leave out 0 by chance alone.{left_out}",
    )
    return figure


def _draw(shown: Sequence[Effect], whole: str, words: Words, columns: int) -> go.Figure:
    """The panels; names of what concerns the whole network begin with ``whole``."""
    panels = {kind: list(same) for kind, same in groupby(shown, key=lambda effect: effect.choice)}
    figure = _panels(panels, columns)
    for i, effects in enumerate(panels.values()):
        _add_effects(figure, effects, whole, words, (1 + i // columns, 1 + i % columns))
        if i >= len(panels) - columns:  # the lowest of each column
            figure.update_xaxes(title=_unit(words), row=1 + i // columns, col=1 + i % columns)
    return figure


def _panels(panels: Mapping[str, list[Effect]], columns: int) -> go.Figure:
    rows = -(-len(panels) // columns)
    longest = [
        max(len(effects) for effects in list(panels.values())[columns * i : columns * (i + 1)]) for i in range(rows)
    ]
    heights = [ROW * (1 + count) for count in longest]
    inside = sum(heights) + BETWEEN_PANELS * (rows - 1)
    figure = make_subplots(
        rows=rows, cols=min(columns, len(panels)), subplot_titles=list(panels), row_heights=heights,
        horizontal_spacing=0.26, vertical_spacing=BETWEEN_PANELS / inside if rows > 1 else 0,
    )  # fmt: skip
    figure.update_layout(template=THEME, showlegend=False, margin={"l": 170, "t": 40}, height=inside + 180)
    return figure


def _unit(words: Words) -> str:
    return f"points of {words.noun}" if words.is_share else f"difference in {words.noun}"


def _add_effects(figure: go.Figure, effects: list[Effect], whole: str, words: Words, at: tuple[int, int]) -> None:
    row, column = at
    values = words.scale * np.array([(e.value, e.low, e.high) for e in effects])
    names = [_name(effect, whole) for effect in effects]
    digits = ".2f" if words.is_share else ".3g"
    figure.add_scatter(
        x=values[:, 0], y=names, mode="markers", row=row, col=column,
        error_x={
            "array": values[:, 2] - values[:, 0], "arrayminus": values[:, 0] - values[:, 1], "thickness": 1.5,
            "width": 3, "color": GREY,
        },
        marker={
            "color": BLUE, "size": 10, "line": {"width": 2, "color": BLUE},
            "symbol": ["circle" if _is_sure(effect) else "circle-open" for effect in effects],
        },
        customdata=[e.n for e in effects],
        hovertemplate=f"%{{y}}: %{{x:{digits}}} {_unit(words)}, in %{{customdata}} trials<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(zeroline=True, zerolinecolor=GREY, row=row, col=column)
    figure.update_yaxes(autorange="reversed", row=row, col=column)


def _is_sure(effect: Effect) -> bool:
    """Whether its interval leaves out 0."""
    return effect.low > 0 or effect.high < 0


def _name(effect: Effect, whole: str) -> str:
    """What a row compares; long names, of widths, stand on two lines, so that they keep clear of the next panel."""
    place = f"stage {effect.stage}: " if effect.stage else whole if effect.choice not in ("width", "head") else ""
    name = f"{place}{effect.level} vs {effect.reference}"
    return name if len(name) <= LONGEST else f"{place}{effect.level}<br>vs {effect.reference}"
