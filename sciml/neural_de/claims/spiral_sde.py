"""The spiral SDE of Section 4: its printed equation against the authors' data.

The data, 30 times of means and variances of 10,000 paths, are not part of this project: set PAPERCHECKS_SPIRAL_SDE to a
JSON file of them, ``{"mean": [u1, u2], "var": [u1, u2]}`` with 30 numbers each.
"""

import functools
import json
import os
from pathlib import Path

import numpy as np
import torch
from scipy.stats import norm

from sciml.neural_de.brownian import BrownianPath, Increment
from sciml.neural_de.claims.paper import paper
from sciml.neural_de.sde_solve import sri_step
from verify.check import FALSE_ALARM

A, B, G = 0.1, 2.0, 0.2
TIMES, STEPS = 30, 5
PATHS_OF_THE_DATA = 10_000


def data_of_the_authors(check):
    """Means and variances, each of shape (2, 30)."""
    path = os.environ.get("PAPERCHECKS_SPIRAL_SDE")
    if not path:
        check.skip("set PAPERCHECKS_SPIRAL_SDE to the moments of the authors' spiral data")
    found = json.loads(Path(str(path)).read_text(encoding="utf-8"))
    return np.array(found["mean"]), np.array(found["var"])


@functools.cache
def moments(sign, common, seed, paths):
    """Mean, variance and their standard errors of simulated paths, each of shape (2, 30).

    SOSRI with 5 steps between two of the 30 times, for du₁ = −a u₁³ − s·b u₂³, du₂ = s·b u₁³ − a u₂³ with s the sign,
    and noise g u; ``common`` drives both entries by one Brownian motion.
    """

    def drift(t, u):
        x, y = u[:, 0] ** 3, u[:, 1] ** 3
        return torch.stack([-A * x - sign * B * y, sign * B * x - A * y], dim=1)

    noise = BrownianPath((paths, 1 if common else 2), 0.0, 1.0, seed=seed)
    u = torch.tensor([[2.0, 0.0]], dtype=torch.float64).expand(paths, 2)
    mean, var, error, error_of_var = ([] for _ in range(4))
    n = (TIMES - 1) * STEPS
    for k in range(n + 1):
        if k % STEPS == 0:
            centred = u - u.mean(dim=0)
            mean.append(u.mean(dim=0))
            var.append(centred.square().mean(dim=0))
            error.append(var[-1].sqrt())
            error_of_var.append(centred.square().std(dim=0))
        if k < n:
            dw, area = noise.increment(k / n, (k + 1) / n)
            u = sri_step(drift, lambda t, u: G * u, k / n, u, 1 / n, Increment(dw.expand(-1, 2), area.expand(-1, 2))).y
    return tuple(torch.stack(values, dim=1).numpy() for values in (mean, var, error, error_of_var))


@paper.corrected(
    "Section 4 (spiral SDE)",
    printed={"sign": -1},
    tags=("erratum", "empirical"),
    mutants={"one Brownian motion for both": {"common": True}},
)
def spiral_data_turn_the_other_way(check, sign=1, common=False):
    r"""The authors' data follow $du_1 = -a u_1^3 - b u_2^3$, $du_2 = b u_1^3 - a u_2^3$ with noise $0.2u$, $a = 0.1$,
    $b = 2$.

    The noises of the two entries are independent. The print has $+b u_2^3$ in the first and $-b u_1^3$ in the second
    line: the mirror image in $u_2$. The means and variances at all times are compared in units of their standard
    errors, which come from the 10,000 paths of the data and from ours. The band is where the largest of the 116 numbers
    that can differ stays with probability $1 - 10^{-6}$.
    """
    mean, var = data_of_the_authors(check)
    paths = check.at(quick=4_000, full=20_000)
    band = float(norm.isf(FALSE_ALARM / 2 / 116))

    def measure(seed):
        ours_mean, ours_var, error, error_of_var = moments(sign, common, seed, paths)
        size = np.sqrt(1 / paths + 1 / PATHS_OF_THE_DATA)
        gaps = [
            abs(ours - theirs)[:, 1:] / (size * spread[:, 1:])
            for ours, theirs, spread in ((ours_mean, mean, error), (ours_var, var, error_of_var))
        ]
        return {"largest deviation of a mean": gaps[0].max(), "largest deviation of a variance": gaps[1].max()}

    check.reproduces(
        measure,
        bands=dict.fromkeys(("largest deviation of a mean", "largest deviation of a variance"), (0.0, band)),
        seeds=1,
        setup={"method": "sosri", "paths": paths, "steps": (TIMES - 1) * STEPS, "u0": [2.0, 0.0], "t": [0.0, 1.0]},
        says="largest deviations in standard errors",
    )
    t = np.linspace(0, 1, TIMES)
    ours, mirrored = moments(1, False, check.seed, paths), moments(-1, False, check.seed, paths)
    check.table(
        "moments",
        t=t,
        **{f"data mean {i + 1}": mean[i] for i in range(2)},
        **{f"data variance {i + 1}": var[i] for i in range(2)},
        **{f"mean {i + 1}": ours[0][i] for i in range(2)},
        **{f"variance {i + 1}": ours[1][i] for i in range(2)},
        **{f"printed mean {i + 1}": mirrored[0][i] for i in range(2)},
    )
