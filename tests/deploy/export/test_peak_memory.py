"""The arithmetic of memory and weights against the exported ONNX graph, tensor by tensor, and ONNX Runtime's plan."""

from dataclasses import replace
from pathlib import Path

import pytest

import seesaw_nas
from seesaw_nas.architecture import cost, memory
from seesaw_nas.architecture.partition import DENSE, Partition
from seesaw_nas.architecture.reference import network
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem

FOLDER = Path(seesaw_nas.__file__).parent.parent / "benchmarks"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="benchmarks/ is in a clone alone")

SHUFFLE, SHARE = Block(3, 3, Partition((1, 3)), "shuffle"), Block(6, 5, Partition((3, 1)), "share", "relu6")
DENSE_BLOCK, HALVES = Block(2, 3, DENSE, "none"), Block(2, 3, Partition((1, 1)), "none")
SPLIT = Block(6, 3, Partition((1, 3)), "shuffle")  # wide enough between 64 channels to be a tensor for every group


def of(*stages, stem=16, head=32, size=16):
    """A network of stages (channels, stride, blocks)."""
    return Architecture(size, 3, 10, Stem(stem, 1), tuple(Stage(*stage) for stage in stages), Head(head))


# Each with the zeros that its file holds, for 1x1 convolutions of narrow groups are stored dense. 1:3 leaves 3/8 of a
# weight empty, 1:1 a half. A block of 16 -> 48 -> 16 channels has 2 * 16 * 48 * 3/8 = 576 of them, 16 -> 96 -> 16 has
# 1,152, 16 -> 96 -> 24 has (1,536 + 2,304) * 3/8 = 1,440, 24 -> 72 -> 24 has 1,296, 24 -> 72 -> 32 has 1,512.
# 32 -> 64 -> 32 in halves has 1,024 in pw2, and none in pw1, whose groups are stored as such.
NETWORKS = {
    "residuals": (
        of((16, 1, (SHUFFLE, SHARE, SHUFFLE)), (24, 2, (SHARE, SHUFFLE))),
        576 + 1_152 + 576 + 1_440 + 1_296,
    ),
    "strides": (of((24, 2, (SHARE,)), (32, 2, (SHUFFLE,)), size=15), 1_440 + 1_512),
    "halves": (of((32, 1, (HALVES, HALVES)), stem=32), 2 * 1_024),
    "head": (of((8, 2, (DENSE_BLOCK, DENSE_BLOCK)), stem=8, head=700, size=9), 0),
    "one pixel": (of((8, 2, (DENSE_BLOCK,)), (8, 2, (DENSE_BLOCK,)), stem=8, size=1), 0),
}


@pytest.fixture(scope="module")
def peak_memory():
    """The benchmark that walks over the tensors of an exported graph."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        import peak_memory

        yield peak_memory


@pytest.mark.parametrize("name", NETWORKS)
def test_the_exported_graph_needs_the_memory_and_holds_the_weights_that_arithmetic_says(peak_memory, name):
    architecture, zeros = NETWORKS[name]
    model = peak_memory.for_one_image(architecture)
    assert 4 * peak_memory.walk(model) == memory.peak_bytes(architecture, "float32")
    moved = sum(placed.c_out for placed in architecture.placed)  # the biases of pw2 are parts of the next pw1's
    assert peak_memory.stored_bytes(model) == cost.weight_bytes(architecture, "float32") + 4 * (zeros - moved)


def test_a_block_of_a_tensor_for_every_group_needs_less_than_arithmetic_says(peak_memory):
    # 64 -> 384 -> 64 channels 1:3 on 8x8, shuffled: pieces of 48, 48, 240 and 48 channels. By arithmetic dw decides,
    # with 64 + 384 + 384 channels. The graph works piece by piece: at the third, the input (16 + 48), two pieces that
    # are done and the third before and after dw are alive, 64 + 48 + 48 + 240 + 240. Nothing is stored dense.
    architecture = of((64, 1, (SPLIT,)), stem=64, head=64, size=8)
    model = peak_memory.for_one_image(architecture)
    assert "Split" in {node.op_type for node in model.graph.node}
    assert memory.peak_elements(architecture) == 832 * 64
    assert peak_memory.walk(model) == 640 * 64
    assert peak_memory.stored_bytes(model) == cost.weight_bytes(architecture, "float32") - 4 * 64


@pytest.mark.thorough
def test_the_paper_s_network_needs_the_same_to_the_byte(peak_memory):
    architecture = replace(network("seesaw-shuffle-0.5d@cifar10-tiny"), input_size=8)
    model = peak_memory.for_one_image(architecture)
    assert {"Split", "Concat"} <= {node.op_type for node in model.graph.node}  # in its late blocks
    assert 4 * peak_memory.walk(model) == memory.peak_bytes(architecture, "float32")


@pytest.mark.thorough
def test_onnxruntime_plans_for_what_arithmetic_says_and_gaps_between_tensors(peak_memory):
    architecture = of((16, 1, (DENSE_BLOCK,)))
    plan, scratch = peak_memory.reserved_by_onnxruntime(peak_memory.for_one_image(architecture))
    assert (plan, scratch) == (memory.peak_bytes(architecture, "float32"), 0)
