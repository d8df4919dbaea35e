"""Association files: read, written, asked, and refused with every problem."""

import pytest

import alliance_bayes as ab

SMALL = """
format = 1
title = "Does the alliance go with days?"
[panel]
person = "person"
time = "time"
times = [3, 6, 12]
[model]
kind = "association"
time_zero = 3
[[regression]]
name = "days"
outcomes = ["days"]
exposures = ["alliance"]
rows_with = "sponsor"
formula = "time + alliance"
[sampling]
draws = 50
chains = 2
seed = 3
"""


def written(tmp_path, text):
    (tmp_path / "file.toml").write_text(text)
    return tmp_path / "file.toml"


def test_a_file_is_read_and_written_and_asked(tmp_path):
    file = ab.load(written(tmp_path, SMALL))
    regression = ab.RandomInterceptRegression(
        ["days"], ["alliance"], "time + alliance", times=[3, 6, 12], time_zero=3, rows_with="sponsor"
    )
    assert file == ab.ModelFile(
        title="Does the alliance go with days?",
        spec={"days": regression},
        sampling={"draws": 50, "chains": 2, "seed": 3},
    )
    assert ab.load(file.save(tmp_path / "again.toml")) == file
    frame = ab.sponsor_study(seed=1).frame
    answers = file.ask(frame, seed=4)
    assert list(answers) == ["days"]
    assert answers["days"].table.equals(ab.association(regression, frame, draws=50, chains=2, seed=4).table)
    assert str(file) == f"Does the alliance go with days?\ndays: {regression}\nSampling: draws 50, chains 2, seed 3"
    checked = file.check(frame)
    rows = frame[frame["time"].isin([3, 6, 12]) & (frame["sponsor"] == 1)].dropna(subset=["days", "alliance"])
    assert checked.splitlines()[-2:] == [
        f"days: days in {len(rows)} complete rows of {rows['person'].nunique()} persons.",
        "No problems: all regressions can be fitted.",
    ]
    assert file.panel(frame).measures == ("sponsor", "days", "alliance")


def test_the_packaged_file_asks_what_was_published(tmp_path):
    file = ab.packaged_model("association-kelly-2016")
    alliance, sponsor = file.spec.values()
    assert alliance.exposures == ("contact", "alliance")
    assert alliance.rows_with == "sponsor"
    assert sponsor.rows_with is None
    assert (
        alliance.outcomes == sponsor.outcomes == ("attendance", "involvement_without_sponsor", "percent_days_abstinent")
    )
    assert ab.load(file.save(tmp_path / "again.toml")) == file
    assert set(alliance.columns) | set(sponsor.columns) <= set(ab.sponsor_study(seed=1).frame)


def test_every_problem_is_told_at_once(tmp_path):
    broken = (
        SMALL.replace("format = 1", "format = 2")
        .replace('person = "person"', 'persons = "person"')
        .replace('formula = "time + alliance"', 'formula = "time + allianc"')
        .replace("draws = 50", "draw = 50")
    )
    with pytest.raises(ab.ModelFileError) as error:
        ab.load(written(tmp_path, broken))
    assert str(error.value) == (
        "file.toml cannot be used as a model file. 4 problems:\n"
        "  1. The file format must be the number 1; got 2.\n"
        "  2. [panel] has no key 'persons'; did you mean 'person'? Keys: 'missing', "
        "'delimiter', 'encoding', 'decimal', 'person', 'time', 'times', 'time_unit'.\n"
        "  3. [[regression]] 1: The exposure 'alliance' is not in the formula; did you mean 'allianc'? "
        "It holds: 'time', 'allianc'.\n"
        "  4. [sampling] has no key 'draw'; did you mean 'draws'? Keys: 'draws', 'chains', 'seed'."
    )


def test_regressions_of_different_clocks_need_files_of_their_own(tmp_path):
    file = ab.load(written(tmp_path, SMALL))
    other = ab.RandomInterceptRegression(["days"], ["contact"], "time + contact", person="id")
    mixed = ab.ModelFile(title="mixed", spec={**file.spec, "other": other})
    with pytest.raises(ab.ModelFileError, match="differ in person or time, which one file cannot hold"):
        mixed.save(tmp_path / "mixed.toml")
    assert not (tmp_path / "mixed.toml").exists()
