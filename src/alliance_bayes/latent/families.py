"""Log densities of one response given its linear predictor, with every derivative the Laplace integral needs.

A response has a code, a place in the vector phi of family parameters, a value y and a size, whose meanings are:

=================  =====================================================  ======================  ==================
family             phi, in order                                          value                   size
=================  =====================================================  ======================  ==================
days (2 links)     none_cut, all_cut, slope, intercept, interior_slope,   days d, 0 to W          window W >= 2
                   precision
beta_binomial      intercept, slope, precision                            successes d, 0 to W     trials W >= 1
count              intercept, slope, dispersion                           count y >= 0            log exposure
hurdle_count       intercept, slope, dispersion, any_intercept,           count y >= 0            log exposure
                   any_slope
yes_no             intercept, slope                                       0 or 1                  not used
ordinal (2 links)  slope, cut 1, ..., cut C - 1                           category 0 to C - 1     C >= 2 categories
=================  =====================================================  ======================  ==================

With F the logistic or standard normal distribution function and BB the beta-binomial probability
with parameters ``m f`` and ``(1 - m) f``, ``logit m = intercept + slope eta``:

- days: ``P(0) = F(none_cut - slope eta)``, ``P(W) = 1 - F(all_cut - slope eta)``, and in between the
  rest times ``BB(d) / (1 - BB(0) - BB(W))`` with ``logit m = intercept + interior_slope eta``;
- count: negative binomial, ``log mean = log exposure + intercept + slope eta``, variance
  ``mean + mean^2 / dispersion``; with a hurdle ``P(y > 0) = logistic(any_intercept + any_slope eta)``, and
  above 0 the count is truncated there;
- yes_no: ``P(1) = logistic(intercept + slope eta)``;
- ordinal: ``P(y <= c) = F(cut c+1 - slope eta)``. Items are ordinal responses that share their eta.

Codes are fixed numbers because compiled functions on disk hold them.
"""

import math

import numpy as np
from scipy.special import gammaln

from ..moments.compiled import compiled
from .special import (
    HALF_LOG_2_PI,
    inverse_mills,
    log_gamma_jet,
    log_normal_cdf,
    log_of_difference,
    logistic_jet,
    rising_jet,
)

__all__ = ["CODES", "constants", "derivatives", "log_of_counting", "phi_gradient"]

DAYS, DAYS_PROBIT, BETA_BINOMIAL, COUNT, HURDLE_COUNT, YES_NO, ORDINAL, ORDINAL_PROBIT = range(8)
CODES = {
    "days": DAYS,
    "days_probit": DAYS_PROBIT,
    "beta_binomial": BETA_BINOMIAL,
    "count": COUNT,
    "hurdle_count": HURDLE_COUNT,
    "yes_no": YES_NO,
    "ordinal": ORDINAL,
    "ordinal_probit": ORDINAL_PROBIT,
}
FARTHEST = 30.0


@compiled
def _below(cut, probit):
    """``log F(cut)`` and its first five derivatives."""
    if probit:
        first, second, third, fourth, fifth = inverse_mills(cut)
        return log_normal_cdf(cut), first, second, third, fourth, fifth
    _, rest, density, slope, curve, third, _ = logistic_jet(cut)
    value = -math.log(1.0 + math.exp(-abs(cut))) + min(cut, 0.0)
    return value, rest, -density, -slope, -curve, -third


@compiled
def _above(cut, probit):
    """``log(1 - F(cut))`` and its first five derivatives."""
    value, first, second, third, fourth, fifth = _below(-cut, probit)
    return value, -first, second, -third, fourth, -fifth


