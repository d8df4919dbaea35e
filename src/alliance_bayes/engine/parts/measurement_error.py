"""Measurement error of values: of a variance that is estimated, or known from a reliability."""

from collections.abc import Sequence

from ...spec.cross_lagged import CrossLagged
from ..keys import Key
from ..parameters import Addresses, TableBuilder
from ..prior_scale import PriorBuilder
from ..quantities import QuantityBuilder
from ..systems import SystemBuilder
from .part import Part

__all__ = ["MeasurementError"]

ERROR = Key("error", "error variance")


class MeasurementError(Part):
    """Independent errors of the same variance at every wave."""

    def belongs_to(self, spec: CrossLagged) -> bool:
        """In a STARTS model, and where the reliability of a measure is known."""
        return spec.error or bool(spec.reliability)

    def parameters(self, table: TableBuilder, group: int) -> None:
        """A variance for each measure, where none is known."""
        if table.spec.error:
            table.vector(ERROR, group, table.owner("residuals", group), is_variance=True, start=0.2)

    def share(self, priors: PriorBuilder, sds: Sequence[Addresses]) -> Sequence[Addresses]:
        """A share of what is not stable."""
        if not priors.spec.error:
            return sds
        writer, one = priors.writer, priors.writer.constant(1.0)
        shares = priors.add(
            "error_share", priors.spec.priors.error_share, "measure", group=priors.per_group("variances")
        )
        remaining = []
        for group, (sd, share) in enumerate(zip(sds, shares, strict=True)):
            error = writer.multiply(sd, writer.square_root(share))
            priors.let(priors.table.at(ERROR, group), writer.multiply(error, error))
            remaining.append(writer.multiply(sd, writer.square_root(writer.subtract(one, share))))
        return remaining

    def system(self, system: SystemBuilder) -> None:
        """Variances of values about what the model says of them."""
        spec, writer = system.spec, system.writer
        variances = system.at(ERROR).tolist() if spec.error else []
        for wave, values in enumerate(system.values):
            for measure in system.exists(wave):
                name = system.names[measure]
                if spec.error:
                    system.variance(values[measure], variances[measure])
                elif name in spec.reliability:
                    system.variance(values[measure], int(writer.constant(1 - spec.reliability[name])))

    def quantities(self, quantities: QuantityBuilder) -> None:
        """SDs of the errors that are estimated."""
        if quantities.spec.error:
            sds = quantities.writer.square_root(quantities.at(ERROR))
            quantities.add("error_sd", ("measure",), quantities.in_raw_units(sds))
