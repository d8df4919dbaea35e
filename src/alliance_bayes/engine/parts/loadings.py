"""Loadings of stable factors that differ from wave to wave."""

from ...spec.cross_lagged import CrossLagged
from ..keys import LOADING
from ..parameters import TableBuilder
from ..prior_scale import PriorBuilder
from ..systems import SystemBuilder
from .part import Part

__all__ = ["Loadings", "loading_of"]


class Loadings(Part):
    """Free loadings after the first wave, through which the stable factors act."""

    def belongs_to(self, spec: CrossLagged) -> bool:
        """Where the model frees them."""
        return spec.free_loadings

    def parameters(self, table: TableBuilder, group: int) -> None:
        """A loading for each measure and wave after the first."""
        owner = table.owner("variances", group)
        for wave, time in list(enumerate(table.design.times_of(group)))[1:]:
            table.vector(LOADING, group, owner, occasion=wave, times=(time,), unitless=True, start=1.0)

    def priors(self, priors: PriorBuilder) -> None:
        """One random variable for all of them."""
        group, prior = priors.per_group("variances"), priors.spec.priors.trait_loading
        for g, by_wave in enumerate(priors.add("trait_loading", prior, "later_time", "measure", group=group)):
            for wave, loadings in enumerate(by_wave, start=1):
                priors.let(priors.table.at(LOADING, g, wave), loadings)


def loading_of(system: SystemBuilder, measure: int, wave: int) -> int | None:
    """Address of the loading of a measure's stable factor at a wave; None where it is 1."""
    if not system.workspace.table.has(LOADING, system.group, wave):
        return None
    return int(system.at(LOADING, wave)[measure])
