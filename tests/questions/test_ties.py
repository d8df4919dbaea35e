"""Effects smaller than any number are exactly 0 in a draw: such draws know no sign and no order, and are no answers."""

import numpy as np
import pytest
import xarray as xr

import alliance_bayes as ab
from alliance_bayes.basics.problems import Problems
from alliance_bayes.posterior.summaries import above, below, indicator, probability, share, undefined
from alliance_bayes.questions import mediation as mediation_module
from alliance_bayes.questions.group_contrast import _differences, _table
from alliance_bayes.questions.statements import parse
from fabricated import HEALTHY, fabricated_fit, of_no_data

FAR = (0, 1, 2, 900, 901)
CHAIN = np.array([[-1.2, 0.0, 0.0], [0.4, -1.3, 0.0], [0.1, 0.3, -1.4]])
OVER_898 = "average of intervals of 898"


def draws(values):
    return xr.DataArray(np.atleast_2d(np.asarray(values, dtype=float)), dims=("chain", "draw"))


def of_draws(forward, backward):
    """A fit with these standardised effects of x on y and of y on x over both of its intervals, also in the prior."""
    forward, backward = draws(forward), draws(backward)
    fit = fabricated_fit(np.zeros((2, 2)), measures=("x", "y"), times=(0, 1, 2), shape=forward.shape)
    groups = {f"/{name}": fit.draws[name].to_dataset() for name in fit.draws.children}
    for name, part in groups.items():
        effects = np.zeros(part["lagged"].shape)
        effects[..., 2], effects[..., 1] = forward.to_numpy()[..., None], backward.to_numpy()[..., None]
        groups[name] = part.assign(
            lagged_standardized=(part["lagged"].dims, effects), lagged=(part["lagged"].dims, effects)
        )
    fit = of_no_data(fit.with_draws(xr.DataTree.from_dict(groups)))
    fit.__dict__["health"] = HEALTHY
    return fit


def test_equal_sides_are_no_answer():
    effect = draws([0.2, -0.1, 0.0, np.nan, -0.0, 5e-324])
    np.testing.assert_array_equal(above(effect, 0), [[1, 0, np.nan, np.nan, np.nan, 1]])
    np.testing.assert_array_equal(below(effect, 0), [[0, 1, np.nan, np.nan, np.nan, 0]])
    np.testing.assert_array_equal(above(effect, effect), np.full((1, 6), np.nan))
    positive, negative = probability(above(effect, 0)), probability(below(effect, 0))
    assert positive.value + negative.value == pytest.approx(1)
    assert (positive.n_draws, positive.undefined) == (3, 0.5)


@pytest.mark.parametrize(("known", "said"), [(0, "undefined"), (4, "undefined"), (5, "> 0.99 (of the 5 % of draws")])
def test_a_share_of_hardly_any_draws_is_none(known, said):
    effect = draws([0.1] * known + [0.0] * (100 - known))
    signs = above(effect, 0)
    found = probability(signs)
    assert str(found).startswith(said)
    assert found.reaches(0.95) == (known >= 5)
    assert float(undefined(signs, "chain", "draw")) == pytest.approx(1 - known / 100) == found.undefined
    assert np.isnan(float(share(signs, "chain", "draw"))) == (known < 5)
    assert probability(indicator(abs(effect) < 0.03, effect)).value == pytest.approx(1 - known / 100)


def test_statements_about_equal_effects():
    effects = {"x -> y": draws([0.0, 0.3, 0.1, 0.0]), "y -> x": draws([0.0, 0.1, 0.3, -0.2])}

    def holds(text):
        problems = Problems("")
        found = parse(text, effects, problems).holds(effects)
        assert not problems.found
        return found.to_numpy()[0].tolist()

    np.testing.assert_array_equal(holds("|x -> y| > |y -> x|"), [np.nan, 1, 0, 0])
    np.testing.assert_array_equal(holds("x -> y > 0"), [np.nan, 1, 1, np.nan])
    np.testing.assert_array_equal(holds("|x -> y| < 0.15 & |y -> x| < 0.25"), [1, 0, 0, 1])
    # Whatever the order of the two, neither is above .05 in the first draw.
    np.testing.assert_array_equal(holds("x -> y > y -> x & x -> y > 0.05"), [0, 1, 0, 0])
    np.testing.assert_array_equal(holds("x -> y > y -> x & |x -> y| < 0.05"), [np.nan, 0, 0, 1])


def test_direction_of_effects_that_are_all_too_small():
    nothing = np.zeros(400)
    fit = of_draws(nothing, nothing)
    answer = ab.directionality(fit, "x", "y")
    assert answer.table["p_positive"].isna().all()
    assert answer.table["p_positive_prior"].isna().all()
    assert (answer.table[["no_sign", "no_sign_prior", "p_negligible"]] == 1).all(axis=None)
    assert answer.verdict == "practically none"
    rows = [line for line in str(answer).splitlines() if line.startswith(("x -> y", "y -> x"))]
    assert [line.split("]")[1].split()[:2] for line in rows] == [["undefined", "undefined"]] * 2
    assert "y -> x, average of intervals of 1 in 100 % of the posterior's and 100 % of the prior's." in str(answer)
    weighed = ab.hypotheses(fit, "x", "y", statements=["x -> y > 0", "x -> y < 0", "|x -> y| > |y -> x|"])
    assert weighed.table[["posterior", "prior", "bf_unconstrained", "bf_complement"]].isna().all(axis=None)
    assert str(weighed).count("unknown") == 6
    assert (weighed.tables["rope"]["inside"] == 1).all()
    assert any("'x -> y < 0' in 100 % of the posterior's and 100 % of the prior's" in why for why in weighed.reasons)
    weighed.plot()


