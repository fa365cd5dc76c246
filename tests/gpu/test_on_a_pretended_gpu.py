"""Processes that have pretended GPUs: all tests for a GPU, and a search on two of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pretend_gpu import uses

pytestmark = pytest.mark.thorough

TESTS = Path(__file__).resolve().parents[1]
MARK = "pytest.mark." + "gpu"
NOT_PRETENDED = "needs CUDA itself"  # the only reason to leave a test out


def test_all_tests_for_a_gpu_pass(environment):
    files = [str(path) for path in sorted(TESTS.rglob("test_*.py")) if MARK in path.read_text(encoding="utf-8")]
    options = ["-p", "pretend_gpu.plugin", "-p", "no:cacheprovider", "-p", "no:xdist", "-q", "--tb=short", "-m", "gpu"]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *files],
        cwd=TESTS.parent, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = ended.stdout.splitlines()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "passed" in lines[-1]
    assert not [line for line in lines if line.startswith("SKIPPED") and NOT_PRETENDED not in line]


SEARCH = [
    *("--dataset", "digits", "--budget", "600K", "--trials", "2", "--epochs", "1", "--train-size", "64"),
    *("--engine", "local", "--device", "cuda", "--workers-per-gpu", "1", "--name", "two"),
]


@pytest.fixture(scope="module")
def search(environment, tmp_path_factory):
    """The folder in which a search has run with a worker on each of two GPUs."""
    folder, autostart = tmp_path_factory.mktemp("search"), TESTS / "pretend_gpu" / "autostart"
    path = os.pathsep.join([str(autostart), environment["PYTHONPATH"]])
    subprocess.run(
        [sys.executable, "-m", "seesaw_nas", "search", *SEARCH],
        cwd=folder, env=environment | {"PYTHONPATH": path, uses.FILE: str(folder / "uses")}, check=True,
    )  # fmt: skip
    return folder


def test_a_search_trains_on_two_gpus(search):
    results = [
        json.loads(line)
        for line in (search / "runs/two/trials.jsonl").read_text().splitlines()
        if line.startswith('{"end":')
    ]
    assert [result["state"] for result in results] == ["complete", "complete"]
    assert sorted(result["worker"] for result in results) == ["cuda:0 worker 0", "cuda:1 worker 1"]
    front = json.loads((search / "runs/two/front.json").read_text())
    assert "Pretended GPU" in json.dumps(front)


def test_each_worker_uses_its_own_gpu_alone(search):
    found = uses.read(search / "uses")
    main, *workers = dict.fromkeys(use.process for use in found)
    used = [{use.what for use in found if use.process == worker} for worker in workers]
    assert sorted(map(sorted, used)) == [["uses cuda:0"], ["uses cuda:1"]]
    assert not [use for use in found if use.process == main and use.what.startswith("sends")]
