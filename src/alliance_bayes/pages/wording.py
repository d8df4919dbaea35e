"""Sentences about a run, made of its model, its data and its answers: the summary, and paragraphs to paste."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from importlib.metadata import version

import pandas as pd

from ..basics.names import counted, in_words, number, split_path
from ..panel import Absence
from ..posterior.fit import Fit
from ..posterior.importance import LARGEST_K_HAT
from ..posterior.summaries import Probability, interval_name
from ..questions.answer import Answer
from .of_direction import asked_over, has_estimates_without_prior

__all__ = [
    "estimates_in_words",
    "methods_paragraph",
    "priors_of",
    "results_paragraph",
    "verdict_in_words",
    "without_prior_in_words",
]


def verdict_in_words(answer: Answer) -> str:
    """What the verdict of an answer comes to, in one sentence for any reader."""
    verdict = answer.verdict
    if verdict is None:
        return ""
    if answer.question == "robustness" and answer.parts:  # the verdict is that of the original model, the first
        if not next(iter(answer.parts.values())).health.healthy:
            return "The sampling of the original model is not sound here, so that this answer concludes nothing yet."
    elif not answer.health.healthy:
        return "The sampling is not sound, so that nothing is concluded yet."
    match answer.question:
        case "directionality" | "robustness" if len(pair := _pair(answer)) == 2:
            first, second = pair
            if verdict == "undecided":
                return f"The data do not settle which of {first} and {second} leads the other."
            if verdict == "both":
                return f"Each of {first} and {second} is followed by a change of the other."
            if verdict == "practically none":
                return f"Neither of {first} and {second} is followed by a change of the other that would matter."
            leader = verdict.removesuffix(" leads")
            follower = second if leader == first else first
            return f"{leader} leads {follower}: {follower} follows {leader} more closely than the other way round."
        case "mediation":
            treatment, outcome = answer.arguments["treatment"], answer.arguments["outcome"]
            through = in_words(answer.arguments["mediators"])
            said = {
                "indirect effect positive": "is settled: it is positive",
                "indirect effect negative": "is settled: it is negative",
            }.get(verdict, "is not settled by the data")
            return f"The sign of what runs from {treatment} to {outcome} through {through} {said}."
    return f"Verdict: {verdict}."


def _pair(answer: Answer) -> tuple[str, ...]:
    return tuple(answer.arguments.get("between", ()))


def estimates_in_words(answer: Answer, fit: Fit) -> Iterator[str]:
    """A sentence on each effect in question, in the units of the measures; none where nothing is concluded."""
    if not answer.health.healthy:
        return
    if answer.question == "directionality":
        over = asked_over(answer)
        for path in map(str, answer.draws["path"].to_numpy()):
            predictor, outcome = split_path(path) or (path, path)
            row = answer.table.loc[(path, over)]
            whom = "their own usual level" if fit.spec.random_intercepts else "the mean"
            yield (
                f"For people one unit above {whom} in {_scaled(predictor, fit)}, {_scaled(outcome, fit)} was predicted "
                f"{_change(row, 'raw_')} {_later(over, fit)}."
            )
    elif answer.question == "mediation":
        treatment, outcome = answer.arguments["treatment"], answer.arguments["outcome"]
        for name in ("total", "direct", "indirect"):
            if name in answer.table.index:
                row = answer.table.loc[name]
                yield (
                    f"The {name} effect on {_scaled(outcome, fit)} of one unit of {_scaled(treatment, fit)}: "
                    f"{_change(row, 'raw_')}."
                )


def without_prior_in_words(answer: Answer) -> Iterator[str]:
    """Why an answer on direction does not say what the data say without the prior of the lags, where it does not."""
    if answer.question == "directionality" and not answer.parts and not has_estimates_without_prior(answer):
        yield (
            "What the data say without the prior of the lags cannot be given: the likelihood has no proper "
            "maximum, or cannot be maximised with this model; and the draws cannot be reweighted to a prior SD of 1 "
            f"(Pareto k-hat of the weights not below {number(LARGEST_K_HAT)}, fewer than 100 draws, or a prior of the "
            "lags that is not normal)."
        )


def _scaled(measure: str, fit: Fit) -> str:
    return f"{measure} (on the scale of its linear predictor)" if measure in fit.spec.random_families else measure


def _later(over: str, fit: Fit) -> str:
    length = over.split()[-1]
    return f"{length} {fit.panel.time_unit} later" if fit.panel.time_unit else f"at a lag of {length}"


def _change(row: "pd.Series[float]", before: str) -> str:
    mean, lower, upper = (float(row[f"{before}{name}"]) for name in ("mean", "lower", "upper"))
    return f"{_signed(mean)} ({interval_name()}: {_signed(lower)} to {_signed(upper)})"


def _signed(value: float) -> str:
    size = f"{abs(value):.3g}"
    return size if float(size) == 0 else f"{size} {'higher' if value > 0 else 'lower'}"


def priors_of(fit: Fit) -> dict[str, str]:
    """The priors that this model uses, by parameter, in words."""
    known = {str(name) for name in fit.posterior.data_vars}

    def used(name: str) -> bool:
        return any(name in variable for variable in known)

    chosen = {one.name: getattr(fit.spec.priors, one.name) for one in fields(fit.spec.priors)}
    return {
        name.replace("_", " "): str(prior) for name, prior in chosen.items() if used(name)
    } | fit.spec.priors_of_options


def methods_paragraph(fit: Fit, answers: Sequence[Answer]) -> str:
    """What was done, from the model, the panel and the settings."""
    spec, panel, settings = fit.spec, fit.panel, fit.settings
    unit = f" {panel.time_unit}" if panel.time_unit else ""
    waves = in_words([number(time) for time in panel.times])
    thin = f" ({settings.thin_in_words})" if settings.thin_in_words else ""
    sampler = "its sampler" if settings.sampler == "pymc" else f"nutpie {version('nutpie')}"
    priors = "; ".join(f"{name}: {prior}" for name, prior in priors_of(fit).items())
    sentences = [
        f"We analysed {fit.n_persons:,} people with at least one value at {len(panel.times)} waves ({waves}{unit}).",
        *_left_out(fit),
        *_missing(fit),
        f"We fitted a {spec}.",
        *(_assumed(sentence) for sentence in spec.assumptions if "missing at random" in sentence),
        f"Priors were {priors} (lagged effects in SD per SD).",
        f"The posterior was sampled with alliance-bayes {version('alliance-bayes')} (PyMC {version('pymc')}, "
        f"{sampler}): {settings.chains} chains of {settings.draws:,} draws{thin} after "
        f"{settings.tune:,} warm-up draws, target acceptance {number(settings.target_accept)}, seed {settings.seed}.",
    ]
    if fit.interrupted:
        sentences.append(fit.interrupted)
    for answer in answers:
        sentences += _method_of(answer)
    sentences.append(f"Intervals are {interval_name()}s.")
    return " ".join(dict.fromkeys(sentence.strip() for sentence in sentences))


def _assumed(sentence: str) -> str:
    """An assumption as one, where it stands among what was done."""
    if sentence.startswith(("Values ", "What ", "Where ", "A ")):
        return f"We assumed that {sentence[0].lower()}{sentence[1:]}"
    return f"We assumed: {sentence}"


def _left_out(fit: Fit) -> Iterator[str]:
    """Persons of the data who were not analysed, and why; those whom the panel lacks are of all groups."""
    of = "" if fit.part_of is None else " (of all groups)"
    persons = [part for part in fit.panel.left_out if part.what in ("person", "persons")]
    whom = [(part.count, part.why.partition(";")[0] + of) for part in persons]
    if fit.part_of is None and (unseen := fit.panel.n_persons - fit.n_persons):
        whom.append((unseen, "no value of the measures"))
    if whom:
        said = [f"{counted(count, 'person')} ({why})" for count, why in whom]
        yield f"Not analysed: {in_words(said)}."


def _missing(fit: Fit) -> Iterator[str]:
    if fit.fits:
        yield f"Missing values were imputed {len(fit.fits)} times, and the draws of all imputed panels were combined."
        return
    coverage = fit.panel.coverage()
    names = [name for name in fit.spec.measures if name in set(coverage["measure"])]
    shares = []
    for name in names:
        of_measure = coverage[coverage["measure"] == name]
        applicable = of_measure[[kind.name.lower() for kind in Absence if kind is not Absence.NOT_APPLICABLE]]
        total = applicable.to_numpy().sum()
        shares.append(f"{100 * of_measure['observed'].sum() / max(total, 1):.0f} % of {name}")
    if shares:
        yield f"Of all values that were not known to be inapplicable, {in_words(shares)} were observed."


def _method_of(answer: Answer) -> Iterator[str]:
    given = answer.arguments
    if answer.question == "directionality":
        yield (
            "Direction was assessed by comparing the sizes of the two standardised lagged effects draw by draw, with "
            f"a margin of {number(given['margin'])} SD per SD; a verdict needed a posterior probability of at least "
            f"{number(given['certainty'])}, two Monte Carlo standard errors below its estimate, and sound sampling."
        )
    elif answer.question == "mediation":
        yield (
            f"Mediation of {given['treatment']} by {in_words(given['mediators'])} was computed draw by draw over a "
            f"horizon of {number(given['horizon'])} for a {given['change']} change."
        )
    elif answer.question == "robustness" and answer.parts:
        yield f"The question was asked again under these models: {in_words(list(answer.parts))}."


def results_paragraph(fit: Fit, answers: Sequence[Answer], check: pd.DataFrame | None) -> str:
    """What came out, with the numbers of the answers and of the posterior predictive check, where there is one."""
    sentences, unsaid = list[str](), dict[str, None]()
    for answer in answers:
        parts = answer.parts.values() if answer.question == "directionality" and answer.parts else [answer]
        said = [sentence for part in parts for sentence in _result_of(part)]
        sentences += said
        if not said:
            unsaid[answer.question.replace("_", " ")] = None
    if unsaid:
        sentences.append(f"Also asked, with results on this page and no sentence here: {in_words(list(unsaid))}.")
    sampling = (
        "In the main fit no problem of the sampling was found"
        if fit.health.healthy
        else f"The sampling of the main fit has problems: {' '.join(fit.health.problems).rstrip('.')}"
    )
    health = fit.health
    sentences.append(
        f"{sampling} (largest R-hat {health.rhat:.3f}, smallest effective sample size "
        f"{min(health.ess_bulk, health.ess_tail):.0f}, {health.divergences_in_words})."
    )
    if check is not None:
        misfits = int((check["verdict"] != "").sum())
        of_all = check["p"][check.index.get_level_values("statistic") == "chi-square"].dropna()
        overall = "".join(f"posterior predictive p {p:.3f}; " for p in of_all)
        sentences.append(f"Fit: {overall}{misfits} of {len(check)} checked statistics misfit.")
    return " ".join(sentences)


def _result_of(answer: Answer) -> Iterator[str]:
    if answer.question == "directionality":
        for over in answer.evidence.index.unique("over"):
            for path in map(str, answer.draws["path"].to_numpy()):
                row = answer.table.loc[(path, over)]
                positive = Probability(row["p_positive"], 0.0, answer.n_draws)
                prior = Probability(row["p_positive_prior"], 0.0, answer.n_draws)
                yield (
                    f"{path} ({over}): {row['mean']:.2f} SD per SD, {interval_name()} [{row['lower']:.2f}, "
                    f"{row['upper']:.2f}]; probability of being positive {positive} (prior {prior})."
                )
            events = answer.evidence.xs(over, level="over")
            shares = [
                f"{event} {Probability(row['probability'], 0.0, answer.n_draws)}"
                for event, row in events.iterrows()
                if event != "both" or row["signs_settled"]
            ]
            yield f"Posterior probabilities ({over}): {'; '.join(shares)}."
        yield f"Verdict: {answer.verdict}."
    elif answer.question == "mediation":
        for name, row in answer.table.iterrows():
            inside = f"{interval_name()} [{row['lower']:.3f}, {row['upper']:.3f}]"
            yield f"{str(name).capitalize()} effect: {row['mean']:.3f} SD per SD, {inside}."
        yield f"Verdict: {answer.verdict}."
    elif answer.verdict is not None:
        name = answer.question.replace("_", " ")
        yield f"{name.capitalize()}: {answer.verdict}. {' '.join(answer.reasons)}".strip()
