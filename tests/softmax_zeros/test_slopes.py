"""Logit slopes against finite differences and exact models, and the kernels and layers that need care."""

import copy

import pytest
import torch
from torch import nn
from torch.autograd.forward_ad import dual_level, unpack_dual

from theory.softmax_zeros.slopes import logit_slopes, slopes_along


def mlp(*layers):
    return nn.Sequential(nn.Linear(6, 8), *layers, nn.Linear(8, 4)).double()


def random_direction(model):
    return {name: torch.randn_like(p) for name, p in model.named_parameters()}


def finite_difference(model, inputs, direction, step=1e-6):
    """Central difference of the logits in evaluation mode."""
    ends = []
    for sign in (1, -1):
        moved = copy.deepcopy(model).eval()
        with torch.no_grad():
            for name, p in moved.named_parameters():
                p += sign * step * direction[name]
            ends.append(moved(*inputs) if isinstance(inputs, tuple) else moved(inputs))
    return (ends[0] - ends[1]) / (2 * step)


class LastToken(nn.Module):
    def __init__(self, recurrent):
        super().__init__()
        self.recurrent, self.head = recurrent, nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.recurrent(x)[0][:, -1])


class Attention(nn.Module):
    """Calls the fused attention function directly."""

    def __init__(self):
        super().__init__()
        self.project, self.head = nn.Linear(8, 24), nn.Linear(8, 3)

    def forward(self, x):
        q, k, v = self.project(x).unflatten(-1, (3, 2, 4)).permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(q, k, v)
        return self.head(mixed.transpose(1, 2).flatten(-2)).mean(1)


def transformer():
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, activation="gelu", batch_first=True)
    return nn.Sequential(nn.TransformerEncoder(layer, 2), nn.Flatten(), nn.Linear(40, 3))


