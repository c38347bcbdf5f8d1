"""Certificates by ball arithmetic (python-flint): inequalities over boxes, printed values, zero counts."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from flint import acb, arb, ctx

from verify.evidence import Evidence, Outcome, Strength


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Set the working precision of ball arithmetic inside a ``with`` block."""
    before = ctx.prec
    ctx.prec = bits
    try:
        yield
    finally:
        ctx.prec = before


def ball(low: float, high: float) -> arb:
    """The smallest ball that holds the interval ``[low, high]``."""
    return arb(low).union(arb(high))


def positive_over_box(
    function: Callable[..., arb], box: Mapping[str, tuple[float, float]], *, bits: int, max_boxes: int
) -> Evidence:
    """Certify ``function(**point) > 0`` at every point of a box by adaptive subdivision.

    Parameters
    ----------
    function
        Takes one ``arb`` a variable by keyword and returns an ``arb`` that encloses the values over these balls.
    box
        The closed interval of each variable.
    bits
        Working precision.
    max_boxes
        How many boxes may be evaluated before the answer is ``UNDECIDED``.

    Returns
    -------
    Evidence
        ``FAILS`` carries a point at which the function is certainly not positive.
    """
    domain = ", ".join(f"{name} ∈ [{low:g}, {high:g}]" for name, (low, high) in box.items()) or "one point"
    spans = {name: high - low or 1.0 for name, (low, high) in box.items()}
    queue: list[tuple[float, int, dict[str, tuple[float, float]]]] = [(0.0, 0, dict(box))]
    evaluated = 0
    with precision(bits):
        while queue:
            _, _, part = heapq.heappop(queue)
            evaluated += 1
            if function(**{name: ball(*interval) for name, interval in part.items()}) > 0:
                continue
            centre = {name: (low + high) / 2 for name, (low, high) in part.items()}
            value = function(**{name: arb(middle) for name, middle in centre.items()})
            if value <= 0:
                numbers = {"boxes": evaluated}
                return Evidence(Strength.CERTIFIED, Outcome.FAILS, f"negative in {domain}", numbers, centre)
            if evaluated >= max_boxes or not part:
                detail = f"undecided after {evaluated} boxes, near {part}"
                return Evidence(Strength.CERTIFIED, Outcome.UNDECIDED, detail, {"boxes": evaluated})
            widest = max(part, key=lambda name: (part[name][1] - part[name][0]) / spans[name])
            low, high = part[widest]
            for offset, half in enumerate(((low, centre[widest]), (centre[widest], high))):
                width = (half[1] - half[0]) / spans[widest]
                heapq.heappush(queue, (-width, 2 * evaluated + offset, {**part, widest: half}))
    return Evidence(Strength.CERTIFIED, Outcome.HOLDS, f"certified on {domain}", {"boxes": evaluated})


def value_agrees(value: arb | acb, target: str | float | arb | acb, within: float | None) -> Evidence:
    """Certify ``|value − target| ≤ within``.

    Parameters
    ----------
    value
        An enclosure of the number in question.
    target
        What it should be. A string is a printed decimal and is allowed half a unit of its last digit.
    within
        The allowed distance; required unless ``target`` is a string.
    """
    if isinstance(target, str) and within is None:
        digits = len(target.partition(".")[2])
        allowed = arb(10) ** (-digits) / 2
    elif within is not None:
        allowed = arb(within)
    else:
        raise ValueError("within is missing; expected a distance, as the target is not a printed decimal")
    if isinstance(value, acb) or isinstance(target, acb):
        distance = abs(acb(value) - acb(target))
    else:
        distance = abs(arb(value) - arb(target))
    shown = {"value": value.str(20), "target": str(target)}
    if distance <= allowed:
        return Evidence(Strength.CERTIFIED, Outcome.HOLDS, f"within {allowed.str(3, radius=False)}", shown)
    if distance > allowed:
        detail = f"farther than {allowed.str(3, radius=False)} from the target"
        return Evidence(Strength.CERTIFIED, Outcome.FAILS, detail, {}, shown)
    return Evidence(Strength.CERTIFIED, Outcome.UNDECIDED, "the enclosure is too wide to tell", shown)


def count_zeros(
    function: Callable[[acb], acb],
    radius: float,
    *,
    centre: complex = 0,
    bits: int = 128,
    max_arcs: int = 20_000,
) -> int | None:
    """Count the zeros of an analytic function inside a circle by the argument principle.

    Parameters
    ----------
    function
        Analytic on the closed disc; maps a ball to an enclosure of its image.
    radius, centre
        The circle; the function must not vanish on it.
    bits
        Working precision.
    max_arcs
        How many arcs the circle may be cut into.

    Returns
    -------
    int or None
        The certified number of zeros with multiplicity, or ``None`` if the circle passes too close to a zero.
    """
    with precision(bits):
        middle, size, pi = acb(centre), arb(radius), arb.pi()

        def point(angle: arb) -> acb:
            return middle + size * acb(angle.cos(), angle.sin())

        turns = arb(0)
        arcs = [(arb(k) * pi / 8, arb(k + 1) * pi / 8) for k in range(16)]
        used = 0
        while arcs:
            start, end = arcs.pop()
            used += 1
            image = function(point(start.union(end)))
            if not image.contains(0):
                turns += (function(point(end)) / function(point(start))).arg()
                continue
            if used > max_arcs:
                return None
            half = (start + end) / 2
            arcs += [(start, half), (half, end)]
        count = (turns / (2 * pi)).unique_fmpz()
        return None if count is None else int(count)


def zero_count_is(function: Callable[[acb], acb], radius: float, count: int, *, bits: int) -> Evidence:
    """Certify that ``function`` has exactly ``count`` zeros in ``|t| < radius``; see :func:`count_zeros`."""
    found = count_zeros(function, radius, bits=bits)
    where = f"in |t| < {float(radius):g}"
    if found is None:
        return Evidence(Strength.CERTIFIED, Outcome.UNDECIDED, f"a zero lies too close to |t| = {float(radius):g}")
    if found == count:
        return Evidence(Strength.CERTIFIED, Outcome.HOLDS, f"exactly {count} zeros {where}", {"zeros": found})
    return Evidence(
        Strength.CERTIFIED,
        Outcome.FAILS,
        f"{found} zeros {where}, not {count}",
        {},
        {"radius": radius, "zeros": found},
    )
