"""Which arguments of a truth a model uses, and which it needs."""

from collections.abc import Callable, Mapping

from ..spec.cross_lagged import CrossLagged
from .reading import SHARE, Entry

__all__ = ["NEEDS", "effect_entry", "is_used", "loading_entry", "mean_entry", "needed"]

type Rule = Callable[[CrossLagged, bool], bool]


def _not_at_equilibrium(spec: CrossLagged, equilibrium: bool) -> bool:
    return spec.accumulating and not equilibrium


def _with_intercepts(spec: CrossLagged, equilibrium: bool) -> bool:
    return spec.random_intercepts or (spec.stable == "accumulating" and equilibrium)


_RULES: Mapping[tuple[str, ...], tuple[Rule, str]] = {
    ("lagged", "carry_over"): (
        lambda spec, _: spec.lags != "continuous",
        "lags other than 'continuous', which have a drift instead",
    ),
    ("icc", "between_correlation"): (_with_intercepts, "random intercepts, or in a DPM equilibrium=True"),
    ("drift",): (lambda spec, _: spec.lags == "continuous", "lags='continuous' in the model"),
    ("lag_2",): (lambda spec, _: bool(spec.lag_2), "lag_2 in the model"),
    ("moderation",): (lambda spec, _: bool(spec.moderated), "moderated in the model"),
    ("within_scale",): (
        lambda spec, _: (spec.lags_by_interval or spec.lags == "equal_standardized") and not spec.is_stationary,
        "lags='free' or 'equal_standardized' in a model that is not stationary",
    ),
    ("innovations",): (
        lambda spec, _: not spec.is_stationary and spec.lags != "equal_standardized",
        "a model that is not stationary, with lags other than 'equal_standardized'",
    ),
    ("trait_loadings",): (lambda spec, _: spec.free_loadings, "trait_loadings='free' in the model"),
    ("error_share",): (lambda spec, _: spec.error, "a STARTS model"),
    ("equilibrium",): (
        lambda spec, _: spec.stable == "accumulating" and not spec.free_loadings,
        "a DPM whose trait loadings are fixed",
    ),
    ("accumulating_sds", "accumulating_correlation", "first_accumulating_correlation"): (
        _not_at_equilibrium,
        "an ALT, or a DPM without equilibrium",
    ),
    ("accumulating_means", "first_slope_correlation"): (lambda spec, _: spec.accumulating and spec.growth, "an ALT"),
    ("slope_sds", "slope_means", "slope_correlation", "intercept_slope_correlation"): (
        lambda spec, _: spec.growth,
        "an LCMSR or ALT",
    ),
    ("loadings", "item_intercepts", "unique_sds"): (lambda spec, _: bool(spec.indicators), "indicators in the model"),
    ("covariates",): (
        lambda spec, _: bool(spec.conditioned_on or spec.moderated),
        "covariates or moderated paths in the model",
    ),
    ("responses",): (lambda spec, _: bool(spec.random_families), "families in the model"),
    ("state",): (lambda spec, _: spec.state is not None, "a state in the model"),
    ("selection",): (lambda spec, _: bool(spec.selection), "a selection in the model"),
}

_USED: Mapping[str, Rule] = {name: rule for names, (rule, _) in _RULES.items() for name in names}
NEEDS: Mapping[str, str] = {name: words for names, (_, words) in _RULES.items() for name in names}


def is_used(name: str, spec: CrossLagged, *, equilibrium: bool = False) -> bool:
    """Whether this model has a use for an argument."""
    return name not in _USED or _USED[name](spec, equilibrium)


def needed(spec: CrossLagged, *, equilibrium: bool = False) -> dict[str, str]:
    """Arguments that a model cannot do without, and what they are."""
    needs = {}
    if _with_intercepts(spec, equilibrium):
        needs["icc"] = f"the share of variance that is stable between persons, {SHARE.expected}"
    if spec.error:
        needs["error_share"] = f"the share of the other variance that is measurement error, {SHARE.expected}"
    if _not_at_equilibrium(spec, equilibrium):
        cure = "" if spec.growth else " (or equilibrium=True and icc)"
        needs["accumulating_sds"] = f"SDs of the accumulating factors, numbers above 0{cure}"
    if spec.growth:
        needs["slope_sds"] = "SDs of the slopes from the first wave to the last, numbers above 0"
    if spec.indicators:
        needs["unique_sds"] = "SDs of what is unique to each indicator, numbers above 0"
    return needs


def effect_entry(spec: CrossLagged, intervals: int) -> Entry:
    """What a lagged effect may be."""
    match spec.lags:
        case "free" | "unpooled":
            return Entry(f"a number, or a list of {intervals}, one for each interval", intervals)
        case "grid":
            return Entry("one number, for a base step (lags='free' takes one for each interval)")
        case _:
            return Entry("one number, for every interval alike (lags='free' takes one for each)")


def loading_entry(spec: CrossLagged, waves: int) -> Entry:
    """What the loading of a stable factor may be: of accumulating ones, after the second wave."""
    count, later = (waves - 2, "wave after the second") if spec.accumulating else (waves - 1, "later wave")
    return Entry(f"a number above 0, or a list of {count}, one for each {later}", count, lambda value: value > 0)


def mean_entry(spec: CrossLagged, waves: int) -> Entry:
    """What the mean of a measure may be."""
    if spec.growth:
        return Entry("one number, for the first wave (later means follow the lines)")
    if spec.means == "free":
        return Entry(f"a number, or a list of {waves}, one for each wave", waves)
    return Entry("one number, for every wave alike (means='free' takes one for each)")
