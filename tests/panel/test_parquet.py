"""A Parquet file reduced to moments is the panel that `Panel.from_long` makes of the same rows."""

import pickle
import re
import sys
from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import test_bad_data

import alliance_bayes as ab
from alliance_bayes.basics.problems import PanelError, SpecError
from alliance_bayes.engine.statistics import pattern_statistics
from alliance_bayes.panel import Absence, Panel, PanelWarning, parquet, segments
from alliance_bayes.panel.dataset import panel_from_dataset, panel_to_dataset

OPTIONS = {"person": "id", "time": "month", "time_unit": "months"}


def rows_of(persons, times, n_measures, seed, *, ids=str, contradictions=False):
    """Shuffled rows of correlated measures, some missing, and a state that ``m0`` requires."""
    rng = np.random.default_rng(seed)
    shape = (persons, len(times), n_measures)
    values = rng.normal(size=(persons, 1, n_measures)) + rng.normal(size=shape)
    values = values * 10.0 ** np.arange(n_measures) + np.array([2000.0, 5.0, -3.0])[:n_measures]
    values[rng.random(shape) < 0.15] = np.nan
    frame = pd.DataFrame(values.reshape(-1, n_measures), columns=[f"m{k}" for k in range(n_measures)])
    frame.insert(0, "id", [ids(person) for person in np.repeat(np.arange(persons), len(times))])
    frame.insert(1, "month", np.tile(times, persons))
    frame["state"] = rng.choice([0.0, 1.0, np.nan], len(frame), p=[0.1, 0.8, 0.1])
    if not contradictions:
        frame.loc[frame["state"] == 0, "m0"] = np.nan
    return frame[rng.random(len(frame)) < 0.9].sample(frac=1, random_state=seed)


@pytest.fixture
def both(tmp_path):
    """Two panels of one frame: of its file, and of itself."""

    def make(frame, **options):
        frame.to_parquet(tmp_path / "clinic.parquet", index=False)
        given = OPTIONS | {"measures": [name for name in frame if re.fullmatch(r"m\d", name)]} | options
        return Panel.from_parquet(tmp_path / "clinic.parquet", **given), Panel.from_long(frame, **given)

    return make


def assert_same(ours, theirs):
    """Everything but the persons."""
    for name in ("measures", "times", "time_unit", "left_out", "decision", "requires"):
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ("n_persons", "n_observed_persons", "n_repeated_persons", "n_patterns"):
        assert getattr(ours, name) == getattr(theirs, name), name
    pd.testing.assert_frame_equal(ours.coverage(), theirs.coverage())
    if len(ours.contradictions) or len(theirs.contradictions):
        pd.testing.assert_frame_equal(ours.contradictions, theirs.contradictions)
    for got, want in zip(ours.pooled_scale(), theirs.pooled_scale(), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12)
    text = str(ours).replace(", known by their means and covariances alone", "").replace("clinic.parquet", "data frame")
    assert text == str(theirs)
    assert not ours.has_persons
    assert ours.moments.observed.shape[1:] == ours.moments.means.shape[1:] == (ours.n_times, ours.n_measures)
    for measures in (ours.measures, ours.measures[::-1][:2]):
        assert_same_statistics(pattern_statistics(ours, measures), pattern_statistics(theirs, measures))


def assert_same_statistics(ours, theirs):
    got, want = ours.arrays, theirs.arrays
    for name in ("people", "size", "position"):
        np.testing.assert_array_equal(getattr(got, name), getattr(want, name))
    np.testing.assert_allclose(got.mean, want.mean, rtol=1e-9, atol=1e-12)
    scatters = [arrays.factor @ arrays.factor.transpose(0, 2, 1) for arrays in (got, want)]
    np.testing.assert_allclose(*scatters, rtol=1e-9, atol=1e-10)
    for patterns, scatter in zip((got, want), scatters, strict=True):
        total = np.zeros_like(patterns.scatter[0])
        for pattern in np.flatnonzero(patterns.completed):
            where = patterns.position[pattern, : patterns.size[pattern]]
            total[np.ix_(where, where)] += scatter[pattern, : len(where), : len(where)]
        np.testing.assert_allclose(patterns.scatter[0], total, rtol=1e-9, atol=1e-10)
    assert (got.rank <= got.size).all()
    assert ours.n_persons == theirs.n_persons
    assert ours.log_jacobian == pytest.approx(theirs.log_jacobian, rel=1e-12)
    assert ours.person_pattern is None


