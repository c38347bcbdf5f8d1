r"""The released program: its branches, its loss and its options (version of commit 431b40e, default settings)."""

import argparse
import contextlib
import io

import hypothesis.strategies as st
import sympy as sp
import torch

from sciml.lagrangian_pinn.claims.paper import paper

RELEASED = {
    "u": ("input", "hidden1", "hidden2", "hidden2", "hidden2", "output"),
    "X": ("input", "hidden1", "output"),
}
"""The layers that each branch passes through at the default depths, 5 and 2."""
DECLARED = ("input", *(f"hidden{i}" for i in range(1, 6)), "output", "hiddenae", "hiddennnn", "outpuaetttt")
PARALLEL = {
    "u": ("input", *(f"hidden{i}" for i in range(1, 6)), "output"),
    "X": ("input of X", "hidden1 of X", "hidden2 of X", "output of X"),
}


def moved_by_training(branches, declared, seed):
    """The layers that get a gradient from each branch, of width 5 and random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        sizes = {name: (3 if "input" in name else 5, 1 if "output" in name else 5) for name in declared}
        layers = {name: torch.nn.Linear(*size).double() for name, size in sizes.items()}
        inputs = torch.rand(7, 3, dtype=torch.float64)
    moved = {}
    for branch, path in branches.items():
        value = inputs
        for name in path[:-1]:
            value = torch.tanh(layers[name](value))
        weights = [layer.weight for layer in layers.values()]
        gradients = torch.autograd.grad(layers[path[-1]](value).sum(), weights, allow_unused=True)
        moved[branch] = {name for name, g in zip(layers, gradients, strict=True) if g is not None and bool(g.any())}
    return moved


@paper.refuted(
    "two parallel branches; released code",
    tags=("erratum",),
    controls={"separate branches": {"branches": PARALLEL, "declared": sum(PARALLEL.values(), ())}},
    mutants={"shared layers, none idle": {"declared": ("input", "hidden1", "hidden2", "output")}},
)
def released_branches_have_layers_of_their_own(check, branches=RELEASED, declared=DECLARED):
    r"""State and characteristics have a branch each, with layers of its own, and all layers that are declared are
    trained.

    The branch of $X$ is the first two layers of that of $u$ with the same output layer: no layer is its own. The third
    layer of $u$ is used three times, and the six layers that are idle hold twelve weight and bias tensors.
    """

    def parallel(seed):
        moved = moved_by_training(branches, declared, seed)
        return moved["u"].isdisjoint(moved["X"]) and moved["u"] | moved["X"] == set(declared)

    check.forall(parallel, examples=10, seed=st.integers(0, 99))
    moved = moved_by_training(branches, declared, 0)
    idle, shared = set(declared) - moved["u"] - moved["X"], moved["u"] & moved["X"]
    check.note(setup={"width": 5, "depths": "5 and 2"}, idle=sorted(idle), shared=sorted(shared))


@paper.refuted(
    "released code: loss",
    tags=("erratum",),
    controls={"mean of squares": {"loss": lambda R: sum(r**2 for r in R) / len(R)}},
    mutants={"mean of moduli": {"loss": lambda R: sum(sp.Abs(r) for r in R) / len(R)}},
)
def released_loss_is_smooth_at_a_solution(check, loss=lambda R: sp.sqrt(sum(r**2 for r in R))):
    r"""The released loss $\|R\|_2$ has derivative 0 where the residuals vanish, and does not grow with the number of
    points.

    Along a weight $\theta$ with $R=(a\theta,b\theta)$ its derivative is $\pm\sqrt{a^2+b^2}$ up to $\theta=0$, where
    steps of fixed length go back and forth; twice the points weigh $\sqrt2$ as much. Quasi-Newton methods need better.
    """
    theta = sp.Symbol("theta", positive=True)
    a, b = sp.symbols("a b", real=True)
    slope = sp.limit(sp.diff(loss((a * theta, b * theta)), theta), theta, 0, "+")
    check.proves(sp.Eq(slope, 0), says="derivative on the way to a solution")
    check.proves(sp.Eq(loss((a, b, a, b)), loss((a, b))), says="points doubled")


def released_option(parser):
    """As it is declared there."""
    parser.add_argument("--IF_SAVENET", type=bool, default=True, choices=[False, True])


def named_option(parser):
    """By the words themselves."""
    parser.add_argument("--IF_SAVENET", type=lambda text: {"False": False, "True": True}[text], default=True)


@paper.refuted(
    "released code: options",
    tags=("erratum",),
    controls={"by the words": {"declare": named_option}},
)
def a_released_option_of_false_is_false(check, declare=released_option):
    r"""`--IF_SAVENET False` turns the saving of weights off.

    The option is converted by `bool`, and `bool("False")` is true: with these options nothing can be turned off.
    """

    def means_what_it_says(value):
        parser = argparse.ArgumentParser(exit_on_error=False)
        declare(parser)
        return parser.parse_args(["--IF_SAVENET", str(value)]).IF_SAVENET is value

    check.forall(means_what_it_says, examples=10, value=st.booleans())


@paper.refuted(
    "released code: options",
    tags=("erratum",),
    controls={"up to 50": {"choices": range(1, 51)}},
)
def released_default_width_is_an_allowed_width(check, choices=range(1, 10)):
    r"""The default `--HIDDEN 50` may be given as an option.

    The allowed values end at 9: the default, which is not checked, works only as long as it is not written.
    """

    def is_accepted(width):
        parser = argparse.ArgumentParser()
        parser.add_argument("--HIDDEN", type=int, default=50, choices=choices)
        try:
            with contextlib.redirect_stderr(io.StringIO()):
                return width == parser.parse_args(["--HIDDEN", str(width)]).HIDDEN
        except SystemExit:
            return False

    check.forall(is_accepted, examples=2, width=st.just(50))
