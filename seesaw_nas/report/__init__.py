"""Records to tables and pictures: the one place where pandas and plotly are loaded.

Both take a moment to import, so other modules import this package inside the function that needs it. Every figure is
made of records, or of what its arguments name; one that has nothing to show says why.
"""

from seesaw_nas.report.agreement import rank_correlation, seed_noise
from seesaw_nas.report.choices import choice_effects, importance_bars
from seesaw_nas.report.effects import effects
from seesaw_nas.report.figure import accuracy_against_macs
from seesaw_nas.report.full import figures, write_report
from seesaw_nas.report.images import write_image
from seesaw_nas.report.over_time import front_over_time, progress_curves
from seesaw_nas.report.page import write_html
from seesaw_nas.report.parallel import parallel_genotype
from seesaw_nas.report.run import Run
from seesaw_nas.report.several import compared, drawn_apart, not_recorded, write_comparison
from seesaw_nas.report.spending import spending
from seesaw_nas.report.tables import frame, front_frame, stage_texts, trials_frame, write_csv, write_table
from seesaw_nas.report.trainings import timeline, training_curves

__all__ = [
    "Run",
    "accuracy_against_macs",
    "choice_effects",
    "compared",
    "drawn_apart",
    "effects",
    "figures",
    "frame",
    "front_frame",
    "front_over_time",
    "importance_bars",
    "not_recorded",
    "parallel_genotype",
    "progress_curves",
    "rank_correlation",
    "seed_noise",
    "spending",
    "stage_texts",
    "timeline",
    "training_curves",
    "trials_frame",
    "write_comparison",
    "write_csv",
    "write_html",
    "write_image",
    "write_report",
    "write_table",
]
