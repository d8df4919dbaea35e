"""A panel model as one linear system of latent and observed variables."""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement
from typing import Literal, NamedTuple

import numpy as np

from ..names import lagged_path, number, split_path
from ..spec.cross_lagged import CrossLagged
from ..spec.steps import interval_names, steps_per_interval

__all__ = ["LinearSystem", "Parameter", "SystemArrays", "cross_lagged_system", "saturated_system"]

Kind = Literal["lagged", "between", "within", "innovation", "mean"]


@dataclass(frozen=True)
class Parameter:
    """One free number of a model.

    Attributes
    ----------
    name
        As in every table, such as ``"alliance -> days, 6 to 12"`` or ``"mean days, 6"``.
    kind
        What it describes.
    measures
        Positions of the measures: ``(outcome, predictor)`` of a lagged effect, both measures of
        a variance or covariance, ``(measure,)`` of a mean.
    occasion
        Position of its interval (lagged effects, innovations) or wave (means), or None where it
        holds for all.
    """

    name: str
    kind: Kind
    measures: tuple[int, ...]
    occasion: int | None

    @property
    def is_variance(self) -> bool:
        """Whether it is a variance, which an admissible solution keeps above 0."""
        return self.kind not in ("lagged", "mean") and self.measures[0] == self.measures[1]


class SystemArrays(NamedTuple):
    """The system as index arrays: what the compiled kernel reads.

    A path whose parameter position is -1 is the constant 1.
    """

    path_row: np.ndarray
    path_column: np.ndarray
    path_parameter: np.ndarray
    covariance_row: np.ndarray
    covariance_column: np.ndarray
    covariance_parameter: np.ndarray
    intercept_row: np.ndarray
    intercept_parameter: np.ndarray
    disturbance: np.ndarray
    observed: np.ndarray


@dataclass(frozen=True, eq=False)
class LinearSystem:
    """Variables that are sums of earlier variables and of disturbances.

    ``eta = alpha + A eta + u``, ``Cov(u) = S``: variables stand in causal order, so A is strictly
    lower triangular. The panel's values are the variables `observed`, wave by wave. Then
    ``E eta = (I - A)^-1 alpha`` and ``Cov eta = (I - A)^-1 S (I - A)^-T``.

    Attributes
    ----------
    variables
        Names, in causal order.
    parameters
        Free numbers, in the order of the vector theta.
    paths
        Entries of A as ``(row, column, parameter or None)``; None is the constant 1.
    covariances
        Entries of S, lower triangle, as ``(row, column, parameter)``.
    intercepts
        Entries of alpha as ``(row, parameter)``.
    observed
        Variables that are the panel's values, wave-major.
    """

    variables: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    paths: tuple[tuple[int, int, int | None], ...]
    covariances: tuple[tuple[int, int, int], ...]
    intercepts: tuple[tuple[int, int], ...]
    observed: tuple[int, ...]

    @property
    def n_parameters(self) -> int:
        """Number of free numbers."""
        return len(self.parameters)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, in the order of theta."""
        return tuple(parameter.name for parameter in self.parameters)

    @cached_property
    def arrays(self) -> SystemArrays:
        """Return the system as index arrays, paths sorted by row."""
        paths = sorted(self.paths)
        disturbed = sorted({row for entry in self.covariances for row in entry[:2]})
        disturbance = np.full(len(self.variables), -1)
        disturbance[disturbed] = np.arange(len(disturbed))
        rows, columns, parameters = zip(*self.covariances, strict=True)
        return SystemArrays(
            path_row=np.array([row for row, _, _ in paths], dtype=np.int64),
            path_column=np.array([column for _, column, _ in paths], dtype=np.int64),
            path_parameter=np.array([-1 if free is None else free for *_, free in paths], dtype=np.int64),
            covariance_row=np.array(rows, dtype=np.int64),
            covariance_column=np.array(columns, dtype=np.int64),
            covariance_parameter=np.array(parameters, dtype=np.int64),
            intercept_row=np.array([row for row, _ in self.intercepts], dtype=np.int64),
            intercept_parameter=np.array([free for _, free in self.intercepts], dtype=np.int64),
            disturbance=disturbance.astype(np.int64),
            observed=np.array(self.observed, dtype=np.int64),
        )

    def raw_factors(self, scale: np.ndarray) -> np.ndarray:
        """Factors that take each parameter from the model's unit to the measures' own units.

        Parameters
        ----------
        scale
            SD that divides each measure, shape ``(measure,)``, in the measure's unit.

        Returns
        -------
        numpy.ndarray
            Shape ``(parameter,)``. A mean has its measure's centre added besides.
        """
        factors = []
        for parameter in self.parameters:
            first, last = scale[parameter.measures[0]], scale[parameter.measures[-1]]
            match parameter.kind:
                case "lagged":
                    factors.append(first / last)
                case "mean":
                    factors.append(first)
                case _:
                    factors.append(first * last)
        return np.array(factors)

    def raw_shifts(self, centre: np.ndarray) -> np.ndarray:
        """What is added to each parameter after `raw_factors`: the centre of a mean's measure."""
        return np.array(
            [centre[parameter.measures[0]] if parameter.kind == "mean" else 0.0 for parameter in self.parameters]
        )


