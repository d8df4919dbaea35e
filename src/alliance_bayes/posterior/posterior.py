"""Draws of a posterior with their model and panel: what questions about parameters are asked of."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import Self

import xarray as xr

from ..basics.calls import checked
from ..basics.names import choices
from ..basics.problems import SpecError
from ..engine.design import design_of
from ..engine.layout import lay_out
from ..engine.model_on_panel import PanelModel
from ..panel import Panel
from ..spec.cross_lagged import CrossLagged
from .health import Diagnostics
from .sample import Sample
from .source import Source

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
    """

    model: PanelModel
    sample: Sample
    source: Source = field(default_factory=Source)

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
        )
