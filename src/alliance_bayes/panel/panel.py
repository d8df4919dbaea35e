"""The panel: person x time x measure, and why a value is absent where it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from os import PathLike
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..basics.calls import checked
from ..basics.given import Numbers
from ..basics.names import choices, quoted
from ..basics.problems import PanelError, Problems
from . import frames
from .checks import check_decision, check_unit
from .parquet import from_parquet
from .patterns import pattern_codes, pooled
from .printing import describe
from .published import published_moments
from .reading import path_of, read_frame
from .records import Absence, Arrays, Background, Contradictions, LeftOut, Moments
from .settling import no_contradictions, settle
from .studies import joined_studies
from .transitions import Transitions, transitions

__all__ = ["Panel"]

FloatArray = npt.NDArray[np.float64]
type Frame = pd.DataFrame | str | PathLike[str]
PUBLISHED = "published moments"


@dataclass(frozen=True, eq=False, repr=False)
class Panel:
    """People asked the same things at a few times, at real times, each absence with its reason.

    Made by `from_long`, `from_wide`, `from_arrays`, `from_parquet` or `from_moments`, which check
    everything; frozen from then on. Arrays are read-only. The first three hold the persons, the
    last two their moments alone.

    Attributes
    ----------
    measures
        What was asked, in the order of the last axis of `values`.
    times
        Increasing, in the unit of `time_unit`.
    persons
        Ids in sorted order, shape ``(person,)``; None where only moments are held.
    values
        Shape ``(person, time, measure)``, in each measure's own unit, NaN where absent; None
        where only moments are held.
    absence
        Codes of `Absence`, shape ``(person, time, measure)``; None where only moments are held.
    requires
        Measure to the state in which alone it exists.
    states
        State to 1 (on), 0 (off) or NaN (unanswered), each of shape ``(person, time)``; empty where
        only moments are held.
    moments
        The moments of each missing-data pattern, where the persons are not held; otherwise None.
    time_unit
        What is printed after times, such as "months".
    source
        "data frame", "arrays", "published moments", or the file's name.
    left_out
        What the input holds that is not in the panel.
    contradictions
        Values that were present although their state was off, whatever was decided about them:
        columns ``person``, ``time``, ``measure``, ``value``, ``state`` (the state's name).
    decision
        What was decided: "drop_value" or "state_on"; "refuse" where there was nothing to decide.
    background
        Covariates, groups and own times of the persons.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({
    ...     "patient": ["P1", "P1", "P2", "P2", "P3"], "month": [0, 6, 0, 6, 0],
    ...     "alliance": [4.0, 5.0, None, 3.0, 2.0], "days": [10, 30, 5, 20, 0],
    ... })
    >>> panel = Panel.from_long(
    ...     frame, person="patient", time="month", measures=["alliance", "days"], time_unit="months"
    ... )
    >>> panel
    Panel of 3 persons, 2 times and 2 measures, from data frame
    Who: 3 persons; 3 with at least one value, 2 at two times or more
    When: 0, 6 months; one interval of 6
    What (SD about the means of the times):
      measure   values  mean     SD  lowest  highest
      alliance       4   3.5      1       2        5
      days           5    13  4.472       0       30
    Values at each time, and absences by their kind:
      measure   time  observed  unanswered  not interviewed
      alliance     0         2           1                0
      alliance     6         2           0                1
      days         0         3           0                0
      days         6         2           0                1
    Missing-data patterns: 3
    Left out: nothing
    """

    measures: tuple[str, ...]
    times: tuple[float, ...]
    persons: npt.NDArray[np.generic] | None
    values: FloatArray | None
    absence: npt.NDArray[np.uint8] | None
    requires: Mapping[str, str]
    states: Mapping[str, FloatArray]
    moments: Moments | None
    time_unit: str | None
    source: str
    left_out: tuple[LeftOut, ...]
    contradictions: pd.DataFrame = field(default_factory=no_contradictions)
    decision: Contradictions = "refuse"
    background: Background = field(default_factory=Background)

    def __post_init__(self) -> None:
        for name in ("persons", "values", "absence"):
            object.__setattr__(self, name, read_only(getattr(self, name)))
        states = {name: read_only(state) for name, state in self.states.items()}
        object.__setattr__(self, "states", MappingProxyType(states))
        object.__setattr__(self, "requires", MappingProxyType(dict(self.requires)))

    def __reduce__(self) -> tuple[Any, ...]:
        content: dict[str, Any] = {attribute.name: getattr(self, attribute.name) for attribute in fields(self)}
        content |= {"requires": dict(self.requires), "states": dict(self.states)}  # mapping proxies cannot be pickled
        return partial(Panel, **content), ()

    @classmethod
    @checked(
        PanelError,
        apart=[
            "frame",
            "person",
            "measures",
            "times",
            "requires",
            "interviewed",
            "covariates",
            "group",
            "own_time",
            "time_unit",
        ],
    )
    def from_long(
        cls,
        frame: Frame,
        *,
        person: str,
        time: str,
        measures: Sequence[str],
        times: Sequence[float] | Mapping[Any, float] | None = None,
        requires: Mapping[str, str] | None = None,
        contradictions: Contradictions = "refuse",
        interviewed: str | None = None,
        covariates: Sequence[str] = (),
        group: str | None = None,
        own_time: str | None = None,
        time_unit: str | None = None,
    ) -> "Panel":
        """Panel of a frame with one row per person and time.

        Parameters
        ----------
        frame
            The data, or the path of a ``.csv``, ``.parquet``, ``.sav``, ``.zsav`` or ``.dta`` file.
        person, time
            Columns of the person's id and of the time, in real units. Ids stay what they are in the frame. Those of a
            CSV file are read as text, so that 01 and 1 are two people, and are whole numbers where all are written so.
        measures
            Columns of numbers, NaN where there is no answer.
        times
            The times to keep, increasing; or a mapping from the labels in the column to real
            times, ``{"w1": 0, "w2": 6}``. None keeps every time. Rows at other times are counted
            in `left_out`.
        requires
            Measure to a column of 1 or True (on), 0 or False (off) and missing: the state in which
            alone the measure exists, ``{"alliance": "regular_doctor"}``.
        contradictions
            What to do where a value is present although its state is off: refuse the data,
            drop the value, or set the state to on.
        interviewed
            Column of 1 (seen) and 0 (not). Without it a person without any measure or state at a
            time counts as not interviewed then; so does one without a row in either case.
        covariates
            Columns of numbers that do not change within persons, such as what was known before
            treatment; a row without a value takes that of the person's other rows. Covariates that vary
            over time are named among `measures`.
        group
            Column of the person's group: site, arm, cohort.
        own_time
            Column of the time of each person's own interview, in the unit of the times; for continuous time.
        time_unit
            Unit of the times, for printing.

        Returns
        -------
        Panel
            Persons in sorted order.

        Raises
        ------
        PanelError
            If the file cannot be read or the data are not a panel; lists every problem found.

        Warns
        -----
        PanelWarning
            If all persons have the same value of a measure at some time, if values look like misprints or codes for
            missing ones, if ids look alike, or if own times seem to count in another unit.

        Examples
        --------
        >>> import pandas as pd
        >>> frame = pd.DataFrame({
        ...     "id": [1, 1, 2, 2, 3, 3], "month": [0, 6, 0, 6, 0, 6], "sponsor": [1, 0, 1, 1, 1, None],
        ...     "alliance": [5, None, None, 4, 3, None], "days": [9, 20, 8, 30, None, 28],
        ... })
        >>> panel = Panel.from_long(
        ...     frame, person="id", time="month", measures=["alliance", "days"], requires={"alliance": "sponsor"}
        ... )
        >>> [[Absence(code).name for code in person] for person in panel.absence[:, :, 0]]
        [['OBSERVED', 'DOES_NOT_EXIST'], ['UNANSWERED', 'OBSERVED'], ['OBSERVED', 'UNKNOWN']]
        """
        source = source_of(frame)
        problems = Problems(f"{source} is not yet a panel of {person} by {time}")
        data = checked_frame(frame, (person, group), problems)
        check_decision(contradictions, problems)
        check_unit(time_unit, problems)
        arrays, required = frames.from_long(
            data,
            person=person,
            time=time,
            measures=measures,
            times=times,
            requires=requires,
            interviewed=interviewed,
            covariates=covariates,
            group=group,
            own_time=own_time,
            problems=problems,
        )
        return cls._settled(arrays, required, contradictions, time_unit, source, problems)

    @classmethod
    @checked(
        PanelError,
        apart=["frame", "measures", "times", "person", "requires", "states", "covariates", "group", "time_unit"],
    )
    def from_wide(
        cls,
        frame: Frame,
        *,
        measures: Mapping[str, Sequence[str]],
        times: Sequence[float],
        person: str | None = None,
        requires: Mapping[str, str] | None = None,
        states: Mapping[str, Sequence[str]] | None = None,
        covariates: Sequence[str] = (),
        group: str | None = None,
        contradictions: Contradictions = "refuse",
        time_unit: str | None = None,
    ) -> "Panel":
        """Panel of a frame with one row per person and one column per measure and time.

        Parameters
        ----------
        frame
            The data, or the path of a file as in `from_long`.
        measures
            Measure to its columns, one for each time, in order.
        times
            The times of these columns, increasing, in real units.
        person
            Column of the person's id; None takes the frame's index.
        requires
            Measure to the state in which alone it exists, a name in `states`.
        states
            State to its columns, one for each time: 1 or True, 0 or False, or missing.
        covariates, group, contradictions, time_unit
            As in `from_long`.

        Returns
        -------
        Panel
            Persons in sorted order; a person without any value or state at a time counts as not
            interviewed then.

        Raises
        ------
        PanelError
            If the file cannot be read or the data are not a panel; lists every problem found.

        Warns
        -----
        PanelWarning
            If all persons have the same value of a measure at some time, if values look like misprints or codes for
            missing ones, if ids look alike, or if own times seem to count in another unit.

        Examples
        --------
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"x0": [1, 2, 3], "x6": [2, None, 5], "y0": [7, 9, 8], "y6": [6, 7, 9]})
        >>> panel = Panel.from_wide(frame, measures={"x": ["x0", "x6"], "y": ["y0", "y6"]}, times=[0, 6])
        >>> panel.values[1]
        array([[ 2.,  9.],
               [nan,  7.]])
        """
        source = source_of(frame)
        problems = Problems(f"{source} is not yet a panel of {person or 'its rows'} by time")
        data = checked_frame(frame, (person, group), problems)
        check_decision(contradictions, problems)
        check_unit(time_unit, problems)
        arrays, required = frames.from_wide(
            data,
            measures=measures,
            times=times,
            person=person,
            requires=requires,
            states=states,
            covariates=covariates,
            group=group,
            problems=problems,
        )
        return cls._settled(arrays, required, contradictions, time_unit, source, problems)

    @classmethod
    @checked(
        PanelError,
        apart=[
            *("values", "measures", "times", "persons", "requires", "states", "interviewed"),
            *("covariates", "groups", "own_times", "time_unit"),
        ],
    )
    def from_arrays(
        cls,
        values: Numbers,
        *,
        measures: Sequence[str],
        times: Sequence[float],
        persons: npt.ArrayLike | None = None,
        requires: Mapping[str, str] | None = None,
        states: Mapping[str, Numbers] | None = None,
        interviewed: npt.ArrayLike | None = None,
        covariates: Mapping[str, Numbers] | None = None,
        groups: npt.ArrayLike | None = None,
        own_times: Numbers | None = None,
        contradictions: Contradictions = "refuse",
        time_unit: str | None = None,
        source: str = "arrays",
    ) -> "Panel":
        """Panel of numpy arrays, which are copied.

        Parameters
        ----------
        values
            Shape ``(person, time, measure)``, NaN or masked where absent.
        measures, times
            Names and real times along the last two axes.
        persons
            Ids in sorted order, shape ``(person,)``; None numbers the persons from 0.
        requires
            Measure to the state in which alone it exists, a name in `states`.
        states
            State to 1, 0 or NaN, each of shape ``(person, time)``.
        interviewed
            True or 1 where a person was seen, False or 0 where not, shape ``(person, time)``; None tells it as in
            `from_long`.
        covariates
            Name to values that do not change, each of shape ``(person,)``.
        groups
            Label of each person's group, shape ``(person,)``.
        own_times
            Time of each person's own interviews, shape ``(person, time)``, NaN where there was none.
        contradictions, time_unit
            As in `from_long`.
        source
            What the panel prints as its origin.

        Returns
        -------
        Panel

        Raises
        ------
        PanelError
            If a shape does not fit, or the data are not a panel; lists every problem found.

        Warns
        -----
        PanelWarning
            If all persons have the same value of a measure at some time, if values look like misprints or codes for
            missing ones, if ids look alike, or if own times seem to count in another unit.

        Examples
        --------
        >>> values = np.random.default_rng(1).normal(size=(100, 3, 2))
        >>> Panel.from_arrays(values, measures=["x", "y"], times=[0, 1, 2]).n_persons
        100
        """
        problems = Problems(f"{source} are not yet a panel")
        check_decision(contradictions, problems)
        check_unit(time_unit, problems)
        arrays, required = frames.from_arrays(
            values,
            measures=measures,
            times=times,
            persons=persons,
            requires=requires,
            states=states,
            interviewed=interviewed,
            covariates=covariates,
            groups=groups,
            own_times=own_times,
            problems=problems,
        )
        return cls._settled(arrays, required, contradictions, time_unit, source, problems)

    @classmethod
    @checked(PanelError, apart=["measures", "times", "requires"])
    def from_parquet(
        cls,
        path: str | PathLike[str],
        *,
        person: str,
        time: str,
        measures: Sequence[str],
        times: Sequence[float] | Mapping[Any, float] | None = None,
        requires: Mapping[str, str] | None = None,
        contradictions: Contradictions = "refuse",
        time_unit: str | None = None,
    ) -> "Panel":
        """Panel of a Parquet file too large for memory, reduced to the moments of each missing-data pattern.

        Rows may come in any order: they are sorted by person on disk, and persons are held only
        half a million rows at a time. Needs the extra ``alliance-bayes[files]``. What a model
        with normal residuals needs is kept without loss, so that its estimates and posterior are
        those of `from_long`; what needs single persons is refused (person scores, forecasts,
        leaving persons out).

        Parameters
        ----------
        path
            A file with one row per person and time, or a folder, all of whose files that end in
            ``.parquet`` are taken together.
        person, time, measures, times, requires, contradictions, time_unit
            As in `from_long`. The states of `requires` decide which absences are which, and are
            not kept.

        Returns
        -------
        Panel
            Its `moments` hold all patterns that occur; `values`, `absence` and `persons` are None.

        Raises
        ------
        PanelError
            If the file cannot be read or the data are not a panel; lists every problem found.

        Warns
        -----
        PanelWarning
            If all persons have the same value of a measure at some time.

        Notes
        -----
        Memory is about 1 GB and grows with neither rows nor persons, only with the number of
        patterns (times the square of times x measures) and with the list of `contradictions`. The
        folder for temporary files (the variable TMPDIR) must have room for the columns in use.

        Examples
        --------
        >>> import pandas as pd, tempfile
        >>> frame = pd.DataFrame({
        ...     "patient": ["P1", "P1", "P2", "P2", "P3"], "month": [0, 6, 0, 6, 0],
        ...     "alliance": [4.0, 5.0, None, 3.0, 2.0], "days": [10, 30, 5, 20, 0],
        ... })
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     frame.to_parquet(f"{folder}/clinic.parquet")
        ...     panel = Panel.from_parquet(
        ...         f"{folder}/clinic.parquet", person="patient", time="month", measures=["alliance", "days"]
        ...     )
        >>> panel
        Panel of 3 persons, 2 times and 2 measures, from clinic.parquet
        Who: 3 persons, known by their means and covariances alone; 3 with at least one value, 2 at two times or more
        When: 0, 6; one interval of 6
        What (SD about the means of the times):
          measure   values  mean     SD  lowest  highest
          alliance       4   3.5      1       2        5
          days           5    13  4.472       0       30
        Values at each time, and absences by their kind:
          measure   time  observed  unanswered  not interviewed
          alliance     0         2           1                0
          alliance     6         2           0                1
          days         0         3           0                0
          days         6         2           0                1
        Missing-data patterns: 3
        Left out: nothing
        """
        source = source_of(path)
        problems = Problems(f"{source} is not yet a panel of {person} by {time}")
        check_unit(time_unit, problems)
        reduced = from_parquet(
            path,
            person=person,
            time=time,
            measures=measures,
            times=times,
            requires=requires,
            contradictions=contradictions,
            problems=problems,
        )
        return cls(
            measures=reduced.measures,
            times=reduced.times,
            persons=None,
            values=None,
            absence=None,
            requires=reduced.requires,
            states={},
            moments=reduced.moments,
            time_unit=time_unit,
            source=source,
            left_out=reduced.left_out,
            contradictions=reduced.contradictions,
            decision=contradictions if len(reduced.contradictions) else "refuse",
        )

    @classmethod
    @checked(
        PanelError,
        apart=["measures", "times", "n", "means", "covariance", "correlation", "sds", "divisor", "time_unit"],
    )
    def from_moments(
        cls,
        *,
        measures: Sequence[str],
        times: Sequence[float],
        n: int,
        means: Numbers,
        covariance: Numbers | None = None,
        correlation: Numbers | None = None,
        sds: Numbers | None = None,
        divisor: str = "n-1",
        time_unit: str | None = None,
    ) -> "Panel":
        """Panel of published means and covariances, without persons.

        Everything is wave-major: x1, y1, x2, y2, ...

        Parameters
        ----------
        measures, times
            Names, and increasing times in real units.
        n
            Number of persons, more than measures x times.
        means
            Shape ``(time, measure)``, or all in one row.
        covariance
            Shape ``(time * measure, time * measure)``.
        correlation, sds
            Instead of `covariance`: the same shape, and the SDs, of the shape of `means`.
        divisor
            ``"n-1"``, as in most tables, or ``"n"``: what sums of squares were divided by.
        time_unit
            Unit of the times, for printing.

        Returns
        -------
        Panel
            Its `moments` are one complete pattern, with the divisor n.

        Raises
        ------
        PanelError
            If shapes do not fit, or the matrix is not symmetric and positive definite; lists every
            problem found.

        Examples
        --------
        >>> panel = Panel.from_moments(
        ...     measures=["x"], times=[0, 6], n=50, means=[3, 4], correlation=[[1, 0.5], [0.5, 1]], sds=[2, 3]
        ... )
        >>> panel.moments.covariance
        array([[[3.92, 2.94],
                [2.94, 8.82]]])
        """
        names, real, moments = published_moments(
            measures=measures,
            times=times,
            n=n,
            means=means,
            covariance=covariance,
            correlation=correlation,
            sds=sds,
            divisor=divisor,
            time_unit=time_unit,
        )
        return cls(names, real, None, None, None, {}, {}, moments, time_unit, PUBLISHED, ())

    @classmethod
    @checked(PanelError, apart=["studies"])
    def from_studies(cls, studies: Mapping[str, "Panel"]) -> "Panel":
        """Panel of several studies, each a group known by its means and covariances.

        For a meta-analysis of cross-lagged panels: studies may differ in their times and in how many
        waves they have. Measures should be in the same units; where instruments differ, give correlations
        with ``sds=1``.

        Parameters
        ----------
        studies
            Name to panel, made by `from_moments` or of persons.

        Returns
        -------
        Panel
            Its `times` are those of the study with most waves; `background.group_times` holds those of each.

        Raises
        ------
        PanelError
            If there are fewer than two, or their measures differ.

        Examples
        --------
        >>> table = {"measures": ["x"], "means": [0, 0], "sds": [1, 1]}
        >>> panel = Panel.from_studies({
        ...     "Smith": Panel.from_moments(times=[0, 6], n=50, correlation=[[1, 0.5], [0.5, 1]], **table),
        ...     "Jones": Panel.from_moments(times=[0, 12], n=80, correlation=[[1, 0.4], [0.4, 1]], **table),
        ... })
        >>> panel.n_persons, panel.background.group_labels
        (130, ('Jones', 'Smith'))
        """
        measures, times, moments, background = joined_studies(studies)
        units = {panel.time_unit for panel in studies.values()}
        if len(units) > 1:
            raise PanelError(f"The studies count time in different units: {quoted(units)}. Bring them to one.")
        return cls(
            measures, times, None, None, None, {}, {}, moments, units.pop(), PUBLISHED, (), background=background
        )

    def _moments_of_group(self, group: str) -> "Panel":
        """The patterns of one study alone, at its own times."""
        assert self.moments is not None
        times = self.background.group_times.get(group, self.times)
        n_waves, size = len(times), len(times) * self.n_measures
        chosen, held = self.background.pattern_groups == group, self.moments
        counts = np.zeros((len(Absence), n_waves, self.n_measures), dtype=np.int64)
        counts[Absence.OBSERVED] = np.einsum("p,ptm->tm", held.n[chosen], held.observed[chosen][:, :n_waves])
        moments = Moments(
            held.n[chosen],
            held.observed[chosen][:, :n_waves],
            held.means[chosen][:, :n_waves],
            held.covariance[chosen][:, :size, :size],
            counts,
        )
        return replace(self, times=times, moments=moments, background=Background(), source=f"{self.source}, {group}")

    @classmethod
    def _settled(
        cls,
        arrays: Arrays,
        requires: Mapping[str, str],
        contradictions: Contradictions,
        time_unit: str | None,
        source: str,
        problems: Problems,
    ) -> "Panel":
        settled = settle(arrays, requires, contradictions, problems)
        return cls(
            measures=arrays.measures,
            times=arrays.times,
            persons=arrays.persons,
            values=settled.values,
            absence=settled.absence,
            requires=requires,
            states=settled.states,
            moments=None,
            time_unit=time_unit,
            source=source,
            left_out=arrays.left_out,
            contradictions=settled.contradictions,
            decision=contradictions if len(settled.contradictions) else "refuse",
            background=arrays.background,
        )

    @property
    def covariates(self) -> Mapping[str, FloatArray]:
        """Covariates that do not change within persons, each of shape ``(person,)``."""
        return self.background.covariates

    @property
    def groups(self) -> npt.NDArray[np.str_] | None:
        """Group of each person, shape ``(person,)``, or None."""
        return self.background.groups

    @property
    def own_times(self) -> FloatArray | None:
        """Time of each person's own interviews, shape ``(person, time)``, or None."""
        return self.background.own_times

    @checked(PanelError)
    def of_group(self, group: str) -> "Panel":
        """The people of one group, without groups.

        Parameters
        ----------
        group
            Its label.

        Raises
        ------
        PanelError
            If there is no such group.
        """
        labels = self.background.group_labels
        if group not in labels:
            raise PanelError(f"The panel has no group '{group}'{choices(group, labels, 'Groups')}")
        if self.moments is not None:
            return self._moments_of_group(group)
        found = self.of_persons(np.flatnonzero(self.groups == group), source=f"{self.source}, {group}")
        return replace(found, background=replace(found.background, groups=None))

    def of_persons(self, places: npt.NDArray[np.int64], *, source: str) -> "Panel":
        """The panel of some of its persons.

        Parameters
        ----------
        places
            Their positions, increasing, shape ``(person,)``.
        source
            What the new panel prints as its origin.

        Raises
        ------
        PanelError
            If the panel holds moments alone.
        """
        values = self.require_persons("Choosing persons")
        assert self.persons is not None
        assert self.absence is not None
        return replace(
            self,
            persons=self.persons[places],
            values=values[places],
            absence=self.absence[places],
            states={name: state[places] for name, state in self.states.items()},
            source=source,
            background=self.background.of(places),
        )

    @property
    def has_persons(self) -> bool:
        """Whether the values of single persons are known."""
        return self.values is not None

    @property
    def n_persons(self) -> int:
        """Number of persons, those without any value included."""
        return int(self.moments.n.sum()) if self.moments is not None else self.require_persons("A count").shape[0]

    @property
    def n_times(self) -> int:
        """Number of times."""
        return len(self.times)

    @property
    def n_measures(self) -> int:
        """Number of measures."""
        return len(self.measures)

    @property
    def intervals(self) -> tuple[float, ...]:
        """Differences of successive times, in the unit of the times."""
        return tuple(float(interval) for interval in np.diff(self.times))

    @property
    def n_observed_persons(self) -> int:
        """Number of persons with at least one value."""
        return self._persons_seen(1)

    @property
    def n_repeated_persons(self) -> int:
        """Number of persons with values at two times or more."""
        return self._persons_seen(2)

    @property
    def n_patterns(self) -> int:
        """Number of different sets of observed cells among persons with at least one value."""
        if self.moments is not None:
            return int(np.count_nonzero(self.moments.observed.any(axis=(1, 2))))
        observed = np.asarray(self.absence == Absence.OBSERVED).reshape(self.n_persons, -1)
        _, first = pattern_codes(observed)
        return int(np.count_nonzero(observed[first].any(axis=1)))

    def _persons_seen(self, times: int) -> int:
        if self.moments is not None:
            observed, people = self.moments.observed, self.moments.n
        else:
            observed = np.asarray(self.absence == Absence.OBSERVED)
            people = np.ones(self.n_persons, dtype=np.int64)
        return int(people[observed.any(axis=2).sum(axis=1) >= times].sum())

    def require_persons(self, what: str) -> FloatArray:
        """Return `values`, or refuse where only moments are known.

        Parameters
        ----------
        what
            What needs the values, as the beginning of a sentence.

        Returns
        -------
        numpy.ndarray
            Shape ``(person, time, measure)``.

        Raises
        ------
        PanelError
            If the panel holds moments alone.

        Examples
        --------
        >>> panel = Panel.from_moments(measures=["x"], times=[0, 6], n=50, means=[3, 4], covariance=[[4, 3], [3, 9]])
        >>> panel.require_persons("Leaving out whole persons")
        Traceback (most recent call last):
        ...
        alliance_bayes.PanelError: Leaving out whole persons needs each person's values, and this panel was \
made from published moments; make it with Panel.from_long or Panel.from_wide.
        """
        if self.values is not None:
            return self.values
        need = f"{what} needs each person's values, and this panel"
        if self.source == PUBLISHED:
            raise PanelError(f"{need} was made from {PUBLISHED}; make it with Panel.from_long or Panel.from_wide.")
        raise PanelError(
            f"{need} holds only the moments of {self.source}; make it with Panel.from_long, of a sample of the "
            "persons where all of them are too many for memory."
        )

    def coverage(self) -> pd.DataFrame:
        """Number of persons observed at each time, and absent for each reason.

        Returns
        -------
        pandas.DataFrame
            One row per measure and time, columns ``measure``, ``time``, ``observed``,
            ``unanswered``, ``does_not_exist``, ``unknown``, ``not_interviewed`` (numbers of
            persons; they add up to `n_persons`) and ``share_observed`` in [0, 1].

        Examples
        --------
        >>> panel = Panel.from_moments(measures=["x"], times=[0, 6], n=50, means=[3, 4], covariance=[[4, 3], [3, 9]])
        >>> panel.coverage()[["measure", "time", "observed"]]
          measure  time  observed
        0       x   0.0        50
        1       x   6.0        50
        """
        kinds = (
            Absence.OBSERVED,
            Absence.UNANSWERED,
            Absence.DOES_NOT_EXIST,
            Absence.UNKNOWN,
            Absence.NOT_INTERVIEWED,
        )
        table = pd.DataFrame(
            {
                "measure": np.repeat(self.measures, self.n_times),
                "time": np.tile(self.times, self.n_measures),
            }
        )
        for kind in kinds:
            counted = None if self.moments is None else self.moments.counts[kind]
            count = np.count_nonzero(self.absence == kind, axis=0) if counted is None else counted
            table[kind.name.lower()] = count.T.ravel()
        table["share_observed"] = table["observed"] / self.n_persons
        return table

    @checked(PanelError)
    def transitions(self, state: str) -> Transitions:
        """How many persons acquired a state and how many kept it, from each time to the next.

        Of those who told the state at both ends of an interval; who was not interviewed or left the
        state unanswered is counted apart and nothing is assumed of them.

        Parameters
        ----------
        state
            A state of `requires`, or a measure that is 0 or 1.

        Returns
        -------
        Transitions
            Counts, percentages with their denominators, text and figure.

        Raises
        ------
        PanelError
            If the panel has no such state, one time only, or moments alone.

        Examples
        --------
        >>> values = [[[4.0], [5.0]], [[3.0], [np.nan]], [[np.nan], [2.0]], [[np.nan], [np.nan]]]
        >>> panel = Panel.from_arrays(
        ...     values, measures=["alliance"], times=[3, 6], requires={"alliance": "sponsor"},
        ...     states={"sponsor": [[1, 1], [1, 0], [0, 1], [0, np.nan]]},
        ... )
        >>> panel.transitions("sponsor").table.loc[(3, 6), ["acquired", "off_before", "kept", "on_before"]].tolist()
        [1, 1, 1, 2]
        """
        return transitions(self, state)

    def pooled_scale(self) -> tuple[FloatArray, FloatArray]:
        """Mean of each measure over all its values, and its SD about the means of the times.

        With y_it observed n_t times at time t, the centre is ``sum y_it / n`` and the scale
        ``sqrt(sum (y_it - mean_t)^2 / n)``, ``n = sum n_t``.

        Returns
        -------
        centre, scale
            Each of shape ``(measure,)``, in the measures' own units.

        Examples
        --------
        >>> panel = Panel.from_arrays([[[1.0], [5.0]], [[3.0], [9.0]]], measures=["x"], times=[0, 6])
        >>> panel.pooled_scale()
        (array([4.5]), array([1.58113883]))
        """
        if self.moments is not None:
            return pooled(self.moments)
        centre, scale = np.empty(self.n_measures), np.empty(self.n_measures)
        for position in range(self.n_measures):
            values = self.require_persons("A scale")[:, :, position]
            count = np.count_nonzero(~np.isnan(values), axis=0)
            centre[position] = np.nansum(values) / count.sum()
            deviations = values - np.nansum(values, axis=0) / np.maximum(count, 1)
            scale[position] = np.sqrt(np.nansum(np.square(deviations, out=deviations)) / count.sum())
        return centre, scale

    def to_frame(self) -> pd.DataFrame:
        """Values and states as a long frame, for use elsewhere.

        Returns
        -------
        pandas.DataFrame
            One row per person and time, those not interviewed included: columns ``person``,
            ``time``, the measures, the states, the covariates, ``group`` and ``own_time`` where there are
            any, and ``interviewed`` (True or False). Given back to `from_long` it makes the same panel.

        Raises
        ------
        PanelError
            If the panel holds moments alone.

        Examples
        --------
        >>> panel = Panel.from_arrays([[[1.0], [5.0]], [[3.0], [9.0]]], measures=["x"], times=[0, 6])
        >>> panel.to_frame()
           person  time    x  interviewed
        0       0   0.0  1.0         True
        1       0   6.0  5.0         True
        2       1   0.0  3.0         True
        3       1   6.0  9.0         True
        """
        values = self.require_persons("A data frame")
        assert self.persons is not None
        assert self.absence is not None
        columns: dict[str, Any] = {
            "person": np.repeat(self.persons, self.n_times),
            "time": np.tile(self.times, self.n_persons),
        }
        columns |= {name: values[:, :, k].ravel() for k, name in enumerate(self.measures)}
        columns |= {name: state.ravel() for name, state in self.states.items()}
        columns |= {name: np.repeat(values, self.n_times) for name, values in self.covariates.items()}
        columns |= {} if self.groups is None else {"group": np.repeat(self.groups, self.n_times)}
        columns |= {} if self.own_times is None else {"own_time": self.own_times.ravel()}
        columns["interviewed"] = (self.absence != Absence.NOT_INTERVIEWED).any(axis=2).ravel()
        return pd.DataFrame(columns)

    def __str__(self) -> str:
        return describe(self)

    __repr__ = __str__


def read_only(array: npt.NDArray[Any] | None) -> npt.NDArray[Any] | None:
    if array is None:
        return None
    view = array.view()
    view.flags.writeable = False
    return view


def source_of(frame: object) -> str:
    return path_of(frame).name if isinstance(frame, str | PathLike) else "data frame"


def checked_frame(frame: Frame, labels: Sequence[str | None], problems: Problems) -> pd.DataFrame:
    read = (
        read_frame(frame, labels=[name for name in labels if isinstance(name, str)])
        if isinstance(frame, str | PathLike)
        else frame
    )
    frames.check_frame(read, problems)
    return read
