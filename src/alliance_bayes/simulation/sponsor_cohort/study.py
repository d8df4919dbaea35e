"""The synthetic sponsor study as a data frame, with what is true of it attached."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...basics.calls import checked
from ...basics.given import check_seed, check_whole, is_number, is_one_of, is_whole, shown
from ...basics.memory import memory_problem
from ...basics.names import did_you_mean, in_words, number, quoted
from ...basics.problems import Problems, SpecError
from ...panel import Panel
from .answers import ACTIVITIES, ALLIANCE_ITEMS, ITEM_MISSING, WINDOWS, answering, draw_answers, interviewed
from .covariates import draw_covariates
from .processes import draw_persons
from .truths import TIMES, TRUTHS, Array, SponsorTruth

__all__ = ["SponsorStudy", "TruthName", "sponsor_study"]

TruthName = Literal["default", "null", "reverse", "both", "confounded", "mnar"]
FOLLOW_UPS = (3.0, 6.0, 12.0)
LEAST_ITEMS = 8
MEASURES = ("contact", "alliance", "attendance", "percent_days_abstinent")
ON_SPONSOR = ("contact", "alliance", *ALLIANCE_ITEMS)
AT_ENTRY = ("percent_days_abstinent", "attendance", "sponsor")
N_NUMBERS = 900  # of one person, of all columns and items at all times, while they are drawn


@dataclass(frozen=True, eq=False, repr=False)
class SponsorStudy:
    """A synthetic sponsor study: observed data of its persons, and the truth about them.

    Attributes
    ----------
    frame
        One row per person and time, missing waves included (``interviewed`` 0, answers
        missing). ``person``, counted from 1; ``time``: 0 at entry, then 3, 6 and 12 months after
        discharge.

        ``sponsor``: 1 or 0, whether there was one in the past 90 days. ``contact`` (contacts outside
        meetings in a usual week, 7 for 7 or more), ``alliance_1`` to ``alliance_10`` (1 to 7) and
        ``alliance`` (mean of at least 8 of them) exist only with a sponsor, and are missing too
        where they were left unanswered.

        ``meetings`` in the past 90 days and ``attendance`` per week; eight activities,
        ``activity_...``, 1 or 0; ``involvement``, all eight; ``involvement_without_sponsor``, the
        six that do not need a sponsor.

        ``days`` without alcohol and drugs of the ``window`` of 90, 90, 90 and 180 days, and
        ``percent_days_abstinent``.

        At entry, the same in all rows of a person: ``age``, ``female``, ``white``, ``education``,
        ``occupation``, ``dual_diagnosis``, ``opioids``, ``severity``, ``commitment`` and
        ``self_efficacy`` (in SDs), ``controlled_days`` (of the 90 before entry),
        ``percent_days_abstinent_at_entry``, ``attendance_at_entry``, ``sponsor_at_entry``.
    complete
        The same if everybody had been interviewed and had left nothing out; with no real study it is known.
    truth
        What drives these persons, with the effects of each path.
    seed
        The one it was drawn with.
    sponsor, alliance
        What was set or moved, as in `sponsor_study`; empty where nothing was.
    """

    frame: pd.DataFrame
    complete: pd.DataFrame
    truth: SponsorTruth
    seed: int
    sponsor: Mapping[float, bool] = field(default_factory=dict)
    alliance: Mapping[float, float] = field(default_factory=dict)

    @property
    def n_persons(self) -> int:
        """How many persons were enrolled."""
        return len(self.frame) // len(TIMES)

    @checked()
    def panel(
        self,
        measures: Sequence[str] = MEASURES,
        times: Sequence[float] = FOLLOW_UPS,
        *,
        covariates: Sequence[str] = (),
        group: str | None = None,
    ) -> Panel:
        """Panel of some measures, contact and alliance existing only with a sponsor.

        Parameters
        ----------
        measures
            Columns of `frame`.
        times
            The three follow-ups when left open: entry comes before treatment, and is not a wave like the others.
        covariates
            Columns of numbers that say who persons are at entry, such as ``"commitment"``.
        group
            Column of which group each person is in, such as ``"dual_diagnosis"``.

        Returns
        -------
        Panel

        Raises
        ------
        PanelError
            If a measure or covariate is not a column of numbers, or a time none of the study's.

        Examples
        --------
        >>> sponsor_study(seed=1).panel(["alliance", "days"]).times
        (3.0, 6.0, 12.0)
        """
        needing = {name: "sponsor" for name in measures if name in ON_SPONSOR}
        return Panel.from_long(
            self.frame,
            person="person",
            time="time",
            times=times,
            measures=measures,
            requires=needing or None,
            interviewed="interviewed",
            covariates=covariates,
            group=group,
            time_unit="months",
        )

    def __str__(self) -> str:
        interviews = self.frame.groupby("time")["interviewed"].sum()
        sponsored = self.frame.groupby("time")["sponsor"].sum()
        by_time = [
            f"{number(time)} months: {count:,} interviewed, {sponsored[time]:,.0f} with a sponsor"
            for time, count in interviews.items()
        ]
        done = [
            f"{'Everyone' if on else 'No one'} has a sponsor at {number(time)} months."
            for time, on in self.sponsor.items()
        ]
        done += [
            f"Every alliance is moved by {number(by)} SD at {number(time)} months."
            for time, by in self.alliance.items()
        ]
        heading = f"Synthetic sponsor study of {self.n_persons:,} persons, seed {self.seed}"
        return "\n".join([heading, *done, *by_time, str(self.truth)])

    __repr__ = __str__


@checked(apart=["truth", "persons", "seed", "sponsor", "alliance"])
def sponsor_study(
    truth: TruthName | str = "default",
    *,
    persons: int = 302,
    seed: int,
    sponsor: Mapping[float, bool] | None = None,
    alliance: Mapping[float, float] | None = None,
) -> SponsorStudy:
    """Draw persons of the sponsor study from known equations.

    Young adults after residential treatment, some of whom find a 12-step sponsor, rate the alliance
    and count their days without alcohol and drugs. Sample, prevalence of sponsors, attendance and the
    size of correlations are those that are publicly known of Kelly, Greene & Bergman (2016) [1]_;
    everything else is assumed. The same persons are drawn under every truth; what differs between
    two truths of one seed is what follows from the difference.

    Parameters
    ----------
    truth
        "default": alliance leads abstinence. "null": neither leads, but stable differences go
        together. "reverse": abstinence leads. "both": they act on each other alike. "confounded":
        neither leads, and an unmeasured cause changes with time and drives both. "mnar": as the
        default, but interviews depend on the abstinence at that time, and ratings of the alliance on
        the alliance itself.
    persons
        How many, at least 2.
    seed
        Whole number, at least 0; the same seed gives the same study.
    sponsor
        Experiment: time (0, 3, 6 or 12 months) to whether everyone or no one has a sponsor then. Differences
        of ``complete`` between two such studies of many persons are true effects.
    alliance
        The same for the alliance: time to how many of its SDs every alliance is moved then, once, from where it is.

    Returns
    -------
    SponsorStudy
        The data frame, what is true, and panels.

    Raises
    ------
    SpecError
        If no truth has that name, `persons` or `seed` is out of range, or something is set at no time of the study.

    References
    ----------
    .. [1] Kelly, Greene & Bergman (2016). Recovery benefits of the "therapeutic alliance" among
       12-step mutual-help organization attendees and their sponsors. Drug and Alcohol Dependence
       162, 64-71. https://doi.org/10.1016/j.drugalcdep.2016.02.028

    Examples
    --------
    >>> study = sponsor_study("null", seed=1)
    >>> len(study.frame), study.truth.effects.loc["alliance -> abstinence"].round(3).to_dict()
    (1208, {'direct': 0.0, '3 months': 0.006, '6 months': 0.013})

    What a sponsor at 3 months does to days without alcohol and drugs in the 90 before 6 months:

    >>> drawn = [sponsor_study(persons=20_000, seed=1, sponsor={3: on}).complete for on in (True, False)]
    >>> on, off = (each.loc[each["time"] == 6, "days"].mean() for each in drawn)
    >>> round(on - off)
    2
    """
    problems = Problems("No sponsor study can be drawn")
    if not is_one_of(truth, TRUTHS):
        problems.add(
            f"truth must be one of {quoted(TRUTHS)}; got {shown(truth)}{did_you_mean(str(truth), list(TRUTHS)) or '.'}"
        )
    check_whole("persons", persons, problems, expected="a whole number, at least 2", least=2)
    check_seed(seed, problems)
    needed = N_NUMBERS * persons if is_whole(persons, least=2) else 0
    if problem := memory_problem(f"{shown(persons)} persons", needed, "Draw fewer at a time."):
        problems.add(problem)
    for name, changes in (("sponsor", sponsor), ("alliance", alliance)):
        if changes is not None and not isinstance(changes, Mapping):
            problems.add(f"{name} must be a table from times to the values set then; got {shown(changes)}.")
    problems.raise_as(SpecError)
    sponsor_set, alliance_moved = dict(sponsor or {}), dict(alliance or {})
    _check_changes(sponsor_set, alliance_moved, problems)
    problems.raise_as(SpecError)
    chosen = TRUTHS[truth]
    frame, complete = _draw(chosen, persons, int(seed), sponsor_set, alliance_moved)
    return SponsorStudy(
        frame, complete, chosen, int(seed), MappingProxyType(sponsor_set), MappingProxyType(alliance_moved)
    )


def _check_changes(
    sponsor_set: Mapping[float, bool], alliance_moved: Mapping[float, float], problems: Problems
) -> None:
    known = f"{in_words([number(time) for time in TIMES])} months"
    for name, given in (("sponsor", sponsor_set), ("alliance", alliance_moved)):
        for time, to in given.items():
            if time not in TIMES:
                problems.add(f"{name} is changed at {time!r}, which is not a time of the study: {known}.")
            if name == "sponsor" and to not in (0, 1):
                problems.add(f"sponsor at {time!r} must be True or False; got {shown(to)}.")
            if name == "alliance" and not is_number(to):
                problems.add(f"alliance at {time!r} must be a number of SDs; got {shown(to)}.")


def _draw(
    truth: SponsorTruth, n: int, seed: int, sponsor_set: Mapping[float, bool], alliance_moved: Mapping[float, float]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Frame of what was seen, and of what would have been if everybody had answered everything."""
    of_persons, of_covariates, of_answers, of_interviews, of_forms, of_items = np.random.default_rng(seed).spawn(6)
    persons = draw_persons(truth, n, of_persons, sponsor_set, alliance_moved)
    covariates = draw_covariates(persons, of_covariates)
    answers = draw_answers(truth, persons, of_answers)
    held = interviewed(truth, persons, answers["days"], of_interviews)
    answered = answering(truth, persons, of_forms)
    items = np.stack([answers.pop(name) for name in ALLIANCE_ITEMS], axis=-1)
    complete = _columns(persons.sponsor, answers, items)
    covariates |= {f"{name}_at_entry": complete[name][:, 0] for name in AT_ENTRY}
    gaps = of_items.random(items.shape) < ITEM_MISSING
    observed = _columns(persons.sponsor, answers, np.where(gaps, np.nan, items))
    observed |= {name: np.where(answered, observed[name], np.nan) for name in ON_SPONSOR}
    observed = {name: np.where(held, values, np.nan) for name, values in observed.items()}
    return _long(observed, held, covariates), _long(complete, np.ones_like(held), covariates)


