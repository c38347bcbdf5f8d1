"""Kolmogorov n-widths of families of solutions: what a linear space of dimension n can and cannot represent.

The n-width of a family M in a Hilbert space is ``d_n(M) = inf_V sup_u dist(u, V)`` over the spaces V of dimension n.
The average of ``dist(u, V)²`` over the family is least for the leading n eigenvectors of the covariance, where it is
the sum of the discarded eigenvalues ``σ_j²``; hence ``d_n² ≥ Σ_{j>n} σ_j²``, with equality if no member is farther than
the average.
"""

from theory.n_width.singular_values import average_widths, energy_rank, snapshot_singular_values
from theory.n_width.step_family import StepBounds, step_bounds
from theory.n_width.translations import transport_singular_values

__all__ = [
    "StepBounds",
    "average_widths",
    "energy_rank",
    "snapshot_singular_values",
    "step_bounds",
    "transport_singular_values",
]
