"""Horizons of effects: steps and wave from a change of one measure to its effect on another, and their dynamics."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..basics.given import shown
from ..basics.names import number, quoted
from ..basics.problems import Problems
from ..posterior.mixing import imputation_of_chains
from ..posterior.posterior import Posterior
from ..spec.steps import MOST_AHEAD, whole_steps
from .dynamics import (
    Dynamics,
    Timing,
    base_effects,
    common_step,
    drift_effects,
    interval_effects,
    lags_of,
    sds_at,
    standardized,
    standardized_innovations,
    wave_of,
)

__all__ = ["Horizon", "dynamics_over", "horizon_of"]

N_TIMES = 61

type Array = NDArray[np.float64]

_ONE_STEP = (
    "horizon={horizon} is one step: over it every indirect effect is 0 by construction, since a mediator needs a step "
    "of its own. {instead}"
)


@dataclass(frozen=True)
class Horizon:
    """Time from a change to its effect, in the panel's units, and the steps between them."""

    length: float
    wave: int  # position of the wave of the change
    start: float  # its time
    timing: Timing
    n_steps: int  # in continuous time of times after the first at which effects are given
    step: float  # length; in continuous time the shortest interval, and of observed intervals 0
    intervals: tuple[int, ...] | None = None  # observed ones that are the steps, where effects differ between them

    @property
    def steps(self) -> int | None:
        """Number of steps, or None in continuous time, where paths have any number of them."""
        return self.n_steps if self.timing == "waves" else None


def horizon_of(
    fit: Posterior, length: float, start: float | None, timing: str | None, problems: Problems
) -> Horizon | None:
    """The horizon of an effect, by the arguments of `mediation`; None, with problems, where the model has none."""
    times, lags = fit.panel.times, lags_of(fit)
    wave = 0 if start is None else wave_of(fit, start)
    if wave is None:
        problems.add(f"start={start!r} is not a wave. Waves: {quoted(map(number, times))}.")
        wave = 0
    if timing not in (None, "waves", "continuous"):
        problems.add(f"timing must be 'waves' or 'continuous'; got {shown(timing)}.")
        return None
    continuous = (timing or lags) == "continuous"
    if continuous and lags != "continuous":
        problems.add(
            f"This model (lags='{lags}') has no effects between its steps, so mediators cannot be held at every "
            "moment. Leave timing open, or fit lags='continuous'."
        )
        return None
    if length <= 0:
        problems.add(f"horizon must be a time above 0, in the panel's units; got {shown(length)}.")
        return None
    if continuous:
        return Horizon(float(length), wave, times[wave], "continuous", N_TIMES - 1, min(fit.panel.intervals))
    step = common_step(fit)
    if step is not None:
        return _of_equal_steps(length, step, wave, times[wave], problems)
    if lags == "continuous":
        problems.add("The intervals have no common step, so there is no grid of waves. Ask with timing='continuous'.")
        return None
    return _of_observed_intervals(fit, length, wave, problems)


def _of_equal_steps(length: float, step: float, wave: int, start: float, problems: Problems) -> Horizon | None:
    n_steps = whole_steps(length, step)
    if n_steps is None:
        near = sorted({max(2, int(length // step)) * step, max(2, int(length // step) + 1) * step})
        problems.add(
            f"horizon={number(length)} is not a whole number of steps of {number(step)}; "
            f"try {' or '.join(map(number, near))}."
        )
    elif n_steps > MOST_AHEAD:
        problems.add(
            f"horizon={number(length)} is {n_steps:.3g} steps of {number(step)}; ask for at most {MOST_AHEAD:,} of "
            "them."
        )
    elif n_steps == 1:
        problems.add(_ONE_STEP.format(horizon=number(length), instead=f"Ask for {number(2 * step)} or more."))
    else:
        return Horizon(float(length), wave, start, "waves", n_steps, step)
    return None


def _of_observed_intervals(fit: Posterior, length: float, wave: int, problems: Problems) -> Horizon | None:
    times = fit.panel.times
    start = times[wave]
    end = wave_of(fit, start + length)
    reachable = [number(time - start) for time in times[wave + 2 :]]
    hint = (
        f"From the wave at {number(start)}, horizons are {', '.join(reachable)}."
        if reachable
        else f"From the wave at {number(start)} no two intervals follow; choose an earlier start."
    )
    if end is None or end <= wave:
        problems.add(
            f"horizon={number(length)} does not end at a wave, and this model has effects for the observed intervals "
            f"alone. {hint}"
        )
    elif end == wave + 1:
        problems.add(_ONE_STEP.format(horizon=number(length), instead=hint))
    else:
        return Horizon(float(length), wave, start, "waves", end - wave, 0.0, tuple(range(wave, end)))
    return None


def dynamics_over(fit: Posterior, horizon: Horizon, group: str) -> Dynamics:
    """Draws of the dynamics up to a horizon, of the posterior or the prior, in SDs at the wave of the change."""
    draws, measures = fit.drawn(group), fit.spec.measures
    sds, correlations = sds_at(draws, measures, horizon.wave)
    matrices: Array
    elapsed = np.linspace(0.0, horizon.length, horizon.n_steps + 1)
    if horizon.timing == "continuous":
        matrices = standardized(drift_effects(fit, group), sds)
    elif horizon.intervals is not None:
        matrices = standardized(interval_effects(fit, horizon.intervals, group), sds)
        elapsed = np.array(fit.panel.times[horizon.wave : horizon.wave + horizon.n_steps + 1]) - horizon.start
    else:
        base = base_effects(fit, group)
        assert base is not None
        matrices = np.repeat(standardized(base[0], sds)[:, :, None], horizon.n_steps, axis=2)
    return Dynamics(
        measures=tuple(measures),
        timing=horizon.timing,
        matrices=matrices,
        elapsed=elapsed,
        unit_step=horizon.step,
        sds=sds,
        correlations=correlations,
        innovations=standardized_innovations(draws, measures, sds, _intervals_of_a_step(fit, horizon)),
        chains=imputation_of_chains(draws),
    )


def _intervals_of_a_step(fit: Posterior, horizon: Horizon) -> Sequence[int]:
    """Intervals whose innovations belong to one unit step: those of the horizon, or the shortest ones."""
    if horizon.intervals is not None:
        return horizon.intervals
    lengths = fit.panel.intervals
    return [index for index, length in enumerate(lengths) if np.isclose(length, min(lengths), rtol=1e-9)]
