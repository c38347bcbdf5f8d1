"""The optimizers on functions with known minima, their formulas, and their behaviour at rejected steps."""

import math

import pytest
import torch
from scipy.optimize import minimize, rosen, rosen_der

from sciml.lagrangian_pinn import LevenbergMarquardt, SSBroyden, TorchOptimizer
from sciml.lagrangian_pinn.levenberg_marquardt import lower_gram
from sciml.lagrangian_pinn.ssbroyden import cubic_minimum


class Rosenbrock:
    """In n dimensions, as a function and as residuals whose squares sum to it; infinite beyond a wall."""

    def __init__(self, wall=math.inf):
        self.wall, self.calls = wall, 0

    def residuals(self, theta):
        return torch.cat([10 * (theta[1:] - theta[:-1] ** 2), 1 - theta[:-1]])

    def loss(self, theta):
        return float(self.residuals(theta).square().sum()) if float(theta.max()) < self.wall else math.inf

    def loss_and_gradient(self, theta):
        self.calls += 1
        if math.isinf(self.loss(theta)):
            return math.inf, torch.zeros_like(theta)
        theta = theta.clone().requires_grad_()
        loss = self.residuals(theta).square().sum()
        return float(loss.detach()), torch.autograd.grad(loss, theta)[0]

    def residuals_and_jacobian(self, theta):
        return self.residuals(theta), torch.func.jacrev(self.residuals)(theta).T.contiguous()


START = torch.tensor([-1.2, 1.0, -0.5, 0.8, 1.1, -0.3], dtype=torch.float64)
MAKERS = {
    "ssbroyden": SSBroyden,
    "lm": LevenbergMarquardt,
    "lbfgs": lambda theta: TorchOptimizer(theta, "lbfgs"),
}


def run(method, objective, most, loss=1e-20):
    method.bind(objective)
    for step in range(most):
        if method.loss <= loss:
            return step
        method.step()
    return most


@pytest.mark.parametrize("name", MAKERS)
def test_reaches_the_minimum_of_rosenbrock(name):
    method = MAKERS[name](START.clone())
    steps = run(method, Rosenbrock(), 300)
    assert steps < 200
    torch.testing.assert_close(method.theta, torch.ones(6, dtype=torch.float64), rtol=0, atol=1e-8)


def test_as_fast_as_scipy_bfgs():
    objective = Rosenbrock()
    run(SSBroyden(START.clone()), objective, 300, 1e-16)
    peer = minimize(rosen, START.numpy(), jac=rosen_der, method="BFGS", options={"gtol": 1e-9})
    assert objective.calls <= 2 * peer.nfev


def test_quadratic_in_a_finite_number_of_steps():
    scales = torch.logspace(0, 3, 8, dtype=torch.float64)

    class Quadratic:
        def loss_and_gradient(self, theta):
            return float((scales * theta.square()).sum()) / 2, scales * theta

    method = SSBroyden(torch.ones(8, dtype=torch.float64))
    assert run(method, Quadratic(), 100, 1e-24) < 60


@pytest.mark.parametrize("name", MAKERS)
def test_a_wall_is_never_crossed(name):
    method = MAKERS[name](START.clone())
    objective = Rosenbrock(wall=1.15)  # the minimum lies before the wall, long steps do not
    method.bind(objective)
    for _ in range(150):
        before = method.loss
        moved = method.step()
        assert math.isfinite(method.loss)
        assert math.isfinite(objective.loss(method.theta))
        assert method.loss < before if moved else method.loss == before
    torch.testing.assert_close(method.theta, torch.ones(6, dtype=torch.float64), rtol=0, atol=1e-6)


class Well:
    """A sum of −log(1 − θ²/r²), infinite beyond the radius r, where a unit step lies far outside."""

    def __init__(self, radius):
        self.radius = radius

    def loss_and_gradient(self, theta):
        if float(theta.abs().max()) >= self.radius:
            return math.inf, torch.zeros_like(theta)
        part = (theta / self.radius).square()
        return float(-torch.log1p(-part).sum()), 2 * theta / ((1 - part) * self.radius**2)


@pytest.mark.parametrize("radius", [1e-3, 1e-6, 1e-9])
def test_steps_of_steepest_descent_shrink_until_they_fit(radius):
    """A failed step of steepest descent used to be tried again unchanged, for ever."""
    start = radius * torch.tensor([0.5, -0.3, 0.8], dtype=torch.float64)
    method = SSBroyden(start)
    steps = run(method, Well(radius), 60, loss=1e-25)
    assert steps < 60
    assert float(method.theta.abs().max()) < 1e-12 * radius


def test_a_loss_may_fall_to_zero():
    """Products of gradients underflow before it does."""
    method = SSBroyden(torch.tensor([100.0, -60.0, 160.0], dtype=torch.float64))
    assert run(method, Well(200.0), 100, loss=0.0) < 100
    assert method.loss == 0.0


def test_adam_turns_back_at_a_wall():
    class Wall:
        def loss_and_gradient(self, theta):
            x = float(theta[0])
            return (1 - x if x < 0.0025 else math.inf), torch.tensor([-1.0], dtype=torch.float64)

    method = TorchOptimizer(torch.zeros(1, dtype=torch.float64), "adam")
    method.bind(Wall())
    moves = [method.step() for _ in range(30)]
    assert moves[:2] == [True, True]
    assert not all(moves)
    assert 0.002 <= float(method.theta[0]) < 0.0025


def test_a_new_function_keeps_the_iterate():
    method = SSBroyden(START.clone())
    run(method, Rosenbrock(), 20, 0.0)
    here, loss = method.theta.clone(), method.loss
    method.bind(Rosenbrock())
    assert torch.equal(method.theta, here)
    assert method.loss == pytest.approx(loss)


def test_lower_gram():
    rows = torch.randn(37, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(lower_gram(rows).tril(), (rows @ rows.T).tril())


@pytest.mark.parametrize("minimum", [0.6, 1.0, 1.7])
def test_cubic_minimum(minimum):
    def f(a):
        return (a - minimum) ** 2 + 0.1 * (a - minimum) ** 3

    def slope(a):
        return 2 * (a - minimum) + 0.3 * (a - minimum) ** 2

    assert cubic_minimum(f(0), slope(0), f(1), slope(1)) == pytest.approx(minimum)
    assert cubic_minimum(0.0, -1.0, -1.0, -1.0) == 2.0
