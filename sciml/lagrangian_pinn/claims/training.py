r"""What trained networks achieve: error against speed, what an optimizer changes, and what the report notices.

Errors are $\|\hat u-u\|_2/\|u-m\|_2$ on $256\times100$ points of $[0,2\pi)\times[0,1]$, $m$ the mean of $u$. Training
ends after a number of iterations, so that a run can be repeated. Bands were set in advance, a factor of five around the
errors of an independent prototype unless the statement says another.
"""

import functools
import math

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh

from sciml.lagrangian_pinn import Objective
from sciml.lagrangian_pinn.claims.landscape import half_loss, points
from sciml.lagrangian_pinn.claims.paper import paper
from sciml.lagrangian_pinn.claims.trained_networks import (
    LBFGS,
    NETWORKS,
    Case,
    Recipe,
    convection_error,
    convection_run,
    grid,
    train,
)
from sciml.lagrangian_pinn.fit import OptimizerName
from theory.characteristics import burgers_exact

PUBLISHED = {
    2: (0.0171, 0.0120),
    5: (0.0514, 0.0120),
    10: (0.283, 0.037),
    20: (1.37, 0.035),
    30: (1.27, 0.045),
    40: (1.00, 0.047),
    50: (1.00, 0.034),
    60: (1.00, 0.060),
}
"""Speed: error of the PINN and of the Lagrangian PINN for convection, from the authors' slides, ± 3 %."""


@paper.claim(
    "convection: error against the speed (slides)",
    tags=("empirical",),
    mutants={
        "a fixed frame in place of characteristics": {"lagrangian": "fixed"},
        "characteristics in place of the fixed frame": {"eulerian": "paper"},
        "a moving frame in place of the fixed one": {"eulerian": "moving"},
    },
)
def a_fixed_frame_fails_at_speed_30_and_characteristics_do_not(check, eulerian="soft", lagrangian="paper"):
    r"""Convection of $\sin x$, one optimizer for all: the error of a PINN rises to order one by $c=30$, that of a
    Lagrangian PINN, which learns its characteristics, is the same at all speeds.

    As published, with smaller errors of both. Its largest at all speeds may be five times the median of that at
    $c=1$, 30 and 50 over the seeds 5000 to 5011, $1.5\cdot10^{-4}$. The table has the moving frame beside it.
    """
    speeds = check.at(quick=(1, 30, 50), full=(1, 2, 5, 10, 20, 30, 40, 50, 60))
    errors = lambda kind, seed: {s: convection_error(kind, s, seed) for s in speeds}  # noqa: E731

    def measure(seed):
        fixed, labels = errors(eulerian, seed), errors(lagrangian, seed)
        shown = {f"PINN, c = {s}": fixed[s] for s in (1, 30, 50)}
        return shown | {"Lagrangian PINN, largest error": max(labels.values())}

    check.reproduces(
        measure,
        bands={
            "PINN, c = 1": (0, 5e-3),
            "PINN, c = 30": (0.076, 10),
            "PINN, c = 50": (0.17, 10),
            "Lagrangian PINN, largest error": (0, 7.5e-4),
        },
        seeds=check.at(quick=1, full=3),
        setup={
            "data": "convection of sin x, T = 1, ν = 0",
            "networks": NETWORKS,
            "training": str(LBFGS),
            "start of the PINN": "in the loss, weight 100",
            "speeds": speeds,
        },
        printed={
            "PINN, c = 30": PUBLISHED[30][0],
            "PINN, c = 50": PUBLISHED[50][0],
            "Lagrangian PINN, largest error": PUBLISHED[60][1],
        },
    )
    columns = {kind: [convection_error(kind, s, 0) for s in speeds] for kind in (eulerian, lagrangian, "moving")}
    check.table("errors", speed=speeds, **columns)
    pinn, lpinn = zip(*PUBLISHED.values(), strict=True)
    check.table("published", speed=list(PUBLISHED), pinn=pinn, lpinn=lpinn)


@paper.claim(
    "abstract: the difficulty persists with strictly enforced boundary conditions",
    tags=("empirical",),
    mutants={
        "in a moving frame": {"kind": "moving"},
        "on characteristics": {"kind": "paper"},
        "constraints in the loss": {"kind": "soft"},
    },
)
def a_fixed_frame_fails_although_start_and_period_hold_exactly(check, kind="fixed"):
    r"""With the period in the embedding and the start in the network, to rounding, a PINN still fails at $c=30$."""

    def measure(seed):
        slow, fast = (train(kind, Case("convection", speed), LBFGS, seed) for speed in (1, 30))
        reports = (slow.report, fast.report)
        violated = max(max(r.ic_error, r.periodic_error) for r in reports)
        return {"error, c = 1": slow.error, "error, c = 30": fast.error, "largest violation": violated}

    check.reproduces(
        measure,
        bands={"error, c = 1": (0, 5e-3), "error, c = 30": (0.2, 10), "largest violation": (0, 1e-12)},
        seeds=check.at(quick=1, full=3),
        setup={"data": "convection of sin x, T = 1, ν = 0", "networks": NETWORKS, "training": str(LBFGS)},
    )


