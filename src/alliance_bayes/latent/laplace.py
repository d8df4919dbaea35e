"""Log-likelihood of a panel whose responses are not all normal, and its gradient, by an embedded Laplace integral.

For one person let N be the values observed exactly, L the latent numbers with responses, and

    eta_L | y_N ~ Normal(mu, C),   C = T T',   eta_L = mu + T z,   z ~ Normal(0, I).

With ``l(eta)`` the sum of the responses' log densities, l_k its k-th derivatives in each eta, and
``psi(z) = l(mu + T z) - z'z / 2``, at the mode

    log p(y_N, responses) = log p(y_N) + psi(z) - log det(A) / 2 + h(K),   A = I + T' W T,   W = -l_2(eta)

approximately; exactly where the responses are normal. W is diagonal and may have entries below 0; A
is as stable as the form with the root of W [1]_, and C may be nearly singular. K is the next term of
the expansion [2]_: with V = T A^-1 T', t = l_3 and q = l_4,

    K = sum_c q_c V_cc^2 / 8 + sum_cd t_c t_d (V_cc V_cd V_dd / 8 + V_cd^3 / 12),

and ``h(K) = log(1 + K)``, or ``-log(1 - K)`` below 0, so that K cannot run away where it says little.
Without it the error of binary responses would bias variances by more than their posterior SD.

The gradient needs no C^-1. With g = l_1, U = dK/dV, X = V U V, a = dK/dt, b = dK/dq, p = l_5
and r = h'(K), let ``s = diag(V) t / 2 + r (diag(X) t + a q + b p)`` and u = s - W V s. Then

    d/dmu = g + u,
    d/dC = (g g' + u g' + g u' - W + W V W) / 2 + r (I - W V) U (I - V W),
    d/dphi = d(l + (V s)' l_1 + (diag(V) / 2 + r diag(X))' l_2 + r a' l_3 + r b' l_4)/dphi   at fixed eta.

References
----------
.. [1] Rasmussen & Williams (2006). Gaussian processes for machine learning, chapter 3. MIT Press.
.. [2] Shun & McCullagh (1995). Laplace approximation of high dimensional integrals. Journal of the
   Royal Statistical Society B 57, 749-760.
"""

import math
from typing import NamedTuple

import numpy as np

from ..moments.caching import share_one_stamp
from ..moments.compiled import compiled
from ..moments.kernel import LOG_2_PI, _invert
from ..moments.matrices import cholesky
from .families import constants, derivatives, phi_gradient
from .responses import LatentArrays

__all__ = [
    "all_constants",
    "condition",
    "evaluate",
    "exact_part",
    "find_mode",
    "log_likelihood_and_gradient",
    "log_likelihoods_per_person",
    "modes",
    "refine",
    "times_root",
    "work_conditional",
    "work_space",
]

share_one_stamp()
MOST_STEPS = 100
MOST_HALVINGS = 40
LONGEST = 4.0
CONVERGED = 1e-20
CERTAIN = 1e-8
ENOUGH = 1e-4


class Space(NamedTuple):
    """Work arrays of one person: vectors of shape ``(value,)``, matrices of shape ``(value, value)``."""

    centre: np.ndarray
    eta: np.ndarray
    trial: np.ndarray
    z: np.ndarray
    slope: np.ndarray
    weight: np.ndarray
    third: np.ndarray
    fourth: np.ndarray
    fifth: np.ndarray
    step: np.ndarray
    move: np.ndarray
    by_third: np.ndarray
    factor: np.ndarray
    half: np.ndarray
    spread: np.ndarray
    by_spread: np.ndarray
    product: np.ndarray
    twice: np.ndarray


class Conditional(NamedTuple):
    """Moments of a pattern's latent numbers given its exact values, and work arrays for their gradients."""

    precision: np.ndarray
    weights: np.ndarray
    root: np.ndarray
    work: np.ndarray
    deviation: np.ndarray
    scatter: np.ndarray
    total: np.ndarray
    mean_bar: np.ndarray
    cross_bar: np.ndarray
    covariance_bar: np.ndarray


@compiled
def work_space(size):
    """Return a `Space` for so many values."""
    vectors, matrices = np.zeros((12, size)), np.zeros((6, size, size))
    return Space(
        vectors[0], vectors[1], vectors[2], vectors[3], vectors[4], vectors[5], vectors[6], vectors[7], vectors[8],
        vectors[9], vectors[10], vectors[11],
        matrices[0], matrices[1], matrices[2], matrices[3], matrices[4], matrices[5],
    )  # fmt: skip


