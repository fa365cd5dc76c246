"""``latency``, and ``search --latency``, as a user runs them; no test looks at how long anything took."""

import csv
import json
import math
import re

import pytest
import torch

from seesaw_nas.architecture import specfile
from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.deploy.latency import LatencySettings
from seesaw_nas.deploy.latency.backends import PREPARE, PreparedNetwork
from seesaw_nas.network.models import build, save_weights
from seesaw_nas.workflows import results

SMALL = Architecture(8, 1, 10, Stem(8, 2), (Stage(8, 1, (Block(2, 3, Partition((1, 3)), "shuffle"),)),), Head(16))
QUICK = ["--device", "cpu", "--seconds", "0.01", "--backends", "eager,fused"]
SEARCH = ["search", "--budget", "300K", "--epochs", "1", "--train-size", "64", "--device", "cpu", "--trials", "2"]
FIGURES = re.compile(r"(eager|fused) +(\d+) +1 +[\d.]+ [\d.]+ to [\d.]+ +[\d,.]+ +[\d,.]+ +[\d.]+")


@pytest.fixture(autouse=True)
def specs(tmp_path):
    for name, architecture in (("a", SMALL), ("b", Architecture.from_dict(SMALL.to_dict() | {"classes": 5}))):
        (tmp_path / f"{name}.json").write_text(json.dumps(specfile.document(Named(name, architecture))))


@pytest.fixture
def without_export(monkeypatch):
    """The front by torch alone: an ONNX export takes seconds, and has its own tests."""
    monkeypatch.setattr(results, "FRONT", LatencySettings(backends=("eager", "fused"), seconds=0.01))


def test_table_has_a_row_for_each_call_and_tells_its_conditions(cli):
    code, out, err = cli("latency", "a.json", "b.json", *QUICK, "--batch", "1,3", "--threads", "1")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == [
        "network", "Multi-Adds", "Params", "backend", "batch", "threads", "ms", "quartiles", "images/s", "GMAC/s", "vs",
        "eager",
    ]  # fmt: skip
    assert [line.split()[0] for line in (lines[1], lines[5])] == ["a", "b"]
    found = [FIGURES.search(line).groups() for line in lines[1:9]]
    assert found == [("eager", "1"), ("fused", "1"), ("eager", "3"), ("fused", "3")] * 2
    assert "Outputs of what was timed differ from eager's by at most " in out
    assert "Multi-Adds (MACs) of convolutions and linear layers, one image." in out
    assert f"torch {torch.__version__}" in out
    assert "float32; " in lines[-1]


