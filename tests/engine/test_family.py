"""Every model of the family with every option: kernel, plain reference and textbook give one number."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.engine.kernels.entry_points import likelihood_and_gradient
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.likelihood.persons import per_person
from alliance_bayes.spec.mapping import spec_from_mapping, spec_to_mapping
from engine_calls import output
from family_cases import CASES
from helpers import densities
from oracles.moments import implied_moments, log_likelihood_per_person, output_of
from textbook import Person, Textbook

EVERY = pytest.mark.parametrize("name", CASES)


def at_random(name, seed=1):
    """A model, and a point of its prior where every matrix is proper."""
    spec, panel = CASES[name]
    model, rng = panel_model(spec, panel), np.random.default_rng(seed)
    for _ in range(200):
        psi = model.scale.join(model.scale.draw(1, rng))[0]
        if np.isfinite(density(model, psi)):
            return model, psi
    raise AssertionError("no draw of the prior has a likelihood")


def density(model, psi):
    return likelihood_and_gradient(psi, *arrays_of(model))[0]


def arrays_of(model):
    return model.scale.arrays, model.system.structure_arrays, model.system.arrays, model.statistics.arrays


def cells_of(model, n_persons):
    cells = model.design.person_cell
    return np.zeros(n_persons, dtype=int) if cells is None else cells


# ---- engine against its plain reference ----


@EVERY
def test_theta_is_that_of_the_plain_program(name):
    model, psi = at_random(name)
    theta = output(model.scale.to_theta, psi)
    np.testing.assert_allclose(theta, output_of(model.scale.to_theta, psi), rtol=1e-9, atol=1e-12)
    assert len(theta) == model.system.n_parameters == len(set(model.system.names))


@EVERY
def test_log_likelihood_is_that_of_the_plain_reference(name):
    model, psi = at_random(name)
    theta, rows = output(model.scale.to_theta, psi), model.values()
    n_values, cells = model.system.n_values, cells_of(model, len(rows))
    seen = ~np.isnan(rows[:, :n_values]).all(axis=1)
    total = -model.statistics.arrays.given[0]
    for cell in np.unique(cells):
        total += log_likelihood_per_person(
            *implied_moments(model.system, theta, cell), rows[(cells == cell) & seen]
        ).sum()
    assert density(model, psi) == pytest.approx(total, rel=1e-9)


@EVERY
def test_gradient_is_the_slope(name):
    model, psi = at_random(name)
    value, gradient = likelihood_and_gradient(psi, *arrays_of(model))
    assert np.isfinite(value)
    steps = 1e-5 * np.maximum(1e-1, np.minimum(1, np.abs(psi)))
    want = [
        (density(model, psi + step * unit) - density(model, psi - step * unit)) / (2 * step)
        for step, unit in zip(steps, np.eye(len(psi)), strict=True)
    ]
    np.testing.assert_allclose(gradient, want, rtol=2e-5, atol=2e-6 * np.abs(want).max())


# ---- engine against the textbook ----


def people_of(spec, panel):
    """Each person as the textbook sees one: group, own times, standardised covariates."""
    n_persons = len(panel.persons)
    columns = {}
    for name in {*spec.covariates, *spec.moderated.values()}:
        if name in panel.covariates:
            given = panel.covariates[name][:, None]
        else:
            given = panel.values[:, :, panel.measures.index(name)]
        spread = np.sqrt(np.mean((given - given.mean(axis=0)) ** 2))
        columns[name] = (given - given.mean()) / spread
    found = []
    for person in range(n_persons):
        times = None
        if panel.own_times is not None:
            times = filled_in(panel.own_times[person], np.array(panel.times, dtype=float))
        moderators = set(spec.moderated.values())
        covariates = {
            name: values[person, 0] if name in moderators else values[person] for name, values in columns.items()
        }
        group = None if panel.groups is None else str(panel.groups[person])
        found.append(Person(group, times, covariates))
    return found


def filled_in(own, planned):
    """Own times; before the first of them, planned intervals; between two, any place will do."""
    own, known = own.copy(), np.flatnonzero(~np.isnan(own))
    for wave in np.flatnonzero(np.isnan(own)):
        if wave < known[0]:
            own[wave] = own[known[0]] - (planned[known[0]] - planned[wave])
        elif wave > known[-1]:
            own[wave] = own[known[-1]] + 1.7 * (wave - known[-1])
        else:
            before, after = known[known < wave][-1], known[known > wave][0]
            share = (wave - before) / (after - before)
            own[wave] = own[before] + share**2 * (own[after] - own[before])
    return tuple(own)


@EVERY
def test_log_likelihood_of_each_person_is_the_textbooks(name):
    spec, panel = CASES[name]
    model, psi = at_random(name, seed=2)
    theta = output(model.scale.to_theta, psi)
    values = dict(zip(model.system.names, theta, strict=True))
    chosen = [panel.measures.index(column) for column in spec.columns]
    raw = panel.values[:, :, chosen]
    centre = np.nanmean(raw, axis=(0, 1))
    unit = np.sqrt(np.nanmean((raw - np.nanmean(raw, axis=0)) ** 2, axis=(0, 1)))
    rows = ((raw - centre) / unit).reshape(len(raw), -1)
    jacobian = (~np.isnan(raw)).sum(axis=1) @ np.log(unit)
    alike = {}
    for place, person in enumerate(people_of(spec, panel)):
        alike.setdefault(repr(person), (person, []))[1].append(place)
    want = np.empty(len(rows))
    for person, places in alike.values():
        want[places] = densities(*Textbook(spec, panel.times, values, person).moments(), rows[places])
    found = per_person(model, theta[None], np.arange(len(rows)))[0]
    np.testing.assert_allclose(found, want - jacobian, rtol=1e-8, atol=1e-8)


@EVERY
def test_raw_parameters_give_the_same_and_come_back(name):
    """`log_likelihood` takes values in the measures' own units, as `maximum_likelihood` prints them."""
    model, psi = at_random(name, seed=2)
    theta = output(model.scale.to_theta, psi)
    raw = model.to_raw(theta)
    np.testing.assert_allclose(model.from_raw(raw), theta, rtol=1e-9, atol=1e-11)
    values = dict(zip(model.system.names, raw, strict=True))
    found = ab.log_likelihood(model.spec, model.panel, values)
    np.testing.assert_allclose(found, per_person(model, theta[None], np.arange(len(found)))[0], rtol=1e-8, atol=1e-8)


