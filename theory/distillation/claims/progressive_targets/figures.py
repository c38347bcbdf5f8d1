"""Figures of self-distillation: reliability, and the rescaling of gradients."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from theory.distillation.claims.progressive_targets import experiments  # noqa: F401  (the claims must be registered)
from theory.distillation.claims.progressive_targets.paper import paper
from verify.paper import Tables

COLORS = ("#777777", "#D55E00", "#0072B2")


@paper.figure(source="self_distillation_calibrates_a_network_with_dropout")
def reliability_diagram(tables: Tables) -> Figure:
    """Accuracy on test digits by confidence, in ten bins; below the diagonal a network is too sure of itself.

    A perceptron with dropout 0.5 on 1,000 digits of MNIST, all seeds together. Area of a point: share of the test data
    in its bin.
    """
    figure, axes = plt.subplots(figsize=(4.4, 4.2), layout="constrained")
    axes.plot([0, 1], [0, 1], ":", color="#222222", lw=1, label="calibrated")
    for (name, table), color in zip(tables.items(), COLORS, strict=False):
        columns = {key: np.array(values, dtype=float) for key, values in table.items()}
        axes.plot(columns["confidence"], columns["accuracy"], color=color, lw=1.4, label=name)
        axes.scatter(columns["confidence"], columns["accuracy"], 8 + 400 * columns["share"], color=color, alpha=0.5)
    axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1.05), ylim=(0, 1.05), aspect="equal")
    axes.legend(loc="upper left")
    plt.close(figure)
    return figure


@paper.figure(source="hard_examples_keep_more_of_their_gradient")
def rescaling_of_gradients_in_training(tables: Tables) -> Figure:
    """Norm of PS-KD's logit gradient relative to that of cross-entropy, with dropout 0.5; medians, mean over seeds.

    Dotted: share of the training examples to which the paper's formula for this ratio applies.
    """
    table = tables["ratio"]
    figure, axes = plt.subplots(figsize=(4.8, 3.4), layout="constrained")
    axes.plot(table["epoch"], table["rest"], "o-", color=COLORS[2], label="other examples")
    axes.plot(table["epoch"], table["hard"], "s-", color=COLORS[1], label="hardest tenth")
    axes.plot(table["epoch"], table["share"], "^:", color=COLORS[0], label="formula applies [share]")
    axes.set(xlabel="epoch", ylabel="ratio of gradient norms", ylim=(0, 1.05))
    axes.legend(loc="lower left")
    plt.close(figure)
    return figure
