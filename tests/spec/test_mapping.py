"""Specs as plain mappings, JSON and TOML, and back again."""

import json

import pytest
import tomlkit

from alliance_bayes.basics.problems import SpecError
from alliance_bayes.spec.mapping import spec_from_mapping, spec_to_mapping
from alliance_bayes.spec.models import CLPM, RICLPM
from alliance_bayes.spec.priors import LKJ, Beta, Normal, Priors
from helpers import every_spec, label, specs_without

SPECS = [
    *every_spec(2),
    *specs_without(3),
    RICLPM(["x", "y"]),
    RICLPM(["x", "y"], nonexistent="as_missing", priors=Priors(icc=Beta(1, 1), cross_lagged=Normal(0, 0.3))),
    CLPM(["Ängste", "Tage ohne Alkohol"], priors=Priors(within_correlation=LKJ(1))),
]


@pytest.mark.parametrize("spec", SPECS, ids=label)
def test_there_and_back(spec):
    mapping = spec_to_mapping(spec)
    assert spec_from_mapping(mapping) == spec
    assert spec_from_mapping(json.loads(json.dumps(mapping))) == spec
    assert spec_from_mapping(tomlkit.parse(tomlkit.dumps(mapping)).unwrap()) == spec


def test_only_what_differs_from_the_defaults_is_written():
    assert spec_to_mapping(RICLPM(["x", "y"])) == {"kind": "riclpm", "measures": ["x", "y"]}
    spec = CLPM(
        ["x", "y"],
        lags="grid",
        residuals="equal",
        means="equal",
        remove=["x->y"],
        nonexistent="as_missing",
        priors=Priors(cross_lagged=Normal(0, 0.3)),
    )
    assert spec_to_mapping(spec) == {
        "kind": "clpm",
        "measures": ["x", "y"],
        "lags": "grid",
        "residuals": "equal",
        "means": "equal",
        "remove": ["x -> y"],
        "nonexistent": "as_missing",
        "priors": {"cross_lagged": {"normal": [0.0, 0.3]}},
    }


@pytest.mark.parametrize(
    ("mapping", "problems"),
    [
        (
            {"kind": "riclm", "measures": ["x", "y"], "lag": "free"},
            [
                "kind must be one of 'riclpm', 'clpm', 'dpm', 'starts', 'lcmsr', "
                "'alt'; got 'riclm'; did you mean 'riclpm'?",
                "No option is called 'lag'; did you mean 'lags'? Options: 'kind', 'measures', 'lags', 'residuals', "
                "'means', 'remove', 'equal', 'lag_2', 'covariates', 'predetermined', 'moderated', 'reliability', "
                "'indicators', 'invariance', 'group_lags', 'equal_across_groups', 'nonexistent', "
                "'families', 'state', 'selection', 'trait_loadings', 'stationary'.",
            ],
        ),
        (
            {"measures": ["x", "y"]},
            ["kind must be one of 'riclpm', 'clpm', 'dpm', 'starts', 'lcmsr', 'alt'; got None."],
        ),
        ({"kind": "clpm"}, ["measures is missing: the names of two or more measures."]),
        (
            {"kind": "clpm", "measures": ["x", "y"], "priors": 3},
            ["[priors] must be a table, such as icc = { beta = [2.0, 2.0] }; got 3."],
        ),
    ],
)
def test_a_mapping_that_cannot_be_read(mapping, problems):
    with pytest.raises(SpecError) as caught:
        spec_from_mapping(mapping)
    count = f"{len(problems)} problem" + ("s" if len(problems) > 1 else "")
    lines = [f"  {number}. {problem}" for number, problem in enumerate(problems, start=1)]
    assert str(caught.value) == "\n".join([f"[model] cannot be read. {count}:", *lines])


def test_a_model_that_cannot_be_meant():
    with pytest.raises(SpecError, match="remove: 'q -> x' names 'q', which is not a measure"):
        spec_from_mapping({"kind": "clpm", "measures": ["x", "y"], "remove": ["q -> x"]})
