"""The synthetic sponsor study: shapes, absences of each kind, seeds, companions, and its calibration."""

import numpy as np
import pandas as pd
import pytest
from study_targets import targets

import alliance_bayes as ab
from alliance_bayes.simulation.sponsor_cohort.truths import TRUTHS

ITEMS = [f"alliance_{item}" for item in range(1, 11)]


@pytest.fixture(scope="module")
def study():
    return ab.sponsor_study(persons=5000, seed=3)


def test_a_row_is_a_person_at_a_time(study):
    frame = study.frame
    assert len(frame) == len(study.complete) == 20_000
    assert study.n_persons == 5000
    assert not frame.duplicated(["person", "time"]).any()
    assert frame["time"].unique().tolist() == [0, 3, 6, 12]
    assert frame.groupby("time")["window"].unique().map(list).to_dict() == {0: [90], 3: [90], 6: [90], 12: [180]}


def test_absences_are_of_their_kind(study):
    frame = study.frame
    gone = frame["interviewed"] == 0
    answers = ["sponsor", "contact", "alliance", *ITEMS, "meetings", "involvement", "days", "percent_days_abstinent"]
    assert frame.loc[gone, answers].isna().all(axis=None)
    assert not gone[frame["time"] == 0].any()
    assert frame.loc[~gone, ["sponsor", "meetings", "involvement", "days"]].notna().all(axis=None)
    assert frame.loc[frame["sponsor"] == 0, ["contact", "alliance", *ITEMS]].isna().all(axis=None)
    unanswered = frame.loc[frame["sponsor"] == 1, "alliance"].isna().mean()
    assert 0.2 < unanswered < 0.4
    assert study.complete.loc[study.complete["sponsor"] == 1, ["contact", "alliance", *ITEMS]].notna().all(axis=None)


def test_what_was_seen_is_what_is_true(study):
    for name in ("sponsor", "contact", "meetings", "days", *ITEMS):
        seen = study.frame[name].notna()
        assert (study.frame.loc[seen, name] == study.complete.loc[seen, name]).all()


def test_values_lie_where_their_questions_allow(study):
    frame = study.complete
    assert frame["days"].between(0, frame["window"]).all()
    assert set(frame["contact"].dropna().unique()) == set(range(8))
    assert set(np.unique(frame[ITEMS].dropna())) == set(range(1, 8))
    assert (frame.loc[frame["meetings"] == 0, ["activity_spoke", "activity_service"]] == 0).all(axis=None)
    own = frame[[f"activity_{name}" for name in ("member", "literature", "spoke", "steps", "members", "service")]]
    assert (frame["involvement_without_sponsor"] == own.sum(axis=1)).all()
    on_sponsor = frame["involvement"] - frame["involvement_without_sponsor"]
    assert (on_sponsor == (frame["sponsor"] == 1).astype(int) + (frame["contact"] > 0)).all()


def test_the_alliance_is_the_mean_of_at_least_eight_items(study):
    items = study.frame[ITEMS]
    answered = items.notna().sum(axis=1)
    assert (answered[study.frame["alliance"].notna()] >= 8).all()
    assert answered.isin([8, 9]).any()
    pd.testing.assert_series_equal(study.frame["alliance"], items.mean(axis=1).where(answered >= 8), check_names=False)


def test_characteristics_at_entry_do_not_change(study):
    constant = ["age", "education", "occupation", "opioids", "severity", "commitment", "sponsor_at_entry"]
    by_person = study.frame.groupby("person")[constant]
    pd.testing.assert_frame_equal(by_person.first(), by_person.last())
    first = study.frame[study.frame["time"] == 0]
    assert first["age"].between(18, 24).all()
    found = first[["age", "female", "white", "dual_diagnosis", "commitment", "severity", "self_efficacy"]].mean()
    wanted = [20.4, 0.262, 0.947, 0.51, 0, 0, 0]
    error = first[found.index].std() / np.sqrt(len(first))
    assert (abs(found - wanted) < 4 * error + 0.05 * (found.index == "age")).all()
    assert (first["percent_days_abstinent_at_entry"] == first["percent_days_abstinent"]).all()


