"""The latent path with every linear predictor sampled: the reference for what integrates them out.

Of one person let N be the values observed exactly, covariates among them, and L the linear predictors with
responses. With the covariance matrix of both, N first, and its Cholesky factor

    (K 0)
    (M T)

    y_N = m_N + K u,  log p(y_N) = -u'u / 2 - log|K| - n/2 log 2 pi,  eta_L = m_L + M u + T z,  z ~ Normal(0, I).

What people share is computed once: one batch of factors serves every pattern of exact and latent values, those
with fewer than others filled up with rows of the identity.
"""

from typing import Any, NamedTuple

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from ..basics.names import number, quoted
from ..basics.problems import SpecError
from ..engine.latent.conditional import JITTER
from ..engine.latent.responses import Responses
from ..engine.model_on_panel import PanelModel
from ..families.cut_points import symbolic_phi
from ..families.family import Numbers
from ..families.registry import DENSITIES, OCCURRENCE
from .symbolic import implied_moments, theta_and_registers

__all__ = ["add_sampled_latents", "response_log_densities"]

ABSENT, LATENT, EXACT = range(3)
LOG_2_PI = float(np.log(2 * np.pi))


def add_sampled_latents(model: PanelModel, psi: pt.TensorVariable) -> None:
    """Add the linear predictors of all persons, and the density of what was observed of them, to the model at hand.

    Adds the standard normal ``z``, one for each linear predictor with a response, in dims ``linear_predictor``;
    and the Potentials ``exact_values`` and ``responses``.

    Raises
    ------
    SpecError
        If somebody has several possible histories of the state, which a sampler of continuous numbers cannot draw.
    """
    _require_known_histories(model)
    theta, registers = theta_and_registers(model.scale, model.system, psi)
    means, covariances = implied_moments(model.system.systems, registers)
    people = _people(model)
    pm.modelcontext(None).add_coord("linear_predictor", _labels(model, people))
    z = pm.Normal("z", 0.0, 1.0, dims="linear_predictor")
    log_exact, eta = _exact_and_latent(people, means, covariances, z)
    log_weights = model.cases.log_weight.sum()
    pm.Potential("exact_values", log_exact + log_weights)
    if len(people.responses.code):
        links = model.families.links
        sampled = theta[len(model.system.names) - len(links) :]
        responses = people.responses
        _, log_densities = response_log_densities(responses, symbolic_phi(sampled, links), eta[people.latent_of])
        pm.Potential("responses", log_densities.sum())


def _require_known_histories(model: PanelModel) -> None:
    persons, counts = np.unique(model.cases.person, return_counts=True)
    several = persons[counts > 1]
    if len(several):
        assert model.spec.state is not None
        assert model.panel.persons is not None
        named = quoted(model.panel.persons[several[:3]].tolist())
        raise SpecError(
            f"latent='sample' needs to know the state '{model.spec.state.name}' of everybody; {len(several)} people "
            f"have several possible histories, first {named}. Use latent='integrate', which sums over them, or leave "
            "these people out."
        )


class _People(NamedTuple):
    """What is known of everybody, by patterns of exact and latent values."""

    n_positions: int  # how many stacked positions there are, those of covariates among them
    # Linear system ``(pattern,)``; stacked positions, exact ones first, then latent, then others, and which they are
    # ``(pattern, place)``
    cell: np.ndarray
    position: np.ndarray
    kind: np.ndarray
    jittered: np.ndarray  # which places get more variance, shape ``(pattern, place)``
    # Pattern of each row of people ``(row,)``; exact values, 0 elsewhere ``(row, place)``
    pattern: np.ndarray
    exact: np.ndarray
    # Number of values of covariates, and the sum of their squares
    n_given: int
    given_squared: float
    # Person and position of each latent number, row by row, shape ``(latent,)``
    person: np.ndarray
    latent_position: np.ndarray
    # Responses, and the latent number of each, shape ``(response,)``
    responses: Responses
    latent_of: np.ndarray


def _people(model: PanelModel) -> _People:
    values, responses, cases = model.values(), model.responses, model.cases
    persons = cases.person[responses.case]
    kinds = np.where(np.isnan(values), ABSENT, EXACT)
    kinds[persons, responses.position] = LATENT
    occurs = np.zeros(kinds.shape, dtype=bool)
    of_occurrence = responses.code == OCCURRENCE
    occurs[persons[of_occurrence], responses.position[of_occurrence]] = True

    n_values = model.system.n_values
    rows = np.flatnonzero((kinds[:, :n_values] != ABSENT).any(axis=1) & np.isin(np.arange(len(kinds)), cases.person))
    cell_of = np.zeros(len(kinds), dtype=int)
    cell_of[cases.person] = cases.cell
    keys = np.column_stack([cell_of, kinds, occurs])[rows]
    distinct, pattern = np.unique(keys, axis=0, return_inverse=True)
    pattern = pattern.ravel()
    kind, jittered = distinct[:, 1 : 1 + kinds.shape[1]], distinct[:, 1 + kinds.shape[1] :]
    n_places = int((kind != ABSENT).sum(axis=1).max(initial=0))
    position = np.argsort(-kind, axis=1, kind="stable")[:, :n_places]

    chosen = position[pattern]
    exact = np.nan_to_num(np.take_along_axis(values[rows], chosen, axis=1))
    given = values[rows][:, n_values:]
    row, place = np.nonzero(np.take_along_axis(kind, position, axis=1)[pattern] == LATENT)
    latent_of = np.zeros(kinds.shape, dtype=int)
    latent_of[rows[row], chosen[row, place]] = np.arange(len(row))
    return _People(
        n_positions=kinds.shape[1],
        cell=distinct[:, 0],
        position=position,
        kind=np.take_along_axis(kind, position, axis=1),
        jittered=np.take_along_axis(jittered, position, axis=1),
        pattern=pattern,
        exact=exact,
        n_given=int((~np.isnan(given)).sum()),
        given_squared=float(np.nansum(given**2)),
        person=rows[row],
        latent_position=chosen[row, place],
        responses=responses,
        latent_of=latent_of[persons, responses.position],
    )


