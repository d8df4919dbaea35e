"""Log-likelihood of a panel whose responses are not all normal, and its gradient, by expectation propagation.

For one case let N be the values observed exactly, L the latent numbers with responses, and
``eta_L | y_N ~ Normal(mu, C)``, where C may be singular. The responses' densities p_i(eta_i) are replaced by
sites ``exp(nu_i eta_i - tau_i eta_i^2 / 2)`` [1]_. With D = diag(tau), the posterior is then normal with

    V = C (I + D C)^-1,   m = mu + V (nu - D mu),

the cavity of site i is ``Normal(m_i, V_ii)`` with the site taken out, and the site is such that cavity
times p_i (tilted) has the mean and variance of cavity times site. At that fixed point

    log p(responses | y_N) = log integral of Normal(eta; mu, C) times the sites
                             + sum_i log(integral of cavity_i times p_i / integral of cavity_i times site_i),

approximately, exactly for one latent number and for normal responses. It is stationary in the sites,
so that with ``g = nu - D m``

    d/dmu = g,   d/dC = (g g' - D + D V D) / 2,   d/dphi = sum_i E(d log p_i / dphi) over the tilted densities.

Sites are visited in turn, V and m kept by updates of rank one. A tau may be below 0, where p_i is not
log-concave. Tilted moments are sums over equally spaced points, whose error falls exponentially with
the number of points to an SD [2]_; they are points of the grid of `tables` where that is fine enough.

References
----------
.. [1] Minka (2001). Expectation propagation for approximate Bayesian inference. Uncertainty in
   Artificial Intelligence 17, 362-369. Rasmussen & Williams (2006). Gaussian processes for machine
   learning, chapter 3. MIT Press.
.. [2] Trefethen & Weideman (2014). The exponentially convergent trapezoidal rule. SIAM Review 56,
   385-458.
"""

import math
from typing import NamedTuple

import numpy as np

from ...basics.compiled import compiled, in_place, inlined
from ...families.special import log_logistic, logistic
from ..kernels.matrices import LOG_2_PI
from .conditional import add_pattern, add_to_pattern, clear, condition, exact_part, work_conditional
from .determined import add_determined_cases, is_determined
from .exponentials import BLOCK, exponentials
from .responses import LatentArrays
from .tables import LOWEST, N_GRID, STEP, add_rows, interpolated, pull_back, scatter, tabulate

__all__ = [
    "Sites",
    "by_person",
    "case_log_likelihoods",
    "evaluate",
    "first_guess",
    "log_likelihood_and_gradient",
    "log_likelihoods",
    "settle",
    "work_sites",
]

SETTLED = 1e-4  # change of a cavity in its SDs or of its variance; the integral, stationary in the sites, moves by 1e-8
MOST_SWEEPS = 100
UNDAMPED_SWEEPS = 20  # log-concave responses settle in about 5; what goes on after 20 swings to and fro
DAMPING = 0.5
FREE_SWEEPS = 60  # after which no precision may be below 0: cavities that are improper in turn would never end
COARSEST = 0.9  # SDs between points of the grid: the sum over a normal density is off by 2 exp(-2 pi^2 / 0.9^2) = 5e-11
FREE_STEP = 0.75  # SDs between points off the grid, where densities, narrow or far out, are less normal
REACH = 6.0  # SDs on either side, beyond which a normal density has a mass of 2e-9
MOST_BLOCKS = 12  # of points
MISPLACED = 0.3  # SDs between posterior and tilted density, up to which points about the one reach over the other
LEAST_CAVITY = 1e-9  # variance of the posterior in that of a cavity; less is a cavity that is improper or nearly so
LEAST_GROWTH = 0.05  # of a determinant at one update, so that the posterior stays proper
LARGEST = 1e6  # mean or variance at which the search for a tilted density is given up
LEAST_PRODUCT, MOST_PRODUCT = 1e-100, 1e100  # of determinants and ratios between two logarithms, far from overflow
MOST_PLACEMENTS = 40  # of the points of one visit; each doubles their distance, so that 40 reach anything
NARROWEST = 0.1  # variance in squared distances of the points, below which these are too far apart for it
LEAST_WEIGHT = 1e-12  # probability of a case, below which its gradient is left out