@paper.refuted(
    "failure modes of PINNs (also arXiv 2109.01050)",
    tags=("empirical", "ours"),
    controls={"under L-BFGS": {"optimizer": "lbfgs"}},
    mutants={"in a moving frame, a fifth of the steps": {"kind": "moving", "steps": 400}},
)
def a_fixed_frame_network_cannot_learn_speed_30(check, optimizer="ssbroyden", kind="fixed", steps=2000):
    r"""At $c=30$ the error of a PINN in a fixed frame stays of order one.

    It does for L-BFGS. The very same network, start, points and number of steps give a solution under self-scaled
    Broyden updates: the failure is one of optimization, not of the frame. Points have to be renewed before they are
    learned by heart, here after 30 steps. After 100 the start of seed 600 misses the solution, after 200 one of eight.
    Order one begins at $0.34$, the geometric mean of $0.14$, the largest error under Broyden updates at the seeds 5000
    to 5019, and $0.84$, the least under L-BFGS at the first four of them.
    """
    recipe = Recipe(optimizer, steps, 2048, 30)
    check.reproduces(
        lambda seed: {"error": convection_error(kind, 30, seed, recipe)},
        bands={"error": (0.34, 10)},
        seeds=check.at(quick=1, full=3),
        setup={"data": "convection of sin x, c = 30, T = 1", "networks": NETWORKS, "training": str(recipe)},
        printed={"error": PUBLISHED[30][0]},
    )


OVERFIT = {"ssbroyden": Recipe("ssbroyden", 600, 512), "lm": Recipe("lm", 150, 512)}
FEW = Recipe("ssbroyden", 400, 64)
BURGERS = Case("Burgers", 50, 0.01)
WAVE = {"shifted": Recipe("ssbroyden", 600, 512, 200), "moving": Recipe("ssbroyden", 600, 2048, 200)}


def trusted(run):
    """Whether the loss of training is below a thousandth of what values at rest leave."""
    return run.report.train_loss < 1e-3 * run.scale


@paper.claim(
    "ours: reports that are never silently wrong",
    tags=("empirical", "ours"),
    mutants={
        "by the loss of training": {"flag": lambda run: not trusted(run)},
        "fresh loss ten times that of training": {
            "flag": lambda run: run.report.fresh_loss > 10 * run.report.train_loss
        },
        "fresh loss against ten times the scale": {"flag": lambda run: run.report.fresh_loss > 10 * run.scale},
    },
)
def a_small_loss_with_a_large_error_is_flagged_and_nothing_else(check, flag=lambda run: run.report.spurious):
    r"""Fixed points at $c=50$: the loss falls by three orders of magnitude and more, the error is one. The report flags
    every such run and no sound one.

    A run counts if its loss of training is below $10^{-3}$ of the mean of $(f_1w_0')^2$, what a solution at rest
    leaves; it is wrong if its error exceeds 0.1, sound otherwise. The flag asks for less than $10^{-3}$ at the points
    of training and for more than $4\cdot10^{-3}$ at fresh ones. Of all iterates that count, the wrong ones at speeds 30
    and 50 left $6.4\cdot10^{-3}$ and more there, sound ones at speeds 1 and 3 on 32 and 64 points $3.1\cdot10^{-3}$
    and less (seeds 5000 to 5011 and 5200 to 5209). One of the sound runs has 64 points, and a loss a hundred times
    larger beside them.
    """

    def runs(seed):
        fast = Case("convection", 50)
        yield from (train("fixed", fast, recipe, seed) for recipe in OVERFIT.values())
        yield from (train("soft", Case("convection", s), LBFGS, seed) for s in (1, 50))
        yield from (train("fixed", Case("convection", 1), recipe, seed) for recipe in (LBFGS, FEW))
        yield from (train("paper", Case("convection", s), LBFGS, seed) for s in (1, 30, 50))
        yield train("shifted", BURGERS, WAVE["shifted"], seed)

    def measure(seed):
        counted = [run for run in runs(seed) if trusted(run)]
        wrong, sound = ([run for run in counted if (run.error > 0.1) is large] for large in (True, False))
        return {
            "wrong runs with a small loss": len(wrong),
            "of them not flagged": sum(not flag(run) for run in wrong),
            "sound runs flagged": sum(flag(run) for run in sound),
        }

    check.reproduces(
        measure,
        bands={"wrong runs with a small loss": (2, 99), "of them not flagged": (0, 0), "sound runs flagged": (0, 0)},
        seeds=check.at(quick=1, full=3),
        setup={
            "wrong by design": [f"convection, c = 50, fixed frame, {recipe}" for recipe in OVERFIT.values()],
            "sound on few points": f"convection, c = 1, fixed frame, {FEW}",
            "others": f"convection, fixed frame and characteristics, {LBFGS}; Burgers, c = 50, ν = 0.01",
            "networks": NETWORKS,
        },
    )
    found = list(runs(0))
    check.table(
        "losses",
        train=[run.report.train_loss / run.scale for run in found],
        fresh=[run.report.fresh_loss / run.scale for run in found],
        error=[run.error for run in found],
        flagged=[float(run.report.spurious) for run in found],
    )


