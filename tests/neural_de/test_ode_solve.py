"""The engine against scipy, closed forms, a plain autograd implementation and finite differences on the frozen grid."""

import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from torch import nn

from sciml.neural_de.heuristics import HEURISTICS, norms, stiffness
from sciml.neural_de.solve import rk_step, solve
from sciml.neural_de.tableaus import TABLEAUS

ALL = tuple(HEURISTICS)
PAIRS = pytest.mark.parametrize("method", TABLEAUS)
STIFF = pytest.mark.parametrize("method", ["dopri5", "tsit5"])


def pendulum(t, y):
    return torch.stack([y[1], -torch.sin(y[0]) - 0.1 * torch.cos(2 * t)])


def start(dtype=torch.float64):
    return torch.tensor([1.0, 0.2], dtype=dtype)


def network(dtype=torch.float64, width=3):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(width, 8), nn.Tanh(), nn.Linear(8, width)).to(dtype)


def plain_step(f, t, y, h, tableau):
    """The textbook step on the ordinary tape."""
    slopes, arguments = [], []
    for row, c in zip(tableau.a, tableau.c, strict=True):
        g = y + h * sum((float(a) * k for a, k in zip(row, slopes, strict=True)), start=torch.zeros_like(y))
        arguments.append(g)
        slopes.append(f(y.new_tensor(t + float(c) * h), g))
    error = h * sum(float(e) * k for e, k in zip(tableau.error, slopes, strict=True))
    return g, error, slopes, arguments


