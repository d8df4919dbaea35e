"""Regressions that Bambi fitted, as equations: the same predictions, and what cannot be read."""

import warnings

import numpy as np
import pandas as pd
import pytest

import alliance_bayes as ab
from alliance_bayes.causal.equations import Values
from alliance_bayes.causal.regression import FAMILIES
from made_up import made_up_fit

pytest.importorskip("bambi")


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(1)
    n = 60
    table = pd.DataFrame({"x": rng.normal(size=n), "g": rng.integers(0, 2, n), "n": rng.integers(5, 30, n)})
    table["site"] = np.array(["north", "south", "west"])[rng.integers(0, 3, n)]
    table["y"] = rng.normal(size=n)
    table["yes"] = rng.integers(0, 2, n)
    table["count"] = rng.poisson(3, n)
    table["part"] = rng.binomial(table["n"], 0.4)
    table["share"] = rng.beta(2, 2, n)
    return table


@pytest.mark.parametrize(
    ("formula", "family"),
    [
        ("y ~ x * g + site", "gaussian"),
        ("y ~ bs(x, df=4) + g", "t"),
        ("yes ~ scale(x) + g:site", "bernoulli"),
        ("count ~ x + g", "poisson"),
        ("count ~ x + site", "negativebinomial"),
        ("count ~ x", "zero_inflated_poisson"),
        ("prop(part, n) ~ x", "binomial"),
        ("prop(count, 30) ~ x", "beta_binomial"),
        ("share ~ x", "beta"),
    ],
)
def test_expectations_equal_bambis(formula, family, frame):
    """The mean of the response, computed here from terms and draws, is the one Bambi predicts."""
    model, draws = made_up_fit(formula, frame, family)
    equation = ab.regression(model, draws)
    n_draws = draws["posterior"].sizes["chain"] * draws["posterior"].sizes["draw"]
    arrays = {name: frame[name].to_numpy() for name in equation.parents}
    values = Values((n_draws, 1, len(frame)), arrays)
    found = equation.expectation(equation.variable, values, np.arange(n_draws))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        predicted = model.predict(draws, kind="response_params", inplace=False)["posterior"].to_dataset()
    parent = model.family.likelihood.parent
    wanted = predicted[parent].to_numpy().reshape(n_draws, len(frame))
    if family == "zero_inflated_poisson":
        wanted = wanted * draws["posterior"]["psi"].to_numpy().reshape(n_draws, 1)
    if family == "binomial":
        wanted = wanted * frame["n"].to_numpy()
    if family == "beta_binomial":
        wanted = wanted * 30
    np.testing.assert_allclose(np.broadcast_to(found, values.shape)[:, 0], wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_draws_have_the_mean_of_their_family(family):
    parameters = {
        "mu": np.full((1, 1, 1), 0.3),
        "p": np.full((1, 1, 1), 0.3),
        "sigma": np.ones((1, 1, 1)),
        "nu": np.full((1, 1, 1), 8.0),
        "alpha": np.full((1, 1, 1), 2.0),
        "kappa": np.full((1, 1, 1), 5.0),
        "psi": np.full((1, 1, 1), 0.7),
        "trials": np.full((1, 1, 1), 30.0),
    }
    drawn = FAMILIES[family].draw(parameters, np.random.default_rng(2), (1, 1, 100_000))
    assert drawn.shape == (1, 1, 100_000)
    error = drawn.std() / np.sqrt(drawn.size)
    assert abs(drawn.mean() - FAMILIES[family].mean(parameters).item()) < 4 * error


def test_zero_without_the_state(frame):
    model, draws = made_up_fit("count ~ x", frame, "poisson")
    equation = ab.regression(model, draws, zero_without="g")
    assert equation.parents == ("x", "g")
    values = Values((20, 1, 60), {"x": frame["x"].to_numpy(), "g": frame["g"].to_numpy()})
    found = equation.expectation("count", values, np.arange(20))
    assert (found[:, 0, frame["g"] == 0] == 0).all()
    assert (found[:, 0, frame["g"] == 1] > 0).all()
    assert equation.in_words == "count ~ x (poisson, and 0 without 'g')"


def test_a_count_that_explodes_is_said(frame):
    """Counts on the logarithm's scale that are explained by a count: what comes after a large one is beyond numbers."""
    equation = ab.regression(*made_up_fit("count ~ x", frame, "negativebinomial"))
    values = Values((20, 1, 1), {"x": np.array([[[500.0]]])})
    with pytest.raises(ab.SpecError, match=r"'count' cannot be drawn: its regression predicts means up to .*e\+"):
        equation.simulate(values, np.arange(20), np.random.default_rng(1))


def test_what_cannot_be_read_is_said(frame):
    model, draws = made_up_fit("y ~ x + (1|site)", frame, "gaussian")
    with pytest.raises(ab.SpecError) as error:
        ab.regression(model, draws)
    assert str(error.value) == (
        "This regression cannot be simulated forward. 1 problem:\n"
        "  1. The term '1|site' is group-specific or a Gaussian process; use common terms alone."
    )
    model, draws = made_up_fit("count ~ x", frame, "hurdle_poisson")
    with pytest.raises(ab.SpecError, match="The family 'hurdle_poisson' cannot be simulated"):
        ab.regression(model, draws)
    model, draws = made_up_fit("exp(x) ~ g", frame, "gaussian")
    with pytest.raises(ab.SpecError, match=r"The response 'exp\(x\)' is a function of a column"):
        ab.regression(model, draws)
    with pytest.raises(ab.SpecError, match=r'pip install "alliance-bayes\[regressions\]"'):
        ab.regression("count ~ x", draws)
    with pytest.raises(ab.SpecError, match="needs the result of the model's fit; got str"):
        ab.regression(model, "draws")
