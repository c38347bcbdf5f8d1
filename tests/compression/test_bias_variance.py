"""The decomposition and the co-teaching shift against sums over all outcomes; gradients, zeros, bad input."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.compression import bias_variance_decomposition, co_taught, co_teaching_select, co_teaching_shift


def laws(seed, features, classes, batch=(), spread=3.0):
    draw = torch.Generator().manual_seed(seed)
    normal = lambda *shape: spread * torch.randn(*shape, generator=draw, dtype=torch.float64)  # noqa: E731
    log_q = torch.log_softmax(normal(features, *batch, classes), -1)
    return log_q, torch.softmax(normal(features, *batch), 0), torch.softmax(normal(*batch, classes), -1)


def divergence(p, log_p, log_q):
    return (p * (log_p - log_q)).sum(-1)


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 2**32), st.integers(1, 9), st.integers(2, 7), st.sampled_from([(), (3,), (2, 2)]))
def test_parts_are_the_divergences_and_add_up(seed, features, classes, batch):
    log_q, weights, p = laws(seed, features, classes, batch)
    parts = bias_variance_decomposition(log_q, weights, p)
    risk = -(weights[..., None] * p * log_q).sum(-1).sum(0)
    mean = parts.log_mean.exp()
    torch.testing.assert_close(mean.sum(-1), torch.ones(batch, dtype=torch.float64))
    torch.testing.assert_close(parts.risk, risk)
    torch.testing.assert_close(parts.bias, divergence(p, p.log(), parts.log_mean), rtol=1e-9, atol=1e-12)
    variance = (weights * divergence(mean, parts.log_mean, log_q)).sum(0)
    torch.testing.assert_close(parts.variance, variance, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(parts.bias + parts.variance + parts.noise, risk, rtol=1e-12, atol=1e-12)


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 2**32), st.integers(1, 9), st.integers(2, 7), st.sampled_from([(), (3,)]))
def test_shift_is_the_difference_of_two_decompositions(seed, features, classes, batch):
    log_q, weights, p = laws(seed, features, classes, batch)
    log_w = 2 * torch.randn(*batch, classes, dtype=torch.float64)
    before, after = (bias_variance_decomposition(q, weights, p) for q in (log_q, co_taught(log_q, log_w)))
    shift = co_teaching_shift(log_q, weights, p, log_w)
    torch.testing.assert_close(shift.bias, after.bias - before.bias, rtol=1e-9, atol=1e-10)
    torch.testing.assert_close(shift.variance, after.variance - before.variance, rtol=1e-9, atol=1e-10)
    torch.testing.assert_close((p * shift.log_alpha).sum(-1), shift.bias, rtol=1e-9, atol=1e-10)


def test_a_certain_decoder_and_impossible_labels():
    log_q = torch.tensor([[0.0, -math.inf, -math.inf], [math.log(0.5), math.log(0.5), -math.inf]], dtype=torch.float64)
    weights = torch.tensor([0.5, 0.5], dtype=torch.float64)
    certain = bias_variance_decomposition(log_q, weights, torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64))
    assert certain.risk.item() == pytest.approx(math.log(2) / 2)
    assert certain.variance.item() == pytest.approx(math.log(2) / 2)
    assert certain.noise == certain.bias == 0
    impossible = bias_variance_decomposition(log_q, weights, torch.tensor([0.5, 0.5, 0.0], dtype=torch.float64))
    assert impossible.risk == impossible.bias == math.inf
    unused = bias_variance_decomposition(
        log_q, torch.tensor([0.0, 1.0], dtype=torch.float64), impossible.noise.new_tensor([0.5, 0.5, 0])
    )
    assert unused.risk.item() == pytest.approx(math.log(2))


def test_gradients():
    log_q, weights, p = laws(1, 3, 4, (2,))
    log_q.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda z: bias_variance_decomposition(torch.log_softmax(z, -1), weights, p)[:3], log_q
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dtype_and_shared_weights(dtype):
    log_q, _, p = (x.to(dtype) for x in laws(2, 3, 4, (2,)))
    weights = torch.tensor([0.2, 0.3, 0.5], dtype=dtype)
    shared = bias_variance_decomposition(log_q, weights, p)
    spread = bias_variance_decomposition(log_q, weights[:, None].expand(3, 2), p)
    assert all(part.dtype == dtype for part in shared)
    assert all(torch.equal(a, b) for a, b in zip(shared, spread, strict=True))


def test_small_losses_of_the_peer_are_selected():
    first, second = torch.tensor([3.0, 1.0, 2.0, 0.0]), torch.tensor([0.0, 1.0, 1.0, 1.0])
    selection = co_teaching_select(first, second, 0.5)
    assert selection.first.tolist() == [0, 1]
    assert selection.second.tolist() == [3, 1]


@pytest.mark.parametrize(
    ("size", "rate", "kept"), [(10, 0.3, 7), (100, 0.29, 71), (10, 0.0, 10), (10, 0.99, 1), (7, 0.2, 6)]
)
def test_the_number_kept_does_not_depend_on_rounding(size, rate, kept):
    assert len(co_teaching_select(torch.rand(size), torch.rand(size), rate).first) == kept


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda q, w, p: bias_variance_decomposition(q[0], w, p), "log_q has shape"),
        (lambda q, w, p: bias_variance_decomposition(q, w[:1], p), "weights has shape"),
        (lambda q, w, p: bias_variance_decomposition(q, 2 * w, p), "weights has an entry"),
        (lambda q, w, p: bias_variance_decomposition(q, w, -p), "p has an entry"),
        (lambda q, w, p: bias_variance_decomposition(q + 1, w, p), r"exp\(log_q\) has an entry"),
        (lambda q, w, p: bias_variance_decomposition(torch.eye(2).double().log(), w, p), "excludes every class"),
        (lambda q, w, p: co_teaching_shift(q, w, p, torch.full((2,), torch.nan)), "log_w has shape"),
        (lambda q, w, p: co_teaching_select(w, w, 1.0), r"forget_rate is 1\.0"),
        (lambda q, w, p: co_teaching_select(w, w[:1], 0.5), r"second_loss has shape \(1,\)"),
        (lambda q, w, p: co_teaching_select(w, w * torch.nan, 0.5), "second_loss contains NaN"),
    ],
)
def test_bad_input_is_refused(call, message):
    log_q = torch.full((2, 2), 0.5, dtype=torch.float64).log()
    half = torch.full((2,), 0.5, dtype=torch.float64)
    with pytest.raises(ValueError, match=message):
        call(log_q, half, half)
