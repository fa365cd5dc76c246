"""What a report tells of costs beside Multi-Adds."""

import pytest
from estimated import SPACE, trials

from seesaw_nas import report
from seesaw_nas.architecture import cost, memory
from seesaw_nas.search.records import TrialRecord
from tests.profiles import make_profile

PROFILE = make_profile(SPACE)
SEVERAL = "600K, 24KB int8 weights, 28KB memory, 1ms latency"
COLUMNS = ["params", "weights_bytes", "int8_weights_bytes", "memory_bytes", "int8_memory_bytes"]


def table(budget="600K", profile=None, told=None):
    return report.front_frame(trials(12), budget=SPACE.budget(budget, told or profile), profile=profile)


def member(row):
    return next(one for one in trials(12) if one.number == row["trial"]).spec


def test_table_of_the_front_has_every_cost_that_is_arithmetic():
    found = table()
    at = list(found.columns).index("macs")
    assert list(found.columns)[at + 1 : at + 7] == [*COLUMNS, "top1"]
    for _, row in found.iterrows():
        network = member(row)
        assert row["params"] == cost.params(network)
        assert row["weights_bytes"] == cost.weight_bytes(network, "float32")
        assert row["int8_weights_bytes"] == cost.weight_bytes(network, "int8")
        assert row["memory_bytes"] == memory.peak_bytes(network, "float32") == 4 * row["int8_memory_bytes"]


@pytest.mark.parametrize("profile", [PROFILE, None])
def test_latency_is_there_in_milliseconds_with_a_profile_or_a_bound(profile):
    found = table(SEVERAL, profile, PROFILE)
    assert [row["latency_ms"] for _, row in found.iterrows()] == [
        PROFILE.of(member(row)) / 1_000_000 for _, row in found.iterrows()
    ]
    assert "latency_ms" not in table()


def test_each_bound_has_its_share():
    first = table(SEVERAL, PROFILE).iloc[0]
    assert first["budget_share"] == first["macs"] / 600_000
    assert first["int8_weights_share"] == first["int8_weights_bytes"] / (24 * 1024)
    assert first["memory_share"] == first["memory_bytes"] / (28 * 1024)
    assert first["latency_share"] == pytest.approx(first["latency_ms"])


def test_share_of_multi_adds_is_missing_where_they_are_not_bounded():
    assert table("24KB int8 weights")["budget_share"].isna().all()


def test_empty_table_keeps_its_columns():
    none: list[TrialRecord] = []
    assert {*COLUMNS, "memory_share"} <= {*report.front_frame(none, budget=SPACE.budget("600K, 28KB memory")).columns}
