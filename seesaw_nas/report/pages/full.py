"""All figures of one run, and the page that has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import plotly.graph_objects as go

from seesaw_nas.report.figures.calibration import calibration
from seesaw_nas.report.figures.choices import choice_effects
from seesaw_nas.report.figures.early_ranks import rank_correlation
from seesaw_nas.report.figures.intervals import is_estimated
from seesaw_nas.report.figures.over_time import front_over_time, progress_curves
from seesaw_nas.report.figures.parallel_coordinates import parallel_genotype
from seesaw_nas.report.figures.signals import signal_weights
from seesaw_nas.report.figures.spending import spending
from seesaw_nas.report.figures.trainings import timeline, training_curves
from seesaw_nas.report.pages import markup
from seesaw_nas.report.pages.markup import paragraph, section
from seesaw_nas.report.pages.summary import picture, write_html
from seesaw_nas.report.run import Run
from seesaw_nas.search.estimates.held_out import predict_held_out
from seesaw_nas.search.estimates.model import FEW, Estimates


@dataclass(frozen=True, slots=True)
class PageFigure:
    """A figure of a page.

    Attributes:
        name: of its element, and of the file that it may be drawn to.
        text: what a reader should know before looking; may be empty.
    """

    name: str
    title: str
    text: str
    figure: go.Figure


def all_figures(run: Run) -> list[PageFigure]:
    """Every figure there is of a run, accuracy against Multi-Adds first."""
    return [
        PageFigure(
            "accuracy", f"{'Accuracy' if run.words.is_accuracy else 'Score'} against Multi-Adds", "", picture(run)
        ),
        *_further(run),
    ]


def write_report(path: Path, run: Run, shown: list[PageFigure]) -> None:
    """Write the whole report of a run, all at once or not at all; ``shown`` are its :func:`all_figures`.

    Raises:
        OSError: the file cannot be written.
    """
    write_html(path, run, more=sections(shown[1:]))


def sections(shown: list[PageFigure]) -> list[str]:
    """Figures as sections of a page; what has nothing to show is a line that says why."""
    return [_section(one) for one in shown]


def _section(one: PageFigure) -> str:
    if not one.figure.data:  # a blank figure, whose one note is the reason
        return section(one.title, *(f"<p>{note.text}</p>" for note in one.figure.layout.annotations))
    return section(one.title, paragraph(one.text) if one.text else "", markup.plot(one.figure, one.name))


def _of_estimates(run: Run, estimates: Estimates) -> Iterator[PageFigure]:
    """How far the estimates are to be trusted, and what they rest on."""
    reason = f"{estimates.reason[0].upper()}{estimates.reason[1:]}."
    text = (
        f"{run.words.done.capitalize()} trials, each predicted by estimates that were told of other architectures "
        "alone. A prediction is of one trial, so its interval is wider than that of an architecture's worth."
    )
    yield PageFigure(
        "calibration",
        "Predictions of held-out trials",
        text,
        calibration(predict_held_out(estimates, run.records), run.words),
    )
    text = f"What a trial counts for is a mixture of its signals, the one with the least noise. {reason}"
    yield PageFigure("signals", "Which signal weighs how much", text, signal_weights(estimates, run.words))


def _further(run: Run) -> Iterator[PageFigure]:
    records, settings, words = run.records, run.settings, run.words
    value = "top1" if settings.proposals.objectives == "top1" else "hypervolume"
    against = "trials" if settings.all_alike else "epochs"
    curves = progress_curves(
        {settings.proposals.strategy: [records]}, value=value, against=against, budget_high=run.budget.high, words=words
    )
    text = f"By observed {words.score}." if is_estimated(run.standing) else ""
    yield PageFigure("front-over-time", "The front as the search went on", text, front_over_time(records, words=words))
    yield PageFigure("progress", "Progress", text, curves)
    if run.space is not None:
        text = "Drag along an axis to keep only the trials that made those choices."
        yield PageFigure("choices", "Choices and what came of them", text, parallel_genotype(records, run.space, words))
    text = (
        f"By how {'many points' if words.is_share else 'much'} {words.score} changes with a choice, all other "
        "choices and the Multi-Adds held; a search does not draw at random, so these are associations."
    )
    estimates = run.standing.estimates
    learnt = estimates if estimates is not None and len(estimates) >= FEW else None
    yield PageFigure("effects", "What each choice did", text, choice_effects(records, learnt, words, run.space))
    if estimates is not None and len(estimates):
        yield from _of_estimates(run, estimates)
    if (best := run.best) is not None:
        yield PageFigure(
            "spending", f"Where trial {best.number}, the best, spends its Multi-Adds", "", spending(best.architecture)
        )
    yield PageFigure("training-curves", "Training curves", "", training_curves(records, words))
    text = "How well ranks after each epoch predict the final ranks; early stopping relies on it."
    yield PageFigure("rank-correlation", "Early ranks and final ranks", text, rank_correlation(records, words))
    yield PageFigure("timeline", "What ran when", "", timeline(records))
