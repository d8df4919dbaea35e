"""Log densities of responses given their linear predictor, and their gradients in the family parameters.

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
predicted          none                                                   0 or 1                  not used
=================  =====================================================  ======================  ==================

With F the logistic or standard normal distribution function and BB the beta-binomial probability
with parameters ``m f`` and ``(1 - m) f``, ``logit m = intercept + slope eta``:

- days: ``P(0) = F(none_cut - slope eta)``, ``P(W) = 1 - F(all_cut - slope eta)``, and in between the
  rest times ``BB(d) / (1 - BB(0) - BB(W))`` with ``logit m = intercept + interior_slope eta``;
- count: negative binomial, ``log mean = log exposure + intercept + slope eta``, variance
  ``mean + mean^2 / dispersion``; with a hurdle ``P(y > 0) = logistic(any_intercept + any_slope eta)``, and
  above 0 the count is truncated there;
- yes_no: ``P(1) = logistic(intercept + slope eta)``;
- ordinal: ``P(y <= c) = F(cut c+1 - slope eta)``. Items are ordinal responses that share their eta;
- predicted: ``P(1) = logistic(eta)``, where eta itself is the linear predictor of a state or of being seen.

Responses that differ in their value alone form a group, whose values are evaluated together since
they share most of the work.

Codes are fixed numbers because compiled functions on disk hold them.
"""

import math

import numpy as np
from scipy.special import gammaln

from ...basics.compiled import compiled
from .special import (
    HALF_LOG_2_PI,
    inverse_mills,
    log_logistic,
    log_normal_cdf,
    log_of_difference,
    log_rising,
    logistic,
    rising_slope,
)

__all__ = ["CODES", "add_phi_gradients", "log_densities", "log_of_counting", "steepness"]

DAYS, DAYS_PROBIT, BETA_BINOMIAL, COUNT, HURDLE_COUNT, YES_NO, ORDINAL, ORDINAL_PROBIT, PREDICTED = range(9)
CODES = {
    "days": DAYS,
    "days_probit": DAYS_PROBIT,
    "beta_binomial": BETA_BINOMIAL,
    "count": COUNT,
    "hurdle_count": HURDLE_COUNT,
    "yes_no": YES_NO,
    "ordinal": ORDINAL,
    "ordinal_probit": ORDINAL_PROBIT,
    "predicted": PREDICTED,
}
FARTHEST = 30.0
SMALL = 1e-3
SAFE_FACTORS = 16.0  # whose product neither overflows nor vanishes


@compiled
def _log_below(cut, probit):
    """``log F(cut)``."""
    return log_normal_cdf(cut) if probit else log_logistic(cut)


@compiled
def _slope_below(cut, probit):
    return inverse_mills(cut) if probit else logistic(-cut)


@compiled
def _log_between(lower, upper, probit):
    """``log(F(upper) - F(lower))``."""
    if not probit:
        return log_logistic(upper) + log_logistic(-lower) + log_of_difference(upper - lower)
    if lower + upper > 0.0:
        lower, upper = -upper, -lower
    log_high = log_normal_cdf(upper)
    return log_high + log_of_difference(log_high - log_normal_cdf(lower))


@compiled
def _slopes_between(lower, upper, probit):
    """Slopes of `_log_between` in the upper and the lower cut."""
    if not probit:
        gap = 1.0 / math.expm1(upper - lower)
        return logistic(-upper) + gap, -logistic(lower) - gap
    value = _log_between(lower, upper, True) + HALF_LOG_2_PI
    return math.exp(-0.5 * upper * upper - value), -math.exp(-0.5 * lower * lower - value)


@compiled
def _category(code, start, value, size):
    """Positions in phi of the cuts below and above an ordinal category; -1 for a cut that is infinite."""
    below = start + int(value)
    return below if value > 0.0 else -1, below + 1 if value < size - 1.0 else -1


@compiled
def _log_category(lower, upper, phi, shift, probit):
    if lower < 0:
        return _log_below(phi[upper] - shift, probit)
    if upper < 0:
        return _log_below(shift - phi[lower], probit)
    return _log_between(phi[lower] - shift, phi[upper] - shift, probit)


