"""What one step may ask of a GPU: operators, sorted scatters, waits and copies.

A network of this size spends its time on launches, so each operator counts, however small its tensors.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import pretend_gpu
import pytest
from pretend_gpu.log import TITLES, Count

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not pretend_gpu.installed(), reason="needs the pretended GPU, which counts"),
]


@dataclass(frozen=True)
class Budget:
    """The most of each kind in a step of batch 4.

    Attributes:
        operators: that compute, each at least one kernel.
        scatters: done by sorting an index.
        waits: of the host for the device.
        to_device: copies out of the host's memory.
    """

    operators: int
    scatters: int
    waits: int
    to_device: int


# Lower a limit when a step becomes lighter. A training step of every recipe keeps to 300 operators (mixup is none of
# them); a score waits for its result.
LIMITS = {
    "quick": Budget(296, 0, 0, 1),
    "paper": Budget(298, 0, 0, 1),
    "modern": Budget(300, 0, 0, 1),
    "mixup": Budget(312, 0, 0, 1),
    "graphs": Budget(15, 0, 0, 1),
    "supernet-digits": Budget(102, 0, 0, 4),
    "supernet-cifar": Budget(168, 0, 0, 10),
    "supernet-sandwich": Budget(593, 0, 0, 22),
    "score-digits": Budget(158, 0, 1, 6),
}


@cache
def count(name: str) -> Count:
    from pretend_gpu.steps import count_step

    return count_step(name)


@pytest.mark.parametrize("kind", ["operators", "scatters", "waits", "to_device"])
@pytest.mark.parametrize("name", LIMITS)
def test_a_step_keeps_to_its_budget(name, kind):
    found, limit = count(name).total(kind), getattr(LIMITS[name], kind)
    assert found <= limit, "\n".join(
        [
            f"a step of '{name}' has {found:,} {TITLES[kind]}, at most {limit:,} are allowed:",
            *count(name).rows(kind, 20),
        ]
    )


TRAINING = ["quick", "paper", "modern", "mixup", "graphs"]
SUPERNETS = [name for name in LIMITS if name.startswith("supernet")]


@pytest.mark.parametrize("name", [*TRAINING, *SUPERNETS])
def test_no_training_waits_for_the_device(name):
    assert count(name).total("waits") == 0, "\n".join(count(name).rows("waits", 20))
