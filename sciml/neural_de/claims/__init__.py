"""Claims of "Opening the Blackbox" (arXiv 2105.03918) and of its sequel (arXiv 2303.02262)."""

from sciml.neural_de.claims import (
    brownian_paths,
    error_estimate,
    experiments,
    figures_sde,
    figures_solver,
    gradients,
    heuristics,
    printed_tables,
    regularizers,
    sde_gradients,
    sde_orders,
    spiral_sde,
    sri_order_conditions,
    stiffness_estimate,
    tableaus,
    torchdiffeq_steps,
    torchsde_steps,
)
from sciml.neural_de.claims.paper import paper

__all__ = [
    "brownian_paths",
    "error_estimate",
    "experiments",
    "figures_sde",
    "figures_solver",
    "gradients",
    "heuristics",
    "paper",
    "printed_tables",
    "regularizers",
    "sde_gradients",
    "sde_orders",
    "spiral_sde",
    "sri_order_conditions",
    "stiffness_estimate",
    "tableaus",
    "torchdiffeq_steps",
    "torchsde_steps",
]
