"""A figure as a picture in a file."""

from __future__ import annotations

from pathlib import Path

import plotly.graph_objects as go

from seesaw_nas.core.errors import OptionError, RunError, known
from seesaw_nas.core.files import replace_file
from seesaw_nas.core.optional import INSTALLED_AS

IMAGE_FORMATS = ("png", "svg", "pdf")


def write_image(path: Path, figure: go.Figure, *, width: int = 1000, height: int = 800) -> None:
    """Write a figure as PNG, SVG or PDF, by the ending of ``path``; ``width`` and ``height`` in pixels.

    Raises:
        OptionError: the ending is none of these.
        RunError: kaleido or a Chromium to draw with is missing.
        OSError: the file cannot be written.
    """
    replace_file(path, draw(path, figure, width=width, height=height, scale=2 if path.suffix.lower() == ".png" else 1))


def draw(path: Path, figure: go.Figure, *, width: int, height: int, scale: float) -> bytes:
    """What the file of a figure will hold; ``scale`` is pixels of a PNG for each of ``width``.

    Raises:
        OptionError: the ending of ``path`` is no image format.
        RunError: kaleido or a Chromium to draw with is missing.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in IMAGE_FORMATS:
        raise OptionError(known("image format", kind, IMAGE_FORMATS))
    try:
        drawn: bytes = figure.to_image(format=kind, width=width, height=height, scale=scale)
    except (RuntimeError, ValueError) as error:  # plotly's, which has had several classes for them
        if not any(word in str(error) for word in ("Kaleido", "Chrome", "kaleido")):
            raise
        raise RunError(
            f"cannot draw {path}: an image needs kaleido (pip install {INSTALLED_AS['kaleido']}) and Chrome or "
            "Chromium on the PATH; the HTML report needs neither"
        ) from None
    return drawn
