"""How well ranks after early epochs agree with the final ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from seesaw_nas.core.kendall import Correlation, kendall
from seesaw_nas.core.units import format_count
from seesaw_nas.evaluators.words import TRAINED, Words
from seesaw_nas.report.theme import GREY, THEME, blank, caption, styles, whole_epochs
from seesaw_nas.search.records import CompleteTrial, TrialRecord, complete

BANDS = 3
LEAST_IN_BAND = 10
MOST_EPOCHS = 12


def rank_correlation(records: Sequence[TrialRecord], words: Words = TRAINED) -> go.Figure:
    """Kendall's tau-b between top-1 after each epoch and the final one: over all trials, and in bands of Multi-Adds.

    Within a band the trials cost about the same, so that an order which the Multi-Adds alone would give counts nothing.
    Only trials that were trained to their end have a final top-1; under successive halving these are the better ones,
    among which the order is harder to tell. Bands are thirds of the trials by Multi-Adds, of ``LEAST_IN_BAND`` trials
    or more each; of more than ``MOST_EPOCHS`` epochs as many are drawn. Intervals are the jackknife's.
    """
    done = [trial for trial in complete(records) if any(epoch.top1 is not None for epoch in trial.curve)]
    if len(done) < LEAST_IN_BAND:
        return blank(f"too few trials for ranks: {LEAST_IN_BAND} with an accuracy by epoch are wanted, got {len(done)}")
    groups = {f"all trials ({len(done)})": done} | _bands(done)
    figure = go.Figure(layout={"template": THEME, "xaxis_title": "epoch"})
    for i, ((name, group), style) in enumerate(zip(groups.items(), styles(len(groups)), strict=True)):
        _add_correlation(figure, name, _by_epoch(group), style, shift=0.12 * (i - (len(groups) - 1) / 2))
    if not any(len(trace.x) for trace in figure.data):
        return blank(f"no ranks: the trials do not differ in {words.noun}")
    figure.add_hline(y=0, line={"color": GREY, "width": 1})
    figure.update_yaxes(title=f"Kendall's tau with the final {words.noun}", range=[min(-0.1, _lowest(figure)), 1.05])
    figure.update_xaxes(**whole_epochs(max(epoch.epoch for trial in done for epoch in trial.curve)))
    caption(figure, "Of trials trained to their end; 95% intervals (jackknife).")
    return figure


def _bands(done: Sequence[CompleteTrial]) -> dict[str, list[CompleteTrial]]:
    """Thirds by Multi-Adds; none where they would be too small, or one cost would stand in two."""
    macs = np.array([trial.macs for trial in done])
    edges = np.unique(np.quantile(macs, np.linspace(0, 1, BANDS + 1)))
    which = np.clip(np.searchsorted(edges, macs, side="right") - 1, 0, len(edges) - 2)
    bands = [[trial for trial, at in zip(done, which.tolist(), strict=True) if at == i] for i in range(len(edges) - 1)]
    if len(bands) < 2:
        return {}
    return {_band_name(band): band for band in bands if len(band) >= LEAST_IN_BAND}


def _band_name(band: Sequence[CompleteTrial]) -> str:
    macs = [trial.macs for trial in band]
    return f"{format_count(min(macs))} to {format_count(max(macs))} ({len(band)})"


def _by_epoch(group: Sequence[CompleteTrial]) -> dict[int, Correlation]:
    """By epoch, of the trials that were evaluated after it; without those where there is no order."""
    early: dict[int, list[tuple[float, float]]] = {}
    for trial in group:
        for epoch in trial.curve:
            if epoch.top1 is not None:
                early.setdefault(epoch.epoch, []).append((epoch.top1, trial.top1))
    every = sorted(early)
    drawn = {every[i] for i in np.linspace(0, len(every) - 1, MOST_EPOCHS).round().astype(int)}
    found = {epoch: kendall(*zip(*early[epoch], strict=True)) for epoch in sorted(drawn)}
    return {epoch: one for epoch, one in found.items() if not np.isnan(one.tau)}


def _add_correlation(
    figure: go.Figure, name: str, found: dict[int, Correlation], style: tuple[str, str, str], shift: float
) -> None:
    colour, dash, symbol = style
    tau = np.array([one.tau for one in found.values()])
    figure.add_scatter(
        x=[epoch + shift for epoch in found], y=tau, name=name, mode="lines+markers",
        line={"color": colour, "dash": dash, "width": 2}, marker={"symbol": symbol, "size": 8},
        error_y={
            "array": np.array([one.high for one in found.values()]) - tau, "width": 3, "thickness": 1.2,
            "arrayminus": tau - np.array([one.low for one in found.values()]),
        },
        customdata=[(epoch, one.n) for epoch, one in found.items()],
        hovertemplate="epoch %{customdata[0]}: tau %{y:.2f} of %{customdata[1]} trials",
    )  # fmt: skip


def _lowest(figure: go.Figure) -> float:
    lows = [np.asarray(trace.y) - np.asarray(trace.error_y.arrayminus) for trace in figure.data]
    return float(np.nanmin(np.concatenate([*lows, [0.0]]))) - 0.05
