"""Measures latencies: builds a network, prepares its backends, compares them with eager, and times them.

A backend with wrong output is not timed, because its time would say nothing.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core import allocator
from seesaw_nas.core.conditions import conditions as general_conditions
from seesaw_nas.core.device import describe, find_device, full_precision, synchronise
from seesaw_nas.core.errors import RunError, SeesawError
from seesaw_nas.deploy import runtimes
from seesaw_nas.deploy.latency.backends import PREPARE, Call, PreparedNetwork, Target
from seesaw_nas.deploy.latency.race import race
from seesaw_nas.deploy.latency.record import Latency
from seesaw_nas.deploy.latency.request import INT8, LatencySettings
from seesaw_nas.deploy.runtimes import RUNTIMES
from seesaw_nas.network.models import Network, build, load_weights

Load = tuple[int, int]  # images of a call, threads

# as a share of the largest logit; in measurements float32 differs by 2e-6, bfloat16 by 0.04, int8 by 0.1
TOLERANCE = {"float32": 1e-4, "bfloat16": 0.2, "int8": 0.3}
SAMPLES = 32  # random images for the batch norm statistics of a network without trained weights


def measure(
    architecture: Architecture,
    settings: LatencySettings,
    weights: Path | None,
    on_step: Callable[[str, int, int], None],
) -> tuple[Latency, ...]:
    """See :func:`seesaw_nas.deploy.latency.measure`."""
    target = Target(find_device(settings.device), getattr(torch, settings.precision))
    network = _network(architecture, settings.seed, weights)
    allocator.keep_freed_memory()
    loads = list(itertools.product(settings.batches, settings.threads or (torch.get_num_threads(),)))
    steps = len(settings.backends) + len(loads)
    prepared = {}
    for done, backend in enumerate(settings.backends):
        on_step(f"preparing {backend}", done, steps)
        prepared[backend] = _prepare(backend, network, target)
    latencies: list[Latency] = []
    for done, (batch, threads) in enumerate(loads, start=len(prepared)):
        on_step(f"batch {batch}, {threads} thread{'s' if threads > 1 else ''}", done, steps)
        latencies += _measure(network, prepared, settings, (batch, threads))
    return tuple(latencies)


def conditions(settings: LatencySettings) -> dict[str, str]:
    """The conditions of measurements with these settings, as texts.

    Raises:
        OptionError: no such device.
    """
    device = find_device(settings.device)
    keeps_memory = allocator.keep_freed_memory()
    return general_conditions("CPU" if device.type == "cpu" else describe(device), "onnxruntime") | {
        "allocator": "glibc, told to keep freed memory" if keeps_memory else "the C library's own settings for memory",
        "precision": settings.precision,
        "timing": f"{settings.seconds:g} s of calls for each figure, backends in turn",
        **_runtimes(settings),
    }


def _runtimes(settings: LatencySettings) -> dict[str, str]:
    """Versions of the runtimes beside ONNX Runtime that are timed, and what we set in them."""
    names = dict.fromkeys(INT8.get(name, name) for name in settings.backends)
    named = [runtimes.find(name) for name in names if name in RUNTIMES and name != "onnxruntime"]
    versions = [f"{name} {version}" for one in named for name, version in one.versions.items()]
    float32 = [(one.name, one.title, one.settings) for one in named]
    of_int8 = {name: backend for backend, name in INT8.items()}
    int8 = [(of_int8[one.name], f"{one.title} in int8", one.int8_settings) for one in named if one.name in of_int8]
    told = [
        f"{title}: {'; '.join(words)}" for name, title, words in float32 + int8 if words and name in settings.backends
    ]
    return ({"runtimes": ", ".join(versions)} if versions else {}) | ({"settings": ". ".join(told)} if told else {})


def _network(architecture: Architecture, seed: int, weights: Path | None) -> Network:
    """The network in eval mode on the CPU, with trained weights or with random ones."""
    if weights is None:
        return random_network(architecture, seed)
    network = build(architecture, seed=seed)
    load_weights(network, weights)
    return network.eval()


@torch.no_grad()
def random_network(architecture: Architecture, seed: int) -> Network:
    """An untrained network in eval mode on the CPU, whose batch norm has random scales and offsets."""
    network, generator = build(architecture, seed=seed), _generator(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5, generator=generator)
            nn.init.normal_(module.bias, 0.0, 0.5, generator=generator)
            module.momentum = None  # the running statistics are averages over all batches
    network(torch.randn(SAMPLES, *architecture.input, generator=generator))
    return network.eval()


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _prepare(backend: str, network: Network, target: Target) -> PreparedNetwork | Exception:
    """The network in a backend, or the exception of the attempt, since other runtimes may fail in any way."""
    try:
        return PREPARE[backend](network, target)
    except Exception as error:
        return error


def _measure(
    network: Network, prepared: Mapping[str, PreparedNetwork | Exception], settings: LatencySettings, load: Load
) -> list[Latency]:
    """Time every backend with one batch size and number of threads.

    Raises:
        RunError: the network's outputs are not finite, so there is nothing to compare those of a backend with.
    """
    (batch, threads), device = load, find_device(settings.device)
    records = {
        backend: Latency(backend, batch, threads, str(device), _precision(backend, settings)) for backend in prepared
    }
    calls = {}
    with _torch_threads(threads), torch.inference_mode(), full_precision(device):
        try:
            images = torch.randn(batch, *network.architecture.input, generator=_generator(settings.seed))
            expected = network(images)
        except (MemoryError, RuntimeError) as error:
            return [replace(record, reason=_reason(error)) for record in records.values()]
        if not expected.isfinite().all():
            raise RunError("the network puts out numbers that are not finite, so it is not timed; train it again")
        for backend, candidate in prepared.items():
            records[backend], call = _check(records[backend], candidate, images, expected)
            if call is not None:
                calls[backend] = call
        times = race(calls, settings.seconds)
    return [record.with_times(times[name]) if name in times else record for name, record in records.items()]


def _precision(backend: str, settings: LatencySettings) -> str:
    return "int8" if backend in INT8 else settings.precision


def _check(
    record: Latency, candidate: PreparedNetwork | Exception, images: Tensor, expected: Tensor
) -> tuple[Latency, Callable[[], None] | None]:
    """The record with its difference from eager, and a call that waits for the device, or ``None`` after a failure."""
    try:
        if isinstance(candidate, Exception):
            raise candidate
        call = candidate.ready(images, record.threads)
        difference = _difference(call(), expected)
    except Exception as error:
        return replace(record, reason=_reason(error)), None
    finite = difference if math.isfinite(difference) else None
    record = replace(record, device=str(candidate.device), difference=finite)
    most = TOLERANCE[record.precision]
    if not difference <= most:  # true for NaN, too
        reason = f"WRONG OUTPUT, off by {difference:.1g} of eager's largest one; up to {most:g} would be right"
        return replace(record, reason=reason), None
    return record, _synchronised_call(call, candidate.device)


def _difference(output: Tensor, expected: Tensor) -> float:
    """The largest difference as a share of the largest output; as it is where all outputs are 0."""
    return float((output.cpu().float() - expected).abs().max() / (expected.abs().max() or 1.0))


def _synchronised_call(call: Call, device: torch.device) -> Callable[[], None]:
    def call_and_wait() -> None:
        call()
        synchronise(device)

    return call_and_wait


def _reason(error: Exception) -> str:
    """The first line of an error, with its class unless it is an error of ours."""
    if isinstance(error, SeesawError):
        return str(error)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__


@contextmanager
def _torch_threads(threads: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
