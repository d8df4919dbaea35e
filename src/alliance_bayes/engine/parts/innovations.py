"""Innovations of the within-person parts: free, equal, from a diffusion, or such that the covariance stays the same."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from ..dynamics import Dynamics
from ..keys import DIFFUSION, DRIFT, INNOVATION, Key
from ..parameters import Addresses, TableBuilder
from ..prior_scale import PriorBuilder
from ..program import NOTHING
from ..quantities import QuantityBuilder
from ..steady_innovations import SteadyInnovations, require_stable
from ..systems import Step, SystemBuilder
from .part import Part
from .state import RESTART_VARIANCE

__all__ = ["Innovations"]
type ByOccasion = Mapping[tuple[int, int | None], Addresses]


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
        stated, group = priors.spec.priors, priors.per_group("residuals")
        key = DIFFUSION if priors.lags == "continuous" else INNOVATION
        ratios = priors.by_occasion("innovation_ratio", stated.innovation_ratio, key, "interval", "measure", group)
        units = priors.by_occasion(
            "innovation_partial_unit", stated.innovation_correlation, key, "interval", "pair", group, priors.size
        )
        priors.later(lambda: _let_covariances(priors, key, ratios, units))
        if key == DIFFUSION:
            priors.later(lambda: _require_stable(priors))

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


def _let_covariances(priors: PriorBuilder, key: Key, ratios: ByOccasion, units: ByOccasion) -> None:
    """Their SDs are ratios times those that keep the variances, on average over all who share a covariance."""
    steady, writer, table = SteadyInnovations(priors), priors.writer, priors.table
    shared: dict[bytes, list[tuple[int, int | None]]] = {}
    for array in ratios:
        shared.setdefault(table.at(key, *array).tobytes(), []).append(array)
    for arrays in shared.values():
        sds = writer.multiply(ratios[arrays[0]], writer.square_root(steady.average(arrays)))
        priors.let(table.at(key, *arrays[0]), writer.covariance(sds, units[arrays[0]]))


def _require_stable(priors: PriorBuilder) -> None:
    """A drift has a density only where its process does not explode."""
    drifts = {drift.tobytes(): drift for drift in (priors.at(DRIFT, group) for group in priors.groups)}
    for drift in drifts.values():
        if (np.diagonal(drift) != NOTHING).all():
            require_stable(priors, drift)


def _require_positive_definite(priors: PriorBuilder) -> None:
    """Innovations ``P - Phi P Phi'`` exist only where they are positive definite."""
    dynamics, known = Dynamics(priors, priors.design.cells), set[bytes]()
    for cell in priors.design.cells:
        for interval in dynamics.intervals(cell):
            address = interval.innovation.tobytes()
            if address not in known:
                priors.writer.require_positive_definite(interval.innovation)
                known.add(address)
