"""The metrics against torchmetrics, against sums over all orders of ties, and against their closed forms."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.functional.classification import binary_calibration_error

from theory.distillation import aurc, e_aurc, expected_calibration_error

SAMPLES = st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=6)


def textbook_aurc(hits):
    return np.mean([np.mean([not hit for hit in hits[:j]]) for j in range(1, len(hits) + 1)])


@pytest.mark.parametrize("n_bins", [1, 10, 15, 97])
def test_ece_is_that_of_torchmetrics(n_bins):
    rng = np.random.default_rng(n_bins)
    confidence = rng.beta(3, 1, 5000)
    correct = rng.random(5000) < confidence**2
    # its "binary" form takes the confidence of class 1 and whether the label is class 1: the same two numbers
    peer = binary_calibration_error(torch.tensor(confidence), torch.tensor(correct.astype(int)), n_bins=n_bins)
    assert expected_calibration_error(confidence, correct, n_bins) == pytest.approx(peer.item(), abs=1e-6)


def test_ece_by_hand_and_on_the_edges_of_bins():
    assert expected_calibration_error([0.6000000000000001] * 10, [1] * 7 + [0] * 3) == pytest.approx(0.1)
    edges = np.arange(0, 11) / 10
    for k, edge in enumerate(edges):  # an edge lies in the bin below it: it shares that of the point under it
        together = expected_calibration_error([edge, max(edge - 0.05, 0.05)], [1, 0])
        assert together == pytest.approx(abs(1 - edge - max(edge - 0.05, 0.05)) / 2), k
    assert expected_calibration_error([0.0, 1.0], [0, 1]) == 0


@settings(deadline=None, max_examples=150)
@given(SAMPLES)
def test_aurc_is_the_mean_over_the_orders_of_ties(samples):
    confidence, correct = zip(*samples, strict=True)
    orders = [
        [hit for _, hit in order]
        for order in itertools.permutations(samples)
        if all(a[0] >= b[0] for a, b in itertools.pairwise(order))
    ]
    assert aurc(confidence, correct) == pytest.approx(np.mean([textbook_aurc(hits) for hits in orders]), abs=1e-12)


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(1, 9))
def test_metrics_depend_on_neither_order_nor_monotone_scale(seed, n, levels):
    rng = np.random.default_rng(seed)
    confidence, correct = rng.integers(0, levels, n) / levels, rng.random(n) < 0.6
    order = rng.permutation(n)
    assert aurc(confidence[order], correct[order]) == pytest.approx(aurc(confidence, correct), abs=1e-12)
    assert aurc(np.exp(3 * confidence), correct) == pytest.approx(aurc(confidence, correct), abs=1e-12)
    error = expected_calibration_error(confidence, correct)
    assert expected_calibration_error(confidence[order], correct[order]) == pytest.approx(error, abs=1e-12)
    assert 0 <= error <= 1
    assert 0 <= e_aurc(confidence, correct) <= aurc(confidence, correct) <= 1


@pytest.mark.parametrize(("n", "errors"), [(1, 0), (1, 1), (10, 3), (10, 10), (500, 77)])
def test_excess_is_zero_for_the_best_order(n, errors):
    correct = np.arange(n) < n - errors
    assert e_aurc(-np.arange(n), correct) == pytest.approx(0, abs=1e-15)
    assert e_aurc(np.arange(n), correct) == pytest.approx(
        textbook_aurc(list(correct[::-1])) - textbook_aurc(list(correct)), abs=1e-12
    )


def test_large_n_limit_of_the_least_area():
    n, r = 200_000, 0.3
    correct = np.arange(n) < (1 - r) * n
    assert aurc(-np.arange(n), correct) == pytest.approx(r + (1 - r) * math.log(1 - r), abs=1e-5)


@pytest.mark.parametrize("metric", [expected_calibration_error, aurc, e_aurc])
def test_kinds_of_input(metric):
    confidence, correct = np.array([0.25, 0.5, 0.75]), np.array([True, False, True])
    expected = metric(confidence, correct)
    assert isinstance(expected, float)
    assert metric(confidence.tolist(), correct.tolist()) == expected
    assert metric(confidence.astype(np.float32), correct.astype(int)) == expected
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        assert metric(torch.tensor(confidence, dtype=dtype, requires_grad=True), torch.tensor(correct)) == expected


@pytest.mark.parametrize(
    ("confidence", "correct", "message"),
    [
        ([], [], r"confidence has shape \(0,\)"),
        ([0.5], [1, 0], r"correct \(2,\)"),
        ([[0.5]], [[1]], r"confidence has shape \(1, 1\)"),
        ([math.nan], [1], "confidence contains nan"),
        ([0.5], [2], r"correct contains 2\.0"),
        ([0.5], ["yes"], "correct has dtype"),
    ],
)
@pytest.mark.parametrize("metric", [expected_calibration_error, aurc, e_aurc])
def test_bad_input_is_refused(metric, confidence, correct, message):
    with pytest.raises(ValueError, match=message):
        metric(confidence, correct)


def test_bad_input_of_ece_is_refused():
    with pytest.raises(ValueError, match=r"confidence is in \[0\.5, 1\.5\]"):
        expected_calibration_error([0.5, 1.5], [1, 1])
    with pytest.raises(ValueError, match="n_bins is 0"):
        expected_calibration_error([0.5], [1], 0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_tensors_on_a_gpu():
    assert aurc(torch.tensor([0.5, 0.7]).cuda(), torch.tensor([1, 0]).cuda()) == aurc([0.5, 0.7], [1, 0])
