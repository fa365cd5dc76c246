"""The pretended GPU of ``tests/pretend_gpu``: for the tests that run on one, and for processes that others start."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pretend_gpu import Unavailable
from pretend_gpu.build import shim

TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def environment():
    """Variables of a process to be started, with what the pretended GPU needs; its folders are on the path."""
    try:
        shim()
    except Unavailable as reason:
        pytest.skip(str(reason))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return kept | {"PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)]), "OMP_NUM_THREADS": "1"}
