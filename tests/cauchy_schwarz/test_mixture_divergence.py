"""Divergence of Gaussian mixtures against mpmath and quadrature, its gradients, limits and bad input."""

import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from theory.cauchy_schwarz import gaussian_divergence, mixture_divergence


def mixture(rng, components, size):
    roots = rng.normal(size=(components, size, size)) + np.eye(size)
    return (
        rng.uniform(0.1, 1, components),
        2 * rng.normal(size=(components, size)),
        roots @ roots.mT + 0.1 * np.eye(size),
    )


def exact(p, q):
    """The sum over pairs of components at 40 digits."""

    def inner_product(first, second):
        total = mpmath.mpf(0)
        for w, mean, cov in zip(*first, strict=True):
            for v, other, spread in zip(*second, strict=True):
                both = mpmath.matrix(cov.tolist()) + mpmath.matrix(spread.tolist())
                gap = mpmath.matrix(mean.tolist()) - mpmath.matrix(other.tolist())
                distance = (gap.T * mpmath.lu_solve(both, gap))[0]
                total += mpmath.mpf(w) * v * mpmath.exp(-distance / 2) / mpmath.sqrt(mpmath.det(both))
        return total

    with mpmath.workdps(40):
        return mpmath.log(inner_product(p, p) * inner_product(q, q) / inner_product(p, q) ** 2)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), sizes=st.tuples(st.integers(1, 3), st.integers(1, 3)), dimension=st.integers(1, 3))
def test_against_the_sum_over_pairs(seed, sizes, dimension):
    rng = np.random.default_rng(seed)
    p, q = (mixture(rng, size, dimension) for size in sizes)
    reference = exact(p, q)
    assert abs(float(mixture_divergence(*p, *q)) - reference) <= 1e-12 * (1 + reference)


def test_against_quadrature_of_the_densities():
    rng = np.random.default_rng(5)
    p, q = (mixture(rng, 3, 1) for _ in range(2))

    def density(x, parameters):
        return sum(w * stats.norm.pdf(x, m[0], math.sqrt(c[0, 0])) for w, m, c in zip(*parameters, strict=True))

    pp, qq, pq = (
        integrate.quad(lambda x, a=a, b=b: density(x, a) * density(x, b), -40, 40, limit=500, epsabs=1e-14)[0]
        for a, b in ((p, p), (q, q), (p, q))
    )
    assert mixture_divergence(*p, *q) == pytest.approx(math.log(pp * qq / pq**2), rel=1e-9)
    assert mixture_divergence(*p, *q, convention="half", base=2) == pytest.approx(
        math.log2(pp * qq / pq**2) / 2, rel=1e-9
    )


def test_one_component_is_a_gaussian():
    rng = np.random.default_rng(1)
    (_, mean1, cov1), (_, mean2, cov2) = (mixture(rng, 1, 4) for _ in range(2))
    found = mixture_divergence(np.ones(1), mean1, cov1, np.ones(1), mean2, cov2)
    assert found == pytest.approx(gaussian_divergence(mean1[0], cov1[0], mean2[0], cov2[0]), rel=1e-12)


def test_invariances():
    rng = np.random.default_rng(2)
    p, q = mixture(rng, 3, 2), mixture(rng, 2, 2)
    value = mixture_divergence(*p, *q)
    assert mixture_divergence(*q, *p) == pytest.approx(value, rel=1e-13)
    assert mixture_divergence(7 * p[0], *p[1:], 1e-3 * q[0], *q[1:]) == pytest.approx(value, rel=1e-13)
    assert mixture_divergence(*(x[[2, 0, 1]] for x in p), *q) == pytest.approx(value, rel=1e-13)
    split = [np.concatenate([x, x[:1]]) for x in p]
    split[0][[0, 3]] = 0.25 * p[0][0], 0.75 * p[0][0]
    assert mixture_divergence(*split, *q) == pytest.approx(value, rel=1e-13)
    assert mixture_divergence(*p, *p) == 0


def test_far_apart_and_at_both_ends_of_the_range():
    near = np.ones(1), np.zeros((1, 1)), np.ones((1, 1, 1))
    for distance in (100.0, 1e10, 1e150):
        far = np.ones(1), np.full((1, 1), distance), np.ones((1, 1, 1))
        assert mixture_divergence(*near, *far) == pytest.approx(distance**2 / 2, rel=1e-12)
    light = np.array([1.0, 1e-300]), np.array([[0.0], [100.0]]), np.ones((2, 1, 1))
    expected = -2 * (math.log(1e-300) - math.log1p(math.exp(-2500 - math.log(1e-300))))
    assert mixture_divergence(*light, *far_away(100.0)) == pytest.approx(expected, rel=1e-12)


