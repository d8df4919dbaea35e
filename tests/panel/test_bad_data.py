import numpy as np
import pandas as pd
import pytest

from alliance_bayes.basics.problems import PanelError
from alliance_bayes.panel import Panel


def long(**changes):
    """Three persons at three times, with `changes` to its columns."""
    frame = pd.DataFrame(
        {
            "id": ["P1", "P1", "P1", "P2", "P2", "P2", "P3", "P3", "P3"],
            "month": [0, 6, 12] * 3,
            "doctor": [1, 0, 1, 0, 1, 1, 1, 1, 0],
            "alliance": [4.0, None, 3.0, None, 5.0, 4.0, 2.0, 3.0, None],
            "days": [10, 20, 30, 5, 15, 25, 0, 30, 20],
        }
    )
    return frame.assign(**changes)


def wide(**changes):
    """Three persons with x, y and a doctor at 0 and 6, with `changes` to its columns."""
    frame = pd.DataFrame(
        {
            "id": ["P1", "P2", "P3"],
            "x0": [1.0, 2.0, 3.0],
            "x6": [2.0, 2.0, 5.0],
            "y0": [7.0, 9.0, 8.0],
            "y6": [1.0, 0.0, 1.0],
            "d0": [1, 0, 1],
            "d6": [1, 1, 1],
        }
    )
    return frame.assign(**changes)


def of_long(frame=None, **options):
    options = {"person": "id", "time": "month", "measures": ["alliance", "days"]} | options
    return Panel.from_long(long() if frame is None else frame, **options)


def of_wide(frame=None, **options):
    options = {"measures": {"x": ["x0", "x6"], "y": ["y0", "y6"]}, "times": [0, 6], "person": "id"} | options
    return Panel.from_wide(wide() if frame is None else frame, **options)


def of_moments(**options):
    table = {"measures": ["x", "y"], "times": [0, 6], "n": 50, "means": [[1, 2], [3, 4]], "covariance": COVARIANCE}
    return Panel.from_moments(**(table | options))


REQUIRES = {"alliance": "doctor"}
LABELS = ["w1", "w2", "w3"] * 3
COVARIANCE = np.eye(4) + 0.2
NINE_IDS = list("ABCDEFGHI")

# What is wrong, how to ask for it, and the problems that the message lists, in full.

