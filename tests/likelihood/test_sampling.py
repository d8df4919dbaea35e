"""Clusters and weights as people write them, and what is refused."""

import numpy as np
import pandas as pd
import pytest

import alliance_bayes as ab
from alliance_bayes.basics.problems import PanelError, SpecError
from alliance_bayes.likelihood.survey_design import sampling_of
from helpers import random_panel


@pytest.fixture(scope="module")
def small():
    panel = random_panel(2, (0, 1, 2), np.random.default_rng(9), persons=30)
    values = panel.values.copy()
    values[4] = np.nan
    named = [f"P{person:02d}" for person in range(30)]
    return ab.Panel.from_arrays(values, measures=panel.measures, times=panel.times, persons=named)


SPEC = ab.CLPM(["alliance", "days"])


def test_labels_by_name_or_by_place(small):
    labels = [f"C{person % 6}" for person in range(30)]
    by_name = dict(reversed([*zip(small.persons.tolist(), labels, strict=True), ("nobody", "C9")]))
    without = {person: label for person, label in by_name.items() if person != "P04"}  # P04 has no value
    long = pd.concat([pd.Series(by_name)] * 2)
    found = [ab.maximum_likelihood(SPEC, small, cluster=given) for given in (labels, by_name, without, long)]
    for other in found[1:]:
        np.testing.assert_array_equal(other.covariance, found[0].covariance)
    assert found[0].n_clusters == 6


def test_weights_have_the_mean_1_over_people_with_values(small):
    """Whatever a person without any value weighs."""
    seen = ~np.isnan(small.values).all(axis=(1, 2))
    assert seen.sum() == 29
    given = 1.0 + np.arange(30)
    for weight_of_nobody in (5.0, 1e6):
        given[4] = weight_of_nobody
        found = sampling_of(small, seen, None, given)
        np.testing.assert_allclose(found.weights[seen], given[seen] / given[seen].mean())
        assert found.weights[4] == 0
        assert found.weights.sum() == pytest.approx(29)


def test_everything_wrong_with_labels_and_weights(small):
    labels = pd.Series(["a", "b"] * 15 + ["b"], index=[*small.persons, "P00"])
    weights = dict.fromkeys(small.persons.tolist(), 1.0) | {"P01": -2.0, "P02": np.inf, "P03": "heavy", "P05": 0.0}
    with pytest.raises(PanelError) as caught:
        ab.maximum_likelihood(SPEC, small, cluster=labels, weights=weights)
    assert str(caught.value) == (
        "These clusters or weights do not fit the panel. 2 problems:\n"
        "  1. cluster varies within 1 persons: 'P00'. A person belongs to one cluster and has one weight, the same at "
        "all times.\n"
        "  2. 4 weights are not finite numbers above 0: 'P01' (-2.0), 'P02' (inf), 'P03' ('heavy'). A weight says how "
        "many people a person represents; exclude people who represent nobody from the panel."
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"P00": 1, "P01": 2}, r"cluster has no entry for 27 persons with values: 'P02', 'P03', 'P05' and 24 more\."),
        (list(range(7)), r"cluster has shape \(7,\), and there are 30 persons. Give one entry for each, in the order"),
        (
            ["one"] * 30,
            "All persons are in one cluster, so how much clusters differ cannot be estimated. Omit cluster.",
        ),
    ],
)
def test_labels_that_do_not_fit(small, given, message):
    with pytest.raises(PanelError, match=message):
        ab.maximum_likelihood(SPEC, small, cluster=given)


def test_moments_have_no_clusters():
    panel = ab.Panel.from_moments(
        measures=["alliance", "days"],
        times=[0, 1, 2],
        n=100,
        means=np.zeros((3, 2)),
        covariance=np.eye(6),
        divisor="n",
    )
    with pytest.raises(PanelError, match="A robust standard error needs"):
        ab.maximum_likelihood(SPEC, panel, standard_errors="robust")


def test_standard_errors_that_do_not_go_with_the_rest(small):
    with pytest.raises(
        SpecError, match=r"assume that people were sampled one by one with equal weights. With cluster or"
    ):
        ab.maximum_likelihood(SPEC, small, weights=np.ones(30), standard_errors="observed")
    with pytest.raises(SpecError, match="standard_errors must be one of 'observed', 'robust'; got 'HC3'"):
        ab.maximum_likelihood(SPEC, small, standard_errors="HC3")
