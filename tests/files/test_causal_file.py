"""Files of regressions in causal order: read, written, laid out, asked, and refused with every problem."""

import numpy as np
import pandas as pd
import pytest

import alliance_bayes as ab
from alliance_bayes.files.kinds import causal_order

PACKAGED = ["sponsor-always", "sponsor-alliance", "sponsor-mediation", "sponsor-outcomes"]
SMALL = """
format = 1
title = "Does a sponsor help?"
[panel]
person = "person"
time = "time"
times = [0, 3, 6]
[model]
kind = "causal_order"
requires = { alliance_at_3 = "sponsor_at_3" }
[[regression]]
formula = "sponsor_at_3 ~ severity + days_at_0"
family = "bernoulli"
[[regression]]
formula = "contact_at_3 ~ severity"
family = "poisson"
zero_without = "sponsor_at_3"
[[regression]]
formula = "alliance_at_3 ~ severity"
[[regression]]
formula = \"\"\"
days_at_6 ~ sponsor_at_3 + contact_at_3
+ sponsor_at_3:alliance_at_3 + severity
\"\"\"
[sampling]
draws = 50
seed = 3
[simulation]
copies = 2
draws = 5
[[question]]
name = "sponsor"
ask = "contrast_of_regimes"
outcome = "days_at_6"
regimes = { none = { sponsor_at_3 = 0 }, "one" = { sponsor_at_3 = 1 } }
[[question]]
name = "contact"
ask = "contrast_of_regimes"
outcome = "days_at_6"
regimes = { "as it is" = { contact_at_3 = { shift = 0 } }, "more" = { contact_at_3 = { shift = 1 } } }
people = { severity = { shift = -1 } }
[[question]]
name = "through contact"
ask = "interventional_effects"
treated = { sponsor_at_3 = 1 }
control = { sponsor_at_3 = 0 }
mediators = ["contact_at_3"]
outcome = "days_at_6"
certainty = 0.9
[[question]]
name = "split"
ask = "split_by_existence"
state = "sponsor_at_3"
mediator = "alliance_at_3"
outcome = "days_at_6"
percentiles = [25, 75]
"""


@pytest.fixture
def load(tmp_path):
    def loaded(text):
        (tmp_path / "file.toml").write_text(text)
        return ab.load(tmp_path / "file.toml")

    return loaded


@pytest.fixture
def made_up(monkeypatch):
    pytest.importorskip("bambi")
    from made_up import made_up_by_bambi

    asked = []

    def fit(formula, family, rows, **settings):
        asked.append((formula, family, rows, settings))
        return made_up_by_bambi(formula, family, rows)

    monkeypatch.setattr(causal_order, "fit_by_bambi", fit)
    return asked


@pytest.fixture(scope="module")
def frame():
    return ab.sponsor_study(seed=1).frame


@pytest.mark.parametrize("name", PACKAGED)
def test_packaged_files_can_be_read_and_written(tmp_path, name):
    file = ab.packaged_model(name)
    assert ab.load(file.save(tmp_path / "again.toml")) == file
    assert file.questions
    assert len(file.read(ab.sponsor_study(seed=1).frame).frame) == 302


def test_a_file_says_what_it_holds(load, tmp_path):
    file = load(SMALL)
    assert ab.load(file.save(tmp_path / "again.toml")) == file
    assert str(file).splitlines() == [
        "Does a sponsor help?",
        "In causal order:",
        "  1. sponsor_at_3 ~ severity + days_at_0 (bernoulli)",
        "  2. contact_at_3 ~ severity (poisson, and 0 without sponsor_at_3)",
        "  3. alliance_at_3 ~ severity (gaussian)",
        "  4. days_at_6 ~ sponsor_at_3 + contact_at_3 + sponsor_at_3:alliance_at_3 + severity (gaussian)",
        "Exist only in a state: alliance_at_3 with sponsor_at_3",
        "Question 1: sponsor: contrast_of_regimes on days_at_6",
        "Question 2: contact: contrast_of_regimes on days_at_6, severity of people own value - 1",
        "Question 3: through contact: interventional_effects on days_at_6, certainty 0.9",
        "Question 4: split: split_by_existence on days_at_6, percentiles 25 and 75",
        "Sampling: draws 50, seed 3",
    ]
    assert file.questions[1].options["regimes"]["more"] == {"contact_at_3": ab.Shift(1)}


