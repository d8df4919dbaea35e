"""Maximum likelihood: estimates, their test against the saturated model, robust errors and residuals, in this order."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, get_args

import numpy as np
import pandas as pd

from ..basics.calls import checked
from ..basics.digits import p_in_words, to_the_error, with_error
from ..basics.given import shown
from ..basics.names import choices, quoted
from ..basics.problems import Problems, SpecError
from ..basics.text_tables import TextTable
from ..basics.whole_tables import WholeTable
from ..engine.model_on_panel import PanelModel, panel_model
from ..panel import Panel
from ..spec.cross_lagged import CrossLagged
from .complete_data_fit import complete_data_fit
from .estimates import Estimates, derived_estimates, estimate, parameter_table
from .fit_indices import RMSEA_LEVEL, FitIndices, Scaling, fit_indices
from .residuals import moment_residuals
from .robust_errors import sandwich
from .saturated import Saturated, saturated_moments
from .standardized import r_squared_table, standardized_in_words, standardized_table
from .survey_design import PerPerson, Sampling, sampling_of

__all__ = ["MaximumLikelihood", "maximum_likelihood", "maximum_likelihood_of"]

N_SHOWN = 5
READING = (
    "Standardised: effects in SDs per SD, variances as shares, covariances as correlations, means in SDs; lowest to "
    "highest where a number stands for several intervals.",
    "With standard errors in .standardized; variance predicted in .r_squared; SDs and effects by the names of "
    "Fit.summary in .summary().",
)
StandardErrors = Literal["observed", "robust"]


@dataclass(frozen=True, eq=False, repr=False)
class MaximumLikelihood:
    """Full-information maximum likelihood of a model on a panel.

    Attributes
    ----------
    model
        The model on its panel.
    estimates
        Where the likelihood is largest, in the model's unit.
    indices
        Test against the saturated model, and indices of fit.
    messages
        What to know before trusting the numbers, in words.
    saturated
        Unrestricted means and covariances of every group; none where some pair of values was never observed together.
    sampling
        Clusters and weights behind robust standard errors; None where standard errors are those of the observed
        information.
    """

    model: PanelModel
    estimates: Estimates
    indices: FitIndices
    messages: tuple[str, ...]
    saturated: tuple[Saturated, ...]
    sampling: Sampling | None

    @cached_property
    def table(self) -> pd.DataFrame:
        """Estimates of all free parameters, in the measures' own units.

        Returns
        -------
        pandas.DataFrame
            Indexed by the parameter's name: ``kind``; ``estimate``; ``se`` (NaN where the information is singular);
            ``z`` and ``p`` against 0; ``lower`` and ``upper`` of the normal 95 % interval. Distrust all standard errors
            when `messages` says that the solution is improper.
        """
        return WholeTable(parameter_table(self.model, self.estimates))

    @property
    def spec(self) -> CrossLagged:
        """The model."""
        return self.model.spec

    @property
    def log_likelihood(self) -> float:
        """Largest log-likelihood, of the values in their own units; with weights a weighted sum over people."""
        return self.estimates.log_likelihood + self.model.statistics.log_jacobian

    @property
    def n_parameters(self) -> int:
        """Number of free parameters."""
        return self.model.system.n_parameters

    @property
    def n_persons(self) -> int:
        """Number of people with at least one value."""
        return self.model.n_persons

    @property
    def chi_square(self) -> float:
        """Likelihood-ratio statistic against the saturated model, divided by `scaling`; NaN where there is none."""
        return self.indices.chi_square

    @property
    def df(self) -> int:
        """Degrees of freedom of the chi-square."""
        return self.indices.df

    @property
    def p_value(self) -> float:
        """Probability of a larger chi-square where the model is right."""
        return self.indices.p_value

    @property
    def cfi(self) -> float:
        """Comparative fit index, against independent values."""
        return self.indices.cfi

    @property
    def tli(self) -> float:
        """Tucker-Lewis index, against independent values; may pass 0 or 1."""
        return self.indices.tli

    @property
    def rmsea_interval(self) -> tuple[float, float]:
        """90 % interval of the RMSEA."""
        return self.indices.rmsea_lower, self.indices.rmsea_upper

    @property
    def close_fit(self) -> float:
        """Probability of a larger chi-square where the RMSEA is .05 (test of close fit)."""
        return self.indices.close_fit

    @property
    def rmsea(self) -> float:
        """Root mean square error of approximation, with N (not N - 1), times the root of the number of groups."""
        return self.indices.rmsea

    @property
    def srmr(self) -> float:
        """Standardised root mean square residual of means, SDs and correlations."""
        return self.indices.srmr

    @property
    def scaling(self) -> float:
        """What the chi-square was divided by, above 1 where tails are heavy or clusters differ (see `FitIndices`)."""
        return self.indices.scaling

    @property
    def aic(self) -> float:
        """Akaike information criterion."""
        return -2 * self.log_likelihood + 2 * self.n_parameters

    @property
    def bic(self) -> float:
        """Bayesian information criterion, with `n_persons`."""
        return float(-2 * self.log_likelihood + self.n_parameters * np.log(self.n_persons))

    @property
    def converged(self) -> bool:
        """Whether the gradient vanishes and the information is positive definite."""
        return self.estimates.converged

    @property
    def theta(self) -> np.ndarray:
        """Estimates in the model's unit, in the order of `table`, shape ``(parameter,)``."""
        return self.estimates.theta

    @property
    def covariance(self) -> np.ndarray:
        """Covariance of the estimates in the measures' own units, shape ``(parameter, parameter)``."""
        return self.estimates.covariance * np.outer(self.model.raw_factors, self.model.raw_factors)

    @property
    def standard_errors(self) -> StandardErrors:
        """``"observed"`` (inverse of the observed information) or ``"robust"``."""
        return "observed" if self.sampling is None else "robust"

    @property
    def n_clusters(self) -> int:
        """Clusters that people were sampled in; 0 where people were sampled one by one."""
        return 0 if self.sampling is None else self.sampling.n_clusters

    @property
    def weighted(self) -> bool:
        """Whether people have sampling weights."""
        return self.model.weights is not None

    @cached_property
    def standardized(self) -> pd.DataFrame:
        """The standardised solution, with standard errors by the delta method.

        Returns
        -------
        pandas.DataFrame
            One row for every number of the model, over every interval and wave, indexed by its name: ``kind``;
            ``estimate``; ``se``; ``z`` and ``p`` against 0; ``lower`` and ``upper`` of the normal 95 % interval.
            Kind ``effect`` and ``loading``: in SDs of the outcome per SD of the predictor, as the model implies SDs
            (of within-person deviations, where these are what carries over). ``variance``: share of the variable's
            variance, 1 where nothing predicts it. ``covariance``: the correlation, of residuals where something
            predicts both. ``mean``: in SDs of the values. Empty where effects differ from person to person (own times,
            moderators). The ``se`` is 0 where a number is 1 by definition, and NaN
            where a variance is estimated below 0.
        """
        return WholeTable(standardized_table(self.model, self.estimates))

    @cached_property
    def r_squared(self) -> pd.DataFrame:
        """Share of variance that the model predicts, of each outcome at each wave.

        Returns
        -------
        pandas.DataFrame
            Indexed by ``outcome``, such as ``"within days, 12"`` (of within-person deviations, which the wave before
            predicts): ``estimate``, ``se`` (delta method), ``lower`` and ``upper`` of the normal 95 % interval.
        """
        return WholeTable(r_squared_table(self.model, self.estimates))

    @cached_property
    def residuals(self) -> pd.DataFrame:
        """Residuals of means, variances and covariances, the largest in SDs first.

        Returns
        -------
        pandas.DataFrame
            Indexed by ``statistic`` and ``of``: ``observed`` (unrestricted full-information estimate) and
            ``implied``, in the measures' own units; ``residual``, observed minus implied in SDs of the values;
            and ``z``, the residual in its standard error, which is standard normal where the model is right
            (NaN where the model reproduces the moment exactly in any data, and with covariates). With many moments
            some z are beyond 2 by chance. Empty where the saturated model has no estimate.
        """
        if not self.saturated:
            index = pd.MultiIndex.from_arrays([[], []], names=["statistic", "of"])
            return WholeTable(columns=["observed", "implied", "residual", "z"], index=index, dtype=float)
        return WholeTable(moment_residuals(self.model, self.theta, self.saturated, self.sampling))

    @checked()
    def summary(self, names: list[str] | None = None) -> pd.DataFrame:
        """Standardised effects, SDs and correlations derived from the estimates, named as in `Fit.summary`.

        Parameters
        ----------
        names
            Quantities of `Fit.draws` that are no random variables, such as ``["lagged_standardized"]``; all when
            left open.

        Returns
        -------
        pandas.DataFrame
            Indexed by the quantity with its coordinates, such as ``"lagged_standardized[0 to 6, alliance -> days]"``:
            ``estimate``, ``se`` (delta method), ``lower`` and ``upper`` of the normal 95 % interval, which may pass
            the bounds of an SD or a correlation. NaN where a variance is estimated below 0.

        Raises
        ------
        SpecError
            If the model has no quantity of that name.
        """
        known = [quantity.name for quantity in self.model.derived.quantities]
        problems = Problems("These quantities cannot be summarised")
        for name in names or ():
            if name not in known:
                problems.add(f"The model has no '{name}'{choices(name, known, 'Quantities')}")
        problems.raise_as(SpecError)
        return WholeTable(derived_estimates(self.model, self.estimates, names or known))

    def __str__(self) -> str:
        return "\n".join([self.heading, *map(str, self.body)])

    __repr__ = __str__

    @property
    def heading(self) -> str:
        """What was estimated, in words."""
        return f"Maximum likelihood of a {self.spec}"

    @property
    def body(self) -> tuple[str | TextTable, ...]:
        """What is printed below the heading: sentences and the table of parameters."""
        fit, residuals = self._fit_in_words(), self._residuals_in_words()
        return (*fit, self._table_in_words(), *READING, *residuals, *self.messages)

    def _fit_in_words(self) -> Iterator[str]:
        yield (
            f"-2LL {-2 * self.log_likelihood:.3f}, {self.n_parameters} parameters, {self.n_persons} people; "
            f"AIC {self.aic:.1f}, BIC {self.bic:.1f}"
        )
        if np.isfinite(self.chi_square):
            lower, upper = self.rmsea_interval
            indices = (
                f"CFI {self.cfi:.3f}, TLI {self.tli:.3f}, RMSEA {self.rmsea:.3f} ({100 * RMSEA_LEVEL:.0f} % interval "
                f"{lower:.3f} to {upper:.3f}; close fit p {p_in_words(self.close_fit)}), "
            )
            yield (
                f"chi-square {self.chi_square:.3f} on {self.df} df, p {p_in_words(self.p_value)}; "
                f"{indices if self.df else ''}SRMR {self.srmr:.3f}"
            )
        if self.standard_errors == "robust":
            clusters = f", {self.n_clusters} clusters" if self.n_clusters else ""
            weights = ", sampling weights" if self.weighted else ""
            method = f"; CFI, TLI and RMSEA as in {self.indices.method}" if self.indices.method else ""
            yield f"Robust standard errors{clusters}{weights}; chi-square divided by {self.scaling:.3f}{method}"

    def _table_in_words(self) -> TextTable:
        cells = [with_error(estimate, se) for estimate, se in self.table[["estimate", "se"]].to_numpy()]
        bounds = [
            f"[{to_the_error(lower, se)}, {to_the_error(upper, se)}]"
            for lower, upper, se in self.table[["lower", "upper", "se"]].to_numpy()
        ]
        return TextTable.of(
            {
                "": [str(name) for name in self.table.index],
                "estimate": [estimate for estimate, _ in cells],
                "se": [se for _, se in cells],
                "95 % interval": bounds,
                "z": [f"{z:.2f}" for z in self.table["z"]],
                "p": [p_in_words(p) for p in self.table["p"]],
                "standardised": standardized_in_words(self.model, self.theta),
            }
        )

    def _residuals_in_words(self) -> Iterator[str]:
        largest = self.residuals.head(N_SHOWN)
        if not self.df or largest.empty:
            return
        yield "Largest residuals, in SDs (all in .residuals):"
        for (kind, what), row in largest.iterrows():
            z = "" if np.isnan(row["z"]) else f" (z {row['z']:+.1f})"
            yield f"  {kind} of {what}: {row['residual']:+.3f}{z}"


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
        The model; its priors are not used.
    panel
        The data, or published moments.
    cluster
        Cluster that each person was sampled in, such as a clinic: a mapping or Series from person to label, or
        an array in the order of ``panel.persons``. People of one cluster may depend on each other in any way; clusters
        are taken as independent.
    weights
        How many people of the population each person represents, given likewise, above 0; used with mean 1 over
        the persons with any value. Each person's log-likelihood is multiplied by it.
    standard_errors
        ``"observed"``, or ``"robust"`` (Huber-White) for people who are not normal; the latter is the only
        kind with clusters or weights, and their default.

    Returns
    -------
    MaximumLikelihood
        Estimates, standard errors and fit.

    Raises
    ------
    SpecError
        If the model is not identified at these times or does not fit the panel's measures, or the standard errors
        requested are not possible with clusters or weights.
    PanelError
        If robust standard errors are requested for a panel of moments alone, or a label or weight is missing, varies
        within a person or is invalid.

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
    return maximum_likelihood_of(model, _sampling(model, cluster, weights) if robust else None)


