"""Which values of a panel are exact and which are responses to a latent number, as the kernel reads them."""

from typing import NamedTuple

import numpy as np

from .families import log_of_counting

__all__ = ["LatentArrays", "Responses", "arrange"]


class Responses(NamedTuple):
    """Responses that are not normal, one row each, in any order.

    Several rows may share a person and a position, as the items of one scale do.

    Attributes
    ----------
    person
        Row of the panel, shape ``(response,)``.
    position
        Stacked position of the linear predictor, wave by wave, shape ``(response,)``.
    code
        Family, a code of `families.CODES`, shape ``(response,)``.
    start
        Where the family's parameters begin in phi, shape ``(response,)``.
    value, size
        The response, and its window, log exposure or number of categories, shape ``(response,)``.
    """

    person: np.ndarray
    position: np.ndarray
    code: np.ndarray
    start: np.ndarray
    value: np.ndarray
    size: np.ndarray


class LatentArrays(NamedTuple):
    """People sorted by which of their values are exact and which latent, as the compiled kernel reads them.

    People without any value are left out. A cell is a latent number of a person that has responses.

    Attributes
    ----------
    person
        Row of the panel of each person, shape ``(person,)``.
    bounds
        Where each pattern's people start, and the last one's end, shape ``(pattern + 1,)``.
    n_exact, n_latent
        Exact values and latent numbers of each pattern, shape ``(pattern,)``.
    position
        Stacked positions of the exact values, of the latent numbers, then of the rest; shape
        ``(pattern, value)``.
    exact
        Exact values in the order of `position`, shape ``(person, value)``.
    counting
        Terms of each person's log density that depend on no parameter, shape ``(person,)``.
    cell
        First cell of each person, and the end, shape ``(person + 1,)``; a person's cells stand in
        the order of `position`.
    first
        First response of each cell, and the end, shape ``(cell + 1,)``.
    code, start, value, size
        As of `Responses`, sorted by cell, shape ``(response,)``.
    """

    person: np.ndarray
    bounds: np.ndarray
    n_exact: np.ndarray
    n_latent: np.ndarray
    position: np.ndarray
    exact: np.ndarray
    counting: np.ndarray
    cell: np.ndarray
    first: np.ndarray
    code: np.ndarray
    start: np.ndarray
    value: np.ndarray
    size: np.ndarray


def arrange(exact: np.ndarray, responses: Responses) -> LatentArrays:
    """Sort people by pattern and responses by person and position.

    Parameters
    ----------
    exact
        Values of normal measures in the model's unit, shape ``(person, value)``, NaN where there is
        none.
    responses
        All other responses. A cell with responses must have no exact value.
    """
    n_persons, n_values = exact.shape
    seen = ~np.isnan(exact)
    latent = np.zeros((n_persons, n_values), dtype=bool)
    latent[responses.person, responses.position] = True
    if (latent & seen).any():
        raise ValueError("A value cannot be exact and a response at once.")
    kinds, kind = np.unique(np.where(seen, 0, np.where(latent, 1, 2)).astype(np.int8), axis=0, return_inverse=True)
    present = (kinds < 2).any(axis=1)
    by_size = np.argsort(-np.bincount(kind, minlength=len(kinds)) * present, kind="stable")[: present.sum()]
    pattern_of = np.full(len(kinds), -1)
    pattern_of[by_size] = np.arange(len(by_size))
    pattern = pattern_of[kind]
    person = np.argsort(pattern, kind="stable")
    person = person[pattern[person] >= 0]
    position = np.argsort(kinds[by_size], axis=1, kind="stable").reshape(-1, n_values)

    place = np.full(n_persons, -1)
    place[person] = np.arange(len(person))
    order = np.lexsort((responses.position, place[responses.person]))
    code, value, size = responses.code[order], responses.value[order], responses.size[order]
    where, row = responses.position[order], place[responses.person[order]]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (np.diff(where) != 0) | (np.diff(row) != 0)
    counting = np.zeros(len(order))
    for each in np.unique(code):
        chosen = code == each
        counting[chosen] = log_of_counting(int(each), value[chosen], size[chosen])
    return LatentArrays(
        person=person,
        bounds=np.searchsorted(pattern[person], np.arange(len(by_size) + 1)),
        n_exact=(kinds[by_size] == 0).sum(axis=1),
        n_latent=(kinds[by_size] == 1).sum(axis=1),
        position=position,
        exact=np.take_along_axis(np.nan_to_num(exact[person]), position[pattern[person]], axis=1),
        counting=np.bincount(row, counting, minlength=len(person)),
        cell=np.concatenate([[0], np.cumsum(latent[person].sum(axis=1))]),
        first=np.append(np.flatnonzero(new), len(order)),
        code=code.astype(np.int64),
        start=responses.start[order].astype(np.int64),
        value=value.astype(float),
        size=size.astype(float),
    )
