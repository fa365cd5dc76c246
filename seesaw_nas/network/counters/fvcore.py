"""fvcore: by operator of the traced network, so that convolutions and linear layers can be told from the rest."""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from seesaw_nas.network.counters.counter import Counter, Found, Values, nothing

PACKAGE, KNOWN = "fvcore", "0.1.5.post20221221"
PER_NORM_VALUE = 2  # of a batch norm with weight and bias in eval mode


def _count(network: nn.Module, image: Tensor, everything: bool) -> Found:
    from fvcore.nn import FlopCountAnalysis

    analysis = FlopCountAnalysis(network, (image,))
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
    by_module = analysis.by_module_and_operator()
    by_layer = {name: int(sum(by_operator[k] for k in ("conv", "linear"))) for name, by_operator in by_module.items()}
    total = int(sum(by_module[""].values())) if everything else by_layer[""]
    return Found(total, by_layer, tuple(sorted(analysis.unsupported_ops().items())))


def _beyond(values: Values) -> dict[str, int]:
    """The pool costs one operation for each value that it reads."""
    return {"batch norm": PER_NORM_VALUE * values.norm, "pooling": values.pool_in}


CONV_AND_LINEAR = Counter(
    "fvcore", PACKAGE, KNOWN, nothing, partial(_count, everything=False), variant="conv and linear"
)
ALL = Counter("fvcore", PACKAGE, KNOWN, _beyond, partial(_count, everything=True), variant="all operators")
