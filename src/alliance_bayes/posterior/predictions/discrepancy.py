"""Panels that posterior predictive checks compare, and how far they are from the model as a whole: the chi-square."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular

from ...engine.kernels.interpreter import run
from ...engine.kernels.moments import moments
from ...engine.model_on_panel import PanelModel
from ...engine.moments.linear_system import PanelSystem
from .prediction import draw_unobserved, lower_factor, replicate

__all__ = ["chi_square_of", "chi_squares", "completed_and_replicated"]

MOST_VALUES = 5_000_000  # drawn at a time

type FloatArray = npt.NDArray[np.float64]


def completed_and_replicated(
    model: PanelModel, thetas: FloatArray, values: FloatArray, rng: np.random.Generator
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """The panel and a replicated one at each of many theta, both complete, of the people with any value.

    What the observed one lacks is drawn given the person's other values [1]_: a statistic of the observed values alone
    would differ from that of new people wherever it is not completely at random what is absent.

    Parameters
    ----------
    model
        The model on its panel.
    thetas
        Posterior draws, shape ``(draw, parameter)``, in the model's unit.
    values
        Values in the model's unit, then covariates, shape ``(person, value)``.
    rng
        Source of the random numbers.

    Yields
    ------
    tuple
        Values of both in the model's unit, then covariates, shape ``(person with a value, value)``.

    References
    ----------
    .. [1] Gelman, Van Mechelen, Verbeke, Heitjan & Meulders (2005). Multiple imputation for model checking:
       completed-data plots with missing and latent data. Biometrics 61, 74-85.
    """
    system, n_values = model.system, model.system.n_values
    values, cells = _with_values(model, values)
    targets = system.systems[0].observed[:n_values]
    absent = np.isnan(values[:, :n_values])
    step = max(1, MOST_VALUES // max(1, values.size))
    for start in range(0, len(thetas), step):
        block = np.ascontiguousarray(thetas[start : start + step])
        drawn = draw_unobserved(system, targets, block, values, rng, cells) if absent.any() else [absent] * len(block)
        for theta, filled in zip(block, drawn, strict=True):
            completed = values.copy()
            completed[:, :n_values] = np.where(absent, filled, values[:, :n_values])
            copy = completed.copy()
            copy[:, :n_values] = replicate(system, theta, completed, rng, cells)
            yield completed, copy


def _with_values(model: PanelModel, values: FloatArray) -> tuple[FloatArray, npt.NDArray[np.int64] | None]:
    """Values and cells of the people with any value."""
    cells = model.design.person_cell
    seen = ~np.isnan(values[:, : model.system.n_values]).all(axis=1)
    return values[seen], None if cells is None else cells[seen]


def chi_squares(
    model: PanelModel, thetas: FloatArray, values: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Chi-squares against the saturated model [1]_, of the panel and of a replicated one, at each of many theta.

    Parameters
    ----------
    model, thetas, values, rng
        As of `completed_and_replicated`.

    Returns
    -------
    tuple
        Of both, each of shape ``(draw,)``; NaN where people have no common means and covariances, or are fewer than
        these need.

    References
    ----------
    .. [1] Gelman, Meng & Stern (1996). Posterior predictive assessment of model fitness via realized discrepancies.
       Statistica Sinica 6, 733-807.
    """
    system = model.system
    kept, cells = _with_values(model, values)
    people = np.bincount(np.zeros(len(kept), dtype=int) if cells is None else cells, minlength=len(system.systems))
    if len(model.design.cells) > model.design.n_groups or people.min() <= values.shape[1] + 1:
        return np.full(len(thetas), np.nan), np.full(len(thetas), np.nan)
    both = completed_and_replicated(model, thetas, values, rng)
    found = [
        [chi_square_of(system, theta, panel, cells) for panel in panels]
        for theta, panels in zip(thetas, both, strict=True)
    ]
    observed, replicated = np.array(found).T
    return observed, replicated


def chi_square_of(
    system: PanelSystem, theta: FloatArray, values: FloatArray, person_cell: npt.NDArray[np.int64] | None = None
) -> float:
    """Twice what the saturated model gains in log-likelihood on a model at theta, for complete values.

    ``n (log det S_model - log det S + tr(S_model^-1 R) - p)`` summed over groups, S the covariance of the
    residuals of the regression on the covariates, and R the mean square of deviations from the model's means.
    """
    registers, _ = run(theta, system.structure_arrays)
    n_values = values.shape[1] - system.n_covariates
    total = 0.0
    for cell, linear in enumerate(system.systems):
        members = values if person_cell is None else values[person_cell == cell]
        outcomes, covariates = members[:, :n_values], members[:, n_values:]
        mean, covariance = moments(registers, linear.arrays)
        slopes = covariance[:n_values, n_values:]
        left = covariance[:n_values, :n_values] - slopes @ slopes.T
        predictors = np.column_stack([np.ones(len(members)), covariates])
        residuals = outcomes - predictors @ np.linalg.lstsq(predictors, outcomes)[0]
        deviations = outcomes - mean[:n_values] - covariates @ slopes.T
        _, whole = np.linalg.slogdet(residuals.T @ residuals / len(members))
        lower = lower_factor(left)
        implied = 2 * np.log(np.diagonal(lower)).sum()
        quadratic = float((solve_triangular(lower, deviations.T, lower=True) ** 2).sum())
        total += len(members) * (implied - whole - n_values) + quadratic
    return total
