"""Spikes of the learning rate (Sections 6.1 and 6.5, Figures 6 and 10, Table 1).

Adam trains at a base rate, which is multiplied by the spike from step 50 on: for the rest of the run in Figure 6, for
that one step in Table 1. r = τ/ρ_a is that of the step really taken, on the whole training set, measured after the
fact in float64 without asking the rule that took it. Survival means a final test accuracy of 90 % or more, the median
over the last five steps.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import hypothesis.strategies as st
import numpy as np

from theory.softmax_zeros.claims.paper import paper
from theory.softmax_zeros.claims.training.spiked import SETTINGS, SPIKE, STEPS, Run, spiked
from verify import Check

RATES = (1e-4, 1e-3, 1e-2)
"""Base rates of Figure 6."""
NETWORKS = ("Transformer", "MLP+LN")
"""Those of Table 1."""
CASES = {**{f"Figure 6, rate {rate:g}": ("Figure 6", rate) for rate in RATES}}
CASES |= {f"Table 1, {network}": (network, 0.015) for network in NETWORKS}
HIGHEST = 1e4
"""The largest spike of the paper."""
PRINTED_TABLE_1 = {
    "Transformer, plain": 0.318,
    "Transformer, clip": 0.387,
    "Transformer, controller": 0.953,
    "MLP+LN, plain": 0.446,
    "MLP+LN, clip": 0.515,
    "MLP+LN, controller": 0.939,
}
"""Median accuracies over five seeds at 10,000×."""


def length(check: Check, case: str) -> int:
    """200 steps, or 60 at the quick level for Table 1, whose spike is over by then."""
    return STEPS if CASES[case][0] == "Figure 6" else check.at(quick=60, full=STEPS)


def run(check: Check, rule: str, seed: int, case: str) -> Run:
    """A spike of 10,000×."""
    setting, rate = CASES[case]
    return spiked(rule, seed, rate, HIGHEST, setting, length(check, case))


def setup(check: Check, cases: Iterable[str], spike: float = HIGHEST) -> dict[str, Any]:
    """What is run in these cases."""
    runs = {}
    for case in cases:
        setting, rate = CASES[case]
        runs[case] = f"{SETTINGS[setting]}; Adam at {rate:g}, {length(check, case)} steps"
    return {"data": "scikit-learn digits", **runs, "spike": f"{spike:g}× from step {SPIKE} on"}


@paper.claim(
    "Proposition 5.2, Sections 6.1 and 6.5",
    tags=("empirical",),
    mutants={
        "radius along the gradient while Adam steps": {"rule": "released"},
        "steps no longer than 1 instead": {"rule": "cap 1"},
    },
)
def radius_clip_keeps_r_at_most_one_on_every_step_and_survives(check: Check, rule: str = "rho_a") -> None:
    r"""With $\rho_a$ measured along Adam's own step, every step has $r \le 1$, and spikes up to $10{,}000\times$ are
    survived.

    A case is a row of Figure 6 or a network of Table 1; the quick level has the last row and the Transformer. The first
    mutant is the released controller of Table 1.
    """
    cases = check.at(quick=[f"Figure 6, rate {RATES[-1]:g}", "Table 1, Transformer"], full=list(CASES))
    seeds = range(check.seed, check.seed + check.at(quick=1, full=3))
    check.forall(
        lambda case, seed, step: bool(run(check, rule, seed, case).r[step] <= 1),
        examples=check.at(quick=200, full=2000),
        says="steps of runs at 10,000×, drawn at random, have r ≤ 1",
        case=st.sampled_from(cases),
        seed=st.sampled_from(seeds),
        step=st.integers(SPIKE, SPIKE + 9),
    )

    def outcome(seed: int) -> dict[str, float]:
        taken = {case: run(check, rule, seed, case) for case in cases}
        numbers = {f"{case}: accuracy": each.final for case, each in taken.items()}
        return numbers | {f"{case}: largest r": float(each.r.max()) for case, each in taken.items()}

    bands = {f"{case}: accuracy": (0.9, 1.0) for case in cases} | {f"{case}: largest r": (0.0, 1.0) for case in cases}
    printed: dict[str, Any] = {f"{case}: largest r": "at most 1" for case in CASES}
    printed |= {f"Figure 6, rate {rate:g}: accuracy": "recovers" for rate in RATES}
    printed |= {f"Table 1, {network}: accuracy": PRINTED_TABLE_1[f"{network}, controller"] for network in NETWORKS}
    check.reproduces(
        outcome,
        bands=bands,
        seeds=len(seeds),
        setup=setup(check, cases) | {"rule": rule},
        printed={name: value for name, value in printed.items() if name in bands},
        says="all steps at 10,000×, and the end",
    )


@paper.refuted(
    "Section 6.5, Figure 10: the released controller",
    tags=("erratum", "empirical"),
    controls={"the radius along the step taken": {"rule": "rho_a"}},
)
def the_released_controller_keeps_r_at_most_one(check: Check, rule: str = "released") -> None:
    r"""At $10{,}000\times$, the controller of Table 1 caps $\tau \le \rho_a$: no step has $r > 1$.

    What is released caps $\eta\|g\|$ by the radius along the gradient $g$, then lets Adam, whose step is neither along
    $g$ nor of length $\eta\|g\|$, step with that $\eta$.
    """

    def worst(seed: int) -> dict[str, float]:
        found = {}
        for network in NETWORKS:
            taken = run(check, rule, seed, f"Table 1, {network}")
            found[f"largest r, {network}"] = float(taken.r.max())
            found[f"r at the spike, {network}"] = float(taken.r[SPIKE])
            found[f"share of steps with r > 1, {network}"] = float(np.mean(taken.r > 1))
            found[f"accuracy after the spike, {network}"] = float(taken.accuracy[SPIKE])
        return found

    bands = {f"largest r, {network}": (0.0, 1.0) for network in NETWORKS}
    ran = setup(check, [f"Table 1, {network}" for network in NETWORKS]) | {"rule": rule}
    printed = dict.fromkeys(bands, "at most 1")
    check.reproduces(worst, bands=bands, seeds=check.at(quick=1, full=3), setup=ran, printed=printed)


@paper.refuted(
    "Sections 6.1 and 6.5",
    tags=("erratum", "empirical"),
    controls={"the rivals the paper has": {"rivals": ("plain", "gradient clip")}},
    mutants={"the controller as its own rival": {"rivals": ("rho_a",)}},
)
def no_rule_without_the_slope_spread_survives(
    check: Check, rivals: Sequence[str] = ("cap 0.1", "cap 0.3", "cap 1")
) -> None:
    r"""That the controller survives speaks for $\pi/\Delta_a$: a rule that does not know $\Delta_a$ drops below 50 % at
    $10{,}000\times$.

    It does not: a constant cap on the length of Adam's step, 0.1, 0.3 or 1, does as well; with the cap 1, $r$ exceeds 1
    on nearly every step after the spike. Clipping the gradient, the paper's rival, hardly shortens the step of Adam,
    which divides by the size of the gradient. Network and rate as in the last row of Figure 6.
    """
    case = f"Figure 6, rate {RATES[-1]:g}"

    def finals(seed: int) -> dict[str, float]:
        found = {}
        for rule in rivals:
            taken = run(check, rule, seed, case)
            found[rule] = taken.final
            found[f"{rule}: share of steps with r > 1 after the spike"] = float(np.mean(taken.r[SPIKE:] > 1))
        return found

    ran = setup(check, [case]) | {"rules": rivals}
    check.reproduces(finals, bands=dict.fromkeys(rivals, (0.0, 0.5)), seeds=check.at(quick=1, full=5), setup=ran)
    check.note(printed={"rules that survive": "the controller only"})


Bands = Mapping[str, tuple[float, float]]

PLAIN: Bands = {
    "0.0001: r at the spike": (1.0, 3.1),
    "0.001: r at the spike": (20.0, 54.0),
    "0.01: r at the spike": (83.0, 1410.0),
    "0.0001: accuracy": (0.9, 1.0),
    "0.001: accuracy": (0.05, 0.45),
    "0.01: accuracy": (0.05, 0.2),
}
PRINTED_ROWS = {
    "0.0001: r at the spike": "within 1",
    "0.001: r at the spike": "∼10",
    "0.01: r at the spike": "∼100",
    "0.0001: accuracy": "recovers",
    "0.001: accuracy": "∼50 %",
    "0.01: accuracy": "chance",
}
AS_PRINTED: Bands = {
    "0.0001: r at the spike": (0.0, 1.0),
    "0.001: r at the spike": (5.0, 20.0),
    "0.01: r at the spike": (50.0, 200.0),
    "0.0001: accuracy": (0.9, 1.0),
    "0.001: accuracy": (0.45, 0.55),
    "0.01: accuracy": (0.05, 0.2),
}
"""PRINTED_ROWS, "∼" of a radius and chance being a factor of two."""


@paper.corrected(
    "Section 6.1, Figure 6",
    tags=("erratum", "empirical"),
    printed={"bands": AS_PRINTED},
    mutants={
        "the controller": {"rule": "rho_a"},
        "a spike of 100×": {"spike": 100.0},
    },
)
def plain_adam_exceeds_the_radius_on_every_row_of_figure_6(
    check: Check, bands: Bands = PLAIN, rule: str = "plain", spike: float = 1000.0
) -> None:
    r"""At $1000\times$, plain Adam's first step is about 1.7, 35 and 340 radii long; it ends at 95 %, 10–28 % and 10 %.

    Printed: within $\rho_a$ and recovering; $\sim 10$ radii and $\sim 50$ %; $\sim 100$ radii and chance. Whichever
    statistic is meant, the first row does not stay within $\rho_a$: its largest $r$ is near 10. The $r$ at later steps,
    largest and median, are in the record. Bands: of $r$, four standard deviations of the logarithm over seeds on either
    side (in row three it varies by a factor of three), $100, 200 \ldots 2000$ in row one, but no less than a radius,
    $5000 \ldots 5010$ in the others; of the accuracies, survival, less than $\sim 50$ %, and chance to a factor of two.
    The first bands of $r$, from six seeds, were too narrow, and so was the second one of row one, up to 2.2: seed 1900
    has 2.37.
    """

    def rows(seed: int) -> dict[str, float]:
        found = {}
        for rate in RATES:
            taken = spiked(rule, seed, rate, spike)
            found[f"{rate:g}: r at the spike"] = float(taken.r[SPIKE])
            found[f"{rate:g}: accuracy"] = taken.final
            found[f"{rate:g}: largest r"] = float(taken.r.max())
            found[f"{rate:g}: median r after the spike"] = float(np.median(taken.r[SPIKE:]))
        return found

    ran = setup(check, [case for case in CASES if case.startswith("Figure 6")], spike) | {"rule": rule}
    check.reproduces(rows, bands=bands, seeds=check.at(quick=1, full=5), setup=ran, printed=PRINTED_ROWS)


RULES_SHOWN = ("plain", "gradient clip", "cap 0.1", "rho_a", "exact", "descent")


@paper.claim(
    "Figure 6, last row",
    tags=("ours", "empirical"),
    mutants={"plain Adam": {"rules": ("plain",)}, "gradient clipped": {"rules": ("gradient clip",)}},
)
def every_cap_on_the_step_itself_survives(
    check: Check, rules: Sequence[str] = ("cap 0.1", "rho_a", "exact", "descent")
) -> None:
    r"""At rate 0.01 and $10{,}000\times$, a constant cap, $\rho_a$, the exact radius and the descent certificate all
    end above 90 %.

    The exact radius admits steps of $r$ about 1.3, and up to 2.6; the descent certificate stays near 0.2.
    """
    case = f"Figure 6, rate {RATES[-1]:g}"
    check.reproduces(
        lambda seed: {rule: run(check, rule, seed, case).final for rule in rules},
        bands=dict.fromkeys(rules, (0.9, 1.0)),
        seeds=check.at(quick=1, full=5),
        setup=setup(check, [case]) | {"rules": rules},
        printed={"rho_a": "recovers"} if "rho_a" in rules else {},
    )
    for rule in RULES_SHOWN if len(rules) > 1 else ():
        taken = run(check, rule, check.seed, case)
        check.table(rule, step=np.arange(len(taken.loss)), **taken._asdict())


@paper.claim(
    "Table 1",
    tags=("empirical",),
    level="full",
    mutants={
        "plain and controller exchanged": {"columns": ("released", "gradient clip", "plain")},
        "clip and controller exchanged": {"columns": ("plain", "released", "gradient clip")},
    },
)
def table_1_is_that_of_the_released_controller(
    check: Check, columns: tuple[str, str, str] = ("plain", "gradient clip", "released")
) -> None:
    r"""After one step at $10{,}000\times$, plain and clipped Adam end below 65 %, the released controller above 90 %.

    Printed, medians over five seeds: Transformer 31.8, 38.7, 95.3 %, MLP+LN 44.6, 51.5, 93.9 %. CNN+BN was not run. The
    controller that does keep $r \le 1$ ends at about the same accuracy, but loses nothing at the spike.
    """
    ranges = {"plain": (0.1, 0.65), "clip": (0.1, 0.65), "controller": (0.9, 1.0)}

    def finals(seed: int) -> dict[str, float]:
        found = {}
        for network in NETWORKS:
            for column, rule in zip(ranges, columns, strict=True):
                found[f"{network}, {column}"] = run(check, rule, seed, f"Table 1, {network}").final
            corrected = run(check, "rho_a", seed, f"Table 1, {network}")
            found[f"{network}, corrected"] = corrected.final
            found[f"{network}, corrected, after the spike"] = float(corrected.accuracy[SPIKE])
        return found

    bands = {f"{network}, {column}": ranges[column] for network in NETWORKS for column in ranges}
    ran = setup(check, [f"Table 1, {network}" for network in NETWORKS]) | {"rules": columns}
    check.reproduces(finals, bands=bands, seeds=3, setup=ran, printed=PRINTED_TABLE_1)
