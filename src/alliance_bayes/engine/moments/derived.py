"""Quantities a reader knows by name, from the parameters of the model."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ...spec.cross_lagged import CrossLagged
from .design import Cell, Design
from .dynamics import Dynamics
from .parameters import lay_out_parameters
from .program import NOTHING, Program, ProgramArrays, Writer

__all__ = ["Derived", "Quantity", "derived_quantities"]

type Addresses = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Quantity:
    """One derived array: its name, dims, and place in the vector of all of them."""

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    start: int

    @property
    def where(self) -> slice:
        """Its place in the derived vector."""
        return slice(self.start, self.start + math.prod(self.shape))


@dataclass(frozen=True, eq=False)
class Derived:
    """What can be derived from theta, and where to find it in the derived vector.

    Attributes
    ----------
    quantities
        In order: ``lagged`` (effect of one raw unit of the predictor, in raw units of the
        outcome), ``lagged_standardized`` (within-person SDs of the outcome at the end of the
        interval per within-person SD of the predictor at its start), ``drift`` (raw, per unit of
        time), all three with labels "predictor -> outcome" in their dim ``path``; ``mean`` (of
        people with average covariates), ``between_sd``, ``between_correlation``, ``within_sd``,
        ``within_correlation``, ``innovation_sd``, ``innovation_correlation`` (over the whole
        interval), ``intraclass_correlation`` (share of a wave's variance that is between people)
        and ``within_r_squared`` (share of the within-person variance at the end of an interval
        that the wave before predicts). With groups each has a first dim ``group``.
    program
        From theta, then the measures' centres and scales, to the derived vector.
    """

    quantities: tuple[Quantity, ...]
    program: Program

    @cached_property
    def arrays(self) -> ProgramArrays:
        """The program for the compiled interpreter."""
        return self.program.arrays

    @property
    def size(self) -> int:
        """Length of the derived vector."""
        return len(self.program.output)

    def __getitem__(self, name: str) -> Quantity:
        return next(quantity for quantity in self.quantities if quantity.name == name)


def derived_quantities(spec: CrossLagged, design: Design) -> Derived:
    """Lay out the derived quantities of a model at the times of a design."""
    table = lay_out_parameters(spec, design)
    size = len(spec.measures)
    writer = Writer(len(table) + 2 * size)
    centre, scale = (len(table) + place * size + np.arange(size) for place in (0, 1))
    dynamics = Dynamics(spec, design, table, writer)
    by_group = [
        _quantities_of(
            spec, design, dynamics, Cell(group, design.times_of(group), (0.0,) * len(spec.moderated)), centre, scale
        )
        for group in range(design.n_groups)
    ]
    quantities, output, start = [], [], 0
    for name, (dims, addresses) in by_group[0].items():
        whole = addresses
        if design.groups:
            unknown = writer.constant(np.nan)
            longest = max(len(each[name][1]) for each in by_group)
            whole = np.stack([_padded(each[name][1], longest, unknown) for each in by_group])
        labels = dims if not design.groups else ("group", *dims)
        quantities.append(Quantity(name, labels, whole.shape, start))
        output.append(whole.ravel())
        start += whole.size
    return Derived(tuple(quantities), writer.program(np.concatenate(output)))


def _quantities_of(
    spec: CrossLagged, design: Design, dynamics: Dynamics, cell: Cell, centre: Addresses, scale: Addresses
) -> dict[str, tuple[tuple[str, ...], Addresses]]:
    """Dims and addresses of every quantity of one group."""
    writer, table, group = dynamics.writer, dynamics.table, cell.group
    one, zero = writer.constant(1.0), writer.constant(0.0)
    unit = writer.divide(scale[:, None], scale[None, :])

    def in_raw_units(effects: Addresses) -> Addresses:
        return writer.multiply(effects, unit)

    within = [dynamics.first(group)]
    effects, innovations = [], []
    for interval in dynamics.intervals(cell):
        step, noise = interval.effects, interval.innovation
        whole, new = step, noise
        for _ in range(interval.n_steps - 1):
            whole = writer.product(step, whole)
            new = writer.add(writer.quadratic_form(step, new), noise)
        effects.append(whole)
        innovations.append(new)
        within.append(writer.add(writer.quadratic_form(whole, within[-1]), new))
    sds = [writer.sds(covariance) for covariance in within]
    new_sds = [writer.sds(covariance) for covariance in innovations]
    standardized = [
        writer.divide(writer.multiply(effect, before[None, :]), after[:, None])
        for effect, before, after in zip(effects, sds[:-1], sds[1:], strict=True)
    ]
    found: dict[str, tuple[tuple[str, ...], Addresses]] = {
        "lagged": (("interval", "path"), np.stack([in_raw_units(each).ravel() for each in effects])),
        "lagged_standardized": (("interval", "path"), np.stack([each.ravel() for each in standardized])),
    }
    if dynamics.lags == "continuous":
        found["drift"] = (("path",), in_raw_units(dynamics.drift(cell)).ravel())
    means = _means(spec, design, dynamics, cell)
    if means is not None:
        raw = np.stack([writer.add(centre, writer.multiply(scale, each)) for each in means])
        found["mean"] = (("time", "measure"), raw)
    between = None
    if spec.random_intercepts:
        between = table.at("between", group)
        found["between_sd"] = (("measure",), writer.multiply(scale, writer.sds(between)))
        found["between_correlation"] = (("pair",), writer.correlations(between))
    if spec.stable == "growth":
        found["slope_sd"] = (("measure",), writer.multiply(scale, writer.sds(table.at("slope", group))))
    if spec.accumulating:
        factor = table.at("accumulating", group)
        found["accumulating_sd"] = (("measure",), writer.multiply(scale, writer.sds(factor)))
        found["accumulating_correlation"] = (("pair",), writer.correlations(factor))
    found |= {
        "within_sd": (("time", "measure"), np.stack([writer.multiply(scale, each) for each in sds])),
        "within_correlation": (("time", "pair"), np.stack([writer.correlations(each) for each in within])),
        "innovation_sd": (("interval", "measure"), np.stack([writer.multiply(scale, each) for each in new_sds])),
        "innovation_correlation": (("interval", "pair"), np.stack([writer.correlations(each) for each in innovations])),
    }
    if spec.error:
        errors = writer.square_root(table.at("error", group))
        found["error_sd"] = (("measure",), writer.multiply(scale, errors))
    if between is not None and spec.stable == "trait":
        shares = []
        for wave, covariance in enumerate(within):
            stable = np.diagonal(between)
            if spec.free_loadings and wave > 0:
                loading = table.at("loading", group, wave)
                stable = writer.multiply(writer.multiply(loading, loading), stable)
            shares.append(writer.divide(stable, writer.add(stable, np.diagonal(covariance))))
        found["intraclass_correlation"] = (("time", "measure"), np.stack(shares))
    explained = [
        writer.subtract(one, writer.divide(np.diagonal(new), np.diagonal(after)))
        for new, after in zip(innovations, within[1:], strict=True)
    ]
    found["within_r_squared"] = (("interval", "measure"), np.stack(explained))
    return {name: (dims, np.where(addresses == NOTHING, zero, addresses)) for name, (dims, addresses) in found.items()}


def _means(spec: CrossLagged, design: Design, dynamics: Dynamics, cell: Cell) -> list[Addresses] | None:
    """Means of the measures at every wave, in the model's unit; None where indicators alone have them."""
    writer, table, group, times = dynamics.writer, dynamics.table, cell.group, cell.times

    def along(time: float) -> Addresses:
        return writer.constant(design.along(time))

    if spec.stable == "growth":
        start, slope = table.at("mean intercept", group), table.at("mean slope", group)
        return [writer.add(start, writer.multiply(slope, along(time))) for time in times]
    if spec.stable == "accumulating growth":
        means = [table.at("mean", group, 0)]
        start, slope = table.at("mean accumulating", group), table.at("mean accumulating slope", group)
        for place, interval in enumerate(dynamics.intervals(cell)):
            mean = means[-1]
            for step in range(interval.n_steps):
                time = times[place] + (step + 1) / interval.n_steps * (times[place + 1] - times[place])
                carried = writer.product(interval.effects, mean[:, None])[:, 0]
                mean = writer.add(carried, writer.add(start, writer.multiply(slope, along(time))))
            means.append(mean)
        return means
    if spec.indicators and any((table.at("mean", group, wave) == NOTHING).any() for wave in range(len(times))):
        return None
    return [table.at("mean", group, wave) for wave in range(len(times))]


def _padded(addresses: Addresses, length: int, unknown: Addresses) -> Addresses:
    """The quantities of a group with fewer waves, followed by numbers that do not exist."""
    missing = length - len(addresses)
    return np.concatenate([addresses, np.broadcast_to(unknown, (missing, *addresses.shape[1:]))])
