"""The step really taken keeps ``r`` at the target, and otherwise the wrapper is the optimizer it wraps."""

import copy
import functools
import io
import math

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from theory.softmax_zeros.controller import RadiusClip
from theory.softmax_zeros.descent import descent_certificate
from theory.softmax_zeros.radius import radius as ghost_radius
from theory.softmax_zeros.slopes import logit_slopes

OPTIMIZERS = {
    "sgd": functools.partial(torch.optim.SGD, lr=0.1),
    "momentum": functools.partial(torch.optim.SGD, lr=0.1, momentum=0.9, weight_decay=1e-3),
    "nesterov": functools.partial(torch.optim.SGD, lr=0.1, momentum=0.9, nesterov=True),
    "adam": functools.partial(torch.optim.Adam, lr=0.01),
    "adamw": functools.partial(torch.optim.AdamW, lr=0.01, weight_decay=0.1, amsgrad=True),
}
SPIKE = range(10, 16)


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    return torch.tensor(data.data / 16, dtype=torch.float32), torch.tensor(data.target)


def mlp(dtype=torch.float32, seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(64, 32), nn.GELU(), nn.Linear(32, 10)).to(dtype)


def batches(digits, count, dtype=torch.float32, size=64):
    generator = torch.Generator().manual_seed(5)
    for _ in range(count):
        chosen = torch.randint(len(digits[0]), (size,), generator=generator)
        yield digits[0][chosen].to(dtype), digits[1][chosen]


def train(clip, model, data, spike=(), factor=1e4, before_step=lambda x, y: None, after_step=lambda: None):
    """Train with the learning rate multiplied by ``factor`` on the steps in ``spike``."""
    rates = [group["lr"] for group in clip.param_groups]
    for i, (x, y) in enumerate(data):
        for group, rate in zip(clip.param_groups, rates, strict=True):
            group["lr"] = rate * (factor if i in spike else 1)
        clip.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        if isinstance(clip, RadiusClip):
            clip.observe(x, y if clip.radius == "descent" else None)
        before_step(x, y)
        clip.step()
        after_step()


