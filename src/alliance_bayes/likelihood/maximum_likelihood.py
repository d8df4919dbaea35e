"""Maximum likelihood and log-likelihoods: our numbers before any prior comes in."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from ..basics.calls import checked
from ..basics.given import is_number, shown
from ..basics.names import did_you_mean, lagged_paths, quoted
from ..basics.problems import Problems, SpecError
from ..engine.model_on_panel import PanelModel, panel_model
from ..engine.moments.kernel import log_likelihoods_per_person
from ..engine.moments.linear_system import PanelSystem
from ..engine.moments.program_kernel import run
from ..engine.moments.statistics import covariate_density, people_by_pattern
from ..panel import Panel
from ..spec.cross_lagged import CrossLagged
from ..spec.steps import interval_names
from .fit_indices import Scaling, fit_indices
from .maximising import hessian_of, inverse_information, maximise, wave_means
from .residuals import moment_residuals
from .robust_errors import middle, model_scores, scaling_factors
from .saturated import Saturated, saturated_moments
from .survey_design import PerPerson, Sampling, sampling_of

__all__ = ["MaximumLikelihood", "log_likelihood", "maximum_likelihood", "per_person"]

MOST_PERSONS = 50_000  # whose values are held in the model's unit at a time
N_SHOWN = 5
FEW_CLUSTERS = 40
StandardErrors = Literal["observed", "robust"]


@dataclass(frozen=True, eq=False)
class MaximumLikelihood:
    """Full-information maximum likelihood of a model on a panel.

    Attributes
    ----------
    spec
        The model.
    table
        One row per free parameter, indexed by its name, in the measures' own units: ``kind``;
        ``estimate``; ``se`` (NaN where the information is singular);
        ``z`` and ``p`` against 0; ``lower`` and ``upper`` of the normal 95 % interval. Distrust
        all standard errors when `messages` says that the solution is improper.
    standardized
        Lagged effects in within-person SDs (CLPM: SDs), index ``path`` (with groups, ``"group: path"``),
        one column for each interval.
    log_likelihood
        Of the values in their own units.
    n_parameters, n_persons
        Free parameters; people with at least one value.
    chi_square, df, p_value
        Likelihood-ratio test against the saturated model fitted by full information; NaN where
        some pair of values was never observed together. With robust standard errors, divided by
        `scaling`.
    cfi, rmsea, srmr
        Comparative fit index against independent values; root mean square error of
        approximation, with N (not N - 1), times the square root of the number of groups;
        standardised root mean square residual of means, SDs and correlations. With robust
        standard errors each chi-square less its df is the unscaled one less its scaling times its df [1]_.
    aic, bic
        With `n_persons` in the BIC.
    converged
        Whether the gradient vanishes and the information is positive definite.
    messages
        What to know before trusting the numbers, in words.
    theta
        Estimates in the model's unit, in the order of `table`; shape ``(parameter,)``.
    covariance
        Covariance of the estimates in the measures' own units, shape ``(parameter, parameter)``.
    standard_errors
        ``"observed"`` (inverse of the observed information, right where people are normal and sampled
        one by one) or ``"robust"``.
    n_clusters
        Clusters that people were sampled in; 0 where each was sampled alone.
    weighted
        Whether people have sampling weights; the log-likelihood is then a weighted sum.
    scaling
        What the chi-square was divided by (Yuan-Bentler-Mplus, of the estimator MLR); 1 for observed
        standard errors. Above 1 where tails are heavy or clusters differ.

    References
    ----------
    .. [1] Brosseau-Liard & Savalei (2014). Adjusting incremental fit indices for nonnormality. Multivariate
       Behavioral Research 49, 460-470.
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
    srmr: float
    aic: float
    bic: float
    converged: bool
    messages: tuple[str, ...]
    theta: np.ndarray
    covariance: np.ndarray
    standard_errors: StandardErrors
    n_clusters: int
    weighted: bool
    scaling: float
    _model: PanelModel = field(repr=False)
    _saturated: tuple[Saturated, ...] = field(repr=False)
    _sampling: Sampling | None = field(repr=False)

    @cached_property
    def residuals(self) -> pd.DataFrame:
        """Means, variances and covariances that the solution misses, the largest in SDs first.

        Returns
        -------
        pandas.DataFrame
            Indexed by ``statistic`` and ``of``: ``observed`` (unrestricted full-information estimate) and
            ``implied``, in the measures' own units; ``residual``, observed less implied in SDs of the values;
            and ``z``, the residual in its standard error, which is standard normal where the model is right
            (NaN where the solution always meets the moment, and with covariates). With many moments some z are
            beyond 2 by chance. Empty where the saturated model has no estimate.
        """
        if not self._saturated:
            index = pd.MultiIndex.from_arrays([[], []], names=["statistic", "of"])
            return pd.DataFrame(columns=["observed", "implied", "residual", "z"], index=index, dtype=float)
        return moment_residuals(self._model, self.theta, self._saturated, self._sampling)

    def __str__(self) -> str:
        shown = self.table.drop(columns="kind").to_string(float_format=lambda value: f"{value:.3f}")
        fit = (
            f"-2LL {-2 * self.log_likelihood:.3f}, {self.n_parameters} parameters, {self.n_persons} people; "
            f"chi-square {self.chi_square:.3f} on {self.df} df (p {_p_in_words(self.p_value)}), CFI {self.cfi:.3f}, "
            f"RMSEA {self.rmsea:.3f}, SRMR {self.srmr:.3f}, AIC {self.aic:.1f}, BIC {self.bic:.1f}"
        )
        notes = "".join(f"\n{message}" for message in self.messages)
        return f"Maximum likelihood of a {self.spec}\n{fit}\n{self._errors_in_words()}{shown}{self._misses()}{notes}"

    def _errors_in_words(self) -> str:
        if self.standard_errors == "observed":
            return ""
        clusters = f", {self.n_clusters} clusters" if self.n_clusters else ""
        weights = ", sampling weights" if self.weighted else ""
        return f"Robust standard errors{clusters}{weights}; chi-square divided by {self.scaling:.3f}\n"

    def _misses(self) -> str:
        most = self.residuals.head(N_SHOWN)
        if not self.df or most.empty:
            return ""
        lines = [
            f"  {kind} of {what}: {row['residual']:+.3f}" + ("" if np.isnan(row["z"]) else f" (z {row['z']:+.1f})")
            for (kind, what), row in most.iterrows()
        ]
        return "\n".join(["\nLargest residuals, in SDs (all in .residuals):", *lines])


