"""The figure of nested dropout's ordered channels."""

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from theory.compression.claims import experiments  # noqa: F401  (the claim must be registered first)
from theory.compression.claims.paper import paper
from verify.paper import Tables


@paper.figure(source="first_channels_carry_the_accuracy")
def accuracy_of_the_first_channels(tables: Tables) -> Figure:
    """Test accuracy of a perceptron cut to the first k of its 256 last hidden channels; means over seeds.

    Trained on digits with 40 % wrong labels. Nested dropout orders the channels; the others need all of them.
    """
    table = tables["first"]
    figure, axes = plt.subplots(figsize=(5.2, 3.5), layout="constrained")
    shown = {
        "nested": ("nested dropout, s = 10", "#0072B2", "-"),
        "dropout": ("dropout 0.9", "#D55E00", "--"),
        "none": ("neither", "#777777", ":"),
    }
    for name, (label, color, style) in shown.items():
        axes.plot(table["channels"], [100 * value for value in table[name]], style, color=color, lw=1.8, label=label)
    axes.set(xlabel="channels kept k", ylabel="test accuracy [%]", xscale="log", ylim=(0, 100))
    ticks = [1, 2, 4, 8, 16, 32, 64, 128, 256]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.legend(loc="lower right")
    plt.close(figure)
    return figure
