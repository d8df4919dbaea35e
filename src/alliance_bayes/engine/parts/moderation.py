"""Lagged effects that a covariate of persons changes."""

from collections.abc import Iterator

import numpy as np

from ...basics.names import choices
from ...panel import Panel
from ...spec.cross_lagged import CrossLagged
from ..keys import MODERATION
from ..parameters import TableBuilder, ends_of
from ..prior_scale import PriorBuilder
from .covariates import unusable_values
from .lagged_effects import add_effects
from .part import Part

__all__ = ["Moderation"]


class Moderation(Part):
    """Changes of lagged effects, or of a drift, per SD of a covariate; `dynamics` applies them."""

    def belongs_to(self, spec: CrossLagged) -> bool:
        """Where lagged paths are moderated."""
        return bool(spec.moderated)

    def parameters(self, table: TableBuilder, group: int) -> None:
        """One for each moderated path."""
        owner = table.owner("lags", group)
        for place, (path, name) in enumerate(table.spec.moderated.items()):
            ends, position = table.effect(MODERATION, path, owner, ending=f" by {name}", per=(name,))
            matrix = table.no_effects()
            matrix[ends] = position
            table.put(MODERATION, group, place, matrix)

    def priors(self, priors: PriorBuilder) -> None:
        """In the same units as the effects that are moderated."""
        moderated, shortest = priors.spec.moderated, min(priors.design.intervals)
        dim = priors.dim("moderated_path", [f"{path} by {name}" for path, name in moderated.items()])
        ends = [ends_of(path, priors.spec.measures) for path in moderated]
        positions = [
            np.array([priors.table.at(MODERATION, group, place)[end] for place, end in enumerate(ends)])
            for group in range(priors.design.n_groups)
        ]
        factor = 1 / shortest if priors.lags == "continuous" else 1.0
        add_effects(priors, "moderation", priors.spec.priors.moderation, positions, (dim,), factor=factor)

    def problems(self, spec: CrossLagged, panel: Panel) -> Iterator[str]:
        """Moderators that are no complete covariates of persons."""
        for name in dict.fromkeys(spec.moderated.values()) if panel.moments is None else ():
            if name not in panel.covariates:
                known = choices(name, list(panel.covariates), "Covariates")
                yield f"The panel has no covariate of persons '{name}'{known}"
            else:
                yield from unusable_values(name, panel.covariates[name], panel)
