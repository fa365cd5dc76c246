"""What ``search`` and ``resume`` print at the end."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import Any

from rich.console import Console

from seesaw_nas.architecture import cost
from seesaw_nas.cli.parts import terminal
from seesaw_nas.cli.parts.images import images_as_json
from seesaw_nas.core.errors import RunError
from seesaw_nas.core.units import format_duration, format_top1
from seesaw_nas.evaluators import is_trained
from seesaw_nas.search.records import CompleteTrial
from seesaw_nas.search.topics import ESTIMATE
from seesaw_nas.workflows import results
from seesaw_nas.workflows.results import Result


def print_outcome(console: Console, result: Result, as_json: bool) -> None:
    """For people, or as one JSON object on standard output."""
    if as_json:
        print(json.dumps(_as_json(result), indent=2))
    else:
        _print(console, result)


def refuse_all_failed(result: Result) -> None:
    """End with a message, and so with the exit code of a mistake, if there were trainings and every one failed.

    Raises:
        RunError: so it is; the text has the last one's reason.
    """
    failed = [record for record in result.trials if record.state == "failed"]
    if failed and not any(
        record.state in ("complete", "stopped", "paused", "running", "short") for record in result.trials
    ):
        each = "the only training failed" if len(failed) == 1 else f"all {len(failed)} trainings failed"
        raise RunError(f"{each}, so nothing was found; the last one: {failed[-1].reason}")


def _print(console: Console, result: Result) -> None:
    counts = _counts(result)
    told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    console.print(f"\nended because {result.ended}; {told or 'nothing trained'}")
    _print_stages(console, result)
    if not (front := result.front()):
        return
    table, timings = terminal.plain_table(_heading(result)), result.timings
    spreads = result.confirmed.spreads
    again = ("again",) if spreads else ()
    estimated = ("estimate", "best", "front") if result.standing.figures(front[0]) else ()
    columns = ("Multi-Adds", "of budget", "Params", *estimated, "top-1", *again, *timings.columns.values())
    for heading in (*columns, "trial", "digest"):
        table.add_column(heading, justify="right", no_wrap=True)
    for record in front:
        table.add_row(
            f"{record.macs:,}",
            f"{record.macs / result.problem.budget.high:.1%}",
            f"{record.params:,}",
            *_estimated(result, record),
            format_top1(record.top1),
            *((str(spreads.get(record.digest, "-")),) if spreads else ()),
            *timings.cells(record.digest),
            str(record.number),
            record.digest,
        )
    console.print(table)
    _print_standing(console, result)
    folder = result.folder
    if noted := sum(record.state == "complete" and bool(record.reason) for record in result.trials):
        console.print(f"{noted} of the figures are not of a training in this run; the trials' `reason` says of which")
    if spreads:
        console.print(f"again: mean +- standard deviation (trainings), {result.confirmed.conditions['recipe']}")
        console.print(str(result.confirmed.ties))
    files = [(folder.best, "the best architecture"), (folder.pareto, "the front"), (folder.report, "the picture")]
    if timings.columns:
        console.print(f"ms: median of a call, the faster of {' and '.join(results.FRONT.backends)}")
        files.append((folder.latency, "latencies"))
    for path, what in files:
        console.print(f"{what:<22} {path}")


def _estimated(result: Result, record: CompleteTrial) -> tuple[str, ...]:
    """Cells of what is estimated of a member; none where nothing is."""
    figures = result.standing.figures(record)
    return () if figures is None else (str(figures), f"{figures.chance_of_best:.0%}", f"{figures.chance_of_front:.0%}")


def _print_standing(console: Console, result: Result) -> None:
    """Why the order is as it is, and who cannot be told from the best."""
    standing = result.standing
    if standing.figures(result.front()[0]):
        console.print(
            "estimate: of the mean top-1 over seeds, +- standard deviation; best, front: the chance to be worth most "
            "of all trained, and that none of them is worth as much at fewer Multi-Adds"
        )
    ties = "" if result.confirmed.spreads else standing.tie_sentence
    for text in filter(None, (standing.reason, ties)):
        console.print(text)


def _print_stages(console: Console, result: Result) -> None:
    """What each stage of the plan cost."""
    if not (stages := result.stages):
        return
    table = terminal.plain_table("Stages, top-1 on the validation split")
    for heading in ("stage", "architectures", "best top-1", "tau", "time", "share"):
        table.add_column(heading, justify="left" if heading == "stage" else "right", no_wrap=True)
    for entry in stages:
        best = "-" if entry["best"] is None else f"{entry['best']:.2%}"
        count, time = f"{entry['count']:,}" if entry["count"] else "-", format_duration(entry["seconds"])
        tau = "-" if entry["tau"] is None else f"{entry['tau']:+.2f} ({entry['both']})"
        table.add_row(entry["what"], count, best, tau, time, f"{entry['share']:.0%}")
    console.print(table)
    console.print("tau: Kendall's, with the stage before, over (so many) architectures that both judged")


def _heading(result: Result) -> str:
    name = result.problem.settings.scoring.evaluator
    if is_trained(name) and result.standing.by == ESTIMATE:
        return "Pareto front by estimate; top-1 on the validation split as observed, one seed each"
    if is_trained(name):
        return "Pareto front, top-1 on the validation split, one seed each"
    return f"Pareto front; the column top-1 holds what the evaluator {name} says, not the accuracy of trained networks"


def _counts(result: Result) -> dict[str, int]:
    states = [record.state for record in result.trials]
    words = {
        "complete": "trained" if is_trained(result.problem.settings.scoring.evaluator) else "scored",
        "stopped": "stopped early",
        "paused": "paused",
        "failed": "failed",
        "infeasible": "outside the budget",
        "duplicate": "duplicates",
    }
    short = Counter(record.schedule for record in result.trials if record.state == "short")
    found: dict[str, int] = {word: states.count(state) for state, word in words.items()}  # type: ignore[arg-type]
    return found | {f"by a {epochs}-epoch schedule": count for epochs, count in short.items()}


def _as_json(result: Result) -> dict[str, Any]:
    best = result.best
    return {
        "run": str(result.folder.path),
        "ended": result.ended,
        "budget": {"low": result.problem.budget.low, "high": result.problem.budget.high, "unit": cost.CONVENTION},
        "counts": _counts(result),
        "data": images_as_json(result.problem),
        **_ranking(result),
        "best": None if best is None else _member(result, best),
        "front": [_member(result, record) for record in result.front()],
    } | ({"stages": result.stages} if result.stages else {})


def _ranking(result: Result) -> dict[str, Any]:
    """What the order rests on; nothing where the observed figures were asked for."""
    standing = result.standing
    if not standing.reason:
        return {}
    ties = [trial.number for trial in standing.ties]
    cheapest = None if standing.cheapest_tie is None else standing.cheapest_tie.number
    return {"ranking": {"by": standing.by, "reason": standing.reason, "ties": ties, "cheapest_tie": cheapest}}


def _member(result: Result, record: CompleteTrial) -> dict[str, Any]:
    latencies = result.timings.latencies.get(record.digest, ())
    member = {
        "trial": record.number,
        "digest": record.digest,
        "macs": record.macs,
        "params": record.params,
        "top1": record.top1,
        "split": record.split,
        "seed": record.seed,
    }
    if figures := result.standing.figures(record):
        member |= asdict(figures)
    if spread := result.confirmed.spreads.get(record.digest):
        member["confirmed"] = asdict(spread) | {"tied_with_best": record.digest in result.confirmed.ties.digests}
    return member | ({"latencies": [asdict(entry) for entry in latencies]} if latencies else {})
