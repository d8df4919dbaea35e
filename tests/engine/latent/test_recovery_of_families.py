"""Families of measures against data drawn here from the equations, and from nothing else."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import chi2, norm

import alliance_bayes as ab
from alliance_bayes.engine.latent.panel_likelihood import moments_at
from alliance_bayes.engine.latent.propagation import log_likelihoods
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.families.beta_binomial import BetaBinomial
from alliance_bayes.families.count import Count
from alliance_bayes.families.days import Days
from alliance_bayes.families.items import Items
from alliance_bayes.families.ordinal import Ordinal
from alliance_bayes.families.proportion import Proportion
from alliance_bayes.families.yes_no import YesNo
from textbook_families import log_density

TIMES = (0, 6, 12, 18, 24, 30)
# alliance is normal; the other measure, y, is seen through its family. First alliance, then y; rows are outcomes.
PHI = np.array([[0.45, 0.10], [0.25, 0.35]])
M = ["alliance", "y"]
PATHS = ["alliance -> alliance", "y -> alliance", "alliance -> y", "y -> y"]
ICC, TRAIT_CORRELATION, STATE_CORRELATION = np.array([0.5, 0.4]), 0.3, 0.2
ALLIANCE_MEANS, ALLIANCE_SD = np.array([5.0, 5.2, 5.1, 5.3, 5.2, 5.4]), 1.5
PREDICTOR_MEANS = np.array([0.0, 0.3, 0.4, 0.2, 0.1, 0.3])
WINDOW, TRIALS, EXPOSURE = 30, 6, 2.0


class Known(NamedTuple):
    """A family with the numbers behind it."""

    family: object
    """As the model is told."""
    code: str
    """Name of its log density."""
    size: float
    """Window, trials, log exposure or number of categories, as the density takes it."""
    numbers: tuple
    """Parameters of the density, in its order; of items, one tuple each."""
    named: dict
    """Block of the posterior to its true values, measure's name left out."""


def shares(cuts, slope, probit=False):
    """Probability of each category among itself and those above, in people with standard normal predictors."""
    shrunk = np.array(cuts) / np.sqrt(1 + (1.0 if probit else 256 / (75 * np.pi**2)) * slope**2)
    reached = norm.cdf(shrunk) if probit else expit(shrunk)
    before = np.concatenate([[0.0], reached[:-1]])
    return ((reached - before) / (1 - before)).tolist()


DAYS_CUTS, ORDINAL_CUTS = (-2.2, 0.3), (-2.0, -0.8, 0.4, 1.9)
ITEM_LOADINGS = (0.8, 1.2, 1.6, 2.2)
ITEM_CUTS = ((-1.4, -0.5, 0.4, 1.3), (-2.0, -1.1, 0.0, 1.5), (-2.2, -0.7, 0.5, 1.9), (-2.8, -1.5, 0.2, 2.2))
ITEMS = [f"item_{place}" for place in range(1, 5)]


