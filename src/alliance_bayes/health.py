"""Whether the draws can be trusted, in words, with what to do when they cannot."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import xarray as xr

__all__ = [
    "LARGEST_RHAT",
    "SMALLEST_ESS",
    "STATISTICS",
    "Health",
    "examine",
    "in_words_of",
    "with_integration",
    "with_problem",
]

LARGEST_RHAT = 1.01
SMALLEST_ESS = 400
SMALLEST_BFMI = 0.3
SMALLEST_SHARE = 0.5
MOST_UNSETTLED = 0.01
LEAST_MOVEMENT = 1e-3  # range of a chain's draws as a share of the widest chain's
MOST_AT_LARGEST_DEPTH = 0.1
LARGEST_DEPTH_REACHED = ("maxdepth_reached", "reached_max_treedepth")
STATISTICS = ("diverging", "energy", "step_size", *LARGEST_DEPTH_REACHED)

type FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Health:
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
    stuck: tuple[int, ...] = ()
    """Chains that do not move, counted from 1: a parameter is the same in all draws, or all of them hardly differ."""
    step_size: float = np.nan
    """Smallest step size of any chain; NaN where the sampler did not keep it."""
    at_largest_depth: float = 0.0
    """Largest share of a chain's draws at the largest tree depth; above 0.1 trajectories are cut short."""

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def __str__(self) -> str:
        rhat = f"R-hat at most {self.rhat:.3f}" if np.isfinite(self.rhat) else "R-hat unknown"
        numbers = (
            f"{rhat}, effective sample size at least {self.ess_bulk:.0f} (bulk) and "
            f"{self.ess_tail:.0f} (tail), {self.divergences} divergences, BFMI at least {self.bfmi:.2f}"
        )
        return in_words_of(f"{numbers}; {self.integration}" if self.integration else numbers, self.problems)


def with_problem(health: Health, problem: str) -> Health:
    """Diagnostics with one more problem, before all others."""
    return replace(health, problems=(problem, *health.problems))


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
    """Examine the parameters `names` of the posterior, and the sampler's own statistics.

    R-hat and effective sample sizes are those of the chains that move; a chain that does not is a problem of its own.
    """
    import arviz_stats

    posterior, statistics = draws["posterior"].to_dataset()[names], draws["sample_stats"].to_dataset()
    n_chains, stuck = posterior.sizes["chain"], _stuck(posterior)
    moving = [chain for chain in range(n_chains) if chain not in stuck]
    examined = posterior.isel(chain=moving) if moving else posterior
    with np.errstate(invalid="ignore", divide="ignore"):
        rhat = _extreme(arviz_stats.rhat(examined), np.max, np.inf)[0] if len(moving) > 1 else np.nan
        ess_bulk, worst = _extreme(arviz_stats.ess(examined, method="bulk"), np.min, 0.0)
        ess_tail, _ = _extreme(arviz_stats.ess(examined, method="tail"), np.min, 0.0)
        bfmi = float(arviz_stats.bfmi(statistics.isel(chain=moving) if moving else statistics)["energy"].min())
    divergences = int(statistics["diverging"].sum())
    steps, at_largest_depth = _step_sizes(statistics), _at_largest_depth(statistics)
    problems = [*_stuck_in_words(stuck, steps, posterior), *_steps_in_words(stuck, steps)]
    problems += _depth_in_words(stuck, at_largest_depth)
    cause_known = bool(problems)
    if n_chains == 1:
        problems.append("Only one chain: whether chains agree cannot be checked. Use chains=4.")
    elif len(moving) > 1 and not rhat <= LARGEST_RHAT:
        cure = "" if cause_known else " Use more tune and draws."
        problems.append(f"The chains disagree ({_rhat_in_words(rhat)} > {LARGEST_RHAT}).{cure}")
    if moving and not min(ess_bulk, ess_tail) >= SMALLEST_ESS:
        cure = "" if cause_known else " Use more draws."
        problems.append(
            f"Too few effective draws ({min(ess_bulk, ess_tail):.0f} < {SMALLEST_ESS}, worst {worst}).{cure}"
        )
    if divergences:
        problems.append(
            f"{divergences} divergent transition{'s' * (divergences > 1)}: part of the posterior is not explored. "
            "Raise target_accept (0.95, 0.99); if they stay, the data do not identify the model, so simplify it."
        )
    if moving and not bfmi >= SMALLEST_BFMI:
        problems.append(f"The sampler moves slowly between energies (BFMI {bfmi:.2f}). Use more tune.")
    return Health(
        rhat,
        ess_bulk,
        ess_tail,
        divergences,
        bfmi,
        worst,
        tuple(problems),
        stuck=tuple(chain + 1 for chain in stuck),
        step_size=float(steps.min()) if steps.size else np.nan,
        at_largest_depth=float(at_largest_depth.max()) if at_largest_depth.size else 0.0,
    )


