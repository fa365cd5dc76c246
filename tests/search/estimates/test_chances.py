"""Chances and ties by hand."""

import numpy as np
import pytest

from seesaw_nas.search.estimates import chances


def test_two_alike_are_best_with_a_half_each():
    assert chances.of_best(np.array([0.9, 0.9]), 0.01 * np.eye(2)) == pytest.approx([0.5, 0.5], abs=0.03)


def test_what_all_may_be_off_alike_decides_nothing():
    covariance = 1.0 + 1e-8 * np.eye(2)
    assert chances.of_best(np.array([0.91, 0.90]), covariance) == pytest.approx([1, 0])
    assert list(chances.ties(np.array([0.91, 0.90]), covariance)) == [True, False]


def test_one_is_best_for_certain():
    assert list(chances.of_best(np.array([0.9]), np.array([[0.0]]))) == [1.0]


def test_difference_of_one_deviation_leaves_a_chance_of_a_sixth():
    # sd of the difference is 0.02 * sqrt(2); a normal deviate is beyond one deviation with 15.9%
    mean = np.array([0.9, 0.9 - 0.02 * 2**0.5])
    assert chances.of_best(mean, 0.02**2 * np.eye(2))[1] == pytest.approx(0.159, abs=0.025)


def test_ties_end_at_1645_deviations():
    deviation = 0.02 * 2**0.5
    mean = np.array([0.9, 0.9 - 1.6 * deviation, 0.9 - 1.7 * deviation])
    assert list(chances.ties(mean, 0.02**2 * np.eye(3))) == [True, True, False]


def test_front_without_doubt_is_the_front():
    mean, macs = np.array([0.7, 0.9, 0.8, 0.6, 0.9]), np.array([100.0, 300.0, 200.0, 150.0, 400.0])
    nothing = 1e-12 * np.eye(5)
    found = chances.of_front(np.array([0.7, 0.9, 0.8, 0.6, 0.89]), nothing, macs)
    assert list(found) == [1, 1, 1, 0, 0]
    assert chances.of_front(mean, nothing, macs)[4] == pytest.approx(0.5, abs=0.05)  # as good at more


def test_of_equal_cost_one_alone_is_of_the_front():
    found = chances.of_front(np.array([0.9, 0.9, 0.5]), 1e-4 * np.eye(3), np.array([100.0, 100.0, 50.0]))
    assert found[:2].sum() == pytest.approx(1)
    assert found[2] == 1
