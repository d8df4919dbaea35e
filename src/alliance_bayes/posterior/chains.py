"""Chains that do not move, have no usable step size, or whose trajectories are cut short."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import xarray as xr

from ..basics.names import in_words

__all__ = ["LARGEST_DEPTH_REACHED", "Chains"]

LEAST_MOVEMENT = 1e-3  # range of a chain's draws as a share of the widest chain's
# Of a chain that moves, about 1 draw in 100 repeats the one before it; were it 1 in 4, so many in a row would come
# once in 10^12 draws.
MOST_REPEATS = 20
MOST_AT_LARGEST_DEPTH = 0.1
LARGEST_DEPTH_REACHED = ("maxdepth_reached", "reached_max_treedepth")
STANDSTILL_CURE = (
    "More draws do not help. Sample again with another seed; if a chain still does not move, the density is "
    "numerically unstable there: look for measures or intervals in extreme units, narrow the priors, or simplify the "
    "model."
)

type FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Chains:
    """Chains of one posterior, with draws of the parameters, one of `thin` each, and the sampler's statistics."""

    posterior: xr.Dataset
    statistics: xr.Dataset
    thin: int = 1

    @property
    def stuck(self) -> list[int]:
        """Positions of the chains that do not move, for a while or at all."""
        return sorted({*self.unmoved, *self.standing})

    @property
    def moving(self) -> list[int]:
        """Positions of the other chains."""
        return [chain for chain in range(self.posterior.sizes["chain"]) if chain not in self.stuck]

    @cached_property
    def unmoved(self) -> list[int]:
        """Positions of chains of which a parameter is the same in all draws, or all move far less than in others."""
        if self.posterior.sizes["draw"] < 2:
            return []
        spreads = np.concatenate([np.ptp(values, axis=1) for values in self._values()], axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = spreads / spreads.max(axis=0)
        return np.flatnonzero((spreads == 0).any(axis=1) | (shares < LEAST_MOVEMENT).all(axis=1)).tolist()

    @cached_property
    def standing(self) -> dict[int, tuple[int, int]]:
        """Chains that stand still for long, with the first and last draw of the longest such run, counted from 0."""
        repeats = np.ones((self.posterior.sizes["chain"], max(self.posterior.sizes["draw"] - 1, 0)), dtype=bool)
        for values in self._values():
            repeats &= (values[:, 1:] == values[:, :-1]).all(axis=-1)
        runs = {}
        for chain, repeated in enumerate(repeats):
            starts = np.flatnonzero(np.concatenate([[True], ~repeated, [True]]))  # draws unlike the one before
            n_repeats = np.diff(starts) - 1
            longest = int(n_repeats.argmax())
            if self.thin * n_repeats[longest] >= MOST_REPEATS:
                runs[chain] = (int(starts[longest]), int(starts[longest] + n_repeats[longest]))
        return runs

    @cached_property
    def step_sizes(self) -> FloatArray:
        """Smallest step size of each chain, shape ``(chain,)``; empty where the sampler does not report it."""
        if "step_size" not in self.statistics:
            return np.zeros(0)
        return np.asarray(self.statistics["step_size"].transpose("chain", "draw").to_numpy().min(axis=1))

    @cached_property
    def at_largest_depth(self) -> FloatArray:
        """Share of each chain's draws at the largest tree depth, shape ``(chain,)``; empty where it is not reported."""
        for name in LARGEST_DEPTH_REACHED:
            if name in self.statistics:
                return np.asarray(self.statistics[name].transpose("chain", "draw").to_numpy().mean(axis=1))
        return np.zeros(0)

    @property
    def problems(self) -> list[str]:
        """What is wrong and what to do, one sentence each."""
        standing = [self._standing_in_words(chain) for chain in self.standing if chain not in self.unmoved]
        return [*self._unmoved_in_words(), *standing, *self._steps_in_words(), *self._depth_in_words()]

    def _values(self) -> list[FloatArray]:
        """Draws of each parameter, shapes ``(chain, draw, number)``."""
        shape = (self.posterior.sizes["chain"], self.posterior.sizes["draw"], -1)
        arrays = (array.transpose("chain", "draw", ...) for array in self.posterior.data_vars.values())
        return [array.to_numpy().reshape(shape) for array in arrays]

    def _step_sizes_of(self, chains: Sequence[int]) -> str:
        return ", ".join(f"{self.step_sizes[chain]:.2g}" for chain in chains)

    def _unmoved_in_words(self) -> list[str]:
        if not self.unmoved:
            return []
        verb, pronoun = ("does", "its") if len(self.unmoved) == 1 else ("do", "their")
        sizes = f" (step size {self._step_sizes_of(self.unmoved)})" if self.step_sizes.size else ""
        all_chains = len(self.unmoved) == self.posterior.sizes["chain"]
        value = "contain no information" if all_chains else "are not those of the posterior"
        return [
            f"{_named(self.unmoved)} {verb} not move{sizes}: {pronoun} {self.posterior.sizes['draw']} draws {value}. "
            f"{STANDSTILL_CURE}"
        ]

    def _standing_in_words(self, chain: int) -> str:
        n_draws, (first, last) = self.posterior.sizes["draw"], self.standing[chain]
        until = "on" if last == n_draws - 1 else f"to draw {last + 1:,}"
        size = f" (step size {self._step_sizes_of([chain])})" if self.step_sizes.size else ""
        return (
            f"Chain {chain + 1} does not move from draw {first + 1:,} {until}{size}: {last - first + 1:,} of its "
            f"{n_draws:,} draws are identical and contain no information about the posterior. {STANDSTILL_CURE}"
        )

    def _steps_in_words(self) -> list[str]:
        stuck = self.stuck
        wrong = [chain for chain, size in enumerate(self.step_sizes) if not 0 < size < np.inf and chain not in stuck]
        if not wrong:
            return []
        return [
            f"{_named(wrong)} {'has' if len(wrong) == 1 else 'have'} no usable step size "
            f"({self._step_sizes_of(wrong)}): the warm-up did not find one. Sample again with another seed; if it "
            "persists, narrow the priors or simplify the model."
        ]

    def _depth_in_words(self) -> list[str]:
        shares, stuck = self.at_largest_depth, self.stuck
        deep = [chain for chain, share in enumerate(shares) if share > MOST_AT_LARGEST_DEPTH and chain not in stuck]
        if not deep:
            return []
        percent = ", ".join(f"{100 * shares[chain]:.0f} %" for chain in deep)
        return [
            f"{_named(deep)} reached the largest tree depth in {percent} of draws: trajectories end before they turn "
            "back, because the posterior is much narrower in some directions than in others. Use more tune; if it "
            "persists, narrow the priors or simplify the model."
        ]


def _named(chains: Sequence[int]) -> str:
    return f"Chain{'s' * (len(chains) > 1)} {in_words([str(chain + 1) for chain in chains])}"
