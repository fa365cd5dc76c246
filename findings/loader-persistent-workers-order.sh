#!/bin/sh
# Guess: persistent_workers=True only spares a DataLoader the start of its workers in each epoch; under one seed of its
# generator, the order of the samples is that without.
# Seen (torch 2.13.0): the first epoch's order is the same, every later one differs. Without the option each epoch draws
# a seed for its workers from the same generator before it shuffles; with it only the first does. The order without
# workers (num_workers=0) is the one of workers that do not persist.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import torch
from torch.utils.data import DataLoader


def epochs(**options):
    generator = torch.Generator().manual_seed(0)
    loader = DataLoader(range(10), batch_size=10, shuffle=True, generator=generator, **options)
    return [next(iter(batches)).tolist() for batches in [list(loader) for _ in range(3)]]


none = epochs()
fresh = epochs(num_workers=1)
persistent = epochs(num_workers=1, persistent_workers=True)
print("torch", torch.__version__)
for name, orders in (("no workers", none), ("workers of each epoch", fresh), ("persistent workers", persistent)):
    print(f"{name}:", *orders, sep="\n  ")
assert fresh == none
assert persistent[0] == none[0]
assert persistent[1] != none[1]
assert persistent[2] != none[2]
PYTHON
