"""What a linear process in continuous time does over intervals, compiled, with its gradient.

A process ``dw = A w dt + dv``, v of covariance Q per unit of time, has after a time d

    the effects F = exp(A d)   and the innovation covariance S = int_0^d exp(A s) Q exp(A' s) ds.

All intervals of a process are worked out at once. Both are summed as series in time over less than a short step, and
over ``j 2^(b l)`` such steps, j below ``2^b``, they are put together once for all intervals: a length is a number of
steps, written in digits of b bits, and what remains. Two times d and e after one another have the effects
``F_e F_d`` and the innovations ``S_e + F_e S_d F_e'``.

No decay is ever undone, so that no digits are lost, while ``exp(-A d)``, as in the block exponential of Van Loan
(1978), swamps all of them. Of F, what differs from I is kept, E, which becomes ``E_e + E_d + E_e E_d``: the digits of
slow processes beside fast ones.
"""

import math

import numpy as np

from ...basics.compiled import compiled

__all__ = ["transitions", "transitions_gradient"]

SHORT = 1 / 16  # norm of A times a step up to which the two series are summed
EFFECT_TERMS = 8  # 16^-9 / 9! is below the rounding error of 1, and so is
NOISE_TERMS = 9  # 8^-10 / 11!, the noise being carried by the drift from both sides
MOST_HALVINGS = 66  # beyond a norm of 2^62, the rounding of an entry alone decides over everything
MOST_BITS = 8  # of a digit
LANES = 32  # intervals that are put together at once, so that inner loops are long

E, S = 0, 1


@compiled
def _halvings(registers, drift, size, longest):
    """How often the longest interval is halved until it is short; -1 where that is too often, or A is not finite."""
    norm = 0.0
    for one in range(size):
        down, along = 0.0, 0.0
        for other in range(size):
            down += abs(registers[drift + other * size + one])
            along += abs(registers[drift + one * size + other])
        norm = max(norm, down, along) if down + along < math.inf else math.inf
    norm, halvings = norm * longest, 0
    while not norm <= SHORT:
        if halvings == MOST_HALVINGS:
            return -1
        norm *= 0.5
        halvings += 1
    return halvings


@compiled
def _bits(halvings, count):
    """Bits of a digit with which so many intervals take least: more make a larger table, fewer more digits."""
    best, least = 1, math.inf
    for bits in range(1, MOST_BITS + 1):
        n_levels = halvings // bits + 1
        cost = n_levels * ((1 << bits) - 1 + 0.25 * count)
        if cost < least:
            best, least = bits, cost
    return best


@compiled
def _sum_series(registers, drift, noise, size, step):
    """Terms of E and of S over a step h, of which a share x of it takes the powers ``x^n`` and ``x^(n+1)``.

    By ``T_n = A h T_n-1 / n`` from the identity, and ``S_n = (A S_n-1 + S_n-1 A') h / (n + 1)`` from ``Q h``.
    """
    terms = np.empty((EFFECT_TERMS + NOISE_TERMS + 1, size, size))
    for row in range(size):
        for column in range(size):
            entry, mirrored = row * size + column, column * size + row
            terms[0, row, column] = step * registers[drift + entry]
            terms[EFFECT_TERMS, row, column] = 0.5 * step * (registers[noise + entry] + registers[noise + mirrored])
    for order in range(1, EFFECT_TERMS):
        for row in range(size):
            for column in range(size):
                value = 0.0
                for inner in range(size):
                    value += terms[0, row, inner] * terms[order - 1, inner, column]
                terms[order, row, column] = value / (order + 1.0)
    for order in range(EFFECT_TERMS + 1, EFFECT_TERMS + NOISE_TERMS + 1):
        share = 1.0 / (order - EFFECT_TERMS + 1.0)
        for row in range(size):
            for column in range(row + 1):
                value = 0.0
                for inner in range(size):
                    value += terms[0, row, inner] * terms[order - 1, inner, column]
                    value += terms[0, column, inner] * terms[order - 1, inner, row]
                terms[order, row, column] = terms[order, column, row] = share * value
    return terms


