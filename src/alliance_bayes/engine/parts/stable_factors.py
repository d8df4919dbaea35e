"""What is stable in people: random intercepts, lines, and factors that act again at each wave and accumulate."""

from collections.abc import Mapping, Sequence

import numpy as np

from ...spec.cross_lagged import CrossLagged
from ..keys import (
    ACCUMULATING,
    ACCUMULATING_SLOPE,
    ACCUMULATING_SLOPE_WITH_FIRST,
    ACCUMULATING_WITH_FIRST,
    ACCUMULATING_WITH_SLOPE,
    BETWEEN,
    BETWEEN_WITH_SLOPE,
    FIRST,
    LOADING,
    SLOPE,
    Key,
)
from ..moments.linear_system import Role, Variable
from ..parameters import Addresses, TableBuilder
from ..prior_scale import PriorBuilder, pairs
from ..quantities import QuantityBuilder
from ..systems import SystemBuilder
from .part import Part

__all__ = ["StableFactors", "acts_through"]


class StableFactors(Part):
    """Random intercepts (of a model with growth: of lines), or accumulating factors, and slopes of either."""

    def belongs_to(self, spec: CrossLagged) -> bool:
        """In every model but the CLPM."""
        return spec.stable != "none"

    def parameters(self, table: TableBuilder, group: int) -> None:
        """Covariances of the factors, and of accumulating ones with the first wave."""
        spec, owner = table.spec, table.owner("variances", group)
        if not spec.accumulating:
            table.covariance(BETWEEN, group, owner, start=0.4)
            if spec.growth:
                table.covariance(SLOPE, group, owner, start=0.2)
                table.crossing(BETWEEN_WITH_SLOPE, group, owner)
            return
        table.covariance(ACCUMULATING, group, owner, start=0.2)
        table.crossing(ACCUMULATING_WITH_FIRST, group, owner)
        if spec.growth:
            table.covariance(ACCUMULATING_SLOPE, group, owner, start=0.1)
            table.crossing(ACCUMULATING_WITH_SLOPE, group, owner)
            table.crossing(ACCUMULATING_SLOPE_WITH_FIRST, group, owner)

    def share(self, priors: PriorBuilder, sds: Sequence[Addresses]) -> Sequence[Addresses]:
        """The intraclass correlation; of accumulating factors, what they explain of the first wave."""
        group, stated = priors.per_group("variances"), priors.spec.priors
        if priors.spec.accumulating:
            return _with_first_wave(priors, sds, group)
        writer, one = priors.writer, priors.writer.constant(1.0)
        icc = priors.add("icc", stated.icc, "measure", group=group)
        between = [writer.multiply(sd, writer.square_root(share)) for sd, share in zip(sds, icc, strict=True)]
        if priors.spec.growth:
            slopes = priors.add("relative_slope_sd", stated.slope_sd, "measure", group=group)
            _joint(priors, "growth", {"intercept": between, "slope": list(slopes)}, _GROWTH, group)
        else:
            units = priors.correlation("between_partial_unit", stated.between_correlation, "pair", group=group)
            for g, sd in enumerate(between):
                priors.let(priors.table.at(BETWEEN, g), writer.covariance(sd, units[g]))
        remaining = [writer.square_root(writer.subtract(one, share)) for share in icc]
        return [writer.multiply(sd, part) for sd, part in zip(sds, remaining, strict=True)]

    def system(self, system: SystemBuilder) -> None:
        """Factors, and how they act: on values, or on what comes after each wave."""
        spec, names = system.spec, system.names
        role: Role = "accumulating" if spec.accumulating else "intercept"
        factors = system.factors[role] = [Variable(role, name) for name in names]
        system.covariance(factors, system.at(ACCUMULATING if spec.accumulating else BETWEEN))
        slopes: list[Variable] = []
        if spec.growth:
            slopes = system.factors["slope"] = [Variable("slope", name) for name in names]
            system.covariance(slopes, system.at(ACCUMULATING_SLOPE if spec.accumulating else SLOPE))
            crossed = ACCUMULATING_WITH_SLOPE if spec.accumulating else BETWEEN_WITH_SLOPE
            system.crossing(factors, slopes, system.at(crossed))
        if not spec.accumulating:
            for wave, values in enumerate(system.values):
                for measure in system.exists(wave):
                    system.path(values[measure], factors[measure], acts_through(system, measure, wave))
                    if slopes and wave > 0:
                        along = system.writer.constant(system.design.along(system.cell.times[wave]))
                        system.path(values[measure], slopes[measure], int(along))
            return
        system.crossing(factors, system.within[0], system.at(ACCUMULATING_WITH_FIRST))
        if slopes:
            system.crossing(slopes, system.within[0], system.at(ACCUMULATING_SLOPE_WITH_FIRST))
        for step in system.steps:
            for measure, deviation in enumerate(step.after):
                system.path(deviation, factors[measure], acts_through(system, measure, step.wave))
                if slopes:
                    along = system.writer.constant(system.design.along(step.time))
                    system.path(deviation, slopes[measure], int(along))

    def quantities(self, quantities: QuantityBuilder) -> None:
        """SDs and correlations of the factors, and the share of each wave's variance that is between people."""
        writer, spec = quantities.writer, quantities.spec
        word, factors = ("accumulating", ACCUMULATING) if spec.accumulating else ("between", BETWEEN)
        covariance = quantities.at(factors)
        quantities.add(f"{word}_sd", ("measure",), quantities.in_raw_units(writer.sds(covariance)))
        quantities.add(f"{word}_correlation", ("pair",), writer.correlations(covariance))
        if spec.stable == "growth":
            quantities.add("slope_sd", ("measure",), quantities.in_raw_units(writer.sds(quantities.at(SLOPE))))
        if spec.stable != "trait":
            return
        shares = []
        for wave, within in enumerate(quantities.within):
            stable = np.diagonal(covariance)
            if quantities.workspace.table.has(LOADING, quantities.group, wave):
                loading = quantities.at(LOADING, wave)
                stable = writer.multiply(writer.multiply(loading, loading), stable)
            shares.append(writer.divide(stable, writer.add(stable, np.diagonal(within))))
        quantities.add("intraclass_correlation", ("time", "measure"), shares)


