"""What a model has to know of a panel besides its values: times, groups, covariates, and who shares which."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property, partial
from itertools import chain

import numpy as np
import numpy.typing as npt

from ..panel import Panel
from ..spec.cross_lagged import CrossLagged
from ..spec.steps import base_step
from .histories import Cases, Histories, possible_histories

__all__ = ["Cell", "Covariate", "Design", "design_of", "plain_design"]

type FloatArray = npt.NDArray[np.float64]

ROUNDINGS = 8  # of a time that is read, moved and subtracted, with some to spare


@dataclass(frozen=True)
class Cell:
    """People for whom the model is the same: one group, the same times, moderators and history of the state."""

    group: int  # position of the group; 0 where there are no groups
    times: tuple[float, ...]  # times of their waves
    # Values of the moderators, in the order of `CrossLagged.moderated`, standardised
    moderators: tuple[float, ...] = ()
    history: tuple[int, ...] = ()  # the state at each wave, as `histories` has it; empty without a state


@dataclass(frozen=True)
class Covariate:
    """One column of covariates."""

    name: str
    wave: int | None  # position of the wave it belongs to; None where it does not vary over time


@dataclass(frozen=True, eq=False)
class Design:
    """What a model has to know of a panel besides its values."""

    times: tuple[float, ...]  # times of the waves that hold for all, or that are planned
    groups: tuple[str, ...] = ()  # labels of the groups; empty where there are none
    cells: tuple[Cell, ...] = ()  # distinct combinations of group, times, moderators and history
    # Cell of each person, shape ``(person,)``; None where there is but one cell, and with a state
    person_cell: npt.NDArray[np.int64] | None = None
    covariates: tuple[Covariate, ...] = ()  # columns that are conditioned on
    # Their values, standardised, shape ``(person, column)``; None without covariates
    covariate_values: FloatArray | None = None
    # SD and mean of each covariate and moderator over persons, one for all waves, by name
    scales: Mapping[str, float] = field(default_factory=dict)
    centres: Mapping[str, float] = field(default_factory=dict)
    # Times from which slopes count as 0 and as 1; the first and the last wave where left open
    span: tuple[float, float] | None = None
    group_times: tuple[tuple[float, ...], ...] = ()  # times of each group's own waves; those of all where left open
    histories: Histories | None = None  # with a state, the possible histories of all people
    history_cell: npt.NDArray[np.int64] | None = None
    decimals: int = 12  # to which times and intervals are known; what differs after them differs by rounding

    def cases(self, n_persons: int) -> Cases:
        """What each person may be a case of: one without a state, else the possible histories."""
        if self.histories is not None:
            assert self.history_cell is not None
            return Cases(self.histories.person, self.history_cell, self.histories.log_weight)
        cells = np.zeros(n_persons, dtype=np.int64) if self.person_cell is None else self.person_cell
        return Cases(np.arange(n_persons), cells, np.zeros(n_persons))

    def knows_what(self, other: "Design") -> bool:
        """Whether another design is the same, and nothing in it differs from person to person."""
        of_persons = ("person_cell", "covariate_values", "histories", "history_cell")
        if any(getattr(each, name) is not None for each in (self, other) for name in of_persons):
            return False
        return all(getattr(self, each.name) == getattr(other, each.name) for each in fields(self))

    def times_of(self, group: int) -> tuple[float, ...]:
        """Times of one group's waves."""
        return self.group_times[group] if self.group_times else self.times

    @cached_property
    def intervals(self) -> tuple[float, ...]:
        """All intervals between the waves of any group."""
        every = self.group_times or (self.times,)
        return tuple(float(length) for times in every for length in np.diff(times))

    @cached_property
    def step(self) -> float:
        """Greatest common divisor of all intervals."""
        step = base_step((0.0, *np.cumsum(self.intervals).tolist()))
        assert step is not None
        return step

    def along(self, time: float) -> float:
        """Time as a share of the way over which slopes are counted."""
        first, last = self.span or (self.times[0], self.times[-1])
        return (time - first) / (last - first)

    @property
    def n_groups(self) -> int:
        """Number of groups, at least 1."""
        return max(1, len(self.groups))

    def scope(self, group: int | None) -> str:
        """Beginning of the name of a parameter that belongs to one group."""
        return f"{self.groups[group]}: " if self.groups and group is not None else ""


def plain_design(times: Sequence[float]) -> Design:
    """A design with these times for everybody and nothing else."""
    waves = tuple(map(float, times))
    return Design(waves, cells=(Cell(0, waves),), decimals=_decimals(waves))


