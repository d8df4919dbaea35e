"""Whether the draws can be trusted, in words, with what to do when they cannot."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import xarray as xr

from ..basics.names import in_words

__all__ = [
    "LARGEST_RHAT",
    "SMALLEST_ESS",
    "STATISTICS",
    "Health",
    "draws_without_value",
    "examine",
    "in_words_of",
    "together",
    "with_integration",
    "with_problem",
]

LARGEST_RHAT = 1.01
SMALLEST_ESS = 400
SMALLEST_BFMI = 0.3
SMALLEST_SHARE = 0.5
MOST_UNSETTLED = 0.01
LEAST_MOVEMENT = 1e-3  # range of a chain's draws as a share of the widest chain's
# Of a chain that moves, about 1 draw in 100 repeats the one before it; were it 1 in 4, so many in a row would come
# once in 10^12 draws.
MOST_REPEATS = 20
MOST_AT_LARGEST_DEPTH = 0.1
LARGEST_DEPTH_REACHED = ("maxdepth_reached", "reached_max_treedepth")
STATISTICS = ("diverging", "energy", "step_size", *LARGEST_DEPTH_REACHED)

STANDSTILL_CURE = (
    "More draws do not help. Sample again with another seed; if a chain stands still again, the density breaks down "
    "where it is: look for measures or intervals in extreme units, narrow the priors, or simplify the model."
)

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
    """Chains that do not move, counted from 1: a parameter is the same in all draws, all of them hardly differ, or all
    are the same in more than 20 draws in a row."""
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
        bfmi = f"BFMI at least {self.bfmi:.2f}" if np.isfinite(self.bfmi) else "BFMI unknown"
        numbers = (
            f"{rhat}, effective sample size at least {self.ess_bulk:.0f} (bulk) and "
            f"{self.ess_tail:.0f} (tail), {self.divergences} divergences, {bfmi}"
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
    n_chains, unmoved, standing = posterior.sizes["chain"], _unmoved(posterior), _standing(posterior)
    stuck = sorted({*unmoved, *standing})
    moving = [chain for chain in range(n_chains) if chain not in stuck]
    examined = posterior.isel(chain=moving) if moving else posterior
    with np.errstate(invalid="ignore", divide="ignore"):
        rhat = _extreme(arviz_stats.rhat(examined), np.max, np.inf)[0] if len(moving) > 1 else np.nan
        ess_bulk, worst = _extreme(arviz_stats.ess(examined, method="bulk"), np.min, 0.0)
        ess_tail, _ = _extreme(arviz_stats.ess(examined, method="tail"), np.min, 0.0)
        bfmi = _bfmi(statistics.isel(chain=moving) if moving else statistics)
    divergences = int(statistics["diverging"].sum())
    steps, at_largest_depth = _step_sizes(statistics), _at_largest_depth(statistics)
    undefined = draws_without_value(posterior)
    problems = [undefined] if undefined else []
    problems += _unmoved_in_words(unmoved, steps, posterior)
    problems += [
        _standing_in_words(chain, run, steps, posterior) for chain, run in standing.items() if chain not in unmoved
    ]
    problems += _steps_in_words(stuck, steps)
    problems += _depth_in_words(stuck, at_largest_depth)
    cause_known = bool(problems)
    if n_chains == 1:
        problems.append("Only one chain: whether chains agree cannot be checked. Use chains=4.")
    elif len(moving) > 1 and not undefined and not rhat <= LARGEST_RHAT:
        cure = "" if cause_known else " Use more tune and draws."
        problems.append(f"The chains disagree ({_rhat_in_words(rhat)} > {LARGEST_RHAT}).{cure}")
    if moving and not undefined and not min(ess_bulk, ess_tail) >= SMALLEST_ESS:
        cure = "" if cause_known else " Use more draws."
        problems.append(
            f"Too few effective draws ({min(ess_bulk, ess_tail):.0f} < {SMALLEST_ESS}, worst {worst}).{cure}"
        )
    if divergences:
        problems.append(
            f"{divergences} divergent transition{'s' * (divergences > 1)}: part of the posterior is not explored. "
            "Raise target_accept (0.95, 0.99); if they stay, the data do not identify the model, so simplify it."
        )
    if moving and posterior.sizes["draw"] > 1 and not bfmi >= SMALLEST_BFMI:
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
        "changed or damaged. Sample again, or read them from a file that is whole."
    )


def _bfmi(statistics: xr.Dataset) -> float:
    """Smallest BFMI of any chain; NaN of a single draw, which has no variance."""
    import arviz_stats

    return float(arviz_stats.bfmi(statistics)["energy"].min()) if statistics.sizes["draw"] > 1 else np.nan


def _unmoved(posterior: xr.Dataset) -> list[int]:
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


def _standing(posterior: xr.Dataset) -> dict[int, tuple[int, int]]:
    """Chains that stand still for long, with the first and last draw of the longest such run, all counted from 0."""
    n_chains, n_draws = posterior.sizes["chain"], posterior.sizes["draw"]
    repeats = np.ones((n_chains, max(n_draws - 1, 0)), dtype=bool)
    for array in posterior.data_vars.values():
        values = array.transpose("chain", "draw", ...).to_numpy().reshape(n_chains, n_draws, -1)
        repeats &= (values[:, 1:] == values[:, :-1]).all(axis=-1)
    found = {}
    for chain, repeated in enumerate(repeats):
        new = np.flatnonzero(np.concatenate([[True], ~repeated, [True]]))  # draws that differ from the one before
        n_repeats = np.diff(new) - 1
        longest = int(n_repeats.argmax())
        if n_repeats[longest] >= MOST_REPEATS:
            found[chain] = (int(new[longest]), int(new[longest] + n_repeats[longest]))
    return found


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
    return f"Chain{'s' * (len(positions) > 1)} {in_words([str(position + 1) for position in positions])}"


def _unmoved_in_words(stuck: Sequence[int], steps: FloatArray, posterior: xr.Dataset) -> list[str]:
    if not stuck:
        return []
    singular = len(stuck) == 1
    sizes = f" (step size {', '.join(f'{steps[chain]:.2g}' for chain in stuck)})" if steps.size else ""
    kept = "hold no information" if len(stuck) == posterior.sizes["chain"] else "are not those of the posterior"
    return [
        f"{_chains(stuck)} {'does' if singular else 'do'} not move{sizes}: {'its' if singular else 'their'} "
        f"{posterior.sizes['draw']} draws {kept}. {STANDSTILL_CURE}"
    ]


def _standing_in_words(chain: int, run: tuple[int, int], steps: FloatArray, posterior: xr.Dataset) -> str:
    n_draws, (first, last) = posterior.sizes["draw"], run
    where = "on" if last == n_draws - 1 else f"to draw {last + 1:,}"
    size = f" (step size {steps[chain]:.2g})" if steps.size else ""
    return (
        f"Chain {chain + 1} does not move from draw {first + 1:,} {where}{size}: {last - first + 1:,} of its "
        f"{n_draws:,} draws are one and the same, and say nothing of the posterior. {STANDSTILL_CURE}"
    )


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
