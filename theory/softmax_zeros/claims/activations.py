"""Activations: where they are singular, and the entire ones proposed instead (Appendices 2 and 3)."""

import functools
import math
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import mpmath
import numpy as np
import sympy as sp
from flint import acb, arb

from theory.softmax_zeros.activations import activation_radius
from theory.softmax_zeros.claims.paper import paper
from theory.softmax_zeros.smoothing import ria, weierstrass_inverse_sqrt
from verify import Check

Formula = Callable[..., Any]

SINGULAR_WHERE_ZERO: dict[str, Callable[[acb], acb]] = {
    "sigmoid": lambda x: 1 + (-x).exp(),
    "softplus": lambda x: 1 + x.exp(),
    "silu": lambda x: 1 + (-x).exp(),
    "tanh": lambda x: x.cosh(),
    "relu": lambda x: x,
}
"""The denominator of each activation (softplus: the logarithm's argument; ReLU: its kink)."""


def tanh_gelu_denominator(x: acb) -> acb:
    """The denominator of x/2 (1 + tanh(√(2/π)(x + 0.044715 x³)))."""
    return ((2 / arb.pi()).sqrt() * (x + arb("0.044715") * x**3)).cosh()


def certify_nearest(
    check: Check, denominator: Callable[[acb], acb], h: float, hdot: float, rho: float, zeros: int, says: str
) -> None:
    """Certify that the nearest zeros of the denominator along h + ḣt are ``zeros`` many, at modulus ρ ± 0.1 %."""
    along = lambda t: denominator(h + hdot * t)  # noqa: E731
    for inside, count, where in ((0.999 * rho, 0, "none inside"), (1.001 * rho, zeros, "some just outside")):
        check.certifies_zero_count(along, inside=inside, count=count, says=f"{says}: {where}, h={h}, ḣ={hdot}")


@paper.claim(
    "Appendix 2",
    tags=("identity",),
    mutants={
        "pre-activation forgotten": {"radius": lambda name, h, hdot: activation_radius(name, 0 * h + 1e-3, hdot)},
        "slope forgotten": {"radius": lambda name, h, hdot: activation_radius(name, h, 1.0)},
        "distances not squared": {"radius": lambda name, h, hdot: (abs(h) + (name != "relu") * np.pi) / abs(hdot)},
        "π for tanh": {
            "radius": lambda name, h, hdot: activation_radius("silu" if name == "tanh" else name, h, hdot),
        },
    },
)
def activation_radius_is_the_distance_to_the_nearest_singularity(
    check: Check, radius: Formula = activation_radius
) -> None:
    r"""A neuron with pre-activation $h + \dot{h}t$ is first singular at $\rho = \min_s |s - h|/|\dot{h}|$.

    Sigmoid, softplus and SiLU are singular at $s = i\pi(2k+1)$, so that $\rho = \sqrt{h^2 + \pi^2}/|\dot{h}|$; tanh at
    $s = i\pi(k+\frac{1}{2})$, so that $\rho = \sqrt{h^2 + \pi^2/4}/|\dot{h}|$; ReLU has its kink at $s = 0$.
    """
    for name, denominator in SINGULAR_WHERE_ZERO.items():
        for h, hdot in [(0.25, 2.0), (-3.0, 4.0), (2.0, -0.5)]:
            rho = float(radius(name, h, hdot))
            certify_nearest(check, denominator, h, hdot, rho, 1 if name == "relu" else 2, name)


def root_test(name: str, h: float, order: int = 200) -> float:
    """|c_n|^{−1/n} for the larger of two neighbouring Taylor coefficients of Φ(x), xΦ(x) or xΦ(x) + φ(x) at x = h."""
    density = [mpmath.npdf(h), -h * mpmath.npdf(h)]
    for n in range(1, order):  # φ' = −xφ
        density.append(-(h * density[n] + density[n - 1]) / (n + 1))
    gate = [mpmath.ncdf(h), *(density[n] / (n + 1) for n in range(order))]
    gelu = [h * gate[0], *(h * gate[n] + gate[n - 1] for n in range(1, order + 1))]
    series = {"gaussglu": gate, "gelu": gelu, "ria": [y + d for y, d in zip(gelu, density, strict=True)]}[name]
    return float(max(abs(series[order]), abs(series[order - 1])) ** mpmath.mpf(-1 / order))


