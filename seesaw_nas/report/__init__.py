"""Records to tables and pictures: the one place where pandas and plotly are loaded.

Both take a moment to import, so other modules import this package inside the function that needs it.
"""

from seesaw_nas.report.figure import accuracy_against_macs, write_image
from seesaw_nas.report.page import write_html
from seesaw_nas.report.tables import frame, front_frame, stage_texts, write_csv

__all__ = ["accuracy_against_macs", "frame", "front_frame", "stage_texts", "write_csv", "write_html", "write_image"]
