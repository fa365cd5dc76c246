"""Inference, as the verb ``latency`` times it: the network as it is trained, folded, and compiled."""

from __future__ import annotations

from dataclasses import asdict

from gpu_parts.results import Deadline, Results
from gpu_parts.setting import Setting
from seesaw_nas.deploy import latency
from seesaw_nas.deploy.latency import LatencySettings

SHORTEST = 12.0  # seconds that a call needs to say anything
CALLS = (  # precision, backends, batches
    ("bfloat16", ("eager", "fused"), (1, 64, 1024)),
    ("float32", ("eager", "fused"), (1, 64, 1024)),
    ("bfloat16", ("fused", "compiled"), (64,)),
)


def measure(setting: Setting, results: Results, deadline: Deadline) -> None:
    """Images a second of each precision, backend and batch, and how far the outputs are from those of the CPU."""
    for precision, backends, batches in (("float32", ("eager", "fused"), (2,)),) if setting.smoke else CALLS:
        if deadline.left < SHORTEST:
            return
        seconds = 0.01 if setting.smoke else 0.3
        device = str(setting.device)
        settings = LatencySettings(
            batches=batches, backends=backends, device=device, precision=precision, seconds=seconds
        )
        for row in latency.measure(setting.architecture, settings):
            key, rate = f"{precision}, {row.backend}, batch {row.batch}", row.images_per_second
            told = f"{rate:,.0f} images/s, off by {row.difference:.1g}" if rate else row.reason
            results.keep("deployed", key, asdict(row) | {"images_per_second": rate}, f"{key}: {told}")
