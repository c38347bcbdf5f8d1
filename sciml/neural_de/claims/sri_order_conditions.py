"""Order conditions of the stochastic methods (Section 4: SOSRI, and its forerunners)."""

import dataclasses
from fractions import Fraction
from types import MappingProxyType

import sympy as sp
from sympy import QQ
from sympy.polys.rings import ring

from sciml.neural_de.claims._sri_series import expectation, sri_step_in_powers_of_root_h
from sciml.neural_de.claims.paper import paper
from sciml.neural_de.sri_tableaus import SOSRI, SOSRI2, SRIW1, SRIW2, order_residuals

R, epsilon, w, u, *DERIVATIVES = ring("epsilon w u f0 f1 f2 f3 g0 g1 g2 g3", QQ)
F, G = DERIVATIVES[:4], DERIVATIVES[4:]


def up_to(power, polynomial):
    """The terms up to this power of ε."""
    return R.from_dict({powers: c for powers, c in polynomial.terms() if powers[0] <= power})


def part(power, polynomial):
    """The coefficient of this power of ε."""
    return R.from_dict({(0, *powers[1:]): c for powers, c in polynomial.terms() if powers[0] == power})


def taylor(derivatives):
    """d ↦ Σ φ⁽ᵏ⁾(X) dᵏ/k! up to ε⁴, for a smooth function φ and a deviation d of order ε."""

    def value(deviation):
        total, power, factorial = R.zero, R.one, 1
        for k, derivative in enumerate(derivatives):
            total += derivative * power * QQ(1, factorial)
            power, factorial = up_to(4, power * up_to(4, deviation)), factorial * (k + 1)
        return total

    return value


def ito_taylor(w=w, u=u):
    """The Itô–Taylor scheme of strong order 3/2 (Kloeden and Platen, Section 10.4), without its mean of order h²."""
    (f0, f1, *_), (g0, g1, g2, _), half = F, G, QQ(1, 2)
    first = g0 * w
    second = f0 + half * g0 * g1 * (w**2 - 1)
    third = g0 * f1 * u + (f0 * g1 + half * g0**2 * g2) * (w - u)
    third += half * g0 * (g0 * g2 + g1**2) * (w**3 * QQ(1, 3) - w)
    return epsilon * first + epsilon**2 * second + epsilon**3 * third


def changed(tableau, name, j, by, row=None):
    """A tableau with one coefficient moved."""
    values = getattr(tableau, name)
    if row is None:
        moved = (*values[:j], values[j] + by, *values[j + 1 :])
    else:
        line = (*values[row][:j], values[row][j] + by, *values[row][j + 1 :])
        moved = (*values[:row], line, *values[row + 1 :])
    return dataclasses.replace(tableau, **{name: moved})


def flipped(tableau, name):
    return dataclasses.replace(tableau, **{name: tuple(-x for x in getattr(tableau, name))})


def defects(tableau, expansion, mean):
    """Step minus expansion up to ε³, and the mean of the step's ε⁴ minus that of the solution."""
    step, *_ = sri_step_in_powers_of_root_h(tableau, epsilon, w, u, taylor(F), taylor(G))
    return up_to(3, step) - expansion, expectation(part(4, step), R, w, u) - mean


MEAN = (F[0] * F[1] + G[0] ** 2 * F[2] * QQ(1, 2)) * QQ(1, 2)
"""The coefficient of h² in E[X'], (ff' + ½g²f'')/2."""

MILLIONTH = Fraction(1, 10**6)


@paper.claim(
    "Section 4 (SOSRI and the class SRI)",
    tags=("identity",),
    mutants={
        "β² with the other sign": {"second": flipped(SRIW2, "beta2")},
        "a_21 of A⁰ off by a millionth": {"first": changed(SRIW1, "a0", 0, MILLIONTH, row=1)},
        "β⁴_4 off by a millionth": {"first": changed(SRIW1, "beta4", 3, MILLIONTH)},
        "B⁰ and B¹ exchanged": {"second": dataclasses.replace(SRIW2, b0=SRIW2.b1, b1=SRIW2.b0)},
        "the area forgotten: I_(1,0) = hΔW/2": {"expansion": lambda: ito_taylor(u=w * QQ(1, 2))},
        "the mean of order h² forgotten": {"mean": R.zero},
    },
)
def sriw1_and_sriw2_agree_with_the_ito_taylor_expansion(
    check, first=SRIW1, second=SRIW2, expansion=ito_taylor, mean=MEAN
):
    r"""For all $f$ and $g$, a step of SRIW1 or SRIW2 is the Itô–Taylor scheme up to $h^{3/2}$, and up to $h^2$ in the
    mean.

    By Milstein's theorem this makes the strong order $3/2$. Expanded in $\sqrt{h}$ with symbols for $\Delta W$,
    $I_{(1,0)}$ and the derivatives of $f$ and $g$; the mean is over the joint normal law of $\Delta W$ and $I_{(1,0)}$.
    For scalar autonomous equations.
    """
    differences = [gap.as_expr() for each in (first, second) for gap in defects(each, expansion(), mean)]
    check.proves(sp.And(*(sp.Eq(gap, 0) for gap in differences)), says="pathwise to h^{3/2} and in the mean to h²")


