"""Both lagged effects between two measures draw by draw: events, contest of sizes and settled signs over one length."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr

from ..basics.names import lagged_path
from ..posterior.posterior import Posterior
from ..posterior.summaries import Probability, above, average_by_length, below, indicator, probability
from .arguments import MARGIN
from .at_lag import effects_at_lag
from .lengths import average_over, lag_label, length_labels

__all__ = [
    "SIDES",
    "Effects",
    "EffectsByLength",
    "by_path",
    "drawn_effects",
    "effects_by_length",
]

SIDES = ("forward", "backward")
PERCENTILES = (100 * 0.1587, 100 * 0.8413)
"""One SD below and above the mean of a normal distribution."""
LARGEST_MARGIN = 0.99


@dataclass(frozen=True, eq=False)
class Effects:
    """Draws of both directions over one length, after and before the data, and the margin there."""

    over: str
    pair: tuple[str, str]
    posterior: xr.Dataset
    prior: xr.Dataset
    margin: float
    certainty: float

    @property
    def paths(self) -> tuple[str, str]:
        """Both paths."""
        return lagged_path(*self.pair), lagged_path(*reversed(self.pair))

    @cached_property
    def events(self) -> Mapping[str, tuple[Probability, Probability]]:
        """Probabilities of each event after and before the data, those of leads first."""
        after, before = (_events(draws, self.pair, self.margin) for draws in (self.posterior, self.prior))
        return {event: (after[event], before[event]) for event in after}

    @cached_property
    def contest(self) -> tuple[Probability, Probability]:
        """Probability that the first effect is the larger in size, after and before the data."""
        after, before = (
            probability(above(abs(draws["forward"]), abs(draws["backward"]))) for draws in (self.posterior, self.prior)
        )
        return after, before

    @cached_property
    def sds(self) -> tuple[float, float]:
        """Posterior SDs of both effects."""
        forward, backward = (float(self.posterior[side].std()) for side in SIDES)
        return forward, backward

    @cached_property
    def signs(self) -> Mapping[str, str]:
        """Paths whose sign is settled, with it."""
        settled = {}
        for side, path in zip(SIDES, self.paths, strict=True):
            effect = self.posterior[side]
            for word, holds in (("positive", above(effect, 0)), ("negative", below(effect, 0))):
                if probability(holds).reaches(self.certainty):
                    settled[path] = word
        return settled


@dataclass(frozen=True, eq=False)
class EffectsByLength:
    """Draws of both directions over every length, and over each interval, after and before the data."""

    by_length: Mapping[str, Effects]
    lag: float
    """The length in question."""
    averages: xr.Dataset
    by_interval: tuple[xr.Dataset, xr.Dataset]
    lengths: Sequence[str]
    """Of each interval."""

    @property
    def asked(self) -> Effects:
        """Both directions over the length in question."""
        return self.by_length[lag_label(self.lag)]


def effects_by_length(
    fit: Posterior, pair: tuple[str, str], lag: float | None, margin: float | None, certainty: float
) -> EffectsByLength:
    """What an answer on the direction of a pair is made of."""
    lengths, shortest = length_labels(fit), min(fit.panel.intervals)
    lag = shortest if lag is None else lag
    (by_interval, averages), before = (drawn_effects(fit, pair, lag, name) for name in ("posterior", "prior"))
    spread = {str(length): _prior_spread(before[1], before[0], lengths, length) for length in averages["length"].values}
    effects = {
        length: Effects(
            average_over(length) if length in lengths else f"lag of {length}",
            pair,
            averages.sel(length=length),
            before[1].sel(length=length),
            margin if margin is not None else _default_margin(spread[length], spread[lag_label(shortest)]),
            certainty,
        )
        for length in spread
    }
    return EffectsByLength(effects, lag, averages, (by_interval, before[0]), lengths)


def _events(effects: xr.Dataset, pair: tuple[str, str], margin: float) -> dict[str, Probability]:
    """Probability of each event that a verdict may name."""
    forward, backward = abs(effects["forward"]), abs(effects["backward"])
    holds = {
        f"{pair[0]} leads": forward - backward > margin,
        f"{pair[1]} leads": backward - forward > margin,
        "both": (forward > margin) & (backward > margin),
        "practically none": (forward < margin) & (backward < margin),
    }
    return {event: probability(indicator(draws, forward, backward)) for event, draws in holds.items()}


def drawn_effects(
    fit: Posterior, pair: tuple[str, str], lag: float, group: str = "posterior"
) -> tuple[xr.Dataset, xr.Dataset]:
    """Draws of both effects over each interval, and over each length: averages of intervals, and the lag itself."""
    lengths, chosen = length_labels(fit), lag_label(lag)
    by_interval = _both_sides(fit.drawn(group), *pair)
    also = {} if chosen in lengths else {chosen: _both_sides(effects_at_lag(fit, lag, group), *pair)}
    return by_interval, average_by_length(by_interval, lengths, also)


def _both_sides(draws: xr.Dataset, first: str, second: str) -> xr.Dataset:
    """Effects of the first measure on the second ("forward") and back, standardised and in raw units."""
    effects = {}
    for suffix, name in (("", "lagged_standardized"), ("_raw", "lagged")):
        effects[f"forward{suffix}"] = draws[name].sel(path=lagged_path(first, second), drop=True)
        effects[f"backward{suffix}"] = draws[name].sel(path=lagged_path(second, first), drop=True)
    return xr.Dataset(effects)


def by_path(average: xr.Dataset, by_interval: xr.Dataset, pair: tuple[str, str]) -> xr.Dataset:
    """Draws of both effects, averages and intervals, with a dimension ``path``."""
    paths = [lagged_path(*pair), lagged_path(*reversed(pair))]
    draws = {
        name: effects[["forward", "backward"]].to_dataarray("path").assign_coords(path=paths)
        for name, effects in (("effect", average), ("effect_by_interval", by_interval))
    }
    return xr.Dataset(draws).transpose("chain", "draw", "path", ...)


def _prior_spread(average: xr.Dataset, by_interval: xr.Dataset, lengths: Sequence[str], length: str) -> float:
    """How widely an effect over one length is spread before the data, of single intervals, not of their average.

    Half of the distance of the 16th and the 84th percentile, both directions pooled: an SD, but of most draws, since
    few unstable ones would decide over that of a long lag.
    """
    if length in lengths:
        draws = by_interval.isel(interval=[index for index, label in enumerate(lengths) if label == length])
    else:
        draws = average.sel(length=length)
    pooled = np.concatenate([draws[side].to_numpy().ravel() for side in SIDES])
    lower, upper = np.nanpercentile(pooled, PERCENTILES) if np.isfinite(pooled).any() else (np.nan, np.nan)
    return float(upper - lower) / 2


def _default_margin(spread: float, at_shortest: float) -> float:
    """The default margin where prior effects have this SD, and that over the shortest interval."""
    ratio = spread / at_shortest if at_shortest > 0 and np.isfinite(spread) else 1.0
    return min(float(f"{MARGIN * ratio:.2g}"), LARGEST_MARGIN) or MARGIN