@compiled
def _over_shares(terms, shares, both, size, width):
    """E and S over these shares of the step."""
    for which in range(2):
        first = EFFECT_TERMS if which else 0
        last = EFFECT_TERMS + NOISE_TERMS if which else EFFECT_TERMS - 1
        for row in range(size):
            for column in range(size):
                for lane in range(width):
                    both[which, row, column, lane] = terms[last, row, column] * shares[lane]
                for order in range(last - 1, first - 1, -1):
                    term = terms[order, row, column]
                    for lane in range(width):
                        both[which, row, column, lane] = (both[which, row, column, lane] + term) * shares[lane]


@compiled
def _over_shares_gradient(terms_bar, shares, bars, size, width):
    """Add to the gradient in the terms what `_over_shares` owes; `bars` is overwritten."""
    for which in range(2):
        first = EFFECT_TERMS if which else 0
        last = EFFECT_TERMS + NOISE_TERMS if which else EFFECT_TERMS - 1
        for row in range(size):
            for column in range(size):
                for order in range(first, last + 1):
                    total = 0.0
                    for lane in range(width):
                        bars[which, row, column, lane] *= shares[lane]
                        total += bars[which, row, column, lane]
                    terms_bar[order, row, column] += total


@compiled
def _join(later, earlier, result, work, size, width):
    """One time after another: ``E + D + E D``, and ``S + W + W E'`` with ``W = T + E T``, D and T those before."""
    for row in range(size):
        for column in range(size):
            for lane in range(width):
                result[E, row, column, lane] = later[E, row, column, lane] + earlier[E, row, column, lane]
                work[row, column, lane] = earlier[S, row, column, lane]
            for inner in range(size):
                for lane in range(width):
                    weight = later[E, row, inner, lane]
                    result[E, row, column, lane] += weight * earlier[E, inner, column, lane]
                    work[row, column, lane] += weight * earlier[S, inner, column, lane]
    for row in range(size):
        for column in range(row + 1):
            for lane in range(width):
                result[S, row, column, lane] = later[S, row, column, lane] + work[row, column, lane]
            for inner in range(size):
                for lane in range(width):
                    result[S, row, column, lane] += work[row, inner, lane] * later[E, column, inner, lane]
            for lane in range(width):
                result[S, column, row, lane] = result[S, row, column, lane]


@compiled
def _join_gradient(later, earlier, bars, later_bar, earlier_bar, work, size, width):
    """Gradient of `_join` in both times, from `bars`, that of its result.

    With G the symmetric one in S and B the one in E: in the later S it is G, in the earlier one ``F' G F``, in the
    earlier E ``F' B``, in the later one ``B + B D' + 2 G F T``.
    """
    for row in range(size):
        for column in range(size):
            for lane in range(width):
                later_bar[E, row, column, lane] = earlier_bar[E, row, column, lane] = bars[E, row, column, lane]
                later_bar[S, row, column, lane] = work[row, column, lane] = bars[S, row, column, lane]
            for inner in range(size):
                for lane in range(width):
                    later_bar[E, row, column, lane] += bars[E, row, inner, lane] * earlier[E, column, inner, lane]
                    earlier_bar[E, row, column, lane] += later[E, inner, row, lane] * bars[E, inner, column, lane]
                    work[row, column, lane] += bars[S, row, inner, lane] * later[E, inner, column, lane]
    for row in range(size):
        for column in range(size):
            for lane in range(width):
                earlier_bar[S, row, column, lane] = work[row, column, lane]
            for inner in range(size):
                for lane in range(width):
                    later_bar[E, row, column, lane] += 2.0 * work[row, inner, lane] * earlier[S, inner, column, lane]
                    earlier_bar[S, row, column, lane] += later[E, inner, row, lane] * work[inner, column, lane]


@compiled
def _table(terms, size, halvings, bits):
    """E and S over every number of steps with a single digit, shape ``(time, 2, row, column, 1)``, and their halves.

    Of two halves that are put together, shape ``(time, 2)``, the first time is the series alone.
    """
    per_level, top = (1 << bits) - 1, halvings // bits
    n_times = top * per_level + (1 << (halvings - top * bits))
    table, halves = np.empty((n_times, 2, size, size, 1)), np.zeros((n_times, 2), dtype=np.int64)
    work = np.empty((size, size, 1))
    _over_shares(terms, np.ones(1), table[0], size, 1)
    for time in range(1, n_times):
        level, digit = time // per_level, time % per_level + 1
        if digit == 1:
            halves[time, 0] = halves[time, 1] = (level - 1) * per_level + (1 << (bits - 1)) - 1
        else:
            halves[time, 0] = level * per_level + digit // 2 - 1
            halves[time, 1] = level * per_level + digit - digit // 2 - 1
        _join(table[halves[time, 0]], table[halves[time, 1]], table[time], work, size, 1)
    return table, halves