def snapshot(model):
    return {name: p.detach().clone() for name, p in model.named_parameters()}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("radius", ["rho_a", "exact", "descent"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_r_is_at_most_the_target_for_the_step_stored(digits, name, radius, dtype):
    """Measured again from the parameters before and after, in float64 arithmetic."""
    model = mlp(dtype)
    target = 0.7 if radius == "rho_a" else 1.0
    clip = RadiusClip(OPTIMIZERS[name](model.parameters()), model, target, radius)
    state, seen = {}, []

    def before(x, y):
        state.update(start=snapshot(model), x=x, y=y)

    def after():
        start = {k: v.double() for k, v in state["start"].items()}
        moved = {k: v.double() - start[k] for k, v in snapshot(model).items()}
        tau = math.sqrt(sum(float(d.square().sum()) for d in moved.values()))
        report = clip.report
        assert report.tau == pytest.approx(tau, rel=1e-5, abs=1e-12)
        assert report.r <= target
        if tau == 0.0:
            return
        z, a = logit_slopes(copy.deepcopy(model).double(), start, state["x"].double(), moved)
        if radius == "rho_a":
            spread = a.amax(-1) - a.amin(-1)
            r = float(spread.max()) / math.pi
            assert report.sample == int(spread.argmax())
        elif radius == "exact":
            r = 1 / float(ghost_radius(z, a).rho.min())
        else:
            longest = descent_certificate(z, a, state["y"]).max_step
            r = 1 / longest if longest else math.inf
            losses = [nn.functional.cross_entropy(z + t * a, state["y"]) for t in (0.0, 0.5, 1.0)]
            assert max(losses[1:]) <= losses[0] * (1 + 1e-6)
        assert r <= target * (1 + 1e-5)
        if dtype == torch.float64:
            assert r <= target * (1 + 1e-12)
        seen.append((report.scale, r))

    train(clip, model, batches(digits, 20, dtype), SPIKE, before_step=before, after_step=after)
    assert min(scale for scale, _ in seen) < 0.01
    assert len(seen) > 10


@pytest.mark.parametrize("radius", ["rho_a", "exact"])
def test_a_step_is_shortened_no_more_than_it_has_to_be(digits, radius):
    """To the target less the margins for rounding, but for the rare step that another sample shortens again."""
    model = mlp(torch.float64)
    clip = RadiusClip(OPTIMIZERS["adam"](model.parameters(), lr=0.3), model, radius=radius)
    reports = []
    train(clip, model, batches(digits, 40, torch.float64), after_step=lambda: reports.append(clip.report))
    shortened = np.array([report.r for report in reports if report.scale < 1.0])
    assert len(shortened) > 20
    assert np.quantile(shortened, 0.1) >= 1 - 2.0**-12
    assert shortened.min() >= 1 - 2.0**-7


def test_a_spike_of_the_learning_rate_is_survived(digits):
    accuracies = []
    for clipped in (False, True):
        model = mlp()
        optimizer = OPTIMIZERS["adam"](model.parameters())
        optimizer = RadiusClip(optimizer, model) if clipped else optimizer
        train(optimizer, model, batches(digits, 60), range(20, 40))
        accuracies.append(float((model(digits[0]).argmax(1) == digits[1]).float().mean()))
    assert accuracies[0] < 0.5 < 0.9 < accuracies[1]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_admissible_step_is_the_plain_step_bit_for_bit(digits, name):
    plain, clipped = mlp(), mlp()
    train(OPTIMIZERS[name](plain.parameters(), lr=1e-4), plain, batches(digits, 8))
    clip = RadiusClip(OPTIMIZERS[name](clipped.parameters(), lr=1e-4), clipped, r=1e3)
    train(clip, clipped, batches(digits, 8))
    assert clip.report.scale == 1.0
    assert all(torch.equal(p, q) for p, q in zip(plain.parameters(), clipped.parameters(), strict=True))


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("way", ["state dict", "pickle", "deepcopy"])
def test_a_resumed_run_is_the_same_run(digits, name, way):
    data = list(batches(digits, 16))
    model = mlp()
    clip = RadiusClip(OPTIMIZERS[name](model.parameters(), lr=0.5), model, 0.01)
    train(clip, model, data[:8])
    if way == "state dict":
        file = io.BytesIO()
        torch.save({"model": model.state_dict(), "clip": clip.state_dict()}, file)
        file.seek(0)
        stored = torch.load(file)
        resumed_model = mlp(seed=1)
        resumed_model.load_state_dict(stored["model"])
        resumed = RadiusClip(OPTIMIZERS[name](resumed_model.parameters()), resumed_model, 0.01)
        resumed.load_state_dict(stored["clip"])
    elif way == "pickle":
        file = io.BytesIO()
        torch.save((model, clip), file)
        file.seek(0)
        resumed_model, resumed = torch.load(file, weights_only=False)
    else:
        resumed_model, resumed = copy.deepcopy((model, clip))
    train(clip, model, data[8:])
    train(resumed, resumed_model, data[8:])
    assert resumed.report == clip.report
    assert clip.report.scale < 1.0
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), resumed_model.parameters(), strict=True))


def test_a_checkpoint_of_the_plain_optimizer_can_be_resumed():
    model = mlp()
    inner = OPTIMIZERS["adam"](model.parameters())
    clip = RadiusClip(inner, model)
    assert clip.state_dict() == inner.state_dict()
    clip.load_state_dict(inner.state_dict())
    assert clip.param_groups is inner.param_groups
    assert clip.state is inner.state
    assert clip.defaults is inner.defaults


def test_a_scheduler_drives_the_inner_optimizer(digits):
    model = mlp()
    inner = OPTIMIZERS["adam"](model.parameters())
    clip = RadiusClip(inner, model)
    scheduler = torch.optim.lr_scheduler.StepLR(clip, 2, gamma=0.5)
    for x, y in batches(digits, 4):
        clip.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        clip.observe(x)
        clip.step()
        scheduler.step()
    assert inner.param_groups[0]["lr"] == pytest.approx(0.0025)


@pytest.mark.parametrize("place", ["before", "inside"])
def test_a_closure_is_evaluated_and_its_loss_returned(digits, place):
    model = mlp()
    clip = RadiusClip(torch.optim.LBFGS(model.parameters(), lr=5.0, max_iter=3), model, 0.2)
    (x, y), losses = next(batches(digits, 1)), []

    def closure():
        clip.zero_grad()
        if place == "inside":
            clip.observe(x)
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        losses.append(float(loss.detach()))
        return loss

    if place == "before":
        clip.observe(x)
    assert float(clip.step(closure).detach()) == losses[0]
    assert len(losses) > 1
    assert 0.0 < clip.report.r <= 0.2
    assert clip.report.sample < len(x)


