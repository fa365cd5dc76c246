"""``profile`` as a user runs it, on a machine made up for the test; and networks for another device."""

import json

import pytest
from open_spaces import TEXT

from seesaw_nas.architecture import compact, cost
from seesaw_nas.deploy.profiling.times import NetworkTimes, TimedNetwork
from seesaw_nas.space import load
from seesaw_nas.space.profile_file import read
from seesaw_nas.workflows import profiling


@pytest.fixture(autouse=True)
def machine(monkeypatch, tmp_path):
    """A machine that takes 1 ns for a Multi-Add and 10 us for a call; ``noise`` lengthens every third call."""
    noise = [0.0]

    def measure(networks, settings, on_step):
        def calls(network):
            seconds = 1e-5 + 1e-9 * cost.macs(network)
            return tuple(seconds * (1 + noise[0] * (number % 3 == 0)) for number in range(9))

        timed = tuple(TimedNetwork(network, calls(network)) for network in networks)
        return NetworkTimes(settings.backend, settings.threads, settings.batch, {"processor": "Made up"}, timed)

    monkeypatch.setattr(profiling, "measure_networks", measure)
    (tmp_path / "open.toml").write_text(TEXT)
    return noise


def test_a_profile_is_written_and_its_error_stands_beside_that_of_multi_adds(cli, tmp_path):
    code, out, err = cli("profile", "open.toml", "--networks", "40")
    assert code == 0
    assert err == (
        "40 random networks of open for 1x8x8 images and 3 classes, in onnxruntime with 1 thread and batch 1: 8 turns "
        "of 6 calls each\n"
    )
    assert out.startswith("predictor    median error rank correlation\nthis profile ")
    assert "Multi-Adds           0.0%            1.000" in out  # of which this machine is made
    assert out.endswith("written open-profile.json\n")
    profile = read(tmp_path / "open-profile.json")
    profile.check(load(str(tmp_path / "open.toml")))
    assert profile.conditions.networks == 40
    assert profile.conditions.machine["processor"] == "Made up"


def test_a_resolution_of_its_own_and_json(cli, tmp_path):
    options = ("--resolution", "16", "--classes", "5", "--channels", "3", "--networks", "20", "--out", "big.json")
    code, out, _ = cli("profile", "open.toml", *options, "--json")
    assert code == 0
    told = json.loads(out)
    assert told["file"] == "big.json"
    assert told["conditions"]["input_size"] == 16
    assert told["macs"]["error"] < 0.01
    read(tmp_path / "big.json").check(load(str(tmp_path / "open.toml")).adapt(16, 3, 5))


def test_nothing_is_overwritten(refused, tmp_path):
    (tmp_path / "mine.json").write_text("mine")
    said = refused("profile", "open.toml", "--out", "mine.json")
    assert said == "mine.json exists already and nothing is overwritten; choose another name"
    assert (tmp_path / "mine.json").read_text() == "mine"


def test_times_under_load_are_written_only_if_accepted(cli, machine, tmp_path):
    machine[0] = 0.5
    code, out, err = cli("profile", "open.toml", "--networks", "20")
    assert (code, out) == (2, "")
    assert err.splitlines()[-1] == (
        "seesaw-nas: the times were measured under load: calls of one network differ by 50% between the quartiles, and "
        "up to 25% is believed; measure again while the machine is at rest, or add --accept-spread"
    )
    assert not (tmp_path / "open-profile.json").exists()
    assert cli("profile", "open.toml", "--networks", "20", "--accept-spread").code == 0
    assert read(tmp_path / "open-profile.json", accept_spread=True).conditions.spread == 0.5


def test_networks_go_to_a_device_and_their_times_come_back(cli, tmp_path):
    code, out, _ = cli("profile", "open.toml", "--networks", "20", "--resolution", "16", "--export-networks", "nets")
    assert code == 0
    assert "run its time_networks.py there" in out
    manifest = json.loads((tmp_path / "nets" / "networks.json").read_text())
    assert (len(manifest["networks"]), manifest["image"]) == (20, [1, 16, 16])
    for entry in manifest["networks"]:
        macs = cost.macs(compact.read(entry["architecture"]))
        entry["seconds"] = [2e-9 * macs] * 3
    about = {"backend": "npu", "threads": 1, "batch": 4, "machine": {"device": "a board"}}
    about |= {"schema": "seesaw-nas network times", "schema_version": 1, "networks": manifest["networks"]}
    (tmp_path / "times.json").write_text(json.dumps(about))
    code, out, _ = cli("profile", "open.toml", "--times", "times.json", "--out", "board.json")
    assert code == 0
    assert "npu on a board, 1 thread, batch 4, 1x16x16" in out
    read(tmp_path / "board.json").check(load(str(tmp_path / "open.toml")).adapt(16, 1, 3))


def test_what_cannot_be_is_refused_in_one_line(refused):
    said = refused("profile", "open.toml", "--export-networks", "a", "--times", "b")
    assert said == "--export-networks comes before another device times them, --times after it; give one of them"
    assert "cannot read the times none.json: No such file" in refused("profile", "open.toml", "--times", "none.json")
    assert refused("profile", "open.toml", "--networks", "5") == "--networks must be at least 20, got 5"
    known = "onnxruntime, openvino, ncnn, mnn, litert, executorch"
    said = refused("profile", "open.toml", "--backend", "tflite")
    assert f"unknown backend 'tflite', did you mean 'litert'? (known: {known})" in said
    assert "cores that this process may use" in refused("profile", "open.toml", "--threads", "5000")
    said = refused("profile", "open.toml", "--backend", "openvino", "--export-networks", "x")
    assert said.startswith("networks for another device are ONNX files, which ONNX Runtime times; with --backend open")
    assert "unknown space 'nope'" in refused("profile", "nope")


def test_a_folder_that_is_not_there_is_told_before_anything_is_timed(refused, tmp_path):
    said = refused("profile", "open.toml", "--networks", "20", "--out", "missing/p.json")
    assert said == "cannot write missing/p.json: there is no folder missing; make it, or choose another --out"
    assert not (tmp_path / "missing").exists()


def test_options_that_another_device_decides_are_refused(refused, tmp_path):
    for option in ("--threads", "--batch", "--networks", "--resolution"):
        value = {"--threads": "2", "--networks": "30"}.get(option, "8")
        said = refused("profile", "open.toml", "--times", "times.json", option, value)
        assert said == f"{option} means nothing with --times, whose file says how they came about; leave it out"
    said = refused("profile", "open.toml", "--export-networks", "nets", "--batch", "8")
    assert "at the top of time_networks.py" in said
    said = refused("profile", "open.toml", "--export-networks", "nets", "--out", "p.json")
    assert said == "--out and --accept-spread are for a profile; leave them out with --export-networks"
    assert not (tmp_path / "nets").exists()