HEAT = Recipe("ssbroyden", 300, 1024, 200)


@paper.claim(
    "ours: the fair control",
    tags=("empirical", "ours"),
    mutants={
        "control in a fixed frame": {"control": "fixed"},
        "moving frame in place of the fixed one": {"fixed": "moving"},
        "released diffusion in labels": {"lagrangian": "label diffusion"},
    },
)
def most_of_what_characteristics_gain_is_the_shift(check, control="moving", fixed="fixed", lagrangian="shifted"):
    r"""Where the mean speed is known, a PINN in the frame $x-ct$ comes within a factor of 10 of the network on
    characteristics, or below it: convection-diffusion, $c=100$, and viscous Burgers, $c=50$, both at $\nu=0.01$. In a
    fixed frame Burgers is a hundred times worse and more.

    After the same number of steps, the frame with four times the points for Burgers and one network instead of two.
    Trained on, the frame comes ahead for convection-diffusion, characteristics for Burgers, where the wave is steep.
    """
    heat = Case("convection-diffusion", 100, 0.01)

    def measure(seed):
        labels, frame = (train(kind, heat, HEAT, seed).error for kind in ("shifted", control))
        found = {"convection-diffusion": labels, "convection-diffusion, moving frame / it": frame / labels}
        labels = train(lagrangian, BURGERS, WAVE["shifted"], seed).error
        frame, rest = (train(kind, BURGERS, WAVE["moving"], seed).error for kind in (control, fixed))
        return found | {
            "Burgers": labels,
            "Burgers, moving frame / it": frame / labels,
            "Burgers, fixed frame / it": rest / labels,
        }

    check.reproduces(
        measure,
        bands={
            "convection-diffusion": (0, 5e-5),
            "convection-diffusion, moving frame / it": (0, 10),
            "Burgers": (0, 2.1e-3),
            "Burgers, moving frame / it": (0, 10),
            "Burgers, fixed frame / it": (100, math.inf),
        },
        seeds=check.at(quick=1, full=3),
        setup={
            "data": "convection-diffusion of sin x, c = 100; Burgers from 50 + sin x; ν = 0.01, T = 1",
            "networks": NETWORKS,
            "training, convection-diffusion": str(HEAT),
            **{f"training, Burgers, {kind}": str(recipe) for kind, recipe in WAVE.items()},
        },
    )
    runs = {kind: train(kind, BURGERS, recipe, 0) for kind, recipe in WAVE.items()}
    x, t = (v.flatten()[::step] for v, step in zip(grid(), (2, 3), strict=True))
    exact, _ = BURGERS.exact(x[:, None], t)
    errors = {kind: (run.model.predict(x[:, None], t) - exact).flatten() for kind, run in runs.items()}
    place, time = (v.flatten() for v in torch.broadcast_tensors(x[:, None], t))
    check.table("maps", x=place, t=time, exact=exact.flatten(), **errors)
    labels = torch.linspace(0, 2 * math.pi, 25, dtype=torch.float64)
    paths = runs["shifted"].model.characteristics(labels[:, None], t).X
    check.table("characteristics", time=t, **{f"label_{i:02d}": path for i, path in enumerate(paths)})


