"""Brownian paths that survive rejected steps (Section 4: adaptive solvers of SDEs), here and in torchsde."""

import hypothesis.strategies as st
import numpy as np
import sympy as sp
import torch

from sciml.neural_de.brownian import BrownianPath, bisect
from sciml.neural_de.claims.paper import paper

h = sp.Symbol("h", positive=True)


def from_areas(first, second):
    """I_(1,0) of the whole interval, from (ΔW, H) of its halves."""
    return h / 2 * (first[0] / 2 + first[1]) + h / 2 * (second[0] / 2 + second[1]) + h / 2 * first[0]


def bisection_without_twist(dw, area, middle, twist):
    """The halves without the twist in the areas."""
    (dw_1, area_1), (dw_2, area_2) = bisect(dw, area, middle, 0)
    return (dw_1, area_1), (dw_2, area_2)


def midpoint_without_area(dw, area, middle, twist):
    """The bridge of ΔW alone: the middle is ΔW/2 and noise."""
    return (dw / 2 + 2 * middle, area / 4 + twist), (dw / 2 - 2 * middle, area / 4 - twist)


@paper.claim(
    "Section 4 (adaptive SDE solvers)",
    tags=("ours", "identity"),
    mutants={
        "no twist": {"formula": bisection_without_twist},
        "a bridge that forgets the area": {"formula": midpoint_without_area},
        "a middle of variance h/12": {"variances": (h, h / 12, h / 12, h / 48)},
        "a twist of variance h/24": {"variances": (h, h / 12, h / 16, h / 24)},
    },
)
def halves_of_a_brownian_interval_are_independent(check, formula=bisect, variances=(h, h / 12, h / 16, h / 48)):
    r"""From $(\Delta W, H)$ of an interval of length $h$ the bridge makes those of both halves: they fit, and have the
    right law.

    They fit: $\Delta W = \Delta W_1 + \Delta W_2$ and $I_{(1,0)} = I_1 + I_2 + (h/2)\Delta W_1$, with
    $I_{(1,0)} = h(\Delta W/2 + H)$. Their law: four independent normal variables of variances $h/2$, $h/24$, $h/2$,
    $h/24$. So an increment may be refined after it was used, or rejected.
    """
    given = sp.symbols("dw area middle twist")
    (dw_1, area_1), (dw_2, area_2) = formula(*given)
    whole = h * (given[0] / 2 + given[1])
    parts = from_areas((dw_1, area_1), (dw_2, area_2))
    linear = sp.Matrix([dw_1, area_1, dw_2, area_2]).jacobian(given)
    covariance = linear * sp.diag(*variances) * linear.T
    statement = sp.And(
        sp.Eq(sp.expand(dw_1 + dw_2 - given[0]), 0),
        sp.Eq(sp.expand(parts - whole), 0),
        sp.Eq(covariance.applyfunc(sp.simplify), sp.diag(h / 2, h / 24, h / 2, h / 24)),
    )
    check.proves(statement, says="sums and covariances of the halves")


def two_separate_bridges():
    """I_(1,0) before and after a bisection that bridges W and Z each on its own, with I_(1,0) = (h/2)(ΔW + ΔZ/√3)."""
    w, z = sp.symbols("w z")
    left_w, left_z = w / 2 + sp.Symbol("n1"), z / 2 + sp.Symbol("n2")
    halves = [h / 4 * (x + y / sp.sqrt(3)) for x, y in ((left_w, left_z), (w - left_w, z - left_z))]
    return h / 2 * (w + z / sp.sqrt(3)), sum(halves) + h / 2 * left_w, {"w": h, "z": h, "n1": h / 4, "n2": h / 4}


def one_bridge():
    """The same by the bridge of (ΔW, H)."""
    w, area, middle, twist = sp.symbols("w area middle twist")
    after = from_areas(*bisect(w, area, middle, twist))
    return h * (w / 2 + area), after, {"w": h, "area": h / 12, "middle": h / 16, "twist": h / 48}


