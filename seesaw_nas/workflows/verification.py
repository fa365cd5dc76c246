"""The counts of an architecture, of the network and of its exported graph, held against counters by others."""

from __future__ import annotations

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.deploy.export import counted_graph
from seesaw_nas.network import witness
from seesaw_nas.network.witness import Verification


def verify(architecture: Architecture) -> Verification:
    """Count with every counter that is installed, see :func:`seesaw_nas.network.witness.verify`.

    Raises:
        OptionError: onnx is not installed.
    """
    return witness.verify(architecture, counted_graph.make(architecture))
