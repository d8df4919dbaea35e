"""Which means and covariances a maximum-likelihood solution misses, and by how much."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from .fit_indices import implied_moments
from .maximising import hessian_of
from .moments.kernel import moment_slopes
from .moments.panel_model import PanelModel
from .names import number
from .sampling import Sampling
from .sandwich import group_members, middle, model_scores, moment_information, moment_scores, seen_values
from .saturated import Saturated

__all__ = ["moment_residuals"]

type FloatArray = npt.NDArray[np.float64]


def moment_residuals(
    model: PanelModel, theta: FloatArray, saturated: Sequence[Saturated], sampling: Sampling | None
) -> pd.DataFrame:
    """Unrestricted less implied moments, the largest in SDs first.

    Parameters
    ----------
    model
        The model on its panel.
    theta
        Its estimates.
    saturated
        Unrestricted estimates of every group.
    sampling
        Where given, z does not take people for normal, and heeds their clusters and weights.

    Returns
    -------
    pandas.DataFrame
        As `MaximumLikelihood.residuals`.
    """
    parts = []
    size = model.system.n_values
    shift, unit = (np.tile(part, size // len(part)) for part in (model.statistics.centre, model.statistics.scale))
    rows, columns = np.tril_indices(size)
    names = [f"{column}, {number(time)}" for time in model.design.times for column in model.statistics.columns]
    labels = [*names, *(names[i] if i == j else f"{names[j]} and {names[i]}" for i, j in zip(rows, columns, strict=True))]
    kinds = ["mean"] * size + ["variance" if i == j else "covariance" for i, j in zip(rows, columns, strict=True)]
    for cell, whole in enumerate(saturated):
        mean, covariance = implied_moments(model, theta, cell, whole)
        sd = np.sqrt(np.diag(whole.covariance)[:size])
        units, sds = (np.concatenate([each, each[rows] * each[columns]]) for each in (unit, sd))
        observed, implied = (
            np.concatenate([means[:size], matrix[rows, columns]])
            for means, matrix in ((whole.mean, whole.covariance), (mean, covariance))
        )
        located = np.concatenate([shift, np.zeros(len(rows))])
        table = {
            "observed": observed * units + located,
            "implied": implied * units + located,
            "residual": (observed - implied) / sds,
            "z": _ratios(model, theta, cell, whole, sampling, observed - implied),
        }
        index = pd.MultiIndex.from_arrays(
            [kinds, [model.design.scope(cell) + label for label in labels]], names=["statistic", "of"]
        )
        parts.append(pd.DataFrame(table, index=index))
    joined = pd.concat(parts)
    return joined.iloc[np.argsort(-joined["residual"].abs().to_numpy(), kind="stable")]


def _ratios(
    model: PanelModel,
    theta: FloatArray,
    cell: int,
    whole: Saturated,
    sampling: Sampling | None,
    residuals: FloatArray,
) -> FloatArray:
    """Residuals in their standard errors; NaN with covariates, whose own moments are part of what is implied.

    The covariance of the residuals is that of the unrestricted estimates less that of the implied moments; without
    normality it is summed over what each person (or cluster) adds to the difference of the two.
    """
    system = model.system
    if system.n_covariates:
        return np.full(len(residuals), np.nan)
    slopes = moment_slopes(theta, system.structure_arrays, system.arrays, cell)
    free, bound = moment_information(model, cell, whole), hessian_of(system, model.statistics.arrays, theta)
    if not np.linalg.eigvalsh(bound)[0] > 0:
        return np.full(len(residuals), np.nan)
    before = np.diag(np.linalg.inv(free))
    if sampling is None:
        variances = before - np.einsum("ij,ji->i", slopes, np.linalg.solve(bound, slopes.T))
    else:
        values, members = seen_values(model), group_members(model, cell)
        parts = -model_scores(model, theta) @ np.linalg.solve(bound, slopes.T)
        scores = moment_scores(whole.mean, whole.covariance, values[members], np.eye(len(free)))
        parts[members] += scores @ np.linalg.inv(free)
        variances = np.diag(middle(parts, sampling))
    known = variances > 1e-6 * before  # a moment that is always met has no residual
    return np.where(known, residuals / np.sqrt(np.where(known, variances, 1.0)), np.nan)
