"""Formulas for what a hidden cause could do to an effect."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["direct_path_at", "e_value", "indirect_at", "loadings_on_common_cause", "risk_ratio_of_difference"]

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


def loadings_on_common_cause(
    lagged: Array, correlated: Array, predicted: Array | float, persistence: Array | float
) -> Array:
    """By how much a hidden cause Z moves each measure at the same wave, beyond what the wave before carries over.

    With ``w_t = A w_t-1 + l Z_t + e_t`` and ``Z_t = rho Z_t-1 + u_t``, all of variance 1, R the correlations of w and c
    those of w and Z at every wave, ``c = rho A c + l``. Lagged effects that are estimated without Z are ``Phi = A + rho
    l c' R^-1``, the omitted-variable bias [1]_ of a drifting common cause [2]_. Solved for l, ``l = (c - rho Phi c) /
    (1 - rho^2 h)`` with h = c' R^-1 c. There is such a cause where h < 1 and what it leaves of the innovations'
    covariance Psi, ``Psi - (1 - rho^2 h) l l'``, is positive definite. Exact for effects from one wave to the next; a
    likelihood of more waves, or with random intercepts, also uses longer lags, in which Z decays otherwise than w.

    Parameters
    ----------
    lagged
        Phi, standardised, dims ``(..., outcome, predictor)``.
    correlated
        c, dims ``(..., measure)``.
    predicted
        h, the share of Z's variance that the measures of one wave predict, in [0, 1), dims ``(...)``.
    persistence
        rho, the correlation of Z with itself one interval later, in (0, 1).

    Returns
    -------
    numpy.ndarray
        l in SDs of each measure per SD of Z, dims ``(..., measure)``.

    References
    ----------
    .. [1] Cinelli & Hazlett (2020). Making sense of sensitivity: extending omitted variable bias. Journal of the Royal
       Statistical Society B 82, 39-67. https://doi.org/10.1111/rssb.12348
    .. [2] Yu & Finkel (2026). Controlling for time-varying confounding in the longitudinal fixed-effects model.
       Methodology 22, 27-51. https://doi.org/10.5964/meth.16875

    Examples
    --------
    With A of .4, .4 and .15 from x to y, c = (.5, .5), correlation .3 and rho = .6, a regression of y on both gives
    .227 for x -> y and .088 for y -> x:

    >>> lagged, strength = np.array([[0.488, 0.088], [0.227, 0.477]]), np.array([0.5, 0.5])
    >>> slopes = np.linalg.solve([[1, 0.3], [0.3, 1]], strength)
    >>> loadings = loadings_on_common_cause(lagged, strength, strength @ slopes, 0.6)
    >>> (lagged - 0.6 * np.outer(loadings, slopes)).round(2) + 0.0
    array([[0.4 , 0.  ],
           [0.15, 0.4 ]])
    """
    rho = np.asarray(persistence)[..., None]
    carried = np.einsum("...jk,...k->...j", lagged, correlated)
    return np.asarray((correlated - rho * carried) / (1 - rho**2 * np.asarray(predicted)[..., None]))