def maximum_likelihood_of(model: PanelModel, sampling: Sampling | None = None) -> MaximumLikelihood:
    """`maximum_likelihood` of a model on its panel."""
    if sampling is not None and sampling.weights is not None:
        model = replace(model, weights=sampling.weights)
    estimates = estimate(model)
    saturated, messages = saturated_moments(model)
    scaling, complete_data = Scaling(), None
    if sampling is not None:
        covariance, scaling = sandwich(model, estimates, saturated, sampling)
        estimates = replace(estimates, covariance=covariance)
        messages = (*sampling.messages, *messages)
        complete_data = complete_data_fit(model, estimates, saturated, sampling)
    indices = fit_indices(model, estimates, saturated, scaling, complete_data)
    return MaximumLikelihood(model, estimates, indices, (*estimates.messages, *messages), saturated, sampling)


def _is_robust(asked: str | None, sampled: bool) -> bool:
    if asked not in (None, *get_args(StandardErrors)):
        raise SpecError(f"standard_errors must be one of {quoted(get_args(StandardErrors))}; got {shown(asked)}.")
    if sampled and asked == "observed":
        raise SpecError(
            "Standard errors from the observed information assume that people were sampled one by one with equal "
            "weights. With cluster or weights use standard_errors='robust', or omit standard_errors."
        )
    return sampled or asked == "robust"


def _sampling(model: PanelModel, cluster: PerPerson | None, weights: PerPerson | None) -> Sampling:
    model.panel.require_persons("A robust standard error")
    assert model.statistics.person_pattern is not None
    return sampling_of(model.panel, model.statistics.person_pattern >= 0, cluster, weights)