def test_accumulated_batches_are_all_measured(digits):
    whole, parts = mlp(torch.float64), mlp(torch.float64)
    x, y = next(batches(digits, 1, torch.float64))
    clips = [
        RadiusClip(torch.optim.SGD(m.parameters(), lr=50.0), m, chunk_size=c) for m, c in ((whole, None), (parts, 5))
    ]
    nn.functional.cross_entropy(whole(x), y).backward()
    clips[0].observe(x)
    for x_part, y_part in zip(x.split(16), y.split(16), strict=True):
        (nn.functional.cross_entropy(parts(x_part), y_part) / 4).backward()
        clips[1].observe(x_part)
    for clip in clips:
        clip.step()
        assert clip.report.scale < 1.0
    assert clips[0].report.sample == clips[1].report.sample
    assert clips[0].report.tau == pytest.approx(clips[1].report.tau, rel=1e-10)
    for p, q in zip(whole.parameters(), parts.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-10, atol=1e-12)


def test_mixed_precision_with_a_scaler_that_skips_a_step(digits):
    model = mlp()
    clip = RadiusClip(torch.optim.Adam(model.parameters(), lr=1.0), model)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**8)
    taken = []
    for i, (x, y) in enumerate(batches(digits, 6)):
        clip.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = nn.functional.cross_entropy(model(x), y)
        scaler.scale(loss).backward()
        if i == 2:
            model[0].weight.grad[0, 0] = math.inf
        clip.observe(x)
        start, report = snapshot(model), clip.report
        scaler.unscale_(clip)
        scaler.step(clip)
        scaler.update()
        moved = any(not torch.equal(p, start[name]) for name, p in model.named_parameters())
        assert moved == (clip.report is not report)
        taken.append(moved)
        assert clip.report.r <= 1.0
    assert taken == [True, True, False, True, True, True]


def test_bfloat16_parameters_keep_the_target_too(digits):
    model = mlp(torch.bfloat16)
    clip = RadiusClip(torch.optim.SGD(model.parameters(), lr=10.0), model, 0.5)
    scales = []
    train(clip, model, batches(digits, 8, torch.bfloat16), after_step=lambda: scales.append(clip.report))
    assert all(report.r <= 0.5 for report in scales)
    assert any(0.0 < report.scale < 1.0 for report in scales)


@pytest.mark.parametrize("radius", ["rho_a", "exact", "descent"])
def test_a_step_of_zero_and_an_infinite_radius(digits, radius):
    model = nn.Sequential(nn.Linear(64, 32), nn.GELU(), nn.Linear(32, 10)).double()
    nn.init.zeros_(model[2].weight)
    clip = RadiusClip(torch.optim.SGD(model.parameters(), lr=0.1), model, radius=radius)
    x, y = next(batches(digits, 1, torch.float64))
    seen = (x, y) if radius == "descent" else (x,)
    clip.observe(*seen)
    clip.step()
    assert (clip.report.tau, clip.report.r, clip.report.rho, clip.report.sample) == (0.0, 0.0, math.inf, None)
    model[0].bias.grad = torch.ones(32, dtype=torch.float64)
    clip.observe(*seen)
    clip.step()
    assert clip.report.tau == pytest.approx(0.1 * math.sqrt(32))
    assert (clip.report.rho, clip.report.r, clip.report.scale, clip.report.sample) == (math.inf, 0.0, 1.0, None)


def test_a_direction_that_does_not_descend_is_not_taken(digits):
    model = mlp()
    clip = RadiusClip(torch.optim.SGD(model.parameters(), lr=0.1, maximize=True), model, radius="descent")
    start = snapshot(model)
    train(clip, model, batches(digits, 1))
    assert (clip.report.tau, clip.report.rho, clip.report.r, clip.report.scale) == (0.0, 0.0, 0.0, 0.0)
    assert all(torch.equal(p, start[name]) for name, p in model.named_parameters())


def test_frozen_and_unused_parameters(digits):
    model = mlp()
    model[0].weight.requires_grad_(False)
    head = RadiusClip(torch.optim.AdamW(model[2].parameters(), lr=1.0), model)
    train(head, model, batches(digits, 2))
    assert head.report.scale < 1.0
    head.add_param_group({"params": list(model[0].parameters()), "lr": 1.0})
    train(head, model, batches(digits, 2))
    assert len(head.optimizer.param_groups) == 2
    assert head.report.r <= 1.0


