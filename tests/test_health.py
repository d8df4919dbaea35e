"""Diagnostics in words, on draws made to be healthy or to have one ailment each."""

from dataclasses import dataclass

import arviz_stats
import numpy as np
import pytest
import xarray as xr

from alliance_bayes.health import Health, examine, with_integration

N_CHAINS, N_DRAWS = 4, 1000


def draws_of(*, change=None, n_chains=N_CHAINS, n_draws=N_DRAWS, divergences=0, energy=None, seed=1):
    """Independent normal draws of `effect` (path) and `total` (no dims), changed as asked."""
    rng = np.random.default_rng(seed)
    effect, total = rng.normal(size=(n_chains, n_draws, 2)), rng.normal(size=(n_chains, n_draws))
    if change is not None:
        change(effect, total, rng)
    posterior = xr.Dataset(
        {"effect": (("chain", "draw", "path"), effect), "total": (("chain", "draw"), total)},
        coords={"path": ["x -> y", "y -> x"], "chain": range(n_chains), "draw": range(n_draws)},
    )
    diverging = np.zeros((n_chains, n_draws), bool)
    diverging.ravel()[:divergences] = True
    energies = rng.normal(size=(n_chains, n_draws)) if energy is None else energy(rng)
    statistics = xr.Dataset({"diverging": (("chain", "draw"), diverging), "energy": (("chain", "draw"), energies)})
    return xr.DataTree.from_dict({"/posterior": posterior, "/sample_stats": statistics})


def shift_a_chain(effect, total, rng):
    effect[0, :, 1] += 1.5


def slow_down(effect, total, rng):
    for draw in range(1, effect.shape[1]):
        total[:, draw] = 0.97 * total[:, draw - 1] + np.sqrt(1 - 0.97**2) * total[:, draw]


def slow_energy(rng):
    return np.cumsum(rng.normal(size=(N_CHAINS, N_DRAWS)), axis=1) / 10


def test_independent_draws_are_healthy():
    health = examine(draws_of(), ["effect", "total"])
    assert health.healthy
    assert health.problems == ()
    assert health.rhat < 1.01
    assert health.ess_bulk > 3000
    assert health.ess_tail > 3000
    assert health.divergences == 0
    assert 0.8 < health.bfmi < 3
    assert health.worst in ("effect[x -> y]", "effect[y -> x]", "total")
    assert str(health) == (
        f"Sampling: no problems. R-hat at most {health.rhat:.3f}, effective sample size at least {health.ess_bulk:.0f} "
        f"(bulk) and {health.ess_tail:.0f} (tail), 0 divergences, BFMI at least {health.bfmi:.2f}."
    )


def test_chains_that_disagree():
    health = examine(draws_of(change=shift_a_chain), ["effect", "total"])
    assert health.rhat > 1.1
    assert health.worst == "effect[y -> x]"
    assert health.problems == (
        f"The chains disagree (R-hat {health.rhat:.4f} > 1.01). Use more tune and draws.",
        f"Too few effective draws ({min(health.ess_bulk, health.ess_tail):.0f} < 400, worst effect[y -> x]). "
        "Use more draws.",
    )


def test_draws_that_hang_together():
    health = examine(draws_of(change=slow_down, n_draws=2500, seed=3), ["effect", "total"])
    assert health.ess_bulk < 400
    assert health.worst == "total"
    assert (
        f"Too few effective draws ({min(health.ess_bulk, health.ess_tail):.0f} < 400, worst total). Use more draws."
    ) in health.problems


def test_few_draws():
    health = examine(draws_of(n_draws=60), ["effect", "total"])
    assert min(health.ess_bulk, health.ess_tail) < 400
    assert any(problem.startswith("Too few effective draws (") for problem in health.problems)


@pytest.mark.parametrize("divergences", [1, 37])
def test_divergences(divergences):
    health = examine(draws_of(divergences=divergences), ["effect", "total"])
    assert health.divergences == divergences
    (problem,) = health.problems
    assert problem.replace("transition:", "transitions:") == (
        f"{divergences} divergent transitions: part of the posterior is not explored. Raise target_accept (0.95, "
        "0.99); if they stay, the data do not identify the model, so simplify it."
    )
    assert str(health).splitlines()[0].startswith("Sampling: PROBLEMS. R-hat at most ")
    assert str(health).splitlines()[1] == problem


