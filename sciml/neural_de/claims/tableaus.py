"""The pairs: order conditions over rooted trees, dense output, stability, linear problems (Section 2)."""

import dataclasses
import functools
from fractions import Fraction
from typing import Any

import hypothesis.strategies as st
import numpy as np
import sympy as sp
import torch
from flint import arb, fmpq, fmpq_poly, fmpz_poly

from sciml.neural_de.claims.paper import paper
from sciml.neural_de.rooted_trees import density, residuals, stage_weights, symmetry, trees
from sciml.neural_de.solve import rk_step
from sciml.neural_de.tableaus import BOGACKI_SHAMPINE, DOPRI5, TSIT5

LITERATURE = {"3.99e-4": (Fraction("3.985e-4"), Fraction("3.995e-4"))}
"""Dormand and Prince's principal error norm of their fifth-order method, to the digits they print."""


def rational(x):
    return sp.Rational(x.numerator, x.denominator)


def changed(pair, i, j, by):
    """The pair with a_ij (counted from 1) multiplied by 1 + by."""
    rows = [list(row) for row in pair.a]
    rows[i - 1][j - 1] *= 1 + by
    return dataclasses.replace(pair, a=tuple(map(tuple, rows)))


def largest_residual(pair, b, order):
    """Largest |Φ(τ) − 1/γ(τ)| over all trees up to this order."""
    return max(abs(gap) for n in range(1, order + 1) for gap in residuals(pair.a, b, n).values())


@paper.claim(
    "Section 2 (embedded methods)",
    tags=("identity",),
    mutants={
        "a_54 off by a millionth": {"pair": changed(DOPRI5, 5, 4, Fraction(1, 10**6))},
        "b off by a millionth": {"pair": changed(DOPRI5, 7, 3, Fraction(1, 10**6))},
        "the embedded solution of order 5": {"embedded": 5},
        "the pair of order 6": {"order": 6},
        "symmetry left out of the norm": {"sigma": lambda tree: 1},
    },
)
def dormand_prince_has_orders_five_and_four(check, pair=DOPRI5, order=5, embedded=4, sigma=symmetry):
    r"""$b$ satisfies $\sum b_i \Phi_i(\tau) = 1/\gamma(\tau)$ for all 17 rooted trees up to order 5 and $\hat b$ for
    all 8 up to order 4.

    $b$ fails 11 of the 20 conditions of order 6 and $\hat b$ all 9 of order 5; the norm of what $b$ leaves at order 6,
    each tree divided by its symmetry $\sigma(\tau)$, is $3.99 \cdot 10^{-4}$ as Dormand and Prince print it.
    """
    low, high = LITERATURE["3.99e-4"]
    left = residuals(pair.a, pair.b, 6)
    norm_squared = sum((gap / sigma(tree)) ** 2 for tree, gap in left.items())
    statement = sp.And(
        sp.Eq(rational(largest_residual(pair, pair.b, order)), 0),
        sp.Eq(rational(largest_residual(pair, pair.b_hat, embedded)), 0),
        sp.Eq(sum(gap != 0 for gap in left.values()), 11),
        sp.Eq(sum(gap != 0 for gap in residuals(pair.a, pair.b_hat, 5).values()), 9),
        rational(norm_squared) > rational(low) ** 2,
        rational(norm_squared) < rational(high) ** 2,
    )
    check.proves(statement, says="exact fractions over generated trees")


@paper.claim(
    "Section 2 (embedded methods)",
    tags=("identity",),
    mutants={
        "b off by a millionth": {"pair": changed(BOGACKI_SHAMPINE, 4, 1, Fraction(1, 10**6))},
        "orders 4 and 3": {"orders": (4, 3)},
        "the embedded solution of order 3": {"orders": (3, 3)},
    },
)
def bogacki_shampine_has_orders_three_and_two(check, pair=BOGACKI_SHAMPINE, orders=(3, 2)):
    r"""Bogacki and Shampine's pair satisfies all conditions up to orders 3 and 2, and none of the next order."""
    for b, order in zip((pair.b, pair.b_hat), orders, strict=True):
        following = residuals(pair.a, b, order + 1).values()
        statement = sp.And(
            sp.Eq(rational(largest_residual(pair, b, order)), 0), sp.Ne(rational(max(map(abs, following))), 0)
        )
        check.proves(statement, says=f"order {order} and no higher")


