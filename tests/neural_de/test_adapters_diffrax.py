"""The wrapping solver of diffrax against our engine on the same grid, and against steps taken one by one."""

import functools
import itertools

import numpy as np
import pytest
import torch

from sciml.neural_de.heuristics import HEURISTICS
from sciml.neural_de.solve import solve

diffrax = pytest.importorskip("diffrax", reason="needs diffrax")

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402

from sciml.neural_de.adapters.diffrax import HeuristicSolver, heuristics_of  # noqa: E402

ALL = tuple(HEURISTICS)
ERRORS = ("RE", "RE2", "REn")
TOLERANCE = 1e-4
OURS = {diffrax.Tsit5: "tsit5", diffrax.Dopri5: "dopri5", diffrax.Bosh3: "bogacki-shampine"}


@pytest.fixture(autouse=True)
def _double_precision():
    with jax.enable_x64(True):
        yield


@functools.cache
def numbers():
    rng = np.random.default_rng(0)
    return rng.normal(size=(3, 4)), rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=(3, 4)) / 4


def term(weights):
    first, second = weights
    return diffrax.ODETerm(lambda t, y, args: jnp.tanh(y @ first + t) @ second)


def run(first, inner, span=(0.0, 2.0), *, names=ALL, grid=None, adjoint=None, detach_scale=True):
    """A solve whose first step is far too long, or one on a grid."""
    solver = HeuristicSolver(inner, names, rtol=TOLERANCE, atol=TOLERANCE, detach_scale=detach_scale)
    controller = diffrax.PIDController(rtol=TOLERANCE, atol=TOLERANCE) if grid is None else diffrax.StepTo(ts=grid)
    return diffrax.diffeqsolve(
        term((first, jnp.array(numbers()[1]))),
        solver,
        *span,
        span[1] - span[0] if grid is None else None,
        jnp.array(numbers()[2]),
        stepsize_controller=controller,
        saveat=diffrax.SaveAt(t0=True, steps=True, solver_state=True),
        adjoint=adjoint or diffrax.RecursiveCheckpointAdjoint(),
        max_steps=64,
    )


def grid_of(solution):
    ts = np.asarray(solution.ts)
    return ts[np.isfinite(ts)]


def ours(method, span, names, grid):
    first, second, y0, _ = map(torch.tensor, numbers())
    first.requires_grad_()
    options = {"rtol": TOLERANCE, "atol": TOLERANCE, "heuristics": names, "grid": grid.tolist()}
    found = solve(lambda t, y: torch.tanh(y @ first + t) @ second, y0, *span, method=method, **options)
    gradients = {
        name: torch.autograd.grad(x, first, retain_graph=True)[0].numpy() for name, x in found.heuristics.items()
    }
    return {name: x.item() for name, x in found.heuristics.items()}, gradients


def along(first, direction, solve_):
    """Values, derivatives along a direction, and the solution, in one pass."""
    return jax.jvp(lambda x: (heuristics_of(y := solve_(x)), y), (first,), (direction,), has_aux=True)


@pytest.mark.parametrize(("inner", "span"), [(diffrax.Tsit5, (2.0, 0.0)), (diffrax.Dopri5, (0.0, 2.0))])
def test_solver_and_engine_agree_on_the_grid(inner, span):
    """To 1e-9, which leaves some thousand roundings for the cancellation in err and k_7 − k_6; steps were rejected."""
    first, direction = jnp.array(numbers()[0]), jnp.array(numbers()[3])
    forward = functools.partial(run, inner=inner(), span=span, adjoint=diffrax.ForwardMode())
    found, slopes, solution = along(first, direction, forward)
    assert int(solution.stats["num_rejected_steps"]) > 0
    values, gradients = ours(OURS[inner], span, ALL, grid_of(solution))
    assert found.keys() == set(ALL)
    for name in ALL:
        np.testing.assert_allclose(found[name], values[name], rtol=1e-9)
        size = np.linalg.norm(gradients[name]) * np.linalg.norm(direction)
        np.testing.assert_allclose(slopes[name], (gradients[name] * numbers()[3]).sum(), rtol=0, atol=1e-9 * size)


def test_backpropagation_through_rejected_steps():
    def total(first, c):
        solution = run(first, diffrax.Tsit5())
        return sum(c[name] * value for name, value in heuristics_of(solution).items()), solution

    first = jnp.array(numbers()[0])
    solution = run(first, diffrax.Tsit5())
    assert int(solution.stats["num_rejected_steps"]) > 0
    values, gradients = ours("tsit5", (0.0, 2.0), ALL, grid_of(solution))
    gradient, _ = jax.grad(total, has_aux=True)(first, {name: 1 / value for name, value in values.items()})
    expected = sum(gradients[name] / values[name] for name in ALL)
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-9 * abs(expected).max())


