"""Assumptions as sentences that know what they are about, so that each is printed where it is needed."""

from collections.abc import Iterable
from typing import Literal

__all__ = ["HEADINGS", "About", "Assumption", "assumptions_about", "further_assumptions"]

About = Literal["meaning", "missing", "model"]

# Of the groups that are printed once, with the fit
HEADINGS: dict[About, str] = {
    "missing": "How missing values and states are treated:",
    "model": "How the model is built:",
}


class Assumption(str):
    """A sentence about what an effect means, about missing values and states, or about how the model is built."""

    about: About

    def __new__(cls, sentence: str, about: About = "meaning") -> "Assumption":
        """Make it of a sentence and its group."""
        assumption = super().__new__(cls, sentence)
        assumption.about = about
        return assumption


def assumptions_about(assumptions: Iterable[str], about: About) -> tuple[str, ...]:
    """Those of one group; a plain sentence is about what an effect means."""
    return tuple(each for each in assumptions if getattr(each, "about", "meaning") == about)


def further_assumptions(assumptions: Iterable[str]) -> str:
    """How many assumptions are printed with the fit, not with each answer, in one sentence; nothing where none are."""
    every = tuple(assumptions)
    n_missing, n_model = (len(assumptions_about(every, about)) for about in ("missing", "model"))
    counted = [
        *([f"{n_missing} on missing values and states"] if n_missing else []),
        *([f"{n_model} on how the model is built"] if n_model else []),
    ]
    return (
        f"Further assumptions, printed with the fit: {' and '.join(counted)} (all in .assumptions)." if counted else ""
    )
