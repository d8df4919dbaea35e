"""What an answer on direction prints: effects with their signs, the contest of sizes, and the events of a verdict."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ..basics.names import lagged_path, number
from ..basics.text_tables import TextTable
from ..posterior.fit import Fit
from ..posterior.summaries import Probability
from .cells import estimates, intervals, labels, probabilities, stated
from .dynamics import hardly_within, sample_in_words, units_in_words
from .lengths import spacing_in_words, time_in_words

__all__ = ["contest_in_words", "effects_in_words", "evidence_in_words", "heading_of"]


def heading_of(fit: Fit, pair: tuple[str, str], lag: str | None) -> tuple[str, tuple[str, ...]]:
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
            "raw units": [f"{mean:.3g} {inside}" for mean, inside in raw],
        },
        left={"raw units"},
    )


def contest_in_words(
    contest: "pd.Series[float]", paths: tuple[str, str], sds: tuple[float, float], n_draws: int
) -> str:
    """Posterior and prior odds that the first effect is the larger in size, and how well both are estimated."""
    odds, prior_odds = (odds_in_words(contest[name], n_draws) for name in ("probability", "prior"))
    bounded = next((text[0] for text in (odds, prior_odds) if text[0] in "<>"), "")
    ratio = contest["ratio"]
    if bounded:
        ratio_text = "beyond what these draws can show"
    else:
        ratio_text = f"{ratio:.2g}" if np.isfinite(ratio) else "undefined"
    first, second = (f"{sd:.2g}" for sd in sds)
    return (
        f"|{paths[0]}| larger than |{paths[1]}|: posterior odds {odds}, prior odds {prior_odds}, ratio {ratio_text}; "
        f"posterior SDs {first} and {second}"
    )


def odds_in_words(probability: float, n_draws: int) -> str:
    """Odds of a probability, never beyond what so many draws can show.

    Examples
    --------
    >>> odds_in_words(0.75, 4000), odds_in_words(1.0, 4000), odds_in_words(0.0, 400)
    ('3', '> 999', '< 0.01')
    """
    text = str(Probability(probability, 0.0, n_draws))
    if text == "undefined":
        return text
    if text[0] == ">":
        least = float(text[2:])
        return f"> {least / (1 - least):.0f}"
    if text[0] == "<":
        return text
    return f"{probability / (1 - probability):.2g}"


def evidence_in_words(
    evidence: pd.DataFrame, pair: tuple[str, str], margin: float, n_draws: int, *, both: bool
) -> Iterator[str]:
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
        if event == "both" and not both:
            continue
        error = f"MCSE {np.ceil(row['mcse'] * 1000) / 1000:.3f}" if row["mcse"] else "all draws agree"
        value, prior = (Probability(row[name], 0.0, n_draws) for name in ("probability", "prior"))
        yield f"{stated(meaning[str(event)], value)} ({error}), prior {prior}"
