"""Which values of a panel are exact and which are responses to a latent number, as the kernel reads them."""

from typing import NamedTuple

import numpy as np

from ...families.registry import DENSITIES, OCCURRENCE
from ..histories import Cases
from .determined import means_and_scatters

__all__ = ["LatentArrays", "Responses", "arrange", "of_persons"]

EXACT, LATENT, OCCURRING, ABSENT = range(4)
"""What a position of a case holds: an exact value, a response, an occurrence, or nothing."""
HALF_LOG_2_PI = 0.5 * np.log(2 * np.pi)


class Responses(NamedTuple):
    """Responses that are not normal, one row each, in any order.

    Several rows may share a case and a position, as the items of one scale do.
    """

    case: np.ndarray  # row of `Cases`, shape ``(response,)``
    position: np.ndarray  # stacked position of the linear predictor, shape ``(response,)``
    code: np.ndarray  # density, a code of `registry.CODES`, shape ``(response,)``
    start: np.ndarray  # where the family's parameters begin in phi, shape ``(response,)``
    # The response, and its window, log exposure or number of categories, shape ``(response,)``
    value: np.ndarray
    size: np.ndarray


class LatentArrays(NamedTuple):
    """Cases sorted by pattern: their linear system, and which of their values are exact and which latent.

    Cases that hold nothing are left out. A site is a latent number of a case that has responses, a
    kind what responses share whose log density is the same function of their linear predictor, and a
    group the kinds that differ in their value alone.
    """

    # Row of `Cases` and row of the panel of each case, shape ``(row,)``
    case: np.ndarray
    person: np.ndarray
    bounds: np.ndarray  # where each pattern's cases start, and the last one's end, shape ``(pattern + 1,)``
    several: np.ndarray  # whether its people have other cases too, shape ``(pattern,)``
    cell: np.ndarray  # linear system of each pattern, shape ``(pattern,)``
    # Exact values and latent numbers of each pattern, shape ``(pattern,)``
    n_exact: np.ndarray
    n_latent: np.ndarray
    n_occurrences: np.ndarray  # how many of the latent numbers, the last ones, have an occurrence; shape ``(pattern,)``
    # Stacked positions of the exact values, of the latent numbers, then of all others; shape ``(pattern, value)``
    position: np.ndarray
    exact: np.ndarray  # exact values in the order of `position`, shape ``(row, value)``
    constant: np.ndarray  # terms of each case's log density that depend on no parameter, shape ``(row,)``
    # First site of each case, and the end, shape ``(row + 1,)``; they stand in the order of `position`
    site: np.ndarray
    first: np.ndarray  # first response of each site, and the end, shape ``(site + 1,)``
    kind: np.ndarray  # of each response, sorted by site, shape ``(response,)``
    group: np.ndarray  # first kind of each group, and the end, shape ``(group + 1,)``
    # Of each group, as of `Responses`, shape ``(group,)``
    code: np.ndarray
    start: np.ndarray
    size: np.ndarray
    value: np.ndarray  # of each kind, as of `Responses`, shape ``(kind,)``
    group_of: np.ndarray  # group of each kind, shape ``(kind,)``
    # Where the numbers of each pattern start in `moments`, and the end, shape ``(pattern + 1,)``: the mean of its exact
    # values, then their scatter about it, where people have one case each and no responses but occurrences; nothing
    # elsewhere
    moments_start: np.ndarray
    moments: np.ndarray
    # Rows of everybody who has several cases, by person, shape ``(rival,)``; where each of these people starts, and
    # the end, shape ``(person + 1,)``
    rival: np.ndarray
    rival_start: np.ndarray


def of_persons(
    persons: np.ndarray, exact: np.ndarray, responses: Responses, cases: Cases
) -> tuple[np.ndarray, Responses, Cases]:
    """What `arrange` takes, of the persons at these different positions alone, in this order."""
    row_of = np.full(len(exact), -1)
    row_of[persons] = np.arange(len(persons))
    kept = row_of[cases.person] >= 0
    chosen, renumbered = kept[responses.case], np.cumsum(kept) - 1
    fewer = Responses(renumbered[responses.case[chosen]], *(column[chosen] for column in responses[1:]))
    return exact[persons], fewer, Cases(row_of[cases.person[kept]], cases.cell[kept], cases.log_weight[kept])


