"""Errata of the released code. Its functions are written here anew from a description of what they compute.

The released estimators use one bandwidth σ for all variables and logarithms to base 2. Their kernel matrices come from
‖a‖² + ‖b‖² − 2ab over the last axis.
"""

import math

import hypothesis.strategies as st
import numpy as np
import sympy as sp
import torch
from scipy.spatial.distance import pdist
from torch.utils.flop_counter import FlopCounterMode

from theory.cauchy_schwarz.bandwidth import median_bandwidth
from theory.cauchy_schwarz.claims.paper import paper
from theory.cauchy_schwarz.conditional import conditional_divergence
from theory.cauchy_schwarz.mutual_information import mutual_information, normalized_mutual_information

SEED = st.integers(0, 10**6)


def released_kernels(a, b, width):
    """Kernel matrix (N, N) of columns (N, d); of vectors (N,) one number, shape (1,), that is broadcast."""
    of_a, of_b = ((z * z).sum(-1, keepdim=True) for z in (a, b))
    squares = of_a + (of_b.T if b.ndim > 1 else of_b) - 2 * a @ (b.T if b.ndim > 1 else b)
    return torch.exp(-squares / (2 * width**2))


def released_divergence(x, y, y_hat, width=1.0):
    """Σ_j [Σ_i K_ji L_ji / Σ_i K_ji²] for the three kernels L of outputs, and the logarithm of their ratio."""
    inputs = released_kernels(x, x, width)
    sums = [
        ((inputs * released_kernels(a, b, width)).sum(-1) / (inputs**2).sum(-1)).sum()
        for a, b in ((y, y), (y_hat, y_hat), (y_hat, y))
    ]
    return torch.log2(sums[0]) + torch.log2(sums[1]) - 2 * torch.log2(sums[2])


def released_information(x, t, width=1.0):
    """Proposition 2, with products of N × N matrices and a vector of ones in float32."""
    n, ones = len(x), torch.ones(len(x), 1)
    k, q = (released_kernels(z, z, width) for z in (x, t))
    both, rows = torch.trace(k @ q.T) / n**2, ones.T @ k @ q @ ones / n**3
    apart = (ones.T @ k @ ones) * (ones.T @ q @ ones) / n**4
    return (torch.log2(both) + torch.log2(apart) - 2 * torch.log2(rows)).squeeze()


def released_normalized_information(x, t, width=1.0):
    """Ratio to the root of the product of I(x; x) and I(t; t)."""
    own = released_information(x, x, width) * released_information(t, t, width)
    return released_information(x, t, width) / torch.sqrt(own)


def released_bandwidth(x):
    """Median of squared distances, times 10."""
    return 10 * float(np.median(pdist(x.numpy(), "sqeuclidean")))


def ours(x, y, y_hat):
    """The divergence as written, on the same arguments, in bits."""
    return conditional_divergence(x, y, y_hat, 1.0, 1.0, base=2)


