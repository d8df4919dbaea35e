"""Delta adjustment of models with a state and families: imputed values, and the right delta removes the bias."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

import alliance_bayes as ab
from alliance_bayes.questions import shifted_panels
from fabricated import made_fit
from latent_people import people

STATE = ab.State("sponsor", ["alliance"], keep=["days"])
SPEC = ab.RICLPM(["alliance", "days"], lags="equal", families={"days": ab.Days(14)}, state=STATE)
MISSING = [ab.Absence.WAVE_MISSING, ab.Absence.ITEM_MISSING, ab.Absence.UNKNOWN]


@pytest.fixture(scope="module")
def fit():
    panel = people(60, 3, required=["alliance"], unknown=[4], dropout=True, missing=0.15, seed=8)
    return ab.fit(SPEC, panel, seed=1, draws=40, tune=60, chains=2)


def asked(fit, monkeypatch, **options):
    """The answer, with refits that are the fit itself, and the completed panels."""
    panels = []

    def sampled(whole, settings):
        panels.append(whole.panel)
        assert settings.tune == 100
        return fit.sample

    monkeypatch.setattr(shifted_panels, "sample_posterior", sampled)
    return ab.delta_adjustment(fit, "alliance", "days", imputations=2, draws=40, **options), panels


def test_days_are_drawn_again_from_shifted_predictors(fit, monkeypatch):
    answer, panels = asked(fit, monkeypatch, measure="days", deltas=[-1.0, 1.0])
    original, place = fit.panel, fit.panel.measures.index("days")
    seen = (original.absence[:, :, [place, 0]] == ab.Absence.OBSERVED).any(axis=(1, 2))
    shifted = np.isin(original.absence[:, :, place], MISSING) & seen[:, None]
    assert answer.tables["values"].loc["shifted", "count"] == shifted.sum() > 20
    assert answer.tables["values"].loc["imputed", "count"] == 0
    for first in (0, 3):
        base, lower, higher = panels[first : first + 3]
        for panel in (base, lower, higher):
            elsewhere = np.ones(panel.values.shape, dtype=bool)
            elsewhere[:, :, place] = ~shifted
            np.testing.assert_array_equal(panel.values[elsewhere], original.values[elsewhere])
            np.testing.assert_array_equal(panel.absence[elsewhere], original.absence[elsewhere])
            drawn = panel.values[:, :, place][shifted]
            assert np.isin(drawn, np.arange(15)).all()
            np.testing.assert_array_equal(panel.states["sponsor"], original.states["sponsor"])
        means = [panel.values[:, :, place][shifted].mean() for panel in (lower, base, higher)]
        assert means == sorted(means)
    assert not np.array_equal(panels[0].values[:, :, place], panels[3].values[:, :, place])
    text = str(answer)
    assert "1 SD of days is of the linear predictor of days at the first wave; its" in text
    assert answer.tables["scenarios"]["raw"].isna().all()
    assert "Imputed values of 'days' are drawn from its family, at linear predictors that are shifted." in text
    assert "are distributed as the model predicts, given the shifted ones." in text


def test_what_may_not_exist_is_left_absent(fit, monkeypatch):
    answer, panels = asked(fit, monkeypatch, measure="alliance", deltas=[0.5])
    place = fit.panel.measures.index("alliance")
    shifted = (fit.panel.absence[:, :, place] == ab.Absence.ITEM_MISSING) & (fit.panel.states["sponsor"] == 1)
    assert answer.tables["values"].loc["shifted", "count"] == shifted.sum() > 5
    base, higher = panels[:2]
    np.testing.assert_array_equal(
        np.isnan(base.values[:, :, place]), np.isnan(fit.panel.values[:, :, place]) & ~shifted
    )
    difference = (higher.values - base.values)[:, :, place][shifted]
    np.testing.assert_allclose(difference, 0.5 * fit.model.unit[0], rtol=1e-9)
    assert "Where 'sponsor' is not known, it is not known whether 'alliance' existed; it is neither imputed" in str(
        answer
    )


def test_what_cannot_be_asked(fit):
    spec = replace(SPEC, selection=[ab.Selection("interview", before=["days"])])
    selected = made_fit(spec, fit.panel, fit.draws, fit.settings)
    with pytest.raises(ab.SpecError, match="This model has a selection, another model of values that are not"):
        ab.delta_adjustment(selected, "alliance", "days", measure="days")
    by_person = ab.RICLPM(["alliance", "days"], lags="equal", families={"days": ab.Days("window")}, state=STATE)
    windows = ab.fit(by_person, fit.panel, seed=1, draws=20, tune=40, chains=2)
    with pytest.raises(ab.SpecError, match=r"Windows or exposures of \d+ missing values of 'days' are not known"):
        ab.delta_adjustment(windows, "alliance", "days", measure="days", absences=["wave_missing"])


@pytest.mark.slow  # 12 fits
def test_the_right_delta_recovers_what_complete_answers_say():
    """Unknown days are those of people 1 SD lower than anybody would believe, the sooner the better the alliance."""
    truth = ab.Truth(
        ab.RICLPM(["alliance", "days"], lags="equal"), times=[0, 1, 2, 3],
        lagged={"alliance -> days": 0.3}, carry_over=0.3, icc=0.5, within_correlation=0.2, between_correlation=0.3,
    )  # fmt: skip
    eta, rng = ab.simulate(truth, persons=500, seed=3).values, np.random.default_rng(3)
    unknown = np.zeros(eta.shape[:2], dtype=bool)
    unknown[:, 1:] = rng.random((500, 3)) < expit(1.2 * eta[:, :-1, 0] - 1.2)
    yes = (rng.random(unknown.shape) < expit(1.5 * (eta[:, :, 1] - 1.0 * unknown))).astype(float)
    spec = ab.RICLPM(["alliance", "abstinent"], lags="equal", families={"abstinent": ab.YesNo()})
    whole, seen = (
        ab.Panel.from_arrays(np.stack([eta[:, :, 0], days], axis=2), measures=spec.measures, times=truth.times)
        for days in (yes, np.where(unknown, np.nan, yes))
    )
    sampling = {"draws": 500, "chains": 2, "seed": 4}
    fit = ab.fit(spec, seen, **sampling)
    complete = (
        ab.directionality(ab.fit(spec, whole, **sampling), *spec.measures).draws["effect"].isel(path=0, drop=True)
    )
    answer = ab.delta_adjustment(fit, *spec.measures, measure="abstinent", deltas=[-1.0], imputations=5, draws=150)
    at_random, adjusted = (
        answer.parts[delta].draws["effect"].isel(path=0, drop=True) for delta in ("delta 0", "delta -1")
    )
    by_imputation = at_random.groupby("imputation").mean(("chain", "draw", "length"))
    error = float(by_imputation.std(ddof=1)) / np.sqrt(5)
    fitted = answer.parts["as fitted"].draws["effect"].isel(path=0, drop=True)
    assert abs(float(at_random.mean() - fitted.mean())) < 4 * error + 0.01
    assert float(at_random.std() / fitted.std()) == pytest.approx(1, abs=0.25)
    bias, left = (abs(float(found.mean() - complete.mean())) for found in (at_random, adjusted))
    assert left < 0.5 * bias
    mean = yes[unknown].mean()
    means = answer.tables["scenarios"][
        "imputed_mean"
    ]  # one posterior draw an imputation: of five of them known to about 0.05
    assert means[-1.0] == pytest.approx(mean, abs=0.12)
    assert abs(means[-1.0] - mean) < 0.5 * abs(means[0.0] - mean)
    assert answer.tables["scenarios"].loc[0.0, "imputed_mean"] > mean + 0.1
