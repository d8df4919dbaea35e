"""A fit in the hands of ArviZ, and its model in those of plain PyMC."""

import arviz as az
import numpy as np
import pymc as pm
import pytest

import alliance_bayes as ab

PATHS = ["alliance -> days", "days -> alliance"]


@pytest.fixture(autouse=True)
def _closed_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.mark.filterwarnings("ignore:Estimated shape parameter of Pareto distribution:UserWarning")
def test_arviz_leaves_one_person_out(small_fit):
    by_method, by_draws = az.loo(small_fit.log_likelihood()), az.loo(small_fit.draws)
    assert by_method.elpd == pytest.approx(by_draws.elpd)
    assert by_method.n_data_points == small_fit.n_persons
    array = small_fit.log_likelihood()["log_likelihood"]["values"].to_numpy().reshape(small_fit.n_draws, -1)
    lppd = (np.logaddexp.reduce(array) - np.log(len(array))).sum()
    assert 0 < lppd - by_method.elpd < 60


def test_arviz_plots_draws_by_the_names_of_the_readme(small_fit):
    assert len(az.plot_trace(small_fit.draws, var_names=["lagged_standardized"]).viz.children) > 0
    assert len(az.summary(small_fit.draws, var_names=["lagged_standardized"])) == len(small_fit.summary(["lagged"]))


@pytest.mark.parametrize("plot", ["plot_traces", "plot_ranks", "plot_prior_posterior"])
def test_plots_of_draws_show_the_lagged_effects_or_what_is_asked_for(small_fit, plot):
    collection = getattr(small_fit, plot)()
    shown = collection.viz["plot"].to_dataset() if "plot" in collection.viz.children else collection.viz.to_dataset()
    assert list(shown.data_vars) == ["lagged_standardized"]
    assert set(shown["path"].to_numpy()) >= set(PATHS)
    getattr(small_fit, plot)(["between_sd"])
    with pytest.raises(ab.SpecError, match="The draws have no 'lag'"):
        getattr(small_fit, plot)(["lag"])


def test_replicates_are_drawn_beside_the_observed_values_of_the_same_people(small_fit):
    collection = small_fit.plot_predictive()
    names = [f"{measure} at {time}" for measure in small_fit.spec.measures for time in (0, 3, 6, 9)]
    assert len(collection.viz["plot"].data_vars) == len(names)


def test_plain_pymc_predicts_new_data_from_the_posterior(small_fit):
    """The README's way: the model of persons has observed variables, which predictive sampling replicates."""
    model = ab.to_pymc(small_fit.spec, small_fit.panel, likelihood="persons")
    few = small_fit.posterior.isel(draw=slice(0, None, 50))
    with model:
        replicated = pm.sample_posterior_predictive(few, random_seed=1, progressbar=False)
    values = replicated["posterior_predictive"].to_dataset()
    assert set(values.data_vars) == {variable.name for variable in model.observed_RVs}
    assert all(np.isfinite(array).all() for array in values.data_vars.values())
