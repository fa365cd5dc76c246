"""The built network: its size, its initial weights, its forward pass, and its weights on disk."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.reference import MODELS, network
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.core.errors import OptionError, RunError
from seesaw_nas.network.models import Network, build, load_weights, save_weights

# Zhang 2019, tables 3 to 7: each rounds to the Params printed there (1.4M, 1.5M, 2.2M, 2.4M, ... 3.6M).
PARAMS = {
    "igcv3-0.5d@cifar10": 1_379_722,
    "seesaw-share-v1-0.5d@cifar10": 1_459_834,
    "seesaw-shuffle-0.5d@cifar10": 1_459_834,
    "igcv3-1.0d@cifar10": 2_223_498,
    "seesaw-share-v1-1.0d@cifar10": 2_375_994,
    "seesaw-shuffle-1.0d@cifar10": 2_375_994,
    "igcv3-0.5d@cifar100": 1_495_012,
    "seesaw-share-v1-0.5d@cifar100": 1_575_124,
    "seesaw-shuffle-0.5d@cifar100": 1_575_124,
    "igcv3-1.0d@cifar100": 2_338_788,
    "seesaw-share-v1-1.0d@cifar100": 2_491_284,
    "seesaw-shuffle-1.0d@cifar100": 2_491_284,
    "seesaw-shuffle-1.0d@imagenet": 3_644_184,
    "igcv3-1.0d@imagenet": 3_491_688,
    "mobilenetv2@imagenet": 3_505_960,
    "igcv3-0.5d@cifar10-tiny": 1_379_722,
    "seesaw-share-v1-0.5d@cifar10-tiny": 1_459_834,
    "mobilenetv2@cifar100-tiny": 2_353_060,
    "igcv3-0.5d-t3@cifar100-tiny": 1_020_196,
    "seesaw-share-v1-0.5d-t3@cifar100-tiny": 1_060_348,
}
UNEVEN, EVEN, DENSE = Partition((1, 3)), Partition((1, 1)), Partition((1,))


def small(classes: int = 3) -> Architecture:
    """Every flow in one network for grey 9x9 images, small enough to run in milliseconds."""
    first = Stage(8, 2, (Block(2, 3, UNEVEN, "shuffle"), Block(2, 5, UNEVEN, "share"), Block(1, 3, EVEN, "igcv3")))
    second = Stage(12, 2, (Block(3, 3, DENSE, "none", "relu6"), Block(2, 3, UNEVEN, "none")))
    return Architecture(9, 1, classes, Stem(8, 1), (first, second), Head(16))


def images(architecture: Architecture, n: int = 2) -> Tensor:
    return torch.randn(n, *architecture.input, generator=torch.Generator().manual_seed(7))


def without_weights(architecture: Architecture) -> Network:
    with torch.device("meta"):
        return Network(architecture)


def count(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


@pytest.mark.parametrize("name", PARAMS)
def test_params_are_the_papers(name: str) -> None:
    architecture = network(name)
    built = without_weights(architecture) if name.endswith("imagenet") else build(architecture, seed=0)
    assert count(built) == PARAMS[name]


@pytest.mark.parametrize("name", [*MODELS, "mobilenetv2@imagenet"])
def test_each_layer_has_the_name_and_params_of_its_count(name: str) -> None:
    architecture = network(name)
    modules = dict(without_weights(architecture).named_modules())
    for layer in cost.layers(architecture):
        norm = modules.get(f"{layer.name}_bn")
        assert count(modules[layer.name]) + (count(norm) if norm else 0) == layer.params, layer.name
    assert count(modules[""]) == cost.params(architecture)


def test_each_layer_puts_out_the_shape_of_its_count() -> None:
    architecture = small()  # 9x9 pixels: odd sizes under stride 2
    model, shapes = build(architecture, seed=0), {}
    for name, module in model.named_modules():
        module.register_forward_hook(lambda _m, _x, out, name=name: shapes.update({name: tuple(out.shape)}))
    model(images(architecture))
    for layer in cost.layers(architecture):
        tail = () if layer.kind == "linear" else (layer.size_out, layer.size_out)
        assert shapes[layer.name] == (2, layer.c_out, *tail), layer.name


def test_forward_is_stem_blocks_head_pool_and_classifier() -> None:
    model = build(small(), dropout=0.5, seed=0).double().eval()
    x = images(small()).double()
    wanted = F.relu6(model.stem_bn(F.conv2d(x, model.stem.weight, padding=1)))
    for stage in model.stages:
        for block in stage:
            wanted = block(wanted)
    wanted = F.relu6(model.head_bn(torch.einsum("oi,nihw->nohw", model.head.weight[:, :, 0, 0], wanted)))
    wanted = wanted.mean((2, 3)) @ model.classifier.weight.T + model.classifier.bias
    torch.testing.assert_close(model(x), wanted, rtol=1e-10, atol=1e-12)


def test_every_weight_takes_part_in_training() -> None:
    model = build(small(), seed=0)
    F.cross_entropy(model(images(small(), 8)), torch.arange(8) % 3).backward()
    assert [name for name, weight in model.named_parameters() if not weight.grad.abs().sum() > 0] == []


# In seesaw-shuffle-0.5d, sqrt(2 / (kernel area * outputs)) each: 288; the group's 144 and 432; 9 * 576; the whole
# convolution's 960 though it has two groups; the head's 1280; and the classifier's own 0.01.
STDS = {
    "stem": 0.083333,
    "stages.5.0.pw1.convs.0": 0.117851,
    "stages.5.0.pw1.convs.1": 0.068041,
    "stages.5.0.dw": 0.019642,
    "stages.5.1.pw1.convs.0": 0.045644,
    "head": 0.039528,
    "classifier": 0.01,
}


@pytest.mark.parametrize("name", STDS)
def test_initial_weights_have_the_papers_scale(name: str) -> None:
    weight = build(network("seesaw-shuffle-0.5d"), seed=0).get_submodule(name).weight.detach().double()
    # Six standard errors, of the deviation and of the mean: for normal weights a false alarm is below 1e-6 a layer (the
    # smallest has 864), and none can come and go, since the seed is fixed. The closest wrong reading is 15% away from a
    # tolerance of 2.4%: the whole convolution's 576 outputs in place of the larger group's 432.
    assert weight.std().item() == pytest.approx(STDS[name], rel=6 / math.sqrt(2 * weight.numel()))
    assert abs(weight.mean().item()) < 6 * STDS[name] / math.sqrt(weight.numel())


def test_norms_start_as_identity_and_the_bias_at_zero() -> None:
    model = build(small(), seed=0)
    for name, value in model.state_dict().items():
        if name.endswith(("_bn.weight", "running_var")):
            assert (value == 1).all(), name
        elif name.endswith(("bias", "running_mean", "num_batches_tracked")):
            assert (value == 0).all(), name
    assert model.training


def test_a_seed_is_a_network() -> None:
    first, again, other = (build(small(), seed=seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    drawn = [name for name in first if name.endswith("weight") and "_bn" not in name]
    assert [name for name in drawn if torch.equal(first[name], other[name])] == []
    with_dropout = build(small(), dropout=0.5, seed=1).state_dict()
    assert first.keys() == with_dropout.keys()
    assert all(torch.equal(first[name], with_dropout[name]) for name in first)


def test_building_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    build(small(), dropout=0.5, seed=3)
    assert torch.equal(torch.get_rng_state(), before)


def test_dropout_acts_in_training_only() -> None:
    model, x = build(small(), dropout=0.9, seed=0), images(small(), 4)
    seen: list[Tensor] = []
    model.classifier.register_forward_hook(lambda _m, inputs, _out: seen.append(inputs[0]))
    model(x), model.eval()(x)
    # 4 * 16 features, each zeroed with probability 0.9: that none is has probability 0.1 ** 64.
    assert (seen[0] == 0).sum() > (seen[1] == 0).sum()
    with pytest.raises(OptionError, match=r"at least 0 and below 1 is wanted, got 1\.0"):
        build(small(), dropout=1.0, seed=0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_computes_what_the_cpu_does(tmp_path: Path) -> None:
    model, x = build(small(), seed=0).double(), images(small()).double()
    moved = build(small(), seed=0).double().cuda()
    torch.testing.assert_close(moved(x.cuda()).cpu(), model(x), rtol=1e-9, atol=1e-9)
    save_weights(moved, tmp_path / "w.safetensors", {})
    load_weights(moved, tmp_path / "w.safetensors")
    assert {value.device.type for value in moved.state_dict().values()} == {"cuda"}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    save_weights(build(small(), seed=0), path, {"digest": small().digest})
    return path


def test_weights_return_with_their_metadata(tmp_path: Path) -> None:
    model, other, x = build(small(), seed=0), build(small(), seed=1), images(small())
    model(x)  # moves the running statistics, which are part of the state
    path = tmp_path / "weights.safetensors"
    save_weights(model.to(memory_format=torch.channels_last), path, {"split": "test", "top1": "0.951"})
    assert load_weights(other, path) == {"split": "test", "top1": "0.951"}
    came, wanted = other.state_dict(), model.state_dict()
    assert all(torch.equal(came[name], wanted[name]) for name in wanted)
    assert came["stem_bn.num_batches_tracked"] == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["weights.safetensors"]


def test_weights_of_another_network_change_nothing(saved: Path) -> None:
    other = build(small(classes=5), seed=1)
    before = {name: value.clone() for name, value in other.state_dict().items()}
    with pytest.raises(RunError) as caught:
        load_weights(other, saved)
    assert str(caught.value) == (
        f"the weights in {saved} are of another network: tensor 'classifier.weight' should be (5, 16) and is (3, 16); "
        "build the architecture they belong to"
    )
    assert all(torch.equal(before[name], value) for name, value in other.state_dict().items())


def test_missing_and_surplus_tensors_are_named(saved: Path) -> None:
    with pytest.raises(RunError, match=r"tensor 'weight' should be \(3, 16\) and is absent"):
        load_weights(nn.Linear(16, 3), saved)
    with pytest.raises(RunError, match=r"tensor 'classifier.bias' should be absent and is \(3,\)"):
        load_weights(nn.Module(), saved)


@pytest.mark.parametrize("damage", [b"", b"no weights at all", None])
def test_a_damaged_file_is_one_line(saved: Path, damage: bytes | None) -> None:
    saved.write_bytes(saved.read_bytes()[:-8] if damage is None else damage)
    with pytest.raises(RunError, match=r"cannot read weights from .*weights.safetensors: ") as caught:
        load_weights(build(small(), seed=0), saved)
    assert "\n" not in str(caught.value)


def test_a_missing_file_or_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"cannot read weights from .*none.safetensors: No such file or directory"):
        load_weights(build(small(), seed=0), tmp_path / "none.safetensors")
    with pytest.raises(RunError, match=r"cannot write weights to .*none/w.safetensors: No such file or directory"):
        save_weights(build(small(), seed=0), tmp_path / "none" / "w.safetensors", {})


def test_a_failed_write_keeps_the_old_weights(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    before = saved.read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="No space left on device"):
        save_weights(build(small(), seed=1), saved, {})
    assert saved.read_bytes() == before
    assert [entry.name for entry in saved.parent.iterdir()] == [saved.name]
