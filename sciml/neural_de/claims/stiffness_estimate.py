"""The stiffness estimate of a step: what it equals, and what bounds it (Section 3)."""

import hypothesis.strategies as st
import numpy as np
import torch

from sciml.neural_de.claims.paper import paper
from sciml.neural_de.solve import rk_step, solve
from sciml.neural_de.tableaus import DOPRI5, TSIT5

EPS = np.finfo(float).eps


def estimate(f, y, h, pair=DOPRI5):
    """S of one step from y."""
    with torch.no_grad():
        found = rk_step(f, 0.0, y, h, method=pair).stiffness
    assert found is not None
    return found.item()


def between(later, before):
    """‖k_x − k_y‖/‖g_x − g_y‖ of two other stages of Dormand–Prince, counted from 1."""

    def found(f, y, h, pair=DOPRI5):
        slopes = rk_step(f, 0.0, y, h, method=pair).slopes
        rows = [
            sum((float(a) * k for a, k in zip(pair.a[i - 1], slopes, strict=False)), start=0 * y)
            for i in (later, before)
        ]
        return float((slopes[later - 1] - slopes[before - 1]).norm() / (h * (rows[0] - rows[1]).norm()))

    return found


def spectral_radius(M):
    return max(abs(np.linalg.eigvals(M)))


def linear(M):
    M = torch.tensor(M)
    return lambda t, y: M @ y


@paper.claim(
    "Section 3 (stiffness estimate)",
    tags=("ours", "inequality"),
    mutants={
        "at most the spectral radius": {"bound": spectral_radius},
        "1 % below the norm": {"bound": lambda M: 0.99 * np.linalg.norm(M, 2)},
        "at most the largest |Re λ|": {"bound": lambda M: max(abs(np.linalg.eigvals(M).real))},
    },
)
def stiffness_estimate_is_at_most_the_operator_norm(check, bound=lambda M: np.linalg.norm(M, 2)):
    r"""For $z' = Mz$, $S = \|Mv\|/\|v\|$ with $v = g_7 - g_6$, so that $S \le \|M\|_2$ for every $M$, $z$ and $h$.

    The spectral radius is no bound: $S$ of a matrix that is not normal may exceed it. $10^{-9}$ allows for the
    cancellation in $v$, which is of size $(h\|M\|)^3$ at the least, $h\|M\| \ge 1/2$.
    """

    def bounded(seed, d, skew, reach):
        rng = np.random.default_rng(seed)
        M = rng.normal(size=(d, d)) + skew * np.triu(rng.normal(size=(d, d)), 1)
        y, h = torch.tensor(rng.normal(size=d)), reach / np.linalg.norm(M, 2)
        return estimate(linear(M), y, h) <= bound(M) * (1 + 1e-9)

    reaches, skews = st.floats(0.5, 3), st.sampled_from([0.0, 3.0, 10.0])
    check.forall(bounded, examples=300, seed=st.integers(0, 2**31), d=st.integers(1, 5), skew=skews, reach=reaches)


@paper.claim(
    "Section 3 (stiffness estimate)",
    tags=("ours", "identity"),
    mutants={
        "stages 5 and 7, at different times": {"formula": between(7, 5)},
        "stages 4 and 7": {"formula": between(7, 4)},
        "half of it": {"formula": lambda f, y, h: estimate(f, y, h) / 2},
    },
)
def stiffness_of_a_forced_decay_is_its_rate(check, formula=estimate):
    r"""For $z' = -\lambda z + \varphi(t)$, $S = \lambda$ exactly: both stages stand at the same time, so that the
    forcing cancels.

    That needs $c_6 = c_7$. The rounding of $k_7 - k_6$ is below 64 units of the largest $|k|$, over $|g_7 - g_6|$.
    """

    def is_rate(rate, amplitude, frequency, h):
        f = lambda t, y: -rate * y + amplitude * torch.cos(frequency * t)  # noqa: E731
        y = torch.tensor([1.0], dtype=torch.float64)
        slopes = rk_step(f, 0.0, y, h, method=DOPRI5).slopes
        apart = float((slopes[-1] - slopes[-2]).abs()) / rate
        largest = float(torch.stack(slopes).abs().max()) * max(1.0, h * rate)
        return abs(formula(f, y, h) - rate) * apart <= 64 * EPS * (largest + rate)

    check.forall(
        is_rate,
        examples=300,
        rate=st.floats(0.5, 20),
        amplitude=st.floats(0, 50),
        frequency=st.floats(0, 40),
        h=st.floats(0.05, 0.3),
    )


