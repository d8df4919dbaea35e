"""Where too many draws diverge, a fit is sampled once more in smaller steps, unless somebody said how."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import alliance_bayes as ab
from alliance_bayes.engine.kernels.entry_points import log_density
from alliance_bayes.engine.kernels.scaled import scaled_log_density
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.posterior import samplers
from alliance_bayes.posterior.keeping import Kept, keeping, versions
from alliance_bayes.posterior.sample import Sample
from alliance_bayes.posterior.samplers import compiled_for_nutpie, in_smaller_steps, sample_until_explored
from alliance_bayes.posterior.settings import Settings

SETTINGS = Settings(1000, 400, 4, 1, 0.8, 1, "nutpie")
FOUR_IN_4000, FIVE_IN_4000 = 4, 5


def sample_of(settings, divergences, n_draws=None):
    draws = np.zeros((settings.chains, n_draws or settings.draws))
    diverging = draws.copy()
    diverging.flat[:divergences] = 1
    groups = {"/posterior": xr.Dataset({"icc": (("chain", "draw"), draws)})}
    groups["/sample_stats"] = xr.Dataset({"diverging": (("chain", "draw"), diverging.astype(bool))})
    return Sample(xr.DataTree.from_dict(groups), replace(settings, compile_seconds=1.0, sampling_seconds=10.0))


@pytest.fixture
def sampled(monkeypatch):
    """Settings of each attempt; attempts diverge, are cut short or raise as a test says."""
    attempts = []

    def with_results(*results):
        def sample_posterior(_model, settings, *, progress):
            attempts.append(settings)
            result = results[len(attempts) - 1]
            if isinstance(result, Exception):
                raise result
            return sample_of(settings, *result)

        monkeypatch.setattr(samplers, "sample_posterior", sample_posterior)
        return attempts

    return with_results


def test_smaller_steps_and_a_longer_warm_up_where_more_than_one_draw_in_a_thousand_diverges(sampled, capsys):
    attempts = sampled((FIVE_IN_4000,), (0,))
    sample = sample_until_explored(None, SETTINGS)
    assert [(each.target_accept, each.tune) for each in attempts] == [(0.8, 400), (0.95, 1000)]
    assert (sample.settings.compile_seconds, sample.settings.sampling_seconds) == (2.0, 20.0)
    assert replace(sample.settings, compile_seconds=0, sampling_seconds=0) == in_smaller_steps(SETTINGS)
    assert capsys.readouterr() == ("", "")


def test_as_many_as_are_none_too_many_are_left(sampled):
    attempts = sampled((FOUR_IN_4000,))
    assert sample_until_explored(None, SETTINGS).settings.target_accept == 0.8
    assert len(attempts) == 1


def test_it_is_said_where_progress_is_shown(sampled, capsys):
    sampled((1200,), (0,))
    sample_until_explored(None, SETTINGS, progress=True)
    said = "1,200 of 4,000 draws diverged; sampling again in smaller steps (target_accept=0.95).\n"
    assert capsys.readouterr() == ("", said)


def test_an_interrupted_fit_is_not_sampled_again(sampled):
    attempts = sampled((400, 500))
    assert sample_until_explored(None, SETTINGS).interrupted
    assert len(attempts) == 1


def test_the_first_draws_are_kept_where_the_second_attempt_is_interrupted(sampled, tmp_path):
    results = (FIVE_IN_4000,), ab.InterruptionError("stopped")
    attempts = sampled(*results)
    sample = sample_until_explored(None, SETTINGS)
    assert sample.settings.target_accept == 0.8
    assert not sample.interrupted
    assert sample.stopped
    said = "Interrupted after 4,000 draws, of which 5 diverged, in a second attempt in smaller steps."
    assert sample.incomplete == (said,)
    attempts.clear()
    with keeping(Kept(tmp_path, versions())), pytest.raises(ab.InterruptionError, match="stopped"):
        sample_until_explored(None, SETTINGS)


def test_a_given_target_is_used_as_given(small_panel, monkeypatch, tmp_path):
    """And chains of both attempts are removed in the end."""
    spec, options = ab.RICLPM(["alliance", "days"]), {"seed": 5, "draws": 40, "tune": 40, "chains": 2, "cores": 1}
    monkeypatch.setattr(samplers, "MOST_DIVERGENT", -1.0)  # so that none is too many
    given = ab.fit(spec, small_panel, **options, target_accept=0.8)
    assert (given.settings.target_accept, given.settings.tune) == (0.8, 40)
    folder = tmp_path / "kept"
    again = ab.fit(spec, small_panel, **options, folder=folder, progress=False)
    assert (again.settings.target_accept, again.settings.tune) == (0.95, 100)
    assert not folder.exists()
    same = ab.fit(spec, small_panel, **options | {"tune": 100}, target_accept=0.95)
    np.testing.assert_array_equal(again.posterior["cross_lagged"], same.posterior["cross_lagged"])


@pytest.mark.parametrize(("at_mode", "density"), [(False, log_density), (True, scaled_log_density)])
def test_coordinates_about_the_mode_where_they_are_asked_for(small_panel, at_mode, density):
    model = panel_model(ab.RICLPM(["alliance", "days"]), small_panel)
    compiled, adaptation = compiled_for_nutpie(model, at_mode=at_mode)
    assert compiled.compiled_logp_func is density
    assert adaptation == "low_rank"
