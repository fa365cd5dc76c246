"""calflops: by our convention. Importing it needs transformers, which its package does not ask for."""

from __future__ import annotations

from torch import Tensor, nn

from seesaw_nas.network.counters.counter import Counter, Found, nothing


def _count(network: nn.Module, image: Tensor) -> Found:
    import calflops

    _flops, macs, _params = calflops.calculate_flops(
        network, input_shape=tuple(image.shape), print_results=False, output_as_string=False
    )
    return Found(int(macs))


COUNTER = Counter("calflops", "calflops", "0.3.2", nothing, _count)
