"""Groups and studies: whose lagged effects are theirs alone, everybody's, or drawn from a common distribution."""

from collections.abc import Iterator

import numpy as np

from ...basics.distributions import LogNormal, Normal, Prior
from ...basics.names import in_words, number, quoted
from ...panel import Panel
from ...spec.cross_lagged import CrossLagged
from ...spec.latent_options import latent_options
from ..parameters import Addresses
from ..prior_scale import PriorBuilder
from .part import Part

__all__ = ["Groups", "effects_of_groups"]


class Groups(Part):
    """How groups differ; which parameters they share is said by every part."""

    def problems(self, spec: CrossLagged, panel: Panel) -> Iterator[str]:
        """Groups that the model has no option for, or an option without groups."""
        yield from _unusable_studies(spec, panel)
        groups = panel.background.group_labels
        if groups and spec.is_latent:
            yield (
                f"The panel has groups ({quoted(groups)}), and a model with {in_words(latent_options(spec))} describes "
                "one population. Make the panel without group=, or fit each group's, panel.of_group(...)."
            )
        elif groups and spec.group_lags is None:
            yield (
                f"The panel has groups ({quoted(groups)}), and this model does not say what differs "
                "between them. Choose group_lags='free', 'equal' or 'pooled', or make the panel without group=."
            )
        elif spec.group_lags is not None and not groups:
            yield f"group_lags='{spec.group_lags}' needs groups; make the panel with group=, or leave the option out."


def effects_of_groups(
    priors: PriorBuilder, name: str, prior: Prior, dims: tuple[str, ...], bounds: tuple[float, float] | None
) -> list[Addresses]:
    """Effects of each group: its own, everybody's, or drawn from a normal distribution of groups.

    Pooled, group g has ``mean + spread * z_g`` (of the logarithm where the prior is log-normal).
    """
    group_lags = priors.spec.group_lags if priors.design.groups else None
    if group_lags != "pooled":
        return list(priors.add(name, prior, *dims, group=group_lags == "free", bounds=bounds))
    writer, positive = priors.writer, isinstance(prior, LogNormal)
    centre = Normal(prior.log_mean, prior.log_sd) if isinstance(prior, LogNormal) else prior
    mean = priors.add(f"{name}_mean", centre, *dims, bounds=bounds)[0]
    spread = priors.add(f"{name}_spread", priors.spec.priors.group_spread, *dims)[0]
    deviations = priors.add(f"{name}_of_group", Normal(0.0, 1.0), *dims, group=True)
    effects = [writer.add(mean, writer.multiply(spread, deviation)) for deviation in deviations]
    return [writer.exponential(effect) for effect in effects] if positive else effects


def _unusable_studies(spec: CrossLagged, panel: Panel) -> Iterator[str]:
    """What several studies with waves of their own do not allow."""
    times = panel.background.group_times
    if not times:
        return
    lengths = {round(float(length), 9) for each in times.values() for length in np.diff(each)}
    if spec.lags is None and len(lengths) > 1:
        yield (
            f"The studies have intervals of {', '.join(map(number, sorted(lengths)))}, so one lagged effect "
            "has no single meaning. Choose lags='continuous' or 'grid', or give lags='equal' to accept this."
        )
    if spec.lags_by_interval or spec.free_loadings or spec.growth:
        yield "Studies with waves of their own need lags='equal', 'grid' or 'continuous', fixed loadings and no growth."
    for name, each in times.items():
        if len(each) < spec.fewest_waves:
            yield f"The study '{name}' has {len(each)} waves; a {spec.title} needs {spec.fewest_waves}."
