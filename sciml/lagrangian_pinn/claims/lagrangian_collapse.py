"""How many modes are left in labels: solutions followed along their characteristics, cut into windows, and the limit.

``ξ`` is the label, ``X(ξ, t)`` the characteristic, ``W(ξ, t) = u(X(ξ, t), t)`` the state on it. Modes are counted for
all but one millionth of the energy.
"""

import functools

import hypothesis.strategies as st
import numpy as np
import sympy as sp

from sciml.lagrangian_pinn.claims.n_width import (
    ROUNDING,
    L,
    decaying_wave,
    fourier_modes_of_the_pulse,
    gaussian,
    grid,
    midpoints,
    minor,
    modes,
)
from sciml.lagrangian_pinn.claims.paper import paper
from theory.characteristics import burgers_exact, burgers_trajectories, variable_speed_characteristics
from theory.n_width import snapshot_singular_values


def equally_weighted(snapshots):
    """Singular values of snapshots on the whole circle at equally spaced times."""
    return snapshot_singular_values(snapshots, L / snapshots.shape[0], np.ones(snapshots.shape[1]))


@paper.claim(
    "Lagrangian formulation: convection-diffusion and inviscid Burgers",
    tags=("identity",),
    mutants={
        "labels that stay": {"convected": lambda xi, t, c: xi},
        "twice the speed": {"convected": lambda xi, t, c: xi + 2 * c * t},
        "state of two modes": {"ranks": (2, 2)},
        "characteristics of one mode": {"ranks": (1, 1)},
        "a curved characteristic": {"burgers": lambda xi, t, w: xi + t * w + t**2 * w**2},
    },
)
def labels_leave_one_mode_of_the_state_and_two_of_the_characteristics(
    check, convected=lambda xi, t, c: xi + c * t, burgers=lambda xi, t, w: xi + t * w, ranks=(1, 2)
):
    r"""For $u=e^{-\nu t}\sin(x-ct)$ the state $u(\xi+ct,t)$ has rank 1 and $X=\xi+ct$ rank 2, at every speed.

    Before its shock so has inviscid Burgers with $W=w_0(\xi)$ and $X=\xi+t\,w_0(\xi)$, here $w_0=c+A\sin\xi$. That a
    rank is $r$ is proved by the determinants of order $r+1$ and $r$ of the values at symbolic labels and times.
    """
    c, nu, A = sp.symbols("c nu A", positive=True)
    families = {
        "state": (ranks[0], lambda xi, t: decaying_wave(convected(xi, t, c), t, c, nu, sp)),
        "characteristics": (ranks[1], lambda xi, t: convected(xi, t, c)),
        "characteristics of Burgers": (ranks[1], lambda xi, t: burgers(xi, t, c + A * sp.sin(xi))),
    }
    failing = [name for name, (rank, family) in families.items() if minor(family, rank)[0].expand(trig=True) == 0]
    larger = [minor(family, rank + 1)[0].expand(trig=True) for rank, family in families.values()]
    statement = sp.false if failing else sp.Eq(sum(determinant**2 for determinant in larger), 0)
    check.proves(statement, says="minors one order higher vanish, those of the order of the rank do not")


@functools.cache
def burgers_in_the_frame(nu, steps):
    """Fourier coefficients of ``u − c`` in the frame that moves with the mean, from 256 places."""
    return np.fft.rfft(burgers_exact(grid(256)[:, None], midpoints(steps), nu), axis=0)


def burgers_at_places(nu, c, steps=1600):
    """``u − c`` at 256 fixed places."""
    turned = np.exp(-1j * c * np.multiply.outer(np.arange(129), midpoints(steps)))
    return np.fft.irfft(burgers_in_the_frame(nu, steps) * turned, axis=0)


@functools.cache
def burgers_in_labels(nu, c):
    """``X`` and ``W`` at 96 labels and 100 times, the labels and the times."""
    labels, times = grid(96), midpoints(100)
    X = burgers_trajectories(labels, times, nu, c=c)
    return X, burgers_exact(X, times, nu, c=c), labels[:, None], times


@functools.cache
def spectrum_at_places(nu, c, steps=1600):
    """Singular values of ``u − c`` at fixed places."""
    return equally_weighted(burgers_at_places(nu, c, steps))


def state(nu, c):
    """``W − c``."""
    return burgers_in_labels(nu, c)[1] - c


def displacement(nu, c):
    """``X − ξ − ct``."""
    X, _, labels, times = burgers_in_labels(nu, c)
    return X - labels - c * times


def state_on(path):
    """The state along another path than the characteristic, ``path(X, ξ, t, c)``."""

    def along(nu, c):
        X, _, labels, times = burgers_in_labels(nu, c)
        return burgers_exact(path(X, labels, times, c), times, nu, c=c) - c

    return along


