"""A panel in words: who, when, what, what is missing and what was left out."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from ..basics.names import counted, number
from ..basics.text_tables import TextTable
from .checks import case, first
from .missing_codes import suspicions
from .panel_data import PanelData
from .records import REASONS
from .settling import columns_of

__all__ = ["describe", "suspicions_of"]


def describe(panel: PanelData) -> str:
    """The panel as a short page of text."""
    heading = (
        f"Panel of {panel.n_persons:,} persons, {panel.n_times} times and "
        f"{counted(panel.n_measures, 'measure')}, from {panel.source}"
    )
    parts = [heading, *(f"Read: {note}" for note in panel.notes), who(panel), when(panel), *background(panel)]
    parts += [what(panel), *(f"Suspect: {sentence}" for sentence in suspicions_of(panel))]
    if not only_published(panel):
        parts += [missing(panel), patterns(panel), left_out(panel)]
        parts += contradictions(panel)
    return "\n".join(parts)


def only_published(panel: PanelData) -> bool:
    """Whether nothing is known beyond means and covariances."""
    return panel.moments is not None and panel.moments.lowest is None


def who(panel: PanelData) -> str:
    known = "" if panel.has_persons else ", known by their means and covariances alone"
    if only_published(panel):
        return f"Who: {panel.n_persons:,} persons{known}"
    return (
        f"Who: {panel.n_persons:,} persons{known}; {panel.n_observed_persons:,} with at least one value, "
        f"{panel.n_repeated_persons:,} at two times or more"
    )


def when(panel: PanelData) -> str:
    unit = f" {panel.time_unit}" if panel.time_unit else ""
    intervals = panel.intervals
    if len(intervals) == 1:
        spacing = f"one interval of {number(intervals[0])}"
    elif np.allclose(intervals, intervals[0], rtol=1e-9, atol=0):
        spacing = f"{len(intervals)} equal intervals of {number(intervals[0])}"
    else:
        spacing = f"unequal intervals of {', '.join(map(number, intervals))}"
    return f"When: {', '.join(map(number, panel.times))}{unit}; {spacing}"


def background(panel: PanelData) -> list[str]:
    """Groups, covariates and own times, where there are any."""
    lines, labels = [], panel.background.group_labels
    if labels:
        counts = group_counts(panel)
        lines.append(f"Groups: {', '.join(f'{label} {counts[label]:,}' for label in labels)}")
    for label, times in panel.background.group_times.items():
        lines.append(f"  {label}: times {', '.join(map(number, times))}")
    if panel.covariates:
        known = [
            f"{name} (mean {short(float(np.nanmean(values)))}, SD {short(float(np.nanstd(values)))}, "
            f"{int(np.isnan(values).sum())} missing)"
            for name, values in panel.covariates.items()
        ]
        lines.append(f"Covariates: {', '.join(known)}")
    if panel.own_times is not None:
        off = panel.own_times - np.asarray(panel.times)
        lines.append(
            f"Own times: from {short(float(np.nanmin(off)))} to {short(float(np.nanmax(off)))} about the planned ones"
        )
    return lines


def group_counts(panel: PanelData) -> dict[str, int]:
    """Number of persons in each group."""
    if panel.groups is not None:
        names, counts = np.unique(panel.groups, return_counts=True)
        return dict(zip(map(str, names), map(int, counts), strict=True))
    assert panel.moments is not None
    labels = panel.background.pattern_groups
    return {label: int(panel.moments.n[labels == label].sum()) for label in panel.background.group_labels}


def what(panel: PanelData) -> str:
    centre, scale = panel.pooled_scale()
    header = ["measure", "mean", "SD"]
    rows = [[name, short(mean), short(sd)] for name, mean, sd in zip(panel.measures, centre, scale, strict=True)]
    if not only_published(panel):
        header = ["measure", "values", "mean", "SD", "lowest", "highest"]
        counts = panel.coverage().groupby("measure", sort=False)["observed"].sum()
        lowest, highest = extremes(panel)
        rows = [
            [row[0], f"{count:,}", *row[1:], short(low), short(high)]
            for row, count, low, high in zip(rows, counts, lowest, highest, strict=True)
        ]
    if panel.requires:
        header = [*header, "applies while"]
        rows = [[*row, panel.requires.get(row[0], "")] for row in rows]
    return "\n".join(["What (SD about the means of the times):", *table(header, rows)])


def suspicions_of(panel: PanelData) -> Iterator[str]:
    """A sentence for each measure or covariate with values that look like codes for missing answers."""
    if panel.values is not None:
        yield from suspicions(columns_of(panel.measures, panel.values, panel.covariates))


def extremes(panel: PanelData) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Smallest and largest value of each measure."""
    if panel.moments is None:
        values = panel.require_persons("The range")
        return np.fmin.reduce(values, axis=(0, 1)), np.fmax.reduce(values, axis=(0, 1))
    assert panel.moments.lowest is not None
    assert panel.moments.highest is not None
    return np.fmin.reduce(panel.moments.lowest), np.fmax.reduce(panel.moments.highest)


def missing(panel: PanelData) -> str:
    coverage = panel.coverage()
    kinds = ["observed", *(kind.name.lower() for kind in REASONS if coverage[kind.name.lower()].any())]
    if len(kinds) == 1:
        return "Values at each time: complete"
    rows = [
        [row["measure"], number(row["time"]), *(f"{row[kind]:,}" for kind in kinds)]
        for row in coverage.to_dict("records")
    ]
    header = ["measure", "time", *(kind.replace("_", " ") for kind in kinds)]
    return "\n".join(["Values at each time, and absences by their kind:", *table(header, rows)])


def patterns(panel: PanelData) -> str:
    without = panel.n_persons - panel.n_observed_persons
    noun, verb = ("person", "adds") if without == 1 else ("persons", "add")
    note = f"; {without:,} {noun} without any value {verb} nothing" if without else ""
    return f"Missing-data patterns: {panel.n_patterns:,}{note}"


def left_out(panel: PanelData) -> str:
    if not panel.left_out:
        return "Excluded: nothing"
    return "\n".join(["Excluded:", *(f"  {part}" for part in panel.left_out)])


def contradictions(panel: PanelData) -> list[str]:
    """One line per measure that has values where its state is off."""
    done = {
        "drop_value": 'the values were removed (contradictions="drop_value")',
        "state_on": 'the values were kept and the state set to 1 (contradictions="state_on")',
    }
    return [
        f"Contradictions: {len(rows):,} values of {measure} although {state} is 0, "
        f"{first(case(person, time) for person, time in zip(rows['person'], rows['time'], strict=True))}; "
        f"{done[panel.decision]}"
        for (measure, state), rows in panel.contradictions.groupby(["measure", "state"], sort=False)
    ]


def short(value: float) -> str:
    return number(float(f"{value:.4g}"))


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table, the first column to the left and the others to the right, indented by two."""
    columns = zip(*rows, strict=True)
    return [f"  {line}" for line in str(TextTable.of(dict(zip(header, columns, strict=True)))).splitlines()]
