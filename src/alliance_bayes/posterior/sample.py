"""Draws of a posterior, how they were made, and which of them are missing."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..basics.problems import SpecError
from ..engine.kernels.interpreter import run_many
from ..engine.model_on_panel import PanelModel
from .health import Health
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
    """Some of the groups of `Fit.draws`, and why others are missing, one sentence each."""

    draws: xr.DataTree
    settings: Settings
    incomplete: tuple[str, ...] = ()
    examined: Health | None = None
    """Health of the chains, where it is known already."""

    def group(self, name: str) -> xr.Dataset:
        """`Fit.drawn`."""
        if name not in self.draws.children:
            why = " ".join(self.incomplete) or "It was not drawn, or is missing from a file."
            raise SpecError(f"This needs {GROUPS.get(name, name)}, which this fit does not contain. {why}")
        return self.draws[name].to_dataset()

    @property
    def posterior(self) -> xr.Dataset:
        """`Fit.posterior`."""
        return self.group("posterior")

    @property
    def n_draws(self) -> int:
        """`Fit.n_draws`."""
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
        """`Fit.interrupted`."""
        requested = self.settings.draws * self.settings.chains
        if self.n_draws >= requested:
            return ""
        of_chains = f", in {self._chains}" if self._chains else ""
        return f"{STOPPED} after {self.n_draws:,} of {requested:,} draws{of_chains}."

    @property
    def stopped(self) -> bool:
        """`Fit.stopped`."""
        return bool(self.interrupted) or any(sentence.startswith(STOPPED) for sentence in self.incomplete)

    @property
    def in_words(self) -> str:
        """`Fit.draws_in_words`."""
        if not self.interrupted:
            return f"{self.n_draws} draw{'s' * (self.n_draws != 1)}"
        of_chains = f" ({self._chains})" if self._chains else ""
        return f"{self.n_draws:,} of {self.settings.draws * self.settings.chains:,} draws{of_chains}, interrupted"

    @property
    def _chains(self) -> str:
        """How many of the requested chains there are, where some are missing."""
        n_chains, requested = self.posterior.sizes["chain"], self.settings.chains
        return f"{n_chains} of {requested} chains" if n_chains < requested else ""


def thinned(thetas: np.ndarray, most: int) -> np.ndarray:
    """At most so many of the draws, evenly spaced."""
    return np.ascontiguousarray(thetas[np.linspace(0, len(thetas) - 1, min(most, len(thetas))).astype(int)])
