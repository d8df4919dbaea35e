"""How well a model reproduces means and covariances, against the model that restricts nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtr, chdtrc, chndtr

from ..engine.kernels.arrays import PatternArrays
from ..engine.kernels.interpreter import run
from ..engine.kernels.moments import moments
from ..engine.model_on_panel import PanelModel
from .estimates import Estimates
from .maximising import wave_means
from .saturated import Saturated, cell_patterns, sizes_of

CLOSE_FIT = 0.05  # RMSEA up to which fit is called close
RMSEA_LEVEL = 0.90  # of its interval, so that its lower end tests close fit at .05

__all__ = [
    "CLOSE_FIT",
    "RMSEA_LEVEL",
    "Discrepancy",
    "FitIndices",
    "Scaling",
    "baseline_degrees_of_freedom",
    "fit_indices",
    "implied_moments",
    "n_degrees_of_freedom",
]


@dataclass(frozen=True)
class Scaling:
    """What the likelihood-ratio statistics of the model and of independent values (baseline) are divided by."""

    model: float = 1.0
    baseline: float = 1.0


@dataclass(frozen=True)
class Discrepancy:
    """How far moments are from unrestricted ones, and how far per degree of freedom they are where they are right."""

    statistic: float
    scaling: float


@dataclass(frozen=True)
class FitIndices:
    """Test of a model against the saturated model, and indices of fit; NaN where there is no saturated model.

    Attributes
    ----------
    df, chi_square, p_value
        Likelihood-ratio test against the saturated model fitted by full information, divided by `scaling`.
    scaling
        1 for observed standard errors; for robust ones as Yuan, Bentler and Mplus scale the test of the estimator MLR.
    cfi, tli, rmsea, srmr
        As in `MaximumLikelihood`. With robust standard errors they are those of lavaan, which compare moments as of
        complete data [1]_; with covariates they use unscaled chi-squares minus scaling x df [2]_.
    method
        The source of robust indices, in words; empty for plain ones.
    rmsea_lower, rmsea_upper
        90 % interval of the RMSEA, from the noncentral chi-squares of which the statistic is the 95 % and 5 % point.
    close_fit
        Probability of a larger chi-square where the RMSEA is .05.

    References
    ----------
    .. [1] Zhang & Savalei (2023). New computations for RMSEA and CFI following FIML and TS estimation with missing
       data. Psychological Methods 28, 263-283. https://doi.org/10.1037/met0000445
    .. [2] Brosseau-Liard & Savalei (2014). Adjusting incremental fit indices for nonnormality. Multivariate
       Behavioral Research 49, 460-470.
    """

    df: int
    scaling: float = 1.0
    chi_square: float = np.nan
    p_value: float = np.nan
    cfi: float = np.nan
    tli: float = np.nan
    rmsea: float = np.nan
    rmsea_lower: float = np.nan
    rmsea_upper: float = np.nan
    close_fit: float = np.nan
    srmr: float = np.nan
    method: str = ""


def fit_indices(
    model: PanelModel,
    estimates: Estimates,
    saturated: Sequence[Saturated],
    scaling: Scaling,
    complete_data: tuple[Discrepancy, Discrepancy] | None = None,
) -> FitIndices:
    """Test and indices of a solution, with the unrestricted estimates of every group where there are any.

    CFI, TLI and RMSEA are those of the `complete_data`, of the model and of independent values, where they are given.
    """
    df = n_degrees_of_freedom(model)
    if not saturated:
        return FitIndices(df, scaling.model)
    n_groups, n_persons = len(saturated), float(model.statistics.arrays.people.sum())
    unrestricted, independent = _reference_log_likelihoods(model, saturated)
    chi_square = max(2 * (unrestricted - estimates.log_likelihood), 0.0)
    baseline = 2 * (unrestricted - independent)
    baseline_df = baseline_degrees_of_freedom(model)
    plain = (Discrepancy(chi_square, scaling.model), Discrepancy(baseline, scaling.baseline))
    ours, independent_ones = complete_data or plain
    unexplained = ours.statistic - ours.scaling * df
    baseline_unexplained = independent_ones.statistic - independent_ones.scaling * baseline_df
    excess = max(unexplained, 0.0)
    baseline_excess = max(baseline_unexplained, excess)
    scaled = ours.statistic / ours.scaling
    # RMSEA^2 for each unit of the noncentrality of the scaled statistic.
    per_noncentrality = n_groups * ours.scaling / (n_persons * df) if df else np.nan
    lower, upper = (
        float(np.sqrt(per_noncentrality * _noncentrality(scaled, df, share)))
        for share in ((1 + RMSEA_LEVEL) / 2, (1 - RMSEA_LEVEL) / 2)
    )
    return FitIndices(
        df,
        scaling.model,
        chi_square=chi_square / scaling.model,
        p_value=float(chdtrc(df, chi_square / scaling.model)) if df else np.nan,
        cfi=1 - excess / baseline_excess if baseline_excess > 0 else 1.0,
        tli=_tucker_lewis(unexplained, df, baseline_unexplained, baseline_df),
        rmsea=float(np.sqrt(n_groups * excess / (df * n_persons))) if df else np.nan,
        rmsea_lower=lower,
        rmsea_upper=upper,
        close_fit=1 - float(chndtr(scaled, df, CLOSE_FIT**2 / per_noncentrality)) if df else np.nan,
        srmr=_srmr(model, estimates.theta, saturated),
        method=_method(scaling, complete_data),
    )


def _method(scaling: Scaling, complete_data: object) -> str:
    if complete_data is not None:
        return "Zhang & Savalei (2023)"
    return "" if scaling == Scaling() else "Brosseau-Liard & Savalei (2014)"


def _tucker_lewis(excess: float, df: int, baseline_excess: float, baseline_df: int) -> float:
    """``1 - (excess / df) / (baseline excess / its df)``, which may pass 0 or 1."""
    if not df or not baseline_excess > 0:
        return 1.0
    return 1 - (excess / df) / (baseline_excess / baseline_df)


def _noncentrality(statistic: float, df: int, share: float) -> float:
    """Noncentrality of the chi-square whose probability of less than the statistic is this share; 0 where none has."""
    if not df or not np.isfinite(statistic):
        return np.nan
    if chdtr(df, statistic) <= share:
        return 0.0
    most = statistic + 10 * np.sqrt(statistic) + 100
    return float(brentq(lambda value: chndtr(statistic, df, value) - share, 0.0, most, xtol=1e-10))


def _reference_log_likelihoods(model: PanelModel, saturated: Sequence[Saturated]) -> tuple[float, float]:
    """Log-likelihoods of the saturated model and of independent values, given the covariates."""
    groups = [cell_patterns(model, cell) for cell in range(len(saturated))]
    sizes = sizes_of(model)
    unrestricted = sum(group.log_likelihood for group in saturated)
    if model.system.n_covariates:
        unrestricted -= sum(_covariates_alone(group, size) for group, size in zip(groups, sizes, strict=True))
    independent = sum(_independent(group, range(size)) for group, size in zip(groups, sizes, strict=True))
    return unrestricted, independent


def n_degrees_of_freedom(model: PanelModel) -> int:
    """Means and covariances given the covariates, minus parameters; 0 where people have no common moments."""
    if len(model.design.cells) > model.design.n_groups:
        return 0
    n_covariates = model.system.n_covariates
    n_moments = sum(size * (size + 3) // 2 + size * n_covariates for size in sizes_of(model))
    return n_moments - model.system.n_parameters


def baseline_degrees_of_freedom(model: PanelModel) -> int:
    """Covariances among values, and with the covariates, that a model of independent values fixes at 0."""
    return sum(size * (size - 1) // 2 + size * model.system.n_covariates for size in sizes_of(model))


def _independent(arrays: PatternArrays, chosen: range) -> float:
    """Log-likelihood of some values, each normal by itself."""
    means = wave_means(arrays)
    counts, squares = np.zeros(len(means)), np.zeros(len(means))
    for pattern, count in enumerate(arrays.people):
        size, index = arrays.size[pattern], arrays.position[pattern]
        observed = index[:size]
        within = (arrays.factor[pattern, :size] ** 2).sum(axis=1)
        counts[observed] += count
        squares[observed] += within + count * (arrays.mean[pattern, :size] - means[observed]) ** 2
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


def implied_moments(
    model: PanelModel, theta: np.ndarray, cell: int, saturated: Saturated
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of a group's values and covariates that a solution implies, in the model's unit."""
    registers, _ = run(theta, model.system.structure_arrays)
    mean, covariance = moments(registers, model.system.systems[cell].arrays)
    return _with_covariates(model, mean, covariance, saturated) if model.system.n_covariates else (mean, covariance)


