"""Figures of the training runs on wrong labels: accuracy by method, and memorization over epochs."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from theory.early_learning.claims.paper import paper
from theory.early_learning.claims.training import robustness  # noqa: F401  (the claims must be registered first)
from verify.paper import Tables

COLORS = ("#777777", "#0072B2", "#009E73", "#CC79A7", "#D55E00")


@paper.figure(source="regularizer_leads_dropout_nested_dropout_and_self_distillation")
def accuracy_under_noise(tables: Tables) -> Figure:
    """Test accuracy after the last epoch of training on wrong labels, by method; bars are means, points are seeds.

    Cross-entropy, dropout at rate 0.9, nested dropout with s = 10, PS-KD with α_T = 0.8, ELR with λ = 7 and β = 0.9.
    """
    figure, axes = plt.subplots(figsize=(7.2, 3.8), layout="constrained")
    methods = list(next(iter(tables.values())))
    width = 0.8 / len(methods)
    for place, (method, color) in enumerate(zip(methods, COLORS, strict=True)):
        at = np.arange(len(tables)) + (place - (len(methods) - 1) / 2) * width
        values = [100 * np.array(table[method], dtype=float) for table in tables.values()]
        axes.bar(at, [each.mean() for each in values], width * 0.92, color=color, alpha=0.75, label=method)
        for x, each in zip(at, values, strict=True):
            axes.plot(np.full(len(each), x), each, "o", color="#222222", ms=2.5)
    names = [name.split() for name in tables]
    axes.set_xticks(range(len(tables)), [f"{data}\n{100 * float(noise):.0f} % wrong" for data, noise in names])
    axes.set(ylabel="test accuracy after the last epoch [%]", ylim=(0, 100))
    axes.grid(axis="x", visible=False)
    figure.legend(loc="outside upper center", ncols=len(methods))
    plt.close(figure)
    return figure


@paper.figure(source="network_learns_before_it_memorizes")
def memorization_over_epochs(tables: Tables) -> Figure:
    """What a network predicts on wrongly labelled training digits as it is trained, with 40 % of the labels wrong.

    Cross-entropy first predicts the true class, then memorizes the wrong label, and test accuracy falls. With the
    regularizer, λ = 7 and β = 0.9, it stays at the true class. Lines: means over seeds; thin lines: seeds.
    """
    figure, panels = plt.subplots(1, 2, figsize=(8.6, 3.6), sharex=True, sharey=True, layout="constrained")
    shown = {
        "recovered": ("wrongly labelled: true class", COLORS[2], "-"),
        "memorized": ("wrongly labelled: wrong label", COLORS[4], "-"),
        "accuracy": ("test accuracy", "#222222", "--"),
    }
    for axes, (name, table) in zip(panels, tables.items(), strict=True):
        columns = {key: np.array(values, dtype=float) for key, values in table.items()}
        epochs = np.unique(columns["epoch"])
        for part, (label, color, style) in shown.items():
            curves = 100 * columns[part].reshape(len(epochs), -1)
            if curves.shape[1] > 1:
                axes.plot(epochs, curves, color=color, lw=0.5, alpha=0.5)
            axes.plot(epochs, curves.mean(axis=1), style, color=color, lw=1.8, label=label)
        axes.set(title=name, xlabel="epoch", xscale="log", ylim=(-2, 102))
    panels[0].set_ylabel("share [%]")
    panels[0].set_xticks([1, 3, 10, 30, 100], ["1", "3", "10", "30", "100"])
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    plt.close(figure)
    return figure
