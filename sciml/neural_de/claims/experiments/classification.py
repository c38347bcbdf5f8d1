"""Classifiers of digits: which penalty makes a neural ODE cheap to solve, and what it costs (Section 4, MNIST)."""

import math

import numpy as np

from sciml.neural_de.claims.experiments.classifiers import (
    Study,
    against_vanilla,
    choose,
    evaluations_by_digit,
    fit,
    score,
    track,
)
from sciml.neural_de.claims.experiments.digits import digits
from sciml.neural_de.claims.experiments.methods import Method
from sciml.neural_de.claims.paper import paper
from verify import Check

VANILLA = Method("vanilla")
TAYLOR = Method("TayNODE", 10.0)
UNPENALIZED = {"no penalty (λ = 0)": {"kind": "vanilla"}}
QUICK = {"vanilla": (0.0,), "ER": (1.0, 2.0), "ER2": (1e10,), "SR": (1.0,), "local": (1e6,), "STEER": (0.5,)}
"""λ to choose from, by method; b for STEER."""
FULL = QUICK | {"ER": (1.0, 1.5, 2.0), "local": (3e5, 6e5, 1e6)}


def study_of(check: Check) -> Study:
    """Sizes at the level of the run."""
    return check.at(quick=Study(997, 15), full=Study(997, 20))


def seeds_of(check: Check) -> range:
    """Those from the claim's on."""
    return range(check.seed, check.seed + check.at(quick=1, full=3))


def grids(check: Check) -> dict[str, tuple[float, ...]]:
    """The λ to choose from at the level of the run."""
    return check.at(quick=QUICK, full=FULL)


def chosen(check: Check, kind: str) -> Method:
    """The method with its λ, chosen on the validation parts."""
    return choose(study_of(check), kind, grids(check)[kind], seeds_of(check))


@paper.claim(
    "Section 4 (MNIST, neural ODE), Table 1",
    tags=("empirical",),
    mutants=UNPENALIZED | {"stiffness in place of the error": {"kind": "SR"}, "random end time": {"kind": "STEER"}},
)
def error_regularization_saves_at_least_the_printed_share_of_evaluations(check: Check, kind: str = "ER") -> None:
    r"""With the mean of q_j h_j in the loss, a digit classifier needs at most 177/253 of the evaluations, as printed.

    It loses at most a point of accuracy; the paper prints 97.32 % for 97.94 %, and 0.82 h of training for 0.98 h. Time
    is counted here in evaluations of the field, forwards and backwards, so that a run can be repeated exactly. λ is the
    one with the fewest evaluations on a validation part among those that lose at most a point there. So chosen, it
    leaves 0.56, 0.51 and 0.43 of the evaluations on seeds 0 … 2 of the full level. A first band, at most half in the
    median, failed there; the bands are now the printed ratios, which were not fitted to these runs.
    """
    study, seeds, method = study_of(check), seeds_of(check), chosen(check, kind)
    check.reproduces(
        lambda seed: against_vanilla(study, method, seed),
        bands={
            "evaluations": (0, 177 / 253),
            "accuracy gained": (-1 - 1e-9, 100),
            "cost of training": (0, 0.82 / 0.98),
        },
        seeds=len(seeds),
        setup=study.setup(seeds, method=kind, grid=grids(check)[kind], chosen=method.coefficient),
        printed={"evaluations": 177 / 253, "accuracy gained": 97.32 - 97.94, "cost of training": 0.82 / 0.98},
    )
    if kind == "ER":
        keep_tables(check, study, method, check.seed, check.at(quick=10, full=20))
        keep_front(check, study, seeds)


def keep_front(check: Check, study: Study, seeds: range) -> None:
    """Evaluations and accuracy on the test parts, means over seeds, for every method and λ."""
    for kind, grid in grids(check).items():
        which = chosen(check, kind)
        scores = [
            [score(fit(study, Method(kind, x), seed).model, digits(study.train, seed).test) for seed in seeds]
            for x in grid
        ]
        evaluations, accuracy = np.mean(scores, axis=1).T
        picked = [float(x == which.coefficient) for x in grid]
        check.table(f"front, {kind}", coefficient=grid, evaluations=evaluations, accuracy=accuracy, chosen=picked)


def keep_tables(check: Check, study: Study, method: Method, seed: int, each: int) -> None:
    """Evaluations by digit, and steps and stiffness along a solve, without and with the penalty."""
    for name, which in {"vanilla": VANILLA, "ER": method}.items():
        digit, evaluations = zip(*evaluations_by_digit(study, which, seed, each), strict=True)
        check.table(f"digits, {name}", digit=digit, evaluations=evaluations)
        t, h, stiffness = zip(*track(study, which, seed), strict=True)
        check.table(f"track, {name}", t=t, h=h, stiffness=stiffness)


