"""What ``show`` and ``spaces`` print. Neither needs torch, but for ``show --verify``."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.table import Table

from seesaw_nas import cost, specfile
from seesaw_nas.specfile import Named
from seesaw_nas.units import format_count, format_large, parse_count


def show(spec: str, *, budget: str, verify: bool, as_json: bool) -> None:
    """Print one architecture, as a table or as the content of its spec file."""
    named = specfile.resolve(spec)
    whole = parse_count(budget) if budget else cost.macs(named.architecture)
    if as_json:
        print(json.dumps(specfile.document(named) | ({"verification": _witnesses(named)} if verify else {}), indent=2))
        return
    console = Console()
    console.print(_layers(named, whole, bool(budget)))
    console.print(_totals(named, whole, bool(budget)), highlight=False)
    if verify:
        _print_witnesses(console, named)


def _layers(named: Named, whole: int, budgeted: bool) -> Table:
    architecture = named.architecture
    table = Table(title=f"{named.name}  {architecture.digest}", title_justify="left", box=None, pad_edge=False)
    table.add_column("block", no_wrap=True)
    table.add_column("expansion, kernel, partition, flow", no_wrap=True)
    for heading in ("in", "out", "Params", "Multi-Adds", "of budget" if budgeted else "share"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, text, before, after, layers in _rows(named):
        macs = sum(layer.macs for layer in layers)
        params = sum(layer.params for layer in layers)
        table.add_row(name, text, before, after, f"{params:,}", f"{macs:,}", f"{macs / whole:.1%}")
    return table


def _rows(named: Named) -> list[tuple[str, str, str, str, list[cost.Layer]]]:
    """Name, description, shape before and after, and the counted layers, of stem, blocks, head and classifier."""
    architecture = named.architecture
    stem, *middle, head, classifier = cost.layers(architecture)
    rows = [("stem", _convolution(stem), _shape(*architecture.input[:2]), _shape(stem.c_out, stem.size_out), [stem])]
    for i, at in enumerate(architecture.placed):
        text = f"{at.block}{f' stride {at.stride}' if at.stride > 1 else ''}{' +' if at.has_residual else ''}"
        name = f"stage {at.stage + 1}.{at.index + 1}"
        before, after = _shape(at.c_in, at.size_in), _shape(at.c_out, at.size_out)
        rows.append((name, text, before, after, middle[3 * i : 3 * i + 3]))
    last = _shape(head.c_out, head.size_out)
    rows.append(("head", _convolution(head), _shape(head.c_in, head.size_out), last, [head]))
    rows.append(("classifier", "pool, linear", last, str(classifier.c_out), [classifier]))
    return rows


def _convolution(layer: cost.Layer) -> str:
    return f"{layer.kernel}x{layer.kernel} convolution{f' stride {layer.stride}' if layer.stride > 1 else ''}"


def _shape(channels: int, size: int) -> str:
    return f"{channels}x{size}x{size}"


def _totals(named: Named, whole: int, budgeted: bool) -> str:
    macs, params = cost.macs(named.architecture), cost.params(named.architecture)
    text = f"\nParams {params:,}, Multi-Adds {macs:,} ({cost.CONVENTION})"
    if budgeted:
        text += f", {macs / whole:.1%} of the budget of {whole:,}{'' if macs <= whole else ': OVER BUDGET'}"
    return text + "\n'+' marks a residual block"


def _witnesses(named: Named) -> dict[str, Any]:
    from seesaw_nas import witness

    found = witness.verify(named.architecture)
    counts = {
        count.counter: {
            "total": count.total, "norm": count.norm, "pool": count.pool, "unexplained": count.unexplained,
        }
        for count in (found.fvcore, found.thop)
    }
    built = {"params_built": found.params_built, "fvcore_conv_linear": found.fvcore_conv_linear}
    return {"agrees": found.agrees, **built, **counts, "differing": list(found.differing)}


def _print_witnesses(console: Console, named: Named) -> None:
    found = _witnesses(named)
    macs = cost.macs(named.architecture)
    table = Table(title="Verified on the built model", title_justify="left", box=None, pad_edge=False)
    table.add_column("counter")
    for heading in ("Multi-Adds", "difference", "batch norm", "pooling", "unexplained"):
        table.add_column(heading, justify="right")
    table.add_row("seesaw-nas", f"{macs:,}", "0", "0", "0", "0")
    conv_linear = found["fvcore_conv_linear"]
    table.add_row("fvcore, convolutions and linear", f"{conv_linear:,}", f"{conv_linear - macs:,}", "0", "0",
                  f"{conv_linear - macs:,}")
    for counter in ("fvcore", "thop"):
        count = found[counter]
        table.add_row(
            f"{counter}, total", f"{count['total']:,}", f"{count['total'] - macs:+,}", f"{count['norm']:,}",
            f"{count['pool']:,}", f"{count['unexplained']:,}",
        )
    console.print()
    console.print(table)
    params = cost.params(named.architecture)
    console.print(f"Params of the built model {found['params_built']:,}, by arithmetic {params:,}", highlight=False)
    verdict = "every figure agrees" if found["agrees"] else f"DIFFERENT in {', '.join(found['differing'])}"
    console.print(verdict, highlight=False)


def spaces(*, budget: str, as_json: bool) -> None:
    """Print every shipped space: its exact size, what fits a budget, and the range of Multi-Adds."""
    rows = [_space_row(name, budget) for name in _space_names()]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("space", "input", "architectures", "budget", "that fit it", "cheapest", "costliest"):
        table.add_column(heading, justify="left" if heading == "space" else "right", no_wrap=True)
    for row in rows:
        side = row["input"][1]
        fitting = f"none: {row['why']}" if row["fitting"] == 0 else format_large(row["fitting"])
        table.add_row(
            row["name"], f"{row['input'][0]}x{side}x{side}", format_large(row["architectures"]), row["budget"], fitting,
            format_count(row["cheapest_macs"]), format_count(row["costliest_macs"]),
        )
    console = Console()
    console.print(table)
    console.print(f"\nCounts are exact (--json prints every digit). Budgets: {cost.CONVENTION}.", highlight=False)
    for row in rows:
        console.print(f"{row['name']}: {row['description']}", highlight=False)


def _space_names() -> list[str]:
    from seesaw_nas import space

    return space.names()


def _space_row(name: str, budget: str) -> dict[str, Any]:
    from seesaw_nas.errors import BudgetError
    from seesaw_nas.space import Budget, Feasible, load

    found = load(name)
    wanted = Budget.parse(budget or found.default_budget, found.costliest_macs)
    try:
        fitting, why = Feasible(found, wanted).count, ""
    except BudgetError:
        fitting, why = 0, "too small" if wanted.high < found.cheapest_macs else "too large"
    return {
        "name": name,
        "description": found.description,
        "input": [found.input_channels, found.input_size, found.input_size],
        "architectures": found.size,
        "budget": str(wanted),
        "fitting": fitting,
        "why": why,
        "cheapest_macs": found.cheapest_macs,
        "costliest_macs": found.costliest_macs,
    }
