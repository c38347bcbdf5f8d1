"""Whether what a representation keeps of the inputs goes with the generalization gap, across networks (Section 4)."""

import functools
from itertools import product

import numpy as np
import torch
from scipy.stats import rankdata

from theory.cauchy_schwarz import normalized_mutual_information
from theory.cauchy_schwarz.claims.paper import paper
from theory.cauchy_schwarz.claims.training.data import load
from theory.cauchy_schwarz.claims.training.methods import BANDWIDTH, squared_error
from theory.cauchy_schwarz.claims.training.runs import Study, build, train

ROWS = 1000


@functools.cache
def trained(study: Study, width: int, depth: int, seed: int) -> tuple[float, float]:
    """Normalized I_CS(x; t) on training rows, and test less training error, of a network trained by squared error."""
    data = load(study.data, study.train, study.test, seed)
    network = train(build(data.x.shape[1], seed, width=width, depth=depth), data, squared_error, study, seed)
    with torch.no_grad():
        errors = [(network(x) - y).square().mean().sqrt() for x, y in ((data.x, data.y), (data.x_test, data.y_test))]
        x = data.x[:ROWS]
        kept = normalized_mutual_information(x, network.through(x, data.y[:ROWS]).t, BANDWIDTH, BANDWIDTH)
    return float(kept), float(errors[1] - errors[0])


def rank_correlation(first, second, given=()):
    """Spearman's ρ; partial, if columns are given."""
    ranks = np.column_stack([rankdata(column) for column in (first, second, *given)])
    basis = np.column_stack([np.ones(len(ranks)), ranks[:, 2:]])
    left = ranks[:, :2] - basis @ np.linalg.lstsq(basis, ranks[:, :2], rcond=None)[0]
    return float(np.corrcoef(left.T)[0, 1])


def bootstrap(check, name, widths, *columns, level=0.95):
    """ρ with its interval over networks, resampled within each width."""
    table, rng = np.array(columns), check.rng(name)
    groups = [np.flatnonzero(widths == width) for width in np.unique(widths)]
    draws = (
        table[:, np.concatenate([rng.choice(group, len(group)) for group in groups])]
        for _ in range(check.at(quick=400, full=2000))
    )
    low, high = np.quantile([rank_correlation(a, b, rest) for a, b, *rest in draws], [(1 - level) / 2, (1 + level) / 2])
    return rank_correlation(table[0], table[1], table[2:]), float(low), float(high)


def networks(check):
    """Columns over networks, and what was run.

    Width, depth, seed, information kept, generalization gap, and what the gap exceeds the mean of its split by: splits
    differ by more than networks of one split do.
    """
    study = check.at(
        quick=Study("Bike Sharing", 1024, 1000, 16, 3e-3), full=Study("Bike Sharing", 2000, 2000, 20, 2e-3)
    )
    widths = check.at(quick=(16, 128), full=(16, 32, 64, 128))
    seeds = range(check.seed, check.seed + check.at(quick=2, full=3))
    grid = [(*shape, seed) for shape in product(widths, (1, 2, 3, 4)) for seed in seeds]
    rows = np.array([(*shape, seed, *trained(study, *shape, seed)) for *shape, seed in grid])
    columns = dict(zip(("width", "depth", "seed", "information", "gap"), rows.T, strict=True))
    gap, of = columns["gap"], columns["seed"]
    columns["excess"] = gap - [gap[of == seed].mean() for seed in of]
    setup = study.setup(
        seeds,
        widths=widths,
        depths=(1, 2, 3, 4),
        networks=len(grid),
        loss="squared error",
        network="d→[width]×depth→32→32→128→1, ReLU",
    )
    return columns, setup


@paper.conjecture(
    "generalization across networks, Section 4",
    tags=("empirical",),
    mutants={"narrowness for information": {"quantity": lambda nets: -nets["width"], "given": ()}},
)
def networks_that_keep_less_information_generalize_better_at_equal_shape(
    check, quantity=lambda nets: nets["information"], given=("width", "depth")
):
    r"""Among networks of one width and depth, those with less normalized $I_{\text{CS}}(x; t)$ have the smaller
    generalization gap.

    The paper plots 100 networks of several depths and widths and sees a positive correlation. Wide networks keep more
    and have a larger gap, deep ones keep less and have a larger gap. Spearman's $\rho$ is recorded without and with
    shape held fixed, with 95 % bootstrap intervals over networks; gaps are taken less the mean of all networks on the
    same split. The check asks only that the data leave room for a positive $\rho$ at equal shape, in an interval of
    99.9 %, as networks of one seed share their data and are not independent. They do not decide its sign, nor does the
    bound behind the claim: it is in $I(x; t)$, infinite for these deterministic networks, and an upper bound in $I$
    gives none in the smaller $I_{\text{CS}}$.
    """
    nets, setup = networks(check)
    columns = [quantity(nets), nets["excess"], *(nets[name] for name in given)]
    rho, low, high = bootstrap(check, "resamples", nets["width"], *columns, level=0.999)
    bands = {"high end": (0, 1)}
    found = {"rho": rho, "low end": low, "high end": high}
    check.reproduces(lambda _: found, bands=bands, seeds=1, setup=setup, says="ρ with shape held fixed, 99.9 %")
    pairs: dict[str, tuple[str, ...]] = {
        "information, gap": ("information", "excess"),
        "width, gap": ("width", "excess"),
        "width, information": ("width", "information"),
        "information, gap, given width": ("information", "excess", "width"),
    }
    check.note(
        printed={"correlation": "positive", "information": "0.4–1", "gap": "0.02–0.085"},
        rho_and_interval_95={
            name: bootstrap(check, name, nets["width"], *(nets[key] for key in keys)) for name, keys in pairs.items()
        },
        information=[nets["information"].min(), nets["information"].max()],
        gap=[nets["gap"].min(), nets["gap"].max()],
    )
    check.table("networks", **nets)
