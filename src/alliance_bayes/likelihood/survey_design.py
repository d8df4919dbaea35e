"""How people came into a panel: the clusters they belong to, and their sampling weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..basics.names import quoted
from ..basics.problems import PanelError, Problems
from ..panel import Panel
from ..panel.arrays import masked_as_missing, no_label

__all__ = ["PerPerson", "Sampling", "sampling_of"]

type FloatArray = npt.NDArray[np.float64]
MOST_UNEQUAL = 1e6  # largest weight to smallest
FEW_CLUSTERS = 40

type PerPerson = Mapping[Any, Any] | pd.Series | npt.ArrayLike


@dataclass(frozen=True, eq=False)
class Sampling:
    """Clusters and weights of the persons of a panel.

    Attributes
    ----------
    clusters
        Cluster of each person, counted from 0, shape ``(person,)``; None where each is sampled alone.
        -1 for a person without any value, who plays no part.
    weights
        Of mean 1 over the persons with any value, and 0 for the others, shape ``(person,)``; None where all count once.
    n_clusters
        Number of clusters; 0 where each person is sampled alone.
    """

    clusters: npt.NDArray[np.int64] | None = None
    weights: FloatArray | None = None
    n_clusters: int = 0

    @property
    def messages(self) -> tuple[str, ...]:
        """What to know of standard errors and tests with these clusters and weights."""
        messages = []
        if 0 < self.n_clusters < FEW_CLUSTERS:
            messages.append(
                f"Only {self.n_clusters} clusters: cluster-robust standard errors tend to be too small with fewer than "
                f"some {FEW_CLUSTERS}."
            )
        if self.weights is not None:
            messages.append(
                "Weighted: log-likelihood, AIC and BIC are those of a weighted sum over people, no density of the data."
            )
        return tuple(messages)

    def of_persons(self, positions: npt.NDArray[np.int64]) -> "Sampling":
        """The same of the persons at these positions alone."""
        return Sampling(
            None if self.clusters is None else self.clusters[positions],
            None if self.weights is None else self.weights[positions],
            self.n_clusters,
        )


def sampling_of(panel: Panel, seen: npt.NDArray[np.bool_], cluster: object, weights: object) -> Sampling:
    """Read clusters and weights, and refuse what is not valid.

    Parameters
    ----------
    panel
        A panel that holds its persons.
    seen
        Which of them have any value, shape ``(person,)``.
    cluster, weights
        As in `maximum_likelihood`.

    Raises
    ------
    PanelError
        If a label or weight is missing, varies within a person, or makes no sense; lists every problem.
    """
    problems = Problems("These clusters or weights do not fit the panel")
    labels, numbers = (
        _by_person(given, panel, seen, what, problems) for given, what in ((cluster, "cluster"), (weights, "weights"))
    )
    clusters = None
    if labels is not None:
        clusters = np.full(len(seen), -1)
        strange = no_label(labels[seen])
        if strange:
            problems.add(f"cluster holds {strange}")
        elif len({str(label) for label in labels[seen]}) < len(set(labels[seen])):
            problems.add("cluster holds labels that differ only in being text or numbers; give each cluster one label.")
        else:
            clusters[seen] = pd.factorize(labels[seen])[0]
        if clusters.max() == 0:
            problems.add(
                "All persons are in one cluster; how much clusters differ cannot be estimated. Leave cluster out."
            )
    scaled = None if numbers is None else _scaled(numbers, panel, seen, problems)
    problems.raise_as(PanelError)
    return Sampling(clusters, scaled, 0 if clusters is None else int(clusters.max()) + 1)


def _by_person(
    given: Any, panel: Panel, seen: npt.NDArray[np.bool_], what: str, problems: Problems
) -> npt.NDArray[np.object_] | None:
    """One entry for each person, in the order of the panel; None where there is nothing or a problem."""
    assert panel.persons is not None
    if given is None:
        return None
    if isinstance(given, pd.Series | Mapping):
        series = pd.Series(given, dtype=object)
        strange = next((each for each in series if not pd.api.types.is_hashable(each)), None)
        if strange is not None:
            problems.add(
                f"{what} holds {type(strange).__name__} values, such as {strange!r}; give each person one entry."
            )
            return None
        entries = _agreeing(series, panel, what, problems)
        if entries is None:
            return None
        by_person = entries.reindex(panel.persons).to_numpy(dtype=object)
    else:
        by_person = np.array(masked_as_missing(given), dtype=object)
        if by_person.shape != panel.persons.shape:
            problems.add(
                f"{what} has shape {by_person.shape}, and there are {len(panel.persons)} persons. Give one entry for "
                "each, in the order of panel.persons, or a mapping or Series from person to entry."
            )
            return None
    absent = panel.persons[seen & pd.isna(by_person)]
    if len(absent):
        problems.add(
            f"{what} has no entry for {len(absent)} persons with values: {quoted(absent.tolist(), most=3)}. Give one "
            "for each, or leave these people out of the panel."
        )
        return None
    return np.asarray(by_person, dtype=object)


def _agreeing(entries: pd.Series, panel: Panel, what: str, problems: Problems) -> pd.Series | None:
    """Entries with one row per person, where a person's rows agree."""
    given = entries.index.unique().tolist()
    entries = entries[entries.index.isin(panel.persons)]
    if entries.empty:
        assert panel.persons is not None
        problems.add(
            f"{what} has entries for {quoted(given, most=3)}, none of them a person of the panel, such as "
            f"{quoted(panel.persons[:3].tolist())}. Give the ids as the panel has them."
        )
        return None
    distinct = entries.reset_index(name="entry").drop_duplicates()
    person = distinct.columns[0]
    repeated = distinct.loc[distinct[person].duplicated(), person].unique()
    if len(repeated):
        problems.add(
            f"{what} varies within {len(repeated)} persons: {quoted(repeated.tolist(), most=3)}. A person belongs to "
            "one cluster and has one weight, the same at all times."
        )
        return None
    return distinct.set_index(person)["entry"]


def _scaled(
    numbers: npt.NDArray[np.object_], panel: Panel, seen: npt.NDArray[np.bool_], problems: Problems
) -> FloatArray | None:
    """Weights of mean 1 over the persons with values."""
    assert panel.persons is not None
    of_numbers = [isinstance(each, Real) and not isinstance(each, bool | np.bool_) for each in numbers]
    weights = np.array([float(each) if real else np.nan for each, real in zip(numbers, of_numbers, strict=True)])
    wrong = seen & ~((weights > 0) & np.isfinite(weights))
    if wrong.any():
        cases = [
            f"{person!r} ({numbers[index]!r})" for index, person in enumerate(panel.persons.tolist()) if wrong[index]
        ]
        problems.add(
            f"{len(cases)} weights are not finite numbers above 0: {', '.join(cases[:3])}. A weight says how many "
            "people a person stands for; leave people who stand for nobody out of the panel."
        )
        return None
    persons = np.flatnonzero(seen)
    least, most = persons[np.argmin(weights[seen])], persons[np.argmax(weights[seen])]
    if weights[most] / MOST_UNEQUAL > weights[least]:
        problems.add(
            f"weights reach from {weights[least]:.4g} of {quoted([panel.persons[least]])} to {weights[most]:.4g} of "
            f"{quoted([panel.persons[most]])}, more than {MOST_UNEQUAL:,.0f} times as much, so that few people would "
            "count at all. Correct or trim them."
        )
        return None
    shares = weights / weights[most]
    return np.where(seen, shares / shares[seen].mean(), 0.0)
