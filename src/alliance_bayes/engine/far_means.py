"""Means of the data that the prior of means hardly allows."""

from collections.abc import Iterator

import numpy as np

from ..basics.names import number
from ..panel import Panel
from ..spec.cross_lagged import CrossLagged
from ..spec.priors import WIDEST

__all__ = ["far_means"]

FAR = 5.0
"""Prior SDs from the prior's mean."""


def far_means(spec: CrossLagged, panel: Panel) -> Iterator[str]:
    """A sentence for each normal measure with a mean that the prior hardly allows, so that it bends means and SDs."""
    if spec.growth:
        return
    prior, means, (centres, scales) = spec.priors.mean, panel.wave_means(), panel.pooled_scale()
    for name in spec.measures:
        if name in spec.random_families or name in spec.indicators:
            continue
        place = panel.measures.index(name)
        relative = (means[:, place] - centres[place]) / scales[place]
        distances = np.abs(relative - prior.mean) / prior.sd
        if not np.nanmax(distances) > FAR:
            continue
        wave = int(np.nanargmax(distances))
        away = abs(relative[wave])
        wider = min(2 * away, WIDEST["mean"])
        yield (
            f"The mean of '{name}' at time {number(panel.times[wave])} is {away:.0f} SDs of its values "
            f"away from the mean of all, which the prior of means, {prior}, hardly allows: means and SDs are bent, and "
            "chains may end in different places. Subtract the mean of its wave from each value, which changes no "
            f"lagged effect, or state a wider prior, priors=Priors(mean=Normal(0, {wider:.2g}))."
        )
