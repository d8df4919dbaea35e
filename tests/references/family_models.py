"""The panel and the spec behind each key of lavaan_family.json, for tests and for `export_syntax.py`."""

from functools import cache
from typing import Any

import export_data
import pandas as pd

import alliance_bayes as ab

__all__ = ["family_panel", "family_spec"]

GAPS = {  # made of the waves of another panel that are kept
    "help_gap": ("help", [6, 12, 24]),
    "wages5_gap": ("wages5", [1980, 1981, 1983, 1984]),
    "starts2_gap": ("starts2_missing", [0, 1, 4]),
}
ITEMS = {"x": ["a1", "a2", "a3"], "y": ["b1", "b2", "b3"]}
MODELS = {"riclpm": ab.RICLPM, "clpm": ab.CLPM, "dpm": ab.DPM, "starts": ab.STARTS, "lcmsr": ab.LCMSR, "alt": ab.ALT}
LAGS = {"equal": "equal", "free": "free", "grid": "grid", "equal standardized": "equal_standardized"}
TARGETS = {
    "intercepts": "intercepts",
    "first within": "first_wave",
    "each wave": "each_wave",
    "every wave alike": "every_wave",
}
EVERYTHING = ["variances", "residuals", "means"]


@cache
def _family() -> dict[str, tuple[pd.DataFrame, pd.DataFrame | None]]:
    return export_data.family()


@cache
def family_panel(name: str) -> ab.Panel:
    """The panel that lavaan saw: every measure less its centre, divided by its scale, over all its waves."""
    source, times = GAPS.get(name, (name, None))
    raw, people = _family()[source]
    frame = export_data.standardised(raw)
    measures = list(raw.columns.drop(["person", "time"]))
    covariates: list[str] = []
    group = None
    if people is not None and "site" in people:
        frame, group = frame.merge(people, left_on="person", right_index=True), "site"
    if people is not None and "c1" in people:
        frame = frame.merge(people[["c1", "c2"]], left_on="person", right_index=True)
        varying = people.filter(like="z_").rename(columns=lambda column: float(column.removeprefix("z_")))
        long = varying.melt(var_name="time", value_name="z", ignore_index=False).reset_index()
        frame = frame.merge(long, on=["person", "time"])
        measures, covariates = [*measures, "z"], ["c1", "c2"]
    return ab.Panel.from_long(
        frame, person="person", time="time", measures=measures, times=times, covariates=covariates, group=group
    )


def family_spec(key: str) -> Any:
    """The model of a key such as ``help/riclpm/equal/means equal``; None where it is not a matter of the spec."""
    data, kind, lags, *variant = key.split("/")
    options: dict[str, Any] = {"lags": LAGS[lags]}
    for words in variant:
        more = _options_of(words, variant, kind, _measures(data))
        if more is None:
            return None
        options |= more
    return MODELS[kind](_measures(data), **options)


def _measures(data: str) -> list[str]:
    if data.startswith("items"):
        return list(ITEMS)
    columns = _family()[GAPS.get(data, (data, None))[0]][0].columns
    return list(columns.drop(["person", "time"]))


def _options_of(words: str, variant: list[str], kind: str, measures: list[str]) -> dict[str, Any] | None:
    match words.split(" "):
        case ["robust" | "clusters" | "weights", *_]:
            return None
        case ["groups" | "indicators"]:
            return {}
        case [_] if variant[0] == "groups":
            return {"group_lags": "free"}
        case ["lags", "equal"]:
            return {"group_lags": "equal"}
        case ["everything", "equal"]:
            return {"group_lags": "equal", "equal_across_groups": EVERYTHING}
        case [ladder] if variant[0] == "indicators":
            return {"indicators": ITEMS, "invariance": ladder}
        case ["stationary"]:
            return {} if kind == "starts" else {"stationary": True}
        case ["trait", "loadings", "free"]:
            return {"trait_loadings": "free"}
        case [("residuals" | "means") as option, value]:
            return {option: value}
        case ["no", *path]:
            return {"remove": [" ".join(path)]}
        case ["lag", "2", "of", "every", "path"]:
            return {"lag_2": [f"{one} -> {other}" for one in measures for other in measures]}
        case ["lag", "2", "of", *paths]:
            return {"lag_2": " ".join(paths).split(" and ")}
        case ["error", "variance", first, "and", second]:
            return {"reliability": dict(zip(measures, (1 - float(first), 1 - float(second)), strict=True))}
        case [*_, "alike,", _, "to", _, "and", _, "to", _]:
            path, intervals = words.split(" alike, ")
            return {"equal": [[f"{path}, {interval}" for interval in intervals.split(" and ")]]}
        case _ if " on " in words:
            return {"covariates": _covariates_of(words)}
    raise ValueError(f"no option is known for {words!r}")


def _covariates_of(words: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for part in words.split(", "):
        names, target = part.split(" on ")
        for name in names.split(" and "):
            found.setdefault(name, []).append(TARGETS[target])
    return found
