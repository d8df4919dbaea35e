"""Innovations of any size, and selection on values, in a truth."""

import numpy as np
import pytest
from scipy.special import expit

import alliance_bayes as ab

SPEC = ab.RICLPM(["x", "y"], lags="equal")
GIVEN = {
    "times": [0, 1, 2],
    "lagged": {"x -> y": 0.2},
    "carry_over": {"x": 0.5, "y": 0.3},
    "icc": 0.4,
    "sds": {"x": 2.0, "y": 1.0},
}
MATRICES = [[[0.5, 0.1], [0.1, 0.9]], [[1.2, -0.2], [-0.2, 0.3]]]


def test_innovations_of_each_interval_by_recursion():
    truth = ab.Truth(SPEC, **GIVEN, innovations=MATRICES)
    unit = np.sqrt(0.6) * np.array([2.0, 1.0])
    phi = np.array([[0.5, 0.0], [0.2 / 2.0, 0.3]])
    within = np.diag(unit**2)
    for wave, matrix in enumerate(MATRICES, start=1):
        within = phi @ within @ phi.T + matrix * np.outer(unit, unit)
        np.testing.assert_allclose(truth.within_covariances[wave], within, rtol=1e-12)
        block = truth.covariance[2 * wave : 2 * wave + 2, 2 * wave : 2 * wave + 2]
        np.testing.assert_allclose(block, within + truth.between_covariance, rtol=1e-12)
    panel = ab.simulate(truth, persons=50_000, seed=1)
    np.testing.assert_allclose(np.cov(panel.values[:, 2].T), block, rtol=0.05, atol=0.03)


def test_a_diffusion_that_is_not_stationary():
    """``W_1 = exp(A) W exp(A)' + Q`` where A is so small that nothing of Q decays."""
    spec = ab.RICLPM(["x", "y"], lags="continuous")
    drift = {"x -> x": -1e-9, "y -> y": -1e-9}
    truth = ab.Truth(spec, times=[0, 1, 3], drift=drift, icc=0.4, innovations=MATRICES[0])
    np.testing.assert_allclose(truth.within_covariances[2], 0.6 * (np.eye(2) + 3 * np.array(MATRICES[0])), rtol=1e-7)


def test_innovations_go_through_a_mapping_and_print():
    truth = ab.Truth(SPEC, **GIVEN, innovations=np.array(MATRICES))
    assert ab.Truth.from_mapping(SPEC, truth.to_mapping()) == truth
    assert "Covariances of the innovations, in within-person SDs at the first wave: 0.5, 0.1" in str(truth)


@pytest.mark.parametrize(
    ("innovations", "spec", "sentence"),
    [
        (0.3, SPEC, "innovations must be a symmetric 2 x 2 covariance matrix or a list of 2 of them"),
        ([[1.0, 0.2], [0.1, 1.0]], SPEC, "innovations must be a symmetric 2 x 2"),
        ([[1.0, 2.0], [2.0, 1.0]], SPEC, "innovations must be positive definite; the smallest eigenvalue is -1"),
        (MATRICES, ab.RICLPM(["x", "y"], lags="equal", residuals="equal"), "innovations must be a symmetric"),
        (MATRICES, ab.RICLPM(["x", "y"], lags="equal", stationary=True), "innovations needs a model that is not"),
    ],
)
def test_innovations_that_are_none(innovations, spec, sentence):
    with pytest.raises(ab.SpecError, match=sentence):
        ab.Truth(spec, **GIVEN, innovations=innovations)


def test_scales_and_innovations_exclude_each_other():
    spec = ab.RICLPM(["x", "y"], lags="free")
    with pytest.raises(ab.SpecError, match="innovations say how large within-person parts become"):
        ab.Truth(spec, **GIVEN, within_scale=1.2, innovations=MATRICES)


INTERVIEW = ab.Selection("interview", on=["y"], before=["x"], effect=ab.Normal(0, 0.5))
ANSWER = ab.Selection("x", on=["x"], effect=ab.Normal(0, 0.5))


def test_who_is_seen_depends_on_what_it_should():
    """Chances from the equation at each person's own deviations, which are those of values about their means."""
    spec = ab.RICLPM(["x", "y"], lags="equal", selection=[INTERVIEW, ANSWER])
    selection = {
        "interview": {"chance": [0.8, 0.6], "on": {"y": 1.0}, "before": {"x": -0.5}},
        "x": {"chance": 0.7, "on": {"x": 0.8}},
    }
    truth = ab.Truth(spec, **GIVEN, means={"x": 3.0, "y": -1.0}, selection=selection)
    complete = ab.simulate(ab.Truth(SPEC, **GIVEN, means={"x": 3.0, "y": -1.0}), persons=40_000, seed=3)
    panel = ab.simulate(truth, persons=40_000, seed=3)
    seen = ~np.isnan(panel.values)
    np.testing.assert_array_equal(panel.values[seen], complete.values[seen])
    standard = (complete.values - [3.0, -1.0]) / [2.0, 1.0]
    interviewed = seen[..., 1]
    assert interviewed[:, 0].all()
    for wave, intercept in ((1, np.log(4)), (2, np.log(1.5))):
        chance = expit(intercept + standard[:, wave, 1] - 0.5 * standard[:, wave - 1, 0])
        for weight in (1.0, standard[:, wave, 1], standard[:, wave - 1, 0]):
            excess = (interviewed[:, wave] - chance) * weight
            assert abs(excess.mean()) < 4 * excess.std() / np.sqrt(len(excess))
    chance = expit(np.log(7 / 3) + 0.8 * standard[..., 0])
    excess = ((seen[..., 0] - chance) * standard[..., 0])[interviewed]
    assert abs(excess.mean()) < 4 * excess.std() / np.sqrt(len(excess))
    assert ab.Truth.from_mapping(spec, truth.to_mapping()) == truth


def test_every_problem_of_a_selection():
    spec = ab.RICLPM(["x", "y"], lags="equal", selection=[INTERVIEW])
    selection = {"interview": {"chance": 1.5, "on": {"x": 1.0}, "after": 1}, "y": {}}
    with pytest.raises(ab.SpecError) as raised:
        ab.Truth(spec, **GIVEN, selection=selection)
    for words in (
        "selection: the model has none of 'y'",
        "selection of 'interview' has no 'after'",
        "selection of 'interview' chance must be a number between 0 and 1, or a list of 2",
        "selection of 'interview' on has no 'x'",
    ):
        assert words in str(raised.value)
