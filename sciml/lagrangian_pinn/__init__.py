r"""Physics-informed networks for transport equations, on the characteristics and, as the control, in a fixed frame.

A problem of one's own, here traffic flow ``w_t + (1 − 2w) w_x = 0.02 w_xx`` from a smooth queue::

    import math, torch
    from sciml.lagrangian_pinn import EulerianPINN, LagrangianPINN, Problem

    problem = Problem(
        f1=lambda x, t, w: 1.0 - 2.0 * w,           # velocity
        f2=0.02,                                    # diffusivity, a number or a function like f1
        u0=lambda x: 0.4 + 0.2 * torch.cos(x),      # periodic initial values
        L=2 * math.pi, T=1.5,
    )
    model = LagrangianPINN(problem, seed=0)
    report = model.fit(budget_s=20.0, progress=True)
    print(report)                                   # losses on trained and on fresh points, min ∂X/∂ξ, …
    w = model.predict(x=torch.linspace(0, 6, 200)[:, None], t=torch.linspace(0, 1.5, 50))
    control = EulerianPINN(problem, moving_frame="auto")

References
----------
R. Mojgani, M. Balajewicz, P. Hassanzadeh, "Lagrangian PINNs: a causality-conforming solution to failure modes of
physics-informed neural networks", arXiv 2205.02902; journal version: CMAME 404 (2023) 115810.
"""

from sciml.lagrangian_pinn.certificate import burgers_bound, convection_bound
from sciml.lagrangian_pinn.collapse import LeastJacobian, check_jacobian, predict_least_jacobian
from sciml.lagrangian_pinn.eulerian import EulerianPINN
from sciml.lagrangian_pinn.lagrangian import Characteristics, LagrangianPINN
from sciml.lagrangian_pinn.levenberg_marquardt import LevenbergMarquardt
from sciml.lagrangian_pinn.networks import PeriodicMLP, Sweep
from sciml.lagrangian_pinn.objective import Equations, Objective, Points
from sciml.lagrangian_pinn.problem import Problem
from sciml.lagrangian_pinn.report import (
    FitReport,
    JacobianCollapse,
    JacobianWarning,
    PrecisionWarning,
    SpuriousSolutionWarning,
)
from sciml.lagrangian_pinn.ssbroyden import SSBroyden
from sciml.lagrangian_pinn.torch_optimizers import TorchOptimizer
from theory.characteristics import CharacteristicsCross

__all__ = [
    "Characteristics",
    "CharacteristicsCross",
    "Equations",
    "EulerianPINN",
    "FitReport",
    "JacobianCollapse",
    "JacobianWarning",
    "LagrangianPINN",
    "LeastJacobian",
    "LevenbergMarquardt",
    "Objective",
    "PeriodicMLP",
    "Points",
    "PrecisionWarning",
    "Problem",
    "SSBroyden",
    "SpuriousSolutionWarning",
    "Sweep",
    "TorchOptimizer",
    "burgers_bound",
    "check_jacobian",
    "convection_bound",
    "predict_least_jacobian",
]
