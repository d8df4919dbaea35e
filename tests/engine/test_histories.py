"""Possible histories of a state: what is known forces them, what is unknown multiplies them."""

from itertools import groupby
from types import SimpleNamespace

import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.basics.problems import SpecError
from alliance_bayes.engine import histories
from alliance_bayes.engine.histories import KEPT, NEW, OFF, possible_histories
from alliance_bayes.engine.rank import _some_of_every_group

NAN = np.nan
M = ["alliance", "days"]


def panel_with(states, *, alliance=None, days=None, dropped=()):
    """People with these states; alliance wherever the state is told to be on, days everywhere, unless given.

    Two more have the state throughout, so that no wave is empty.
    """
    states = np.vstack([states, np.ones((2, len(states[0])))]).astype(float)
    rng = np.random.default_rng(1)
    values = rng.normal(size=(*states.shape, 2))
    values[states != 1, 0] = NAN
    for place, given in enumerate((alliance, days)):
        if given is not None:
            values[:, :, place] = np.where(np.vstack([given, states[-2:] == 1]), rng.normal(size=states.shape), NAN)
    for person, wave in dropped:
        values[person, wave] = NAN
    times = np.arange(states.shape[1]) * 3.0
    return ab.Panel.from_arrays(
        values, measures=M, times=times, requires={"alliance": "sponsor"}, states={"sponsor": states}
    )


def spec_with(*, same=1.0, required_by=("alliance",), **options):
    return ab.RICLPM(M, lags="equal", state=ab.State("sponsor", required_by, same=same), **options)


def of_each(found):
    """For each person, but for the last two, every history as a tuple, and its probability given in advance."""
    rows = zip(found.person.tolist(), map(tuple, found.state.tolist()), np.exp(found.log_weight), strict=True)
    found = {person: {row: weight for _, row, weight in each} for person, each in groupby(rows, lambda row: row[0])}
    return dict(list(found.items())[:-2])


def test_one_history_where_the_state_is_known_and_both_where_it_is_not():
    panel = panel_with([[1, 0, 1, 1], [0, NAN, 0, 1], [NAN, NAN, 1, 0]])
    found = possible_histories(spec_with(), panel)
    assert (np.diff(found.person) >= 0).all()
    assert found.counted.all()
    assert of_each(found) == {
        0: {(1, 0, 1, 1): 1.0},
        1: {(0, 0, 0, 1): 1.0, (0, 1, 0, 1): 1.0},
        2: {(first, second, 1, 0): 1.0 for first in (0, 1) for second in (0, 1)},
    }


def test_a_value_that_needs_the_state_says_that_it_was_on():
    states = [[1, NAN, NAN, 0], [0, 1, NAN, 1]]
    alliance = np.array([[1, 0, 1, 0], [0, 1, 0, 1]], dtype=bool)
    found = of_each(possible_histories(spec_with(), panel_with(states, alliance=alliance)))
    assert set(found[0]) == {(1, 0, 1, 0), (1, 1, 1, 0)}
    assert set(found[1]) == {(0, 1, 0, 1), (0, 1, 1, 1)}


def test_values_of_what_does_not_require_the_state_say_nothing():
    states = [[1, NAN, 0], [0, 1, NAN]]
    panel = panel_with(states)
    found = of_each(possible_histories(spec_with(), panel))
    assert set(found[0]) == {(1, 0, 0), (1, 1, 0)}
    assert set(found[1]) == {(0, 1, 0), (0, 1, 1)}, "its days at the last wave are seen, and may depend on it"


