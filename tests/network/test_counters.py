"""Each counter by others: its rule on several networks, and the package that it really is of."""

from __future__ import annotations

import base64
import hashlib
import sys
from pathlib import Path

import pytest
import torch

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.reference import network
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.deploy.export import counted_graph
from seesaw_nas.network import folded
from seesaw_nas.network.counters import COUNTERS, Counter, Values, find_package, torch_flops
from seesaw_nas.network.counters.packages import is_installed
from seesaw_nas.network.models import build

PAPER = "seesaw-shuffle-0.5d@cifar10"
# What each finds in the paper's network of 108,212,736 Multi-Adds. Its batch norms process 2,076,672 values and have
# 34,176 weights and biases; ReLU6 processes 933,888 values, the pool reads 81,920 and writes 1,280; 10 classes.
TOTALS = {
    "torch, FlopCounterMode": 108_212_736,
    "fvcore, conv and linear": 108_212_736,
    "fvcore, all operators": 108_212_736 + 2 * 2_076_672 + 81_920,
    "thop, ": 108_212_736 + 4 * 2_076_672 + 81_920 + 1_280,
    "ptflops, backend pytorch": 108_212_736 + 2 * 2_076_672 + 933_888 + 2 * 81_920 + 10,
    "ptflops, backend aten": 108_212_736 + 10,
    "torchinfo, ": 108_212_736 + 34_176 + 10,
    "torchprofile, ": 108_212_736 + 2_076_672 + 1_280,
    "calflops, ": 108_212_736,
    # the graph's 117,944,832; a bias for each value but those of pw2; two comparisons for each clip; sums of 167,936
    "onnx_tool, exported graph": 117_944_832 + 1_900_554 + 2 * 933_888 + 81_920 + 167_936,
}
EVERY = [pytest.param(counter, id=f"{counter.module}-{counter.variant}") for counter in COUNTERS]


def total(counter: Counter, architecture: Architecture) -> int:
    if not is_installed(counter.module):
        pytest.skip(f"{counter.package} is not installed")
    if counter.module == "calflops" and not is_installed("transformers"):
        pytest.skip("calflops needs transformers, which is not installed")
    if counter.of_graph is not None:
        return counter.of_graph(counted_graph.make(architecture)).total
    assert counter.of_network is not None
    return counter.of_network(build(architecture, seed=0).eval(), torch.zeros(1, *architecture.input)).total


def test_every_counter_has_its_figure_here() -> None:
    assert [f"{one.module}, {one.variant}" for one in COUNTERS] == list(TOTALS)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("counter", EVERY)
def test_the_papers_network_as_each_counts_it(counter: Counter) -> None:
    assert total(counter, network(PAPER)) == TOTALS[f"{counter.module}, {counter.variant}"]


def odd(flow: str, parts: tuple[int, ...], head: int, activation: str = "none") -> Architecture:
    block = Block(3, 5, Partition(parts), flow, activation)
    return Architecture(9, 1, 3, Stem(12, 2), (Stage(12, 1, (block, block)), Stage(24, 2, (block,))), Head(head))


NETWORKS = {
    "shuffle": odd("shuffle", (1, 3), 16),
    "share": odd("share", (1, 1, 2), 20),
    "none": odd("none", (1, 1, 1), 8),
    "igcv3": odd("igcv3", (1, 1), 16),
    "dense": odd("none", (1,), 16, "relu6"),
    "wide enough for pieces": Architecture(
        8, 3, 100, Stem(64, 1), (Stage(64, 1, (Block(6, 3, Partition((1, 3)), "shuffle"),) * 2),), Head(32)
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("counter", EVERY)
def test_its_rule_explains_every_network_to_the_digit(counter: Counter, name: str) -> None:
    architecture, found = NETWORKS[name], total(counter, NETWORKS[name])
    if counter.of_graph is None:
        assert found == cost.macs(architecture) + sum(counter.beyond(Values.of(architecture)).values())
    else:
        graph = counted_graph.make(architecture)
        assert found == graph.macs + sum(counter.beyond(graph.values).values())


def test_values_of_the_papers_network() -> None:
    assert Values.of(network(PAPER)) == Values(
        norm=2_076_672, norm_params=34_176, activations=933_888, pool_in=81_920, pool_out=1_280, biases=10, sums=86_016
    )


def test_why_torchs_counter_is_asked_about_the_trained_network_alone() -> None:
    architecture, image = network(PAPER), torch.zeros(1, 3, 32, 32)
    count = torch_flops.COUNTER.of_network
    assert count is not None
    fused = count(folded.fuse(build(architecture, seed=0)), image).total
    assert fused < 0.91 * cost.macs(architecture)  # products written in place count nothing


class TestPackages:
    """Two packages that install one folder: the files that are there say which it is."""

    @pytest.fixture
    def place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.syspath_prepend(str(tmp_path))
        return tmp_path

    @staticmethod
    def install(place: Path, name: str, version: str, text: str) -> None:
        """As pip does it: files are written over those of others, whose records stay."""
        (place / "twofold").mkdir(exist_ok=True)
        (place / "twofold" / "__init__.py").write_text(text)
        checksum = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
        about = place / f"{name.replace('-', '_')}-{version}.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (about / "RECORD").write_text(f"twofold/__init__.py,sha256={checksum},{len(text)}\n")

    @pytest.mark.parametrize("order", [("twofold", "great-twofold"), ("great-twofold", "twofold")])
    def test_the_last_one_installed_is_named(self, place: Path, order: tuple[str, str]) -> None:
        for version, name in enumerate(order, start=1):
            self.install(place, name, f"{version}.0", f"'of {name}'")
        assert str(find_package("twofold")) == f"{order[1]} 2.0"

    def test_one_that_was_changed_by_hand_is_named_if_it_is_the_only_one(self, place: Path) -> None:
        self.install(place, "twofold", "1.0", "'as it was'")
        (place / "twofold" / "__init__.py").write_text("'changed'")
        assert str(find_package("twofold")) == "twofold 1.0"
        self.install(place, "great-twofold", "2.0", "'another'")
        (place / "twofold" / "__init__.py").write_text("'changed again'")
        assert find_package("twofold") is None  # nobody can say

    def test_a_folder_of_no_package_has_no_name(self, place: Path) -> None:
        (place / "unlisted.py").write_text("")
        assert find_package("unlisted") is None
        assert find_package("not_there_at_all") is None

    def test_what_is_installed_is_found_without_importing(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.install(place, "twofold", "1.0", "raise SystemExit")
        assert is_installed("twofold")
        monkeypatch.setitem(sys.modules, "twofold", None)
        assert not is_installed("twofold")
        assert not is_installed("not_there_at_all")