KNOWN = {
    "days": Known(
        Days(WINDOW),
        "days",
        WINDOW,
        (*DAYS_CUTS, 1.3, 0.6, 0.5, 3.0),
        {"share": shares(DAYS_CUTS, 1.3), "slope": 1.3, "intercept": 0.6, "interior_slope": 0.5, "precision": 3.0},
    ),
    "beta_binomial": Known(
        BetaBinomial(TRIALS),
        "beta_binomial",
        TRIALS,
        (0.4, 0.9, 6.0),
        {"intercept": 0.4, "slope": 0.9, "precision": 6.0},
    ),
    "count": Known(
        Count(EXPOSURE),
        "count",
        np.log(EXPOSURE),
        (0.5, 0.8, 3.0),
        {"intercept": 0.5, "slope": 0.8, "dispersion": 3.0},
    ),
    "hurdle_count": Known(
        Count(hurdle=True),
        "hurdle_count",
        0.0,
        (1.2, 0.7, 3.0, 0.8, 1.1),
        {"intercept": 1.2, "slope": 0.7, "dispersion": 3.0, "any_intercept": 0.8, "any_slope": 1.1},
    ),
    "proportion": Known(
        Proportion(),
        "proportion",
        0.0,
        (-2.0, 1.6, 1.1, 0.3, 6.0),
        {"share": shares((-2.0, 1.6), 1.1), "slope": 1.1, "intercept": 0.3, "precision": 6.0},
    ),
    "yes_no": Known(YesNo(), "yes_no", 0.0, (0.3, 1.5), {"intercept": 0.3, "slope": 1.5}),
    "ordinal": Known(
        Ordinal(5), "ordinal", 5, (1.6, *ORDINAL_CUTS), {"slope": 1.6, "share": shares(ORDINAL_CUTS, 1.6)}
    ),
    "items": Known(
        Items(ITEMS, categories=5),
        "ordinal_probit",
        5,
        tuple((loading, *cuts) for loading, cuts in zip(ITEM_LOADINGS, ITEM_CUTS, strict=True)),
        {
            "loading": list(ITEM_LOADINGS),
            "share": [
                share
                for cuts, loading in zip(ITEM_CUTS, ITEM_LOADINGS, strict=True)
                for share in shares(cuts, loading, True)
            ],
        },
    ),
}


def covariance(variances, correlation):
    sds = np.sqrt(variances)
    return np.outer(sds, sds) * [[1, correlation], [correlation, 1]]


BETWEEN, WITHIN = covariance(ICC, TRAIT_CORRELATION), covariance(1 - ICC, STATE_CORRELATION)
INNOVATION = WITHIN - PHI @ WITHIN @ PHI.T  # the same spread within people at every wave


def linear_predictors(rng, persons):
    """Alliance and the linear predictor of y at every wave, shape (person, time, 2); total variances are 1."""
    within = rng.multivariate_normal([0, 0], WITHIN, persons)
    waves = [within]
    for _ in TIMES[1:]:
        within = within @ PHI.T + rng.multivariate_normal([0, 0], INNOVATION, persons)
        waves.append(within)
    return np.stack(waves, axis=1) + rng.multivariate_normal([0, 0], BETWEEN, persons)[:, None]


def beta_binomial(rng, size, logit, precision):
    mean = expit(logit)
    return rng.binomial(size, rng.beta(mean * precision, (1 - mean) * precision))


def negative_binomial(rng, log_mean, dispersion):
    return rng.poisson(np.exp(log_mean) * rng.gamma(dispersion, 1 / dispersion, log_mean.shape))


def until(accepted, draw, eta):
    """Draws at each eta, made again where they are not accepted."""
    found = draw(eta)
    while True:
        again = ~accepted(found)
        if not again.any():
            return found
        found[again] = draw(eta[again])


def responses(name, truth, eta, rng):
    """Answers at these linear predictors, of any shape; items have one more, last dimension."""
    numbers = truth.numbers
    if name == "days":
        none_cut, all_cut, slope, intercept, interior_slope, precision = numbers
        position = slope * eta + rng.logistic(size=eta.shape)
        some = until(
            lambda days: (days > 0) & (days < WINDOW),
            lambda at: beta_binomial(rng, WINDOW, intercept + interior_slope * at, precision),
            eta,
        )
        return np.where(position < none_cut, 0, np.where(position > all_cut, WINDOW, some))
    if name == "beta_binomial":
        return beta_binomial(rng, TRIALS, numbers[0] + numbers[1] * eta, numbers[2])
    if name in ("count", "hurdle_count"):

        def draw(at):
            return negative_binomial(rng, truth.size + numbers[0] + numbers[1] * at, numbers[2])

        if name == "count":
            return draw(eta)
        some = rng.random(eta.shape) < expit(numbers[3] + numbers[4] * eta)
        return np.where(some, until(lambda count: count > 0, draw, eta), 0)
    if name == "proportion":
        none_cut, all_cut, slope, intercept, precision = numbers
        position = slope * eta + rng.logistic(size=eta.shape)
        mean = expit(intercept + slope * eta)
        some = rng.beta(mean * precision, (1 - mean) * precision)
        return np.where(position < none_cut, 0, np.where(position > all_cut, 1, some))
    if name == "yes_no":
        return (rng.random(eta.shape) < expit(numbers[0] + numbers[1] * eta)).astype(int)
    if name == "ordinal":
        return categories(numbers, eta, rng.logistic(size=eta.shape))
    return np.stack([categories(each, eta, rng.standard_normal(eta.shape)) for each in numbers], axis=-1)


