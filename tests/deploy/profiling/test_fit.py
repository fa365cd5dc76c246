"""Times fitted to whole networks: a machine made up for the test, whose times of blocks are known."""

import math

import numpy as np
import pytest
from open_spaces import OPEN

from seesaw_nas.core.errors import ProfileError
from seesaw_nas.deploy.profiling.assemble import fit_profile
from seesaw_nas.deploy.profiling.fit import Closeness, check_line
from seesaw_nas.deploy.profiling.networks import draw
from seesaw_nas.deploy.profiling.times import NetworkTimes, TimedNetwork
from seesaw_nas.deploy.profiling.work import NetworkParts
from seesaw_nas.space import load

DIGITS = load("seesaw-digits")


def take(network) -> float:
    """Seconds on the machine: a call, starts of operators, and products, eight times as long in depthwise ones.

    Uneven groups save nothing, as in a runtime that computes narrow groups as one dense product.
    """
    seconds = 30e-6
    for at in network.placed:
        pointwise = at.inner * (at.c_in * at.size_in**2 + at.c_out * at.size_out**2)
        depthwise = at.inner * at.block.kernel**2 * at.size_out**2
        seconds += 3e-6 + 1e-10 * pointwise + 8e-10 * depthwise
    return seconds


def timed(networks, noise=0.0, seed=0) -> NetworkTimes:
    rng = np.random.default_rng(seed)
    entries = []
    for network in networks:
        calls = take(network) * (1 + noise * rng.standard_normal(5))
        entries.append(TimedNetwork(network, tuple(calls.tolist())))
    return NetworkTimes("onnxruntime", 1, 1, {"processor": "made up"}, tuple(entries))


@pytest.fixture(scope="module")
def networks():
    return draw(DIGITS, 120, seed=3)


@pytest.fixture(scope="module")
def fitted(networks):
    return fit_profile(DIGITS, timed(networks[:80], noise=0.01))


def test_sums_over_blocks_agree_with_networks_that_were_not_timed(fitted, networks):
    predicted = np.array([fitted.profile.of(network) / 1e9 for network in networks[80:]])
    measured = np.array([take(network) for network in networks[80:]])
    assert np.abs(predicted / measured - 1).max() < 0.1
    closeness = Closeness.of(predicted, measured)
    assert closeness.error < 0.03
    assert closeness.rank_correlation > 0.9


def test_the_error_that_is_told_is_of_networks_left_out(fitted):
    conditions = fitted.profile.conditions
    assert conditions.networks == 80
    assert 0.001 < conditions.error < 0.03
    assert conditions.error == round(fitted.closeness.error, 4)
    assert fitted.closeness.error < fitted.macs_closeness.error


def test_every_block_of_the_space_has_a_time(fitted):
    fitted.profile.check(DIGITS)
    times = [time for row in fitted.profile.blocks.values() for time in row.values()]
    assert min(times) >= 1


def test_blocks_that_are_exported_alike_take_alike(fitted):
    slot = DIGITS.slots(0)[0]
    blocks = {str(block): fitted.profile.block(slot, block) for block in DIGITS.options(slot)}
    dense, uneven = (next(name for name in blocks if f"k3 {part} " in name) for part in ("1", "1:3"))
    assert blocks[dense] == blocks[uneven], "16 channels in uneven groups are computed as one dense product"


def test_an_unsteady_network_adds_its_spread(networks):
    assert timed(networks[:20], noise=0.0).spread == 0
    assert 0.05 < timed(networks[:20], noise=0.1).spread < 0.3


def test_networks_of_another_space_are_refused(networks):
    with pytest.raises(ProfileError, match="timed network 1 is not of space 'seesaw-cifar': input, classes"):
        fit_profile(load("seesaw-cifar"), timed(networks[:20]))


def test_too_few_networks_are_refused(networks):
    with pytest.raises(ProfileError, match="at least 10 timed networks are wanted, got 9; time more"):
        fit_profile(DIGITS, timed(networks[:9]))


def test_a_space_of_optional_stages_and_heads_gets_a_time_for_each_outline():
    fitted = fit_profile(OPEN, timed(draw(OPEN, 60, seed=0)))
    fitted.profile.check(OPEN)
    assert (
        fit_profile(OPEN, timed(draw(OPEN, 60, seed=0))).profile == fitted.profile
    )  # the same times, the same profile
    assert len(fitted.profile.heads) > 2


def test_parts_of_a_space_are_those_of_its_networks():
    parts = NetworkParts()
    parts.add_space(OPEN)
    count = len(parts.numbers)
    for network in draw(OPEN, 10, seed=0):
        assert len(parts.of(network)) == 2 + len(network.placed)
    assert len(parts.numbers) == count


def test_a_line_of_multi_adds_finds_times_that_are_one():
    macs = np.linspace(1e6, 9e6, 40)
    closeness = check_line(macs, 1e-4 + 1e-10 * macs)
    assert closeness.error < 1e-6
    assert math.isclose(closeness.rank_correlation, 1)
