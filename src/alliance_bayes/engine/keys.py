"""The typed keys by which the parts of a model find one another's parameters."""

from typing import Literal, NamedTuple

__all__ = [
    "ACCUMULATING",
    "ACCUMULATING_SLOPE",
    "ACCUMULATING_SLOPE_WITH_FIRST",
    "ACCUMULATING_WITH_FIRST",
    "ACCUMULATING_WITH_SLOPE",
    "BETWEEN",
    "DIFFUSION",
    "DRIFT",
    "FIRST",
    "INNOVATION",
    "LAGGED",
    "LOADING",
    "MODERATION",
    "SECOND_LAG",
    "Key",
    "Kind",
]

Kind = Literal[
    "lagged",
    "drift",
    "moderation",
    "between",
    "growth",
    "loading",
    "accumulating",
    "within",
    "innovation",
    "diffusion",
    "error",
    "item",
    "covariate",
    "mean",
    "covariance",
    "restart",
    "state",
    "selection",
    "family",
]


class Key(NamedTuple):
    """An array of parameters: those of one group, and of one interval or wave where it has its own."""

    kind: Kind  # what its parameters describe
    word: str = ""  # how their names begin
    of: tuple[str, ...] = ()  # what it is of, where a model has several arrays of one kind and word


# Those that several parts read, or the dynamics; others are defined with their part.
LAGGED = Key("lagged")
SECOND_LAG = Key("lagged", of=("lag 2",))
DRIFT = Key("drift", "drift")
MODERATION = Key("moderation")
BETWEEN = Key("between", "between")
ACCUMULATING = Key("accumulating", "accumulating")
ACCUMULATING_WITH_FIRST = Key("accumulating", "accumulating with first")
ACCUMULATING_SLOPE = Key("growth", "accumulating slope")
ACCUMULATING_WITH_SLOPE = Key("growth", "accumulating with accumulating slope")
ACCUMULATING_SLOPE_WITH_FIRST = Key("growth", "accumulating slope with first")
LOADING = Key("loading", "loading")
FIRST = Key("within", "within")
INNOVATION = Key("innovation", "innovation")
DIFFUSION = Key("diffusion", "diffusion")
