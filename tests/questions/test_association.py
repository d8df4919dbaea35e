"""The answer on association: its numbers, words, figure and refusals."""

import dataclasses
from types import SimpleNamespace

import arviz_stats
import numpy as np
import pytest
import xarray as xr

import alliance_bayes as ab
from alliance_bayes.questions import regression_sampling

STUDY = ab.sponsor_study(seed=3).frame
REGRESSION = ab.RandomInterceptRegression(
    ["attendance", "percent_days_abstinent"],
    ["contact", "alliance"],
    "time + contact + alliance + alliance:time + age + education",
    times=[3, 6, 12],
    time_zero=3,
    time_step=3,
    time_unit="months",
    rows_with="sponsor",
)
PUBLISHED, SPLIT = "as published", "within and between persons"


@pytest.fixture(scope="module")
def answer():
    return ab.association(REGRESSION, STUDY, draws=500, chains=4, seed=4)


def test_the_table_summarises_the_draws(answer):
    assert answer.table.index.names == ["outcome", "model", "term"]
    assert not answer.table.isna().any(axis=None)
    assert answer.draws[SPLIT].sizes == {"chain": 4, "draw": 500, "outcome": 2, "split_term": 13}
    for model, dim in ((PUBLISHED, "term"), (SPLIT, "split_term")):
        for outcome, term in answer.draws[model].stack(row=["outcome", dim])["row"].to_numpy():
            row = answer.table.loc[[(outcome, model, term)]].iloc[0]
            values = answer.draws[model].sel({"outcome": outcome, dim: term}).to_numpy().ravel()
            assert row["mean"] == pytest.approx(values.mean())
            assert row["p_positive"] == (values > 0).mean()
            assert row["lower"] < row["mean"] < row["upper"]


def test_associations_at_each_time_are_sums_of_coefficients(answer):
    assert set(answer.tables["by_time"].index.get_level_values("exposure")) == {
        "alliance",
        "alliance_within",
        "alliance_between",
    }
    assert set(answer.tables["by_time"].index.get_level_values("time")) == {3.0, 6.0, 12.0}
    draws = answer.draws[PUBLISHED].sel(outcome="percent_days_abstinent")
    at_12 = (draws.sel(term="alliance") + 3 * draws.sel(term="alliance:time")).to_numpy()
    row = answer.tables["by_time"].loc[[("percent_days_abstinent", PUBLISHED, "alliance", 12.0)]].iloc[0]
    assert row["mean"] == pytest.approx(at_12.mean())
    assert row["p_positive"] == pytest.approx((at_12 > 0).mean())


def test_units_are_said(answer):
    units = answer.table["unit"].xs(PUBLISHED, level="model").xs("attendance", level="outcome")
    assert units["alliance"] == "attendance per alliance"
    assert units["alliance:time"] == "attendance per alliance per 3 months"
    assert units["time"] == "attendance per 3 months"
    assert units["1|person_sigma"] == "attendance"


def test_sizes_say_who_is_used(answer):
    eligible = STUDY[(STUDY["time"] > 0) & (STUDY["sponsor"] == 1)]
    used = eligible.dropna(subset=["contact", "alliance"])
    counts = used["person"].value_counts()
    wanted = [len(used), len(counts), (counts > 1).sum(), len(eligible) - len(used)]
    assert (
        answer.tables["sizes"].loc["attendance"].tolist()
        == answer.tables["sizes"].loc["percent_days_abstinent"].tolist()
        == wanted
    )


def test_the_print_cannot_be_over_read(answer):
    text = str(answer)
    lines = text.splitlines()
    assert lines[0] == (
        "Association at the same time, adjusted, units of the outcome per unit of the exposure at 3 months, and with "
        "':time' how much more for each 3 months later; 2000 draws of each regression"
    )
    assert lines[1] == f"As published: {REGRESSION.formula} + (1 | person)"
    assert "\nalliance_within:time " in text
    assert "\neducation" not in text
    assert "\nDraws: R-hat at most 1.0" in text
    assert "\nSampling: no problems.\n" in text
    for place, sentence in enumerate(answer.assumptions, start=1):
        assert f"  {place}. {sentence}" in lines
    assert answer.assumptions[0].startswith("An association, not a cause: exposures (contact and alliance)")
    assert "Only rows with sponsor: people who have it, and keep it, differ from the others." in answer.assumptions
    assert answer.assumptions[-1].startswith("An association that is larger later may be a constant effect")