@PAIRS
@pytest.mark.parametrize("span", [(0.0, 4.0), (1.0, -3.0)], ids=["forwards", "backwards"])
def test_agrees_with_scipy(method, span):
    exact = solve_ivp(
        lambda t, y: [y[1], -math.sin(y[0]) - 0.1 * math.cos(2 * t)], span, [1.0, 0.2], "DOP853", rtol=1e-12, atol=1e-13
    )
    found = solve(pendulum, start(), *span, method=method, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(found.y, exact.y[:, -1], atol=3e-6)
    assert found.ts[0] == span[0]
    assert found.ts[-1] == span[1]
    assert sum(found.steps) == pytest.approx(span[1] - span[0], rel=1e-13)


@PAIRS
@pytest.mark.parametrize("controller", ["I", "PI"])
def test_evaluations_are_counted_and_heuristics_cost_none(method, controller):
    calls = 0

    def counted(t, y):
        nonlocal calls
        calls += 1
        return pendulum(t, y)

    names = ALL if method != "bogacki-shampine" else ("RE", "RE2", "REn")
    for asked in ((), names):
        calls = 0
        found = solve(counted, start(), 0, 3, method=method, controller=controller, heuristics=asked, save_at=[0.1, 2])
        each = TABLEAUS[method].stages - 1
        assert calls == found.stats.nfe == each * (found.stats.accepted + found.stats.rejected) + 2
        given_first = solve(counted, start(), 0, 3, method=method, controller=controller, first_step=0.01)
        assert given_first.stats.nfe == each * (given_first.stats.accepted + given_first.stats.rejected) + 1


@STIFF
def test_gradients_are_those_of_a_plain_tape(method):
    net, tableau = network(), TABLEAUS[method]
    y0 = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    field = lambda t, y: net(y) * (1 + t)  # noqa: E731
    found = solve(field, y0, 0.0, 2.0, method=method, heuristics=("RE", "RS"), rtol=1e-4, atol=1e-4)
    y, RE, RS = y0, 0.0, 0.0
    for t, h in zip(found.ts, found.steps, strict=False):
        y, error, slopes, arguments = plain_step(field, t, y, h, tableau)
        RE = RE + h * error.norm()
        RS = RS + h * (slopes[-1] - slopes[-2]).norm() / (arguments[-1] - arguments[-2]).norm()
    torch.testing.assert_close(found.y, y, rtol=1e-12, atol=1e-13)
    wrt = [y0, *net.parameters()]
    pairs = [(found.y.sum(), y.sum()), (found.heuristics["RE"], RE), (found.heuristics["RS"], RS)]
    for ours, plain in pairs:
        torch.testing.assert_close(ours, plain, rtol=1e-9, atol=0)
        mine = torch.autograd.grad(ours, wrt, retain_graph=True)
        theirs = torch.autograd.grad(plain, wrt, retain_graph=True)
        for a, b in zip(mine, theirs, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-9 * float(b.abs().max()))


@STIFF
def test_gradcheck_on_the_frozen_grid(method):
    weight = torch.tensor(1.3, dtype=torch.float64, requires_grad=True)
    y0 = start().requires_grad_()

    def run(y0, weight, grid=None):
        field = lambda t, y: torch.stack([y[1], -weight * torch.sin(y[0]) * (1 + y[1] * t)])  # noqa: E731
        return solve(
            field, y0, 0, 2, method=method, grid=grid, heuristics=ALL, save_at=[0, 0.3, 0.31, 2], detach_scale=False
        )

    with torch.no_grad():
        chosen = run(y0, weight)
    units = {name: float(value) for name, value in chosen.heuristics.items()}

    def outputs(y0, weight):
        found = run(y0, weight, chosen.ts)
        return found.y, found.ys, *(value / units[name] for name, value in found.heuristics.items())

    assert torch.autograd.gradcheck(outputs, (y0, weight), eps=1e-5, atol=1e-5)


def test_gradients_when_parts_of_f_ignore_the_state_or_use_other_parameters():
    early, late = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (0.7, -0.4))

    def field(t, y):
        return early * torch.sin(3 * t) + 0 * y.detach() if t < 0.5 else late * y + early

    y0 = torch.ones(2, dtype=torch.float64, requires_grad=True)
    found = solve(field, y0, 0.0, 1.0, heuristics=("RE",), grid=[0.0, 0.3, 0.6, 0.8, 1.0])
    y, RE = y0, 0.0
    for t, h in zip(found.ts, found.steps, strict=False):
        y, error, *_ = plain_step(field, t, y, h, TABLEAUS["tsit5"])
        RE = RE + h * error.norm()
    for wrt in ([late], [early], [y0], [late, early]):  # partial passes through one retained graph, in any order
        for ours, plain in ((found.heuristics["RE"], RE), (found.y.sum(), y.sum())):
            mine = torch.autograd.grad(ours, wrt, retain_graph=True)
            theirs = torch.autograd.grad(plain, wrt, retain_graph=True)
            for a, b in zip(mine, theirs, strict=True):
                torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-13)


def test_gradients_do_not_depend_on_what_was_asked_before():
    weight = torch.randn(3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    y0 = torch.ones(2, 3, dtype=torch.float64, requires_grad=True)

    def solved():
        found = solve(
            lambda t, y: torch.sin(y @ weight), y0, 0, 1, heuristics=ALL, save_at=[0.3, 0.9], keep_states=True
        )
        return [*found.heuristics.values(), found.ys[0].sum(), found.y.sum()], found.states[2]

    fresh = [torch.autograd.grad(solved()[0][i], (weight, y0), allow_unused=True) for i in range(7)]
    values, middle = solved()
    for i in (3, 0, 5, 4, 6, 2, 5, 1, 3):
        torch.autograd.grad(values[0], middle, retain_graph=True)  # a pass that ends within the solve
        found = torch.autograd.grad(values[i], (weight, y0), retain_graph=True)
        assert all(torch.equal(x, y) for x, y in zip(found, fresh[i], strict=True))


@pytest.mark.parametrize("start", [1.0, 0.0])
def test_the_scale_shares_its_gradient_between_equal_states(start):
    """A state that stays where it is: max(|y|, |new|) has two equal arguments, as torch.maximum differentiates it."""
    weight = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    field = lambda t, y: torch.stack([torch.sin(weight * t) * y[0], 0 * y[1]])  # noqa: E731
    y0 = torch.tensor([start, 2.0], dtype=torch.float64, requires_grad=True)
    found = solve(field, y0, 0, 1, heuristics=("REn",), detach_scale=False, grid=[0.0, 0.4, 1.0], rtol=0.1, atol=0.1)
    t, y, total = 0.0, y0, torch.zeros((), dtype=torch.float64)
    for h in (0.4, 0.6):
        new, error, *_ = plain_step(field, t, y, h, TABLEAUS["tsit5"])
        total = total + (error / (0.1 + 0.1 * torch.maximum(y.abs(), new.abs()))).norm() / math.sqrt(2) * h
        t, y = t + h, new
    if start:
        torch.testing.assert_close(found.heuristics["REn"], total, rtol=1e-6, atol=0)
        for ours, theirs in zip(
            torch.autograd.grad(found.heuristics["REn"], (weight, y0)),
            torch.autograd.grad(total, (weight, y0)),
            strict=True,
        ):
            torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-14)
    else:
        assert all(
            torch.isfinite(x).all() and not x.any() for x in torch.autograd.grad(found.heuristics["REn"], (weight, y0))
        )


