from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from theory.cauchy_schwarz import (
    CSInformationBottleneckLoss,
    conditional_divergence,
    information_plane,
    mutual_information,
    normalized_mutual_information,
)


def batch(n: int = 64, seed: int = 0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 3, generator=generator, dtype=dtype)
    return x, x @ torch.ones(3, 4, dtype=dtype), x[:, 0].sin(), x[:, 0]


@pytest.mark.parametrize("variant", ["psd", "paper", "repository"])
@pytest.mark.parametrize("normalized", [True, False])
def test_is_the_sum_of_its_parts(variant, normalized):
    x, t, y, y_hat = batch()
    criterion = CSInformationBottleneckLoss(0.3, 1.0, 2.0, 0.5, variant, normalized, "half", base=2)
    loss = criterion(x, t, y, y_hat)
    torch.testing.assert_close(loss.total, loss.prediction + 0.3 * loss.compression)
    expected = conditional_divergence(x, y, y_hat, 1.0, 0.5, variant, "half", base=2)
    torch.testing.assert_close(loss.prediction, expected)
    if normalized:
        torch.testing.assert_close(loss.compression, normalized_mutual_information(x, t, 1.0, 2.0))
    else:
        torch.testing.assert_close(loss.compression, mutual_information(x, t, 1.0, 2.0, "half", base=2))


def test_gradients_by_differences():
    samples = [points.requires_grad_() for points in batch(6, dtype=torch.float64)[1:]]
    x = batch(6, dtype=torch.float64)[0]
    criterion = CSInformationBottleneckLoss(0.5, 1.0, 1.0, 1.0)
    assert torch.autograd.gradcheck(lambda t, y, y_hat: criterion(x, t, y, y_hat).total, samples)


def test_without_compression_the_representation_gets_no_gradient():
    x, t, y, y_hat = batch()
    t.requires_grad_()
    y_hat.requires_grad_()
    loss = CSInformationBottleneckLoss(0.0, 1.0, 1.0, 1.0)(x, t, y, y_hat)
    assert not loss.compression.requires_grad
    assert torch.autograd.grad(loss.total, t, allow_unused=True) == (None,)


def test_training_fits_and_compresses():
    x, _, y, _ = batch(128)
    information = {}
    for beta in (0.0, 1.0):
        torch.manual_seed(0)
        encoder, head = nn.Sequential(nn.Linear(3, 16), nn.Tanh()), nn.Linear(16, 1)
        criterion = CSInformationBottleneckLoss(beta, 1.0, 1.0, 1.0)
        optimizer = torch.optim.Adam([*encoder.parameters(), *head.parameters()], lr=0.03)
        for _ in range(50):
            optimizer.zero_grad()
            t = encoder(x)
            loss = criterion(x, t, y, head(t))
            loss.total.backward()
            optimizer.step()
        information[beta] = loss.compression.item()
        assert (head(t)[:, 0] - y).square().mean() < 0.5 * y.var()
    assert information[1.0] < information[0.0]


def test_a_collapsed_representation_is_harmless():
    x, _, y, y_hat = batch()
    t = torch.zeros(64, 4, requires_grad=True)
    loss = CSInformationBottleneckLoss(1.0, 1.0, 1.0, 1.0)(x, t, y, y_hat)
    loss.total.backward()
    assert loss.compression.item() == 0.0
    assert not t.grad.any()


def test_repr_states_the_options():
    assert "beta=0.1" in repr(CSInformationBottleneckLoss(0.1, 1.0, 1.0, 1.0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"beta": -1.0}, "beta is -1.0"),
        ({"beta": math.nan}, "beta is nan"),
        ({"bandwidth_t": 0.0}, "bandwidth_t is 0.0"),
        ({"bandwidth_y": math.inf}, "bandwidth_y is inf"),
        ({"variant": "mse"}, "variant is 'mse'"),
        ({"convention": "none"}, "convention is 'none'"),
        ({"base": 0}, "base is 0"),
    ],
)
def test_bad_options_are_named(change, message):
    options = {"beta": 0.1, "bandwidth_x": 1.0, "bandwidth_t": 1.0, "bandwidth_y": 1.0} | change
    with pytest.raises(ValueError, match=message):
        CSInformationBottleneckLoss(**options)


def test_information_plane():
    x, t, y, y_hat = (points.numpy() for points in batch(dtype=torch.float64))
    plane = information_plane(x, y, [t, 0.1 * t, 0 * t], [y_hat, 0.5 * y, 0 * y + y.mean()], 1.0, 1.0, normalized=False)
    assert plane.information[0] == pytest.approx(mutual_information(x, t, 1.0, 1.0, base=2))
    assert plane.compression[0] == 0.0
    assert 0.0 < plane.compression[1] < 1.0
    assert plane.compression[2] == 1.0
    assert plane.relevance[0] == pytest.approx(0.5 * np.log2(y.var() / np.mean((y - y_hat) ** 2)))
    assert plane.relevance[2] == pytest.approx(0.0, abs=1e-12)
    nats = information_plane(x, y, [t], [y_hat], 1.0, 1.0, base=math.e)
    assert nats.relevance[0] == pytest.approx(plane.relevance[0] * math.log(2))
    assert nats.information[0] == pytest.approx(normalized_mutual_information(x, t, 1.0, 1.0))
    tensors = information_plane(*(torch.tensor(v) for v in (x, y)), [torch.tensor(t)], [torch.tensor(y_hat)], 1.0, 1.0)
    assert isinstance(tensors.relevance, torch.Tensor)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"predictions": []}, "got 1 representations and 0 predictions"),
        ({"representations": [], "predictions": []}, "got 0 representations"),
        ({"representations": [torch.zeros(64, 2)]}, r"representations\[0\] has no information"),
        ({"representations": [torch.zeros(63, 2)]}, r"representations\[0\] has 63"),
        ({"predictions": [torch.zeros(64, 2)]}, r"predictions\[0\] has 2 features, y has 1"),
        ({"predictions": [torch.full((64,), math.nan)]}, r"predictions\[0\] contains nan"),
        ({"y": torch.ones(64)}, "y has a constant feature"),
        ({"predictions": [batch()[2]]}, "relevance is infinite"),
    ],
)
def test_bad_input_of_the_plane_is_named(change, message):
    x, t, y, y_hat = batch()
    arguments = {"x": x, "y": y, "representations": [t], "predictions": [y_hat]} | change
    with pytest.raises(ValueError, match=message):
        information_plane(**arguments, bandwidth_x=1.0, bandwidth_t=1.0)