@EVERY
def test_units_of_the_panel_do_not_matter(name):
    """Raw parameters imply the same density in other units, once they are changed by hand: only the Jacobian moves."""
    spec, panel = CASES[name]
    if panel.own_times is not None:
        pytest.skip("changes nothing here that the other models do not test")
    model, psi = at_random(name, seed=2)
    scaled = ab.Panel.from_arrays(
        panel.values * 3.0,
        measures=panel.measures,
        times=panel.times,
        covariates=panel.covariates,
        groups=panel.groups,
    )
    theta = output(model.scale.to_theta, psi)[None]
    everybody = np.arange(len(panel.persons))
    chosen = [panel.measures.index(column) for column in spec.columns]
    seen = (~np.isnan(panel.values[:, :, chosen])).sum(axis=(1, 2))
    first, second = (per_person(panel_model(spec, data), theta, everybody)[0] for data in (panel, scaled))
    np.testing.assert_allclose(second, first - seen * np.log(3), rtol=1e-8, atol=1e-8)


@EVERY
def test_derived_quantities_are_the_textbooks(name):
    spec, panel = CASES[name]
    model, psi = at_random(name, seed=3)
    theta = output(model.scale.to_theta, psi)
    values = dict(zip(model.system.names, theta, strict=True))
    vector = model.derive(theta[None])[0]
    assert np.isfinite(vector).all()
    found = {quantity.name: vector[quantity.where].reshape(quantity.shape) for quantity in model.derived.quantities}
    for place, group in enumerate(model.design.groups or (None,)):
        person = Person(group, None, dict.fromkeys(spec.moderated.values(), 0.0))
        want = derived_by_hand(Textbook(spec, panel.times, values, person), model.centre, model.unit)
        assert set(want) <= set(found)
        for quantity, array in want.items():
            got = found[quantity][place] if model.design.groups else found[quantity]
            np.testing.assert_allclose(got, array, rtol=1e-7, atol=1e-9, err_msg=quantity)