@PAIRS
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 1000), scale=st.floats(0.1, 5))
def test_replay_of_a_grid_is_bitwise_the_solve(method, seed, scale):
    torch.manual_seed(seed)
    net = network()
    y0 = torch.randn(2, 3, dtype=torch.float64)
    field = lambda t, y: scale * net(y)  # noqa: E731
    found = solve(field, y0, 0.1, 1.3, method=method, heuristics=("RE", "REn"), save_at=[0.2, 1.1])
    again = solve(field, y0, 0.1, 1.3, method=method, heuristics=("RE", "REn"), save_at=[0.2, 1.1], grid=found.ts)
    assert torch.equal(found.y, again.y)
    assert torch.equal(found.ys, again.ys)
    assert all(torch.equal(found.heuristics[name], again.heuristics[name]) for name in found.heuristics)
    assert found.steps == again.steps


@STIFF
def test_without_a_tape_the_numbers_are_the_same(method):
    net = network()
    y0 = torch.randn(5, 3, dtype=torch.float64)
    taped = solve(lambda t, y: net(y), y0, 0, 1, method=method, heuristics=ALL, save_at=[0.5])
    with torch.no_grad():
        bare = solve(lambda t, y: net(y), y0, 0, 1, method=method, heuristics=ALL, save_at=[0.5])
    assert torch.equal(taped.y, bare.y)
    assert torch.equal(taped.ys, bare.ys)
    assert not bare.y.requires_grad
    assert all(torch.equal(taped.heuristics[name], bare.heuristics[name]) for name in ALL)
    assert all(value.requires_grad for value in taped.heuristics.values())


@PAIRS
def test_saved_states(method):
    times = [0.0, 0.25, 0.2500001, 1.7, 3.0]
    exact = torch.tensor([[math.cos(t), -math.sin(t)] for t in times], dtype=torch.float64)
    oscillator = lambda t, y: torch.stack([y[1], -y[0]])  # noqa: E731
    y0 = torch.tensor([1.0, 0.0], dtype=torch.float64)
    found = solve(oscillator, y0, 0, 3, method=method, save_at=times, rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(found.ys, exact, rtol=0, atol=2e-6)
    assert torch.equal(found.ys[0], y0)
    assert torch.equal(found.ys[-1], found.y)
    as_tensor = solve(oscillator, y0, 0, 3, method=method, save_at=torch.tensor(times[:2]), rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(as_tensor.ys, found.ys[:2], rtol=0, atol=1e-12)
    assert solve(oscillator, y0, 0, 3, method=method, save_at=[]).ys.shape == (0, 2)
    assert solve(oscillator, y0, 0, 3, method=method).ys is None
    kept = solve(oscillator, y0, 0, 3, method=method, keep_states=True)
    assert len(kept.states) == len(kept.ts)
    assert torch.equal(kept.states[-1], kept.y)


@PAIRS
@settings(deadline=None, max_examples=25)
@given(theta=st.floats(0.001, 0.999))
def test_saved_states_are_the_dense_output_of_the_tableau(method, theta):
    y, h = start(), 0.7
    step = rk_step(pendulum, 0.0, y, h, method=method)
    weights = TABLEAUS[method].dense_weights(theta)
    expected = y + h * sum(float(b) * k for b, k in zip(weights, step.slopes, strict=True))
    found = solve(pendulum, y, 0.0, h, method=method, grid=[0.0, h], save_at=[theta * h])
    torch.testing.assert_close(found.ys[0], expected, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 1, 3)])
