"""Experiments repeated over seeds, against a stated band."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from verify.evidence import Evidence, Outcome, Strength


def medians_in_bands(
    measure: Callable[[int], Mapping[str, float]],
    bands: Mapping[str, tuple[float, float]],
    seeds: Sequence[int],
    setup: Mapping[str, Any],
    printed: Mapping[str, Any] | None = None,
) -> Evidence:
    """Run ``measure`` once a seed and compare the median of each number with its band.

    Parameters
    ----------
    measure
        Takes a seed, returns the measured numbers by name.
    bands
        The closed interval in which the median over seeds of each number must lie.
    seeds
        The seeds, all of which are used.
    setup
        What was run: data, sizes, model, optimizer, number of steps, by name.
    printed
        What the paper prints for measured numbers, by their names.

    Returns
    -------
    Evidence
        Its ``numbers`` hold ``"setup"``, ``"seeds"`` and ``"measured"``: by name the median, the value of each seed,
        the band and the printed value where there are such.

    Raises
    ------
    ValueError
        If ``setup`` is empty, or a number that has a band or a printed value was not measured.
    """
    if not setup:
        raise ValueError("setup is empty; expected the data, sizes and settings of the experiment by name")
    runs = [measure(seed) for seed in seeds]
    printed = printed or {}
    if missing := sorted({*bands, *printed} - set(runs[0])):
        raise ValueError(f"measure did not return {missing}; it returned {sorted(runs[0])}")
    measured: dict[str, dict[str, Any]] = {}
    outside = {}
    for name in runs[0]:
        values = np.array([run[name] for run in runs], dtype=float)
        measured[name] = {"median": float(np.median(values)), "values": values}
        if name in bands:
            low, high = bands[name]
            measured[name]["band"] = [low, high]
            if not low <= measured[name]["median"] <= high:
                outside[name] = measured[name]
        if name in printed:
            measured[name]["printed"] = printed[name]
    numbers = {"setup": dict(setup), "seeds": list(seeds), "measured": measured}
    told = ", ".join(f"{name} in [{low:g}, {high:g}]" for name, (low, high) in bands.items())
    if outside:
        detail = f"outside its band over {len(seeds)} seeds: {', '.join(outside)}"
        return Evidence(Strength.REPRODUCED, Outcome.FAILS, detail, numbers, outside)
    return Evidence(Strength.REPRODUCED, Outcome.HOLDS, f"median over {len(seeds)} seeds: {told}", numbers)
