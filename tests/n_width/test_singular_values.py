"""Singular values of snapshots against their definition by the covariance, and what is derived from them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from theory.n_width import average_widths, energy_rank, snapshot_singular_values

VALUES = arrays(float, st.integers(1, 9), elements=st.just(0.0) | st.floats(1e-100, 1e3))


def random_snapshots(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6), st.integers(1, 7), st.integers(1, 7), st.floats(1e-3, 1e3))
def test_squares_are_the_eigenvalues_of_the_weighted_covariance(seed, n_x, n_t, dx):
    rng = np.random.default_rng(seed)
    snapshots, weights = rng.normal(size=(n_x, n_t)), rng.uniform(0.1, 2, n_t)
    covariance = (snapshots * (weights / weights.sum())) @ snapshots.T * dx
    expected = np.sort(np.linalg.eigvalsh(covariance))[::-1][: min(n_x, n_t)]
    found = snapshot_singular_values(snapshots, dx, weights)
    np.testing.assert_allclose(found**2, expected, rtol=0, atol=1e-13 * expected[0])
    assert (np.diff(found) <= 0).all()


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.floats(1e-3, 1e3))
def test_unit_of_the_weights_and_order_of_the_times_are_immaterial(seed, unit):
    rng = np.random.default_rng(seed)
    snapshots, weights, order = rng.normal(size=(6, 5)), rng.uniform(0, 1, 5), rng.permutation(5)
    found = snapshot_singular_values(snapshots, 0.3, weights)
    np.testing.assert_allclose(snapshot_singular_values(snapshots, 0.3, unit * weights), found, rtol=1e-12, atol=1e-13)
    permuted = snapshot_singular_values(snapshots[::-1, order], 0.3, weights[order])
    np.testing.assert_allclose(permuted, found, rtol=1e-12, atol=1e-13)


def test_a_repeated_time_counts_as_its_weight_says():
    snapshots = random_snapshots(0, 6, 3)
    doubled = snapshot_singular_values(np.repeat(snapshots, 2, axis=1), 1.0, np.ones(6))
    np.testing.assert_allclose(doubled[:3], snapshot_singular_values(snapshots, 1.0, np.ones(3)), rtol=1e-13)


def test_a_constant_has_the_norm_of_the_interval():
    assert snapshot_singular_values(np.full((10, 4), 3.0), 0.2, np.ones(4))[0] == pytest.approx(3 * 2**0.5, rel=1e-14)


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1e160, 1e300])
def test_values_near_the_ends_of_the_range(size):
    snapshots = random_snapshots(1, 5, 4)
    unit = snapshot_singular_values(snapshots, 0.1, np.ones(4))
    np.testing.assert_allclose(snapshot_singular_values(size * snapshots, 0.1, np.ones(4)), size * unit, rtol=1e-12)
    np.testing.assert_allclose(average_widths(size * unit), size * average_widths(unit), rtol=1e-12)
    assert energy_rank(size * unit, 1e-3) == energy_rank(unit, 1e-3)


def test_extreme_weights_do_not_overflow():
    found = snapshot_singular_values(np.ones((4, 3)), 0.25, np.array([1.7e308, 1.7e308, 0.0]))
    np.testing.assert_allclose(found, [1, 0, 0], atol=1e-15)


def test_zero_snapshots():
    values = snapshot_singular_values(np.zeros((4, 3)), 1.0, np.ones(3))
    assert (values == 0).all()
    assert energy_rank(values, 1e-6) == 0
    assert (average_widths(values) == 0).all()


def test_batches():
    snapshots = random_snapshots(2, 3, 2, 6, 5)
    found = snapshot_singular_values(snapshots, 0.5, np.ones(5))
    assert found.shape == (3, 2, 5)
    assert average_widths(found).shape == (3, 2, 6)
    assert energy_rank(found, 0.1).shape == (3, 2)
    for index in np.ndindex(3, 2):
        alone = snapshot_singular_values(snapshots[index], 0.5, np.ones(5))
        np.testing.assert_allclose(found[index], alone, rtol=1e-13)
        np.testing.assert_allclose(average_widths(found)[index], average_widths(alone), rtol=1e-13)
        assert energy_rank(found, 0.1)[index] == energy_rank(alone, 0.1)


@settings(deadline=None, max_examples=100)
@given(VALUES)
def test_average_widths_are_the_tails(values):
    found = average_widths(values)
    descending = np.sort(values)[::-1]
    expected = [np.linalg.norm(descending[n:]) for n in range(len(values) + 1)]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * max(values.max(), 1e-300))


@settings(deadline=None, max_examples=100)
@given(VALUES, st.floats(1e-12, 1))
def test_energy_rank_is_the_first_tail_within_the_share(values, eps):
    rank = energy_rank(values, eps)
    tails = np.array([(np.sort(values)[::-1][n:] ** 2).sum() for n in range(len(values) + 1)])
    assert tails[rank] <= eps * tails[0] * (1 + 1e-9)
    assert rank == 0 or tails[rank - 1] >= eps * tails[0] * (1 - 1e-9)


def test_a_tail_of_1e_20_of_the_energy_is_not_lost_to_rounding():
    values = np.array([1.0, 1e-10, 1e-14])
    np.testing.assert_allclose(average_widths(values)[1:3], [1e-10, 1e-14], rtol=1e-7)
    assert [energy_rank(values, eps) for eps in (1e-19, 1e-21, 1e-29)] == [1, 2, 3]
    assert energy_rank(values, 1.0) == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kind_and_dtype_are_kept(dtype):
    snapshots, weights = random_snapshots(3, 5, 4).astype(dtype), np.ones(4, dtype)
    values = snapshot_singular_values(snapshots, 0.1, weights)
    assert values.dtype == average_widths(values).dtype == dtype
    tensor = snapshot_singular_values(torch.from_numpy(snapshots), 0.1, torch.from_numpy(weights))
    assert isinstance(tensor, torch.Tensor)
    assert tensor.dtype == torch.from_numpy(values).dtype
    assert isinstance(average_widths(tensor), torch.Tensor)
    assert energy_rank(tensor, 0.1).dtype == torch.int64
    np.testing.assert_array_equal(tensor.numpy(), values)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_device_is_kept():
    snapshots = torch.tensor(random_snapshots(3, 5, 4), device="cuda")
    values = snapshot_singular_values(snapshots, 0.1, torch.ones(4, dtype=torch.float64, device="cuda"))
    assert values.device.type == average_widths(values).device.type == energy_rank(values, 0.1).device.type == "cuda"


def test_gradients():
    snapshots = torch.tensor(random_snapshots(4, 5, 3), requires_grad=True)
    weights = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64, requires_grad=True)
    torch.autograd.gradcheck(lambda s, w: snapshot_singular_values(s, 0.2, w), (snapshots, weights))
    torch.autograd.gradcheck(average_widths, torch.tensor([2.0, 1.0, 0.5], dtype=torch.float64, requires_grad=True))
    values = torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True)
    average_widths(values).sum().backward()
    assert values.grad is not None
    assert torch.isfinite(values.grad).all()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.ones(3), 1.0, np.ones(3)), ValueError, r"snapshots has shape \(3,\)"),
        ((np.ones((3, 2)), 1.0, np.ones(3)), ValueError, r"dt_weights has shape \(3,\); expected \(2,\)"),
        ((np.ones((3, 2)), 0.0, np.ones(2)), ValueError, "dx is 0.0"),
        ((np.ones((3, 2)), 1.0, np.array([1.0, -1.0])), ValueError, "dt_weights contains -1.0"),
        ((np.ones((3, 2)), 1.0, np.zeros(2)), ValueError, "dt_weights are all 0"),
        ((np.array([[1.0, np.nan]]), 1.0, np.ones(2)), ValueError, "snapshots contains nan"),
        ((np.ones((3, 2), int), 1.0, np.ones(2)), TypeError, "snapshots has dtype int64"),
        ((np.ones((3, 0)), 1.0, np.ones(0)), ValueError, "snapshots is empty"),
    ],
)
def test_bad_snapshots(arguments, error, message):
    with pytest.raises(error, match=message):
        snapshot_singular_values(*arguments)


@pytest.mark.parametrize("eps", [0.0, -1.0, 1.5, np.nan])
def test_bad_share(eps):
    with pytest.raises(ValueError, match="eps is"):
        energy_rank(np.ones(3), eps)


@pytest.mark.parametrize("function", [average_widths, lambda values: energy_rank(values, 0.1)])
def test_bad_singular_values(function):
    with pytest.raises(ValueError, match=r"singular_values contains -1\.0"):
        function(np.array([1.0, -1.0]))
    with pytest.raises(ValueError, match=r"singular_values is the number 1\.0"):
        function(1.0)
