"""Modules to train: fields, neural ODEs and SDEs, and latent ODEs of irregular series.

Each is built from numbers and other modules, holds its parameters and nothing else, and follows ``.to(device)``. To
load a saved model, build it with the same arguments and call ``load_state_dict``.
"""

from sciml.neural_de.models.fields import Autonomous, TimeMLP
from sciml.neural_de.models.latent_ode import LatentODE, LatentPath, negative_elbo
from sciml.neural_de.models.neural_ode import NeuralODE
from sciml.neural_de.models.neural_sde import NeuralSDE

__all__ = ["Autonomous", "LatentODE", "LatentPath", "NeuralODE", "NeuralSDE", "TimeMLP", "negative_elbo"]
