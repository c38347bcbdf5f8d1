"""Figure of the layers of pretrained models: their exponents and gaps."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from theory.setol.claims import real_models  # noqa: F401  (the claim must be registered first)
from theory.setol.claims.paper import paper
from theory.setol.claims.pretrained import MODELS, TRAINED
from verify.paper import Tables

COLOURS = ("#0072B2", "#D55E00", "#009E73")
MARKERS = ("o", "s", "^")


@paper.figure(source="the_fit_of_a_real_layer_is_that_of_all_cutoffs")
def layers_of_pretrained_models(tables: Tables) -> Figure:
    """Exponents α ± σ of twenty layers of three pretrained models (σ given the cutoff), and their gaps Δλ_min.

    Shaded on the left is 2 ≤ α ≤ 6, on the right the range of α_c = 1 − 1/ln λ_ERG in these layers. Layers of
    Δλ_min < 0 have α < 2; beyond that, α near 2 does not bring Δλ_min near 0.
    """
    layers = {name: np.array(values) for name, values in tables["layers"].items()}
    crossing = 1 - 1 / np.log(layers["lambda_erg"])
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 5), layout="constrained", width_ratios=(1.2, 1))
    places = np.arange(len(TRAINED))[::-1]
    left.axvspan(2, 6, color="0.93", lw=0)
    right.axvspan(crossing.min(), crossing.max(), color="0.93", lw=0, label=r"range of $\alpha_c$")
    right.axhline(0, color="0.5", lw=0.8)
    for index, (model, colour, marker) in enumerate(zip(MODELS, COLOURS, MARKERS, strict=True)):
        of = layers["model"] == index
        style = {"color": colour, "marker": marker, "ls": "none", "ms": 5}
        left.errorbar(layers["alpha"][of], places[of], xerr=layers["sigma"][of], elinewidth=1, label=model, **style)
        right.plot(layers["alpha"][of], layers["gap"][of], label=model, **style)
    left.set_yticks(places, [tensor.name.removesuffix(".weight") for tensor in TRAINED], fontsize=8)
    left.set(xlabel="exponent α")
    right.axvline(2, color="0.5", lw=0.8, ls="--", label="α = 2")
    right.set(xlabel="exponent α", ylabel=r"gap $\Delta\lambda_{\min}$ (units of the mean)")
    right.legend(loc="lower right", fontsize=8)
    left.legend(loc="lower right", fontsize=8)
    plt.close(figure)
    return figure