@compiled
def _between(lower, upper, probit):
    """``log(F(upper) - F(lower))``, and derivatives in either cut, then up to four times more in a shift of both.

    Of the logistic without ``log(1 - exp(lower - upper))``, which is no matter of a shift, and its
    derivative.

    Returns
    -------
    tuple
        Value; derivative in `upper`, and its four derivatives in the shift; the same of `lower`.
    """
    if probit:
        mirrored = lower + upper > 0.0
        high, low = (-lower, -upper) if mirrored else (upper, lower)
        log_high = log_normal_cdf(high)
        value = log_high + log_of_difference(log_high - log_normal_cdf(low))
        first = math.exp(-0.5 * upper * upper - HALF_LOG_2_PI - value)
        last = -math.exp(-0.5 * lower * lower - HALF_LOG_2_PI - value)
        up, down = upper + first + last, lower + first + last
        first_1, last_1 = -first * up, -last * down
        a_1 = 1.0 + first_1 + last_1
        first_2, last_2 = -first_1 * up - first * a_1, -last_1 * down - last * a_1
        a_2 = first_2 + last_2
        first_3 = -first_2 * up - 2.0 * first_1 * a_1 - first * a_2
        last_3 = -last_2 * down - 2.0 * last_1 * a_1 - last * a_2
        a_3 = first_3 + last_3
        first_4 = -first_3 * up - 3.0 * (first_2 * a_1 + first_1 * a_2) - first * a_3
        last_4 = -last_3 * down - 3.0 * (last_2 * a_1 + last_1 * a_2) - last * a_3
        return value, first, first_1, first_2, first_3, first_4, last, last_1, last_2, last_3, last_4
    below, below_1, below_2, below_3, below_4, below_5 = _below(upper, probit)
    above, above_1, above_2, above_3, above_4, above_5 = _above(lower, probit)
    return (
        below + above,
        below_1, below_2, below_3, below_4, below_5,
        above_1, above_2, above_3, above_4, above_5,
    )  # fmt: skip


@compiled
def _beta_part(count, jet, precision, below, high):
    """``log Gamma(a + count) - log Gamma(a)``, ``a = precision m``, with `jet` the `logistic_jet` of m at t.

    `below` is ``log_gamma_jet(a)``.

    Returns
    -------
    tuple
        Value; five derivatives in t; derivative in the precision, and its first four in t.
    """
    value, s_1, s_2, s_3, s_4, s_5 = rising_jet(count, precision * jet[0], below, high)
    m, _, m_1, m_2, m_3, m_4, m_5 = jet
    a_1, a_2, a_3, a_4, a_5 = precision * m_1, precision * m_2, precision * m_3, precision * m_4, precision * m_5
    t_1 = s_2 * a_1
    t_2 = s_3 * a_1 * a_1 + s_2 * a_2
    first, second = s_1 * a_1, t_1 * a_1 + s_1 * a_2
    third = t_2 * a_1 + 2.0 * t_1 * a_2 + s_1 * a_3
    by, by_1 = s_1 * m, t_1 * m + s_1 * m_1
    by_2 = t_2 * m + 2.0 * t_1 * m_1 + s_1 * m_2
    if not high:
        return value, first, second, third, 0.0, 0.0, by, by_1, by_2, 0.0, 0.0
    t_3 = s_4 * a_1 * a_1 * a_1 + 3.0 * s_3 * a_1 * a_2 + s_2 * a_3
    t_4 = s_5 * a_1 * a_1 * a_1 * a_1 + 6.0 * s_4 * a_1 * a_1 * a_2
    t_4 += s_3 * (4.0 * a_1 * a_3 + 3.0 * a_2 * a_2) + s_2 * a_4
    return (
        value,
        first,
        second,
        third,
        t_3 * a_1 + 3.0 * (t_2 * a_2 + t_1 * a_3) + s_1 * a_4,
        t_4 * a_1 + 4.0 * (t_3 * a_2 + t_1 * a_4) + 6.0 * t_2 * a_3 + s_1 * a_5,
        by,
        by_1,
        by_2,
        t_3 * m + 3.0 * (t_2 * m_1 + t_1 * m_2) + s_1 * m_3,
        t_4 * m + 4.0 * (t_3 * m_1 + t_1 * m_3) + 6.0 * t_2 * m_2 + s_1 * m_4,
    )


@compiled
def _mirrored(part):
    """Return a part with t taken the other way."""
    return (
        part[0], -part[1], part[2], -part[3], part[4], -part[5],
        part[6], -part[7], part[8], -part[9], part[10],
    )  # fmt: skip


@compiled
def _sum(part, other, sign):
    return (
        part[0] + sign * other[0],
        part[1] + sign * other[1],
        part[2] + sign * other[2],
        part[3] + sign * other[3],
        part[4] + sign * other[4],
        part[5] + sign * other[5],
        part[6] + sign * other[6],
        part[7] + sign * other[7],
        part[8] + sign * other[8],
        part[9] + sign * other[9],
        part[10] + sign * other[10],
    )


