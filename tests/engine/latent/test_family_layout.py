"""A panel's values become responses in the right cells, or are refused with every reason."""

import numpy as np
import pytest

from alliance_bayes.basics.problems import PanelError, SpecError
from alliance_bayes.engine.latent.family_layout import (
    family_layout,
    panel_responses,
    sparse_categories,
)
from alliance_bayes.families.count import Count
from alliance_bayes.families.cut_points import PLAIN
from alliance_bayes.families.days import Days
from alliance_bayes.families.items import Items
from alliance_bayes.families.normal import Gaussian
from alliance_bayes.families.ordinal import Ordinal
from alliance_bayes.families.registry import CODES
from alliance_bayes.families.yes_no import YesNo
from alliance_bayes.panel import Panel

NAMES = ["alliance", "days", "window", "visits", "A1", "A2"]
FAMILIES = {"days": Days("window"), "visits": Count(3.0), "trust": Items(["A1", "A2"], 4)}
MEASURES = ["alliance", "days", "visits", "trust"]


def panel_with(changes=()):
    values = np.full((3, 2, 6), np.nan)
    values[:, :, 0] = [[0.5, 1.5], [2.5, 0.1], [0.3, 0.2]]
    values[:, :, 1] = [[0, 30], [7, np.nan], [60, 90]]
    values[:, :, 2] = [[30, 30], [28, 30], [90, 90]]
    values[:, :, 3] = [[2, np.nan], [0, 5], [np.nan, np.nan]]
    values[:, :, 4] = [[1, 4], [np.nan, 2], [3, 3]]
    values[:, :, 5] = [[2, np.nan], [np.nan, 2], [3, 4]]
    for place, value in changes:
        values[place] = value
    return Panel.from_arrays(values, measures=NAMES, times=[0, 6], persons=["P1", "P2", "P3"])


def test_parameters_are_named_after_their_measures():
    layout = family_layout(MEASURES, FAMILIES)
    assert layout.names[:6] == tuple(
        f"{name} days" for name in ("share 1", "share 2", "slope", "intercept", "interior_slope", "precision")
    )
    assert layout.names[9] == "loading A1 trust"
    assert layout.starts == ((), (0,), (6,), (9, 13))
    assert len(layout.names) == len(layout.priors) == len(layout.links) == 17
    slopes = [layout.names[slope] for link, slope in layout.links if link != PLAIN]
    assert slopes == ["slope days"] * 2 + ["loading A1 trust"] * 3 + ["loading A2 trust"] * 3
    assert layout.columns == ("days", "visits", "A1", "A2", "window")


def test_responses_stand_in_their_cells():
    layout = family_layout(MEASURES, FAMILIES)
    found = panel_responses(panel_with(), layout)
    assert len(found.case) == 5 + 3 + 5 + 4
    rows = {(*map(int, row[:4]), *map(float, row[4:])) for row in zip(*found, strict=True)}
    assert len(rows) == len(found.case)
    assert (1, 1, CODES["days"], 0, 7.0, 28.0) in rows
    assert (1, 6, CODES["count"], 6, 5.0, np.log(3.0)) in rows
    assert (0, 7, CODES["ordinal_probit"], 9, 3.0, 4.0) in rows
    assert (2, 7, CODES["ordinal_probit"], 13, 3.0, 4.0) in rows


def test_windows_may_differ_between_waves():
    found = panel_responses(panel_with(), family_layout(["alliance", "days"], {"days": Days([60, 90])}))
    sizes = {
        (int(person), int(position)): size
        for person, position, size in zip(found.case, found.position, found.size, strict=True)
    }
    assert sizes == {(0, 1): 60, (0, 3): 90, (1, 1): 60, (2, 1): 60, (2, 3): 90}


def test_a_family_of_no_measure_is_refused():
    with pytest.raises(SpecError, match=r"No measure 'day'; did you mean 'days'\? Measures: 'alliance', 'days'."):
        family_layout(["alliance", "days"], {"day": YesNo()})


def test_every_value_that_does_not_fit_is_named():
    changes = [((0, 0, 1), 31), ((1, 0, 2), np.nan), ((1, 1, 3), 2.5), ((0, 0, 4), 5), ((2, 0, 4), 0)]
    with pytest.raises(PanelError) as caught:
        panel_responses(panel_with(changes), family_layout(MEASURES, FAMILIES))
    assert caught.value.problems == (
        "'days' has 1 value outside its family, first 7 of 'P2' at 0. Its values need a window that is "
        "a whole number, 2 or more, "
        "wherever they are observed.",
        "'days' has 1 value outside its family, first 31 of 'P1' at 0. Its values must be "
        "whole numbers from 0 to the window.",
        "'visits' has 1 value outside its family, first 2.5 of 'P2' at 6. Its values must be whole numbers, 0 or more.",
        "'A1' has 2 values outside its family, first 5 of 'P1' at 0, 0 of 'P3' at 0. Its values must be "
        "whole numbers from 1 to 4.",
    )


def test_a_measure_that_is_not_there_is_named():
    layout = family_layout(["alliance", "days"], {"days": Days("windows")})
    with pytest.raises(PanelError, match="No measure 'windows'; did you mean 'window'"):
        panel_responses(panel_with(), layout)


def test_sparse_categories_are_told():
    layout = family_layout(["A1", "days"], {"A1": Ordinal(4)})
    assert sparse_categories(panel_responses(panel_with(), layout), layout) == (
        "'A1': fewer than 5 answers in category 1 (1), 2 (1), 3 (2), 4 (1). The cut points beside it rest on "
        "their prior; joining it with its neighbour loses little.",
    )


def test_normal_measures_alone_have_no_responses():
    found = panel_responses(panel_with(), family_layout(["alliance"], {}))
    assert all(len(each) == 0 for each in found)


def with_windows(windows):
    """Days whose window differs between waves, as the specification will take it."""
    family = Days(30)
    object.__setattr__(family, "window", windows)
    return family_layout(["alliance", "days"], {"days": family})


def test_a_window_may_differ_between_waves():
    found = panel_responses(panel_with([((0, 1, 1), 60)]), with_windows((60, 90)))
    assert [*zip(found.position, found.size, strict=True)] == [(1, 60), (3, 90), (1, 60), (1, 60), (3, 90)]


def test_windows_for_other_waves_are_refused():
    with pytest.raises(PanelError) as caught:
        panel_responses(panel_with(), with_windows((30, 30, 30)))
    assert caught.value.problems == ("'days': window has 3 numbers for 2 waves; give one number for each.",)


def test_columns_that_hold_responses_are_told():
    assert family_layout(["alliance"], {"alliance": Gaussian()}).columns == ()
    assert Days("window").columns("days") == ("days",)
    assert Items(["A1", "A2"], 4).columns("trust") == ("A1", "A2")
