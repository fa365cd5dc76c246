"""Compares our arithmetic with counters by others, which count the built network or the graph that it is exported as.

Few of them follow the convention of :mod:`seesaw_nas.architecture.cost`: most also count batch norm, pooling or
activations, each by its own rule. These additions are computed from the spec; the remaining difference is reported as
unexplained and should be 0. :mod:`seesaw_nas.network.counters` has the counters and their rules.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import nn

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.optional import explain_error
from seesaw_nas.network.counters import COUNTERS, Counter, ExportedGraph, Found, Values, find_package
from seesaw_nas.network.counters.packages import is_installed
from seesaw_nas.network.models import build

ZEROS = "zeros of narrow groups"
MOST_OF_A_REASON = 200  # characters


@dataclass(frozen=True, slots=True)
class Count:
    """The count of one counter for one image: total = macs + what it counts beyond them + unexplained.

    Attributes:
        counter: the counter's package and its version.
        variant: what was asked of it, or what it counted; empty if there is no choice.
        macs: our count of convolutions and linear layers of the network.
        beyond: what the counter counts beyond these, by kind, by arithmetic.
        known: the version whose rules the explanation follows.
    """

    counter: str
    variant: str
    total: int
    macs: int
    beyond: Mapping[str, int]
    known: str

    @property
    def label(self) -> str:
        """The counter with its variant, for people."""
        return f"{self.counter}, {self.variant}" if self.variant else self.counter

    @property
    def unexplained(self) -> int:
        return self.total - self.macs - sum(self.beyond.values())


@dataclass(frozen=True, slots=True)
class Verification:
    """Our counts beside those of the counters that are installed, for one image of the architecture's input size.

    Attributes:
        macs, params: our counts, by arithmetic on the spec.
        params_built: trainable parameters of the built network.
        graph_macs: multiply-adds of the exported graph, by arithmetic on its operators; ``None`` if none was given.
        counts: totals with explanation.
        differing: a sentence for each layer whose multiply-adds by a counter, or whose parameters in the network,
            differ from ours, and for each counter with an unexplained rest.
        uncounted: operators that fvcore does not count, with the number of their calls.
        missing: packages of counters that are not installed.
        failed: counters that are installed and could not count, each with the reason.
    """

    macs: int
    params: int
    params_built: int
    graph_macs: int | None
    counts: tuple[Count, ...]
    differing: tuple[str, ...]
    uncounted: tuple[tuple[str, int], ...]
    missing: tuple[str, ...]
    failed: Mapping[str, str]

    @property
    def agrees(self) -> bool:
        """Whether all counts are equal or explained to the last digit."""
        return self.params == self.params_built and not self.differing


def verify(architecture: Architecture, graph: ExportedGraph | None = None) -> Verification:
    """Build the network, count it on the CPU with every counter that is installed, and explain the differences.

    Args:
        graph: the graph that the network is exported as, for counters of graphs.
    """
    asked = [one for one in COUNTERS if graph is not None or one.of_graph is None]
    installed = [one for one in asked if is_installed(one.module)]
    missing = dict.fromkeys(one.package for one in asked if one not in installed)
    counts: list[Count] = []
    layers: dict[str, Mapping[str, int]] = {}
    uncounted: tuple[tuple[str, int], ...] = ()
    failed: dict[str, str] = {}
    for counter in installed:
        name = str(find_package(counter.module) or counter.module)
        try:
            found = _count(counter, architecture, graph)
        except Exception as error:  # a library of others, of any version, may raise anything
            failed[name] = _reason(error)
            continue
        counts.append(_explain(counter, name, found.total, architecture, graph))
        layers |= {name: found.by_layer} if found.by_layer else {}
        uncounted = found.uncounted or uncounted
    network = build(architecture, seed=0)
    return Verification(
        cost.macs(architecture),
        cost.params(architecture),
        sum(weight.numel() for weight in network.parameters()),
        graph.macs if graph else None,
        tuple(counts),
        (*_differing_layers(architecture, network, layers), *_unexplained(counts)),
        uncounted,
        tuple(missing),
        failed,
    )


def _count(counter: Counter, architecture: Architecture, graph: ExportedGraph | None) -> Found:
    """What a counter finds in a network of its own: some leave buffers behind. Nothing that it prints gets out."""
    with _quiet():
        if counter.of_network is not None:
            network = build(architecture, seed=0).eval()
            return counter.of_network(network, torch.zeros(1, *architecture.input))
        assert counter.of_graph is not None, "a counter counts a network or a graph"
        assert graph is not None, "counters of graphs are asked where there is one"
        return counter.of_graph(graph)


def _reason(error: Exception) -> str:
    text = explain_error(error) if isinstance(error, ImportError) else ""
    return (text or " ".join(str(error).split()) or type(error).__name__)[:MOST_OF_A_REASON]


def _explain(counter: Counter, name: str, total: int, architecture: Architecture, graph: ExportedGraph | None) -> Count:
    macs, values, zeros = cost.macs(architecture), Values.of(architecture), {}
    if counter.of_graph is not None and graph is not None:
        values, zeros = graph.values, {ZEROS: graph.macs - macs}
    beyond = {kind: n for kind, n in {**zeros, **counter.beyond(values)}.items() if n}
    return Count(name, counter.variant, total, macs, beyond, counter.known)


def _differing_layers(
    architecture: Architecture, network: nn.Module, by_counter: Mapping[str, Mapping[str, int]]
) -> Iterator[str]:
    sizes = {name: sum(w.numel() for w in module.parameters()) for name, module in network.named_modules()}
    for layer in cost.layers(architecture):
        for name, macs in by_counter.items():
            if macs[layer.name] != layer.macs:
                yield f"{layer.name}: {layer.macs:,} Multi-Adds by arithmetic, {macs[layer.name]:,} by {name}"
        built = sizes[layer.name] + sizes.get(f"{layer.name}_bn", 0)
        if built != layer.params:
            yield f"{layer.name}: {layer.params:,} parameters by arithmetic, {built:,} in the built network"


def _unexplained(counts: list[Count]) -> Iterator[str]:
    for count in counts:
        if count.unexplained:
            yield f"{count.label}: {count.unexplained:+,} unexplained by the rules of version {count.known}"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Context that hides what counters print, and their deprecation warnings, raised on import and in tracing."""
    nowhere = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        warnings.simplefilter("ignore")
        yield
