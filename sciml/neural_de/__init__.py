"""Neural ODEs and SDEs whose training sees the solver's cost: error and stiffness estimates on the tape.

References
----------
A. Pal, Y. Ma, V. Shah, C. Rackauckas, "Opening the Blackbox: Accelerating Neural Differential Equations by Regularizing
Internal Solver Heuristics", arXiv 2105.03918.
A. Pal, A. Edelman, C. Rackauckas, "Locally Regularized Neural Differential Equations", arXiv 2303.02262.
"""

from sciml.neural_de.brownian import BrownianPath, Increment
from sciml.neural_de.controllers import Controller, IController, PIController
from sciml.neural_de.heuristics import HEURISTICS, norms, stiffness
from sciml.neural_de.regularizers import (
    TayReg,
    anneal,
    local_estimate,
    local_regularizer,
    steer_end_time,
    total_derivative,
)
from sciml.neural_de.sde_solve import SDESolution, SRIStep, sde_solve, sri_step
from sciml.neural_de.solve import Solution, Stats, StepResult, rk_step, solve
from sciml.neural_de.sri_tableaus import SRI_TABLEAUS, SRITableau
from sciml.neural_de.tableaus import BOGACKI_SHAMPINE, DOPRI5, TABLEAUS, TSIT5, Tableau

__all__ = [
    "BOGACKI_SHAMPINE",
    "DOPRI5",
    "HEURISTICS",
    "SRI_TABLEAUS",
    "TABLEAUS",
    "TSIT5",
    "BrownianPath",
    "Controller",
    "IController",
    "Increment",
    "PIController",
    "SDESolution",
    "SRIStep",
    "SRITableau",
    "Solution",
    "Stats",
    "StepResult",
    "Tableau",
    "TayReg",
    "anneal",
    "local_estimate",
    "local_regularizer",
    "norms",
    "rk_step",
    "sde_solve",
    "solve",
    "sri_step",
    "steer_end_time",
    "stiffness",
    "total_derivative",
]
