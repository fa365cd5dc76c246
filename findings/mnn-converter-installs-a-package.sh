#!/bin/sh
# Guess: `mnnconvert`, the converter that comes with MNN, reads a model, writes a model, and does nothing else.
# Seen (MNN 3.6.1): the module behind it calls pip when it is imported, to install the client of a log service, to which
# it then means to report each conversion. Here the call is only written down: `os.system` and the network are replaced.
# The converter itself, the C module `_tools`, needs none of that.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check MNN==3.6.1 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import contextlib
import io
import os
import socket
from importlib import metadata

called = []


def write_down(command):
    called.append(command)
    return 1


def refuse(*_):
    raise OSError("no network here")


os.system = write_down
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
with contextlib.redirect_stdout(io.StringIO()):
    import MNN.tools.mnnconvert  # noqa: F401
print("MNN", metadata.version("MNN"))
print("commands while it was imported:", called)
assert any("pip install" in command for command in called), called
import _tools

assert hasattr(_tools, "mnnconvert")
PYTHON
