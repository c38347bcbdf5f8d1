"""Sums over all pairs of points of a Gaussian kernel, tile by tile: values and gradients without an N × N matrix.

Points are float64, shape (N, d), centred and in units of the bandwidth, so that the kernel is ``K_ij = exp(e_ij)`` with
the exponent ``e_ij = −½ ‖a_i − b_j‖²``. Exponentials are taken in the dtype of the samples; sums over tiles are kept in
float64. With both sets the same tensor only the tiles on and above the diagonal are visited.

Three reductions serve all estimators: `log_pair_sum`, `log_row_sums`, and `pair_moments`. Each can be differentiated
twice; the second derivative takes O(N²) memory.

Near-constant kernels
---------------------
Where the kernel is nearly 1 everywhere, its digits are in the excess ``E = K − 1 = tanh(e/2) (K + 1)``, a product
without cancellation. It is used when the mean exponent is at least ``−log 2``, which by Jensen's inequality puts the
mean of the kernel above ½.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import torch

Tensor = torch.Tensor

_CPU_TILE, _GPU_TILE = 256, 4096  # a tile on the CPU stays in the second-level cache
_SHIFT_COLUMNS = 256
_EXPONENT_ERROR = {torch.float32: 5e-7, torch.float64: 1e-12}  # a few roundings of K itself


def log_pair_sum(
    a: Tensor,
    b: Tensor,
    log_u: Tensor,
    log_v: Tensor,
    dtype: torch.dtype,
    first: int = 0,
) -> Tensor:
    """Return ``log Σ_ij u_i v_j K_ij``, finite however far apart the points are.

    Parameters
    ----------
    a, b
        Points (N, d) and (M, d). With ``b is a`` and ``log_v is log_u`` half of the work is done.
    log_u, log_v
        Logarithms of the weights, (N,) and (M,), float64.
    dtype
        That of the exponentials.
    first
        Columns before it are constants: they get no gradient.
    """
    value: Tensor = _apply(_LogPairSum, a, b, log_u, log_v, dtype, first)
    return value


def log_pair_mean(a: Tensor, b: Tensor, dtype: torch.dtype) -> Tensor:
    """Return ``log mean_ij K_ij``, with full relative accuracy also where it is near 0."""
    if is_near(a, b):
        return torch.log1p(_apply(_MeanExcess, a, b, dtype))
    log_u = a.new_full((len(a),), -math.log(len(a)))
    log_v = log_u if b is a else b.new_full((len(b),), -math.log(len(b)))
    return log_pair_sum(a, b, log_u, log_v, dtype)


def log_row_sums(a: Tensor, b: Tensor, dtype: torch.dtype) -> Tensor:
    """Return ``log Σ_j K_ij`` for each row, shape (N,)."""
    sums: Tensor = _apply(_LogRowSums, a, b, dtype)
    return sums


class PairMoments(NamedTuple):
    """Moments of the kernels K of x and Q of t over the pairs of N joint points, as `pair_moments` returns them.

    ``X`` stands for ``K`` or, if `is_near`, for ``K − 1``, likewise ``Y`` for ``Q``; ``x_i, y_i`` are their row means.

    Attributes
    ----------
    dependence
        ``mean_ij (X_ij − x_i − x_j + mean X) Y_ij``.
    covariance
        ``mean_i x_i y_i − mean X · mean Y``.
    mean_x, mean_t
        Of K and of Q themselves.
    """

    dependence: Tensor
    covariance: Tensor
    mean_x: Tensor
    mean_t: Tensor


def pair_moments(x: Tensor, t: Tensor, dtype: torch.dtype) -> PairMoments:
    """Return the moments of two kernels, each with full relative accuracy."""
    near_x, near_t = is_near(x, x), is_near(t, t)
    dependence, covariance, mean_x, mean_t = _apply(_PairMoments, x, t, near_x, near_t, dtype)
    return PairMoments(dependence, covariance, mean_x + float(near_x), mean_t + float(near_t))


def _apply(function: type[torch.autograd.Function], points: Tensor, *arguments: Any) -> Any:
    with torch.autocast(points.device.type, enabled=False):  # it would round the products of tiles
        return function.apply(points, *arguments)  # type: ignore[no-untyped-call]


def is_near(a: Tensor, b: Tensor) -> bool:
    """Whether ``−mean e_ij ≤ log 2``, and therefore ``mean K_ij ≥ ½``."""
    a, b = a.detach(), b.detach()
    mean = (a.square().sum(1).mean() + b.square().sum(1).mean()) / 2 - a.mean(0) @ b.mean(0)
    return bool(mean <= math.log(2.0))


class _Pairs:
    """The kernel of two sets of points, one tile at a time, in buffers that are used again.

    Exponents are inner products of ``(a_i, −½ ‖a_i‖² + log u_i, 1)`` and ``(b_j, 1, −½ ‖b_j‖² + log v_j)``, in the
    narrowest dtype in which they err by less than `_EXPONENT_ERROR`. Where float64 is too narrow for points this far
    apart, the distances are those of the differences.
    """

    def __init__(
        self, a: Tensor, b: Tensor, dtype: torch.dtype, log_u: Tensor | None = None, log_v: Tensor | None = None
    ) -> None:
        self.a, self.b, self.dtype = a, b, dtype
        self.symmetric = b is a and log_v is log_u
        self.size = _CPU_TILE if a.device.type == "cpu" else _GPU_TILE
        squares = [points.square().sum(1) for points in (a, b)]
        weights = [points.new_zeros(len(points)) if log is None else log for points, log in ((a, log_u), (b, log_v))]
        largest = float(torch.stack([value.abs().max() for value in (*squares, *weights)]).max())
        fits = [inner for inner in (dtype, torch.float64) if torch.finfo(inner).eps * largest <= _EXPONENT_ERROR[dtype]]
        self.direct, self.inner = not fits, (*fits, torch.float64)[0]
        self._width = 0 if self.direct else a.shape[1]  # of the part of the points in the inner product
        if not self.direct:
            weights = [weight - 0.5 * square for weight, square in zip(weights, squares, strict=True)]
        self._alpha, self._beta = weights
        self._left, self._left_rows = a[:0], slice(0, 0)
        self._exponents, self._excess = self._buffer(self.inner), self._buffer(dtype)
        self._kernel = self._exponents if self.inner == dtype else self._buffer(dtype)

    def tiles(self) -> Iterator[tuple[slice, slice]]:
        for i in range(0, len(self.a), self.size):
            for j in range(i if self.symmetric else 0, len(self.b), self.size):
                yield slice(i, min(i + self.size, len(self.a))), slice(j, min(j + self.size, len(self.b)))

    def exponents(self, rows: slice, columns: slice) -> Tensor:
        """In the dtype ``inner``; overwritten by the next call."""
        if rows != self._left_rows:
            alpha = self._alpha[rows, None]
            self._left = torch.cat([self.a[rows, : self._width], alpha, torch.ones_like(alpha)], 1).to(self.inner)
            self._left_rows = rows
        beta = self._beta[columns, None]
        right = torch.cat([self.b[columns, : self._width], torch.ones_like(beta), beta], 1).to(self.inner)
        exponents = torch.mm(self._left, right.T, out=_shaped(self._exponents, rows, columns))
        if self.direct:
            mode = "donot_use_mm_for_euclid_dist"
            exponents.sub_(torch.cdist(self.a[rows], self.b[columns], compute_mode=mode).square_(), alpha=0.5)
        return exponents

    def rounded(self, exponents: Tensor) -> Tensor:
        """In the dtype of the exponentials; overwritten by the next call."""
        if self.inner == self.dtype:
            return exponents
        return self._kernel[: exponents.numel()].view_as(exponents).copy_(exponents)

    def kernel(self, rows: slice, columns: slice) -> Tensor:
        """``K``; overwritten by the next call."""
        return self.rounded(self.exponents(rows, columns)).exp_()

    def kernel_and_variable(self, rows: slice, columns: slice, near: bool) -> tuple[Tensor, Tensor]:
        """``K``, and ``K − 1`` if ``near``, ``K`` otherwise; overwritten by the next call."""
        if not near:
            return (kernel := self.kernel(rows, columns)), kernel
        kernel = self.rounded(self.exponents(rows, columns))
        excess = torch.mul(kernel, 0.5, out=_shaped(self._excess, rows, columns)).tanh_()
        return kernel.exp_(), torch.addcmul(excess, excess, kernel, out=excess)

    def scratch(self) -> Tensor:
        return self._buffer(self.dtype)

    def _buffer(self, dtype: torch.dtype) -> Tensor:
        shape = min(self.size, len(self.a)) * min(self.size, len(self.b))
        return torch.empty(shape, dtype=dtype, device=self.a.device)


def _shaped(buffer: Tensor, rows: slice, columns: slice) -> Tensor:
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    return buffer[: shape[0] * shape[1]].view(shape)


class _Pull:
    """Accumulates ``Σ_j w_ij (b_j − a_i)`` and, in the other direction, ``Σ_i w_ij (a_i − b_j)``.

    Of one set with symmetric weights the two are equal, and tiles above the diagonal count for those below.
    """

    def __init__(self, pairs: _Pairs, first: int = 0, wanted: tuple[bool, bool] = (True, True)) -> None:
        self.symmetric, self.wanted = pairs.symmetric, wanted
        self.first = first
        self.a = self._with_ones(pairs.a, pairs.dtype)
        self.b = self.a if pairs.b is pairs.a else self._with_ones(pairs.b, pairs.dtype)
        self.on_a = torch.zeros_like(self.a, dtype=torch.float64)
        self.on_b = self.on_a if self.symmetric else torch.zeros_like(self.b, dtype=torch.float64)

    def _with_ones(self, points: Tensor, dtype: torch.dtype) -> Tensor:
        return torch.cat([points[:, self.first :], torch.ones_like(points[:, :1])], 1).to(dtype)

    def add(self, weights: Tensor, rows: slice, columns: slice) -> None:
        if self.symmetric or self.wanted[0]:
            self.on_a[rows] += weights @ self.b[columns]
        if rows != columns if self.symmetric else self.wanted[1]:
            self.on_b[columns] += weights.T @ self.a[rows]

    def scale(self, factor: Tensor) -> None:
        self.on_a *= factor
        if not self.symmetric:
            self.on_b *= factor

    def sums(self) -> tuple[Tensor, Tensor]:
        """Row and column sums of the weights."""
        return self.on_a[:, -1], self.on_b[:, -1]

    def gradients(self) -> tuple[Tensor, Tensor]:
        """``∂/∂a_i`` and ``∂/∂b_j`` of ``Σ_ij w_ij`` with ``∂w_ij/∂a_i = w_ij (b_j − a_i)``."""
        on_a = self._differences(self.on_a, self.a)
        return on_a, on_a if self.symmetric else self._differences(self.on_b, self.b)

    def _differences(self, sums: Tensor, points: Tensor) -> Tensor:
        pull = sums[:, :-1].addcmul_(sums[:, -1:], points[:, :-1].double(), value=-1.0)
        return torch.nn.functional.pad(pull, (self.first, 0)) if self.first else pull


class _LogPairSum(torch.autograd.Function):
    """`log_pair_sum`: the value and, where it is wanted, the gradient in one pass."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, log_u: Tensor, log_v: Tensor, dtype: torch.dtype, first: int) -> Tensor:
        pairs = _Pairs(a, b, dtype, log_u, log_v)
        of_a, of_b, of_u, of_v, *_ = ctx.needs_input_grad
        pull = _Pull(pairs, first, (of_a or of_u, of_b or of_v)) if any(ctx.needs_input_grad) else None
        top, total = a.new_full((), -math.inf), a.new_zeros(())
        for rows, columns in pairs.tiles():
            exponents = pairs.exponents(rows, columns)
            if (highest := exponents.amax().double()) > top:
                factor, top = torch.exp(top - highest), highest
                total = total * factor
                if pull is not None:
                    pull.scale(factor)
            weights = pairs.rounded(exponents.sub_(top)).exp_()
            total = total + weights.sum(1).double().sum() * (2 if pairs.symmetric and rows != columns else 1)
            if pull is not None:
                pull.add(weights, rows, columns)
        ctx.save_for_backward(a, b, log_u, log_v)
        ctx.gradients = None if pull is None else [part / total for part in (*pull.gradients(), *pull.sums())]
        return top + torch.log(total)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            return (*_dense_gradients(_dense_log_pair_sum, ctx.saved_tensors, (grad,)), None, None)
        return (*(grad * gradient for gradient in ctx.gradients), None, None)


