"""Special functions with the derivatives that an implicit gradient needs, compiled and safe in the tails."""

import math

from ..moments.compiled import compiled

__all__ = [
    "inverse_mills",
    "log_gamma_jet",
    "log_normal_cdf",
    "log_of_difference",
    "logistic",
    "logistic_jet",
    "rising_jet",
]

HALF_LOG_2_PI = 0.5 * math.log(2 * math.pi)
FEW_FACTORS = 8
ASYMPTOTIC_FROM = 7.0
TAIL = -30.0
MILLS_TAIL = -20.0


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
def logistic_jet(t):
    """``m = 1 / (1 + exp(-t))``, ``1 - m``, and the first five derivatives of m."""
    power = math.exp(-abs(t))
    large = 1.0 / (1.0 + power)
    small = power * large
    mean, rest = (large, small) if t > 0.0 else (small, large)
    spread, skew = large * small, rest - mean
    return (
        mean,
        rest,
        spread,
        spread * skew,
        spread * (1.0 - 6.0 * spread),
        spread * skew * (1.0 - 12.0 * spread),
        spread * (1.0 - 30.0 * spread + 120.0 * spread * spread),
    )


@compiled
def log_gamma_jet(x, high):
    """Logarithm of the gamma function and its first five derivatives, for x > 0.

    Recurrence up to `ASYMPTOTIC_FROM`, then Stirling's series. Without `high` the last two are 0.
    """
    product, first, second, third, fourth, fifth = 1.0, 0.0, 0.0, 0.0, 0.0, 0.0
    while x < ASYMPTOTIC_FROM:
        reciprocal = 1.0 / x
        square = reciprocal * reciprocal
        product *= x
        first -= reciprocal
        second += square
        third -= 2.0 * square * reciprocal
        if high:
            fourth += 6.0 * square * square
            fifth -= 24.0 * square * square * reciprocal
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
    if high:
        fourth += r * q * (2.0 + 3.0 * r)
        fourth += r * q * q * _series(q, 2.0, 1.0, 4 / 3, 3.0, 10.0, 691 / 15, 280.0, 10851 / 5)
        fifth -= q * q * (6.0 + 12.0 * r)
        fifth -= q * q * q * _series(q, 10.0, 7.0, 12.0, 33.0, 130.0, 691.0, 4760.0, 206169 / 5)
    return value, first, second, third, fourth, fifth


@compiled
def _series(q, a, b, c, d, e, f, g, h):
    """``a - b q + c q^2 - ...``."""
    return a - q * (b - q * (c - q * (d - q * (e - q * (f - q * (g - q * h))))))


@compiled
def rising_jet(count, x, below, high):
    """``log(x (x + 1) ... (x + count - 1))`` and its first five derivatives in x > 0.

    That is ``log Gamma(x + count) - log Gamma(x)``: a sum where the factors are few, otherwise less
    `below`, the answer of `log_gamma_jet` at x. Without `high` the last two derivatives are 0.
    """
    if count <= FEW_FACTORS:
        product, first, second, third, fourth, fifth = 1.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for _ in range(int(count)):
            reciprocal = 1.0 / x
            square = reciprocal * reciprocal
            product *= x
            first += reciprocal
            second -= square
            third += 2.0 * square * reciprocal
            if high:
                fourth -= 6.0 * square * square
                fifth += 24.0 * square * square * reciprocal
            x += 1.0
        return math.log(product), first, second, third, fourth, fifth
    value, first, second, third, fourth, fifth = log_gamma_jet(x + count, high)
    return (
        value - below[0],
        first - below[1],
        second - below[2],
        third - below[3],
        fourth - below[4],
        fifth - below[5],
    )


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
    """First five derivatives of `log_normal_cdf`: the density over the distribution function, and so on."""
    if x > MILLS_TAIL:
        ratio = math.exp(-0.5 * x * x - HALF_LOG_2_PI - log_normal_cdf(x))
        total = x + ratio
        slope = -ratio * total
        curve = -slope * total - ratio * (1.0 + slope)
        third = -curve * total - 2.0 * slope * (1.0 + slope) - ratio * curve
        return ratio, slope, curve, third, -third * total - 3.0 * (1.0 + 2.0 * slope) * curve - ratio * third
    r = -1.0 / x
    q = r * r
    ratio = -x + r * (1.0 - q * (2.0 - q * (10.0 - q * (74.0 - q * (706.0 - q * 8162.0)))))
    slope = -1.0 + q * (1.0 - q * (6.0 - q * (50.0 - q * (518.0 - q * (6354.0 - q * 89782.0)))))
    curve = r * q * (2.0 - q * (24.0 - q * (300.0 - q * (4144.0 - q * (63540.0 - q * 1077384.0)))))
    third = q * q * (6.0 - q * (120.0 - q * (2100.0 - q * (37296.0 - q * 698940.0))))
    return ratio, slope, curve, third, r * q * q * (24.0 - q * (720.0 - q * (16800.0 - q * (372960.0 - q * 8387280.0))))
