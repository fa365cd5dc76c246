"""The verb ``latency``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seesaw_nas.architecture import cost
from seesaw_nas.cli.parts import terminal
from seesaw_nas.cli.parts.declared import take_settings
from seesaw_nas.cli.parts.parameters import Json, verb
from seesaw_nas.cli.parts.specs import Specs
from seesaw_nas.core.units import format_figure
from seesaw_nas.deploy.latency import Latency, LatencySettings, NetworkLatencies, document

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

LEFT = ("network", "backend", "quartiles")
RIGHT = ("Multi-Adds", "Params", "batch", "threads", "ms", "images/s", "GMAC/s", "vs eager")
LEGEND = (
    "ms: median of a call, and its quartiles. GMAC/s: Multi-Adds times images/s. vs eager: how many times as fast.",
    f"{cost.CONVENTION}.",
)
WIDE = 0.25  # of the median, between the quartiles; 0.02 to 0.1 were seen at rest
WHOLE = 0.9  # of a core, to compute on; 0.99 and more were seen at rest
HEADINGS = ("network", "Multi-Adds", "Params", "backend", "batch", "threads", "ms", "quartiles", *RIGHT[5:])


@verb
@take_settings(LatencySettings, without=("seed",))
def latency(
    settings: LatencySettings,
    *,
    specs: Specs,
    weights: Annotated[
        Path | None, typer.Option(help="Weights, a safetensors file, for one SPEC; random ones take as long.")
    ] = None,
    json: Json = False,
) -> None:
    """Time networks on the device at hand."""
    from seesaw_nas.workflows import deployment

    with terminal.progress(terminal.console(stderr=True)) as progress:
        task = progress.add_task("", total=None)

        def step(name: str, what: str, done: int, total: int) -> None:
            progress.update(task, description=f"{name}: {what}", completed=done, total=total)

        timed = deployment.latency(specs, settings, weights=weights, on_step=step)
    if json:
        print(dumps(document(timed.networks, timed.conditions), indent=2))
    else:
        _print(terminal.console(), timed.networks, timed.conditions)


def _print(out: Console, networks: Sequence[NetworkLatencies], conditions: Mapping[str, str]) -> None:
    out.print(_table(networks))
    out.print()
    for line in (*_remarks(networks), *LEGEND, *_told(conditions)):
        out.print(line)


def _table(networks: Sequence[NetworkLatencies]) -> Table:
    table = terminal.plain_table()
    for heading in HEADINGS:
        table.add_column(heading, justify="left" if heading in LEFT else "right", no_wrap=True)
    for measured in networks:
        named = measured.named
        told = [named.name, f"{measured.macs:,}", f"{cost.params(named.architecture):,}"]
        for latency in measured.latencies:
            table.add_row(
                *told, latency.backend, str(latency.batch), str(latency.threads), *_figures(measured, latency)
            )
            told = ["", "", ""]
    return table


def _figures(measured: NetworkLatencies, latency: Latency) -> list[str]:
    if latency.median_ms is None:
        return ["not timed"]
    quartiles = " to ".join(format_figure(ms or 0.0) for ms in (latency.lower_ms, latency.upper_ms))
    rates = (latency.images_per_second, measured.gmacs_per_second(latency), measured.speedup(latency))
    return [
        format_figure(latency.median_ms),
        quartiles,
        *("" if rate is None else format_figure(rate) for rate in rates),
    ]


def _remarks(networks: Sequence[NetworkLatencies]) -> list[str]:
    """What was not timed and why, what ran elsewhere, what was disturbed, and how well outputs agree."""
    pairs = [(measured.named.name, latency) for measured in networks for latency in measured.latencies]
    timed = [latency for _, latency in pairs if latency.median_ms is not None]
    remarks = [f"{name}, {latency.backend}: {latency.reason}" for name, latency in pairs if latency.reason]
    if len({latency.device for latency in timed}) > 1:
        remarks += [f"{latency.backend} ran on {latency.device}" for latency in timed]
    if any(map(_disturbed, timed)):
        remarks.append(
            "Something else used the machine meanwhile, so times are too long; measure again when it is at rest."
        )
    if timed:
        difference = max(latency.difference or 0.0 for latency in timed)
        remarks.append(f"Outputs of what was timed differ from eager's by at most {difference:.1g} of the largest one.")
    return list(dict.fromkeys(remarks))


def _disturbed(latency: Latency) -> bool:
    """Whether quartiles lie far apart, or the process got less than a core where it needed at least one."""
    spread = ((latency.upper_ms or 0.0) - (latency.lower_ms or 0.0)) / (latency.median_ms or 1.0)
    return spread > WIDE or (latency.device == "cpu" and (latency.cpu_share or 0.0) < WHOLE)


def _told(conditions: Mapping[str, str]) -> tuple[str, ...]:
    versions = ", ".join(f"{name} {conditions[name]}" for name in ("torch", "onnxruntime", "python", "seesaw_nas"))
    others = [conditions[name] for name in ("runtimes", "settings") if name in conditions]
    return (
        f"{conditions['device']}: {conditions['processor']}, {conditions['cores']} to use, {conditions['system']}",
        f"{versions}, commit {conditions['commit']}",
        *others,
        f"{conditions['precision']}; {conditions['allocator']}; {conditions['timing']}",
    )
