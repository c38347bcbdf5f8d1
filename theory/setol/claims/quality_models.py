"""Models of the R-transform behind the layer quality (Section 5.4): inverse Wishart, Cauchy, Lévy–Wigner, power laws.

G(z) = ∫ ρ(λ)/(z − λ) dλ, B(G(z)) = z, R(w) = B(w) − 1/w.
"""

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import hypothesis.strategies as st
import numpy as np
import sympy as sp
from flint import acb, arb

from theory.setol.claims.paper import paper
from theory.setol.free_probability import (
    cauchy_r_transform,
    inverse_wishart_r_transform,
    levy_wigner_r_transform,
    power_law_r_transform,
    power_law_stieltjes,
    truncated_power_law_moments,
    two_atoms_r_transform,
)
from theory.setol.hciz import hciz_rank_one, hciz_rank_one_limit
from theory.setol.marchenko_pastur import marchenko_pastur
from theory.setol.power_law import fit_power_law
from verify import Check

Formula = Callable[..., Any]


def under_inverse_wishart(f: Callable[[acb], acb], kappa: float) -> acb:
    """∫ f(λ) ρ(λ) dλ for λ = (1 − q)/x, x Marchenko–Pastur with κ = (1/q − 1)/2."""
    q = 1 / (2 * arb(kappa) + 1)
    root = q.sqrt()

    def integrand(t: acb, _: bool) -> acb:
        x = 1 + q + 2 * root * t.cos()
        return f((1 - q) / x) * t.sin() * t.sin() / x

    return acb.integral(integrand, 0, arb.pi()) * 2 / arb.pi()


@paper.claim(
    "Section 5.4 (inverse Marchenko–Pastur model)",
    tags=("identity",),
    mutants={
        "κ = Q − 1": {"r_transform": lambda w, kappa: inverse_wishart_r_transform(w, 2 * kappa)},
        "κ = Q/2": {"r_transform": lambda w, kappa: inverse_wishart_r_transform(w, kappa + 0.5)},
        "other branch of the root": {"r_transform": lambda w, k: (k + math.sqrt(k * (k - 2 * w))) / w},
    },
)
def r_transform_of_the_inverse_wishart_matrix(check: Check, r_transform: Formula = inverse_wishart_r_transform) -> None:
    r"""$R(w) = (\kappa - \sqrt{\kappa(\kappa - 2w)})/w$, $\kappa = (Q - 1)/2$, for the inverse of $X$ scaled to mean 1:
    $G(R(w) + 1/w) = w$.

    For $w \le G(\lambda_+) = (1 - \sqrt{q})/(\sqrt{q}(1 + \sqrt{q}))$,
    $\lambda_\pm = (\kappa + 1 \pm \sqrt{2\kappa + 1})/\kappa$. The branch point $\kappa/2$ lies beyond: at
    $\kappa = \frac{1}{2}$, $G(\lambda_+) = 0.2426 < 0.25$; $G$ falls by less than $10^{-3}$ over
    $\lambda_+ \cdot 2^{-14}$, like a square root.
    """
    for kappa, w in ((0.5, -1.0), (0.5, 0.125), (0.5, 0.234375), (1.0, 0.25), (2.0, -3.0), (2.0, 0.5)):
        z = acb(float(r_transform(w, kappa))) + 1 / acb(w)
        stieltjes = lambda kappa=kappa, z=z: under_inverse_wishart(lambda lam: 1 / (z - lam), kappa)  # noqa: E731
        check.certifies_value(stieltjes, w, within=1e-11, says=f"κ = {kappa}, w = {w}")
    variance = lambda: under_inverse_wishart(lambda lam: (lam - 1) ** 2, 0.5).real  # noqa: E731
    check.certifies_value(variance, 1.0, within=1e-20, says="variance 1/(2κ) at κ = ½")
    top = (3 + 2 * arb(2).sqrt()) * (1 + arb(2) ** -14)
    at_edge = lambda: under_inverse_wishart(lambda lam: 1 / (top - lam), 0.5).real  # noqa: E731
    check.certifies_value(at_edge, 0.242641, within=1e-3, bits=64, says="G(λ) just beyond λ₊ at κ = ½, below κ/2")


