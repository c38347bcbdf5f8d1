"""What co-teaching does to bias and variance (Theorem 2), and why the printed statement fails.

A decoder q(y|z) is reweighted by what the peer q_t(y|x) says: q_co(y|x, z) = w(y) q(y|z)/C₁(z). All laws are at one
x; q̃ is the normalised geometric mean of the decoders over the features z with weights u_z.
"""

from collections.abc import Callable, Sequence
from typing import Any

import hypothesis.strategies as st
import numpy as np
import sympy as sp
import torch
from flint import arb

from theory.compression.bias_variance import bias_variance_decomposition
from theory.compression.claims.paper import paper
from theory.compression.claims.risk import TABLE, laws
from theory.compression.co_teaching import co_taught, co_teaching_shift
from verify import Check

Formula = Callable[..., Any]
LOG_W = st.lists(st.integers(-12, 12), min_size=7, max_size=7)
"""Log weights of up to seven classes, in quarters."""


def symbolic_means() -> tuple[list[sp.Symbol], list[sp.Symbol], sp.Symbol]:
    """log of the geometric means E_z log q(y|z), the log weights log w(y), and E_z log C₁, for three classes."""
    return list(sp.symbols("g1:4", real=True)), list(sp.symbols("v1:4", real=True)), sp.Symbol("c", real=True)


def log_expected_weight(g: Sequence[Any], v: Sequence[Any]) -> Any:
    """log E_q̃[w]."""
    return sp.log(sum(sp.exp(a + b) for a, b in zip(g, v, strict=True)) / sum(sp.exp(a) for a in g))


def shifts(table: Sequence[Sequence[int]], log_w: Sequence[int]) -> tuple[float, float, Any]:
    """The changes of bias and variance from two decompositions, and what the code gives for them."""
    log_q, u, p = (torch.from_numpy(x) for x in laws(table))
    v = torch.tensor(log_w[: len(p)]).double() / 4
    before, after = (bias_variance_decomposition(q, u, p) for q in (log_q, co_taught(log_q, v)))
    bias, variance = float(after.bias - before.bias), float(after.variance - before.variance)
    return bias, variance, co_teaching_shift(log_q, u, p, v)


@paper.claim(
    "Theorem 2 (i), in a form that holds",
    tags=("identity", "ours"),
    mutants={
        "α upside down": {"log_alpha": lambda g, v, y: v[y] - log_expected_weight(g, v)},
        "expectation under the uniform law": {
            "log_alpha": lambda g, v, y: sp.log(sum(sp.exp(b) for b in v) / 3) - v[y]
        },
        "weight of the class forgotten": {"log_alpha": lambda g, v, y: log_expected_weight(g, v)},
    },
)
def co_teaching_changes_the_bias_by_the_expected_log_alpha(
    check: Check, log_alpha: Formula = lambda g, v, y: log_expected_weight(g, v) - v[y]
) -> None:
    r"""For $q_{\text{co}} \propto w\,q$ the bias changes by exactly $\mathbb{E}_p[\log \alpha]$,
    $\alpha(y) = \mathbb{E}_{\tilde{q}}[w]/w(y)$: it falls iff $\mathbb{E}_p[\log \alpha] \le 0$.

    Proved for three classes and any features; the code is compared with the difference of two decompositions.
    """
    g, v, c = symbolic_means()
    before = g[0] - sp.log(sum(sp.exp(x) for x in g))
    co_taught_means = [a + b - c for a, b in zip(g, v, strict=True)]
    after = co_taught_means[0] - sp.log(sum(sp.exp(x) for x in co_taught_means))
    fall = sp.exp(before - after)
    check.proves(sp.Eq(fall, sp.exp(log_alpha(g, v, 0))), says="q̃(y)/q̃_co(y) = α(y)")

    def code_agrees(table: list[list[int]], log_w: list[int]) -> bool:
        bias, _, shift = shifts(table, log_w)
        return bool(np.isclose(float(shift.bias), bias, rtol=1e-9, atol=1e-10))

    check.forall(code_agrees, table=TABLE, log_w=LOG_W, says="the code")


