"""How much of a network was quantised, and how much of it a runtime computes in int8."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Coverage:
    """Counts of convolutions and matrix products.

    Attributes:
        layers: all of them in the file.
        quantized: those of the file whose weights and inputs have 8 bits.
        executed: those that the runtime computes in 8 bits on the machine at hand.
    """

    layers: int
    quantized: int
    executed: int

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left in float in the file."""
        return self.quantized == self.layers

    @property
    def sentence(self) -> str:
        """The counts in one sentence for people."""
        return (
            f"{self.quantized} of {self.layers} convolutions and matrix products are quantised; on this machine "
            f"{self.executed} are computed in int8."
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)
