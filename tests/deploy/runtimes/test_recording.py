"""Graphs that are recorded, against those of torch's exporter: operator for operator, and what they compute."""

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.deploy.runtimes import onnx_graph
from seesaw_nas.deploy.runtimes.onnxruntime import runner
from seesaw_nas.deploy.runtimes.recorded_graph import write_graph
from seesaw_nas.deploy.runtimes.recording import record, record_block, without_weights
from seesaw_nas.network import folded
from seesaw_nas.network.models import build

DENSE, HALVES, UNEVEN = Partition((1,)), Partition((1, 1)), Partition((1, 3))
# A split block, one that reads what it wrote in parts and adds its input, one with native groups, and a dense one.
NETWORK = Architecture(
    8,
    3,
    5,
    Stem(32, 1),
    (
        Stage(64, 2, (Block(6, 5, UNEVEN, "share", "relu6"), Block(3, 3, UNEVEN, "shuffle"))),
        Stage(64, 1, (Block(1, 3, HALVES, "none"), Block(1, 3, DENSE, "none", "relu6"), Block(6, 3, HALVES, "igcv3"))),
    ),
    Head(16),
)


@pytest.fixture(scope="module")
def network():
    """A network whose batch norms are not those of a beginning, so that nothing folds away."""
    torch.manual_seed(0)
    made = build(NETWORK, seed=0)
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0.0, 0.5)
            nn.init.normal_(module.running_mean, 0.0, 0.1)
    nn.init.normal_(made.classifier.bias, 0.0, 0.1)
    return made.eval()


@pytest.fixture(scope="module")
def exported(network):
    return onnx_graph.graph(network)


def operators(model) -> list:
    """Each node: its kind, attributes, where each input comes from, and shapes of its constants."""
    shapes = {one.name: tuple(one.dims) for one in model.graph.initializer}
    origins = {"images": "images"}
    found = []
    for number, node in enumerate(model.graph.node):
        attributes = sorted((one.name, str(onnx.helper.get_attribute_value(one))) for one in node.attribute)
        found.append((node.op_type, attributes, [origins.get(name, shapes.get(name)) for name in node.input]))
        origins |= {name: f"{number}.{place}" for place, name in enumerate(node.output)}
    return found


@pytest.mark.thorough  # torch's exporter takes seconds
def test_a_recorded_graph_has_the_operators_of_the_exported_one(network, exported):
    recorded = onnx.load_from_string(write_graph(record(folded.split(network))))
    onnx.checker.check_model(recorded)
    kinds = {kind for kind, _, _ in operators(recorded)}
    assert kinds == {"Conv", "Clip", "Add", "Split", "Concat", "AveragePool", "Reshape", "Gemm"}  # nothing is untested
    assert operators(recorded) == operators(exported)


@pytest.mark.thorough  # torch's exporter takes seconds
def test_a_recorded_graph_computes_what_the_exported_one_does_for_any_number_of_images(network, exported):
    recorded = write_graph(record(folded.split(network)))
    for batch in (1, 3):
        images = np.random.default_rng(batch).standard_normal((batch, 3, 8, 8), np.float32)
        expected = runner(exported.SerializeToString(), 1)(images)
        assert np.allclose(runner(recorded, 1)(images), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.thorough  # torch's exporter takes seconds
def test_a_network_without_weights_has_the_same_operators(network, exported):
    recorded = onnx.load_from_string(write_graph(record(without_weights(NETWORK))))
    assert operators(recorded) == operators(exported)


def test_random_weights_are_those_of_the_seed():
    operators_of_it = record(without_weights(NETWORK))
    assert write_graph(operators_of_it, 1) == write_graph(operators_of_it, 1)
    assert write_graph(operators_of_it, 1) != write_graph(operators_of_it, 2)


def test_blocks_that_are_exported_alike_are_recorded_alike():
    # 8 channels a group are too few to be worth a tensor of their own: the graph is that of the dense block.
    def kinds(partition, flow):
        block = Block(2, 3, partition, flow)
        whole = Architecture(8, 3, 5, Stem(16, 1), (Stage(16, 1, (block,)),), Head(16))
        return [(one.kind, one.read, one.written, one.attributes) for one in record_block(whole.placed[0])]

    assert kinds(UNEVEN, "share") == kinds(DENSE, "none")
    assert [kind for kind, *_ in kinds(DENSE, "none")] == ["Conv", "Conv", "Clip", "Conv", "Add"]
