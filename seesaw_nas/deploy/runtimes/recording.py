"""Records the operators of a folded network as ONNX has them, in milliseconds where torch's exporter takes a minute.

The network runs once on tensors without data, and every operator that torch is asked for is written down. Networks can
be made without weights, too: what they take to run is settled by shapes alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from seesaw_nas.architecture.spec import Architecture, PlacedBlock
from seesaw_nas.network.folded import SplitNetwork, rule
from seesaw_nas.network.folded.folding import Convolution, FoldedBlock, FoldedNetwork, Pointwise
from seesaw_nas.network.folded.rule import GraphRule
from seesaw_nas.network.folded.split import SplitBlock
from seesaw_nas.network.wiring import wiring

Shape = tuple[int, ...]
Constant = Tensor | tuple[int, ...] | float  # weights, perhaps without data; sizes; or a bound


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator.

    Attributes:
        kind: its name in ONNX.
        inputs: numbers of the values that it reads; the network's input is 0, and each operator's outputs follow on.
        constants: what it reads after these, in order.
        read, written: shapes of the values.
    """

    kind: str
    attributes: Mapping[str, Any]
    inputs: tuple[int, ...]
    constants: tuple[Constant, ...]
    read: tuple[Shape, ...]
    written: tuple[Shape, ...]


Told = tuple[str, dict[str, Any], Sequence[Tensor], tuple[Constant, ...]]  # kind, attributes, inputs, constants


def record(network: SplitNetwork, batch: int = 1) -> list[Operator]:
    """The operators of a network, in the order in which they run; its weights may be on the meta device."""
    images = torch.empty(batch, *network.architecture.input, device="meta")
    with torch.no_grad(), _Recorder(images) as recorder:
        network(images)
    return list(recorder.operators)


def record_block(at: PlacedBlock, batch: int = 1) -> list[Operator]:
    """The operators of one block that reads one tensor, as it stands alone; its outputs are not joined."""
    folded = _block_without_weights(at)
    block = SplitBlock(folded, (slice(0, at.c_in),), rule.graph()(folded))
    x = torch.empty(batch, at.c_in, at.size_in, at.size_in, device="meta")
    with torch.no_grad(), _Recorder(x) as recorder:
        block([x])
    return list(recorder.operators)


def export_key(at: PlacedBlock) -> tuple[Any, ...]:
    """A key that is equal only for blocks that are exported alike: nothing of narrow groups is left in a graph."""
    folded = _block_without_weights(at)
    formulation = rule.graph()(folded)
    groups: Any = {"dense": (), "native": at.block.partition.groups}.get(
        formulation, (at.block.partition, at.block.flow)
    )
    shape = (at.c_in, at.c_out, at.size_in, at.size_out, at.stride)
    return *shape, at.block.expansion, at.block.kernel, at.block.expand_activation, formulation, groups


def without_weights(architecture: Architecture, formulation: GraphRule | None = None) -> SplitNetwork:
    """The folded network of an architecture on the meta device: all shapes, no values.

    Args:
        formulation: by default that for ONNX Runtime.
    """
    stem, head, last = architecture.stem.channels, architecture.head.channels, architecture.placed[-1].c_out
    classes = architecture.classes
    folded = FoldedNetwork(
        architecture,
        Convolution(_empty(stem, architecture.input_channels, 3, 3), _empty(stem)),
        tuple(map(_block_without_weights, architecture.placed)),
        Convolution(_empty(head, last, 1, 1), _empty(head)),
        Convolution(_empty(classes, head), _empty(classes)),
    )
    return SplitNetwork(folded, formulation or rule.graph()).eval()


def _block_without_weights(at: PlacedBlock) -> FoldedBlock:
    wired, inner, kernel = wiring(at.block, at.c_in, at.c_out), at.inner, at.block.kernel
    expand = Pointwise(_empty(inner, at.c_in), _empty(inner), wired.pw1)
    depthwise = Convolution(_empty(inner, 1, kernel, kernel), _empty(inner))
    return FoldedBlock(at, expand, depthwise, Pointwise(_empty(at.c_out, inner), None, wired.pw2), wired.pieces)


