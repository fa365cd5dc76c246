"""Several runs beside each other: their fronts, how fast each got there, and a table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from html import escape
from pathlib import Path

import plotly.graph_objects as go

from seesaw_nas import pareto
from seesaw_nas.core.files import replace_file
from seesaw_nas.core.units import format_count, format_duration
from seesaw_nas.evaluators.basis import Basis
from seesaw_nas.evaluators.differences import REPEATED, REPORTED, difference, unknown
from seesaw_nas.evaluators.words import Words
from seesaw_nas.report.figures.axis import CostAxis
from seesaw_nas.report.figures.over_time import progress_curves, splits
from seesaw_nas.report.pages import markup
from seesaw_nas.report.pages.markup import Cell, paragraph, section, sortable
from seesaw_nas.report.pages.page_figure import PageFigure, left_out, sections
from seesaw_nas.report.pages.run_page import FOOTER
from seesaw_nas.report.pages.worth_showing import FEW_TRIALS, lack_of_trials
from seesaw_nas.report.run import Run
from seesaw_nas.report.theme import NOTHING_TRAINED, THEME, blank, styles
from seesaw_nas.search.records import TRAINED, CompleteTrial, complete, front
from seesaw_nas.space.costs import MACS

SHOWN = {  # what a reader is told of runs in one picture, and how to ask a run
    "data set": lambda run: run.dataset,
    "budget": lambda run: run.within,
    "space": lambda run: run.conditions.get("space", ""),
    "recipe": lambda run: run.conditions.get("recipe", ""),
    "images": lambda run: run.conditions.get("images", ""),
    "device": lambda run: run.conditions.get("device", ""),
}


PER_GROUP = 3  # figures


def groups_of(runs: Sequence[Run]) -> list[list[Run]]:
    """Runs grouped where :func:`seesaw_nas.evaluators.differences.difference` finds none; the first run's first."""
    groups: list[list[Run]] = []
    for run in runs:
        for group in groups:
            if not _asked(difference, group[0], run):
                group.append(run)
                break
        else:
            groups.append([run])
    return groups


def drawn_apart(runs: Sequence[Run]) -> list[str]:
    """Why some runs are not compared with the first one, a line for each group that has pictures of its own."""
    (first, *_), *others = groups_of(runs)
    lines = []
    for group in others:
        names = ", ".join(run.name for run in group)
        are = "is" if len(group) == 1 else "are"
        lines.append(f"{names} {are} not compared with {first.name}: {_asked(difference, first, group[0])}")
    return lines


def not_recorded(runs: Sequence[Run]) -> list[str]:
    """What is to be known of how comparable the runs in one picture are, a line each.

    That is what their records do not say, and that different seeds drew their images.
    """
    groups = groups_of(runs)
    pairs = [(first, run) for first, *rest in groups for run in rest]
    return [text for first, run in pairs if (text := _asked(unknown, first, run))] + list(
        filter(None, map(_draws, groups))
    )


def _draws(runs: Sequence[Run]) -> str:
    """Which runs of one picture used different parts of the images; empty where all used the same."""
    seeds = {run.name: run.basis.subset_seed for run in runs if run.basis is not None}
    if len(set(seeds.values())) < 2:
        return ""
    names = ", ".join(f"{seed} in {name}" for name, seed in seeds.items())
    return f"different seeds drew the images that the runs used: {names}"


def _asked(
    rule: Callable[[Basis, Basis, Collection[str]], str], one: Run, other: Run, allow: Collection[str] = REPORTED
) -> str:
    if one.basis is None or other.basis is None:
        return ""
    return rule(replace(one.basis, name=one.name), replace(other.basis, name=other.name), allow)


def compare_runs(runs: Sequence[Run]) -> list[PageFigure]:
    """The figures of a comparison: ``PER_GROUP`` for each of :func:`groups_of`."""
    groups = groups_of(runs)
    shown = []
    for number, group in enumerate(groups, start=1):
        of = f" of {', '.join(run.name for run in group)}" if len(groups) > 1 else ""
        shown += _compared(group, "" if number == 1 else f"-{number}", of)
    return shown


