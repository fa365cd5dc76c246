#!/bin/sh
# Guess: two of Syne Tune's RandomSearch(random_seed=7), made in one program, ask for the same configurations.
# Seen (syne-tune 0.16.0): they do not. The argument changes nothing: every configuration is drawn from numpy's global
# generator. So two searches of one seed differ, and two of different seeds are equal where the program seeds numpy
# itself. (syne-tune/syne-tune#522, closed, reports that an older BoTorch differs from run to run.)
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check syne-tune==0.16.0 numpy==2.4.6 pandas==2.3.3 \
    scipy==1.17.1 xgboost==3.2.0 statsmodels==0.15.0 scikit-learn==1.9.1
"$folder/venv/bin/python" - <<'PYTHON'
import numpy
import syne_tune
from syne_tune.config_space import uniform
from syne_tune.optimizer.baselines import RandomSearch
from syne_tune.optimizer.schedulers.ask_tell_scheduler import AskTellScheduler


def first_three(seed):
    search = RandomSearch({"x": uniform(0, 1)}, metrics=["loss"], random_seed=seed)
    scheduler = AskTellScheduler(search)
    return [round(scheduler.ask().config["x"], 3) for _ in range(3)]


numpy.random.seed(0)
seven, again = first_three(7), first_three(7)
numpy.random.seed(0)
eight = first_three(8)
print("syne-tune", syne_tune.__version__)
print("random_seed=7:", seven)
print("random_seed=7:", again)
print("random_seed=8, numpy's global seed as for the first:", eight)
assert seven != again
assert eight == seven
PYTHON