def test_a_pair_without_equal_nodes_has_the_error_sums():
    solution = run(jnp.array(numbers()[0]), diffrax.Bosh3(), names=ERRORS)
    values, _ = ours("bogacki-shampine", (0.0, 2.0), ERRORS, grid_of(solution))
    for name in ERRORS:
        np.testing.assert_allclose(heuristics_of(solution)[name], values[name], rtol=1e-9)


def test_gradients_are_differences_on_the_frozen_grid():
    first, direction = jnp.array(numbers()[0]), jnp.array(numbers()[3])
    forward = functools.partial(run, inner=diffrax.Tsit5(), adjoint=diffrax.ForwardMode(), detach_scale=False)
    values, slopes, solution = along(first, direction, forward)
    step = jax.jit(lambda s: heuristics_of(forward(first + s * direction, grid=grid_of(solution))))
    at = {s: step(s) for s in (1e-4, -1e-4, 2e-4, -2e-4)}
    for name in ALL:
        near, far = ((at[s][name] - at[-s][name]) / (2 * s) for s in (1e-4, 2e-4))
        allowed = abs(far - near) + 1e-5 * (abs(near) + abs(values[name]))
        assert abs(slopes[name] - near) <= allowed, name


def test_what_diffrax_asks_of_a_solver_is_forwarded():
    first = jnp.array(numbers()[0])
    usual = run(first, diffrax.Tsit5(), names=ERRORS)
    direct = run(first, diffrax.Tsit5(), names=ERRORS, adjoint=diffrax.DirectAdjoint())
    for name in ERRORS:
        np.testing.assert_allclose(heuristics_of(direct)[name], heuristics_of(usual)[name], rtol=1e-12)
    for inner in (diffrax.ImplicitEuler(), diffrax.HalfSolver(diffrax.Euler())):
        found = simple(inner=inner)
        assert heuristics_of(found)["RE"] > 0
        np.testing.assert_allclose(found.ys[0], np.exp(-1), atol=0.1)


def sde(scale, path):
    drift = diffrax.ODETerm(lambda t, y, args: -scale * jnp.sin(3 * y))
    diffusion = diffrax.ControlTerm(lambda t, y, args: jnp.diag(0.3 * scale * jnp.cos(y)), path)
    return diffrax.MultiTerm(drift, diffusion)


def test_sde_solvers_with_an_error_estimate():
    """Against the steps of diffrax's own solver taken one by one, and differences on the frozen grid."""
    path = diffrax.VirtualBrownianTree(
        0.0, 1.0, tol=1e-6, shape=(2,), key=jax.random.key(3), levy_area=diffrax.SpaceTimeLevyArea
    )
    y0 = jnp.array([0.7, -0.2])
    tolerance = 1e-2

    def solution_of(scale, grid=None):
        control = diffrax.PIDController(rtol=tolerance, atol=tolerance, pcoeff=0.1, icoeff=0.3)
        return diffrax.diffeqsolve(
            sde(scale, path),
            HeuristicSolver(diffrax.SPaRK(), ERRORS, rtol=tolerance, atol=tolerance, detach_scale=False),
            0.0,
            1.0,
            None if grid is not None else 0.5,
            y0,
            stepsize_controller=control if grid is None else diffrax.StepTo(ts=grid),
            saveat=diffrax.SaveAt(t0=True, steps=True, solver_state=True),
            adjoint=diffrax.ForwardMode(),
            max_steps=256,
        )

    values, slopes, solution = along(1.3, 1.0, solution_of)
    grid = grid_of(solution)
    assert int(solution.stats["num_rejected_steps"]) > 0

    @jax.jit
    def step(t0, t1, y):
        inner, terms = diffrax.SPaRK(), sde(1.3, path)
        return inner.step(terms, t0, t1, y, None, inner.init(terms, t0, t1, y, None), False)[:2]

    y, expected = y0, dict.fromkeys(ERRORS, 0.0)
    for t0, t1 in itertools.pairwise(grid):
        new, error = map(np.asarray, step(t0, t1, y))
        q = error / (tolerance * (1 + np.maximum(abs(np.asarray(y)), abs(new))))
        expected["RE"] += np.linalg.norm(error) * (t1 - t0)
        expected["RE2"] += error @ error
        expected["REn"] += np.sqrt(np.mean(q**2)) * (t1 - t0)
        y = new
    on_grid = jax.jit(lambda scale: heuristics_of(solution_of(scale, grid)))
    ahead, behind = on_grid(1.3 + 1e-5), on_grid(1.3 - 1e-5)
    for name in ERRORS:
        np.testing.assert_allclose(values[name], expected[name], rtol=1e-9)
        np.testing.assert_allclose(slopes[name], (ahead[name] - behind[name]) / 2e-5, rtol=1e-5)


