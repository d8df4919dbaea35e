"""Whether the draws can be trusted, in words, with what to do when they cannot."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from ..basics.names import counted, in_words
from .chains import LARGEST_DEPTH_REACHED, Chains
from .integration import IntegrationError
from .thinning import ALL_DIVERGENCES, ENERGY_CHANGE

__all__ = [
    "LARGEST_RHAT",
    "SMALLEST_ESS",
    "STATISTICS",
    "Diagnostics",
    "Health",
    "draws_without_value",
    "examine",
    "in_words_of",
    "together",
    "too_coarse",
    "with_integration",
    "with_problem",
]

LARGEST_RHAT = 1.01
SMALLEST_ESS = 400
SMALLEST_BFMI = 0.3
SMALLEST_SHARE = 0.5
MOST_UNSETTLED = 0.01
MOST_DIVERGENT = 0.001
ENOUGH_DRAWS = 4000
"""So many draws give `SMALLEST_ESS` effective ones wherever chains do not move slowly, at one of ten."""
STATISTICS = ("diverging", "energy", "step_size", *LARGEST_DEPTH_REACHED, ALL_DIVERGENCES, ENERGY_CHANGE)


class Diagnostics:
    """Whether draws can be trusted, such as the `health` of a fit.

    Attributes
    ----------
    problems
        What is wrong and what to do, one sentence each; empty where nothing is.
    """

    problems: tuple[str, ...]

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    @property
    def approximate(self) -> bool:
        """Whether the draws approximate the posterior, so that every answer says so at its head."""
        return False


@dataclass(frozen=True)
class Health(Diagnostics):
    """Diagnostics of the sampling of one fit [1]_.

    Attributes
    ----------
    rhat
        Largest rank-normalised split R-hat of any parameter, of the chains that move; above 1.01 these disagree.
        NaN where fewer than two chains move.
    ess_bulk, ess_tail
        Smallest effective sample size for means and for tails; below 400 neither they nor R-hat
        are reliable.
    divergences
        Trajectories after warm-up that left the typical set, with those to draws that were not kept; more than one per
        1,000 draws, kept or not: the posterior is not fully explored.
    bfmi
        Smallest energy Bayesian fraction of missing information of any chain; below 0.3 the tails are explored slowly.
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
    integration: IntegrationError | None = None
    """Error of the likelihood, where linear predictors are integrated out."""
    stuck: tuple[int, ...] = ()
    """Chains that do not move, counted from 1: one parameter is the same in all draws, all parameters hardly vary, or
    all stay the same in more than 20 consecutive draws."""
    step_size: float = np.nan
    """Smallest step size of any chain; NaN where the sampler does not report it."""
    at_largest_depth: float = 0.0
    """Largest share of a chain's draws at the largest tree depth; above 0.1 trajectories are cut short."""

    @property
    def divergences_in_words(self) -> str:
        """Their number, such as "1 divergence"."""
        return counted(self.divergences, "divergence")

    def __str__(self) -> str:
        rhat = f"R-hat at most {self.rhat:.3f}" if np.isfinite(self.rhat) else "R-hat unknown"
        bfmi = f"BFMI at least {self.bfmi:.2f}" if np.isfinite(self.bfmi) else "BFMI unknown"
        numbers = (
            f"{rhat}, effective sample size at least {self.ess_bulk:.0f} (bulk) and "
            f"{self.ess_tail:.0f} (tail), {self.divergences_in_words}, {bfmi}"
        )
        return in_words_of(f"{numbers}; {self.integration}" if self.integration else numbers, self.problems)


def with_problem(health: Health, problem: str) -> Health:
    """Diagnostics with one more problem, before all others."""
    return replace(health, problems=(problem, *health.problems))


