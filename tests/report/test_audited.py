"""The page of an audit: a dot for each evaluator, the ceiling behind them, and what they rest on."""

import re
from dataclasses import replace

import pytest
from drawn import trace

from seesaw_nas.evaluators.ranking.bands import Band
from seesaw_nas.evaluators.ranking.ceiling import Ceiling, Deviations, Oracle
from seesaw_nas.evaluators.ranking.result import RULE, Audit, Row
from seesaw_nas.evaluators.ranking.spent import FREE, UNKNOWN, Spent
from seesaw_nas.evaluators.ranking.statistics import NOTHING, Estimate
from seesaw_nas.report.pages.audit import taus, write_audit

MACS = Row("macs", "Multi-Adds", 30, Estimate(0.05, -0.1, 0.2, 90), Estimate(0.5, 0.4, 0.6, 435), FREE)
FLOW = Row(
    "flow", "how <well> groups mix", 30, Estimate(0.4, 0.3, 0.45, 90), Estimate(0.6, 0.5, 0.7, 435), Spent(0.002)
)
DEPTH = Row("depth", "blocks", 30, NOTHING, NOTHING, Spent(0.0001), UNKNOWN, note="none <differs>")
CEILING = Ceiling(
    30,
    Estimate(0.7, 0.6, 0.8, 435),
    Estimate(0.35, 0.2, 0.5, 90),
    Deviations(0.0178, 0.0194),
    Oracle(0.47, 0.42, 0.52),
    Oracle(0.64, 0.59, 0.69),
    Oracle(0.3, 0.2, 0.4),
)
AUDIT = Audit(
    runs=("small.parquet",),
    task={"dataset": "digits", "recipe": {"name": "quick", "epochs": 9}},
    architectures=30,
    trainings=90,
    training_seconds=1.612,
    band=0.06,
    bands=tuple(Band(100, 105, tuple(range(10 * i, 10 * i + 9))) for i in range(3)),
    left_out=3,
    bootstrap=1000,
    seed=0,
    baseline=MACS,
    ceiling=CEILING,
    rows=(FLOW, MACS, DEPTH),
    skipped={"predictor": "too few & far between"},
    conditions={"device": "CPU, 1 threads"},
)


def shape(figure, name):
    (found,) = [shape for shape in figure.layout.shapes if shape.name == name]
    return found


def test_the_best_stands_at_the_top_with_its_intervals():
    figure = taus(AUDIT)
    assert list(figure.layout.yaxis.ticktext) == ["depth", "macs", "flow"]
    within = trace(figure, "within bands")
    assert list(within.x)[1:] == [0.05, 0.4]
    assert list(within.error_x.array)[2] == pytest.approx(0.05)
    assert list(within.error_x.arrayminus)[2] == pytest.approx(0.1)
    assert list(trace(figure, "over all pairs").x)[1:] == [0.5, 0.6]
    assert tuple(within.customdata[2]) == ("flow", "+0.30 to +0.45", "90")


def test_the_ceiling_is_a_band_and_multi_adds_a_line():
    figure = taus(AUDIT)
    band = shape(figure, "an oracle within bands, 95%")
    assert (band.x0, band.x1) == (0.59, 0.69)
    assert shape(figure, "an oracle, expected").x0 == 0.64
    assert shape(figure, "Multi-Adds within bands").x0 == 0.05


def test_without_a_second_seed_there_is_no_ceiling():
    figure = taus(replace(AUDIT, ceiling=None))
    assert not any("oracle" in (found.name or "") for found in figure.layout.shapes)


def test_nothing_audited_says_so():
    assert taus(replace(AUDIT, rows=())).layout.annotations[0].text == "no evaluator was audited"


def test_the_page_says_what_the_figures_rest_on_and_needs_no_network(tmp_path):
    write_audit(tmp_path / "audit.html", AUDIT)
    page = (tmp_path / "audit.html").read_text(encoding="utf-8")
    text = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    for told in (
        "small.parquet: digits, recipe quick, 9 epochs; 30 architectures, 90 trainings of 1.61 s",
        "435 pairs; 108 within 3 bands, in which the costliest is at most 6% above the cheapest",
        "3 architectures in smaller ones are left out",
        "seed against seed, 30 architectures: within bands +0.35 (+0.20 to +0.50)",
        "architectures 1.78 points, of the noise of one training 1.94",
        "+0.47 (+0.42 to +0.52) against one training, +0.64 (+0.59 to +0.69) against the mean",
        "how &lt;well&gt; groups mix",
        "blocks; none &lt;differs&gt;",
        "0.00200 core-s",
        "predictor was left out: too few &amp; far between",
        RULE,
    ):
        assert told in text
    assert "<td>yes</td>" in text
    assert "<td>baseline</td>" in text
    assert not re.search(r'(?:src|href)="https?:', text)
