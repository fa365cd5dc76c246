"""The search in this process, one training after another."""

from seesaw_nas.search.engines.serial import run

__all__ = ["run"]