@compiled
def _split(registers, first, width, step, halvings, bits, places, shares):
    """Write the digits of some lengths, as places in the table or -1, shape ``(digit, length)``, and what remains."""
    per_level, top = (1 << bits) - 1, halvings // bits
    for lane in range(width):
        left = registers[first + lane] / step
        for level in range(top, -1, -1):
            unit = 2.0 ** (level * bits)
            digit = math.floor(left / unit)
            left -= digit * unit
            places[level, lane] = level * per_level + int(digit) - 1 if digit > 0.0 else -1
        shares[lane] = left


@compiled
def _take(table, places, both, size, width):
    """E and S over the times at these places of the table; 0 over none."""
    for lane in range(width):
        for which in range(2):
            for row in range(size):
                for column in range(size):
                    value = table[places[lane], which, row, column, 0] if places[lane] >= 0 else 0.0
                    both[which, row, column, lane] = value


@compiled
def _chain(terms, table, places, shares, used, chain, later, work, size, width):
    """Write E and S over what remains of some lengths and, digit by digit, more of them; return how many digits count.

    Digits that are 0 in all are passed over; `used` are the others.
    """
    n_used = 0
    _over_shares(terms, shares, chain[0], size, width)
    for level in range(len(places)):
        if places[level, :width].max() < 0:
            continue
        _take(table, places[level], later, size, width)
        _join(later, chain[n_used], chain[n_used + 1], work, size, width)
        used[n_used] = level
        n_used += 1
    return n_used


@compiled
def transitions(registers, drift, noise, first_length, count, size, result):
    """Write effects, then innovation covariances, of all intervals.

    Parameters
    ----------
    registers
        What holds A, Q, of which the symmetric part counts, and the lengths, above 0.
    drift, noise, first_length
        Where these begin.
    count, size
        How many intervals, and how many rows A has.
    result
        Where the results begin, dims (effects or innovations, interval, row, column): NaN where A is not finite, or
        its norm times the longest interval is above 2^62.
    """
    n_entries, longest = size * size, registers[first_length : first_length + count].max()
    halvings = _halvings(registers, drift, size, longest)
    if halvings < 0:
        registers[result : result + 2 * count * n_entries] = np.nan
        return
    step, bits, lanes = 0.5**halvings * longest, _bits(halvings, count), min(count, LANES)
    terms = _sum_series(registers, drift, noise, size, step)
    table, _ = _table(terms, size, halvings, bits)
    n_levels = halvings // bits + 1
    places, shares = np.empty((n_levels, lanes), dtype=np.int64), np.empty(lanes)
    used, chain = np.empty(n_levels, dtype=np.int64), np.empty((n_levels + 1, 2, size, size, lanes))
    later, work = np.empty((2, size, size, lanes)), np.empty((size, size, lanes))
    for start in range(0, count, lanes):
        width = min(lanes, count - start)
        _split(registers, first_length + start, width, step, halvings, bits, places, shares)
        done = chain[_chain(terms, table, places, shares, used, chain, later, work, size, width)]
        for lane in range(width):
            at = result + (start + lane) * n_entries
            for row in range(size):
                for column in range(size):
                    entry = at + row * size + column
                    registers[entry] = done[E, row, column, lane] + (1.0 if row == column else 0.0)
                    registers[entry + count * n_entries] = done[S, row, column, lane]


