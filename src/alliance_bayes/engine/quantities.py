"""Quantities a reader knows by name, from the parameters of the model."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from ..basics.names import number
from .design import Cell
from .dynamics import Dynamics
from .kernels.arrays import ProgramArrays
from .keys import Key
from .parameters import Addresses, Workspace
from .program import NOTHING, Program

__all__ = ["Derived", "Quantity", "QuantityBuilder", "derived_of"]

IN_ORDER = (
    "lagged",
    "lagged_standardized",
    "drift",
    "mean",
    "between_sd",
    "between_correlation",
    "slope_sd",
    "accumulating_sd",
    "accumulating_correlation",
    "within_sd",
    "within_correlation",
    "innovation_sd",
    "innovation_correlation",
    "error_sd",
    "intraclass_correlation",
    "within_r_squared",
)
"""How summaries list them; others follow."""


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

    def labels(self, coordinates: Mapping[str, Sequence[object]]) -> list[str]:
        """Names of its numbers in order, as ArviZ writes them: ``"lagged[0 to 6, alliance -> days]"``."""
        entries = product(*(coordinates[dim] for dim in self.dims))
        return [f"{self.name}[{', '.join(map(_written, entry))}]" for entry in entries] if self.dims else [self.name]


def _written(coordinate: object) -> str:
    """A label, or a time without the decimals that it does not have."""
    return number(coordinate) if isinstance(coordinate, float) else str(coordinate)


@dataclass(frozen=True, eq=False)
class Derived:
    """What can be derived from theta, and where it stands in the derived vector.

    Quantities: ``lagged`` (effect of one raw unit of the predictor, in raw units of the outcome),
    ``lagged_standardized`` (within-person SDs of the outcome at the end of the interval per within-person SD of the
    predictor at its start), ``drift`` (raw, per unit of time), all three with labels "predictor -> outcome" in dim
    ``path``; ``mean`` (of people with average covariates), ``between_sd``, ``between_correlation``, ``within_sd``,
    ``within_correlation``, ``innovation_sd``, ``innovation_correlation`` (over an interval),
    ``intraclass_correlation`` (share of a wave's variance that is between people) and ``within_r_squared`` (share of
    the within-person variance at the end of an interval that the wave before predicts). With groups each has a first
    dim ``group``.
    """

    quantities: tuple[Quantity, ...]
    program: Program  # from theta, then the measures' centres and scales, to the derived vector

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


class QuantityBuilder:
    """What parts add the derived quantities of one group to, of people with average moderators.

    Attributes
    ----------
    centre, scale
        Addresses of the centre and the scale of each measure.
    named
        Name of each quantity to its dims and addresses.
    """

    def __init__(self, workspace: Workspace, dynamics: Dynamics, group: int) -> None:
        self.workspace, self.dynamics, self.group = workspace, dynamics, group
        self.spec, self.design, self.writer = workspace.spec, workspace.design, workspace.writer
        self.cell = Cell(group, self.design.times_of(group), (0.0,) * len(self.spec.moderated))
        n_parameters, size = len(workspace.table), len(self.spec.measures)
        self.centre, self.scale = (n_parameters + first + np.arange(size) for first in (0, size))
        self.named: dict[str, tuple[tuple[str, ...], Addresses]] = {}

    def at(self, key: Key, occasion: int | None = None) -> Addresses:
        """Addresses of an array of parameters."""
        return self.workspace.at(key, self.group, occasion)

    def add(self, name: str, dims: tuple[str, ...], addresses: Addresses | Sequence[Addresses]) -> None:
        """Add a quantity; several arrays are stacked along the first dim."""
        stacked = np.stack(list(addresses))
        self.named[name] = dims, np.where(stacked == NOTHING, self.writer.constant(0.0), stacked)

    def in_raw_units(self, sds: Addresses) -> Addresses:
        """SDs of the measures in their own units."""
        return self.writer.multiply(self.scale, sds)

    @cached_property
    def intervals(self) -> list[tuple[Addresses, Addresses]]:
        """Effects and innovation covariance over each interval, all its steps together."""
        writer, intervals = self.writer, []
        for interval in self.dynamics.intervals(self.cell):
            effects, innovation = interval.effects, interval.innovation
            for _ in range(interval.n_steps - 1):
                effects = writer.product(interval.effects, effects)
                innovation = writer.add(writer.quadratic_form(interval.effects, innovation), interval.innovation)
            intervals.append((effects, innovation))
        return intervals

    @cached_property
    def within(self) -> list[Addresses]:
        """Covariance of the within-person parts at each wave; given the accumulating factors where there are any."""
        covariances = [self.dynamics.first(self.group)]
        for effects, innovation in self.intervals:
            carried = self.writer.quadratic_form(effects, covariances[-1])
            covariances.append(self.writer.add(carried, innovation))
        return covariances

    @cached_property
    def within_sds(self) -> list[Addresses]:
        """Their SDs."""
        return [self.writer.sds(covariance) for covariance in self.within]


def derived_of(groups: Sequence[QuantityBuilder]) -> Derived:
    """The quantities of all groups, with a first dim of groups where there are any."""
    workspace = groups[0].workspace
    has_groups, writer = bool(workspace.design.groups), workspace.writer
    quantities: list[Quantity] = []
    output: list[Addresses] = []
    names = sorted(groups[0].named, key=lambda name: IN_ORDER.index(name) if name in IN_ORDER else len(IN_ORDER))
    for name in names:
        dims, addresses = groups[0].named[name]
        if has_groups:
            each = [group.named[name][1] for group in groups]
            longest, unknown = max(map(len, each)), writer.constant(np.nan)
            dims, addresses = ("group", *dims), np.stack([_padded(one, longest, unknown) for one in each])
        quantities.append(Quantity(name, dims, addresses.shape, sum(map(len, output))))
        output.append(addresses.ravel())
    return Derived(tuple(quantities), writer.program(np.concatenate(output)))


def _padded(addresses: Addresses, length: int, unknown: Addresses) -> Addresses:
    """The quantities of a group with fewer waves, followed by numbers that do not exist."""
    missing = length - len(addresses)
    return np.concatenate([addresses, np.broadcast_to(unknown, (missing, *addresses.shape[1:]))])
