"""Trainings under torch.compile; by its backend that generates no code, which takes seconds in place of minutes."""

import pytest
import torch
from safetensors.torch import load_file
from test_training import trained

from seesaw_nas.core.errors import TrainingFailed
from seesaw_nas.training.execution import EAGER, Execution

COMPILED = Execution("compile", "aot_eager")


class Stopped(Exception):
    pass


def stop(entry):
    raise Stopped


def figures(result):
    return [value for entry in result.curve for value in (entry.train_loss, entry.loss, entry.top1)]


def same(one, other):
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(other[name], tensor, rtol=1e-3, atol=1e-4, msg=lambda text, n=name: f"{n}: {text}")


@pytest.mark.thorough
def test_compiled_training_has_the_figures_and_the_checkpoint_of_the_plain_one_and_either_goes_on(tmp_path):
    model, wanted = trained(epochs=2)
    kept = {}
    for name, first, second in (("eager", EAGER, COMPILED), ("compiled", COMPILED, EAGER)):
        path = tmp_path / f"{name}.safetensors"
        with pytest.raises(Stopped):
            trained(epochs=2, checkpoint=path, on_epoch=stop, execution=first)
        kept[name] = load_file(path)
        resumed, found = trained(epochs=2, checkpoint=path, execution=second)
        assert figures(found) == pytest.approx(figures(wanted), rel=1e-3)
        same(model.state_dict(), resumed.state_dict())
    same(kept["eager"], kept["compiled"])


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (
            "No working C++ compiler found in config.cpp.cxx: (None, 'g++')",
            r"install a C\+\+ compiler \(apt install g\+\+\)",
        ),
        ("Cannot find a working triton installation.", r"install Triton \(pip install triton\)"),
    ],
)
def test_what_a_compiler_lacks_is_named(error, remedy):
    def lacking(graph, inputs):
        raise RuntimeError(error)

    with pytest.raises(
        TrainingFailed, match=rf"^torch.compile failed: .*; {remedy}, or train without --execution compile$"
    ):
        trained(execution=Execution("compile", lacking))


def test_a_compiler_that_fails_is_one_line():
    def broken(graph, inputs):
        raise OSError("no C++ compiler\nat all")

    with pytest.raises(
        TrainingFailed, match=r"^torch.compile failed: .*; train without --execution compile$"
    ) as caught:
        trained(execution=Execution("compile", broken))
    assert "\n" not in str(caught.value)