def in_float64(pair):
    """The pair with its coefficients rounded to double precision."""
    rounded = tuple(tuple(Fraction(float(x)) for x in row) for row in pair.a)
    return dataclasses.replace(pair, a=rounded, b_hat=tuple(Fraction(float(x)) for x in pair.b_hat))


@paper.claim(
    "Section 4 (Tsit5)",
    tags=("identity",),
    mutants={
        "the 60th digit of a_65": {"pair": changed(TSIT5, 6, 5, Fraction(1, 10**60))},
        "the 60th digit of b_4": {"pair": changed(TSIT5, 7, 4, Fraction(1, 10**60))},
        "double precision": {"pair": in_float64(TSIT5)},
        "the embedded solution of order 5": {"embedded": 5},
    },
)
def tsitouras_decimals_have_orders_five_and_four(check, pair=TSIT5, embedded=4):
    r"""Tsitouras' published decimals satisfy all conditions of order 5 ($b$) and 4 ($\hat b$) up to the digits they
    have.

    Any numbers that round to them at the 84th decimal are taken in, as balls of that radius; all residuals lie within
    $10^{-80}$ of 0.
    """

    def largest():
        a, b, b_hat = ([[enclosed(x) for x in row] for row in rows] for rows in (pair.a, [pair.b], [pair.b_hat]))
        gaps = [abs(phi(tree, a, b[0]) - arb(1) / density(tree)) for n in range(1, 6) for tree in trees(n)]
        gaps += [
            abs(phi(tree, a, b_hat[0]) - arb(1) / density(tree)) for n in range(1, embedded + 1) for tree in trees(n)
        ]
        return functools.reduce(lambda x, y: x.max(y), gaps)

    check.certifies_value(largest, 0.0, within=1e-80, bits=400, says="largest residual over the trees")


def enclosed(x):
    """A ball around a fraction with the radius of its 84th decimal; integers and 0 are exact."""
    centre = arb(fmpq(x.numerator, x.denominator))
    return centre if x.denominator == 1 else centre + arb(0, arb(10) ** -84)


def phi(tree, a, b):
    """Σ b_i Φ_i(τ) in ball arithmetic, by the matrix form of the definition."""

    def stages(tree):
        product = [arb(1)] * len(a)
        for branch in tree:
            inner = stages(branch)
            product = [p * sum((x * w for x, w in zip(row, inner)), start=arb(0)) for p, row in zip(product, a)]  # noqa: B905
        return product

    return sum((x * w for x, w in zip(b, stages(tree), strict=True)), start=arb(0))


SHAMPINE = ("1951/21600", "0", "22642/50085", "451/720", "-12231/42400", "649/6300", "1/60")
"""The embedded weights that torchdiffeq 0.2.5 and diffrax 0.7.2 use in their Dormand–Prince solvers."""


@paper.claim(
    "Section 4 (implementation)",
    tags=("ours", "identity"),
    mutants={
        "equal": {"factor": Fraction(1)},
        "3/5": {"factor": Fraction(3, 5)},
        "3/2": {"factor": Fraction(3, 2)},
        "b̂ of Tsitouras": {"pair": TSIT5},
    },
)
def torchdiffeq_and_diffrax_estimate_two_thirds_of_the_dormand_prince_error(check, pair=DOPRI5, factor=Fraction(2, 3)):
    r"""With Shampine's $\hat b$, which torchdiffeq and diffrax take, $b - \hat b$ is exactly $2/3$ of Dormand and
    Prince's.

    So the same step has two thirds of the error of scipy's and ours, and a controller takes $(3/2)^{1/5} = 1.084$ times
    longer steps at one tolerance.
    """
    theirs = [b - Fraction(x) for b, x in zip(pair.b, SHAMPINE, strict=True)]
    off = sum((x - factor * y) ** 2 for x, y in zip(theirs, pair.error, strict=True))
    check.proves(sp.Eq(rational(off), 0), says="all seven weights")


