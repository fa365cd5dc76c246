"""Peak activation memory and bytes of weights of deployed networks: cases worked by hand, and what holds of all."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seesaw_nas.architecture import cost, memory
from seesaw_nas.architecture.partition import DENSE, Partition
from seesaw_nas.architecture.reference import MODELS, SETTINGS, network
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem, has_residual, output_size
from seesaw_nas.core.errors import OptionError, SpecError

EVERY_NETWORK = [f"{model}@{setting}" for model in MODELS for setting in SETTINGS]
FIRST, SECOND = Block(2, 3, DENSE, "none"), Block(6, 3, Partition((1, 3)), "share")
TWO_BLOCKS = Architecture(8, 1, 10, Stem(4, 1), (Stage(8, 2, (FIRST, SECOND)),), Head(16))


def test_peak_of_two_blocks_by_hand():
    # Stem: image 1x8x8 = 64 and 4x8x8 = 256 together.
    assert memory.stem_elements(1, 8, 4, 8) == 320
    # First block, 4 -> 8 -> 8 channels, map 8x8 -> 4x4. pw1 256 + 512, dw 512 + 128, pw2 128 + 128.
    assert memory.block_elements(FIRST, 4, 8, 8, 4, 2) == 768
    # Second, 8 -> 48 -> 8 channels on 4x4, with a residual of 128. pw1 128 + 768, dw 128 + 768 + 768,
    # pw2 128 + 768 + 128. Its groups and its flow change nothing.
    assert memory.block_elements(SECOND, 8, 8, 4, 4, 1) == 1_664
    # Head 128 + 16x4x4 = 256, pool 256 + 16, classifier 16 + 10.
    assert memory.head_elements(8, 16, 10, 4) == 384
    assert memory.peak_elements(TWO_BLOCKS) == 1_664
    assert memory.peak_bytes(TWO_BLOCKS, "float32") == 6_656
    assert memory.peak_bytes(TWO_BLOCKS, "int8") == 1_664


def test_bytes_of_the_weights_of_two_blocks_by_hand():
    # Stem 9*1*4 = 36 weights and 4 biases.
    assert cost.stem_weight_bytes(1, 4, "int8") == 36 + 4 * 4
    # First block: pw1 4*8 = 32, dw 8*9 = 72, pw2 8*8 = 64; biases 8 + 8 + 8.
    assert cost.block_weight_bytes(FIRST, 4, 8, "int8") == 168 + 4 * 24
    # Second: pw1 1:3 is 2*12 + 6*36 = 240, dw 48*9 = 432, pw2 3:1 is 36*6 + 12*2 = 240; biases 48 + 48 + 8.
    assert cost.block_weight_bytes(SECOND, 8, 8, "int8") == 912 + 4 * 104
    assert cost.block_weight_bytes(SECOND, 8, 8, "float32") == 4 * (912 + 104)
    # Head 8*16 = 128 and classifier 16*10 = 160; biases 16 + 10.
    assert cost.head_weight_bytes(8, 16, 10, "int8") == 288 + 4 * 26
    assert cost.weight_bytes(TWO_BLOCKS, "int8") == 36 + 168 + 912 + 288 + 4 * (4 + 24 + 104 + 26)
    assert cost.weight_bytes(TWO_BLOCKS, "float32") == 4 * (36 + 168 + 912 + 288 + 4 + 24 + 104 + 26)


# Where the stem, the head, the pool and the classifier decide, in networks of one block 2 -> 2 -> 2.
@pytest.mark.parametrize(
    ("shapes", "elements"),
    [
        # 3x8x8 = 192 and 2x4x4 = 32 together; the block has 3 * 32 at most.
        ({"input_size": 8, "input_channels": 3, "stem": Stem(2, 2)}, 192 + 32),
        # Head 2x4x4 = 32 and 30x4x4 = 480; a wider one is decided by the pool, 50x4x4 = 800 and 50.
        ({"head": Head(30)}, 32 + 480),
        ({"head": Head(50)}, 800 + 50),
        # A map of 1x1: 2 + 50 in the head, 50 + 50 in the pool, 50 + 10 in the classifier.
        ({"input_size": 1, "head": Head(50)}, 50 + 50),
        ({"input_size": 1, "head": Head(50), "classes": 300}, 50 + 300),
    ],
)
def test_each_part_may_decide(shapes, elements):
    one = Architecture(4, 1, 10, Stem(2, 1), (Stage(2, 1, (Block(1, 3, DENSE, "none"),)),), Head(4))
    assert memory.peak_elements(replace(one, **shapes)) == elements


def test_a_1x1_map_has_a_residual_by_its_stride():
    # 4 -> 4 -> 4 channels on one pixel. Stride 1 holds the input: 4 + 4 + 4. Stride 2 leaves the map as it is, and does
    # not: 4 + 4.
    block = Block(1, 3, DENSE, "none")
    assert memory.block_elements(block, 4, 4, 1, 1, stride=1) == 12
    assert memory.block_elements(block, 4, 4, 1, 1, stride=2) == 8
    for stride in (1, 2):
        one = Architecture(1, 1, 2, Stem(4, 1), (Stage(4, stride, (block,)),), Head(1))
        assert memory.peak_elements(one) == (12 if one.placed[0].has_residual else 8)


def test_a_block_that_does_not_fit_has_no_bytes():
    with pytest.raises(SpecError, match="cannot split 6 channels 1:3: 6 is not a multiple of 4"):
        cost.block_weight_bytes(SECOND, 6, 8, "int8")


def test_an_unknown_element_type_is_refused():
    told = r"^unknown element type 'int9', did you mean 'int8'\? \(known: float32, int8\)$"
    for price in (cost.weight_bytes, memory.peak_bytes):
        with pytest.raises(OptionError, match=told):
            price(TWO_BLOCKS, "int9")


@given(st.sampled_from(EVERY_NETWORK), st.integers(1, 300))
def test_the_peak_is_the_highest_of_the_parts(name, size):
    whole = replace(network(name), input_size=size)
    stem, last = whole.stem, whole.placed[-1]
    parts = [memory.stem_elements(3, size, stem.channels, output_size(size, stem.stride))]
    parts += [memory.block_elements(p.block, p.c_in, p.c_out, p.size_in, p.size_out, p.stride) for p in whole.placed]
    parts += [memory.head_elements(last.c_out, whole.head.channels, whole.classes, last.size_out)]
    assert memory.peak_elements(whole) == max(parts)
    assert memory.peak_bytes(whole, "float32") == 4 * memory.peak_bytes(whole, "int8") == 4 * max(parts)


@given(st.sampled_from(EVERY_NETWORK))
def test_weights_add_up_and_are_those_of_the_trained_network(name):
    whole = network(name)
    last = whole.placed[-1].c_out
    parts = cost.stem_weight_bytes(3, whole.stem.channels, "int8")
    parts += sum(cost.block_weight_bytes(p.block, p.c_in, p.c_out, "int8") for p in whole.placed)
    parts += cost.head_weight_bytes(last, whole.head.channels, whole.classes, "int8")
    assert cost.weight_bytes(whole, "int8") == parts
    # A batch norm has two numbers a channel, and leaves one bias.
    channels = sum(layer.c_out for layer in cost.layers(whole) if layer.norm_elements)
    assert cost.weight_bytes(whole, "float32") == 4 * (cost.params(whole) - channels)
    # An int8 weight is a quarter, a bias is not.
    assert 4 * parts - cost.weight_bytes(whole, "float32") == 3 * 4 * (channels + whole.classes)


SIZES = st.integers(1, 12)


@given(st.integers(1, 8), st.integers(1, 64), st.sampled_from([3, 5]), SIZES)
def test_a_residual_holds_its_input_while_the_block_runs(expansion, channels, kernel, size):
    block = Block(expansion, kernel, DENSE, "none")
    assert has_residual(channels, channels, 1)
    held = memory.block_elements(block, channels, channels, size, size, 1)
    read, inner = channels * size**2, expansion * channels * size**2
    assert held == read + 2 * inner  # dw decides
    # Without it, pw1, dw and pw2 need no more than two of these at once; from expansion 1 on, dw decides.
    assert held - read == memory.block_elements(block, channels, channels, size, size, stride=2)


@given(st.integers(1, 8), st.integers(1, 64), st.integers(1, 64), SIZES, st.sampled_from([1, 2]))
def test_a_block_is_the_highest_of_its_three_layers(expansion, c_in, c_out, size, stride):
    """A walk over pw1, dw, pw2 and the addition, tensor by tensor."""
    out = output_size(size, stride)
    x, a, b, y = c_in * size**2, expansion * c_in * size**2, expansion * c_in * out**2, c_out * out**2
    steps = [({"x"}, "a"), ({"a"}, "b"), ({"b"}, "y")]
    if stride == 1 and c_in == c_out:
        steps.append(({"x", "y"}, "sum"))  # a tensor of its own, which changes nothing
    sizes, alive, peak = {"x": x, "a": a, "b": b, "y": y, "sum": y}, {"x"}, 0
    for i, (_, written) in enumerate(steps):
        alive.add(written)
        peak = max(peak, sum(sizes[name] for name in alive))
        alive = {name for name in alive if name == written or any(name in reads for reads, _ in steps[i + 1 :])}
    assert memory.block_elements(Block(expansion, 3, DENSE, "none"), c_in, c_out, size, out, stride) == peak