@paper.refuted(
    'Section 5.4 ("pole at z = 0" of the inverse Marchenko–Pastur model)',
    tags=("erratum",),
    controls={"R(0) = 1": {"value": 1}},
    mutants={"R(0) = κ": {"value": sp.Symbol("kappa", positive=True)}},
)
def inverse_wishart_r_transform_has_a_pole_at_zero(check: Check, value: object = sp.zoo) -> None:
    r"""As printed, $R(w) = (\kappa - \sqrt{\kappa(\kappa - 2w)})/w$ has a pole at $w = 0$. In fact
    $R(w) = 1 + w/(2\kappa) + \ldots$, $R(0) = \kappa_1 = 1$.
    """
    w, kappa = sp.Symbol("w", real=True), sp.Symbol("kappa", positive=True)
    R = (kappa - sp.sqrt(kappa * (kappa - 2 * w))) / w
    check.proves(sp.Eq(sp.simplify(sp.limit(R, w, 0)), value), says="R(0)")


def limit_for_inverse_wishart(theta: float, kappa: float) -> float:
    """The limit with its threshold."""
    q = 1 / (2 * kappa + 1)
    nodes, weights = marchenko_pastur(q).quadrature(2000)
    return hciz_rank_one_limit(theta, (1 - q) / nodes, weights, edge=(1 - q) / marchenko_pastur(q).edges[0])


@paper.refuted(
    "Section 5.4 (quality of the inverse Marchenko–Pastur model)",
    tags=("erratum",),
    controls={"limit with its threshold": {"formula": limit_for_inverse_wishart}},
)
def inverse_wishart_quality_is_a_logarithm_beyond_the_branch_point(
    check: Check, formula: Formula = lambda theta, kappa: kappa / 2 * math.log(2 * theta / (kappa / 2))
) -> None:
    r"""As printed, $\frac{1}{2} \int \operatorname{Re} R$ over $w$ from $\kappa/2$ on gives the quality,
    $\frac{1}{2} \kappa \ln(2\theta/(\kappa/2))$.

    That whole range lies beyond the validity $2\theta \le G(\lambda_+) < \kappa/2$ of the HCIZ formula. At
    $\kappa = \frac{1}{2}$, $2\theta = 0.6$ the limit is 0.7356, and this is 0.2189. Errors allowed at $N = 800$ as for
    the Marchenko–Pastur law.
    """
    kappa, N = 0.5, 800
    law = marchenko_pastur(0.5)
    x = 0.5 / law.quantile((np.arange(N) + 0.5) / N)

    def near(theta: float) -> bool:
        allowed = math.log(N) / N + theta * float(0.5 / law.edges[0] - x.max())
        return bool(abs(formula(theta, kappa) - hciz_rank_one(theta, x)) <= allowed)

    check.forall(near, examples=40, says="beyond the branch point", theta=st.just(0.3) | st.floats(0.13, 1))


@paper.corrected(
    "Section 5.4 (free Cauchy model)",
    tags=("identity", "erratum"),
    printed={"r_transform": lambda a, gamma, half_plane: complex(a, gamma)},
    mutants={
        "a − iγ from both sides": {"r_transform": lambda a, gamma, half_plane: complex(a, -gamma)},
        "a alone": {"r_transform": lambda a, gamma, half_plane: complex(a)},
    },
)
def free_cauchy_r_transform_depends_on_the_half_plane(check: Check, r_transform: Formula = cauchy_r_transform) -> None:
    r"""$R = a - i\gamma$ for $z$ in the upper half plane, $a + i\gamma$ for $z$ in the lower one: $1/(z - R)$ is the
    Stieltjes transform.

    Printed: $a + i\gamma$ for all $z$. The tail is $\lambda^{-2}$, with no mean, and $R$ exists.
    """

    def stieltjes(z: complex, a: float, gamma: float) -> acb:
        def integrand(t: acb, _: bool) -> acb:
            return t.cos() / ((acb(z) - a) * t.cos() - gamma * t.sin())

        return acb.integral(integrand, -arb.pi() / 2, arb.pi() / 2) / arb.pi()

    for z in (1 + 1j, -0.5 + 0.25j, 2 - 1j, -0.5j):
        R = r_transform(0.5, 0.75, "upper" if z.imag > 0 else "lower")
        exact = lambda z=z: stieltjes(z, 0.5, 0.75)  # noqa: E731
        found = lambda z=z, R=R: 1 / (acb(z) - acb(R))  # noqa: E731
        check.certifies_value(found, exact, within=1e-25, says=f"z = {z}")


