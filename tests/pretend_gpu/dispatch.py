"""Every operator on pretended tensors: checked as CUDA checks it, counted, and computed on the CPU."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing

from pretend_gpu import checks, copies, devices, generators, graphs, log, stand_ins
from pretend_gpu.tensors import Pretend, leaves, on_cpu, on_device

# Views, and what only asks or hands over, start no kernel.
VIEWS = {
    "_reshape_alias", "_unsafe_view", "alias", "as_strided", "chunk", "detach", "diagonal", "expand", "flatten",
    "is_pinned", "is_same_size", "lift_fresh", "movedim", "narrow", "permute", "real", "reshape", "select", "set_",
    "slice", "split", "split_with_sizes", "squeeze", "sym_size", "sym_stride", "t", "tensor_split", "transpose",
    "unbind", "unflatten", "unfold", "unsqueeze", "view", "view_as", "view_as_real",
}  # fmt: skip
EMPTY = {"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided"}
MADE_LIKE = EMPTY | {
    "full_like",
    "new_full",
    "new_ones",
    "new_zeros",
    "ones_like",
    "rand_like",
    "randn_like",
    "zeros_like",
}


class Mode(TorchDispatchMode):
    """Sees operators without a pretended tensor, too: those that make one."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing is compiled here, and the guard against it doubles the time

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return dispatch(func, args, kwargs or {})


def dispatch(func: Any, args: Any, kwargs: Any) -> Any:
    """What an operator gives, on the device where its arguments are or that it names."""
    values = leaves(args, kwargs)
    asked = next((x for x in values if isinstance(x, torch.device)), None)
    to_device = asked is not None and asked.type == "cuda"
    if not to_device and not any(isinstance(x, Pretend) for x in values):
        return func(*args, **kwargs)
    if func._can_decompose():
        with Mode():  # in inference mode composite operators arrive whole
            found = func.decompose(*args, **kwargs)
            if found is not NotImplemented:
                return found
    if to_device and asked.index is None:
        asked = torch.device("cuda", devices.current_device())
    name = func.overloadpacket.__name__
    if name == "_to_copy":
        return copies.to_copy(func, args, kwargs, asked)
    if name == "copy_":
        return copies.copy_(func, args, kwargs)
    if name == "record_stream":
        return None
    if asked is not None and asked.type == "cpu":
        if name in MADE_LIKE:
            return func(*on_cpu(args), **on_cpu(kwargs))
        raise NotImplementedError(f"{func} from a pretended GPU to the CPU")
    device = checks.one_device(func, args, kwargs, asked)
    if name not in VIEWS and name not in EMPTY:
        log.record_operator(name, _accumulates(func, args, kwargs))
    log.note_site()
    return _compute(func, args, kwargs, device, asked is not None)


def _accumulates(func: Any, args: Any, kwargs: Any) -> bool:
    """The argument of that name, where an operator has one."""
    place = _accumulate_place(func)
    return place is not None and bool(args[place] if place < len(args) else kwargs.get("accumulate", False))


@cache
def _accumulate_place(func: Any) -> int | None:
    return next((i for i, argument in enumerate(func._schema.arguments) if argument.name == "accumulate"), None)


@cache
def _aliases(func: Any) -> bool:
    """Whether a result is an argument or a view of one."""
    return any(result.alias_info is not None for result in func._schema.returns)


def _compute(func: Any, args: Any, kwargs: Any, device: torch.device, makes: bool) -> Any:
    name = func.overloadpacket.__name__
    inner_args, inner_kwargs = on_cpu(args), on_cpu(kwargs)
    if makes:
        inner_kwargs["device"] = torch.device("cpu")
    run = stand_ins.STAND_INS.get(name, func)
    graphs.keep_values(func, inner_args, inner_kwargs)
    with torch.inference_mode(False), torch.no_grad(), generators.drawing(func, device):
        out = run(*inner_args, **inner_kwargs)
    if name not in EMPTY and name not in VIEWS:
        graphs.keep_entry(func, run, inner_args, inner_kwargs, out, device)
    if not isinstance(out, torch.Tensor | tuple | list):
        return out
    made = on_device(out, device)
    return return_and_correct_aliasing(func, args, kwargs, made) if _aliases(func) else made
