"""Fits of imputed panels mixed, and Rubin's rules beside their closed form."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t as student

import alliance_bayes as ab
from alliance_bayes.basics.problems import PanelError, SpecError

SPEC = ab.RICLPM(["x", "y"])
QUICK = {"draws": 100, "tune": 150, "chains": 2, "cores": 1}


def imputed_panels(n_panels, *, spread=1.0, persons=80, seed=1):
    """Panels that share all but a fifth of the values, which are drawn anew in each."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(persons, 1, 2)) + rng.normal(size=(persons, 4, 2))
    absent = rng.random(values.shape) < 0.2
    filled = [np.where(absent, values + spread * rng.normal(size=values.shape), values) for _ in range(n_panels)]
    return [ab.Panel.from_arrays(each * [1, 20], measures=["x", "y"], times=[0, 1, 2, 3]) for each in filled]


# ---- Rubin's rules ----


@pytest.fixture(scope="module")
def answers():
    return [ab.maximum_likelihood(SPEC, panel) for panel in imputed_panels(5)]


def test_pooled_by_the_rules(answers):
    found = ab.pool(answers)
    for name in ("x -> y", "between variance x", "mean y, 2"):
        estimates = [each.table.loc[name, "estimate"] for each in answers]
        within = np.mean([each.table.loc[name, "se"] ** 2 for each in answers])
        between = np.var(estimates, ddof=1)
        total = within + 1.2 * between
        share = 1.2 * between / total
        old, complete = 4 / share**2, 79
        observed = (complete + 1) / (complete + 3) * complete * (1 - share)
        df = old * observed / (old + observed)
        row = found.table.loc[name]
        assert row["estimate"] == pytest.approx(np.mean(estimates))
        assert row["se"] == pytest.approx(np.sqrt(total))
        assert row["df"] == pytest.approx(df)
        assert row["between_share"] == pytest.approx(share)
        assert row["t"] == pytest.approx(row["estimate"] / row["se"])
        assert row["p"] == pytest.approx(2 * student.sf(abs(row["t"]), df))
        assert (row["lower"], row["upper"]) == pytest.approx(student.interval(0.95, df, row["estimate"], row["se"]))
    assert (found.n_panels, found.n_persons, found.complete_df) == (5, 80, 79)
    head, second, *_ = str(found).splitlines()
    assert head == f"Maximum likelihood of a {SPEC}"
    assert second == "5 imputed panels of 80 people, pooled by Rubin's rules"


def test_with_endless_complete_df_the_old_rule_is_left(answers):
    table = ab.pool(answers, complete_df=np.inf).table
    np.testing.assert_allclose(table["df"], 4 / table["between_share"] ** 2)
    assert (ab.pool(answers).table["df"] < 79).all()


def test_panels_without_difference_pool_to_one_of_them(answers):
    found = ab.pool([answers[0]] * 3)
    np.testing.assert_allclose(found.table["se"], answers[0].table["se"])
    np.testing.assert_allclose(found.table["df"], 80 / 82 * 79)
    np.testing.assert_allclose(found.table["between_share"], 0, atol=1e-20)


