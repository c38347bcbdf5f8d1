"""The fused loss against autograd, 60-digit arithmetic and the authors' formula; its state, its bounds, bad input."""

import copy
import io

import mpmath
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from theory.early_learning.loss import ELRLoss
from theory.early_learning.regularizer import (
    clamped_regularizer_floor,
    elr_regularizer,
    elr_regularizer_gradient,
)


def batch(seed=0, size=6, classes=5, scale=3.0, samples=20, dtype=torch.float64):
    draw = torch.Generator().manual_seed(seed)
    logits = (scale * torch.randn(size, classes, generator=draw, dtype=torch.float64)).to(dtype)
    labels = torch.randint(classes, (size,), generator=draw)
    return logits.requires_grad_(), labels, torch.randperm(samples, generator=draw)[:size]


class Published(torch.nn.Module):
    """The authors' loss written down from its formula, with the order of operations of their code."""

    def __init__(self, samples, classes, lam, beta):
        super().__init__()
        self.table, self.lam, self.beta = torch.zeros(samples, classes), lam, beta

    def forward(self, logits, labels, index):
        p = torch.softmax(logits, dim=1).clamp(1e-4, 1 - 1e-4)
        fixed = p.detach()
        self.table[index] = self.beta * self.table[index] + (1 - self.beta) * (fixed / fixed.sum(dim=1, keepdim=True))
        overlap = (self.table[index] * p).sum(dim=1)
        return F.cross_entropy(logits, labels) + self.lam * (1 - overlap).log().mean()


def exact(logits, labels, index, table, lam, beta, deficits):
    """Loss and gradient of one call in 60 digits; the targets come from and go to the dictionaries."""
    with mpmath.workdps(60):
        size, classes = logits.shape
        loss, gradient = mpmath.mpf(0), torch.zeros(size, classes, dtype=torch.float64)
        for row in range(size):
            z = [mpmath.mpf(x.item()) for x in logits[row]]
            top = max(z)
            weights = [mpmath.exp(x - top) for x in z]
            p = [w / mpmath.fsum(weights) for w in weights]
            sample, y = index[row].item(), labels[row].item()
            old = table.get(sample, [mpmath.mpf(0)] * classes)
            t = [mpmath.mpf(beta) * a + (1 - mpmath.mpf(beta)) * b for a, b in zip(old, p, strict=True)]
            table[sample] = t
            deficits[sample] = deficits.get(sample, mpmath.mpf(1)) * mpmath.mpf(beta)
            w = [b * (mpmath.fsum(t[:c] + t[c + 1 :]) + deficits[sample]) for c, b in enumerate(p)]
            total = mpmath.fsum(w)
            loss += -mpmath.log(p[y]) + lam * mpmath.log(total)
            for c in range(classes):
                gradient[row, c] = float(((1 - lam) * p[c] + lam * w[c] / total - (c == y)) / size)
        return float(loss / size), gradient


