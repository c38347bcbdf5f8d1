"""The SDE solver: rejection and replay on one path, exact solutions, sums, gradients on the frozen grid, bad input."""

import itertools
import math
import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sciml.neural_de.brownian import BrownianPath
from sciml.neural_de.controllers import IController
from sciml.neural_de.heuristics import HEURISTICS
from sciml.neural_de.sde_solve import sde_solve, sri_step
from sciml.neural_de.sri_tableaus import SRI_TABLEAUS

ALL = tuple(HEURISTICS)
ERRORS = ("RE", "RE2", "REn")
METHODS = pytest.mark.parametrize("method", SRI_TABLEAUS)


def drift(t, y):
    return torch.sin(3 * y) - y + torch.cos(2 * t)


def diffusion(t, y):
    return 0.3 * torch.cos(y)


def start(dtype=torch.float64):
    return torch.tensor([[0.3, -1.0], [2.0, 0.5]], dtype=dtype)


def solved(**options):
    arguments = {"f": drift, "g": diffusion, "y0": start(), "t0": 0.0, "t1": 1.5, "rtol": 0.05, "atol": 0.05, "seed": 4}
    arguments |= options
    if "brownian" in options:
        del arguments["seed"]
    positional = [arguments.pop(name) for name in ("f", "g", "y0", "t0", "t1")]
    return sde_solve(*positional, **arguments)


@METHODS
def test_replay_on_the_same_path_and_grid_is_the_same_to_the_bit(method):
    first = solved(method=method, heuristics=ERRORS)
    again = solved(method=method, heuristics=ERRORS, brownian=first.path, grid=first.ts)
    fresh = solved(method=method, heuristics=ERRORS, grid=first.ts)
    for other in (again, fresh):
        assert torch.equal(first.y, other.y)
        assert all(torch.equal(first.heuristics[name], other.heuristics[name]) for name in ERRORS)


@METHODS
@given(seed=st.integers(0, 2**32), tolerance=st.floats(0.03, 0.1))
@settings(max_examples=5, deadline=None)
def test_rejection_leaves_the_path_alone(method, seed, tolerance):
    """Without interaction of drift and noise the state is W + ∫f: whatever was rejected, it ends there."""
    y0 = torch.zeros(3, dtype=torch.float64)
    found = sde_solve(
        lambda t, y: 20 * t + 0 * y, lambda t, y: 1 + 0 * y, y0, 0.0, 1.0,
        method=method, rtol=tolerance, atol=tolerance, seed=seed, first_step=1.0,
    )  # fmt: skip
    assert found.stats.rejected > 0
    calm = sde_solve(
        lambda t, y: 0 * y, lambda t, y: 1 + 0 * y, y0, 0.0, 1.0, method=method, brownian=found.path, grid=found.ts
    )
    torch.testing.assert_close(calm.y, found.path.increment(0.0, 1.0).dw, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(found.y, calm.y + 10.0, rtol=1e-9, atol=1e-9)


@METHODS
def test_solutions_converge_to_the_exact_one_on_the_path(method):
    y0 = torch.ones(50, dtype=torch.float64)
    path = BrownianPath((50,), 0.0, 1.0, seed=8)
    exact = torch.exp(0.5 - 0.5 * 0.4**2 + 0.4 * path.increment(0.0, 1.0).dw)
    gaps = [
        (sde_solve(lambda t, y: 0.5 * y, lambda t, y: 0.4 * y, y0, 0, 1, method=method, rtol=tol, atol=tol,
                   brownian=path).y - exact).abs().mean() for tol in (0.2, 0.005)
    ]  # fmt: skip
    assert gaps[1] < gaps[0] / 3
    assert gaps[1] < 2e-3


@METHODS
def test_without_noise_it_solves_an_ordinary_equation(method):
    y0 = torch.tensor([1.0], dtype=torch.float64)
    grid = torch.linspace(0, 1, 101).double().tolist()
    grid[-1] = 1.0
    y = sde_solve(lambda t, y: -y * t, lambda t, y: 0 * y, y0, 0, 1, method=method, seed=0, grid=grid).y
    assert y.item() == pytest.approx(math.exp(-0.5), rel=1e-4)


def test_sums_are_those_of_the_steps():
    found = solved(method="sosri2", heuristics=ALL, keep_states=True)
    errors, stiffness, scaled = [], [], []
    for y, new, (s, t) in zip(found.states, found.states[1:], itertools.pairwise(found.ts), strict=False):
        step = sri_step(drift, diffusion, s, y, t - s, found.path.increment(s, t), method="sosri2")
        torch.testing.assert_close(step.y, new)
        errors.append(step.error.norm())
        stiffness.append(step.stiffness)
        scaled.append((step.error / (0.05 + 0.05 * torch.maximum(y.abs(), new.abs()))).square().mean().sqrt())
    h = torch.tensor(found.steps, dtype=torch.float64)
    errors, stiffness, scaled = (torch.stack(values) for values in (errors, stiffness, scaled))
    expected = {
        "RE": (errors * h).sum(),
        "RE2": errors.square().sum(),
        "REn": (scaled * h).sum(),
        "RS": (stiffness * h).sum(),
        "RSmax": stiffness.max() / 10.6,
    }
    assert expected.keys() == found.heuristics.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found.heuristics[name], value, rtol=1e-10, atol=1e-12)
    assert bool((scaled <= 1).all())


