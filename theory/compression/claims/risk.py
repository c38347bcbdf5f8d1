"""The risk of a decoder of random features is bias + variance + noise (Theorem 1).

Features z are drawn with weights u_z = q(z|x), the decoder gives q(y|z), the label has the law p(y|x), all at one x;
a_{zy} = log q(y|z).
"""

from collections.abc import Callable, Sequence
from typing import Any

import hypothesis.strategies as st
import numpy as np
import sympy as sp
import torch

from theory.compression.bias_variance import bias_variance_decomposition
from theory.compression.claims.paper import paper
from verify import Check

Formula = Callable[..., Any]

TABLE = st.integers(1, 9).flatmap(
    lambda z: st.integers(2, 7).flatmap(
        lambda c: st.lists(
            st.lists(st.integers(-30, 30), min_size=c + 1, max_size=c + 1), min_size=z + 1, max_size=z + 1
        )
    )
)
"""Unnormalised log laws in quarters: a row a feature, its last entry the log weight; the last row is the label's."""


def laws(table: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """log q(y|z), the weights and p(y|x) of a table."""
    values = np.array(table) / 4
    log_q, log_u, log_p = values[:-1, :-1], values[:-1, -1], values[-1, :-1]
    normal = [x - np.logaddexp.reduce(x, axis=-1, keepdims=True) for x in (log_q, log_u, log_p)]
    return normal[0], np.exp(normal[1]), np.exp(normal[2])


def geometric(u: Sequence[Any], log_q: Sequence[Any]) -> Any:
    """log of the geometric mean of the decoders at one class: Σ_z u_z log q(y|z)."""
    return sum(u_z * a for u_z, a in zip(u, log_q, strict=True))


def arithmetic(u: Sequence[Any], log_q: Sequence[Any]) -> Any:
    """log of the arithmetic mean of the decoders."""
    exp, log = (np.exp, np.log) if isinstance(log_q[0], float) else (sp.exp, sp.log)
    return log(sum(u_z * exp(a) for u_z, a in zip(u, log_q, strict=True)))


def sum_of_parts(
    u: Sequence[Any],
    a: Sequence[Sequence[Any]],
    p: Sequence[Any],
    entropy: Any,
    log_mean: Sequence[Any],
    law: Sequence[Any],
) -> Any:
    """KL(p‖q̃) + Σ_z u_z KL(q̃‖q(·|z)), with the entropy of p, log q̃ and q̃ given."""
    bias = -geometric(p, log_mean) - entropy
    return bias + geometric(u, [geometric(law, [m - b for m, b in zip(log_mean, row, strict=True)]) for row in a])


def risk_of(u: Sequence[Any], a: Sequence[Sequence[Any]], p: Sequence[Any]) -> Any:
    """−Σ_z u_z Σ_y p_y log q(y|z)."""
    return -geometric(u, [geometric(p, row) for row in a])


@paper.claim(
    "Theorem 1",
    tags=("identity",),
    mutants={
        "arithmetic mean of the decoders": {"mean": arithmetic},
        "entropy of the label forgotten": {"noise": lambda entropy: 0},
        "features not weighted": {"mean": lambda u, log_q: sum(log_q) / len(log_q)},
    },
)
def risk_is_bias_plus_variance_plus_noise(
    check: Check, mean: Formula = geometric, noise: Formula = lambda entropy: entropy
) -> None:
    r"""$\mathbb{E}[-\log q(y|z)] = \mathrm{KL}(p\|\tilde{q}) + \mathbb{E}_z\,\mathrm{KL}(\tilde{q}\|q(\cdot|z)) +
    H(p)$, with $\tilde{q}$ the normalised geometric mean of the decoders.

    The paper writes $p(z|x)$ and $q(z|x)$ for one and the same law of the features; with two different ones the
    statement would be false. Proved for two features and two classes; the code is compared at up to nine and seven.
    """
    p, u, law, total = sp.symbols("p u q logN", real=True)
    entropy = sp.Symbol("H(p)", real=True)
    a = [sp.symbols(f"a{z}_1:3", real=True) for z in (1, 2)]
    log_mean = [mean([u, 1 - u], [row[y] for row in a]) - total for y in (0, 1)]
    parts = sum_of_parts([u, 1 - u], a, [p, 1 - p], entropy, log_mean, [law, 1 - law]) + noise(entropy)
    check.proves(sp.Eq(parts, risk_of([u, 1 - u], a, [p, 1 - p])), says="for any normalisation: q̃ = (q, 1 − q), log N")

    def code_agrees(table: list[list[int]]) -> bool:
        log_q, u, p = laws(table)
        found = bias_variance_decomposition(*(torch.from_numpy(x) for x in (log_q, u, p)))
        geometric_mean = np.array([mean(u.tolist(), column.tolist()) for column in log_q.T])
        log_mean = geometric_mean - np.logaddexp.reduce(geometric_mean)
        entropy = -float(p @ np.log(p))
        parts = sum_of_parts(
            u.tolist(), log_q.tolist(), p.tolist(), entropy, log_mean.tolist(), np.exp(log_mean).tolist()
        )
        sums = [float(found.risk), float(found.bias + found.variance + found.noise), parts + noise(entropy)]
        return bool(np.allclose(sums, risk_of(u.tolist(), log_q.tolist(), p.tolist()), rtol=1e-12, atol=1e-12))

    check.forall(code_agrees, table=TABLE, says="the code, its parts and its risk")


@paper.claim(
    "Theorem 1, the variance",
    tags=("identity",),
    mutants={
        "sign": {"variance": lambda log_n: log_n},
        "mass lost once, not its logarithm": {"variance": lambda log_n: 1 - log_n},
        "features not weighted": {"mean": lambda u, log_q: sum(log_q) / len(log_q)},
    },
)
def variance_is_the_lost_mass_of_the_geometric_mean(
    check: Check, variance: Formula = lambda log_n: -log_n, mean: Formula = geometric
) -> None:
    r"""$\mathbb{E}_z\,\mathrm{KL}(\tilde{q}\|q(\cdot|z)) = -\log N$, where
    $N = \sum_y \exp \mathbb{E}_z \log q(y|z) \le 1$ is the mass of the geometric mean.

    Proved for two features and two classes; the code is compared at up to nine and seven.
    """
    u, law, log_n = sp.symbols("u q logN", real=True)
    a = [sp.symbols(f"a{z}_1:3", real=True) for z in (1, 2)]
    log_mean = [mean([u, 1 - u], [row[y] for row in a]) - log_n for y in (0, 1)]
    divergences = [geometric([law, 1 - law], [m - b for m, b in zip(log_mean, row, strict=True)]) for row in a]
    check.proves(sp.Eq(geometric([u, 1 - u], divergences), variance(log_n)), says="log q̃ = E_z log q(·|z) − log N")

    def code_agrees(table: list[list[int]]) -> bool:
        log_q, u, p = laws(table)
        found = bias_variance_decomposition(*(torch.from_numpy(x) for x in (log_q, u, p)))
        means = np.array([mean(u.tolist(), column.tolist()) for column in log_q.T])
        return bool(np.isclose(float(found.variance), variance(np.logaddexp.reduce(means)), rtol=1e-9, atol=1e-12))

    check.forall(code_agrees, table=TABLE, says="the code")
