"""What happens from one wave to the next: effects, innovations, and how stable factors act."""

import math
from dataclasses import dataclass

import numpy as np

from ..spec.steps import steps_per_interval
from .reading import SMALLEST_EIGENVALUE, Array
from .true_process import TrueProcess
from .true_values import stationary_innovations

__all__ = ["Interval", "intervals_of", "steps_of", "unsound", "unsound_drift", "unstable_drift"]


@dataclass(frozen=True, eq=False)
class Interval:
    """One interval between waves, raw units; of all persons alike, or with persons as a first dim."""

    effects: Array  # Phi, dims (outcome, predictor)
    innovation: Array  # innovation covariance, dims (measure, measure)
    acting: Array  # effects of the stable factors on the wave at its end, dims (measure, factor)
    second: Array | None = None  # effects over two waves, dims (outcome, predictor)


def intervals_of(truth: TrueProcess, moderators: Array | None = None, times: Array | None = None) -> list[Interval]:
    """All intervals of a truth.

    `moderators` are in SDs from their means, dims (person, path), in the order of the model's moderated paths; without
    them everybody is at the mean. `times` are each person's own, dims (person, wave).
    """
    if truth.spec.lags == "continuous":
        return _over_time(truth, moderators, times)
    sds, n_steps = truth._within_sds_by_wave, steps_of(truth)
    intervals = []
    for index, (effects, innovation) in enumerate(zip(truth.step_effects, truth._step_innovations, strict=True)):
        unit = sds[index + 1][:, None] / sds[index]
        phi = _moderated(truth, effects, unit, moderators)
        second = None
        if truth.lag_2 is not None and index > 0:
            second = truth._by_path(truth.lag_2) * sds[index + 1][:, None] / sds[index - 1]
        intervals.append(_joined(truth, phi, innovation, index, n_steps[index], second))
    return intervals


def steps_of(truth: TrueProcess) -> tuple[int, ...]:
    """Steps in each interval: several on a grid, else one."""
    if truth.spec.lags == "grid":
        return tuple(steps_per_interval(tuple(truth.times)))
    return (1,) * (len(truth.times) - 1)


def _moderated(truth: TrueProcess, effects: Array, unit: Array, moderators: Array | None) -> Array:
    """Effects of each person: those at the mean, and what the moderators change."""
    if moderators is None:
        return effects
    for path, values in zip(truth.spec.moderated, moderators.T, strict=True):
        change = truth._by_path({path: (truth.moderation or {}).get(path, 0.0)}) * unit
        effects = effects + values[:, None, None] * change
    return effects


def _joined(
    truth: TrueProcess, phi: Array, innovation: Array, index: int, n_steps: int, second: Array | None
) -> Interval:
    """Steps of equal length joined into their interval."""
    size, (start, end) = len(truth.spec.measures), truth.times[index : index + 2]
    effects, new, acting = np.eye(size), np.zeros((size, size)), np.zeros((size, len(truth.factors.means)))
    for step in range(1, n_steps + 1):
        effects, new = phi @ effects, phi @ new @ phi.swapaxes(-1, -2) + innovation
        if truth.factors.enters_each_wave:
            along = truth.along(np.asarray(start + (end - start) * step / n_steps))
            acting = phi @ acting + truth.factors.acting(along, index + 1)
    return Interval(effects, new, acting, second)


def _over_time(truth: TrueProcess, moderators: Array | None, times: Array | None) -> list[Interval]:
    """``Phi(d) = exp(A d)`` and ``Psi(d)``, from the within-person covariance where it does not change.

    With a drift of one's own or a given diffusion Q, ``Psi(d) = int_0^d exp(A s) Q exp(A' s) ds``.
    """
    size, within, sds = len(truth.spec.measures), truth.within_covariance, truth._within_sds
    drift = _moderated(truth, truth.raw_drift, sds[:, None] / sds, moderators)
    lengths = np.diff(np.asarray(truth.times) if times is None else times, axis=-1)
    intervals = []
    for index in range(lengths.shape[-1]):
        moved = drift * lengths[..., index, None, None]
        if moderators is None and truth.innovations is None:
            effects = _exponentials(moved)
            new = stationary_innovations(effects, within)
        else:
            effects, new = _accumulated(moved, truth.diffusion * lengths[..., index, None, None])
        intervals.append(Interval(effects, new, np.zeros((size, len(truth.factors.means)))))
    return intervals