@METHODS
def test_counts(method):
    calls = 0

    def counted(t, y):
        nonlocal calls
        calls += 1
        return drift(t, y)

    found = solved(f=counted, method=method, controller=IController(most=5.0), first_step=1.5)
    stages = len(found.tableau.drift_stages)
    assert calls == found.stats.nfe
    assert found.stats.rejected > 0
    assert found.stats.nfe == 1 + stages * found.stats.accepted + (stages - 1) * found.stats.rejected
    assert sum(found.steps) == pytest.approx(1.5)
    assert found.ts[-1] == 1.5


def test_heuristics_cost_no_evaluation_and_change_nothing():
    plain, watched = solved(method="sosri2"), solved(method="sosri2", heuristics=ALL)
    assert plain.stats == watched.stats
    assert torch.equal(plain.y, watched.y)


@pytest.mark.parametrize("detach_scale", [True, False])
def test_gradients_are_those_of_the_frozen_grid(detach_scale):
    torch.manual_seed(0)
    net, noise = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 2)).double(), nn.Linear(2, 2).double()
    parameters = [*net.parameters(), *noise.parameters()]

    def run(**options):
        return solved(
            f=lambda t, y: net(y) - y * t, g=lambda t, y: 0.2 * noise(y), method="sosri2", heuristics=ALL,
            detach_scale=detach_scale, **options,
        )  # fmt: skip

    found = run()
    values = found.heuristics | {"y": found.y.square().sum()}
    if detach_scale:
        del values["REn"]
    gradients = {name: torch.autograd.grad(value, parameters, retain_graph=True) for name, value in values.items()}
    direction = [torch.randn_like(p) for p in parameters]
    step, shifted = 1e-5, []
    for sign in (1, -1):
        with torch.no_grad():
            for p, d in zip(parameters, direction, strict=True):
                p.add_(d, alpha=sign * step)
            moved = run(brownian=found.path, grid=found.ts)
            shifted.append(moved.heuristics | {"y": moved.y.square().sum()})
            for p, d in zip(parameters, direction, strict=True):
                p.sub_(d, alpha=sign * step)
    for name, gradient in gradients.items():
        slope = sum((g * d).sum() for g, d in zip(gradient, direction, strict=True))
        difference = (shifted[0][name] - shifted[1][name]) / (2 * step)
        torch.testing.assert_close(slope, difference, rtol=2e-6, atol=1e-7)


def test_gradient_at_rest_is_finite():
    rate = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
    found = solved(f=lambda t, y: rate * y, g=lambda t, y: 0 * y, method="sosri2", heuristics=ALL)
    sum(found.heuristics.values()).backward()
    assert torch.isfinite(rate.grad)


def test_saved_states_are_states_of_the_path():
    times = [0.0, 0.2, 0.7, 1.1, 1.5]
    found = solved(save_at=times, keep_states=True)
    assert found.ys.shape == (5, 2, 2)
    assert set(times) <= set(found.ts)
    assert torch.equal(found.ys[0], start())
    assert torch.equal(found.ys[-1], found.y)
    fine = solved(brownian=found.path, save_at=times, rtol=5e-3, atol=5e-3)
    assert (fine.ys - found.ys).abs().max() < 0.02
    again = solved(brownian=found.path, grid=found.ts, save_at=torch.tensor(times, dtype=torch.float64))
    assert torch.equal(again.ys, found.ys)
    assert solved(save_at=[]).ys.shape == (0, 2, 2)


