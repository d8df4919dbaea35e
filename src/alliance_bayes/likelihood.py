"""Maximum likelihood and log-likelihoods: our numbers before any prior comes in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import OptimizeResult, minimize
from scipy.special import chdtrc, ndtr, ndtri

from .moments.derived import derive, derived_quantities
from .moments.identification import check_spec_against_panel
from .moments.kernel import log_likelihood_and_gradient, log_likelihoods_per_person
from .moments.linear_system import LinearSystem, cross_lagged_system, saturated_system
from .moments.statistics import (
    PatternStatistics,
    pattern_statistics,
    people_by_pattern,
    standardized_values,
)
from .names import did_you_mean, quoted
from .panel import Panel
from .problems import Problems, SpecError
from .spec.cross_lagged import CrossLagged
from .spec.steps import interval_names

__all__ = ["MaximumLikelihood", "log_likelihood", "maximum_likelihood", "per_person"]

GRADIENT_TOLERANCE = 1e-7
MOST_DENSE_PARAMETERS = 300
MOST_PERSONS = 50_000  # whose values are held in the model's unit at a time


@dataclass(frozen=True, eq=False)
class MaximumLikelihood:
    """Full-information maximum likelihood of a model on a panel.

    Attributes
    ----------
    spec
        The model.
    table
        One row per free parameter, indexed by its name, in the measures' own units: ``kind``;
        ``estimate``; ``se`` from the observed information (NaN where that is singular);
        ``z`` and ``p`` against 0; ``lower`` and ``upper`` of the normal 95 % interval. Distrust
        all standard errors when `messages` says that the solution is improper.
    standardized
        Lagged effects in within-person SDs (CLPM: SDs), index ``path``, one column for each
        interval.
    log_likelihood
        Of the values in their own units.
    n_parameters, n_persons
        Free parameters; people with at least one value.
    chi_square, df, p_value
        Likelihood-ratio test against the saturated model fitted by full information; NaN where
        some pair of values was never observed together.
    cfi, rmsea
        Comparative fit index against independent values; root mean square error of
        approximation, with N (not N - 1).
    aic, bic
        With `n_persons` in the BIC.
    converged
        Whether the gradient vanishes and the information is positive definite.
    messages
        What to know before trusting the numbers, in words.
    theta
        Estimates in the model's unit, in the order of `table`; shape ``(parameter,)``.
    """

    spec: CrossLagged
    table: pd.DataFrame
    standardized: pd.DataFrame
    log_likelihood: float
    n_parameters: int
    n_persons: int
    chi_square: float
    df: int
    p_value: float
    cfi: float
    rmsea: float
    aic: float
    bic: float
    converged: bool
    messages: tuple[str, ...]
    theta: np.ndarray

    def __str__(self) -> str:
        shown = self.table.drop(columns="kind").to_string(float_format=lambda value: f"{value:.3f}")
        fit = (
            f"-2LL {-2 * self.log_likelihood:.3f}, {self.n_parameters} parameters, {self.n_persons} people; "
            f"chi-square {self.chi_square:.3f} on {self.df} df (p {_p_in_words(self.p_value)}), CFI {self.cfi:.3f}, "
            f"RMSEA {self.rmsea:.3f}, AIC {self.aic:.1f}, BIC {self.bic:.1f}"
        )
        notes = "".join(f"\n{message}" for message in self.messages)
        return f"Maximum likelihood of a {self.spec}\n{fit}\n{shown}{notes}"


def _p_in_words(p_value: float) -> str:
    return "< 0.0001" if p_value < 0.0001 else f"{p_value:.4f}"


def maximum_likelihood(spec: CrossLagged, panel: Panel) -> MaximumLikelihood:
    """Maximum-likelihood estimates with missing values by full information.

    Variances are free to fall below 0, as in other programs; such a solution is reported as
    improper rather than hidden.

    Parameters
    ----------
    spec
        The model; its priors play no part.
    panel
        The data, or published moments.

    Returns
    -------
    MaximumLikelihood
        Estimates, standard errors and fit.

    Raises
    ------
    SpecError
        If the model is not identified at these times or does not fit the panel's measures.
    """
    check_spec_against_panel(spec, panel)
    system = cross_lagged_system(spec, panel.times)
    statistics = pattern_statistics(panel, spec.measures)
    found = _maximise(system, statistics, _start(system, statistics))
    covariance, definite = _inverse_information(system, statistics, found.x)
    gradient_gone = float(np.abs(found.jac).max()) < 100 * GRADIENT_TOLERANCE
    factors = system.raw_factors(statistics.scale)
    shifts = system.raw_shifts(statistics.centre)
    value = -found.fun * statistics.n_persons + statistics.log_jacobian
    fit, fit_messages = _fit_against_saturated(system, statistics, value - statistics.log_jacobian)
    n_free, n_persons = system.n_parameters, statistics.n_persons
    table = _table(system, found.x * factors + shifts, np.sqrt(np.diag(covariance)) * factors)
    messages = (*_messages(system, found.x, gradient_gone, definite), *fit_messages)
    return MaximumLikelihood(
        spec=spec,
        table=table,
        standardized=_standardized(spec, panel.times, system, statistics, found.x),
        log_likelihood=value,
        n_parameters=n_free,
        n_persons=n_persons,
        **fit,
        aic=-2 * value + 2 * n_free,
        bic=-2 * value + n_free * np.log(n_persons),
        converged=gradient_gone and definite,
        messages=messages,
        theta=found.x,
    )


def log_likelihood(spec: CrossLagged, panel: Panel, values: Mapping[str, float]) -> pd.Series:
    """Log density of each person's values at given parameter values, in their own units.

    Parameters
    ----------
    spec
        The model.
    panel
        The data of people (not moments alone).
    values
        A number for every parameter, keyed as the index of `MaximumLikelihood.table`, in the
        measures' own units.

    Returns
    -------
    pandas.Series
        Indexed by person; 0 for a person without any value; minus infinity where the implied
        covariance is not positive definite.

    Raises
    ------
    SpecError
        If a parameter is missing, unknown or not finite.
    PanelError
        If the panel holds moments alone.
    """
    check_spec_against_panel(spec, panel)
    system = cross_lagged_system(spec, panel.times)
    statistics = pattern_statistics(panel, spec.measures)
    _check_values(system, values)
    raw = np.array([float(values[name]) for name in system.names])
    theta = (raw - system.raw_shifts(statistics.centre)) / system.raw_factors(statistics.scale)
    return pd.Series(
        per_person(system, statistics, panel, spec, theta[None], np.arange(panel.n_persons))[0],
        index=pd.Index(panel.persons, name="person"),
        name="log_likelihood",
    )


def per_person(
    system: LinearSystem,
    statistics: PatternStatistics,
    panel: Panel,
    spec: CrossLagged,
    thetas: np.ndarray,
    persons: np.ndarray,
) -> np.ndarray:
    """Log density at many theta of the persons at these positions, in the values' own units.

    Needs little memory beyond the result, shape ``(draw, person)``: persons are taken block by block.
    """
    panel.require_persons("The likelihood of each person")
    assert statistics.person_pattern is not None
    thetas = np.ascontiguousarray(thetas)
    log_scale = np.tile(np.log(statistics.scale), statistics.n_waves)
    result = np.zeros((len(thetas), len(persons)))
    for start in range(0, len(persons), MOST_PERSONS):
        block = persons[start : start + MOST_PERSONS]
        found = result[:, start : start + MOST_PERSONS]
        values = standardized_values(panel, spec.measures, statistics.centre, statistics.scale, block)
        order, bounds = people_by_pattern(statistics.person_pattern[block], len(statistics.arrays.people))
        log_likelihoods_per_person(thetas, system.arrays, statistics.arrays, values, order, bounds, found)
        found -= (~np.isnan(values)) @ log_scale
    return result


def _start(system: LinearSystem, statistics: PatternStatistics) -> np.ndarray:
    start = {"between": 0.4, "within": 0.6, "innovation": 0.5}
    theta = np.zeros(system.n_parameters)
    for position, parameter in enumerate(system.parameters):
        if parameter.kind == "lagged":
            theta[position] = 0.3 if parameter.measures[0] == parameter.measures[1] else 0.0
        elif parameter.is_variance:
            theta[position] = start[parameter.kind]
    means = _wave_means(statistics)
    for row, free in system.intercepts:
        theta[free] = means[system.observed.index(row)]
    return theta


def _wave_means(statistics: PatternStatistics) -> np.ndarray:
    arrays = statistics.arrays
    sums, counts = np.zeros(arrays.position.shape[1]), np.zeros(arrays.position.shape[1])
    for count, size, index, mean in zip(arrays.people, arrays.size, arrays.position, arrays.mean, strict=True):
        sums[index[:size]] += count * mean[:size]
        counts[index[:size]] += count
    return np.asarray(sums / np.maximum(counts, 1))


def _maximise(system: LinearSystem, statistics: PatternStatistics, start: np.ndarray) -> OptimizeResult:
    objective, hessian = _objective(system, statistics)
    dense = system.n_parameters <= MOST_DENSE_PARAMETERS
    curvature: dict[str, Any] = {"hess": hessian} if dense else {"hessp": _hessian_product(objective)}
    return minimize(
        objective,
        start,
        jac=True,
        method="trust-exact" if dense else "trust-krylov",
        options={"gtol": GRADIENT_TOLERANCE, "maxiter": 500, "initial_trust_radius": 0.5},
        **curvature,
    )


def _objective(
    system: LinearSystem, statistics: PatternStatistics
) -> tuple[Callable[[np.ndarray], tuple[float, np.ndarray]], Callable[[np.ndarray], np.ndarray]]:
    """Minus the log-likelihood per person with its gradient, and its Hessian by central differences."""
    arrays, patterns, n_persons = system.arrays, statistics.arrays, statistics.n_persons

    def objective(theta: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = log_likelihood_and_gradient(theta, arrays, patterns)
        return -value / n_persons, -gradient / n_persons

    def hessian(theta: np.ndarray) -> np.ndarray:
        result = np.empty((len(theta), len(theta)))
        for position in range(len(theta)):
            width = 1e-5 * max(1.0, abs(theta[position]))
            step = np.zeros(len(theta))
            step[position] = width
            result[position] = (objective(theta + step)[1] - objective(theta - step)[1]) / (2 * width)
        return (result + result.T) / 2

    return objective, hessian


def _hessian_product(
    objective: Callable[[np.ndarray], tuple[float, np.ndarray]],
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    def product(theta: np.ndarray, direction: np.ndarray) -> np.ndarray:
        length = float(np.linalg.norm(direction))
        step = direction * (1e-5 / length)
        slope = (objective(theta + step)[1] - objective(theta - step)[1]) / 2e-5
        return np.asarray(slope * length)

    return product


def _inverse_information(
    system: LinearSystem, statistics: PatternStatistics, theta: np.ndarray
) -> tuple[np.ndarray, bool]:
    _, hessian = _objective(system, statistics)
    information = hessian(theta) * statistics.n_persons
    values = np.linalg.eigvalsh(information)
    if not values[0] > 1e-9 * values[-1]:
        return np.full_like(information, np.nan), False
    return np.linalg.inv(information), True


def _fit_against_saturated(
    system: LinearSystem, statistics: PatternStatistics, value: float
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Chi-square, df, p, CFI and RMSEA, in the model's unit."""
    size = statistics.arrays.position.shape[1]
    df = size * (size + 3) // 2 - system.n_parameters
    unknown = {"chi_square": np.nan, "df": df, "p_value": np.nan, "cfi": np.nan, "rmsea": np.nan}
    if not _all_pairs_seen(statistics):
        return unknown, (
            "No test of fit: some pair of values was never observed together, so the saturated model has no estimate.",
        )
    best = _saturated_log_likelihood(statistics)
    if best is None:
        return unknown, ("No test of fit: the saturated model did not converge.",)
    chi_square = max(2 * (best - value), 0.0)
    baseline = 2 * (best - _independence_log_likelihood(statistics))
    excess = max(chi_square - df, 0.0)
    baseline_excess = max(baseline - size * (size - 1) // 2, excess)
    return {
        "chi_square": chi_square,
        "df": df,
        "p_value": float(chdtrc(df, chi_square)) if df else np.nan,
        "cfi": 1 - excess / baseline_excess if baseline_excess > 0 else 1.0,
        "rmsea": float(np.sqrt(excess / (df * statistics.n_persons))) if df else np.nan,
    }, ()


def _saturated_log_likelihood(statistics: PatternStatistics) -> float | None:
    """Of the model that restricts nothing, in the model's unit; None where no maximum is found."""
    arrays, n_persons = statistics.arrays, statistics.n_persons
    size = arrays.position.shape[1]
    if len(arrays.people) == 1:
        if n_persons <= size:
            return None
        _, log_determinant = np.linalg.slogdet(arrays.factor[0] @ arrays.factor[0].T / n_persons)
        return float(-0.5 * n_persons * (size * (np.log(2 * np.pi) + 1) + log_determinant))
    saturated = saturated_system(size)
    start = np.array([float(parameter.is_variance) for parameter in saturated.parameters])
    start[-size:] = _wave_means(statistics)
    found = _maximise(saturated, statistics, start)
    return None if np.abs(found.jac).max() > 1e-4 else -found.fun * n_persons


def _all_pairs_seen(statistics: PatternStatistics) -> bool:
    arrays = statistics.arrays
    together = np.zeros((arrays.position.shape[1],) * 2, dtype=bool)
    for size, index in zip(arrays.size, arrays.position, strict=True):
        together[np.ix_(index[:size], index[:size])] = True
    return bool(together.all())


def _independence_log_likelihood(statistics: PatternStatistics) -> float:
    arrays, means = statistics.arrays, _wave_means(statistics)
    counts, squares = np.zeros(len(means)), np.zeros(len(means))
    for pattern, count in enumerate(arrays.people):
        size, index = arrays.size[pattern], arrays.position[pattern]
        seen = index[:size]
        within = (arrays.factor[pattern, :size] ** 2).sum(axis=1)
        counts[seen] += count
        squares[seen] += within + count * (arrays.mean[pattern, :size] - means[seen]) ** 2
    return float(-0.5 * (counts * (np.log(2 * np.pi * squares / counts) + 1)).sum())


def _table(system: LinearSystem, estimates: np.ndarray, errors: np.ndarray) -> pd.DataFrame:
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = estimates / errors
    width = ndtri(0.975) * errors
    return pd.DataFrame(
        {
            "kind": [parameter.kind for parameter in system.parameters],
            "estimate": estimates,
            "se": errors,
            "z": ratios,
            "p": 2 * ndtr(-np.abs(ratios)),
            "lower": estimates - width,
            "upper": estimates + width,
        },
        index=pd.Index(system.names, name="parameter"),
    )


def _standardized(
    spec: CrossLagged,
    times: tuple[float, ...],
    system: LinearSystem,
    statistics: PatternStatistics,
    theta: np.ndarray,
) -> pd.DataFrame:
    derived = derived_quantities(spec, times, system)
    quantity = derived["lagged_standardized"]
    vector = derive(theta, derived.arrays, statistics.centre, statistics.scale)
    effects = vector[quantity.where].reshape(quantity.shape)
    rows = {
        f"{predictor} -> {outcome}": effects[:, row, column]
        for row, outcome in enumerate(spec.measures)
        for column, predictor in enumerate(spec.measures)
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(interval_names(times)))
    return table.rename_axis("path")


def _messages(system: LinearSystem, theta: np.ndarray, gradient_gone: bool, definite: bool) -> tuple[str, ...]:
    found = []
    if not gradient_gone:
        found.append("Not converged: the gradient does not vanish. Read no number of this table.")
    if not definite:
        found.append(
            "The information is singular at the solution: some parameters are not identified by these data, "
            "and there are no standard errors."
        )
    negative = [
        parameter.name
        for parameter, value in zip(system.parameters, theta, strict=True)
        if parameter.is_variance and value <= 0
    ]
    if negative:
        found.append(
            f"Improper solution: {quoted(negative)} is not above 0, so stable differences and carry-over cannot be "
            "told apart there."
        )
    elif not _covariances_proper(system, theta):
        found.append("Improper solution: an estimated covariance matrix has a correlation beyond -1 or 1.")
    return tuple(found)


def _covariances_proper(system: LinearSystem, theta: np.ndarray) -> bool:
    size = len(system.variables)
    disturbances = np.zeros((size, size))
    for row, column, free in system.covariances:
        disturbances[row, column] = disturbances[column, row] = theta[free]
    return bool(np.linalg.eigvalsh(disturbances)[0] > -1e-9)


def _check_values(system: LinearSystem, values: Mapping[str, float]) -> None:
    problems = Problems("These parameter values do not fit the model")
    missing = [name for name in system.names if name not in values]
    if missing:
        problems.add(f"No value for {quoted(missing)}.")
    for name, value in values.items():
        if name not in system.names:
            problems.add(f"No parameter is called '{name}'{did_you_mean(name, system.names) or '.'}")
        elif not (isinstance(value, Real) and np.isfinite(value)):
            shown = value if isinstance(value, Real) else repr(value)
            problems.add(f"'{name}' is {shown}; it must be a finite number.")
    problems.raise_as(SpecError)
