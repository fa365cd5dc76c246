"""An architecture as one short text, the only parameter of a trial of Ray's.

The text is the row of the space's codebook, read as the digits of one whole number and written in base 36. In
seesaw-cifar it has up to 42 characters, where a parameter for each gene would make 138 columns in Ray's tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import SpecError
from seesaw_nas.space import Codebook, Space, decode

KEY = "architecture"  # the parameter's name
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@lru_cache(maxsize=8)
def _codebook(space: Space) -> tuple[Codebook, tuple[int, ...]]:
    """The codebook, and how many values each of its columns has, whatever the others have."""
    codebook = Codebook(space)
    return codebook, codebook.bases


def spell(space: Space, architecture: Architecture) -> str:
    """The text of an architecture; each has one, whatever its spelling.

    Raises:
        SpecError: the architecture is not in the space.
    """
    codebook, bases = _codebook(space)
    number = 0
    for value, base in zip(codebook.encode([architecture])[0].tolist(), bases, strict=True):
        number = number * base + value
    text = ""
    while number:
        number, digit = divmod(number, len(DIGITS))
        text = DIGITS[digit] + text
    return text


def read(space: Space, text: str) -> Architecture:
    """The architecture of a text.

    Raises:
        SpecError: it is no text of an architecture of this space.
    """
    codebook, bases = _codebook(space)
    longest = len(bases) * max(bases).bit_length()  # enough characters for any row
    if not isinstance(text, str) or not text or len(text) > longest or set(text) - set(DIGITS):
        raise SpecError(f"a text that ray_tune.spell wrote is wanted, got {str(text)[:60]!r}", KEY)
    number, row = int(text, len(DIGITS)), []
    for base in reversed(bases):
        number, value = divmod(number, base)
        row.append(value)
    if number:
        raise SpecError(f"'{text}' is no architecture of space '{space.name}'; write it with ray_tune.spell", KEY)
    return codebook.decode(row[::-1])


def architecture_of(space: Space, config: Mapping[str, Any]) -> Architecture:
    """The architecture of a trial of Ray's, by its ``config``, such as that of the best result.

    Args:
        config: has the text at ``architecture``, or the genes of :func:`seesaw_nas.space.genes` by their names.

    Raises:
        SpecError: it describes no architecture of the space.
    """
    return read(space, config[KEY]) if KEY in config else decode(space, config)
