"""Families, a state and selections against a panel: what it must hold, and with which values."""

import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.basics.problems import SpecError
from alliance_bayes.engine.identification import check_spec_against_panel
from alliance_bayes.panel import reported_states

M = ["alliance", "days"]
NAMES = ["alliance", "days", "window", "a1", "a2", "helper"]
COMMITMENT = np.random.default_rng(2).normal(size=20)
SPONSOR = np.ones((20, 3))
SPONSOR[:5, 1] = SPONSOR[3:9, 0] = SPONSOR[14:, 2] = 0
SPONSOR[6, 2] = np.nan
SEEN = ab.Selection("interview", on=["days"], effect=ab.Normal(0, 0.5))


def panel_with(*, requires=("alliance",), helper=SPONSOR, covariates=None, **options):
    """Alliance exists only while a sponsor does; a helper is read as a measure."""
    values = np.random.default_rng(1).normal(size=(20, 3, 6))
    values[:, :, 5] = helper
    for name in requires:
        values[SPONSOR != 1, NAMES.index(name)] = np.nan
    return ab.Panel.from_arrays(
        values,
        measures=NAMES,
        times=[0, 6, 12],
        covariates={"commitment": COMMITMENT} | (covariates or {}),
        requires=dict.fromkeys(requires, "sponsor"),
        states={"sponsor": SPONSOR} if requires else None,
        **options,
    )


def problems_of(spec, panel):
    with pytest.raises(SpecError) as caught:
        check_spec_against_panel(spec, panel)
    return list(caught.value.problems)


SPONSORED = ab.State("sponsor", ["alliance"], ["commitment"], ["days"], ["alliance"], ["days"])
ITEMS = {"trust": ab.Items(["a1", "a2"], 5)}


@pytest.mark.parametrize(
    "spec",
    [
        ab.RICLPM(M, state=SPONSORED, families={"days": ab.Days("window")}, selection=[SEEN]),
        ab.CLPM(["trust", "days"], families=ITEMS, covariates={"window": "each_wave"}),
        ab.RICLPM(M, nonexistent="as_missing", state=ab.State("helper", acts_on=["days"])),
    ],
    ids=["everything", "items", "state that only acts"],
)
def test_what_the_panel_holds_is_accepted(spec):
    check_spec_against_panel(spec, panel_with())


def test_a_state_is_read_where_the_panel_holds_it():
    for name in ("sponsor", "helper"):
        np.testing.assert_array_equal(reported_states(name, panel_with()), SPONSOR)