@compiled
def _add_category(lower, upper, place, phi, eta, probit, weight, phi_bar):
    """Add the gradient of `_log_category` at ``shift = phi[place] eta`` in its cuts and the slope."""
    shift, up, down = phi[place] * eta, 0.0, 0.0
    if lower < 0:
        up = _slope_below(phi[upper] - shift, probit)
    elif upper < 0:
        down = -_slope_below(shift - phi[lower], probit)
    else:
        up, down = _slopes_between(phi[lower] - shift, phi[upper] - shift, probit)
    if upper >= 0:
        phi_bar[upper] += weight * up
    if lower >= 0:
        phi_bar[lower] += weight * down
    phi_bar[place] -= weight * eta * (up + down)


@compiled
def _none_of(window, share, precision):
    """1 minus the beta-binomial probability of 0, for a small mean `share`, without cancellation."""
    total = 0.0
    for day in range(int(window)):
        total += math.log1p(-precision * share / (precision + day))
    return -math.expm1(total)


@compiled
def _ends(window, mean, rest, precision, whole):
    """Beta-binomial probabilities of none and of all of a window, and of anything in between.

    `whole` is ``log_rising(window, precision)``.
    """
    none = math.exp(log_rising(window, precision * rest) - whole)
    every = math.exp(log_rising(window, precision * mean) - whole)
    inside = 1.0 - none - every
    if mean < SMALL:
        inside = _none_of(window, mean, precision) - every
    elif rest < SMALL:
        inside = _none_of(window, rest, precision) - none
    return none, every, inside


@compiled
def _beta_binomials(intercept, slope, precision, window, values, truncated, eta, result):
    """Add log beta-binomials, of 1 .. window - 1 alone if `truncated`, without binomial coefficients.

    The mean is logistic up to `FARTHEST`; beyond, a truncated density no longer depends on its line,
    and the other one is a straight line in it. With ``a = f m`` and ``b = f (1 - m)`` each value follows from the one
    before by the factor ``(a + v) / (b + window - 1 - v)``, so that it costs one logarithm if values rise.
    """
    whole = log_rising(window, precision)
    for node in range(len(eta)):
        t = intercept + slope * eta[node]
        held = min(max(t, -FARTHEST), FARTHEST)
        mean, rest = logistic(held), logistic(-held)
        a, b, last = precision * mean, precision * rest, precision * rest + window - 1.0
        first = log_rising(window, b) - whole
        if truncated:
            first -= math.log(_ends(window, mean, rest, precision, whole)[2])
        reached, ratio, total = 0.0, 1.0, first
        for place in range(len(values)):
            value = values[place]
            if truncated and (value <= 0.0 or value >= window):
                continue
            if value < reached:
                reached, ratio, total = 0.0, 1.0, first
            while reached < value:
                stop = min(value, reached + SAFE_FACTORS)
                while reached < stop:
                    ratio *= (a + reached) / (last - reached)
                    reached += 1.0
                total += math.log(ratio)
                ratio = 1.0
            result[place, node] += total
            if t != held and not truncated:
                up = rising_slope(value, a) - rising_slope(window - value, b)
                result[place, node] += (t - held) * up * a * rest


@compiled
def _add_beta_binomials(place, phi, window, values, truncated, eta, weights, phi_bar):
    """Add the gradient of `_beta_binomials`, whose parameters stand in phi from `place` on."""
    intercept, slope, precision = phi[place], phi[place + 1], phi[place + 2]
    whole, whole_slope = log_rising(window, precision), rising_slope(window, precision)
    for node in range(len(eta)):
        heaviest = 0.0
        for row in range(len(values)):
            heaviest = max(heaviest, abs(weights[row, node]))
        if heaviest == 0.0:
            continue
        total, up, down = 0.0, 0.0, 0.0
        t = intercept + slope * eta[node]
        held = min(max(t, -FARTHEST), FARTHEST)
        mean, rest = logistic(held), logistic(-held)
        a, b, last = precision * mean, precision * rest, precision * rest + window - 1.0
        by_rest = rising_slope(window, b)
        reached, by_a, by_b = 0.0, 0.0, by_rest
        for row in range(len(values)):
            value, weight = values[row], weights[row, node]
            if weight == 0.0 or (truncated and (value <= 0.0 or value >= window)):
                continue
            if value < reached:
                reached, by_a, by_b = 0.0, 0.0, by_rest
            while reached < value:
                by_a += 1.0 / (a + reached)
                by_b -= 1.0 / (last - reached)
                reached += 1.0
            total += weight
            up += weight * by_a
            down += weight * by_b
        if total == 0.0:
            continue
        by_precision = mean * up + rest * down - total * whole_slope
        by_line = precision * mean * rest * (up - down)
        if truncated:
            none, every, inside = _ends(window, mean, rest, precision, whole)
            by_mean = rising_slope(window, a)
            ends = none * (rest * by_rest - whole_slope) + every * (mean * by_mean - whole_slope)
            by_precision += total * ends / inside
            by_line += total * precision * mean * rest * (every * by_mean - none * by_rest) / inside
            if t != held:
                by_line = 0.0
        phi_bar[place] += by_line
        phi_bar[place + 1] += by_line * eta[node]
        phi_bar[place + 2] += by_precision


