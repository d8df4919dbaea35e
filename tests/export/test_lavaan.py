"""Syntax for lavaan: what it says, and what lavaan makes of it."""

import json
import re
import sys

import pytest

import alliance_bayes as ab
from alliance_bayes.engine.design import design_of
from alliance_bayes.engine.layout import lay_out
from alliance_bayes.export.facts import facts_of
from alliance_bayes.export.layout import layout_of
from helpers import REFERENCES

sys.path.insert(0, str(REFERENCES))

from export_syntax import fingerprint
from family_models import family_panel, family_spec

FAMILY = json.loads((REFERENCES / "lavaan_family.json").read_text())["fits"]
EXPORTED = json.loads((REFERENCES / "lavaan_exported.json").read_text())["fits"]
ONE_OF_EACH = [
    "help/riclpm/equal",
    "three/riclpm/free",
    "help_gap/riclpm/grid",
    "dpm2/dpm/equal",
    "starts2/starts/free/stationary",
    "growth2/lcmsr/equal",
    "growth2/alt/free",
    "wages5/riclpm/equal standardized",
    "wages5/clpm/equal standardized",
    "dpm2/clpm/equal/lag 2 of every path",
    "starts2/riclpm/equal/trait loadings free",
    "starts2/riclpm/equal/error variance .2 and .15",
    "covariates2/riclpm/free/x -> y alike, 1 to 2 and 2 to 3",
    "covariates2/riclpm/equal/c1 and c2 on intercepts, c1 on first within, z on every wave alike",
    "sites2/riclpm/equal/groups/lags equal",
    "sites2/riclpm/equal/groups/everything equal",
    "items2/riclpm/equal/indicators/configural",
    "items2/riclpm/equal/indicators/strong",
]

SMALL = """\
# cross-lagged panel model of x and y; lagged effects equal, residual covariances equal, means
# equal; fixed at 0: y -> x.
# 11 free parameters.
# Data: one row per person, columns x_0, y_0, x_6, y_6.
# Maximum likelihood, so without priors:
# fit <- lavaan(model, data, missing = 'ml')

# Within-person deviations, and measurement error
w_x_0 =~ 1*x_0
x_0 ~~ 0*x_0
w_x_6 =~ 1*x_6
x_6 ~~ 0*x_6
w_y_0 =~ 1*y_0
y_0 ~~ 0*y_0
w_y_6 =~ 1*y_6
y_6 ~~ 0*y_6

# First wave
w_x_0 ~~ within_variance_x_0*w_x_0
w_y_0 ~~ within_covariance_x_y_0*w_x_0 + within_variance_y_0*w_y_0

# Lagged effects
w_x_6 ~ x_to_x*w_x_0
w_y_6 ~ x_to_y*w_x_0 + y_to_y*w_y_0

# Innovations
w_x_6 ~~ innovation_variance_x*w_x_6
w_y_6 ~~ innovation_covariance_x_y*w_x_6 + innovation_variance_y*w_y_6

# Means
x_0 ~ mean_x*1
x_6 ~ mean_x*1
y_0 ~ mean_y*1
y_6 ~ mean_y*1
"""


def test_a_small_model_in_full():
    spec = ab.CLPM(["x", "y"], lags="equal", residuals="equal", means="equal", remove=["y -> x"])
    assert ab.to_lavaan(spec, [0, 6]) == SMALL


@pytest.mark.parametrize("key", ONE_OF_EACH)
def test_the_text_is_the_one_that_lavaan_fitted(key):
    """Regenerate lavaan_exported.json where this fails; see tests/references/README.md."""
    text = ab.to_lavaan(family_spec(key), family_panel(key.split("/")[0]))
    assert fingerprint(text) == EXPORTED[key]["fingerprint"]
    assert re.search(r"^# (\d+) free parameters", text, re.MULTILINE)[1] == str(FAMILY[key]["npar"])


@pytest.mark.parametrize("key", ONE_OF_EACH)
def test_its_parameters_are_those_of_the_package(key):
    """By name where no constraint ties them, by number otherwise."""
    spec, panel = family_spec(key), family_panel(key.split("/")[0])
    layout = layout_of(spec, facts_of(spec, panel, "lavaan"))
    names = lay_out(spec, design_of(spec, panel)).table.names
    assert layout.n_free == len(names)
    assert bool(layout.equations) == (spec.is_stationary or spec.lags == "equal_standardized")
    if not layout.equations:
        assert set(layout.parameters) == set(names)


