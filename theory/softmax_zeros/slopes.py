"""Logits and their slopes along a direction in parameter space, by one Jacobian-vector product."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import nn
from torch.autograd import forward_ad

Tensor = torch.Tensor
Inputs: TypeAlias = Tensor | tuple[Tensor, ...]
"""What a model is called with: one tensor, or the tuple of its positional arguments, samples along the first axis."""
Direction: TypeAlias = Mapping[str, Tensor] | Mapping[Tensor, Tensor] | Sequence[Tensor]
Line: TypeAlias = Mapping[Tensor, tuple[Tensor, Tensor | None]]
"""By parameter of a model, the value at ``t = 0`` and the tangent; those missing keep their own and stand still."""


class _Switch(NamedTuple):
    """A global switch of kernels without forward derivative."""

    read: Callable[[], bool]
    set: Callable[[bool], None]
    needed: bool = False
    recurrent: bool = False
    """Only recurrent layers need it."""


_SWITCHES = (  # those under torch.backends.cuda act on the CPU too
    _Switch(torch.backends.mha.get_fastpath_enabled, torch.backends.mha.set_fastpath_enabled),
    _Switch(torch.backends.cuda.flash_sdp_enabled, torch.backends.cuda.enable_flash_sdp),
    _Switch(torch.backends.cuda.mem_efficient_sdp_enabled, torch.backends.cuda.enable_mem_efficient_sdp),
    _Switch(torch.backends.cuda.cudnn_sdp_enabled, torch.backends.cuda.enable_cudnn_sdp),
    _Switch(torch.backends.cuda.math_sdp_enabled, torch.backends.cuda.enable_math_sdp, needed=True),
    *(
        _Switch(partial(getattr, backend, "enabled"), partial(setattr, backend, "enabled"), recurrent=True)
        for backend in (torch.backends.mkldnn, torch.backends.cudnn)
    ),
)


def logit_slopes(
    model: nn.Module,
    params: Mapping[str, Tensor] | None,
    inputs: Inputs,
    direction: Direction,
    *,
    chunk_size: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Logits ``z`` and their slopes ``a = J_z v`` along ``v``, with no graph attached.

    The model is evaluated in evaluation mode: dropout is off and batch normalisation uses its running statistics, so
    the result is deterministic and does not depend on how the batch is split. Autocast is off, and attention and
    recurrent layers take their composite kernels, the only ones with a forward derivative. Modes and global switches
    are as before on return; buffers are read, never written.

    Parameters
    ----------
    model
        Returns logits of shape ``(B, ..., n)``.
    params
        Parameters by name; those missing, or all if ``None``, are the model's own.
    inputs
        A tensor or a tuple of positional arguments.
    direction
        ``v``: tensors by parameter name or by parameter of ``model`` (as `update_direction` returns them), those
        missing counting as zero; or a sequence with one tensor for each of ``model.parameters()``. Not normalised:
        slopes are per unit of ``t`` in ``params + t v``. Converted to the dtype and device of the parameter.
    chunk_size
        Most samples to be handled at once; ``None`` handles all. The cost is about four forward passes, the memory a
        little more than that of two without autograd.

    Returns
    -------
    logits, slopes : tensors of shape (B, ..., n)
        In the dtype and on the device of the model's output; slopes in logit units per unit of ``t``.

    Raises
    ------
    TypeError
        If the model does not return a real floating tensor, or ``inputs`` holds something else than tensors.
    ValueError
        For unknown names, shapes that do not match, ``chunk_size < 1``, or a chunk smaller than the batch if a
        normalisation layer without running statistics couples the samples.
    NotImplementedError
        If an operation has no forward derivative, naming the module that calls it.

    References
    ----------
    "Ghosts of Softmax", arXiv 2603.13552, Section 4 (``a = J_z v``).
    """
    arguments = as_arguments(inputs)
    if chunk_size is not None and chunk_size < 1:
        raise ValueError(f"chunk_size is {chunk_size}; expected at least 1")
    parameters: dict[str, Tensor] = dict(model.named_parameters())
    tangents = _tangents(parameters, direction)
    values = {} if params is None else params
    _require_known("params", values, parameters)
    line = {
        parameter: (values.get(name, parameter), tangents.get(name))
        for name, parameter in parameters.items()
        if name in values or name in tangents
    }
    return slopes_along(model, line, arguments, chunk_size)


