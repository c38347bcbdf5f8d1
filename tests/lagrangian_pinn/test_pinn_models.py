"""Residuals against nested autograd, invariants of the frame, strict conditions, prediction, files, bad input."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sciml.lagrangian_pinn import EulerianPINN, LagrangianPINN, Objective, Problem
from sciml.lagrangian_pinn.inversion import invert

L = 5.0


def u0(x):
    return 0.7 + torch.sin(2 * math.pi * x / L) + 0.3 * torch.cos(4 * math.pi * x / L)


def general(T=0.5):
    return Problem(
        f1=lambda x, t, w: w * w + 0.3 * torch.cos(2 * math.pi * x / L) + t,
        f2=lambda x, t, w: 0.05 + 0.01 * w * w + 0.01 * torch.sin(2 * math.pi * x / L),
        u0=u0,
        L=L,
        T=T,
    )


def burgers(c=0.0, nu=0.01, T=1.0):
    return Problem(lambda x, t, w: w, nu, lambda x: c + torch.sin(x), T=T)


def some_points(T, n=9, period=L):
    unit = torch.rand(2, n, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    return period * unit[0], T * unit[1]


def derivative(y, x):
    return torch.autograd.grad(y.sum(), x, create_graph=True)[0]


def branches(model, x, t):
    """The networks without jets, (B, N)."""
    net = model.network
    k = torch.arange(1, net.harmonics + 1, dtype=x.dtype)[:, None] * 2 * math.pi / net.L
    inputs = torch.cat([torch.cos(k * x), torch.sin(k * x), (2 * t / net.T - 1)[None]])
    outputs = []
    for branch in range(net.branches):
        a = inputs
        for index, (weight, bias) in enumerate(layers := net.layers(model.theta)):
            a = weight[branch] @ a + bias[branch][:, None]
            a = torch.tanh(a) if index < len(layers) - 1 else a
        outputs.append(a[0])
    return outputs


@pytest.mark.parametrize("shift", ["auto", 0.0, 2.5])
def test_lagrangian_residuals_against_nested_autograd(shift):
    problem = general()
    model = LagrangianPINN(problem, shift, harmonics=2, width=6, seed=1)
    xi, t = (v.requires_grad_() for v in some_points(problem.T))
    path, value = branches(model, xi, t)
    X = xi + model.frame * t + model.speed * t * path
    W = u0(xi) + model.rate * t * value
    J = derivative(X, xi)
    diffusion = derivative(derivative(W, xi) / J, xi)
    drift = derivative(X, t) - problem.velocity(X, t, W)
    change = J * derivative(W, t) - problem.diffusivity(X, t, W) * diffusion
    objective = Objective(model, xi.detach(), t.detach())
    residuals, _ = objective.residuals_and_jacobian(model.theta)
    expected = torch.cat([drift * problem.slope, change]) / model.rate / math.sqrt(len(t))
    torch.testing.assert_close(residuals, expected.detach(), rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("frame", ["auto", 0.0, 2.5])
def test_eulerian_residuals_against_nested_autograd(frame):
    problem = general()
    model = EulerianPINN(problem, frame, harmonics=2, width=6, seed=1)
    x, t = (v.requires_grad_() for v in some_points(problem.T))
    y = x - model.frame * t
    (value,) = branches(model, y, t)
    w = u0(y) + model.rate * t * value
    w_x = derivative(w, x)
    expected = derivative(w, t) + problem.velocity(x, t, w) * w_x - problem.diffusivity(x, t, w) * derivative(w_x, x)
    residuals, _ = Objective(model, y.detach(), t.detach()).residuals_and_jacobian(model.theta)
    torch.testing.assert_close(residuals * math.sqrt(len(t)) * model.rate, expected.detach(), rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize(
    "model",
    [
        LagrangianPINN(general(), harmonics=2, width=5),
        LagrangianPINN(Problem(3.0, 0.0, torch.sin), 0.0, width=5),
        EulerianPINN(general(), width=5),
        EulerianPINN(burgers(nu=0.0), width=5),
    ],
)
def test_jacobian_and_gradient_belong_to_the_residuals(model):
    theta = model.theta
    objective = Objective(model, *some_points(model.problem.T, period=model.problem.L))
    residuals, rows = objective.residuals_and_jacobian(theta)
    rows = rows.clone()
    assert objective.loss(theta) == pytest.approx(float(residuals.square().sum()), rel=1e-13)
    loss, gradient = objective.loss_and_gradient(theta)
    assert loss == pytest.approx(objective.loss(theta), rel=1e-13)
    torch.testing.assert_close(gradient, 2 * rows @ residuals, rtol=1e-9, atol=1e-9)
    direction = torch.randn(len(theta), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    h = 1e-5
    ahead = objective.residuals_and_jacobian(theta + h * direction)[0]
    behind = objective.residuals_and_jacobian(theta - h * direction)[0]
    torch.testing.assert_close(direction @ rows, (ahead - behind) / (2 * h), rtol=1e-5, atol=1e-6)


def test_burgers_on_characteristics_does_not_know_its_frame():
    rows = []
    for c in (0.0, 50.0):
        model = LagrangianPINN(burgers(c), seed=2)
        assert model.frame == pytest.approx(c, abs=1e-12)
        objective = Objective(model, *some_points(1.0))
        residuals, jacobian = objective.residuals_and_jacobian(model.theta)
        rows.append(torch.cat([residuals[None], jacobian]))
    torch.testing.assert_close(rows[0], rows[1], rtol=0, atol=50 * 50 * 2.3e-16)
    fixed = LagrangianPINN(burgers(50.0), 0.0, seed=2)
    assert Objective(fixed, *some_points(1.0)).loss(fixed.theta) > 100.0  # this one does


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6), st.floats(0.1, 5.0))
def test_conditions_hold_for_any_weights(seed, size):
    for model in (LagrangianPINN(general()), EulerianPINN(general(), 1.0)):
        noise = torch.randn(len(model.theta), dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
        model.theta = size * noise
        start, around = model.boundary_errors(*some_points(0.5))
        assert start <= 1e-13
        assert around <= 1e-10 * size


def test_single_precision():
    problem = general()
    for make in (LagrangianPINN, EulerianPINN):
        exact, single = make(problem), make(problem, dtype=torch.float32)
        x, t = some_points(0.5)
        loss = Objective(single, x.float(), t.float()).loss(single.theta)
        assert loss == pytest.approx(Objective(exact, x, t).loss(exact.theta), rel=1e-4)
        assert single.predict(x.numpy(), t.numpy()).dtype == np.float64
        assert single.predict(x.float(), t.float()).dtype == torch.float32


@pytest.fixture(scope="module")
def trained():
    """Inviscid Burgers at nine tenths of the time to the shock, where labels are stretched tenfold."""
    model = LagrangianPINN(burgers(20.0, 0.0, 0.9), seed=0)
    model.fit(budget_s=None, max_iter=150, n_colloc=256)
    return model


def test_prediction_inverts_the_characteristics(trained):
    xi = np.linspace(0.0, 2 * math.pi, 60, endpoint=False)[:, None]
    t = np.linspace(0.0, 0.9, 7)
    X, J, W = trained.characteristics(xi, t)
    assert X.shape == J.shape == W.shape == (60, 7)
    assert J.min() > 0.05
    np.testing.assert_allclose(trained.predict(X, t), W, atol=1e-10)
    np.testing.assert_allclose(trained.predict(X[:, 3] + 8 * math.pi, t[3]), W[:, 3], atol=1e-10)
    np.testing.assert_allclose(trained.predict(xi[:, 0], 0.0), 20 + np.sin(xi[:, 0]), atol=1e-13)


def test_prediction_keeps_kinds(trained):
    assert trained.predict(torch.zeros(3, 1), torch.zeros(2)).dtype == torch.float32
    assert trained.predict(np.zeros(3, np.float32), 0.0).dtype == np.float32
    assert trained.predict(np.arange(3), 0).dtype == np.float64
    assert trained.predict(torch.arange(3), 0).dtype == torch.float64
    assert isinstance(trained.predict(1, 0), float)
    assert trained.predict(np.zeros(3, np.float32), 0).dtype == np.float32
    assert trained.characteristics(np.zeros(3, np.float32), 0.1).X.dtype == np.float32
    single = LagrangianPINN(burgers(), width=4, dtype=torch.float32)
    assert {v.dtype for v in single.characteristics(np.zeros(3), 0.1)} == {np.dtype(np.float64)}
    assert EulerianPINN(burgers()).predict(np.zeros((4, 1)), np.zeros(3)).shape == (4, 3)


@pytest.mark.parametrize("T", [0.1, 0.3, 0.7, 1 / 3])
@pytest.mark.parametrize("make", [LagrangianPINN, EulerianPINN])
def test_prediction_up_to_the_ends_in_any_precision(make, T):
    model = make(burgers(c=1.0, T=T), width=4)
    for dtype in (torch.float64, torch.float32, torch.float16):
        t = torch.tensor([0.0, T], dtype=dtype)
        x = torch.tensor([[0.0], [2 * math.pi], [-2 * math.pi], [-1e-20]], dtype=dtype)
        w = model.predict(x, t)
        assert w.dtype == dtype
        exact = model.predict(0.0, torch.tensor([0.0, T], dtype=torch.float64))
        torch.testing.assert_close(w.double(), exact.expand(4, 2), rtol=0, atol=8 * torch.finfo(dtype).eps)
        assert torch.equal(w[0], model.predict(torch.zeros((), dtype=dtype), t))
        assert np.array_equal(w.numpy(), model.predict(x.numpy(), t.numpy()))
    with pytest.raises(ValueError, match="t contains"):
        model.predict(0.0, np.nextafter(np.float32(T), np.float32(1)) + np.float32(1e-6))


@pytest.mark.parametrize(
    ("x", "t", "message"),
    [
        (np.zeros(3), np.zeros(2), r"x has shape \(3,\), t has shape \(2,\)"),
        (np.zeros(3), 0.91, r"t contains 0.91; expected times in \[0, 0.9\]"),
        (0.0, -0.1, "t contains -0.1"),
        (math.nan, 0.0, "x contains nan"),
        (0.0, math.inf, "t contains inf"),
    ],
)
def test_bad_points(trained, x, t, message):
    with pytest.raises(ValueError, match=message):
        trained.predict(x, t)


@settings(deadline=None, max_examples=50)
@given(
    st.floats(0.0, 0.999), st.lists(st.floats(0.0, L, exclude_max=True), min_size=1, max_size=5), st.floats(-1e3, 1e3)
)
def test_inversion(steepness, labels, shift):
    def paths(xi, t):
        phase = 2 * math.pi * xi / L
        return xi + shift + steepness * L / (2 * math.pi) * torch.sin(phase), 1 + steepness * torch.cos(phase)

    xi = torch.tensor(labels, dtype=torch.float64)
    x, _ = paths(xi, xi)
    found = invert(paths, x, xi, torch.zeros_like(x), L)
    torch.testing.assert_close(paths(found, xi)[0], x, rtol=0, atol=1e-14 * (abs(shift) + 10 * L))


def test_inversion_does_not_cycle():
    """Newton's method for ξ + a sin ξ = 0 from the guess below returns to it after two steps."""
    a = 0.999
    cycle = torch.tensor([2.0], dtype=torch.float64)
    for _ in range(100):  # ξ ↦ −ξ: where the Newton step is −2ξ
        f = cycle + a * torch.sin(cycle) - 2 * cycle * (1 + a * torch.cos(cycle))
        slope = 1 + a * torch.cos(cycle) - 2 * (1 + a * torch.cos(cycle)) + 2 * cycle * a * torch.sin(cycle)
        cycle = cycle - f / slope
    zero = torch.zeros(1, dtype=torch.float64)
    found = invert(lambda xi, t: (xi + a * torch.sin(xi), 1 + a * torch.cos(xi)), zero, zero, cycle, 2 * math.pi)
    torch.testing.assert_close(torch.remainder(found + 1.0, 2 * math.pi) - 1.0, zero, rtol=0, atol=1e-12)


