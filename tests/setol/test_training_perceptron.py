"""The perceptrons behind the training claims: drawing, truncation, reading, and repeatability."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from theory.setol import analyze
from theory.setol.claims.training.perceptron import (
    Network,
    Setting,
    descend,
    digits,
    drawn,
    spectrum_of,
    train,
    truncated,
)
from verify.check import Skip

SMALL = Setting(rate=0.1, hidden=20, epochs=2)


@pytest.fixture
def network():
    return drawn(Setting(hidden=40), torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def data():
    try:
        return digits()
    except Skip as reason:
        pytest.skip(str(reason))


def test_weights_are_drawn_with_the_glorot_variance(network):
    for W in network.weights[:2]:
        expected = 2 / sum(W.shape)
        assert_allclose(float(W.var()), expected, rtol=6 * (2 / W.numel()) ** 0.5)  # six standard errors
    assert [tuple(W.shape) for W in network.weights] == [(40, 784), (100, 40), (10, 100)]


def test_keeping_all_directions_changes_rounding_only(network):
    x = torch.rand(50, 784, generator=torch.Generator().manual_seed(1))
    assert_allclose(truncated(network, lambda _: 40).logits(x), network.logits(x), rtol=1e-4, atol=1e-5)


def test_truncation_keeps_the_leading_singular_values_of_the_first_two_layers(network):
    cut = truncated(network, lambda _: 7)
    for before, after in zip(network.weights[:2], cut.weights[:2], strict=True):
        s, kept = (torch.linalg.svdvals(W.double()).numpy() for W in (before, after))
        assert_allclose(kept[:7], s[:7], rtol=1e-5)
        assert kept[7] < 1e-5 * kept[0]
    assert torch.equal(cut.weights[2], network.weights[2])


def test_spectrum_agrees_with_the_analysis_of_a_model(network):
    found, row = spectrum_of(network.weights[0]), analyze({"W": network.weights[0]})["W"]
    assert (found.n_tail, found.erg_count) == (row.num_pl_spikes, row.detX_num)
    assert_allclose((found.alpha, found.gap), (row.alpha, row.delta_lambda), rtol=1e-10)


@pytest.mark.parametrize("trained", [(0, 1, 2), (0,), (1,), (2,), (0, 2)])
def test_a_step_is_that_of_autograd(network, trained):
    weights, biases = ([p.double().clone() for p in part] for part in network)
    by_hand = Network(*(tuple(p.clone() for p in part) for part in (weights, biases)))
    parameters = [part[layer].requires_grad_() for layer in trained for part in (weights, biases)]
    draw = torch.Generator().manual_seed(2)
    x, y = torch.rand(8, 784, generator=draw).double(), torch.randint(10, (8,), generator=draw)
    loss = torch.nn.functional.cross_entropy(Network(tuple(weights), tuple(biases)).logits(x), y)
    loss.backward()
    torch.optim.SGD(parameters, lr=0.3).step()
    assert_allclose(float(descend(by_hand, x, y, 0.3, trained)), loss.item(), rtol=1e-14)
    for hand, auto in zip((*by_hand.weights, *by_hand.biases), (*weights, *biases), strict=True):
        assert_allclose(hand, auto.detach(), rtol=0, atol=1e-15)


@pytest.mark.usefixtures("data")
def test_two_trainings_are_the_same_bit_for_bit():
    first = train(SMALL)
    again = train.__wrapped__(SMALL)
    assert all(torch.equal(W, V) for W, V in zip(first.end.weights, again.end.weights, strict=True))
    assert first.epochs[1:] == again.epochs[1:]
    assert len(first.epochs) == 3
    assert first.epochs[-1].train_error < first.epochs[0].train_error


@pytest.mark.usefixtures("data")
def test_layers_not_trained_stay_as_drawn():
    run = train(Setting(rate=0.1, hidden=20, epochs=1, trained=(1,)))
    assert [torch.equal(W, V) for W, V in zip(run.start.weights, run.end.weights, strict=True)] == [True, False, True]


@pytest.mark.usefixtures("data")
def test_a_diverging_training_says_so():
    with pytest.raises(FloatingPointError, match=r"loss is .* in epoch 1 of Setting"):
        train(Setting(rate=1e30, hidden=20, epochs=1))


def test_the_digits_are_split_evenly_and_scaled(data):
    assert data.x.shape == (4000, 784)
    assert data.x_test.shape == (1000, 784)
    assert (float(data.x.min()), float(data.x.max())) == (0.0, 1.0)
    counts = np.bincount(torch.cat([data.y, data.y_test]).numpy())
    assert counts.tolist() == [500] * 10
