"""Means of the measures: at each wave, the same at all, or along a mean line."""

from collections.abc import Sequence

from ...spec.cross_lagged import CrossLagged
from ..keys import Key
from ..parameters import Addresses, TableBuilder
from ..prior_scale import PriorBuilder
from ..quantities import QuantityBuilder
from ..systems import SystemBuilder
from .part import Part

__all__ = ["Means"]

MEAN = Key("mean", "mean")
OF_INTERCEPTS = Key("mean", "mean intercept")
OF_SLOPES = Key("mean", "mean slope")
OF_ACCUMULATING = Key("mean", "mean accumulating")
OF_ACCUMULATING_SLOPES = Key("mean", "mean accumulating slope")


class Means(Part):
    """Means of values; with growth, of the stable factors, and of the first wave where they accumulate."""

    def parameters(self, table: TableBuilder, group: int) -> None:
        """One of each measure for each wave, for all waves, or for each kind of factor."""
        spec, owner, times = table.spec, table.owner("means", group), table.design.times_of(group)
        free, at_first = _with_mean(spec)
        if spec.growth:
            if spec.accumulating:
                table.vector(MEAN, group, owner, measures=free, occasion=0, times=times[:1], located=True)
            for key in _of_factors(spec):
                table.vector(key, group, owner, measures=free, located=key == OF_INTERCEPTS)
            return
        if spec.means == "equal":
            table.vector(MEAN, group, owner, measures=at_first, located=True)
            return
        for wave, time in enumerate(times):
            measures = free if wave else at_first
            table.vector(MEAN, group, owner, measures=measures, occasion=wave, times=(time,), located=True)

    def priors(self, priors: PriorBuilder) -> None:
        """Of normal measures about their overall mean; then of linear predictors, about that at the first wave."""
        spec, prior, group = priors.spec, priors.spec.priors.mean, priors.per_group("means")
        free, at_first = _with_mean(spec)
        each = _dim_of_means(priors, at_first)
        if spec.growth:
            keys = _of_factors(spec)
            for key in (MEAN, *keys) if spec.accumulating else keys:
                values = priors.add(f"relative_{key.word.replace(' ', '_')}", prior, each, group=group)
                for g, of_group in enumerate(values):
                    priors.let(priors.table.at(key, g, 0)[free], of_group)
            return
        if at_first:
            means = priors.by_occasion("relative_mean", prior, MEAN, "time", each, group)
            for (g, wave), values in means.items():
                priors.let(priors.table.at(MEAN, g, wave)[at_first], values)
        later = [measure for measure in free if measure not in at_first]
        if later and spec.means == "free":
            dim = priors.dim("latent_measure", [spec.measures[measure] for measure in later])
            for wave, values in enumerate(priors.add("latent_mean", prior, "later_time", dim)[0], start=1):
                priors.let(priors.table.at(MEAN, 0, wave)[later], values)

    def system(self, system: SystemBuilder) -> None:
        """Intercepts of values, or of stable factors and the first wave."""
        if not system.spec.growth:
            for wave, values in enumerate(system.values):
                means = system.at(MEAN, wave).tolist()
                for measure in system.exists(wave):
                    system.intercept(values[measure], means[measure])
            return
        vectors = list(zip(_of_factors(system.spec), system.factors.values(), strict=True))
        if system.spec.accumulating:
            vectors.append((MEAN, system.within[0]))
        for key, variables in vectors:
            for variable, mean in zip(variables, system.at(key, 0).tolist(), strict=True):
                system.intercept(variable, mean)

    def quantities(self, quantities: QuantityBuilder) -> None:
        """Means at every wave of people with average covariates; none where indicators alone have means."""
        free, _ = _with_mean(quantities.spec)
        if len(free) < len(quantities.spec.measures):
            return
        add, raw = quantities.writer.add, [quantities.in_raw_units(each) for each in _at_waves(quantities)]
        quantities.add("mean", ("time", "measure"), [add(quantities.centre, each) for each in raw])


def _of_factors(spec: CrossLagged) -> tuple[Key, Key]:
    """Means of the stable factors, slopes second."""
    return (OF_ACCUMULATING, OF_ACCUMULATING_SLOPES) if spec.accumulating else (OF_INTERCEPTS, OF_SLOPES)


def _with_mean(spec: CrossLagged) -> tuple[list[int], list[int]]:
    """Measures with means of their own after the first wave, and at it.

    Intercepts of the indicators at each wave leave none to their measure, and the location of a linear predictor is 0
    at the first wave.
    """
    of_indicators = spec.indicators if spec.invariance in ("configural", "weak") else {}
    free = [measure for measure, name in enumerate(spec.measures) if name not in of_indicators]
    return free, [measure for measure in free if spec.measures[measure] not in spec.random_families]


def _dim_of_means(priors: PriorBuilder, measures: Sequence[int]) -> str:
    if priors.is_latent.any():
        return priors.normal_measures()
    if len(measures) == priors.size:
        return "measure"
    return priors.dim("measure_with_mean", [priors.spec.measures[measure] for measure in measures])


def _at_waves(quantities: QuantityBuilder) -> list[Addresses]:
    """Means at every wave in the model's unit."""
    spec, writer, times = quantities.spec, quantities.writer, quantities.cell.times
    if not spec.growth:
        return [quantities.at(MEAN, wave) for wave in range(len(times))]
    start, slope = (quantities.at(key) for key in _of_factors(spec))

    def line(time: float) -> Addresses:
        return writer.add(start, writer.multiply(slope, writer.constant(quantities.design.along(time))))

    if not spec.accumulating:
        return [line(time) for time in times]
    means = [quantities.at(MEAN, 0)]
    for place, interval in enumerate(quantities.dynamics.intervals(quantities.cell)):
        mean = means[-1]
        for step in range(interval.n_steps):
            time = times[place] + (step + 1) / interval.n_steps * (times[place + 1] - times[place])
            mean = writer.add(writer.product(interval.effects, mean[:, None])[:, 0], line(time))
        means.append(mean)
    return means
