"""SRI coefficients: order conditions, nodes, and one step against torchsde and against a plain implementation."""

import dataclasses
import math
from fractions import Fraction

import pytest
import torch

from sciml.neural_de.brownian import Increment
from sciml.neural_de.sde_solve import sri_step
from sciml.neural_de.sri_tableaus import SOSRI, SOSRI2, SRI_TABLEAUS, SRIW1, SRIW2, order_residuals

METHODS = pytest.mark.parametrize("tableau", SRI_TABLEAUS.values(), ids=SRI_TABLEAUS)


def drift(t, y):
    return torch.sin(3 * y) + torch.cos(2 * t)


def diffusion(t, y):
    return 0.5 + 0.3 * torch.sin(y + t)


def plain_step(t, y, h, dw, integral, tableau):
    """The printed scheme with every stage evaluated."""
    a0, a1, b0, b1 = ([[float(x) for x in row] for row in m] for m in (tableau.a0, tableau.a1, tableau.b0, tableau.b1))
    fs, gs = [], []
    for i in range(4):
        h0 = y + sum(h * a * f for a, f in zip(a0[i], fs, strict=True))
        h0 = h0 + sum(integral / h * b * g for b, g in zip(b0[i], gs, strict=True))
        h1 = y + sum(h * a * f for a, f in zip(a1[i], fs, strict=True))
        h1 = h1 + sum(math.sqrt(h) * b * g for b, g in zip(b1[i], gs, strict=True))
        fs.append(drift(torch.tensor(t + float(tableau.c0[i]) * h, dtype=y.dtype), h0))
        gs.append(diffusion(torch.tensor(t + float(tableau.c1[i]) * h, dtype=y.dtype), h1))
    weights = (dw, (dw**2 - h) / 2 / math.sqrt(h), integral / h, (dw**3 - 3 * h * dw) / 6 / h)
    betas = (tableau.beta1, tableau.beta2, tableau.beta3, tableau.beta4)
    parts = [
        w * sum(float(b) * g for b, g in zip(beta, gs, strict=True)) for w, beta in zip(weights, betas, strict=True)
    ]
    return (
        y + h * sum(float(a) * f for a, f in zip(tableau.alpha, fs, strict=True)) + sum(parts),
        parts[2] + parts[3],
        fs,
    )


def noise(h, shape=(6,), seed=0):
    generator = torch.Generator().manual_seed(seed)
    z1, z2 = torch.randn((2, *shape), generator=generator, dtype=torch.float64)
    return Increment(math.sqrt(h) * z1, h**1.5 * (z1 / 2 + z2 / math.sqrt(12)))


@pytest.mark.parametrize("tableau", [SRIW1, SRIW2], ids=["sriw1", "sriw2"])
def test_rational_methods_satisfy_all_conditions(tableau):
    gaps = order_residuals(tableau)
    assert len(gaps) == 25
    assert not any(gaps.values())


@pytest.mark.parametrize(("tableau", "bound"), [(SOSRI, 1e-15), (SOSRI2, 1e-12)], ids=["sosri", "sosri2"])
def test_decimal_methods_satisfy_them_to_their_digits(tableau, bound):
    assert max(map(abs, order_residuals(tableau).values())) < bound


def test_residuals_notice_a_changed_weight():
    changed = dataclasses.replace(SRIW1, beta2=(*SRIW1.beta2[:3], Fraction(1, 7)))
    assert {name for name, gap in order_residuals(changed).items() if gap} == {
        "β²·e",
        "β²·A¹e",
        "β²·B¹e",
        "β²·(B¹e)²",
        "β²·B¹(B¹e)",
    }


def test_drift_is_evaluated_where_its_argument_differs():
    assert [tableau.drift_stages for tableau in SRI_TABLEAUS.values()] == [
        (0, 1),
        (0, 1, 2),
        (0, 1, 2, 3),
        (0, 1, 2, 3),
    ]


