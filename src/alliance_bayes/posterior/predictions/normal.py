"""People whose measures are normal: conditional draws, replicated panels, and a panel's chi-square."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular
from scipy.special import ndtr

from ...basics.problems import SpecError
from ...engine.kernels.interpreter import run
from ...engine.kernels.moments import moments
from ...engine.kernels.persons import conditional_draws, log_likelihoods_per_person
from ...engine.linear_system import PanelSystem, joined_arrays
from ...engine.model_on_panel import PanelModel
from ...engine.statistics import by_pattern, people_by_pattern
from ...likelihood.persons import per_person
from .responses import Responses

__all__ = ["NormalPeople", "chi_square_of", "draw_unobserved", "lower_factor", "predictive_shares", "replicate"]

# Eigenvalues of correlations, as shares of the largest: rounding of moments moves them by less than the first, and a
# matrix whose eigenvalues are above the second has a factor in double precision.
MOST_NEGATIVE, LEAST_EIGENVALUE = 1e-8, 1e-12
MOST_VALUES = 5_000_000  # drawn at a time

type FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NormalPeople:
    """`People` whose values, intercepts and states are jointly normal."""

    model: PanelModel

    n_draws: ClassVar[int] = 1000
    n_checks: ClassVar[int] = 500

    def log_densities(self, thetas: FloatArray, persons: npt.NDArray[np.int64], *, n_known: int = 0) -> FloatArray:
        """As of `People`."""
        model = self.model
        if not n_known and model.units is None:
            return per_person(model, thetas, persons)
        values, n_values, n_columns = model.values(persons), model.system.n_values, len(model.spec.columns)
        known = values.copy()
        known[:, n_known * n_columns : n_values] = np.nan
        scored = ~np.isnan(values[:, :n_values]) & np.isnan(known[:, :n_values])
        log_scale = np.tile(np.log(model.column_units[1]), n_values // n_columns)
        density = self._joint(thetas, values, persons) - self._joint(thetas, known, persons)
        return np.asarray(density - scored @ log_scale)

    def variables(self, targets: Sequence[int], thetas: FloatArray, rng: np.random.Generator) -> FloatArray:
        """As of `People`."""
        model = self.model
        return draw_unobserved(model.system, targets, thetas, model.values(), rng, model.design.person_cell)

    def replicated(self, theta: FloatArray, rng: np.random.Generator, *, complete: bool = False) -> Responses:
        """As of `People`."""
        model = self.model
        values = np.nan_to_num(self._values) if complete else self._values
        return self._responses(replicate(model.system, theta, values, rng, model.design.person_cell))

    def completed_and_replicated(
        self, thetas: FloatArray, rng: np.random.Generator
    ) -> Iterator[tuple[Responses, Responses]]:
        """As of `People`, of the people with any value."""
        n_values = self.model.system.n_values
        for completed, replicated in self._complete_panels(thetas, rng):
            yield self._responses(completed[:, :n_values]), self._responses(replicated[:, :n_values])

    def chi_squares(self, thetas: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """As of `People`."""
        model = self.model
        values, cells = self._with_any_value
        people = np.bincount(
            np.zeros(len(values), dtype=int) if cells is None else cells, minlength=len(model.system.systems)
        )
        if len(model.design.cells) > model.design.n_groups or people.min() <= values.shape[1] + 1:
            return np.full(len(thetas), np.nan), np.full(len(thetas), np.nan)
        statistics = [
            [chi_square_of(model.system, theta, panel, cells) for panel in panels]
            for theta, panels in zip(thetas, self._complete_panels(thetas, rng), strict=True)
        ]
        completed, replicated = np.array(statistics).T
        return completed, replicated

    def predicted(self, wave: int, thetas: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """As of `People`."""
        size = len(self.model.spec.columns)
        targets = self.model.system.systems[0].observed[wave * size : (wave + 1) * size]
        centre, unit = self.model.column_units
        return self.variables(targets, thetas, rng) * unit + centre, np.zeros((len(thetas), 0))

    def imputed(self, measure: str, theta: FloatArray, rng: np.random.Generator) -> Callable[[float], FloatArray]:
        """As of `People`."""
        model, spec = self.model, self.model.spec
        (drawn,) = self.variables(model.system.systems[0].observed[: model.system.n_values], theta[None], rng)
        values = self._responses(drawn).values.reshape(len(drawn), len(model.panel.times), -1)
        scale = np.where(np.isin(spec.columns, spec.columns_of(measure)), model.column_units[1], 0.0)
        return lambda shift: np.asarray(values + shift * scale)

    def predictive_shares(self, thetas: FloatArray, weights: FloatArray, rng: np.random.Generator) -> FloatArray:
        """As of `People`."""
        values, cells = self._with_any_value
        return predictive_shares(self.model.system, thetas, weights, values, len(self.model.spec.columns), cells)

    def integration_error(self, thetas: FloatArray, seed: int, *, n_known: int = 0) -> None:
        """None: nothing is approximated."""

    @cached_property
    def _values(self) -> FloatArray:
        return self.model.values()

    @property
    def _with_any_value(self) -> tuple[FloatArray, npt.NDArray[np.int64] | None]:
        """Values, then covariates, and cells of the people with any value."""
        cells = self.model.design.person_cell
        observed = ~np.isnan(self._values[:, : self.model.system.n_values]).all(axis=1)
        return self._values[observed], None if cells is None else cells[observed]

    def _responses(self, values: FloatArray) -> Responses:
        """Values in their own units, of values in the model's unit."""
        centre, unit = (np.tile(part, values.shape[1] // len(part)) for part in self.model.column_units)
        return Responses(values * unit + centre, np.zeros((len(values), 0)))

    def _complete_panels(self, thetas: FloatArray, rng: np.random.Generator) -> Iterator[tuple[FloatArray, FloatArray]]:
        """The completed panel and a replicated one at each theta: values in the model's unit, then covariates."""
        system, n_values = self.model.system, self.model.system.n_values
        values, cells = self._with_any_value
        targets = system.systems[0].observed[:n_values]
        absent = np.isnan(values[:, :n_values])
        step = max(1, MOST_VALUES // max(1, values.size))
        for start in range(0, len(thetas), step):
            block = np.ascontiguousarray(thetas[start : start + step])
            drawn = (
                draw_unobserved(system, targets, block, values, rng, cells) if absent.any() else [absent] * len(block)
            )
            for theta, filled in zip(block, drawn, strict=True):
                completed = values.copy()
                completed[:, :n_values] = np.where(absent, filled, values[:, :n_values])
                replicated = completed.copy()
                replicated[:, :n_values] = replicate(system, theta, completed, rng, cells)
                yield completed, replicated

    def _joint(self, thetas: FloatArray, values: FloatArray, persons: npt.NDArray[np.int64]) -> FloatArray:
        """Log density of values and covariates in the model's unit, 0 where there are none; ``(draw, person)``."""
        system, cells = self.model.system, self.model.design.person_cell
        members = None if cells is None else cells[persons]
        patterns, person_pattern = by_pattern(values, person_cell=members, n_cells=len(system.systems))
        density = np.zeros((len(thetas), len(values)))
        if len(patterns.people):
            order, bounds = people_by_pattern(person_pattern, len(patterns.people))
            arrays = (system.structure_arrays, system.arrays, patterns)
            log_likelihoods_per_person(np.ascontiguousarray(thetas), *arrays, values, order, bounds, density)
        return density


def draw_unobserved(
    system: PanelSystem,
    targets: Sequence[int],
    thetas: np.ndarray,
    values: np.ndarray,
    rng: np.random.Generator,
    person_cell: np.ndarray | None = None,
) -> np.ndarray:
    """Draw variables of a system for every person given their values.

    Values are in the model's unit, then covariates, shape ``(person, value)``, NaN where missing or not to be used. The
    result has the shape ``(draw, person, target)``, in the model's unit. Raises a SpecError where the covariance of the
    values at a draw is not positive definite, so that nothing can be drawn given them.
    """
    joint = joined_arrays([replace(linear, observed=(*targets, *linear.observed)) for linear in system.systems])
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
            "that other values cannot be drawn given them. See fit.health; simplify the model, or exclude waves that "
            "follow exactly from earlier ones."
        )
    return result


def lower_factor(covariance: np.ndarray) -> np.ndarray:
    """Lower triangular factor of a covariance that may be singular.

    Where it is not positive definite to rounding, that of the nearest one whose correlations have no eigenvalue below
    1e-12 of the largest: SDs are kept, and a value that depends exactly on the others gets a minimal residual variance.

    Raises a SpecError where it is not finite, or has a negative eigenvalue beyond rounding.
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
            "The covariance of the values that a draw of the parameters implies is invalid: an eigenvalue of its "
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

    Values are in the model's unit, then covariates, shape ``(person, value)``; the result has no covariates.
    """
    registers, _ = run(theta, system.structure_arrays)
    n_values = values.shape[1] - system.n_covariates
    drawn = np.empty((len(values), n_values))
    for cell, linear in enumerate(system.systems):
        members = slice(None) if person_cell is None else person_cell == cell
        mean, covariance = moments(registers, linear.arrays)
        centre, residual_covariance = mean[:n_values], covariance[:n_values, :n_values]
        if system.n_covariates:
            slopes = covariance[:n_values, n_values:]
            centre = centre + values[members][:, n_values:] @ slopes.T
            residual_covariance = residual_covariance - slopes @ slopes.T
        normals = rng.standard_normal(drawn[members].shape)
        drawn[members] = centre + normals @ lower_factor(residual_covariance).T
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

    Weights have the shape ``(draw, person)`` and the sum 1 over draws; values are in the model's unit, then covariates,
    ``(person, value)``. The result is in [0, 1], without the covariates, NaN where a value is missing.

    With L the Cholesky factor of the covariance in the order of the waves and z the independent parts
    ``L^-1 (y - mean)``, the innovation of a value is the sum of ``L z`` over its wave.
    """
    n_values = values.shape[1] - system.n_covariates
    order = np.concatenate([np.arange(n_values, values.shape[1]), np.arange(n_values)])
    wave = np.concatenate([np.full(system.n_covariates, -1), np.arange(n_values) // n_columns])
    observed = ~np.isnan(values[:, order])
    result = np.where(np.isnan(values[:, :n_values]), np.nan, 0.0)
    cells = np.zeros(len(values), dtype=int) if person_cell is None else person_cell
    keys, group = np.unique(np.column_stack([cells, observed]), axis=0, return_inverse=True)
    members = [np.flatnonzero(group == index) for index in range(len(keys))]
    for theta, person_weights in zip(thetas, weights, strict=True):
        registers, _ = run(theta, system.structure_arrays)
        implied = [moments(registers, linear.arrays) for linear in system.systems]
        for key, people in zip(keys, members, strict=True):
            mean, covariance = implied[key[0]]
            present = key[1:].astype(bool)
            position, waves = order[present], wave[present]
            lower = lower_factor(covariance[np.ix_(position, position)])
            parts = solve_triangular(lower, (values[np.ix_(people, position)] - mean[position]).T, lower=True)
            within_wave = (lower * (waves[:, None] == waves))[waves >= 0]
            deviations = within_wave @ parts / np.sqrt((within_wave**2).sum(axis=1))[:, None]
            result[np.ix_(people, position[waves >= 0])] += person_weights[people, None] * ndtr(deviations.T)
    return result


def chi_square_of(
    system: PanelSystem, theta: FloatArray, values: FloatArray, person_cell: npt.NDArray[np.int64] | None = None
) -> float:
    """Twice the log-likelihood of the saturated model minus that of the model at theta, for complete values.

    ``n (log det S_model - log det S + tr(S_model^-1 R) - p)`` summed over groups, S the covariance of the
    residuals of the regression on the covariates, and R the mean square of deviations from the model's means.
    """
    registers, _ = run(theta, system.structure_arrays)
    n_values = values.shape[1] - system.n_covariates
    total = 0.0
    for cell, linear in enumerate(system.systems):
        members = values if person_cell is None else values[person_cell == cell]
        outcomes, covariates = members[:, :n_values], members[:, n_values:]
        mean, covariance = moments(registers, linear.arrays)
        slopes = covariance[:n_values, n_values:]
        residual_covariance = covariance[:n_values, :n_values] - slopes @ slopes.T
        predictors = np.column_stack([np.ones(len(members)), covariates])
        residuals = outcomes - predictors @ np.linalg.lstsq(predictors, outcomes)[0]
        deviations = outcomes - mean[:n_values] - covariates @ slopes.T
        _, unrestricted = np.linalg.slogdet(residuals.T @ residuals / len(members))
        lower = lower_factor(residual_covariance)
        implied = 2 * np.log(np.diagonal(lower)).sum()
        quadratic = float((solve_triangular(lower, deviations.T, lower=True) ** 2).sum())
        total += len(members) * (implied - unrestricted - n_values) + quadratic
    return total
