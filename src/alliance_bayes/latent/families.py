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

from ..moments.kernel import compiled
from .special import (
    HALF_LOG_2_PI,
    inverse_mills,
    log_gamma_jet,
    log_normal_cdf,
    log_of_difference,
    logistic,
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
FARTHEST_LINE = 100.0


@compiled
def _below(cut, probit):
    """``log F(cut)`` and its first three derivatives."""
    if probit:
        first, second, third = inverse_mills(cut)
        return log_normal_cdf(cut), first, second, third
    power = math.exp(-abs(cut))
    large = 1.0 / (1.0 + power)
    small = power * large
    density = large * small
    value, rest, skew = -math.log(1.0 + power), small, small - large
    if cut < 0.0:
        value, rest, skew = value + cut, large, large - small
    return value, rest, -density, -density * skew


@compiled
def _above(cut, probit):
    """``log(1 - F(cut))`` and its first three derivatives."""
    value, first, second, third = _below(-cut, probit)
    return value, -first, second, -third


@compiled
def _between(lower, upper, probit):
    """``log(F(upper) - F(lower))``, and derivatives in either cut, then once and twice more in a shift of both.

    Of the logistic without ``log(1 - exp(lower - upper))``, which is no matter of a shift, and its
    derivative.

    Returns
    -------
    tuple
        Value; derivative in `upper`, and its first and second derivative in the shift; the same of `lower`.
    """
    if probit:
        mirrored = lower + upper > 0.0
        high, low = (-lower, -upper) if mirrored else (upper, lower)
        log_high = log_normal_cdf(high)
        value = log_high + log_of_difference(log_high - log_normal_cdf(low))
        first = math.exp(-0.5 * upper * upper - HALF_LOG_2_PI - value)
        last = -math.exp(-0.5 * lower * lower - HALF_LOG_2_PI - value)
        slope = first + last
        first_1, last_1 = -first * (upper + slope), -last * (lower + slope)
        curve = first_1 + last_1
        first_2 = -first_1 * (upper + slope) - first * (1.0 + curve)
        last_2 = -last_1 * (lower + slope) - last * (1.0 + curve)
        return value, first, first_1, first_2, last, last_1, last_2
    below, below_1, below_2, below_3 = _below(upper, probit)
    above, above_1, above_2, above_3 = _above(lower, probit)
    return below + above, below_1, below_2, below_3, above_1, above_2, above_3


@compiled
def _beta_part(count, share, precision, sign, below):
    """``log Gamma(a + count) - log Gamma(a)``, ``a = precision share``, by the logit t of the mean.

    `share` is the mean with `sign` 1, and one minus the mean with `sign` -1; `below` is
    ``log_gamma_jet(a)``.

    Returns
    -------
    tuple
        Value; three derivatives in t; derivative in the precision, and its first two in t.
    """
    value, first, second, third = rising_jet(count, precision * share, below)
    spread = share * (1.0 - share)
    slope, curve = spread * (1.0 - 2.0 * share), spread * (1.0 - 6.0 * spread)
    step = precision * spread
    return (
        value,
        sign * first * step,
        second * step * step + first * precision * slope,
        sign * (third * step * step * step + 3.0 * second * step * precision * slope + first * precision * curve),
        first * share,
        sign * (second * step * share + first * spread),
        third * step * step * share + second * precision * (slope * share + 2.0 * spread * spread) + first * slope,
    )


@compiled
def _end(part, precision_slope, constant):
    """One of the beta-binomial's two end probabilities from its logarithm, derivatives as of `_beta_part`."""
    value, first, second, third, by, by_1, by_2 = part
    by -= precision_slope
    share = math.exp(value - constant)
    return (
        share,
        share * first,
        share * (second + first * first),
        share * (third + 3.0 * first * second + first * first * first),
        share * by,
        share * (by_1 + by * first),
        share * (by_2 + 2.0 * by_1 * first + by * (second + first * first)),
    )


@compiled
def _log_of_rest(rest, ends, ends_1, ends_2, ends_3, by, by_1, by_2):
    """``log(1 - ends)`` with `rest` = 1 - ends, from derivatives of `ends` as of `_beta_part`."""
    first, second, third = -ends_1 / rest, -ends_2 / rest, -ends_3 / rest
    by, by_1, by_2 = -by / rest, -by_1 / rest, -by_2 / rest
    return (
        math.log(rest),
        first,
        second - first * first,
        third - 3.0 * first * second + 2.0 * first * first * first,
        by,
        by_1 - by * first,
        by_2 - 2.0 * by_1 * first - by * second + 2.0 * by * first * first,
    )


@compiled
def _none_of(window, share, precision):
    """1 minus the beta-binomial probability of 0, for a small mean `share`, without cancellation."""
    total = 0.0
    for day in range(int(window)):
        total += math.log1p(-precision * share / (precision + day))
    return -math.expm1(total)


@compiled
def _interior(days, window, t, precision, constant, precision_slope):
    """Beta-binomial renormalised to 1 .. window - 1, without the binomial coefficient; t = logit of the mean.

    `constant` and `precision_slope` are ``log Gamma(f + W) - log Gamma(f)`` and its derivative in f.
    Returns as `_beta_part`. Beyond `FARTHEST` the density no longer depends on t.
    """
    held = min(max(t, -FARTHEST), FARTHEST)
    mean, rest = logistic(held), logistic(-held)
    gamma, gamma_rest = log_gamma_jet(precision * mean), log_gamma_jet(precision * rest)
    up = _beta_part(days, mean, precision, 1.0, gamma)
    down = _beta_part(window - days, rest, precision, -1.0, gamma_rest)
    all_days = _end(_beta_part(window, mean, precision, 1.0, gamma), precision_slope, constant)
    no_days = _end(_beta_part(window, rest, precision, -1.0, gamma_rest), precision_slope, constant)
    inside = 1.0 - all_days[0] - no_days[0]
    if mean < 1e-3:
        inside = _none_of(window, mean, precision) - all_days[0]
    elif rest < 1e-3:
        inside = _none_of(window, rest, precision) - no_days[0]
    log_inside = _log_of_rest(
        inside,
        all_days[0] + no_days[0],
        all_days[1] + no_days[1],
        all_days[2] + no_days[2],
        all_days[3] + no_days[3],
        all_days[4] + no_days[4],
        all_days[5] + no_days[5],
        all_days[6] + no_days[6],
    )
    value = up[0] + down[0] - constant - log_inside[0]
    by = up[4] + down[4] - precision_slope - log_inside[4]
    if t != held:
        return value, 0.0, 0.0, 0.0, by, 0.0, 0.0
    return (
        value,
        up[1] + down[1] - log_inside[1],
        up[2] + down[2] - log_inside[2],
        up[3] + down[3] - log_inside[3],
        by,
        up[5] + down[5] - log_inside[5],
        up[6] + down[6] - log_inside[6],
    )


@compiled
def _beta_binomial(days, window, t, precision, constant, precision_slope):
    """Beta-binomial without the binomial coefficient; arguments and answer as of `_interior`.

    Beyond `FARTHEST_LINE` the log density is a straight line in t.
    """
    held = min(max(t, -FARTHEST_LINE), FARTHEST_LINE)
    mean, rest = logistic(held), logistic(-held)
    up = _beta_part(days, mean, precision, 1.0, log_gamma_jet(precision * mean))
    down = _beta_part(window - days, rest, precision, -1.0, log_gamma_jet(precision * rest))
    first = up[1] + down[1]
    return (
        up[0] + down[0] - constant + first * (t - held),
        first,
        up[2] + down[2],
        up[3] + down[3],
        up[4] + down[4] - precision_slope,
        up[5] + down[5],
        up[6] + down[6],
    )


@compiled
def _rate(t, log_dispersion):
    """``log(1 + mean / dispersion)`` at ``log mean = t``, and its first three derivatives in t."""
    offset = t - log_dispersion
    power = math.exp(-abs(offset))
    large = 1.0 / (1.0 + power)
    share = large if offset > 0.0 else power * large
    spread = power * large * large
    return max(offset, 0.0) + math.log1p(power), share, spread, spread * (1.0 - 2.0 * share)


@compiled
def _negative_binomial(count, t, dispersion, rate, dispersion_slope):
    """Negative binomial at ``log mean = t`` without what does not depend on t. Returns as `_beta_part`."""
    log_term, share, spread, slope = rate
    total = count + dispersion
    return (
        count * t - total * log_term,
        count - total * share,
        -total * spread,
        -total * slope,
        dispersion_slope - log_term + total * share / dispersion,
        -share + total * spread / dispersion,
        -spread + total * slope / dispersion,
    )


@compiled
def _log_any(t, dispersion, rate):
    """Logarithm of the negative binomial's probability above 0. Returns as `_beta_part`."""
    if t < -FARTHEST:
        return t, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0
    log_term, share, spread, slope = rate
    none = dispersion * log_term
    odds = 1.0 / math.expm1(none) if none < 700.0 else 0.0
    double, triple = odds * (1.0 + odds), odds * (1.0 + odds) * (1.0 + 2.0 * odds)
    first, second, third = -dispersion * share, -dispersion * spread, -dispersion * slope
    by, by_1, by_2 = share - log_term, spread - share, slope - spread
    return (
        log_of_difference(none),
        -odds * first,
        -odds * second - double * first * first,
        -odds * third - 3.0 * double * first * second - triple * first * first * first,
        -odds * by,
        -odds * by_1 - double * by * first,
        -odds * by_2 - double * (2.0 * by_1 * first + by * second) - triple * by * first * first,
    )


@compiled
def _positive_count(count, t, dispersion, rate, dispersion_slope):
    """Negative binomial truncated above 0, as `_negative_binomial`."""
    whole = _negative_binomial(count, t, dispersion, rate, dispersion_slope)
    some = _log_any(t, dispersion, rate)
    return (
        whole[0] - some[0],
        whole[1] - some[1],
        whole[2] - some[2],
        whole[3] - some[3],
        whole[4] - some[4],
        whole[5] - some[5],
        whole[6] - some[6],
    )


@compiled
def _gate(value, t):
    """Log probability of a response above 0, or of 0, where ``P(above 0) = logistic(t)``; its derivatives in t."""
    sign = 1.0 if value > 0.0 else -1.0
    below, first, second, third = _below(sign * t, False)
    return below, sign * first, second, sign * third


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
        value, first, second, third = _below(phi[upper] - shift, probit)
        return value, first, second, third, 0.0, 0.0, 0.0
    value, first, second, third = _above(phi[lower] - shift, probit)
    return value, 0.0, 0.0, 0.0, first, second, third


@compiled
def _scaled(code, value, size, t, scale, constant, scale_slope):
    """The part of a family with a precision or dispersion, by the line t of its mean. Returns as `_beta_part`."""
    if code <= DAYS_PROBIT:
        return _interior(value, size, t, scale, constant, scale_slope)
    if code == BETA_BINOMIAL:
        return _beta_binomial(value, size, t, scale, constant, scale_slope)
    log_mean = size + t
    rate = _rate(log_mean, constant)
    if code == COUNT:
        return _negative_binomial(value, log_mean, scale, rate, scale_slope)
    return _positive_count(value, log_mean, scale, rate, scale_slope)


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
        held, slope, _, _ = rising_jet(size, scale, log_gamma_jet(scale))
        return held, added, slope
    held = math.log(scale)
    added, slope, _, _ = rising_jet(value, scale, log_gamma_jet(scale))
    return held, added - value * held, slope - value / scale


@compiled
def derivatives(code, start, value, size, constant, phi, eta):
    """Log density of one response and its first three derivatives in eta.

    Without the second number of `constants`, whose first is `constant`, and without what depends on
    neither eta nor phi, which `log_of_counting` gives.
    """
    total, first, second, third = 0.0, 0.0, 0.0, 0.0
    if code <= DAYS_PROBIT or code >= ORDINAL:
        lower, upper, place = _cut_places(code, start, value, size)
        cut = _cuts(lower, upper, place, phi, eta, code in (DAYS_PROBIT, ORDINAL_PROBIT))
        slope = -phi[place]
        total, first = cut[0], slope * (cut[1] + cut[4])
        second, third = slope * slope * (cut[2] + cut[5]), slope * slope * slope * (cut[3] + cut[6])
    elif code in (HURDLE_COUNT, YES_NO):
        place = start + 3 if code == HURDLE_COUNT else start
        slope = phi[place + 1]
        gate = _gate(value, phi[place] + slope * eta)
        total, first = gate[0], slope * gate[1]
        second, third = slope * slope * gate[2], slope * slope * slope * gate[3]
    place = _scale_place(code, start, value, size)
    if place >= 0:
        slope = phi[place - 1]
        part = _scaled(code, value, size, phi[place - 2] + slope * eta, phi[place], constant, 0.0)
        total += part[0]
        first += slope * part[1]
        second += slope * slope * part[2]
        third += slope * slope * slope * part[3]
    return total, first, second, third


@compiled
def _add_line(intercept, eta, b, first, second, third, one, two, phi_bar):
    """Add the gradient of ``f + one df/deta + two d2f/deta2``, ``t = a + b eta``, in a and, next to it, b."""
    shift = first + one * b * second + two * b * b * third
    phi_bar[intercept] += shift
    phi_bar[intercept + 1] += eta * shift + one * first + 2.0 * two * b * second


@compiled
def phi_gradient(code, start, value, size, constant, scale_slope, phi, eta, one, two, phi_bar):
    """Add the gradient in phi of ``l + one dl/deta + two d2l/deta2``, at fixed eta, to `phi_bar`.

    With l the log density of one response, nothing left out. The two weights carry what the mode and
    the curvature owe to phi; `constant` and `scale_slope` are the first and third number of `constants`.
    """
    if code <= DAYS_PROBIT or code >= ORDINAL:
        lower, upper, place = _cut_places(code, start, value, size)
        cut = _cuts(lower, upper, place, phi, eta, code in (DAYS_PROBIT, ORDINAL_PROBIT))
        b = -phi[place]
        if upper >= 0:
            phi_bar[upper] += cut[1] + one * b * cut[2] + two * b * b * cut[3]
        if lower >= 0:
            phi_bar[lower] += cut[4] + one * b * cut[5] + two * b * b * cut[6]
        first, second = cut[1] + cut[4], cut[2] + cut[5]
        shift = first + one * b * second + two * b * b * (cut[3] + cut[6])
        phi_bar[place] -= eta * shift + one * first + 2.0 * two * b * second
        if lower >= 0 and upper >= 0 and code in (DAYS, ORDINAL):
            gap_slope = 1.0 / math.expm1(phi[upper] - phi[lower])
            phi_bar[upper] += gap_slope
            phi_bar[lower] -= gap_slope
    elif code in (HURDLE_COUNT, YES_NO):
        place = start + 3 if code == HURDLE_COUNT else start
        b = phi[place + 1]
        gate = _gate(value, phi[place] + b * eta)
        _add_line(place, eta, b, gate[1], gate[2], gate[3], one, two, phi_bar)
    place = _scale_place(code, start, value, size)
    if place >= 0:
        b, scale = phi[place - 1], phi[place]
        part = _scaled(code, value, size, phi[place - 2] + b * eta, scale, constant, scale_slope)
        _add_line(place - 2, eta, b, part[1], part[2], part[3], one, two, phi_bar)
        phi_bar[place] += part[4] + one * b * part[5] + two * b * b * part[6]


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