ALTERED = np.where(SPONSOR == 0, 2, SPONSOR)
TOGETHER = [
    (
        ab.RICLPM(M, families={"days": ab.Days("windows")}, nonexistent="as_missing"),
        {},
        "The panel has no measure 'windows'; did you mean 'window'? Measures: 'alliance', 'days', 'window', 'a1', "
        "'a2', 'helper'.",
    ),
    (
        ab.RICLPM(["trust", "days"], families={"trust": ab.Items(["a1", "a3"], 5)}),
        {},
        "The panel has no measure 'a3'. Measures: 'alliance', 'days', 'window', 'a1', 'a2', 'helper'.",
    ),
    (
        ab.RICLPM(M, state=ab.State("sponsors")),
        {"requires": ()},
        "The panel has no state 'sponsors'. States and measures: 'alliance', 'days', 'window', 'a1', 'a2', 'helper'. "
        "Read it as a measure, or name it in requires= where a measure exists only while it is on.",
    ),
    (
        ab.RICLPM(M, state=ab.State("sponsor")),
        {},
        "'alliance' exists only while 'sponsor' is on, and this model's state does not say so. Put 'alliance' in its "
        "required_by.",
    ),
    (
        ab.RICLPM(M, state=ab.State("helper")),
        {},
        "'alliance' exists only while 'sponsor' is on, and this model's only state is 'helper'; name 'sponsor' as its "
        "state instead.",
    ),
    (
        ab.RICLPM(["trust", "days"], families=ITEMS),
        {"requires": ("alliance", "a1")},
        "'a1' exists only while 'sponsor' is on, and this model has no states. Give state=ab.State('sponsor', "
        "required_by=['trust']) to model it, or pass nonexistent='as_missing' to treat values that do not exist as "
        "unseen, which answers print among their assumptions.",
    ),
    (
        ab.DPM(M),
        {},
        "'alliance' exists only while 'sponsor' is on, and this model has no states. Pass nonexistent='as_missing' to "
        "treat values that do not exist as unseen, which answers print among their assumptions.",
    ),
    (
        ab.RICLPM(M, state=ab.State("helper", ["alliance"])),
        {"requires": ()},
        "'alliance' is in required_by of the state 'helper', and the panel does not know that 'alliance' exists only "
        "while it is on. Make the panel with requires={'alliance': 'helper'}, which tells what does not exist from "
        "what is missing.",
    ),
    (
        ab.RICLPM(M, state=ab.State("helper")),
        {"requires": (), "helper": ALTERED},
        "The state 'helper' must be 1 (on) or 0 (off); 17 value(s) are not, such as 2.",
    ),
    (
        ab.RICLPM(M, state=ab.State("helper", first=["comitment"])),
        {"requires": ()},
        "The state's regressions name 'comitment', which is no measure of the model and no covariate of the panel's "
        "persons; did you mean 'commitment'? Measures and covariates: 'alliance', 'days', 'commitment'.",
    ),
    (
        ab.RICLPM(M, state=ab.State("helper", keep=["age"])),
        {"requires": (), "covariates": {"age": np.where(np.arange(20) < 2, np.nan, COMMITMENT)}},
        "The covariate 'age' is missing for 2 people, such as 0, 1. The likelihood is given the covariates, so they "
        "must be complete: leave these people out (of a frame or file, by without_covariates='leave_out'), "
        "impute the covariate, or model it as a measure.",
    ),
    (
        ab.RICLPM(M, state=ab.State("helper", keep=["window"]), covariates={"window": "each_wave"}),
        {"requires": ()},
        "'window' varies over time, and the state's regressions take covariates of persons alone.",
    ),
    (
        ab.RICLPM(M, selection=[SEEN]),
        {"requires": (), "groups": np.repeat(["A", "B"], 10)},
        "The panel has groups ('A', 'B'), and a model with selection describes one population. Make the panel without "
        "group=, or fit each group's, panel.of_group(...).",
    ),
    (
        ab.RICLPM(M, families={"days": ab.Count()}, lags="continuous"),
        {"requires": (), "own_times": np.tile([0.0, 6.0, 12.0], (20, 1))},
        "The panel holds each person's own times, and a model with families uses the planned ones. Make the panel "
        "without own_time=.",
    ),
]


@pytest.mark.parametrize(("spec", "options", "problem"), TOGETHER)
def test_models_that_do_not_fit_a_panel(spec, options, problem):
    assert problems_of(spec, panel_with(**options)) == [problem]


def test_a_state_that_is_always_on_is_refused():
    panel = ab.Panel.from_arrays(
        np.random.default_rng(4).normal(size=(20, 3, 2)),
        measures=M,
        times=[0, 6, 12],
        requires={"alliance": "sponsor"},
        states={"sponsor": np.ones((20, 3))},
    )
    assert problems_of(ab.RICLPM(M, state=ab.State("sponsor", ["alliance"])), panel) == [
        "The state 'sponsor' is on wherever it was reported, so there is nothing to model; leave it out, and make the "
        "panel without requires=."
    ]


def test_moments_are_not_enough():
    panel = ab.Panel.from_moments(n=90, means=np.zeros((3, 2)), covariance=np.eye(6), measures=M, times=[0, 1, 2])
    for option in ({"families": {"days": ab.Count()}}, {"selection": [SEEN]}):
        found = problems_of(ab.RICLPM(M, **option), panel)
        assert found == [
            f"A model with {next(iter(option))} needs each person's values, and this panel holds moments alone."
        ]


def test_nobody_seen_on_both_ends_of_an_effect_on_items():
    values = np.random.default_rng(3).normal(size=(20, 3, 3))
    values[:10, :, 2] = np.nan
    values[10:, :, :2] = np.nan
    panel = ab.Panel.from_arrays(values, measures=["a1", "a2", "days"], times=[0, 1, 2])
    assert problems_of(ab.RICLPM(["trust", "days"], families=ITEMS), panel) == [
        "Nobody has 'days' and one wave later 'trust', so 'days -> trust' has no data at all.",
        "Nobody has 'trust' and one wave later 'days', so 'trust -> days' has no data at all.",
    ]
