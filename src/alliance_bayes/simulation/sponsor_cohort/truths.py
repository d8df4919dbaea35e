"""What is true in the synthetic sponsor study, and in its companions, where something else is true."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import expm

from ...basics.calls import checked
from ...basics.names import lagged_path, number
from ...basics.whole_tables import WholeTable

__all__ = ["PROCESSES", "TIMES", "TRUTHS", "SponsorTruth"]

Array = NDArray[np.float64]

PROCESSES = ("contact", "alliance", "participation", "abstinence")
CONTACT, ALLIANCE, PARTICIPATION, ABSTINENCE, CAUSE = range(5)
UNMEASURED = "hidden cause"
TIMES = (0, 3, 6, 12)
LENGTHS = (4.0, 3.0, 6.0)

DRIFT = {
    "contact": {"contact": -0.30, "alliance": 0.03, "participation": 0.05, "abstinence": 0.0},
    "alliance": {"contact": 0.06, "alliance": -0.20, "participation": 0.0, "abstinence": 0.01},
    "participation": {"contact": 0.08, "alliance": 0.03, "participation": -0.25, "abstinence": 0.04},
    "abstinence": {"contact": 0.0, "alliance": 0.12, "participation": 0.08, "abstinence": -0.25},
}
WITHIN = {
    ("contact", "alliance"): 0.30,
    ("contact", "participation"): 0.30,
    ("contact", "abstinence"): 0.10,
    ("alliance", "participation"): 0.20,
    ("alliance", "abstinence"): 0.25,
    ("participation", "abstinence"): 0.35,
}
BETWEEN = {
    ("contact", "alliance"): 0.35,
    ("contact", "participation"): 0.35,
    ("contact", "abstinence"): 0.15,
    ("alliance", "participation"): 0.30,
    ("alliance", "abstinence"): 0.25,
    ("participation", "abstinence"): 0.50,
}
BETWEEN_SDS = (0.7, 0.7, 0.8, 0.9)


@dataclass(frozen=True, eq=False, repr=False)
class SponsorTruth:
    r"""What drives the persons of the synthetic sponsor study.

    Four processes, contact with the sponsor c, alliance a, participation m and abstinence y, each a
    stable part plus a state, in months:

    .. math:: dw = A w \, d\tau + L \, dW, \qquad L L' = -(A R + R A'),

    so that states have variance 1 and correlations R, with effects exp(A d) over d months. While there is no sponsor,
    c and a do not exist and act on nothing; with a new sponsor they restart from the innovations of that interval,
    scaled to variance 1. `truth_of_processes` says the same as an `alliance_bayes.Truth`.

    Attributes
    ----------
    name
        "default", "null", "reverse", "both", "confounded" or "mnar".
    summary
        What is true, in a sentence.
    drift
        A, dims ``(outcome, predictor)``, per month; the hidden cause is last where there is one.
    within
        R, correlations of the states.
    between
        Correlations of the stable parts, whose SDs are .7, .7, .8, .9 (ICC .33, .33, .39, .45).
    sponsor_effects
        Shift of abstinence and participation at once while there is a sponsor, in SDs of the state;
        before treatment, at entry, none.
    interview_logits
        Log odds of an interview at 3, 6 and 12 months of an average person who was not interviewed before.
    interview_on_abstinence
        Change in the log odds of an interview per SD of the abstinence at that time itself; 0 where
        interviews are missing at random.
    answer_logit
        Log odds of answering about sponsor and alliance, of an average person who ever answers.
    answer_on_alliance
        The same for answering about sponsor and alliance, per SD of the alliance itself.
    """

    name: str
    summary: str
    drift: Array
    within: Array
    between: Array
    sponsor_effects: Mapping[str, float] = field(
        default_factory=lambda: MappingProxyType({"abstinence": 0.30, "participation": 0.30})
    )
    interview_logits: tuple[float, float, float] = (0.194, -0.071, -0.137)
    interview_on_abstinence: float = 0.0
    answer_logit: float = 2.0
    answer_on_alliance: float = 0.0

    def __post_init__(self) -> None:
        for name in ("drift", "within", "between"):
            getattr(self, name).setflags(write=False)

    @property
    def processes(self) -> tuple[str, ...]:
        """The four processes, and the hidden cause where there is one."""
        return (*PROCESSES, UNMEASURED)[: len(self.drift)]

    @checked()
    def lagged(self, months: float) -> pd.DataFrame:
        """Effects over an interval throughout which there is a sponsor: exp(A d).

        Parameters
        ----------
        months
            Length d of the interval.

        Returns
        -------
        pandas.DataFrame
            Outcome (rows) on predictor (columns), SDs of the outcome's state per SD of the
            predictor's, what runs through other processes included.
        """
        return WholeTable(expm(self.drift * months), index=self.processes, columns=self.processes)

    @cached_property
    def effects(self) -> pd.DataFrame:
        """Lagged effects of each path over 3 to 6 and 6 to 12 months.

        Indexed by ``path``: ``direct``, the entry of A, per month; ``3 months`` and ``6 months``,
        the entries of exp(A d). A path that is 0 in A may still lead through other processes.
        """
        shorter, longer = self.lagged(3.0), self.lagged(6.0)
        rows = {
            lagged_path(predictor, outcome): {
                "direct": self.drift[row, column],
                "3 months": shorter.loc[outcome, predictor],
                "6 months": longer.loc[outcome, predictor],
            }
            for column, predictor in enumerate(self.processes)
            for row, outcome in enumerate(self.processes)
            if row != column
        }
        return WholeTable.from_dict(rows, orient="index").rename_axis("path")

    def __str__(self) -> str:
        shown = self.effects.loc[[lagged_path("alliance", "abstinence"), lagged_path("abstinence", "alliance")]]
        sponsor = ", ".join(f"{number(size)} SD on {name}" for name, size in self.sponsor_effects.items())
        lines = [
            f"Truth '{self.name}': {self.summary}",
            "Effects of one SD within persons while there is a sponsor, SD of the outcome:",
            *(f"  {line}".rstrip() for line in shown.round(3).to_string().splitlines()),
            f"A sponsor by itself: {sponsor}.",
        ]
        if self.interview_on_abstinence:
            lines.append(
                f"Not at random: log odds of an interview {self.interview_on_abstinence:+g} per SD of abstinence then, "
                f"of an answer on the sponsor {self.answer_on_alliance:+g} per SD of alliance then."
            )
        return "\n".join(lines)

    __repr__ = __str__


def _correlation(pairs: Mapping[tuple[str, str], float], names: tuple[str, ...]) -> Array:
    matrix = np.eye(len(names))
    for (first, second), value in pairs.items():
        row, column = names.index(first), names.index(second)
        matrix[row, column] = matrix[column, row] = value
    return matrix


def _drift(rows: Mapping[str, Mapping[str, float]], names: tuple[str, ...] = PROCESSES) -> Array:
    return np.array([[rows[outcome].get(predictor, 0.0) for predictor in names] for outcome in names])


def _changed(alliance_to_abstinence: float, abstinence_to_alliance: float) -> Array:
    rows = {name: dict(row) for name, row in DRIFT.items()}
    rows["abstinence"]["alliance"] = alliance_to_abstinence
    rows["alliance"]["abstinence"] = abstinence_to_alliance
    return _drift(rows)


def _confounded(default: SponsorTruth) -> SponsorTruth:
    names = (*PROCESSES, UNMEASURED)
    rows = {name: dict(row) for name, row in DRIFT.items()} | {UNMEASURED: {UNMEASURED: -0.15}}
    rows["abstinence"] |= {"alliance": 0.0, UNMEASURED: 0.20}
    rows["alliance"] |= {"abstinence": 0.0, UNMEASURED: 0.10}
    of_cause = {("alliance", UNMEASURED): 0.6, ("abstinence", UNMEASURED): 0.4}
    of_cause |= {("contact", UNMEASURED): 0.1, ("participation", UNMEASURED): 0.1}
    return replace(
        default,
        name="confounded",
        summary="alliance and abstinence do not act on each other; an unmeasured cause that changes with time "
        "drives both, alliance first.",
        drift=_drift(rows, names),
        within=_correlation(WITHIN | of_cause, names),
    )


def _all() -> dict[str, SponsorTruth]:
    default = SponsorTruth(
        name="default",
        summary="alliance leads abstinence, the reverse effect is very small.",
        drift=_drift(DRIFT),
        within=_correlation(WITHIN, PROCESSES),
        between=_correlation(BETWEEN, PROCESSES),
    )
    stable = _correlation(BETWEEN | {("alliance", "abstinence"): 0.60}, PROCESSES)
    companions = (
        replace(
            default,
            name="null",
            summary="alliance and abstinence do not act on each other; persons who are good at the one are good at "
            "the other.",
            drift=_changed(0.0, 0.0),
            between=stable,
        ),
        replace(
            default,
            name="reverse",
            summary="abstinence leads alliance, the reverse effect is very small.",
            drift=_changed(0.01, 0.12),
        ),
        replace(
            default,
            name="both",
            summary="alliance and abstinence act on each other alike.",
            drift=_changed(0.10, 0.10),
        ),
        _confounded(default),
        replace(
            default,
            name="mnar",
            summary="as the default, but interviews depend on the abstinence at that time, and ratings of the sponsor "
            "on the alliance itself.",
            interview_logits=(0.507, 0.123, -0.002),
            interview_on_abstinence=0.8,
            answer_logit=2.25,
            answer_on_alliance=0.8,
        ),
    )
    return {truth.name: truth for truth in (default, *companions)}


TRUTHS: Mapping[str, SponsorTruth] = MappingProxyType(_all())
