"""The persons themselves, drawn from a `Truth`: who they are, when they have a sponsor, how their processes go on."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm
from scipy.special import expit

from ...spec.models import RICLPM
from ...spec.occurrence import State
from ..drawing import draw
from ..truth import Truth
from .truths import ABSTINENCE, ALLIANCE, BETWEEN_SDS, LENGTHS, PARTICIPATION, TIMES, Array, SponsorTruth

__all__ = ["Persons", "draw_persons", "truth_of_processes"]

FIRST_LOGIT = -2.015
ACQUIRE_LOGITS = (0.85, -1.50, -1.82)
KEEP_LOGITS = (1.57, 1.28, 0.85)
CERTAIN = 1e-15  # chance that somebody is not what everybody is set to
COMMITMENT_AND_SELF_EFFICACY = 0.35 + 0.25 * 0.60  # correlation


class Persons(NamedTuple):
    """True values of persons, observed or not."""

    levels: Array  # stable part plus state, (person, time, process); NaN for contact and alliance without a sponsor
    sponsor: NDArray[np.bool_]  # whether there was one in the window before each time, (person, time)
    commitment: Array  # in SDs, shape (person,), as the next two
    severity: Array
    self_efficacy: Array


def draw_persons(
    truth: SponsorTruth,
    persons: int,
    random: np.random.Generator,
    sponsor_set: Mapping[float, bool],
    alliance_moved: Mapping[float, float],
) -> Persons:
    """Draw persons of a truth.

    `sponsor_set` maps a time to whether everyone or no one has a sponsor then, `alliance_moved` to the number of SDs
    (of persons and states together) by which every alliance is moved then.
    """
    added = np.zeros((len(TIMES), len(truth.processes)))
    added[:, ALLIANCE] = [alliance_moved.get(time, 0.0) * np.hypot(1, BETWEEN_SDS[ALLIANCE]) for time in TIMES]
    streams = tuple(random.spawn(8))
    drawn = draw(truth_of_processes(truth, sponsor_set), persons, streams[:5], of_latent=streams[5:], added=added)
    assert drawn.on is not None
    commitment, beyond, severity = (drawn.covariates[name] for name in ("commitment", "self_efficacy", "severity"))
    shared = COMMITMENT_AND_SELF_EFFICACY
    return Persons(drawn.values, drawn.on, commitment, severity, shared * commitment + np.sqrt(1 - shared**2) * beyond)


def truth_of_processes(truth: SponsorTruth, sponsor_set: Mapping[float, bool]) -> Truth:
    """Contact, alliance, participation and abstinence of persons, and their sponsors, as a `Truth`.

    With u the stable parts and w the states at the time before, the log odds of a sponsor are -2.015 + .64 commitment +
    .3 severity at entry; of acquiring one (.85, -1.50, -1.82) + .5 (u_m + w_m) + .4 commitment + .2 severity; of
    keeping one (1.57, 1.28, .85) + .4 (u_a + w_a) + .3 (u_m + w_m). Commitment is .45 u_y / .9 + .30 u_m / .8 and
    noise, self-efficacy .35 commitment + .25 u_y / .9 and noise, both of variance 1: stable parts are regressed on
    commitment and on what self-efficacy has beyond it, so that both are covariates of the intercepts.
    """
    names, shared = truth.processes, COMMITMENT_AND_SELF_EFFICACY
    stable = np.zeros_like(truth.within)
    stable[:4, :4] = truth.between * np.outer(BETWEEN_SDS, BETWEEN_SDS)
    of_abstinence = stable[:, ABSTINENCE] / BETWEEN_SDS[ABSTINENCE]
    commitment = 0.45 * of_abstinence + 0.30 * stable[:, PARTICIPATION] / BETWEEN_SDS[PARTICIPATION]
    beyond = (0.35 * commitment + 0.25 * of_abstinence - shared * commitment) / np.sqrt(1 - shared**2)
    remaining = stable - np.outer(commitment, commitment) - np.outer(beyond, beyond)
    variances = np.diag(remaining)
    sds = np.sqrt(np.where(variances > 0, variances, 1.0))
    total = np.sqrt(1 + variances)
    acting = {"commitment": commitment, "self_efficacy": beyond}
    effects = np.array([expm(truth.drift * length) for length in LENGTHS])
    return Truth(
        RICLPM(
            names,
            lags="free",
            covariates=dict.fromkeys(acting, "intercepts"),
            state=State(
                "sponsor",
                required_by=["contact", "alliance"],
                first=["commitment", "severity"],
                acquire=["participation", "commitment", "severity"],
                keep=["alliance", "participation"],
            ),
        ),
        times=TIMES,
        lagged={
            f"{predictor} -> {outcome}": effects[:, row, column].tolist()
            for row, outcome in enumerate(names)
            for column, predictor in enumerate(names)
        },
        icc=dict(zip(names, (variances / total**2).tolist(), strict=True)),
        sds=dict(zip(names, total.tolist(), strict=True)),
        within_correlation=truth.within,
        between_correlation=remaining / np.outer(sds, sds) + np.diag(variances <= 0),
        covariates={
            name: {"intercepts": dict(zip(names, effect.tolist(), strict=True))} for name, effect in acting.items()
        },
        state={
            "first": {
                "chance": _chances([FIRST_LOGIT], TIMES[:1], sponsor_set)[0],
                "commitment": 0.64,
                "severity": 0.3,
            },
            "acquire": {
                "chance": _chances(ACQUIRE_LOGITS, TIMES[1:], sponsor_set),
                "participation": 0.5 * total[PARTICIPATION],
                "commitment": 0.4,
                "severity": 0.2,
            },
            "keep": {
                "chance": _chances(KEEP_LOGITS, TIMES[1:], sponsor_set),
                "alliance": 0.4 * total[ALLIANCE],
                "participation": 0.3 * total[PARTICIPATION],
            },
        },
    )


def _chances(log_odds: Sequence[float], times: Sequence[float], sponsor_set: Mapping[float, bool]) -> list[float]:
    """Chances of persons like the mean; nearly 1 or 0 where everybody or nobody is set to have a sponsor."""
    chances = [float(expit(value)) for value in log_odds]
    return [
        abs(sponsor_set[time] - CERTAIN) if time in sponsor_set else chance
        for time, chance in zip(times, chances, strict=True)
    ]
