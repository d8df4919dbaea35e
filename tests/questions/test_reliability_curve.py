"""Direction at several reliabilities: which are fitted, which are impossible, and beside a truth with error."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from test_directionality import made_up_fit

import alliance_bayes as ab
from alliance_bayes.posterior.health import Health
from alliance_bayes.questions import robustness as module
from alliance_bayes.questions.reliability_curve import error_variants

NAMES = ["alliance", "days"]
HEALTHY = Health(1.0, 900, 900, 0, 1.0, "", ())


def with_within_shares(fit, shares):
    """The fit with these shares of the variance within persons, by measure, at every draw and wave."""
    sds = fit.model.unit * np.sqrt(shares)
    posterior = fit.draws["posterior"].to_dataset()
    shape = (posterior.sizes["chain"], posterior.sizes["draw"], len(fit.panel.times), len(sds))
    within = xr.DataArray(np.broadcast_to(sds, shape).copy(), dims=("chain", "draw", "time", "measure"))
    fit.draws["posterior"] = xr.DataTree(posterior.assign(within_sd=within))
    fit.__dict__["health"] = HEALTHY
    return fit


def asked(
    monkeypatch,
    values,
    *,
    effects=lambda spec: (0.25, 0.0),
    shares=(0.5, 0.25),
    spec=None,
    health=lambda spec: HEALTHY,
    **options,
):
    """The answer without other variants, of fits with effects that depend on the model, and the models fitted."""
    fitted = []

    def next_fit(spec, panel, **settings):
        fitted.append(dict(spec.reliability))
        fit = with_within_shares(made_up_fit(*effects(spec), spec=spec), np.asarray(shares))
        fit.__dict__["health"] = health(spec)
        return fit

    monkeypatch.setattr(module, "fit_model", next_fit)
    one = made_up_fit(0.25, 0.0)
    answer = ab.robustness(
        spec or one.spec, one.panel, *NAMES, seed=3, variants={}, reliability=values, certainty=0.9, **options
    )
    return answer, fitted


def test_each_measure_and_both_at_each_value(monkeypatch):
    answer, fitted = asked(monkeypatch, [0.9, 1, 0.8])
    assert fitted == [
        {},
        {"alliance": 0.9},
        {"alliance": 0.8},
        {"days": 0.9},
        {"days": 0.8},
        {"alliance": 0.9, "days": 0.9},
        {"alliance": 0.8, "days": 0.8},
    ]
    curve = answer.tables["reliability"]
    assert curve.index.tolist() == [
        (of, value) for of in ("alliance", "days", "alliance and days") for value in (1, 0.9, 0.8)
    ]
    assert (curve["verdict"] == "alliance leads").all()
    part = answer.parts["reliability of days 0.8"]
    contest = part.tables["contest"].iloc[0]
    assert curve.loc[("days", 0.8), "p_first_larger"] == contest["probability"]
    assert (
        "Measurement error in days does not change the verdict, the order of sizes or a sign down to reliability 0.8."
        in answer.reasons
    )
    assert answer.reasons[0] == "The verdict is 'alliance leads' under the original model."
    assert answer.table.index.unique("variant").tolist() == ["original model"]
    assert list(answer.parts) == [
        "original model",
        *(f"reliability of {of} {value:g}" for of, value in curve.index if value < 1),
    ]


def test_error_beyond_what_is_within_persons_is_impossible_and_not_fitted(monkeypatch):
    """Within persons are .5 and .25 of the variance; an error of exactly that is the last to be fitted."""
    answer, fitted = asked(monkeypatch, [1, 0.75, 0.5, 0.4])
    assert [0.4 in of.values() for of in fitted].count(True) == 0
    assert {"alliance": 0.5} in fitted
    assert {"days": 0.75} in fitted
    assert not [of for of in fitted if of.get("days") == 0.5]
    verdicts = answer.tables["reliability"]["verdict"].unstack("of")
    assert verdicts.loc[0.5].to_dict() == {
        "alliance": "alliance leads",
        "alliance and days": "impossible",
        "days": "impossible",
    }
    assert answer.tables["reliability"].loc[("days", 0.5)].drop("verdict").isna().all()
    assert answer.tables["not_fitted"].loc["reliability of days 0.5", "reason"] == (
        "Impossible: 50 % of the variance would be error, and within persons there is no more than 25 % of 'days'."
    )


def test_what_a_known_reliability_already_takes_counts_as_within_persons(monkeypatch):
    """Within persons are .5 in the model, and .2 more are error already: an error of .6 is possible, one of .8 not."""
    spec = ab.RICLPM(NAMES, lags="free", reliability={"alliance": 0.8})
    answer, fitted = asked(monkeypatch, [1, 0.8, 0.4, 0.2], spec=spec)
    curve = answer.tables["reliability"]["verdict"]
    assert fitted[:3] == [{"alliance": 0.8}, {}, {"alliance": 0.4}]
    assert curve["alliance"].to_dict()[0.2] == "impossible"
    assert curve["alliance"].to_dict()[0.8] == answer.verdict


def test_where_the_verdict_changes_is_said_and_drawn(monkeypatch):
    answer, _ = asked(
        monkeypatch, [1, 0.8, 0.6], effects=lambda spec: (0.25, 0.25 if spec.reliability.get("days") else 0.0)
    )
    (days,) = [reason for reason in answer.reasons if reason.startswith("With measurement error in days the")]
    assert days.startswith("With measurement error in days the verdict is 'both' at 0.8. But ")
    assert "P(days -> alliance > 0) is 1.00 at 0.8" in days
    assert "impossible" not in days
    upper, lower = answer.plot().axes[:2]
    assert upper.get_title(loc="left") == "Reliability of alliance"
    assert [text.get_text() for text in answer.plot().axes[3].texts] == ["both", "alliance leads"]
    assert lower.get_xlim()[0] > 0.5
    lines = str(answer).splitlines()
    assert any(line.startswith("days 0.6") and line.endswith("impossible") for line in lines)


def test_what_cannot_be_trusted_is_named_and_compared_with_nothing(monkeypatch):
    sick = replace(HEALTHY, problems=("Chains disagree.",))
    answer, _ = asked(
        monkeypatch,
        [1, 0.8, 0.75],
        health=lambda spec: sick if spec.reliability == {"alliance": 0.75} else HEALTHY,
    )
    curve = answer.tables["reliability"]
    assert curve.loc["alliance", "verdict"].to_dict() == {
        1: "alliance leads",
        0.8: "alliance leads",
        0.75: "cannot be trusted",
    }
    assert "The draws at reliability 0.75 of alliance cannot be trusted." in answer.reasons
    unchanged = "Measurement error in {} does not change the verdict, the order of sizes or a sign down to reliability"
    assert f"{unchanged.format('alliance')} 0.8." in answer.reasons
    assert f"{unchanged.format('days')} 0.75." in answer.reasons
    assert not [reason for reason in answer.reasons if "'undecided'" in reason]


def test_an_original_model_that_cannot_be_trusted_is_no_reference(monkeypatch):
    sick = replace(HEALTHY, problems=("Chains disagree.",))
    answer, _ = asked(monkeypatch, [1, 0.8], health=lambda spec: HEALTHY if spec.reliability else sick)
    assert answer.reasons == (
        "The verdict is 'undecided' under the original model.",
        "The draws of the original model cannot be trusted, so no reliability is compared with it.",
    )


def test_an_order_of_sizes_that_turns_is_said_although_the_verdict_stays(monkeypatch):
    """The verdict is "both" throughout; first the one effect is the larger, then the other."""
    answer, _ = asked(
        monkeypatch, [1, 0.8], effects=lambda spec: (0.15, 0.25) if spec.reliability.get("days") else (0.25, 0.15)
    )
    assert answer.verdict == "both"
    assert (
        "With measurement error in days the verdict stays down to reliability 0.8. But P(|alliance -> days| larger) is "
        "0.00 at 0.8, and 1.00 under the original model."
    ) in answer.reasons


def test_a_sign_that_turns_is_said_although_the_verdict_stays(monkeypatch):
    answer, _ = asked(
        monkeypatch, [1, 0.8], effects=lambda spec: (-0.25 if spec.reliability.get("days") else 0.25, 0.0)
    )
    (days,) = [reason for reason in answer.reasons if "in days the verdict stays" in reason]
    assert "But P(alliance -> days > 0) is 0.00 at 0.8, and 1.00 under the original model." in days


def test_a_measure_with_an_error_of_its_own_stays(monkeypatch):
    spec = ab.RICLPM([*NAMES, "visits"], families={"days": ab.Days(30)})
    variants = error_variants(spec, NAMES, [1, 0.8])
    assert [(variant.of, variant.value) for variant in variants] == [("alliance", 1), ("alliance", 0.8)]


@pytest.mark.parametrize(
    ("spec", "values", "problem"),
    [
        (ab.RICLPM(NAMES), [1.2, 0.5], "reliability must lie above 0 and at most 1; got [1.2, 0.5]."),
        (ab.RICLPM(NAMES), [0.0], "reliability must lie above 0 and at most 1; got [0.0]."),
        (ab.RICLPM(NAMES), [0.5, 0.5], "reliability must not repeat a value; got [0.5, 0.5]."),
        (
            ab.STARTS(NAMES),
            [0.8],
            "reliability: 'alliance', 'days' have measurement error in this model already, from a family, indicators "
            "or a STARTS model. Omit reliability.",
        ),
    ],
)
def test_reliabilities_that_cannot_be_asked_are_refused_before_anything_is_fitted(spec, values, problem):
    panel = made_up_fit(0.0, 0.0, times=(0, 6, 12, 18)).panel
    with pytest.raises(ab.SpecError) as error:
        ab.robustness(spec, panel, *NAMES, seed=1, reliability=values)
    assert error.value.problems == (problem,)


def simulated(persons):
    truth = ab.Truth(
        ab.RICLPM(NAMES, lags="equal", reliability={"alliance": 0.6}),
        times=[0, 6, 12, 18],
        carry_over=0.3,
        lagged={"alliance -> days": 0.2},
        icc=0.3,
        within_correlation=0.26,
        between_correlation=0.35,
    )
    return ab.simulate(truth, persons=persons, seed=8)


def test_a_fit_at_the_true_reliability_recovers_what_error_had_hidden():
    """Drawn with reliability .6 of the leading measure: at 1 its effect is half of the truth, at .6 it is there."""
    answer = ab.robustness(
        ab.RICLPM(NAMES, lags="equal"),
        simulated(4000),
        *NAMES,
        seed=5,
        variants={},
        reliability=[1, 0.6],
        draws=150,
        tune=300,
        chains=2,
    )
    effects = answer.tables["reliability"].loc["alliance"]
    error = (effects["forward_upper"] - effects["forward_lower"]) / 3.2  # SDs, of 89 % intervals
    assert abs(effects.loc[0.6, "forward"] - 0.2) < 3 * error.loc[0.6]
    assert effects.loc[1, "forward"] + 4 * error.loc[1] < 0.2
    assert effects.loc[1, "forward"] == pytest.approx(0.11, abs=4 * error.loc[1])
