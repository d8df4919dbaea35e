"""Draws of a posterior with all that must be known of them: how they were made, and what of them is missing."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..basics.problems import SpecError
from ..engine.kernels.interpreter import run_many
from ..engine.model_on_panel import PanelModel
from .settings import Settings

__all__ = ["GROUPS", "STOPPED", "Sample", "thinned"]

STOPPED = "Interrupted"
GROUPS = {
    "posterior": "posterior draws",
    "sample_stats": "statistics of the sampler",
    "prior": "prior draws",
    "observed_data": "observed values",
    "log_likelihood": "log-likelihoods of persons",
    "posterior_predictive": "posterior predictive draws",
}


@dataclass(frozen=True, eq=False)
class Sample:
    """Draws, how they were made, and what is missing.

    Attributes
    ----------
    draws
        Some of the groups that `Fit.draws` describes.
    settings
        How they were made.
    incomplete
        Which groups are missing, why, and what to do, one sentence each; empty where nothing failed.
    """

    draws: xr.DataTree
    settings: Settings
    incomplete: tuple[str, ...] = ()

    def group(self, name: str) -> xr.Dataset:
        """One group of the draws, for what cannot be answered without it.

        Raises
        ------
        SpecError
            If it is missing; says why.
        """
        if name not in self.draws.children:
            why = " ".join(self.incomplete) or "It was not drawn, or was left out of a file."
            raise SpecError(f"This needs {GROUPS.get(name, name)}, which this fit does not hold. {why}")
        return self.draws[name].to_dataset()

    @property
    def posterior(self) -> xr.Dataset:
        """The posterior draws."""
        return self.group("posterior")

    @property
    def n_draws(self) -> int:
        """Posterior draws over all chains."""
        return self.posterior.sizes["chain"] * self.posterior.sizes["draw"]

    def thetas(self, model: PanelModel) -> np.ndarray:
        """All posterior draws of the linear system's parameters, shape ``(draw, parameter)``, in the model's unit."""
        scale, posterior = model.scale, self.posterior
        blocks = {
            block.name: posterior[block.name].transpose("chain", "draw", *block.dims).to_numpy()
            for block in scale.blocks
        }
        return np.asarray(run_many(scale.join(blocks).reshape(-1, scale.size), scale.arrays)[0])

    @property
    def interrupted(self) -> str:
        """One sentence where sampling was interrupted, on how many draws there are of those asked for; or nothing."""
        asked = self.settings.draws * self.settings.chains
        if self.n_draws >= asked:
            return ""
        of_chains = f", in {self._chains}" if self._chains else ""
        return f"{STOPPED} after {self.n_draws:,} of {asked:,} draws{of_chains}."

    @property
    def stopped(self) -> bool:
        """Whether somebody interrupted it, while it was sampled or after."""
        return bool(self.interrupted) or any(sentence.startswith(STOPPED) for sentence in self.incomplete)

    @property
    def in_words(self) -> str:
        """Number of posterior draws, and whether they are all that were asked for."""
        if not self.interrupted:
            return f"{self.n_draws} draw{'s' * (self.n_draws != 1)}"
        of_chains = f" ({self._chains})" if self._chains else ""
        return f"{self.n_draws:,} of {self.settings.draws * self.settings.chains:,} draws{of_chains}, interrupted"

    @property
    def _chains(self) -> str:
        """How many chains there are of those asked for, where they are fewer."""
        n_chains, asked = self.posterior.sizes["chain"], self.settings.chains
        return f"{n_chains} of {asked} chains" if n_chains < asked else ""


def thinned(thetas: np.ndarray, most: int) -> np.ndarray:
    """At most so many of the draws, evenly spaced."""
    return np.ascontiguousarray(thetas[np.linspace(0, len(thetas) - 1, min(most, len(thetas))).astype(int)])
