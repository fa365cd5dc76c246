"""What repeats and the knee add to accuracy against Multi-Adds."""

import pytest
from drawn import block, network, trace, trial

from seesaw_nas import report
from seesaw_nas.search.spread import Spread
from seesaw_nas.space import Budget

ONE, TWO, THREE = (network([block(p, "none")]) for p in ("1", "1:1", "1:3"))
# Scaled to the ends the middle one is at (1/9, 1/2): beyond the line between the ends, so the front bends there.
FRONT = [
    trial(0, 0.5, 1_000_000, architecture=ONE),
    trial(1, 0.9, 2_000_000, architecture=TWO),
    trial(2, 0.95, 3_000_000, architecture=THREE),
]


def figure(records, **more):
    return report.accuracy_against_cost(records, budget=Budget(0, 4_000_000), dataset="digits", **more)


def test_repeats_stand_at_their_mean_with_their_standard_deviation():
    spreads = {TWO.digest: Spread(0.88, 0.01, 3), THREE.digest: Spread(0.87, None, 1), "elsewhere": Spread(0.1, 0.1, 3)}
    shown = figure(FRONT, spreads=spreads)
    again = trace(shown, "trained again: mean, standard deviation (1 to 3 each)")
    assert (list(again.x), list(again.y)) == ([2, 3], pytest.approx([88, 87]))
    assert list(again.error_y.array) == pytest.approx([1, 0])
    assert "88.00% +- 1.00 (3)" in again.hovertext[0]
    assert list(trace(shown, "best").x) == [2]  # of those trained again, by the mean


def test_without_repeats_there_is_nothing_of_them():
    assert not [
        shown for shown in figure(FRONT, spreads={"elsewhere": Spread(0.1, 0.1, 3)}).data if "again" in shown.name
    ]
    assert list(trace(figure(FRONT), "best").x) == [3]


def test_the_knee_is_ringed_where_a_front_can_bend():
    knee = trace(figure(FRONT), "knee of the front")
    assert (list(knee.x), list(knee.y)) == ([2], pytest.approx([90]))
    assert not [shown for shown in figure(FRONT[:2]).data if "knee" in shown.name]
