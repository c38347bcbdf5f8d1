"""The border of the package: what is accepted, what is refused, and in which kind answers come back."""

import numpy as np
import pytest
import torch

from theory.softmax_zeros import rho_a


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_numpy_comes_back_as_numpy_of_the_same_dtype(dtype):
    found = rho_a(np.array([[0.0, 1.0], [0.0, 2.0]], dtype=dtype))
    assert isinstance(found, np.ndarray)
    assert found.dtype == dtype


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_torch_comes_back_as_torch_of_the_same_dtype(dtype):
    found = rho_a(torch.tensor([0.0, 1.0], dtype=dtype))
    assert isinstance(found, torch.Tensor)
    assert found.dtype == dtype


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_device_is_kept():
    assert rho_a(torch.tensor([0.0, 1.0], device="cuda")).device.type == "cuda"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_named(value):
    with pytest.raises(ValueError, match=f"slopes contains {value}"):
        rho_a(np.array([0.0, value]))


def test_finite_numbers_whose_sum_overflows_are_finite():
    assert rho_a(np.array([1e308, 1e308, 0.0])) == pytest.approx(np.pi * 1e-308, rel=1e-12)


@pytest.mark.parametrize(
    "slopes", [np.array([1, 2]), np.array([1j, 2]), np.array([True, False]), np.array(["a"]), [1, 2]]
)
def test_what_is_not_real_and_floating_is_refused(slopes):
    with pytest.raises(TypeError, match="slopes"):
        rho_a(slopes)


@pytest.mark.parametrize("slopes", [[], np.zeros((0, 3)), np.zeros((3, 0)), 1.0, np.zeros((2, 2, 2))])
def test_shapes_that_are_no_samples_are_refused(slopes):
    with pytest.raises(ValueError, match="slopes"):
        rho_a(slopes)
