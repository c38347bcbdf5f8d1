"""Activation radii against polynomial roots, Taylor coefficients and plain minimisation over the singular sets."""

import math

import mpmath as mp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.softmax_zeros.activations import activation_radius, singularities

LATTICES = {"sigmoid": math.pi, "softplus": math.pi, "silu": math.pi, "tanh": math.pi / 2}
FUNCTIONS = {
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "softplus": lambda x: mp.log(1 + mp.exp(x)),
    "silu": lambda x: x / (1 + mp.exp(-x)),
    "tanh": mp.tanh,
    "gelu_tanh": lambda x: x / 2 * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (x + mp.mpf("0.044715") * x**3))),
}
NAMES = [*FUNCTIONS, "relu", "gelu", "ria", "gaussglu"]


def cubic_poles(last):
    """Poles of the tanh form of GELU for k = -last-1, ..., last, from numpy's companion matrix."""
    q = np.pi * (np.arange(-last - 1, last + 1) + 0.5) * np.sqrt(np.pi / 2)
    return np.concatenate([np.roots([0.044715, 0, 1, -1j * value]) for value in q])


@pytest.mark.parametrize("name", LATTICES)
@settings(deadline=None, max_examples=40)
@given(h=st.floats(-1e3, 1e3), hdot=st.floats(1e-3, 1e3), sign=st.sampled_from([-1, 1]))
def test_lattices(name, h, hdot, sign):
    expected = math.hypot(h, LATTICES[name]) / hdot
    assert activation_radius(name, h, sign * hdot) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("h", [0.0, 1.5, -4.0])
def test_taylor_coefficients_grow_like_the_radius(name, h):
    """By Cauchy, 256 samples on a circle inside the radius give tiny high coefficients; on a larger one they do not."""
    radius = float(activation_radius(name, h, 1.0))

    def high_coefficient(r, points=256):
        values = [FUNCTIONS[name](h + r * mp.expjpi(2 * mp.mpf(k) / points)) for k in range(points)]
        return max(
            abs(mp.fsum(v * mp.expjpi(-2 * mp.mpf(order * k) / points) for k, v in enumerate(values)) / points)
            for order in (64, 65)
        )

    assert high_coefficient(0.6 * radius) < 100 * 0.62**64
    assert high_coefficient(0.95 * radius) > 0.93**64 * 1e-3


def test_poles_of_the_tanh_form_of_gelu():
    poles = singularities("gelu_tanh", 12)
    x = np.sqrt(2 / np.pi) * (poles + 0.044715 * poles**3) / (1j * np.pi)
    np.testing.assert_allclose(x.imag, 0, atol=1e-13)
    np.testing.assert_allclose(x.real - 0.5, np.round(x.real - 0.5), atol=1e-13)
    assert poles[0] == pytest.approx(0.634368348 + 2.754770602j, abs=1e-9)
    assert np.all(np.diff(np.abs(poles)) >= -1e-12)
    reference = cubic_poles(40)
    reference = np.sort(np.abs(reference[reference.imag > 0]))[:12]
    np.testing.assert_allclose(np.abs(poles), reference, rtol=1e-12)


def test_the_nearest_pole_is_found_at_every_pre_activation():
    h = np.linspace(-14, 14, 281)
    distances = np.abs(h[:, None] - cubic_poles(400)).min(1)
    np.testing.assert_allclose(activation_radius("gelu_tanh", h, 1.0), distances, rtol=1e-11)
    too_few = np.abs(h[:, None] - cubic_poles(3)).min(1)
    assert np.all(too_few[np.abs(h) < 6.9] == pytest.approx(distances[np.abs(h) < 6.9], rel=1e-12))
    assert np.all(too_few[np.abs(h) > 7.0] > distances[np.abs(h) > 7.0])


def test_far_pre_activations_are_half_their_size_from_a_pole():
    h = np.array([1e2, 1e5, 1e12, 1e200, 1e308])
    np.testing.assert_allclose(activation_radius("gelu_tanh", h, 1.0), h / 2, rtol=2e-3)


def test_singular_sets_agree_with_the_radii():
    for name in (*LATTICES, "gelu_tanh", "relu"):
        points = singularities(name, 60)
        for h in (-3.0, 0.4, 2.0):
            assert activation_radius(name, h, 2.0) == pytest.approx(np.abs(points - h).min() / 2, rel=1e-13)
    for name in ("gelu", "ria", "gaussglu"):
        assert singularities(name).size == 0
        assert math.isinf(activation_radius(name, 0.0, 1.0))


def test_mutants_are_caught():
    assert activation_radius("tanh", 0.0, 1.0) != pytest.approx(math.pi)
    assert activation_radius("silu", 5.0, 1.0) != pytest.approx(math.pi)
    assert activation_radius("gelu_tanh", 0.0, 1.0) > 1.7 * math.pi / 2


@pytest.mark.parametrize("name", NAMES)
def test_a_still_neuron_has_no_limit(name):
    radii = activation_radius(name, np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    assert math.isinf(radii[0])
    assert radii[1] > 0


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=40)
@given(*[st.floats(allow_nan=False, allow_infinity=False) for _ in range(2)])
def test_no_finite_input_gives_nan(name, h, hdot):
    assert activation_radius(name, h, hdot) >= 0


@pytest.mark.parametrize("name", ["silu", "tanh", "gelu_tanh", "relu"])
def test_gradients_kind_and_dtype(name):
    h = torch.tensor([0.3, -1.0, 4.0, 9.0], dtype=torch.float64).requires_grad_()
    hdot = torch.tensor([1.0, -2.0, 0.5, 1.0], dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda h, d: activation_radius(name, h, d), (h, hdot))
    radius = activation_radius(name, h, hdot).detach().numpy()
    assert np.array_equal(activation_radius(name, h.detach().numpy(), hdot.detach().numpy()), radius)
    assert activation_radius(name, h.detach().float(), 1.0).dtype == torch.float32


def test_unknown_names_suggest_the_nearest():
    with pytest.raises(ValueError, match="'gleu', an unknown activation; did you mean 'gelu'"):
        activation_radius("gleu", 1.0, 1.0)
    with pytest.raises(ValueError, match="softplus"):
        singularities("zzzz")
    with pytest.raises(ValueError, match="count"):
        singularities("tanh", 0)


@pytest.mark.parametrize(
    ("h", "hdot", "error", "name"),
    [
        (math.nan, 1.0, ValueError, "h "),
        (1.0, math.inf, ValueError, "hdot"),
        (np.zeros(0), 1.0, ValueError, "h "),
        (np.zeros(2), np.zeros(3), ValueError, "hdot"),
        (1j, 1.0, TypeError, "h "),
        (1.0, np.array([1, 2]), TypeError, "hdot"),
    ],
)
def test_bad_input_is_named(h, hdot, error, name):
    with pytest.raises(error, match=name):
        activation_radius("tanh", h, hdot)
