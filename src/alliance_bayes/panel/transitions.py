"""How many acquired a state and how many kept it, of those asked at both ends."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..basics.names import choices, number
from ..basics.problems import PanelError, Problems
from ..basics.whole_tables import WholeTable
from .panel_data import PanelData
from .printing import table as lines_of
from .records import Absence

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Transitions", "transitions"]


@dataclass(frozen=True, eq=False, repr=False)
class Transitions:
    """How many persons acquired a state and how many kept it, from each time to the next.

    A description of those who reported the state at both ends; nothing is assumed of the others.

    Attributes
    ----------
    state
        Its name.
    table
        Indexed by ``since`` and ``time``, the ends of the interval. ``off_before``: persons known
        to be without the state at its start and known at its end; ``acquired``: those of them
        who have it at the end, and ``percent_acquired``; ``on_before``, ``kept`` and
        ``percent_kept`` the same for those with the state at its start. A state that was kept may
        be another one (a new sponsor). Not among them, each person once: ``wave_missing`` at
        an end or at both, and ``item_missing``, interviewed at both but without an answer on the
        state. The four add up to the panel's persons.
    prevalence
        Indexed by ``time``: ``on``, persons with the state, ``assessed``, persons who reported it,
        and ``percent_on``.
    time_unit
        Unit of the times.
    """

    state: str
    table: pd.DataFrame
    prevalence: pd.DataFrame
    time_unit: str | None

    def plot(self) -> "Figure":
        """Draw acquired and kept, in percent of those who could, at the end of each interval."""
        from ..figures.counts import counted_shares_figure

        unit = f" {self.time_unit}" if self.time_unit else ""
        groups = {
            f"{number(since)} to {number(time)}{unit}": (
                (row["acquired"], row["off_before"]),
                (row["kept"], row["on_before"]),
            )
            for (since, time), row in zip(self.table.index, self.table.to_dict("records"), strict=True)
        }
        return counted_shares_figure(
            groups,
            labels=("acquired, of those without before", "kept, of those with before"),
            title=f"{self.state}: acquired and kept",
            unit="% of those known at both ends",
        )

    def __str__(self) -> str:
        unit = f" {self.time_unit}" if self.time_unit else ""
        moves = [
            [
                f"{number(since)} to {number(time)}{unit}",
                _share(row["acquired"], row["off_before"]),
                _share(row["kept"], row["on_before"]),
                f"{row['wave_missing']:,}",
                f"{row['item_missing']:,}",
            ]
            for (since, time), row in zip(self.table.index, self.table.to_dict("records"), strict=True)
        ]
        levels = [
            [f"{number(time)}{unit}", _share(row["on"], row["assessed"])]
            for time, row in zip(self.prevalence.index, self.prevalence.to_dict("records"), strict=True)
        ]
        return "\n".join(
            [
                f"'{self.state}', of those who reported it at both ends of the interval:",
                *lines_of(["from ... to", "acquired", "kept", "wave missing", "item missing"], moves),
                f"'{self.state}', of those who reported it at that time:",
                *lines_of(["at", "on"], levels),
                "A state that was kept may be another one; nothing is assumed of those who did not report it.",
            ]
        )

    __repr__ = __str__


def reported_states(name: str, panel: PanelData) -> npt.NDArray[np.float64]:
    """Reported values of a state, or of a measure that is 0 or 1, shape ``(person, wave)``; NaN where nothing."""
    if name in panel.states:
        return panel.states[name]
    return np.asarray(panel.require_persons("A state")[:, :, panel.measures.index(name)])


def transitions(panel: PanelData, state: str) -> Transitions:
    """Count transitions; see `Panel.transitions`."""
    problems = Problems("Transitions cannot be counted")
    if not panel.has_persons:
        problems.add(
            f"They need each person's states, and this panel holds only the moments of {panel.source}; "
            "make it with Panel.from_long or Panel.from_wide."
        )
    elif state in panel.measures:
        values = reported_states(state, panel)
        if n_other := int((~np.isnan(values) & (values != 0) & (values != 1)).sum()):
            problems.add(f"'{state}' is no state: {n_other} of its values are neither 0 nor 1.")
    elif not panel.states:
        problems.add(f"The panel has no states; name '{state}' in requires, requires={{'a measure': '{state}'}}.")
    elif state not in panel.states:
        problems.add(f"The panel has no state '{state}'{choices(state, panel.states, 'States')}")
    if panel.n_times < 2:
        problems.add("There is only one time, so there are no transitions.")
    problems.raise_as(PanelError)

    reported = reported_states(state, panel)
    interviewed_at = ~np.all(panel.absence == Absence.WAVE_MISSING, axis=2) | ~np.isnan(reported)
    rows = {}
    for wave, since in enumerate(panel.times[:-1]):
        before, after = reported[:, wave], reported[:, wave + 1]
        known = ~np.isnan(before) & ~np.isnan(after)
        interviewed = interviewed_at[:, wave] & interviewed_at[:, wave + 1]
        off, on = known & (before == 0), known & (before == 1)
        acquired, kept = int(after[off].sum()), int(after[on].sum())
        rows[since, panel.times[wave + 1]] = {
            "off_before": int(off.sum()),
            "acquired": acquired,
            "percent_acquired": _percent(acquired, int(off.sum())),
            "on_before": int(on.sum()),
            "kept": kept,
            "percent_kept": _percent(kept, int(on.sum())),
            "wave_missing": int((~interviewed).sum()),
            "item_missing": int((interviewed & ~known).sum()),
        }
    table = WholeTable.from_dict(rows, orient="index")
    table.index = pd.MultiIndex.from_tuples(rows, names=["since", "time"])
    on, assessed = np.nansum(reported, axis=0).astype(int), np.count_nonzero(~np.isnan(reported), axis=0)
    percent = [_percent(*counts) for counts in zip(on, assessed, strict=True)]
    prevalence = WholeTable(
        {"on": on, "assessed": assessed, "percent_on": percent}, index=pd.Index(panel.times, name="time")
    )
    return Transitions(state, table, prevalence, panel.time_unit)


def _percent(count: int, of: int) -> float:
    return 100 * count / of if of else np.nan


def _share(count: int, of: int) -> str:
    return f"{count:,} of {of:,} ({100 * count / of:.1f} %)" if of else "nobody"
