"""The front as a table: each member with its drawing, its stages in words, and its spec file to take along."""

from __future__ import annotations

from html import escape

from seesaw_nas.core.units import format_count, format_duration
from seesaw_nas.report.figures import drawing
from seesaw_nas.report.figures.axis import name_of
from seesaw_nas.report.pages.markup import Cell, capital, paragraph, sortable
from seesaw_nas.report.pages.partition_bars import describe_partitions, partition_bars
from seesaw_nas.report.pages.recommended import spec_link
from seesaw_nas.report.run import Run
from seesaw_nas.report.tables import stage_texts
from seesaw_nas.report.unevenness import MEANING, unevenness
from seesaw_nas.search.records import CompleteTrial
from seesaw_nas.space.costs import MACS, Cost

HOW_TO_READ = (
    "Members are numbered from the {cheapest}; a command takes the third as runs/NAME#3. A bar of the column "
    "Partitions is a block, stage by stage, cut in proportion to its groups; the column sorts by "
    f"{MEANING}."
)


def front_table(run: Run, room: int) -> str:
    """The members from the cheapest to the costliest, as markup of about ``room`` bytes.

    What does not fit with its drawing and its spec file has its stages in words alone.
    """
    members = run.standing.front()
    if not members:
        return paragraph("Empty: it holds trials with a result only.")
    said = run.words
    again = (f"{said.done.capitalize()} again",) if run.spreads else ()
    split = ("Split",) if said.split else ()
    estimated = ("Estimate", "Chance of best", "of front") if run.standing.figures(members[0]) else ()
    score = said.score.capitalize()
    result = ("Partitions", *estimated, score, *again, *split, "Seed", "Time", *run.timings.columns.values(), "Digest")
    share = ("of budget",) if run.budget.by_macs else ()
    costs = [capital(name_of(cost)) for cost in _further(run)]
    head = ("Member", "Trial", "Multi-Adds", *share, "Params", *costs, *result)
    rows = [_row(rank, trial, run) for rank, trial in enumerate(members, start=1)]
    words = [_unfolding(rank, trial, "") for rank, trial in enumerate(members, start=1)]
    left, drawn = room - len(sortable(head, [(row, "") for row in rows])) - sum(map(len, words)), 0
    for rank, trial in enumerate(members, start=1):
        picture = _picture(rank, trial, run)
        left -= len(picture)
        if left < 0:
            break
        words[drawn], drawn = _unfolding(rank, trial, picture), rank
    left_out = "" if drawn == len(members) else f" The first {drawn} of {len(members)} are drawn, the others in words."
    cheapest = "fewest Multi-Adds" if run.cost == MACS else f"lowest {name_of(run.cost)}"
    how = HOW_TO_READ.format(cheapest=cheapest)
    return paragraph(f"{how}{left_out}") + sortable(head, zip(rows, words, strict=True))


def _row(rank: int, trial: CompleteTrial, run: Run) -> list[Cell]:
    cells = [
        Cell(f"#{rank}", rank),
        Cell(str(trial.number), trial.number),
        Cell(format_count(trial.macs), trial.macs),
        *([Cell(f"{trial.macs / run.budget.high:.1%}", trial.macs)] if run.budget.by_macs else []),
        Cell(_with_share(run, "params", format_count(trial.params), trial.params), trial.params),
        *(_amount(run, cost, trial) for cost in _further(run)),
        _partitions(trial),
        *_estimated(run, trial),
        Cell(run.words.figure(trial.top1), trial.top1),
    ]
    if run.spreads:
        spread = run.spreads.get(trial.digest)
        cells.append(Cell(run.words.spread(spread), spread.mean) if spread else Cell("-"))
    times = [Cell(text, float(text.replace(",", "")) if text else None) for text in run.timings.cells(trial.digest)]
    cells += [Cell(trial.split)] if run.words.split else []
    cells.append(Cell(str(trial.seed), trial.seed))
    return [*cells, Cell(format_duration(trial.seconds), trial.seconds), *times, Cell(trial.digest)]


def _further(run: Run) -> list[Cost]:
    """The costs that are bounded, or that of the front, beyond Multi-Adds and parameters."""
    found = dict.fromkeys([*(bound.cost for bound in run.budget.others), run.cost])
    return [cost for cost in found if cost.name not in ("macs", "params")]


def _amount(run: Run, cost: Cost, trial: CompleteTrial) -> Cell:
    amount = cost.of(trial.architecture)
    return Cell(_with_share(run, cost.name, cost.write(amount), amount), amount)


def _with_share(run: Run, name: str, text: str, amount: int) -> str:
    """An amount, and its share of the bound, where the budget has one beside that of Multi-Adds."""
    bound = next((bound for bound in run.budget.others if bound.cost.name == name), None)
    return f"{text}, {bound.share(amount):.1%}" if bound else text


def _partitions(trial: CompleteTrial) -> Cell:
    bars = partition_bars(trial.architecture)
    return Cell(describe_partitions(trial.architecture), unevenness(trial.architecture), markup=bars)


def _estimated(run: Run, trial: CompleteTrial) -> list[Cell]:
    """What is estimated of a member; nothing where nothing is."""
    if (found := run.standing.figures(trial)) is None:
        return []
    chances = [Cell(f"{chance:.0%}", chance) for chance in (found.chance_of_best, found.chance_of_front)]
    return [Cell(run.words.estimate(found), found.estimate), *chances]


def _unfolding(rank: int, trial: CompleteTrial, picture: str) -> str:
    stages = escape("\n".join(stage_texts(trial.architecture)))
    summary = f"Architecture of member #{rank}, trial {trial.number}"
    return f"<details><summary>{summary}</summary><div>{picture}<pre>{stages}</pre></div></details>"


def _picture(rank: int, trial: CompleteTrial, run: Run) -> str:
    """The drawing, and the spec file as a link that holds all of it."""
    name = f"{run.name}-{trial.number}"
    command = f"seesaw-nas show {escape(name)}.json"
    picture = drawing.svg(trial.architecture, f"Member #{rank}, trial {trial.number}")
    return f"{picture}<p>{spec_link(run, trial)}, for <code>{command}</code></p>"
