"""Count what a step does on a GPU, by the lines of the product that it comes from, without a GPU.

python tests/pretend_gpu/count.py                          # the steps that there are
python tests/pretend_gpu/count.py modern supernet-cifar    # a table each
python tests/pretend_gpu/count.py modern --by-operator     # each line with its operators
python tests/pretend_gpu/count.py modern --json            # everything
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[0] = str(TESTS)  # in place of this folder, whose names would hide others
sys.path.insert(0, str(TESTS.parent))  # what is counted is the product beside these tests


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("steps", nargs="*", metavar="STEP")
    parser.add_argument("--top", type=int, default=25, help="lines of a table at most")
    parser.add_argument("--by-operator", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    import pretend_gpu

    try:
        pretend_gpu.install()
    except pretend_gpu.Unavailable as reason:
        sys.exit(str(reason))
    from pretend_gpu.steps import STEPS, count_step

    if unknown := set(options.steps) - set(STEPS):
        sys.exit(f"no step is called {', '.join(sorted(unknown))}; there are {', '.join(STEPS)}")
    if not options.steps:
        print("\n".join(STEPS))
    found = {name: count_step(name) for name in options.steps}
    if options.json:
        print(json.dumps({name: count.to_json() for name, count in found.items()}))
        return
    for name, count in found.items():
        print("\n".join([f"{name}:", *count.table(options.top, options.by_operator), ""]))


if __name__ == "__main__":
    main()
