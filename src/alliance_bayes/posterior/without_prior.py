"""Lagged effects without any prior, by maximum likelihood, and with a wide prior of the lags, by reweighted draws."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
import xarray as xr

from ..basics.distributions import Normal
from ..engine.model_on_panel import PanelModel
from ..engine.prior_scale import Block
from ..likelihood.estimates import WIDTH
from ..likelihood.maximum_likelihood import MaximumLikelihood
from ..pymc_models.prior_table import coordinates_of
from .importance import LARGEST_K_HAT, smoothed

__all__ = [
    "HEADS",
    "IN_WORDS",
    "MAXIMUM",
    "WIDE",
    "WIDE_AVERAGES",
    "AtMaximum",
    "Reweighted",
    "WithoutPrior",
    "with_error",
    "with_wide_prior",
    "without_prior",
]

type FloatArray = npt.NDArray[np.float64]

WIDE = 1.0
"""Prior SD of lags, in SD per SD, under which hardly any effect is shrunk."""
FEWEST = 100  # draws that a Pareto shape is estimated from
CROSS_EFFECTS = ("cross_lagged", "cross_drift")
MAXIMUM, WIDE_PRIOR, WIDE_AVERAGES = "maximum likelihood", f"prior SD {WIDE:g}", f"prior SD {WIDE:g} of averages"
HEADS = {
    MAXIMUM: "without any prior, ML (SE)",
    WIDE_PRIOR: f"with {WIDE_PRIOR} (SD)",
    WIDE_AVERAGES: f"with {WIDE_AVERAGES} (SD)",
}
"""How a printed column of such estimates is headed."""
IN_WORDS = {
    MAXIMUM: "without any prior (maximum likelihood)",
    WIDE_PRIOR: f"with a prior SD of {WIDE:g} for lags between measures",
    WIDE_AVERAGES: f"with a prior SD of {WIDE:g} for averages of lags between measures",
}


@dataclass(frozen=True, eq=False)
class WithoutPrior(ABC):
    """Values of the parameters at which effects are worked out as at draws, and what these come to.

    Attributes
    ----------
    draws
        Derived quantities, named as in the posterior, with dims ``(chain, draw, ...)``.
    """

    draws: xr.Dataset

    @property
    @abstractmethod
    def by(self) -> str:
        """How the effects are estimated."""

    @abstractmethod
    def estimate(self, effect: xr.DataArray) -> tuple[float, float]:
        """An effect worked out from `draws`, dims ``(chain, draw)``: its estimate, and the standard error or SD."""

    def of_group(self, group: str) -> Self:
        """Those of one group."""
        return replace(self, draws=self.draws.sel(group=group, drop=True) if "group" in self.draws.dims else self.draws)


@dataclass(frozen=True, eq=False)
class AtMaximum(WithoutPrior):
    """The maximum of the likelihood of each panel, one chain each, then steps up and down in each parameter.

    `steps` and `covariances` of the parameters have shapes ``(panel, parameter)`` and
    ``(panel, parameter, parameter)``. Errors are those of the delta method, over imputed panels by Rubin's rules.
    """

    steps: FloatArray
    covariances: FloatArray

    @property
    def by(self) -> str:
        """As of `WithoutPrior`."""
        return MAXIMUM

    def estimate(self, effect: xr.DataArray) -> tuple[float, float]:
        """As of `WithoutPrior`."""
        values, (n_panels, size) = effect.transpose("chain", "draw").to_numpy(), self.steps.shape
        best, above, below = values[:, 0], values[:, 1 : size + 1], values[:, size + 1 :]
        slopes = (above - below) / (2 * self.steps)
        variances = np.einsum("pi,pij,pj->p", slopes, self.covariances, slopes)
        between = (1 + 1 / n_panels) * best.var(ddof=1) if n_panels > 1 else 0.0
        return float(best.mean()), float(np.sqrt(variances.mean() + between))


@dataclass(frozen=True, eq=False)
class Reweighted(WithoutPrior):
    """Posterior draws, weighted by the ratio of a wide prior of the lags to their own; weights ``(chain, draw)``.

    With free lags, and of groups that are partially pooled, `of_averages`: the wide prior is that of averages over
    intervals or groups; the prior of how single ones differ from these stays.
    """

    weights: xr.DataArray
    k_hat: float
    of_averages: bool = False

    @property
    def by(self) -> str:
        """As of `WithoutPrior`."""
        return WIDE_AVERAGES if self.of_averages else WIDE_PRIOR

    def estimate(self, effect: xr.DataArray) -> tuple[float, float]:
        """As of `WithoutPrior`, of the draws with a value."""
        weighted = effect.weighted(self.weights)
        return float(weighted.mean(("chain", "draw"))), float(weighted.std(("chain", "draw")))


def with_error(estimate: float, error: float) -> str:
    """An estimate and its standard error or SD, as printed."""
    return f"{estimate:.2f} ({error:.2f})"


def without_prior(
    model: PanelModel, posterior: xr.Dataset, maxima: Sequence[MaximumLikelihood], *, n_panels: int
) -> WithoutPrior | None:
    """All lagged effects of a model without any prior, or with a wide one of the lags; None where neither is sound.

    Maximum likelihood, which has no prior of anything, where it converged inside the boundaries of variances and
    correlations with a positive definite information; otherwise as `with_wide_prior`.
    """
    if len(maxima) == n_panels and all(map(_is_proper, maxima)):
        return _at_maximum(maxima)
    return with_wide_prior(model, posterior)


def with_wide_prior(model: PanelModel, posterior: xr.Dataset) -> Reweighted | None:
    """The draws, weighted so that the prior SD of lags between measures is 1; the priors of all else stay.

    None where the Pareto shape k-hat of the weights is 0.7 or more. With free lags the prior SD is that of averages.
    """
    reweighted = _reweighted(model, posterior)
    return reweighted if reweighted is not None and reweighted.k_hat < LARGEST_K_HAT else None


def _is_proper(maximum: MaximumLikelihood) -> bool:
    return maximum.converged and not maximum.estimates.messages


def _at_maximum(maxima: Sequence[MaximumLikelihood]) -> AtMaximum:
    steps = [WIDTH * np.maximum(1.0, np.abs(maximum.theta)) for maximum in maxima]
    draws = [
        _derived(maximum.model, maximum.theta + np.vstack([np.zeros_like(step), np.diag(step), -np.diag(step)]))
        for maximum, step in zip(maxima, steps, strict=True)
    ]
    together = xr.concat(draws, "chain", join="exact").assign_coords(chain=np.arange(len(draws)))
    return AtMaximum(together, np.array(steps), np.array([maximum.estimates.covariance for maximum in maxima]))


def _derived(model: PanelModel, thetas: FloatArray) -> xr.Dataset:
    """Derived quantities by name at parameters of shape ``(draw, parameter)``, as of one chain."""
    values, labels = model.derive(thetas), coordinates_of(model)
    variables = {
        each.name: (("chain", "draw", *each.dims), values[:, each.where].reshape(1, len(thetas), *each.shape))
        for each in model.derived.quantities
    }
    dims = {dim for each in model.derived.quantities for dim in each.dims}
    return xr.Dataset(variables, {"draw": np.arange(len(thetas)), **{dim: labels[dim] for dim in dims}})


def _reweighted(model: PanelModel, posterior: xr.Dataset) -> Reweighted | None:
    """None where no prior of lags between measures is normal, or draws are few or have no value."""
    blocks = [each for each in model.scale.blocks if each.name.removesuffix("_mean") in CROSS_EFFECTS]
    if not blocks or any(not isinstance(each.prior, Normal) or each.name not in posterior for each in blocks):
        return None
    log_ratios = sum(_log_ratio(each, posterior[each.name]) for each in blocks)
    assert isinstance(log_ratios, xr.DataArray)
    if log_ratios.size < FEWEST or not bool(np.isfinite(log_ratios).all()):
        return None
    of_chains = posterior.coords.get("imputation", xr.zeros_like(posterior["chain"]))
    weights, k_hats = xr.zeros_like(log_ratios), []
    for panel in np.unique(of_chains):
        chains = of_chains.to_numpy() == panel
        flat = log_ratios[chains].to_numpy().ravel()
        part = smoothed(np.empty((len(flat), 0)), flat)
        weights[chains] = part.weights.reshape(-1, log_ratios.sizes["draw"])
        k_hats.append(part.k_hat)
    averages = {"cross_lagged_interval_spread", *(f"{name}_mean" for name in CROSS_EFFECTS)}
    return Reweighted(posterior, weights, max(k_hats), any(each.name in averages for each in model.scale.blocks))


def _log_ratio(block: Block, effects: xr.DataArray) -> xr.DataArray:
    """Log of the wide over the fit's own prior density of all effects of a block, up to a constant."""
    assert isinstance(block.prior, Normal)
    mean, sd = block.prior.mean, block.prior.sd
    squares = ((effects - mean) ** 2).sum([dim for dim in effects.dims if dim not in ("chain", "draw")])
    return (0.5 * (sd**-2 - max(WIDE, sd) ** -2) * squares).transpose("chain", "draw")
