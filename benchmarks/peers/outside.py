"""Toolkits that run in a Python environment of their own, because their pins conflict with ours.

A toolkit is asked for the next training and told its result, one JSON object a line over the pipes of its process
(:mod:`serving` is the other side). The tables, the count of epochs and the budget stay on this side.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
OUTSIDE = {
    "syne-tune botorch top1": "serve_syne_tune.py",
    "syne-tune cqr top1": "serve_syne_tune.py",
    "syne-tune asha top1": "serve_syne_tune.py",
    "syne-tune ehvi": "serve_syne_tune.py",
    "syne-tune morea": "serve_syne_tune.py",
    "neps bo top1": "serve_neps.py",
    "neps asha top1": "serve_neps.py",
    "neps moasha": "serve_neps.py",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Job:
    """A training that a toolkit wants.

    Attributes:
        number: of the trial; the same again when a training goes on.
        genotype: a choice for each gene.
        until: the epoch after which it wants the result.
    """

    number: int
    genotype: dict[str, str]
    until: int


class Outside:
    """The process of one toolkit's algorithm, used for one search after another."""

    def __init__(self, name: str, python: Path) -> None:
        """Start the process.

        Args:
            name: one of :data:`OUTSIDE`.
            python: interpreter of an environment with ``requirements.txt`` of this folder.
        """
        self.name = name
        environment = {**os.environ, "PYTHONWARNINGS": "ignore", "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [python, HERE / OUTSIDE[name]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self._fixed: dict[str, str] = {}
        self.version = ""

    def start(self, seed: int, choices: Mapping[str, Sequence[str]], epochs: int) -> None:
        """Begin a search; what came before is forgotten. A gene with one choice is not the toolkit's business."""
        self._fixed = {gene: texts[0] for gene, texts in choices.items() if len(texts) == 1}
        free = {gene: list(texts) for gene, texts in choices.items() if len(texts) > 1}
        algorithm = self.name.partition(" ")[2]
        setting = {"algorithm": algorithm, "seed": seed, "choices": free, "epochs": epochs}
        self.version = self._call({"start": setting})["version"]

    def ask(self) -> Job:
        """The training that the toolkit wants next."""
        answer = self._call({"ask": True})
        return Job(answer["number"], self._fixed | answer["genotype"], answer["until"])

    def tell(self, job: Job, error: float, share: float) -> None:
        """Report the error (1 - top-1) at ``job.until``, and Multi-Adds over the budget's upper end."""
        self._call({"tell": {"number": job.number, "until": job.until, "error": error, "share": share}})

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _call(self, message: dict) -> dict:
        process = self._process
        try:
            process.stdin.write(json.dumps(message) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self.close()
            raise RuntimeError(f"{self.name} ended with status {process.returncode}; its message is above")
        return json.loads(line)
