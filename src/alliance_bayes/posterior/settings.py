"""How a fit is sampled: its settings, which of them are valid, and how much memory their draws need."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

import numpy as np

from ..basics.given import check_count, check_number, check_seed, is_one_of, shown
from ..basics.memory import memory_problem, refuse_beyond_memory
from ..basics.names import quoted
from ..basics.problems import Problems, SpecError
from ..engine.model_on_panel import Latent
from ..spec.cross_lagged import CrossLagged

__all__ = [
    "MOST",
    "Sampler",
    "Settings",
    "acceptance",
    "check_counts",
    "check_memory_of_draws",
    "check_settings",
    "fit_into_memory",
    "warm_up",
]

Sampler = Literal["nutpie", "pymc"]

MOST = {"draws": 10**9, "tune": 10**8, "chains": 1000, "cores": 10_000, "thin": 1000}
"""Upper limits for any machine; how many draws fit into memory is known once the model is."""
CURES = {
    "draws": "A few thousand draws of each chain are enough.",
    "tune": "A warm-up takes some hundred draws.",
    "chains": "Four chains are enough for the diagnostics.",
    "cores": "Leave cores out to use all processors.",
    "thin": "Ten is much already.",
}
N_STATISTICS = 20
"""Numbers that the sampler keeps of each draw beside the parameters."""
COPIES = 3
"""Copies of all draws that exist at once: the sampler's own, the posterior, and the parameters made of it."""
TUNE, SCALED_TUNE = 400, 100
"""Draws of a warm-up, and of one before which the scale of the posterior is known."""
TARGET_ACCEPT = 0.8


@dataclass(frozen=True)
class Settings:
    """How a fit was sampled.

    Attributes
    ----------
    draws, tune
        Draws kept of each chain, and warm-up draws before them.
    chains, cores
        Chains, and how many run at once.
    target_accept
        Acceptance probability that the step size aimed at, in (0, 1).
    seed
        Seed of all random numbers.
    sampler
        ``"nutpie"`` or ``"pymc"``.
    compile_seconds, sampling_seconds
        Wall-clock time.
    latent
        ``"integrate"`` or ``"sample"``: whether linear predictors were integrated out or sampled.
    thin
        Of so many draws one was kept.
    """

    draws: int
    tune: int
    chains: int
    cores: int
    target_accept: float
    seed: int
    sampler: str
    compile_seconds: float = 0.0
    sampling_seconds: float = 0.0
    latent: Latent = "integrate"
    thin: int = 1

    @property
    def options(self) -> dict[str, Any]:
        """Arguments of `fit` that sample another model, or another panel, in the same way."""
        return {name: value for name, value in asdict(self).items() if not name.endswith("_seconds")}

    @property
    def thin_in_words(self) -> str:
        """How many of all draws were kept; empty where all were."""
        return f"1 of every {self.thin} drawn" if self.thin > 1 else ""

    @property
    def of_all_draws(self) -> "Settings":
        """Settings of all that is drawn, of which some is kept."""
        return replace(self, draws=self.thin * self.draws, thin=1)

    def rng(self, purpose: str) -> np.random.Generator:
        """Source of the random numbers for one purpose."""
        return np.random.default_rng([self.seed, *purpose.encode()])


def acceptance(target_accept: float | None) -> float:
    """Acceptance probability of a first attempt; the default where none was given, after which a second may follow."""
    return TARGET_ACCEPT if target_accept is None else target_accept


def check_counts(given: dict[str, object], problems: Problems, where: str = "") -> None:
    """Note invalid numbers of draws, chains and cores."""
    for name, value in given.items():
        check_count(f"{where}{name}", value, problems, most=MOST[name], cure=CURES[name])


def check_settings(
    draws: object,
    tune: object,
    chains: object,
    cores: object,
    target_accept: object,
    seed: object,
    sampler: object,
    thin: object = 1,
) -> None:
    """Refuse invalid settings, with all problems at once."""
    problems = Problems("This fit cannot be sampled")
    counts = {"draws": draws, "tune": tune, "chains": chains, "cores": 1 if cores is None else cores, "thin": thin}
    check_counts(counts, problems)
    check_seed(seed, problems)
    check_number("target_accept", target_accept, problems, above=0, below=1)
    if not is_one_of(sampler, get_args(Sampler)):
        problems.add(f"sampler must be one of {quoted(get_args(Sampler))}; got {shown(sampler)}.")
    problems.raise_as(SpecError)


def check_memory_of_draws(draws: int, chains: int, n_quantities: int) -> None:
    """Refuse draws that do not fit into memory, with so many numbers (variables and derived quantities) per draw."""
    refuse_beyond_memory(
        "This fit cannot be sampled",
        f"{draws:,} draws of each of {chains} chains, with {n_quantities:,} numbers each,",
        _n_numbers(draws, chains, n_quantities),
        f"Use fewer draws: {CURES['draws'].lower().removesuffix('.')}.",
    )


def fit_into_memory(draws: int, chains: int, n_quantities: int) -> bool:
    """Whether `check_memory_of_draws` would let so many pass."""
    return not memory_problem("", _n_numbers(draws, chains, n_quantities), "")


def _n_numbers(draws: int, chains: int, n_quantities: int) -> int:
    return COPIES * draws * chains * (n_quantities + N_STATISTICS)


def warm_up(spec: CrossLagged, sampler: str, latent: str = "integrate") -> int:
    """Default number of warm-up draws: fewer where the scale of the posterior is known in advance."""
    return SCALED_TUNE if spec.is_latent and latent == "integrate" and sampler == "nutpie" else TUNE