def with_integration(health: Health, error: IntegrationError) -> Health:
    """Diagnostics with those of an approximate integral, and what is wrong with it."""
    problems = list(health.problems)
    if not error.effective_share >= SMALLEST_SHARE:
        problems.append(
            "The approximate integral over the linear predictors changes the posterior: weighted by the exact "
            f"likelihood, only {100 * error.effective_share:.0f} % of draws are effective. Compare the answer "
            'with that of latent="sample", or use a simpler family.'
        )
    if error.unsettled > MOST_UNSETTLED:
        problems.append(
            f"The integral did not converge for {100 * error.unsettled:.1f} % of cases; compare the answer "
            'with that of latent="sample".'
        )
    return replace(health, problems=tuple(problems), integration=error)


def together(parts: Sequence[Health], n_chains: Sequence[int]) -> Health:
    """The worst of each diagnostic of several fits of so many chains each."""
    weakest = min(parts, key=lambda part: part.ess_bulk)
    before = np.cumsum([0, *n_chains])
    return Health(
        rhat=float(np.max([part.rhat for part in parts])),
        ess_bulk=weakest.ess_bulk,
        ess_tail=float(np.min([part.ess_tail for part in parts])),
        divergences=sum(part.divergences for part in parts),
        bfmi=float(np.min([part.bfmi for part in parts])),
        worst=weakest.worst,
        problems=tuple(
            f"Panel {index}: {problem}" for index, part in enumerate(parts, start=1) for problem in part.problems
        ),
        stuck=tuple(int(before[index]) + chain for index, part in enumerate(parts) for chain in part.stuck),
        step_size=float(np.min([part.step_size for part in parts])),
        at_largest_depth=float(np.max([part.at_largest_depth for part in parts])),
    )


def in_words_of(numbers: str, problems: Sequence[str]) -> str:
    """Diagnostics as text: whether there are problems, the numbers, then the problems one by one."""
    return "\n".join([f"Sampling: {'PROBLEMS' if problems else 'no problems'}. {numbers}.", *problems])


def examine(draws: xr.DataTree, names: list[str], *, thin: int = 1) -> Health:
    """Examine the parameters `names` of the posterior, and the sampler's own statistics.

    R-hat and effective sample sizes are those of the chains that move; a chain that does not is a separate problem. Of
    `thin` draws one was kept.
    """
    import arviz_stats

    posterior, statistics = draws["posterior"].to_dataset()[names], draws["sample_stats"].to_dataset()
    chains = Chains(posterior, statistics, thin)
    moving = chains.moving
    examined = posterior.isel(chain=moving) if moving else posterior
    with np.errstate(invalid="ignore", divide="ignore"):
        rhat = _extreme(arviz_stats.rhat(examined), np.max, np.inf)[0] if len(moving) > 1 else np.nan
        ess_bulk, worst = _extreme(arviz_stats.ess(examined, method="bulk"), np.min, 0.0)
        ess_tail, _ = _extreme(arviz_stats.ess(examined, method="tail"), np.min, 0.0)
        bfmi = _bfmi(statistics.isel(chain=moving) if moving else statistics)
    health = Health(
        rhat,
        ess_bulk,
        ess_tail,
        int(statistics[ALL_DIVERGENCES if ALL_DIVERGENCES in statistics else "diverging"].sum()),
        bfmi,
        worst,
        problems=(),
        stuck=tuple(chain + 1 for chain in chains.stuck),
        step_size=float(chains.step_sizes.min()) if chains.step_sizes.size else np.nan,
        at_largest_depth=float(chains.at_largest_depth.max(initial=0.0)),
    )
    return replace(health, problems=tuple(_problems(health, chains, thin)))


def too_coarse(health: Health, n_kept: int, thin: int) -> tuple[str, ...]:
    """What is wrong with so many draws, one of `thin` each, that smaller steps and more of them cure.

    Such as "R-hat 1.0123". Fewer draws than are asked for by default may be too few however well chains move: then only
    divergences count.
    """
    reasons, n_draws = [], thin * n_kept
    if _diverges(health, n_draws):
        reasons.append(f"{health.divergences:,} of {n_draws:,} draws diverged")
    if n_kept >= ENOUGH_DRAWS:
        if np.isfinite(health.rhat) and _disagrees(health):
            reasons.append(_rhat_in_words(health.rhat))
        if _few_are_effective(health):
            reasons.append(f"{_smallest_ess(health):.0f} effective draws")
    return tuple(reasons)


