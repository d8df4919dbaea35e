"""How much memory there is, and what is refused before it is asked for."""

import tracemalloc

import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.basics import memory
from alliance_bayes.engine.design import design_of
from alliance_bayes.engine.layout import lay_out
from alliance_bayes.engine.model_on_panel import PanelModel, panel_model
from alliance_bayes.engine.rank import indistinct_parameters
from alliance_bayes.posterior.settings import check_memory_of_draws

TRUTH = ab.Truth(ab.RICLPM(["x", "y"]), times=[0, 1, 2], lagged={"x -> y": 0.2}, carry_over=0.3, icc=0.5)


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Where the system says how much memory is free, and what a control group may use of it."""
    monkeypatch.setattr(memory, "MEMORY", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "CGROUPS", ((tmp_path / "max", tmp_path / "current"),))
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemFree: 10 kB\nMemAvailable:  2000 kB\n")
    return tmp_path


def test_free_memory_is_what_the_system_says(files):
    assert memory.available_bytes() == 2000 * 1024


@pytest.mark.parametrize(("most", "taken", "expected"), [("1500000", "500000", 1_000_000), ("max", "5", 2_048_000)])
def test_a_control_group_may_allow_less(files, most, taken, expected):
    (files / "max").write_text(f"{most}\n")
    (files / "current").write_text(f"{taken}\n")
    assert memory.available_bytes() == expected


def test_without_either_it_is_the_memory_of_the_machine_or_nothing(files, monkeypatch):
    (files / "meminfo").unlink()
    assert memory.available_bytes() > 10**6
    monkeypatch.setattr(memory, "_limits", lambda: iter(()))
    assert memory.available_bytes() is None
    assert memory.memory_problem("Numbers", 1e30, "Less.") == ""


def test_a_refusal_says_how_much_is_needed_how_much_there_is_and_the_cure(files):
    assert memory.memory_problem("Numbers", 2000 * 1024 * 0.8 / 8, "Use fewer.") == ""
    assert memory.memory_problem("Numbers", 10**9, "Use fewer.") == (
        "Numbers need about 8.0 GB of memory, and 2.0 MB are free. Use fewer."
    )


def test_draws_that_fit_are_let_through_and_others_are_not(files):
    check_memory_of_draws(100, 4, 20)
    with pytest.raises(ab.SpecError, match="10,000 draws of each of 4 chains, with 20 numbers each, need about"):
        check_memory_of_draws(10_000, 4, 20)


def test_a_fit_asks_before_it_samples(files, small_panel, monkeypatch):
    monkeypatch.setattr("nutpie.sample", lambda *_, **__: pytest.fail("something was sampled"))
    with pytest.raises(ab.SpecError, match=r"2,000 draws of each of 4 chains.* need about .* and 2.0 MB are free"):
        ab.fit(ab.RICLPM(["alliance", "days"]), small_panel, seed=1, draws=2000)


def test_a_log_likelihood_is_asked_for_in_parts_where_it_is_too_large(files, small_fit):
    without = small_fit.with_draws(small_fit.draws.drop_nodes("log_likelihood"))
    assert without.log_likelihood(slice(2))["log_likelihood"]["values"].sizes["person"] == 2
    (files / "meminfo").write_text("MemAvailable: 200 kB\n")
    assert without.log_likelihood(slice(2))["log_likelihood"]["values"].sizes["person"] == 2
    with pytest.raises(
        ab.SpecError, match=r"300 draws of 59 people need about 0.3 MB .* Ask for some people at a time"
    ):
        without.log_likelihood()["log_likelihood"]["values"]


def test_the_estimate_for_simulated_persons_is_near_what_they_take():
    ab.simulate(TRUTH, persons=100, seed=1)
    tracemalloc.start()
    ab.simulate(TRUTH, persons=20_000, seed=1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    estimate = 8 * 4 * 20_000 * 3 * 4
    assert 0.4 * estimate < peak < 1.1 * estimate


def with_covariates(n_covariates, targets="intercepts", **options):
    """600 people with so many covariates, and a model in which all of them act."""
    rng = np.random.default_rng(1)
    names = [f"c{number}" for number in range(n_covariates)]
    panel = ab.Panel.from_arrays(
        ab.simulate(TRUTH, persons=600, seed=1).values,
        measures=["x", "y"],
        times=[0, 1, 2],
        covariates={name: rng.normal(size=600) for name in names},
    )
    return ab.RICLPM(["x", "y"], covariates=dict.fromkeys(names, targets), **options), panel


def peak_of(call):
    """What a call returns, and the most bytes that it held."""
    tracemalloc.start()
    found = call()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return found, peak


def test_many_covariates_are_examined_in_little_memory():
    """A square of all moments, of which most are those of covariates among themselves, would take 3.6 GB."""
    spec, panel = with_covariates(200)
    model, peak = peak_of(lambda: panel_model(spec, panel))
    assert model.system.n_parameters > 400
    assert peak < 80e6


def test_each_covariate_can_be_examined_in_little_memory():
    """Of 100 a square of all moments would take 250 MB."""
    spec, panel = with_covariates(100)
    model = PanelModel(lay_out(spec, design_of(spec, panel)), panel)
    found, peak = peak_of(lambda: indistinct_parameters(model.system, model.scale, model.design.cells))
    assert found == ()
    assert peak < 60e6


def test_many_covariates_hide_no_parameter_that_is_not_identified():
    """On both the intercepts and every wave a covariate acts twice, however many others there are."""
    spec, panel = with_covariates(12, ["intercepts", "every_wave"])
    with pytest.raises(ab.SpecError, match="is not identified") as caught:
        panel_model(spec, panel)
    assert "'c0 -> intercept x', 'c0 -> intercept y', 'c0 -> x', 'c0 -> y'" in str(caught.value)
    assert "and 40 more" in str(caught.value)