CURE = "If it is the window or exposure of another measure, give that number to its family."
LONG = {
    "not a data frame": (
        lambda: of_long([1, 2]),
        "Got a value of type list; pass a data frame of pandas, Polars or PyArrow, or the path of a .csv, .xlsx, "
        ".parquet, .sav or .dta file.",
    ),
    "no rows": (
        lambda: of_long(pd.DataFrame({"id": []})),
        "There are 0 rows and 1 columns, so there are no values.",
    ),
    "misspelt measure": (
        lambda: of_long(measures=["aliance", "days"]),
        "No column 'aliance'; did you mean 'alliance'? Columns: 'id', 'month', 'doctor', 'alliance', 'days'.",
    ),
    "columns used twice": (
        lambda: of_long(measures=["days", "days", "id"]),
        "Column 'id' is used 2 times: as person and as measure.",
        "Column 'days' is used 2 times: as measure and as measure.",
    ),
    "repeated column label": (
        lambda: of_long(pd.concat([long(), long()[["days"]]], axis=1)),
        "Column 'days' occurs 2 times in the data; keep one, or rename the others.",
    ),
    "no measures": (
        lambda: of_long(measures=[]),
        "No measures; name at least one column, such as measures=['alliance', 'days'].",
    ),
    "text for a list": (
        lambda: of_long(measures="days"),
        "measures is the text 'days'; pass a list, measures=['days'].",
    ),
    "measures that cannot be names": (
        lambda: of_long(long(**{"x -> y": 1.0, "person": 2}), measures=["x -> y", "person", 3]),
        "The measure 'x -> y' holds '->', which is kept for lagged effects; rename that column.",
        "A measure cannot be named 'person', which `Panel.to_frame` needs; rename that column.",
        "The measure 3 is not a name; rename that column to a text.",
    ),
    "missing ids": (
        lambda: of_long(long(id=["P1", None, "P1", "P2", None, "P2", "P3", "P3", "P3"])),
        "The person, 'id', is missing in 2 rows, positions 1, 4 (counted from 0). Every row must say whose it is.",
    ),
    "whole numbers that lose digits": (
        lambda: of_long(long(days=[2**60 + 1, *range(8)])),
        "'days' holds 1152921504606846977, and whole numbers beyond 2^53 are rounded; subtract a constant or divide.",
    ),
    "repeated cells": (
        lambda: of_long(long(month=[0, 0, 12, 6, 6, 6, 0, 6, 12])),
        "Repeated (id, month) cells: 2, first ('P1', 0) x2, ('P2', 6) x3. One row must be one person at "
        "one time; average or drop the extra rows.",
    ),
    "text for times": (
        lambda: of_long(long(month=LABELS)),
        "'month' holds text such as 'w1', which has no distance. Make it a number, or say what each label"
        " means, times={'w1': ..., 'w2': ...}.",
    ),
    "label not in the data": (
        lambda: of_long(long(month=LABELS), times={"w1": 0, "w9": 6}),
        "times asks for 'w9', where the data have no rows. Times in the data: 'w1', 'w2', 'w3'.",
    ),
    "label without a number": (
        lambda: of_long(long(month=LABELS), times={"w1": 0, "w2": "six"}),
        "times must map each label to a number, such as {'w1': 0, 'w2': 6}; got {'w1': 0, 'w2': 'six'}.",
    ),
    "two labels for one time": (
        lambda: of_long(long(month=LABELS), times={"w1": 0, "w2": 0}),
        "times must increase, each given once; got [0, 0].",
    ),
    "missing time": (
        lambda: of_long(long(month=[0, None, 12, 0, 6, 12, 0, 6, 12])),
        "'month' is missing in 1 row, position 1 (counted from 0). Every row must say when it was.",
    ),
    "infinite time": (
        lambda: of_long(long(month=[0, np.inf, 12, 0, 6, 12, 0, 6, 12])),
        "'month' holds infinite times; correct or remove those rows.",
    ),
    "dates for times": (
        lambda: of_long(long(month=pd.to_datetime(["2020-01-05", "2020-07-06", "2021-01-09"] * 3))),
        "'month' holds dates such as 2020-01-05, and times shared by all are needed. Say what they are counted from: "
        "dates_from='person' (each person's first date) or dates_from='all' (the first of all), with "
        "time_unit='months'. The formula, for date = pd.to_datetime(frame['month']), with dayfirst=True where the day "
        "comes before the month, and months: "
        "(date - date.groupby(frame[person]).transform('min')).dt.days / 30.4375, or "
        "(date - date.min()).dt.days / 30.4375. Dates of waves also need their planned times, times=[0, 6, 12], the "
        "nearest of which each becomes.",
    ),
    "times that differ by rounding": (
        lambda: of_long(long(month=[0, 0.3, 12, 0, 0.1 * 3, 12, 0, 0.3, 12])),
        "The times 0.3 and 0.30000000000000004 differ only by rounding; write frame['month'] = "
        "frame['month'].round(6).",
    ),
    "times out of order": (
        lambda: of_long(times=[0, 12, 6]),
        "times must increase, each given once; got [0, 12, 6].",
    ),
    "times repeated": (
        lambda: of_long(times=[0, 6, 6]),
        "times must increase, each given once; got [0, 6, 6].",
    ),
    "time not in the data": (
        lambda: of_long(times=[0, 9]),
        "times asks for 9, where the data have no rows. Times in the data: 0, 6, 12.",
    ),
    "times as text": (
        lambda: of_long(times=["w1", "w2"]),
        "times must be a list of numbers in real units, such as times=[0, 6, 12]; got ['w1', 'w2'].",
    ),
    "one time in the data": (
        lambda: of_long(long(month=6, id=NINE_IDS)),
        "There is only one time (6); a panel needs at least two.",
    ),
    "one time asked for": (
        lambda: of_long(times=[6]),
        "There is only one time (6); a panel needs at least two.",
    ),
    "a time of one's own for everybody": (
        lambda: of_long(
            pd.DataFrame(
                {
                    "id": np.repeat(np.arange(50), 3),
                    "month": np.arange(150),
                    "alliance": np.arange(150.0) % 7,
                    "days": np.arange(150),
                }
            )
        ),
        "'month' has 150 different values in 150 rows: dates of single people rather than times shared by"
        " all. Round it to the planned interviews.",
    ),
    "text in a measure": (
        lambda: of_long(long(days=["10", "n/a", "30", None, "?", "5", "6", "7", "9"])),
        "'days' holds text where numbers are expected: 2, first 'n/a' ('P1', 6), '?' ('P2', 6). A code "
        "for a missing answer is named in missing=['n/a'], a decimal comma in decimal=','.",
    ),
    "numbers stored as text": (
        lambda: of_long(long(days=list("123456789"))),
        "'days' holds numbers stored as text or objects; write pd.to_numeric(frame['days']).",
    ),
    "true and false in a measure": (
        lambda: of_long(long(days=[True, False, True] * 3)),
        "'days' holds True and False; if 1 and 0 are meant, write frame['days'].astype(float).",
    ),
    "categories in a measure": (
        lambda: of_long(long(days=pd.Categorical(["low", "high", "low"] * 3))),
        "'days' is categorical ('high', 'low'); give each category its number, frame['days'].map({...}).astype(float).",
    ),
    "dates in a measure": (
        lambda: of_long(long(days=pd.to_datetime("2020-01-01"))),
        "'days' is datetime64[us], not a number; make it a number in real units.",
    ),
    "infinite values": (
        lambda: of_long(long(days=[np.inf, 1, 2, 3, -np.inf, 5, 6, 7, 8])),
        "'days' must hold finite numbers, or be missing; others: 2, first inf ('P1', 0), -inf ('P2', 6).",
    ),
    "constant measure": (
        lambda: of_long(long(days=30)),
        "'days' is 30 in every cell: a measure without differences between persons cannot be modelled. " + CURE,
    ),
    "measure the same for all": (
        lambda: of_long(long(days=[1, 2, 3] * 3)),
        "'days' is the same for all at each time: a measure without differences between persons cannot be modelled. "
        + CURE,
    ),
    "measure never observed": (
        lambda: of_long(long(days=np.nan)),
        "'days' has no value at any time; leave it out of the measures.",
    ),
    "measure not observed at one time": (
        lambda: of_long(long(days=[1, 2, None, 3, 4, None, 5, 6, None])),
        "'days' has no value at time 12, so its mean there cannot be estimated. Leave such times out, "
        "times=[0, 6], or leave the measure out.",
    ),
    "measure observed at one time only": (
        lambda: of_long(long(days=[1, None, None, 3, None, None, 5, None, None])),
        "'days' has no value at times 6, 12, so its mean there cannot be estimated. Leave the measure out.",
    ),
    "state with other codes": (
        lambda: of_long(long(doctor=[1, 2, 1, 2, 1, 1, 9, 1, 0]), requires=REQUIRES),
        "'doctor' is a state and must be 1 (on), 0 (off) or missing; others: 3, first 2 ('P1', 6), 2 "
        "('P2', 0), 9 ('P3', 0).",
    ),
    "state as text": (
        lambda: of_long(long(doctor=["yes", "no", None] * 3), requires=REQUIRES),
        "'doctor' holds text where numbers are expected: 6, first 'yes' ('P1', 0), 'no' ('P1', 6), 'yes' "
        "('P2', 0). Make it 1 and 0.",
    ),
    "state never observed": (
        lambda: of_long(long(doctor=np.nan), requires=REQUIRES),
        "The state 'doctor' is never observed; leave it out of requires, or correct the column.",
    ),
    "state of an unknown measure": (
        lambda: of_long(requires={"aliance": "doctor"}),
        "requires names 'aliance', which is not a measure; did you mean 'alliance'? Measures: 'alliance', 'days'.",
    ),
    "unknown state": (
        lambda: of_long(requires={"alliance": "docter"}),
        "No column 'docter'; did you mean 'doctor'? Columns: 'id', 'month', 'doctor', 'alliance', 'days'.",
    ),
    "states as a list": (
        lambda: of_long(requires=["alliance"]),
        "requires must map a measure to its state, such as requires={'alliance': 'regular_doctor'}.",
    ),
    "values where the state is off": (
        lambda: of_long(long(doctor=[0, 0, 1, 0, 0, 0, 0, 1, 0]), requires=REQUIRES),
        "4 values of 'alliance' although the state 'doctor' is 0, first ('P1', 0), ('P2', 6), ('P2', 12)."
        " Say which is right: contradictions='drop_value' removes the values, contradictions='state_on' "
        "keeps them and sets the state to 1; contradictions='refuse', the default, leaves the correction "
        "to you.",
    ),
    "unknown decision": (
        lambda: of_long(requires=REQUIRES, contradictions="drop"),
        "contradictions='drop' is not a choice. Use 'refuse', 'drop_value' or 'state_on'.",
    ),
    "interviews with other codes": (
        lambda: of_long(long(seen=[1, 0, 2] * 3), interviewed="seen"),
        "'seen' must be 1 (interviewed) or 0 (not) in every row; others: 3, first 2 ('P1', 12), 2 ('P2', "
        "12), 2 ('P3', 12).",
    ),
    "answers without an interview": (
        lambda: of_long(long(seen=[1, 0, 1] * 3), interviewed="seen"),
        "3 interviews are marked as not held although something was answered, first ('P1', 6), ('P2', 6),"
        " ('P3', 6). Correct the mark or the answers.",
    ),
    "nobody seen twice": (
        lambda: of_long(long(id=NINE_IDS)),
        "No person has values at two times or more, so change within persons cannot be estimated."
        " Check that the same person has the same id at all times.",
    ),
}

