"""Public calls with arguments of the wrong kind, in the wrong order, or out of range."""

from decimal import Decimal

import numpy as np
import pandas as pd
import tiny
from case import Case

import alliance_bayes as ab

HUGE = 10**400
SPEC = tiny.SPEC


class _Late:
    """Something that is made when a case is run, so that collecting the tests costs nothing."""

    def __init__(self, make):
        self.make = make


FIT, PANEL, FRAME, ORDER = (_Late(make) for make in (tiny.fit, tiny.panel, tiny.frame, tiny.order))
ML = _Late(lambda: ab.maximum_likelihood(SPEC, tiny.panel()))


def _made(value):
    if isinstance(value, _Late):
        return value.make()
    if isinstance(value, list | tuple):
        return type(value)(map(_made, value))
    return {name: _made(each) for name, each in value.items()} if isinstance(value, dict) else value


def _case(label, name, arguments, says, kind=ab.SpecError, **options):
    """A case of a public function, or of a method of something made late, which is its first argument."""

    def call(_):
        function = ab
        for part in name.split("."):
            function = getattr(function, part)
        return function(*_made(list(arguments)), **_made(options))

    return Case(f"{name}: {label}", call, (says,) if isinstance(says, str) else tuple(says), kind)


FIT_IS = "fit must be a fit, such as ab.fit(spec, panel, seed=1) or ab.load_fit(path)"
DRAWS_ARE = f"{FIT_IS}, or ab.preview(spec, panel)"
PANEL_IS = "panel must be a panel, such as ab.Panel.from_long(...)"
SPEC_IS = "spec must be a model, such as ab.RICLPM(['x', 'y'])"
ORDER_IS = "order must be ab.CausalOrder(...) or ab.causal_order(fit)"
REGRESSION = ab.RandomInterceptRegression(["y"], ["x"], "time + x")
PAIR = {"treated": {"a": 1}, "control": {"a": 0}}
SEED = "seed must be a whole number of 0 or more; got"
PRIORS = "must be a finite number; got"
PANELS = ab.PanelError
FILES = ab.ModelFileError
FILE = ab.packaged_model("help-direction")