def test_part_of_a_longer_path():
    path = BrownianPath((2, 2), -1.0, 3.0, seed=6)
    whole = solved(brownian=path, rtol=1e-2, atol=1e-2)
    first = solved(brownian=path, t1=0.75, rtol=1e-2, atol=1e-2)
    second = solved(brownian=path, t0=0.75, y0=first.y, rtol=1e-2, atol=1e-2)
    torch.testing.assert_close(second.y, whole.y, rtol=5e-3, atol=5e-3)


def test_single_precision():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        single, double = solved(y0=start(torch.float32), heuristics=ERRORS), solved(heuristics=ERRORS)
    assert single.y.dtype == single.heuristics["RE"].dtype == torch.float32
    torch.testing.assert_close(single.y.double(), double.y, rtol=1e-2, atol=1e-2)
    with pytest.warns(UserWarning, match="ten rounding units"):
        solved(y0=start(torch.float32), rtol=1e-7)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"method": "euler"}, "method is 'euler'"),
        ({"t1": 0.0}, "t0 and t1 are 0.0 and 0.0"),
        ({"t1": -1.0}, "expected t0 < t1"),
        ({"rtol": -1.0}, "rtol is -1"),
        ({"atol": 0.0}, "atol is 0"),
        ({"seed": None}, "exactly one"),
        ({"seed": -3}, "seed is -3"),
        ({"brownian": BrownianPath((2,), 0.0, 1.5, seed=0)}, "shape"),
        ({"brownian": BrownianPath((2, 2), 0.0, 1.5, seed=0, dtype=torch.float32)}, "float32"),
        ({"brownian": BrownianPath((2, 2), 0.0, 1.0, seed=0)}, "cover"),
        ({"heuristics": ("RE", "R")}, "'R'"),
        ({"heuristics": "RE"}, "string"),
        ({"heuristics": ("RS",)}, "RS was asked of sosri"),
        ({"heuristics": ("RSmax",), "method": "sriw1"}, "RSmax was asked of sriw1"),
        ({"grid": [0.0, 1.0]}, "grid has 2 times"),
        ({"grid": [0.0, 1.0, 0.5, 1.5]}, "grid has 1.0 before 0.5"),
        ({"grid": [0.0, 1.5], "save_at": [0.3]}, "save_at has 0.3"),
        ({"save_at": [0.5, 2.0]}, "save_at runs"),
        ({"max_steps": 0}, "max_steps is 0"),
        ({"first_step": 0.0}, "first_step is 0"),
        ({"controller": "PID"}, "controller is 'PID'"),
        ({"y0": torch.zeros(2, dtype=torch.int64)}, "dtype"),
        ({"g": lambda t, y: y[0]}, "expected those of the state"),
    ],
)
def test_bad_input(change, words):
    with pytest.raises(ValueError, match=words):
        solved(**change)


def test_failures_name_the_time_reached():
    with pytest.raises(RuntimeError, match=r"max_steps = 3 were not enough: reached t = 0\.\d+ of t1 = 1.5"):
        solved(max_steps=3)
    with pytest.raises(RuntimeError, match="step size vanished at t = "):
        solved(f=lambda t, y: torch.where(t < 0.7, 1.0, math.nan) + y)
    with pytest.raises(RuntimeError, match=r"not finite at t0 = 0\.0"):
        solved(y0=start() * math.inf)
    with pytest.raises(RuntimeError, match=r"not finite at t = 1\.5; it was at t = 0\.5"):
        solved(f=lambda t, y: torch.where(t < 1, 1.0, math.inf) + y, grid=[0.0, 0.5, 1.5], method="sriw1")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_the_numbers_are_those_of_the_cpu():
    cpu, gpu = solved(heuristics=ERRORS), solved(y0=start().cuda(), heuristics=ERRORS)
    assert gpu.y.device.type == "cuda"
    torch.testing.assert_close(gpu.y.cpu(), cpu.y, rtol=1e-8, atol=1e-10)