def test_a_row_is_a_person_and_what_needs_a_state_is_0_without(load, frame, tmp_path):
    wide = load(SMALL).read(frame).frame
    assert wide.index.tolist() == sorted(frame["person"].unique())
    assert set(wide) == {"sponsor_at_3", "contact_at_3", "alliance_at_3", "days_at_6", "days_at_0", "severity"}
    at_3 = frame[frame["time"] == 3].set_index("person")
    without = at_3["sponsor"] == 0
    assert (wide.loc[without, ["contact_at_3", "alliance_at_3"]] == 0).all(axis=None)
    pd.testing.assert_frame_equal(
        wide.loc[~without, ["contact_at_3", "alliance_at_3"]],
        at_3.loc[~without, ["contact", "alliance"]].add_suffix("_at_3"),
    )
    frame.to_csv(tmp_path / "study.csv", index=False)
    pd.testing.assert_frame_equal(load(SMALL).read(tmp_path / "study.csv").frame, wide)


def test_a_question_simulates_what_its_treatments_change_and_takes_the_rest_as_observed(load, frame, made_up):
    file = load(SMALL)
    orders = file.fit(frame, chains=2)
    assert {name: order.variables for name, order in orders.items()} == {
        "sponsor": ("sponsor_at_3", "contact_at_3", "alliance_at_3", "days_at_6"),
        "contact": ("days_at_6",),
        "through contact": ("sponsor_at_3", "contact_at_3", "alliance_at_3", "days_at_6"),
        "split": ("sponsor_at_3", "contact_at_3", "alliance_at_3", "days_at_6"),
    }
    wide = file.read(frame).frame
    assert orders["sponsor"].people.columns.tolist() == ["severity", "days_at_0"]
    assert len(orders["sponsor"].people) == 302
    known = wide[["sponsor_at_3", "contact_at_3", "alliance_at_3", "severity"]].dropna()
    np.testing.assert_allclose(orders["contact"].people["severity"], known["severity"] - 1)
    assert dict(orders["split"].requires) == {"alliance_at_3": "sponsor_at_3"}
    rows = {formula.split(" ~ ")[0]: rows for formula, _, rows, _ in made_up}
    with_sponsor = frame[(frame["time"] == 3) & (frame["sponsor"] == 1)]
    assert len(rows["contact_at_3"]) == with_sponsor["contact"].notna().sum()
    assert len(rows["alliance_at_3"]) == with_sponsor["alliance"].notna().sum()
    assert made_up[1][3] == {"draws": 50, "chains": 2, "seed": 4}  # all else by the defaults of the sampler


def test_questions_are_asked_by_their_functions(load, frame, made_up):
    file = load(SMALL)
    answers = file.ask(frame, seed=5)
    assert list(answers) == ["sponsor", "contact", "through contact", "split"]
    orders = file.fit(frame, seed=5)
    wanted = ab.interventional_effects(
        orders["through contact"],
        treated={"sponsor_at_3": 1},
        control={"sponsor_at_3": 0},
        mediators=["contact_at_3"],
        outcome="days_at_6",
        certainty=0.9,
        seed=8,
        monte_carlo=ab.MonteCarlo(copies=2, draws=5),
    )
    pd.testing.assert_frame_equal(answers["through contact"].table, wanted.table)
    assert ("P(sponsor_at_3 = 1)", "people with sponsor_at_3") in answers["sponsor"].tables["overlap"].index
    assert len(made_up) == 8


def test_the_data_are_described_without_sampling(load, frame):
    file = load(SMALL)
    with_sponsor = frame[(frame["time"] == 3) & (frame["sponsor"] == 1)]
    *_, about_data, _, first, contact, alliance, _, last = file.check(frame).splitlines()
    assert about_data == "data frame: 302 persons, one row each"
    known = file.read(frame).frame[["sponsor_at_3", "severity", "days_at_0"]].dropna()
    assert first == f"sponsor_at_3: {len(known)} persons with all variables of its regression."
    assert contact.startswith(f"contact_at_3: {with_sponsor['contact'].notna().sum()} persons")
    assert alliance.startswith(f"alliance_at_3: {with_sponsor['alliance'].notna().sum()} persons")
    assert last == "No problems: all regressions can be fitted."
    panel = file.panel(frame)
    assert panel.times == (0, 3, 6)
    assert panel.measures == ("sponsor", "days", "contact", "alliance")
    assert list(panel.covariates) == ["severity"]


