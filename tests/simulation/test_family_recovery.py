"""Maximum likelihood finds the truth of every kind of model, whose simulation shares no code with it."""

from itertools import combinations, product

import numpy as np
import pytest
from truths import alt, clpm, dpm, dpm_at_equilibrium, lcmsr, riclpm, starts

import alliance_bayes as ab


def of_a_covariance(word, names, covariance, suffix=""):
    own = {f"{word} variance {name}{suffix}": covariance[place, place] for place, name in enumerate(names)}
    pairs = combinations(range(len(names)), 2)
    return own | {f"{word} covariance {names[i]}, {names[j]}{suffix}": covariance[i, j] for i, j in pairs}


def crossing(word, names, covariance):
    places = product(range(len(names)), repeat=2)
    return {f"{word} {names[i]}, {names[j]}": covariance[i, j] for i, j in places}


def parameters(truth):
    """True values by the names that tables of estimates use."""
    spec, names, size = truth.spec, list(truth.spec.measures), len(truth.spec.measures)
    factors, with_first = truth.factor_covariance, truth.first_with_factors.T
    effects, word = (truth.raw_drift, "drift ") if spec.lags == "continuous" else (truth.step_effects[0], "")
    places = product(range(size), repeat=2)
    found = {f"{word}{names[k]} -> {names[j]}": effects[j, k] for j, k in places}
    if spec.random_intercepts:
        found |= of_a_covariance("between", names, truth.between_covariance)
    if spec.stable == "growth":
        found |= of_a_covariance("slope", names, factors[size:, size:])
        found |= crossing("between with slope", names, factors[:size, size:])
    if spec.accumulating:
        found |= of_a_covariance("accumulating", names, factors[:size, :size])
        found |= of_a_covariance("first", names, truth.first_covariance, ", 0")
        found |= crossing("accumulating with first", names, with_first[:size])
    else:
        found |= of_a_covariance("within", names, truth.within_covariance, ", 0")
    if spec.stable == "accumulating growth":
        found |= of_a_covariance("accumulating slope", names, factors[size:, size:])
        found |= crossing("accumulating with accumulating slope", names, factors[:size, size:])
        found |= crossing("accumulating slope with first", names, with_first[size:])
    if spec.error:
        found |= {f"error variance {name}": sd**2 for name, sd in zip(names, truth.error_sds, strict=True)}
    return found


def found_by_maximum_likelihood(truth, seed, **given):
    panel = ab.simulate(truth, persons=20_000, seed=seed, **given)
    table = ab.maximum_likelihood(truth.spec, panel).table
    want = parameters(truth)
    assert set(want) <= set(table.index)
    distance = (table.loc[list(want), "estimate"] - np.array(list(want.values()))) / table.loc[list(want), "se"]
    assert distance.abs().max() < 4.5, distance


@pytest.mark.slow
@pytest.mark.parametrize("make", [riclpm, clpm, dpm_at_equilibrium, dpm, starts, lcmsr, alt])
@pytest.mark.parametrize(("n_measures", "n_waves"), [(2, 4), (3, 6)])
def test_every_kind_recovers_its_truth(make, n_measures, n_waves):
    found_by_maximum_likelihood(make(n_measures, n_waves), seed=n_waves)


@pytest.mark.slow
@pytest.mark.parametrize("own_times", [None, 0.3])
def test_a_drift_is_recovered(own_times):
    truth = ab.Truth(
        ab.RICLPM(["x", "y"], lags="continuous"),
        times=[0, 1, 2.5, 4],
        drift={"x -> x": -0.4, "y -> y": -0.5, "x -> y": 0.15, "y -> x": -0.05},
        icc=0.4,
        within_correlation=0.2,
        between_correlation=0.3,
        sds={"x": 1, "y": 2},
    )
    if own_times is None:
        found_by_maximum_likelihood(truth, seed=2)
    else:
        moved = np.tile(truth.times, (20_000, 1))
        moved[::2, 2], moved[::3, 1] = 2.0, 1.0 + own_times
        found_by_maximum_likelihood(truth, seed=2, own_times=moved)
