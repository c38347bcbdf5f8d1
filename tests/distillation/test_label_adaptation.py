"""The partition by confidence, the loss on kept crops, mixing within an image, recovery of stored labels."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from theory.distillation import Region, adapt_labels, adapted_cross_entropy, recover_soft_labels, self_mix

SOFT = torch.tensor([[0.2, 0.3, 0.5], [0.4, 0.3, 0.3], [0.05, 0.05, 0.9], [0.34, 0.33, 0.33]], dtype=torch.float64)
LABELS = torch.tensor([2, 1, 0, 0])


def soft_labels(seed, size=8, classes=5):
    draw = torch.Generator().manual_seed(seed)
    return torch.softmax(3 * torch.randn(size, classes, generator=draw, dtype=torch.float64), 1)


@pytest.mark.parametrize("confidence", ["max", "truth"])
@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**32), st.lists(st.floats(0, 1), min_size=3, max_size=3).map(sorted), st.floats(0, 0.9))
def test_every_crop_falls_in_one_region(confidence, seed, thresholds, epsilon):
    soft = soft_labels(seed)
    labels = torch.arange(8) % 5
    low, middle, top = thresholds
    adapted = adapt_labels(soft, labels, (low, middle, top), epsilon, confidence=confidence)
    for row in range(8):
        s = soft[row].max() if confidence == "max" else soft[row, labels[row]]
        if s < low or s > top:
            region, target = Region.DISCARDED, torch.zeros(5).double()
        elif low < s < middle:
            region, target = Region.HARD, torch.full((5,), epsilon / 4).double()
            target[labels[row]] = 1 - epsilon
        else:
            region, target = Region.IMPORTANT, soft[row]
        assert adapted.region[row] == region
        assert adapted.kept[row] == (region != Region.DISCARDED)
        torch.testing.assert_close(adapted.targets[row], target)


def test_a_crop_on_a_threshold_keeps_its_soft_label():
    adapted = adapt_labels(SOFT, LABELS, (0.4, 0.5, 0.9), 0.1, confidence="max")
    assert adapted.region.tolist() == [Region.IMPORTANT, Region.IMPORTANT, Region.IMPORTANT, Region.DISCARDED]


def test_limits_are_plain_soft_labels_and_label_smoothing():
    assert torch.equal(adapt_labels(SOFT, LABELS, (0, 0, 1), 0.1, confidence="max").targets, SOFT)
    smoothed = adapt_labels(SOFT, LABELS, (0, 1, 1), 0.1, confidence="max").targets
    torch.testing.assert_close(smoothed, F.one_hot(LABELS, 3).double() * 0.85 + 0.05)


def test_loss_and_gradient_use_kept_crops_only():
    logits = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    adapted = adapt_labels(SOFT, LABELS, (0.35, 0.45, 0.8), 0.1, confidence="max")
    assert adapted.kept.tolist() == [True, True, False, False]
    value = adapted_cross_entropy(logits, adapted)
    value.backward()
    torch.testing.assert_close(value, F.cross_entropy(logits[:2], adapted.targets[:2]))
    torch.testing.assert_close(logits.grad[:2], (torch.softmax(logits, 1) - adapted.targets)[:2].detach() / 2)
    assert (logits.grad[2:] == 0).all()
    assert torch.autograd.gradcheck(lambda z: adapted_cross_entropy(z, adapted), logits)


def test_without_a_kept_crop_loss_and_gradient_are_zero():
    logits = torch.randn(4, 3, requires_grad=True)
    value = adapted_cross_entropy(logits, adapt_labels(SOFT, LABELS, (1, 1, 1), 0.1, confidence="max"))
    value.backward()
    assert value == 0
    assert (logits.grad == 0).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_dtypes(dtype):
    adapted = adapt_labels(SOFT.to(dtype), LABELS, (0, 0.45, 1), 0.1, confidence="truth")
    assert adapted.targets.dtype == dtype
    assert adapted_cross_entropy(torch.zeros(4, 3, dtype=dtype), adapted).dtype == torch.float32


def test_self_mix_mixes_crops_and_labels_alike():
    crops, targets = torch.randn(2, 3, 1, 4, 4), torch.rand(2, 3, 5)
    mixed, labels = self_mix(crops, targets, 0.3)
    for image in range(2):
        for crop in range(3):
            other = (crop + 1) % 3
            torch.testing.assert_close(mixed[image, crop], 0.3 * crops[image, crop] + 0.7 * crops[image, other])
            torch.testing.assert_close(labels[image, crop], 0.3 * targets[image, crop] + 0.7 * targets[image, other])
    assert torch.equal(self_mix(crops, targets, 1.0)[0], crops)


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 2**32), st.integers(1, 6), st.sampled_from(["smoothing", "renormalize"]), st.booleans())
def test_recovered_labels_are_distributions_that_keep_the_largest_entries(seed, k, mode, quantised):
    soft = soft_labels(seed, 6, 7)
    values, indices = soft.topk(k, dim=1)
    stored = values.half() if quantised else values
    recovered = recover_soft_labels(indices, stored, 7, mode)
    assert recovered.dtype == (torch.float32 if quantised else torch.float64)
    assert (recovered >= 0).all()
    torch.testing.assert_close(recovered.sum(1), torch.ones_like(recovered[:, 0]))
    expected = values if mode == "smoothing" else values / values.sum(1, keepdim=True)
    slack = 2e-3 if quantised else 1e-12
    torch.testing.assert_close(recovered.gather(1, indices).double(), expected, rtol=slack, atol=1e-6)


def test_rest_below_zero_is_not_spread():
    indices, values = torch.tensor([[0, 1]]), torch.tensor([[0.6, 0.4004]])
    assert torch.equal(recover_soft_labels(indices, values, 5)[0, 2:], torch.zeros(3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: adapt_labels(2 * SOFT, LABELS, (0, 0, 1), 0.1, confidence="max"), "soft has a row that is no"),
        (lambda: adapt_labels(SOFT, LABELS + 1, (0, 0, 1), 0.1, confidence="max"), "labels contains 3"),
        (lambda: adapt_labels(SOFT, LABELS, (0.5, 0.4, 1), 0.1, confidence="max"), "thresholds is"),
        (lambda: adapt_labels(SOFT, LABELS, (0, 0, 1), 1.0, confidence="max"), r"epsilon is 1\.0"),
        (lambda: adapt_labels(SOFT, LABELS, (0, 0, 1), 0.1, confidence="mean"), "confidence is 'mean'"),
        (
            lambda: adapted_cross_entropy(
                torch.zeros(4, 2), adapt_labels(SOFT, LABELS, (0, 0, 1), 0.1, confidence="max")
            ),
            r"logits has shape \(4, 2\)",
        ),
        (lambda: self_mix(torch.zeros(2, 1, 4), torch.zeros(2, 1, 5), 0.5), "expected .* with M >= 2"),
        (lambda: self_mix(torch.zeros(2, 2, 4), torch.zeros(2, 2, 5), 1.5), r"lam is 1\.5"),
        (lambda: recover_soft_labels(torch.tensor([[0, 0]]), torch.rand(1, 2) / 2, 5), "a class twice"),
        (lambda: recover_soft_labels(torch.tensor([[0, 5]]), torch.rand(1, 2) / 2, 5), "contains 5"),
        (lambda: recover_soft_labels(torch.tensor([[0, 1]]), torch.ones(1, 2), 5), r"a row of sum 2\.0"),
        (lambda: recover_soft_labels(torch.tensor([[0, 1]]), torch.rand(1, 2), 2), "1 <= k < 2"),
        (lambda: recover_soft_labels(torch.tensor([[0]]), torch.zeros(1, 1), 2, "renormalize"), "a row of zeros"),
        (lambda: recover_soft_labels(torch.tensor([[0]]), torch.ones(1, 1), 2, "other"), "mode is 'other'"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
