"""Taking turns by a clock made up for the test, and the file in which another device hands times over."""

import json
import subprocess
import sys

import pytest

from seesaw_nas.architecture import compact
from seesaw_nas.core.errors import ProfileError
from seesaw_nas.deploy.profiling.networks import MANIFEST, SCRIPT, draw, write_folder
from seesaw_nas.deploy.profiling.times import read, take_turns
from seesaw_nas.space import load

DIGITS = load("seesaw-digits")
NETWORK = draw(DIGITS, 10, seed=0)[0]


class Machine:
    """A clock that calls advance; the process computes for half of the time."""

    def __init__(self):
        self.now, self.log = 0.0, []

    def opener(self, name, seconds):
        def call():
            self.now += seconds
            self.log.append(name)

        return lambda: call


def test_networks_take_turns_and_two_calls_of_each_are_not_timed():
    machine, told = Machine(), []
    openers = [machine.opener("a", 1.0), machine.opener("b", 2.0)]
    found = take_turns(openers, 2, 3, lambda *done: told.append(done), lambda: machine.now, lambda: machine.now / 2)
    assert "".join(machine.log) == 2 * ("aaaaa" + "bbbbb")
    assert found == [((1.0,) * 6, (0.5,) * 6), ((2.0,) * 6, (1.0,) * 6)]
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.fixture
def content():
    entry = {"file": "0000.onnx", "architecture": compact.write(NETWORK), "seconds": [2e-3, 3e-3, 5e-3]}
    return {
        "schema": "seesaw-nas network times",
        "schema_version": 1,
        "backend": "onnxruntime",
        "threads": 2,
        "batch": 1,
        "machine": {"processor": "a phone's"},
        "networks": [entry, entry | {"cpu_seconds": [1e-3, 2e-3, 4e-3]}],
    }


def refusal(tmp_path, content) -> str:
    path = tmp_path / "times.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ProfileError) as caught:
        read(path)
    return str(caught.value)


def test_a_time_is_that_of_the_lowest_tenth_of_calls_by_the_process_where_it_was_watched(tmp_path, content):
    path = tmp_path / "times.json"
    path.write_text(json.dumps(content))
    found = read(path)
    # between the first and the second of three calls, a fifth of the way: 2 + 0.2 * (3 - 2) and 1 + 0.2 * (2 - 1)
    assert [entry.seconds for entry in found.networks] == pytest.approx([2.2e-3, 1.2e-3])
    assert found.networks[0].architecture == NETWORK
    assert (found.threads, found.machine["processor"]) == (2, "a phone's")
    assert found.core_share == pytest.approx(2 / 3)


@pytest.mark.parametrize("seconds", [[], [1.0, 1.0], [1e-3, 0, 1e-3], [1e-3, -1.0, 1e-3], [1e-3, float("nan"), 1e-3],
                                     [1e-3, 7200, 1e-3], [1e-3, "2", 1e-3], "fast"])  # fmt: skip
def test_times_that_no_call_takes_are_refused(tmp_path, content, seconds):
    content["networks"][0] = content["networks"][0] | {"seconds": seconds}
    assert "networks[0].seconds: " in refusal(tmp_path, content)


def test_what_is_no_file_of_times_is_refused(tmp_path, content):
    assert "schema: 'seesaw-nas network times' is wanted, got none" in refusal(tmp_path, [])
    assert "networks: a list of at least one is wanted" in refusal(tmp_path, content | {"networks": []})
    assert "threads: at least 1 is wanted" in refusal(tmp_path, content | {"threads": 0})
    entry = content["networks"][0] | {"architecture": "3x32"}
    assert "networks[0].architecture: an architecture such as" in refusal(tmp_path, content | {"networks": [entry]})


def test_the_script_times_the_networks_of_its_folder_without_this_package(tmp_path):
    folder = tmp_path / "networks"
    networks = draw(DIGITS, 10, seed=0)[:2]
    write_folder(folder, DIGITS, networks)
    assert sorted(path.name for path in folder.iterdir()) == ["0000.onnx", "0001.onnx", MANIFEST, SCRIPT.name]
    lines = SCRIPT.read_text().splitlines()
    assert "seesaw_nas" not in "".join(lines)
    assert len(lines) < 60
    subprocess.run([sys.executable, "-I", str(folder / SCRIPT.name)], check=True, capture_output=True, timeout=120)
    found = read(folder / "times.json")
    assert [entry.architecture for entry in found.networks] == [network.canonical for network in networks]
    assert all(len(entry.calls) == 48 for entry in found.networks)  # 8 rounds of 6


def test_a_folder_that_is_there_is_not_written_to(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ProfileError, match="exists already and nothing is overwritten"):
        write_folder(tmp_path, DIGITS, [NETWORK])
