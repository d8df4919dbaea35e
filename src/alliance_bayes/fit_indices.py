"""How well a model reproduces means and covariances, against the model that restricts nothing."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import chdtrc

from .maximising import maximise, wave_means
from .moments.kernel import moments
from .moments.linear_system import saturated_system
from .moments.panel_model import PanelModel
from .moments.program_kernel import run
from .moments.statistics import PatternArrays

__all__ = ["fit_indices"]


@dataclass(frozen=True, eq=False)
class _Saturated:
    """Unrestricted moments of one group's values and covariates."""

    mean: np.ndarray
    covariance: np.ndarray
    log_likelihood: float


def fit_indices(model: PanelModel, theta: np.ndarray, value: float) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Chi-square, df, p, CFI, RMSEA and SRMR of a solution, and why they are missing where they are.

    Parameters
    ----------
    model
        The model on its panel.
    theta
        Its estimates.
    value
        Log-likelihood there, in the model's unit, given the covariates.
    """
    system, arrays, design = model.system, model.statistics.arrays, model.design
    n_covariates, n_groups = system.n_covariates, len(design.cells)
    sizes = [len(linear.observed) - n_covariates for linear in system.systems]
    df = sum(size * (size + 3) // 2 + size * n_covariates for size in sizes) - system.n_parameters
    unknown = dict.fromkeys(("chi_square", "p_value", "cfi", "rmsea", "srmr"), np.nan) | {"df": df}
    if n_groups > design.n_groups:
        return unknown | {"df": 0}, (
            "No test of fit: effects differ from person to person (own times or moderators), so that there are no "
            "common means and covariances to reproduce.",
        )
    groups = [_cell(arrays, cell, size + n_covariates) for cell, size in enumerate(sizes)]
    if not all(_all_pairs_seen(group) for group in groups):
        return unknown, (
            "No test of fit: some pair of values was never observed together, so the saturated model has no estimate.",
        )
    found = [_saturated(group) for group in groups]
    if any(each is None for each in found):
        return unknown, ("No test of fit: the saturated model did not converge.",)
    saturated = [each for each in found if each is not None]
    best = sum(each.log_likelihood for each in saturated)
    alone = sum(_independent(group, range(size)) for group, size in zip(groups, sizes, strict=True))
    if n_covariates:
        best -= sum(_covariates_alone(group, size) for group, size in zip(groups, sizes, strict=True))
    n_persons = float(arrays.people.sum())
    chi_square = max(2 * (best - value), 0.0)
    baseline = 2 * (best - alone)
    excess = max(chi_square - df, 0.0)
    baseline_df = sum(size * (size - 1) // 2 + size * n_covariates for size in sizes)
    baseline_excess = max(baseline - baseline_df, excess)
    return {
        "chi_square": chi_square,
        "df": df,
        "p_value": float(chdtrc(df, chi_square)) if df else np.nan,
        "cfi": 1 - excess / baseline_excess if baseline_excess > 0 else 1.0,
        "rmsea": float(np.sqrt(n_groups * excess / (df * n_persons))) if df else np.nan,
        "srmr": _srmr(model, theta, groups, saturated),
    }, ()


def _cell(arrays: PatternArrays, cell: int, size: int) -> PatternArrays:
    """The patterns of one cell alone, whose people have at most `size` values."""
    chosen = slice(arrays.cell_start[cell], arrays.cell_start[cell + 1])
    return PatternArrays(
        people=arrays.people[chosen],
        size=arrays.size[chosen],
        position=arrays.position[chosen, :size].copy(),
        mean=arrays.mean[chosen, :size].copy(),
        rank=arrays.rank[chosen],
        factor=arrays.factor[chosen, :size, :size].copy(),
        completed=arrays.completed[chosen],
        scatter=arrays.scatter[[cell], :size, :size].copy(),
        cell_start=np.array([0, chosen.stop - chosen.start]),
        given=np.zeros(1),
    )


def _saturated(arrays: PatternArrays) -> _Saturated | None:
    """Unrestricted estimates in the model's unit; None where no maximum is found."""
    n_persons, size = float(arrays.people.sum()), arrays.position.shape[1]
    if len(arrays.people) == 1 and arrays.size[0] == size:
        if n_persons <= size:
            return None
        covariance = arrays.factor[0] @ arrays.factor[0].T / n_persons
        _, log_determinant = np.linalg.slogdet(covariance)
        value = float(-0.5 * n_persons * (size * (np.log(2 * np.pi) + 1) + log_determinant))
        return _Saturated(arrays.mean[0], covariance, value)
    system = saturated_system(size)
    start = np.array([parameter.start for parameter in system.parameters])
    start[-size:] = wave_means(arrays)
    found = maximise(system, arrays, start)
    if not found.converged:
        return None
    mean, covariance = moments(found.theta, system.systems[0].arrays)
    return _Saturated(mean, covariance, found.log_likelihood)


