"""Lagged effects: equal, free for each interval, per base step, or from a drift in continuous time."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial, reduce
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...basics.distributions import Normal, Prior
from ...basics.names import in_words, lagged_path
from ...panel import Panel
from ...spec.cross_lagged import CrossLagged
from ...spec.latent_options import latent_options
from ...spec.steps import interval_names
from ..keys import DRIFT, LAGGED, Key
from ..parameters import Addresses, TableBuilder, ends_of
from ..prior_scale import PriorBuilder
from ..program import NOTHING
from ..quantities import QuantityBuilder
from ..systems import SystemBuilder
from .groups import effects_of_groups
from .part import Part

__all__ = ["LaggedEffects", "add_effects", "free_effects"]


class LaggedEffects(Part):
    """Carry-over and cross-lagged effects, from wave to wave or as a drift."""

    def parameters(self, table: TableBuilder, group: int) -> None:
        """Carry-over first, then across: one matrix for all intervals, or one for each."""
        spec, owner = table.spec, table.owner("lags", group)
        if table.lags == "free":
            _free_for_each_interval(table, group)
        elif table.lags == "continuous":
            start = -0.75 / min(table.design.intervals)
            table.effects(DRIFT, spec.paths, group, owner, start=start)
        else:
            standardized = table.lags == "equal_standardized"
            word = "standardized" if standardized else None
            table.effects(LAGGED, spec.paths, group, owner, start=0.3, word=word, unitless=standardized)

    def priors(self, priors: PriorBuilder) -> None:
        """Random variables of standardised effects, whose raw ones follow once the within-person SDs are known."""
        spec, stated, continuous = priors.spec, priors.spec.priors, priors.lags == "continuous"
        if spec.lags == "free":
            _add_about_averages(priors, "carry_over", stated.carry_over, spec.carry_over_paths, bounds=(-1.0, 1.0))
            _add_about_averages(priors, "cross_lagged", stated.cross_lagged, spec.cross_lagged_paths)
            return
        effects = partial(free_effects, priors, DRIFT if continuous else LAGGED)
        carry_over = effects(spec.carry_over_paths, "carry_over_path")
        cross_lagged = effects(spec.cross_lagged_paths, "cross_lagged_path")
        if continuous:
            rate = 1 / min(priors.design.intervals)
            add_effects(priors, "decay", stated.decay, *carry_over, factor=-rate)
            add_effects(priors, "cross_drift", stated.cross_drift, *cross_lagged, factor=rate)
            return
        add_effects(priors, "carry_over", stated.carry_over, *carry_over, bounds=(-1.0, 1.0))
        add_effects(priors, "cross_lagged", stated.cross_lagged, *cross_lagged)

    def system(self, system: SystemBuilder) -> None:
        """Effects of what exists before on what exists after and does not restart there."""
        for step in system.steps:
            effects = step.interval.effects.tolist()
            for row in step.exists:
                for column in step.existed if row not in step.restarts else ():
                    system.path(step.after[row], step.before[column], effects[row][column])

    def quantities(self, quantities: QuantityBuilder) -> None:
        """Effects over each interval in raw units, and in within-person SDs at both of its ends; the raw drift."""
        writer, scale, sds = quantities.writer, quantities.scale, quantities.within_sds
        units, effects = writer.divide(scale[:, None], scale[None, :]), [each for each, _ in quantities.intervals]
        quantities.add("lagged", ("interval", "path"), [writer.multiply(each, units).ravel() for each in effects])
        standardized = [
            writer.divide(writer.multiply(effect, before[None, :]), after[:, None]).ravel()
            for effect, (before, after) in zip(effects, pairwise(sds), strict=True)
        ]
        quantities.add("lagged_standardized", ("interval", "path"), standardized)
        if quantities.dynamics.lags == "continuous":
            drift = quantities.dynamics.drift(quantities.cell)
            quantities.add("drift", ("path",), writer.multiply(drift, units).ravel())

    def problems(self, spec: CrossLagged, panel: Panel) -> Iterator[str]:
        """Effects whose predictor and outcome nobody has on both ends of any interval they act in."""
        if panel.own_times is not None and spec.is_latent:
            yield (
                "The panel holds each person's own times, and a model with "
                f"{in_words(latent_options(spec))} uses the planned ones. Make the panel without own_time=."
            )
        elif panel.own_times is not None and spec.lags not in ("continuous", None):
            yield (
                f"The panel holds each person's own times, and lags='{spec.lags}' uses the planned ones. "
                "Use lags='continuous', or make the panel without own_time=."
            )
        if all(name in panel.measures for name in spec.response_columns) and not spec.indicators:
            yield from _unseen_paths(spec, panel)


def add_effects(
    priors: PriorBuilder,
    name: str,
    prior: Prior,
    positions: Sequence[Addresses],
    dims: tuple[str, ...],
    *,
    factor: float = 1.0,
    bounds: tuple[float, float] | None = None,
) -> None:
    """Add random variables of effects between measures, in SDs of the outcome per SD of the predictor.

    `positions` are those of the effects in theta, by group; `factor` is what they are multiplied by.
    """
    if not positions[0].size:
        return
    effects = effects_of_groups(priors, name, prior, dims, bounds)
    if factor != 1:
        effects = [priors.writer.multiply(values, priors.writer.constant(factor)) for values in effects]
    priors.later(partial(_let_raw, priors, positions, effects))


def _add_about_averages(
    priors: PriorBuilder,
    name: str,
    prior: Prior,
    paths: Sequence[str],
    bounds: tuple[float, float] | None = None,
) -> None:
    """Add random variables of each path's average over the intervals, and of deviations that sum to zero over them.

    The prior of the average is the one stated, whatever the number of intervals. An effect that is equal over several
    counts as often, and one that is fixed at 0 not at all.
    """
    distinct = {path: each for path in paths if (each := _distinct_effects(priors, path))[0][0].size}
    if not distinct:
        return
    averages = effects_of_groups(priors, name, prior, (priors.dim(f"{name}_path", list(distinct)),), bounds)
    alike: dict[tuple[int, ...], list[str]] = {}  # paths by how many intervals each of their effects is of
    for path, groups in distinct.items():
        alike.setdefault(tuple(groups[0][1].tolist()), []).append(path)
    deviations = _deviations(priors, name, {path: weights for weights, same in alike.items() for path in same})
    order = list(distinct)
    for weights, same in alike.items():
        positions, by_group = [], []
        for group, average in enumerate(averages):
            positions.append(np.stack([distinct[path][group][0] for path in same], axis=-1))
            effects = np.broadcast_to(average[[order.index(path) for path in same]], positions[-1].shape)
            if len(weights) > 1:
                basis = _constants(priors, _summing_to_zero(weights))
                about = np.stack([deviations[path][group] for path in same], axis=-1)
                effects = priors.writer.add(effects, priors.writer.product(basis, about))
            by_group.append(effects)
        priors.later(partial(_let_raw, priors, positions, by_group))


def _distinct_effects(priors: PriorBuilder, path: str) -> list[tuple[Addresses, Addresses]]:
    """Positions in theta of a path's effects by group, and over how many intervals each acts."""
    ends, occasions = ends_of(path, priors.spec.measures), range(len(priors.design.times) - 1)
    by_group = [
        np.array([priors.table.at(LAGGED, group, occasion)[ends] for occasion in occasions]) for group in priors.groups
    ]
    return [np.unique(positions[positions != NOTHING], return_counts=True) for positions in by_group]