def arrange(exact: np.ndarray, responses: Responses, cases: Cases, n_given: int = 0) -> LatentArrays:
    """Sort cases by pattern and responses by case and position.

    Parameters
    ----------
    exact
        Values without measurement model in the model's unit, shape ``(person, value)``, NaN where
        there is none.
    responses
        All other responses. A position with responses must have no exact value.
    cases
        One or more for each person.
    n_given
        So many last positions are covariates, independent and standard normal in every linear
        system. They are conditioned on: their log density is taken away.
    """
    n_values = exact.shape[1]
    of_case = exact[cases.person]
    state = np.where(np.isnan(of_case), ABSENT, EXACT).astype(np.int8)
    if (state[responses.case, responses.position] == EXACT).any():
        raise ValueError("A value cannot be exact and a response at once.")
    state[responses.case, responses.position] = LATENT
    occurs = responses.code == OCCURRENCE
    state[responses.case[occurs], responses.position[occurs]] = OCCURRING
    several = np.bincount(cases.person, minlength=len(exact))[cases.person] > 1
    present = (state != ABSENT).any(axis=1) | several | (cases.log_weight != 0)

    wanted = np.flatnonzero(present)
    kinds, pattern = np.unique(np.column_stack([cases.cell, several, state])[wanted], axis=0, return_inverse=True)
    by_size = np.argsort(-np.bincount(pattern, minlength=len(kinds)), kind="stable")
    kinds, pattern = kinds[by_size], np.argsort(by_size)[pattern]
    order = np.argsort(pattern, kind="stable")
    case, pattern = wanted[order], pattern[order]
    shared, states = kinds[:, 1] > 0, kinds[:, 2:]
    position = np.argsort(states, axis=1, kind="stable").reshape(-1, n_values)
    rank = np.argsort(position, axis=1, kind="stable").reshape(-1, n_values)

    row_of = np.full(len(cases.person), -1)
    row_of[case] = np.arange(len(case))
    row = row_of[responses.case]
    site = rank[pattern[row], responses.position]
    order = np.lexsort((responses.start, site, row))
    sorted_row, sorted_site = row[order], site[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (np.diff(sorted_site) != 0) | (np.diff(sorted_row) != 0)

    table = np.column_stack([responses.code, responses.start, responses.size, responses.value]).astype(float)
    distinct, kind = np.unique(table, axis=0, return_inverse=True)
    fresh = np.ones(len(distinct), dtype=bool)
    fresh[1:] = (np.diff(distinct[:, :3], axis=0) != 0).any(axis=1)

    log_constant = np.zeros(len(row))
    for code, density in enumerate(DENSITIES.values()):
        chosen = responses.code == code
        log_constant[chosen] = density.log_constant(responses.value[chosen], responses.size[chosen])
    constant = np.bincount(row, log_constant, minlength=len(case)) + cases.log_weight[case]
    given = of_case[case, n_values - n_given :]
    constant += np.where(np.isnan(given), 0, 0.5 * given**2 + HALF_LOG_2_PI).sum(axis=1)
    groups = distinct[fresh]
    bounds = np.searchsorted(pattern, np.arange(len(kinds) + 1))
    ordered = np.take_along_axis(np.nan_to_num(of_case[case]), position[pattern], axis=1)
    n_exact = (states == EXACT).sum(axis=1)
    n_latent = ((states == LATENT) | (states == OCCURRING)).sum(axis=1)
    normal = ~shared & (states != LATENT).all(axis=1)
    moments_start, moments = means_and_scatters(ordered, bounds, n_exact, normal)
    person = cases.person[case]
    rival = np.flatnonzero(shared[pattern])
    rival = rival[np.argsort(person[rival], kind="stable")]
    return LatentArrays(
        case=_integers(case),
        person=_integers(person),
        bounds=_integers(bounds),
        several=np.ascontiguousarray(shared),
        cell=_integers(kinds[:, 0]),
        n_exact=_integers(n_exact),
        n_latent=_integers(n_latent),
        n_occurrences=_integers((states == OCCURRING).sum(axis=1)),
        position=_integers(position),
        exact=_floats(ordered),
        constant=_floats(constant),
        site=_integers(np.append(0, np.cumsum(n_latent[pattern]))),
        first=_integers(np.append(np.flatnonzero(new), len(order))),
        kind=_integers(kind.ravel()[order]),
        group=_integers(np.append(np.flatnonzero(fresh), len(distinct))),
        code=_integers(groups[:, 0]),
        start=_integers(groups[:, 1]),
        size=_floats(groups[:, 2]),
        value=_floats(distinct[:, 3]),
        group_of=_integers(np.cumsum(fresh) - 1),
        moments_start=_integers(moments_start),
        moments=_floats(moments),
        rival=_integers(rival),
        rival_start=_integers(np.append(np.flatnonzero(np.diff(person[rival], prepend=-1)), len(rival))),
    )


def _integers(numbers: np.ndarray) -> np.ndarray:
    """As the kernel is compiled for them."""
    return np.ascontiguousarray(numbers, dtype=np.int64)


def _floats(numbers: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(numbers, dtype=np.float64)