MODELS = {
    "mlp": (lambda: mlp(nn.GELU()), (5, 6)),
    "batch norm": (lambda: mlp(nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.5)), (5, 6)),
    "convolution": (lambda: nn.Sequential(nn.Conv1d(2, 3, 3), nn.SiLU(), nn.Flatten(), nn.Linear(12, 4)), (5, 2, 6)),
    "transformer": (transformer, (4, 5, 8)),
    "attention": (Attention, (4, 5, 8)),
    "lstm": (lambda: LastToken(nn.LSTM(8, 8, batch_first=True)), (4, 5, 8)),
    "gru": (lambda: LastToken(nn.GRU(8, 8, batch_first=True)), (4, 5, 8)),
}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_agrees_with_finite_differences(name, training):
    torch.manual_seed(1)
    make, shape = MODELS[name]
    model, inputs = make().double().train(training), torch.randn(shape, dtype=torch.float64)
    direction = random_direction(model)
    logits, slopes = logit_slopes(model, None, inputs, direction)
    torch.testing.assert_close(slopes, finite_difference(model, inputs, direction), rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(logits, copy.deepcopy(model).eval()(inputs).detach())
    assert not logits.requires_grad
    assert not slopes.requires_grad


def test_a_linear_model_has_the_slopes_of_its_formula():
    torch.manual_seed(0)
    model, x = nn.Linear(6, 4).double(), torch.randn(5, 6, dtype=torch.float64)
    weight, bias = torch.randn(4, 6, dtype=torch.float64), torch.randn(4, dtype=torch.float64)
    _, slopes = logit_slopes(model, None, x, [weight, bias])
    torch.testing.assert_close(slopes, x @ weight.T + bias, rtol=1e-14, atol=1e-14)


def test_the_forms_of_a_direction_agree_and_missing_parameters_stand_still():
    model, x = mlp(nn.Tanh()), torch.randn(5, 6, dtype=torch.float64)
    named = random_direction(model)
    expected = logit_slopes(model, None, x, named)[1]
    assert torch.equal(logit_slopes(model, None, x, list(named.values()))[1], expected)
    by_parameter = {p: named[name] for name, p in model.named_parameters()}
    assert torch.equal(logit_slopes(model, None, x, by_parameter)[1], expected)
    rest = {name: torch.zeros_like(v) for name, v in named.items()} | {"0.bias": named["0.bias"]}
    partial = logit_slopes(model, None, x, {"0.bias": named["0.bias"]})[1]
    torch.testing.assert_close(partial, logit_slopes(model, None, x, rest)[1])
    assert not logit_slopes(model, None, x, {})[1].any()


def test_given_parameters_replace_those_of_the_model():
    model, other, x = mlp(nn.Tanh()), mlp(nn.Tanh()), torch.randn(5, 6, dtype=torch.float64)
    direction = random_direction(model)
    for given, expected in zip(
        logit_slopes(model, dict(other.named_parameters()), x, direction),
        logit_slopes(other, None, x, direction),
        strict=True,
    ):
        assert torch.equal(given, expected)


def test_tied_weights_move_together():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
            self.second.weight = self.first.weight

        def forward(self, x):
            return self.second(torch.tanh(self.first(x)))

    model, x = Tied().double(), torch.randn(5, 4, dtype=torch.float64)
    direction = random_direction(model)
    torch.testing.assert_close(
        logit_slopes(model, None, x, direction)[1], finite_difference(model, x, direction), rtol=1e-6, atol=1e-8
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("wrap", [torch.jit.script, lambda model: torch.jit.trace(model, torch.randn(5, 6).double())])
def test_a_compiled_model_has_the_slopes_of_its_source(wrap):
    model, x = mlp(nn.Tanh()), torch.randn(5, 6, dtype=torch.float64)
    direction = random_direction(model)
    compiled = logit_slopes(wrap(model), None, x, direction)
    torch.testing.assert_close(compiled, logit_slopes(model, None, x, direction), rtol=1e-12, atol=1e-12)


def test_parameters_are_back_in_place_after_a_failure():
    model = mlp(nn.Tanh())
    before = dict(model.named_parameters())
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        logit_slopes(model, None, torch.randn(5, 7, dtype=torch.float64), random_direction(model))
    after = dict(model.named_parameters())
    assert all(after[name] is parameter for name, parameter in before.items())
    with dual_level():
        assert all(unpack_dual(parameter).tangent is None for parameter in after.values())


def test_a_parameter_of_another_model_is_refused():
    model, (stranger, *_) = mlp(nn.Tanh()), mlp(nn.Tanh()).parameters()
    line = {stranger: (stranger.detach(), None)}
    with pytest.raises(ValueError, match="model has no parameter that is the given one of shape"):
        slopes_along(model, line, (torch.randn(5, 6, dtype=torch.float64),), None)


@pytest.mark.parametrize("chunk_size", [1, 3, 7, 100])
def test_chunks_give_the_same_result(chunk_size):
    model, x = mlp(nn.BatchNorm1d(8), nn.GELU()).train(), torch.randn(7, 6, dtype=torch.float64)
    direction = random_direction(model)
    whole = logit_slopes(model, None, x, direction)
    for part, expected in zip(logit_slopes(model, None, x, direction, chunk_size=chunk_size), whole, strict=True):
        torch.testing.assert_close(part, expected, rtol=1e-13, atol=1e-14)


def test_several_arguments_are_split_together():
    class Sum(nn.Linear):
        def forward(self, x, y):
            return super().forward(x + y)

    model = Sum(6, 4).double()
    inputs = (torch.randn(5, 6, dtype=torch.float64), torch.randn(5, 6, dtype=torch.float64))
    direction = random_direction(model)
    whole = logit_slopes(model, None, inputs, direction)[1]
    torch.testing.assert_close(logit_slopes(model, None, inputs, direction, chunk_size=2)[1], whole)
    with pytest.raises(ValueError, match=r"inputs\[1\] has shape \(4, 6\); expected 5"):
        logit_slopes(model, None, (inputs[0], inputs[1][:4]), direction, chunk_size=2)


@pytest.mark.parametrize("name", ["batch norm", "transformer", "lstm"])
def test_modes_buffers_gradients_and_global_switches_are_as_before(name):
    make, shape = MODELS[name]
    model = make().double().train()
    model[0].eval() if isinstance(model, nn.Sequential) else model.recurrent.eval()
    modes = [module.training for module in model.modules()]
    buffers = copy.deepcopy(dict(model.named_buffers()))

    def switches():
        backends = torch.backends
        return (
            backends.mha.get_fastpath_enabled(),
            backends.cuda.flash_sdp_enabled(),
            backends.cuda.mem_efficient_sdp_enabled(),
            backends.cuda.cudnn_sdp_enabled(),
            backends.mkldnn.enabled,
            backends.cudnn.enabled,
            torch.is_grad_enabled(),
            torch.is_autocast_enabled("cpu"),
        )

    backends = torch.backends.cuda
    backends.enable_flash_sdp(False)
    try:
        before = switches()
        logit_slopes(model, None, torch.randn(shape, dtype=torch.float64), random_direction(model))
        with pytest.raises((RuntimeError, AssertionError)):
            logit_slopes(model, None, torch.randn(2, 2, dtype=torch.float64), random_direction(model))
        assert switches() == before
    finally:
        backends.enable_flash_sdp(True)
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, buffers[name]) for name, value in model.named_buffers())
    assert all(p.grad is None and p.is_leaf for p in model.parameters())


