"""The results of many fits: estimates, health and verdicts of all of them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from .results import MOST_NAMED, BatchResults

__all__ = ["ESTIMATES", "EVIDENCE", "Fits"]

ESTIMATES = "estimates"
EVIDENCE = "evidence"


@dataclass(frozen=True, eq=False, repr=False)
class Fits(BatchResults):
    """Many fits, made by `fit_many`; its `table` has one row per panel.

    Its columns are, beside those of `BatchResults.table`: ``healthy`` and ``problems``, whether a fit can be trusted
    (of maximum likelihood: has converged) and why not; ``seed``; the diagnostics that `fit_many` names; and the verdict
    of each question, under its name.

    Attributes
    ----------
    questions
        Names of the questions that were asked of each.
    """

    questions: tuple[str, ...] = ()

    @property
    def estimates(self) -> pd.DataFrame:
        """Estimates of every derived quantity by every fit.

        Returns
        -------
        pandas.DataFrame
            Indexed by ``cell``, ``number`` and ``quantity``, such as ``"lagged_standardized[0 to 6, x -> y]"``: of
            draws the posterior ``mean``, ``sd``, and the interval's ``lower`` and ``upper``; of maximum likelihood
            ``estimate``, ``se``, ``lower`` and ``upper``. Fits that failed have none.
        """
        return self.table_of(ESTIMATES)

    def evidence(self, question: str) -> pd.DataFrame:
        """`Answer.evidence` of one question, of every fit, indexed by ``cell``, ``number`` and event."""
        return self.table_of(f"{question} {EVIDENCE}")

    @property
    def n_healthy(self) -> int:
        """How many fits are without a problem."""
        return sum(record.values.get("healthy") is True for record in self.records)

    @property
    def text(self) -> str:
        """How many fits are healthy, what is wrong with others, and how often each verdict was reached."""
        n_ill = len(self.records) - self.n_failed - self.n_healthy
        health = f"{self.n_healthy:,} healthy, {n_ill:,} with problems, {self.n_failed:,} failed"
        return "\n".join([super().text, health, *self._problems(), *self._verdicts()])

    def _problems(self) -> Iterator[str]:
        ill = self.table[self.table.get("healthy", pd.Series(dtype=object)) == False]  # noqa: E712  # not of those that failed
        for row in ill.head(MOST_NAMED).itertuples():
            yield f"  {row.cell}, {row.number}: {row.problems}"

    def _verdicts(self) -> Iterator[str]:
        for name in self.questions:
            counts = Counter(str(each.values[name]) for each in self.records if name in each.values)
            if set(counts) - {"None"}:
                yield f"{name}: " + ", ".join(f"{verdict} {n:,} times" for verdict, n in counts.most_common())
