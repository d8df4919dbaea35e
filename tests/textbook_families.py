"""The textbook formulas in plain numpy and scipy: slow, obvious, and what every fast path must equal."""

from collections.abc import Sequence

import numpy as np
from scipy import stats
from scipy.special import expit, logsumexp as log_sum_of_exp

__all__ = ["log_density", "log_likelihood_by_grid"]


def log_density(family: str, value: float, size: float, phi: Sequence[float], eta: np.ndarray) -> np.ndarray:
    """Log probability of one response at each eta.

    Parameters
    ----------
    family
        Name of the density, as in the package's registry of families.
    value, size
        The response, and its window, trials, log exposure or number of categories.
    phi
        This family's parameters.
    eta
        Linear predictors, any shape.
    """
    probit = family.endswith("_probit")
    cumulative = stats.norm.cdf if probit else expit
    with np.errstate(divide="ignore"):
        if family in ("days", "days_probit"):
            none_cut, all_cut, slope, intercept, interior_slope, precision = phi
            below, above = cumulative(none_cut - slope * eta), cumulative(slope * eta - all_cut)
            if value in (0, size):
                return np.asarray(np.log(below if value == 0 else above))
            inside = _beta_binomial(np.arange(size + 1), size, intercept + interior_slope * eta, precision)
            some = np.log(np.maximum(1 - below - above, 0))
            return np.asarray(some + inside[..., int(value)] - np.log(np.exp(inside)[..., 1:-1].sum(axis=-1)))
        if family == "beta_binomial":
            return _beta_binomial(np.array([value]), size, phi[0] + phi[1] * eta, phi[2])[..., 0]
        if family in ("count", "hurdle_count"):
            mean = np.exp(size + phi[0] + phi[1] * eta)
            count = stats.nbinom(phi[2], phi[2] / (phi[2] + mean))
            if family == "count":
                return np.asarray(count.logpmf(value))
            some = expit(phi[3] + phi[4] * eta)
            return np.asarray(
                np.log(1 - some) if value == 0 else np.log(some) + count.logpmf(value) - np.log(count.sf(0))
            )
        if family in ("proportion", "proportion_probit"):
            none_cut, all_cut, slope, intercept, precision = phi
            below, above = cumulative(none_cut - slope * eta), cumulative(slope * eta - all_cut)
            if value in (0, 1):
                return np.asarray(np.log(below if value == 0 else above))
            mean = expit(intercept + slope * eta)
            between = cumulative(all_cut - slope * eta) - below
            return np.asarray(np.log(between) + stats.beta.logpdf(value, mean * precision, (1 - mean) * precision))
        if family == "occurrence":
            return np.asarray(np.log(expit(eta if value else -eta)))
        if family == "yes_no":
            return np.asarray(np.log(expit((1 if value else -1) * (phi[0] + phi[1] * eta))))
        cuts = np.concatenate([[-np.inf], phi[1:], [np.inf]])
        category = int(value)
        upper, lower = (cuts[category + more] - phi[0] * eta for more in (1, 0))
        return np.asarray(np.log(cumulative(upper) - cumulative(lower)))


def _beta_binomial(days: np.ndarray, window: float, logit: np.ndarray, precision: float) -> np.ndarray:
    mean = expit(np.asarray(logit))[..., None]
    return np.asarray(stats.betabinom.logpmf(days, int(window), mean * precision, (1 - mean) * precision))


def log_likelihood_by_grid(
    mean: np.ndarray,
    covariance: np.ndarray,
    exact: np.ndarray,
    responses: Sequence[tuple[int, str, float, float, Sequence[float]]],
    n_points: int = 61,
) -> float:
    """Log marginal likelihood of one person, by Gauss-Hermite quadrature over the prior of the latent numbers.

    ``log p(y_N) + log integral of prod_r p(y_r | eta) N(eta; m_L|N, S_L|N) d eta``

    Parameters
    ----------
    mean, covariance
        Moments of all linear predictors, shapes ``(value,)`` and ``(value, value)``.
    exact
        Values observed without error, shape ``(value,)``, NaN where there is none.
    responses
        Position of the linear predictor, family, value, size, and parameters of each response.
    n_points
        Points along each latent number.
    """
    seen = np.flatnonzero(~np.isnan(exact))
    latent = np.unique([position for position, *_ in responses]).astype(int)
    total = 0.0
    weights = np.zeros((len(latent), len(seen)))
    if len(seen):
        block = covariance[np.ix_(seen, seen)]
        total = float(stats.multivariate_normal.logpdf(exact[seen], mean[seen], block))
        weights = np.linalg.solve(block, covariance[np.ix_(seen, latent)]).T
    if not len(latent):
        return total
    centre = mean[latent] + weights @ (exact - mean)[seen]
    spread = covariance[np.ix_(latent, latent)] - weights @ covariance[np.ix_(seen, latent)]
    points, point_weights = np.polynomial.hermite_e.hermegauss(n_points)
    grid = np.stack(np.meshgrid(*[points] * len(latent), indexing="ij"), axis=-1).reshape(-1, len(latent))
    log_weight = np.log(point_weights / np.sqrt(2 * np.pi))
    log_terms = np.stack(np.meshgrid(*[log_weight] * len(latent), indexing="ij")).sum(axis=0).ravel()
    eta = centre + grid @ np.linalg.cholesky(spread).T
    for position, family, value, size, phi in responses:
        log_terms = log_terms + log_density(family, value, size, phi, eta[:, np.searchsorted(latent, position)])
    return total + float(log_sum_of_exp(log_terms))