def _disagrees(health: Health) -> bool:
    return not health.rhat <= LARGEST_RHAT


def _few_are_effective(health: Health) -> bool:
    return not _smallest_ess(health) >= SMALLEST_ESS


def _smallest_ess(health: Health) -> float:
    return min(health.ess_bulk, health.ess_tail)


def _diverges(health: Health, n_draws: int) -> bool:
    return health.divergences > MOST_DIVERGENT * n_draws


def _problems(health: Health, chains: Chains, thin: int) -> Iterator[str]:
    """What is wrong and what to do, one sentence each; only the first cause has a cure."""
    n_moving, undefined = len(chains.moving), draws_without_value(chains.posterior)
    causes = [*([undefined] if undefined else []), *chains.problems]
    yield from causes
    if chains.posterior.sizes["chain"] == 1:
        yield "Only one chain: whether chains agree cannot be checked. Use chains=4."
    elif n_moving > 1 and not undefined and _disagrees(health):
        cure = "" if causes else " Use more tune and draws."
        yield f"The chains disagree ({_rhat_in_words(health.rhat)} > {LARGEST_RHAT}).{cure}"
    if n_moving and not undefined and _few_are_effective(health):
        cure = "" if causes else " Use more draws."
        yield f"Too few effective draws ({_smallest_ess(health):.0f} < {SMALLEST_ESS}, worst {health.worst}).{cure}"
    n_draws = thin * chains.posterior.sizes["chain"] * chains.posterior.sizes["draw"]
    if _diverges(health, n_draws):
        rate = health.divergences / n_draws
        yield (
            f"{counted(health.divergences, 'divergent transition')} ({1000 * rate:.2g} per 1,000 draws): part of the "
            "posterior is not explored. Raise target_accept (0.98, 0.99); if they persist, the data do not identify "
            "the model, so simplify it."
        )
    if n_moving and chains.posterior.sizes["draw"] > 1 and not health.bfmi >= SMALLEST_BFMI:
        yield f"The sampler moves slowly between energies (BFMI {health.bfmi:.2f}). Use more tune."


def draws_without_value(parameters: xr.Dataset) -> str:
    """One sentence on draws of a chain in which a parameter has no value (NaN or infinite), or nothing."""
    undefined = np.zeros((parameters.sizes["chain"], parameters.sizes["draw"]), dtype=bool)
    for array in parameters.data_vars.values():
        values = array.transpose("chain", "draw", ...).to_numpy()
        undefined |= ~np.isfinite(values).reshape(*undefined.shape, -1).all(axis=-1)
    counts = undefined.sum(axis=1)
    if not counts.any():
        return ""
    size = parameters.sizes["draw"]
    of_chains = in_words([f"{counts[chain]:,} of {size:,} draws of chain {chain + 1}" for chain in counts.nonzero()[0]])
    return (
        f"A parameter has no value (NaN or infinite) in {of_chains}: no sampler leaves such draws, so the draws were "
        "changed or damaged. Sample again, or read them from an undamaged file."
    )


def _bfmi(statistics: xr.Dataset) -> float:
    """Smallest BFMI of any chain; NaN of a single draw, which has no variance."""
    import arviz_stats

    if statistics.sizes["draw"] < 2:
        return np.nan
    if ENERGY_CHANGE not in statistics:
        return float(arviz_stats.bfmi(statistics)["energy"].min())
    return float(((statistics[ENERGY_CHANGE] ** 2).mean("draw") / statistics["energy"].var("draw", ddof=1)).min())


def _rhat_in_words(rhat: float) -> str:
    return f"R-hat {rhat:.4f}" if np.isfinite(rhat) else "R-hat has no value"


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
            positions = np.argwhere(entries == entry)
            position = positions[0] if len(positions) else ()
            labels = [str(array[dim].values[index]) for dim, index in zip(array.dims, position, strict=False)]
            name = f"{variable}[{', '.join(labels)}]" if labels else str(variable)
    return best, name