SITE = np.dtype(
    [
        ("centre", np.float64),  # mean given the exact values alone
        ("mean", np.float64),  # of the posterior
        ("precision", np.float64),  # tau
        ("shift", np.float64),  # nu
        ("slope", np.float64),  # gradient of the log-likelihood in `centre`
        ("cavity_mean", np.float64),  # at the last visit, as all that follows
        ("cavity_variance", np.float64),
        ("evidence", np.float64),  # logarithm of the ratio of integrals, less that of the next number
        ("ratio", np.float64),
        ("widest", np.float64),  # largest distance of points
        ("node", np.float64),  # first point
        ("gap", np.float64),  # distance of the points
        ("total", np.float64),  # sum of their weights
        ("placed", np.int64),  # whether the points were where the tilted density is
        ("blocks", np.int64),  # number of points in blocks
        ("first", np.int64),  # position of the first one on the grid
        ("stride", np.int64),  # their distance on the grid; 0 where they are off the grid
    ]
)


class Sites(NamedTuple):
    """Work arrays of one case."""

    state: np.ndarray  # of each site, shape ``(value,)``, as `SITE` says
    spread: np.ndarray  # posterior covariance, shape ``(value, value)``
    rows: np.ndarray  # log densities on the grid of sites with several responses, shape ``(value, grid)``
    weight: np.ndarray  # of the points of the last visit, shape ``(value, node)``
    # Shapes ``(value,)`` and ``(node,)``
    column: np.ndarray
    work: np.ndarray


@compiled
def work_sites(size):
    """Return a `Sites` for so many values."""
    return Sites(
        state=np.zeros(size, dtype=SITE),
        spread=np.zeros((size, size)),
        rows=np.zeros((size, N_GRID)),
        weight=np.zeros((size, MOST_BLOCKS * BLOCK)),
        column=np.zeros(size),
        work=np.zeros(MOST_BLOCKS * BLOCK),
    )


@in_place
def _place_nodes(centre, spread, site):
    """Choose the points of a visit around a mean, for an SD: whole blocks, no further apart than they must be."""
    width = 2.0 * REACH * spread
    least = width / (MOST_BLOCKS * BLOCK - 2)
    stride = int(max(min(COARSEST * spread, site.widest), least + STEP) / STEP)
    if COARSEST * spread >= STEP and stride < N_GRID:
        site.blocks = int((width / (stride * STEP) + 2.0) / BLOCK) + 1
        stride = min(stride, int(width / (STEP * (site.blocks * BLOCK - 2))) + 1)
        site.first = math.floor((centre - LOWEST) / STEP + 0.5) - site.blocks * BLOCK // 2 * stride
        if site.first >= 0 and site.first + site.blocks * BLOCK * stride <= N_GRID:
            site.stride, site.node, site.gap = stride, LOWEST + STEP * site.first, stride * STEP
            return
    gap = max(min(FREE_STEP * spread, site.widest), least)
    site.blocks = min(int((width / gap + 2.0) / BLOCK) + 1, MOST_BLOCKS)
    site.stride, site.node, site.gap = 0, centre - site.blocks * BLOCK // 2 * gap, gap


@in_place
def _tilt(site, row, weight, work):
    """Moments of the tilted density, without the cavity's constant; leaves weights of the points, and their sum.

    Returns
    -------
    tuple
        Its integral divided by ``exp(peak)``; the peak; mean; variance; whether it is highest at the first point, and
        at the last.
    """
    first, stride, gap = site.first, site.stride, site.gap
    start, half = site.node - site.cavity_mean, 0.5 / site.cavity_variance
    count = site.blocks * BLOCK
    if stride > 0:
        for point in range(count):
            weight[point] = row[first + point * stride]
    else:
        for point in range(count):
            weight[point] = interpolated(row, site.node + point * gap)
    for point in range(count):
        away = start + point * gap
        weight[point] -= half * away * away
    peak = exponentials(weight, count, work)
    middle, total, first_moment, second_moment = 0.5 * count, 0.0, 0.0, 0.0
    for point in range(count):
        away = point - middle
        total += weight[point]
        first_moment += weight[point] * away
        second_moment += weight[point] * away * away
    site.total = total
    away = first_moment / total
    variance = (second_moment / total - away * away) * gap * gap
    at_first, at_last = weight[0] == 1.0, weight[count - 1] == 1.0
    return total * gap, peak, site.node + (middle + away) * gap, variance, at_first, at_last