FITS = [
    _case(
        "swapped",
        "fit",
        [PANEL, SPEC],
        [SPEC_IS + "; got a Panel.", "ab.fit(spec, panel): the model comes first"],
        seed=1,
    ),
    _case("swapped without a seed", "fit", [PANEL, SPEC], [SPEC_IS + "; got a Panel.", "the model comes first"]),
    _case(
        "draws as a text and no seed",
        "fit",
        [SPEC, PANEL],
        ["2 problems", "draws must be a whole number; got '100'.", "seed is missing."],
        draws="100",
    ),
    _case("a path", "fit", ["model.toml", PANEL], SPEC_IS + "; got 'model.toml'.", seed=1),
    _case("a frame", "fit", [SPEC, FRAME], PANEL_IS + "; got a DataFrame.", seed=1),
    _case("nothing", "fit", [None, None], [SPEC_IS, PANEL_IS, "2 problems"], seed=1),
    _case("the class", "fit", [ab.RICLPM, PANEL], "got the class RICLPM", seed=1),
    _case("latent", "fit", [SPEC, PANEL], "latent must be one of 'integrate', 'sample'; got 'no'", seed=1, latent="no"),
    _case("latent a list", "fit", [SPEC, PANEL], "latent must be one of", seed=1, latent=["integrate"]),
    _case(
        "progress", "fit", [SPEC, PANEL], "progress must be True or False or None; got 'yes'", seed=1, progress="yes"
    ),
    _case("swapped", "to_pymc", [PANEL, SPEC], "ab.to_pymc(spec, panel): the model comes first"),
    _case("likelihood", "to_pymc", [SPEC, PANEL], "likelihood must be one of", likelihood=np.array(["moments"])),
    _case("swapped", "maximum_likelihood", [PANEL, SPEC], "the model comes first"),
    _case("swapped", "preview", [PANEL, SPEC], "the model comes first"),
    _case("seed text", "preview", [SPEC, PANEL], "seed must be a whole number", seed="one"),
    _case("errors", "maximum_likelihood", [SPEC, PANEL], "standard_errors must be one of", standard_errors=2),
    _case(
        "values a list", "log_likelihood", [SPEC, PANEL, [0.1]], "values must be a table from the names of parameters"
    ),
    _case("values none", "log_likelihood", [SPEC, PANEL, None], "got None"),
    _case("swapped", "log_likelihood", [PANEL, SPEC, {}], "the model comes first"),
    _case("one panel", "fit_imputations", [SPEC, PANEL], "panels must be a list of panels; got a Panel", seed=1),
    _case("swapped", "fit_many", [[PANEL], SPEC, "folder"], SPEC_IS, seed=1),
    _case("one panel", "fit_many", [SPEC, PANEL, "folder"], "panels must be a list of panels, or a dict", seed=1),
    _case("no folder", "fit_many", [SPEC, [PANEL], None], "folder must be a text or a path; got None", seed=1),
    _case("seed", "fit_many", [SPEC, [PANEL], "folder"], SEED + " -1", seed=-1),
    _case("cores", "fit_many", [SPEC, [PANEL], "folder"], "workers must be a whole number above 0", seed=1, workers=0),
    _case("no work", "run_batch", [3, [], "folder"], "work must be a function; got 3", seed=1),
    _case("numbers", "run_batch", [abs, [1, 2], "folder"], "replicates must be a list of ab.Replicate", seed=1),
    _case("a cluster", "run_batch", [abs, [], "folder"], "client must be a dask.distributed.Client", seed=1, client=3),
    _case("numbers", "read_batch", [[1, 2], "folder"], "replicates must be a list of ab.Replicate"),
    _case("a path", "Replicate", ["a/b", "c", 0], "The name of a plan consists of letters"),
    _case("texts", "fit_imputations", [SPEC, ["a", "b"]], "panels must be a list of panels; got ['a', 'b']", seed=1),
    _case(
        "a fit", "likelihood_ratio_test", [FIT, ML], "smaller must be ab.maximum_likelihood(spec, panel); got a Fit."
    ),
    _case(
        "the same",
        "likelihood_ratio_test",
        [ML, ML],
        "Both models have 22 parameters, which leaves no degrees of freedom",
    ),
    _case(
        "a panel", "modification_indices", [PANEL], "answer must be ab.maximum_likelihood(spec, panel); got a Panel."
    ),
    _case("text", "random_intercept_test", [ML, "x"], "measures is the text 'x'"),
    _case("unknown", "random_intercept_test", [ML, ["q"]], "The model has no 'q'"),
    _case("seed", "random_intercept_test", [ML], "seed must be a whole number", seed=-1),
    _case("mixed", "compare", [{"a": ML, "b": FIT}], "Maximum likelihoods ('a') and others ('b') are mixed"),
    _case("text", "effect_in_units", [FIT, "x -> y"], "raised_by must be a number other than 0", raised_by="a"),
    _case("endless", "effect_in_units", [FIT, "x -> y"], "raised_by must be a number", raised_by=float("inf")),
    _case(
        "columns", "to_lavaan", [SPEC, [0, 1, 2]], "columns must be a dict from texts to lists of texts", columns=["x"]
    ),
    _case("fits", "pool", [[FIT, FIT]], "answers must be a list of ab.maximum_likelihood(...); got [a Fit, a Fit]"),
    _case("one", "pool", [ML], "answers must be a list"),
    _case("df", "pool", [[ML, ML]], "complete_df must be above 0; got 'all'", complete_df="all"),
    _case("df true", "pool", [[ML, ML]], "complete_df must be above 0; got True", complete_df=True),
    _case("number", "load_fit", [3], "path must be a text or a path; got 3"),
    _case("a fit", "load_fit", [FIT], "got a Fit", ab.SpecError),
    _case("spec a fit", "robustness", [FIT, PANEL, "x", "y"], SPEC_IS, seed=1),
    _case("seed", "robustness", [SPEC, PANEL, "x", "y"], SEED + " None", seed=None),
    _case("margin", "robustness", [SPEC, PANEL, "x", "y"], "margin must lie between 0 and 1", seed=1, margin=2),
    _case("measure", "robustness", [SPEC, PANEL, "x", "z"], "no measure 'z'", seed=1),
    _case("variants", "robustness", [SPEC, PANEL, "x", "y"], "variants must be a dict", seed=1, variants=[SPEC]),
    _case(
        "models a text", "robustness_variants", [SPEC, PANEL], "models is the text 'CLPM'; pass a list", models="CLPM"
    ),
    _case("widths", "robustness_variants", [SPEC, PANEL], "prior_widths must be a list of numbers", prior_widths=["a"]),
    _case("panel", "direction_models", [PANEL, "x", "y"], SPEC_IS),
    _case("spec", "to_lavaan", [PANEL, SPEC], SPEC_IS),
    _case("file", "to_mplus", [SPEC, PANEL], "file must be a text; got 3", file=3),
]

