"""Responses drawn from their families, given linear predictors: plain numpy, apart from the kernel's densities."""

from collections.abc import Sequence

import numpy as np
from scipy.special import expit, ndtr

from ...spec.responses import BetaBinomial, Count, Days, Family, Items, Ordinal, YesNo

__all__ = ["draw_responses"]

MOST_LOG_MEAN = 60.0


def draw_responses(
    family: Family, phi: Sequence[float] | np.ndarray, eta: np.ndarray, sizes: np.ndarray, rng: np.random.Generator
) -> list[np.ndarray]:
    """Draw the responses of each column of a measure at linear predictors eta.

    Parameters
    ----------
    family
        The measure's family.
    phi
        Its numbers, cut points in the place of shares, in the order of `Family.parameters`.
    eta
        Linear predictors, any shape.
    sizes
        Windows, trials or exposures, same shape; not read by the other families.
    rng
        Source of the random numbers.

    Returns
    -------
    list of numpy.ndarray
        One array of the shape of eta for each column: one, or as many as there are items; NaN where eta or the
        size is.
    """
    unknown = np.isnan(eta) | np.isnan(sizes)
    drawn = _drawn(family, phi, np.where(unknown, 0.0, eta), np.where(unknown, 2.0, sizes), rng)
    return [np.where(unknown, np.nan, each) for each in drawn]


def _drawn(
    family: Family, phi: Sequence[float] | np.ndarray, eta: np.ndarray, sizes: np.ndarray, rng: np.random.Generator
) -> list[np.ndarray]:
    match family:
        case Days(link=link):
            none_cut, all_cut, slope, intercept, interior_slope, precision = phi
            u = rng.uniform(size=eta.shape)
            none, whole = u < _cumulative(link, none_cut - slope * eta), u > _cumulative(link, all_cut - slope * eta)
            inside = _interior(sizes, expit(intercept + interior_slope * eta), precision, rng)
            return [np.where(none, 0.0, np.where(whole, sizes, inside))]
        case BetaBinomial():
            intercept, slope, precision = phi
            return [_beta_binomial(sizes, expit(intercept + slope * eta), precision, rng)]
        case Count(hurdle=hurdle):
            mean = sizes * np.exp(np.minimum(phi[0] + phi[1] * eta, MOST_LOG_MEAN))
            if not hurdle:
                return [_negative_binomial(mean, phi[2], rng)]
            some = rng.uniform(size=eta.shape) < expit(phi[3] + phi[4] * eta)
            return [np.where(some, _negative_binomial_above_0(mean, phi[2], rng), 0.0)]
        case YesNo():
            return [(rng.uniform(size=eta.shape) < expit(phi[0] + phi[1] * eta)).astype(float)]
        case Ordinal(categories=categories, link=link, lowest=lowest):
            return [_category(phi[0], phi[1:], eta, link, rng) + lowest]
        case Items(items=items, categories=categories, link=link, lowest=lowest):
            blocks = np.reshape(phi, (len(items), categories))
            return [_category(each[0], each[1:], eta, link, rng) + lowest for each in blocks]
    return [eta]


def _cumulative(link: str, cut: np.ndarray | float) -> np.ndarray:
    return np.asarray(expit(cut) if link == "logit" else ndtr(cut))


def _category(
    slope: float, cuts: Sequence[float] | np.ndarray, eta: np.ndarray, link: str, rng: np.random.Generator
) -> np.ndarray:
    u = rng.uniform(size=eta.shape)
    below = _cumulative(link, np.asarray(cuts) - slope * eta[..., None])
    return np.asarray((u[..., None] > below).sum(axis=-1), dtype=float)


def _beta_binomial(size: np.ndarray, mean: np.ndarray, precision: float, rng: np.random.Generator) -> np.ndarray:
    tiny = np.finfo(float).tiny
    share = rng.beta(np.maximum(mean * precision, tiny), np.maximum((1 - mean) * precision, tiny))
    return np.asarray(rng.binomial(np.asarray(size, dtype=int), np.nan_to_num(share, nan=0.5)), dtype=float)


def _interior(size: np.ndarray, mean: np.ndarray, precision: float, rng: np.random.Generator) -> np.ndarray:
    """Beta-binomial given that it is neither 0 nor all, by its probabilities where drawing anew takes long."""
    drawn = _beta_binomial(size, mean, precision, rng)
    outside = (drawn <= 0) | (drawn >= size)
    for _ in range(5):
        drawn[outside] = _beta_binomial(size[outside], mean[outside], precision, rng)
        outside = (drawn <= 0) | (drawn >= size)
    if not outside.any():
        return drawn
    from scipy.stats import betabinom

    tiny = np.finfo(float).tiny
    for whole in np.unique(size[outside]):
        here = outside & (size == whole)
        shapes = (np.maximum(share * precision, tiny)[:, None] for share in (mean[here], 1 - mean[here]))
        log_weights = betabinom.logpmf(np.arange(1, int(whole)), int(whole), *shapes)
        drawn[here] = 1 + np.argmax(log_weights + rng.gumbel(size=log_weights.shape), axis=1)
    return drawn


def _negative_binomial(mean: np.ndarray, dispersion: float, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(
        rng.poisson(np.minimum(mean * rng.gamma(dispersion, 1 / dispersion, mean.shape), 1e15)), dtype=float
    )


def _negative_binomial_above_0(mean: np.ndarray, dispersion: float, rng: np.random.Generator) -> np.ndarray:
    """Truncated at 0: the quantile beyond which lies a uniform share of what is above 0."""
    from scipy.stats import nbinom

    some = -np.expm1(-dispersion * np.log1p(mean / dispersion))
    drawn = nbinom.isf(some * rng.uniform(size=mean.shape), dispersion, dispersion / (dispersion + mean))
    return np.asarray(np.maximum(drawn, 1.0))
