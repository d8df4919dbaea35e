"""Options of the family: what cannot be meant is refused in full sentences, and what is meant is read one way."""

import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.basics.problems import SpecError
from alliance_bayes.engine.identification import check_spec_against_panel

RI = "random-intercept cross-lagged panel model"
TARGETS = "'intercepts', 'slopes', 'first_wave', 'each_wave', 'every_wave'"
ONE_PATH = (
    "must be one path over two or more intervals, such as 'x -> y, 0 to 1' and 'x -> y, 1 to 2'. Whether two "
    "directions are equally strong is a question: see ab.hypotheses."
)
ALONE = [
    (
        {"equal": "x -> y"},
        "equal must be a list of lists of paths over an interval, such as [['x -> y, 0 to 1', 'x -> y, 1 to "
        "2']]; got 'x -> y'.",
    ),
    ({"equal": [["x -> y, 0 to 1", "y -> x, 0 to 1"]]}, f"equal: 'x -> y, 0 to 1', 'y -> x, 0 to 1' {ONE_PATH}"),
    ({"equal": [["x -> y"]]}, f"equal: 'x -> y' {ONE_PATH}"),
    ({"lag_2": ["x -> y, 0 to 1"]}, "lag_2: 'x -> y, 0 to 1' is not a lagged path; write 'predictor -> outcome'."),
    ({"lag_2": "x -> y"}, "lag_2 must be a list of paths, such as ['x -> y']; got 'x -> y'."),
    ({"lag_2": ["x -> y", "x->y"]}, "lag_2: 'x -> y' is named twice."),
    ({"covariates": {"c": "intercept"}}, f"covariates: 'c' must act on {TARGETS}; got 'intercept'."),
    ({"covariates": {"c": []}}, f"covariates: 'c' must act on {TARGETS}; got []."),
    ({"covariates": ["c"]}, "covariates must be a table such as {'commitment': 'intercepts'}; got ['c']."),
    ({"covariates": {"x": "intercepts"}}, "'x' is both a measure and a covariate; choose one."),
    ({"predetermined": "c"}, "predetermined must be a list of covariates; got 'c'."),
    ({"predetermined": ["c"]}, "predetermined: 'c' is not among the covariates; there are none."),
    (
        {"moderated": ["x -> y"]},
        "moderated must be a table such as {'alliance -> days': 'commitment'}; got ['x -> y'].",
    ),
    ({"moderated": {"x -> q": "c"}}, "moderated: 'x -> q' names 'q', which is not a measure. Measures: 'x', 'y'."),
    (
        {"moderated": {"x -> y": "y"}},
        "moderated: 'x -> y' needs the name of a covariate that does not change; got 'y'.",
    ),
    ({"reliability": {"x": 1.0}}, "reliability of 'x' must lie between 0 and 1; got 1.0."),
    ({"reliability": {"q": 0.9}}, "reliability: 'q' is not a measure. Measures: 'x', 'y'."),
    ({"reliability": 0.9}, "reliability must be a table such as {'alliance': 0.95}; got 0.9."),
    ({"indicators": {"x": ["a"]}}, "indicators: 'x' needs two or more columns; got ['a']."),
    ({"indicators": {"x": ["a", "a"]}}, "Indicators named twice: 'a'."),
    ({"indicators": {"x": "ab"}}, "indicators: 'x' needs two or more columns; got 'ab'."),
    ({"indicators": {"q": ["a", "b"]}}, "indicators: 'q' is not a measure. Measures: 'x', 'y'."),
    (
        {"indicators": {"x": ["a", "b"]}, "reliability": {"x": 0.9}},
        "'x' has indicators, which estimate its reliability; leave one of the two out.",
    ),
    (
        {"invariance": "scalar"},
        "invariance must be one of 'configural', 'weak', 'strong', 'strict', 'approximate'; got 'scalar'.",
    ),
    ({"group_lags": "random"}, "group_lags must be one of 'equal', 'free', 'pooled'; got 'random'."),
    (
        {"equal_across_groups": ["lags"]},
        "equal_across_groups must be a list of 'variances', 'residuals', 'means'; got ['lags'].",
    ),
    (
        {"equal_across_groups": "means"},
        "equal_across_groups must be a list of 'variances', 'residuals', 'means'; got 'means'.",
    ),
    (
        {"remove": ["x -> y, 0 to 1"], "lags": "equal"},
        "'x -> y, 0 to 1' names one interval, which needs lags='free'; this model has lags='equal'.",
    ),
    ({"lag_2": ["x -> y"], "remove": ["x -> y"]}, "'x -> y' is removed and has a lag of 2; leave one out."),
    ({"lag_2": ["x -> y"], "lags": "grid"}, "lag_2 needs lags='equal' or 'free': steps of 'grid' are not waves."),
    ({"moderated": {"x -> y": "c"}, "remove": ["x -> y"]}, "'x -> y' is removed and moderated; leave one out."),
    (
        {"lags": "equal_standardized", "stationary": True},
        "A stationary model has equal standardised lags wherever its lags are equal; use lags='equal'.",
    ),
    ({"covariates": {"c": "slopes"}}, f"'c' cannot act on slopes: a {RI} has none."),
    ({"covariates": {"c": ["each_wave", "every_wave"]}}, "'c' acts on 'each_wave' and on 'every_wave'; choose one."),
    ({"trait_loadings": "equal"}, "trait_loadings must be one of 'fixed', 'free'; got 'equal'."),
    ({"stationary": "yes"}, "stationary must be one of False, True; got 'yes'."),
]
OTHER_MODELS = [
    (
        lambda: ab.DPM(["x", "y"], lags="continuous"),
        "A dynamic panel model has factors that act again at each wave, so lags='continuous' is not defined for it; "
        "use 'equal', 'free' or 'grid'.",
    ),
    (
        lambda: ab.DPM(["x", "y"], lags="grid", trait_loadings="free"),
        "trait_loadings='free' needs lags='equal' or 'free' in a dynamic panel model: lags='grid' has steps between "
        "waves, which have no loadings. Choose one of these, or leave trait_loadings out.",
    ),
    (
        lambda: ab.DPM(["x", "y"], trait_loadings=True),
        "trait_loadings must be one of 'fixed', 'free'; got True.",
    ),
    (
        lambda: ab.ALT(["x", "y"], lags="equal_standardized"),
        "An autoregressive latent trajectory model has factors that act again at each wave, so "
        "lags='equal_standardized' is not defined for it; use 'equal', 'free' or 'grid'.",
    ),
    (
        lambda: ab.CLPM(["x", "y"], covariates={"c": "intercepts"}),
        "'c' cannot act on intercepts: a cross-lagged panel model has none. Use 'first_wave' or 'each_wave'.",
    ),
    (
        lambda: ab.STARTS(["x", "y"], reliability={"x": 0.9}),
        "A STARTS model estimates measurement error; leave reliability and indicators out.",
    ),
]


