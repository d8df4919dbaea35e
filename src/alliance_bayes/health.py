"""Whether the draws can be trusted, in words, with what to do when they cannot."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import xarray as xr

__all__ = ["LARGEST_RHAT", "SMALLEST_ESS", "Health", "examine", "in_words_of", "with_integration"]

LARGEST_RHAT = 1.01
SMALLEST_ESS = 400
SMALLEST_BFMI = 0.3
SMALLEST_SHARE = 0.5
MOST_UNSETTLED = 0.01


@dataclass(frozen=True)
class Health:
    """Diagnostics of the sampling of one fit [1]_.

    Attributes
    ----------
    rhat
        Largest rank-normalised split R-hat of any parameter; above 1.01 the chains disagree.
    ess_bulk, ess_tail
        Smallest effective sample size for means and for tails; below 400 neither they nor R-hat
        are reliable.
    divergences
        Trajectories after warm-up that left the typical set: the posterior is not fully explored.
    bfmi
        Smallest energy Bayesian fraction of missing information of any chain; below 0.3 the
        tails are explored slowly.
    worst
        Parameter with the smallest bulk effective sample size.
    problems
        What is wrong and what to do, one sentence each; empty for a healthy fit.

    References
    ----------
    .. [1] Vehtari, Gelman, Simpson, Carpenter & Buerkner (2021). Rank-normalization, folding, and
       localization: an improved R-hat for assessing convergence of MCMC. Bayesian Analysis 16,
       667-718. https://doi.org/10.1214/20-BA1221
    """

    rhat: float
    ess_bulk: float
    ess_tail: float
    divergences: int
    bfmi: float
    worst: str
    problems: tuple[str, ...]
    integration: object = None
    """Of a model whose linear predictors are integrated out: how far that is off (`IntegrationError`)."""

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def __str__(self) -> str:
        numbers = (
            f"R-hat at most {self.rhat:.3f}, effective sample size at least {self.ess_bulk:.0f} (bulk) and "
            f"{self.ess_tail:.0f} (tail), {self.divergences} divergences, BFMI at least {self.bfmi:.2f}"
        )
        return in_words_of(f"{numbers}; {self.integration}" if self.integration else numbers, self.problems)


def with_integration(health: Health, error: "MeasuredError") -> Health:
    """Diagnostics with those of an approximate integral, and what is wrong with it."""
    problems = list(health.problems)
    if not error.effective_share >= SMALLEST_SHARE:
        problems.append(
            "The approximate integral over the linear predictors moves the posterior: weighted as the exact one "
            f"would, the draws count for {100 * error.effective_share:.0f} % of their number. Hold the answer against "
            'latent="sample", or use a simpler family.'
        )
    if error.unsettled > MOST_UNSETTLED:
        problems.append(
            f"The integral did not settle for {100 * error.unsettled:.1f} % of cases; hold the answer against "
            'latent="sample".'
        )
    return replace(health, problems=tuple(problems), integration=error)


class MeasuredError(Protocol):
    """What is asked of the error of an integral."""

    @property
    def effective_share(self) -> float:
        """Effective number of draws as a share of all."""

    @property
    def unsettled(self) -> float:
        """Share of cases whose integral did not settle."""


def in_words_of(numbers: str, problems: Sequence[str]) -> str:
    """Diagnostics as text: whether there are problems, the numbers, then the problems one by one."""
    return "\n".join([f"Sampling: {'PROBLEMS' if problems else 'no problems'}. {numbers}.", *problems])


def examine(draws: xr.DataTree, names: list[str]) -> Health:
    """Examine the parameters `names` of the posterior, and the sampler's own statistics."""
    import arviz_stats

    posterior = draws["posterior"].to_dataset()[names]
    n_chains = posterior.sizes["chain"]
    with np.errstate(invalid="ignore", divide="ignore"):
        rhat = _extreme(arviz_stats.rhat(posterior), np.max, np.inf)[0] if n_chains > 1 else np.nan
        ess_bulk, worst = _extreme(arviz_stats.ess(posterior, method="bulk"), np.min, 0.0)
        ess_tail, _ = _extreme(arviz_stats.ess(posterior, method="tail"), np.min, 0.0)
    statistics = draws["sample_stats"].to_dataset()
    divergences = int(statistics["diverging"].sum())
    bfmi = float(arviz_stats.bfmi(statistics)["energy"].min())
    problems = []
    if n_chains == 1:
        problems.append("Only one chain: whether chains agree cannot be checked. Use chains=4.")
    elif not rhat <= LARGEST_RHAT:
        problems.append(f"The chains disagree (R-hat {rhat:.4f} > {LARGEST_RHAT}). Use more tune and draws.")
    if not min(ess_bulk, ess_tail) >= SMALLEST_ESS:
        problems.append(
            f"Too few effective draws ({min(ess_bulk, ess_tail):.0f} < {SMALLEST_ESS}, worst {worst}). Use more draws."
        )
    if divergences:
        problems.append(
            f"{divergences} divergent transition{'s' * (divergences > 1)}: part of the posterior is not explored. "
            "Raise target_accept (0.95, 0.99); if they stay, the data do not identify the model, so simplify it."
        )
    if not bfmi >= SMALLEST_BFMI:
        problems.append(f"The sampler moves slowly between energies (BFMI {bfmi:.2f}). Use more tune.")
    return Health(rhat, ess_bulk, ess_tail, divergences, bfmi, worst, tuple(problems))


def _extreme(values: xr.Dataset, choose: Callable[..., Any], unknown: float) -> tuple[float, str]:
    """Smallest or largest entry of a data set of diagnostics, and its name with coordinates.

    An entry that is not a number, as of a parameter that never moves, counts as `unknown`.
    """
    best, name = np.nan, ""
    for variable, array in values.data_vars.items():
        entries = np.where(np.isnan(array.values), unknown, array.values)
        entry = float(choose(entries))
        if np.isnan(best) or choose([best, entry]) == entry:
            best = entry
            where = np.argwhere(entries == entry)
            place = where[0] if len(where) else ()
            labels = [str(array[dim].values[index]) for dim, index in zip(array.dims, place, strict=False)]
            name = f"{variable}[{'; '.join(labels)}]" if labels else str(variable)
    return best, name
