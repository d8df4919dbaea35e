"""Loadings of stable factors that differ from wave to wave."""

from ...spec.cross_lagged import CrossLagged
from ..keys import LOADING
from ..parameters import TableBuilder
from ..prior_scale import PriorBuilder
from ..systems import SystemBuilder
from .part import Part

__all__ = ["Loadings", "loading_of"]


class Loadings(Part):
    """Free loadings through which the stable factors act; 1 at the first wave that they act on.

    Accumulating factors act on the second wave first, random intercepts on the first.
    """

    def belongs_to(self, spec: CrossLagged) -> bool:
        """Where the model frees them."""
        return spec.free_loadings

    def parameters(self, table: TableBuilder, group: int) -> None:
        """A loading for each measure and later wave."""
        owner, first = table.owner("variances", group), _first_free(table.spec)
        for wave, time in list(enumerate(table.design.times_of(group)))[first:]:
            table.vector(LOADING, group, owner, occasion=wave, times=(time,), unitless=True, start=1.0)

    def priors(self, priors: PriorBuilder) -> None:
        """One random variable for all of them."""
        group, prior = priors.per_group("variances"), priors.spec.priors.trait_loading
        first = _first_free(priors.spec)
        dim = "later_time" if first == 1 else priors.dim("loading_time", priors.design.times[first:])
        for g, by_wave in enumerate(priors.add("trait_loading", prior, dim, "measure", group=group)):
            for wave, loadings in enumerate(by_wave, start=first):
                priors.let(priors.table.at(LOADING, g, wave), loadings)


def _first_free(spec: CrossLagged) -> int:
    """Position of the first wave with a free loading."""
    return 2 if spec.accumulating else 1


def loading_of(system: SystemBuilder, measure: int, wave: int) -> int | None:
    """Address of the loading of a measure's stable factor at a wave; None where it is 1."""
    if not system.workspace.table.has(LOADING, system.group, wave):
        return None
    return int(system.at(LOADING, wave)[measure])