def _deviations(priors: PriorBuilder, name: str, weights: Mapping[str, tuple[int, ...]]) -> dict[str, list[Addresses]]:
    """Coordinates of each path's deviations by group, in a space of one dimension less than it has effects."""
    sizes = {path: len(each) - 1 for path, each in weights.items() if len(each) > 1}
    spread, group_lags = priors.spec.priors.interval_spread, priors.spec.group_lags if priors.design.groups else None
    labels = [f"{path}, {number}" for path, size in sizes.items() for number in range(1, size + 1)]
    varying, of = priors.dim(f"{name}_varying_path", list(sizes)), priors.dim(f"{name}_deviation_of", labels)
    spreads = priors.add(f"{name}_interval_spread", spread, varying, group=group_lags == "free")
    standard = priors.add(f"{name}_deviation", Normal(0.0, 1.0), of, group=group_lags in ("free", "pooled"))
    ends, writer = np.cumsum([0, *sizes.values()]).tolist(), priors.writer
    return {
        path: [writer.multiply(standard[group][start:end], spreads[group][place]) for group in priors.groups]
        for place, (path, (start, end)) in enumerate(zip(sizes, pairwise(ends), strict=True))
    }


def _summing_to_zero(weights: Sequence[int]) -> npt.NDArray[np.float64]:
    """Orthonormal columns whose sums, weighted so, are 0; shape ``(number, number - 1)``."""
    return np.linalg.qr(np.column_stack([weights, np.eye(len(weights))[:, 1:]]))[0][:, 1:]


def _constants(priors: PriorBuilder, values: npt.NDArray[np.float64]) -> Addresses:
    return np.array([int(priors.writer.constant(value)) for value in values.ravel()]).reshape(values.shape)


