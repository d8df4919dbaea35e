"""Families, a state and selections as options of a model: refused, assumed, printed, and read back."""

import json

import pytest
import tomlkit

import alliance_bayes as ab
from alliance_bayes.basics.problems import SpecError
from alliance_bayes.families.normal import Gaussian
from alliance_bayes.spec.cross_lagged import MISSING_AT_RANDOM
from alliance_bayes.spec.mapping import spec_from_mapping, spec_to_mapping

M = ["alliance", "days"]
DAYS = {"days": ab.Days(30)}
SPONSOR = ab.State("sponsor", required_by=["alliance"], keep=["alliance", "commitment"])
SEEN = ab.Selection("interview", on=["days"], effect=ab.Normal(0.5, 0.25))
EVERYTHING = ab.RICLPM(
    M,
    lags="equal",
    lag_2=["days -> days"],
    covariates={"age": ["intercepts", "first_wave"]},
    families={"days": ab.Days("window", precision=ab.LogNormal(1, 0.5)), "alliance": ab.Items(["a1", "a2"], 5)},
    state=ab.State("sponsor", ["alliance"], ["age"], ["days"], ["commitment"], ["days"], 0.7, effect=ab.Normal(0, 1)),
    selection=[SEEN, ab.Selection("alliance", before=["days"])],
)
SPECS = [
    EVERYTHING,
    ab.CLPM(M, families=DAYS),
    ab.RICLPM(M, families={"days": ab.Days((30, 90, 90)), "alliance": Gaussian()}),
    ab.RICLPM(M, state=SPONSOR, trait_loadings="free"),
    ab.RICLPM(M, selection=[SEEN], stationary=True, lags="continuous"),
]


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_there_and_back(spec):
    mapping = spec_to_mapping(spec)
    assert spec_from_mapping(mapping) == spec
    assert spec_from_mapping(json.loads(json.dumps(mapping))) == spec
    assert spec_from_mapping(tomlkit.parse(tomlkit.dumps(mapping)).unwrap()) == spec
    assert hash(spec_from_mapping(mapping)) == hash(spec)


def test_what_a_mapping_holds():
    assert spec_to_mapping(ab.RICLPM(M, families=DAYS, state=ab.State("sponsor"), selection=[SEEN])) == {
        "kind": "riclpm",
        "measures": M,
        "families": {"days": {"family": "days", "window": 30}},
        "state": {"name": "sponsor"},
        "selection": [{"of": "interview", "on": ["days"], "effect": {"normal": [0.5, 0.25]}}],
    }


def test_a_mapping_that_cannot_be_read():
    with pytest.raises(SpecError) as caught:
        spec_from_mapping(
            {
                "kind": "riclpm",
                "measures": M,
                "families": {"days": {"family": "days"}, "alliance": "poisson"},
                "state": {"same": 0.5},
                "selection": [{"of": "interview", "at": ["days"]}],
            }
        )
    assert caught.value.problems == (
        "family of 'days': window is missing.",
        "family of 'alliance': No family is called 'poisson'. Families: 'normal', 'days', "
        "'beta_binomial', 'count', 'proportion', 'yes_no', 'ordinal', 'items'.",
        "state: name is missing.",
        "selection 1: No option is called 'at'. Options: 'of', 'on', 'before', 'effect', 'slope', 'intercept'.",
    )
    for given, problem in (
        ({"families": 3}, "families must be a table such as { days = { family = 'days', window = 30 } }; got 3."),
        ({"selection": 3}, "selection must be a list of tables, such as { of = 'interview' }; got 3."),
    ):
        with pytest.raises(SpecError) as caught:
            spec_from_mapping({"kind": "riclpm", "measures": M, **given})
        assert caught.value.problems == (problem,)


def test_what_the_options_say_of_a_model():
    assert EVERYTHING.is_latent
    assert list(EVERYTHING.random_families) == M
    assert EVERYTHING.columns == ("alliance", "days")
    assert EVERYTHING.response_columns == ("a1", "a2", "days")
    assert EVERYTHING.given_columns == ("window",)
    assert EVERYTHING.conditioned_on == ("age", "commitment")
    assert ab.RICLPM(M, selection=SEEN).selection == (SEEN,)
    normal = ab.RICLPM(M, families={"days": Gaussian()})
    assert not normal.is_latent
    assert normal.random_families == {}
    assert normal.response_columns == normal.columns
    assert normal.assumptions == ab.RICLPM(M).assumptions
    assert [ab.RICLPM(M, **option).is_latent for option in ({"state": SPONSOR}, {"selection": [SEEN]})] == [True, True]