@paper.claim(
    "Theorem 2 (ii), in a form that holds",
    tags=("identity", "ours"),
    mutants={
        "C₁ forgotten": {"change": lambda g, v, c: -log_expected_weight(g, v)},
        "sign": {"change": lambda g, v, c: log_expected_weight(g, v) - c},
        "expectation under the uniform law": {"change": lambda g, v, c: c - sp.log(sum(sp.exp(b) for b in v) / 3)},
    },
)
def co_teaching_changes_the_variance_by_the_excess_of_log_c1(
    check: Check, change: Formula = lambda g, v, c: c - log_expected_weight(g, v)
) -> None:
    r"""For $q_{\text{co}} = w\,q/C_1$ the variance changes by exactly
    $\mathbb{E}_z \log C_1(z) - \log \mathbb{E}_{\tilde{q}}[w]$: it grows iff that is $\ge 0$.

    Proved for three classes and any features; the code is compared with the difference of two decompositions.
    """
    g, v, c = symbolic_means()
    before = -sp.log(sum(sp.exp(x) for x in g))
    after = -sp.log(sum(sp.exp(a + b - c) for a, b in zip(g, v, strict=True)))
    check.proves(sp.Eq(sp.exp(after - before), sp.exp(change(g, v, c))), says="exp of both sides, with c = E_z log C₁")

    def code_agrees(table: list[list[int]], log_w: list[int]) -> bool:
        _, variance, shift = shifts(table, log_w)
        return bool(np.isclose(float(shift.variance), variance, rtol=1e-9, atol=1e-10))

    check.forall(code_agrees, table=TABLE, log_w=LOG_W, says="the code")


INSIDE = {"q": (0.01, 0.99), "peer": (0.01, 0.99)}
"""The decoder's and the peer's probability of the first of two classes."""


def printed_normaliser(q: arb, peer: arb) -> arb:
    """C₁ = Σ_y exp[q_t(y) log q(y)] for two classes."""
    return (peer * q.log()).exp() + ((1 - peer) * (1 - q).log()).exp()


@paper.refuted(
    "Theorem 2, the normaliser",
    tags=("erratum",),
    controls={"q_co = q_t q/C₁": {"normaliser": lambda q, peer: q * peer + (1 - q) * (1 - peer)}},
)
def normaliser_of_the_co_taught_decoder_is_at_most_one(
    check: Check, normaliser: Callable[[arb, arb], arb] = printed_normaliser
) -> None:
    r"""With the printed $q_{\text{co}} = \exp[q_t(y|x) \log q(y|z)]/C_1$, "$C_1 \le 1$". For two classes, probabilities
    in $[.01, .99]$.
    """
    check.certifies(lambda q, peer: 1 - normaliser(q, peer), over=INSIDE)


@paper.claim(
    "Theorem 2, the normaliser",
    tags=("inequality", "ours"),
    mutants={
        "weighted by q_t": {"normaliser": lambda q, peer: q * peer + (1 - q) * (1 - peer)},
        "square": {"normaliser": lambda q, peer: q * q + (1 - q) * (1 - q)},
    },
)
def printed_normaliser_is_always_above_one(
    check: Check, normaliser: Callable[[arb, arb], arb] = printed_normaliser
) -> None:
    r"""$\sum_y q(y)^{q_t(y)} > 1$ for every decoder and peer, since $q^a > q$ for $0 < a < 1$: "$C_1 \le 1$" never
    occurs.

    Certified for two classes with probabilities in $[.01, .99]$.
    """
    check.certifies(lambda q, peer: normaliser(q, peer) - 1, over=INSIDE)


def co_taught_as_printed(log_q: np.ndarray, peer: np.ndarray) -> np.ndarray:
    """exp[q_t log q] normalised."""
    return np.asarray(peer * log_q - np.logaddexp.reduce(peer * log_q, axis=-1, keepdims=True))


