"""Models that a panel cannot identify are refused in words, with every reason at once."""

import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.basics.problems import SpecError
from alliance_bayes.engine.identification import check_spec_against_panel
from alliance_bayes.panel import Panel
from alliance_bayes.spec.models import CLPM, RICLPM
from helpers import measure_names, random_panel

RI_HEADING = "This random-intercept cross-lagged panel model cannot be fitted to this panel. "


def panel(times, n_measures=2, **options):
    return random_panel(n_measures, times, np.random.default_rng(1), **options)


def refusal(spec, data):
    with pytest.raises(SpecError) as caught:
        check_spec_against_panel(spec, data)
    return str(caught.value)


@pytest.mark.parametrize("n_measures", [2, 3])
@pytest.mark.parametrize(
    ("model", "times"), [(RICLPM, (0, 1, 2)), (RICLPM, (0, 6, 12, 18)), (CLPM, (0, 1)), (CLPM, (0, 1, 2))]
)
def test_what_is_identified_is_not_refused(model, times, n_measures):
    check_spec_against_panel(model(measure_names(n_measures)), panel(times, n_measures))


@pytest.mark.parametrize("lags", ["equal", "free", "grid"])
def test_unequal_intervals_are_fine_once_lags_are_typed(lags):
    check_spec_against_panel(RICLPM(["alliance", "days"], lags=lags), panel((3, 6, 12)))


def test_two_waves_are_too_few_for_random_intercepts():
    assert refusal(RICLPM(["alliance", "days"]), panel((0, 6))) == (
        RI_HEADING + "1 problem:\n"
        "  1. A random-intercept cross-lagged panel model needs at least 3 waves; there are 2. With two, stable "
        "differences between people and carry-over within them cannot be distinguished. Add a wave, or ask a CLPM and "
        "read it as not separating the two."
    )


@pytest.mark.parametrize(("model", "times"), [(RICLPM, (3, 6, 12)), (CLPM, (3, 6, 12)), (CLPM, (0, 0.5, 2, 2.5))])
def test_unequal_intervals_with_lags_left_open(model, times):
    lengths = ", ".join(f"{length:g}" for length in np.diff(times))
    assert refusal(model(["alliance", "days"]), panel(times)) == (
        f"This {model.title} cannot be fitted to this panel. 1 problem:\n"
        f"  1. The intervals between waves are unequal ({lengths}), so one lagged effect for all of them has no single "
        "meaning. Choose lags='grid' (one effect per base step), lags='continuous' (one drift), lags='free' (one per "
        "interval), or give lags='equal' to accept this."
    )


@pytest.mark.parametrize(("times", "lengths"), [((0, 1, 42), "1, 41"), ((0, 1, 1 + np.sqrt(2)), "1, 1.414213562")])
def test_a_grid_of_too_many_steps_or_of_none(times, lengths):
    assert refusal(RICLPM(["alliance", "days"], lags="grid"), panel(times)) == (
        RI_HEADING + "1 problem:\n"
        "  1. lags='grid' needs intervals that are whole multiples of a common step, at most 40 steps from the first "
        f"wave to the last; the intervals are {lengths}. Use lags='free' or "
        "'continuous'."
    )


def test_forty_steps_are_not_too_many():
    check_spec_against_panel(RICLPM(["alliance", "days"], lags="grid"), panel((0, 1, 40)))


def test_a_measure_the_panel_does_not_have():
    assert refusal(CLPM(["aliance", "days"]), panel((0, 6, 12), 3)) == (
        "This cross-lagged panel model cannot be fitted to this panel. 1 problem:\n"
        "  1. The panel has no measure 'aliance'; did you mean 'alliance'? Measures: 'alliance', 'days', 'contact'."
    )


def with_state():
    """Alliance exists only while a sponsor does."""
    values = np.random.default_rng(2).normal(size=(20, 3, 2))
    sponsor = np.ones((20, 3))
    sponsor[:5, 1] = 0
    values[:5, 1, 0] = np.nan
    return Panel.from_arrays(
        values,
        measures=["alliance", "days"],
        times=[0, 1, 2],
        requires={"alliance": "sponsor"},
        states={"sponsor": sponsor},
    )


def test_a_measure_that_need_not_exist():
    assert refusal(RICLPM(["alliance", "days"]), with_state()) == (
        RI_HEADING + "1 problem:\n"
        "  1. 'alliance' exists only while 'sponsor' is on, and this model has no states. Give "
        "state=ab.State('sponsor', required_by=['alliance']) to model it, or pass nonexistent='as_missing' to treat "
        "values that do not exist as unseen, which answers print among their assumptions."
    )


