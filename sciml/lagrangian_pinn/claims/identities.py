r"""The change to labels, exactly: material derivative, diffusion, Jacobian, and the solutions of the test problems.

Notation: $w(x,t)$ the state, $X(\xi,t)$ the characteristic of label $\xi$, $W(\xi,t)=w(X(\xi,t),t)$, $J=X_\xi$. A
statement about derivatives of order at most two at a point depends on the Taylor polynomials of degree two there, so
that a proof for polynomials with free coefficients is one for all smooth functions.
"""

import itertools
import math

import hypothesis.strategies as st
import mpmath
import sympy as sp
import z3

from sciml.lagrangian_pinn.claims.paper import paper
from theory.characteristics import convection_diffusion_exact, eulerian_residual, lagrangian_residuals

x, t, w, xi = sp.symbols("x t w xi", real=True)
VARIABLES = (x, t, w)
c = sp.Symbol("c", real=True)
nu = sp.Symbol("nu", positive=True)


def quadratic(name, first, second):
    """The general polynomial of degree 2 in two variables."""
    powers = [(i, j) for i, j in itertools.product(range(3), repeat=2) if i + j <= 2]
    return sum(sp.Symbol(f"{name}{i}{j}", real=True) * first**i * second**j for i, j in powers)


def general_motion():
    """A state w(x, t) and characteristics X(ξ, t) with X(0, 0) = 0, general up to second order at the origin."""
    return quadratic("w", x, t), quadratic("X", xi, t).subs(sp.Symbol("X00", real=True), 0)


def at_origin(expression):
    """The value at ξ = x = t = 0, which stands for any point; J is X10 and not zero."""
    nonzero = sp.Symbol("J", nonzero=True)
    return expression.subs({xi: 0, x: 0, t: 0}).subs(sp.Symbol("X10", real=True), nonzero)


def as_jet(expression, function):
    """Derivatives, up to the fourth, of an undefined function as independent symbols, that of order zero positive."""
    first, second = function.args
    name = function.func.__name__
    orders = sorted((o for o in itertools.product(range(5), repeat=2) if sum(o) <= 4), key=sum, reverse=True)
    for i, j in orders:
        symbol = sp.Symbol(f"{name}_{i}{j}", real=True, **({"positive": True} if i + j == 0 else {}))
        expression = expression.subs(sp.diff(function, first, i, second, j) if i + j else function, symbol)
    return expression


@paper.claim(
    "Lagrangian form of the transport equation",
    tags=("identity",),
    mutants={
        "transport dropped": {"rate": lambda w_t, w_x, X_t: w_t},
        "transport with the other sign": {"rate": lambda w_t, w_x, X_t: w_t - X_t * w_x},
        "transport at the speed of the state": {"rate": lambda w_t, w_x, X_t: w_t + w * w_x},
    },
)
def state_on_a_characteristic_changes_by_the_material_derivative(check, rate=lambda w_t, w_x, X_t: w_t + X_t * w_x):
    r"""For smooth $w$ and $X$: $\frac{d}{dt}\,w(X(\xi,t),t)=w_t+X_t\,w_x$, taken at $x=X(\xi,t)$."""
    state, X = general_motion()
    along = rate(sp.diff(state, t), sp.diff(state, x), sp.diff(X, t)).subs(w, state).subs(x, X)
    check.proves(sp.Eq(sp.diff(state.subs(x, X), t), along))


def without_jacobian(f1, f2, X, W, label, variables):
    """What differentiating the network by its input gives: W_t − f2 W_ξξ."""
    pair = lagrangian_residuals(f1, 0, X, W, label, variables)
    return pair._replace(R_w=pair.R_w - f2 * sp.diff(W, label, 2))


def without_its_slope(f1, f2, X, W, label, variables):
    """W_ξξ/J², as if J did not depend on the label."""
    pair = lagrangian_residuals(f1, 0, X, W, label, variables)
    return pair._replace(R_w=pair.R_w - f2 * sp.diff(W, label, 2) / pair.J**2)


