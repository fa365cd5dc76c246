"""Multi-Adds of an exported graph, by arithmetic on its operators."""

from dataclasses import replace

import onnx
import pytest

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.reference import network
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.deploy.export import counted_graph
from seesaw_nas.deploy.names import explain_macs
from seesaw_nas.deploy.runtimes import graph_macs, onnx_graph
from seesaw_nas.network.counters import Values
from seesaw_nas.network.models import build

# In seesaw-shuffle-0.5d the seven blocks up to 192 inner channels are dense in the graph, for their smallest piece has
# fewer than 48 channels. Uneven they keep (1 + 9) / 16 of the dense Multi-Adds of pw1 and pw2, 16,220,160 together
# (983,040 + 2,457,600 + 4,423,680 + 2,949,120 + 1,966,080 + 1,966,080 + 1,474,560), so the zeros are 6/10 of that.
ZEROS = 9_732_096
GRAPHS = {
    "seesaw-shuffle-0.5d@cifar10": 108_212_736 + ZEROS,
    "mobilenetv2@cifar10": 166_212_096,  # dense as it is
}


@pytest.mark.parametrize("name", GRAPHS)
def test_zeros_of_narrow_groups_are_counted(name):
    assert counted_graph.make(network(name)).macs == GRAPHS[name]


def test_a_dense_network_has_no_zeros_and_says_so():
    assert explain_macs(GRAPHS["mobilenetv2@cifar10"], 166_212_096) == (
        "computes the network's 166,212,096 Multi-Adds and no zeros"
    )
    assert explain_macs(GRAPHS["seesaw-shuffle-0.5d@cifar10"], 108_212_736) == (
        "computes 117,944,832 Multi-Adds, for narrow groups are stored as dense convolutions with zeros"
    )


@pytest.mark.slow
@pytest.mark.parametrize("flow", ["shuffle", "igcv3"])
def test_the_written_graph_is_counted_like_the_one_made_without_weights(flow):
    block = Block(3, 3, Partition((1, 3) if flow == "shuffle" else (1, 1)), flow)
    model = Architecture(8, 3, 10, Stem(16, 1), (Stage(64, 1, (block, block)),), Head(16))
    written, made = onnx_graph.graph(build(model, seed=0).eval()), counted_graph.make(model)
    assert graph_macs.count(written) == made.macs
    assert replace(counted_graph.values_in(written), biases=0) == replace(made.values, biases=0)


def test_a_linear_layer_counts_either_way_round():
    shapes = {"x": [1, 3], "w": [3, 5], "y": [1, 5]}
    x, y = (onnx.helper.make_tensor_value_info(name, 1, ["batch", *shapes[name][1:]]) for name in "xy")
    weight = onnx.helper.make_tensor("w", 1, shapes["w"], [0.0] * 15)
    graph = onnx.helper.make_graph([onnx.helper.make_node("Gemm", ["x", "w"], ["y"])], "g", [x], [y], [weight])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)])
    assert graph_macs.count(model) == 15
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"  # it is not changed


def test_values_of_the_graph_are_those_of_its_operators():
    # 2,076,672 values are written by convolutions with batch norm, those of the 17 pw2 have no bias once folded: stem
    # and head 32,768 + 81,920, the inner layers before and after stride the rest. Sums: residuals of 86,016, and 81,920
    # where a group of pw2 reads two pieces.
    values = counted_graph.make(network("seesaw-shuffle-0.5d@cifar10")).values
    assert values == Values(
        norm=0, norm_params=0, activations=933_888, pool_in=81_920, pool_out=1_280, biases=1_900_554, sums=167_936
    )


def test_arithmetic_in_the_comment_above():
    layers = [layer for layer in cost.layers(network("seesaw-shuffle-0.5d@cifar10")) if layer.kind == "pointwise"]
    assert sum(layer.macs for layer in layers[:14]) * 6 // 10 == ZEROS