def _p_in_words(p_value: float) -> str:
    return "< 0.0001" if p_value < 0.0001 else f"{p_value:.4f}"


@checked(apart=["cluster", "weights"])
def maximum_likelihood(
    spec: CrossLagged,
    panel: Panel,
    *,
    cluster: PerPerson | None = None,
    weights: PerPerson | None = None,
    standard_errors: StandardErrors | None = None,
) -> MaximumLikelihood:
    """Maximum-likelihood estimates with missing values by full information.

    Variances are free to fall below 0, as in other programs; such a solution is reported as
    improper rather than hidden.

    Parameters
    ----------
    spec
        The model; its priors play no part.
    panel
        The data, or published moments.
    cluster
        Cluster that each person was sampled in, such as a clinic: a mapping or Series from person to label, or
        an array in the order of ``panel.persons``. People of one cluster may be alike in any way; the clusters
        themselves are taken as independent.
    weights
        How many people of the population each person stands for, given likewise, above 0; used with mean 1 over
        the persons with any value. Each person's log-likelihood is multiplied by it.
    standard_errors
        ``"observed"``, or ``"robust"`` (Huber-White) for people who are not normal; the latter is the only
        one with clusters or weights, and what they get when left open.

    Returns
    -------
    MaximumLikelihood
        Estimates, standard errors and fit.

    Raises
    ------
    SpecError
        If the model is not identified at these times or does not fit the panel's measures, or the standard errors asked
        for do not go with clusters or weights.
    PanelError
        If robust standard errors are asked for of a panel that holds moments alone, or a label or weight is missing,
        varies within a person or makes no sense.

    Notes
    -----
    There are no weights in `fit`: a weighted likelihood is no density of the data, so that a posterior made with it has
    no meaning and its intervals are too narrow or too wide. There, model what the sampling depended on: strata as
    groups, or as covariates of persons.
    """
    if spec.indicators and spec.invariance == "approximate":
        raise SpecError(
            "Approximate invariance is identified by its priors alone, so it has no maximum likelihood. Use "
            "invariance='strong' here, or ab.fit."
        )
    robust = _is_robust(standard_errors, cluster is not None or weights is not None)
    spec.require_normal("maximum_likelihood")
    model = panel_model(spec, panel)
    sampling = _sampling(model, cluster, weights) if robust else None
    if sampling is not None and sampling.weights is not None:
        model = replace(model, weights=sampling.weights)
    system, statistics = model.system, model.statistics
    found = maximise(system, statistics.arrays, _start(model))
    covariance, definite = inverse_information(system, statistics.arrays, found.theta)
    value = found.log_likelihood + statistics.log_jacobian
    saturated, fit_messages = saturated_moments(model)
    scaling, messages = Scaling(), _messages(system, found.theta, found.converged, definite)
    if sampling is not None:
        covariance, scaling = _robust(model, found.theta, covariance, saturated, sampling)
        messages = (*messages, *_sampling_messages(sampling))
    fit = fit_indices(model, found.theta, found.log_likelihood, saturated, scaling)
    n_free, n_persons = system.n_parameters, statistics.n_persons
    table = _table(system, model.to_raw(found.theta), np.sqrt(np.diag(covariance)) * model.raw_factors)
    return MaximumLikelihood(
        spec=spec,
        table=table,
        standardized=_standardized(model, found.theta),
        log_likelihood=value,
        n_parameters=n_free,
        n_persons=n_persons,
        **fit,
        aic=-2 * value + 2 * n_free,
        bic=-2 * value + n_free * np.log(n_persons),
        converged=found.converged and definite,
        messages=(*messages, *fit_messages),
        theta=found.theta,
        covariance=covariance * np.outer(model.raw_factors, model.raw_factors),
        standard_errors="robust" if robust else "observed",
        n_clusters=sampling.n_clusters if sampling is not None else 0,
        weighted=model.weights is not None,
        scaling=scaling.model,
        _model=model,
        _saturated=saturated,
        _sampling=sampling,
    )


