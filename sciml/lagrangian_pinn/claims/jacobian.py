r"""What becomes of the distance between characteristics, $J=X_\xi$, when a Burgers wave steepens into a shock.

Where the characteristics are the coordinates, diffusion is $\nu J^{-1}\partial_\xi(J^{-1}W_\xi)$: the smaller $J$, the
harder the equation. Notation as in the exact solutions; $c=0$, since $J$ does not depend on it, and $A=1$, so that the
inviscid shock forms at $t^*=1$ at the label $\pi$.
"""

import functools
import itertools
import math

import hypothesis.strategies as st
import numpy as np
import sympy as sp
from flint import arb
from scipy.integrate import quad
from scipy.optimize import brentq

from sciml.lagrangian_pinn.claims.exact_solutions import bits, heat_series, wave
from sciml.lagrangian_pinn.claims.identities import VARIABLES, as_jet, nu, t, w, x, xi
from sciml.lagrangian_pinn.claims.paper import paper
from theory.characteristics import (
    burgers_exact,
    burgers_slope,
    burgers_trajectories,
    jacobian_floor,
    lagrangian_residuals,
)
from verify.certified import precision

VISCOSITIES = (0.1, 0.03, 0.01)
TIMES = (0.5, 0.9, 1.0, 1.2, 1.5, 2.0)


@paper.claim(
    "Lagrangian pair; viscous Burgers",
    tags=("ours", "identity"),
    mutants={
        "flux of the fixed frame": {"flux": lambda W, J: W**2 / 2 - nu * sp.diff(W, xi) / J},
        "flux W²": {"flux": lambda W, J: W**2 + nu * sp.diff(W, xi) / J},
        "state not weighed by J": {"density": lambda W, J: W},
        "diffusion in labels": {"flux": lambda W, J: W**2 / 2 + nu * sp.diff(W, xi)},
    },
)
def weighed_by_its_jacobian_the_state_is_conserved(
    check, density=lambda W, J: W * J, flux=lambda W, J: W**2 / 2 + nu * sp.diff(W, xi) / J
):
    r"""Burgers in labels is the conservation law $(WJ)_t=\partial_\xi(W^2/2+\nu W_\xi/J)$.

    With the residuals of the pair, $(WJ)_t-\partial_\xi(\dots)=J\,R_w+W\,\partial_\xi R_x$ for all $X$ and $W$. Over a
    period $\int WJ\,d\xi=\int w\,dx$ is therefore constant, with viscosity or without.
    """
    X, W = (sp.Function(name)(xi, t) for name in "XW")
    pair = lagrangian_residuals(w, nu, X, W, xi, VARIABLES)
    law = sp.diff(density(W, pair.J), t) - sp.diff(flux(W, pair.J), xi)
    statement = sp.Eq(law.doit(), (pair.J * pair.R_w + W * sp.diff(pair.R_x, xi)).doit())
    apart = sp.Symbol("J", positive=True)
    check.proves(as_jet(as_jet(statement, X), W).subs(sp.Symbol("X_10", real=True), apart))


@paper.claim(
    "viscous Burgers with a moving shock",
    tags=("ours", "identity"),
    mutants={
        "ratio not squared": {"power": 1},
        "cubed": {"power": 3},
        "inverse": {"power": -2},
    },
)
def jacobian_at_the_shock_is_a_squared_ratio_of_heat_solutions(check, power=2):
    r"""Where the wave is odd, $\varphi_x=0$, the label stays and $J(\pi,t)=(\varphi(\pi,0)/\varphi(\pi,t))^2$.

    With $u=-2\nu\varphi_x/\varphi$ and $\varphi_t=\nu\varphi_{xx}$ both sides grow at the rate
    $u_x=-2\nu\varphi_{xx}/\varphi=-2\varphi_t/\varphi$.
    """
    phi = sp.Function("phi")(x, t)
    u_x = sp.diff(-2 * nu * sp.diff(phi, x) / phi, x)
    rate = sp.diff(-power * sp.log(phi), t).subs(sp.diff(phi, t), nu * sp.diff(phi, x, 2))
    odd = {sp.Symbol("phi_10", real=True): 0}
    check.proves(as_jet(sp.Eq(rate, u_x), phi).subs(odd))