@in_place
def _located_tilt(site, variance, row, weight, work):
    """`_tilt` around the posterior, or wherever else the tilted density is."""
    mean = site.mean
    for _ in range(MOST_PLACEMENTS):
        if not (abs(mean) < LARGEST and 0.0 < variance < LARGEST):
            break
        _place_nodes(mean, math.sqrt(variance), site)
        integral, peak, tilted_mean, tilted_variance, at_first, at_last = _tilt(site, row, weight, work)
        if at_first or at_last:
            mean, variance = site.node + (0 if at_first else site.blocks * BLOCK - 1) * site.gap, 4.0 * variance
        elif tilted_variance < NARROWEST * site.gap * site.gap:
            mean, variance = tilted_mean, NARROWEST * site.gap * site.gap
        else:
            return integral, peak, tilted_mean, tilted_variance
    return 0.0, 0.0, mean, variance


@in_place
def _update(number, size, more_precision, more_shift, state, spread, column):
    """Add to a site and carry it into the posterior; returns what the determinant is multiplied by."""
    site = state[number]
    growth = 1.0 + more_precision * spread[number, number]
    rate = more_precision / growth
    move = (more_shift - more_precision * site.mean) / growth
    for row in range(size):
        column[row] = spread[row, number]
    for row in range(size):
        state[row].mean += move * column[row]
        scaled = rate * column[row]
        for other in range(size):
            spread[row, other] -= scaled * column[other]
    site.precision += more_precision
    site.shift += more_shift
    return growth


@in_place
def _visit(number, size, damping, least, row, weight, state, spread, column, work):
    """Match a site, of precision `least` or more, to its tilted density; returns as `_update`, 0 where none is."""
    site, variance = state[number], spread[number, number]
    mean = site.mean
    integral, peak, tilted_mean, tilted_variance = _located_tilt(site, variance, row, weight, work)
    if not (integral > 0.0 and tilted_variance > 0.0):
        return 0.0
    off = (tilted_mean - mean) * (tilted_mean - mean)
    near = off < MISPLACED * MISPLACED * variance and abs(tilted_variance - variance) < MISPLACED * variance
    cavity_mean, cavity_variance = site.cavity_mean, site.cavity_variance
    precision = max((cavity_variance - tilted_variance) / (cavity_variance * tilted_variance), least)
    shift = tilted_mean * precision + (tilted_mean - cavity_mean) / cavity_variance
    more_precision, more_shift = precision - site.precision, shift - site.shift
    step = damping
    while 1.0 + step * more_precision * variance < LEAST_GROWTH:
        step *= 0.5
    move = more_shift - more_precision * mean
    small = abs(more_precision) * variance < SETTLED and move * move * variance < SETTLED * SETTLED
    site.placed = near and (step == 1.0 or small)
    growth = _update(number, size, step * more_precision, step * more_shift, state, spread, column)
    grown = 1.0 + site.precision * cavity_variance
    away = site.shift - site.precision * cavity_mean
    normal = (site.shift - 0.5 * site.precision * cavity_mean) * cavity_mean
    site.evidence = peak - normal - 0.5 * (LOG_2_PI + away * away * cavity_variance / grown)
    site.ratio = integral * math.sqrt(grown / cavity_variance)
    return growth


@compiled
def first_guess(guess, data):
    """Precision and shift of each site to start with, and the largest distance of points; shape ``(site, 3)``."""
    starts = np.full((len(data.first) - 1, 3), math.inf)
    for site in range(len(starts)):
        starts[site, 0] = starts[site, 1] = 0.0
        for response in range(data.first[site], data.first[site + 1]):
            starts[site, 0] += guess[data.kind[response], 0]
            starts[site, 1] += guess[data.kind[response], 1]
            starts[site, 2] = min(starts[site, 2], guess[data.kind[response], 2])
    return starts


@in_place
def _start_sites(size, start, covariance, state, spread, column):
    """Prior as posterior, with every site as it is to start; logarithm of the determinant."""
    product = 1.0
    for row in range(size):
        site = state[row]
        site.mean = site.centre
        site.precision, site.shift, site.evidence, site.ratio, site.placed = 0.0, 0.0, 0.0, 1.0, 0
        site.blocks, site.total = 0, 1.0
        for other in range(size):
            spread[row, other] = covariance[row, other]
    log_determinant = 0.0
    for number in range(size):
        precision, shift, state[number].widest = start[number]
        if spread[number, number] > 0.0 and 1.0 + precision * spread[number, number] > LEAST_GROWTH:
            product *= _update(number, size, precision, shift, state, spread, column)
        if not LEAST_PRODUCT < product < MOST_PRODUCT:
            log_determinant += math.log(product)
            product = 1.0
    return log_determinant + math.log(product)


