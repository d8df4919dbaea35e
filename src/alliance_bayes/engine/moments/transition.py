"""What a linear process in continuous time does over an interval, compiled, with its gradient.

A process ``dw = M w dt + dv``, v of covariance N per unit of time, has after one unit of time

    the effects F = exp(M)   and the innovation covariance S = int_0^1 exp(M s) N exp(M' s) ds.

Both are summed as series over a step of ``2^-k``, which is doubled k times: ``S + F S F'`` and ``F F`` are those of
twice the time. No decay is ever undone, so that no digits are lost, while ``exp(-M)``, as in the block exponential of
Van Loan (1978), swamps all of them. Until all has decayed, F is I and what differs from it, E, which becomes
``2 E + E E``: the digits of slow processes beside fast ones.
"""

import math

import numpy as np

from ...basics.compiled import compiled

__all__ = ["transition", "transition_gradient"]

SHORT = 1 / 16  # norm of M times a step up to which the two series are summed; more terms cost more than doublings
EFFECT_TERMS = 8  # 16^-9 / 9! is below the rounding error of 1, and so is
NOISE_TERMS = 9  # 8^-10 / 11!, the noise being carried by the drift from both sides
MOST_HALVINGS = 66  # beyond a norm of 2^62, the rounding of an entry alone decides over everything
DECAYED = 0.5  # largest effect from which what differs from no change at all has no more digits than the effects

# Square matrices in one array of work: M times the step, E, what is being added up, then the terms of the series,
# then the effects over the step and after each doubling of it, then the innovation covariances.
STEP, CHANGE, WORK, MORE, EFFECTS_BAR, NOISE_BAR, DRIFT_BAR, CARRIED = range(8)
POWERS = 8
TERMS = POWERS + EFFECT_TERMS + 1
EFFECTS = TERMS + NOISE_TERMS + 1


@compiled
def _multiply(work, left, right, result, size):
    for row in range(size):
        for column in range(size):
            value = 0.0
            for inner in range(size):
                value += work[left, row, inner] * work[right, inner, column]
            work[result, row, column] = value


@compiled
def _multiply_transposed(work, left, right, result, size):
    """``L R'``."""
    for row in range(size):
        for column in range(size):
            value = 0.0
            for inner in range(size):
                value += work[left, row, inner] * work[right, column, inner]
            work[result, row, column] = value


@compiled
def _transposed_multiply(work, left, right, result, size):
    """``L' R``."""
    for row in range(size):
        for column in range(size):
            value = 0.0
            for inner in range(size):
                value += work[left, inner, row] * work[right, inner, column]
            work[result, row, column] = value


@compiled
def _copy(work, source, result, size):
    for row in range(size):
        for column in range(size):
            work[result, row, column] = work[source, row, column]


@compiled
def _halvings(registers, drift, size):
    """How often a step is halved until it is short; -1 where that is too often, or M is not finite."""
    norm = 0.0
    for one in range(size):
        down, along = 0.0, 0.0
        for other in range(size):
            down += abs(registers[drift + other * size + one])
            along += abs(registers[drift + one * size + other])
        norm = max(norm, down, along) if down + along < math.inf else math.inf
    halvings = 0
    while not norm <= SHORT:
        if halvings == MOST_HALVINGS:
            return -1
        norm *= 0.5
        halvings += 1
    return halvings


@compiled
def _sum_series(registers, drift, noise, size, halvings, work):
    """E, F and S of a short step h.

    By ``T_n = M h T_n-1 / n`` from the identity, and ``S_n = (M S_n-1 + S_n-1 M') h / (n + 1)`` from ``N h``.
    """
    step = 0.5**halvings
    for row in range(size):
        for column in range(size):
            here, there = row * size + column, column * size + row
            work[STEP, row, column] = work[POWERS + 1, row, column] = step * registers[drift + here]
            work[POWERS, row, column] = 1.0 if row == column else 0.0
            work[TERMS, row, column] = 0.5 * step * (registers[noise + here] + registers[noise + there])
    for order in range(2, EFFECT_TERMS + 1):
        _multiply(work, STEP, POWERS + order - 1, WORK, size)
        share = 1.0 / order
        for row in range(size):
            for column in range(size):
                work[POWERS + order, row, column] = share * work[WORK, row, column]
    for order in range(1, NOISE_TERMS + 1):
        _multiply(work, STEP, TERMS + order - 1, WORK, size)
        share = 1.0 / (order + 1.0)
        for row in range(size):
            for column in range(row + 1):
                value = share * (work[WORK, row, column] + work[WORK, column, row])
                work[TERMS + order, row, column] = work[TERMS + order, column, row] = value
    for row in range(size):
        for column in range(size):
            change, total = 0.0, 0.0
            for order in range(EFFECT_TERMS, 0, -1):
                change += work[POWERS + order, row, column]
            for order in range(NOISE_TERMS, -1, -1):
                total += work[TERMS + order, row, column]
            work[CHANGE, row, column] = change
            work[EFFECTS, row, column] = change + work[POWERS, row, column]
            work[EFFECTS + halvings + 1, row, column] = total