def wave_at_labels(run, time):
    """Distance of W from the Burgers wave at X, over that of the wave from its mean, with dx = J dξ; no inversion."""
    labels = torch.arange(1024, dtype=torch.float64) * (2 * math.pi / 1024)
    X, J, W = run.model.characteristics(labels, torch.full_like(labels, time))
    u = burgers_exact(X, torch.full_like(X, time), run.case.nu, 1.0, run.case.speed)
    squares = ((W - u) ** 2 * J.abs()).sum() / ((u - run.case.speed) ** 2 * J.abs()).sum()
    return math.sqrt(float(squares))


@paper.claim(
    "released code: residuals for Burgers",
    tags=("empirical", "ours"),
    mutants={
        "diffusion with the Jacobian": {"kind": "shifted"},
        "long before the shock": {"time": 0.5},
    },
)
def trained_on_the_released_equation_a_network_stays_three_percent_away(check, kind="label diffusion", time=1.0):
    r"""With $W_t=\nu W_{\xi\xi}$ in the loss the error at $t=1$, $\nu=0.01$ is above 3 %, however small the loss.

    The exact solution of that equation is 4.6 % away. The right equation, with the same steps, comes below half a per
    cent.
    """
    recipe = WAVE["shifted"]

    def measure(seed):
        run = train(kind, BURGERS, recipe, seed)
        return {"distance": wave_at_labels(run, time), "loss": run.report.fresh_loss}

    check.reproduces(
        measure,
        bands={"distance": (0.03, 0.1), "loss": (0, 1e-4)},
        seeds=check.at(quick=1, full=3),
        setup={"data": "Burgers from 50 + sin x, ν = 0.01, T = 1", "networks": NETWORKS, "training": str(recipe)},
    )


ADAM = Recipe("adam", 1000, 256)


@paper.claim(
    "released code: Adam on X = ξ + N",
    tags=("empirical", "ours"),
    mutants={
        "branch in units of the speed": {"plain": "scaled"},
        "shift by the speed": {"plain": "shifted"},
    },
)
def adam_needs_the_branch_in_units_of_the_speed(check, plain="paper"):
    r"""At $c=50$ a thousand steps of Adam leave the paper's branches, $X=\xi+tN$, with an error of order one; in units
    of the speed, $X=\xi+ctN$, or shifted by it, the error is five times smaller or more.

    A step at the rate $10^{-3}$ moves each of the 21 last weights by about that much, and $N$ by $0.021$: it takes more
    than two thousand to come to 50.
    """

    def measure(seed):
        unscaled, scaled, shifted = (convection_error(kind, 50, seed, ADAM) for kind in (plain, "scaled", "shifted"))
        return {"unscaled": unscaled, "scaled / unscaled": scaled / unscaled, "shifted / unscaled": shifted / unscaled}

    check.reproduces(
        measure,
        bands={"unscaled": (0.29, 10), "scaled / unscaled": (0, 0.2), "shifted / unscaled": (0, 0.2)},
        seeds=check.at(quick=1, full=3),
        setup={"data": "convection of sin x, c = 50, T = 1", "networks": NETWORKS, "training": f"{ADAM}, rate 1e-3"},
    )


@functools.cache
def largest_curvatures(kind, speed, seed):
    """The two largest eigenvalues of the Hessian of half the loss at the trained weights, with their directions."""
    model = convection_run(kind, speed, seed).model
    slope, size = torch.func.grad(half_loss(model, *points())), len(model.theta)

    def product(vector):
        direction = torch.as_tensor(vector.reshape(-1))
        return torch.func.jvp(slope, (model.theta,), (direction,))[1].numpy()

    operator = LinearOperator((size, size), matvec=product, dtype=np.float64)
    values, vectors = eigsh(operator, k=2, which="LA", v0=np.ones(size), tol=1e-4)
    return values[::-1], torch.as_tensor(vectors[:, ::-1].copy())


SIDE = np.linspace(-1, 1, 21)


@functools.cache
def slice_of_the_loss(kind, speed):
    """The loss at θ + α v₁ + β v₂ on a square, v the directions of largest curvature."""
    model = convection_run(kind, speed, 0).model
    objective, directions = Objective(model, *points()), largest_curvatures(kind, speed, 0)[1]
    corners = [(a, b) for a in SIDE for b in SIDE]
    return [objective.loss(model.theta + directions @ torch.tensor(corner).double()) for corner in corners]


