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
        Cluster of each person, counted from 0, shape ``(person,)``, -1 for a person without any value; None where
        people were sampled one by one.
    weights
        Of mean 1 over the persons with any value, and 0 for the others, shape ``(person,)``; None where all count once.
    n_clusters
        Number of clusters; 0 where people were sampled one by one.
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
                f"about {FEW_CLUSTERS}."
            )
        if self.weights is not None:
            messages.append(
                "Weighted: log-likelihood, AIC and BIC are those of a weighted sum over people, not of a density."
            )
        return tuple(messages)

    def of_persons(self, positions: npt.NDArray[np.int64]) -> "Sampling":
        """The same of the persons at these positions alone."""
        return Sampling(
            None if self.clusters is None else self.clusters[positions],
            None if self.weights is None else self.weights[positions],
            self.n_clusters,
        )


def sampling_of(panel: Panel, observed: npt.NDArray[np.bool_], cluster: object, weights: object) -> Sampling:
    """Read clusters and weights of the persons with any value, or refuse them with every problem."""
    problems = Problems("These clusters or weights do not fit the panel")
    labels, numbers = (
        _by_person(given, panel, observed, what, problems)
        for given, what in ((cluster, "cluster"), (weights, "weights"))
    )
    clusters = None
    if labels is not None:
        clusters = np.full(len(observed), -1)
        invalid = no_label(labels[observed])
        if invalid:
            problems.add(f"cluster holds {invalid}")
        elif len({str(label) for label in labels[observed]}) < len(set(labels[observed])):
            problems.add("cluster holds labels that differ only in being text or numbers; give each cluster one label.")
        else:
            clusters[observed] = pd.factorize(labels[observed])[0]
        if clusters.max() == 0:
            problems.add(
                "All persons are in one cluster, so how much clusters differ cannot be estimated. Omit cluster."
            )
    scaled = None if numbers is None else _scaled(numbers, panel, observed, problems)
    problems.raise_as(PanelError)
    return Sampling(clusters, scaled, 0 if clusters is None else int(clusters.max()) + 1)


def _by_person(
    given: Any, panel: Panel, observed: npt.NDArray[np.bool_], what: str, problems: Problems
) -> npt.NDArray[np.object_] | None:
    """One entry for each person, in the order of the panel; None where there is nothing or a problem."""
    assert panel.persons is not None
    if given is None:
        return None
    if isinstance(given, pd.Series | Mapping):
        series = pd.Series(given, dtype=object)
        unhashable = next((entry for entry in series if not pd.api.types.is_hashable(entry)), None)
        if unhashable is not None:
            problems.add(
                f"{what} has {type(unhashable).__name__} entries, such as {unhashable!r}; give each person one."
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
    absent = panel.persons[observed & pd.isna(by_person)]
    if len(absent):
        problems.add(
            f"{what} has no entry for {len(absent)} persons with values: {quoted(absent.tolist(), most=3)}. Give one "
            "for each, or exclude these people from the panel."
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
    numbers: npt.NDArray[np.object_], panel: Panel, observed: npt.NDArray[np.bool_], problems: Problems
) -> FloatArray | None:
    """Weights of mean 1 over the persons with values."""
    assert panel.persons is not None
    weights = np.array(
        [float(x) if isinstance(x, Real) and not isinstance(x, bool | np.bool_) else np.nan for x in numbers]
    )
    wrong = observed & ~((weights > 0) & np.isfinite(weights))
    if wrong.any():
        cases = [
            f"{person!r} ({numbers[index]!r})" for index, person in enumerate(panel.persons.tolist()) if wrong[index]
        ]
        problems.add(
            f"{len(cases)} weights are not finite numbers above 0: {', '.join(cases[:3])}. A weight says how many "
            "people a person represents; exclude people who represent nobody from the panel."
        )
        return None
    persons = np.flatnonzero(observed)
    least, most = persons[np.argmin(weights[observed])], persons[np.argmax(weights[observed])]
    if weights[most] / MOST_UNEQUAL > weights[least]:
        problems.add(
            f"weights reach from {weights[least]:.4g} of {quoted([panel.persons[least]])} to {weights[most]:.4g} of "
            f"{quoted([panel.persons[most]])}, more than {MOST_UNEQUAL:,.0f} times as much, so that few people would "
            "decide the estimates. Correct or trim them."
        )
        return None
    shares = weights / weights[most]
    return np.where(observed, shares / shares[observed].mean(), 0.0)