@functools.cache
def compression(viscosity, time):
    """(φ(π, 0)/φ(π, t))² from the Fourier–Bessel series, in balls."""
    with precision(bits(1.0, viscosity)):
        now = heat_series(arb.pi(), time, viscosity)[0].real
        ratio = (-1 / (2 * arb(viscosity))).exp() / now
        return ratio * ratio


@paper.claim(
    "viscous Burgers with a moving shock",
    tags=("ours", "identity"),
    mutants={
        "ratio not squared": {"floor": lambda nu, A, T: np.sqrt(jacobian_floor(nu, A, T))},
        "twice the viscosity": {"floor": lambda nu, A, T: jacobian_floor(2 * nu, A, T)},
        "without viscosity": {"floor": lambda nu, A, T: max(1 - A * T, 0.0)},
        "rate of the last moment": {"floor": lambda nu, A, T: math.exp(T * burgers_slope(math.pi, T, nu, A))},
    },
)
def labels_at_the_shock_are_compressed_as_computed(check, floor=jacobian_floor):
    r"""`jacobian_floor` is $J(\pi,T)=(\varphi(\pi,0)/\varphi(\pi,T))^2$ to $10^{-13}\,(1+|\log J|)$ of itself.

    It is also $\exp\int_0^Tu_x(\pi,s)\,ds$, by adaptive quadrature over the slope of the Fourier-Bessel series, whose
    error estimate is allowed. This number tells whether the pair in labels can be trained.
    """
    for viscosity, time in itertools.product(VISCOSITIES, TIMES):
        value, exact = functools.partial(arb, float(floor(viscosity, 1.0, time))), compression(viscosity, time)
        allowed = 1e-13 * (1 - math.log(float(exact))) * float(exact)
        check.certifies_value(value, exact, within=allowed, says=f"ν = {viscosity}, T = {time}")

    def integrates_the_slope(viscosity, time):
        logarithm, error = quad(lambda s: float(wave(viscosity, s, math.pi)[1]), 0, time, epsabs=1e-9, epsrel=1e-9)
        return abs(math.log(floor(viscosity, 1.0, time)) - logarithm) <= error + 1e-12

    times = st.sampled_from([0.25, 0.75, 1.0, 1.25])
    check.forall(integrates_the_slope, examples=8, viscosity=st.sampled_from([0.1, 0.05]), time=times)
    shown = np.linspace(0, 2, 81)
    check.table("floor", time=shown, **{f"nu_{v}": jacobian_floor(v, 1.0, shown) for v in VISCOSITIES})


@paper.claim(
    "viscous Burgers with a moving shock",
    tags=("ours", "inequality"),
    mutants={
        "5 % higher": {"floor": lambda nu, T: 1.05 * jacobian_floor(nu, 1.0, T)},
        "of the inviscid wave at half time": {"floor": lambda nu, T: 1 - T / 2},
        "of twice the viscosity": {"floor": lambda nu, T: jacobian_floor(2 * nu, 1.0, T)},
    },
)
def no_label_is_compressed_more_than_the_one_at_the_shock(check, floor=lambda nu, T: jacobian_floor(nu, 1.0, T)):
    r"""$J(\xi,T)\ge J(\pi,T)$ at every label.

    Tested on the mean of $J$ between two labels a hundredth apart, by integrating both characteristics; the allowance
    $10^{-8}$ is their tolerance $10^{-11}$ over that distance, with ten for its accumulation.
    """

    def keeps_its_distance(viscosity, label, time):
        ends = np.array([label - 0.005, label + 0.005])
        left, right = burgers_trajectories(ends, np.array([time]), viscosity)[:, 0]
        return (right - left) / 0.01 >= floor(viscosity, time) - 1e-8

    check.forall(
        keeps_its_distance,
        examples=60,
        viscosity=st.floats(0.01, 0.3),
        label=st.just(math.pi) | st.floats(0, 6),
        time=st.floats(0.05, 1.4),
    )


def height(time):
    """max over s of 1 − cos s − s²/2T, at the positive root of sin s = s/T after the shock time."""
    foot = brentq(lambda s: math.sin(s) - s / time, 1e-9, math.pi) if time > 1 + 1e-9 else 0.0
    return 1 - math.cos(foot) - foot**2 / (2 * time)