def categories(numbers, eta, noise):
    """From 1: one more for every cut that the latent answer passes."""
    return 1 + ((numbers[0] * eta + noise)[..., None] > np.array(numbers[1:])).sum(axis=-1)


def simulated(name, persons, seed):
    """A panel of alliance and y, or alliance and the items of y; an eighth of the values missing."""
    rng, truth = np.random.default_rng(seed), KNOWN[name]
    latent = linear_predictors(rng, persons)
    alliance = ALLIANCE_MEANS + ALLIANCE_SD * latent[:, :, 0]
    answers = responses(name, truth, latent[:, :, 1] + PREDICTOR_MEANS, rng)
    answers = answers if name == "items" else answers[..., None]
    values = np.concatenate([alliance[..., None], answers.astype(float)], axis=-1)
    values[rng.random(values.shape) < 0.125] = np.nan
    measures = ["alliance", *(ITEMS if name == "items" else ["y"])]
    return ab.Panel.from_arrays(values, measures=measures, times=TIMES)


@pytest.mark.parametrize("name", [name for name in KNOWN if name != "proportion"])
def test_simulated_answers_have_the_density_of_their_family(name):
    """Each value as often as the package's textbook density says, within four standard errors, at three predictors."""
    truth, n = KNOWN[name], 40_000
    rng = np.random.default_rng(1)
    for eta in (-1.2, 0.1, 1.5):
        drawn = responses(name, truth, np.full(n, eta), rng).reshape(n, -1)
        lowest = 1 if name in ("ordinal", "items") else 0
        for place, column in enumerate(drawn.T):
            phi = truth.numbers[place] if name == "items" else truth.numbers
            highest = {"yes_no": 1, "count": 25, "hurdle_count": 25, "ordinal": 4, "items": 4}.get(name, truth.size)
            values = np.arange(highest + 1)
            expected = np.exp([float(log_density(truth.code, each, truth.size, phi, np.array(eta))) for each in values])
            seen = (column[:, None] == values + lowest).mean(axis=0)
            error = np.sqrt(expected * (1 - expected) / n) + 1 / n
            assert (np.abs(seen - expected) < 4 * error).all(), (eta, place, seen, expected)


def test_simulated_predictors_have_the_moments_of_the_model():
    found = linear_predictors(np.random.default_rng(2), 200_000)
    correlation = np.corrcoef(found.reshape(len(found), -1).T)
    covariance = TRAIT_CORRELATION * np.sqrt(ICC.prod()) + STATE_CORRELATION * np.sqrt((1 - ICC).prod())
    next_wave = ICC[1] + PHI[1, 1] * (1 - ICC[1]) + PHI[1, 0] * STATE_CORRELATION * np.sqrt((1 - ICC).prod())
    np.testing.assert_allclose(found.var(axis=0), 1, atol=0.02)
    np.testing.assert_allclose([correlation[0, 1], correlation[6, 7]], covariance, atol=0.01)
    np.testing.assert_allclose([correlation[1, 3], correlation[3, 5]], next_wave, atol=0.01)