@paper.refuted(
    "arXiv 2303.02262, Section 4 (MNIST, neural ODE)",
    tags=("empirical",),
    level="full",
    controls={"the sum over all steps": {"kind": "ER"}},
)
def one_local_error_estimate_saves_at_least_the_printed_share_of_evaluations(check: Check, kind: str = "local") -> None:
    r"""E|h| of one accepted step, restarted at random, in place of a sum: at most 182.8/303.6 of the evaluations.

    At an accuracy within a point; the sequel prints 97.49 % for 97.61 % ("biased"). Not confirmed here, on 997 digits:
    those λ that save as much lose more than a point on the validation parts, and the one that does not saves a quarter.
    The mean over all steps passes the same check.
    """
    study, seeds, method = study_of(check), seeds_of(check), chosen(check, kind)
    check.reproduces(
        lambda seed: against_vanilla(study, method, seed),
        bands={"evaluations": (0, 182.849 / 303.559), "accuracy gained": (-1 - 1e-9, 100)},
        seeds=len(seeds),
        setup=study.setup(seeds, method=kind, grid=grids(check)[kind], chosen=method.coefficient),
        printed={"evaluations": 182.849 / 303.559, "accuracy gained": 97.49 - 97.61},
    )


@paper.claim(
    "Section 4 (MNIST, neural ODE), Table 1",
    tags=("empirical",),
    mutants={"error regularization": {"kind": "ER"}, "one local estimate": {"kind": "local"}},
)
def random_end_time_alone_saves_no_step(check: Check, kind: str = "STEER") -> None:
    r"""STEER with b = 0.5 leaves the evaluations where they were: the difference to vanilla is at most one step's 6.

    The paper prints 265 for 253.
    """
    study, seeds, method = study_of(check), seeds_of(check), chosen(check, kind)

    def steps_saved(seed: int) -> dict[str, float]:
        test = digits(study.train, seed).test
        ours, plain = (score(fit(study, which, seed).model, test).evaluations for which in (method, VANILLA))
        return {"evaluations saved": plain - ours}

    check.reproduces(
        steps_saved,
        bands={"evaluations saved": (-6, 6)},
        seeds=len(seeds),
        setup=study.setup(seeds, method=kind, b=method.coefficient),
        printed={"evaluations saved": 253 - 265},
    )


@paper.claim(
    "Section 4 (MNIST, neural ODE), Table 1 (TayNODE)",
    tags=("empirical",),
    mutants={
        "no penalty (λ = 0)": {"method": VANILLA},
        "error regularization": {"method": Method("ER", 2.0)},
        "random end time": {"method": Method("STEER", 0.5)},
    },
)
def taylor_penalty_costs_more_in_training_than_it_saves(check: Check, method: Method = TAYLOR) -> None:
    r"""With ∫‖z'''‖² dt in the loss, training takes more field evaluations than without, though a solve takes no more.

    The paper prints 1.19 h for 0.98 h of training. A value of the third derivative evaluates the field three times,
    two of them with tangents, which are counted as one here; so the count is a lower bound. At least 1.2 times
    vanilla's, the paper's ratio of times.
    """
    study, seeds = check.at(quick=Study(128, 8), full=Study(500, 16)), seeds_of(check)[:1]
    check.reproduces(
        lambda seed: against_vanilla(study, method, seed),
        bands={"cost of training": (1.19 / 0.98, math.inf), "evaluations": (0, 1)},
        seeds=1,
        setup=study.setup(seeds, method=method.kind, coefficient=method.coefficient),
        printed={"cost of training": 1.19 / 0.98},
    )
    if method == TAYLOR:
        keep_progress(check, study, check.seed)


def keep_progress(check: Check, study: Study, seed: int) -> None:
    """Evaluations, accuracy on the validation part and cost, epoch by epoch, for one λ of each method."""
    for kind, (*_, coefficient) in QUICK.items():
        keep_history(check, study, Method(kind, coefficient), seed)
    keep_history(check, study, TAYLOR, seed)


def keep_history(check: Check, study: Study, method: Method, seed: int) -> None:
    """A table for one method."""
    run = fit(study, method, seed)
    epoch = range(1, study.epochs + 1)
    check.table(f"progress, {method.kind}", epoch=epoch, evaluations=run.evaluations, accuracy=run.accuracy)
    check.table(f"cost, {method.kind}", cost=[run.cost])
