"""The networks and the second route to derivatives that the claims about training and landscapes stand on."""

import math

import pytest
import torch

from sciml.lagrangian_pinn import Objective
from sciml.lagrangian_pinn.claims.landscape import half_loss, jets, points
from sciml.lagrangian_pinn.claims.trained_networks import KINDS, Case, Recipe, SoftPINN, grid, train
from sciml.lagrangian_pinn.networks import PeriodicMLP, Sweep


@pytest.mark.parametrize("order", [0, 1, 2])
def test_automatic_differentiation_agrees_with_the_recurrences(order):
    network = PeriodicMLP(3.0, 2.0, 2, 3, 5, 2)
    weights, (place, time) = network.initial(1), points()
    expected = Sweep(network, network.embed(place, time, order)).forward(weights)
    torch.testing.assert_close(jets(network, weights, place, time, order), expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("kind", ["fixed", "moving", "paper", "scaled", "shifted", "label diffusion"])
def test_half_the_loss_is_half_the_loss_of_training(kind):
    model = KINDS[kind](Case("Burgers", 2.0, 0.1).problem(), 0)
    half = half_loss(model, *points())(model.theta)
    assert float(half) == pytest.approx(Objective(model, *points()).loss(model.theta) / 2, rel=1e-10)


def test_a_soft_start_weighs_an_eighth_of_the_points_by_100():
    case = Case("convection", 3.0)
    model = SoftPINN(case.problem(), harmonics=1)
    x, t = torch.linspace(0, 6, 64, dtype=torch.float64), torch.linspace(0, 1, 64, dtype=torch.float64)
    known = model.points(x, t)
    equation, start = model.residuals(Sweep(model.network, model.network.embed(x, t, 1)).forward(model.theta), known)
    early = known.t == 0
    assert int(early.sum()) == 8
    assert not bool(equation[early].any())
    assert not bool(start[~early].any())
    misfit = model.predict(x[early], 0.0) - torch.sin(x[early])
    torch.testing.assert_close(start[early], 10 * misfit)


def test_the_equation_of_a_soft_start_is_the_one_at_the_times_it_is_asked():
    model = SoftPINN(Case("convection", 3.0).problem(), harmonics=1)
    x, t = torch.full((5,), 1.0, dtype=torch.float64), torch.linspace(0.3, 0.9, 5, dtype=torch.float64)
    jet = Sweep(model.network, model.network.embed(x, t, 1)).forward(model.theta)
    equation, _ = model.residuals(jet, model.points(x, t))
    asked, h = (t - 1 / 8) * 8 / 7, 1e-5
    w_t = (model.predict(x, asked + h) - model.predict(x, asked - h)) / (2 * h)
    w_x = (model.predict(x + h, asked) - model.predict(x - h, asked)) / (2 * h)
    torch.testing.assert_close(equation, w_t + 3.0 * w_x, rtol=1e-7, atol=1e-8)


def test_a_run_is_made_once_and_measured_on_the_grid():
    recipe = Recipe("ssbroyden", 60, 64)
    run = train("moving", Case("convection", 7.0), recipe, 0)
    assert train("moving", Case("convection", 7.0), recipe, 0) is run
    x, t = grid()
    exact = torch.sin(x - 7.0 * t)
    error = (run.model.predict(x, t) - exact).norm() / exact.norm()
    assert run.error == pytest.approx(float(error), rel=1e-12)
    assert run.error < 0.05
    assert math.isclose(float(t[-1]), 1.0)
