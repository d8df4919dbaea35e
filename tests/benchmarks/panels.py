"""The panels that everybody is timed on, simulated with fixed seeds or read from an installed package."""

import importlib.util
from itertools import pairwise, product

import numpy as np
import pandas as pd
from measuring import ROOT

import alliance_bayes as ab

N_PERSONS = 302


def spec_of(panel: ab.Panel) -> ab.RICLPM:
    """The model of every benchmark: equal lags, everything else free."""
    return ab.RICLPM(list(panel.measures), lags="equal")


def truth(n_measures: int, n_waves: int) -> ab.Truth:
    names = [f"y{number}" for number in range(1, n_measures + 1)]
    lagged = {f"{predictor} -> {outcome}": 0.1 for predictor, outcome in pairwise(names)}
    return ab.Truth(
        ab.RICLPM(names, lags="equal"),
        times=list(range(n_waves)),
        lagged=lagged,
        carry_over=0.4,
        icc=0.5,
        within_correlation=0.3,
        between_correlation=0.4,
    )


def eight_patterns(n_measures: int, *, seed: int = 3) -> ab.Panel:
    """Four waves of 302 people, each wave after the first missed by a fifth: every one of the 8 patterns occurs."""
    panel = ab.simulate(truth(n_measures, 4), persons=N_PERSONS, seed=seed, missing=ab.Missing(share=0.2))
    if n_patterns(panel) != 8:
        raise RuntimeError(f"Seed {seed} gives {n_patterns(panel)} missing patterns, not 8; take another.")
    return panel


def help_panel() -> ab.Panel:
    """Alliance and days without alcohol of the HELP study, 78 patterns."""
    references = _module("export_data", "tests/references/export_data.py")
    frame = references.help_follow_ups(contradictions="drop_value")
    panel = ab.Panel.from_long(frame, person="person", time="time", measures=["alliance", "days"])
    if n_patterns(panel) != 78:
        raise RuntimeError(f"HELP has {n_patterns(panel)} missing patterns, not 78.")
    return panel


def with_patterns(masks: np.ndarray, n_measures: int, n_waves: int, *, seed: int = 5) -> ab.Panel:
    """302 people whose values go missing by these masks, shape (pattern, wave * measure), in turn."""
    panel = ab.simulate(truth(n_measures, n_waves), persons=N_PERSONS, seed=seed)
    values = panel.values.reshape(N_PERSONS, -1).copy()
    values[~masks[np.arange(N_PERSONS) % len(masks)]] = np.nan
    return like(panel, values)


def like(panel: ab.Panel, values: np.ndarray) -> ab.Panel:
    """Other people at the same times."""
    shape = (len(values), len(panel.times), len(panel.measures))
    return ab.Panel.from_arrays(values.reshape(shape), measures=panel.measures, times=panel.times)


def repeated(panel: ab.Panel, n_persons: int, *, seed: int = 7) -> ab.Panel:
    """So many people in the same missing patterns, about the values of those of the panel."""
    rng = np.random.default_rng(seed)
    values = panel.values.reshape(len(panel.values), -1)[np.arange(n_persons) % len(panel.values)]
    return like(panel, values + rng.normal(0.0, 0.3, values.shape))


def random_masks(n_patterns: int, n_measures: int, n_waves: int, *, by: str, seed: int = 9) -> np.ndarray:
    """So many different masks with a fifth missing by value or by wave, complete data among them.

    A mask without any value is left out; shape (pattern, wave * measure), true where observed.
    """
    rng = np.random.default_rng(seed)
    units = n_waves * n_measures if by == "value" else n_waves
    masks = {(True,) * units: None}
    while len(masks) < n_patterns:
        mask = tuple((rng.random(units) > 0.2).tolist())
        if any(mask):
            masks[mask] = None
    return np.repeat(np.array(list(masks)), 1 if by == "value" else n_measures, axis=1)


def n_patterns(panel: ab.Panel) -> int:
    observed = ~np.isnan(panel.values.reshape(len(panel.values), -1))
    return len(np.unique(observed[observed.any(axis=1)], axis=0))


def standardized(panel: ab.Panel) -> np.ndarray:
    """Values less the measure's mean, over its SD about wave means; shape (person, wave * measure)."""
    values = panel.values
    centre = np.nanmean(values, axis=(0, 1))
    scale = np.sqrt(np.nanmean((values - np.nanmean(values, axis=0)) ** 2, axis=(0, 1)))
    rows = ((values - centre) / scale).reshape(len(values), -1)
    return rows[~np.isnan(rows).all(axis=1)]


def long_frame(panel: ab.Panel) -> pd.DataFrame:
    """One row per person and time, columns person, time and the measures."""
    rows = [(person, time) for person, time in product(range(len(panel.values)), panel.times)]
    frame = pd.DataFrame(rows, columns=["person", "time"])
    frame[list(panel.measures)] = panel.values.reshape(-1, len(panel.measures))
    return frame


def _module(name: str, path: str):
    location = importlib.util.spec_from_file_location(name, ROOT / path)
    module = importlib.util.module_from_spec(location)
    location.loader.exec_module(module)
    return module
