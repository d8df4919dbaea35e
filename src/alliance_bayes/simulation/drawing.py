"""Persons from the equations of a truth: independent shocks, and what they add up to wave by wave."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from .covariates import Covariate, covariates_of
from .dynamics import Interval, intervals_of
from .measurement import items_of
from .reading import Array
from .responses import drawn_responses
from .state import RandomNumbers, course, shifted
from .true_process import TrueProcess

__all__ = ["Drawn", "Shocks", "draw", "error_sds", "population"]

type Streams = tuple[np.random.Generator, ...]


@dataclass(frozen=True, eq=False)
class Shocks:
    """Independent shocks of persons, each with mean 0 and variance 1."""

    factors: Array  # of the stable factors, dims (person, factor)
    states: Array  # of the within-person parts: of the first wave, then innovations; dims (person, wave, measure)
    covariates: Array  # of covariates that do not change, dims (person, covariate)
    traits: Array  # of the stable part of covariates that vary, dims (person, covariate)
    changes: Array  # of their other part, dims (person, wave, covariate)
    errors: Array  # measurement errors, dims (person, wave, measure)
    uniques: Array  # unique parts of the columns, dims (person, wave, column)

    @classmethod
    def units(cls, truth: TrueProcess) -> "Shocks":
        """One 'person' for each shock, who has a 1 there and 0 elsewhere."""
        shapes = list(_shapes(truth).values())
        sizes = [int(np.prod(shape)) for shape in shapes]
        identity = np.split(np.eye(sum(sizes)), np.cumsum(sizes)[:-1], axis=1)
        return cls(*(block.reshape(sum(sizes), *shape) for block, shape in zip(identity, shapes, strict=True)))

    @classmethod
    def drawn(cls, truth: TrueProcess, persons: int, streams: Streams) -> "Shocks":
        """Normal shocks of persons; a covariate with a probability is 0 or 1 before it is standardised."""
        for_states, for_slopes, for_covariates, for_changes, for_measurement = streams
        waves, measures = len(truth.times), len(truth.spec.measures)
        shapes = _shapes(truth)
        first = for_states.standard_normal((persons, 1 + waves, measures))
        factors = first[:, 0]
        if truth.factors.slopes:
            factors = np.hstack([factors, for_slopes.standard_normal((persons, measures))])
        constant = [covariate for covariate in covariates_of(truth) if not covariate.varies]
        changes = for_changes.standard_normal((persons, 1 + waves, *shapes["traits"]))
        measurement = for_measurement.standard_normal((persons, waves, shapes["errors"][1] + shapes["uniques"][1]))
        return cls(
            factors,
            first[:, 1:],
            _constant(constant, for_covariates.random((persons, len(constant)))),
            changes[:, 0],
            changes[:, 1:],
            measurement[..., : shapes["errors"][1]],
            measurement[..., shapes["errors"][1] :],
        )


@dataclass(frozen=True, eq=False)
class Drawn:
    """What shocks add up to, raw units."""

    columns: Array  # of the measures or their indicators, dims (person, wave, column)
    values: Array  # measures without measurement error, dims (person, wave, measure)
    covariates: dict[str, Array]  # those that do not change, each of shape (person,)
    varying: dict[str, Array]  # those that vary, each with dims (person, wave)
    on: NDArray[np.bool_] | None = None  # whether the state is on, dims (person, wave)
    # Random intercepts and within-person parts together, NaN where they do not exist, dims (person, wave, measure)
    deviations: Array | None = None


def draw(
    truth: TrueProcess,
    persons: int,
    streams: Streams,
    times: Array | None = None,
    of_latent: Streams = (),
    added: Array | None = None,
) -> Drawn:
    """Persons of a truth, means included.

    `streams` are five random generators, `of_latent` three more: two for the course of a state, one for responses that
    are not normal. `times` are each person's own, dims (person, wave). `added`, dims (wave, measure), is an experiment:
    it is added to everybody's within-person parts, raw units, which go on from there.
    """
    shocks = Shocks.drawn(truth, persons, streams)
    moderators = _moderators(truth, shocks)
    intervals = intervals_of(truth, moderators, times)
    along = truth.along(np.asarray(truth.times) if times is None else times - times[:, :1] + truth.times[0])
    numbers = None if truth.spec.state is None else RandomNumbers.drawn(truth, persons, (of_latent[0], of_latent[1]))
    deviations = _deviations(truth, shocks, intervals, along, error_sds(truth), numbers, added)
    means = _means(truth, intervals, along)
    covariate_means = {covariate.name: covariate.mean for covariate in covariates_of(truth)}
    columns = deviations.columns + _measured(truth, means)
    if truth.spec.is_latent:
        columns = drawn_responses(truth, columns, of_latent[2])
    return Drawn(
        columns,
        deviations.values + means,
        {name: covariate_means[name] + values for name, values in deviations.covariates.items()},
        {name: covariate_means[name] + values for name, values in deviations.varying.items()},
        deviations.on,
        deviations.deviations,
    )


def population(
    truth: TrueProcess, *, moderators: Array | None = None, with_error: bool = True
) -> tuple[Array, Array, Array]:
    """Covariance of the stacked columns, variances of the measures without error, and means of the columns.

    Dims (wave and column, wave and column), (measure,) pooled over waves, and (wave, column).
    """
    shocks = Shocks.units(truth)
    intervals = intervals_of(truth, moderators)
    if moderators is not None:
        intervals = [
            Interval(interval.effects[0], _first(interval.innovation), _first(interval.acting), interval.second)
            for interval in intervals
        ]
    along = truth.along(np.asarray(truth.times))
    errors = error_sds(truth) if with_error else np.zeros(len(truth.spec.measures))
    moved = _deviations(truth, shocks, intervals, along, errors)
    flat = moved.columns.reshape(len(moved.columns), -1)
    pooled = np.sum(moved.values**2, axis=0).mean(axis=0)
    return flat.T @ flat, pooled, _measured(truth, _means(truth, intervals, along))


def error_sds(truth: TrueProcess) -> Array:
    """SDs of measurement error of the measures; see `Truth.error_sds`."""
    if truth.spec.error:
        shares = truth._each(truth.error_share) * (1 - truth._shares)
        return np.asarray(truth._total_sds * np.sqrt(shares))
    reliability = truth._reliability
    if np.all(reliability == 1):
        return np.zeros(len(truth.spec.measures))
    true_variances = population(truth, with_error=False)[1]
    return np.sqrt(true_variances * (1 - reliability) / reliability)


def _first(matrices: Array) -> Array:
    return matrices[0] if matrices.ndim == 3 else matrices


def _deviations(
    truth: TrueProcess,
    shocks: Shocks,
    intervals: list[Interval],
    along: Array,
    error_sds: Array,
    numbers: RandomNumbers | None = None,
    added: Array | None = None,
) -> Drawn:
    """Deviations from the means, wave by wave; without `numbers`, of people in whom the state is always on."""
    spec, stable, waves = truth.spec, truth.factors, len(truth.times)
    added = np.zeros(shocks.states.shape[1:]) if added is None else added
    covariates = covariates_of(truth)
    constant = [covariate for covariate in covariates if not covariate.varies]
    varying = [covariate for covariate in covariates if covariate.varies]
    held = {covariate.name: covariate.sd * shocks.covariates[:, index] for index, covariate in enumerate(constant)}
    persons, _, measures = shocks.states.shape
    acting = partial(_acting, (persons, measures), constant, held)
    changing = {covariate.name: _own_course(covariate, index, shocks) for index, covariate in enumerate(varying)}

    own_factors = _times(stable.root, shocks.factors)
    factors = own_factors + np.hstack([acting("intercepts", 0), *([acting("slopes", 0)] if stable.slopes else [])])
    state = _times(np.linalg.cholesky(truth.within_covariance), shocks.states[:, 0]) + acting("first_wave", 0)
    state = state + _times(stable.at_first, own_factors) + added[0]
    states, values, on = [state], np.empty(shocks.states.shape), None
    own_deviations = np.empty(values.shape)
    if numbers is not None:
        at_waves = np.stack([stable.added(factors, along[..., wave], wave) for wave in range(waves)], axis=1)
        state_course = course(truth, state, at_waves, held, numbers, added)
        states, on = list(np.moveaxis(state_course.within, 1, 0)), state_course.on
    for wave in range(waves):
        state = states[wave] if numbers is not None else state
        if wave > 0 and numbers is None:
            interval = intervals[wave - 1]
            new = _times(np.linalg.cholesky(interval.innovation), shocks.states[:, wave])
            state = _times(interval.effects, states[-1]) + new + added[wave]
            if interval.second is not None:
                state = state + _times(interval.second, states[-2])
            if stable.enters_each_wave:
                state = state + _times(interval.acting, factors)
            states.append(state)
            for covariate in varying:
                changing[covariate.name][:, wave] += _times(covariate.follows[None], values[:, wave - 1])[:, 0]
        at_this_wave = {name: course[:, wave] for name, course in changing.items()}
        values[:, wave] = own_deviations[:, wave] = state + stable.added(factors, along[..., wave], wave)
        for target in ("each_wave", "every_wave"):
            values[:, wave] += acting(target, wave) + _acting((persons, measures), varying, at_this_wave, target, wave)
    if on is not None:
        values = shifted(truth, values, on)
        own_deviations = np.where(np.isnan(values), np.nan, own_deviations)
    measured = values + error_sds * shocks.errors if shocks.errors.size else values
    items = items_of(truth)
    columns = measured[..., items.measure] * items.loadings
    if spec.indicators:
        columns = columns + items.unique_sds * shocks.uniques
    return Drawn(columns, values, held, changing, on, own_deviations)


def _means(truth: TrueProcess, intervals: list[Interval], along: Array) -> Array:
    """Means of the measures, dims (wave, measure), or with own lines, times or effects (person, wave, measure)."""
    spec, stable = truth.spec, truth.factors
    if not spec.growth:
        return truth._wave_means
    if not spec.accumulating:
        added = [stable.added(stable.means[None], along[..., wave], wave) for wave in range(len(truth.times))]
        lines = np.stack([np.atleast_2d(part) for part in added], axis=1)
        return lines[0] if len(lines) == 1 else lines
    means = [truth._wave_means[:1]]
    for interval in intervals:
        means.append(_times(interval.effects, means[-1]) + _times(interval.acting, stable.means[None]))
    size = max(map(len, means))
    together = np.stack([np.broadcast_to(part, (size, part.shape[1])) for part in means], axis=1)
    return together[0] if size == 1 else together


def _measured(truth: TrueProcess, means: Array) -> Array:
    """Means of the columns from those of the measures."""
    items = items_of(truth)
    return means[..., items.measure] * items.loadings + items.intercepts


def _acting(
    shape: tuple[int, int], covariates: list[Covariate], values: dict[str, Array], target: str, wave: int
) -> Array:
    """What covariates add at a place, dims (person, measure)."""
    total: Array = np.zeros(shape)
    for covariate in covariates:
        if target in covariate.effects:
            total = total + values[covariate.name][:, None] * covariate.effects[target][wave]
    return total


def _own_course(covariate: Covariate, index: int, shocks: Shocks) -> Array:
    """Deviations of a covariate that varies, without what measures add; dims (person, wave)."""
    carried, changes = covariate.carry_over, shocks.changes[..., index]
    course = np.empty(changes.shape)
    course[:, 0] = changes[:, 0]
    for wave in range(1, changes.shape[1]):
        course[:, wave] = carried * course[:, wave - 1] + np.sqrt(1 - carried**2) * changes[:, wave]
    stable = np.sqrt(covariate.icc) * shocks.traits[:, index, None]
    return np.asarray(covariate.sd * (stable + np.sqrt(1 - covariate.icc) * course))


def _moderators(truth: TrueProcess, shocks: Shocks) -> Array | None:
    """Moderators in SDs from their means, dims (person, moderated path)."""
    if not truth.spec.moderated:
        return None
    names = [covariate.name for covariate in covariates_of(truth) if not covariate.varies]
    return shocks.covariates[:, [names.index(name) for name in truth.spec.moderated.values()]]


def _constant(covariates: list[Covariate], chances: Array) -> Array:
    """Covariates in SDs from their means, from uniform numbers."""
    standard = ndtri(chances)
    for index, covariate in enumerate(covariates):
        if covariate.probability is not None:
            standard[:, index] = ((chances[:, index] > 1 - covariate.probability) - covariate.mean) / covariate.sd
    return np.asarray(standard)


def _times(matrices: Array, vectors: Array) -> Array:
    """Matrices times vectors: one matrix for all persons, or one for each."""
    if matrices.ndim == 3:
        vectors = np.broadcast_to(vectors, (len(matrices), vectors.shape[1]))
    return np.asarray(np.einsum("pij,pj->pi" if matrices.ndim == 3 else "ij,pj->pi", matrices, vectors))


def _shapes(truth: TrueProcess) -> dict[str, tuple[int, ...]]:
    """Shape of each kind of shocks of one person, in the order of `Shocks`."""
    waves, measures = len(truth.times), len(truth.spec.measures)
    covariates = covariates_of(truth)
    varying = sum(covariate.varies for covariate in covariates)
    noisy = truth.spec.error or bool(truth.spec.reliability)
    return {
        "factors": (len(truth.factors.means),),
        "states": (waves, measures),
        "covariates": (len(covariates) - varying,),
        "traits": (varying,),
        "changes": (waves, varying),
        "errors": (waves, measures if noisy else 0),
        "uniques": (waves, len(truth.spec.columns) if truth.spec.indicators else 0),
    }
