"""What log densities in PyTensor share; imported where one is built, since PyTensor takes long to load."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytensor.tensor as pt

from .family import Numbers

__all__ = ["at_the_ends", "below", "between", "log_logistic", "log_normal_cdf", "log_rising"]


def log_rising(first: Any, count: np.ndarray) -> Any:
    """``log Gamma(first + count) - log Gamma(first)``."""
    return pt.gammaln(first + count) - pt.gammaln(first)


def below(cut: Any, link: str) -> Any:
    """Log of the link's distribution function."""
    return log_logistic(cut) if link == "logit" else log_normal_cdf(cut)


def at_the_ends(lower: int, upper: int, slope: int, link: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Log densities of what is below the lower cut point and above the upper one, by their positions in phi."""

    def lowest(value: np.ndarray, size: np.ndarray, number: Numbers, eta: Any) -> Any:
        return below(number(lower) - number(slope) * eta, link)

    def highest(value: np.ndarray, size: np.ndarray, number: Numbers, eta: Any) -> Any:
        return below(number(slope) * eta - number(upper), link)

    return lowest, highest


def between(lower: Any, upper: Any, link: str) -> Any:
    """Log of the difference of the link's distribution function at two cut points."""
    if link == "logit":
        return log_logistic(upper) + log_logistic(-lower) + pt.log(-pt.expm1(lower - upper))
    mirrored = lower + upper > 0.0
    low, high = pt.switch(mirrored, -upper, lower), pt.switch(mirrored, -lower, upper)
    log_high = log_normal_cdf(high)
    return log_high + pt.log(-pt.expm1(log_normal_cdf(low) - log_high))


def log_logistic(cut: Any) -> Any:
    """``log(1 / (1 + exp(-cut)))``."""
    return -pt.softplus(-cut)


def log_normal_cdf(cut: Any) -> Any:
    """Logarithm of the standard normal distribution function."""
    low, high = pt.minimum(cut, 0.0), pt.maximum(cut, 0.0)
    in_tail = pt.log(0.5 * pt.erfcx(-low / np.sqrt(2.0))) - 0.5 * low**2
    return pt.switch(cut < 0.0, in_tail, pt.log1p(-0.5 * pt.erfc(high / np.sqrt(2.0))))