@paper.claim(
    "Appendices 2 and 3",
    tags=("identity",),
    mutants={
        "exact GELU taken for SiLU": {"radius": lambda name, h, hdot: activation_radius("silu", h, hdot)},
        "exact GELU taken for its tanh form": {"radius": lambda name, h, hdot: activation_radius("gelu_tanh", h, hdot)},
    },
)
def gaussian_gates_are_entire(check: Check, radius: Formula = activation_radius) -> None:
    r"""Exact GELU, RIA and $\Phi$-gates have no singularity at all: $\rho = \infty$.

    The root test $|c_n|^{-1/n}$ on the 200th Taylor coefficients bounds no finite radius: it exceeds the distance to
    the singularities of SiLU and of tanh-GELU, and grows with $n$ like $\sqrt{n}$.
    """

    def beyond_the_root_test(name: str, h: float, hdot: float) -> bool:
        return bool(radius(name, h, hdot) * abs(hdot) > root_test(name, h))

    gates, states, slopes = st.sampled_from(["gaussglu", "gelu", "ria"]), st.floats(-4, 4), st.floats(0.01, 100)
    check.forall(beyond_the_root_test, examples=100, name=gates, h=states, hdot=slopes)


@paper.claim(
    "Appendix 2.4",
    tags=("ours",),
    mutants={
        "cubic term dropped": {"radius": lambda h, hdot: np.hypot(h, (np.pi / 2) ** 1.5) / abs(hdot)},
        "only the roots on the imaginary axis": {"radius": lambda h, hdot: np.hypot(h, 5.50954) / abs(hdot)},
        "as for SiLU": {"radius": lambda h, hdot: activation_radius("silu", h, hdot)},
        "2 % too long": {"radius": lambda h, hdot: 1.02 * activation_radius("gelu_tanh", h, hdot)},
    },
)
def tanh_gelu_is_singular_at_roots_of_a_cubic(
    check: Check, radius: Formula = lambda h, hdot: activation_radius("gelu_tanh", h, hdot)
) -> None:
    r"""The tanh form of GELU is singular where $\sqrt{2/\pi}(x + 0.044715x^3) = i\pi(k+\frac{1}{2})$.

    The nearest such points are $\pm 0.634368 \pm 2.754771i$: at distance 2.826868 from 0 and 2.754771 from the real
    axis, between tanh ($\pi/2$) and SiLU ($\pi$).
    """
    for h, hdot, zeros in [(0.0, 1.0, 4), (0.634368, 2.0, 2), (-3.0, 0.5, 2)]:
        certify_nearest(check, tanh_gelu_denominator, h, hdot, float(radius(h, hdot)), zeros, "poles")
    check.certifies_value(lambda: arb(float(radius(0.0, 1.0))), "2.826868", says="distance from 0")
    check.certifies_value(lambda: arb(float(radius(0.634368, 1.0))), "2.754771", says="distance from the real axis")


@paper.refuted(
    "Appendix 2.4",
    tags=("erratum",),
    controls={"roots of the cubic": {"radius": lambda h, hdot: activation_radius("gelu_tanh", h, hdot)}},
)
def tanh_gelu_is_singular_where_tanh_is(
    check: Check, radius: Formula = lambda h, hdot: activation_radius("tanh", h, hdot)
) -> None:
    r"""As printed, the tanh form of GELU has the radius of tanh, its poles at distance $\pi/2$ from the real axis."""
    for h, zeros in [(0.0, 4), (0.634368, 2)]:
        certify_nearest(check, tanh_gelu_denominator, h, 1.0, float(radius(h, 1.0)), zeros, "poles")


def noisy_relu(x: float, beta: float) -> arb:
    """E ReLU(x + ξ), ξ ~ N(0, 1/β²), by rigorous quadrature of ∫₀ u β φ(β(u − x)) du.

    The integral ends at max(x, 0) + 32/β; the part left out is e⁻⁵⁰⁰ of the whole or less.
    """
    peak = (arb(beta) * min(x, 0.0)) ** 2 / 2
    density = lambda u, _: u * (peak - (beta * (u - x)) ** 2 / 2).exp()  # noqa: E731
    integral = acb.integral(density, 0, max(x, 0.0) + 32 / beta).real
    return integral * beta / (2 * arb.pi()).sqrt() * (-peak).exp()


