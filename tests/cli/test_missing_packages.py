"""A package that is not there ends in one line that names it, with exit code 2."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seesaw_nas.core.errors import OptionError
from seesaw_nas.core.optional import explain_error, require

REPOSITORY = Path(__file__).resolve().parents[2]
DIGITS = ["--budget", "300K", "--device", "cpu"]
CASES = [  # what is missing, what is typed, what to install; first what most modules import, for a loaded package stays
    ("torch", ["latency", "seesaw-shuffle-0.5d"], "torch is not installed; pip install torch"),
    ("optuna", ["search", *DIGITS], "optuna is not installed; pip install optuna"),
    ("pandas", ["report", "runs/a"], "pandas is not installed; pip install pandas"),
    ("plotly", ["report", "runs/a"], "plotly is not installed; pip install plotly"),
    ("sklearn", ["search", *DIGITS], "sklearn is not installed; pip install scikit-learn"),
    ("ray", ["search", *DIGITS, "--engine", "ray"], "ray is not installed; pip install 'ray[tune]'"),
    ("pyarrow", ["audit", "a.parquet"], "pyarrow is not installed; pip install pyarrow"),
    ("pooch", ["train", "seesaw-shuffle-0.5d", "--dataset", "cifar10", "--out", "b"],
     "pooch is not installed; pip install pooch"),
    ("onnxruntime", ["predict", "a.onnx", "a.png"], "onnxruntime is not installed; pip install onnxruntime"),
    ("PIL", ["search", "--budget", "1M", "--dataset", "images"], "PIL is not installed; pip install pillow"),
]  # fmt: skip
SCRIPT = """
import contextlib, io, json, sys
from pathlib import Path

for name in ("a.parquet", "a.onnx", "a.png", *(f"images/{label}/{i}.png" for label in "ab" for i in range(20))):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).touch()
for missing, arguments, _ in json.loads(sys.argv[1]):
    sys.modules[missing] = None
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            from seesaw_nas.cli import main
            sys.argv = ["seesaw-nas", *arguments]
            main()
        except SystemExit as ended:
            code = ended.code
    del sys.modules[missing]
    print(json.dumps([missing, code, said.getvalue()]))
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(CASES)],
        capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path_factory.mktemp("missing"),
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {found[0]: found[1:] for found in map(json.loads, done.stdout.splitlines())}


@pytest.mark.slow
@pytest.mark.parametrize(("missing", "arguments", "told"), CASES, ids=[case[0] for case in CASES])
def test_verb_that_wants_a_package_names_it(answers, missing, arguments, told):
    assert answers[missing] == [2, f"seesaw-nas: {told}\n"]


def test_driver_of_a_database_is_named(refused):
    told = "no driver for mysql://me@host/nas: MySQLdb is not installed; pip install mysqlclient"
    assert refused("search", *DIGITS, "--storage", "mysql://me@host/nas") == told


def test_parquet_without_pyarrow_is_one_line(monkeypatch, tmp_path):
    import pandas as pd

    from seesaw_nas.report.tables import write_table

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(OptionError, match=r"^pyarrow is not installed; pip install pyarrow$"):
        write_table(tmp_path / "a.parquet", pd.DataFrame({"top1": [0.5]}))
    assert list(tmp_path.iterdir()) == []


def test_figure_without_kaleido_says_what_to_install(monkeypatch, tmp_path):
    import plotly.graph_objects as go

    from seesaw_nas.core.errors import RunError
    from seesaw_nas.report.figures.images import write_image

    monkeypatch.setattr("plotly.io._kaleido.kaleido_available", lambda: False)
    with pytest.raises(RunError, match=r"an image needs kaleido \(pip install 'kaleido>=1'\) and Chrome"):
        write_image(tmp_path / "a.png", go.Figure())


def test_library_that_wants_another_package_names_that_one():
    with pytest.raises(OptionError, match=r"^distutils is not installed; pip install setuptools$"), require("thop"):
        raise ModuleNotFoundError("No module named 'distutils'", name="distutils")


def test_package_that_is_broken_says_how():
    error = ImportError("libcudart.so.12: cannot open shared object file", name="torch._C")
    assert explain_error(error) == (
        "torch cannot be loaded (libcudart.so.12: cannot open shared object file); pip install torch"
    )


@pytest.mark.parametrize("name", ["seesaw_nas.nothing", "json.nothing", None])
def test_defect_of_ours_is_no_missing_package(name):
    assert explain_error(ImportError("cannot import it", name=name)) == ""
