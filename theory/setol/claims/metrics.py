"""Layer quality metrics (Section 2): which depend on the unit of the weights, and how they bound each other."""

import math
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import mpmath
import numpy as np
import sympy as sp
from flint import fmpq, fmpq_mat

from theory._numbers import Floats
from theory.setol.analyze import Layer, analyze
from theory.setol.claims.paper import paper
from theory.setol.eigenvalues import eigenvalues
from theory.setol.power_law import fit_power_law
from verify import Check

Formula = Callable[..., Any]

INVARIANT = ("alpha", "D", "stable_rank", "entropy", "mp_softrank", "lambda_erg", "delta_lambda", "detX_num")

MATRIX = st.integers(2, 9).flatmap(
    lambda columns: st.lists(
        st.lists(st.integers(-9, 9), min_size=columns, max_size=columns), min_size=columns, max_size=12
    )
)
"""Rows of a tall integer matrix."""


def row_of(W: Any, **options: Any) -> Layer:
    """The row of the table for one matrix or kernel."""
    return analyze({"layer.weight": np.asarray(W, dtype=float)}, min_evals=2, **options)["layer.weight"]


def gaussian(seed: int, shape: tuple[int, ...] = (40, 25)) -> Floats:
    """Standard normal weights."""
    return np.random.default_rng(seed).standard_normal(shape)


@paper.claim(
    "Section 2, α̂",
    tags=("identity",),
    mutants={
        "α̂ unchanged": {"shift": lambda layer, c: 0.0},
        "α log10 c": {"shift": lambda layer, c: layer.alpha * math.log10(c)},
        "log10 c": {"shift": lambda layer, c: 2 * math.log10(c)},
    },
)
def alpha_hat_depends_on_the_unit_of_the_weights(
    check: Check, shift: Formula = lambda layer, c: 2 * layer.alpha * math.log10(c)
) -> None:
    r"""$W \to cW$ adds $2\alpha \log_{10} c$ to $\hat{\alpha} = \alpha \log_{10} \lambda_{\max}$, and leaves $\alpha$,
    $D$, ranks, entropy, $\Delta\lambda_{\min}$ and the ERG count.

    $c = 2^j$, so that the invariants agree to the last digit; $10^{-12}$ of the largest term for $\hat{\alpha}$.
    """

    def scales(seed: int, j: int) -> bool:
        W, c = gaussian(seed), 2.0**j
        before, after = row_of(W), row_of(c * W)
        moved = before.alpha_weighted + shift(before, c)
        size = abs(before.alpha_weighted) + abs(2 * before.alpha * math.log10(c))
        same = all(getattr(before, name) == getattr(after, name) for name in INVARIANT)
        return same and abs(after.alpha_weighted - moved) <= 1e-12 * size

    check.forall(scales, examples=check.at(quick=100, full=2000), seed=st.integers(0, 10**6), j=st.integers(-200, 200))


@paper.claim(
    "Section 5.4, normalisation of X",
    tags=("identity",),
    mutants={
        "α log10 M": {"shift": lambda layer: layer.alpha * math.log10(layer.M)},
        "log10 N": {"shift": lambda layer: math.log10(layer.N)},
        "of the other sign": {"shift": lambda layer: -layer.alpha * math.log10(layer.N)},
    },
)
def alpha_hat_of_the_paper_is_alpha_log_n_below_the_tool(
    check: Check, shift: Formula = lambda layer: layer.alpha * math.log10(layer.N)
) -> None:
    r"""With $X = W^\top W/N$ as in the paper, $\hat{\alpha}$ is $\alpha \log_{10} N$ below that of $W^\top W$, which
    WeightWatcher prints; $\alpha$ is the same.

    $10^{-9}$ for the rounding of $N$, which may not be a power of two: $\alpha$ itself moves by $10^{-12}$.
    """

    def agrees(seed: int, rows: int) -> bool:
        W = gaussian(seed, (rows, 25))
        raw, printed = row_of(W), row_of(W, scale="1/N")
        alike = abs(raw.alpha / printed.alpha - 1) <= 1e-9
        return alike and abs(raw.alpha_weighted - printed.alpha_weighted - shift(raw)) <= 1e-9 * (1 + shift(raw) ** 2)

    check.forall(agrees, examples=check.at(quick=100, full=2000), seed=st.integers(0, 10**6), rows=st.integers(26, 90))


