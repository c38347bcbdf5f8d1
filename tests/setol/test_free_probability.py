"""Free cumulants by noncrossing partitions and by random matrices; R-transforms by mpmath inversion of integrals."""

import itertools
import math
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

from theory.setol import (
    free_cumulants,
    moments_from_free_cumulants,
    power_law_r_transform,
    power_law_stieltjes,
    spectrum_r_transform,
    truncated_power_law_moments,
)
from theory.setol.free_probability import (
    cauchy_r_transform,
    inverse_wishart_r_transform,
    levy_wigner_r_transform,
    two_atoms_r_transform,
)


def noncrossing_partitions(n):
    def blocks(labels):
        return [[i for i, label in enumerate(labels) if label == block] for block in set(labels)]

    def crosses(a, b):
        return any(i < k < j < m for i, j in itertools.combinations(a, 2) for k, m in itertools.combinations(b, 2))

    for labels in itertools.product(range(n), repeat=n):
        if all(labels[i] <= max(labels[:i], default=-1) + 1 for i in range(n)):
            parts = blocks(labels)
            if not any(crosses(a, b) for a, b in itertools.permutations(parts, 2)):
                yield parts


def test_moments_are_sums_over_noncrossing_partitions():
    kappa = sp.symbols("k1:6")
    for n, moment in enumerate(moments_from_free_cumulants(kappa), start=1):
        partitions = list(noncrossing_partitions(n))
        assert len(partitions) == sp.catalan(n)
        assert sp.expand(moment - sum(sp.prod(kappa[len(b) - 1] for b in parts) for parts in partitions)) == 0


def test_the_first_five_as_polynomials():
    m1, m2, m3, m4, m5 = moments = sp.symbols("m1:6")
    expected = [
        m1,
        m2 - m1**2,
        m3 - 3 * m2 * m1 + 2 * m1**3,
        m4 - 4 * m3 * m1 - 2 * m2**2 + 10 * m2 * m1**2 - 5 * m1**4,
        m5 - 5 * m4 * m1 + 15 * m3 * m1**2 + 15 * m2**2 * m1 - 35 * m2 * m1**3 - 5 * m3 * m2 + 14 * m1**5,
    ]
    for kappa, polynomial in zip(free_cumulants(moments), expected, strict=True):
        assert sp.expand(kappa - polynomial) == 0


@given(st.lists(st.fractions(-3, 3, max_denominator=9), min_size=0, max_size=8))
def test_cumulants_and_moments_are_inverse(moments):
    assert moments_from_free_cumulants(free_cumulants(moments)) == moments


def test_known_laws():
    catalan = [0, 1, 0, 2, 0, 5, 0, 14]
    assert free_cumulants(catalan) == [0, 1, 0, 0, 0, 0, 0, 0]  # semicircle
    assert free_cumulants([Fraction(1)] * 6) == [1, 0, 0, 0, 0, 0]  # a point


def test_cumulants_add_under_free_convolution():
    rng, n = np.random.default_rng(0), 400
    a, b = rng.exponential(size=n), rng.uniform(0, 2, n)
    rotation = ortho_group.rvs(n, random_state=0)
    total = np.linalg.eigvalsh(np.diag(a) + (rotation * b) @ rotation.T)
    kappa = [np.array(free_cumulants([float((x**k).mean()) for k in range(1, 5)])) for x in (a, b, total)]
    np.testing.assert_allclose(kappa[2], kappa[0] + kappa[1], rtol=0.02)
    both = [spectrum_r_transform(0.2, x) for x in (a, b)]
    mixture = spectrum_r_transform(0.2, np.concatenate([a, b]))
    assert spectrum_r_transform(0.2, total) == pytest.approx(sum(both), rel=0.01)
    assert abs(mixture - sum(both) / 2) > 0.005  # the transform of a mixture is not the mean of the transforms