def problem_of(make):
    """The one problem of a refusal."""
    with pytest.raises(SpecError) as caught:
        make()
    head, problem = str(caught.value).split(" 1 problem:\n  1. ")
    return head, problem


@pytest.mark.parametrize(("options", "problem"), ALONE)
def test_options_that_cannot_be_meant(options, problem):
    assert problem_of(lambda: ab.RICLPM(["x", "y"], **options)) == (f"This {RI} is not valid.", problem)


@pytest.mark.parametrize(("make", "problem"), OTHER_MODELS)
def test_options_that_a_model_does_not_have(make, problem):
    assert problem_of(make)[1] == problem


def a_panel(n_waves=4, **options):
    values = np.random.default_rng(1).normal(size=(20, n_waves, 3))
    return ab.Panel.from_arrays(values, measures=["x", "y", "z"], times=range(n_waves), **options)


COVARIATE, GROUPS = np.random.default_rng(2).normal(size=20), np.repeat(["A", "B"], 10)
UNKNOWN = np.where(np.arange(20) < 2, np.nan, COVARIATE)
OWN = np.tile(np.arange(4.0), (20, 1))
M = ["x", "y"]
TOGETHER = [
    (
        ab.RICLPM(M, covariates={"d": "intercepts"}),
        {"covariates": {"c": COVARIATE}},
        "The panel has no covariate 'd'. Covariates: 'c', 'z'.",
    ),
    (
        ab.RICLPM(M, covariates={"z": "intercepts"}),
        {},
        "'z' varies over time, so it acts on 'each_wave' or 'every_wave'; got 'intercepts'.",
    ),
    (
        ab.RICLPM(M, covariates={"c": "intercepts"}),
        {"covariates": {"c": UNKNOWN}},
        "The covariate 'c' is missing for 2 people, such as 0, 1. The likelihood is given the covariates, so they must "
        "be complete: leave these people out (of a frame or file, by without_covariates='leave_out'), "
        "impute the covariate, or model it as a measure.",
    ),
    (
        ab.RICLPM(M, covariates={"c": "intercepts"}),
        {"covariates": {"c": np.ones(20)}},
        "The covariate 'c' is the same for everybody; leave it out.",
    ),
    (
        ab.RICLPM(M, moderated={"x -> y": "z"}),
        {},
        "The panel has no covariate of persons 'z'; there are none.",
    ),
    (
        ab.RICLPM(M),
        {"groups": GROUPS},
        "The panel has groups ('A', 'B'), and this model does not say what differs between them. Choose "
        "group_lags='free', 'equal' or 'pooled', or make the panel without group=.",
    ),
    (
        ab.RICLPM(M, group_lags="free"),
        {},
        "group_lags='free' needs groups; make the panel with group=, or leave the option out.",
    ),
    (
        ab.RICLPM(M, lags="equal"),
        {"own_times": OWN},
        "The panel holds each person's own times, and lags='equal' uses the planned ones. Use lags='continuous', or "
        "make the panel without own_time=.",
    ),
    (ab.CLPM(M, lag_2=["x -> y"]), {"n_waves": 2}, "lag_2 needs three waves or more."),
    (
        ab.RICLPM(M, lags="free", remove=["x -> y, 0 to 9"]),
        {},
        "'x -> y, 0 to 9' names no interval of these waves; they are '0 to 1', '1 to 2', '2 to 3'.",
    ),
    (ab.RICLPM(M, remove=["x -> y, 0 to 1"]), {}, "'x -> y, 0 to 1' names one interval, which needs lags='free'."),
    (
        ab.RICLPM(["f", "y"], indicators={"f": ["x", "q"]}),
        {},
        "The panel has no measure 'q'. Measures: 'x', 'y', 'z'.",
    ),
    (
        ab.STARTS(M),
        {"n_waves": 3},
        "A STARTS model needs at least 4 waves; there are 3. With fewer, measurement error, carry-over and stable "
        "differences cannot be distinguished. Use an RICLPM.",
    ),
    (
        ab.DPM(M, trait_loadings="free"),
        {"n_waves": 3},
        "trait_loadings='free' in a dynamic panel model needs at least 4 waves; there are 3. With fewer, the loadings "
        "after the second wave, where they are 1, are not identified. Add a wave, or leave trait_loadings out.",
    ),
    (
        ab.LCMSR(M),
        {"n_waves": 3},
        "A latent curve model with structured residuals needs at least 4 waves; there are 3. With fewer, slopes and "
        "carry-over cannot be distinguished. Use an RICLPM.",
    ),
    (
        ab.ALT(M),
        {"n_waves": 3},
        "An autoregressive latent trajectory model needs at least 4 waves; there are 3. With fewer, growth and "
        "carry-over cannot be distinguished. Use a DPM.",
    ),
]


