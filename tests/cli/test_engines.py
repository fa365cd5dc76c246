"""The command line on a terminal with every engine: a search shows its progress, and another engine may resume it."""

import importlib.util
import json
import os
import subprocess

import pytest
from conftest import PROGRAM, REPOSITORY

TABLE = REPOSITORY / "benchmarks/tables/digits-small.parquet"
WITH_RAY = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")
ENGINES = {"serial": ["serial"], "local": ["local", "--workers", 2], "ray": ["ray", "--workers", 2]}

pytestmark = pytest.mark.slow


def on_terminal(folder, *arguments):
    """The exit code of the command line in a terminal of its own, and all that it wrote there."""
    ours, theirs = os.openpty()
    environment = os.environ | {
        "PYTHONPATH": str(REPOSITORY),
        "OMP_NUM_THREADS": "1",
        "TERM": "xterm",
        "COLUMNS": "160",
    }
    process = subprocess.Popen(
        [*PROGRAM, *map(str, arguments)], cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            if not (read := os.read(ours, 4096)):
                break
        except OSError:  # on Linux the end of the last writer is an error
            break
        written += read
    os.close(ours)
    return process.wait(90), written.decode(errors="replace")


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("engine", "other"),
    [
        ("serial", "local"),
        ("local", "serial"),
        pytest.param("ray", "ray", marks=WITH_RAY),
    ],
)
def test_search_shows_progress_and_is_resumed(engine, other, tmp_path):
    table = ["--evaluator", "table", "--table", TABLE]
    begun = on_terminal(tmp_path, "search", *table, "--trials", 2, "--name", "a", "--engine", *ENGINES[engine])
    resumed = on_terminal(tmp_path, "resume", "runs/a", "--trials", 4, "--engine", *ENGINES[other])
    for (code, written), trials in ((begun, 2), (resumed, 4)):
        assert code == 0, written
        assert "Traceback" not in written
        assert "2/2" in written  # of the bar, which a pipe does not get: two trials to do each time
        assert f"ended because the wanted number of trials, {trials}, is reached; {trials} recorded" in written
    assert json.loads((tmp_path / "runs/a/best.json").read_text())
