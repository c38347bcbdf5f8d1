"""The estimates of adaptive torchsde solves against Milstein steps by hand on the same grid and path."""

import itertools
import math

import pytest
import torch
from torch import nn

torchsde = pytest.importorskip("torchsde", reason="needs torchsde")

from sciml.neural_de.adapters.torchsde import sdeint  # noqa: E402

ALL = ("RE", "RE2", "REn")
TS = torch.tensor([0.0, 0.3, 1.0], dtype=torch.float64)
TOLERANCE = 1e-2


class SDE(nn.Module):
    """dX = −a sin 3X dt + 0.3 a cos X dW."""

    noise_type, sde_type = "diagonal", "ito"

    def __init__(self, a=1.3):
        super().__init__()
        self.a = nn.Parameter(torch.tensor(a, dtype=torch.float64))
        self.nfe = 0

    def f(self, t, y):
        self.nfe += 1
        return -self.a * torch.sin(3 * y)

    def g(self, t, y):
        return 0.3 * self.a * torch.cos(y)


def start(dtype=torch.float64):
    return torch.full((3, 2), 0.7, dtype=dtype)


def path(dtype=torch.float64):
    """One path, whatever is asked of it and in which order."""
    return torchsde.BrownianInterval(
        0.0,
        1.0,
        size=(3, 2),
        dtype=dtype,
        entropy=5,
        levy_area_approximation="space-time",
        halfway_tree=True,
        tol=1e-8,
    )


def milstein(a, h, dw, y):
    f, g, slope = -a * torch.sin(3 * y), 0.3 * a * torch.cos(y), -0.3 * a * torch.sin(y)
    return y + f * h + g * dw + g * slope * (dw**2 - h) / 2


def by_hand(a, grid, detach_scale=True):
    """The three sums, from steps and their halves on this grid."""
    w, y, total = path(), start(), dict.fromkeys(ALL, 0.0)
    for t0, t1 in itertools.pairwise(grid):
        middle, h = (t0 + t1) / 2, t1 - t0
        whole = milstein(a, h, w(t0, t1), y)
        new = milstein(a, h / 2, w(middle, t1), milstein(a, h / 2, w(t0, middle), y))
        error = whole - new
        scale = TOLERANCE * (1 + torch.maximum(y.abs(), new.abs()))
        q = error / (scale.detach() if detach_scale else scale)
        total["RE"] = total["RE"] + error.norm() * h
        total["RE2"] = total["RE2"] + error.square().sum()
        total["REn"] = total["REn"] + q.norm() / math.sqrt(6) * h
        y = new
    return total, y


def adaptive(sde, **options):
    options = {"method": "milstein", "dt": 0.1, "rtol": TOLERANCE, "atol": TOLERANCE, "heuristics": ALL} | options
    return sdeint(sde, start(), TS, bm=path(), **options)


@pytest.mark.parametrize("method", ["srk", "milstein"])
@pytest.mark.parametrize("halfway_tree", [True, False])
def test_states_and_evaluations_are_those_of_torchsde(method, halfway_tree):
    options = {"method": method, "dt": 0.1, "rtol": TOLERANCE, "atol": TOLERANCE}
    found, evaluations = [], []
    for run in (lambda *a, **k: torchsde.sdeint(*a, adaptive=True, **k), lambda *a, **k: sdeint(*a, **k)[0]):
        sde = SDE()
        bm = torchsde.BrownianInterval(
            0.0, 1.0, size=(3, 2), dtype=torch.float64, entropy=5, levy_area_approximation="space-time"
        )
        found.append(run(sde, start(), TS, bm=path() if halfway_tree else bm, **options))
        evaluations.append(sde.nfe)
    assert torch.equal(*found)
    assert evaluations[0] == evaluations[1]


@pytest.mark.parametrize("detach_scale", [True, False])
def test_sums_and_gradients_are_those_of_steps_by_hand(detach_scale):
    sde = SDE()
    ys, recording = adaptive(sde, detach_scale=detach_scale)
    assert recording.rejected > 0
    assert (recording.ts[0], recording.ts[-1]) == (0.0, 1.0)
    a = sde.a.detach().clone().requires_grad_()
    expected, y = by_hand(a, recording.ts, detach_scale)
    torch.testing.assert_close(ys[-1], y, rtol=1e-10, atol=0)
    for name in ALL:
        torch.testing.assert_close(recording.heuristics[name], expected[name], rtol=1e-9, atol=0)
        (ours,) = torch.autograd.grad(recording.heuristics[name], sde.a, retain_graph=True)
        (theirs,) = torch.autograd.grad(expected[name], a, retain_graph=True)
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=0)


def test_gradients_are_differences_on_the_frozen_grid():
    sde = SDE()
    _, recording = adaptive(sde, detach_scale=False)
    a, step = sde.a.detach(), 1e-5
    ahead, behind = (by_hand(a + s, recording.ts, detach_scale=False)[0] for s in (step, -step))
    for name in ALL:
        (found,) = torch.autograd.grad(recording.heuristics[name], sde.a, retain_graph=True)
        torch.testing.assert_close(found, (ahead[name] - behind[name]) / (2 * step), rtol=1e-6, atol=0)


def test_without_halfway_tree_a_path_depends_on_what_was_asked_before():
    def values(halfway_tree):
        tree = {"halfway_tree": True, "tol": 1e-8} if halfway_tree else {}
        for earlier in ((), (0.9, 0.6)):
            w = torchsde.BrownianInterval(0.0, 1.0, size=(1,), dtype=torch.float64, entropy=3, **tree)
            for t in earlier:
                w(0.0, t)
            yield w(0.0, 0.37).item()

    assert len({round(value, 6) for value in values(True)}) == 1
    assert len({round(value, 6) for value in values(False)}) == 2


def test_the_log_ratio_of_prior_and_posterior_is_returned():
    class Latent(SDE):
        def h(self, t, y):
            return -y

    (ys, ratio), recording = sdeint(Latent(), start(), TS, dt=0.1, rtol=0.1, atol=0.1, logqp=True, method="milstein")
    assert ys.shape == (3, 3, 2)
    assert ratio.shape == (2, 3)
    assert recording.heuristics["RE"].requires_grad


def test_no_difference_has_a_finite_gradient():
    class Still(SDE):
        def f(self, t, y):
            return 0 * self.a * y

        def g(self, t, y):
            return 0 * self.a * y

    sde = Still()
    _, recording = adaptive(sde)
    for value in recording.heuristics.values():
        assert value.item() == 0
        assert torch.autograd.grad(value, sde.a, retain_graph=True)[0].item() == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dtype_is_kept(dtype):
    sde = SDE().to(dtype)
    options = {"method": "milstein", "dt": 0.1, "rtol": 0.1, "atol": 0.1, "heuristics": ALL}
    ys, recording = sdeint(sde, start(dtype), [0.0, 1.0], bm=path(dtype), **options)
    assert {ys.dtype, *(value.dtype for value in recording.heuristics.values())} == {dtype}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"adaptive": False}, "adaptive is False"),
        ({"heuristics": ("RS",)}, "RS was asked of torchsde"),
        ({"heuristics": ("R",)}, "'R'"),
        ({"heuristics": "RE"}, "string"),
    ],
)
def test_bad_input_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        adaptive(SDE(), **changes)
