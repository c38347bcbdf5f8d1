"""Gaussian averages, the high-temperature limit and saddle points behind the layer quality (Section 4, appendix).

S (student) and T (teacher) are N × M with N ≥ M, R = SᵀT/N is their overlap, A_M = SᵀS/N and A_N = SSᵀ/N; β is the
inverse temperature.
"""

import functools
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import hypothesis.strategies as st
import sympy as sp
import z3
from flint import acb, arb

from theory.setol.claims.paper import paper
from verify import Check

Formula = Callable[..., Any]


def annealed(beta: sp.Expr, overlap: sp.Expr) -> sp.Expr:
    """½ ln(1 + 2β(1 − R))."""
    return sp.log(1 + 2 * beta * (1 - overlap)) / 2


@paper.claim(
    "Section 4 and appendix (annealed Hamiltonian of the linear perceptron)",
    tags=("identity",),
    mutants={
        "β/2 for β": {"hamiltonian": lambda beta, overlap: annealed(beta / 2, overlap)},
        "variance 2(1 − R²)": {"hamiltonian": lambda beta, overlap: annealed(beta, overlap**2)},
        "½ lost": {"hamiltonian": lambda beta, overlap: 2 * annealed(beta, overlap)},
        "its high-temperature limit": {"hamiltonian": lambda beta, overlap: beta * (1 - overlap)},
    },
)
def gaussian_average_of_the_squared_error_is_half_a_logarithm(check: Check, hamiltonian: Formula = annealed) -> None:
    r"""Unit vectors $s$, $t$ with $s^\top t = R$ and $\xi \sim N(0, I)$: $-\ln \mathbb{E} \exp(-\beta(s^\top\xi -
    t^\top\xi)^2/2) = \frac{1}{2} \ln(1 + 2\beta(1 - R))$.

    The difference $y = (s - t)^\top\xi$ is normal of variance $|s - t|^2 = 2(1 - R)$.
    """
    beta, gap = sp.symbols("beta gap", positive=True)
    y, variance = sp.Symbol("y", real=True), 2 * gap
    density = sp.exp(-(y**2) / (2 * variance)) / sp.sqrt(2 * sp.pi * variance)
    average = sp.integrate(sp.exp(-beta * y**2 / 2) * density, (y, -sp.oo, sp.oo))
    check.proves(sp.Eq(sp.exp(-2 * hamiltonian(beta, 1 - gap)), average**2), says="at R = 1 − gap, both sides squared")


@paper.claim(
    "Section 4 (high-temperature limit)",
    tags=("identity",),
    mutants={
        "sign of the second order": {"expansion": lambda x: x + x**2},
        "½ of the second order": {"expansion": lambda x: x - x**2 / 2},
        "first order only": {"expansion": lambda x: x},
    },
)
def high_temperature_limit_is_linear_with_a_quadratic_correction(
    check: Check, expansion: Formula = lambda x: x - x**2
) -> None:
    r"""$\frac{1}{2} \ln(1 + 2\beta(1 - R)) = x - x^2 + O(x^3)$ with $x = \beta(1 - R)$: the error
    $\varepsilon(R) = 1 - R$ to first order in $\beta$.

    The rest lies in $[0, 4x^3/3]$, so that $x - x^2$ is a lower bound at any temperature.
    """
    x = sp.Symbol("x", nonnegative=True)
    exact = sp.log(1 + 2 * x) / 2
    for order in range(3):
        derivative = sp.diff(exact - expansion(x), x, order).subs(x, 0)
        check.proves(sp.Eq(derivative, 0), says=f"order {order} of the series")
    remainder = exact - expansion(x)
    check.proves(sp.Eq(sp.diff(remainder, x), 4 * x**2 / (1 + 2 * x)), says="d/dx of the rest, in [0, 4x²]")


@paper.corrected(
    "Section 4 and appendix (annealed Hamiltonian of matrices)",
    tags=("identity", "erratum"),
    printed={"determinant": lambda A: A.det()},
    mutants={
        "diagonal only": {"determinant": lambda A: A[0, 0] * A[1, 1]},
        "determinant unrooted": {"determinant": lambda A: ((A + A.T) / 2).det() ** 2},
    },
)
def matrix_gaussian_average_sees_only_the_symmetric_part(
    check: Check, determinant: Formula = lambda A: ((A + A.T) / 2).det()
) -> None:
    r"""For $\xi \sim N(0, I)$, $\mathbb{E} \exp(-\frac{1}{2}\,\xi^\top(A - I)\xi) = \det(\frac{1}{2}(A +
    A^\top))^{-1/2}$ if $\frac{1}{2}(A + A^\top)$ is positive definite.

    The paper has $A = I + (2\beta N/M)(I - R)$ and $\det A$; $R = S^\top T/N$ is not symmetric. Proved for all
    $2 \times 2$ matrices $A$, with the rows $(a, b + e)$ and $(b - e, c + b^2/a)$.
    """
    a, c = sp.symbols("a c", positive=True)
    b, e, x, y = sp.symbols("b e x y", real=True)
    A = sp.Matrix([[a, b + e], [b - e, c + b**2 / a]])
    form = sp.expand((sp.Matrix([[x, y]]) * A * sp.Matrix([x, y]))[0])
    inner = sp.integrate(sp.exp(-form / 2), (x, -sp.oo, sp.oo), conds="none")
    average = sp.integrate(sp.simplify(inner), (y, -sp.oo, sp.oo), conds="none") / (2 * sp.pi)
    check.proves(sp.Eq(1 / sp.simplify(average) ** 2, determinant(A)), says="1/average², A = I + (A − I)")


