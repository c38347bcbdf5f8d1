"""The recorder of torchdiffeq solves against our engine on the same grid, and what it guards against."""

import functools

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from sciml.neural_de.heuristics import HEURISTICS
from sciml.neural_de.solve import solve

torchdiffeq = pytest.importorskip("torchdiffeq", reason="needs torchdiffeq")

from sciml.neural_de.adapters.torchdiffeq import METHODS, Recorder, odeint  # noqa: E402

ALL = tuple(HEURISTICS)
ERRORS = ("RE", "RE2", "REn")
FORWARDS, BACKWARDS = [0.0, 0.7, 2.0], [2.0, 0.5, 0.0]


def names(method):
    return ALL if method == "dopri5" else ERRORS


def times(values, dtype=torch.float64):
    return torch.tensor(values, dtype=dtype)


def problem(dtype=torch.float64):
    torch.manual_seed(0)
    weights = [torch.randn(3, 8, dtype=dtype).requires_grad_(), torch.randn(8, 3, dtype=dtype).requires_grad_()]
    return lambda t, y: torch.tanh(y @ weights[0] + t) @ weights[1], torch.randn(4, 3, dtype=dtype), weights


def gradients(heuristics, weights):
    return {name: torch.autograd.grad(x, weights, retain_graph=True) for name, x in heuristics.items()}


def assert_same(found, expected, weights, rtol=1e-9):
    """Values and gradients; 1e-9 leaves some thousand roundings for the cancellation in err and k_7 − k_6."""
    assert found.keys() == expected.keys()
    ours, theirs = gradients(expected, weights), gradients(found, weights)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=rtol, atol=0)
        for a, b in zip(theirs[name], ours[name], strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=rtol * float(b.abs().max()))


@pytest.mark.parametrize("values", [FORWARDS, BACKWARDS], ids=["forwards", "backwards"])
@pytest.mark.parametrize("detach_scale", [True, False])
@pytest.mark.parametrize("method", METHODS)
def test_recorder_and_engine_agree_on_the_grid(method, values, detach_scale):
    f, y0, weights = problem()
    options = {"rtol": 1e-4, "atol": 1e-4, "heuristics": names(method), "detach_scale": detach_scale}
    ys, recorder = odeint(f, y0, times(values), method=method, **options)
    named = "bogacki-shampine" if method == "bosh3" else method
    ours = solve(f, y0, values[0], values[-1], method=named, grid=recorder.ts, **options)
    torch.testing.assert_close(ys[-1], ours.y, rtol=1e-11, atol=1e-12)
    assert recorder.stats.accepted == ours.stats.accepted
    assert_same(recorder.heuristics, ours.heuristics, weights)


@pytest.mark.parametrize("method", METHODS)
def test_gradients_are_differences_on_the_frozen_grid(method):
    f, y0, weights = problem()
    options = {"rtol": 1e-4, "atol": 1e-4, "heuristics": names(method), "detach_scale": False}
    _, recorder = odeint(f, y0, times(FORWARDS), method=method, **options)
    torch.manual_seed(1)
    direction = torch.randn_like(weights[0])
    direction /= direction.norm()
    found = {name: (g[0] * direction).sum() for name, g in gradients(recorder.heuristics, weights).items()}

    def on_grid(step):
        def moved(t, y):
            return torch.tanh(y @ (weights[0] + step * direction) + t) @ weights[1]

        named = "bogacki-shampine" if method == "bosh3" else method
        return solve(moved, y0, 0.0, 2.0, method=named, grid=recorder.ts, **options).heuristics

    with torch.no_grad():
        near, far = ([on_grid(s)[name] - on_grid(-s)[name] for name in found] for s in (1e-4, 2e-4))
        sizes = [abs(value) for value in recorder.heuristics.values()]
    for name, a, b, size in zip(found, near, far, sizes, strict=True):
        difference, truncation = a / 2e-4, abs(b / 4e-4 - a / 2e-4)
        assert abs(found[name] - difference) <= truncation + 1e-5 * (abs(difference) + size), name


def test_evaluations_and_states_are_those_of_torchdiffeq():
    f, y0, _ = problem()
    calls = 0

    def counted(t, y):
        nonlocal calls
        calls += 1
        return f(t, y)

    t = times(FORWARDS)
    theirs = torchdiffeq.odeint(counted, y0, t, rtol=1e-5, atol=1e-5, options={"step_t": t[-1:]})
    before, calls = calls, 0
    ys, recorder = odeint(counted, y0, t, rtol=1e-5, atol=1e-5, heuristics=ALL)
    assert torch.equal(ys, theirs)
    assert calls == before == recorder.stats.nfe
    assert calls == 6 * (recorder.stats.accepted + recorder.stats.rejected) + 2


class Leaking(Recorder):
    """A recorder that leaves the step size as it comes."""

    def callback_step(self, t0, y0, dt):
        super().callback_step(t0, y0, dt.clone())


