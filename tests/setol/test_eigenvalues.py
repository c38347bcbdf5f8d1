"""Spectra of matrices and kernels against numpy, mpmath and loops over slices."""

import importlib
import itertools

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from theory.setol.eigenvalues import eigenvalues

METHODS = ("gram", "svd")


def gaussian(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def squared_singular_values(W):
    return np.linalg.svd(W, compute_uv=False)[::-1] ** 2


shapes = st.tuples(st.integers(1, 12), st.integers(1, 12))
seeds = st.integers(0, 10**6)


@pytest.mark.parametrize("method", METHODS)
@given(shape=shapes, seed=seeds)
def test_a_matrix_has_its_squared_singular_values(method, shape, seed):
    W = gaussian(*shape, seed=seed)
    found = eigenvalues(W, method)
    assert found.dtype == np.float64
    assert found.shape == (min(shape),)
    np.testing.assert_allclose(found, squared_singular_values(W), rtol=1e-9, atol=1e-13 * found[-1])


@pytest.mark.parametrize("method", METHODS)
@given(shape=shapes, seed=seeds, power=st.integers(-300, 300))
def test_invariances(method, shape, seed, power):
    W = gaussian(*shape, seed=seed)
    found = eigenvalues(W, method)
    shuffled = np.random.default_rng(seed).permutation(W)[:, np.random.default_rng(seed).permutation(shape[1])]
    tolerance = {"rtol": 1e-9, "atol": 1e-13 * found[-1]}
    np.testing.assert_allclose(eigenvalues(W.T, method), found, **tolerance)
    np.testing.assert_allclose(eigenvalues(shuffled, method), found, **tolerance)
    np.testing.assert_array_equal(eigenvalues(np.ldexp(W, power), method), np.ldexp(found, 2 * power))
    np.testing.assert_allclose(found.sum(), np.linalg.norm(W) ** 2, rtol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_scales(method):
    W = gaussian(30, 20)
    raw = eigenvalues(W, method)
    np.testing.assert_allclose(eigenvalues(W, method, scale="1/N"), np.linalg.eigvalsh(W.T @ W / 30), rtol=1e-9)
    np.testing.assert_allclose(eigenvalues(W, method, scale="mean1"), raw * 20 / raw.sum(), rtol=1e-14)


@pytest.mark.parametrize("size", [1e-300, 1e-200, 1e200, 1e300])
@pytest.mark.parametrize("method", METHODS)
def test_the_mean_one_spectrum_exists_at_every_magnitude(method, size):
    W = gaussian(10, 7)
    np.testing.assert_allclose(
        eigenvalues(W * size, method, scale="mean1"), eigenvalues(W, method, scale="mean1"), rtol=1e-10
    )
    with pytest.raises(ValueError, match=r"W has largest eigenvalue .* outside the range of float64"):
        eigenvalues(W * size, method)


def test_subnormal_weights():
    W = np.array([[5e-324, 0.0], [0.0, 1e-323]])
    np.testing.assert_allclose(eigenvalues(W, scale="mean1"), [0.4, 1.6])


@pytest.mark.parametrize("kernel", [(3,), (3, 2), (2, 3, 2)])
@pytest.mark.parametrize("channels", [(5, 4), (4, 5), (1, 6)])
@pytest.mark.parametrize("method", METHODS)
def test_kernels(method, channels, kernel):
    W = gaussian(*channels, *kernel)
    positions = itertools.product(*map(range, kernel))
    slices = np.array([squared_singular_values(W[(..., *position)]) for position in positions])
    close = {"rtol": 1e-9, "atol": 1e-12}
    np.testing.assert_allclose(eigenvalues(W, method, "slices"), slices, **close)
    np.testing.assert_allclose(eigenvalues(W, method, "pool"), np.sort(slices, axis=None), **close)
    flat = W.reshape(channels[0], -1)
    np.testing.assert_allclose(eigenvalues(W, method, "flatten"), squared_singular_values(flat), **close)
    np.testing.assert_allclose(eigenvalues(W, method, "pool", "mean1").mean(), 1.0)
    np.testing.assert_allclose(eigenvalues(W, method, "slices", "mean1").mean(axis=1), 1.0)
    np.testing.assert_allclose(eigenvalues(W, method, "slices", "1/N"), slices / max(channels), **close)


def test_a_matrix_is_the_same_in_every_convention_and_a_kernel_of_one_position_too():
    W = gaussian(6, 4)
    for conv in ("pool", "flatten"):
        np.testing.assert_array_equal(eigenvalues(W, conv=conv), eigenvalues(W))
        np.testing.assert_array_equal(eigenvalues(W[..., None], conv=conv), eigenvalues(W))
    np.testing.assert_array_equal(eigenvalues(W, conv="slices"), eigenvalues(W))
    np.testing.assert_array_equal(eigenvalues(W[..., None], conv="slices"), eigenvalues(W)[None])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn])