@compiled
def work_conditional(size):
    """Return a `Conditional` for so many values."""
    vectors, matrices = np.zeros((3, size)), np.zeros((7, size, size))
    return Conditional(
        matrices[0], matrices[1], matrices[2], matrices[3], vectors[0], matrices[4], vectors[1], vectors[2],
        matrices[5], matrices[6],
    )  # fmt: skip


@compiled
def all_constants(data, phi):
    """`families.constants` of each response, shape ``(response, 3)``."""
    constant = np.empty((len(data.code), 3))
    for response in range(len(constant)):
        constant[response, 0], constant[response, 1], constant[response, 2] = constants(
            data.code[response], data.start[response], data.value[response], data.size[response], phi
        )
    return constant


@compiled
def evaluate(data, first_cell, size, phi, constant, eta, space, high):
    """Log density of a person's responses at eta; its derivatives, up to the fifth if `high`, go to `space`."""
    total = 0.0
    for number in range(size):
        cell, here = first_cell + number, eta[number]
        slope, weight, third, fourth, fifth = 0.0, 0.0, 0.0, 0.0, 0.0
        for response in range(data.first[cell], data.first[cell + 1]):
            value, l_1, l_2, l_3, l_4, l_5 = derivatives(
                data.code[response],
                data.start[response],
                data.value[response],
                data.size[response],
                constant[response, 0],
                phi,
                here,
                high,
            )
            total += value + constant[response, 1]
            slope += l_1
            weight -= l_2
            third += l_3
            fourth += l_4
            fifth += l_5
        space.slope[number], space.weight[number], space.third[number] = slope, weight, third
        space.fourth[number], space.fifth[number] = fourth, fifth
    return total


@compiled
def _factorise(root, weight, size, factor, least):
    """Cholesky factor of ``I + T' W T``, weights below `least` raised to it, with reciprocals in its diagonal.

    Returns
    -------
    float
        Half the logarithm of the determinant; infinity where the matrix is not positive definite.
    """
    half_log, product = 0.0, 1.0
    for column in range(size):
        for row in range(column, size):
            value = 1.0 if row == column else 0.0
            for inner in range(row, size):
                value += root[inner, row] * max(weight[inner], least) * root[inner, column]
            for inner in range(column):
                value -= factor[row, inner] * factor[column, inner]
            if row == column:
                if not value > 0.0:
                    return math.inf
                pivot = math.sqrt(value)
                product *= pivot
                factor[column, column] = 1.0 / pivot
            else:
                factor[row, column] = value * factor[column, column]
        if column % 8 == 7:
            half_log += math.log(product)
            product = 1.0
    return half_log + math.log(product)


@compiled
def _solve(factor, vector, size):
    for row in range(size):
        value = vector[row]
        for inner in range(row):
            value -= factor[row, inner] * vector[inner]
        vector[row] = value * factor[row, row]
    for row in range(size - 1, -1, -1):
        value = vector[row]
        for inner in range(row + 1, size):
            value -= factor[inner, row] * vector[inner]
        vector[row] = value * factor[row, row]


@compiled
def times_root(root, vector, size, result):
    """Overwrite `result` with the lower triangular `root` times a vector."""
    for row in range(size):
        value = 0.0
        for inner in range(row + 1):
            value += root[row, inner] * vector[inner]
        result[row] = value


@compiled
def _correct(root, size, space):
    """Add to `step` half of ``A^-1 T'`` times third derivatives times squared `move`, if less than half of `step`."""
    third, trial, step, move = space.third, space.trial, space.step, space.move
    for row in range(size):
        value = 0.0
        for inner in range(row, size):
            value += root[inner, row] * third[inner] * move[inner] * move[inner]
        trial[row] = 0.5 * value
    _solve(space.factor, trial, size)
    here, there = 0.0, 0.0
    for row in range(size):
        here += step[row] * step[row]
        there += trial[row] * trial[row]
    if there < 0.25 * here:
        for row in range(size):
            step[row] += trial[row]
        times_root(root, step, size, move)


