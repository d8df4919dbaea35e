"""Expected information of a panel: the mean curvature of its log-likelihood, given who has which values."""

import numpy as np
import numpy.typing as npt

from ..engine.kernels.arrays import PatternArrays
from ..engine.kernels.interpreter import run
from ..engine.kernels.moments import moment_slopes, moments
from ..engine.linear_system import PanelSystem

__all__ = ["expected_information"]

type FloatArray = npt.NDArray[np.float64]


def expected_information(system: PanelSystem, patterns: PatternArrays, theta: FloatArray) -> FloatArray:
    """Expected information given who has which values: that of the moments of each pattern, at the implied moments."""
    total = np.zeros((len(theta), len(theta)))
    registers, _ = run(theta, system.structure_arrays)
    for cell, linear in enumerate(system.systems):
        _, covariance = moments(registers, linear.arrays)
        size = len(covariance)
        slopes = moment_slopes(theta, system.structure_arrays, system.arrays, cell)
        rows, columns = np.tril_indices(size)
        both = np.where(rows == columns, 0.5, 1.0)  # an entry off the diagonal stands for two
        of_means, of_covariances = np.zeros((size, size)), np.zeros((len(rows), len(rows)))
        for pattern in range(patterns.cell_start[cell], patterns.cell_start[cell + 1]):
            seen = patterns.position[pattern, : patterns.size[pattern]]
            precision = np.zeros_like(covariance)
            precision[np.ix_(seen, seen)] = np.linalg.inv(covariance[np.ix_(seen, seen)])
            of_means += patterns.people[pattern] * precision
            of_covariances += patterns.people[pattern] * (
                precision[np.ix_(rows, rows)] * precision[np.ix_(columns, columns)]
                + precision[np.ix_(rows, columns)] * precision[np.ix_(columns, rows)]
            )
        located, spread = slopes[:size], both[:, None] * slopes[size:]
        total += located.T @ of_means @ located + spread.T @ of_covariances @ spread
    return total
