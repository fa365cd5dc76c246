"""The page of a run: what it tells, that it needs no network, that it stays small, whatever became of the run."""

import base64
import html
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from test_report import BAND, BUDGET, NOT_TRAINED, RECORDS, SHUFFLE_STAGES, trial

from seesaw_nas import report
from seesaw_nas.architecture import specfile
from seesaw_nas.deploy.latency import Latency, Timings
from seesaw_nas.evaluators.basis import Basis
from seesaw_nas.report import Run
from seesaw_nas.report.figures.published import are_comparable
from seesaw_nas.report.pages import front_table
from seesaw_nas.report.pages.comparison import repeats_of
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.search.spread import Spread
from seesaw_nas.space import load
from seesaw_nas.training.epoch import Epoch

CURVE = tuple(Epoch(i, 1.0, 1.0, 0.1 * i, 1.0) for i in (1, 2, 3))


def run(records=RECORDS, budget=BUDGET, dataset="cifar10", name="run", **more):
    return Run(name, tuple(records), budget, SearchSettings.of(dataset=dataset), **more)


def page(folder, *given, **more):
    return full(folder, run(*given, **more))


def full(folder, shown):
    path = folder / "report.html"
    report.write_report(path, shown)
    return path.read_text(encoding="utf-8")


class Page(HTMLParser):
    """The tags, the scripts and the text outside of them."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self.text, self._open = [], [], "", ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._open = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        self._open = ""

    def handle_data(self, data):
        if self._open == "script":
            self.scripts[-1] += data
        elif self._open != "style":
            self.text += data


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return page(tmp_path_factory.mktemp("whole"), conditions={"epochs": "5", "hardware": "<2 cores> & no GPU"})


def test_page_loads_nothing_from_elsewhere(whole):
    read = Page(whole)
    assert [attrs for _, attrs in read.tags if {"src", "data", "srcset", "action"} & attrs.keys()] == []
    links = [attrs["href"] for _, attrs in read.tags if "href" in attrs]
    assert {link.partition(",")[0] for link in links} == {"data:application/json;base64"}
    assert not {"link", "iframe", "object", "embed", "img", "base"} & {tag for tag, _ in read.tags}
    style = whole.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_page_holds_plotlys_script_once_and_stays_small(whole):
    read = Page(whole)
    assert len([script for script in read.scripts if len(script) > 1_000_000]) == 1
    assert whole.count("plotly.js v") == 1
    assert len(whole.encode()) < 6_000_000


def test_page_tells_counts_conditions_and_front(whole):
    text = Page(whole).text
    assert "9 proposed: 5 trained, 1 failed, 1 infeasible, 1 duplicate, 1 running." in text
    assert "at most 110.0M Multi-Adds" in text
    # trial 4 is the best of the made-up accuracies
    assert "Recommended network: trial 4" in text
    for told in ("108.2M", "98.4%", "64.00%", "validation", *SHUFFLE_STAGES, "epochs"):
        assert told in text
    assert "No trial has finished" not in text


def test_page_escapes_what_it_is_given(tmp_path):
    evil = "<script>alert('x')</script> & <img src=http://x>"
    records = [*RECORDS, trial(9, "igcv3-0.5d@cifar10", 1, 1, 0.7, split=evil), TrialRecord(10, "failed", reason=evil)]
    shown = run(records, dataset=evil, name=evil, conditions={evil: evil})
    text = full(tmp_path, shown)
    read = Page(text)
    assert evil not in text
    assert html.escape(evil) in text
    assert "img" not in {tag for tag, _ in read.tags}
    assert read.text.count(evil) >= 6  # title twice, data set, split, reason, condition twice
    compared = tmp_path / "several.html"
    report.write_comparison(compared, [shown, shown], report.compare_runs([shown, shown]))
    assert evil not in compared.read_text()


def test_page_names_the_band(tmp_path):
    assert "90.0M to 110.0M Multi-Adds" in Page(page(tmp_path, budget=BAND)).text


def test_a_member_has_its_drawing_and_its_spec_file(whole, tmp_path):
    table = whole.partition("<h2>Front</h2>")[2]
    drawings = re.findall(r'<svg xmlns[^>]*aria-label="([^"]*)"', table)
    assert drawings[2] == "Member #3, trial 4: 17 blocks, 108.2M Multi-Adds, 1.5M Params"
    links = re.findall(r'<a download="([^"]*)" href="data:application/json;base64,([^"]*)">', table)
    assert [name for name, _ in links] == ["run-0.json", "run-3.json", "run-4.json"]
    (tmp_path / "x.json").write_bytes(base64.b64decode(links[2][1]))
    read = specfile.read(tmp_path / "x.json")
    assert read.architecture == RECORDS[4].architecture
    assert (read.name, read.dataset, read.result["top1"]) == ("run-4", "cifar10", 0.64)


@pytest.mark.parametrize(("room", "drawn"), [(0, 0), (75_000, 2), (200_000, 3)])
def test_a_front_too_large_to_draw_says_so(room, drawn):
    text = front_table.front_table(run(), room)  # a member takes 30 to 40 thousand bytes
    assert text.count("<svg xmlns") == text.count("base64,") == drawn
    assert (f"The first {drawn} of 3 are drawn, the others in words." in text) is (drawn < 3)
    assert SHUFFLE_STAGES[5] in Page(text).text


def test_cells_sort_by_their_value_and_not_by_their_text(whole):
    body = whole.partition("<h2>Front</h2>")[2].partition("</table>")[0]
    assert [json.loads(value) for value in re.findall(r'<td data-value="([^"]*)">\d+\.\dM</td>', body)] == [
        51_177_984, 1_379_722, 100_348_416, 1_379_722, 108_212_736, 1_459_834,
    ]  # fmt: skip
    assert re.search(rf"<td>{RECORDS[4].digest}</td>", body)  # digits with an e among them are no number


def test_repeats_and_latencies_are_columns(tmp_path):
    digest = RECORDS[3].digest
    entry = Latency(
        backend="fused", batch=1, threads=1, device="cpu", precision="float32", calls=9, median_ms=1.5, lower_ms=1.4,
        upper_ms=1.6, min_ms=1.3, minor_faults=0.0, cpu_share=1.0, difference=0.0, reason="",
    )  # fmt: skip
    timings = Timings({}, {digest: (entry,)})
    text = page(tmp_path, spreads={digest: Spread(0.6, 0.012, 3)}, timings=timings)
    assert '<td data-value="0.6">60.00% +- 1.20 (3)</td>' in text
    assert "ms, batch 1" in text
    opening = Page(text.partition("Recommended network: trial 3")[2].partition("</dl>")[0]).text
    assert "Top-1, trained again60.00% +- 1.20 (3), mean over seeds" in opening  # the best is one of those
    assert "Latency, ms, batch 11.5" in opening


# --- what it opens with


def opening(text):
    """From the first heading below the script to the table of the front."""
    return text.partition('<section class="opening')[2].partition("<h2>Front</h2>")[0]


def test_a_page_opens_with_the_recommended_network_its_figures_its_drawing_and_the_front(whole):
    top = opening(whole)
    assert (
        top.index("Recommended network: trial 4")
        < top.index("<dl>")
        < top.index("<svg xmlns")
        < top.index('id="front"')
    )
    told = Page(top).text
    for figure in (
        "Multi-Adds108,212,736, 98.4% of the budget",
        "Params1,459,834",
        "64.00%, validation split, one seed",
    ):
        assert figure in told
    # by SHUFFLE_STAGES: 1 + 2 + 3 + 4 + 3 + 1 blocks of 1:3, 2 + 1 of 1:1
    assert "1:3 in 14 of 17 blocks, 1:1 in 3" in told
    assert "<details" not in top  # the drawing is open
    assert f"<code>{RECORDS[4].digest}</code>" in top


def test_a_search_of_few_trials_shows_no_figure_that_says_nothing(tmp_path):
    text = full(tmp_path, run(RECORDS[:4], dataset="digits"))
    for title in ("Progress", "What ran when", "The front as the search went on", "What each choice did"):
        assert f"<h2>{title}</h2>" not in text
        assert f"<li>{title}: " in text


# --- partitions


def test_the_column_of_partitions_has_a_bar_for_each_block_in_proportion_and_sorts_by_unevenness(whole):
    body = whole.partition("<h2>Front</h2>")[2].partition("</table>")[0]
    cells = re.findall(r'<td data-value="([^"]*)">(<svg class="bars".*?</svg>)</td>', body)
    # 14 of 17 blocks are 1:3, which is three quarters less one: (14 * 0.5 + 3 * 0) / 17
    assert [float(value) for value, _ in cells] == pytest.approx([0, 0, 7 / 17])
    assert 'aria-label="1:3 in 14 of 17 blocks, 1:1 in 3"' in cells[2][1]
    # the first bar is 20 high: a quarter of it, 5, is the first group, the rest the second
    assert re.findall(r'd="(M0 [^z]*z)', cells[2][1]) == ["M0 0h6V5h-6z", "M0 5h6V20h-6z"]


# --- whatever became of the run


@pytest.mark.parametrize("records", [[], NOT_TRAINED, RECORDS[8:]], ids=["none", "all failed", "running"])
def test_page_of_no_trained_trial_says_so(tmp_path, records):
    for text in (page(tmp_path, records), full(tmp_path, run(records))):
        told = Page(text).text
        assert "No trial has a result, so there is no front." in told
        assert f"{len(records)} proposed: 0 trained" in told
        assert ("loss <NaN> & stopped" in told) is (records is NOT_TRAINED)
        assert "Recommended" not in told


def test_page_of_one_trial_is_its_own_front(tmp_path):
    for text in (page(tmp_path, RECORDS[4:5], dataset="digits"), full(tmp_path, run(RECORDS[4:5], dataset="digits"))):
        told = Page(text).text
        assert "1 proposed: 1 trained" in told
        assert "Architecture of member #1, trial 4" in told


def test_figures_with_nothing_to_show_are_a_line_that_says_why(tmp_path):
    text = full(tmp_path, run(RECORDS[4:5], dataset="digits"))
    assert "<h2>Early ranks and final ranks</h2>" not in text
    items = re.findall("<li>(.*?)</li>", text.partition("<h2>Figures left out</h2>")[2].partition("</section>")[0])
    assert items[0] == "What each choice did: 20 trials with a result are wanted, got 1"
    assert "Training curves: no trial has an accuracy by epoch" in items


def test_a_caption_is_text_of_the_page(tmp_path):
    text = full(tmp_path, run())
    section = text.partition("spends its Multi-Adds</h2>")[2].partition("</section>")[0]
    assert '<p class="note">108,212,736 Multi-Adds' in section
    assert section.count("108,212,736 Multi-Adds") == 1  # and no longer a note in the figure


@pytest.mark.thorough
def test_page_of_thousands_of_trials_stays_small(tmp_path):
    rising = [trial(i, "igcv3-0.5d@cifar10", 100_348_416 + i, 1_379_722, 0.5 + i * 1e-4) for i in range(150)]
    many = [
        trial(150 + i, "igcv3-0.5d@cifar10", 100_348_416 + i, 1_379_722, 0.4 + i * 1e-5, curve=CURVE)
        for i in range(4850)
    ]
    shown = run([*rising, *many], space=load("seesaw-cifar"))  # one architecture: no estimate could tell them apart
    shown = replace(shown, settings=shown.settings.replace(rank="observed"))
    text = full(tmp_path, shown)
    assert len(text.encode()) < 6_000_000
    assert re.search(r"The first \d+ of 150 are drawn, the others in words\.", text)
    assert "Architecture of member #150, trial 149" in text


def test_many_reasons_are_summed_up(tmp_path):
    failed = [TrialRecord(i, "failed", reason=f"reason {i}") for i in range(25)]
    told = Page(page(tmp_path, failed)).text
    assert "reason 19" in told
    assert "reason 20" not in told
    assert "5 further reasons" in told


def test_a_page_replaces_the_one_before_and_leaves_nothing_else(tmp_path):
    page(tmp_path, name="before")
    assert "<h1>after</h1>" in page(tmp_path, name="after")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


# --- several runs


def test_hypervolume_of_a_front_by_hand():
    from seesaw_nas.report.pages.comparison import hypervolume

    # With the budget at 200: 0.5 from 100 on, 0.8 from 150 on: (200 - 100) * 0.5 + (200 - 150) * 0.3 = 65, of 200.
    two = [trial(0, "igcv3-0.5d@cifar10", 100, 1, 0.5), trial(1, "igcv3-0.5d@cifar10", 150, 1, 0.8)]
    assert hypervolume(run(two), 200) == pytest.approx(0.325)
    assert hypervolume(run([]), 200) == 0


@pytest.mark.parametrize("records", [[], NOT_TRAINED, RECORDS[4:5]], ids=["none", "all failed", "one"])
def test_runs_with_little_in_them_can_be_compared(tmp_path, records):
    runs = [run(records, name="x"), run(records, name="y")]
    report.write_comparison(tmp_path / "c.html", runs, report.compare_runs(runs))
    told = Page((tmp_path / "c.html").read_text()).text
    assert "Comparison of 2 runs" in told
    assert ("no trial has a result" in told) is (records is not RECORDS[4:5] and len(records) != 1)


def test_only_runs_that_differ_in_nothing_but_seeds_share_a_median():
    many = [trial(i, "igcv3-0.5d@cifar10", 100_348_416 + i, 1_379_722, 0.5 + i / 100) for i in range(8)]

    def of(name, budget=(0, 400_000), space="s", seed=0):
        return run(many, name=name, basis=Basis(name, dataset="digits", budget=budget, space=space, seed=seed))

    runs = [of("a"), of("b", seed=1), of("c", budget=(0, 500_000)), of("d", space="t", seed=2), of("e", seed=3)]
    shared = {name: [one.name for one in same] for name, same in repeats_of(runs).items()}
    assert shared == {"thompson, a": ["a", "b", "e"], "thompson, c": ["c"], "thompson, d": ["d"]}
    curve = report.compare_runs(runs)[2]
    shown = [trace.name for trace in curve.figure.data if trace.showlegend is not False]
    assert shown == ["thompson, a (3 runs)", "thompson, c", "thompson, d"]


def test_groups_of_runs_are_told_apart_by_their_budgets_where_these_differ():
    small = replace(run(name="x"), budget=BAND, basis=Basis("x", budget=(1, 2)))
    large = replace(run(name="y"), basis=Basis("y", budget=(1, 3)))
    names = list(repeats_of([small, large]))
    assert names == ["thompson, 90.0M to 110.0M", "thompson, at most 110.0M"]


# --- published figures


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({"epochs": 100}, True),
        ({"epochs": 99}, False),  # a quarter of the paper's 400 epochs is the least that compares
        ({}, False),
        ({"epochs": 400, "train_size": 1000}, False),
        ({"epochs": 400, "evaluator": "proxy:flow"}, False),
    ],
)
def test_published_figures_stand_beside_long_trainings_alone(tmp_path, settings, shown):
    given = replace(run(), settings=SearchSettings.of(dataset="cifar10", **settings))
    assert are_comparable(given.settings) is shown
    front, *_ = report.all_figures(given)
    assert ("xaxis2" in front.figure.to_dict()["layout"]) is shown
    if shown:
        text = full(tmp_path, given)
        assert 'id="published" checked' in text
        assert "Zhang 2019" in text


# --- figures that are no accuracies


SCORED = {"proxy:flow": {}, "inherited": {"supernet": "somewhere"}, "python:count": {}}


def evaluated(evaluator, **more):
    return replace(run(), settings=SearchSettings.of(dataset="cifar10", evaluator=evaluator, **more))


@pytest.mark.parametrize(("evaluator", "more"), SCORED.items(), ids=SCORED)
def test_scores_are_called_scores_on_every_page(tmp_path, evaluator, more):
    scored = evaluated(evaluator, **more)
    shown = report.all_figures(scored)
    told = Page(full(tmp_path, scored)).text
    report.write_comparison(tmp_path / "c.html", [scored, scored], report.compare_runs([scored, scored]))
    told += Page((tmp_path / "c.html").read_text()).text
    assert "Score, observed0.64, one seed" in told
    drawn = "".join(one.figure.to_json() for one in shown)
    for word in ("top-1", "Top-1", "trained trials", "validation", "Published", "as printed"):
        assert word not in told
        assert word not in drawn


def test_a_function_that_was_given_no_images_names_no_data_set(tmp_path):
    assert "cifar10" not in Page(full(tmp_path, evaluated("python:count"))).text
    assert "cifar10" in Page(full(tmp_path, evaluated("proxy:flow"))).text


def test_figures_of_a_table_are_called_recorded(tmp_path):
    looked_up = evaluated("table", table="t.parquet")
    told = Page(full(tmp_path, looked_up)).text
    assert "Recorded, observed64.00%, one seed" in told
    report.write_comparison(tmp_path / "c.html", [looked_up, looked_up], report.compare_runs([looked_up, looked_up]))
    compared = Page((tmp_path / "c.html").read_text()).text
    assert "Best recorded" in compared
    assert "top-1" not in told + compared
