"""ptflops: by modules, its default, or by the operators that torch is asked for."""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from seesaw_nas.core.errors import SeesawError
from seesaw_nas.network.counters.counter import Counter, Found, Values

PACKAGE, KNOWN = "ptflops", "0.7.5"
PER_NORM_VALUE = 2
POOLS = 2  # the module AdaptiveAvgPool2d is counted, and the function that it calls is counted, too


def _count(network: nn.Module, image: Tensor, backend: str) -> Found:
    import ptflops

    total, _params = ptflops.get_model_complexity_info(
        network, tuple(image.shape[1:]), print_per_layer_stat=False, as_strings=False, backend=backend
    )
    if total is None:  # what it could not do was printed
        raise SeesawError("it did not finish")
    return Found(int(total))


def _by_modules(values: Values) -> dict[str, int]:
    return {
        "batch norm": PER_NORM_VALUE * values.norm,
        "activations": values.activations,
        "pooling": POOLS * values.pool_in,
        "bias": values.biases,
    }


def _by_operators(values: Values) -> dict[str, int]:
    return {"bias": values.biases}


BY_MODULES = Counter(
    "ptflops", PACKAGE, KNOWN, _by_modules, partial(_count, backend="pytorch"), variant="backend pytorch"
)
BY_OPERATORS = Counter(
    "ptflops", PACKAGE, KNOWN, _by_operators, partial(_count, backend="aten"), variant="backend aten"
)
