"""The model with linear predictors sampled, against plain numpy and scipy: families, cut points, and whole panels."""

import itertools

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.compile.mode import Mode
from scipy import stats
from scipy.special import expit

import alliance_bayes as ab
from alliance_bayes.engine.kernels.interpreter import run
from alliance_bayes.engine.latent.panel_likelihood import moments_at
from alliance_bayes.engine.latent.responses import Responses
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.families import cut_points
from alliance_bayes.families.beta_binomial import BetaBinomial
from alliance_bayes.families.count import Count
from alliance_bayes.families.days import Days
from alliance_bayes.families.items import Items
from alliance_bayes.families.ordinal import Ordinal
from alliance_bayes.families.proportion import Proportion
from alliance_bayes.families.registry import CODES
from alliance_bayes.families.yes_no import YesNo
from alliance_bayes.pymc_models import sampled_latents
from alliance_bayes.pymc_models.building import to_pymc
from alliance_bayes.spec.occurrence import Selection, State
from helpers import slope
from textbook_families import log_density, log_likelihood_by_grid

PLAIN = Mode(linker="py", optimizer="fast_compile")
TIMES = [0, 6, 12]
N_NODES = 15
NAMES = {code: name for name, code in CODES.items()}
PHI = {
    "days": [-1.5, 0.3, 1.2, 0.6, 0.7, 4.0],
    "days_probit": [-1.2, 0.3, 0.9, 0.6, 0.7, 2.0],
    "beta_binomial": [0.3, 0.9, 5.0],
    "count": [1.0, 0.8, 2.0],
    "hurdle_count": [1.0, 0.8, 2.0, 0.5, 1.1],
    "proportion": [-1.2, 1.4, 1.1, 0.2, 4.0],
    "proportion_probit": [-1.0, 1.2, 0.8, 0.2, 4.0],
    "yes_no": [0.4, 1.3],
    "ordinal": [1.3, -1.0, 0.2, 1.1],
    "ordinal_probit": [0.9, -1.0, -0.4, 0.5],
    "occurrence": [],
}
SIZE = {
    "days": 14.0, "days_probit": 5.0, "beta_binomial": 6.0, "count": 0.4, "hurdle_count": 0.4, "ordinal": 4.0,
    "ordinal_probit": 4.0,
}  # fmt: skip


def values_of(family):
    """One response of every kind."""
    size = SIZE.get(family, 0.0)
    if family in ("count", "hurdle_count"):
        return [0.0, 1.0, 7.0]
    if family in ("yes_no", "occurrence"):
        return [0.0, 1.0]
    if family.startswith("proportion"):
        return [0.0, 0.03, 0.6, 1.0]
    return list(range(int(size))) if family.startswith("ordinal") else [0.0, 1.0, size - 2, size]


@pytest.mark.parametrize("family", CODES)
def test_log_densities(family):
    eta = np.array([-4.0, -1.3, 0.0, 0.7, 3.5])
    size = SIZE.get(family, 0.0)
    pairs = list(itertools.product(values_of(family), eta))
    value, where = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    n, phi, linear = len(pairs), pt.dvector("phi"), pt.dvector("eta")
    # One response in three reads parameters of its own: those that follow.
    start = np.where(np.arange(n) % 3 == 2, len(PHI[family]), 0)
    both = np.array([*PHI[family], *(1.1 * number for number in PHI[family])], dtype=float)
    nothing = np.zeros(n, dtype=int)
    responses = Responses(nothing, nothing, np.full(n, CODES[family]), start, value, np.full(n, size))
    rows, densities = sampled_latents.response_log_densities(responses, phi, linear)
    gradient = pytensor.grad(densities.sum(), linear)
    found, slopes = pytensor.function([phi, linear], [densities, gradient], mode=PLAIN, on_unused_input="ignore")(
        both, where
    )

    def textbook(row, at):
        own = both[start[row] :][: len(PHI[family])]
        return float(log_density(family, value[row], size, own, np.array([at]))[0])

    want = [textbook(row, where[row]) for row in rows]
    np.testing.assert_allclose(found, want, rtol=1e-7, atol=1e-9)
    numeric = [slope(lambda at, row=row: textbook(row, at[0]), where[[row]], width=1e-4)[0] for row in range(n)]
    np.testing.assert_allclose(slopes, numeric, rtol=1e-5, atol=1e-6)


