"""Panel models as linear systems of latent and observed variables."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement
from typing import Literal

import numpy as np

from ..basics.names import number
from .kernels.arrays import ProgramArrays, SystemArrays
from .parameters import Parameter
from .program import Program, Writer

__all__ = ["LinearSystem", "PanelSystem", "Variable", "joined_arrays", "saturated_system"]

ONE = -1

Role = Literal["within", "intercept", "accumulating", "slope", "value", "indicator", "covariate", "state", "selection"]


@dataclass(frozen=True)
class Variable:
    """A variable of a linear system."""

    # ``"value"``: a measure at a wave; ``"within"``: what changes within people there, also at steps between waves;
    # ``"intercept"``, ``"slope"``, ``"accumulating"``: a stable factor; ``"indicator"``: an item of a measure;
    # ``"state"``, ``"selection"``: linear predictor of being in the state, and of being observed
    role: Role
    name: str  # name of its measure, item, covariate or state, or of who is observed
    time: float | None = None  # when; None where it has no time

    def __str__(self) -> str:
        words = {"value": self.name, "indicator": self.name, "covariate": self.name}
        words |= {"state": f"{self.name} on", "selection": f"{self.name} seen"}
        what = words.get(self.role, f"{self.role} {self.name}")
        return what if self.time is None else f"{what}, {number(self.time)}"


@dataclass(frozen=True, eq=False)
class LinearSystem:
    """Variables that are sums of earlier variables and of disturbances.

    ``eta = alpha + A eta + u``, ``Cov(u) = S``: variables stand in causal order, so A is strictly
    lower triangular. The panel's values are the variables `observed`, wave by wave, then the
    covariates. Then ``E eta = (I - A)^-1 alpha`` and ``Cov eta = (I - A)^-1 S (I - A)^-T``.
    """

    variables: tuple[Variable, ...]  # in causal order
    paths: tuple[tuple[int, int, int], ...]  # entries of A as ``(row, column, register)``; -1 is the constant 1
    # Entries of S, lower triangle, as ``(row, column, register)``; -1 is the constant 1
    covariances: tuple[tuple[int, int, int], ...]
    intercepts: tuple[tuple[int, int], ...]  # entries of alpha as ``(row, register)``
    observed: tuple[int, ...]  # variables that are the panel's values, wave-major, then covariates

    @cached_property
    def arrays(self) -> SystemArrays:
        """The system alone as index arrays."""
        return joined_arrays([self])

    def matrices(self, registers: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A, S and alpha at these registers, shapes ``(variable, variable)`` twice and ``(variable,)``."""
        size = len(self.variables)
        effects, disturbances, intercepts = np.zeros((size, size)), np.zeros((size, size)), np.zeros(size)
        for row, column, register in self.paths:
            effects[row, column] = 1.0 if register == ONE else registers[register]
        for row, column, register in self.covariances:
            disturbances[row, column] = disturbances[column, row] = 1.0 if register == ONE else registers[register]
        for row, register in self.intercepts:
            intercepts[row] = registers[register]
        return effects, disturbances, intercepts


@dataclass(frozen=True, eq=False)
class PanelSystem:
    """A model on a panel: its parameters, and a linear system for each cell of people."""

    parameters: tuple[Parameter, ...]  # free numbers, in the order of the vector theta
    structure: Program  # from theta to the registers that the systems read
    systems: tuple[LinearSystem, ...]  # one for each cell
    n_covariates: int = 0  # how many of the observed variables, the last ones, are conditioned on

    @property
    def n_parameters(self) -> int:
        """Number of free numbers."""
        return len(self.parameters)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, in the order of theta."""
        return tuple(parameter.name for parameter in self.parameters)

    @cached_property
    def structure_arrays(self) -> ProgramArrays:
        """The structure for the compiled interpreter."""
        return self.structure.arrays

    @cached_property
    def arrays(self) -> SystemArrays:
        """The systems for the compiled kernel."""
        return joined_arrays(self.systems)

    @property
    def n_values(self) -> int:
        """Values of one person, without covariates, in the cell that has most."""
        return max(len(system.observed) for system in self.systems) - self.n_covariates


def joined_arrays(systems: Sequence[LinearSystem]) -> SystemArrays:
    """Index arrays of several systems, paths sorted by row."""
    columns: dict[str, list[int]] = {name: [] for name in SystemArrays._fields if name not in ("start", "form")}
    lengths = ("path_row", "covariance_row", "intercept_row", "disturbance", "observed")
    starts, first_of, forms = [[0] * len(lengths)], dict[tuple[object, ...], int](), list[int]()

    def add(word: str, parts: Sequence[str], entries: Sequence[tuple[int, ...]]) -> None:
        for place, part in enumerate(parts):
            columns[f"{word}_{part}"] += [entry[place] for entry in entries]

    for cell, system in enumerate(systems):
        disturbed = sorted({row for entry in system.covariances for row in entry[:2]})
        disturbance = [-1] * len(system.variables)
        for place, row in enumerate(disturbed):
            disturbance[row] = place
        paths = sorted(system.paths)
        add("path", ("row", "column", "register"), paths)
        add("covariance", ("row", "column", "register"), system.covariances)
        add("intercept", ("row", "register"), system.intercepts)
        columns["disturbance"] += disturbance
        columns["observed"] += system.observed
        starts.append([len(columns[name]) for name in lengths])
        numbers = [tuple((*ends, register == ONE) for *ends, register in each) for each in (paths, system.covariances)]
        form = (len(disturbance), *numbers, tuple(row for row, _ in system.intercepts), system.observed)
        forms.append(first_of.setdefault(form, cell))
    arrays = {name: np.array(column, dtype=np.int64) for name, column in columns.items()}
    return SystemArrays(**arrays, start=np.array(starts, dtype=np.int64), form=np.array(forms, dtype=np.int64))


def saturated_system(n_values: int, n_covariates: int = 0) -> PanelSystem:
    """Lay out the model that restricts nothing: every mean, variance and covariance free."""
    parameters: list[Parameter] = []
    covariances, rows = [], range(n_values)
    for first, second in combinations_with_replacement(rows, 2):
        same = first == second
        covariances.append((second, first, len(parameters)))
        word, of = ("variance", f"{first}") if same else ("covariance", f"{first}, {second}")
        parameters.append(Parameter(word, of, "covariance", (second, first), is_variance=same, start=float(same)))
    intercepts = []
    for row in rows:
        intercepts.append((row, len(parameters)))
        parameters.append(Parameter("mean", f"{row}", "mean", (row,)))
    variables = tuple(Variable("value", f"value {row}") for row in rows)
    system = LinearSystem(variables, (), tuple(covariances), tuple(intercepts), tuple(rows))
    return PanelSystem(tuple(parameters), Writer(len(parameters)).program(), (system,), n_covariates)
