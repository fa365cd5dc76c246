"""What ``search`` and ``resume`` print at the end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.console import Console

from seesaw_nas.architecture.cost import CONVENTION
from seesaw_nas.cli.parts import terminal
from seesaw_nas.cli.parts.images import images_as_json
from seesaw_nas.core.errors import RunError
from seesaw_nas.core.units import format_duration
from seesaw_nas.evaluators.words import Words, words
from seesaw_nas.search import proposer, starts
from seesaw_nas.search.records import CompleteTrial, State
from seesaw_nas.search.topics import ESTIMATE
from seesaw_nas.space.costs import MACS, Cost
from seesaw_nas.workflows import results
from seesaw_nas.workflows.results import Result

WITHOUT_RESULT: tuple[State, ...] = ("failed", "infeasible", "duplicate", "lost", "stopped")


def print_outcome(console: Console, result: Result, as_json: bool) -> None:
    """For people, or as one JSON object on standard output."""
    if as_json:
        print(json.dumps(_as_json(result), indent=2))
    else:
        _print(console, result)


def refuse_all_failed(result: Result) -> None:
    """End with a message, and so with the exit code of a mistake, if there were trainings and none came to anything.

    So it is, too, where the search gave up because one after another failed. What was taken over from an earlier run
    is nothing that this one came to.

    Raises:
        RunError: so it is; the text has the last one's reason.
    """
    failed = [record for record in result.trials if record.state == "failed"]
    if not failed:
        return
    many, reason = words_of(result).many, failed[-1].reason
    if all(record.state in WITHOUT_RESULT or starts.is_taken_over(record) for record in result.trials):
        each = f"the only {many.removesuffix('s')} failed" if len(failed) == 1 else f"all {len(failed)} {many} failed"
        if any(record.state == "stopped" for record in result.trials):
            each = f"{len(failed)} {many} failed and no other came to its end"
        raise RunError(f"{each}, so nothing was found; the last one: {reason}")
    if result.ended == proposer.GAVE_UP:
        raise RunError(
            f"the search gave up, {result.ended}; the last one: {reason}; mend that, and `seesaw-nas resume "
            f"{result.folder.path} --retry-failed` goes on"
        )


def _print(console: Console, result: Result) -> None:
    counts = _counts(result)
    told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    console.print(f"\nended because {result.ended}; {told or f'nothing {words_of(result).done}'}")
    _print_stages(console, result)
    if not (front := result.front()):
        return
    table, timings, said = terminal.plain_table(_heading(result)), result.timings, words_of(result)
    spreads = result.confirmed.spreads
    again = ("again",) if spreads else ()
    estimated = ("estimate", "best", "front") if result.standing.figures(front[0]) else ()
    columns = (*_cost_headings(result), *estimated, said.score, *again, *timings.columns.values())
    for heading in (*columns, "trial", "digest"):
        table.add_column(heading, justify="right", no_wrap=True)
    for record in front:
        table.add_row(
            *_costs(result, record),
            *_estimated(result, record),
            said.figure(record.top1),
            *((_again(result, record),) if spreads else ()),
            *timings.cells(record.digest),
            str(record.number),
            record.digest,
        )
    console.print(table)
    _print_standing(console, result)
    folder = result.folder
    if (noted := _count_noted(result)) and said.is_accuracy:
        console.print(f"{noted} of the figures {_noted(said)}; the trials' `reason` says of which")
    if spreads:
        how = result.confirmed.conditions.get("recipe") or result.confirmed.conditions.get("evaluator", "")
        console.print(f"again: mean +- standard deviation ({said.many}), {how}")
        console.print(str(result.confirmed.ties))
    files = [(folder.best, "the best architecture"), (folder.pareto, "the front"), (folder.report, "the picture")]
    if timings.columns:
        console.print(f"ms: median of a call, the faster of {' and '.join(results.FRONT.backends)}")
        files.append((folder.latency, "latencies"))
    for path, what in files:
        console.print(f"{what:<22} {path}")


def _cost_headings(result: Result) -> list[str]:
    """Headings of Multi-Adds, of each further cost that is bounded or is that of the front, and of parameters."""
    budget, own = result.problem.budget, _unbounded(result)
    further = [*(bound.cost.name for bound in budget.others), *(cost.name for cost in own)]
    share = ["of budget"] if budget.by_macs else []
    return ["Multi-Adds", *share, *further, *([] if "params" in further else ["Params"])]


def _costs(result: Result, record: CompleteTrial) -> Iterator[str]:
    """The cells below these headings; a bounded cost with its share of the bound."""
    budget, own = result.problem.budget, _unbounded(result)
    yield f"{record.macs:,}"
    if budget.by_macs:
        yield f"{record.macs / budget.high:.1%}"
    for bound in budget.others:
        yield bound.tell(record.architecture)
    for cost in own:
        yield cost.write(cost.of(record.architecture))
    if "Params" in _cost_headings(result):
        yield f"{record.params:,}"


def _unbounded(result: Result) -> list[Cost]:
    """The cost of the front, where it is neither bounded nor shown anyway."""
    cost = result.problem.cost
    shown = [MACS.name, "params", *(bound.cost.name for bound in result.problem.budget.others)]
    return [] if cost.name in shown else [cost]


def _estimated(result: Result, record: CompleteTrial) -> tuple[str, ...]:
    """Cells of what is estimated of a member; none where nothing is."""
    figures = result.standing.figures(record)
    said = words_of(result)
    return (
        ()
        if figures is None
        else (said.estimate(figures), f"{figures.chance_of_best:.0%}", f"{figures.chance_of_front:.0%}")
    )


def _print_standing(console: Console, result: Result) -> None:
    """Why the order is as it is, and who cannot be told from the best."""
    standing, said = result.standing, words_of(result)
    if standing.figures(result.front()[0]):
        console.print(
            f"estimate: of the mean {said.score} over seeds, +- standard deviation; best, front: the chance to be "
            f"worth most of all {said.done}, and that none of them is worth as much at {_less(standing.cost)}"
        )
    ties = "" if result.confirmed.spreads else standing.tie_sentence
    for text in filter(None, (standing.reason, ties)):
        console.print(text)


def _less(cost: Cost) -> str:
    return {"macs": "fewer Multi-Adds", "params": "fewer Params"}.get(cost.name, f"less {cost.name}")


def _print_stages(console: Console, result: Result) -> None:
    """What each stage of the plan cost."""
    if not (stages := result.stages):
        return
    table = terminal.plain_table(
        "Stages; best is top-1 on the validation split, but a score where weights are inherited"
    )
    for heading in ("stage", "architectures", "best", "tau", "time", "share"):
        table.add_column(heading, justify="left" if heading == "stage" else "right", no_wrap=True)
    for entry in stages:
        said = words(entry["name"] if entry["name"] in ("inherited", "tuned") else "trained")
        best = "-" if entry["best"] is None else said.figure(entry["best"])
        count, time = f"{entry['count']:,}" if entry["count"] else "-", format_duration(entry["seconds"])
        tau = "-" if entry["tau"] is None else f"{entry['tau']:+.2f} ({entry['both']})"
        table.add_row(entry["what"], count, best, tau, time, f"{entry['share']:.0%}")
    console.print(table)
    console.print("tau: Kendall's, with the stage before, over (so many) architectures that both judged")


def _heading(result: Result) -> str:
    said = words_of(result)
    return (
        f"Pareto front by estimate; as observed: {said.told}" if _by_estimate(result) else f"Pareto front, {said.told}"
    )


def _by_estimate(result: Result) -> bool:
    return result.standing.by == ESTIMATE


def words_of(result: Result) -> Words:
    """How to speak of the figures of a search."""
    return words(result.problem.settings.scoring.evaluator)


def _again(result: Result, record: CompleteTrial) -> str:
    spread = result.confirmed.spreads.get(record.digest)
    return words_of(result).spread(spread) if spread else "-"


def _count_noted(result: Result) -> int:
    return sum(record.state == "complete" and bool(record.reason) for record in result.trials)


def _noted(said: Words) -> str:
    return "were recorded of another architecture" if not said.timed else "are not of a training in this run"


def _counts(result: Result) -> dict[str, int]:
    states = [record.state for record in result.trials]
    words = {
        "complete": words_of(result).done,
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
        "budget": result.problem.budget.to_dict() | {"unit": CONVENTION},
        "counts": _counts(result),
        "data": images_as_json(result.problem),
        "figures": words_of(result).told,
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
        words_of(result).key: record.top1,
        **({"split": record.split} if words_of(result).is_accuracy else {}),
        "seed": record.seed,
    }
    further = [*(bound.cost for bound in result.problem.budget.others), *_unbounded(result)]
    if further:
        member["costs"] = {cost.column: cost.number(cost.of(record.architecture)) for cost in further}
    if figures := result.standing.figures(record):
        member |= asdict(figures)
    if spread := result.confirmed.spreads.get(record.digest):
        member["confirmed"] = asdict(spread) | {"tied_with_best": record.digest in result.confirmed.ties.digests}
    return member | ({"latencies": [asdict(entry) for entry in latencies]} if latencies else {})
