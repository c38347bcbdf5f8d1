"""Short fits against exact solutions, determinism, limits, and what the report flags."""

import math
import time
import warnings

import numpy as np
import pytest
import torch

from sciml.lagrangian_pinn import (
    CharacteristicsCross,
    EulerianPINN,
    JacobianCollapse,
    JacobianWarning,
    LagrangianPINN,
    PrecisionWarning,
    Problem,
    SpuriousSolutionWarning,
    burgers_bound,
    check_jacobian,
    convection_bound,
)
from theory.characteristics import burgers_exact, inviscid_burgers

X = np.linspace(0, 2 * math.pi, 64, endpoint=False)[:, None]


def burgers(c=0.0, nu=0.1, T=1.0):
    return Problem(lambda x, t, w: w, nu, lambda x: c + torch.sin(x), T=T)


def largest_error(model, exact):
    t = np.linspace(0, model.problem.T, 9)
    return float(np.abs(model.predict(X, t) - exact(X, t)).max())


@pytest.mark.parametrize(("optimizer", "iterations"), [("ssbroyden", 40), ("lm", 15)])
def test_convection_is_solved_to_rounding_without_a_shift(optimizer, iterations):
    model = LagrangianPINN(Problem(50.0, 0.0, torch.sin), 0.0, width=8)
    report = model.fit(optimizer, None, max_iter=300, n_colloc=64, target=1e-13)
    assert report.stopped == "target"
    assert largest_error(model, lambda x, t: np.sin(x - 50 * t)) < 1e-11
    assert report.certificate is not None
    assert report.n_iter < 300


@pytest.mark.parametrize("make", [lambda p: LagrangianPINN(p), lambda p: EulerianPINN(p, "auto")])
def test_viscous_burgers(make):
    model = make(burgers(30.0))
    report = model.fit(budget_s=None, max_iter=250, n_colloc=256)
    assert largest_error(model, lambda x, t: burgers_exact(x, t, 0.1, 1.0, 30.0)) < 5e-3
    assert not report.spurious
    assert report.ic_error < 1e-12
    assert report.periodic_error < 1e-12
    assert report.stopped == "iterations"
    if isinstance(model, LagrangianPINN):
        assert report.min_J == pytest.approx(0.17, abs=0.03)
    else:
        assert report.min_J is None
    assert report.certificate is None


def test_the_example_of_the_package():
    """Traffic flow is Burgers' equation for 1 − 2w, here 0.2 + 0.4 sin(x − π/2) at the start."""
    problem = Problem(lambda x, t, w: 1.0 - 2.0 * w, 0.02, lambda x: 0.4 + 0.2 * torch.cos(x), T=1.5)
    model = LagrangianPINN(problem)
    model.fit(budget_s=None, max_iter=150, n_colloc=256)
    exact = lambda x, t: 0.5 - burgers_exact(x - math.pi / 2, t, 0.02, 0.4, 0.2) / 2.0  # noqa: E731
    assert largest_error(model, exact) < 1e-3


def test_certificate_bounds_the_error():
    model = LagrangianPINN(burgers(5.0, 0.0, 0.7))
    report = model.fit("lbfgs", None, max_iter=40, n_colloc=128)
    error = largest_error(model, lambda x, t: inviscid_burgers(x, t, lambda s: 5 + np.sin(s), np.cos))
    assert 1e-6 < error < report.certificate


def test_certificates():
    assert convection_bound(1e-3, 1e-4, 2.0, 0.5) == pytest.approx(1.05e-3)
    assert burgers_bound(1e-3, 1e-4, 1.0, -1.0, 0.5) == pytest.approx(5e-5 + (5e-4 + 1.25e-5) / 0.5)
    with pytest.raises(ValueError, match="t is 1; expected a time before the shock at 1"):
        burgers_bound(1e-3, 1e-4, 1.0, -1.0, 1.0)
    with pytest.raises(ValueError, match="eps_x is -1"):
        convection_bound(-1.0, 0.0, 1.0, 1.0)


@pytest.mark.parametrize("optimizer", ["ssbroyden", "lm", "lbfgs", "adam"])
def test_same_result_twice(optimizer):
    results = []
    for _ in range(2):
        model = LagrangianPINN(burgers(), width=6, seed=3)
        report = model.fit(optimizer, None, max_iter=12, n_colloc=64, resample_every=5)
        results.append((model.theta, report.train_loss, report.fresh_loss, report.n_iter))
    assert torch.equal(results[0][0], results[1][0])
    assert results[0][1:] == results[1][1:]
    assert results[0][3] == 12


def test_limits():
    model = EulerianPINN(burgers(), width=6)
    report = model.fit(budget_s=0.3, n_colloc=128, resample_every=None)
    assert report.stopped == "budget"
    assert report.cpu_s < 2.0
    loss = report.train_loss
    again = model.fit(budget_s=None, max_iter=20, n_colloc=128, resample_every=None)
    assert again.train_loss < loss  # it goes on from there


