"""How far a figure can be trusted: early epochs for the last one, one seed for another."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev
from typing import Protocol

import numpy as np
import plotly.graph_objects as go

from seesaw_nas.core.kendall import Correlation, kendall
from seesaw_nas.core.units import format_count
from seesaw_nas.report.theme import BLUE, GREY, THEME, blank, caption, styles
from seesaw_nas.search.records import CompleteTrial, TrialRecord, complete

BANDS = 3
LEAST_IN_BAND = 10
MOST_EPOCHS = 12


class OneTraining(Protocol):
    """A repeat, as :class:`seesaw_nas.workflows.confirmation.Repeat` is one."""

    @property
    def digest(self) -> str: ...
    @property
    def trial(self) -> int: ...
    @property
    def top1(self) -> float | None: ...


class Repeats(Protocol):
    """As :class:`seesaw_nas.workflows.confirmation.Confirmed` is, which stands above this package."""

    @property
    def repeats(self) -> Sequence[OneTraining]: ...


def rank_correlation(records: Sequence[TrialRecord]) -> go.Figure:
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
        return blank("no ranks: the trials do not differ in top-1")
    figure.add_hline(y=0, line={"color": GREY, "width": 1})
    figure.update_yaxes(title="Kendall's tau with the final top-1", range=[min(-0.1, _lowest(figure)), 1.05])
    caption(figure, "of trials trained to their end; 95% intervals (jackknife)")
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


def seed_noise(confirmed: Repeats) -> go.Figure:
    """Top-1 of each repeat of the confirmed architectures, with their means and standard deviations, the best first.

    The caption has the standard deviation of one training, pooled over all, beside that between the architectures'
    means and what these would differ by if all architectures were equally good.
    """
    found: dict[str, list[float]] = {}
    trials: dict[str, int] = {}
    for repeat in confirmed.repeats:
        if repeat.top1 is not None:
            found.setdefault(repeat.digest, []).append(100 * repeat.top1)
            trials.setdefault(repeat.digest, repeat.trial)
    if not found:
        return blank("no architecture was trained again")
    order = sorted(found, key=lambda digest: -fmean(found[digest]))
    names = {digest: f"trial {trials[digest]}" for digest in order}
    figure = go.Figure(layout={"template": THEME, "xaxis": {"type": "category", "title": "architecture"}})
    figure.add_scatter(
        x=[names[digest] for digest in order for _ in found[digest]], mode="markers", name="one training",
        y=[top1 for digest in order for top1 in found[digest]],
        marker={"symbol": "circle-open", "color": GREY, "size": 9, "line_width": 2},
    )  # fmt: skip
    figure.add_scatter(
        x=[names[digest] for digest in order], y=[fmean(found[digest]) for digest in order], mode="markers",
        name="mean, and standard deviation of one training", marker={"symbol": "diamond", "color": BLUE, "size": 11},
        error_y={"array": [_deviation(found[digest]) for digest in order], "color": BLUE, "thickness": 2, "width": 6},
    )  # fmt: skip
    figure.update_yaxes(title="validation top-1 (%)")
    caption(figure, _noise_told(list(found.values())))
    return figure


def _deviation(values: Sequence[float]) -> float:
    return stdev(values) if len(values) > 1 else 0.0


def _noise_told(groups: Sequence[Sequence[float]]) -> str:
    freedom = sum(len(group) - 1 for group in groups)
    if not freedom:
        return "one training each: nothing is known of the noise"
    within = (sum(_deviation(group) ** 2 * (len(group) - 1) for group in groups) / freedom) ** 0.5
    alone = within * fmean(1 / len(group) for group in groups) ** 0.5
    text = f"standard deviation of one training, pooled over {len(groups)} architectures: {within:.2f} points"
    return (
        text
        if len(groups) < 2
        else f"{text};<br>of their means: {stdev(map(fmean, groups)):.2f}, where noise alone would give {alone:.2f}"
    )
