"""Log density of each person's values at given parameters, where all measures are normal."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..basics.calls import checked
from ..basics.given import is_number, shown
from ..basics.names import did_you_mean, quoted
from ..basics.problems import Problems, SpecError
from ..engine.kernels.persons import log_likelihoods_per_person
from ..engine.linear_system import PanelSystem
from ..engine.model_on_panel import PanelModel, panel_model
from ..engine.statistics import covariate_density, people_by_pattern
from ..panel import Panel
from ..spec.cross_lagged import CrossLagged

__all__ = ["log_likelihood", "per_person"]

MOST_PERSONS = 50_000  # whose values are held in the model's unit at a time


@checked(apart=["values"])
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
        covariance is not positive definite. Given the covariates, where the model has some.

    Raises
    ------
    SpecError
        If a parameter is missing, unknown or not finite.
    PanelError
        If the panel holds moments alone.
    """
    spec.require_normal("log_likelihood")
    model = panel_model(spec, panel)
    _check_values(model.system, values)
    theta = model.from_raw(np.array([float(values[name]) for name in model.system.names]))
    return pd.Series(
        per_person(model, theta[None], np.arange(panel.n_persons))[0],
        index=pd.Index(panel.persons, name="person"),
        name="log_likelihood",
    )


def per_person(model: PanelModel, thetas: np.ndarray, persons: np.ndarray) -> np.ndarray:
    """Log density at many theta of the persons at these positions, in the values' own units.

    Needs little memory beyond the result, shape ``(draw, person)``: persons are taken block by block.
    """
    model.panel.require_persons("The likelihood of each person")
    system, statistics = model.system, model.statistics
    assert statistics.person_pattern is not None
    thetas = np.ascontiguousarray(thetas)
    log_scale = np.tile(np.log(statistics.scale), statistics.n_waves)
    n_values = len(log_scale)
    result = np.zeros((len(thetas), len(persons)))
    for start in range(0, len(persons), MOST_PERSONS):
        block = persons[start : start + MOST_PERSONS]
        densities = result[:, start : start + MOST_PERSONS]
        values, patterns = model.values(block), statistics.person_pattern[block]
        order, bounds = people_by_pattern(patterns, len(statistics.arrays.people))
        log_likelihoods_per_person(
            thetas, system.structure_arrays, system.arrays, statistics.arrays, values, order, bounds, densities
        )
        densities -= (~np.isnan(values[:, :n_values])) @ log_scale
        if system.n_covariates:
            densities -= np.where(patterns >= 0, covariate_density(values[:, n_values:]), 0.0)
    return result


def _check_values(system: PanelSystem, values: Mapping[str, float]) -> None:
    problems = Problems("These parameter values do not fit the model")
    if not isinstance(values, Mapping | pd.Series):
        problems.add(f"values must be a table from the names of parameters to numbers; got {shown(values)}.")
        problems.raise_as(SpecError)
    missing = [name for name in system.names if name not in values]
    if missing:
        problems.add(f"No value for {quoted(missing)}.")
    for name, value in values.items():
        if name not in system.names:
            problems.add(f"No parameter is called '{name}'{did_you_mean(name, system.names) or '.'}")
        elif not is_number(value):
            problems.add(f"'{name}' is {shown(value)}; it must be a finite number.")
    problems.raise_as(SpecError)
