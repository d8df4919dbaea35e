"""Tables of an answer on direction: effects, events of a verdict, and the contest of sizes."""

from collections.abc import Mapping, Sequence

import pandas as pd
import xarray as xr

from ..posterior.posterior import Posterior
from ..posterior.summaries import indicator, probability
from ..spec.steps import interval_names
from .cells import mean_and_interval, sign, table_of
from .directionality_effects import SIDES, Effects
from .ratios import odds_of

__all__ = ["contest_table", "effects_table", "evidence_table"]


def evidence_table(effects: Mapping[str, Effects], *, healthy: bool) -> pd.DataFrame:
    """Probabilities of the events of a verdict, after and before the data, and whether the signs it needs are settled.

    No sign is settled by draws that are not healthy.
    """
    rows = {}
    for one in effects.values():
        settled = [healthy and path in one.signs for path in one.paths]
        for (event, (after, before)), signs in zip(one.events.items(), (*settled, all(settled), True), strict=True):
            rows[one.over, event] = {
                "probability": after.value,
                "mcse": after.mcse,
                "prior": before.value,
                "signs_settled": signs,
            }
    return table_of(rows, "over", "event")


def contest_table(effects: Mapping[str, Effects]) -> pd.DataFrame:
    """Odds that the first effect is the larger in size, after and before the data."""
    rows = {}
    for one in effects.values():
        after, before = one.contest
        odds, prior_odds = odds_of(after), odds_of(before)
        ratio = odds.times(prior_odds.inverse)
        rows[one.over] = {
            "probability": after.value,
            "mcse": after.mcse,
            "prior": before.value,
            "odds": odds.value,
            "prior_odds": prior_odds.value,
            "ratio": ratio.value,
            "log_error": ratio.error,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("over")


def effects_table(
    fit: Posterior, effects: Mapping[str, Effects], by_interval: Sequence[xr.Dataset], lengths: Sequence[str]
) -> pd.DataFrame:
    """Rows of lengths and of intervals, from draws of the posterior and of the prior."""
    rows: dict[tuple[str, str], dict[str, float]] = {}
    for side, path in zip(SIDES, next(iter(effects.values())).paths, strict=True):
        for one in effects.values():
            rows[path, one.over] = _row(one.posterior, one.prior, side, one.margin)
        for name, length in zip(interval_names(fit.panel.times), lengths, strict=True):
            after, before = (draws.sel(interval=name) for draws in by_interval)
            rows[path, name] = _row(after, before, side, effects[length].margin)
    return table_of(rows, "path", "over")


def _row(effects: xr.Dataset, prior: xr.Dataset, side: str, margin: float) -> dict[str, float]:
    effect = effects[side]
    return {
        **mean_and_interval(effect),
        "sd": float(effect.std()),
        **sign(effect, prior[side]),
        "margin": margin,
        "p_negligible": probability(indicator(abs(effect) < margin, effect)).value,
        **mean_and_interval(effects[f"{side}_raw"], "raw_"),
        **mean_and_interval(prior[side], "prior_"),
    }
