import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from seesaw_nas.data import splits

CLASS_SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=12)


def labels_of(sizes, seed=0):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    return np.random.default_rng(seed).permutation(labels)


@given(sizes=CLASS_SIZES, seed=st.integers(0, 2**32), data=st.data())
def test_a_draw_has_the_size_asked_for_and_no_image_twice(sizes, seed, data):
    n = data.draw(st.integers(0, sum(sizes)))
    drawn = splits.draw(labels_of(sizes), n, seed)
    assert len(set(drawn.tolist())) == len(drawn) == n
    assert np.array_equal(drawn, np.sort(drawn))


@given(sizes=CLASS_SIZES, seed=st.integers(0, 2**32), data=st.data())
def test_every_class_is_drawn_once_there_is_room_for_all(sizes, seed, data):
    n = data.draw(st.integers(len(sizes), sum(sizes)))
    labels = labels_of(sizes)
    assert set(labels[splits.draw(labels, n, seed)]) == set(range(len(sizes)))


@given(classes=st.integers(1, 12), size=st.integers(1, 30), seed=st.integers(0, 2**32), data=st.data())
def test_classes_of_one_size_differ_by_one_image_at_most(classes, size, seed, data):
    n = data.draw(st.integers(0, classes * size))
    labels = labels_of([size] * classes)
    drawn = np.bincount(labels[splits.draw(labels, n, seed)], minlength=classes)
    assert drawn.max() - drawn.min() <= 1


@given(sizes=CLASS_SIZES, seed=st.integers(0, 2**32), data=st.data())
def test_a_smaller_draw_lies_in_a_larger_one(sizes, seed, data):
    small, large = sorted(data.draw(st.tuples(*[st.integers(0, sum(sizes))] * 2)))
    labels = labels_of(sizes)
    assert set(splits.draw(labels, small, seed)) <= set(splits.draw(labels, large, seed))


def test_a_draw_keeps_the_proportions_of_unequal_classes():
    # 60, 30 and 10 of 100: a tenth of each is 6, 3 and 1, and ten images leave no other choice
    labels = labels_of([60, 30, 10])
    assert np.bincount(labels[splits.draw(labels, 10, 0)]).tolist() == [6, 3, 1]


def test_seeds_matter_and_repeat_and_the_global_generators_do_not():
    labels = labels_of([50, 50])
    np.random.seed(1)
    torch.manual_seed(1)
    first = splits.draw(labels, 20, 7)
    np.random.seed(2)
    torch.manual_seed(2)
    assert np.array_equal(first, splits.draw(labels, 20, 7))
    assert not np.array_equal(first, splits.draw(labels, 20, 8))


def test_the_raw_stream_behind_every_split_is_the_one_it_always_was():
    # The constant splits are fixed only while this stream is. The first values of PCG64(1905), noted from numpy 2.4.
    assert np.random.PCG64(splits.SPLIT_SEED).random_raw(2).tolist() == [6170467345995856965, 1306826824091208057]


@given(sizes=st.lists(st.integers(3, 60), min_size=2, max_size=12), share=st.sampled_from([0.15, 0.2]))
def test_three_parts_hold_every_image_once_and_every_class(sizes, share):
    labels = labels_of(sizes)
    parts = splits.split_three_ways(labels, share)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(len(labels)))
    for part in parts:
        assert set(labels[part]) == set(range(len(sizes)))
