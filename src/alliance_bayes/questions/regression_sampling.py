"""Whether the draws of several regressions can be trusted."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..causal.random_intercepts import Fitted
from ..posterior.health import LARGEST_RHAT, SMALLEST_ESS, Diagnostics, in_words_of

__all__ = ["SamplingOfRegressions", "sampling_of"]


@dataclass(frozen=True)
class SamplingOfRegressions(Diagnostics):
    """Whether the draws of several regressions can be trusted.

    Attributes
    ----------
    rhat
        Largest rank-normalised split R-hat of any coefficient or SD of any regression.
    ess
        Smallest effective sample size, for means or for tails.
    accepted
        Smallest share of proposals accepted; each proposal is independent of the draw before.
    problems
        What is wrong and what to do, one sentence each.
    """

    rhat: float
    ess: float
    accepted: float
    problems: tuple[str, ...]

    @property
    def numbers(self) -> str:
        """The three numbers in words."""
        return (
            f"R-hat at most {self.rhat:.3f}, effective sample size at least {self.ess:.0f}, independent proposals "
            f"accepted at least {100 * self.accepted:.0f} % of the time"
        )

    def __str__(self) -> str:
        return in_words_of(self.numbers, self.problems)


def sampling_of(regressions: Mapping[tuple[str, str], Fitted]) -> SamplingOfRegressions:
    """Examine the draws of regressions by outcome and model."""
    import arviz_stats

    rhat, ess, problems = 1.0, np.inf, []
    for (outcome, model), fitted in regressions.items():
        draws = fitted.draws.to_dataset(name="values")
        one_chain = draws.sizes["chain"] == 1
        largest = np.nan if one_chain else float(arviz_stats.rhat(draws)["values"].max(skipna=False))
        sizes = [arviz_stats.ess(draws, method=method)["values"].min(skipna=False) for method in ("bulk", "tail")]
        smallest = float(np.min(sizes))  # NaN for a term that never moves
        if one_chain:
            problems.append("Only one chain: whether chains agree cannot be checked. Use chains=4.")
        elif not largest <= LARGEST_RHAT:
            problems.append(f"{outcome}, {model}: the chains disagree (R-hat {largest:.3f}). Use more draws.")
        if not smallest >= SMALLEST_ESS:
            problems.append(f"{outcome}, {model}: too few effective draws ({smallest:.0f}). Use more draws.")
        rhat, ess = np.fmax(rhat, largest), min(ess, smallest)
    accepted = min(fitted.accepted for fitted in regressions.values())
    return SamplingOfRegressions(float(rhat), ess, accepted, tuple(dict.fromkeys(problems)))
