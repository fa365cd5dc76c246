"""Writes recorded operators as an ONNX graph: the operators that torch's exporter writes, with the same attributes.

Constants without data get random values, which take as long to compute with. Tests hold these graphs against
exported ones, operator for operator.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from seesaw_nas.core.optional import require
from seesaw_nas.deploy.runtimes.onnx_graph import IMAGES, LOGITS, OPSET
from seesaw_nas.deploy.runtimes.recording import Constant, Operator, Shape, number_values

IR_VERSION = 10  # that of torch's exporter


def write_graph(operators: Sequence[Operator], seed: int = 0) -> bytes:
    """The content of an ONNX file that runs these operators, for any number of images.

    Args:
        seed: for the values of constants that have none.

    Raises:
        OptionError: onnx is not installed.
    """
    with require("onnx"):
        from onnx import helper
    constants, nodes = _Constants(np.random.default_rng(seed)), []
    names = {0: IMAGES, sum(len(operator.written) for operator in operators): LOGITS}
    for operator, numbers in number_values(operators):
        inputs = [names.get(number, f"v{number}") for number in operator.inputs]
        inputs += [constants.name(one) for one in operator.constants]
        outputs = [names.get(number, f"v{number}") for number in numbers]
        nodes.append(helper.make_node(operator.kind, inputs, outputs, **operator.attributes))
    ends = [(IMAGES, operators[0].read[0]), (LOGITS, operators[-1].written[-1])]
    images, logits = (helper.make_tensor_value_info(name, 1, ["batch", *shape[1:]]) for name, shape in ends)
    graph = helper.make_graph(nodes, "main_graph", [images], [logits], constants.tensors)
    opset = [helper.make_opsetid("", OPSET)]
    model: Any = helper.make_model(graph, producer_name="seesaw_nas", opset_imports=opset, ir_version=IR_VERSION)
    written: bytes = model.SerializeToString(deterministic=True)
    return written


class _Constants:
    """Initializers of a graph; bounds and sizes are there once, however often they are read."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.tensors: list[Any] = []
        self._rng, self._shared = rng, dict[Constant, str]()

    def name(self, value: Constant) -> str:
        if isinstance(value, Tensor):
            return self._add(self._values(value))
        if value not in self._shared:
            array = np.array(value, np.float32 if isinstance(value, float) else np.int64)
            self._shared[value] = self._add(array)
        return self._shared[value]

    def _add(self, array: npt.NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.tensors.append(numpy_helper.from_array(array, f"c{len(self.tensors)}"))
        return f"c{len(self.tensors) - 1}"

    def _values(self, weights: Tensor) -> npt.NDArray[np.float32]:
        if weights.device.type != "meta":
            found: npt.NDArray[np.float32] = weights.detach().numpy()
            return found
        shape = tuple(weights.shape)
        return self._rng.standard_normal(shape, np.float32) * np.float32(scale_of(shape))


def scale_of(shape: Shape) -> float:
    """A standard deviation with which activations keep their size, so that no number is too small to be fast."""
    return math.sqrt(2 / math.prod(shape[1:])) if len(shape) > 1 else 0.1
