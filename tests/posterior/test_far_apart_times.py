"""Waves far apart in continuous time: every answer is given, or refused in words, and the posterior is kept."""

import warnings

import numpy as np
import pytest

import alliance_bayes as ab

TIMES = [0, 1, 2, 52, 53]


@pytest.fixture(scope="module")
def fit():
    """Sixty people who carry nothing over, so that decay times interval goes up to a hundred and more."""
    rng = np.random.default_rng(60)
    values = rng.normal(size=(60, 1, 2)) + rng.normal(size=(60, 5, 2))
    values[rng.random(values.shape) < 0.1] = np.nan
    panel = ab.Panel.from_arrays(values, measures=["x", "y"], times=TIMES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ab.FitWarning)
        return ab.fit(ab.RICLPM(["x", "y"], lags="continuous"), panel, seed=1, draws=150, tune=150, chains=2)


def test_the_posterior_is_kept(fit):
    assert fit.n_draws == 300
    assert all(np.isfinite(array).all() for array in fit.posterior.data_vars.values())
    assert fit.incomplete == ()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "ask",
    [ab.Fit.check, ab.Fit.person_scores, ab.loo_pit, lambda fit: fit.forecast(53), lambda fit: fit.forecast(105)],
    ids=["check", "person_scores", "loo_pit", "forecast of a wave", "forecast beyond"],
)
def test_answers_are_given_or_refused_in_words(fit, ask):
    try:
        found = ask(fit)
    except ab.AllianceBayesError:
        return
    table = getattr(found, "table", found)
    columns = [name for name in ("mean", "sd", "lower", "upper") if name in table]
    assert np.isfinite(table[columns].iloc[1:]).all().all()
