r"""The travelling Burgers wave in closed form, and its inviscid limit up to the shock.

Notation: $y=x-ct$, $z=A/2\nu$, $G(s)=(y-s)^2/2t+A(1-\cos s)$; angle brackets are means under the weight
$e^{-G(s)/2\nu}$ of the point $s$ from which the wave at $y$ has come.
"""

import functools
import math

import hypothesis.strategies as st
import numpy as np
import z3
from flint import acb, arb
from scipy.special import iv

from sciml.lagrangian_pinn.claims.paper import paper
from theory.characteristics import burgers_exact, burgers_slope, inviscid_burgers, shock_time
from verify.certified import precision

POINTS = [(0.1, 0.05, 1.0), (0.1, 1.5, 3.0), (0.03, 1.0, 2.5), (0.03, 0.5, 5.0), (0.01, 1.0, 3.0), (0.01, 1.5, 3.25)]
"""Viscosities, times and positions y at which the wave is certified: before, at and after the shock time 1."""


def heat_series(y, t, nu, A=1.0):
    r"""φ, φ_y, φ_yy of the heat equation φ_t = νφ_yy with φ(y, 0) = exp(z cos y), by its Fourier series, z = A/2ν.

    ``φ = I_0(z) + 2 Σ_n I_n(z) e^{−n²νt} cos ny`` with A > 0. Since ``I_n(z) ≤ (z/2)^n e^z/n!``, the terms left out
    after 3z + 60 are below 1e−40 of φ, whose least value is about e^{−z}, for real times t ≥ 0.
    """
    y, t, nu = arb(y), acb(t), arb(nu)
    z = arb(A) / (2 * nu)
    phi, slope, curvature = acb(z.bessel_i(0)), acb(0), acb(0)
    for n, weight in enumerate(bessel_functions(float(A), float(nu)), 1):
        term = 2 * weight * (-nu * t * n * n).exp()
        phi += term * (n * y).cos()
        slope -= n * term * (n * y).sin()
        curvature -= n * n * term * (n * y).cos()
    return phi, slope, curvature


def bits(A, nu):
    """Working precision at which the alternating terms of the series leave 100 bits."""
    return int(3 * A / nu) + 160


@functools.cache
def bessel_functions(A, nu):
    """I_n(A/2ν), n = 1, 2, …, in full working precision."""
    with precision(bits(A, nu)):
        z = arb(A) / (2 * arb(nu))
        return tuple(z.bessel_i(n) for n in range(1, int(3 * A / (2 * nu)) + 60))


@functools.cache
def wave(nu, t, y, A=1.0):
    """u and u_y of the resting wave, from the series."""
    with precision(bits(A, nu)):
        phi, slope, curvature = (part.real for part in heat_series(y, t, nu, A))
        ratio = slope / phi
        return -2 * arb(nu) * ratio, -2 * arb(nu) * (curvature / phi - ratio * ratio)


@paper.claim(
    "viscous Burgers with a moving shock: closed form (textbook)",
    tags=("identity",),
    mutants={
        "weight with ν for 2ν": {"formula": lambda x, t, nu, A, c: burgers_exact(x, t, nu / 2, A, c)},
        "mean added, frame at rest": {"formula": lambda x, t, nu, A, c: c + burgers_exact(x, t, nu, A)},
        "without viscosity": {
            "formula": lambda x, t, nu, A, c: (
                c
                + float(inviscid_burgers(x - c * t, min(t, 0.9 / A), lambda s: A * np.sin(s), lambda s: A * np.cos(s)))
            )
        },
    },
)
def burgers_wave_is_a_mean_of_its_start(check, formula=burgers_exact):
    r"""The Burgers wave from $c+A\,\sin x$ is the mean $u=c+\langle(y-s)/t\rangle=c+A\langle\sin s\rangle$.

    It is also $u=c+4\nu\,\sum_n nI_n(z)e^{-n^2\nu t}\sin ny\,/\,(I_0(z)+2\sum_n I_n(z)e^{-n^2\nu t}\cos ny)$.
    `burgers_exact` evaluates the mean, in double precision; the series is summed in balls of several hundred bits.
    The allowance of $10^{-13}$ is what the formula promises; for other parameters it grows with the slope, by which the
    rounding of $y$ is amplified.
    """
    for nu, t, y in POINTS:
        value = functools.partial(arb, float(formula(y, t, nu, 1.0, 0.0)))
        says = f"ν = {nu}, t = {t}, y = {y}"
        check.certifies_value(value, wave(nu, t, y)[0], within=1e-13, says=says)
    shifted = functools.partial(arb, float(formula(3.0 + 25.0, 0.5, 0.03, 1.0, 50.0) - 50))
    check.certifies_value(shifted, wave(0.03, 0.5, 3.0)[0], within=1e-12, says="c = 50, within rounding of x − ct")

    def agrees(nu, t, y, A):
        steepest = A * (1 + A / (2 * nu))
        return abs(formula(y, t, nu, A, 0.0) - float(wave(nu, t, y, A)[0])) <= 1e-14 * (1 + steepest)

    tenths = st.integers(1, 20).map(lambda k: k / 10)
    check.forall(
        agrees, examples=40, says="any wave", nu=st.floats(0.05, 1), t=st.floats(0.001, 2), y=st.floats(0, 7), A=tenths
    )