@paper.claim(
    "Section 2 (dense output)",
    tags=("identity",),
    mutants={
        "order 5": {"order": 5},
        "the cubic through both ends": {
            "pairs": tuple(dataclasses.replace(p, quartic=(Fraction(0),) * 7) for p in (DOPRI5, TSIT5))
        },
        "the quartic of the other pair": {
            "pairs": tuple(dataclasses.replace(p, quartic=q.quartic) for p, q in ((DOPRI5, TSIT5), (TSIT5, DOPRI5)))
        },
    },
)
def dense_output_has_order_four(check, pairs=(DOPRI5, TSIT5), order=4):
    r"""$\sum b_i(\theta) \Phi_i(\tau) = \theta^{r(\tau)}/\gamma(\tau)$ for all 8 trees of order $r \le 4$ and all
    $\theta$, for both fifth-order pairs.

    Both sides are polynomials of degree at most 5 in $\theta$, so that seven points decide; $10^{-70}$ allows for the
    decimals of Tsitouras' pair.
    """
    points = [Fraction(k, 7) for k in range(1, 8)]

    def gap(pair, tree, theta):
        stages = stage_weights(tree, pair.a)
        value = sum(b * w for b, w in zip(pair.dense_weights(theta), stages, strict=True))
        return abs(value - theta ** (1 + sum(map(_size, tree))) / density(tree))

    every = [gap(pair, tree, x) for pair in pairs for n in range(1, order + 1) for tree in trees(n) for x in points]
    check.proves(rational(max(every)) < sp.Rational(1, 10**70), says="all trees at seven points")


def _size(tree):
    return 1 + sum(map(_size, tree))


def damping_ends(polynomial):
    """The least x > 0 at which R(−x)² = 1, from certified isolation of all complex roots."""
    reflected = fmpq_poly([fmpq(c.numerator, c.denominator) * (-1) ** k for k, c in enumerate(polynomial)])
    ends = []
    for side in (reflected - 1, reflected + 1):
        numerator = fmpz_poly([int(c * side.denom()) for c in side.coeffs()])
        roots: list[Any] = numerator.complex_roots()
        ends += [root.real for root, _ in roots if root.imag == 0 and root.real > arb("1e-6")]
    return functools.reduce(lambda x, y: x.min(y), ends)


def truncated(pair):
    """The end of damping of the Taylor polynomial of degree 5."""
    return float(damping_ends(pair.stability_polynomial[:6]).mid())


@paper.claim(
    "Section 3 (stability size 3.3066, 3.5068)",
    tags=("identity",),
    mutants={
        "3.4": {"limit": lambda pair: 3.4},
        "the Taylor polynomial of degree 5": {"limit": truncated},
        "the constants exchanged": {"limit": lambda pair: (TSIT5 if pair is DOPRI5 else DOPRI5).stability_limit},
        "off in the sixth decimal": {"limit": lambda pair: pair.stability_limit + 1e-6},
    },
)
def stability_estimates_are_divided_by_the_ends_of_damping(check, limit=lambda pair: pair.stability_limit):
    r"""$|R(-x)| < 1$ for $0 < x < x_{\text{stab}}$, with $x_{\text{stab}} = 3.3066$ (Dormand–Prince) and $3.5068$
    (Tsitouras).

    $R$ is the polynomial by which one step multiplies a solution of $z' = \lambda z$, $x = -h\lambda$. All roots of
    $R^2 = 1$ are isolated with proof; $10^{-12}$ allows for the rounding of a root in double precision.
    """
    for pair, printed in ((DOPRI5, "3.3066"), (TSIT5, "3.5068")):
        root = functools.partial(damping_ends, pair.stability_polynomial)
        check.certifies_value(root, limit(pair), within=1e-12, says=f"{pair.name} against the certified root")
        check.certifies_value(root, printed, says=f"{pair.name} as printed")
    x, y = np.meshgrid(np.linspace(-4.5, 2.0, 131), np.linspace(-4.5, 4.5, 181))
    z = (x + 1j * y).ravel()
    size = {
        pair.name.replace("-", "_"): np.abs(
            np.polynomial.polynomial.polyval(z, [float(c) for c in pair.stability_polynomial])
        )
        for pair in (DOPRI5, TSIT5, BOGACKI_SHAMPINE)
    }
    check.table("amplification", real=z.real, imaginary=z.imag, **size)


