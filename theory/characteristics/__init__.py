"""Scalar transport equations on their characteristics: exact solutions, shocks, and the equations in labels."""

from theory.characteristics.convection_diffusion import convection_diffusion_exact
from theory.characteristics.inviscid_burgers import CharacteristicsCross, Shock, inviscid_burgers, shock_time
from theory.characteristics.residuals import LagrangianPair, eulerian_residual, lagrangian_residuals
from theory.characteristics.variable_speed import variable_speed_characteristics
from theory.characteristics.viscous_burgers import (
    burgers_exact,
    burgers_slope,
    burgers_trajectories,
    jacobian_floor,
)

__all__ = [
    "CharacteristicsCross",
    "LagrangianPair",
    "Shock",
    "burgers_exact",
    "burgers_slope",
    "burgers_trajectories",
    "convection_diffusion_exact",
    "eulerian_residual",
    "inviscid_burgers",
    "jacobian_floor",
    "lagrangian_residuals",
    "shock_time",
    "variable_speed_characteristics",
]
