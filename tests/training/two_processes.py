"""What each process does in test_parallel.py, where torchrun starts two; what it finds goes to the folder given."""

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file
from test_training import CLASSES, DATA, RECIPE, SIZE, TINY
from torch import nn

from seesaw_nas.core import signals
from seesaw_nas.core.errors import Interrupted, TrainingFailed
from seesaw_nas.network.models import build
from seesaw_nas.training import parallel
from seesaw_nas.training.loop import train
from seesaw_nas.training.step import Trainer

EPOCHS, CUT = 2, 8  # of 12 steps


def linear_epoch(ranks):
    """A model without batch norm and without randomness after an epoch, and its summed loss."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(SIZE * SIZE, CLASSES))
    nn.init.zeros_(model[1].weight)
    nn.init.zeros_(model[1].bias)
    trainer = Trainer.of(model, DATA, replace(RECIPE, augment=False), 0, torch.device("cpu"), ranks)
    loss = ranks.total(sum(loss.item() * n for loss, n in trainer.epoch(1)))
    return {"weight": model[1].weight.detach(), "bias": model[1].bias.detach(), "loss": torch.tensor(loss)}


def network(ranks, recipe=RECIPE, **options):
    model = build(TINY, dropout=recipe.dropout, seed=ranks.rank)  # weights become those of process 0
    result = train(model, DATA, recipe, seed=0, epochs=EPOCHS, ranks=ranks, **options)
    return model.state_dict() | {"scores": torch.tensor([(e.train_loss, e.loss, e.top1) for e in result.curve])}


def cut_and_resumed(ranks, checkpoint):
    """Process 1 alone is asked to stop."""
    asked = []

    def stop():
        asked.append(1)
        return signal.SIGTERM if ranks.rank and len(asked) >= CUT else None

    try:
        network(ranks, checkpoint=checkpoint, stop=stop)
    except Interrupted as error:
        ended = str(error)
    (checkpoint.parent / f"ended-{ranks.rank}.txt").write_text(ended)
    return network(ranks, checkpoint=checkpoint)


def lose_the_other(ranks):
    """Process 1 dies after its first step."""

    def die():
        if ranks.rank:
            os.kill(os.getpid(), signal.SIGKILL)

    network(ranks, stop=die)


def main(folder):
    """Everything in one process group: a second one on the store of the same torchrun may wait for the first."""
    with signals.catch_signals():  # torchrun ends process 0 by a signal when process 1 has died; it is to write first
        try:
            with parallel.join_processes("cpu") as (ranks, _):
                averaged = replace(RECIPE, ema=0.3, recalibration_images=64)
                found = {
                    "linear": linear_epoch(ranks),
                    "whole": network(ranks),
                    "averaged": network(ranks, averaged),
                    "resumed": cut_and_resumed(ranks, folder / "checkpoint.safetensors"),
                }
                tensors = {f"{what}.{name}": tensor for what, each in found.items() for name, tensor in each.items()}
                save_file(tensors, folder / f"{ranks.rank}.safetensors")
                ranks.highest(0)
                lose_the_other(ranks)
        except TrainingFailed as error:
            (folder / "lost.txt").write_text(str(error))
            raise SystemExit(2) from None


if __name__ == "__main__":
    main(Path(sys.argv[1]))
