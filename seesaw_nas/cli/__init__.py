"""The command line: parse, call one function, print."""

from seesaw_nas.cli.main import main

__all__ = ["main"]
