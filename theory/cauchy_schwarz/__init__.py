"""Cauchy–Schwarz divergence, its conditional form and mutual information, and the bottleneck built on them.

The divergence of two densities is a function of their angle in L2. Two conventions are in use, ``-2 log cos`` (full)
and ``-log cos`` (half), and every function names the one it returns; units are nats unless ``base`` says otherwise.

References
----------
S. Yu, X. Yu, S. Løkse, R. Jenssen, J. C. Príncipe, "Cauchy-Schwarz Divergence Information Bottleneck for Regression",
arXiv 2404.17951.
"""

from theory.cauchy_schwarz.bandwidth import median_bandwidth
from theory.cauchy_schwarz.conditional import conditional_divergence, conditional_divergence_two_sample
from theory.cauchy_schwarz.discrete import angle, discrete_divergence
from theory.cauchy_schwarz.divergence import divergence, mmd2
from theory.cauchy_schwarz.gaussian import (
    gaussian_divergence,
    gaussian_hoelder_divergence,
    gaussian_kl,
    gaussian_mutual_information,
)
from theory.cauchy_schwarz.information_bottleneck import (
    BottleneckLoss,
    CSInformationBottleneckLoss,
    InformationPlane,
    information_plane,
)
from theory.cauchy_schwarz.mixture import mixture_divergence
from theory.cauchy_schwarz.mutual_information import hsic, mutual_information, normalized_mutual_information

__all__ = [
    "BottleneckLoss",
    "CSInformationBottleneckLoss",
    "InformationPlane",
    "angle",
    "conditional_divergence",
    "conditional_divergence_two_sample",
    "discrete_divergence",
    "divergence",
    "gaussian_divergence",
    "gaussian_hoelder_divergence",
    "gaussian_kl",
    "gaussian_mutual_information",
    "hsic",
    "information_plane",
    "median_bandwidth",
    "mixture_divergence",
    "mmd2",
    "mutual_information",
    "normalized_mutual_information",
]