def _compared(runs: Sequence[Run], suffix: str, of: str) -> list[PageFigure]:
    high = max(run.budget.high for run in runs)
    against = "trials" if all(run.settings.all_alike for run in runs) else "epochs"
    groups = {name: [run.records for run in same] for name, same in repeats_of(runs).items()}
    lack = min((lack_of_trials(run, FEW_TRIALS) for run in runs), key=len)  # none, where one run has enough
    shown = [PageFigure(f"fronts{suffix}", f"The fronts{of}", "", fronts(runs))]
    for value, title in (("hypervolume", "Progress of the fronts"), ("top1", "Progress of the best")):
        curves = (
            blank(lack)
            if lack
            else progress_curves(groups, value=value, against=against, budget_high=high, words=_words(runs))
        )
        shown.append(PageFigure(f"progress-{value}{suffix}", f"{title}{of}", "", curves))
    return shown


def write_comparison(path: Path, runs: Sequence[Run], shown: list[PageFigure]) -> None:
    """Write the page of several runs, all at once or not at all; ``shown`` is what :func:`compared` made of them.

    Raises:
        OSError: the file cannot be written.
    """
    title = f"Comparison of {len(runs)} runs"
    parts = [f"<h1>{title}</h1>"]
    parts += [f"<p><strong>{escape(text)}.</strong></p>" for text in drawn_apart(runs)]
    parts += [paragraph(f"{text}.") for text in not_recorded(runs)]
    parts.append(markup.plotly_script())
    for number, group in enumerate(groups_of(runs)):
        fronts_of, *progress = shown[PER_GROUP * number : PER_GROUP * (number + 1)]
        parts += [*_differing(group), *sections([fronts_of]), section("The runs", _table(group)), *sections(progress)]
    parts += [left_out(shown), FOOTER]
    replace_file(path, markup.page(title, parts))


def fronts(runs: Sequence[Run]) -> go.Figure:
    """The front of each run as steps."""
    if not any(complete(run.records) for run in runs):
        return blank(NOTHING_TRAINED)
    costs = {run.cost for run in runs}
    axis = CostAxis(costs.pop() if len(costs) == 1 else MACS)
    figure = go.Figure(layout={"template": THEME, "xaxis_title": axis.title})
    for run, (colour, dash, symbol) in zip(runs, styles(len(runs)), strict=True):
        members = run.standing.against(axis.cost).members
        figure.add_scatter(
            x=[axis.of(row) for row in members], y=[run.words.scale * row.worth for row in members],
            name=f"{escape(run.name)} ({len(members)})", mode="lines+markers", hoverinfo="text",
            hovertext=[_hover(run, row.trial) for row in members], marker={"symbol": symbol, "size": 8},
            line={"shape": "hv", "color": colour, "dash": dash, "width": 2},
        )  # fmt: skip
    done = [trial for run in runs for trial in complete(run.records)]
    figure.update_layout(yaxis_title=escape(_axis(runs, splits(done))))
    return figure


def _words(runs: Sequence[Run]) -> Words:
    """How to speak of the figures of all of them: as of trainings where some are that, and others were recorded."""
    return max((run.words for run in runs), key=lambda words: words.published)


def _axis(runs: Sequence[Run], split: str) -> str:
    return " or ".join(dict.fromkeys(run.words.axis(split) for run in runs))


def _hover(run: Run, trial: CompleteTrial) -> str:
    words, found = run.words, run.standing.figures(trial)
    estimated = f"estimate {words.estimate(found)}, observed " if found else ""
    return (
        f"<b>{escape(run.name)}, trial {trial.number}</b><br>{estimated}{words.figure(trial.top1)}, "
        f"{trial.macs:,} Multi-Adds"
    )


def hypervolume(run: Run, high: int) -> float:
    """Of a run's front as observed, one rule for runs with and without estimates; at most 1.

    Of top-1 as a fraction and Multi-Adds as a share of ``high``.
    """
    members = front(complete(run.records))
    return pareto.hypervolume([(trial.top1, trial.macs / high) for trial in members] or [(0, 1)], (0, 1))


