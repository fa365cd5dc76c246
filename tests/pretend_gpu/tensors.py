"""Tensors that say cuda and hold their values on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from pretend_gpu import log, uses


class Pretend(torch.Tensor):
    """A tensor on a pretended GPU.

    Attributes:
        inner: its values, on the CPU.
    """

    inner: torch.Tensor

    @staticmethod
    def __new__(cls, inner: torch.Tensor, device: torch.device) -> Pretend:
        with torch.inference_mode(False):
            made = torch.Tensor._make_wrapper_subclass(
                cls,
                inner.size(),
                strides=inner.stride(),
                storage_offset=inner.storage_offset(),
                dtype=inner.dtype,
                layout=inner.layout,
                device=device,
                requires_grad=False,
            )
        made.inner = inner
        uses.note(f"uses {device}")
        return made

    def __init__(self, inner: torch.Tensor, device: torch.device) -> None:
        pass

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return f"Pretend({self.inner!r}, device='{self.device}')"

    def __tensor_flatten__(self) -> tuple[list[str], str]:
        return ["inner"], str(self.device)

    @staticmethod
    def __tensor_unflatten__(inner: dict[str, torch.Tensor], device: str, size: Any, stride: Any) -> Pretend:
        return Pretend(inner["inner"], torch.device(device))

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        log.record("shared", f"tensor of shape {tuple(self.shape)}")
        uses.note(f"sends {tuple(self.shape)}")
        return _rebuild, (self.inner, str(self.device), self.requires_grad, isinstance(self, torch.nn.Parameter))

    def __deepcopy__(self, memo: dict[int, Any]) -> torch.Tensor:
        made: torch.Tensor = Pretend(self.inner.clone(memory_format=torch.preserve_format), self.device)
        if isinstance(self, torch.nn.Parameter):
            made = torch.nn.Parameter(made, requires_grad=self.requires_grad)
        memo[id(self)] = made
        return made

    @property
    def data(self) -> torch.Tensor:
        return self.detach()

    @data.setter
    def data(self, value: Pretend) -> None:
        torch.Tensor.data.__set__(self, value)  # type: ignore[attr-defined]
        self.inner = value.inner

    def tolist(self) -> Any:
        from pretend_gpu.waiting import wait

        wait("tolist")
        return self.inner.tolist()

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        from pretend_gpu.dispatch import dispatch

        return dispatch(func, args, kwargs or {})


def leaves(args: Any, kwargs: Any) -> list[Any]:
    """The arguments of an operator one by one; none holds more than a list of them."""
    found: list[Any] = []
    for value in (*args, *kwargs.values()):
        if isinstance(value, list | tuple):
            found.extend(value)
        else:
            found.append(value)
    return found


def mapped(function: Callable[[torch.Tensor], Any], value: Any) -> Any:
    """The value with its tensors replaced by what ``function`` gives for them."""
    if isinstance(value, torch.Tensor):
        return function(value)
    if isinstance(value, list | tuple):
        return type(value)([mapped(function, x) for x in value])
    if isinstance(value, dict):
        return {name: mapped(function, x) for name, x in value.items()}
    return value


def on_cpu(value: Any) -> Any:
    """The same arguments with the values of pretended tensors in their place."""
    return mapped(lambda x: x.inner if isinstance(x, Pretend) else x, value)


def on_device(value: Any, device: torch.device) -> Any:
    """The same results with their tensors on the pretended device."""
    return mapped(lambda x: Pretend(x, device), value)


def _rebuild(inner: torch.Tensor, device: str, requires_grad: bool, parameter: bool) -> torch.Tensor:
    made = Pretend(inner, torch.device(device))
    if parameter:
        return torch.nn.Parameter(made, requires_grad=requires_grad)
    return made.requires_grad_(requires_grad) if requires_grad else made
