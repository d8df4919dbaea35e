"""Equations in causal order: what is before what, and what cannot be."""

import numpy as np
import pytest

import alliance_bayes as ab
from causal_truths import normal, people
from fabricated import MEASURES, fabricated_fit

CHAIN = [
    normal("l", ["a", "c"], lambda v: v["a"] + v["c"]),
    normal("m", ["a", "l"], lambda v: v["a"] + v["l"]),
    normal("y", ["m", "l", "a"], lambda v: v["m"] + v["l"] + v["a"]),
]


def test_order_descendants_and_exogenous_variables():
    order = ab.CausalOrder(people(5, c=np.arange(5.0)), CHAIN)
    assert order.variables == ("l", "m", "y")
    assert order.exogenous == ("a", "c")
    assert order.descendants(["l"]) == {"m", "y"}
    assert order.descendants(["a"], without=["l", "m"]) == {"y"}
    assert order.confounders_that_treatment_changes(["a"], ["m"], "y") == ("l",)
    assert str(order).splitlines()[:3] == ["5 people; in causal order:", "  given: c", "  set by a regime: a"]


def test_a_covariate_that_treatment_does_not_change_is_no_witness():
    equations = [normal("m", ["a", "c"], lambda v: v["a"]), normal("y", ["m", "c"], lambda v: v["m"])]
    assert ab.CausalOrder(people(5, c=0.0), equations).confounders_that_treatment_changes(["a"], ["m"], "y") == ()


def test_everything_wrong_with_an_order_is_said_at_once():
    with pytest.raises(ab.SpecError) as error:
        ab.CausalOrder(people(3, c=[0.0, np.nan, 1.0]), [CHAIN[1], CHAIN[0], CHAIN[0]], requires={"m": "doctor"})
    assert str(error.value) == (
        "These equations are not in a causal order. 4 problems:\n"
        "  1. Two equations make 'l'.\n"
        "  2. 'm' reads 'l', which comes after it in the causal order.\n"
        "  3. 'c' is missing for 1 of 3 people; drop or impute them.\n"
        "  4. requires names 'doctor'. Variables: 'm', 'l', 'l'."
    )
    with pytest.raises(ab.SpecError, match="people must be a data frame"):
        ab.CausalOrder([], CHAIN)


def test_equations_with_different_numbers_of_draws_share_evenly_spaced_ones():
    def with_draws(name, shape):
        return ab.Equation(name, [], draw=lambda v, p, rng: p["b"] + 0 * v.shape[0], parameters={"b": np.ones(shape)})

    order = ab.CausalOrder(people(2), [with_draws("u", (4, 100)), with_draws("w", (4, 60))])
    assert order.posterior == (4, 60)
    np.testing.assert_array_equal(order.draws_of(order.equations[1], 4, 60), np.arange(240))
    chosen = order.draws_of(order.equations[0], 4, 60).reshape(4, 60)
    assert (chosen[:, 0] == [0, 100, 200, 300]).all()
    assert (chosen[:, -1] == [99, 199, 299, 399]).all()
    assert ab.CausalOrder(people(2), [with_draws("u", (2, 100)), with_draws("w", (4, 60))]).posterior == (1, 200)


def test_a_panel_as_equations():
    fit = fabricated_fit(np.full((3, 3), 0.2), times=(0, 3, 6))
    order = ab.causal_order(fit)
    assert order.variables[:6] == ("stable x", "stable m", "stable y", "x, 0", "m, 0", "y, 0")
    assert order.resolved("y") == ("y, 0", "y, 3", "y, 6")
    assert order.descendants(["x, 0"]) == {f"{name}, {time}" for name in MEASURES for time in (3, 6)}
    assert len(order.people) == 30
    np.testing.assert_array_equal(order.observed("y, 3"), fit.panel.values[:, 1, 2])
    clpm = fabricated_fit(np.full((3, 3), 0.2), times=(0, 3, 6), spec=ab.CLPM(MEASURES, lags="equal"))
    assert ab.causal_order(clpm).variables[:3] == ("x, 0", "m, 0", "y, 0")


def test_panels_that_cannot_be_simulated_forward():
    fit = fabricated_fit(np.full((3, 3), 0.2), times=(0, 3, 6))
    with pytest.raises(ab.SpecError, match="version must be 'sample' or 'population'; got 'everyone'"):
        ab.causal_order(fit, version="everyone")
    longer = ab.Fit(ab.RICLPM(MEASURES, lag_2=["x -> x"]), fit.panel, fit.draws, fit.settings)
    longer.__dict__["health"] = fit.health
    with pytest.raises(ab.SpecError, match="Models with lag_2 are not simulated forward here"):
        ab.causal_order(longer)


def test_the_sample_keeps_what_was_observed_and_completes_the_rest():
    """A person with every wave seen has stable parts as Gaussian conditioning says; the first wave is their own."""
    rng = np.random.default_rng(4)
    values = rng.normal(size=(40, 3, 3))
    values[:10, 0, 1] = np.nan
    fit = fabricated_fit(np.full((3, 3), 0.2), times=(0, 3, 6), values=values, shape=(1, 400), between_correlation=0.3)
    first = ab.causal_order(fit).equations[0]
    drawn = first.simulate({}, np.arange(400), np.random.default_rng(1))
    np.testing.assert_array_equal(drawn["x, 0"][5, 0], values[:, 0, 0])
    assert np.isfinite(drawn["m, 0"]).all()
    assert drawn["m, 0"][:, 0, 20].std() == pytest.approx(0, abs=1e-12)
    assert drawn["m, 0"][:, 0, 3].std() > 0.3
    person = 20
    between = np.full((3, 3), 0.3) + 0.7 * np.eye(3)
    covariance = np.zeros((9, 9))
    within, phi = np.eye(3), np.full((3, 3), 0.2)
    at = []
    for _ in range(3):
        at.append(within)
        within = phi @ within @ phi.T + np.eye(3)
    for early in range(3):
        for late in range(early, 3):
            block = between + np.linalg.matrix_power(phi, late - early) @ at[early]
            covariance[3 * late : 3 * late + 3, 3 * early : 3 * early + 3] = block
            covariance[3 * early : 3 * early + 3, 3 * late : 3 * late + 3] = block.T
    weights = np.linalg.solve(covariance, np.tile(between, (3, 1)))
    mean = values[person].ravel() @ weights
    spread = between - np.tile(between, (1, 3)) @ weights
    for place, name in enumerate(MEASURES):
        found = drawn[f"stable {name}"][:, 0, person]
        assert abs(found.mean() - mean[place]) < 4 * found.std() / 20
        assert found.std() == pytest.approx(np.sqrt(spread[place, place]), rel=0.15)