QUESTIONS = [
    _case("a panel", "directionality", [PANEL, "x", "y"], DRAWS_ARE + "; got a Panel."),
    _case("a path", "directionality", ["draws.nc", "x", "y"], DRAWS_ARE + "; got 'draws.nc'."),
    _case(
        "certainty none",
        "directionality",
        [FIT, "x", "y"],
        "certainty must lie between 0.5 and 1; got None",
        certainty=None,
    ),
    _case("margin nan", "directionality", [FIT, "x", "y"], "got nan", margin=float("nan")),
    _case("margin Decimal", "directionality", [FIT, "x", "y"], "got Decimal('0.03')", margin=Decimal("0.03")),
    _case("margin array", "directionality", [FIT, "x", "y"], "got array(0.03), an array", margin=np.array(0.03)),
    _case(
        "certainty true",
        "directionality",
        [FIT, "x", "y"],
        "certainty must lie between 0.5 and 1; got True",
        certainty=True,
    ),
    _case("certainty huge", "directionality", [FIT, "x", "y"], "about 10^400", certainty=HUGE),
    _case(
        "names in an array", "directionality", [FIT, np.array(["x"]), "y"], "measures must be a list of texts; got ("
    ),
    _case("names in a set", "directionality", [FIT, {"x"}, "y"], "measures must be a list of texts; got ({'x'}, 'y')"),
    _case("name none", "directionality", [FIT, "x", None], "measures must be a list of texts; got ('x', None)"),
    _case("one name", "directionality", [FIT, "x"], "Direction needs two different measures; got 'x'."),
    _case(
        "names in a list",
        "directionality",
        [FIT, ["x", "y"]],
        "measures stand one after the other, without a list: write 'x', 'y'; got ['x', 'y'].",
    ),
    _case("a group of none", "directionality", [FIT, "x", "y"], "this fit has no groups. Leave group", group="north"),
    _case("a model", "bayes_factors", [SPEC, "x", "y"], FIT_IS),
    _case("widths", "bayes_factors", [FIT, "x", "y"], "widths must be a list of numbers; got 0.1", widths=0.1),
    _case("refit", "bayes_factors", [FIT, "x", "y"], "refit must be True or False; got 'no'", refit="no"),
    _case("a panel", "embeddability", [PANEL], FIT_IS),
    _case("a panel", "group_contrast", [PANEL, "x -> y"], FIT_IS),
    _case("margin", "group_contrast", [FIT, "x -> y"], "groups", margin="wide"),
    _case("statement a text", "hypotheses", [FIT, "x", "y"], "statements must be a list of texts", statements="x > y"),
    _case("statement numbers", "hypotheses", [FIT, "x", "y"], "statements must be a list of texts", statements=[1, 2]),
    _case("statements 3", "hypotheses", [FIT, "x", "y"], "got 3", statements=3),
    _case("margin", "hypotheses", [FIT, "x", "y"], "margin must lie between 0 and 1", margin=float("inf")),
    _case("one statement", "joint_probability", [FIT, ["x -> y > 0"]], "Give two or more different statements"),
    _case("a text", "joint_probability", [FIT, "x -> y > 0"], "statements must be a list of texts"),
    _case("margin", "joint_probability", [FIT, ["x leads y", "y -> x > 0"]], "margin must lie between", margin=2),
    _case("a panel", "lag_curve", [PANEL], FIT_IS),
    _case("longest", "lag_curve", [FIT], "longest must be a finite number or None; got 'two'", longest="two"),
    _case("longest far", "lag_curve", [FIT], "ask for at most 1,000 of them", longest=1e9),
    _case("paths a number", "lag_curve", [FIT, 3], "paths must be a list of texts or None; got 3"),
    _case("a panel", "long_run_effects", [PANEL], FIT_IS),
    _case("paths a number", "long_run_effects", [FIT, 3], "paths must be a list of texts or None; got 3"),
    _case("no paths", "long_run_effects", [FIT, []], "No path was asked for. Name one such as 'x -> y'"),
    _case("group", "lag_curve", [FIT], "group must be a text or None; got 1", group=1),
    _case("a panel", "mediation", [PANEL], FIT_IS, treatment="x", mediators=["y"], outcome="y", horizon=2),
    _case(
        "mediators a text",
        "mediation",
        [FIT],
        "mediators is the text 'm'; pass a list, mediators=['m']",
        treatment="x",
        mediators="m",
        outcome="y",
        horizon=2,
    ),
    _case(
        "horizon",
        "mediation",
        [FIT],
        "horizon must be a finite number; got None",
        treatment="x",
        mediators=["y"],
        outcome="y",
        horizon=None,
    ),
    _case(
        "horizon nan",
        "mediation",
        [FIT],
        "horizon must be a finite number; got nan",
        treatment="x",
        mediators=["y"],
        outcome="y",
        horizon=float("nan"),
    ),
    _case(
        "horizon far", "mediation", [FIT], "at most 1,000", treatment="x", mediators=["y"], outcome="x", horizon=10**9
    ),
    _case(
        "change",
        "mediation",
        [FIT],
        "change must be one of 'pulse', 'sustained'; got 3",
        treatment="x",
        mediators=["y"],
        outcome="y",
        horizon=2,
        change=3,
    ),
    _case("a list", "compare", [[FIT, FIT]], "fits must be a dict of two or more fits by their names"),
    _case("one fit", "compare", [FIT], "fits must be a dict of two or more fits"),
    _case("panels", "compare", [{"a": PANEL, "b": PANEL}], "fits must be a dict of two or more fits"),
    _case(
        "refits",
        "compare",
        [{"a": FIT, "b": FIT}],
        "most_refits must be a whole number of 0 or more; got 1.5",
        most_refits=1.5,
    ),
    _case(
        "difference",
        "compare",
        [{"a": FIT, "b": FIT}],
        "least_difference must be a number of 0 or more; got nan",
        least_difference=float("nan"),
    ),
    _case("method", "compare", [{"a": FIT, "b": FIT}], "method must be one of", method=None),
    _case(
        "time", "leave_future_out", [{"a": FIT, "b": FIT}], "time must be one of the waves after the first", time="last"
    ),
    _case(
        "time an array", "leave_future_out", [{"a": FIT, "b": FIT}], "time must be one of", time=np.array([1.0, 2.0])
    ),
    _case("a fit", "leave_future_out", [FIT], "fits must be a dict of two or more fits"),
    _case("a panel", "loo_pit", [PANEL], FIT_IS),
    _case(
        "deltas",
        "delta_adjustment",
        [FIT, "x", "y"],
        "deltas must be a list of finite numbers",
        measure="y",
        deltas="some",
    ),
    _case(
        "absences",
        "delta_adjustment",
        [FIT, "x", "y"],
        "absences must be a list of some of",
        measure="y",
        absences=[["item_missing"]],
    ),
    _case(
        "imputations",
        "delta_adjustment",
        [FIT, "x", "y"],
        "imputations must be at most 10,000",
        measure="y",
        imputations=10**12,
    ),
    _case("seed", "delta_adjustment", [FIT, "x", "y"], "seed must be below 2^63", measure="y", seed=2**64),
    _case("measure", "delta_adjustment", [FIT, "x", "y"], "measure must be a text; got ['y']", measure=["y"]),
    _case(
        "a fit",
        "sensitivity",
        [FIT],
        "answer must be an answer, such as ab.directionality(...) or ab.mediation(...); got a Fit",
    ),
    _case("none", "sensitivity", [None], "answer must be"),
]

