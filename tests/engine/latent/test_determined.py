"""People in whom nothing is left to integrate: their sum is that of their densities one by one, and who they are."""

from dataclasses import replace

import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.engine.latent.determined import means_and_scatters
from alliance_bayes.engine.latent.panel_likelihood import latent_likelihood_and_gradient
from alliance_bayes.engine.model_on_panel import panel_model
from latent_people import people

M = ["alliance", "trust"]
SPONSOR = ab.State("sponsor", ["alliance"], first=["age"], acquire=["trust", "work"], keep=M, acts_on=["trust"])
SEEN = ab.Selection("interview", before=["trust"])
REQUIRED = {"required": ["alliance"]}


def state_model(*, persons=60, lags="equal", families=None, reliability=None, **options):
    spec = ab.RICLPM(M, lags=lags, state=SPONSOR, families=families or {}, reliability=reliability or {})
    return panel_model(spec, people(persons, **REQUIRED | options))


def likelihood(model, data, seed=1):
    """Value and gradient at a point about the prior's middle."""
    drawn = model.scale.join(model.scale.draw(400, np.random.default_rng(seed)))
    psi = np.median(drawn, axis=0) + 0.1 * (drawn[0] - np.median(drawn, axis=0))
    arrays = model.scale.arrays, model.system.structure_arrays, model.system.arrays
    return latent_likelihood_and_gradient(psi, *arrays, model.families.links, data)


def one_by_one(data):
    """The same data without the moments of their patterns."""
    return data._replace(moments_start=np.zeros_like(data.moments_start), moments=np.zeros(0))


@pytest.mark.parametrize(
    "options",
    [{}, {"missing": 0.15}, {"lags": "grid", "unknown": [1, 8], "n_waves": 4}, {"dropout": True}],
    ids=["complete", "missing", "unknown", "dropout"],
)
def test_the_sum_and_its_gradient_are_those_of_people_one_by_one(options):
    model = state_model(**options)
    value, gradient = likelihood(model, model.latent_data)
    want, slopes = likelihood(model, one_by_one(model.latent_data))
    np.testing.assert_allclose(value, want, rtol=1e-12)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-8, atol=1e-8 * np.abs(slopes).max())
    assert not model.is_integrated.all()


def test_the_mean_and_the_scatter_about_it_are_those_of_numpy():
    rng = np.random.default_rng(2)
    exact, bounds = rng.normal(1e3, 2.0, size=(30, 4)), np.array([0, 20, 25, 30])
    starts, moments = means_and_scatters(exact, bounds, np.array([3, 2, 4]), np.array([True, False, True]))
    np.testing.assert_array_equal(starts, [0, 12, 12, 32])
    for first, last, size, start in ((0, 20, 3, 0), (25, 30, 4, 12)):
        rows = exact[first:last, :size]
        np.testing.assert_allclose(moments[start : start + size], rows.mean(axis=0), rtol=1e-12)
        scatter = moments[start + size : start + size + size**2].reshape(size, size)
        np.testing.assert_allclose(scatter, np.cov(rows.T) * (len(rows) - 1), rtol=1e-10)


def test_who_is_integrated_over():
    """Whoever did not answer before a state that depends on it, or has several possible histories."""
    model = state_model(unknown=[4])
    panel, values = model.panel, model.panel.values.copy()
    columns = [panel.measures.index(name) for name in M]
    values[[0, 7], 1, columns[1]] = np.nan  # before the last wave's state
    values[9, 2, columns[1]] = np.nan  # nothing depends on it
    again = ab.Panel.from_arrays(
        values, measures=panel.measures, times=panel.times, requires=dict(panel.requires), states=dict(panel.states),
        covariates=dict(panel.covariates),
    )  # fmt: skip
    model = panel_model(model.spec, again)
    np.testing.assert_array_equal(np.flatnonzero(model.is_integrated), [0, 4, 7])
    first, second, third = model.notes
    assert first == (
        "Moments path for 57 of 60 people, whose observed values are normal, with all predictors of 'sponsor' among "
        "them: their likelihood is computed from means and covariances, exactly."
    )
    assert second == "Latent path for 3 people: their linear predictors are integrated out of the likelihood."
    assert third == (
        "1 person has several possible histories, up to 4 of one person, which are summed over: 'sponsor' was not "
        "reported at every time."
    )


def test_what_may_be_new_is_told_among_the_histories():
    model = state_model()
    spec = replace(model.spec, state=replace(model.spec.state, same=0.8))
    *_, last = panel_model(spec, model.panel).notes
    assert last.endswith("summed over: 'sponsor' was not reported at every time, or may be a new one (same=0.8).")


def test_where_nothing_is_left_all_are_on_the_moments_path():
    (only,) = state_model().notes
    assert only.startswith("Moments path for all 60 people, whose observed values are normal, with all predictors of")


@pytest.mark.parametrize(
    "options", [{"reliability": {"trust": 0.8}}, {"families": {"trust": ab.Ordinal(9)}}], ids=["error", "family"]
)
def test_values_with_error_and_answers_of_other_families_leave_everybody_to_integrate(options):
    if "families" in options:
        spec = ab.RICLPM(["alliance", "days"], lags="equal", families={"days": ab.Days(14)})
        model = panel_model(spec, people(30))
    else:
        model = state_model(**options)
    assert model.is_integrated.all()
    assert model.notes[0] == "Latent path: each person's linear predictors are integrated out of the likelihood."


def test_who_is_seen_may_depend_on_what_was_seen():
    spec = ab.RICLPM(M, lags="equal", selection=SEEN)
    model = panel_model(spec, people(60, dropout=True, n_waves=4))
    panel = model.panel
    trust = ~np.isnan(panel.values[:, :, panel.measures.index("trust")])
    np.testing.assert_array_equal(model.is_integrated, ~trust[:, :3].all(axis=1))
    assert "with all predictors of 'interview' among them" in model.notes[0]
