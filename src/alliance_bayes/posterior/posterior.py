"""Draws of a posterior with their model and panel: what questions about parameters are asked of."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import pandas as pd
import xarray as xr

from ..basics.calls import checked
from ..basics.names import choices
from ..basics.problems import SpecError
from ..engine.design import design_of
from ..engine.layout import lay_out
from ..engine.model_on_panel import PanelModel
from ..likelihood.maximum_likelihood import MaximumLikelihood
from ..panel import Panel
from ..spec.cross_lagged import CrossLagged
from .health import Diagnostics
from .model_fit import ModelFit, maximum_of, model_fit
from .predictions.checking import check
from .predictions.people import people_of
from .sample import Sample, thinned
from .source import Source
from .without_prior import Reweighted, WithoutPrior, with_wide_prior, without_prior

__all__ = ["Posterior"]

OF_PARAMETERS = ("sample_stats", "posterior", "prior")


@dataclass(frozen=True, eq=False, repr=False)
class Posterior(ABC):
    """Draws of a posterior, with the model and the data it came from: of a `Fit`, or approximate ones of a `Preview`.

    Attributes
    ----------
    model
        The model on its panel.
    sample
        Draws, how they were made, and what of them is missing.
    source
        What the draws belong to: one panel, one group of it, or several imputed panels.
    part_of
        The posterior of all groups where this is of one, and the name of that one; None otherwise.
    """

    model: PanelModel
    sample: Sample
    source: Source = field(default_factory=Source)
    part_of: "tuple[Posterior, str] | None" = field(default=None, kw_only=True)

    @property
    @abstractmethod
    def health(self) -> Diagnostics:
        """Whether the draws can be trusted, in words, with what to do when they cannot."""

    @property
    def spec(self) -> CrossLagged:
        """The model."""
        return self.model.spec

    @property
    def panel(self) -> Panel:
        """The data; of imputed panels what all of them share."""
        return self.model.panel

    @property
    def draws(self) -> xr.DataTree:
        """All draws, by group.

        Groups ``posterior``, ``prior``, ``sample_stats``, ``observed_data``, ``log_likelihood``
        (per person, marginal over random intercepts and states) and ``posterior_predictive``.
        In posterior and prior, in the measures' own units (with a family: those of its linear predictor) unless said
        otherwise:

        - ``lagged`` (interval, path): effect of one unit of the predictor, one interval later, on the outcome;
          a path is labelled "predictor -> outcome", such as ``"alliance -> days"``;
          ``lagged_standardized``: in within-person SDs of the outcome at the end of the interval
          per within-person SD of the predictor at its start (CLPM: SDs);
          ``drift`` (path), in continuous time: effect on the change per unit of time;
        - ``mean``, ``within_sd`` (time, measure), ``within_correlation`` (time, pair);
        - ``innovation_sd`` (interval, measure), ``innovation_correlation`` (interval, pair):
          of the innovations of an interval;
        - ``between_sd`` (measure), ``between_correlation`` (pair): of the random intercepts;
        - ``intraclass_correlation`` (time, measure), ``within_r_squared`` (interval, measure);
        - the random variables themselves, on the scale of `Priors`.
        """
        return self.sample.draws

    def drawn(self, group: str) -> xr.Dataset:
        """One group of `draws`.

        Raises
        ------
        SpecError
            If it is missing; says why.
        """
        return self.sample.group(group)

    @property
    def posterior(self) -> xr.Dataset:
        """The posterior draws."""
        return self.sample.posterior

    @property
    def n_draws(self) -> int:
        """Posterior draws over all chains."""
        return self.sample.n_draws

    @property
    def n_drawn(self) -> int:
        """Draws after warm-up over all chains, those that were not kept included."""
        return self.sample.settings.thin * self.n_draws

    @property
    def draws_in_words(self) -> str:
        """Number of posterior draws, and whether they are all that were requested."""
        return self.sample.in_words

    @property
    def n_persons(self) -> int:
        """How many people have any value of the model."""
        return self.model.n_persons

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups that have separate effects in the draws; empty where there are none."""
        return self.model.design.groups

    @cached_property
    def maxima(self) -> tuple[MaximumLikelihood, ...]:
        """Maximum likelihood of the model on the panel, or on each imputed one; empty where there is none."""
        if self.part_of is not None:
            return self.part_of[0].maxima
        maximum = maximum_of(self.spec, self.panel)
        return () if maximum is None else (maximum,)

    @cached_property
    def without_prior(self) -> WithoutPrior | None:
        """Lagged effects without any prior, or else with a wide one of the lags; None where neither is to be had."""
        if self.part_of is None:
            return without_prior(self.model, self.posterior, self.maxima, n_panels=self.source.n_panels)
        everybody, group = self.part_of
        return None if everybody.without_prior is None else everybody.without_prior.of_group(group)

    @cached_property
    def with_wide_prior(self) -> Reweighted | None:
        """Lagged effects with a wide prior of the lags, all other priors kept; None where that is not to be had."""
        if self.part_of is None:
            return with_wide_prior(self.model, self.posterior)
        everybody, group = self.part_of
        return None if everybody.with_wide_prior is None else everybody.with_wide_prior.of_group(group)

    @cached_property
    def predictive_check(self) -> pd.DataFrame:
        """The table of a posterior predictive check, worked out when it is first asked for."""
        people = people_of(self.model)
        thetas = thinned(self.sample.thetas(self.model), people.n_checks)
        return check(people, thetas, self.sample.settings.rng)

    @cached_property
    def model_fit(self) -> ModelFit:
        """How well the model reproduces the data, worked out when it is first asked for."""
        if self.part_of is None:
            return model_fit(self.model, self.maxima, lambda: self.predictive_check, n_panels=self.source.n_panels)
        return self.part_of[0].model_fit

    @checked()
    def of_group(self, group: str) -> Self:
        """The posterior of one group, for questions about a single population.

        Parameters
        ----------
        group
            One of the panel's groups.

        Returns
        -------
        Posterior
            The draws of this group alone, with its people and the health of the draws of all groups.

        Raises
        ------
        SpecError
            If there is no such group.
        """
        if group not in self.groups:
            raise SpecError(f"The fit has no group '{group}'{choices(group, self.groups, 'Groups')}")
        draws = {}
        for name in OF_PARAMETERS:
            if name in self.draws.children:
                part = self.drawn(name)
                draws[f"/{name}"] = part.sel(group=group, drop=True) if "group" in part.dims else part
        spec = replace(self.spec, group_lags=None, equal_across_groups=())
        panel = self.panel.of_group(group)
        return replace(
            self,
            model=PanelModel(lay_out(spec, design_of(spec, panel)), panel),
            sample=replace(self.sample, draws=xr.DataTree.from_dict(draws)),
            source=replace(self.source, group_of=self.groups),
            part_of=(self, group),
        )
