"""torch's own counter, ``FlopCounterMode``: exact for the network as it is trained, in a forward pass in eval mode.

It counts two operations a multiply-add, of convolutions and matrix products alone. It is not to be used elsewhere:

- for the fused network that is deployed, whose products are written in place: those count nothing;
- for a training step: the gradient of a grouped convolution's weight is counted as if it had no groups, which makes a
  depthwise layer's as dear as a dense one's.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from seesaw_nas.network.counters.counter import Counter, Found, nothing

PER_MULTI_ADD = 2


def _count(network: nn.Module, image: Tensor) -> Found:
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(image)
    outermost = f"{type(network).__name__}."
    by_layer = {
        name.removeprefix(outermost): sum(by_operator.values()) // PER_MULTI_ADD
        for name, by_operator in counter.get_flop_counts().items()
    }
    return Found(counter.get_total_flops() // PER_MULTI_ADD, by_layer)


COUNTER = Counter("torch", "torch", "2.13.0", nothing, _count, variant="FlopCounterMode")
