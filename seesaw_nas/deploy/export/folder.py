"""The exported folder, with which pictures can be classified without this package and without torch."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from seesaw_nas import __version__
from seesaw_nas.architecture import cost
from seesaw_nas.core.files import make_folder, replace_file, write_json
from seesaw_nas.data.preprocessing import COLOURS, weights_header
from seesaw_nas.deploy.export import onnx_file, standalone
from seesaw_nas.deploy.export.agreement import Agreement
from seesaw_nas.deploy.export.source import ExportSource
from seesaw_nas.deploy.names import explain_macs
from seesaw_nas.network import models

SHOWN_CLASSES = 10

README = """\
# {name}

Sorts pictures, read as {size}x{size} pixels in {colours}, into the {count} classes of {dataset}: {classes}.
{params:,} Params; {macs:,} {convention}. `model.onnx` {graph}.{accuracy}

    pip install onnxruntime numpy pillow
    python example.py picture.png ...

| file | what |
|---|---|
| `example.py` | reads pictures and prints their five likeliest classes |
| `model.onnx` | `images`, float32 (N, {channels}, {size}, {size}), to `logits`, (N, {count}); batch norm is folded in |
| `preprocessing.json` | short side to {short_side} pixels, the centre, (pixel / 255 - `mean`) / `std`; the classes |
| `spec.json` | the architecture; `seesaw-nas show spec.json` prints it |
| `weights.safetensors` | the trained weights as they are, batch norm not folded |

Exported by seesaw-nas {version} on {day}. {agreement}
"""


def write(path: Path, source: ExportSource, network: bytes, agreement: Agreement) -> None:
    """Create the folder atomically.

    Args:
        network: content of the ONNX file.

    Raises:
        FileExistsError: something has come to be at ``path`` meanwhile.
    """

    def fill(made: Path) -> None:
        named, preprocessing = source.named, source.preprocessing
        write_json(made / "spec.json", source.document)
        write_json(made / "preprocessing.json", preprocessing.to_dict())
        header = weights_header(named, source.dataset, preprocessing)
        models.save_weights(source.model, made / "weights.safetensors", header)
        replace_file(made / "model.onnx", network)
        replace_file(made / "example.py", standalone.example().encode())
        replace_file(made / "README.md", _readme(source, network, agreement).encode())

    make_folder(path, fill)


def _readme(source: ExportSource, network: bytes, agreement: Agreement) -> str:
    named, preprocessing = source.named, source.preprocessing
    classes, macs = preprocessing.classes, cost.macs(named.architecture)
    return README.format(
        name=named.name,
        colours=COLOURS.get(preprocessing.channels, f"{preprocessing.channels} channels"),
        size=preprocessing.size,
        short_side=preprocessing.short_side,
        dataset=preprocessing.dataset.removeprefix("folder:"),
        channels=preprocessing.channels,
        count=len(classes),
        classes=", ".join(classes[:SHOWN_CLASSES]) + (", ..." if len(classes) > SHOWN_CLASSES else ""),
        params=cost.params(named.architecture),
        macs=macs,
        graph=explain_macs(onnx_file.macs_in(network), macs),
        convention=cost.CONVENTION,
        accuracy=_accuracy(source),
        version=__version__,
        day=datetime.now(UTC).date(),
        agreement=agreement.sentence,
    )


def _accuracy(source: ExportSource) -> str:
    """A sentence on the test accuracy, if the training that wrote the weights recorded one; else empty."""
    result = source.named.result
    top1, n = result.get("top1"), result.get("n_test")
    if result.get("split") != "test" or not isinstance(top1, float) or not 0 <= top1 <= 1 or not isinstance(n, int):
        return ""
    return f" Test top-1 {top1:.2%} ({n:,} images)."
