"""Particles that descend the divergence from two Gaussians, and those that are lost on the way."""

import functools

import numpy as np
import torch

from theory.cauchy_schwarz.claims.paper import paper
from theory.cauchy_schwarz.divergence import divergence

MODE, STEPS = 4.0, 300
NARROWED = 250
"""Steps in which a wide kernel narrows to bandwidth 1."""
EVERY = 10
"""Steps between two records of the divergence."""
FAR = 4.0
"""A particle is lost if it is farther than this from both modes, in their standard deviations."""


@functools.cache
def descended(seed, count, longest=None, widest=1.0):
    """Targets from N(±(4, 4), I), as many particles from N(0, I) after the descent, and the divergence on the way.

    With ``longest``, no particle moves farther than that in one step. With ``widest``, the bandwidth falls
    geometrically from that to 1 in 250 steps; the recorded divergence is that of bandwidth 1.
    """
    generator = torch.Generator().manual_seed(seed)
    particles = torch.randn(count, 2, generator=generator)
    targets = torch.randn(count, 2, generator=generator)
    targets += MODE * torch.tensor([1.0, -1.0]).repeat_interleave(count // 2)[:, None]
    values = []
    for step in range(STEPS):
        if step % EVERY == 0:
            values.append(float(divergence(particles, targets, 1.0)))
        particles.requires_grad_()
        width = max(1.0, widest ** (1 - step / NARROWED))
        (slope,) = torch.autograd.grad(divergence(particles, targets, width), particles)
        move = -count / 2 * slope
        if longest is not None:
            move *= (longest / move.norm(dim=1, keepdim=True)).clamp(max=1)
        particles = (particles + move).detach()
    return targets.numpy(), particles.numpy(), np.array([*values, float(divergence(particles, targets, 1.0))])


@paper.refuted(
    "toy example, two Gaussians, in the released code",
    tags=("empirical", "erratum"),
    controls={"a kernel that narrows from bandwidth 4 to 1": {"widest": 4.0}},
    mutants={"moves of at most half a bandwidth": {"longest": 0.5}},
)
def nineteen_of_twenty_particles_reach_a_mode_at_bandwidth_one(check, longest=None, widest=1.0):
    r"""400 particles from $N(0, I)$ that descend $\hat{D}$, $\sigma = 1$, rate 200, end within 4 of a mode
    $\pm (4, 4)$, but for 5 %.

    False, though $\hat{D}$ falls to 0.01 and both modes get their half: one in seven is driven aside by the others to
    where no kernel reaches it. Shorter moves do not help; a wide kernel that narrows slowly does, which of 200
    particles loses 2.6 % (standard deviation 0.7 %, seeds 5000 to 5009). At level quick there are 200; the rate is half
    their number.
    """
    count = check.at(quick=200, full=400)

    def measured(seed):
        _, particles, values = descended(seed, count, longest, widest)
        distances = np.stack([np.linalg.norm(particles - mode, axis=1) for mode in (MODE, -MODE)])
        return {
            "share lost": float((distances.min(0) > FAR).mean()),
            "divergence": values[-1],
            "share at the first mode": float((distances[0] < distances[1]).mean()),
        }

    check.reproduces(
        measured,
        bands={"share lost": (0, 0.05)},
        seeds=check.at(quick=1, full=5),
        setup={
            "particles": f"{count} from N(0, I) in two dimensions",
            "targets": f"{count // 2} + {count // 2} from N(±(4, 4), I)",
            "bandwidth": 1.0 if widest == 1.0 else f"{widest:g} to 1 in {NARROWED} steps",
            "optimizer": f"gradient descent, rate {count / 2:g}, {STEPS} steps",
            "longest move": longest,
        },
    )
    (targets, fixed, path), (_, narrowed, other) = (descended(check.seed, count, None, width) for width in (1.0, 4.0))
    check.table("path", step=range(0, STEPS + 1, EVERY), fixed=path, narrowed=other)
    for name, points in (("targets", targets), ("fixed", fixed), ("narrowed", narrowed)):
        check.table(name, x=points[:, 0], y=points[:, 1])
