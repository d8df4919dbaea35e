"""Nested models and others side by side: beside lavaan's tests, and models whose relation is known."""

import json
import sys

import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.basics.problems import SpecError
from alliance_bayes.likelihood.likelihood_ratio import nesting
from helpers import REFERENCES

sys.path.insert(0, str(REFERENCES))
from family_models import family_panel, family_spec

TESTS = json.loads((REFERENCES / "lavaan_tables.json").read_text())["tests"]


def fitted(key, **options):
    return ab.maximum_likelihood(family_spec(key), family_panel(key.split("/")[0]), **options)


@pytest.mark.parametrize("key", TESTS)
def test_lavaans_tests_of_nested_models(key):
    """lavTestLRT, plain and by its default scaling for robust estimators."""
    want = TESTS[key]
    errors = {"ML": "observed", "MLR": "robust"}[want["estimator"]]
    smaller, larger = (fitted(want[which], standard_errors=errors) for which in ("smaller", "larger"))
    row = ab.likelihood_ratio_test(smaller, larger).table.iloc[0]
    assert row["chi_square"] == pytest.approx(want["chisq"], abs=1e-3)
    assert row["df"] == want["df"]
    assert row["p"] == pytest.approx(want["p"], abs=1e-5)
    compared = ab.compare({"a": larger, "b": smaller}).tables["tests"].loc[("a", "b")]
    assert compared["chi_square"] == row["chi_square"]


@pytest.mark.parametrize(
    ("smaller", "larger", "nested"),
    [
        ("help/riclpm/equal", "help/riclpm/free", True),
        ("help/clpm/equal", "help/riclpm/free", True),
        ("wages5/riclpm/equal/stationary", "wages5/riclpm/equal", True),
        ("wages5/riclpm/equal/stationary", "wages5/riclpm/free", True),
        ("help/riclpm/equal", "help/clpm/free", False),
        ("help/clpm/free", "help/riclpm/equal", False),
        ("wages5/dpm/equal", "wages5/riclpm/free", False),
        ("wages5/clpm/equal standardized", "wages5/clpm/free", True),
        ("sites2/riclpm/equal/groups/lags equal", "sites2/riclpm/equal/groups/free", True),
        ("items2/riclpm/equal/indicators/strong", "items2/riclpm/equal/indicators/weak", True),
        ("covariates2/riclpm/equal/c1 and c2 on intercepts", "covariates2/riclpm/free/c1 and c2 on intercepts", True),
    ],
)
def test_what_contains_what(smaller, larger, nested):
    assert nesting(fitted(smaller), fitted(larger)).nested is nested


def test_the_order_of_measures_and_covariates_without_effect():
    panel = family_panel("covariates2")
    small = ab.maximum_likelihood(ab.RICLPM(["y", "x"]), panel)
    large = ab.maximum_likelihood(ab.RICLPM(["x", "y"], covariates={"c1": ["intercepts"]}), panel)
    assert nesting(small, large).nested
    other = ab.maximum_likelihood(ab.RICLPM(["x", "y"], covariates={"c1": ["intercepts"], "c2": ["intercepts"]}), panel)
    assert nesting(large, other).nested is None
    answer = ab.likelihood_ratio_test(large, other)
    assert answer.reasons[0].startswith("Whether the larger model contains the smaller one was not checked")


@pytest.fixture(scope="module")
def models():
    return {
        key.removeprefix("help/"): fitted(key) for key in ("help/clpm/equal", "help/riclpm/equal", "help/riclpm/free")
    }


def test_information_criteria_side_by_side(models):
    answer = ab.compare(models)
    table = answer.table
    assert table["bic"].is_monotonic_increasing
    for name, model in models.items():
        assert table.loc[name, "aic"] == model.aic
    assert table["aic_weight"].sum() == pytest.approx(1)
    ratio = table.loc["riclpm/free", "aic_weight"] / table.loc["clpm/equal", "aic_weight"]
    assert ratio == pytest.approx(np.exp((models["clpm/equal"].aic - models["riclpm/free"].aic) / 2))
    assert set(answer.tables["tests"].index) == {
        ("riclpm/equal", "clpm/equal"),
        ("riclpm/free", "clpm/equal"),
        ("riclpm/free", "riclpm/equal"),
    }
    assert answer.tables["tests"]["on_boundary"].tolist() == [True, True, False]
    text = str(answer)
    assert "Maximisation: no problems." in text
    assert text.splitlines()[0] == "Maximum likelihoods of 3 models, the lowest BIC first; 399 people"


def test_intercepts_at_zero_are_a_boundary(models):
    answer = ab.likelihood_ratio_test(models["clpm/equal"], models["riclpm/equal"])
    assert answer.reasons == (
        "The smaller model has 'between variance alliance', 'between variance days' at 0, the boundary of what a "
        "variance can be: the statistic is not chi-square and p is too large. For random intercepts use "
        "ab.random_intercept_test.",
    )


def test_what_cannot_be_tested(models):
    with pytest.raises(SpecError, match="Give the model with fewer parameters first"):
        ab.likelihood_ratio_test(models["riclpm/free"], models["riclpm/equal"])
    with pytest.raises(SpecError, match="neither is a special case of the other"):
        ab.likelihood_ratio_test(models["riclpm/equal"], fitted("help/clpm/free"))
    with pytest.raises(SpecError, match="different panels"):
        ab.likelihood_ratio_test(
            models["riclpm/equal"], ab.maximum_likelihood(models["riclpm/free"].spec, family_panel("help_gap"))
        )
    with pytest.raises(SpecError, match="differ in standard errors, clusters or weights"):
        ab.likelihood_ratio_test(models["riclpm/equal"], fitted("help/riclpm/free", standard_errors="robust"))


def test_fits_and_maximum_likelihoods_are_not_mixed(models):
    model = models["riclpm/equal"]
    with pytest.raises(SpecError) as caught:
        ab.compare({"one": model, "other": object()})
    assert str(caught.value).splitlines()[1:] == [
        "  1. Maximum likelihoods ('one') and others ('other') are mixed: draws are compared by how well they predict, "
        "maximum likelihoods by AIC and BIC. Give all models of one kind."
    ]
    with pytest.raises(SpecError, match="two or more"):
        ab.compare({"one": model})
    with pytest.raises(SpecError, match="are options of fits"):
        ab.compare(models, most_refits=3)


@pytest.mark.slow
def test_the_test_keeps_its_level():
    """Where lags are equal, p is uniform: 200 panels, one-sample Kolmogorov-Smirnov."""
    from scipy.stats import kstest

    rng = np.random.default_rng(3)
    p = []
    for _ in range(200):
        values = np.empty((400, 3, 2))
        values[:, 0] = rng.normal(size=(400, 2))
        for wave in (1, 2):
            values[:, wave] = values[:, wave - 1] @ np.array([[0.4, 0.1], [0.0, 0.3]]) + rng.normal(size=(400, 2))
        panel = ab.Panel.from_arrays(values, measures=["x", "y"], times=[0, 1, 2])
        small, large = (ab.maximum_likelihood(ab.CLPM(["x", "y"], lags=lags), panel) for lags in ("equal", "free"))
        p.append(ab.likelihood_ratio_test(small, large).table["p"].iloc[0])
    assert kstest(p, "uniform").pvalue > 0.01