@compiled
def find_mode(root, size, data, first_cell, phi, constant, space):
    """Damped Newton from the conditional prior mean: the same answer whatever was computed before.

    Each step is corrected by the third derivatives where that is small (Chebyshev's method). Leaves
    `eta`, `z`, the derivatives and the factor of A at the mode in `space`. Where A is not positive
    definite, weights below 0 count as 0.

    Returns
    -------
    tuple
        The integral's logarithm; whether the mode was found, with a positive definite A.
    """
    eta, z, slope, weight, step, move = space.eta, space.z, space.slope, space.weight, space.step, space.move
    trial = space.trial
    for row in range(size):
        eta[row], z[row] = space.centre[row], 0.0
    value = evaluate(data, first_cell, size, phi, constant, eta, space, False)
    for _ in range(MOST_STEPS):
        if not math.isfinite(value):
            return -math.inf, False
        half_log = _factorise(root, weight, size, space.factor, -math.inf)
        proper = half_log != math.inf
        if not proper:
            half_log = _factorise(root, weight, size, space.factor, 0.0)
        for row in range(size):
            gradient = -z[row]
            for inner in range(row, size):
                gradient += root[inner, row] * slope[inner]
            step[row] = trial[row] = gradient
        _solve(space.factor, step, size)
        decrement = 0.0
        for row in range(size):
            decrement += step[row] * trial[row]
        if decrement < CONVERGED:
            return value - half_log, proper
        times_root(root, step, size, move)
        if proper:
            _correct(root, size, space)
        longest = 0.0
        for row in range(size):
            longest = max(longest, abs(move[row]))
        length = min(1.0, LONGEST / longest)
        certain, moved = decrement < CERTAIN, False
        for _ in range(MOST_HALVINGS):
            square = 0.0
            for row in range(size):
                trial[row] = eta[row] + length * move[row]
                square += (z[row] + length * step[row]) ** 2
            new = evaluate(data, first_cell, size, phi, constant, trial, space, False) - 0.5 * square
            if certain or new > value + ENOUGH * length * decrement:
                moved = True
                break
            length *= 0.5
        if not moved:
            break
        value = new
        for row in range(size):
            z[row] += length * step[row]
        times_root(root, z, size, eta)
        for row in range(size):
            eta[row] += space.centre[row]
    evaluate(data, first_cell, size, phi, constant, eta, space, False)
    return value - _factorise(root, weight, size, space.factor, 0.0), False


@compiled
def condition(pattern, mean, covariance, data, given):
    """Prepare a pattern: log determinant of its exact values' covariance; infinity where none is positive definite."""
    n_exact, n_latent, position = data.n_exact[pattern], data.n_latent[pattern], data.position[pattern]
    for row in range(n_exact):
        for column in range(row + 1):
            given.work[row, column] = covariance[position[row], position[column]]
    log_determinant = _invert(given.work, given.work, given.precision, n_exact)
    if log_determinant == math.inf:
        return log_determinant
    for row in range(n_latent):
        here = position[n_exact + row]
        for column in range(n_exact):
            value = 0.0
            for inner in range(n_exact):
                value += covariance[here, position[inner]] * given.precision[inner, column]
            given.weights[row, column] = value
        for other in range(row + 1):
            value = covariance[here, position[n_exact + other]]
            for inner in range(n_exact):
                value -= given.weights[row, inner] * covariance[position[n_exact + other], position[inner]]
            given.root[row, other] = value
    return log_determinant if cholesky(given.root, n_latent) else math.inf


@compiled
def exact_part(row, pattern, mean, log_determinant, data, given, centre):
    """Log density of a person's exact values; leaves their deviation, and the latent numbers' conditional mean."""
    n_exact, n_latent, position = data.n_exact[pattern], data.n_latent[pattern], data.position[pattern]
    for value in range(n_exact):
        given.deviation[value] = data.exact[row, value] - mean[position[value]]
    quadratic = 0.0
    for value in range(n_exact):
        inner_product = 0.0
        for inner in range(n_exact):
            inner_product += given.precision[value, inner] * given.deviation[inner]
        quadratic += inner_product * given.deviation[value]
    for number in range(n_latent):
        expected = mean[position[n_exact + number]]
        for inner in range(n_exact):
            expected += given.weights[number, inner] * given.deviation[inner]
        centre[number] = expected
    return data.counting[row] - 0.5 * (n_exact * LOG_2_PI + log_determinant + quadratic)


