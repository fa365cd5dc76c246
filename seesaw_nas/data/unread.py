"""What of a data set's folder is not read: how much it is, and its names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Files and folders of a data set that are not read.

    Attributes:
        count: how many; a folder counts as one.
        names: of the first hundred, from the folder of the data set on; those of folders end in a slash.
    """

    count: int = 0
    names: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """How many, and the first three by name; empty for none."""
        if not self.count:
            return ""
        return f"{self.count:,} passed over: {', '.join(self.names[:3])}" + (", ..." if self.count > 3 else "")


NOTHING = PassedOver()
