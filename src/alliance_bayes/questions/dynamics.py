"""Within-person dynamics read off a fit: lagged effects step by step, or a drift, in SDs at one wave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..basics.names import in_words, lagged_path, quoted
from ..posterior.path_matrices import by_path, path_matrices
from ..posterior.posterior import Posterior
from ..spec.cross_lagged import CrossLagged
from ..spec.steps import base_step, equal_intervals, steps_per_interval
from .effects_over_time import (
    along_path,
    held_at_expectation,
    matrix_exponential,
    responses,
    sustained_drift,
    sustained_transitions,
)

__all__ = [
    "CROSS_EFFECTS",
    "Dynamics",
    "Timing",
    "base_effects",
    "common_step",
    "correlation_matrices",
    "drift_effects",
    "hardly_within",
    "interval_effects",
    "lags_of",
    "not_followed",
    "sample_in_words",
    "sds_at",
    "standardized",
    "standardized_innovations",
    "units_in_words",
    "wave_of",
    "within_in_words",
]

type Array = NDArray[np.float64]

Timing = Literal["waves", "continuous"]

CROSS_EFFECTS = ("cross_lagged", "cross_drift")
"""Random variables of the effects between measures, and their priors: over an interval, or in continuous time."""
LEAST_CONTRACTION = 0.3


@dataclass(frozen=True, eq=False)
class Dynamics:
    """Draws of within-person dynamics, and how a change of one measure spreads in them.

    Attributes
    ----------
    measures
        Names, in the order of the matrices.
    timing
        ``"waves"``: one transition for each step; ``"continuous"``: one drift per unit of time.
    matrices
        Transitions, shape ``(chain, draw, step, outcome, predictor)``, or drift, shape
        ``(chain, draw, outcome, predictor)``; in SDs of the outcome per SD of the predictor,
        both within persons at one wave.
    elapsed
        Times since the change at which effects are given, from 0, shape ``(time,)``; evenly
        spaced where timing is continuous.
    unit_step
        Length of the step to which a shift of a path refers: a step, or the shortest interval.
    sds
        The within-person SDs, raw units, shape ``(chain, draw, measure)``.
    correlations
        Within-person correlations at the same wave, shape ``(chain, draw, measure, measure)``.
    innovations
        Covariance of innovations over a unit step, in the same SDs, of the same shape.
    chains
        Coordinates of the chains.
    """

    measures: tuple[str, ...]
    timing: Timing
    matrices: Array
    elapsed: Array
    unit_step: float
    sds: Array
    correlations: Array
    innovations: Array
    chains: Mapping[str, tuple[str, NDArray[np.int64]]] = field(default_factory=dict)

    @cached_property
    def path_effects(self) -> xr.DataArray:
        """Each lagged effect, averaged over steps; in a drift, per shortest interval."""
        effects = self.matrices.mean(axis=2) if self.timing == "waves" else self.matrices * self.unit_step
        return by_path(effects, self.measures, "chain", "draw")

    def response(
        self,
        treatment: str,
        outcome: str,
        *,
        sustained: bool = False,
        held: Sequence[str] = (),
        along: Sequence[str] | None = None,
    ) -> xr.DataArray:
        """Effect of raising the treatment by one SD at time 0, dims ``(chain, draw, time)``.

        A `sustained` treatment is kept raised, instead of being left to itself; `held` measures stay on their expected
        course; `along`, if given, is the only path that counts, with the carry-over of the measures on it.
        """
        cause, index = self.measures.index(treatment), self.measures.index(outcome)
        matrices = self.matrices
        if sustained:
            keep = sustained_transitions if self.timing == "waves" else sustained_drift
            matrices = keep(matrices, cause)
        matrices = held_at_expectation(matrices, [self.measures.index(name) for name in held])
        if along is not None:
            matrices = along_path(matrices, [self.measures.index(name) for name in along])
        if self.timing == "continuous":
            step = matrix_exponential(matrices * (self.elapsed[1] - self.elapsed[0]))[:, :, None]
            matrices = np.broadcast_to(step, (*step.shape[:2], len(self.elapsed) - 1, *step.shape[3:]))
        return xr.DataArray(
            responses(matrices, cause)[..., index],
            dims=("chain", "draw", "time"),
            coords={"time": self.elapsed, **self.chains},
        )

    def shifted(self, biases: Mapping[tuple[str, str], Array | float]) -> Self:
        """The dynamics with paths lowered by biases, in SD per SD over one unit step: numbers, or one for each draw."""
        matrices = self.matrices.copy()
        for (predictor, outcome), bias in biases.items():
            index = (..., self.measures.index(outcome), self.measures.index(predictor))
            by_draw = np.asarray(bias, dtype=float)
            if self.timing == "continuous":
                matrices[index] -= by_draw / self.unit_step
            else:
                matrices[index] -= by_draw[..., None] if by_draw.ndim else by_draw
        return replace(self, matrices=matrices)

    def at_end(self) -> Self:
        """The dynamics with effects at the last time alone, where times in between need not be computed."""
        return self if self.timing == "waves" else replace(self, elapsed=self.elapsed[[0, -1]])


def sds_at(draws: xr.Dataset, measures: Sequence[str], wave: int) -> tuple[Array, Array]:
    """Within-person SDs at one wave, shape ``(chain, draw, measure)``, and correlations, one dim of measures more."""
    sds = _by_measure(draws["within_sd"].isel(time=wave), measures)
    return sds, correlation_matrices(draws["within_correlation"].isel(time=wave), measures)


def standardized_innovations(draws: xr.Dataset, measures: Sequence[str], sds: Array, intervals: Sequence[int]) -> Array:
    """Innovation covariance in within-person SDs, averaged over some intervals; dims as `Dynamics.innovations`."""
    covariances = []
    for index in intervals:
        size = _by_measure(draws["innovation_sd"].isel(interval=index), measures) / sds
        correlations = correlation_matrices(draws["innovation_correlation"].isel(interval=index), measures)
        covariances.append(correlations * size[..., :, None] * size[..., None, :])
    average: Array = np.mean(covariances, axis=0)
    return average


def _by_measure(values: xr.DataArray, measures: Sequence[str]) -> Array:
    ordered: Array = values.sel(measure=list(measures)).transpose("chain", "draw", "measure").to_numpy()
    return ordered


def correlation_matrices(by_pair: xr.DataArray, measures: Sequence[str]) -> Array:
    """Correlation matrices from correlations of pairs, dims ``(chain, draw, measure, measure)``."""
    values = by_pair.transpose("chain", "draw", "pair")
    matrices = np.broadcast_to(np.eye(len(measures)), (*values.shape[:2], len(measures), len(measures))).copy()
    for pair in values["pair"].to_numpy():
        first, second = (measures.index(name) for name in str(pair).split(", "))
        matrices[..., first, second] = matrices[..., second, first] = values.sel(pair=pair).to_numpy()
    return matrices


def common_step(fit: Posterior) -> float | None:
    """Length of the one step that longer lags are powers of; None where the lags have no common step."""
    times, lags = fit.panel.times, lags_of(fit)
    if lags == "equal" and equal_intervals(times):
        return times[1] - times[0]
    return base_step(times) if lags in ("grid", "continuous") else None


def base_effects(fit: Posterior, group: str = "posterior") -> tuple[Array, float] | None:
    """Raw lagged effects over the one step that longer lags are powers of, and its length.

    None where the lags have no common step: "free", or "equal" over unequal intervals.
    """
    step = common_step(fit)
    if step is None:
        return None
    times, draws, lags = fit.panel.times, fit.drawn(group), lags_of(fit)
    if lags == "equal":
        return _lagged(draws, fit.spec.measures, 0), step
    if lags == "continuous":
        return matrix_exponential(drift_effects(fit, group) * step), step
    steps = steps_per_interval(times)
    if 1 in steps:
        return _lagged(draws, fit.spec.measures, steps.index(1)), step
    return _from_first_wave(draws, fit.spec.measures), step


def drift_effects(fit: Posterior, group: str = "posterior") -> Array:
    """Raw drift of a continuous-time fit, shape ``(chain, draw, outcome, predictor)``."""
    return path_matrices(fit.drawn(group)["drift"], fit.spec.measures)


def interval_effects(fit: Posterior, intervals: Sequence[int], group: str = "posterior") -> Array:
    """Raw lagged effects of some intervals, shape ``(chain, draw, interval, outcome, predictor)``."""
    draws = fit.drawn(group)
    return np.stack([_lagged(draws, fit.spec.measures, index) for index in intervals], axis=2)


def standardized(matrices: Array, sds: Array) -> Array:
    """Effects per SD of the predictor, in SDs of the outcome; one yardstick for all steps."""
    extra = matrices.ndim - sds.ndim - 1
    unit = sds.reshape(*sds.shape[:2], *(1,) * extra, sds.shape[-1])
    scaled: Array = matrices * unit[..., None, :] / unit[..., :, None]
    return scaled


def lags_of(fit: Posterior) -> str:
    """How the fitted effects depend on the interval: "equal", "free", "grid" or "continuous"."""
    return str(fit.spec.lags_for(fit.panel.times))


def sample_in_words(fit: Posterior, group: str | None = None) -> str:
    """Size of the data and of the posterior sample, and which group it is."""
    sample = f"{fit.n_persons} people, {len(fit.panel.times)} waves, {fit.draws_in_words}"
    return sample + (f", group {group}" if group else "")


def units_in_words(fit: Posterior, measures: Sequence[str]) -> str:
    """What raw units are of measures with a family, as part of a heading."""
    of = [name for name in measures if name in fit.spec.random_families]
    return f"; raw units of {in_words(of)} are those of the linear predictor" if of else ""


def not_followed(spec: CrossLagged) -> tuple[str, ...]:
    """Parts of the model for which these effects are not worked out, one sentence each."""
    if not spec.lag_2:
        return ()
    return (
        f"The model has effects over two waves ({quoted(spec.lag_2)}), which are not followed here. Fit it without "
        "lag_2.",
    )


def within_in_words(fit: Posterior, measures: Sequence[str]) -> str:
    """Whether the effects are within persons, as part of a heading."""
    if fit.spec.accumulating:
        return " given stable factors"
    if not fit.spec.random_intercepts:
        return ", within and between persons mixed"
    return "" if hardly_within(fit, measures) else " within persons"


def hardly_within(fit: Posterior, measures: Sequence[str]) -> tuple[str, ...]:
    """A sentence where the data hardly distinguish stable differences between people from carry-over."""
    if not fit.spec.random_intercepts or "icc" not in fit.draws["posterior"] or "prior" not in fit.draws.children:
        return ()
    spread = {group: fit.draws[group]["icc"].var(("chain", "draw")) for group in ("posterior", "prior")}
    weak = [
        name
        for name in measures
        if float(1 - spread["posterior"].sel(measure=name) / spread["prior"].sel(measure=name)) < LEAST_CONTRACTION
    ]
    if not weak:
        return ()
    return (
        f"The data hardly distinguish stable differences from carry-over in {quoted(weak)}: the posterior of the ICC "
        "is nearly its prior, so the effects are not safely within persons.",
    )


def _lagged(draws: xr.Dataset, measures: Sequence[str], interval: int) -> Array:
    return path_matrices(draws["lagged"].isel(interval=interval), measures)


def _from_first_wave(draws: xr.Dataset, measures: Sequence[str]) -> Array:
    """Base step of a grid none of whose intervals is one step: the random variables themselves."""
    sds, _ = sds_at(draws, measures, 0)
    effects = np.zeros((*sds.shape, len(measures)))
    for block, dim in (("carry_over", "carry_over_path"), ("cross_lagged", "cross_lagged_path")):
        if block not in draws:
            continue
        known = {str(path) for path in draws[dim].to_numpy()}
        for row, outcome in enumerate(measures):
            for column, predictor in enumerate(measures):
                path = lagged_path(predictor, outcome)
                if path in known:
                    effects[..., row, column] = draws[block].sel({dim: path}).transpose("chain", "draw").to_numpy()
    raw: Array = effects * sds[..., :, None] / sds[..., None, :]
    return raw


def wave_of(fit: Posterior, time: float) -> int | None:
    """Position of a wave by its time, or None where there is no wave."""
    indices = [index for index, known in enumerate(fit.panel.times) if abs(known - time) <= 1e-9 * max(1.0, abs(known))]
    return indices[0] if indices else None
