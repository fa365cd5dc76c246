"""An architecture to look at. Loads without torch, which only the cross-check needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from seesaw_nas.architecture import specfile
from seesaw_nas.architecture.specfile import Named

if TYPE_CHECKING:
    from seesaw_nas.network.witness import Verification


@dataclass(frozen=True, slots=True)
class Shown:
    """An architecture, and what others count of it; ``None`` where they were not asked."""

    named: Named
    verification: Verification | None = None


def show(spec: str, *, verify: bool = False) -> Shown:
    """Read an architecture.

    Args:
        spec: a spec file, a run's folder or MODEL@SETTING.
        verify: build it, and count it with fvcore and thop, too.

    Raises:
        SeesawError: it cannot be read.
    """
    named = specfile.resolve(spec)
    if not verify:
        return Shown(named)
    from seesaw_nas.network import witness

    return Shown(named, witness.verify(named.architecture))