def test_complete_df_of_clusters():
    panels = imputed_panels(2)
    found = ab.pool([ab.maximum_likelihood(SPEC, panel, cluster=np.arange(80) // 2) for panel in panels])
    assert found.complete_df == 39


def test_answers_that_cannot_be_pooled(answers):
    other = ab.maximum_likelihood(ab.CLPM(["x", "y"]), imputed_panels(1, persons=70)[0], standard_errors="robust")
    with pytest.raises(SpecError) as caught:
        ab.pool([answers[0], other], complete_df=-1)
    assert str(caught.value) == (
        "These answers cannot be pooled. 2 problems:\n"
        "  1. Answer 2 differs from answer 1 in spec, parameters, number of people and standard errors.\n"
        "  2. complete_df must be above 0; got -1."
    )
    with pytest.raises(SpecError, match="There are 1 answers; give at least two, one for each imputed panel"):
        ab.pool(answers[:1])


@pytest.mark.slow
def test_pooled_intervals_cover():
    """Proper normal imputation of a fifth of the values at the last wave: 95 % intervals of its mean hold the truth."""
    covered = []
    for seed in range(200):
        rng = np.random.default_rng([5, seed])
        values = rng.normal(size=(100, 1, 2)) + rng.normal(size=(100, 3, 2))
        seen = rng.random(100) > 0.3
        known, outcome = np.column_stack([np.ones(100), values[:, :2].reshape(100, 4)]), values[:, 2, 0]
        found = []
        for _ in range(8):
            left = known[seen]
            best = np.linalg.lstsq(left, outcome[seen])[0]
            residual = outcome[seen] - left @ best
            variance = residual @ residual / rng.chisquare(seen.sum() - 5)
            drawn = rng.multivariate_normal(best, variance * np.linalg.inv(left.T @ left))
            filled = values.copy()
            filled[~seen, 2, 0] = known[~seen] @ drawn + np.sqrt(variance) * rng.normal(size=(~seen).sum())
            panel = ab.Panel.from_arrays(filled, measures=["x", "y"], times=[0, 1, 2])
            found.append(ab.maximum_likelihood(ab.CLPM(["x", "y"]), panel))
        row = ab.pool(found).table.loc["mean x, 2"]
        covered.append(row["lower"] < 0 < row["upper"])
    assert np.mean(covered) == pytest.approx(0.95, abs=0.05)


# ---- posteriors ----


@pytest.fixture(scope="module")
def mixed():
    return ab.fit_imputations(SPEC, imputed_panels(2, spread=2.0), seed=3, **QUICK)


def test_draws_are_those_of_every_fit(mixed):
    assert mixed.posterior.sizes["chain"] == 4
    assert mixed.posterior["chain"].to_numpy().tolist() == [0, 1, 2, 3]
    assert (mixed.n_draws, mixed.settings.chains) == (400, 4)
    for place, each in enumerate(mixed.fits):
        alone = ab.fit(SPEC, each.panel, seed=3 + place, **QUICK)
        own = mixed.posterior["lagged"].to_numpy()[2 * place : 2 * place + 2]
        np.testing.assert_array_equal(own, alone.posterior["lagged"].to_numpy())


def test_parameters_of_all_fits_are_in_one_unit(mixed):
    """Lagged effects from thetas, in the first panel's unit, are the derived ones in raw units."""
    quantity = mixed.model.derived["lagged"]
    derived = mixed.fits[0].model.derive(mixed.thetas)[:, quantity.where]
    np.testing.assert_allclose(derived, mixed.posterior["lagged"].to_numpy().reshape(400, -1), rtol=1e-8, atol=1e-10)


def test_share_between_imputations(mixed):
    draws = mixed.posterior["lagged"].sel(path="x -> y").isel(interval=0).to_numpy()
    between = 1.5 * np.var([draws[:2].mean(), draws[2:].mean()], ddof=1)
    within = np.mean([draws[:2].var(ddof=1), draws[2:].var(ddof=1)])
    assert mixed.between_share["lagged[0 to 1, x -> y]"] == pytest.approx(between / (within + between))
    assert mixed.between_share.between(0, 1).all()
    assert (np.diff(mixed.between_share) <= 0).all()
    assert "2 imputed panels of 80 people, 4 waves, 400 draws in " in str(mixed)
    assert f"  {mixed.between_share.index[0]}: {mixed.between_share.iloc[0]:.2f}" in str(mixed).splitlines()


def test_health_is_that_within_panels(mixed):
    assert mixed.health.rhat == max(each.health.rhat for each in mixed.fits)
    assert mixed.health.ess_bulk == min(each.health.ess_bulk for each in mixed.fits)
    assert mixed.health.problems == tuple(
        f"Panel {place}: {problem}" for place, each in enumerate(mixed.fits, 1) for problem in each.health.problems
    )
    chains = mixed.fits[0].posterior.sizes["chain"]
    stuck = mixed.fits[1].with_draws(mixed.fits[1].draws)
    stuck.__dict__["health"] = replace(mixed.fits[1].health, stuck=(1, 2))
    again = replace(mixed, fits=(mixed.fits[0], stuck, *mixed.fits[2:]))
    assert again.health.stuck == (chains + 1, chains + 2)
    assert mixed.health.stuck == ()
    assert mixed.health.problems  # so few draws are never enough


def test_questions_are_answered_of_the_mixture(mixed):
    answer = ab.directionality(mixed, "x", "y")
    assert answer.health is mixed.health
    assert "400 draws" in str(answer)
    shares = (
        (answer.draws["effect"].sel(path="x -> y") > 0).mean(("draw", "length")).to_numpy().reshape(2, 2).mean(axis=1)
    )
    row = answer.table.loc["x -> y", "average of intervals of 1"]
    assert row["p_positive_mcse"] == pytest.approx(np.std(shares, ddof=1) / np.sqrt(2))
    assert "lagged[0 to 1, x -> y]" in mixed.summary(["lagged"]).index


@pytest.mark.parametrize(
    "ask",
    [
        lambda fit: fit.person_scores(),
        lambda fit: fit.check(),
        lambda fit: fit.log_likelihood(),
        lambda fit: fit.save("x"),
    ],
)
def test_what_belongs_to_one_panel_is_refused(mixed, ask):
    with pytest.raises(SpecError, match=r"belongs to one panel, and this fit is of 2 imputed panels\. Ask each"):
        ask(mixed)


def test_panels_that_are_no_imputations_of_one():
    one, other = imputed_panels(2)
    fewer = ab.Panel.from_arrays(one.values[:70, :, ::-1], measures=["y", "x"], times=one.times)
    with pytest.raises(PanelError, match="Panel 3 differs from panel 1 in persons and measures") as caught:
        ab.fit_imputations(SPEC, [one, other, fewer], seed=1)
    assert len(caught.value.problems) == 1
    with pytest.raises(PanelError, match="All panels hold the same values, so nothing is imputed"):
        ab.fit_imputations(SPEC, [one, one], seed=1)
    with pytest.raises(PanelError, match="There are 1 panels; give at least two, better twenty"):
        ab.fit_imputations(SPEC, [one], seed=1)
    moments = ab.Panel.from_moments(
        measures=["x", "y"], times=[0, 1, 2, 3], n=80, means=np.zeros((4, 2)), covariance=np.eye(8), divisor="n"
    )
    with pytest.raises(PanelError, match="Panels 2 hold moments alone"):
        ab.fit_imputations(SPEC, [one, moments], seed=1)
