"""optuna-dashboard on a run, as ``dashboard`` serves it."""

import builtins
import json
import signal
import time
import urllib.request
from pathlib import Path

import pytest
from processes import free_port

from seesaw_nas import api

SECONDS = 60


def fetched(address, process):
    end = time.monotonic() + SECONDS
    while True:
        assert process.popen.poll() is None, process.answer()
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return answer.read()
        except OSError:
            assert time.monotonic() < end, "the dashboard does not answer"
            time.sleep(0.1)


def listening(port):
    """The addresses, in hexadecimal, on which someone listens at this port."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            address, at = line.split()[1].split(":")
            if int(at, 16) == port and line.split()[3] == "0A":
                found.add(address)
    return found


@pytest.mark.slow
def test_run_is_served_to_this_machine_alone(cli, noting, tmp_path):
    pytest.importorskip("optuna_dashboard", reason="optuna-dashboard is not installed")
    api.search("seesaw-digits", "300K", evaluator=noting(), trials=2, name="a", runs_dir=tmp_path / "runs")
    port = free_port()
    served = cli("dashboard", "runs/a", "--port", port)
    (study,) = json.loads(fetched(f"http://127.0.0.1:{port}/api/studies", served))["study_summaries"]
    assert study["study_name"] == "a"
    assert b"<html" in fetched(f"http://127.0.0.1:{port}/dashboard", served).lower()
    assert listening(port) == {"0100007F"}
    served.signal(signal.SIGINT)
    answer = served.answer()
    assert answer.code in (0, 130)
    assert f"http://127.0.0.1:{port}/ shows runs/a; Ctrl-C ends it" in answer.err
    assert "Traceback" not in answer.err


def test_missing_dashboard_is_told_in_one_line(refused, noting, tmp_path, monkeypatch):
    api.search("seesaw-digits", "300K", evaluator=noting(), trials=1, name="a", runs_dir=tmp_path / "runs")
    whole = builtins.__import__

    def missing(name, *rest):
        if name == "optuna_dashboard":
            raise ImportError(name)
        return whole(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    assert refused("dashboard", "runs/a") == "optuna-dashboard is not installed; pip install optuna-dashboard"


def test_dashboard_of_what_is_no_run(refused):
    assert refused("dashboard", "nowhere").startswith("nowhere is not a run folder")
