"""Train rows of the paper's tables by the paper's recipe, and set measured top-1 beside printed.

    python benchmarks/reproduce.py --table 3 --list
    python benchmarks/reproduce.py --table 3 --rows seesaw-shuffle-0.5d igcv3-0.5d --data DIR [--seeds 0 1 2]

One row and seed after another, each in a folder of its own below --runs; a killed training goes on from its checkpoint
when the same command is given again, and what is finished is not trained twice. Test accuracy is read once, at the end
of each. What differs from the paper: 5,000 images are held out for validation, so 45,000 train where the paper had
50,000; with --epochs the schedule is compressed. Both are written beside every figure.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seesaw_nas.architecture import reference
from seesaw_nas.architecture.reference import Published
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.files import write_json
from seesaw_nas.training.epoch import Epoch
from seesaw_nas.workflows import train
from seesaw_nas.workflows.train import TrainSettings

RESULTS = Path(__file__).parent / "results" / "reproduce.json"
TABLES = (3, 4, 6, 7)  # on CIFAR; table 5 is ImageNet


def rows_of(table: int, wanted: Sequence[str]) -> list[Published]:
    """The table's rows in this space, or those of them whose name or model is wanted."""
    rows = [row for row in reference.PUBLISHED if row.table == table and row.in_space]
    if not wanted:
        return rows
    names = {key: row for row in rows for key in (row.network, row.network.partition("@")[0])}
    if unknown := [name for name in wanted if name not in names]:
        known = ", ".join(row.network for row in rows)
        raise SystemExit(f"table {table} has no row '{unknown[0]}' in this space; it has {known}")
    return list(dict.fromkeys(names[name] for name in wanted))


def trained(row: Published, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """The record of one training, from its folder where it is finished."""
    epochs = f"-{options.epochs}" if options.epochs else ""
    folder = options.runs / f"{row.network}-{options.recipe}{epochs}-{seed}"
    result = folder / "result.json"
    if not result.exists():
        settings = TrainSettings.of(
            spec=row.network,
            dataset=row.dataset,
            recipe=options.recipe,
            epochs=options.epochs,
            train_size=options.train_size,
            seed=seed,
            device=options.device,
            data_dir=options.data,
        )

        def told(epoch: Epoch) -> None:
            top1 = "" if epoch.top1 is None else f", validation {epoch.top1:.2%}"
            print(f"  {row.network} seed {seed} epoch {epoch.epoch}: loss {epoch.train_loss:.4f}{top1}", flush=True)

        train.train(settings, folder, resume=True, on_epoch=told)
    found = json.loads(result.read_text())
    return {key: value for key, value in found.items() if key != "curve"}


def summary(row: Published, runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    tops = [run["top1"] for run in runs]
    spread = statistics.stdev(tops) if len(tops) > 1 else None
    return {
        "table": row.table,
        "label": row.label,
        "network": row.network,
        "printed_top1": row.top1,
        "measured_top1": statistics.mean(tops),
        "standard_deviation": spread,
        "seeds": len(tops),
        "split": "test",
        "runs": list(runs),
    }


def keep(found: dict[str, Any], options: argparse.Namespace) -> None:
    """Put a row into the results, in place of an earlier one by the same recipe."""
    how = f"{options.recipe}, {options.epochs or 'all'} epochs, {options.train_size or 'all'} images"
    key = f"{found['network']} by {how}"
    before = json.loads(RESULTS.read_text())["rows"] if RESULTS.exists() else {}
    write_json(RESULTS, {"conditions": conditions(options.device), "rows": before | {key: found}})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=int, choices=TABLES, required=True)
    parser.add_argument("--rows", nargs="*", default=[])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--recipe", default="paper")
    parser.add_argument("--epochs", type=int, default=0)
    parser.add_argument("--train-size", type=int, default=0)
    parser.add_argument("--data", default="")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--runs", type=Path, default=Path("runs") / "reproduce")
    parser.add_argument("--list", action="store_true", help="name the rows and end")
    options = parser.parse_args()
    for row in rows_of(options.table, options.rows):
        if options.list:
            print(f"{row.network:<40} {row.label}: {row.top1:.2%}")
            continue
        found = summary(row, [trained(row, seed, options) for seed in options.seeds])
        keep(found, options)
        spread = "" if found["standard_deviation"] is None else f" +- {found['standard_deviation']:.2%}"
        print(
            f"{row.label}: printed {row.top1:.2%}, measured {found['measured_top1']:.2%}{spread} on the test split, "
            f"{found['seeds']} seed{'s' if found['seeds'] > 1 else ''}",
            flush=True,
        )


if __name__ == "__main__":
    main()
