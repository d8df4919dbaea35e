"""Robust standard errors, clusters and weights: beside lavaan's, and beside what they must be."""

import json
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import alliance_bayes as ab
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.likelihood.fit_indices import fit_indices
from alliance_bayes.likelihood.persons import per_person
from alliance_bayes.likelihood.robust_errors import model_scores, sandwich
from helpers import REFERENCES, grouped_panel, random_panel, slope

sys.path.insert(0, str(REFERENCES))
from export_data import wages_design
from family_models import family_panel

LAVAAN = json.loads((REFERENCES / "lavaan_family.json").read_text())["fits"]
VARIANTS = ("robust", "clusters", "weights", "clusters and weights")
KEYS = [key for key in LAVAAN if key.split("/")[-1] in VARIANTS]
MODELS = {"riclpm": ab.RICLPM, "clpm": ab.CLPM}


@pytest.mark.parametrize("key", KEYS)
def test_lavaan_finds_the_same(key):
    data, kind, lags, variant = key.split("/")
    panel, design, want = family_panel(data), wages_design(), LAVAAN[key]
    found = ab.maximum_likelihood(
        MODELS[kind](panel.measures, lags=lags),
        panel,
        cluster=design["cluster"] if "clusters" in variant else None,
        weights=design["weight"] if "weights" in variant else None,
        standard_errors="robust",
    )
    theirs = pd.DataFrame.from_dict(want["estimates"], orient="index").loc[found.table.index]
    np.testing.assert_allclose(found.table["estimate"], theirs["estimate"], atol=1e-6)
    np.testing.assert_allclose(found.table["se"], theirs["se"], rtol=1e-6)
    np.testing.assert_allclose(np.sqrt(np.diag(found.covariance)), found.table["se"])
    assert -2 * found.log_likelihood == pytest.approx(want["-2LL"], abs=1e-4)
    assert found.scaling == pytest.approx(want["scaling factor of chisq"], rel=1e-7)
    assert found.chi_square * found.scaling == pytest.approx(want["chisq"], abs=1e-5)
    assert (found.df, found.n_persons) == (want["df"], want["people"])
    assert found.n_clusters == (want["clusters"] if "clusters" in variant else 0)
    assert found.weighted == ("weights" in variant)


def test_fit_indices_are_those_of_the_scaled_formulas():
    """Baseline chi-square and its scaling as lavaan 0.6-14 has them for the CLPM of wages5."""
    panel = family_panel("wages5")
    spec = ab.CLPM(panel.measures)
    plain, robust = (ab.maximum_likelihood(spec, panel, standard_errors=kind) for kind in ("observed", "robust"))
    _, scaling = sandwich(plain.model, plain.estimates, plain.saturated, robust.sampling)
    found = fit_indices(plain.model, plain.estimates, plain.saturated, scaling)
    excess = 228.6685679 - 1.673690974 * 36
    assert found.cfi == pytest.approx(1 - excess / (2370.634939 - 2.278187456 * 45), abs=1e-7)
    assert found.rmsea == pytest.approx(np.sqrt(excess / (36 * 545)), abs=1e-7)


def test_robust_standard_errors_leave_the_estimates_alone():
    panel = random_panel(2, (0, 1, 2, 3), np.random.default_rng(1), persons=80, missing=0.1)
    spec = ab.CLPM(["alliance", "days"])
    plain, robust = (ab.maximum_likelihood(spec, panel, standard_errors=kind) for kind in ("observed", "robust"))
    np.testing.assert_array_equal(plain.theta, robust.theta)
    assert plain.scaling == 1
    assert plain.srmr == robust.srmr
    assert not np.allclose(plain.table["se"], robust.table["se"], rtol=1e-3)


# ---- scores ----


@pytest.mark.parametrize(
    "options",
    [{"group_lags": "pooled"}, {"group_lags": "free"}, {"covariates": {"age": ["intercepts"]}, "group_lags": "equal"}],
)
def test_scores_are_slopes_of_each_persons_log_likelihood(options):
    spec, panel = ab.RICLPM(["x", "y"], **options), grouped_panel()
    model = panel_model(spec, panel)
    theta = np.array([parameter.start for parameter in model.system.parameters])
    theta = theta + 0.02 * np.random.default_rng(4).normal(size=len(theta))
    names = model.system.names

    def each(point):
        return per_person(model, point[None], np.arange(40))[0]

    scores = model_scores(model, theta)
    assert scores.shape == (40, len(names))
    np.testing.assert_array_equal(scores[5], 0)
    np.testing.assert_allclose(scores, slope(each, theta), atol=1e-6)


# ---- weights and clusters ----


def doubled(panel, times):
    """The panel with each person there as many times as `times` says."""
    rows = np.repeat(np.arange(panel.n_persons), times)
    return ab.Panel.from_arrays(panel.values[rows], measures=panel.measures, times=panel.times), rows


