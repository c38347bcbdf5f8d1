"""Local regularizer, schedule, random end times and Taylor terms against closed forms."""

import functools
import math

import pytest
import torch

from sciml.neural_de.regularizers import (
    TayReg,
    anneal,
    local_estimate,
    local_regularizer,
    steer_end_time,
    total_derivative,
)
from sciml.neural_de.sde_solve import sde_solve
from sciml.neural_de.solve import solve


def vdp(t, y):
    return torch.stack([y[1], 5 * (1 - y[0] ** 2) * y[1] - y[0]])


@pytest.fixture(scope="module")
def solution():
    y0 = torch.tensor([2.0, 0.0], dtype=torch.float64)
    return solve(vdp, y0, 0.0, 2.0, heuristics=("RE",), keep_states=True, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["biased", "uniform"])
def test_local_regularizer_is_reproducible_and_differentiable(solution, kind):
    mu = torch.tensor(5.0, dtype=torch.float64, requires_grad=True)
    field = lambda t, y: torch.stack([y[1], mu * (1 - y[0] ** 2) * y[1] - y[0]])  # noqa: E731
    first, second = (
        local_regularizer(field, solution, kind=kind, generator=torch.Generator().manual_seed(3)) for _ in range(2)
    )
    assert first == second > 0
    assert torch.isfinite(torch.autograd.grad(first, mu)[0])


def test_local_regularizer_runs_backwards_in_time():
    y0 = torch.tensor([0.1, 0.0], dtype=torch.float64)
    back = solve(vdp, y0, 1.0, 0.0, keep_states=True)
    for seed in range(20):
        for kind in ("biased", "uniform"):
            assert local_regularizer(vdp, back, kind=kind, generator=torch.Generator().manual_seed(seed)) > 0


def test_local_regularizer_refuses(solution):
    with pytest.raises(ValueError, match="keep_states"):
        local_regularizer(vdp, solve(vdp, torch.ones(2), 0, 0.1))
    with pytest.raises(ValueError, match="kind"):
        local_regularizer(vdp, solution, kind="unbiased")
    for t in (-0.1, 2.0):
        with pytest.raises(ValueError, match="t is"):
            local_estimate(vdp, solution, t)


def test_local_estimates_at_the_accepted_times_sum_to_the_error_sum(solution):
    total = sum(local_estimate(vdp, solution, t) for t in solution.ts[:-1])
    torch.testing.assert_close(total, solution.heuristics["RE"], rtol=1e-10, atol=0)


def pull(rate, t, y):
    return torch.sin(3 * y) - rate * y + torch.cos(2 * t)


def noise(t, y):
    return 0.3 * torch.cos(y)


def stochastic(method="sosri", rate=1.0):
    y0 = torch.tensor([[0.3, -1.0], [2.0, 0.5]], dtype=torch.float64)
    f = functools.partial(pull, rate)
    return f, sde_solve(
        f, noise, y0, 0, 1.5, method=method, rtol=0.05, atol=0.05, seed=4, heuristics=("RE",), keep_states=True
    )


@pytest.mark.parametrize("method", ["sosri", "sosri2", "sriw1"])
def test_local_estimates_of_a_stochastic_solve_sum_to_its_error_sum(method):
    f, solution = stochastic(method)
    total = sum(local_estimate(f, solution, t, g=noise) for t in solution.ts[:-1])
    torch.testing.assert_close(total, solution.heuristics["RE"], rtol=1e-12, atol=0)


@pytest.mark.parametrize("t", [0.0, 0.123, 1.4999])
def test_local_estimate_of_a_stochastic_solve_is_differentiated_on_the_frozen_path(t):
    solution = stochastic()[1]
    rate = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    f = lambda t, y: pull(rate if torch.is_grad_enabled() else 1.0, t, y)  # noqa: E731
    (found,) = torch.autograd.grad(local_estimate(f, solution, t, g=noise), rate)

    def at(value):  # as local_estimate does, with the way to t held fixed
        field = lambda t, y: pull(value if torch.is_grad_enabled() else 1.0, t, y)  # noqa: E731
        return local_estimate(field, solution, t, g=noise).item()

    assert found.item() == pytest.approx((at(1 + 1e-5) - at(1 - 1e-5)) / 2e-5, rel=1e-6)