COUNTERFACTUALS = [
    _case("a panel", "causal_order", [PANEL], FIT_IS),
    _case("version", "causal_order", [FIT], "version must be one of", version=1),
    _case(
        "a fit",
        "contrast_of_regimes",
        [FIT],
        ORDER_IS + "; got a Fit.",
        regimes={"a": {"a": 1}, "b": {"a": 0}},
        outcome="b",
        seed=1,
    ),
    _case(
        "regimes",
        "contrast_of_regimes",
        [ORDER],
        "regimes must be a dict from texts",
        regimes=[{"a": 1}],
        outcome="b",
        seed=1,
    ),
    _case(
        "a policy",
        "contrast_of_regimes",
        [ORDER],
        "'a' must be set to a number, ab.Shift(...) or a function; got 'high'",
        regimes={"a": {"a": "high"}, "b": {"a": 0}},
        outcome="b",
        seed=1,
    ),
    _case(
        "seed",
        "contrast_of_regimes",
        [ORDER],
        "seed must be below 2^63",
        regimes={"a": {"a": 1}, "b": {"a": 0}},
        outcome="b",
        seed=2**64,
    ),
    _case(
        "seed none",
        "contrast_of_regimes",
        [ORDER],
        SEED + " None",
        regimes={"a": {"a": 1}, "b": {"a": 0}},
        outcome="b",
        seed=None,
    ),
    _case(
        "monte_carlo",
        "contrast_of_regimes",
        [ORDER],
        "monte_carlo must be ab.MonteCarlo(...) or None; got 100",
        regimes={"a": {"a": 1}, "b": {"a": 0}},
        outcome="b",
        seed=1,
        monte_carlo=100,
    ),
    _case(
        "levels",
        "controlled_direct_effects",
        [ORDER],
        "levels must be a dict from texts to lists of numbers; got [0, 1]",
        **PAIR,
        levels=[0, 1],
        outcome="b",
        seed=1,
    ),
    _case(
        "certainty",
        "controlled_direct_effects",
        [ORDER],
        "certainty must lie between 0.5 and 1; got '95 %'",
        **PAIR,
        levels={"m": [0]},
        outcome="b",
        seed=1,
        certainty="95 %",
    ),
    _case(
        "mediators", "natural_effects", [ORDER], "mediators is the text 'm'", **PAIR, mediators="m", outcome="b", seed=1
    ),
    _case(
        "no mediators", "natural_effects", [ORDER], "No mediator was named", **PAIR, mediators=[], outcome="b", seed=1
    ),
    _case(
        "no mediators",
        "interventional_effects",
        [ORDER],
        "No mediator was named",
        **PAIR,
        mediators=[],
        outcome="b",
        seed=1,
    ),
    _case(
        "treated",
        "interventional_effects",
        [ORDER],
        "treated must be a dict",
        treated=1,
        control={"a": 0},
        mediators=["m"],
        outcome="b",
        seed=1,
    ),
    _case(
        "copies",
        "interventional_effects",
        [ORDER],
        "copies must be a whole number of 2 or more; got 2.5",
        **PAIR,
        mediators=["m"],
        outcome="b",
        seed=1,
        monte_carlo=ab.MonteCarlo(copies=2.5),
    ),
    _case(
        "memory",
        "interventional_effects",
        [ORDER],
        ["copies of everybody", "of memory, and"],
        **PAIR,
        mediators=["m"],
        outcome="b",
        seed=1,
        monte_carlo=ab.MonteCarlo(copies=10**12),
    ),
    _case("a fit", "randomised_push", [FIT], ORDER_IS, assigned="a", state="m", outcome="b", seed=1),
    _case(
        "state", "randomised_push", [ORDER], "state must be a text; got 1", assigned="a", state=1, outcome="b", seed=1
    ),
    _case(
        "percentiles",
        "split_by_existence",
        [ORDER],
        "percentiles must be a list of numbers; got 50",
        state="a",
        mediator="m",
        outcome="b",
        seed=1,
        percentiles=50,
    ),
    _case(
        "shift",
        "split_by_existence",
        [ORDER],
        "shift must be a finite number; got None",
        state="a",
        mediator="m",
        outcome="b",
        seed=1,
        shift=None,
    ),
    _case("resample", "MonteCarlo", [], "resample must be True or False; got 1", resample=1),
    _case("by", "Shift", ["up"], "by must be a finite number; got 'up'"),
    _case("variable", "Equation", [3], "variable must be a text; got 3", draw=len),
    _case("draw", "Equation", ["a"], "draw must be a function; got 1", draw=1),
    _case("parents", "Equation", ["a", 3], "parents must be a list of names; got 3", draw=len),
    _case("people", "CausalOrder", [[1, 2], []], "people must be a data frame with one row per person"),
    _case("equations", "CausalOrder", [FRAME, ["a ~ b"]], "Equation 1 must be ab.Equation(...)"),
    _case(
        "requires", "CausalOrder", [FRAME, []], "requires must be a dict from texts to texts; got ['a']", requires=["a"]
    ),
]

