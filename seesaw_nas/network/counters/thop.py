"""thop, and its fork ultralytics-thop, which installs the same folder ``thop`` and counts our networks alike."""

from __future__ import annotations

from torch import Tensor, nn

from seesaw_nas.network.counters.counter import Counter, Found, Values

PER_NORM_VALUE = 4  # of a batch norm with weight and bias in eval mode


def _count(network: nn.Module, image: Tensor) -> Found:
    """The total; buffers for its counts stay in ``network``."""
    import thop

    total, _params = thop.profile(network, (image,), verbose=False)
    return Found(int(total))


def _beyond(values: Values) -> dict[str, int]:
    """The pool costs an addition for each value that it reads and a division for each that it writes."""
    return {"batch norm": PER_NORM_VALUE * values.norm, "pooling": values.pool_in + values.pool_out}


COUNTER = Counter("thop", "thop", "0.1.1-2209072238 and of ultralytics-thop 2.2.3", _beyond, _count)
