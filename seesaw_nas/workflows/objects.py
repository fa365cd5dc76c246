"""What a program passes to a search as objects, where the command line can only name things."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from seesaw_nas import space
from seesaw_nas.search.settings import PYTHON

if TYPE_CHECKING:
    from seesaw_nas.data import SearchData


@dataclass(frozen=True)
class Objects:
    """What a program passes as objects, which a run's folder can only name; ``None`` for what the settings say.

    Attributes:
        space: to search, at the images' size.
        data: to train on.
        strategy: proposes; or a sampler of Optuna, or what makes one from a seed.
        evaluator: scores; or a function of an architecture and a seed.
    """

    space: space.Space | None = None
    data: SearchData | None = None
    strategy: Any = None
    evaluator: Any = None

    @property
    def names(self) -> list[str]:
        """What is given."""
        return [field.name for field in fields(self) if getattr(self, field.name) is not None]


NO_OBJECTS = Objects()


def name_of(value: Any) -> str:
    """Under which settings and records name a strategy or evaluator that is an object of a program."""
    return PYTHON + str(getattr(value, "__name__", type(value).__name__))
