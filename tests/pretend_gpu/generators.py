"""Each pretended GPU has a random generator of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

_FIRST_SEED = 67280421310721  # of torch's own generators
_GENERATORS: dict[int, torch.Generator] = {}


def generator_of(index: int) -> torch.Generator:
    """The generator of device ``index``."""
    if index not in _GENERATORS:
        _GENERATORS[index] = torch.Generator().manual_seed(_FIRST_SEED)
    return _GENERATORS[index]


@contextlib.contextmanager
def drawing(func: Any, device: torch.device) -> Iterator[None]:
    """In the body a random operator draws from the generator of ``device``, not from the CPU's."""
    if torch.Tag.nondeterministic_seeded not in func.tags:
        yield
        return
    own, before = generator_of(device.index or 0), torch.default_generator.get_state()
    torch.default_generator.set_state(own.get_state())
    try:
        yield
    finally:
        own.set_state(torch.default_generator.get_state())
        torch.default_generator.set_state(before)


def states() -> dict[int, torch.Tensor]:
    """The state of each generator."""
    return {index: generator.get_state() for index, generator in _GENERATORS.items()}


def put_back(states: dict[int, torch.Tensor]) -> None:
    """Give the generators states that they had."""
    for index, state in states.items():
        _GENERATORS[index].set_state(state)
