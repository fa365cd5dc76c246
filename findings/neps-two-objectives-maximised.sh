#!/bin/sh
# Guess: NePS's Bayesian optimisation minimises what it is told (the report's field is called "objective_to_minimize"),
# one objective or two.
# Seen (neural-pipeline-search 0.17.0): it minimises one objective and maximises two. Both objectives of `two` are 0 at
# x = y = 0 and largest at x = y = 1; from the third trial on, each trial asked for is worse than the one before, until
# x = y = 1. Its acquisition function for one objective takes the prediction with a weight of -1, as botorch maximises;
# its acquisition function for two takes the predictions as they are.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check neural-pipeline-search==0.17.0 torch==2.13.0 \
    torchvision==0.28.0 botorch==0.12.0 gpytorch==1.13 linear-operator==0.5.3 ifBO==0.4.1 pymoo==0.6.2 \
    numpy==2.4.6 pandas==2.3.3 scipy==1.17.1
"$folder/venv/bin/python" - <<'PYTHON'
import importlib.metadata

import neps
import torch

torch.manual_seed(0)
torch.set_num_threads(1)


class Space(neps.PipelineSpace):
    x = neps.Float(0.0, 1.0)
    y = neps.Float(0.0, 1.0)


def sums_asked_for(objectives):
    """x + y of six trials in turn: 0 is the best and 2 the worst for every objective used here."""
    optimizer = neps.AskAndTell(neps.algorithms.bayesian_optimization(Space()))
    sums = []
    for _ in range(6):
        trial = optimizer.ask()
        x, y = trial.config["x"], trial.config["y"]
        optimizer.tell(trial, objectives(x, y))
        sums.append(round(x + y, 2))
    return sums


one = sums_asked_for(lambda x, y: x + y)
two = sums_asked_for(lambda x, y: [x + 0.1 * y, y + 0.1 * x])
print("neural-pipeline-search", importlib.metadata.version("neural-pipeline-search"))
print("x + y, one objective: ", one)
print("x + y, two objectives:", two)
assert one[-1] < 0.1, one
assert two[-1] > 1.9, two
assert two[2:] == sorted(two[2:]), two
PYTHON
