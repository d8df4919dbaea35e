"""The same question of direction under other models, time scales, priors and covariates."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from ..basics.calls import checked
from ..basics.given import check_seed
from ..basics.interrupts import held_interrupts
from ..basics.names import in_words, number, quoted
from ..basics.problems import AllianceBayesError, InterruptionError, Problems, SpecError
from ..engine.model_on_panel import Latent
from ..figures.bars import Bar
from ..figures.evidence import forest_figure
from ..panel import Panel
from ..posterior.fitting import PACKAGE, Fit, FitWarning, fit as fit_model, without_interruption_warnings
from ..posterior.settings import Sampler
from ..posterior.summaries import interval_name
from ..spec.cross_lagged import CrossLagged
from ..spec.priors import Normal
from ..spec.responses import BetaBinomial, Count, Days, Family, Items
from ..spec.steps import equal_intervals
from .answer import Answer
from .arguments import CERTAINTY, MARGIN, check_certainty, check_margin, pair_problems
from .directionality import directionality, paths_of
from .dynamics import sample_in_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Robustness", "robustness", "robustness_variants", "sensitivity"]

AS_ASKED = "as asked"
MODELS = ("CLPM", "DPM", "RICLPM")
LAGS = ("equal", "free", "grid", "continuous")
PRIOR_WIDTHS = (0.5, 2.0)
SENSITIVE = 0.05
CROSS_EFFECTS = ("cross_lagged", "cross_drift")
Variant = tuple[CrossLagged, Panel]


@dataclass(frozen=True, eq=False, repr=False)
class Robustness:
    """One question of direction under several models.

    Attributes
    ----------
    table
        Indexed by ``variant`` and ``over`` (the average of all intervals of one length). ``forward`` (first
        -> second) and ``backward``: posterior means of the effects in SD per SD, with the interval's
        ``..._lower`` and ``..._upper``; ``p_first_leads`` and ``p_second_leads``: probability that one is larger
        in size by more than the margin; ``verdict``; ``change``: what differs from the first variant: the
        verdict, a sign where both effects exceed the margin, an effect outside the first variant's interval.
        Effects of models without random intercepts are in SDs of the measures themselves.
    power_scaling
        Of the first variant, indexed by ``quantity``: sensitivity to the prior of cross-lagged effects
        (``cross_lagged_prior``), to all priors (``prior``) and to the data (``likelihood``), by ArviZ; above .05 a
        quantity depends on the part. Empty where the model's prior density is not known.
    answers
        `directionality` of each variant.
    left_out
        Variants that could not be fitted, with the reason.
    sentence
        What changes the answer.
    margin
        Smallest size, and smallest difference in size, that counts.
    heading
        Question and sample.
    interrupted
        One sentence where somebody interrupted it, on how many models were asked; or nothing.
    """

    table: pd.DataFrame
    power_scaling: pd.DataFrame
    answers: Mapping[str, Answer]
    left_out: Mapping[str, str]
    sentence: str
    margin: float
    heading: str
    interrupted: str = ""

    def plot(self) -> "Figure":
        """Draw both effects under each variant, with its verdict."""
        several = len(self.table.index.unique("over")) > 1
        rows = {
            f"{variant}, {over}" if several else str(variant): (
                [Bar(row[side], row[f"{side}_lower"], row[f"{side}_upper"]) for side in ("forward", "backward")],
                str(row["verdict"]),
            )
            for (variant, over), row in self.table.iterrows()
        }
        first = next(iter(self.answers.values()))
        return forest_figure(rows, paths_of(first), unit="lagged effect, SD per SD", band=self.margin)

    def __str__(self) -> str:
        lines = [self.heading, *_table_in_words(self), self.sentence, *_power_scaling_in_words(self)]
        lines += [self.interrupted] if self.interrupted else []
        lines += [f"Not fitted: {name}. {reason}" for name, reason in self.left_out.items()]
        first = next(iter(self.answers.values()))
        lines.append("About prediction; about causes only under these assumptions of the first variant:")
        return "\n".join([*lines, *(f"  {place}. {text}" for place, text in enumerate(first.assumptions, start=1))])

    __repr__ = __str__


@checked()
def robustness_variants(
    spec: CrossLagged,
    panel: Panel,
    *,
    models: Sequence[str] = MODELS,
    lags: Sequence[str] = LAGS,
    prior_widths: Sequence[float] = PRIOR_WIDTHS,
) -> dict[str, Variant]:
    """Return variants of a model that a claim about direction should survive.

    Parameters
    ----------
    spec
        The model as asked; it comes first.
    panel
        The data, the same for all.
    models
        Names of classes of the cross-lagged family.
    lags
        How lagged effects may depend on the interval; "grid" is left out where intervals are equal,
        since it is the same model.
    prior_widths
        Factors on the SD of the prior of cross-lagged effects.

    Returns
    -------
    dict
        Name to spec and panel: other models, other lags, other priors, and without each covariate; each measure of
        another family as normal, where its values are of one size (of one window, one exposure); the state not
        modelled, what requires it being taken as missing; and, without selection, values missing at random. An option
        that a model does not know, or that contradicts another, is no variant; in a CLPM, covariates of the intercepts
        act on every wave alike.

    Raises
    ------
    SpecError
        If a name is no model of the family.

    Examples
    --------
    >>> import numpy as np
    >>> from alliance_bayes import RICLPM, Panel
    >>> panel = Panel.from_arrays(np.random.default_rng(1).normal(size=(9, 3, 2)), measures=["x", "y"], times=[0, 1, 2])
    >>> list(robustness_variants(RICLPM(["x", "y"], lags="equal"), panel, models=["CLPM"], lags=["free"]))
    ['as asked', 'CLPM', 'lags free', 'prior SD x 0.5', 'prior SD x 2']
    """
    family = _family(CrossLagged)
    unknown = [name for name in models if name not in family]
    if unknown:
        raise SpecError(f"models: {quoted(unknown)} is not in the family; choose from {quoted(family)}.")
    found: dict[str, Variant] = {AS_ASKED: (spec, panel)}

    def add(name: str, changed: CrossLagged | None) -> None:
        if changed is not None and changed != spec:
            found[name] = (changed, panel)

    for name in models:
        if family[name] is not type(spec):
            add(name, _converted(spec, family[name]))
    asked = spec.lags_for(panel.times)
    for option in lags:
        if option != asked and not (option == "grid" and asked == "equal" and equal_intervals(panel.times)):
            add(f"lags {option}", _changed(spec, lags=option))
    for factor in prior_widths:
        add(f"prior SD x {number(factor)}", _with_prior_width(spec, factor))
    for name in spec.covariates:
        add(f"without {name}", _without_covariate(spec, name))
    for name, of_family in spec.random_families.items():
        if _of_one_size(of_family):
            others = {other: given for other, given in spec.families.items() if other != name}
            add(f"{name} normal", _changed(spec, families=others))
    if spec.state is not None:
        as_missing = "as_missing" if panel.requires else None
        add(f"{spec.state.name} not modelled", _changed(spec, state=None, nonexistent=as_missing))
    if spec.selection:
        add("missing at random", _changed(spec, selection=()))
    return found


@checked(apart=["seed", "margin", "certainty", "draws", "tune", "chains", "cores", "target_accept"])
def robustness(
    spec: CrossLagged,
    panel: Panel,
    first: str,
    second: str,
    *,
    seed: int,
    variants: Mapping[str, Variant] | None = None,
    margin: float = MARGIN,
    certainty: float = CERTAINTY,
    draws: int = 1000,
    tune: int | None = None,
    chains: int = 4,
    cores: int | None = None,
    target_accept: float = 0.8,
    sampler: Sampler = "nutpie",
    latent: Latent = "integrate",
) -> Robustness:
    """Ask one question of direction under several models, and say what changes the answer.

    Each variant is fitted and asked by `directionality`. For the model as asked the effects' power-scaling
    sensitivity is found too: how much they move when the prior, or the likelihood, is raised to a power
    near 1 [1]_.

    Parameters
    ----------
    spec, panel
        The model and the data as asked.
    first, second
        Two of the measures.
    seed
        Of all fits; each has its own.
    variants
        Name to spec and panel; those of `robustness_variants` when left open. The model as asked is put first.
    margin, certainty
        As in `directionality`.
    draws, tune, chains, cores, target_accept, sampler, latent
        As in `fit`, for each variant; `latent` for those with linear predictors.

    Returns
    -------
    Robustness
        One table, one figure, one sentence.

    Raises
    ------
    SpecError, PanelError
        If the model as asked cannot be fitted or asked. A variant that cannot is listed with its reason.
    InterruptionError
        If it is interrupted while the model as asked is fitted; later, what is done is returned, and said.

    Warns
    -----
    FitWarning
        If it was interrupted.

    References
    ----------
    .. [1] Kallioinen, Paananen, Buerkner & Vehtari (2024). Detecting and diagnosing prior and likelihood
       sensitivity with power-scaling. Statistics and Computing 34, 57. https://doi.org/10.1007/s11222-023-10366-5
    """
    _check(spec, (first, second), seed, margin, certainty)
    chosen = robustness_variants(spec, panel) if variants is None else variants
    models = {AS_ASKED: (spec, panel), **chosen}
    options: dict[str, Any] = {
        "draws": draws,
        "tune": tune,
        "chains": chains,
        "cores": cores,
        "target_accept": target_accept,
        "sampler": sampler,
        "progress": False,
    }
    answers: dict[str, Answer] = {}
    left_out: dict[str, str] = {}
    power_scaling, sample, stopped = pd.DataFrame(), "", False
    with held_interrupts():
        for place, (name, (model, data)) in enumerate(models.items()):
            try:
                with without_interruption_warnings():
                    fitted = fit_model(
                        model, data, seed=seed + place, latent=latent if model.is_latent else "integrate", **options
                    )
                stopped = fitted.stopped
                if fitted.interrupted:
                    break
                answers[name] = directionality(fitted, first, second, margin=margin, certainty=certainty)
                if name == AS_ASKED:
                    sample = sample_in_words(fitted)
                    power_scaling = _power_scaling(fitted, answers[name])
            except (KeyboardInterrupt, InterruptionError):
                stopped = True
            except AllianceBayesError as error:
                if name == AS_ASKED:
                    raise
                left_out[name] = " ".join(error.problems)
            if stopped:
                break
        if not answers:
            raise InterruptionError(
                "Interrupted while the model as asked was fitted, before any other model. Nothing was kept. Run it "
                "again; if it takes too long, use fewer draws or variants."
            )
        interrupted = ""
        if stopped:
            n_done = len(answers) + len(left_out)
            left_out |= {
                name: "Interrupted before it was fitted."
                for name in models
                if name not in answers and name not in left_out
            }
            interrupted = (
                f"Interrupted after {n_done} of {len(models)} models. Run it again for an answer under all of them."
            )
            warnings.warn(interrupted, FitWarning, skip_file_prefixes=(PACKAGE,))
        table = _table(answers, margin)
        return Robustness(
            table=table,
            power_scaling=power_scaling,
            answers=answers,
            left_out=left_out,
            sentence=_sentence(answers, table, margin),
            margin=margin,
            heading=(
                f"Does '{first}' lead '{second}' or the reverse, under {len(answers)} "
                f"variant{'s' * (len(answers) > 1)} of the model? {sample}{' each' * (len(answers) > 1)}"
            ),
            interrupted=interrupted,
        )


def _family(base: type[CrossLagged]) -> dict[str, type[CrossLagged]]:
    found: dict[str, type[CrossLagged]] = {}
    for model in base.__subclasses__():
        found |= {model.__name__: model, **_family(model)}
    return found


def _converted(spec: CrossLagged, model: type[CrossLagged]) -> CrossLagged | None:
    shared = {field.name: getattr(spec, field.name) for field in fields(model) if hasattr(spec, field.name)}
    if model.stable == "none":
        # Without intercepts, a covariate of theirs acts on every wave alike.
        shared["covariates"] = {
            name: list(dict.fromkeys("every_wave" if target == "intercepts" else target for target in targets))
            for name, targets in spec.covariates.items()
        }
    try:
        return model(**shared)
    except SpecError:
        return None


def _changed(spec: CrossLagged, **options: Any) -> CrossLagged | None:
    try:
        return replace(spec, **options)
    except SpecError:
        return None


def _of_one_size(family: Family) -> bool:
    """Whether the measure's own numbers mean the same for every person and wave, as a normal measure's do."""
    match family:
        case Days():
            return isinstance(family.window, int)
        case BetaBinomial():
            return isinstance(family.trials, int)
        case Count():
            return isinstance(family.exposure, int | float)
    return not isinstance(family, Items)


def _with_prior_width(spec: CrossLagged, factor: float) -> CrossLagged | None:
    priors: dict[str, Normal] = {
        name: getattr(spec.priors, name) for name in CROSS_EFFECTS if hasattr(spec.priors, name)
    }
    scaled: Any = {name: Normal(prior.mean, prior.sd * factor) for name, prior in priors.items()}
    try:
        return replace(spec, priors=replace(spec.priors, **scaled))
    except SpecError:
        return None


def _without_covariate(spec: CrossLagged, name: str) -> CrossLagged | None:
    return _changed(
        spec,
        covariates={other: targets for other, targets in spec.covariates.items() if other != name},
        predetermined=tuple(other for other in spec.predetermined if other != name),
        moderated={path: other for path, other in spec.moderated.items() if other != name},
    )


def _check(spec: CrossLagged, pair: tuple[str, str], seed: object, margin: object, certainty: object) -> None:
    """Refuse before anything is sampled what no variant could answer."""
    problems = Problems("Robustness cannot be asked for")
    problems.found += pair_problems(spec, *pair)
    check_seed(seed, problems)
    check_margin(margin, problems)
    check_certainty(certainty, problems)
    problems.raise_as(SpecError)


def _table(answers: Mapping[str, Answer], margin: float) -> pd.DataFrame:
    rows = {}
    for name, answer in answers.items():
        for over in answer.evidence.index.unique("over"):
            row: dict[str, object] = {}
            for side, path in zip(("forward", "backward"), paths_of(answer), strict=True):
                effect = answer.table.loc[(path, over)]
                row |= {
                    side: effect["mean"],
                    f"{side}_lower": effect["lower"],
                    f"{side}_upper": effect["upper"],
                }
            leads = answer.evidence.loc[over, "probability"]
            row["p_first_leads"] = leads[f"{answer.arguments['between'][0]} leads"]
            row["p_second_leads"] = leads[f"{answer.arguments['between'][1]} leads"]
            row["verdict"] = answer.verdict
            rows[name, over] = row
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index = pd.MultiIndex.from_tuples(rows, names=["variant", "over"])
    paths = dict(zip(("forward", "backward"), paths_of(next(iter(answers.values()))), strict=True))
    table["change"] = [_change(table, key, paths, margin) for key in table.index]
    return table


def _change(table: pd.DataFrame, key: tuple[str, str], paths: Mapping[str, str], margin: float) -> str:
    if key[0] == AS_ASKED or (AS_ASKED, key[1]) not in table.index:
        return ""
    row, asked = table.loc[key], table.loc[(AS_ASKED, key[1])]
    found = [] if row["verdict"] == asked["verdict"] else ["verdict"]
    for side, path in paths.items():
        if row[side] * asked[side] < 0 and min(abs(row[side]), abs(asked[side])) > margin:
            found.append(f"sign of {path}")
        elif not asked[f"{side}_lower"] <= row[side] <= asked[f"{side}_upper"]:
            found.append(f"size of {path}")
    return ", ".join(found)


def _sentence(answers: Mapping[str, Answer], table: pd.DataFrame, margin: float) -> str:
    asked = answers[AS_ASKED].verdict
    others = [name for name in answers if name != AS_ASKED]
    if not others:
        return f"The verdict is '{asked}'; no other variant was fitted."
    by_verdict: dict[str, list[str]] = {}
    for name in others:
        if answers[name].verdict != asked:
            by_verdict.setdefault(str(answers[name].verdict), []).append(name)
    first = f"The verdict is '{asked}' as asked"
    if by_verdict:
        changed = "; ".join(f"'{verdict}' under {in_words(names)}" for verdict, names in by_verdict.items())
        first += f", but {changed}."
    else:
        first += f" and under every variant ({len(others)})."
    unhealthy = [name for name in answers if not answers[name].health.healthy]
    sick = f" The draws cannot be trusted of {in_words(unhealthy)}." if unhealthy else ""
    signs: dict[str, list[str]] = {}
    for (name, _), change in table["change"].items():
        for part in change.split(", "):
            if part and part != "verdict" and name not in signs.setdefault(part, []):
                signs[part].append(str(name))
    moved = "; ".join(f"the {part} changes under {in_words(names)}" for part, names in signs.items() if names)
    rest = (
        f" {moved[0].upper()}{moved[1:]}."
        if moved
        else (f" No effect beyond {number(margin)} changes its sign or leaves the interval it has as asked.")
    )
    return first + rest + sick


def sensitivity(
    quantities: Mapping[str, xr.DataArray], log_part: xr.DataArray, kind: Literal["prior", "likelihood"]
) -> dict[str, float]:
    """How far the distribution of each quantity moves per doubling of the power of a part of the posterior.

    Parameters
    ----------
    quantities
        Draws, dims ``(chain, draw)``.
    log_part
        Log density of the part at the same draws.
    kind
        What the part is.
    """
    import arviz_stats

    tree = xr.DataTree.from_dict({"/posterior": xr.Dataset(quantities), f"/log_{kind}": xr.Dataset({"part": log_part})})
    found = arviz_stats.psense(tree, group=kind)
    return {name: float(found[name]) for name in quantities}


def _power_scaling(fitted: Fit, answer: Answer) -> pd.DataFrame:
    from ..pymc_models.densities import NotTabularError, log_density_of

    try:
        target = log_density_of(fitted.model)
    except NotTabularError:
        return pd.DataFrame()
    quantities: dict[str, xr.DataArray] = {}
    for length in answer.draws["length"].to_numpy():
        forward, backward = (
            answer.draws["effect"].sel(length=length, path=path, drop=True) for path in paths_of(answer)
        )
        suffix = f", over {length}" if answer.draws.sizes["length"] > 1 else ""
        quantities |= {f"{paths_of(answer)[0]}{suffix}": forward, f"{paths_of(answer)[1]}{suffix}": backward}
        quantities[f"difference in size{suffix}"] = abs(forward) - abs(backward)
    priors, likelihood = target.parts(target.points(fitted.posterior))
    like = next(iter(quantities.values()))

    def part(*parts: np.ndarray) -> xr.DataArray:
        return like.copy(data=np.sum(parts, axis=0).reshape(like.shape))

    found = {
        "cross_lagged_prior": sensitivity(
            quantities, part(*(priors[x] for x in CROSS_EFFECTS if x in priors)), "prior"
        ),
        "prior": sensitivity(quantities, part(*priors.values()), "prior"),
        "likelihood": sensitivity(quantities, part(likelihood), "likelihood"),
    }
    return pd.DataFrame(found).rename_axis("quantity")


def _table_in_words(answer: Robustness) -> list[str]:
    table, first = answer.table, next(iter(answer.answers.values()))
    several = len(table.index.unique("over")) > 1
    labels = [f"{variant}, {over}" if several else str(variant) for variant, over in table.index]
    n_characters = max(map(len, labels))
    heads = "  ".join(f"{path:^24}" for path in paths_of(first))
    one, other = first.arguments["between"]
    lines = [f"{'':{n_characters}}  {heads}  P({one} leads)  P({other} leads)  verdict ({interval_name()})"]
    for label, (_, row) in zip(labels, table.iterrows(), strict=True):
        effects = "  ".join(
            f"{f'{row[side]:.2f} [{row[f"{side}_lower"]:.2f}, {row[f"{side}_upper"]:.2f}]':^24}"
            for side in ("forward", "backward")
        )
        leads = [
            f"{row[name]:{len(measure) + 9}.2f}"
            for name, measure in (
                ("p_first_leads", one),
                ("p_second_leads", other),
            )
        ]
        change = f"  (changes: {row['change']})" if row["change"] else ""
        lines.append(f"{label:{n_characters}}  {effects}  {'  '.join(leads)}  {row['verdict']}{change}")
    return lines


def _power_scaling_in_words(answer: Robustness) -> list[str]:
    if answer.power_scaling.empty:
        return []
    sensitive = answer.power_scaling >= SENSITIVE
    prior = [str(name) for name in sensitive.index if sensitive.loc[name].drop("likelihood").any()]
    weak = [str(name) for name in sensitive.index if not sensitive.loc[name, "likelihood"]]
    found = (
        f"Power-scaling as asked: the priors move {in_words(prior)}"
        if prior
        else ("Power-scaling as asked: no quantity depends much on the priors")
    )
    return [found + (f"; the data hardly move {in_words(weak)}." if weak else ".")]
