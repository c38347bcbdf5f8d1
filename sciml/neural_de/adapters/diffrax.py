"""Error and stiffness estimates of diffrax solves, in JAX: a solver that wraps another and sums them in its state.

References
----------
A. Pal, Y. Ma, V. Shah, C. Rackauckas, "Opening the Blackbox: Accelerating Neural Differential Equations by Regularizing
Internal Solver Heuristics", Section 3, arXiv 2105.03918.
P. Kidger, "On Neural Differential Equations", arXiv 2202.02435 (diffrax).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sciml.neural_de._stages import Terms, plan_of
from sciml.neural_de.heuristics import HEURISTICS, Estimate, needed_estimates
from sciml.neural_de.tableaus import BOGACKI_SHAMPINE, DOPRI5, TSIT5, Tableau

try:
    import diffrax
    import equinox as eqx
    import jax
    import jax.numpy as jnp
    from diffrax._term import AdjointTerm, WrapTerm  # what diffrax hands to a solver
except ImportError as error:
    raise ImportError("sciml.neural_de.adapters.diffrax needs diffrax: pip install 'paperchecks[ode]'") from error

PAIRS = ((diffrax.Dopri5, DOPRI5), (diffrax.Tsit5, TSIT5), (diffrax.Bosh3, BOGACKI_SHAMPINE))
"""The solvers of diffrax that are pairs of :mod:`sciml.neural_de.tableaus`."""


class _Unknown(NamedTuple):
    """A solver whose stages are not known here."""

    name: str
    stiffness_stages: None = None
    stability_limit: None = None


def _names(names: Sequence[str]) -> Sequence[str]:
    return names if isinstance(names, str) else tuple(names)


class Recorded(NamedTuple):
    """The state of a :class:`HeuristicSolver`.

    Attributes
    ----------
    solver
        The state of the wrapped solver.
    heuristics
        The sums over the steps accepted so far, by name.
    """

    solver: Any
    heuristics: dict[str, jax.Array]


class HeuristicSolver(diffrax.AbstractWrappedSolver[Recorded]):
    r"""A solver that takes the steps of another and sums its error and stiffness estimates in its state.

    Ask diffrax to return this state and read it with :func:`heuristics_of`. The sums are those of
    :func:`~sciml.neural_de.solve`, over accepted steps, with norms over all leaves of y; they cost no evaluation of
    the vector field. For ``Dopri5``, ``Tsit5`` and ``Bosh3`` err is formed from the stages with the published weights,
    so that it is 3/2 of the estimate by which diffrax chooses the steps of ``Dopri5``. Every other solver is taken at
    its own error estimate: implicit ones, SDE solvers with one, ``diffrax.HalfSolver``.

    A step of constant size that is not finite makes the sums ∞; a controller rejects it.

    Gradients hold the step sizes fixed, and need an adjoint that goes through the steps: ``RecursiveCheckpointAdjoint``
    (the default), ``DirectAdjoint`` or ``ForwardMode``. Under ``BacksolveAdjoint`` diffrax would give the derivative 0.

    Parameters
    ----------
    solver
        A solver of diffrax that estimates its error.
    heuristics
        Names among :data:`~sciml.neural_de.heuristics.HEURISTICS`. ``RS`` and ``RSmax`` need ``Dopri5`` or ``Tsit5``
        and an ordinary differential equation.
    rtol, atol
        The tolerances of the step size controller, which ``REn`` needs.
    detach_scale
        Whether the denominator of ``REn`` is a constant.

    Raises
    ------
    ValueError
        If a heuristic is unknown or cannot be had from this solver; when the solve is traced, if the solver made no
        error estimate or the state is not real and floating; when it is differentiated, if under ``BacksolveAdjoint``.

    Examples
    --------
    >>> solver = HeuristicSolver(diffrax.Tsit5(), heuristics=("RE",))
    >>> solution = diffrax.diffeqsolve(
    ...     diffrax.ODETerm(lambda t, y, args: -y), solver, 0.0, 1.0, 0.1, jnp.ones(2),
    ...     stepsize_controller=diffrax.PIDController(rtol=1e-3, atol=1e-3),
    ...     saveat=diffrax.SaveAt(t1=True, solver_state=True),
    ... )
    >>> sorted(heuristics_of(solution))
    ['RE']
    """

    solver: diffrax.AbstractSolver[Any]  # type: ignore[misc]  # abstract variables pass for class variables
    heuristics: tuple[str, ...] = eqx.field(default=("RE",), static=True, converter=_names)
    rtol: Any = None
    atol: Any = None
    detach_scale: bool = eqx.field(default=True, static=True)

    def __check_init__(self) -> None:
        if not self.heuristics:
            raise ValueError("heuristics is empty; expected at least one name, or the solver without this wrapper")
        if "scaled_error" in self._needed and (self.rtol is None or self.atol is None):
            raise ValueError(f"rtol and atol are {self.rtol} and {self.atol}; REn needs those of the controller")

    @property
    def _pair(self) -> Tableau | None:
        tableau = getattr(self.solver, "tableau", None)
        return next((pair for known, pair in PAIRS if tableau is known.tableau), None)

    @property
    def _needed(self) -> frozenset[Estimate]:
        return needed_estimates(self.heuristics, self._pair or _Unknown(type(self.solver).__name__))

    @property
    def term_structure(self) -> Any:
        """See ``diffrax.AbstractSolver``."""
        return self.solver.term_structure

    @property
    def interpolation_cls(self) -> Any:  # type: ignore[override]
        """See ``diffrax.AbstractSolver``."""
        return self.solver.interpolation_cls

    @property
    def term_compatible_contr_kwargs(self) -> Any:
        """See ``diffrax.AbstractSolver``."""
        return self.solver.term_compatible_contr_kwargs

    @property
    def scan_kind(self) -> Any:
        """See ``diffrax.AbstractRungeKutta``."""
        return self.solver.scan_kind  # type: ignore[attr-defined]

    @property
    def root_finder(self) -> Any:
        """See ``diffrax.AbstractImplicitSolver``."""
        return self.solver.root_finder  # type: ignore[attr-defined]

    @property
    def root_find_max_steps(self) -> Any:
        """See ``diffrax.AbstractImplicitSolver``."""
        return self.solver.root_find_max_steps  # type: ignore[attr-defined]

    def order(self, terms: Any) -> Any:
        """See ``diffrax.AbstractSolver``."""
        return self.solver.order(terms)

    def strong_order(self, terms: Any) -> Any:
        """See ``diffrax.AbstractSolver``."""
        return self.solver.strong_order(terms)

    def error_order(self, terms: Any) -> Any:
        """See ``diffrax.AbstractSolver``."""
        return self.solver.error_order(terms)

    def func(self, terms: Any, t0: Any, y0: Any, args: Any) -> Any:
        """See ``diffrax.AbstractSolver``."""
        return self.solver.func(terms, t0, y0, args)

    def init(self, terms: Any, t0: Any, t1: Any, y0: Any, args: Any) -> Recorded:
        """See ``diffrax.AbstractSolver``."""
        if isinstance(_inner(terms), AdjointTerm):
            raise ValueError(
                "adjoint is BacksolveAdjoint, under which the derivatives of the heuristics would be 0; "
                "expected RecursiveCheckpointAdjoint, DirectAdjoint or ForwardMode"
            )
        dtype = jnp.result_type(*jax.tree.leaves(y0))
        if not jnp.issubdtype(dtype, jnp.floating):
            raise ValueError(f"y0 has dtype {dtype}; expected real floating numbers")
        zeros = {name: jnp.zeros((), dtype) for name in self.heuristics}
        return Recorded(self.solver.init(terms, t0, t1, y0, args), zeros)

    def step(
        self, terms: Any, t0: Any, t1: Any, y0: Any, args: Any, solver_state: Recorded, made_jump: Any
    ) -> tuple[Any, Any, Any, Recorded, Any]:
        """See ``diffrax.AbstractSolver``; diffrax itself takes back the state of a rejected step."""
        y1, y_error, dense_info, inner, result = self.solver.step(
            terms, t0, t1, y0, args, solver_state.solver, made_jump
        )
        h = jnp.abs(jax.lax.stop_gradient(t1 - t0))
        found = self._estimates(terms, h, y0, y1, y_error, dense_info)
        sums = {name: _advanced(name, sum_, found, h) for name, sum_ in solver_state.heuristics.items()}
        return y1, y_error, dense_info, Recorded(inner, sums), result

    def _estimates(self, terms: Any, h: Any, y0: Any, y1: Any, y_error: Any, dense_info: Any) -> dict[str, jax.Array]:
        """E, q and S / stability limit of a step, those that are needed."""
        pair, needed = self._pair, self._needed
        found = {}
        if needed & {"error", "scaled_error"}:
            if y_error is None:
                raise ValueError(f"{type(self.solver).__name__} made no error estimate; expected a solver that does")
            error = y_error if pair is None else _weighted_sum(plan_of(pair).error, dense_info["k"])
            found["error"] = _norm(error)
            if "scaled_error" in needed:
                found["scaled_error"] = self._scaled_error(error, y0, y1)
        if "stiffness" in needed:
            assert pair is not None
            if not isinstance(_inner(terms), diffrax.ODETerm):
                raise ValueError(f"a stiffness heuristic was asked with terms {terms}; expected an ODETerm")
            above, below = (
                _norm(_weighted_sum(weights, dense_info["k"]))
                for weights in (plan_of(pair).slope_difference, plan_of(pair).argument_difference)
            )
            divisor = jnp.where((below > 0) & jnp.isfinite(below), below, 1)
            found["stiffness"] = jnp.where(below > 0, above / divisor, 0) / h
            found["stiffness_per_limit"] = found["stiffness"] / pair.stability_limit
        return found

    def _scaled_error(self, error: Any, y0: Any, y1: Any) -> jax.Array:
        def scaled(x: Any, before: Any, after: Any) -> Any:
            scale = self.atol + self.rtol * jnp.maximum(jnp.abs(before), jnp.abs(after))
            return x / (jax.lax.stop_gradient(scale) if self.detach_scale else scale)

        size = sum(jnp.size(x) for x in jax.tree.leaves(error))
        return jnp.divide(_norm(jax.tree.map(scaled, error, y0, y1)), size**0.5)


def _inner(terms: Any) -> Any:
    """The terms without what diffrax wraps around them for the direction of time."""
    return terms.term if isinstance(terms, WrapTerm) else terms


def _weighted_sum(terms: Terms, stages: Any) -> Any:
    """Σ w_j h k_j, leaf by leaf, of the stages h k_j along the first axis."""
    return jax.tree.map(lambda k: sum(weight * k[j] for j, weight in terms), stages)


def _norm(tree: Any) -> jax.Array:
    """Euclidean norm over all leaves, ∞ if one is not finite; the gradient of the norms 0 and ∞ is 0."""
    leaves = jax.tree.leaves(tree)
    square = sum(jnp.sum(jnp.square(jnp.where(jnp.isfinite(x), x, 0))) for x in leaves)
    positive = square > 0
    norm = jnp.where(positive, jnp.sqrt(jnp.where(positive, square, 1)), 0)
    return jnp.where(jnp.all(jnp.array([jnp.all(jnp.isfinite(x)) for x in leaves])), norm, jnp.inf)


def _advanced(name: str, total: jax.Array, found: dict[str, jax.Array], h: jax.Array) -> jax.Array:
    """A heuristic after one more step."""
    if name == "RSmax":
        return jnp.maximum(total, found["stiffness_per_limit"].astype(total.dtype))
    estimate = found[HEURISTICS[name][0]]
    return total + (jnp.square(estimate) if name == "RE2" else estimate * h).astype(total.dtype)


def heuristics_of(solution: diffrax.Solution) -> dict[str, jax.Array]:
    """The sums that a :class:`HeuristicSolver` made, by name.

    Parameters
    ----------
    solution
        From ``diffrax.diffeqsolve(terms, HeuristicSolver(...), ..., saveat=SaveAt(..., solver_state=True))``.

    Returns
    -------
    dict
        0-d arrays with the dtype of y, differentiable. ``RE`` is in units of y·t.

    Raises
    ------
    ValueError
        If the solution holds no state of such a solver.
    """
    if not isinstance(solution.solver_state, Recorded):
        raise ValueError(
            f"solution.solver_state is a {type(solution.solver_state).__name__}; "
            "expected a solve by HeuristicSolver with SaveAt(..., solver_state=True)"
        )
    return solution.solver_state.heuristics
