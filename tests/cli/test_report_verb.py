"""The report of a run as a user asks for it: the page, the tables, the pictures, and a browser that uses the page."""

import base64
import csv
import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from seesaw_nas import report
from seesaw_nas.architecture import specfile
from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.workflows import run_reading

TABLE = Path(__file__).resolve().parents[2] / "benchmarks" / "tables" / "digits-small.parquet"
SEARCH = ["search", "--evaluator", "table", "--table", TABLE, "--device", "cpu"]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)


@pytest.fixture(scope="session")
def searched(tmp_path_factory):
    """A folder with the runs a, b (its strategy with another seed) and c (another strategy), and a training."""
    from seesaw_nas import api

    folder = tmp_path_factory.mktemp("runs")
    settings = {"evaluator": "table", "table": str(TABLE), "trials": 20, "device": "cpu"}
    api.search(**settings, name="a", runs_dir=folder, confirm=2, confirm_seeds=2)
    api.search(**settings, name="b", runs_dir=folder, seed=1)
    api.search(**settings, name="c", runs_dir=folder, strategy="random")
    for name in ("b", "c"):
        (folder / name / "report.html").unlink()  # 5 MB that every test would copy
    RunFolder.create(folder / "training", {"kind": "training", "settings": {"spec": "x"}})
    return folder


@pytest.fixture
def runs(searched, cli):
    """The same as runs/ of the folder that the command line runs in."""
    shutil.copytree(searched, "runs")
    return Path("runs")


def written(answer):
    assert (answer.code, answer.err) == (0, "")
    return [re.fullmatch(r"written   (\S+), [\d,]+ bytes", line)[1] for line in answer.out.splitlines()]


# --- one run


def test_report_replaces_the_runs_own_page(cli, runs):
    before = (runs / "a/report.html").read_text()
    assert written(cli("report", "runs/a")) == ["runs/a/report.html"]
    text = (runs / "a/report.html").read_text()
    for title in ("Front", "Progress", "Training curves", "Early ranks and final ranks", "Conditions"):
        assert f"<h2>{title}</h2>" in text
    assert "Recommended network: trial " in text
    assert headings(before) == headings(text)  # a search writes the same
    assert text.count("plotly.js v") == 1
    assert "trained again" in text
    assert len(text.encode()) < 6_000_000


def headings(text):
    return re.findall("<h2>(.*?)</h2>", text)


