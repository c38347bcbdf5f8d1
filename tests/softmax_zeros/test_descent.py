"""Certified descent steps, against the loss evaluated at 50 digits."""

import math

import mpmath as mp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from theory.softmax_zeros.bounds import rho_a
from theory.softmax_zeros.descent import descent_certificate


@st.composite
def batches(draw):
    batch, n = draw(st.integers(1, 4)), draw(st.integers(2, 5))
    scale = draw(st.sampled_from([0.5, 5.0, 40.0]))
    z = scale * draw(hnp.arrays(np.float64, (batch, n), elements=st.floats(-1, 1, allow_subnormal=False)))
    a = draw(hnp.arrays(np.float64, (batch, n), elements=st.floats(-1, 1).map(lambda x: round(x, 4))))
    labels = draw(hnp.arrays(np.int64, batch, elements=st.integers(0, n - 1)))
    if draw(st.booleans()):
        a[np.arange(batch), labels] += 1.0
    return z, draw(st.sampled_from([1e-4, 1.0, 300.0])) * a, labels


def exact_loss(z, a, labels, tau):
    with mp.workdps(50):
        tau, total = mp.mpf(float(tau)), mp.mpf(0)
        for logits, slopes, label in zip(z, a, labels, strict=True):
            line = [mp.mpf(float(x)) + tau * mp.mpf(float(y)) for x, y in zip(logits, slopes, strict=True)]
            total += mp.log(mp.fsum(mp.exp(x - line[label]) for x in line))
        return total / len(labels)


@settings(deadline=None, max_examples=100)
@given(batches(), st.floats(0, 1))
def test_no_certified_step_raises_the_loss(batch, fraction):
    certificate = descent_certificate(*batch)
    before = exact_loss(*batch, 0.0)
    assert exact_loss(*batch, certificate.max_step) <= before
    assert exact_loss(*batch, fraction * certificate.max_step) <= before
    with mp.workdps(50):
        assert before - exact_loss(*batch, certificate.best_step) >= certificate.decrease
    assert 0 <= certificate.closed_form_step <= certificate.best_step <= certificate.max_step
    assert exact_loss(*batch, certificate.closed_form_step) <= before


@settings(deadline=None, max_examples=100)
@given(batches(), st.floats(-20, 20))
def test_the_majorant_lies_above_the_loss(batch, x):
    certificate = descent_certificate(*batch)
    widest = np.ptp(batch[1], axis=1).max()
    tau = x / widest if widest > 0 else x
    loss = float(exact_loss(*batch, tau))
    assert certificate.majorant(tau) >= loss - 1e-13 * (1 + abs(x) + certificate.loss)
    assert certificate.majorant(0.0) == pytest.approx(float(exact_loss(*batch, 0.0)), rel=1e-13, abs=1e-300)


@settings(deadline=None, max_examples=60)
@given(batches())
def test_the_best_step_minimises_the_majorant_and_the_last_returns_to_the_start(batch):
    certificate = descent_certificate(*batch)
    best, farthest = certificate.best_step, certificate.max_step
    around = certificate.majorant(np.array([0.99, 1.0, 1.01]) * best)
    slack = 1e-14 * (1 + certificate.loss)
    assert around[1] <= min(around) + slack
    assert certificate.majorant(farthest) <= certificate.loss + slack
    assert certificate.majorant(1.01 * farthest) >= certificate.loss - slack


@pytest.mark.parametrize("gap", [0.0, 0.5, 3.0, 20.0])
def test_two_classes_toward_the_flip_are_exact(gap):
    """One wrong sample of two classes: the majorant is the loss until the classes are level."""
    z, a, labels = np.array([[gap, 0.0]]), np.array([[0.0, 2.0]]), np.array([1])
    certificate = descent_certificate(z, a, labels)
    for tau in np.linspace(0, gap / 2, 5):
        assert certificate.majorant(tau) == pytest.approx(float(exact_loss(z, a, labels, tau)), rel=1e-12)
    assert certificate.best_step >= gap / 2


