"""How consistently the items of a scale are answered: Cronbach's alpha, at each time and in all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..basics.calls import checked
from ..basics.given import entries, shown
from ..basics.names import choices, in_words, number
from ..basics.problems import PanelError, Problems
from ..basics.whole_tables import WholeTable
from .printing import table as lines_of

if TYPE_CHECKING:
    from .panel import Panel

__all__ = ["InternalConsistency", "internal_consistency"]

type FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class InternalConsistency:
    """Cronbach's alpha of the mean or sum of several items.

    Attributes
    ----------
    items
        Measures that hold them.
    alpha
        From the covariances about the means of each time, all times together; at most 1.
    table
        Indexed by ``time``: ``persons``, those who answered every item, and their ``alpha``, NaN
        where fewer than three did or where all answered alike. Distrust it below some fifty persons.
    without
        ``alpha`` of the other items, indexed by ``item``, of three items or more; where it is above
        `alpha`, that item hardly belongs.
    time_unit
        Unit of the times.
    """

    items: tuple[str, ...]
    alpha: float
    table: pd.DataFrame
    without: pd.DataFrame
    time_unit: str | None

    def __str__(self) -> str:
        unit = f" {self.time_unit}" if self.time_unit else ""
        rows = [
            [f"{number(time)}{unit}", f"{row['persons']:,.0f}", _printed(row["alpha"])]
            for time, row in zip(self.table.index, self.table.to_dict("records"), strict=True)
        ]
        overall = ["all", f"{self.table['persons'].sum():,.0f} answers", _printed(self.alpha)]
        most = self.without["alpha"].max() if len(self.without) else np.nan
        doubtful = (
            [f"Without '{self.without['alpha'].idxmax()}' it would be {_printed(most)}."] if most > self.alpha else []
        )
        return "\n".join(
            [
                f"Cronbach's alpha of {in_words(self.items)}, of those who answered every item:",
                *lines_of(["at", "persons", "alpha"], [*rows, overall]),
                *doubtful,
                "Differences between people at one time; the reliability of their mean at least, if items share "
                "the scale alone.",
            ]
        )

    __repr__ = __str__


@checked(PanelError, apart=["items"])
def internal_consistency(panel: "Panel", items: Sequence[str]) -> InternalConsistency:
    """Return Cronbach's alpha of several items of a panel, a value for the `reliability` of a model.

    ``alpha = n / (n - 1) (1 - sum_j Var(y_j) / Var(sum_j y_j))`` of n items [1]_, of those who answered all of
    them. The reliability of the items' mean if all measure one thing alike and their errors are
    independent; a lower bound if they measure it unequally; too high where they share something else.

    Parameters
    ----------
    panel
        Persons, times and measures, the items among them.
    items
        Names of two or more measures, those that run the other way turned round before.

    Raises
    ------
    PanelError
        If an item is no measure of the panel or named twice, if the panel holds moments alone, or if too few
        answered all items.

    References
    ----------
    .. [1] Cronbach (1951). Coefficient alpha and the internal structure of tests. Psychometrika 16, 297-334.
       https://doi.org/10.1007/BF02310555

    Examples
    --------
    >>> from alliance_bayes.panel import Panel
    >>> answers = np.array([[[1, 2], [2, 2]], [[2, 2], [2, 3]], [[4, 5], [5, 5]], [[5, 4], [4, 4]]])
    >>> panel = Panel.from_arrays(answers, measures=["trust", "warmth"], times=[6, 12], time_unit="months")
    >>> print(internal_consistency(panel, ["trust", "warmth"]))
    Cronbach's alpha of trust and warmth, of those who answered every item:
      at           persons  alpha
      6 months           4   .911
      12 months          4   .967
      all        8 answers   .935
    Differences between people at one time; the reliability of their mean at least, if items share the scale \
alone.
    """
    problems, given = Problems("The consistency of these items cannot be computed"), entries(items) or ()
    named = all(isinstance(name, str) for name in given)
    if not named or len(given) < 2 or len(set(given)) < len(given):
        problems.add(f"items must be a list of 2 or more different measures; got {shown(items)}.")
    else:
        for name in given:
            if name not in panel.measures:
                problems.add(f"No measure {name!r}{choices(str(name), panel.measures, 'Measures')}")
    problems.raise_as(PanelError)
    answers = panel.require_persons("Cronbach's alpha")[:, :, [panel.measures.index(name) for name in given]]
    complete = ~np.isnan(answers).any(axis=2)
    waves = [answers[complete[:, wave], wave] for wave in range(len(panel.times))]
    scatters = [(wave - wave.mean(axis=0)).T @ (wave - wave.mean(axis=0)) for wave in waves if len(wave)]
    pooled = np.sum(scatters, axis=0) if scatters else np.zeros((len(given), len(given)))
    alpha = _alpha(pooled)
    if np.isnan(alpha):
        raise PanelError(
            f"Too few answered all of {in_words(given)} at one time, or all gave the same answers: "
            f"{int(complete.sum())} complete answers of {len(complete)} persons."
        )
    table = WholeTable(
        {
            "persons": [len(wave) for wave in waves],
            "alpha": [_alpha(np.cov(wave.T)) if len(wave) > 2 else np.nan for wave in waves],
        },
        index=pd.Index(panel.times, name="time"),
    )
    indices = range(len(given)) if len(given) > 2 else range(0)
    others = [np.delete(np.delete(pooled, index, 0), index, 1) for index in indices]
    without = WholeTable(
        {"alpha": [_alpha(matrix) for matrix in others]},
        index=pd.Index([given[index] for index in indices], name="item"),
    )
    return InternalConsistency(given, alpha, table, without, panel.time_unit)


def _alpha(covariance: FloatArray) -> float:
    n, total = len(covariance), float(covariance.sum())
    return n / (n - 1) * (1 - float(np.trace(covariance)) / total) if total > 0 else np.nan


def _printed(alpha: float) -> str:
    return "unknown" if np.isnan(alpha) else f"{alpha:.3f}".replace("0.", ".", 1)
