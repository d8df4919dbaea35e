"""The panel: person x time x measure, and the ways to make one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from typing import Any, Self

import numpy.typing as npt
import pandas as pd

from ..basics.calls import checked
from ..basics.given import Numbers, entries
from ..basics.html import html_of
from ..basics.names import quoted
from ..basics.problems import PanelError, Problems
from . import frames
from .checks import check_decision, check_unit
from .delimited import Layout
from .factors import Factors
from .long import LongColumns
from .missing_codes import MissingCodes
from .panel_data import PanelData
from .parquet import from_parquet
from .preparing import Preparing
from .printing import describe
from .published import joined_studies, published_moments
from .reading import DATA_FRAME, Table, path_of
from .records import Arrays, Contradictions, IdenticalRows, WithoutCovariates
from .settling import settle
from .times_of_dates import DatesFrom, with_dates
from .transitions import Transitions, transitions

__all__ = ["Panel"]

READ = (  # arguments that are checked where they are read
    *("frame", "values", "person", "persons", "measures", "times", "requires", "states", "interviewed"),
    *("covariates", "group", "groups", "own_time", "own_times", "time_unit"),
    *("dates_from", "identical_rows", "without_covariates", "missing", "factor", "delimiter", "encoding", "decimal"),
)

type Frame = pd.DataFrame | str | PathLike[str] | Table
"""A data frame, or a file; a data frame of another package is converted."""


class Panel(PanelData):
    """People asked the same things at a few times, at real times, each absence with its reason.

    Made by `from_long`, `from_wide`, `from_arrays`, `from_parquet` or `from_moments`, which check
    everything; frozen from then on. Arrays are read-only. The first three hold the persons, the
    last two their moments alone.

    Attributes
    ----------
    measures
        Their names, in the order of the last axis of `values`.
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
        Measure to the state that it requires: the measure exists only while the state is on.
    states
        State to 1 (on), 0 (off) or NaN (not reported), each of shape ``(person, time)``; empty where
        only moments are held.
    moments
        The moments of each missing-data pattern, where the persons are not held; otherwise None.
    time_unit
        What is printed after times, such as "months".
    source
        "data frame", "arrays", "published moments", or the file's name.
    left_out
        Parts of the input that are not in the panel.
    notes
        How the input was read: delimiter and encoding, codes taken as missing, categories as columns.
    contradictions
        Values that were present although their state was off: columns ``person``, ``time``, ``measure``, ``value``,
        ``state`` (the state's name).
    decision
        The decision about these values: "drop_value" or "state_on"; "refuse" where there are none.
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
      measure   time  observed  item missing  wave missing
      alliance     0         2             1             0
      alliance     6         2             0             1
      days         0         3             0             0
      days         6         2             0             1
    Missing-data patterns: 3
    Excluded: nothing
    """

    def __init__(self, *given: Any, **attributes: Any) -> None:
        if given or not {"measures", "times"} <= set(attributes):
            raise PanelError(
                "A panel is made from data by ab.Panel.from_long (one row per person and time) or ab.Panel.from_wide "
                '(one row per person), which check them: ab.Panel.from_long("clinic.csv", person=..., time=..., '
                "measures=[...])."
            )
        super().__init__(**attributes)

    @classmethod
    @checked(PanelError, apart=READ)
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
        factor: Factors = (),
        group: str | None = None,
        own_time: str | None = None,
        time_unit: str | None = None,
        dates_from: DatesFrom | None = None,
        identical_rows: IdenticalRows = "refuse",
        without_covariates: WithoutCovariates = "keep",
        missing: MissingCodes = (),
        delimiter: str | None = None,
        encoding: str | None = None,
        decimal: str | None = None,
    ) -> Self:
        """Panel of a frame with one row per person and time.

        Parameters
        ----------
        frame
            The data, of pandas, Polars or PyArrow; or the path of a file that `read_frame` reads: ``.csv``, ``.tsv``,
            ``.txt``, ``.xlsx``, ``.parquet``, ``.sav``, ``.zsav`` or ``.dta``.
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
            Measure to the column of a state, ``{"alliance": "regular_doctor"}``: 1 or True (on), 0 or False (off),
            or missing. The measure applies only while the state is on.
        contradictions
            What to do where a value is present although its state is off: refuse the data,
            drop the value, or set the state to on.
        interviewed
            Column of 1 (interviewed) and 0 (not). Without it, a wave is missing for a person who has no measure
            and no state at that time; it is also missing where there is no row.
        covariates
            Columns of numbers that do not change within persons, such as what was known before
            treatment; a row without a value takes that of the person's other rows, of which those at times that are not
            kept count where no other has one. Covariates that vary over time are named among `measures`.
        factor
            Columns of categories that do not change within persons, ``["education"]``: each category but the first
            becomes a covariate of 0 and 1, ``education_high``. Or each with its categories, the reference first,
            ``{"education": ["low", "middle", "high"]}``. Without them they are sorted, and missing where unknown.
        group
            Column of the person's group: site, arm, cohort; in SPSS files by its value labels.
        own_time
            Column of the time of each person's own interview, in the unit of the times; for continuous time.
        time_unit
            Unit of the times, for printing.
        dates_from
            What dates in `time` or `own_time` are counted from, in `time_unit` ("days", "weeks", "months" of 30.4375
            days, "years"): ``"person"``, each person's first date, or ``"all"``, the first of all. A date in `time` is
            taken as the nearest of `times`, the planned ones. The formula is printed.
        identical_rows
            What to do with rows that repeat another in every column: ``"refuse"`` the data, or ``"drop"`` them.
        without_covariates
            What to do with persons of whom a covariate, a factor or the group named here is missing in all rows:
            ``"keep"`` them, so that the panel refuses a missing group, and a model a missing covariate; or
            ``"leave_out"``, as if the data did not hold them, listed in `left_out`. Answers are then about the others,
            and biased where these differ.
        missing
            Codes for missing answers, ``[-99, "NA"]``, in all columns but person and time; or by column,
            ``{"days": [-99]}``. How many there were is printed.
        delimiter, encoding, decimal
            Of a text file, as in `read_frame`; found in the file where they are left open.

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
        >>> from alliance_bayes.panel import Absence
        >>> frame = pd.DataFrame({
        ...     "id": [1, 1, 2, 2, 3, 3], "month": [0, 6, 0, 6, 0, 6], "sponsor": [1, 0, 1, 1, 1, None],
        ...     "alliance": [5, None, None, 4, 3, None], "days": [9, 20, 8, 30, None, 28],
        ... })
        >>> panel = Panel.from_long(
        ...     frame, person="id", time="month", measures=["alliance", "days"], requires={"alliance": "sponsor"}
        ... )
        >>> [[Absence(code).name for code in person] for person in panel.absence[:, :, 0]]
        [['OBSERVED', 'NOT_APPLICABLE'], ['ITEM_MISSING', 'OBSERVED'], ['OBSERVED', 'UNKNOWN']]
        """
        source = source_of(frame)
        problems = Problems(f"{source} is not yet a panel of {person} by {time}")
        layout = Layout(delimiter, encoding, decimal)
        prepare = Preparing((person, time), group, factor, covariates, missing, without_covariates, identical_rows)
        table, made = prepare.table(frame, layout, problems)
        check_decision(contradictions, problems)
        check_unit(time_unit, problems)
        table = with_dates(table, person, time, own_time, times, dates_from, time_unit, problems)
        known = with_made(covariates, made)
        columns = LongColumns(person, time, measures, times, requires, interviewed, known, group, own_time)
        arrays = frames.from_long(table.frame, columns, problems)
        arrays = replace(arrays, left_out=(*table.left_out, *arrays.left_out))
        return cls._settled(arrays, contradictions, time_unit, source, problems, table.notes)

    @classmethod
    @checked(PanelError, apart=READ)
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
        factor: Factors = (),
        group: str | None = None,
        contradictions: Contradictions = "refuse",
        time_unit: str | None = None,
        missing: MissingCodes = (),
        without_covariates: WithoutCovariates = "keep",
        delimiter: str | None = None,
        encoding: str | None = None,
        decimal: str | None = None,
    ) -> Self:
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
            Measure to the state that it requires, a name in `states`.
        states
            State to its columns, one for each time: 1 or True, 0 or False, or missing.
        covariates, factor, group, contradictions, time_unit, missing, without_covariates, delimiter, encoding, decimal
            As in `from_long`; codes for missing answers are those of all columns but the person's.

        Returns
        -------
        Panel
            Persons in sorted order; the wave is missing for a person without any value or state at that time.

        Raises
        ------
        PanelError
            If the file cannot be read or the data are not a panel; lists every problem found.

        Warns
        -----
        PanelWarning
            As `from_long`.

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
        layout = Layout(delimiter, encoding, decimal)
        prepare = Preparing((person,), group, factor, covariates, missing, without_covariates)
        table, made = prepare.table(frame, layout, problems)
        check_decision(contradictions, problems)
        check_unit(time_unit, problems)
        known = with_made(covariates, made)
        arrays = frames.from_wide(table.frame, measures, times, person, requires, states, known, group, problems)
        arrays = replace(arrays, left_out=(*table.left_out, *arrays.left_out))
        return cls._settled(arrays, contradictions, time_unit, source, problems, table.notes)

    @classmethod
    @checked(PanelError, apart=READ)
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
    ) -> Self:
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
            Measure to the state that it requires, a name in `states`.
        states
            State to 1, 0 or NaN, each of shape ``(person, time)``.
        interviewed
            True or 1 where a person was interviewed, False or 0 where not, shape ``(person, time)``; without it, as
            in `from_long`.
        covariates
            Name to values that do not change, each of shape ``(person,)``.
        groups
            Label of each person's group, shape ``(person,)``.
        own_times
            Time of each person's own interviews, shape ``(person, time)``, NaN where there was none.
        contradictions, time_unit
            As in `from_long`.
        source
            Printed as the panel's origin.

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
            As `from_long`.

        Examples
        --------
        >>> import numpy as np
        >>> values = np.random.default_rng(1).normal(size=(100, 3, 2))
        >>> Panel.from_arrays(values, measures=["x", "y"], times=[0, 1, 2]).n_persons
        100
        """
        problems = Problems(f"{source} are not yet a panel")
        check_decision(contradictions, problems)
        check_unit(time_unit, problems)
        arrays = frames.from_arrays(
            values, measures, times, persons, requires, states, interviewed, covariates, groups, own_times, problems
        )
        return cls._settled(arrays, contradictions, time_unit, source, problems)

    @classmethod
    @checked(PanelError, apart=["measures", "times", "requires", "missing"])
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
        missing: MissingCodes = (),
        client: Any = None,
    ) -> Self:
        """Panel of a Parquet file too large for memory, reduced to the moments of each missing-data pattern.

        Rows may come in any order: they are sorted by person on disk, and persons are held only
        half a million rows at a time. Needs the extra ``alliance-bayes[files]``. What a model
        with normal residuals needs is kept without loss, so that its estimates and posterior are
        those of `from_long`; questions about single persons are refused (person scores, forecasts,
        leaving persons out).

        Parameters
        ----------
        path
            A file with one row per person and time, or a folder, all of whose files that end in
            ``.parquet`` are taken together.
        person, time, measures, times, requires, contradictions, time_unit, missing
            As in `from_long`. The states of `requires` decide which absences are which, and are
            not kept.
        client
            A ``dask.distributed.Client`` (extra ``clusters``), whose workers read the same path and reduce the rows;
            the moments are the same to the last bit. The columns are checked in this process, and each task reads the
            rows of some persons: files that are sorted by person are read once, others once for each task.

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
        >>> frame = pd.DataFrame({"id": [1, 1, 2, 2, 3], "month": [0, 6, 0, 6, 0], "days": [10, 30, 5, 20, 0]})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     frame.to_parquet(f"{folder}/clinic.parquet")
        ...     panel = Panel.from_parquet(f"{folder}/clinic.parquet", person="id", time="month", measures=["days"])
        >>> panel.moments.n, panel.moments.means[:, :, 0]
        (array([2, 1]), array([[ 7.5, 25. ],
               [ 0. ,  nan]]))
        """
        source = source_of(path)
        problems = Problems(f"{source} is not yet a panel of {person} by {time}")
        check_unit(time_unit, problems)
        columns = LongColumns(person, time, measures, times, requires)
        table, moments, off, notes = from_parquet(path, columns, missing, contradictions, problems, client)
        return cls(
            measures=table.measures,
            times=table.times,
            requires=table.requires,
            moments=moments,
            time_unit=time_unit,
            source=source,
            left_out=table.left_out,
            notes=notes,
            contradictions=off,
            decision=contradictions if len(off) else "refuse",
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
    ) -> Self:
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
            Divisor of the sums of squares: ``"n-1"``, as in most tables, or ``"n"``.
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
            measures, times, n, means, covariance, correlation, sds, divisor, time_unit
        )
        return cls(measures=names, times=real, moments=moments, time_unit=time_unit)

    @classmethod
    @checked(PanelError, apart=["studies"])
    def from_studies(cls, studies: Mapping[str, "Panel"]) -> Self:
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
        return cls(measures=measures, times=times, moments=moments, time_unit=units.pop(), background=background)

    @checked(PanelError)
    def transitions(self, state: str) -> Transitions:
        """How many persons acquired a state and how many kept it, from each time to the next.

        Of those who reported the state at both ends of an interval. Persons whose wave is missing, or who did not
        report the state, are counted separately; nothing is assumed of them.

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
        >>> import numpy as np
        >>> from alliance_bayes import Panel
        >>> values = [[[4.0], [5.0]], [[3.0], [np.nan]], [[np.nan], [2.0]], [[np.nan], [np.nan]]]
        >>> panel = Panel.from_arrays(
        ...     values, measures=["alliance"], times=[3, 6], requires={"alliance": "sponsor"},
        ...     states={"sponsor": [[1, 1], [1, 0], [0, 1], [0, np.nan]]},
        ... )
        >>> panel.transitions("sponsor").table.loc[(3, 6), ["acquired", "off_before", "kept", "on_before"]].tolist()
        [1, 1, 1, 2]
        """
        return transitions(self, state)

    def __str__(self) -> str:
        return describe(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html_of(self)

    @classmethod
    def _settled(
        cls,
        arrays: Arrays,
        decision: Contradictions,
        time_unit: str | None,
        source: str,
        problems: Problems,
        notes: tuple[str, ...] = (),
    ) -> Self:
        absence, off = settle(arrays, decision, problems)
        return cls(
            measures=arrays.measures,
            times=arrays.times,
            persons=arrays.persons,
            values=arrays.answers,
            absence=absence,
            requires=arrays.requires,
            states=arrays.states,
            time_unit=time_unit,
            source=source,
            left_out=arrays.left_out,
            notes=notes,
            contradictions=off,
            decision=decision if len(off) else "refuse",
            background=arrays.background,
        )


def source_of(frame: object) -> str:
    """Where data come from."""
    if isinstance(frame, Table):
        return frame.source
    return path_of(frame).name if isinstance(frame, str | PathLike) else DATA_FRAME


def with_made(covariates: object, made: tuple[str, ...]) -> Any:
    """The covariates and those made of factors; what is no list is refused where covariates are read."""
    listed = entries(covariates)
    return covariates if listed is None else (*listed, *made)
