"""How far the estimates of a run are to be trusted: trials held out against their predictive intervals."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from seesaw_nas.evaluators.words import TRAINED, Words
from seesaw_nas.report.theme import BLUE, GREY, THEME, VERMILION, blank, caption
from seesaw_nas.search.estimates.held_out import FOLDS, LEAST, HeldOut, half_width

CHANCES = (0.5, 0.9)  # of the intervals that are counted; the last one is drawn


def calibration(predictions: HeldOut, words: Words = TRAINED) -> go.Figure:
    """Predicted against observed top-1 of trials that the prediction did not know, with intervals of 90%.

    An interval is of one training: it holds the doubt about the architecture and the noise of a seed.
    """
    if predictions.complete < LEAST:
        return blank(f"too few complete trials to hold some out: {LEAST} are wanted, got {predictions.complete}")
    if not predictions.trials:
        return blank(f"no trial can be held out: all {predictions.complete} complete ones are of one architecture")
    if not np.ptp(predictions.observed):
        return blank(f"nothing to predict: the {predictions.complete} complete trials do not differ in {words.noun}")
    observed, mean = words.scale * predictions.observed, words.scale * predictions.mean
    half = words.scale * half_width(CHANCES[-1]) * predictions.sd
    inside = np.abs(observed - mean) <= half
    figure = go.Figure(layout={"template": THEME, "height": 520})
    ends = [float(min(observed.min(), (mean - half).min())), float(max(observed.max(), (mean + half).max()))]
    ends = [max(ends[0], 0.0), min(ends[1], float(words.scale))]
    figure.add_scatter(
        x=ends, y=ends, mode="lines", name="predicted as observed", hoverinfo="skip",
        line={"color": GREY, "dash": "dash", "width": 1.5},
    )  # fmt: skip
    for name, chosen, colour, symbol in (
        (f"inside its {CHANCES[-1]:.0%} interval", inside, BLUE, "circle"),
        (f"outside its {CHANCES[-1]:.0%} interval", ~inside, VERMILION, "diamond"),
    ):
        trials = [trial for trial, one in zip(predictions.trials, chosen.tolist(), strict=True) if one]
        if not trials:
            continue
        up, down = np.minimum(half, words.scale - mean)[chosen], np.minimum(half, mean)[chosen]
        figure.add_scatter(
            x=observed[chosen].round(3), y=mean[chosen].round(3), mode="markers", name=f"{name} ({len(trials)})",
            marker={"color": colour, "symbol": symbol, "size": 7}, customdata=[trial.number for trial in trials],
            error_y={"array": up.round(3), "arrayminus": down.round(3), "thickness": 1, "width": 0, "color": colour},
            hovertemplate=_hover(words),
        )  # fmt: skip
    figure.update_xaxes(title=f"observed {words.axis()}")
    figure.update_yaxes(title=f"predicted {words.axis()}")
    caption(figure, _counted(predictions))
    return figure


def _hover(words: Words) -> str:
    x, y = (f"%{{{axis}:.2f}}%" if words.is_share else f"%{{{axis}}}" for axis in "xy")
    return f"trial %{{customdata}}: {x} observed, {y} predicted<extra></extra>"


def _counted(predictions: HeldOut) -> str:
    count = len(predictions.trials)
    inside = {chance: predictions.inside(chance) for chance in CHANCES}
    held = " and ".join(f"{n} ({n / count:.0%}) lie inside their {chance:.0%} interval" for chance, n in inside.items())
    some = (
        f" Of {predictions.usable:,} trials {predictions.used} were used, spread evenly over the search."
        if predictions.used < predictions.usable
        else ""
    )
    chosen = (
        "<br>Other trials were not trained to their end. Where these held out were chosen by their early epochs, luck "
        "included, more of them lie above their predictions."
        if predictions.complete < predictions.used
        else ""
    )
    parts = f"In {FOLDS} parts, each predicted from the trials of the others."
    return f"Of {count} trials held out, {held}.<br>{parts}{some}{chosen}"
