"""Panels whose missing values are filled in as a fit believes and then shifted, each fitted again.

Of normal measures all missing values are filled in and some of them shifted. Of a model with families or a state only
those are filled in that are shifted, since its likelihood sums over the others; linear predictors are shifted.
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
from ..posterior.fitting import Fit
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
    """Which values of the model's columns are filled in, and which of them are shifted.

    Attributes
    ----------
    measure
        The measure whose values are shifted.
    own
        Positions of its columns among those of the model: one, or one for each indicator.
    places
        Positions of the model's columns among the measures of the panel.
    scale
        SD of each column, the unit of shifts, shape ``(column,)``; NaN of responses, whose linear predictors are
        shifted, in SDs of the first wave.
    kinds
        Codes of `Absence`, shape ``(person, time, column)``.
    filled, shifted
        Of the same shape. Values that do not exist, and people without any value, are not filled in; with a state,
        nor are those of which nobody knows whether they exist.
    n_unseen
        People without any value.
    n_unknown
        Values to be shifted that cannot be drawn, since their window or exposure is not known.
    """

    measure: str
    own: list[int]
    places: list[int]
    scale: FloatArray
    kinds: NDArray[np.uint8]
    filled: NDArray[np.bool_]
    shifted: NDArray[np.bool_]
    n_unseen: int
    n_unknown: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """Absent values that are shifted, filled in without a shift, and left absent."""
        shifted, filled = int(self.shifted.sum()), int(self.filled.sum())
        left = int((self.kinds != Absence.OBSERVED).sum()) - filled
        return {"shifted": shifted, "imputed": filled - shifted, "left": left}

    @property
    def shifted_by_kind(self) -> dict[str, int]:
        """Values that are shifted, by the kinds of absence that occur among them."""
        counts = {name: int((self.kinds[self.shifted] == code).sum()) for name, code in MISSING.items()}
        return {name: count for name, count in counts.items() if count}


class Refit(NamedTuple):
    """What is kept of the fit of one completed panel.

    Attributes
    ----------
    posterior
        Draws of the parameters, and of the lagged effects between the two measures in question.
    sample_stats
        Statistics of the sampler that its health is read from.
    imputed_mean
        Mean of the shifted values, in the measure's own unit (with indicators: of the first, NaN where it has none).
    """

    posterior: xr.Dataset
    sample_stats: xr.Dataset
    imputed_mean: float


def cells_of(fit: Fit, measure: str, absences: Sequence[str]) -> Cells:
    """Values to fill in and to shift, for a measure and names of `MISSING`."""
    panel, spec, columns = fit.panel, fit.spec, fit.spec.response_columns
    assert panel.absence is not None
    own = [columns.index(name) for name in spec.columns_of(measure)]
    places = [panel.measures.index(name) for name in columns]
    kinds = panel.absence[:, :, places]
    seen = (kinds == Absence.OBSERVED).any(axis=(1, 2))
    filled = np.isin(kinds, list(MISSING.values())) & seen[:, None, None]
    shifted = filled & np.isin(kinds, [MISSING[name] for name in absences])
    shifted &= np.isin(np.arange(len(columns)), own)
    if not spec.is_latent:
        return Cells(measure, own, places, fit.model.statistics.scale, kinds, filled, shifted, int((~seen).sum()))
    exists, drawable = who_could_answer(fit.model, measure)
    shifted &= exists[:, :, None]
    units = np.concatenate(
        [
            np.full(len(spec.columns_of(name)), np.nan if name in spec.random_families else unit)
            for name, unit in zip(spec.measures, fit.model.unit, strict=True)
        ]
    )
    n_unknown = int((shifted[:, :, own[0]] & ~drawable).sum())
    return Cells(measure, own, places, units, kinds, shifted, shifted, int((~seen).sum()), n_unknown)


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
    """Fits of completed panels, for each imputation one at every delta.

    Parameters
    ----------
    fit
        What values are imputed from, each time at another posterior draw.
    cells
        Which ones.
    pair
        Measures whose lagged effects are kept.
    deltas
        Shifts in SDs; the same imputed values are shifted by each.
    imputations
        How many.
    settings
        Of the fits. Imputations differ in their seeds, deltas do not.
    progress
        Whether to show a progress bar; left open, in a terminal.

    Raises
    ------
    KeyboardInterrupt
        If it comes before two imputations are done at every delta; later it ends the work, and what is complete is
        returned.
    """
    rng = np.random.default_rng([settings.seed, *b"delta adjustment"])
    thetas = fit.thetas
    # In random order, so that an interruption leaves draws of all chains.
    chosen = thetas[rng.permutation(np.linspace(0, len(thetas) - 1, imputations).astype(int))]
    seeds = rng.integers(2**31, size=imputations)
    found: list[list[Refit]] = []

    @lru_cache(maxsize=1)
    def completed(imputation: int) -> Completed:
        return _imputed(fit, cells, chosen[imputation], rng)

    try:
        for step in shown(range(imputations * len(deltas)), "Fitting completed panels", progress):
            imputation, place = divmod(step, len(deltas))
            if place == 0:
                found.append([])
            own = replace(settings, seed=int(seeds[imputation]))
            found[-1].append(_refit(fit, cells, pair, completed(imputation)(deltas[place]), own))
    except (KeyboardInterrupt, InterruptionError):
        found = [each for each in found if len(each) == len(deltas)]
        if len(found) < FEWEST:
            raise
    return found


def _imputed(fit: Fit, cells: Cells, theta: FloatArray, rng: np.random.Generator) -> Completed:
    """Values at one posterior draw given those observed, in their own units, by delta."""
    values = people_of(fit.model).imputed(cells.measure, theta, rng)
    at_random = values(0.0)
    return lambda delta: np.where(cells.shifted, values(delta), at_random)


def _completed(panel: Panel, cells: Cells, values: FloatArray) -> Panel:
    """The panel with these values where it is filled in."""
    assert panel.values is not None
    assert panel.absence is not None
    whole, kinds = panel.values.copy(), panel.absence.copy()
    whole[:, :, cells.places] = np.where(cells.filled, values, whole[:, :, cells.places])
    kinds[:, :, cells.places] = np.where(cells.filled, Absence.OBSERVED, cells.kinds)
    return replace(panel, values=whole, absence=kinds, source=f"{panel.source}, imputed")


def _refit(fit: Fit, cells: Cells, pair: tuple[str, str], values: FloatArray, settings: Settings) -> Refit:
    panel = _completed(fit.panel, cells, values)
    # What is filled in may change which histories of a state are possible, and how many of its waves count.
    whole = panel_model(fit.spec, panel) if fit.spec.is_latent else replace(fit.model, panel=panel)
    found = sample_posterior(whole, settings)
    posterior = found.posterior
    if found.interrupted:
        raise KeyboardInterrupt
    effects = posterior[["lagged_standardized", "lagged"]].sel(path=list(lagged_paths(pair)))
    parameters = posterior[[block.name for block in fit.model.scale.blocks]]
    statistics = found.group("sample_stats")
    statistics = statistics[[name for name in STATISTICS if name in statistics]]
    first = values[:, :, cells.own[0]][cells.shifted[:, :, cells.own[0]]]
    return Refit(xr.merge([parameters, effects]), statistics, float(first.mean()) if first.size else np.nan)


def pooled(fit: Fit, found: Sequence[Refit], settings: Settings) -> Fit:
    """A fit with the draws of several imputations at one delta, mixed, and the health of all.

    R-hat and effective sample sizes are those of draws in SDs from the mean of their imputation: posteriors of
    different completed panels differ in place and width without anything being wrong.
    """
    names = [block.name for block in fit.model.scale.blocks]
    of_each = [each.posterior[names] for each in found]
    alike = [(draws - draws.mean(("chain", "draw"))) / draws.std(("chain", "draw")) for draws in of_each]
    together = {"/posterior": mixed(alike), "/sample_stats": mixed([each.sample_stats for each in found])}
    health = examine(xr.DataTree.from_dict(together), names)
    own = tuple(f"The fit that values were imputed from: {problem}" for problem in fit.health.problems)
    draws = {"/posterior": mixed([each.posterior for each in found]), "/prior": fit.drawn("prior")}
    return Fit(
        fit.model,
        Sample(xr.DataTree.from_dict(draws), settings),
        examined=replace(health, problems=(*own, *health.problems)),
    )
