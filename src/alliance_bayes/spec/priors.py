"""Priors of a model as one value: they print, compare, and go into a model file and back."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self, get_args, get_type_hints

from ..basics.calls import checked
from ..basics.distributions import (
    LKJ,
    Beta,
    HalfNormal,
    LogNormal,
    Normal,
    Prior,
    prior_from_mapping,
    prior_problems,
    prior_to_mapping,
)
from ..basics.given import shown
from ..basics.names import choices, number
from ..basics.problems import Problems, SpecError

__all__ = ["WIDEST", "Priors"]


@dataclass(frozen=True)
class Priors:
    """Priors of a cross-lagged model.

    Every prior is the same for all measures, intervals and directions, so that neither
    direction is favoured. Units: lagged effects are in within-person SDs of the outcome per
    within-person SD of the predictor, both at the first wave (in a model without random
    intercepts: of the measures themselves). Where groups with SDs of their own share an effect, its
    stated square is the mean of the squares in the groups. SDs and means are in units of each measure's SD
    about its wave means, the means counted from the measure's overall mean.

    Parameters
    ----------
    carry_over
        Effect of a measure on itself one interval later, restricted to (-1, 1).
    cross_lagged
        Effect of one measure on another one interval later.
    total_sd
        SD of a measure between people at the first wave, trait and state together.
    icc
        Share of the first wave's variance that is stable between people.
    innovation_ratio
        SD of a measure's innovation over an interval (with a grid: a base step; in continuous time: of its diffusion),
        relative to the SD with which the within-person variance would stay what it was at the first wave: from 0.68 to
        1.48 with 95 %. That SD is ``s sqrt(max(1 - e, 0.05))``, s being the within-person SD at the first wave
        (given the accumulating factors, where there are any) and ``e = (F R F')_kk`` the share of the variance that
        lagged effects F carry over, R the correlations at the first wave. An SD that holds for several intervals
        or groups is relative to the average variance. Without it within-person SDs would grow from wave to wave in the
        prior, and standardised effects with them.
    interval_spread
        With ``lags="free"``: SD of a lagged effect about its average over the intervals, whose prior is `carry_over` or
        `cross_lagged` whatever the number of intervals; that of a single one is wider. With ``lags="unpooled"`` these
        are the independent priors of each interval's effect, and that of the average is narrower the more intervals
        there are.
    restart_sd
        SD of a measure when its state comes on again, relative to its within-person SD at the first wave.
    between_correlation, within_correlation, innovation_correlation
        Correlations of the random intercepts, of the first wave's within-person parts, and of
        the innovations.
    mean
        Mean of a measure at a wave, or of a line's start, slope or accumulating factor.
    decay, cross_drift
        In continuous time: minus a measure's effect on itself, and the effect of one measure on another, per
        shortest interval of the panel. By default the effects over that interval have about the SD of the default of
        `cross_lagged`, which continuous time does not use. Drifts with which a process explodes have no density.
    error_share
        STARTS: share of the variance not stable between people that is measurement error.
    accumulating_sd
        SD of the accumulating factors of a DPM or ALT.
    slope_sd
        SD of the slopes of an LCM-SR or ALT, from the first wave to the last.
    trait_loading
        Free loading of a trait after the first wave.
    moderation
        Change of a lagged effect per SD of its moderator.
    covariate
        Effect of one SD of a covariate.
    group_spread
        SD of a lagged effect between groups, where they are pooled, about the mean of their distribution, which has
        the stated prior. With the defaults, a cross-lagged effect of one group has an SD of 0.22, their mean of 0.2.
    loading, unique_sd
        Loading of an indicator, relative to the first, and SD of what only it measures.
    loading_difference
        With approximate invariance, difference of a loading or intercept at one wave from its mean over waves.

    Raises
    ------
    SpecError
        If a prior is of a family that cannot describe its parameter, is not proper, or is so
        wide or so far off that it is implausible.

    Examples
    --------
    >>> print(Priors(cross_lagged=Normal(0, 0.3)).cross_lagged)
    Normal(0, 0.3)
    """

    carry_over: Normal = Normal(0.4, 0.25)
    cross_lagged: Normal = Normal(0.0, 0.2)
    total_sd: HalfNormal | LogNormal = HalfNormal(1.0)
    icc: Beta = Beta(2.0, 2.0)
    innovation_ratio: HalfNormal | LogNormal = LogNormal(0.0, 0.2)
    interval_spread: HalfNormal | LogNormal = HalfNormal(0.1)
    restart_sd: HalfNormal | LogNormal = LogNormal(0.0, 0.5)
    between_correlation: LKJ = LKJ(2.0)
    within_correlation: LKJ = LKJ(2.0)
    innovation_correlation: LKJ = LKJ(2.0)
    mean: Normal = Normal(0.0, 1.0)
    decay: LogNormal = LogNormal(math.log(0.9), 0.6)
    cross_drift: Normal = Normal(0.0, 0.53)
    error_share: Beta = Beta(2.0, 3.0)
    accumulating_sd: HalfNormal | LogNormal = HalfNormal(0.5)
    slope_sd: HalfNormal | LogNormal = HalfNormal(0.5)
    trait_loading: Normal | LogNormal = LogNormal(0.0, 0.3)
    moderation: Normal = Normal(0.0, 0.1)
    covariate: Normal = Normal(0.0, 0.5)
    group_spread: HalfNormal | LogNormal = HalfNormal(0.1)
    loading: LogNormal = LogNormal(0.0, 0.5)
    unique_sd: HalfNormal | LogNormal = HalfNormal(1.0)
    loading_difference: Normal = Normal(0.0, 0.1)

    def __post_init__(self) -> None:
        problems = Problems("These priors cannot be used")
        for name, allowed in _ALLOWED.items():
            value = getattr(self, name)
            for problem in prior_problems(name, value, allowed) or _absurd(name, value):
                problems.add(problem)
        problems.raise_as(SpecError)

    def to_mapping(self) -> dict[str, dict[str, float | list[float]]]:
        """Return the priors as a model file writes them, e.g. ``{"icc": {"beta": [2.0, 2.0]}}``."""
        return {name: prior_to_mapping(getattr(self, name)) for name in _ALLOWED}

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, object]) -> Self:
        """Read priors as a model file writes them; those not named keep their defaults.

        Raises
        ------
        SpecError
            If a parameter or a family is unknown, or a prior is not usable.
        """
        problems = Problems("[priors] cannot be read")
        if not isinstance(mapping, Mapping):
            raise SpecError(f"[priors] must be a table, such as icc = {{ beta = [2.0, 2.0] }}; got {shown(mapping)}.")
        given: Any = {}
        for name, text in mapping.items():
            if name not in _ALLOWED:
                problems.add(f"No prior is called '{name}'{choices(name, _ALLOWED, 'Priors')}")
                continue
            with problems.collecting():
                given[name] = prior_from_mapping(name, text)
        problems.raise_as(SpecError)
        return cls(**given)

    @checked()
    def scaled(self, factor: float) -> Self:
        """Return the same priors with every SD multiplied by `factor` (Beta and LKJ stay)."""
        scaled: Any = {field.name: _scaled(getattr(self, field.name), factor) for field in fields(self)}
        return type(self)(**scaled)

    def __str__(self) -> str:
        width = max(map(len, _ALLOWED))
        return "\n".join(f"{name:{width}}  {getattr(self, name)}" for name in _ALLOWED)


_ALLOWED: dict[str, tuple[type[Prior], ...]] = {
    name: get_args(kinds) or (kinds,) for name, kinds in get_type_hints(Priors).items()
}
WIDEST = {"carry_over": 5.0, "cross_lagged": 5.0, "total_sd": 50.0, "innovation_ratio": 5.0, "mean": 100.0}
WIDEST |= {"cross_drift": 10.0, "moderation": 5.0, "covariate": 50.0, "accumulating_sd": 50.0, "slope_sd": 50.0}
WIDEST |= {"interval_spread": 5.0, "restart_sd": 50.0}
WIDEST |= {"trait_loading": 20.0, "group_spread": 5.0, "unique_sd": 50.0, "loading_difference": 5.0}
_UNITS = {
    "carry_over": "within-person SDs per within-person SD",
    "cross_lagged": "within-person SDs per within-person SD",
}


def _absurd(name: str, prior: Prior) -> list[str]:
    widest = WIDEST.get(name)
    unit = _UNITS.get(name, "SDs of the measure")
    match prior:
        case Normal(mean, sd) if widest and (sd > widest or abs(mean) > widest):
            return [
                f"'{name}' = {prior} is implausible: its unit is {unit}, "
                f"where neither the mean nor the SD can usefully exceed {number(widest)}."
            ]
        case Normal(mean) if name == "carry_over" and abs(mean) >= 1:
            return [f"'{name}' = {prior}: carry-over lies between -1 and 1, and so must its prior mean."]
        case HalfNormal(sd) if widest and sd > widest:
            return [
                f"'{name}' = {prior} is implausible: its unit is {unit}, "
                f"where an SD above {number(widest)} is of no use."
            ]
        case _:
            return []


def _scaled(prior: Prior, factor: float) -> Prior:
    match prior:
        case Normal(mean, sd):
            return Normal(mean, sd * factor)
        case HalfNormal(sd):
            return HalfNormal(sd * factor)
        case LogNormal(log_mean, log_sd):
            return LogNormal(log_mean, log_sd * factor)
        case _:
            return prior
