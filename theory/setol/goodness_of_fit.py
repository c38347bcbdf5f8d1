"""Is the tail a power law at all, and how well is its exponent known once the cutoff has been chosen from the data?

Both answers come from refitting samples of the fitted model: each of the M values is, with probability ``n_tail /
M``, a draw from the fitted tail, else a draw with replacement from the values below ``xmin`` (the semi-parametric
bootstrap of Clauset, Shalizi and Newman). The refit repeats what the fit did, its scan included.

The values are taken as independent. Eigenvalues of one matrix repel each other, so for spectra the null model is "the
values could be an independent sample with this tail", not "the matrix could have this spectrum".

References
----------
A. Clauset, C. R. Shalizi, M. E. J. Newman, "Power-law distributions in empirical data", SIAM Review 51 (2009) 661,
arXiv 0706.1062, Section 4.1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from theory._numbers import Floats, require_integer, require_number
from theory.setol._spectra import as_spectrum
from theory.setol.power_law import PowerLawFit, fit_power_law

_STEEPEST = 2.0**40
"""Exponent from which on float64 no longer resolves the values of a sampled tail."""


@dataclass(frozen=True)
class GoodnessOfFit:
    """The p-value of a power-law tail.

    Attributes
    ----------
    p_value
        ``(1 + #{D* ≥ D}) / (1 + n_boot)`` over the refitted samples, in (0, 1]. Small values speak against a power
        law; Clauset et al. reject it at 0.1. NaN for a degenerate fit, and for α beyond 2⁴⁰, where float64 does not
        resolve a sampled tail.
    D
        Distance of the fit.
    D_boot
        Distances ``D*`` of the refitted samples, shape (n_boot,); empty where ``p_value`` is NaN.
    """

    p_value: float
    D: float
    D_boot: Floats


@dataclass(frozen=True)
class BootstrapInterval:
    """A confidence interval of α that allows for the choice of the cutoff; NaN where a p-value would be.

    Attributes
    ----------
    low, high
        Ends of the interval, greater than 1.
    level
        Nominal probability that it covers α.
    standard_error, bias
        Standard deviation and ``mean − α`` of the refitted exponents.
    """

    low: float
    high: float
    level: float
    standard_error: float
    bias: float


def goodness_of_fit(x: Any, fit: PowerLawFit, n_boot: int = 1000, seed: int = 0) -> GoodnessOfFit:
    """Return the probability that a sample of the fitted model lies as far from its own fit as ``x`` from ``fit``.

    Parameters
    ----------
    x
        The sample, shape (M,), as for `theory.setol.power_law.fit_power_law`.
    fit
        What `theory.setol.power_law.fit_power_law` returned for it.
    n_boot
        Number of samples, at least 1; the standard error of the p-value is at most ``1 / (2 √n_boot)``.
    seed
        Of the random generator, at least 0. The same seed gives the same answer.

    Returns
    -------
    GoodnessOfFit

    Raises
    ------
    TypeError, ValueError
        For invalid input, or a ``fit`` that is not one of ``x``.

    References
    ----------
    Clauset, Shalizi, Newman 2009, Section 4.1; the 1 added to both counts makes it a valid p-value at any ``n_boot``.
    """
    _, distances = _refit(x, fit, n_boot, seed)
    if len(distances) == 0:
        return GoodnessOfFit(math.nan, fit.D, distances)
    exceeding = int((distances >= fit.D * (1.0 - 1e-12)).sum())
    return GoodnessOfFit((1 + exceeding) / (1 + n_boot), fit.D, distances)


def bootstrap_interval(
    x: Any, fit: PowerLawFit, level: float = 0.95, n_boot: int = 1000, seed: int = 0
) -> BootstrapInterval:
    """Return a confidence interval of α from the exponents ``α*`` of refitted samples.

    ``α − 1`` is a rate, so the ratio ``(α* − 1) / (α̂ − 1)`` is taken to be distributed as ``(α̂ − 1) / (α − 1)``: the
    ends are ``1 + (α̂ − 1) / r`` at the quantiles r of that ratio. For a tail with a given cutoff the ratio is an exact
    pivot (``n / Gamma(n)``) and so is the interval, up to ``n_boot``; after a scan it is an approximation, but one that
    repeats the scan.

    Parameters
    ----------
    x, fit, n_boot, seed
        As for `goodness_of_fit`.
    level
        In (0, 1).

    Returns
    -------
    BootstrapInterval

    Raises
    ------
    TypeError, ValueError
        As `goodness_of_fit`.

    References
    ----------
    The samples are those of Clauset, Shalizi, Newman 2009, Section 4.1; the pivot is ours.
    """
    level = require_number("level", level, 0.0, 1.0, open_low=True)
    if level == 1.0:
        raise ValueError("level is 1.0; expected a number in (0, 1)")
    exponents, _ = _refit(x, fit, n_boot, seed)
    if len(exponents) == 0:
        return BootstrapInterval(math.nan, math.nan, level, math.nan, math.nan)
    low, high = np.quantile((exponents - 1.0) / (fit.alpha - 1.0), [0.5 - level / 2.0, 0.5 + level / 2.0])
    rate = fit.alpha - 1.0
    return BootstrapInterval(
        1.0 + rate / float(high),
        1.0 + rate / float(low),
        level,
        float(exponents.std()),
        float(exponents.mean()) - fit.alpha,
    )


def _refit(x: Any, fit: PowerLawFit, n_boot: int, seed: int) -> tuple[Floats, Floats]:
    """Exponents and distances of ``n_boot`` refitted samples of the model; empty if it cannot be sampled."""
    sample = np.sort(as_spectrum("x", x))
    require_integer("n_boot", n_boot, 1)
    generator = np.random.default_rng(require_integer("seed", seed, 0))
    if fit.status == "degenerate":
        return np.empty(0), np.empty(0)
    if len(sample) - int(np.searchsorted(sample, fit.xmin)) != fit.n_tail or len(sample) != fit.index + fit.n_tail:
        raise ValueError(f"fit has n_tail = {fit.n_tail} and index = {fit.index}; expected the fit of x")
    if fit.alpha > _STEEPEST:
        return np.empty(0), np.empty(0)
    body, refits = sample[: fit.index], list[PowerLawFit]()
    while len(refits) < n_boot:
        drawn = _draw(body, fit, generator)
        refit = fit_power_law(drawn, None if fit.scanned else fit.xmin, fit.ks, fit.min_tail)
        if refit.status == "success":  # a small sample can lack a tail
            refits.append(refit)
    return np.array([refit.alpha for refit in refits]), np.array([refit.D for refit in refits])


def _draw(body: Floats, fit: PowerLawFit, generator: np.random.Generator) -> Floats:
    size = len(body) + fit.n_tail
    in_tail = int(generator.binomial(size, fit.n_tail / size))
    with np.errstate(over="ignore"):
        tail = fit.xmin * np.exp(generator.standard_exponential(in_tail) / (fit.alpha - 1.0))
    tail = np.minimum(tail, np.finfo(np.float64).max)
    return np.concatenate([body[generator.integers(len(body), size=size - in_tail)], tail]) if len(body) else tail