@pytest.mark.slow
def test_every_text_is_the_one_that_lavaan_fitted():
    for key, fit in EXPORTED.items():
        assert fingerprint(ab.to_lavaan(family_spec(key), family_panel(key.split("/")[0]))) == fit["fingerprint"], key


def test_lavaan_reaches_the_same_maximum_from_the_text():
    """Every model that has a reference: -2LL of the text beside that of the hand-written model."""
    assert len(EXPORTED) > 120
    assert set(EXPORTED) == {key for key in FAMILY if family_spec(key) is not None}
    different = {
        key: (fit["-2LL"], FAMILY[key]["-2LL"])
        for key, fit in EXPORTED.items()
        if fit["-2LL"] != pytest.approx(FAMILY[key]["-2LL"], abs=1e-4) or fit["npar"] != FAMILY[key]["npar"]
    }
    assert different == {}


@pytest.mark.parametrize(("n_measures", "n_waves"), [(2, 3), (3, 5)])
def test_free_parameters_are_counted_as_in_the_textbook(n_measures, n_waves):
    """K(K+1) for B and P_1, K^2 + K(K+1)/2 for each interval, and the means."""
    measures, times = [f"m{place}" for place in range(n_measures)], list(range(n_waves))
    cells = n_measures * (n_measures + 1) // 2
    layout = layout_of(ab.RICLPM(measures, lags="free"), facts_of(ab.RICLPM(measures, lags="free"), times, "lavaan"))
    assert layout.n_free == 2 * cells + (n_waves - 1) * (n_measures**2 + cells) + n_measures * n_waves
    spec = ab.RICLPM(measures, lags="equal_standardized", residuals="equal")
    same = layout_of(spec, facts_of(spec, times, "lavaan"))
    assert same.n_free == 3 * cells + n_measures**2 + n_measures * n_waves


def test_awkward_names_become_valid_and_are_explained():
    text = ab.to_lavaan(ab.CLPM(["days off", "Días"], lags="equal"), [-6, 0.5, 7])
    assert "# days_off_m6 is days off, -6." in text.splitlines()
    assert "w_days_off_0.5 ~ days_off_to_days_off*w_days_off_m6 + D_as_to_days_off*w_D_as_m6" in text
    assert not re.search(r"^[^#\n]*[^\x00-\x7F]", text, re.MULTILINE)


def test_names_that_would_be_alike_are_told_apart():
    text = ab.to_lavaan(ab.CLPM(["a b", "a_b"], lags="equal"), [0, 1])
    assert "# Data: one row per person, columns a_b_0, a_b_0_2, a_b_1, a_b_1_2." in text
    assert "w_a_b_0_2 =~ 1*a_b_0_2" in text


def test_models_out_of_reach_are_refused_with_the_nearest_that_is_not():
    spec = ab.RICLPM(["x", "y"], lags="continuous", moderated={"x -> y": "c"})
    with pytest.raises(ab.SpecError) as caught:
        ab.to_lavaan(spec, [0, 3, 9])
    assert str(caught.value) == (
        "This random-intercept cross-lagged panel model cannot be written for lavaan. 2 problems:\n"
        "  1. lags='continuous' needs matrix exponentials, which lavaan does not have. Write lags='grid', which is "
        "the same model wherever the drift exists, or lags='free'.\n"
        "  2. moderated: x -> y changes with a covariate, which takes a product of it with a latent variable. Split "
        "the people into groups by the covariate, and give group_lags='free'."
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"group_lags": "pooled"}, "which needs priors. Write group_lags='free' and group_lags='equal'"),
        ({"covariates": {"z": "each_wave"}, "predetermined": ["z"]}, "or take it as exogenous"),
        ({"indicators": {"x": ["a", "b"]}, "invariance": "approximate"}, "Write 'strong' and 'weak'"),
        ({"reliability": {"x": 0.9}}, "which times do not say; give the panel"),
        ({"covariates": {"z": "each_wave"}}, "Times do not say whether a covariate varies over time; give the panel"),
        ({"group_lags": "free"}, "Times do not say which groups there are; give the panel"),
    ],
)
def test_each_refusal_names_a_cure(options, said):
    with pytest.raises(ab.SpecError, match=re.escape(said)):
        ab.to_lavaan(ab.RICLPM(["x", "y"], lags="equal", **options), [0, 1, 2])


def test_standardised_lags_with_equal_residuals_in_groups_are_refused():
    spec = ab.RICLPM(["x", "y"], lags="equal_standardized", group_lags="free", equal_across_groups=["residuals"])
    with pytest.raises(ab.SpecError, match="Leave 'residuals' out of equal_across_groups"):
        ab.to_lavaan(spec, family_panel("sites2"))


