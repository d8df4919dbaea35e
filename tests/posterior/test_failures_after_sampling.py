"""Whatever fails after sampling: the posterior is kept, and one sentence says what is missing and what to do."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from test_interruption import MODEL
from typer.testing import CliRunner

import alliance_bayes as ab
from alliance_bayes.cli import app
from alliance_bayes.posterior import after_sampling

QUICK = {"seed": 5, "draws": 150, "tune": 200, "chains": 2}
SINGULAR = np.linalg.LinAlgError("Matrix is not positive definite")
ERRORS = [SINGULAR, MemoryError(), OSError("No space left on device\nat 3"), ZeroDivisionError("division by zero")]
IN_WORDS = [
    "LinAlgError: Matrix is not positive definite",
    "MemoryError",
    "OSError: No space left on device",
    "ZeroDivisionError: division by zero",
]
COMPLETE = "The draws of the parameters are complete."
PARTS = {
    "observed_data": ("Observed values", "fit.panel.values has them"),
    "log_likelihood": ("Log-likelihoods of persons", "fit.log_likelihood(persons) computes them"),
    "posterior_predictive": ("Posterior predictive draws", "fit.check() makes its own"),
}


def failing(monkeypatch, group, error):
    """Let one stage fail; every other one goes on."""

    def fail(*_):
        raise error

    stages = [stage._replace(draw=fail) if stage.group == group else stage for stage in after_sampling.STAGES]
    assert len(stages) == len(PARTS)
    monkeypatch.setattr(after_sampling, "STAGES", tuple(stages))


def fit_with_warnings(small_fit, small_panel):
    with pytest.warns(ab.FitWarning) as warned:
        fit = ab.fit(small_fit.spec, small_panel, **QUICK)
    assert tuple(str(each.message) for each in warned) == fit.incomplete
    return fit


@pytest.mark.parametrize("group", PARTS)
@pytest.mark.parametrize("place", range(4))
def test_one_part_fails(small_fit, small_panel, monkeypatch, group, place):
    failing(monkeypatch, group, ERRORS[place])
    fit = fit_with_warnings(small_fit, small_panel)
    what, cure = PARTS[group]
    sentence = f"{what} are missing, because computing them failed ({IN_WORDS[place]}). {COMPLETE} {cure}."
    assert fit.incomplete == (sentence,)
    assert sentence in str(fit).splitlines()
    assert list(fit.draws.children) == [name for name in small_fit.draws.children if name != group]
    xr.testing.assert_equal(fit.posterior, small_fit.posterior)
    for name in ("prior", "sample_stats"):
        assert set(fit.draws[name].data_vars) == set(small_fit.draws[name].data_vars)
    assert not fit.stopped
    assert str(ab.directionality(fit, "alliance", "days")) == str(ab.directionality(small_fit, "alliance", "days"))


@pytest.mark.parametrize("group", PARTS)
def test_ctrl_c_after_sampling_leaves_out_the_rest(small_fit, small_panel, monkeypatch, group):
    failing(monkeypatch, group, KeyboardInterrupt())
    fit = fit_with_warnings(small_fit, small_panel)
    names = list(PARTS)
    missing = {
        "observed_data": "observed values (fit.panel.values has them), log-likelihoods of persons "
        "(fit.log_likelihood(persons) computes them) and posterior predictive draws (fit.check() makes its own)",
        "log_likelihood": "log-likelihoods of persons (fit.log_likelihood(persons) computes them) and posterior "
        "predictive draws (fit.check() makes its own)",
        "posterior_predictive": "posterior predictive draws (fit.check() makes its own)",
    }[group]
    assert fit.incomplete == (f"Interrupted after sampling. {COMPLETE} Missing: {missing}.",)
    assert list(fit.draws.children) == ["posterior", "sample_stats", "prior", *names[: names.index(group)]]
    assert fit.stopped
    assert fit.interrupted == ""
    assert not any("Interrupted" in problem for problem in fit.health.problems), "every draw is there"


def test_several_parts_fail(small_fit, small_panel, monkeypatch):
    """At the depth where it happens: singular covariances, and no memory for the log-likelihood."""

    def fail(*_, **__):
        raise MemoryError

    def singular(_):
        raise SINGULAR

    monkeypatch.setattr("alliance_bayes.posterior.predictions.normal.per_person", fail)
    monkeypatch.setattr("alliance_bayes.posterior.predictions.normal.lower_factor", singular)
    fit = fit_with_warnings(small_fit, small_panel)
    assert [sentence.partition(" are missing")[0] for sentence in fit.incomplete] == [
        "Log-likelihoods of persons",
        "Posterior predictive draws",
    ]
    monkeypatch.undo()
    xr.testing.assert_equal(
        fit.log_likelihood()["log_likelihood"]["values"], small_fit.log_likelihood()["log_likelihood"]["values"]
    )


def test_health_without_the_error_of_the_integral(small_fit, monkeypatch):
    def fail(*_):
        raise SINGULAR

    monkeypatch.setattr("alliance_bayes.posterior.predictions.normal.NormalPeople.integration_error", fail)
    assert replace(small_fit).health.problems[0] == (
        "The error of the approximate integral over the linear predictors is unknown, because computing it failed "
        '(LinAlgError: Matrix is not positive definite). Compare the answer with that of latent="sample".'
    )


# ---- what needs a part that is missing ----


@pytest.fixture(scope="module")
def without_prior(small_fit):
    groups = {name: group for name, group in small_fit.draws.to_dict().items() if name != "/prior"}
    sentence = "Prior draws are missing, since somebody threw them away."
    return replace(
        small_fit, sample=replace(small_fit.sample, draws=xr.DataTree.from_dict(groups), incomplete=(sentence,))
    )


@pytest.mark.parametrize("question", ["directionality", "hypotheses"])
def test_questions_of_the_prior_refuse_with_the_sentence(without_prior, question):
    with pytest.raises(ab.SpecError) as caught:
        getattr(ab, question)(without_prior, "alliance", "days")
    assert str(caught.value) == (
        "This needs prior draws, which this fit does not contain. Prior draws are missing, since somebody threw "
        "them away."
    )


def test_questions_without_the_prior_are_answered(without_prior, small_fit):
    assert str(ab.lag_curve(without_prior)) == str(ab.lag_curve(small_fit))
    assert without_prior.health == small_fit.health


def test_a_part_that_is_missing_without_a_reason(small_fit):
    bare = small_fit.with_draws(xr.DataTree.from_dict({"/posterior": small_fit.posterior}))
    with pytest.raises(
        ab.SpecError, match=r"^This needs statistics of the sampler, which this fit does not contain\. It "
    ):
        bare.drawn("sample_stats")


def test_a_group_of_an_incomplete_fit_is_incomplete():
    from helpers import grouped_panel

    fit = ab.fit(ab.RICLPM(["x", "y"], group_lags="free"), grouped_panel(), seed=1, draws=50, tune=50, chains=2)
    groups = {name: group for name, group in fit.draws.to_dict().items() if name != "/prior"}
    sample = replace(fit.sample, draws=xr.DataTree.from_dict(groups), incomplete=("No prior.",))
    partial = replace(fit, sample=sample)
    of_group = partial.of_group("a")
    assert of_group.incomplete == ("No prior.",)
    with pytest.raises(ab.SpecError, match=r"No prior\.$"):
        ab.directionality(of_group, "x", "y")


# ---- the command line ----


def run_of_a_study(tmp_path):
    study = tmp_path / "study.csv"
    if not study.exists():
        ab.load(MODEL).simulate(persons=120, seed=8).to_csv(study, index=False)
    arguments = [
        "run",
        MODEL,
        study,
        "--out",
        tmp_path / "out",
        "--draws",
        50,
        "--tune",
        100,
        "--seed",
        1,
        "--chains",
        2,
    ]
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.filterwarnings("default::alliance_bayes.FitWarning")
def test_a_run_says_what_is_missing_and_answers(tmp_path, monkeypatch):
    failing(monkeypatch, "posterior_predictive", SINGULAR)
    result = run_of_a_study(tmp_path)
    assert result.exit_code == 0
    fit = ab.load_fit(tmp_path / "out" / "draws.nc")
    assert "posterior_predictive" not in fit.draws.children
    for text in (result.stderr, result.stdout, (tmp_path / "out" / "answer.txt").read_text()):
        assert "Posterior predictive draws are missing" in text
    assert "Verdict: " in result.stdout


def test_a_run_interrupted_after_sampling_goes_on_from_its_chains(tmp_path, monkeypatch):
    with monkeypatch.context() as patches:
        failing(patches, "posterior_predictive", KeyboardInterrupt())
        result = run_of_a_study(tmp_path)
    assert result.exit_code == 130
    assert "2 finished chains.\nTo go on: alliance-bayes run " in result.stderr
    assert not (tmp_path / "out" / "draws.nc").exists()
    result = run_of_a_study(tmp_path)
    assert result.exit_code == 0
    assert "posterior_predictive" in ab.load_fit(tmp_path / "out" / "draws.nc").draws.children