@compiled
def _exponential(part, precision_slope, constant):
    """Probability from its logarithm less `constant`, whose slope in the precision is `precision_slope`."""
    value, e_1, e_2, e_3, e_4, e_5, by, by_1, by_2, by_3, by_4 = part
    by -= precision_slope
    p = math.exp(value - constant)
    p_1 = p * e_1
    p_2 = p_1 * e_1 + p * e_2
    p_3 = p_2 * e_1 + 2.0 * p_1 * e_2 + p * e_3
    p_4 = p_3 * e_1 + 3.0 * (p_2 * e_2 + p_1 * e_3) + p * e_4
    return (
        p,
        p_1,
        p_2,
        p_3,
        p_4,
        p_4 * e_1 + 4.0 * (p_3 * e_2 + p_1 * e_4) + 6.0 * p_2 * e_3 + p * e_5,
        p * by,
        p_1 * by + p * by_1,
        p_2 * by + 2.0 * p_1 * by_1 + p * by_2,
        p_3 * by + 3.0 * (p_2 * by_1 + p_1 * by_2) + p * by_3,
        p_4 * by + 4.0 * (p_3 * by_1 + p_1 * by_3) + 6.0 * p_2 * by_2 + p * by_4,
    )


@compiled
def _log_of_rest(rest, ends):
    """``log(1 - ends)`` with `rest` = 1 - ends, both with derivatives as of `_beta_part`."""
    inverse = -1.0 / rest
    q_1, q_2, q_3, q_4, q_5 = (
        ends[1] * inverse, ends[2] * inverse, ends[3] * inverse, ends[4] * inverse, ends[5] * inverse,
    )  # fmt: skip
    n_2 = q_2 - q_1 * q_1
    n_3 = q_3 - 2.0 * n_2 * q_1 - q_1 * q_2
    n_4 = q_4 - 3.0 * (n_3 * q_1 + n_2 * q_2) - q_1 * q_3
    by = ends[6] * inverse
    by_1 = ends[7] * inverse - by * q_1
    by_2 = ends[8] * inverse - 2.0 * by_1 * q_1 - by * q_2
    by_3 = ends[9] * inverse - 3.0 * (by_2 * q_1 + by_1 * q_2) - by * q_3
    return (
        math.log(rest),
        q_1,
        n_2,
        n_3,
        n_4,
        q_5 - 4.0 * (n_4 * q_1 + n_2 * q_3) - 6.0 * n_3 * q_2 - q_1 * q_4,
        by,
        by_1,
        by_2,
        by_3,
        ends[10] * inverse - 4.0 * (by_3 * q_1 + by_1 * q_3) - 6.0 * by_2 * q_2 - by * q_4,
    )


@compiled
def _none_of(window, share, precision):
    """1 minus the beta-binomial probability of 0, for a small mean `share`, without cancellation."""
    total = 0.0
    for day in range(int(window)):
        total += math.log1p(-precision * share / (precision + day))
    return -math.expm1(total)


@compiled
def _interior(days, window, t, precision, constant, precision_slope, high):
    """Beta-binomial renormalised to 1 .. window - 1, without the binomial coefficient; t = logit of the mean.

    `constant` and `precision_slope` are ``log Gamma(f + W) - log Gamma(f)`` and its derivative in f.
    Returns as `_beta_part`. Beyond `FARTHEST` the density no longer depends on t.
    """
    held = min(max(t, -FARTHEST), FARTHEST)
    jet, other = logistic_jet(held), logistic_jet(-held)
    mean, rest = jet[0], jet[1]
    gamma, gamma_rest = log_gamma_jet(precision * mean, high), log_gamma_jet(precision * rest, high)
    up = _beta_part(days, jet, precision, gamma, high)
    down = _mirrored(_beta_part(window - days, other, precision, gamma_rest, high))
    all_days = _exponential(_beta_part(window, jet, precision, gamma, high), precision_slope, constant)
    no_days = _mirrored(_exponential(_beta_part(window, other, precision, gamma_rest, high), precision_slope, constant))
    inside = 1.0 - all_days[0] - no_days[0]
    if mean < 1e-3:
        inside = _none_of(window, mean, precision) - all_days[0]
    elif rest < 1e-3:
        inside = _none_of(window, rest, precision) - no_days[0]
    log_inside = _log_of_rest(inside, _sum(all_days, no_days, 1.0))
    found = _sum(_sum(up, down, 1.0), log_inside, -1.0)
    value, by = found[0] - constant, found[6] - precision_slope
    if t != held:
        return value, 0.0, 0.0, 0.0, 0.0, 0.0, by, 0.0, 0.0, 0.0, 0.0
    return (
        value, found[1], found[2], found[3], found[4], found[5],
        by, found[7], found[8], found[9], found[10],
    )  # fmt: skip