@settings(deadline=None, max_examples=100)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=8), st.floats(-20, 20).filter(lambda w: abs(w) > 1e-3))
def test_r_inverts_the_stieltjes_transform_of_a_spectrum(x, w):
    r = spectrum_r_transform(w, x)
    assert min(x) <= r <= max(x)
    with mp.workdps(50):
        z = mp.mpf(r) + 1 / mp.mpf(w)
        slack = mp.mpf("1e-13") * (1 + max(map(abs, x)))
        distance = (lambda t: t - max(x)) if w > 0 else (lambda t: min(x) - t)

        def stieltjes(t):
            return sum(1 / (t - mp.mpf(value)) for value in x) / len(x)

        assert distance(z + math.copysign(slack, w)) > 0
        if distance(z - slack) > 0 and distance(z + slack) > 0:
            assert stieltjes(z + slack) <= w <= stieltjes(z - slack)


def test_r_at_zero_is_the_mean_and_its_slope_the_variance():
    x, weights = [1.0, 2.0, 7.0], [0.5, 0.25, 0.25]
    mean, variance = 2.75, 0.5 + 1 + 49 / 4 - 2.75**2
    assert spectrum_r_transform(0.0, x, weights) == pytest.approx(mean, rel=1e-15)
    assert spectrum_r_transform(1e-6, x, weights) == pytest.approx(mean + 1e-6 * variance, rel=1e-11)
    assert spectrum_r_transform(0.3, [*x, 100.0], [*weights, 0.0]) == spectrum_r_transform(0.3, x, weights)
    assert spectrum_r_transform(5.0, [4.0, 4.0]) == 4.0
    assert spectrum_r_transform(1.0, [1e308, -1e308]) == 1e308


def test_two_atoms():
    for w in (-3.0, -1e-9, 0.0, 1e-9, 0.4, 8.0):
        assert two_atoms_r_transform(w, 1.5, 0.5) == pytest.approx(spectrum_r_transform(w, [1.0, 2.0]), rel=1e-13)
    np.testing.assert_allclose(two_atoms_r_transform(np.array([0.0, 1e200]), 0.0, 1.0), [0.0, 1.0])


def test_inverse_wishart_law():
    kappa = 0.75
    low, high = ((kappa + 1 + sign * math.sqrt(2 * kappa + 1)) / kappa for sign in (-1, 1))
    nodes, weights = np.polynomial.legendre.leggauss(400)
    t = math.pi * (nodes + 1) / 2
    lam = (low + high) / 2 - (high - low) / 2 * np.cos(t)
    density = np.sin(t) ** 2 / lam**2 * weights  # √((λ₊ − λ)(λ − λ₋)) / λ² dλ
    density /= density.sum()
    assert (density * lam).sum() == pytest.approx(1.0, rel=1e-12)
    assert (density * lam**2).sum() - 1 == pytest.approx(1 / (2 * kappa), rel=1e-11)
    for w in (-2.0, 0.0, 0.1, 0.3):
        expected = spectrum_r_transform(w, lam, density)
        assert inverse_wishart_r_transform(w, kappa) == pytest.approx(expected, rel=1e-10)
        if w:
            printed = (kappa - math.sqrt(kappa * (kappa - 2 * w))) / w
            assert inverse_wishart_r_transform(w, kappa) == pytest.approx(printed, rel=1e-12)
    w = 1e-3
    series = 1 + w / (2 * kappa) + w**2 / (2 * kappa**2) + 5 * w**3 / (8 * kappa**3)
    assert inverse_wishart_r_transform(w, kappa) == pytest.approx(series, abs=1e-11)


def test_inverse_wishart_matrices():
    n, m = 800, 400
    weights = np.random.default_rng(0).normal(size=(n, m))
    inverse = 1 / np.linalg.eigvalsh(weights.T @ weights / n)
    inverse /= inverse.mean()
    kappa = (n / m - 1) / 2
    assert spectrum_r_transform(0.1, inverse) == pytest.approx(inverse_wishart_r_transform(0.1, kappa), abs=0.01)


def test_stable_laws():
    z = 0.3 + 0.7j
    for plane, point in (("upper", z), ("lower", z.conjugate())):
        stieltjes = mp.quad(
            lambda lam, at=point: 2 / mp.pi / (4 + (lam - 1.5) ** 2) / (at - lam), [-mp.inf, -2, 0, 1, 4, mp.inf]
        )
        assert complex(point - 1 / stieltjes) == pytest.approx(cauchy_r_transform(1.5, 2.0, plane), abs=1e-8)
    assert levy_wigner_r_transform(0.25, 2.0, 1.0, 3.0) == pytest.approx(1.75)  # index 2 is the semicircle
    w, index = 0.2 - 0.1j, 1.5
    integral = mp.quad(lambda t: levy_wigner_r_transform(t * w, index) * w, [0, 1])
    assert complex(integral) == pytest.approx(w**index / index, rel=1e-6)


