#!/bin/sh
# Guess: F.relu6(x, inplace=True), like F.relu(x, inplace=True), needs no memory beside x when gradients are recorded.
# Seen (torch 2.13.0, CPU): relu6 copies its input for the backward pass, one full clone a call; relu does not. The
# result alone would tell where the gradient passes, as hardtanh_backward accepts it.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import collections

import torch
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

print("torch", torch.__version__)


class Operators(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.seen = collections.Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.seen[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))


def operators(activation):
    x = torch.randn(4, 8, requires_grad=True) * 1.0
    with Operators() as counted:
        activation(x, inplace=True)
    return dict(counted.seen)


relu, relu6 = operators(F.relu), operators(F.relu6)
print("relu in place: ", relu)
print("relu6 in place:", relu6)
assert "clone" not in relu, relu
assert relu6.get("clone") == 1, relu6
x = torch.tensor([-1.0, 0.5, 7.0])
by_input = torch.ops.aten.hardtanh_backward(torch.ones(3), x, 0.0, 6.0)
by_result = torch.ops.aten.hardtanh_backward(torch.ones(3), x.clamp(0, 6), 0.0, 6.0)
assert by_input.tolist() == by_result.tolist() == [0.0, 1.0, 0.0]
print("the gradient by the result is the same:", by_result.tolist())
PYTHON