@compiled
def _spread(root, factor, size, half, spread):
    """``V = T A^-1 T'``, the covariance of the latent numbers at the mode, in both triangles."""
    for column in range(size):
        for row in range(size):
            value = root[column, row] if row <= column else 0.0
            for inner in range(row):
                value -= factor[row, inner] * half[inner, column]
            half[row, column] = value * factor[row, row]
    for row in range(size):
        for column in range(row + 1):
            value = 0.0
            for inner in range(size):
                value += half[inner, row] * half[inner, column]
            spread[row, column] = spread[column, row] = value


@compiled
def refine(root, size, data, first_cell, phi, constant, space):
    """Return h(K) and its slope in K, at the mode that `find_mode` left in `space`.

    Leaves the five derivatives, V in `spread`, dK/dV in `by_spread`, and dK/dt in `by_third`.
    """
    evaluate(data, first_cell, size, phi, constant, space.eta, space, True)
    spread, third, by_spread = space.spread, space.third, space.by_spread
    _spread(root, space.factor, size, space.half, spread)
    total = 0.0
    for row in range(size):
        variance, outer, inner = spread[row, row], 0.0, 0.0
        for column in range(size):
            shared, other = spread[row, column], spread[column, column]
            pair = third[row] * third[column]
            outer += third[column] * shared * other
            inner += third[column] * shared * shared * shared
            by_spread[row, column] = pair * (variance * other / 8.0 + shared * shared / 4.0)
        space.by_third[row] = variance * outer / 4.0 + inner / 6.0
        by_spread[row, row] += space.fourth[row] * variance / 4.0 + third[row] * outer / 4.0
        total += space.fourth[row] * variance * variance / 8.0 + third[row] * space.by_third[row] / 2.0
    if not math.isfinite(total):
        return 0.0, 0.0
    if total < 0.0:
        return -math.log1p(-total), 1.0 / (1.0 - total)
    return math.log1p(total), 1.0 / (1.0 + total)


@compiled
def _products(size, space):
    """Leave ``V U`` in `product` and ``V U V`` in `twice`."""
    for row in range(size):
        for column in range(size):
            value = 0.0
            for inner in range(size):
                value += space.spread[row, inner] * space.by_spread[inner, column]
            space.product[row, column] = value
    for row in range(size):
        for column in range(row + 1):
            value = 0.0
            for inner in range(size):
                value += space.product[row, inner] * space.spread[inner, column]
            space.twice[row, column] = space.twice[column, row] = value


@compiled
def _add_person(size, n_exact, data, first_cell, phi, constant, rate, space, given, weights, phi_bar):
    """Add a person's gradient in the conditional moments to those of the pattern, and in phi to `phi_bar`.

    After `refine`, whose slope is `rate`; `weights` is a work array of shape ``(4,)``.
    """
    eta, slope, weight, spread, shift = space.eta, space.slope, space.weight, space.spread, space.step
    owed, twice, product, by_spread = space.move, space.twice, space.product, space.by_spread
    _products(size, space)
    for number in range(size):
        variance, third = spread[number, number], space.third[number]
        higher = space.by_third[number] * space.fourth[number] + variance * variance / 8.0 * space.fifth[number]
        space.trial[number] = 0.5 * variance * third + rate * (twice[number, number] * third + higher)
    for number in range(size):
        value = 0.0
        for inner in range(size):
            value += spread[number, inner] * space.trial[inner]
        shift[number] = value
        owed[number] = space.trial[number] - weight[number] * value
    for number in range(size):
        variance = spread[number, number]
        weights[0], weights[1] = shift[number], 0.5 * variance + rate * twice[number, number]
        weights[2], weights[3] = rate * space.by_third[number], rate * variance * variance / 8.0
        for response in range(data.first[first_cell + number], data.first[first_cell + number + 1]):
            phi_gradient(
                data.code[response],
                data.start[response],
                data.value[response],
                data.size[response],
                constant[response, 0],
                constant[response, 2],
                phi,
                eta[number],
                weights,
                phi_bar,
            )
    for number in range(size):
        mean_bar = slope[number] + owed[number]
        given.mean_bar[number] += mean_bar
        for inner in range(n_exact):
            given.cross_bar[number, inner] += mean_bar * given.deviation[inner]
        for other in range(number + 1):
            value = mean_bar * slope[other] + slope[number] * owed[other]
            value += weight[number] * spread[number, other] * weight[other]
            if other == number:
                value -= weight[number]
            above = by_spread[number, other] - weight[number] * product[number, other]
            above += weight[other] * (weight[number] * twice[number, other] - product[other, number])
            given.covariance_bar[number, other] += 0.5 * value + rate * above