def derived_by_hand(book, centre, unit):
    spec, size = book.spec, book.size
    if book.spec.lag_2:
        return {}
    responses, psis, waves, flat = book.states()
    within = [given_factors(book)]
    effects, news = [], []
    for first, last in pairwise(waves):
        whole, new = np.eye(size), np.zeros((size, size))
        for phi, _ in flat[first:last]:
            whole = phi @ whole
        for place in range(first, last):
            new += responses[last, place + 1] @ psis[place] @ responses[last, place + 1].T
        effects.append(whole)
        news.append(new)
        within.append(whole @ within[-1] @ whole.T + new)
    sds = np.sqrt([np.diag(each) for each in within])
    lower = np.tril_indices(size, -1)
    found = {
        "lagged": (np.array(effects) * unit[:, None] / unit).reshape(len(effects), -1),
        "lagged_standardized": (effects * sds[:-1, None, :] / sds[1:, :, None]).reshape(len(effects), -1),
        "within_sd": sds * unit,
        "within_correlation": [(each / np.outer(sd, sd))[lower] for each, sd in zip(within, sds, strict=True)],
        "innovation_sd": np.sqrt([np.diag(each) for each in news]) * unit,
        "within_r_squared": 1 - np.array([np.diag(each) for each in news]) / sds[1:] ** 2,
    }
    if spec.lags == "continuous":
        found["drift"] = (book.effects(lambda path: f"drift {path}") * unit[:, None] / unit).ravel()
    if spec.random_intercepts:
        between = book.covariance("between")
        stable = np.sqrt(np.diag(between))
        found["between_sd"] = stable * unit
        found["between_correlation"] = (between / np.outer(stable, stable))[lower]
        if spec.stable == "trait":
            loadings = np.ones((len(sds), size))
            if spec.free_loadings:
                loadings[1:] = [book.vector("loading", f", {time:g}") for time in book.times[1:]]
            shares = (loadings * stable) ** 2
            found["intraclass_correlation"] = shares / (shares + sds**2)
    if spec.accumulating:
        found["accumulating_sd"] = np.sqrt(np.diag(book.covariance("accumulating"))) * unit
    if not spec.indicators or spec.invariance in ("strong", "strict"):
        mean, _ = Textbook(average(spec), book.times, book.values, book.person).moments()
        found["mean"] = centre + unit * mean.reshape(-1, size)
    return found


def average(spec):
    """The model of people with average covariates and of the measures themselves."""
    return replace(spec, covariates={}, predetermined=(), moderated={}, indicators={})


def given_factors(book):
    """What is left of the first wave within people, given the factors that accumulate."""
    if not book.spec.accumulating:
        return book.first()
    factors, crossing = book.covariance("accumulating"), book.crossing("accumulating with first")
    if book.spec.growth:
        both = book.crossing("accumulating with accumulating slope")
        factors = np.block([[factors, both], [both.T, book.covariance("accumulating slope")]])
        crossing = np.vstack([crossing, book.crossing("accumulating slope with first")])
    return book.first() - crossing.T @ np.linalg.solve(factors, crossing)


@EVERY
def test_specs_go_to_mappings_and_back(name):
    spec, _ = CASES[name]
    mapping = spec_to_mapping(spec)
    assert spec_from_mapping(json.loads(json.dumps(mapping))) == spec
    assert hash(spec_from_mapping(mapping)) == hash(spec)
