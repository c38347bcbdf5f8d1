"""The estimator of the conditional divergence D_CS(p(y|x); q(ŷ|x)): signs, symmetry, and what its bandwidths do.

K are the kernels of the inputs, k_i = Σ_j K_ij, L those of the outputs. S(L) = Σ_ij w_ij K_ij L_ij, D̂ = log S(κ(y_i −
y_j)) + log S(κ(ŷ_i − ŷ_j)) − 2 log S(κ(ŷ_i − y_j)). Proposition 1 has w_ij = 1/k_i²; ours are w_ij = 1/(k_i k_j).
"""

import functools
import math

import hypothesis.strategies as st
import numpy as np
import sympy as sp
import torch
from flint import arb

from theory.cauchy_schwarz.claims.paper import paper
from theory.cauchy_schwarz.claims.parzen import WITHIN, gram, parzen_divergence, total
from theory.cauchy_schwarz.conditional import conditional_divergence
from theory.cauchy_schwarz.divergence import divergence

SEED = st.integers(0, 10**6)
WIDTH = st.floats(0.05, 10)
WITNESS = {
    "x1": 2,
    "x2": 4,
    "x3": 3,
    "y1": -1,
    "y2": -1,
    "y3": 1,
    "z1": -1,
    "z2": -1,
    "z3": 2,
    "sigma_x": 1,
    "sigma_y": 3,
}
"""Inputs x, targets y, predictions z and bandwidths at which Proposition 1 is negative."""

WEIGHTS = {
    "paper": lambda sums, i, j: 1 / (sums[i] * sums[i]),
    "psd": lambda sums, i, j: 1 / (sums[i] * sums[j]),
}


def column(values):
    """Points with one coordinate."""
    return [(value,) for value in values]


def in_balls(variant, exchanged=False, **point):
    """D̂ of three points in ball arithmetic."""
    x, y, z = ([(point[f"{name}{i}"],) for i in (1, 2, 3)] for name in "xyz")
    y, z = (z, y) if exchanged else (y, z)
    inputs = gram(x, x, point["sigma_x"])
    sums = [total([row]) for row in inputs]

    def log_sum(first, second):
        outputs = gram(first, second, point["sigma_y"])
        return total(outputs, lambda i, j: WEIGHTS[variant](sums, i, j) * inputs[i][j]).log()

    return log_sum(y, y) + log_sum(z, z) - 2 * log_sum(z, y)


