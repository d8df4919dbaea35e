"""Where chains explore too coarsely, a fit is sampled once more in smaller steps, unless somebody said how."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import alliance_bayes as ab
from alliance_bayes.basics import memory
from alliance_bayes.basics.warning import warn
from alliance_bayes.engine.kernels.entry_points import log_density
from alliance_bayes.engine.kernels.scaled import scaled_log_density
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.posterior import examining, health, one_of_many, samplers
from alliance_bayes.posterior.health import Health, examine
from alliance_bayes.posterior.interruption import FitWarning, without_interruption_warnings
from alliance_bayes.posterior.keeping import Kept, KeptChains, keeping, versions
from alliance_bayes.posterior.mixing import mixed
from alliance_bayes.posterior.sample import Sample
from alliance_bayes.posterior.samplers import compiled_for_nutpie, sample_until_explored, with_more_care
from alliance_bayes.posterior.settings import Settings
from alliance_bayes.posterior.thinning import as_if_thinned, every

SETTINGS = Settings(1000, 400, 4, 1, 0.8, 1, "nutpie")
FINE = Health(1.004, 900, 800, 4, 0.9, "icc", ())


def sample_of(settings, n_draws=None):
    draws = np.zeros((settings.chains, n_draws or settings.draws))
    groups = {"/posterior": xr.Dataset({"icc": (("chain", "draw"), draws)})}
    return Sample(xr.DataTree.from_dict(groups), replace(settings, compile_seconds=1.0, sampling_seconds=10.0))


@pytest.fixture
def sampled(monkeypatch):
    """Settings of each attempt; attempts have the health, are cut short or raise as a test says."""
    attempts = []

    def with_results(*results):
        def sample_posterior(_model, settings, *, progress):
            attempts.append(settings)
            result = results[len(attempts) - 1]
            if isinstance(result, Exception):
                raise result
            return sample_of(settings, result if isinstance(result, int) else None)

        monkeypatch.setattr(samplers, "sample_posterior", sample_posterior)
        monkeypatch.setattr(samplers, "examine_chains", lambda *_: results[len(attempts) - 1])
        return attempts

    return with_results


REASONS = {
    "5 of 4,000 draws diverged": {"divergences": 5},
    "R-hat 1.0101": {"rhat": 1.0101},
    "399 effective draws": {"ess_bulk": 399},
    "398 effective draws": {"ess_tail": 398},
    "R-hat 1.2000, 60 effective draws": {"rhat": 1.2, "ess_bulk": 60},
}


@pytest.mark.parametrize(("reasons", "change"), REASONS.items(), ids=REASONS)
def test_once_more_for_each_reason_that_more_care_cures(sampled, capsys, reasons, change):
    attempts = sampled(replace(FINE, **change), FINE)
    sample = sample_until_explored(None, SETTINGS, progress=True)
    assert [(each.target_accept, each.tune, each.draws, each.thin) for each in attempts] == [
        (0.8, 400, 1000, 1),
        (0.95, 1000, 1000, 2),
    ]
    assert (sample.settings.compile_seconds, sample.settings.sampling_seconds) == (2.0, 20.0)
    assert replace(sample.settings, compile_seconds=0, sampling_seconds=0) == with_more_care(SETTINGS)
    said = f"{reasons}; sampling again in smaller steps (target_accept=0.95), keeping 1 of 2 draws.\n"
    assert capsys.readouterr() == ("", said)


def test_nothing_is_said_where_no_progress_is_shown(sampled, capsys):
    attempts = sampled(replace(FINE, divergences=1200), FINE)
    sample_until_explored(None, SETTINGS)
    assert len(attempts) == 2
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"rhat": 1.01, "ess_bulk": 400, "ess_tail": 400},
        {"bfmi": 0.2, "stuck": (2,)},
        {"rhat": np.nan},
    ],
    ids=["fine", "at every limit", "what smaller steps do not cure", "one chain"],
)
def test_not_for_anything_else(sampled, change):
    health = replace(FINE, **change)
    attempts = sampled(health)
    sample = sample_until_explored(None, SETTINGS)
    assert (sample.settings.target_accept, sample.settings.thin) == (0.8, 1)
    assert sample.examined is health
    assert len(attempts) == 1


@pytest.mark.parametrize(("divergences", "n_attempts"), [(1, 1), (2, 2)])
def test_of_few_draws_only_divergences_count(sampled, divergences, n_attempts):
    """Chains may move well and yet 2 x 500 draws be too few: whoever asks for few does not wait for more."""
    attempts = sampled(replace(FINE, rhat=1.02, ess_bulk=120, ess_tail=90, divergences=divergences), FINE)
    sample_until_explored(None, replace(SETTINGS, chains=2, draws=500))
    assert len(attempts) == n_attempts


def test_few_draws_are_few_however_many_were_not_kept(sampled):
    attempts = sampled(replace(FINE, rhat=1.02, ess_bulk=298))
    sample_until_explored(None, replace(SETTINGS, draws=100, thin=10))
    assert len(attempts) == 1


def test_divergences_are_a_share_of_all_draws_kept_or_not(sampled):
    attempts = sampled(replace(FINE, divergences=12))
    assert sample_until_explored(None, replace(SETTINGS, thin=3)).settings.target_accept == 0.8
    assert len(attempts) == 1


def test_an_interrupted_fit_is_not_sampled_again(sampled):
    attempts = sampled(500)
    assert sample_until_explored(None, SETTINGS).interrupted
    assert len(attempts) == 1


@pytest.mark.parametrize("second", [ab.InterruptionError("stopped"), 990], ids=["nothing to keep", "nearly done"])
def test_the_first_draws_are_kept_where_the_second_attempt_is_interrupted(sampled, second):
    sampled(replace(FINE, divergences=5), second)
    sample = sample_until_explored(None, SETTINGS)
    assert (sample.settings.target_accept, sample.n_draws) == (0.8, 4000)
    assert not sample.interrupted
    assert sample.stopped
    said = (
        "Interrupted in a second attempt in smaller steps. The draws are those of the first "
        "(5 of 4,000 draws diverged)."
    )
    assert sample.incomplete == (said,)


def test_the_first_draws_are_kept_where_the_second_do_not_fit_into_memory(sampled):
    sampled(replace(FINE, divergences=5), MemoryError())
    sample = sample_until_explored(None, SETTINGS)
    assert (sample.settings.target_accept, sample.n_draws, sample.stopped) == (0.8, 4000, False)
    assert sample.incomplete == (
        "A second attempt in smaller steps, of 2 times as many draws, did not fit into memory. The draws are those of "
        "the first (5 of 4,000 draws diverged).",
    )


@pytest.mark.parametrize(("bytes_free", "n_attempts"), [(4_480_000, 2), (4_479_991, 1)])
def test_a_second_attempt_for_which_memory_is_too_small_is_not_begun(sampled, monkeypatch, bytes_free, n_attempts):
    """3 copies of 8,000 draws of a number and 20 statistics are 4,032,000 bytes, nine tenths of what is free."""
    monkeypatch.setattr(memory, "available_bytes", lambda: bytes_free)
    attempts = sampled(replace(FINE, divergences=5), FINE)
    sample = sample_until_explored(None, SETTINGS)
    assert len(attempts) == n_attempts
    assert [sentence.partition(" The")[0] for sentence in sample.incomplete] == (
        ["A second attempt in smaller steps, of 2 times as many draws, did not fit into memory."][n_attempts - 1 :]
    )


def test_an_answer_about_many_fits_reports_an_interruption_of_a_second_attempt_itself(sampled):
    sampled(replace(FINE, divergences=5), ab.InterruptionError("stopped"))
    (sentence,) = sample_until_explored(None, SETTINGS).incomplete
    with without_interruption_warnings():
        warn(sentence, FitWarning)


@pytest.mark.parametrize("thin", [1, 2, 5])
def test_bfmi_is_that_of_neighbouring_draws_kept_or_not(thin):
    """Energies of an AR(1) process of .9 have a BFMI of 2 (1 - .9)."""
    rng, energy = np.random.default_rng(4), np.zeros((4, 20_000))
    for draw in range(1, 20_000):
        energy[:, draw] = 0.9 * energy[:, draw - 1] + rng.normal(size=4)
    dims = ("chain", "draw")
    groups = {
        "/posterior": xr.Dataset({"icc": (dims, rng.normal(size=energy.shape))}),
        "/sample_stats": xr.Dataset({"energy": (dims, energy), "diverging": (dims, energy > 1e9)}),
    }
    found = examine(every(thin, xr.DataTree.from_dict(groups)), ["icc"], thin=thin)
    assert found.bfmi == pytest.approx(0.2, abs=0.02)
    assert "BFMI" in " ".join(found.problems)


def test_all_divergences_of_imputations_count_where_some_were_sampled_twice():
    rng, dims = np.random.default_rng(5), ("chain", "draw")
    energy = rng.normal(size=(2, 60))
    statistics = {"energy": (dims, energy), "diverging": (dims, energy > 1)}
    tree = xr.DataTree.from_dict(
        {"/posterior": xr.Dataset({"icc": (dims, energy)}), "/sample_stats": xr.Dataset(statistics)}
    )
    parts = [as_if_thinned(every(thin, tree)["sample_stats"].to_dataset()) for thin in (1, 2)]
    together = mixed([part.isel(draw=slice(30)) for part in parts])
    assert together["n_diverging"].dtype.kind == "i"
    expected = (energy[:, :30] > 1).sum() + (energy > 1).sum()
    assert together["n_diverging"].sum() == expected


def test_an_interrupted_second_attempt_is_an_error_where_chains_are_kept(sampled, tmp_path):
    sampled(replace(FINE, divergences=5), ab.InterruptionError("stopped"))
    with keeping(Kept(tmp_path, versions())), pytest.raises(ab.InterruptionError, match="stopped"):
        sample_until_explored(None, SETTINGS)


def test_a_given_target_is_used_as_given(small_panel, monkeypatch, tmp_path):
    """And chains of both attempts are removed in the end."""
    spec, options = ab.RICLPM(["alliance", "days"]), {"seed": 5, "draws": 40, "tune": 40, "chains": 2, "cores": 1}
    monkeypatch.setattr(health, "MOST_DIVERGENT", -1.0)  # so that none is too many
    given = ab.fit(spec, small_panel, **options, target_accept=0.8)
    assert (given.settings.target_accept, given.settings.tune) == (0.8, 40)
    folder = tmp_path / "kept"
    again = ab.fit(spec, small_panel, **options, folder=folder, progress=False)
    assert (again.settings.target_accept, again.settings.tune, again.settings.thin) == (0.95, 100, 2)
    assert not folder.exists()
    same = ab.fit(spec, small_panel, **again.settings.options)
    xr.testing.assert_identical(again.posterior, same.posterior)
    whole = ab.fit(spec, small_panel, **options | {"tune": 100, "draws": 80}, target_accept=0.95)
    np.testing.assert_array_equal(again.posterior["cross_lagged"], whole.posterior["cross_lagged"][:, 1::2])
    n_steps = [fit.draws["sample_stats"]["n_steps"].sum("draw") for fit in (again, whole)]
    np.testing.assert_array_equal(*n_steps)


def test_a_second_attempt_goes_on_from_its_finished_chains(small_panel, monkeypatch, tmp_path):
    spec, options = ab.RICLPM(["alliance", "days"]), {"seed": 5, "draws": 40, "tune": 40, "chains": 2, "cores": 1}
    monkeypatch.setattr(health, "MOST_DIVERGENT", -1.0)
    whole = ab.fit(spec, small_panel, **options, progress=False)
    save, n_saved = KeptChains.save, []

    def stop_at_the_fourth(*given):
        n_saved.append(1)
        if len(n_saved) == 4:  # the second of the second attempt
            raise OSError("no space left")
        save(*given)

    monkeypatch.setattr(KeptChains, "save", stop_at_the_fourth)
    with pytest.raises(OSError, match="no space left"):
        ab.fit(spec, small_panel, **options, progress=False, folder=tmp_path / "kept")
    assert len(list((tmp_path / "kept").iterdir())) == 3
    again = ab.fit(spec, small_panel, **options, progress=False, folder=tmp_path / "kept")
    assert len(n_saved) == 5
    xr.testing.assert_identical(again.posterior, whole.posterior)
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize(("at_mode", "density"), [(False, log_density), (True, scaled_log_density)])
def test_coordinates_about_the_mode_where_they_are_asked_for(small_panel, at_mode, density):
    model = panel_model(ab.RICLPM(["alliance", "days"]), small_panel)
    compiled, adaptation = compiled_for_nutpie(model, at_mode=at_mode)
    assert compiled.compiled_logp_func is density
    assert adaptation == "low_rank"


def test_of_every_three_draws_the_last_is_kept_and_all_divergences_count():
    rng = np.random.default_rng(1)
    icc, energy, steps = rng.normal(size=(3, 2, 3001))
    diverging = np.zeros((2, 3001), dtype=bool)
    diverging[0, [0, 1, 5, 9]] = diverging[1, 3000] = True  # the last of a chain is in no group of three
    statistics = {"diverging": diverging, "energy": energy, "n_steps": np.round(8 + steps).astype(int)}
    groups = {"/posterior": {"icc": icc}, "/sample_stats": statistics}
    tree = xr.DataTree.from_dict(
        {
            name: xr.Dataset({key: (("chain", "draw"), values) for key, values in group.items()}).assign_coords(
                chain=[0, 1], draw=np.arange(3001)
            )
            for name, group in groups.items()
        }
    )
    kept = every(3, tree)
    np.testing.assert_array_equal(kept["posterior"]["icc"], icc[:, 2:3000:3])
    np.testing.assert_array_equal(kept["sample_stats"]["energy"], energy[:, 2:3000:3])
    np.testing.assert_array_equal(kept["posterior"]["draw"], np.arange(1000))
    assert np.argwhere(kept["sample_stats"]["diverging"].to_numpy()).tolist() == [[0, 0], [0, 1], [0, 3]]
    assert int(kept["sample_stats"]["n_steps"][1, 2]) == statistics["n_steps"][1, 6:9].sum()
    found = examine(kept, ["icc"], thin=3)
    assert found.divergences == 4
    assert not any("divergent" in problem for problem in found.problems)  # of 6,000 draws
    assert "4 divergent transitions (2 per 1,000 draws)" in " ".join(examine(kept, ["icc"]).problems)


def test_of_an_interrupted_chain_too_few_draws_may_be_kept(small_panel, monkeypatch):
    """Of 59 draws every third is kept, which are 19."""
    spec, options = ab.RICLPM(["alliance", "days"]), {"seed": 5, "tune": 20, "chains": 1, "cores": 1}
    model = panel_model(spec, small_panel)
    settings = Settings(59, 20, 1, 1, 0.8, 5, "nutpie")
    tree = samplers.sample_posterior(model, settings).draws
    monkeypatch.setattr(samplers, "_run_nutpie", lambda *_: (tree, 0.0, 0.0))
    with pytest.raises(ab.InterruptionError, match=r"^Sampling was interrupted after 19 of 1,000 draws, "):
        ab.fit(spec, small_panel, **options, thin=3)
    assert samplers.sample_posterior(model, replace(settings, draws=19, thin=3)).n_draws == 19


def test_health_is_examined_once(small_panel, monkeypatch):
    examined = []
    monkeypatch.setattr(examining, "examine", lambda *given, **named: examined.append(1) or examine(*given, **named))
    fit = ab.fit(ab.RICLPM(["alliance", "days"]), small_panel, seed=5, draws=40, tune=40, chains=2, cores=1)
    assert fit.health == examine(fit.draws, [block.name for block in fit.model.scale.blocks])
    assert len(examined) == 1
    assert fit.with_draws(fit.draws).health == fit.health
    assert len(examined) == 2


@pytest.mark.parametrize(("first", "until_explored", "n"), [(5, True, 2), (5, False, 1), (4, True, 1)])
def test_a_fit_that_is_one_of_many_is_sampled_once_more_too(monkeypatch, first, until_explored, n):
    attempts = []

    def sampled_with(settings):
        attempts.append(settings)
        sample = sample_of(settings)
        groups = {"/posterior": sample.posterior, "/sample_stats": xr.Dataset()}
        return replace(sample, draws=xr.DataTree.from_dict(groups))

    monkeypatch.setattr(one_of_many, "_about_the_mode", lambda _, settings: sampled_with(settings))
    monkeypatch.setattr(one_of_many, "sample_posterior", lambda _, settings: sampled_with(settings))
    monkeypatch.setattr(one_of_many, "warm_up", lambda *_: 400)
    monkeypatch.setattr(
        one_of_many, "examine_chains", lambda *_: replace(FINE, divergences=first if len(attempts) == 1 else 0)
    )
    spec = type("Spec", (), {})
    fit = one_of_many.fit_one_of_many(
        type("Model", (), {"spec": spec}), replace(SETTINGS, tune=200), until_explored=until_explored, with_prior=False
    )
    assert attempts == [replace(SETTINGS, tune=200), with_more_care(SETTINGS)][:n]
    assert fit.settings.thin == n