@paper.claim(
    "Section 4 (SOSRI)",
    tags=("identity",),
    mutants={
        "β² with the other sign": {"sosri": flipped(SOSRI, "beta2")},
        "the twelfth digit of a coefficient of A¹": {"sosri": changed(SOSRI, "a1", 2, Fraction(1, 10**11), row=3)},
        "β⁴_4 off by a millionth": {"sosri2": changed(SOSRI2, "beta4", 3, MILLIONTH)},
        "both within double precision": {"digits": (15, 15)},
        "the weights of one, the stages of the other": {"sosri": dataclasses.replace(SOSRI, beta1=SOSRI2.beta1)},
    },
)
def printed_decimals_of_sosri_satisfy_the_order_conditions(check, sosri=SOSRI, sosri2=SOSRI2, digits=(15, 12)):
    r"""The decimals of SOSRI satisfy the 25 conditions of strong order $3/2$ to $10^{-15}$, those of SOSRI2 to
    $10^{-12}$ only.

    In exact fractions; the Itô–Taylor expansion of a step, made without the conditions, misses no more. SOSRI's misses
    are those of rounding its coefficients to double precision. SOSRI2's largest, $1.2 \cdot 10^{-13}$ in
    $\frac{1}{2}\beta^1 \cdot A^1(B^0e) + \frac{1}{3}\beta^3 \cdot A^1(B^0e)$, comes from the search that found them:
    three digits are lost, which no step above $h = 10^{-12}$ can notice.
    """

    def largest_miss(tableau):
        gaps = [QQ(gap.numerator, gap.denominator) for gap in order_residuals(tableau).values()]
        for difference in defects(tableau, ito_taylor(), MEAN):
            gaps += difference.coeffs()
        return sp.Rational(str(max(map(abs, gaps))))

    bounds = [
        largest_miss(each) < sp.Rational(1, 10**digit) for each, digit in zip((sosri, sosri2), digits, strict=True)
    ]
    check.proves(sp.And(*bounds), says="the 25 conditions, and the expansion in powers of √h")
    check.note(largest_misses={each.name: float(largest_miss(each)) for each in (sosri, sosri2)})


X, A, B = sp.symbols("X a b", positive=True)
SLOPE = (G[0] * G[1]).as_expr(), (G[1] ** 2 + G[0] * G[2]).as_expr()
"""gg' and its derivative, in the derivatives of any g."""


def linear(f, f1, g, g1):
    return MappingProxyType({"f0": f, "f1": f1, "g0": g, "g1": g1, "g2": 0})


GEOMETRIC = linear(A * X, A, B * X, B)
OF_THE_PATH_ALONE = MappingProxyType({"f0": SLOPE[0] / 2, "f1": SLOPE[1] / 2})


@paper.claim(
    "Section 4 (SOSRI and the class SRI)",
    tags=("ours", "identity"),
    mutants={
        "dX = gg' dt + g dW": {"second": {"f0": SLOPE[0], "f1": SLOPE[1]}},
        "a reverting mean": {"first": linear(A - X, -1, B * X, B)},
        "additive noise": {"first": linear(-A * X, -A, B, 0)},
    },
)
def some_test_equations_cannot_notice_a_wrong_area(check, first=GEOMETRIC, second=OF_THE_PATH_ALONE):
    r"""At order $h^{3/2}$ the factor of $I_{(1,0)}$ is 0 for $dX = aX\,dt + bX\,dW$, and for
    $dX = \frac{1}{2}gg'\,dt + g\,dW$ with any $g$.

    The factor is $gf' - fg' - \frac{1}{2}g^2g''$. The solutions of such equations are functions of $W_t$ and $t$ alone.
    A method shows strong order $3/2$ on them with any $\Delta Z$ of the right law, even one that does not belong to the
    path.
    """
    factor = part(3, ito_taylor()).diff(u).as_expr()
    found = [sp.expand(factor.subs({sp.Symbol(name): value for name, value in eq.items()})) for eq in (first, second)]
    check.proves(sp.And(*(sp.Eq(value, 0) for value in found)), says="the factor is 0")