@in_place
def _determine_site(site, kinds, table):
    """The site of a number with an occurrence that follows from exact values: nothing is left to integrate.

    It has the slope and the curvature of the log density at its mean.
    """
    value, slope, precision = 0.0, 0.0, 0.0
    for kind in kinds:
        sign = 1.0 if table[kind, N_GRID - 1] > table[kind, 0] else -1.0
        miss = logistic(-sign * site.centre)
        value += log_logistic(sign * site.centre)
        slope += sign * miss
        precision += miss * (1.0 - miss)
    site.precision, site.shift = precision, slope + precision * site.centre
    site.evidence = value - (site.shift - 0.5 * precision * site.centre) * site.centre


@in_place
def _without_negative(size, state, spread, column):
    """Take out sites of precision below 0; returns what the determinant is multiplied by."""
    product = 1.0
    for number in range(size):
        site = state[number]
        if site.precision < 0.0:
            product *= _update(number, size, -site.precision, -site.shift, state, spread, column)
            site.precision, site.shift, site.placed = 0.0, 0.0, 0
    return product


@in_place
def settle(size, first, kind, start, table, covariance, sites):
    """Expectation propagation for one case, whose centres stand in `state`.

    Leaves the posterior, the sites, and the points of their tilted densities. Sites of precision below
    0 start again where they make a cavity improper; they are kept at 0 where that leads nowhere, and
    then do not count as settled.

    Parameters
    ----------
    size
        Number of sites.
    first
        First response of each site in `kind`, and the end.
    kind, table
        Kinds of all responses, and their log densities on the grid.
    start
        As of `first_guess`.
    covariance
        Of the latent numbers given the exact values.
    sites
        Work arrays, whose `state` holds the centres.

    Returns
    -------
    tuple
        Logarithm of the integral over the latent numbers, minus infinity where there is none;
        whether the sites settled.
    """
    state, spread, rows, weight, column, work = sites
    for number in range(size):
        if first[number + 1] - first[number] > 1:
            add_rows(kind[first[number] : first[number + 1]], table, rows[number])
    log_determinant, product = _start_sites(size, start, covariance, state, spread, column), 1.0
    for number in range(size):
        if covariance[number, number] == 0.0:
            _determine_site(state[number], kind[first[number] : first[number + 1]], table)
    settled = False
    for sweep in range(MOST_SWEEPS):
        settled = True
        damping = 1.0 if sweep < UNDAMPED_SWEEPS else DAMPING
        least = -math.inf if sweep < FREE_SWEEPS else 0.0
        for turn in range(size):
            number = turn if sweep % 2 == 0 else size - 1 - turn
            site, variance = state[number], spread[number, number]
            if covariance[number, number] == 0.0:
                continue
            remainder = 1.0 - site.precision * variance
            if not remainder > LEAST_CAVITY:
                settled = False
                product *= _without_negative(size, state, spread, column)
                continue
            cavity_variance = variance / remainder
            cavity_mean = (site.mean - site.shift * variance) / remainder
            if site.placed:
                change, away = cavity_variance * SETTLED, cavity_mean - site.cavity_mean
                if abs(cavity_variance - site.cavity_variance) < change and away * away < change * SETTLED:
                    continue
            settled = False
            site.cavity_mean, site.cavity_variance = cavity_mean, cavity_variance
            is_single = first[number + 1] - first[number] == 1
            row = table[kind[first[number]]] if is_single else rows[number]
            growth = _visit(number, size, damping, least, row, weight[number], state, spread, column, work)
            if growth == 0.0:
                return -math.inf, False
            product *= growth
        if not LEAST_PRODUCT < product < MOST_PRODUCT:
            log_determinant += math.log(product)
            product = 1.0
        if settled:
            settled = sweep < FREE_SWEEPS
            break
    total, product = -0.5 * (log_determinant + math.log(product)), 1.0
    for number in range(size):
        site = state[number]
        pull = site.shift - site.precision * site.centre
        product *= site.ratio
        total += site.evidence + (site.shift - 0.5 * site.precision * site.centre) * site.centre
        total += 0.5 * pull * (site.mean - site.centre)
        site.slope = site.shift - site.precision * site.mean
        if not LEAST_PRODUCT < product < MOST_PRODUCT:
            total += math.log(product)
            product = 1.0
    return total + math.log(product), settled


