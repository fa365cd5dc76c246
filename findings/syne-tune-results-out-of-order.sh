#!/bin/sh
# Guess: Syne Tune's BOTorch learns the same from the same four results, in whichever order the trials end.
# Seen (syne-tune 0.16.0): it lists configurations in the order in which they were asked for, and losses in the order in
# which trials ended, and pairs the two lists. Four trials have their x as their loss; told in turn, the next
# configuration is the least x there is, 0; told in reverse, it is the largest, 1. With more than one worker trials end
# out of turn all the time, and nothing is said.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check syne-tune==0.16.0 torch==2.13.0 botorch==0.12.0 \
    gpytorch==1.13 linear-operator==0.5.3 numpy==2.4.6 pandas==2.3.3 scipy==1.17.1 xgboost==3.2.0 statsmodels==0.15.0 \
    scikit-learn==1.9.1
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy
import syne_tune
import torch
from syne_tune.config_space import uniform
from syne_tune.optimizer.baselines import BOTorch
from syne_tune.optimizer.schedulers.ask_tell_scheduler import AskTellScheduler

STARTS = [{"x": 0.2}, {"x": 0.4}, {"x": 0.6}, {"x": 0.8}]


def next_after(order):
    """The fifth configuration's x, and the pairs of x and loss that the model is fitted to."""
    numpy.random.seed(0)
    torch.manual_seed(0)
    search = BOTorch({"x": uniform(0, 1)}, metric="loss", random_seed=0, points_to_evaluate=STARTS)
    scheduler = AskTellScheduler(search)
    trials = [scheduler.ask() for _ in STARTS]
    for place in order:
        scheduler.tell(trials[place], {"loss": trials[place].config["x"]})
    searcher = search.searcher
    pairs = zip(searcher._configs_with_results(), searcher.objectives(), strict=True)
    return scheduler.ask().config["x"], [(config["x"], float(loss)) for config, loss in pairs]


print("syne-tune", syne_tune.__version__)
proposed = {}
for name, order in (("in turn", (0, 1, 2, 3)), ("in reverse", (3, 2, 1, 0))):
    proposed[name], pairs = next_after(order)
    print(f"told {name}: (x, loss) as paired {pairs}, next x {proposed[name]:.3f}")
assert proposed["in turn"] < 0.1
assert proposed["in reverse"] > 0.9
PYTHON
