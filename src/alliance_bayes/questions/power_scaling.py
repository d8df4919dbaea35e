"""How an answer on direction changes with a little more or less weight on the priors, and on the data."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from ..basics.names import in_words
from ..posterior.fit import Fit
from .answer import Answer
from .directionality import paths_of
from .dynamics import CROSS_EFFECTS

__all__ = ["power_scaling_in_words", "power_scaling_of", "power_scaling_sensitivity"]

SENSITIVE = 0.05


def power_scaling_sensitivity(
    quantities: Mapping[str, xr.DataArray], log_part: xr.DataArray, kind: Literal["prior", "likelihood"]
) -> dict[str, float]:
    """How far the distribution of each quantity moves per doubling of the power of a part of the posterior.

    `log_part` is the log density of the part at the same draws.
    """
    import arviz_stats

    tree = xr.DataTree.from_dict({"/posterior": xr.Dataset(quantities), f"/log_{kind}": xr.Dataset({"part": log_part})})
    sensitivities = arviz_stats.psense(tree, group=kind)
    return {name: float(sensitivities[name]) for name in quantities}


def power_scaling_of(fitted: Fit, answer: Answer) -> pd.DataFrame:
    """Sensitivities of both effects and of their difference in size, to priors and likelihood."""
    from ..pymc_models.densities import log_density_of

    target = log_density_of(fitted.model)
    quantities: dict[str, xr.DataArray] = {}
    paths = paths_of(answer)
    for length in answer.draws["length"].to_numpy():
        forward, backward = (answer.draws["effect"].sel(length=length, path=path, drop=True) for path in paths)
        suffix = f", over {length}" if answer.draws.sizes["length"] > 1 else ""
        quantities |= {f"{paths[0]}{suffix}": forward, f"{paths[1]}{suffix}": backward}
        quantities[f"difference in size{suffix}"] = abs(forward) - abs(backward)
    priors, likelihood = target.parts(target.points(fitted.posterior))
    like = next(iter(quantities.values()))

    def part(*parts: np.ndarray) -> xr.DataArray:
        return like.copy(data=np.sum(parts, axis=0).reshape(like.shape))

    scaling = {
        "cross_lagged_prior": power_scaling_sensitivity(
            quantities, part(*(priors[x] for x in CROSS_EFFECTS if x in priors)), "prior"
        ),
        "prior": power_scaling_sensitivity(quantities, part(*priors.values()), "prior"),
        "likelihood": power_scaling_sensitivity(quantities, part(likelihood), "likelihood"),
    }
    return pd.DataFrame(scaling).rename_axis("quantity")


def power_scaling_in_words(power_scaling: pd.DataFrame) -> list[str]:
    """Which quantities the priors change noticeably, and which the data hardly change; nothing without a table."""
    if power_scaling.empty:
        return []
    sensitive = power_scaling >= SENSITIVE
    prior = [str(name) for name in sensitive.index if sensitive.loc[name].drop("likelihood").any()]
    weak = [str(name) for name in sensitive.index if not sensitive.loc[name, "likelihood"]]
    changing = (
        f"{in_words(prior)} change{'s' * (len(prior) == 1)} noticeably" if prior else "no quantity changes noticeably"
    )
    rests = ": the answer rests on the priors too, so justify them" if prior else ", as it should be"
    said = f"Power-scaling of the original model: with a little more or less weight on the priors, {changing}{rests}."
    if weak:
        hardly = f"{in_words(weak)} hardly change{'s' * (len(weak) == 1)}"
        which = "it" if len(weak) == 1 else "them"
        said += f" With more or less weight on the data, {hardly}: the data say little about {which}."
    return [said]