SIZES = [(60, [0, 6, 12], 2), (200, [0, 1, 3, 7], 3)]


# ---- the same panel ----


@pytest.mark.parametrize(("persons", "times", "n_measures"), SIZES)
@pytest.mark.parametrize("n_rows", [1, 7, 500_000])
def test_moments_are_those_of_the_persons(persons, times, n_measures, n_rows, both, monkeypatch):
    """However few rows are held at a time."""
    hold_rows(n_rows, monkeypatch)
    assert_same(*both(rows_of(persons, times, n_measures, seed=1)))


def hold_rows(n_rows, monkeypatch):
    """As few as that at a time, and as few in a segment on average."""
    for module in (parquet, segments):
        monkeypatch.setattr(module, "N_ROWS", n_rows)


class InPieces:
    """A client whose workers get copies of what they are sent, as those of other machines do."""

    def nthreads(self):
        return {"first": 1, "second": 1}

    def submit(self, function, *given, pure):
        answer = function(*pickle.loads(pickle.dumps(given)))
        return SimpleNamespace(result=lambda: pickle.loads(pickle.dumps(answer)))


@pytest.mark.parametrize("ids", ["numbers", "texts"])
@pytest.mark.parametrize("rows", ["shuffled", "in order", "in order, with codes"])
@pytest.mark.parametrize("n_rows", [1, 40, 1000])
def test_workers_give_the_same_moments_to_the_last_bit(ids, rows, n_rows, tmp_path, monkeypatch):
    hold_rows(n_rows, monkeypatch)
    frame = rows_of(150, [0, 6, 12], 2, seed=3, ids=int)
    if ids == "texts":
        frame["id"] = [f"patient {number}" for number in frame["id"]]
    if rows != "shuffled":
        frame = frame.sort_values("id")
    frame.to_parquet(tmp_path / "rows.parquet", row_group_size=50)
    given = {"person": "id", "time": "month", "measures": ["m0", "m1"]}
    if rows == "in order, with codes":
        given["missing"] = {"m0": [-99]}
    alone = Panel.from_parquet(tmp_path / "rows.parquet", **given)
    spread = Panel.from_parquet(tmp_path / "rows.parquet", **given, client=InPieces())
    for field in fields(alone.moments):
        np.testing.assert_array_equal(getattr(spread.moments, field.name), getattr(alone.moments, field.name))
    assert str(spread) == str(alone)


def test_rows_in_order_are_not_sorted(both, monkeypatch):
    """And one row that is out of order is found wherever it is."""
    hold_rows(20, monkeypatch)
    sorting = []
    starts = parquet.FileRows._starts
    monkeypatch.setattr(parquet.FileRows, "_starts", lambda rows: sorting.append(rows) or starts(rows))
    frame = rows_of(60, [0, 6, 12], 2, seed=14).sort_values("id")
    assert_same(*both(frame))
    assert not sorting
    for row in (0, 70, len(frame) - 1):
        other = (row + 90) % len(frame)
        order = np.arange(len(frame))
        order[[row, other]] = other, row
        assert_same(*both(frame.iloc[order]))
    assert len(sorting) == 3


@pytest.mark.parametrize("statistics", [True, False])
def test_infinite_values_are_seen_with_or_without_statistics_of_the_file(statistics, tmp_path):
    frame = rows_of(30, [0, 6, 12], 2, seed=15).reset_index(drop=True)
    frame.loc[[4, 9], "m0"] = [np.nan, -np.inf]
    frame.loc[7, "m1"] = 1e80
    frame.to_parquet(tmp_path / "clinic.parquet", write_statistics=statistics, row_group_size=10)
    with pytest.raises(PanelError, match=r"others: 1, first -inf \('.*\n.*others: 1, first 1e\+80 \('"):
        Panel.from_parquet(tmp_path / "clinic.parquet", **OPTIONS, measures=["m0", "m1"])


