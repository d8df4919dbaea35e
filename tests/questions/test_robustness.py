"""Variants of a model, what changes an answer, and sensitivity to the prior beside a closed form."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import norm
from test_directionality import made_up_fit

import alliance_bayes as ab
from alliance_bayes.posterior.health import Health
from alliance_bayes.pymc_models import densities
from alliance_bayes.questions import robustness as module
from latent_people import people

NAMES = ["alliance", "days"]
SIDES = ("forward", "backward")
HEALTHY = Health(1.0, 900, 900, 0, 1.0, "", ())


@pytest.fixture
def panel():
    return ab.Panel.from_arrays(
        np.random.default_rng(1).normal(size=(30, 3, 2)), measures=NAMES, times=[0, 6, 12], time_unit="months"
    )


@pytest.fixture
def unequal():
    return ab.Panel.from_arrays(np.random.default_rng(1).normal(size=(30, 4, 2)), measures=NAMES, times=[0, 3, 6, 12])


def test_variants_change_one_thing_each(panel):
    spec = ab.RICLPM(NAMES, residuals="equal", remove=["days -> days"])
    variants = ab.robustness_variants(spec, panel, models=["CLPM", "RICLPM"], lags=["equal", "free", "grid"])
    assert list(variants) == ["original model", "CLPM", "lags free", "prior SD x 0.5", "prior SD x 2"]
    assert variants["original model"] == (spec, panel)
    assert variants["CLPM"][0] == ab.CLPM(NAMES, residuals="equal", remove=["days -> days"])
    assert variants["lags free"][0] == replace(spec, lags="free")
    wider = variants["prior SD x 2"][0]
    assert wider.priors.cross_lagged == ab.Normal(0.0, 2 * spec.priors.cross_lagged.sd)
    assert wider.priors.carry_over == spec.priors.carry_over
    assert replace(wider, priors=spec.priors) == spec


def test_a_grid_is_a_variant_where_intervals_are_unequal(unequal):
    variants = ab.robustness_variants(ab.RICLPM(NAMES, lags="equal"), unequal, models=[], prior_widths=[])
    assert {"lags free", "lags grid"} <= set(variants)
    with pytest.raises(ab.SpecError, match="The intervals between waves are unequal"):
        ab.robustness_variants(ab.RICLPM(NAMES), unequal)


def test_each_covariate_can_be_left_out(panel):
    spec = ab.RICLPM(
        NAMES,
        covariates={"commitment": "intercepts", "stress": "each_wave"},
        predetermined=["stress"],
        moderated={"alliance -> days": "commitment"},
    )
    variants = ab.robustness_variants(spec, panel, models=[], lags=[], prior_widths=[])
    assert list(variants) == ["original model", "without commitment", "without stress"]
    without = variants["without commitment"][0]
    assert (dict(without.covariates), without.predetermined) == ({"stress": ("each_wave",)}, ("stress",))
    assert dict(without.moderated) == {}
    without = variants["without stress"][0]
    assert (dict(without.covariates), without.predetermined) == ({"commitment": ("intercepts",)}, ())
    assert dict(without.moderated) == {"alliance -> days": "commitment"}


def test_families_a_state_and_selection_have_variants_without_them():
    panel = people(30, 3, required=["alliance"])
    state = ab.State("sponsor", ["alliance"], keep=["days"])
    families = {"days": ab.Days(14), "few": ab.BetaBinomial("window"), "ordered": ab.Ordinal(5, lowest=0)}
    families |= {"scale": ab.Items(["item1", "item2"], 4, lowest=0), "visits": ab.Count()}
    selection = [ab.Selection("interview", before=["days"])]
    spec = ab.RICLPM(["alliance", *families], lags="equal", families=families, state=state, selection=selection)
    variants = ab.robustness_variants(spec, panel, lags=[], prior_widths=[])
    assert list(variants) == [
        *(
            "original model",
            "CLPM",
            "days normal",
            "ordered normal",
            "visits normal",
            "sponsor not modelled",
            "missing at random",
        ),
    ]
    assert variants["CLPM"][0].families == variants["sponsor not modelled"][0].families == spec.families
    assert "days" not in variants["days normal"][0].families
    assert variants["days normal"][0].state == state
    assert (variants["sponsor not modelled"][0].state, variants["sponsor not modelled"][0].nonexistent) == (
        None,
        "as_missing",
    )
    assert variants["missing at random"][0].selection == ()


def test_a_real_fit_with_a_state_and_without_it():
    panel = people(40, 3, required=["alliance"])
    state = ab.State("sponsor", ["alliance"], keep=["trust"])
    spec = ab.RICLPM(["alliance", "trust"], lags="equal", state=state)
    variants = ab.robustness_variants(spec, panel, models=[], lags=[], prior_widths=[])
    answer = ab.robustness(spec, panel, *spec.measures, seed=4, variants=variants, draws=100, chains=2)
    assert list(answer.parts) == ["original model", "sponsor not modelled"]
    assert (answer.tables["power_scaling"].to_numpy() > 0).all()


def test_models_outside_the_family_are_refused(panel):
    with pytest.raises(ab.SpecError, match="models: 'VAR' is not in the family; choose from 'RICLPM', 'CLPM'"):
        ab.robustness_variants(ab.RICLPM(NAMES), panel, models=["VAR"])


def asked_of(monkeypatch, effects, **options):
    """The answer for variants with these effects; a string raises a SpecError with this text instead."""
    fits = {name: pair if isinstance(pair, str) else made_up_fit(*pair) for name, pair in effects.items()}
    for fitted in fits.values():
        if not isinstance(fitted, str):
            fitted.__dict__["health"] = HEALTHY
    made = iter(fits.values())

    def next_fit(spec, panel, **settings):
        assert settings["seed"] >= 3
        found = next(made)
        if isinstance(found, str):
            raise ab.SpecError(found)
        return found

    monkeypatch.setattr(module, "fit_model", next_fit)
    first = next(fitted for fitted in fits.values() if not isinstance(fitted, str))
    variants = dict.fromkeys(list(effects)[1:], (first.spec, first.panel))
    return ab.robustness(first.spec, first.panel, *NAMES, seed=3, variants=variants, **options)


def test_what_changes_the_answer_is_said(monkeypatch):
    answer = asked_of(
        monkeypatch,
        {
            "original model": (0.25, 0.0),
            "CLPM": (0.25, 0.2),
            "lags free": (0.252, 0.001),
            "prior SD x 2": (-0.25, 0.0),
            "lags grid": "The intervals are 1.5, 2.",
        },
    )
    assert answer.reasons[0] == (
        "The verdict is 'alliance leads' under the original model, but 'both' under CLPM. "
        "The size of days -> alliance changes under CLPM; the sign of alliance -> days changes under prior SD x 2."
    )
    assert list(answer.table["change"]) == ["", "verdict, size of days -> alliance", "", "sign of alliance -> days"]
    assert answer.tables["not_fitted"]["reason"].to_dict() == {"lags grid": "The intervals are 1.5, 2."}
    assert "Not fitted: lags grid. The intervals are 1.5, 2." in str(answer).splitlines()
    assert answer.parts["CLPM"].verdict == "both"
    row = answer.table.loc[("CLPM", "average of intervals of 6")]
    assert row["backward"] == pytest.approx(0.2, abs=0.002)
    assert row["p_first_leads"] == pytest.approx(
        float((-abs(answer.parts["CLPM"].draws["effect"]).diff("path") > 0.03).mean())
    )


def test_an_answer_that_nothing_changes(monkeypatch):
    answer = asked_of(monkeypatch, {"original model": (0.25, 0.0), "CLPM": (0.25, 0.0), "lags free": (0.251, -0.001)})
    assert answer.reasons[0] == (
        "The verdict is 'alliance leads' under the original model and under every variant (2). "
        "No effect beyond 0.03 changes its sign or leaves its interval under the original model."
    )
    figure = answer.plot()
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["original model", "CLPM", "lags free"]
    assert [text.get_text() for text in figure.axes[0].texts] == ["alliance leads"] * 3
    alone = asked_of(monkeypatch, {"original model": (0.25, 0.0)})
    assert alone.reasons[0] == "The verdict is 'alliance leads'; no other variant was fitted."


def changes(asked, other, *, margin=0.25, verdict="both"):
    """What is said to change between (forward, backward) at first, with intervals .125 to each side, and otherwise."""

    def row(pair, verdict):
        bounds = {
            f"{side}_{bound}": effect + shift
            for side, effect in zip(SIDES, pair, strict=True)
            for bound, shift in (("lower", -0.125), ("upper", 0.125))
        }
        return dict(zip(SIDES, pair, strict=True)) | bounds | {"verdict": verdict}

    table = pd.DataFrame.from_dict(
        {("original model", "all"): row(asked, "both"), ("other", "all"): row(other, verdict)}, orient="index"
    )
    return module._change(table, ("other", "all"), {"forward": "x -> y", "backward": "y -> x"}, margin)


@pytest.mark.parametrize(
    ("asked", "other", "options", "said"),
    [
        ((0.5, 0.0), (0.5, 0.0), {}, ""),
        ((0.5, 0.0), (0.5, 0.0), {"verdict": "undecided"}, "verdict"),
        ((0.5, 0.0), (0.625, 0.0), {}, ""),
        ((0.5, 0.0), (0.375, 0.0), {}, ""),
        ((0.5, 0.0), (0.6875, 0.0), {}, "size of x -> y"),
        ((0.5, 0.0), (0.3125, 0.0), {}, "size of x -> y"),
        ((0.5, 0.0), (-0.5, 0.0), {}, "sign of x -> y"),
        ((0.5, 0.0), (-0.25, 0.0), {}, "size of x -> y"),
        ((0.25, 0.0), (-0.5, 0.0), {}, "size of x -> y"),
        ((0.0, -0.5), (0.0, 0.3125), {}, "sign of y -> x"),
        ((0.5, -0.5), (-0.5, 0.5), {"verdict": "undecided"}, "verdict, sign of x -> y, sign of y -> x"),
    ],
)
def test_what_counts_as_a_change(asked, other, options, said):
    """A sign where both effects exceed the margin; a size outside the original interval, its limits not counted."""
    assert changes(asked, other, **options) == said


def test_draws_that_cannot_be_trusted_are_said(monkeypatch):
    answer = asked_of(monkeypatch, {"original model": (0.25, 0.0), "CLPM": (0.25, 0.0)})
    sick = replace(HEALTHY, problems=("1 divergent transition.",))
    answers = {name: replace(each, health=sick if name == "CLPM" else HEALTHY) for name, each in answer.parts.items()}
    assert module._sentence(answers, answer.table, 0.03).endswith(" The draws of CLPM cannot be trusted.")
    assert "cannot be trusted" not in answer.reasons[0]
    assert "no other variant can be compared" in module._sentence(answers, answer.table, 0.03)
    assert "every variant" not in module._sentence(answers, answer.table, 0.03)


@pytest.mark.parametrize(
    ("prior", "likelihood", "said"),
    [
        (0.05, 0.05, "x -> y changes noticeably: the answer rests on the priors too, so justify them."),
        (0.049, 0.05, "no quantity changes noticeably, as it should be."),
        (
            0.049,
            0.049,
            "no quantity changes noticeably, as it should be. With more or less weight on the data, x -> y hardly "
            "changes: the data say little about it.",
        ),
    ],
)
def test_sensitive_from_a_twentieth(prior, likelihood, said):
    table = pd.DataFrame({"cross_lagged_prior": prior, "prior": 0.0, "likelihood": likelihood}, index=["x -> y"])
    start = "Power-scaling of the original model: with a little more or less weight on the priors, "
    assert module._power_scaling_in_words(table) == [start + said]


def test_power_scaling_is_of_both_effects_and_of_their_difference_in_size(monkeypatch):
    """To the prior of cross-lagged effects, to all priors, and to the likelihood."""
    asked = {}

    def sensitivity(quantities, part, kind):
        asked[kind, float(part.mean())] = quantities
        return dict.fromkeys(quantities, 0.1)

    priors = {"cross_lagged": np.full(2000, 3.0), "icc": np.full(2000, 4.0)}
    target = SimpleNamespace(points=lambda draws: draws, parts=lambda points: (priors, np.full(2000, 5.0)))
    monkeypatch.setattr(module, "power_scaling_sensitivity", sensitivity)
    monkeypatch.setattr(densities, "log_density_of", lambda model: target)
    fitted = made_up_fit(-0.3, 0.1)
    answer = ab.directionality(fitted, *NAMES)
    table = module._power_scaling(fitted, answer)
    assert list(table.columns) == ["cross_lagged_prior", "prior", "likelihood"]
    assert list(asked) == [("prior", 3.0), ("prior", 7.0), ("likelihood", 5.0)]
    forward, backward = (answer.draws["effect"].isel(length=0, path=side) for side in range(2))
    for quantities in asked.values():
        assert list(quantities) == ["alliance -> days", "days -> alliance", "difference in size"]
        np.testing.assert_array_equal(quantities["alliance -> days"], forward)
        np.testing.assert_array_equal(quantities["days -> alliance"], backward)
        np.testing.assert_array_equal(quantities["difference in size"], abs(forward) - abs(backward))


def test_each_variant_has_a_seed_of_its_own(monkeypatch):
    seeds = []

    def next_fit(spec, panel, *, seed, **settings):
        seeds.append(seed)
        return made_up_fit(0.25, 0.0)

    monkeypatch.setattr(module, "fit_model", next_fit)
    one = made_up_fit(0.25, 0.0)
    variants = dict.fromkeys(("one", "other"), (one.spec, one.panel))
    ab.robustness(one.spec, one.panel, *NAMES, seed=3, variants=variants)
    assert seeds == [3, 4, 5]


def test_the_model_as_asked_must_be_answerable(monkeypatch):
    with pytest.raises(ab.SpecError, match="margin must lie between 0 and 1"):
        asked_of(monkeypatch, {"original model": (0.25, 0.0), "CLPM": (0.25, 0.0)}, margin=2)


def test_power_scaling_is_that_of_normal_posteriors():
    """Raising a normal prior to a power moves a normal posterior in closed form.

    The measure is the cumulative Jensen-Shannon distance between the two posteriors per doubling of the
    power; here it is integrated over the exact distribution functions.
    """
    prior_sd, likelihood_mean, likelihood_sd = 0.15, 0.2, 0.1

    def posterior(power):
        precision = power / prior_sd**2 + 1 / likelihood_sd**2
        return likelihood_mean / likelihood_sd**2 / precision, precision**-0.5

    def distance(power, grid):
        """Larger of those between the distribution functions and between what they leave to 1."""
        found = []
        for share in (norm.cdf, norm.sf):
            one, other = (share(grid, *posterior(each)) for each in (1.0, power))
            middle = np.log2((one + other) / 2)
            integrand = one * (np.log2(one) - middle) + other * (np.log2(other) - middle)
            found.append(np.sqrt(np.trapezoid(integrand, grid) / np.trapezoid(one + other, grid)))
        return max(found)

    effect = xr.DataArray(np.random.default_rng(4).normal(*posterior(1.0), size=(4, 20_000)), dims=("chain", "draw"))
    log_prior = xr.DataArray(norm.logpdf(effect, 0, prior_sd), dims=("chain", "draw"))
    found = module.power_scaling_sensitivity({"effect": effect}, log_prior, "prior")["effect"]
    grid = np.linspace(float(effect.min()), float(effect.max()), 100_001)
    exact = 0.5 * (distance(1.01, grid) / np.log2(1.01) - distance(0.99, grid) / np.log2(0.99))
    assert found == pytest.approx(exact, rel=0.15)
    assert exact > 0.05


def test_a_real_fit_under_another_model(small_panel):
    spec = ab.RICLPM(NAMES)
    variants = ab.robustness_variants(spec, small_panel, models=["CLPM"], lags=[], prior_widths=[0.5])
    answer = ab.robustness(spec, small_panel, *NAMES, seed=4, variants=variants, draws=150, tune=200, chains=2)
    assert list(answer.parts) == ["original model", "CLPM", "prior SD x 0.5"]
    assert "not_fitted" not in answer.tables
    assert list(answer.tables["power_scaling"].index) == ["alliance -> days", "days -> alliance", "difference in size"]
    assert (answer.tables["power_scaling"].to_numpy() > 0).all()
    lines = str(answer).splitlines()
    assert lines[0] == (
        "Does 'alliance' lead 'days' or the reverse, under 3 variants of the model? 59 people, 4 waves, 300 draws each"
    )
    assert lines[1].split()[-2:] == ["verdict", "changes"]
    assert any(line.startswith("Power-scaling of the original model: ") for line in lines)
    widths = answer.table["forward_upper"] - answer.table["forward_lower"]
    assert widths.iloc[2] < widths.iloc[0]