@paper.claim(
    "loss landscapes are less sensitive to the speed (slides)",
    tags=("empirical",),
    mutants={
        "a fixed frame in place of characteristics": {"lagrangian": "fixed"},
        "characteristics in place of the fixed frame": {"eulerian": "paper"},
    },
)
def at_trained_weights_curvature_grows_with_the_speed_in_a_fixed_frame_only(
    check, eulerian="fixed", lagrangian="paper"
):
    r"""The largest eigenvalue of the Hessian at trained weights grows a hundredfold and more from $c=1$ to $50$ in a
    fixed frame, and stays within a factor of 20 on characteristics.

    In the frame the loss curves with $c^2$; on characteristics the growth in proportion to $c$ comes with the
    residuals, which are small after training. The table has slices of the loss along the first two directions.
    """

    def growth(kind, seed):
        slow, fast = (largest_curvatures(kind, speed, seed)[0][0] for speed in (1, 50))
        return fast / slow

    check.reproduces(
        lambda seed: {"fixed frame": growth(eulerian, seed), "characteristics": growth(lagrangian, seed)},
        bands={"fixed frame": (100, math.inf), "characteristics": (0.05, 20)},
        seeds=check.at(quick=1, full=3),
        setup={"data": "convection of sin x, T = 1, ν = 0", "networks": NETWORKS, "training": str(LBFGS)},
    )
    a, b = (side.ravel() for side in np.meshgrid(SIDE, SIDE, indexing="ij"))
    for kind in (eulerian, lagrangian):
        slices = {f"c = {speed}": slice_of_the_loss(kind, speed) for speed in (1, 30, 50)}
        check.table(f"slices, {kind}", a=a, b=b, **slices)
        values = [largest_curvatures(kind, speed, 0)[0][0] for speed in (1, 30, 50)]
        check.table(f"curvature, {kind}", speed=(1, 30, 50), largest=values)


STEPS: dict[OptimizerName, tuple[int, ...]] = {
    "ssbroyden": (50, 100, 200, 400),
    "lm": (5, 10, 20, 40),
    "lbfgs": (50, 100, 200, 400),
    "adam": (100, 200, 400),
}


@paper.claim(
    "released training: Adam, then L-BFGS",
    tags=("empirical", "ours"),
    mutants={
        "L-BFGS for self-scaled Broyden": {"best": "lbfgs"},
        "self-scaled Broyden for Adam": {"first_order": "ssbroyden"},
    },
)
def the_optimizer_matters_more_than_the_budget(check, best="ssbroyden", first_order="adam"):
    r"""On the paper's branches at $c=50$, 400 steps of self-scaled Broyden updates come at least 15 times closer than
    400 of L-BFGS, and those ten times closer than 400 of Adam, which are not under way.

    The table has Levenberg-Marquardt too, one step of which costs about ten gradients. On 512 points there are
    1024 residuals for 1042 parameters, and Broyden updates learn them by heart at one start of twenty-one, that of seed
    1900.
    """

    def error(optimizer, steps, seed):
        return convection_error("paper", 50, seed, Recipe(optimizer, steps, 1024))

    def measure(seed):
        last = {name: error(name, STEPS[name][-1], seed) for name in (best, "lbfgs", first_order)}
        return {"L-BFGS / Broyden": last["lbfgs"] / last[best], "Adam / L-BFGS": last[first_order] / last["lbfgs"]}

    check.reproduces(
        measure,
        bands={"L-BFGS / Broyden": (15, math.inf), "Adam / L-BFGS": (10, math.inf)},
        seeds=check.at(quick=1, full=3),
        setup={
            "data": "convection of sin x, c = 50, T = 1",
            "networks": NETWORKS,
            "training": "1024 fixed points",
            "steps": {name: steps[-1] for name, steps in STEPS.items()},
        },
    )
    for name, steps in STEPS.items():
        check.table(f"steps, {name}", steps=steps, error=[error(name, n, 0) for n in steps])


@paper.claim(
    "ours: points of training",
    level="full",
    tags=("empirical", "ours"),
    mutants={
        "both every 200 steps": {"often": 200},
        "both at every step": {"seldom": 1},
    },
)
def points_renewed_at_every_step_stall_self_scaled_broyden(check, often=1, seldom=200):
    r"""Viscous Burgers, $c=50$, $\nu=0.01$: with new points at every step the error stays at least twice that with new
    points after 200.

    What a quasi-Newton method learns of the curvature belongs to the points it learned it on.
    """
    recipe = WAVE["shifted"]

    def measure(seed):
        noisy, steady = (
            train("shifted", BURGERS, recipe._replace(resample=every), seed).error for every in (often, seldom)
        )
        return {"error": noisy, "over that with seldom new ones": noisy / steady}

    check.reproduces(
        measure,
        bands={"over that with seldom new ones": (2, math.inf)},
        seeds=3,
        setup={"data": "Burgers from 50 + sin x, ν = 0.01, T = 1", "networks": NETWORKS, "training": str(recipe)},
    )