@paper.claim(
    "viscous Burgers with a moving shock",
    tags=("ours", "inequality"),
    mutants={
        "full jump, four times as much": {"rate": lambda T: 4 * height(T)},
        "half as much": {"rate": lambda T: height(T) / 2},
        "a tenth more": {"rate": lambda T: 1.1 * height(T)},
        "the jump of the start": {"rate": lambda T: T / 2},
    },
)
def labels_collapse_exponentially_in_one_over_the_viscosity(check, rate=height):
    r"""$H(T)-\nu T\le-\nu\log J(\pi,T)\le H(T')+\nu\log(T'/(T'-T))$ for every $T'>T$, $H(T)=\max_s(1-\cos s-s^2/2T)$.

    $H$ is 0 up to the shock and then grows at the rate $H'=a^2/2$; $a$ is half the jump of the shock, $a=\sin aT$ at
    $s=aT$, hence $J$ falls like $e^{-a^2t/2\nu}$. Both bounds are of $J^{-1/2}=E\exp((1-\cos S)/2\nu)$ with a Gaussian
    $S$ of variance $2\nu T$: below by moving its mean to $s$ (Gibbs), above by $1-\cos S\le H(T')+S^2/2T'$. Certified
    with $T'=1.05\,T$ and the series for $J$.
    """
    for viscosity, time in itertools.product(VISCOSITIES, (1.2, 1.5, 2.0)):
        says = f"ν = {viscosity}, T = {time}"
        later = 1.05 * time
        reached = functools.partial(lambda v, T: -arb(v) * compression(v, T).log(), viscosity, time)
        low = rate(time) - viscosity * time
        high = rate(later) + viscosity * math.log(later / (later - time))
        check.certifies(functools.partial(lambda f, low: f() - arb(low), reached, low), over={}, says=f"below, {says}")
        check.certifies(
            functools.partial(lambda f, high: arb(high) - f(), reached, high), over={}, says=f"above, {says}"
        )


@paper.claim(
    "viscous Burgers with a moving shock: final time",
    tags=("ours", "inequality"),
    mutants={
        "also at ν = 0.1": {"viscosities": (0.1,)},
        "already at the shock time": {"late": 1.0},
        "1e-3 by then": {"collapsed": 1e-3, "viscosities": (0.03,)},
    },
)
def horizon_of_labels_is_a_fifth_beyond_the_shock_time(check, viscosities=(0.03, 0.02, 0.01), late=1.2, collapsed=0.02):
    r"""At $\nu=0.03$, $0.02$, $0.01$, $J(\pi,t)$ is above $1/20$ at the released final time $T=t^*=1$, below $1/50$ at
    $1.2$, $1/2000$ at $1.5$.

    Between them $W_\xi=u_xJ$ and $1/J^2$ leave the range a network resolves: at $\nu=0.01$, $T=2$ labels lie $10^{18}$
    times closer than at the start.
    """
    for viscosity in viscosities:
        J = functools.partial(lambda v, time: compression(v, time), viscosity)
        says = f"ν = {viscosity}"
        check.certifies(functools.partial(lambda J: J(1.0) - arb("0.05"), J), over={}, says=f"t*, {says}")
        check.certifies(functools.partial(lambda J: arb(collapsed) - J(late), J), over={}, says=f"late, {says}")
        check.certifies(functools.partial(lambda J: arb("0.0005") - J(1.5), J), over={}, says=f"1.5 t*, {says}")
    speed, labels, times = 5.0, np.linspace(0, 2 * math.pi, 25), np.linspace(0, 1.5, 61)
    paths = burgers_trajectories(labels, times, 0.01, 1.0, speed)
    check.table("characteristics", time=times, **{f"label_{i:02d}": row for i, row in enumerate(paths)})
    y, moment = np.meshgrid(np.linspace(0, 2 * math.pi, 161), times, indexing="ij")
    u = burgers_exact(y, moment, 0.01) + speed
    check.table("wave", y=y.ravel(), t=moment.ravel(), x=(y + speed * moment).ravel(), u=u.ravel())
