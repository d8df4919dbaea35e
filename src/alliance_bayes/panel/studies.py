"""Several studies at once, each known by its means and covariances."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..basics.given import shown
from ..basics.names import quoted
from ..basics.problems import PanelError, Problems
from .patterns import PatternSums
from .records import Absence, Background, Moments

if TYPE_CHECKING:
    from .panel import Panel

__all__ = ["joined_studies"]


def joined_studies(
    studies: Mapping[str, "Panel"],
) -> tuple[tuple[str, ...], tuple[float, ...], Moments, Background]:
    """Measures, times of the longest study, moments of all patterns, and which study each pattern belongs to."""
    problems = Problems("These studies cannot be joined")
    if not isinstance(studies, Mapping) or len(studies) < 2:
        raise PanelError(f"studies must map two or more names to their panels; got {shown(studies)}.")
    for name, panel in studies.items():
        if not isinstance(name, str) or not name:
            problems.add(f"The name of a study must be a text; got {name!r}.")
        if not hasattr(panel, "moments"):
            problems.add(f"The study {name!r} is {shown(panel)}, no panel; make it with Panel.from_moments.")
    problems.raise_as(PanelError)
    (first, reference), *_ = studies.items()
    for name, panel in studies.items():
        if set(panel.measures) != set(reference.measures):
            problems.add(
                f"'{name}' has the measures {quoted(panel.measures)}, and '{first}' {quoted(reference.measures)}; give "
                "the same constructs the same names."
            )
        if panel.background.group_labels:
            problems.add(f"'{name}' has groups of its own; give each of them as a study.")
        if panel.own_times is not None or panel.covariates:
            problems.add(
                f"'{name}' holds covariates or own times, which several studies at once cannot use; leave them out."
            )
    problems.raise_as(PanelError)
    measures = reference.measures
    longest = max(studies.values(), key=lambda panel: panel.n_times)
    n_times, n_measures = longest.n_times, len(measures)
    parts = {name: _patterns(panel, measures) for name, panel in studies.items()}
    labels = [name for name, patterns in parts.items() for _ in patterns[0]]
    n_patterns, size = len(labels), n_times * n_measures
    observed = np.zeros((n_patterns, n_times, n_measures), dtype=bool)
    means = np.full((n_patterns, n_times, n_measures), np.nan)
    covariance = np.full((n_patterns, size, size), np.nan)
    start = 0
    for n, cells, mean, scatter in parts.values():
        stop, waves = start + len(n), cells.shape[1]
        observed[start:stop, :waves] = cells
        means[start:stop, :waves] = mean
        covariance[start:stop, : waves * n_measures, : waves * n_measures] = scatter
        start = stop
    people = np.concatenate([part[0] for part in parts.values()])
    counts = np.zeros((len(Absence), n_times, n_measures), dtype=np.int64)
    counts[Absence.OBSERVED] = np.einsum("p,ptm->tm", people, observed)
    background = Background(
        pattern_groups=np.array(labels), group_times={name: panel.times for name, panel in studies.items()}
    )
    return measures, longest.times, Moments(people, observed, means, covariance, counts), background


def _patterns(
    panel: "Panel", measures: tuple[str, ...]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Counts, observed cells, means and covariances of a panel's patterns, those without any value left out."""
    chosen = [panel.measures.index(name) for name in measures]
    if panel.moments is not None:
        sums = PatternSums.of(panel.moments, chosen)
    else:
        sums = PatternSums()
        values = panel.require_persons("A study")[:, :, chosen].reshape(panel.n_persons, -1)
        sums.add_values(values[~np.isnan(values).all(axis=1)])
    return sums.arrays(panel.n_times, len(measures))
