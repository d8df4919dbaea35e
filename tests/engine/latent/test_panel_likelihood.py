"""Log-likelihood of models with families, a state and selection: its gradient, and what it must equal."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy.special import log_expit, logsumexp

import alliance_bayes as ab
from alliance_bayes.engine.histories import Cases
from alliance_bayes.engine.kernels.arrays import pack
from alliance_bayes.engine.kernels.interpreter import run_many
from alliance_bayes.engine.latent.panel_likelihood import (
    latent_likelihood_and_gradient,
    moments_at,
    unpack_latent_likelihood,
)
from alliance_bayes.engine.latent.propagation import log_likelihoods
from alliance_bayes.engine.latent.responses import Responses, arrange
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.likelihood.persons import per_person
from latent_people import people

EFFECT = ab.Normal(0.2, 0.5)
SEEN = ab.Selection("interview", on=["days"], before=["alliance"], effect=EFFECT)
M = ["alliance", "days"]
DAYS = {"days": ab.Days(14)}
FAMILIES = {
    "days": ab.Days(14),
    "days probit": ab.Days([14, 15, 16], link="probit"),
    "window by person": ab.Days("window"),
    "beta binomial": ab.BetaBinomial(14),
    "count": ab.Count(),
    "count by person": ab.Count("window", hurdle=True),
    "yes or no": ab.YesNo(),
    "ordinal": ab.Ordinal(5, lowest=0),
    "ordinal probit": ab.Ordinal(5, lowest=0, link="probit"),
}
MEASURE = {"yes or no": "yes", "ordinal": "ordered", "ordinal probit": "ordered"}


def sponsor(*, required_by=("alliance",), same=1.0, keep=("alliance", "days"), **options):
    return ab.State("sponsor", required_by, acquire=["days", "age"], keep=keep, same=same, **options)


def plain(name):
    measure = MEASURE.get(name, "days")
    return ab.RICLPM(["alliance", measure], lags="equal", families={measure: FAMILIES[name]})


MODELS = {name: (plain(name), {"missing": 0.1}) for name in FAMILIES}
MODELS |= {
    "items": (
        ab.RICLPM(["alliance", "scale"], lags="equal", families={"scale": ab.Items(["item1", "item2"], 4, lowest=0)}),
        {"missing": 0.2},
    ),
    "clpm free": (ab.CLPM(["days", "yes"], lags="free", families={**DAYS, "yes": ab.YesNo()}), {}),
    "grid": (
        ab.RICLPM(M, lags="grid", residuals="equal", families=DAYS, reliability={"alliance": 0.8}),
        {"missing": 0.1},
    ),
    "continuous": (ab.RICLPM(M, lags="continuous", families=DAYS), {"missing": 0.1}),
    "equal standardized": (ab.RICLPM(M, lags="equal_standardized", families=DAYS), {}),
    "stationary": (ab.RICLPM(M, lags="equal", families={"days": ab.BetaBinomial(14)}, stationary=True), {}),
    "loadings": (ab.RICLPM(M, lags="equal", families=DAYS, trait_loadings="free", selection=[SEEN]), {"dropout": True}),
    "covariates": (
        ab.RICLPM(
            M,
            lags="equal",
            means="equal",
            families=DAYS,
            covariates={"age": ["intercepts", "first_wave"], "work": "each_wave", "visits": "every_wave"},
        ),
        {},
    ),
    "state": (
        ab.RICLPM(M, lags="equal", families=DAYS, state=sponsor(first=["work"], acts_on=["days"])),
        {"required": ["alliance"], "missing": 0.05},
    ),
    "state unknown, grid": (
        ab.CLPM(M, lags="grid", families=DAYS, state=sponsor()),
        {"required": ["alliance"], "unknown": [2, 5, 11], "n_waves": 4},
    ),
    "a new one": (
        ab.RICLPM(
            ["alliance", "visits", "days"],
            lags="equal",
            families={"visits": ab.Count(), **DAYS},
            state=sponsor(required_by=["alliance", "visits"], same=0.8, keep=["visits"]),
        ),
        {"required": ["alliance", "visits"], "unknown": [3]},
    ),
    "a state of normal measures": (
        ab.RICLPM(["alliance", "trust"], lags="free", state=ab.State("sponsor", ["alliance"], acts_on=["trust"])),
        {"required": ["alliance"]},
    ),
    "interviews": (ab.RICLPM(M, lags="equal", families=DAYS, selection=[SEEN]), {"dropout": True, "n_waves": 4}),
    "everything": (
        ab.RICLPM(
            M,
            lags="equal",
            families=DAYS,
            covariates={"work": "intercepts"},
            state=sponsor(acts_on=["days"], first=["work"]),
            selection=[SEEN, ab.Selection("alliance", on=["alliance"], effect=EFFECT), ab.Selection("days")],
        ),
        {"required": ["alliance"], "dropout": True, "unknown": [4, 7], "missing": 0.1},
    ),
}


def built(spec, **options):
    panel = people(**options)
    return panel_model(spec, panel)


def packed(model):
    links = (model.families.links,)
    arrays = pack(model.scale.arrays, model.system.structure_arrays, model.system.arrays, links, model.latent_data)
    return unpack_latent_likelihood(arrays)


def some_psi(model, n=1, seed=5):
    """Points in the middle of the prior: means over some draws, which are proper, a little apart."""
    rng = np.random.default_rng(seed)
    drawn = model.scale.join(model.scale.draw(400, rng))
    middle = np.median(drawn, axis=0)
    return np.array([middle + 0.2 * (drawn[place] - middle) for place in range(n)])


def theta_of(model, psi):
    return run_many(np.atleast_2d(psi), model.scale.arrays)[0]


@pytest.mark.parametrize("name", MODELS)
def test_gradient_is_that_of_central_differences(name):
    spec, options = MODELS[name]
    model = built(spec, **{"persons": 30, "n_waves": 3, "seed": 4} | options)
    parts, psi = packed(model), some_psi(model)[0]
    value, gradient = latent_likelihood_and_gradient(psi, *parts)
    assert np.isfinite(value)
    numeric = np.empty(len(psi))
    for place in range(len(psi)):
        width = 2e-4 * max(0.1, abs(psi[place]))
        moved = [psi.copy() for _ in range(4)]
        for point, steps in zip(moved, (2, 1, -1, -2), strict=True):
            point[place] += steps * width
        far, near, back, further = (latent_likelihood_and_gradient(point, *parts)[0] for point in moved)
        numeric[place] = (8 * (near - back) - (far - further)) / (12 * width)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-4, atol=5e-3)


def densities(model, theta):
    """Log density of each person at one theta, in the model's unit."""
    system = model.system
    means, covariances, phi, _, _ = moments_at(theta, system.structure_arrays, system.arrays, model.families.links)
    return log_likelihoods(means, covariances, phi, model.latent_data, model.panel.n_persons)


