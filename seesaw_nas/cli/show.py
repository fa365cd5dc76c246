"""The verb ``show``. It needs torch for ``--verify`` alone."""

from __future__ import annotations

from collections.abc import Iterator
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seesaw_nas.architecture import cost, memory, specfile
from seesaw_nas.architecture.elements import ELEMENT_TYPES
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.cli.parts import terminal
from seesaw_nas.cli.parts.parameters import Json, verb
from seesaw_nas.cli.parts.specs import Spec
from seesaw_nas.search.topics import ACCEPT_SPREAD, LATENCY_PROFILE
from seesaw_nas.workflows import show as workflow

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from seesaw_nas.network.witness import Verification
    from seesaw_nas.space import Budget

DIFFERENT = 1  # exit code: the input is right, and a counter finds something else


@verb
def show(
    spec: Spec,
    budget: Annotated[
        str,
        typer.Option(
            help="Show shares of this budget, such as 110M, instead of the total; or of several costs, "
            "such as '110M macs, 256KB int8 memory'."
        ),
    ] = "",
    latency_profile: Annotated[str, typer.Option(help=LATENCY_PROFILE)] = "",
    accept_spread: Annotated[bool, typer.Option("--accept-spread", help=ACCEPT_SPREAD)] = False,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Build and count it with all counters installed; exit code 1 if one differs."),
    ] = False,
    svg: Annotated[str, typer.Option(metavar="FILE", help="An SVG file to make, with its drawing.")] = "",
    json: Json = False,
) -> None:
    """Print an architecture block by block, with its costs."""
    path = Path(svg) if svg else None
    shown = workflow.show(
        spec, budget=budget, latency_profile=latency_profile, accept_spread=accept_spread, verify=verify, svg=path
    )
    named, found, asked = shown.named, shown.verification, shown.budget
    if json:
        result: dict[str, Any] = {"deployed": _deployed(named)}
        result |= {"verification": _as_json(found)} if found else {}
        result |= {"budget": _held_as_json(named, asked)} if asked else {}
        print(dumps(specfile.document(named, result), indent=2))
        _exit_if_different(found)
        return
    out = terminal.console()
    by_macs = asked is not None and asked.by_macs
    out.print(_layers(named, asked.high if asked and by_macs else cost.macs(named.architecture), by_macs))
    out.print("\n".join([_totals(named), *(_held(named, asked) if asked else [])]))
    if found:
        _print_witnesses(out, found)
    if svg:
        out.print(f"written   {svg}, {Path(svg).stat().st_size:,} bytes")
    _exit_if_different(found)


