"""Posteriors beside maximum likelihood and beside the truth, in many simulated studies."""

import numpy as np
import pytest

import alliance_bayes as ab

pytestmark = pytest.mark.slow

TRUTH = {
    "lagged": {"alliance -> days": 0.15, "days -> alliance": 0.05},
    "carry_over": {"alliance": 0.4, "days": 0.25},
    "icc": {"alliance": 0.5, "days": 0.4},
    "within_correlation": 0.2,
    "between_correlation": 0.35,
    "sds": {"alliance": 0.9, "days": 8},
}

WIDE = ab.Priors(
    carry_over=ab.Normal(0.4, 2.5),
    cross_lagged=ab.Normal(0, 1.5),
    total_sd=ab.HalfNormal(10),
    innovation_ratio=ab.HalfNormal(5),
    mean=ab.Normal(0, 10),
)


def truth_of(model, times, **changes):
    given = TRUTH | {"means": {"alliance": 4.5, "days": np.linspace(20, 26, len(times)).tolist()}} | changes
    if not model.random_intercepts:
        given = {name: value for name, value in given.items() if name not in ("icc", "between_correlation")}
    return ab.Truth(model, times=times, **given)


@pytest.mark.parametrize(
    ("model", "times"),
    [
        (ab.RICLPM(["alliance", "days"]), (0, 6, 12, 18)),
        (ab.RICLPM(["alliance", "days"], lags="unpooled"), (0, 6, 12, 18)),
        (ab.RICLPM(["alliance", "days"], lags="grid", residuals="equal"), (0, 3, 6, 12)),
        (ab.CLPM(["alliance", "days"]), (0, 6, 12)),
    ],
    ids=["riclpm-equal", "riclpm-free", "riclpm-grid", "clpm-equal"],
)
def test_posterior_means_are_near_maximum_likelihood_when_priors_are_wide(model, times):
    """Lags and wave means within 0.2 SE, with a thousand people and priors that say next to nothing."""
    panel = ab.simulate(
        truth_of(model, times), persons=1000, seed=20, missing=ab.Missing(share=0.1, mechanism="at_random")
    )
    ml = ab.maximum_likelihood(model, panel)
    assert ml.converged
    assert ml.messages == ()
    wide = type(model)(model.measures, lags=model.lags, residuals=model.residuals, priors=WIDE)
    fit = ab.fit(wide, panel, seed=21, draws=2000, tune=1000)
    assert fit.health.healthy, str(fit.health)
    means = fit.posterior.mean(("chain", "draw"))
    intervals, names = list(means.interval.values), list(model.measures)
    found = {f"mean {name}, {time}": means["mean"].sel(time=time, measure=name) for time in times for name in names}
    for predictor in names:
        for outcome in names:
            path = f"{predictor} -> {outcome}"
            effects = means["lagged"].sel(path=path)
            if model.lags_by_interval:
                found |= {f"{path}, {interval}": effects.sel(interval=interval) for interval in intervals}
            else:
                found[path] = effects.isel(interval=0)
    assert len(found) == 4 * (len(intervals) if model.lags_by_interval else 1) + 2 * len(times)
    distance = {
        name: (float(value) - ml.table.loc[name, "estimate"]) / ml.table.loc[name, "se"]
        for name, value in found.items()
    }
    assert max(np.abs(list(distance.values()))) < 0.2, distance


def test_intervals_cover_the_truth_as_often_as_they_say():
    """90 % intervals of the four lags in a hundred studies of 300 people: 82 to 97 hits each."""
    model, times, n_studies = ab.RICLPM(["alliance", "days"]), (0, 6, 12, 18), 100
    truth = truth_of(model, times)
    hits = np.zeros(4, dtype=int)
    divergences = 0
    for study in range(n_studies):
        panel = ab.simulate(truth, persons=300, seed=1000 + study, missing=ab.Missing(share=0.15))
        fit = ab.fit(model, panel, seed=study, draws=500, tune=400, chains=2)
        divergences += fit.health.divergences
        effects = fit.posterior["lagged"].isel(interval=0)
        lower, upper = (effects.quantile(level, ("chain", "draw")).values for level in (0.05, 0.95))
        hits += (lower < truth.raw[0].ravel()) & (truth.raw[0].ravel() < upper)
    assert divergences <= n_studies
    assert (hits >= 82).all(), hits
    assert (hits <= 97).all(), hits