def regression(seed):
    """2 to 12 inputs in up to 2 dimensions, with one target and one prediction each."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rng.integers(2, 13), rng.integers(1, 3)))
    y = rng.normal(size=len(x))
    return x, y, y + rng.normal(size=len(x)) * 10 ** rng.uniform(-2, 1)


@paper.refuted(
    "Proposition 1",
    tags=("inequality", "erratum"),
    controls={"weights 1/(k_i k_j)": {"variant": "psd"}},
    mutants={"down to −0.007": {"least": "-0.007"}},
)
def estimator_of_the_conditional_divergence_is_nonnegative(check, variant="paper", least="0"):
    r"""$\hat{D} \ge 0$ for Proposition 1, as for the divergence that it estimates.

    False: $-0.0072976347744219$ at $x = (2, 4, 3)$, $y = (-1, -1, 1)$, $\hat{y} = (-1, -1, 2)$, $\sigma_x = 1$,
    $\sigma_y = 3$. Its weights belong to the row alone, so that $S$ is no inner product of two densities.
    """
    at = {name: (value, value) for name, value in WITNESS.items()}
    check.certifies(lambda **point: in_balls(variant, **point) - arb(least), over=at, says="three points")
    check.note(value=float(in_balls(variant, **WITNESS)))

    def holds(seed, width_x, width_y):
        x, y, y_hat = regression(seed)
        return conditional_divergence(x, y, y_hat, width_x, width_y, variant) >= float(least) - 1e-12

    check.forall(holds, says="the function", seed=SEED, width_x=WIDTH, width_y=WIDTH)


@paper.refuted(
    "Proposition 1",
    tags=("identity", "erratum"),
    controls={"weights 1/(k_i k_j)": {"variant": "psd"}},
    mutants={"up to 0.04": {"allowed": "0.04"}},
)
def estimator_of_the_conditional_divergence_is_symmetric(check, variant="paper", allowed="1e-12"):
    r"""Targets and predictions can be exchanged: $\hat{D}(y, \hat{y}) = \hat{D}(\hat{y}, y)$.

    False: $-0.0072976$ against $+0.0349965$ at the same three points. $10^{-12}$ allows for the width of the balls, and
    relatively for the rounding of exponents, which grow with $\hat{D}$.
    """

    def agreement(**point):
        return arb(allowed) - abs(in_balls(variant, **point) - in_balls(variant, exchanged=True, **point))

    at = {name: (value, value) for name, value in WITNESS.items()}
    check.certifies(agreement, over=at, says="three points")
    check.note(value=float(in_balls(variant, **WITNESS)), exchanged=float(in_balls(variant, exchanged=True, **WITNESS)))

    def holds(seed, width_x, width_y):
        x, y, y_hat = regression(seed)
        orders = (y, y_hat), (y_hat, y)
        values = [conditional_divergence(x, first, second, width_x, width_y, variant) for first, second in orders]
        return math.isclose(*values, rel_tol=1e-12, abs_tol=float(allowed))

    check.forall(holds, says="the function", seed=SEED, width_x=WIDTH, width_y=WIDTH)


def symbolic_divergence(weights):
    """D̂ of three points for any kernels of the inputs, with σ_y = 1, and its targets and predictions."""
    y, y_hat = sp.symbols("y1:4", real=True), sp.symbols("z1:4", real=True)
    kernels = sp.Matrix(3, 3, lambda i, j: 1 if i == j else sp.Symbol(f"K{min(i, j)}{max(i, j)}", positive=True))
    sums = [sum(kernels[i, :]) for i in range(3)]
    inputs = sp.Matrix(3, 3, lambda i, j: weights(sums, i, j) * kernels[i, j])

    def log_sum(first, second):
        outputs = sp.Matrix(3, 3, lambda i, j: sp.exp(-((first[i] - second[j]) ** 2) / 2))
        return sp.log(sum(inputs.multiply_elementwise(outputs)))

    return log_sum(y, y) + log_sum(y_hat, y_hat) - 2 * log_sum(y_hat, y), y, y_hat


@functools.cache
def minimised(variant, seed, size, steps):
    """RMSE and D̂ that L-BFGS ends at when it starts at ŷ = y, σ_x = σ_y = 1."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(size, generator=generator, dtype=torch.float64)
    y = torch.sin(2 * x) + 0.3 * torch.randn(size, generator=generator, dtype=torch.float64)
    y_hat = y.clone().requires_grad_()
    search = torch.optim.LBFGS([y_hat], max_iter=steps, tolerance_grad=1e-12, line_search_fn="strong_wolfe")

    def loss():
        search.zero_grad()
        value = conditional_divergence(x, y, y_hat, 1.0, 1.0, variant)
        value.backward()
        return value

    search.step(loss)
    error = (y_hat - y).detach().square().mean().sqrt()
    return {"RMSE": float(error), "divergence": float(loss().detach())}


