"""Figures for a paper: their size, letters and lines, and the numbers that they draw."""

import io
import re
from collections import Counter

import plotly.graph_objects as go
import pytest
from estimated import run
from PIL import Image
from plotly.subplots import make_subplots

from seesaw_nas import report
from seesaw_nas.core.errors import OptionError
from seesaw_nas.report.drawn_data import drawn_data
from seesaw_nas.report.printing import for_print, parse_width, with_size
from seesaw_nas.report.theme import caption


@pytest.mark.parametrize(
    ("text", "inches"), [("3.5in", 3.5), ("89mm", 3.504), ("8.9 cm", 3.504), ("252pt", 3.5), ("20in", 20)]
)
def test_a_width_is_a_number_with_its_unit(text, inches):
    assert parse_width(text) == pytest.approx(inches, abs=1e-3)


@pytest.mark.parametrize("text", ["", "3", "in", ".in", "3px", "-3in", "1e3in", "nan in", "3,5in"])
def test_what_is_no_width_is_refused(text):
    with pytest.raises(OptionError, match=r"a width is a number with its unit, such as 3\.5in, 89mm or 252pt; got"):
        parse_width(text)


@pytest.mark.parametrize("text", ["0in", "1mm", "21in"])
def test_a_width_that_no_paper_has_is_refused(text):
    with pytest.raises(OptionError, match=r"a width is 1\.5in to 20in, got"):
        parse_width(text)


def test_a_printed_figure_has_its_width_its_letters_and_no_caption():
    figure = report.one_figure(run(40), "front").figure
    before = figure.to_json()
    printed = for_print(figure, 3.5, "serif")
    assert printed.layout.width == 336  # 96 pixels an inch
    assert printed.layout.font.size == pytest.approx(8 * 96 / 72)
    assert "Times New Roman" in printed.layout.font.family
    assert "Helvetica" in for_print(figure, 3.5, "sans").layout.xaxis.tickfont.family
    assert len(printed.layout.annotations) == len(figure.layout.annotations) - 1  # without its caption
    widths = [(trace.line.width, own.line.width) for trace, own in zip(printed.data, figure.data, strict=True)]
    assert all(thin < thick for thin, thick in widths if thick)
    assert figure.to_json() == before


def test_a_wider_figure_is_higher_too():
    figure = report.one_figure(run(40), "progress").figure
    assert for_print(figure, 7, "sans").layout.height > for_print(figure, 3.5, "sans").layout.height


def test_a_figure_that_is_not_there_or_has_nothing_to_show_is_one_line():
    with pytest.raises(
        OptionError, match=r"unknown figure 'effect', did you mean 'effects'\? \(known: front, spending,"
    ):
        report.one_figure(run(40), "effect")
    with pytest.raises(
        OptionError, match=r"figure progress of r has nothing to show: 8 trials with a result are wanted"
    ):
        report.one_figure(run(5), "progress")


def test_the_data_of_choices_say_what_was_chosen_in_each_trial():
    found = run(40)
    data = drawn_data(report.one_figure(found, "choices").figure)
    for record in (found.records[3], found.records[39]):
        values = data[(data["trial"] == record.number) & data["value"].notna()].set_index("x")["value"]
        assert float(values["Multi-Adds (M)"]) == pytest.approx(record.macs / 1e6, rel=1e-5)
        assert float(values["top-1 (%)"]) == pytest.approx(100 * record.top1, rel=1e-5)
        asked = [re.fullmatch(r"stage (\d): (blocks|partition|expansion|flow)", place) for place in values.index]
        assert any(asked), list(values.index)
        for stage, kind in [one.groups() for one in asked if one]:
            blocks = record.architecture.stages[int(stage) - 1].blocks
            most = Counter(str(getattr(block, kind, "")) for block in blocks).most_common(1)[0][0]
            assert values[f"stage {stage}: {kind}"] == (str(len(blocks)) if kind == "blocks" else most)


def test_the_data_of_the_front_are_what_is_drawn():
    standing = run(40).standing
    data = drawn_data(report.one_figure(run(40), "front").figure)
    assert list(data)[:3] == ["series", "trial", "segment"]
    front = data[data["series"].str.startswith("Pareto front")]
    assert front["trial"].tolist() == [row.trial.number for row in standing.members]
    assert front["Multi-Adds (M)"].tolist() == pytest.approx([row.macs / 1e6 for row in standing.members])
    assert front["validation top-1 (%)"].tolist() == pytest.approx([100 * row.worth for row in standing.members])
    bars = data[data["series"] == "two standard deviations"]
    assert bars["segment"].tolist() == [1 + i // 2 for i in range(2 * len(standing.members))]
    assert data[data["series"] == "budget 600.0K"]["Multi-Adds (M)"].tolist() == [0.6]
    assert data["unevenness"].notna().sum() == 40 + len(standing.members)


def test_bars_of_error_have_both_ends_and_panels_their_titles():
    figure = make_subplots(rows=1, cols=2, subplot_titles=["kernel", "flow"])
    error = {"array": [0.5], "arrayminus": [0.25]}
    figure.add_scatter(x=[2.0], y=["3 vs 5"], name="a<b>c</b>", error_x=error, row=1, col=1)
    figure.add_bar(x=[1.0], y=["share"], base=[4.0], name="&lt;b", row=1, col=2)
    caption(figure, "of one trial")
    kernel, flow = drawn_data(figure).to_dict("records")
    assert [kernel[name] for name in ("panel", "series", "x", "y")] == ["kernel", "a c", 2.0, "3 vs 5"]
    assert [kernel["x, lower end"], kernel["x, upper end"]] == [1.75, 2.5]
    assert [flow[name] for name in ("panel", "series", "x", "y", "base")] == ["flow", "<b", 1.0, "share", 4.0]


def test_numbers_of_trials_are_a_column_where_points_have_them():
    figure = go.Figure()
    figure.add_scatter(x=[1], y=[2], name="n", customdata=[7], hovertemplate="trial %{customdata}: %{x}<extra></extra>")
    assert drawn_data(figure)["trial"].tolist() == [7]


def test_axes_beside_each_other_want_a_wide_figure():
    figure = report.one_figure(run(40), "choices").figure
    with pytest.raises(OptionError, match=r"has axes beside each other and wants 5\.5in or more, got 3\.5in"):
        for_print(figure, 3.5, "serif")
    assert for_print(figure, 7, "serif").layout.width == 672
    data = drawn_data(figure)
    first = data[data["series"] == f"trial {min(run(40).records, key=lambda trial: trial.top1).number}"]
    assert first["x"].tolist()[-2:] == ["Multi-Adds (M)", "top-1 (%)"]
    assert "colour" in data


def test_edges_that_are_not_drawn_stay_so():
    figure = go.Figure()
    figure.add_scatter(x=[1], y=[2], line={"width": 0})
    assert for_print(figure, 3.5, "sans").data[0].line.width == 0


def test_a_png_says_how_large_it_is_on_paper():
    made = io.BytesIO()
    Image.new("RGB", (4, 4)).save(made, format="PNG")
    read = Image.open(io.BytesIO(with_size(made.getvalue())))
    assert read.info["dpi"] == pytest.approx((300, 300), abs=0.01)
    assert read.tobytes() == bytes(48)