WIDE = {
    "too few columns": (
        lambda: of_wide(measures={"x": ["x0", "x6"], "y": ["y0"]}),
        "'y' has 1 column for 2 times; name one for each.",
    ),
    "measures as a list": (
        lambda: of_wide(measures=["x0", "x6"]),
        "measures must map each measure to its columns, one for each time, such as measures={'alliance': "
        "['alliance_0', 'alliance_6']}.",
    ),
    "unknown column": (
        lambda: of_wide(measures={"x": ["x0", "x7"]}),
        "No column 'x7'. Columns: 'id', 'x0', 'x6', 'y0', 'y6', 'd0', 'd6'.",
    ),
    "column of two measures": (
        lambda: of_wide(measures={"x": ["x0", "x6"], "y": ["x0", "y6"]}),
        "Column 'x0' is used 2 times: as 'x' and as 'y'.",
    ),
    "repeated persons": (
        lambda: of_wide(wide(id=["P1", "P1", "P2"]), person="id"),
        "Repeated persons (id): 1, first 'P1' x2. One row must be one person; average or drop the extra rows.",
    ),
    "state without columns": (
        lambda: of_wide(requires={"x": "doctor"}),
        "requires names the state 'doctor', of which nothing is given; add states={'doctor': ...}.",
    ),
    "state nobody requires": (
        lambda: of_wide(states={"doctor": ["d0", "d6"]}),
        "No measure requires the state 'doctor'; name it in requires, or leave it out.",
    ),
    "text in a column": (
        lambda: of_wide(wide(x6=["a", None, "3"]), person="id"),
        "'x6' holds text where numbers are expected: 1, first 'a' ('P1', 6). A code for a missing answer is "
        "named in missing=['a'], a decimal comma in decimal=','.",
    ),
    "one time": (
        lambda: of_wide(times=[0]),
        "There is only one time (0); a panel needs at least two.",
    ),
    "value where the state is off": (
        lambda: of_wide(person="id", requires={"x": "doctor"}, states={"doctor": ["d0", "d6"]}),
        "1 value of 'x' although the state 'doctor' is 0, first ('P2', 0). Say which is right: "
        "contradictions='drop_value' removes the values, contradictions='state_on' keeps them and sets "
        "the state to 1; contradictions='refuse', the default, leaves the correction to you.",
    ),
}