def test_json_is_one_object_whose_figures_fit_each_other(cli):
    code, out, err = cli("latency", "a.json", *QUICK, "--batch", "4", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert {"processor", "cores", "torch", "onnxruntime", "allocator", "timing"} <= found["conditions"].keys()
    (network,) = found["networks"]
    assert (network["name"], network["digest"]) == ("a", SMALL.digest)
    eager, fused = network["latencies"]
    assert (eager["backend"], eager["speedup"]) == ("eager", 1)
    assert fused["speedup"] == pytest.approx(eager["median_ms"] / fused["median_ms"])
    for entry in (eager, fused):
        assert entry["images_per_second"] == pytest.approx(4000 / entry["median_ms"])
        assert entry["gmacs_per_second"] == pytest.approx(network["macs"] * entry["images_per_second"] / 1e9)


def test_names_of_the_paper_are_timed(cli):
    code, out, _ = cli("latency", "igcv3-0.5d@cifar10-tiny", *QUICK, "--batch", "1", "--json")
    assert code == 0
    # 51,177,984: printed as 51M in the paper's table 6
    assert json.loads(out)["networks"][0]["macs"] == 51_177_984


def test_trained_weights_are_read(cli, tmp_path):
    save_weights(build(SMALL, seed=0), tmp_path / "w.safetensors", {})
    assert cli("latency", "a.json", *QUICK, "--weights", "w.safetensors").code == 0


def test_network_whose_outputs_are_not_finite_is_refused(refused, tmp_path):
    network = build(SMALL, seed=0)
    network.head_bn.running_var.fill_(-1.0)  # a finite weight, whose root is none
    save_weights(network, tmp_path / "w.safetensors", {})
    text = "the network puts out numbers that are not finite, so it is not timed; train it again"
    assert refused("latency", "a.json", *QUICK, "--batch", "1", "--weights", "w.safetensors") == text
    torch.nn.init.constant_(network.classifier.weight, math.nan)
    save_weights(network, tmp_path / "w.safetensors", {})
    told = refused("latency", "a.json", *QUICK, "--batch", "1", "--weights", "w.safetensors")
    assert told.startswith(
        "cannot read weights from w.safetensors: tensor 'classifier.weight' holds values that are no"
    )


def test_network_whose_outputs_are_all_zero_is_timed(cli, tmp_path):
    network = build(SMALL, seed=0)
    torch.nn.init.zeros_(network.classifier.weight)
    torch.nn.init.zeros_(network.classifier.bias)
    save_weights(network, tmp_path / "w.safetensors", {})
    told = cli("latency", "a.json", *QUICK, "--batch", "1", "--weights", "w.safetensors")
    assert (told.code, told.out.count("WRONG OUTPUT"), told.out.count("not timed")) == (0, 0, 0)


def test_wrong_backend_is_told_below_the_table(cli, monkeypatch):
    wrong = PreparedNetwork(torch.device("cpu"), lambda images, threads: lambda: torch.zeros(len(images), 10))
    monkeypatch.setitem(PREPARE, "fused", lambda network, target: wrong)
    code, out, _ = cli("latency", "a.json", *QUICK, "--batch", "1,2")
    assert code == 0
    assert [line.split()[-2:] for line in out.splitlines() if "fused" in line and ":" not in line] == [
        ["not", "timed"]
    ] * 2
    assert out.count("a, fused: WRONG OUTPUT, off by 1 of eager's largest one; up to 0.0001 would be right") == 1


def test_busy_machine_is_told(cli, monkeypatch):
    monkeypatch.setattr("time.process_time", lambda: 0.0)  # no core to be had at all
    assert "Something else used the machine meanwhile" in cli("latency", "a.json", *QUICK, "--batch", "1").out


def test_what_ran_elsewhere_is_told(cli, monkeypatch):
    meta = torch.device("meta")
    monkeypatch.setitem(
        PREPARE, "fused", lambda network, target: PreparedNetwork(meta, lambda x, _: lambda: network(x))
    )
    out = cli("latency", "a.json", *QUICK, "--batch", "1").out
    assert "fused ran on meta" in out
    assert "eager ran on cpu" in out


@pytest.mark.slow
def test_onnxruntime_is_timed_by_default(cli):
    code, out, err = cli("latency", "a.json", "--device", "cpu", "--seconds", "0.01", "--json")
    assert (code, err) == (0, "")
    entries = json.loads(out)["networks"][0]["latencies"]
    assert [(entry["batch"], entry["backend"]) for entry in entries] == [
        (batch, backend) for batch in (1, 64) for backend in ("eager", "fused", "onnxruntime")
    ]
    assert {entry["reason"] for entry in entries} == {""}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["a.json", "--backends", "eagre"], "unknown backend 'eagre', did you mean 'eager'? (known: eager, fused, co"),
        (
            ["a.json", "--backends", "eager,"],
            "unknown backend '' (known: eager, fused, compiled, onnxruntime,",
        ),
        (["a.json", "--batch", "0"], "--batch must be at least 1, got 0"),
        (["a.json", "--batch", "1,x"], "cannot read --batch '1,x'; write whole numbers with commas, like 1,8,64"),
        (["a.json", "--threads", "1.5"], "cannot read --threads '1.5'; write whole numbers with commas, like 1,8,64"),
        (["a.json", "--threads", "100000"], "--threads 100000 is more than the "),
        (["a.json", "--precision", "int8"], "unknown precision 'int8'"),
        (["a.json", "--seconds", "0"], "--seconds must be above 0, got 0.0"),
        (["a.json", "--device", "gpu"], "unknown device 'gpu', did you mean 'cpu'?"),
        (["no.json"], "cannot read the spec file no.json: No such file or directory"),
        (["a.json", "no.json"], "cannot read the spec file no.json: No such file or directory"),
        (["a.json", "b.json", "--weights", "w"], "--weights are those of one network, got 2; time them one by one"),
        (["a.json", "--weights", "w"], "cannot read weights from w: "),
        ([], "Missing argument 'SPEC"),
    ],
)
def test_mistake_is_told_in_one_line(refused, arguments, text):
    assert text in refused("latency", *arguments)


