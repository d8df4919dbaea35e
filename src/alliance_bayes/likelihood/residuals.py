"""Residual means and covariances of a maximum-likelihood solution."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.linalg import block_diag

from ..basics.names import number
from ..engine.kernels.moments import moment_slopes
from ..engine.model_on_panel import PanelModel
from .fit_indices import implied_moments
from .robust_errors import group_members, middle, moment_information, moment_scores, observed_values
from .saturated import Saturated, sizes_of
from .survey_design import Sampling

__all__ = ["moment_residuals"]

type FloatArray = npt.NDArray[np.float64]


def moment_residuals(
    model: PanelModel, theta: FloatArray, saturated: Sequence[Saturated], sampling: Sampling | None
) -> pd.DataFrame:
    """`MaximumLikelihood.residuals`; with `sampling`, z does not assume that people are normal."""
    errors = _standard_errors(model, theta, saturated, sampling)
    parts = []
    for cell, group in enumerate(saturated):
        part = _group(model, cell, group, implied_moments(model, theta, cell, group))
        parts.append(part.assign(z=part.pop("difference").to_numpy() / errors[cell]))
    joined = pd.concat(parts)
    return joined.iloc[np.argsort(-joined["residual"].abs().to_numpy(), kind="stable")]


def _group(model: PanelModel, cell: int, saturated: Saturated, implied: tuple[FloatArray, FloatArray]) -> pd.DataFrame:
    """One group's moments in their own units, residuals in SDs, and differences in the model's unit."""
    statistics, times = model.statistics, model.design.times_of(model.design.cells[cell].group)
    names = [f"{column}, {number(time)}" for time in times for column in statistics.columns]
    size = len(names)
    shift, unit = (np.tile(part, len(times)) for part in (statistics.centre, statistics.scale))
    rows, columns = np.tril_indices(size)
    pairs = list(zip(rows.tolist(), columns.tolist(), strict=True))
    labels = [*names, *(names[i] if i == j else f"{names[j]} and {names[i]}" for i, j in pairs)]
    kinds = ["mean"] * size + ["variance" if i == j else "covariance" for i, j in pairs]
    observed, expected = (
        np.concatenate([mean[:size], covariance[rows, columns]])
        for mean, covariance in ((saturated.mean, saturated.covariance), implied)
    )
    sd = np.sqrt(np.diag(saturated.covariance)[:size])
    units, sds = (np.concatenate([part, part[rows] * part[columns]]) for part in (unit, sd))
    located = np.concatenate([shift, np.zeros(len(rows))])
    index = [kinds, [model.design.scope(model.design.cells[cell].group) + label for label in labels]]
    return pd.DataFrame(
        {
            "observed": observed * units + located,
            "implied": expected * units + located,
            "residual": (observed - expected) / sds,
            "difference": observed - expected,
        },
        index=pd.MultiIndex.from_arrays(index, names=["statistic", "of"]),
    )


def _standard_errors(
    model: PanelModel, theta: FloatArray, saturated: Sequence[Saturated], sampling: Sampling | None
) -> list[FloatArray]:
    """Standard errors of each group's residuals, in the model's unit; NaN where there are none.

    With V the covariance of the unrestricted moments, J the derivatives of the implied moments, and A the observed
    information of moments there, residuals have the covariance ``Q V Q'``, ``Q = I - J (J'AJ)^-1 J'A``, as in lavaan.
    With covariates, whose own moments are part of what is implied, there are none.
    """
    system = model.system
    counts = [size * (size + 3) // 2 for size in sizes_of(model)]
    ends = np.cumsum(counts)
    if system.n_covariates:
        return [np.full(count, np.nan) for count in counts]
    groups = range(len(saturated))
    implied = [Saturated(*implied_moments(model, theta, cell, saturated[cell]), np.nan) for cell in groups]
    information, weight = (
        block_diag(*(moment_information(model, cell, group) for cell, group in enumerate(moments)))
        for moments in (saturated, implied)
    )
    slopes = np.vstack([moment_slopes(theta, system.structure_arrays, system.arrays, cell) for cell in groups])
    variance = np.linalg.inv(information)
    before = np.diag(variance)
    if sampling is not None:
        values = observed_values(model)
        scores = np.zeros((len(values), len(information)))
        for cell, group in enumerate(saturated):
            members, part = group_members(model, cell), np.arange(ends[cell] - counts[cell], ends[cell])
            scores[np.ix_(members, part)] = moment_scores(
                group.mean, group.covariance, values[members], np.eye(counts[cell])
            )
        variance = variance @ middle(scores, sampling) @ variance
    weighted = slopes.T @ weight
    projection = np.eye(len(information)) - slopes @ np.linalg.pinv(weighted @ slopes) @ weighted
    variances = np.einsum("ij,jk,ik->i", projection, variance, projection, optimize=True)
    known = variances > 1e-6 * before  # a moment that is always met has no residual
    return np.split(np.where(known, np.sqrt(np.where(known, variances, 1.0)), np.nan), ends[:-1])