def test_only_sosri2_has_two_drift_stages_at_the_same_time():
    assert [tableau.stiffness_stages for tableau in SRI_TABLEAUS.values()] == [None, None, None, (2, 3)]
    assert [float(c) for c in SOSRI2.c0[2:]] == pytest.approx([1, 1], abs=1e-14)


@METHODS
def test_step_is_the_printed_scheme(tableau):
    y, h, t = torch.linspace(-1, 2, 6, dtype=torch.float64), 0.3, 0.2
    increment = noise(h)
    step = sri_step(drift, diffusion, t, y, h, increment, method=tableau)
    expected, noise_error, fs = plain_step(t, y, h, *increment, tableau)
    drift_error = h * sum(fs[i] for i in tableau.drift_stages)
    torch.testing.assert_close(step.y, expected, rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(step.noise_error, noise_error, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(step.drift_error, drift_error, rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(step.error, float(tableau.drift_weight) * drift_error + noise_error)


def test_sriw2_is_the_method_of_torchsde():
    torchsde = pytest.importorskip("torchsde")

    class Equation(torch.nn.Module):
        noise_type, sde_type = "diagonal", "ito"
        f, g = staticmethod(drift), staticmethod(diffusion)

    y0 = torch.linspace(-1, 2, 6, dtype=torch.float64)[None]
    path = torchsde.BrownianInterval(0.0, 0.1, (1, 6), torch.float64, entropy=5, levy_area_approximation="space-time")
    theirs = torchsde.sdeint(Equation(), y0, [0.0, 0.1], bm=path, method="srk", dt=0.1)[-1]
    ours = sri_step(drift, diffusion, 0.0, y0, 0.1, Increment(*path(0.0, 0.1, return_U=True)), method="sriw2").y
    torch.testing.assert_close(ours, theirs, rtol=1e-13, atol=1e-13)


def test_without_drift_and_with_constant_noise_a_step_is_the_increment():
    y, increment = torch.zeros(6, dtype=torch.float64), noise(0.5)
    for method in SRI_TABLEAUS:
        step = sri_step(lambda t, y: 0 * y, lambda t, y: 2 + 0 * y, 0.0, y, 0.5, increment, method=method)
        torch.testing.assert_close(step.y, 2 * increment.dw, rtol=1e-12, atol=1e-12)


def test_stiffness_of_a_linear_drift_is_its_rate_and_0_at_rest():
    y = torch.tensor([1.0, 2.0], dtype=torch.float64)
    step = sri_step(lambda t, y: -3 * y, lambda t, y: 0.1 * y, 0.0, y, 0.1, noise(0.1, (2,)), method="sosri2")
    assert step.stiffness.item() == pytest.approx(3.0, rel=1e-12)
    rest = sri_step(lambda t, y: -3 * y, lambda t, y: y, 0.0, 0 * y, 0.1, noise(0.1, (2,)), method="sosri2")
    assert rest.stiffness == 0
    assert sri_step(drift, diffusion, 0.0, y, 0.1, noise(0.1, (2,)), method="sriw1").stiffness is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"h": 0.0}, "h is 0"),
        ({"h": -0.1}, "h is -0.1"),
        ({"method": "euler"}, "method is 'euler'"),
        ({"noise": Increment(torch.zeros(3), torch.zeros(6))}, r"noise.dw is torch.float32 of shape \(3,\)"),
        ({"y": torch.zeros(6, dtype=torch.int64)}, "dtype"),
        ({"f": lambda t, y: y[:2]}, "f returned"),
    ],
)
def test_bad_input(change, words):
    arguments = {"f": drift, "g": diffusion, "t": 0.0, "y": torch.zeros(6, dtype=torch.float64), "h": 0.1}
    arguments |= {"noise": noise(0.1)} | change
    positional = [arguments.pop(name) for name in ("f", "g", "t", "y", "h", "noise")]
    with pytest.raises(ValueError, match=words):
        sri_step(*positional, **arguments)
