"""How a fit is to be sampled: which settings make sense, and how much memory their draws need."""

from typing import Literal, get_args

from ..basics.given import check_count, check_number, check_seed, is_one_of, shown
from ..basics.memory import refuse_beyond_memory
from ..basics.names import quoted
from ..basics.problems import Problems, SpecError

__all__ = ["MOST", "Sampler", "check_counts", "check_memory_of_draws", "check_settings"]

Sampler = Literal["nutpie", "pymc"]

MOST = {"draws": 10**9, "tune": 10**8, "chains": 1000, "cores": 10_000}
"""More than these no machine can use; how many draws fit into memory is known once the model is."""
CURES = {
    "draws": "A few thousand draws of each chain answer any question here.",
    "tune": "A warm-up takes some hundred draws.",
    "chains": "Four chains are enough for the diagnostics.",
    "cores": "Leave cores out to use all processors.",
}
N_STATISTICS = 20
"""Numbers that the sampler keeps of each draw beside the parameters."""
COPIES = 3
"""Copies of all draws that exist at once: the sampler's own, the posterior, and the parameters made of it."""


def check_counts(given: dict[str, object], problems: Problems, where: str = "") -> None:
    """Note numbers of draws, chains and cores that are none, or more than can be used."""
    for name, value in given.items():
        check_count(f"{where}{name}", value, problems, most=MOST[name], cure=CURES[name])


def check_settings(
    draws: object, tune: object, chains: object, cores: object, target_accept: object, seed: object, sampler: object
) -> None:
    """Refuse settings that make no sense, with all problems at once.

    Raises
    ------
    SpecError
        If there are any.
    """
    problems = Problems("This fit cannot be sampled")
    counts = {"draws": draws, "tune": tune, "chains": chains, "cores": 1 if cores is None else cores}
    check_counts(counts, problems)
    check_seed(seed, problems)
    check_number("target_accept", target_accept, problems, above=0, below=1)
    if not is_one_of(sampler, get_args(Sampler)):
        problems.add(f"sampler must be one of {quoted(get_args(Sampler))}; got {shown(sampler)}.")
    problems.raise_as(SpecError)


def check_memory_of_draws(draws: int, chains: int, n_quantities: int) -> None:
    """Refuse draws that do not fit into memory.

    Parameters
    ----------
    draws, chains
        Draws of each chain, and chains.
    n_quantities
        Numbers kept of each draw: random variables and what is derived from them.

    Raises
    ------
    SpecError
        If they need more memory than is free.
    """
    n_numbers = COPIES * draws * chains * (n_quantities + N_STATISTICS)
    refuse_beyond_memory(
        "This fit cannot be sampled",
        f"{draws:,} draws of each of {chains} chains, with {n_quantities:,} numbers each,",
        n_numbers,
        f"Use fewer draws: {CURES['draws'].lower().removesuffix('.')}.",
    )