MOMENTS = {
    "wrong shapes": (
        lambda: of_moments(means=[1, 2, 3], covariance=np.eye(3)),
        "means has shape (3,); expected (2, 2) or (4,), wave by wave (x1, y1, x2, y2, ...).",
        "covariance has shape (3, 3); expected (4, 4), wave by wave (x1, y1, x2, y2, ...).",
    ),
    "asymmetric": (
        lambda: of_moments(covariance=COVARIANCE + np.triu(np.ones((4, 4)), 3)),
        "The covariance is not symmetric: x at 0 with y at 6 is 1.2 above the diagonal and 0.2 below it. "
        "Correct one of the two.",
    ),
    "one triangle": (
        lambda: of_moments(covariance=np.tril(COVARIANCE)),
        "The covariance is not symmetric: x at 0 with y at 0 is 0 above the diagonal and 0.2 below it. "
        "Fill in the other triangle: matrix + matrix.T - numpy.diag(numpy.diag(matrix)).",
    ),
    "not positive definite": (
        lambda: of_moments(
            covariance=None,
            correlation=[[1, 0.9, 0.9, 0], [0.9, 1, -0.9, 0], [0.9, -0.9, 1, 0], [0, 0, 0, 1]],
            sds=[1, 1, 1, 1],
        ),
        "The correlations contradict one another: their matrix has the eigenvalue -0.8 and is not "
        "positive definite. Look for a misprint, or use more decimals.",
    ),
    "too few persons": (
        lambda: of_moments(n=4),
        "n is 4, but 4 measures x times have a covariance matrix of full rank only with more than 4 persons.",
    ),
    "half a person": (
        lambda: of_moments(n=50.5),
        "n must be a whole number of persons; got 50.5.",
    ),
    "missing mean": (
        lambda: of_moments(means=[[1, np.nan], [3, 4]]),
        "means has missing or infinite entries: 1, first [0, 1].",
    ),
    "no covariance": (
        lambda: of_moments(covariance=None),
        "No covariance: pass covariance=..., or both correlation=... and sds=...",
    ),
    "two forms at once": (
        lambda: of_moments(sds=[1, 1, 1, 1]),
        "Both a covariance and a correlation or sds are given; pass one of the two forms.",
    ),
    "covariances as correlations": (
        lambda: of_moments(covariance=None, correlation=COVARIANCE, sds=[1, 1, 1, 0]),
        "The SD of y at 6 is 0; SDs must be above 0.",
        "The correlation of x at 0 with itself is 1.2, not 1; pass covariances as covariance=...",
    ),
    "variance of zero": (
        lambda: of_moments(covariance=np.diag([1, 1, 0, 1])),
        "The variance of x at 6 is 0; variances must be above 0.",
    ),
    "names, times and divisor": (
        lambda: of_moments(divisor="N", times=[6, 0], measures=["x", "x"]),
        "The measure 'x' is named 2 times.",
        "times must increase, each given once; got [6, 0].",
        "divisor='N' is not a choice; use 'n-1' (as in most tables) or 'n'.",
    ),
    "text for means": (
        lambda: of_moments(means=["a", "b", "c", "d"]),
        "means must be numbers of shape (2, 2) or (4,), wave by wave.",
    ),
}