@paper.refuted(
    "Section 3 (stiffness index max |Re λ|)",
    tags=("erratum",),
    controls={"the modulus |λ|": {"index": np.abs}},
)
def stiffness_estimate_is_the_largest_real_part(check, index=lambda eigenvalue: abs(eigenvalue.real)):
    r"""$S$ estimates the stiffness index $\max |\operatorname{Re} \lambda_i|$ of the Jacobian.

    It does not for a rotation, where $\operatorname{Re} \lambda = 0$ and $S = |\omega|$: on a normal matrix with one
    pair of eigenvalues $-a \pm i\omega$, $S$ is their modulus. $10^{-9}$ as for the operator norm, $h|\lambda| = 1$.
    """

    def is_index(decay, turn):
        eigenvalue = complex(-decay, turn)
        M = np.array([[-decay, -turn], [turn, -decay]])
        S = estimate(linear(M), torch.tensor([1.0, 0.5], dtype=torch.float64), 1 / abs(eigenvalue))
        return abs(S - index(eigenvalue)) <= 1e-9 * abs(eigenvalue)

    check.forall(is_index, examples=200, decay=st.floats(0.125, 8), turn=st.floats(0, 8))


MU = 5.0


def van_der_pol(t, y):
    return torch.stack([y[1], MU * (1 - y[0] ** 2) * y[1] - y[0]])


def jacobian(point):
    a, b = point
    return np.array([[0, 1], [-2 * MU * a * b - 1, MU * (1 - a * a)]])


def relaxation():
    """Steps, estimates and the norm of the Jacobian along van der Pol's equation, by the time each step starts."""
    y0 = torch.tensor([2.0, 0.0], dtype=torch.float64)
    with torch.no_grad():
        s = solve(van_der_pol, y0, 0.0, 20.0, method="dopri5", rtol=1e-6, atol=1e-6, keep_states=True)
    states = s.states or ()
    starts = list(zip(s.ts, states, s.steps, strict=False))
    return {
        "t": [t for t, _, _ in starts],
        "h": s.steps,
        "x": [y[0].item() for _, y, _ in starts],
        "stiffness": [estimate(van_der_pol, y, h) for _, y, h in starts],
        "norm": [np.linalg.norm(jacobian(y.tolist()), 2) for _, y, _ in starts],
    }


@paper.claim(
    "Section 3 (stiffness estimate)",
    tags=("ours", "inequality"),
    mutants={
        "half of the constant": {"constant": lambda L: L / 2},
        "at the start of the step": {"constant": lambda L: L, "where": "start"},
    },
)
def stiffness_estimate_is_at_most_the_lipschitz_constant(check, constant=lambda L: L, where="segment"):
    r"""For a nonlinear field $S$ is at most the largest $\|J\|_2$ on the segment between the two arguments $g_6$ and
    $g_7$.

    On van der Pol's equation, $\mu = 5$; the maximum is taken over 33 points of the segment, and twice the largest
    change of $J$ from one to the next allows for what lies between.
    """

    def bounded(a, b, reach):
        y = torch.tensor([a, b], dtype=torch.float64)
        h = reach / np.linalg.norm(jacobian((a, b)), 2)
        step = rk_step(van_der_pol, 0.0, y, h, method=TSIT5)
        k = torch.stack(step.slopes[:-1])
        before = y + h * sum(float(x) * k[i] for i, x in enumerate(TSIT5.a[5]))
        ends = before.numpy(), step.y.numpy()
        points = [ends[0] + s * (ends[1] - ends[0]) for s in np.linspace(0, 1, 33)]
        J = np.array([jacobian(y.numpy())] * 2 if where == "start" else [jacobian(point) for point in points])
        slack = 2 * np.linalg.norm(np.diff(J, axis=0), axis=(1, 2)).max()
        return estimate(van_der_pol, y, h, TSIT5) <= constant(np.linalg.norm(J, 2, axis=(1, 2)).max()) + slack + 1e-9

    check.forall(bounded, examples=200, a=st.floats(-2, 2), b=st.floats(-8, 8), reach=st.floats(0.3, 1.5))
    check.table("track", **relaxation())
