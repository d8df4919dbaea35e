"""What a lasting change of one measure does to the others in the long run, and how a single one fades."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ..basics.calls import checked
from ..basics.declared import Paths
from ..basics.names import in_words, lagged_path, split_path
from ..basics.problems import Problems, SpecError
from ..basics.text_tables import TextTable
from ..figures.bars import Bar
from ..figures.evidence import bars_figure
from ..posterior.posterior import Posterior
from ..posterior.summaries import interval_name
from ..spec.cross_lagged import CrossLagged
from ..spec.steps import interval_names
from .answer import Answer, untrusted
from .arguments import Group, canonical_path, chosen_paths, group_problems, measure_problems, population
from .cells import bounds, median_and_interval, sign, table_of
from .dynamics import (
    base_effects,
    drift_effects,
    hardly_within,
    interval_effects,
    lags_of,
    not_followed,
    sample_in_words,
    sds_at,
    within_in_words,
)
from .effects_over_time import matrix_exponential, own_lags, peak_of_lag, responses
from .path_colours import path_colours
from .registry import Arguments, Question, register
from .structure import free_paths, leads, signs, with_fixed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["half_life", "held", "long_run_effects", "pushed", "settles"]

type Array = NDArray[np.float64]

ALWAYS = "every step"
ESTIMANDS = ("held", "pushed")
MOST_UNSETTLED = 0.05
MOST_STEPS = 300
REMAINING = 0.01  # of the slowest part of a response, after the last step that is looked at
LONGEST = 10.0  # in continuous time, in time constants of the slowest part of a response
HALVINGS = 20


@dataclass(frozen=True, eq=False)
class Process:
    """Draws of a linear process that goes on in the same way for ever.

    `over` is the interval whose effects they are, or "every step"; `matrices` are raw lagged effects over one step, or
    the drift per unit of time, shape ``(chain, draw, outcome, predictor)``; `step` is its length, None in continuous
    time.
    """

    over: str
    matrices: Array
    step: float | None

    @property
    def change(self) -> Array:
        """Change of the measures by their values: over one step, or per unit of time."""
        return self.matrices - np.eye(self.matrices.shape[-1]) if self.step is not None else self.matrices


def settles(change: Array, *, continuous: bool) -> NDArray[np.bool_]:
    """Whether a process returns to where it was after a disturbance, from ``Phi - I`` of a step, or from its drift.

    Examples
    --------
    >>> settles(np.array([[[-0.5]], [[0.1]], [[-2.5]]]), continuous=False).tolist()
    [True, False, False]
    >>> settles(np.array([[[-0.5]], [[0.1]], [[-2.5]]]), continuous=True).tolist()
    [True, False, True]
    """
    known = np.isfinite(change).all(axis=(-2, -1))
    values = np.linalg.eigvals(np.where(known[..., None, None], change, 0.0))
    slowest = values.real if continuous else np.abs(values + 1) - 1
    return known & (slowest < 0).all(axis=-1)


def pushed(change: Array, cause: int, *, continuous: bool) -> Array:
    """Where all measures settle if one is raised by one unit again at every step, or per unit of time.

    Column of ``(I - Phi)^-1``, or of ``-A^-1``; NaN where the process does not settle. Of other measures than the one
    that is raised it is also the sum, or the integral, of their response to being raised once. `change` is ``Phi - I``
    or A, shape ``(..., measure, measure)``.

    Examples
    --------
    >>> pushed(np.array([[-0.5, 0.0], [0.2, -0.6]]), 0, continuous=False).round(4)
    array([2.    , 0.6667])
    """
    settled = settles(change, continuous=continuous)[..., None]
    solvable = np.where(settled[..., None], change, -np.eye(change.shape[-1]))
    unit = np.zeros((*change.shape[:-1], 1))
    unit[..., cause, 0] = 1.0
    return np.where(settled, np.linalg.solve(-solvable, unit)[..., 0], np.nan)


def held(change: Array, cause: int, *, continuous: bool) -> Array:
    """Where all measures settle if one is kept one unit higher, whatever acts on it.

    ``(I - Phi_oo)^-1 Phi_ox``, or ``-A_oo^-1 A_ox``, o all other measures; NaN where these do not settle.

    Examples
    --------
    >>> held(np.array([[-0.5, 0.0], [0.2, -0.6]]), 0, continuous=False).round(4)
    array([1.    , 0.3333])
    """
    others = [index for index in range(change.shape[-1]) if index != cause]
    among = change[..., others, :][..., others]
    settled = settles(among, continuous=continuous)[..., None]
    solvable = np.where(settled[..., None], among, -np.eye(len(others)))
    response = np.linalg.solve(-solvable, change[..., others, cause][..., None])[..., 0]
    result = np.ones(change.shape[:-1])
    result[..., others] = np.where(settled, response, np.nan)
    return result


def half_life(times: Array, response: Array) -> tuple[Array, Array, Array]:
    """Time of the largest response, its size with its sign, and the time after it until half of it is left.

    Of responses at increasing times, shape ``(draw, time)``. The half-life is the time until the last one where more
    than half is left there; all are NaN where there is no response.

    Examples
    --------
    >>> half_life(np.arange(1.0, 5.0), np.array([[0.1, 0.4, 0.25, 0.2]]))
    (array([2.]), array([0.4]), array([2.]))
    """
    size = np.abs(response)
    top = size.argmax(axis=1)
    rows = np.arange(len(response))
    largest = response[rows, top]
    after = (np.arange(len(times)) > top[:, None]) & (size <= np.abs(largest[:, None]) / 2)
    fallen = after.any(axis=1)
    half = np.where(fallen, times[after.argmax(axis=1)], times[-1]) - times[top]
    known = np.isfinite(largest) & (largest != 0)
    return np.where(known, times[top], np.nan), np.where(known, largest, np.nan), np.where(known, half, np.nan)


@checked()
def long_run_effects(fit: Posterior, paths: Iterable[str] | None = None, *, group: str | None = None) -> Answer:
    """What a lasting change of one measure does to another in the end, and how fast a single change fades.

    Two changes of a measure x that last, which differ where others act on x [1]_:

    - *held*: x is kept one SD above its expected course, whatever acts on it. The other measures o move to
      ``(I - Phi_oo)^-1 Phi_ox``.
    - *pushed*: x gets an innovation of one SD at every step (in continuous time, of one SD per unit of time), and is
      otherwise left to itself. All measures move to column x of ``(I - Phi)^-1``.

    An *impulse* is one push: its response grows to a peak, and fades. Over all later steps it adds up to what being
    pushed leads to; and held equals pushed of the outcome, divided by pushed of x itself. In continuous time the drift
    ``-A`` takes the place of ``I - Phi``.

    Effects are worked out from raw ones, draw by draw, and then given in within-person SDs of the last wave, from which
    the process goes on: effects that are standardised by the SDs of two waves cannot be iterated.

    Parameters
    ----------
    fit
        A fitted cross-lagged model of two or more measures.
    paths
        From which measure to which, such as ``"alliance -> days"``; through other measures too, so that the model needs
        no lagged path between the two. All pairs when left open.
    group
        Which group, where the fit has groups.

    Returns
    -------
    Answer
        ``table``, indexed by ``path``, ``over`` ("every step", or with one effect for each interval the interval whose
        effects would go on) and ``estimand`` ("held", "pushed"): ``median``, ``lower``, ``upper``, in SDs of the
        outcome per SD of the cause; the mean need not exist. ``p_positive`` with its Monte Carlo error
        ``p_positive_mcse``, and ``p_positive_prior``; NaN where the effect is ``fixed``: 0 by construction, since no
        way leads there. ``raw_median``, ``raw_lower``, ``raw_upper``: units of the outcome per unit of the cause. All
        of the draws in which the measures settle: ``unsettled`` and ``unsettled_prior`` are the shares of the others,
        in which there is no long-run effect.

        ``tables["impulse"]``, indexed by ``path`` and ``over``: medians and intervals of the ``peak`` of the response
        to one push, in SDs; its time ``peak_time``; and ``half_life``, the time from the peak until half of it is left,
        both in the panel's units of time (of discrete models, whole steps).

        ``draws``: ``held``, ``pushed``, ``peak``, ``peak_time``, ``half_life``, dims ``(chain, draw, path, over)``; NaN
        where the measures do not settle.

    Raises
    ------
    SpecError
        If a path is not between two different measures, the group is not one of the fit's, or the model has effects
        over two waves.

    References
    ----------
    .. [1] Falkenstroem (2024). Time-lagged panel models in psychotherapy process and mechanisms of change research:
       methodological challenges and advances. Clinical Psychology Review 110, 102435.
       https://doi.org/10.1016/j.cpr.2024.102435
    """
    problems = Problems("Long-run effects cannot be worked out")
    health, fit = fit.health, population(fit, group, problems)
    problems.found += not_followed(fit.spec)
    measures = fit.spec.measures
    every = [lagged_path(*pair) for pair in permutations(measures, 2)]
    chosen = chosen_paths(paths, every, problems)
    problems.found += _path_problems(fit.spec, chosen)
    problems.raise_as(SpecError)
    named = list(dict.fromkeys(map(canonical_path, chosen)))
    after, before = (_effects(fit, named, group) for group in ("posterior", "prior"))
    table, impulse = _table(fit, after, before), _impulse_table(after)
    return Answer(
        question="long_run_effects",
        arguments={"paths": tuple(named), "group": group},
        heading=(
            f"Long-run effects{within_in_words(fit, measures)}, SD per SD with the SDs of the last wave, from which "
            f"the process goes on; {sample_in_words(fit, group)}"
        ),
        table=table,
        body=(_estimands_in_words(fit), _in_words(table, fit.n_draws), _impulse_in_words(impulse, fit)),
        health=health,
        tables={"impulse": impulse},
        draws=after[["held", "pushed", "peak", "peak_time", "half_life"]].assign_attrs(
            measures=list(fit.spec.measures)
        ),
        reasons=(
            *untrusted(health),
            *hardly_within(fit, measures),
            *_unsettled_in_words(table),
        ),
        assumptions=(
            *fit.spec.assumptions,
            "The same effects go on for ever, far beyond the last wave"
            + (
                ""
                if lags_of(fit) in ("grid", "continuous") or after.sizes["over"] == 1
                else ", if one interval's went on"
            )
            + "; the data say nothing about that.",
            "The change can be made, and made to last, without changing anything else in how the measures act.",
        ),
        figure=_figure,
    )


def _path_problems(spec: CrossLagged, paths: Iterable[str]) -> Iterator[str]:
    """Texts that are no way from one measure of the model to another, direct or not."""
    for path in paths:
        pair = split_path(path)
        if pair is None:
            yield f"'{path}' is not a path; write one such as 'x -> y', from one measure to another."
            continue
        yield from measure_problems(spec, pair)
        if pair[0] == pair[1]:
            yield f"'{path}' leads from a measure to itself; a long-run effect is one on another measure."


def _processes(fit: Posterior, group: str) -> list[Process]:
    if lags_of(fit) == "continuous":
        return [Process(ALWAYS, drift_effects(fit, group), None)]
    base = base_effects(fit, group)
    if base is not None:
        return [Process(ALWAYS, *base)]
    lengths, names = fit.panel.intervals, interval_names(fit.panel.times)
    effects = interval_effects(fit, range(len(lengths)), group)
    return [Process(name, effects[:, :, index], lengths[index]) for index, name in enumerate(names)]


def _effects(fit: Posterior, paths: Sequence[str], group: str) -> xr.Dataset:
    """Draws of all effects, dims ``(chain, draw, path, over)``; the raw ones too, and the impulse of the posterior."""
    measures, drawn = fit.spec.measures, fit.drawn(group)
    pairs = [tuple(measures.index(name) for name in split_path(path) or ()) for path in paths]
    causes, outcomes = (np.array(side) for side in zip(*pairs, strict=True))
    sds, _ = sds_at(drawn, measures, -1)
    unit = sds[..., causes] / sds[..., outcomes]
    led = leads(free_paths(fit.spec), None)[outcomes, causes]
    processes = _processes(fit, group)
    by_process: list[dict[str, Array]] = []
    for process in processes:
        effects = {}
        for name, estimand in (("held", held), ("pushed", pushed)):
            settled = [
                estimand(process.change, cause, continuous=process.step is None)[..., outcome]
                for cause, outcome in zip(causes, outcomes, strict=True)
            ]
            effects[f"raw_{name}"] = np.stack(settled, axis=-1) * led  # else of the size of rounding
            effects[name] = effects[f"raw_{name}"] * unit
        if group == "posterior":
            peak_time, peak, half = _impulses(process, causes, outcomes)
            effects |= {"peak": peak * unit, "peak_time": peak_time, "half_life": half}
        by_process.append(effects)
    dims = ("chain", "draw", "path", "over")
    stacked = {name: (dims, np.stack([effects[name] for effects in by_process], axis=-1)) for name in by_process[0]}
    chains = {name: drawn[name] for name in ("imputation",) if name in drawn.coords}
    return xr.Dataset(stacked, {"path": list(paths), "over": [process.over for process in processes], **chains})


def _impulses(process: Process, causes: Array, outcomes: Array) -> tuple[Array, ...]:
    """Times and sizes of the largest responses to one push, and half-lives, shape ``(chain, draw, path)``.

    NaN where the process does not settle, or does not respond.
    """
    shape = process.matrices.shape[:2]
    settled = settles(process.change, continuous=process.step is None).ravel()
    result = np.full((3, len(settled), len(causes)), np.nan)
    flat = process.matrices.reshape(-1, *process.matrices.shape[2:])[settled]
    if len(flat):
        impulses_of = _impulses_of_drift if process.step is None else _impulses_of_steps
        result[:, settled] = np.moveaxis(impulses_of(flat, causes, outcomes), 0, -1)
        result[[0, 2]] *= 1.0 if process.step is None else process.step
    peak_time, peak, half = result.reshape(3, *shape, -1)
    return peak_time, peak, half


def _impulses_of_steps(effects: Array, causes: Array, outcomes: Array) -> Array:
    """Those of each path, shape ``(path, 3, draw)``, in steps."""
    radius = float(np.quantile(np.abs(np.linalg.eigvals(effects)).max(axis=-1), 0.99))
    fading = np.ceil(np.log(REMAINING) / np.log(radius)) if radius > 0 else 0
    n_steps = int(np.clip(fading, 2 * effects.shape[-1], MOST_STEPS))
    transitions = np.broadcast_to(effects[:, None], (len(effects), n_steps, *effects.shape[1:]))
    times = np.arange(1.0, n_steps + 1)
    return np.array(
        [
            half_life(times, responses(transitions, cause)[:, 1:, outcome])
            for cause, outcome in zip(causes, outcomes, strict=True)
        ]
    )


def _impulses_of_drift(drift: Array, causes: Array, outcomes: Array) -> Array:
    """Those of each path, shape ``(path, 3, draw)``, in units of time."""
    # In time constants of each draw's slowest part, one grid of lags serves all draws.
    slowest = -np.linalg.eigvals(drift).real.max(axis=-1)
    scaled = drift / slowest[:, None, None]
    lags = own_lags(scaled, LONGEST)
    curves = np.stack([matrix_exponential(scaled * lag) for lag in lags], axis=1)
    impulses = []
    for cause, outcome in zip(causes, outcomes, strict=True):
        curve = curves[:, :, outcome, cause]

        def response(lag: Array, cause: int = cause, outcome: int = outcome) -> Array:
            at: Array = matrix_exponential(scaled * lag[:, None, None])[:, outcome, cause]
            return at

        peak_time = peak_of_lag(scaled, cause, outcome, lags, curve)
        acts = np.isfinite(peak_time)
        peak_time = np.where(acts, peak_time, 0.0)
        peak = response(peak_time)
        fallen = (lags > peak_time[:, None]) & (np.abs(curve) <= np.abs(peak[:, None]) / 2)
        first = fallen.argmax(axis=1)
        early, late = np.maximum(peak_time, lags[np.maximum(first - 1, 0)]), lags[first]
        for _ in range(HALVINGS):
            middle = (early + late) / 2
            above = np.abs(response(middle)) > np.abs(peak) / 2
            early, late = np.where(above, middle, early), np.where(above, late, middle)
        half = np.where(fallen.any(axis=1), late, lags[-1]) - peak_time
        impulses.append(np.where(acts, [peak_time / slowest, peak, half / slowest], np.nan))
    return np.array(impulses)


def _table(fit: Posterior, after: xr.Dataset, before: xr.Dataset) -> pd.DataFrame:
    rows, fixed = {}, []
    led, measures = leads(free_paths(fit.spec), None), fit.spec.measures
    for path in map(str, after["path"].to_numpy()):
        cause, outcome = (measures.index(name) for name in split_path(path) or ())
        for over in map(str, after["over"].to_numpy()):
            for estimand in ESTIMANDS:
                effect, prior, raw = (
                    effects[name].sel(path=path, over=over, drop=True)
                    for effects, name in ((after, estimand), (before, estimand), (after, f"raw_{estimand}"))
                )
                rows[path, over, estimand] = {
                    **median_and_interval(effect, "median"),
                    **{name: value for name, value in sign(effect, prior).items() if not name.startswith("no_sign")},
                    **median_and_interval(raw, "raw_median", "raw_"),
                    "unsettled": float(np.isnan(effect).mean()),
                    "unsettled_prior": float(np.isnan(prior).mean()),
                }
                fixed.append(not led[outcome, cause])
    table = table_of(rows, "path", "over", "estimand")
    return with_fixed(table, np.array(fixed), ("p_positive", "p_positive_mcse", "p_positive_prior"))


def _impulse_table(after: xr.Dataset) -> pd.DataFrame:
    def row(effects: xr.Dataset) -> dict[str, float]:
        parts = [median_and_interval(effects[name], name, f"{name}_") for name in ("peak", "peak_time", "half_life")]
        return parts[0] | parts[1] | parts[2]

    keys = [(path, over) for path in after["path"].to_numpy() for over in after["over"].to_numpy()]
    rows = {(str(path), str(over)): row(after.sel(path=path, over=over, drop=True)) for path, over in keys}
    return table_of(rows, "path", "over")


def _estimands_in_words(fit: Posterior) -> str:
    unit = (fit.panel.time_unit or "unit of time").removesuffix("s")
    often = f"in every {unit}" if lags_of(fit) == "continuous" else "at every step"
    return (
        "held: the first measure is kept one SD higher, whatever acts on it. pushed: it is raised by one SD again "
        f"{often}, and otherwise left to itself; the same as all that follows from raising it once."
    )


def _cell(row: "pd.Series[float]", name: str, before: str, form: str) -> str:
    return "" if np.isnan(row[name]) else f"{row[name]:{form}} {bounds(row, before, form)}"


def _label(path: str, over: str, several: bool) -> str:
    return f"{path}, if {over} went on" if several else path


def _in_words(table: pd.DataFrame, n_draws: int) -> TextTable:
    several = len(table.index.unique("over")) > 1
    rows = [row for _, row in table.iterrows()]
    after = table.assign(no_sign=table["unsettled"])
    before = table.assign(no_sign=table["unsettled_prior"], p_positive=table["p_positive_prior"])
    return TextTable.of(
        {
            "": [f"{_label(path, over, several)}, {estimand}" for path, over, estimand in table.index],
            "median": ["" if np.isnan(median) else f"{median:.2f}" for median in table["median"]],
            interval_name(): ["none settles" if np.isnan(row["median"]) else bounds(row) for row in rows],
            "P(effect > 0)": signs(after, n_draws),
            "prior": signs(before, n_draws),
            "raw units": [_cell(row, "raw_median", "raw_", ".3g") for row in rows],
            "not settled": [f"{100 * share:.3g} %" for share in table["unsettled"]],
        },
        left={"raw units"},
    )


def _impulse_in_words(impulse: pd.DataFrame, fit: Posterior) -> TextTable:
    several, unit = len(impulse.index.unique("over")) > 1, fit.panel.time_unit
    timed = {
        f"{head}{f', {unit}' if unit else ''}": [_cell(row, name, f"{name}_", ".3g") for _, row in impulse.iterrows()]
        for name, head in (("peak_time", "after"), ("half_life", "half-life"))
    }
    return TextTable.of(
        {
            "raised once": [_label(path, over, several) for path, over in impulse.index],
            "largest effect": [_cell(row, "peak", "peak_", ".2f") for _, row in impulse.iterrows()],
            **timed,
        }
    )


def _unsettled_in_words(table: pd.DataFrame) -> tuple[str, ...]:
    """A sentence where many draws have no long-run effect."""
    several = len(table.index.unique("over")) > 1
    without = table.loc[table["unsettled"] > MOST_UNSETTLED, "unsettled"]
    if without.empty:
        return ()
    shares = [
        f"{_label(path, over, several)}, {estimand} ({100 * share:.3g} %)"
        for (path, over, estimand), share in without.items()
    ]
    return (
        "In many draws the process does not settle (an eigenvalue of the lagged effects is 1 or more in size, or one "
        f"of the drift is not below 0), and there is no long-run effect: {in_words(shares)}. All numbers are those of "
        "the other draws; a trend, or too few waves, may be taken for carry-over.",
    )


def _figure(answer: Answer) -> "Figure":
    several = len(answer.table.index.unique("over")) > 1
    bars = {
        f"{_label(path, over, several)}, {estimand}": [Bar(row["median"], row["lower"], row["upper"])]
        for (path, over, estimand), row in answer.table.iterrows()
    }
    of_path = path_colours(answer)
    colours = {
        f"{_label(path, over, several)}, {estimand}": of_path[path]
        for path, over, estimand in answer.table.index
        if path in of_path
    }
    return bars_figure(bars, title="Long-run effects", unit="long-run effect, SD per SD", colours=colours)


class LongRunArguments(Arguments):
    """Keys of long-run effects."""

    named_first = ("paths",)
    paths: Paths | None = None
    group: Group | None = None

    def about(self) -> str:
        """The paths."""
        return f"of {in_words(self.paths or ('every measure on every other',))}"

    def against(self, model: CrossLagged) -> Iterator[str]:
        """Its group, effects over two waves, and paths."""
        yield from group_problems(model, self.group)
        yield from not_followed(model)
        yield from _path_problems(model, self.paths or ())


register(Question.of(long_run_effects, LongRunArguments))
