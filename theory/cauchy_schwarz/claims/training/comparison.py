"""CS-IB against other bottlenecks and against losses without one: accuracy, and robustness to attacks (Section 5)."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from theory.cauchy_schwarz.claims.paper import paper
from theory.cauchy_schwarz.claims.training.methods import CS_IB, HSIC, METHODS, MSE, NIB, VIB, Method
from theory.cauchy_schwarz.claims.training.runs import OUTLIERS, Study, bike, interval, rmse, seeds_of, summary
from verify import Check

EPSILONS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
RIVALS: Mapping[str, Method] = {"MSE": MSE, "VIB": VIB, "NIB": NIB, "HSIC": HSIC}


def studies(check: Check) -> list[Study]:
    """Three data sets."""
    digits = check.at(
        quick=Study("rotated digits", 1280, 500, 9, 4e-3), full=Study("rotated digits", 1280, 500, 24, 2e-3)
    )
    patients = check.at(quick=Study("diabetes", 256, 186, 21, 4e-3), full=Study("diabetes", 256, 186, 45, 2e-3))
    return [bike(check), digits, patients]


def errors(study: Study, method: Method, seeds: Sequence[int], **condition: Any) -> np.ndarray:
    """One a seed."""
    return np.array([rmse(study, method, seed, **condition) for seed in seeds])


@paper.claim(
    "tables of errors, Section 5",
    tags=("ours", "empirical"),
    mutants={
        "labels spoilt for squared error": {"share": OUTLIERS},
        "VIB at β = 1": {"method": VIB._replace(beta=1.0)},
    },
)
def clean_data_do_not_separate_the_written_loss_from_squared_error(
    check: Check, method: Method = CS_IB, share: float = 0.0
) -> None:
    r"""On clean data the mean error of CS-IB is within a fifth of that of squared error.

    A weak statement, as its power is: gains of the size the paper reports, 1 to 4 %, could hide in it. The interval of
    the paired difference, in percent, is recorded. At level quick the margin is a third, as after its short training on
    Bike Sharing CS-IB errs 11 % more, with standard deviation 6 %, for the seeds 5000 to 5009.
    """
    for study in studies(check):
        compare_means(check, study, method, share)


def compare_means(check: Check, study: Study, method: Method, share: float) -> None:
    """Ratio of the mean errors of a method and of squared error, within the margin."""
    seeds, margin = seeds_of(check), check.at(quick=4 / 3, full=6 / 5)
    ours, theirs = errors(study, method, seeds), errors(study, MSE, seeds, outliers=share)
    ratio = {"ratio of mean errors": float(ours.mean() / theirs.mean())}
    bands = {"ratio of mean errors": (1 / margin, margin)}
    check.reproduces(lambda _: ratio, bands=bands, seeds=1, setup=study.setup(seeds), says=study.data)
    check.note(
        mean_error={"CS-IB": ours.mean(), "squared error": theirs.mean()},
        sd={"CS-IB": ours.std(ddof=1), "squared error": theirs.std(ddof=1)},
        paired_difference_percent_interval_95=interval(100 * (ours - theirs) / theirs),
    )


def compare_with_rivals(check: Check, study: Study, name: str, condition: Mapping[str, Any]) -> None:
    """CS-IB's error is smaller than each rival's beyond what seeds do: paired 95 % intervals of log ratios above 0."""
    seeds = seeds_of(check)
    ours = errors(study, CS_IB, seeds, **condition)
    ratios = {rival: errors(study, method, seeds, **condition) / ours for rival, method in RIVALS.items()}
    found = {rival: interval(np.log(ratio)) for rival, ratio in ratios.items()}
    lows = {rival: low for rival, (low, _) in found.items()}
    bands = dict.fromkeys(RIVALS, (0, math.inf))
    setup = study.setup(seeds, **condition)
    says = f"{study.data}, {name}: low end of log error / error of CS-IB"
    check.reproduces(lambda _: lows, bands=bands, seeds=1, setup=setup, says=says)
    check.note(interval_95_of_mean_log_ratio=found, error_of_cs_ib=ours)


SPOILT = {"spoilt labels": {"outliers": OUTLIERS}}


@paper.refuted(
    "abstract; tables of errors, Section 5",
    tags=("empirical",),
    controls={"a tenth of the labels spoilt": {"conditions": SPOILT}},
)
def written_loss_is_the_most_accurate_on_clean_data(
    check: Check, conditions: Mapping[str, Mapping[str, Any]] = {"clean": {}}
) -> None:
    r"""CS-IB has a smaller error on clean data than squared error, VIB, NIB and the HSIC bottleneck.

    Not confirmed here: on Bike Sharing no such order stands out from the differences between seeds. (Nor is it
    disproved: the intervals of the ratios are some percent wide.) It does once labels are spoilt, as all four others
    minimize squared errors.
    """
    for study in check.at(quick=[bike(check)], full=studies(check)):
        for name, condition in conditions.items():
            compare_with_rivals(check, study, name, condition)


@paper.refuted(
    "abstract; robustness to FGSM and PGD, Section 5",
    tags=("empirical",),
    controls={"a tenth of the labels spoilt": {"conditions": SPOILT}},
)
def written_loss_is_the_most_robust_to_attacks(
    check: Check,
    conditions: Mapping[str, Mapping[str, Any]] = {
        "FGSM": {"attack": "FGSM", "epsilon": 0.3},
        "PGD": {"attack": "PGD", "epsilon": 0.3},
    },
) -> None:
    r"""Under FGSM and PGD, CS-IB has a smaller error than squared error, VIB, NIB and the HSIC bottleneck.

    Not confirmed here: at $\varepsilon = 0.3$ standard deviations all networks lose their accuracy alike. The loss that
    bounds each residual in training protects from labels, not from inputs.
    """
    study, seeds = bike(check), seeds_of(check)
    for name, condition in conditions.items():
        compare_with_rivals(check, study, name, condition)
    if "FGSM" in conditions:
        for label, method in METHODS.items():
            rows = [[rmse(study, method, seed, epsilon=epsilon) for seed in seeds] for epsilon in EPSILONS]
            check.table(label, epsilon=EPSILONS, **summary(rows))
