"""The text of a mistake: where it is, and which name was meant."""

import pytest

from seesaw_nas.core import errors
from seesaw_nas.core.errors import SeesawError, SpecError, known


def test_a_path_grows_from_the_field_outwards():
    mistake = SpecError("3 or 5 is wanted, got 7", "kernel").within("blocks[1]").within("stages[2]")
    assert mistake.path == "stages[2].blocks[1].kernel"
    assert str(mistake) == "stages[2].blocks[1].kernel: 3 or 5 is wanted, got 7"


def test_an_index_joins_its_list_without_a_dot():
    assert SpecError("no", "[1].kernel").within("blocks").path == "blocks[1].kernel"


def test_a_mistake_of_the_whole_has_no_colon_before_it():
    assert str(SpecError("an object is wanted")) == "an object is wanted"
    assert str(SpecError("an object is wanted").within("stem")) == "stem: an object is wanted"


def test_an_unknown_name_is_told_with_the_closest_and_all():
    assert known("flow", "shufle", ["none", "shuffle"]) == (
        "unknown flow 'shufle', did you mean 'shuffle'? (known: none, shuffle)"
    )


def test_a_name_like_no_other_gets_no_guess():
    assert known("flow", "zzz", iter(["none", "shuffle"])) == "unknown flow 'zzz' (known: none, shuffle)"


@pytest.mark.parametrize(
    "name",
    [name for name, kind in vars(errors).items() if isinstance(kind, type) and kind.__module__ == errors.__name__],
)
def test_every_mistake_of_a_user_is_of_one_family(name):
    assert issubclass(vars(errors)[name], SeesawError)