def _is_robust(asked: str | None, sampled: bool) -> bool:
    if asked not in (None, *get_args(StandardErrors)):
        raise SpecError(f"standard_errors must be one of {quoted(get_args(StandardErrors))}; got {shown(asked)}.")
    if sampled and asked == "observed":
        raise SpecError(
            "Standard errors from the observed information take people as sampled one by one and alike. With cluster "
            "or weights use standard_errors='robust', or leave it out."
        )
    return sampled or asked == "robust"


def _sampling(model: PanelModel, cluster: PerPerson | None, weights: PerPerson | None) -> Sampling:
    model.panel.require_persons("A robust standard error")
    assert model.statistics.person_pattern is not None
    return sampling_of(model.panel, model.statistics.person_pattern >= 0, cluster, weights)


def _robust(
    model: PanelModel, theta: np.ndarray, inverse: np.ndarray, saturated: tuple[Saturated, ...], sampling: Sampling
) -> tuple[np.ndarray, Scaling]:
    """Sandwich covariance of the estimates, and scaling of chi-squares; NaN where the information is singular."""
    if np.isnan(inverse).any():
        return inverse, Scaling(np.nan, np.nan)
    scores = model_scores(model, theta)
    covariance = inverse @ middle(scores, sampling) @ inverse
    if not saturated:
        return covariance, Scaling(np.nan, np.nan)
    information = hessian_of(model.system, model.statistics.arrays, theta)
    return covariance, scaling_factors(model, information, scores, saturated, sampling)


def _sampling_messages(sampling: Sampling) -> tuple[str, ...]:
    found = []
    if 0 < sampling.n_clusters < FEW_CLUSTERS:
        found.append(
            f"Only {sampling.n_clusters} clusters: cluster-robust standard errors tend to be too small with fewer than "
            f"some {FEW_CLUSTERS}."
        )
    if sampling.weights is not None:
        found.append(
            "Weighted: log-likelihood, AIC and BIC are those of a weighted sum over people, no density of the data."
        )
    return tuple(found)


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
        found = result[:, start : start + MOST_PERSONS]
        values, patterns = model.values(block), statistics.person_pattern[block]
        order, bounds = people_by_pattern(patterns, len(statistics.arrays.people))
        log_likelihoods_per_person(
            thetas, system.structure_arrays, system.arrays, statistics.arrays, values, order, bounds, found
        )
        found -= (~np.isnan(values[:, :n_values])) @ log_scale
        if system.n_covariates:
            found -= np.where(patterns >= 0, covariate_density(values[:, n_values:]), 0.0)
    return result


def _start(model: PanelModel) -> np.ndarray:
    """Where maximisation starts: the parameters' own starts, with the means of the values."""
    system = model.system
    theta = np.array([parameter.start for parameter in system.parameters])
    means = wave_means(model.statistics.arrays)
    for linear in system.systems:
        for row, register in linear.intercepts:
            if row in linear.observed and register < len(theta):
                theta[register] = means[linear.observed.index(row)]
    return theta


def _table(system: PanelSystem, estimates: np.ndarray, errors: np.ndarray) -> pd.DataFrame:
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


def _standardized(model: PanelModel, theta: np.ndarray) -> pd.DataFrame:
    quantity = model.derived["lagged_standardized"]
    effects = model.derive(theta[None])[0][quantity.where].reshape(model.design.n_groups, *quantity.shape[-2:])
    rows = {
        f"{model.design.scope(group)}{path}": effects[group, :, place]
        for group in range(model.design.n_groups)
        for place, path in enumerate(lagged_paths(model.spec.measures))
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(interval_names(model.design.times)))
    return table.rename_axis("path")


def _messages(system: PanelSystem, theta: np.ndarray, gradient_gone: bool, definite: bool) -> tuple[str, ...]:
    found = []
    if not gradient_gone:
        found.append("Not converged: the gradient is not 0. Do not use the numbers of this table.")
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


def _covariances_proper(system: PanelSystem, theta: np.ndarray) -> bool:
    registers, _ = run(theta, system.structure_arrays)
    for linear in system.systems:
        size = len(linear.variables)
        disturbances = np.zeros((size, size))
        for row, column, register in linear.covariances:
            disturbances[row, column] = disturbances[column, row] = 1.0 if register < 0 else registers[register]
        if not np.linalg.eigvalsh(disturbances)[0] > -1e-9:
            return False
    return True


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
