"""Panels of persons drawn from a truth."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..basics.calls import checked
from ..basics.given import check_seed, is_whole, shown
from ..basics.memory import memory_problem
from ..basics.names import choices
from ..basics.problems import Problems, SpecError
from ..panel import Panel
from .drawing import draw
from .groups import GroupTruth
from .missing import Missing, absent_values
from .reading import Array
from .selection import unseen
from .truth import Truth

__all__ = ["simulate"]

COPIES = 4  # of all values, while they are drawn and put together

type Persons = int | Mapping[str, int]


@checked(apart=["persons", "seed"])
def simulate(
    truth: Truth | GroupTruth,
    *,
    persons: Persons,
    seed: int,
    missing: Missing | None = None,
    own_times: float | npt.ArrayLike | None = None,
) -> Panel:
    """Draw a panel of persons from the equations of a truth.

    Persons are numbered from 0. `missing` removes values and leaves the others as they are. Under the
    same seed a larger panel begins with the persons of a smaller one (not with
    ``mechanism="at_random"``, whose intercept depends on all of them, nor with groups, which follow one another).

    Parameters
    ----------
    truth
        True values; see `Truth` and `GroupTruth` for the equations.
    persons
        How many, at least 2; with groups, of each group or by label.
    seed
        Whole number, at least 0; the same seed gives the same panel.
    missing
        Which values go missing; without it none does. Covariates never do.
    own_times
        With ``lags="continuous"``, when each person was really asked, in the unit of the times: by how much at most
        it differs from the plan (uniform, in both directions), or the times, dims (person, wave).

    Returns
    -------
    Panel
        Measures or their indicators or items, then covariates that vary over time, as measures; covariates of persons,
        groups, own times and the state where there are any.

    Raises
    ------
    SpecError
        If `persons`, `seed` or `own_times` is out of range, or `missing` does not fit the waves.

    Examples
    --------
    >>> from alliance_bayes import RICLPM
    >>> truth = Truth(RICLPM(["x", "y"]), times=[0, 1, 2], lagged={"x -> y": 0.2}, icc=0.5)
    >>> panel = simulate(truth, persons=300, seed=1, missing=Missing(share=0.2))
    >>> panel.values.shape
    (300, 3, 2)
    """
    problems = Problems("No panel can be simulated")
    counts = _counts(truth, persons, problems)
    check_seed(seed, problems)
    n_columns = len(truth.spec.columns) + len(truth.spec.measures) + len(truth.spec.conditioned_on)
    n_numbers = COPIES * sum(counts) * len(truth.times) * n_columns
    if problem := memory_problem(f"{shown(sum(counts))} persons", n_numbers, "Draw fewer at a time."):
        problems.add(problem)
        problems.raise_as(SpecError)
    later = len(truth.times) - 1
    if missing is not None and isinstance(missing.share, tuple) and len(missing.share) != later:
        problems.add(f"missing has {len(missing.share)} shares; name {later}, one for each wave after the first.")
    if own_times is not None:
        _check_own_times(truth, own_times, sum(counts), problems)
    problems.raise_as(SpecError)

    root = np.random.SeedSequence(seed)
    truths = [truth] if isinstance(truth, Truth) else list(truth.truths.values())
    seeds = [root] if isinstance(truth, Truth) else root.spawn(len(truths))
    starts = np.cumsum([0, *counts])
    parts = [
        _simulated(group_truth, count, own_seed, missing, _own_times_of(own_times, start, count))
        for group_truth, count, own_seed, start in zip(truths, counts, seeds, starts, strict=False)
    ]
    together = {name: np.concatenate([part.covariates[name] for part in parts]) for name in parts[0].covariates}
    state = truth.spec.state
    required = [] if state is None else [column for name in state.required_by for column in truth.spec.columns_of(name)]
    timed = [part.own_times for part in parts if part.own_times is not None]
    return Panel.from_arrays(
        np.concatenate([part.values for part in parts]),
        measures=parts[0].measures,
        times=truth.times,
        interviewed=np.concatenate([part.interviewed for part in parts]),
        requires=dict.fromkeys(required, state.name) if state is not None and required else None,
        states={state.name: np.concatenate([part.states for part in parts])}
        if state is not None and required
        else None,
        covariates=together,
        groups=None if isinstance(truth, Truth) else np.repeat(truth.labels, counts),
        own_times=np.concatenate(timed) if timed else None,
        source="simulated values",
    )


@dataclass(frozen=True, eq=False)
class _Part:
    values: Array
    measures: tuple[str, ...]
    interviewed: npt.NDArray[np.bool_]
    covariates: dict[str, Array]
    own_times: Array | None
    states: Array


def _simulated(
    truth: Truth, persons: int, seed: np.random.SeedSequence, missing: Missing | None, own_times: float | Array | None
) -> _Part:
    """Persons of one truth, with holes."""
    random = np.random.default_rng(seed)
    for_states, for_absence, *further, for_times = random.spawn(7)
    times = _drawn_times(truth, persons, own_times, for_times)
    drawn = draw(truth, persons, (for_states, *further), times, tuple(random.spawn(3)))
    values, varying = drawn.columns, list(drawn.varying)
    interviewed = np.ones(values.shape[:2], dtype=bool)
    if missing is not None:
        absent = absent_values(_standardized(truth, values), missing, for_absence)
        values[absent] = np.nan
        if missing.unit == "wave" and not varying:
            interviewed = ~absent.all(axis=2)
    if truth.spec.selection and drawn.deviations is not None:
        missed, unanswered = unseen(truth, drawn.deviations, random.spawn(1)[0])
        values = np.where(missed[..., None] | unanswered, np.nan, values)
        interviewed &= ~missed
    if times is not None:
        times = np.where(interviewed, times, np.nan)
    columns = [values, *(drawn.varying[name][..., None] for name in varying)]
    states, measures = np.zeros(interviewed.shape), (*truth.columns, *varying)
    if truth.spec.state is not None and drawn.on is not None:
        states = np.where(interviewed, drawn.on, np.nan)
        if not truth.spec.state.required_by:
            columns.append(states[..., None])
            measures += (truth.spec.state.name,)
    return _Part(np.concatenate(columns, axis=2), measures, interviewed, drawn.covariates, times, states)


def _standardized(truth: Truth, values: Array) -> Array:
    """In total SDs from their wave's mean; with families or a state those of the people who were drawn."""
    if not truth.spec.is_latent:
        sds = np.sqrt(np.diag(truth.covariance)).reshape(len(truth.times), -1)
        return np.asarray((values - truth.means_table) / sds)
    spread = np.nanstd(values, axis=0)
    return np.nan_to_num((values - np.nanmean(values, axis=0)) / np.where(spread > 0, spread, 1.0))