def message(heading, problems):
    count = f"{len(problems)} problem" + ("s" if len(problems) > 1 else "")
    return "\n".join([f"{heading}. {count}:", *(f"  {i}. {text}" for i, text in enumerate(problems, start=1))])


def assert_refused(make, heading, problems):
    with pytest.raises(PanelError) as error:
        make()
    assert str(error.value) == message(heading, problems)


@pytest.mark.parametrize("name", LONG)
def test_long_frames_are_refused_with_every_reason(name):
    make, *problems = LONG[name]
    assert_refused(make, "data frame is not yet a panel of id by month", problems)


@pytest.mark.parametrize("name", WIDE)
def test_wide_frames_are_refused_with_every_reason(name):
    make, *problems = WIDE[name]
    assert_refused(make, "data frame is not yet a panel of id by time", problems)


@pytest.mark.parametrize("name", MOMENTS)
def test_published_moments_are_refused_with_every_reason(name):
    make, *problems = MOMENTS[name]
    assert_refused(make, "The published moments are not yet a panel", problems)


ARRAYS = {
    "wrong shapes": (
        lambda: Panel.from_arrays(
            np.zeros((5, 3, 2)), measures=["x"], times=[0, 1, 2], requires={"x": "on"}, states={"on": np.ones((5, 2))}
        ),
        "values has shape (5, 3, 2); expected (5, 3, 1), (person, time, measure).",
        "the state 'on' has shape (5, 2); expected (5, 3), (person, time).",
    ),
    "unsorted persons": (
        lambda: Panel.from_arrays(np.zeros((3, 2, 1)), measures=["x"], times=[0, 1], persons=[2, 1, 3]),
        "persons must be in sorted order, each once; sort them and the arrays.",
    ),
    "infinite values and other codes": (
        lambda: Panel.from_arrays(
            [[[1.0], [np.inf]], [[2.0], [3.0]]],
            measures=["x"],
            times=[0, 6],
            requires={"x": "on"},
            states={"on": [[1, 1], [1, 2]]},
        ),
        "'x' must hold finite numbers, or be missing; others: 1, first inf (0, 6).",
        "'on' is a state and must be 1 (on), 0 (off) or missing; others: 1, first 2 (1, 6).",
    ),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_are_refused_with_every_reason(name):
    make, *problems = ARRAYS[name]
    assert_refused(make, "arrays are not yet a panel", problems)


def test_all_problems_of_a_file_come_in_one_message(tmp_path):
    path = tmp_path / "clinic.csv"
    long(month=LABELS, doctor=[7] * 9, days=["x", *range(8)]).to_csv(path, index=False)
    with pytest.raises(PanelError) as error:
        Panel.from_long(
            path,
            person="patient",
            time="month",
            measures=["aliance", "days"],
            requires={"days": "doctor"},
            contradictions="keep",
        )
    assert str(error.value) == (
        "clinic.csv is not yet a panel of patient by month. 6 problems:\n"
        "  1. contradictions='keep' is not a choice. Use 'refuse', 'drop_value' or 'state_on'.\n"
        "  2. No column 'patient'. Columns: 'id', 'month', 'doctor', 'alliance', 'days'.\n"
        "  3. No column 'aliance'; did you mean 'alliance'? Columns: 'id', 'month', 'doctor', 'alliance', 'days'.\n"
        "  4. 'month' holds text such as 'w1', which has no distance. Make it a number, or say what each label means, "
        "times={'w1': ..., 'w2': ...}.\n"
        "  5. 'days' holds text where numbers are expected: 1, first 'x' in row 0. A code for a missing answer "
        "is named in missing=['x'], a decimal comma in decimal=','.\n"
        "  6. 'doctor' is a state and must be 1 (on), 0 (off) or missing; others: 9, first 7 in row 0, 7 in row 1, "
        "7 in row 2."
    )
