"""Which examples early-learning regularization keeps from being memorized: a one-example, two-class flow.

A wrongly labelled example has probability ``p`` of its true class, and the averaged target has caught up, ``t = p``.
The gradient of cross-entropy plus λ times the regularizer ``log(1 − ⟨p, t⟩)`` by the true class' logit is then
``p + λ (1/2 − p)``. Where it is positive descent lowers ``p`` to 0 (memorization), where it is negative it raises ``p``
to 1 (the true label is kept). This is ours; the paper gives the gradient only.

References
----------
S. Liu et al., "Early-Learning Regularization Prevents Memorization of Noisy Labels", Lemma 2, arXiv 2007.00151.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from theory._numbers import as_floats


def true_class_gradient(p: Any, lam: Any) -> Any:
    """Gradient ``p + λ (1/2 − p)`` of the regularized loss of a wrongly labelled example, at its true class' logit.

    Parameters
    ----------
    p
        Probability of the true class, in (0, 1); 0 and 1 give the limits.
    lam
        Strength λ ≥ 0, finite; broadcasts with ``p``.

    Raises
    ------
    TypeError, ValueError
        For arguments other than described above.
    """
    p, lam = as_floats("p", p, 0.0, 1.0), _strength(lam)
    result = p + lam * (0.5 - p)
    return float(result) if result.ndim == 0 else result


def elr_separatrix(lam: Any) -> Any:
    """Probability ``p_c = λ / (2 (λ − 1))`` above which the true label of a wrongly labelled example is kept.

    Parameters
    ----------
    lam
        Strength λ ≥ 0, finite, of the regularizer, a number or an array.

    Returns
    -------
    float or array
        In (1/2, 1]. It is 1 for λ ≤ 2: every such example is memorized in the end, whatever ``p < 1`` it starts from.
        A correctly labelled example that starts below ``1 − p_c`` is driven to the other class.

    Raises
    ------
    TypeError, ValueError
        For arguments other than described above.

    Notes
    -----
    Exact for two classes, an example with a logit of its own and no clamp. With shared weights and more classes it is
    a guide; that λ must exceed 2 for an example to stay at ``p → 1`` holds for any number of classes.
    """
    lam = _strength(lam)
    excess = np.maximum(lam, 2.0) - 1.0
    result = 0.5 + 0.5 / excess
    return float(result) if result.ndim == 0 else result


def _strength(lam: Any) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return as_floats("lam", lam, 0.0, math.nextafter(math.inf, 0.0))
