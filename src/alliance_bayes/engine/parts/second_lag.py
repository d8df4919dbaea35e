"""Lagged effects over two waves."""

from ...spec.cross_lagged import CrossLagged
from ..keys import SECOND_LAG
from ..parameters import TableBuilder
from ..prior_scale import PriorBuilder
from ..systems import SystemBuilder
from .lagged_effects import add_effects, free_effects
from .part import Part

__all__ = ["SecondLag"]


class SecondLag(Part):
    """Effects that act past the wave between, the same at all waves."""

    def belongs_to(self, spec: CrossLagged) -> bool:
        """Where paths have a lag of 2."""
        return bool(spec.lag_2)

    def parameters(self, table: TableBuilder, group: int) -> None:
        """One for each path."""
        table.effects(SECOND_LAG, table.spec.lag_2, group, table.owner("lags", group), ending=", lag 2")

    def priors(self, priors: PriorBuilder) -> None:
        """With the prior of cross-lagged effects."""
        effects = free_effects(priors, SECOND_LAG, priors.spec.lag_2, "lag_2_path")
        add_effects(priors, "lag_2", priors.spec.priors.cross_lagged, *effects)

    def system(self, system: SystemBuilder) -> None:
        """Effects of what existed two waves before on what exists and does not restart."""
        effects = system.at(SECOND_LAG).tolist()
        for step in system.steps[1:]:
            before = step.wave - 2
            for row in (row for row in step.exists if row not in step.restarts):
                for column in system.exists(before):
                    system.path(step.after[row], system.within[before][column], effects[row][column])
