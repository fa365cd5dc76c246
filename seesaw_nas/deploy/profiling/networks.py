"""Random networks of a space as ONNX files to be timed, here or on a device without this package."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seesaw_nas.architecture import compact
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import ProfileError
from seesaw_nas.core.files import encode_json, make_folder
from seesaw_nas.deploy.runtimes.base import Files, Runtime
from seesaw_nas.deploy.runtimes.recorded_graph import scale_of, write_graph
from seesaw_nas.deploy.runtimes.recording import record, without_weights
from seesaw_nas.network.folded import rule
from seesaw_nas.space import Budget, Feasible, Space

SCHEMA, SCHEMA_VERSION = "seesaw-nas networks to time", 1
MANIFEST, SCRIPT = "networks.json", Path(__file__).with_name("time_networks.py")
OnNetwork = Callable[[int], None]
"""Told how many networks are done."""


def draw(space: Space, number: int, seed: int) -> list[Architecture]:
    """Different networks of a space, drawn so that every choice is as likely as the others; all of them if few.

    Raises:
        ProfileError: the space has too few to fit anything to.
    """
    number = min(number, space.size)
    feasible, rng = Feasible(space, Budget(0, space.costliest_macs)), np.random.default_rng(seed)
    found: dict[str, Architecture] = {}
    for _ in range(100 * number):
        network = feasible.draw_fair(rng)
        found.setdefault(network.digest, network)
        if len(found) == number:
            break
    if len(found) < 10:
        raise ProfileError(
            f"space '{space.name}' has too few networks to fit the times of its blocks to: {len(found)}; at least 10 "
            "are wanted"
        )
    return list(found.values())


def encode(architecture: Architecture, seed: int = 0) -> bytes:
    """The ONNX file of a network with random weights, as ``export`` would write it for trained ones."""
    return write_graph(record(without_weights(architecture)), seed)


def convert(architecture: Architecture, runtime: Runtime, batch: int, seed: int = 0) -> Files:
    """The files of a network with random weights for a runtime.

    Raises:
        SeesawError: the runtime is not installed, or cannot hold the network.
    """
    network = without_weights(architecture, rule.graph(runtime.name)).to_empty(device="cpu")
    generator = torch.Generator().manual_seed(seed)
    for weight in network.parameters():
        weight.normal_(0.0, scale_of(tuple(weight.shape)), generator=generator)
    return runtime.convert(network, batch)


def write_folder(
    folder: Path, space: Space, networks: Sequence[Architecture], seed: int = 0, on_network: OnNetwork | None = None
) -> None:
    """Make a folder with the networks, :data:`MANIFEST`, which lists them, and :data:`SCRIPT`, which times them.

    Raises:
        ProfileError: it exists already, or cannot be written.
    """

    def fill(made: Path) -> None:
        entries = []
        for number, network in enumerate(networks):
            name = f"{number:04d}.onnx"
            (made / name).write_bytes(encode(network, seed))
            entries.append({"file": name, "architecture": compact.write(network.canonical)})
            if on_network:
                on_network(number + 1)
        (made / SCRIPT.name).write_bytes(SCRIPT.read_bytes())
        (made / MANIFEST).write_bytes(encode_json(_manifest(space, entries)))

    try:
        make_folder(folder, fill)
    except FileExistsError:
        raise ProfileError(f"{folder} exists already and nothing is overwritten; choose another name") from None
    except OSError as error:
        raise ProfileError(f"cannot write {folder}: {error.strerror}; choose a folder that can be written") from None


def _manifest(space: Space, entries: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "space": space.name,
        "image": [space.input_channels, space.input_size, space.input_size],
        "networks": entries,
    }
