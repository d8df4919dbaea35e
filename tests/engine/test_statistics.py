"""Counts, means and scatter per missing pattern are all that the normal likelihood needs."""

import numpy as np
import pytest

from alliance_bayes.basics.problems import PanelError
from alliance_bayes.engine.statistics import (
    by_pattern,
    pattern_statistics,
    people_by_pattern,
    standardized_values,
)
from alliance_bayes.panel import Moments, Panel
from alliance_bayes.spec.models import RICLPM
from engine_calls import in_order, log_likelihood, system_at
from helpers import measure_names, random_panel, random_values, with_every_pattern


def gathered(patterns, n_values):
    """People, mean and scatter by observed positions."""
    found, completed = {}, np.zeros((n_values, n_values))
    for pattern, people in enumerate(patterns.people):
        size, rank = patterns.size[pattern], patterns.rank[pattern]
        where = patterns.position[pattern, :size]
        factor = patterns.factor[pattern, :size, :rank]
        found[tuple(where.tolist())] = (people, patterns.mean[pattern, :size], factor @ factor.T)
        completed[np.ix_(where, where)] += factor @ factor.T if patterns.completed[pattern] else 0
    np.testing.assert_allclose(patterns.scatter[0], completed, rtol=1e-10, atol=1e-12)
    assert len(found) == len(patterns.people)
    return found


@pytest.mark.parametrize(("n_values", "extra"), [(4, 0), (6, 1), (6, 30)])
def test_moments_of_every_pattern(n_values, extra):
    rows = with_every_pattern(n_values, np.random.default_rng(1), extra=extra)
    rows = np.random.default_rng(2).permutation(np.concatenate([rows, rows + 1.5, np.full((2, n_values), np.nan)]))
    patterns, person_pattern = by_pattern(rows)
    found = gathered(patterns, n_values)
    assert len(found) == 2**n_values - 1
    seen = ~np.isnan(rows)
    for where, (people, mean, scatter) in found.items():
        mask = np.isin(np.arange(n_values), where)
        members = rows[(seen == mask).all(axis=1)][:, mask]
        assert people == len(members)
        np.testing.assert_allclose(mean, members.mean(axis=0), rtol=1e-12)
        deviations = members - members.mean(axis=0)
        np.testing.assert_allclose(scatter, deviations.T @ deviations, rtol=1e-10, atol=1e-12)
    assert (np.diff(patterns.people) <= 0).all()
    assert 0 < patterns.completed.sum() < len(patterns.completed)
    np.testing.assert_array_equal(person_pattern == -1, ~seen.any(axis=1))
    for person, pattern in enumerate(person_pattern):
        if pattern >= 0:
            np.testing.assert_array_equal(
                patterns.position[pattern, : patterns.size[pattern]], np.flatnonzero(seen[person])
            )


def test_more_values_than_bits_in_a_number():
    """Patterns of 70 values are told apart as those of few are."""
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(40, 70))
    rows[10:20, 0] = np.nan
    rows[20:25, 69] = np.nan
    rows[25:28, [0, 69]] = np.nan
    rows[28] = np.nan
    patterns, person_pattern = by_pattern(rows)
    np.testing.assert_array_equal(patterns.people, [21, 10, 5, 3])
    np.testing.assert_array_equal(patterns.size, [70, 69, 69, 68])
    np.testing.assert_array_equal(np.bincount(person_pattern + 1), [1, 21, 10, 5, 3])


def test_people_are_sorted_by_pattern():
    order, bounds = people_by_pattern(np.array([1, -1, 0, 1, 0, 2, -1]), 3)
    np.testing.assert_array_equal(order, [1, 6, 2, 4, 0, 3, 5])
    np.testing.assert_array_equal(bounds, [2, 4, 6, 7])


@pytest.mark.parametrize(("n_measures", "times"), [(2, (0, 1, 2)), (3, (0, 1, 2, 4))])
def test_values_are_put_in_the_models_unit(n_measures, times):
    panel = random_panel(n_measures, times, np.random.default_rng(4), missing=0.2)
    centre = np.nanmean(panel.values, axis=(0, 1))
    scale = np.sqrt(np.nanmean((panel.values - np.nanmean(panel.values, axis=0)) ** 2, axis=(0, 1)))
    measures = measure_names(n_measures)
    statistics = pattern_statistics(panel, measures)
    np.testing.assert_allclose(statistics.centre, centre, rtol=1e-12)
    np.testing.assert_allclose(statistics.scale, scale, rtol=1e-12)
    assert statistics.n_waves == len(times)
    assert statistics.n_persons == (~np.isnan(panel.values)).any(axis=(1, 2)).sum()
    values = standardized_values(panel, measures, statistics.centre, statistics.scale)
    np.testing.assert_allclose(values, ((panel.values - centre) / scale).reshape(len(values), -1), rtol=1e-12)
    n_observed = (~np.isnan(panel.values)).sum(axis=(0, 1))
    assert statistics.log_jacobian == pytest.approx(-(n_observed * np.log(scale)).sum(), rel=1e-12)