def test_dtype_and_shape_are_kept(dtype, shape):
    y0 = torch.ones(shape, dtype=dtype)
    found = solve(lambda t, y: -y * t, y0, 0, 1, heuristics=ALL, save_at=[0.5], rtol=1e-4, atol=1e-4)
    assert found.y.shape == shape
    assert found.ys.shape == (1, *shape)
    assert {found.y.dtype, found.ys.dtype, *(value.dtype for value in found.heuristics.values())} == {dtype}
    assert all(value.shape == () for value in found.heuristics.values())
    torch.testing.assert_close(found.y, torch.full(shape, math.exp(-0.5), dtype=dtype), rtol=1e-3, atol=0)


def test_a_state_that_is_not_contiguous():
    y0 = torch.randn(3, 4, dtype=torch.float64).t().requires_grad_()
    found = solve(lambda t, y: -y, y0, 0, 1, heuristics=ALL)
    torch.testing.assert_close(torch.autograd.grad(found.y.sum(), y0)[0], (found.y / y0).detach())


@STIFF
def test_an_equilibrium_has_zero_heuristics_with_finite_gradients(method):
    weight = torch.ones(2, 2, dtype=torch.float64, requires_grad=True)
    found = solve(lambda t, y: y @ weight, torch.zeros(3, 2, dtype=torch.float64), 0, 1, method=method, heuristics=ALL)
    for value in found.heuristics.values():
        assert value.item() == 0
        (gradient,) = torch.autograd.grad(value, weight, retain_graph=True)
        assert torch.equal(gradient, torch.zeros_like(weight))


def test_step_is_that_of_the_textbook():
    net = network()
    y = torch.randn(2, 3, dtype=torch.float64)
    for method, tableau in TABLEAUS.items():
        step = rk_step(lambda t, y: net(y), 0.3, y, -0.2, method=method)
        new, error, slopes, arguments = plain_step(lambda t, y: net(y), 0.3, y, -0.2, tableau)
        torch.testing.assert_close(step.y, new, rtol=1e-13, atol=1e-14)
        torch.testing.assert_close(step.error, error, rtol=1e-8, atol=1e-16)
        torch.testing.assert_close(step.slopes[-1], slopes[-1], rtol=1e-13, atol=1e-14)
        if tableau.stiffness_stages is None:
            assert step.stiffness is None
        else:
            S = (slopes[6] - slopes[5]).norm() / (arguments[6] - arguments[5]).norm()
            torch.testing.assert_close(step.stiffness, S, rtol=1e-8, atol=0)