@paper.refuted(
    "Proposition 1, as a training loss",
    tags=("identity", "erratum"),
    controls={"weights 1/(k_i k_j)": {"variant": "psd"}},
)
def exact_predictions_are_a_stationary_point_of_the_loss(check, variant="paper"):
    r"""$\partial\hat{D}/\partial\hat{y} = 0$ at $\hat{y} = y$.

    False of Proposition 1: the derivative by $\hat{y}_a$ is $\sum_j (w_{ja} - w_{aj}) K_{aj} \kappa'(y_a - y_j)/S$, and
    $w_{ja} \ne w_{aj}$ unless $a$ and $j$ are in equally dense places. Minimisation leaves the exact predictions. With
    weights $1/(k_i k_j)$ it is 0, proved for three points with any kernels of the inputs.
    """
    value, y, y_hat = symbolic_divergence(WEIGHTS[variant])
    slope = sp.diff(value, y_hat[0]).subs(dict(zip(y_hat, y, strict=True)))
    check.proves(sp.Eq(sp.together(slope), 0), says="three points")

    size, steps = check.at(quick=(32, 40), full=(64, 400))
    check.reproduces(
        lambda seed: minimised(variant, seed, size, steps),
        bands={"RMSE": (0, 1e-6), "divergence": (-1e-9, 1e-9)},
        seeds=check.at(quick=1, full=5),
        setup={
            "data": "y = sin 2x + 0.3 N(0, 1), x ~ N(0, 1)",
            "points": size,
            "L-BFGS steps": steps,
            "start": "ŷ = y",
        },
        says="minimisation from ŷ = y stays",
    )


@paper.claim(
    "Proposition 1, corrected weights",
    tags=("identity", "ours"),
    mutants={
        "weights of Proposition 1": {"formula": functools.partial(conditional_divergence, variant="paper")},
        "weights of the released code": {"formula": functools.partial(conditional_divergence, variant="repository")},
        "no weights": {
            "formula": lambda x, y, y_hat, width_x, width_y: divergence(
                np.stack([x / width_x, y / width_y], 1), np.stack([x / width_x, y_hat / width_y], 1), 1.0
            )
        },
        "half convention": {"formula": functools.partial(conditional_divergence, convention="half")},
    },
)
def our_estimator_is_the_divergence_of_two_densities(check, formula=conditional_divergence):
    r"""With weights $1/(k_i k_j)$, $\hat{D} = D_{\text{CS}}(\tilde{p}; \tilde{q})$ for
    $\tilde{p}(x, y) = \sum_i k_i^{-1}\,G(x - x_i)\,G(y - y_i)$, $\tilde{q}$ alike with $\hat{y}_i$.

    $G$ are Gaussian densities of deviations $\sigma_x/\sqrt{2}$ and $\sigma_y/\sqrt{2}$, $k_i^{-1}$ stands for
    $1/\hat{p}(x_i)$. So $\hat{D}$ is nonnegative, symmetric, and 0 with gradient 0 at $\hat{y} = y$. $\tilde{p}$ and
    $\tilde{q}$ are integrated by quadrature in ball arithmetic.
    """
    x, y, y_hat = [0.0, 0.4, 1.5, 1.75], [0.5, -0.5, 1.0, 2.0], [0.25, -0.75, 2.5, 1.5]
    for width_x, width_y in ((0.5, 1.5), (1.25, 0.5)):
        value = float(formula(*map(np.array, (x, y, y_hat)), width_x, width_y))

        def oracle(width_x=width_x, width_y=width_y):
            sums = [total([row]) for row in gram(column(x), column(x), width_x)]
            p, q = ([(1 / k, pair) for k, pair in zip(sums, zip(x, z, strict=True), strict=True)] for z in (y, y_hat))
            return parzen_divergence(p, q, [arb(width) / arb(2).sqrt() for width in (width_x, width_y)])

        check.certifies_value(oracle, value, within=WITHIN, says=f"4 points, σ_x = {width_x}, σ_y = {width_y}")


def distinct(seed):
    """Inputs at distances of at least 1, with targets and predictions in 1 or 2 dimensions."""
    rng = np.random.default_rng(seed)
    n, size = rng.integers(1, 13), rng.integers(1, 3)
    y = rng.normal(size=(n, size))
    return rng.permutation(n) * 1.0, y, y + rng.normal(size=y.shape) * 10 ** rng.uniform(-2, 1)


def welsch(squares, width):
    """−2 log mean κ(e_i) with the kernel of bandwidth σ."""
    return -2 * np.log(np.exp(-squares / (2 * width**2)).mean())


