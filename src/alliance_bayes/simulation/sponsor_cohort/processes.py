"""The persons themselves: who they are, when they have a sponsor, and how their four processes go on."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .truths import (
    ABSTINENCE,
    ALLIANCE,
    BETWEEN_SDS,
    CAUSE,
    CONTACT,
    LENGTHS,
    PARTICIPATION,
    TIMES,
    UNMEASURED,
    Array,
    SponsorTruth,
    step,
)

__all__ = ["Persons", "draw_persons"]

BASELINE_LOGIT = -2.05
ACQUIRE_LOGITS = (0.86, -1.47, -1.82)
MAINTAIN_LOGITS = (1.50, 1.25, 0.85)


class Persons(NamedTuple):
    """What is true of persons, seen or not.

    Attributes
    ----------
    stable
        Stable parts of the four processes, shape ``(person, process)``.
    states
        Shape ``(person, time, process)``; NaN for contact and alliance without a sponsor.
    sponsor
        Whether there was one in the window before each time, shape ``(person, time)``.
    commitment, severity
        In SDs, shape ``(person,)``.
    """

    stable: Array
    states: Array
    sponsor: NDArray[np.bool_]
    commitment: Array
    severity: Array

    def level(self, process: int) -> Array:
        """Stable part plus state of a process, shape ``(person, time)``."""
        return self.stable[:, process, None] + self.states[:, :, process]


def logistic(log_odds: Array) -> Array:
    """Probability of log odds."""
    return (1 + np.tanh(log_odds / 2)) / 2


def draw_persons(
    truth: SponsorTruth,
    persons: int,
    random: np.random.Generator,
    sponsor_set: Mapping[float, bool],
    alliance_moved: Mapping[float, float],
) -> Persons:
    """Draw stable parts, commitment and severity, then sponsor and states from time to time.

    Log odds of a sponsor, u the stable parts and w the states at the time before:
    at entry -2.05 + .45 u_m + .45 commitment + .3 severity; acquiring one (.86, -1.47, -1.82) +
    .5 (u_m + w_m) + .4 commitment + .2 severity; keeping one (1.50, 1.25, .85) + .4 (u_a + w_a) +
    .3 (u_m + w_m).

    Parameters
    ----------
    truth
        What drives them.
    persons
        How many.
    random
        Generator.
    sponsor_set
        Time to whether everyone or no one has a sponsor then.
    alliance_moved
        Time to how many SDs (of persons and states together) every alliance is moved then.
    """
    n_processes = len(truth.drift)
    factor = np.linalg.cholesky(truth.between) * np.array(BETWEEN_SDS)[:, None]
    stable = random.standard_normal((persons, 4)) @ factor.T
    unit = stable / np.array(BETWEEN_SDS)
    commitment = (
        0.45 * unit[:, ABSTINENCE]
        + 0.30 * unit[:, PARTICIPATION]
        + np.sqrt(0.5725) * random.standard_normal(persons)  # to unit variance
    )
    severity = random.standard_normal(persons)
    states = np.empty((persons, len(TIMES), n_processes))
    sponsor = np.empty((persons, len(TIMES)), dtype=bool)
    states[:, 0] = random.standard_normal((persons, n_processes)) @ np.linalg.cholesky(truth.within).T
    log_odds = BASELINE_LOGIT + 0.45 * stable[:, PARTICIPATION] + 0.45 * commitment + 0.3 * severity
    sponsor[:, 0] = _sponsor(log_odds, sponsor_set.get(TIMES[0]), random)
    states[:, 0, ALLIANCE] += _moved(alliance_moved, TIMES[0])
    for wave, months in enumerate(LENGTHS, start=1):
        before, had = states[:, wave - 1], sponsor[:, wave - 1]
        participation = stable[:, PARTICIPATION] + before[:, PARTICIPATION]
        acquire = ACQUIRE_LOGITS[wave - 1] + 0.5 * participation + 0.4 * commitment + 0.2 * severity
        maintain = MAINTAIN_LOGITS[wave - 1] + 0.4 * (stable[:, ALLIANCE] + before[:, ALLIANCE]) + 0.3 * participation
        sponsor[:, wave] = _sponsor(np.where(had, maintain, acquire), sponsor_set.get(TIMES[wave]), random)
        states[:, wave] = _next(truth, before, had, months, random)
        new = sponsor[:, wave] & ~had
        states[new, wave] = _restarted(truth, states[new, wave], random)
        states[:, wave, ALLIANCE] += _moved(alliance_moved, TIMES[wave])
        states[np.ix_(~sponsor[:, wave], [wave], [CONTACT, ALLIANCE])] = np.nan
    states[np.ix_(~sponsor[:, 0], [0], [CONTACT, ALLIANCE])] = np.nan
    return Persons(stable, states, sponsor, commitment, severity)


def _sponsor(log_odds: Array, given: bool | None, random: np.random.Generator) -> NDArray[np.bool_]:
    drawn = random.random(len(log_odds)) < logistic(log_odds)
    return drawn if given is None else np.full(len(log_odds), given)


def _moved(alliance_moved: Mapping[float, float], time: float) -> float:
    """What is added to the state so that the alliance moves by so many of its SDs."""
    return float(alliance_moved.get(time, 0.0) * np.sqrt(1 + BETWEEN_SDS[ALLIANCE] ** 2))


def _next(
    truth: SponsorTruth, before: Array, had: NDArray[np.bool_], months: float, random: np.random.Generator
) -> Array:
    """States after an interval: with a sponsor at its start all go on, without one contact and alliance are inert."""
    noise = random.standard_normal(before.shape)
    innovations = -(truth.drift @ truth.within + truth.within @ truth.drift.T)
    after = np.full_like(before, np.nan)
    for rows, kept in ((had, list(range(len(truth.drift)))), (~had, [PARTICIPATION, ABSTINENCE, CAUSE])):
        kept = [process for process in kept if process < len(truth.drift)]
        part = np.ix_(kept, kept)
        phi, factor = step(truth.drift[part], innovations[part], months)
        after[np.ix_(rows, kept)] = before[np.ix_(rows, kept)] @ phi.T + noise[np.ix_(rows, kept)] @ factor.T
    return after


def _restarted(truth: SponsorTruth, states: Array, random: np.random.Generator) -> Array:
    """States with the alliance and contact that a new sponsor starts: variance 1, correlated as `truth.restart`."""
    beside = {"abstinence": ABSTINENCE, UNMEASURED: CAUSE}
    places = [beside[name] for name in truth.restart]
    wanted = np.array(list(truth.restart.values()))
    weights = np.linalg.solve(truth.within[np.ix_(places, places)], wanted)
    noise = random.standard_normal((len(states), 2))
    restarted = states.copy()
    restarted[:, ALLIANCE] = states[:, places] @ weights + np.sqrt(1 - wanted @ weights) * noise[:, 0]
    restarted[:, CONTACT] = noise[:, 1]
    return restarted
