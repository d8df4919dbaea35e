"""Who is interviewed, and who with a sponsor leaves the questions on it unanswered."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from .answers import WINDOWS
from .processes import Persons
from .truths import ABSTINENCE, ALLIANCE, BETWEEN_SDS, TIMES, Array, SponsorTruth

__all__ = ["answering", "interviewed"]

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