def test_a_panel_without_what_the_model_names_is_refused():
    spec = ab.RICLPM(["x", "w"], lags="equal", covariates={"c9": "intercepts"}, group_lags="free")
    with pytest.raises(ab.SpecError) as caught:
        ab.to_lavaan(spec, family_panel("dpm2"))
    assert caught.value.problems == (
        "The panel has no measure 'w'; it has x and y.",
        "The panel has no covariate 'c9'; name it in covariates=[...] where the panel is made.",
        "group_lags needs a panel with groups; name their column in group=... where the panel is made.",
    )


@pytest.mark.parametrize("times", [[0, 2, 1], [0], "soon", None])
def test_times_that_are_none_are_refused(times):
    with pytest.raises(ab.SpecError, match=r"imes of (its )?waves"):
        ab.to_lavaan(ab.CLPM(["x", "y"], lags="equal"), times)


def test_too_few_waves_are_refused():
    with pytest.raises(ab.SpecError, match="needs at least 3 waves; there are 2"):
        ab.to_lavaan(ab.RICLPM(["x", "y"], lags="equal"), [0, 1])


@pytest.mark.parametrize("key", [key for key in ONE_OF_EACH if "standardized" not in key and "stationary" not in key])
def test_nothing_of_the_linear_system_is_left_out(key):
    """Every path, covariance and intercept is written, and once; covariates' own variances are taken as given."""
    spec, panel = family_spec(key), family_panel(key.split("/")[0])
    facts = facts_of(spec, panel, "lavaan")
    entries, system = layout_of(spec, facts).entries, lay_out(spec, facts.design).system
    written = {(entry.kind == "mean", frozenset({entry.first, entry.second})): entry.values[0] for entry in entries}
    assert len(written) == len(entries)
    first = system.systems[0]
    for row, register in first.intercepts:
        assert written[True, frozenset({first.variables[row], None})] == system.names[register]
    for row, column, register in (*first.paths, *first.covariances):
        pair = frozenset({first.variables[row], first.variables[column]})
        if {variable.role for variable in pair} != {"covariate"}:
            value = written[False, pair]
            assert value == system.names[register] if 0 <= register < system.n_parameters else value > 0


def test_groups_with_waves_of_their_own_are_refused():
    one, other = (family_panel("dpm2") for _ in range(2))
    rows = one.values[:, :3]
    studies = {"first": other, "second": ab.Panel.from_arrays(rows, measures=one.measures, times=[0, 1.5, 4])}
    panel = ab.Panel.from_studies(studies)
    with pytest.raises(ab.SpecError, match=r"Groups have waves of their own.*one by one"):
        ab.to_lavaan(ab.CLPM(["x", "y"], lags="free", group_lags="free"), panel)


def test_the_columns_of_the_users_own_data():
    """Names that R reads stay as they are, others come with the line that renames them."""
    spec = ab.CLPM(["Bündnis", "days"], lags="equal")
    columns = {"Bündnis": ["WAI t1", "WAI's t2"], "days": ["w_days_6", "if"]}
    text = ab.to_lavaan(spec, [6, 12], columns=columns)
    assert "# Data: one row per person, columns WAI_t1, w_days_6, WAI_s_t2, v_if." in text
    assert "# names(data)[names(data) == 'WAI t1'] <- 'WAI_t1'" in text
    assert r"# names(data)[names(data) == 'WAI\'s t2'] <- 'WAI_s_t2'" in text
    assert "w_days_6_2 =~ 1*w_days_6" in text
    assert "w_days_12 =~ 1*v_if" in text
    assert "# WAI_t1 is Bündnis, 6." in text


def test_own_columns_of_some_measures_alone():
    text = ab.to_lavaan(ab.CLPM(["x", "y"]), [0, 1], columns={"y": ["first", "second"]})
    assert "columns x_0, first, x_1, second." in text


def test_columns_that_do_not_fit_are_refused_together():
    with pytest.raises(ab.SpecError) as caught:
        ab.to_lavaan(ab.CLPM(["x", "y"]), [0, 1], columns={"x": ["a"], "z": ["b", "c"], "y": ["d", "d"]})
    message = str(caught.value)
    assert "'x' has 1 columns; give one for each of its times 0, 1." in message
    assert "The data of the model have no 'z'" in message
    assert "'d' named more than once" in message
