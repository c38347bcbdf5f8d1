"""Rates, exact counts, conventions, reproducibility and bad input of label noise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from theory.early_learning.label_noise import CIFAR10_FLIPS, asymmetric_noise, symmetric_noise

LABELS = np.random.default_rng(0).integers(0, 10, 20_000)


@pytest.mark.parametrize(("exclude_true", "wrong"), [(True, 0.4), (False, 0.36)])
def test_realised_rate_follows_the_convention(exclude_true, wrong):
    noisy = symmetric_noise(LABELS, 0.4, 10, exclude_true=exclude_true, seed=1)
    low, high = stats.binom.interval(1 - 1e-6, len(LABELS), wrong)
    assert low <= noisy.wrong.sum() <= high
    assert noisy.wrong_fraction == np.mean(noisy.labels != LABELS)


@pytest.mark.parametrize("exclude_true", [True, False])
def test_new_classes_are_uniform(exclude_true):
    noisy = symmetric_noise(LABELS, 1.0, 10, exclude_true=exclude_true, seed=2)
    shift = (noisy.labels - LABELS) % 10
    counts = np.bincount(shift, minlength=10)[1 if exclude_true else 0 :]
    assert stats.chisquare(counts).pvalue > 1e-6
    assert (shift != 0).all() == exclude_true


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 300), st.floats(0, 1), st.integers(2, 7), st.integers(0, 2**32))
def test_exact_counts(n, rate, classes, seed):
    labels = np.random.default_rng(seed).integers(0, classes, n)
    assert symmetric_noise(labels, rate, classes, exclude_true=True, seed=seed, exact=True).wrong.sum() == round(
        rate * n
    )
    flipped = asymmetric_noise(labels, rate, {0: 1}, seed=seed, exact=True)
    assert flipped.wrong.sum() == round(rate * (labels == 0).sum())


def test_asymmetric_noise_follows_the_map_at_its_rate():
    noisy = asymmetric_noise(LABELS, 0.3, CIFAR10_FLIPS, seed=3)
    for source in range(10):
        members = source == LABELS
        changed = noisy.labels[members][noisy.wrong[members]]
        if source not in CIFAR10_FLIPS:
            assert len(changed) == 0
            continue
        assert (changed == CIFAR10_FLIPS[source]).all()
        assert stats.binomtest(len(changed), int(members.sum()), 0.3).pvalue > 1e-6


def test_a_seed_is_a_seed_and_the_input_is_untouched():
    before = LABELS.copy()
    first, again, other = (symmetric_noise(LABELS, 0.4, 10, exclude_true=True, seed=s) for s in (5, 5, 6))
    assert (first.labels == again.labels).all()
    assert (first.labels != other.labels).any()
    assert (before == LABELS).all()
    generator = np.random.default_rng(5)
    assert (symmetric_noise(LABELS, 0.4, 10, exclude_true=True, seed=generator).labels == first.labels).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_dtype_is_kept(dtype):
    assert symmetric_noise(LABELS.astype(dtype), 0.5, 10, exclude_true=True, seed=0).labels.dtype == dtype
    assert asymmetric_noise(LABELS.astype(dtype), 0.5, {0: 1}, seed=0).labels.dtype == dtype


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rate": 1.1}, r"rate is 1\.1"),
        ({"rate": float("nan")}, "rate is nan"),
        ({"num_classes": 1}, "num_classes is 1"),
        ({"labels": np.array([0, 3])}, r"labels contains 3; expected classes in \[0, 3\)"),
        ({"labels": np.array([-1])}, "labels contains -1"),
        ({"labels": np.array([0.5])}, "labels has dtype float64"),
        ({"labels": np.array([[1]])}, "labels has shape"),
        ({"labels": np.array([], dtype=int)}, "labels has shape"),
    ],
)
def test_bad_input_of_symmetric_noise_is_refused(change, message):
    good = {"labels": np.array([0, 1, 2]), "rate": 0.5, "num_classes": 3, "exclude_true": True, "seed": 0}
    with pytest.raises(ValueError, match=message):
        symmetric_noise(**(good | change))


def test_bad_input_of_asymmetric_noise_is_refused():
    with pytest.raises(ValueError, match="flips maps 1 to 1"):
        asymmetric_noise(np.array([0, 1]), 0.5, {1: 1}, seed=0)
    with pytest.raises(ValueError, match="expected one that holds class 300"):
        asymmetric_noise(np.array([0, 1], dtype=np.uint8), 1.0, {1: 300}, seed=0)