class _MeanExcess(torch.autograd.Function):
    """``mean_ij K_ij − 1``: the value and, where it is wanted, the gradient in one pass."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, dtype: torch.dtype) -> Tensor:
        pairs = _Pairs(a, b, dtype)
        pull = _Pull(pairs) if any(ctx.needs_input_grad) else None
        total, count = a.new_zeros(()), len(a) * len(b)
        for rows, columns in pairs.tiles():
            kernel, excess = pairs.kernel_and_variable(rows, columns, near=True)
            total = total + excess.sum(1).double().sum() * (2 if pairs.symmetric and rows != columns else 1)
            if pull is not None:
                pull.add(kernel, rows, columns)
        ctx.save_for_backward(a, b)
        ctx.gradients = None if pull is None else [part / count for part in pull.gradients()]
        return total / count

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            return (*_dense_gradients(_dense_mean_excess, ctx.saved_tensors, (grad,)), None)
        return (*(grad * gradient for gradient in ctx.gradients), None)


class _LogRowSums(torch.autograd.Function):
    """`log_row_sums`; the gradient is a second pass."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, dtype: torch.dtype) -> Tensor:
        pairs = _Pairs(a, b, dtype)
        ctx.dtype, ctx.symmetric = dtype, pairs.symmetric
        if pairs.symmetric:
            sums = a.new_zeros(len(a))
            for rows, columns in pairs.tiles():
                kernel = pairs.kernel(rows, columns)
                sums[rows] += kernel.sum(1)
                if rows != columns:
                    sums[columns] += kernel.sum(0)
            result = torch.log(sums)
        else:
            result = a.new_full((len(a),), -math.inf)
            for rows, columns in pairs.tiles():
                exponents = pairs.exponents(rows, columns)
                top = exponents.amax(1, keepdim=True)
                sums = pairs.rounded(exponents.sub_(top)).exp_().sum(1).double()
                result[rows] = torch.logaddexp(result[rows], top[:, 0] + torch.log(sums))
        ctx.save_for_backward(a, b, result)
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        a, b, logs = ctx.saved_tensors
        if torch.is_grad_enabled():
            return (*_dense_gradients(_dense_log_row_sums, (a, b), (grad,)), None)
        pairs = _Pairs(a, a if ctx.symmetric else b, ctx.dtype)
        pull = _Pull(pairs)
        shares = (grad * torch.exp(-logs)).to(ctx.dtype) if pairs.symmetric else grad.to(ctx.dtype)
        for rows, columns in pairs.tiles():
            if pairs.symmetric:
                weights = pairs.kernel(rows, columns)
                weights *= (shares[rows, None] + shares[columns]) * 0.5
            else:
                exponents = pairs.exponents(rows, columns).sub_(logs[rows, None])
                weights = pairs.rounded(exponents).exp_().mul_(shares[rows, None])
            pull.add(weights, rows, columns)
        return (*pull.gradients(), None)


