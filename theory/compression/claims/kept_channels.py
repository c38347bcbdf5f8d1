"""How many channels nested dropout keeps: the printed law and that of the authors' code (Section on Nested Dropout)."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from flint import arb

from theory.compression.claims.paper import paper
from theory.compression.nested_dropout import nested_dropout_pmf
from verify import Check

Law = Callable[[int, float], torch.Tensor]
CHANNELS = 512


def expected_number(s: float) -> arb:
    """E[k] = Σ k e^{−k²/(2s²)}/Σ e^{−k²/(2s²)} over k = 1, …, 512."""
    weights = [(-(arb(k) * k) / (2 * arb(s) * s)).exp() for k in range(1, CHANNELS + 1)]
    return sum((k * weight for k, weight in enumerate(weights, 1)), arb(0)) / sum(weights, arb(0))


def mean(pmf: torch.Tensor) -> float:
    """Σ k P(k)."""
    return float(pmf @ torch.arange(1, len(pmf) + 1, dtype=pmf.dtype))


@paper.claim(
    "the law of Nested Dropout",
    tags=("identity",),
    mutants={
        "2 forgotten in the exponent": {"law": lambda k, s: nested_dropout_pmf(k, s, "code")},
        "k counted from 0": {"law": lambda k, s: nested_dropout_pmf(k + 1, s)[1:]},
        "exponential": {"law": lambda k, s: torch.softmax(-torch.arange(1.0, k + 1).double() / s, 0)},
    },
)
def nested_dropout_keeps_about_four_fifths_of_s(check: Check, law: Law = nested_dropout_pmf) -> None:
    r"""$P(k) \propto \exp(-k^2/(2s^2))$, $k = 1, \ldots, K$: for $s = 10, 25, 50, 100$, on average 8.3, 20.3, 40.2,
    80.1 of 512 are kept.

    That is $s\sqrt{2/\pi} + 1/\pi$ and a little more.
    """
    for s in (10.0, 25.0, 50.0, 100.0, 200.0):
        check.certifies_value(partial(expected_number, s), mean(law(CHANNELS, s)), within=1e-10, says=f"s = {s:g}")
    sizes = np.geomspace(1, 200, 40)
    columns: dict[str, Any] = {
        "paper": [mean(nested_dropout_pmf(CHANNELS, s)) for s in sizes],
        "code": [mean(nested_dropout_pmf(CHANNELS, s, "code")) for s in sizes],
    }
    check.table("kept", s=sizes, **columns)


@paper.refuted(
    "the authors' code",
    tags=("erratum",),
    controls={"the code with s√2": {"law": lambda k, s: nested_dropout_pmf(k, s * 2**0.5, "code")}},
)
def code_keeps_as_many_channels_as_printed(
    check: Check, law: Law = lambda k, s: nested_dropout_pmf(k, s, "code")
) -> None:
    r"""The code's $\exp(-(k/s)^2)$ is the printed law: no, it keeps 6.0 channels instead of 8.3 at $s = 10$, a factor
    $\sqrt{2}$.
    """
    for s in (10.0, 50.0, 200.0):
        check.certifies_value(partial(expected_number, s), mean(law(CHANNELS, s)), within=1e-10, says=f"s = {s:g}")
