r"""How the curvature of the loss depends on the speed $c$: for any network, and at trained ones.

$\theta$ is a direction in the space of weights. The Gauss-Newton curvature of a loss $\frac12\sum R^2$ is
$\sum R_\theta^2$, the full one $\sum(R_\theta^2+R\,R_{\theta\theta})$; a matrix follows from its values in all
directions.
"""

import functools
import itertools
import math

import hypothesis.strategies as st
import sympy as sp
import torch
from torch.func import hessian, jvp

from sciml.lagrangian_pinn import EulerianPINN, LagrangianPINN, Objective, Problem
from sciml.lagrangian_pinn.claims.identities import VARIABLES, at_origin, c, nu, t, x, xi
from sciml.lagrangian_pinn.claims.paper import paper
from theory.characteristics import eulerian_residual, lagrangian_residuals

theta = sp.Symbol("theta", real=True)
SPEEDS = (0, 10, 30, 50, 100)


def of_weights(name, place):
    """A function of θ, a place and t with free derivatives at the origin, two by θ and two by the place."""
    orders = [(i, j, k) for i, j, k in itertools.product(range(3), range(3), range(2)) if j + k <= 2]
    return sum(sp.Symbol(f"{name}{i}{j}{k}", real=True) * theta**i * place**j * t**k for i, j, k in orders)


def curvatures(residuals):
    """Gauss-Newton and full curvature of half the sum of squares, in the direction θ at θ = 0."""
    newton = sum(sp.diff(R, theta) ** 2 for R in residuals)
    full = newton + sum(R * sp.diff(R, theta, 2) for R in residuals)
    return tuple(at_origin(part.subs(theta, 0)) for part in (newton, full))


