"""Spectral diagnostics of every layer of a model, in WeightWatcher's column names.

References
----------
C. H. Martin, C. Hinrichs, "SETOL: A Semi-Empirical Theory of (Deep) Learning", arXiv 2507.17912: layer quality metrics
(Section 2), ERG condition and ``Δλ_min`` (Sections 5 and 6). C. H. Martin, M. W. Mahoney, arXiv 1810.01075: soft ranks,
phases. WeightWatcher 0.7.7 for the names. What differs from it is said at the column.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from os import PathLike
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from theory.setol.correlation_traps import correlation_traps
from theory.setol.eigenvalues import Convolution, Method, Scale, Spectrum, eigenvalues
from theory.setol.erg import erg_cut
from theory.setol.goodness_of_fit import goodness_of_fit
from theory.setol.power_law import fit_power_law
from theory.setol.weights import Weight, read_weights

Status: TypeAlias = Literal["success", "degenerate", "skipped"]

UNITS: Mapping[Scale, str] = {"raw": "W^2", "1/N": "W^2/N", "mean1": "1"}
"""Unit of an eigenvalue in each scale, for the column ``units``."""

_PRECISION = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}
"""Spacing of the numbers above 1; entries of 8 bits count as bfloat16."""
_OVER_TRAINED, _UNDER_TRAINED = 2.0, 6.0
_NAN = math.nan


@dataclass(frozen=True)
class Layer:
    """One row: a matrix or kernel, or one slice of a kernel.

    Numbers that do not exist are NaN, counts that do not exist ``None``. λ stands for the eigenvalues in ``units``, n
    for their number, λ̂ for ``λ n / Σ λ``.

    Attributes
    ----------
    layer_id
        Position among the tensors of the model, from 0.
    name, longname
        The last part of the tensor's name (or the one before ``weight``), and all of it.
    layer_type
        ``"dense"``, ``"conv1d"``, ``"conv2d"``, ``"conv3d"``, ``"recurrent"`` (the gates stacked), ``"embedding"`` or
        ``"unknown"``.
    status
        ``"success"``; ``"degenerate"`` if no power law can be fitted, ``"skipped"`` if there is no spectrum; in these
        two cases ``reason`` says why.
    reason
        Empty if ``status`` is ``"success"``.
    warning
        WeightWatcher's words: ``"over-trained"`` if α < 2, ``"under-trained"`` if α > 6. Many matrices of random
        numbers have α between, so an empty warning is no evidence of training.
    dtype, shape
        As stored.
    convention
        Which matrices the eigenvalues are those of.
    units
        Of the eigenvalues: ``"W^2"``, ``"W^2/N"`` or ``"1"`` (mean 1).
    slice_id
        Position of the slice in the kernel, ``None`` unless ``conv="slices"``.
    N, M, Q, rf, num_evals
        ``N ≥ M`` sides of a matrix, ``N/M``, number of matrices (positions of the kernel; 1 if flattened), ``n``.
    alpha, xmin, xmax, D, num_pl_spikes, sigma
        Exponent of the density of the tail, its cutoff and ``λ_max`` in ``units``, Kolmogorov–Smirnov distance, number
        of eigenvalues in the tail, and ``(α − 1)/√n_tail``. This σ is conditional on ``xmin`` and too small.
    sigma_exact
        As `theory.setol.power_law.PowerLawFit`.
    p_value
        With ``n_boot``, of the power law, see `theory.setol.goodness_of_fit.goodness_of_fit`; small values speak
        against it.
    norm, log_norm
        ``Σ λ`` (in raw units and per matrix ``‖W‖_F²``) and its log10.
    lambda_max, spectral_norm, log_spectral_norm
        Largest eigenvalue, the same again under WeightWatcher's second name, its log10.
    sv_max, sv_min
        Square roots of the largest and the smallest eigenvalue.
    stable_rank, matrix_rank, rank_loss
        ``Σ λ/λ_max``; number of ``σ > N ε σ_max`` (ε of the stored dtype, at least single precision) that are above the
        rounding of the method; ``n`` less that. WeightWatcher's ``weak_rank_loss`` depends on the scale of W and is not
        given.
    entropy
        ``−Σ p ln p / ln(matrix_rank)`` with ``p = λ/Σλ`` over the eigenvalues counted in the rank, in [0, 1]; 0 for
        rank 1. WeightWatcher adds 1e-10 to every p.
    alpha_weighted, log_alpha_norm
        ``α log10 λ_max`` and ``log10 Σ λ^α``; both depend on ``units``.
    W_scale
        ``√(n/Σλ)``: multiply W by it for eigenvalues of mean 1.
    mp_softrank
        ``(1 + √(M/N))²/λ̂_max``: edge of the Marchenko–Pastur law of the layer's own variance over the largest
        eigenvalue. WeightWatcher fits that variance.
    detX_num, detX_val
        ERG cut: number of largest eigenvalues down to the first at which ``Π λ̂`` is below 1, that one included, and its
        value in ``units``. Computed with logarithms at any size.
    lambda_erg, delta_lambda
        The same eigenvalue as λ̂, and ``Δλ_min = xmin (as λ̂) − lambda_erg``; dimensionless.
    ERG_gap
        ``detX_num − num_pl_spikes``.
    num_traps, trap_z, rand_lambda_max
        With ``traps=True``, of W flattened to a matrix and its entries shuffled, see
        `theory.setol.correlation_traps.correlation_traps`: number of eigenvalues beyond the Marchenko–Pastur edge at
        the false-alarm rate asked for, distance of the largest from the edge in Tracy–Widom units, and the largest of
        ``WᵀW/N`` over the variance of the entries. They do not exist for a single row or column or equal entries.
    eigenvalues
        Ascending, in ``units``; empty if skipped. Not exported. Those below the rounding of the method are 0.
    """

    layer_id: int
    name: str
    longname: str
    layer_type: str
    status: Status
    reason: str
    dtype: str
    shape: tuple[int, ...]
    warning: str = ""
    convention: str = ""
    units: str = ""
    slice_id: int | None = None
    N: int | None = None
    M: int | None = None
    Q: float = _NAN
    rf: int | None = None
    num_evals: int | None = None
    alpha: float = _NAN
    xmin: float = _NAN
    xmax: float = _NAN
    D: float = _NAN
    num_pl_spikes: int | None = None
    sigma: float = _NAN
    sigma_exact: float = _NAN
    p_value: float = _NAN
    norm: float = _NAN
    log_norm: float = _NAN
    lambda_max: float = _NAN
    spectral_norm: float = _NAN
    log_spectral_norm: float = _NAN
    sv_max: float = _NAN
    sv_min: float = _NAN
    stable_rank: float = _NAN
    matrix_rank: int | None = None
    rank_loss: int | None = None
    entropy: float = _NAN
    alpha_weighted: float = _NAN
    log_alpha_norm: float = _NAN
    W_scale: float = _NAN
    mp_softrank: float = _NAN
    detX_num: int | None = None
    detX_val: float = _NAN
    lambda_erg: float = _NAN
    delta_lambda: float = _NAN
    ERG_gap: int | None = None
    num_traps: int | None = None
    trap_z: float = _NAN
    rand_lambda_max: float = _NAN
    eigenvalues: Spectrum = field(default_factory=lambda: np.empty(0), repr=False, compare=False)

    def record(self) -> dict[str, Any]:
        """Return the row as a dictionary of strings and numbers, without the eigenvalues."""
        row = {column: getattr(self, column) for column in COLUMNS}
        return row | {"shape": "x".join(map(str, self.shape))}


COLUMNS: tuple[str, ...] = tuple(column.name for column in fields(Layer) if column.name != "eigenvalues")
"""Names of the exported columns, in order."""


@dataclass(frozen=True)
class Analysis:
    """The layers of a model; `records` is what a data frame takes.

    Attributes
    ----------
    layers
        One row a layer (a slice, for ``conv="slices"``), tensors that were skipped included, in the model's order.
    """

    layers: tuple[Layer, ...]

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __getitem__(self, longname: str) -> Layer:
        """Return the first row of the tensor of that name."""
        for layer in self.layers:
            if layer.longname == longname:
                return layer
        raise KeyError(longname)

    def column(self, name: str) -> npt.NDArray[Any]:
        """Return one attribute of all rows as an array of shape (rows,), counts that do not exist as NaN."""
        if name not in COLUMNS:
            raise ValueError(f"name is {name!r}; expected one of {', '.join(COLUMNS)}")
        if name == "shape":
            return np.array([layer.record()[name] for layer in self.layers])
        values = [getattr(layer, name) for layer in self.layers]
        return np.array([_NAN if value is None else value for value in values])

    def records(self) -> list[dict[str, Any]]:
        """Return the rows as dictionaries, see `COLUMNS`."""
        return [layer.record() for layer in self.layers]

    def to_csv(self) -> str:
        """Return the table as CSV; NaN is written ``nan``, a missing count as nothing."""
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.records())
        return out.getvalue()

    def to_json(self) -> str:
        """Return the table as a JSON list of objects; NaN and missing counts are ``null``."""
        rows = [{key: _finite_or_none(value) for key, value in row.items()} for row in self.records()]
        return json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False)


def analyze(
    model: nn.Module | Mapping[str, Any] | str | PathLike[str],
    *,
    method: Method = "gram",
    conv: Convolution = "pool",
    scale: Scale = "raw",
    min_evals: int = 8,
    traps: bool = False,
    n_boot: int = 0,
    seed: int = 0,
    level: float = 0.01,
    track: Callable[[Sequence[Weight]], Iterable[Weight]] = iter,
) -> Analysis:
    """Fit the spectrum of every layer of a model.

    Parameters
    ----------
    model
        A module, a state dict, or the path of a checkpoint, see `theory.setol.weights.read_weights`. One tensor is in
        memory at a time.
    method, conv, scale
        See `theory.setol.eigenvalues.eigenvalues`. WeightWatcher's eigenvalues are ``"raw"``, with ``"pool"`` half of
        ours for 4-axis kernels.
    min_evals
        Spectra with fewer eigenvalues are skipped, at least 2.
    traps
        Look for correlation traps, which about doubles the time, and needs the memory of two more copies of a tensor.
    n_boot
        Number of refitted samples for the p-value of each fit; 0 leaves ``p_value`` NaN. A thousand take about 0.2 s a
        layer of 256 eigenvalues.
    seed
        Of the shuffles for the traps and of the refitted samples.
    level
        False-alarm rate of the traps, a layer.
    track
        Wraps the sequence of weights as they are worked through: `rich.progress.track`, ``tqdm``.

    Returns
    -------
    Analysis
        One row a tensor, or a slice of one. Tensors without a spectrum (one axis, integers, NaN entries, …) are rows of
        status ``"skipped"``; spectra that no power law can be fitted to, of status ``"degenerate"``.

    Raises
    ------
    TypeError, ValueError, FileNotFoundError, ImportError
        For a model that cannot be read, see `theory.setol.weights.read_weights`, and for invalid options.
    """
    options = _Options(method, conv, scale, min_evals, traps, n_boot, seed, level)
    weights = read_weights(model)
    positions = {weight.name: position for position, weight in enumerate(weights)}
    found: list[Layer] = []
    for weight in track(weights):
        found += _layers_of(weight, positions[weight.name], options)
    return Analysis(tuple(found))


@dataclass(frozen=True)
class _Options:
    method: Method
    conv: Convolution
    scale: Scale
    min_evals: int
    traps: bool
    n_boot: int
    seed: int
    level: float

    def __post_init__(self) -> None:
        eigenvalues(np.ones((1, 1)), self.method, self.conv, self.scale)
        if isinstance(self.min_evals, bool) or not isinstance(self.min_evals, int) or self.min_evals < 2:
            raise ValueError(f"min_evals is {self.min_evals!r}; expected an integer of at least 2")
        if isinstance(self.n_boot, bool) or not isinstance(self.n_boot, int) or self.n_boot < 0:
            raise ValueError(f"n_boot is {self.n_boot!r}; expected an integer of at least 0")
        if self.traps:
            correlation_traps(np.eye(2), self.seed, self.level)


def _layers_of(weight: Weight, position: int, options: _Options) -> list[Layer]:
    blank = _blank(weight, position)
    if weight.reason:
        return [blank]
    try:
        W = weight.load()
        spectra = np.atleast_2d(eigenvalues(W, options.method, options.conv, options.scale))
    except (TypeError, ValueError) as error:  # what one tensor holds is no reason to lose the others
        return [replace(blank, reason=str(error))]
    rows = []
    for index, spectrum in enumerate(spectra):
        row = _fitted(_shaped(blank, index, options), spectrum, options)
        if options.traps and row.status != "skipped":
            row = _with_traps(row, W, options)
        rows.append(row)
    return rows


def _blank(weight: Weight, position: int) -> Layer:
    *parents, own = weight.name.split(".")
    name = parents[-1] if own == "weight" and parents else own
    return Layer(position, name, weight.name, weight.layer_type, "skipped", weight.reason, weight.dtype, weight.shape)


def _shaped(blank: Layer, index: int, options: _Options) -> Layer:
    """Add what the shape alone says."""
    rows, columns, *kernel = blank.shape
    positions = math.prod(kernel)
    slice_id = None
    if not kernel:
        convention = f"matrix {rows}x{columns}"
    elif options.conv == "flatten":
        columns *= positions
        convention, positions = f"kernel flattened to {rows}x{columns}", 1
    elif options.conv == "pool":
        convention = f"{positions} matrices {rows}x{columns} pooled"
    else:
        convention, positions, slice_id = f"slice {index} of {positions}, {rows}x{columns}", 1, index
    N, M = max(rows, columns), min(rows, columns)
    sizes: dict[str, Any] = {"N": N, "M": M, "Q": N / M, "rf": positions, "num_evals": positions * M}
    return replace(blank, convention=convention, units=UNITS[options.scale], slice_id=slice_id, **sizes)


def _fitted(row: Layer, spectrum: Spectrum, options: _Options) -> Layer:
    """Add what the spectrum says: norms and ranks, the power law, the ERG cut."""
    n = len(spectrum)
    if n < options.min_evals:
        return replace(row, reason=f"too few eigenvalues: {n}, min_evals is {options.min_evals}")
    largest = float(spectrum[-1])
    rounding = n * 2.0**-52 if options.method == "gram" else (n * 2.0**-52) ** 2
    spectrum = np.where(spectrum > rounding * largest, spectrum, 0.0)
    found: dict[str, Any] = {"status": "degenerate", "eigenvalues": spectrum} | _size(spectrum, row)
    if largest == 0.0:
        return replace(row, reason=f"all {n} eigenvalues are 0", **found)
    found |= _erg(spectrum)
    kept = spectrum[n - found["matrix_rank"] :]
    if largest - float(kept[0]) <= _flatness(row) * largest:
        reason = f"its {len(kept)} nonzero eigenvalues are equal to the precision of {row.dtype}"
        return replace(row, reason=reason, **found)
    fit = fit_power_law(spectrum)
    if fit.status == "degenerate":
        return replace(row, reason="no tail of two distinct positive eigenvalues", **found)
    found |= _powers(fit.alpha, spectrum) | {
        "status": "success",
        "xmin": fit.xmin,
        "D": fit.D,
        "num_pl_spikes": fit.n_tail,
        "sigma": fit.sigma,
        "sigma_exact": fit.sigma_exact,
        "delta_lambda": fit.xmin / (found["norm"] / n) - found["lambda_erg"],
        "ERG_gap": found["detX_num"] - fit.n_tail,
    }
    if options.n_boot:
        found["p_value"] = goodness_of_fit(spectrum, fit, options.n_boot, options.seed).p_value
    return replace(row, **found)


def _size(spectrum: Spectrum, row: Layer) -> dict[str, Any]:
    assert row.N is not None
    total, largest = float(spectrum.sum()), float(spectrum[-1])
    counted: dict[str, Any] = {"lambda_max": largest, "spectral_norm": largest, "xmax": largest, "norm": total}
    counted |= {"sv_max": math.sqrt(largest), "sv_min": math.sqrt(float(spectrum[0]))}
    if largest == 0.0:
        return counted | {"matrix_rank": 0, "rank_loss": len(spectrum)}
    kept = spectrum[spectrum > (row.N * _computed(row)) ** 2 * largest]
    p = kept / kept.sum()
    edge = (1.0 + math.sqrt(1.0 / row.Q)) ** 2
    return counted | {
        "log_norm": math.log10(total),
        "log_spectral_norm": math.log10(largest),
        "stable_rank": total / largest,
        "matrix_rank": len(kept),
        "rank_loss": len(spectrum) - len(kept),
        "entropy": min(1.0, max(0.0, -float(p @ np.log(p)) / math.log(len(kept)))) if len(kept) > 1 else 0.0,
        "W_scale": math.sqrt(len(spectrum) / total),
        "mp_softrank": edge * total / (len(spectrum) * largest),
    }


def _flatness(row: Layer) -> float:
    """Relative spread of the spectrum of an orthogonal matrix that was computed and stored in the row's precision.

    Storing alone gives about 1 ε; a QR decomposition in that precision 10 to 40 ε for 10 to 1500 columns.
    """
    assert row.num_evals is not None
    return max(8.0 * _stored(row), 64.0 * _computed(row), row.num_evals * 2.0**-52)


def _stored(row: Layer) -> float:
    return _PRECISION.get(row.dtype, _PRECISION["bfloat16"])


def _computed(row: Layer) -> float:
    return min(_stored(row), _PRECISION["float32"])


def _erg(spectrum: Spectrum) -> dict[str, Any]:
    cut = erg_cut(spectrum)
    return {"detX_num": cut.k, "detX_val": float(spectrum[-cut.k]), "lambda_erg": cut.lam}


def _powers(alpha: float, spectrum: Spectrum) -> dict[str, Any]:
    logs = np.log(spectrum[spectrum > 0.0])
    largest = float(logs[-1])
    warning = "over-trained" if alpha < _OVER_TRAINED else "under-trained" if alpha > _UNDER_TRAINED else ""
    return {
        "alpha": alpha,
        "warning": warning,
        "alpha_weighted": alpha * largest / math.log(10.0),
        "log_alpha_norm": (alpha * largest + math.log(np.exp(alpha * (logs - largest)).sum())) / math.log(10.0),
    }


def _with_traps(row: Layer, W: torch.Tensor, options: _Options) -> Layer:
    matrix = W.flatten(1) if row.slice_id is None else W.flatten(2)[..., row.slice_id]
    if min(matrix.shape) < 2:
        return row
    traps = correlation_traps(matrix, options.seed, options.level)
    if traps.status == "degenerate":
        return row
    return replace(row, num_traps=traps.count, trap_z=traps.z, rand_lambda_max=traps.lam_max)


def _finite_or_none(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