def far_away(distance):
    return np.ones(1), np.full((1, 1), distance), np.ones((1, 1, 1))


def test_leading_dimensions_broadcast():
    rng = np.random.default_rng(3)
    firsts, second = [mixture(rng, 2, 3) for _ in range(4)], mixture(rng, 3, 3)
    stacked = [np.stack(part).reshape(2, 2, *part[0].shape) for part in zip(*firsts, strict=True)]
    found = mixture_divergence(*stacked, *second)
    assert found.shape == (2, 2)
    assert np.allclose(found.ravel(), [mixture_divergence(*first, *second) for first in firsts], rtol=1e-13)


def test_kind_dtype_and_gradients():
    rng = np.random.default_rng(4)
    p, q = mixture(rng, 2, 2), mixture(rng, 3, 2)
    assert mixture_divergence(*(x.astype(np.float32) for x in (*p, *q))).dtype == np.float32
    w, means, _ = (torch.from_numpy(x).requires_grad_() for x in p)
    roots = torch.from_numpy(np.linalg.cholesky(p[2])).requires_grad_()
    fixed = [torch.from_numpy(x) for x in q]
    arguments = (w, means, roots)
    assert torch.autograd.gradcheck(lambda w, m, r: mixture_divergence(w, m, r @ r.mT, *fixed), arguments)
    assert torch.autograd.gradgradcheck(lambda w, m, r: mixture_divergence(w, m, r @ r.mT, *fixed), arguments)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_device_is_kept():
    p = [torch.from_numpy(x).cuda() for x in mixture(np.random.default_rng(0), 2, 2)]
    assert mixture_divergence(*p, *p).device.type == "cuda"


@pytest.mark.parametrize("weight", [0.0, 1e-300])
def test_a_component_without_weight_is_absent_but_has_its_derivative(weight):
    rng = np.random.default_rng(6)
    w, means, covs = mixture(rng, 3, 2)
    q = [torch.from_numpy(x) for x in mixture(rng, 2, 2)]
    w[1] = weight
    kept = [torch.from_numpy(x[[0, 2]]) for x in (w, means, covs)]
    weights, others = torch.from_numpy(w).requires_grad_(), [torch.from_numpy(x) for x in (means, covs)]
    value = mixture_divergence(weights, *others, *q)
    assert value.item() == pytest.approx(mixture_divergence(*kept, *q).item(), rel=1e-13)
    (slope,) = torch.autograd.grad(value, weights)
    moved = weights.detach() + torch.tensor([0.0, 1e-6, 0.0])
    assert slope[1].item() == pytest.approx(((mixture_divergence(moved, *others, *q) - value) / 1e-6).item(), rel=1e-4)


GOOD = {
    "w1": np.ones(2),
    "means1": np.zeros((2, 1)),
    "covs1": np.ones((2, 1, 1)),
    "w2": np.ones(1),
    "means2": np.zeros((1, 1)),
    "covs2": np.ones((1, 1, 1)),
}


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"w1": np.array([1.0, np.inf])}, "w1 contains inf"),
        ({"w1": np.array([1.0, -0.5])}, "w1 contains -0.5"),
        ({"w2": np.zeros(1)}, "w2 has no positive entry"),
        ({"w1": np.float64(1)}, "w1 is a scalar"),
        ({"means1": np.zeros((3, 1))}, r"means1 has shape \(3, 1\); expected \(..., 2, d\)"),
        ({"covs1": np.ones((3, 1, 1))}, r"covs1 has shape \(3, 1, 1\)"),
        ({"covs1": np.ones((2, 2, 2))}, r"covs1 has shape \(2, 2, 2\)"),
        ({"covs2": -np.ones((1, 1, 1))}, "covs2 has an eigenvalue -1"),
        ({"means2": np.zeros((1, 2)), "covs2": np.eye(2)[None]}, "means1 has 1 coordinates and means2 2"),
        ({"w1": np.ones((2, 2)), "w2": np.ones((3, 1))}, "leading shapes do not broadcast"),
        ({"convention": "none"}, "convention is 'none'"),
        ({"base": math.inf}, "base is inf"),
    ],
)
def test_bad_input_is_named(replaced, message):
    with pytest.raises(ValueError, match=message):
        mixture_divergence(**{**GOOD, **replaced})
