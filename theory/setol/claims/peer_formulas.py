"""Formulas of WeightWatcher 0.7.7, written out from their description, against what they stand for."""

from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import numpy as np

from theory._numbers import Floats
from theory.setol.claims.paper import paper
from theory.setol.claims.pretrained import TRAINED
from theory.setol.correlation_traps import correlation_traps
from theory.setol.eigenvalues import Spectrum
from theory.setol.power_law import fit_power_law
from verify import Check

Formula = Callable[..., Any]


def above_a_threshold(x: Spectrum) -> float:
    """α as in WeightWatcher 0.7.7, from its description: eigenvalues up to 1e-5 are left out first."""
    return fit_power_law(x[x > 1e-5]).alpha


@paper.refuted(
    "weightwatcher 0.7.7, threshold of eigenvalues",
    tags=("erratum",),
    controls={
        "no threshold": {"alpha": lambda x: fit_power_law(x).alpha},
        "relative to the largest": {"alpha": lambda x: fit_power_law(x[x > 1e-12 * x[-1]]).alpha},
    },
)
def an_absolute_threshold_leaves_alpha_independent_of_the_unit(
    check: Check, alpha: Formula = above_a_threshold
) -> None:
    r"""$W \to W/2^j$ leaves $\alpha$ as it is if eigenvalues up to $10^{-5}$ are left out before the fit,
    $0 \le j \le 13$.

    Half precision begins at $2^{-14}$. A threshold in the unit of the weights cuts into the tail of small weights.
    """
    check.forall(
        lambda layer, j: bool(
            abs(alpha(layer.spectrum() * 4.0**-j) / fit_power_law(layer.spectrum()).alpha - 1) <= 1e-9
        ),
        examples=400,
        layer=st.sampled_from(TRAINED),
        j=st.integers(0, 13),
    )


def traps(W: Floats, seed: int) -> int:
    """Traps of one shuffle, at a level at which a false alarm is not to be expected."""
    return correlation_traps(W, seed, level=1e-9).count


@paper.refuted(
    "weightwatcher 0.7.7, number of traps",
    tags=("erratum",),
    controls={
        "one shuffle": {"count": lambda W: traps(W, 0)},
        "the most of five": {"count": lambda W: max(traps(W, seed) for seed in range(5))},
    },
    mutants={"two shuffles added": {"count": lambda W: traps(W, 0) + traps(W, 1)}},
)
def shuffles_added_up_count_the_traps_of_a_layer(
    check: Check, count: Formula = lambda W: sum(traps(W, seed) for seed in range(5))
) -> None:
    r"""Counts added over five shuffles, as for layers of fewer than 100 columns, are the number of traps of the layer.

    A mean of $\frac{1}{2}$ in unit Gaussian entries, $200 \times M$, is one trap: a spike of strength
    $\frac{1}{2} \sqrt{M} \ge 2.2$, beyond the threshold $(M/200)^{1/4} < 1$. Five are counted; in a real layer of 40
    columns the tool reports 44 traps.
    """
    check.forall(
        lambda seed, columns: count(np.random.default_rng(seed).standard_normal((200, columns)) + 0.5) == 1,
        examples=100,
        seed=st.integers(0, 10**6),
        columns=st.integers(20, 99),
    )
