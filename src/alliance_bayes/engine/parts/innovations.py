"""Innovations of the within-person parts: free, equal, from a diffusion, or such that the covariance stays the same."""

from itertools import pairwise

import numpy as np

from ..dynamics import Dynamics
from ..keys import DIFFUSION, INNOVATION
from ..parameters import Addresses, TableBuilder
from ..prior_scale import PriorBuilder
from ..quantities import QuantityBuilder
from ..systems import Step, SystemBuilder
from .part import Part
from .state import RESTART_VARIANCE

__all__ = ["Innovations"]


class Innovations(Part):
    """Innovation covariances, of all intervals or of each, or a diffusion; without any where they are stationary."""

    def parameters(self, table: TableBuilder, group: int) -> None:
        """Covariances by interval, of all or of none."""
        spec, owner = table.spec, table.owner("residuals", group)
        if spec.is_stationary:
            return
        if table.lags == "continuous":
            table.covariance(DIFFUSION, group, owner, start=0.5 / min(table.design.intervals))
        elif spec.residuals == "equal":
            table.covariance(INNOVATION, group, owner, start=0.5)
        else:
            for occasion, times in enumerate(pairwise(table.design.times_of(group))):
                table.covariance(INNOVATION, group, owner, start=0.5, occasion=occasion, times=times)

    def priors(self, priors: PriorBuilder) -> None:
        """SDs and correlations; stationary ones exist only where they are positive definite."""
        if priors.spec.is_stationary:
            priors.later(lambda: _require_positive_definite(priors))
            return
        stated, group, writer = priors.spec.priors, priors.per_group("residuals"), priors.writer
        continuous = priors.lags == "continuous"
        key = DIFFUSION if continuous else INNOVATION
        by_occasion = priors.by_occasion(
            "relative_innovation_sd", stated.innovation_sd, key, "interval", "measure", group
        )
        units = priors.by_occasion(
            "innovation_partial_unit", stated.innovation_correlation, key, "interval", "pair", group, priors.size
        )
        per_shortest = writer.constant(1 / float(np.sqrt(min(priors.design.intervals))))
        for (g, occasion), relative in by_occasion.items():
            sds = priors.in_first_sds(relative)
            if continuous:
                sds = writer.multiply(sds, per_shortest)
            priors.let(priors.table.at(key, g, occasion), writer.covariance(sds, units[g, occasion]))

    def system(self, system: SystemBuilder) -> None:
        """Their covariances at the end of every step, of what exists there."""
        for step in system.steps:
            covariance = _with_restarts(system, step)[np.ix_(step.exists, step.exists)]
            system.covariance([step.after[measure] for measure in step.exists], covariance)

    def quantities(self, quantities: QuantityBuilder) -> None:
        """SDs and correlations over each interval, and the share of the variance that the wave before predicts."""
        writer, innovations = quantities.writer, [each for _, each in quantities.intervals]
        sds = [quantities.in_raw_units(writer.sds(each)) for each in innovations]
        quantities.add("innovation_sd", ("interval", "measure"), sds)
        correlations = [writer.correlations(each) for each in innovations]
        quantities.add("innovation_correlation", ("interval", "pair"), correlations)
        one = writer.constant(1.0)
        explained = [
            writer.subtract(one, writer.divide(np.diagonal(new), np.diagonal(after)))
            for new, after in zip(innovations, quantities.within[1:], strict=True)
        ]
        quantities.add("within_r_squared", ("interval", "measure"), explained)


def _with_restarts(system: SystemBuilder, step: Step) -> Addresses:
    """Innovation covariance with the variances of what restarts, and the same correlations."""
    innovation, writer = step.interval.innovation, system.writer
    if not step.restarts:
        return innovation
    variances, ratios = system.at(RESTART_VARIANCE), np.full(len(system.names), writer.constant(1.0))
    for row in step.restarts:
        ratios[row] = writer.square_root(writer.divide(variances[row], innovation[row, row]))
    return writer.multiply(writer.multiply(innovation, ratios[:, None]), ratios[None, :])


def _require_positive_definite(priors: PriorBuilder) -> None:
    """Innovations ``P - Phi P Phi'`` exist only where they are positive definite."""
    dynamics, known = Dynamics(priors, priors.design.cells), set[bytes]()
    for cell in priors.design.cells:
        for interval in dynamics.intervals(cell):
            address = interval.innovation.tobytes()
            if address not in known:
                priors.writer.require_positive_definite(interval.innovation)
                known.add(address)
