"""How well a model reproduces means and covariances, against the model that restricts nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import chdtrc

from ..engine.kernels.arrays import PatternArrays
from ..engine.kernels.interpreter import run
from ..engine.kernels.moments import moments
from ..engine.model_on_panel import PanelModel
from .maximising import wave_means
from .saturated import Saturated, cell_patterns, sizes_of

__all__ = ["Scaling", "baseline_degrees_of_freedom", "fit_indices", "implied_moments", "n_degrees_of_freedom"]


@dataclass(frozen=True)
class Scaling:
    """What likelihood-ratio statistics against the saturated model are divided by.

    Attributes
    ----------
    model
        Of the model.
    baseline
        Of the model of independent values.
    """

    model: float = 1.0
    baseline: float = 1.0


def fit_indices(
    model: PanelModel, theta: np.ndarray, value: float, saturated: Sequence[Saturated], scaling: Scaling
) -> dict[str, Any]:
    """Chi-square, df, p, CFI, RMSEA and SRMR of a solution; NaN where there is nothing to compare it with.

    Parameters
    ----------
    model
        The model on its panel.
    theta
        Its estimates.
    value
        Log-likelihood there, in the model's unit, given the covariates.
    saturated
        Unrestricted estimates of every group; none where there are none.
    scaling
        1 where people are normal and sampled one by one.
    """
    system, arrays = model.system, model.statistics.arrays
    n_covariates, n_groups, sizes = system.n_covariates, len(model.design.cells), sizes_of(model)
    df = n_degrees_of_freedom(model)
    if not saturated:
        return dict.fromkeys(("chi_square", "p_value", "cfi", "rmsea", "srmr"), np.nan) | {"df": df}
    groups = [cell_patterns(model, cell) for cell in range(n_groups)]
    best = sum(each.log_likelihood for each in saturated)
    alone = sum(_independent(group, range(size)) for group, size in zip(groups, sizes, strict=True))
    if n_covariates:
        best -= sum(_covariates_alone(group, size) for group, size in zip(groups, sizes, strict=True))
    chi_square = max(2 * (best - value), 0.0)
    baseline = 2 * (best - alone)
    excess = max(chi_square - scaling.model * df, 0.0)
    baseline_excess = max(baseline - scaling.baseline * baseline_degrees_of_freedom(model), excess)
    scaled = chi_square / scaling.model
    return {
        "chi_square": scaled,
        "df": df,
        "p_value": float(chdtrc(df, scaled)) if df else np.nan,
        "cfi": 1 - excess / baseline_excess if baseline_excess > 0 else 1.0,
        "rmsea": float(np.sqrt(n_groups * excess / (df * float(arrays.people.sum())))) if df else np.nan,
        "srmr": _srmr(model, theta, groups, saturated),
    }


def n_degrees_of_freedom(model: PanelModel) -> int:
    """Means and covariances given the covariates, less parameters; 0 where people have no common moments."""
    if len(model.design.cells) > model.design.n_groups:
        return 0
    n_covariates = model.system.n_covariates
    n_moments = sum(size * (size + 3) // 2 + size * n_covariates for size in sizes_of(model))
    return n_moments - model.system.n_parameters


def baseline_degrees_of_freedom(model: PanelModel) -> int:
    """Covariances among values, and with the covariates, that a model of independent values leaves out."""
    return sum(size * (size - 1) // 2 + size * model.system.n_covariates for size in sizes_of(model))


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


def implied_moments(model: PanelModel, theta: np.ndarray, cell: int, whole: Saturated) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of a group's values and covariates that a solution implies, in the model's unit."""
    registers, _ = run(theta, model.system.structure_arrays)
    mean, covariance = moments(registers, model.system.systems[cell].arrays)
    return _with_covariates(model, mean, covariance, whole) if model.system.n_covariates else (mean, covariance)


def _srmr(model: PanelModel, theta: np.ndarray, groups: list[PatternArrays], saturated: Sequence[Saturated]) -> float:
    """Root of the mean squared residual of covariances and means, in SDs of the unrestricted estimates."""
    total, people = 0.0, [float(group.people.sum()) for group in groups]
    for cell, (whole, weight) in enumerate(zip(saturated, people, strict=True)):
        mean, covariance = implied_moments(model, theta, cell, whole)
        sd = np.sqrt(np.diag(whole.covariance))
        residuals = (whole.covariance - covariance) / np.outer(sd, sd)
        parts = np.concatenate([residuals[np.tril_indices(len(sd))], (whole.mean - mean) / sd])
        total += weight * float(np.sqrt(np.mean(parts**2)))
    return total / sum(people)


def _with_covariates(
    model: PanelModel, mean: np.ndarray, covariance: np.ndarray, whole: Saturated
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
