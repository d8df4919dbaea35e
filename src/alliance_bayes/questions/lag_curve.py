"""How lagged effects depend on the lag: curves, their peaks, and whether who leads depends on the lag."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ..basics.calls import checked
from ..basics.declared import Margin, Paths
from ..basics.given import shown
from ..basics.names import in_words, lagged_path, number, quoted, split_path
from ..basics.problems import Problems, SpecError
from ..basics.text_tables import TextTable
from ..figures.effects import Band, bands_figure
from ..posterior.path_matrices import by_path
from ..posterior.posterior import Posterior
from ..posterior.summaries import Probability, above, indicator, interval, interval_name, probability, share, undefined
from ..spec.cross_lagged import CrossLagged
from ..spec.steps import MOST_AHEAD
from .answer import Answer, untrusted
from .arguments import (
    MARGIN,
    Group,
    Length,
    canonical_path,
    check_margin,
    chosen_paths,
    group_problems,
    path_problems,
    population,
)
from .cells import estimates, median_and_interval, stated
from .dynamics import (
    base_effects,
    common_step,
    drift_effects,
    hardly_within,
    interval_effects,
    lags_of,
    not_followed,
    sample_in_words,
    sds_at,
    standardized,
    within_in_words,
)
from .effects_over_time import matrix_exponential, own_lags, peak_of_lag, responses
from .lengths import length_labels, time_in_words
from .path_colours import path_colours
from .registry import Arguments, Question, register
from .structure import free_paths, leads, signless, signs, with_fixed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["lag_curve"]

type Array = NDArray[np.float64]

Between = Literal["continuous", "whole steps", "observed only"]

NOTICEABLE = 0.1
N_LAGS = 121
# Up to so many of its steps the even grid is too coarse for a process that is faster than a step.
COARSE_STEPS = 8
MOST_PRINTED = 4


@checked(apart=["margin"])
def lag_curve(
    fit: Posterior,
    paths: Iterable[str] | None = None,
    *,
    longest: float | None = None,
    margin: float = MARGIN,
    group: str | None = None,
) -> Answer:
    """Standardised lagged effects as curves over the lag.

    In continuous time the effect over a lag d is ``exp(A d)`` with the drift A; it grows from 0,
    peaks and fades, so that one number for "the" cross-lagged effect depends on when people were
    asked [1]_. On a grid, and with equal lags over equal intervals, effects are known at whole
    steps, as powers ``Phi^n``; with one effect for each interval, only at the observed intervals.
    Effects are scaled by the within-person SDs of the first wave, at every lag, so that lags differ by dynamics alone.

    Parameters
    ----------
    fit
        A fitted cross-lagged model.
    paths
        Lagged paths such as ``"alliance -> days"``; all between different measures when left open.
    longest
        Longest lag, in the panel's units of time; twice the longest interval when left open.
        Lags beyond the observed intervals are marked as extrapolated.
    margin
        Difference in size, in SD per SD, from which one effect of a pair counts as the larger
        one, where it is asked whether that depends on the lag; in (0, 1).
    group
        Which group, where the fit has groups.

    Returns
    -------
    Answer
        ``table``, indexed by ``path`` and ``lag``, in the panel's units of time. ``mean``, ``lower``,
        ``upper``: effect in within-person SDs of the outcome per within-person SD of the
        predictor, both at the first wave (CLPM: SDs).
        ``p_positive``: probability that it is above 0, of the draws that have a sign; NaN where these are hardly any,
        and where the effect is ``fixed``: known without data, as at lag 0, or 0 by construction where no way of so many
        steps leads along the model's paths. ``no_sign``: share of draws without a sign, exactly 0 since smaller than
        any number. ``raw_mean``, ``raw_lower``, ``raw_upper``: units of the outcome per unit of the predictor.
        ``extrapolated``: whether the lag is shorter or longer than every interval of the panel; distrust these most.
        Intervals hold at each lag, not for the whole curve.

        ``tables["peak"]``, indexed by ``path``: median, ``lower`` and ``upper`` of the lag at which the effect is
        largest in size, and ``effect``, ``effect_lower``, ``effect_upper`` there. ``p_beyond``: share of draws that
        still grow at the longest lag, whose peak is set to it. NaN where an effect is 0 at every lag. Empty where
        only observed intervals are known.

        ``draws``: the standardised ``effect``, dims ``(chain, draw, path, lag)``; its attribute ``between`` says what
        is known between the observed intervals: ``"continuous"`` (from the drift), ``"whole steps"`` (matrix powers of
        one step's effects) or ``"observed only"``.

    Raises
    ------
    SpecError
        If a path is not one of the model's, the longest lag is shorter than a step or cannot be
        reached by this model, or the margin is invalid.

    Notes
    -----
    With two measures the two cross-lagged effects keep one ratio at every lag, and the peak lies at
    ``ln(l2 / l1) / (l1 - l2)`` for eigenvalues l1, l2 of the drift. With three or more, which of
    two effects is larger may flip with the lag [1]_; a warning says how probable that is.

    References
    ----------
    .. [1] Kuiper & Ryan (2018). Drawing conclusions from cross-lagged relationships: re-considering
       the role of the time-interval. Structural Equation Modeling 25, 809-823.
       https://doi.org/10.1080/10705511.2018.1431046
    """
    health, problems = fit.health, Problems("This lag curve cannot be drawn")
    fit = population(fit, group, problems)
    chosen, between, last = _check(problems, fit, paths, longest, margin)
    measures = fit.spec.measures
    sds, _ = sds_at(fit.posterior, measures, 0)
    lags, effects = _effects(fit, between, last, sds)
    curves = by_path(effects, measures, "chain", "draw", "lag", lag=lags)
    draws = curves.sel(path=list(chosen)).transpose("chain", "draw", "path", "lag")
    observed = (min(fit.panel.intervals), max(fit.panel.intervals))
    peak = _peaks(fit, draws, chosen, between, sds)
    table = with_fixed(
        _table(draws, _raw(draws, sds, measures, chosen), observed), _fixed(fit, draws, between), ("p_positive",)
    )
    return Answer(
        question="lag_curve",
        arguments={"paths": chosen, "longest": longest, "margin": margin, "group": group},
        heading=_heading(fit, between, group),
        table=table,
        body=(_effects_in_words(table, observed, fit.n_draws), *_peaks_in_words(fit, peak)),
        health=health,
        tables={"peak": peak},
        draws=draws.to_dataset(name="effect").assign_attrs(
            between=between, observed=observed, time_unit=fit.panel.time_unit or "", measures=list(measures)
        ),
        reasons=(
            *untrusted(health),
            *hardly_within(fit, measures),
            *_who_leads(curves, fit, between, margin),
            *_too_small(table),
        ),
        assumptions=(*fit.spec.assumptions, *_ALONG_THE_CURVE[between]),
        figure=_figure,
    )


def _figure(answer: Answer) -> "Figure":
    """The curves with their intervals, both directions of a pair together; lags beyond the data are shaded."""
    effects = answer.draws
    pairs: dict[frozenset[str], list[str]] = {}
    for path in map(str, effects["path"].to_numpy()):
        pairs.setdefault(frozenset(split_path(path) or (path,)), []).append(path)
    lags = effects["lag"].to_numpy()
    shortest, longest = effects.attrs["observed"]
    stretches = [(0.0, shortest)] if lags[0] < shortest else []
    stretches += [(longest, lags[-1])] if lags[-1] > longest else []
    points = effects.attrs["between"] != "continuous"
    colours = path_colours(answer)
    return bands_figure(
        [" and ".join(sorted(pair)) for pair in pairs],
        [
            [Band.of(path, answer.table.loc[path], points=points, colour=colours[path]) for path in paths]
            for paths in pairs.values()
        ],
        title=f"Lagged effects by lag, {interval_name()}s",
        x_label=", ".join(filter(None, ["lag", effects.attrs["time_unit"]])),
        y_label="lagged effect, SD per SD",
        shaded=stretches,
        shaded_name="beyond the observed intervals",
    )


def _effects_in_words(table: pd.DataFrame, observed: tuple[float, float], n_draws: int) -> TextTable:
    lags = table.index.unique("lag").to_numpy()
    wanted = lags if len(lags) <= MOST_PRINTED else np.array([*observed, lags[-1]])
    shown = table[table.index.get_level_values("lag").isin(wanted)]
    return TextTable.of(
        {
            "": [str(path) for path in shown.index.get_level_values("path")],
            "lag": [number(lag) for lag in shown.index.get_level_values("lag")],
            **estimates(shown),
            "P(effect > 0)": signs(shown, n_draws),
            " ": ["beyond the observed intervals" if beyond else "" for beyond in shown["extrapolated"]],
        },
        left={" "},
    )


def _peaks_in_words(fit: Posterior, peak: pd.DataFrame) -> list[str]:
    unit = f" {fit.panel.time_unit}" if fit.panel.time_unit else ""
    lines = []
    for path, row in peak.iterrows():
        if np.isnan(row["lag"]):
            lines.append(f"{path} has no largest effect: it is 0 at every lag in every draw.")
            continue
        growing = Probability(row["p_beyond"], 0.0, fit.n_draws)
        digits = max(1, 1 - int(np.floor(np.log10(row["lag"]))))
        lag, lower, upper = (f"{row[name]:.{digits}f}" for name in ("lag", "lower", "upper"))
        beyond = f"; {stated('still growing at the longest lag', growing)}" if row["p_beyond"] else ""
        lines.append(
            f"{path} is largest at a lag of {lag} [{lower}, {upper}]{unit} (medians): "
            f"{row['effect']:.2f} [{row['effect_lower']:.2f}, {row['effect_upper']:.2f}]{beyond}"
        )
    return lines


def _too_small(table: pd.DataFrame) -> tuple[str, ...]:
    """A sentence where effects have no sign from some lag on."""
    without = table[(table["no_sign"] > 0) & ~table["fixed"]]["no_sign"]
    return signless(
        {
            f"{path} at lags of {shares.index.get_level_values('lag').min():.4g} and more, at most": (shares.max(), 0.0)
            for path, shares in without.groupby("path", sort=False)
        }
    )


_ALONG_THE_CURVE: dict[Between, tuple[str, ...]] = {
    "continuous": (
        "The same drift holds at every moment, also between and beyond the waves: the curve's shape is that of the "
        "model, checked by the data at the observed intervals only.",
    ),
    "whole steps": (
        "The same effects hold over every step, so that longer lags are matrix powers of one step's effects.",
    ),
    "observed only": (),
}


def _check(
    problems: Problems, fit: Posterior, paths: Iterable[str] | None, longest: float | None, margin: float
) -> tuple[tuple[str, ...], Between, float]:
    for problem in not_followed(fit.spec):
        problems.add(problem)
    lengths = tuple(fit.panel.intervals)
    lags = lags_of(fit)
    base = None if lags == "continuous" else common_step(fit)
    between: Between = "continuous" if lags == "continuous" else "observed only" if base is None else "whole steps"
    chosen = chosen_paths(paths, fit.spec.cross_lagged_paths, problems)
    problems.found += path_problems(fit.spec, chosen)
    last = 2 * max(lengths) if longest is None and between != "observed only" else longest
    if between == "observed only":
        if longest is not None and longest > max(lengths) * (1 + 1e-9):
            problems.add(
                f"longest={number(longest)} lies beyond the observed intervals ({quoted(map(number, lengths))}), and "
                f"this model (lags='{lags}') has effects for these alone. Leave longest open, or fit lags='grid'."
            )
        last = max(lengths) if longest is None else longest
    least = base if base is not None else 0.0 if between == "continuous" else min(lengths)
    if last is None or last <= 0 or last < least * (1 - 1e-9):
        problems.add(f"longest must be a lag of at least {number(least)} and above 0; got {shown(longest)}.")
    elif between == "whole steps" and last > MOST_AHEAD * least:
        problems.add(
            f"longest={number(last)} is {last / least:.3g} steps of {number(least)}; ask for at most {MOST_AHEAD:,} of "
            "them."
        )
    check_margin(margin, problems)
    problems.raise_as(SpecError)
    return tuple(dict.fromkeys(map(canonical_path, chosen))), between, float(last or 0.0)


def _effects(fit: Posterior, between: Between, longest: float, sds: Array) -> tuple[Array, Array]:
    """Lags, and standardised effects at each, shape ``(chain, draw, lag, outcome, predictor)``."""
    lengths = [float(round(length, 9)) for length in fit.panel.intervals]
    if between == "continuous":
        drift = standardized(drift_effects(fit), sds)
        lags = np.linspace(0, longest, N_LAGS)
        curve = _powers(matrix_exponential(drift * (lags[1] - lags[0])), N_LAGS - 1)
        fast = own_lags(drift.reshape(-1, *drift.shape[2:]), longest)
        short = [float(f"{lag:.3g}") for lag in fast if fast[1] * 10 < lags[1] and 0 < lag < COARSE_STEPS * lags[1]]
        extra = list[float]()
        for lag in (*dict.fromkeys(lengths), *short):
            if lag < longest and not np.isclose([*lags, *extra], lag, rtol=1e-5, atol=0).any():
                extra.append(lag)
        lags = np.array([float(f"{lag:.12g}") for lag in lags])
        if extra:
            more = np.stack([matrix_exponential(drift * lag) for lag in extra], axis=2)
            lags, curve = np.concatenate([lags, extra]), np.concatenate([curve, more], axis=2)
        order = np.argsort(lags)
        return lags[order], curve[:, :, order]
    base = base_effects(fit)
    if base is not None:
        step = standardized(base[0], sds)
        n_steps = int(np.floor(longest / base[1] + 1e-9))
        return np.round(np.arange(1, n_steps + 1) * base[1], 9), _powers(step, n_steps)[:, :, 1:]
    effects = standardized(interval_effects(fit, range(len(lengths))), sds)
    distinct = sorted(length for length in set(lengths) if length <= longest * (1 + 1e-9))
    by_length = [
        effects[:, :, [index for index, length in enumerate(lengths) if length == one]].mean(axis=2) for one in distinct
    ]
    return np.array(distinct), np.stack(by_length, axis=2)


def _powers(step: Array, n_steps: int) -> Array:
    """Powers 0 to n of a transition, shape ``(chain, draw, n + 1, outcome, predictor)``."""
    transitions = np.broadcast_to(step[:, :, None], (*step.shape[:2], n_steps, *step.shape[2:]))
    return np.stack([responses(transitions, cause) for cause in range(step.shape[-1])], axis=-1)


def _raw(draws: xr.DataArray, sds: Array, measures: Sequence[str], paths: Iterable[str]) -> xr.DataArray:
    pairs = [[measures.index(name) for name in split_path(path) or ()] for path in paths]
    unit = np.stack([sds[..., outcome] / sds[..., predictor] for predictor, outcome in pairs], axis=-1)
    return draws * xr.DataArray(unit, dims=("chain", "draw", "path"))


def _table(draws: xr.DataArray, raw: xr.DataArray, observed: tuple[float, float]) -> pd.DataFrame:
    columns: dict[str, xr.DataArray] = {}
    for before, effect in (("", draws), ("raw_", raw)):
        lower, upper = interval(effect, "chain", "draw")
        columns |= {f"{before}mean": effect.mean(("chain", "draw")), f"{before}lower": lower, f"{before}upper": upper}
    signs = above(draws, 0)
    columns["p_positive"] = share(signs, "chain", "draw")
    columns["no_sign"] = undefined(signs, "chain", "draw")
    stacked = {name: part.transpose("path", "lag").to_numpy().ravel() for name, part in columns.items()}
    index = pd.MultiIndex.from_product([draws["path"].to_numpy(), draws["lag"].to_numpy()], names=["path", "lag"])
    table = pd.DataFrame(stacked, index=index)
    lag = table.index.get_level_values("lag").to_numpy()
    table["extrapolated"] = (lag < observed[0] * (1 - 1e-9)) | (lag > observed[1] * (1 + 1e-9))
    order = ["mean", "lower", "upper", "p_positive", "no_sign", "raw_mean", "raw_lower", "raw_upper", "extrapolated"]
    return table[order]


def _fixed(fit: Posterior, draws: xr.DataArray, between: Between) -> NDArray[np.bool_]:
    """Whether each effect is known without data, by path and then lag."""
    free, lags, measures = free_paths(fit.spec), draws["lag"].to_numpy(), fit.spec.measures
    steps: list[int | None] = [None if between == "continuous" else 1] * len(lags)
    base = base_effects(fit) if between == "whole steps" else None
    if base is not None:
        steps = [round(float(lag) / base[1]) for lag in lags]
    led = np.stack([leads(free, n_steps) for n_steps in steps])
    pairs = [split_path(path) or ("", "") for path in draws["path"].to_numpy().tolist()]
    by_path = [led[:, measures.index(outcome), measures.index(predictor)] for predictor, outcome in pairs]
    return np.concatenate([~way | (lags == 0) for way in by_path])


PEAK = ["lag", "lower", "upper", "effect", "effect_lower", "effect_upper", "p_beyond"]


def _peaks(fit: Posterior, draws: xr.DataArray, paths: tuple[str, ...], between: Between, sds: Array) -> pd.DataFrame:
    crossed = [path for path in paths if path in fit.spec.cross_lagged_paths]
    if between == "observed only" or not crossed:
        return pd.DataFrame(columns=PEAK, index=pd.Index([], name="path"), dtype=float)
    rows = {}
    for path in crossed:
        curve = draws.sel(path=path)
        known = curve.count("lag") == curve.sizes["lag"]
        best = abs(curve.where(known, 0.0)).argmax("lag")
        lag, effect = curve["lag"][best].where(known), curve.isel(lag=best).where(known)
        if between == "continuous":
            lag, effect = _refined(fit, path, curve, sds)
        rows[path] = _peak_row(lag, effect, float(curve["lag"][-1]))
    return pd.DataFrame.from_dict(rows, orient="index")[PEAK].rename_axis("path")


def _refined(fit: Posterior, path: str, curve: xr.DataArray, sds: Array) -> tuple[xr.DataArray, xr.DataArray]:
    drift = standardized(drift_effects(fit), sds)
    predictor, outcome = (fit.spec.measures.index(name) for name in split_path(path) or ())
    flat = drift.reshape(-1, *drift.shape[2:])
    values = curve.transpose("chain", "draw", "lag").to_numpy().reshape(len(flat), -1)
    lag = peak_of_lag(flat, predictor, outcome, curve["lag"].to_numpy(), values)
    known = np.isfinite(lag)
    effect = np.full(len(flat), np.nan)
    effect[known] = matrix_exponential(flat[known] * lag[known, None, None])[:, outcome, predictor]
    dims, shape = ("chain", "draw"), drift.shape[:2]
    return xr.DataArray(lag.reshape(shape), dims=dims), xr.DataArray(effect.reshape(shape), dims=dims)


def _peak_row(lag: xr.DataArray, effect: xr.DataArray, longest: float) -> dict[str, float]:
    beyond = probability(indicator(lag >= longest * (1 - 1e-9), lag)).value
    effects = median_and_interval(effect, "effect", "effect_")
    return {**median_and_interval(lag, "lag"), **effects, "p_beyond": beyond}


def _who_leads(curves: xr.DataArray, fit: Posterior, between: Between, margin: float) -> tuple[str, ...]:
    measures = fit.spec.measures
    if len(measures) == 2 and between != "observed only":
        return (
            "With two measures the ratio of the two raw cross-lagged effects is the same at every lag, so which of "
            "them is larger does not depend on the lag.",
        )
    inside = curves.sel(lag=curves["lag"] > 0)
    if inside.sizes["lag"] < 2:
        return ()
    sentences = []
    for first, second in combinations(measures, 2):
        forward = abs(inside.sel(path=lagged_path(first, second)))
        difference = forward - abs(inside.sel(path=lagged_path(second, first)))
        highest, lowest = (difference.max("lag", skipna=False), difference.min("lag", skipna=False))
        flips = probability(indicator((highest > margin) & (lowest < -margin), highest))
        if flips.value >= NOTICEABLE:
            sentences.append(
                f"Which of '{first}' and '{second}' leads depends on the lag: with probability {flips}, "
                f"{lagged_path(first, second)} is larger in size by more than {number(margin)} at some lags and "
                "smaller by more than that at others. Read the curves, not one lag."
            )
    return tuple(sentences)


_KNOWN: dict[Between, str] = {
    "continuous": "from the drift, exp(A d)",
    "whole steps": "at whole steps of {step} (matrix powers)",
    "observed only": "at the observed intervals only ({lengths})",
}


def _heading(fit: Posterior, between: Between, group: str | None) -> str:
    lengths = ", ".join(dict.fromkeys(length_labels(fit)))
    base = base_effects(fit) if between == "whole steps" else None
    known = _KNOWN[between].format(step=time_in_words(fit, base[1]) if base else "", lengths=lengths)
    within, sample = within_in_words(fit, fit.spec.measures), sample_in_words(fit, group)
    return f"Lagged effects{within} by lag, {known}, SD per SD with the SDs of the first wave at every lag; {sample}"


class LagCurveArguments(Arguments):
    """Keys of curves over the lag."""

    named_first = ("paths",)
    paths: Paths | None = None
    longest: Length | None = None
    margin: Margin = MARGIN
    group: Group | None = None

    def about(self) -> str:
        """The paths."""
        return f"of {in_words(self.paths or ('all paths between measures',))}"

    def against(self, model: CrossLagged) -> Iterator[str]:
        """Its group and paths."""
        yield from group_problems(model, self.group)
        yield from path_problems(model, self.paths or ())


register(Question.of(lag_curve, LagCurveArguments))
