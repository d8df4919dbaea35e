"""Diagnostics in words, on draws made to be healthy or to have one ailment each."""

from dataclasses import dataclass, replace

import arviz_stats
import numpy as np
import pytest
import xarray as xr

from alliance_bayes.posterior.health import Health, examine, with_integration

N_CHAINS, N_DRAWS = 4, 1000


def draws_of(*, change=None, n_chains=N_CHAINS, n_draws=N_DRAWS, divergences=0, energy=None, seed=1, **kept):
    """Independent normal draws of `effect` (path) and `total` (no dims), changed as asked.

    `kept` are more statistics of the sampler, one number for each chain.
    """
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
    for name, of_chains in kept.items():
        statistics[name] = (("chain", "draw"), np.repeat(np.array(of_chains)[:, None], n_draws, axis=1))
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


def test_one_divergence_in_a_thousand_draws_is_none_too_many():
    n_draws = draws_of()["sample_stats"]["diverging"].size
    some, more = (examine(draws_of(divergences=n_draws // 1000 + extra), ["effect", "total"]) for extra in (0, 1))
    assert some.healthy
    assert f", {some.divergences} divergences, " in str(some)
    assert ", 1 divergence, " in str(replace(some, divergences=1))
    assert not more.healthy


def test_divergences():
    health = examine(draws_of(divergences=37), ["effect", "total"])
    assert health.divergences == 37
    (problem,) = health.problems
    rate = 37_000 / draws_of()["sample_stats"]["diverging"].size
    assert problem == (
        f"37 divergent transitions ({rate:.2g} per 1,000 draws): part of the posterior is not explored. Raise "
        "target_accept (0.98, 0.99); if they persist, the data do not identify the model, so simplify it."
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


def freeze(*chains):
    def change(effect, total, rng):
        for chain in chains:
            effect[chain] = effect[chain, :1]
            total[chain] = total[chain, :1]

    return change


def test_a_frozen_chain_is_named_and_the_others_are_examined():
    """Step size 0 and the largest depth at every draw: what more warm-up and draws do not mend."""
    healthy = examine(draws_of(), ["effect", "total"])
    health = examine(
        draws_of(change=freeze(1), step_size=[0.4, 0.0, 0.5, 0.4], maxdepth_reached=[False, True, False, False]),
        ["effect", "total"],
    )
    (problem,) = health.problems
    assert problem == (
        "Chain 2 does not move (step size 0): its 1000 draws are not those of the posterior. More draws do not help. "
        "Sample again with another seed; if a chain still does not move, the density is numerically unstable there: "
        "look for measures or intervals in extreme units, narrow the priors, or simplify the model."
    )
    assert (health.stuck, health.step_size, health.at_largest_depth) == ((2,), 0.0, 1.0)
    assert health.rhat < 1.01
    assert 0.6 * healthy.ess_bulk < health.ess_bulk < healthy.ess_bulk
    assert "inf" not in str(health)


def test_several_frozen_chains():
    health = examine(draws_of(change=freeze(0, 3)), ["effect", "total"])
    (problem,) = health.problems
    assert problem.startswith("Chains 1 and 4 do not move: their 1000 draws are not those of the posterior.")
    assert health.stuck == (1, 4)


def test_no_chain_that_moves():
    health = examine(draws_of(change=freeze(*range(N_CHAINS))), ["effect", "total"])
    (problem,) = health.problems
    assert problem.startswith("Chains 1, 2, 3 and 4 do not move: their 1000 draws contain no information.")
    assert str(health).startswith("Sampling: PROBLEMS. R-hat unknown, ")


def stand_still(first, last, *, chain=1):
    """From draw `first` to draw `last`, counted from 1, a chain is where it is at `first`."""

    def change(effect, total, rng):
        for array in (effect, total):
            array[chain, first - 1 : last] = array[chain, first - 1]

    return change


@pytest.mark.parametrize(
    ("first", "last", "where"),
    [
        (11, 1000, "from draw 11 on: 990 of its 1,000"),
        (2, 1000, "from draw 2 on: 999 of its 1,000"),
        (980, 1000, "from draw 980 on: 21 of its 1,000"),
        (981, 1000, ""),
        (1, 21, "from draw 1 to draw 21: 21 of its 1,000"),
        (1, 20, ""),
        (300, 320, "from draw 300 to draw 320: 21 of its 1,000"),
        (300, 319, ""),
        (1, 999, "from draw 1 to draw 999: 999 of its 1,000"),
    ],
)
def test_a_chain_that_stands_still_for_a_while_is_named(first, last, where):
    """The limit is 20 draws that repeat the one before them."""
    health = examine(draws_of(change=stand_still(first, last)), ["effect", "total"])
    assert health.stuck == ((2,) if where else ())
    assert health.healthy == (not where)
    if where:
        (problem,) = health.problems
        assert problem == (
            f"Chain 2 does not move {where} draws are identical and contain no information about the posterior. More "
            "draws do not help. Sample again with another seed; if a chain still does not move, the density is "
            "numerically unstable there: look for measures or intervals in extreme units, narrow the priors, or "
            "simplify the model."
        )


@pytest.mark.parametrize(
    ("thin", "last", "stuck"), [(2, 310, ()), (2, 311, (2,)), (3, 307, ()), (3, 308, (2,)), (25, 302, (2,))]
)
def test_draws_that_were_not_kept_stood_still_too(thin, last, stuck):
    assert examine(draws_of(change=stand_still(301, last)), ["effect", "total"], thin=thin).stuck == stuck


def test_one_parameter_that_stands_still_is_not_a_chain_that_does():
    def change(effect, total, rng):
        total[1, 300:400] = total[1, 300]

    assert examine(draws_of(change=change), ["effect", "total"]).stuck == ()


def test_every_chain_that_stands_still_is_named_where_it_does():
    def change(effect, total, rng):
        stand_still(11, 1000, chain=0)(effect, total, rng)
        stand_still(301, 400, chain=2)(effect, total, rng)
        stand_still(1, 1000, chain=3)(effect, total, rng)

    health = examine(draws_of(change=change, step_size=[0.1, 0.5, 0.2, 0.0]), ["effect", "total"])
    assert health.stuck == (1, 3, 4)
    assert [problem.partition(":")[0] for problem in health.problems] == [
        "Chain 4 does not move (step size 0)",
        "Chain 1 does not move from draw 11 on (step size 0.1)",
        "Chain 3 does not move from draw 301 to draw 400 (step size 0.2)",
    ]


def test_a_real_chain_repeats_few_draws(small_fit):
    """What the limit rests on: a repeated draw is rare, and a second one after it rarer."""
    (repeated, twice) = ([], [])
    for chain in range(2):
        draws = small_fit.posterior.isel(chain=chain)
        parts = [draws[block.name].to_numpy().reshape(150, -1) for block in small_fit.model.scale.blocks]
        same = (np.diff(np.column_stack(parts), axis=0) == 0).all(axis=1)
        repeated.append(same.mean())
        twice.append((same[1:] & same[:-1]).any())
    assert max(repeated) < 0.1
    assert not any(twice)


def test_draws_without_a_value_are_counted_by_chain():
    def spoil(effect, total, rng):
        effect[0, [3, 5], 1] = np.nan
        total[0, 5] = np.nan
        total[3, 999] = np.inf

    health = examine(draws_of(change=spoil), ["effect", "total"])
    (problem,) = health.problems
    assert problem == (
        "A parameter has no value (NaN or infinite) in 2 of 1,000 draws of chain 1 and 1 of 1,000 draws of chain 4: no "
        "sampler leaves such draws, so the draws were changed or damaged. Sample again, or read them from an undamaged "
        "file."
    )


@pytest.mark.parametrize("n_chains", [1, 2])
def test_a_single_draw(n_chains):
    """Of a variance nothing is known, and nothing warns."""
    health = examine(draws_of(n_chains=n_chains, n_draws=1), ["effect", "total"])
    assert "BFMI unknown." in str(health).splitlines()[0]
    assert not any("BFMI" in problem for problem in health.problems)
    assert not health.healthy


@pytest.mark.parametrize(("share", "stuck"), [(0.9e-3, (1,)), (1.1e-3, ())])
def test_a_chain_that_hardly_moves_is_stuck(share, stuck):
    """Of equal draws but for their width, on either side of the limit of a thousandth of the widest chain's range."""

    def change(effect, total, rng):
        for array in (effect, total):
            array[:] = array[-1:]
            array[0] *= share

    assert examine(draws_of(change=change), ["effect", "total"]).stuck == stuck


def test_one_narrow_parameter_is_not_a_chain_that_stands_still():
    def change(effect, total, rng):
        total[0] *= 1e-5

    health = examine(draws_of(change=change), ["effect", "total"])
    assert health.stuck == ()
    assert any(problem.startswith("The chains disagree (R-hat ") for problem in health.problems)


@pytest.mark.parametrize("name", ["maxdepth_reached", "reached_max_treedepth"])
@pytest.mark.parametrize(("n_deep", "is_problem"), [(100, False), (101, True)])
def test_a_share_of_draws_at_the_largest_depth(name, n_deep, is_problem):
    """By nutpie and by PyMC; the limit is a tenth of a chain's draws."""
    draws = draws_of(**{name: [False] * N_CHAINS})
    draws["sample_stats"][name].values[2, :n_deep] = True
    health = examine(draws, ["effect", "total"])
    assert health.at_largest_depth == n_deep / 1000
    assert bool(health.problems) == is_problem
    if is_problem:
        assert health.problems[0].startswith(
            "Chain 3 reached the largest tree depth in 10 % of draws: trajectories end before they turn back"
        )


@pytest.mark.parametrize("size", [0.0, np.nan, np.inf])
def test_a_step_size_that_is_none(size):
    health = examine(draws_of(step_size=[0.3, 0.2, size, 0.3]), ["effect", "total"])
    (problem,) = health.problems
    assert problem.startswith(f"Chain 3 has no usable step size ({size:.2g}): the warm-up did not find one.")


def test_chains_that_disagree_for_a_known_reason_need_no_more_draws():
    health = examine(draws_of(change=shift_a_chain, step_size=[0.0, 0.2, 0.3, 0.3]), ["effect", "total"])
    assert health.problems[1] == f"The chains disagree (R-hat {health.rhat:.4f} > 1.01)."
    assert "Use more" not in " ".join(health.problems)


def test_only_the_named_parameters_count():
    draws = draws_of(change=shift_a_chain)
    assert examine(draws, ["total"]).healthy
    assert not examine(draws, ["effect"]).healthy


def test_draws_that_are_not_numbers_are_not_healthy():
    def spoil(effect, total, rng):
        total[:] = np.nan

    assert not examine(draws_of(change=spoil), ["effect", "total"]).healthy


def test_a_parameter_that_never_moves_is_not_healthy():
    def stop(effect, total, rng):
        total[:] = 0.3

    assert not examine(draws_of(change=stop), ["effect", "total"]).healthy


def test_the_health_of_a_real_fit(small_fit):
    health = small_fit.health
    assert health.rhat >= 1
    assert 0 < health.ess_bulk < 1000
    assert health.worst.split("[")[0] in {block.name for block in small_fit.model.scale.blocks}
    assert health.divergences == int(small_fit.draws["sample_stats"]["diverging"].sum())
    assert health.healthy == (not health.problems)
    statistics = small_fit.draws["sample_stats"]
    assert health.step_size == float(statistics["step_size"].min()) > 0
    assert health.at_largest_depth == float(statistics["maxdepth_reached"].mean("draw").max())
    assert health.stuck == ()


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
        (0.5 * LESS, 0.0, "The approximate integral over the linear predictors changes the posterior"),
        (np.nan, 0.0, "The approximate integral over the linear predictors changes the posterior"),
        (1.0, 0.01 * MORE, "The integral did not converge for 1.0 % of cases"),
    ],
)
def test_limits_of_integrals(share, unsettled, problem):
    error = Measured(share, unsettled)
    found = with_integration(Health(1.0, 900.0, 900.0, 0, 1.0, "", ("Before.",)), error)
    assert found.problems[0] == "Before."
    assert [each.startswith(problem) for each in found.problems[1:]] == [True] * bool(problem)
    assert found.integration is error
