import types

import pytest
import torch

from seesaw_nas.core.device import describe, find_device, full_precision, seed_generators
from seesaw_nas.core.errors import OptionError


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


@pytest.mark.parametrize(("threads", "text"), [(1, "CPU, 1 thread"), (2, "CPU, 2 threads")])
def test_description_of_the_cpu_says_how_many_threads(monkeypatch, threads, text):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    assert describe(torch.device("cpu")) == text


def test_seeded_body_draws_by_its_seed_and_the_generator_comes_back_even_after_an_error():
    def draw(seed):
        with seed_generators(seed, torch.device("cpu")):
            return torch.rand(3).tolist()

    before = torch.get_rng_state()
    assert draw(1) == draw(1) != draw(2)
    with pytest.raises(RuntimeError), seed_generators(1, torch.device("cpu")):
        torch.rand(1) @ torch.rand(2)
    assert torch.equal(torch.get_rng_state(), before)


def float32_flags():
    return torch.backends.cudnn.conv.fp32_precision, torch.backends.cuda.matmul.fp32_precision


needs_new_flags = pytest.mark.skipif(not hasattr(torch.backends.cudnn, "conv"), reason="torch before 2.9")


@pytest.fixture
def fast_products():
    """Products in TF32, as a user may have asked for."""
    before = torch.backends.cuda.matmul.fp32_precision
    torch.backends.cuda.matmul.fp32_precision = "tf32"
    yield
    torch.backends.cuda.matmul.fp32_precision = before


@needs_new_flags
@pytest.mark.usefixtures("fast_products")
def test_float32_on_cuda_is_no_tf32_in_the_body_and_what_it_was_behind_it():
    before = float32_flags()
    assert before == ("tf32", "tf32")
    with full_precision(torch.device("cuda")):
        assert float32_flags() == ("ieee", "ieee")
        with full_precision(torch.device("cuda:1")):
            assert float32_flags() == ("ieee", "ieee")
        assert float32_flags() == ("ieee", "ieee")
    assert float32_flags() == before
    with pytest.raises(ZeroDivisionError), full_precision(torch.device("cuda")):
        raise ZeroDivisionError
    assert float32_flags() == before


@needs_new_flags
@pytest.mark.usefixtures("fast_products")
def test_on_a_cpu_nothing_of_the_gpu_s_is_touched():
    with full_precision(torch.device("cpu")):
        assert float32_flags() == ("tf32", "tf32")


def test_before_torch_2_9_the_older_flags_are_set(monkeypatch):
    older = types.SimpleNamespace(
        cudnn=types.SimpleNamespace(allow_tf32=True),
        cuda=types.SimpleNamespace(matmul=types.SimpleNamespace(allow_tf32=True)),
    )
    monkeypatch.setattr(torch, "backends", older)
    with full_precision(torch.device("cuda")):
        assert (older.cudnn.allow_tf32, older.cuda.matmul.allow_tf32) == (False, False)
    assert (older.cudnn.allow_tf32, older.cuda.matmul.allow_tf32) == (True, True)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_convolves_and_multiplies_float32_in_full_precision():
    generator = torch.Generator().manual_seed(0)
    x, w = (torch.randn(8, 64, *size, generator=generator) for size in ((16, 16), (3, 3)))
    a = torch.randn(256, 256, generator=generator)
    wanted = torch.nn.functional.conv2d(x.double(), w.double()), a.double() @ a.double()
    with full_precision(torch.device("cuda")):
        found = torch.nn.functional.conv2d(x.cuda(), w.cuda()), a.cuda() @ a.cuda()
    for one, other in zip(found, wanted, strict=True):  # by TF32 it would be some 3e-4
        assert (one.cpu().double() - other).abs().max() < 2e-5 * other.abs().max()