@compiled
def _log_any(log_mean, dispersion, log_term):
    """Logarithm of the negative binomial's probability above 0; ``log_term = log(1 + mean / dispersion)``."""
    return log_mean if log_mean < -FARTHEST else math.log(-math.expm1(-dispersion * log_term))


@compiled
def _counts(code, start, log_exposure, values, phi, eta, result):
    dispersion = phi[start + 2]
    log_dispersion = math.log(dispersion)
    constant = np.empty(len(values))
    for place in range(len(values)):
        constant[place] = log_rising(values[place], dispersion) - values[place] * log_dispersion
    for node in range(len(eta)):
        log_mean = log_exposure + phi[start] + phi[start + 1] * eta[node]
        log_term = -log_logistic(log_dispersion - log_mean)
        log_none, log_some = 0.0, 0.0
        if code == HURDLE_COUNT:
            gate = phi[start + 3] + phi[start + 4] * eta[node]
            log_none = log_logistic(-gate)
            log_some = log_logistic(gate) - _log_any(log_mean, dispersion, log_term)
        for place in range(len(values)):
            value = values[place]
            if code == HURDLE_COUNT and value <= 0.0:
                result[place, node] += log_none
                continue
            line = constant[place] + value * log_mean - (value + dispersion) * log_term
            result[place, node] += line + log_some


@compiled
def _add_counts(code, start, log_exposure, values, phi, eta, weights, phi_bar):
    dispersion = phi[start + 2]
    log_dispersion = math.log(dispersion)
    for place in range(len(values)):
        value = values[place]
        constant = rising_slope(value, dispersion) - value / dispersion
        for node in range(len(eta)):
            weight = weights[place, node]
            if weight == 0.0:
                continue
            if code == HURDLE_COUNT:
                gate = phi[start + 3] + phi[start + 4] * eta[node]
                by_gate = weight * (logistic(-gate) if value > 0.0 else -logistic(gate))
                phi_bar[start + 3] += by_gate
                phi_bar[start + 4] += by_gate * eta[node]
                if value <= 0.0:
                    continue
            log_mean = log_exposure + phi[start] + phi[start + 1] * eta[node]
            log_term, share = -log_logistic(log_dispersion - log_mean), logistic(log_mean - log_dispersion)
            by_line = value - (value + dispersion) * share
            by_dispersion = constant - log_term + (value / dispersion + 1.0) * share
            if code == HURDLE_COUNT:
                if log_mean < -FARTHEST:
                    by_line -= 1.0
                else:
                    rate = 1.0 / math.expm1(dispersion * log_term)
                    by_line -= rate * dispersion * share
                    by_dispersion -= rate * (log_term - share)
            phi_bar[start] += weight * by_line
            phi_bar[start + 1] += weight * by_line * eta[node]
            phi_bar[start + 2] += weight * by_dispersion


@compiled
def steepness(code, start, phi):
    """Largest slope in size that a family has: its log density is analytic up to about pi over it off the real axis."""
    if code in (DAYS, DAYS_PROBIT):
        return max(abs(phi[start + 2]), abs(phi[start + 4]))
    if code in (ORDINAL, ORDINAL_PROBIT):
        return abs(phi[start])
    if code == PREDICTED:
        return 1.0
    steepest = abs(phi[start + 1])
    return max(steepest, abs(phi[start + 4])) if code == HURDLE_COUNT else steepest


