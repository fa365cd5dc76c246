"""The front as estimates: intervals, observed points behind, ties with the best."""

import plotly.graph_objects as go
import pytest
from drawn import trace
from estimated import BUDGET, run

from seesaw_nas import report
from seesaw_nas.report.figures.intervals import add_intervals


def front(count=40, **chosen):
    shown = run(count, **chosen)
    return report.accuracy_against_cost(shown.records, budget=BUDGET, dataset="digits", standing=shown.standing)


def ends(bars):
    """Of each bar the lower and the upper end; a gap follows each."""
    assert all(gap is None for gap in bars.y[2::3])
    return list(zip(bars.y[0::3], bars.y[1::3], strict=True))


def test_the_front_stands_at_its_estimates_with_bars_of_one_and_two_standard_deviations():
    figure, standing = front(), run(40).standing
    known = [standing.figures(trial) for trial in standing.front()]
    line = trace(figure, f"Pareto front ({len(known)}), estimated")
    assert list(line.y) == pytest.approx([100 * one.estimate for one in known])
    for name, count in (("one standard deviation", 1), ("two standard deviations", 2)):
        expected = [100 * (one.estimate + sign * count * one.estimate_sd) for one in known for sign in (-1, 1)]
        assert [end for pair in ends(trace(figure, name)) for end in pair] == pytest.approx(expected)
    assert trace(figure, "one standard deviation").line.width > trace(figure, "two standard deviations").line.width
    text = line.hovertext[0].split("<br>")[3]
    assert text.startswith(f"estimated {known[0].estimate:.2%} +- {100 * known[0].estimate_sd:.2f}, chance of being")


def test_bars_end_at_0_and_100_percent():
    class Sure:
        members = run(40).standing.members
        by = "estimate"

        def figures(self, trial):
            return type("Figures", (), {"estimate": 0.5, "estimate_sd": 5.0})

    figure = go.Figure()
    add_intervals(figure, Sure())
    assert set(ends(trace(figure, "one standard deviation"))) == {(0, 100)}


def test_observed_points_are_rings_behind_the_estimates():
    shown = front()
    seen = trace(shown, "trained trials (40), as observed")
    assert list(seen.y) == pytest.approx([100 * trial.top1 for trial in run(40).records])
    assert seen.marker.symbol == "circle-open"
    assert seen.marker.opacity > 0.5  # they can be seen
    assert shown.data[0] is seen


def test_who_ties_with_the_best_is_ringed_and_the_cheapest_is_named():
    standing = run(40).standing
    assert len(standing.ties) > 1
    rings = trace(
        front(), f"ties with the best ({len(standing.ties)}), the cheapest is trial {standing.cheapest_tie.number}"
    )
    assert rings.marker.symbol == "circle-open"
    assert set(rings.x) == {trial.macs / 1e6 for trial in standing.ties}
    assert rings.hovertext[0].startswith(f"<b>trial {standing.ties[0].number}</b>, estimated ")


def test_ranked_by_what_was_observed_the_picture_has_no_intervals():
    names = [shown.name for shown in front(rank="observed").data]
    assert names[0] == "trained trials (40)"
    assert names[1].startswith("Pareto front (")
    assert not [name for name in names if "estimated" in name or "deviation" in name or "ties" in name]
    assert trace(front(rank="observed"), names[0]).marker.symbol is None


def test_few_trials_rank_by_what_was_observed_with_bars_about_what_is_estimated():
    figure, standing = front(5), run(5).standing
    assert standing.by == "observed"
    line = trace(figure, f"Pareto front ({len(standing.members)})")
    assert list(line.y) == pytest.approx([100 * trial.top1 for trial in standing.front()])
    known = [standing.figures(trial) for trial in standing.front()]
    middles = [sum(pair) / 2 for pair in ends(trace(figure, "one standard deviation of the estimate"))]
    assert middles == pytest.approx([100 * one.estimate for one in known])


def test_points_are_coloured_by_how_uneven_their_groups_are():
    shown = front().data[0]
    share = [at.block.partition.unevenness for at in run(40).records[0].architecture.canonical.placed]
    assert shown.marker.color[0] == pytest.approx(sum(share) / len(share), abs=1e-4)
    assert shown.marker.colorbar.title.text == "unevenness"
    assert f"unevenness {sum(share) / len(share):.2f}" in shown.hovertext[0]


def test_pictures_of_observed_figures_say_so_beside_a_front_of_estimates():
    def texts(**chosen):
        shown = {one.name: one.text for one in report.all_figures(run(40, **chosen))}
        return shown["front-over-time"], shown["progress"]

    assert texts() == ("By observed top-1.",) * 2
    assert texts(rank="observed") == ("",) * 2
