"""`radius` and `batch_radius`: against mpmath and ball arithmetic, invariances, gradients, input kinds, bad input."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.softmax_zeros.batch import Sighting, batch_radius, sight
from theory.softmax_zeros.bounds import lower_bound, rho_a
from theory.softmax_zeros.counting import jensen_sum
from theory.softmax_zeros.radius import RadiusResult, radius

FAMILIES = ("gaussian", "nearly two-valued", "ties", "confident", "offset")


def sample(family: str, n: int, scale: float, size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    z, a = rng.normal(size=(size, n)) * scale, rng.normal(size=(size, n))
    if family == "nearly two-valued":
        a = rng.integers(0, 2, (size, n)) + a * rng.choice([1e-3, 1e-6], size=(size, 1))
    elif family == "ties":
        z, a = np.round(z), np.round(2 * a)
    elif family == "confident":
        z[:, 0] += rng.exponential(10, size)
        a *= np.exp(2 * rng.normal(size=(size, n)))
    elif family == "offset":
        a = rng.random((size, n)) + 1e6
    return z, a


def mp_radius(z: np.ndarray, a: np.ndarray) -> float:
    """Smallest modulus of the zeros that Newton finds in mpmath from all pairwise ties and a polar grid."""
    spread = float(np.ptp(a))
    weights = [mpmath.mpf(float(x)) for x in z]
    slopes = [(mpmath.mpf(float(x)) - mpmath.mpf(float(a[0]))) / spread for x in a]
    pairs = [(j, k) for j in range(len(z)) for k in range(j) if a[j] != a[k]]
    starts = [(z[j] - z[k] + 1j * math.pi) / (a[k] - a[j]) * spread for j, k in pairs]
    starts += [r * math.pi * np.exp(1j * w) for r in (1.2, 1.8, 2.6) for w in np.linspace(0.2, 2.9, 6)]
    moduli = []
    for start in starts:
        t = mpmath.mpc(start)
        for _ in range(40):
            terms = [mpmath.exp(w + s * t) for w, s in zip(weights, slopes, strict=True)]
            derivative = mpmath.fsum(s * term for s, term in zip(slopes, terms, strict=True))
            step = mpmath.fsum(terms) / derivative if derivative else mpmath.mpf(0)
            t -= step
            if abs(step) < 1e-14 * abs(t) or abs(t) > 1e4:
                break
        residual = abs(mpmath.fsum(terms)) / mpmath.fsum(map(abs, terms))
        if residual < 1e-10 and abs(t) <= 1e4:
            moduli.append(abs(t))
    return float(min(moduli) / spread)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("scale", [0.1, 1.0, 4.0, 12.0])
def test_float_and_ball_certificates_agree(family: str, scale: float) -> None:
    total = declined = 0
    for n in (2, 3, 4, 6, 10, 17, 30):
        z, a = sample(family, n, scale, 10, seed=n)
        quick, gold = radius(z, a, certify="float"), radius(z, a, certify="arb")
        assert gold.certified.all()
        assert (quick.lower <= gold.upper).all()
        assert (quick.upper >= gold.lower).all()
        sure = quick.certified
        np.testing.assert_allclose(quick.rho[sure], gold.rho[sure], rtol=1e-12)
        np.testing.assert_allclose(quick.rho, gold.rho, rtol=1e-6)
        assert (quick.lower >= rho_a(a) * (1 - 1e-12)).all()
        total, declined = total + len(z), declined + (~sure).sum()
    assert declined <= 0.05 * total


def test_a_thousand_random_samples_are_certified_and_free_of_zeros() -> None:
    z, a = sample("gaussian", 10, 1.0, 1000, seed=0)
    result = radius(z, a, certify="float")
    assert result.certified.mean() >= 0.99
    for i in range(0, 1000, 50):
        assert abs(jensen_sum(z[i], a[i], 0.97 * result.rho[i])) < 1e-12
        assert jensen_sum(z[i], a[i], 1.03 * result.rho[i]) >= 2 * math.log(1.03) - 1e-12


@pytest.mark.parametrize("n", [2, 3, 5])
def test_never_above_what_mpmath_finds(n: int) -> None:
    for family in FAMILIES[:4]:
        for z, a in zip(*sample(family, n, 3.0, 3, seed=40 + n), strict=True):
            if np.ptp(a) == 0:
                continue
            result = radius(z, a, certify="float")
            assert result.lower <= mp_radius(z, a) * (1 + 1e-12)
            assert math.isclose(result.rho, mp_radius(z, a), rel_tol=1e-6)


@pytest.mark.parametrize(("gap", "spread"), [(0.0, 1.0), (2.0, 1.0), (-3.0, 0.7), (10.0, 2.0), (1e4, 1e-6), (0.1, 1e6)])
@pytest.mark.parametrize("certify", ["none", "float", "arb"])
def test_two_classes_follow_the_closed_form(gap: float, spread: float, certify: Any) -> None:
    result = radius(np.array([gap, 0.0]), np.array([0.0, spread]), certify=certify)
    exact = mpmath.sqrt(mpmath.mpf(gap) ** 2 + mpmath.pi**2) / mpmath.mpf(spread)
    assert result.lower <= exact <= result.upper
    assert math.isclose(result.rho, float(exact), rel_tol=1e-14)
    assert result.certified == (certify != "none")


def test_none_claims_nothing_but_is_right() -> None:
    for family in FAMILIES:
        z, a = sample(family, 8, 4.0, 100, seed=3)
        found, proved = radius(z, a), radius(z, a, certify="float")
        assert not found.certified[np.ptp(a, axis=1) > 0].any()
        np.testing.assert_allclose(found.rho[proved.certified], proved.rho[proved.certified], rtol=1e-9)


def test_samples_whose_zeros_are_all_far_are_searched_further() -> None:
    """Integer logits and slopes: a first search finds no zero for some, and a disc free of zeros is no answer."""
    rng = np.random.default_rng(5000)
    z, a = np.round(4 * rng.normal(size=(400, 4))), np.round(2 * rng.normal(size=(400, 4)))
    found, proved = radius(z, a), radius(z, a, certify="float")
    assert np.isfinite(found.rho[np.ptp(a, axis=1) > 0]).all()
    for i in np.flatnonzero(~proved.certified | (np.arange(400) % 8 == 0)):
        gold = radius(z[i], a[i], certify="arb")
        assert found.rho[i] == gold.rho or math.isclose(found.rho[i], gold.rho, rel_tol=1e-6)
        assert proved.lower[i] <= gold.upper
        assert gold.lower <= proved.upper[i]


samples = st.integers(2, 7).flatmap(
    lambda n: st.tuples(
        st.lists(st.floats(-20, 20), min_size=n, max_size=n),
        st.lists(st.floats(-3, 3) | st.sampled_from([0.0, 1.0, 1.0000001]), min_size=n, max_size=n),
    )
)


@given(samples)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_enclosures_of_adversarial_samples_are_consistent(drawn: tuple[list[float], list[float]]) -> None:
    z, a = np.array(drawn[0]), np.array(drawn[1])
    quick, gold = radius(z, a, certify="float"), radius(z, a, certify="arb")
    assert quick.lower <= gold.upper
    assert gold.lower <= quick.upper
    assert lower_bound(z, a) <= gold.upper
    if quick.certified:
        assert math.isinf(gold.rho) or math.isclose(quick.rho, gold.rho, rel_tol=1e-9)


@pytest.mark.parametrize("n", [2, 5, 12])
def test_invariances(n: int) -> None:
    z, a = sample("gaussian", n, 2.0, 50, seed=n)
    rho = radius(z, a, certify="float").rho
    order = np.random.default_rng(n).permutation(n)
    for other_z, other_a, factor in (
        (z + 1234.5, a, 1.0),
        (z, a + 77.0, 1.0),
        (z, -a, 1.0),
        (z[:, order], a[:, order], 1.0),
        (z, a * 8.0, 8.0),
        (z, a * 1e-7, 1e-7),
        (z, a * 1e200, 1e200),
    ):
        np.testing.assert_allclose(radius(other_z, other_a, certify="float").rho * factor, rho, rtol=1e-9)


def test_batch_and_single_samples_agree_and_keep_their_kind() -> None:
    z, a = sample("confident", 6, 3.0, 20, seed=9)
    batch = radius(z, a, certify="float")
    singles = [radius(zi, ai, certify="float") for zi, ai in zip(z, a, strict=True)]
    np.testing.assert_allclose(batch.rho, [s.rho for s in singles], rtol=1e-12)
    assert batch.zero.dtype == np.complex128
    assert singles[0].rho.dtype == np.float64
    tensors = radius(torch.from_numpy(z).float(), torch.from_numpy(a).float())
    assert tensors.rho.dtype == torch.float64
    assert tensors.zero.dtype == torch.complex128
    widened = radius(z.astype(np.float32).astype(float), a.astype(np.float32).astype(float))
    np.testing.assert_array_equal(tensors.rho.numpy(), widened.rho)


def test_gradient_is_that_of_the_implicit_function() -> None:
    generator = torch.Generator().manual_seed(2)
    z, a = (torch.randn(4, 5, dtype=torch.float64, generator=generator).requires_grad_() for _ in range(2))
    assert torch.autograd.gradcheck(lambda z, a: radius(z, a).rho, (z, a))
    assert torch.autograd.gradcheck(lambda z, a: batch_radius(z, a).rho, (z, a))
    rho = radius(z, a).rho
    (slope,) = torch.autograd.grad(rho.sum(), a)
    torch.testing.assert_close((a * slope).sum(-1), -rho, rtol=1e-9, atol=0.0)  # ρ(s a) = ρ(a)/s
    flat = torch.ones(3, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(radius(z[0, :3].detach(), flat).rho, flat)
    assert (slope == 0).all()


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0, 12.0])
def test_batch_radius_is_the_minimum(scale: float) -> None:
    for seed in range(5):
        z, a = sample("gaussian", 10, scale, 300, seed=seed)
        everything, pruned = radius(z, a, certify="float"), batch_radius(z, a)
        assert pruned.index == everything.rho.argmin()
        assert pruned.certified
        assert pruned.lower <= everything.rho.min() <= pruned.upper
        assert math.isclose(pruned.rho, everything.rho.min(), rel_tol=1e-12)
        assert abs(pruned.zero - everything.zero[pruned.index]) <= 1e-12 * pruned.rho
        assert pruned.solved < 100


@given(seed=st.integers(0, 50), scale=st.sampled_from([0.3, 1.0, 4.0]), data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_zero_sighted_changes_nothing_but_the_time(seed: int, scale: float, data: st.DataObject) -> None:
    """Whether it is the nearest, another one, or none at all."""
    z, a = sample("gaussian", 6, scale, 40, seed=seed)
    a[3] = 2.0
    plain = batch_radius(z, a)
    near = complex(plain.zero) * (1 + data.draw(st.sampled_from([0.0, 1e-7, 1e-3])))
    far = data.draw(st.complex_numbers(max_magnitude=1e3).map(lambda t: complex(t.real, abs(t.imag))))
    there = Sighting(int(plain.index), near)
    for sighted in (there, Sighting(data.draw(st.integers(0, 39)), data.draw(st.sampled_from([near, far])))):
        found = batch_radius(z, a, sighted=sighted)
        assert found.index == plain.index
        assert found.certified
        assert math.isclose(found.rho, plain.rho, rel_tol=1e-12)
        assert found.lower <= plain.upper
        assert plain.lower <= found.upper


def test_the_zero_sighted_is_mostly_the_nearest_and_none_where_there_is_none() -> None:
    hits = 0
    for seed in range(20):
        z, a = (torch.from_numpy(x) for x in sample("gaussian", 10, 2.0, 100, seed=seed))
        seen, exact = sight(z, a), batch_radius(z, a)
        assert seen is not None
        assert abs(seen.zero) >= exact.lower * (1 - 1e-12)
        hits += seen.sample == exact.index
    assert hits >= 18
    assert sight(torch.zeros(3, 4), torch.ones(3, 4)) is None
    with pytest.raises(ValueError, match=r"sighted.sample is 100; expected a sample in \[0, 100\)"):
        batch_radius(z, a, sighted=Sighting(100, 1j))


def test_batch_radius_in_ball_arithmetic_and_with_flat_samples() -> None:
    z, a = sample("gaussian", 4, 2.0, 40, seed=1)
    a[7] = 1.0
    gold, quick = batch_radius(z, a, certify="arb"), batch_radius(z, a)
    assert gold.certified
    assert gold.index == quick.index
    assert math.isclose(gold.rho, quick.rho, rel_tol=1e-9)
    flat = batch_radius(torch.zeros(3, 4), torch.ones(3, 4))
    assert math.isinf(flat.rho)
    assert flat.certified
    assert isinstance(flat.rho, torch.Tensor)


def test_batch_radius_keeps_samples_with_multiple_zeros_open() -> None:
    z = np.zeros((3, 4))
    a = np.array([[0.0, 1.0, 1.0, 2.0], [0.0, 0.1, 0.2, 0.3], [0.0, 0.3, 0.2, 0.1]])
    assert not batch_radius(z, a).certified
    gold = batch_radius(z, a, certify="arb")
    assert gold.certified
    assert gold.lower <= math.pi <= gold.upper


@pytest.mark.parametrize("certify", ["none", "float", "arb"])
def test_all_slopes_equal(certify: Any) -> None:
    result = radius(np.array([[1.0, 2.0], [0.0, 0.0]]), np.array([[3.0, 3.0], [0.0, 1.0]]), certify=certify)
    assert math.isinf(result.rho[0])
    assert math.isinf(result.lower[0])
    assert result.certified[0]
    assert math.isclose(result.rho[1], math.pi, rel_tol=1e-15)


def test_extreme_magnitudes() -> None:
    for factor in (1e-300, 1e-290, 1e290, 5e307):
        result = radius(np.zeros(3), np.array([0.0, 0.5, 1.0]) * factor, certify="float")
        assert result.certified
        exact = 2 * mpmath.pi / 3 / (mpmath.mpf(factor) / 2)
        assert result.lower <= exact <= result.upper
    with pytest.raises(ValueError, match="slopes"):
        radius(np.zeros(2), np.array([-1e308, 1e308]))
    with pytest.raises(ValueError, match="logits"):
        radius(np.array([-1e308, 1e308, 0.0]), np.array([0.0, 1.0, 2.0]))


GOOD = np.array([0.0, 1.0, 2.0])


@pytest.mark.parametrize("function", [radius, batch_radius])
@pytest.mark.parametrize(
    ("logits", "slopes", "error", "name"),
    [
        (np.array([0.0, np.nan, 1.0]), GOOD, ValueError, "logits"),
        (GOOD, np.array([0.0, np.inf, 1.0]), ValueError, "slopes"),
        (np.array([]), np.array([]), ValueError, "logits"),
        (GOOD, GOOD[:2], ValueError, "slopes"),
        (GOOD.reshape(1, 1, 3), GOOD.reshape(1, 1, 3), ValueError, "logits"),
        (GOOD.astype(complex), GOOD, TypeError, "logits"),
        (GOOD, GOOD.astype(int), TypeError, "slopes"),
        (torch.arange(3), torch.zeros(3), TypeError, "logits"),
    ],
)
def test_bad_samples_are_named(function: Any, logits: Any, slopes: Any, error: type[Exception], name: str) -> None:
    with pytest.raises(error, match=name):
        function(logits, slopes)


@pytest.mark.parametrize("function", [radius, batch_radius])
@pytest.mark.parametrize(
    ("options", "error", "name"),
    [
        ({"certify": "exact"}, ValueError, "certify"),
        ({"rtol": 0.0}, ValueError, "rtol"),
        ({"rtol": -1e-9}, ValueError, "rtol"),
        ({"rtol": math.nan}, ValueError, "rtol"),
        ({"rtol": "small"}, TypeError, "rtol"),
    ],
)
def test_bad_options_are_named(function: Any, options: dict[str, Any], error: type[Exception], name: str) -> None:
    with pytest.raises(error, match=name):
        function(GOOD, GOOD, **options)


def test_a_width_that_float64_cannot_reach_is_not_certified() -> None:
    z, a = sample("gaussian", 5, 1.0, 20, seed=4)
    result = radius(z, a, certify="float", rtol=1e-16)
    assert isinstance(result, RadiusResult)
    assert not result.certified.any()
    assert (result.upper / result.lower < 1 + 1e-11).all()
