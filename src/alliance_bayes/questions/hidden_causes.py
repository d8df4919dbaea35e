"""Formulas for what a hidden cause could do to an effect."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["direct_path_at", "e_value", "indirect_at", "risk_ratio_of_difference"]

type Array = NDArray[np.float64]


def e_value(risk_ratio: float) -> float:
    """Least strength, as a risk ratio, with which a hidden cause must act on both sides to explain an effect away.

    ``RR + sqrt(RR (RR - 1))`` for a risk ratio RR of 1 or more; its inverse is taken below 1 [1]_.
    Of a direct or indirect effect it is the mediational E-value.

    References
    ----------
    .. [1] VanderWeele & Ding (2017). Sensitivity analysis in observational research: introducing the
       E-value. Annals of Internal Medicine 167, 268-274.

    Examples
    --------
    >>> [round(e_value(ratio), 2) for ratio in (1.2, 1.5, 2, 0.5, 1)]
    [1.69, 2.37, 3.41, 3.41, 1.0]
    """
    ratio = max(risk_ratio, 1 / risk_ratio)
    return float(ratio + np.sqrt(ratio * (ratio - 1)))


def risk_ratio_of_difference(difference: float) -> float:
    """Risk ratio that goes with a difference in SDs of the outcome, ``exp(0.91 d)``.

    Examples
    --------
    >>> round(risk_ratio_of_difference(0.2), 3)
    1.2
    """
    return float(np.exp(0.91 * difference))


def direct_path_at(
    rho: Array | float, path: Array | float, mediator_sd: Array | float, outcome_sd: Array | float
) -> Array:
    """Effect of the mediator on the outcome if their residuals correlate rho, in (-1, 1).

    With b the effect that was estimated as if they did not, residual SDs s_m and s_y, ``s1^2 =
    s_y^2 + b^2 s_m^2`` and ``r = b s_m / s1``: ``(s1 / s_m) (r - rho sqrt((1 - r^2) / (1 - rho^2)))``,
    the formula of `indirect_at` without the effect on the mediator.

    Examples
    --------
    >>> direct_path_at(0.0, 0.3, 1.0, 1.0)
    array(0.3)
    """
    total = np.sqrt(np.square(outcome_sd) + np.square(np.multiply(path, mediator_sd)))
    return indirect_at(rho, 1.0, total, mediator_sd, np.multiply(path, mediator_sd) / total)


def indirect_at(
    rho: Array | float,
    on_mediator: Array | float,
    total_sd: Array | float,
    mediator_sd: Array | float,
    correlation: Array | float,
) -> Array:
    """Average indirect effect of linear models if the residuals of mediator and outcome correlate rho, in (-1, 1) [1]_.

    ``(b2 s1 / s2) (r - rho sqrt((1 - r^2) / (1 - rho^2)))``; 0 at ``rho = r``. Rho is the correlation given treatment
    and (for the outcome) the mediator; b2 the effect of treatment on the mediator; s1, s2 the residual SDs of outcome
    and mediator, both given treatment alone; r the correlation of those two residuals.

    References
    ----------
    .. [1] Imai, Keele & Yamamoto (2010). Identification, inference and sensitivity analysis for
       causal mediation effects. Statistical Science 25, 51-71.

    Examples
    --------
    >>> indirect_at(np.array([0.0, 0.2, 0.3]), 0.5, 1.0, 1.0, 0.3).round(4)
    array([0.15  , 0.0526, 0.    ])
    """
    slope = np.sqrt((1 - np.square(correlation)) / (1 - np.square(rho)))
    return np.asarray(np.multiply(on_mediator, total_sd) / mediator_sd * (correlation - rho * slope))