@paper.corrected(
    "Section 5.4 (Lévy–Wigner model)",
    tags=("identity", "erratum"),
    printed={"integral": lambda b, alpha, lam: b / (alpha - 2) * lam ** (alpha - 2)},
    mutants={
        "divided by α": {"integral": lambda b, alpha, lam: b / alpha * lam ** (alpha - 1)},
        "power α": {"integral": lambda b, alpha, lam: b / (alpha - 1) * lam**alpha},
    },
)
def integrated_levy_wigner_r_transform_has_power_alpha_minus_one(
    check: Check, integral: Formula = lambda b, alpha, lam: b / (alpha - 1) * lam ** (alpha - 1)
) -> None:
    r"""$R(w) = b w^{\alpha_l - 1}$ with $\alpha = \alpha_l + 1$ has
    $\int_0^{\lambda} R\,dw = b \lambda^{\alpha-1}/(\alpha - 1)$, for all $\alpha > 1$.

    Printed: $b \lambda^{\alpha-2}/(\alpha - 2)$. The leading term of $\ln \bar{Q}^2$ is then
    $(\alpha - 1) \ln \lambda$, with $b = \alpha - 1$ for its factor to be 1.
    """
    lam, index = sp.symbols("lambda alpha_l", positive=True)
    b, w = sp.Symbol("b", real=True), sp.Symbol("w", positive=True)
    exact = sp.integrate(b * w ** (index - 1), (w, 0, lam))
    check.proves(sp.Eq(integral(b, index + 1, lam), exact), says="the integral")


@paper.claim(
    "Section 5.4 (tail of the Lévy–Wigner model)",
    tags=("identity",),
    mutants={
        "α = α_l": {"tail": lambda index: index},
        "α = α_l/2 + 1, as from the entries": {"tail": lambda index: index / 2 + 1},
        "of R = b w^{α_l}": {"r_transform": lambda w, index, b: levy_wigner_r_transform(w, index, 0, b) * w},
    },
)
def levy_wigner_density_has_the_tail_alpha_l_plus_one(
    check: Check,
    tail: Formula = lambda index: index + 1,
    r_transform: Formula = lambda w, index, b: levy_wigner_r_transform(w, index, 0, b),
) -> None:
    r"""$R(w) = b w^{\alpha_l - 1}$ belongs to a density with the tail $\lambda^{-\alpha}$, $\alpha = \alpha_l + 1$.

    The slope between $\lambda$ and $2\lambda$ with $\lambda^{-\alpha_l} = 10^{-8}$, which is the size of the next term;
    $b$ is that of a symmetric law.
    """

    def density(lam: float, index: float) -> float:
        b, G = complex(np.exp(1j * math.pi * (index / 2 - 1))), 1 / lam + 0j
        for _ in range(6):
            G = 1 / (lam - r_transform(G, index, b))
        return -G.imag / math.pi

    def agrees(index: float) -> bool:
        lam = 10 ** (8 / index)
        slope = math.log2(density(2 * lam, index) / density(lam, index))
        return bool(abs(slope + tail(index)) <= 1e-6)

    check.forall(agrees, examples=100, index=st.floats(0.3, 0.95) | st.floats(1.05, 1.9))


