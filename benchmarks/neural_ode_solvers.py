"""Forward and backward pass of a neural ODE by `sciml.neural_de.solve` and its peers; prints Markdown.

Run with ``OMP_NUM_THREADS=1 python benchmarks/neural_ode_solvers.py``; peers that are missing are left out
(``pip install torchdiffeq torchode diffrax``). A pass solves z' = f(z) for a batch, f an MLP D-H-D with tanh, and
differentiates the mean square of the end state with respect to the parameters. All take Dormand–Prince 5(4), except
where Tsitouras 5(4) is named, at rtol = atol, with discretize-then-optimize gradients except where "adjoint" is named.
The methods run in turn within each repetition, in CPU time of the process; times are medians over repetitions, so a
busy machine affects all alike. "bare f" is the same number of evaluations of f, each forward and backward from its own
leaf: no solver can be faster in eager PyTorch. Compilation of diffrax (seconds for each shape) is not counted.
"""

from __future__ import annotations

import contextlib
import os
import platform
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import torch
from torch import Tensor, nn

from sciml.neural_de import solve

SHAPES = ((32, 2, 32), (128, 20, 50), (512, 64, 100))
PRECISIONS = ((torch.float32, 1e-4), (torch.float64, 1e-8))
REPETITIONS, BUDGET = 25, 20.0
ESTIMATES = {"ours + R_E": ("RE",), "ours + R_S": ("RS",), "ours + all five": ("RE", "RE2", "REn", "RS", "RSmax")}


class Problem:
    """A field whose trajectories turn and contract, and the loss at t = 1."""

    def __init__(self, batch: int, width: int, hidden: int, dtype: torch.dtype, tolerance: float) -> None:
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(width, hidden), nn.Tanh(), nn.Linear(hidden, width)).to(dtype)
        with torch.no_grad():
            self.net[0].weight.mul_(3.0)
            self.net[2].weight.mul_(3.0)
        self.y0 = torch.randn(batch, width, dtype=dtype)
        self.tolerance = tolerance
        self.calls = 0

    def f(self, t: Tensor, y: Tensor) -> Tensor:
        self.calls += 1
        return self.net(y)

    def backward(self, y: Tensor) -> None:
        self.net.zero_grad()
        y.square().mean().backward()


def ours(problem: Problem, method: str, heuristics: tuple[str, ...] = ()) -> Callable[[], None]:
    def run() -> None:
        solution = solve(
            problem.f,
            problem.y0,
            0.0,
            1.0,
            method=method,
            rtol=problem.tolerance,
            atol=problem.tolerance,
            heuristics=heuristics,
        )
        problem.net.zero_grad()
        loss = solution.y.square().mean()
        for value in solution.heuristics.values():
            loss = loss + 1e-3 * value
        loss.backward()

    return run


def bare(problem: Problem, evaluations: int) -> Callable[[], None]:
    seed = torch.ones_like(problem.y0)

    def run() -> None:
        problem.net.zero_grad()
        values = [problem.f(seed, problem.y0.detach().requires_grad_()) for _ in range(evaluations)]
        torch.autograd.backward(values, [seed] * evaluations)

    return run


def peers(problem: Problem) -> dict[str, Callable[[], None]]:
    found: dict[str, Callable[[], None]] = {}
    tolerances = {"rtol": problem.tolerance, "atol": problem.tolerance}
    times = torch.tensor([0.0, 1.0], dtype=problem.y0.dtype)
    with contextlib.suppress(ImportError):
        import torchdiffeq

        module = nn.Module()
        module.net = problem.net
        module.forward = problem.f
        found["torchdiffeq"] = lambda: problem.backward(
            torchdiffeq.odeint(problem.f, problem.y0, times, method="dopri5", **tolerances)[-1]
        )
        found["torchdiffeq adjoint"] = lambda: problem.backward(
            torchdiffeq.odeint_adjoint(module, problem.y0, times, method="dopri5", **tolerances)[-1]
        )
    with contextlib.suppress(ImportError):
        import torchode

        term = torchode.ODETerm(problem.f)
        control = torchode.IntegralController(atol=problem.tolerance, rtol=problem.tolerance, term=term)
        adjoint = torchode.AutoDiffAdjoint(torchode.Dopri5(term=term), control)
        ends = times.expand(len(problem.y0), 2)
        initial = torchode.InitialValueProblem(y0=problem.y0, t_eval=ends)
        found["torchode"] = lambda: problem.backward(adjoint.solve(initial).ys[:, -1])
    with contextlib.suppress(ImportError):
        found["diffrax"] = with_diffrax(problem)
    return found


