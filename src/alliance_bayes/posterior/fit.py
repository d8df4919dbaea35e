"""A fit: a model on a panel, draws of its posterior, and whether these can be trusted."""

import os
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd
import xarray as xr

from ..basics.calls import checked
from ..basics.html import html_of
from ..basics.memory import refuse_beyond_memory
from ..basics.names import number
from ..basics.whole_tables import WholeTable
from ..likelihood.maximum_likelihood import MaximumLikelihood
from ..spec.mapping import spec_to_mapping
from .examining import examine_sample
from .health import Health, together
from .mixing import share_between
from .plots import plot_of_draws, plot_of_replicates
from .posterior import Posterior
from .predictions.forecasting import forecast
from .predictions.people import people_of
from .predictions.person_tables import log_densities, person_scores
from .printing import assumptions_in_words, lagged_effects
from .prior_draws import rejected_in_words
from .sample import thinned
from .saving import FitRecord, write_fit
from .settings import Settings
from .summaries import check_quantities, with_plain_times

if TYPE_CHECKING:
    from arviz_plots import PlotCollection

__all__ = ["Fit"]

N_SHOWN = 5


@dataclass(frozen=True, eq=False, repr=False)
class Fit(Posterior):
    """A sampled posterior, with the model and the data it came from.

    Attributes
    ----------
    fits
        Single fits of imputed panels, in the order given; none for one panel. Questions about parameters use the draws
        of all fits, and the Monte Carlo errors of their probabilities include the variation between panels. Questions
        about the values of persons (scores, forecasts, checks, comparisons, Bayes factors, simulating the sample,
        saving) need a single fit.
    examined
        Health of the draws where it is known already; None where `health` examines them.
    """

    fits: tuple["Fit", ...] = ()
    examined: Health | None = None

    @property
    def settings(self) -> Settings:
        """How it was sampled."""
        return self.sample.settings

    @property
    def incomplete(self) -> tuple[str, ...]:
        """Which groups of `draws` are missing, why, and what to do, one sentence each; empty where nothing failed."""
        return self.sample.incomplete

    @property
    def interrupted(self) -> str:
        """How many of the requested draws there are, in a sentence; empty unless sampling was interrupted."""
        return self.sample.interrupted

    @property
    def stopped(self) -> bool:
        """Whether it was interrupted, during sampling or after it."""
        return self.sample.stopped

    def with_draws(self, draws: xr.DataTree) -> "Fit":
        """The same fit with other draws, whose health is examined when it is asked for."""
        return replace(self, sample=replace(self.sample, draws=draws, examined=None), examined=None)

    @checked()
    def of_group(self, group: str) -> Self:
        """`Posterior.of_group`, with the health of the fit of all groups."""
        return replace(
            super().of_group(group), fits=tuple(fit.of_group(group) for fit in self.fits), examined=self.health
        )

    @cached_property
    def between_share(self) -> pd.Series:
        """Share of the posterior variance that lies between imputed panels, the largest first.

        Returns
        -------
        pandas.Series
            ``(1 + 1/m) B / (W + (1 + 1/m) B)``, B the variance of the m posterior means and W the mean posterior
            variance, of every derived quantity, in [0, 1]; empty where there is one panel. Indexed by the quantity with
            its coordinates, such as ``"lagged[0 to 6, alliance -> days]"``. Where it is large, more imputations are
            needed, and answers depend on how the imputations were made.
        """
        return share_between([fit.posterior for fit in self.fits], self.model.derived.quantities)

    def require_one_panel(self, question: str, cure: str = "") -> None:
        """Raise a SpecError where panels were imputed, so that a question about values has one answer for each."""
        self.source.require_one_panel(question, cure)

    @property
    def n_persons(self) -> int:
        """How many people have any value of the model."""
        return self.fits[0].n_persons if self.fits else super().n_persons

    @property
    def n_drawn(self) -> int:
        """Draws after warm-up over all chains, those that were not kept included."""
        return sum(fit.n_drawn for fit in self.fits) if self.fits else super().n_drawn

    @cached_property
    def health(self) -> Health:
        """Whether the draws can be trusted, in words, with what to do when they cannot.

        Of imputed panels the worst of each diagnostic: R-hat is computed within each fit, because chains of different
        panels differ. Chains that do not move are numbered across all panels, as in `draws`.
        """
        if self.examined is not None:
            return self.examined
        if self.fits:
            return together([fit.health for fit in self.fits], [fit.posterior.sizes["chain"] for fit in self.fits])
        return examine_sample(self.model, self.sample)

    @cached_property
    def maxima(self) -> tuple[MaximumLikelihood, ...]:
        """Maximum likelihood of the model on the panel, or on each imputed one; empty where there is none."""
        if self.part_of is None and self.fits:
            return tuple(maximum for fit in self.fits for maximum in fit.maxima)
        return super().maxima

    @property
    def thetas(self) -> np.ndarray:
        """All posterior draws of the linear system's parameters, shape ``(draw, parameter)``.

        Of imputed panels in the unit of the first fit's model.
        """
        self.source.require_parameters()
        if not self.fits:
            return self.sample.thetas(self.model)
        first = self.fits[0].model
        return np.concatenate(
            [np.array([first.from_raw(fit.model.to_raw(theta)) for theta in fit.thetas]) for fit in self.fits]
        )

    @checked()
    def summary(self, names: list[str] | None = None) -> pd.DataFrame:
        """Posterior means, SDs, intervals and diagnostics, from ArviZ.

        Parameters
        ----------
        names
            Quantities of `draws`; by default all derived quantities.

        Returns
        -------
        pandas.DataFrame
            One row per number; width and kind of the interval are those of ArviZ's settings.

        Raises
        ------
        SpecError
            If the draws have no quantity of that name.
        """
        import arviz_stats

        chosen = names or [quantity.name for quantity in self.model.derived.quantities]
        check_quantities(self.posterior, chosen, "These quantities cannot be summarised")
        with np.errstate(invalid="ignore", divide="ignore"):
            return WholeTable(arviz_stats.summary(with_plain_times(self.posterior), var_names=chosen, round_to="none"))

    def person_scores(self) -> pd.DataFrame:
        """Random intercepts: each person's stable difference from the wave means (growth: where their line starts).

        Returns
        -------
        pandas.DataFrame
            Indexed by person and measure: ``mean``, ``sd`` and the interval's ``lower`` and
            ``upper`` of the posterior, in the measure's unit. A person with few values is
            shrunk towards 0 and has a wide interval.

        Raises
        ------
        SpecError
            If the model has no random intercepts.
        PanelError
            If the panel holds moments alone.
        """
        self.panel.require_persons("A person score")
        people = people_of(self.model)
        return WholeTable(
            person_scores(people, thinned(self.thetas, people.n_draws), self.settings.rng("person scores"))
        )

    @checked(apart=["time"])
    def forecast(self, time: float) -> pd.DataFrame:
        """Predict every person's values at one time from the person's earlier values.

        Parameters
        ----------
        time
            A wave of the panel after the first, or a time beyond the last wave that whole
            intervals as long as the last one (on a grid: base steps; in continuous time: any) lead to. Beyond the panel
            the last interval's effects and innovations, and the last wave's means and windows, go on.

        Returns
        -------
        pandas.DataFrame
            Indexed by person and measure (with items: by item): ``mean``, ``sd``, ``lower``, ``upper`` of the
            predictive distribution, in the measure's unit, and ``observed`` where the panel has
            the value. A state has rows too, whose mean is the probability that it is on; measures that exist only then
            are predicted given that it is on. With families also ``out_of``, the window, trials or exposure that a
            value is predicted for: where it is not known at `time`, the person's last known one; where there is none,
            there is no forecast. With a selection model forecasts are for everybody, seen or not.

        Raises
        ------
        SpecError
            If `time` is none of these.
        PanelError
            If the panel holds moments alone.
        """
        self.panel.require_persons("A forecast")
        thetas = thinned(self.thetas, people_of(self.model).n_draws)
        return WholeTable(forecast(self.model, time, thetas, self.settings.rng("forecast")))

    def check(self) -> pd.DataFrame:
        """Posterior predictive check of the model, and of its means, SDs, and correlations within and across waves.

        Returns
        -------
        pandas.DataFrame
            Indexed by ``statistic`` and ``of``: ``observed``, of the observed values; ``completed``, the mean over
            draws where missing values are drawn given the person's other values; the predicted ``mean``, ``lower`` and
            ``upper`` of replicated panels, which are complete; ``p``, the share of draws in which the replicated
            statistic is larger than the completed one; and ``verdict``, "misfit" where p is below .025 or above .975.
            With many statistics some misfit by chance. The first row is the chi-square of the completed panel against
            the saturated model: its ``p`` is the posterior predictive p-value, and only a small one is a misfit; NaN
            where people have no common means and covariances (own times, moderators) or are too few. With families or
            a state, statistics are those of the responses and of the state, and the first row is the largest of their
            deviations from the means of replicated panels, in the SDs of these.

        Raises
        ------
        PanelError
            If the panel holds moments alone.

        Notes
        -----
        The chi-square of a draw is twice the log-likelihood that the saturated model gains on it. People who
        drop out may differ from those who stay. Therefore the observed panel is completed before it is compared [1]_;
        otherwise the means of those who stay would count as misfit. The posterior predictive p-value is not uniform
        where the model is right: it is nearer .5, the more so the more values are missing.

        References
        ----------
        .. [1] Gelman, Van Mechelen, Verbeke, Heitjan & Meulders (2005). Multiple imputation for model checking:
           completed-data plots with missing and latent data. Biometrics 61, 74-85.
        """
        self.panel.require_persons("A posterior predictive check")
        self.source.require_parameters()
        return WholeTable(self.predictive_check.copy())

    @checked()
    def log_likelihood(self, persons: slice | None = None) -> xr.DataTree:
        """Log density of each person's values per draw, as ArviZ reads it: ``az.loo(fit.log_likelihood())``.

        Of people with at least one value, marginal over random intercepts and states, in the values' own units, as
        leave-one-person-out cross-validation needs it. Computed where it is not among the draws.

        Parameters
        ----------
        persons
            Which of these people, counted from 0; by default all. It takes 8 bytes for each draw of each person; where
            memory is short, ask for some people at a time.

        Returns
        -------
        xarray.DataTree
            Group ``log_likelihood`` with ``values``, dims ``(chain, draw, person)``, and the ``posterior`` draws, whose
            effective sample sizes the Pareto-smoothed weights depend on.

        Raises
        ------
        PanelError
            If the panel holds moments alone.
        """
        densities = self._log_densities(persons).to_dataset(name="values")
        return xr.DataTree.from_dict({"/posterior": self.posterior, "/log_likelihood": densities})

    def _log_densities(self, persons: slice | None) -> xr.DataArray:
        self.panel.require_persons("The log-likelihood per person")
        if "log_likelihood" in self.draws.children:
            return self.drawn("log_likelihood")["values"].isel(person=persons or slice(None))
        chosen = np.flatnonzero(self.model.has_value)[persons or slice(None)]
        refuse_beyond_memory(
            "The log-likelihood per person cannot be held",
            f"{self.n_draws:,} draws of {len(chosen):,} people",
            2.0 * self.n_draws * len(chosen),
            "Ask for some people at a time, such as persons=slice(0, 1000).",
        )
        return log_densities(people_of(self.model), self.thetas, self.posterior, chosen)

    @checked()
    def plot_traces(self, names: list[str] | None = None) -> "PlotCollection":
        """Draw each chain over its draws: chains that agree lie on top of each other.

        Parameters
        ----------
        names
            Quantities of `draws`; by default the standardised lagged effects.

        Returns
        -------
        arviz_plots.PlotCollection
            As of ``arviz_plots.plot_trace``; ``.show()`` shows it.

        Raises
        ------
        SpecError
            If the draws have no quantity of that name.
        """
        return plot_of_draws("plot_trace", self.sample, names)

    @checked()
    def plot_ranks(self, names: list[str] | None = None) -> "PlotCollection":
        """Draw the ranks of each chain's draws among those of all chains; chains that agree stay in the band.

        Takes, returns and raises what `plot_traces` does, as of ``arviz_plots.plot_rank``.
        """
        return plot_of_draws("plot_rank", self.sample, names)

    @checked()
    def plot_prior_posterior(self, names: list[str] | None = None) -> "PlotCollection":
        """Draw prior and posterior densities over each other: how much the data say beyond the prior.

        Takes, returns and raises what `plot_traces` does, as of ``arviz_plots.plot_prior_posterior``.
        """
        return plot_of_draws("plot_prior_posterior", self.sample, names)

    def plot_predictive(self) -> "PlotCollection":
        """Draw the observed values of each measure at each time beside those of replicated panels.

        Replicated people have values where the observed ones have. Their distributions differ where a measure does not
        have the shape that its model gives it, such as one with a floor that is modelled as normal.

        Returns
        -------
        arviz_plots.PlotCollection
            As of ``arviz_plots.plot_ppc_dist``, of 50 replicated panels.

        Raises
        ------
        PanelError
            If the panel holds moments alone.
        """
        self.panel.require_persons("A figure of replicated values")
        return plot_of_replicates(self.sample)

    @checked()
    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write draws, spec, panel and settings to one netCDF file, for `load_fit`; xarray and ArviZ read it too.

        Parameters
        ----------
        path
            File to write; an older fit there is replaced once the new one is on the disk.

        Returns
        -------
        pathlib.Path
            The path.

        Raises
        ------
        AllianceBayesError
            If it cannot be written, this is one group of a fit or a fit of imputed panels, or the path is a file that
            is not a saved fit; the fit and an older file stay unchanged.
        """
        self.source.require_file()
        record = FitRecord(spec_to_mapping(self.spec), asdict(self.settings), self.incomplete)
        return write_fit(path, record, self.panel, self.draws)

    @property
    def notes(self) -> tuple[str, ...]:
        """How the likelihood was computed, and what to know about the data before reading the numbers."""
        if self.fits:
            shares = [f"  {name}: {share:.2f}" for name, share in self.between_share.head(N_SHOWN).items()]
            return ("Largest shares of variance between imputations (all in .between_share):", *shares)
        if self.settings.latent == "sample":
            return ("Linear predictors of all people were sampled.", *self.model.notes[1:])
        return (*self.model.notes, *rejected_in_words(self.draws))

    def __str__(self) -> str:
        settings, when = self.settings, "after" if self.interrupted else "in"
        thin = f", {settings.thin_in_words}" if settings.thin_in_words else ""
        of_panels = f"{len(self.fits)} imputed panels of " if self.fits else ""
        head = (
            f"{self.spec.title} of {', '.join(self.spec.measures)}: {of_panels}{self.n_persons} people, "
            f"{len(self.panel.times)} waves, {self.draws_in_words} {when} {settings.sampling_seconds:.1f} s "
            f"(compiled in {settings.compile_seconds:.1f} s){thin}, "
            f"target acceptance {number(settings.target_accept)}, seed {settings.seed}"
        )
        effects = str(lagged_effects(self.posterior, self.spec, self.panel, self.without_prior))
        lines = [head, effects, str(self.health), *self.incomplete, *self.notes, *assumptions_in_words(self.spec)]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html_of(self)
