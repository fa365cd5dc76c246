"""What a reader of the report meets: the points, the lines, the counts, and a page that needs no network."""

import csv
import math

import pandas as pd
import pytest

from seesaw_nas import report
from seesaw_nas.architecture.reference import network
from seesaw_nas.core.errors import OptionError, RunError
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.space import Budget
from seesaw_nas.training.epoch import Epoch

BUDGET = Budget(0, 110_000_000)
BAND = Budget(90_000_000, 110_000_000)


def trial(number, name, macs, params, top1=None, state="complete", **more):
    return TrialRecord(number, state, network(name), macs, params, top1, seed=10 + number, seconds=61.2, **more)


# Networks of the paper with their exact counts; every accuracy here is made up. On the front: 0, 3 and 4. Trial 1 has
# more Multi-Adds than 0 and is worse, 7 costs what 4 costs and is worse, 6 repeats 3.
RECORDS = [
    trial(0, "igcv3-0.5d@cifar10-tiny", 51_177_984, 1_379_722, 0.50),
    trial(1, "seesaw-share-v1-0.5d@cifar10-tiny", 58_489_344, 1_459_834, 0.48),
    trial(2, "igcv3-0.5d@cifar10", 100_348_416, 1_379_722, state="failed", reason="loss <NaN> & stopped"),
    trial(3, "igcv3-0.5d@cifar10", 100_348_416, 1_379_722, 0.61, curve=(Epoch(1, 2.1, 1.9, 0.61, 61.2),)),
    trial(4, "seesaw-shuffle-0.5d@cifar10", 108_212_736, 1_459_834, 0.64),
    trial(5, "seesaw-shuffle-1.0d@cifar10", 181_105_152, 2_375_994, state="infeasible", reason="above 110.0M"),
    trial(6, "igcv3-0.5d@cifar10", 100_348_416, 1_379_722, 0.61, state="duplicate", reason="as trial 3"),
    trial(7, "seesaw-share-v1-0.5d@cifar10", 108_212_736, 1_459_834, 0.63),
    TrialRecord(8, "running"),
]
NOT_TRAINED = [record for record in RECORDS if record.state in ("failed", "infeasible")]
FRONT_X, FRONT_Y = [51.177984, 100.348416, 108.212736], [50.0, 61.0, 64.0]
SHUFFLE_STAGES = [
    "c16 s1: t1 k3 1:3 shuffle",
    "c24 s1: 2 x t6 k3 1:3 shuffle",
    "c32 s2: 3 x t6 k3 1:3 shuffle",
    "c64 s2: 4 x t6 k3 1:3 shuffle",
    "c96 s1: 3 x t6 k3 1:3 shuffle",
    "c160 s1: t6 k3 1:3 shuffle, 2 x t6 k3 1:1 shuffle",  # even from the second block of 160 on
    "c320 s1: t6 k3 1:1 shuffle",
]


def figure(records=RECORDS, budget=BUDGET, dataset="cifar10", **more):
    return report.accuracy_against_cost(records, budget=budget, dataset=dataset, beside_published=True, **more)


def trace(shown, name):
    (found,) = [t for t in shown.data if t.name and t.name.startswith(name)]
    return found


# --- tables


def test_frame_has_a_row_a_trial_and_leaves_missing_what_is_missing():
    table = report.frame(RECORDS)
    assert list(table["number"]) == list(range(9))
    assert list(table["state"])[-4:] == ["infeasible", "duplicate", "complete", "running"]
    assert table.loc[3, ["macs", "params", "top1", "seed", "seconds", "epochs"]].tolist() == [
        100_348_416, 1_379_722, 0.61, 13, 61.2, 1,
    ]  # fmt: skip
    assert pd.isna(table.loc[8, "macs"])
    assert math.isnan(table.loc[2, "top1"])
    assert table.loc[2, "reason"] == "loss <NaN> & stopped"


def test_empty_frames_keep_their_columns():
    assert list(report.frame([]).columns) == list(report.frame(RECORDS).columns)
    assert "budget_share" in report.front_frame([], budget=BUDGET).columns


