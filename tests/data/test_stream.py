import os
import signal
from dataclasses import replace
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from seesaw_nas.core.errors import DataError
from seesaw_nas.data import Draw, Images, SearchData, Streamed, crops, folder, load, load_test, subset
from seesaw_nas.data.unreadable import UnreadableFiles
from seesaw_nas.data.workers import run_in_workers

pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),  # more workers than this machine has cores
    pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning"),  # from Python 3.12 on
]
SAMPLE = os.environ.get("SEESAW_NAS_IMAGENET_DIR")


def streamed(root, count, size=16, workers=0, total=0):
    paths = sorted(root.iterdir())
    assert len(paths) == count
    made = Streamed.of(paths, np.arange(count), size, UnreadableFiles(total or count))
    return replace(made, workers=workers)


def take_batches(images, order, augmented=True, seeds=(5, 6, 7), flip=True):
    order = [torch.tensor(positions) for positions in order]
    seeds, along = seeds[: len(order)], [100 + positions[None] for positions in order]
    draws = [Draw(*draw) for draw in zip(order, seeds if augmented else [None] * len(order), along, strict=True)]
    batches = list(images.batches(draws, flip=flip, padding=0))
    assert all(map(torch.equal, [drawn for _, _, drawn in batches], along))
    return [pixels for pixels, _, _ in batches], [labels.tolist() for _, labels, _ in batches]


ORDER = [[4, 0, 7], [2, 6], [1, 3, 5]]


@pytest.mark.parametrize("workers", [1, 2])
def test_any_number_of_workers_gives_the_same_bits(tmp_path, photos, workers):
    photos(tmp_path / "a", 8)
    one, other = streamed(tmp_path / "a", 8), streamed(tmp_path / "a", 8, workers=workers)
    for augmented in (True, False):
        (here, labels), (there, same) = take_batches(one, ORDER, augmented), take_batches(other, ORDER, augmented)
        assert labels == same == ORDER  # an image's label is its position here
        assert all(map(torch.equal, here, there))
    assert torch.equal(one.in_memory().images, other.in_memory().images)


def test_a_batch_depends_on_its_positions_and_its_seed_alone(tmp_path, photos):
    photos(tmp_path / "a", 8)
    images = streamed(tmp_path / "a", 8)
    whole, _ = take_batches(images, ORDER)
    rest, _ = take_batches(images, ORDER[1:], seeds=(6, 7))
    assert all(map(torch.equal, whole[1:], rest))
    assert not torch.equal(take_batches(images, ORDER[:1], seeds=(8,))[0][0], whole[0])


def test_training_sees_random_parts_and_an_evaluation_centres(tmp_path, photos):
    photos(tmp_path / "a", 3)
    images = streamed(tmp_path / "a", 3)
    centres = np.stack([crops.centre_crop(path, 16) for path in sorted((tmp_path / "a").iterdir())])
    centres = torch.from_numpy(centres).permute(0, 3, 1, 2)
    (plain,), _ = take_batches(images, [[0, 1, 2]], augmented=False)
    (random,), _ = take_batches(images, [[0, 1, 2]])
    assert torch.equal(plain, centres)
    assert torch.equal(images.first(2), centres[:2])
    assert random.shape == centres.shape
    assert not torch.equal(random, centres)


def test_about_half_of_the_images_are_mirrored(tmp_path):
    # dark on the left: what is mirrored is dark on the right, whatever part of it is shown
    ramp = np.repeat(np.linspace(0, 255, 32, dtype=np.uint8)[None, :, None], 24, 0).repeat(3, 2)
    (tmp_path / "a").mkdir()
    Image.fromarray(ramp).save(tmp_path / "a" / "a.png")
    (shown,), _ = take_batches(streamed(tmp_path / "a", 1).take(np.zeros(200, dtype=np.int64)), [range(200)])
    mirrored = int((shown[:, 0, :, 0].float().mean(1) > shown[:, 0, :, -1].float().mean(1)).sum())
    assert 65 <= mirrored <= 135  # 100 with a deviation of 7: five of them, false once in a million seeds
    (straight,), _ = take_batches(streamed(tmp_path / "a", 1), [[0]], flip=False)
    assert straight[0, 0, 8, 0] < straight[0, 0, 8, -1]


