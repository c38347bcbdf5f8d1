"""Derivatives of a solve: on the frozen grid, by the continuous adjoint, of Taylor terms (Sections 2 and 3)."""

import functools
import importlib.util

import hypothesis.strategies as st
import numpy as np
import sympy as sp
import torch

from sciml.neural_de.claims.paper import paper
from sciml.neural_de.heuristics import HEURISTICS
from sciml.neural_de.regularizers import total_derivative
from sciml.neural_de.solve import solve

ALL = tuple(HEURISTICS)
SEEDS = st.integers(0, 2**31)


def field(weights):
    """z' = tanh(z W₁ + t) W₂ from 18 weights, for states of dimension 3."""
    W1, W2 = weights[:9].view(3, 3), weights[9:].view(3, 3)
    return lambda t, y: torch.tanh(y @ W1 + t) @ W2


def heuristics_of(weights, y0, grid=None, detach_scale=False):
    return solve(
        field(weights), y0, 0.0, 2.0, rtol=1e-6, atol=1e-6, heuristics=ALL, grid=grid, detach_scale=detach_scale
    )


def on_the_tape(weights, y0, direction):
    """Directional derivatives of all five sums by backpropagation, and the grid."""
    weights = weights.clone().requires_grad_()
    found = heuristics_of(weights, y0)
    slopes = {
        name: (torch.autograd.grad(value, weights, retain_graph=True)[0] @ direction).item()
        for name, value in found.heuristics.items()
    }
    return slopes, found.ts


def scale_held_constant(weights, y0, direction):
    weights = weights.clone().requires_grad_()
    found = heuristics_of(weights, y0, detach_scale=True)
    return {
        name: (torch.autograd.grad(value, weights, retain_graph=True)[0] @ direction).item()
        for name, value in found.heuristics.items()
    }, found.ts


def central(weights, y0, direction, grid, step):
    """The same derivatives by central differences, both solves on one grid (``None``: each on its own)."""
    with torch.no_grad():
        ahead, behind = (heuristics_of(weights + s * direction, y0, grid).heuristics for s in (step, -step))
    return {name: ((ahead[name] - behind[name]) / (2 * step)).item() for name in ALL}


@paper.claim(
    "Section 2 (discrete adjoint)",
    tags=("ours", "identity"),
    mutants={
        "the grid chosen again": {"grid_of": lambda ts: None},
        "every other step": {"grid_of": lambda ts: (*ts[:-1:2], ts[-1])},
        "scale held constant in the tape only": {"gradient": scale_held_constant},
    },
)
def gradients_of_the_sums_are_taken_on_the_frozen_grid(check, gradient=on_the_tape, grid_of=lambda ts: ts):
    r"""$\nabla R$ := the derivative of $R$ on the grid that was chosen at $\theta$. The tape gives it for all five
    sums.

    Against central differences of step $s = 10^{-5}$ along a random direction of length 1. Their truncation is allowed
    for by what the step $2s$ changes, three times its estimate; their rounding, $10^{-16}/s$ of the slopes over the
    size of err, $10^{-6}$ and more of them, by $10^{-5}$ of the sum and its derivative. A solver that chooses its steps
    anew has another derivative, often of the other sign.
    """

    def agree(seed):
        rng = np.random.default_rng(seed)
        weights, y0 = torch.tensor(rng.normal(size=18)), torch.tensor(rng.normal(size=(4, 3)))
        direction = torch.tensor(rng.normal(size=18))
        direction /= direction.norm()
        found, ts = gradient(weights, y0, direction)
        near, far, other = (central(weights, y0, direction, *x) for x in ((ts, 1e-5), (ts, 2e-5), (grid_of(ts), 1e-5)))
        with torch.no_grad():
            size = heuristics_of(weights, y0, ts).heuristics
        allowed = {name: abs(near[name] - far[name]) + 1e-5 * (abs(near[name]) + float(size[name])) for name in ALL}
        return all(abs(found[name] - other[name]) <= allowed[name] for name in ALL)

    check.forall(agree, examples=10, seed=SEEDS)