@paper.claim(
    "Section 4 and appendix (expansion of the determinant)",
    tags=("identity",),
    mutants={
        "sign of the second order": {"second": lambda X: (X * X).trace() / 2},
        "square of the trace": {"second": lambda X: -(X.trace() ** 2) / 2},
        "½ lost": {"second": lambda X: -(X * X).trace()},
    },
)
def log_determinant_expands_in_traces(check: Check, second: Formula = lambda X: -(X * X).trace() / 2) -> None:
    r"""$\ln \det(I + \varepsilon\Omega) = \varepsilon\,\mathrm{Tr}\,\Omega -
    \frac{1}{2}\varepsilon^2\,\mathrm{Tr}\,\Omega^2 + O(\varepsilon^3)$, for any $\Omega$ (here $3 \times 3$), symmetric
    or not.
    """
    omega, eps = sp.Matrix(3, 3, sp.symbols("w1:10", real=True)), sp.Symbol("epsilon", real=True)
    determinant = (sp.eye(3) + eps * omega).det(method="berkowitz")
    slope = sp.diff(determinant, eps).subs(eps, 0)
    check.proves(sp.Eq(slope, omega.trace()), says="first order")
    curvature = sp.diff(determinant, eps, 2).subs(eps, 0) - slope**2
    check.proves(sp.Eq(curvature, 2 * second(omega)), says="second order, (ln f)'' = f'' − f'² at f = 1")


@paper.corrected(
    'Section 4 (layer quality, "Tr R²")',
    tags=("identity", "erratum"),
    printed={"overlap": lambda R: (R * R).trace()},
    mutants={
        "square of the trace": {"overlap": lambda R: R.trace() ** 2},
        "the diagonal's squares": {"overlap": lambda R: sum(R[i, i] ** 2 for i in range(R.rows))},
    },
)
def squared_overlap_is_a_quadratic_form_of_the_outer_matrix(
    check: Check, overlap: Formula = lambda R: (R.T * R).trace()
) -> None:
    r"""$\mathrm{Tr}\,R^\top R = (1/N)\,\mathrm{Tr}\,T^\top A_N T$, and $A_N$ has the spectrum of $A_M$ and $N - M$
    zeros more.

    The paper writes $\mathrm{Tr}\,R^2$ for the left side; $R$ is not symmetric. Proved for $N = 3$, $M = 2$.
    """
    S, T = (sp.Matrix(3, 2, sp.symbols(f"{name}1:7", real=True)) for name in "st")
    outer, inner, x = S * S.T / 3, S.T * S / 3, sp.Symbol("x", real=True)
    check.proves(sp.Eq(sp.expand(9 * overlap(S.T * T / 3)), sp.expand(3 * (T.T * outer * T).trace())), says="9 Tr RᵀR")
    of_outer, of_inner = (sp.expand((x * sp.eye(A.rows) - A).det(method="berkowitz")) for A in (outer, inner))
    check.proves(sp.Eq(of_outer, sp.expand(x * of_inner)), says="characteristic polynomials")


def mean(values: Sequence[Any]) -> Any:
    """Arithmetic mean."""
    return sum(values[1:], values[0]) / len(values)


def product(values: Sequence[Any]) -> Any:
    """Product."""
    result = values[0]
    for value in values[1:]:
        result = result * value
    return result


