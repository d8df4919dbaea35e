"""Rows of a regression: chosen, centred, split; and outcomes that hold their own predictors."""

import numpy as np
import pandas as pd
import pytest

import alliance_bayes as ab
from alliance_bayes.causal.rows import complete_rows

STUDY = ab.sponsor_study(seed=2).frame


def regression(**changes):
    options = {
        "outcomes": ["percent_days_abstinent"],
        "exposures": ["alliance"],
        "formula": "time + alliance + age",
        "times": [3, 6, 12],
        "time_zero": 3,
        "time_step": 3,
        "rows_with": "sponsor",
    }
    return ab.RandomInterceptRegression(**(options | changes))


def test_rows_are_complete_and_of_the_times_and_state_asked_for():
    rows = complete_rows(regression(), STUDY)["percent_days_abstinent"]
    wanted = STUDY[(STUDY["time"] > 0) & (STUDY["sponsor"] == 1)].dropna(subset=["alliance"])
    assert rows.index.equals(wanted.index)
    assert sorted(rows["time"].unique()) == [0, 1, 3]


def test_exposures_are_centred_and_split():
    rows = complete_rows(regression(), STUDY)["percent_days_abstinent"]
    original = STUDY.loc[rows.index, "alliance"]
    np.testing.assert_allclose(rows["alliance"], original - original.mean())
    np.testing.assert_allclose(rows["alliance_within"] + rows["alliance_between"], rows["alliance"])
    by_person = rows.groupby("person")
    np.testing.assert_allclose(by_person["alliance_within"].sum(), 0, atol=1e-9)
    assert (by_person["alliance_between"].max() - by_person["alliance_between"].min()).max() < 1e-12


PART_WHOLE = (
    "The outcome 'involvement' holds an item on '{}', which is in the formula: their association is partly arithmetic. "
    "Use an index without that item, or leave '{}' out of the formula."
)


@pytest.mark.parametrize(("exposure", "rows_with"), [("sponsor", None), ("contact", "sponsor"), ("contact", None)])
def test_an_index_with_an_item_on_the_exposure_is_refused_by_arithmetic(exposure, rows_with):
    asked = regression(
        outcomes=["involvement"], exposures=[exposure], formula=f"time + {exposure}", rows_with=rows_with
    )
    with pytest.raises(ab.SpecError) as error:
        ab.association(asked, STUDY, seed=1)
    assert error.value.problems == (PART_WHOLE.format(exposure, exposure),)


def test_an_adjustment_counts_as_well():
    asked = regression(outcomes=["involvement"], formula="time + alliance + contact")
    with pytest.raises(ab.SpecError) as error:
        complete_rows(asked, STUDY)
    assert error.value.problems == (PART_WHOLE.format("contact", "contact"),)


def test_an_index_without_these_items_is_taken():
    asked = regression(
        outcomes=["involvement_without_sponsor"], exposures=["sponsor"], formula="time + sponsor", rows_with=None
    )
    assert len(complete_rows(asked, STUDY)["involvement_without_sponsor"]) > 500


def test_declared_parts_are_refused_without_data():
    with pytest.raises(ab.SpecError) as error:
        ab.RandomInterceptRegression(
            ["involvement"], ["sponsor"], "time + sponsor", parts={"involvement": ["sponsor", "contact"]}
        )
    assert error.value.problems == (PART_WHOLE.format("sponsor", "sponsor"),)


def test_columns_that_are_not_there_are_all_named():
    asked = regression(formula="time + alliance + agee", rows_with="sponser")
    with pytest.raises(ab.SpecError) as error:
        complete_rows(asked, STUDY[["person", "time", "sponsor", "alliance", "age", "percent_days_abstinent"]])
    columns = "Columns: 'person', 'time', 'sponsor', 'alliance', 'age', 'percent_days_abstinent'."
    assert error.value.problems == (
        f"No column 'sponser'; did you mean 'sponsor'? {columns}",
        f"No column 'agee'; did you mean 'age'? {columns}",
    )


def test_unusable_columns_and_too_few_persons_are_refused():
    few = STUDY[STUDY["person"] <= 6]
    with pytest.raises(ab.SpecError, match="at least 10 persons are needed, and some of them twice"):
        complete_rows(regression(), few)
    with pytest.raises(ab.SpecError, match="'education' is not numeric; code it as numbers, a state as 1 and 0"):
        complete_rows(regression(exposures=["education"], formula="time + education"), STUDY)
    taken = STUDY.assign(alliance_within=1.0)
    with pytest.raises(ab.SpecError, match="The data already have 'alliance_within', names that the split creates"):
        complete_rows(regression(), taken)
    with pytest.raises(ab.SpecError, match="The exposure 'sponsor' does not vary over the rows of"):
        complete_rows(regression(exposures=["sponsor"], formula="time + sponsor"), STUDY)
    assert isinstance(few, pd.DataFrame)