def summed_in_double_precision(x, t, nu):
    """The Fourier–Bessel series with scaled Bessel functions, as one would write it in float64."""
    z, n = 1 / (2 * nu), np.arange(1, 400)
    weights = iv(n, z) * np.exp(-(n**2) * nu * t)
    return 4 * nu * float((n * weights * np.sin(n * x)).sum() / (iv(0, z) + 2 * (weights * np.cos(n * x)).sum()))


@paper.refuted(
    "viscous Burgers: evaluation of the closed form",
    tags=("ours", "erratum"),
    controls={"mean of the start, by quadrature": {"formula": burgers_exact}},
)
def series_of_the_burgers_wave_can_be_summed_in_double_precision(check, formula=summed_in_double_precision):
    r"""The Fourier-Bessel series, summed in double precision, gives the wave to $10^{-6}$ next to its shock at $y=\pi$.

    Its alternating terms cancel to $e^{-2z}$ of their size, $z=A/2\nu$: nothing is left for $\nu\le A/35$.
    """
    for nu in (0.03, 0.01):
        value = functools.partial(arb, float(formula(3.1, 0.9, nu)))
        check.certifies_value(value, wave(nu, 0.9, 3.1)[0], within=1e-6, says=f"ν = {nu}")


@functools.cache
def origins(nu, t, y):
    """Mean and variance of s under exp(−G/2ν), A = 1, from certified integrals over y ± (t + 12√(2νt))."""
    with precision(384):
        viscosity, time, here = arb(nu), arb(t), arb(y)
        reach = time + 12 * (2 * viscosity * time).sqrt()

        def moment(k):
            def integrand(d, _):
                weight = -(d * d / (2 * time) + 1 - (acb(here) + d).cos()) / (2 * viscosity)
                return d**k * weight.exp()

            return acb.integral(integrand, acb(-reach), acb(reach)).real

        mass, first, second = (moment(k) for k in range(3))
        return here + first / mass, second / mass - (first / mass) * (first / mass)


@paper.claim(
    "viscous Burgers: slope of the closed form",
    tags=("ours", "identity"),
    mutants={
        "variance over νt²": {"formula": lambda t, nu, variance: 1 / t - variance / (nu * t**2)},
        "variance over 2νt": {"formula": lambda t, nu, variance: 1 / t - variance / (2 * nu * t)},
        "rarefaction only": {"formula": lambda t, nu, variance: 1 / t},
        "shipped slope of twice the viscosity": {"shipped": lambda y, t, nu: burgers_slope(y, t, 2 * nu)},
    },
)
def slope_of_the_burgers_wave_is_a_variance(
    check, formula=lambda t, nu, variance: 1 / t - variance / (2 * nu * t**2), shipped=burgers_slope
):
    r"""$u_x=1/t-\mathrm{Var}(s)/(2\nu t^2)$: a wave rarefies like $1/t$ unless it comes from far apart, as in a shock.

    The variance is a certified integral, the slope that of the Fourier-Bessel series. `burgers_slope` is
    $A\langle\cos s\rangle-(A^2/2\nu)\,\mathrm{Var}(\sin s)$, the same without the cancellation at small $t$.
    Outside the interval of integration the weight is below $e^{-72}$.
    """
    for nu, t, y in POINTS:
        says = f"ν = {nu}, t = {t}, y = {y}"
        series = wave(nu, t, y)[1]
        variance = functools.partial(lambda nu, t, y: formula(arb(t), arb(nu), origins(nu, t, y)[1]), nu, t, y)
        check.certifies_value(variance, series, within=1e-20, says=f"variance, {says}")
        check.certifies_value(functools.partial(arb, float(shipped(y, t, nu))), series, within=1e-11, says=says)


WAVES = st.lists(st.tuples(st.floats(-2, 2), st.floats(0, 2 * math.pi)), min_size=1, max_size=4).filter(
    lambda modes: sum(abs(a) for a, _ in modes) > 0.1
)
LABELS = np.linspace(0, 2 * math.pi, 20_001)


def slopes(modes, labels=LABELS):
    """w₀' of c + Σ a_k sin(kξ + φ_k)."""
    return sum(a * k * np.cos(k * labels + phase) for k, (a, phase) in enumerate(modes, 1))