def test_direction_of_effects_some_of_which_are_too_small():
    rng = np.random.default_rng(1)
    forward, backward = rng.normal(0.02, 0.02, 400), rng.normal(0, 0.02, 400)
    fits = []
    for kept in (slice(None), slice(100)):
        some = np.where(np.arange(400) < 100, [forward, backward], 0.0)[:, kept]
        fits.append(of_draws(*some))
    found, wanted = (ab.directionality(fit, "x", "y") for fit in fits)
    columns = ["p_positive", "p_positive_prior"]
    np.testing.assert_allclose(found.table[columns], wanted.table[columns], rtol=1e-12)
    assert (found.table["no_sign"] == 0.75).all()
    assert not wanted.table["no_sign"].any()
    assert "in 75 % of the posterior's and 75 % of the prior's" in found.reasons[-1]
    assert "No sign is known" not in str(wanted)
    statements = ["x -> y > 0", "|x -> y| > |y -> x|", "x -> y < 0"]
    tables = [ab.hypotheses(fit, "x", "y", statements=statements).table for fit in fits]
    for column in ("posterior", "prior", "bf_unconstrained"):
        np.testing.assert_allclose(tables[0][column], tables[1][column], rtol=1e-12)
    assert (tables[0]["posterior_undefined"] == 0.75).all()
    assert tables[0].loc[["x -> y > 0", "x -> y < 0"], "posterior"].sum() == pytest.approx(1)


@pytest.fixture(scope="module")
def far():
    """Continuous time with waves so far apart that decay times interval is above 1000."""
    return fabricated_fit(drift=CHAIN, times=FAR, sd=0.01, shape=(2, 100))


def test_a_curve_beyond_what_numbers_hold(far):
    answer = ab.lag_curve(far, ["x -> m"])
    near, beyond = (answer.table.loc[("x -> m", lag)] for lag in (1.0, 898.0))
    assert (near["p_positive"], near["no_sign"]) == (1.0, 0.0)
    assert (np.isnan(beyond["p_positive"]), beyond["no_sign"]) == (True, 1.0)
    (line,) = (line for line in str(answer).splitlines() if line.startswith("x -> m   898"))
    assert line.endswith("undefined")
    (said,) = (warning for warning in answer.reasons if warning.startswith("No sign is known"))
    assert " and more, at most in 100 % of the posterior's." in said
    assert answer.table.loc["x -> m", "no_sign"].max() == 1
    assert not answer.table.loc["x -> m", "fixed"].iloc[1:].any()


def test_mediation_beyond_what_numbers_hold(far):
    asked = {"treatment": "x", "mediators": ["m"], "outcome": "y"}
    answer = ab.mediation(far, **asked, horizon=898)
    assert answer.table[["p_positive", "p_positive_mcse"]].isna().all(axis=None)
    assert (answer.table["no_sign"] == 1).all()
    assert not answer.table["fixed"].any()
    assert answer.verdict == "undecided"
    assert "share" not in answer.tables
    assert answer.evidence.loc[["indirect effect above 0", "indirect effect below 0"], "probability"].isna().all()
    assert answer.evidence.loc["indirect effect smaller than 0.03 in size", "probability"] == 1
    rows = [line for line in str(answer).splitlines() if line.startswith(("total ", "direct ", "indirect "))]
    assert [line.split("]")[1].split()[0] for line in rows] == ["undefined"] * 3
    assert any(warning.startswith("No sign is known in draws") for warning in answer.reasons)
    near = ab.mediation(far, **asked, horizon=2)
    assert not near.table["no_sign"].any()
    assert not any(warning.startswith("No sign is known in draws") for warning in near.reasons)


def test_opposite_signs_of_effects_whose_product_is_too_small():
    direct, indirect = draws([1e-200, 1e-200, -1e-200, 0.0]), draws([1e-200, -1e-200, 1e-200, 1.0])
    np.testing.assert_array_equal(mediation_module._opposed(direct, indirect), [[0, 1, 1, np.nan]])


def test_groups_whose_effects_are_too_small():
    effects = xr.concat([draws(np.zeros(50)), draws(np.full(50, 0.1))], dim="group").assign_coords(group=["a", "b"])
    effects = effects.transpose("chain", "draw", "group")
    table = _table(effects)
    assert np.isnan(table.loc["a", "p_positive"])
    assert table.loc["b", "p_positive"] == 1
    assert table["no_sign"].tolist() == [1, 0]
    difference = _differences(effects.assign_coords(group=["a", "b"]) * 0, 0.03, 0.95, healthy=True)
    assert np.isnan(difference.loc[("a", "b"), "p_positive"])
    assert difference.loc[("a", "b"), "verdict"] == "practically equal"