@paper.claim(
    "Remark on the mean squared error, narrow kernel of the inputs",
    tags=("identity",),
    mutants={
        "half convention": {"loss": lambda squares, width: welsch(squares, width) / 2},
        "Parzen bandwidth": {"loss": lambda squares, width: welsch(squares, width / math.sqrt(2))},
        "mean of the logarithms, i.e. squared error": {"loss": lambda squares, width: squares.mean() / width**2},
        "σ_x = 1": {"width_x": 1.0},
    },
)
def narrow_input_kernel_leaves_welschs_loss(check, loss=welsch, width_x=0.02):
    r"""$\sigma_x \to 0$, distinct inputs: $\hat{D} = -2 \log \text{mean}\,\kappa(\hat{y}_i - y_i)$, the correntropy
    loss, whatever the weights.

    At distances of $50 \sigma_x$ the kernels of different inputs are below $10^{-500}$, and $K$ is the identity. A
    bounded loss of each residual, computed in $O(N)$.
    """

    def agree(seed, width):
        x, y, y_hat = distinct(seed)
        exact = loss(((y_hat - y) ** 2).sum(1), width)
        found = [conditional_divergence(x, y, y_hat, width_x, width, each) for each in ("psd", "paper", "repository")]
        return np.abs(np.array(found) - exact).max() <= 1e-12 * (1 + exact)

    check.forall(agree, examples=100, says="all three weights", seed=SEED, width=st.floats(0.5, 100))


def residuals(count):
    """Symbols e₁, …, with 1/σ²."""
    return sp.symbols(f"e1:{count + 1}", real=True), sp.Symbol("1/sigma^2", positive=True)


def variance_of_squares(e):
    """mean e⁴ − (mean e²)²."""
    return sum(v**4 for v in e) / len(e) - (sum(v**2 for v in e) / len(e)) ** 2


@paper.claim(
    "Remark on the mean squared error, then wide kernel of the outputs",
    tags=("identity", "inequality"),
    mutants={
        "half": {"limit": lambda e: sum(v**2 for v in e) / len(e) / 2},
        "mean absolute error": {"limit": lambda e: sum(abs(v) for v in e) / len(e)},
        "correction of the other sign": {"correction": lambda e: variance_of_squares(e) / 4},
        "correction twice as large": {"correction": lambda e: -variance_of_squares(e) / 2},
    },
)
def wide_output_kernel_makes_welschs_loss_the_squared_error(
    check, limit=lambda e: sum(v**2 for v in e) / len(e), correction=lambda e: -variance_of_squares(e) / 4
):
    r"""$\sigma_y^2 \cdot (-2 \log \text{mean}\,\kappa(e)) = \text{mean}\,e^2 - (\text{mean}\,e^4 -
    (\text{mean}\,e^2)^2)/4\sigma_y^2 + O(\sigma_y^{-4})$ as $\sigma_y \to \infty$.

    Two derivatives in $1/\sigma_y^2$ of three residuals, proved. Of the function with any number: the mean squared
    error is not exceeded, nor undercut by more than $\max e^4/16\sigma_y^2$ (Hoeffding's lemma).
    """
    e, inverse = residuals(3)
    loss = -2 * sp.log(sum(sp.exp(-inverse * v**2 / 2) for v in e) / len(e))
    terms = limit(e), 2 * correction(e)
    slopes = [sp.expand(sp.diff(loss, inverse, k).subs(inverse, 0)) for k in (1, 2)]
    both = sp.And(*(sp.Eq(sp.expand(slope - term), 0) for slope, term in zip(slopes, terms, strict=True)))
    check.proves(both, says="first and second term, three residuals")

    def agrees(seed, width):
        x, y, y_hat = distinct(seed)
        squares = ((y_hat - y) ** 2).sum(1)
        excess = limit(np.sqrt(squares)) - width**2 * conditional_divergence(x, y, y_hat, 0.02, width)
        rounding = 1e-12 * (1 + width**2)
        return -rounding <= excess <= squares.max() ** 2 / (16 * width**2) + rounding

    check.forall(agrees, says="the function", seed=SEED, width=st.floats(0.5, 100))


