"""What ``evaluate`` prints."""

from __future__ import annotations

import json
from pathlib import Path

from seesaw_nas.architecture import cost, specfile
from seesaw_nas.cli import terminal
from seesaw_nas.deploy import export, score

_TEST = "this is the test split: a figure to report, not to choose by; choose on the validation split"


def evaluate(
    spec: str,
    *,
    weights: Path | None,
    dataset: str,
    split: str,
    device: str,
    data_dir: str,
    cache_dir: str,
    as_json: bool,
) -> None:
    """Print how good weights are on one split."""
    named = specfile.resolve(spec)
    found = score.score(
        named,
        weights or export.find_weights(spec),
        dataset=dataset,
        split=split,
        device=device,
        data_dir=data_dir,
        cache_dir=cache_dir,
    )
    console, accuracy = terminal.console(stderr=as_json), found.accuracy
    if not as_json:
        macs, params = cost.macs(named.architecture), cost.params(named.architecture)
        console.print(f"network   {named.name}: {params:,} Params, {macs:,} Multi-Adds")
        console.print(f"weights   {found.weights}")
        console.print(f"data      {found.dataset}, {split} split, {accuracy.n:,} images, {found.normalised}")
    if split == "test":
        console.print(f"note      {_TEST}")
    if as_json:
        print(json.dumps(found.to_dict(), indent=2))
        return
    console.print(
        f"{split} top-1 {accuracy.top1:.2%}, top-5 {accuracy.top5:.2%}, loss {accuracy.loss:.4f} "
        f"({found.conditions['device']})"
    )