def test_assumptions_are_those_of_the_regression():
    everybody = ab.RandomInterceptRegression(["attendance"], ["sponsor"], "time + sponsor", times=[3, 6, 12])
    answer = ab.association(everybody, STUDY, draws=100, chains=2, seed=4)
    assert len(answer.assumptions) == 5
    assert len(answer.tables["by_time"]) == 0
    assert "units of the outcome per unit of the exposure; 200 draws" in str(answer)
    (axes,) = answer.plot().axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["all times"]


def test_the_figure_has_a_panel_for_each_exposure_and_outcome(answer):
    figure = answer.plot()
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "contact: attendance",
        "contact: percent days abstinent",
        "alliance: attendance",
        "alliance: percent days abstinent",
    ]
    dots = [line for line in figure.axes[3].lines if line.get_marker() == "o"]
    wanted = answer.tables["by_time"].loc["percent_days_abstinent"].groupby("time", sort=True)["mean"].apply(list)
    assert sorted(dot.get_xdata()[0] for dot in dots) == pytest.approx(sorted(np.concatenate(wanted.to_list())))


def test_the_same_seed_gives_the_same_answer(answer):
    again = ab.association(REGRESSION, STUDY, draws=500, chains=4, seed=4)
    assert again.table.equals(answer.table)
    other = ab.association(REGRESSION, STUDY, draws=500, chains=4, seed=5)
    assert not other.table.equals(answer.table)


def test_a_file_is_read(answer, tmp_path):
    STUDY.to_csv(tmp_path / "study.csv", index=False)
    from_file = ab.association(REGRESSION, tmp_path / "study.csv", draws=500, chains=4, seed=4)
    np.testing.assert_allclose(from_file.table["mean"], answer.table["mean"])


def test_too_few_draws_are_said_in_the_health():
    few = ab.association(dataclasses.replace(REGRESSION, outcomes=["attendance"]), STUDY, draws=60, chains=1, seed=4)
    assert not few.health.healthy
    assert str(few.health).startswith("Sampling: PROBLEMS. ")
    assert few.health.problems[0] == "Only one chain: whether chains agree cannot be checked. Use chains=4."
    assert few.health.problems[1].startswith("attendance, as published: too few effective draws (")


@pytest.mark.parametrize(
    ("rhat", "ess", "problem"),
    [
        (1.01, 400.0, ""),
        (1.01 + 1e-12, 400.0, "days, as published: the chains disagree (R-hat 1.010)"),
        (np.nan, 400.0, "days, as published: the chains disagree (R-hat nan)"),
        (1.01, 400.0 - 1e-9, "days, as published: too few effective draws (400)"),
        (1.01, np.nan, "days, as published: too few effective draws (nan)"),
    ],
)
def test_limits_of_health(monkeypatch, rhat, ess, problem):
    """The worst term and the worse of bulk and tail of any regression count."""

    def ess_of(draws, method):
        return xr.Dataset({"values": ("term", [900.0, ess if method == "tail" else 900.0])})

    monkeypatch.setattr(arviz_stats, "rhat", lambda draws: xr.Dataset({"values": ("term", [1.0, rhat])}))
    monkeypatch.setattr(arviz_stats, "ess", ess_of)
    fitted = SimpleNamespace(draws=xr.DataArray(np.zeros((4, 10, 2)), dims=("chain", "draw", "term")), accepted=0.9)
    health = regression_sampling.sampling_of({("days", PUBLISHED): fitted})
    assert health.healthy == (not problem)
    assert [each.startswith(problem) for each in health.problems] == [True] * bool(problem)


def test_settings_that_cannot_be_sampled_are_refused():
    with pytest.raises(ab.SpecError) as error:
        ab.association(REGRESSION, STUDY, draws=0, chains=0, seed=-1)
    assert error.value.problems == (
        "draws must be a whole number, at least 4; got 0.",
        "chains must be a whole number, at least 1; got 0.",
        "seed must be a whole number of 0 or more; got -1.",
    )


@pytest.mark.slow
def test_the_published_interaction_appears_under_every_truth(capsys):
    """Alliance x time is positive in populations where alliance leads, where nothing leads, and where days lead."""
    regression = dataclasses.replace(
        ab.packaged_model("association-kelly-2016").spec["alliance beyond contact"],
        outcomes=["percent_days_abstinent"],
    )
    for truth in ("default", "null", "reverse"):
        frame = ab.sponsor_study(truth, persons=12_000, seed=8).frame
        table = ab.association(regression, frame, draws=500, seed=7).table
        row = table.xs(PUBLISHED, level="model").xs("alliance:time", level="term").iloc[0]
        with capsys.disabled():
            print(f"{truth}: alliance x time {row['mean']:.2f} [{row['lower']:.2f}, {row['upper']:.2f}]")
        assert row["p_positive"] > 0.95