@paper.refuted(
    "Remark on the mean squared error, read as σ = 0",
    tags=("identity", "erratum"),
    controls={"σ_x → 0 and σ_y → ∞": {"outputs": "wide"}},
    mutants={"half the mean squared error": {"share": 0.5}},
)
def loss_is_the_squared_error_when_both_bandwidths_vanish(check, outputs="narrow", share=1.0):
    r"""With $\sigma_x, \sigma_y \to 0$ the loss becomes the mean squared error,
    $\sigma_y^2 \hat{D} \to \text{mean}\,e^2$.

    False: it becomes the least squared error, $\sigma_y^2 \hat{D} \to \min e^2$, which one exact prediction makes 0.
    The mean squared error takes $\sigma_x \to 0$ and $\sigma_y \to \infty$. Residuals 1, 2 and 3 with $\sigma_y = 0.01$
    and 100; $\max e^4/16\sigma_y^2$ is $6 \cdot 10^{-4}$ for the wide kernel, and half of it for its mean error.
    """

    def agreement(e1, e2, e3, sigma_y):
        loss = -2 * (sum(((-e * e / (2 * sigma_y * sigma_y)).exp() for e in (e1, e2, e3)), arb(0)) / 3).log()
        mean = (e1 * e1 + e2 * e2 + e3 * e3) / 3
        return arb("6e-4") - abs(sigma_y * sigma_y * loss - arb(share) * mean)

    width = {"narrow": 0.01, "wide": 100.0}[outputs]
    at = {"e1": (1, 1), "e2": (2, 2), "e3": (3, 3), "sigma_y": (width, width)}
    check.certifies(agreement, over=at, says="three residuals")


@paper.claim(
    "Proposition 1, wide kernel of the outputs",
    tags=("identity", "ours"),
    mutants={
        "mean squared error": {"limit": lambda m, e: sum(v * v for v in e) / len(e)},
        "weighted squared error": {
            "limit": lambda m, e: (
                sum(m[i, j] * e[i] ** 2 for i in range(len(e)) for j in range(len(e)))
                / sum(m[i, j] for i in range(len(e)) for j in range(len(e)))
            )
        },
        "not normalised": {
            "limit": lambda m, e: sum(m[i, j] * e[i] * e[j] for i in range(len(e)) for j in range(len(e)))
        },
    },
)
def wide_output_kernel_leaves_a_smoothed_squared_error(
    check,
    limit=lambda m, e: (
        sum(m[i, j] * e[i] * e[j] for i in range(len(e)) for j in range(len(e)))
        / sum(m[i, j] for i in range(len(e)) for j in range(len(e)))
    ),
):
    r"""$\sigma_y \to \infty$ at any $\sigma_x$: $\sigma_y^2 \hat{D} \to e^\top Me / 1^\top M1$ with $e = \hat{y} - y$
    and $M_{ij} = K_{ij}/(k_i k_j)$.

    Residuals that alternate between neighbours are nearly free. The slope in $1/\sigma_y^2$ is proved for three points
    and any symmetric $M$; of the function the error is at most $R^4/16\sigma_y^2$, $R$ the largest distance of outputs.
    """
    y, y_hat, inverse = sp.symbols("y1:4"), sp.symbols("z1:4"), sp.Symbol("1/sigma^2", positive=True)
    m = sp.Matrix(3, 3, lambda i, j: sp.Symbol(f"M{min(i, j)}{max(i, j)}", positive=True))

    def log_sum(first, second):
        return sp.log(
            sum(m[i, j] * sp.exp(-inverse * (first[i] - second[j]) ** 2 / 2) for i in range(3) for j in range(3))
        )

    loss = log_sum(y, y) + log_sum(y_hat, y_hat) - 2 * log_sum(y_hat, y)
    slope = sp.diff(loss, inverse).subs(inverse, 0)
    gap = sp.factor(sp.together(slope - limit(m, [b - a for a, b in zip(y, y_hat, strict=True)])))
    check.proves(sp.Eq(gap, 0), says="slope in 1/σ_y² at 0")

    def agrees(seed, width_x, width):
        x, y, y_hat = regression(seed)
        kernels = np.exp(-((x[:, None] - x) ** 2).sum(-1) / (2 * width_x**2))
        sums = kernels.sum(1)
        largest = np.ptp(np.concatenate([y, y_hat])) ** 2
        error = width**2 * conditional_divergence(x, y, y_hat, width_x, width) - limit(
            kernels / np.outer(sums, sums), y_hat - y
        )
        return abs(error) <= largest**2 / (16 * width**2) + 1e-12 * (1 + width**2)

    check.forall(agrees, says="the function", seed=SEED, width_x=WIDTH, width=st.floats(1, 100))
    check.table("bandwidths", **losses_by_bandwidth(check.seed))


