"""Score tests of what a model fixes: what one more free number would gain, without fitting it (modification indices).

With s the score of the added number at the estimates, I the expected information (given who has which values), a the
added number and b the model's own, ``V = I_aa - I_ab I_bb^-1 I_ba``. The index ``s^2 / V`` is chi-square with 1 degree
of freedom where the model is right, and the expected change of the number is ``s / V`` [1]_.

References
----------
.. [1] Sörbom (1989). Model modification. Psychometrika 54, 371-384. https://doi.org/10.1007/BF02294623
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import chdtrc

from ..basics.names import number
from ..engine.kernels import steps
from ..engine.kernels.likelihood import log_likelihood_and_gradient
from ..engine.linear_system import ONE, LinearSystem, PanelSystem, Variable
from ..engine.model_on_panel import PanelModel
from ..engine.parameters import Parameter
from ..engine.program import Program, Step
from .information import expected_information
from .standardized import Solution

__all__ = ["Change", "modification_table", "possible_changes"]

type FloatArray = npt.NDArray[np.float64]

SINGULAR = 1e-7  # share of the information that must be left once the model's own parameters are taken out


@dataclass(frozen=True)
class Change:
    """One number that the model fixes at 0 or at another number, made free."""

    kind: str  # "effect", "loading", "covariance" or "mean"
    cell: int
    row: int
    column: int  # of a mean -1
    name: str
    shared: int = ONE  # register that it is fixed at; `ONE` where it is fixed at 0 (or a loading at 1)


def possible_changes(model: PanelModel) -> list[Change]:
    """Everything that modification indices are worked out for; see `ab.modification_indices`."""
    used = Counter(
        register
        for linear in model.system.systems
        for register in (*(path[2] for path in linear.paths), *(entry[2] for entry in linear.covariances),
                         *(entry[1] for entry in linear.intercepts))
    )  # fmt: skip
    changes = []
    for cell, linear in enumerate(model.system.systems):
        scope = model.design.scope(model.design.cells[cell].group)
        waves = set(model.design.cells[cell].times)
        of_cell = [
            *_added_effects(linear, waves),
            *_added_covariances(linear, waves),
            *_released(linear, used, len(model.system.parameters)),
        ]
        changes += [replace(change, cell=cell, name=scope + change.name) for change in of_cell]
    return changes


def _lagged(first: Variable, second: Variable) -> str:
    """Name of the effect of the second on the first."""
    if first.role == second.role == "within":
        times = " to ".join(number(variable.time or 0.0) for variable in (second, first))
        return f"{second.name} -> {first.name}, {times}"
    return f"{second} -> {first}"


def _added_effects(linear: LinearSystem, waves: set[float]) -> Iterator[Change]:
    """Lagged effects, of an earlier wave or a path fixed at 0, and loadings of indicators on other measures."""
    variables, present = linear.variables, {path[:2] for path in linear.paths}
    for row, first in enumerate(variables):
        for column, second in enumerate(variables[:row]):
            lagged = first.role == second.role == "within" and (second.time or 0.0) < (first.time or 0.0)
            crossed = first.role == "indicator" and second.role == "value" and first.time == second.time
            if (row, column) not in present and {first.time, second.time} <= waves and (lagged or crossed):
                yield Change("effect" if lagged else "loading", 0, row, column, _lagged(first, second))


def _added_covariances(linear: LinearSystem, waves: set[float]) -> Iterator[Change]:
    """Covariances of disturbances that are fixed at 0."""
    variables, present = linear.variables, {entry[:2] for entry in linear.covariances}
    disturbed = [row for row, column in sorted(present) if row == column and variables[row].role != "covariate"]
    disturbed = [row for row in disturbed if variables[row].time is None or variables[row].time in waves]
    for place, row in enumerate(disturbed):
        for column in disturbed[:place]:
            if (row, column) not in present and (column, row) not in present:
                yield Change("covariance", 0, row, column, f"{variables[column]} with {variables[row]}")


def _released(linear: LinearSystem, used: Counter[int], n_parameters: int) -> Iterator[Change]:
    """Numbers that are held equal to others, or follow from them, or loadings that are 1 at every wave."""
    variables = linear.variables

    def is_free(register: int) -> bool:
        return 0 <= register < n_parameters and used[register] == 1

    for row, column, register in linear.paths:
        first, second = variables[row], variables[column]
        if second.role == "covariate" or is_free(register):
            continue
        if register != ONE:
            yield Change("effect", 0, row, column, f"{_lagged(first, second)}, apart", register)
        elif second.role in ("intercept", "slope"):
            yield Change("loading", 0, row, column, f"{second} -> {first}, apart (now 1)")
    for row, column, register in linear.covariances:
        if register != ONE and not is_free(register):
            words = f"{variables[column]} with {variables[row]}" if row != column else f"variance of {variables[row]}"
            yield Change("covariance", 0, row, column, f"{words}, apart", register)
    for row, register in linear.intercepts:
        if not is_free(register):
            yield Change("mean", 0, row, -1, f"mean of {variables[row]}, apart", register)


def widened(system: PanelSystem, changes: Sequence[Change]) -> PanelSystem:
    """The model with one more parameter for each change, which is 0 where the model holds."""
    n, added = system.n_parameters, len(changes)
    program = _with_more_inputs(system.structure, added)
    moved = [_moved(linear, n, added) for linear in system.systems]
    more, length = list(program.steps), program.n_registers
    systems = []
    for cell, linear in enumerate(moved):
        paths, covariances, intercepts = list(linear.paths), list(linear.covariances), list(linear.intercepts)
        for place, change in enumerate(changes):
            if change.cell != cell:
                continue
            register = n + place
            if change.kind in ("effect", "loading"):
                paths.append((change.row, change.column, register))  # entries of one place are added up
                continue
            if change.shared != ONE:
                shared = change.shared + added * (change.shared >= n)
                more.append(Step(steps.ADD, 1, length, (shared, register)))
                register, length = length, length + 1
            if change.kind == "mean":
                intercepts = [(row, register if row == change.row else old) for row, old in intercepts]
            else:
                place_of = (change.row, change.column)
                covariances = [entry for entry in covariances if entry[:2] != place_of]
                covariances.append((*place_of, register))
        systems.append(
            replace(linear, paths=tuple(paths), covariances=tuple(covariances), intercepts=tuple(intercepts))
        )
    parameters = (*system.parameters, *(Parameter("", change.name, "lagged", ()) for change in changes))
    structure = replace(program, steps=tuple(more), n_registers=length)
    return PanelSystem(parameters, structure, tuple(systems), system.n_covariates)


def _moved(linear: LinearSystem, n: int, added: int) -> LinearSystem:
    """The same system where registers after the first n stand further on."""

    def move(register: int) -> int:
        return register + added * (register >= n)

    return replace(
        linear,
        paths=tuple((row, column, move(register)) for row, column, register in linear.paths),
        covariances=tuple((row, column, move(register)) for row, column, register in linear.covariances),
        intercepts=tuple((row, move(register)) for row, register in linear.intercepts),
    )


def _with_more_inputs(program: Program, added: int) -> Program:
    n = program.n_inputs

    def move(register: int) -> int:
        return register + added * (register >= n)

    moved = []
    for step in program.steps:
        n_registers = 2 if step.code == steps.PRODUCT else len(step.operands)
        registers, sizes = step.operands[:n_registers], step.operands[n_registers:]
        moved.append(replace(step, result=move(step.result), operands=(*map(move, registers), *sizes)))
    output = range(move(program.output.start), move(program.output.start) + len(program.output))
    return Program(tuple(moved), program.constants, n + added, program.n_registers + added, output)


def modification_table(model: PanelModel, theta: FloatArray, changes: Sequence[Change]) -> pd.DataFrame:
    """Index, p, expected change and its standardised value of each change that the data can say something about."""
    n, system = model.system.n_parameters, widened(model.system, changes)
    structure, arrays, patterns = system.structure_arrays, system.arrays, model.statistics.arrays
    start = np.append(theta, np.zeros(len(changes)))
    score = np.asarray(log_likelihood_and_gradient(start, structure, arrays, patterns)[1])[n:]
    information = expected_information(system, patterns, start)
    crossed = information[:n, n:]
    alone = np.diag(information)[n:]
    unexplained = alone - np.einsum("ij,ij->j", crossed, np.linalg.pinv(information[:n, :n], hermitian=True) @ crossed)
    known = unexplained > SINGULAR * alone
    with np.errstate(invalid="ignore", divide="ignore"):
        index, expected = np.where(known, score**2 / unexplained, np.nan), np.where(known, score / unexplained, np.nan)
    solutions = [Solution(model, theta, cell) for cell in range(len(model.system.systems))]
    in_sds = np.array([_in_sds(change, solutions[change.cell]) for change in changes])
    in_own_units = np.array([_in_own_units(change, model) for change in changes])
    table = pd.DataFrame(
        {
            "kind": [change.kind for change in changes],
            "index": index,
            "p": chdtrc(1, index),
            "expected_change": expected * in_own_units,
            "standardized_change": expected * in_sds,
        },
        index=pd.Index([change.name for change in changes], name="change"),
    )
    return table[known].sort_values("index", ascending=False, kind="stable")


def _in_sds(change: Change, solution: Solution) -> float:
    """What a change in the model's unit is multiplied by to be standardised."""
    if change.kind == "mean":
        return float(1 / solution.sds[change.row])
    if change.kind == "covariance":
        variances = solution.disturbances[[change.row, change.column], [change.row, change.column]]
        return float(1 / np.sqrt(variances.prod())) if variances.min() > 0 else np.nan
    return float(solution.sds[change.column] / solution.sds[change.row])


def _in_own_units(change: Change, model: PanelModel) -> float:
    """What a change in the model's unit is multiplied by to come to the measures' own units."""
    variables = model.system.systems[change.cell].variables
    units = {**model.design.scales, **dict(zip(model.spec.columns, model.column_units[1], strict=True))}
    units |= dict(zip(model.spec.measures, model.unit, strict=True))
    first = units[variables[change.row].name]
    if change.kind == "mean":
        return float(first)
    second = units[variables[change.column].name]
    return float(first * second if change.kind == "covariance" else first / second)