def test_callback_sees_each_iterate_and_costs_nothing():
    model, seen = EulerianPINN(burgers(), width=4), []

    def callback(iteration, cpu_s, loss):
        sum(range(1_000_000))
        seen.append((iteration, cpu_s, loss, float(model.predict(1.0, 1.0))))

    start = time.process_time()
    report = model.fit(budget_s=None, max_iter=30, n_colloc=32, callback=callback)
    total = time.process_time() - start
    iterations, seconds, losses, values = zip(*seen, strict=True)
    assert iterations == tuple(range(1, 31))
    assert list(seconds) == sorted(seconds)
    assert losses[-1] == report.train_loss
    assert len(set(values)) > 20
    assert report.cpu_s < 0.7 * total


def test_progress_bar_writes_to_the_standard_error(capsys):
    EulerianPINN(burgers(), width=6).fit(budget_s=None, max_iter=3, n_colloc=64, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "loss" in err


def test_spurious_solutions_are_flagged():
    model = EulerianPINN(Problem(50.0, 0.0, torch.sin))
    with pytest.warns(SpuriousSolutionWarning, match="residual small only on training points"):
        report = model.fit("lm", None, max_iter=120, n_colloc=128, resample_every=None)
    assert report.spurious
    assert report.fresh_loss > 10.0
    assert largest_error(model, lambda x, t: np.sin(x - 50 * t)) > 0.5


def test_sound_and_unfinished_runs_are_not_flagged():
    with warnings.catch_warnings():
        warnings.simplefilter("error", SpuriousSolutionWarning)
        assert not EulerianPINN(Problem(50.0, 0.0, torch.sin)).fit(budget_s=None, max_iter=3, n_colloc=64).spurious
        assert not LagrangianPINN(Problem(50.0, 0.0, torch.sin), 0.0).fit(budget_s=None, max_iter=60).spurious


def test_crossing_characteristics_are_refused():
    with pytest.raises(CharacteristicsCross, match=r"cross at t\* = 1 ") as caught:
        LagrangianPINN(burgers(50.0, 0.0, 1.0)).fit()
    assert caught.value.t_star == pytest.approx(1.0)
    assert caught.value.xi == pytest.approx(math.pi)
    EulerianPINN(burgers(50.0, 0.0, 1.0), "auto", width=4).fit(budget_s=None, max_iter=1, n_colloc=16)


def test_collapse_is_refused_or_warned_of():
    with pytest.raises(JacobianCollapse, match=r"predicted to fall to .*EulerianPINN"):
        LagrangianPINN(burgers(50.0, 0.01, 1.5)).fit()
    with pytest.warns(JacobianWarning, match="predicted to fall to"):
        LagrangianPINN(burgers(50.0, 0.01, 1.5), width=4).fit(budget_s=None, max_iter=1, n_colloc=16, force=True)
    narrow = burgers(0.0, 0.03, 1.2)
    with pytest.warns(JacobianWarning, match="0.0197") as in_training:
        LagrangianPINN(narrow, width=4).fit(budget_s=None, max_iter=1, n_colloc=16)
    with pytest.warns(JacobianWarning, match="0.0197") as alone:
        check_jacobian(narrow)
    assert in_training[0].filename == alone[0].filename == __file__


def test_collapse_in_training_ends_it(monkeypatch):
    model = LagrangianPINN(burgers(), width=4)
    answers = iter([True])
    monkeypatch.setattr(model, "admissible", lambda jets, points: next(answers, False))
    with pytest.raises(JacobianCollapse, match="fell to 0 in 25 steps in a row, all rejected"):
        model.fit(budget_s=None, max_iter=100, n_colloc=16)


def test_crossing_in_the_result_is_warned_of():
    model = LagrangianPINN(burgers(20.0, 0.0, 0.9), width=6)
    weight, _ = model.network.layers(model.theta)[-1]
    weight[0] *= 100.0
    with pytest.warns(JacobianWarning, match="characteristics cross: ∂X/∂ξ falls to -"):
        report = model.fit("adam", None, max_iter=1, n_colloc=64)
    assert report.min_J < 0.0


def test_coefficients_that_are_not_finite_later_on():
    for least, resample_every in ((0.25, None), (0.495, 1)):  # at the first points of training, and at later ones
        problem = Problem(lambda x, t, w, least=least: torch.sqrt(least - t) + 0 * w, 0.0, torch.sin, T=0.5)
        with pytest.raises(ValueError, match="f1 or f2 returned nan"):
            EulerianPINN(problem, width=4).fit(budget_s=None, max_iter=40, n_colloc=8, resample_every=resample_every)


def test_single_precision_with_a_hard_target():
    model = LagrangianPINN(burgers(), dtype=torch.float32, width=6)
    with pytest.warns(PrecisionWarning, match="target is 1e-05, but residuals in float32"):
        model.fit(budget_s=None, max_iter=5, n_colloc=64, target=1e-5)
    assert model.theta.dtype == torch.float32


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": "sgd"}, "optimizer is 'sgd'; expected one of ssbroyden, lm, lbfgs, adam"),
        ({"budget_s": None}, "expected at least one limit"),
        ({"budget_s": 0.0}, "budget_s is 0.0"),
        ({"max_iter": 0}, "max_iter is 0"),
        ({"n_colloc": 1500}, "n_colloc is 1500; expected a power of two"),
        ({"resample_every": 0}, "resample_every is 0"),
        ({"target": -1.0}, "target is -1.0"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        LagrangianPINN(burgers()).fit(**options)