def test_front_frame_ranks_from_the_fewest_multi_adds():
    table = report.front_frame(RECORDS, budget=BUDGET)
    assert table["rank"].tolist() == [1, 2, 3]
    assert table["trial"].tolist() == [0, 3, 4]
    assert table["macs"].tolist() == [51_177_984, 100_348_416, 108_212_736]
    # 51,177,984 / 110,000,000 and so on
    assert table["budget_share"].tolist() == pytest.approx([0.46525, 0.91226, 0.98375], abs=1e-5)
    assert [table[f"stage_{i}"].iloc[-1] for i in range(1, 8)] == SHUFFLE_STAGES


def test_a_complete_trial_without_a_number_for_accuracy_is_in_no_front():
    broken = [
        trial(0, "igcv3-0.5d@cifar10-tiny", 51_177_984, 1_379_722, math.nan),
        trial(1, "igcv3-0.5d@cifar10-tiny", 51_177_984, 1_379_722, None),
    ]
    assert report.front_frame(broken, budget=BUDGET).empty
    assert report.front_frame([*broken, RECORDS[4]], budget=BUDGET)["trial"].tolist() == [4]


def test_csv_reads_back(tmp_path):
    path = tmp_path / "pareto.csv"
    report.write_csv(path, RECORDS, budget=BUDGET)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["trial"] for row in rows] == ["0", "3", "4"]
    assert [float(row["top1"]) for row in rows] == [0.50, 0.61, 0.64]
    assert rows[2]["digest"] == network("seesaw-shuffle-0.5d@cifar10").digest
    assert rows[2]["stage_6"] == SHUFFLE_STAGES[5]
    assert {row["split"] for row in rows} == {"validation"}


def test_a_table_of_trainings_is_a_record_an_architecture():
    from seesaw_nas.evaluators import Subject
    from seesaw_nas.evaluators.table import Recorded, Table

    curves = {
        seed: (Epoch(1, 1.0, 1.0, 0.1, 2.0), Epoch(2, 1.0, 1.0, top1, 2.0)) for seed, top1 in ((5, 0.5), (6, 0.6))
    }
    entry = Recorded(network("igcv3-0.5d@cifar10"), curves)
    table = Table(Subject("cifar10", (3, 32, 32), 10, 1, 1), 2, {}, (entry,))
    (record,) = report.records_of_table(table)
    assert (record.state, record.macs, record.seed, record.seconds) == ("complete", 100_348_416, 5, 8.0)
    assert record.top1 == pytest.approx(0.55)
    assert record.curve == curves[5]
    assert record.reason == "mean of 2 trainings"


def test_trials_of_several_runs_are_one_table(tmp_path):
    table = report.trials_frame({"x": RECORDS[:5], "y": RECORDS[7:]})
    assert table["run"].tolist() == ["x"] * 5 + ["y"] * 2
    assert table["stages"].iloc[4] == " | ".join(SHUFFLE_STAGES)
    report.write_table(tmp_path / "t.parquet", table)
    assert pd.read_parquet(tmp_path / "t.parquet")["macs"].tolist()[:2] == [51_177_984, 58_489_344]


def test_csv_of_no_front_is_a_header(tmp_path):
    report.write_csv(tmp_path / "pareto.csv", NOT_TRAINED, budget=BUDGET)
    (header,) = (tmp_path / "pareto.csv").read_text().splitlines()
    assert header == (
        "rank,trial,digest,macs,params,weights_bytes,int8_weights_bytes,memory_bytes,int8_memory_bytes,"
        "top1,split,seed,seconds,budget_share"
    )


# --- figure


def test_front_stands_where_its_trials_do_in_steps():
    front = trace(figure(), "Pareto front (3)")
    assert list(front.x) == pytest.approx(FRONT_X)
    assert list(front.y) == pytest.approx(FRONT_Y)
    assert front.line.shape == "hv"
    assert front.hovertext[2].split("<br>")[-7:] == SHUFFLE_STAGES
    for told in ("trial 4", "108,212,736 Multi-Adds", "1,459,834 Params", "seed 14", "64.00% validation"):
        assert told in front.hovertext[2]


def test_only_trained_trials_are_drawn_and_the_best_is_marked():
    shown = figure()
    assert list(trace(shown, "trained trials").x) == pytest.approx([51.177984, 58.489344, *FRONT_X[1:], 108.212736])
    best = trace(shown, "best")
    assert (list(best.x), list(best.y)) == (pytest.approx([108.212736]), pytest.approx([64.0]))


def test_axes_say_their_units_and_the_split():
    shown = figure()
    assert shown.layout.xaxis.title.text == "Multi-Adds (M)"
    assert shown.layout.yaxis.title.text == "validation top-1 (%)"