def test_columns_are_derived_here_too(load, frame):
    text = SMALL.replace("[model]", '[columns]\nseverity = { minus = ["severe", 1] }\n[model]')
    renamed = frame.rename(columns={"severity": "severe"})
    np.testing.assert_allclose(
        load(text).read(renamed).frame["severity"], load(SMALL).read(frame).frame["severity"] - 1
    )


def test_every_problem_is_told_at_once(load):
    broken = (
        SMALL.replace("times = [0, 3, 6]", "times = [0.5]")
        .replace('family = "poisson"', 'family = "poison"')
        .replace('requires = { alliance_at_3 = "sponsor_at_3" }', 'requires = { alliance_at_3 = "sponser_at_3" }')
        .replace('mediators = ["contact_at_3"]', "")
        .replace('ask = "split_by_existence"', 'ask = "split"')
        .replace('name = "contact"', 'name = "sponsor"')
        .replace("copies = 2", "copies = 1")
    )
    with pytest.raises(ab.ModelFileError) as error:
        load(broken)
    text = str(error.value)
    assert text.startswith("file.toml cannot be used as a model file. 7 problems:\n")
    for said in (
        "[panel] times must be a list of whole numbers of 0 or more; got [0.5].",
        "[[regression]] 2 family must be one of ",
        "[[question]] 3 needs 'mediators': ",
        "[[question]] 4 cannot ask 'split'. Questions: 'contrast_of_regimes', ",
        "[simulation] copies must be a whole number of 2 or more; got 1.",
        "[model] requires: 'sponser_at_3' is in no formula; did you mean 'sponsor_at_3'?",
        "Two questions are named 'sponsor'.",
    ):
        assert said in text


def test_names_that_are_no_columns_are_told_at_once(load, frame):
    text = SMALL.replace("severity + days_at_0", "severty + days")
    with pytest.raises(ab.ModelFileError) as error:
        load(text).read(frame)
    assert "'severty' is neither a column nor a column at a time; did you mean 'severity'?" in str(error.value)
    assert "'days' varies over time; name one, such as 'days_at_0'." in str(error.value)
    with pytest.raises(ab.PanelError, match="No column 'person'"):
        load(SMALL).read(frame.rename(columns={"person": "who"}))


def test_a_function_as_a_regime_cannot_be_written():
    regimes = {"none": {"sponsor_at_3": 0}, "some": {"sponsor_at_3": lambda values, own: values["severity"] > 0}}
    with pytest.raises(ab.ModelFileError, match="regimes must be a table of two or more"):
        ab.Question("contrast_of_regimes", {"outcome": "days_at_6", "regimes": regimes}, "some")


@pytest.mark.slow  # four regressions, which Bambi compiles
@pytest.mark.filterwarnings("ignore")
def test_real_regressions_recover_an_effect_in_many_people(load):
    drawn = [ab.sponsor_study(persons=4000, seed=2, sponsor={3: on}).complete for on in (True, False)]
    half = drawn[0]["person"] % 2 == 0  # as good as a coin that is tossed: nothing confounds
    frame = pd.concat([drawn[0][half], drawn[1][~half]]).sort_values(["person", "time"])
    before, first, *_ = SMALL.replace("draws = 50", "draws = 300").split("[[question]]")
    answer = load(f"{before}[[question]]{first}").ask(frame, chains=2, tune=300)["sponsor"]
    true = (drawn[0]["days"] - drawn[1]["days"])[drawn[0]["time"] == 6].mean()
    row = answer.table.iloc[0]
    assert abs(row["mean"] - true) < 3 * row["sd"]


def test_ids_of_a_file_that_look_alike_stay_two_people(load, tmp_path):
    columns = {"severity": 1.0, "days": 2.0, "sponsor": 1, "contact": 3, "alliance": 4.0}
    frame = pd.DataFrame({"person": ["01"] * 3 + ["1"] * 3, "time": [0, 3, 6] * 2}).assign(**columns)
    frame.to_csv(tmp_path / "data.csv", index=False)
    assert load(SMALL).read(tmp_path / "data.csv").frame.index.tolist() == ["01", "1"]