@in_place
def evaluate(n_exact, n_latent, values, first, kind, start, table, given, sites):
    """Logarithm of a case's integral, quadratic form of its exact values, and whether its sites settled.

    Parameters
    ----------
    n_exact, n_latent
        Of its pattern, for which `given` was prepared.
    values
        Exact values in the order of the pattern.
    first, kind, start, table, sites
        As of `settle`.
    """
    quadratic = exact_part(
        n_exact, n_latent, values, given.mean, given.precision, given.weights, given.deviation, sites.state
    )
    if n_latent == 0:
        return 0.0, quadratic, True
    integral, settled = settle(n_latent, first, kind, start, table, given.covariance, sites)
    return integral, quadratic, settled


@in_place
def _keep_sites(size, start, state):
    for number in range(size):
        start[number, 0], start[number, 1] = state[number].precision, state[number].shift


@in_place
def _add_densities(case_weight, size, first, kind, state, weight, table_bar):
    """Add `case_weight` times the gradient of a settled case to that of the tables."""
    for number in range(size):
        site = state[number]
        first_point, stride, share = site.first, site.stride, case_weight / site.total
        for response in range(first[number], first[number + 1]):
            row = table_bar[kind[response]]
            if stride > 0:
                for point in range(site.blocks * BLOCK):
                    row[first_point + point * stride] += share * weight[number, point]
            else:
                for point in range(site.blocks * BLOCK):
                    scatter(site.node + point * site.gap, share * weight[number, point], row)


@in_place
def _mix(values, data, weights):
    """Log-likelihood of all who have several cases, whose densities are summed; leaves the cases' probabilities."""
    result = 0.0
    for person in range(len(data.rival_start) - 1):
        rows, peak, density = data.rival[data.rival_start[person] : data.rival_start[person + 1]], -math.inf, 0.0
        for row in rows:
            peak = max(peak, values[row])
        if not math.isfinite(peak):
            return -math.inf
        for row in rows:
            weights[row] = math.exp(values[row] - peak)
            density += weights[row]
        for row in rows:
            weights[row] /= density
        result += peak + math.log(density)
    return result


@in_place
def _add_rows(pattern, second, constant, data, table, starts, given, sites, values, weights, table_bar):
    """Add the gradients of a pattern's cases to its sums and to those of the tables.

    Of people with several cases the first pass leaves the log densities, and the second one uses their probabilities.

    Returns
    -------
    tuple
        Log-likelihood of people with one case; sum of the cases' weights; number of cases that did not settle.
    """
    n_exact, n_latent, several = data.n_exact[pattern], data.n_latent[pattern], data.several[pattern]
    total, people, failed = 0.0, 0.0, 0
    for row in range(data.bounds[pattern], data.bounds[pattern + 1]):
        if second and not weights[row] > LEAST_WEIGHT:
            continue
        start, first = starts[data.site[row] :], data.first[data.site[row] :]
        integral, quadratic, settled = evaluate(
            n_exact, n_latent, data.exact[row], first, data.kind, start, table, given, sites
        )
        value, share = data.constant[row] + constant - 0.5 * quadratic + integral, 1.0
        if second:
            share = weights[row]
        else:
            failed += not settled
            if several:
                values[row] = value
                _keep_sites(n_latent, start, sites.state)
                continue
            total += value
        people += share
        add_to_pattern(share, n_exact, n_latent, sites.state, sites.spread, given)
        _add_densities(share, n_latent, first, data.kind, sites.state, sites.weight, table_bar)
    return total, people, failed