MODELS = [
    _case("measures 3", "RICLPM", [3], "measures must be a list of names; got 3"),
    _case("a set", "CLPM", [{"x", "y"}], "measures must be a list of names; got {'x', 'y'}"),
    _case("a table", "DPM", [{"x": 1, "y": 2}], "measures must be a list of names"),
    _case("a frame", "STARTS", [FRAME], "measures must be a list of names; got a DataFrame"),
    _case("lags an array", "LCMSR", [["x", "y"]], "lags must be one of", lags=np.array(["equal", "free"])),
    _case("equal", "ALT", [["x", "y"]], "equal must be a list of lists of paths", equal=[3]),
    _case("priors", "RICLPM", [["x", "y"]], "priors must be ab.Priors(...); got {'icc': 1}", priors={"icc": 1}),
    _case(
        "reliability",
        "RICLPM",
        [["x", "y"]],
        "reliability of 'x' must lie between 0 and 1; got True",
        reliability={"x": True},
    ),
    _case(
        "families",
        "RICLPM",
        [["x", "y"]],
        "families: 'y' needs a family, such as ab.Days(30); got 'days'",
        families={"y": "days"},
    ),
    _case("state a fit", "RICLPM", [["x", "y"]], "state must be ab.State('sponsor', ...); got a Fit", state=FIT),
    _case("covariate 1", "RICLPM", [["x", "y"]], "A covariate needs a name; got 1", covariates={1: "intercepts"}),
    _case("icc a text", "Priors", [], "'icc' needs a prior of family Beta; got 'flat'", icc="flat"),
    _case(
        "mean a text",
        "Priors",
        [],
        "mean of its Normal prior must be a finite number; got 'a'",
        cross_lagged=ab.Normal("a", 1),
    ),
    _case(
        "half normal none", "Priors", [], "sd of its HalfNormal prior " + PRIORS + " None", total_sd=ab.HalfNormal(None)
    ),
    _case(
        "log normal nan",
        "Priors",
        [],
        "log_sd of its LogNormal prior " + PRIORS + " nan",
        innovation_ratio=ab.LogNormal(0, float("nan")),
    ),
    _case("beta list", "Priors", [], "alpha of its Beta prior " + PRIORS + " [2]", icc=ab.Beta([2], 2)),
    _case(
        "lkj huge",
        "Priors",
        [],
        "eta of its LKJ prior must be a finite number; got a whole number of about 10^400",
        within_correlation=ab.LKJ(HUGE),
    ),
    _case(
        "wrong family of a bad prior",
        "Priors",
        [],
        "'icc' needs a prior of family Beta; got Normal('a', 1)",
        icc=ab.Normal("a", 1),
    ),
    _case("factor", "Priors.scaled", [_Late(ab.Priors)], "factor must be a finite number; got 'wide'", factor="wide"),
    _case("window", "Days", [HUGE], "window must be a whole number of days"),
    _case("link", "Days", [30], "link must be one of 'logit', 'probit'; got ['logit']", link=["logit"]),
    _case(
        "cuts",
        "Days",
        [30],
        "'cuts' needs InducedDirichlet(a) with a above 0; got InducedDirichlet('a')",
        cuts=ab.InducedDirichlet("a"),
    ),
    _case("precision", "Proportion", [], "'precision' needs a prior of family LogNormal; got 1", precision=1),
    _case("trials", "BetaBinomial", [None], "trials must be a whole number"),
    _case("exposure", "Count", [{"a": 1}], "exposure must be a number above 0"),
    _case("hurdle", "Count", [], "hurdle must be True or False; got 'yes'", hurdle="yes"),
    _case("slope", "Proportion", [], "'slope' needs a prior of family LogNormal; got 0", slope=0),
    _case("intercept", "YesNo", [], "'intercept' needs a prior of family Normal; got 0", intercept=0),
    _case("categories", "Ordinal", ["five"], "categories must be a whole number from 2 to 20; got 'five'"),
    _case("items", "Items", [3, 5], "items must be a list of 2 or more different names; got 3"),
    _case(
        "lowest",
        "Items",
        [["a", "b"], 5],
        "lowest must be a whole number; got a whole number of about 10^400",
        lowest=HUGE,
    ),
    _case("name", "State", [None], "A state needs a name; got None"),
    _case("keep", "State", ["s"], "keep must be a list of names, such as ['alliance']; got 3", keep=3),
    _case("same", "State", ["s", ["x"]], "same must be a probability above 0, at most 1; got 'always'", same="always"),
    _case("of", "Selection", [3], "of must be 'interview' or the name of a measure; got 3"),
    _case("effect", "Selection", ["interview", ["x"]], "needs a prior of family Normal; got 0.5", effect=0.5),
    _case(
        "times",
        "RandomInterceptRegression",
        [["y"], ["x"], "x"],
        "times must be a list of numbers or None; got 3",
        times=3,
    ),
    _case(
        "step",
        "RandomInterceptRegression",
        [["y"], ["x"], "x"],
        "time_step must be a finite number; got None",
        time_step=None,
    ),
    _case("person", "RandomInterceptRegression", [["y"], ["x"], "x"], "person must be a text; got 3", person=3),
    _case(
        "a model",
        "association",
        [SPEC, FRAME],
        "regression must be ab.RandomInterceptRegression(...); got a RICLPM",
        seed=1,
    ),
    _case("draws", "association", [REGRESSION, FRAME], "draws must be at most 1,000,000,000", seed=1, draws=10**30),
    _case(
        "memory",
        "association",
        [REGRESSION, FRAME],
        ["of memory, and", "Use fewer draws"],
        seed=1,
        draws=10**9,
        chains=1000,
    ),
    _case("seed", "association", [REGRESSION, FRAME], "seed must be below 2^63", seed=2**64),
    _case("outcome", "bambi_model", [REGRESSION, FRAME, "z"], "The regression has no outcome 'z'"),
    _case("frame", "bambi_model", [REGRESSION, "data.csv", "y"], "frame must be a data frame; got 'data.csv'"),
    _case("a fit", "regression", [FIT, FIT], "Bambi"),
    _case("zero_without", "regression", [None, None], "zero_without must be a text or None; got 3", zero_without=3),
]

