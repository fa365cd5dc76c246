"""Forms to export to, splits to score on, and where a training's weights are. Loads without torch."""

from __future__ import annotations

from pathlib import Path

from seesaw_nas.core.documents import DocumentError, read_json
from seesaw_nas.deploy.runtimes import RUNTIMES

ENDINGS = {"onnx": ".onnx", "torch-export": ".pt2", "json": ".json", "folder": ""}
FOLDERS = {"folder": "onnxruntime", **{name: name for name in RUNTIMES if name != "onnxruntime"}}
"""Targets that are folders, with the runtime of each; that of ONNX Runtime is the default one, with the weights."""
TARGETS = (*ENDINGS, *(name for name in FOLDERS if name not in ENDINGS))
QUANTIZERS = ("onnxruntime", "openvino")  # runtimes that have int8
QUANTIZED = ("onnx", *(target for target, runtime in FOLDERS.items() if runtime in QUANTIZERS))
"""Targets that can be written in int8."""
INT8 = "int8"
SPLITS = ("validation", "test")


def explain_macs(graph_macs: int, macs: int) -> str:
    """What an exported graph computes, beside its network, for people."""
    if graph_macs == macs:
        return f"computes the network's {macs:,} Multi-Adds and no zeros"
    return f"computes {graph_macs:,} Multi-Adds, for narrow groups are stored as dense convolutions with zeros"


def is_int8(folder: Path) -> bool:
    """Whether a folder is an export in int8, by its ``agreement.json``."""
    try:
        return bool(read_json(folder / "agreement.json").get("int8"))
    except (DocumentError, AttributeError):
        return False


def find_runtime(folder: Path) -> str:
    """The runtime that a folder was exported for, as people write it, by its ``agreement.json``; empty if none."""
    try:
        return str(read_json(folder / "agreement.json").get("runtime", ""))
    except (DocumentError, AttributeError):
        return ""


def find_weights(spec: str) -> Path | None:
    """The weights in the folder of a finished training or of an export, ``None`` where ``spec`` is none."""
    weights = Path(spec) / "weights.safetensors"
    return weights if weights.is_file() else None
