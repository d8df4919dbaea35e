"""Shares with mass at both ends: one density, however they are drawn, and what users may and may not give."""

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import beta, kstest

import alliance_bayes as ab
from alliance_bayes.engine.latent.family_layout import family_layout, panel_responses, sparse_categories
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.families.registry import CODES, family_from_mapping, family_to_mapping, log_densities
from alliance_bayes.simulation.responses import drawn_responses

NUMBERS = {"cuts": [-1.4, 1.1], "slope": 1.2, "intercept": 0.3, "precision": 5.0}
PHI = np.array([-1.4, 1.1, 1.2, 0.3, 5.0])
SPEC = ab.RICLPM(["alliance", "sober"], lags="equal", families={"sober": ab.Proportion()})
N = 20_000


def some_shares(persons):
    """Alliance and shares of so many people at two waves, none at an end."""
    return np.random.default_rng(5).uniform(0.1, 0.9, size=(persons, 2, 2))


@pytest.mark.parametrize("eta", [-1.0, 0.0, 1.3])
def test_masses_and_density_sum_to_1(eta):
    """Over the logit of the share, in which density and derivative of the share make what the kernel gives."""
    logits = np.linspace(-32.0, 32.0, 20_001)
    values = np.concatenate([[0.0], expit(logits), [1.0]])
    result = np.empty((len(values), 1))
    log_densities(CODES["proportion"], 0.0, values, PHI, np.array([eta]), result)
    none, every = np.exp(result[[0, -1], 0])
    between = np.exp(result[1:-1, 0]).sum() * (logits[1] - logits[0])
    np.testing.assert_allclose(none, expit(-1.4 - 1.2 * eta), rtol=1e-12)
    np.testing.assert_allclose(every, expit(1.2 * eta - 1.1), rtol=1e-12)
    np.testing.assert_allclose(none + between + every, 1.0, rtol=1e-9)


def of_the_package(eta):
    return ab.Proportion().draw(PHI, np.full(N, eta), np.zeros(N), np.random.default_rng(4))[0]


def of_the_simulator(eta):
    truth = ab.Truth(ab.CLPM(["x", "y"], families={"y": ab.Proportion()}), times=[0, 1], responses={"y": NUMBERS})
    return drawn_responses(truth, np.full((N // 2, 2, 2), eta), np.random.default_rng(4))[..., 1].ravel()


@pytest.mark.parametrize("drawn", [of_the_package, of_the_simulator])
@pytest.mark.parametrize("eta", [-0.9, 0.7])
def test_shares_are_drawn_from_their_density(drawn, eta):
    values = drawn(eta)
    for end, chance in ((0.0, expit(-1.4 - 1.2 * eta)), (1.0, expit(1.2 * eta - 1.1))):
        assert abs((values == end).mean() - chance) < 4.5 * np.sqrt(chance * (1 - chance) / N)
    mean = expit(0.3 + 1.2 * eta)
    between = values[(values > 0) & (values < 1)]
    assert kstest(between, beta(5.0 * mean, 5.0 * (1 - mean)).cdf).pvalue > 1e-3


def test_draws_stay_between_the_ends_where_a_double_cannot():
    values = ab.Proportion().draw([-60, 60, 1, 0, 1e-3], np.zeros(N), np.zeros(N), np.random.default_rng(1))[0]
    assert ((values > 0) & (values < 1)).all()
    assert np.isnan(ab.Proportion().draw(PHI, np.array([np.nan]), np.zeros(1), np.random.default_rng(1))[0]).all()


def test_prior_shares_at_the_ends_are_those_of_all_people():
    """Whatever the slope, 0, what is between, and 1 have the probabilities that were drawn, a flat Dirichlet."""
    panel = ab.Panel.from_arrays(some_shares(9), measures=["alliance", "sober"], times=[0, 1])
    scale = panel_model(ab.CLPM(SPEC.measures, families=SPEC.families), panel).scale
    rng = np.random.default_rng(2)
    blocks = scale.draw(400, rng)
    first, second = blocks["share_sober"].T
    layout = family_layout(SPEC.measures, SPEC.families)
    spread = np.sqrt(1 + 256 / (75 * np.pi**2) * blocks["slope_sober"][:, 0] ** 2)
    reached = np.stack([first, 1 - (1 - first) * (1 - second)])
    cuts = np.log(reached / (1 - reached)) * spread
    eta = rng.standard_normal((2000, 1))
    shift = blocks["slope_sober"][:, 0] * eta
    found = expit(cuts[:, None, :] - shift).mean(axis=1)
    assert layout.names[:2] == ("share 1 sober", "share 2 sober")
    np.testing.assert_allclose(found, reached, atol=0.04)
    assert np.abs(first.mean() - 1 / 3) < 4 * first.std() / 20
    assert np.abs(reached[1].mean() - 2 / 3) < 4 * reached[1].std() / 20


def test_a_model_file_writes_and_reads_it():
    family = ab.Proportion(precision=ab.LogNormal(1.0, 0.5))
    assert family_to_mapping(family) == {"family": "proportion", "precision": {"log_normal": [1.0, 0.5]}}
    assert family_from_mapping("sober", family_to_mapping(family)) == family
    assert family_from_mapping("sober", "proportion") == ab.Proportion()
    with pytest.raises(ab.SpecError, match="'slope' needs a prior of family LogNormal"):
        ab.Proportion(slope=ab.Normal(0, 1))


def test_percentages_are_refused_with_their_cure():
    values = some_shares(3)
    values[1, 1, 1], values[2, 0, 1] = 55.0, -0.1
    panel = ab.Panel.from_arrays(values, measures=["alliance", "sober"], times=[0, 6], persons=["A", "B", "C"])
    with pytest.raises(ab.PanelError) as caught:
        panel_responses(panel, family_layout(SPEC.measures, SPEC.families))
    assert caught.value.problems == (
        "'sober' has 2 values outside its family, first 55 of 'B' at 6, -0.1 of 'C' at 0. Its "
        "values must be shares from 0 to 1; divide "
        "percentages, from 0 to 100, by 100.",
    )


def test_ends_without_values_rest_on_their_prior():
    values = some_shares(6)
    values[:5, 0, 1] = 1.0
    panel = ab.Panel.from_arrays(values, measures=["alliance", "sober"], times=[0, 6])
    layout = family_layout(SPEC.measures, SPEC.families)
    assert sparse_categories(panel_responses(panel, layout), layout) == (
        "'sober': fewer than 5 values are 0 (0). The cut point of that end rests on its prior.",
    )


def test_simulated_shares_are_fitted():
    truth = ab.Truth(
        SPEC,
        times=[0, 6, 12],
        lagged={"alliance -> sober": 0.2, "sober -> alliance": 0.0},
        icc=0.4,
        within_correlation=0.2,
        between_correlation=0.2,
        responses={"sober": NUMBERS},
    )
    panel = ab.simulate(truth, persons=30, seed=3)
    shares = panel.values[:, :, 1]
    assert ((shares >= 0) & (shares <= 1)).all()
    assert 0 < (shares == 0).mean() < 0.5
    fit = ab.fit(SPEC, panel, seed=1, draws=20, tune=30, chains=2)
    assert {"share lowest", "share highest"} <= set(fit.check().index.get_level_values("statistic"))
    assert np.isfinite(fit.draws.posterior["slope_sober"]).all()
    assert "sober as a share from 0 to 1" in str(SPEC)