def parameters(truth):
    """Each parameter of the model by its name, in units of alliance and of the linear predictor."""
    scale = np.array([ALLIANCE_SD, 1.0])
    lagged = PHI * scale[:, None] / scale
    found = {f"{of} -> {on}": lagged[row, column] for row, on in enumerate(M) for column, of in enumerate(M)}
    waves = [f"innovation *, {before} to {time}" for before, time in pairwise(TIMES)]
    for words, matrix in {
        "between *": BETWEEN,
        f"within *, {TIMES[0]}": WITHIN,
        **dict.fromkeys(waves, INNOVATION),
    }.items():
        (first, both), (_, second) = matrix * np.outer(scale, scale)
        for what, value in {"variance alliance": first, "covariance alliance, y": both, "variance y": second}.items():
            found[words.replace("*", what)] = value
    for wave, time in enumerate(TIMES):
        found |= {f"mean alliance, {time}": ALLIANCE_MEANS[wave], f"mean y, {time}": PREDICTOR_MEANS[wave]}
    for name, values in truth.named.items():
        if np.ndim(values) == 0:
            found[f"{name} y"] = values
        elif "loading" not in truth.named:
            found |= {f"{name} {place} y": value for place, value in enumerate(values, start=1)}
        else:
            for item, of_item in zip(ITEMS, np.reshape(values, (len(ITEMS), -1)), strict=True):
                places = [f"{name} {place}" for place in range(1, 1 + len(of_item))] if name == "share" else [name]
                found |= {f"{word} {item} y": value for word, value in zip(places, of_item, strict=True)}
    return found


@pytest.mark.parametrize("name", list(KNOWN))
def test_the_score_of_many_people_is_zero_where_the_data_come_from(name):
    """Each derivative of the log-likelihood sums to 0 within four standard errors; all of them, by chi-squared."""
    truth = KNOWN[name]
    spec = ab.RICLPM(M, lags="equal", families={"y": truth.family})
    model = panel_model(spec, simulated(name, persons=20_000, seed=20))
    known = parameters(truth)
    theta = model.from_raw(np.array([known[word] for word in model.system.names]))

    def densities(at):
        means, covariances, phi, _, _ = moments_at(
            at, model.system.structure_arrays, model.system.arrays, model.families.links
        )
        return log_likelihoods(means, covariances, phi, model.latent_data, model.panel.n_persons)

    scores = np.empty((model.panel.n_persons, len(theta)))
    for place, step in enumerate(np.diag(1e-4 * np.maximum(np.abs(theta), 0.1))):
        scores[:, place] = (densities(theta + step) - densities(theta - step)) / (2 * step[place])
    total, information = scores.sum(axis=0), scores.T @ scores
    errors = total / np.sqrt(np.diag(information))
    far = {word: error for word, error in zip(model.system.names, errors, strict=True) if not abs(error) < 4}
    assert not far, far
    assert total @ np.linalg.solve(information, total) < chi2.ppf(0.999, len(theta))


def truths(truth):
    """Block of the posterior to the values behind the data, in units of alliance and of the linear predictor."""
    scale = np.array([ALLIANCE_SD, 1.0])
    return {
        "lagged": (PHI * scale[:, None] / scale).ravel(),
        "icc": ICC,
        "latent_mean": PREDICTOR_MEANS[1:, None],
        **{f"{block}_y": np.atleast_1d(values) for block, values in truth.named.items()},
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", list(KNOWN))
def test_no_mean_of_a_healthy_posterior_is_four_sds_off(name):
    """Of numbers above 0, on the log scale. Responses leave open how much of a change is their own noise, so that
    ICC, slope and precision lean together where the prior has more room: intervals are for calibration to judge."""
    truth = KNOWN[name]
    spec = ab.RICLPM(M, lags="equal", families={"y": truth.family})
    fit = ab.fit(spec, simulated(name, persons=400, seed=20), seed=21)
    assert not fit.health.problems, str(fit.health)
    posterior, far = fit.posterior, {}
    for block, values in truths(truth).items():
        draws = posterior[block].isel(interval=0).sel(path=PATHS) if block == "lagged" else posterior[block]
        sample = draws.stack(sample=("chain", "draw")).transpose("sample", ...).values
        assert sample.shape[1:] == values.shape, (block, sample.shape, values.shape)
        if (sample > 0).all():
            sample, values = np.log(sample), np.log(values)
        distance = (sample.mean(axis=0) - values) / sample.std(axis=0)
        far |= {
            (block, place): (values[place], distance[place])
            for place in np.ndindex(values.shape)
            if abs(distance[place]) > 4
        }
    assert not far, far