def _exponentials(matrices: Array) -> Array:
    """Exponentials of many small matrices at once: a Taylor series of ``M / 2^k``, squared k times."""
    squarings = _squarings(matrices)
    total = _taylor(matrices / 2.0**squarings)
    for _ in range(squarings):
        total = total @ total
    return total


def _squarings(matrices: Array) -> int:
    size = float(np.abs(matrices).sum(axis=-1).max())
    return max(0, math.ceil(math.log2(size)) + 1) if size > 0 else 0


def _taylor(matrices: Array) -> Array:
    """Exponentials of matrices whose rows sum to 1/2 at most."""
    total = term = np.broadcast_to(np.eye(matrices.shape[-1]), matrices.shape)
    for order in range(1, 16):
        term = term @ matrices / order
        total = total + term
    return total


def _accumulated(drifts: Array, noise: Array) -> tuple[Array, Array]:
    """``exp(M)`` and ``int_0^1 exp(M s) N exp(M' s) ds``, for many drifts at once.

    Of a short step the integral is ``F3' F2``, where ``exp([[-M, N], [0, M']]) = [[., F2], [0, F3]]`` (Van Loan 1978);
    over a longer one ``exp(-M)`` would swamp all digits, so the step is doubled instead.
    """
    size, squarings = drifts.shape[-1], _squarings(np.concatenate([drifts, drifts.swapaxes(-1, -2)]))
    steps = drifts / 2.0**squarings
    # Van Loan's exponential is linear in the noise, whose unit is chosen so that its rows are not longer than others.
    unit = max(float(np.abs(noise).sum(axis=-1).max()), np.finfo(float).tiny)
    shocks = np.broadcast_to(noise / unit / 4, drifts.shape)
    upper = np.concatenate([-steps, shocks], axis=-1) / 2
    lower = np.concatenate([np.zeros_like(steps), steps.swapaxes(-1, -2)], axis=-1) / 2
    half = _taylor(np.concatenate([upper, lower], axis=-2))
    exponential = half @ half
    effects = exponential[..., size:, size:].swapaxes(-1, -2)
    new = effects @ exponential[..., :size, size:] * (4 * unit / 2.0**squarings)
    for _ in range(squarings):
        new = new + effects @ new @ effects.swapaxes(-1, -2)
        effects = effects @ effects
    return effects, (new + new.swapaxes(-1, -2)) / 2


def unsound(stretch: str, phi: Array, within: Array) -> str | None:
    """Why no stationary process has these standardised effects and correlations; None where one does."""
    smallest = float(np.linalg.eigvalsh(stationary_innovations(phi, within)).min())
    if smallest > SMALLEST_EIGENVALUE:
        return None
    factor = np.linalg.cholesky(within)
    largest = float(np.linalg.norm(np.linalg.solve(factor, phi @ factor), ord=2))
    cure = f"Lagged effects up to {math.floor(99.9999 / largest) / 100:g} times these are possible."
    radius = float(np.abs(np.linalg.eigvals(phi)).max())
    if radius >= 1:
        return (
            f"Over {stretch} the lagged effects are unstable: their spectral radius is {radius:.3g} and must be below "
            f"1, or deviations do not die away. {cure}"
        )
    return (
        f"Over {stretch} the lagged effects explain more variance than there is: the innovation covariance W - Phi W "
        f"Phi', in within-person SDs, must be positive definite and has the smallest eigenvalue {smallest:.3g}. {cure}"
    )


def unstable_drift(drift: Array) -> str | None:
    """Why deviations do not die away under a drift; None where they do."""
    growth = float(np.linalg.eigvals(drift).real.max())
    if growth < 0:
        return None
    return (
        f"The drift is unstable: the largest real part of its eigenvalues is {growth:.3g} and must be below 0, or "
        "deviations do not die away. Make the effects of measures on themselves more negative, or move those "
        "between measures towards 0."
    )


def unsound_drift(drift: Array, within: Array) -> str | None:
    """Why no stationary process has this standardised drift and these correlations; None where one does."""
    if problem := unstable_drift(drift):
        return problem
    smallest = float(np.linalg.eigvalsh(-(drift @ within + within @ drift.T)).min())
    if smallest > SMALLEST_EIGENVALUE:
        return None
    return (
        f"The drift explains more variance than there is: the diffusion -(A W + W A'), in within-person SDs, must be "
        f"positive definite and has the smallest eigenvalue {smallest:.3g}. Make the effects of measures on "
        "themselves more alike or more negative, or move those between measures and within_correlation towards 0."
    )
