"""What measurement error does to lagged effects, by the population of the simulator: the sizes that answers print."""

import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.spec.cross_lagged import ERROR_EXAMPLE

PATHS = ("x -> y", "y -> x")


def standardized_effects(spec, truth):
    """Maximum likelihood effects of both paths over the first interval, fitted to the population's own moments."""
    panel = ab.Panel.from_moments(
        measures=spec.measures, times=truth.times, n=10_000, means=np.zeros((4, 2)), covariance=truth.covariance
    )
    estimates = ab.maximum_likelihood(spec, panel).standardized["estimate"]
    return [float(estimates[f"{path}, 0 to 1"]) for path in PATHS]


@pytest.mark.parametrize(("icc", "sizes"), [(0.3, "0.05 (of that measure) and 0.08"), (0.5, "0.03 and 0.06")])
def test_sizes_that_are_printed_are_those_of_a_population(icc, sizes):
    """With the reliability known the truth comes out; without it, what the assumption says."""
    known = ab.RICLPM(["x", "y"], lags="equal", reliability={"x": 0.6})
    truth = ab.Truth(
        known,
        times=[0, 1, 2, 3],
        carry_over=0.3,
        lagged=dict.fromkeys(PATHS, 0.1),
        icc=icc,
        within_correlation=0.26,
        between_correlation=0.35,
    )
    assert standardized_effects(known, truth) == pytest.approx([0.1, 0.1], abs=1e-3)
    weakened = standardized_effects(ab.RICLPM(["x", "y"], lags="equal"), truth)
    said = [f"{effect:.2f}" for effect in weakened]
    assert sizes.replace(" (of that measure)", "").split(" and ") == said
    assert sizes in ERROR_EXAMPLE
