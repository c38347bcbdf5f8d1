"""The queried step is the step, bit for bit, and asking for it changes nothing."""

import copy
import functools
import warnings

import pytest
import torch
from torch import nn

from theory.softmax_zeros.controller import RadiusClip
from theory.softmax_zeros.updates import update_direction

O = torch.optim  # noqa: E741
OPTIMIZERS = {
    "sgd": functools.partial(O.SGD, lr=0.1),
    "momentum": functools.partial(O.SGD, lr=0.1, momentum=0.9, dampening=0.3),
    "nesterov": functools.partial(O.SGD, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    "maximize": functools.partial(O.SGD, lr=0.1, momentum=0.9, maximize=True, foreach=True),
    "adam": functools.partial(O.Adam, lr=0.01, weight_decay=0.1),
    "adam foreach": functools.partial(O.Adam, lr=0.01, foreach=True),
    "adam fused": functools.partial(O.Adam, lr=0.01, fused=True),
    "adam tensor": functools.partial(O.Adam, lr=torch.tensor(0.01)),
    "amsgrad": functools.partial(O.Adam, lr=0.01, amsgrad=True),
    "adamw": functools.partial(O.AdamW, lr=0.01, weight_decay=0.3),
    "adamw amsgrad": functools.partial(O.AdamW, lr=0.01, weight_decay=0.3, amsgrad=True, maximize=True),
    "rmsprop": functools.partial(O.RMSprop, lr=0.01, momentum=0.5, centered=True),
    "adagrad": functools.partial(O.Adagrad, lr=0.01),
    "radam": functools.partial(O.RAdam, lr=0.01),
    "asgd": functools.partial(O.ASGD, lr=0.01),
    "rprop": functools.partial(O.Rprop, lr=0.01),
    "adafactor": functools.partial(O.Adafactor, lr=0.01),
}


def problem(make, dtype=torch.float32):
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(5, 7), nn.GELU(), nn.Linear(7, 3)).to(dtype)
    groups = [
        {"params": model[0].parameters(), "lr": 0.05},
        {"params": model[2].parameters()},
    ]
    return model, make(groups)


def backward(model):
    x = torch.randn(9, 5, dtype=model[0].weight.dtype)
    model.zero_grad()
    nn.functional.cross_entropy(model(x), torch.randint(3, (9,))).backward()


def bits(value):
    """Everything an optimizer holds, in a form that compares bit for bit."""
    if isinstance(value, torch.Tensor):
        raw = value.detach().contiguous().flatten().view(torch.uint8)
        return (id(value), str(value.dtype), tuple(value.shape), raw.tolist(), bits(value.grad) if value.is_leaf else 0)
    if isinstance(value, dict):
        return id(value), [(bits(k) if isinstance(k, torch.Tensor) else k, bits(v)) for k, v in value.items()]
    if isinstance(value, list | tuple):
        return id(value), [bits(v) for v in value]
    return repr(value)


@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_equals_the_real_step_bit_for_bit_and_changes_nothing(name, steps):
    model, optimizer = problem(OPTIMIZERS[name])
    for _ in range(steps):
        backward(model)
        optimizer.step()
    backward(model)
    before = bits(optimizer.__dict__)
    versions = [p._version for p in model.parameters()]
    moved = update_direction(optimizer)
    assert bits(optimizer.__dict__) == before
    assert [p._version for p in model.parameters()] == versions
    old = {p: p.detach().clone() for p in model.parameters()}
    optimizer.step()
    assert list(moved) == list(model.parameters())
    for p, change in moved.items():
        assert torch.equal(change, p.detach() - old[p])
    assert any(change.any() for change in moved.values())


def test_a_parameter_without_gradient_does_not_move():
    model, optimizer = problem(OPTIMIZERS["adamw"])
    backward(model)
    model[0].bias.grad = None
    model[2].weight.requires_grad_(False)
    moved = update_direction(optimizer)
    assert not moved[model[0].bias].any()
    assert moved[model[0].weight].any()
    assert model[0].bias.grad is None


def test_everything_is_put_back_if_the_step_raises():
    class Breaking(O.Adam):
        def step(self, closure=None):
            super().step(closure)
            self.param_groups[0]["lr"] = 7.0
            self.param_groups.pop()
            self.new_attribute = 1
            raise ArithmeticError("broken")

    model, optimizer = problem(functools.partial(Breaking, lr=0.1))
    backward(model)
    before = bits(optimizer.__dict__)
    with pytest.raises(ArithmeticError, match="broken"):
        update_direction(optimizer)
    assert bits(optimizer.__dict__) == before


def test_a_retained_graph_can_still_be_differentiated():
    model, optimizer = problem(OPTIMIZERS["momentum"])
    loss = model(torch.randn(9, 5)).square().mean()
    loss.backward(retain_graph=True)
    update_direction(optimizer)
    loss.backward()


def test_step_hooks_and_schedulers_do_not_notice():
    model, optimizer = problem(OPTIMIZERS["adam"])
    calls = []
    optimizer.register_step_pre_hook(lambda *_: calls.append("before"))
    optimizer.register_step_post_hook(lambda *_: calls.append("after"))
    scheduler = O.lr_scheduler.StepLR(optimizer, 1)
    backward(model)
    update_direction(optimizer)
    assert not calls
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        scheduler.step()
    assert any("before `optimizer.step()`" in str(w.message) for w in caught)
    optimizer.step()
    assert calls == ["before", "after"]


def test_the_step_of_a_clipped_optimizer_is_the_clipped_step():
    model, inner = problem(functools.partial(O.Adam, lr=10.0))
    clip = RadiusClip(inner, model, r=0.5)
    backward(model)
    clip.observe(torch.randn(9, 5))
    before = bits(inner.__dict__), bits(clip.__dict__["_batches"]), clip.report
    moved = update_direction(clip)
    assert (bits(inner.__dict__), bits(clip.__dict__["_batches"]), clip.report) == before
    old = copy.deepcopy(model.state_dict())
    clip.step()
    assert clip.report.scale < 1
    for (name, p), change in zip(model.named_parameters(), moved.values(), strict=True):
        assert torch.equal(change, p.detach() - old[name])


def test_bad_arguments_are_named():
    with pytest.raises(TypeError, match="optimizer is a int"):
        update_direction(3)
    model = nn.Linear(2, 2)
    with pytest.raises(TypeError, match="closure"):
        update_direction(O.LBFGS(model.parameters()))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("options", [{"fused": True}, {"capturable": True}, {"foreach": True}])
def test_on_a_gpu(options):
    model = nn.Linear(5, 3).cuda()
    optimizer = O.AdamW(model.parameters(), **options)
    for _ in range(2):
        model(torch.randn(4, 5, device="cuda")).square().mean().backward()
        optimizer.step()
    before = bits(optimizer.state)
    moved, old = update_direction(optimizer), [p.detach().clone() for p in model.parameters()]
    assert bits(optimizer.state) == before
    optimizer.step()
    for p, start in zip(model.parameters(), old, strict=True):
        assert torch.equal(moved[p], p.detach() - start)
