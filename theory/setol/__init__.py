"""Spectra of weight matrices: power-law tails, the cut at determinant 1, random matrices, free probability.

A layer is read through the eigenvalues λ of ``WᵀW``: the exponent α of their tail, chosen and bounded as Clauset,
Shalizi and Newman do; the number of leading eigenvalues whose product is 1 on the scale of mean 1; and what a shuffle
of the entries, a random matrix, would have shown.

References
----------
C. H. Martin, C. Hinrichs, "SETOL: A Semi-Empirical Theory of (Deep) Learning", arXiv 2507.17912.
A. Clauset, C. R. Shalizi, M. E. J. Newman, "Power-law distributions in empirical data", SIAM Review 51 (2009) 661.
"""

from theory.setol.analyze import analyze
from theory.setol.correlation_traps import CorrelationTraps, correlation_traps
from theory.setol.eigenvalues import eigenvalues
from theory.setol.erg import ErgCut, MarchenkoPasturErgCut, crossing_alpha, delta_lambda_min, erg_cut, mp_erg_cut
from theory.setol.free_probability import (
    cauchy_r_transform,
    free_cumulants,
    inverse_wishart_r_transform,
    levy_wigner_r_transform,
    moments_from_free_cumulants,
    power_law_r_transform,
    power_law_stieltjes,
    spectrum_r_transform,
    truncated_power_law_moments,
    two_atoms_r_transform,
)
from theory.setol.goodness_of_fit import BootstrapInterval, GoodnessOfFit, bootstrap_interval, goodness_of_fit
from theory.setol.hciz import hciz_rank_one, hciz_rank_one_limit
from theory.setol.marchenko_pastur import MarchenkoPastur, marchenko_pastur
from theory.setol.power_law import PowerLawFit, PowerLawScan, fit_power_law, scan
from theory.setol.tracy_widom import tracy_widom_cdf, tracy_widom_quantile, tracy_widom_threshold

__all__ = [
    "BootstrapInterval",
    "CorrelationTraps",
    "ErgCut",
    "GoodnessOfFit",
    "MarchenkoPastur",
    "MarchenkoPasturErgCut",
    "PowerLawFit",
    "PowerLawScan",
    "analyze",
    "bootstrap_interval",
    "cauchy_r_transform",
    "correlation_traps",
    "crossing_alpha",
    "delta_lambda_min",
    "eigenvalues",
    "erg_cut",
    "fit_power_law",
    "free_cumulants",
    "goodness_of_fit",
    "hciz_rank_one",
    "hciz_rank_one_limit",
    "inverse_wishart_r_transform",
    "levy_wigner_r_transform",
    "marchenko_pastur",
    "moments_from_free_cumulants",
    "mp_erg_cut",
    "power_law_r_transform",
    "power_law_stieltjes",
    "scan",
    "spectrum_r_transform",
    "tracy_widom_cdf",
    "tracy_widom_quantile",
    "tracy_widom_threshold",
    "truncated_power_law_moments",
    "two_atoms_r_transform",
]