def points():
    """96 places and times."""
    unit = torch.rand(2, 96, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return 2 * math.pi * unit[0], unit[1]


def jets(network, weights, place, time, order):
    """Values and derivatives of a network by automatic differentiation, in the order of the engine's own recurrence."""

    def value(place, time):
        angle = place * torch.arange(1, network.harmonics + 1, dtype=place.dtype)[:, None] * (2 * math.pi / network.L)
        a = torch.cat([torch.cos(angle), torch.sin(angle), 2 * time[None] / network.T - 1]).unsqueeze(0)
        *hidden, last = network.layers(weights)
        for weight, bias in hidden:
            a = torch.tanh(weight @ a + bias[..., None])
        return (last[0] @ a + last[1][..., None])[:, 0]

    ones = torch.ones_like(place)
    along = lambda f: lambda p: jvp(f, (p,), (ones,))[1]  # noqa: E731
    parts, derivative = [value(place, time), along(lambda s: value(place, s))(time)], lambda p: value(p, time)
    for _ in range(order):
        derivative = along(derivative)
        parts.append(derivative(place))
    return torch.stack(parts, 1)


def half_loss(model, place, time):
    """Half the loss as a function of the weights, by :func:`jets`."""
    known = model.points(place, time)
    return lambda weights: (
        model.residuals(jets(model.network, weights, place, time, model.order), known).square().sum() / 2 / len(place)
    )


def fixed_frame(speed):
    """The network in a frame at rest, for convection of sin x."""
    return EulerianPINN(Problem(float(speed), 0.0, torch.sin), harmonics=1, width=8)


def on_characteristics(speed, width=8):
    """The paper's branches, X = ξ + t N: no frame shift, and no unit of velocity."""
    model = LagrangianPINN(Problem(float(speed), 0.0, torch.sin), 0.0, width=width)
    model.speed = 1.0
    model.theta = model.network.initial(0)
    return model


@functools.cache
def matrices(make, speed):
    """Gauss-Newton matrix by the engine's Jacobian, and the Hessian by automatic differentiation, at the first weights.

    Both networks take the same weights at all speeds.
    """
    model, (place, time) = make(speed), points()
    _, jacobian = Objective(model, place, time).residuals_and_jacobian(model.theta)
    return jacobian @ jacobian.T, hessian(half_loss(model, place, time))(model.theta)


def is_polynomial(make, which, degree, speed):
    """Whether a matrix at ``speed`` is what the polynomial through those at 0, 50, 100 says; 1e-10 is for rounding."""
    nodes = [0, 50, 100][: degree + 1]
    weights = [math.prod((speed - b) / (a - b) for b in nodes if b != a) for a in nodes]
    expected = sum(weight * matrices(make, node)[which] for weight, node in zip(weights, nodes, strict=True))
    found = matrices(make, speed)[which]
    return float((found - expected).norm()) <= 1e-10 * float(found.norm() + matrices(make, 100)[which].norm())


@paper.claim(
    "loss landscapes are less sensitive to the speed",
    tags=("ours", "identity"),
    mutants={
        "affine": {"leading": lambda w_x: 0 * w_x, "degree": 1},
        "of degree 0": {"leading": lambda w_x: w_x**2, "degree": 0},
        "leading term without the slope": {"leading": lambda w_x: sp.diff(w_x, theta) ** 2, "degree": 1},
    },
)
def in_a_fixed_frame_curvature_grows_with_the_square_of_the_speed(
    check, leading=lambda w_x: sp.diff(w_x, theta) ** 2 + w_x * sp.diff(w_x, theta, 2), degree=2
):
    r"""The residual $w_t+cw_x-\nu w_{xx}$ is affine in $c$, so that the loss curves like $A+Bc+Cc^2$ exactly, with
    $C=w_{x\theta}^2+w_xw_{x\theta\theta}$ a point; the Gauss-Newton part has $C=w_{x\theta}^2$.

    For any network and any weights, hence at any weights one may compare. The Hessian of a network of 113 weights is
    the polynomial through three speeds.
    """
    state = of_weights("w", x)
    _, full = curvatures([eulerian_residual(c, nu, state, VARIABLES)])
    expected = at_origin(leading(sp.diff(state, x)).subs(theta, 0))
    check.proves(sp.Eq((sp.diff(full, c, 2) / 2 - expected) ** 2 + sp.diff(full, c, 3) ** 2, 0))

    def agrees(speed):
        return all(is_polynomial(fixed_frame, which, degree, speed) for which in range(2))

    check.forall(agrees, examples=12, speed=st.sampled_from([10, 30, 70, 200]), says="as shipped")


def top_eigenvalues(make):
    """The largest eigenvalue of both matrices at the first weights."""
    top = lambda matrix: float(torch.linalg.eigvalsh(matrix)[-1])  # noqa: E731
    return {
        name: [top(matrices(make, speed)[which]) for speed in SPEEDS]
        for which, name in enumerate(("gauss_newton", "hessian"))
    }


@paper.claim(
    "loss landscapes are less sensitive to the speed",
    tags=("ours", "identity"),
    mutants={
        "Hessian independent of the speed": {"growth": lambda X: 0 * X, "degrees": (0, 0)},
        "Hessian quadratic": {"growth": lambda X: -sp.diff(X, theta, 2, t) - c, "degrees": (1, 2)},
        "grows with the slope of the tangent": {"growth": lambda X: -sp.diff(X, theta, t), "degrees": (0, 0)},
    },
)
def on_characteristics_gauss_newton_is_blind_to_the_speed_and_the_hessian_is_affine(
    check, growth=lambda X: -sp.diff(X, theta, 2, t), degrees=(0, 1)
):
    r"""For $f_1=c$ the speed is in $R_x=X_t-c$ only: the Gauss-Newton curvature does not contain it, the full one is
    affine in $c$ with slope $-X_{t\theta\theta}$ a point.

    So the Hessian does depend on the speed, through residuals that are not small: at the first weights its largest
    eigenvalue grows in proportion to $c$, and where $R_x=0$ it does not. This is for the paper's $X=\xi+t\,N$; with a
    branch in units of $c$ the weights of a solution stay put instead, and its Gauss-Newton curvature grows with $c^2$.
    """
    X, W = of_weights("X", xi), of_weights("W", xi)
    newton, full = curvatures(lagrangian_residuals(c, nu, X, W, xi, VARIABLES)[:2])
    slope = sp.diff(full, c) - at_origin(growth(X).subs(theta, 0))
    check.proves(sp.Eq(sp.diff(newton, c) ** 2 + slope**2, 0))

    def agrees(speed):
        return all(is_polynomial(on_characteristics, which, degrees[which], speed) for which in range(2))

    check.forall(agrees, examples=12, speed=st.sampled_from([10, 30, 70, 200]), says="as shipped")
    for name, make in (("fixed frame", fixed_frame), ("on characteristics", on_characteristics)):
        check.table(f"first weights, {name}", speed=SPEEDS, **top_eigenvalues(make))
