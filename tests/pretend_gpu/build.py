"""Compiling the shim: once for each version of torch, into a folder of temporary files."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path

SOURCE = Path(__file__).with_name("shim.cpp")
TRIED = "2.13"  # the shim follows interfaces inside torch, which change from release to release


class Unavailable(Exception):
    """Why there is no pretended GPU here."""


def shim() -> Path:
    """The compiled shim.

    Raises:
        Unavailable: there is no compiler, it failed, or torch is not one that the shim was written for.
    """
    torch, release = _torch()
    key = hashlib.sha256(f"{release} {torch}".encode() + SOURCE.read_bytes()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"seesaw-nas-pretended-gpu-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise Unavailable(f"the pretended GPU is built in {folder}, which belongs to somebody else")
    library = folder / f"shim-{key}.so"
    if not library.exists():
        _compile(torch, library)
    return library


def _torch() -> tuple[Path, str]:
    """Torch's folder and release, without loading it."""
    spec = importlib.util.find_spec("torch")
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable("the pretended GPU wants torch, which is not installed")
    folder, release = Path(spec.submodule_search_locations[0]), version("torch")
    if not re.match(rf"{re.escape(TRIED)}\.", release):
        raise Unavailable(f"the pretended GPU was written for torch {TRIED}, and this is {release}")
    if not (folder / "lib" / "libtorch_cpu.so").exists() or (folder / "lib" / "libtorch_cuda.so").exists():
        raise Unavailable(f"the pretended GPU wants a build of torch for Linux without CUDA, and this is {release}")
    return folder, release


def _compile(torch: Path, library: Path) -> None:
    """Build into a file of this process and rename it, since several processes may build at once."""
    compiler = shutil.which("g++")
    if compiler is None:
        raise Unavailable("the pretended GPU wants the compiler g++, which is not here")
    own, libraries = library.with_suffix(f".{os.getpid()}"), torch / "lib"
    includes = [f"-I{torch / 'include'}", f"-I{torch / 'include/torch/csrc/api/include'}"]
    links = [f"-L{libraries}", "-lc10", "-ltorch_cpu", f"-Wl,-rpath,{libraries}"]
    command = [compiler, "-O1", "-std=c++20", "-shared", "-fPIC", str(SOURCE), "-o", str(own), *includes, *links]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        reason = next((line for line in ended.stderr.splitlines() if "error" in line), ended.stderr.strip())
        raise Unavailable(f"the pretended GPU's shim does not compile: {reason}")
    own.replace(library)