@paper.refuted(
    'Section 5.4 ("α = 2κ" in the inverse Marchenko–Pastur model)',
    tags=("erratum", "empirical"),
    controls={"a straight line through the fits": {"alpha": lambda kappa: 1.53 + 1.22 * kappa}},
    mutants={"half of it": {"alpha": lambda kappa: kappa}},
)
def inverse_wishart_tail_has_exponent_2_kappa(check: Check, alpha: Formula = lambda kappa: 2 * kappa) -> None:
    r"""As printed, the tail of the inverse Marchenko–Pastur law is fitted by $\alpha = 2\kappa$.

    The fit to its $M = 1000$ quantiles gives 1.84, 2.13, 2.42, 2.71, 3.02, 4.30 at
    $\kappa = \frac{1}{4}, \frac{1}{2}, \frac{3}{4}, 1, 5/4, 9/4$; within 0.05 that is $1.53 + 1.22\kappa$, a law
    without a power-law tail at all.
    """

    kappas, M = (0.25, 0.5, 0.75, 1.0, 1.25, 2.25), 1000

    def fitted(_: int) -> Mapping[str, float]:
        found = {}
        for kappa in kappas:
            q = 1 / (2 * kappa + 1)
            x = (1 - q) / np.asarray(marchenko_pastur(q).quantile((np.arange(M) + 0.5) / M))
            found[f"κ = {kappa}"] = fit_power_law(x).alpha
        return found

    bands = {f"κ = {kappa}": (alpha(kappa) - 0.05, alpha(kappa) + 0.05) for kappa in kappas}
    setup = {"data": "quantiles of the inverse Marchenko–Pastur law, no randomness", "M": M}
    printed = {f"κ = {kappa}": 2 * kappa for kappa in kappas}
    check.reproduces(fitted, bands=bands, seeds=1, setup=setup, printed=printed, says="α of the fit")


def power_law_integral(z: complex, alpha: float, xmin: float = 1.0) -> acb:
    """G(z) for the power law with λ = xmin e^u; what is left out beyond u = 100 is below e^{−100}."""

    def integrand(u: acb, _: bool) -> acb:
        return (alpha - 1) * (-alpha * u).exp() / (acb(z) * (-u).exp() - xmin)

    return acb.integral(integrand, 0, 100, eval_limit=10**6)


def closed_power_law_stieltjes(z: acb, alpha: int, xmin: float) -> acb:
    """The printed closed forms for α = 2, 3, 4."""
    x = xmin / z
    log = (1 - 1 / x).log()
    if alpha == 2:
        return (1 + x * log) / z
    if alpha == 3:
        return (1 + 2 * x + 2 * x * x * log) / z
    return (1 + 3 * x / 2 + 3 * x * x + 3 * x * x * x * log) / z


@paper.claim(
    "Section 5.4 and appendix (Stieltjes transform of a power law)",
    tags=("identity",),
    mutants={
        "₂F₁(1, α − 1; α; ·)": {
            "stieltjes": lambda z, alpha, xmin: complex(
                -(alpha - 1) / (alpha * xmin) * (acb(z) / xmin).hypgeom_2f1(1, alpha - 1, alpha)
            )
        },
        "α for α − 1 in front": {
            "stieltjes": lambda z, alpha, xmin: power_law_stieltjes(z, alpha, xmin) * alpha / (alpha - 1)
        },
        "xmin as if 1": {"stieltjes": lambda z, alpha, xmin: power_law_stieltjes(z, alpha)},
    },
)
def power_law_has_a_hypergeometric_stieltjes_transform(check: Check, stieltjes: Formula = power_law_stieltjes) -> None:
    r"""$G(z) = -((\alpha - 1)/(\alpha x_{\min}))\,{}_2F_1(1, \alpha; \alpha + 1; z/x_{\min})$ for the density
    $(\alpha - 1) x_{\min}^{\alpha-1} \lambda^{-\alpha}$.

    Against certified quadrature in $\ln \lambda$; $10^{-14}$ is double precision.
    """
    for alpha, z in ((2.0, -1 + 0j), (2.75, 3 + 1j), (3.0, -0.25 - 2j), (1.5, 5 - 0.5j)):
        found = functools.partial(acb, complex(stieltjes(z, alpha, 1.5)))
        exact = functools.partial(power_law_integral, z, alpha, 1.5)
        check.certifies_value(found, exact, within=1e-14, says=f"α = {alpha}, z = {z}")


