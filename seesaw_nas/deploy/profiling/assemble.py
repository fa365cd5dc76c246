"""Makes a latency profile of a space from networks that were timed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Block
from seesaw_nas.core.errors import ProfileError
from seesaw_nas.deploy.profiling.fit import Closeness, FittedTimes, PartFit, check_line
from seesaw_nas.deploy.profiling.times import NetworkTimes
from seesaw_nas.deploy.profiling.work import NetworkParts
from seesaw_nas.space import Space
from seesaw_nas.space.profile import LatencyProfile, Place, ProfileConditions

LEAST_NETWORKS = 10  # to fit anything to


@dataclass(frozen=True, slots=True)
class FittedProfile:
    """A profile and how well it predicts networks that were left out.

    Attributes:
        closeness: of the profile's times.
        macs_closeness: of Multi-Adds times a constant plus another, fitted to the same networks.
    """

    profile: LatencyProfile
    closeness: Closeness
    macs_closeness: Closeness


def fit_profile(space: Space, times: NetworkTimes, seed: int = 0) -> FittedProfile:
    """The profile of a space from the times of its networks.

    Raises:
        ProfileError: the networks are of another space, or too few.
    """
    networks = [entry.architecture for entry in times.networks]
    for number, network in enumerate(networks):
        if objection := space.objection(network):
            raise ProfileError(f"timed network {number + 1} is not of space '{space.name}': {objection}")
    if len(networks) < LEAST_NETWORKS:
        raise ProfileError(f"at least {LEAST_NETWORKS} timed networks are wanted, got {len(networks)}; time more")
    parts = NetworkParts()
    rows = [parts.of(network) for network in networks]
    parts.add_space(space)
    fit, seconds = PartFit(parts, rows), np.array([entry.seconds for entry in times.networks])
    closeness = fit.check(seconds, seed)
    conditions = ProfileConditions(
        times.backend,
        times.threads,
        times.batch,
        space.input_channels,
        space.input_size,
        space.classes,
        round(times.spread, 4),
        len(networks),
        round(closeness.error, 4),
        round(closeness.rank_correlation, 4),
        times.machine,
    )
    profile = _profile(conditions, fit.times(seconds))
    profile.check(space)
    macs = np.array([float(cost.macs(network)) for network in networks])
    return FittedProfile(profile, closeness, check_line(macs, seconds, seed))


def _profile(conditions: ProfileConditions, fitted: FittedTimes) -> LatencyProfile:
    ends: dict[str, dict[Place, int]] = {"stem": {}, "head": {}}
    blocks: dict[Place, dict[Block, int]] = {}
    for part, seconds in fitted.parts.items():
        time = max(1, round(1e9 * seconds))
        if part.block is None:
            ends[part.kind][part.place] = time
        else:
            blocks.setdefault(part.place, {})[part.block] = time
    return LatencyProfile(conditions, round(1e9 * fitted.constant), ends["stem"], ends["head"], blocks)
