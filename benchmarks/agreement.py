"""Loss curves of the fast and of the plain formulation, from the same weights, images and order, on real CIFAR-10.

    python benchmarks/agreement.py --data DIR [--images 2000] [--epochs 3] [--rate 0.05]

In float64 one step agrees to 1e-14 (tests/network/fast). In float32 rounding differs, and training amplifies it; so a
third curve stands beside: the plain formulation again, its weights moved by one part in ten million before the first
step. Two curves agree as well as can be asked where they differ no more than that.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch
from peers.plain import Plain

from seesaw_nas import data
from seesaw_nas.architecture.reference import network
from seesaw_nas.core.allocator import keep_freed_memory
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.files import write_json
from seesaw_nas.data import Images, SearchData
from seesaw_nas.data.augment import augment
from seesaw_nas.network.models import build
from seesaw_nas.training import recipes
from seesaw_nas.training.accuracy import measure
from seesaw_nas.training.recalibration import recalibrate
from seesaw_nas.training.recipes import Recipe
from seesaw_nas.training.step import Trainer

RESULTS = Path(__file__).parent / "results" / "agreement.json"
NUDGE = 1e-7


def curve(name: str, how: str, images: SearchData, recipe: Recipe) -> dict[str, object]:
    model = build(network(name), seed=0)
    if how == "nudged":
        generator = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for weight in model.parameters():
                weight.mul_(1 + NUDGE * torch.randn(weight.shape, generator=generator))
    trainer = Trainer.of(model if how == "fast" else Plain(model), images, recipe, 0, torch.device("cpu"))
    generator, steps = torch.Generator().manual_seed(0), iter(range(recipe.epochs * trainer.steps_per_epoch))
    trainer.model.train()
    losses = []
    assert isinstance(images.train, Images)
    for _ in range(recipe.epochs):
        order = torch.randperm(len(images.train), generator=generator).tensor_split(trainer.steps_per_epoch)
        for chosen in order:
            batch = augment(images.train.images[chosen], flip=True, padding=4, generator=generator)
            losses.append(trainer.step(next(steps), batch, images.train.labels[chosen]).item())
    trainer.finish()
    recalibrate(model, images.train.first(recipe.recalibration_images), images.mean, images.std)
    measured = measure(model, images.validation, images.mean, images.std)
    loss, top1 = measured.loss, measured.top1
    shown = losses[:: max(1, len(losses) // 12)]
    print(how, " ".join(f"{value:.3f}" for value in shown), f"top-1 {top1:.2%}", flush=True)
    return {"train_loss": losses, "validation_loss": loss, "validation_top1": top1}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rate", type=float, default=0.05)
    parser.add_argument("--network", default="seesaw-shuffle-0.5d@cifar10")
    options = parser.parse_args()
    keep_freed_memory()
    whole = data.load("cifar10", Path(options.data))
    images = replace(
        whole, train=data.subset(whole.train, options.images, 0), validation=data.subset(whole.validation, 1000, 0)
    )
    recipe = replace(recipes.recipe("quick", options.epochs), learning_rate=options.rate)
    found = {}
    for how in ("plain", "fast", "nudged"):
        found[how] = curve(options.network, how, images, recipe)
    for how in ("fast", "nudged"):
        apart = [abs(a - b) for a, b in zip(found[how]["train_loss"], found["plain"]["train_loss"], strict=True)]
        found[how]["apart_from_plain"] = {"first_10_steps": max(apart[:10]), "mean": sum(apart) / len(apart)}
        print(how, "apart from plain:", found[how]["apart_from_plain"], flush=True)
    setting = {"network": options.network, "images": options.images, "recipe": recipe.to_dict(), "seed": 0}
    write_json(RESULTS, {"setting": setting, "nudge": NUDGE, "conditions": conditions(), "curves": found})


if __name__ == "__main__":
    main()