def only_case(model, case):
    """The data of one case, as if nobody else were there and its history were sure."""
    responses = model.responses
    mine = responses.case == case
    alone = Responses(np.zeros(mine.sum(), dtype=int), *(column[mine] for column in responses[1:]))
    cases = Cases(model.cases.person[[case]], model.cases.cell[[case]], np.zeros(1))
    return arrange(model.values(), alone, cases, n_given=model.system.n_covariates)


def told(panel, states):
    """The same panel with other answers on the state."""
    return ab.Panel.from_arrays(
        panel.values,
        measures=panel.measures,
        times=panel.times,
        requires=dict(panel.requires),
        states={"sponsor": states},
        covariates=dict(panel.covariates),
    )


def by_name(model, theta, other, others=0.0):
    """Theta of another model, from the parameters of the same name."""
    known = dict(zip(model.system.names, theta, strict=True))
    return np.array([known.get(name, others) for name in other.system.names])


SUMMED = {
    "state": (ab.RICLPM(M, lags="equal", families=DAYS, state=sponsor(acts_on=["days"])), {}),
    "grid and answers": (
        ab.CLPM(
            M,
            lags="grid",
            families=DAYS,
            state=sponsor(),
            selection=[ab.Selection("alliance", on=["alliance"], before=["days"], effect=EFFECT)],
        ),
        {},
    ),
    "dropped out, normal": (ab.RICLPM(M, lags="equal", state=sponsor(acts_on=["days"])), {"dropout": True}),
}


@pytest.mark.parametrize("name", SUMMED)
def test_unknown_states_are_summed_over(name):
    spec, options = SUMMED[name]
    panel = people(30, 3, required=["alliance"], unknown=[0, 4, 9, 16], **options)
    model = panel_model(spec, panel)
    theta = theta_of(model, some_psi(model)[0])[0]
    states = panel.states["sponsor"]
    values = panel.values[:, :, 0]
    unknown = np.isnan(states)
    assert unknown[[0, 4, 9, 16], 1:].all()
    assert np.isnan(values[unknown]).all()
    separate = []
    for filled in product((0.0, 1.0), repeat=2):
        full = states.copy()
        full[:, 1:] = np.where(unknown[:, 1:], filled, states[:, 1:])
        whole = panel_model(spec, told(panel, full))
        assert len(whole.cases.person) == 30
        np.testing.assert_allclose(whole.unit, model.unit)
        separate.append(densities(whole, by_name(model, theta, whole)))
    ways = 2 ** (2 - unknown[:, 1:].sum(axis=1))  # which of the same are there more than once
    expected = logsumexp(separate, axis=0) - np.log(ways)
    np.testing.assert_allclose(densities(model, theta), expected, rtol=1e-6, atol=1e-8)