def with_one_jacobian(f1, f2, X, W, label, variables):
    """∂_ξ(W_ξ/J), the outer factor lost."""
    pair = lagrangian_residuals(f1, 0, X, W, label, variables)
    return pair._replace(R_w=pair.R_w - f2 * sp.diff(sp.diff(W, label) / pair.J, label))


@paper.claim(
    "Lagrangian pair (residuals of characteristics and state)",
    tags=("identity",),
    mutants={
        "Laplacian in labels, as released": {"residuals": without_jacobian},
        "slope of J dropped": {"residuals": without_its_slope},
        "one factor 1/J lost": {"residuals": with_one_jacobian},
    },
)
def pair_in_labels_is_the_transport_equation(check, residuals=lagrangian_residuals):
    r"""Let $J\neq0$ and $R=w_t+f_1w_x-f_2w_{xx}$. The residuals of the pair in labels satisfy $R_w=R+w_x\,R_x$.

    In labels $w_{xx}=J^{-1}\partial_\xi(J^{-1}W_\xi)$, and the pair is $R_x=X_t-f_1$,
    $R_w=W_t-f_2\,(W_{\xi\xi}/J^2-W_\xi J_\xi/J^3)$. Where the characteristics are exact, $R_x=0$, the pair and the
    transport equation are therefore the same equation.
    """
    state, X = general_motion()
    f1, f2 = (sum(sp.Symbol(f"{name}_{v}", real=True) * v for v in (x, t, w)) + sp.Symbol(name) for name in "ab")
    pair = residuals(f1, f2, X, state.subs(x, X), xi, VARIABLES)
    transport = eulerian_residual(f1, f2, state, VARIABLES)
    expected = (transport + sp.diff(state, x) * pair.R_x).subs(x, X)
    check.proves(sp.Eq(at_origin(pair.R_w), at_origin(expected)))


@paper.claim(
    "Lagrangian pair; released code",
    tags=("ours", "identity"),
    mutants={
        "J constant": {"condition": lambda J, slope: slope == 0},
        "J = 1 at the point": {"condition": lambda J, slope: J == 1},
    },
)
def laplacian_in_labels_is_diffusion_only_where_labels_keep_their_distance(
    check, condition=lambda J, slope: z3.And(J == 1, slope == 0)
):
    r"""With $J>0$, $W_{\xi\xi}=w_{xx}$ for every state if and only if $J=1$ and $J_\xi=0$, that is for $f_1=f_1(t)$.

    $W_{\xi\xi}=J^2w_{xx}+J_\xi w_x$, so that the excess is $(J^2-1)w_{xx}+J_\xi w_x$; two states, with one of the two
    derivatives 1 and the other 0, decide.
    """
    J, slope, w_x, w_xx = z3.Reals("J J_xi w_x w_xx")

    def excess(first, second):
        return (J * J - 1) * second + slope * first

    for_two_states = z3.And(excess(1, 0) == 0, excess(0, 1) == 0)
    needed = z3.Implies(for_two_states, condition(J, slope))
    enough = z3.Implies(condition(J, slope), excess(w_x, w_xx) == 0)
    check.proves(z3.Implies(J > 0, z3.And(needed, enough)))