def test_printed():
    assert str(EVERYTHING) == (
        "random-intercept cross-lagged panel model of alliance and days; lagged effects equal, residual covariances "
        "free, means free; with a lag of two waves: days -> days; age on intercepts and first wave; "
        "alliance as 2 items of 5 ordered categories; days as days out of 'window'; state sponsor, required by "
        "alliance, at first by age, acquired by days, kept by commitment, acts on days, the same one with probability "
        "0.7 where kept; selection of interviews by days, effect Normal(0.5, 0.25); selection of answers to alliance "
        "by days one wave before"
    )
    families = {
        "alliance": ab.BetaBinomial((6, 7)),
        "days": ab.Count(1.5, hurdle=True),
        "help": ab.YesNo(),
        "mood": ab.Ordinal(4),
    }
    assert str(ab.CLPM([*M, "help", "mood"], families=families)).partition("means free; ")[2] == (
        "alliance as beta-binomial, out of 6 and 7; days as a count with a hurdle, exposure 1.5; help as yes or no; "
        "mood as 4 ordered categories"
    )


def test_priors_of_the_options_are_told():
    found = EVERYTHING.priors_of_options
    assert found["precision of days"] == "LogNormal(1, 0.5)"
    assert found["loading of alliance"] == "LogNormal(0.3, 0.7)"
    assert found["cuts of alliance"] == "InducedDirichlet(1)"
    assert found["effect of sponsor"] == "Normal(0, 1)"
    assert found["effect of selection of interviews"] == "Normal(0.5, 0.25)"
    assert found["slope of selection of answers to alliance"] == "Normal(0, 0.5)"
    assert "any_slope of days" not in ab.RICLPM(M, families={"days": ab.Count()}).priors_of_options
    assert ab.RICLPM(M).priors_of_options == {}


def test_assumptions_of_families():
    spec = ab.RICLPM(M, families=DAYS)
    assert spec.assumptions[2] == (
        "Given a normal linear predictor, on which effects act, 'days' is days out of 30: independent between waves "
        "and measures, with the same family parameters at every wave."
    )
    assert (
        "Effects are linear on the scale of linear predictors and the same for every person; measures keep their "
        "meaning over time."
    ) in spec.assumptions
    assert MISSING_AT_RANDOM in spec.assumptions


def test_assumptions_of_a_state():
    same = "A 'sponsor' that is kept is the same one, never a new one."
    last = (
        "Nothing unmeasured drives both 'sponsor' and the measures, beyond what its regressions name; of its own past "
        "the last wave alone matters.",
        "Where it is not known whether 'sponsor' was on, both possibilities are averaged (missing at random).",
    )
    assert ab.RICLPM(M, state=SPONSOR).assumptions[2:6] == (
        "While 'sponsor' is off there is no 'alliance', which is not missing. What needs it restarts where "
        "'sponsor' comes on, from the same random intercept, and acts once more where it goes off; effects of and on "
        "it are those while it exists.",
        same,
        *last,
    )
    changing = EVERYTHING.assumptions
    assert same not in changing
    assert (
        "A 'sponsor' that is kept is the same one with probability 0.7, else a new one, with which a new 'alliance' "
        "begins; this number is assumed, not estimated."
    ) in changing
    assert "While it is on, 'sponsor' shifts 'days' at the same wave by the same amount for everybody." in changing
    assert ab.RICLPM(M, state=ab.State("sponsor")).assumptions[2:4] == last


def test_assumptions_of_selections():
    found = EVERYTHING.assumptions
    assert MISSING_AT_RANDOM not in found
    for sentence in (
        "Interviews depend on 'days' at the same wave, observed or not: not missing at random. The data do not "
        "identify how strongly; the prior Normal(0.5, 0.25) (log odds per SD) decides.",
        "Answers to alliance depend on 'days' one wave before, observed or not.",
        "What no selection model is about is missing at random given the observed measures and waves.",
    ):
        assert sentence in found
    assert "Answers to days depend on the wave alone." in ab.CLPM(M, selection=[ab.Selection("days")]).assumptions


