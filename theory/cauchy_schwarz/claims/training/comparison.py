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
    r"""On clean data the mean errors of CS-IB and of squared error are less than 3 standard deviations apart.

    The deviation is that over seeds. A weak statement, as its power is: gains of the size the paper reports, 1 to 4 %,
    could hide in it. The interval of the paired difference, in percent, and the smallest difference that would have
    been seen are recorded.
    """
    for study in studies(check):
        compare_means(check, study, method, share)


def compare_means(check: Check, study: Study, method: Method, share: float) -> None:
    """Distance of the mean errors of a method and of squared error in standard deviations over seeds, below 3."""
    seeds = seeds_of(check)
    ours, theirs = errors(study, method, seeds), errors(study, MSE, seeds, outliers=share)
    sd = math.sqrt((ours.var(ddof=1) + theirs.var(ddof=1)) / 2)
    apart = {"difference / sd": abs(float(ours.mean() - theirs.mean())) / sd}
    bands = {"difference / sd": (0, 3)}
    check.reproduces(lambda _: apart, bands=bands, seeds=1, setup=study.setup(seeds), says=study.data)
    check.note(
        mean_error={"CS-IB": ours.mean(), "squared error": theirs.mean()},
        sd={"CS-IB": ours.std(ddof=1), "squared error": theirs.std(ddof=1)},
        paired_difference_percent_interval_95=interval(100 * (ours - theirs) / theirs),
        smallest_difference_seen_percent=300 * sd / theirs.mean(),
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
