"""How far a panel is from a model as a whole: the chi-square that posterior predictive checks compare."""

import numpy as np
import numpy.typing as npt

from .model_on_panel import PanelModel
from .moments.kernel import moments
from .moments.linear_system import PanelSystem
from .moments.program_kernel import run
from .prediction import draw_unobserved, replicate

__all__ = ["chi_square_of", "chi_squares"]

MOST_VALUES = 5_000_000  # drawn at a time

type FloatArray = npt.NDArray[np.float64]


def chi_squares(
    model: PanelModel, thetas: FloatArray, values: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Chi-squares against the saturated model, of the panel and of a replicated one, at each of many theta.

    Both panels are complete: what the observed one lacks is drawn given the person's other values [1]_.

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

    Returns
    -------
    tuple
        Observed and replicated, each of shape ``(draw,)``; NaN where people have no common means and
        covariances, or are fewer than these need.

    References
    ----------
    .. [1] Gelman, Meng & Stern (1996). Posterior predictive assessment of model fitness via realized discrepancies.
       Statistica Sinica 6, 733-807.
    """
    system, cells = model.system, model.design.person_cell
    n_values = system.n_values
    seen = ~np.isnan(values[:, :n_values]).all(axis=1)
    values, cells = values[seen], None if cells is None else cells[seen]
    people = np.bincount(np.zeros(len(values), dtype=int) if cells is None else cells, minlength=len(system.systems))
    observed, replicated = np.full(len(thetas), np.nan), np.full(len(thetas), np.nan)
    if len(model.design.cells) > model.design.n_groups or people.min() <= values.shape[1] + 1:
        return observed, replicated
    targets = system.systems[0].observed[:n_values]
    absent = np.isnan(values[:, :n_values])
    completed = values.copy()
    step = max(1, MOST_VALUES // values.size)
    for start in range(0, len(thetas), step):
        block = np.ascontiguousarray(thetas[start : start + step])
        drawn = draw_unobserved(system, targets, block, values, rng, cells) if absent.any() else [absent] * len(block)
        for place, (theta, filled) in enumerate(zip(block, drawn, strict=True), start=start):
            completed[:, :n_values] = np.where(absent, filled, values[:, :n_values])
            observed[place] = chi_square_of(system, theta, completed, cells)
            copy = completed.copy()
            copy[:, :n_values] = replicate(system, theta, completed, rng, cells)
            replicated[place] = chi_square_of(system, theta, copy, cells)
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
        _, implied = np.linalg.slogdet(left)
        quadratic = float(np.trace(np.linalg.solve(left, deviations.T @ deviations)))
        total += len(members) * (implied - whole - n_values) + quadratic
    return total