def batch(seed, size, error, dtype=torch.float64):
    """Inputs (N, 3), targets (N,) and predictions (N,) of that root mean squared error."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(size, 3, generator=generator, dtype=torch.float64)
    y, noise = torch.randn(2, size, generator=generator, dtype=torch.float64)
    return x.to(dtype), y.to(dtype), (y + error * noise / noise.square().mean().sqrt()).to(dtype)


@paper.claim(
    "released code, training loss",
    tags=("identity", "erratum"),
    mutants={
        "mean for sum": {"loss": lambda squares, n, width: squares / (n * width**2 * sp.log(2))},
        "natural logarithm": {"loss": lambda squares, n, width: squares / width**2},
        "half": {"loss": lambda squares, n, width: squares / (2 * width**2 * sp.log(2))},
    },
)
def released_training_loss_is_the_sum_of_squared_errors(
    check, loss=lambda squares, n, width: squares / (width**2 * sp.log(2))
):
    r"""With targets and predictions of shape $(N,)$, as in training, the released $D_{\text{CS}}$ is
    $\sum(\hat{y}_i - y_i)^2/(\sigma^2 \ln 2)$.

    The kernel of two vectors $(N,)$ is one number: 1 for $y$ with $y$ and $\hat{y}$ with $\hat{y}$,
    $\exp(-\|\hat{y} - y\|^2/2\sigma^2)$ for the two. It is broadcast, and the kernels of the inputs cancel. Exactly the
    squared error, whatever $x$ and $\sigma$.
    """
    kernels, squares, width, n = sp.symbols("S SSE sigma N", positive=True)
    cross = kernels * sp.exp(-squares / (2 * width**2))
    value = (sp.log(kernels) + sp.log(kernels) - 2 * sp.log(cross)) / sp.log(2)
    check.proves(sp.Eq(sp.expand_log(value, force=True), loss(squares, n, width)), says="the three sums")

    def agrees(seed, size, error):
        x, y, y_hat = batch(seed, size, error)
        exact = float(loss(sp.Float(float((y_hat - y).square().sum())), size, 1))
        return abs(float(released_divergence(x, y, y_hat)) - exact) <= 1e-9 * (1 + exact)

    check.forall(agrees, says="the code", seed=SEED, size=st.integers(2, 32), error=st.floats(0.01, 1))


@paper.refuted(
    "released code, training loss",
    tags=("identity", "erratum"),
    controls={"this package": {"formula": ours}},
)
def released_loss_is_the_same_for_vectors_and_columns(check, formula=released_divergence):
    r"""Targets and predictions may have shape $(N,)$ or $(N, 1)$, with the same loss.

    False of the released code: on columns it is a bounded loss of the residuals, on vectors their squared sum.
    """

    def holds(seed, size, error):
        x, y, y_hat = batch(seed, size, error)
        of_columns = float(formula(x, y[:, None], y_hat[:, None]))
        return abs(float(formula(x, y, y_hat)) - of_columns) <= 1e-9 * (1 + abs(of_columns))

    check.forall(holds, seed=SEED, size=st.integers(2, 32), error=st.floats(0.01, 1))
    x, y, y_hat = batch(check.seed, 128, 0.3)
    columns = (x, y[:, None], y_hat[:, None])
    check.note(of_vectors=float(formula(x, y, y_hat)), of_columns=float(formula(*columns)))


@paper.claim(
    "released code, divergence",
    tags=("identity", "erratum"),
    mutants={
        "Proposition 1": {"variant": "paper"},
        "weights 1/(k_i k_j)": {"variant": "psd"},
        "natural logarithm": {"base": math.e},
    },
)
def released_divergence_of_columns_has_other_weights_than_proposition_one(check, variant="repository", base=2.0):
    r"""On columns the released code divides by $\sum_i K_{ji}^2$, in place of $(\sum_i K_{ji})^2$, and takes logarithms
    to base 2.

    It weights inputs by their density, so that it estimates another quantity.
    """

    def agrees(seed, size, error):
        x, y, y_hat = batch(seed, size, error)
        exact = conditional_divergence(x, y, y_hat, 1.0, 1.0, variant, base=base)
        found = released_divergence(x, y[:, None], y_hat[:, None])
        return bool((found - exact).abs() <= 1e-10 * (1 + exact.abs()))

    check.forall(agrees, seed=SEED, size=st.integers(3, 32), error=st.floats(0.1, 3))


@paper.refuted(
    "released code, cost",
    tags=("erratum",),
    controls={"this package": {"formula": lambda x, t: mutual_information(x, t, 1.0, 1.0)}},
    mutants={"up to sixfold": {"largest": 6}},
)
def released_information_takes_quadratic_time(check, formula=released_information, largest=4.5):
    r"""Twice the points cost four times the operations: $O(N^2)$.

    False of the released code: $\mathrm{tr}(KQ^\top)$ and $1^\top KQ1$ are taken of products of $N \times N$ matrices,
    $2N^3$ operations each, where $\sum K_{ij} Q_{ij}$ and $(K1)^\top(Q1)$ will do. Counted at $N = 512$ and 1024; 4.5
    allows for what grows with $N$ alone.
    """
    counts = []
    for size in (512, 1024):
        x = torch.randn(size, 4, generator=torch.Generator().manual_seed(check.seed))
        with FlopCounterMode(display=False) as counter:
            formula(x, x)
        counts.append(counter.get_total_flops())
    factor = counts[1] / counts[0]
    check.forall(lambda factor: factor <= largest, examples=1, says="growth of the operations", factor=st.just(factor))
    check.note(operations_at_512_and_1024=counts)


@paper.refuted(
    "released code, bandwidth",
    tags=("erratum",),
    controls={"this package": {"formula": median_bandwidth}},
    mutants={"root of the squared median, times 10": {"formula": lambda x: 10 * math.sqrt(released_bandwidth(x) / 10)}},
)
def released_bandwidth_is_the_median_distance(check, formula=released_bandwidth):
    r"""The default bandwidth is the median distance of the sample.

    False: it is ten times the median of squared distances, in squared units of the data. For 8 standardised features it
    is about 150, where the released estimate of the information is rounding error.
    """

    def holds(seed, size, scale):
        x = scale * batch(seed, size, 1.0)[0]
        return math.isclose(formula(x), np.median(pdist(x.numpy())), rel_tol=1e-9)

    check.forall(holds, seed=SEED, size=st.integers(2, 30), scale=st.floats(1e-3, 1e3))
    generator = torch.Generator().manual_seed(check.seed)
    x = torch.randn(300, 8, generator=generator)
    width = formula(x.double())
    check.note(
        bandwidth=width,
        released_information=float(released_information(x, x, width)),
        information=float(mutual_information(x, x, width, width, base=2)),
    )


@paper.refuted(
    "released code, kernel matrices",
    tags=("erratum",),
    controls={"this package": {"formula": lambda x, t: mutual_information(x, t, 1.0, 1.0, base=2)}},
)
def released_information_is_unchanged_if_the_data_are_moved(check, formula=released_information):
    r"""$\hat{I}(x + c; t) = \hat{I}(x; t)$: kernels see differences alone.

    False of the released code in float32: $\|a\|^2 + \|b\|^2 - 2ab$ cancels, and at an offset of 1000 the kernel of a
    point with itself is 0.8 to 1.3. The data are multiples of $2^{-10}$, so that $x + c$ is exact. $10^{-4}$ is a
    hundred roundings of the sums.
    """

    def holds(seed, offset):
        x, t = (torch.round(1024 * z).float() / 1024 for z in batch(seed, 64, 1.0)[:2])
        t = t[:, None]
        return abs(float(formula(x + offset, t)) - float(formula(x, t))) <= 1e-4

    check.forall(holds, examples=100, says="float32", seed=SEED, offset=st.integers(-4096, 4096))
    x = batch(check.seed, 64, 1.0)[0].float() + 1000
    diagonal = released_kernels(x, x, 1.0).diagonal()
    check.note(released_diagonal_at_1000=[float(diagonal.min()), float(diagonal.max())])


@paper.refuted(
    "released code, dtype",
    tags=("erratum",),
    controls={"this package": {"formula": lambda x, t: mutual_information(x, t, 1.0, 1.0, base=2)}},
)
def released_information_accepts_float64(check, formula=released_information):
    r"""The estimate is computed in the dtype of the data.

    False: float64 data meet a vector of ones in float32, and torch refuses the product.
    """

    def runs(dtype):
        try:
            return formula(*(torch.linspace(0, 1, 5, dtype=getattr(torch, dtype))[:, None],) * 2).isfinite().item()
        except RuntimeError:
            return False

    check.forall(runs, examples=10, dtype=st.sampled_from(["float32", "float64"]))


@paper.refuted(
    "released code, normalized mutual information",
    tags=("erratum",),
    controls={"this package": {"formula": lambda x, t, width: normalized_mutual_information(x, t, width, width)}},
)
def released_normalized_information_is_a_number(check, formula=released_normalized_information):
    r"""$\tilde{I}$ is a finite number for finite data, also for a collapsed representation and for wide kernels.

    False of the released code: $0/0$ for constant $t$, and the root of a negative number where rounding makes
    $\hat{I}(t; t)$ negative. Here the first is 0, by definition, and the second has its full accuracy.
    """

    def holds(seed, width, spread):
        x, t, _ = batch(seed, 32, 1.0, torch.float32)
        return bool(torch.isfinite(formula(x, spread * t[:, None], width)))

    widths, spreads = st.sampled_from([1.0, 30.0, 1000.0]), st.sampled_from([0.0, 1e-3, 1.0])
    check.forall(holds, says="float32", seed=SEED, width=widths, spread=spreads)
