"""What is not a spectrum is refused, with the argument, what came and what was expected."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch

from theory.setol import (
    bootstrap_interval,
    correlation_traps,
    crossing_alpha,
    delta_lambda_min,
    erg_cut,
    fit_power_law,
    goodness_of_fit,
    hciz_rank_one,
    hciz_rank_one_limit,
    marchenko_pastur,
    mp_erg_cut,
    power_law_r_transform,
    power_law_stieltjes,
    scan,
    spectrum_r_transform,
    tracy_widom_cdf,
    tracy_widom_quantile,
    tracy_widom_threshold,
    truncated_power_law_moments,
)
from theory.setol.free_probability import (
    cauchy_r_transform,
    inverse_wishart_r_transform,
    levy_wigner_r_transform,
    two_atoms_r_transform,
)

SAMPLE = np.array([1.0, 2.0, 3.0, 5.0, 8.0])
FIT = fit_power_law(SAMPLE)
OF_SPECTRA = [
    fit_power_law,
    scan,
    erg_cut,
    lambda x: goodness_of_fit(x, FIT, 1),
    lambda x: bootstrap_interval(x, FIT, n_boot=1),
    lambda x: delta_lambda_min(x, FIT),
]


@pytest.mark.parametrize("function", OF_SPECTRA)
@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        ([1.0, math.nan, 2.0], ValueError, "x contains nan at index 1; expected finite"),
        ([1.0, 2.0, -math.inf], ValueError, "x contains -inf at index 2; expected finite"),
        ([1.0, -2.0, -3.0], ValueError, r"x contains -2.0 at index 1; expected nonnegative"),
        ([], ValueError, r"x is empty \(shape \(0,\)\)"),
        (np.ones((2, 3)), ValueError, r"x has shape \(2, 3\); expected \(M,\)"),
        (2.0, ValueError, r"x has shape \(\); expected \(M,\)"),
        ([1.0 + 2j, 3.0], TypeError, "x has dtype complex128; expected real"),
        ([True, False], TypeError, "x has dtype bool; expected real"),
        (["a", "b"], TypeError, "x has dtype <U1; expected real"),
    ],
)
def test_what_is_not_a_spectrum_is_refused(function, x, error, message):
    with pytest.raises(error, match=message):
        function(x)


@pytest.mark.parametrize(
    "x", [SAMPLE.astype(np.float32), SAMPLE.astype(np.int64), SAMPLE.tolist(), torch.tensor(SAMPLE, requires_grad=True)]
)
def test_any_kind_of_real_numbers_is_a_spectrum(x):
    assert fit_power_law(x) == FIT
    assert erg_cut(x) == erg_cut(SAMPLE)


def test_half_precision_is_read_exactly():
    half = torch.tensor([0.1, 0.7, 1.3, 2.9], dtype=torch.bfloat16)
    assert fit_power_law(half) == fit_power_law(half.double())


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: fit_power_law(SAMPLE, xmin=0.0), ValueError, r"xmin is 0.0; expected a number in \(0, inf\)"),
        (lambda: fit_power_law(SAMPLE, xmin=math.nan), ValueError, "xmin is nan"),
        (lambda: fit_power_law(SAMPLE, xmin="2"), TypeError, "xmin is '2'; expected a real number"),
        (lambda: fit_power_law(SAMPLE, ks="ks"), ValueError, "ks is 'ks'; expected one of"),
        (lambda: fit_power_law(SAMPLE, min_tail=1), ValueError, "min_tail is 1; expected at least 2"),
        (lambda: scan(SAMPLE, min_tail=2.0), TypeError, "min_tail is 2.0; expected an integer"),
        (lambda: goodness_of_fit(SAMPLE, FIT, 0), ValueError, "n_boot is 0; expected at least 1"),
        (lambda: goodness_of_fit(SAMPLE, FIT, 9, seed=-1), ValueError, "seed is -1; expected at least 0"),
        (lambda: goodness_of_fit(SAMPLE[1:], FIT, 9), ValueError, "expected the fit of x"),
        (
            lambda: bootstrap_interval(SAMPLE, FIT, level=1.0),
            ValueError,
            r"level is 1.0; expected a number in \(0, 1\)",
        ),
        (lambda: erg_cut(np.zeros(3)), ValueError, "x has 3 entries, all 0; expected a positive one"),
        (lambda: crossing_alpha([0.5, 1.5]), ValueError, r"lam contains 1.5; expected numbers in \[0, 1\]"),
        (lambda: mp_erg_cut(0.0), ValueError, r"q is 0.0; expected a number in \[1e-12, 1\]"),
        (lambda: marchenko_pastur(1.5), ValueError, r"q is 1.5; expected a number in \(0, 1\]"),
        (lambda: marchenko_pastur(0.5, -1.0), ValueError, "sigma is -1.0"),
        (lambda: marchenko_pastur(0.5).stieltjes(1.0), ValueError, "z contains 1.0; expected numbers off the support"),
        (lambda: marchenko_pastur(0.5).stieltjes(0.0, "outer"), ValueError, "z contains 0"),
        (lambda: marchenko_pastur(0.5).stieltjes(1j, "both"), ValueError, "side is 'both'"),
        (lambda: marchenko_pastur(0.5).stieltjes(complex(math.nan, 1.0)), ValueError, "z contains"),
        (lambda: marchenko_pastur(0.5).r_transform(2.0), ValueError, "w contains the pole 2.0"),
        (lambda: marchenko_pastur(0.5).quantile(1.1), ValueError, r"p contains 1.1; expected numbers in \[0, 1\]"),
        (lambda: marchenko_pastur(0.5).moment(-1), ValueError, "k is -1; expected at least 0"),
        (lambda: marchenko_pastur(0.5).quadrature(0), ValueError, "points is 0; expected at least 1"),
        (lambda: tracy_widom_cdf(math.inf), ValueError, "s contains inf"),
        (lambda: tracy_widom_quantile(0.0), ValueError, "p is 0.0"),
        (lambda: tracy_widom_threshold(1, 5), ValueError, "N is 1; expected at least 2"),
        (
            lambda: tracy_widom_threshold(5, 5, level=0.7),
            ValueError,
            r"level is 0.7; expected a number in \[1e-12, 0.5\]",
        ),
        (lambda: correlation_traps(np.ones(4)), ValueError, r"W has shape \(4,\); expected \(N, M\)"),
        (lambda: correlation_traps(np.ones((1, 4))), ValueError, r"W has shape \(1, 4\)"),
        (lambda: correlation_traps([[1.0, math.nan], [0.0, 1.0]]), ValueError, r"W contains nan at index \(0, 1\)"),
        (lambda: correlation_traps(np.eye(3), seed=0.5), TypeError, "seed is 0.5; expected an integer"),
        (lambda: spectrum_r_transform(math.inf, SAMPLE), ValueError, "w is inf"),
        (lambda: spectrum_r_transform(0.1, SAMPLE, [1.0]), ValueError, r"weights has shape \(1,\)"),
        (lambda: spectrum_r_transform(0.1, SAMPLE, -np.ones(5)), ValueError, "weights ranges over"),
        (lambda: inverse_wishart_r_transform(0.6, 1.0), ValueError, "w contains 0.6; expected at most κ/2 = 0.5"),
        (lambda: cauchy_r_transform(0.0, 1.0, "left"), ValueError, "half_plane is 'left'"),
        (lambda: levy_wigner_r_transform(0.0, 0.5), ValueError, "w is 0"),
        (lambda: levy_wigner_r_transform(1.0, 1.0), ValueError, "index is 1.0"),
        (lambda: two_atoms_r_transform(1.0, 0.0, -1.0), ValueError, "distance is -1.0"),
        (lambda: power_law_stieltjes(2.0, 2.0), ValueError, "z is .2.0j*.*; expected a finite number off the support"),
        (lambda: power_law_r_transform(-0.5, 2.0), ValueError, r"w is -0.5; expected a number in \(-0.5, 0\)"),
        (lambda: truncated_power_law_moments(2, 2.0, 3.0, 3.0), ValueError, "high is 3.0"),
        (lambda: hciz_rank_one(1.0, [2.0]), ValueError, r"x has shape \(1,\); expected \(N,\) with N at least 2"),
        (lambda: hciz_rank_one(1e150, [1.0, 2.0]), ValueError, "theta times x reaches 2e.150; expected at most 1e.140"),
        (lambda: hciz_rank_one_limit(-1.0, SAMPLE), ValueError, "theta is -1.0"),
        (lambda: hciz_rank_one_limit(1.0, SAMPLE, edge=7.0), ValueError, "edge is 7.0"),
    ],
)
def test_bad_parameters_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_fractions_are_real_numbers():
    assert fit_power_law(SAMPLE, xmin=Fraction(3, 2)) == fit_power_law(SAMPLE, xmin=1.5)
