"""The family of translations against snapshots of it."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.n_width import snapshot_singular_values, transport_singular_values

COMPLEX = st.complex_numbers(max_magnitude=10, allow_nan=False, allow_infinity=False)


def profile(coefficients, x, length):
    """Σ over |k| ≤ K with conjugate coefficients of negative frequencies."""
    k = np.arange(1, len(coefficients))
    waves = np.exp(2j * np.pi * np.multiply.outer(x, k) / length)
    return coefficients[0].real + 2 * (waves @ coefficients[1:]).real


@settings(deadline=None, max_examples=50)
@given(st.lists(COMPLEX, min_size=1, max_size=5), st.floats(0.1, 20))
def test_snapshots_of_all_translations(coefficients, length):
    coefficients = np.array(coefficients, complex)
    coefficients[0] = coefficients[0].real
    grid = np.arange(11) * length / 11
    snapshots = profile(coefficients, grid[:, None] - grid, length)
    expected = snapshot_singular_values(snapshots, length / 11, np.ones(11))
    found = transport_singular_values(coefficients, length)
    np.testing.assert_allclose(found, expected[: len(found)], atol=1e-13 * max(expected[0], 1))
    assert expected[len(found) :] == pytest.approx(0, abs=1e-13 * max(expected[0], 1))


def test_coefficients_of_an_odd_sample():
    samples = np.random.default_rng(0).normal(size=9)
    orbit = np.stack([np.roll(samples, shift) for shift in range(9)], axis=1)
    expected = snapshot_singular_values(orbit, 2.0 / 9, np.ones(9))
    np.testing.assert_allclose(transport_singular_values(np.fft.rfft(samples) / 9, 2.0), expected, rtol=1e-12)


def test_shift_of_the_profile_is_immaterial():
    coefficients = np.array([0.5, 1 + 2j, -0.25j])
    shifted = coefficients * np.exp(-0.7j * np.arange(3))
    found = transport_singular_values(coefficients, 3.0)
    np.testing.assert_allclose(transport_singular_values(shifted, 3.0), found, rtol=1e-15)
    assert (np.diff(found) <= 0).all()


def test_batches_kinds_and_dtypes():
    coefficients = np.random.default_rng(1).normal(size=(3, 4)).astype(np.complex64)
    found = transport_singular_values(coefficients, 1.0)
    assert found.shape == (3, 7)
    assert found.dtype == np.float32
    tensor = transport_singular_values(torch.from_numpy(coefficients), 1.0)
    assert isinstance(tensor, torch.Tensor)
    assert tensor.dtype == torch.float32
    np.testing.assert_array_equal(tensor.numpy(), found)
    assert transport_singular_values(np.array([2.0]), 4.0).tolist() == [4.0]


def test_gradient():
    coefficients = torch.tensor([1 + 0j, 0.5 - 2j, 0.1 + 0.3j], dtype=torch.complex128, requires_grad=True)
    torch.autograd.gradcheck(lambda c: transport_singular_values(c, 2.0), coefficients)


@pytest.mark.parametrize(
    ("coefficients", "length", "error", "message"),
    [
        (np.array([1.0, np.nan]), 1.0, ValueError, "fourier_coefficients contains nan"),
        (np.array([1, 2]), 1.0, TypeError, "fourier_coefficients has dtype int64"),
        (torch.tensor([True]), 1.0, TypeError, "fourier_coefficients has dtype torch.bool"),
        (np.array(["a"]), 1.0, TypeError, "fourier_coefficients has dtype <U1"),
        (np.array([]), 1.0, ValueError, "fourier_coefficients is empty"),
        (np.float64(1.0), 1.0, ValueError, "fourier_coefficients is the number 1.0"),
        (np.array([1.0]), 0.0, ValueError, "L is 0.0"),
        (np.array([1.0]), np.inf, ValueError, "L is inf"),
    ],
)
def test_bad_input(coefficients, length, error, message):
    with pytest.raises(error, match=message):
        transport_singular_values(coefficients, length)