def test_the_global_generator_is_left_alone(tmp_path, photos):
    photos(tmp_path / "a", 4)
    before = torch.get_rng_state()
    take_batches(streamed(tmp_path / "a", 4), [[0, 1], [2, 3]])
    assert torch.equal(torch.get_rng_state(), before)


def test_batches_of_an_evaluation_are_no_larger_than_asked(tmp_path, photos):
    photos(tmp_path / "a", 7)
    assert [len(labels) for _, labels in streamed(tmp_path / "a", 7).batches_in_order(3)] == [3, 3, 1]


def test_a_subset_takes_files_with_their_labels(tmp_path, photos):
    photos(tmp_path / "a", 9)
    images = streamed(tmp_path / "a", 9)
    part = subset(replace(images, labels=images.labels % 3), 6, seed=0)
    assert part.labels.bincount().tolist() == [2, 2, 2]
    chosen = [int(Path(os.fsdecode(name)).stem) for name in part.files]
    assert [number % 3 for number in chosen] == part.labels.tolist()


def test_splits_are_joined_in_order(tmp_path, photos):
    photos(tmp_path / "a", 3)
    photos(tmp_path / "b", 2)
    one, other = streamed(tmp_path / "a", 3), streamed(tmp_path / "b", 2)
    both = one.join(other)
    assert both.files.tolist() == one.files.tolist() + other.files.tolist()
    assert both.labels.tolist() == one.labels.tolist() + other.labels.tolist()
    assert torch.equal(both.in_memory().images, torch.cat([one.in_memory().images, other.in_memory().images]))


def spoil(path):
    """Cut the last bytes off, which only decoding finds."""
    path.write_bytes(path.read_bytes()[:-60])


@pytest.mark.parametrize("workers", [0, 2])
def test_in_training_the_next_image_stands_in_for_an_unreadable_one(tmp_path, photos, workers):
    photos(tmp_path / "a", 4)
    spoil(tmp_path / "a" / "001.JPEG")
    images = streamed(tmp_path / "a", 4, workers=workers, total=100)
    name = tmp_path / "a" / "001.JPEG"
    with pytest.warns(UserWarning, match=rf"skipped: 1 of 100 images cannot be read: {name} \(OSError: image file is"):
        pixels, labels = take_batches(images, [[0, 1], [2, 3]])
    assert labels == [[0, 2], [2, 3]]
    assert all(len(batch) == 2 for batch in pixels)
    take_batches(images, [[0, 1], [2, 3]])  # what is known is not told again: a warning would be an error


def test_an_evaluation_leaves_unreadable_images_out(tmp_path, photos):
    photos(tmp_path / "a", 4)
    spoil(tmp_path / "a" / "001.JPEG")
    with pytest.warns(UserWarning, match="skipped: 1 of 100"):
        batches = list(streamed(tmp_path / "a", 4, total=100).batches_in_order(2))
    assert [labels.tolist() for _, labels in batches] == [[0], [2, 3]]
    assert [len(pixels) for pixels, _ in batches] == [1, 2]


def test_more_than_one_in_a_hundred_unreadable_is_an_error_as_soon_as_it_is_known(tmp_path, photos):
    photos(tmp_path / "a", 4)
    spoil(tmp_path / "a" / "001.JPEG")
    (tmp_path / "a" / "002.JPEG").write_bytes(b"no image")
    images = streamed(tmp_path / "a", 4, total=100)
    with pytest.raises(DataError, match=r"2 of 100 images cannot be read: .*001.JPEG .*, .*002.JPEG .*at most 1% may"):
        take_batches(images, [[0, 1], [2, 3]])
    with pytest.raises(DataError, match="2 of 100 images cannot be read"):
        list(streamed(tmp_path / "a", 4, total=100).batches_in_order(2))


def test_a_subset_without_a_readable_image_is_an_error(tmp_path, photos):
    photos(tmp_path / "a", 2)
    spoil(tmp_path / "a" / "001.JPEG")
    part = streamed(tmp_path / "a", 2, total=500).take(np.array([1]))
    with pytest.raises(DataError, match=r"none of 1 images can be read, such as .*001.JPEG"):
        take_batches(part, [[0]])
    with pytest.warns(UserWarning, match="1 of 500"), pytest.raises(DataError, match="none of 1 images can be read"):
        part.in_memory()


