"""Problems: what they work out, and every message for those that are none."""

import math

import pytest
import torch

from sciml.lagrangian_pinn import Problem


def burgers(**options):
    return Problem(**({"f1": lambda x, t, w: w, "f2": 0.01, "u0": lambda x: 3 + 2 * torch.sin(x)} | options))


def test_facts():
    problem = burgers()
    assert problem.mean_velocity == pytest.approx(3.0)
    assert problem.amplitude == pytest.approx(2.0)
    assert problem.slope == pytest.approx(2.0)
    assert problem.initial_rate == pytest.approx(9 * 2 + 4 * 4 / 8 + 2e-4)  # (3 + 2 sin)² 4 cos² + (0.02 sin)²
    assert problem.spread_of_velocity(3.0) == pytest.approx(2.0)
    assert problem.is_burgers
    assert not problem.hyperbolic
    assert burgers(f2=0).hyperbolic
    assert not Problem(1.0, 0.0, torch.sin).is_burgers
    assert not burgers(f1=lambda x, t, w: w * (1 + 1e-15)).is_burgers
    assert not Problem(lambda x, t, w: w.abs(), 0.0, torch.sin).is_burgers
    assert not burgers(f1=lambda x, t, w: w.clamp(max=4.0)).is_burgers


def test_degenerate_data_have_units():
    problem = Problem(5.0, 0.1, lambda x: 0 * x + 1.0)
    assert (problem.amplitude, problem.slope, problem.initial_rate) == (1.0, 0.0, 0.0)
    assert problem.spread_of_velocity(5.0) == pytest.approx(2 * math.pi)


def test_derivatives_of_the_initial_values_and_their_continuation():
    problem = Problem(1.0, 0.0, lambda x: torch.exp(-20 * (x - 1.5) ** 2), L=3.0)
    x = torch.linspace(-4.0, 7.0, 23, dtype=torch.float64)
    w, w_x, w_xx = problem.initial(x)
    y = torch.remainder(x, 3.0) - 1.5
    g = torch.exp(-20 * y**2)
    torch.testing.assert_close(w, g)
    torch.testing.assert_close(w_x, -40 * y * g)
    torch.testing.assert_close(w_xx, (1600 * y**2 - 40) * g)
    assert not w_xx.requires_grad


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"f2": -0.1}, "f2 is -0.1"),
        ({"L": 0.0}, "L is 0.0"),
        ({"T": -1.0}, "T is -1.0"),
        ({"T": math.nan}, "T is nan"),
        ({"f1": math.inf}, "f1 is inf"),
        ({"f1": lambda x, t, w: w[:3]}, r"f1 returned \(3,\) for arguments of shape \(1024,\)"),
        ({"f2": lambda x, t, w: 0.1}, "f2 returned float"),
        ({"f2": lambda x, t, w: 3.5 - w}, "f2 takes the value -1.5"),
        ({"u0": lambda x: x / x}, "u0 returned nan"),
        ({"u0": lambda x: torch.ones_like(x, dtype=torch.int64)}, "u0 returned numbers of dtype torch.int64"),
        ({"u0": lambda x: torch.sin(x.detach())}, "u0 varies, but autograd finds no slope"),
        ({"u0": lambda x: torch.sqrt(torch.sin(x) ** 2)}, r"u0' is not finite at x = 0; expected"),
        ({"u0": lambda x: x}, r"u0 is not periodic: \|u0\(L\) - u0\(0\)\| = 6.28, \|u0'\(L\) - u0'\(0\)\| = 0"),
        ({"u0": lambda x: torch.sin(x / 2)}, r"\|u0\(L\) - u0\(0\)\| = .*e-16, \|u0'\(L\) - u0'\(0\)\| = 1"),
        ({"u0": torch.sin, "L": 6.0}, "u0 is not periodic"),
    ],
)
def test_bad_values(options, message):
    with pytest.raises(ValueError, match=message):
        burgers(**options)


@pytest.mark.parametrize("options", [{"u0": 1.0}, {"L": "2"}, {"f1": "w"}, {"T": True}])
def test_bad_types(options):
    with pytest.raises(TypeError, match=rf"{next(iter(options))} is"):
        burgers(**options)
