"""Quantities a reader knows by name, from the parameters of the linear system."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..spec.cross_lagged import CrossLagged
from ..spec.steps import steps_per_interval
from .kernel import compiled
from .linear_system import LinearSystem

__all__ = ["Derived", "DerivedArrays", "Quantity", "derive", "derive_many", "derived_quantities"]


@dataclass(frozen=True)
class Quantity:
    """One derived array: its name, dims, and place in the vector of all of them."""

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    start: int

    @property
    def where(self) -> slice:
        """Its place in the derived vector."""
        return slice(self.start, self.start + math.prod(self.shape))


class DerivedArrays(NamedTuple):
    """Where each matrix entry stands in theta; -1 means a lagged effect fixed at 0."""

    lagged: np.ndarray
    between: np.ndarray
    within: np.ndarray
    innovation: np.ndarray
    mean: np.ndarray
    steps: np.ndarray
    size: int


@dataclass(frozen=True, eq=False)
class Derived:
    """What can be derived from theta, and where to find it in the derived vector.

    Attributes
    ----------
    quantities
        In order: ``lagged`` (effect of one raw unit of the predictor, in raw units of the
        outcome), ``lagged_standardized`` (within-person SDs of the outcome at the end of the
        interval per within-person SD of the predictor at its start), ``mean``, ``between_sd``,
        ``between_correlation``, ``within_sd``, ``within_correlation``, ``innovation_sd``,
        ``innovation_correlation`` (over the whole interval), ``intraclass_correlation`` (share
        of a wave's variance that is between people) and ``within_r_squared`` (share of the
        within-person variance at the end of an interval that the wave before predicts).
    arrays
        The layout, for the compiled function.
    """

    quantities: tuple[Quantity, ...]
    arrays: DerivedArrays

    def __getitem__(self, name: str) -> Quantity:
        return next(quantity for quantity in self.quantities if quantity.name == name)


def derived_quantities(spec: CrossLagged, times: tuple[float, ...], system: LinearSystem) -> Derived:
    """Lay out the derived quantities of a model for waves at these times."""
    size, n_waves = len(spec.measures), len(times)
    n_intervals, n_pairs = n_waves - 1, size * (size - 1) // 2
    intervals, waves, pairs = ("interval", n_intervals), ("time", n_waves), ("pair", n_pairs)
    measures, outcomes, predictors = ("measure", size), ("outcome", size), ("predictor", size)
    layout: dict[str, tuple[tuple[str, int], ...]] = {
        "lagged": (intervals, outcomes, predictors),
        "lagged_standardized": (intervals, outcomes, predictors),
        "mean": (waves, measures),
    }
    if spec.random_intercepts:
        layout |= {"between_sd": (measures,), "between_correlation": (pairs,)}
    layout |= {
        "within_sd": (waves, measures),
        "within_correlation": (waves, pairs),
        "innovation_sd": (intervals, measures),
        "innovation_correlation": (intervals, pairs),
    }
    if spec.random_intercepts:
        layout |= {"intraclass_correlation": (waves, measures)}
    layout |= {"within_r_squared": (intervals, measures)}
    quantities: list[Quantity] = []
    start = 0
    for name, dims in layout.items():
        shape = tuple(length for _, length in dims)
        quantities.append(Quantity(name, tuple(dim for dim, _ in dims), shape, start))
        start += math.prod(shape)

    lagged = np.full((n_intervals, size, size), -1)
    covariances = {
        "between": np.full((1, size, size), -1),
        "within": np.full((1, size, size), -1),
        "innovation": np.full((n_intervals, size, size), -1),
    }
    mean = np.full((n_waves, size), -1)
    for position, parameter in enumerate(system.parameters):
        occasion = slice(None) if parameter.occasion is None else parameter.occasion
        match parameter.kind:
            case "lagged":
                lagged[occasion, parameter.measures[0], parameter.measures[1]] = position
            case "mean":
                mean[occasion, parameter.measures[0]] = position
            case kind:
                first, second = parameter.measures
                where = occasion if kind == "innovation" else 0
                covariances[kind][where, first, second] = position
                covariances[kind][where, second, first] = position
    steps = steps_per_interval(times) if spec.lags_for(times) == "grid" else (1,) * n_intervals
    return Derived(
        tuple(quantities),
        DerivedArrays(
            lagged=lagged.astype(np.int64),
            between=covariances["between"][: int(spec.random_intercepts)].astype(np.int64),
            within=covariances["within"].astype(np.int64),
            innovation=covariances["innovation"].astype(np.int64),
            mean=mean.astype(np.int64),
            steps=np.array(steps, dtype=np.int64),
            size=start,
        ),
    )


@compiled
def _matrix(theta, where):
    size = len(where)
    matrix = np.zeros((size, size))
    for row in range(size):
        for column in range(size):
            if where[row, column] >= 0:
                matrix[row, column] = theta[where[row, column]]
    return matrix


@compiled
def _product(left, right):
    size = len(left)
    result = np.zeros((size, size))
    for row in range(size):
        for inner in range(size):
            weight = left[row, inner]
            for column in range(size):
                result[row, column] += weight * right[inner, column]
    return result


@compiled
def _write_correlations(covariance, result, start):
    entry = start
    for row in range(len(covariance)):
        for column in range(row):
            result[entry] = covariance[row, column] / math.sqrt(covariance[row, row] * covariance[column, column])
            entry += 1
    return entry


@compiled
def derive(theta: np.ndarray, layout: DerivedArrays, centre: np.ndarray, scale: np.ndarray):
    """Derived vector at one theta.

    Parameters
    ----------
    theta
        In the model's unit, shape ``(parameter,)``.
    layout
        `Derived.arrays`.
    centre, scale
        Unit of each measure, shape ``(measure,)``.

    Returns
    -------
    numpy.ndarray
        Shape ``(derived,)``; NaN where a variance is not positive.
    """
    n_intervals, size = len(layout.lagged), len(scale)
    n_pairs, n_waves = size * (size - 1) // 2, n_intervals + 1
    random_intercepts = len(layout.between) > 0
    result = np.zeros(layout.size)
    raw, standard = 0, n_intervals * size * size
    means = 2 * standard
    between = means + n_waves * size
    within_sd = between + (size + n_pairs if random_intercepts else 0)
    within_correlation = within_sd + n_waves * size
    innovation_sd = within_correlation + n_waves * n_pairs
    innovation_correlation = innovation_sd + n_intervals * size
    shares = innovation_correlation + n_intervals * n_pairs
    r_squared = shares + (n_waves * size if random_intercepts else 0)

    between_covariance = np.zeros((size, size))
    if random_intercepts:
        between_covariance = _matrix(theta, layout.between[0])
        for measure in range(size):
            result[between + measure] = scale[measure] * math.sqrt(between_covariance[measure, measure])
        _write_correlations(between_covariance, result, between + size)

    covariance = _matrix(theta, layout.within[0])
    for wave in range(n_waves):
        if wave > 0:
            interval = wave - 1
            step = _matrix(theta, layout.lagged[interval])
            noise = _matrix(theta, layout.innovation[interval])
            effects, innovation = step.copy(), noise.copy()
            for _ in range(layout.steps[interval] - 1):
                effects = _product(step, effects)
                innovation = _product(_product(step, innovation), step.T) + noise
            before = covariance
            covariance = _product(_product(effects, before), effects.T) + innovation
            for outcome in range(size):
                result[innovation_sd + interval * size + outcome] = scale[outcome] * math.sqrt(
                    innovation[outcome, outcome]
                )
                result[r_squared + interval * size + outcome] = (
                    1.0 - innovation[outcome, outcome] / covariance[outcome, outcome]
                )
                for predictor in range(size):
                    place = (interval * size + outcome) * size + predictor
                    effect = effects[outcome, predictor]
                    result[raw + place] = effect * scale[outcome] / scale[predictor]
                    result[standard + place] = effect * math.sqrt(
                        before[predictor, predictor] / covariance[outcome, outcome]
                    )
            _write_correlations(innovation, result, innovation_correlation + interval * n_pairs)
        for measure in range(size):
            place = wave * size + measure
            variance = covariance[measure, measure]
            result[means + place] = centre[measure] + scale[measure] * theta[layout.mean[wave, measure]]
            result[within_sd + place] = scale[measure] * math.sqrt(variance)
            if random_intercepts:
                stable = between_covariance[measure, measure]
                result[shares + place] = stable / (stable + variance)
        _write_correlations(covariance, result, within_correlation + wave * n_pairs)
    return result


@compiled
def derive_many(thetas: np.ndarray, layout: DerivedArrays, centre: np.ndarray, scale: np.ndarray):
    """Derived vectors at many theta, shape ``(draw, derived)``."""
    result = np.empty((len(thetas), layout.size))
    for draw in range(len(thetas)):
        result[draw] = derive(thetas[draw], layout, centre, scale)
    return result