def test_inversion_refuses_a_fold():
    def paths(xi, t):
        return xi + 1.5 * torch.sin(xi), 1 + 1.5 * torch.cos(xi)

    x = torch.linspace(0.0, 6.0, 50, dtype=torch.float64)
    with pytest.raises(ArithmeticError, match="X is not monotone: ∂X/∂ξ = -"):
        invert(paths, x, x, x, 2 * math.pi)


def test_crossing_characteristics_are_not_interpolated(trained):
    model = LagrangianPINN(trained.problem, seed=3)
    weight, _ = model.network.layers(model.theta)[-1]
    weight[0] *= 100.0
    with pytest.raises(ArithmeticError, match="characteristics cross: ∂X/∂ξ = -"):
        model.predict(np.linspace(0, 6, 5), 0.9)
    assert np.isfinite(model.predict(np.linspace(0, 6, 5), 0.0)).all()


def test_save_and_load(trained, tmp_path):
    trained.save(tmp_path / "model.pt")
    again = LagrangianPINN.load(tmp_path / "model.pt", burgers(20.0, 0.0, 0.9))
    assert torch.equal(again.theta, trained.theta)
    x = np.linspace(0, 6, 5)
    np.testing.assert_array_equal(again.predict(x, 0.5), trained.predict(x, 0.5))
    with pytest.raises(ValueError, match="holds a LagrangianPINN; expected a EulerianPINN"):
        EulerianPINN.load(tmp_path / "model.pt", trained.problem)
    torch.save(trained.theta, tmp_path / "theta.pt")
    with pytest.raises(ValueError, match="path holds a Tensor; expected a LagrangianPINN"):
        LagrangianPINN.load(tmp_path / "theta.pt", trained.problem)
    single = EulerianPINN(trained.problem, "auto", dtype=torch.float32, seed=2)
    single.save(tmp_path / "single.pt")
    copy = EulerianPINN.load(tmp_path / "single.pt", trained.problem)
    assert (copy.theta.dtype, copy.frame) == (torch.float32, single.frame)
    np.testing.assert_array_equal(copy.predict(x, 0.9), single.predict(x, 0.9))
    with pytest.raises(ValueError, match="problem differs"):
        LagrangianPINN.load(tmp_path / "model.pt", burgers(20.0, 0.0, 0.8))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"frame_shift": "mean"}, ValueError, "frame_shift is 'mean'; expected a number or 'auto'"),
        ({"frame_shift": math.nan}, ValueError, "frame_shift is nan"),
        ({"width": 0}, ValueError, "width is 0"),
        ({"depth": 1.5}, TypeError, "depth is 1.5"),
        ({"harmonics": 0}, ValueError, "harmonics is 0"),
        ({"seed": -1}, ValueError, "seed is -1"),
        ({"dtype": torch.float16}, ValueError, "dtype is torch.float16"),
    ],
)
def test_bad_models(options, error, message):
    with pytest.raises(error, match=message):
        LagrangianPINN(burgers(), **options)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_training_on_a_gpu():
    model = LagrangianPINN(burgers(), device="cuda")
    report = model.fit(budget_s=None, max_iter=50)
    assert model.theta.is_cuda
    assert report.fresh_loss < 1e-1
    assert model.predict(np.zeros(3), 0.5).shape == (3,)
