"""Models of more than 100 parameters: sampled about their mode, and healthy by the defaults."""

from itertools import pairwise

import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.engine.kernels.entry_points import log_density
from alliance_bayes.engine.kernels.scaled import scaled_log_density
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.posterior.samplers import compiled_for_nutpie


def many(n_measures, n_waves):
    names = [f"y{number}" for number in range(1, n_measures + 1)]
    spec = ab.RICLPM(names, lags="equal")
    lagged = {f"{first} -> {second}": 0.1 for first, second in pairwise(names)}
    options = {"carry_over": 0.4, "icc": 0.5, "within_correlation": 0.3, "between_correlation": 0.4}
    truth = ab.Truth(spec, times=list(range(n_waves)), lagged=lagged, **options)
    return spec, ab.simulate(truth, persons=302, seed=3)


@pytest.mark.parametrize(
    ("n_waves", "density", "adaptation"), [(4, log_density, "low_rank"), (30, scaled_log_density, "diag")]
)
def test_coordinates_by_the_number_of_parameters(n_waves, density, adaptation):
    compiled, adapts = compiled_for_nutpie(panel_model(*many(2, n_waves)))
    assert compiled.compiled_logp_func is density
    assert adapts == adaptation


@pytest.mark.slow
@pytest.mark.parametrize(("n_measures", "n_waves"), [(12, 4), (2, 30)])
def test_many_parameters_are_healthy_by_the_defaults(n_measures, n_waves):
    """Means of the waves, which random intercepts move together, are those of the data, and as uncertain."""
    spec, panel = many(n_measures, n_waves)
    fit = ab.fit(spec, panel, seed=1)
    assert fit.health.healthy, fit.health
    draws, values = fit.posterior["mean"].transpose("chain", "draw", "time", "measure"), panel.values
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    assert np.abs((draws.mean(("chain", "draw")) - values.mean(axis=0)) / error).max() < 0.3
    np.testing.assert_allclose(draws.std(("chain", "draw")), error, rtol=0.15)