@paper.claim(
    "Appendix (Stieltjes transforms for α = 2, 3, 4)",
    tags=("identity",),
    mutants={
        "α − 1 for α": {"closed": lambda z, alpha, xmin: closed_power_law_stieltjes(z, max(alpha - 1, 2), xmin)},
        "sign of the logarithm": {
            "closed": lambda z, alpha, xmin: 2 / z - closed_power_law_stieltjes(z, alpha, xmin),
        },
        "xmin as if 1": {"closed": lambda z, alpha, xmin: closed_power_law_stieltjes(z, alpha, 1.0)},
    },
)
def printed_stieltjes_transforms_of_power_laws_are_right(
    check: Check, closed: Formula = closed_power_law_stieltjes
) -> None:
    r"""With $x = x_{\min}/z$: $zG = 1 + x \ln(1 - 1/x)$, $1 + 2x + 2x^2 \ln(1 - 1/x)$,
    $1 + 3x/2 + 3x^2 + 3x^3 \ln(1 - 1/x)$.
    """
    for alpha in (2, 3, 4):
        for z in (-1 + 0j, 3 + 1j, -0.25 - 2j):
            found = functools.partial(closed, acb(z), alpha, 1.5)
            exact = functools.partial(power_law_integral, z, alpha, 1.5)
            check.certifies_value(found, exact, within=1e-25, says=f"α = {alpha}, z = {z}")


