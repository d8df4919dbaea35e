"""Within-person parts at the first wave, and the variance that remains for them."""

from collections.abc import Sequence

import numpy as np

from ..keys import FIRST
from ..parameters import Addresses, TableBuilder
from ..prior_scale import PriorBuilder
from ..quantities import QuantityBuilder
from ..systems import SystemBuilder
from .part import Part

__all__ = ["FirstWave"]


class FirstWave(Part):
    """The variance at the first wave, of which other parts take their share; the rest is within people."""

    def parameters(self, table: TableBuilder, group: int) -> None:
        """Covariance of the within-person parts; with accumulating factors, of the scores themselves."""
        accumulating, times = table.spec.accumulating, table.design.times_of(group)[:1]
        word, start = ("first", 1.0) if accumulating else ("within", 0.6)
        table.covariance(FIRST, group, table.owner("variances", group), word=word, start=start, times=times)

    def priors(self, priors: PriorBuilder) -> None:
        """Total SDs, then what each part takes of them, then the correlations of the remainder."""
        group, prior = priors.per_group("variances"), priors.spec.priors.within_correlation
        sds: Sequence[Addresses] = list(_total_sds(priors, group))
        for share in priors.shares:
            sds = share(priors, sds)
        priors.within = list(sds)
        if priors.spec.accumulating:
            return
        units = priors.correlation("within_partial_unit", prior, "pair", group=group)
        for g, sd in enumerate(sds):
            priors.let(priors.table.at(FIRST, g), priors.writer.covariance(sd, units[g]))

    def system(self, system: SystemBuilder) -> None:
        """Variances and covariances of what exists at the first wave."""
        exists = system.exists(0)
        covariance = system.at(FIRST)[np.ix_(exists, exists)]
        system.covariance([system.within[0][measure] for measure in exists], covariance)

    def quantities(self, quantities: QuantityBuilder) -> None:
        """Within-person SDs and correlations at every wave."""
        sds = [quantities.in_raw_units(each) for each in quantities.within_sds]
        quantities.add("within_sd", ("time", "measure"), sds)
        correlations = [quantities.writer.correlations(each) for each in quantities.within]
        quantities.add("within_correlation", ("time", "pair"), correlations)


def _total_sds(priors: PriorBuilder, group: bool) -> Addresses:
    """SDs of the measures at the first wave: 1 by definition where there is but a linear predictor."""
    prior, latent = priors.spec.priors.total_sd, priors.is_latent
    if not latent.any():
        return priors.add("relative_total_sd", prior, "measure", group=group)
    sds = np.full((priors.design.n_groups, priors.size), priors.writer.constant(1.0))
    if not latent.all():
        sds[:, ~latent] = priors.add("relative_total_sd", prior, priors.normal_measures(), group=group)
        priors.first_sds = sds[0]
    return sds
