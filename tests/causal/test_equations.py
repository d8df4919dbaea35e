"""Equations of known truths: shapes, draws, and what cannot be used."""

import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.causal.equations import Values


def equation(**options):
    return ab.Equation("y", ["x"], draw=lambda values, p, rng: p["b"] * values["x"], **options)


def test_parameters_broadcast_over_draws():
    made = equation(parameters={"b": [1.0, 2.0, 3.0]})
    assert made.posterior == (1, 3)
    values = Values((2, 1, 4), {"x": np.arange(4)})
    found = made.simulate(values, np.array([0, 2]), np.random.default_rng(1))["y"]
    np.testing.assert_array_equal(found[:, 0], [[0, 1, 2, 3], [0, 3, 6, 9]])


def test_draws_of_several_chains():
    assert equation(parameters={"b": np.ones((4, 10))}).posterior == (4, 10)
    assert equation(parameters={"b": 2}).posterior is None
    assert equation(parameters={"b": 2}).expectation("y", Values((1, 1, 1)), np.zeros(1, int)) is None


def test_what_is_wrong_with_an_equation_is_said_at_once():
    with pytest.raises(ab.SpecError) as error:
        ab.Equation(
            "y", "x", draw=lambda values, p, rng: 0, parameters={"a": [1, 2], "b": [[1.0]], "c": np.nan, "d": [3.0]}
        )
    assert str(error.value) == (
        "The equation of 'y' cannot be used. 3 problems:\n"
        "  1. parents must be a list of names; got 'x'.\n"
        "  2. The parameter 'c' must be a finite number, or draws of shape (draw,) or (chain, draw); got shape () with "
        "values that are not finite.\n"
        "  3. The parameters have draws of different shapes: (1,), (1, 1), (2,)."
    )


def test_a_result_of_another_shape_is_refused():
    made = ab.Equation("y", [], draw=lambda values, p, rng: np.zeros(7))
    with pytest.raises(ab.SpecError, match=r"The equation of 'y' returned shape \(7,\); expected \(1, 2, 3\)"):
        made.simulate(Values((1, 2, 3)), np.zeros(1, int), np.random.default_rng(1))
