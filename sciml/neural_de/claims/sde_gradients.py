"""Derivatives of a stochastic solve: on the frozen grid and path (Section 2)."""

import hypothesis.strategies as st
import numpy as np
import torch

from sciml.neural_de.claims.paper import paper
from sciml.neural_de.heuristics import HEURISTICS
from sciml.neural_de.sde_solve import sde_solve

ALL = tuple(HEURISTICS)


def heuristics_of(weights, y0, seed, grid=None, detach_scale=False):
    """All five sums of SOSRI2 on dz = tanh(z W₁ + t) W₂ dt + z w/5 dW, with 21 weights."""
    first, second, scale = weights[:9].view(3, 3), weights[9:18].view(3, 3), weights[18:]
    return sde_solve(
        lambda t, y: torch.tanh(y @ first + t) @ second,
        lambda t, y: 0.2 * y * scale,
        y0, 0.0, 1.0, method="sosri2", rtol=0.1, atol=0.1, seed=seed, grid=grid, heuristics=ALL,
        detach_scale=detach_scale,
    )  # fmt: skip


@paper.claim(
    "Section 2 (discrete adjoint)",
    tags=("ours", "identity"),
    mutants={
        "scale held constant in the tape only": {"detach_scale": True},
        "every other step": {"grid_of": lambda ts: (*ts[:-1:2], ts[-1])},
        "another path": {"seed_of": lambda seed: seed + 1},
    },
)
def gradients_of_stochastic_sums_are_taken_on_the_frozen_grid_and_path(
    check, grid_of=lambda ts: ts, seed_of=lambda seed: seed, detach_scale=False
):
    r"""$\nabla R$ := the derivative of $R$ on the grid that was chosen at $\theta$, and on the same Brownian path. The
    tape gives it.

    Against central differences of step $s = 10^{-6}$ along a random direction of length 1. Their truncation is allowed
    for by what the step $2s$ changes, three times its estimate; their rounding, $10^{-16}/s$ of slopes that exceed
    their differences up to a thousandfold, by $10^{-6}$ of the sum and its derivative. As steps end at dyadic times,
    the grid stays while $\theta$ changes little, and a grid chosen anew mostly has the same derivative.
    """

    def agree(seed):
        rng = np.random.default_rng(seed)
        weights, y0 = torch.tensor(rng.normal(size=21)), torch.tensor(rng.normal(size=(4, 3)))
        direction = torch.tensor(rng.normal(size=21))
        direction /= direction.norm()
        weights.requires_grad_()
        found = heuristics_of(weights, y0, seed, detach_scale=detach_scale)

        def central(step):
            with torch.no_grad():
                ahead, behind = (
                    heuristics_of(weights + s * direction, y0, seed_of(seed), grid_of(found.ts)).heuristics
                    for s in (step, -step)
                )
            return {name: ((ahead[name] - behind[name]) / (2 * step)).item() for name in ALL}

        near, far = central(1e-6), central(2e-6)
        for name, value in found.heuristics.items():
            slope = (torch.autograd.grad(value, weights, retain_graph=True)[0] @ direction).item()
            allowed = abs(far[name] - near[name]) + 1e-6 * (value.item() + abs(slope))
            if abs(slope - near[name]) > allowed:
                return False
        return True

    check.forall(agree, seed=st.integers(0, 2**31), examples=check.at(quick=10, full=100))
