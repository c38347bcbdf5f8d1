"""The step an optimizer is about to take, asked for without taking it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.autograd.grad_mode import _unsafe_preserve_version_counter

Tensor = torch.Tensor


def update_direction(optimizer: torch.optim.Optimizer) -> dict[Tensor, Tensor]:
    """Displacement of every parameter by the step that ``optimizer.step()`` would take now.

    The optimizer does take the step, and everything it reaches is put back: parameters, gradients, state, parameter
    groups, attributes. So the answer holds for any optimizer and any options (momentum, decoupled weight decay,
    AMSGrad, ``maximize``, fused kernels, a learning rate that is a tensor) without deriving its formula again. Values
    are restored bit for bit, tensors and containers keep their identity, and autograd does not see a modification.
    The cost is one step and one copy of parameters, gradients and state.

    Step hooks registered on the optimizer are not run, as what they do elsewhere could not be undone. Random numbers
    drawn by the optimizer stay drawn.

    Parameters
    ----------
    optimizer
        With gradients in place. An optimizer whose step needs a closure, such as L-BFGS, has no step to ask for.

    Returns
    -------
    dict
        Parameter to ``after − before`` (``p = τ v`` of the paper, weight decay included), in the parameter's dtype,
        in the order of the parameter groups. Zero for a parameter without gradient.

    Raises
    ------
    TypeError
        If ``optimizer`` is no torch optimizer, or its ``step`` needs a closure.
    Exception
        Whatever ``step`` raises, after everything has been put back.

    References
    ----------
    "Ghosts of Softmax", arXiv 2603.13552, Section 5: ``r`` is that of the update taken, not of the gradient.
    """
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise TypeError(f"optimizer is a {type(optimizer).__name__}; expected a torch.optim.Optimizer")
    parameters: list[Tensor] = [p for group in optimizer.param_groups for p in group["params"]]
    before = [p.detach().clone() for p in parameters]
    with _rewound(optimizer):
        optimizer.step()
        moved = [p.detach() - old for p, old in zip(parameters, before, strict=True)]
    return dict(zip(parameters, moved, strict=True))


@contextmanager
def _rewound(optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """Put back on exit everything that is reachable from the optimizer; its step hooks are off inside."""
    containers, tensors, optimizers = _reachable(optimizer)
    contents = [container.copy() for container in containers]
    values = [tensor.detach().clone() for tensor in tensors]
    gradients = [(tensor, tensor.grad) for tensor in tensors if tensor.is_leaf]
    with torch.no_grad(), _unsafe_preserve_version_counter(tuple(tensors)):
        try:
            for each in optimizers:
                each._optimizer_step_pre_hooks.clear()
                each._optimizer_step_post_hooks.clear()
            yield
        finally:
            for container, content in zip(containers, contents, strict=True):
                container.clear()
                (container.extend if isinstance(container, list | deque) else container.update)(content)
            for tensor, gradient in gradients:
                tensor.grad = gradient
            torch._foreach_copy_([tensor.detach() for tensor in tensors], values)


def _reachable(optimizer: torch.optim.Optimizer) -> tuple[list[Any], list[Tensor], list[torch.optim.Optimizer]]:
    """Mutable containers, tensors and optimizers, each once, that the attributes of the optimizer lead to."""
    containers: list[Any] = []
    tensors: list[Tensor] = []
    optimizers: list[torch.optim.Optimizer] = []
    seen: set[int] = set()
    stack: list[Any] = [optimizer]
    while stack:
        item = stack.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, torch.Tensor):
            tensors.append(item)
            if item.is_leaf and item.grad is not None:
                stack.append(item.grad)
        elif isinstance(item, torch.optim.Optimizer):
            optimizers.append(item)
            stack.append(item.__dict__)
        elif isinstance(item, dict):
            containers.append(item)
            stack.extend(item.values())
        elif isinstance(item, list | deque | set):
            containers.append(item)
            stack.extend(item)
        elif isinstance(item, tuple):
            stack.extend(item)
    return containers, tensors, optimizers
