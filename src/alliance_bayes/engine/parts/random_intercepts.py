"""Random intercepts of people, and of their lines where they have slopes too: added to the values at every wave."""

from collections.abc import Sequence

import numpy as np

from ...spec.cross_lagged import CrossLagged
from ..keys import BETWEEN, LOADING, Key
from ..linear_system import Variable
from ..parameters import Addresses, TableBuilder
from ..prior_scale import PriorBuilder
from ..quantities import QuantityBuilder
from ..systems import SystemBuilder
from .loadings import loading_of
from .part import Part

__all__ = ["RandomIntercepts"]

SLOPE = Key("growth", "slope")
BETWEEN_WITH_SLOPE = Key("growth", "between with slope")
BLOCKS = {
    ("intercept", "intercept"): BETWEEN,
    ("slope", "slope"): SLOPE,
    ("intercept", "slope"): BETWEEN_WITH_SLOPE,
}


class RandomIntercepts(Part):
    """An intercept of each measure, with a loading at each wave, and in a model with growth a slope."""

    def belongs_to(self, spec: CrossLagged) -> bool:
        """Where stable differences between people are added to every wave."""
        return spec.random_intercepts

    def parameters(self, table: TableBuilder, group: int) -> None:
        """Their covariance matrix, in blocks."""
        owner = table.owner("variances", group)
        table.covariance(BETWEEN, group, owner, start=0.4)
        if table.spec.growth:
            table.covariance(SLOPE, group, owner, start=0.2)
            table.crossing(BETWEEN_WITH_SLOPE, group, owner)

    def share(self, priors: PriorBuilder, sds: Sequence[Addresses]) -> Sequence[Addresses]:
        """The intraclass correlation."""
        writer, group, stated = priors.writer, priors.per_group("variances"), priors.spec.priors
        icc, one = priors.add("icc", stated.icc, "measure", group=group), writer.constant(1.0)
        between = [writer.multiply(sd, writer.square_root(share)) for sd, share in zip(sds, icc, strict=True)]
        if priors.spec.growth:
            slopes = priors.add("relative_slope_sd", stated.slope_sd, "measure", group=group)
            priors.joint("growth", {"intercept": between, "slope": list(slopes)}, BLOCKS, group=group)
        else:
            units = priors.correlation("between_partial_unit", stated.between_correlation, "pair", group=group)
            for g, sd in enumerate(between):
                priors.let(priors.table.at(BETWEEN, g), writer.covariance(sd, units[g]))
        remaining = [writer.square_root(writer.subtract(one, share)) for share in icc]
        return [writer.multiply(sd, part) for sd, part in zip(sds, remaining, strict=True)]

    def system(self, system: SystemBuilder) -> None:
        """Factors, and what of them is added to the values that exist."""
        intercepts = system.factors["intercept"] = [Variable("intercept", name) for name in system.names]
        system.covariance(intercepts, system.at(BETWEEN))
        for wave, values in enumerate(system.values):
            for measure in system.exists(wave):
                system.path(values[measure], intercepts[measure], loading_of(system, measure, wave))
        if not system.spec.growth:
            return
        slopes = system.factors["slope"] = [Variable("slope", name) for name in system.names]
        system.covariance(slopes, system.at(SLOPE))
        system.crossing(intercepts, slopes, system.at(BETWEEN_WITH_SLOPE))
        for values, time in zip(system.values[1:], system.cell.times[1:], strict=True):
            along = int(system.writer.constant(system.design.along(time)))
            for value, slope in zip(values, slopes, strict=True):
                system.path(value, slope, along)

    def quantities(self, quantities: QuantityBuilder) -> None:
        """SDs and correlations, and without growth the share of each wave's variance that is between people."""
        writer, covariance = quantities.writer, quantities.at(BETWEEN)
        quantities.add("between_sd", ("measure",), quantities.in_raw_units(writer.sds(covariance)))
        quantities.add("between_correlation", ("pair",), writer.correlations(covariance))
        if quantities.spec.growth:
            quantities.add("slope_sd", ("measure",), quantities.in_raw_units(writer.sds(quantities.at(SLOPE))))
            return
        shares = []
        for wave, within in enumerate(quantities.within):
            stable = np.diagonal(covariance)
            if quantities.workspace.table.has(LOADING, quantities.group, wave):
                loading = quantities.at(LOADING, wave)
                stable = writer.multiply(writer.multiply(loading, loading), stable)
            shares.append(writer.divide(stable, writer.add(stable, np.diagonal(within))))
        quantities.add("intraclass_correlation", ("time", "measure"), shares)
