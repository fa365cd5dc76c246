"""Records of a file held against their dataclass."""

from dataclasses import dataclass

import pytest

from seesaw_nas.core.errors import SpecError
from seesaw_nas.core.typed import build, check


@dataclass(frozen=True)
class Figures:
    name: str
    seconds: float
    top1: float | None
    input: tuple[int, int, int]
    classes: tuple[str, ...] = ()
    given: bool = False


GOOD = {"name": "a", "seconds": 2, "top1": None, "input": [3, 8, 8]}


def test_lists_become_tuples_and_whole_numbers_floats():
    built = build(Figures, GOOD | {"classes": ["x"]})
    assert built == Figures("a", 2.0, None, (3, 8, 8), ("x",))
    assert type(built.seconds) is float
    check(built)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": 1}, "name: a text is wanted, got 1"),
        ({"seconds": True}, "seconds: a finite number is wanted, got True"),
        ({"seconds": "2"}, "seconds: a finite number is wanted, got '2'"),
        ({"seconds": float("nan")}, "seconds: a finite number is wanted, got nan"),
        ({"seconds": -1}, "seconds: a finite number from 0 to 1,000,000,000,000.0 is wanted, got -1"),
        ({"top1": float("inf")}, "top1: a finite number is wanted, got inf"),
        ({"input": [3, 8]}, "input: a list of 3 is wanted, got [3, 8]"),
        ({"input": "388"}, "input: a list is wanted, got '388'"),
        ({"input": [3, 8, 8.5]}, "input: a whole number is wanted, got 8.5"),
        ({"classes": [None]}, "classes: a text is wanted, got None"),
        ({"given": 0}, "given: true or false is wanted, got 0"),
        ({"more": 1}, "more: unknown field 'more' (known: name, seconds, top1, input, classes, given)"),
    ],
)
def test_value_of_another_kind_is_refused(change, told):
    with pytest.raises(SpecError) as caught:
        build(Figures, GOOD | change)
    assert str(caught.value).startswith(told)


def test_missing_field_is_named():
    with pytest.raises(SpecError, match="top1: this field is missing"):
        build(Figures, {name: value for name, value in GOOD.items() if name != "top1"})
