"""Jets and both reverse passes against autograd and torch.func; periodicity for any weights."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sciml.lagrangian_pinn import PeriodicMLP, Sweep

ORDERS = (0, 1, 2)


def plain(net, theta, x, t):
    """The network written down once more, without jets."""
    k = torch.arange(1, net.harmonics + 1, dtype=x.dtype)[:, None] * 2 * math.pi / net.L
    inputs = torch.cat([torch.cos(k * x), torch.sin(k * x), (2 * t / net.T - 1)[None]])
    outputs = []
    for branch in range(net.branches):
        a = inputs
        for index, (weight, bias) in enumerate(layers := net.layers(theta)):
            a = weight[branch] @ a + bias[branch][:, None]
            a = torch.tanh(a) if index < len(layers) - 1 else a
        outputs.append(a[0])
    return torch.stack(outputs)


def autograd_jets(net, theta, x, t, order):
    x, t = x.clone().requires_grad_(), t.clone().requires_grad_()
    jets = []
    for value in plain(net, theta, x, t):
        v_x, v_t = torch.autograd.grad(value.sum(), (x, t), create_graph=True)
        (v_xx,) = torch.autograd.grad(v_x.sum(), x, create_graph=True)
        jets.append(torch.stack([value, v_t, v_x, v_xx])[: order + 2])
    return torch.stack(jets)


def setup(depth=2, branches=2, order=2, n=11):
    net = PeriodicMLP(5.0, 1.3, branches, 2, 6, depth)
    generator = torch.Generator().manual_seed(1)
    x, t = torch.rand(2, n, dtype=torch.float64, generator=generator)
    return net, net.initial(3) + 0.05, 5.0 * x, 1.3 * t


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("depth", "branches"), [(1, 1), (2, 2), (3, 1)])
def test_passes_against_autograd(depth, branches, order):
    net, theta, x, t = setup(depth, branches)
    sweep = Sweep(net, net.embed(x, t, order), block=4)
    parameters = theta.clone().requires_grad_()
    expected = autograd_jets(net, parameters, x, t, order)
    jets = sweep.forward(theta)
    torch.testing.assert_close(jets, expected.detach(), rtol=1e-12, atol=1e-13)
    seeds = torch.randn(jets.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    (gradient,) = torch.autograd.grad((seeds * expected).sum(), parameters)
    torch.testing.assert_close(sweep.gradient(seeds), gradient, rtol=1e-11, atol=1e-12)


def test_gradients_at_points_against_torch_func():
    net, theta, x, t = setup()
    sweep = Sweep(net, net.embed(x, t, 2), block=4)
    sweep.forward(theta)
    seeds = torch.ones(2, 4, len(x), dtype=torch.float64)
    seeds[1, 2:] = 0.0
    rows = torch.empty(net.n_parameters, len(x), dtype=torch.float64)
    sweep.gradients(seeds, rows)

    def at_a_point(theta, x, t):
        def value(x, t):
            return plain(net, theta, x[None], t[None])[:, 0]

        v, v_t = torch.func.jvp(value, (x, t), (torch.zeros_like(x), torch.ones_like(t)))
        _, v_x = torch.func.jvp(lambda x: value(x, t), (x,), (torch.ones_like(x),))
        v_xx = torch.func.jacfwd(torch.func.jacfwd(lambda x: value(x, t)))(x)
        return v.sum() + v_t.sum() + v_x[0] + v_xx[0]

    expected = torch.func.vmap(torch.func.jacrev(at_a_point), (None, 0, 0))(theta, x, t)
    torch.testing.assert_close(rows.T, expected, rtol=1e-11, atol=1e-12)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.floats(0.1, 30.0), st.floats(0.0, 20.0))
def test_periodic_for_any_weights(seed, size, x):
    net = PeriodicMLP(3.0, 1.0, 1, 3, 5, 2)
    theta = size * torch.randn(net.n_parameters, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    places = torch.tensor([x, x + 3.0], dtype=torch.float64)
    left, right = Sweep(net, net.embed(places, torch.ones_like(places) / 3, 2)).forward(theta).unbind(-1)
    torch.testing.assert_close(left, right, rtol=1e-8, atol=1e-11 * (1 + size) ** 6)


def test_initial_weights():
    net = PeriodicMLP(1.0, 1.0, 2, 1, 20, 2)
    assert net.n_parameters == len(net.initial(0)) == 1042
    assert torch.equal(net.initial(5), net.initial(5))
    assert not torch.equal(net.initial(5), net.initial(6))


def test_single_precision_is_kept():
    net, theta, x, t = setup()
    exact = Sweep(net, net.embed(x, t, 2)).forward(theta)
    single = Sweep(net, net.embed(x.float(), t.float(), 2)).forward(theta.float())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), exact, rtol=1e-3, atol=1e-3)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_same_on_a_gpu():
    net, theta, x, t = setup()
    there = Sweep(net, net.embed(x.cuda(), t.cuda(), 2)).forward(theta.cuda())
    torch.testing.assert_close(there.cpu(), Sweep(net, net.embed(x, t, 2)).forward(theta), rtol=1e-12, atol=1e-12)
