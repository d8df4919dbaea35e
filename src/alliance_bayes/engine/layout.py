"""A model laid out once for a panel: its parameters, and what each part makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ..spec.cross_lagged import CrossLagged
from .design import Cell, Design
from .dynamics import Dynamics
from .linear_system import PanelSystem
from .parameters import ParameterTable, TableBuilder, Workspace
from .parts import PARTS, Part
from .prior_scale import PriorBuilder, PriorScale
from .program import Writer
from .quantities import Derived, QuantityBuilder, derived_of
from .systems import SystemBuilder

__all__ = ["Layout", "lay_out"]


@dataclass(frozen=True, eq=False)
class Layout:
    """A model on a design, made by `lay_out`; everything but the table of parameters is made when first asked for."""

    table: ParameterTable
    parts: tuple[Part, ...]

    @property
    def spec(self) -> CrossLagged:
        """The model."""
        return self.table.spec

    @property
    def design(self) -> Design:
        """What it knows of the panel."""
        return self.table.design

    @cached_property
    def system(self) -> PanelSystem:
        """The linear system of every cell."""
        return self.system_of(self.design.cells)

    def system_of(self, cells: Sequence[Cell]) -> PanelSystem:
        """The linear systems of some cells, whose people need not be in the panel."""
        workspace = Workspace(self.table, Writer(len(self.table)))
        dynamics = Dynamics(workspace, cells)
        builders = [SystemBuilder(workspace, dynamics, cell) for cell in cells]
        for builder in builders:
            for part in self.parts:
                part.system(builder)
        structure = workspace.writer.program()
        systems = tuple(builder.system() for builder in builders)
        return PanelSystem(self.table.parameters, structure, systems, len(self.design.covariates))

    @cached_property
    def scale(self) -> PriorScale:
        """The random variables, and the parameters in them."""
        priors = PriorBuilder(self.table, [part.share for part in self.parts])
        for part in self.parts:
            part.priors(priors)
        return priors.scale()

    @cached_property
    def derived(self) -> Derived:
        """The derived quantities."""
        workspace = Workspace(self.table, Writer(len(self.table) + 2 * len(self.spec.measures)))
        dynamics = Dynamics(workspace)
        groups = [QuantityBuilder(workspace, dynamics, group) for group in range(self.design.n_groups)]
        for builder in groups:
            for part in self.parts:
                part.quantities(builder)
        return derived_of(groups)


def lay_out(spec: CrossLagged, design: Design, parts: Sequence[Part] = PARTS) -> Layout:
    """Lay out a model."""
    chosen = tuple(part for part in parts if part.belongs_to(spec))
    table = TableBuilder(spec, design)
    for part in chosen:
        for group in range(design.n_groups):
            part.parameters(table, group)
    return Layout(table.table(), chosen)