TOLERANCES = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)


def exact_gradient():
    """d y(T)/d a of y' = cos(a t) y, y(0) = 1: y = exp(sin(at)/a)."""
    a, T = 1.7, 3.0
    return np.exp(np.sin(a * T) / a) * (T * np.cos(a * T) / a - np.sin(a * T) / a**2)


def swinging(a):
    return lambda t, y: torch.cos(a * t) * y


def discrete(tolerance):
    """The tape's gradient, and the derivative of the computed end state on its grid by a central difference."""
    a, y0 = torch.tensor(1.7, dtype=torch.float64, requires_grad=True), torch.ones(1, dtype=torch.float64)
    found = solve(swinging(a), y0, 0.0, 3.0, rtol=tolerance, atol=tolerance)
    (gradient,) = torch.autograd.grad(found.y.sum(), a)
    with torch.no_grad():
        ends = [solve(swinging(a + s), y0, 0.0, 3.0, grid=found.ts).y.item() for s in (1e-5, -1e-5)]
    return gradient.item(), (ends[0] - ends[1]) / 2e-5


def continuous(tolerance):
    """The gradient by a backward solve of state, adjoint and sensitivity, from the computed end state."""
    a, y0 = torch.tensor(1.7, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    options = {"rtol": tolerance, "atol": tolerance}

    def backwards(t, z):
        y, p = z[0], z[1]
        return torch.stack([torch.cos(a * t) * y, -torch.cos(a * t) * p, p * t * torch.sin(a * t) * y])

    with torch.no_grad():
        end = solve(swinging(a), y0, 0.0, 3.0, **options).y
        gradient = solve(backwards, torch.cat([end, torch.ones(1), torch.zeros(1)]).double(), 3.0, 0.0, **options).y[2]
    return gradient.item(), discrete(tolerance)[1]


@paper.claim(
    "Section 2 (discrete and continuous adjoint)",
    tags=("identity",),
    mutants={
        "the continuous adjoint in its place": {"method": continuous},
        "a hundredth of a per cent off": {"method": lambda tol: (discrete(tol)[0] * 1.0001, discrete(tol)[1])},
    },
)
def discrete_adjoint_is_the_exact_derivative_of_the_computed_number(check, method=discrete):
    r"""The tape's gradient is the derivative of the end state as computed, whatever the tolerance, to $10^{-8}$.

    That of the continuous adjoint is not: it differs from it by about the tolerance, as both do from the derivative of
    the exact solution. For $z' = \cos(at)\,z$; $10^{-8}$ is what a central difference of step $10^{-5}$ leaves.
    """
    check.forall(
        lambda tolerance: abs(np.subtract(*method(tolerance))) <= 1e-8,
        examples=len(TOLERANCES),
        says="against a difference on the grid",
        tolerance=st.sampled_from(TOLERANCES),
    )
    exact = exact_gradient()
    both = [(abs(discrete(tol)[0] - exact), abs(continuous(tol)[0] - exact)) for tol in TOLERANCES]
    check.note(
        tolerance=TOLERANCES,
        discrete_error=[error for error, _ in both],
        continuous_error=[error for _, error in both],
    )


def stages_on_the_tape(adjoint):
    """How many of the slopes that torchdiffeq's forward pass evaluates are on the tape, and of how many."""
    torchdiffeq = importlib.import_module("torchdiffeq")
    torch.manual_seed(0)
    net, taped = torch.nn.Linear(2, 2, dtype=torch.float64), []

    class Field(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, t, y):
            slope = torch.tanh(self.net(y))
            taped.append(slope.requires_grad)
            return slope

    times = torch.tensor([0.0, 1.0], dtype=torch.float64)
    integrate = torchdiffeq.odeint_adjoint if adjoint else torchdiffeq.odeint
    end = integrate(Field(), torch.ones(1, 2, dtype=torch.float64), times, method="dopri5", options={"first_step": 0.1})
    assert end.requires_grad
    return sum(taped), len(taped)


@paper.claim(
    "Section 3 (which adjoint)",
    tags=("ours", "identity"),
    mutants={
        "the discrete adjoint": {"stages": lambda: stages_on_the_tape(adjoint=False)},
    },
)
def continuous_adjoint_has_no_gradient_of_the_sums(check, stages=lambda: stages_on_the_tape(adjoint=True)):
    r"""Under a continuous adjoint no slope of the forward pass is on the tape, so that $R_E$ and $R_S$ would be
    constants.

    Counted in torchdiffeq's ``odeint_adjoint``, whose end state does require a gradient: the sums need the discrete
    adjoint, and asking for both has to be refused.
    """
    if importlib.util.find_spec("torchdiffeq") is None:
        check.skip("torchdiffeq is not installed")
    found, evaluated = stages()
    check.forall(
        lambda each: found == 0 and evaluated > 6, examples=1, each=st.just(evaluated), says="slopes on the tape"
    )


@functools.cache
def symbolic_derivatives():
    """D¹ … D⁴ of f = (z₂ cos t, z₁² − t z₂) by the chain rule in sympy, as functions."""
    t, x, y = sp.symbols("t x y")
    f = [y * sp.cos(t), x**2 - t * y]
    derivatives = [f]
    for _ in range(3):
        g = derivatives[-1]
        derivatives.append(
            [sp.diff(c, t) + sum(sp.diff(c, v) * fv for v, fv in zip((x, y), f, strict=True)) for c in g]
        )
    return [sp.lambdify((t, x, y), d) for d in derivatives]


def without_explicit_time(f, order):
    """The recursion D^{k+1} = f·∇D^k, correct for autonomous fields only."""
    if order == 1:
        return f
    lower = without_explicit_time(f, order - 1)
    return lambda t, y: torch.func.jvp(lambda y: lower(t, y), (y,), (f(t, y),))[1]


def along_the_first_slope(f, order):
    """Repeated derivatives along a slope that is not itself differentiated."""
    if order <= 2:
        return total_derivative(f, order)

    def derivative(t, y):
        slope = f(t, y).detach()
        g = f
        for _ in range(order - 1):
            g = functools.partial(lambda g, t, y: torch.func.jvp(g, (t, y), (torch.ones_like(t), slope))[1], g)
        return g(t, y)

    return derivative


@paper.claim(
    "Section 3 (R_K of TayNODE)",
    tags=("identity",),
    mutants={
        "the explicit time forgotten": {"formula": without_explicit_time},
        "the slope held constant": {"formula": along_the_first_slope},
        "one order less": {"formula": lambda f, order: total_derivative(f, max(1, order - 1))},
    },
)
def taylor_terms_follow_the_total_derivative(check, formula=total_derivative):
    r"""$d^Kz/dt^K = (\partial_t + f \cdot \nabla)^{K-1} f$ along a solution, $K = 1 \dots 4$, by nested forward
    derivatives.

    Against sympy's derivatives of a nonlinear, time-dependent field, to $10^{-12}$ of the largest entry plus 1: a few
    thousand roundings.
    """

    def f(t, z):
        return torch.stack([z[1] * torch.cos(t), z[0] ** 2 - t * z[1]])

    def agree(order, t, x, y):
        expected = np.array(symbolic_derivatives()[order - 1](t, x, y))
        found = formula(f, order)(*(torch.tensor(v, dtype=torch.float64) for v in (t, [x, y])))
        return bool(np.abs(found.numpy() - expected).max() <= 1e-12 * (1 + np.abs(expected).max()))

    unit = st.floats(-2, 2)
    check.forall(agree, examples=120, order=st.integers(1, 4), t=unit, x=unit, y=unit)