def test_the_step_at_the_support_bound_can_raise_the_loss_and_is_then_not_certified():
    """Bias-only binary model, four fifths of class 0, logits (w/2, -w/2) at w = 3: r < 1 is no guarantee."""
    z, a = np.tile([1.5, -1.5], (5, 1)), np.tile([-0.5, 0.5], (5, 1))
    labels = np.array([0, 0, 0, 0, 1])
    step = 0.99 * rho_a(a).min()
    assert exact_loss(z, a, labels, step) > exact_loss(z, a, labels, 0.0)
    certificate = descent_certificate(z, a, labels)
    assert 0 < certificate.max_step < step
    assert certificate.max_step == pytest.approx(3.0, abs=0.6)


def test_a_smaller_variance_would_not_be_safe():
    z, a, labels = np.array([[2.0, 0.0]]), np.array([[0.0, 1.0]]), np.array([1])
    certificate = descent_certificate(z, a, labels)
    tau = 1.0
    curvature = certificate.majorant(tau) - certificate.loss + certificate.slope * tau
    assert certificate.loss - certificate.slope * tau + 0.9 * curvature < float(exact_loss(z, a, labels, tau))


def test_directions_that_do_not_descend_get_no_step():
    z, a = np.array([[0.0, 1.0], [2.0, 0.0]]), np.array([[0.0, 1.0], [0.0, 1.0]])
    uphill = descent_certificate(z, a, np.array([0, 0]))
    assert uphill.best_step == uphill.max_step == uphill.decrease == 0.0
    assert uphill.slope < 0
    flat = descent_certificate(z, np.full((2, 2), 3.0), np.array([0, 1]))
    assert flat.best_step == flat.max_step == 0.0
    assert flat.majorant(5.0) == flat.loss


def test_units_and_confidence():
    rng = np.random.default_rng(0)
    z, a, labels = 3 * rng.normal(size=(8, 5)), rng.normal(size=(8, 5)), rng.integers(0, 5, 8)
    a[np.arange(8), labels] += 2
    reference = descent_certificate(z, a, labels)
    scaled = descent_certificate(z + 5, 1024 * a, labels)
    assert scaled.best_step * 1024 == pytest.approx(reference.best_step, rel=1e-9)
    assert scaled.max_step * 1024 == pytest.approx(reference.max_step, rel=1e-9)
    hopeless = descent_certificate(np.array([1000.0, 0.0]), np.array([0.0, 1.0]), 1)
    assert hopeless.best_step > 1000
    assert hopeless.decrease > 999
    assert descent_certificate(np.array([1e308, -1e308]), np.array([0.0, 1.0]), 1).max_step >= 0


def test_kinds():
    z, a, labels = torch.randn(6, 3), torch.randn(6, 3), torch.randint(0, 3, (6,))
    a[torch.arange(6), labels] += 2
    certificate = descent_certificate(z, a, labels)
    assert certificate.max_step == descent_certificate(z.numpy(), a.numpy(), labels.numpy()).max_step
    assert certificate.max_step == descent_certificate(z.double(), a.double(), labels.tolist()).max_step
    assert certificate.majorant(torch.tensor([0.1, 0.2])).shape == (2,)
    assert isinstance(certificate.best_step, float)
    attached = descent_certificate(z.requires_grad_(), a, labels)
    assert attached.max_step == certificate.max_step


Z, A = np.zeros((2, 3)), np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    ("z", "a", "labels", "error", "name"),
    [
        (Z * np.nan, A, [0, 1], ValueError, "logits"),
        (Z, A[:, :2], [0, 1], ValueError, "slopes"),
        (Z, A.astype(int), [0, 1], TypeError, "slopes"),
        (Z + 0j, A, [0, 1], TypeError, "logits"),
        (np.zeros((0, 3)), np.zeros((0, 3)), [], ValueError, "logits"),
        (Z, np.tile([-1.7e308, 0, 1.7e308], (2, 1)), [0, 1], ValueError, "slopes"),
        (Z, A, [0, 3], ValueError, "labels contains 3"),
        (Z, A, [-1, 0], ValueError, "labels contains -1"),
        (Z, A, [0], ValueError, "labels has shape"),
        (Z, A, [0.0, 1.0], TypeError, "labels"),
        (Z, A, [True, False], TypeError, "labels"),
    ],
)
def test_bad_input_is_named(z, a, labels, error, name):
    with pytest.raises(error, match=name):
        descent_certificate(z, a, labels)


def test_bad_steps_are_named():
    with pytest.raises(ValueError, match="tau"):
        descent_certificate(Z, A, [2, 2]).majorant(math.nan)
