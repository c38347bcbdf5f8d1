"""The classifier of digits in diffrax: the same weights at the start, and the same batches, as in torch."""

from __future__ import annotations

import functools
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import torch

from sciml.neural_de.adapters.diffrax import HeuristicSolver, heuristics_of
from sciml.neural_de.claims.experiments.classifiers import TOLERANCE, Result, Study, initial, schedule
from sciml.neural_de.claims.experiments.digits import digits
from sciml.neural_de.claims.experiments.methods import Method

SOLVER = HeuristicSolver(diffrax.Tsit5(), ("REn",), rtol=TOLERANCE, atol=TOLERANCE)


def field(t: Any, y: Any, layers: Any) -> Any:
    """σ(W[y; t] + b) for each layer."""
    for weight, bias in layers:
        y = jnp.tanh(y @ weight[:, :-1].T + t * weight[:, -1] + bias)
    return y


def solve(weights: Any, x: Any) -> tuple[Any, Any, Any]:
    """Scores, the mean over the steps of q_j h_j, and the evaluations but for those that choose the first step."""
    *layers, (head, bias) = weights
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(field),
        SOLVER,
        0.0,
        1.0,
        None,
        x,
        layers,
        stepsize_controller=diffrax.PIDController(rtol=TOLERANCE, atol=TOLERANCE),
        saveat=diffrax.SaveAt(t1=True, solver_state=True),
        max_steps=64,
    )
    assert solution.ys is not None
    error = heuristics_of(solution)["REn"] / solution.stats["num_accepted_steps"]
    return solution.ys[-1] @ head.T + bias, error, 6 * solution.stats["num_steps"] + 1


predict = jax.jit(solve)


def loss(weights: Any, x: Any, label: Any, penalty: Any) -> tuple[Any, Any]:
    """Cross-entropy plus the weighted error; and the evaluations."""
    scores, error, evaluations = solve(weights, x)
    right = jnp.take_along_axis(jax.nn.log_softmax(scores), label[:, None], 1)
    return penalty * error - right.mean(), evaluations


@jax.jit
def descend(weights: Any, velocity: Any, x: Any, label: Any, penalty: Any) -> tuple[Any, Any, Any]:
    """A step of gradient descent with momentum, as torch's."""
    slope, evaluations = jax.grad(loss, has_aux=True)(weights, x, label, penalty)
    velocity = jax.tree.map(lambda v, g: 0.9 * v + g, velocity, slope)
    return jax.tree.map(lambda w, v: w - 0.1 * v, weights, velocity), velocity, evaluations


@functools.cache
def result(study: Study, method: Method, seed: int) -> Result:
    """Train without a penalty or with ER."""
    with jax.enable_x64(True):
        data, model = digits(study.train, seed), initial(seed)
        layers = [*model.ode.field.layers, model.head]  # type: ignore[misc]
        weights = [(jnp.array(layer.weight.detach()), jnp.array(layer.bias.detach())) for layer in layers]
        velocity = jax.tree.map(jnp.zeros_like, weights)
        generator = torch.Generator().manual_seed(seed)
        penalty, cost = schedule(method, study.epochs), 0
        for epoch in range(study.epochs):
            for chosen in torch.randperm(len(data.train.x), generator=generator).split(study.batch):
                x, label = jnp.array(data.train.x[chosen]), jnp.array(data.train.label[chosen])
                weights, velocity, evaluations = descend(weights, velocity, x, label, penalty(epoch))
                cost += 2 * int(evaluations)
        scores, _, evaluations = predict(weights, jnp.array(data.test.x))
        right = int((scores.argmax(-1) == jnp.array(data.test.label)).sum())
        return Result(int(evaluations), 100 * right / len(data.test.label), cost)