@pytest.mark.parametrize("scale", [1.0, 30.0, 300.0])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-13), (torch.float32, 1e-5)])
def test_loss_and_gradient_over_many_steps_are_those_of_60_digits(scale, dtype, tolerance):
    torch.manual_seed(0)
    loss = ELRLoss(20, 4, lam=3.0, beta=0.5).to(dtype)
    table, deficits = {}, {}
    for step in range(6):
        logits, labels, index = batch(step // 3, classes=4, scale=scale, dtype=dtype)
        value = loss(logits, labels, index)
        value.backward()
        expected, gradient = exact(logits.detach(), labels, index, table, 3.0, 0.5, deficits)
        assert value.dtype == dtype
        assert value.item() == pytest.approx(expected, rel=tolerance, abs=tolerance)
        torch.testing.assert_close(logits.grad.double(), gradient, rtol=tolerance, atol=tolerance)


def test_one_minus_the_target_survives_saturation():
    """At margin 20 in float32 the target rounds to 1; R is log 2 − 20 once it has caught up, its gradient ∓1/2."""
    loss = ELRLoss(1, 2, lam=1.0, beta=0.0)
    logits = torch.tensor([[20.0, 0.0]], requires_grad=True)
    value = loss(logits, torch.tensor([0]), torch.tensor([0]))
    value.backward()
    assert loss.target[0, 0] == 1
    assert value.item() == pytest.approx(float(mpmath.log(2) - 20), abs=1e-5)
    torch.testing.assert_close(logits.grad, torch.tensor([[-0.5, 0.5]]), atol=1e-6, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("lam", [0.0, 0.5, 3.0, 20.0])
@pytest.mark.parametrize("steps", [1, 2, 700])
def test_gradient_is_bounded_and_finite_at_margin_ten_thousand(dtype, lam, steps):
    loss = ELRLoss(3, 3, lam=lam)
    logits = torch.tensor([[1e4, 0, -1e4], [-1e4, 1e4, 1e4], [0, 0, 0]], dtype=dtype, requires_grad=True)
    for _ in range(steps):
        logits.grad = None
        value = loss(logits, torch.tensor([1, 1, 1]), torch.arange(3))
        value.backward()
    assert torch.isfinite(value)
    assert logits.grad.dtype == dtype
    assert torch.isfinite(logits.grad).all()
    rows = 3 * logits.grad.double()
    assert (rows.abs().sum(1) <= 2 * max(1, lam) * (1 + 2 * torch.finfo(dtype).eps)).all()
    assert rows.sum(1).abs().max() <= 4 * (1 + lam) * torch.finfo(dtype).eps


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 10**6), st.integers(2, 9), st.floats(0.0, 300.0), st.booleans())
def test_regularizer_gradient_is_a_difference_of_distributions(seed, classes, scale, one_hot):
    draw = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(4, classes, generator=draw, dtype=torch.float64)
    target = torch.softmax(scale * torch.randn(4, classes, generator=draw, dtype=torch.float64), dim=1)
    if one_hot:
        target = F.one_hot(target.argmax(1), classes).double()
    gradient = elr_regularizer_gradient(logits, target)
    assert gradient.sum(1).abs().max() < 1e-13
    assert gradient.abs().sum(1).max() <= 2.0
    lowest, highest = target.argmin(1, keepdim=True), target.argmax(1, keepdim=True)
    assert (gradient.gather(1, highest) <= 1e-15).all()
    assert (gradient.gather(1, lowest) >= -1e-15).all()
    value = elr_regularizer(logits, target, reduction="none")
    assert torch.isfinite(value).all()
    assert (value <= 1e-12).all()


def test_regularizer_is_log_one_minus_overlap_and_reduces():
    logits, _, _ = batch()
    target = torch.softmax(torch.randn(6, 5, dtype=torch.float64), dim=1)
    rows = torch.log1p(-(torch.softmax(logits, 1) * target).sum(1))
    torch.testing.assert_close(elr_regularizer(logits, target, "none"), rows)
    torch.testing.assert_close(elr_regularizer(logits, target), rows.mean())
    torch.testing.assert_close(elr_regularizer(logits, target, "sum"), rows.sum())
    (gradient,) = torch.autograd.grad(elr_regularizer(logits, target, "sum"), logits)
    torch.testing.assert_close(gradient, elr_regularizer_gradient(logits, target))


def test_regularizer_gradients_of_both_orders():
    logits, _, _ = batch(size=3, classes=4)
    target = torch.softmax(torch.randn(3, 4, dtype=torch.float64), dim=1)
    target[0] = torch.tensor([1.0, 0, 0, 0])
    assert torch.autograd.gradcheck(lambda z: elr_regularizer(z, target), logits)
    assert torch.autograd.gradgradcheck(lambda z: elr_regularizer(z, target), logits)


