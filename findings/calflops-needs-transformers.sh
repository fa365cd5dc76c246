#!/bin/sh
# Guess: calflops, a counter of multiply-adds for any torch network, can be imported after `pip install calflops torch`.
# Seen (calflops 0.3.2): the import fails for want of transformers, a package for language models, which calflops does
# not require; with transformers installed a convolutional network is counted, and transformers has no part in it.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 calflops==0.3.2
cat > "$folder/count.py" <<'PYTHON'
import calflops
from torch import nn

network = nn.Conv2d(3, 8, 3, padding=1, bias=False)
_, macs, _ = calflops.calculate_flops(network, (1, 3, 16, 16), print_results=False, output_as_string=False)
print("multiply-adds:", macs)
assert macs == 8 * 3 * 3 * 3 * 16 * 16
PYTHON
"$folder/venv/bin/python" - <<'PYTHON'
from importlib import metadata

wanted = metadata.requires("calflops") or []
print("calflops", metadata.version("calflops"), "requires", wanted)
assert not any(line.startswith("transformers") for line in wanted)
try:
    import calflops  # noqa: F401
except ModuleNotFoundError as error:
    print("without transformers:", error)
    assert error.name == "transformers"
else:
    raise AssertionError("it can be imported")
PYTHON
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0
"$folder/venv/bin/python" "$folder/count.py"
