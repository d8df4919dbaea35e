"""Several indicators of a measure at each wave, with as much invariance over waves as the model says."""

from functools import partial
from typing import Any

import numpy as np

from ...basics.distributions import Prior
from ...spec.cross_lagged import CrossLagged
from ..keys import Key
from ..parameters import Addresses, TableBuilder
from ..prior_scale import PriorBuilder
from ..program import NOTHING
from ..systems import SystemBuilder
from .part import Part

__all__ = ["Indicators"]

LADDER = ("configural", "weak", "strong", "strict")
LOADING = Key("item", "loading")
INTERCEPT = Key("item", "item intercept")
UNIQUE = Key("item", "unique variance")
KEYS = (LOADING, INTERCEPT, UNIQUE)
EQUAL_FROM = {LOADING: "weak", INTERCEPT: "strong", UNIQUE: "strict"}


class Indicators(Part):
    """Loadings, intercepts and unique variances; a first indicator's loading is 1."""

    def belongs_to(self, spec: CrossLagged) -> bool:
        """Where a measure has indicators."""
        return bool(spec.indicators)

    def parameters(self, table: TableBuilder, group: int) -> None:
        """Those of each measure, the same in all groups."""
        for measure, name in enumerate(table.names):
            for wave in range(len(table.design.times)):
                if name in table.spec.indicators:
                    _add_items(table, group, measure, wave)

    def priors(self, priors: PriorBuilder) -> None:
        """A random variable of all loadings, one of all intercepts and one of all unique SDs."""
        stated, approximate = priors.spec.priors, priors.spec.invariance == "approximate"
        add = _add_approximate if approximate else _add_numbers
        priors.let(*add(priors, LOADING, "loading", stated.loading))
        priors.let(*add(priors, INTERCEPT, "item_intercept", stated.mean))
        positions, sds = _add_numbers(priors, UNIQUE, "relative_unique_sd", stated.unique_sd)
        priors.let(positions, priors.writer.multiply(sds, sds))

    def system(self, system: SystemBuilder) -> None:
        """Indicators, observed in the place of each value."""
        for wave, values in enumerate(system.values):
            for measure in system.exists(wave):
                name = system.names[measure]
                if name not in system.spec.indicators:
                    continue
                numbers = zip(*(system.at(_of(key, name), wave).tolist() for key in KEYS), strict=True)
                for item, (loading, intercept, unique) in zip(system.spec.indicators[name], numbers, strict=True):
                    indicator = system.indicator(values[measure], item)
                    system.path(indicator, values[measure], None if loading == NOTHING else loading)
                    system.intercept(indicator, intercept)
                    system.variance(indicator, unique)


def _add_items(table: TableBuilder, group: int, measure: int, wave: int) -> None:
    """A first indicator's intercept is 0 where intercepts are the same at all waves: the measure has the mean."""
    spec, name, first = table.spec, table.names[measure], table.unit(measure)
    measure_has_mean = spec.invariance not in ("configural", "weak")
    rows = []
    for item in spec.indicators[name]:
        is_first = item == first
        add = partial(_add, table, item, measure, wave)
        loading = intercept = NOTHING
        if not is_first:
            loading = add(LOADING, units=(item,), per=(first,), start=1.0)
        if not is_first or not measure_has_mean:
            less = (loading, first) if measure_has_mean else None
            intercept = add(INTERCEPT, units=(item,), located=item, less=less)
        rows.append((loading, intercept, add(UNIQUE, units=(item, item), is_variance=True, start=0.4)))
    for key, positions in zip(KEYS, zip(*rows, strict=True), strict=True):
        table.put(_of(key, name), group, wave, positions)


def _add(table: TableBuilder, item: str, measure: int, wave: int, key: Key, **numbers: Any) -> int:
    """A number of an indicator at a wave, or at all where invariance makes it one."""
    invariance = table.spec.invariance
    if invariance != "approximate" and LADDER.index(invariance) >= LADDER.index(EQUAL_FROM[key]):
        return table.add(key, item, (measure,), **numbers)
    return table.add(key, item, (measure,), occasion=wave, times=(table.design.times[wave],), **numbers)


def _of(key: Key, measure: str) -> Key:
    return key._replace(of=(measure,))


def _positions(priors: PriorBuilder, key: Key) -> Addresses:
    """All parameters of one kind, in order."""
    arrays = [each for known, each in priors.table.arrays.items() if known[0]._replace(of=()) == key]
    together = np.concatenate(arrays)
    return np.unique(together[together != NOTHING])


def _add_numbers(priors: PriorBuilder, key: Key, name: str, prior: Prior) -> tuple[Addresses, Addresses]:
    """Where the parameters stand, and a random variable for them."""
    positions = _positions(priors, key)
    dim = priors.dim(f"{name}_of", [priors.table.parameters[position].of for position in positions])
    return positions, priors.add(name, prior, dim)[0]


def _add_approximate(priors: PriorBuilder, key: Key, name: str, prior: Prior) -> tuple[Addresses, Addresses]:
    """Where the parameters stand, and random variables for what differs a little from wave to wave about one number."""
    positions, parameters = _positions(priors, key), priors.table.parameters
    columns = [parameters[position].units[0] for position in positions]
    items = list(dict.fromkeys(columns))
    centre = priors.add(name, prior, priors.dim(f"{name}_of", items))[0]
    dim = priors.dim(f"{name}_difference_of", [parameters[position].of for position in positions])
    differences = priors.add(f"{name}_difference", priors.spec.priors.loading_difference, dim)[0]
    return positions, priors.writer.add(centre[[items.index(column) for column in columns]], differences)