@compiled
def _beta_binomial(days, window, t, precision, constant, precision_slope, high):
    """Beta-binomial without the binomial coefficient; arguments and answer as of `_interior`.

    Beyond `FARTHEST` the log density is a straight line in t.
    """
    held = min(max(t, -FARTHEST), FARTHEST)
    jet, other = logistic_jet(held), logistic_jet(-held)
    up = _beta_part(days, jet, precision, log_gamma_jet(precision * jet[0], high), high)
    down = _beta_part(window - days, other, precision, log_gamma_jet(precision * jet[1], high), high)
    found = _sum(up, _mirrored(down), 1.0)
    return (
        found[0] - constant + found[1] * (t - held), found[1], found[2], found[3], found[4], found[5],
        found[6] - precision_slope, found[7], found[8], found[9], found[10],
    )  # fmt: skip


@compiled
def _negative_binomial(count, dispersion, log_mean, log_term, jet, dispersion_slope):
    """Negative binomial without what does not depend on its mean. Returns as `_beta_part`.

    `log_term` is ``log(1 + mean / dispersion)`` and `jet` the `logistic_jet` of its derivative.
    """
    total = count + dispersion
    ratio = total / dispersion
    share, _, s_1, s_2, s_3, s_4, _ = jet
    return (
        count * log_mean - total * log_term,
        count - total * share,
        -total * s_1,
        -total * s_2,
        -total * s_3,
        -total * s_4,
        dispersion_slope - log_term + ratio * share,
        -share + ratio * s_1,
        -s_1 + ratio * s_2,
        -s_2 + ratio * s_3,
        -s_3 + ratio * s_4,
    )


@compiled
def _log_any(log_mean, dispersion, log_term, jet):
    """Logarithm of the negative binomial's probability above 0. Returns as `_beta_part`."""
    if log_mean < -FARTHEST:
        return log_mean, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    share, _, s_1, s_2, s_3, s_4, _ = jet
    none = -dispersion * log_term
    log_none = (
        none, -dispersion * share, -dispersion * s_1, -dispersion * s_2, -dispersion * s_3, -dispersion * s_4,
        share - log_term, s_1 - share, s_2 - s_1, s_3 - s_2, s_4 - s_3,
    )  # fmt: skip
    return _log_of_rest(-math.expm1(none), _exponential(log_none, 0.0, 0.0))


@compiled
def _gate(value, t):
    """Log probability of a response above 0, or of 0, where ``P(above 0) = logistic(t)``; its derivatives in t."""
    return _below(t, False) if value > 0.0 else _above(t, False)


@compiled
def _cut_places(code, start, value, size):
    """Positions in phi of the lower cut, the upper cut and the slope; -1 for a cut that is infinite."""
    if code >= ORDINAL:
        below = start + int(value)
        return below if value > 0.0 else -1, below + 1 if value < size - 1.0 else -1, start
    if value <= 0.0:
        return -1, start, start + 2
    if value >= size:
        return start + 1, -1, start + 2
    return start, start + 1, start + 2


@compiled
def _cuts(lower, upper, slope, phi, eta, probit):
    """`_between` of two cuts less ``slope eta``, of which one may be infinite."""
    shift = phi[slope] * eta
    if lower >= 0 and upper >= 0:
        return _between(phi[lower] - shift, phi[upper] - shift, probit)
    if upper >= 0:
        value, first, second, third, fourth, fifth = _below(phi[upper] - shift, probit)
        return value, first, second, third, fourth, fifth, 0.0, 0.0, 0.0, 0.0, 0.0
    value, first, second, third, fourth, fifth = _above(phi[lower] - shift, probit)
    return value, 0.0, 0.0, 0.0, 0.0, 0.0, first, second, third, fourth, fifth