def log_alpha_norm_exactly(spectrum: Floats, alpha: float) -> mpmath.mpf:
    """log10 Σ λ^α in 40 digits."""
    with mpmath.workdps(40):
        return mpmath.log10(mpmath.fsum(mpmath.mpf(value) ** mpmath.mpf(alpha) for value in spectrum.tolist()))


@paper.claim(
    "Section 2, α̂ and log α-norm",
    tags=("inequality", "ours"),
    mutants={
        "without its upper part": {"upper": lambda ratios: 1.0},
        "largest squared ratio sum, Σ (λ/λ_max)²": {"upper": lambda ratios: float((ratios**2).sum())},
        "one less than the stable rank": {"upper": lambda ratios: max(1.0, float(ratios.sum()) - 1)},
    },
)
def log_alpha_norm_exceeds_alpha_hat_by_at_most_the_log_of_the_stable_rank(
    check: Check, upper: Formula = lambda ratios: float(ratios.sum())
) -> None:
    r"""$\alpha \log_{10} \lambda_{\max} \le \log_{10} \sum \lambda^\alpha \le \alpha \log_{10} \lambda_{\max} +
    \log_{10}(\sum\lambda/\lambda_{\max})$ for $\alpha \ge 1$, sharper than the usual $\log_{10} M$.

    $(\lambda/\lambda_{\max})^\alpha \le \lambda/\lambda_{\max}$ for $\alpha \ge 1$. The bound is nearly met as
    $\alpha \to 1$. Against 40 digits; $10^{-12}$ for rounding.
    """

    def bounded(weights: list[float], excess: float) -> bool:
        spectrum, alpha = np.array(weights), 1 + excess
        ratios = spectrum / spectrum.max()
        low = mpmath.mpf(alpha) * mpmath.log10(spectrum.max())
        norm = log_alpha_norm_exactly(spectrum, alpha)
        return bool(low - 1e-12 <= norm <= low + math.log10(upper(ratios)) + 1e-12)

    check.forall(
        bounded,
        examples=400,
        weights=st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=12),
        excess=st.floats(1e-3, 8),
        says="any spectrum",
    )


@paper.claim(
    "Section 2, α̂ and log α-norm",
    tags=("identity",),
    mutants={
        "over the tail only": {
            "metric": lambda layer: math.log10(
                (layer.eigenvalues[layer.eigenvalues >= layer.xmin] ** layer.alpha).sum()
            )
        },
        "natural logarithm": {"metric": lambda layer: layer.log_alpha_norm * math.log(10)},
        "α̂": {"metric": lambda layer: layer.alpha_weighted},
    },
)
def log_alpha_norm_is_over_all_eigenvalues(check: Check, metric: Formula = lambda layer: layer.log_alpha_norm) -> None:
    r"""The log $\alpha$-norm is $\log_{10} \sum_i \lambda_i^\alpha$ over the whole spectrum, not only its tail; against
    40 digits, rtol $10^{-12}$.
    """

    def agrees(seed: int, j: int) -> bool:
        layer = row_of(gaussian(seed) * 2.0**j)
        exact = log_alpha_norm_exactly(layer.eigenvalues, layer.alpha)
        return bool(abs(metric(layer) - exact) <= 1e-12 * (1 + abs(exact)))

    check.forall(agrees, examples=check.at(quick=60, full=1000), seed=st.integers(0, 10**6), j=st.integers(-20, 20))


