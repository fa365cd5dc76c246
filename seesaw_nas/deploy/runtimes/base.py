"""What a runtime is to this package: how a folded network becomes its files, and how these files run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seesaw_nas.core.conditions import cores
from seesaw_nas.core.errors import OptionError, RunError, SeesawError
from seesaw_nas.core.optional import require
from seesaw_nas.data.preprocessing import Floats
from seesaw_nas.deploy.runtimes.quiet import hide_output
from seesaw_nas.deploy.runtimes.signal_stack import keep_signal_stack
from seesaw_nas.deploy.runtimes.tracing import hide_warnings
from seesaw_nas.network.folded import SplitNetwork

Logits = Callable[[Floats], Floats]  # (N, C, H, W), normalised, to (N, classes)
Files = Mapping[str, bytes]  # by name


@dataclass(frozen=True, slots=True)
class Runtime:
    """A runtime.

    Attributes:
        name: as it is typed; the name of its file in this package and of the extra that installs it, but for ONNX
            Runtime, which is always installed.
        title: as people call it.
        packages: distributions that convert or run a network, whose versions belong to every result.
        needs: what ``pip install`` wants so that the exported example runs.
        write: the files of a network for calls with ``batch`` images: ``write(network, batch)``.
        load: opens a folder with these files: ``load(folder, threads)``. It uses no name from outside, because its text
            becomes part of the exported example.
        settings: what we set against what the runtime does by itself, in words.
        int8_settings: the same in int8.
        fixed_batch: why a file takes calls of one size only; empty if it takes any.
        cpp: the exported example in C++, with ``@NAME@`` for what depends on the network; ``None`` without one.
    """

    name: str
    title: str
    packages: tuple[str, ...]
    needs: str
    write: Callable[[SplitNetwork, int], Files]
    load: Callable[[Path, int], Callable[[Any], Any]]
    settings: tuple[str, ...] = ()
    int8_settings: tuple[str, ...] = ()
    fixed_batch: str = ""
    cpp: Path | None = None

    @property
    def versions(self) -> dict[str, str]:
        """Versions of its packages; those that are not installed are left out."""
        found = {}
        for name in self.packages:
            try:
                found[name] = metadata.version(name)
            except metadata.PackageNotFoundError:
                continue
        return found

    def check_batch(self, batch: int) -> None:
        """Raise :class:`OptionError` for a batch size where files take calls of any size."""
        if batch != 1 and not self.fixed_batch:
            raise OptionError(
                f"a file for {self.title} takes any number of images at once, so --batch {batch} means nothing there; "
                "leave it out"
            )

    def convert(self, network: SplitNetwork, batch: int = 1) -> Files:
        """The files of a network.

        Args:
            batch: images of a call; of no meaning without ``fixed_batch``.

        Raises:
            OptionError: the runtime is not installed.
            RunError: it cannot hold this network.
        """
        with self._explained("convert"), hide_output(), hide_warnings(), keep_signal_stack():
            return self.write(network, batch)

    def open_folder(self, folder: Path, threads: int = 0, batch: int = 1) -> Logits:
        """The network in a folder that holds the files of :meth:`convert`.

        Args:
            threads: CPU threads; 0 for one per core.
            batch: images of a call, as for :meth:`convert`; other numbers of images are divided into such calls.

        Raises:
            OptionError: the runtime is not installed.
            RunError: it cannot open these files.
        """
        with self._explained("open"), hide_output(), hide_warnings(), keep_signal_stack():
            call = self.load(folder, threads or cores())

        def logits(images: Floats) -> Floats:
            with self._explained("run"):
                found: Floats = in_batches(call, batch)(images) if self.fixed_batch else call(images)
                return found

        return logits

    def open(self, files: Files, threads: int = 0, batch: int = 1) -> Logits:
        """As :meth:`open_folder`, from the files' content."""
        with tempfile.TemporaryDirectory(prefix="seesaw-nas-") as name:
            folder = Path(name)
            for file, content in files.items():
                (folder / file).write_bytes(content)
            return self.open_folder(folder, threads, batch)

    @contextmanager
    def _explained(self, action: str) -> Iterator[None]:
        """Context that turns any failure into one line: runtimes raise errors of almost every class."""
        try:
            with require(self.name):
                yield
        except SeesawError:
            raise
        except Exception as error:
            raise RunError(
                f"{self.title} ({self._spelt_versions}) cannot {action} this network: {first_line(error)}"
            ) from None

    @property
    def _spelt_versions(self) -> str:
        return ", ".join(f"{name} {version}" for name, version in self.versions.items())


def in_batches(call: Callable[[Floats], Floats], batch: int) -> Logits:
    """A function of any number of images from one of exactly ``batch``; the last call is filled up with zeros."""

    def logits(images: Floats) -> Floats:
        whole = -(-len(images) // batch) * batch
        filled = np.zeros((whole, *images.shape[1:]), np.float32)
        filled[: len(images)] = images
        parts = [call(filled[start : start + batch]) for start in range(0, whole, batch)]
        joined: Floats = np.concatenate(parts)[: len(images)]
        return joined

    return logits


def check_logits(logits: npt.NDArray[Any], images: int, classes: int) -> None:
    """Refuse what is not one finite number for each image and class.

    Raises:
        RunError: it is something else.
    """
    wanted = (images, classes)
    if logits.shape != wanted or not np.isfinite(logits).all():
        came = f"shape {logits.shape}, wanted {wanted}" if logits.shape != wanted else "values that are not finite"
        raise RunError(f"the network gives outputs with {came}: it is damaged; export or train it again")


def first_line(error: Exception) -> str:
    """The class of an error and the first line of its text."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
