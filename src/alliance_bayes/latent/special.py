"""Special functions with the derivatives that an implicit gradient needs, compiled and safe in the tails."""

import math

from ..moments.kernel import compiled

__all__ = ["inverse_mills", "log_gamma_jet", "log_normal_cdf", "log_of_difference", "logistic", "rising_jet"]

HALF_LOG_2_PI = 0.5 * math.log(2 * math.pi)
FEW_FACTORS = 8
ASYMPTOTIC_FROM = 7.0
TAIL = -30.0


@compiled
def logistic(value):
    """``1 / (1 + exp(-value))``."""
    if value >= 0.0:
        return 1.0 / (1.0 + math.exp(-value))
    power = math.exp(value)
    return power / (1.0 + power)


@compiled
def log_of_difference(gap):
    """``log(1 - exp(-gap))`` for a gap above 0, minus infinity otherwise."""
    if not gap > 0.0:
        return -math.inf
    return math.log(-math.expm1(-gap)) if gap < 0.7 else math.log1p(-math.exp(-gap))


@compiled
def log_gamma_jet(x):
    """Logarithm of the gamma function and its first three derivatives, for x > 0.

    Recurrence up to `ASYMPTOTIC_FROM`, then Stirling's series.
    """
    product, first, second, third = 1.0, 0.0, 0.0, 0.0
    while x < ASYMPTOTIC_FROM:
        reciprocal = 1.0 / x
        square = reciprocal * reciprocal
        product *= x
        first -= reciprocal
        second += square
        third -= 2.0 * square * reciprocal
        x += 1.0
    r = 1.0 / x
    q = r * r
    logarithm = math.log(x)
    value = r * _series(q, 1 / 12, 1 / 360, 1 / 1260, 1 / 1680, 1 / 1188, 691 / 360360, 1 / 156, 3617 / 122400)
    value += (x - 0.5) * logarithm - x + HALF_LOG_2_PI
    if product != 1.0:
        value -= math.log(product)
    first += logarithm - 0.5 * r
    first -= q * _series(q, 1 / 12, 1 / 120, 1 / 252, 1 / 240, 1 / 132, 691 / 32760, 1 / 12, 3617 / 8160)
    second += r + 0.5 * q
    second += r * q * _series(q, 1 / 6, 1 / 30, 1 / 42, 1 / 30, 5 / 66, 691 / 2730, 7 / 6, 3617 / 510)
    third -= q + r * q
    third -= q * q * _series(q, 1 / 2, 1 / 6, 1 / 6, 3 / 10, 5 / 6, 691 / 210, 35 / 2, 3617 / 30)
    return value, first, second, third


@compiled
def _series(q, a, b, c, d, e, f, g, h):
    """``a - b q + c q^2 - ...``."""
    return a - q * (b - q * (c - q * (d - q * (e - q * (f - q * (g - q * h))))))


@compiled
def rising_jet(count, x, below):
    """``log(x (x + 1) ... (x + count - 1))`` and its first three derivatives in x > 0.

    That is ``log Gamma(x + count) - log Gamma(x)``: a sum where the factors are few, otherwise less
    `below`, the answer of `log_gamma_jet` at x.
    """
    if count <= FEW_FACTORS:
        product, first, second, third = 1.0, 0.0, 0.0, 0.0
        for _ in range(int(count)):
            reciprocal = 1.0 / x
            square = reciprocal * reciprocal
            product *= x
            first += reciprocal
            second -= square
            third += 2.0 * square * reciprocal
            x += 1.0
        return math.log(product), first, second, third
    value, first, second, third = log_gamma_jet(x + count)
    return value - below[0], first - below[1], second - below[2], third - below[3]


@compiled
def log_normal_cdf(x):
    """Logarithm of the standard normal distribution function."""
    if x > 5.0:
        return math.log1p(-0.5 * math.erfc(x / math.sqrt(2.0)))
    if x > TAIL:
        return math.log(0.5 * math.erfc(-x / math.sqrt(2.0)))
    q = 1.0 / (x * x)
    return -0.5 * x * x - HALF_LOG_2_PI - math.log(-x) + math.log1p(-q * (1.0 - q * (3.0 - q * (15.0 - q * 105.0))))


@compiled
def inverse_mills(x):
    """First three derivatives of `log_normal_cdf`: the density over the distribution function, and so on."""
    if x > TAIL:
        ratio = math.exp(-0.5 * x * x - HALF_LOG_2_PI - log_normal_cdf(x))
        slope = -ratio * (x + ratio)
        return ratio, slope, -slope * (x + ratio) - ratio * (1.0 + slope)
    r = -1.0 / x
    q = r * r
    ratio = -x + r * (1.0 - q * (2.0 - q * (10.0 - q * 74.0)))
    slope = -1.0 + q * (1.0 - q * (6.0 - q * 50.0))
    return ratio, slope, r * q * (2.0 - q * (24.0 - q * 300.0))
