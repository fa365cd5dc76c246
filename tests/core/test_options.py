"""Options that are declared once, as fields of small frozen values."""

from dataclasses import dataclass, field

import pytest

from seesaw_nas.core import options
from seesaw_nas.core.errors import OptionError
from seesaw_nas.core.options import KindError, option


def even(value):
    return "" if value % 2 == 0 else f"wants an even number, got {value}"


@dataclass(frozen=True, slots=True)
class Oven:
    heat: int = option("Heat in degrees.", default=180, least=20)
    glaze: str = option("Glaze of the pot.", default="none", choices=("none", "salt"), prefix="own:")
    shelves: tuple[int, ...] = option("Shelves to use.", default=(2,), least=1)

    def __post_init__(self):
        options.check(self)


@dataclass(frozen=True, slots=True)
class Firing:
    clay: str = option("Clay to fire.")
    oven: Oven = field(default_factory=lambda: Oven(heat=900))
    hours: float | None = option("Hours of firing.", default=None)
    pots_each: int = option("Pots.", default=2, name="pots", check=even)

    def __post_init__(self):
        options.check(self)


def test_options_of_topics_are_declared_in_their_place_with_the_owner_s_defaults():
    found = [(one.field, one.topic, one.name, one.default) for one in options.options_of(Firing)[1:]]
    assert found == [
        ("heat", "oven", "heat", 900),
        ("glaze", "oven", "glaze", "none"),
        ("shelves", "oven", "shelves", (2,)),
        ("hours", "", "hours", None),
        ("pots_each", "", "pots", 2),
    ]


def test_flat_values_are_put_into_their_topics_and_read_back():
    firing = options.compose(Firing, {"clay": "red", "glaze": "salt", "hours": 3})
    assert firing == Firing("red", Oven(900, "salt"), 3)
    flat = {"clay": "red", "heat": 900, "glaze": "salt", "shelves": (2,), "hours": 3, "pots_each": 2}
    assert options.flatten(firing) == flat
    assert options.read(Firing, flat | {"shelves": [2]}) == firing
    assert options.change(firing, {"heat": 20, "pots_each": 4}) == Firing("red", Oven(20, "salt"), 3, 4)
    assert firing.oven.heat == 900  # the first is as it was


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"heat": 19}, OptionError, "--heat must be at least 20, got 19"),
        ({"shelves": (2, 0)}, OptionError, "--shelves must be at least 1, got 0"),
        ({"glaze": "slat"}, OptionError, "unknown glaze 'slat', did you mean 'salt'? (known: none, salt)"),
        ({"pots_each": 3}, OptionError, "--pots wants an even number, got 3"),
        ({"heat": "hot"}, KindError, "heat wants a whole number, got the text 'hot'"),
        ({"heat": True}, KindError, "heat wants a whole number, got True"),
        ({"heat": 20.5}, KindError, "heat wants a whole number, got 20.5"),
        ({"hours": "2"}, KindError, "hours wants a number or None, got the text '2'"),
        ({"shelves": 2}, KindError, "shelves wants a tuple of numbers, got 2"),
        ({"clay": None}, KindError, "clay wants a text, got None"),
    ],
)
def test_values_that_are_not_allowed_are_refused(values, error, message):
    with pytest.raises(error) as caught:
        options.compose(Firing, {"clay": "red", **values})
    assert str(caught.value) == message
    with pytest.raises(error):
        options.change(Firing("red"), values)


def test_unknown_and_missing_options_are_python_s_own_mistakes():
    with pytest.raises(TypeError, match="Firing got an unexpected keyword argument 'heet'"):
        options.compose(Firing, {"clay": "red", "heet": 3})
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'clay'"):
        options.compose(Firing, {"heat": 300})


def test_prefix_allows_other_names():
    assert options.compose(Firing, {"clay": "red", "glaze": "own:blue"}).oven.glaze == "own:blue"