TRUTHS = [
    _case("spec", "Truth", ["riclpm"], "spec must be a model, such as ab.RICLPM(...); got 'riclpm'", times=[0, 1]),
    _case("times", "Truth", [SPEC], "times must be two or more increasing numbers", times="0, 1", icc=0.5),
    _case("icc", "Truth", [SPEC], "icc must be", times=[0, 1, 2], icc=HUGE),
    _case("lagged", "Truth", [SPEC], "lagged must be a table of paths", times=[0, 1, 2], icc=0.5, lagged=[0.1]),
    _case(
        "diffusion",
        "Truth.from_diffusion",
        [ab.RICLPM(["x", "y"], lags="continuous")],
        "diffusion must be an array of numbers, or lists of equal lengths",
        times=[0, 1, 2],
        drift={"x -> x": -0.5, "y -> y": -0.5},
        diffusion=[[1], [0, 1]],
    ),
    _case("truths", "GroupTruth", [[tiny.TRUTH]], "truths must be a table from two or more labels to ab.Truth(...)"),
    _case("seed", "GroupTruth.pooled", [tiny.TRUTH, ["a", "b"]], SEED + " 'one'", spread=0.1, seed="one"),
    _case(
        "labels", "GroupTruth.pooled", [tiny.TRUTH, "ab"], "labels is the text 'ab'; pass a list", spread=0.1, seed=1
    ),
    _case("share", "Missing", [], "share must be", share="half"),
    _case("mechanism", "Missing", [], "mechanism must be one of", share=0.1, mechanism=np.array(["at_random"])),
    _case(
        "a model",
        "simulate",
        [SPEC],
        "truth must be a truth, ab.Truth(...) or ab.GroupTruth(...); got a RICLPM",
        persons=10,
        seed=1,
    ),
    _case(
        "persons",
        "simulate",
        [tiny.TRUTH],
        "persons must be a whole number, at least 2; got '10'",
        persons="10",
        seed=1,
    ),
    _case("memory", "simulate", [tiny.TRUTH], ["1000000000000 persons need about", "are free"], persons=10**12, seed=1),
    _case(
        "seed",
        "simulate",
        [tiny.TRUTH],
        "seed must be below 2^63, or 9,223,372,036,854,775,808; got 18446744073709551616",
        persons=10,
        seed=2**64,
    ),
    _case("seed negative", "simulate", [tiny.TRUTH], SEED + " -1", persons=10, seed=-1),
    _case("seed true", "simulate", [tiny.TRUTH], SEED + " True", persons=10, seed=True),
    _case(
        "missing",
        "simulate",
        [tiny.TRUTH],
        "missing must be ab.Missing(...) or None; got 0.2",
        persons=10,
        seed=1,
        missing=0.2,
    ),
    _case("memory", "sponsor_study", [], ["persons need about", "Draw fewer at a time"], persons=10**12, seed=1),
    _case("seed", "sponsor_study", [], "seed must be below 2^63", seed=2**64),
    _case("truth", "sponsor_study", [["null"]], "truth must be one of", seed=1),
    _case("sponsor", "sponsor_study", [], "sponsor must be a table from times", seed=1, sponsor=True),
]