def test_batch_norm_statistics_are_those_of_the_forward_passes(digits):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 16), nn.BatchNorm1d(16), nn.GELU(), nn.Dropout(0.1), nn.Linear(16, 10))
    clip = RadiusClip(torch.optim.Adam(model.parameters(), lr=1.0), model)
    train(clip, model, batches(digits, 5))
    assert int(model[1].num_batches_tracked) == 5
    assert all(module.training for module in model.modules())


def test_token_models_count_every_position():
    model = nn.Sequential(nn.Embedding(7, 8), nn.Linear(8, 7))
    tokens, targets = torch.randint(7, (3, 5)), torch.randint(7, (3, 5))
    clip = RadiusClip(torch.optim.SGD(model.parameters(), lr=100.0), model, radius="descent")
    nn.functional.cross_entropy(model(tokens).flatten(0, 1), targets.flatten()).backward()
    clip.observe(tokens, targets)
    clip.step()
    assert 0.0 < clip.report.r <= 1.0


def test_hooks_get_the_wrapper(digits):
    model = mlp()
    clip, seen = RadiusClip(OPTIMIZERS["adam"](model.parameters()), model), []
    clip.register_step_pre_hook(lambda o, *_: seen.append(o))
    clip.register_step_post_hook(lambda o, *_: seen.append(o))
    clip.register_state_dict_pre_hook(lambda o: seen.append(o))
    clip.register_state_dict_post_hook(lambda o, d: seen.append(o))
    clip.register_load_state_dict_pre_hook(lambda o, d: seen.append(o))
    clip.register_load_state_dict_post_hook(lambda o: seen.append(o))
    train(clip, model, batches(digits, 1))
    clip.load_state_dict(clip.state_dict())
    assert len(seen) == 6
    assert all(o is clip for o in seen)


def test_without_inputs_no_step_is_taken(digits):
    model = mlp()
    clip = RadiusClip(OPTIMIZERS["adam"](model.parameters()), model)
    x, y = next(batches(digits, 1))
    clip.observe(x)
    clip.zero_grad()
    nn.functional.cross_entropy(model(x), y).backward()
    start = snapshot(model)
    with pytest.raises(RuntimeError, match=r"call observe\(inputs\)"):
        clip.step()
    assert not clip.state
    with pytest.raises(RuntimeError, match=r"call observe\(inputs\)"):
        clip.step(lambda: 0.0)
    assert all(torch.equal(p, start[name]) for name, p in model.named_parameters())


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_step_that_is_not_finite_is_refused_and_undone(digits, bad):
    model = mlp()
    clip = RadiusClip(OPTIMIZERS["sgd"](model.parameters()), model)
    x, _ = next(batches(digits, 1))
    start = snapshot(model)
    model[0].bias.grad = torch.full((32,), bad)
    clip.observe(x)
    with pytest.raises(ValueError, match="expected a finite step"):
        clip.step()
    assert all(torch.equal(p, start[name]) for name, p in model.named_parameters())


def test_bad_arguments_are_named(digits):
    model = mlp()
    inner = OPTIMIZERS["adam"](model.parameters())
    with pytest.raises(TypeError, match="optimizer is a Sequential"):
        RadiusClip(model, model)
    for r in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="r is"):
            RadiusClip(inner, model, r)
    with pytest.raises(ValueError, match="radius is 'rho'"):
        RadiusClip(inner, model, radius="rho")
    with pytest.raises(ValueError, match="chunk_size is 0"):
        RadiusClip(inner, model, chunk_size=0)
    with pytest.raises(ValueError, match=r"shape \(32, 64\) that is not in model"):
        RadiusClip(inner, mlp())
    clip = RadiusClip(inner, model)
    with pytest.raises(ValueError, match=r"shape \(3,\) that is not in model"):
        clip.add_param_group({"params": [nn.Parameter(torch.zeros(3))]})
    assert len(clip.param_groups) == 1
    with pytest.raises(ValueError, match="labels is given"):
        clip.observe(digits[0], digits[1])
    with pytest.raises(ValueError, match="labels is missing"):
        RadiusClip(inner, model, radius="descent").observe(digits[0])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("radius", ["rho_a", "exact", "descent"])
def test_on_a_gpu(digits, radius):
    model = mlp().cuda()
    clip = RadiusClip(torch.optim.Adam(model.parameters(), lr=0.01, fused=True), model, radius=radius)
    train(clip, model, ((x.cuda(), y.cuda()) for x, y in batches(digits, 20)), SPIKE)
    assert clip.report.r <= 1.0
