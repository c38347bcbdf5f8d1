import pytest
import sympy as sp
import z3

from verify.symbolic import prove

x, y = sp.symbols("x y", real=True)
p = sp.Symbol("p", positive=True)
k = sp.Symbol("k", integer=True)


@pytest.mark.parametrize(
    "statement",
    [
        sp.Eq((x + y) ** 2, x**2 + 2 * x * y + y**2),
        sp.Eq(sp.sin(x) ** 2 + sp.cos(x) ** 2, 1),
        sp.Eq(sp.log(p**2), 2 * sp.log(p)),
        sp.Eq(sp.exp(2 * sp.I * sp.pi * k), 1),
        sp.Eq(sp.tanh(x), (sp.exp(x) - sp.exp(-x)) / (sp.exp(x) + sp.exp(-x))),
        x**2 >= 0,
        z3.ForAll([z3.Real("a")], z3.Real("a") * z3.Real("a") >= 0),
    ],
)
def test_true_statements_are_proved(statement):
    assert prove(statement).outcome == "holds"


@pytest.mark.parametrize(
    "statement",
    [
        sp.Eq((x + y) ** 2, x**2 + y**2),
        sp.Eq(sp.sqrt(x**2), x),
        sp.Eq(sp.log(p**2), 3 * sp.log(p)),
        sp.Eq(sp.pi, sp.Rational(355, 113)),
        x**2 >= 1,
        z3.Real("a") * z3.Real("a") >= z3.Real("a"),
    ],
)
def test_false_statements_are_refuted_with_values(statement):
    found = prove(statement)
    assert found.outcome == "fails"
    assert found.counterexample


def test_a_sympy_counterexample_violates_the_statement():
    values = prove(sp.Eq(sp.sqrt(x**2), x)).counterexample
    assert sp.Rational(values["x"]) < 0


def test_counterexamples_respect_the_assumptions():
    whole = sp.Symbol("m", integer=True, positive=True)
    value = sp.Rational(prove(sp.Eq(whole, 1)).counterexample["m"])
    assert value.is_integer
    assert value > 1


@pytest.mark.parametrize("seed", range(40))
def test_a_point_where_a_side_is_not_defined_is_no_counterexample(seed):
    assert prove(sp.Eq(p * (1 - p) / (1 - p**2 - (1 - p) ** 2), sp.Rational(1, 2)), seed).outcome == "holds"
    assert prove(x**2 / x**2 + (1 - x) / (1 - x) >= 1, seed).outcome == "holds"


def test_what_cannot_be_settled_is_undecided():
    near_miss = sp.Eq(sp.exp(sp.pi * sp.sqrt(163)), 640320**3 + 744)
    assert prove(near_miss).outcome in {"fails", "undecided"}
    hard = z3.Real("a") ** z3.Real("b") > 0
    assert prove(hard).outcome != "holds"


def test_a_counterexample_of_z3_does_not_depend_on_what_was_proved_before():
    def found():
        p, q = (z3.Reals(" ".join(f"{name}{i}" for i in range(3))) for name in "pq")
        domain = z3.And(sum(p) == 1, sum(q) == 1, *(x > 0 for x in [*p, *q]), p[0] >= q[0])
        return prove(z3.Implies(domain, z3.And(p[1] <= q[1], p[2] <= q[2]))).counterexample

    first = found()
    a, b, c = z3.Reals("q2 p1 other")
    prove(z3.Implies(a * a + b * b + c * c < 1, a + b + c < 2))
    assert found() == first