@functools.cache
def losses_by_bandwidth(seed):
    """σ_y² D̂ of residuals that alternate, and of as large a constant residual, against σ_x and σ_y."""
    x = np.linspace(0, 1, 200)
    y = np.sin(2 * np.pi * x) + 0.1 * np.random.default_rng(seed).normal(size=len(x))
    shapes = {"alternating": 0.5 * (-1.0) ** np.arange(len(x)), "constant": np.full(len(x), 0.5)}
    widths = np.geomspace(0.05, 20, 21)
    columns = {"bandwidth_y": list(widths)}
    for name, e in shapes.items():
        for width_x in (1e-4, 0.01, 0.1):
            columns[f"{name}, σ_x = {width_x:g}"] = [
                float(w**2 * conditional_divergence(x, y, y + e, width_x, w)) for w in widths
            ]
    return columns


@paper.claim(
    "Proposition 1, weight of an input",
    tags=("identity", "ours"),
    mutants={
        "weights of the released code": {"variants": ("repository",)},
        "weight by the number of points": {"share": lambda count: count / (count + 1)},
    },
)
def an_isolated_input_weighs_as_much_as_a_cluster(check, variants=("paper", "psd"), share=lambda count: 0.5):
    r"""$n$ points at one input, with residual $a$, and one far away, with residual $b$:
    $\hat{D} = -2 \log(\frac{1}{2}\kappa(a) + \frac{1}{2}\kappa(b))$ for all $n$.

    $x$ is integrated with Lebesgue measure: the sum over a cluster has the weight $n^2/n^2 = 1$. The released code's
    weights give the $n$ points the share $n/(n + 1)$.
    """

    def agree(count, a, b, width):
        x = np.append(np.zeros(count), 1e6)
        e = np.append(np.full(count, a), b)
        kernels = np.exp(-(np.array([a, b]) ** 2) / (2 * width**2))
        exact = -2 * math.log(kernels @ (share(count), 1 - share(count)))
        found = [conditional_divergence(x, np.zeros_like(x), e, 1.0, width, variant) for variant in variants]
        return np.abs(np.array(found) - exact).max() <= 1e-12 * (1 + exact)

    deviation = st.floats(-3, 3)
    check.forall(agree, count=st.integers(1, 40), a=deviation, b=deviation, width=st.floats(0.3, 10))


C, V, REACH = sp.symbols("c v L", positive=True)


@paper.claim(
    "Proposition 1, domain of the inputs",
    tags=("identity", "ours"),
    mutants={
        "inputs weighted by a density": {"weight": lambda u: 3 * u**2 / (2 * REACH**3)},
        "noise of half the variance": {"noise": V / 2},
    },
)
def divergence_of_two_lines_grows_without_bound_with_the_domain(check, weight=lambda u: 1 / (2 * REACH), noise=V):
    r"""$y|x \sim N(f(x), v)$ and $N(f(x) + cx, v)$: $D = -2 \log\,(1/2L) \int e^{-c^2x^2/4v}\,dx$ over $|x| \le L$
    $\to \infty$ as $L \to \infty$.

    Whatever the distribution of the inputs, as $p(x)$ does not enter:
    $D = 2 \log(cL/\sqrt{\pi v}) - 2 \log\,\mathrm{erf}(cL/2\sqrt{v})$. On unbounded inputs $\iint p^2(y|x)\,dx\,dy$ is
    infinite and the divergence is not defined.
    """
    u = sp.Symbol("u", real=True)
    mean = sp.integrate(weight(u) * sp.exp(-(C**2) * u**2 / (4 * noise)), (u, -REACH, REACH))
    closed = sp.sqrt(sp.pi * V) / (C * REACH) * sp.erf(C * REACH / (2 * sp.sqrt(V)))
    check.proves(sp.Eq(mean, closed), says="the integral")
    check.proves(sp.Eq(sp.limit(closed, REACH, sp.oo), 0), says="its limit")


