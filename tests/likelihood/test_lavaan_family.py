"""The whole cross-lagged family beside lavaan's results: likelihood, estimates, standard errors and fit."""

import json
import sys

import numpy as np
import pytest

import alliance_bayes as ab
from helpers import REFERENCES

sys.path.insert(0, str(REFERENCES))
from family_models import family_panel, family_spec

FITS = json.loads((REFERENCES / "lavaan_family.json").read_text())["fits"]
ELSEWHERE = ("robust", "clusters", "weights")  # options of the estimator, not of the model
# numDeriv's second derivatives are 3 % off here: differences of scipy's densities give our standard errors to 1e-7.
ERRORS_AT_FAULT = {"help/riclpm/equal/stationary"}
KEYS = [key for key in FITS if not any(word in key for word in ELSEWHERE)]
FAST = [
    "help/riclpm/equal",
    "three/riclpm/free",
    "wages5/clpm/free",
    "help/dpm/equal",
    "three/dpm/free",
    "dpm2_missing/dpm/equal/residuals equal",
    "dpm2/dpm/equal/means equal",
    "dpm2/dpm/equal/no y -> x",
    "covariates2_missing/dpm/free/no y -> x, 0 to 1",
    "starts2_missing/starts/equal/stationary",
    "starts2/starts/free/stationary",
    "growth2_missing/lcmsr/equal",
    "growth2/lcmsr/free",
    "growth2_missing/alt/equal",
    "growth2/alt/equal/residuals equal",
    "wages5/riclpm/equal/stationary",
    "starts2_missing/riclpm/free/stationary",
    "help_gap/riclpm/grid",
    "starts2_gap/clpm/grid/residuals equal",
    "wages5_gap/riclpm/free",
    "help/riclpm/equal standardized",
    "dpm2_missing/clpm/equal standardized",
    "starts2_missing/riclpm/equal/lag 2 of x -> x and y -> y",
    "wages5/riclpm/equal/lag 2 of hours -> lwage",
    "starts2/riclpm/equal/trait loadings free",
    "covariates2_missing/riclpm/free/no x -> y, 0 to 1",
    "covariates2/riclpm/free/x -> y alike, 1 to 2 and 2 to 3",
    "starts2_missing/riclpm/equal/error variance .2 and .15",
    "covariates2/riclpm/equal/c1 and c2 on intercepts",
    "covariates2_missing/riclpm/equal/c1 and c2 on intercepts, c1 on first within, z on every wave alike",
    "covariates2_missing/riclpm/equal/z on each wave",
    "covariates2/riclpm/equal/c1 on every wave alike",
    "covariates2_missing/dpm/equal/c1 and c2 on intercepts",
    "covariates2/clpm/equal/c1 on each wave",
    "sites2_missing/riclpm/equal/groups/free",
    "sites2/riclpm/equal/groups/lags equal",
    "sites2_missing/riclpm/equal/groups/everything equal",
    "sites2/dpm/equal/groups/lags equal",
    "items2_missing/riclpm/equal/indicators/configural",
    "items2/riclpm/equal/indicators/weak",
    "items2_missing/riclpm/equal/indicators/strong",
    "items2/riclpm/equal/indicators/strict",
]


def test_the_fast_keys_are_there():
    assert set(FAST) <= set(KEYS)
    assert len(KEYS) > 150


@pytest.mark.parametrize("key", [key if key in FAST else pytest.param(key, marks=pytest.mark.slow) for key in KEYS])
def test_lavaan_finds_the_same(key):
    spec, panel, want = family_spec(key), family_panel(key.split("/")[0]), FITS[key]
    found = ab.maximum_likelihood(spec, panel)
    assert found.converged
    assert (found.n_parameters, found.df, found.n_persons) == (want["npar"], want["df"], want["people"])
    assert -2 * found.log_likelihood == pytest.approx(want["-2LL"], abs=1e-4)
    theirs = estimates_of(want)
    assert set(theirs) == set(found.table.index)
    table = found.table.loc[list(theirs)]
    # lavaan regresses on covariates that are not centred, which moves means and what depends on their origin.
    moved = [bool(spec.covariates) and name.split(": ")[-1].startswith("mean") for name in theirs]
    scaled = [bool(spec.covariates) and parameter == "covariate" for parameter in table["kind"]]
    same = ~np.array(moved) & ~np.array(scaled)
    estimates, errors = (np.array([each[what] or np.nan for each in theirs.values()]) for what in ("estimate", "se"))
    np.testing.assert_allclose(table["estimate"][same], estimates[same], atol=2e-5)
    known = same & ~np.isnan(errors)
    assert known.any()
    np.testing.assert_allclose(table["se"][known], errors[known], rtol=0.04 if key in ERRORS_AT_FAULT else 1e-3)
    z = known_ratios(table, estimates, errors, scaled)
    np.testing.assert_allclose(z[0], z[1], rtol=1e-3, atol=1e-4)
    lavaan = want.get("lavaan") or {}
    for name, ours in (("chisq", found.chi_square), ("srmr", found.srmr)):
        if isinstance(lavaan.get(name), int | float):
            assert ours == pytest.approx(lavaan[name], abs=1e-3 if name == "chisq" else 1e-5), name
    for name, ours in (("cfi", found.cfi), ("rmsea", found.rmsea)):
        if isinstance(lavaan.get(name), int | float):
            assert ours == pytest.approx(lavaan[name], abs=1e-5), name


def estimates_of(want):
    """Estimates and standard errors by the names of our table, groups before the names."""
    found = dict(want.get("estimates") or {})
    for group, estimates in (want.get("estimates by group") or {}).items():
        found |= {f"{group}: {name}": each for name, each in estimates.items()}
    return found


def known_ratios(table, estimates, errors, chosen):
    """z of effects of covariates, which do not depend on the covariate's unit."""
    chosen = np.array(chosen) & ~np.isnan(errors)
    return table["z"].to_numpy()[chosen], (estimates / errors)[chosen]
