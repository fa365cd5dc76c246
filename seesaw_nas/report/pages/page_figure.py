"""Figures as sections of a page; those that have nothing to show are named in one list, with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape, unescape

import plotly.graph_objects as go

from seesaw_nas.core.errors import OptionError
from seesaw_nas.report.pages import markup
from seesaw_nas.report.pages.markup import paragraph, section


@dataclass(frozen=True, slots=True)
class PageFigure:
    """A figure of a page.

    Attributes:
        name: of its element, of the file that it may be drawn to, and on the command line.
        text: what a reader should know before looking; may be empty.
        figure: blank, with the reason as its one note, where there is nothing to show.
    """

    name: str
    title: str
    text: str
    figure: go.Figure

    @property
    def is_blank(self) -> bool:
        return not self.figure.data

    @property
    def reason(self) -> str:
        """Why it is blank, as markup."""
        return "; ".join(note.text for note in self.figure.layout.annotations) if self.is_blank else ""

    def refuse_blank(self, of: str = "") -> None:
        """Refuse a figure that has nothing to show.

        Args:
            of: the run that it is of, for the message.

        Raises:
            OptionError: it is blank; the message says why.
        """
        if self.is_blank:
            whose = f" of {of}" if of else ""
            raise OptionError(f"figure {self.name}{whose} has nothing to show: {unescape(self.reason)}")


def sections(shown: Sequence[PageFigure]) -> list[str]:
    """A section for each figure that has something to show."""
    return [
        section(one.title, paragraph(one.text) if one.text else "", markup.plot(one.figure, one.name))
        for one in shown
        if not one.is_blank
    ]


def left_out(shown: Sequence[PageFigure]) -> str:
    """The figures that have nothing to show, in one list; empty where all have something."""
    items = "".join(f"<li>{escape(one.title)}: {one.reason}</li>" for one in shown if one.is_blank)
    return section("Figures left out", f'<ul class="note">{items}</ul>') if items else ""
