"""Missing values lower or higher than under missing at random: pattern mixtures by imputation."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import pandas as pd
import xarray as xr
from pydantic import AfterValidator, Field

from ..basics.calls import checked
from ..basics.declared import Certainty, Listed, Margin, Measure, Name
from ..basics.given import entries, is_number, is_one_of, is_whole, shown
from ..basics.names import number, quoted
from ..basics.problems import PanelError, Problems, SpecError
from ..figures.effects import Band, Marker, TippingPanel, tipping_figure
from ..panel import Absence
from ..panel.records import MISSING
from ..posterior.fit import Fit
from ..posterior.settings import check_settings, warm_up
from ..posterior.summaries import interval_name
from ..spec.cross_lagged import CrossLagged
from .answer import Answer, Sampling
from .arguments import (
    CERTAINTY,
    MARGIN,
    PairArguments,
    check_certainty,
    check_margin,
    measure_problems,
    pair_problems,
    some_of,
)
from .delta_adjustment_words import AS_FITTED, assumptions, effects_in_words, heading, verdicts_in_words
from .directionality import directionality, paths_of
from .path_colours import path_colours
from .registry import Question, register
from .shifted_panels import FEWEST, Cells, Refit, cells_of, pooled, refits
from .tipping_points import between_share, probability_along, tipping_points, tipping_sentences

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["delta_adjustment", "name_of_part"]

DELTAS = (0.0, -0.25, -0.5, -0.75, -1.0)
N_PLOTTED = 101
MOST_IMPUTATIONS = 10_000
ABSENCES = ("wave_missing", "item_missing")
SEVERAL_GROUPS = (
    "{what} is of several groups, and values are imputed and effects read in one population. Fit the panel of one "
    "group, panel.of_group(...), by a spec without group_lags."
)


def name_of_part(delta: float) -> str:
    """Name of the part of the answer that is the answer on direction at one delta.

    Examples
    --------
    >>> name_of_part(-0.5)
    'delta -0.5'
    """
    return f"delta {number(delta)}"


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
) -> Answer:
    """How far missing values of a measure must be from their prediction under missing at random to change an answer.

    A fit takes missing values to be missing at random: distributed as the model predicts, given the observed values of
    the same person. Here they deviate from that by a shift, ``y_missing = y_at_random + delta`` [1]_. All missing
    values of the model's measures are drawn jointly, each time at another posterior draw; delta is added to those of
    one measure; the model is fitted again to the completed panel; and `directionality` is asked of the draws of all
    imputations, mixed. The same imputations serve every delta.

    In a model with families or a state, only the values that are shifted are imputed, and the likelihood of each fit
    sums over the others. A measure that is not normal is shifted in its linear predictor, from which values are drawn.

    Parameters
    ----------
    fit
        A fitted cross-lagged model of people.
    first, second
        Two of its measures, whose direction is in question.
    measure
        The measure of the model whose missing values are shifted. One with indicators is shifted in all of them, each
        in its own SDs.
    deltas
        Shifts in the measure's SDs about its wave means, as the model's unit, or in SDs of its linear predictor at the
        first wave; below 0, missing values are lower than predicted under missing at random. Delta 0 is always among
        them.
    absences
        Which of the measure's missing values are shifted: ``"wave_missing"``, ``"item_missing"``, and
        ``"unknown"``, those whose state was not answered. Missing values of other kinds are distributed as the model
        predicts; in a model with a state, so are those of measures that require it wherever the state is not known.
    imputations
        How many times missing values are drawn, at least 2. The error of a probability falls with its square root.
    margin, certainty
        As in `directionality`.
    seed
        Of imputations and fits; the fit's when left open.
    draws, tune, chains, cores
        As in `fit`, for the fit of each completed panel.
    progress
        Whether to show a progress bar; left open, it is shown in a terminal.

    Returns
    -------
    Answer
        ``table``, indexed by ``delta`` (0 first), ``path`` and ``over`` (the average of all intervals of one length):
        ``mean``, ``sd``, ``lower``, ``upper`` of the lagged effect in SD per SD, as in `directionality`;
        ``p_positive``, the probability that it is above 0, with ``p_positive_mcse``, its Monte Carlo error, that
        between imputations included; and ``between_share``, the share of the effect's variance that lies between
        imputations, in [0, 1]. Distrust a probability whose error is not small against its distance to the certainty
        asked for, and ask for more imputations. ``evidence``: that of `directionality` at each delta.

        ``tables["scenarios"]``, indexed by ``delta``, in SDs of the measure: ``raw``, the same in its own unit (of a
        measure with indicators: of the first one); ``imputed_mean``, the mean of the shifted values in that unit, to
        be judged by those who know the measure; and ``verdict``, as in `directionality`.

        ``tables["tipping"]``, indexed by ``path``, ``over`` and ``toward`` ("lower" or "higher" missing values, those
        that were asked): ``sign`` of the effect at delta 0 ("positive", "negative", or "uncertain" where neither is as
        probable as the certainty asked for); ``delta`` at which its probability falls below the certainty, ``raw`` in
        the measure's own unit, NaN where it does not within the range or never was as probable; ``earliest`` and
        ``latest``: the same for a probability two Monte Carlo errors lower and higher.

        ``tables["values"]``: how many missing values were ``shifted``, how many ``imputed`` without a shift, and how
        many ``left``, which are not applicable or of people without any value.

        ``parts``: "as fitted", `directionality` of the fit itself, which delta 0 gives back within Monte Carlo error;
        and "delta -0.5" and so on, over the draws of all imputations, which the coordinate ``imputation`` of their
        chains distinguishes. ``draws``: ``effect``, dims ``(chain, draw, delta, path, length)``.

        After an interruption the answer is that of the imputations that were done at every delta, if these are two or
        more; ``interrupted`` says so.

    Raises
    ------
    SpecError
        If a measure or absence is unknown, a number is invalid, nothing would be shifted, the fit is of several
        groups or imputed panels or has a selection, or the window of a missing value is not known.
    PanelError
        If the panel holds moments alone; all problems at once.

    Notes
    -----
    Imputations are proper: each has its own posterior draw of the parameters. The mixture of m posteriors is the
    posterior under the shifted distribution of missing values, up to the number of imputations. With P_j a
    probability in imputation j, the Monte Carlo error of their mean is ``sd(P_j) / sqrt(m)``. Tipping points are
    interpolated between deltas, linearly in the normal quantile of the probability, or, where few draws are on the
    other side of 0, in the mean divided by the SD.

    References
    ----------
    .. [1] Cro, Morris, Kenward & Carpenter (2020). Sensitivity analysis for clinical trials with missing continuous
       outcome data using controlled multiple imputation: a practical guide. Statistics in Medicine 39, 2815-2842.
       https://doi.org/10.1002/sim.8569
    """
    tune = warm_up(fit.spec, fit.settings.sampler, fit.settings.latent) if tune is None else tune
    sampling: dict[str, Any] = {"draws": draws, "tune": tune, "chains": chains, "cores": cores}
    sampling["seed"] = fit.settings.seed if seed is None else seed
    cells = _checked(fit, (first, second), measure, deltas, absences, imputations, margin, certainty, sampling)
    sampling["cores"] = cores or min(chains, os.cpu_count() or 1)
    settings = replace(fit.settings, **sampling, compile_seconds=0.0, sampling_seconds=0.0)
    ordered = (0.0, *(float(delta) for delta in deltas if delta != 0))
    by_imputation = refits(
        fit, cells, (first, second), ordered, imputations=int(imputations), settings=settings, progress=progress
    )
    assumed = assumptions(fit, cells)
    as_fitted = directionality(fit, first, second, margin=margin, certainty=certainty)
    answers = {}
    for index, delta in enumerate(ordered):
        mixture = pooled(fit, [by_delta[index] for by_delta in by_imputation], settings)
        answer = directionality(mixture, first, second, margin=margin, certainty=certainty)
        answers[delta] = replace(answer, assumptions=assumed)
    unit, n_draws = float(cells.scale[cells.columns[0]]), answers[0.0].n_draws
    table, scenarios = _table(answers), _scenarios(answers, by_imputation, unit)
    tipping = tipping_points(table, certainty, unit, n_draws)
    parts = {name_of_part(delta): answer for delta, answer in answers.items()}
    done = len(by_imputation)
    about_answer, about_measure = heading(fit, cells, done, unit)
    return Answer(
        question="delta_adjustment",
        arguments={
            "between": (first, second),
            "measure": measure,
            "deltas": ordered,
            "absences": tuple(absences),
            "imputations": int(imputations),
            "margin": margin,
            "certainty": certainty,
            **sampling,
        },
        heading=about_answer,
        table=table,
        body=(
            about_measure,
            *effects_in_words(table, scenarios, as_fitted, n_draws),
            *tipping_sentences(table, tipping, certainty, n_draws),
        ),
        evidence=pd.concat([answer.evidence for answer in answers.values()], keys=ordered, names=["delta"]),
        tables={
            "scenarios": scenarios,
            "tipping": tipping,
            "values": pd.DataFrame({"count": cells.counts}).rename_axis("values"),
        },
        draws=xr.concat(
            [answer.draws[["effect"]] for answer in answers.values()], pd.Index(ordered, name="delta"), join="exact"
        ),
        verdict=verdicts_in_words(scenarios["verdict"]),
        reasons=_too_few_imputations(float(table["between_share"].max()), done),
        assumptions=assumed,
        health=Sampling.of({name: answer.health for name, answer in parts.items()}),
        parts={AS_FITTED: as_fitted, **parts},
        interrupted=f"Interrupted after {done} of {imputations} imputations, which were done at every delta."
        if done < imputations
        else "",
        figure=_figure,
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
    sampling: Mapping[str, Any],
) -> Cells:
    problems = Problems("This delta adjustment cannot be computed")
    kind: type[PanelError | SpecError] = SpecError
    if not fit.panel.has_persons and not fit.fits:
        kind = PanelError
        with problems.collecting():
            fit.panel.require_persons("A delta adjustment")
    if fit.fits:
        problems.add(
            f"This fit is of {len(fit.fits)} imputed panels, whose missing values were imputed elsewhere; shift them "
            "there, or fit the panel with its missing values."
        )
    if fit.groups or fit.source.group_of:
        problems.add(SEVERAL_GROUPS.format(what="This fit"))
    problems.found += _spec_problems(fit.spec, pair, measure)
    problems.found += _deltas_problems(deltas)
    named = entries(absences) or ()
    known = bool(named) and all(is_one_of(name, MISSING) for name in named)
    if not known or len(set(named)) < len(named):
        problems.add(f"absences must be a list of some of {quoted(MISSING)}; got {shown(absences)}.")
    if not is_whole(imputations, least=FEWEST):
        problems.add(f"imputations must be a whole number of {FEWEST} or more; got {shown(imputations)}.")
    elif imputations > MOST_IMPUTATIONS:
        problems.add(f"imputations must be at most {MOST_IMPUTATIONS:,}; got {shown(imputations)}. Fifty are enough.")
    check_margin(margin, problems)
    check_certainty(certainty, problems)
    options = {name: value for name, value in (fit.settings.options | dict(sampling)).items() if name != "latent"}
    with problems.collecting():
        check_settings(**options)
    problems.raise_as(kind)
    cells = cells_of(fit, measure, absences)
    problems.found += _cells_problems(cells, absences)
    problems.raise_as(SpecError)
    return cells


def _spec_problems(spec: CrossLagged, pair: tuple[str, str], measure: str) -> Iterator[str]:
    """Reasons why missing values of this measure cannot be shifted in this model."""
    if spec.selection:
        yield (
            "This model has a selection, another model of values that are not missing at random. Fit it without, "
            "selection=()."
        )
    yield from pair_problems(spec, *pair)
    yield from measure_problems(spec, [measure])


def _deltas_problems(deltas: object) -> Iterator[str]:
    listed = entries(deltas)
    if listed is None or not all(map(is_number, listed)):
        yield f"deltas must be a list of finite numbers, in SDs of the measure; got {shown(deltas)}."
    elif len(set(listed)) < len(listed) or not any(listed):
        yield f"deltas must be different numbers, one of them not 0; got {shown(list(listed))}."


def _cells_problems(cells: Cells, absences: Sequence[str]) -> Iterator[str]:
    if not cells.shifted.any():
        every = {**MISSING, "not_applicable": Absence.NOT_APPLICABLE}
        counts = {name: int((cells.kinds[:, :, cells.columns] == code).sum()) for name, code in every.items()}
        absent = ", ".join(f"{count} '{name}'" for name, count in counts.items() if count)
        yield (
            f"No value of '{cells.measure}' is absent as {' or '.join(quoted([name]) for name in absences)}, so there "
            f"is nothing to shift. Absent are: {absent or 'none'}."
        )
    elif cells.n_unknown:
        yield (
            f"Windows or exposures of {cells.n_unknown} missing values of '{cells.measure}' are not known, so that "
            "none can be drawn. Give the family a number, or one for each wave, instead of a column."
        )


def _table(answers: Mapping[float, Answer]) -> pd.DataFrame:
    columns = ["mean", "lower", "upper", "p_positive", "p_positive_mcse"]
    parts = []
    for answer in answers.values():
        overs = list(answer.evidence.index.unique("over"))
        rows = answer.table.loc[answer.table.index.get_level_values("over").isin(overs), columns]
        draws = {
            (path, over): answer.draws["effect"].sel(path=path, drop=True).isel(length=index)
            for path in paths_of(answer)
            for index, over in enumerate(overs)
        }
        rows = rows.assign(between_share=[between_share(draws[key]) for key in rows.index])
        rows.insert(1, "sd", [float(draws[key].std()) for key in rows.index])
        parts.append(rows)
    return pd.concat(parts, keys=list(answers), names=["delta"])


def _scenarios(answers: Mapping[float, Answer], by_imputation: Sequence[Sequence[Refit]], unit: float) -> pd.DataFrame:
    means = [[refit.imputed_mean for refit in by_delta] for by_delta in by_imputation]
    return pd.DataFrame(
        {
            "raw": [delta * unit for delta in answers],  # NaN where linear predictors are shifted
            "imputed_mean": np.mean(means, axis=0),
            "verdict": [answer.verdict for answer in answers.values()],
        },
        index=pd.Index(list(answers), name="delta"),
    )


def _too_few_imputations(largest_share: float, n_imputations: int) -> tuple[str, ...]:
    if n_imputations >= 100 * largest_share:
        return ()
    return (
        f"Up to {100 * largest_share:.0f} % of an effect's variance lies between imputations: with {n_imputations} of "
        f"them probabilities are rough; ask for imputations={10 * np.ceil(10 * largest_share):.0f} or more.",
    )


def _figure(answer: Answer) -> "Figure":
    overs = list(answer.table.index.unique("over"))
    return tipping_figure(
        [_panel(answer, over, over if len(overs) > 1 else "") for over in overs],
        title="What values missing not at random would do to the answer",
        asked=answer.arguments["certainty"],
        x_label=(
            f"delta: missing values of {answer.arguments['measure']} deviate by so many SDs from the prediction under "
            "missing at random"
        ),
        unit="lagged effect, SD per SD",
        probability_label="P(effect > 0), with 2 MC errors",
    )


def _panel(answer: Answer, over: str, title: str) -> TippingPanel:
    table = answer.table.xs(over, level="over").sort_index()
    colours = path_colours(answer)
    effects, probabilities, markers = [], [], []
    for path in paths_of(answer):
        rows = table.xs(path, level="path")
        effects.append(Band.of(f"{path}, {interval_name()}", rows, colour=colours[path]))
        asked = rows.index.to_numpy(float)
        deltas = np.unique(np.concatenate([asked, np.linspace(asked[0], asked[-1], N_PLOTTED)]))
        value, lower, upper = (probability_along(rows, deltas, answer.n_draws, errors) for errors in (0, -2, 2))
        probabilities.append(Band(path, deltas, value, lower, upper, colour=colours[path]))
        tips = answer.tables["tipping"].xs((path, over), level=("path", "over"))["delta"].dropna()
        markers.append([Marker(f"{path} tips at {delta:.2f}", float(delta)) for delta in tips])
    return TippingPanel(title, effects, probabilities, markers)


def _shifts(deltas: tuple[float, ...]) -> tuple[float, ...]:
    if list(_deltas_problems(deltas)):
        raise ValueError("")
    return deltas


class DeltaAdjustmentArguments(PairArguments):
    """Keys of a delta adjustment."""

    named_first: ClassVar[tuple[str, ...]] = ("between", "measure")
    measure: Measure
    deltas: Annotated[
        Listed[float],
        AfterValidator(_shifts),
        Field(description="a list of numbers, in SDs of the measure, one of them not 0"),
    ] = DELTAS
    absences: Annotated[
        Listed[Name],
        some_of(MISSING),
        Field(min_length=1, description=f"a list of {quoted(MISSING)}"),
    ] = ABSENCES
    imputations: Annotated[
        int, Field(ge=FEWEST, le=MOST_IMPUTATIONS, description=f"a whole number of {FEWEST} or more")
    ] = 50
    margin: Margin = MARGIN
    certainty: Certainty = CERTAINTY

    def about(self) -> str:
        """The two measures, and the one that is shifted."""
        return f"{super().about()}, missing values of {self.measure} shifted"


def _against(given: DeltaAdjustmentArguments, spec: CrossLagged) -> Iterator[str]:
    if spec.group_lags is not None:
        yield SEVERAL_GROUPS.format(what="This model")
    yield from _spec_problems(spec, given.between, given.measure)


def _answer(fit: Fit, given: DeltaAdjustmentArguments) -> Answer:
    return delta_adjustment(fit, *given.between, **given.given("between"))


register(Question("delta_adjustment", DeltaAdjustmentArguments, _answer, _against))
