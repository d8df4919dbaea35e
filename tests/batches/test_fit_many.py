"""Many fits: what is shared between them changes nothing, and what is wrong with one is kept."""

import numpy as np
import pandas as pd
import pytest

import alliance_bayes as ab
from alliance_bayes.batches import fitting

SPEC = ab.RICLPM(["x", "y"], lags="equal")
SETTINGS = {"seed": 1, "workers": 1, "draws": 100, "tune": 50}


def truth_of():
    return ab.Truth(
        SPEC,
        times=[0, 1, 2, 3],
        lagged={"x -> y": 0.2},
        carry_over=0.3,
        icc=0.5,
        within_correlation=0.2,
        between_correlation=0.3,
    )


@pytest.fixture(scope="module")
def panels():
    return [ab.simulate(truth_of(), persons=80, seed=seed, missing=ab.Missing(share=0.2)) for seed in range(3)]


@pytest.fixture(scope="module")
def constant():
    """A panel in which a measure never varies, so that no model fits."""
    values = np.random.default_rng(1).normal(size=(80, 4, 2))
    values[:, :, 1] = values[:, :1, 1]
    return ab.Panel.from_arrays(values, measures=["x", "y"], times=range(4))


@pytest.fixture(scope="module")
def maxima(panels, tmp_path_factory):
    return ab.fit_many(SPEC, panels, tmp_path_factory.mktemp("maxima"), seed=1, workers=1, method="maximum_likelihood")


def test_each_maximum_likelihood_is_that_of_its_panel(maxima, panels):
    for number, panel in enumerate(panels):
        alone = ab.maximum_likelihood(SPEC, panel)
        pd.testing.assert_frame_equal(
            maxima.estimates.loc["panels", number], pd.DataFrame(alone.summary()), check_exact=True, check_names=False
        )
        row = maxima.table.iloc[number]
        assert (row["log_likelihood"], row["chi_square"], row["df"]) == (
            alone.log_likelihood,
            alone.chi_square,
            alone.df,
        )
    assert maxima.n_healthy == 3
    assert "3 healthy, 0 with problems, 0 failed" in maxima.text


def test_each_preview_is_that_of_its_panel_and_seed(panels, tmp_path):
    questions = {"direction": ab.Question("directionality", {"between": ["x", "y"]}).answer}
    cells = {"first": panels[:1], "others": panels[1:]}
    fits = ab.fit_many(SPEC, cells, tmp_path, seed=1, workers=1, method="preview", questions=questions)
    assert len(fits) == 3
    row = fits[2]
    alone = ab.preview(SPEC, panels[2], seed=int(row["seed"]))
    assert row["k_hat"] == alone.k_hat
    np.testing.assert_array_equal(fits.estimates.loc["others", 1].to_numpy(), alone.table.to_numpy())
    answer = ab.directionality(alone, "x", "y")
    assert row["direction"] == answer.verdict
    np.testing.assert_array_equal(
        fits.evidence("direction").loc["others", 1].to_numpy(dtype=float), answer.evidence.to_numpy(dtype=float)
    )
    assert "direction: undecided 3 times" in fits.text


def test_layouts_are_shared_between_panels_of_the_same_design_alone(panels):
    from alliance_bayes.engine.model_on_panel import panel_model

    first = panel_model(SPEC, panels[0])
    assert panel_model(SPEC, panels[1], like=first).layout is first.layout
    later = ab.Panel.from_arrays(panels[1].values, measures=["x", "y"], times=[0, 1, 2, 4])
    assert panel_model(SPEC, later, like=first).layout.design.times == (0, 1, 2, 4)
    ages = [
        ab.Panel.from_arrays(panels[0].values, measures=["x", "y"], times=range(4), covariates={"age": age})
        for age in np.random.default_rng(1).normal(size=(2, 80))
    ]
    with_age = ab.RICLPM(["x", "y"], lags="equal", covariates={"age": "intercepts"})
    models = panel_model(with_age, ages[0]), panel_model(with_age, ages[1], like=panel_model(with_age, ages[0]))
    assert models[0].layout.design.scales != models[1].layout.design.scales


