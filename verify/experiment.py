"""Experiments repeated over seeds, against a stated band."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from verify.evidence import Evidence, Outcome, Strength


def medians_in_bands(
    measure: Callable[[int], Mapping[str, float]],
    bands: Mapping[str, tuple[float, float]],
    seeds: Sequence[int],
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

    Raises
    ------
    ValueError
        If a number that has a band was not measured.
    """
    runs = [measure(seed) for seed in seeds]
    if missing := sorted(set(bands) - set(runs[0])):
        raise ValueError(f"measure did not return {missing}; it returned {sorted(runs[0])}")
    numbers: dict[str, object] = {"seeds": list(seeds)}
    outside = {}
    for name in runs[0]:
        values = np.array([run[name] for run in runs], dtype=float)
        median = float(np.median(values))
        numbers[name] = {"median": median, "values": values}
        if name in bands and not bands[name][0] <= median <= bands[name][1]:
            outside[name] = {"median": median, "band": list(bands[name]), "values": values}
    told = ", ".join(f"{name} in [{low:g}, {high:g}]" for name, (low, high) in bands.items())
    if outside:
        detail = f"outside its band over {len(seeds)} seeds: {', '.join(outside)}"
        return Evidence(Strength.REPRODUCED, Outcome.FAILS, detail, numbers, outside)
    return Evidence(Strength.REPRODUCED, Outcome.HOLDS, f"median over {len(seeds)} seeds: {told}", numbers)