def co_taught_by_a_product(log_q: np.ndarray, peer: np.ndarray) -> np.ndarray:
    """exp[q_t] q normalised."""
    return np.asarray(peer + log_q - np.logaddexp.reduce(peer + log_q, axis=-1, keepdims=True))


def log_geometric_mean(u: np.ndarray, log_q: np.ndarray) -> np.ndarray:
    """log q̃."""
    return np.asarray(u @ log_q - np.logaddexp.reduce(u @ log_q))


@paper.refuted(
    "Theorem 2 (i) as printed",
    tags=("erratum",),
    controls={"q_co ∝ exp[q_t] q": {"co_taught_decoder": co_taught_by_a_product}},
)
def peer_that_favours_the_label_lowers_the_bias(
    check: Check, co_taught_decoder: Callable[[np.ndarray, np.ndarray], np.ndarray] = co_taught_as_printed
) -> None:
    r"""If $\alpha(y) = \mathbb{E}_{\tilde{q}}[e^{q_t}]/e^{q_t(y)} \le 1$ at the label $y$, the bias
    $-\log \tilde{q}_{\text{co}}(y)$ of $q_{\text{co}}$ is at most $-\log \tilde{q}(y)$.

    With the printed $q_{\text{co}} = \exp[q_t \log q]/C_1$ it is not. The $\alpha$ belongs to the decoder
    $\exp[q_t]\,q$, as if $\exp[ab]$ were $\exp[a]\,b$; there the statement holds.
    """

    def bias_falls(table: list[list[int]], peer: list[int]) -> bool:
        log_q, u, p = laws(table)
        q_t = np.exp(np.array(peer[: len(p)]) / 4)
        q_t, label = q_t / q_t.sum(), int(p.argmax())
        log_mean = log_geometric_mean(u, log_q)
        if np.exp(log_mean) @ np.exp(q_t) > np.exp(q_t[label]):
            return True
        after = log_geometric_mean(u, co_taught_decoder(log_q, q_t))
        return bool(after[label] >= log_mean[label] - 1e-12)

    check.forall(bias_falls, table=TABLE, peer=LOG_W)


@paper.refuted(
    "Theorem 2 (ii), with the decoder that its α belongs to",
    tags=("erratum",),
    controls={
        "whenever E_z log C₁ ≥ log E_q̃[w]": {
            "premise": lambda log_mean, u, log_q, log_w, label: (
                u @ np.logaddexp.reduce(log_q + log_w, axis=-1) >= np.logaddexp.reduce(log_mean + log_w)
            )
        }
    },
)
def peer_that_favours_the_label_raises_the_variance(
    check: Check,
    premise: Callable[..., bool] = lambda log_mean, u, log_q, log_w, label: (
        np.logaddexp.reduce(log_mean + log_w) <= log_w[label]
    ),
) -> None:
    r"""For $q_{\text{co}} \propto e^{q_t} q$, if $\alpha(y) \le 1$ at the label, the variance does not fall: false, it
    may fall or rise.

    What decides is $\mathbb{E}_z \log C_1(z)$ against $\log \mathbb{E}_{\tilde{q}}[w]$.
    """

    def variance_grows(table: list[list[int]], peer: list[int]) -> bool:
        log_q, u, p = laws(table)
        q_t = np.exp(np.array(peer[: len(p)]) / 4)
        q_t, label = q_t / q_t.sum(), int(p.argmax())
        if not premise(log_geometric_mean(u, log_q), u, log_q, q_t, label):
            return True
        after = co_taught(torch.from_numpy(log_q), torch.from_numpy(q_t))
        tensors = (torch.from_numpy(u), torch.from_numpy(p))
        grown, before = (bias_variance_decomposition(q, *tensors).variance for q in (after, torch.from_numpy(log_q)))
        return bool(grown >= before - 1e-12)

    check.forall(variance_grows, table=TABLE, peer=LOG_W)
