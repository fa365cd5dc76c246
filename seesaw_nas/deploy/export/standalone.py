"""The exported ``example.py``: one text, which needs no file of ours.

It has ``example.py`` of this package, how pictures are read, and the very function that opened the files in the
comparison with the trained network, with all of the runtime's settings.
"""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

from seesaw_nas.data import pictures
from seesaw_nas.data.preprocessing import Preprocessing
from seesaw_nas.deploy.runtimes.base import Runtime

EXAMPLE = Path(__file__).with_name("example.py")
OURS, FUTURE = "seesaw_nas.", "__future__"
ONE_IMAGE = "BATCH = 1 "
PORTABLE = {1: ("PGM", "P5", "PIXEL_GRAY"), 3: ("PPM", "P6", "PIXEL_RGB")}  # by channels: format, its mark, ncnn's name


def example(runtime: Runtime, batch: int = 1) -> str:
    """The text of the exported file: introduction, imports, how pictures are read and files opened, the example.

    Args:
        batch: images of a call.
    """
    about, imports, body = _divide(EXAMPLE)
    _, others, reading = _divide(Path(pictures.__file__))
    needed = sorted({*imports, *others} - {f"from {FUTURE} import annotations"}, key=_order)
    external = [line for line in needed if _order(line)[0]]
    plain = [line for line in needed if not _order(line)[0]]
    top = f"{about}\n\nfrom {FUTURE} import annotations\n\n" + "\n".join(plain) + "\n\n" + "\n".join(external)
    opening = inspect.getsource(runtime.load).strip("\n")
    assert ONE_IMAGE in body, "the example names the images of a call"
    return f"{top}\n\n{reading}\n\n\n{opening}\n\n\n{body.replace(ONE_IMAGE, f'BATCH = {batch} ')}\n"


def cpp_example(runtime: Runtime, preprocessing: Preprocessing) -> str:
    """The text of the exported ``example.cpp``; empty where there is none for this runtime or these images."""
    if runtime.cpp is None or preprocessing.channels not in PORTABLE:
        return ""
    kind, magic, pixels = PORTABLE[preprocessing.channels]
    values = {
        "SIZE": str(preprocessing.size),
        "CHANNELS": str(preprocessing.channels),
        "MEAN": ", ".join(f"{255 * mean:.9g}f" for mean in preprocessing.mean),
        "SCALE": ", ".join(f"{1 / (255 * std):.9g}f" for std in preprocessing.std),
        "KIND": kind,
        "MAGIC": magic,
        "PIXELS": pixels,
    }
    text = runtime.cpp.read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def _divide(path: Path) -> tuple[str, list[str], str]:
    """The introduction of a file, its imports but those of ours, one a line, and the rest."""
    text = path.read_text(encoding="utf-8")
    introduction, *rest = ast.parse(text).body
    imports = [node for node in rest if isinstance(node, ast.Import | ast.ImportFrom)]
    lines, last = text.splitlines(), max(node.end_lineno or 0 for node in imports)
    kept = [ast.unparse(node) for node in imports if not (getattr(node, "module", "") or "").startswith(OURS)]
    return "\n".join(lines[: introduction.end_lineno]), kept, "\n".join(lines[last:]).strip("\n")


def _order(line: str) -> tuple[bool, bool, str]:
    """Python's own modules first, and of each kind the plain imports."""
    module = line.split()[1].partition(".")[0]
    return module in ("numpy", "PIL"), line.startswith("from"), line