@paper.refuted(
    "Section 4 (adaptive SDE solvers)",
    tags=("ours", "erratum"),
    controls={"ΔW and H together": {"bridge": one_bridge}},
)
def separate_bridges_of_w_and_z_refine_one_path(check, bridge=two_separate_bridges):
    r"""Halving a rejected step by bridging $\Delta W$ and $\Delta Z$ each as a Brownian motion leaves $\int W\,dt$ over
    the step what it was.

    So StochasticDiffEq.jl bridges them. Every half has the right law, but the halves are not those of one path: their
    integral misses that of the step by a normal variable of variance $h^3/12$, that of the area $hH$ itself.
    """
    before, after, variances = bridge()
    gap = sp.expand(after - before)
    variance = sum(sp.diff(gap, sp.Symbol(name)) ** 2 * value for name, value in variances.items())
    check.proves(sp.Eq(sp.simplify(variance / h**3), 0), says="variance of the difference, over h³")
    check.note(variance_over_cube_of_h=str(sp.simplify(variance / h**3)))


class OneGenerator:
    """A path as it is often written: each new time is bridged between its neighbours with the next random number."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.known = {0.0: 0.0, 1.0: self.rng.normal()}

    def __call__(self, t):
        if t not in self.known:
            left, right = max(s for s in self.known if s < t), min(s for s in self.known if s > t)
            x = (t - left) / (right - left)
            mean = (1 - x) * self.known[left] + x * self.known[right]
            self.known[t] = self.rng.normal(mean, np.sqrt(x * (1 - x) * (right - left)))
        return self.known[t]


def tree(seed):
    path = BrownianPath((), 0.0, 1.0, seed=seed)
    return lambda t: path.increment(0.0, t).dw.item()


def torchsde_path(check, **options):
    """W(t) of torchsde's BrownianInterval with this entropy."""
    try:
        import torchsde
    except ImportError:
        check.skip("torchsde is not installed")

    def path(seed):
        interval = torchsde.BrownianInterval(0.0, 1.0, size=(1, 1), dtype=torch.float64, entropy=seed, **options)
        return lambda t: interval(0.0, t).item()

    return path


def same_in_any_order(make_path):
    """Whether two equal paths give equal values, one asked in the order of the list and one in the order of time."""

    def holds(seed, times):
        one, other = make_path(seed), make_path(seed)
        first = {t: one(t) for t in times}
        second = {t: other(t) for t in sorted(times)}
        return all(abs(first[t] - second[t]) < 1e-9 for t in times)

    return holds


TIMES = st.lists(st.integers(1, 999).map(lambda k: k / 1000), min_size=2, max_size=6, unique=True)


@paper.claim(
    "Section 4 (adaptive SDE solvers)",
    tags=("ours",),
    mutants={"one generator for all": {"make_path": OneGenerator}},
)
def path_does_not_depend_on_the_order_of_questions(check, make_path=tree):
    r"""A path is a function of its seed: what a solver asked before, or rejected, does not change $W(t)$."""
    check.forall(same_in_any_order(make_path), seed=st.integers(0, 2**63), times=TIMES, examples=100)


@paper.refuted(
    "Section 4 (adaptive SDE solvers)",
    tags=("ours", "empirical"),
    controls={"halfway_tree=True": {"options": {"halfway_tree": True, "tol": 1e-6}}},
)
def torchsde_path_is_a_function_of_its_entropy(check, options=None):
    """torchsde 0.2.6: a BrownianInterval with a given entropy is one path, whatever it is asked first.

    By default it is not: the tree grows along the questions. With ``halfway_tree=True`` and a tolerance it is.
    """
    path = torchsde_path(check, **(options or {}))
    check.forall(same_in_any_order(path), seed=st.integers(0, 2**31), times=TIMES, examples=20)
