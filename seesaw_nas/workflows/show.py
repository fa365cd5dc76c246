"""An architecture to look at. Loads without torch, which only the cross-check needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seesaw_nas.architecture import specfile
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.core.errors import BudgetError, OptionError
from seesaw_nas.core.files import refuse_existing, replace_file
from seesaw_nas.space import profile_file
from seesaw_nas.space.budget import Budget

if TYPE_CHECKING:
    from seesaw_nas.network.witness import Verification


@dataclass(frozen=True, slots=True)
class Shown:
    """An architecture, what others count of it, and a budget for it; ``None`` where they were not asked for."""

    named: Named
    verification: Verification | None = None
    budget: Budget | None = None


def show(
    spec: str,
    *,
    budget: str = "",
    latency_profile: Path | str = "",
    accept_spread: bool = False,
    verify: bool = False,
    svg: Path | None = None,
) -> Shown:
    """Read an architecture, and draw it where a file for that is given.

    Args:
        spec: a spec file, a run's folder or MODEL@SETTING.
        budget: to hold the architecture against, of one cost or several; in amounts, since there is no space that
            shares could be of.
        latency_profile: file that `seesaw-nas profile` wrote, for a bound in milliseconds.
        accept_spread: take one that was measured under load, too.
        verify: build it, and count it with every counter by others that is installed, too.
        svg: a file to make.

    Raises:
        SeesawError: it cannot be read, or the file exists.
        OSError: the file cannot be written.
    """
    if str(latency_profile) and not budget:
        raise OptionError("--latency-profile is for a budget of latency; add one, such as --budget '4ms latency'")
    found = _read_budget(budget, latency_profile, accept_spread) if budget else None
    named = specfile.resolve(spec)
    if found is not None:
        found.broken(named.architecture)  # a profile without its blocks is told before anything is printed
    if svg is not None:
        _draw(named, svg)
    if not verify:
        return Shown(named, budget=found)
    from seesaw_nas.workflows import verification  # brings torch, which nothing else of this verb needs

    return Shown(named, verification.verify(named.architecture), found)


def _read_budget(written: str, latency_profile: Path | str, accept_spread: bool) -> Budget:
    """A budget without a space, in which Multi-Adds that are not bounded have no costliest."""
    if "%" in written:
        raise BudgetError(f"--budget {written} is a share of what? a network has no space; write an amount like 110M")
    profile = profile_file.read(Path(latency_profile), accept_spread) if str(latency_profile) else None
    return Budget.parse(written, lambda cost: 0, profile)


def _draw(named: Named, path: Path) -> None:
    from seesaw_nas.report.figures import drawing  # brings plotly, which takes a moment, for nothing else of this verb

    if path.suffix.lower() != ".svg":
        raise OptionError(f"a drawing is an SVG file, so its name ends in .svg; got {path}")
    refuse_existing(path)
    replace_file(path, drawing.standalone(named.architecture, named.name).encode())
