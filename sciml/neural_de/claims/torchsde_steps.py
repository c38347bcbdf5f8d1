"""What an adaptive step costs in torchsde 0.2.6, beside an embedded SRI method (Section 4: adaptive SDE solvers)."""

import functools
import itertools
import math
from typing import Any
from unittest import mock

import hypothesis.strategies as st
import torch

from sciml.neural_de.claims.paper import paper
from sciml.neural_de.sde_solve import sde_solve

TOLERANCE = 1e-3


class Pendulum(torch.nn.Module):
    """A damped pendulum with multiplicative noise, which counts its evaluations."""

    noise_type, sde_type = "diagonal", "ito"

    def __init__(self):
        super().__init__()
        self.calls = 0

    def f(self, t, y):
        self.calls += 1
        return torch.stack([y[..., 1], -torch.sin(y[..., 0]) - 0.2 * y[..., 1]], dim=-1)

    def g(self, t, y):
        return 0.1 * y


@functools.cache
def solved_by_torchsde(seed):
    """Evaluations of f between attempts, its error over the RMS distance of the two results, and what it keeps."""
    import torchsde
    from torchsde._core import adaptive_stepping

    pendulum, attempts, ratios = Pendulum(), [], []
    y0 = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    compute = adaptive_stepping.compute_error
    halves = None

    def watched(full, half, rtol, atol, *rest):
        nonlocal halves
        estimate = compute(full, half, rtol, atol, *rest)
        distance = ((full - half) / (atol + rtol * torch.maximum(full.abs(), half.abs()))).square().mean().sqrt().item()
        attempts.append(pendulum.calls)
        ratios.append(estimate / distance)
        halves = half
        return estimate

    options = {"levy_area_approximation": "space-time", "halfway_tree": True, "tol": 1e-6}
    noise = torchsde.BrownianInterval(0.0, 1.0, (1, 2), dtype=torch.float64, entropy=seed, **options)
    with mock.patch.object(adaptive_stepping, "compute_error", watched):
        ys = torchsde.sdeint(
            pendulum, y0, [0.0, 1.0], bm=noise, method="srk", adaptive=True, rtol=TOLERANCE, atol=TOLERANCE, dt=0.1
        )
    per_attempt = {after - before for before, after in itertools.pairwise(attempts)}
    return {
        "evaluations of f an attempt": float(per_attempt.pop()) if len(per_attempt) == 1 else math.nan,
        "least ratio to the distance": min(ratios),
        "largest ratio to the distance": max(ratios),
        "value kept minus that of the half steps": (ys[-1] - halves).abs().max().item(),
    }


@functools.cache
def solved_here(seed):
    pendulum = Pendulum()
    y0 = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    stats = sde_solve(pendulum.f, pendulum.g, y0, 0.0, 1.0, rtol=10 * TOLERANCE, atol=10 * TOLERANCE, seed=seed).stats
    assert stats.nfe == pendulum.calls
    return {
        "evaluations here an accepted step": (stats.nfe - 1 - 3 * stats.rejected) / stats.accepted,
    }


@paper.claim(
    "Section 4 (adaptive SDE solvers)",
    tags=("ours", "empirical"),
    mutants={
        "evaluations of three steps that share stages": {"evaluations": 12},
        "an error divided by 2^p − 1, p = 3/2": {"ratio": 1 / (2**1.5 - 1)},
        "as many evaluations here": {"here": 30},
    },
)
def torchsde_doubles_its_steps(check, evaluations=30, ratio=1.0, here=4):
    r"""torchsde's adaptive SRK takes a step and two half ones: 30 evaluations of $f$ an attempt, against 4 of SOSRI.

    Each of its three steps evaluates $f$ ten times, every stage anew. Its error is the RMS distance of the two results
    in units of the tolerance, without the factor $1/(2^p - 1)$ of extrapolation; it keeps the result of the half steps.
    """
    try:
        import torchsde  # noqa: F401
    except ImportError:
        check.skip("torchsde is not installed")
    check.reproduces(
        lambda seed: solved_by_torchsde(seed) | solved_here(seed),
        bands={
            "evaluations of f an attempt": (evaluations, evaluations),
            "least ratio to the distance": (ratio - 1e-12, ratio + 1e-12),
            "largest ratio to the distance": (ratio - 1e-12, ratio + 1e-12),
            "value kept minus that of the half steps": (0.0, 0.0),
            "evaluations here an accepted step": (here, here),
        },
        seeds=3,
        setup={
            "equation": "damped pendulum, g = 0.1 y, t in [0, 1]",
            "torchsde": "0.2.6, method srk, adaptive, rtol = atol = 1e-3, dt = 0.1",
            "here": "sosri, rtol = atol = 1e-2; a rejected step costs 3, the start 1",
        },
        says="counts, estimates and values of every attempt; the band of the ratio is that of rounding",
    )