PANELS_AND_FILES = [
    _case(
        "values none",
        "Panel.from_arrays",
        [None],
        "values has shape (); expected (0, 2, 2)",
        PANELS,
        measures=["x", "y"],
        times=[0, 1],
    ),
    _case(
        "values ragged",
        "Panel.from_arrays",
        [[[[1, 2]], [[1]]]],
        "values is ragged, its rows are not all of one length",
        PANELS,
        measures=["x", "y"],
        times=[0],
    ),
    _case(
        "states a list",
        "Panel.from_arrays",
        [np.zeros((3, 2, 2))],
        "states must map each state to its values",
        PANELS,
        measures=["x", "y"],
        times=[0, 1],
        states=[1],
    ),
    _case(
        "covariates 3",
        "Panel.from_arrays",
        [np.zeros((3, 2, 2))],
        "covariates must map each name to its values; got 3",
        PANELS,
        measures=["x", "y"],
        times=[0, 1],
        covariates=3,
    ),
    _case(
        "own times",
        "Panel.from_arrays",
        [np.zeros((3, 2, 2))],
        "own_times is 'planned'",
        PANELS,
        measures=["x", "y"],
        times=[0, 1],
        own_times="planned",
    ),
    _case(
        "time unit",
        "Panel.from_long",
        [FRAME],
        "time_unit must be a word such as 'months', or left out; got 3",
        PANELS,
        person="person",
        time="time",
        measures=["x", "y"],
        time_unit=3,
    ),
    _case(
        "group",
        "Panel.from_long",
        [FRAME],
        "The group must be the name of a column; got ['g']",
        PANELS,
        person="person",
        time="time",
        measures=["x", "y"],
        group=["g"],
    ),
    _case(
        "contradictions",
        "Panel.from_long",
        [FRAME],
        "contradictions must be one of",
        PANELS,
        person="person",
        time="time",
        measures=["x", "y"],
        contradictions=np.array(["refuse"]),
    ),
    _case(
        "measures a set",
        "Panel.from_long",
        [FRAME],
        "measures is a set, which has no order; pass a list",
        PANELS,
        person="person",
        time="time",
        measures={"x", "y"},
    ),
    _case(
        "states",
        "Panel.from_wide",
        [pd.DataFrame({"a": [1.0, 2]})],
        "states must map each state to its columns",
        PANELS,
        measures={"x": ["a"]},
        times=[0],
        states="on",
    ),
    _case(
        "n",
        "Panel.from_moments",
        [],
        "n must be at most 1,000,000,000,000 persons; got a whole number of about 10^400",
        PANELS,
        measures=["x"],
        times=[0, 1],
        n=HUGE,
        means=[0, 0],
        covariance=np.eye(2),
    ),
    _case(
        "divisor",
        "Panel.from_moments",
        [],
        "divisor=1 is not a choice; use 'n-1'",
        PANELS,
        measures=["x"],
        times=[0, 1],
        n=10,
        means=[0, 0],
        covariance=np.eye(2),
        divisor=1,
    ),
    _case(
        "path",
        "Panel.from_parquet",
        [3],
        "path must be a text or a path; got 3",
        PANELS,
        person="p",
        time="t",
        measures=["x"],
    ),
    _case("a file", "Panel", ["clinic.csv"], "A panel is made from data by ab.Panel.from_long", PANELS),
    _case("group", "Panel.of_group", [PANEL, 1], "group must be a text; got 1", PANELS),
    _case("a frame", "internal_consistency", [FRAME, ["x", "y"]], PANEL_IS, PANELS),
    _case(
        "items",
        "internal_consistency",
        [PANEL, 3],
        "items must be a list of 2 or more different measures; got 3",
        PANELS,
    ),
    _case("path", "read_frame", [None], "path must be a text or a path; got None", PANELS),
    _case("answer", "export_table", [3, "x.csv"], "table must be a data frame; got 3", ab.AllianceBayesError),
    _case(
        "several tables",
        "export_table",
        [_Late(lambda: ab.directionality(tiny.fit(), "x", "y")), "x.csv"],
        'which has several tables; give one of them: .table, .evidence, .tables["contest"]',
        ab.AllianceBayesError,
    ),
    _case("path", "export_table", [FRAME, 3], "path must be a text or a path; got 3", ab.AllianceBayesError),
    _case("ending", "export_table", [FRAME, "x.doc"], "ends in .csv, .md, .tex, .xlsx or .html", ab.AllianceBayesError),
    _case("time", "Fit.forecast", [FIT, "next"], "A forecast needs a time, such as 2; got 'next'"),
    _case("far", "Fit.forecast", [FIT, 10**15], "at most 1,000"),
    _case("names", "Fit.summary", [FIT, "lagged"], "names is the text 'lagged'; pass a list, names=['lagged']"),
    _case("persons", "Fit.log_likelihood", [FIT, 3], "persons must be a slice or None; got 3"),
    _case("path", "Fit.save", [FIT, None], "path must be a text or a path; got None"),
    _case("number", "load", [3], "path must be a text or a path; got 3", FILES),
    _case("number", "packaged_model", [3], "name must be a text; got 3", FILES),
    _case("path", "ModelFile.save", [FILE, 3], "path must be a text or a path; got 3", FILES),
    _case("draw", "ModelFile.with_settings", [FILE], "no key 'draw'; did you mean 'draws'", FILES, draw=3),
    _case("title", "ModelFile", [], "title must be a text; got 3", FILES, title=3, spec=SPEC),
    _case("spec", "ModelFile", [], "spec must be a model, such as ab.RICLPM(['x', 'y'])", FILES, title="t", spec=3),
    _case("ask", "Question", [3], "ask must be a text; got 3", FILES),
    _case("unknown", "Question", ["directions"], "A model file cannot ask 'directions'", FILES),
    _case("option", "Question", ["directionality", {"betwen": ["x", "y"]}], "did you mean 'between'", FILES),
    _case("formula", "CausalRegression", [3], "formula must be a text; got 3", FILES),
    _case("family", "CausalRegression", ["y ~ x", "normal"], "family must be one of 'gaussian'", FILES),
    _case("regressions", "CausalRegressions", [3], "regressions must be a list of ab.CausalRegression", FILES),
]