@pytest.mark.parametrize("method", METHODS)
def test_every_precision_is_computed_in_float64(method, dtype):
    W = torch.tensor(gaussian(12, 9)).to(dtype)
    before = W.double().clone()
    found = eigenvalues(W.requires_grad_() if dtype.itemsize > 1 else W, method)
    np.testing.assert_allclose(found, squared_singular_values(before.numpy()), rtol=1e-9)
    assert torch.equal(W.detach().double(), before)


@pytest.mark.parametrize("block", [1, 7, 64])
@pytest.mark.parametrize("shape", [(40, 6), (6, 40), (5, 4, 3, 3)])
def test_blocks_change_nothing_but_rounding(monkeypatch, shape, block):
    W = gaussian(*shape)
    whole = [eigenvalues(W, conv=conv) for conv in ("pool", "flatten", "slices")]
    monkeypatch.setattr(importlib.import_module("theory.setol.eigenvalues"), "_BLOCK", block)
    for conv, expected in zip(("pool", "flatten", "slices"), whole, strict=True):
        np.testing.assert_allclose(eigenvalues(W, conv=conv), expected, rtol=1e-10, atol=1e-12)


def test_views_are_read_as_they_look():
    W = torch.tensor(gaussian(20, 30))[::2, ::3]
    np.testing.assert_allclose(eigenvalues(W), eigenvalues(W.contiguous().numpy()), rtol=1e-10, atol=1e-12)
    assert eigenvalues([[3.0, 0.0], [0.0, 4.0]]).tolist() == [9.0, 16.0]


def test_small_eigenvalues_to_the_stated_accuracy():
    size = 10
    hilbert = 1.0 / (np.arange(size)[:, None] + np.arange(size) + 1.0)
    with mpmath.workdps(60):
        values = mpmath.svd_r(mpmath.matrix(hilbert.tolist()), compute_uv=False)
        exact = np.array(sorted(float(value**2) for value in values))
    unit = size * 2.0**-52
    assert np.all(
        np.abs(eigenvalues(hilbert, "svd") - exact) <= unit * np.sqrt(exact * exact[-1]) + (unit**2) * exact[-1]
    )
    gram = eigenvalues(hilbert, "gram")
    assert np.all(np.abs(gram - exact) <= unit * exact[-1])
    assert abs(gram[0] / exact[0] - 1.0) > 1e-3, "the Gram matrix cannot resolve 1e-26"


def test_rank_deficiency_is_never_negative():
    W = gaussian(40, 3) @ gaussian(3, 30, seed=1)
    for method in METHODS:
        found = eigenvalues(W, method)
        assert found.min() >= 0.0
        assert np.count_nonzero(found > 1e-10 * found[-1]) == 3


def test_a_zero_matrix_has_a_spectrum_but_no_mean_one():
    assert eigenvalues(np.zeros((3, 2))).tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="spectrum of zeros; expected a nonzero one"):
        eigenvalues(np.zeros((3, 2)), scale="mean1")
    with pytest.raises(ValueError, match="spectrum of zeros"):
        eigenvalues(np.concatenate([np.ones((2, 2, 1)), np.zeros((2, 2, 1))], axis=2), conv="slices", scale="mean1")


@pytest.mark.parametrize(
    ("W", "error", "message"),
    [
        (np.eye(3, dtype=np.int8), TypeError, "W has dtype torch.int8; expected a real floating dtype"),
        (np.eye(3, dtype=bool), TypeError, "W has dtype torch.bool"),
        (np.eye(3, dtype=complex), TypeError, "W has dtype torch.complex128"),
        (np.ones(3), ValueError, r"W has shape \(3,\); expected a matrix or a kernel"),
        (np.ones((1, 1, 1, 1, 1, 1)), ValueError, "expected a matrix or a kernel of 3 to 5 axes"),
        (np.ones((0, 3)), ValueError, r"W is empty \(shape \(0, 3\)\)"),
        (np.array([[1.0, np.nan]]), ValueError, "W contains nan; expected finite entries"),
        (np.array([[1.0, np.inf]]), ValueError, "W contains inf"),
        (np.array([[1.0, -np.inf]]), ValueError, "W contains -inf"),
    ],
)
@pytest.mark.parametrize("method", METHODS)
def test_bad_weights(method, W, error, message):
    with pytest.raises(error, match=message):
        eigenvalues(W, method)


@pytest.mark.parametrize("option", [{"method": "eig"}, {"conv": "unfold"}, {"scale": "1"}])
def test_unknown_options(option):
    with pytest.raises(ValueError, match=f"{next(iter(option))} is .*; expected one of '"):
        eigenvalues(np.eye(2), **option)
