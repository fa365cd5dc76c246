"""What the estimates of a run listen to: the weight of each signal, by epoch."""

from __future__ import annotations

import plotly.graph_objects as go

from seesaw_nas.report.theme import BLUE, GREEN, ORANGE, THEME, blank
from seesaw_nas.search.estimates.model import Estimates
from seesaw_nas.search.estimates.signals import SIGNALS

# Of each signal its colour and pattern.
STYLES = dict(zip(SIGNALS, ((BLUE, ""), (ORANGE, "/"), (GREEN, ".")), strict=True))
ROW = 34  # pixels


def signal_weights(estimates: Estimates | None) -> go.Figure:
    """A bar for each epoch that trials stand at, of the weights of its signals in what a trial there is taken for."""
    if estimates is None or not len(estimates):
        return blank("nothing is estimated, so no signal has a weight")
    short = {f"after a {n}-epoch schedule": told for n, told in estimates.signals_of_short.items()}
    found = short | {f"after epoch {epoch}": told for epoch, told in estimates.signals.items()}
    figure = go.Figure(layout={"template": THEME, "barmode": "stack", "height": 230 + ROW * len(found)})
    epochs = list(found)
    for signal, (colour, pattern) in STYLES.items():
        name = signal.replace("top1", "top-1")
        shares = [100 * by_signal.get(signal, 0.0) for by_signal in found.values()]
        figure.add_bar(
            orientation="h", x=shares, y=epochs, name=name, text=[f"{one:.0f}%" if one else "" for one in shares],
            marker={"color": colour, "pattern": {"shape": pattern, "solidity": 0.2, "fgcolor": "#FFFFFF",
                                                    "fillmode": "overlay"}},
            hovertemplate="%{y}: %{x:.1f}%<extra>" + name + "</extra>", insidetextanchor="middle",
        )  # fmt: skip
    figure.update_layout(legend_traceorder="normal")
    figure.update_xaxes(title="weight (%)", range=[0, 100])
    figure.update_yaxes(autorange="reversed", ticks="")
    return figure