@compiled
def _clear(given, n_exact, n_latent):
    for row in range(n_exact):
        given.total[row] = 0.0
        for column in range(row + 1):
            given.scatter[row, column] = 0.0
    for row in range(n_latent):
        given.mean_bar[row] = 0.0
        for column in range(n_exact):
            given.cross_bar[row, column] = 0.0
        for column in range(row + 1):
            given.covariance_bar[row, column] = 0.0


@compiled
def _add_pattern(pattern, people, data, given, mean_bar, covariance_bar):
    """Carry a pattern's gradients from its conditional moments back to the mean and covariance of all values.

    With R the precision of the exact values, G the weights, D the scatter of n people's deviations d,
    M the sum of ``mu_bar d'`` and C_bar the gradient in C: the blocks are ``C_bar`` for (L, L),
    ``M R / 2 - C_bar G`` for (L, N), and for (N, N)
    ``G' C_bar G - (G' M R + R M' G) / 2 + (R D R - n R) / 2``.
    """
    n_exact, n_latent, position = data.n_exact[pattern], data.n_latent[pattern], data.position[pattern]
    precision, weights, cross, inner_bar = given.precision, given.weights, given.cross_bar, given.covariance_bar
    for row in range(n_exact):
        for column in range(row):
            given.scatter[column, row] = given.scatter[row, column]
    for row in range(n_latent):
        for column in range(row):
            inner_bar[column, row] = inner_bar[row, column]
    for row in range(n_latent):
        here = position[n_exact + row]
        mean_bar[here] += given.mean_bar[row]
        for other in range(n_latent):
            covariance_bar[here, position[n_exact + other]] += inner_bar[row, other]
        for column in range(n_exact):
            there = position[column]
            mean_bar[there] -= weights[row, column] * given.mean_bar[row]
            value, kept = 0.0, 0.0
            for inner in range(n_exact):
                value += cross[row, inner] * precision[inner, column]
            for inner in range(n_latent):
                kept += inner_bar[row, inner] * weights[inner, column]
            given.work[row, column] = 0.5 * kept - 0.5 * value
            covariance_bar[here, there] += 0.5 * value - kept
            covariance_bar[there, here] += 0.5 * value - kept
    for row in range(n_exact):
        here = position[row]
        for column in range(n_exact):
            mean_bar[here] += precision[row, column] * given.total[column]
            value = 0.0
            for inner in range(n_latent):
                value += weights[inner, row] * given.work[inner, column]
                value += weights[inner, column] * given.work[inner, row]
            covariance_bar[here, position[column]] += value - 0.5 * people * precision[row, column]
    for row in range(n_exact):
        for column in range(n_exact):
            value = 0.0
            for inner in range(n_exact):
                value += precision[row, inner] * given.scatter[inner, column]
            given.work[row, column] = value
    for row in range(n_exact):
        for column in range(n_exact):
            value = 0.0
            for inner in range(n_exact):
                value += given.work[row, inner] * precision[inner, column]
            covariance_bar[position[row], position[column]] += 0.5 * value