@pytest.mark.parametrize(("spec", "options", "problem"), TOGETHER)
def test_models_that_do_not_fit_a_panel(spec, options, problem):
    head, found = problem_of(lambda: check_spec_against_panel(spec, a_panel(**options)))
    assert head == f"This {spec.title} cannot be fitted to this panel."
    assert found == problem


def test_options_are_read_in_one_spelling_and_order():
    spec = ab.RICLPM(
        M, lag_2=["y->y", "x -> x"], covariates={"c": "intercepts"}, equal_across_groups=["means", "variances"]
    )
    assert spec.lag_2 == ("x -> x", "y -> y")
    assert spec.covariates == {"c": ("intercepts",)}
    assert spec.equal_across_groups == ("variances", "means")
    assert spec == ab.RICLPM(
        M, lag_2=["x -> x", "y -> y"], covariates={"c": ["intercepts"]}, equal_across_groups=["variances", "means"]
    )


def test_printed():
    spec = ab.DPM(
        ["x", "y"],
        lags="free",
        equal=[["x -> y, 0 to 1", "x->y,1 to 2"]],
        covariates={"c": ["intercepts", "first_wave"]},
        moderated={"y -> x": "c"},
        reliability={"x": 0.85},
        group_lags="pooled",
    )
    assert str(spec) == (
        "dynamic panel model of x and y; lagged effects free, residual covariances free, means free; "
        "equal: x -> y, 0 to 1 = x -> y, 1 to 2; c on intercepts and first wave; y -> x moderated by c; "
        "reliability of x 0.85; lags of groups pooled"
    )
    items = ab.RICLPM(["f", "y"], lags="continuous", indicators={"f": ["a", "b", "c"]}, invariance="strict")
    assert str(items) == (
        f"{RI} of f and y; lagged effects from a continuous drift, residual covariances free, means free; "
        "f measured by a, b and c; strict invariance"
    )
