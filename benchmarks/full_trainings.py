"""The peer of `search --plan shared`: plain Optuna TPE that trains each of its trials whole, as a user would write it.

    python benchmarks/full_trainings.py --data-dir DIR [--seeds 3] [--trials 100]

Every gene a categorical parameter, one study of top-1 alone, in-memory storage, a draw outside the budget pruned at no
cost. A draw that comes again is trained again. Real CIFAR-10 at 16x16, 10,000 training images, the validation split of
the project; the trainings are ours, evaluated after the last epoch only. One line a training goes to the result file at
once, and a run that was stopped goes on: what it has is told to the sampler without training.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import optuna

from seesaw_nas import data, space
from seesaw_nas.architecture import cost
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.errors import SpecError
from seesaw_nas.network.models import build
from seesaw_nas.space import decode, genes
from seesaw_nas.training import recipes
from seesaw_nas.training.loop import train

HERE = Path(__file__).parent
SPACE = HERE / "spaces" / "seesaw-cifar-16.toml"
RESULTS = HERE / "results" / "full-trainings.jsonl"
BUDGET, IMAGE_SIZE, TRAIN_SIZE, EPOCHS = 600_000, 16, 10_000, 5


def main() -> None:
    """Train, and write a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    images = data.load("cifar10", args.data_dir, IMAGE_SIZE)
    images = replace(images, train=data.subset(images.train, TRAIN_SIZE, 0))
    lines = args.out.read_text().splitlines() if args.out.exists() else []
    if not lines:
        _append(args.out, conditions("cpu"))
    known = {(line["seed"], line["trial"]): line for line in map(json.loads, lines[1:])}
    for seed in range(args.seeds):
        _study(seed, args.trials, images, known, args.out)


def _study(seed: int, trials: int, images: data.SearchData, known: dict[tuple[int, int], dict], out: Path) -> None:
    searched = space.load(str(SPACE))
    choices, recipe = genes(searched), recipes.recipe("quick", EPOCHS)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    trained = infeasible = 0
    while trained < trials:
        asked, started = study.ask(), time.process_time()
        genotype = {name: asked.suggest_categorical(name, values) for name, values in choices.items()}
        try:
            architecture = decode(searched, genotype)
        except SpecError:
            architecture = None
        if architecture is None or cost.macs(architecture) > BUDGET:
            infeasible += 1
            study.tell(asked, state=optuna.trial.TrialState.PRUNED)
            continue
        line = known.get((seed, trained))
        if line is None:
            model = build(architecture, seed=1000 * seed + trained)
            found = train(model, images, recipe, seed=1000 * seed + trained, evaluate_each_epoch=False)
            line = {"seed": seed, "trial": trained, "top1": found.top1, "macs": cost.macs(architecture)}
            line |= {"core_seconds": time.process_time() - started, "infeasible": infeasible}
            _append(out, line | {"genotype": genotype})
        study.tell(asked, line["top1"])
        trained += 1


def _append(path: Path, line: dict) -> None:
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
