"""What a panel holds, and what can be asked of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..basics.calls import checked
from ..basics.names import choices
from ..basics.problems import PanelError
from ..basics.whole_tables import WholeTable
from .patterns import means_of_waves, pattern_codes, pooled
from .records import REASONS, Absence, Background, Contradictions, LeftOut, Moments
from .settling import no_contradictions

__all__ = ["PUBLISHED", "PanelData"]

FloatArray = npt.NDArray[np.float64]
PUBLISHED = "published moments"


@dataclass(frozen=True, eq=False, repr=False)
class PanelData:
    """The attributes of a `Panel`, checked by whoever makes it, and what can be asked of them."""

    measures: tuple[str, ...]
    times: tuple[float, ...]
    persons: npt.NDArray[np.generic] | None = None
    values: FloatArray | None = None
    absence: npt.NDArray[np.uint8] | None = None
    requires: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, FloatArray] = field(default_factory=dict)
    moments: Moments | None = None
    time_unit: str | None = None
    source: str = PUBLISHED
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
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
        return partial(type(self), **content), ()

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
    def of_group(self, group: str) -> Self:
        """The people of one group, without groups.

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
        members = self.of_persons(np.flatnonzero(self.groups == group), source=f"{self.source}, {group}")
        return replace(members, background=replace(members.background, groups=None))

    def of_persons(self, places: npt.NDArray[np.int64], *, source: str) -> Self:
        """The panel of the persons at these positions, increasing; `source` is printed as its origin."""
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
            Subject of the message: the use of the values.

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
        >>> from alliance_bayes import Panel
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
            ``item_missing``, ``not_applicable``, ``unknown``, ``wave_missing`` (numbers of
            persons; they add up to `n_persons`) and ``share_observed`` in [0, 1].

        Examples
        --------
        >>> from alliance_bayes import Panel
        >>> panel = Panel.from_moments(measures=["x"], times=[0, 6], n=50, means=[3, 4], covariance=[[4, 3], [3, 9]])
        >>> panel.coverage()[["measure", "time", "observed"]]
          measure  time  observed
        0       x     0        50
        1       x     6        50
        """
        cells = {"measure": np.repeat(self.measures, self.n_times), "time": np.tile(self.times, self.n_measures)}
        table = WholeTable(cells)
        for kind in (Absence.OBSERVED, *REASONS):
            counts = np.sum(self.absence == kind, axis=0) if self.moments is None else self.moments.counts[kind]
            table[kind.name.lower()] = counts.T.ravel()
        table["share_observed"] = table["observed"] / self.n_persons
        return table

    def wave_means(self) -> FloatArray:
        """Mean of each measure over the people who have a value at a time.

        Returns
        -------
        numpy.ndarray
            Shape ``(time, measure)``, in the measures' own units; NaN where nobody has a value.

        Examples
        --------
        >>> from alliance_bayes import Panel
        >>> panel = Panel.from_arrays([[[1.0], [5.0]], [[3.0], [9.0]]], measures=["x"], times=[0, 6])
        >>> panel.wave_means()
        array([[2.],
               [7.]])
        """
        if self.moments is not None:
            return means_of_waves(self.moments)
        values = self.require_persons("A mean")
        with np.errstate(invalid="ignore"):
            return np.asarray(np.nansum(values, axis=0) / np.count_nonzero(~np.isnan(values), axis=0))

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
        >>> from alliance_bayes import Panel
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
            One row per person and time, missing waves included: columns ``person``,
            ``time``, the measures, the states, the covariates, ``group`` and ``own_time`` where there are
            any, and ``interviewed`` (True or False). Given back to `from_long` it makes the same panel.

        Raises
        ------
        PanelError
            If the panel holds moments alone.

        Examples
        --------
        >>> from alliance_bayes import Panel
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
        columns["interviewed"] = (self.absence != Absence.WAVE_MISSING).any(axis=2).ravel()
        return pd.DataFrame(columns)

    def _moments_of_group(self, group: str) -> Self:
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


def read_only(array: npt.NDArray[Any] | None) -> npt.NDArray[Any] | None:
    if array is None:
        return None
    view = array.view()
    view.flags.writeable = False
    return view
