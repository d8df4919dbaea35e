"""What knows only normal measures missing at random refuses every other model instead of leaving it out."""

import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.basics.problems import SpecError
from fabricated import fabricated_fit

MEASURES = ("x", "m", "y")
STATE = ab.State("sponsor", required_by=["y"])
SEEN = ab.Selection("interview", on=["y"], effect=ab.Normal(0, 0.5))
OPTIONS = [{"families": {"y": ab.Count()}}, {"state": STATE}, {"selection": [SEEN]}]
HAS = ["y (a count)", "the state sponsor", "a selection of interviews"]
WITHOUT = ["families", "state", "selection"]
LAGGED = np.eye(3) * 0.3


def fit_of(option):
    known = {}
    if "families" in option:
        counts = np.random.default_rng(1).poisson(3, size=(30, 4, 3))
        known = {"values": counts.astype(float)}
    if "state" in option:
        sponsor = np.arange(120).reshape(30, 4) % 3 > 0
        values = np.random.default_rng(1).normal(size=(30, 4, 3))
        values[~sponsor, 2] = np.nan
        known = {"values": values, "requires": {"y": "sponsor"}, "states": {"sponsor": sponsor}}
    return fabricated_fit(LAGGED, spec=ab.RICLPM(MEASURES, lags="grid", **option), **known)


ASKED = {
    "A program of lavaan": lambda fit: ab.to_lavaan(fit.spec, fit.panel),
    "A program of Mplus": lambda fit: ab.to_mplus(fit.spec, fit.panel),
    "maximum_likelihood": lambda fit: ab.maximum_likelihood(fit.spec, fit.panel),
    "log_likelihood": lambda fit: ab.log_likelihood(fit.spec, fit.panel, {}),
    "fit_imputations": lambda fit: ab.fit_imputations(fit.spec, [fit.panel, fit.panel], seed=1),
    "causal_order": lambda fit: ab.causal_order(fit),
}


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("place", range(3), ids=WITHOUT)
def test_it_is_refused_in_one_sentence(asked, place):
    with pytest.raises(SpecError) as caught:
        ASKED[asked](fit_of(OPTIONS[place]))
    assert caught.value.problems[0] == (
        f"{asked} needs a model of normal measures alone; this one has {HAS[place]}. Ask it of a model without "
        f"{WITHOUT[place]}."
    )


def test_comparisons_refuse_densities_of_other_things():
    fits = {"normal": fabricated_fit(LAGGED), "counts": fit_of(OPTIONS[0])}
    for ask in (ab.compare, ab.leave_future_out):
        with pytest.raises(SpecError, match=r"gives a probability to .*y as numbers.* 'counts' to .*y as responses"):
            ask(fits)


def test_leaving_the_future_out_says_what_a_model_has_of_its_own_there():
    with pytest.raises(SpecError) as caught:
        ab.leave_future_out({"seen": fit_of(OPTIONS[2]), "normal": fabricated_fit(LAGGED)})
    assert any("'seen' has a selection, which predicts who is observed" in each for each in caught.value.problems)
    fit = fit_of(OPTIONS[1])
    with pytest.raises(SpecError) as caught:
        ab.leave_future_out({"one": fit, "two": fit}, training="past")
    assert any("parameters of the later waves alone" in each for each in caught.value.problems)


@pytest.mark.parametrize("option", OPTIONS, ids=WITHOUT)
def test_what_reads_lagged_effects_answers(option):
    fit = fit_of(option)
    answer = ab.mediation(fit, treatment="x", mediators=["m"], outcome="y", horizon=6)
    assert set(fit.spec.assumptions) <= set(answer.assumptions)
    assert set(fit.spec.assumptions) <= set(ab.lag_curve(fit).assumptions)
