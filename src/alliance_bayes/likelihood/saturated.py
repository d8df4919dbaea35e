"""The model that restricts nothing: its means and covariances, and what they are compared with."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..engine.kernels.arrays import PatternArrays
from ..engine.kernels.moments import moments
from ..engine.linear_system import PanelSystem, saturated_system
from ..engine.model_on_panel import PanelModel
from .maximising import maximise, wave_means

__all__ = ["Saturated", "cell_patterns", "saturated", "saturated_moments", "saturated_theta", "sizes_of"]

type FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Saturated:
    """Unrestricted estimates for one group's values and covariates, in the model's unit.

    Attributes
    ----------
    mean, covariance
        Shapes ``(value,)`` and ``(value, value)``, the covariates last.
    log_likelihood
        Of values and covariates together.
    """

    mean: FloatArray
    covariance: FloatArray
    log_likelihood: float


def saturated_moments(model: PanelModel) -> tuple[tuple[Saturated, ...], tuple[str, ...]]:
    """Estimates of every group; where there are none, nothing and the reason in words."""
    if len(model.design.cells) > model.design.n_groups:
        return (), (
            "No test of fit: effects differ from person to person (own times or moderators), so that there are no "
            "common means and covariances to reproduce.",
        )
    groups = [cell_patterns(model, cell) for cell in range(len(model.design.cells))]
    if not all(_all_pairs_observed(group) for group in groups):
        return (), (
            "No test of fit: some pair of values was never observed together, so the saturated model has no estimate.",
        )
    estimates = tuple(group for group in map(saturated, groups) if group is not None)
    if len(estimates) < len(groups):
        return (), ("No test of fit: the saturated model did not converge.",)
    return estimates, ()


def sizes_of(model: PanelModel) -> list[int]:
    """Values of a person of each cell, without covariates."""
    return [len(linear.observed) - model.system.n_covariates for linear in model.system.systems]


def cell_patterns(model: PanelModel, cell: int) -> PatternArrays:
    """Patterns of one cell alone, without columns for values that only other cells have."""
    arrays, size = model.statistics.arrays, len(model.system.systems[cell].observed)
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


def saturated(arrays: PatternArrays) -> Saturated | None:
    """Estimates for the people of one cell; None where no maximum is found."""
    n_persons, size = float(arrays.people.sum()), arrays.position.shape[1]
    if len(arrays.people) == 1 and arrays.size[0] == size:
        if n_persons <= size:
            return None
        covariance = arrays.factor[0] @ arrays.factor[0].T / n_persons
        _, log_determinant = np.linalg.slogdet(covariance)
        value = float(-0.5 * n_persons * (size * (np.log(2 * np.pi) + 1) + log_determinant))
        return Saturated(arrays.mean[0], covariance, value)
    system = saturated_system(size)
    start = np.array([parameter.start for parameter in system.parameters])
    start[-size:] = wave_means(arrays)
    maximum = maximise(system, arrays, start)
    if not maximum.converged:
        return None
    mean, covariance = moments(maximum.theta, system.systems[0].arrays)
    return Saturated(mean, covariance, maximum.log_likelihood)


def saturated_theta(system: PanelSystem, estimates: Saturated) -> FloatArray:
    """Parameters of a `saturated_system` at these estimates."""
    return np.array(
        [
            (estimates.covariance if parameter.kind == "covariance" else estimates.mean)[parameter.measures]
            for parameter in system.parameters
        ]
    )


def _all_pairs_observed(arrays: PatternArrays) -> bool:
    together = np.zeros((arrays.position.shape[1],) * 2, dtype=bool)
    for size, index in zip(arrays.size, arrays.position, strict=True):
        together[np.ix_(index[:size], index[:size])] = True
    return bool(together.all())