@compiled
def log_densities(code, start, size, values, phi, eta, result):
    """Log density of each of a group's values at each eta, without what `log_of_counting` gives.

    Parameters
    ----------
    code, start, size
        Family code, first position in `phi`, and size, the same for the whole group.
    values
        Responses, shape ``(value,)``.
    phi
        Family parameters, shape ``(phi,)``.
    eta
        Linear predictors, shape ``(node,)``.
    result
        Overwritten, shape ``(value, node)``. Minus infinity or not a number where phi is not allowed.
    """
    result[:, :] = 0.0
    if code in (DAYS, DAYS_PROBIT):
        for node in range(len(eta)):
            shift = phi[start + 2] * eta[node]
            some = _log_between(phi[start] - shift, phi[start + 1] - shift, code == DAYS_PROBIT)
            none = _log_below(phi[start] - shift, code == DAYS_PROBIT)
            every = _log_below(shift - phi[start + 1], code == DAYS_PROBIT)
            for place in range(len(values)):
                value = values[place]
                result[place, node] = none if value <= 0.0 else (every if value >= size else some)
        _beta_binomials(phi[start + 3], phi[start + 4], phi[start + 5], size, values, True, eta, result)
    elif code == BETA_BINOMIAL:
        _beta_binomials(phi[start], phi[start + 1], phi[start + 2], size, values, False, eta, result)
    elif code in (COUNT, HURDLE_COUNT):
        _counts(code, start, size, values, phi, eta, result)
    else:
        for place in range(len(values)):
            lower, upper = _category(code, start, values[place], size)
            sign = 1.0 if values[place] > 0.0 else -1.0
            for node in range(len(eta)):
                if code == PREDICTED:
                    result[place, node] = log_logistic(sign * eta[node])
                elif code == YES_NO:
                    result[place, node] = log_logistic(sign * (phi[start] + phi[start + 1] * eta[node]))
                else:
                    shift = phi[start] * eta[node]
                    result[place, node] = _log_category(lower, upper, phi, shift, code == ORDINAL_PROBIT)


@compiled
def add_phi_gradients(code, start, size, values, phi, eta, weights, phi_bar):
    """Add to `phi_bar` the gradient in phi of the sum of weights times `log_densities`.

    Parameters
    ----------
    code, start, size, values, phi, eta
        As of `log_densities`.
    weights
        Shape ``(value, node)``.
    phi_bar
        Shape ``(phi,)``.
    """
    if code in (DAYS, DAYS_PROBIT):
        for node in range(len(eta)):
            none, some, every = 0.0, 0.0, 0.0
            for place in range(len(values)):
                value, weight = values[place], weights[place, node]
                if value <= 0.0:
                    none += weight
                elif value >= size:
                    every += weight
                else:
                    some += weight
            if none != 0.0:
                _add_category(-1, start, start + 2, phi, eta[node], code == DAYS_PROBIT, none, phi_bar)
            if every != 0.0:
                _add_category(start + 1, -1, start + 2, phi, eta[node], code == DAYS_PROBIT, every, phi_bar)
            if some != 0.0:
                _add_category(start, start + 1, start + 2, phi, eta[node], code == DAYS_PROBIT, some, phi_bar)
        _add_beta_binomials(start + 3, phi, size, values, True, eta, weights, phi_bar)
    elif code == BETA_BINOMIAL:
        _add_beta_binomials(start, phi, size, values, False, eta, weights, phi_bar)
    elif code in (COUNT, HURDLE_COUNT):
        _add_counts(code, start, size, values, phi, eta, weights, phi_bar)
    elif code != PREDICTED:
        for place in range(len(values)):
            lower, upper = _category(code, start, values[place], size)
            for node in range(len(eta)):
                weight = weights[place, node]
                if weight == 0.0:
                    continue
                if code == YES_NO:
                    line = phi[start] + phi[start + 1] * eta[node]
                    by_line = weight * (logistic(-line) if values[place] > 0.0 else -logistic(line))
                    phi_bar[start] += by_line
                    phi_bar[start + 1] += by_line * eta[node]
                else:
                    _add_category(lower, upper, start, phi, eta[node], code == ORDINAL_PROBIT, weight, phi_bar)


def log_of_counting(code: int, value: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Logarithm of what `log_densities` leaves out: binomial coefficients of days inside a window, 1 / y! of counts.

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
