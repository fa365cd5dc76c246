"""The benchmark for GPUs runs on any device, on next to nothing, in every one of its parts."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import seesaw_nas

ROOT = Path(seesaw_nas.__file__).parent.parent
SCRIPT = ROOT / "benchmarks" / "gpu.py"
PARTS = {
    "conditions", "setting", "limits", "steps", "waits", "agreement", "supernet", "epoch", "training", "search",
    "deployed", "profile", "layouts", "compiled",
}  # fmt: skip
pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="benchmarks/ is in a clone alone")


def run(*words):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    return subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, words)],
        capture_output=True, text=True, check=False, timeout=1000, env=environment,
    )  # fmt: skip


def failures(value):
    """Every reason under a key ``failed``, however deep."""
    if not isinstance(value, dict):
        return []
    own = [value["failed"]] if "failed" in value else []
    return own + [each for inner in value.values() for each in failures(inner)]


@pytest.fixture(scope="module")
def tried(tmp_path_factory):
    out = tmp_path_factory.mktemp("gpu")
    ended = run("--smoke", "--out", out, "--device", "cpu", "--seconds", 900, "--commit", "0123abc")
    assert ended.returncode == 0, ended.stderr
    return json.loads((out / "gpu.json").read_text()), ended.stdout, out


@pytest.mark.thorough
def test_every_part_leaves_figures_and_none_fails(tried):
    found, said, _ = tried
    assert set(found) == PARTS
    assert failures(found) == []
    assert "FAILED" not in said
    assert found["setting"]["smoke"] is True
    assert {"device", "torch", "python", "created"} <= set(found["conditions"])
    assert found["conditions"]["commit"] == "0123abc"


@pytest.mark.thorough
def test_figures_are_where_a_reader_looks_for_them(tried):
    found, said, out = tried
    assert found["steps"]["ours, batch 8"]["images_per_second"] > 0
    assert found["steps"]["times plain"]["plain"] == 1.0
    assert found["waits"]["training, modern and mixup"] == {}  # a CPU is never waited for
    assert len(found["agreement"]["ours"]) == 4
    assert 1.5 < found["agreement"]["ours"][0] < 4  # nothing is learnt yet of ten classes: about ln 10 = 2.30
    assert found["agreement"]["ours, apart from plain"] < 1e-4
    assert found["supernet"]["scores, 1 a call"]["images"] == 32
    assert found["search"]["1 at a time"]["trials"][0]["macs"] > 0
    assert found["deployed"]["float32, fused, batch 2"]["difference"] < 1e-4
    (trained,) = (value for key, value in found["training"].items() if key.startswith("modern, 1 epochs"))
    assert 0 <= trained["top1"] <= 1
    assert "aten::" in (out / "profile-ours.txt").read_text()
    assert re.search(r"summary\n.*batch +8 ours .* images/s", said, re.DOTALL)


def test_without_time_left_every_part_says_so(tmp_path):
    ended = run("--smoke", "--out", tmp_path, "--device", "cpu", "--seconds", 5, "--parts", "limits", "search")
    assert ended.returncode == 0, ended.stderr
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert set(found) == {"conditions", "setting", "limits", "search"}
    assert re.fullmatch(r"[0-5] s left", found["search"]["left out"])
    assert "search    left out" in ended.stdout
