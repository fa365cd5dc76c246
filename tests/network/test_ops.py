"""The operators against the paper's definition written out slowly: loops over groups, index arithmetic, plain sums."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from networks import dense_weight
from torch import Tensor, nn
from torch.nn import functional as F

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Block, PlacedBlock, output_size
from seesaw_nas.core.errors import SpecError
from seesaw_nas.network.ops import Permutation, SeesawBlock, UnevenPointwise, permute_channels

CLOSE = {"rtol": 1e-8, "atol": 1e-8}  # float64, through three batch norms that may divide by little
quick = settings(max_examples=40, deadline=None)


def fill(module: nn.Module, seed: int) -> nn.Module:
    """``module`` in float64 with every weight and running statistic drawn from ``seed``."""
    generator = torch.Generator().manual_seed(seed)
    module.double()
    with torch.no_grad():
        for weight in module.parameters():
            weight.normal_(generator=generator)
        for name, buffer in module.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(generator=generator)
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 2.0, generator=generator)
    return module


def draw(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def plain_pointwise(layer: UnevenPointwise, partition: Partition, x: Tensor, c_out: int) -> Tensor:
    """Each output channel is the weighted sum over the input channels of its own group."""
    weights = torch.cat([conv.weight.reshape(-1) for conv in layer.convs])
    left, outputs = 0, []
    for g, part in enumerate(partition.parts):
        first = sum(partition.parts[:g]) * x.shape[1] // partition.total
        n_in, n_out = part * x.shape[1] // partition.total, part * c_out // partition.total
        matrix = weights[left : left + n_in * n_out].reshape(n_out, n_in)
        left += n_in * n_out
        outputs.append(torch.einsum("oi,nihw->nohw", matrix, x[:, first : first + n_in]))
    assert left == weights.numel()
    return torch.cat(outputs, dim=1)


def plain_permutation(x: Tensor, groups: int) -> Tensor:
    size = x.shape[1] // groups
    return x[:, [(c % groups) * size + c // groups for c in range(x.shape[1])]]


def plain_norm(norm: nn.BatchNorm2d, x: Tensor) -> Tensor:
    mean, var = norm.running_mean, norm.running_var
    if norm.training:
        mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
    column = (-1, 1, 1)
    scaled = (x - mean.reshape(column)) / (var.reshape(column) + norm.eps).sqrt()
    return scaled * norm.weight.reshape(column) + norm.bias.reshape(column)


def plain_depthwise(weight: Tensor, x: Tensor, stride: int) -> Tensor:
    kernel, size = weight.shape[-1], x.shape[-1]
    padded, out = F.pad(x, [kernel // 2] * 4), 0.0
    for i in range(kernel):
        for j in range(kernel):
            out = out + weight[:, 0, i, j].reshape(-1, 1, 1) * padded[:, :, i : i + size, j : j + size]
    return out[:, :, ::stride, ::stride]


def plain_block(block: SeesawBlock, at: PlacedBlock, x: Tensor) -> Tensor:
    spec, groups = at.block, at.block.partition.groups
    out = plain_norm(block.pw1_bn, plain_pointwise(block.pw1, spec.partition, x, at.inner))
    if spec.expand_activation == "relu6":
        out = out.clamp(0, 6)
    if spec.flow in ("shuffle", "igcv3"):
        out = plain_permutation(out, groups)
    out = plain_norm(block.dw_bn, plain_depthwise(block.dw.weight, out, at.stride)).clamp(0, 6)
    projected = Partition(spec.partition.parts[::-1]) if spec.flow == "share" else spec.partition
    out = plain_norm(block.pw2_bn, plain_pointwise(block.pw2, projected, out, at.c_out))
    if spec.flow == "igcv3":
        out = plain_permutation(out, at.c_out // groups)
    return out + x if at.stride == 1 and at.c_in == at.c_out else out


@st.composite
def partitions(draw: st.DrawFn) -> Partition:
    parts = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    return Partition(tuple(part // math.gcd(*parts) for part in parts))


@st.composite
def placements(draw: st.DrawFn) -> PlacedBlock:
    flow = draw(st.sampled_from(("shuffle", "share", "none", "igcv3")))
    even = st.integers(1, 4).map(lambda groups: Partition((1,) * groups))
    partition = draw(even if flow == "igcv3" else partitions())
    expansion, kernel = draw(st.integers(1, 4)), draw(st.sampled_from((3, 5)))
    block = Block(expansion, kernel, partition, flow, draw(st.sampled_from(("none", "relu6"))))
    c_in = partition.total * draw(st.integers(1, 3))
    c_out = draw(st.one_of(st.just(c_in), st.integers(1, 3).map(lambda n: n * partition.total)))
    assume(flow not in ("shuffle", "igcv3") or expansion * c_in % partition.groups == 0)
    stride, size = draw(st.sampled_from((1, 2))), draw(st.integers(2, 7))
    return PlacedBlock(0, 0, block, c_in, c_out, stride, size, output_size(size, stride))


@settings(max_examples=150, deadline=None)
@given(placements(), st.booleans(), st.integers(0, 2**32))
def test_block_and_its_gradients_are_those_of_the_definition(at: PlacedBlock, training: bool, seed: int) -> None:
    block = fill(SeesawBlock(at), seed).train(training)
    x = draw(seed, 3, at.c_in, at.size_in, at.size_in).requires_grad_()
    given_by_us, wanted = block(x), plain_block(block, at, x)
    assert given_by_us.shape == (3, at.c_out, at.size_out, at.size_out)
    torch.testing.assert_close(given_by_us, wanted, **CLOSE)
    probe, inputs = draw(seed + 1, *wanted.shape), [x, *block.parameters()]
    ours, plain = (torch.autograd.grad((out * probe).sum(), inputs) for out in (given_by_us, wanted))
    torch.testing.assert_close(ours, plain, **CLOSE)


def test_block_does_not_write_into_its_input() -> None:
    at = PlacedBlock(0, 0, Block(2, 3, Partition((1, 3)), "share", "relu6"), 8, 8, 1, 4, 4)
    x = draw(0, 2, 8, 4, 4)
    before = x.clone()
    fill(SeesawBlock(at), 0)(x)
    assert torch.equal(x, before)


def test_pointwise_by_hand() -> None:
    # 4 channels 1:3 to 4: output 0 sees input 0 only, outputs 1 to 3 see inputs 1 to 3: 2 + 3 + 4 = 9.
    layer = UnevenPointwise(4, 4, Partition((1, 3)))
    for weight in layer.parameters():
        nn.init.ones_(weight)
    x = torch.tensor([1.0, 2.0, 3.0, 4.0]).reshape(1, 4, 1, 1)
    assert layer(x).flatten().tolist() == [1.0, 9.0, 9.0, 9.0]


@quick
@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3))
def test_even_pointwise_is_torchs_group_convolution(groups: int, n_in: int, n_out: int) -> None:
    layer = fill(UnevenPointwise(groups * n_in, groups * n_out, Partition((1,) * groups)), 0)
    peer = nn.Conv2d(groups * n_in, groups * n_out, 1, groups=groups, bias=False).double()
    peer.load_state_dict({"weight": next(layer.parameters())})
    x = draw(1, 2, groups * n_in, 3, 3)
    assert torch.equal(layer(x), peer(x))


@quick
@given(partitions(), st.integers(1, 3), st.integers(1, 3), st.data())
def test_a_group_sees_no_other(partition: Partition, n_in: int, n_out: int, data: st.DataObject) -> None:
    c_in, c_out = n_in * partition.total, n_out * partition.total
    layer = fill(UnevenPointwise(c_in, c_out, partition), 0)
    touched = data.draw(st.integers(0, c_in - 1))
    x = draw(1, 1, c_in, 2, 2)
    y = x.clone()
    y[:, touched] += 1.0
    changed = (layer(x) != layer(y)).any(dim=(0, 2, 3)).tolist()
    owner = [g for g, part in enumerate(partition.parts) for _ in range(part)]  # by unit of channels
    group = owner[touched // n_in]
    assert changed == [owner[c // n_out] == group for c in range(c_out)]


@quick
@given(partitions(), st.integers(1, 3), st.integers(1, 3))
def test_dense_weight_computes_the_same(partition: Partition, n_in: int, n_out: int) -> None:
    c_in, c_out = n_in * partition.total, n_out * partition.total
    layer = fill(UnevenPointwise(c_in, c_out, partition), 0)
    dense, x = dense_weight(layer), draw(1, 2, c_in, 3, 3)
    assert dense.shape == (c_out, c_in)
    assert int((dense != 0).sum()) == sum(part * n_in * part * n_out for part in partition.parts)
    torch.testing.assert_close(F.conv2d(x, dense[:, :, None, None]), layer(x), **CLOSE)


def test_width_that_does_not_divide_is_refused() -> None:
    with pytest.raises(SpecError, match=r"cannot split 18 channels 1:3: .* the nearest widths that are: 16, 20"):
        UnevenPointwise(18, 16, Partition((1, 3)))


@pytest.mark.parametrize(
    ("channels", "groups", "sources"),
    [(8, 2, [0, 4, 1, 5, 2, 6, 3, 7]), (6, 3, [0, 2, 4, 1, 3, 5])],  # one from each group in turn
)
def test_permutation_deals_the_groups_out(channels: int, groups: int, sources: list[int]) -> None:
    x = torch.arange(channels).reshape(1, channels, 1, 1)
    assert Permutation(groups)(x).flatten().tolist() == sources


@quick
@given(st.integers(1, 6), st.integers(1, 6))
def test_permutation_is_a_bijection_that_its_counterpart_undoes(groups: int, size: int) -> None:
    channels = groups * size
    x = torch.arange(channels * 4).reshape(1, channels, 2, 2)
    there = permute_channels(x, groups)
    assert sorted(there[0, :, 0, 0].tolist()) == x[0, :, 0, 0].tolist()
    assert torch.equal(there, plain_permutation(x, groups))
    assert torch.equal(permute_channels(there, size), x)


def permutations_of(flow: str, partition: Partition) -> dict[str, int]:
    block = SeesawBlock(PlacedBlock(0, 0, Block(6, 3, partition, flow), 16, 24, 1, 4, 4))
    return {name: child.groups for name, child in block.named_children() if isinstance(child, Permutation)}


def test_only_flows_that_permute_hold_a_permutation() -> None:
    assert permutations_of("shuffle", Partition((1, 3))) == {"permute": 2}
    # 16 -> 96 channels in 2 groups; of the 24 outputs, 24 / 2 groups undo it.
    assert permutations_of("igcv3", Partition((1, 1))) == {"permute": 2, "unpermute": 12}
    assert permutations_of("share", Partition((1, 3))) == {}
    assert permutations_of("none", Partition((1, 3))) == {}
    assert permutations_of("shuffle", Partition((1,))) == {}  # one group: nothing to move


def test_names_of_published_weights_stay() -> None:
    block = SeesawBlock(PlacedBlock(0, 0, Block(6, 3, Partition((1, 3)), "share"), 16, 24, 1, 4, 4))
    shapes = {name: tuple(value.shape) for name, value in block.named_parameters()}
    # pw1 1:3 splits 16 into 4 and 12, 96 into 24 and 72; pw2 under share is 3:1: 72 and 24 into 18 and 6.
    assert shapes == {
        "pw1.convs.0.weight": (24, 4, 1, 1),
        "pw1.convs.1.weight": (72, 12, 1, 1),
        "pw1_bn.weight": (96,),
        "pw1_bn.bias": (96,),
        "dw.weight": (96, 1, 3, 3),
        "dw_bn.weight": (96,),
        "dw_bn.bias": (96,),
        "pw2.convs.0.weight": (18, 72, 1, 1),
        "pw2.convs.1.weight": (6, 24, 1, 1),
        "pw2_bn.weight": (24,),
        "pw2_bn.bias": (24,),
    }