class _PairMoments(torch.autograd.Function):
    """`pair_moments`; the gradient is a second pass.

    The dependence is the same if ``s_i + s_j`` is taken off ``X_ij``. With row means over a few columns for s little is
    left to cancel when the sums over all pairs are centred.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, t: Tensor, near_x: bool, near_t: bool, dtype: torch.dtype
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        n = len(x)
        pairs_x, pairs_t = _Pairs(x, x, dtype), _Pairs(t, t, dtype)
        shift_x, shift_t = _row_shifts(x, near_x, dtype), _row_shifts(t, near_t, dtype)
        rows_x, rows_t, joint = x.new_zeros(n), x.new_zeros(n), x.new_zeros(())
        for rows, columns in pairs_x.tiles():
            _, of_x = pairs_x.kernel_and_variable(rows, columns, near_x)
            _, of_t = pairs_t.kernel_and_variable(rows, columns, near_t)
            for variable, shift, sums in ((of_x, shift_x, rows_x), (of_t, shift_t, rows_t)):
                variable.sub_(shift[rows, None]).sub_(shift[columns])
                sums[rows] += variable.sum(1)
                if rows != columns:
                    sums[columns] += variable.sum(0)
            joint = joint + of_x.mul_(of_t).sum(1).double().sum() * (2 if rows != columns else 1)
        rows_x, rows_t = rows_x / n, rows_t / n
        dependence = joint / n**2 - 2 * (rows_x * rows_t).mean() + rows_x.mean() * rows_t.mean()
        rows_x, rows_t = rows_x + _completed(shift_x), rows_t + _completed(shift_t)
        mean_x, mean_t = rows_x.mean(), rows_t.mean()
        covariance = ((rows_x - mean_x) * (rows_t - mean_t)).mean()
        ctx.near, ctx.dtype = (near_x, near_t), dtype
        ctx.save_for_backward(x, t, rows_x, rows_t)
        return dependence, covariance, mean_x, mean_t

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, t, rows_x, rows_t = ctx.saved_tensors
        if torch.is_grad_enabled():
            dense = partial(_dense_pair_moments, near_x=ctx.near[0], near_t=ctx.near[1])
            return (*_dense_gradients(dense, (x, t), grads), None, None, None)
        by_dependence, by_covariance, by_x, by_t = grads
        pairs = (_Pairs(x, x, ctx.dtype), _Pairs(t, t, ctx.dtype))
        pulls = [_Pull(pair) if wanted else None for pair, wanted in zip(pairs, ctx.needs_input_grad, strict=False)]
        needed = [near and pull is not None for near, pull in zip(ctx.near, reversed(pulls), strict=True)]
        slope = 0.5 * by_covariance - by_dependence
        row_weights = [
            (slope * other + 0.5 * ((by_dependence - by_covariance) * other.mean() + by_own)).to(ctx.dtype)
            for other, by_own in ((rows_t, by_x), (rows_x, by_t))
        ]
        joint_weight, weights = float(by_dependence), pairs[0].scratch()
        for rows, columns in pairs[0].tiles():
            of_both = [pair.kernel_and_variable(rows, columns, near) for pair, near in zip(pairs, needed, strict=True)]
            for own, pull in enumerate(pulls):
                if pull is not None:
                    kernel, (_, other) = of_both[own][0], of_both[1 - own]
                    weight = _shaped(weights, rows, columns)
                    torch.add(row_weights[own][rows, None], row_weights[own][columns], out=weight)
                    pull.add(weight.add_(other, alpha=joint_weight).mul_(kernel), rows, columns)
        scale = 2.0 / len(x) ** 2
        gradients = [None if pull is None else pull.gradients()[0].mul_(scale) for pull in pulls]
        return (*gradients, None, None, None)


def _completed(shift: Tensor) -> Tensor:
    """The row means of ``s_i + s_j``."""
    wide = shift.double()
    return wide + wide.mean()


def _row_shifts(points: Tensor, near: bool, dtype: torch.dtype) -> Tensor:
    """Row means of the kernel over a few columns, less half their mean."""
    some = points[:: -(-len(points) // _SHIFT_COLUMNS)]
    pairs, means = _Pairs(points, some, dtype), points.new_zeros(len(points))
    for rows, columns in pairs.tiles():
        means[rows] += pairs.kernel_and_variable(rows, columns, near)[1].sum(1)
    means /= len(some)
    return (means - 0.5 * means.mean()).to(dtype)


def _dense_gradients(
    dense: Callable[..., Any], inputs: tuple[Tensor, ...], grads: tuple[Tensor, ...]
) -> list[Tensor | None]:
    """Gradients that can be differentiated again, from the N × N matrices."""
    inputs = tuple(value.view_as(value) for value in inputs)  # the two sets may be one tensor
    wanted = [value for value in inputs if value.requires_grad]
    found = iter(torch.autograd.grad(dense(*inputs), wanted, grads, create_graph=True, allow_unused=True))
    return [next(found) if value.requires_grad else None for value in inputs]


def _dense_exponents(a: Tensor, b: Tensor) -> Tensor:
    return a @ b.T - 0.5 * (a.square().sum(1)[:, None] + b.square().sum(1))


def _dense_log_pair_sum(a: Tensor, b: Tensor, log_u: Tensor, log_v: Tensor) -> Tensor:
    return torch.logsumexp(_dense_exponents(a, b) + log_u[:, None] + log_v, (0, 1))


def _dense_mean_excess(a: Tensor, b: Tensor) -> Tensor:
    return torch.expm1(_dense_exponents(a, b)).mean()


def _dense_log_row_sums(a: Tensor, b: Tensor) -> Tensor:
    return torch.logsumexp(_dense_exponents(a, b), 1)


def _dense_pair_moments(x: Tensor, t: Tensor, near_x: bool, near_t: bool) -> tuple[Tensor, ...]:
    of_x, of_t = (
        torch.expm1(exponents) if near else torch.exp(exponents)
        for exponents, near in ((_dense_exponents(x, x), near_x), (_dense_exponents(t, t), near_t))
    )
    rows_x, rows_t = of_x.mean(1), of_t.mean(1)
    mean_x, mean_t = rows_x.mean(), rows_t.mean()
    dependence = (of_x * of_t).mean() - 2 * (rows_x * rows_t).mean() + mean_x * mean_t
    return dependence, (rows_x * rows_t).mean() - mean_x * mean_t, mean_x, mean_t
