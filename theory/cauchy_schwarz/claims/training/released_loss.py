"""What the released code minimizes."""

import functools
import math

import hypothesis.strategies as st
import torch
from torch.nn import functional as F

from theory.cauchy_schwarz.claims.paper import paper
from theory.cauchy_schwarz.claims.training.data import Regression, load
from theory.cauchy_schwarz.claims.training.methods import released_divergence
from theory.cauchy_schwarz.claims.training.runs import BATCH, OUTLIERS, bike, build, train


def bits(error, bandwidth):
    """An error in units of σ² ln 2."""
    return error / (bandwidth**2 * math.log(2))


@functools.cache
def predictions(study, seed, loss):
    """On the test set after training in float64, so that only rounding at 1e-16 tells equal losses apart."""
    data = Regression(*(part.double() for part in load(study.data, study.train, study.test, seed)))
    network = train(build(data.x.shape[1], seed).double(), data, lambda seen: loss(*seen[:2], seen.y_hat), study, seed)
    with torch.no_grad():
        return network(data.x_test), data.y_test


def mean_squared_error(x, y, y_hat):
    """For comparison."""
    return F.mse_loss(y_hat, y)


def root_mean_square(values):
    """√ mean v²."""
    return float(values.square().mean().sqrt())


def columns(x, y, y_hat, bandwidth=1.0):
    """The same code, given targets and predictions as columns."""
    return released_divergence(x, y[:, None], y_hat[:, None], bandwidth)


@paper.claim(
    "released code, training script",
    tags=("erratum", "identity"),
    mutants={
        "targets and predictions as columns": {"released": columns},
        "the mean of the squared errors": {"expected": lambda n, sse, bandwidth: bits(sse / n, bandwidth)},
        "half the sum": {"expected": lambda n, sse, bandwidth: bits(sse / 2, bandwidth)},
        "nats": {"expected": lambda n, sse, bandwidth: sse / bandwidth**2},
    },
)
def released_code_trains_with_the_sum_of_squared_errors(
    check, released=released_divergence, expected=lambda n, sse, bandwidth: bits(sse, bandwidth)
):
    r"""For vectors $\hat{y}$, $y$ of shape $(N,)$, as the released training script has them, its
    $D_{\text{CS}}(p(y|x); q(\hat{y}|x))$ is $\mathrm{SSE}/(\sigma^2 \ln 2)$: it trains with squared errors, and the
    inputs have no part in it.

    All entries of the broadcast kernels of $y$ and $\hat{y}$ are 1, and those of $\hat{y}$ with $y$ are
    $\exp(-\|\hat{y} - y\|^2/2\sigma^2)$. After training the predictions are within rounding of those under
    $\mathrm{SSE}/(\sigma^2 \ln 2)$. The mean squared error has smaller gradients, of which Adam's
    $\varepsilon = 10^{-8}$ is a larger share: its predictions drift apart, as recorded, but the error is alike.
    """

    def is_squared_error(seed, size, features, bandwidth):
        draw = torch.Generator().manual_seed(seed)
        x = torch.randn(size, features, generator=draw, dtype=torch.float64)
        y, y_hat = torch.randn(2, size, generator=draw, dtype=torch.float64)
        y_hat.requires_grad_()
        values = released(x, y, y_hat, bandwidth), expected(size, (y_hat - y).square().sum(), bandwidth)
        slopes = [torch.autograd.grad(value, y_hat)[0] for value in values]
        return all(torch.allclose(a, b, rtol=1e-9, atol=1e-9 / bandwidth**2) for a, b in (values, slopes))

    check.forall(
        is_squared_error,
        says="value and gradient",
        seed=st.integers(0, 10**6),
        size=st.integers(2, 128),
        features=st.integers(1, 8),
        bandwidth=st.floats(0.1, 10),
    )

    study = bike(check)
    study = check.at(quick=study._replace(train=1024, epochs=5), full=study)

    def sum_of_squares(x, y, y_hat):
        return expected(len(y), (y_hat - y).square().sum(), 1.0)

    def compared(seed):
        y_hat, y = predictions(study, seed, released)
        sse, mse = (predictions(study, seed, loss)[0] for loss in (sum_of_squares, mean_squared_error))
        error = root_mean_square(y_hat - y)
        return {
            "distance to SSE/(σ² ln 2), in errors": root_mean_square(y_hat - sse) / error,
            "distance to the mean, in errors": root_mean_square(y_hat - mse) / error,
            "error": error,
            "error of the mean": root_mean_square(mse - y),
        }

    count = check.at(quick=1, full=3)
    setup = study.setup(range(check.seed, check.seed + count), precision="float64")
    bands = {"distance to SSE/(σ² ln 2), in errors": (0, 1e-6)}
    check.reproduces(compared, bands=bands, seeds=count, setup=setup, says="trained networks, up to rounding")


def as_coded(y, y_hat):
    """The released loss of vectors at σ = 1, exponential first, then logarithm; all other kernel sums cancel."""
    return -2 * torch.log2(torch.exp(-(y_hat - y).square().sum() / 2))


def in_log_space(y, y_hat):
    """The same, −2 log₂ e^{−SSE/2}, without the exponential."""
    return (y_hat - y).square().sum() / math.log(2)


@paper.refuted(
    "released code, training script",
    tags=("erratum", "ours"),
    controls={"the exponential and its logarithm left out": {"loss": in_log_space}},
    mutants={"double precision": {"dtype": torch.float64}},
)
def released_loss_is_finite_for_finite_targets(check, loss=as_coded, dtype=torch.float32):
    r"""The released loss of a batch and its gradient are finite if targets and predictions are.

    False: $e^{-\mathrm{SSE}/2\sigma^2}$ is 0 in single precision from $\mathrm{SSE} = 208 \sigma^2$ on, in double
    precision from $1491 \sigma^2$. For 128 standardised targets that is an error of 1.3, so that one outlier of 15
    standard deviations ends the training: the loss is infinite and its gradient NaN. The share of batches that overflow
    with a tenth of the labels spoilt, at prediction 0, is recorded.
    """

    def is_finite(size, error):
        y_hat = torch.zeros(size, dtype=dtype, requires_grad=True)
        value = loss(torch.full_like(y_hat, error), y_hat)
        (slope,) = torch.autograd.grad(value, y_hat)
        return bool(value.isfinite() and slope.isfinite().all())

    check.forall(is_finite, says="value and gradient", size=st.integers(1, 128), error=st.floats(0, 40))

    study = bike(check)
    labels = load(study.data, study.train, study.test, check.seed, OUTLIERS).y.to(dtype).split(BATCH)
    overflow = [bool(loss(batch, torch.zeros_like(batch)).isinf()) for batch in labels]
    check.note(
        setup={**study.setup([check.seed]), "predictions": 0, "share of spoilt labels": OUTLIERS},
        share_of_batches_that_overflow=sum(overflow) / len(overflow),
    )