@pytest.mark.parametrize("mode", [torch.inference_mode, lambda: torch.autocast("cpu"), torch.no_grad])
def test_the_mode_of_the_caller_does_not_matter(mode):
    model, x = mlp(nn.GELU()).float(), torch.randn(5, 6)
    direction = random_direction(model)
    expected = logit_slopes(model, None, x, direction)
    with mode():
        inside = logit_slopes(model, None, x, direction)
    assert all(torch.equal(a, b) for a, b in zip(inside, expected, strict=True))
    assert inside[1].dtype == torch.float32


class NoForwardDerivative(nn.Module):
    def forward(self, x):
        return torch.cdist(x, x)


def test_an_operation_without_forward_derivative_is_refused_by_name():
    model = nn.Sequential(nn.Linear(6, 4), nn.Sequential(nn.Tanh(), NoForwardDerivative()))
    with pytest.raises(NotImplementedError, match=r"module '1\.1' \(NoForwardDerivative\)"):
        logit_slopes(model, None, torch.randn(5, 6), random_direction(model))
    assert not model[1][1]._forward_pre_hooks


def test_samples_coupled_by_batch_statistics_cannot_be_split():
    model, x = mlp(nn.BatchNorm1d(8, track_running_stats=False)), torch.randn(5, 6, dtype=torch.float64)
    logit_slopes(model, None, x, random_direction(model), chunk_size=5)
    with pytest.raises(ValueError, match=r"chunk_size is 2.*module '1' \(BatchNorm1d\)"):
        logit_slopes(model, None, x, random_direction(model), chunk_size=2)


def test_bad_arguments_are_named():
    model, x = mlp(nn.Tanh()), torch.randn(5, 6, dtype=torch.float64)
    good = random_direction(model)
    with pytest.raises(ValueError, match="direction names 'no'"):
        logit_slopes(model, None, x, good | {"no": x})
    with pytest.raises(ValueError, match="params names 'no'"):
        logit_slopes(model, {"no": x}, x, good)
    with pytest.raises(ValueError, match=r"direction\['0\.bias'\] has shape \(3,\)"):
        logit_slopes(model, None, x, {"0.bias": torch.zeros(3)})
    with pytest.raises(ValueError, match="direction has 1 tensors; expected 4"):
        logit_slopes(model, None, x, [x])
    with pytest.raises(ValueError, match="no parameter of model"):
        logit_slopes(model, None, x, {x: x})
    with pytest.raises(ValueError, match="chunk_size is 0"):
        logit_slopes(model, None, x, good, chunk_size=0)
    with pytest.raises(TypeError, match="inputs holds a list"):
        logit_slopes(model, None, [x], good)
    with pytest.raises(TypeError, match="model returns tuple"):
        logit_slopes(nn.LSTM(6, 4).double(), None, x, {})


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", MODELS)
def test_on_a_gpu(name):
    make, shape = MODELS[name]
    model, inputs = make().double(), torch.randn(shape, dtype=torch.float64)
    direction = random_direction(model)
    expected = logit_slopes(model, None, inputs, direction)[1]
    slopes = logit_slopes(model.cuda(), None, inputs.cuda(), direction)[1]
    assert slopes.is_cuda
    torch.testing.assert_close(slopes.cpu(), expected, rtol=1e-9, atol=1e-11)
