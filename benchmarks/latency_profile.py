"""How well a latency profile predicts networks that were not used for it, beside Multi-Adds, in ONNX Runtime.

    OMP_NUM_THREADS=1 python benchmarks/latency_profile.py [--space seesaw-cifar] [--networks 150] [--unseen 50]
        [--times times.json]

All networks are random, different, and called in turn, round by round, in one process on one thread. The profile and
the line of Multi-Adds are fitted to the first; errors are those on the others. `within` is the share of the unseen
networks which keep to a limit that the predictor says they keep to, over every limit from the 20th to the 80th
percentile of what it predicts; `margin` is how far below the limit a prediction must lie for 95% to keep to it.

Then networks are drawn by the profile under a budget of latency, `--limit`, as a search draws them, and others under 5%
and 10% less; all are timed end to end. `drawn` says how many really keep to the limit: by the lowest tenth of their
calls, as everywhere in a profile, and by the median, which other programs lengthen.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.files import write_json
from seesaw_nas.deploy.profiling.assemble import fit_profile
from seesaw_nas.deploy.profiling.fit import Closeness, fit_line
from seesaw_nas.deploy.profiling.measuring_networks import measure_networks
from seesaw_nas.deploy.profiling.networks import draw
from seesaw_nas.deploy.profiling.request import ProfileSettings
from seesaw_nas.deploy.profiling.times import read
from seesaw_nas.space import Budget, Feasible, Space, load
from seesaw_nas.space.profile import LatencyProfile

DRAWN = 60  # networks under each limit
RESULTS = Path(__file__).parent / "results" / "latency-profile.json"
Array = npt.NDArray[np.float64]


def describe(predicted: Array, measured: Array) -> dict[str, float]:
    """Errors of a predictor on unseen networks."""
    closeness, off = Closeness.of(predicted, measured), np.abs(predicted / measured - 1)
    limits = np.quantile(predicted, np.linspace(0.2, 0.8, 61))
    within = [float((measured[predicted <= limit] <= limit).mean()) for limit in limits]
    return {
        "median_error": round(closeness.error, 4),
        "error_of_nine_in_ten": round(float(np.quantile(off, 0.9)), 4),
        "rank_correlation": round(closeness.rank_correlation, 4),
        "within": round(float(np.mean(within)), 4),
        "margin": margin(predicted, measured),
    }


def margin(predicted: Array, measured: Array) -> float:
    """The least share by which a limit is lowered so that 95% of the networks predicted below keep to the limit."""
    limits = np.quantile(predicted, np.linspace(0.2, 0.8, 61))
    for share in np.arange(0, 0.5, 0.005):
        kept = [measured[predicted <= (1 - share) * limit] <= limit for limit in limits]
        kept = [one for one in kept if len(one)]
        if kept and np.mean([one.mean() for one in kept]) >= 0.95:
            return round(float(share), 3)
    return 0.5


def draw_within(space: Space, profile: LatencyProfile, limit: str, share: float, seed: int) -> list[Architecture]:
    """Networks drawn under a share of a limit, even in latency, as a search draws them."""
    bound = space.budget(limit, profile).lead
    feasible = Feasible(space, Budget.of_bounds([replace(bound, high=int(share * bound.high))], space.costliest))
    rng = np.random.default_rng(seed)
    return [feasible.draw_fair(rng) for _ in range(DRAWN)]


def check_drawn(space: Space, profile: LatencyProfile, limit: str, settings: ProfileSettings) -> dict[str, Any]:
    """How many networks drawn under the limit, and under less, really keep to it."""
    high, found = space.budget(limit, profile).lead.high, dict[str, Any]()
    for name, share in (("at the limit", 1.0), ("5% below", 0.95), ("10% below", 0.9)):
        networks = draw_within(space, profile, limit, share, settings.seed + 1)
        timed = measure_networks(networks, settings, show).networks
        seconds = np.array([entry.seconds for entry in timed])
        predicted = np.array([profile.of(network) / 1e9 for network in networks])
        near = predicted > 0.8 * share * high / 1e9
        medians = np.array([statistics.median(entry.calls) for entry in timed])
        found[name] = {
            "keep_to_it": round(float((seconds <= high / 1e9).mean()), 3),
            "keep_to_it_in_half_of_their_calls": round(float((medians <= high / 1e9).mean()), 3),
            "near_it": int(near.sum()),
            "of_those_near_keep_to_it": round(float((seconds[near] <= high / 1e9).mean()), 3) if near.any() else None,
            "median_error": round(float(np.median(np.abs(predicted / seconds - 1))), 4),
        }
    return {"limit": limit, "networks": DRAWN, **found}


def show(what: str, done: int, of: int) -> None:
    """Progress in one line."""
    print(f"\r{what}: {done} of {of}  ", end="")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--space", default="seesaw-cifar")
    parser.add_argument("--networks", type=int, default=150)
    parser.add_argument("--unseen", type=int, default=50)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--times", type=Path, help="times of networks that were measured before, in place of new ones")
    parser.add_argument("--limit", default="4ms", help="budget of latency that networks are drawn under; empty: none")
    parser.add_argument("--note", default="", help="what else used the machine meanwhile")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    space, begun = load(options.space), time.perf_counter()
    if options.times:
        times = read(options.times)
    else:
        networks = draw(space, options.networks + options.unseen, options.seed)
        settings = ProfileSettings(threads=options.threads, seed=options.seed)
        times = measure_networks(networks, settings, show)
    took = time.perf_counter() - begun
    seen, unseen = times.networks[: options.networks], times.networks[options.networks :]
    fitted = fit_profile(space, replace(times, networks=seen), options.seed)
    fitting = time.perf_counter() - begun - took
    measured = np.array([entry.seconds for entry in unseen])
    macs = np.array([float(cost.macs(entry.architecture)) for entry in times.networks])
    predictors = {
        "profile": np.array([fitted.profile.of(entry.architecture) / 1e9 for entry in unseen]),
        "Multi-Adds": fit_line(macs, np.array([entry.seconds for entry in times.networks]), options.networks),
    }
    results: dict[str, Any] = {
        "conditions": dict(times.machine)
        | {"threads": str(times.threads), "batch": str(times.batch), "note": options.note},
        "space": space.name,
        "networks": len(seen),
        "unseen": len(unseen),
        "core_share": None if times.core_share is None else round(times.core_share, 3),
        "spread": round(times.spread, 4),
        "milliseconds": [round(1e3 * float(cut), 3) for cut in np.quantile(measured, [0, 0.25, 0.5, 0.75, 1])],
        "measuring_seconds": None if options.times else round(took, 1),
        "fitting_seconds": round(fitting, 1),
        "left_out_in_turn": {
            "median_error": round(fitted.closeness.error, 4),
            "rank_correlation": round(fitted.closeness.rank_correlation, 4),
        },
        "predictors": {name: describe(predicted, measured) for name, predicted in predictors.items()},
    }
    if options.limit:
        settings = ProfileSettings(threads=options.threads, seed=options.seed)
        results["drawn"] = check_drawn(space, fitted.profile, options.limit, settings)
    write_json(options.out, results)
    print()
    for name, row in results["predictors"].items():
        print(f"{name:12}", *(f"{key} {value:.3f}" for key, value in row.items()))
    print(results.get("drawn", ""))


if __name__ == "__main__":
    main()