@compiled
def transitions_gradient(registers, bars, drift, noise, first_length, count, size, result):
    """Add the gradient of `transitions`, of whose results `bars` holds it, to that of A and Q: its steps backwards."""
    n_entries, longest = size * size, registers[first_length : first_length + count].max()
    largest = 0.0
    for entry in range(result, result + 2 * count * n_entries):
        largest = max(largest, abs(bars[entry]))
    halvings = _halvings(registers, drift, size, longest)
    if largest == 0.0 or halvings < 0:
        return
    step, bits, lanes = 0.5**halvings * longest, _bits(halvings, count), min(count, LANES)
    terms = _sum_series(registers, drift, noise, size, step)
    table, halves = _table(terms, size, halvings, bits)
    terms_bar, table_bar = np.zeros(terms.shape), np.zeros(table.shape)
    n_levels = halvings // bits + 1
    places, shares = np.empty((n_levels, lanes), dtype=np.int64), np.empty(lanes)
    used, chain = np.empty(n_levels, dtype=np.int64), np.empty((n_levels + 1, 2, size, size, lanes))
    later, work = np.empty((2, size, size, lanes)), np.empty((size, size, lanes))
    later_bar, bar, earlier_bar = np.empty(later.shape), np.empty(later.shape), np.empty(later.shape)
    for start in range(0, count, lanes):
        width = min(lanes, count - start)
        _split(registers, first_length + start, width, step, halvings, bits, places, shares)
        n_used = _chain(terms, table, places, shares, used, chain, later, work, size, width)
        for lane in range(width):
            effects = result + (start + lane) * n_entries
            innovation = effects + count * n_entries
            for row in range(size):
                for column in range(size):
                    entry, mirrored = row * size + column, column * size + row
                    bar[E, row, column, lane] = bars[effects + entry]
                    bar[S, row, column, lane] = 0.5 * (bars[innovation + entry] + bars[innovation + mirrored])
        for number in range(n_used - 1, -1, -1):
            digit = places[used[number]]
            _take(table, digit, later, size, width)
            _join_gradient(later, chain[number], bar, later_bar, earlier_bar, work, size, width)
            bar, earlier_bar = earlier_bar, bar
            for lane in range(width):
                if digit[lane] >= 0:
                    for which in range(2):
                        for row in range(size):
                            for column in range(size):
                                table_bar[digit[lane], which, row, column, 0] += later_bar[which, row, column, lane]
        _over_shares_gradient(terms_bar, shares, bar, size, width)
    _table_gradient(terms_bar, table, table_bar, halves, size)
    _series_gradient(registers, bars, drift, noise, terms, terms_bar, size, step)


@compiled
def _table_gradient(terms_bar, table, table_bar, halves, size):
    """Add to the gradient in the terms what the times of the table owe."""
    work, later_bar, earlier_bar = np.empty((size, size, 1)), np.empty(table[0].shape), np.empty(table[0].shape)
    for time in range(len(table) - 1, 0, -1):
        later, earlier = halves[time, 0], halves[time, 1]
        _join_gradient(table[later], table[earlier], table_bar[time], later_bar, earlier_bar, work, size, 1)
        for which in range(2):
            for row in range(size):
                for column in range(size):
                    table_bar[later, which, row, column, 0] += later_bar[which, row, column, 0]
                    table_bar[earlier, which, row, column, 0] += earlier_bar[which, row, column, 0]
    _over_shares_gradient(terms_bar, np.ones(1), table_bar[0], size, 1)


@compiled
def _series_gradient(registers, bars, drift, noise, terms, terms_bar, size, step):
    """Add to the gradient in A and Q what the terms of the series owe; `terms_bar` becomes the total one."""
    for order in range(EFFECT_TERMS + NOISE_TERMS, EFFECT_TERMS, -1):
        share = 1.0 / (order - EFFECT_TERMS + 1.0)
        for row in range(size):
            for column in range(size):
                for inner in range(size):
                    bar = share * terms_bar[order, row, inner]
                    terms_bar[0, row, column] += 2.0 * bar * terms[order - 1, inner, column]
                    terms_bar[order - 1, column, inner] += bar * terms[0, row, column]
                    terms_bar[order - 1, inner, column] += bar * terms[0, row, column]
    for order in range(EFFECT_TERMS - 1, 0, -1):
        share = 1.0 / (order + 1.0)
        for row in range(size):
            for column in range(size):
                for inner in range(size):
                    bar = share * terms_bar[order, row, inner]
                    terms_bar[0, row, column] += bar * terms[order - 1, column, inner]
                    terms_bar[order - 1, column, inner] += bar * terms[0, row, column]
    for row in range(size):
        for column in range(size):
            entry = row * size + column
            bars[drift + entry] += step * terms_bar[0, row, column]
            bars[noise + entry] += step * terms_bar[EFFECT_TERMS, row, column]
