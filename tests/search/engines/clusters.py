"""A cluster of Ray on this machine, for as long as tests want it."""

import os
from contextlib import contextmanager

import pytest

pytest.importorskip("ray.tune", reason="Ray is not installed")
import ray

from seesaw_nas.core.signals import keep_handlers
from seesaw_nas.search.engines import ray_tune


@contextmanager
def two_cpus(**more):
    """Context with a cluster that is told to have two CPUs, and what else is named, whatever the machine has.

    Its workers find the modules beside this file. A busy machine may take its time to start it.
    """
    with pytest.MonkeyPatch.context() as patch, keep_handlers():
        for name, value in {**ray_tune.QUIET, "RAY_gcs_server_port_wait_time_s": "60"}.items():
            patch.setenv(name, value)
        patch.setenv("PYTHONPATH", os.pathsep.join([os.path.dirname(__file__), os.environ.get("PYTHONPATH", "")]))
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR", **more)
        try:
            yield
        finally:
            ray.shutdown()
