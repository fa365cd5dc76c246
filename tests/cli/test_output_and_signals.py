"""What a search does when its reader or its terminal goes away, and when it is told to stop twice."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from seesaw_nas.cli import main
from seesaw_nas.cli.parts.output import Output, outlive_readers
from seesaw_nas.core import signals
from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.evaluators import Score
from seesaw_nas.evaluators.trained import TrainedEvaluator
from seesaw_nas.search.history.places import records_of
from seesaw_nas.workflows import searches

SEARCH = ("search", "--dataset", "digits", "--budget", "300K", "--train-size", "64", "--strategy", "random")
RUN = Path("runs/a")
STOPS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


class Gone:
    """A stream whose reader goes away after some lines."""

    def __init__(self, lines, descriptor, code=errno.EPIPE):
        self.kept, self.left, self.descriptor, self.code = "", lines, descriptor, code

    def write(self, text):
        if self.left <= 0:
            raise OSError(self.code, os.strerror(self.code))
        self.kept += text
        self.left -= text.count("\n")

    def flush(self):
        pass

    def fileno(self):
        return self.descriptor


@pytest.fixture
def descriptor(tmp_path):
    with (tmp_path / "output").open("w") as file:
        yield file.fileno()


@pytest.fixture
def scored(monkeypatch):
    """Scores in place of trainings; ``at(number, work)`` does something within the training of that number."""
    works, asked = {}, iter(range(1000))

    def evaluate(self, architecture, **more):
        works.get(next(asked), lambda: None)()
        return Score(0.5, "validation", 0.0)

    monkeypatch.setattr(TrainedEvaluator, "evaluate", evaluate)
    return works.__setitem__


@pytest.mark.parametrize("code", [errno.EPIPE, errno.EIO])
def test_a_search_goes_on_when_its_reader_goes_away(tmp_path, scored, descriptor, monkeypatch, capsys, code):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["seesaw-nas", *SEARCH, "--trials", "3", "--name", "a"])
    gone = Gone(1, descriptor, code)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", gone)
        with pytest.raises(SystemExit) as ended:
            main()
        assert sys.stdout is gone
    assert ended.value.code == 0
    assert gone.kept.startswith("data      digits")
    assert capsys.readouterr().err == (
        "seesaw-nas: nobody reads the output any more; the work goes on, and its results are in its folder\n"
    )
    assert len(records_of(RunFolder.open(RUN))) == 3


def test_a_list_that_nobody_reads_to_its_end_says_nothing(descriptor, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["seesaw-nas", "show", "igcv3-0.5d"])
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", Gone(1, descriptor))
        with pytest.raises(SystemExit) as ended:
            main()
    assert (ended.value.code, capsys.readouterr().err) == (0, "")


def test_a_full_disk_is_no_reader_that_went_away(descriptor):
    with pytest.raises(OSError, match="No space left"):
        Output(Gone(0, descriptor, errno.ENOSPC)).write("a")


def test_streams_that_are_closed_from_the_beginning_stay_so(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with outlive_readers("note"):
        assert sys.stdout is None
    assert sys.stdout is None


@pytest.mark.parametrize("number", STOPS)
def test_a_signal_lets_the_running_training_end_and_writes_the_results(cli, scored, number):
    scored(1, lambda: os.kill(os.getpid(), number))
    code, _, err = cli(*SEARCH, "--trials", "5", "--name", "a")
    assert (code, err.count("\n")) == (STOPS[number], 1)
    assert err.startswith("seesaw-nas: interrupted; what was finished is kept")
    assert [record.state for record in records_of(RunFolder.open(RUN))] == ["complete", "complete"]
    assert json.loads((RUN / "best.json").read_text())["result"]["top1"] == 0.5


@pytest.mark.thorough
@pytest.mark.parametrize("number", STOPS)
def test_a_second_signal_does_not_count_against_the_trial(cli, scored, number):
    def twice():
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)

    scored(1, twice)
    scored(2, twice)
    scored(3, twice)
    assert cli(*SEARCH, "--trials", "3", "--name", "a").code == STOPS[number]
    assert (RUN / "best.json").exists()
    for _ in range(2):  # more often than a training that kills its process may try
        assert cli("resume", "runs/a").code == STOPS[number]
    assert cli("resume", "runs/a").code == 0
    assert [record.state for record in records_of(RunFolder.open(RUN))] == ["complete"] * 3


@pytest.mark.parametrize("number", STOPS)
def test_a_signal_among_the_results_leaves_them_whole(cli, scored, monkeypatch, number):
    write, asked = searches.write_results, iter(range(10))

    def interrupted(result):
        if next(asked) == 0:
            os.kill(os.getpid(), number)
            pytest.fail("the signal was not obeyed")
        os.kill(os.getpid(), number)  # a second one, as a terminal that is closed may send
        write(result)

    monkeypatch.setattr(searches, "write_results", interrupted)
    assert cli(*SEARCH, "--trials", "2", "--name", "a").code == STOPS[number]
    assert (RUN / "best.json").exists()
    assert (RUN / "report.html").exists()


def test_ctrl_c_while_the_program_ends_prints_no_traceback():
    press = "import atexit, signal, sys; atexit.register(signal.raise_signal, signal.SIGINT)"
    program = f"{press}; sys.argv[1:] = ['--version']; from seesaw_nas.cli import main; main()"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, text=True)
    assert (ended.returncode, ended.stderr) == (-signal.SIGINT, "")


def test_workers_leave_signals_to_their_parent():
    before = {number: signal.getsignal(number) for number in signals.CAUGHT}
    try:
        signals.leave_to_parent()
        for number in signals.CAUGHT:
            os.kill(os.getpid(), number)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
