"""A preview: near to sampling, in the form of a fit, asked like one, and without a verdict where k-hat is high."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.posterior.importance import Weighted
from alliance_bayes.posterior.preview import examined

SPEC = ab.RICLPM(["alliance", "days"])
UNTRUSTED = (
    "The approximation misses a part of the posterior (k-hat 0.83 is 0.7 or more), so there is no verdict. Sample it "
    "with ab.fit."
)


@pytest.fixture(scope="module")
def strong_panel():
    """Many people, so that there is a verdict."""
    truth = ab.Truth(
        SPEC,
        times=[0, 1, 2, 3],
        lagged={"alliance -> days": 0.4},
        carry_over=0.3,
        icc=0.4,
        within_correlation=0.2,
        between_correlation=0.3,
    )
    return ab.simulate(truth, persons=1500, seed=4)


@pytest.fixture(scope="module")
def strong(strong_panel):
    return ab.preview(SPEC, strong_panel)


@pytest.fixture(scope="module")
def small(small_panel):
    return ab.preview(SPEC, small_panel)


def test_it_is_near_to_sampling(small, small_panel):
    fit = ab.fit(SPEC, small_panel, seed=6)
    assert fit.health.healthy
    assert small.health.healthy
    sampled = fit.summary(["lagged_standardized", "mean", "within_sd"])
    table = small.table.loc[sampled.index]
    n_effective = np.minimum(sampled["ess_bulk"], small.importance.n_effective)
    assert (np.abs(table["mean"] - sampled["mean"]) < 5 * sampled["sd"] / np.sqrt(n_effective / 2)).all()
    assert (np.abs(table["sd"] / sampled["sd"] - 1) < 0.15).all()


def test_the_first_one_of_a_process_does_not_wait_for_what_samples_and_plots():
    code = (
        "import sys, numpy as np, alliance_bayes as ab\n"
        "values = np.random.default_rng(1).normal(size=(60, 3, 2))\n"
        "panel = ab.Panel.from_arrays(values, measures=['x', 'y'], times=[0, 1, 2])\n"
        "str(ab.preview(ab.CLPM(['x', 'y']), panel))\n"
        "assert not {'nutpie', 'pymc', 'matplotlib'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_its_draws_have_the_form_of_a_fit(small, small_fit):
    assert set(small.draws.children) == {"posterior", "prior"}
    for group in ("posterior", "prior"):
        ours, theirs = small.drawn(group), small_fit.drawn(group)
        assert {name: array.dims for name, array in ours.data_vars.items()} == {
            name: array.dims for name, array in theirs.data_vars.items()
        }
        for dim in set(ours.dims) - {"chain", "draw"}:
            assert ours[dim].to_numpy().tolist() == theirs[dim].to_numpy().tolist()
    assert dict(small.posterior.sizes)["chain"] == 4
    assert small.n_draws == 4000


def test_draws_are_those_of_the_model(small):
    """Derived quantities belong to the random variables of the same draw, by the path that predictions take."""
    model = small.model
    derived = model.derive(small.sample.thetas(model)[:5])
    np.testing.assert_allclose(
        small.posterior["lagged"].transpose("chain", "draw", ...).to_numpy()[0, :5].reshape(5, -1),
        derived[:, model.derived["lagged"].where],
        rtol=1e-9,
    )


def test_the_same_seed_gives_the_same_draws(small, small_panel):
    again, other = (ab.preview(SPEC, small_panel, seed=seed) for seed in (1, 2))
    assert again.posterior.identical(small.posterior)
    assert not other.posterior.identical(small.posterior)


def test_moments_are_enough(small_panel):
    panel = small_panel
    complete = panel.values.reshape(len(panel.values), -1)
    complete = complete[~np.isnan(complete).any(axis=1)]
    names = list(panel.measures)
    of_moments = ab.Panel.from_moments(
        measures=names, times=panel.times, n=100, means=complete.mean(0), covariance=np.cov(complete.T) + np.eye(12)
    )
    assert ab.preview(SPEC, of_moments).table.notna().all(axis=None)


QUESTIONS = {
    "directionality": lambda draws: ab.directionality(draws, "alliance", "days"),
    "hypotheses": lambda draws: ab.hypotheses(draws, "alliance", "days"),
    "lag_curve": ab.lag_curve,
    "long_run_effects": ab.long_run_effects,
    "embeddability": ab.embeddability,
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_questions_of_draws_say_that_it_is_approximate(name, strong):
    answer = QUESTIONS[name](strong)
    assert str(answer).startswith("Approximate: ")
    assert answer._repr_html_().startswith("<div><p><b>Approximate: ")
    assert answer.to_dict()["heading"].startswith("Approximate: ")


def test_there_is_a_verdict_where_it_can_be_trusted(strong):
    assert strong.k_hat < 0.7
    assert ab.directionality(strong).verdict == "alliance leads"


def test_there_is_none_from_a_k_hat_of_0_7(strong):
    weights = np.full(1000, 1e-3)
    doubtful = replace(strong, importance=examined(Weighted(np.zeros((1000, 2)), weights, 0.83)))
    assert (doubtful.k_hat, doubtful.health.problems) == (0.83, (UNTRUSTED,))
    answer = ab.directionality(doubtful)
    assert answer.verdict == "undecided"
    assert answer.reasons[0] == f"The draws cannot be trusted: {UNTRUSTED}"
    assert examined(Weighted(np.zeros((1000, 2)), weights, 0.7)).healthy is False
    assert examined(Weighted(np.zeros((1000, 2)), weights, 0.69)).healthy is True


def test_few_effective_draws_are_a_problem():
    few = np.concatenate([np.full(399, 1 / 399), np.zeros(601)])
    health = examined(Weighted(np.zeros((1000, 2)), few, 0.2))
    assert health.problems == (
        "Too few effective draws (399 of 1,000; 400 are needed): the approximation is far from the posterior. Sample "
        "it with ab.fit.",
    )
    least = np.concatenate([np.full(999, 1 / 999), np.zeros(19_001)])
    assert not examined(Weighted(np.zeros((20_000, 2)), least, 0.2)).healthy
    assert examined(Weighted(np.zeros((401, 2)), np.full(401, 1 / 401), 0.2)).healthy


@pytest.mark.parametrize(
    "ask",
    [
        ab.loo_pit,
        ab.causal_order,
        lambda draws: ab.bayes_factors(draws, "alliance", "days"),
        lambda draws: ab.compare({"one": draws, "other": draws}),
    ],
)
def test_questions_that_need_more_than_draws_refuse(ask, small):
    with pytest.raises(ab.SpecError, match=r"fit|ab\.causal_order"):
        ask(small)


def test_one_group_can_be_asked(small_panel):
    groups = np.where(np.arange(60) % 2, "a", "b")
    panel = ab.Panel.from_arrays(
        small_panel.values, measures=small_panel.measures, times=small_panel.times, groups=groups
    )
    previewed = ab.preview(ab.RICLPM(["alliance", "days"], group_lags="pooled"), panel)
    answer = ab.directionality(previewed, group="a")
    assert str(answer).startswith("Approximate: ")
    assert "29 people" in answer.heading
    assert answer.heading.endswith("group a")
    assert answer.health is previewed.health


def test_models_that_are_not_normal_are_refused(small_panel):
    with pytest.raises(ab.SpecError) as caught:
        ab.preview(replace(SPEC, families={"days": ab.Count()}), small_panel)
    assert str(caught.value) == (
        "A preview is of a model of normal measures, and this one has families, a state or a selection. Sample it with "
        "ab.fit."
    )


def test_it_prints_what_it_is(small):
    head, health, _, *_ = str(small).splitlines()
    assert head == f"Approximate: {SPEC.title} of alliance, days: 59 people, 4 waves, 4000 draws, seed 1"
    assert health.startswith(f"Sampling: no problems. k-hat {small.k_hat:.2f} (the approximation covers ")
    assert small.in_short.startswith(f"Approximate, before sampling (k-hat {small.k_hat:.2f}, ")
    assert [part.split(" 0.")[0].split(" -0.")[0] for part in small.in_short.split(": ")[1].split("], ")] == [
        "days -> alliance",
        "alliance -> days",
    ]