@compiled
def _scaled(code, value, size, t, scale, constant, scale_slope, high):
    """The part of a family with a precision or dispersion, by the line t of its mean. Returns as `_beta_part`."""
    if code <= DAYS_PROBIT:
        return _interior(value, size, t, scale, constant, scale_slope, high)
    if code == BETA_BINOMIAL:
        return _beta_binomial(value, size, t, scale, constant, scale_slope, high)
    log_mean = size + t
    offset = log_mean - constant
    jet, log_term = logistic_jet(offset), max(offset, 0.0) + math.log1p(math.exp(-abs(offset)))
    whole = _negative_binomial(value, scale, log_mean, log_term, jet, scale_slope)
    if code == COUNT:
        return whole
    return _sum(whole, _log_any(log_mean, scale, log_term, jet), -1.0)


@compiled
def _scale_place(code, start, value, size):
    """Position in phi of the precision or dispersion that this response depends on, or -1.

    Where the slope of its line stands just before, and the intercept before that.
    """
    if code <= DAYS_PROBIT:
        return start + 5 if 0.0 < value < size else -1
    if code <= COUNT or (code == HURDLE_COUNT and value > 0.0):
        return start + 2
    return -1


@compiled
def constants(code, start, value, size, phi):
    """What a response's log density needs that does not depend on eta, kept between Newton steps.

    Parameters
    ----------
    code, start, value, size
        Family code, first position in `phi`, response and its size.
    phi
        Family parameters, shape ``(phi,)``.

    Returns
    -------
    tuple
        A number that `derivatives` and `phi_gradient` take, the terms that `derivatives` leaves out
        although they depend on phi, and a slope that `phi_gradient` takes.
    """
    held, added, slope = 0.0, 0.0, 0.0
    if code in (DAYS, ORDINAL):
        lower, upper, _ = _cut_places(code, start, value, size)
        if lower >= 0 and upper >= 0:
            added = log_of_difference(phi[upper] - phi[lower])
    place = _scale_place(code, start, value, size)
    if place < 0:
        return held, added, slope
    scale = phi[place]
    if code <= BETA_BINOMIAL:
        held, slope, _, _, _, _ = rising_jet(size, scale, log_gamma_jet(scale, False), False)
        return held, added, slope
    held = math.log(scale)
    added, slope, _, _, _, _ = rising_jet(value, scale, log_gamma_jet(scale, False), False)
    return held, added - value * held, slope - value / scale


@compiled
def derivatives(code, start, value, size, constant, phi, eta, high):
    """Log density of one response and its first five derivatives in eta; without `high` the last two are void.

    Without the second number of `constants`, whose first is `constant`, and without what depends on
    neither eta nor phi, which `log_of_counting` gives.
    """
    total, first, second, third, fourth, fifth = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    if code <= DAYS_PROBIT or code >= ORDINAL:
        lower, upper, place = _cut_places(code, start, value, size)
        cut = _cuts(lower, upper, place, phi, eta, code in (DAYS_PROBIT, ORDINAL_PROBIT))
        b = -phi[place]
        square = b * b
        total, first, second = cut[0], b * (cut[1] + cut[6]), square * (cut[2] + cut[7])
        third, fourth = square * b * (cut[3] + cut[8]), square * square * (cut[4] + cut[9])
        fifth = square * square * b * (cut[5] + cut[10])
    elif code in (HURDLE_COUNT, YES_NO):
        place = start + 3 if code == HURDLE_COUNT else start
        b = phi[place + 1]
        square = b * b
        gate = _gate(value, phi[place] + b * eta)
        total, first, second, third = gate[0], b * gate[1], square * gate[2], square * b * gate[3]
        fourth, fifth = square * square * gate[4], square * square * b * gate[5]
    place = _scale_place(code, start, value, size)
    if place >= 0:
        b = phi[place - 1]
        square = b * b
        part = _scaled(code, value, size, phi[place - 2] + b * eta, phi[place], constant, 0.0, high)
        total += part[0]
        first += b * part[1]
        second += square * part[2]
        third += square * b * part[3]
        fourth += square * square * part[4]
        fifth += square * square * b * part[5]
    return total, first, second, third, fourth, fifth