def repeats_of(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Runs that repeat each other, which differ in nothing but seeds, under names that tell the groups apart."""
    groups: list[list[Run]] = []
    for run in runs:
        for group in groups:
            if _method(group[0]) == _method(run) and not _asked(difference, group[0], run, REPEATED):
                group.append(run)
                break
        else:
            groups.append([run])
    firsts = [first for first, *_ in groups]
    names = [_method(run) for run in firsts]
    for texts in (
        [run.within for run in firsts],
        [run.conditions.get("space", "") for run in firsts],
        [run.name for run in firsts],
    ):
        names = _tell_apart(names, texts)
    return dict(zip(names, groups, strict=True))


def _tell_apart(names: Sequence[str], texts: Sequence[str]) -> list[str]:
    """The names, with their texts behind those that several have with different texts."""
    differing = {name: {text for other, text in zip(names, texts, strict=True) if other == name} for name in names}
    return [f"{name}, {text}" if len(differing[name]) > 1 else name for name, text in zip(names, texts, strict=True)]


def _method(run: Run) -> str:
    """What proposes; what stops early and the plan, where they are not the usual ones."""
    scheduler, plan = run.settings.scheduling.scheduler, run.settings.steps.plan
    parts = (
        run.settings.proposals.strategy,
        "" if scheduler == "none" else scheduler,
        "" if plan != "shared" else plan,
    )
    return ", ".join(filter(None, parts))


def _differing(runs: Sequence[Run]) -> list[str]:
    """What the runs share, and a warning of what they do not."""
    values = {name: list(dict.fromkeys(filter(None, map(ask, runs)))) for name, ask in SHOWN.items()}
    same = "; ".join(f"{name} {found[0]}" for name, found in values.items() if len(found) == 1)
    differing = [f"{name} ({' / '.join(found)})" for name, found in values.items() if len(found) > 1]
    names = ", ".join(run.name for run in runs) if len(runs) == 1 else "All of them"
    told = [paragraph(f"{names}: {same}.")] if same else []
    if differing:
        warned = escape("; ".join(differing))
        told.append(f"<p><strong>Not all of these runs share their {warned}: compare with care.</strong></p>")
    return told


def _table(runs: Sequence[Run]) -> str:
    high, words = max(run.budget.high for run in runs), _words(runs)
    score = " or ".join(dict.fromkeys(run.words.score for run in runs))
    where = ", on the validation split, one seed" if words.split else ""
    most = "100%" if words.is_share else "1"
    head = ("Run", "Strategy", "Scheduler", "Seed", "Trials", "Complete", f"Best {score}", "at Multi-Adds")
    rows = [(_cells(run, high), "") for run in runs]
    text = (
        f"Best is by estimate where that serves; its figure, {words.noun}, is as observed{where}. "
        f"Hypervolume is of the observed front, of {words.noun} and Multi-Adds, "
        f"as a share of {most} {words.noun} at no Multi-Adds up to {format_count(high)}; the time is of all trainings "
        "together."
    )
    return paragraph(text) + sortable((*head, "Hypervolume", "Time"), rows)


def _cells(run: Run, high: int) -> list[Cell]:
    settings, best = run.settings, run.best
    begun = sum(record.state in TRAINED for record in run.records)
    done, share = len(complete(run.records)), hypervolume(run, high)
    seconds = sum(record.seconds for record in run.records)
    return [
        Cell(run.name),
        Cell(settings.proposals.strategy),
        Cell(settings.scheduling.scheduler),
        Cell(str(settings.training.seed), settings.training.seed),
        Cell(f"{begun:,}", begun),
        Cell(f"{done:,}", done),
        Cell(run.words.figure(best.top1), best.top1) if best else Cell("-"),
        Cell(format_count(best.macs), best.macs) if best else Cell("-"),
        Cell(f"{share:.4f}", share),
        Cell(format_duration(seconds), seconds),
    ]