@pytest.mark.parametrize("statistics", [True, False])
@pytest.mark.parametrize(
    ("column", "options"),
    [("state", {"requires": {"m0": "state"}}), ("month", {"times": [0, 6]}), ("month", {}), ("id", {}), ("m1", {})],
)
def test_nan_is_missing_whatever_the_file_says_of_its_limits(column, options, statistics, tmp_path):
    """Limits of a column in a file leave NaN out."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    frame = rows_of(30, [0, 6], 2, seed=1, ids=float).sort_values(["id", "month"]).astype(float)
    frame["state"] = 1.0
    frame.iloc[7, list(frame).index(column)] = np.nan
    arrays = {name: pa.array(frame[name], from_pandas=False) for name in frame}
    pq.write_table(pa.table(arrays), tmp_path / "clinic.parquet", write_statistics=statistics)
    given = OPTIONS | {"measures": ["m0", "m1"]} | options
    outcomes = []
    for panel in (
        lambda: Panel.from_parquet(tmp_path / "clinic.parquet", **given),
        lambda: Panel.from_long(frame, **given),
    ):
        try:
            outcomes.append(panel())
        except PanelError as error:
            outcomes.append(str(error).partition("\n")[2])
    if isinstance(outcomes[1], str):
        assert outcomes[0] == outcomes[1]
    else:
        assert_same(*outcomes)


@pytest.mark.parametrize("decision", ["refuse", "drop_value", "state_on"])
def test_absences_of_every_kind(decision, both):
    frame = rows_of(80, [0, 6, 12], 2, seed=2, contradictions=decision != "refuse")
    ours, theirs = both(frame, requires={"m0": "state"}, contradictions=decision)
    assert_same(ours, theirs)
    assert (ours.coverage()[[kind.name.lower() for kind in Absence]] > 0).any().all()
    assert (len(ours.contradictions) > 0) == (decision != "refuse")


@pytest.mark.parametrize(
    "ids",
    [
        int,
        float,
        lambda person: person - 7.5,
        lambda person: f"Ä{person}",
        lambda person: pd.Timestamp(person, unit="D"),
    ],
)
def test_ids_of_every_kind(ids, both):
    frame = rows_of(40, [0, 6, 12], 2, seed=3, ids=ids)
    assert_same(*both(frame))
    assert_same(*both(frame.sort_values("id")))


@pytest.mark.parametrize(
    "column",
    [
        lambda column: column.astype("Float32"),
        lambda column: column.round().astype("Int16"),
        lambda column: column.round().fillna(0).astype("uint8"),
    ],
)
def test_numbers_of_every_kind(column, both):
    frame = rows_of(40, [0, 6, 12], 2, seed=4)
    frame = frame.assign(m1=column(frame["m1"] % 100))
    assert_same(*both(frame))
    assert_same(*both(frame.sort_values("id")))


def test_states_may_be_true_and_false(both):
    frame = rows_of(40, [0, 6, 12], 2, seed=5)
    frame["state"] = frame["state"].map({1.0: True, 0.0: False})
    assert_same(*both(frame, requires={"m0": "state"}))


def test_column_names_of_any_kind(both):
    frame = rows_of(40, [0, 6, 12], 2, seed=6).rename(columns={"id": 'the "id"', "month": "position", "m0": "from"})
    assert_same(*both(frame, person='the "id"', time="position", measures=["from", "m1"]))


@pytest.mark.parametrize("times", [[0, 12], {6: 1, 12: 2.5}, [6, 12]])
def test_rows_at_other_times_are_left_out(times, both, monkeypatch):
    frame = rows_of(60, [0, 6, 12], 2, seed=7)
    few = pd.DataFrame({"id": [f"A{i}" for i in range(7)], "month": 0 if times != [0, 12] else 6, "m0": 1.0, "m1": 2.0})
    hold_rows(5, monkeypatch)
    ours, theirs = both(pd.concat([frame, few]), times=times)
    assert_same(ours, theirs)
    assert {part.what: part.count for part in ours.left_out}["persons"] >= 7


def test_minus_0_is_0(both):
    frame = rows_of(60, [0.0, 6.0, 12.0], 2, seed=16).sort_values("id")
    frame.loc[frame["id"] > "4", "month"] *= -1.0
    frame["month"] = frame["month"].where(frame["month"] >= 0, -frame["month"])
    assert np.signbit(frame["month"]).any()
    assert_same(*both(frame))


def test_labels_for_times(both):
    frame = rows_of(60, [0, 6, 12], 2, seed=8)
    frame["month"] = frame["month"].map({0: "base", 6: "half", 12: "year"})
    assert_same(*both(frame, times={"base": 0, "year": 12}))


def test_a_folder_of_files_is_one_file(tmp_path):
    frame = rows_of(60, [0, 6, 12], 2, seed=9)
    for part in range(3):
        folder = tmp_path / "clinic.parquet" / f"part {part}"
        folder.mkdir(parents=True)
        frame[part::3].to_parquet(folder / "rows.parquet", index=False)
    options = OPTIONS | {"measures": ["m0", "m1"]}
    assert_same(Panel.from_parquet(tmp_path / "clinic.parquet", **options), Panel.from_long(frame, **options))


def test_persons_without_any_value_are_counted(both):
    frame = rows_of(30, [0, 6, 12], 2, seed=10)
    frame.loc[frame["id"].isin(["3", "5"]), ["m0", "m1"]] = np.nan
    ours, theirs = both(frame, requires={"m0": "state"})
    assert_same(ours, theirs)
    assert ours.n_persons == ours.n_observed_persons + 2


def test_no_digits_are_lost_where_a_mean_is_far_from_0(both):
    frame = rows_of(60, [0, 6, 12], 2, seed=11)
    ours, theirs = (pattern_statistics(panel, ["m0", "m1"]).arrays for panel in both(frame))
    far = frame.assign(m0=frame["m0"] * 2.0**-20 + 2.0**20)
    shifted = pattern_statistics(both(far)[0], ["m0", "m1"]).arrays
    np.testing.assert_array_equal(shifted.people, ours.people)
    scatters = [arrays.factor @ arrays.factor.transpose(0, 2, 1) for arrays in (ours, shifted)]
    np.testing.assert_allclose(*scatters, rtol=1e-3, atol=1e-3)  # what the shift itself leaves of the digits
    assert theirs.people.sum() == ours.people.sum()


# ---- what is done with it ----


@pytest.fixture(scope="module")
def study(tmp_path_factory, small_panel):
    """The shared small panel through a file."""
    path = tmp_path_factory.mktemp("study") / "study.parquet"
    small_panel.to_frame().to_parquet(path, index=False)
    return Panel.from_parquet(path, person="person", time="time", measures=["contact", "days", "alliance"])


SPEC = ab.RICLPM(["alliance", "days"])


def test_maximum_likelihood_is_that_of_the_persons(study, small_panel):
    ours, theirs = (ab.maximum_likelihood(SPEC, panel) for panel in (study, small_panel))
    assert ours.n_persons == theirs.n_persons == 59
    assert ours.log_likelihood == pytest.approx(theirs.log_likelihood, rel=1e-10)
    np.testing.assert_allclose(ours.table["estimate"], theirs.table["estimate"], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(ours.table["se"], theirs.table["se"], rtol=1e-5)
    assert ours.chi_square == pytest.approx(theirs.chi_square, abs=1e-7)
    assert ours.cfi == pytest.approx(theirs.cfi, abs=1e-8)
    assert ours.messages == theirs.messages


def test_posteriors_answer_the_same(study, small_panel, small_fit, tmp_path):
    fit = ab.fit(SPEC, study, seed=6, draws=150, tune=200, chains=2)
    ours, theirs = (each.posterior["lagged"].mean(("chain", "draw")) for each in (fit, small_fit))
    error = small_fit.posterior["lagged"].std(("chain", "draw")) / np.sqrt(30)
    assert (abs(ours - theirs) < 5 * error).all()
    assert ab.directionality(fit, "alliance", "days").verdict
    loaded = ab.load_fit(fit.save(tmp_path / "fit.nc"))
    assert str(loaded) == str(fit)
    assert_same_statistics(loaded.model.statistics, small_fit.model.statistics)
    for refused in (fit.log_likelihood, fit.person_scores, fit.check, lambda: fit.forecast(18)):
        with pytest.raises(
            PanelError,
            match=r" needs each person's values, and this panel holds only the moments of study\.parquet; make it with "
            r"Panel\.from_long, of a sample of the persons where all of them are too many for memory\.$",
        ):
            refused()


def test_lagged_effects_without_data_are_refused(both):
    frame = rows_of(60, [0, 6, 12], 2, seed=12)
    frame.loc[frame["month"] == 12, "m0"] = np.nan
    kept = frame["id"].isin(["1", "2", "3", "4"])
    frame.loc[kept & (frame["month"] == 12), "m0"] = [1.0, 2.0, 3.0, 4.0][: (kept & (frame["month"] == 12)).sum()]
    frame.loc[kept & (frame["month"] == 6), "m1"] = np.nan
    spec = ab.RICLPM(["m0", "m1"], lags="free")
    messages = []
    for panel in both(frame):
        with pytest.raises(SpecError) as caught:
            ab.maximum_likelihood(spec, panel)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
    assert "Nobody has 'm1' and later 'm0' over 6 to 12" in messages[0]


def test_there_and_back(both):
    panel, _ = both(
        rows_of(60, [0, 6, 12], 2, seed=13, contradictions=True), requires={"m0": "state"}, contradictions="drop_value"
    )
    loaded = panel_from_dataset(panel_to_dataset(panel))
    assert str(loaded) == str(panel)
    for part in fields(panel.moments):
        np.testing.assert_array_equal(getattr(loaded.moments, part.name), getattr(panel.moments, part.name))
    with pytest.raises(ValueError, match="read-only"):
        panel.moments.n[0] = 0


# ---- what is wrong with a file ----

UNLIKE = {  # what a Parquet file cannot hold, or holds as something else, or `from_parquet` does not take
    "not a data frame",
    "repeated column label",
    "categories in a measure",
    "answers without an interview",
    "interviews with other codes",
}


@pytest.mark.parametrize("name", sorted(test_bad_data.LONG.keys() - UNLIKE))
def test_files_are_refused_with_the_words_for_frames(name, tmp_path, monkeypatch):
    def through_a_file(frame, **options):
        frame.to_parquet(tmp_path / "clinic.parquet", index=False)
        return Panel.from_parquet(tmp_path / "clinic.parquet", **options)

    make, *problems = test_bad_data.LONG[name]
    monkeypatch.setattr(Panel, "from_long", through_a_file)
    test_bad_data.assert_refused(make, "clinic.parquet is not yet a panel of id by month", problems)


def test_all_problems_come_in_one_message(tmp_path):
    frame = test_bad_data.long(doctor=[7] * 9, days=["x", *"12345678"], alliance=np.inf)
    frame.to_parquet(tmp_path / "clinic.parquet")
    with pytest.raises(PanelError) as caught:
        Panel.from_parquet(
            tmp_path / "clinic.parquet",
            person="patient",
            time="month",
            measures=["alliance", "days", "mood"],
            requires={"days": "doctor"},
            contradictions="keep",
        )
    assert str(caught.value) == (
        "clinic.parquet is not yet a panel of patient by month. 6 problems:\n"
        "  1. contradictions='keep' is not a choice. Use 'refuse', 'drop_value' or 'state_on'.\n"
        "  2. No column 'patient'. Columns: 'id', 'month', 'doctor', 'alliance', 'days'.\n"
        "  3. No column 'mood'. Columns: 'id', 'month', 'doctor', 'alliance', 'days'.\n"
        "  4. 'alliance' must hold finite numbers, or be missing; others: 9, first inf in row 0, inf in row 1, inf in "
        "row 2.\n"
        "  5. 'days' holds text where numbers are expected: 1, first 'x' in row 0. A code for a missing answer is "
        "named in missing=['x'], a decimal comma in decimal=','.\n"
        "  6. 'doctor' is a state and must be 1 (on), 0 (off) or missing; others: 9, first 7 in row 0, 7 in row 1, "
        "7 in row 2."
    )


def test_a_measure_that_is_the_same_for_all_at_one_time_is_doubtful(tmp_path):
    frame = test_bad_data.long(days=[1, 20, 30, 1, 15, 25, 1, 30, 20])
    frame.to_parquet(tmp_path / "clinic.parquet")
    with pytest.warns(PanelWarning) as caught:
        Panel.from_parquet(tmp_path / "clinic.parquet", **OPTIONS, measures=["alliance", "days"])
    assert [str(warning.message) for warning in caught] == [
        "'days' does not vary at time 0 (all 3 are 1), so it cannot distinguish persons there."
    ]
    assert caught[0].filename == __file__


def test_files_that_cannot_be_read(tmp_path, monkeypatch):
    def message(path):
        with pytest.raises(PanelError) as caught:
            Panel.from_parquet(path, **OPTIONS, measures=["m0"])
        return str(caught.value)

    assert message(tmp_path / "none.parquet").startswith(f"No file '{tmp_path / 'none.parquet'}' (looked for from ")
    assert message(tmp_path) == f"The folder '{tmp_path}' holds no file ending in '.parquet'."
    (tmp_path / "clinic.parquet").write_text("not parquet")
    assert message(tmp_path / "clinic.parquet").startswith("clinic.parquet cannot be read as .parquet: ")
    monkeypatch.setitem(sys.modules, "duckdb", None)
    assert message(tmp_path / "clinic.parquet") == (
        'clinic.parquet: a package that reads .parquet is not installed. Run: pip install "alliance-bayes[files]"'
    )
