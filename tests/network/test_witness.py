"""Our arithmetic against counters by others, and every difference explained."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.reference import MODELS, SETTINGS, network
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.deploy.export import counted_graph
from seesaw_nas.network import witness
from seesaw_nas.network.counters import Counter, Found, torch_flops
from seesaw_nas.network.counters.counter import nothing
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
def test_all_counters_agree_for_every_flow_and_partition(flow: str, parts: tuple[int, ...]) -> None:
    architecture = small(flow, parts, "relu6" if parts == (1,) else "none")
    found = verify(architecture, counted_graph.make(architecture))
    assert found.params_built == found.params
    assert found.differing == ()
    assert {count.label: count.unexplained for count in found.counts if count.unexplained} == {}
    assert found.agrees


def test_the_papers_network_as_others_count_it() -> None:
    found = verify(network("seesaw-shuffle-0.5d@cifar10"))
    counts = {(count.counter.split()[0], count.variant): count for count in found.counts}
    assert found.macs == 108_212_736  # table 3 prints 108M
    assert counts["torch", "FlopCounterMode"].total == counts["fvcore", "conv and linear"].total == 108_212_736
    # Batch norms touch 2,076,672 values: 2 operations each in fvcore, 4 in thop. The pool reads 1280 maps of 8x8; thop
    # also counts the 1280 divisions.
    assert counts["fvcore", "all operators"].beyond == {"batch norm": 4_153_344, "pooling": 81_920}
    assert counts["fvcore", "all operators"].total == 112_448_000
    assert counts["thop", ""].beyond == {"batch norm": 8_306_688, "pooling": 83_200}
    assert counts["thop", ""].total == 116_602_624
    assert all(count.counter.split()[1][0].isdigit() for count in found.counts)
    assert {name for name, _ in found.uncounted} == {"aten::add", "aten::hardtanh_", "aten::unflatten"}
    assert found.graph_macs is None
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
    torch_says, fvcore_says, params = found.differing[:3]
    assert torch_says.startswith("stages.0.0.pw1: 17,496 Multi-Adds by arithmetic, 34,992 by torch 2.")
    assert fvcore_says.startswith("stages.0.0.pw1: 17,496 Multi-Adds by arithmetic, 34,992 by fvcore 0.")
    assert params == "stages.0.0.pw1: 288 parameters by arithmetic, 504 in the built network"
    # Seven layers lose half: 2 pw1 and 1 pw2 of 12x36 on 9x9 and the pw2 beside, then 12x36 on 9x9 and 36x24 on 5x5.
    excess = 5 * 81 * 216 + 25 * 432
    assert {count.unexplained for count in found.counts} == {excess}
    assert f": +{excess:,} unexplained by the rules of version " in found.differing[-1]


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


def test_a_counter_that_is_not_installed_is_named_and_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "fvcore"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "fvcore", None)
    found = verify(small("none", (1,)))
    assert "fvcore" in found.missing
    assert not [count for count in found.counts if count.counter.startswith("fvcore")]
    assert found.agrees


def test_a_counter_that_cannot_count_says_why_and_the_rest_still_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Found:
        print("a page of its own")
        raise RuntimeError("no such\noperator")

    def lack(*_: object) -> Found:
        raise ModuleNotFoundError("No module named 'transformers'", name="transformers")

    broken = [Counter("fvcore", "fvcore", "1", nothing, fail), Counter("thop", "thop", "1", nothing, lack)]
    monkeypatch.setattr(witness, "COUNTERS", (torch_flops.COUNTER, *broken))
    found = verify(small("none", (1,)))
    assert sorted(found.failed.values()) == [
        "no such operator", "transformers is not installed; pip install transformers",
    ]  # fmt: skip
    assert [count.variant for count in found.counts] == ["FlopCounterMode"]
    assert found.agrees


def test_another_version_with_other_rules_is_unexplained_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = Counter("fvcore", "fvcore", "9.9", nothing, lambda model, image: Found(7))
    monkeypatch.setattr(witness, "COUNTERS", (odd,))
    found = verify(small("none", (1,)))
    (sentence,) = found.differing
    assert sentence.startswith("fvcore 0.")
    assert sentence.endswith(f": {7 - found.macs:+,} unexplained by the rules of version 9.9")
    assert not found.agrees
