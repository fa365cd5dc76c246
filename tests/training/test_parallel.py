"""Several processes that train one network: their arithmetic, and two real ones on the CPU."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import load_file
from two_processes import linear_epoch

from seesaw_nas.architecture import specfile
from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.core import torchrun
from seesaw_nas.core.errors import OptionError
from seesaw_nas.core.files import write_json
from seesaw_nas.data import workers
from seesaw_nas.training import parallel
from seesaw_nas.training.parallel import ALONE, Ranks

REPOSITORY = Path(__file__).resolve().parents[2]
BLOCK = Block(2, 3, Partition((1, 3)), "shuffle")
SMALL = Architecture(8, 3, 2, Stem(8, 1), (Stage(8, 2, (BLOCK,)),), Head(32))


@given(st.integers(2, 200), st.integers(1, 8))
def test_shares_partition_a_batch_and_their_weighted_means_are_its_mean(n, world):
    batch, ranks = torch.randn(n, dtype=torch.float64), [Ranks(rank, world) for rank in range(world)]
    shares = [each.share(batch) for each in ranks]
    assert torch.equal(torch.cat(shares), batch)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    means = [each.weight(len(share), n) * share.mean() for each, share in zip(ranks, shares, strict=True) if len(share)]
    assert sum(means).item() / world == pytest.approx(batch.mean().item(), abs=1e-12)


def test_batch_that_leaves_a_process_one_image_is_refused():
    Ranks(0, 4).check(8)
    with pytest.raises(OptionError, match=r"4 processes cannot share a batch of 7 images: .* start at most 3"):
        Ranks(0, 4).check(7)


def test_one_process_makes_no_group():
    with parallel.join_processes("cpu") as (ranks, device):
        assert (ranks, device) == (ALONE, torch.device("cpu"))
        assert not dist.is_initialized()
    assert torchrun.leads()
    module = torch.nn.Linear(1, 1)
    assert ALONE.wrap(module) is module


def test_what_torchrun_says_is_read(monkeypatch):
    monkeypatch.setattr(workers, "cores", lambda: 16)
    monkeypatch.setenv("WORLD_SIZE", "4")  # by itself it may be of something else
    assert (torchrun.processes_here(), workers.default_workers()) == (1, 15)
    for name, value in {"TORCHELASTIC_RUN_ID": "none", "RANK": "3", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    assert (torchrun.leads(), torchrun.processes_here(), workers.default_workers()) == (False, 2, 7)


Ended = namedtuple("Ended", "code out err")


def start_two(folder, *arguments):
    """Two processes on a port of their own; none of them outlives the call."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1"]
    command = [*launcher, "--nproc-per-node", "2", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    ) as process:
        try:
            out, err = process.communicate(timeout=180)
        except subprocess.TimeoutExpired:
            process.terminate()  # torchrun's processes have groups of their own, which it ends within 30 seconds
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=60)
            raise
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return Ended(process.returncode, out, err)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The folder that two processes leave, one of which dies at the end; what each found; how torchrun ended."""
    folder = tmp_path_factory.mktemp("two")
    ended = start_two(folder, Path(__file__).with_name("two_processes.py"), folder)
    assert (folder / "1.safetensors").exists(), ended.err
    return folder, [load_file(folder / f"{rank}.safetensors") for rank in (0, 1)], ended


def part(tensors, what):
    return {name.removeprefix(f"{what}."): t for name, t in tensors.items() if name.startswith(f"{what}.")}


@pytest.mark.thorough
def test_two_processes_end_with_the_same_bits(found):
    first, second = found[1]
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.slow
def test_gradients_are_those_of_one_process(found):
    # batches of 15 images, so shares of 8 and 7; six steps with momentum agree to rounding
    together, alone = part(found[1][0], "linear"), linear_epoch(ALONE)
    assert together["loss"].item() == pytest.approx(alone["loss"].item(), rel=1e-6)
    for name in ("weight", "bias"):
        torch.testing.assert_close(together[name], alone[name], rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_signal_to_one_process_ends_both_and_they_resume_to_the_same_weights(found):
    folder, (tensors, _), _ = found
    line = "stopped by SIGTERM at epoch 2, step 1, of 2 epochs"
    for rank in (0, 1):
        assert (folder / f"ended-{rank}.txt").read_text().startswith(line)
    whole, resumed = part(tensors, "whole"), part(tensors, "resumed")
    for name, tensor in whole.items():
        if "running" in name or name == "scores":  # averaged once more on the way, which rounds
            torch.testing.assert_close(resumed[name], tensor, rtol=1e-5, atol=1e-6)
        else:
            assert torch.equal(resumed[name], tensor), name


@pytest.mark.slow
def test_process_that_dies_ends_the_other_with_one_clear_line_and_torchrun_with_an_error(found):
    folder, _, ended = found
    assert ended.code == 1
    assert (folder / "lost.txt").read_text() == (
        "process 0 of 2 ends because another one has ended; see the message of that one or of torchrun"
    )


@pytest.mark.thorough
def test_command_as_a_user_types_it_prints_and_writes_once(tmp_path):
    write_json(tmp_path / "small.json", specfile.document(Named("small", SMALL)))
    rng = np.random.default_rng(0)
    for label in ("a", "b"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for i in range(40):
            Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(tmp_path / f"photos/{label}/{i}.png")
    options = ["--dataset", "photos", "--recipe", "quick", "--epochs", "2", "--device", "cpu", "--out", "t", "--json"]
    ended = start_two(tmp_path, "-m", "seesaw_nas", "train", "small.json", *options)
    assert ended.code == 0, ended.err
    record = json.loads((tmp_path / "t/result.json").read_text())
    assert json.loads(ended.out)["top1"] == record["top1"]  # so there is one JSON object, of one process
    assert (len(record["curve"]), record["conditions"]["processes"]) == (2, "2")
    assert {path.name for path in tmp_path.iterdir()} == {"small.json", "photos", "t"}
    names = {path.name for path in (tmp_path / "t").iterdir()}
    assert names == {"run.json", "spec.json", "result.json", "weights.safetensors", "owner.lock"}
    assert ended.err.count("network   small") == 1
    assert "Warning" not in ended.err
