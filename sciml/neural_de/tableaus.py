"""Embedded Runge–Kutta pairs as exact numbers: Dormand–Prince 5(4), Tsitouras 5(4), Bogacki–Shampine 3(2).

Coefficients are fractions, so that order conditions can be checked without rounding. Tsitouras' coefficients have no
short closed form and are the fractions of their published decimals, which satisfy the conditions to 1e-82.

References
----------
J. R. Dormand, P. J. Prince, "A family of embedded Runge-Kutta formulae", J. Comput. Appl. Math. 6 (1980) 19.
L. F. Shampine, "Some practical Runge-Kutta formulas", Math. Comp. 46 (1986) 135 (the dense output of Dormand–Prince).
Ch. Tsitouras, "Runge–Kutta pairs of order 5(4) satisfying only the first column simplifying assumption",
Comput. Math. Appl. 62 (2011) 770.
P. Bogacki, L. F. Shampine, "A 3(2) pair of Runge-Kutta formulas", Appl. Math. Lett. 2 (1989) 321.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

Row = tuple[Fraction, ...]


@dataclass(frozen=True, eq=False)
class Tableau:
    """An explicit embedded pair whose last stage is the first of the next step (FSAL: the last row of A is b).

    Attributes
    ----------
    name
        How :func:`~sciml.neural_de.solve` calls the method.
    order, embedded_order
        Of the solution that is kept, and of the one it is compared with.
    a
        Row i holds a_i1, …, a_i,i−1; the first row is empty.
    b_hat
        Weights b̂ of the embedded solution.
    quartic
        Weights d of the term θ²(1−θ)² h Σ dᵢkᵢ which :meth:`dense_weights` adds to the cubic Hermite interpolant.
    """

    name: str
    order: int
    embedded_order: int
    a: tuple[Row, ...]
    b_hat: Row
    quartic: Row

    @property
    def stages(self) -> int:
        """Number s of stages, of which a step evaluates s − 1."""
        return len(self.a)

    @property
    def b(self) -> Row:
        """Weights b of the solution that is kept."""
        return (*self.a[-1], Fraction(0))

    @cached_property
    def c(self) -> Row:
        """Nodes c: the row sums of A."""
        return tuple(sum(row, start=Fraction(0)) for row in self.a)

    @property
    def error(self) -> Row:
        """Weights b − b̂ of the error estimate."""
        return tuple(x - y for x, y in zip(self.b, self.b_hat, strict=True))

    @cached_property
    def stiffness_stages(self) -> tuple[int, int] | None:
        """The last two stages (counted from 0) if both stand at c = 1, up to the digits the coefficients have.

        ``None`` if there are no such stages; then the method has no stiffness estimate.
        """
        return (self.stages - 2, self.stages - 1) if abs(self.c[-2] - 1) < Fraction(1, 10**60) else None

    def dense_weights(self, theta: Fraction | float) -> tuple[Fraction, ...]:
        """Weights b_i(θ) of the dense output y(t + θh) ≈ y + h Σ b_i(θ) k_i, for θ in [0, 1].

        The quartic through both end points with both end slopes that has order 4; for a pair of order 3 the cubic.
        """
        x = Fraction(theta)
        weights = [x**2 * (3 - 2 * x) * b + x**2 * (1 - x) ** 2 * d for b, d in zip(self.b, self.quartic, strict=True)]
        weights[0] += x * (1 - x) ** 2
        weights[-1] -= x**2 * (1 - x)
        return tuple(weights)

    @property
    def stability_polynomial(self) -> Row:
        """Coefficients of R(z) = 1 + Σ_k (b·A^(k−1)·1) z^k, the constant one first: one step of z' = λz, z = hλ."""
        coefficients, stage = [Fraction(1)], [Fraction(1)] * self.stages
        for _ in range(self.stages - 1):
            coefficients.append(_dot(self.b, stage))
            stage = [_dot(row, stage) for row in self.a]
        return tuple(coefficients)

    @cached_property
    def stability_limit(self) -> float:
        """The least x > 0 with |R(−x)| = 1: an eigenvalue λ < 0 is damped by steps shorter than x/|λ|.

        3.3066 for Dormand–Prince and 3.5068 for Tsitouras, by which stiffness estimates are divided (Section 3 of arXiv
        2105.03918).
        """
        polynomial = np.polynomial.Polynomial([(-1) ** k * float(x) for k, x in enumerate(self.stability_polynomial)])
        roots = np.concatenate([(polynomial - 1).roots(), (polynomial + 1).roots()])
        return float(min(x.real for x in roots if abs(x.imag) < 1e-9 and x.real > 1e-6))


