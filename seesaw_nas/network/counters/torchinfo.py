"""torchinfo: a layer's weights times the positions of its output; other modules at one operation a parameter."""

from __future__ import annotations

from torch import Tensor, nn

from seesaw_nas.network.counters.counter import Counter, Found, Values


def _count(network: nn.Module, image: Tensor) -> Found:
    import torchinfo

    return Found(int(torchinfo.summary(network, input_data=image, verbose=0).total_mult_adds))


def _beyond(values: Values) -> dict[str, int]:
    """A batch norm costs one operation for each of its weights and biases, whatever the size of the map."""
    return {"batch norm": values.norm_params, "bias": values.biases}


COUNTER = Counter("torchinfo", "torchinfo", "1.8.0", _beyond, _count)
