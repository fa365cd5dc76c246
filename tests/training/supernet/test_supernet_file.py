import pytest
import torch
from safetensors.torch import save_file
from spaces import EVERYTHING

from seesaw_nas import space
from seesaw_nas.core.errors import RunError
from seesaw_nas.network.models import save_weights
from seesaw_nas.training.supernet import Supernet, load, save


@pytest.fixture
def supernet():
    return Supernet.build(EVERYTHING, seed=1)


def test_weights_come_back(supernet, tmp_path):
    save(supernet, tmp_path / "s", {"epochs": "3"})
    found = load(tmp_path / "s", EVERYTHING)
    assert torch.equal(found.weights, supernet.weights)
    assert found.space == EVERYTHING


def test_weights_of_another_space_or_input_are_refused_by_name_and_digest(supernet, tmp_path):
    save(supernet, tmp_path / "s", {})
    digits = space.load("seesaw-digits")
    for other in (digits, EVERYTHING.adapt(8, 3, 5)):
        with pytest.raises(RunError) as caught:
            load(tmp_path / "s", other)
        assert str(caught.value) == (
            f"the supernet in {tmp_path / 's'} is of another space: 'everything' with digest {EVERYTHING.digest}, "
            f"wanted '{other.name}' with digest {other.digest}; train one for this space and input"
        )


def test_what_holds_no_supernet_is_refused_in_one_line(tmp_path):
    (tmp_path / "text").write_text("no weights\n")
    save_file({"weights": torch.zeros(3)}, tmp_path / "other")
    save_weights(torch.nn.Linear(1, 1), tmp_path / "network", {})
    for name, says in (
        ("absent", "cannot read a supernet from .*: No such file"),
        ("text", "cannot read a supernet from .*`seesaw-nas supernet` makes one"),
        ("other", "other does not hold a supernet; `seesaw-nas supernet` makes one"),
        ("network", "network does not hold a supernet"),
    ):
        with pytest.raises(RunError, match=says) as caught:
            load(tmp_path / name, EVERYTHING)
        assert "\n" not in str(caught.value)


def test_a_place_that_cannot_be_written_is_told(supernet, tmp_path):
    with pytest.raises(
        RunError, match=r"cannot write weights to .*: No such file or directory; free some space there, or choose"
    ):
        save(supernet, tmp_path / "absent" / "s", {})
