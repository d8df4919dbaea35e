"""What is expected of a response given its linear predictor, in the unit of its values: means and probabilities."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, expit, gammaln

from .beta_binomial import BetaBinomial
from .count import Count
from .days import Days
from .family import ResponseFamily
from .items import Items
from .links import cumulative
from .ordinal import CategoryFamily, Ordinal
from .proportion import Proportion
from .yes_no import YesNo

__all__ = ["expectations", "has_zero", "ratio_of_a_person"]

type FloatArray = npt.NDArray[np.float64]
type Phi = Sequence[float] | FloatArray

MEAN, YES, NONE, ALL, SOME = "mean", "P(yes)", "P(none)", "P(all)", "P(any)"
TINY = 1e-12  # least shape of a beta distribution
CANCELLED = 1e-6  # probability between the ends below which it has lost its digits
MOST_LOG_MEAN = 600.0  # of a count, so that no mean is infinite


def expectations(family: ResponseFamily, phi: Phi, eta: FloatArray, sizes: FloatArray) -> Mapping[str, FloatArray]:
    """Mean of a response, and probabilities of its ends where these have parameters of their own.

    Parameters
    ----------
    family
        The family.
    phi
        Its numbers, as in `ResponseFamily.draw`.
    eta
        Linear predictors, any shape.
    sizes
        Of the same shape: windows, trials or exposures; not read by other families.

    Returns
    -------
    dict
        ``"mean"`` in the unit of the values (of items, their sum), or ``"P(yes)"``; ``"P(none)"`` and ``"P(all)"`` of
        days and proportions, ``"P(any)"`` of counts with a hurdle; each of the shape of eta.
    """
    match family:
        case Days():
            none_cut, all_cut, slope, intercept, interior_slope, precision = phi
            none, every = _ends(family.link, none_cut, all_cut, slope * eta)
            inside = _mean_inside(sizes, expit(intercept + interior_slope * eta), precision)
            return {MEAN: (1 - none - every) * inside + every * sizes, NONE: none, ALL: every}
        case Proportion():
            none_cut, all_cut, slope, intercept, _ = phi
            none, every = _ends(family.link, none_cut, all_cut, slope * eta)
            return {MEAN: (1 - none - every) * expit(intercept + slope * eta) + every, NONE: none, ALL: every}
        case BetaBinomial():
            return {MEAN: sizes * expit(phi[0] + phi[1] * eta)}
        case Count():
            mean = sizes * np.exp(np.minimum(phi[0] + phi[1] * eta, MOST_LOG_MEAN))
            if not family.hurdle:
                return {MEAN: mean}
            some, dispersion = expit(phi[3] + phi[4] * eta), phi[2]
            above = -np.expm1(-dispersion * np.log1p(mean / dispersion))
            return {MEAN: some * np.where(above > 0, mean / np.where(above > 0, above, 1.0), 1.0), SOME: some}
        case YesNo():
            return {YES: expit(phi[0] + phi[1] * eta)}
        case Ordinal():
            return {MEAN: _expected_category(family, phi, eta)}
        case Items():
            of_items = np.reshape(phi, (len(family.items), family.categories))
            return {MEAN: np.sum([_expected_category(family, item, eta) for item in of_items], axis=0)}
    return {MEAN: eta}


def has_zero(family: ResponseFamily) -> bool:
    """Whether values count something from 0 on, so that ratios of their means mean something."""
    return not family.is_normal and not isinstance(family, CategoryFamily)


def ratio_of_a_person(family: ResponseFamily, phi: Phi) -> tuple[str, float] | None:
    """Ratio that is the same for everybody, and its logarithm for a linear predictor that is 1 higher; or None."""
    match family:
        case YesNo() | BetaBinomial():
            return "odds ratio", float(phi[1])
        case Ordinal(link="logit"):
            return "cumulative odds ratio", float(phi[0])
        case Count(hurdle=False):
            return "rate ratio", float(phi[1])
    return None


def _ends(link: str, none_cut: float, all_cut: float, shift: FloatArray) -> tuple[FloatArray, FloatArray]:
    return cumulative(link, none_cut - shift), 1 - cumulative(link, all_cut - shift)


def _mean_inside(sizes: FloatArray, mean: FloatArray, precision: float) -> FloatArray:
    """Mean of a beta-binomial that is neither 0 nor all."""
    first, second = (np.maximum(share * precision, TINY) for share in (mean, 1 - mean))
    log_beta = betaln(first, second)
    none, every = (np.exp(betaln(*shapes) - log_beta) for shapes in ((first, sizes + second), (sizes + first, second)))
    inside = 1 - none - every
    result = sizes * (mean - every) / np.where(inside > CANCELLED, inside, 1.0)
    cancelled = inside <= CANCELLED
    if cancelled.any():
        result[cancelled] = _mean_by_values(sizes[cancelled], first[cancelled], second[cancelled])
    return np.asarray(result)


def _mean_by_values(sizes: FloatArray, first: FloatArray, second: FloatArray) -> FloatArray:
    """The same, value by value, where nearly all is at the ends."""
    result = np.empty(sizes.shape)
    for size in np.unique(sizes):
        chosen, values = sizes == size, np.arange(1.0, size)
        a, b = first[chosen][:, None], second[chosen][:, None]
        ways = gammaln(size + 1) - gammaln(values + 1) - gammaln(size - values + 1)
        log_weights = ways + gammaln(values + a) + gammaln(size - values + b)
        weights = np.exp(log_weights - log_weights.max(axis=1, keepdims=True))
        result[chosen] = weights @ values / weights.sum(axis=1)
    return result


def _expected_category(family: CategoryFamily, phi: Phi, eta: FloatArray) -> FloatArray:
    slope, cuts = phi[0], np.asarray(phi[1:])
    return np.asarray(family.lowest + (1 - cumulative(family.link, cuts - slope * eta[..., None])).sum(axis=-1))