def with_diffrax(problem: Problem) -> Callable[[], None]:
    import diffrax
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    parameters = [jnp.asarray(p.detach().numpy()) for p in problem.net.parameters()]
    y0 = jnp.asarray(problem.y0.numpy())
    control = diffrax.PIDController(rtol=problem.tolerance, atol=problem.tolerance)

    def field(t, y, p):  # type: ignore[no-untyped-def]
        return jnp.tanh(y @ p[0].T + p[1]) @ p[2].T + p[3]

    def loss(p):  # type: ignore[no-untyped-def]
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(field), diffrax.Dopri5(), 0.0, 1.0, None, y0, p, stepsize_controller=control
        )
        return (solution.ys[-1] ** 2).mean()

    gradient = jax.jit(jax.grad(loss))
    return lambda: jax.block_until_ready(gradient(parameters))


def cpu_time(run: Callable[[], None]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def medians(runs: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Milliseconds by name, from passes in turn."""
    once = {}
    for name, run in runs.items():
        run()
        once[name] = cpu_time(run)
    repetitions = int(min(REPETITIONS, max(7, BUDGET / sum(once.values()))))
    measured: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repetitions):
        for name, run in runs.items():
            measured[name].append(cpu_time(run))
    return {name: 1e3 * statistics.median(values) for name, values in measured.items()}


def evaluations(problem: Problem, run: Callable[[], None]) -> int:
    problem.calls = 0
    run()
    return problem.calls


def row(shape: tuple[int, int, int], dtype: torch.dtype, tolerance: float) -> tuple[dict[str, float], dict[str, int]]:
    problem = Problem(*shape, dtype, tolerance)
    runs = {"ours": ours(problem, "dopri5"), "ours, Tsit5": ours(problem, "tsit5")}
    runs |= {name: ours(problem, "dopri5", heuristics) for name, heuristics in ESTIMATES.items()}
    runs |= peers(problem)
    calls = {name: evaluations(problem, run) for name, run in runs.items() if name != "diffrax"}
    runs["bare f"] = bare(problem, calls["ours"])
    return medians(runs), calls


def main() -> None:
    torch.set_num_threads(1)
    lines, counts = [], []
    for shape in SHAPES:
        for dtype, tolerance in PRECISIONS:
            times, calls = row(shape, dtype, tolerance)
            name = f"{shape}, {str(dtype)[6:]}, {tolerance:g}"
            if not lines:
                lines += [
                    "| (B, D, H), dtype, tolerance | " + " | ".join(times) + " | torchdiffeq / ours | ours / bare f |"
                ]
                lines += ["|---" * (len(times) + 3) + "|"]
                counts += ["| evaluations of f | " + " | ".join(calls) + " |", "|---" * (len(calls) + 1) + "|"]
            ratios = [times["torchdiffeq"] / times["ours"]] if "torchdiffeq" in times else [float("nan")]
            ratios += [times["ours"] / times["bare f"]]
            lines.append(f"| {name} | " + " | ".join(f"{x:.2f}" for x in [*times.values(), *ratios]) + " |")
            counts.append(f"| {name} | " + " | ".join(map(str, calls.values())) + " |")
    print(f"Milliseconds, forward and backward; one thread, {platform.machine()}, torch {torch.__version__}.\n")
    print("\n".join([*lines, "", *counts]))


if __name__ == "__main__":
    main()
