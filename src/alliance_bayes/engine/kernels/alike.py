"""The log-likelihood of people in cells that are alike, several people at once, with its gradient.

Where people have times of their own, or moderators, there are as many cells as people, whose systems have the same
form and other numbers. With B the total effects of all variables on the values, S the covariance of the disturbances
and A the paths:

    Cov(eta, y) = (I - A)^-1 S B,   G = (e e' - n C^-1) / 2   with C = Cov(y) and e = sqrt(n) C^-1 (y - E y),

and the gradient is ``2 (B G) Cov(y, eta)`` in A and ``B G B'`` in S, for which ``B G`` is G carried back along the
paths. People who have the same pattern of a cell bring the factor of their scatter, too, as columns beside e.
"""

import math

import numpy as np
from numba import carray

from ...basics.compiled import callback, compiled, in_place, inlined
from .arrays import COVARIANCES, INTERCEPTS, N_STARTS, PATHS, PatternArrays, SystemArrays
from .lanes import LANES, lanes_at, put_lanes, spread
from .matrices import LOG_2_PI, cholesky
from .moments import system_of

__all__ = ["is_alike", "log_likelihood_of_alike"]


@in_place
def is_alike(systems, patterns, cell):
    """Whether a cell is worked out together with others: there are many, and few patterns in it, none completed."""
    first, last, n_completed = patterns.cell_start[cell], patterns.cell_start[cell + 1], 0
    for pattern in range(first, last):
        n_completed += patterns.completed[pattern]
    return len(systems.form) >= LANES and last - first <= LANES and n_completed == 0


@in_place
def _gather(registers, entries, starts, numbers):
    """Numbers of paths, covariances or intercepts, of which each lane's begin at its start; 1 without a register."""
    for lane in range(LANES):
        for entry in range(len(numbers)):
            register = entries[starts[lane] + entry]
            numbers[entry, lane] = registers[register] if register >= 0 else 1.0


@in_place
def _add_slopes(bars, entries, starts, entry, slopes):
    for lane in range(LANES):
        bars[entries[starts[lane] + entry]] += slopes[0, lane]


@inlined
def _add_multiple(target, to, weight, source, of, width):
    """Add a multiple of some rows of one array to those of another."""
    for place in range(width):
        put_lanes(target, to + place, lanes_at(target, to + place) + weight * lanes_at(source, of + place))


@inlined
def _product(left, at, right, of, width):
    """Sum of the products of some rows of two arrays."""
    total = spread(0.0)
    for place in range(width):
        total = total + lanes_at(left, at + place) * lanes_at(right, of + place)
    return total


@in_place
def _add_total_effects(system, paths, effects, first):
    """Write B into rows ``(variable, value)`` of 0, and the first value that each variable has an effect on."""
    n_values = len(system.observed)
    for value in range(n_values):
        variable = system.observed[value]
        put_lanes(effects, variable * n_values + value, spread(1.0))
        first[variable] = min(first[variable], value)
    for entry in range(len(paths) - 1, -1, -1):
        row, column = system.path_row[entry], system.path_column[entry]
        first[column], start = min(first[column], first[row]), first[row]
        to, of, width = column * n_values + start, row * n_values + start, n_values - start
        _add_multiple(effects, to, lanes_at(paths, entry), effects, of, width)


@in_place
def _add_moments(system, paths, covariances, intercepts, effects, first, moments):
    """Write covariances of every variable with the values, then its mean, into rows ``(variable, value + 1)`` of 0."""
    n_values, wide = len(system.observed), len(system.observed) + 1
    for entry in range(len(covariances)):
        row, column, number = (
            system.covariance_row[entry],
            system.covariance_column[entry],
            lanes_at(covariances, entry),
        )
        start = first[column]
        _add_multiple(moments, row * wide + start, number, effects, column * n_values + start, n_values - start)
        if row != column:
            start = first[row]
            _add_multiple(moments, column * wide + start, number, effects, row * n_values + start, n_values - start)
    for entry in range(len(intercepts)):
        put_lanes(moments, system.intercept_row[entry] * wide + n_values, lanes_at(intercepts, entry))
    for entry in range(len(paths)):
        row, column = system.path_row[entry], system.path_column[entry]
        _add_multiple(moments, row * wide, lanes_at(paths, entry), moments, column * wide, wide)


