"""What ``export`` and ``predict`` print."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seesaw_nas.architecture import cost, specfile
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.cli import terminal
from seesaw_nas.deploy import export as exports
from seesaw_nas.deploy.export import Exported

if TYPE_CHECKING:
    from seesaw_nas.deploy.predict import Prediction


def export(
    spec: str,
    *,
    to: str,
    weights: Path | None,
    out: Path | None,
    dataset: str,
    data_dir: str,
    as_json: bool,
) -> None:
    """Write a network in another form, and print what was written and how well it agrees."""
    named = specfile.resolve(spec)
    weights = weights or exports.find_weights(spec)
    done = exports.export(named, weights, to, out, dataset=dataset, data_dir=data_dir)
    if as_json:
        print(json.dumps(_as_json(named, done), indent=2))
        return
    console = terminal.console()
    macs, params = cost.macs(named.architecture), cost.params(named.architecture)
    console.print(f"network   {named.name}: {params:,} Params, {macs:,} Multi-Adds")
    if weights:
        console.print(f"weights   {weights}")
    console.print(f"written   {done.path}{'/' if done.path.is_dir() else ''}, {done.size:,} bytes")
    if done.agreement:
        console.print(f"checked   {done.agreement.sentence}")


def _as_json(named: Named, done: Exported) -> dict[str, Any]:
    return {
        "target": done.target,
        "path": str(done.path),
        "bytes": done.size,
        "name": named.name,
        "digest": named.architecture.digest,
        "agreement": done.agreement.to_dict() if done.agreement else None,
    }


def predict(model: Path, images: Sequence[str], *, top: int, device: str, as_json: bool) -> bool:
    """Print the likeliest classes of each image, and a line on standard error for each that cannot be read.

    Returns:
        Whether all could be read.
    """
    from seesaw_nas.deploy import predict as predicting

    classifier = predicting.load(model, device)
    files = predicting.files(images)
    console = terminal.console(stderr=as_json)
    found, unreadable = [], 0
    with terminal.progress(console) as progress:
        for entry in progress.track(predicting.classify(classifier, files, top), total=len(files)):
            if entry.problem:
                unreadable += 1
                print(f"seesaw-nas: cannot read {entry.file}: {entry.problem}", file=sys.stderr)
            elif not as_json:
                progress.console.print(_line(entry))
            if as_json:
                found.append(_record(entry))
    if as_json:
        print(json.dumps({"model": str(model), "runs_on": classifier.runs_on, "images": found}, indent=2))
    return not unreadable


def _line(entry: Prediction) -> str:
    return f"{entry.file}  " + ", ".join(f"{name} {share:.2%}" for name, share in entry.classes)


def _record(entry: Prediction) -> dict[str, Any]:
    if entry.problem:
        return {"file": str(entry.file), "problem": entry.problem}
    classes = [{"class": name, "probability": share} for name, share in entry.classes]
    return {"file": str(entry.file), "classes": classes}