@paper.claim(
    "Appendix 3",
    tags=("identity",),
    mutants={
        "GELU": {
            "formula": lambda x, beta: ria(x, beta) - math.exp(-((beta * x) ** 2) / 2) / beta / math.sqrt(2 * np.pi)
        },
        "β lost in the density term": {
            "formula": lambda x, beta: (
                ria(x, beta) + (1 - 1 / beta) * math.exp(-((beta * x) ** 2) / 2) / np.sqrt(2 * np.pi)
            )
        },
        "variance β² instead of 1/β²": {"formula": lambda x, beta: ria(x, 1 / beta)},
        "ReLU": {"formula": lambda x, beta: max(x, 0.0)},
    },
)
def ria_is_the_relu_averaged_over_gaussian_noise(check: Check, formula: Formula = ria) -> None:
    r"""$\mathrm{RIA}_\beta(x) = \int_{-\infty}^x \Phi(\beta s)\,ds$ is $\mathbb{E}\,\mathrm{ReLU}(x + \xi)$ with
    $\xi \sim N(0, 1/\beta^2)$, far into the left tail too.

    Relative accuracy $10^{-12}$: float64 cannot do better than $(\beta x)^2\,2^{-52}$, which is $2 \cdot 10^{-13}$ at
    $\beta x = -30$.
    """
    for x, beta in [(0.3, 2.0), (-3.0, 2.0), (0.0, 0.5), (-1.5, 20.0), (7.0, 0.5)]:
        relative = lambda x=x, beta=beta: arb(float(formula(x, beta))) / noisy_relu(x, beta)  # noqa: E731
        check.certifies_value(relative, 1.0, within=1e-12, says=f"against quadrature, x={x}, β={beta}")


def gaussian_cdf(x: sp.Expr) -> sp.Expr:
    """Φ."""
    return (1 + sp.erf(x / sp.sqrt(2))) / 2


def gaussian_density(x: sp.Expr) -> sp.Expr:
    """φ."""
    return sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)


@paper.claim(
    "Appendix 3",
    tags=("identity",),
    mutants={
        "GELU": {"activation": lambda x, beta: x * gaussian_cdf(beta * x)},
        "density added without 1/β": {
            "activation": lambda x, beta: x * gaussian_cdf(beta * x) + gaussian_density(beta * x)
        },
    },
)
def ria_has_the_gaussian_cdf_as_slope(
    check: Check,
    activation: Formula = lambda x, beta: x * gaussian_cdf(beta * x) + gaussian_density(beta * x) / beta,
) -> None:
    r"""$\mathrm{RIA}_\beta(x) = x\Phi(\beta x) + \varphi(\beta x)/\beta$ has slope $\Phi(\beta x)$, between 0 and 1,
    and curvature $\beta\varphi(\beta x) > 0$.

    It exceeds ReLU by most at 0, by $1/(\beta\sqrt{2\pi})$, and the excess is even in $x$.
    """
    x, beta = sp.Symbol("x", real=True), sp.Symbol("beta", positive=True)
    y = activation(x, beta)
    check.proves(sp.Eq(sp.diff(y, x), gaussian_cdf(beta * x)), says="slope")
    check.proves(sp.Eq(sp.diff(y, x, 2), beta * gaussian_density(beta * x)), says="curvature")
    check.proves(sp.Eq(y - y.subs(x, -x), x), says="even excess: ReLU(x) − ReLU(−x) = x too")
    check.proves(sp.Eq(y.subs(x, 0), 1 / (beta * sp.sqrt(2 * sp.pi))), says="excess at 0")


def inverse_sqrt_average(v: float, sigma: float) -> arb:
    """(σ√2π)⁻¹ ∫₀^∞ t^{−1/2} e^{−(v−t)²/2σ²} dt by rigorous quadrature, with t = r² up to 14σ beyond the peak.

    The part left out is e⁻⁹⁰ of the whole or less.
    """
    integrand = lambda r, _: 2 * (-((v - r * r) ** 2) / (2 * arb(sigma) ** 2)).exp()  # noqa: E731
    end = math.sqrt(max(v, 0.0) + 14 * sigma)
    return acb.integral(integrand, 0, end).real / (sigma * (2 * arb.pi()).sqrt())


def cylinder(v: float, sigma: float, constant: float = 2.0, reflect: int = -1, damping: float = 4.0) -> float:
    """(2σ)^{−1/2} e^{−v²/4σ²} D_{−1/2}(−v/σ)."""
    s = mpmath.mpf(v) / mpmath.mpf(sigma)
    with mpmath.workdps(30):
        return float(mpmath.exp(-(s**2) / damping) * mpmath.pcfd(-0.5, reflect * s) / mpmath.sqrt(constant * sigma))


