"""A figure of one layer: its spectral density with the fitted tail and the two cuts, and D against the cutoff."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from theory.setol.analyze import Layer
from theory.setol.power_law import scan

_STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}
_BINS_PER_DECADE = 25
_RED, _GREEN, _BLUE = "#c0392b", "#1e8449", "#1f4e79"


def plot_layer(layer: Layer) -> Figure:
    """Draw the spectrum of a layer, log–log, with its fit, ``xmin`` and the ERG cut; beside it ``D`` for every cutoff.

    Parameters
    ----------
    layer
        A row of `theory.setol.analyze.analyze` that is not skipped and whose eigenvalues are not all zero. The second
        axes are empty for a degenerate fit.

    Returns
    -------
    Figure
        Not attached to any window; save it with ``savefig``.

    Raises
    ------
    ValueError
        For a layer without positive eigenvalues.
    """
    positive = layer.eigenvalues[layer.eigenvalues > 0.0]
    if len(positive) == 0:
        raise ValueError(f"layer {layer.longname} has no positive eigenvalues; expected at least one")
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(9.0, 4.2), layout="constrained")
        density, distance = figure.subplots(1, 2)
        _draw_density(density, layer, positive)
        _draw_distance(distance, layer)
        figure.suptitle(f"{layer.longname}\n{layer.convention}", fontsize=10)
    return figure


def save_plots(layers: list[Layer], folder: Path) -> list[Path]:
    """Write a PNG for each layer with positive eigenvalues into ``folder``, named by position and name of the layer.

    Returns
    -------
    list of Path
        The files written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for layer in layers:
        if not np.any(layer.eigenvalues > 0.0):
            continue
        part = "" if layer.slice_id is None else f"_{layer.slice_id}"
        name = re.sub(r"[^\w.-]+", "_", layer.longname)[-100:]
        written.append(folder / f"{layer.layer_id:04d}{part}_{name}.png")
        plot_layer(layer).savefig(written[-1], dpi=110)
    return written


def _draw_density(axes: Axes, layer: Layer, positive: np.ndarray) -> None:
    low, high = np.log10(positive[0]), np.log10(positive[-1])
    bins = max(8, min(60, round(_BINS_PER_DECADE * (high - low)), len(positive)))
    edges = np.logspace(low, high, bins + 1) if high > low + 0.01 else positive[0] * np.array([0.9, 1.1])
    edges[0], edges[-1] = min(edges[0], positive[0]), max(edges[-1], positive[-1])
    counts, _ = np.histogram(positive, edges)
    height = counts / (np.diff(edges) * len(layer.eigenvalues))
    zeros = len(layer.eigenvalues) - len(positive)
    label = f"{len(layer.eigenvalues)} eigenvalues" + (f", {zeros} of them 0" if zeros else "")
    axes.stairs(height, edges, color=_BLUE, lw=1.2, label=label)
    rug = np.full(len(positive), 0.02)
    axes.plot(positive, rug, "|", color=_BLUE, ms=6, alpha=0.4, transform=axes.get_xaxis_transform())
    if layer.status == "success" and layer.num_pl_spikes is not None:
        tail = np.geomspace(layer.xmin, positive[-1], 100)
        share = layer.num_pl_spikes / len(layer.eigenvalues)
        law = share * (layer.alpha - 1.0) / layer.xmin * (tail / layer.xmin) ** -layer.alpha
        axes.plot(tail, law, color=_RED, lw=1.8, label=f"α = {layer.alpha:.2f} ± {layer.sigma:.2f} (given the cut)")
        axes.axvline(layer.xmin, color=_RED, ls="--", lw=1.0, label=f"xmin, {layer.num_pl_spikes} in the tail")
    if layer.detX_num is not None:
        axes.axvline(layer.detX_val, color=_GREEN, ls=":", lw=1.6, label=f"ERG cut, {layer.detX_num} in the tail")
    bottom, top = 0.2 * height[height > 0.0].min(), 3.0 * height.max()
    axes.set(xscale="log", yscale="log", ylim=(bottom, top), xlabel=f"eigenvalue [{layer.units}]", ylabel="density")
    axes.legend(fontsize=8, ncols=2, loc="lower left", bbox_to_anchor=(0.0, 1.0))


def _draw_distance(axes: Axes, layer: Layer) -> None:
    if layer.status != "success":
        axes.set_axis_off()
        axes.text(0.5, 0.5, f"no fit: {layer.reason}", ha="center", va="center", fontsize=8)
        return
    axes.set(xscale="log", xlabel=f"xmin [{layer.units}]", ylabel="distance D")
    curve = scan(layer.eigenvalues)
    axes.plot(curve.xmin, curve.D, color=_BLUE, lw=1.0)
    axes.plot(layer.xmin, layer.D, "o", color=_RED, ms=5, label=f"least D = {layer.D:.3f}")
    if layer.detX_num is not None:
        axes.axvline(layer.detX_val, color=_GREEN, ls=":", lw=1.6)
    axes.set_ylim(bottom=0.0)
    axes.legend(fontsize=8, loc="lower left", bbox_to_anchor=(0.0, 1.0))
