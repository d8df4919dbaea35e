"""What a fitted model says of people: their stable parts, their next waves, and replicated panels."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.linalg import solve_triangular
from scipy.special import ndtr

from ...basics.problems import SpecError
from ...engine.kernels.interpreter import run
from ...engine.kernels.moments import moments
from ...engine.kernels.persons import conditional_draws
from ...engine.moments.linear_system import PanelSystem, joined_arrays
from ...engine.moments.statistics import by_pattern, people_by_pattern
from ...engine.parameters import ParameterTable

__all__ = ["continued", "draw_unobserved", "lower_factor", "predictive_shares", "replicate", "statistic_table"]

# Eigenvalues of correlations, as shares of the largest: rounding of moments moves them by less than the first, and a
# matrix whose eigenvalues are above the second has a factor in double precision.
MOST_NEGATIVE, LEAST_EIGENVALUE = 1e-8, 1e-12


def draw_unobserved(
    system: PanelSystem,
    targets: Sequence[int],
    thetas: np.ndarray,
    values: np.ndarray,
    rng: np.random.Generator,
    person_cell: np.ndarray | None = None,
) -> np.ndarray:
    """Draw variables of a system for every person given what was observed of them.

    Parameters
    ----------
    system
        The model.
    targets
        Positions of the variables to draw.
    thetas
        One draw of the parameters per row, shape ``(draw, parameter)``, in the model's unit.
    values
        Values in the model's unit, then covariates, shape ``(person, value)``, NaN where absent or not to be used.
    rng
        Source of the random numbers.
    person_cell
        Cell of each person; one for all where left open.

    Returns
    -------
    numpy.ndarray
        Shape ``(draw, person, target)``, in the model's unit.

    Raises
    ------
    SpecError
        If the values' covariance at a draw is not positive definite, so that nothing can be given them.
    """
    joint = joined_arrays([replace(each, observed=(*targets, *each.observed)) for each in system.systems])
    n_cells = len(system.systems)
    patterns, person_pattern = by_pattern(values, person_cell=person_cell, n_cells=n_cells, keep_empty=True)
    order, bounds = people_by_pattern(person_pattern, len(patterns.people))
    shape = (len(thetas), len(values), len(targets))
    result, normals = np.empty(shape), rng.standard_normal(shape)
    conditional_draws(
        thetas, system.structure_arrays, joint, len(targets), patterns, values, order, bounds, normals, result
    )
    lost = ~np.isfinite(result).all(axis=(1, 2))
    if lost.any():
        raise SpecError(
            f"At {lost.sum()} of {len(thetas)} draws of the parameters the covariance of the values is singular, so "
            "that nobody's other values can be drawn given them. See fit.health; simplify the model, or leave out "
            "waves that follow exactly from those before."
        )
    return result


def continued(table: ParameterTable, longer: ParameterTable, thetas: np.ndarray) -> np.ndarray:
    """Parameters of a model with more waves, in which the last interval and wave go on.

    Parameters
    ----------
    table
        Of the fitted model.
    longer
        Of the same model for more waves.
    thetas
        Parameters of the first, shape ``(draw, parameter)``.

    Returns
    -------
    numpy.ndarray
        Shape ``(draw, parameter of the longer model)``.
    """
    found = np.zeros((len(thetas), len(longer)))
    for (key, group, occasion), positions in longer.arrays.items():
        before = table.arrays.get((key, group, occasion))
        if before is None:
            last = max(each for known, of, each in table.arrays if (known, of) == (key, group) and each is not None)
            before = table.arrays[key, group, last]
        free = positions >= 0
        found[:, positions[free]] = np.where(before >= 0, thetas[:, before], 0.0)[:, free]
    return found


def lower_factor(covariance: np.ndarray) -> np.ndarray:
    """Lower triangular factor of a covariance that may be singular.

    Where it is not positive definite to rounding, that of the nearest one whose correlations have no eigenvalue below
    1e-12 of the largest: SDs stay, and what depends exactly on the rest gets next to no variance of its own.

    Parameters
    ----------
    covariance
        Shape ``(value, value)``.

    Raises
    ------
    SpecError
        If it is not finite, or has a negative eigenvalue that is not rounding.
    """
    try:
        factor = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        pass
    else:
        if np.isfinite(factor).all():
            return factor
    variances = np.diagonal(covariance)
    sds = np.sqrt(np.where(variances > 0, variances, 1.0))
    correlations = covariance / np.outer(sds, sds)
    if not np.isfinite(correlations).all():
        raise SpecError("The covariance of the values that a draw of the parameters implies is not finite.")
    eigenvalues, directions = np.linalg.eigh(correlations)
    largest = max(eigenvalues[-1], 1.0)
    if eigenvalues[0] < -MOST_NEGATIVE * largest:
        raise SpecError(
            "The covariance of the values that a draw of the parameters implies is not one: an eigenvalue of its "
            f"correlations is {eigenvalues[0]:.2g}."
        )
    kept = np.maximum(eigenvalues, LEAST_EIGENVALUE * largest)
    return np.asarray(sds[:, None] * np.linalg.cholesky((directions * kept) @ directions.T))


def replicate(
    system: PanelSystem,
    theta: np.ndarray,
    values: np.ndarray,
    rng: np.random.Generator,
    person_cell: np.ndarray | None = None,
) -> np.ndarray:
    """One panel of new people from the model, with the same covariates, and the same values missing.

    Parameters
    ----------
    system
        The model.
    theta
        One draw of the parameters, in the model's unit.
    values
        Values in the model's unit, then covariates, shape ``(person, value)``.
    rng
        Source of the random numbers.
    person_cell
        Cell of each person; one for all where left open.

    Returns
    -------
    numpy.ndarray
        Shape ``(person, value)`` without the covariates, in the model's unit, NaN where nothing was observed.
    """
    registers, _ = run(theta, system.structure_arrays)
    n_values = values.shape[1] - system.n_covariates
    drawn = np.empty((len(values), n_values))
    for cell, linear in enumerate(system.systems):
        members = slice(None) if person_cell is None else person_cell == cell
        mean, covariance = moments(registers, linear.arrays)
        centre, left = mean[:n_values], covariance[:n_values, :n_values]
        if system.n_covariates:
            slopes = covariance[:n_values, n_values:]
            centre, left = centre + values[members][:, n_values:] @ slopes.T, left - slopes @ slopes.T
        normals = rng.standard_normal(drawn[members].shape)
        drawn[members] = centre + normals @ lower_factor(left).T
    return np.where(np.isnan(values[:, :n_values]), np.nan, drawn)


def predictive_shares(
    system: PanelSystem,
    thetas: np.ndarray,
    weights: np.ndarray,
    values: np.ndarray,
    n_columns: int,
    person_cell: np.ndarray | None = None,
) -> np.ndarray:
    """Predictive probability of less than each value, given the person's values at earlier waves and covariates.

    Parameters
    ----------
    system
        The model.
    thetas
        Draws of the parameters, shape ``(draw, parameter)``, in the model's unit.
    weights
        Weight of each draw for each person, shape ``(draw, person)``, of sum 1 over draws.
    values
        Values in the model's unit, then covariates, shape ``(person, value)``, NaN where absent.
    n_columns
        Values of one wave.
    person_cell
        Cell of each person; one for all where left open.

    Returns
    -------
    numpy.ndarray
        Shape ``(person, value)`` without the covariates, in [0, 1], NaN where nothing was observed.

    Notes
    -----
    With L the Cholesky factor of the covariance in the order of the waves and z the independent parts
    ``L^-1 (y - mean)``, what the earlier waves leave of a value is the sum of ``L z`` over its own wave.
    """
    n_values = values.shape[1] - system.n_covariates
    order = np.concatenate([np.arange(n_values, values.shape[1]), np.arange(n_values)])
    wave = np.concatenate([np.full(system.n_covariates, -1), np.arange(n_values) // n_columns])
    seen = ~np.isnan(values[:, order])
    result = np.where(np.isnan(values[:, :n_values]), np.nan, 0.0)
    cells = np.zeros(len(values), dtype=int) if person_cell is None else person_cell
    keys, group = np.unique(np.column_stack([cells, seen]), axis=0, return_inverse=True)
    members = [np.flatnonzero(group == place) for place in range(len(keys))]
    for theta, shares in zip(thetas, weights, strict=True):
        registers, _ = run(theta, system.structure_arrays)
        implied = [moments(registers, linear.arrays) for linear in system.systems]
        for key, people in zip(keys, members, strict=True):
            mean, covariance = implied[key[0]]
            where = order[key[1:].astype(bool)]
            waves = wave[key[1:].astype(bool)]
            lower = lower_factor(covariance[np.ix_(where, where)])
            parts = solve_triangular(lower, (values[np.ix_(people, where)] - mean[where]).T, lower=True)
            own = (lower * (waves[:, None] == waves))[waves >= 0]
            left = own @ parts / np.sqrt((own**2).sum(axis=1))[:, None]
            result[np.ix_(people, where[waves >= 0])] += shares[people, None] * ndtr(left.T)
    return result


def statistic_table(values: np.ndarray, measures: Sequence[str], waves: Sequence[str]) -> pd.Series:
    """Means, SDs, correlations within a wave and with the next wave, each from the people who have both.

    Parameters
    ----------
    values
        Shape ``(person, value)``, stacked wave by wave, NaN where absent.
    measures, waves
        Their names.

    Returns
    -------
    pandas.Series
        Indexed by ``statistic`` (``mean``, ``sd``, ``correlation``, ``lagged correlation``) and
        ``of``; NaN where fewer than three people have both values.
    """
    n_measures = len(measures)
    positions = [
        (wave * n_measures + measure, f"{name}, {label}")
        for wave, label in enumerate(waves)
        for measure, name in enumerate(measures)
    ]
    seen = ~np.isnan(values)
    filled = np.where(seen, values, 0.0)
    counts = seen.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = filled.sum(axis=0) / counts
        deviations = np.where(seen, filled - means, 0.0)  # a large mean would swamp sums of squares
        sds = np.sqrt((deviations**2).sum(axis=0) / (counts - 1))
        correlations = _pairwise_correlations(deviations, seen)
    rows: dict[tuple[str, str], float] = {("mean", name): means[place] for place, name in positions}
    rows |= {("sd", name): sds[place] for place, name in positions}
    for earlier, first in positions:
        for later, second in positions:
            gap = later // n_measures - earlier // n_measures
            if gap == 0 and earlier < later:
                rows["correlation", f"{first} and {second}"] = correlations[earlier, later]
            elif gap == 1:
                rows["lagged correlation", f"{first} and {second}"] = correlations[earlier, later]
    index = pd.MultiIndex.from_tuples(rows, names=["statistic", "of"])
    return pd.Series(list(rows.values()), index=index, name="value")


def _pairwise_correlations(deviations: np.ndarray, seen: np.ndarray) -> np.ndarray:
    weights = seen.astype(float)
    counts = weights.T @ weights
    sums = deviations.T @ weights
    squares = (deviations**2).T @ weights
    products = deviations.T @ deviations
    covariance = products / counts - (sums / counts) * (sums / counts).T
    variance = squares / counts - (sums / counts) ** 2
    correlations = covariance / np.sqrt(variance * variance.T)
    return np.where(counts >= 3, correlations, np.nan)
