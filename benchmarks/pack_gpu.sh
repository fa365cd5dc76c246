#!/bin/sh
# Lays out below .gpu/ what benchmarks/gpu.py wants on a machine without a network that takes little in one transfer:
#
#     sh benchmarks/pack_gpu.sh CIFAR [PACKAGE ...]
#
# CIFAR holds cifar-10-batches-bin/, as it is downloaded. The PACKAGEs are those that the machine lacks; their wheels are
# taken in the versions of constraints.txt. A transfer holds the files that git knows and what is named beside them:
# .gpu/wheels and .gpu/1 in the first, .gpu/2 in the second. benchmarks/README.md has the two commands.
#
# PYTHON: an interpreter with numpy and Pillow; TARGET: the machine's version of Python; LIMIT: of a transfer, in MiB.
set -eu
cd "$(dirname "$0")/.."
cifar=${1:?name the folder that holds cifar-10-batches-bin}
shift
python=${PYTHON:-python3} target=${TARGET:-3.12} limit=${LIMIT:-64}
rm -rf .gpu
mkdir -p .gpu/wheels .gpu/1 .gpu/2
if [ $# -gt 0 ]; then
    "$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
        --python-version "$target" --implementation cp --platform manylinux_2_28_x86_64 \
        --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
        --constraint constraints.txt --dest .gpu/wheels "$@"
fi
bytes() { find "$@" -type f -exec cat {} + | wc -c; }
tree=$(git ls-files -z | xargs -0 cat | wc -c)
room=$((limit * 1048576 - tree - 1048576)) # a MiB for names and folders
"$python" benchmarks/gpu_parts/mosaics.py pack "$cifar" --out .gpu --room $((room - $(bytes .gpu/wheels))) "$room"
git describe --always --dirty --abbrev=12 >.gpu/1/commit
cp .gpu/1/commit .gpu/2/commit
for part in 1 2; do
    extra=0
    [ "$part" = 2 ] || extra=$(bytes .gpu/wheels)
    echo "transfer $part: $(((tree + extra + $(bytes ".gpu/$part") + 524288) / 1048576)) of $limit MiB"
done