@pytest.mark.parametrize(("budget", "ends"), [(BUDGET, {110.0}), (BAND, {90.0, 110.0})])
def test_lines_stand_at_the_ends_of_the_budget_within_view(budget, ends):
    shown = figure(budget=budget)
    upper = [line for line in shown.layout.shapes if line.xref == "x"]
    assert {line.x0 for line in upper} == {line.x1 for line in upper} == ends
    left, right = shown.layout.xaxis.range
    assert left < min(ends)
    assert max(ends) < right
    assert "budget 110.0M" in [line.name for line in upper]


def test_published_points_are_the_papers_under_a_name_that_says_what_they_are():
    paper = trace(figure(), "paper, test split, 400 epochs")
    points = set(zip(paper.x, paper.y, strict=True))
    # Table 3: Seesaw-shuffle 0.5D 108M 95.10, 1.0D 181M 95.28, share v1 0.5D 108M 94.80; table 6: share v2 57M 95.09.
    assert {(108.0, 95.10), (181.0, 95.28), (108.0, 94.80), (57.0, 95.09)} <= points
    others = trace(figure(), "others as the paper prints them, test split")
    assert {(100.0, 94.75), (166.0, 95.01), (122.0, 95.00)} <= set(zip(others.x, others.y, strict=True))
    assert "IGCV3 0.5D" in "".join(others.hovertext)


def test_published_points_are_kept_off_the_runs_axes():
    shown = figure()
    assert {t.yaxis for t in shown.data if t.name and "paper" in t.name} == {"y2"}
    assert trace(shown, "trained trials").yaxis in (None, "y")


def test_published_rows_far_beyond_the_run_are_left_out_and_counted():
    shown = figure(dataset="imagenet")
    # Of table 5's 11 rows only 274, 292, 314 and 318M lie within three times 110M.
    assert sorted(trace(shown, "others as the paper prints them, validation images").x) == [274, 292, 314, 318]
    assert "(7 beyond 330.0M left out)" in "".join(note.text for note in shown.layout.annotations)


@pytest.mark.parametrize(("dataset", "budget"), [("digits", BUDGET), ("imagenet", Budget(0, 4_000_000))])
def test_without_published_rows_in_reach_there_is_no_panel_for_them(dataset, budget):
    shown = figure(RECORDS[8:], dataset=dataset, budget=budget)
    assert "xaxis2" not in shown.to_dict()["layout"]
    assert len(shown.layout.shapes) == 1


@pytest.mark.parametrize("records", [[], NOT_TRAINED], ids=["none", "all failed"])
def test_figure_of_no_trained_trial_says_so(records):
    shown = figure(records)
    assert "no trial has a result" in [note.text for note in shown.layout.annotations]
    assert not [t for t in shown.data if t.name == "best"]


def test_title_of_a_figure_is_text_and_not_markup():
    assert figure(title="a <b> & c").layout.legend.title.text == "<b>a &lt;b&gt; &amp; c</b>"


# --- files


def test_a_failed_write_keeps_the_file_before(tmp_path, monkeypatch):
    report.write_csv(tmp_path / "pareto.csv", RECORDS, budget=BUDGET)
    before = (tmp_path / "pareto.csv").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space left on device"):
        report.write_csv(tmp_path / "pareto.csv", [], budget=BUDGET)
    assert (tmp_path / "pareto.csv").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["pareto.csv"]


def test_image_of_an_unknown_kind_is_refused(tmp_path):
    with pytest.raises(OptionError, match=r"unknown image format 'gif' \(known: png, svg, pdf\)"):
        report.write_image(tmp_path / "front.gif", figure())


def test_image_without_a_browser_says_what_is_needed(tmp_path, monkeypatch):
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "no-browser"))
    with pytest.raises(RunError, match=r"an image needs kaleido .* and Chrome or Chromium") as caught:
        report.write_image(tmp_path / "front.png", figure())
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_image_is_drawn_where_there_is_a_browser(tmp_path):
    try:
        report.write_image(tmp_path / "front.svg", figure(title="a run"))
    except RunError as error:
        pytest.skip(str(error))
    drawn = (tmp_path / "front.svg").read_text(encoding="utf-8")
    assert drawn.startswith("<svg")
    assert "validation top-1 (%)" in drawn