def test_cut_points():
    scale_of = [(cut_points.PLAIN, 0), *[(cut_points.LOGIT, 0)] * 2, (cut_points.PLAIN, 0)]
    scale_of += [*[(cut_points.PROBIT, 3)] * 3, *[(cut_points.LOGIT, 9)] * 2, (cut_points.PLAIN, 0)]
    links, numbers = np.array(scale_of), np.array([1.7, 0.2, 0.6, 2.5, 0.001, 0.3, 0.9995, 0.5, 0.01, 0.4])
    sampled = pt.dvector("sampled")
    phi = cut_points.symbolic_phi(sampled, links)
    weights = np.arange(1.0, 11.0)
    found, gradient = pytensor.function([sampled], [phi, pytensor.grad((phi * weights).sum(), sampled)], mode=PLAIN)(
        numbers
    )
    want = cut_points.to_phi(numbers, links)
    np.testing.assert_allclose(found, want, rtol=1e-10)
    np.testing.assert_allclose(gradient, cut_points.to_sampled_gradient(numbers, want, weights, links), rtol=1e-8)


# ---- whole panels ----


def draw(family, eta, rng):
    match family:
        case Days(window=most) | BetaBinomial(trials=most):
            return rng.binomial(most, rng.beta(0.4 + expit(eta), 0.4 + expit(-eta)))
        case Count():
            return rng.poisson(np.exp(0.5 + 0.6 * eta))
        case Proportion():
            return np.clip(rng.beta(0.8 + 2 * expit(eta), 0.8 + 2 * expit(-eta)) * 1.6 - 0.3, 0.0, 1.0)
        case YesNo():
            return (rng.uniform(size=eta.shape) < expit(eta)).astype(float)
        case Ordinal(categories=categories, lowest=lowest) | Items(categories=categories, lowest=lowest):
            return lowest + rng.binomial(categories - 1, expit(eta))


def panel_of(
    families, *, persons=8, state=None, missing=0.2, seed=1, exact=("alliance",), covariate=False, unknown=None
):
    """People with normal and other measures, and a state that is known but for these persons and waves."""
    rng = np.random.default_rng(seed)
    columns, n_waves = {}, len(TIMES)
    eta = rng.normal(size=(persons, 1)) + rng.normal(size=(persons, n_waves))
    for name in exact:
        columns[name] = 3.0 + 2.0 * (eta + rng.normal(size=eta.shape))
    for name, family in families.items():
        for column in family.items if isinstance(family, Items) else [name]:
            columns[column] = np.asarray(draw(family, eta, rng), dtype=float)
    for name in columns:
        lost = rng.uniform(size=eta.shape) < missing
        lost[:3] = False
        columns[name][lost] = np.nan
    more = {"covariates": {"age": rng.normal(40.0, 9.0, persons)}} if covariate else {}
    if state is not None:
        on = rng.uniform(size=eta.shape) < 0.7
        on[:2] = True
        on = on.astype(float)
        if unknown is not None:
            on[unknown] = np.nan
        for name in state.required_by:
            columns[name][on != 1.0] = np.nan
        more |= {"states": {state.name: on}, "requires": dict.fromkeys(state.required_by, state.name)}
    return ab.Panel.from_arrays(np.stack(list(columns.values()), axis=2), measures=list(columns), times=TIMES, **more)


DAYS, SPONSOR = (
    {"days": Days(window=30)},
    State("sponsor", required_by=["alliance"], acquire=["days"], keep=["alliance", "days"], acts_on=["days"]),
)
ITEMS = {"bond": Items(["i1", "i2"], categories=3, lowest=1)}
KINDS = {
    "days beside a normal measure": (["alliance", "days"], DAYS, {}, {}),
    "days twice": (["days", "hours"], DAYS | {"hours": Days(window=7, link="probit")}, {}, {"exact": ()}),
    "two that are not normal": (["trials", "count"], {"trials": BetaBinomial(5), "count": Count()}, {}, {"exact": ()}),
    "hurdle and yes or no": (
        ["alliance", "count", "help"],
        {"count": Count(hurdle=True), "help": YesNo()},
        {},
        {},
    ),
    "shares": (["alliance", "sober"], {"sober": Proportion(link="probit")}, {}, {}),
    "categories": (["alliance", "mood"], {"mood": Ordinal(4, link="probit")}, {}, {}),
    "items": (["bond", "days"], ITEMS | DAYS, {}, {"exact": ()}),
    "covariate": (["alliance", "days"], DAYS, {"covariates": {"age": ["intercepts"]}}, {"covariate": True}),
    "state": (["alliance", "days"], DAYS, {"state": SPONSOR}, {"state": SPONSOR}),
    "selection": (
        ["alliance", "days"],
        DAYS,
        {"selection": [Selection("days", before=["alliance"])]},
        {},
    ),
}