def _empty(*shape: int) -> Tensor:
    return torch.empty(shape, device="meta")


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Writes down what torch is asked for; results have shapes and no values."""

    def __init__(self, images: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operators: list[Operator] = []
        self._kept = [images]  # so that no other tensor gets the identity of one
        self._numbers = {id(images): 0}
        self._next = 1
        self._seen: dict[Any, int] = {}  # numbers of the first results of operators without weights
        self._transposed: dict[int, tuple[Tensor, Tensor]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in _ELEMENTWISE:
            result = torch.empty(args[0].shape, device="meta")
        else:
            result = func(*tree_map(_on_meta, args), **(kwargs or {}))
        if func is torch.ops.aten.t.default:  # of the classifier's weight, which ONNX transposes itself
            self._transposed[id(result)] = (args[0], result)
            return result
        kind, attributes, inputs, constants = _TELL[func](*args)
        constants = tuple(
            self._transposed.get(id(one), (one,))[0] if isinstance(one, Tensor) else one for one in constants
        )
        numbers = tuple(self._numbers[id(one)] for one in inputs)
        results = list(result) if isinstance(result, list | tuple) else [result]
        self._write(Operator(kind, attributes, numbers, constants, _shapes(inputs), _shapes(results)), results)
        return result

    def _write(self, operator: Operator, results: list[Tensor]) -> None:
        """Add an operator and number its results; what was computed before from the same values is not repeated."""
        weighs = any(isinstance(one, Tensor) for one in operator.constants)
        key = id(operator) if weighs else (operator.kind, operator.inputs, operator.constants, str(operator.attributes))
        first = self._seen.setdefault(key, self._next)
        if first == self._next:
            self.operators.append(operator)
            self._next += len(results)
        for number, one in enumerate(results, start=first):
            self._numbers[id(one)] = number
        self._kept += results


def _on_meta(value: Any) -> Any:
    return value.to("meta") if isinstance(value, Tensor) and value.device.type != "meta" else value


def _shapes(tensors: Sequence[Tensor]) -> tuple[Shape, ...]:
    return tuple(tuple(one.shape) for one in tensors)


def _convolution(
    x: Tensor, weight: Tensor, bias: Tensor | None, stride: list[int], padding: list[int], *rest: Any
) -> Told:
    dilation, _, _, groups = rest
    attributes = {
        "group": groups,
        "pads": [*padding, *padding],
        "auto_pad": "NOTSET",
        "strides": list(stride),
        "dilations": list(dilation),
        "kernel_shape": list(weight.shape[2:]),
    }
    return "Conv", attributes, [x], (weight,) if bias is None else (weight, bias)


def _clip(x: Tensor, low: float, high: float) -> Told:
    return "Clip", {}, [x], (float(low), float(high))


def _add(a: Tensor, b: Tensor) -> Told:
    return "Add", {}, [a, b], ()


def _concat(parts: list[Tensor], axis: int) -> Told:
    return "Concat", {"axis": axis}, parts, ()


def _split(x: Tensor, sizes: list[int], axis: int) -> Told:
    return "Split", {"axis": axis}, [x], (tuple(sizes),)


def _pool(x: Tensor, kernel: list[int], strides: list[int]) -> Told:
    attributes = {
        "count_include_pad": 1,
        "ceil_mode": 0,
        "pads": [0, 0, 0, 0],
        "auto_pad": "NOTSET",
        "strides": list(strides),
        "kernel_shape": list(kernel),
    }
    return "AveragePool", attributes, [x], ()


def _flatten(x: Tensor, shape: list[int]) -> Told:
    return "Reshape", {"allowzero": 1}, [x], ((-1, *shape[1:]),)


def _linear(bias: Tensor, x: Tensor, weight: Tensor) -> Told:
    return "Gemm", {"beta": 1.0, "transB": 1, "alpha": 1.0, "transA": 0}, [x], (weight, bias)


_ATEN = torch.ops.aten
_TELL: dict[Any, Callable[..., Told]] = {
    _ATEN.convolution.default: _convolution,
    _ATEN.clamp.default: _clip,
    _ATEN.hardtanh.default: _clip,
    _ATEN.add.Tensor: _add,
    _ATEN.cat.default: _concat,
    _ATEN.split_with_sizes.default: _split,
    _ATEN.avg_pool2d.default: _pool,
    _ATEN.view.default: _flatten,
    _ATEN.addmm.default: _linear,
}
# of tensors of one shape; torch takes milliseconds to find the shape of a clamp
_ELEMENTWISE = (_ATEN.clamp.default, _ATEN.hardtanh.default, _ATEN.add.Tensor)


def number_values(operators: Sequence[Operator]) -> Iterator[tuple[Operator, tuple[int, ...]]]:
    """Each operator with the numbers of the values that it writes."""
    following = 1
    for operator in operators:
        yield operator, tuple(range(following, following + len(operator.written)))
        following += len(operator.written)
