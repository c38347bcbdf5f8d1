"""A neural ODE on digits with the solver's error in the loss; ``python examples/digits_neural_ode.py --help``.

After each epoch the bar shows the loss, and of a solve of the test images the field evaluations and the percent right.
"""

import torch
import typer
from rich.progress import Progress, TextColumn
from sklearn.datasets import load_digits
from torch.nn.functional import cross_entropy

from sciml.neural_de import anneal
from sciml.neural_de.models import NeuralODE, TimeMLP


def main(penalty: float = 2.0, epochs: int = 20, seed: int = 0) -> None:
    """Train with PENALTY, annealed to a tenth, times the mean over the steps of scaled error times length."""
    torch.manual_seed(seed)
    images, labels = load_digits(return_X_y=True)
    order = torch.randperm(len(labels))
    x, label = torch.tensor(images / 16)[order], torch.tensor(labels)[order]
    ode = NeuralODE(TimeMLP([64, 50, 64]), rtol=1.4e-8, atol=1.4e-8).double()
    head = torch.nn.Linear(64, 10).double()
    optimizer = torch.optim.SGD([*ode.parameters(), *head.parameters()], lr=0.1, momentum=0.9)
    weight = anneal(penalty, penalty / 10, epochs) if penalty else lambda epoch: 0.0
    shown = TextColumn("loss {task.fields[loss]:.3f}  {task.fields[nfe]} evaluations  {task.fields[right]:.1f} % right")
    with Progress(*Progress.get_default_columns(), shown) as progress:
        bar = progress.add_task("training", total=epochs, loss=float("nan"), nfe=0, right=0.0)
        for epoch in range(epochs):
            for batch in torch.randperm(len(x) - 500).split(256):
                solution = ode(x[batch], heuristics=("REn",))
                error = solution.heuristics["REn"] / solution.stats.accepted
                loss = cross_entropy(head(solution.y), label[batch]) + weight(epoch) * error
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            with torch.no_grad():
                solution = ode(x[-500:])
                right = 100 * (head(solution.y).argmax(1) == label[-500:]).double().mean().item()
            progress.update(bar, advance=1, loss=loss.item(), nfe=solution.stats.nfe, right=right)


if __name__ == "__main__":
    typer.run(main)