@pytest.mark.parametrize("clamp", [None, 1e-4, 0.2])
def test_gradient_is_that_of_finite_differences_with_the_targets_held(clamp):
    logits, labels, index = batch(scale=1.0)
    loss = ELRLoss(20, 5, lam=2.0, beta=0.6, clamp=clamp).double()
    loss(logits.detach(), labels, index)
    loss.eval()
    assert torch.autograd.gradcheck(lambda z: loss(z, labels, index), logits)


def test_training_gradient_holds_the_new_target_constant():
    logits, labels, index = batch()
    loss = ELRLoss(20, 5).double()
    loss(logits, labels, index).backward()
    target = loss.target[index]
    z = logits.detach().requires_grad_()
    (F.cross_entropy(z, labels) + 3.0 * elr_regularizer(z, target)).backward()
    torch.testing.assert_close(logits.grad, z.grad, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("classes", [2, 10, 100])
def test_with_the_clamp_the_numbers_are_the_published_ones_bit_for_bit(classes):
    ours, published = ELRLoss(300, classes, lam=3.0, beta=0.7, clamp=1e-4), Published(300, classes, 3.0, 0.7)
    for step in range(40):
        logits, labels, index = batch(step, 64, classes, 1 + step / 4, 300, torch.float32)
        theirs = logits.detach().clone().requires_grad_()
        mine, reference = ours(logits, labels, index), published(theirs, labels, index)
        (upstream,) = torch.autograd.grad(reference, theirs)
        mine.backward()
        assert mine.item() == reference.item()
        assert torch.equal(ours.target, published.table)
        # the largest term of the gradient is λ/(B·(1 − ⟨p, t⟩)), whose denominator loses digits to cancellation in both
        torch.testing.assert_close(logits.grad, upstream, rtol=0, atol=3e-7)


@pytest.mark.parametrize("classes", [2, 3, 10, 100, 1000])
def test_clamped_loss_falls_to_its_floor_and_no_further(classes):
    loss = ELRLoss(1, classes, lam=1.0, beta=0.0, clamp=1e-4).double()
    logits = torch.zeros(1, classes, dtype=torch.float64)
    logits[0, 0] = 100.0
    value = loss(logits, torch.tensor([0]), torch.tensor([0])).item()
    assert value == pytest.approx(clamped_regularizer_floor(classes), abs=1e-10)


def test_zero_lambda_is_cross_entropy():
    logits, labels, index = batch()
    z = logits.detach().clone().requires_grad_()
    value, plain = ELRLoss(20, 5, lam=0.0).double()(logits, labels, index), F.cross_entropy(z, labels)
    value.backward()
    plain.backward()
    torch.testing.assert_close(value, plain)
    torch.testing.assert_close(logits.grad, z.grad)


def test_targets_move_by_temporal_ensembling_and_only_in_training():
    logits, labels, index = batch()
    loss = ELRLoss(20, 5, beta=0.6).double()
    p = torch.softmax(logits, 1).detach()
    for k in range(1, 4):
        loss(logits, labels, index)
        torch.testing.assert_close(loss.target[index], (1 - 0.6**k) * p)
        torch.testing.assert_close(loss.deficit[index], torch.full((6,), 0.6**k, dtype=torch.float64))
    others = torch.ones(20, dtype=torch.bool).index_fill(0, index, False)
    assert (loss.target[others] == 0).all()
    before = copy.deepcopy(loss.state_dict())
    loss.eval()
    loss(logits, labels, index)
    assert all(torch.equal(before[name], value) for name, value in loss.state_dict().items())


def test_targets_survive_a_checkpoint():
    logits, labels, index = batch()
    loss, restored = ELRLoss(20, 5).double(), ELRLoss(20, 5).double()
    loss(logits, labels, index)
    file = io.BytesIO()
    torch.save(loss.state_dict(), file)
    file.seek(0)
    restored.load_state_dict(torch.load(file))
    assert loss(logits, labels, index).item() == restored(logits, labels, index).item()


def test_loss_is_equivariant_under_permutations_and_shifts():
    logits, labels, index = batch()
    value = ELRLoss(20, 5).double()(logits, labels, index)
    rows, columns = torch.randperm(6), torch.randperm(5)
    moved = (logits + torch.randn(6, 1, dtype=torch.float64))[rows][:, columns]
    back = torch.empty_like(columns).index_copy_(0, columns, torch.arange(5))
    again = ELRLoss(20, 5).double()(moved, back[labels[rows]], index[rows])
    torch.testing.assert_close(again, value)


def test_half_precision_is_computed_in_float32():
    logits, labels, index = batch(dtype=torch.float16)
    full = logits.detach().float().requires_grad_()
    half_loss, full_loss = ELRLoss(20, 5)(logits, labels, index), ELRLoss(20, 5)(full, labels, index)
    half_loss.backward()
    full_loss.backward()
    assert half_loss.dtype == torch.float32
    assert half_loss.item() == full_loss.item()
    torch.testing.assert_close(logits.grad, full.grad.half())


def test_backward_twice_scales_and_a_second_derivative_is_refused():
    logits, labels, index = batch()
    value = ELRLoss(20, 5).double()(logits, labels, index)
    (once,) = torch.autograd.grad(value, logits, retain_graph=True)
    (twice,) = torch.autograd.grad(2 * value, logits, retain_graph=True)
    torch.testing.assert_close(twice, 2 * once)
    with pytest.raises(RuntimeError, match="not differentiable, add lam"):
        torch.autograd.grad(value, logits, create_graph=True)
    ones = torch.ones(2, dtype=torch.float64)
    (batched,) = torch.autograd.grad(value, logits, ones, retain_graph=True, is_grads_batched=True)
    torch.testing.assert_close(batched, torch.stack([once, once]))


def test_a_gradient_changed_in_place_does_not_reach_a_retained_graph():
    logits, labels, index = batch()
    value = ELRLoss(20, 5).double()(logits, labels, index)
    value.backward(retain_graph=True)
    expected = logits.grad.clone()
    logits.grad.zero_()
    (again,) = torch.autograd.grad(value, logits, retain_graph=True)
    assert torch.equal(again, expected)
    again.zero_()
    assert torch.equal(*torch.autograd.grad(value, logits), expected)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-14), (torch.float32, 4e-6)])
