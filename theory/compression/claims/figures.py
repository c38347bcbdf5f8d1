"""Figures of the compression paper."""

import math

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from theory.compression.claims import kept_channels  # noqa: F401  (the claim must be registered first)
from theory.compression.claims.paper import paper
from verify.paper import Tables


@paper.figure(source="nested_dropout_keeps_about_four_fifths_of_s")
def channels_kept_by_nested_dropout(tables: Tables) -> Figure:
    """Mean number of 512 channels that nested dropout keeps, by the printed law and by that of the authors' code."""
    kept = tables["kept"]
    figure, axes = plt.subplots(figsize=(4.5, 3.2), layout="constrained")
    axes.loglog(kept["s"], kept["paper"], label="printed, exp(−k²/(2s²))")
    axes.loglog(kept["s"], kept["code"], label="code, exp(−(k/s)²)")
    axes.loglog(kept["s"], [math.sqrt(2 / math.pi) * s for s in kept["s"]], "k:", label="s√(2/π)")
    axes.set_xlabel("width s [channels]")
    axes.set_ylabel("mean number kept [channels]")
    axes.legend(frameon=False)
    return figure