@paper.claim(
    "Characteristics, Jacobian",
    tags=("identity",),
    mutants={
        "J missing": {"rate": lambda f1_x, f1_w, J, W_xi: f1_x + f1_w * W_xi / J},
        "share of the state dropped": {"rate": lambda f1_x, f1_w, J, W_xi: f1_x * J},
        "J counted twice": {"rate": lambda f1_x, f1_w, J, W_xi: f1_x * J + f1_w * W_xi * J},
    },
)
def jacobian_grows_with_the_slope_of_the_speed(check, rate=lambda f1_x, f1_w, J, W_xi: f1_x * J + f1_w * W_xi):
    r"""If $X_t=f_1(X,t,W)$, then $J_t=\partial_\xi f_1=f_{1,x}J+f_{1,w}W_\xi$.

    Hence $J=\exp\int_0^t f_{1,x}\,ds$ for $f_1(x,t)$, and $J_t=W_\xi=u_xJ$ for Burgers.
    """
    speed = quadratic("a", x, w)
    X, W = quadratic("X", xi, t), quadratic("W", xi, t)
    here = {x: X, w: W}
    along = [sp.diff(speed, v).subs(here, simultaneous=True) for v in (x, w)]
    J_t = sp.diff(speed.subs(here, simultaneous=True), xi)
    expected = rate(*along, sp.diff(X, xi), sp.diff(W, xi))
    check.proves(sp.Eq(at_origin(J_t), at_origin(expected)))


@paper.claim(
    "inviscid Burgers (textbook)",
    tags=("identity",),
    mutants={
        "slope kept": {"slope": lambda start, t: start},
        "rarefied where compressed": {"slope": lambda start, t: start / (1 - t * start)},
        "J squared": {"slope": lambda start, t: start / (1 + t * start) ** 2},
    },
)
def inviscid_slope_is_the_initial_one_over_the_jacobian(check, slope=lambda start, t: start / (1 + t * start)):
    r"""Inviscid Burgers, $u=w_0(\xi)$ at $x=\xi+t\,w_0(\xi)$: $J=1+t\,w_0'$ and $u_x=w_0'/(1+t\,w_0')$.

    The slope has no bound as $t\to t^*=-1/\min w_0'$.
    """
    start = sp.Function("u")(xi, t)
    label_rate = sp.diff(xi + t * start, xi)
    statement = sp.Eq(slope(sp.diff(start, xi), t) * label_rate, sp.diff(start, xi))
    size = sp.Symbol("p", positive=True)  # 1 + t w0' is positive before the shock
    check.proves(
        as_jet(statement, start)
        .subs(sp.Symbol("u_10", real=True), (size - 1) / t)
        .subs(t, sp.Symbol("s", positive=True))
    )


@paper.claim(
    "convection-diffusion",
    tags=("identity",),
    mutants={
        "characteristics twice as fast": {"move": lambda label: label + 2 * c * t},
        "speed modulated in space": {"speed": c * (1 + sp.sin(x) / 2)},
        "speed proportional to the state": {"speed": c * w},
    },
)
def at_constant_speed_the_state_in_labels_does_not_see_the_speed(check, move=lambda label: label + c * t, speed=c):
    r"""For $f_1=c$, $f_2=\nu$ the characteristics $X=\xi+ct$ have $J=1$ and leave $W_t=\nu W_{\xi\xi}$, without $c$."""
    W = sp.Function("W")(xi, t)
    pair = lagrangian_residuals(speed, nu, move(xi), W, xi, VARIABLES)
    heat = sp.diff(W, t) - nu * sp.diff(W, xi, 2)
    misfit = pair.R_x**2 + (pair.J - 1) ** 2 + (pair.R_w - heat) ** 2
    check.proves(sp.Eq(as_jet(misfit, W), 0), says="no residual of X, J = 1, and the heat equation, together")


def travelling_mode(k, a, phase):
    """a e^{−νk²t} sin(k(x − ct) + φ)."""
    return a * sp.exp(-nu * k**2 * t) * sp.sin(k * (x - c * t) + phase)