def shock(du0):
    """t* as shipped."""
    return shock_time(du0, (0.0, 2 * math.pi)).time


@paper.claim(
    "shocks of Burgers (textbook)",
    tags=("identity",),
    mutants={
        "steepest slope of either sign": {"time": lambda du0: 1 / np.abs(du0(LABELS)).max()},
        "largest slope": {"time": lambda du0: 1 / du0(LABELS).max()},
        "5 % late": {"time": lambda du0: 1.05 * shock(du0)},
        "1 % early": {"time": lambda du0: 0.99 * shock(du0)},
    },
)
def characteristics_cross_first_at_the_steepest_descent(check, time=shock):
    r"""Inviscid Burgers: $J=1+t\,w_0'(\xi)$ is positive at all labels exactly while $t<t^*=-1/\min w_0'$.

    Tested on random trigonometric waves at $t^*(1\mp10^{-6})$ and 20 001 labels, whose spacing $h$ can hide
    $\max|w_0'''|h^2/8\le 10^{-6}\,|\min w_0'|$ of a minimum; waves for which it might hide more are not asked.
    """

    def is_first_crossing(modes):
        here = slopes(modes)
        hidden = sum(abs(a) * k**3 for k, (a, _) in enumerate(modes, 1)) * (LABELS[1] / 2) ** 2 / 2
        if hidden > 1e-6 * -here.min():
            return True
        t = time(lambda xi: slopes(modes, xi))
        return bool((1 + t * (1 - 1e-6) * here > 0).all() and (1 + t * (1 + 3e-6) * here <= 0).any())

    check.forall(is_first_crossing, modes=WAVES)


@paper.claim(
    "viscous Burgers with a moving shock: c + A sin x",
    tags=("ours", "identity"),
    mutants={
        "faster for a faster wave": {"time": lambda A, c: 1 / (A + z3.If(c >= 0, c, -c))},
        "half the amplitude": {"time": lambda A, c: 2 / A},
        "twice the amplitude": {"time": lambda A, c: 1 / (2 * A)},
    },
)
def benchmark_shock_forms_at_the_final_time_whatever_the_speed(check, time=lambda A, c: 1 / A):
    r"""From $c+A\,\sin x$, $A>0$, inviscid characteristics first cross at $t^*=1/A$, independent of $c$.

    The released default $A=1$, $T=1$ ends exactly when they touch. In the proof of $J=1+tA\,\cos\xi>0$ the cosine is
    any number of $[-1,1]$.
    """
    A, c, t, cosine = z3.Reals("A c t cosine")
    anywhere = z3.And(cosine >= -1, cosine <= 1)
    before = z3.Implies(z3.And(anywhere, t >= 0, t < time(A, c)), 1 + t * A * cosine > 0)
    touching = 1 + time(A, c) * A * (-1) == 0
    check.proves(z3.Implies(A > 0, z3.And(before, touching)))
    check.certifies_value(lambda: arb(shock(np.cos)), 1.0, within=1e-15, says="as shipped, A = 1")


@paper.claim(
    "inviscid Burgers (textbook)",
    tags=("identity",),
    mutants={
        "value of the place, not of the label": {"formula": lambda x, t, u0, du0: u0(x)},
        "one step of fixed-point iteration": {"formula": lambda x, t, u0, du0: u0(x - t * u0(x))},
        "characteristics at half speed": {"formula": lambda x, t, u0, du0: inviscid_burgers(x, t / 2, u0, du0)},
    },
)
def inviscid_wave_keeps_its_value_along_straight_characteristics(check, formula=inviscid_burgers):
    r"""Before the shock $u(x,t)=w_0(\xi)$ where $x=\xi+t\,w_0(\xi)$: a characteristic ends with what it started with.

    Tested by sending labels forward. Rounding of $x$ is amplified by $|w_0'|/J$.
    """

    def returns_to_its_start(modes, c, label, share):
        u0 = lambda s: c + sum(a * np.sin(k * s + phase) for k, (a, phase) in enumerate(modes, 1))  # noqa: E731
        du0 = lambda s: slopes(modes, s)  # noqa: E731
        t = share * min(shock(du0), 10.0)
        start = float(u0(label))
        amplified = sum(k * abs(a) for k, (a, _) in enumerate(modes, 1)) / (1 + t * float(du0(label)))
        rounding = 2.0**-50 * (1 + abs(label + t * start) + abs(c) * (1 + t))
        return abs(float(formula(label + t * start, t, u0, du0)) - start) <= rounding * (1 + 4 * amplified)

    check.forall(
        returns_to_its_start,
        examples=100,
        modes=WAVES,
        c=st.floats(-100, 100),
        label=st.floats(0, 6),
        share=st.floats(0, 0.95),
    )
