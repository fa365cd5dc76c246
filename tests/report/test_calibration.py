"""How far estimates are to be trusted: held-out trials against their predictions, and the weights of the signals."""

from dataclasses import replace

import numpy as np
import pytest
from drawn import notes, trace
from estimated import run

from seesaw_nas import report
from seesaw_nas.search.estimates.held_out import HeldOut, predict_held_out
from seesaw_nas.search.records import complete


def on_page(count):
    return {one.name: one for one in report.all_figures(run(count))}


def held_out(count):
    return on_page(count)["calibration"].figure


def test_held_out_trials_are_drawn_with_their_intervals_and_counted():
    figure = held_out(60)
    points = [shown for shown in figure.data if shown.name.startswith(("inside", "outside"))]
    assert sorted(number for shown in points for number in shown.customdata) == list(range(60))
    observed = {t.number: 100 * t.top1 for t in run(60).records}
    for shown in points:
        for number, x, y, up, down in zip(
            shown.customdata, shown.x, shown.y, shown.error_y.array, shown.error_y.arrayminus, strict=True
        ):
            assert x == pytest.approx(observed[number], abs=1e-3)
            assert bool(y - down - 0.01 <= x <= y + up + 0.01) is shown.name.startswith("inside")
    inside = sum(len(shown.x) for shown in points if shown.name.startswith("inside"))
    (text,) = notes(figure)
    assert text.startswith("Of 60 trials held out, ")
    assert f" and {inside} ({inside / 60:.0%}) lie inside their 90% interval." in text
    # Binomial: with a chance of 0.9 fewer than 46 of 60 lie inside once in 1,000 runs; this run is always the same.
    assert inside >= 46
    assert "were used" not in text


def test_the_counted_share_is_worked_out_by_hand():
    found = complete(run(40).records)[:4]
    tops = np.array([trial.top1 for trial in found])
    # 0.5, 0.7, 1.6 and 1.7 deviations off; 50% lie within 0.674 and 90% within 1.645.
    predictions = HeldOut(tuple(found), tops + 0.01 * np.array([0.5, -0.7, 1.6, -1.7]), np.full(4, 0.01), 20, 4, 9)
    figure = report.calibration(predictions)
    (text,) = notes(figure)
    assert "1 (25%) lie inside their 50% interval and 3 (75%) lie inside their 90% interval" in text
    assert "Of 9 trials 4 were used, spread evenly over the search." in text
    assert list(trace(figure, "outside its 90% interval (1)").customdata) == [found[3].number]


def test_no_held_out_trial_is_known_to_its_prediction():
    """Repeats of one architecture are held out with it: else the last one would be predicted by the others."""
    first, *others = run(40).records
    lucky = [replace(first, number=100 + i, top1=0.999, curve=()) for i in range(8)]
    records = [*others, *lucky]
    found = predict_held_out(run(40).standing.estimates, records)
    at = [i for i, trial in enumerate(found.trials) if trial.number >= 100]
    assert len(at) == 8
    assert max(found.mean[at]) < 0.98


def test_with_few_complete_trials_a_sentence_stands_in_its_place():
    figure = held_out(19)
    assert not figure.data
    assert notes(figure) == ["too few complete trials to hold some out: 20 are wanted, got 19"]


def test_beside_trials_that_were_stopped_a_line_says_that_the_others_were_chosen():
    records = run(60).records
    stopped = [replace(record, state="stopped", top1=None) for record in records[40:]]
    (text,) = notes(report.calibration(predict_held_out(run(60).standing.estimates, [*records[:40], *stopped])))
    assert text.startswith("Of 40 trials held out, ")
    assert "Other trials were not trained to their end" in text
    assert "not trained to their end" not in notes(held_out(60))[0]


def test_trials_that_leave_nothing_to_predict_say_so():
    same = [replace(record, architecture=run(40).records[0].architecture) for record in run(40).records]
    found = predict_held_out(run(40).standing.estimates, same)
    assert notes(report.calibration(found)) == [
        "no trial can be held out: all 40 complete ones are of one architecture"
    ]
    equal = [replace(record, top1=0.5, curve=()) for record in run(40).records]
    found = predict_held_out(run(40).standing.estimates, equal)
    assert notes(report.calibration(found)) == ["nothing to predict: the 40 complete trials do not differ in top-1"]


def test_of_many_trials_some_are_held_out_and_that_is_said():
    records = [replace(record, number=i) for i, record in enumerate([*run(60).records] * 6)]
    found = predict_held_out(run(60).standing.estimates, records)
    assert (len(found.trials), found.used, found.usable) == (200, 200, 360)
    assert "Of 360 trials 200 were used" in notes(report.calibration(found))[0]


def test_weights_of_signals_are_bars_by_epoch_that_add_up_to_100():
    shown = on_page(40)["signals"]
    bars = {bar.name: bar for bar in shown.figure.data}
    assert list(bars) == ["top-1", "validation loss", "training loss"]
    assert {tuple(bar.y) for bar in bars.values()} == {("after epoch 1",)}
    weights = [bar.x[0] for bar in bars.values()]
    assert sum(weights) == pytest.approx(100)
    # The noise of the losses is twice that of top-1 on the scale of what they say of the worth.
    assert weights[0] > max(weights[1:])
    assert "Choices explain " in shown.text
    assert "of what 40 trials differ by" in shown.text