def test_a_person_who_kept_is_a_mixture_of_the_same_and_a_new_one():
    spec = ab.RICLPM(M, lags="equal", families=DAYS, state=sponsor(same=0.7))
    panel = people(30, 3, required=["alliance"])
    model = panel_model(spec, panel)
    theta = theta_of(model, some_psi(model)[0])[0]
    system = model.system
    means, covariances, phi, _, _ = moments_at(theta, system.structure_arrays, system.arrays, model.families.links)
    person = 2
    assert (panel.states["sponsor"][person] == 1).all()
    histories = [cell.history for cell in model.design.cells]
    cases, total = model.cases, []
    for history, probability in {(1, 1, 1): 0.49, (1, 1, 2): 0.21, (1, 2, 1): 0.21, (1, 2, 2): 0.09}.items():
        cell = histories.index(history)
        case = np.flatnonzero((cases.person == person) & (cases.cell == cell))
        assert len(case) == 1
        alone = only_case(model, int(case[0]))
        total.append(np.log(probability) + log_likelihoods(means, covariances, phi, alone, 30)[person])
    assert densities(model, theta)[person] == pytest.approx(logsumexp(total), abs=1e-6)


def bernoulli(model, theta, states):
    """Log probability of states told, from intercepts alone."""
    values = dict(zip(model.system.names, theta, strict=True))
    total = np.zeros(len(states))
    for wave, time in enumerate(model.panel.times):
        for before, word in ((None, ""),) if wave == 0 else ((0, " acquired"), (1, " kept")):
            logit = values[f"intercept {model.spec.state.name}{word}, {time:g}"]
            there = wave == 0 or states[:, wave - 1] == before
            total += np.where(there, log_expit(np.where(states[:, wave] == 1, logit, -logit)), 0.0)
    return total


@pytest.mark.parametrize(
    "options",
    [
        {"lags": "equal"},
        {"lags": "grid", "reliability": {"trust": 0.7}},
        {"lags": "free", "covariates": {"age": ["intercepts", "first_wave"], "visits": "every_wave"}},
        {"lags": "equal", "covariates": {"age": "each_wave"}, "trait_loadings": "free"},
    ],
    ids=["plain", "grid", "covariates", "loadings"],
)
def test_with_a_state_on_which_nothing_depends_normal_measures_have_the_density_of_moments(options):
    measures, panel = ["alliance", "trust"], people(40, 3, missing=0.1, seed=6, complete=["visits"])
    spec, state = ab.RICLPM(measures, **options), ab.State("helper")
    alone, together = panel_model(spec, panel), panel_model(replace(spec, state=state), panel)
    states = panel.values[:, :, panel.measures.index("helper")]
    known = ~np.isnan(states).any(axis=1)
    theta = theta_of(together, some_psi(together)[0])[0]
    expected = per_person(alone, by_name(together, theta, alone)[None], np.arange(40))[0]
    seen = ~np.isnan(panel.values[:, :, :2])
    expected += (seen * np.log(alone.unit)).sum(axis=(1, 2)) + bernoulli(together, theta, np.nan_to_num(states))
    assert known.sum() > 25
    np.testing.assert_allclose(densities(together, theta)[known], expected[known], atol=1e-8)


def test_with_an_interview_that_depends_on_nothing_so_have_they():
    measures, panel = ["alliance", "trust"], people(40, 4, dropout=True, seed=6)
    spec = ab.CLPM(measures, lags="equal", covariates={"work": "first_wave"})
    alone, together = panel_model(spec, panel), panel_model(replace(spec, selection=[ab.Selection("interview")]), panel)
    theta = theta_of(together, some_psi(together)[0])[0]
    values = dict(zip(together.system.names, theta, strict=True))
    expected = per_person(alone, by_name(together, theta, alone)[None], np.arange(40))[0]
    interviewed = ~np.isnan(panel.values).all(axis=2)
    expected += ((~np.isnan(panel.values[:, :, :2])) * np.log(alone.unit)).sum(axis=(1, 2))
    for wave, time in enumerate(panel.times[1:], start=1):
        logit = values[f"intercept interview seen, {time:g}"]
        expected += log_expit(np.where(interviewed[:, wave], logit, -logit))
    assert not interviewed.all()
    np.testing.assert_allclose(densities(together, theta), expected, atol=1e-8)
