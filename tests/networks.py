"""Networks of every kind that the spec allows, for tests of what computes them in another way."""

from __future__ import annotations

import math

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.network.models import Network, build
from seesaw_nas.network.ops import UnevenPointwise

PARTITIONS = [(1,), (1, 1), (1, 3), (3, 1), (1, 2), (2, 3), (1, 1, 1), (1, 1, 2), (1, 2, 1), (1, 2, 3), (2, 1, 1, 4)]


def trained(architecture: Architecture, seed: int = 0) -> Network:
    """The network in eval mode as training could leave it: no statistic of batch norm is trivial."""
    model = build(architecture, seed=seed)
    generator = torch.Generator().manual_seed(seed + 1)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            for positive in (module.weight.data, module.running_var):
                positive.uniform_(0.5, 1.5, generator=generator)
            for signed in (module.bias.data, module.running_mean):
                signed.normal_(0, 0.5, generator=generator)
    model.classifier.bias.data.normal_(generator=generator)
    return model.eval()


def images(architecture: Architecture, dtype: torch.dtype = torch.float32, n: int = 3) -> Tensor:
    return torch.randn(n, *architecture.input, generator=torch.Generator().manual_seed(5)).to(dtype)


@st.composite
def architectures(draw: st.DrawFn) -> Architecture:
    """Stacks of up to six blocks with any partitions and flows between them, some with residual connections."""
    widths = st.integers(1, 3)
    stages: list[Stage] = []
    previous = whole = 1
    for _ in range(draw(st.integers(1, 3))):
        parts = [draw(st.sampled_from(PARTITIONS)) for _ in range(draw(st.integers(1, 2)))]
        whole = math.lcm(*[sum(p) for p in parts])
        blocks = tuple(draw(blocks_of(Partition(p))) for p in parts)
        stages.append(Stage(whole * draw(widths), draw(st.sampled_from([1, 2])), blocks))
        previous = math.lcm(previous, whole)
    # every width is made a multiple of what reads or writes it, so that all partitions divide
    stages = [Stage(math.lcm(stage.channels, previous), stage.stride, stage.blocks) for stage in stages]
    stem = Stem(previous * draw(widths), draw(st.sampled_from([1, 2])))
    return Architecture(draw(st.integers(4, 9)), draw(st.sampled_from([1, 3])), 5, stem, tuple(stages), Head(64))


def blocks_of(partition: Partition) -> st.SearchStrategy[Block]:
    flows = ["shuffle", "share", "none", *(["igcv3"] if partition.is_even else [])]
    return st.builds(
        Block,
        st.integers(1, 4).map(lambda t: t * partition.groups),  # any permutation divides the inner width
        st.sampled_from([3, 5]),
        st.just(partition),
        st.sampled_from(flows),
        st.sampled_from(["none", "relu6"]),
    )


def dense_weight(layer: UnevenPointwise) -> torch.Tensor:
    """The (c_out, c_in) matrix of the dense convolution that computes the same: a block a group, else zero."""
    blocks = [block for conv in layer.convs for block in conv.weight.flatten(1).chunk(conv.groups)]
    return torch.block_diag(*blocks)
