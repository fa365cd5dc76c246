"""The command line as a user meets it: arguments in, exit code and the two outputs back."""

import os
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from seesaw_nas.cli import main

Answer = namedtuple("Answer", "code out err")
REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, "-c", "import sys; sys.argv[0] = 'seesaw-nas'; from seesaw_nas.cli import main; main()"]


@pytest.fixture
def cli(capsys, monkeypatch, tmp_path):
    """Run the command line in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["seesaw-nas", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return Answer(ended.value.code, out, err)

    return run


@pytest.fixture
def refused(cli):
    """What a mistake answers: exit code 2, one line on standard error, nothing on standard output."""

    def run(*arguments):
        code, out, err = cli(*arguments)
        assert (code, out) == (2, "")
        assert err.startswith("seesaw-nas: ")
        assert err.count("\n") == 1
        assert "Traceback" not in err
        return err.removeprefix("seesaw-nas: ").rstrip("\n")

    return run


@pytest.fixture(scope="session")
def start():
    """Begin the command line in a process of its own."""

    def started(folder, *arguments, **more):
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [*PROGRAM, *map(str, arguments)], cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True, **more
        )

    return started
