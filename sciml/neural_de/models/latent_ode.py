"""A variational autoencoder of irregular series whose latent path solves an ODE.

References
----------
Y. Rubanova, R. T. Q. Chen, D. Duvenaud, "Latent ODEs for Irregularly-Sampled Time Series", arXiv 1907.03907.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sciml.neural_de.models.neural_ode import NeuralODE
from sciml.neural_de.solve import Solution


@dataclass(frozen=True, eq=False)
class LatentPath:
    """What a latent ODE makes of a batch of series.

    Attributes
    ----------
    prediction : Tensor, shape (B, T, F)
        Decoded latent path at all T times.
    mean, log_std : Tensor, shape (B, L)
        The posterior N(mean, exp(log_std)²) of the latent state at the first time.
    solution
        The solve of the latent path, with its heuristics and statistics.
    """

    prediction: Tensor
    mean: Tensor
    log_std: Tensor
    solution: Solution


class LatentODE(nn.Module):
    """Series observed at irregular times → a posterior of the latent state at the first → its path → predictions.

    A gated recurrent unit reads a series backwards. It is updated where an entry is observed and only there, and told
    the time that has passed since its last update; so times at which a series has no observation do not matter to its
    posterior.

    Parameters
    ----------
    ode
        Of latent states (B, L). Its interval is replaced by that of the series.
    features
        F, entries of an observation.
    latent
        L, width of the latent state.
    hidden
        Width of the recurrent unit.
    decoder
        From latent states (..., L) to observations (..., F); a linear map if ``None``.

    Raises
    ------
    ValueError
        If ``features``, ``latent`` or ``hidden`` is below 1.

    Examples
    --------
    >>> from sciml.neural_de.models import TimeMLP
    >>> model = LatentODE(NeuralODE(TimeMLP([4, 16, 4])), features=2, latent=4, hidden=8)
    >>> values, observed = torch.zeros(3, 5, 2), torch.ones(3, 5, 2, dtype=torch.bool)
    >>> path = model(values, observed, [0.0, 0.1, 0.4, 0.5, 1.0], noise=torch.zeros(3, 4))
    >>> path.prediction.shape
    torch.Size([3, 5, 2])
    """

    def __init__(
        self, ode: NeuralODE, features: int, latent: int, hidden: int, decoder: nn.Module | None = None
    ) -> None:
        super().__init__()
        for name, width in (("features", features), ("latent", latent), ("hidden", hidden)):
            if width < 1:
                raise ValueError(f"{name} is {width}; expected at least 1")
        self.ode = ode
        self.latent = latent
        self.cell = nn.GRUCell(2 * features + 1, hidden)
        self.posterior = nn.Linear(hidden + 1, 2 * latent)
        self.decoder = nn.Linear(latent, features) if decoder is None else decoder

    def encode(self, values: Tensor, observed: Tensor, times: Sequence[float]) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the standard deviation of the latent state at ``times[0]``, each (B, L).

        Parameters
        ----------
        values, observed, times
            As in :meth:`forward`.

        Raises
        ------
        ValueError
            As :meth:`forward` does.
        """
        times = _check(values, observed, times, self.cell.input_size // 2)
        filled = torch.where(observed, values, 0.0)
        seen = observed.any(-1)
        state = values.new_zeros(len(values), self.cell.hidden_size)
        last = values.new_full((len(values),), math.nan)
        for i in reversed(range(len(times))):
            passed = torch.where(last.isnan(), 0.0, last - times[i])
            entry = torch.cat([filled[:, i], observed[:, i].to(values.dtype), passed[:, None]], dim=-1)
            state = torch.where(seen[:, i, None], self.cell(entry, state), state)
            last = torch.where(seen[:, i], times[i], last)
        passed = torch.where(last.isnan(), 0.0, last - times[0])
        mean, log_std = self.posterior(torch.cat([state, passed[:, None]], dim=-1)).chunk(2, dim=-1)
        return mean, log_std

    def forward(
        self,
        values: Tensor,
        observed: Tensor,
        times: Sequence[float],
        *,
        noise: Tensor | None = None,
        heuristics: Sequence[str] = (),
    ) -> LatentPath:
        """Encode, draw a latent state, solve and decode.

        Parameters
        ----------
        values : Tensor, shape (B, T, F)
            Observations at all times at which some series has one, float32 or float64. What stands where nothing was
            observed, NaN included, has no influence.
        observed : Tensor, shape (B, T, F)
            Bool.
        times
            T ≥ 2 increasing times.
        noise : Tensor, shape (B, L), optional
            Standard normal numbers of the posterior's draw. Zeros give the posterior mean; drawn if ``None``.
        heuristics
            As in :func:`~sciml.neural_de.solve`.

        Returns
        -------
        LatentPath

        Raises
        ------
        ValueError
            If a shape or dtype is not as described, or the times do not increase.
        """
        mean, log_std = self.encode(values, observed, times)
        if noise is None:
            noise = torch.randn_like(mean)
        if noise.shape != mean.shape:
            raise ValueError(f"noise has shape {tuple(noise.shape)}; expected {tuple(mean.shape)}")
        start = mean + log_std.exp() * noise
        solution: Solution = self.ode(start, t0=times[0], t1=times[-1], save_at=times, heuristics=heuristics)
        assert solution.ys is not None
        return LatentPath(self.decoder(solution.ys).movedim(0, 1), mean, log_std, solution)


def negative_elbo(
    path: LatentPath, values: Tensor, observed: Tensor, noise_std: float, kl_weight: float = 1.0
) -> Tensor:
    r"""−Σ log N(value | prediction, σ²) over observed entries + w·KL(posterior ‖ N(0, 1)), averaged over the batch.

    Entries that were not observed contribute nothing, the constants −log σ − log(2π)/2 included; the authors' code
    counts these for all entries.

    Parameters
    ----------
    path
        From :class:`LatentODE`.
    values, observed : Tensor, shape (B, T, F)
        As there.
    noise_std
        σ > 0 of an observation.
    kl_weight
        w ≥ 0, which training raises from 0 to 1.

    Returns
    -------
    Tensor
        0-d.

    Raises
    ------
    ValueError
        If ``noise_std`` is not positive, ``kl_weight`` is negative, or a shape differs from the prediction's.
    """
    if not noise_std > 0:
        raise ValueError(f"noise_std is {noise_std}; expected a positive number")
    if not kl_weight >= 0:
        raise ValueError(f"kl_weight is {kl_weight}; expected a number of at least 0")
    for name, given in (("values", values), ("observed", observed)):
        if given.shape != path.prediction.shape:
            expected = tuple(path.prediction.shape)
            raise ValueError(f"{name} has shape {tuple(given.shape)}; expected that of the prediction, {expected}")
    gap = (torch.where(observed, values, path.prediction) - path.prediction) / noise_std
    constant = math.log(noise_std) + math.log(2 * math.pi) / 2
    likelihood = -gap.square().sum() / 2 - constant * observed.sum()
    divergence = (path.mean.square() + (2 * path.log_std).exp() - 1).sum() / 2 - path.log_std.sum()
    return (kl_weight * divergence - likelihood) / len(values)


def _check(values: Tensor, observed: Tensor, times: Sequence[float], features: int) -> list[float]:
    moments = [float(time) for time in times]
    if len(moments) < 2 or any(not a < b for a, b in itertools.pairwise(moments)):
        raise ValueError(f"times is {moments}; expected at least two increasing numbers")
    if values.ndim != 3 or values.shape[1:] != (len(moments), features):
        expected = f"(B, {len(moments)}, {features})"
        raise ValueError(f"values has shape {tuple(values.shape)}; expected {expected}: series, times, features")
    if observed.dtype != torch.bool or observed.shape != values.shape:
        raise ValueError(
            f"observed has dtype {observed.dtype} and shape {tuple(observed.shape)}; "
            f"expected bool and that of values, {tuple(values.shape)}"
        )
    return moments
