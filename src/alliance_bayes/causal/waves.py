"""A fitted cross-lagged panel model as equations: the first wave, then each later wave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..basics.names import lagged_path, number
from ..posterior.fit import Fit
from ..posterior.path_matrices import path_matrices
from .equations import Array, Values

__all__ = ["KINDS", "Version", "occasion", "wave_equations"]

Version = Literal["sample", "population"]
KINDS = ("riclpm", "clpm")


def occasion(measure: str, time: float) -> str:
    """Name of a measure at one wave, as in every table.

    Examples
    --------
    >>> occasion("days", 6.0)
    'days, 6'
    """
    return f"{measure}, {number(time)}"


def _stable(measure: str) -> str:
    return f"stable {measure}"


@dataclass(frozen=True, eq=False)
class _Parameters:
    """Posterior draws of the model in the measures' own units, draws of all chains stacked first."""

    mean: Array  # (draw, time, measure)
    lagged: Array  # (draw, interval, outcome, predictor)
    between: Array | None  # covariances of the random intercepts, (draw, measure, measure); None without them
    within: Array  # covariances of the first wave's deviations, (draw, measure, measure)
    innovation: Array  # covariances, (draw, interval, measure, measure)


def _parameters(draws: xr.Dataset, measures: Sequence[str], random_intercepts: bool) -> _Parameters:
    def stacked(name: str, *dims: str) -> Array:
        array = draws[name].transpose("chain", "draw", *dims).to_numpy()
        return array.reshape(-1, *array.shape[2:])

    lagged = path_matrices(draws["lagged"].transpose("chain", "draw", "interval", "path"), measures)
    within = _covariances(stacked("within_sd", "time", "measure"), stacked("within_correlation", "time", "pair"))
    return _Parameters(
        mean=stacked("mean", "time", "measure"),
        lagged=lagged.reshape(-1, *lagged.shape[2:]),
        between=_covariances(stacked("between_sd", "measure"), stacked("between_correlation", "pair"))
        if random_intercepts
        else None,
        within=within[:, 0],
        innovation=_covariances(
            stacked("innovation_sd", "interval", "measure"), stacked("innovation_correlation", "interval", "pair")
        ),
    )


def _covariances(sds: Array, correlations: Array) -> Array:
    """Matrices from SDs ``(..., measure)`` and correlations ``(..., pair)``, pairs in order of their measures."""
    matrix = sds[..., :, None] * sds[..., None, :]
    for pair, (first, second) in enumerate(combinations(range(sds.shape[-1]), 2)):
        matrix[..., first, second] *= correlations[..., pair]
        matrix[..., second, first] *= correlations[..., pair]
    return matrix


def wave_equations(fit: Fit, version: Version) -> list["_FirstWave | _LaterWave"]:
    """Equations of a fitted RI-CLPM or CLPM.

    In version "sample" the first wave and the stable parts are those of the panel's persons, drawn given everything
    observed of them; in version "population" those of new people from the model.
    """
    measures, times, sizes, data = tuple(fit.spec.measures), fit.panel.times, fit.posterior.sizes, None
    if fit.panel.has_persons:
        columns = [fit.panel.measures.index(name) for name in measures]
        data = fit.panel.require_persons("A sample of persons")[:, :, columns]
    parameters = _parameters(fit.posterior, measures, fit.spec.random_intercepts)
    common = (measures, times, (sizes["chain"], sizes["draw"]), parameters, fit.health.problems, data)
    return [
        _FirstWave(*common, wave=0, sample=version == "sample"),
        *(_LaterWave(*common, wave=wave, paths=tuple(fit.spec.paths)) for wave in range(1, len(times))),
    ]


@dataclass(frozen=True, eq=False)
class _Wave:
    """All measures at one wave."""

    measures: tuple[str, ...]
    times: tuple[float, ...]
    posterior: tuple[int, int]
    parameters: _Parameters
    sampling: tuple[str, ...]
    data: Array | None
    wave: int

    @property
    def at_wave(self) -> tuple[str, ...]:
        return tuple(occasion(name, self.times[self.wave]) for name in self.measures)

    @property
    def stable(self) -> tuple[str, ...]:
        return () if self.parameters.between is None else tuple(map(_stable, self.measures))

    def observed(self, variable: str) -> Array | None:
        if self.data is None or variable not in self.at_wave:
            return None
        return np.asarray(self.data[:, self.wave, self.at_wave.index(variable)])


