"""Known truths whose counterfactual effects have closed forms or can be integrated numerically."""

import warnings

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import expit

import alliance_bayes as ab

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(80)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def normal(variable, parents, mean, sd=1.0):
    return ab.Equation(
        variable,
        parents,
        draw=lambda values, p, rng: mean(values) + sd * rng.standard_normal(values.shape),
        mean=lambda values, p: mean(values),
    )


def yes_or_no(variable, parents, linear):
    return ab.Equation(
        variable,
        parents,
        draw=lambda values, p, rng: (rng.random(values.shape) < expit(linear(values))).astype(float),
        mean=lambda values, p: expit(linear(values)),
    )


def people(n, **columns):
    return pd.DataFrame({"person": np.arange(n), **columns}).drop(columns="person")


def over_normal(function, mean, sd=1.0):
    """Expectation of a function of a normal variable, by Gauss-Hermite quadrature."""
    return float((WEIGHTS * function(mean + sd * NODES)).sum())


def least_squares(frame, formula, columns, *, draws=None, seed=1):
    """A Bambi model with draws from the large-sample posterior of least squares, or all at its estimates."""
    bambi = pytest.importorskip("bambi")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = bambi.Model(formula, frame, family="gaussian")
        model.build()
    response = frame[formula.split(" ~ ")[0]].to_numpy(float)
    design = np.column_stack([np.ones(len(frame)), frame[columns]])
    estimates, (rest,), _, _ = np.linalg.lstsq(design, response, rcond=None)
    sigma = np.sqrt(rest / (len(frame) - design.shape[1]))
    shape = (2, draws or 5)
    noise = np.random.default_rng(seed).normal(0, 1 if draws else 0, (*shape, len(estimates)))
    sampled = estimates + noise @ np.linalg.cholesky(sigma**2 * np.linalg.inv(design.T @ design)).T
    names = ["Intercept", *columns]
    variables = {name: (("chain", "draw"), sampled[..., place]) for place, name in enumerate(names)}
    variables["sigma"] = (("chain", "draw"), np.full(shape, sigma))
    values = dict(zip(names, estimates, strict=True))
    return model, xr.DataTree.from_dict({"/posterior": xr.Dataset(variables)}), values
