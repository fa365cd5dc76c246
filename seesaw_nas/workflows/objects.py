"""What a program passes to a search as objects, where the command line can only name things."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from seesaw_nas import space
from seesaw_nas.core.errors import OptionError
from seesaw_nas.search.settings import PYTHON
from seesaw_nas.space.profile import LatencyProfile

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
        profile: the times by which a budget of latency is kept.
        catch: classes of exceptions of the evaluator that cost one trial and not the search; one class, or several.
    """

    space: space.Space | None = None
    data: SearchData | None = None
    strategy: Any = None
    evaluator: Any = None
    profile: LatencyProfile | None = None
    catch: type[Exception] | tuple[type[Exception], ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is no exception, before a trial is lost by it."""
        kinds = self.catch if isinstance(self.catch, tuple) else (self.catch,)
        for kind in kinds:
            if not (isinstance(kind, type) and issubclass(kind, Exception)):
                raise OptionError(f"catch wants classes of exceptions, such as (ValueError, OSError); got {kind!r}")
        object.__setattr__(self, "catch", kinds)

    @property
    def names(self) -> list[str]:
        """What is given, which a run notes, and wants again to go on."""
        given = [
            field.name for field in fields(self) if field.name not in ("catch", "profile")
        ]  # a run has its profile
        return [name for name in given if getattr(self, name) is not None]


NO_OBJECTS = Objects()


def name_of(value: Any) -> str:
    """Under which settings and records name a strategy or evaluator that is an object of a program."""
    return PYTHON + str(getattr(value, "__name__", type(value).__name__))