S, WIDTH_Y = 0.1, 0.2
"""Of the noise of the two lines, and σ_y: large beside it, so that limits with other smoothing are far apart."""


def uniform(x):
    """The weight of Lebesgue measure on [0, 1]."""
    return np.ones_like(x)


def density(x):
    """Of the inputs, on [0, 1]."""
    return (8 - 6 * x) / 5


def limit_for_lines(weight, added=0.5):
    """−2 log ∫ w(x) e^{−x²/4v} dx over [0, 1] with v = s² + added σ_y², s = 0.1, σ_y = 0.2."""
    x = (np.arange(20_000) + 0.5) / 20_000
    return -2 * math.log((weight(x) * np.exp(-(x**2) / (4 * (S**2 + added * WIDTH_Y**2)))).mean())


@functools.cache
def estimates_for_lines(variant, seed, draws, size):
    """D̂ for f = 0, g = x, noise 0.1 and inputs of that density, σ_x = 0.02, σ_y = 0.2."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        x = (4 - np.sqrt(16 - 15 * rng.uniform(size=size))) / 3
        y, y_hat = rng.normal(0, S, size), rng.normal(x, S)
        x, y, y_hat = (np.asarray(z, dtype=np.float32) for z in (x, y, y_hat))
        found.append(float(conditional_divergence(x, y, y_hat, 0.02, WIDTH_Y, variant)))
    return np.array(found)


LIMITS = {"paper": uniform, "psd": uniform, "repository": density}


@paper.claim(
    "Proposition 1, large samples",
    tags=("identity", "ours"),
    mutants={
        "weighted by the density of the inputs": {"weight": dict.fromkeys(LIMITS, density)},
        "the released code as Proposition 1": {"weight": dict.fromkeys(LIMITS, uniform)},
        "noise not smoothed": {"added": 0},
        "smoothed by σ_y²": {"added": 1},
    },
)
def estimators_converge_to_lebesgue_weights_but_the_released_one_to_the_density_s(
    check,
    weight=LIMITS,
    added=0.5,
):
    r"""$y|x \sim N(f, s^2)$, $\hat{y}|x \sim N(g, s^2)$ on $[0, 1]$:
    $\hat{D} \to -2 \log \int w(x)\,e^{-(f - g)^2/4v}\,dx$, $v = s^2 + \sigma_y^2/2$, $\sigma_x$ small.

    $w = 1$ for Proposition 1 and for weights $1/(k_i k_j)$; $w = p(x)$ for the released code, which estimates another
    quantity. Inputs of density $(8 - 6x)/5$. A sample is close if it is nearer to the limit than half of the distance
    between the limits for the two weights.
    """
    size = check.at(quick=(36, 600), full=(100, 1500))
    between = limit_for_lines(uniform) - limit_for_lines(density)
    for variant in ("paper", "psd", "repository"):
        found = estimates_for_lines(variant, check.seed, *size)
        limit = limit_for_lines(weight[variant], added)
        close = lambda rng, draws, f=found, v=limit: (np.abs(f - v) < between / 2).astype(float)  # noqa: E731
        check.estimates(close, band=(0.5, 1), draws=len(found), says=f"{variant}: most samples are close to the limit")
        check.note(limit=limit, mean_of_estimates=found.mean(), deviation=found.std())
