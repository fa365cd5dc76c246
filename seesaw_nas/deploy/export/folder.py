"""The exported folder, with which pictures can be classified without this package."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from seesaw_nas import __version__
from seesaw_nas.architecture import cost
from seesaw_nas.core.files import make_folder, replace_file, write_json
from seesaw_nas.data.pictures import printable
from seesaw_nas.data.preprocessing import COLOURS, weights_header
from seesaw_nas.deploy.export import standalone
from seesaw_nas.deploy.export.agreement import Agreement
from seesaw_nas.deploy.export.source import ExportSource
from seesaw_nas.deploy.names import AGREEMENT, ANY_BATCH, WEIGHTS, explain_macs
from seesaw_nas.deploy.quantization import Quantized
from seesaw_nas.deploy.runtimes.base import Files, Runtime
from seesaw_nas.network import models

SHOWN_CLASSES = 10

README = """\
# {name}

Sorts pictures, read as {size}x{size} pixels in {colours}, into the {count} classes of {dataset}: {classes}.
{params:,} Params; {macs:,} {convention}. The graph {graph}.{accuracy}

    pip install {needs}
    python example.py picture.png ...

| file | what |
|---|---|
| `example.py` | reads pictures and prints their five likeliest classes, in {title} |
{cpp}| {files} | {io}; batch norm is folded in |
| `preprocessing.json` | short side to {short_side} pixels, the centre, (pixel / 255 - `mean`) / `std`; the classes |
| `labels.txt` | the classes, one a line, in the order of the logits |
| `spec.json` | the architecture; `seesaw-nas show spec.json` prints it |
| `agreement.json` | the comparison with the trained network, and the versions it was made with |
{weights}
{settings}Exported by seesaw-nas {version} on {day}, checked in {versions}. {agreement}
{int8}"""
CPP_ROW = "| `example.cpp` | prints the likeliest class of a picture of that size; its top says how to compile it |\n"
WEIGHTS_ROW = "| `weights.safetensors` | the trained weights as they are, batch norm not folded |\n"


@dataclass(frozen=True, slots=True)
class RuntimeFiles:
    """A network converted for a runtime and compared with the trained one.

    Attributes:
        graph_macs: Multi-Adds of the graph that was converted.
        batch: images of a call, where that is fixed.
        with_weights: whether the folder holds the trained weights, too.
        quantized: what int8 was calibrated on and what it costs; ``None`` in float32.
    """

    runtime: Runtime
    files: Files
    agreement: Agreement
    graph_macs: int
    batch: int = 1
    with_weights: bool = False
    quantized: Quantized | None = None

    @property
    def settings(self) -> tuple[str, ...]:
        """What is set against the runtime's own in this precision."""
        return self.runtime.settings if self.quantized is None else self.runtime.int8_settings


def write(path: Path, source: ExportSource, converted: RuntimeFiles) -> None:
    """Create the folder atomically.

    Raises:
        FileExistsError: something has come to be at ``path`` meanwhile.
    """

    def fill(made: Path) -> None:
        named, preprocessing = source.named, source.preprocessing
        write_json(made / "spec.json", source.document)
        write_json(made / "preprocessing.json", preprocessing.to_dict())
        if converted.with_weights:
            header = weights_header(named, source.dataset, preprocessing)
            models.save_weights(source.model, made / WEIGHTS, header)
        for name, content in converted.files.items():
            replace_file(made / name, content)
        write_json(made / AGREEMENT, describe(converted))
        replace_file(made / "labels.txt", _labels(preprocessing.classes).encode())
        replace_file(made / "example.py", standalone.example(converted.runtime, converted.batch).encode())
        if example := standalone.cpp_example(converted.runtime, preprocessing):
            replace_file(made / "example.cpp", example.encode())
        replace_file(made / "README.md", _readme(source, converted).encode())

    make_folder(path, fill)


def describe(converted: RuntimeFiles) -> dict[str, Any]:
    """The content of ``agreement.json``."""
    runtime = converted.runtime
    return {
        "runtime": runtime.title,
        "versions": runtime.versions,
        "settings": list(converted.settings),
        "batch": converted.batch if runtime.fixed_batch else ANY_BATCH,
        **converted.agreement.to_dict(),
        **({"int8": converted.quantized.to_dict()} if converted.quantized else {}),
    }


def _labels(classes: tuple[str, ...]) -> str:
    """One class a line, with escapes for what would end a line or not show."""
    return "".join(f"{printable(name)}\n" for name in classes)


def _readme(source: ExportSource, converted: RuntimeFiles) -> str:
    named, preprocessing, runtime = source.named, source.preprocessing, converted.runtime
    classes, macs = preprocessing.classes, cost.macs(named.architecture)
    return README.format(
        name=named.name,
        colours=COLOURS.get(preprocessing.channels, f"{preprocessing.channels} channels"),
        size=preprocessing.size,
        short_side=preprocessing.short_side,
        dataset=preprocessing.dataset.removeprefix("folder:"),
        count=len(classes),
        classes=", ".join(classes[:SHOWN_CLASSES]) + (", ..." if len(classes) > SHOWN_CLASSES else ""),
        params=cost.params(named.architecture),
        macs=macs,
        graph=explain_macs(converted.graph_macs, macs),
        convention=cost.CONVENTION,
        accuracy=_accuracy(source),
        needs=runtime.needs,
        title=runtime.title,
        files=", ".join(f"`{name}`" for name in converted.files),
        io=_io(source, str(converted.batch) if runtime.fixed_batch else "N"),
        cpp=CPP_ROW if standalone.cpp_example(runtime, preprocessing) else "",
        weights=WEIGHTS_ROW if converted.with_weights else "",
        settings=_settings(converted),
        version=__version__,
        day=datetime.now(UTC).date(),
        versions=", ".join(f"{name} {version}" for name, version in runtime.versions.items()),
        agreement=converted.agreement.sentence,
        int8=_int8(converted),
    )


def _io(source: ExportSource, batch: str) -> str:
    channels, height, width = source.named.architecture.input
    count = source.named.architecture.classes
    return f"`images`, float32 ({batch}, {channels}, {height}, {width}), to `logits`, ({batch}, {count})"


def _settings(converted: RuntimeFiles) -> str:
    """Paragraphs on what differs from what the runtime does by itself; empty if nothing does."""
    runtime, batch = converted.runtime, converted.batch
    told = [f"Calls have exactly {batch} image{'s' if batch > 1 else ''}: {runtime.fixed_batch}."] * bool(
        runtime.fixed_batch
    )
    if converted.settings:
        told.append("Set in `example.py` or in the files: " + "; ".join(converted.settings) + ".")
    return "".join(f"{paragraph}\n\n" for paragraph in told)


def _int8(converted: RuntimeFiles) -> str:
    """A paragraph on the quantisation; empty in float32."""
    if converted.quantized is None:
        return ""
    return f"\nWeights and activations are int8. {' '.join(converted.quantized.sentences)}\n"


def _accuracy(source: ExportSource) -> str:
    """A sentence on the test accuracy, if the training that wrote the weights recorded one; else empty."""
    result = source.named.result
    top1, n = result.get("top1"), result.get("n_test")
    if result.get("split") != "test" or not isinstance(top1, float) or not 0 <= top1 <= 1 or not isinstance(n, int):
        return ""
    return f" Test top-1 {top1:.2%} ({n:,} images)."