@paper.claim(
    "Section 4 (annealed approximation)",
    tags=("inequality",),
    mutants={
        "reversed": {"averages": lambda Z: (mean(Z) ** len(Z), product(Z))},
        "harmonic mean for the mean": {"averages": lambda Z: (product(Z), (1 / mean([1 / z for z in Z])) ** len(Z))},
        "2 % less": {"averages": lambda Z: (product(Z), mean([98 * z / 100 for z in Z]) ** len(Z))},
    },
)
def annealed_average_bounds_the_quenched_one(
    check: Check, averages: Formula = lambda Z: (product(Z), mean(Z) ** len(Z))
) -> None:
    r"""$\mathbb{E} \ln Z \le \ln \mathbb{E}\,Z$ for positive $Z$, with equality only if $Z$ is constant: the annealed
    $-\beta F$ is an upper bound.

    Over $n$ equally likely values and without logarithms: $\prod Z_i \le (\text{mean}\,Z)^n$.
    """

    def ordered(values: list[int]) -> bool:
        quenched, upper = averages([Fraction(v) for v in values])
        return bool(quenched < upper or (quenched == upper and len(set(values)) == 1))

    for n in (2, 3):
        Z = [z3.Real(f"Z{i}") for i in range(1, n + 1)]
        quenched, upper = averages(Z)
        strict = z3.Or(quenched < upper, z3.And(quenched == upper, *[z == Z[0] for z in Z]))
        check.proves(z3.Implies(z3.And([z > 0 for z in Z]), strict), says=f"{n} equally likely values")
    sizes = st.lists(st.integers(1, 10**6), min_size=1, max_size=12)
    check.forall(ordered, says="up to twelve, exactly", values=sizes)


def jacobians(N: int, M: int) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """|∂S/∂(Q, L)|, |∂A/∂L| and det A for S = QL, A = SᵀS, L upper triangular with a positive diagonal.

    At Q = the first M columns of I, to which any other is rotated; dQ = ω Q with ω antisymmetric.
    """
    pairs = [(i, j) for i in range(M) for j in range(i, M)]
    entries = [sp.Symbol(f"l{i}{j}", positive=True) for i, j in pairs]
    L = sp.zeros(M, M)
    for (i, j), symbol in zip(pairs, entries, strict=True):
        L[i, j] = symbol
    turns = []
    for j in range(M):
        for i in range(j + 1, N):
            turn = sp.zeros(N, N)
            turn[i, j], turn[j, i] = 1, -1
            turns.append(turn[:, :M] * L)
    stretches = [sp.Matrix(N, M, lambda r, c, s=s: 1 if (r, c) == s else 0) for s in pairs]
    of_S = sp.Matrix([list(direction) for direction in turns + stretches])
    A = L.T * L
    of_A = sp.Matrix([[A[p] for p in pairs]]).jacobian(entries)
    return sp.Abs(sp.factor(of_S.det(method="berkowitz"))), sp.Abs(sp.factor(of_A.det())), A.det()


@paper.corrected(
    "Section 4 and appendix (change of variables S → A)",
    tags=("identity", "erratum"),
    printed={"exponent": lambda N, M: sp.Rational(N, 2)},
    mutants={
        "(N − M)/2": {"exponent": lambda N, M: sp.Rational(N - M, 2)},
        "(N − M + 1)/2": {"exponent": lambda N, M: sp.Rational(N - M + 1, 2)},
        "(N − 2)/2, right for M = 1": {"exponent": lambda N, M: sp.Rational(N - 2, 2)},
    },
)
def change_of_variables_has_the_wishart_exponent(
    check: Check, exponent: Formula = lambda N, M: sp.Rational(N - M - 1, 2)
) -> None:
    r"""From $S$ ($N \times M$) to $A = S^\top S$, $dS$ becomes $(\det A)^{(N-M-1)/2}\,dA$, up to a constant.

    The printed $N/2$ is its order for $N \gg M$ only; at fixed $q = M/N$ the exponent is $N(1 - q)/2$. With $S = QL$
    the powers of $\det L$ are compared, $|\partial S/\partial(Q, L)| = 2^{-M} |\partial A/\partial L| (\det
    A)^{\text{exponent}}$.
    """
    for N, M in ((2, 1), (3, 2), (4, 2), (3, 3), (4, 3)):
        of_S, of_A, determinant = jacobians(N, M)
        claimed = of_A * sp.powdenest(sp.sqrt(sp.factor(determinant)), force=True) ** (2 * exponent(N, M))
        check.proves(sp.Eq(2**M * of_S, claimed), says=f"N = {N}, M = {M}")