CALIBRATION = [
    _case("a frame", "calibrate", [SPEC, FRAME], "panel_like must be a panel", replicates=3, folder="f", seed=1),
    _case("many", "calibrate", [SPEC, PANEL], "replicates must be", replicates=HUGE, folder="f", seed=1),
    _case("half", "calibrate", [SPEC, PANEL], "replicates must be", replicates=0.5, folder="f", seed=1),
    _case("seed", "calibrate", [SPEC, PANEL], SEED, replicates=3, folder="f", seed="one"),
    _case("scale", "calibrate", [SPEC, PANEL], "scale must be", replicates=3, folder="f", seed=1, scale=["held"]),
    _case("draws", "calibrate", [SPEC, PANEL], "draws must be", replicates=3, folder="f", seed=1, draws=0),
    _case("folder", "calibrate", [SPEC, PANEL], "folder must be", replicates=3, folder=None, seed=1),
    _case("a path", "posterior_calibration", ["fit.nc"], "fit must be", replicates=3, folder="f", seed=1),
    _case("none", "posterior_calibration", [FIT], "replicates must be", replicates=0, folder="f", seed=1),
]

FIRST_LOOKS = [
    _case("a number", "overview", [3], "Got a value of type int; pass a data frame of pandas, Polars or", PANELS),
    _case("no such column", "overview", [FRAME], "No column 'pid'. Columns: ", PANELS, person="pid"),
    _case("a number", "draft", [3], "Got a value of type int; pass a data frame of pandas, Polars or PyArrow", PANELS),
    _case(
        "no such measure", "draft", [FRAME], "'depth' is no column of numbers. There are: ", FILES, measures=["depth"]
    ),
]

PAGES = [
    _case("a path as fit", "report", ["fit.nc", [], "page.html"], "fit must be"),
    _case("a text as answers", "report", [FIT, "directionality", "page.html"], "answers must be an answer, a list of"),
    _case("no answers", "report", [FIT, [], "page.html"], "answers must be answers, such as of ab.directionality"),
    _case("half a person", "report", [None, [], "page.html"], "people must be a whole number", people=0.5),
]

CASES = [*FITS, *CALIBRATION, *FIRST_LOOKS, *PAGES, *QUESTIONS, *COUNTERFACTUALS, *MODELS, *TRUTHS, *PANELS_AND_FILES]

TRIED = {case.name.split(":")[0].split(".")[0] for case in CASES}
TRIED |= {"Normal", "HalfNormal", "LogNormal", "Beta", "LKJ", "InducedDirichlet"}  # refused where they are used
