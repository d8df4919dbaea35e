"""The standardised solution: effects, variances, covariances and means in the SDs that a model implies; R-squared."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..basics.names import number
from ..engine.kernels.interpreter import run
from ..engine.linear_system import LinearSystem, Variable
from ..engine.model_on_panel import PanelModel
from .estimates import Estimates, delta_errors, normal_tests
from .robust_errors import group_members

__all__ = [
    "Entry",
    "Solution",
    "r_squared_table",
    "standardized_entries",
    "standardized_in_words",
    "standardized_table",
]

type FloatArray = npt.NDArray[np.float64]

ROUNDING = 1e-9  # largest standard error of a number that is 1 by definition


@dataclass(frozen=True)
class Entry:
    """One number of a linear system: ``"effect"``, ``"loading"``, ``"variance"``, ``"covariance"`` or ``"mean"``."""

    kind: str
    first: Variable  # the outcome of an effect, what loads, or one of the two that covary
    second: Variable | None  # predictor, factor, or the other one; None of a mean
    is_residual: bool  # a variance or covariance of what is left unpredicted
    register: int  # of the number itself
    cell: int

    @property
    def name(self) -> str:
        """As in the table."""
        first, second, prefix = self.first, self.second, "residual " if self.is_residual else ""
        if second is None or self.kind == "variance":
            return f"{prefix}{self.kind} of {first}"
        if self.kind == "covariance":
            return f"{prefix}correlation of {second} and {first}"
        if first.role == second.role == "within":
            times = " to ".join(number(variable.time or 0.0) for variable in (second, first))
            return f"{second.name} -> {first.name}, {times}"
        return f"{second} -> {first}"


class Solution:
    """A group's linear system at some parameters, as matrices with the covariates' own moments."""

    def __init__(self, model: PanelModel, theta: FloatArray, cell: int) -> None:
        self.system: LinearSystem = model.system.systems[cell]
        registers, _ = run(theta, model.system.structure_arrays)
        self.effects, self.disturbances, self.intercepts = self.system.matrices(registers)
        self._set_covariates(model, cell)

    def _set_covariates(self, model: PanelModel, cell: int) -> None:
        known = model.design.covariate_values
        rows = [row for row, variable in enumerate(self.system.variables) if variable.role == "covariate"]
        if known is None or not rows:
            return
        members = group_members(model, cell)
        known = known[members[model.has_value[members]]]
        order = [self.system.observed.index(row) - len(self.system.observed) for row in rows]
        self.disturbances[np.ix_(rows, rows)] = np.cov(known[:, order].T, bias=True)
        self.intercepts[rows] = known[:, order].mean(axis=0)

    @cached_property
    def _spread(self) -> FloatArray:
        return np.linalg.inv(np.eye(len(self.effects)) - self.effects)

    @cached_property
    def variances(self) -> FloatArray:
        """Variance of every variable."""
        return np.asarray(np.einsum("ij,jk,ik->i", self._spread, self.disturbances, self._spread, optimize=True))

    @cached_property
    def sds(self) -> FloatArray:
        """SD of every variable; NaN where its variance is negative."""
        return _root(self.variances)

    @cached_property
    def means(self) -> FloatArray:
        """Mean of every variable, in the model's unit."""
        return np.asarray(self._spread @ self.intercepts)


def _root(values: FloatArray) -> FloatArray:
    return np.sqrt(np.where(values > 0, values, np.nan))


def standardized_entries(model: PanelModel) -> tuple[list[Entry], Callable[[FloatArray], FloatArray]]:
    """Entries of all groups, and the function from theta to their standardised values.

    There are none where effects differ from person to person. An effect is multiplied by the SD of its predictor and
    divided by that of its outcome; a variance is a share of the variable's; a covariance is a correlation, among
    residuals where the variances are residual; a mean is in SDs.
    """
    systems = model.system.systems if len(model.design.cells) <= model.design.n_groups else ()
    entries = [entry for cell, linear in enumerate(systems) for entry in _entries(linear, cell)]
    located = [_locations(model, linear) for linear in systems]
    rows = [{variable: row for row, variable in enumerate(linear.variables)} for linear in systems]

    def values(theta: FloatArray) -> FloatArray:
        solutions = [Solution(model, theta, cell) for cell in range(len(systems))]
        return np.array(
            [_value(entry, solutions[entry.cell], rows[entry.cell], located[entry.cell]) for entry in entries]
        )

    return entries, values


