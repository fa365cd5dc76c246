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
    kind = path.suffix.lower().removeprefix(".")
    if kind not in IMAGE_FORMATS:
        raise OptionError(known("image format", kind, IMAGE_FORMATS))
    try:
        data = figure.to_image(format=kind, width=width, height=height, scale=2 if kind == "png" else 1)
    except (RuntimeError, ValueError) as error:  # plotly's, which has had several classes for them
        if not any(word in str(error) for word in ("Kaleido", "Chrome", "kaleido")):
            raise
        raise RunError(
            f"cannot draw {path}: an image needs kaleido (pip install {INSTALLED_AS['kaleido']}) and Chrome or "
            "Chromium on the PATH; the HTML report needs neither"
        ) from None
    replace_file(path, data)