@paper.claim(
    "Section 2, ranks",
    tags=("inequality",),
    mutants={
        "stable rank at least 2": {"least": 2.0},
        "norm over ‖W‖_F for stable rank": {"stable": lambda layer: layer.lambda_max / layer.norm},
        "ratio of singular values": {"stable": lambda layer: layer.norm / layer.sv_max},
    },
)
def one_is_at_most_the_stable_rank_at_most_the_rank(
    check: Check, stable: Formula = lambda layer: layer.stable_rank, least: float = 1.0
) -> None:
    r"""$1 \le \sum\lambda/\lambda_{\max} \le \text{rank} \le M$ and $0 \le \text{entropy} \le 1$.

    Integer matrices, their rank in rational arithmetic; $10^{-12}$ for rounding.
    """

    def ordered(rows: list[list[int]]) -> bool:
        exact = fmpq_mat(len(rows), len(rows[0]), [fmpq(entry) for row in rows for entry in row]).rank()
        layer = row_of(rows, method="svd")
        if exact == 0:
            return True
        in_order = least - 1e-12 <= stable(layer) <= exact + 1e-12 and exact <= (layer.M or 0)
        return bool(in_order and layer.matrix_rank == exact and 0 <= layer.entropy <= 1)

    check.forall(ordered, examples=check.at(quick=200, full=3000), rows=MATRIX)


@paper.claim(
    "Section 2, entropy",
    tags=("identity",),
    mutants={
        "over ln M": {"divisor": lambda layer: math.log(layer.M)},
        "not normalised": {"divisor": lambda layer: 1.0},
    },
)
def entropy_is_normalised_by_the_rank(
    check: Check, divisor: Formula = lambda layer: math.log(layer.matrix_rank)
) -> None:
    r"""The matrix entropy is $-\sum p \ln p/\ln(\text{rank})$ with $p = \lambda/\sum\lambda$, 1 for equal eigenvalues
    whatever the rank.

    $W$ has $r$ orthogonal rows of one length and $M - r$ rows of zeros, with $r \ge 2$.
    """

    def is_one(rank: int, more: int, j: int) -> bool:
        layer = row_of(np.diag([2.0**j] * rank + [0.0] * more), method="svd")
        return bool(abs(layer.entropy * math.log(layer.matrix_rank or 0) / divisor(layer) - 1) <= 1e-12)

    check.forall(is_one, rank=st.integers(2, 12), more=st.integers(1, 12), j=st.integers(-9, 9))


def of_slices(kernel: Floats, factor: float = 1.0) -> Floats:
    """Squared singular values of all slices C_out × C_in, ascending."""
    slices = np.moveaxis(kernel.reshape(*kernel.shape[:2], -1), 2, 0)
    return np.sort(factor * np.concatenate([np.linalg.svd(matrix, compute_uv=False) ** 2 for matrix in slices]))


@paper.claim(
    "weightwatcher 0.7.7, Conv2D",
    tags=("identity",),
    mutants={
        "half, as WeightWatcher": {"pooled": lambda kernel: eigenvalues(kernel) / 2},
        "flattened": {"pooled": lambda kernel: np.resize(eigenvalues(kernel, conv="flatten"), of_slices(kernel).size)},
        "first slice repeated": {
            "pooled": lambda kernel: np.sort(np.tile(eigenvalues(kernel[:, :, 0, 0]), kernel[0, 0].size))
        },
    },
)
def a_pooled_kernel_has_the_eigenvalues_of_its_slices(check: Check, pooled: Formula = eigenvalues) -> None:
    r"""A kernel $(C_{\text{out}}, C_{\text{in}}, h, w)$ is read as $h w$ matrices
    $C_{\text{out}} \times C_{\text{in}}$, their squared singular values together.

    WeightWatcher halves them, which leaves $\alpha$ and $D$ as they are. $10^{-10}$ of the largest for the Gram
    matrices.
    """

    def agrees(seed: int, outs: int, ins: int, height: int, width: int) -> bool:
        kernel = gaussian(seed, (outs, ins, height, width))
        exact, found = of_slices(kernel), np.asarray(pooled(kernel))
        whole, half = fit_power_law(exact), fit_power_law(exact / 2)
        return bool(abs(found - exact).max() <= 1e-10 * exact[-1]) and (whole.alpha, whole.D) == (half.alpha, half.D)

    check.forall(
        agrees,
        examples=100,
        seed=st.integers(0, 10**6),
        outs=st.integers(2, 9),
        ins=st.integers(2, 9),
        height=st.integers(1, 4),
        width=st.integers(2, 4),
    )


