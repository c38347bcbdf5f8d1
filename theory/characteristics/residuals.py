"""A transport equation in fixed coordinates and in labels, as sympy expressions.

Along ``X(ξ, t)`` with ``W(ξ, t) = w(X(ξ, t), t)`` and ``J = X_ξ ≠ 0`` the two forms are linked by

    ``R_w = R∘X + (w_x∘X) R_x``,

so that where the characteristics are exact (``R_x = 0``) the label equation is the transport equation.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import sympy as sp

Variables: TypeAlias = tuple[sp.Symbol, sp.Symbol, sp.Symbol]
"""The symbols of x, t and w in which the coefficients are written."""


class LagrangianPair(NamedTuple):
    """The residuals of the characteristics and of the state on them, and the Jacobian of the labels.

    Attributes
    ----------
    R_x
        ``X_t − f1(X, t, W)``.
    R_w
        ``W_t − f2(X, t, W) J⁻¹ ∂_ξ(J⁻¹ W_ξ)``.
    J
        ``X_ξ``.
    """

    R_x: sp.Expr
    R_w: sp.Expr
    J: sp.Expr


def eulerian_residual(f1: sp.Expr, f2: sp.Expr, u: sp.Expr, variables: Variables) -> sp.Expr:
    """Return ``u_t + f1(x, t, u) u_x − f2(x, t, u) u_xx``.

    Parameters
    ----------
    f1, f2
        Speed and diffusivity, expressions in ``variables``.
    u
        State, an expression in x and t.
    variables
        The symbols ``(x, t, w)``.

    References
    ----------
    arXiv 2205.02902, the transport equation that its networks solve.
    """
    x, t, w = variables
    return sp.diff(u, t) + sp.sympify(f1).subs(w, u) * sp.diff(u, x) - sp.sympify(f2).subs(w, u) * sp.diff(u, x, 2)


def lagrangian_residuals(
    f1: sp.Expr, f2: sp.Expr, X: sp.Expr, W: sp.Expr, xi: sp.Symbol, variables: Variables
) -> LagrangianPair:
    """Return the residuals of the equation in labels, with the diffusion that the change of variables demands.

    Parameters
    ----------
    f1, f2
        Speed and diffusivity, expressions in ``variables``.
    X, W
        Characteristics and state, expressions in ``xi`` and t, such as ``sp.Function("X")(xi, t)``.
    xi
        The symbol of the label.
    variables
        The symbols ``(x, t, w)``.

    Raises
    ------
    ValueError
        If ``X`` does not depend on ``xi``, so that labels are no coordinate.

    References
    ----------
    arXiv 2205.02902; ``∂²w/∂x²`` of its second residual written out in labels.
    """
    x, t, w = variables
    J = sp.diff(X, xi)
    if J == 0:
        raise ValueError(f"X is {X}, which does not depend on {xi}; expected J = X_xi other than 0")
    at = {x: X, w: W}
    speed, diffusivity = (sp.sympify(f).subs(at, simultaneous=True) for f in (f1, f2))
    return LagrangianPair(sp.diff(X, t) - speed, sp.diff(W, t) - diffusivity * sp.diff(sp.diff(W, xi) / J, xi) / J, J)