def _labels(model: PanelModel, people: _People) -> list[str]:
    """Person, measure or predictor, and time of each linear predictor."""
    system, persons = model.system.systems[0], model.panel.persons
    assert persons is not None
    names = [system.variables[variable] for variable in system.observed]
    pairs = zip(people.person, people.latent_position, strict=True)
    return [f"{_word(persons[person])}: {names[position]}" for person, position in pairs]


def _word(label: object) -> str:
    return number(float(label)) if isinstance(label, int | float | np.number) else str(label)


def _exact_and_latent(
    people: _People, means: pt.TensorVariable, covariances: pt.TensorVariable, z: pt.TensorVariable
) -> tuple[pt.TensorVariable, pt.TensorVariable]:
    """Log density of all exact values given the covariates, and linear predictors at z, shape ``(latent,)``."""
    cell, position, pattern = people.cell[:, None], people.position, people.pattern
    n_patterns, n_places = position.shape
    n_positions = people.n_positions
    present, known = people.kind != ABSENT, people.kind == EXACT
    both = present[:, :, None] & present[:, None, :]
    places = (cell * n_positions + position)[:, :, None] * n_positions + position[:, None, :]
    diagonal = np.eye(n_places) * np.where(present, JITTER * people.jittered, 1.0)[:, None, :]
    covariance = covariances.ravel()[places.ravel()].reshape(places.shape) * both + diagonal
    factor = pt.linalg.cholesky(covariance)
    # (K 0; 0 I)^-1, then (K 0; M T) times it: from deviations of exact values and z to u, and to the values.
    identity = np.broadcast_to(np.eye(n_places), places.shape)
    inverse = pt.linalg.solve_triangular(pt.switch(known[:, :, None], factor, identity), identity, lower=True)
    transform = factor @ inverse

    row, place = np.nonzero(people.kind[pattern] == LATENT)
    latents = np.zeros(people.exact.shape, dtype=int)
    latents[row, place] = 1 + np.arange(len(row))
    centres = means.ravel()[(cell * n_positions + position).ravel()].reshape(position.shape)
    z_in_place = pt.concatenate([pt.zeros(1), z])[latents.ravel()].reshape(latents.shape)
    deviations = (people.exact - centres[pattern]) * known[pattern] + z_in_place

    def lines(matrices: pt.TensorVariable, row: np.ndarray, place: np.ndarray) -> pt.TensorVariable:
        flat = matrices.reshape((n_patterns * n_places, n_places))
        return (flat[pattern[row] * n_places + place] * deviations[row]).sum(axis=1)

    eta = centres.ravel()[pattern[row] * n_places + place] + lines(transform, row, place)
    seen_row, seen_place = np.nonzero(known[pattern])
    u = lines(inverse, seen_row, seen_place)
    log_sds = pt.log(pt.diagonal(factor, axis1=1, axis2=2))
    counts = np.bincount(pattern, minlength=n_patterns)[:, None] * known
    constant = -0.5 * LOG_2_PI * (len(seen_row) - people.n_given) + 0.5 * people.given_squared
    return constant - 0.5 * (u**2).sum() - (log_sds * counts).sum(), eta


def response_log_densities(
    responses: Responses, phi: pt.TensorVariable, eta: pt.TensorVariable
) -> tuple[np.ndarray, pt.TensorVariable]:
    """Log densities of responses, by density and by the part of it that has one expression.

    Parameters
    ----------
    responses
        One row each; cases and positions are not read.
    phi
        Parameters of all families, shape ``(phi,)``.
    eta
        Linear predictor of each response, shape ``(response,)``.

    Returns
    -------
    numpy.ndarray
        Rows of the responses in the order of the densities, shape ``(response,)``.
    pytensor.tensor.TensorVariable
        Their log densities, shape ``(response,)``.
    """
    rows, densities = [], []
    for code, density in enumerate(DENSITIES.values()):
        of_density = np.flatnonzero(responses.code == code)
        value, size = responses.value[of_density], responses.size[of_density]
        for chosen, expression in density.symbolic(value, size):
            if not chosen.any():
                continue
            some = of_density[chosen]
            rows.append(some)
            densities.append(expression(value[chosen], size[chosen], _numbers(phi, responses.start[some]), eta[some]))
    return np.concatenate(rows), pt.concatenate(densities)


def _numbers(phi: pt.TensorVariable, start: np.ndarray) -> Numbers:
    """Parameters by their position in the family: one number where all responses share it, else one for each."""

    def at(position: int | np.ndarray) -> Any:
        positions = start + position
        return phi[int(positions[0])] if (positions == positions[0]).all() else phi[positions]

    return at
