"""Shares of predictions: textbook conditional normals, persons left out for real, and verdicts that find faults."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest, norm

import alliance_bayes as ab
from alliance_bayes.basics.problems import PanelError
from alliance_bayes.engine.kernels.interpreter import run
from alliance_bayes.engine.kernels.moments import moments
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.posterior.one_of_many import fit_one_of_many
from alliance_bayes.posterior.predictions.normal import predictive_shares
from alliance_bayes.questions.loo_pit import _table
from helpers import grouped_panel


@pytest.mark.parametrize(
    "options", [{"group_lags": "free"}, {"group_lags": "equal", "covariates": {"age": ["intercepts"]}}]
)
def test_shares_are_conditional_normal_probabilities(options):
    panel = grouped_panel(12)
    model = panel_model(ab.RICLPM(["x", "y"], **options), panel)
    start = np.array([parameter.start for parameter in model.system.parameters])
    thetas = start + 0.05 * np.random.default_rng(1).normal(size=(3, len(start)))
    weights = np.random.default_rng(2).dirichlet(np.ones(3), size=12).T
    values, cells = model.values(), model.design.person_cell
    found = predictive_shares(model.system, thetas, weights, values, 2, cells)
    assert found.shape == (12, 8)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(values[:, :8]))
    for person, place in zip(*np.nonzero(~np.isnan(found)), strict=True):
        want = 0.0
        for theta, weight in zip(thetas, weights[:, person], strict=True):
            registers, _ = run(theta, model.system.structure_arrays)
            mean, covariance = moments(registers, model.system.systems[cells[person]].arrays)
            known = np.flatnonzero(~np.isnan(values[person]))
            known = known[(known < place // 2 * 2) | (known >= 8)]
            slopes = np.linalg.solve(covariance[np.ix_(known, known)], covariance[known, place])
            expected = mean[place] + slopes @ (values[person, known] - mean[known])
            sd = np.sqrt(covariance[place, place] - slopes @ covariance[known, place])
            want += weight * norm.cdf(values[person, place], expected, sd)
        assert found[person, place] == pytest.approx(want)


@pytest.fixture(scope="module")
def calibrated(small_fit):
    return ab.loo_pit(small_fit)


def test_every_observed_value_has_its_share(calibrated, small_fit):
    seen = ~np.isnan(small_fit.panel.values[:, :, [2, 1]])
    assert len(calibrated.tables["persons"]) == 59
    assert len(calibrated.tables["shares"]["share"]) == seen.sum()
    assert calibrated.tables["shares"]["share"].between(0, 1).all()
    assert calibrated.table.index.tolist() == [(name, time) for name in ("alliance", "days") for time in (0, 6, 12, 18)]
    assert calibrated.table["n"].tolist() == seen.sum(axis=0).T.ravel().tolist()
    assert (calibrated.table["verdict"] == "").all()


def test_people_left_out_for_real(small_panel):
    """Weighting the draws comes near fits without those who are predicted worst, in the same units."""
    fit = ab.fit(ab.RICLPM(["alliance", "days"]), small_panel, seed=4, draws=2000, chains=2)
    found = ab.loo_pit(fit).tables["shares"]["share"]
    model = replace(fit.model, units=fit.model.column_units)
    for person in (found - 0.5).abs().groupby("person").max().nlargest(2).index:
        place = int(np.flatnonzero(small_panel.persons == person)[0])
        others = [np.delete(each, place, axis=0) for each in (small_panel.values, small_panel.persons)]
        without = ab.Panel.from_arrays(
            others[0], measures=small_panel.measures, times=small_panel.times, persons=others[1]
        )
        other = fit_one_of_many(
            model.on(without), replace(fit.settings, seed=5), until_explored=False, with_prior=False
        )
        weights = np.full((len(other.thetas), 1), 1 / len(other.thetas))
        want = predictive_shares(model.system, other.thetas, weights, fit.model.values()[[place]], 2)[0]
        np.testing.assert_allclose(found.loc[person].to_numpy(), want[~np.isnan(want)], atol=0.02)


def shares_of(draw, n=400):
    index = pd.MultiIndex.from_product([range(n), [0.0], ["x"]], names=["person", "time", "measure"])
    return pd.Series(norm.cdf(draw(np.random.default_rng(3), n)), index=index)


@pytest.mark.parametrize(
    ("draw", "verdict"),
    [
        (lambda rng, n: rng.normal(size=n), ""),
        (lambda rng, n: 1.5 * rng.normal(size=n), "predictions too narrow"),
        (lambda rng, n: 0.6 * rng.normal(size=n), "predictions too wide"),
        (lambda rng, n: 0.4 + rng.normal(size=n), "predictions too low"),
        (lambda rng, n: rng.normal(size=n) - 0.4, "predictions too high"),
    ],
)
def test_verdicts_find_what_is_wrong(draw, verdict):
    assert _table(shares_of(draw), ["x"])["verdict"].tolist() == [verdict]


def test_p_values_are_adjusted_for_their_number():
    """Shares somewhat too large at one wave are a fault where they are asked for alone, and not as one of two."""
    even = (np.arange(400) + 0.5) / 400
    off = np.minimum(even + 0.0705, 1.0)
    assert 0.025 < kstest(off, "uniform").pvalue < 0.05
    index = [
        pd.MultiIndex.from_product([range(400), [time], ["x"]], names=["person", "time", "measure"]) for time in (0, 1)
    ]
    alone = pd.Series(off, index[0])
    assert _table(alone, ["x"])["verdict"].tolist() == ["predictions too low"]
    both = pd.concat([alone, pd.Series(even, index[1])])
    assert _table(both, ["x"])["verdict"].tolist() == ["", ""]


def test_printed_and_drawn(calibrated):
    text = str(calibrated)
    assert text.startswith(
        "Probability given to less than each observed value, by a model fitted without that person, given the person's "
        "earlier waves; 59 people\n"
    )
    assert "Verdict: no evidence that predictions are too wide, too narrow or off." in text
    figure = calibrated.plot()
    assert [axes.get_title(loc="left") for axes in figure.axes][:5] == [
        "alliance, 0",
        "alliance, 6",
        "alliance, 12",
        "alliance, 18",
        "days, 0",
    ]
    line = figure.axes[0].lines[1]
    shares = np.sort(calibrated.tables["shares"]["share"].xs(("alliance", 0), level=("measure", "time")))
    np.testing.assert_allclose(line.get_xdata()[1:-1:2], shares)
    np.testing.assert_allclose(line.get_ydata()[1:-1:2], np.arange(len(shares)) / len(shares) - shares)
    assert np.abs(line.get_ydata()).max() < 0.3


def test_moments_have_no_values_to_predict():
    panel = ab.Panel.from_moments(
        measures=["x", "y"], times=[0, 1, 2], n=100, means=np.zeros((3, 2)), covariance=np.eye(6), divisor="n"
    )
    fitted = ab.fit(ab.CLPM(["x", "y"]), panel, seed=1, draws=10, tune=20, chains=1)
    with pytest.raises(PanelError, match="A prediction of single values"):
        ab.loo_pit(fitted)