MEASURES = "Measures: 'alliance', 'days'."
REFUSED = [
    ({"families": ["days"]}, "families must be a table such as {'days': ab.Days(30)}; got ['days']."),
    ({"families": {"day": ab.Days(30)}}, f"families: 'day' is not a measure; did you mean 'days'? {MEASURES}"),
    ({"families": {"days": "days"}}, "families: 'days' needs a family, such as ab.Days(30); got 'days'."),
    ({"state": "sponsor"}, "state must be ab.State('sponsor', ...); got 'sponsor'."),
    ({"selection": ["days"]}, "selection must be a list of ab.Selection(...); got ['days']."),
    (
        {"families": {"alliance": ab.Items(["a1", "days"], 5)}},
        "families: the item 'days' is also a measure, an indicator or another's item; name it once.",
    ),
    (
        {"families": {"days": ab.Days("alliance")}},
        "families: 'alliance' holds window, trials or exposure of 'days'; it cannot be a measure too.",
    ),
    (
        {"families": DAYS, "indicators": {"days": ["d1", "d2"]}},
        "'days' has indicators and a family; choose one. Ordered items are ab.Items([...], categories).",
    ),
    (
        {"families": DAYS, "indicators": {"alliance": ["a1", "a2"]}},
        "indicators do not go with families; ordered items are a family, ab.Items([...], categories).",
    ),
    (
        {"families": DAYS, "reliability": {"days": 0.9}},
        "'days' has a family, which defines the variance of its values; leave its reliability out.",
    ),
    ({"state": ab.State("days")}, "'days' is both a measure and the state; choose one."),
    (
        {"state": ab.State("sponsor"), "covariates": {"sponsor": "each_wave"}},
        "'sponsor' is both a covariate and the state; choose one.",
    ),
    (
        {"state": ab.State("sponsor", keep=["sponsor"])},
        "The state 'sponsor' is among its own predictors. Whether it was on one wave before is what distinguishes "
        "acquire from keep; leave it out.",
    ),
    (
        {"state": ab.State("sponsor", required_by=["aliance"])},
        f"state required_by: 'aliance' is not a measure; did you mean 'alliance'? {MEASURES}",
    ),
    (
        {"state": ab.State("sponsor", acts_on=["visits"])},
        f"state acts_on: 'visits' is not a measure. {MEASURES}",
    ),
    (
        {"state": ab.State("sponsor", first=["days"])},
        "state first: 'days' is a measure, and none comes before the first wave; name covariates of persons there.",
    ),
    (
        {"state": ab.State("sponsor", ["alliance"], acquire=["alliance"])},
        "state acquire: 'alliance' does not exist while 'sponsor' is off; leave it out, or put it in keep.",
    ),
    (
        {"state": ab.State("sponsor", ["alliance"], acts_on=["alliance"])},
        "state acts_on: 'alliance' exists only while 'sponsor' is on, so that a shift while it is on is its mean; "
        "leave it out.",
    ),
    (
        {"state": SPONSOR, "nonexistent": "as_missing"},
        "nonexistent='as_missing' treats alliance as existing while 'sponsor' is off, and the state says that it does "
        "not exist then; leave one of the two out.",
    ),
    *(
        (
            {"state": SPONSOR, "lags": lags},
            f"lags='{lags}' is not defined with a state that changes between waves; use lags='equal', 'free' or "
            "'grid'.",
        )
        for lags in ("continuous", "equal_standardized")
    ),
    (
        {"state": SPONSOR, "stationary": True},
        "Within-person covariances cannot be stationary while a state comes and goes; leave stationary out.",
    ),
    (
        {"selection": [ab.Selection("interview"), SEEN]},
        "selection: 'interview' has 2 selections; put what acts on it into one.",
    ),
    (
        {"selection": [ab.Selection("interviews")]},
        f"selection: 'interviews' is not 'interview' nor a measure. {MEASURES}",
    ),
    (
        {"selection": [ab.Selection("days", before=["sponsor"])]},
        f"selection of days, before: 'sponsor' is not a measure. {MEASURES}",
    ),
    (
        {"state": SPONSOR, "families": DAYS, "group_lags": "free"},
        "group_lags do not go with families and state; leave them out and fit each group by itself, "
        "panel.of_group(...).",
    ),
    (
        {"selection": [SEEN], "moderated": {"days -> days": "age"}},
        "moderated lags do not go with selection; leave one of the two out.",
    ),
]


@pytest.mark.parametrize(("options", "problem"), REFUSED)
def test_what_cannot_be_meant_is_refused(options, problem):
    with pytest.raises(SpecError) as caught:
        ab.RICLPM(M, **options)
    assert caught.value.problems == (problem,)


def test_a_measure_called_interview_cannot_be_told_from_interviews():
    with pytest.raises(SpecError) as caught:
        ab.RICLPM(["interview", "days"], selection=[SEEN])
    assert caught.value.problems == (
        "selection: 'interview' is whether people are interviewed, and a measure here; rename it.",
    )


@pytest.mark.parametrize("model", [ab.DPM, ab.STARTS, ab.LCMSR, ab.ALT])
def test_other_models_take_none_of_it(model):
    for options in ({"families": DAYS}, {"state": ab.State("sponsor")}, {"selection": [SEEN]}):
        with pytest.raises(SpecError, match=f"takes no {next(iter(options))}; use an RICLPM or a CLPM."):
            model(M, **options)
    assert not model(M, families={"days": Gaussian()}).is_latent


def test_every_problem_is_told_at_once():
    with pytest.raises(SpecError) as caught:
        ab.RICLPM(M, state=ab.State("days", first=["alliance"], acts_on=["help"]), selection=[ab.Selection("help")])
    assert len(caught.value.problems) == 4


def test_windows_of_waves_must_be_as_many_as_these():
    spec = ab.RICLPM(M, families={"days": ab.Days([30, 90])})
    assert spec.problems_with((0.0, 1.0, 2.0)) == ["families: window of 'days' has 2 numbers; there are 3 waves."]
    assert ab.RICLPM(M, families={"days": ab.Days([30, 90, 90])}).problems_with((0.0, 1.0, 2.0)) == []


def test_what_is_for_normal_measures_alone():
    ab.RICLPM(M).require_normal("to_lavaan")
    with pytest.raises(SpecError) as caught:
        EVERYTHING.require_normal("to_lavaan")
    assert str(caught.value) == (
        "to_lavaan needs a model of normal measures alone; this one has alliance (2 items of 5 ordered categories), "
        "days (days out of 'window'), the state sponsor, a selection of interviews and a selection of answers to "
        "alliance. Ask it of a model without families, state and selection."
    )
