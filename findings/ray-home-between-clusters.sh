#!/bin/sh
# Guess: a program may change HOME between two clusters of its own; the second ray.init() works as the first did, or
# says what is missing.
# Seen (ray 2.60.0): the first ray.init() makes a token under HOME, and the second one counts on it. Where HOME has
# changed, the second head server ends at once with "Token authentication is enabled but Ray couldn't find an
# authentication token", which stands in its own log alone. The program waits 30 seconds and is told that it "Timed out
# waiting for file", with the name of a port file and no word of the token.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ray==2.60.0
mkdir "$folder/one" "$folder/other"
HOME="$folder/one" "$folder/venv/bin/python" - "$folder/other" <<'PYTHON'
import os
import sys

import ray

ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
ray.shutdown()
os.environ["HOME"] = sys.argv[1]
try:
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
    said = "nothing: it works"
    ray.shutdown()
except RuntimeError as error:
    said = str(error)
session = os.path.dirname(said.split()[-1])
log = open(f"{session}/logs/gcs_server.err").read()
print("ray", ray.__version__)
print("told to the program:", said.replace(session, "SESSION"))
print("in the server's log:", "couldn't find an authentication token" in log)
assert "Timed out waiting for file" in said
assert "token" not in said
assert "couldn't find an authentication token" in log
PYTHON