def test_tables_hold_every_trial(cli, runs):
    assert written(cli("report", "runs/a", "--csv", "t.csv", "--parquet", "t.parquet"))[1:] == ["t.csv", "t.parquet"]
    with open("t.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["number"] for row in rows] == [str(i) for i in range(len(run_reading.read("runs/a").records))]
    assert {row["run"] for row in rows} == {"a"}
    assert rows[0]["stages"].startswith("c16 s1: ")
    assert list(pd.read_parquet("t.parquet").columns) == list(rows[0])


def test_json_names_the_files(cli, runs):
    answer = cli("report", "runs/a", "--out", "a.html", "--json")
    assert json.loads(answer.out) == {"runs": ["a"], "written": ["a.html"]}


def test_open_shows_the_page(cli, runs, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or True)
    cli("report", "runs/a", "--open")
    assert opened == [(runs / "a/report.html").absolute().as_uri()]


@pytest.mark.thorough
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium to draw with")
def test_figures_are_drawn_into_a_folder(cli, runs, monkeypatch):
    import seesaw_nas.report

    figures = seesaw_nas.report.all_figures
    monkeypatch.setattr("seesaw_nas.report.all_figures", lambda run: figures(run)[:2])  # a second each
    names = written(cli("report", "runs/a", "--out", "a.html", "--svg", "pictures"))
    assert names[1:] == ["pictures/front.svg", "pictures/spending.svg"]
    assert Path(names[1]).read_text().startswith("<svg")


def test_images_without_a_browser_are_one_line(cli, runs, monkeypatch):
    monkeypatch.setenv("BROWSER_PATH", "no-browser")
    code, _, err = cli("report", "runs/a", "--png", "pictures")
    assert code == 2
    assert err.startswith("seesaw-nas: cannot draw pictures/front.png: an image needs kaleido")
    assert err.count("\n") == 1


# --- several


def test_several_runs_are_compared(cli, runs):
    assert written(cli("report", "runs/a", "runs/b", "runs/c")) == ["comparison.html"]
    text = Path("comparison.html").read_text()
    assert "Comparison of 3 runs" in text
    assert "thompson (2 runs)" in text  # a and b are one method
    assert "<h2>The runs</h2>" in text
    assert "compare with care" not in text
    assert text.count("plotly.js v") == 1


def test_runs_under_other_conditions_are_told(cli, runs):
    about = json.loads((runs / "c/run.json").read_text())
    about["budget"]["high"] = 500_000
    (runs / "c/run.json").write_text(json.dumps(about))
    cli("report", "runs/a", "runs/c", "--out", "c.html")
    assert "budget (at most 400.0K / at most 500.0K): compare with care" in Path("c.html").read_text()


def test_scores_and_accuracies_are_never_on_one_axis_or_in_one_median(cli, runs):
    about = json.loads((runs / "c/run.json").read_text())
    about["settings"] |= {"evaluator": "proxy:naswot", "table": ""}
    (runs / "c/run.json").write_text(json.dumps(about))
    answer = cli("report", "runs/a", "runs/b", "runs/c")
    text = Path("comparison.html").read_text()
    remark = "apart     c is not compared with a: evaluator: table in a, proxy:naswot in c"
    assert remark in answer.out.splitlines()
    assert "c is not compared with a: evaluator: table in a, proxy:naswot in c" in text
    assert figures_of("a", "b", "c") == {
        "fronts": ["a", "b"], "progress-hypervolume": ["thompson (2 runs)"], "progress-top1": ["thompson (2 runs)"],
        "fronts-2": ["c"], "progress-hypervolume-2": ["random"], "progress-top1-2": ["random"],
    }  # fmt: skip


def test_runs_with_other_objectives_are_drawn_apart(cli, runs):
    about = json.loads((runs / "b/run.json").read_text())
    about["settings"]["objectives"] = "top1"
    (runs / "b/run.json").write_text(json.dumps(about))
    answer = cli("report", "runs/a", "runs/b")
    assert "apart     b is not compared with a: objectives: front in a, top1 in b" in answer.out.splitlines()
    assert figures_of("a", "b")["progress-top1"] == ["thompson"]
    assert 'id="progress-top1-2"' in Path("comparison.html").read_text()


def test_that_seeds_drew_the_images_of_runs_in_one_picture_is_told(cli, runs):
    for name, seed in {"a": 3, "b": 4}.items():
        about = json.loads((runs / name / "run.json").read_text())
        about["settings"] |= {"train_size": 50, "seed": seed}
        (runs / name / "run.json").write_text(json.dumps(about))
    answer = cli("report", "runs/a", "runs/b")
    assert "different seeds drew the images that the runs used: 3 in a, 4 in b" in answer.out
    assert "different seeds drew the images that the runs used: 3 in a, 4 in b." in Path("comparison.html").read_text()


def figures_of(*names):
    """What each figure shows: the names in its legend, without the numbers of the fronts' members."""
    shown = report.compare_runs([run_reading.read(f"runs/{name}") for name in names])
    legends = {one.name: [t.name for t in one.figure.data if t.name and t.showlegend is not False] for one in shown}
    return {name: [re.sub(r" \(\d+\)$", "", text) for text in texts] for name, texts in legends.items()}


def test_runs_of_one_name_are_told_apart(cli, runs):
    shutil.copytree("runs/a", "other/a")
    cli("report", "runs/a", "other/a", "--csv", "t.csv")
    assert set(pd.read_csv("t.csv")["run"]) == {"runs/a", "other/a"}


# --- one figure for a paper


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are drawn, without a browser to draw them: format, width in pixels and scale of each."""
    calls = []

    def to_image(figure, format, width, height, scale):
        calls.append((format, width, round(scale, 3), figure.layout.font.family.split(",")[0]))
        return b"drawn"

    monkeypatch.setattr("plotly.graph_objects.Figure.to_image", to_image)
    return calls


def test_a_figure_for_a_paper_has_its_data_beside_it(cli, runs, drawn):
    assert written(cli("report", "runs/a", "--figure", "front")) == ["a-front.pdf", "a-front.csv"]
    assert drawn == [("pdf", 336, 1, "'Times New Roman'")]
    assert Path("a-front.pdf").read_bytes() == b"drawn"
    table = pd.read_csv("a-front.csv")
    members = json.loads((runs / "a/front.json").read_text())["members"]
    front = table[table["series"].str.startswith("Pareto front")]
    assert [round(1e6 * macs) for macs in front["Multi-Adds (M)"]] == [member["macs"] for member in members]
    assert {"recorded accuracy (%)", "unevenness", "trial"} <= set(table)


def test_format_width_and_font_are_chosen(cli, runs, drawn):
    options = ["--figure", "training-curves", "--width", "7in", "--font", "sans"]
    assert written(cli("report", "runs/a", *options, "--format", "svg"))[0] == "a-training-curves.svg"
    assert written(cli("report", "runs/a", *options, "--out", "x.svg")) == ["x.svg", "x.csv"]
    assert drawn == [("svg", 672, 1, "Helvetica")] * 2


def test_a_figure_of_a_comparison_can_be_drawn(cli, runs, drawn):
    answer = cli("report", "runs/a", "runs/b", "runs/c", "--figure", "progress-top1")
    assert written(answer) == ["comparison-progress-top1.pdf", "comparison-progress-top1.csv"]
    series = pd.read_csv("comparison-progress-top1.csv")["series"]
    assert set(series) == {"thompson (2 runs)", "random"}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--figure", "fronts"], "unknown figure 'fronts', did you mean 'front'? (known: front, spending, effects, "),
        (["--figure", "timeline"], "figure timeline of a has nothing to show: one worker trained one"),
        (["--figure", "front", "--format", "gif"], "unknown image format 'gif'"),
        (["--figure", "front", "--out", "a.txt"], "unknown image format 'txt'"),
        (["--figure", "front", "--out", "a.svg", "--format", "pdf"], "a.svg ends in .svg, and --format is pdf"),
        (["--figure", "front", "--width", "3"], "a width is a number with its unit, such as 3.5in, 89mm or 252pt"),
        (["--figure", "front", "--width", "1in"], "a width is 1.5in to 20in, got 1in"),
        (["--figure", "front", "--width", "30mm"], "a width is 1.5in to 20in, got 30mm, which is 1.18in"),
        (["--figure", "front", "--font", "mono"], "unknown font 'mono' (known: serif, sans)"),
        (["--figure", "front", "--csv", "x.csv"], "--figure writes one figure and its data; leave out --csv"),
        (["--width", "3in"], "only --figure NAME has a format, width and font; leave out --width"),
    ],
)
def test_what_no_figure_can_be_drawn_from_is_one_line(refused, runs, drawn, options, told):
    assert told in refused("report", "runs/a", *options)
    assert drawn == []


def test_a_figure_does_not_overwrite_its_data(refused, runs, drawn):
    Path("a-front.csv").write_text("mine")
    assert refused("report", "runs/a", "--figure", "front").startswith("a-front.csv exists already")
    assert Path("a-front.csv").read_text() == "mine"


@pytest.mark.thorough
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium to draw with")
def test_a_page_of_pdf_is_as_wide_as_was_asked_for(cli, runs):
    written(cli("report", "runs/a", "--figure", "front", "--width", "3.5in"))
    box = re.search(rb"/MediaBox \[0 0 ([\d.]+)", Path("a-front.pdf").read_bytes())
    assert float(box[1]) == pytest.approx(252, abs=1)  # points


# --- what is refused


def test_what_is_no_search_is_refused(refused, runs):
    assert "runs is not a run folder: it has no run.json" in refused("report", "runs")
    assert "runs/nothing is not a run folder" in refused("report", "runs/nothing")
    assert "runs/training is no search" in refused("report", "runs/training")
    assert "is given twice" in refused("report", "runs/a", "runs/../runs/a")
    assert refused("report").startswith("Missing argument 'RUN")


@pytest.mark.parametrize("option", ["--out", "--csv", "--parquet"])
def test_nothing_is_overwritten(refused, runs, option):
    Path("there").write_text("mine")
    assert refused("report", "runs/a", option, "there") == (
        "there exists already and nothing is overwritten; choose another name"
    )
    assert Path("there").read_text() == "mine"


def test_a_comparison_and_pictures_are_not_overwritten_either(refused, runs):
    Path("comparison.html").touch()
    assert "comparison.html exists already" in refused("report", "runs/a", "runs/b")
    Path("p").mkdir()
    Path("p/front.png").touch()
    before = (runs / "a/report.html").read_bytes()
    assert "p/front.png exists already" in refused("report", "runs/a", "--png", "p")
    assert (runs / "a/report.html").read_bytes() == before
    assert "x is wanted twice" in refused("report", "runs/a", "--csv", "x", "--parquet", "x")


@pytest.mark.parametrize(
    "options",
    [["--out", "no/a.html"], ["--csv", "no/a.csv"], ["--figure", "front", "--out", "no/a.svg"]],
)
def test_a_place_that_is_not_there_is_one_line_before_anything_is_drawn(refused, runs, drawn, options):
    before = (runs / "a/report.html").read_bytes()
    told = f"cannot write {options[-1]}: there is no folder no; make it, or choose another name"
    assert refused("report", "runs/a", *options) == told
    assert (runs / "a/report.html").read_bytes() == before
    assert drawn == []


def test_figures_do_not_go_into_a_file(refused, runs):
    Path("p").touch()
    assert refused("report", "runs/a", "--svg", "p") == "figures go into a folder, and p is a file; choose another name"


@pytest.mark.parametrize("name", ["run.json", "trials.jsonl", "confirmed.json"])
def test_a_damaged_run_is_one_line(refused, runs, name):
    (runs / "a" / name).write_text("hello\n")
    assert name in refused("report", "runs/a")


def test_a_run_description_without_its_fields_is_one_line(refused, runs):
    about = json.loads((runs / "a/run.json").read_text())
    del about["budget"]
    (runs / "a/run.json").write_text(json.dumps(about))
    assert refused("report", "runs/a") == "runs/a/run.json is damaged: KeyError 'budget'; restore it"


def test_a_run_whose_table_is_gone_has_all_but_one_figure(cli, runs):
    about = json.loads((runs / "a/run.json").read_text())
    about["settings"]["table"] = "gone.parquet"
    (runs / "a/run.json").write_text(json.dumps(about))
    written(cli("report", "runs/a"))
    text = (runs / "a/report.html").read_text()
    assert "<h2>Choices and what came of them</h2>" not in text
    assert "What each choice did" in text


# --- members of the front


def test_members_of_the_front_are_taken_wherever_a_spec_is(cli, runs):
    members = json.loads((runs / "a/front.json").read_text())["members"]
    run = run_reading.read("runs/a")
    assert [member["macs"] for member in members] == sorted(member["macs"] for member in members)
    assert len(members) > 1
    shown = json.loads(cli("show", "runs/a#2", "--json").out)
    assert shown["digest"] == members[1]["digest"]
    assert shown["name"] == f"a-{members[1]['result']['trial']}"
    assert members[1]["result"]["top1"] == run.records[members[1]["result"]["trial"]].top1
    assert cli("latency", "runs/a#1", "--seconds", "0.001", "--batch", "1", "--backends", "eager").code == 0
    assert cli("export", "runs/a#1", "--to", "folder").code in (0, 2)  # without weights it says so
    again = cli(*SEARCH, "--trials", "2", "--seed-with", "runs/a#1", "--name", "d")
    assert again.code == 0
    assert run_reading.read("runs/d").records[0].digest == members[0]["digest"]


def test_best_json_is_one_of_the_members_or_was_trained_again(runs):
    best = specfile.read(runs / "a/best.json")
    assert best.architecture.digest == run_reading.read(runs / "a").best.digest


@pytest.mark.parametrize("number", ["0", "999", "x", "", "-1", "1.5"])
def test_a_member_that_is_not_there_is_one_line(refused, runs, number):
    count = len(json.loads((runs / "a/front.json").read_text())["members"])
    assert refused("show", f"runs/a#{number}") == (
        f"runs/a/front.json: there is no member #{number} of this front; it has {count}, from #1 to #{count}"
    )


def test_a_run_without_its_front_says_how_to_get_it(refused, runs):
    (runs / "a/front.json").unlink()
    assert refused("show", "runs/a#1") == (
        "runs/a has no front.json; `seesaw-nas resume runs/a` writes it, where it is a search"
    )


def test_an_empty_front_has_no_member(refused, runs):
    (runs / "a/front.json").write_text(json.dumps(specfile.front_document([])))
    assert refused("show", "runs/a#1").endswith("there is no member #1 of this front; it is empty")


@pytest.mark.parametrize("content", ["[]", "{}", '{"schema_version": 1, "members": 1}', '{"schema_version": 9}', "x"])
def test_a_damaged_front_is_one_line(refused, runs, content):
    (runs / "a/front.json").write_text(content)
    assert "runs/a/front.json" in refused("show", "runs/a#1")


def test_a_folder_whose_name_has_a_hash_is_a_folder(cli, runs):
    shutil.copytree("runs/a", "runs/x#1")
    assert json.loads(cli("show", "runs/x#1", "--json").out)["digest"] == run_reading.read("runs/a").best.digest


# --- in a browser

# Sorts by top-1, downwards at the second click; hides the published figures; hands out the first row's spec file.
DRIVER = """
<script>
const said = {};
try {
  const table = document.querySelector('table.sortable');
  const heads = [...table.tHead.rows[0].cells], column = heads.findIndex(head => head.textContent === 'Top-1');
  const button = heads[column].querySelector('button');
  button.click();
  said.rising = [...table.tBodies].map(body => Number(body.rows[0].cells[column].dataset.value));
  button.click();
  said.falling = [...table.tBodies].map(body => Number(body.rows[0].cells[column].dataset.value));
  said.sorted = heads[column].getAttribute('aria-sort');
  said.pairs = [...table.tBodies].map(body => [body.rows[0].cells[0].textContent, body.rows[1].textContent]);
  said.focusable = button.tabIndex;
  const details = table.tBodies[0].querySelector('details');
  details.open = true;
  said.drawn = details.querySelector('svg').getBoundingClientRect().width;
  said.spec = atob(details.querySelector('a[download]').href.split(',')[1]);
  said.file = details.querySelector('a[download]').download;
  const plot = document.getElementById('front'), box = document.getElementById('published');
  const below = () => plot.data.filter(trace => trace.xaxis === 'x2').map(trace => trace.visible !== false);
  said.before = below();
  box.click();
  said.hidden = [below(), plot.layout.yaxis.domain];
  box.click();
  said.again = [below(), plot.layout.yaxis.domain];
  said.plots = document.querySelectorAll('.js-plotly-plot').length;
} catch (error) { said.error = String(error); }
const out = document.createElement('pre');
out.id = 'said';
out.textContent = JSON.stringify(said);
document.body.append(out);
</script>
"""


@pytest.mark.thorough
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium to look at the page with")
def test_a_browser_without_a_network_can_use_the_page(cli, runs, tmp_path):
    about = json.loads((runs / "a/run.json").read_text())
    # so that there are published figures
    about["settings"] |= {"dataset": "cifar10", "evaluator": "trained", "table": "", "epochs": 100}
    about["budget"]["high"] = 60_000_000
    (runs / "a/run.json").write_text(json.dumps(about))
    written(cli("report", "runs/a"))
    page = Path("driven.html")
    page.write_text((runs / "a/report.html").read_text().replace("</body>", DRIVER + "</body>"))
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={tmp_path / 'profile'}",
        "--virtual-time-budget=4000", "--dump-dom", page.absolute().as_uri(),
    ]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    found = re.search(r'<pre id="said">(.*?)</pre>', ended.stdout, re.DOTALL)
    assert found, ended.stderr[-2000:]
    said = json.loads(html.unescape(found[1]))
    assert "error" not in said, said
    assert said["rising"] == sorted(said["rising"])
    assert said["falling"] == said["rising"][::-1]
    assert said["sorted"] == "descending"
    assert all(f"Architecture of member {rank}," in more for rank, more in said["pairs"])
    assert said["focusable"] == 0
    assert said["drawn"] > 300
    assert set(said["before"]) == {True}
    assert [set(said["hidden"][0]), said["hidden"][1]] == [{False}, [0, 1]]
    assert [set(said["again"][0]), said["again"][1]] == [{True}, [0.44, 1]]
    assert said["plots"] >= 5
    Path(said["file"]).write_text(said["spec"])
    best = run_reading.read("runs/a").records
    assert json.loads(cli("show", said["file"], "--json").out)["digest"] in {record.digest for record in best}


def test_the_link_of_a_member_is_its_spec_file(cli, runs):
    text = (runs / "a/report.html").read_text()
    text = text.partition("<h2>Front</h2>")[2]  # above it is the link of the recommended one
    name, data = re.search(r'<a download="([^"]+)" href="data:application/json;base64,([^"]+)"', text).groups()
    Path(name).write_bytes(base64.b64decode(data))
    shown = json.loads(cli("show", name, "--json").out)
    assert shown["digest"] == json.loads((runs / "a/front.json").read_text())["members"][0]["digest"]


# --- the run that comes with the repository

EXAMPLE = Path(__file__).resolve().parents[2] / "runs" / "examples" / "digits-600K"


def test_the_example_run_can_be_reported_and_names_no_machine(cli):
    assert written(cli("report", EXAMPLE, "--out", "example.html")) == ["example.html"]
    assert "16 proposed: 16 trained." in Path("example.html").read_text()
    kept = b"".join(path.read_bytes() for path in EXAMPLE.iterdir() if path.name != "report.html")
    assert len(kept) < 300_000
    assert not re.search(rb"/(home|root|work|tmp|Users)/", kept)