def model_and_panel(name, **more):
    measures, families, options, how = KINDS[name]
    spec = ab.RICLPM(measures, lags="equal", families=families, **options)
    return spec, panel_of(families, **(how | more))


def at_prior_draw(whole, rng):
    """Values of the random variables, and what follows for every cell: means, covariances, phi."""
    while True:
        draws = whole.scale.draw(1, rng)
        psi = whole.scale.join(draws)[0]
        inner, _ = run(psi, whole.scale.arrays)
        first = whole.scale.arrays.output
        theta = inner[first : first + whole.scale.arrays.n_outputs].copy()
        means, covariances, phi, _, proper = moments_at(
            theta, whole.system.structure_arrays, whole.system.arrays, whole.families.links
        )
        if proper:
            return {name: values[0] for name, values in draws.items()}, means, covariances, phi


def in_plain_numpy(whole, means, covariances, phi, z, first=0):
    """Log density of exact values and of responses at linear predictors that z stands for, from a first case on."""
    values, responses, cases = whole.values(), whole.responses, whole.cases
    n_values = whole.system.n_values
    total, used = 0.0, 0
    for case in range(first, len(cases.person)):
        person = cases.person[case]
        mean, covariance = means[cases.cell[case]], covariances[cases.cell[case]].copy()
        of_case = np.flatnonzero(responses.case == case)
        predicted = responses.position[of_case][responses.code[of_case] == CODES["occurrence"]]
        covariance[predicted, predicted] += 1e-8
        known = np.flatnonzero(~np.isnan(values[person]))
        latent = np.unique(responses.position[of_case])
        total += cases.log_weight[case]
        if (known < n_values).any():
            block = covariance[np.ix_(known, known)]
            total += stats.multivariate_normal.logpdf(values[person, known], mean[known], block)
            total -= stats.norm.logpdf(values[person, known[known >= n_values]]).sum()
        if not len(latent):
            continue
        block = covariance[np.ix_(known, known)]
        weights = np.linalg.solve(block, covariance[np.ix_(known, latent)]).T
        conditional = covariance[np.ix_(latent, latent)] - weights @ covariance[np.ix_(known, latent)]
        eta = mean[latent] + weights @ (values[person] - mean)[known]
        eta = eta + np.linalg.cholesky(conditional) @ z[used : used + len(latent)]
        for row in of_case:
            name, own = NAMES[int(responses.code[row])], own_numbers(responses, row, phi)
            where = eta[[np.searchsorted(latent, responses.position[row])]]
            total += float(log_density(name, responses.value[row], responses.size[row], own, where)[0])
        used += len(latent)
    assert used == len(z)
    return total


def log_potentials(model, values, z):
    """The sum of a model's potentials at values of its random variables."""
    inputs = [model[name] for name in values] + [model["z"]]
    total = sum(model.potentials)
    function = pytensor.function(inputs, total, mode=PLAIN, on_unused_input="ignore")
    return float(function(*values.values(), z))


@pytest.mark.parametrize("name", KINDS)
def test_joint_density(name):
    """Given z, potentials are the normal density of exact values and the responses' densities."""
    spec, panel = model_and_panel(name)
    whole, model, rng = panel_model(spec, panel), to_pymc(spec, panel, latent="sample"), np.random.default_rng(3)
    want = -np.inf
    while want == -np.inf:  # the reference knows no probabilities below 1e-308, which an odd draw may give
        values, means, covariances, phi = at_prior_draw(whole, rng)
        z = rng.normal(size=len(model.coords["linear_predictor"]))
        want = in_plain_numpy(whole, means, covariances, phi, z)
    np.testing.assert_allclose(log_potentials(model, values, z), want, rtol=1e-7)


@pytest.mark.parametrize("name", KINDS)
def test_names(name):
    spec, panel = model_and_panel(name)
    model, integrated = to_pymc(spec, panel, latent="sample"), to_pymc(spec, panel)
    names = [variable.name for variable in model.free_RVs]
    assert names == [variable.name for variable in integrated.free_RVs] + ["z"]
    assert [each.name for each in model.deterministics] == [each.name for each in integrated.deterministics]
    assert model.named_vars_to_dims["z"] == ("linear_predictor",)


def test_gradient_is_finite():
    spec, panel = model_and_panel("state")
    model = to_pymc(spec, panel, latent="sample")
    gradients = pytensor.function(model.value_vars, pytensor.grad(model.logp(), model.value_vars), mode=PLAIN)
    start = model.initial_point()
    for gradient in gradients(*(start[variable.name] for variable in model.value_vars)):
        assert np.isfinite(gradient).all()


