"""Whatever trains or measures a network says in its evidence what was run.

Read off the code, as running every experiment would take minutes: a claim that leads to the digits, by whatever
functions it or its mutants call, either has its experiment repeated by `Check.reproduces`, which refuses to go without
a set-up, or notes one.
"""

import ast
import functools
import inspect
import textwrap
import types
from collections.abc import Mapping

import pytest

from theory.softmax_zeros.claims import paper
from verify import Check

PACKAGE = "theory.softmax_zeros.claims"


def functions_in(value):
    """The functions that a value is, wraps or contains."""
    match value:
        case functools.partial():
            yield from functions_in(value.func)
        case Mapping():
            yield from functions_in(list(value.values()))
        case tuple() | list():
            for entry in value:
                yield from functions_in(entry)
        case _ if callable(value) and isinstance(function := inspect.unwrap(value), types.FunctionType):
            yield function


def called(function):
    """Functions that the code of ``function``, a default or a closure of it names."""
    codes = [function.__code__]
    for code in codes:
        codes.extend(constant for constant in code.co_consts if isinstance(constant, types.CodeType))
    names = {name for code in codes for name in code.co_names}
    yield from functions_in([function.__globals__.get(name) for name in names])
    yield from functions_in([cell.cell_contents for cell in function.__closure__ or ()])
    yield from functions_in(function.__defaults__ or ())


def uses_the_digits(claim):
    waiting, seen = list(functions_in([claim.body, claim.mutants, claim.controls])), set()
    while waiting:
        function = waiting.pop()
        if function.__name__ == "load_digits":
            return True
        if function not in seen and function.__module__.startswith(PACKAGE):
            waiting.extend(called(function))
        seen.add(function)
    return False


def is_described(body):
    """Whether it calls ``check.reproduces(..., setup=…)`` or ``check.note(setup=…)``."""
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(body)))):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name("check"), attr="reproduces" | "note"), keywords=given):
                if any(keyword.arg == "setup" for keyword in given):
                    return True
    return False


EXPERIMENTS = [claim for claim in paper.claims.values() if uses_the_digits(claim)]


@pytest.mark.parametrize("claim", EXPERIMENTS, ids=lambda claim: claim.name)
def test_an_experiment_states_its_setup(claim):
    assert is_described(claim.body)


def test_experiments_are_told_from_what_trains_nothing():
    names = {claim.name for claim in EXPERIMENTS}
    assert {"figure_8_shows_no_failure_below_r_1", "no_bound_is_violated_on_trained_networks"} <= names
    assert not names & {"no_model_fails_below_r_1", "controller_exceeds_every_fixed_rate_by_2_7_points"}
    tagged = {claim.name for claim in paper.claims.values() if "empirical" in claim.tags}
    assert tagged - names == {"the_top_two_formula_is_too_long_for_most_random_samples"}


def test_a_body_without_a_setup_is_noticed():
    def silent(check):
        check.forall(lambda: True)
        check.note(printed={"accuracy": 1})

    assert not is_described(silent)


def test_a_setup_is_stored_with_the_evidence():
    check = Check("quick", seed=42)
    paper.claims["figure_8_is_reproduced_to_the_printed_digit"].body(check)
    for evidence, steps in zip(check.evidence, (30, 180, 700), strict=True):
        (told,) = [value for name, value in evidence.numbers["setup"].items() if name.startswith("linear")]
        assert told == f"SGD at 0.1, {steps} steps of 64"
        assert evidence.numbers["seeds"] == [42]
        assert all("printed" in row for row in evidence.numbers["measured"].values())
