"""Architectures, a history of them, and processes of our own that are searched with, stopped and killed."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from engine_evaluators import Noting
from processes import REPOSITORY, InOrder

from seesaw_nas.cli import main
from seesaw_nas.search.history.file_history import FileHistory
from seesaw_nas.search.proposer import Proposer
from seesaw_nas.space import Feasible, load

DRIVER = Path(__file__).with_name("engine_driver.py")
PROGRAM = [sys.executable, "-c", "import sys; sys.argv[0] = 'seesaw-nas'; from seesaw_nas.cli import main; main()"]
SECONDS = 90  # after which anything is stuck
Answer = namedtuple("Answer", "code out err")


@pytest.fixture(scope="session")
def feasible():
    return Feasible.of(load("seesaw-digits"), "300K")


@pytest.fixture(scope="session")
def architectures(feasible):
    """Eight different ones."""
    rng, found = np.random.default_rng(0), {}
    while len(found) < 8:
        architecture = feasible.draw(rng)
        found[architecture.digest] = architecture
    return list(found.values())


@pytest.fixture
def history(feasible, tmp_path):
    return FileHistory(tmp_path / "trials.jsonl", feasible.space, feasible.budget)


@pytest.fixture
def propose(history, architectures):
    """A proposer of so many of the architectures."""
    return lambda count, **more: Proposer(history, InOrder(architectures[:count]), trials=count, **more)


@pytest.fixture
def noting(tmp_path):
    """An evaluator that notes what it does."""
    return lambda **more: Noting(tmp_path / "log", **more)


class Process:
    """A process with a group of its own, to which signals go, as from a terminal."""

    def __init__(self, command, folder):
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
        self.popen = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip

    @property
    def pid(self):
        return self.popen.pid

    def signal(self, number):
        os.killpg(self.popen.pid, number)

    def kill(self):
        """Kill this one alone; the workers are to end by themselves."""
        self.popen.kill()
        self.popen.communicate(timeout=SECONDS)

    def answer(self):
        out, err = self.popen.communicate(timeout=SECONDS)
        return Answer(self.popen.returncode, out, err)

    def close(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.communicate()


@pytest.fixture
def start(tmp_path):
    """Begin a process; whatever is left of it is killed in the end."""
    begun = []

    def started(*command):
        begun.append(Process([*map(str, command)], tmp_path))
        return begun[-1]

    yield started
    for process in begun:
        process.close()


@pytest.fixture
def cli(start):
    """Begin the command line."""
    return lambda *arguments: start(*PROGRAM, *arguments)


@pytest.fixture
def refused(capsys, monkeypatch, tmp_path):
    """What a mistake answers: exit code 2 and one line."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["seesaw-nas", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        _, err = capsys.readouterr()  # on standard output there may be the plan
        assert (ended.value.code, err.count("\n")) == (2, 1)
        return err.removeprefix("seesaw-nas: ").rstrip("\n")

    return run


@pytest.fixture
def drive(start, tmp_path):
    """Begin a search with an evaluator that notes what it does."""

    def driven(seconds=0.0, name="a", **settings):
        return start(sys.executable, DRIVER, tmp_path / "log", seconds, name, json.dumps(settings))

    return driven


@pytest.fixture(scope="session")
def wait_for():
    def waited(holds, *processes):
        end = time.monotonic() + SECONDS
        while not holds():
            for process in processes:
                assert process.popen.poll() is None, f"ended early: {process.answer()}"
            assert time.monotonic() < end, "waited too long"
            time.sleep(0.02)

    return waited