def printed_truncated_moments(alpha: int, a: sp.Expr, b: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """κ₁ and κ₂ + κ₁² of the density ~ λ^{−α} on [a, b], as printed for α = 2, 3, 4."""
    log = sp.log(b / a)
    if alpha == 2:
        first, second = a * b / (b - a) * log, a * b
    elif alpha == 3:
        first, second = 2 * a * b / (a + b), 2 * a**2 * b**2 / (b**2 - a**2) * log
    else:
        scale = 3 * a**3 * b**3 / (b**3 - a**3)
        first, second = 3 * a * b * (b**2 - a**2) / (2 * (b**3 - a**3)), scale * (1 / a - 1 / b)
    return first, second


def printed_truncated_cumulants(alpha: int, a: sp.Expr, b: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """κ₁ and κ₂."""
    first, second = printed_truncated_moments(alpha, a, b)
    return first, second - first**2


@paper.claim(
    "Appendix (free cumulants of the truncated power law)",
    tags=("identity",),
    mutants={
        "κ₂ without −κ₁²": {"cumulants": printed_truncated_moments},
        "those of another α": {"cumulants": lambda alpha, a, b: printed_truncated_cumulants(6 - alpha, a, b)},
        "log10(b/a) for ln(b/a)": {
            "cumulants": lambda alpha, a, b: [
                k.subs(sp.log(b / a), sp.log(b / a) / sp.log(10)) for k in printed_truncated_cumulants(alpha, a, b)
            ]
        },
    },
)
def printed_cumulants_of_truncated_power_laws_are_right(
    check: Check, cumulants: Formula = printed_truncated_cumulants
) -> None:
    r"""$\kappa_1 = C \int \lambda^{1-\alpha}$, $\kappa_2 = C \int \lambda^{2-\alpha} - \kappa_1^2$ on $[a, b]$,
    $C = (\alpha - 1)/(a^{1-\alpha} - b^{1-\alpha})$, for $\alpha = 2, 3, 4$.

    The moments of `truncated_power_law_moments` are compared on the way, at $a = \frac{1}{2}$, $b = 3$.
    """
    a, width, u = sp.symbols("a width u", positive=True)
    b = a + width
    for alpha in (2, 3, 4):
        weights = [sp.integrate(u ** (k - alpha), u) for k in range(3)]
        m0, m1, m2 = (w.subs(u, b) - w.subs(u, a) for w in weights)
        for k, (exact, printed) in enumerate(
            zip((m1 / m0, m2 / m0 - (m1 / m0) ** 2), cumulants(alpha, a, b), strict=True), start=1
        ):
            difference = sp.simplify(sp.expand_log(exact - printed, force=True))
            check.proves(sp.Eq(difference, 0), says=f"κ_{k}, α = {alpha}")
        first, second = cumulants(alpha, sp.Rational(1, 2), sp.Integer(3))
        ours = truncated_power_law_moments(2, alpha, 0.5, 3.0)
        aims = arb(str(sp.N(first, 30))), arb(str(sp.N(second + first**2, 30)))
        for k, (found, aim) in enumerate(zip(ours, aims, strict=True), start=1):
            check.certifies_value(
                functools.partial(arb, float(found)), aim, within=1e-13, says=f"moment {k}, α = {alpha}"
            )


def inverse_on_the_negative_axis(w: float, alpha: float, r: float) -> acb:
    """G(r + 1/w), which is w if r = R(w)."""
    return power_law_integral(complex(r + 1 / w), alpha)


@paper.refuted(
    'Section 5.4 ("R(z) does not exist" for α = 2)',
    tags=("erratum",),
    controls={"one": {"solutions": 1}},
    mutants={"two": {"solutions": 2}},
)
def power_law_with_alpha_2_has_no_r_transform(check: Check, solutions: int = 0) -> None:
    r"""As printed there is no $R(w)$ for $\alpha = 2$, hence no $z = R(w) + 1/w$ with $G(z) = w$.

    There is exactly one within half its size of what `power_law_r_transform` returns, here at four $w$ in
    $(-\frac{1}{2}, 0)$.
    """
    for w in (-0.4, -0.1, -0.01, -1e-4):
        z = power_law_r_transform(w, 2.0) + 1 / w
        equation = lambda t, z=z, w=w: closed_power_law_stieltjes(z * (1 + t), 2, 1.0) / w - 1  # noqa: E731
        check.certifies_zero_count(equation, inside=0.5, count=solutions, says=f"z with G(z) = w, w = {w}")


@paper.claim(
    "Section 5.4 (power law with α = 2; not in the paper)",
    tags=("ours", "identity"),
    mutants={
        "leading term −ln|w|": {"r_transform": lambda w: -math.log(-w)},
        "that of α = 2.05": {"r_transform": lambda w: power_law_r_transform(w, 2.05)},
        "constant, as for a Cauchy law": {"r_transform": lambda w: power_law_r_transform(-0.1, 2.0)},
    },
)
def r_transform_at_alpha_2_diverges_like_a_logarithm(
    check: Check, r_transform: Formula = lambda w: power_law_r_transform(w, 2.0)
) -> None:
    r"""For $\alpha = 2$, $x_{\min} = 1$, $R$ exists on $(-\frac{1}{2}, 0)$, and is $-\ln|w|$ to leading order as
    $w \to 0$.

    So it is not analytic at 0, and there are no free cumulants. $R(-0.1) = 2.96111$, $R(-0.001) = 6.95009$.
    $G(R(w) + 1/w)$ is exact to $10^{-12}$, which allows for double precision in $R$.
    """
    for w in (-0.4, -0.1, -0.05, -0.001):
        found = functools.partial(inverse_on_the_negative_axis, w, 2.0, r_transform(w))
        check.certifies_value(found, w, within=1e-12, says=f"G(R(w) + 1/w) = w at w = {w}")
    for w, value in ((-0.1, "2.96111"), (-0.05, "3.46431"), (-0.001, "6.95009")):
        check.certifies_value(functools.partial(arb, float(r_transform(w))), value, says=f"R({w})")
    far = lambda: arb(float(r_transform(-1e-6))) + arb(1e-6).log()  # noqa: E731
    check.certifies_value(far, 0.0, within=1e-3, says="R(w) + ln|w| at w = −1e-6")


@paper.refuted(
    'Section 5.4 ("R₍₃₎ = 2λ_min")',
    tags=("erratum",),
    controls={"inverse of the Stieltjes transform": {"r_transform": lambda w: power_law_r_transform(w, 3.0)}},
    mutants={"its second cumulant taken in": {"r_transform": lambda w: 2 + w}},
)
def r_transform_at_alpha_3_is_constant(check: Check, r_transform: Formula = lambda w: 2.0) -> None:
    r"""As printed, $R(w) = 2 x_{\min}$ for $\alpha = 3$. That is $R(0^-)$ only: $R(w) = 2 + O(w \ln|w|)$,
    $R(-0.1) = 1.775$ at $x_{\min} = 1$.
    """
    for w in (-0.3, -0.1, -0.01):
        found = functools.partial(inverse_on_the_negative_axis, w, 3.0, r_transform(w))
        check.certifies_value(found, w, within=1e-12, says=f"G(R(w) + 1/w) = w at w = {w}")


@paper.corrected(
    "Section 5.4 (discrete model)",
    tags=("identity", "erratum"),
    printed={"r_transform": lambda w, m, d: m},
    mutants={
        "second cumulant taken in": {"r_transform": lambda w, m, d: m + d * d * w},
        "other branch of the root": {
            "r_transform": lambda w, m, d: m - (math.sqrt(1 + 4 * d * d * w * w) + 1) / (2 * w)
        },
        "sum of the R-transforms of the atoms": {"r_transform": lambda w, m, d: (m + d) + (m - d)},
    },
)
def discrete_spectrum_has_no_constant_r_transform(check: Check, r_transform: Formula = two_atoms_r_transform) -> None:
    r"""Two eigenvalues $m \pm d$ have $R(w) = m + (\sqrt{1 + 4d^2w^2} - 1)/(2w) = m + d^2w - d^4w^3 + \ldots$, not
    $R = m$.

    R-transforms do not add up over the atoms of one spectrum, as the discrete model has it, but over free matrices. The
    $10^{-12}$ allows for double precision in $R$.
    """

    def agrees(m: int, d: int, w: int) -> bool:
        mean, distance, argument = m / 4, d / 4, w / 8
        r = float(r_transform(argument, mean, distance))
        gap = r - mean  # G(r + 1/w) = w, multiplied out: w (gap² − d²) + gap = 0, and the branch right of the atoms
        residual = argument * (gap**2 - distance**2) + gap
        return (
            abs(residual) <= 1e-12 * (1 + abs(gap)) * (1 + distance) and 1 + argument * gap > abs(argument) * distance
        )

    nonzero = st.integers(-40, 40).filter(bool)
    check.forall(agrees, m=st.integers(-20, 20), d=st.integers(0, 20), w=nonzero)
    for w in (-2.0, 0.5, 3.0):
        z = acb(float(r_transform(w, 1.0, 0.75))) + 1 / acb(w)
        found = lambda z=z: (1 / (z - 1.75) + 1 / (z - 0.25)) / 2  # noqa: E731
        check.certifies_value(found, w, within=1e-12, says=f"G(R(w) + 1/w) = w, eigenvalues ¼ and 7/4, w = {w}")


@paper.claim(
    "Section 5.4 (term left out of the discrete model)",
    tags=("ours", "identity"),
    mutants={
        "1/(α − 1)": {"relative": lambda alpha: 1 / (alpha - 1)},
        "(α − 2)/α": {"relative": lambda alpha: (alpha - 2) / alpha},
        "nothing": {"relative": lambda alpha: 0 * alpha},
    },
)
def term_left_out_of_the_discrete_model_is_a_fixed_share(
    check: Check, relative: Formula = lambda alpha: (alpha - 2) / (alpha - 1)
) -> None:
    r"""With $R = T = \sum \lambda_i$ over $\tilde{M}$ tail eigenvalues,
    $\sum G(\lambda_i) = T(T - \tilde{M} \lambda_{\min})$ and not $T^2$: short by $\tilde{M} \lambda_{\min}/T$.

    For a power-law tail, $\alpha > 2$, that is $(\alpha - 2)/(\alpha - 1)$: a half at $\alpha = 3$, nothing only as
    $\alpha \to 2$.
    """
    excess, xmin, u = sp.symbols("excess xmin u", positive=True)
    alpha, x = excess + 2, sp.symbols("lambda1:5", positive=True)
    total = sum(x)
    quality = sum(total * (each - xmin) for each in x)
    check.proves(sp.Eq(quality, total * (total - len(x) * xmin)), says="Σ G(λ_i), four eigenvalues")
    mean = sp.integrate(u * (alpha - 1) * xmin ** (alpha - 1) * u**-alpha, (u, xmin, sp.oo))
    check.proves(sp.Eq(sp.simplify(xmin / mean), relative(alpha)), says="λ_min over the mean of the tail")


@paper.corrected(
    "Section 5.4 (Stieltjes transform of the discrete model)",
    tags=("identity", "erratum"),
    printed={"factor": lambda count: 1},
    mutants={
        "1/(M̃ − 1)": {"factor": lambda count: 1 / (count - 1)},
        "1/√M̃": {"factor": lambda count: 1 / sp.sqrt(count)},
    },
)
def stieltjes_transform_carries_one_over_the_number_of_eigenvalues(
    check: Check, factor: Formula = lambda count: 1 / count
) -> None:
    r"""$G = (1/\tilde{M}) \sum 1/(z - \lambda_i)$; without the factor $R$ has the pole $(\tilde{M} - 1)/w$ at 0 and no
    cumulants.

    Proved for $\tilde{M}$ equal eigenvalues $\lambda$, where $R$ must be the constant $\lambda$.
    """
    count, lam, w = sp.symbols("count lambda w", positive=True)
    z = sp.Symbol("z")
    (blue,) = sp.solve(sp.Eq(factor(count) * count / (z - lam), w), z)
    check.proves(sp.Eq(sp.simplify(blue - 1 / w), lam), says="R(w) = B(w) − 1/w")


@paper.refuted(
    'Section 5.4 ("R₍₄₎ truncates")',
    tags=("erratum",),
    controls={"inverse of the Stieltjes transform": {"r_transform": lambda w: power_law_r_transform(w, 4.0)}},
    mutants={"constant": {"r_transform": lambda w: 1.5}},
)
def r_transform_at_alpha_4_is_linear(check: Check, r_transform: Formula = lambda w: 1.5 + 0.75 * w) -> None:
    r"""As printed, $R(w) = \kappa_1 + \kappa_2 w$ for $\alpha = 4$, which is $3/2 + \frac{3}{4} w$ at $x_{\min} = 1$.
    Those are leading terms only.

    No third moment exists, so the rest is not analytic at 0; $R(-0.3)$ is 1.400 where the line has 1.275.
    """
    for w in (-0.3, -0.1, -0.01):
        found = functools.partial(inverse_on_the_negative_axis, w, 4.0, r_transform(w))
        check.certifies_value(found, w, within=1e-12, says=f"G(R(w) + 1/w) = w at w = {w}")


@paper.refuted(
    "Table of R-transforms, multiplicative Wishart row",
    tags=("erratum",),
    controls={"numerator εφz": {"power": 1}},
    mutants={"numerator εφz³": {"power": 3}},
)
def multiplicative_wishart_row_is_an_r_transform(check: Check, power: int = 2) -> None:
    r"""As printed, $R(z) = \varepsilon\varphi z^2/(2 - \varepsilon\varphi^2z^2)$ is the R-transform of a spectrum that
    is not a single point.

    Of such a spectrum $\kappa_2 = R'(0)$ is the variance, which must be positive; here $\kappa_1 = \kappa_2 = 0$. With
    the numerator $\varepsilon\varphi z$ it is $\varepsilon\varphi/2$.
    """
    z, (eps, phi) = sp.Symbol("z", real=True), sp.symbols("epsilon phi", positive=True)
    R = eps * phi * z**power / (2 - eps * phi**2 * z**2)
    variance = sp.diff(R, z).subs(z, 0)
    check.proves(sp.Gt(variance, 0), says="κ₂ > 0")
    check.note(variance=variance)