@compiled
def _all_doublings(registers, drift, noise, size):
    """Work array with everything up to the whole interval, and the number of doublings; NaN and 0 where there is none.

    N counts by its symmetric part.
    """
    halvings = _halvings(registers, drift, size)
    if halvings < 0:
        return np.full((EFFECTS + 2, size, size), np.nan), 0
    work, first = np.empty((EFFECTS + 2 * (halvings + 1), size, size)), EFFECTS + halvings + 1
    _sum_series(registers, drift, noise, size, halvings, work)
    decayed = False
    for place in range(halvings):
        before, carried = EFFECTS + place, first + place
        if not decayed:
            largest = 0.0
            for row in range(size):
                for column in range(size):
                    largest = max(largest, abs(work[before, row, column]))
            decayed = largest < DECAYED
        if decayed:
            _multiply(work, before, before, before + 1, size)
        else:
            _multiply(work, CHANGE, CHANGE, WORK, size)
            for row in range(size):
                for column in range(size):
                    change = 2.0 * work[CHANGE, row, column] + work[WORK, row, column]
                    work[CHANGE, row, column] = change
                    work[before + 1, row, column] = change + work[POWERS, row, column]
        _multiply(work, before, carried, WORK, size)
        for row in range(size):
            for column in range(row + 1):
                value = work[carried, row, column]
                for inner in range(size):
                    value += work[WORK, row, inner] * work[before, column, inner]
                work[carried + 1, row, column] = work[carried + 1, column, row] = value
    return work, halvings


@compiled
def transition(registers, drift, noise, size, result):
    """Write effects, then innovation covariance, from M and N, which begin at these places in the registers.

    N counts by its symmetric part. NaN where M is not finite, or its norm is above 2^62.
    """
    work, halvings = _all_doublings(registers, drift, noise, size)
    for row in range(size):
        for column in range(size):
            here = result + row * size + column
            registers[here] = work[EFFECTS + halvings, row, column]
            registers[here + size * size] = work[EFFECTS + 2 * halvings + 1, row, column]


@compiled
def transition_gradient(registers, bars, drift, noise, size, result):
    """Add the gradient of `transition`, of whose results `bars` holds it, to that of M and N: its steps backwards."""
    largest = 0.0
    for entry in range(2 * size * size):
        largest = max(largest, abs(bars[result + entry]))
    if largest == 0.0:
        return
    work, halvings = _all_doublings(registers, drift, noise, size)
    first, innovation = EFFECTS + halvings + 1, result + size * size
    for row in range(size):
        for column in range(size):
            here, there = row * size + column, column * size + row
            work[EFFECTS_BAR, row, column] = bars[result + here]
            work[NOISE_BAR, row, column] = 0.5 * (bars[innovation + here] + bars[innovation + there])
    for place in range(halvings - 1, -1, -1):
        before, carried = EFFECTS + place, first + place
        # Of F F: bar F' + F' bar. Of S + F S F', with G its symmetric gradient: 2 G F S in F, G + F' G F in S.
        _multiply(work, NOISE_BAR, before, WORK, size)
        _multiply(work, WORK, carried, MORE, size)
        for row in range(size):
            for column in range(size):
                value = 2.0 * work[MORE, row, column]
                for inner in range(size):
                    value += work[EFFECTS_BAR, row, inner] * work[before, column, inner]
                    value += work[before, inner, row] * work[EFFECTS_BAR, inner, column]
                work[MORE, row, column] = value
        _copy(work, MORE, EFFECTS_BAR, size)
        for row in range(size):
            for column in range(row + 1):
                value = work[NOISE_BAR, row, column]
                for inner in range(size):
                    value += work[before, inner, row] * work[WORK, inner, column]
                work[MORE, row, column] = work[MORE, column, row] = value
        _copy(work, MORE, NOISE_BAR, size)
    _series_gradient(work, size)
    step = 0.5**halvings
    for row in range(size):
        for column in range(size):
            here = row * size + column
            bars[drift + here] += step * work[DRIFT_BAR, row, column]
            bars[noise + here] += step * work[CARRIED, row, column]


@compiled
def _series_gradient(work, size):
    """Leave the gradients in ``M h`` and in ``N h`` of a short step, whose results have gradients."""
    for row in range(size):
        for column in range(size):
            work[DRIFT_BAR, row, column] = 0.0
    _copy(work, EFFECTS_BAR, CARRIED, size)
    for order in range(EFFECT_TERMS, 1, -1):
        share = 1.0 / order
        _multiply_transposed(work, CARRIED, POWERS + order - 1, WORK, size)
        _transposed_multiply(work, STEP, CARRIED, MORE, size)
        for row in range(size):
            for column in range(size):
                work[DRIFT_BAR, row, column] += share * work[WORK, row, column]
                work[CARRIED, row, column] = work[EFFECTS_BAR, row, column] + share * work[MORE, row, column]
    for row in range(size):
        for column in range(size):
            work[DRIFT_BAR, row, column] += work[CARRIED, row, column]
    _copy(work, NOISE_BAR, CARRIED, size)
    for order in range(NOISE_TERMS, 0, -1):
        share = 1.0 / (order + 1.0)
        _multiply(work, CARRIED, TERMS + order - 1, WORK, size)
        _transposed_multiply(work, STEP, CARRIED, MORE, size)
        for row in range(size):
            for column in range(size):
                both = work[MORE, row, column] + work[MORE, column, row]
                work[DRIFT_BAR, row, column] += 2.0 * share * work[WORK, row, column]
                work[CARRIED, row, column] = work[NOISE_BAR, row, column] + share * both
