"""An architecture to look at. Loads without torch, which only the cross-check needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seesaw_nas.architecture import specfile
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.core.errors import OptionError
from seesaw_nas.core.files import refuse_existing, replace_file

if TYPE_CHECKING:
    from seesaw_nas.network.witness import Verification


@dataclass(frozen=True, slots=True)
class Shown:
    """An architecture, and what others count of it; ``None`` where they were not asked."""

    named: Named
    verification: Verification | None = None


def show(spec: str, *, verify: bool = False, svg: Path | None = None) -> Shown:
    """Read an architecture, and draw it where a file for that is given.

    Args:
        spec: a spec file, a run's folder or MODEL@SETTING.
        verify: build it, and count it with fvcore and thop, too.
        svg: a file to make.

    Raises:
        SeesawError: it cannot be read, or the file exists.
        OSError: the file cannot be written.
    """
    named = specfile.resolve(spec)
    if svg is not None:
        _draw(named, svg)
    if not verify:
        return Shown(named)
    from seesaw_nas.network import witness

    return Shown(named, witness.verify(named.architecture))


def _draw(named: Named, path: Path) -> None:
    from seesaw_nas.report.figures import drawing  # brings plotly, which takes a moment, for nothing else of this verb

    if path.suffix.lower() != ".svg":
        raise OptionError(f"a drawing is an SVG file, so its name ends in .svg; got {path}")
    refuse_existing(path)
    replace_file(path, drawing.standalone(named.architecture, named.name).encode())