def _dot(x: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction:
    return sum((p * q for p, q in zip(x, y, strict=False)), start=Fraction(0))


def _exactly(rows: Sequence[Sequence[str]]) -> tuple[Row, ...]:
    return tuple(tuple(map(Fraction, row)) for row in rows)


def _row(*numbers: str) -> Row:
    return tuple(map(Fraction, numbers))


DOPRI5 = Tableau(
    "dopri5",
    order=5,
    embedded_order=4,
    a=_exactly(
        (
            (),
            ("1/5",),
            ("3/40", "9/40"),
            ("44/45", "-56/15", "32/9"),
            ("19372/6561", "-25360/2187", "64448/6561", "-212/729"),
            ("9017/3168", "-355/33", "46732/5247", "49/176", "-5103/18656"),
            ("35/384", "0", "500/1113", "125/192", "-2187/6784", "11/84"),
        )
    ),
    b_hat=_row("5179/57600", "0", "7571/16695", "393/640", "-92097/339200", "187/2100", "1/40"),
    quartic=_row(
        "-12715105075/11282082432",
        "0",
        "87487479700/32700410799",
        "-10690763975/1880347072",
        "701980252875/199316789632",
        "-1453857185/822651844",
        "69997945/29380423",
    ),
)

TSIT5 = Tableau(
    "tsit5",
    order=5,
    embedded_order=4,
    a=_exactly(
        (
            (),
            ("0.161",),
            (
                "-0.008480655492356988544426874250230774675121177393430391537369234245294192976164141156943",
                "0.3354806554923569885444268742502307746751211773934303915373692342452941929761641411569",
            ),
            (
                "2.897153057105493432130432594192938764924887287701866490314866693455023795137503079289",
                "-6.359448489975074843148159912383825625952700647415626703305928850207288721235210244366",
                "4.362295432869581411017727318190886861027813359713760212991062156752264926097707165077",
            ),
            (
                "5.325864828439256604428877920840511317836476253097040101202360397727981648835607691791",
                "-11.74888356406282787774717033978577296188744178259862899288666928009020615663593781589",
                "7.495539342889836208304604784564358155658679161518186721010132816213648793440552049753",
                "-0.09249506636175524925650207933207191611349983406029535244034750452930469056411389539635",
            ),
            (
                "5.861455442946420028659251486982647890394337666164814434818157239052507339770711679748",
                "-12.92096931784710929170611868178335939541780751955743459166312250439928519268343184452",
                "8.159367898576158643180400794539253485181918321135053305748355423955009222648673734986",
                "-0.07158497328140099722453054252582973869127213147363544882721139659546372402303777878835",
                "-0.02826905039406838290900305721271224146717633626879770007617876201276764571291579142206",
            ),
            (
                "0.09646076681806522951816731316512876333711995238157997181903319145764851595234062815396",
                "0.01",
                "0.4798896504144995747752495322905965199130404621990332488332634944254542060153074523509",
                "1.379008574103741893192274821856872770756462643091360525934940067397245698027561293331",
                "-3.290069515436080679901047585711363850115683290894936158531296799594813811049925401677",
                "2.324710524099773982415355918398765796109060233222962411944060046314465391054716027841",
            ),
        )
    ),
    b_hat=_row(
        "0.09468075576583945807478876255758922856117527357724631226139574065785592789071067303271",
        "0.009183565540343253096776363936645313759813746240984095238905939532922955247253608687270",
        "0.4877705284247615707855642599631228241516691959761363774365216240304071651579571959813",
        "1.234297566930478985655109673884237654035539930748192848315425833500484878378061439761",
        "-2.707712349983525454881109975059321670689605166938197378763992255714444407154902012702",
        "1.866628418170587035753719399566211498666255505244122593996591602841258328965767580089",
        "1/66",
    ),
    quartic=_row(
        "-1.05308849772902155722749030252306854994320071427630042271450212813527226071489",
        "0.1017",
        "2.49062728565125279308354507258819593834867999881298256144463753606810732921945",
        "-16.5481028892449027183072978622824732490775517170963263112192808087669483763307",
        "47.3795219628192812186815818681988328023079759309040803516500460955510941736469",
        "-34.8706578614966097362303387759814869416359034983444361791609006947169808658207",
        "2.5",
    ),
)

BOGACKI_SHAMPINE = Tableau(
    "bogacki-shampine",
    order=3,
    embedded_order=2,
    a=_exactly(((), ("1/2",), ("0", "3/4"), ("2/9", "1/3", "4/9"))),
    b_hat=_row("7/24", "1/4", "1/3", "1/8"),
    quartic=_row("0", "0", "0", "0"),
)

TABLEAUS = {tableau.name: tableau for tableau in (DOPRI5, TSIT5, BOGACKI_SHAMPINE)}
"""The pairs by name."""