def test_measures_of_the_model_are_taken_in_its_order():
    panel = random_panel(3, (0, 1, 2), np.random.default_rng(5), missing=0.1)
    statistics = pattern_statistics(panel, ["contact", "alliance"])
    values = standardized_values(panel, ["contact", "alliance"], statistics.centre, statistics.scale)
    expected = (panel.values[:, :, [2, 0]] - statistics.centre) / statistics.scale
    np.testing.assert_array_equal(values, expected.reshape(len(values), -1))


def test_published_moments_are_one_pattern():
    rng = np.random.default_rng(6)
    panel = random_panel(3, (0, 1, 2), rng, persons=40)
    rows = panel.values.reshape(40, -1)
    published = Panel.from_moments(
        measures=panel.measures, times=panel.times, n=40, means=rows.mean(axis=0), covariance=np.cov(rows, rowvar=False)
    )
    for measures in (["alliance", "days", "contact"], ["days", "alliance"]):
        ours, theirs = pattern_statistics(published, measures), pattern_statistics(panel, measures)
        size = 3 * len(measures)
        (people, mean, scatter), (their_people, their_mean, their_scatter) = (
            gathered(statistics.arrays, size)[tuple(range(size))] for statistics in (ours, theirs)
        )
        assert people == their_people == 40
        np.testing.assert_allclose(mean, their_mean, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(scatter, their_scatter, rtol=1e-10)
        assert ours.person_pattern is None
        assert ours.log_jacobian == pytest.approx(theirs.log_jacobian, rel=1e-12)


def moments_of(panel):
    """The same panel, its persons reduced to counts, means and covariances by hand."""
    rows = panel.values.reshape(len(panel.values), -1)
    seen = ~np.isnan(rows)
    masks, codes = np.unique(seen, axis=0, return_inverse=True)
    means, covariances = np.full(masks.shape, np.nan), np.full((*masks.shape, masks.shape[1]), np.nan)
    for pattern, mask in enumerate(masks):
        members = rows[codes == pattern][:, mask]
        means[pattern, mask] = members.mean(axis=0)
        covariances[pattern][np.ix_(mask, mask)] = np.atleast_2d(np.cov(members.T, ddof=0))
    cells = (len(panel.times), len(panel.measures))
    counts = np.stack([(panel.absence == code).sum(axis=0) for code in range(5)])
    moments = Moments(
        np.bincount(codes), masks.reshape(-1, *cells), means.reshape(-1, *cells), covariances, counts.astype(np.int64)
    )
    return Panel(measures=panel.measures, times=panel.times, moments=moments, source="a test")


@pytest.mark.parametrize("measures", [["alliance", "days", "contact"], ["contact", "alliance"]])
def test_moments_of_many_patterns_are_those_of_their_persons(measures):
    """Down to patterns of one person, and of fewer persons than values."""
    panel = random_panel(3, (0, 1, 2), np.random.default_rng(7), persons=60, missing=0.15)
    ours, theirs = (pattern_statistics(data, measures) for data in (moments_of(panel), panel))
    np.testing.assert_allclose(ours.centre, theirs.centre, rtol=1e-12)
    np.testing.assert_allclose(ours.scale, theirs.scale, rtol=1e-12)
    assert ours.n_persons == theirs.n_persons
    assert ours.log_jacobian == pytest.approx(theirs.log_jacobian, rel=1e-12)
    spec = RICLPM(measures)
    system = system_at(spec, panel.times)
    values = random_values(spec, panel.times, np.random.default_rng(8))
    theta = in_order(system, values)
    found, want = (log_likelihood(system, theta, statistics.arrays) for statistics in (ours, theirs))
    assert found == pytest.approx(want, rel=1e-9)


def test_published_moments_have_no_values():
    panel = Panel.from_moments(measures=["x"], times=[0, 6], n=50, means=[3, 4], covariance=[[4, 3], [3, 9]])
    with pytest.raises(PanelError) as caught:
        standardized_values(panel, ["x"], np.zeros(1), np.ones(1))
    assert str(caught.value) == (
        "The likelihood of each person needs each person's values, and this panel was made from published moments; "
        "make it with Panel.from_long or Panel.from_wide."
    )
