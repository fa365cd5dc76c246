"""A network's weights in flat vectors, and the order in which layers need them: one gather instead of hundreds."""

from seesaw_nas.network.flat.order import BlockOrder, NetworkOrder, block_order, network_order
from seesaw_nas.network.flat.shapes import LayerShapes
from seesaw_nas.network.flat.weights import FlatWeights

__all__ = ["BlockOrder", "FlatWeights", "LayerShapes", "NetworkOrder", "block_order", "network_order"]
