"""Ranks by epoch."""

import pytest
from drawn import notes, trace, trial

from seesaw_nas import report

# Twelve trials; after epoch 1 the last two stand in the wrong order: 65 of 66 pairs agree.
FINAL = [0.50 + i / 100 for i in range(12)]
EARLY = [*(0.20 + i / 100 for i in range(10)), 0.40, 0.39]
TWELVE = [trial(i, FINAL[i], 1000 + i, curve=[EARLY[i], FINAL[i]]) for i in range(12)]


def test_tau_of_each_epoch_with_the_end():
    shown = trace(report.rank_correlation(TWELVE), "all trials (12)")
    assert list(shown.x) == [1, 2]
    assert list(shown.y) == pytest.approx([64 / 66, 1])
    assert all(0 <= below <= 2 for below in shown.error_y.arrayminus)


def test_ranks_say_their_units_and_conditions():
    figure = report.rank_correlation(TWELVE)
    assert figure.layout.xaxis.title.text == "epoch"
    assert figure.layout.yaxis.title.text == "Kendall's tau with the final top-1"
    assert notes(figure) == ["Of trials trained to their end; 95% intervals (jackknife)."]


def test_bands_take_away_what_multi_adds_alone_explain():
    # Top-1 rises from band to band; within each, the end is the reverse of the first epoch.
    records = [
        trial(i, macs / 10000 + (10 - k) / 1000, macs, curve=[macs / 10000 + k / 1000])
        for i, (macs, k) in enumerate((macs, k) for macs in (1000, 2000, 3000) for k in range(10))
    ]
    figure = report.rank_correlation(records)
    for name in ("1.0K to 1.0K (10)", "2.0K to 2.0K (10)", "3.0K to 3.0K (10)"):
        assert list(trace(figure, name).y) == pytest.approx([-1])
    # Over all 435 pairs: 300 between bands agree, 135 within them contradict.
    assert list(trace(figure, "all trials (30)").y) == pytest.approx([165 / 435])


def test_trials_of_equal_cost_make_no_bands():
    assert [
        shown.name
        for shown in report.rank_correlation([trial(i, FINAL[i], 7, curve=[EARLY[i]]) for i in range(12)]).data
    ] == ["all trials (12)"]


def test_only_as_many_epochs_are_drawn_as_can_be_read():
    long = [trial(i, FINAL[i], 7, curve=[FINAL[i]] * 300) for i in range(12)]
    x = list(report.rank_correlation(long).data[0].x)
    assert (len(x), x[0], x[-1]) == (12, 1, 300)


def test_ranks_of_too_few_or_equal_trials_say_so():
    assert notes(report.rank_correlation(TWELVE[:9])) == [
        "too few trials for ranks: 10 with an accuracy by epoch are wanted, got 9"
    ]
    equal = [trial(i, 0.5, 7, curve=[0.5, None]) for i in range(12)]
    assert notes(report.rank_correlation(equal)) == ["no ranks: the trials do not differ in top-1"]
    for none in ([], [trial(0, None, state="failed")] * 20):
        assert "got 0" in notes(report.rank_correlation(none))[0]
