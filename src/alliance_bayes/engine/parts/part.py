"""What a part of a model can say about it."""

from collections.abc import Iterator, Sequence

from ...panel import Panel
from ...spec.cross_lagged import CrossLagged
from ..parameters import Addresses, TableBuilder
from ..prior_scale import PriorBuilder
from ..quantities import QuantityBuilder
from ..systems import SystemBuilder

__all__ = ["Part"]


class Part:
    """One part of a model; every method adds to a builder, and none has to be there."""

    def belongs_to(self, spec: CrossLagged) -> bool:
        """Whether a model has it."""
        return True

    def parameters(self, table: TableBuilder, group: int) -> None:
        """Add the parameters of one group."""

    def share(self, priors: PriorBuilder, sds: Sequence[Addresses]) -> Sequence[Addresses]:
        """Take a share of the variance at the first wave: SDs of what remained before, by group, to those after."""
        return sds

    def priors(self, priors: PriorBuilder) -> None:
        """Add random variables, and what its parameters are in them."""

    def system(self, system: SystemBuilder) -> None:
        """Add variables, paths, covariances and intercepts of one cell of people."""

    def quantities(self, quantities: QuantityBuilder) -> None:
        """Add the derived quantities of one group."""

    def problems(self, spec: CrossLagged, panel: Panel) -> Iterator[str]:
        """Why the model cannot be fitted to a panel, as far as this part goes; asked of every model."""
        yield from ()