@pytest.mark.parametrize("alpha", [1.1, 2.0, 2.7, 4.0])
def test_stieltjes_transform_of_the_power_law(alpha):
    for z in (-1e6, -3.0, 0.0, 0.5, 0.999, 2 + 1j, 0.6 - 0.7j):
        exact = mp.quad(lambda t, z=z: (alpha - 1) * t ** (alpha - 1) / (z * t - 1), [0, 0.01, 0.5, 1])
        assert power_law_stieltjes(z, alpha) == pytest.approx(complex(exact), rel=1e-8)
        assert power_law_stieltjes(3 * z, alpha, 3.0) == pytest.approx(power_law_stieltjes(z, alpha) / 3, rel=1e-14)


def test_closed_forms_of_the_power_law():
    z, xm = mp.mpc(-0.7, 0.4), mp.mpf(2)
    log = mp.log(1 - z / xm)
    forms = {
        2: 1 / z + xm * log / z**2,
        3: 1 / z + 2 * xm / z**2 + 2 * xm**2 * log / z**3,
        4: 1 / z + 3 * xm / (2 * z**2) + 3 * xm**2 / z**3 + 3 * xm**3 * log / z**4,
    }
    for alpha, form in forms.items():
        assert power_law_stieltjes(complex(z), float(alpha), 2.0) == pytest.approx(complex(form), rel=1e-13)


def test_r_transform_of_the_power_law_exists_and_is_not_analytic():
    for w, expected in ((-0.1, 2.96111), (-0.05, 3.46431), (-0.001, 6.95009), (-1e-6, 13.81569)):
        assert power_law_r_transform(w, 2.0) == pytest.approx(expected, abs=1e-5)
    assert power_law_r_transform(-1e-6, 2.0) == pytest.approx(-math.log(1e-6), rel=1e-4)
    assert power_law_r_transform(-0.1, 3.0) == pytest.approx(1.7747, abs=1e-4)
    assert power_law_r_transform(-1e-4, 4.0) == pytest.approx(1.5 - 0.75e-4, abs=1e-6)
    for alpha, w in ((1.5, -0.3), (2.0, -0.499), (3.7, -1e-4)):
        r = power_law_r_transform(w, alpha)
        assert power_law_stieltjes(r + 1 / w, alpha).real == pytest.approx(w, rel=1e-12)
        assert power_law_r_transform(w / 5, alpha, 5.0) == pytest.approx(5 * r, rel=1e-9)


@pytest.mark.parametrize("alpha", [-1.0, 1.0, 2.0, 2.5, 3.0, 4.0])
def test_moments_of_the_truncated_power_law(alpha):
    low, high = 0.5, 6.0
    norm = mp.quad(lambda lam: lam**-alpha, [low, high])
    exact = [float(mp.quad(lambda lam, k=k: lam ** (k - alpha), [low, high]) / norm) for k in range(1, 5)]
    np.testing.assert_allclose(truncated_power_law_moments(4, alpha, low, high), exact, rtol=1e-13)


def test_printed_cumulants_of_the_truncated_power_law():
    a, b = 0.5, 6.0
    expected = {
        2.0: (a * b / (b - a) * math.log(b / a), a * b),
        3.0: (2 * a * b / (a + b), 2 * a**2 * b**2 / (b**2 - a**2) * math.log(b / a)),
        4.0: (3 * a * b * (b**2 - a**2) / (2 * (b**3 - a**3)), 3 * a**3 * b**3 / (b**3 - a**3) * (1 / a - 1 / b)),
    }
    for alpha, (mean, second) in expected.items():
        kappa = free_cumulants(list(truncated_power_law_moments(2, alpha, a, b)))
        assert kappa == pytest.approx([mean, second - mean**2], rel=1e-13)
