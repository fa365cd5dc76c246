"""torchprofile: by operators of the traced network."""

from __future__ import annotations

from torch import Tensor, nn

from seesaw_nas.network.counters.counter import Counter, Found, Values


def _count(network: nn.Module, image: Tensor) -> Found:
    import torchprofile

    found = torchprofile.profile_macs(network, image)
    assert isinstance(found, int), "counts by operator are only given where they are asked for"
    return Found(found)


def _beyond(values: Values) -> dict[str, int]:
    """A batch norm costs one operation a value, the pool one for each value that it writes."""
    return {"batch norm": values.norm, "pooling": values.pool_out}


COUNTER = Counter("torchprofile", "torchprofile", "0.1.0", _beyond, _count)
