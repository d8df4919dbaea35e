"""Fits whose draws are given numbers, so that answers about them are known: nothing is sampled or compiled."""

from itertools import combinations

import numpy as np
import pandas as pd
import xarray as xr
from scipy.linalg import expm

import alliance_bayes as ab
from alliance_bayes.engine.design import design_of
from alliance_bayes.engine.layout import lay_out
from alliance_bayes.engine.model_on_panel import PanelModel
from alliance_bayes.posterior.health import Health
from alliance_bayes.posterior.model_fit import ModelFit
from alliance_bayes.posterior.sample import Sample
from alliance_bayes.posterior.settings import Settings
from alliance_bayes.spec.steps import interval_names

HEALTHY = Health(1.0, 900.0, 900.0, 0, 1.0, "", ())
DRIFT = np.array([[-0.30, 0.0, 0.0], [0.15, -0.25, 0.0], [0.05, 0.10, -0.20]])
MEASURES = ("x", "m", "y")


def made_fit(spec, panel, draws, settings, **more):
    """A fit of any model to any panel with these draws, whether the model is identified there or not.

    The draws are not those of the panel, so that nothing is known of the model's fit or of maximum likelihood.
    """
    model = PanelModel(lay_out(spec, design_of(spec, panel)), panel)
    return of_no_data(ab.Fit(model, Sample(draws, settings, more.pop("incomplete", ())), **more))


def of_no_data(fit):
    """The fit, of whose panel nothing is asked beside its draws."""
    unknown = ModelFit(pd.DataFrame(), pd.DataFrame(), (), ())
    fit.__dict__.update(maxima=(), without_prior=None, with_wide_prior=None, model_fit=unknown)
    return fit


def fabricated_fit(
    lagged=None,
    *,
    drift=None,
    measures=MEASURES,
    times=(0, 3, 6, 12),
    spec=None,
    sd=0.0,
    prior_sd=0.2,
    shape=(2, 50),
    within_sd=1.0,
    within_correlation=0.0,
    innovation_sd=1.0,
    innovation_correlation=0.0,
    between_sd=1.0,
    between_correlation=0.0,
    mean=0.0,
    values=None,
    requires=None,
    states=None,
    health=HEALTHY,
    seed=1,
):
    """A fit with given raw effects, plus normal noise of size `sd` in each draw.

    `lagged` is a matrix (outcome, predictor), or one for each interval; `drift` the former.
    """
    rng = np.random.default_rng(seed)
    size, intervals = len(measures), interval_names(times)
    if spec is None:
        spec = ab.RICLPM(measures, lags="equal") if drift is None else ab.RICLPM(measures, lags="continuous")
    if values is None:
        values = rng.normal(size=(30, len(times), size))
    panel = ab.Panel.from_arrays(
        values, measures=measures, times=times, time_unit="months", requires=requires, states=states
    )
    pairs = [f"{first}, {second}" for first, second in combinations(measures, 2)]
    coordinates = {
        "interval": list(intervals),
        "path": [f"{predictor} -> {outcome}" for outcome in measures for predictor in measures],
        "measure": list(measures),
        "time": list(map(float, times)),
        "pair": pairs,
    }
    groups = {}
    for group, noise, centre in (("/posterior", sd, 1.0), ("/prior", prior_sd, 0.0)):
        effects = centre * np.broadcast_to(0 if lagged is None else lagged, (len(intervals), size, size))
        effects = effects + noise * rng.normal(size=(*shape, *effects.shape))
        drifts = None if drift is None else centre * np.asarray(drift) + noise * rng.normal(size=(*shape, size, size))
        if drifts is not None:
            effects = np.stack([expm(drifts * length) for length in np.diff(times)], axis=2)
        units = np.broadcast_to(np.asarray(within_sd, dtype=float), (len(times), size))
        standardized = effects * units[:-1, None, :] / units[1:, :, None]
        dims = ("chain", "draw", "interval", "path")
        variables = {
            "lagged": (dims, effects.reshape(*shape, len(intervals), -1)),
            "lagged_standardized": (dims, standardized.reshape(*shape, len(intervals), -1)),
            "mean": _constant(mean, shape, ("time", "measure"), coordinates),
            "within_sd": _constant(within_sd, shape, ("time", "measure"), coordinates),
            "within_correlation": _constant(within_correlation, shape, ("time", "pair"), coordinates),
            "innovation_sd": _constant(innovation_sd, shape, ("interval", "measure"), coordinates),
            "innovation_correlation": _constant(innovation_correlation, shape, ("interval", "pair"), coordinates),
            "between_sd": _constant(between_sd, shape, ("measure",), coordinates),
            "between_correlation": _constant(between_correlation, shape, ("pair",), coordinates),
        }
        if drifts is not None:
            variables["drift"] = (("chain", "draw", "path"), drifts.reshape(*shape, -1))
        groups[group] = xr.Dataset(variables, coords=coordinates)
    return made_fit(
        spec, panel, xr.DataTree.from_dict(groups), Settings(50, 1, 2, 1, 0.9, 1, "", 0, 0), examined=health
    )


def _constant(value, shape, dims, coordinates):
    sizes = tuple(len(coordinates[dim]) for dim in dims)
    return ("chain", "draw", *dims), np.broadcast_to(np.asarray(value, dtype=float), (*shape, *sizes)).copy()