@pytest.mark.parametrize("confidence", [0.5 - 1e-6, 0.5, 0.5 + 1e-6, 1 - 1e-6])
def test_targets_on_either_side_of_one_half_agree_with_60_digits(confidence, dtype, tolerance):
    """Beyond a half the largest 1 − t_c is summed from the others; below it is a difference."""
    loss = ELRLoss(20, 3, lam=3.0, beta=0.0).to(dtype)
    p = torch.tensor([[confidence, 0.7 * (1 - confidence), 0.3 * (1 - confidence)]] * 2, dtype=torch.float64)
    logits, labels, index = p.log().to(dtype).requires_grad_(), torch.tensor([0, 2]), torch.tensor([4, 9])
    value = loss(logits, labels, index)
    value.backward()
    expected, gradient = exact(logits.detach(), labels, index, {}, 3.0, 0.0, {})
    assert value.item() == pytest.approx(expected, rel=tolerance, abs=tolerance)
    torch.testing.assert_close(logits.grad.double(), gradient, rtol=0, atol=tolerance)


def test_no_gradient_is_needed():
    logits, labels, index = batch()
    assert not ELRLoss(20, 5)(logits.detach(), labels, index).requires_grad


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": torch.tensor([0, 5])}, "labels contains 5; expected classes in [0, 5)"),
        ({"labels": torch.tensor([-1, 0])}, "labels contains -1"),
        ({"labels": torch.tensor([0.0, 1.0])}, "labels has dtype torch.float32"),
        ({"labels": torch.tensor([0])}, "labels has shape (1,); expected (2,)"),
        ({"index": torch.tensor([7, 7])}, "index contains 7 more than once"),
        ({"index": torch.tensor([0, 20])}, "index contains 20; expected positions in the data set, in [0, 20)"),
        ({"index": torch.tensor([-1, 0])}, "index contains -1"),
        ({"index": torch.tensor([True, False])}, "index has dtype torch.bool"),
        ({"index": torch.tensor([[0, 1]])}, "index has shape (1, 2)"),
        ({"logits": torch.full((2, 5), torch.nan)}, "logits contains nan; expected finite"),
        ({"logits": torch.tensor([[0.0, -torch.inf, 0, 0, 0]] * 2)}, "logits contains -inf"),
        ({"logits": torch.zeros(2, 4)}, "logits has 4 columns; expected num_classes = 5"),
        ({"logits": torch.zeros(2, 5, dtype=torch.long)}, "logits has dtype torch.int64"),
        ({"logits": torch.zeros(5)}, "logits has shape (5,); expected (B, C)"),
        ({"logits": torch.zeros(0, 5)}, "logits has shape (0, 5)"),
        ({"logits": torch.zeros(2, 5, device="meta")}, "logits is on meta and the targets on cpu"),
    ],
)
def test_bad_batches_are_refused_and_change_nothing(change, message):
    loss = ELRLoss(20, 5)
    good = {"logits": torch.zeros(2, 5), "labels": torch.tensor([0, 1]), "index": torch.tensor([0, 1])}
    with pytest.raises(ValueError, match="expected") as error:
        loss(**(good | change))
    assert message in str(error.value)
    assert (loss.target == 0).all()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"lam": -1.0}, "lam is -1.0"),
        ({"lam": float("nan")}, "lam is nan"),
        ({"beta": 1.0}, "beta is 1.0; expected a number in [0, 1)"),
        ({"beta": -0.1}, "beta is -0.1"),
        ({"clamp": 0.0}, "clamp is 0.0"),
        ({"clamp": 0.5}, "clamp is 0.5"),
        ({"num_samples": 0}, "num_samples is 0"),
        ({"num_classes": 1}, "num_classes is 1"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match="expected") as error:
        ELRLoss(**({"num_samples": 3, "num_classes": 2} | parameters))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (torch.full((2, 3), 1.5), "target contains 1.5"),
        (torch.full((2, 3), torch.nan), "target contains nan"),
        (torch.ones(2, 3), "target has a row of ones"),
        (torch.zeros(2, 4), "target has shape (2, 4)"),
        (torch.zeros(2, 3, dtype=torch.long), "target has dtype torch.int64"),
        (torch.zeros(2, 3, device="meta"), "target is on meta"),
    ],
)
def test_bad_targets_are_refused(target, message):
    with pytest.raises(ValueError, match="expected") as error:
        elr_regularizer(torch.zeros(2, 3), target)
    assert message in str(error.value)


def test_unknown_reductions_and_floors_are_refused():
    with pytest.raises(ValueError, match="reduction is 'median'"):
        elr_regularizer(torch.zeros(2, 3), torch.zeros(2, 3), "median")
    with pytest.raises(ValueError, match="num_classes is 1"):
        clamped_regularizer_floor(1)
    with pytest.raises(ValueError, match=r"clamp is 0\.7"):
        clamped_regularizer_floor(3, 0.7)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_loss_on_a_gpu_is_that_on_the_cpu():
    logits, labels, index = batch()
    on_gpu = logits.detach().cuda().requires_grad_()
    here, there = ELRLoss(20, 5).double(), ELRLoss(20, 5).double().cuda()
    value, again = here(logits, labels, index), there(on_gpu, labels.cuda(), index.cuda())
    value.backward()
    again.backward()
    torch.testing.assert_close(again.cpu(), value)
    torch.testing.assert_close(on_gpu.grad.cpu(), logits.grad)
    with pytest.raises(ValueError, match="labels is on cpu"):
        there(on_gpu, labels, index.cuda())
