"""Brownian paths: law, additivity, independence of the order of questions, resolution, bad input."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sciml.neural_de.brownian import DEPTH, BrownianPath, bisect

FRACTIONS = st.lists(st.floats(0, 1), min_size=2, max_size=6, unique_by=lambda x: round(x * 2**30))


def joined(first, second, h):
    """ΔW and I_(1,0) over two adjacent intervals, the second of length h."""
    return first[0] + second[0], first[1] + second[1] + h * first[0]


@given(seed=st.integers(0, 2**64 - 1), fractions=FRACTIONS, t0=st.floats(-5, 5), span=st.floats(0.1, 20))
@settings(max_examples=60, deadline=None)
def test_increments_of_adjacent_intervals_add_up(seed, fractions, t0, span):
    path = BrownianPath((2, 3), t0, t0 + span, seed=seed)
    times = sorted({min(t0 + x * span, t0 + span) for x in fractions})
    if any(t - s < 4 * path.resolution for s, t in itertools.pairwise(times)):
        return
    total = None
    for s, t in itertools.pairwise(times):
        piece = path.increment(s, t)
        total = piece if total is None else joined(total, piece, t - s)
    whole = path.increment(times[0], times[-1])
    for ours, expected in zip(total, whole, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-8, atol=1e-9 * span**1.5 + 1e-10)


@given(seed=st.integers(0, 2**63), order=st.permutations(list(range(8))))
@settings(max_examples=40, deadline=None)
def test_order_of_questions_does_not_matter_to_the_bit(seed, order):
    intervals = [(0.0, 0.1), (0.1, 1.0), (0.37, 0.9), (0.0, 1.0), (0.5, 0.75), (0.123, 0.1231), (0.2, 0.3), (0.9, 1.0)]
    path, other = BrownianPath((3,), 0.0, 1.0, seed=seed), BrownianPath((3,), 0.0, 1.0, seed=seed)
    expected = [path.increment(*interval) for interval in intervals]
    for k in order:
        for x, y in zip(other.increment(*intervals[k]), expected[k], strict=True):
            assert torch.equal(x, y)


def test_law_of_increments():
    size, t0, t1 = 40_000, 0.5, 2.0
    path = BrownianPath((size,), t0, t1, seed=1)
    pieces = [(t0, 0.8), (0.8, 1.1), (1.1, t1)]
    columns, expected = [], np.zeros((6, 6))
    for k, (s, t) in enumerate(pieces):
        h = t - s
        dw, integral = path.increment(s, t)
        columns += [dw.numpy() / math.sqrt(h), integral.numpy() / h**1.5]
        expected[2 * k : 2 * k + 2, 2 * k : 2 * k + 2] = [[1, 1 / 2], [1 / 2, 1 / 3]]
    sample = np.stack(columns)
    assert np.abs(sample.mean(axis=1)).max() < 5 / math.sqrt(size)
    assert np.abs(sample @ sample.T / size - expected).max() < 5 * math.sqrt(2 / size)
    assert abs((sample[2] ** 4).mean() - 3) < 5 * math.sqrt(96 / size)


def test_bisection_keeps_the_sums():
    dw, area, middle, twist = np.random.default_rng(0).normal(size=(4, 5))
    (dw_1, area_1), (dw_2, area_2) = bisect(dw, area, middle, twist)
    h = 0.7
    whole = h * (dw / 2 + area)
    parts = [h / 2 * (x / 2 + y) for x, y in ((dw_1, area_1), (dw_2, area_2))]
    np.testing.assert_allclose(dw_1 + dw_2, dw)
    np.testing.assert_allclose(sum(parts) + h / 2 * dw_1, whole)


def test_dtype_and_seeds():
    double = BrownianPath((4,), 0.0, 1.0, seed=9).increment(0.1, 0.4)
    single = BrownianPath((4,), 0.0, 1.0, seed=9, dtype=torch.float32).increment(0.1, 0.4)
    other = BrownianPath((4,), 0.0, 1.0, seed=10).increment(0.1, 0.4)
    assert single.dw.dtype == single.integral.dtype == torch.float32
    assert torch.equal(single.dw, double.dw.float())
    assert not torch.equal(other.dw, double.dw)


def test_a_path_without_axes():
    assert BrownianPath((), 0.0, 1.0, seed=0).increment(0.0, 0.3).dw.shape == ()


@given(t=st.floats(0, 0.999), h=st.floats(1e-11, 2))
@settings(max_examples=200, deadline=None)
def test_time_after_is_a_little_less_than_asked(t, h):
    path = BrownianPath((1,), 0.0, 1.0, seed=0)
    later = path.time_after(t, h)
    assert later == 1.0 or t + h * 15 / 16 - 3 * path.resolution <= later <= t + h + path.resolution
    if later < 1.0:
        assert later / path.resolution % 2 ** max(0, math.floor(math.log2(h / path.resolution)) - 4) == 0


def test_resolution_is_reached():
    path = BrownianPath((1000,), 0.0, 1.0, seed=0)
    dw, integral = path.increment(0.3, 0.3 + 2 * 2.0**-DEPTH)
    assert dw.std() * 2.0 ** (DEPTH / 2) == pytest.approx(math.sqrt(2), rel=0.4)
    assert integral.abs().max() < dw.abs().max()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"t1": 0.0}, "t0 and t1 are 0.0 and 0.0"),
        ({"t1": math.inf}, "t0 and t1"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**64}, "seed is"),
        ({"seed": 1.0}, "seed is 1.0"),
        ({"dtype": torch.int32}, "dtype is torch.int32"),
    ],
)
def test_bad_paths(change, words):
    arguments = {"shape": (1,), "t0": 0.0, "t1": 1.0, "seed": 0} | change
    with pytest.raises(ValueError, match=words):
        BrownianPath(**arguments)


@pytest.mark.parametrize(("s", "t"), [(0.5, 0.5), (0.6, 0.5), (-0.1, 0.5), (0.5, 1.1), (0.5, math.nan)])
def test_bad_intervals(s, t):
    with pytest.raises(ValueError, match="expected"):
        BrownianPath((1,), 0.0, 1.0, seed=0).increment(s, t)


def test_no_time_is_left_after_the_end_or_within_the_resolution():
    path = BrownianPath((1,), 0.0, 1.0, seed=0)
    for t, h in ((1.0, 0.1), (0.5, 1e-14)):
        with pytest.raises(ValueError, match="t and h are"):
            path.time_after(t, h)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_seed_names_the_same_path_on_a_gpu():
    cpu = BrownianPath((5,), 0.0, 1.0, seed=2).increment(0.2, 0.7)
    gpu = BrownianPath((5,), 0.0, 1.0, seed=2, device="cuda").increment(0.2, 0.7)
    assert gpu.dw.device.type == "cuda"
    assert torch.equal(gpu.dw.cpu(), cpu.dw)
