"""Error of networks for fast transport after a budget of CPU seconds, by seed; prints Markdown.

Run with ``OMP_NUM_THREADS=1 python benchmarks/lagrangian_pinn.py`` (about forty minutes; ``--only`` takes a part of
"case, solver", ``--seeds`` and ``--scale`` make it shorter). All settings are the defaults of ``fit``. The error is
``‖û − u‖₂ / ‖u − c‖₂`` on 256 × 100 points of [0, 2π) × [0, T] for Burgers, where u − c is of size one, and
``‖û − u‖₂ / ‖u‖₂`` otherwise; the budget is CPU time of the process, training only. "no shift" means that the network
has to learn the transport, "moving frame" is a network in a frame of the mean velocity, the control. A solver is a
function from a case, a seed and a budget to a run, so that others go into the table ``ENTRIES`` beside ours.

DeepXDE (``pip install deepxde``) solves the problems as posed, in a fixed frame, in float64 with a tanh network of
three layers of 32 units at 2048 points, its output in the unit and from the mean of ``u0``: "soft" with 256 initial and
128 periodic conditions of weight 100, "hard" with the embedding and the initial values of our fixed frame built in. The
last rows give the scale: a Fourier method with exponential time steps in the moving frame.

Measured on a shared Xeon core (one thread, float64; busy neighbours cost iterations, not seconds), seeds 0, 1, 2; where
there is one number, seed 0. The rows of the fixed frame and of DeepXDE 1.15.0 are of an earlier run:

| case | solver | CPU s | error by seed | median |
|---|---|---|---|---|
| convection c = 50 | Lagrangian, no shift | 5, 5, 4 | 1.5e-15, 1.5e-15, 1.5e-15 | 1.5e-15 |
| convection c = 100 | Lagrangian, no shift | 5, 5, 8 | 2.6e-15, 2.6e-15, 2.6e-15 | 2.6e-15 |
| convection–diffusion c = 100 | Lagrangian, no shift | 30 | 6.2e-10, 4.8e-10, 1.6e-9 | 6.2e-10 |
| Burgers c = 50 | Lagrangian | 60 | 1.9e-7, 3.3e-7, 4.4e-7 | 3.3e-7 |
| Burgers c = 100 | Lagrangian | 60 | 2.4e-7, 4.9e-7, 3.1e-7 | 3.1e-7 |
| Burgers c = 50 | moving frame | 60 | 2.6e-6, 1.5e-6, 2.0e-6 | 2.0e-6 |
| Burgers c = 100 | moving frame | 60 | 1.2e-6, 1.1e-6, 2.2e-6 | 1.2e-6 |
| convection–diffusion c = 100 | moving frame | 30 | 9.7e-12, 1.8e-11, 2.6e-11 | 1.8e-11 |
| convection c = 1 | fixed frame | 15 | 9.7e-8 | |
| convection c = 1 | DeepXDE, L-BFGS, hard (soft) | 15 | 1.7e-4 (4.1e-3) | |
| convection c = 1 | DeepXDE, Adam, hard (soft) | 15 | 2.4e-3 (8.5e-2) | |
| convection c = 50 | fixed frame | 15 | 0.82, 0.86, 0.77 | 0.82 |
| convection c = 50 | DeepXDE, best of four | 15 | 0.93 | |
| convection–diffusion c = 100 | DeepXDE, best of four | 30 | 0.98 | |
| Burgers c = 50 | DeepXDE, best of four | 60 | 0.92 | |
| Burgers c = 50, 100 | Fourier and ETDRK4 | 0.5 | 4.9e-12, 5.0e-12 | |

Convection ends before its budget, "no descent": a constant velocity and constant values lie in the network's span.
"""

from __future__ import annotations

import contextlib
import importlib.util
import math
import os
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

import torch
import typer
from rich.console import Console
from torch import Tensor

from sciml.lagrangian_pinn import EulerianPINN, LagrangianPINN, Problem
from theory.characteristics import burgers_exact, convection_diffusion_exact


@dataclass(frozen=True)
class Case:
    """A problem with its exact solution, a function of x and t, and the constant taken from it before its norm."""

    problem: Problem
    exact: Callable[[Tensor, Tensor], Tensor]
    offset: float = 0.0


