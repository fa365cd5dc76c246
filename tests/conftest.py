"""What all tests share."""

import os
import signal

import pytest
from hypothesis import settings

from seesaw_nas.core.signals import keep_handlers

# How long an example takes says more of the machine than of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# Small networks gain nothing from a second thread, and two of them on a busy machine wait for each other. Set before
# torch is loaded, here and in the subprocesses that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Under nohup, or behind a shell's `&`, signals are ignored, and so they would be by every process that tests start.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """Files with slow tests come first, so that at the end no process works on one while the other waits."""
    slow = {item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("thorough")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True)
def same_handlers():
    """Signals have the handlers from before after each test, whatever a library in it has set, as ``ray.init`` does."""
    with keep_handlers():
        yield


@pytest.fixture(scope="session")
def trained_on_digits(tmp_path_factory):
    """The folder of a small network, trained long enough to tell most of the digits."""
    from seesaw_nas.architecture import specfile
    from seesaw_nas.architecture.partition import Partition
    from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
    from seesaw_nas.core.files import write_json
    from seesaw_nas.workflows import train

    block = Block(2, 3, Partition((1, 3)), "shuffle")
    architecture = Architecture(8, 1, 10, Stem(8, 1), (Stage(16, 2, (block, block)), Stage(24, 1, (block,))), Head(64))
    folder = tmp_path_factory.mktemp("trained")
    spec = folder / "small.json"
    write_json(spec, specfile.document(specfile.Named("small", architecture), {"dataset": "digits"}))
    settings = train.TrainSettings.of(str(spec), recipe="quick", epochs=4, device="cpu")
    return train.train(settings, folder / "training").folder.path


@pytest.fixture(scope="session")
def exported_folder(trained_on_digits):
    """What ``export --to folder`` makes of that training."""
    from seesaw_nas.architecture import specfile
    from seesaw_nas.deploy import export

    named, weights = specfile.resolve(str(trained_on_digits)), trained_on_digits / "weights.safetensors"
    return export.export(named, weights, "folder", trained_on_digits.parent / "exported").path


@pytest.fixture(scope="session")
def digit_pictures(tmp_path_factory):
    """A folder with twenty images of the digits' test split as PNG files, by number."""
    from PIL import Image

    from seesaw_nas import data

    folder = tmp_path_factory.mktemp("pictures")
    for i, image in enumerate(data.load_test("digits").images[:20].numpy()):
        Image.fromarray(image[0]).save(folder / f"{i:02d}.png")
    return folder


@pytest.fixture(scope="session")
def trained_classes(trained_on_digits):
    """Which class the trained, unfused network gives each of those images."""
    import torch

    from seesaw_nas import data
    from seesaw_nas.architecture import specfile
    from seesaw_nas.network import models

    model = models.build(specfile.resolve(str(trained_on_digits)).architecture, seed=0).eval()
    models.load_weights(model, trained_on_digits / "weights.safetensors")
    images = data.load("digits")
    with torch.inference_mode():
        logits = model(data.normalise(data.load_test("digits").images[:20], images.mean, images.std))
    return [images.classes[i] for i in logits.argmax(1)]
