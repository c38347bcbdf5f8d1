"""Targets, bank, loss and rescaling factor against autograd and their definitions; bad input."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from theory.distillation import PredictionBank, PSKDLoss, progressive_targets, rescaling_factor


def probabilities(seed, size=5, classes=4, spread=2.0):
    draw = torch.Generator().manual_seed(seed)
    return torch.softmax(spread * torch.randn(size, classes, generator=draw, dtype=torch.float64), 1)


def batch(seed=0, dtype=torch.float64):
    logits = probabilities(seed).log().to(dtype).requires_grad_()
    return logits, torch.tensor([0, 1, 2, 3, 1]), torch.tensor([4, 0, 7, 9, 2])


def test_targets_are_mixtures_and_constant():
    previous = probabilities(0).requires_grad_()
    _, labels, _ = batch()
    targets = progressive_targets(labels, previous, 0.3)
    torch.testing.assert_close(targets, 0.7 * F.one_hot(labels, 4) + 0.3 * previous.detach())
    assert not targets.requires_grad
    assert torch.equal(progressive_targets(labels, previous, 1.0), previous)
    assert torch.equal(progressive_targets(labels, previous, 0.0), F.one_hot(labels, 4).double())


def test_bank_gives_one_hot_labels_until_it_has_predictions():
    bank = PredictionBank(10, 4).double()
    logits, labels, index = batch()
    assert torch.equal(bank.read(labels, index), F.one_hot(labels, 4).double())
    bank.write(logits[:2], index[:2])
    read = bank.read(labels, index)
    torch.testing.assert_close(read[:2], torch.softmax(logits[:2], 1).detach())
    assert torch.equal(read[2:], F.one_hot(labels[2:], 4).double())
    assert set(bank.state_dict()) == {"predictions", "seen"}


def test_loss_over_epochs_and_its_gradient():
    loss = PSKDLoss(10, 4, epochs=4, alpha_final=0.8).double()
    previous = None
    for epoch in range(1, 5):
        logits, labels, index = batch(epoch)
        value = loss(logits, labels, index, epoch)
        value.backward()
        y = F.one_hot(labels, 4).double()
        alpha = 0.2 * epoch
        target = y if previous is None else (1 - alpha) * y + alpha * previous
        p = torch.softmax(logits, 1).detach()
        torch.testing.assert_close(value, -(target * torch.log_softmax(logits, 1)).sum(1).mean())
        torch.testing.assert_close(logits.grad, (p - target) / 5)
        previous = p
    loss.eval()
    loss(batch(99)[0], labels, index, 4)
    torch.testing.assert_close(loss.bank.predictions[index], previous)


def test_loss_is_finite_at_large_margins_and_twice_differentiable():
    loss = PSKDLoss(10, 4, epochs=2).double()
    logits, labels, index = batch()
    for epoch in (1, 2):
        far = (1e4 * logits.detach()).requires_grad_()
        value = loss(far, labels, index, epoch)
        value.backward()
        assert torch.isfinite(value)
        assert far.grad.abs().sum(1).max() <= 2 / 5 + 1e-12
    assert torch.autograd.gradgradcheck(lambda z: loss.eval()(z, labels, index, 2), logits)


def test_half_precision_is_computed_in_float32():
    logits, labels, index = batch(dtype=torch.bfloat16)
    value = PSKDLoss(10, 4, epochs=1)(logits, labels, index, 1)
    value.backward()
    assert value.dtype == torch.float32
    assert logits.grad.dtype == torch.bfloat16


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 2**32), st.integers(2, 8), st.floats(0, 1), st.floats(0, 4))
def test_rescaling_factor_is_the_ratio_of_gradient_norms(seed, classes, alpha, spread):
    p, previous = probabilities(seed, 6, classes, spread), probabilities(seed + 1, 6, classes, spread)
    labels = torch.arange(6) % classes
    factor = rescaling_factor(p, previous, alpha, labels)
    y = F.one_hot(labels, classes).double()
    soft = (p - progressive_targets(labels, previous, alpha)).abs().sum(1)
    torch.testing.assert_close(factor.ratio, soft / (p - y).abs().sum(1), rtol=1e-9, atol=1e-9)
    assert torch.allclose(factor.ratio[factor.applies], factor.closed_form[factor.applies], atol=1e-10)
    assert (factor.ratio >= factor.closed_form.abs() - 1e-10).all()


def test_rescaling_factor_keeps_its_digits_near_certainty():
    p = torch.tensor([[1.0, 1e-20, 2e-20]], dtype=torch.float64)
    previous = torch.tensor([[1.0, 2e-20, 2e-20]], dtype=torch.float64)
    factor = rescaling_factor(p, previous, 0.5, torch.tensor([0]))
    assert factor.applies.all()
    assert factor.closed_form.item() == pytest.approx(1 / 3)
    assert factor.ratio.item() == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda z, y, i: PSKDLoss(10, 4, epochs=0), "epochs is 0"),
        (lambda z, y, i: PSKDLoss(10, 4, epochs=1, alpha_final=1.1), r"alpha_final is 1\.1"),
        (lambda z, y, i: PSKDLoss(10, 4, epochs=1)(z, y, i, 2), r"epoch is 2; expected an integer in \[1, 1\]"),
        (lambda z, y, i: PSKDLoss(10, 4, epochs=1)(z, y, i, 0), "epoch is 0"),
        (lambda z, y, i: PSKDLoss(10, 4, epochs=1)(z[:, :3], y, i, 1), r"logits has shape \(5, 3\)"),
        (lambda z, y, i: PSKDLoss(10, 4, epochs=1)(z * torch.nan, y, i, 1), "logits contains nan"),
        (lambda z, y, i: PSKDLoss(10, 3, epochs=1)(z, y, i, 1), "labels contains 3"),
        (lambda z, y, i: PSKDLoss(9, 4, epochs=1)(z, y, i, 1), "index contains 9"),
        (lambda z, y, i: PSKDLoss(10, 4, epochs=1)(z, y, i * 0, 1), "index contains 0 more than once"),
        (lambda z, y, i: PredictionBank(0, 4), "num_samples is 0"),
        (lambda z, y, i: PredictionBank(4, 1), "num_classes is 1"),
        (lambda z, y, i: PredictionBank(10, 3).write(z, i), "logits has 4 columns"),
        (lambda z, y, i: progressive_targets(y, z, 0.5), "previous has a row that is no distribution"),
        (lambda z, y, i: progressive_targets(y, z.exp(), -0.5), r"alpha is -0\.5"),
        (lambda z, y, i: rescaling_factor(z.exp(), z.exp().float(), 0.5, y), "previous has shape"),
        (lambda z, y, i: rescaling_factor(F.one_hot(y, 4).double(), z.exp(), 0.5, y), "certain of its label"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(*batch())
