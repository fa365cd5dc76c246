"""The verb that trains a supernet, and its options. Nothing heavy is imported before it needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seesaw_nas.cli.options import CacheDir, DataDir, Dataset, Device, Json, app
from seesaw_nas.cli.searching_verbs import SEARCH
from seesaw_nas.search import SearchSettings
from seesaw_nas.training.recipes import RECIPES, SAMPLINGS


@app.command()
def supernet(
    space: Annotated[str, typer.Argument(help="A space, or a space file.")],
    budget: Annotated[
        str, typer.Option(help="Which architectures are trained, as for search. Default: the space's own budget.")
    ] = SEARCH.budget,
    dataset: Dataset = SEARCH.dataset,
    epochs: Annotated[int, typer.Option(help="Epochs; 0 for three times the recipe's own.")] = SEARCH.supernet_epochs,
    train_size: Annotated[int, typer.Option(help="Training images; 0 for all.")] = SEARCH.train_size,
    recipe: Annotated[str, typer.Option(help=f"How it is trained: {', '.join(RECIPES)}.")] = SEARCH.recipe,
    sampling: Annotated[str, typer.Option(help=f"What a step trains: {', '.join(SAMPLINGS)}.")] = SEARCH.sampling,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = SEARCH.seed,
    device: Device = SEARCH.device,
    data_dir: DataDir = SEARCH.data_dir,
    image_size: Annotated[int, typer.Option(help="As for search.")] = SEARCH.image_size,
    cache_dir: CacheDir = SEARCH.cache_dir,
    out: Annotated[
        Path | None, typer.Option(help="Folder for weights and record. Default: runs/supernet-SPACE-RECIPE-SEED.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the training in that folder.")] = False,
    json: Json = False,
) -> None:
    """Train one set of weights for a whole space, for search."""
    from seesaw_nas.cli import supernetting

    settings = SearchSettings(
        dataset=dataset,
        budget=budget,
        space=space,
        recipe=recipe,
        supernet_epochs=epochs,
        sampling=sampling,
        train_size=train_size,
        seed=seed,
        device=device,
        data_dir=data_dir,
        image_size=image_size,
        cache_dir=cache_dir,
    )
    supernetting.supernet(settings, out=out, resume=resume, as_json=json)