@paper.claim(
    "convection, convection-diffusion: exact solutions",
    tags=("identity",),
    mutants={
        "decay with k": {"mode": lambda k, a, p: a * sp.exp(-nu * k * t) * sp.sin(k * (x - c * t) + p)},
        "every mode with phase ct": {"mode": lambda k, a, p: a * sp.exp(-nu * k**2 * t) * sp.sin(k * x - c * t + p)},
        "against the wind": {"mode": lambda k, a, p: a * sp.exp(-nu * k**2 * t) * sp.sin(k * (x + c * t) + p)},
    },
)
def every_mode_travels_and_decays_on_its_own(check, mode=travelling_mode):
    r"""$a\,e^{-\nu k^2t}\sin(k(x-ct)+\varphi)$ solves $u_t+c\,u_x=\nu u_{xx}$ for all $k$, $a$, $\varphi$, $c$, $\nu$.

    The sum of three such modes, in 30 digits, is what `convection_diffusion_exact` returns; $kct$ is allowed its
    rounding.
    """
    k, a, phase = sp.Symbol("k", integer=True), sp.Symbol("a", real=True), sp.Symbol("varphi", real=True)
    check.proves(sp.Eq(eulerian_residual(c, nu, mode(k, a, phase), VARIABLES), 0))
    value = sp.lambdify((x, t, c, nu), sum(mode(*m) for m in ((1, 1, 0), (2, -0.5, 0.25), (5, 0.125, 2))), "mpmath")

    def returned(X, T, speed, viscosity):
        modes = ((1, 1.0, 0.0), (2, -0.5, 0.25), (5, 0.125, 2.0))
        with mpmath.workdps(30):
            exact = value(*(mpmath.mpf(v) for v in (X, T, speed, viscosity)))
        found = convection_diffusion_exact(X, T, speed, viscosity, modes)
        return abs(found - float(exact)) <= 2.0**-50 * (1 + abs(X) + abs(speed) * T) * 5

    unit = st.floats(0, 1)
    check.forall(
        returned, X=st.floats(0, 2 * math.pi), T=unit, speed=st.floats(-100, 100), viscosity=unit, says="as shipped"
    )


@paper.claim(
    "viscous Burgers (textbook: Cole–Hopf)",
    tags=("identity",),
    mutants={
        "factor 2 lost": {"transform": lambda phi: -nu * sp.diff(phi, x) / phi},
        "not divided by φ": {"transform": lambda phi: -2 * nu * sp.diff(phi, x)},
        "other sign": {"transform": lambda phi: 2 * nu * sp.diff(phi, x) / phi},
    },
)
def cole_hopf_turns_burgers_into_the_heat_equation(check, transform=lambda phi: -2 * nu * sp.diff(phi, x) / phi):
    r"""For $u=-2\nu\varphi_x/\varphi$:
    $u_t+u\,u_x-\nu u_{xx}=-2\nu\,\partial_x[(\varphi_t-\nu\varphi_{xx})/\varphi]$.
    """
    phi = sp.Function("phi")(x, t)
    left = eulerian_residual(w, nu, transform(phi), VARIABLES)
    right = -2 * nu * sp.diff((sp.diff(phi, t) - nu * sp.diff(phi, x, 2)) / phi, x)
    check.proves(as_jet(sp.Eq(left.doit(), right.doit()), phi))


@paper.claim(
    "viscous Burgers with a moving shock",
    tags=("identity",),
    mutants={
        "mean added, frame at rest": {"boost": lambda u: c + u},
        "frame moved, mean not added": {"boost": lambda u: u.subs(x, x - c * t)},
        "frame moved the other way": {"boost": lambda u: c + u.subs(x, x + c * t)},
    },
)
def a_mean_moves_the_burgers_wave_and_changes_nothing_else(check, boost=lambda u: c + u.subs(x, x - c * t)):
    r"""$u(x,t)$ solves viscous Burgers if and only if $c+u(x-ct,t)$ does: both leave the same residual.

    The moving shock of the benchmark is the resting one of $c=0$ seen from a moving frame.
    """
    u = quadratic("u", x, t)
    resting = eulerian_residual(w, nu, u, VARIABLES).subs(x, x - c * t)
    check.proves(sp.Eq(eulerian_residual(w, nu, boost(u), VARIABLES), resting))
