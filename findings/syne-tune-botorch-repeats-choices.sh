#!/bin/sh
# Guess: over three choices of four values, 64 configurations with exact losses, Syne Tune's BOTorch tries nine of them
# in nine trials: a second trial of one tells it nothing.
# Seen (syne-tune 0.16.0): with each of three seeds it tries three to five, and asks for the best of these again and
# again, though a lower loss is one choice away. It looks for the best point of the one-hot code's whole cube, rounds
# it to a configuration, and does not ask whether that one has been tried.
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
from syne_tune.config_space import choice
from syne_tune.optimizer.baselines import BOTorch
from syne_tune.optimizer.schedulers.ask_tell_scheduler import AskTellScheduler

SPACE = {name: choice(["a", "b", "c", "d"]) for name in ("one", "two", "three")}


def nine_trials(seed):
    numpy.random.seed(seed)
    torch.set_num_threads(1)
    scheduler = AskTellScheduler(BOTorch(SPACE, metric="loss", random_seed=seed))
    words = []
    for _ in range(9):
        trial = scheduler.ask()
        words.append("".join(trial.config.values()))
        scheduler.tell(trial, {"loss": sum("abcd".index(letter) for letter in words[-1]) / 9})
    return words


print("syne-tune", syne_tune.__version__, "- the least loss is that of aaa, 0")
for seed in (0, 1, 2):
    words = nine_trials(seed)
    print(f"seed {seed}:", *words)
    assert len(set(words)) <= 5, words
PYTHON
