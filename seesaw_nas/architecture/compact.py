"""An architecture in one short line of text, as the file of a search's trials holds it; torch is not needed.

``3x32>10 16/1 24/2=6k3s1:3,6k5n1 1280`` reads: images of 3 channels and 32 pixels, 10 classes, a stem of 16 channels
and stride 1, a stage of 24 channels and stride 2 with two blocks, a head of 1280 channels. A block is its expansion,
its kernel, a letter for its flow (:data:`LETTERS`), an ``r`` where its expansion has an activation, and its partition.
"""

from __future__ import annotations

import re
from functools import lru_cache

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Activation, Architecture, Block, Flow, Head, Stage, Stem
from seesaw_nas.core.errors import SpecError

LETTERS: dict[Flow, str] = {"shuffle": "s", "share": "h", "none": "n", "igcv3": "i"}
_FLOWS = {letter: flow for flow, letter in LETTERS.items()}
_INPUT = re.compile(r"([1-9]\d{0,8})x([1-9]\d{0,8})>([1-9]\d{0,8})")
_LAYER = re.compile(r"([1-9]\d{0,8})/([12])")
_BLOCK = re.compile(r"([1-9]\d{0,8})k([1-9]\d{0,2})([shni])(r?)([1-9][0-9:]{0,999})")
_HEAD = re.compile(r"[1-9]\d{0,8}")


def write(architecture: Architecture) -> str:
    """The line of an architecture, as it is spelled."""
    stem = architecture.stem
    stages = (
        f"{stage.channels}/{stage.stride}={','.join(map(write_block, stage.blocks))}" for stage in architecture.stages
    )
    frame = f"{architecture.input_channels}x{architecture.input_size}>{architecture.classes}"
    return " ".join([frame, f"{stem.channels}/{stem.stride}", *stages, str(architecture.head.channels)])


@lru_cache(maxsize=4096)
def write_block(block: Block) -> str:
    """One block, such as ``6k3s1:3``."""
    activation = "" if block.expand_activation == "none" else "r"
    return f"{block.expansion}k{block.kernel}{LETTERS[block.flow]}{activation}{block.partition}"


def read(text: str) -> Architecture:
    """The architecture that :func:`write` wrote.

    Raises:
        SpecError: the text is none of an architecture, or of one that cannot exist.
    """
    frame, stem, *stages, head = text.split(" ") if text.count(" ") >= 3 else ("", "", "", "")
    channels, size, classes = _match(_INPUT, frame)
    if _HEAD.fullmatch(head) is None:
        raise _malformed(head)
    return Architecture(
        int(size),
        int(channels),
        int(classes),
        Stem(*_layer(stem)),
        tuple(_read_stage(stage) for stage in stages),
        Head(int(head)),
    )


def _read_stage(token: str) -> Stage:
    layer, _, blocks = token.partition("=")
    channels, stride = _layer(layer)
    try:
        return Stage(channels, stride, tuple(map(read_block, blocks.split(","))))
    except ValueError as error:
        raise _malformed(str(error)) from None


def _layer(token: str) -> tuple[int, int]:
    channels, stride = _match(_LAYER, token)
    return int(channels), int(stride)


@lru_cache(maxsize=4096)
def read_block(token: str) -> Block:
    """The block that :func:`write_block` wrote.

    Raises:
        ValueError: the token is none; it is the exception's text.
        SpecError: it is one that cannot exist.
    """
    if (found := _BLOCK.fullmatch(token)) is None:
        raise ValueError(token)
    expansion, kernel, letter, activation, partition = found.groups()
    relu: Activation = "relu6" if activation else "none"
    return Block(int(expansion), int(kernel), Partition.parse(partition), _FLOWS[letter], relu)


def _match(pattern: re.Pattern[str], token: str) -> tuple[str, ...]:
    if (found := pattern.fullmatch(token)) is None:
        raise _malformed(token)
    return found.groups()


def _malformed(token: str) -> SpecError:
    return SpecError(f"an architecture such as '3x32>10 16/1 24/2=6k3s1:3 1280' is wanted, got '{token[:60]}' in it")