def test_samples_have_the_posterior_that_fit_samples(panels, tmp_path):
    fits = ab.fit_many(SPEC, panels[:1], tmp_path, seed=1, workers=1, draws=1000)
    fitted = ab.fit(SPEC, panels[0], seed=2, draws=1000, chains=2)
    estimates = fits.estimates.loc["panels", 0]
    alone = fitted.summary(["lagged_standardized", "within_sd"])
    difference = (estimates.loc[alone.index, "mean"] - alone["mean"]) / alone["sd"]
    assert fits.table["ess_lags"].min() > 800
    assert np.abs(difference).max() < 5 * np.sqrt(2 / 800)
    assert np.abs(np.log(estimates.loc[alone.index, "sd"] / alone["sd"])).max() < 0.2


def test_fits_that_fail_or_cannot_be_trusted_are_results(panels, constant, tmp_path):
    fits = ab.fit_many(SPEC, [constant, *panels[:1]], tmp_path, **SETTINGS)
    assert list(fits.table["status"]) == ["failed", "done"]
    assert fits.table["error"][0] == "SpecError"
    assert fits.table["healthy"][1] is False
    assert "Too few effective draws" in fits.table["problems"][1] or "disagree" in fits.table["problems"][1]
    assert (fits.n_failed, fits.n_healthy) == (1, 0)
    assert "0 healthy, 1 with problems, 1 failed" in fits.text
    assert set(fits.estimates.index.get_level_values("number")) == {1}


def test_a_model_for_none_of_the_panels_is_refused_at_once(constant, tmp_path):
    with pytest.raises(ab.SpecError, match="'z'"):
        ab.fit_many(ab.RICLPM(["x", "z"]), [constant], tmp_path, **SETTINGS)
    with pytest.raises(ab.SpecError, match="cannot be fitted to this panel"):
        ab.fit_many(SPEC, [constant, constant], tmp_path, **SETTINGS)


def test_a_folder_of_fits_with_another_target_accept_is_refused_by_that_name(panels, tmp_path, monkeypatch):
    asked = []

    def fit_one(_, settings, **options):
        asked.append((settings.target_accept, options["until_explored"]))
        raise ab.SpecError("not sampled here")

    monkeypatch.setattr(fitting, "fit_one_of_many", fit_one)
    for accept, folder in ((None, "a"), (0.8, "b")):
        ab.fit_many(SPEC, panels[:1], tmp_path / folder, target_accept=accept, **SETTINGS)
    assert asked == [(0.8, True), (0.8, False)]
    with pytest.raises(ab.AllianceBayesError, match=r"target_accept was null and is 0\.9 now"):
        ab.fit_many(SPEC, panels[:1], tmp_path / "a", target_accept=0.9, **SETTINGS)


def test_a_folder_of_other_fits_is_refused(maxima, panels):
    given = {"seed": 1, "workers": 1, "method": "maximum_likelihood"}
    with pytest.raises(ab.AllianceBayesError, match="fits of other panels: 'maximum_likelihood, panels, 0'"):
        ab.fit_many(SPEC, panels[::-1], maxima.folder, **given)
    with pytest.raises(ab.AllianceBayesError, match='lags was "equal" and is "free" now'):
        ab.fit_many(ab.RICLPM(["x", "y"], lags="free"), panels, maxima.folder, **given)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"panels": []}, "There are no panels"),
        ({"panels": 3}, "panels must be a list of panels"),
        ({"panels": {"a": [3]}}, "for 'a'"),
        ({"method": "sampling"}, "method must be one of 'sample'"),
        ({"draws": 0}, "draws must be a whole number above 0"),
        ({"workers": -1}, "workers must be a whole number above 0"),
        ({"questions": {"x": abs}, "method": "maximum_likelihood"}, "maximum likelihood has none"),
        ({"questions": {"rhat": abs}}, "No question can be named 'rhat'"),
        ({"client": 3}, "client must be a dask.distributed.Client"),
    ],
)
def test_bad_calls_are_refused(given, problem, panels, tmp_path):
    with pytest.raises(ab.SpecError, match=problem):
        ab.fit_many(SPEC, **{"panels": panels, "folder": tmp_path} | SETTINGS | given)