class _Builder:
    """Collects variables, parameters and entries while a model is laid out."""

    def __init__(self) -> None:
        self.variables: list[str] = []
        self.parameters: list[Parameter] = []
        self.positions: dict[str, int] = {}
        self.paths: list[tuple[int, int, int | None]] = []
        self.covariances: list[tuple[int, int, int]] = []
        self.intercepts: list[tuple[int, int]] = []
        self.observed: list[int] = []

    def variable(self, name: str) -> int:
        self.variables.append(name)
        return len(self.variables) - 1

    def parameter(self, name: str, kind: Kind, measures: tuple[int, ...], occasion: int | None) -> int:
        position = self.positions.setdefault(name, len(self.parameters))
        if position == len(self.parameters):
            self.parameters.append(Parameter(name, kind, measures, occasion))
        return position

    def covariance_block(
        self, rows: list[int], names: list[str], kind: Kind, suffix: str, occasion: int | None
    ) -> None:
        for first, second in combinations_with_replacement(range(len(rows)), 2):
            what = f"variance {names[first]}" if first == second else f"covariance {names[first]}, {names[second]}"
            free = self.parameter(f"{kind} {what}{suffix}", kind, (second, first), occasion)
            self.covariances.append((rows[second], rows[first], free))

    def system(self) -> LinearSystem:
        return LinearSystem(
            tuple(self.variables),
            tuple(self.parameters),
            tuple(self.paths),
            tuple(self.covariances),
            tuple(self.intercepts),
            tuple(self.observed),
        )


def cross_lagged_system(spec: CrossLagged, times: tuple[float, ...]) -> LinearSystem:
    """Lay out a model of the cross-lagged family for waves at these times.

    Parameters
    ----------
    spec
        The model.
    times
        Times of the waves, increasing.

    Returns
    -------
    LinearSystem
        Parameters stand in the order: carry-over, cross-lagged, random-intercept covariances,
        first-wave within covariances, innovation covariances, means; within each, interval or
        wave by wave.
    """
    lags = spec.lags_for(times)
    names = list(spec.measures)
    intervals = interval_names(times)
    steps = steps_per_interval(times) if lags == "grid" else (1,) * len(intervals)
    build = _Builder()

    lag_occasions: list[int | None] = list(range(len(intervals))) if lags == "free" else [None]
    lagged: dict[tuple[int | None, str], int] = {}
    for group in (spec.carry_over_paths, spec.cross_lagged_paths):
        for occasion in lag_occasions:
            for path in group:
                predictor, outcome = split_path(path) or ("", "")
                suffix = "" if occasion is None else f", {intervals[occasion]}"
                measures = (names.index(outcome), names.index(predictor))
                lagged[occasion, path] = build.parameter(path + suffix, "lagged", measures, occasion)

    intercepts: list[int] = []
    if spec.random_intercepts:
        intercepts = [build.variable(f"intercept {name}") for name in names]
        build.covariance_block(intercepts, names, "between", "", None)
    state = [build.variable(f"within {name}, {number(times[0])}") for name in names]
    build.covariance_block(state, names, "within", f", {number(times[0])}", None)

    states = [state]
    for interval, n_steps in enumerate(steps):
        lag_occasion = interval if lags == "free" else None
        free_residuals = spec.residuals == "free"
        for step in range(n_steps):
            wave = number(times[interval + 1]) if step + 1 == n_steps else f"{intervals[interval]} step {step + 1}"
            new = [build.variable(f"within {name}, {wave}") for name in names]
            for row, outcome in enumerate(names):
                for column, predictor in enumerate(names):
                    effect = lagged.get((lag_occasion, lagged_path(predictor, outcome)))
                    if effect is not None:
                        build.paths.append((new[row], state[column], effect))
            suffix = f", {intervals[interval]}" if free_residuals else ""
            build.covariance_block(new, names, "innovation", suffix, interval if free_residuals else None)
            state = new
        states.append(state)

    free_means = spec.means == "free"
    for position, time in enumerate(times):
        for measure, name in enumerate(names):
            value = build.variable(f"{name}, {number(time)}")
            build.paths.append((value, states[position][measure], None))
            if intercepts:
                build.paths.append((value, intercepts[measure], None))
            label = f"mean {name}, {number(time)}" if free_means else f"mean {name}"
            mean = build.parameter(label, "mean", (measure,), position if free_means else None)
            build.intercepts.append((value, mean))
            build.observed.append(value)
    return build.system()


def saturated_system(n_values: int) -> LinearSystem:
    """Lay out the model that restricts nothing: every mean, variance and covariance free."""
    build = _Builder()
    rows = [build.variable(f"value {position}") for position in range(n_values)]
    build.covariance_block(rows, [str(row) for row in rows], "within", "", None)
    for row in rows:
        build.intercepts.append((row, build.parameter(f"mean {row}", "mean", (row,), None)))
    build.observed = rows
    return build.system()