def slopes_along(
    model: nn.Module, line: Line, arguments: tuple[Tensor, ...], chunk_size: int | None
) -> tuple[Tensor, Tensor]:
    """`logit_slopes` for parameters of ``model``, values and tangents that are known to match.

    Raises
    ------
    ValueError
        For a parameter that is not in ``model``.
    """
    modules = list(model.modules())
    pieces = [arguments]
    batch = arguments[0].shape[0] if arguments[0].ndim else 1
    if chunk_size is not None and chunk_size < batch:
        _require_independent_samples(model, chunk_size)
        pieces = _split(arguments, batch, chunk_size)
    with _differentiable_evaluation(modules, arguments[0].device.type), _on_the_line(modules, line):
        results = [_evaluate(model, piece) for piece in pieces]
    if len(results) == 1:
        return results[0]
    logits, slopes = zip(*results, strict=True)
    return torch.cat(logits), torch.cat(slopes)


@contextmanager
def _on_the_line(modules: list[nn.Module], line: Line) -> Iterator[None]:
    """Dual numbers in place of the parameters, wherever a parameter is registered.

    `torch.func.functional_call` does the same by names; for a small network that costs a third of a forward pass.
    """
    registries: list[dict[str, Any]] = [module._parameters for module in modules]
    places = [(registry, key, p) for registry in registries for key, p in registry.items() if p in line]
    held = {parameter for _, _, parameter in places}
    for parameter in line:
        if parameter not in held:
            raise ValueError(f"model has no parameter that is the given one of shape {tuple(parameter.shape)}")
    with forward_ad.dual_level():
        duals = {
            parameter: value if tangent is None else forward_ad.make_dual(value, tangent)  # type: ignore[no-untyped-call]
            for parameter, (value, tangent) in line.items()
        }
        try:
            for registry, key, parameter in places:
                registry[key] = duals[parameter]
            yield
        finally:
            for registry, key, parameter in places:
                registry[key] = parameter