@pytest.mark.parametrize("kind", ["biased", "uniform"])
def test_local_regularizer_of_a_stochastic_solve_is_reproducible(kind):
    f, solution = stochastic()
    for seed in range(10):
        first, second = (
            local_regularizer(f, solution, g=noise, kind=kind, generator=torch.Generator().manual_seed(seed))
            for _ in range(2)
        )
        assert first == second > 0


def test_the_diffusion_belongs_to_stochastic_solves(solution):
    f, path = stochastic()
    with pytest.raises(ValueError, match="g is None"):
        local_regularizer(f, path)
    with pytest.raises(ValueError, match="g is a field"):
        local_regularizer(vdp, solution, g=noise)


def test_anneal():
    schedule = anneal(100.0, 10.0, 75)
    assert schedule(0) == 100
    assert schedule(75) == pytest.approx(10)
    assert schedule(37.5) == pytest.approx(math.sqrt(1000))
    for bad in ((0.0, 1.0, 5), (1.0, -1.0, 5), (1.0, math.inf, 5), (1.0, 1.0, 0)):
        with pytest.raises(ValueError, match=r"first|last|epochs"):
            anneal(*bad)


def test_steer_end_times_fill_their_interval():
    generator = torch.Generator().manual_seed(0)
    ends = [steer_end_time(0.0, 1.0, 0.5, generator) for _ in range(500)]
    assert 0.5 <= min(ends) < 0.51
    assert 1.49 < max(ends) <= 1.5
    for b in (0.0, 1.0, -0.1):
        with pytest.raises(ValueError, match="b is"):
            steer_end_time(0.0, 1.0, b)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_total_derivatives_of_a_linear_field_are_powers(order):
    M = torch.randn(3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    y = torch.randn(5, 3, dtype=torch.float64)
    found = total_derivative(lambda t, y: y @ M, order)(torch.tensor(0.3, dtype=torch.float64), y)
    torch.testing.assert_close(found, y @ torch.linalg.matrix_power(M, order), rtol=1e-12, atol=1e-12)


def test_total_derivative_sees_explicit_time():
    t, y = torch.tensor(0.7, dtype=torch.float64), torch.tensor([1.5], dtype=torch.float64)
    found = total_derivative(lambda t, y: torch.sin(t) * y, 2)(t, y)
    torch.testing.assert_close(found, (torch.cos(t) + torch.sin(t) ** 2) * y)
    for make in (total_derivative, TayReg):
        with pytest.raises(ValueError, match="order is 0"):
            make(vdp, 0)
        with pytest.raises(TypeError, match=r"order is 1\.5; expected an integer"):
            make(vdp, 1.5)


def test_taylor_regularizer_of_decay_and_its_gradient():
    rate = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    regularized = TayReg(lambda t, y: -rate * y, 2)
    y0 = torch.ones(4, 1, dtype=torch.float64)
    solution = solve(regularized, regularized.augment(y0), 0.0, 1.0, rtol=1e-9, atol=1e-9)
    y, R = regularized.split(solution.y)
    exact = rate**3 * (1 - torch.exp(-2 * rate)) / 2
    torch.testing.assert_close(y, torch.exp(-rate) * y0, rtol=1e-8, atol=0)
    torch.testing.assert_close(R, exact.expand(4), rtol=1e-7, atol=0)
    (ours,) = torch.autograd.grad(R[0], rate)
    torch.testing.assert_close(ours, torch.autograd.grad(exact, rate)[0], rtol=1e-6, atol=0)
