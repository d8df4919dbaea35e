"""Special functions of the log densities, compiled and accurate in the tails."""

import math

import numpy as np

from ..basics.compiled import in_place

__all__ = [
    "HALF_LOG_2_PI",
    "add_logarithms",
    "digamma",
    "inverse_mills",
    "log_logistic",
    "log_normal_cdf",
    "log_of_difference",
    "log_rising",
    "logistic",
    "rising_slope",
]

HALF_LOG_2_PI, LOG_2 = 0.5 * math.log(2 * math.pi), math.log(2)
FEW_FACTORS = 8  # up to which a product is faster than two logarithms of the gamma function, and exact
ASYMPTOTIC_FROM = 7.0  # the first term that the series leaves out is below 2e-14 there
TAIL = -30.0  # the probability is still a normal double there, and the series below it is off by less than 2e-12
MILLS_TAIL = -20.0  # where log(density) - log(probability), two numbers near -200, begins to lose digits
ONE_MINUS_FROM = 0.7  # about log 2, where 1 - exp(-gap) passes 1/2: either form is accurate on its own side

LEAST_MANTISSA = 0x3FE6A09E667F3BCD  # bits of the root of 1/2: mantissas are from there to twice that
MANTISSA, BITS = 2**52 - 1, 52


@in_place
def logistic(value):
    """``1 / (1 + exp(-value))``."""
    if value >= 0.0:
        return 1.0 / (1.0 + math.exp(-value))
    power = math.exp(value)
    return power / (1.0 + power)


@in_place
def log_logistic(value):
    """``log(logistic(value))``."""
    return min(value, 0.0) - math.log1p(math.exp(-abs(value)))


@in_place
def log_of_difference(gap):
    """``log(1 - exp(-gap))`` for a gap above 0, minus infinity otherwise."""
    if not gap > 0.0:
        return -math.inf
    return math.log(-math.expm1(-gap)) if gap < ONE_MINUS_FROM else math.log1p(-math.exp(-gap))


@in_place
def digamma(x):
    """Slope of the logarithm of the gamma function, for x > 0: recurrence, then Stirling's series."""
    total = 0.0
    while x < ASYMPTOTIC_FROM:
        total -= 1.0 / x
        x += 1.0
    r = 1.0 / x
    q = r * r
    series = 1 / 12 - q * (1 / 120 - q * (1 / 252 - q * (1 / 240 - q * (1 / 132 - q * (691 / 32760 - q / 12)))))
    return total + math.log(x) - 0.5 * r - q * series


@in_place
def log_rising(count, x):
    """``log(x (x + 1) ... (x + count - 1))`` for x > 0."""
    if count <= FEW_FACTORS:
        product = 1.0
        for step in range(int(count)):
            product *= x + step
        return math.log(product)
    return math.lgamma(x + count) - math.lgamma(x)


@in_place
def rising_slope(count, x):
    """Slope of `log_rising` in x."""
    if count <= FEW_FACTORS:
        total = 0.0
        for step in range(int(count)):
            total += 1.0 / (x + step)
        return total
    return digamma(x + count) - digamma(x)


@in_place
def log_normal_cdf(x):
    """Logarithm of the standard normal distribution function."""
    if x > 5.0:
        return math.log1p(-0.5 * math.erfc(x / math.sqrt(2.0)))
    if x > TAIL:
        return math.log(0.5 * math.erfc(-x / math.sqrt(2.0)))
    q = 1.0 / (x * x)
    return -0.5 * x * x - HALF_LOG_2_PI - math.log(-x) + math.log1p(-q * (1.0 - q * (3.0 - q * (15.0 - q * 105.0))))


@in_place
def inverse_mills(x):
    """Slope of `log_normal_cdf`: the normal density over the distribution function."""
    if x > MILLS_TAIL:
        return math.exp(-0.5 * x * x - HALF_LOG_2_PI - log_normal_cdf(x))
    r = -1.0 / x
    q = r * r
    return -x + r * (1.0 - q * (2.0 - q * (10.0 - q * (74.0 - q * (706.0 - q * 8162.0)))))


@in_place
def add_logarithms(values, totals, exponents):
    """Add the logarithms of positive normal numbers to `totals`, several at once; `values` and `exponents` are lost.

    With v = m 2^e it is ``e log 2 + 2 artanh((m - 1) / (m + 1))``, whose series is used up to the 21st power.
    """
    bits = values.view(np.int64)
    for place in range(len(values)):
        above = bits[place] - LEAST_MANTISSA
        exponents[place] = above >> BITS
        bits[place] = (above & MANTISSA) + LEAST_MANTISSA
    for place in range(len(values)):
        s = (values[place] - 1.0) / (values[place] + 1.0)
        q = s * s
        high = 1 / 13 + q * (1 / 15 + q * (1 / 17 + q * (1 / 19 + q / 21)))
        series = 1.0 + q * (1 / 3 + q * (1 / 5 + q * (1 / 7 + q * (1 / 9 + q * (1 / 11 + q * high)))))
        totals[place] += exponents[place] * LOG_2 + 2.0 * s * series