@paper.claim(
    "Lagrangian formulation: viscous Burgers with a moving shock",
    tags=("ours",),
    mutants={
        "the state at fixed places": {"state": burgers_at_places},
        "the mean motion only": {"state": state_on(lambda X, xi, t, c: xi + c * t)},
        "half the displacement": {"state": state_on(lambda X, xi, t, c: (X + xi + c * t) / 2)},
        "one mode each, as without viscosity": {"needed": (1, 1)},
        "a mode more of the displacement": {"needed": (3, 3)},
    },
)
def burgers_needs_three_modes_of_the_state_and_two_of_the_displacement(check, state=state, needed=(3, 2)):
    r"""Viscous Burgers, $u(x,0)=c+\sin x$, to $T=1$, the time at which the inviscid shock forms.

    In labels $W-c$ needs 3 modes and $X-\xi-ct$ needs 2, for all $\nu$ from 0.01 to 0.1 and all speeds. At fixed places
    $u-c$ needs 21, 39 and 65 modes for $\nu=0.1$, $0.03$ and $0.01$ at $c=50$, but in the frame that moves with $c$ it
    needs only 4 or 5: most of the reduction is that of the frame.
    """
    check.forall(
        lambda nu, c: (modes(equally_weighted(state(nu, c))), modes(equally_weighted(displacement(nu, c)))) == needed,
        examples=check.at(quick=8, full=200),
        nu=st.sampled_from([0.1, 0.03, 0.01]) | st.floats(0.01, 0.1),
        c=st.sampled_from([0.0, 50.0]) | st.floats(-100, 100),
    )
    speeds = (0.0, 10.0, 50.0)
    check.note(
        modes_at_fixed_places={
            f"nu = {nu:g}, c = {c:g}": modes(spectrum_at_places(nu, c)) for nu in (0.1, 0.03, 0.01) for c in speeds
        }
    )
    decay = {f"c = {c:g}": spectrum_at_places(0.03, c)[:80] for c in speeds}
    decay["W - c"] = equally_weighted(burgers_in_labels(0.03, 50.0)[1] - 50.0)[:80]
    decay["X - xi - ct"] = equally_weighted(displacement(0.03, 50.0))[:80]
    check.table("burgers", mode=np.arange(1, 81), **{name: values / values[0] for name, values in decay.items()})


@paper.refuted(
    "released code: snapshots of a moving shock at 256 places and 100 times",
    tags=("erratum", "ours"),
    controls={"800 times": {"steps": 800}},
    mutants={"200 times": {"steps": 200}},
)
def a_hundred_times_show_all_modes_of_a_moving_shock(check, steps=100):
    r"""At $c=50$ the snapshots at 100 times need as many modes as those at 1600, for $\nu=0.03$ and $\nu=0.01$.

    They show 29 of 39 and 35 of 65. The shock moves half a unit from one time to the next, many times its thickness
    $\nu$, and 100 snapshots of it are few: a decay of singular values that is read off them is too fast.
    """
    counted = {
        nu: (modes(spectrum_at_places(nu, 50.0, steps)), modes(spectrum_at_places(nu, 50.0))) for nu in (0.03, 0.01)
    }
    check.forall(lambda nu: counted[nu][0] == counted[nu][1], nu=st.sampled_from(sorted(counted)))
    check.note(modes={f"nu = {nu:g}": pair for nu, pair in counted.items()})


@paper.claim(
    "abstract: sequence-to-sequence and domain-decomposed networks seen by the n-width",
    tags=("ours",),
    mutants={
        "shared among the windows": {"predicted": lambda windows: max(1, round(18 / windows))},
        "as many as without": {"predicted": lambda windows: 18},
        "helps from the second window on": {"predicted": lambda windows: fourier_modes_of_the_pulse(L / windows)},
    },
)
def windows_in_time_help_only_if_the_pulse_travels_less_than_a_turn_in_each(
    check, predicted=lambda windows: fourier_modes_of_the_pulse(50 / windows)
):
    r"""A pulse at $c=50$ needs 18 modes in each of 1, 2, 4 or 8 windows in time, and 12, 7, 5 in each of 16, 32, 64.

    The number depends on $cT/m$ alone, since the translation of a family keeps its $n$-width: it is 18 while that is
    about a turn or more. Counted in the snapshots of single windows, against the time average in closed form.
    """

    def agree(windows, fraction):
        window = int(fraction * windows)
        times = (window + midpoints(400)) / windows
        return modes(equally_weighted(gaussian(grid(65)[:, None] - 50 * times))) == predicted(windows)

    check.forall(
        agree,
        examples=check.at(quick=100, full=1000),
        windows=st.sampled_from([1, 2, 4, 8, 16, 32, 64]),
        fraction=st.floats(0, 1, exclude_max=True),
    )


@paper.claim(
    "convection at a speed that varies along x (ours)",
    tags=("ours",),
    mutants={
        "collapses as at constant speed": {"expected": (12, 1)},
        "no gain": {"expected": (12, 12)},
        "a constant speed": {"eps": 0.0},
        "half the modulation": {"eps": 0.25},
    },
)
def labels_do_not_collapse_a_speed_that_varies_along_x(check, expected=(12, 8), eps=0.5):
    r"""At the speed $c\,(1+\frac12\sin x)$ the displacement needs 8 modes, the solution needs 12, for all $c\geq 20$.

    The solution starts from $\sin x$; the displacement is $X-\xi$ less its mean motion $c\sqrt{1-\varepsilon^2}\,t$; to
    $T=1$. Every label is stretched and compressed once a round, so that the characteristics themselves are waves: a
    Lagrangian frame is no cure for the $n$-width in general.
    """
    x, times = grid(97), midpoints(800)

    def counts(c):
        label = variable_speed_characteristics(x[:, None], -times, c, eps)
        drift = c * (1 - eps**2) ** 0.5 * times
        moved = variable_speed_characteristics(x[:, None], times, c, eps) - x[:, None] - drift
        values = [equally_weighted(np.sin(label)), equally_weighted(moved)]
        return tuple(modes(v) if v[0] > 1e3 * ROUNDING * (1 + c) else 0 for v in values)

    check.forall(
        lambda c: counts(c) == expected, examples=check.at(quick=25, full=300), c=st.floats(20, 200) | st.just(50.0)
    )
