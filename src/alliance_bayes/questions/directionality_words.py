"""What an answer on direction prints: effects with their signs, the contest of sizes, and the events of a verdict."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ..basics.names import lagged_path, number
from ..basics.text_tables import TextTable
from ..posterior.health import Diagnostics, Health
from ..posterior.posterior import Posterior
from ..posterior.summaries import Probability
from .cells import estimates, intervals, labels, probabilities, stated
from .dynamics import hardly_within, sample_in_words, units_in_words
from .lengths import spacing_in_words, time_in_words
from .ratios import odds_of
from .without_prior import estimates_without_prior

__all__ = ["contest_in_words", "divergences_in_words", "effects_in_words", "evidence_in_words", "heading_of"]


def heading_of(fit: Posterior, pair: tuple[str, str], lag: str | None) -> tuple[str, tuple[str, ...]]:
    """What is estimated, on which scale, from what; and a doubt whether it is within persons."""
    scale = f"SD per SD, {spacing_in_words(fit)}; {sample_in_words(fit)}{units_in_words(fit, pair)}"
    if lag is not None:
        scale += f"; the verdict is about a lag of {time_in_words(fit, lag)}"
    if not fit.spec.random_intercepts:
        return f"Lagged effects, within and between persons mixed, {scale}", ()
    doubt = hardly_within(fit, pair)
    return f"Lagged effects{'' if doubt else ' within persons'}, {scale}", doubt


def effects_in_words(shown: pd.DataFrame, n_draws: int) -> TextTable:
    """Effects with the evidence on their signs."""
    raw = zip(shown["raw_mean"], intervals(shown, "raw_", ".3g"), strict=True)
    return TextTable.of(
        {
            "": labels(shown),
            **estimates(shown),
            "P(effect > 0)": probabilities(shown["p_positive"], n_draws, shown["no_sign"]),
            "prior": probabilities(shown["p_positive_prior"], n_draws, shown["no_sign_prior"]),
            "P(|effect| < margin)": probabilities(shown["p_negligible"], n_draws),
            **estimates_without_prior(shown),
            "raw units": [f"{mean:.3g} {inside}" for mean, inside in raw],
        },
        left={"raw units"},
    )


def divergences_in_words(health: Diagnostics, n_drawn: int) -> Iterator[str]:
    """The rate of divergences where there are some, too few to be a problem."""
    if isinstance(health, Health) and health.divergences and health.healthy:
        yield f"Divergences: {1000 * health.divergences / n_drawn:.2g} per 1,000 draws."


def contest_in_words(contest: tuple[Probability, Probability], paths: tuple[str, str], sds: tuple[float, float]) -> str:
    """Posterior and prior odds that the first effect is the larger in size, and how well both are estimated."""
    odds, prior_odds = map(odds_of, contest)
    ratio = odds.times(prior_odds.inverse).with_error()
    return (
        f"|{paths[0]}| larger than |{paths[1]}|: posterior odds {odds}, prior odds {prior_odds}, ratio {ratio}; "
        f"posterior SDs {sds[0]:.2g} and {sds[1]:.2g}"
    )


def evidence_in_words(evidence: pd.DataFrame, pair: tuple[str, str], margin: float, n_draws: int) -> Iterator[str]:
    """Probabilities of the events that a verdict may name; "both larger" only where both signs are settled."""
    first, second = pair
    least = number(margin)
    meaning = {
        f"{first} leads": f"|{lagged_path(first, second)}| larger by more than {least}",
        f"{second} leads": f"|{lagged_path(second, first)}| larger by more than {least}",
        "both": f"both larger than {least} in size",
        "practically none": f"both smaller than {least} in size",
    }
    for event, row in evidence.iterrows():
        if event == "both" and not row["signs_settled"]:
            continue
        error = f"MCSE {np.ceil(row['mcse'] * 1000) / 1000:.3f}" if row["mcse"] else "all draws agree"
        value, prior = (Probability(row[name], 0.0, n_draws) for name in ("probability", "prior"))
        yield f"{stated(meaning[str(event)], value)} ({error}), prior {prior}"
