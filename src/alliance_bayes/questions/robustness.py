"""The same question of direction under other models, time scales, priors, covariates and reliabilities."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, get_args

import pandas as pd
from pydantic import Field

from ..basics.calls import checked
from ..basics.declared import Certainty, Listed, Margin, Positive, Text
from ..basics.given import check_seed
from ..basics.interrupts import held_interrupts
from ..basics.names import in_words, lagged_path, number
from ..basics.problems import AllianceBayesError, InterruptionError, Problems, SpecError
from ..basics.text_tables import TextTable
from ..basics.warning import warn
from ..engine.model_on_panel import Latent
from ..figures.bars import Bar
from ..figures.evidence import bars_figure
from ..panel import Panel
from ..posterior.fit import Fit
from ..posterior.interruption import FitWarning, without_interruption_warnings
from ..posterior.sampling import fit as fit_model
from ..posterior.settings import Sampler
from ..spec.cross_lagged import CrossLagged
from ..spec.mapping import KINDS
from ..spec.model_options import Lags
from .answer import Answer, Sampling
from .arguments import (
    CERTAINTY,
    MARGIN,
    Group,
    PairArguments,
    check_certainty,
    check_margin,
    group_problems,
    pair_problems,
    some_of,
)
from .both_effects import effects_in_words, effects_over
from .cells import labels, table_of
from .directionality import SIDES, directionality, paths_of
from .dynamics import sample_in_words
from .model_variants import LAGS, MODELS, ORIGINAL, PRIOR_WIDTHS, Variant, robustness_variants
from .path_colours import path_colours
from .power_scaling import power_scaling_in_words, power_scaling_of
from .registry import Question, register
from .reliability_curve import (
    UNTRUSTED,
    ErrorVariant,
    curve_in_words,
    curve_sentences,
    error_variants,
    impossible,
    reliability_curve,
    reliability_figure,
    reliability_problems,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["robustness"]


Models = Annotated[Listed[Text], some_of(KINDS), Field(description="a list of kinds of models, such as ['clpm']")]
LagOptions = Annotated[Listed[Text], some_of(get_args(Lags)), Field(description="a list of texts, such as ['free']")]
Factors = Annotated[
    Listed[Positive], Field(min_length=1, description="a list of numbers above 0, factors on the SD of the prior")
]


@checked(apart=["seed", "margin", "certainty", "draws", "tune", "chains", "cores", "target_accept", "thin"])
def robustness(
    spec: CrossLagged,
    panel: Panel,
    first: str,
    second: str,
    *,
    seed: int,
    variants: Mapping[str, Variant] | None = None,
    reliability: Sequence[float] = (),
    margin: float = MARGIN,
    certainty: float = CERTAINTY,
    group: str | None = None,
    draws: int = 1000,
    tune: int | None = None,
    chains: int = 4,
    cores: int | None = None,
    target_accept: float | None = None,
    sampler: Sampler = "nutpie",
    latent: Latent = "integrate",
    thin: int = 1,
) -> Answer:
    """Ask one question of direction under several models, and say what changes the answer.

    Each variant is fitted and asked by `directionality`. For the original model the effects' power-scaling
    sensitivity is computed too: how much they move when the prior, or the likelihood, is raised to a power
    near 1 [1]_.

    Parameters
    ----------
    spec, panel
        The original model and its data.
    first, second
        Two of the measures.
    seed
        Of all fits; each has its own.
    variants
        Name to spec and panel; those of `robustness_variants` when left open, and none but the
        original model, which is put first, if it is empty.
    reliability
        Reliabilities to ask at, in (0, 1], such as ``[1, 0.9, 0.8, 0.7, 0.6]``: the model is fitted with each as the
        known reliability of the first measure, of the second and of both (see `RICLPM`), beside all other variants.
        Measures with an error of their own (families, indicators) are left out.
    margin, certainty, group
        As in `directionality`.
    draws, tune, chains, cores, target_accept, sampler, latent, thin
        As in `fit`, for each variant; `latent` for those with linear predictors.

    Returns
    -------
    Answer
        With the verdict of the original model, a sentence on what changes it among the ``reasons``, and:

        ``table``, indexed by ``variant`` and ``over`` (the average of all intervals of one length). ``forward`` (first
        -> second) and ``backward``: posterior means of the effects in SD per SD, with the interval's
        ``..._lower`` and ``..._upper``; ``p_first_leads`` and ``p_second_leads``: probability that one is larger
        in size by more than the margin; ``verdict``; ``change``: what differs from the original model: the
        verdict, a sign where both effects exceed the margin, an effect outside the original model's interval.
        Where the draws cannot be trusted, the verdict is "cannot be trusted", and nothing is compared.
        Effects of models without random intercepts are in SDs of the measures themselves.

        ``tables["power_scaling"]``, of the original model, indexed by ``quantity``: sensitivity to the prior of
        cross-lagged effects (``cross_lagged_prior``), to all priors (``prior``) and to the data (``likelihood``), by
        ArviZ; above .05 a quantity depends on the part. Absent where the model's prior density is not known.

        ``tables["reliability"]``, indexed by ``of`` (a measure, or both) and ``reliability``: columns as above over
        the shortest interval, with ``forward_positive`` and ``backward_positive``, the probability of a positive
        effect, and ``p_first_larger``, that the effect of the first measure is the larger in size, with its Monte Carlo
        error. Where error would be more than the share of the variance that lies
        within persons at reliability 1, the verdict is "impossible" and nothing was fitted. The data hardly inform the
        reliability: read the curve as what the answer would be.

        ``tables["not_fitted"]``: the ``reason`` why a ``variant`` has no answer, where there is one without.

        ``parts``: the answer of `directionality` under each variant.

    Raises
    ------
    SpecError, PanelError
        If the original model cannot be fitted or asked. A variant that cannot is listed with its reason.
    InterruptionError
        If it is interrupted while the original model is fitted; later, what is done is returned with a warning.

    Warns
    -----
    FitWarning
        If it was interrupted.

    References
    ----------
    .. [1] Kallioinen, Paananen, Buerkner & Vehtari (2024). Detecting and diagnosing prior and likelihood
       sensitivity with power-scaling. Statistics and Computing 34, 57. https://doi.org/10.1007/s11222-023-10366-5
    """
    problems = Problems("Robustness cannot be asked for")
    problems.found += [*group_problems(spec, group), *pair_problems(spec, first, second)]
    check_seed(seed, problems)
    check_margin(margin, problems)
    check_certainty(certainty, problems)
    problems.found += reliability_problems(spec, (first, second), reliability)
    problems.raise_as(SpecError)
    chosen = robustness_variants(spec, panel) if variants is None else variants
    with_error = error_variants(spec, (first, second), reliability)
    known = {each.name: (each.spec, panel) for each in with_error if each.spec != spec}
    models = {ORIGINAL: (spec, panel), **chosen, **known}
    options: dict[str, Any] = {
        "draws": draws,
        "tune": tune,
        "chains": chains,
        "cores": cores,
        "target_accept": target_accept,
        "sampler": sampler,
        "thin": thin,
        "progress": False,
    }

    def fitted(name: str) -> Fit:
        model, data = models[name]
        of_model = latent if model.is_latent else "integrate"
        return fit_model(model, data, seed=seed + list(models).index(name), latent=of_model, **options)

    def ask(fit: Fit) -> Answer:
        return directionality(fit, first, second, margin=margin, certainty=certainty, group=group)

    def cannot_be(original: Fit) -> Mapping[str, str]:
        return impossible(original.of_group(group) if group is not None else original, with_error)

    with held_interrupts():
        asked = _ask_all(models, fitted, ask, cannot_be)
        if asked.interrupted:
            warn(asked.interrupted, FitWarning)
        arguments = {
            "between": (first, second),
            "variants": tuple(models),
            "reliability": tuple(reliability),
            "margin": margin,
            "certainty": certainty,
            "group": group,
        }
        return _together(asked, arguments, with_error)


@dataclass(frozen=True, eq=False)
class Asked:
    """Answers by variant, the original model first; why others have none; what was interrupted.

    Sample (in words) and power-scaling are those of the original model; `impossible` holds the reasons why variants
    cannot be.
    """

    answers: Mapping[str, Answer]
    not_fitted: Mapping[str, str]
    sample: str
    power_scaling: pd.DataFrame
    interrupted: str
    impossible: Mapping[str, str]


def _ask_all(
    models: Mapping[str, Variant],
    fitted: Callable[[str], Fit],
    ask: Callable[[Fit], Answer],
    cannot_be: Callable[[Fit], Mapping[str, str]],
) -> Asked:
    """Fit one variant after the other, and ask it, until all are done or somebody interrupts."""
    answers: dict[str, Answer] = {}
    not_fitted: dict[str, str] = {}
    power_scaling, sample, stopped, interrupted = pd.DataFrame(), "", False, ""
    excluded: Mapping[str, str] = {}
    for name in models:
        if name in excluded:
            not_fitted[name] = excluded[name]
            continue
        try:
            with without_interruption_warnings():
                fit = fitted(name)
            stopped = fit.stopped
            if fit.interrupted:
                break
            answers[name] = ask(fit)
            if name == ORIGINAL:
                sample = sample_in_words(fit)
                power_scaling = power_scaling_of(fit, answers[name])
                excluded = cannot_be(fit)
        except (KeyboardInterrupt, InterruptionError):
            stopped = True
        except AllianceBayesError as error:
            if name == ORIGINAL:
                raise
            not_fitted[name] = " ".join(error.problems)
        if stopped:
            break
    if not answers:
        raise InterruptionError(
            "Interrupted while the original model was fitted, before any other model. Nothing was kept. Run it "
            "again; if it takes too long, use fewer draws or variants."
        )
    if stopped:
        n_done = len(answers) + len(not_fitted)
        remaining = [name for name in models if name not in answers and name not in not_fitted]
        not_fitted |= dict.fromkeys(remaining, "Interrupted before it was fitted.")
        interrupted = (
            f"Interrupted after {n_done} of {len(models)} models. Run it again for an answer under all of them."
        )
    return Asked(answers, not_fitted, sample, power_scaling, interrupted, excluded)


def _together(asked: Asked, arguments: Mapping[str, Any], with_error: Sequence[ErrorVariant]) -> Answer:
    margin, original, of_curve = arguments["margin"], asked.answers[ORIGINAL], {each.name for each in with_error}
    answers = {name: answer for name, answer in asked.answers.items() if name not in of_curve}
    first, second = arguments["between"]
    table, several = _table(answers, margin), len(answers) > 1
    not_fitted = pd.DataFrame({"reason": asked.not_fitted}).rename_axis("variant")
    names = {each.name: each.name if each.name in arguments["variants"] else ORIGINAL for each in with_error}
    curve = reliability_curve(asked.answers, with_error, names, asked.impossible) if with_error else pd.DataFrame()
    tables = {"power_scaling": asked.power_scaling, "not_fitted": not_fitted, "reliability": curve}
    paths, curve_fitted = paths_of(original), len(asked.answers) > len(answers)
    return Answer(
        question="robustness",
        arguments=arguments,
        heading=(
            f"Does '{first}' lead '{second}' or the reverse, under {len(answers)} variant{'s' * several} of the model? "
            f"{asked.sample}{' each' * several}"
        ),
        table=table,
        body=(
            _table_in_words(table, (first, second)),
            *((curve_in_words(curve, paths),) if with_error else ()),
            *power_scaling_in_words(asked.power_scaling),
            *(f"Not fitted: {name}. {reason}" for name, reason in asked.not_fitted.items()),
        ),
        health=Sampling.of({name: answer.health for name, answer in asked.answers.items()}),
        tables={name: part for name, part in tables.items() if not part.empty},
        verdict=original.verdict,
        reasons=(
            _sentence(answers, table, margin, of_curve=curve_fitted),
            *(curve_sentences(curve, original) if with_error else ()),
        ),
        assumptions=original.assumptions,
        before_assumptions="About prediction; about causes only under these assumptions of the original model:",
        parts=asked.answers,
        interrupted=asked.interrupted,
        figure=_figure,
    )


def _figure(answer: Answer) -> "Figure":
    """Both effects under each variant, with its verdict; or by reliability, where that was asked for."""
    colours = path_colours(answer.parts[ORIGINAL])
    if "reliability" in answer.tables:
        return reliability_figure(answer.tables["reliability"], colours, answer.arguments["certainty"])
    rows = {
        label: [Bar(row[side], row[f"{side}_lower"], row[f"{side}_upper"]) for side in SIDES]
        for label, (_, row) in zip(labels(answer.table), answer.table.iterrows(), strict=True)
    }
    return bars_figure(
        rows,
        title="The same question under other models",
        unit="lagged effect, SD per SD",
        band=answer.arguments["margin"],
        series=paths_of(answer.parts[ORIGINAL]),
        colours=colours,
        notes=list(answer.table["verdict"]),
    )


def _table(answers: Mapping[str, Answer], margin: float) -> pd.DataFrame:
    rows = {}
    for name, answer in answers.items():
        for over in answer.evidence.index.unique("over"):
            leads = answer.evidence.loc[over, "probability"]
            first, second = (leads[f"{measure} leads"] for measure in answer.arguments["between"])
            verdict = answer.verdict if answer.health.healthy else UNTRUSTED
            effects = effects_over(answer, paths_of(answer), over)
            rows[name, over] = effects | {"p_first_leads": first, "p_second_leads": second, "verdict": verdict}
    table = table_of(rows, "variant", "over")
    paths = dict(zip(SIDES, paths_of(next(iter(answers.values()))), strict=True))
    table["change"] = [_change(table, key, paths, margin) for key in table.index]
    return table


def _change(table: pd.DataFrame, key: tuple[str, str], paths: Mapping[str, str], margin: float) -> str:
    if key[0] == ORIGINAL or (ORIGINAL, key[1]) not in table.index:
        return ""
    row, asked = table.loc[key], table.loc[(ORIGINAL, key[1])]
    if UNTRUSTED in (row["verdict"], asked["verdict"]):
        return ""
    changes = [] if row["verdict"] == asked["verdict"] else ["verdict"]
    for side, path in paths.items():
        if row[side] * asked[side] < 0 and min(abs(row[side]), abs(asked[side])) > margin:
            changes.append(f"sign of {path}")
        elif not asked[f"{side}_lower"] <= row[side] <= asked[f"{side}_upper"]:
            changes.append(f"size of {path}")
    return ", ".join(changes)


def _sentence(answers: Mapping[str, Answer], table: pd.DataFrame, margin: float, *, of_curve: bool = False) -> str:
    """What changes the verdict; whether models of a curve over the reliability were fitted, which it does not hold."""
    asked = answers[ORIGINAL].verdict
    if len(answers) == 1:
        return (
            f"The verdict is '{asked}'{' under the original model' if of_curve else '; no other variant was fitted'}."
        )
    unhealthy = [name for name in answers if not answers[name].health.healthy]
    doubt = f" The draws of {in_words(unhealthy)} cannot be trusted." if unhealthy else ""
    if ORIGINAL in unhealthy:
        return f"Nothing can be compared with the original model.{doubt}"
    others = [name for name in answers if name != ORIGINAL and name not in unhealthy]
    if not others:
        return f"The verdict is '{asked}'; no other variant can be compared.{doubt}"
    by_verdict: dict[str, list[str]] = {}
    for name in others:
        if answers[name].verdict != asked:
            by_verdict.setdefault(str(answers[name].verdict), []).append(name)
    first = f"The verdict is '{asked}' under the original model"
    changed = "; ".join(f"'{verdict}' under {in_words(names)}" for verdict, names in by_verdict.items())
    trusted = " that can be trusted" if unhealthy else ""
    first += f", but {changed}." if changed else f" and under every variant{trusted} ({len(others)})."
    signs: dict[str, list[str]] = {}
    for (name, _), change in table["change"].items():
        for part in change.split(", "):
            if part and part != "verdict" and name not in signs.setdefault(part, []):
                signs[part].append(str(name))
    moved = "; ".join(f"the {part} changes under {in_words(names)}" for part, names in signs.items() if names)
    effects = (
        f"{moved[0].upper()}{moved[1:]}."
        if moved
        else f"No effect beyond {number(margin)} changes its sign or leaves its interval under the original model."
    )
    return f"{first} {effects}{doubt}"


def _table_in_words(table: pd.DataFrame, pair: tuple[str, str]) -> TextTable:
    first, second = pair
    return TextTable.of(
        {
            "": labels(table),
            **effects_in_words(table, (lagged_path(first, second), lagged_path(second, first))),
            f"P({first} leads)": [f"{value:.2f}" for value in table["p_first_leads"]],
            f"P({second} leads)": [f"{value:.2f}" for value in table["p_second_leads"]],
            "verdict": list(table["verdict"]),
            "changes": list(table["change"]),
        },
        left={"verdict", "changes"},
    )


Reliabilities = Annotated[
    Listed[Annotated[float, Field(gt=0, le=1)]],
    Field(description="a list of numbers above 0 and at most 1, such as [1, 0.9, 0.8, 0.7, 0.6]"),
]


class RobustnessArguments(PairArguments):
    """Keys of robustness: the variants of `robustness_variants`, fitted as the model was."""

    models: Models = tuple(kind for kind, model in KINDS.items() if model.__name__ in MODELS)
    lags: LagOptions = LAGS
    prior_widths: Factors = PRIOR_WIDTHS
    reliability: Reliabilities = ()
    margin: Margin = MARGIN
    certainty: Certainty = CERTAINTY
    group: Group | None = None

    def against(self, model: CrossLagged) -> Iterator[str]:
        """What a question of direction says against it; and reliabilities of measures that have an error already."""
        yield from super().against(model)
        yield from reliability_problems(model, self.between, self.reliability)

    def put(self, function: Callable[..., Answer], asked: Fit) -> Answer:
        """Under variants of the fitted model, sampled as it was."""
        changes = self.given("between", "reliability", "margin", "certainty", "group")
        if self.models:
            changes["models"] = [KINDS[kind].__name__ for kind in self.models]
        variants = robustness_variants(asked.spec, asked.panel, **changes)
        options = asked.settings.options | self.given("between", "models", "lags", "prior_widths")
        return function(asked.spec, asked.panel, *self.between, variants=variants, **options)


def _rehearse(fit: Fit, given: RobustnessArguments) -> None:
    directionality(fit, *given.between, **given.given("between", "models", "lags", "prior_widths", "reliability"))


register(replace(Question.of(robustness, RobustnessArguments), rehearse=_rehearse))