@inlined
def log_likelihood_and_gradient(means: np.ndarray, covariances: np.ndarray, phi: np.ndarray, data: LatentArrays):
    """Log-likelihood of a panel and its gradients in the moments of the linear predictors and in phi.

    Of a person with several cases it is the logarithm of the sum of their densities.

    Parameters
    ----------
    means, covariances
        Moments of the stacked values of each linear system, shapes ``(cell, value)`` and
        ``(cell, value, value)``.
    phi
        Family parameters, shape ``(phi,)``.
    data
        Exact values and responses.

    Returns
    -------
    tuple
        Log-likelihood, minus infinity where a covariance is not allowed or phi is not; its gradients,
        shapes ``(cell, value)``, ``(cell, value, value)``, entries (i, j) and (j, i) being separate
        numbers, and ``(phi,)``, all 0 in that case; the number of cases whose sites did not settle.
    """
    n_cells, n_values = means.shape
    means_bar, covariances_bar = np.zeros((n_cells, n_values)), np.zeros((n_cells, n_values, n_values))
    phi_bar, n_rows, failed = np.zeros(len(phi)), len(data.case), 0
    table, guess, proper = tabulate(data, phi)
    table_bar = np.zeros(table.shape)
    starts = first_guess(guess, data)
    sites, given = work_sites(n_values), work_conditional(n_values)
    values, weights = np.zeros(n_rows), np.zeros(n_rows)
    total = 0.0
    for second in range(2):
        for pattern in range(len(data.cell)):
            if not proper:
                break
            if second and not data.several[pattern]:
                continue
            n_exact, n_latent = data.n_exact[pattern], data.n_latent[pattern]
            log_determinant = condition(pattern, means, covariances, data, given)
            if log_determinant == math.inf:
                proper = False
                break
            clear(given, n_exact, n_latent)
            if is_determined(pattern, data, given):
                total += add_determined_cases(pattern, log_determinant, data, given)
                people = float(data.bounds[pattern + 1] - data.bounds[pattern])
                add_pattern(pattern, people, data, given, means_bar, covariances_bar)
                continue
            constant = -0.5 * (n_exact * LOG_2_PI + log_determinant)
            more, people, unsettled = _add_rows(
                pattern, second, constant, data, table, starts, given, sites, values, weights, table_bar
            )
            total += more
            failed += unsettled
            if people > 0.0:
                add_pattern(pattern, people, data, given, means_bar, covariances_bar)
        if second == 0:
            total += _mix(values, data, weights)
    pull_back(data, phi, table_bar, phi_bar)
    if not (proper and math.isfinite(total)):
        return -math.inf, np.zeros(means.shape), np.zeros(covariances.shape), np.zeros(len(phi)), failed
    return total, means_bar, covariances_bar, phi_bar, failed


@compiled
def case_log_likelihoods(means, covariances, phi, data):
    """Log density of each row of `data`, its log weight included, and the number of cases that did not settle.

    Parameters
    ----------
    means, covariances, phi, data
        As of `log_likelihood_and_gradient`.
    """
    values, failed = np.full(len(data.case), -math.inf), 0
    table, guess, proper = tabulate(data, phi)
    if not proper:
        return values, failed
    starts = first_guess(guess, data)
    sites, given = work_sites(means.shape[1]), work_conditional(means.shape[1])
    for pattern in range(len(data.cell)):
        n_exact, n_latent = data.n_exact[pattern], data.n_latent[pattern]
        log_determinant = condition(pattern, means, covariances, data, given)
        if log_determinant == math.inf:
            continue
        constant = -0.5 * (n_exact * LOG_2_PI + log_determinant)
        for row in range(data.bounds[pattern], data.bounds[pattern + 1]):
            start, first = starts[data.site[row] :], data.first[data.site[row] :]
            integral, quadratic, settled = evaluate(
                n_exact, n_latent, data.exact[row], first, data.kind, start, table, given, sites
            )
            values[row] = data.constant[row] + constant - 0.5 * quadratic + integral
            failed += not settled
    return values, failed


def log_likelihoods(
    means: np.ndarray, covariances: np.ndarray, phi: np.ndarray, data: LatentArrays, n_persons: int
) -> np.ndarray:
    """Log marginal likelihood of each person, shape ``(person,)``; 0 for people without anything.

    Parameters
    ----------
    means, covariances, phi, data
        As of `log_likelihood_and_gradient`.
    n_persons
        Rows of the panel.
    """
    values, _ = case_log_likelihoods(means, covariances, phi, data)
    return by_person(values, data, n_persons)


def by_person(values: np.ndarray, data: LatentArrays, n_persons: int) -> np.ndarray:
    """Logarithm of the sum of the densities of each person's cases; 0 for people without a case."""
    result = np.full(n_persons, -np.inf)
    np.logaddexp.at(result, data.person, values)
    absent = np.ones(n_persons, dtype=bool)
    absent[data.person] = False
    return np.where(absent, 0.0, result)
