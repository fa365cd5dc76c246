"""A training whose images stay on disk gives the same bits, however it is interrupted and by whomever it is fed."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.core.errors import DataError
from seesaw_nas.data import Streamed, load
from seesaw_nas.network.models import build
from seesaw_nas.training.loop import train
from seesaw_nas.training.recipes import Recipe
from seesaw_nas.training.timing import step_seconds

pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),  # more workers than this machine has cores
    pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning"),  # from Python 3.12 on
]
SIZE = 16
RECIPE = Recipe("test", "made up", 2, 16, 0.05, 0.9, 1e-4, "cosine", recalibration_images=20)
TINY = Architecture(
    SIZE, 3, 2, Stem(8, 2), (Stage(8, 2, (Block(2, 3, Partition((1, 3)), "shuffle"),)),), Head(16)
)  # fmt: skip


@pytest.fixture
def root(tmp_path):
    """Light and dark photos, 60 of each."""
    rng = np.random.default_rng(0)
    for label, base in (("dark", 0), ("light", 120)):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for i in range(60):
            coarse = Image.fromarray(rng.integers(base, base + 136, (3, 4, 3), dtype=np.uint8))
            coarse.resize((40, 30)).save(tmp_path / "photos" / label / f"{i:02d}.jpg")
    return tmp_path / "photos"


@pytest.fixture
def data(root, monkeypatch):
    monkeypatch.setattr("seesaw_nas.data.folder.MEMORY", 0)
    found = load(str(root), image_size=SIZE)
    assert isinstance(found.train, Streamed)
    return fed_by(found, 0)


def fed_by(data, workers):
    return replace(
        data, train=replace(data.train, workers=workers), validation=replace(data.validation, workers=workers)
    )


def trained(data, **options):
    model = build(TINY, seed=0)
    return model.state_dict(), train(model, data, RECIPE, seed=0, **options)


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.values(), b.values(), strict=True))


def test_it_learns_and_any_number_of_workers_gives_the_same_bits(data):
    weights, result = trained(data)
    assert result.top1 > 0.9  # light from dark; chance is 0.5
    others, again = trained(fed_by(data, 2))
    assert same(weights, others)
    assert [(e.train_loss, e.loss, e.top1) for e in result.curve] == [
        (e.train_loss, e.loss, e.top1) for e in again.curve
    ]


def test_a_training_that_was_cut_off_goes_on_to_the_same_bits(data, tmp_path):
    weights, _ = trained(data)

    def cut(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(data, checkpoint=tmp_path / "checkpoint", on_epoch=cut)
    resumed, result = trained(fed_by(data, 1), checkpoint=tmp_path / "checkpoint")
    assert len(result.curve) == 2
    assert same(weights, resumed)


def test_an_unreadable_image_does_not_end_a_training_and_many_do(root, data):
    paths = sorted(root.rglob("*.jpg"))
    paths[20].write_bytes(b"gone")  # 1 of 102 images that a search sees, or of the test split
    with pytest.warns(UserWarning, match="skipped: 1 of 102 images cannot be read") as told:
        trained(load_again(root))
    assert len(told) == 1
    for path in paths[:40]:
        path.write_bytes(b"gone")
    with pytest.raises(DataError, match="of 102 images cannot be read"):
        trained(data)


def load_again(root):
    return fed_by(load(str(root), image_size=SIZE), 0)


def test_a_step_is_timed_with_the_decoding(data):
    assert step_seconds(TINY, fed_by(data, 1), RECIPE) > 0
