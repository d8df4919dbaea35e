"""Answers of persons: days, meetings, activities, contact, the ten items of the alliance; and which are missing."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from .processes import Persons
from .truths import ABSTINENCE, ALLIANCE, BETWEEN_SDS, CONTACT, PARTICIPATION, TIMES, Array, SponsorTruth

__all__ = ["ACTIVITIES", "ALLIANCE_ITEMS", "ITEM_MISSING", "WINDOWS", "answering", "draw_answers", "interviewed"]

WINDOWS = (90, 90, 90, 180)
WEEKS = 90 / 7

# Quantiles of abstinence plus noise in a million persons of the default, so that none / all of the days
# are abstinent for .32 .02 .06 .10 / .01 .60 .50 .42 of the persons.
NONE_BELOW = (-0.718, -2.943, -2.215, -1.829)
ALL_ABOVE = (3.582, -0.181, 0.176, 0.460)
NOISE = 0.25
INTERIOR_MEANS = (0.36, 0.82, 0.75, 0.70)
PROPENSITY_MEANS = (0.001, 0.206, 0.177, 0.148)
INTERIOR_SLOPE = 0.70
PRECISION = 4.0

ATTENDS = (-0.760, 2.393, 1.702, 1.273)
ATTENDS_SLOPE = 1.0
MEETINGS_PER_WEEK = (1.013, 2.411, 1.683, 1.062)
MEETINGS_SLOPE = 0.45
MEETINGS_DISPERSION = 2.0

CONTACTS_PER_WEEK = 2.2
CONTACTS_SLOPE = 0.40
CONTACTS_DISPERSION = 4.0
MOST_CONTACTS = 7

ACTIVITIES: Mapping[str, float] = {
    "member": 0.7,
    "literature": 0.4,
    "spoke": 0.3,
    "steps": 0.0,
    "members": 0.0,
    "service": -0.8,
}
NEEDS_A_MEETING = ("spoke", "service")
ACTIVITY_LEVELS = (-2.2, 1.6, 1.15, 0.95)

ALLIANCE_ITEMS = tuple(f"alliance_{item}" for item in range(1, 11))
LOADINGS = (0.80, 0.82, 0.83, 0.84, 0.85, 0.85, 0.86, 0.87, 0.88, 0.90)
THRESHOLDS = (-2.054, -1.645, -1.282, -0.842, -0.305, 0.468)

Counts = NDArray[np.int64]


def draw_answers(truth: SponsorTruth, persons: Persons, random: np.random.Generator) -> dict[str, Array]:
    """What persons would answer if all were interviewed and left nothing out, each of shape ``(person, time)``.

    Contact and alliance are NaN without a sponsor.
    """
    of_days, of_meetings, of_activities, of_contact, of_alliance = random.spawn(5)
    sponsor = persons.sponsor
    acting = sponsor * (np.array(TIMES) > 0)
    participation = persons.levels[..., PARTICIPATION] + truth.sponsor_effects["participation"] * acting
    propensity = (
        persons.levels[..., ABSTINENCE]
        + truth.sponsor_effects["abstinence"] * acting
        + 0.25 * persons.commitment[:, None]
        - 0.15 * persons.severity[:, None]
    )
    meetings = _meetings(participation, of_meetings)
    contact = _contact(persons.levels[..., CONTACT], of_contact)
    answers = {"days": _days(propensity, of_days), "meetings": meetings, "contact": contact}
    done = _activities(participation, meetings, of_activities)
    answers |= {f"activity_{name}": values for name, values in done.items()}
    answers |= {"activity_sponsor": sponsor.astype(float), "activity_contact": (contact > 0).astype(float)}
    return answers | dict(zip(ALLIANCE_ITEMS, _alliance_items(persons, of_alliance), strict=True))


def _until(
    accepted: Callable[[Counts], NDArray[np.bool_]], draw: Callable[[NDArray[np.intp]], Counts], n: int
) -> Counts:
    """Draw n values, each again until it is accepted; `draw` is given the positions that it is for."""
    values = draw(np.arange(n))
    while (again := np.flatnonzero(~accepted(values))).size:
        values[again] = draw(again)
    return values


def _days(propensity: Array, random: np.random.Generator) -> Array:
    """Days without alcohol and drugs: none, some or all of the window.

    With z = psi + logistic(0, .25): none where z is below the one cut point, all where it is above
    the other, else beta-binomial(W, mean logit^-1(g + .70 (psi - its mean)), precision 4) given 1..W-1.
    """
    cut = propensity + random.logistic(0.0, NOISE, propensity.shape)
    window = np.broadcast_to(np.array(WINDOWS), propensity.shape)
    base = np.log(np.array(INTERIOR_MEANS) / (1 - np.array(INTERIOR_MEANS)))
    mean = expit(base + INTERIOR_SLOPE * (propensity - np.array(PROPENSITY_MEANS)))
    days = np.where(cut > np.array(ALL_ABOVE), window, 0).astype(float)
    some = (cut >= np.array(NONE_BELOW)) & (cut <= np.array(ALL_ABOVE))
    share, length = np.clip(mean[some], 1e-4, 1 - 1e-4), window[some]

    def draw(indices: NDArray[np.intp]) -> Counts:
        chance = random.beta(PRECISION * share[indices], PRECISION * (1 - share[indices]))
        return np.asarray(random.binomial(length[indices], chance), dtype=np.int64)

    days[some] = _until(lambda values: (values > 0) & (values < length), draw, share.size)
    return days


def _negative_binomial(mean: Array, dispersion: float, random: np.random.Generator) -> Counts:
    return np.asarray(random.poisson(random.gamma(dispersion, mean / dispersion)), dtype=np.int64)


def _meetings(participation: Array, random: np.random.Generator) -> Array:
    """Meetings in 90 days: any or none, then a negative binomial above 0."""
    any_meeting = random.random(participation.shape) < expit(np.array(ATTENDS) + ATTENDS_SLOPE * participation)
    mean = (WEEKS * np.array(MEETINGS_PER_WEEK) * np.exp(MEETINGS_SLOPE * participation))[any_meeting]
    meetings = np.zeros(participation.shape)
    meetings[any_meeting] = _until(
        lambda values: values > 0,
        lambda places: _negative_binomial(mean[places], MEETINGS_DISPERSION, random),
        mean.size,
    )
    return meetings


def _contact(level: Array, random: np.random.Generator) -> Array:
    """Contacts with the sponsor outside meetings in a usual week, 7 standing for 7 or more."""
    mean = CONTACTS_PER_WEEK * np.exp(CONTACTS_SLOPE * np.nan_to_num(level))
    contacts = np.minimum(_negative_binomial(mean, CONTACTS_DISPERSION, random), MOST_CONTACTS).astype(float)
    return np.where(np.isnan(level), np.nan, contacts)


def _activities(participation: Array, meetings: Array, random: np.random.Generator) -> dict[str, Array]:
    """The activities that need no sponsor, 1 or 0; two of them need a meeting."""
    done = {}
    for name, level in ACTIVITIES.items():
        chance = expit(np.array(ACTIVITY_LEVELS) + level + participation)
        yes = random.random(participation.shape) < chance
        done[name] = (yes & (meetings > 0) if name in NEEDS_A_MEETING else yes).astype(float)
    return done


def _alliance_items(persons: Persons, random: np.random.Generator) -> list[Array]:
    """Ten items, 1 to 7: y* = loading alliance + noise, cut at six thresholds, both of variance 1."""
    alliance = persons.levels[..., ALLIANCE] / np.sqrt(1 + BETWEEN_SDS[ALLIANCE] ** 2)
    items = []
    for loading in LOADINGS:
        noise = np.sqrt(1 - loading**2) * random.standard_normal((len(alliance), len(TIMES)))
        category = 1.0 + np.searchsorted(THRESHOLDS, np.nan_to_num(loading * alliance + noise))
        items.append(np.where(np.isnan(alliance), np.nan, category))
    return items


SHARE_CENTRES = (0.33, 0.85, 0.77)
SHARE_SPREADS = (0.32, 0.26, 0.32)
NEVER_RATES = 0.228
ITEM_MISSING = 0.004


def interviewed(truth: SponsorTruth, persons: Persons, days: Array, random: np.random.Generator) -> NDArray[np.bool_]:
    """Whether each person is interviewed at each time, shape ``(person, time)``; all are at entry.

    Log odds: .3 commitment + .4 (share of abstinent days, in SDs, at the time before if interviewed then,
    else 0) + 1.5 (if interviewed then), and in the companion "mnar" the abstinence at the time itself.
    """
    held = np.ones(days.shape, dtype=bool)
    abstinence = persons.levels[..., ABSTINENCE] / np.sqrt(1 + BETWEEN_SDS[ABSTINENCE] ** 2)
    for wave in range(1, len(TIMES)):
        before = held[:, wave - 1]
        share = (days[:, wave - 1] / WINDOWS[wave - 1] - SHARE_CENTRES[wave - 1]) / SHARE_SPREADS[wave - 1]
        log_odds = (
            truth.interview_logits[wave - 1]
            + 0.3 * persons.commitment
            + 0.4 * np.where(before, share, 0.0)
            + 1.5 * before
            + truth.interview_on_abstinence * abstinence[:, wave]
        )
        held[:, wave] = random.random(len(held)) < expit(log_odds)
    return held


def answering(truth: SponsorTruth, persons: Persons, random: np.random.Generator) -> NDArray[np.bool_]:
    """Whether a person would answer the questions on the sponsor at each time, shape ``(person, time)``.

    Some never do; the others leave them out at times, in the companion "mnar" where the alliance is poor.
    """
    alliance = np.nan_to_num(persons.levels[..., ALLIANCE]) / np.sqrt(1 + BETWEEN_SDS[ALLIANCE] ** 2)
    never = random.random(len(alliance)) < NEVER_RATES
    log_odds = truth.answer_logit + truth.answer_on_alliance * alliance
    return np.asarray((random.random(alliance.shape) < expit(log_odds)) & ~never[:, None])