@compiled
def _powers(weights, b):
    """Weights of the derivatives 0 to 4 in the line ``t = a + b eta``, from those in eta, the first being 1."""
    return 1.0, weights[0] * b, weights[1] * b**2, weights[2] * b**3, weights[3] * b**4


@compiled
def _add_slope(eta, b, weights, shift, first, second, third, fourth):
    """Gradient in b of ``sum_k w_k b^k f^(k)(a + b eta)``, whose gradient in a is `shift`."""
    total = weights[0] * first + 2.0 * weights[1] * b * second
    return eta * shift + total + 3.0 * weights[2] * b**2 * third + 4.0 * weights[3] * b**3 * fourth


@compiled
def _add_line(intercept, eta, b, weights, first, second, third, fourth, fifth, phi_bar):
    """Add the gradient of ``sum_k w_k b^k f^(k)(a + b eta)`` in a and, next to it, b."""
    p = _powers(weights, b)
    shift = first + p[1] * second + p[2] * third + p[3] * fourth + p[4] * fifth
    phi_bar[intercept] += shift
    phi_bar[intercept + 1] += _add_slope(eta, b, weights, shift, first, second, third, fourth)


@compiled
def phi_gradient(code, start, value, size, constant, scale_slope, phi, eta, weights, phi_bar):
    """Add the gradient in phi, at fixed eta, of ``l + sum_k weights[k - 1] d^k l/deta^k`` to `phi_bar`, k up to 4.

    With l the log density of one response, nothing left out. The weights carry what the mode, the
    curvature and higher terms owe to phi; `constant` and `scale_slope` are the first and third
    number of `constants`.
    """
    if code <= DAYS_PROBIT or code >= ORDINAL:
        lower, upper, place = _cut_places(code, start, value, size)
        cut = _cuts(lower, upper, place, phi, eta, code in (DAYS_PROBIT, ORDINAL_PROBIT))
        b = -phi[place]
        p = _powers(weights, b)
        up = cut[1] + p[1] * cut[2] + p[2] * cut[3] + p[3] * cut[4] + p[4] * cut[5]
        down = cut[6] + p[1] * cut[7] + p[2] * cut[8] + p[3] * cut[9] + p[4] * cut[10]
        phi_bar[place] -= _add_slope(
            eta, b, weights, up + down, cut[1] + cut[6], cut[2] + cut[7], cut[3] + cut[8], cut[4] + cut[9]
        )
        if upper >= 0:
            phi_bar[upper] += up
        if lower >= 0:
            phi_bar[lower] += down
        if lower >= 0 and upper >= 0 and code in (DAYS, ORDINAL):
            gap_slope = 1.0 / math.expm1(phi[upper] - phi[lower])
            phi_bar[upper] += gap_slope
            phi_bar[lower] -= gap_slope
    elif code in (HURDLE_COUNT, YES_NO):
        place = start + 3 if code == HURDLE_COUNT else start
        b = phi[place + 1]
        gate = _gate(value, phi[place] + b * eta)
        _add_line(place, eta, b, weights, gate[1], gate[2], gate[3], gate[4], gate[5], phi_bar)
    place = _scale_place(code, start, value, size)
    if place >= 0:
        b, scale = phi[place - 1], phi[place]
        part = _scaled(code, value, size, phi[place - 2] + b * eta, scale, constant, scale_slope, True)
        _add_line(place - 2, eta, b, weights, part[1], part[2], part[3], part[4], part[5], phi_bar)
        p = _powers(weights, b)
        phi_bar[place] += part[6] + p[1] * part[7] + p[2] * part[8] + p[3] * part[9] + p[4] * part[10]


def log_of_counting(code: int, value: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Logarithm of what `derivatives` leaves out: binomial coefficients of days inside a window, 1 / y! of counts.

    Examples
    --------
    >>> np.exp(log_of_counting(DAYS, np.array([0.0, 2.0]), np.array([4.0, 4.0]))).round(9)
    array([1., 6.])
    """
    if code <= BETA_BINOMIAL:
        return np.asarray(gammaln(size + 1) - gammaln(value + 1) - gammaln(size - value + 1))
    if code <= HURDLE_COUNT:
        return np.asarray(-gammaln(value + 1))
    return np.zeros(len(value))
