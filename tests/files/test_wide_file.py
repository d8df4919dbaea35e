"""Model files of data with one row per person, and keys on how data are read: written, read, simulated, refused."""

import numpy as np
import pandas as pd
import pytest

import alliance_bayes as ab

WIDE = """
format = 1
title = "Which?"
[panel]
person = "id"
measures = { x = ["x1", "x2", "x3"], y = ["y1", "y2", "y3"] }
times = [0, 3, 6]
missing = { x1 = [-99], y1 = [-99, "NA"] }
decimal = ","
covariates = ["age"]
factor = { school = ["low", "high"] }
group = "site"
requires = { y = "on" }
states = { on = ["on1", "on2", "on3"] }
[model]
kind = "riclpm"
group_lags = "equal"
nonexistent = "as_missing"
covariates = { age = "intercepts", school_high = "intercepts" }
[truth]
carry_over = 0.3
icc = 0.5
within_correlation = 0.2
between_correlation = 0.2
[truth.covariates]
age = { sd = 2.0, intercepts = { x = 0.5 } }
school_high = { probability = 0.5, intercepts = { y = 1.0 } }
"""


@pytest.fixture
def load(tmp_path):
    def read(text):
        (tmp_path / "wide.toml").write_text(text)
        return ab.load(tmp_path / "wide.toml")

    return read


def test_a_wide_file_is_written_and_read_as_itself(load, tmp_path):
    file = load(WIDE.partition("[truth]")[0])
    assert ab.load(file.save(tmp_path / "again.toml")) == file
    assert file.reading == {"missing": {"x1": (-99,), "y1": (-99, "NA")}, "decimal": ","}


def test_wide_rows_become_the_panel_of_their_measures(load):
    rng = np.random.default_rng(2)
    columns = {f"{name}{wave}": rng.normal(size=40) for name in "xy" for wave in (1, 2, 3)}
    frame = pd.DataFrame(columns).assign(
        id=np.arange(40), age=rng.normal(30, 5, 40), school=["low", "high"] * 20, site=np.repeat(["A", "B"], 20),
        on1=1, on2=1, on3=[0, *([1] * 39)],
    )  # fmt: skip
    frame.loc[3, "x1"], frame.loc[0, "y3"] = -99, np.nan
    panel = load(WIDE.partition("[truth]")[0]).panel(frame)
    assert panel.times == (0, 3, 6)
    assert np.flatnonzero(np.isnan(panel.values[:, 0, 0])).tolist() == [3]
    assert list(panel.covariates) == ["age", "school_high"]
    assert panel.background.group_labels == ("A", "B")
    assert panel.notes[0] == "-99 is missing: 1 of x1"


def test_a_truth_is_simulated_in_the_shape_that_the_file_reads(load):
    text = WIDE.replace('factor = { school = ["low", "high"] }\n', "").replace('group = "site"\n', "")
    text = text.replace('group_lags = "equal"\n', "").replace(', school_high = "intercepts"', "")
    text = text.replace("school_high = { probability = 0.5, intercepts = { y = 1.0 } }\n", "")
    file = load(text)
    frame = file.simulate(persons=30, seed=1)
    assert {"id", "x1", "x3", "y2", "on2", "age"} <= set(frame.columns)
    assert len(frame) == 30
    assert file.panel(frame).n_persons == 30


@pytest.mark.parametrize(
    ("line", "instead", "problem"),
    [
        ('person = "id"', 'person = "id"\ntime = "t"', "time is for one row per person and time"),
        ("times = [0, 3, 6]", "", "times are needed with measures by their columns"),
        ("times = [0, 3, 6]", "times = [0, 3]", "'x' has 3 columns for 2 times; name one for each."),
        ('requires = { y = "on" }', 'requires = { y = "off" }', "names 'off', which is not in states"),
        ('decimal = ","', 'decimal = ";"', "decimal must be '.' or ','"),
        ('decimal = ","', 'encoding = "latin-11"', "encoding must be the name of an encoding"),
        (
            'missing = { x1 = [-99], y1 = [-99, "NA"] }',
            "missing = [true]",
            "missing must be a list of numbers and texts",
        ),
        ("school_high =", "school_hig =", "covariates names 'school_hig', which [panel] does not read"),
    ],
)
def test_what_does_not_go_together_is_refused_when_the_file_is_read(load, line, instead, problem):
    with pytest.raises(ab.ModelFileError) as caught:
        load(WIDE.partition("[truth]")[0].replace(line, instead))
    assert problem in str(caught.value)


def test_long_files_do_not_take_what_belongs_to_wide_ones(load):
    long = WIDE.partition("[truth]")[0].replace('{ x = ["x1", "x2", "x3"], y = ["y1", "y2", "y3"] }', '["x", "y"]')
    with pytest.raises(ab.ModelFileError) as caught:
        load(long)
    assert "[panel] needs 'time': the name of a column; or, where the data have one row per person" in str(caught.value)
    assert "[panel] states are for data with one row per person" in str(caught.value)


def test_files_about_regressions_read_codes_too(tmp_path):
    frame = pd.DataFrame(
        {"person": np.repeat(np.arange(30), 2), "time": [0, 1] * 30, "days": np.random.default_rng(1).normal(size=60)}
    )
    frame["alliance"] = frame["days"] + 1
    frame.loc[:3, "days"] = -99
    path = tmp_path / "a.toml"
    path.write_text(
        'format = 1\ntitle = "?"\n[panel]\nmissing = [-99]\n[model]\nkind = "association"\n'
        '[[regression]]\nname = "a"\noutcomes = ["days"]\nexposures = ["alliance"]\nformula = "time + alliance"\n'
    )
    file = ab.load(path)
    assert ab.load(file.save(tmp_path / "b.toml")) == file
    checked = file.check(frame)
    assert "Read: -99 is missing: 4 of days" in checked
    assert "days in 56 complete rows" in checked