def test_labels_of_linear_predictors():
    spec, panel = model_and_panel("days beside a normal measure", missing=0.0, persons=3)
    labels = to_pymc(spec, panel, latent="sample").coords["linear_predictor"]
    assert labels[:4] == ("0: days, 0", "0: days, 6", "0: days, 12", "1: days, 0")


@pytest.mark.parametrize("name", ["days beside a normal measure", "categories", "hurdle and yes or no", "shares"])
def test_integral_over_z(name):
    """One person's z integrated out by quadrature: the density with linear predictors integrated out."""
    spec, panel = model_and_panel(name, missing=0.0)
    values = panel.values.copy()
    values[0, 1, 0] = np.nan
    n_measures = values.shape[2]
    kept = [(1, 1), (0, 1)] if n_measures == 2 else [(1, 1), (2, 2)]  # wave and measure of the person's responses
    for wave, place in itertools.product(range(3), range(1, n_measures)):
        if (wave, place) not in kept:
            values[0, wave, place] = np.nan
    whole = panel_model(spec, ab.Panel.from_arrays(values, measures=panel.measures, times=TIMES))
    model = to_pymc(spec, whole.panel, latent="sample")
    point, means, covariances, phi = at_prior_draw(whole, np.random.default_rng(5))
    inputs = [*(model[each] for each in point), model["z"]]
    function = pytensor.function(inputs, sum(model.potentials), mode=PLAIN, on_unused_input="ignore")

    nodes, weights = np.polynomial.hermite_e.hermegauss(N_NODES)
    log_weights = np.log(weights / weights.sum())
    z = np.zeros(len(model.coords["linear_predictor"]))
    terms = []
    for places in itertools.product(range(N_NODES), repeat=2):
        z[:2] = nodes[list(places)]
        terms.append(function(*point.values(), z) + log_weights[list(places)].sum())
    alone = of_person(whole, 0, phi)
    assert len(alone) == 2
    want = log_likelihood_by_grid(means[0], covariances[0], whole.values()[0], alone, n_points=N_NODES)
    others = in_plain_numpy(whole, means, covariances, phi, z[2:], first=1)
    np.testing.assert_allclose(np.logaddexp.reduce(terms), want + others, rtol=1e-9)


def of_person(whole, person, phi):
    """Responses of one person as `log_likelihood_by_grid` takes them."""
    responses = whole.responses
    return [
        (
            int(responses.position[row]),
            NAMES[int(responses.code[row])],
            responses.value[row],
            responses.size[row],
            own_numbers(responses, row, phi),
        )
        for row in np.flatnonzero(whole.cases.person[responses.case] == person)
    ]


def own_numbers(responses, row, phi):
    """Parameters of one response's family."""
    name = NAMES[int(responses.code[row])]
    count = int(responses.size[row]) if name.startswith("ordinal") else len(PHI[name])
    return phi[responses.start[row] :][:count]


@pytest.mark.slow
def test_fit():
    """A fit says that it sampled them, and has no error of integration to tell."""
    spec, panel = model_and_panel("days beside a normal measure", persons=40)
    fitted = ab.fit(spec, panel, seed=2, draws=20, tune=20, chains=2, latent="sample", progress=False)
    assert fitted.settings.latent == "sample"
    assert fitted.posterior.sizes["linear_predictor"] == fitted.posterior["z"].shape[-1]
    assert "integration" not in str(fitted.health)


# ---- what is refused ----


def test_unknown_histories_are_refused():
    spec, panel = model_and_panel("state", unknown=(slice(4, 6), 1))
    message = (
        "latent='sample' needs to know the state 'sponsor' of everybody; 2 people have several possible histories, "
        "first 4, 5. Use latent='integrate', which sums over them, or leave these people out."
    )
    with pytest.raises(ab.SpecError) as error:
        to_pymc(spec, panel, latent="sample")
    assert str(error.value) == message


def test_what_cannot_be_sampled_is_refused():
    spec, panel = model_and_panel("days beside a normal measure")
    with pytest.raises(ab.SpecError, match="latent must be one of 'integrate', 'sample'; got 'both'"):
        to_pymc(spec, panel, latent="both")
    normal = ab.RICLPM(["alliance", "days"], lags="equal")
    with pytest.raises(ab.SpecError, match="has none of them"):
        to_pymc(normal, panel, latent="sample")
    with pytest.raises(ab.SpecError, match="has none of them"):
        ab.fit(normal, panel, seed=1, latent="sample")