_GROWTH = {
    ("intercept", "intercept"): BETWEEN,
    ("slope", "slope"): SLOPE,
    ("intercept", "slope"): BETWEEN_WITH_SLOPE,
}
_ACCUMULATING = {
    ("accumulating", "accumulating"): ACCUMULATING,
    ("accumulating", "slope"): ACCUMULATING_WITH_SLOPE,
    ("accumulating", "first"): ACCUMULATING_WITH_FIRST,
    ("slope", "slope"): ACCUMULATING_SLOPE,
    ("slope", "first"): ACCUMULATING_SLOPE_WITH_FIRST,
    ("first", "first"): FIRST,
}


def acts_through(system: SystemBuilder, measure: int, wave: int) -> int | None:
    """Address of the loading of a stable factor at a wave; None where it is 1."""
    if not system.workspace.table.has(LOADING, system.group, wave):
        return None
    return int(system.at(LOADING, wave)[measure])


def _with_first_wave(priors: PriorBuilder, total: Sequence[Addresses], group: bool) -> list[Addresses]:
    """Accumulating factors and the first wave together; returns the SDs left given the factors."""
    stated, writer, size = priors.spec.priors, priors.writer, priors.size
    factors = priors.add("relative_accumulating_sd", stated.accumulating_sd, "measure", group=group)
    sds: dict[str, Sequence[Addresses]] = {"accumulating": list(factors)}
    if priors.spec.growth:
        sds["slope"] = list(priors.add("relative_slope_sd", stated.slope_sd, "measure", group=group))
    remaining = []
    for covariance in _joint(priors, "factor", sds | {"first": total}, _ACCUMULATING, group):
        crossing = covariance[:-size, -size:]
        weights = writer.product(crossing.T, writer.inverse(covariance[:-size, :-size]))
        given = writer.subtract(covariance[-size:, -size:], writer.product(weights, crossing))
        remaining.append(writer.sds(given))
    return remaining


def _joint(
    priors: PriorBuilder,
    name: str,
    sds: Mapping[str, Sequence[Addresses]],
    keys: Mapping[tuple[str, str], Key],
    group: bool,
) -> list[Addresses]:
    """Covariance matrix, by group, of several vectors of measures, whose blocks are parameters."""
    size, words = priors.size, list(sds)
    dim = priors.dim(f"{name}_pair", pairs([f"{word} {measure}" for word in words for measure in priors.spec.measures]))
    prior = priors.spec.priors.between_correlation
    units = priors.correlation(f"{name}_partial_unit", prior, dim, group=group, size=len(words) * size)
    found = []
    for g, unit in enumerate(units):
        covariance = priors.writer.covariance(np.concatenate([each[g] for each in sds.values()]), unit)
        for (row, column), key in keys.items():
            if row in sds and column in sds:
                first, second = (slice(place * size, (place + 1) * size) for place in map(words.index, (row, column)))
                priors.let(priors.table.at(key, g), covariance[first, second])
        found.append(covariance)
    return found