@dataclass(frozen=True, eq=False)
class _FirstWave(_Wave):
    """Stable parts and values at the first wave, of given or of new people."""

    sample: bool
    at_baseline: ClassVar[bool] = True

    @property
    def variables(self) -> tuple[str, ...]:
        return (*self.stable, *self.at_wave)

    @property
    def in_words(self) -> str:
        return f"the first wave{' and the stable parts' if self.stable else ''}: jointly normal"

    def parents_of(self, variable: str) -> tuple[str, ...]:
        return self.stable if variable in self.at_wave else ()

    def expectation(self, variable: str, values: Values, draws: NDArray[np.int64]) -> None:
        return None

    def simulate(self, values: Values, draws: NDArray[np.int64], rng: np.random.Generator) -> Mapping[str, Array]:
        drawn = self._of_the_sample(draws, rng) if self.sample else self._of_new_people(values, draws, rng)
        return {name: drawn[..., index] for index, name in enumerate(self.variables)}

    def _of_new_people(self, values: Values, draws: NDArray[np.int64], rng: np.random.Generator) -> Array:
        """Draws of new people, ``(draw, copy, person, variable)``."""
        mean, covariance = self._moments(draws, 1)
        factor = np.linalg.cholesky(covariance)[:, None]
        noise = rng.standard_normal((*values.shape, mean.shape[-1]))
        return np.asarray(mean[:, None, None] + noise @ np.swapaxes(factor, -1, -2))

    def _of_the_sample(self, draws: NDArray[np.int64], rng: np.random.Generator) -> Array:
        """Draws given everything observed of each person, ``(draw, 1, person, variable)``: one for all copies."""
        assert self.data is not None
        n_people, n_targets = len(self.data), len(self.variables)
        n_stable = len(self.stable)
        flat = self.data.reshape(n_people, -1)
        mean, covariance = self._moments(draws, len(self.times))
        patterns, pattern_of = np.unique(~np.isnan(flat), axis=0, return_inverse=True)
        noise = rng.standard_normal((len(draws), n_people, n_targets))
        result = np.empty((len(draws), n_people, n_targets))
        for pattern, observed in enumerate(patterns):
            people = np.flatnonzero(pattern_of.ravel() == pattern)
            known = n_stable + np.flatnonzero(observed)
            unknown = np.array([target for target in range(n_targets) if target not in known])
            completed = np.empty((len(draws), len(people), n_targets))
            completed[:, :, known[known < n_targets]] = flat[people][:, known[known < n_targets] - n_stable]
            if len(unknown):
                remaining = covariance[:, unknown[:, None], unknown]
                centre = np.repeat(mean[:, None, unknown], len(people), axis=1)
                if len(known):
                    across = covariance[:, unknown[:, None], known]
                    weights = np.linalg.solve(covariance[:, known[:, None], known], np.swapaxes(across, 1, 2))
                    deviations = flat[people][None, :, observed] - mean[:, None, known]
                    centre = centre + deviations @ weights
                    remaining = remaining - across @ weights
                completed[:, :, unknown] = centre + noise[:, people][:, :, unknown] @ np.swapaxes(
                    _root(remaining), 1, 2
                )
            result[:, people] = completed
        return result[:, None]

    def _moments(self, draws: NDArray[np.int64], n_waves: int) -> tuple[Array, Array]:
        """Mean and covariance of stable parts and the first waves, in the order of `variables` and then of waves."""
        p, size = self.parameters, len(self.measures)
        n_stable = len(self.stable)
        length = n_stable + n_waves * size
        covariance = np.zeros((len(draws), length, length))
        between = np.zeros((len(draws), size, size)) if p.between is None else p.between[draws]
        if n_stable:
            covariance[:, :size, :size] = between
        within = p.within[draws]
        for earlier in range(n_waves):
            rows = slice(n_stable + earlier * size, n_stable + (earlier + 1) * size)
            if n_stable:
                covariance[:, rows, :size] = covariance[:, :size, rows] = between
            across = within
            for later in range(earlier, n_waves):
                columns = slice(n_stable + later * size, n_stable + (later + 1) * size)
                if later > earlier:
                    across = p.lagged[draws, later - 1] @ across
                covariance[:, columns, rows] = between + across
                covariance[:, rows, columns] = np.swapaxes(between + across, 1, 2)
            if earlier < n_waves - 1:
                phi = p.lagged[draws, earlier]
                within = phi @ within @ np.swapaxes(phi, 1, 2) + p.innovation[draws, earlier]
        mean = np.zeros((len(draws), length))
        mean[:, n_stable:] = p.mean[draws, :n_waves].reshape(len(draws), -1)
        return mean, covariance


def _root(covariance: Array) -> Array:
    """A square root of each covariance, which may be singular where the data leave nothing open."""
    values, vectors = np.linalg.eigh((covariance + np.swapaxes(covariance, 1, 2)) / 2)
    return np.asarray(vectors * np.sqrt(np.clip(values, 0, None))[:, None, :])


@dataclass(frozen=True, eq=False)
class _LaterWave(_Wave):
    """All measures at one wave from those at the wave before and the stable parts."""

    paths: tuple[str, ...]
    at_baseline: ClassVar[bool] = False

    @property
    def variables(self) -> tuple[str, ...]:
        return self.at_wave

    @property
    def in_words(self) -> str:
        time = number(self.times[self.wave])
        return f"the wave at {time}: linear in the wave before, normal, with correlated innovations"

    def parents_of(self, variable: str) -> tuple[str, ...]:
        outcome = self.measures[self.variables.index(variable)]
        predictors = [name for name in self.measures if lagged_path(name, outcome) in self.paths]
        return (*(occasion(name, self.times[self.wave - 1]) for name in predictors), *self.stable)

    def simulate(self, values: Values, draws: NDArray[np.int64], rng: np.random.Generator) -> Mapping[str, Array]:
        factor = np.linalg.cholesky(self.parameters.innovation[draws, self.wave - 1])
        noise = [rng.standard_normal(values.shape) for _ in self.measures]
        drawn = {}
        for row, name in enumerate(self.variables):
            value = self.expectation(name, values, draws)
            for column in range(row + 1):
                value += _column(factor[:, row, column]) * noise[column]
            drawn[name] = value
        return drawn

    def expectation(self, variable: str, values: Values, draws: NDArray[np.int64]) -> Array:
        p, row, before = self.parameters, self.variables.index(variable), self.wave - 1
        total = np.broadcast_to(_column(p.mean[draws, self.wave, row]), values.shape).copy()
        if self.stable:
            total += values[self.stable[row]]
        for column, name in enumerate(self.measures):
            effect = p.lagged[draws, before, row, column]
            if not effect.any():
                continue
            deviation = values[occasion(name, self.times[before])] - _column(p.mean[draws, before, column])
            if self.stable:
                deviation = deviation - values[self.stable[column]]
            total += _column(effect) * deviation
        return total


def _column(of_draws: Array) -> Array:
    return of_draws[:, None, None]