def simple(
    y0=None, *, inner=None, adjoint=None, state=True, dt0=0.1, controller=None, field=lambda t, y, args: -y, **options
):
    return diffrax.diffeqsolve(
        diffrax.ODETerm(field),
        HeuristicSolver(inner or diffrax.Tsit5(), **{"rtol": 1e-3, "atol": 1e-3} | options),
        0.0,
        1.0,
        dt0,
        jnp.ones(2) if y0 is None else y0,
        stepsize_controller=controller or diffrax.PIDController(rtol=1e-3, atol=1e-3),
        saveat=diffrax.SaveAt(t1=True, solver_state=state),
        adjoint=adjoint or diffrax.RecursiveCheckpointAdjoint(),
    )


def test_samples_of_a_vmap_have_their_own_sums():
    scales = jnp.array([0.5, 3.0])
    sums = lambda scale: heuristics_of(simple(y0=scale * jnp.ones(2), heuristics=("RE", "RS")))  # noqa: E731
    both = jax.vmap(sums)(scales)
    for i, scale in enumerate(scales):
        alone = sums(scale)
        for name in ("RE", "RS"):
            np.testing.assert_allclose(both[name][i], alone[name], rtol=1e-10)


def test_a_tree_is_one_state_and_an_equilibrium_is_harmless():
    def sums(weight):
        field = lambda t, y, args: {"a": weight * y["a"], "b": y["b"] * 0}  # noqa: E731
        y0 = {"a": jnp.zeros(2), "b": jnp.ones(())}
        return heuristics_of(simple(y0=y0, field=field, heuristics=ALL, adjoint=diffrax.ForwardMode()))

    values, slopes = jax.jvp(sums, (1.0,), (1.0,))
    for name in ALL:
        assert values[name] == slopes[name] == 0


def test_steps_that_are_not_finite():
    """A controller rejects them without a trace; accepted ones show."""
    field = lambda t, y, args: -jnp.sqrt(y)  # noqa: E731
    rejected = simple(field=field, heuristics=ALL, dt0=1.0, y0=jnp.full(2, 0.3))
    assert int(rejected.stats["num_rejected_steps"]) > 0
    assert all(jnp.isfinite(value) for value in heuristics_of(rejected).values())
    accepted = simple(field=field, heuristics=ALL, dt0=1.0, y0=jnp.full(2, 0.03), controller=diffrax.ConstantStepSize())
    assert all(value == jnp.inf for value in heuristics_of(accepted).values())


def test_single_precision_is_kept():
    with jax.enable_x64(False):
        solution = simple(heuristics=ALL)
    assert {value.dtype for value in heuristics_of(solution).values()} == {jnp.dtype("float32")}


def test_an_adjoint_that_does_not_see_the_steps_is_refused():
    def loss(y0):
        return heuristics_of(simple(y0=y0, adjoint=diffrax.BacksolveAdjoint()))["RE"]

    with pytest.raises(ValueError, match="BacksolveAdjoint"):
        jax.grad(loss)(jnp.ones(2))
    with pytest.raises(ValueError, match="ImplicitAdjoint"):
        simple(adjoint=diffrax.ImplicitAdjoint())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: HeuristicSolver(diffrax.Tsit5(), ("R",)), "'R'"),
        (lambda: HeuristicSolver(diffrax.Tsit5(), "RE"), "string"),
        (lambda: HeuristicSolver(diffrax.Tsit5(), ()), "empty"),
        (lambda: HeuristicSolver(diffrax.Tsit5(), ("REn",)), "REn needs those of the controller"),
        (lambda: HeuristicSolver(diffrax.Bosh3(), ("RS",)), "bogacki-shampine"),
        (lambda: HeuristicSolver(diffrax.Dopri8(), ("RS",)), "asked of Dopri8"),
        (lambda: HeuristicSolver(diffrax.SPaRK(), ("RSmax",)), "asked of SPaRK"),
        (lambda: HeuristicSolver(diffrax.Euler(), ("R",)), "'R'"),
        (lambda: heuristics_of(simple(state=False)), r"solver_state is a NoneType"),
        (lambda: simple(y0=jnp.ones(2, jnp.complex128)), "complex128"),
    ],
)
@pytest.mark.filterwarnings("ignore:Complex dtype")
def test_bad_input_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_what_a_solver_or_a_term_does_not_have_is_refused():
    def fixed(solver, terms):
        return diffrax.diffeqsolve(terms, solver, 0.0, 1.0, 0.1, jnp.ones(2))

    with pytest.raises(ValueError, match="Euler made no error estimate"):
        fixed(HeuristicSolver(diffrax.Euler()), diffrax.ODETerm(lambda t, y, args: -y))
    control = diffrax.LinearInterpolation(jnp.array([0.0, 1.0]), jnp.array([0.0, 1.0]))
    with pytest.raises(ValueError, match="expected an ODETerm"):
        fixed(HeuristicSolver(diffrax.Tsit5(), ("RS",)), diffrax.ControlTerm(lambda t, y, args: -y, control))
