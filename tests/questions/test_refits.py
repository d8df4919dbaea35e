"""Every fit that a question makes is sampled as the fit it was asked of, its linear predictors too."""

from dataclasses import replace

import pytest

import alliance_bayes as ab
from alliance_bayes.files.questions import Question
from alliance_bayes.posterior import sampling
from alliance_bayes.posterior.settings import warm_up
from alliance_bayes.questions import shifted_panels
from alliance_bayes.questions.scores import LeftOut, leave_out, refitted
from latent_people import people

SPEC = ab.RICLPM(["alliance", "days"], lags="equal", residuals="equal", means="equal", families={"days": ab.Days(14)})
SAMPLED = {"target_accept": 0.91, "sampler": "pymc", "latent": "sample", "cores": 1, "thin": 2}


class StoppedError(Exception):
    """Raised where sampling would begin."""


@pytest.fixture(scope="module")
def fit():
    """A fit of few draws that says its linear predictors were sampled."""
    panel = people(40, 4, missing=0.15, dropout=True, seed=8)
    found = ab.fit(SPEC, panel, seed=1, draws=40, tune=60, chains=2, cores=1)
    return replace(found, sample=replace(found.sample, settings=replace(found.settings, **SAMPLED)))


@pytest.fixture
def settings(monkeypatch):
    """Settings of what would have been sampled."""
    seen = []

    def stop(model, settings, **_):
        seen.append((model.spec, settings))
        raise StoppedError

    for module in (sampling, shifted_panels):
        monkeypatch.setattr(module, "sample_posterior", stop)
    return seen


def exact_leave_one_out(fit, monkeypatch):
    """Leaving out one person whose weights fail."""
    from alliance_bayes.questions import scores

    def unsound(density):
        found, influence = importance(density)
        return replace(found, k_hat=found.k_hat * 0 + 2.0), influence

    importance = scores.importance_scores
    monkeypatch.setattr(scores, "importance_scores", unsound)
    monkeypatch.setattr(scores, "moment_matched", lambda *_: None)
    leave_out(LeftOut(fit), 1)


REFITS = {
    "exact leave one out": exact_leave_one_out,
    "leave future out": lambda fit, _: ab.leave_future_out({"one": fit, "other": fit}, training="past"),
    "another prior": lambda fit, _: refitted(fit, fit.panel, 2, fit.spec),
}


@pytest.mark.parametrize("name", REFITS)
def test_a_refit_is_sampled_as_the_fit_was(fit, settings, monkeypatch, name):
    with pytest.raises(StoppedError):
        REFITS[name](fit, monkeypatch)
    ((_, used),) = settings
    seconds = {"compile_seconds": 0.0, "sampling_seconds": 0.0}
    assert used.seed != fit.settings.seed
    assert used == replace(fit.settings, seed=used.seed, **seconds)


def test_completed_panels_are_sampled_as_the_fit_was(fit, settings):
    with pytest.raises(StoppedError):
        ab.delta_adjustment(fit, "alliance", "days", measure="days", imputations=2, draws=30, chains=3, cores=1)
    ((_, used),) = settings
    assert (used.latent, used.sampler, used.target_accept, used.thin) == ("sample", "pymc", 0.91, 2)
    assert (used.draws, used.chains, used.cores) == (30, 3, 1)
    assert used.tune == warm_up(SPEC, "pymc", "sample") != warm_up(SPEC, "nutpie", "integrate")


def test_variants_of_a_model_file_are_sampled_as_the_fit_was(fit, monkeypatch):
    seen = []

    def stop(model, settings, **_):
        seen.append((model.spec.is_latent, settings))
        raise ab.AllianceBayesError("Nothing is sampled.") if len(seen) > 1 else StoppedError

    monkeypatch.setattr(sampling, "sample_posterior", stop)
    with pytest.raises(StoppedError):
        Question("robustness", {"between": ["alliance", "days"]}).answer(fit)
    ((latent, used),) = seen
    assert latent
    assert replace(used, seed=1) == replace(fit.settings, compile_seconds=0.0, sampling_seconds=0.0)


def test_a_variant_without_linear_predictors_is_not_asked_to_sample_them(fit, small_fit, monkeypatch):
    from alliance_bayes.questions import robustness as module

    seen = {}

    def fitted(spec, panel, **options):
        seen[spec.is_latent] = options["latent"]
        return fit if spec.is_latent else small_fit

    monkeypatch.setattr(module, "fit_model", fitted)
    monkeypatch.setattr(module, "power_scaling_of", lambda *_: module.pd.DataFrame())
    variants = {"days normal": (replace(SPEC, families={}), fit.panel)}
    found = ab.robustness(SPEC, fit.panel, "alliance", "days", seed=1, variants=variants, latent="sample")
    assert seen == {True: "sample", False: "integrate"}
    assert found.heading.endswith("under 2 variants of the model? 40 people, 4 waves, 80 draws each")


def test_every_setting_is_passed_on(fit):
    assert fit.settings.options == {
        "draws": 40, "tune": 60, "chains": 2, "cores": 1, "target_accept": 0.91, "seed": 1, "sampler": "pymc",
        "latent": "sample", "thin": 2,
    }  # fmt: skip
