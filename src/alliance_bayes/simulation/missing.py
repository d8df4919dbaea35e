"""Which simulated values go missing."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..basics.given import is_one_of, shown
from ..basics.names import quoted
from ..basics.problems import Problems, SpecError
from .reading import SHARE, Array, Each, plain_numbers

__all__ = ["Missing", "absent_values"]

Mechanism = Literal["completely_at_random", "at_random"]
Unit = Literal["wave", "value"]


@dataclass(frozen=True, kw_only=True)
class Missing:
    """Which simulated values are missing: some after the first wave, at random.

    At wave t a person i is missed with ``logit p_it = a_t + slope * x_it``, where x_it is the
    mean over measures of the last value observed before t, in total SDs from its wave's mean, and
    a_t is solved so that the mean of p_it over the simulated persons is the share. Missingness
    thus depends on observed values alone (missing at random [1]_). A missed wave does not end
    the follow-up, and the first wave is complete.

    Parameters
    ----------
    share
        Expected share of persons missed at a wave after the first, in [0, 1): a number, or a
        list with one for each later wave.
    mechanism
        ``"at_random"``: by the equation above; ``"completely_at_random"``: with slope 0, so that
        everybody has the share as probability.
    slope
        Log odds of being missed per unit of x, with ``mechanism="at_random"``; positive: people
        with high values are missed more.
    unit
        ``"wave"``: all measures of a person-wave go missing together (wave missing);
        ``"value"``: each measure by itself with the same p_it (item missing).

    Raises
    ------
    SpecError
        If a value is out of range, or a slope is given without ``mechanism="at_random"``.

    References
    ----------
    .. [1] Rubin (1976). Inference and missing data. Biometrika 63, 581-592.
       https://doi.org/10.1093/biomet/63.3.581

    Examples
    --------
    >>> Missing(share=[0.1, 0.2], mechanism="at_random", slope=0.5).share
    (0.1, 0.2)
    """

    share: Each
    mechanism: Mechanism = "completely_at_random"
    slope: float = 1.0
    unit: Unit = "wave"

    def __post_init__(self) -> None:
        problems = Problems("Values cannot go missing in this way")
        share = plain_numbers(self.share)
        if share is None or not all(map(SHARE.accepts, np.atleast_1d(share))):
            problems.add(
                f"share must be {SHARE.expected}, or a list with one for each later wave; got {shown(self.share)}."
            )
        for name, allowed in (("mechanism", get_args(Mechanism)), ("unit", get_args(Unit))):
            if not is_one_of(getattr(self, name), allowed):
                problems.add(f"{name} must be one of {quoted(allowed)}; got {shown(getattr(self, name))}.")
        if not isinstance(plain_numbers(self.slope), float):
            problems.add(f"slope must be a number; got {shown(self.slope)}.")
        elif isinstance(self.mechanism, str) and self.mechanism == "completely_at_random" and self.slope != 1.0:
            problems.add(f"slope={self.slope!r} needs mechanism='at_random'; add that, or leave the slope out.")
        problems.raise_as(SpecError)
        object.__setattr__(self, "share", share)


def absent_values(standardized: Array, missing: Missing, random: np.random.Generator) -> NDArray[np.bool_]:
    """Which values go missing, dims (person, wave, measure); decided wave by wave from what was seen."""
    persons, waves, measures = standardized.shape
    slope = missing.slope if missing.mechanism == "at_random" else 0.0
    chances = random.random((persons, waves, 1 if missing.unit == "wave" else measures))
    absent = np.zeros(standardized.shape, dtype=bool)
    last_seen = standardized[:, 0]
    for wave, share in enumerate(np.broadcast_to(missing.share, waves - 1), start=1):
        probabilities = probabilities_with_share(slope * last_seen.mean(axis=1), float(share))
        absent[:, wave] = chances[:, wave] < probabilities[:, None]
        last_seen = np.where(absent[:, wave], last_seen, standardized[:, wave])
    return absent


def probabilities_with_share(log_odds: Array, share: float) -> Array:
    """Probabilities with these log odds, all shifted alike so that their mean is `share`."""
    if share == 0:
        return np.zeros_like(log_odds)
    center = math.log(share / (1 - share))
    low, high = center - log_odds.max(), center - log_odds.min()
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _logistic(middle + log_odds).mean() < share else (low, middle)
    return _logistic(high + log_odds)


def _logistic(log_odds: Array) -> Array:
    return (1 + np.tanh(log_odds / 2)) / 2
