"""Stable factors that act again on what comes after each wave, and accumulate through carry-over."""

from collections.abc import Sequence

from ...spec.cross_lagged import CrossLagged
from ..keys import (
    ACCUMULATING,
    ACCUMULATING_SLOPE,
    ACCUMULATING_SLOPE_WITH_FIRST,
    ACCUMULATING_WITH_FIRST,
    ACCUMULATING_WITH_SLOPE,
    FIRST,
)
from ..linear_system import Variable
from ..parameters import Addresses, TableBuilder
from ..prior_scale import PriorBuilder
from ..quantities import QuantityBuilder
from ..systems import SystemBuilder
from .loadings import loading_of
from .part import Part

__all__ = ["AccumulatingFactors"]

BLOCKS = {
    ("accumulating", "accumulating"): ACCUMULATING,
    ("accumulating", "slope"): ACCUMULATING_WITH_SLOPE,
    ("accumulating", "first"): ACCUMULATING_WITH_FIRST,
    ("slope", "slope"): ACCUMULATING_SLOPE,
    ("slope", "first"): ACCUMULATING_SLOPE_WITH_FIRST,
    ("first", "first"): FIRST,
}


class AccumulatingFactors(Part):
    """A factor of each measure, and in a model with growth a slope; both covary freely with the first wave."""

    def belongs_to(self, spec: CrossLagged) -> bool:
        """Where stable differences between people act through the dynamics."""
        return spec.accumulating

    def parameters(self, table: TableBuilder, group: int) -> None:
        """Covariances of the factors and with the first wave, in blocks."""
        owner = table.owner("variances", group)
        table.covariance(ACCUMULATING, group, owner, start=0.2)
        table.crossing(ACCUMULATING_WITH_FIRST, group, owner)
        if table.spec.growth:
            table.covariance(ACCUMULATING_SLOPE, group, owner, start=0.1)
            table.crossing(ACCUMULATING_WITH_SLOPE, group, owner)
            table.crossing(ACCUMULATING_SLOPE_WITH_FIRST, group, owner)

    def share(self, priors: PriorBuilder, sds: Sequence[Addresses]) -> Sequence[Addresses]:
        """What a regression of the first wave on the factors explains; their covariance matrix is one."""
        stated, writer, size = priors.spec.priors, priors.writer, priors.size
        group = priors.per_group("variances")
        accumulating = priors.add("relative_accumulating_sd", stated.accumulating_sd, "measure", group=group)
        factors: dict[str, Sequence[Addresses]] = {"accumulating": list(accumulating)}
        if priors.spec.growth:
            factors["slope"] = list(priors.add("relative_slope_sd", stated.slope_sd, "measure", group=group))
        remaining = []
        for covariance in priors.joint("factor", factors | {"first": sds}, BLOCKS, group=group):
            crossing = covariance[:-size, -size:]
            weights = writer.product(crossing.T, writer.inverse(covariance[:-size, :-size]))
            given = writer.subtract(covariance[-size:, -size:], writer.product(weights, crossing))
            remaining.append(writer.sds(given))
        return remaining

    def system(self, system: SystemBuilder) -> None:
        """Factors, and their effects on the scores at the end of every step."""
        factors = system.factors["accumulating"] = [Variable("accumulating", name) for name in system.names]
        system.covariance(factors, system.at(ACCUMULATING))
        system.crossing(factors, system.within[0], system.at(ACCUMULATING_WITH_FIRST))
        for step in system.steps:
            for measure, score in enumerate(step.after):
                system.path(score, factors[measure], loading_of(system, measure, step.wave))
        if not system.spec.growth:
            return
        slopes = system.factors["slope"] = [Variable("slope", name) for name in system.names]
        system.covariance(slopes, system.at(ACCUMULATING_SLOPE))
        system.crossing(factors, slopes, system.at(ACCUMULATING_WITH_SLOPE))
        system.crossing(slopes, system.within[0], system.at(ACCUMULATING_SLOPE_WITH_FIRST))
        for step in system.steps:
            along = int(system.writer.constant(system.design.along(step.time)))
            for score, slope in zip(step.after, slopes, strict=True):
                system.path(score, slope, along)

    def quantities(self, quantities: QuantityBuilder) -> None:
        """SDs and correlations of the factors."""
        covariance = quantities.at(ACCUMULATING)
        sds = quantities.in_raw_units(quantities.writer.sds(covariance))
        quantities.add("accumulating_sd", ("measure",), sds)
        quantities.add("accumulating_correlation", ("pair",), quantities.writer.correlations(covariance))