@paper.corrected(
    "Table of MLP3",
    tags=("erratum",),
    printed={"inputs": 768, "first": 230_700},
    mutants={"28 × 28 counted as 764": {"inputs": 764, "first": 764 * 300}},
)
def the_first_layer_of_the_perceptron_has_235200_weights(check: Check, inputs: int = 784, first: int = 235_200) -> None:
    r"""$784 \times 300 = 235{,}200$ weights for $28 \times 28$ pixels, 88.35 % of all; the paper prints
    $768 \times 300 = 230{,}700$.
    """
    second, third = 300 * 100, 100 * 10
    share = sp.Rational(first, first + second + third)
    right = sp.And(
        sp.Eq(inputs, 28 * 28), sp.Eq(inputs * 300, first), sp.Lt(abs(share - sp.Rational(8835, 10000)), 5e-5)
    )
    check.proves(right)


@paper.corrected(
    'Section 6 ("n ≫ N × M" and "n ≪ N × M")',
    tags=("erratum",),
    printed={"over": sp.Gt, "under": sp.Lt},
    mutants={
        "both over-parameterised": {"under": sp.Lt},
        "both under-parameterised": {"over": sp.Gt},
    },
)
def the_first_layer_has_more_weights_than_there_are_digits(
    check: Check, over: Formula = sp.Lt, under: Formula = sp.Gt
) -> None:
    r"""Over-parameterised is $n < N \times M$: 60,000 digits against 235,200 weights of FC1. FC2 has 30,000, so
    $n > N \times M$.

    The paper prints the two relations the other way round, with the right words.
    """
    n = sp.Integer(60_000)
    check.proves(sp.And(over(n, 784 * 300), under(n, 300 * 100)))


def divergence(p: Any, q: Any) -> sp.Expr:
    """Jensen–Shannon divergence of two distributions on the same points, in nats."""
    middle = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    relative = [
        [sp.Integer(0) if a == 0 else a * sp.log(a / m) for a, m in zip(x, middle, strict=True)] for x in (p, q)
    ]
    return sum(map(sum, relative)) / 2


def of_densities(x: list[sp.Rational], y: list[sp.Rational]) -> sp.Expr:
    """Divergence of the spectral densities, one atom an eigenvalue."""
    points = sorted({*x, *y})
    return divergence(*([sp.Rational(spectrum.count(p), len(spectrum)) for p in points] for spectrum in (x, y)))


def of_normalised_vectors(x: list[sp.Rational], y: list[sp.Rational]) -> sp.Expr:
    """What WeightWatcher 0.7.7 has: √ of the divergence of the sorted eigenvalues over their sum."""
    return sp.sqrt(divergence(*([value / sum(spectrum) for value in sorted(spectrum)] for spectrum in (x, y))))


@paper.refuted(
    "Section 2, Rand-Distance; weightwatcher 0.7.7, rand_distance",
    tags=("erratum",),
    controls={"of the densities": {"distance": of_densities}},
    mutants={"its square": {"distance": lambda x, y: of_normalised_vectors(x, y) ** 2}},
)
def the_random_distance_compares_spectral_densities(check: Check, distance: Formula = of_normalised_vectors) -> None:
    r"""The Rand-Distance of the tool is the Jensen–Shannon divergence of the two spectral densities.

    That divergence is $\ln 2$ for spectra without a common point. The tool takes $\sqrt{\cdot}$ of the divergence of
    the sorted eigenvalues over their sum, which is 0 for a spectrum and its double.
    """
    spectrum = [sp.Rational(k, 7) for k in (8, 9, 11, 13)]
    check.proves(
        sp.Eq(distance(spectrum, [2 * value for value in spectrum]), sp.log(2)), says="a spectrum and its double"
    )
