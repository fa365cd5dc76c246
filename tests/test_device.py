import pytest
import torch

from seesaw_nas.device import describe, find_device, seeded
from seesaw_nas.errors import OptionError


def test_auto_is_cuda_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert find_device("auto") == find_device() == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert find_device("auto") == torch.device("cuda")
    assert find_device("cuda:1") == torch.device("cuda:1")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("metal", "unknown device 'metal' (known: auto, cpu, cuda)"),
        ("cuda:x", "unknown device 'cuda:x', did you mean 'cuda'? (known: auto, cpu, cuda)"),
        ("cuda:2", "there is no device 'cuda:2' here (2 of kind cuda); use --device cpu or auto"),
    ],
)
def test_device_that_is_not_there_is_one_line(monkeypatch, name, message):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(OptionError) as caught:
        find_device(name)
    assert str(caught.value) == message


def test_description_of_the_cpu_says_how_many_threads():
    assert describe(torch.device("cpu")) == f"CPU, {torch.get_num_threads()} threads"


def test_seeded_body_draws_by_its_seed_and_the_generator_comes_back_even_after_an_error():
    def draw(seed):
        with seeded(seed, torch.device("cpu")):
            return torch.rand(3).tolist()

    before = torch.get_rng_state()
    assert draw(1) == draw(1) != draw(2)
    with pytest.raises(RuntimeError), seeded(1, torch.device("cpu")):
        torch.rand(1) @ torch.rand(2)
    assert torch.equal(torch.get_rng_state(), before)
