"""Fronts and progress: every value worked out by hand."""

import pytest
from drawn import notes, trace, trial

from seesaw_nas import report
from seesaw_nas.core.errors import OptionError

# Of a budget of 100: the first dominates 0.5 * 0.5 = 0.25. The second adds (0.8 - 0.5) * 0.2 = 0.06. The third is
# dominated by the first, the fourth failed. The fifth adds 0.5 * 0.25 = 0.125, since the first has its top-1 at 50.
RUN = [
    trial(0, 0.5, 50, curve=[0.5] * 3, seconds=10.0),
    trial(1, 0.8, 80, curve=[0.8] * 3, seconds=20.0),
    trial(2, 0.4, 60, curve=[0.4] * 3, seconds=5.0),
    trial(3, None, 60, "failed", curve=[0.1], seconds=2.0),
    trial(4, 0.5, 25, curve=[0.5] * 3, seconds=3.0),
    trial(5, None, 60, "infeasible"),
    trial(6, 0.5, 25, "duplicate"),
    trial(7, None, 60, "running"),
]
WORTH = [0.25, 0.31, 0.435]


def curves(runs, **more):
    return report.progress_curves(runs, budget_high=100, **more)


@pytest.mark.parametrize(
    ("against", "spent", "told"),
    [
        ("trials", [1, 2, 5], "trials that were trained"),
        ("epochs", [3, 6, 13], "epochs trained, of all trials together"),
        ("seconds", [10, 30, 40], "seconds of training, of all workers together"),
    ],
)
def test_hypervolume_rises_where_the_front_does_against_what_was_spent(against, spent, told):
    figure = curves({"ours": [RUN]}, against=against)
    shown = trace(figure, "ours")
    assert list(shown.x) == spent
    assert list(shown.y) == pytest.approx(WORTH)
    assert shown.line.shape == "hv"
    assert figure.layout.xaxis.title.text == told
    assert figure.layout.yaxis.title.text == "hypervolume"


def test_best_so_far_in_percent_reaches_to_the_end_of_the_run():
    shown = trace(curves({"ours": [RUN]}, value="top1"), "ours")
    assert (list(shown.x), list(shown.y)) == ([1, 2, 5], pytest.approx([50, 80, 80]))


def test_trials_count_as_they_end_and_not_as_they_were_proposed():
    late = [trial(0, 0.9, 50, started=1.0, ended=9.0), trial(1, 0.5, 50, started=2.0, ended=3.0)]
    shown = trace(curves({"ours": [late]}, value="top1"), "ours")
    assert (list(shown.x), list(shown.y)) == ([1, 2], pytest.approx([50, 90]))


def test_several_runs_are_their_median_between_their_quartiles_as_far_as_the_shortest():
    runs = [[trial(0, first, 50), trial(1, second, 50)] for first, second in ((0.1, 0.2), (0.2, 0.6), (0.6, 0.7))]
    runs[2].append(trial(2, 0.9, 50))
    figure = curves({"a<b": runs, "none": [[]]}, value="top1")
    shown = trace(figure, "a&lt;b (3 runs)")
    assert (list(shown.x), list(shown.y)) == ([1, 2], pytest.approx([20, 60]))
    # Quartiles of three values lie halfway between neighbours.
    assert list(trace(figure, "a&lt;b, lower quartile").y) == pytest.approx([15, 40])
    assert list(trace(figure, "a&lt;b, upper quartile").y) == pytest.approx([40, 65])
    assert len(figure.data) == 3
    assert notes(figure) == ["Of 3 runs or more the median, in a band between the quartiles; of two, a line each."]


def test_two_runs_are_a_line_each_under_one_name():
    figure = curves({"ours": [RUN, RUN[:1]]}, value="top1")
    assert [(shown.name, shown.showlegend, shown.fill) for shown in figure.data] == [
        ("ours (2 runs)", True, None),
        ("ours (2 runs)", False, None),
    ]
    assert [list(shown.y) for shown in figure.data] == [pytest.approx([50, 80, 80]), pytest.approx([50])]


def test_names_differ_in_dash_as_well_as_colour():
    figure = curves({str(i): [RUN] for i in range(6)})
    assert len({shown.line.color for shown in figure.data}) == len({shown.line.dash for shown in figure.data}) == 6


@pytest.mark.parametrize("runs", [{}, {"ours": []}, {"ours": [[]]}, {"ours": [RUN[3:4], RUN[5:]]}])
def test_progress_without_a_trained_trial_says_so(runs):
    assert notes(curves(runs)) == ["no trial has a result"]


def test_progress_of_a_single_trial_is_a_point():
    shown = trace(curves({"ours": [RUN[:1]]}), "ours")
    assert (list(shown.x), list(shown.y)) == ([1], [0.25])


def test_unknown_values_and_costs_are_refused():
    with pytest.raises(OptionError, match=r"unknown value 'macs' \(known: hypervolume, top1\)"):
        curves({"ours": [RUN]}, value="macs")
    with pytest.raises(OptionError, match=r"unknown measure of cost 'days' \(known: trials, epochs, seconds\)"):
        curves({"ours": [RUN]}, against="days")


def test_fronts_grow_by_quarters_of_the_trained_trials():
    done = [trial(i, 0.5 + i / 100, 1_000_000 * (i + 1)) for i in range(8)]
    figure = report.front_over_time([*done, *RUN[3:4], *RUN[5:]])
    assert [shown.name for shown in figure.data] == ["trained trials (8)"] + [
        f"front of the first {end}" for end in (2, 4, 6, 8)
    ]
    assert list(trace(figure, "front of the first 4").x) == [1, 2, 3, 4]
    assert list(trace(figure, "front of the first 4").y) == pytest.approx([50, 51, 52, 53])
    assert len({shown.line.dash for shown in figure.data[1:]}) == 4
    assert figure.layout.xaxis.title.text == "Multi-Adds (M)"
    assert figure.layout.yaxis.title.text == "validation top-1 (%)"


def test_fronts_of_one_trial_are_one_front_and_of_none_a_sentence():
    assert [shown.name for shown in report.front_over_time(RUN[:1]).data] == [
        "trained trials (1)",
        "front of the first 1",
    ]
    assert notes(report.front_over_time(RUN[5:])) == ["no trial has a result"]
