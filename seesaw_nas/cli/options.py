"""The command line itself, and the options that several verbs share."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(
    name="seesaw-nas",
    help="Search, under a budget of Multi-Adds, the CNNs whose 1x1 convolutions are split into uneven groups.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Dataset = Annotated[str, typer.Option(help="digits, cifar10, cifar100, imagenet, or a folder of images by class.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else there.")]
Device = Annotated[str, typer.Option(help="cpu, cuda, cuda:1 ..., or auto for a GPU where there is one.")]
DataDir = Annotated[
    str, typer.Option(help="Folder with the unpacked CIFAR archive, which is downloaded without; or with ImageNet.")
]
CacheDir = Annotated[str, typer.Option(help="Folder for small copies of the images of a folder, or of ImageNet.")]
SPEC_HELP = (
    "A spec file, the folder of a search (its best; NAME#3: the third of its front) or a training, or MODEL@SETTING."
)
Spec = Annotated[str, typer.Argument(help=SPEC_HELP)]