def test_energies_that_hardly_change():
    health = examine(draws_of(energy=slow_energy), ["effect", "total"])
    assert health.bfmi < 0.3
    assert health.problems == (f"The sampler moves slowly between energies (BFMI {health.bfmi:.2f}). Use more tune.",)


def test_one_chain_cannot_be_checked():
    health = examine(draws_of(n_chains=1, n_draws=4000), ["effect", "total"])
    assert np.isnan(health.rhat)
    assert health.problems == ("Only one chain: whether chains agree cannot be checked. Use chains=4.",)


def test_only_the_named_parameters_count():
    draws = draws_of(change=shift_a_chain)
    assert examine(draws, ["total"]).healthy
    assert not examine(draws, ["effect"]).healthy


def test_draws_that_are_not_numbers_are_not_healthy():
    def spoil(effect, total, rng):
        total[:] = np.nan

    assert not examine(draws_of(change=spoil), ["effect", "total"]).healthy


def test_a_parameter_that_never_moves_is_not_healthy():
    def freeze(effect, total, rng):
        total[:] = 0.3

    assert not examine(draws_of(change=freeze), ["effect", "total"]).healthy


def test_the_health_of_a_real_fit(small_fit):
    health = small_fit.health
    assert health.rhat >= 1
    assert 0 < health.ess_bulk < 1000
    assert health.worst.split("[")[0] in {block.name for block in small_fit.scale.blocks}
    assert health.divergences == int(small_fit.draws["sample_stats"]["diverging"].sum())
    assert health.healthy == (not health.problems)


# ---- at the limits themselves ----

LESS, MORE = 1 - 1e-12, 1 + 1e-12


def examined(monkeypatch, *, rhat=1.0, bulk=900.0, tail=900.0, bfmi=1.0):
    """Health of draws of which these are the worst numbers, beside better ones."""

    def ess(posterior, method):
        return xr.Dataset({"effect": ("path", [900.0, {"bulk": bulk, "tail": tail}[method]])}, {"path": ["a", "b"]})

    monkeypatch.setattr(arviz_stats, "rhat", lambda posterior: xr.Dataset({"effect": ("path", [1.0, rhat, 1.0])}))
    monkeypatch.setattr(arviz_stats, "ess", ess)
    monkeypatch.setattr(arviz_stats, "bfmi", lambda statistics: xr.Dataset({"energy": ("chain", [1.0, bfmi, 1.0])}))
    return examine(draws_of(n_draws=10), ["effect", "total"])


@pytest.mark.parametrize(
    ("numbers", "problem"),
    [
        ({}, ""),
        ({"rhat": 1.01}, ""),
        ({"rhat": 1.01 * MORE}, "The chains disagree"),
        ({"bulk": 400.0}, ""),
        ({"bulk": 400.0 * LESS}, "Too few effective draws"),
        ({"tail": 400.0}, ""),
        ({"tail": 400.0 * LESS}, "Too few effective draws"),
        ({"bfmi": 0.3}, ""),
        ({"bfmi": 0.3 * LESS}, "The sampler moves slowly"),
        ({"rhat": np.nan}, "The chains disagree"),
        ({"bulk": np.nan}, "Too few effective draws"),
        ({"tail": np.nan}, "Too few effective draws"),
    ],
)
def test_limits_of_health(monkeypatch, numbers, problem):
    found = examined(monkeypatch, **numbers)
    assert len(found.problems) == bool(problem)
    assert found.healthy == (not problem)
    assert all(each.startswith(problem) for each in found.problems)


@dataclass(frozen=True)
class Measured:
    effective_share: float
    unsettled: float


@pytest.mark.parametrize(
    ("share", "unsettled", "problem"),
    [
        (0.5, 0.01, ""),
        (0.5 * LESS, 0.0, "The approximate integral over the linear predictors moves the posterior"),
        (np.nan, 0.0, "The approximate integral over the linear predictors moves the posterior"),
        (1.0, 0.01 * MORE, "The integral did not settle for 1.0 % of cases"),
    ],
)
def test_limits_of_integrals(share, unsettled, problem):
    error = Measured(share, unsettled)
    found = with_integration(Health(1.0, 900.0, 900.0, 0, 1.0, "", ("Before.",)), error)
    assert found.problems[0] == "Before."
    assert [each.startswith(problem) for each in found.problems[1:]] == [True] * bool(problem)
    assert found.integration is error