def test_those_who_ever_had_a_sponsor_were_more_severe_and_more_committed(study):
    later = study.frame[study.frame["time"] > 0]
    ever = later.groupby("person")["sponsor"].max() == 1
    at_entry = study.frame.groupby("person")[["severity", "commitment"]].first()
    difference = at_entry[ever].mean() - at_entry[~ever].mean()
    assert (difference > 0.1).all()


def test_a_sample_of_five_thousand_is_roughly_on_target(study):
    table = targets(study)
    assert len(table) == 58
    far = table[abs(table["deviation"]) > 4 * table["error"] + 2 * table["rounding"]]
    assert far.empty, f"\n{far}"


@pytest.mark.slow
def test_a_population_is_on_every_target(capsys):
    """Population of 100,000: as near to each target as its rounding and both populations' sampling errors allow."""
    table = targets(ab.sponsor_study(persons=100_000, seed=20))
    allowed = table["rounding"] + 3 * table["error"] * np.sqrt(1 + 100_000 / 120_000)
    table["within"] = abs(table["deviation"]) <= allowed
    with capsys.disabled():
        print("\n" + table.round(4).to_string())
    assert table["within"].all(), f"\n{table[~table['within']]}"


def test_the_seed_decides_and_nothing_else():
    first, again, other = (ab.sponsor_study(persons=50, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first.frame, again.frame)
    assert not first.frame["severity"].equals(other.frame["severity"])


def test_companions_draw_the_same_persons():
    frames = {name: ab.sponsor_study(name, persons=400, seed=4).frame for name in TRUTHS}
    for name, frame in frames.items():
        for constant in ("severity", "age", "education"):
            pd.testing.assert_series_equal(frame[constant], frames["default"][constant], obj=name)
    assert all(frames[name]["days"].equals(frames["default"]["days"]) == (name == "default") for name in frames)


@pytest.mark.parametrize(
    ("name", "forward", "backward"),
    [("null", 0.20, 0.16), ("reverse", 0.107, 0.138), ("both", 0.178, 0.125), ("confounded", 0.167, 0.093)],
)
def test_correlations_of_the_companions(name, forward, backward):
    """Alliance before days and days before alliance, 3 to 6 months, in 20,000 persons."""
    panel = ab.sponsor_study(name, persons=20_000, seed=5).panel(["alliance", "percent_days_abstinent"])
    (a_3, d_3), (a_6, d_6) = (panel.values[:, wave].T for wave in (0, 1))
    for first, second, wanted in ((a_3, d_6, forward), (d_3, a_6, backward)):
        both = ~np.isnan(first) & ~np.isnan(second)
        assert abs(np.corrcoef(first[both], second[both])[0, 1] - wanted) < 4 / np.sqrt(both.sum())


def test_not_at_random_means_that_those_seen_and_those_rating_do_better():
    default, mnar = (ab.sponsor_study(name, persons=20_000, seed=6) for name in ("default", "mnar"))

    def excess(study, name):
        late = study.frame["time"] == 12
        return study.frame.loc[late, name].mean() - study.complete.loc[late, name].mean()

    assert excess(default, "percent_days_abstinent") < 5 < excess(mnar, "percent_days_abstinent")
    assert abs(excess(default, "alliance")) < 0.05 < excess(mnar, "alliance")
    retention = [study.frame.groupby("time")["interviewed"].mean() for study in (default, mnar)]
    np.testing.assert_allclose(*retention, atol=0.02)


def test_a_panel_keeps_the_kinds_of_absence_apart(study):
    panel = study.panel()
    assert panel.times == (3.0, 6.0, 12.0)
    assert panel.measures == ("contact", "alliance", "attendance", "percent_days_abstinent")
    assert dict(panel.requires) == {"contact": "sponsor", "alliance": "sponsor"}
    coverage = panel.coverage().set_index(["measure", "time"])
    late = study.frame[study.frame["time"] == 12]
    assert coverage.loc[("alliance", 12), "not_applicable"] == (late["sponsor"] == 0).sum()
    assert coverage.loc[("alliance", 12), "wave_missing"] == (late["interviewed"] == 0).sum()
    assert coverage.loc[("alliance", 12), "item_missing"] == ((late["sponsor"] == 1) & late["alliance"].isna()).sum()
    assert coverage["unknown"].sum() == 0


def test_a_panel_takes_covariates_and_groups(study):
    panel = study.panel(["alliance", "days"], covariates=["commitment", "severity"], group="dual_diagnosis")
    entry = study.frame[study.frame["time"] == 0].set_index("person").loc[panel.persons]
    for name in ("commitment", "severity"):
        np.testing.assert_array_equal(panel.covariates[name], entry[name])
    assert panel.groups.tolist() == entry["dual_diagnosis"].astype(str).tolist()


def test_what_is_set_is_so_and_nothing_before_it_changes(study):
    done = ab.sponsor_study(persons=5000, seed=3, sponsor={3: True, 12: False})
    by_time = done.complete.groupby("time")["sponsor"]
    assert by_time.mean().loc[[3, 12]].tolist() == [1, 0]
    unchanged = ["sponsor", "severity", "commitment", "age", "education"]
    before = [each.complete.loc[each.complete["time"] == 0, unchanged] for each in (study, done)]
    pd.testing.assert_frame_equal(*before)
    assert (dict(done.sponsor), dict(done.alliance), dict(study.sponsor)) == ({3: True, 12: False}, {}, {})
    assert str(done).splitlines()[1:3] == [
        "Everyone has a sponsor at 3 months.",
        "No one has a sponsor at 12 months.",
    ]


def test_a_moved_alliance_is_rated_higher_and_acts_as_the_truth_says():
    moved, left = (
        ab.sponsor_study(persons=40_000, seed=2, sponsor={3: True, 6: True}, alliance=by).complete
        for by in ({3: 1}, {})
    )
    rated = [each.loc[each["time"] == 3, "alliance"] for each in (moved, left)]
    assert 0.6 < (rated[0].mean() - rated[1].mean()) / rated[1].std() < 1  # many are at 7 already
    at_6 = {name: [each.loc[each["time"] == 6, name] for each in (moved, left)] for name in ("days", "alliance")}
    assert (at_6["days"][0].mean() - at_6["days"][1].mean()) == pytest.approx(3.1, abs=0.8)
    null = [
        ab.sponsor_study("null", persons=40_000, seed=2, sponsor={3: True, 6: True}, alliance=by).complete
        for by in ({3: 1}, {})
    ]
    days = [each.loc[each["time"] == 6, "days"].mean() for each in null]
    assert abs(days[0] - days[1]) < 0.8
    assert left.equals(ab.sponsor_study(persons=40_000, seed=2, sponsor={3: True, 6: True}).complete)


def test_a_study_prints_who_was_seen_and_what_is_true():
    study = ab.sponsor_study("null", seed=1)
    lines = str(study).splitlines()
    assert lines[0] == "Synthetic sponsor study of 302 persons, seed 1"
    assert lines[1].startswith("0 months: 302 interviewed, ")
    assert str(study).endswith(str(TRUTHS["null"]))


def test_what_cannot_be_drawn_is_refused_at_once():
    with pytest.raises(ab.SpecError) as error:
        ab.sponsor_study("nul", persons=1, seed=-1)
    assert str(error.value) == (
        "No sponsor study can be drawn. 3 problems:\n"
        "  1. truth must be one of 'default', 'null', 'reverse', 'both', 'confounded', 'mnar'; got 'nul'; "
        "did you mean 'null'?\n"
        "  2. persons must be a whole number, at least 2; got 1.\n"
        "  3. seed must be a whole number of 0 or more; got -1."
    )


def test_what_cannot_be_set_is_refused_at_once():
    with pytest.raises(ab.SpecError) as error:
        ab.sponsor_study(persons=10, seed=1, sponsor={4: True, 3: 2}, alliance={6: float("nan")})
    assert str(error.value) == (
        "No sponsor study can be drawn. 3 problems:\n"
        "  1. sponsor is changed at 4, which is not a time of the study: 0, 3, 6 and 12 months.\n"
        "  2. sponsor at 3 must be True or False; got 2.\n"
        "  3. alliance at 6 must be a number of SDs; got nan."
    )
