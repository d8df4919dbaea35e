"""Known truths whose counterfactual effects have closed forms or can be integrated numerically."""

import numpy as np
import pandas as pd
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