def die(_):
    os._exit(3)


def test_a_dead_worker_is_one_line():
    with pytest.raises(DataError, match=r"a process that decodes images died \(DataLoader worker .*shared memory"):
        list(run_in_workers(die, [0], workers=1))


def interrupted(number):
    os.kill(os.getpid(), signal.SIGINT)
    return number


def test_a_worker_goes_on_when_it_is_interrupted_for_its_parent_decides():
    assert list(run_in_workers(interrupted, [1, 2], workers=1)) == [1, 2]


def test_a_mistake_of_ours_in_a_worker_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError, match="Traceback") as caught:
        list(run_in_workers((1).__truediv__, [0], workers=1))
    assert caught.tb  # which knows the frames of the loader
    assert not active_children()


def test_workers_end_when_nobody_wants_further_results():
    results = run_in_workers(abs, range(9), workers=2)
    assert next(results) == 0
    assert len(active_children()) == 2
    results.close()
    assert not active_children()


@pytest.fixture
def classes(tmp_path, photos):
    """Two classes of 20 images."""
    for number, label in enumerate("ab"):
        photos(tmp_path / "photos" / label, 20, seed=number)
    return tmp_path / "photos"


def test_a_folder_is_streamed_where_its_images_take_more_memory_than_the_limit(classes, monkeypatch):
    assert isinstance(load(str(classes), image_size=8).train, Images)
    assert folder.MEMORY // (3 * 224 * 224) == 26_573
    seen = 34 * 3 * 8 * 8  # 40 images, of which 6 are for the test split
    monkeypatch.setattr(folder, "MEMORY", seen)
    assert isinstance(load(str(classes), image_size=8).train, Images)
    monkeypatch.setattr(folder, "MEMORY", seen - 1)
    data, test = load(str(classes), image_size=8), load_test(str(classes), image_size=8)
    for part, n in ((data.train, 28), (data.validation, 6), (test, 6)):
        assert isinstance(part, Streamed)
        assert (len(part), part.shape) == (n, (3, 8, 8))
    assert (data.padding, data.flip, data.classes) == (0, True, ("a", "b"))


def test_streamed_or_in_memory_the_splits_are_the_same(classes, monkeypatch):
    here = load(str(classes), image_size=8)
    monkeypatch.setattr(folder, "MEMORY", 0)
    there = load(str(classes), image_size=8)
    assert torch.equal(here.train.labels, there.train.labels)
    assert torch.equal(here.validation.labels, there.validation.labels)


def test_channel_means_are_those_of_the_first_training_images(classes, monkeypatch):
    monkeypatch.setattr(folder, "MEMORY", 0)
    monkeypatch.setattr("seesaw_nas.data.stream.STATISTICS", 5)
    data = load(str(classes), image_size=8)
    first = data.train.first(5).double() / 255
    assert data.mean == pytest.approx(first.mean((0, 2, 3)).tolist())
    assert data.std == pytest.approx(first.std((0, 2, 3), correction=0).tolist())


@pytest.mark.real_data
@pytest.mark.skipif(SAMPLE is None, reason="SEESAW_NAS_IMAGENET_DIR names no folder with ImageNet files")
def test_real_photos_are_decoded_and_look_like_photos():
    paths = sorted(Path(SAMPLE).rglob("*.JPEG"))[:64]
    images = replace(Streamed.of(paths, np.arange(len(paths)) % 2, 224), workers=2)
    data = SearchData.of("sample", ("a", "b"), images, images, flip=True, padding=0)
    # the figures that everybody normalises ImageNet by are 0.485, 0.456, 0.406 and 0.229, 0.224, 0.225; the mean of 64
    # images has a standard error of about 0.02
    assert data.mean == pytest.approx((0.485, 0.456, 0.406), abs=0.1)
    assert data.std == pytest.approx((0.229, 0.224, 0.225), abs=0.06)
    (shown,), _ = take_batches(images, [range(len(paths))])
    assert shown.shape == (len(paths), 3, 224, 224)