def test_norms_and_stiffness():
    rows = [torch.randn(2, 3, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    assert torch.autograd.gradcheck(lambda *rows: norms(rows), rows)
    zero = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.grad(norms([zero]).sum(), zero)[0].abs().sum() == 0
    assert stiffness([zero, torch.ones(4)], [zero, torch.full((4,), 0.5)]).tolist() == [0.0, 2.0]


def good(**changes):
    options = {"f": pendulum, "y0": start(), "t0": 0.0, "t1": 1.0} | changes
    return solve(**options)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"t1": 0.0}, "t1 = t0"),
        ({"t1": math.inf}, "t1 is inf"),
        ({"t0": torch.tensor(0.0, requires_grad=True)}, "t0 requires a gradient"),
        ({"y0": torch.ones(2, dtype=torch.int64)}, "int64"),
        ({"y0": torch.ones(2, dtype=torch.complex64)}, "complex64"),
        ({"y0": torch.ones(2, dtype=torch.float16)}, "float16"),
        ({"y0": torch.ones(0, 2)}, r"shape \(0, 2\)"),
        ({"y0": [1.0, 2.0]}, "list"),
        ({"rtol": -1e-3}, "rtol"),
        ({"atol": math.nan}, "atol"),
        ({"atol": 0.0}, "atol is 0"),
        ({"method": "euler"}, "euler"),
        ({"controller": "PD"}, "PD"),
        ({"heuristics": ("R",)}, "'R'"),
        ({"heuristics": "RE"}, "string"),
        ({"heuristics": ("RS",), "method": "bogacki-shampine"}, "no stiffness estimate"),
        ({"heuristics": ("RSmax",), "method": "bogacki-shampine"}, "no stiffness estimate"),
        ({"save_at": [0.5, 0.5]}, "strictly"),
        ({"save_at": [0.5, 0.1]}, "strictly"),
        ({"save_at": [-0.1]}, "save_at runs"),
        ({"save_at": [1.1]}, "save_at runs"),
        ({"grid": [0.0]}, "grid has 1"),
        ({"grid": [0.0, 0.5]}, "grid has 2"),
        ({"grid": [0.0, 0.5, 0.4, 1.0]}, "strictly"),
        ({"first_step": 0.0}, "first_step"),
        ({"first_step": -0.1}, "first_step"),
        ({"max_steps": 0}, "max_steps"),
        ({"f": lambda t, y: y[:1]}, r"shape \(1,\)"),
        ({"f": lambda t, y: y.float()}, "float32"),
    ],
)
def test_bad_input_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        good(**changes)


def test_what_is_not_a_tensor_is_refused():
    with pytest.raises(TypeError, match="float"):
        good(f=lambda t, y: 1.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_steps": 3, "rtol": 1e-10, "atol": 1e-10}, r"max_steps = 3.*reached t = 0\.\d+"),
        ({"f": lambda t, y: y * torch.sqrt(0.5 - t)}, r"vanished at t = 0\.(49|5)"),
        (
            {"f": lambda t, y: y * torch.sqrt(0.5 - t), "grid": [0.0, 0.4, 0.8, 1.0]},
            "not finite at t = 0.8.*t = 0.4",
        ),
        ({"f": lambda t, y: y * math.nan}, "not finite at t0"),
        ({"y0": torch.tensor([1.0, math.inf])}, "not finite at t0"),
    ],
)
def test_failures_say_where(changes, message):
    with pytest.raises(RuntimeError, match=message):
        good(**changes)


def test_a_tolerance_below_rounding_warns():
    with pytest.warns(UserWarning, match="rounding"):
        good(y0=start(torch.float32), rtol=1e-7)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        good(rtol=1e-7)
        good(y0=start(torch.float32), rtol=1e-7, grid=[0.0, 0.5, 1.0])


def test_second_derivatives_are_refused():
    y0 = start().requires_grad_()
    with pytest.raises(RuntimeError, match="first derivatives"):
        torch.autograd.grad(good(y0=y0).y.sum(), y0, create_graph=True)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_the_numbers_are_those_of_the_cpu():
    net = network()
    y0 = torch.randn(5, 3, dtype=torch.float64)
    cpu = solve(lambda t, y: net(y), y0, 0, 1, heuristics=ALL, save_at=[0.5])
    net.cuda()
    gpu = solve(lambda t, y: net(y), y0.cuda(), 0, 1, heuristics=ALL, save_at=[0.5])
    assert gpu.y.device.type == "cuda"
    torch.testing.assert_close(gpu.ys.cpu(), cpu.ys, rtol=1e-10, atol=1e-12)
