"""Means of the data that the prior of means hardly allows."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from ..basics.distributions import Normal
from ..basics.names import number
from ..panel import Panel
from ..spec.cross_lagged import CrossLagged
from ..spec.priors import WIDEST

__all__ = ["far_means"]

FAR = 5.0
"""Prior SDs from the prior's mean."""


def far_means(spec: CrossLagged, panel: Panel, groups: Sequence[str]) -> Iterator[str]:
    """A sentence for each normal measure with a mean, of all or of a group, that the prior hardly allows."""
    if spec.growth:
        return
    prior, (centres, scales) = spec.priors.mean, panel.pooled_scale()
    of_groups = () if "means" in spec.equal_across_groups else groups
    labels, means = zip(*_means(spec, panel, of_groups), strict=True)
    for name in spec.measures:
        if name in spec.random_families or name in spec.indicators:
            continue
        place = panel.measures.index(name)
        away = np.abs((np.array(means)[:, place] - centres[place]) / scales[place] - prior.mean)
        farthest = int(np.nanargmax(away))
        if not away[farthest] > FAR * prior.sd:
            continue
        yield (
            f"The mean of '{name}'{labels[farthest]} is {_rounded(away[farthest] / prior.sd)} SDs of the prior of "
            f"means, {prior}, away from the mean of that prior ({_rounded(away[farthest])} SDs of the values): "
            "estimates of means and SDs are pulled towards the prior, and chains may end in different places. "
            f"{_cure(spec, bool(of_groups), float(away[farthest]))}"
        )


def _means(spec: CrossLagged, panel: Panel, groups: Sequence[str]) -> Iterator[tuple[str, npt.NDArray[np.float64]]]:
    """Where each mean of the model belongs, and what it is in the data, shape ``(measure,)``."""
    parts = {f" in group '{group}'": panel.of_group(group) for group in groups} or {"": panel}
    for of_group, part in parts.items():
        if spec.means == "equal":
            with np.errstate(invalid="ignore"):  # a group may have no values of a measure
                overall, _ = part.pooled_scale()
            yield of_group, overall
            continue
        for time, means in zip(part.times, part.wave_means(), strict=True):
            yield f" at time {number(time)}{of_group}", means


def _cure(spec: CrossLagged, of_groups: bool, away: float) -> str:
    prior = spec.priors.mean
    if abs(prior.mean) > FAR * prior.sd:
        cure, prior_too = "Means are counted from the mean of all values: state a prior about 0", "or a wider one"
    else:
        of_wave = " of its wave" * (spec.means == "free")
        of_group = (" in its group" if of_wave else " of its group") * of_groups
        cure = f"Subtract the mean{of_wave}{of_group} from each value, which changes no lagged effect"
        prior_too = "or state a wider prior"
    if 2 * away > WIDEST["mean"]:
        return f"{cure}."
    wider = Normal(prior.mean, float(f"{2 * away:.2g}"))
    return f"{cure}, {prior_too}, priors=Priors(mean={wider})."


def _rounded(value: float) -> str:
    return number(float(f"{value:.2g}"))
