"""Settings of a latency profile: whose networks are timed, and how they are called."""

from __future__ import annotations

from dataclasses import dataclass

from seesaw_nas.core import options
from seesaw_nas.core.conditions import cores
from seesaw_nas.core.options import option
from seesaw_nas.deploy.runtimes import RUNTIMES

LEAST_NETWORKS, MOST_NETWORKS = 20, 10_000
PROFILE_BACKENDS = {name: f"the network that is exported for {title}" for name, title in RUNTIMES.items()}


def _check_threads(threads: int) -> str:
    """What is wrong with a number of threads: more than there are cores."""
    return f"{threads} is more than the {cores()} cores that this process may use" if threads > cores() else ""


@dataclass(frozen=True, slots=True)
class ProfileSettings:
    """The settings of a profile; images and classes are those of the space unless they are given."""

    backend: str = option(
        f"Backend that runs the networks: {', '.join(PROFILE_BACKENDS)}.",
        default="onnxruntime",
        choices=PROFILE_BACKENDS,
    )
    threads: int = option("CPU threads of a call.", default=1, least=1, check=_check_threads)
    batch: int = option("Images in each call.", default=1, least=1, most=65_536)
    resolution: int = option("Side of an image in pixels; 0 for the space's own.", default=0, least=0, most=4096)
    channels: int = option("Channels of an image; 0 for the space's own.", default=0, least=0, most=1024)
    classes: int = option("Classes of the classifier; 0 for the space's own.", default=0, least=0, most=2**20)
    networks: int = option("Random networks to time.", default=150, least=LEAST_NETWORKS, most=MOST_NETWORKS)
    seed: int = option("Seed for the networks that are drawn, their weights and the images.", default=0, least=0)

    def __post_init__(self) -> None:
        options.check(self)
