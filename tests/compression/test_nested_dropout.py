"""The law of the number of kept channels, the masks, the module, bad input."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from theory.compression import NestedDropout, keep_first, nested_dropout_pmf


@pytest.mark.parametrize("channels", [1, 2, 7, 512])
@pytest.mark.parametrize("s", [1e-3, 0.5, 10.0, 1e8])
@pytest.mark.parametrize("convention", ["paper", "code"])
def test_law_is_the_normalised_weights(channels, s, convention):
    pmf = nested_dropout_pmf(channels, s, convention)
    k = range(1, channels + 1)
    weights = [math.exp(-((j * j - 1) / (2 * s * s if convention == "paper" else s * s))) for j in k]
    expected = torch.tensor(weights, dtype=torch.float64) / math.fsum(weights)
    torch.testing.assert_close(pmf, expected, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("s", [0.7, 5.0, 50.0])
def test_the_code_is_the_paper_with_a_width_smaller_by_root_two(s):
    torch.testing.assert_close(nested_dropout_pmf(64, s, "code"), nested_dropout_pmf(64, s / math.sqrt(2), "paper"))


@pytest.mark.parametrize("per_sample", [True, False])
def test_drawn_numbers_follow_the_law(per_sample):
    torch.manual_seed(0)
    layer = NestedDropout(6, 2.0, per_sample=per_sample)
    if per_sample:
        kept = layer(torch.ones(4000, 6)).sum(1).int().numpy()
    else:
        kept = np.array([int(layer(torch.ones(2, 6)).sum(1)[0]) for _ in range(4000)])
    counts = np.bincount(kept, minlength=7)[1:]
    assert stats.chisquare(counts, 4000 * layer.pmf.numpy()).pvalue > 1e-6


@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 2, 4)])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_the_first_channels_pass_unscaled(shape, dtype):
    features = torch.randn(shape).to(dtype).requires_grad_()
    for k in (0, 2, 5):
        out = keep_first(features, k)
        assert out.dtype == dtype
        assert torch.equal(out[:, :k], features[:, :k])
        assert (out[:, k:] == 0).all()
    out = keep_first(features, torch.tensor([1, 3, 5]))
    for row, k in enumerate((1, 3, 5)):
        assert torch.equal(out[row, :k], features[row, :k])
        assert (out[row, k:] == 0).all()
    out.sum().backward()
    assert features.grad[0].count_nonzero() == features[0, :1].numel()


def test_dropped_channels_may_hold_anything():
    assert torch.equal(keep_first(torch.tensor([[1.0, torch.nan, torch.inf]]), 1), torch.tensor([[1.0, 0.0, 0.0]]))


def test_evaluation_passes_all_and_the_law_is_not_stored():
    layer = NestedDropout(4, 1.0).eval()
    features = torch.randn(2, 4)
    assert torch.equal(layer(features), features)
    assert layer.state_dict() == {}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nested_dropout_pmf(0, 1.0), "num_channels is 0"),
        (lambda: nested_dropout_pmf(3, 0.0), r"s is 0\.0"),
        (lambda: nested_dropout_pmf(3, math.inf), "s is inf"),
        (lambda: NestedDropout(3, 1.0, "theirs"), "convention is 'theirs'"),
        (lambda: NestedDropout(3, 1.0)(torch.zeros(2, 4)), r"features has shape \(2, 4\); expected \(B, 3, ...\)"),
        (lambda: keep_first(torch.zeros(3), 1), r"features has shape \(3,\)"),
        (lambda: keep_first(torch.zeros(2, 3), 4), r"k is in \[4, 4\]; expected numbers in \[0, 3\]"),
        (lambda: keep_first(torch.zeros(2, 3), torch.tensor([1, 2, 3])), r"expected an integer, or integers of shape"),
        (lambda: keep_first(torch.zeros(2, 3), 1.5), "k has dtype"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
