"""Panels with the people, waves and missing values of another, drawn by the simulator."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..panel import Absence, Panel
from ..simulation.groups import GroupTruth
from ..simulation.panels import simulate
from ..simulation.truth import Truth
from ..spec.cross_lagged import CrossLagged
from ..spec.occurrence import INTERVIEW

__all__ = ["drawn_like", "joined"]


def drawn_like(panel: Panel, truth: Truth | GroupTruth, rng: np.random.Generator) -> Panel:
    """Simulated people, as many as a panel has, with values missing where its people have none.

    Who is not interviewed and does not answer is taken from the panel, person by person, unless the model has a
    selection, which then decides it; what does not exist follows the simulated state. Moments alone give complete
    people. Covariates are drawn from a normal distribution with the panel's mean and SD, or are 0 or 1 as often.
    """
    spec, own_times = truth.spec, None
    places, persons = _order(panel, truth)
    if panel.own_times is not None:
        planned = np.broadcast_to(panel.times, panel.own_times.shape)
        own_times = np.where(np.isnan(panel.own_times), planned, panel.own_times)[places]
    simulated = simulate(truth, persons=persons, seed=int(rng.integers(2**63)), own_times=own_times)
    if panel.moments is not None:
        return simulated
    columns = [panel.measures.index(name) for name in simulated.measures]
    assert panel.absence is not None
    absence = panel.absence[places][..., columns]
    return _without(spec, simulated, absence)


def _order(panel: Panel, truth: Truth | GroupTruth) -> tuple[npt.NDArray[np.int64], int | Mapping[str, int]]:
    """Positions of the panel's people in the order of simulated ones, group by group, and how many there are."""
    if isinstance(truth, Truth):
        return np.arange(panel.n_persons), panel.n_persons
    assert panel.groups is not None
    counts = {label: int(np.sum(panel.groups == label)) for label in truth.labels}
    return np.concatenate([np.flatnonzero(panel.groups == label) for label in truth.labels]), counts


def _without(spec: CrossLagged, panel: Panel, absence: npt.NDArray[Any]) -> Panel:
    """A simulated panel without the values that others have not either."""
    selected = {each.of for each in spec.selection}
    assert panel.values is not None
    given = np.array([name not in spec.response_columns for name in panel.measures])
    missed = np.zeros(panel.values.shape[:2], dtype=bool)
    if INTERVIEW not in selected:
        missed = (absence == Absence.WAVE_MISSING).all(axis=2)
    answered_by = {column: name for name in spec.measures for column in spec.columns_of(name)}
    unanswered = np.isin(absence, (Absence.ITEM_MISSING, Absence.UNKNOWN))
    unanswered[..., [answered_by.get(name) in selected for name in panel.measures]] = False
    # Covariates that vary are conditioned on, and stay.
    gone = (missed[..., None] | unanswered) & ~given
    interviewed = _interviewed(panel) & ~missed
    return _panel(panel, np.where(gone, np.nan, panel.values), interviewed | given.any(), panel.states)


def joined(one: Panel, other: Panel) -> Panel:
    """The people of a panel and of one with some of its measures, numbered from 0; of moments, the moments of all."""
    if one.moments is not None:
        return _joined_moments(one, other)
    shared = [name for name in one.measures if name in other.measures]
    columns, others = ([each.measures.index(name) for name in shared] for each in (one, other))
    assert one.values is not None
    assert other.values is not None
    return Panel.from_arrays(
        np.concatenate([one.values[..., columns], other.values[..., others]]),
        measures=shared,
        times=one.times,
        interviewed=np.concatenate([_interviewed(one), _interviewed(other)]),
        requires=dict(other.requires) or None,
        states={name: np.concatenate([one.states[name], other.states[name]]) for name in other.states} or None,
        covariates={name: np.concatenate([one.covariates[name], other.covariates[name]]) for name in other.covariates},
        groups=None if one.groups is None else np.concatenate([one.groups, other.groups]),
        own_times=None if one.own_times is None else np.concatenate([one.own_times, other.own_times]),
        source=f"{one.source} and simulated people",
    )


def _interviewed(panel: Panel) -> npt.NDArray[np.bool_]:
    """Who was interviewed when, shape ``(person, wave)``."""
    assert panel.absence is not None
    return np.asarray((panel.absence != Absence.WAVE_MISSING).any(axis=2))


def _panel(panel: Panel, values: npt.NDArray[Any], interviewed: npt.NDArray[Any], states: Mapping[str, Any]) -> Panel:
    """A panel with other values, and fewer interviews."""
    own_times = None if panel.own_times is None else np.where(interviewed, panel.own_times, np.nan)
    return Panel.from_arrays(
        values,
        measures=panel.measures,
        times=panel.times,
        interviewed=interviewed,
        requires=dict(panel.requires) or None,
        states={name: np.where(interviewed, state, np.nan) for name, state in states.items()} or None,
        covariates=dict(panel.covariates),
        groups=panel.groups,
        own_times=own_times,
        source=panel.source,
    )


def _joined_moments(one: Panel, other: Panel) -> Panel:
    """Sums of people and of squares, with the divisor of all."""
    assert one.moments is not None
    assert other.values is not None
    shared = [name for name in one.measures if name in other.measures]
    columns, others = ([each.measures.index(name) for name in shared] for each in (one, other))
    values = other.values[..., others].reshape(other.n_persons, -1)
    n, more = int(one.moments.n[0]), len(values)
    mean = one.moments.means[0][:, columns].ravel()
    chosen = (len(one.measures) * np.arange(len(one.times))[:, None] + columns).ravel()
    covariance = one.moments.covariance[0][np.ix_(chosen, chosen)]
    mean_of_all = (n * mean + values.sum(axis=0)) / (n + more)
    centred = values - mean_of_all
    scatter = n * (covariance + np.outer(mean - mean_of_all, mean - mean_of_all)) + centred.T @ centred
    return Panel.from_moments(
        measures=shared,
        times=one.times,
        n=n + more,
        means=mean_of_all,
        covariance=scatter / (n + more),
        divisor="n",
        time_unit=one.time_unit,
    )