def test_the_automatic_first_step_carries_no_gradient():
    f, y0, weights = problem()
    t, options = times(FORWARDS), {"rtol": 1e-4, "atol": 1e-4}
    gaps = []
    for kind in (Recorder, Leaking):
        recorder = kind(f, t, heuristics=ALL, **options)
        torchdiffeq.odeint(recorder, y0, t, options=recorder.options, **options)
        ours = solve(f, y0, 0.0, 2.0, method="dopri5", grid=recorder.ts, heuristics=ALL, **options)
        pairs = (gradients(x.heuristics, weights)["RS"][0] for x in (recorder, ours))
        found, expected = pairs
        gaps.append(float((found - expected).norm() / expected.norm()))
    assert gaps[0] < 1e-9
    assert gaps[1] > 1e-6


def test_steps_end_at_the_last_time():
    f, y0, _ = problem()
    t, options = times(FORWARDS), {"rtol": 1e-4, "atol": 1e-4}
    _, recorder = odeint(f, y0, t, **options)
    assert recorder.ts[0] == 0
    assert recorder.ts[-1] == 2
    overshooting = Recorder(f, t, **options)
    with pytest.raises(RuntimeError, match=r"beyond t\[-1\] = 2.0"):
        torchdiffeq.odeint(overshooting, y0, t, **options)


@pytest.mark.parametrize("end", [0.3, -0.3])
@pytest.mark.parametrize("short", [0.0, 1e-16, 1e-11])
def test_no_step_of_rounding_length_is_added(end, short):
    f, y0, _ = problem()
    options = {"first_step": 0.3 * (1 - short)}
    _, recorder = odeint(f, y0, times([0.0, end]), atol=1e3, options=options, heuristics=ALL)
    assert recorder.ts == (0.0, end)


def test_error_is_three_halves_of_the_one_torchdiffeq_controls():
    f, y0, _ = problem()
    seen = []

    def norm(scaled):
        seen.append(scaled.detach().norm())
        return scaled.pow(2).mean().sqrt()

    options = {"norm": norm, "first_step": 0.05}
    _, recorder = odeint(f, y0, times([0.0, 0.05]), rtol=0.0, atol=1.0, options=options, heuristics=("RE",))
    assert recorder.stats.accepted == len(seen) == 1
    torch.testing.assert_close(recorder.heuristics["RE"].detach(), 1.5 * seen[0] * 0.05, rtol=1e-9, atol=0)


def test_the_continuous_adjoint_is_refused():
    f, y0, weights = problem()
    t = times(FORWARDS)
    recorder = Recorder(f, t)
    ys = torchdiffeq.odeint_adjoint(recorder, y0, t, options=recorder.options, adjoint_params=tuple(weights))
    with pytest.raises(RuntimeError, match="odeint_adjoint"):
        _ = recorder.heuristics
    ys[-1].sum().backward()
    with torch.no_grad():
        assert recorder.heuristics["RE"] > 0


def test_without_a_tape_the_numbers_are_the_same():
    f, y0, _ = problem()
    _, taped = odeint(f, y0, times(FORWARDS), heuristics=ALL, rtol=1e-4, atol=1e-4)
    with torch.no_grad():
        _, bare = odeint(f, y0, times(FORWARDS), heuristics=ALL, rtol=1e-4, atol=1e-4)
        assert all(torch.equal(bare.heuristics[name], taped.heuristics[name]) for name in ALL)
        assert not bare.heuristics["RE"].requires_grad


@pytest.mark.parametrize("values", [FORWARDS, BACKWARDS], ids=["forwards", "backwards"])
def test_a_tuple_is_one_state(values):
    f, y0, weights = problem()

    def split(t, parts):
        return f(t, torch.cat(parts))[:1], f(t, torch.cat(parts))[1:]

    options = {"rtol": 1e-4, "atol": 1e-4, "heuristics": ALL}
    _, parts = odeint(split, (y0[:1], y0[1:]), times(values), **options)
    ours = solve(f, y0, values[0], values[-1], method="dopri5", grid=parts.ts, **options)
    assert_same(parts.heuristics, ours.heuristics, weights)


def test_points_that_the_user_sets_are_kept():
    f, y0, weights = problem()
    t = times(FORWARDS)
    options = {"rtol": 1e-4, "atol": 1e-4, "heuristics": ALL}
    for name, points in (("step_t", [0.31, 1.1]), ("jump_t", [0.31]), ("step_t", [2.0]), ("jump_t", [0.31, 2.0])):
        _, recorder = odeint(f, y0, t, options={name: times(points)}, **options)
        assert set(points) <= set(recorder.ts)
        ours = solve(f, y0, 0.0, 2.0, method="dopri5", grid=recorder.ts, **options)
        assert_same(recorder.heuristics, ours.heuristics, weights)


