"""What counters by others find on the same networks, version by version, and what explains it.

    python benchmarks/counters.py [SPEC ...]

Counters that are not installed are named and left out; calflops needs transformers. Beside them stands what torch's
own counter finds where `show --verify` does not ask it: in the fused network that is deployed, and in a forward and
backward pass; and DeepSpeed's, which has no rule of its own in the package because it is built from source.
"""

from __future__ import annotations

import argparse
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from seesaw_nas.architecture import cost, specfile
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.files import write_json
from seesaw_nas.network import folded
from seesaw_nas.network.models import build
from seesaw_nas.workflows import verification

RESULTS = Path(__file__).parent / "results" / "counters.json"
SPECS = ("seesaw-shuffle-0.5d@cifar10", "igcv3-0.5d@cifar10", "mobilenetv2@imagenet")


def torch_elsewhere(architecture: Architecture) -> dict[str, float]:
    """Half of what torch's counter finds in the fused network; a training pass over a forward pass."""
    network, image = build(architecture, seed=0), torch.zeros(2, *architecture.input)
    with torch.no_grad(), FlopCounterMode(display=False) as fused:
        folded.fuse(network)(image[:1])
    with FlopCounterMode(display=False) as both:
        network.train()(image).sum().backward()
    forward = 2 * len(image) * cost.macs(architecture)
    return {"fused_macs": fused.get_total_flops() // 2, "training_over_forward": both.get_total_flops() / forward}


def by_deepspeed(architecture: Architecture) -> dict[str, Any] | None:
    try:
        from deepspeed.profiling.flops_profiler import get_model_profile

        network = build(architecture, seed=0).eval()
        _, macs, _ = get_model_profile(network, (1, *architecture.input), print_profile=False, as_string=False)
    except Exception as error:
        print(f"DeepSpeed: {str(error)[:200]}")
        return None
    return {"counter": f"deepspeed {metadata.version('deepspeed')}", "total": int(macs)}


def row_of(spec: str) -> dict[str, Any]:
    architecture = specfile.resolve(spec).architecture
    found = verification.verify(architecture)
    counts = [
        {"counter": one.label, "total": one.total, "beyond": dict(one.beyond), "unexplained": one.unexplained}
        for one in found.counts
    ]
    return {
        "spec": spec,
        "macs": found.macs,
        "graph_macs": found.graph_macs,
        "counts": counts + [one for one in [by_deepspeed(architecture)] if one],
        "missing": list(found.missing),
        "failed": dict(found.failed),
        "torch_elsewhere": torch_elsewhere(architecture),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("specs", nargs="*", default=SPECS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    rows = []
    for spec in options.specs:
        rows.append(row_of(spec))
        print(f"{spec}: {rows[-1]['macs']:,} Multi-Adds, exported graph {rows[-1]['graph_macs']:,}", flush=True)
        for one in rows[-1]["counts"]:
            more = ", ".join(f"{kind} {n:,}" for kind, n in one.get("beyond", {}).items())
            print(
                f"  {one['counter']:<45} {one['total']:>13,} {one['total'] - rows[-1]['macs']:>+12,}  {more}",
                flush=True,
            )
        print(f"  torch's counter elsewhere {rows[-1]['torch_elsewhere']}", flush=True)
    write_json(options.out, {"conditions": conditions("CPU"), "rows": rows})


if __name__ == "__main__":
    main()
