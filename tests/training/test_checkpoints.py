import json
import signal
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file
from test_training import DATA, RECIPE, STEPS, TINY, quadrants, same_bits

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Block, Stage
from seesaw_nas.core.errors import Interrupted, RunError
from seesaw_nas.network.models import build
from seesaw_nas.training.checkpoints import discard
from seesaw_nas.training.loop import train


class Interruption(Exception):
    pass


def interrupt_after(epoch):
    def on_epoch(entry):
        if entry.epoch == epoch:
            raise Interruption

    return on_epoch


@pytest.fixture
def interrupted(tmp_path):
    """The checkpoint of a training of three epochs that ended after one."""
    path = tmp_path / "new" / "checkpoint.safetensors"
    with pytest.raises(Interruption):
        train(build(TINY, dropout=0.2, seed=0), DATA, RECIPE, seed=0, checkpoint=path, on_epoch=interrupt_after(1))
    return path


@pytest.mark.parametrize("momentum", [0.9, 0.0])
@pytest.mark.parametrize("epoch", [1, 2])
def test_interrupted_and_resumed_equals_uninterrupted_to_the_bit(tmp_path, epoch, momentum):
    recipe, path = replace(RECIPE, momentum=momentum), tmp_path / "checkpoint.safetensors"
    whole, broken, resumed = (build(TINY, dropout=0.2, seed=seed) for seed in (0, 0, 9))
    expected = train(whole, DATA, recipe, seed=0)
    with pytest.raises(Interruption):
        train(broken, DATA, recipe, seed=0, checkpoint=path, on_epoch=interrupt_after(epoch))
    assert not same_bits(broken, whole)
    steps = []
    result = train(resumed, DATA, recipe, seed=0, checkpoint=path, on_step=lambda done, total: steps.append(done))
    assert same_bits(resumed, whole)
    assert steps == list(range(epoch * STEPS + 1, 3 * STEPS + 1))
    assert [replace(entry, seconds=0) for entry in result.curve] == [
        replace(entry, seconds=0) for entry in expected.curve
    ]


RICH = replace(RECIPE, cutout=0.25, mixup=0.2, ema=0.3, recalibration_images=64, decay_norms=False, nesterov=True)


@pytest.mark.parametrize("recipe", [RECIPE, RICH], ids=["plain", "rich"])
@pytest.mark.parametrize("step", [1, STEPS + 3, 2 * STEPS, 3 * STEPS - 1])
def test_ended_by_a_signal_within_an_epoch_and_resumed_equals_uninterrupted_to_the_bit(tmp_path, recipe, step):
    path, taken = tmp_path / "checkpoint.safetensors", []
    whole, broken, resumed = (build(TINY, dropout=0.2, seed=seed) for seed in (0, 0, 9))
    expected = train(whole, DATA, recipe, seed=0)

    def stop():
        return signal.SIGTERM if len(taken) >= step else None

    with pytest.raises(Interrupted, match="stopped by SIGTERM at") as caught:
        train(broken, DATA, recipe, seed=0, checkpoint=path, stop=stop, on_step=lambda *_: taken.append(1))
    assert (caught.value.code, len(taken)) == (143, step)
    steps = []
    result = train(resumed, DATA, recipe, seed=0, checkpoint=path, on_step=lambda done, _: steps.append(done))
    assert same_bits(resumed, whole)
    assert steps == list(range(step + 1, 3 * STEPS + 1))
    assert [replace(entry, seconds=0) for entry in result.curve] == [
        replace(entry, seconds=0) for entry in expected.curve
    ]


def test_checkpoint_within_an_epoch_after_the_time_given(tmp_path):
    path, found = tmp_path / "c.safetensors", []

    def step(done, _):
        found.append(path.exists())

    train(build(TINY, seed=0), DATA, RECIPE, seed=0, epochs=1, checkpoint=path, checkpoint_seconds=0.0, on_step=step)
    assert found == [False] + [True] * (STEPS - 1)
    path.unlink()
    found.clear()
    train(build(TINY, seed=0), DATA, RECIPE, seed=0, epochs=1, checkpoint=path, on_step=step)
    assert not any(found)


