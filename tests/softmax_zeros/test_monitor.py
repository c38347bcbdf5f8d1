"""The recorded radii are those of the steps taken, and recording changes no step."""

import csv
import math

import pytest
import torch
from torch import nn

from theory.softmax_zeros.bounds import rho_a
from theory.softmax_zeros.controller import RadiusClip
from theory.softmax_zeros.monitor import RadiusMonitor
from theory.softmax_zeros.radius import radius
from theory.softmax_zeros.slopes import logit_slopes


def problem(lr=0.1):
    torch.manual_seed(2)
    model = nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.Linear(8, 4)).double()
    return model, torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)


def batch(size=12):
    return torch.randn(size, 6, dtype=torch.float64), torch.randint(4, (size,))


def train(model, optimizer, data, monitors=(), after_step=lambda x, start: None):
    for x, y in data:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        for observer in monitors:
            observer.observe(x)
        start = {name: p.detach().clone() for name, p in model.named_parameters()}
        optimizer.step()
        after_step(x, start)


def test_rows_hold_the_radii_along_the_unit_direction():
    model, optimizer = problem(lr=5.0)
    monitor, expected = RadiusMonitor(optimizer, model), []

    def after(x, start):
        moved = {name: p.detach() - start[name] for name, p in model.named_parameters()}
        tau = math.sqrt(sum(float(d.square().sum()) for d in moved.values()))
        z, a = logit_slopes(model, start, x, {name: d / tau for name, d in moved.items()})
        support, exact = rho_a(a), radius(z, a).rho
        expected.append((tau, float(support.min()), int(support.argmin()), float(exact.min()), int(exact.argmin())))

    train(model, optimizer, [batch() for _ in range(6)], [monitor], after)
    for i, (row, (tau, support, sample, exact, sample_exact)) in enumerate(zip(monitor.table, expected, strict=True)):
        assert (row.step, row.sample, row.sample_exact) == (i, sample, sample_exact)
        assert (row.tau, row.rho_a, row.rho) == pytest.approx((tau, support, exact), rel=1e-9)
        assert (row.r, row.r_exact) == pytest.approx((tau / support, tau / exact), rel=1e-9)
        assert row.r_exact <= row.r


def test_monitoring_changes_no_step():
    data = [batch() for _ in range(5)]
    trained = []
    for watched in (False, True):
        model, optimizer = problem()
        train(model, optimizer, data, [RadiusMonitor(optimizer, model)] if watched else [])
        trained.append(list(model.parameters()))
    assert all(torch.equal(p, q) for p, q in zip(*trained, strict=True))


def test_every_counts_steps_and_remove_stops():
    model, optimizer = problem()
    monitor = RadiusMonitor(optimizer, model, every=3, chunk_size=5)
    train(model, optimizer, [batch() for _ in range(8)], [monitor])
    assert monitor.table.columns()["step"] == [0, 3, 6]
    monitor.remove()
    train(model, optimizer, [batch() for _ in range(3)])
    assert len(monitor.table) == 3


def test_it_sees_the_step_a_controller_takes():
    model, inner = problem(lr=50.0)
    clip = RadiusClip(inner, model, 0.5)
    monitor, reports = RadiusMonitor(clip, model), []
    train(model, clip, [batch() for _ in range(5)], [monitor, clip], lambda *_: reports.append(clip.report))
    for row, report in zip(monitor.table, reports, strict=True):
        assert (row.tau, row.r, row.sample) == (report.tau, report.r, report.sample)
    assert any(report.scale < 1.0 for report in reports)


def test_accumulated_batches_are_numbered_through():
    model, optimizer = problem()
    monitor = RadiusMonitor(optimizer, model)
    small, large = batch(4), batch(4)
    nn.functional.cross_entropy(model(large[0]), large[1]).backward()
    monitor.observe(small[0] * 1e-3)
    monitor.observe(large[0] * 1e3)
    optimizer.step()
    assert monitor.table[0].sample >= 4


def test_a_step_that_moves_no_logit_has_an_infinite_radius(tmp_path):
    model, optimizer = problem()
    monitor = RadiusMonitor(optimizer, model)
    monitor.observe(batch()[0])
    optimizer.step()
    row = monitor.table[0]
    assert (row.tau, row.rho_a, row.rho, row.r, row.r_exact, row.sample) == (0.0, math.inf, math.inf, 0.0, 0.0, -1)


def test_the_table_survives_the_trip_to_a_file(tmp_path):
    model, optimizer = problem()
    monitor = RadiusMonitor(optimizer, model)
    train(model, optimizer, [batch() for _ in range(3)], [monitor])
    monitor.table.to_csv(tmp_path / "radii.csv")
    with open(tmp_path / "radii.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for name, column in monitor.table.columns().items():
        assert [float(row[name]) for row in rows] == column


def test_bad_use_is_named():
    model, optimizer = problem()
    with pytest.raises(ValueError, match="every is 0"):
        RadiusMonitor(optimizer, model, every=0)
    with pytest.raises(ValueError, match="not in model"):
        RadiusMonitor(optimizer, problem()[0])
    RadiusMonitor(optimizer, model)
    with pytest.raises(RuntimeError, match=r"call observe\(inputs\) before"):
        optimizer.step()
