"""Which means and covariances a maximum-likelihood solution misses, and by how much."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.linalg import block_diag

from .fit_indices import implied_moments
from .moments.kernel import moment_slopes
from .moments.panel_model import PanelModel
from .names import number
from .sampling import Sampling
from .sandwich import group_members, middle, moment_information, moment_scores, seen_values
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
    labels = [
        *names,
        *(names[i] if i == j else f"{names[j]} and {names[i]}" for i, j in zip(rows, columns, strict=True)),
    ]
    kinds = ["mean"] * size + ["variance" if i == j else "covariance" for i, j in zip(rows, columns, strict=True)]
    errors = _standard_errors(model, theta, saturated, sampling).reshape(len(saturated), -1)
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
            "z": (observed - implied) / errors[cell],
        }
        index = pd.MultiIndex.from_arrays(
            [kinds, [model.design.scope(cell) + label for label in labels]], names=["statistic", "of"]
        )
        parts.append(pd.DataFrame(table, index=index))
    joined = pd.concat(parts)
    return joined.iloc[np.argsort(-joined["residual"].abs().to_numpy(), kind="stable")]


def _standard_errors(
    model: PanelModel, theta: FloatArray, saturated: Sequence[Saturated], sampling: Sampling | None
) -> FloatArray:
    """Standard errors of all groups' residuals, in the model's unit; NaN where there are none.

    With V the covariance of the unrestricted moments, J the derivatives of the implied moments, and A the observed
    information of moments there, residuals have the covariance ``Q V Q'``, ``Q = I - J (J'AJ)^-1 J'A``, as in lavaan.
    With covariates, whose own moments are part of what is implied, there are none.
    """
    system = model.system
    n_moments = system.n_values * (system.n_values + 3) // 2
    if system.n_covariates:
        return np.full(len(saturated) * n_moments, np.nan)
    groups = range(len(saturated))
    implied = [Saturated(*implied_moments(model, theta, cell, saturated[cell]), np.nan) for cell in groups]
    information, weight = (
        block_diag(*(moment_information(model, cell, each) for cell, each in enumerate(moments)))
        for moments in (saturated, implied)
    )
    slopes = np.vstack([moment_slopes(theta, system.structure_arrays, system.arrays, cell) for cell in groups])
    variance = np.linalg.inv(information)
    before = np.diag(variance)
    if sampling is not None:
        values = seen_values(model)
        scores = np.zeros((len(values), len(information)))
        for cell, whole in enumerate(saturated):
            members, part = group_members(model, cell), slice(cell * n_moments, (cell + 1) * n_moments)
            scores[members, part] = moment_scores(whole.mean, whole.covariance, values[members], np.eye(n_moments))
        variance = variance @ middle(scores, sampling) @ variance
    weighted = slopes.T @ weight
    projection = np.eye(len(information)) - slopes @ np.linalg.pinv(weighted @ slopes) @ weighted
    variances = np.einsum("ij,jk,ik->i", projection, variance, projection, optimize=True)
    known = variances > 1e-6 * before  # a moment that is always met has no residual
    return np.where(known, np.sqrt(np.where(known, variances, 1.0)), np.nan)