@in_place
def _sweep(matrix, pivots, column, n_values, n_rows):
    """Turn the lower triangle of C into that of ``-C^-1``, and each row y below it into ``C^-1 y``."""
    zero, one = spread(0.0), spread(1.0)
    for pivot in range(n_values):
        of_pivot = lanes_at(matrix, pivot * n_values + pivot)
        reciprocal = one / of_pivot
        put_lanes(pivots, pivot, of_pivot)
        for row in range(n_rows):
            at = pivot * n_values + row if row < pivot else row * n_values + pivot
            put_lanes(column, row, lanes_at(matrix, at))
        put_lanes(column, pivot, zero)
        for row in range(n_rows):
            weight = zero - lanes_at(column, row) * reciprocal
            _add_multiple(matrix, row * n_values, weight, column, 0, min(row + 1, n_values))
        for row in range(n_rows):
            at = pivot * n_values + row if row < pivot else row * n_values + pivot
            put_lanes(matrix, at, lanes_at(column, row) * reciprocal)
        put_lanes(matrix, pivot * n_values + pivot, zero - reciprocal)


@in_place
def _is_positive_definite(system, moments, lane, matrix):
    n_values, wide = len(system.observed), len(system.observed) + 1
    for row in range(n_values):
        for column in range(row + 1):
            matrix[row, column] = moments[system.observed[row] * wide + column, lane]
    return cholesky(matrix, n_values)


@in_place
def _prepare(system, moments, patterns, chosen, n_used, matrix, seen, people):
    """Write C, then the deviations and factors of all lanes; what is missing counts as observed, as expected.

    It is independent of all else then, with variance 1.
    """
    n_values, wide = len(system.observed), len(system.observed) + 1
    square = n_values * n_values
    for lane in range(n_used):
        pattern = chosen[lane]
        people[0, lane], people[1, lane] = patterns.people[pattern], math.sqrt(patterns.people[pattern])
        for place in range(patterns.size[pattern]):
            value = patterns.position[pattern, place]
            expected = moments[system.observed[value] * wide + n_values, lane]
            seen[value, lane] = 1.0
            matrix[square + value, lane] = people[1, lane] * (patterns.mean[pattern, place] - expected)
            for column in range(patterns.rank[pattern]):
                matrix[square + (1 + column) * n_values + value, lane] = patterns.factor[pattern, place, column]
    for row in range(n_values):
        of_row, is_seen = system.observed[row] * wide, lanes_at(seen, row)
        for column in range(row):
            covariance = is_seen * lanes_at(seen, column) * lanes_at(moments, of_row + column)
            put_lanes(matrix, row * n_values + column, covariance)
        variance = is_seen * lanes_at(moments, of_row + row) + spread(1.0) - is_seen
        put_lanes(matrix, row * n_values + row, variance)


@in_place
def _log_determinant(pivots, lane):
    """Of one lane's C; infinity where it is not positive definite."""
    total, product = 0.0, 1.0
    for pivot in range(len(pivots)):
        if not pivots[pivot, lane] > 0.0:
            return np.inf
        product *= pivots[pivot, lane]
        if pivot % 4 == 3:
            total += math.log(product)
            product = 1.0
    return total + math.log(product)


@in_place
def _add_slopes_of_moments(system, matrix, seen, people, n_rows, gradient):
    """Write 2 G, then e, into the rows of the values."""
    n_values, wide = len(system.observed), len(system.observed) + 1
    for row in range(n_values):
        of_row = system.observed[row] * wide
        for column in range(row + 1):
            slope = lanes_at(people, 0) * lanes_at(matrix, row * n_values + column)
            for solved in range(n_values, n_rows):
                at = solved * n_values
                slope = slope + lanes_at(matrix, at + row) * lanes_at(matrix, at + column)
            slope = slope * lanes_at(seen, row) * lanes_at(seen, column)
            put_lanes(gradient, of_row + column, slope)
            put_lanes(gradient, system.observed[column] * wide + row, slope)
        put_lanes(gradient, of_row + n_values, lanes_at(people, 1) * lanes_at(matrix, n_values * n_values + row))