def _evaluate(model: nn.Module, arguments: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    try:
        output = model(*arguments)
    except RuntimeError as error:  # NotImplementedError is one
        if not re.search("forward (mode )?AD", str(error)):
            raise
        raise NotImplementedError(
            f"model has no forward derivative in {_failing_module(model, arguments)}: {error}"
        ) from error
    if not isinstance(output, torch.Tensor) or not output.is_floating_point():
        kind = output.dtype if isinstance(output, torch.Tensor) else type(output).__name__
        raise TypeError(f"model returns {kind}; expected a real floating tensor of logits")
    logits, slopes = forward_ad.unpack_dual(output)  # type: ignore[no-untyped-call]
    return logits, torch.zeros_like(logits) if slopes is None else slopes


@contextmanager
def _differentiable_evaluation(modules: list[nn.Module], device_type: str) -> Iterator[None]:
    training = [module for module in modules if module.training]
    recurrent = any(isinstance(module, nn.RNNBase) for module in modules)
    switches = [s for s in _SWITCHES if (recurrent or not s.recurrent) and s.read() != s.needed]
    try:
        for switch in switches:
            switch.set(switch.needed)
        _set_training(training, False)
        autocast = torch.is_autocast_enabled(device_type)
        full_precision = torch.autocast(device_type, enabled=False) if autocast else nullcontext()
        with torch.inference_mode(False), torch.no_grad(), full_precision:
            yield
    finally:
        _set_training(training, True)
        for switch in switches:
            switch.set(not switch.needed)


def _set_training(modules: list[nn.Module], mode: bool) -> None:
    """Past ``Module.__setattr__``, whose search for parameters would cost as much as a layer."""
    for module in modules:
        object.__setattr__(module, "training", mode)


def _failing_module(model: nn.Module, arguments: tuple[Tensor, ...]) -> str:
    """Name of the innermost module that raises."""
    running: list[str] = []
    handles = []
    for name, module in model.named_modules():
        label = f"module {name!r} ({type(module).__name__})" if name else f"the model itself ({type(module).__name__})"
        handles.append(module.register_forward_pre_hook(lambda _module, _args, label=label: running.append(label)))
        handles.append(module.register_forward_hook(lambda *_: running.pop() and None))
    try:
        model(*arguments)
    except RuntimeError:
        pass
    finally:
        for handle in handles:
            handle.remove()
    return running[-1] if running else "the model"


def as_arguments(inputs: Any) -> tuple[Tensor, ...]:
    """Positional arguments of a model; `TypeError` if something else than tensors is among them."""
    arguments = inputs if isinstance(inputs, tuple) else (inputs,)
    for argument in arguments:
        if not isinstance(argument, torch.Tensor):
            raise TypeError(f"inputs holds a {type(argument).__name__}; expected a tensor or a tuple of tensors")
    if not arguments:
        raise TypeError("inputs is an empty tuple; expected at least one tensor")
    return arguments


def _tangents(primals: Mapping[str, Tensor], direction: Direction) -> dict[str, Tensor]:
    named: dict[str, Tensor]
    if not isinstance(direction, Mapping):
        if len(direction) != len(primals):
            raise ValueError(f"direction has {len(direction)} tensors; expected {len(primals)}, one a parameter")
        named = dict(zip(primals, direction, strict=True))
    elif all(isinstance(key, str) for key in direction):
        named = {str(key): tangent for key, tangent in direction.items()}
        _require_known("direction", named, primals)
    else:
        names = {id(primal): name for name, primal in primals.items()}
        unknown = [key for key in direction if id(key) not in names]
        if unknown:
            raise ValueError(f"direction has a key that is no parameter of model: {_describe(unknown[0])}")
        named = {names[id(key)]: tangent for key, tangent in direction.items()}
    for name, tangent in named.items():
        primal = primals[name]
        if tangent.shape != primal.shape:
            raise ValueError(
                f"direction[{name!r}] has shape {tuple(tangent.shape)}; expected {tuple(primal.shape)}, that of the "
                "parameter"
            )
        named[name] = tangent.detach().to(device=primal.device, dtype=primal.dtype)
    return named


def _require_known(argument: str, given: Mapping[str, Tensor], known: Mapping[str, Tensor]) -> None:
    unknown = given.keys() - known.keys()
    if unknown:
        raise ValueError(f"{argument} names {min(unknown)!r}, which is no parameter of model")


def _describe(value: Any) -> str:
    return f"a tensor of shape {tuple(value.shape)}" if isinstance(value, torch.Tensor) else repr(value)


def _require_independent_samples(model: nn.Module, chunk_size: int) -> None:
    for name, module in model.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is None:
            raise ValueError(
                f"chunk_size is {chunk_size}, smaller than the batch, but module {name!r} ({type(module).__name__}) "
                "has no running statistics and couples the samples of a batch; pass None"
            )


def _split(arguments: tuple[Tensor, ...], batch: int, chunk_size: int) -> list[tuple[Tensor, ...]]:
    for i, argument in enumerate(arguments):
        if argument.ndim == 0 or argument.shape[0] != batch:
            raise ValueError(f"inputs[{i}] has shape {tuple(argument.shape)}; expected {batch} samples to be split")
    return list(zip(*(torch.split(argument, chunk_size) for argument in arguments), strict=True))
