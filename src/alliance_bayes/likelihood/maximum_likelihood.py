"""Maximum likelihood: estimates, their test against the saturated model, robust errors and residuals, in this order."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, get_args

import numpy as np
import pandas as pd

from ..basics.calls import checked
from ..basics.given import shown
from ..basics.names import choices, quoted
from ..basics.problems import Problems, SpecError
from ..engine.model_on_panel import PanelModel, panel_model
from ..panel import Panel
from ..spec.cross_lagged import CrossLagged
from .delta_method import derived_estimates
from .estimates import estimate, parameter_table
from .fit_indices import Scaling, fit_indices
from .residuals import moment_residuals
from .robust_errors import sandwich
from .saturated import Saturated, saturated_moments
from .survey_design import PerPerson, Sampling, sampling_of

__all__ = ["MaximumLikelihood", "maximum_likelihood"]

N_SHOWN = 5
DERIVED = "SDs, correlations and lagged effects in SDs are in .summary()."
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
        standard errors each chi-square minus its df is the unscaled one minus its scaling times its df [1]_.
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
        """Residuals of means, variances and covariances, the largest in SDs first.

        Returns
        -------
        pandas.DataFrame
            Indexed by ``statistic`` and ``of``: ``observed`` (unrestricted full-information estimate) and
            ``implied``, in the measures' own units; ``residual``, observed minus implied in SDs of the values;
            and ``z``, the residual in its standard error, which is standard normal where the model is right
            (NaN where the solution always meets the moment, and with covariates). With many moments some z are
            beyond 2 by chance. Empty where the saturated model has no estimate.
        """
        if not self._saturated:
            index = pd.MultiIndex.from_arrays([[], []], names=["statistic", "of"])
            return pd.DataFrame(columns=["observed", "implied", "residual", "z"], index=index, dtype=float)
        return moment_residuals(self._model, self.theta, self._saturated, self._sampling)

    @checked()
    def summary(self, names: list[str] | None = None) -> pd.DataFrame:
        """Effects in SDs, SDs and correlations that follow from the estimates, named as those of `Fit.summary`.

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
        known = [quantity.name for quantity in self._model.derived.quantities]
        problems = Problems("These quantities cannot be summarised")
        for name in names or ():
            if name not in known:
                problems.add(f"The model has no '{name}'{choices(name, known, 'Quantities')}")
        problems.raise_as(SpecError)
        factors = self._model.raw_factors
        return derived_estimates(self._model, self.theta, self.covariance / np.outer(factors, factors), names or known)

    def __str__(self) -> str:
        shown = self.table.drop(columns="kind").to_string(float_format=lambda value: f"{value:.3f}")
        fit = (
            f"-2LL {-2 * self.log_likelihood:.3f}, {self.n_parameters} parameters, {self.n_persons} people; "
            f"chi-square {self.chi_square:.3f} on {self.df} df (p {_p_in_words(self.p_value)}), CFI {self.cfi:.3f}, "
            f"RMSEA {self.rmsea:.3f}, SRMR {self.srmr:.3f}, AIC {self.aic:.1f}, BIC {self.bic:.1f}"
        )
        head = f"Maximum likelihood of a {self.spec}\n{fit}\n{self._errors_in_words()}"
        return "\n".join([f"{head}{shown}\n{DERIVED}{self._residuals_in_words()}", *self.messages])

    def _errors_in_words(self) -> str:
        if self.standard_errors == "observed":
            return ""
        clusters = f", {self.n_clusters} clusters" if self.n_clusters else ""
        weights = ", sampling weights" if self.weighted else ""
        return f"Robust standard errors{clusters}{weights}; chi-square divided by {self.scaling:.3f}\n"

    def _residuals_in_words(self) -> str:
        largest = self.residuals.head(N_SHOWN)
        if not self.df or largest.empty:
            return ""
        lines = [
            f"  {kind} of {what}: {row['residual']:+.3f}" + ("" if np.isnan(row["z"]) else f" (z {row['z']:+.1f})")
            for (kind, what), row in largest.iterrows()
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
    estimates = estimate(model)
    saturated, fit_messages = saturated_moments(model)
    covariance, scaling = estimates.inverse_information, Scaling()
    if sampling is not None:
        covariance, scaling = sandwich(model, estimates, saturated, sampling)
    fit = fit_indices(model, estimates, saturated, scaling)
    n_parameters, n_persons = model.system.n_parameters, model.n_persons
    value = estimates.log_likelihood + model.statistics.log_jacobian
    return MaximumLikelihood(
        spec=spec,
        table=parameter_table(model, estimates.theta, covariance),
        log_likelihood=value,
        n_parameters=n_parameters,
        n_persons=n_persons,
        chi_square=fit.chi_square,
        df=fit.df,
        p_value=fit.p_value,
        cfi=fit.cfi,
        rmsea=fit.rmsea,
        srmr=fit.srmr,
        aic=-2 * value + 2 * n_parameters,
        bic=-2 * value + n_parameters * np.log(n_persons),
        converged=estimates.converged,
        messages=(*estimates.messages, *(sampling.messages if sampling is not None else ()), *fit_messages),
        theta=estimates.theta,
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