def _all_pairs_seen(arrays: PatternArrays) -> bool:
    together = np.zeros((arrays.position.shape[1],) * 2, dtype=bool)
    for size, index in zip(arrays.size, arrays.position, strict=True):
        together[np.ix_(index[:size], index[:size])] = True
    return bool(together.all())


def _independent(arrays: PatternArrays, chosen: range) -> float:
    """Log-likelihood of some values, each normal by itself."""
    means = wave_means(arrays)
    counts, squares = np.zeros(len(means)), np.zeros(len(means))
    for pattern, count in enumerate(arrays.people):
        size, index = arrays.size[pattern], arrays.position[pattern]
        seen = index[:size]
        within = (arrays.factor[pattern, :size] ** 2).sum(axis=1)
        counts[seen] += count
        squares[seen] += within + count * (arrays.mean[pattern, :size] - means[seen]) ** 2
    part = slice(chosen.start, chosen.stop)
    return float(-0.5 * (counts[part] * (np.log(2 * np.pi * squares[part] / counts[part]) + 1)).sum())


def _covariates_alone(arrays: PatternArrays, n_values: int) -> float:
    """Largest log-likelihood of the covariates, which are complete."""
    n_persons, mean = float(arrays.people.sum()), wave_means(arrays)[n_values:]
    scatter = np.zeros((len(mean), len(mean)))
    for pattern, count in enumerate(arrays.people):
        where = np.argsort(arrays.position[pattern, : arrays.size[pattern]])[-len(mean) :]
        factor, shift = arrays.factor[pattern][where], arrays.mean[pattern][where] - mean
        scatter += factor @ factor.T + count * np.outer(shift, shift)
    _, log_determinant = np.linalg.slogdet(scatter / n_persons)
    return float(-0.5 * n_persons * (len(mean) * (np.log(2 * np.pi) + 1) + log_determinant))


def _srmr(model: PanelModel, theta: np.ndarray, groups: list[PatternArrays], saturated: list[_Saturated]) -> float:
    """Root of the mean squared residual of covariances and means, in SDs of the unrestricted estimates."""
    registers, _ = run(theta, model.system.structure_arrays)
    total, people = 0.0, [float(group.people.sum()) for group in groups]
    for linear, whole, weight in zip(model.system.systems, saturated, people, strict=True):
        mean, covariance = moments(registers, linear.arrays)
        if model.system.n_covariates:
            mean, covariance = _with_covariates(model, mean, covariance, whole)
        sd = np.sqrt(np.diag(whole.covariance))
        residuals = (whole.covariance - covariance) / np.outer(sd, sd)
        parts = np.concatenate([residuals[np.tril_indices(len(sd))], (whole.mean - mean) / sd])
        total += weight * float(np.sqrt(np.mean(parts**2)))
    return total / sum(people)


def _with_covariates(
    model: PanelModel, mean: np.ndarray, covariance: np.ndarray, whole: _Saturated
) -> tuple[np.ndarray, np.ndarray]:
    """Moments implied with the covariates' own moments in place of those that were conditioned on."""
    size = model.system.n_values
    slopes, known = covariance[:size, size:], whole.covariance[size:, size:]
    left = covariance[:size, :size] - slopes @ slopes.T
    cross = slopes @ known
    return (
        np.concatenate([mean[:size] + slopes @ whole.mean[size:], whole.mean[size:]]),
        np.block([[left + cross @ slopes.T, cross], [cross.T, known]]),
    )
