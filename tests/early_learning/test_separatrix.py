"""The separatrix: zero of the regularizer's own gradient, and what a flow of one example does on its two sides."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from theory.early_learning import elr_separatrix, true_class_gradient
from theory.early_learning.regularizer import elr_regularizer


@given(st.floats(2.001, 1e6))
def test_the_gradient_vanishes_at_the_separatrix(lam):
    p = elr_separatrix(lam)
    assert 0.5 < p < 1
    assert abs(true_class_gradient(p, lam)) < 1e-15 * (lam + 1)
    assert true_class_gradient(p - 1e-4, lam) > 0 > true_class_gradient(min(p + 1e-4, 1.0), lam) or p + 1e-4 > 1


@given(st.floats(0, 2), st.floats(0, 0.999))
def test_weak_regularizers_keep_no_true_label(lam, p):
    assert elr_separatrix(lam) == 1.0
    assert true_class_gradient(p, lam) >= 0


@pytest.mark.parametrize(("lam", "p"), [(0.0, 0.3), (1.0, 0.9), (3.0, 0.75), (7.0, 0.2)])
def test_the_gradient_is_that_of_the_loss_by_autograd(lam, p):
    logits = torch.tensor([[math.log(p), math.log(1 - p)]], dtype=torch.float64, requires_grad=True)
    target = torch.softmax(logits.detach(), 1)
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor([1])) + lam * elr_regularizer(logits, target)
    loss.backward()
    assert true_class_gradient(p, lam) == pytest.approx(float(logits.grad[0, 0]), abs=1e-13)


@pytest.mark.parametrize("lam", [2.5, 3.0, 7.0])
@pytest.mark.parametrize("side", [-1, 1])
def test_a_flow_ends_on_the_side_where_it_starts(lam, side):
    z = math.log(elr_separatrix(lam) / (1 - elr_separatrix(lam))) + side * 1e-3
    for _ in range(4000):
        z -= 0.1 * true_class_gradient(float(expit(z)), lam)
    assert side * z > 3


def test_shapes_and_values():
    np.testing.assert_allclose(elr_separatrix([2.1, 3, 7, 20]), [0.9545454545454546, 0.75, 7 / 12, 10 / 19], rtol=1e-14)
    assert isinstance(elr_separatrix(3), float)
    assert elr_separatrix(1e308) == 0.5
    assert true_class_gradient([[0.1], [0.9]], [1.0, 2.0, 3.0]).shape == (2, 3)
    assert math.isfinite(true_class_gradient(1.0, 1e308))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: elr_separatrix(-1.0), ValueError, "lam contains -1.0"),
        (lambda: elr_separatrix(math.inf), ValueError, "lam contains inf"),
        (lambda: elr_separatrix(True), TypeError, "lam has dtype bool"),
        (lambda: true_class_gradient(1.5, 1.0), ValueError, "p contains 1.5"),
        (lambda: true_class_gradient(0.5, math.nan), ValueError, "lam contains nan"),
    ],
)
def test_bad_arguments_of_the_separatrix_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