def free_effects(
    priors: PriorBuilder, key: Key, paths: Sequence[str], dim: str
) -> tuple[list[Addresses], tuple[str, ...]]:
    """Where effects of these paths stand in theta, by group, and the dims of their random variable.

    Effects of each interval of which some are fixed or equal are one vector of those that are free.
    """
    table, spec, groups = priors.table, priors.spec, range(priors.design.n_groups)
    ends = np.array([ends_of(path, spec.measures) for path in paths], dtype=np.int64).reshape(-1, 2)
    of_paths = ends[:, 0], ends[:, 1]
    priors.dim(dim, paths)
    if key != LAGGED or priors.lags != "free":
        return [table.at(key, group)[of_paths] for group in groups], (dim,)
    occasions = range(len(priors.design.times) - 1)
    by_group = [np.stack([table.at(key, group, occasion)[of_paths] for occasion in occasions]) for group in groups]
    if not spec.equal and not any(", " in path for path in spec.remove):
        return by_group, ("interval", dim)
    distinct = [np.unique(positions[positions != NOTHING]) for positions in by_group]
    priors.dim(dim, [table.parameters[position].of for position in distinct[0]])
    return distinct, (dim,)


def _let_raw(priors: PriorBuilder, positions: Sequence[Addresses], standardized: Sequence[Addresses]) -> None:
    """Raw effects from those in within-person SDs at the first wave, by group."""
    sharing: dict[bytes, list[int]] = {}
    for group, where in enumerate(positions):
        sharing.setdefault(where.tobytes(), []).append(group)
    for groups in sharing.values():
        where, raw = positions[groups[0]], standardized[groups[0]]
        if priors.lags != "equal_standardized":
            ends = [priors.table.parameters[position].measures for position in where.ravel()]
            outcome, predictor = np.moveaxis(np.array(ends).reshape(*where.shape, 2), -1, 0)
            raw = np.where(outcome == predictor, raw, _in_units(priors, groups, raw, outcome, predictor))
        priors.let(where, raw)


def _in_units(
    priors: PriorBuilder, groups: Sequence[int], standardized: Addresses, outcome: Addresses, predictor: Addresses
) -> Addresses:
    """Effects in units of the outcome per unit of the predictor.

    Where groups with SDs of their own share an effect, the square of the stated one is the mean of the groups' squares:
    they are alike a priori, so each then has the stated mean square.
    """
    writer = priors.writer
    units = list({priors.within[group].tobytes(): priors.within[group] for group in groups}.values())
    if len(units) == 1:
        return writer.divide(writer.multiply(standardized, units[0][outcome]), units[0][predictor])
    ratios = [writer.divide(unit[predictor], unit[outcome]) for unit in units]
    squares = reduce(writer.add, [writer.multiply(ratio, ratio) for ratio in ratios])
    mean = writer.multiply(squares, writer.constant(1 / len(units)))
    return writer.divide(standardized, writer.square_root(mean))


class _Interval(NamedTuple):
    occasion: int
    times: tuple[float, ...]


def _free_for_each_interval(table: TableBuilder, group: int) -> None:
    """Effects of each interval; a path that is equal over several is the parameter of the first of them."""
    spec, owner, times = table.spec, table.owner("lags", group), table.design.times_of(group)
    intervals = {
        name: _Interval(occasion, ends)
        for occasion, (name, ends) in enumerate(zip(interval_names(times), pairwise(times), strict=True))
    }
    first = {path: same[0].rpartition(", ")[2] for same in spec.equal for path in same}
    matrices = [table.no_effects() for _ in intervals]
    for paths in (spec.carry_over_paths, spec.cross_lagged_paths):
        for name, (occasion, _) in intervals.items():
            for path in paths:
                if f"{path}, {name}" in spec.remove:
                    continue
                of_first = intervals[first.get(f"{path}, {name}", name)].times
                ends, position = table.effect(LAGGED, path, owner, start=0.3, occasion=occasion, times=of_first)
                matrices[occasion][ends] = position
    for occasion, matrix in enumerate(matrices):
        table.put(LAGGED, group, occasion, matrix)


def _unseen_paths(spec: CrossLagged, panel: Panel) -> Iterator[str]:
    moments = panel.moments
    seen = ~np.isnan(panel.require_persons("A lagged effect")) if moments is None else moments.observed
    columns = [[panel.measures.index(column) for column in spec.columns_of(name)] for name in spec.measures]
    seen = np.stack([seen[:, :, of_measure].any(axis=2) for of_measure in columns], axis=2)
    before, after = seen[:, :-1].astype(float), seen[:, 1:].astype(float)
    together = np.einsum("ntp,nto->top", before, after, optimize=True)
    intervals = interval_names(panel.times)
    for outcome, predictor in np.ndindex(len(spec.measures), len(spec.measures)):
        names = spec.measures[predictor], spec.measures[outcome]
        path, counts = lagged_path(*names), together[:, outcome, predictor]
        if path in spec.remove:
            continue
        if spec.lags_by_interval:
            for interval, count in zip(intervals, counts, strict=True):
                if count == 0:
                    yield (
                        f"Nobody has '{names[0]}' and later '{names[1]}' over {interval}, so '{path}' has no data "
                        "there. Leave that wave out, or use lags='equal'."
                    )
        elif not counts.any():
            yield f"Nobody has '{names[0]}' and one wave later '{names[1]}', so '{path}' has no data at all."