def _srmr(model: PanelModel, theta: np.ndarray, saturated: Sequence[Saturated]) -> float:
    """Root of the mean squared residual of covariances and means, in SDs of the unrestricted estimates."""
    roots, people = [], [float(cell_patterns(model, cell).people.sum()) for cell in range(len(saturated))]
    for cell, group in enumerate(saturated):
        mean, covariance = implied_moments(model, theta, cell, group)
        sd = np.sqrt(np.diag(group.covariance))
        residuals = (group.covariance - covariance) / np.outer(sd, sd)
        parts = np.concatenate([residuals[np.tril_indices(len(sd))], (group.mean - mean) / sd])
        roots.append(float(np.sqrt(np.mean(parts**2))))
    return float(np.average(roots, weights=people))


def _with_covariates(
    model: PanelModel, mean: np.ndarray, covariance: np.ndarray, saturated: Saturated
) -> tuple[np.ndarray, np.ndarray]:
    """Moments implied with the covariates' own moments in place of those that were conditioned on."""
    size = model.system.n_values
    slopes, known = covariance[:size, size:], saturated.covariance[size:, size:]
    residual_covariance = covariance[:size, :size] - slopes @ slopes.T
    cross = slopes @ known
    return (
        np.concatenate([mean[:size] + slopes @ saturated.mean[size:], saturated.mean[size:]]),
        np.block([[residual_covariance + cross @ slopes.T, cross], [cross.T, known]]),
    )
