"""Assumptions as sentences that know what they are about, so that each is printed where it is needed."""

from collections.abc import Iterable
from typing import Literal

__all__ = [
    "ERROR_IN_REGRESSIONS",
    "HEADINGS",
    "About",
    "Assumption",
    "assumptions_about",
    "error_first",
    "further_assumptions",
]

About = Literal["error", "meaning", "missing", "model"]

# Of the groups that are printed once, with the fit
HEADINGS: dict[About, str] = {
    "missing": "How missing values and states are treated:",
    "model": "How the model is built:",
}


class Assumption(str):
    """A sentence on measurement error, what an effect means, missing values and states, or how the model is built."""

    about: About

    def __new__(cls, sentence: str, about: About = "meaning") -> "Assumption":
        """Make it of a sentence and its group."""
        assumption = super().__new__(cls, sentence)
        assumption.about = about
        return assumption


ERROR_IN_REGRESSIONS = Assumption(
    "Everything is measured without error: error in a predictor weakens its effect, error in a confounder leaves part "
    "of the confounding.",
    "error",
)


def assumptions_about(assumptions: Iterable[str], *about: About) -> tuple[str, ...]:
    """Those of some groups; a plain sentence is about what an effect means."""
    return tuple(each for each in assumptions if getattr(each, "about", "meaning") in about)


def error_first(assumptions: Iterable[str]) -> tuple[str, ...]:
    """The same, those about measurement error first, which no model removes that does not say it."""
    return tuple(sorted(assumptions, key=lambda each: getattr(each, "about", "meaning") != "error"))


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