def test_a_weight_of_two_is_a_person_twice():
    """Estimates and fit to rounding; standard errors with the two copies as one cluster."""
    panel = random_panel(2, (0, 1, 2, 3), np.random.default_rng(6), persons=60, missing=0.1)
    times = 1 + np.arange(60) % 3
    copies, rows = doubled(panel, times)
    spec = ab.CLPM(["alliance", "days"])
    weighted = ab.maximum_likelihood(spec, panel, weights=times)
    repeated = ab.maximum_likelihood(spec, copies, cluster=rows)
    np.testing.assert_allclose(weighted.table["estimate"], repeated.table["estimate"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(weighted.table["se"], repeated.table["se"] / np.sqrt(60 / 59), rtol=1e-5)
    assert weighted.log_likelihood == pytest.approx(repeated.log_likelihood * 60 / times.sum())
    assert weighted.n_persons == 60


def test_copies_in_clusters_are_no_more_data():
    panel = random_panel(2, (0, 1, 2), np.random.default_rng(7), persons=50, missing=0.1)
    copies, rows = doubled(panel, np.full(50, 3))
    spec = ab.CLPM(["alliance", "days"])
    once = ab.maximum_likelihood(spec, panel, standard_errors="robust")
    thrice = ab.maximum_likelihood(spec, copies, cluster=[f"C{row}" for row in rows])
    np.testing.assert_allclose(thrice.table["se"], once.table["se"] * np.sqrt(50 / 49), rtol=1e-6)
    assert thrice.scaling == pytest.approx(3 * 50 / 49 * once.scaling, rel=1e-6)
    assert thrice.chi_square == pytest.approx(once.chi_square * 49 / 50, rel=1e-5)


def test_equal_weights_are_no_weights():
    panel = random_panel(2, (0, 1, 2), np.random.default_rng(8), persons=50, missing=0.1)
    spec = ab.CLPM(["alliance", "days"])
    plain = ab.maximum_likelihood(spec, panel, standard_errors="robust")
    weighted = ab.maximum_likelihood(spec, panel, weights=np.full(50, 7.0))
    np.testing.assert_allclose(weighted.table.drop(columns="kind"), plain.table.drop(columns="kind"), rtol=1e-6)
    assert weighted.chi_square == pytest.approx(plain.chi_square, rel=1e-6)


@pytest.mark.parametrize(
    "options", [{"group_lags": "equal"}, {"covariates": {"age": ["intercepts"]}, "group_lags": "equal"}]
)
def test_normal_people_need_no_scaling(options):
    """With 3,000 normal people the scaling is near 1, and robust standard errors are near the others."""
    panel = grouped_panel(persons=3000)
    spec = ab.RICLPM(["x", "y"], **options)
    plain, robust = (ab.maximum_likelihood(spec, panel, standard_errors=kind) for kind in ("observed", "robust"))
    assert robust.scaling == pytest.approx(1, abs=0.05)
    assert np.median(robust.table["se"] / plain.table["se"]) == pytest.approx(1, abs=0.03)
    assert robust.cfi == pytest.approx(plain.cfi, abs=0.01)


def test_printed():
    panel = family_panel("wages5")
    labels = np.arange(545) % 20
    found = ab.maximum_likelihood(ab.CLPM(panel.measures), panel, cluster=labels, weights=1.0 + labels)
    lines = str(found).splitlines()
    assert lines[3] == (
        f"Robust standard errors, 20 clusters, sampling weights; chi-square divided by {found.scaling:.3f}; "
        "CFI, TLI and RMSEA as in Zhang & Savalei (2023)"
    )
    assert lines[-2:] == [
        "Only 20 clusters: cluster-robust standard errors tend to be too small with fewer than about 40.",
        "Weighted: log-likelihood, AIC and BIC are those of a weighted sum over people, not of a density.",
    ]
    assert found.messages == tuple(lines[-2:])


# ---- do they do what they are for ----


def clustered_panel(rng, persons=400):
    """People of one clinic share a level and a trend, so that effects differ between clinics."""
    clinic = np.arange(persons) // 10
    shift = rng.normal(size=(clinic.max() + 1, 3, 2))[clinic]
    stable = rng.normal(size=(persons, 1, 2))
    return ab.Panel.from_arrays(
        stable + shift + rng.normal(size=(persons, 3, 2)), measures=["x", "y"], times=[0, 1, 2]
    ), clinic


@pytest.mark.slow
def test_cluster_robust_intervals_cover():
    """Means of 40 clinics: 95 % intervals hold the truth 0 where others hold it in three quarters of the samples."""
    covered = {"clusters": [], "observed": []}
    for seed in range(200):
        panel, clinic = clustered_panel(np.random.default_rng([11, seed]))
        for kind, given in (("clusters", clinic), ("observed", None)):
            table = ab.maximum_likelihood(ab.CLPM(["x", "y"]), panel, cluster=given).table.filter(like="mean ", axis=0)
            covered[kind].append(((table["lower"] < 0) & (table["upper"] > 0)).mean())
    shares = {kind: float(np.mean(each)) for kind, each in covered.items()}
    assert shares["clusters"] == pytest.approx(0.94, abs=0.02)
    assert shares["observed"] < 0.8


def test_moments_with_weights_are_numpys():
    panel = random_panel(2, (0, 1, 2), np.random.default_rng(13), persons=40)
    model = panel_model(ab.CLPM(["alliance", "days"]), panel)
    weights = np.random.default_rng(14).uniform(0.5, 2, size=40)
    arrays = replace(model, weights=weights).statistics.arrays
    values = model.values()
    np.testing.assert_allclose(arrays.people, [weights.sum()])
    np.testing.assert_allclose(arrays.mean[0], np.average(values, axis=0, weights=weights))
    scatter = np.cov(values.T, aweights=weights, ddof=0) * weights.sum()
    np.testing.assert_allclose(arrays.factor[0] @ arrays.factor[0].T, scatter)