def _drawn_times(
    truth: Truth, persons: int, own_times: float | Array | None, random: np.random.Generator
) -> Array | None:
    if own_times is None or isinstance(own_times, np.ndarray):
        return own_times
    return np.asarray(truth.times) + own_times * (2 * random.random((persons, len(truth.times))) - 1)


def _own_times_of(own_times: object, start: int, count: int) -> float | Array | None:
    """Those of one group: its rows, or the one number that holds for all."""
    if own_times is None or isinstance(own_times, int | float):
        return own_times
    return np.asarray(own_times, dtype=float)[start : start + count]


def _counts(truth: Truth | GroupTruth, persons: object, problems: Problems) -> list[int]:
    """Persons of each group, 0 where the number is none."""
    labels = truth.labels if isinstance(truth, GroupTruth) else ("",)
    given = dict(persons) if isinstance(persons, Mapping) and labels != ("",) else dict.fromkeys(labels, persons)
    for label in given:
        if label not in labels:
            problems.add(f"persons: there is no group '{label}'{choices(str(label), labels, 'Groups')}")
    counts = []
    for label in labels:
        count = given.get(label)
        if not is_whole(count, least=2):
            of = f" of '{label}'" if isinstance(persons, Mapping) and label else ""
            problems.add(f"persons{of} must be a whole number, at least 2; got {shown(count)}.")
            if not of:
                return [0]
            count = 0
        counts.append(int(count))
    return counts


def _check_own_times(truth: Truth | GroupTruth, own_times: object, persons: int, problems: Problems) -> None:
    if truth.spec.lags != "continuous":
        problems.add("own_times need lags='continuous': no other lags say what happens over intervals of any length.")
        return
    array = np.asarray(own_times, dtype=float)
    half = float(np.diff(truth.times).min()) / 2
    if array.ndim == 0 and not 0 <= float(array) < half:
        problems.add(
            f"own_times must be at least 0 and below {half:g}, half the shortest interval, so that waves keep their "
            f"order; got {shown(own_times)}."
        )
    elif array.ndim and array.shape != (persons, len(truth.times)):
        problems.add(f"own_times has shape {array.shape}; expected {(persons, len(truth.times))}, (person, wave).")
    elif array.ndim and not np.all(np.diff(array, axis=1) > 0):
        problems.add("own_times must increase from wave to wave in every person.")