@compiled
def _density(system, moments, patterns, chosen, n_used, gradient):
    """Log-likelihood of the first lanes; `gradient` becomes that in the moments of the values, of covariances twice."""
    n_values, rank = len(system.observed), 0
    for lane in range(n_used):
        rank = max(rank, patterns.rank[chosen[lane]])
    n_rows, square, one = n_values + 1 + rank, n_values * n_values, np.empty((n_values, n_values))
    matrix, seen, people = np.zeros((n_rows * n_values, LANES)), np.zeros((n_values, LANES)), np.zeros((2, LANES))
    for lane in range(n_used):
        if patterns.size[chosen[lane]] < n_values and not _is_positive_definite(system, moments, lane, one):
            return -np.inf
    _prepare(system, moments, patterns, chosen, n_used, matrix, seen, people)
    deviations, quadratic, pivots = matrix[square:].copy(), np.empty((1, LANES)), np.empty((n_values, LANES))
    _sweep(matrix, pivots, np.empty((n_rows, LANES)), n_values, n_rows)
    put_lanes(quadratic, 0, _product(matrix, square, deviations, 0, (1 + rank) * n_values))
    total = 0.0
    for lane in range(n_used):
        constant = patterns.size[chosen[lane]] * LOG_2_PI + _log_determinant(pivots, lane)
        total -= 0.5 * (people[0, lane] * constant + quadratic[0, lane])
    _add_slopes_of_moments(system, matrix, seen, people, n_rows, gradient)
    return total


@in_place
def _add_gradient(bars, systems, system, starts, paths, effects, first, moments, gradient, slopes):
    """Carry the gradient back along the paths, and add it to that of the registers."""
    n_values, wide = len(system.observed), len(system.observed) + 1
    for entry in range(len(paths) - 1, -1, -1):
        row, column = system.path_row[entry] * wide, system.path_column[entry] * wide
        if system.path_register[entry] >= 0:
            put_lanes(slopes, 0, _product(gradient, row, moments, column, wide))
            _add_slopes(bars, systems.path_register, starts[PATHS], entry, slopes)
        _add_multiple(gradient, column, lanes_at(paths, entry), gradient, row, wide)
    for entry in range(len(system.covariance_row)):
        if system.covariance_register[entry] >= 0:
            row, column = system.covariance_row[entry], system.covariance_column[entry]
            start, share = first[column], spread(0.5 if row == column else 1.0)
            at, of = row * wide + start, column * n_values + start
            put_lanes(slopes, 0, share * _product(gradient, at, effects, of, n_values - start))
            _add_slopes(bars, systems.covariance_register, starts[COVARIANCES], entry, slopes)
    for entry in range(len(system.intercept_row)):
        put_lanes(slopes, 0, lanes_at(gradient, system.intercept_row[entry] * wide + n_values))
        _add_slopes(bars, systems.intercept_register, starts[INTERCEPTS], entry, slopes)