@paper.corrected(
    "Appendix A4 (saddle point of the change of variables)",
    tags=("identity", "erratum"),
    printed={"value": lambda M, log_det: -M + log_det / 2},
    mutants={
        "sign of the logarithm": {"value": lambda M, log_det: -sp.Rational(M, 2) * (1 + sp.log(2)) + log_det / 2},
        "ln 2 lost": {"value": lambda M, log_det: -sp.Rational(M, 2) - log_det / 2},
    },
)
def saddle_point_value_is_minus_half_the_trace_of_the_logarithm(
    check: Check, value: Formula = lambda M, log_det: -sp.Rational(M, 2) * (1 + sp.log(2)) - log_det / 2
) -> None:
    r"""$-\mathrm{Tr}(\hat{A}A) + \frac{1}{2}\,\mathrm{Tr} \ln \hat{A}$ is stationary at $\hat{A} = \frac{1}{2}A^{-1}$,
    with the value $-M/2 - (M/2) \ln 2 - \frac{1}{2}\,\mathrm{Tr} \ln A$.

    Printed: $-M + \frac{1}{2}\,\mathrm{Tr} \ln A$. Proved for all positive definite $A$ with $M = 1$ and $M = 2$.
    """
    a, c, u, w = sp.symbols("a c u w", positive=True)
    b, v = sp.symbols("b v", real=True)
    for A, hat in (
        (sp.Matrix([[a]]), sp.Matrix([[u]])),
        (sp.Matrix([[a, b], [b, c + b**2 / a]]), sp.Matrix([[u, v], [v, w]])),
    ):
        M, action = A.rows, -(hat * A).trace() + sp.log(hat.det()) / 2
        entries = sorted(hat.free_symbols, key=str)
        inverse = A.inv() / 2
        there = {symbol: inverse[list(hat).index(symbol)] for symbol in entries}
        for symbol in entries:
            check.proves(sp.Eq(sp.simplify(sp.diff(action, symbol).subs(there)), 0), says=f"∂/∂{symbol} = 0, M = {M}")
        reached = -sp.simplify((inverse * A).trace()) + sp.log(sp.simplify(inverse.det())) / 2
        claimed = value(M, sp.log(sp.simplify(A.det())))
        check.proves(sp.Eq(sp.expand_log(reached - claimed, force=True), 0), says=f"the value, M = {M}")


@paper.corrected(
    "Section 4.2 (saddle-point approximation)",
    tags=("identity", "erratum"),
    printed={"prefactor": lambda n_beta, hessian: (2 * sp.pi / n_beta) ** hessian.rows},
    mutants={
        "Hessian in the numerator": {"prefactor": lambda n, H: (2 * sp.pi / n) ** H.rows * H.det()},
        "one dimension for d": {"prefactor": lambda n, H: 2 * sp.pi / n / H.det()},
    },
)
def saddle_point_approximation_needs_the_hessian(
    check: Check, prefactor: Formula = lambda n_beta, hessian: (2 * sp.pi / n_beta) ** hessian.rows / hessian.det()
) -> None:
    r"""$\int e^{-n\beta \varepsilon(w)}\,dw \approx ((2\pi/n\beta)^d / \det \nabla^2\varepsilon)^{1/2} e^{-n\beta
    \varepsilon(w^*)}$ for $w$ in $d$ dimensions, exactly so for quadratic $\varepsilon$.

    The Hessian is missing in print. Proved for all quadratic $\varepsilon$ with $d = 2$.
    """
    n, a, c = sp.symbols("n a c", positive=True)
    b, x, y = sp.symbols("b x y", real=True)
    hessian = sp.Matrix([[a, b], [b, c + b**2 / a]])
    energy = sp.expand((sp.Matrix([[x, y]]) * hessian * sp.Matrix([x, y]))[0] / 2)
    inner = sp.integrate(sp.exp(-n * energy), (x, -sp.oo, sp.oo), conds="none")
    integral = sp.integrate(sp.simplify(inner), (y, -sp.oo, sp.oo), conds="none")
    check.proves(sp.Eq(sp.simplify(integral) ** 2, prefactor(n, hessian)), says="both sides squared")


def disagreement(R: float) -> arb:
    """P(xy < 0) of two standard normal variables of correlation R, 2 ∫_0^∞ φ(x) Φ(−Rx/√(1 − R²)) dx.

    Beyond x = 14 there is less than 1e−43.
    """
    slope = arb(R) / (2 * (1 - arb(R) * arb(R))).sqrt()
    density = lambda x, _: (-x * x / 2).exp() / (2 * acb.pi()).sqrt() * (x * slope).erfc()  # noqa: E731
    return acb.integral(density, 0, 14).real


@paper.corrected(
    "Footnote on the Boolean perceptron",
    tags=("identity", "erratum"),
    printed={"error": lambda R: 1 - R.acos() / arb.pi()},
    mutants={
        "linear": {"error": lambda R: (1 - R) / 2},
        "½ lost": {"error": lambda R: 2 * R.acos() / arb.pi()},
    },
)
def boolean_perceptron_errs_on_the_angle_between_the_vectors(
    check: Check, error: Formula = lambda R: R.acos() / arb.pi()
) -> None:
    r"""A student $\mathrm{sign}(s^\top\xi)$ with overlap $R$ disagrees with its teacher on a fraction $\arccos(R)/\pi$
    of Gaussian inputs.

    Printed: $1 - \arccos(R)/\pi$, which is 1 at $R = 1$.
    """
    for R in (-0.75, 0.0, 0.5, 0.9375):
        found, exact = functools.partial(error, arb(R)), functools.partial(disagreement, R)
        check.certifies_value(found, exact, within=1e-30, says=f"R = {R}")
