"""Panels whose missing values are imputed by a fit and then shifted, each fitted again.

In a model of normal measures all missing values are imputed and some of them shifted. In a model with families or a
state only those to be shifted are imputed, since its likelihood sums over the others; linear predictors are shifted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..basics.names import lagged_paths
from ..basics.problems import InterruptionError
from ..basics.progress import shown
from ..engine.model_on_panel import panel_model
from ..panel import Absence, Panel
from ..panel.records import MISSING
from ..posterior.fit import Fit
from ..posterior.health import STATISTICS, examine
from ..posterior.mixing import mixed
from ..posterior.predictions.latent import who_could_answer
from ..posterior.predictions.people import people_of
from ..posterior.sample import Sample
from ..posterior.samplers import sample_posterior
from ..posterior.settings import Settings

__all__ = ["FEWEST", "Cells", "Refit", "cells_of", "pooled", "refits"]

type FloatArray = NDArray[np.float64]
type Completed = Callable[[float], FloatArray]  # delta to values, shape ``(person, time, column)``

FEWEST = 2


@dataclass(frozen=True, eq=False)
class Cells:
    """Values of the model's columns that are imputed, and those of them, of one measure, that are shifted.

    Values that are not applicable, and people without any value, are not imputed; with a state, nor are values of which
    it is not known whether they exist.
    """

    measure: str
    columns: list[int]  # of the measure, positions among those of the model: one, or one for each indicator
    in_panel: list[int]  # positions of the model's columns among the measures of the panel
    scale: FloatArray  # SD of each column, the unit of shifts; NaN for responses, whose linear predictors are shifted
    kinds: NDArray[np.uint8]  # codes of `Absence`, (person, time, column)
    imputed: NDArray[np.bool_]
    shifted: NDArray[np.bool_]
    n_without_values: int  # people without any value
    n_unknown: int = 0  # values to be shifted that cannot be drawn, since their window or exposure is not known

    @property
    def counts(self) -> dict[str, int]:
        """Numbers of absent values that are shifted, imputed without a shift, and left absent."""
        shifted, imputed = int(self.shifted.sum()), int(self.imputed.sum())
        left = int((self.kinds != Absence.OBSERVED).sum()) - imputed
        return {"shifted": shifted, "imputed": imputed - shifted, "left": left}

    @property
    def shifted_by_kind(self) -> dict[str, int]:
        """Numbers of values that are shifted, by kind of absence."""
        counts = {name: int((self.kinds[self.shifted] == code).sum()) for name, code in MISSING.items()}
        return {name: count for name, count in counts.items() if count}


class Refit(NamedTuple):
    """The fit of one completed panel, as far as it is kept: draws of parameters and of the two lagged effects.

    Mean of the shifted values in the measure's unit (with indicators: of the first one, NaN where it has none).
    """

    posterior: xr.Dataset
    sample_stats: xr.Dataset
    imputed_mean: float


def cells_of(fit: Fit, measure: str, absences: Sequence[str]) -> Cells:
    """Values to impute and to shift, for a measure and names of `MISSING`."""
    panel, spec, names = fit.panel, fit.spec, fit.spec.response_columns
    assert panel.absence is not None
    columns = [names.index(name) for name in spec.columns_of(measure)]
    in_panel = [panel.measures.index(name) for name in names]
    kinds = panel.absence[:, :, in_panel]
    observed = (kinds == Absence.OBSERVED).any(axis=(1, 2))
    imputed = np.isin(kinds, list(MISSING.values())) & observed[:, None, None]
    shifted = imputed & np.isin(kinds, [MISSING[name] for name in absences])
    shifted &= np.isin(np.arange(len(names)), columns)
    n_without_values = int((~observed).sum())
    if not spec.is_latent:
        return Cells(measure, columns, in_panel, fit.model.statistics.scale, kinds, imputed, shifted, n_without_values)
    exists, drawable = who_could_answer(fit.model, measure)
    shifted &= exists[:, :, None]
    units = np.concatenate(
        [
            np.full(len(spec.columns_of(name)), np.nan if name in spec.random_families else unit)
            for name, unit in zip(spec.measures, fit.model.unit, strict=True)
        ]
    )
    n_unknown = int((shifted[:, :, columns[0]] & ~drawable).sum())
    return Cells(measure, columns, in_panel, units, kinds, shifted, shifted, n_without_values, n_unknown)


def refits(
    fit: Fit,
    cells: Cells,
    pair: tuple[str, str],
    deltas: Sequence[float],
    *,
    imputations: int,
    settings: Settings,
    progress: bool | None,
) -> list[list[Refit]]:
    """Fits of completed panels, for each imputation one at every delta; lagged effects between the pair are kept.

    Each imputation has its own posterior draw and seed, and its values are shifted by every delta. An interruption is
    raised before two imputations are done at every delta; after that complete imputations are returned.
    """
    rng = np.random.default_rng([settings.seed, *b"delta adjustment"])
    thetas = fit.thetas
    # In random order, so that an interruption leaves draws of all chains.
    chosen = thetas[rng.permutation(np.linspace(0, len(thetas) - 1, imputations).astype(int))]
    seeds = rng.integers(2**31, size=imputations)
    by_imputation: list[list[Refit]] = []

    @lru_cache(maxsize=1)
    def completed(imputation: int) -> Completed:
        return _imputed(fit, cells, chosen[imputation], rng)

    try:
        for step in shown(range(imputations * len(deltas)), "Fitting completed panels", progress):
            imputation, index = divmod(step, len(deltas))
            if index == 0:
                by_imputation.append([])
            seeded = replace(settings, seed=int(seeds[imputation]))
            by_imputation[-1].append(_refit(fit, cells, pair, completed(imputation)(deltas[index]), seeded))
    except (KeyboardInterrupt, InterruptionError):
        by_imputation = [by_delta for by_delta in by_imputation if len(by_delta) == len(deltas)]
        if len(by_imputation) < FEWEST:
            raise
    return by_imputation


def _imputed(fit: Fit, cells: Cells, theta: FloatArray, rng: np.random.Generator) -> Completed:
    """Values at one posterior draw given those observed, in raw units, by delta."""
    values = people_of(fit.model).imputed(cells.measure, theta, rng)
    at_random = values(0.0)
    return lambda delta: np.where(cells.shifted, values(delta), at_random)


def _completed(panel: Panel, cells: Cells, values: FloatArray) -> Panel:
    """The panel with these values where it is imputed."""
    assert panel.values is not None
    assert panel.absence is not None
    completed, kinds = panel.values.copy(), panel.absence.copy()
    completed[:, :, cells.in_panel] = np.where(cells.imputed, values, completed[:, :, cells.in_panel])
    kinds[:, :, cells.in_panel] = np.where(cells.imputed, Absence.OBSERVED, cells.kinds)
    return replace(panel, values=completed, absence=kinds, source=f"{panel.source}, imputed")


def _refit(fit: Fit, cells: Cells, pair: tuple[str, str], values: FloatArray, settings: Settings) -> Refit:
    panel = _completed(fit.panel, cells, values)
    # Imputed values may change which histories of a state are possible, and how many of its waves count.
    model = panel_model(fit.spec, panel) if fit.spec.is_latent else replace(fit.model, panel=panel)
    sample = sample_posterior(model, settings)
    posterior = sample.posterior
    if sample.interrupted:
        raise KeyboardInterrupt
    effects = posterior[["lagged_standardized", "lagged"]].sel(path=list(lagged_paths(pair)))
    parameters = posterior[[block.name for block in fit.model.scale.blocks]]
    statistics = sample.group("sample_stats")
    statistics = statistics[[name for name in STATISTICS if name in statistics]]
    column = cells.columns[0]
    first = values[:, :, column][cells.shifted[:, :, column]]
    return Refit(xr.merge([parameters, effects]), statistics, float(first.mean()) if first.size else np.nan)


def pooled(fit: Fit, refitted: Sequence[Refit], settings: Settings) -> Fit:
    """A fit with the draws of several imputations at one delta, mixed, and the health of all.

    R-hat and effective sample sizes are those of draws standardised within their imputation, since posteriors of
    different completed panels rightly differ in mean and SD.
    """
    names = [block.name for block in fit.model.scale.blocks]
    parameters = [refit.posterior[names] for refit in refitted]
    alike = [(draws - draws.mean(("chain", "draw"))) / draws.std(("chain", "draw")) for draws in parameters]
    together = {"/posterior": mixed(alike), "/sample_stats": mixed([refit.sample_stats for refit in refitted])}
    health = examine(xr.DataTree.from_dict(together), names, thin=settings.thin)
    of_fit = tuple(f"The fit that values were imputed from: {problem}" for problem in fit.health.problems)
    draws = {"/posterior": mixed([refit.posterior for refit in refitted]), "/prior": fit.drawn("prior")}
    return Fit(
        fit.model,
        Sample(xr.DataTree.from_dict(draws), settings),
        examined=replace(health, problems=(*of_fit, *health.problems)),
    )