@compiled
def _together(registers, bars, systems, patterns, cells, chosen, n_used):
    """Log-likelihood of some patterns of cells of one form; adds its gradient to `bars`. Lanes not used are copies."""
    for lane in range(n_used, LANES):
        cells[lane], chosen[lane] = cells[0], chosen[0]
    system = system_of(systems, cells[0])
    starts = np.empty((N_STARTS, LANES), dtype=np.int64)
    for kind in range(N_STARTS):
        for lane in range(LANES):
            starts[kind, lane] = systems.start[cells[lane], kind]
    n_variables, n_values = len(system.disturbance), len(system.observed)
    paths, covariances = np.empty((len(system.path_row), LANES)), np.empty((len(system.covariance_row), LANES))
    intercepts, slopes = np.empty((len(system.intercept_row), LANES)), np.empty((1, LANES))
    effects, first = np.zeros((n_variables * n_values, LANES)), np.full(n_variables, n_values)
    moments, gradient = np.zeros((2, n_variables * (n_values + 1), LANES))
    _gather(registers, systems.path_register, starts[PATHS], paths)
    _gather(registers, systems.covariance_register, starts[COVARIANCES], covariances)
    _gather(registers, systems.intercept_register, starts[INTERCEPTS], intercepts)
    _add_total_effects(system, paths, effects, first)
    _add_moments(system, paths, covariances, intercepts, effects, first, moments)
    total = _density(system, moments, patterns, chosen, n_used, gradient)
    if total > -np.inf:
        _add_gradient(bars, systems, system, starts, paths, effects, first, moments, gradient, slopes)
    return total


@compiled
def _sum_over_alike(registers, bars, systems, patterns):
    cells, chosen = np.empty(LANES, dtype=np.int64), np.empty(LANES, dtype=np.int64)
    n_used, total = 0, 0.0
    for cell in range(len(systems.form)):
        if not is_alike(systems, patterns, cell):
            continue
        for pattern in range(patterns.cell_start[cell], patterns.cell_start[cell + 1]):
            if n_used == LANES or (n_used and systems.form[cell] != systems.form[cells[0]]):
                total += _together(registers, bars, systems, patterns, cells, chosen, n_used)
                n_used = 0
            cells[n_used], chosen[n_used] = cell, pattern
            n_used += 1
    if n_used:
        total += _together(registers, bars, systems, patterns, cells, chosen, n_used)
    return total


_word, _number = "CPointer(int64)", "CPointer(float64)"


@callback(
    f"float64({_number}, {_number}, intp, {', '.join([_word] * len(SystemArrays._fields))}, intp, "
    f"{_number}, {_word}, {_word}, {_number}, {_word}, {_number}, {_word}, {_word}, intp, intp)"
)
def log_likelihood_of_alike(
    registers, bars, n_registers,
    path_row, path_column, path_register, covariance_row, covariance_column, covariance_register, intercept_row,
    intercept_register, disturbance, observed, start, form, n_cells,
    people, size, position, mean, rank, factor, completed, cell_start, n_patterns, n_values,
):  # fmt: skip
    """Log-likelihood of the cells that are alike, minus infinity where a covariance is not positive definite.

    Adds its gradient to `bars`; the arguments in between are the arrays of `SystemArrays` and `PatternArrays`.
    """
    starts = carray(start, (n_cells + 1, N_STARTS))
    n_paths, n_covariances, n_intercepts, n_variables, n_observed = starts[n_cells]
    systems = SystemArrays(
        path_row=carray(path_row, (n_paths,)),
        path_column=carray(path_column, (n_paths,)),
        path_register=carray(path_register, (n_paths,)),
        covariance_row=carray(covariance_row, (n_covariances,)),
        covariance_column=carray(covariance_column, (n_covariances,)),
        covariance_register=carray(covariance_register, (n_covariances,)),
        intercept_row=carray(intercept_row, (n_intercepts,)),
        intercept_register=carray(intercept_register, (n_intercepts,)),
        disturbance=carray(disturbance, (n_variables,)),
        observed=carray(observed, (n_observed,)),
        start=starts,
        form=carray(form, (n_cells,)),
    )
    patterns = PatternArrays(
        people=carray(people, (n_patterns,)),
        size=carray(size, (n_patterns,)),
        position=carray(position, (n_patterns, n_values)),
        mean=carray(mean, (n_patterns, n_values)),
        rank=carray(rank, (n_patterns,)),
        factor=carray(factor, (n_patterns, n_values, n_values)),
        completed=carray(completed, (n_patterns,)),
        scatter=np.empty((0, n_values, n_values)),
        cell_start=carray(cell_start, (n_cells + 1,)),
        given=np.empty(0),
    )
    return _sum_over_alike(carray(registers, (n_registers,)), carray(bars, (n_registers,)), systems, patterns)