class Decay(torch.nn.Module):
    """dy = −ay dt + y/5 dW with a parameter."""

    noise_type, sde_type = "diagonal", "ito"

    def __init__(self, rate):
        super().__init__()
        self.rate = torch.nn.Parameter(torch.tensor(rate, dtype=torch.float64))

    def f(self, t, y):
        return -self.rate * y

    def g(self, t, y):
        return 0.2 * y


OPTIONS: dict[str, Any] = {"method": "milstein", "adaptive": True, "rtol": 1e-2, "atol": 1e-2, "dt": 0.1}


def its_own_estimates(sde, y0):
    """What torchsde's solver computes as the errors of its attempts."""
    import torchsde
    from torchsde._core import adaptive_stepping

    found, compute = [], adaptive_stepping.compute_error

    def watched(*states_and_tolerances):
        found.append(compute(*states_and_tolerances))
        return found[-1]

    with mock.patch.object(adaptive_stepping, "compute_error", watched):
        torchsde.sdeint(sde, y0, torch.tensor([0.0, 1.0], dtype=torch.float64), **OPTIONS)
    return sum(found)


def recorded_estimates(sde, y0):
    from sciml.neural_de.adapters.torchsde import sdeint

    return sdeint(sde, y0, torch.tensor([0.0, 1.0], dtype=torch.float64), heuristics=("REn",), **OPTIONS)[1].heuristics[
        "REn"
    ]


@paper.refuted(
    "Section 3 (which solver)",
    tags=("ours", "identity"),
    controls={"recorded beside the solver": {"estimates": recorded_estimates}},
)
def gradients_reach_the_error_estimates_of_torchsde(check, estimates=its_own_estimates):
    r"""The error estimates by which torchsde chooses its steps can be differentiated by the parameters of the equation.

    They are plain numbers: torchsde takes them off the tape before it returns them, also where the states are on it, so
    that a penalty on them has no gradient. The difference of the two results of a step is there, and can be recorded.
    """
    try:
        import torchsde  # noqa: F401
    except ImportError:
        check.skip("torchsde is not installed")

    def is_reached(rate):
        sde = Decay(rate)
        torch.manual_seed(check.seed)  # torchsde draws the entropy of its path from it
        total = estimates(sde, torch.ones(3, 2, dtype=torch.float64))
        if not isinstance(total, torch.Tensor) or not total.requires_grad:
            return False
        return bool(torch.autograd.grad(total, sde.rate)[0] != 0)

    check.forall(is_reached, examples=5, rate=st.floats(0.5, 3))


@functools.cache
def runs(forwards, backwards):
    """Whether torchsde differentiates a solve by one method with its adjoint solved by another."""
    import torchsde

    sde, y0 = Decay(1.0), torch.ones(1, 2, dtype=torch.float64)
    ts = torch.tensor([0.0, 0.2], dtype=torch.float64)
    try:
        torchsde.sdeint_adjoint(sde, y0, ts, method=forwards, adjoint_method=backwards, dt=0.1)[-1].sum().backward()
    except ValueError:
        return False
    return sde.rate.grad is not None


@paper.claim(
    "Section 4 (which adjoint of SDEs)",
    tags=("ours", "identity"),
    mutants={
        "SRK backwards too": {"expected": lambda forwards, backwards: True},
        "no SRK forwards either": {"expected": lambda forwards, backwards: "srk" not in (forwards, backwards)},
        "SRK only with itself": {"expected": lambda forwards, backwards: forwards == backwards},
    },
)
def torchsde_solves_no_adjoint_by_stochastic_runge_kutta(
    check, expected=lambda forwards, backwards: backwards != "srk"
):
    r"""torchsde's adjoint runs with SRK forwards and another method backwards, and refuses SRK backwards.

    Of the strong order $3/2$ of the forward solve the backward one, by Milstein's method or by Euler's, has $1$ or
    $1/2$: another reason to differentiate the steps themselves. Of the nine pairs of three methods, 200 draws leave one
    out with probability $5 \cdot 10^{-10}$.
    """
    try:
        import torchsde  # noqa: F401
    except ImportError:
        check.skip("torchsde is not installed")
    methods = st.sampled_from(["srk", "milstein", "euler"])
    check.forall(lambda f, b: runs(f, b) == expected(f, b), examples=200, f=methods, b=methods)
