"""Proofs by computer algebra: sympy for identities, z3 for statements of real arithmetic."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator

import sympy as sp
import z3

from verify.evidence import Evidence, Outcome, Strength

DIGITS = 50
"""Precision in decimal digits at which a candidate counterexample is evaluated."""

_FIRST_ATTEMPTS = 3
_ATTEMPTS = 200
_Z3_MILLISECONDS = 20_000

_SIMPLIFIERS: tuple[Callable[[sp.Expr], sp.Expr], ...] = (
    sp.expand,
    sp.simplify,
    lambda e: sp.simplify(sp.expand(e.rewrite(sp.exp), complex=False)),
    lambda e: sp.simplify(sp.expand_log(sp.expand_trig(e), force=False)),
    lambda e: sp.radsimp(sp.factor(sp.together(e))),
)


def prove(statement: sp.Basic | z3.BoolRef | bool, seed: int = 0) -> Evidence:
    """Prove a statement for all values of its free symbols, or find values for which it is false.

    Parameters
    ----------
    statement
        A sympy equation or inequality whose free symbols carry their domain as assumptions (``positive``, ``real``,
        ``integer``), or a z3 formula, read as universally quantified over its free constants.
    seed
        Of the search for a counterexample to a sympy statement.

    Returns
    -------
    Evidence
        ``HOLDS`` only if the statement was reduced to true (z3: its negation is unsatisfiable); ``FAILS`` only with
        values at which it is false, for sympy confirmed to 50 digits; ``UNDECIDED`` otherwise.
    """
    if isinstance(statement, z3.BoolRef):
        return _prove_by_z3(statement)
    return _prove_by_sympy(sp.sympify(statement), seed)


def _prove_by_z3(formula: z3.BoolRef) -> Evidence:
    formula = formula.translate(z3.Context())  # in z3's own, the model would depend on what was proved before
    solver = z3.Solver(ctx=formula.ctx)
    solver.set("timeout", _Z3_MILLISECONDS)
    solver.add(z3.Not(formula))
    answer = solver.check()
    if answer == z3.unsat:
        return Evidence(Strength.PROVED, Outcome.HOLDS, "z3: the negation has no solution over the reals")
    if answer == z3.sat:
        model = solver.model()
        values = {str(name): str(model[name]) for name in sorted(model.decls(), key=str)}
        return Evidence(Strength.PROVED, Outcome.FAILS, "z3 found values that violate it", {}, values)
    return Evidence(Strength.PROVED, Outcome.UNDECIDED, f"z3 gave up: {solver.reason_unknown()}")


def _prove_by_sympy(statement: sp.Basic, seed: int) -> Evidence:
    if refuted := _refute_numerically(statement, seed, _FIRST_ATTEMPTS):
        return refuted
    if isinstance(statement, sp.Eq):
        difference = statement.lhs - statement.rhs
        if any(simplifier(difference) == 0 for simplifier in _SIMPLIFIERS):
            symbols = ", ".join(sorted(map(str, statement.free_symbols)))
            over = f" for all {symbols}" if symbols else ""
            return Evidence(Strength.PROVED, Outcome.HOLDS, f"sympy reduces the two sides to one{over}")
    elif sp.simplify(statement) == sp.true:
        return Evidence(Strength.PROVED, Outcome.HOLDS, "sympy reduces the statement to true")
    return _refute_numerically(statement, seed, _ATTEMPTS) or Evidence(
        Strength.PROVED, Outcome.UNDECIDED, f"sympy could not decide it, nor {_ATTEMPTS} points refute it"
    )


def _refute_numerically(statement: sp.Basic, seed: int, attempts: int) -> Evidence | None:
    for values in itertools.islice(_assignments(sorted(statement.free_symbols, key=str), seed), attempts):
        sides = [side.subs(values) for side in statement.args] if isinstance(statement, sp.Rel) else []
        if any(side is sp.nan or side.is_infinite for side in sides):
            continue  # a point where a side is not defined is no counterexample
        if isinstance(statement, sp.Eq):
            gap = abs(sp.N(sides[0] - sides[1], DIGITS, maxn=4 * DIGITS))
            scale = 1 + abs(sp.N(sides[0], DIGITS))
            false = bool(gap.is_number and gap > scale * sp.Float(10) ** (-DIGITS // 2))
        else:
            false = sp.simplify(statement.subs(values)) == sp.false
        if false:
            shown = {str(symbol): str(value) for symbol, value in values.items()} or {"statement": str(statement)}
            return Evidence(Strength.PROVED, Outcome.FAILS, "false at an exact point", {}, shown)
    return None


def _assignments(symbols: list[sp.Symbol], seed: int) -> Iterator[dict[sp.Symbol, sp.Rational]]:
    """Rational points that satisfy the symbols' assumptions, small ones first."""
    draw = random.Random(seed)
    for attempt in itertools.count(1):
        values = {}
        for symbol in symbols:
            denominator = 1 if symbol.is_integer else draw.randint(1, 4)
            value = sp.Rational(draw.randint(-attempt - 2, attempt + 2), denominator)
            if symbol.is_nonnegative:
                value = abs(value)
            if symbol.is_zero is False and value == 0:
                value = sp.Integer(1)
            values[symbol] = value
        yield values
        if not symbols:
            return
