"""Loadings of stable factors that differ from wave to wave."""

from ...spec.cross_lagged import CrossLagged
from ..keys import LOADING
from ..parameters import TableBuilder
from ..prior_scale import PriorBuilder
from .part import Part

__all__ = ["Loadings"]


class Loadings(Part):
    """Free loadings after the first wave; what they are multiplied by stands with the stable factors."""

    def belongs_to(self, spec: CrossLagged) -> bool:
        """Where the model frees them."""
        return spec.free_loadings

    def parameters(self, table: TableBuilder, group: int) -> None:
        """A loading for each measure and wave after the first."""
        owner = table.owner("variances", group)
        for wave, time in enumerate(table.design.times_of(group)[1:], start=1):
            table.vector(LOADING, group, owner, occasion=wave, times=(time,), unitless=True, start=1.0)

    def priors(self, priors: PriorBuilder) -> None:
        """One random variable for all of them."""
        group, prior = priors.per_group("variances"), priors.spec.priors.trait_loading
        loadings = priors.add("trait_loading", prior, "later_time", "measure", group=group)
        for g, of_group in enumerate(loadings):
            for place, values in enumerate(of_group):
                priors.let(priors.table.at(LOADING, g, place + 1), values)
