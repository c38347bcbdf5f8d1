"""Stochastic Runge–Kutta methods of strong order 3/2 for diagonal noise (Rößler's class SRI), with exact coefficients.

For dX = f dt + g dW, entry by entry, a step of length h with the Brownian increment ΔW and the integral
I_(1,0) = ∫ (W_r − W_t) dr over the step is

    H⁰_i = X + h Σ_j A⁰_ij f(H⁰_j) + (I_(1,0)/h) Σ_j B⁰_ij g(H¹_j),
    H¹_i = X + h Σ_j A¹_ij f(H⁰_j) + √h Σ_j B¹_ij g(H¹_j),
    X'   = X + h Σ α_i f(H⁰_i) + Σ (β¹_i ΔW + β²_i I_(1,1)/√h + β³_i I_(1,0)/h + β⁴_i I_(1,1,1)/h) g(H¹_i),

with I_(1,1) = (ΔW² − h)/2 and I_(1,1,1) = (ΔW³ − 3hΔW)/6; f is taken at t + c⁰_i h and g at t + c¹_i h.

References
----------
A. Rößler, "Runge–Kutta methods for the strong approximation of solutions of stochastic differential equations",
SIAM J. Numer. Anal. 48 (2010) 922, Theorem 5.1 (order conditions; SRIW1, SRIW2).
C. Rackauckas, Q. Nie, "Stability-optimized high order methods and stiffness detection for pathwise stiff stochastic
differential equations", arXiv 1804.04344 (SOSRI, SOSRI2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

Row = tuple[Fraction, ...]


@dataclass(frozen=True, eq=False)
class SRITableau:
    """A method of the class SRI with four stages.

    Attributes
    ----------
    name
        How :func:`~sciml.neural_de.sde_solve.sde_solve` calls the method.
    a0, a1, b0, b1
        A⁰, A¹, B⁰ and B¹: row i holds the coefficients with j < i; the first row is empty.
    alpha, beta1, beta2, beta3, beta4
        Weights of the new state.
    drift_weight
        δ in the error estimate err = δ h Σ f(H⁰_i) + Σ (β³_i I_(1,0)/h + β⁴_i I_(1,1,1)/h) g(H¹_i).
    stability_limit
        By which stiffness estimates are divided; ``None`` if the method has no such estimate.
    """

    name: str
    a0: tuple[Row, ...]
    a1: tuple[Row, ...]
    b0: tuple[Row, ...]
    b1: tuple[Row, ...]
    alpha: Row
    beta1: Row
    beta2: Row
    beta3: Row
    beta4: Row
    drift_weight: Fraction = Fraction(1)
    stability_limit: float | None = None

    @property
    def stages(self) -> int:
        """Number of stages; a step evaluates g once in each."""
        return len(self.alpha)

    @property
    def c0(self) -> Row:
        """Nodes c⁰ of the drift: the row sums of A⁰."""
        return tuple(sum(row, start=Fraction(0)) for row in self.a0)

    @property
    def c1(self) -> Row:
        """Nodes c¹ of the diffusion: the row sums of A¹."""
        return tuple(sum(row, start=Fraction(0)) for row in self.a1)

    @property
    def drift_stages(self) -> tuple[int, ...]:
        """Stages (counted from 0) at which f is evaluated: the first, and those with another argument than it."""
        return tuple(i for i in range(self.stages) if i == 0 or any(self.a0[i]) or any(self.b0[i]))

    @property
    def stiffness_stages(self) -> tuple[int, int] | None:
        """The last two stages if the method has a stiffness estimate, else ``None``; both have c⁰ = 1 then."""
        return None if self.stability_limit is None else (self.stages - 2, self.stages - 1)


def order_residuals(tableau: SRITableau) -> dict[str, Fraction]:
    """What is missing to each of the 25 conditions of strong order 3/2, by its left side; all 0 if it has that order.

    Products of vectors are entry by entry, e is the vector of ones.
    """
    e = (Fraction(1),) * tableau.stages
    b0, b1, a0, a1 = (_times(matrix, e) for matrix in (tableau.b0, tableau.b1, tableau.a0, tableau.a1))
    squared = tuple(x * x for x in b1)
    twice = _times(tableau.b1, b1)
    mixed = _times(tableau.a1, b0)
    alpha, betas = tableau.alpha, (tableau.beta1, tableau.beta2, tableau.beta3, tableau.beta4)
    gaps = {
        "α·e": _dot(alpha, e) - 1,
        "α·A⁰e": _dot(alpha, a0) - Fraction(1, 2),
        "α·B⁰e": _dot(alpha, b0) - 1,
        "α·(B⁰e)²": _dot(alpha, tuple(x * x for x in b0)) - Fraction(3, 2),
        "½β¹·A¹(B⁰e) + ⅓β³·A¹(B⁰e)": _dot(betas[0], mixed) / 2 + _dot(betas[2], mixed) / 3,
    }
    for name, vector, targets in (
        ("e", e, (1, 0, 0, 0)),
        ("A¹e", a1, (1, 0, -1, 0)),
        ("B¹e", b1, (0, 1, 0, 0)),
        ("(B¹e)²", squared, (1, 0, -1, 2)),
        ("B¹(B¹e)", twice, (0, 0, 0, 1)),
    ):
        for superscript, beta, target in zip("¹²³⁴", betas, targets, strict=True):
            gaps[f"β{superscript}·{name}"] = _dot(beta, vector) - target
    return gaps


def _times(matrix: tuple[Row, ...], vector: Row) -> Row:
    return tuple(_dot(row, vector) for row in matrix)


def _dot(x: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction:
    """Σ x_j y_j over the entries that the shorter one has."""
    return sum((p * q for p, q in zip(x, y, strict=False)), start=Fraction(0))


def _rows(text: str) -> tuple[Row, ...]:
    """Rows of a strictly lower triangular matrix, the empty first one left out, separated by semicolons."""
    return ((), *(_row(row) for row in text.split(";")))


def _row(text: str) -> Row:
    return tuple(map(Fraction, text.split()))


SRIW1 = SRITableau(
    "sriw1",
    a0=_rows("3/4; 0 0; 0 0 0"),
    a1=_rows("1/4; 1 0; 0 0 1/4"),
    b0=_rows("3/2; 0 0; 0 0 0"),
    b1=_rows("1/2; -1 0; -5 3 1/2"),
    alpha=_row("1/3 2/3 0 0"),
    beta1=_row("-1 4/3 2/3 0"),
    beta2=_row("-1 4/3 -1/3 0"),
    beta3=_row("2 -4/3 -2/3 0"),
    beta4=_row("-2 5/3 -2/3 1"),
    drift_weight=Fraction(1, 6),
)

SRIW2 = SRITableau(
    "sriw2",
    a0=_rows("1; 1/4 1/4; 0 0 0"),
    a1=_rows("1/4; 1 0; 0 0 1/4"),
    b0=_rows("0; 1 1/2; 0 0 0"),
    b1=_rows("-1/2; 1 0; 2 -1 1/2"),
    alpha=_row("1/6 1/6 2/3 0"),
    beta1=_row("-1 4/3 2/3 0"),
    beta2=_row("1 -4/3 1/3 0"),
    beta3=_row("2 -4/3 -2/3 0"),
    beta4=_row("-2 5/3 -2/3 1"),
)

SOSRI = SRITableau(
    "sosri",
    a0=_rows(
        "-.04199224421316468; 2.842612915017106 -2.0527723684000727;"
        "4.338237071435815 -2.8895936137439793 2.3017575594644466"
    ),
    a1=_rows(
        ".26204282091330466; .20903646383505375 -.1502377115150361;"
        ".05836595312746999 .6149440396332373 .08535117634046772"
    ),
    b0=_rows(
        "-.21641093549612528; 1.5336352863679572 .26066223492647056;"
        "-1.0536037558179159 1.7015284721089472 -.20725685784180017"
    ),
    b1=_rows(
        "-.5119011827621657; 2.67767339866713 -4.9395031322250995;"
        ".15580956238299215 3.2361551006624674 -1.4223118283355949"
    ),
    alpha=_row("1.140099274172029 -.6401334255743456 .4736296532772559 .026404498125060714"),
    beta1=_row("-1.8453464565104432 2.688764531100726 -.2523866501071323 .40896857551684956"),
    beta2=_row(".4969658141589478 -.5771202869753592 -.12919702470322217 .2093514975196336"),
    beta3=_row("2.8453464565104425 -2.688764531100725 .2523866501071322 -.40896857551684945"),
    beta4=_row(".11522663875443433 -.57877086147738 .2857851028163886 .17775911990655704"),
)

SOSRI2 = SRITableau(
    "sosri2",
    a0=_rows(
        ".13804532298278663; .5818361298250374 .4181638701749618;"
        ".4670018408674211 .8046204792187386 -.27162232008616016"
    ),
    a1=_rows(
        ".45605532163856893; .7555807846451692 .24441921535482677;"
        ".6981181143266059 .3453277086024727 -.04344582292908241"
    ),
    b0=_rows(
        ".08852381537667678; 1.0317752458971061 .4563552922077882;"
        "1.73078280444124 -.46089678470929774 -.9637509618944188"
    ),
    b1=_rows(
        ".6753186815412179; -.07452812525785148 -.49783736486149366;"
        "-.5591906709928903 .022696571806569924 -.8984927888368557"
    ),
    alpha=_row("-.15036858140642623 .7545275856696072 .686995463807979 -.2911544680711602"),
    beta1=_row("-.45315689727309133 .8330937231303951 .3792843195533544 .24077885458934192"),
    beta2=_row("-.4994383733810986 .9181786186154077 -.25613778661003145 -.16260245862427797"),
    beta3=_row("1.4531568972730915 -.8330937231303933 -.3792843195533583 -.24077885458934023"),
    beta4=_row("-.4976090683622265 .9148155835648892 -1.4102107084476505 .9930041932449877"),
    stability_limit=10.6,
)

SRI_TABLEAUS = {tableau.name: tableau for tableau in (SRIW1, SRIW2, SOSRI, SOSRI2)}
"""The methods by name."""
