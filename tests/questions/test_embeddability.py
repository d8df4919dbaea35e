"""Whether a discrete fit has a drift and a diffusion behind it."""

import numpy as np
import pytest
from scipy.linalg import expm

import alliance_bayes as ab
from alliance_bayes.posterior.summaries import Probability
from alliance_bayes.questions.embeddability import _in_words, drift_and_diffusion
from fabricated import fabricated_fit


def discretized(drift, diffusion, step):
    """Effects and innovations of one step, by the Kronecker sum."""
    size = len(drift)
    both = np.kron(drift, np.eye(size)) + np.kron(np.eye(size), drift)
    moved = np.linalg.solve(both, (expm(both * step) - np.eye(size**2)) @ diffusion.ravel())
    return expm(drift * step), moved.reshape(size, size)


@pytest.mark.parametrize("size", [2, 3])
def test_drift_and_diffusion_are_those_that_made_the_step(size):
    rng = np.random.default_rng(size)
    drifts = [0.1 * rng.normal(size=(size, size)) - 0.4 * np.eye(size) for _ in range(5)]
    roots = [rng.normal(size=(size, size)) for _ in drifts]
    steps = [discretized(drift, root @ root.T, 1.5) for drift, root in zip(drifts, roots, strict=True)]
    found, noise = drift_and_diffusion(np.array([s[0] for s in steps]), np.array([s[1] for s in steps]), 1.5)
    np.testing.assert_allclose(found, drifts, atol=1e-10)
    np.testing.assert_allclose(noise, [root @ root.T for root in roots], atol=1e-9)


def test_a_swing_has_no_drift():
    drift, diffusion = drift_and_diffusion(np.diag([-0.3, 0.4]), np.eye(2), 1.0)
    assert np.isnan(drift).all()
    assert np.isnan(diffusion).all()


@pytest.mark.parametrize(
    ("carry_over", "word"), [(0.45, "can be those of a continuous"), (-0.4, "negative eigenvalue")]
)
def test_in_words(carry_over, word):
    truth = ab.Truth(
        ab.CLPM(["x", "y"]), times=[0, 2, 4], carry_over=carry_over, lagged={"x -> y": 0.1}, within_correlation=0.2
    )
    panel = ab.simulate(truth, persons=1500, seed=1)
    spec = ab.CLPM(["x", "y"], lags="equal", residuals="equal")
    answer = ab.embeddability(ab.fit(spec, panel, seed=2, draws=300, tune=300, chains=2))
    assert word in str(answer)
    assert answer.heading.startswith("One step is 2; ")
    if carry_over > 0:
        assert str(answer).splitlines()[2] == "P(they have, and a valid diffusion) > 0.99"
        decay = float(answer.draws["drift"].sel(path="x -> x").mean())
        assert decay == pytest.approx(np.log(0.45) / 2, abs=0.06)


@pytest.mark.parametrize(
    ("real", "valid", "word"),
    [
        ((0.96, 0.004), (0.96, 0.004), "can be those of a continuous process"),
        ((0.96, 0.004), (0.96, 0.006), "A real drift exists"),
        ((0.96, 0.006), (0.9, 0.004), "not say whether"),
        ((0.0501, 0.0), (0.0, 0.0), "not say whether"),
        ((0.0499, 0.0), (0.0, 0.0), "negative eigenvalue"),
    ],
)
def test_words_need_their_monte_carlo_margin(real, valid, word):
    (sentence,) = _in_words(*(Probability(*each, 4000) for each in (real, valid)))
    assert word in sentence


@pytest.mark.parametrize(
    ("effects", "sd", "real", "valid"),
    [
        ([[0.7, 0.3], [0.0, 0.3]], 1.0, 1, 1),
        ([[0.7, 0.3], [0.0, 0.3]], 0.001, 1, 0),
        ([[0.7, 0.0], [0.0, -0.3]], 1.0, 0, 0),
    ],
)
def test_a_diffusion_needs_a_drift_and_innovations_large_enough(effects, sd, real, valid):
    """What y brings to x within the step is in the innovations of x, so these cannot be next to nothing."""
    fit = fabricated_fit(
        np.array(effects),
        measures=("x", "y"),
        times=(0, 3, 6),
        spec=ab.CLPM(["x", "y"], lags="equal"),
        innovation_sd=[[sd, 1.0]] * 2,
    )
    found = ab.embeddability(fit)
    assert found.table["probability"].tolist() == [real, valid]


def test_fits_that_have_no_common_step():
    rng = np.random.default_rng(1)
    panel = ab.Panel.from_arrays(rng.normal(size=(60, 3, 2)), measures=["x", "y"], times=[0, 1, 3])
    fits = {
        lags: ab.fit(ab.CLPM(["x", "y"], lags=lags), panel, seed=1, draws=20, tune=50, chains=1)
        for lags in ("free", "continuous")
    }
    with pytest.raises(ab.SpecError, match="lags='free' over these intervals has no effects of one common step"):
        ab.embeddability(fits["free"])
    with pytest.raises(ab.SpecError, match="This fit is in continuous time"):
        ab.embeddability(fits["continuous"])
