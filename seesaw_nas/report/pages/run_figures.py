"""All figures of one run, in the order of its page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import plotly.graph_objects as go

from seesaw_nas.core.errors import OptionError, known
from seesaw_nas.report.figures.axis import CostAxis, name_of
from seesaw_nas.report.figures.calibration import calibration
from seesaw_nas.report.figures.choices import choice_effects
from seesaw_nas.report.figures.early_ranks import rank_correlation
from seesaw_nas.report.figures.front import accuracy_against_cost
from seesaw_nas.report.figures.intervals import is_estimated
from seesaw_nas.report.figures.over_time import front_over_time, progress_curves
from seesaw_nas.report.figures.parallel_coordinates import parallel_genotype
from seesaw_nas.report.figures.published import are_comparable
from seesaw_nas.report.figures.signals import signal_weights
from seesaw_nas.report.figures.spending import spending
from seesaw_nas.report.figures.trainings import timeline, training_curves
from seesaw_nas.report.pages.page_figure import PageFigure
from seesaw_nas.report.pages.worth_showing import (
    EFFECT_TRIALS,
    FEW_TRIALS,
    lack_of_epochs,
    lack_of_estimates,
    lack_of_progress,
    lack_of_trials,
    lack_of_workers,
)
from seesaw_nas.report.run import Run
from seesaw_nas.report.theme import blank
from seesaw_nas.search.estimates.held_out import predict_held_out
from seesaw_nas.search.estimates.model import FEW
from seesaw_nas.search.objectives import amount
from seesaw_nas.search.records import complete
from seesaw_nas.search.standing import Standing
from seesaw_nas.space.costs import MACS, Cost

MOST_HOVER = 40_000  # characters that the pointer may show of one series


@dataclass(frozen=True, slots=True)
class Planned:
    """A figure before it is drawn.

    Attributes:
        lack: why it would say nothing; empty where it says something.
    """

    name: str
    title: str
    draw: Callable[[], go.Figure]
    lack: str = ""
    text: str = ""

    def drawn(self) -> PageFigure:
        return PageFigure(self.name, self.title, self.text, blank(self.lack) if self.lack else self.draw())


def all_figures(run: Run) -> list[PageFigure]:
    """Every figure there is of a run, accuracy against the cost of its front first; some may be blank, and say why."""
    return [planned.drawn() for planned in _planned(run)]


def one_figure(run: Run, name: str, *, columns: int = 2) -> PageFigure:
    """The figure of a run that has this name, and no other is drawn.

    Args:
        columns: of panels beside each other, where it has several kinds of them.

    Raises:
        OptionError: there is none of this name, or it has nothing to show.
    """
    planned = {one.name: one for one in _planned(run, columns)}
    if name not in planned:
        raise OptionError(known("figure", name, tuple(planned)))
    found = planned[name].drawn()
    found.refuse_blank(run.name)
    return found


def _planned(run: Run, columns: int = 2) -> Iterator[Planned]:
    yield from _fronts(run)
    yield from _of_choices(run, columns)
    yield from _of_progress(run)
    yield from _of_trainings(run)
    yield from _of_estimates(run)


def _fronts(run: Run) -> Iterator[Planned]:
    """Accuracy against the cost of the front, then against each other cost that the budget bounds."""
    what = "Accuracy" if run.words.is_accuracy else "Score"
    yield Planned("front", f"{what} against {name_of(run.cost)}", partial(_front, run, run.standing))
    text = "The front here is that of this cost alone; the recommended network is the same."
    for cost in (bound.cost for bound in run.budget.bounds if bound.cost != run.cost):
        name = f"front-{cost.name.replace(' ', '-')}"
        title = f"{what} against {name_of(cost)}"
        yield Planned(name, title, partial(_front, run, run.standing.against(cost)), text=text)


def _front(run: Run, standing: Standing) -> go.Figure:
    """Accuracy against the cost of a standing; of many trials the pointer shows less, so that the page stays small."""
    figure = accuracy_against_cost(
        run.records,
        budget=run.budget,
        dataset=run.dataset,
        spreads=run.spreads,
        standing=standing,
        words=run.words,
        beside_published=are_comparable(run.settings),
    )
    for trace in figure.data:
        texts = trace.hovertext or ()
        if sum(map(len, texts)) > MOST_HOVER:
            trace.hovertext = [text.partition(",")[0] for text in texts]  # the trial's number
            value = "%{y:.2f}%" if run.words.is_share else "%{y}"
            amount = f"%{{x:.3f}}{_behind(standing.cost)}"
            trace.hovertemplate = f"%{{hovertext}}: {value}, {amount}<extra></extra>"
    return figure


def _behind(cost: Cost) -> str:
    """The unit and the name behind a number of an axis."""
    unit = CostAxis(cost).unit
    return f"{unit} {name_of(cost)}" if len(unit) == 1 else f" {unit} {name_of(cost)}"


def _of_choices(run: Run, columns: int) -> Iterator[Planned]:
    """Where the best spends its budget, and what the choices came to."""
    records, words, estimates = run.records, run.words, run.standing.estimates
    if (best := run.best) is not None:
        title = f"Where trial {best.number}, the best, spends its Multi-Adds"
        architecture = best.architecture
        yield Planned("spending", title, lambda: spending(architecture))
    text = (
        f"By how {'many points' if words.is_share else 'much'} {words.noun} changes with a choice, all other "
        "choices and the Multi-Adds held; a search does not draw at random, so these are associations."
    )
    learnt = estimates if estimates is not None and len(estimates) >= FEW else None
    lack = lack_of_trials(run, EFFECT_TRIALS)

    def effects() -> go.Figure:
        return choice_effects(records, learnt, words, run.space, columns=columns)

    yield Planned("effects", "What each choice did", effects, lack, text)
    if (space := run.space) is not None:
        title, lack = "Choices and what came of them", lack_of_trials(run, FEW_TRIALS)
        yield Planned("choices", title, lambda: parallel_genotype(records, space, words), lack)


def _of_progress(run: Run) -> Iterator[Planned]:
    records, settings, words, lack = run.records, run.settings, run.words, lack_of_progress(run)
    value = "top1" if settings.proposals.objectives == "top1" else "hypervolume"
    against = "trials" if settings.all_alike else "epochs"
    text = f"By observed {words.noun}." if is_estimated(run.standing) else ""

    def curves() -> go.Figure:
        runs = {settings.proposals.strategy: [records]}
        return progress_curves(
            runs, value=value, against=against, budget_high=_highest(run), words=words, cost=run.cost
        )

    title = "The front as the search went on"
    yield Planned("front-over-time", title, lambda: front_over_time(records, words=words, cost=run.cost), lack, text)
    yield Planned("progress", "Progress", curves, lack, text)


def _highest(run: Run) -> int:
    """The upper end of the cost of the front; without a bound, what the costliest trained architecture costs."""
    if run.cost == MACS:
        return run.budget.high
    bound = run.budget.of(run.cost)
    return bound.high if bound else max(amount(run.cost, trial) for trial in complete(run.records))


def _of_trainings(run: Run) -> Iterator[Planned]:
    records, words, lack = run.records, run.words, lack_of_epochs(run.records)
    yield Planned("training-curves", "Training curves", lambda: training_curves(records, words), lack)
    text = "How well ranks after each epoch predict the final ranks; early stopping relies on it."
    title = "Early ranks and final ranks"
    yield Planned("rank-correlation", title, lambda: rank_correlation(records, words), lack, text)
    yield Planned("timeline", "What ran when", lambda: timeline(records), lack_of_workers(records))


def _of_estimates(run: Run) -> Iterator[Planned]:
    """How far the estimates are to be trusted, and what they rest on."""
    estimates = run.standing.estimates
    if estimates is None or not len(estimates):
        return
    text = (
        f"{run.words.done.capitalize()} trials, each predicted by estimates that were told of other architectures "
        "alone. A prediction is of one trial, so its interval is wider than that of an architecture's worth."
    )

    def held_out() -> go.Figure:
        return calibration(predict_held_out(estimates, run.records), run.words)

    yield Planned("calibration", "Predictions of held-out trials", held_out, text=text)
    reason = f"{estimates.reason[0].upper()}{estimates.reason[1:]}."
    text = f"What a trial counts for is a mixture of its signals, the one with the least noise. {reason}"
    title = "Which signal weighs how much"
    yield Planned("signals", title, lambda: signal_weights(estimates, run.words), lack_of_estimates(run), text)
