"""The two ceilings of the device, and the images a second that follow from them for the network."""

from __future__ import annotations

import torch

from gpu_parts.results import Deadline, Results
from gpu_parts.setting import Setting
from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Architecture

EACH_OPERATOR = "training, a kernel an operator"


def outputs(architecture: Architecture) -> int:
    """Values that the convolutions put out for one image."""
    stem = architecture.stem.channels * (architecture.input_size // architecture.stem.stride) ** 2
    blocks = sum(at.inner * (at.size_in**2 + at.size_out**2) + at.c_out * at.size_out**2 for at in architecture.placed)
    return stem + blocks + architecture.head.channels * architecture.placed[-1].size_out ** 2


def ceilings(architecture: Architecture, bandwidth: float, rate: float) -> dict[str, float]:
    """Images a second that bfloat16 cannot exceed.

    A training with a kernel for each operator moves every output 14 times: written by the convolution, read twice and
    written by the norm and its ReLU6, read by the next convolution; about twice that on the way back. Were all that can
    be fused fused, it would be 6 times.

    Args:
        bandwidth: bytes a second.
        rate: floating point operations a second, two a multiply-add; a training takes three times a forward pass.
    """
    values = outputs(architecture)
    return {
        EACH_OPERATOR: bandwidth / (2 * 14 * values),
        "training, all fused": bandwidth / (2 * 6 * values),
        "training, arithmetic": rate / (3 * 2 * cost.macs(architecture)),
        "inference, every value moved twice": bandwidth / (2 * 2 * values),
    }


def measure(setting: Setting, results: Results, deadline: Deadline) -> None:
    """Bandwidth by a copy of 4 GiB, arithmetic by a product of 8,192 rows and columns in bfloat16."""
    n, side = (1 << 20, 256) if setting.smoke else (1 << 30, 8192)
    bandwidth, rate = _bandwidth(setting, n), _rate(setting, side)
    found = ceilings(setting.architecture, bandwidth, rate)
    results.keep("limits", "bandwidth_GB_per_second", bandwidth / 1e9)
    results.keep("limits", "bfloat16_TFLOP_per_second", rate / 1e12)
    results.keep(
        "limits",
        "images_per_second",
        found,
        f"{bandwidth / 1e12:.2f} TB/s, {rate / 1e12:.0f} TFLOP/s in bfloat16; training at most "
        f"{found[EACH_OPERATOR]:,.0f} images/s with a kernel an operator, {found['training, all fused']:,.0f} fused",
    )


def _bandwidth(setting: Setting, n: int) -> float:
    source = torch.ones(n, dtype=torch.int32, device=setting.device)
    target = torch.empty_like(source)
    return 2 * 4 * n / setting.seconds_of(lambda: target.copy_(source), 3, 10)


def _rate(setting: Setting, side: int) -> float:
    a, b = (torch.ones(side, side, device=setting.device, dtype=torch.bfloat16) for _ in range(2))
    return 2 * side**3 / setting.seconds_of(lambda: a @ b, 3, 10)