def test_a_measure_that_need_not_exist_taken_as_unseen():
    spec = RICLPM(["alliance", "days"], nonexistent="as_missing")
    check_spec_against_panel(spec, with_state())
    assert spec.assumptions[1] == (
        "A measure that does not exist for a person at a wave (its state is off) is treated as existing but unseen, "
        "missing at random."
    )


def never_together():
    """Alliance of the first ten people, days of the other ten."""
    values = np.random.default_rng(3).normal(size=(20, 3, 2))
    values[:10, :, 1] = np.nan
    values[10:, :, 0] = np.nan
    return Panel.from_arrays(values, measures=["alliance", "days"], times=[0, 1, 2])


def test_nobody_seen_on_both_ends_of_an_effect():
    assert refusal(RICLPM(["alliance", "days"]), never_together()) == (
        RI_HEADING + "2 problems:\n"
        "  1. Nobody has 'days' and one wave later 'alliance', so 'days -> alliance' has no data at all.\n"
        "  2. Nobody has 'alliance' and one wave later 'days', so 'alliance -> days' has no data at all."
    )


def test_an_effect_that_is_not_in_the_model_needs_no_data():
    check_spec_against_panel(
        RICLPM(["alliance", "days"], remove=["alliance -> days", "days -> alliance"]), never_together()
    )


def test_nobody_seen_on_both_ends_of_one_interval():
    values = np.random.default_rng(4).normal(size=(20, 3, 2))
    values[:10, 1, 0] = np.nan
    values[10:, 2, 1] = np.nan
    data = Panel.from_arrays(values, measures=["alliance", "days"], times=[0, 6, 12])
    assert refusal(RICLPM(["alliance", "days"], lags="free"), data) == (
        RI_HEADING + "1 problem:\n"
        "  1. Nobody has 'alliance' and later 'days' over 6 to 12, so 'alliance -> days' has no data there. Leave that "
        "wave out, or use lags='equal'."
    )
    check_spec_against_panel(RICLPM(["alliance", "days"], lags="equal"), data)
    check_spec_against_panel(RICLPM(["alliance", "days"], lags="free", remove=["alliance -> days"]), data)


def test_every_reason_at_once():
    data = Panel.from_arrays(
        np.random.default_rng(5).normal(size=(20, 2, 3)),
        measures=["alliance", "days", "contact"],
        times=[0, 50.5],
        requires={"alliance": "sponsor", "contact": "sponsor"},
        states={"sponsor": np.ones((20, 2))},
    )
    assert refusal(RICLPM(["alliance", "day", "contact"], lags="grid"), data) == (
        RI_HEADING + "4 problems:\n"
        "  1. The panel has no measure 'day'; did you mean 'days'? Measures: 'alliance', 'days', 'contact'.\n"
        "  2. A random-intercept cross-lagged panel model needs at least 3 waves; there are 2. With two, stable "
        "differences between people and carry-over within them cannot be distinguished. Add a wave, or ask a CLPM and "
        "read it as not separating the two.\n"
        "  3. 'alliance' exists only while 'sponsor' is on, and this model has no states. Give "
        "state=ab.State('sponsor', required_by=['alliance', 'contact']) to model it, or pass nonexistent='as_missing' "
        "to treat values that do not exist as unseen, which answers print among their assumptions.\n"
        "  4. 'contact' exists only while 'sponsor' is on, and this model has no states. Give "
        "state=ab.State('sponsor', required_by=['alliance', 'contact']) to model it, or pass nonexistent='as_missing' "
        "to treat values that do not exist as unseen, which answers print among their assumptions."
    )


@pytest.mark.parametrize("ask", ["fit", "to_pymc", "maximum_likelihood", "log_likelihood"])
def test_every_way_in_asks(ask):
    ways = {
        "fit": lambda spec, data: ab.fit(spec, data, seed=1),
        "to_pymc": ab.to_pymc,
        "maximum_likelihood": ab.maximum_likelihood,
        "log_likelihood": lambda spec, data: ab.log_likelihood(spec, data, {}),
    }
    with pytest.raises(SpecError, match="needs at least 3 waves"):
        ways[ask](RICLPM(["alliance", "days"]), panel((0, 6)))
