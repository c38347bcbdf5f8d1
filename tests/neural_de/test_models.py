"""Modules against the functions they wrap, closed forms, and the symmetries their docstrings state."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from torch import nn

from sciml.neural_de.models import Autonomous, LatentODE, NeuralODE, NeuralSDE, TimeMLP, negative_elbo
from sciml.neural_de.models.latent_ode import LatentPath
from sciml.neural_de.sde_solve import sde_solve
from sciml.neural_de.solve import solve

TIMES = [0.0, 0.2, 0.5, 0.6, 1.0]
GPU = pytest.param(
    "cuda", marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]
)
DEVICES = pytest.mark.parametrize("device", ["cpu", GPU])
DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


def ode(**options):
    torch.manual_seed(0)
    return NeuralODE(TimeMLP([3, 8, 3]), **options)


def sde(**options):
    torch.manual_seed(0)
    return NeuralSDE(TimeMLP([3, 8, 3]), Autonomous(nn.Linear(3, 3)), rtol=0.1, atol=0.1, **options)


def latent_ode(**options):
    torch.manual_seed(0)
    return LatentODE(NeuralODE(TimeMLP([4, 8, 4])), features=2, latent=4, hidden=5, **options)


def series(dtype=torch.float64, device="cpu", seed=0):
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(3, len(TIMES), 2, generator=generator, dtype=dtype)
    observed = torch.rand(3, len(TIMES), 2, generator=generator) < 0.6
    return values.to(device), observed.to(device)


MODELS = pytest.mark.parametrize(
    ("build", "call"),
    [
        (ode, lambda model: model(torch.ones(2, 3)).y),
        (sde, lambda model: model(torch.ones(2, 3), seed=1).y),
        (latent_ode, lambda model: model(*series(torch.float32), TIMES, noise=torch.ones(3, 4)).prediction),
    ],
    ids=["ODE", "SDE", "latent ODE"],
)


@pytest.mark.parametrize("bounded", [True, False])
def test_each_layer_sees_the_time(bounded):
    torch.manual_seed(0)
    field = TimeMLP([3, 8, 2], bounded=bounded)
    t, y = torch.tensor(0.7), torch.randn(4, 5, 3)
    with_time = lambda x: torch.cat([x, t.expand(4, 5, 1)], dim=-1)  # noqa: E731
    expected = field.layers[1](with_time(torch.tanh(field.layers[0](with_time(y)))))
    torch.testing.assert_close(field(t, y), torch.tanh(expected) if bounded else expected)


def test_field_has_forward_derivatives_for_taylor_terms():
    field = TimeMLP([3, 8, 3]).double()
    t, y = torch.tensor(0.3, dtype=torch.float64), torch.randn(2, 3, dtype=torch.float64)
    _, slope = torch.func.jvp(field, (t, y), (torch.ones_like(t), field(t, y)))
    ahead, behind = (field(t + h, y + h * field(t, y)) for h in (1e-5, -1e-5))
    torch.testing.assert_close(slope, (ahead - behind) / 2e-5, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("widths", [[3], [3, 0, 3], []])
def test_field_rejects_widths(widths):
    with pytest.raises(ValueError, match="widths is"):
        TimeMLP(widths)


def test_field_follows_its_activation():
    assert float(TimeMLP([2, 4, 2], nn.ReLU())(torch.tensor(0.0), torch.randn(9, 2)).detach().min()) >= 0


@DEVICES
@DTYPES
def test_neural_ode_is_the_solve_of_its_field(device, dtype):
    model, y0 = ode().to(device, dtype), torch.randn(5, 3, device=device, dtype=dtype)
    found = model(y0, t0=-0.5, t1=0.5, save_at=[0.0, 0.5], heuristics=("RE", "RS"), keep_states=True)
    expected = solve(model.field, y0, -0.5, 0.5, save_at=[0.0, 0.5], heuristics=("RE", "RS"), keep_states=True)
    assert torch.equal(found.ys, expected.ys)
    assert found.heuristics == expected.heuristics
    assert found.stats == expected.stats
    assert (found.y.dtype, found.y.device.type) == (dtype, device)


def test_neural_ode_solves_a_linear_equation():
    model = NeuralODE(Autonomous(nn.Linear(2, 2, bias=False)), t1=1.5, rtol=1e-10, atol=1e-10).double()
    y0 = torch.randn(4, 2, dtype=torch.float64)
    exact = y0 @ torch.linalg.matrix_exp(1.5 * model.field.net.weight).T
    torch.testing.assert_close(model(y0).y, exact, rtol=1e-8, atol=1e-9)


def test_neural_ode_passes_its_options_on():
    method = {"method": "dopri5", "rtol": 1e-3, "atol": 1e-4, "controller": "PI", "detach_scale": False}
    model = ode(**method)
    found = model(torch.ones(3), heuristics=("REn",))
    expected = solve(model.field, torch.ones(3), 0.0, 1.0, heuristics=("REn",), **method)
    assert found.heuristics == expected.heuristics
    with pytest.raises(RuntimeError, match="max_steps"):
        ode(max_steps=1, rtol=1e-5, atol=1e-5)(torch.ones(3))


def test_penalized_loss_has_gradients_everywhere():
    model = ode()
    solution = model(torch.randn(5, 3), heuristics=("RE", "RE2", "REn", "RS", "RSmax"))
    (solution.y.sum() + sum(solution.heuristics.values())).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@DEVICES
@DTYPES
def test_neural_sde_is_the_solve_of_its_fields(device, dtype):
    model, y0 = sde().to(device, dtype), torch.randn(5, 3, device=device, dtype=dtype)
    found = model(y0, seed=3, save_at=[0.5], heuristics=("REn",))
    options = {"rtol": 0.1, "atol": 0.1, "save_at": [0.5], "heuristics": ("REn",)}
    expected = sde_solve(model.drift, model.diffusion, y0, 0.0, 1.0, seed=3, **options)
    assert torch.equal(found.y, expected.y)
    assert torch.equal(found.ys, expected.ys)
    assert found.heuristics == expected.heuristics
    again = model(y0, brownian=found.path, grid=found.ts)
    assert torch.equal(found.y, again.y)
    assert not torch.equal(found.y, model(y0, seed=4).y)


def test_neural_sde_without_noise_is_the_neural_ode():
    model = sde(method="sriw1")
    nn.init.zeros_(model.diffusion.net.weight)
    nn.init.zeros_(model.diffusion.net.bias)
    model.rtol = model.atol = 1e-3
    y0 = torch.randn(2, 3)
    torch.testing.assert_close(model(y0, seed=0).y, NeuralODE(model.drift)(y0).y, rtol=1e-3, atol=1e-3)


@MODELS
def test_a_saved_model_is_the_same_model(build, call, tmp_path):
    model, other = build(), build()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(1.0)
    torch.save(model.state_dict(), tmp_path / "model.pt")
    assert not torch.equal(call(model), call(other))
    other.load_state_dict(torch.load(tmp_path / "model.pt"))
    assert torch.equal(call(model), call(other))


@MODELS
def test_every_parameter_is_trained(build, call):
    model = build()
    call(model).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@DEVICES
@DTYPES
def test_latent_ode_shapes(device, dtype):
    model = latent_ode().to(device, dtype)
    path = model(*series(dtype, device), TIMES, heuristics=("RE",))
    assert path.prediction.shape == (3, 5, 2)
    assert path.mean.shape == path.log_std.shape == (3, 4)
    assert path.solution.heuristics["RE"].requires_grad
    for tensor in (path.prediction, path.mean):
        assert (tensor.dtype, tensor.device.type) == (dtype, device)


def test_latent_path_starts_at_the_posterior_draw():
    model, noise = latent_ode().double(), torch.randn(3, 4, dtype=torch.float64)
    path = model(*series(), TIMES, noise=noise)
    torch.testing.assert_close(path.prediction[:, 0], model.decoder(path.mean + path.log_std.exp() * noise))
    torch.testing.assert_close(path.prediction[:, -1], model.decoder(path.solution.y))


@pytest.mark.parametrize("filling", [math.nan, math.inf, 7.0])
def test_what_was_not_observed_does_not_matter(filling):
    model, (values, observed) = latent_ode().double(), series()
    filled = torch.where(observed, values, filling)
    first, second = (model(v, observed, TIMES, noise=torch.zeros(3, 4).double()) for v in (values, filled))
    assert torch.equal(first.prediction, second.prediction)
    assert torch.equal(negative_elbo(first, values, observed, 0.1), negative_elbo(second, filled, observed, 0.1))


@settings(max_examples=30, deadline=None)
@given(when=st.floats(0.01, 1.5), seed=st.integers(0, 100))
def test_a_time_without_observations_does_not_change_the_posterior(when, seed):
    model, (values, observed) = latent_ode().double(), series(seed=seed)
    place = sum(time < when for time in TIMES)
    if when in TIMES:
        return
    times = [*TIMES[:place], when, *TIMES[place:]]
    gap = torch.zeros(3, 1, 2)
    more = torch.cat([values[:, :place], gap.double(), values[:, place:]], dim=1)
    mask = torch.cat([observed[:, :place], gap.bool(), observed[:, place:]], dim=1)
    for expected, found in zip(model.encode(values, observed, TIMES), model.encode(more, mask, times), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_posterior_does_not_depend_on_the_origin_of_time_or_on_other_series():
    model, (values, observed) = latent_ode().double(), series()
    mean, _ = model.encode(values, observed, TIMES)
    later, _ = model.encode(values, observed, [time + 10 for time in TIMES])
    alone, _ = model.encode(values[1:2], observed[1:2], TIMES)
    torch.testing.assert_close(later, mean)
    torch.testing.assert_close(alone, mean[1:2])


def test_a_series_without_observations_has_a_posterior():
    model, (values, observed) = latent_ode().double(), series()
    path = model(values, torch.zeros_like(observed), TIMES)
    assert path.prediction.isfinite().all()
    assert negative_elbo(path, values, torch.zeros_like(observed), 0.1).isfinite()


def test_negative_elbo_against_scipy_and_torch():
    model, (values, observed) = latent_ode().double(), series()
    path = model(values, observed, TIMES, noise=torch.zeros(3, 4).double())
    likelihood = norm.logpdf(values, path.prediction.detach(), 0.3)[observed].sum() / 3
    posterior = torch.distributions.Normal(path.mean, path.log_std.exp())
    prior = torch.distributions.Normal(torch.zeros_like(path.mean), 1.0)
    divergence = torch.distributions.kl_divergence(posterior, prior).sum() / 3
    torch.testing.assert_close(negative_elbo(path, values, observed, 0.3, 0.5), 0.5 * divergence - likelihood)


def test_negative_elbo_gradient():
    values, observed = series()
    shapes = (values.shape, (3, 4), (3, 4))
    inputs = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]

    def loss(prediction, mean, log_std):
        return negative_elbo(LatentPath(prediction, mean, log_std, None), values, observed, 0.5, 0.7)

    assert torch.autograd.gradcheck(loss, inputs)


@pytest.mark.parametrize("name", ["features", "latent", "hidden"])
def test_latent_ode_rejects_widths(name):
    with pytest.raises(ValueError, match=f"{name} is 0"):
        LatentODE(ode(), **{"features": 2, "latent": 3, "hidden": 4, name: 0})


def test_latent_ode_rejects_series():
    model, (values, observed) = latent_ode().double(), series()
    with pytest.raises(ValueError, match="times is"):
        model(values, observed, TIMES[::-1])
    with pytest.raises(ValueError, match="times is"):
        model(values[:, :1], observed[:, :1], [0.0])
    with pytest.raises(ValueError, match="times is"):
        model(values, observed, [*TIMES[:-1], math.nan])
    with pytest.raises(ValueError, match="values has shape"):
        model(values[..., :1], observed[..., :1], TIMES)
    with pytest.raises(ValueError, match="observed has dtype"):
        model(values, observed.double(), TIMES)
    with pytest.raises(ValueError, match="observed has dtype"):
        model(values, observed[:2], TIMES)
    with pytest.raises(ValueError, match="noise has shape"):
        model(values, observed, TIMES, noise=torch.zeros(3, 5))


def test_negative_elbo_rejects():
    model, (values, observed) = latent_ode().double(), series()
    path = model(values, observed, TIMES)
    with pytest.raises(ValueError, match="noise_std is 0"):
        negative_elbo(path, values, observed, 0)
    with pytest.raises(ValueError, match="kl_weight is -1"):
        negative_elbo(path, values, observed, 0.1, -1)
    with pytest.raises(ValueError, match="values has shape"):
        negative_elbo(path, values[:1], observed, 0.1)
    with pytest.raises(ValueError, match="observed has shape"):
        negative_elbo(path, values, observed[:, :2], 0.1)