# --- of a search's front


def test_search_records_the_latencies_of_its_front(cli, tmp_path, without_export):
    code, out, err = cli(*SEARCH, "--name", "r", "--latency")
    assert (code, err) == (0, "")
    assert "timing the front by eager and fused" in out
    assert re.search(r"top-1 ms, batch 1 ms, batch 64 +trial +digest", out)
    assert re.search(r"latencies +runs/r/latency\.json", out)
    with (tmp_path / "runs/r/pareto.csv").open() as file:
        rows = list(csv.DictReader(file))
    kept = json.loads((tmp_path / "runs/r/latency.json").read_text())
    assert [row["digest"] for row in rows] == [network["digest"] for network in kept["networks"]]
    for row, network in zip(rows, kept["networks"], strict=True):
        for entry in network["latencies"]:
            assert float(row[f"{entry['backend']}_batch{entry['batch']}_ms"]) == pytest.approx(entry["median_ms"])
    best = json.loads((tmp_path / "runs/r/best.json").read_text())["result"]["latency"]
    assert best["conditions"] == kept["conditions"]
    assert [(entry["backend"], entry["batch"]) for entry in best["latencies"]] == [
        ("eager", 1), ("fused", 1), ("eager", 64), ("fused", 64),
    ]  # fmt: skip
    assert "ms, batch 64" in (tmp_path / "runs/r/report.html").read_text(encoding="utf-8")


def test_resume_keeps_the_latencies_and_times_a_new_front_as_a_whole(cli, tmp_path, without_export):
    first = json.loads(cli(*SEARCH, "--name", "r", "--latency", "--json").out)
    path = tmp_path / "runs/r/latency.json"
    before = path.read_bytes()
    again = json.loads(cli("resume", "runs/r", "--json").out)
    assert again["front"] == first["front"]
    assert path.read_bytes() == before
    without = json.loads(cli("resume", "runs/r", "--trials", 3, "--no-latency", "--json").out)
    assert path.read_bytes() == before
    timed = {network["digest"] for network in json.loads(before)["networks"]}
    assert {member["digest"] for member in without["front"] if "latencies" in member} <= timed
    cut = json.loads(before)
    cut["networks"] = cut["networks"][1:]
    path.write_text(json.dumps(cut))
    found = json.loads(cli("resume", "runs/r", "--json").out)
    assert all(member["latencies"] for member in found["front"])
    kept = json.loads(path.read_text())
    assert {network["digest"] for network in kept["networks"]} == {member["digest"] for member in found["front"]}


def test_finished_search_is_timed_later(cli, tmp_path, without_export):
    code, out, _ = cli(*SEARCH, "--name", "r")
    assert (code, "ms, batch" in out) == (0, False)
    assert not (tmp_path / "runs/r/latency.json").exists()
    assert "ms, batch 1" in cli("resume", "runs/r", "--latency").out
    assert cli(*SEARCH, "--name", "r", "--latency", "--resume").code == 0


def test_damaged_latencies_are_told_before_any_training(cli, refused, tmp_path):
    assert cli(*SEARCH, "--name", "r").code == 0
    (tmp_path / "runs/r/latency.json").write_text("{")
    assert "cannot read latencies from runs/r/latency.json" in refused("resume", "runs/r", "--trials", 9)


def test_run_of_a_release_without_latencies_is_resumed(cli, tmp_path):
    assert cli(*SEARCH, "--name", "r").code == 0
    path = tmp_path / "runs/r/run.json"
    run = json.loads(path.read_text())
    del run["settings"]["latency"]
    path.write_text(json.dumps(run))
    assert cli("resume", "runs/r").code == 0