def turning_end(pair):
    """The least x > 0 at which |R(ix)|² = 1, from certified isolation of the roots of that polynomial."""
    c = [fmpq(x.numerator, x.denominator) for x in pair.stability_polynomial]
    even, odd = (
        fmpq_poly([x * (-1) ** (k // 2) if k % 2 == parity else 0 for k, x in enumerate(c)]) for parity in (0, 1)
    )
    excess = even * even + odd * odd - 1
    roots: list[Any] = fmpz_poly([int(x * excess.denom()) for x in excess.coeffs()]).complex_roots()
    ends = [root.real for root, _ in roots if root.imag == 0 and root.real > arb("1e-6")]
    return float(functools.reduce(lambda x, y: x.min(y), ends).mid())


@paper.claim(
    "Section 3 (stability size)",
    tags=("ours", "inequality"),
    mutants={
        "x_stab, as for decay": {"end": lambda pair: pair.stability_limit},
        "a tenth longer": {"end": lambda pair: 1.1 * turning_end(pair)},
        "a tenth shorter": {"end": lambda pair: 0.9 * turning_end(pair)},
    },
)
def rotations_are_amplified_by_much_shorter_steps(check, end=turning_end):
    r"""A step of a rotation $z' = i\omega z$ damps it if and only if $h|\omega| < 0.997$ (Dormand–Prince), $0.478$
    (Tsitouras).

    $S = |\omega|$ there, so that $S/x_{\text{stab}}$ with $x_{\text{stab}} = 3.3066$ or $3.5068$, which is made for
    real negative eigenvalues, calls steps stable that are three to seven times too long. Steps of the engine, from
    $1/8$, below which the damping is less than rounding, against the certified end; $10^{-6}$ around it is left out.
    """
    for pair, shown in ((DOPRI5, "0.997"), (TSIT5, "0.478")):
        check.certifies_value(functools.partial(arb, end(pair)), shown, says=f"{pair.name}, to three digits")
    ends = {pair.name: (pair, end(pair)) for pair in (DOPRI5, TSIT5)}
    y = torch.tensor([1.0, 0.0], dtype=torch.float64)

    def damps_below(name, h):
        pair, x = ends[name]
        if abs(h - x) < 1e-6:
            return True
        return (float(rk_step(lambda t, y: torch.stack([-y[1], y[0]]), 0.0, y, h, method=pair).y.norm()) < 1) == (h < x)

    check.forall(
        damps_below, examples=300, says="steps of the engine", name=st.sampled_from(sorted(ends)), h=st.floats(0.125, 4)
    )


X = sp.Symbol("X")


def linear_stages(pair):
    """Arguments g_i and slopes h k_i of one step of z' = Mz as polynomials in X = hM, applied to z."""
    arguments: list[sp.Expr] = []
    slopes: list[sp.Expr] = []
    for row in pair.a:
        g = 1 + sum((rational(a) * k for a, k in zip(row, slopes, strict=True)), start=sp.Integer(0))
        arguments.append(sp.expand(g))
        slopes.append(sp.expand(X * g))
    return arguments, slopes


ESTIMATE = -sp.Rational(97, 120000) * X**5 + sp.Rational(13, 40000) * X**6 - sp.Rational(1, 24000) * X**7


@paper.claim(
    "Section 3 (error estimate, linear problems)",
    tags=("ours", "identity"),
    mutants={
        "fourth power": {"expected": ESTIMATE / X},
        "97/120000 with the other sign": {"expected": ESTIMATE + sp.Rational(97, 60000) * X**5},
        "Shampine's estimate": {"expected": sp.Rational(2, 3) * ESTIMATE},
        "no term of degree 7": {"expected": ESTIMATE + sp.Rational(1, 24000) * X**7},
    },
)
def error_estimate_of_a_linear_problem_is_a_polynomial_in_hm(check, pair=DOPRI5, expected=ESTIMATE):
    r"""For $z' = Mz$ and $X = hM$, $\text{err} = (-\frac{97}{120000} X^5 + \frac{13}{40000} X^6
    - \frac{1}{24000} X^7)\,z$ (Dormand–Prince).

    So $E = \frac{97}{120000}\,h^5\,\|M^5z\|\,(1 + O(h))$: the estimate sees the fifth derivative of the trajectory.
    """
    _, slopes = linear_stages(pair)
    found = sum(rational(e) * k for e, k in zip(pair.error, slopes, strict=True))
    check.proves(sp.Eq(sp.expand(found), sp.expand(expected)), says="the stages, run symbolically")


DIFFERENCE = -sp.Rational(71, 330) * X**3 + sp.Rational(611, 6600) * X**4 - sp.Rational(29, 6600) * X**5 + X**6 / 600


@paper.claim(
    "Section 3 (stiffness estimate, linear problems)",
    tags=("ours", "identity"),
    mutants={
        "two power iterations": {"expected": DIFFERENCE / X},
        "71/330 with the other sign": {"expected": DIFFERENCE + sp.Rational(71, 165) * X**3},
        "the stages before": {"stages": (5, 4)},
    },
)
def stiffness_estimate_takes_three_power_iterations(check, stages=(6, 5), expected=DIFFERENCE):
    r"""For $z' = Mz$, $g_7 - g_6 = (-\frac{71}{330} X^3 + \frac{611}{6600} X^4 - \frac{29}{6600} X^5
    + \frac{1}{600} X^6)\,z$ (Dormand–Prince), $X = hM$.

    So $S \to \|M^4z\|/\|M^3z\|$ as $h \to 0$: the Rayleigh-like quotient of a vector that was multiplied by $M$ three
    times.
    """
    arguments, slopes = linear_stages(DOPRI5)
    later, before = stages
    check.proves(sp.Eq(sp.expand(arguments[later] - arguments[before]), sp.expand(expected)), says="g_7 − g_6")
    check.proves(sp.Eq(sp.expand(slopes[6] - slopes[5]), sp.expand(X * DIFFERENCE)), says="h(k_7 − k_6)")


@paper.refuted(
    "Section 3 (stiffness estimate, as printed)",
    tags=("erratum",),
    controls={
        "the arguments of the stages": {
            "denominator": lambda pair: linear_stages(pair)[0][6] - linear_stages(pair)[0][5]
        }
    },
)
def stiffness_estimate_divides_by_a_difference_of_row_sums(
    check, denominator=lambda pair: rational(sum(pair.a[6]) - sum(pair.a[5]))
):
    r"""$S = \|k_7 - k_6\|/|\sum a_{7i} - \sum a_{6i}|$, as printed, is finite.

    The row sums are the nodes $c_7 = c_6 = 1$, so that it is not. The arguments $g_7$ and $g_6$ of the two stages
    belong there, which differ; here for $z' = z$, $z = 1$ and $h = 1$.
    """
    check.proves(sp.Ne(sp.expand(denominator(DOPRI5)).subs(X, 1), 0), says="the denominator does not vanish")
    check.note(row_sums=[str(sum(DOPRI5.a[6])), str(sum(DOPRI5.a[5]))])


def stability_functions(pair):
    """R and R̂: what one step of each solution multiplies a solution of z' = λz by, X = hλ."""
    _, slopes = linear_stages(pair)
    return (1 + sum(rational(b) * k for b, k in zip(weights, slopes, strict=True)) for weights in (pair.b, pair.b_hat))


@paper.claim(
    "Section 2 (error estimate)",
    tags=("ours", "identity"),
    mutants={
        "the error of the kept solution": {"against": lambda kept, discarded: kept},
        "the mean of both": {"against": lambda kept, discarded: (kept + discarded) / 2},
    },
)
def estimate_is_the_error_of_the_discarded_solution(check, against=lambda kept, discarded: discarded):
    r"""$\text{err}/(e^X - \hat R(X)) \to 1$ as $X = h\lambda \to 0$: $E$ measures the solution of order 4, which is not
    kept.

    $e^X - R(X)$ of the kept one is $O(X^6)$: its error is smaller by a factor $h$.
    """
    kept, discarded = stability_functions(DOPRI5)
    exact = sum(X**k / sp.factorial(k) for k in range(12))
    ratio = sp.cancel((kept - discarded) / (exact - against(kept, discarded)))
    check.proves(sp.Eq(sp.limit(ratio, X, 0), 1), says="the limit of the ratio")
    check.proves(sp.Eq(sp.limit(sp.cancel((exact - kept) / X**5), X, 0), 0), says="the kept solution is of order 5")


def richardson(pair):
    """(R(X/2)² − R(X))/(2⁵ − 1): two half steps against a whole one of a method of order 5, for z' = Mz."""
    kept, _ = stability_functions(pair)
    return (kept.subs(X, X / 2) ** 2 - kept) / 31


@paper.refuted(
    "Section 2 (error estimate by Richardson extrapolation)",
    tags=("erratum",),
    controls={"the difference of the two solutions of the pair": {"estimate": lambda pair: ESTIMATE}},
)
def error_estimate_is_a_richardson_extrapolation(check, estimate=richardson):
    r"""$E$ comes from Richardson extrapolation: the difference of one step and of two half ones over $2^5 - 1$.

    That is another number, of order $h^6$ and for three times the evaluations. $E$ is the difference of the two
    solutions that share the stages of an embedded pair, of order $h^5$. For $z' = Mz$, $X = hM$, up to a sign.
    """
    _, slopes = linear_stages(DOPRI5)
    found = sum(rational(e) * k for e, k in zip(DOPRI5.error, slopes, strict=True))
    check.proves(sp.Eq(sp.expand(found**2), sp.expand(estimate(DOPRI5) ** 2)), says="the polynomials in hM")


LEADING = sp.Rational(3, 8)
THREE_STEPS = (sp.Rational(23, 12), -sp.Rational(4, 3), sp.Rational(5, 12))


@paper.corrected(
    "Section 2 (Adams–Bashforth)",
    tags=("erratum",),
    printed={"order": 3},
    mutants={
        "order 5": {"order": 5},
        "two steps": {"weights": (sp.Rational(3, 2), -sp.Rational(1, 2))},
        "5/12, as with two steps": {"constant": sp.Rational(5, 12)},
        "a sign": {"constant": -sp.Rational(3, 8)},
    },
)
def local_error_of_three_adams_bashforth_steps_has_order_four(check, order=4, constant=LEADING, weights=THREE_STEPS):
    r"""$y(t+h) - y(t) - h(23y'(t) - 16y'(t-h) + 5y'(t-2h))/12 = \frac{3}{8}h^4y^{(4)}(t) + O(h^5)$.

    The local error is printed as $O(h^3)$, one power too low: that is the order of the method over an interval. Powers
    of $h$ up to the leading one, for a Taylor polynomial with free coefficients.
    """
    h, t, *derivatives = sp.symbols("h t y0:7", real=True)
    y = sum(d * t**k / sp.factorial(k) for k, d in enumerate(derivatives))
    slope = sp.diff(y, t)
    advance = h * sum(w * slope.subs(t, -j * h) for j, w in enumerate(weights))
    error = sp.expand(y.subs(t, h) - y.subs(t, 0) - advance)
    leading = sum(error.coeff(h, k) * h**k for k in range(order + 1))
    check.proves(sp.Eq(leading, constant * h**order * derivatives[order]), says="the leading term, and none before it")