def _stuck(posterior: xr.Dataset) -> list[int]:
    """Positions of chains of which a parameter is the same in all draws, or all move far less than in other chains."""
    if posterior.sizes["draw"] < 2:
        return []
    spreads = np.concatenate(
        [
            np.ptp(array.transpose("chain", "draw", ...).to_numpy(), axis=1).reshape(posterior.sizes["chain"], -1)
            for array in posterior.data_vars.values()
        ],
        axis=1,
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = spreads / spreads.max(axis=0)
    return np.flatnonzero((spreads == 0).any(axis=1) | (shares < LEAST_MOVEMENT).all(axis=1)).tolist()


def _step_sizes(statistics: xr.Dataset) -> FloatArray:
    """Smallest step size of each chain, shape ``(chain,)``; empty where the sampler did not keep it."""
    if "step_size" not in statistics:
        return np.zeros(0)
    return np.asarray(statistics["step_size"].transpose("chain", "draw").to_numpy().min(axis=1))


def _at_largest_depth(statistics: xr.Dataset) -> FloatArray:
    """Share of each chain's draws at the largest tree depth, shape ``(chain,)``; empty where it was not kept."""
    for name in LARGEST_DEPTH_REACHED:
        if name in statistics:
            return np.asarray(statistics[name].transpose("chain", "draw").to_numpy().mean(axis=1))
    return np.zeros(0)


def _chains(positions: Sequence[int]) -> str:
    numbers = [str(position + 1) for position in positions]
    return f"Chain {numbers[0]}" if len(numbers) == 1 else f"Chains {', '.join(numbers[:-1])} and {numbers[-1]}"


def _stuck_in_words(stuck: Sequence[int], steps: FloatArray, posterior: xr.Dataset) -> list[str]:
    if not stuck:
        return []
    singular = len(stuck) == 1
    sizes = f" (step size {', '.join(f'{steps[chain]:.2g}' for chain in stuck)})" if steps.size else ""
    kept = "hold no information" if len(stuck) == posterior.sizes["chain"] else "are not those of the posterior"
    return [
        f"{_chains(stuck)} {'does' if singular else 'do'} not move{sizes}: {'its' if singular else 'their'} "
        f"{posterior.sizes['draw']} draws {kept}. More draws do not help. Sample again with another seed; if a chain "
        "stands still again, the density breaks down where it is: look for measures or intervals in extreme units, "
        "narrow the priors, or simplify the model."
    ]


def _steps_in_words(stuck: Sequence[int], steps: FloatArray) -> list[str]:
    wrong = [chain for chain, size in enumerate(steps) if not 0 < size < np.inf and chain not in stuck]
    if not wrong:
        return []
    sizes = ", ".join(f"{steps[chain]:.2g}" for chain in wrong)
    return [
        f"{_chains(wrong)} {'has' if len(wrong) == 1 else 'have'} no usable step size ({sizes}): the warm-up did not "
        "find one. Sample again with another seed; if it stays, narrow the priors or simplify the model."
    ]


def _depth_in_words(stuck: Sequence[int], shares: FloatArray) -> list[str]:
    deep = [chain for chain, share in enumerate(shares) if share > MOST_AT_LARGEST_DEPTH and chain not in stuck]
    if not deep:
        return []
    percent = ", ".join(f"{100 * shares[chain]:.0f} %" for chain in deep)
    return [
        f"{_chains(deep)} reached the largest tree depth in {percent} of draws: trajectories end before they turn "
        "round, since the posterior is much narrower in some directions than in others. Use more tune; if it stays, "
        "narrow the priors or simplify the model."
    ]


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
            where = np.argwhere(entries == entry)
            place = where[0] if len(where) else ()
            labels = [str(array[dim].values[index]) for dim, index in zip(array.dims, place, strict=False)]
            name = f"{variable}[{'; '.join(labels)}]" if labels else str(variable)
    return best, name