@paper.claim(
    "Appendix 3.1, Eq. 24",
    tags=("identity",),
    mutants={
        "constant σ^{−1/2}": {"formula": lambda v, sigma: cylinder(v, sigma, constant=1.0)},
        "constant (2πσ)^{−1/2}": {"formula": lambda v, sigma: cylinder(v, sigma, constant=2 * np.pi)},
        "D at +v/σ": {"formula": lambda v, sigma: cylinder(v, sigma, reflect=1)},
        "exponent v²/2σ²": {"formula": lambda v, sigma: cylinder(v, sigma, damping=2.0)},
    },
)
def smoothed_inverse_square_root_is_a_parabolic_cylinder_function(
    check: Check, formula: Formula = weierstrass_inverse_sqrt
) -> None:
    r"""The Gaussian average of $t^{-1/2}$ over $t > 0$ is $(2\sigma)^{-1/2} e^{-v^2/4\sigma^2} D_{-1/2}(-v/\sigma)$,
    entire in $v$.

    The constant, which the paper leaves open, is $(2\sigma)^{-1/2}$. Relative accuracy $10^{-12}$.
    """
    for v, sigma in [(0.2, 0.3), (-1.0, 0.3), (0.5, 1.0), (2.0, 2.0), (5.0, 1.0)]:
        relative = lambda v=v, sigma=sigma: arb(float(formula(v, sigma))) / inverse_sqrt_average(v, sigma)  # noqa: E731
        check.certifies_value(relative, 1.0, within=1e-12, says=f"against quadrature, v={v}, σ={sigma}")
    check.forall(
        lambda s, sigma: abs(float(formula(s * sigma, sigma)) / cylinder(s * sigma, sigma) - 1) <= 1e-12,
        says="against the closed form in 30 digits",
        s=st.floats(-20, 50),
        sigma=st.floats(1e-3, 1e3),
    )


def printed_smoothing(v: float, sigma: float, epsilon: float, negative_half: bool = True) -> arb:
    """E[(max(0, v + ξ) + ε)^{−1/2}], ξ ~ N(0, σ²); the half v + ξ < 0 contributes P(v + ξ < 0) ε^{−1/2}."""

    def integrand(r: acb, analytic: bool) -> acb:
        root = (r * r + epsilon).sqrt(analytic=analytic)
        return 2 * r / root * (-((v - r * r) ** 2) / (2 * arb(sigma) ** 2)).exp()

    positive = acb.integral(integrand, 0, math.sqrt(max(v, 0.0) + 14 * sigma)).real / (sigma * (2 * arb.pi()).sqrt())
    negative = (arb(v) / sigma / arb(2).sqrt()).erfc() / 2 / arb(epsilon).sqrt()
    return positive + negative if negative_half else positive


@paper.refuted(
    "Appendix 3.1, randomised smoothing",
    tags=("erratum",),
    controls={
        "negative half dropped": {"smoothed": lambda v, sigma, epsilon: printed_smoothing(v, sigma, epsilon, False)},
    },
)
def randomised_smoothing_tends_to_the_smoothed_inverse_square_root(
    check: Check, smoothed: Formula = printed_smoothing
) -> None:
    r"""As printed, $\mathbb{E}[(\max(0, v+\xi) + \varepsilon)^{-1/2}]$, $\xi \sim N(0, \sigma^2)$, tends to the average
    of Eq. 24 as $\varepsilon \to 0$.

    It grows like $P(v+\xi < 0)\,\varepsilon^{-1/2}$ instead. Without the negative half it is within
    $2\sqrt{\varepsilon}/(\sigma\sqrt{2\pi})$ of Eq. 24, the largest density times
    $\int_0^\infty (t^{-1/2} - (t+\varepsilon)^{-1/2})\,dt$.
    """
    v, sigma = 0.2, 0.3
    for epsilon in (1e-2, 1e-4, 1e-8):
        check.certifies_value(
            functools.partial(smoothed, v, sigma, epsilon),
            float(weierstrass_inverse_sqrt(v, sigma)),
            within=2 * math.sqrt(epsilon / (2 * math.pi)) / sigma,
            says=f"ε={epsilon}",
        )