@dataclass(frozen=True)
class Run:
    """What a solver predicts on the grid, (256, 100), its CPU seconds, and a remark such as a flag it raised."""

    prediction: Tensor
    cpu_s: float
    remark: str = ""


Solver: TypeAlias = Callable[[Case, int, float], Run]


def grid(T: float) -> tuple[Tensor, Tensor]:
    """Places (256, 1), the end excluded, and times (100,), both ends included."""
    x = torch.arange(256, dtype=torch.float64)[:, None] * (2.0 * math.pi / 256)
    return x, torch.linspace(0.0, T, 100, dtype=torch.float64)


def convection(c: float, nu: float = 0.0) -> Case:
    return Case(Problem(c, nu, torch.sin), lambda x, t: convection_diffusion_exact(x, t, c, nu))


def burgers(c: float, nu: float = 0.01) -> Case:
    problem = Problem(lambda x, t, w: w, nu, lambda x: c + torch.sin(x))
    return Case(problem, lambda x, t: burgers_exact(x, t, nu, 1.0, c), c)


def ours(make: Callable[[Problem, int], Any], **options: Any) -> Solver:
    """A model of this package, trained with the defaults of ``fit`` but for ``options``."""

    def solve(case: Case, seed: int, budget: float) -> Run:
        model = make(case.problem, seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            report = model.fit(budget_s=budget, **options)
        remark = f"{report.n_iter} it, fresh loss {report.fresh_loss:.1e}" + (", flagged spurious" * report.spurious)
        return Run(model.predict(*grid(case.problem.T)), report.cpu_s, remark)

    return solve


def deepxde(optimizer: str, hard: bool) -> Solver:
    """A network of DeepXDE with its PyTorch backend, stopped when the CPU time is used up."""

    def solve(case: Case, seed: int, budget: float) -> Run:
        os.environ["DDE_BACKEND"] = "pytorch"
        with contextlib.redirect_stdout(sys.stderr):
            import deepxde as dde

            class Budget(dde.callbacks.Callback):  # type: ignore[misc]
                def on_train_begin(self) -> None:
                    self.start = time.process_time()

                def on_epoch_end(self) -> None:
                    self.model.stop_training = time.process_time() - self.start >= budget

            dde.config.set_default_float("float64")
            dde.config.set_random_seed(seed)
            problem = case.problem
            mean = float(problem.u0(problem.labels).mean())

            def equation(points: Tensor, w: Tensor) -> Tensor:
                x, t = points[:, :1], points[:, 1:]
                w_x, w_t = (dde.grad.jacobian(w, points, i=0, j=j) for j in range(2))
                residual = w_t + problem.velocity(x, t, w) * w_x
                if not problem.hyperbolic:
                    residual = residual - problem.diffusivity(x, t, w) * dde.grad.hessian(w, points, i=0, j=0)
                return residual

            def waves(points: Tensor) -> Tensor:
                x, t = points[:, :1], points[:, 1:]
                return torch.cat([f(k * x) for k in (1, 2, 3) for f in (torch.cos, torch.sin)] + [2 * t - 1], 1)

            domain = dde.geometry.GeometryXTime(
                dde.geometry.Interval(0.0, problem.L), dde.geometry.TimeDomain(0.0, problem.T)
            )
            start = dde.icbc.IC(domain, lambda points: problem.u0(torch.as_tensor(points[:, :1])).numpy(), at_start)
            around = [
                dde.icbc.PeriodicBC(domain, 0, lambda _, on: on, derivative_order=order)
                for order in range(1 if problem.hyperbolic else 2)
            ]
            conditions = [] if hard else [start, *around]
            net = dde.nn.FNN([7 if hard else 2, 32, 32, 32, 1], "tanh", "Glorot uniform")
            if hard:
                net.apply_feature_transform(waves)
                net.apply_output_transform(
                    lambda points, out: problem.value(points[:, :1]) + problem.amplitude * points[:, 1:] * out
                )
            else:
                net.apply_output_transform(lambda _, out: mean + problem.amplitude * out)
            data = dde.data.TimePDE(
                domain, equation, conditions, 2048, 0 if hard else 128, 0 if hard else 256, "Sobol", num_test=16
            )
            model = dde.Model(data, net)
            weights = [1.0] + [100.0] * len(conditions)
            dde.optimizers.set_LBFGS_options(maxiter=10**9)
            dde.optimizers.config.LBFGS_options.update(iter_per_step=20, fun_per_step=25)
            begin = time.process_time()
            model.compile(optimizer, lr=1e-3 if optimizer == "adam" else None, loss_weights=weights, verbose=0)
            _, state = model.train(iterations=10**9, display_every=10**9, callbacks=[Budget()], verbose=0)
        used = time.process_time() - begin
        x, t = torch.broadcast_tensors(*grid(problem.T))
        flat = torch.stack([x.flatten(), t.flatten()], 1).numpy()
        remark = f"{state.step} it"
        if optimizer == "L-BFGS":  # the loss is not kept up to date during Adam
            remark += f", loss {float(sum(state.loss_train)):.1e}"
        return Run(torch.as_tensor(model.predict(flat)).reshape(x.shape), used, remark)

    return solve


def at_start(_: Any, on_initial: bool) -> bool:
    return on_initial


def spectral(modes: int, steps: int) -> Solver:
    """A Fourier method in the frame of the mean velocity: diffusion exactly, the rest by exponential ETDRK4 steps.

    S. M. Cox, P. C. Matthews, J. Comput. Phys. 176 (2002) 430; the coefficients are means over a circle, as A.-K.
    Kassam and L. N. Trefethen, SIAM J. Sci. Comput. 26 (2005) 1214, take them. ``steps`` between two of the 100 times.
    """

    def solve(case: Case, seed: int, budget: float) -> Run:
        begin = time.process_time()
        problem, h = case.problem, case.problem.T / 99 / steps
        x = torch.arange(modes, dtype=torch.float64) * (problem.L / modes)
        number = torch.arange(modes // 2 + 1, dtype=torch.float64)
        k, kept = 2.0 * math.pi / problem.L * number, (number <= modes // 3).to(torch.float64)
        u = problem.u0(x)
        drift, nu = problem.mean_velocity, float(problem.diffusivity(x, 0 * x, u).mean())
        symbol = (-nu * k * k).to(torch.complex128)

        def rest(v: Tensor, t: float) -> Tensor:
            w, w_x, w_xx = (torch.fft.irfft(factor * v, n=modes) for factor in (1.0, 1j * k, -k * k))
            place, now = x + drift * t, torch.full_like(x, t)
            rate = (drift - problem.velocity(place, now, w)) * w_x + (problem.diffusivity(place, now, w) - nu) * w_xx
            return kept * torch.fft.rfft(rate)

        z = h * symbol[:, None] + torch.exp(1j * math.pi * (torch.arange(32, dtype=torch.float64) + 0.5) / 16)
        whole, half = torch.exp(h * symbol), torch.exp(h * symbol / 2)
        e = torch.exp(z)
        q = h * ((torch.exp(z / 2) - 1) / z).mean(-1)
        first = h * ((-4 - z + e * (4 - 3 * z + z * z)) / z**3).mean(-1)
        middle = h * ((2 + z + e * (z - 2)) / z**3).mean(-1)
        last = h * ((-4 - 3 * z - z * z + e * (4 - z)) / z**3).mean(-1)
        v, rows = torch.fft.rfft(u), [u]
        for index in range(99 * steps):
            t = index * h
            n0 = rest(v, t)
            a = half * v + q * n0
            na = rest(a, t + h / 2)
            nb = rest(half * v + q * na, t + h / 2)
            nc = rest(half * a + q * (2 * nb - n0), t + h)
            v = whole * v + first * n0 + 2 * middle * (na + nb) + last * nc
            if (index + 1) % steps == 0:
                rows.append(torch.fft.irfft(torch.exp(-1j * k * drift * (t + h)) * v, n=modes))
        prediction = torch.stack(rows, 1)[:: modes // 256]
        return Run(prediction, time.process_time() - begin, f"{modes} points, {99 * steps} steps")

    return solve


CASES: dict[str, Callable[[], Case]] = {
    "convection c = 1": lambda: convection(1.0),
    "convection c = 50": lambda: convection(50.0),
    "convection c = 100": lambda: convection(100.0),
    "convection–diffusion c = 100, ν = 0.01": lambda: convection(100.0, 0.01),
    "Burgers c = 50, ν = 0.01": lambda: burgers(50.0),
    "Burgers c = 100, ν = 0.01": lambda: burgers(100.0),
}
SOLVERS: dict[str, Solver] = {
    "Lagrangian, no shift": ours(lambda problem, seed: LagrangianPINN(problem, 0.0, seed=seed)),
    "Lagrangian": ours(lambda problem, seed: LagrangianPINN(problem, seed=seed)),
    "moving frame": ours(lambda problem, seed: EulerianPINN(problem, "auto", seed=seed)),
    "fixed frame": ours(lambda problem, seed: EulerianPINN(problem, seed=seed)),
    "fixed frame, LM on fixed points": ours(
        lambda problem, seed: EulerianPINN(problem, seed=seed), optimizer="lm", n_colloc=1024, resample_every=None
    ),
    **{
        f"DeepXDE, {shown}, {'hard' if hard else 'soft'}": deepxde(name, hard)
        for name, shown in (("adam", "Adam"), ("L-BFGS", "L-BFGS"))
        for hard in (False, True)
    },
    "Fourier and ETDRK4": spectral(1024, 8),
}
ENTRIES: tuple[tuple[str, str, float], ...] = (  # case, solver, CPU seconds
    ("convection c = 1", "fixed frame", 15.0),
    ("convection c = 50", "Lagrangian, no shift", 15.0),
    ("convection c = 100", "Lagrangian, no shift", 15.0),
    ("convection c = 50", "fixed frame", 15.0),
    ("convection c = 50", "fixed frame, LM on fixed points", 15.0),
    ("convection–diffusion c = 100, ν = 0.01", "Lagrangian, no shift", 30.0),
    ("convection–diffusion c = 100, ν = 0.01", "moving frame", 30.0),
    ("Burgers c = 50, ν = 0.01", "Lagrangian", 60.0),
    ("Burgers c = 100, ν = 0.01", "Lagrangian", 60.0),
    ("Burgers c = 50, ν = 0.01", "moving frame", 60.0),
    ("Burgers c = 100, ν = 0.01", "moving frame", 60.0),
    *(
        (case, solver, budget)
        for case, budget in (
            ("convection c = 1", 15.0),
            ("convection c = 50", 15.0),
            ("convection–diffusion c = 100, ν = 0.01", 30.0),
            ("Burgers c = 50, ν = 0.01", 60.0),
        )
        for solver in SOLVERS
        if solver.startswith("DeepXDE")
    ),
    *((case, "Fourier and ETDRK4", 0.0) for case in CASES),
)


def error(case: Case, prediction: Tensor) -> float:
    exact = case.exact(*grid(case.problem.T))
    return float((prediction - exact).norm() / (exact - case.offset).norm())


def main(
    seeds: Annotated[int, typer.Option(help="Seeds 0, 1, … of each entry.")] = 3,
    only: Annotated[str, typer.Option(help="Only entries with this in the name of the case or the solver.")] = "",
    scale: Annotated[float, typer.Option(help="Factor of all budgets.")] = 1.0,
) -> None:
    """Run the table and print it as it grows."""
    console = Console(stderr=True)
    print(f"torch {torch.__version__}, {platform.machine()}, {torch.get_num_threads()} thread(s)\n")
    print("| case | solver | CPU s | error, median | by seed | remark |\n|---|---|---|---|---|---|")
    for name, solver, budget in ENTRIES:
        if only not in f"{name}, {solver}":
            continue
        if solver.startswith("DeepXDE") and importlib.util.find_spec("deepxde") is None:
            console.print(f"{name}, {solver}: deepxde is not installed")
            continue
        case, errors, seconds, remark = CASES[name](), [], [], ""
        for seed in range(seeds):
            with console.status(f"{name}, {solver}, seed {seed}"):
                run = SOLVERS[solver](case, seed, scale * budget)
            errors.append(error(case, run.prediction))
            seconds.append(run.cpu_s)
            remark = run.remark
            console.print(f"{name}, {solver}, seed {seed}: {errors[-1]:.2e} in {run.cpu_s:.1f} s", remark)
        by_seed = ", ".join(f"{e:.1e}" for e in errors)
        cells = name, solver, f"{statistics.median(seconds):.0f}", f"{statistics.median(errors):.1e}", by_seed, remark
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    typer.run(main)