def design_of(spec: CrossLagged, panel: Panel, *, until: int | None = None, like: Design | None = None) -> Design:
    """The design of a model on a panel that it was checked against.

    The state has a probability up to the wave at position `until` at least, as `possible_histories` says. Covariates
    are standardised, and slopes counted, as in the design `like`, where one is given.
    """
    times = tuple(panel.times)
    groups, group_times = panel.background.group_labels if spec.group_lags else (), panel.background.group_times
    own_times = panel.own_times if spec.lags == "continuous" else None
    decimals = _decimals([*times, *chain(*group_times.values()), *([] if own_times is None else own_times.ravel())])
    columns = {name: _columns(name, panel) for name in spec.conditioned_on}
    everything = {name: _columns(name, panel) for name in spec.moderated.values()} | columns
    scales = {name: _spread(values) for name, values in everything.items()} if like is None else like.scales
    centres = {name: float(np.nanmean(values)) for name, values in everything.items()} if like is None else like.centres
    standard = {name: (values - centres[name]) / scales[name] for name, values in everything.items()}
    moderators = {name: standard[name][:, 0] for name in spec.moderated.values()}
    design = partial(
        Design,
        covariates=tuple(
            Covariate(name, wave if values.shape[1] > 1 else None)
            for name, values in columns.items()
            for wave in range(values.shape[1])
        ),
        covariate_values=np.hstack([standard[name] for name in columns]) if columns else None,
        scales=scales,
        centres=centres,
        span=None if like is None else like.span or (like.times[0], like.times[-1]),
        decimals=decimals,
    )
    if group_times and groups:
        each = tuple(group_times[label] for label in groups)
        cells = tuple(Cell(place, waves) for place, waves in enumerate(each))
        return design(times, groups, cells, group_times=each)
    if not groups and own_times is None and not moderators and spec.state is None:
        return design(times, (), (Cell(0, times),))
    assert panel.persons is not None
    n_persons = len(panel.persons)
    codes = np.searchsorted(groups, panel.groups) if groups and panel.groups is not None else np.zeros(n_persons, int)
    keys = np.column_stack(
        [
            codes.astype(float),
            np.tile(times, (n_persons, 1)) if own_times is None else _from_first_wave(own_times, times, decimals),
            *(moderators[name] for name in spec.moderated.values()),
        ]
    )
    histories = None if spec.state is None else possible_histories(spec, panel, until=until)
    if histories is None:
        return design(times, groups, *_cells(keys, len(times), keys.shape[1]))
    with_history = np.hstack([keys[histories.person], histories.state])
    cells, history_cell = _cells(with_history, len(times), keys.shape[1])
    return design(times, groups, cells, histories=histories, history_cell=history_cell)


def _cells(keys: FloatArray, n_times: int, before_history: int) -> tuple[tuple[Cell, ...], npt.NDArray[np.int64]]:
    """Distinct rows of group, times, moderators and history as cells, and the cell of each row."""
    distinct, cell = np.unique(keys, axis=0, return_inverse=True)
    parts = (np.split(row, [1, 1 + n_times, before_history]) for row in distinct)
    cells = tuple(
        Cell(int(group[0]), tuple(times.tolist()), tuple(moderators.tolist()), tuple(history.astype(int).tolist()))
        for group, times, moderators, history in parts
    )
    return cells, cell.ravel().astype(np.int64)


def _columns(name: str, panel: Panel) -> FloatArray:
    """A covariate's columns: one of persons, or one for each wave."""
    if name in panel.covariates:
        return panel.covariates[name][:, None]
    return np.asarray(panel.require_persons("A covariate")[:, :, panel.measures.index(name)])


def _spread(columns: FloatArray) -> float:
    """SD about the means of the columns."""
    return float(np.sqrt(np.nanmean((columns - np.nanmean(columns, axis=0)) ** 2)))


def _decimals(times: npt.ArrayLike) -> int:
    """Decimals of sums and differences of times that are more than rounding."""
    largest = np.nanmax(np.abs(times), initial=np.finfo(float).tiny)
    return int(np.floor(-np.log10(ROUNDINGS * np.finfo(float).eps * largest)))


def _from_first_wave(own_times: FloatArray, times: tuple[float, ...], decimals: int) -> FloatArray:
    """Own times, moved so that the first is the planned one; waves without an interview are put in between.

    Where such a wave lies does not matter: over it, effects and innovations of two intervals join exactly into
    those of both. It comes the planned time after the wave before, or halfway where that would be too late.
    """
    known, planned = ~np.isnan(own_times), np.asarray(times)
    result = np.array(own_times)
    for person in np.flatnonzero(~known.all(axis=1)):
        seen = np.flatnonzero(known[person])
        if not seen.size:
            result[person] = planned
            continue
        first = seen[0]
        result[person, :first] = own_times[person, first] + planned[:first] - planned[first]
        for wave in np.flatnonzero(~known[person]):
            if wave < first:
                continue
            before, later = result[person, wave - 1], seen[seen > wave]
            time = before + planned[wave] - planned[wave - 1]
            if later.size and time >= own_times[person, later[0]]:
                time = (before + own_times[person, later[0]]) / 2
            result[person, wave] = time
    return np.asarray(np.round(result - result[:, :1] + planned[0], decimals))
