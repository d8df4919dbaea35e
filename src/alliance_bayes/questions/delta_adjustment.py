"""What if the values that nobody saw were lower, or higher, than the model believes: pattern mixtures by imputation."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import ndtr, ndtri

from ..basics.calls import checked
from ..basics.given import entries, is_number, is_one_of, is_whole, shown
from ..basics.names import choices, in_words, number, quoted
from ..basics.problems import PanelError, Problems, SpecError
from ..figures.effects import Band, Marker, TippingPanel, tipping_figure
from ..panel import Absence
from ..panel.records import MISSING
from ..posterior.fitting import Fit, check_settings, warm_up
from ..posterior.imputations import FitOfImputations
from ..posterior.summaries import Probability, interval_name
from ..spec.cross_lagged import MISSING_AT_RANDOM
from .answer import Answer
from .arguments import CERTAINTY, MARGIN, check_certainty, check_margin, pair_problems
from .directionality import directionality, paths_of
from .shifted_panels import FEWEST, Cells, cells_of, pooled, refits

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DeltaAdjustment", "delta_adjustment"]

DELTAS = (0.0, -0.25, -0.5, -0.75, -1.0)
FEW = 10
N_PLOTTED = 101
MOST_IMPUTATIONS = 10_000
ABSENCES = ("not_interviewed", "unanswered")
IN_WORDS = {
    "not_interviewed": "at interviews that did not take place",
    "unanswered": "of unanswered questions",
    "unknown": "of which nobody knows whether they exist",
}


@dataclass(frozen=True, eq=False, repr=False)
class DeltaAdjustment:
    """One question of direction, for missing values that are lower or higher than the model believes.

    Attributes
    ----------
    measure
        Whose missing values are shifted.
    table
        Indexed by ``delta`` (0 first), ``path`` and ``over`` (the average of all intervals of one length): ``mean``,
        ``sd``, ``lower``, ``upper`` of the lagged effect in SD per SD, as in `directionality`; ``p_positive``, the
        probability that it is above 0, with ``p_positive_mcse``, its Monte Carlo error, that between imputations
        included; and ``between_share``, the share of the effect's variance that lies between imputations, in [0, 1].
        Distrust a probability whose error is not small against its distance to the certainty asked for, and ask for
        more imputations.
    scenarios
        Indexed by ``delta``, in SDs of the measure: ``raw``, the same in its own unit (of a measure with indicators:
        of the first one); ``imputed_mean``, the mean of the shifted values in that unit, to be judged by those who
        know the measure; and ``verdict``, as in `directionality`.
    tipping
        Indexed by ``path``, ``over`` and ``toward`` ("lower" or "higher" missing values, those that were asked):
        ``sign`` of the effect at delta 0 ("positive", "negative", or "uncertain" where neither is as probable as the
        certainty asked for); ``delta`` at which its probability falls below the certainty, ``raw`` in the measure's
        own unit, NaN where it does not within the range or never was as probable; ``earliest`` and ``latest``: the
        same for a probability two Monte Carlo errors lower and higher.
    answers
        `directionality` at each delta, over the draws of all imputations, which the coordinate ``imputation`` of
        their chains tells apart.
    as_fitted
        `directionality` of the fit itself, which delta 0 gives back within Monte Carlo error.
    counts
        Values by what happened to them: ``shifted`` and ``imputed``, the latter filled in as the model believes,
        and ``left``, which do not exist or are of people without any value and stay absent.
    n_imputations
        Imputations that the answer rests on, fewer than asked for after an interruption.
    sentences
        Where the answer tips, in words.
    assumptions
        What these numbers rest on.
    certainty
        Probability that a sign or a verdict needs.
    heading
        What was shifted, of how many people.
    """

    measure: str
    table: pd.DataFrame
    scenarios: pd.DataFrame
    tipping: pd.DataFrame
    answers: Mapping[float, Answer]
    as_fitted: Answer
    counts: Mapping[str, int]
    n_imputations: int
    sentences: tuple[str, ...]
    assumptions: tuple[str, ...]
    certainty: float
    heading: str

    @property
    def verdicts(self) -> Mapping[float, str]:
        """Verdict at each delta."""
        return {delta: str(answer.verdict) for delta, answer in self.answers.items()}

    def plot(self) -> "Figure":
        """Draw both effects, and the probability that each is positive, along delta."""
        overs = list(self.table.index.unique("over"))
        return tipping_figure(
            [self._panel(over, over if len(overs) > 1 else "") for over in overs],
            asked=self.certainty,
            x_label=f"delta: missing values of {self.measure} lie so many SDs from what the model believes",
            unit="lagged effect, SD per SD",
            probability_label="P(effect > 0), with 2 MC errors",
        )

    def _panel(self, over: str, title: str) -> TippingPanel:
        table = self.table.xs(over, level="over").sort_index()
        effects, probabilities, markers = [], [], []
        for path in paths_of(self.as_fitted):
            rows = table.xs(path, level="path")
            deltas = rows.index.to_numpy(float)
            columns = (rows[name].to_numpy() for name in ("mean", "lower", "upper"))
            effects.append(Band(f"{path}, {interval_name()}", deltas, *columns))
            between = np.unique(np.concatenate([deltas, np.linspace(deltas[0], deltas[-1], N_PLOTTED)]))
            curves = (
                ndtr(np.interp(between, deltas, _quantiles(rows, errors, self.answers[0.0].n_draws)))
                for errors in (0, -2, 2)
            )
            probabilities.append(Band(path, between, *curves))
            places = self.tipping.xs((path, over), level=("path", "over"))["delta"].dropna()
            markers.append([Marker(f"{path} tips at {place:.2f}", float(place)) for place in places])
        return TippingPanel(title, effects, probabilities, markers)

    def __str__(self) -> str:
        numbered = [f"  {place}. {sentence}" for place, sentence in enumerate(self.assumptions, start=1)]
        healths = {delta: answer.health for delta, answer in self.answers.items() if not answer.health.healthy}
        sick = [f"At delta {_shown(delta)}: {' '.join(health.problems)}" for delta, health in healths.items()]
        return "\n".join(
            [
                self.heading,
                *_table_in_words(self),
                *self.sentences,
                f"Sampling: {'PROBLEMS' if sick else 'no problems'}.",
                *sick,
                "About prediction; about causes only under these assumptions:",
                *numbered,
            ]
        )

    __repr__ = __str__


@checked(apart=["deltas", "absences", "imputations", "margin", "certainty", "seed", "draws", "tune", "chains", "cores"])
def delta_adjustment(
    fit: Fit,
    first: str,
    second: str,
    *,
    measure: str,
    deltas: Sequence[float] = DELTAS,
    absences: Sequence[str] = ABSENCES,
    imputations: int = 50,
    margin: float = MARGIN,
    certainty: float = CERTAINTY,
    seed: int | None = None,
    draws: int = 300,
    tune: int | None = None,
    chains: int = 2,
    cores: int | None = None,
    progress: bool | None = None,
) -> DeltaAdjustment:
    """How far from what the model believes the missing values of a measure must be to change an answer on direction.

    A fit takes missing values to be missing at random: distributed as the model says, given what was observed of the
    same person. Here they are so but for a shift, ``y_missing = y_at_random + delta`` [1]_. All missing values of the
    model's measures are drawn jointly, each time at another posterior draw; delta is added to those of one measure;
    the model is fitted again to the completed panel; and the draws of all imputations, mixed, are asked by
    `directionality`. The same imputations serve every delta.

    Of a model with families or a state, only the values that are shifted are filled in, and the likelihood of each fit
    sums over the rest. A measure that is not normal is shifted in its linear predictor, from which values are drawn.

    Parameters
    ----------
    fit
        A fitted cross-lagged model of people.
    first, second
        Two of its measures, whose direction is in question.
    measure
        The measure whose missing values are shifted; any of the model. One with indicators is shifted in all of
        them, each in its own SDs.
    deltas
        Shifts in the measure's SDs about its wave means, as the model's unit, or in SDs of its linear predictor at the
        first wave; below 0, missing values are lower than the model believes. Delta 0 is always among them.
    absences
        Which of the measure's missing values are shifted: ``"not_interviewed"``, ``"unanswered"``, and
        ``"unknown"``, those whose state was not answered. Missing values of other kinds are distributed as the model
        believes; in a model with a state, so are those of what requires it wherever the state is not known.
    imputations
        How many times missing values are drawn, at least 2. The error of a probability falls with the root of it.
    margin, certainty
        As in `directionality`.
    seed
        Of imputations and fits; the fit's when left open.
    draws, tune, chains, cores
        As in `fit`, for the fit of each completed panel; so many warm-up draws as there when left open.
    progress
        Whether to show a progress bar; left open, it is shown in a terminal.

    Returns
    -------
    DeltaAdjustment
        A table over the deltas, tipping points, one text and one figure. After an interruption it rests on the
        imputations that were done at every delta, if these are two or more.

    Raises
    ------
    SpecError
        If a measure or absence is unknown, a number makes no sense, nothing would be shifted, the fit is of several
        groups or imputed panels or has a selection, or the window of a missing value is not known.
    PanelError
        If the panel holds moments alone; all problems at once.

    Notes
    -----
    Imputations are proper: each has its own posterior draw of the parameters. The mixture of m posteriors is the
    posterior under the shifted distribution of missing values, up to the number of imputations. With P_j a
    probability in imputation j, the Monte Carlo error of their mean is ``sd(P_j) / sqrt(m)``. Tipping points are
    interpolated between deltas, linearly in the normal quantile of the probability, or, where hardly a draw is on the
    other side of 0, in the mean by the SD.

    References
    ----------
    .. [1] Cro, Morris, Kenward & Carpenter (2020). Sensitivity analysis for clinical trials with missing continuous
       outcome data using controlled multiple imputation: a practical guide. Statistics in Medicine 39, 2815-2842.
       https://doi.org/10.1002/sim.8569
    """
    tune = warm_up(fit.spec, fit.settings.sampler, fit.settings.latent) if tune is None else tune
    asked: dict[str, Any] = {"draws": draws, "tune": tune, "chains": chains, "cores": cores}
    asked["seed"] = fit.settings.seed if seed is None else seed
    cells = _checked(fit, (first, second), measure, deltas, absences, imputations, margin, certainty, asked)
    asked["cores"] = cores or min(chains, os.cpu_count() or 1)
    settings = replace(fit.settings, **asked, compile_seconds=0.0, sampling_seconds=0.0)
    ordered = (0.0, *(float(delta) for delta in deltas if delta != 0))
    found = refits(
        fit, cells, (first, second), ordered, imputations=int(imputations), settings=settings, progress=progress
    )
    assumptions = _assumptions(fit, cells)
    answers = {}
    for place, delta in enumerate(ordered):
        mixture = pooled(fit, [each[place] for each in found], settings)
        answer = directionality(mixture, first, second, margin=margin, certainty=certainty)
        answers[delta] = replace(answer, assumptions=assumptions)
    table = _table(answers)
    unit = float(cells.scale[cells.own[0]])
    scenarios = pd.DataFrame(
        {
            "raw": [delta * unit for delta in ordered],  # NaN where linear predictors are shifted
            "imputed_mean": [np.mean([each[place].imputed_mean for each in found]) for place in range(len(ordered))],
            "verdict": [answer.verdict for answer in answers.values()],
        },
        index=pd.Index(ordered, name="delta"),
    )
    tipping = _tipping(table, answers[0.0], certainty, unit)
    return DeltaAdjustment(
        measure=measure,
        table=table,
        scenarios=scenarios,
        tipping=tipping,
        answers=answers,
        as_fitted=directionality(fit, first, second, margin=margin, certainty=certainty),
        counts=cells.counts,
        n_imputations=len(found),
        sentences=_sentences(table, scenarios, tipping, answers[0.0], certainty),
        assumptions=assumptions,
        certainty=certainty,
        heading=_heading(fit, cells, len(found), unit),
    )


def _checked(
    fit: Fit,
    pair: tuple[str, str],
    measure: str,
    deltas: Sequence[float],
    absences: Sequence[str],
    imputations: int,
    margin: float,
    certainty: float,
    asked: Mapping[str, Any],
) -> Cells:
    problems = Problems("This delta adjustment cannot be computed")
    kind: type[PanelError | SpecError] = SpecError
    if not fit.panel.has_persons and not isinstance(fit, FitOfImputations):
        kind = PanelError
        with problems.collecting():
            fit.panel.require_persons("A delta adjustment")
    if isinstance(fit, FitOfImputations):
        problems.add(
            f"This fit is of {len(fit.fits)} imputed panels, whose missing values were filled in elsewhere; shift them "
            "there, or fit the panel with its missing values."
        )
    if fit.groups or fit.whole is not None:
        problems.add(
            "This fit is of several groups, and values are imputed and effects read in one population. Fit the panel "
            "of one group, panel.of_group(...), by a spec without group_lags."
        )
    if fit.spec.selection:
        problems.add(
            "This model has a selection, which is another answer to the same question. Fit it without, selection=()."
        )
    problems.found += pair_problems(fit.spec, *pair)
    if measure not in fit.spec.measures:
        problems.add(f"measure: the model has no '{measure}'{choices(str(measure), fit.spec.measures, 'Measures')}")
    _check_deltas(deltas, problems)
    named = entries(absences) or ()
    known = bool(named) and all(is_one_of(each, MISSING) for each in named)
    if not known or len(set(named)) < len(named):
        problems.add(f"absences must be a list of some of {quoted(MISSING)}; got {shown(absences)}.")
    if not is_whole(imputations, least=FEWEST):
        problems.add(f"imputations must be a whole number of {FEWEST} or more; got {shown(imputations)}.")
    elif imputations > MOST_IMPUTATIONS:
        problems.add(f"imputations must be at most {MOST_IMPUTATIONS:,}; got {shown(imputations)}. Fifty are enough.")
    check_margin(margin, problems)
    check_certainty(certainty, problems)
    with problems.collecting():
        check_settings(
            **{name: value for name, value in (fit.settings.options | dict(asked)).items() if name != "latent"}
        )
    problems.raise_as(kind)
    cells = cells_of(fit, measure, absences)
    if not cells.shifted.any():
        problems.add(_nothing_shifted(absences, cells))
    elif cells.n_unknown:
        problems.add(
            f"Windows or exposures of {cells.n_unknown} missing values of '{measure}' are not known, so that none can "
            "be drawn. Give the family a number, or one for each wave, instead of a column."
        )
    problems.raise_as(SpecError)
    return cells


def _check_deltas(deltas: Sequence[float], problems: Problems) -> None:
    listed = entries(deltas)
    if listed is None or not all(map(is_number, listed)):
        problems.add(f"deltas must be a list of finite numbers, in SDs of the measure; got {shown(deltas)}.")
    elif len(set(listed)) < len(listed) or not any(listed):
        problems.add(f"deltas must be different numbers, one of them not 0; got {shown(list(listed))}.")


def _nothing_shifted(absences: Sequence[str], cells: Cells) -> str:
    every = {**MISSING, "does_not_exist": Absence.DOES_NOT_EXIST}
    counts = {name: int((cells.kinds[:, :, cells.own] == code).sum()) for name, code in every.items()}
    found = ", ".join(f"{count} '{name}'" for name, count in counts.items() if count)
    return (
        f"No value of '{cells.measure}' is absent as {' or '.join(quoted([name]) for name in absences)}, so there is "
        f"nothing to shift. Absent are: {found or 'none'}."
    )


def _table(answers: Mapping[float, Answer]) -> pd.DataFrame:
    columns = ["mean", "lower", "upper", "p_positive", "p_positive_mcse"]
    parts = []
    for answer in answers.values():
        overs = list(answer.evidence.index.unique("over"))
        rows = answer.table.loc[answer.table.index.get_level_values("over").isin(overs), columns]
        draws = {
            (path, over): answer.draws["effect"].sel(path=path, drop=True).isel(length=place)
            for path in paths_of(answer)
            for place, over in enumerate(overs)
        }
        rows = rows.assign(between_share=[_between_share(draws[key]) for key in rows.index])
        rows.insert(1, "sd", [float(draws[key].std()) for key in rows.index])
        parts.append(rows)
    return pd.concat(parts, keys=list(answers), names=["delta"])


def _between_share(draws: xr.DataArray) -> float:
    """``(1 + 1/m) B / (W + (1 + 1/m) B)``, B the variance of the m means and W the mean variance."""
    by_imputation = draws.groupby("imputation")
    means, within = by_imputation.mean(("chain", "draw")), by_imputation.var(("chain", "draw"), ddof=1)
    between = (1 + 1 / means.size) * float(means.var(ddof=1))
    return between / (between + float(within.mean()))


def _tipping(table: pd.DataFrame, answer: Answer, certainty: float, unit: float) -> pd.DataFrame:
    rows: dict[tuple[str, str, str], dict[str, object]] = {}
    for path in paths_of(answer):
        for over in table.index.unique("over"):
            along = table.xs((path, over), level=("path", "over"))
            sign = _sign(float(along.loc[0.0, "p_positive"]), certainty)
            direction = -1 if sign == "negative" else 1
            for toward, side in (("lower", along.index <= 0), ("higher", along.index >= 0)):
                if side.sum() < 2:
                    continue
                outward = along[side].sort_index(key=np.abs)
                found = {
                    name: np.nan
                    if sign == "uncertain"
                    else _first_below(direction * _quantiles(outward, direction * errors, answer.n_draws), certainty)
                    for name, errors in {"delta": 0, "earliest": -2, "latest": 2}.items()
                }
                rows[path, over, toward] = {"sign": sign, **found, "raw": found["delta"] * unit}
    index = pd.MultiIndex.from_tuples(rows, names=["path", "over", "toward"])
    return pd.DataFrame(list(rows.values()), index=index, columns=["sign", "delta", "raw", "earliest", "latest"])


def _sign(p_positive: float, certainty: float) -> str:
    if p_positive >= certainty:
        return "positive"
    return "negative" if 1 - p_positive >= certainty else "uncertain"


def _quantiles(rows: pd.DataFrame, errors: float, n_draws: int) -> pd.Series:
    """Normal quantiles of the probabilities of a positive effect, so many Monte Carlo errors higher.

    Where hardly a draw is on the other side of 0, the mean in SDs says how far the probability is from 1 or 0.
    """
    chance = np.clip(rows["p_positive"] + errors * rows["p_positive_mcse"], 0.5 / n_draws, 1 - 0.5 / n_draws)
    few = np.minimum(rows["p_positive"], 1 - rows["p_positive"]) * n_draws < FEW
    quantiles = pd.Series(ndtri(chance), index=rows.index)
    return quantiles.mask(few, rows["mean"] / rows["sd"])


def _first_below(quantiles: pd.Series, certainty: float) -> float:
    """Where a probability, given by its quantiles outward from delta 0, first falls below the certainty, or NaN."""
    deltas, left = quantiles.index.to_numpy(float), quantiles.to_numpy() - ndtri(certainty)
    below = np.flatnonzero(left < 0)
    if not below.size:
        return np.nan
    place = int(below[0])
    if place == 0:
        return 0.0
    share = left[place - 1] / (left[place - 1] - left[place])
    return float(deltas[place - 1] + share * (deltas[place] - deltas[place - 1]))


def _sentences(
    table: pd.DataFrame, scenarios: pd.DataFrame, tipping: pd.DataFrame, answer: Answer, certainty: float
) -> tuple[str, ...]:
    several = len(table.index.unique("over")) > 1
    found = []
    for (path, over, toward), row in tipping.iterrows():
        of = f"{path}, {over}" if several else path
        side = [delta for delta in scenarios.index if (delta < 0 if toward == "lower" else delta > 0)]
        farthest = max(side, key=abs)
        if row["sign"] == "uncertain":
            found.append(_never_certain(table, path, over, of, toward, side, certainty, answer.n_draws))
            continue
        event = f"P({path} {'>' if row['sign'] == 'positive' else '<'} 0){f', {over},' if several else ''}"
        if np.isnan(row["delta"]):
            found.append(
                f"{event} stays at {number(certainty)} or above for every delta from 0 to {_shown(farthest)}: no "
                f"tipping point within the range."
            )
            continue
        latest = f"{row['latest']:.2f}" if np.isfinite(row["latest"]) else f"beyond {_shown(farthest)}"
        found.append(
            f"{event} falls below {number(certainty)} at delta {row['delta']:.2f}{_in_units(row['raw'])} (two Monte "
            f"Carlo errors to either side: {row['earliest']:.2f}, {latest})."
        )
    largest, n_imputations = float(table["between_share"].max()), len(np.unique(answer.draws["imputation"]))
    if n_imputations < 100 * largest:
        found.append(
            f"Up to {100 * largest:.0f} % of an effect's variance lies between imputations: with {n_imputations} of "
            f"them probabilities are rough; ask for imputations={10 * np.ceil(10 * largest):.0f} or more."
        )
    return (*found, f"Verdict: {_verdicts_in_words(scenarios['verdict'])}.")


def _in_units(raw: float) -> str:
    return "" if np.isnan(raw) else f", {raw:.3g} in the measure's unit"


def _never_certain(
    table: pd.DataFrame, path: str, over: str, of: str, toward: str, side: Sequence[float], certainty: float, n: int
) -> str:
    along = table.xs((path, over), level=("path", "over"))["p_positive"]
    becomes = [delta for delta in side if _sign(float(along.loc[delta]), certainty) != "uncertain"]
    first = f"The sign of {of} is uncertain at delta 0 (P(effect > 0) = {Probability(float(along.loc[0.0]), 0.0, n)})"
    if not becomes:
        return f"{first} and at every delta with {toward} values."
    deltas = in_words([_shown(delta) for delta in sorted(becomes, key=abs)])
    return f"{first}, but not at delta {deltas}, where it is {_sign(float(along.loc[becomes[0]]), certainty)}."


def _verdicts_in_words(verdicts: pd.Series) -> str:
    if len(set(verdicts)) == 1:
        return f"{verdicts.iloc[0]}, at every delta"
    by_verdict: dict[str, list[str]] = {}
    for delta, verdict in verdicts.items():
        by_verdict.setdefault(str(verdict), []).append(_shown(float(str(delta))))
    return "; ".join(f"{verdict} at delta {in_words(deltas)}" for verdict, deltas in by_verdict.items())


def _assumptions(fit: Fit, cells: Cells) -> tuple[str, ...]:
    panel, spec, measure = fit.panel, fit.spec, cells.measure
    kinds = in_words([IN_WORDS[name] for name in cells.shifted_by_kind])
    found = [
        f"Given all that was observed of a person, missing values of '{measure}' {kinds} are distributed as the model "
        "believes but for delta, which is the same for every person and wave. Nothing that was observed speaks for one "
        "delta or another.",
        "All other missing values, of other measures too, are distributed as the model believes"
        + (", given the shifted ones." if spec.is_latent else "; they do not move with the shifted ones."),
        "Values are imputed by the model as it was fitted, with values missing at random. Fitted again to shifted "
        "values, it agrees with that at delta 0 alone; elsewhere it describes by normal means and covariances what is "
        "a mixture of people seen and not seen.",
        f"Imputed values of '{measure}' are drawn from its family, at linear predictors that are shifted."
        if measure in spec.random_families
        else "Imputed values are normal and are not kept within the range of a measure.",
    ]
    if (cells.kinds == Absence.DOES_NOT_EXIST).any():
        names = [name for name in spec.response_columns if name in panel.requires]
        found.append(
            f"Values of {quoted(names)} that do not exist because a state is off are not missing: they are neither "
            "filled in nor shifted."
        )
    own = [name for name in spec.columns_of(measure) if name in panel.requires]
    if spec.state is not None and spec.needs_state(measure):
        found.append(
            f"Where '{spec.state.name}' is not known, nobody knows whether '{measure}' existed; it is neither filled "
            "in nor shifted there."
        )
    elif own and {"not_interviewed", "unknown"} & set(cells.shifted_by_kind):
        states = quoted(dict.fromkeys(panel.requires[name] for name in own))
        found.append(
            f"Where {states} is not known, nobody knows whether '{measure}' existed; it is filled in and shifted as if "
            "it had."
        )
    if cells.n_unseen:
        people = "one person" if cells.n_unseen == 1 else f"{cells.n_unseen} people"
        found.append(f"Without any value, and left out as in the fit: {people}.")
    return (*found, *(sentence for sentence in spec.assumptions if sentence != MISSING_AT_RANDOM))


def _heading(fit: Fit, cells: Cells, n_imputations: int, unit: float) -> str:
    name = fit.spec.response_columns[cells.own[0]]
    column = fit.panel.require_persons("A delta adjustment")[:, :, fit.panel.measures.index(name)]
    kinds = in_words([f"{count} {name.replace('_', ' ')}" for name, count in cells.shifted_by_kind.items()])
    measure = f"the {len(cells.own)} columns of {cells.measure}" if len(cells.own) > 1 else cells.measure
    unit_in_words = f"of the linear predictor of {cells.measure} at the first wave" if np.isnan(unit) else f"{unit:.4g}"
    others = (
        ""
        if fit.spec.is_latent
        else f" {cells.counts['imputed']} other missing values are filled in as the model believes."
    )
    return (
        f"Lagged effects, SD per SD, if {cells.counts['shifted']} missing values of {measure} ({kinds}) are delta SDs "
        f"from what the model believes; {fit.n_persons} people, {len(fit.panel.times)} waves, "
        f"{n_imputations} imputations\n"
        f"1 SD of {name} is {unit_in_words}; its {int((~np.isnan(column)).sum())} observed values have mean "
        f"{np.nanmean(column):.4g} and lie from {np.nanmin(column):.4g} to {np.nanmax(column):.4g}.{others}"
    )


def _table_in_words(answer: DeltaAdjustment) -> list[str]:
    table, paths = answer.table, paths_of(answer.as_fitted)
    overs = list(table.index.unique("over"))
    heads = "  ".join(f"{path:^38}" for path in paths)
    columns = "  ".join(f"{f'mean {interval_name()}':^19}  {'P(> 0) (MCSE)':^17}" for _ in paths)
    lines = []
    for over in overs:
        lines += [over] if len(overs) > 1 else []
        lines += [f"{'':27}  {heads}".rstrip(), f"{'delta':>9}  {'raw':>6}  {'imputed':>8}  {columns}  verdict"]
        rows = {path: answer.as_fitted.table.loc[(path, over)] for path in paths}
        lines.append(_line("as fitted", "", "", rows, paths, answer.as_fitted))
        for delta, scenario in answer.scenarios.iterrows():
            found, value = answer.answers[float(str(delta))], float(str(delta))
            rows = {path: table.loc[(value, path, over)] for path in paths}
            raw = "" if np.isnan(scenario["raw"]) else f"{scenario['raw']:.3g}"
            cells = (_shown(value), raw, f"{scenario['imputed_mean']:.4g}")
            lines.append(_line(*cells, rows, paths, found))
    return lines


def _shown(delta: float) -> str:
    return f"{delta:.3g}"


def _line(delta: str, raw: str, mean: str, rows: Mapping[str, pd.Series], paths: Sequence[str], answer: Answer) -> str:
    parts = []
    for path in paths:
        row = rows[path]
        chance = Probability(float(row["p_positive"]), float(row["p_positive_mcse"]), answer.n_draws)
        error = f" ({np.ceil(chance.mcse * 1000) / 1000:.3f})" if chance.mcse else ""  # without: all draws agree
        effect = f"{row['mean']:.2f} [{row['lower']:.2f}, {row['upper']:.2f}]"
        parts.append(f"{effect:^19}  {f'{chance}{error}':^17}")
    return f"{delta:>9}  {raw:>6}  {mean:>8}  {'  '.join(parts)}  {answer.verdict}"