@compiled
def log_likelihood_and_gradient(mean: np.ndarray, covariance: np.ndarray, phi: np.ndarray, data: LatentArrays):
    """Log-likelihood of a panel and its gradients in the moments of the linear predictors and in phi.

    Parameters
    ----------
    mean, covariance
        Moments of the stacked linear predictors, shapes ``(value,)`` and ``(value, value)``.
    phi
        Family parameters, shape ``(phi,)``.
    data
        Exact values and responses.

    Returns
    -------
    tuple
        Log-likelihood, minus infinity where a covariance is not positive definite or phi not
        allowed; its gradients, shapes ``(value,)``, ``(value, value)``, entries (i, j) and (j, i) being
        separate numbers, and ``(phi,)``, all 0 in that case; the number of people whose mode was not found.
    """
    n_values = len(mean)
    mean_bar, covariance_bar, phi_bar = np.zeros(n_values), np.zeros((n_values, n_values)), np.zeros(len(phi))
    space, given, constant = work_space(n_values), work_conditional(n_values), all_constants(data, phi)
    weights, total, failed = np.empty(4), 0.0, 0
    for pattern in range(len(data.n_exact)):
        n_exact, n_latent = data.n_exact[pattern], data.n_latent[pattern]
        log_determinant = condition(pattern, mean, covariance, data, given)
        if log_determinant == math.inf:
            return -math.inf, np.zeros(n_values), np.zeros((n_values, n_values)), np.zeros(len(phi)), failed
        _clear(given, n_exact, n_latent)
        for row in range(data.bounds[pattern], data.bounds[pattern + 1]):
            total += exact_part(row, pattern, mean, log_determinant, data, given, space.centre)
            for value in range(n_exact):
                given.total[value] += given.deviation[value]
                for other in range(value + 1):
                    given.scatter[value, other] += given.deviation[value] * given.deviation[other]
            if n_latent > 0:
                first_cell = data.cell[row]
                value, found = find_mode(given.root, n_latent, data, first_cell, phi, constant, space)
                higher, rate = refine(given.root, n_latent, data, first_cell, phi, constant, space)
                failed += not found
                total += value + higher
                _add_person(n_latent, n_exact, data, first_cell, phi, constant, rate, space, given, weights, phi_bar)
        people = data.bounds[pattern + 1] - data.bounds[pattern]
        _add_pattern(pattern, people, data, given, mean_bar, covariance_bar)
    if not math.isfinite(total):
        return -math.inf, np.zeros(n_values), np.zeros((n_values, n_values)), np.zeros(len(phi)), failed
    return total, mean_bar, covariance_bar, phi_bar, failed


@compiled
def log_likelihoods_per_person(means, covariances, phis, data, result, failed):
    """Log density of each person's values at each of several sets of parameters, written into `result`.

    Parameters
    ----------
    means, covariances, phis
        Shapes ``(draw, value)``, ``(draw, value, value)`` and ``(draw, phi)``.
    data
        Exact values and responses.
    result
        Shape ``(draw, person)``, persons as in the panel; people without any value are left as they are.
    failed
        Shape ``(draw,)``: overwritten with the number of people whose mode was not found.
    """
    n_values = means.shape[1]
    space, given = work_space(n_values), work_conditional(n_values)
    for draw in range(len(means)):
        mean, phi = means[draw], phis[draw]
        constant = all_constants(data, phi)
        failed[draw] = 0
        for pattern in range(len(data.n_exact)):
            n_latent = data.n_latent[pattern]
            log_determinant = condition(pattern, mean, covariances[draw], data, given)
            for row in range(data.bounds[pattern], data.bounds[pattern + 1]):
                if log_determinant == math.inf:
                    result[draw, data.person[row]] = -math.inf
                    continue
                total = exact_part(row, pattern, mean, log_determinant, data, given, space.centre)
                if n_latent > 0:
                    value, found = find_mode(given.root, n_latent, data, data.cell[row], phi, constant, space)
                    failed[draw] += not found
                    total += value + refine(given.root, n_latent, data, data.cell[row], phi, constant, space)[0]
                result[draw, data.person[row]] = total


@compiled
def modes(mean, covariance, phi, data, eta, variance):
    """Mode of each person's latent numbers with responses and their variance there, at one set of parameters.

    Parameters
    ----------
    mean, covariance, phi, data
        As of `log_likelihood_and_gradient`.
    eta, variance
        Shape ``(person, value)``, persons as in the panel; entries without a response are left as they are.
    """
    n_values = len(mean)
    space, given, constant = work_space(n_values), work_conditional(n_values), all_constants(data, phi)
    for pattern in range(len(data.n_exact)):
        n_exact, n_latent = data.n_exact[pattern], data.n_latent[pattern]
        if condition(pattern, mean, covariance, data, given) == math.inf:
            continue
        for row in range(data.bounds[pattern], data.bounds[pattern + 1]):
            exact_part(row, pattern, mean, 0.0, data, given, space.centre)
            find_mode(given.root, n_latent, data, data.cell[row], phi, constant, space)
            _spread(given.root, space.factor, n_latent, space.half, space.spread)
            for number in range(n_latent):
                place = data.position[pattern, n_exact + number]
                eta[data.person[row], place] = space.eta[number]
                variance[data.person[row], place] = space.spread[number, number]
