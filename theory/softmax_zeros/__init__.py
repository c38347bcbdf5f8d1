"""Complex zeros of the softmax partition function and the step sizes they limit.

Along a unit direction ``v`` in parameter space a sample has logits ``z + t a`` with slopes ``a = J_z v``. The zeros of
``F(t) = Σ_k e^{z_k + a_k t}`` nearest the origin, at distance ``ρ*``, end the convergence of the Taylor series of its
cross-entropy; ``ρ_a = π / (max a − min a)`` is a lower bound of ``ρ*``.

References
----------
P. Sao, "Ghosts of Softmax: Complex Singularities That Limit Safe Step Sizes in Cross-Entropy", arXiv 2603.13552.
"""

from theory.softmax_zeros.activations import activation_radius, singularities
from theory.softmax_zeros.batch import BatchRadius, Sighting, batch_radius, sight
from theory.softmax_zeros.bounds import binary_radius, dominance_interval, lower_bound, rho_a, variance_excess
from theory.softmax_zeros.controller import ClipReport, RadiusClip
from theory.softmax_zeros.counting import count_zeros, jensen_sum
from theory.softmax_zeros.cumulants import cumulants, cumulants_from_roots, cumulants_from_zeros
from theory.softmax_zeros.descent import DescentCertificate, descent_certificate
from theory.softmax_zeros.exponential_sum import log_derivative, log_modulus
from theory.softmax_zeros.kl import kl_remainder, kl_remainder_bound, kl_shift, third_moment_bound
from theory.softmax_zeros.monitor import RadiusMonitor
from theory.softmax_zeros.nonlinear import nonlinear_radius_bound
from theory.softmax_zeros.radius import RadiusResult, radius
from theory.softmax_zeros.slopes import logit_slopes
from theory.softmax_zeros.smoothing import ria, weierstrass_inverse_sqrt
from theory.softmax_zeros.updates import update_direction

__all__ = [
    "BatchRadius",
    "ClipReport",
    "DescentCertificate",
    "RadiusClip",
    "RadiusMonitor",
    "RadiusResult",
    "Sighting",
    "activation_radius",
    "batch_radius",
    "binary_radius",
    "count_zeros",
    "cumulants",
    "cumulants_from_roots",
    "cumulants_from_zeros",
    "descent_certificate",
    "dominance_interval",
    "jensen_sum",
    "kl_remainder",
    "kl_remainder_bound",
    "kl_shift",
    "log_derivative",
    "log_modulus",
    "logit_slopes",
    "lower_bound",
    "nonlinear_radius_bound",
    "radius",
    "rho_a",
    "ria",
    "sight",
    "singularities",
    "third_moment_bound",
    "update_direction",
    "variance_excess",
    "weierstrass_inverse_sqrt",
]
