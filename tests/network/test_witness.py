"""Our arithmetic against fvcore and thop, and every difference explained."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.reference import MODELS, SETTINGS, network
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.core.errors import OptionError
from seesaw_nas.network import witness
from seesaw_nas.network.models import build
from seesaw_nas.network.witness import verify

LEGAL = [
    (flow, parts)
    for flow in ("shuffle", "share", "none", "igcv3")
    for parts in ((1,), (1, 1), (1, 1, 1), (1, 3), (3, 1), (1, 1, 2))
    if flow != "igcv3" or len(set(parts)) == 1
]


def small(flow: str, parts: tuple[int, ...], activation: str = "none") -> Architecture:
    block = Block(3, 5, Partition(parts), flow, activation)
    return Architecture(9, 1, 3, Stem(12, 1), (Stage(12, 1, (block, block)), Stage(24, 2, (block,))), Head(16))


@pytest.mark.parametrize(("flow", "parts"), LEGAL)
def test_both_counters_agree_for_every_flow_and_partition(flow: str, parts: tuple[int, ...]) -> None:
    found = verify(small(flow, parts, "relu6" if parts == (1,) else "none"))
    assert found.fvcore_conv_linear == found.macs
    assert found.params_built == found.params
    assert (found.fvcore.unexplained, found.thop.unexplained, found.differing) == (0, 0, ())
    assert found.agrees


def test_the_papers_network_as_others_count_it() -> None:
    found = verify(network("seesaw-shuffle-0.5d@cifar10"))
    assert found.macs == found.fvcore_conv_linear == 108_212_736  # table 3 prints 108M
    # Batch norms touch 2,076,672 values: 2 operations each in fvcore, 4 in thop. The pool reads 1280 maps of 8x8; thop
    # also counts the 1280 divisions.
    assert found.fvcore.norm == 4_153_344
    assert found.fvcore.pool == 81_920
    assert found.fvcore.total == 112_448_000
    assert found.thop.norm == 8_306_688
    assert found.thop.pool == 83_200
    assert found.thop.total == 116_602_624
    assert found.fvcore.counter.startswith("fvcore 0.")
    assert found.thop.counter.startswith("thop 0.")
    assert {name for name, _ in found.uncounted} == {"aten::add", "aten::hardtanh_", "aten::unflatten"}
    assert found.agrees


@pytest.mark.parametrize("name", ["igcv3-0.5d-t3@cifar100-tiny", "mobilenetv2@cifar100-tiny"])
def test_references_are_explained_to_the_digit(name: str) -> None:
    assert verify(network(name)).agrees


@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("model", MODELS)
def test_all_references_are_explained_to_the_digit(model: str, setting: str) -> None:
    assert verify(network(f"{model}@{setting}")).agrees


def test_a_network_that_is_not_its_spec_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    other = build(small("none", (1,)), seed=0)
    monkeypatch.setattr(witness, "build", lambda architecture, *, seed: other)
    found = verify(small("none", (1, 1)))
    assert not found.agrees
    # 12 -> 36 channels on 9x9: dense 432 weights, halves 216, and batch norm's 72 with either.
    assert found.differing[:2] == (
        "stages.0.0.pw1: 17,496 Multi-Adds by arithmetic, 34,992 by fvcore",
        "stages.0.0.pw1: 288 parameters by arithmetic, 504 in the built network",
    )
    assert found.fvcore.unexplained == found.thop.unexplained == found.fvcore_conv_linear - found.macs > 0


def test_verifying_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    verify(small("shuffle", (1, 3)))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.thorough
def test_nothing_of_the_counters_reaches_the_user() -> None:
    imports = "from seesaw_nas.architecture import reference; from seesaw_nas.network import witness"
    code = f"{imports}; witness.verify(reference.network('igcv3-0.5d-t3@cifar10-tiny'))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("counter", ["fvcore", "thop"])
def test_a_counter_that_is_not_installed_is_told_in_one_line(counter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == counter]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, counter, None)
    with pytest.raises(OptionError, match=rf"^{counter} is not installed; pip install {counter}$"):
        verify(small("none", (1,)))
