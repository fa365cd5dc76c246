"""What a report tells of costs beside Multi-Adds."""

import re
from dataclasses import replace

import pytest
from estimated import SPACE, trials
from profiles import make_profile

from seesaw_nas import report
from seesaw_nas.architecture import cost, memory
from seesaw_nas.core.errors import OptionError
from seesaw_nas.report import Run, all_figures, compare_runs, one_figure
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.search.settings import SearchSettings

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


def run(budget="600K", objectives="front"):
    settings = SearchSettings.of(dataset="digits", epochs=1, objectives=objectives)
    bound = SPACE.budget(budget, PROFILE)
    return Run("r", trials(40), bound, settings, space=SPACE, profile=PROFILE)


def figure(name, *given):
    return one_figure(run(*given), name).figure


def names(*given):
    return [one.name for one in all_figures(run(*given)) if re.fullmatch(r"front(-(?!over).*)?", one.name)]


def page(folder, *given):
    report.write_report(folder / "report.html", run(*given))
    return re.sub("<[^>]*>", " ", (folder / "report.html").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("600K",), ["front"]),
        (("600K, 24KB int8 weights, 28KB memory",), ["front", "front-int8-weights", "front-memory"]),
        (("24KB int8 weights",), ["front", "front-int8-weights"]),
        (("600K", "top1,latency"), ["front", "front-macs"]),
        (("600K, 1ms latency", "top1,latency"), ["front", "front-macs"]),
    ],
)
def test_a_figure_for_each_cost_that_the_budget_names(given, expected):
    assert names(*given) == expected


def test_figure_against_a_cost_has_its_axis_its_points_and_its_budget_line():
    drawn = figure("front-int8-weights", "600K, 24KB int8 weights")
    assert drawn.layout.xaxis.title.text == "int8 weights (KB)"
    assert [(line.name, line.x0) for line in drawn.layout.shapes] == [("budget 24 KB", 24.0)]
    points = drawn.data[0]
    assert sorted(points.x) == sorted(cost.weight_bytes(one.spec, "int8") / 1024 for one in trials(40))
    (line,) = [trace for trace in drawn.data if trace.name.startswith("Pareto front")]
    assert list(line.x) == sorted(line.x)
    assert list(line.y) == sorted(line.y)
    assert {"24 KB", "int8 weights"} <= set(re.findall(r"24 KB|int8 weights", drawn.to_json()))


def test_multi_adds_without_a_bound_have_no_budget_line():
    assert figure("front", "24KB int8 weights").layout.shapes == ()


def test_main_figure_stands_against_the_cost_of_the_objectives():
    drawn = figure("front", "600K", "top1,latency")
    assert drawn.layout.xaxis.title.text == "latency (ms)"
    assert sorted(drawn.data[0].x) == sorted(PROFILE.of(one.spec) / 1_000_000 for one in trials(40))
    assert drawn.layout.shapes == ()  # the budget does not bound it
    over_time = figure("front-over-time", "600K", "top1,latency")
    assert over_time.layout.xaxis.title.text == "latency (ms)"


def test_unknown_figure_lists_those_of_the_costs():
    with pytest.raises(OptionError, match=r"unknown figure 'front-sram', .*known: front, front-memory, "):
        one_figure(run("600K, 28KB memory"), "front-sram")


def test_page_says_what_share_of_each_bound_the_best_uses(tmp_path):
    told = page(tmp_path, "600K, 60KB int8 weights, 40KB memory, 50K params")
    best = run("600K, 60KB int8 weights, 40KB memory, 50K params").best.architecture
    for amount, high in (
        (cost.macs(best), 600_000),
        (cost.params(best), 50_000),
        (cost.weight_bytes(best, "int8"), 60 * 1024),
        (memory.peak_bytes(best, "float32"), 40 * 1024),
    ):
        assert f"{amount / high:.1%} of the budget" in told
    assert "at most 600.0K macs, at most 60 KB int8 weights, at most 40 KB memory, at most 50.0K params." in told


def test_page_of_a_front_against_another_cost_orders_and_names_it(tmp_path):
    told = page(tmp_path, "600K", "top1,int8 weights")
    assert "Accuracy against int8 weights" in told
    assert "Members are numbered from the lowest int8 weights;" in told
    assert re.search(r"the cheapest of them is trial \d+ with [\d,]+ bytes of weights", told)


def test_runs_after_the_same_cost_are_compared_by_it():
    (fronts, *_) = compare_runs([run("600K", "top1,latency"), replace(run("600K", "top1,latency"), name="s")])
    assert fronts.figure.layout.xaxis.title.text == "latency (ms)"
    (fronts, *_) = compare_runs([run(), replace(run(), name="s")])
    assert fronts.figure.layout.xaxis.title.text == "Multi-Adds (M)"
