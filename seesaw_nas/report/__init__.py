"""Records to tables and pictures: the one place where pandas and plotly are loaded.

Both take a moment to import, so other modules import this package inside the function that needs it. Every figure is
made of records, or of what its arguments name; one that has nothing to show says why.
"""

from seesaw_nas.report.effects import effects
from seesaw_nas.report.figures.calibration import calibration
from seesaw_nas.report.figures.choices import choice_effects
from seesaw_nas.report.figures.early_ranks import rank_correlation
from seesaw_nas.report.figures.front import accuracy_against_cost
from seesaw_nas.report.figures.images import write_image
from seesaw_nas.report.figures.over_time import front_over_time, progress_curves
from seesaw_nas.report.figures.parallel_coordinates import parallel_genotype
from seesaw_nas.report.figures.signals import signal_weights
from seesaw_nas.report.figures.spending import spending
from seesaw_nas.report.figures.trainings import timeline, training_curves
from seesaw_nas.report.pages.comparison import compare_runs, drawn_apart, not_recorded, write_comparison
from seesaw_nas.report.pages.run_figures import all_figures, one_figure
from seesaw_nas.report.pages.run_page import write_report
from seesaw_nas.report.run import Run
from seesaw_nas.report.tables import (
    frame,
    front_frame,
    records_of_table,
    stage_texts,
    trials_frame,
    write_csv,
    write_table,
)

__all__ = [
    "Run",
    "accuracy_against_cost",
    "all_figures",
    "calibration",
    "choice_effects",
    "compare_runs",
    "drawn_apart",
    "effects",
    "frame",
    "front_frame",
    "front_over_time",
    "not_recorded",
    "one_figure",
    "parallel_genotype",
    "progress_curves",
    "rank_correlation",
    "records_of_table",
    "signal_weights",
    "spending",
    "stage_texts",
    "timeline",
    "training_curves",
    "trials_frame",
    "write_comparison",
    "write_csv",
    "write_image",
    "write_report",
    "write_table",
]