def _layers(named: Named, whole: int, budgeted: bool) -> Table:
    architecture = named.architecture
    table = terminal.plain_table(f"{named.name}  {architecture.digest}  reads {_shape(*architecture.input[:2])}")
    table.add_column("block", no_wrap=True)
    table.add_column("what", no_wrap=True)
    for heading in ("output", "Params", "Multi-Adds", "of budget" if budgeted else "share"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, text, output, layers in _rows(architecture):
        macs = sum(layer.macs for layer in layers)
        params = sum(layer.params for layer in layers)
        table.add_row(name, text, output, f"{params:,}", f"{macs:,}", f"{macs / whole:.1%}")
    return table


def _rows(architecture: Architecture) -> list[tuple[str, str, str, list[cost.Layer]]]:
    """Name, description, output shape and counted layers of stem, blocks, head and classifier."""
    stem, *middle, head, classifier = cost.layers(architecture)
    rows = [("stem", _convolution(stem), _shape(stem.c_out, stem.size_out), [stem])]
    for i, at in enumerate(architecture.placed):
        text = f"{at.block}{f' stride {at.stride}' if at.stride > 1 else ''}{' +' if at.has_residual else ''}"
        output = _shape(at.c_out, at.size_out)
        rows.append((f"{at.stage + 1}.{at.index + 1}", text, output, middle[3 * i : 3 * i + 3]))
    rows.append(("head", _convolution(head), _shape(head.c_out, head.size_out), [head]))
    rows.append(("classifier", "global average pool, linear", str(classifier.c_out), [classifier]))
    return rows


def _convolution(layer: cost.Layer) -> str:
    return f"{layer.kernel}x{layer.kernel} convolution{f' stride {layer.stride}' if layer.stride > 1 else ''}"


def _shape(channels: int, size: int) -> str:
    return f"{channels}x{size}x{size}"


def _totals(named: Named) -> str:
    macs, params = cost.macs(named.architecture), cost.params(named.architecture)
    return (
        "A block: expansion t, depthwise kernel k, partition, flow; + marks a residual.\n"
        f"Params {params:,}, Multi-Adds {macs:,}: {cost.CONVENTION}.\n"
        f"{_deployed_line(named)}"
    )


def _held(named: Named, budget: Budget) -> Iterator[str]:
    """What the architecture takes of each bound, and whether it keeps it."""
    for bound in budget.bounds:
        amount = bound.cost.of(named.architecture)
        whole = bound.cost.write(bound.high) if budget.others else f"{bound.high:,}"
        of_which = f"{bound.share(amount):.1%} of the budget of {whole}"
        missed = ": OVER BUDGET" if amount > bound.high else ": BELOW ITS LOWER END" if amount < bound.low else ""
        told = f"{bound.cost.name:<14}{bound.cost.write(amount)}, {of_which}{missed or ': kept'}"
        yield told if budget.others else of_which + missed


def _held_as_json(named: Named, budget: Budget) -> list[dict[str, Any]]:
    rows = []
    for bound in budget.bounds:
        amount = bound.cost.of(named.architecture)
        told = {"amount": amount, "share": bound.share(amount), "kept": amount in bound}
        rows.append(bound.to_dict() | {"unit": bound.cost.unit} | told)
    return rows


def _deployed(named: Named) -> dict[str, dict[str, int]]:
    """Bytes of the deployed network's weights and activations, by element type."""
    return {
        "weight_bytes": {dtype: cost.weight_bytes(named.architecture, dtype) for dtype in ELEMENT_TYPES},
        "peak_memory_bytes": {dtype: memory.peak_bytes(named.architecture, dtype) for dtype in ELEMENT_TYPES},
    }


def _deployed_line(named: Named) -> str:
    deployed = _deployed(named)
    weights, peak = (" and ".join(f"{amount:,}" for amount in each.values()) for each in deployed.values())
    types = " and ".join(ELEMENT_TYPES)
    return f"Deployed in {types}: weights {weights} bytes, peak memory {peak} bytes."


def _exit_if_different(found: Verification | None) -> None:
    if found is not None and not found.agrees:
        raise typer.Exit(DIFFERENT)


def _as_json(found: Verification) -> dict[str, Any]:
    counters = [
        {
            "counter": count.counter,
            "variant": count.variant,
            "total": count.total,
            "beyond": dict(count.beyond),
            "unexplained": count.unexplained,
        }
        for count in found.counts
    ]
    return {
        "agrees": found.agrees,
        "params_built": found.params_built,
        "graph_macs": found.graph_macs,
        "counters": counters,
        "differing": list(found.differing),
        "uncounted": dict(found.uncounted),
        "missing": list(found.missing),
        "failed": dict(found.failed),
    }


def _print_witnesses(out: Console, found: Verification) -> None:
    table = terminal.plain_table("The built model, counted by others")
    table.add_column("counter", no_wrap=True)
    for heading in ("Multi-Adds", "difference", "unexplained"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("what it counts more", no_wrap=True)
    table.add_row("seesaw-nas, by arithmetic", f"{found.macs:,}")
    if found.graph_macs is not None:
        table.add_row("seesaw-nas, exported graph", f"{found.graph_macs:,}", f"{found.graph_macs - found.macs:+,}")
    for count in found.counts:
        more = ", ".join(f"{kind} {n:,}" for kind, n in count.beyond.items())
        table.add_row(
            count.label,
            f"{count.total:,}",
            f"{count.total - found.macs:+,}",
            f"{count.unexplained:,}",
            more or "nothing",
        )
    out.print()
    out.print(table)
    out.print(f"Params of the built model {found.params_built:,}, by arithmetic {found.params:,}.")
    for counter, reason in found.failed.items():
        out.print(f"{counter} could not count: {reason}")
    if found.missing:
        out.print(f"Not installed, so not asked: {', '.join(found.missing)}.")
    out.print("Every figure agrees." if found.agrees else "DIFFERENT: " + "; ".join(found.differing))