def test_what_is_kept_is_the_same_or_a_new_one():
    panel = panel_with([[1, 1, 0, 1], [1, NAN, 1, 1], [0, 0, 0, 0]])
    found = of_each(possible_histories(spec_with(same=0.7), panel))
    assert found[0] == pytest.approx({(KEPT, KEPT, OFF, KEPT): 0.7, (KEPT, NEW, OFF, KEPT): 0.3})
    assert found[2] == {(OFF,) * 4: 1.0}
    assert len(found[1]) == 2 + 8
    assert found[1][KEPT, NEW, KEPT, NEW] == pytest.approx(0.3 * 0.7 * 0.3)
    ways = {}
    for history, weight in found[1].items():
        on = tuple(state != OFF for state in history)
        ways[on] = ways.get(on, 0.0) + weight
    assert ways == pytest.approx({(True, False, True, True): 1.0, (True, True, True, True): 1.0})


def test_trailing_unknown_waves_are_left_out_without_selection_and_kept_with_it():
    states = [[1, 0, NAN, NAN], [0, NAN, NAN, NAN], [1, 1, 1, 0], [NAN] * 4]
    dropped = [(0, 2), (0, 3), (1, 2), (1, 3), *((3, wave) for wave in range(4))]
    panel = panel_with(states, dropped=dropped)
    alone = possible_histories(spec_with(), panel)
    assert of_each(alone) == {
        0: {(1, 0, 0, 0): 1.0},
        1: {(0, 0, 0, 0): 1.0, (0, 1, 0, 0): 1.0},
        2: {(1, 1, 1, 0): 1.0},
        3: {(0, 0, 0, 0): 1.0},
    }
    last = {0: 1, 1: 1, 2: 3, 3: -1, 4: 3, 5: 3}
    for person, counted in zip(alone.person, alone.counted, strict=True):
        np.testing.assert_array_equal(counted, np.arange(4) <= last[int(person)])
    selected = possible_histories(spec_with(selection=ab.Selection("interview", before=["days"])), panel)
    assert selected.counted.all()
    counts = {person: len(each) for person, each in of_each(selected).items()}
    assert counts == {0: 4, 1: 8, 2: 1, 3: 16}


def test_too_many_histories_are_refused_before_they_are_listed(monkeypatch):
    n_waves = 30
    states = np.full((3, n_waves), NAN)
    states[:, 0] = [1, 0, 1]
    states[1:, 1:] = 1
    states[2, 3:5] = NAN
    panel = panel_with(states)
    with pytest.raises(SpecError) as caught:
        possible_histories(spec_with(), panel)
    assert str(caught.value) == (
        "The state 'sponsor' leaves 536,870,919 possible histories of 5 people, up to 536870912 of one (0, 2, 1), and "
        "each is summed over; there may be at most 100,000 more than people. Leave out people or waves whose state is "
        "unknown."
    )
    with pytest.raises(SpecError, match=r"whose state is unknown, or use same=1 instead of 0\.5\.$"):
        possible_histories(spec_with(same=0.5), panel)
    monkeypatch.setattr(histories, "MOST_CASES", 2)
    few = panel_with([[1, NAN, NAN, 1], [0, 0, 0, 1]])
    with pytest.raises(SpecError, match="leaves 7 possible histories of 4 people, up to 4 of one"):
        possible_histories(spec_with(), few)


@pytest.mark.parametrize("same", [1.0, 0.6])
def test_as_many_are_counted_as_there_are(same):
    for options in ([-1, 1, -1, 0, -1], [1, 1, 1, 1, 1], [0, -1, -1, -1, 1], [0, 0, 0, 0, 0]):
        row = np.array(options)
        assert histories._how_many(row, same) == len(histories._expanded(row, same))


def test_identification_is_judged_where_the_state_is_kept_at_each_wave_and_over_each_interval():
    kept = {(1, 1, 1, 0, 0), (0, 0, 0, 1, 1), (0, 0, 1, 1, 0)}
    every = [*sorted(kept), (0, 0, 0, 0, 0), (1, 0, 0, 1, 0), (1, 2, 1, 0, 0)]
    chosen = _some_of_every_group([SimpleNamespace(group=0, history=each) for each in every])
    assert {every[place] for place in chosen} == kept
