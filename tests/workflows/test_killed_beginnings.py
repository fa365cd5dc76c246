"""Killed at any step of a beginning, and given again, every command trains: nothing is stuck and nothing is left over.

Each beginning runs in a process of its own, up to the first training. At its n-th step that touches a file below the
test's folder it is killed; n grows until training is reached without: by 5, or by what the environment variable
SEESAW_NAS_KILL_STRIDE says. ``benchmarks/kills.py`` goes on beyond the beginning.
"""

import os
import signal
import sys
import traceback

import numpy as np
import pytest

from seesaw_nas import api, space
from seesaw_nas.architecture import specfile
from seesaw_nas.core.files import write_json
from seesaw_nas.core.run_folder import NameTaken, RunFolder
from seesaw_nas.evaluators.trained import TrainedEvaluator
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.space import Feasible
from seesaw_nas.training import loop
from seesaw_nas.training.options import TrainSettings
from seesaw_nas.workflows import supernets

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="wants fork"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]
TRAINS, IS_TAKEN, BROKE = 0, 3, 70
MOST_STEPS = 80
STRIDE = int(os.environ.get("SEESAW_NAS_KILL_STRIDE", "5"))
SMALL = SearchSettings.of(
    dataset="digits", budget="300K", trials=1, strategy="random", epochs=3, train_size=64, device="cpu"
)
SHARED = SMALL.replace(plan="shared", supernet_epochs=1, candidates=4, tuned=0)
CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate")


def reach(*_, **__):
    """In place of every training."""
    os._exit(TRAINS)


def count_steps(below, kill_at):
    """Kill this process at its step ``kill_at`` that changes a file ``below``."""
    steps = 0

    def step():
        nonlocal steps
        steps += 1
        if steps == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event, given):
        writes = event == "open" and isinstance(given[0], str) and given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if (writes or event in CHANGES) and str(below) in os.path.abspath(os.fsdecode(given[0])):
            step()

    def sync(descriptor):
        step()

    sys.addaudithook(hook)
    os.fsync = sync  # what is written is in the file, which has not got its name yet


def begin_in_a_child(command, below, kill_at=0):
    """How a process ends that gives this command: its exit code, negative for a signal."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        os.chdir(below)
        loop.train = supernets.train_supernet = TrainedEvaluator.evaluate = reach
        count_steps(below, kill_at)
        command()
    except NameTaken:
        os._exit(IS_TAKEN)
    except BaseException:
        traceback.print_exc()
    os._exit(BROKE)


def search(again):
    return api.resume("runs/a") if again else api.begin(SMALL, name="a")


def search_in_a_database(again):
    storage = {"storage": "sqlite:///runs.db"}
    if again:
        return api.resume("runs/a", **storage)
    return api.begin(SMALL.replace(**storage), name="a")


def shared_plan(again):
    return api.resume("runs/a") if again else api.begin(SHARED, name="a")


def rounds(again):
    return api.resume("runs/a") if again else api.begin(SHARED.replace(candidates=0), name="a")


def supernet(again):
    return api.supernet(SMALL, resume=again)


def train(again):
    settings = TrainSettings.of("net.json", recipe="quick", epochs=1, train_size=64, device="cpu")
    return api.train(settings, resume=again)


def tabulate(again):
    return api.tabulate(SMALL, "t.parquet", seeds=1)


@pytest.fixture
def place(tmp_path):
    """The folder in which commands are given, with a small network's spec in it."""
    feasible = Feasible.of(space.load("seesaw-digits"), "300K")
    named = specfile.Named("net", feasible.draw(np.random.default_rng(0)))
    write_json(tmp_path / "net.json", specfile.document(named, {"dataset": "digits"}))
    return tmp_path


@pytest.mark.thorough
@pytest.mark.parametrize("command", [search, search_in_a_database, shared_plan, rounds, supernet, train, tabulate])
def test_whatever_is_killed_while_it_begins_begins_again(command, place):
    stride = 3 * STRIDE if command is search_in_a_database else STRIDE  # whose tables take seconds to make
    for kill_at in range(1, MOST_STEPS, stride):
        below = place / f"{command.__name__}-{kill_at}"
        below.mkdir()
        os.link(place / "net.json", below / "net.json")
        first = begin_in_a_child(lambda: command(again=False), below, kill_at)
        assert first in (-signal.SIGKILL, TRAINS)
        ended = begin_in_a_child(lambda: command(again=False), below)
        if ended == IS_TAKEN:
            for run in [path.parent for path in below.rglob("run.json")]:
                RunFolder.open(run)  # whole
            ended = begin_in_a_child(lambda: command(again=True), below)
        assert ended == TRAINS, f"after a kill at step {kill_at}"
        assert not [path for path in below.rglob("*") if path.name.startswith(".unfinished") or ".part" in path.suffix]
        if first == TRAINS:
            break
    assert first == TRAINS
    assert kill_at > 3