def _entries(linear: LinearSystem, cell: int) -> Iterator[Entry]:
    variables, observed = linear.variables, set(linear.observed)
    predicted = {row for row, *_ in linear.paths}
    for row, column, register in linear.paths:
        alike = variables[row].role == variables[column].role or variables[column].role == "covariate"
        yield Entry("effect" if alike else "loading", variables[row], variables[column], False, register, cell)
    for row, column, register in linear.covariances:
        if variables[row].role != "covariate":
            kind = "variance" if row == column else "covariance"
            yield Entry(kind, variables[row], variables[column], {row, column} <= predicted, register, cell)
    for row, register in linear.intercepts:
        if row in observed and variables[row].role != "covariate":
            yield Entry("mean", variables[row], None, False, register, cell)


def _locations(model: PanelModel, linear: LinearSystem) -> dict[Variable, float]:
    """Centre of each observed variable in its SD unit, by which means in the model's unit are moved."""
    centre, scale = model.column_units
    offsets = {name: centre[index] / scale[index] for index, name in enumerate(model.spec.columns)}
    return {
        linear.variables[row]: offsets[linear.variables[row].name]
        for row in linear.observed
        if linear.variables[row].name in offsets
    }


def _value(entry: Entry, solution: Solution, rows: dict[Variable, int], located: dict[Variable, float]) -> float:
    row, sds = rows[entry.first], solution.sds
    if entry.second is None:
        return float((solution.means[row] + located.get(entry.first, 0.0)) / sds[row])
    column = rows[entry.second]
    if entry.kind in ("effect", "loading"):
        return float(solution.effects[row, column] * sds[column] / sds[row])
    if row == column:
        return float(solution.disturbances[row, row] / solution.variances[row])
    residual_sds = _root(solution.disturbances[[row, column], [row, column]])
    return float(solution.disturbances[row, column] / residual_sds.prod())


def standardized_table(model: PanelModel, estimates: Estimates) -> pd.DataFrame:
    """`MaximumLikelihood.standardized`."""
    entries, values = standardized_entries(model)
    estimate, errors = values(estimates.theta), delta_errors(estimates, values)
    names = [_scope(model, entry.cell) + entry.name for entry in entries]
    table = {
        "kind": [entry.kind for entry in entries],
        **normal_tests(estimate, np.where(errors < ROUNDING, 0, errors)),
    }
    return pd.DataFrame(table, index=pd.Index(names, name="parameter"))


def standardized_in_words(model: PanelModel, theta: FloatArray) -> list[str]:
    """Standardised value of each parameter, from the lowest to the highest of the places where it stands."""
    entries, values = standardized_entries(model)
    by_parameter: list[list[float]] = [[] for _ in theta]
    for entry, value in zip(entries, values(theta), strict=True):
        if 0 <= entry.register < len(theta):
            by_parameter[entry.register].append(value)
    texts = [sorted({f"{value:.3f}" for value in values}, key=float) for values in by_parameter]
    return [" to ".join(dict.fromkeys((text[0], text[-1]))) if text else "" for text in texts]


def r_squared_table(model: PanelModel, estimates: Estimates) -> pd.DataFrame:
    """`MaximumLikelihood.r_squared`."""
    systems = model.system.systems if len(model.design.cells) <= model.design.n_groups else ()
    where = [
        (cell, row)
        for cell, linear in enumerate(systems)
        for row in dict.fromkeys(row for row, *_ in linear.paths)
        if linear.variables[row].role in ("within", "value", "indicator")
        and any(entry[:2] == (row, row) for entry in linear.covariances)
    ]

    def values(theta: FloatArray) -> FloatArray:
        solutions = [Solution(model, theta, cell) for cell in range(len(systems))]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.array(
                [1 - solutions[cell].disturbances[row, row] / solutions[cell].variances[row] for cell, row in where]
            )

    estimate, errors = values(estimates.theta), delta_errors(estimates, values)
    names = [_scope(model, cell) + str(model.system.systems[cell].variables[row]) for cell, row in where]
    parts = normal_tests(estimate, errors)
    return pd.DataFrame(
        {name: parts[name] for name in ("estimate", "se", "lower", "upper")}, index=pd.Index(names, name="outcome")
    )


def _scope(model: PanelModel, cell: int) -> str:
    return model.design.scope(model.design.cells[cell].group)