def _columns(sponsor: NDArray[np.bool_], answers: dict[str, Array], items: Array) -> dict[str, Array]:
    """Answers and what is made of them, each of shape ``(person, time)``."""
    activities = {f"activity_{name}": answers[f"activity_{name}"] for name in (*ACTIVITIES, "sponsor", "contact")}
    without_sponsor = np.sum([activities[f"activity_{name}"] for name in ACTIVITIES], axis=0)
    return {
        "sponsor": sponsor.astype(float),
        "contact": answers["contact"],
        "alliance": _mean_of_most(items),
        **dict(zip(ALLIANCE_ITEMS, np.moveaxis(items, -1, 0), strict=True)),
        "meetings": answers["meetings"],
        "attendance": answers["meetings"] * 7 / 90,
        **activities,
        "involvement": without_sponsor + activities["activity_sponsor"] + activities["activity_contact"],
        "involvement_without_sponsor": without_sponsor,
        "days": answers["days"],
        "percent_days_abstinent": 100 * answers["days"] / np.array(WINDOWS),
    }


def _long(columns: dict[str, Array], held: NDArray[np.bool_], covariates: dict[str, NDArray[Any]]) -> pd.DataFrame:
    n = len(held)
    return pd.DataFrame(
        {
            "person": np.repeat(np.arange(1, n + 1), len(TIMES)),
            "time": np.tile(TIMES, n),
            "interviewed": held.ravel().astype(int),
            **{name: values.ravel() for name, values in columns.items()},
            "window": np.tile(WINDOWS, n),
            **{name: np.repeat(values, len(TIMES)) for name, values in covariates.items()},
        }
    )


def _mean_of_most(items: Array) -> Array:
    """Mean of the items, where at least eight were answered."""
    present = np.count_nonzero(~np.isnan(items), axis=-1)
    mean = np.full(present.shape, np.nan)
    np.divide(np.nansum(items, axis=-1), present, out=mean, where=present >= LEAST_ITEMS)
    return mean