def test_a_jump_restarts_the_slope():
    y0, t = torch.ones(2, dtype=torch.float64), times([0.0, 1.0])
    field = lambda t, y: (1.0 if t < 0.5 else -3.0) * y  # noqa: E731
    _, recorder = odeint(field, y0, t, rtol=1e-3, atol=1e-3, options={"jump_t": times([0.5])}, heuristics=("RE",))
    expected = 0.0
    for a, b in ((0.0, 0.5), (0.5, 1.0)):
        grid = [x for x in recorder.ts if a <= x <= b]
        half = solve(
            lambda t, y, a=a: (1.0 if a == 0 else -3.0) * y,
            y0,
            a,
            b,
            method="dopri5",
            grid=grid,
            heuristics=("RE",),
            keep_states=True,
        )
        expected, y0 = expected + half.heuristics["RE"], half.y
    torch.testing.assert_close(recorder.heuristics["RE"], expected, rtol=1e-9, atol=0)


def test_an_equilibrium_has_zero_heuristics_with_finite_gradients():
    weight = torch.ones(2, 2, dtype=torch.float64, requires_grad=True)
    zeros = torch.zeros(3, 2, dtype=torch.float64)
    _, recorder = odeint(lambda t, y: y @ weight, zeros, times([0.0, 1.0]), heuristics=ALL)
    for value in recorder.heuristics.values():
        assert value.item() == 0
        (gradient,) = torch.autograd.grad(value, weight, retain_graph=True)
        assert torch.equal(gradient, torch.zeros_like(weight))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dtype_is_kept(dtype):
    f, y0, _ = problem(dtype)
    ys, recorder = odeint(f, y0, times([0.0, 1.0], dtype), rtol=1e-3, atol=1e-3, heuristics=ALL)
    assert {ys.dtype, *(value.dtype for value in recorder.heuristics.values())} == {dtype}
    assert all(value.shape == () for value in recorder.heuristics.values())


def test_bad_input_is_refused():
    f, y0, _ = problem()
    t = times(FORWARDS)
    with pytest.raises(ValueError, match="rk4"):
        odeint(f, y0, t, method="rk4")
    with pytest.raises(ValueError, match="'R'"):
        odeint(f, y0, t, heuristics=("R",))
    with pytest.raises(ValueError, match="RS was asked of bogacki-shampine"):
        odeint(f, y0, t, method="bosh3", heuristics=("RS",))
    with pytest.raises(ValueError, match="at least two times"):
        odeint(f, y0, t[:1])


def test_a_recorder_serves_one_solve():
    f, y0, _ = problem()
    t = times(FORWARDS)
    recorder = Recorder(f, t)
    with pytest.raises(RuntimeError, match=r"up to t = 0.0; expected one up to 2.0"):
        _ = recorder.heuristics
    torchdiffeq.odeint(recorder, y0, t, options=recorder.options)
    with pytest.raises(RuntimeError, match="already seen a solve"):
        torchdiffeq.odeint(recorder, y0, t, options=recorder.options)


def test_a_training_loop_gets_cheaper():
    """One import and one term of the loss: fewer evaluations at the same accuracy on held-out digits."""
    x, label = load_digits(return_X_y=True)
    x, label = torch.tensor(x, dtype=torch.float32) / 16, torch.tensor(label)
    t, evaluations, accuracy = torch.tensor([0.0, 1.0]), [], []
    for weight in (0.0, 1.0):
        torch.manual_seed(0)
        field, head = nn.Sequential(nn.Linear(64, 50), nn.Tanh(), nn.Linear(50, 64), nn.Tanh()), nn.Linear(64, 10)
        optimizer = torch.optim.Adam([*field.parameters(), *head.parameters()], 0.01)
        solve_ = functools.partial(odeint, lambda t, y, field=field: field(y), rtol=1e-5, atol=1e-5)
        for _ in range(40):
            batch = torch.randint(1297, (128,))
            ys, recorder = solve_(x[batch], t, heuristics=("REn",))
            loss = nn.functional.cross_entropy(head(ys[-1]), label[batch]) + weight * recorder.heuristics["REn"]
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            ys, recorder = solve_(x[1297:], t)
        evaluations.append(recorder.stats.nfe)
        accuracy.append((head(ys[-1]).argmax(1) == label[1297:]).double().mean().item())
    assert evaluations[1] < 0.8 * evaluations[0]
    assert accuracy[1] > accuracy[0] - 0.05


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_the_numbers_are_those_of_the_cpu():
    _, y0, weights = problem()
    found = []
    for device in ("cpu", "cuda"):
        first, second = (w.detach().to(device) for w in weights)
        _, recorder = odeint(
            lambda t, y, first=first, second=second: torch.tanh(y @ first + t) @ second,
            y0.to(device),
            times(FORWARDS).to(device),
            rtol=1e-4,
            atol=1e-4,
            heuristics=ALL,
        )
        with torch.no_grad():
            found.append({name: value.cpu() for name, value in recorder.heuristics.items()})
    torch.testing.assert_close(found[1], found[0], rtol=1e-8, atol=0)
