"""What sums over the steps of torchdiffeq 0.2.5 need to be those of the paper (Section 3: heuristics of a solve)."""

from importlib.util import find_spec

import hypothesis.strategies as st
import numpy as np
import torch

from sciml.neural_de.claims.paper import paper
from sciml.neural_de.heuristics import HEURISTICS
from sciml.neural_de.solve import solve

ALL = tuple(HEURISTICS)
T, TOLERANCE = 2.0, 1e-3
TIMES = torch.tensor([0.0, T], dtype=torch.float64)


def field(weights):
    """z' = tanh(z W₁ + t) W₂ from 18 weights, for states of dimension 3."""
    first, second = weights[:9].view(3, 3), weights[9:].view(3, 3)
    return lambda t, y: torch.tanh(y @ first + t) @ second


def recorded(weights, y0, recorder=None, end_point=True):
    """The five sums over a torchdiffeq solve, and its grid up to T."""
    import torchdiffeq

    from sciml.neural_de.adapters.torchdiffeq import Recorder

    found = (recorder or Recorder)(
        field(weights), TIMES, rtol=TOLERANCE, atol=TOLERANCE, heuristics=ALL, detach_scale=False
    )
    if not end_point:
        found.t1 = np.inf
    options = found.options if end_point else None
    torchdiffeq.odeint(found, y0, TIMES, rtol=TOLERANCE, atol=TOLERANCE, options=options)
    found.t1 = found.time
    return found.heuristics, (*found.ts[:-1], T)


def with_leaking_step(weights, y0):
    """The step size keeps the gradient that torchdiffeq gives it."""
    from sciml.neural_de.adapters.torchdiffeq import Recorder

    class Leaking(Recorder):
        def callback_step(self, t0, y0, dt):
            super().callback_step(t0, y0, dt.clone())

    return recorded(weights, y0, Leaking)


def with_its_own_error(weights, y0):
    """err as torchdiffeq has it."""
    sums, ts = recorded(weights, y0)
    powers = {"RE": 1, "RE2": 2, "REn": 1, "RS": 0, "RSmax": 0}
    return {name: (2 / 3) ** powers[name] * value for name, value in sums.items()}, ts


@paper.claim(
    "Section 3 (heuristics of a solve)",
    tags=("ours", "identity"),
    mutants={
        "the gradient of the first step left in": {"sums": with_leaking_step},
        "steps beyond the end": {"sums": lambda weights, y0: recorded(weights, y0, end_point=False)},
        "the error by which torchdiffeq steps": {"sums": with_its_own_error},
    },
)
def sums_over_torchdiffeq_steps_need_three_repairs(check, sums=recorded):
    r"""$R_E$, $R_{E^2}$, the scaled $R_E$, $R_S$ and $\max S$ over a torchdiffeq solve, and their gradients on the
    frozen grid.

    torchdiffeq steps beyond the end and interpolates back, estimates $2/3$ of the error, and lets the gradient through
    the size of its first step. Without these three the sums are those of our engine on the same grid, to $10^{-9}$,
    some thousand roundings for what cancels in err; and their derivatives its central differences there, along a
    direction of length 1, up to what a step twice as long changes and $10^{-5}$ of the sum and its derivative.
    """
    if find_spec("torchdiffeq") is None:
        check.skip("torchdiffeq is not installed")

    def agree(seed):
        rng = np.random.default_rng(seed)
        weights, y0 = torch.tensor(rng.normal(size=18), requires_grad=True), torch.tensor(rng.normal(size=(4, 3)))
        direction = torch.tensor(rng.normal(size=18))
        direction /= direction.norm()
        found, ts = sums(weights, y0)

        def on_grid(step):
            return solve(
                field(weights + step * direction),
                y0,
                0.0,
                T,
                method="dopri5",
                rtol=TOLERANCE,
                atol=TOLERANCE,
                heuristics=ALL,
                grid=ts,
                detach_scale=False,
            ).heuristics

        with torch.no_grad():
            at = {step: on_grid(step) for step in (0.0, 1e-4, -1e-4, 2e-4, -2e-4)}
        for name in ALL:
            value = at[0.0][name]
            (gradient,) = torch.autograd.grad(found[name], weights, retain_graph=True)
            near, far = ((at[s][name] - at[-s][name]) / (2 * s) for s in (1e-4, 2e-4))
            allowed = abs(far - near) + 1e-5 * (abs(near) + abs(value))
            if abs(found[name] - value) > 1e-9 * value or abs(gradient @ direction - near) > allowed:
                return False
        return True

    check.forall(agree, examples=10, seed=st.integers(0, 2**31))
