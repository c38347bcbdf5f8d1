"""Training on wrong labels: the data, the stacked networks and the losses of the experiments."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from theory.early_learning.claims.training.data import CLASSES, noisy_problem
from theory.early_learning.claims.training.methods import (
    CLAMP,
    CROSS_ENTROPY,
    averaged,
    clamped,
    elr,
    kullback_leibler,
    naive,
    nested_dropout,
    self_distillation,
    sign_flipped,
    without_log,
    without_stop_gradient,
)
from theory.early_learning.claims.training.network import Perceptrons, train

SEEDS = (3, 4)
STEPS = 12


def few_steps(method, seeds=SEEDS):
    """Twelve small epochs."""
    return train(noisy_problem("digits", 200, 0.4, seeds), method, STEPS, 0.05, seeds)


def test_noise_replaces_by_other_classes_at_its_rate():
    problem = noisy_problem("digits", 1258, 0.4, SEEDS)
    wrong = (problem.observed != problem.true).double().mean(dim=1)
    assert wrong.tolist() == pytest.approx([0.4, 0.4], abs=4 * (0.24 / 1258) ** 0.5)
    assert problem.x.shape == (2, 1258, 64)
    assert problem.x_test.shape == (2, 539, 64)


def test_pixels_are_standardised_by_the_training_set():
    x = noisy_problem("digits", 500, 0.0, SEEDS).x
    assert x.mean(dim=(1, 2)).tolist() == pytest.approx([0, 0], abs=1e-5)
    assert x.std(dim=(1, 2)).tolist() == pytest.approx([1, 1], abs=1e-5)


def test_splits_differ_by_seed_and_do_not_overlap():
    problem = noisy_problem("digits", 500, 0.0, SEEDS)
    assert not torch.equal(problem.true[0], problem.true[1])
    assert problem.x.shape[1] + problem.x_test.shape[1] == 1797


def test_stacked_networks_are_plain_networks():
    stacked = Perceptrons(SEEDS, 64, CROSS_ENTROPY)
    x = torch.randn(2, 5, 64)
    for k in range(2):
        layers = [nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, CLASSES, bias=False)]
        for layer, weight, bias in zip(layers[::2], stacked.weights, stacked.biases, strict=False):
            layer.weight.data, layer.bias.data = weight[k].T, bias[k, 0]
        layers[-1].weight.data = stacked.head[k].T
        torch.testing.assert_close(stacked(x)[k], nn.Sequential(*layers)(x[k]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("method", [CROSS_ENTROPY, elr(3, 0.7), self_distillation(0.8)], ids=lambda method: method.name)
def test_networks_of_several_seeds_do_not_mix(method):
    together, alone = few_steps(method), few_steps(method, SEEDS[1:])
    torch.testing.assert_close(together.network.head[1], alone.network.head[0], rtol=1e-3, atol=1e-4)


def test_training_is_repeatable_and_leaves_the_random_state():
    before = torch.random.get_rng_state()
    first, second = few_steps(nested_dropout(10)), few_steps(nested_dropout(10))
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(first.network.head, second.network.head)


def test_memorized_and_recovered_are_shares_of_the_wrong_labels():
    run = few_steps(CROSS_ENTROPY)
    assert ((run.memorized >= 0) & (run.recovered >= 0) & (run.memorized + run.recovered <= 1)).all()
    assert run.epoch[-1] == STEPS
    assert run.accuracy.shape == (len(run.epoch), 2)


def test_without_wrong_labels_only_the_last_epoch_is_recorded():
    run = train(noisy_problem("digits", 200, 0.0, SEEDS), CROSS_ENTROPY, STEPS, 0.05, SEEDS)
    assert run.epoch.tolist() == [STEPS]
    assert run.memorized.isnan().all()


def gradients(method, steps=3):
    """Gradients by the logits of an example set shown several times."""
    generator = torch.Generator().manual_seed(0)
    loss, labels, index = method.loss(20, 5), torch.arange(20) % CLASSES, torch.arange(20)
    found = []
    for epoch in range(1, steps + 1):
        logits = (2 * torch.randn(20, CLASSES, generator=generator)).requires_grad_()
        loss(logits, labels, index, epoch).backward()
        found.append(logits.grad)
    return torch.stack(found)


def test_averaged_targets_are_those_of_the_loss():
    written_out = averaged("ELR", 0.7, lambda z, t: 3 * torch.log(1 - (clamped(z) * t).sum(dim=1)))
    torch.testing.assert_close(gradients(written_out), gradients(elr(3, 0.7)), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(gradients(naive(3, 0.7)), gradients(elr(3, 0.7, None)), rtol=1e-4, atol=1e-6)


def test_sign_is_flipped():
    plain = gradients(CROSS_ENTROPY)
    torch.testing.assert_close(
        gradients(sign_flipped(3, 0.7)) - plain, plain - gradients(elr(3, 0.7)), rtol=1e-2, atol=20 * CLAMP / 20
    )


@pytest.mark.parametrize("variant", [without_log, kullback_leibler, without_stop_gradient, naive])
def test_variants_are_cross_entropy_at_strength_zero_and_not_elsewhere(variant):
    assert torch.allclose(gradients(variant(0, 0.7)), gradients(CROSS_ENTROPY), atol=1e-6)
    assert not torch.allclose(gradients(variant(3, 0.7)), gradients(CROSS_ENTROPY), atol=1e-3)


def test_self_distillation_without_weight_is_cross_entropy():
    torch.testing.assert_close(gradients(self_distillation(0.0)), gradients(CROSS_ENTROPY))
    logits = torch.randn(4, CLASSES)
    labels = torch.arange(4)
    first = self_distillation(0.8).loss(4, 5)(logits, labels, torch.arange(4), 1)
    torch.testing.assert_close(first, F.cross_entropy(logits, labels))