@pytest.mark.parametrize("recipe", [RECIPE, RICH], ids=["plain", "rich"])
def test_finished_training_is_answered_from_its_checkpoint(tmp_path, recipe):
    path, model, again = tmp_path / "c.safetensors", build(TINY, seed=0), build(TINY, seed=9)
    first = train(model, DATA, recipe, seed=0, checkpoint=path)
    assert train(again, DATA, recipe, seed=0, checkpoint=path, on_step=lambda *_: pytest.fail("a step")) == first
    assert same_bits(model, again)


def other_network():
    shared = Stage(8, 2, (Block(2, 3, Partition((1, 3)), "share"),))
    return build(replace(TINY, stages=(shared, TINY.stages[1])), dropout=0.2, seed=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, "is of a training with seed 0, wanted 1; delete it or name another file"),
        ({"recipe": replace(RECIPE, learning_rate=0.2)}, "recipe.learning_rate 0.1, wanted 0.2"),
        ({"epochs": 5}, "recipe.epochs 3, wanted 5"),
        ({"data": replace(DATA, train=quadrants(60, 0))}, "data quadrants, 90 images"),
        ({"data": replace(DATA, mean=(0.5,))}, "channel means [0."),
        ({"model": other_network()}, "is of a training with network"),
    ],
)
def test_checkpoint_of_another_training_is_refused_in_one_line(interrupted, change, message):
    wanted = {"model": build(TINY, dropout=0.2, seed=0), "data": DATA, "recipe": RECIPE, "seed": 0} | change
    with pytest.raises(RunError) as caught:
        train(wanted.pop("model"), wanted.pop("data"), wanted.pop("recipe"), checkpoint=interrupted, **wanted)
    assert message in str(caught.value)
    assert str(interrupted) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", ["empty", "cut", "no metadata", "a tensor short", "no file"])
def test_damaged_checkpoint_is_refused_in_one_line(interrupted, damage):
    content = interrupted.read_bytes()
    if damage in ("empty", "cut"):
        interrupted.write_bytes(content[: len(content) // 2] if damage == "cut" else b"")
    elif damage == "no file":
        interrupted.unlink()
        interrupted.mkdir()
    else:
        size = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + size])["__metadata__"]
        tensors = load_file(interrupted)
        tensors.pop("model.classifier.weight")
        save_file(tensors, interrupted, metadata if damage == "a tensor short" else None)
    with pytest.raises(RunError, match=r"is not a checkpoint \(.*\); delete it to start again") as caught:
        train(build(TINY, dropout=0.2, seed=0), DATA, RECIPE, seed=0, checkpoint=interrupted)
    assert "\n" not in str(caught.value)


def test_one_file_is_left_and_discarding_leaves_none(interrupted):
    assert [path.name for path in interrupted.parent.iterdir()] == ["checkpoint.safetensors"]
    interrupted.with_name(interrupted.name + ".part").touch()
    for _ in range(2):
        discard(interrupted)
        assert not list(interrupted.parent.iterdir())


def test_checkpoint_holds_weights_and_momentum_by_name(interrupted):
    names = set(load_file(interrupted))
    assert {"model.classifier.weight", "momentum.classifier.weight", "model.stem_bn.running_mean"} <= names
    assert "momentum.stem_bn.running_mean" not in names
    assert not any(tensor.isnan().any() for tensor in load_file(interrupted).values())


def test_place_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot write the checkpoint"):
        train(build(TINY, seed=0), DATA, RECIPE, seed=0, checkpoint=tmp_path / "file" / "c.safetensors")


def test_interrupted_write_keeps_the_checkpoint_before(interrupted, monkeypatch):
    before = interrupted.read_bytes()

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full_disk)
    with pytest.raises(RunError, match="No space left on device"):
        train(build(TINY, dropout=0.2, seed=0), DATA, RECIPE, seed=0, checkpoint=interrupted)
    assert interrupted.read_bytes() == before
    assert torch.equal(load_file(interrupted)["model.stem_bn.num_batches_tracked"], torch.tensor(STEPS))
