"""What questions about maximum likelihoods share: whether they can be laid side by side, and whether to trust them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from ..basics.names import quoted
from ..basics.problems import Problems
from ..likelihood.maximum_likelihood import MaximumLikelihood
from ..panel import Panel
from ..posterior.health import Diagnostics

__all__ = ["Maximisation", "check_same_data", "same_values"]


@dataclass(frozen=True)
class Maximisation(Diagnostics):
    """What is wrong with maxima: no convergence, improper solutions, parameters that are not identified."""

    problems: tuple[str, ...]

    @classmethod
    def of(cls, answers: Mapping[str, MaximumLikelihood]) -> Self:
        """Problems of several, each with its name."""
        return cls(
            tuple(f"{name}: {message}" for name, answer in answers.items() for message in answer.estimates.messages)
        )


def check_same_data(answers: Mapping[str, MaximumLikelihood], problems: Problems) -> None:
    """Note why the likelihoods of these models cannot be compared: other measures, people, weights or errors."""
    (reference, first), *others = answers.items()
    for name, other in others:
        if set(first.spec.columns) != set(other.spec.columns):
            problems.add(
                f"'{reference}' is about {quoted(first.spec.columns)}, '{name}' about {quoted(other.spec.columns)}: "
                "likelihoods of different values cannot be compared. Fit the same measures."
            )
        elif not same_values(first.model.panel, other.model.panel, first.spec.columns):
            problems.add(f"'{reference}' and '{name}' were fitted to different panels. Fit both to the same panel.")
        elif not _same_sampling(first, other):
            problems.add(
                f"'{reference}' and '{name}' differ in standard errors, clusters or weights. Give both the same."
            )


def same_values(one: Panel, other: Panel, columns: Sequence[str]) -> bool:
    """Whether two panels hold the same values of these columns, of the same people at the same times."""
    if one is other:
        return True
    if one.times != other.times or one.values is None or other.values is None:
        return False
    first, second = (
        values[:, :, [panel.measures.index(name) for name in columns]]
        for panel, values in ((one, one.values), (other, other.values))
    )
    same_people = np.array_equal(np.asarray(one.persons), np.asarray(other.persons))
    return same_people and np.array_equal(first, second, equal_nan=True)


def _same_sampling(one: MaximumLikelihood, other: MaximumLikelihood) -> bool:
    if one.sampling is None or other.sampling is None:
        return one.sampling is other.sampling
    pairs = [(one.sampling.clusters, other.sampling.clusters), (one.sampling.weights, other.sampling.weights)]
    return all(
        first is second or (first is not None and second is not None and np.array_equal(first, second))
        for first, second in pairs
    )
