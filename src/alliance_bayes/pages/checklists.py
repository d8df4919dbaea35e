"""Two checklists of reporting, filled from a run: BARG for Bayesian analyses, AGReMA for mediation."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..basics.names import in_words, number
from ..posterior.fit import Fit
from ..questions.answer import Answer
from .of_direction import has_estimates_without_prior
from .wording import priors_of

__all__ = ["CHANGING", "Item", "agrema", "barg"]

AUTHORS = "To be written by the authors."
NOT_ASKED = "Not asked in this run, so that there is nothing to report."
CHANGING = ("robustness", "sensitivity", "delta_adjustment", "compare", "bayes_factors")
"""Questions on what would change an answer."""
NAMES = {"bayes_factors": "Bayes factors", "hypotheses": "probabilities of hypotheses"}
"""Of questions on Bayes factors or probabilities of models or hypotheses; `compare` is about prediction."""


@dataclass(frozen=True)
class Item:
    """One point of a checklist: what it asks, what the run says, and where on the page that stands."""

    point: str
    said: str
    section: str = ""

    @property
    def open(self) -> bool:
        """Whether the authors have to write it."""
        return self.said.startswith(AUTHORS)


def barg(fit: Fit | None, answers: Sequence[Answer]) -> list[Item]:
    """Points of the Bayesian analysis reporting guidelines [1]_.

    References
    ----------
    .. [1] Kruschke (2021). Bayesian analysis reporting guidelines. Nature Human Behaviour 5, 1282-1291.
       https://doi.org/10.1038/s41562-021-01177-7
    """
    asked = {answer.question for answer in answers}
    decisions = [answer for answer in answers if answer.verdict is not None]
    margins = list(dict.fromkeys(number(a.arguments["margin"]) for a in answers if a.arguments.get("margin")))
    prior_checked = sorted(asked & {"robustness", "bayes_factors"})
    beside = (
        "Not asked in this run; the effects without any prior, or with a wide one, stand beside the answer."
        if any(has_estimates_without_prior(part) for answer in answers for part in (answer, *answer.parts.values()))
        else NOT_ASKED
    )
    evidence = [NAMES[answer.question] for answer in answers if answer.question in NAMES]
    items = [
        Item("Preamble A: why Bayesian", AUTHORS),
        Item(
            "Preamble B: goals of the analysis",
            in_words([answer.question.replace("_", " ") for answer in answers]),
            "answer",
        ),
        *(_of_fit(fit) if fit is not None else ()),
        Item("3B: summary of the posterior", "Means and intervals of every quantity in question.", "answer"),
        Item(
            "3C: Bayes factors, model probabilities",
            f"Asked: {in_words(list(dict.fromkeys(evidence)))}." if evidence else "Not asked.",
        ),
        Item("4A: why decisions", AUTHORS if decisions else "No decision was made."),
        Item("4B: loss function", "None: verdicts are thresholds of probability." if decisions else "Not applicable."),
        Item(
            "4C: limits of practical equivalence",
            f"Margin {in_words(margins)} SD per SD." if margins else "None.",
            "answer",
        ),
        Item("4D: threshold of Bayes factors", "No verdict rests on a Bayes factor."),
        Item("4E: estimates beside decisions", "Estimates and probabilities stand beside every verdict.", "answer"),
        Item(
            "5A to 5C: sensitivity to broad, informed and default priors",
            f"Asked: {in_words([name.replace('_', ' ') for name in prior_checked])}." if prior_checked else beside,
            "change" if prior_checked else "answer",
        ),
        Item(
            "5D: sensitivity of Bayes factors and model probabilities",
            "Over widths of the prior." if "bayes_factors" in asked else NOT_ASKED,
            "change" if "bayes_factors" in asked else "",
        ),
        Item(
            "5E: sensitivity of decisions",
            "The margin can be moved on this page." if "directionality" in asked else NOT_ASKED,
            "answer",
        ),
        Item("6A: software and installation", "Versions are listed.", "reproducibility"),
        Item(
            "6B to 6D: script and data",
            "Fingerprints of model and data are listed; sharing them is up to the authors.",
            "reproducibility",
        ),
        Item("6E: runs as posted", AUTHORS),
        Item("6G: figures", "Drawings on this page can be enlarged without loss; each has its numbers."),
    ]
    return sorted(items, key=lambda item: (not item.point.startswith("Preamble"), item.point))


def _of_fit(fit: Fit) -> list[Item]:
    """Points of `barg` on the model, its data and its draws."""
    health = fit.health
    return [
        Item(
            "1A: data variables",
            f"Measures {in_words(fit.spec.measures)}; {fit.n_persons:,} people, {len(fit.panel.times)} waves.",
            "data",
        ),
        Item("1B: likelihood and parameters", f"{str(fit.spec)[0].upper()}{str(fit.spec)[1:]}.", "model"),
        Item(
            "1C: prior distribution",
            "; ".join(f"{name}: {prior}" for name, prior in priors_of(fit).items()) + ". Why these: " + AUTHORS.lower(),
            "text",
        ),
        Item("1D: formal specification", "ab.to_pymc(spec, panel) is the model as a PyMC model.", "reproducibility"),
        Item(
            "1E: prior predictive check",
            "Not done: no data were drawn from the prior. Prior probabilities stand beside posterior ones.",
            "answer",
        ),
        Item("2A: software", "Versions are listed.", "reproducibility"),
        Item(
            "2B: convergence of the chains",
            f"Largest R-hat of any parameter {health.rhat:.4f}, {health.divergences_in_words}.",
            "health",
        ),
        Item(
            "2C: resolution of the chains",
            f"Smallest effective sample size {health.ess_bulk:.0f} (bulk), {health.ess_tail:.0f} (tail).",
            "health",
        ),
        Item("2D: other computations", " ".join(fit.notes), "health"),
        Item(
            "3A: posterior predictive check",
            "Done." if fit.panel.has_persons else "Not done: it needs the values of single people, of one panel.",
            "fit",
        ),
        Item(
            "6F: reproducible draws", f"Seed {fit.settings.seed}; the same versions draw the same.", "reproducibility"
        ),
    ]


def agrema(fit: Fit | None, answer: Answer, answers: Sequence[Answer]) -> list[Item]:
    """Points of the guideline for reporting mediation analyses, in its long form [1]_.

    References
    ----------
    .. [1] Lee, Cashin, Lamb et al. (2021). A guideline for reporting mediation analyses of randomized trials and
       observational studies: the AGReMA statement. JAMA 326, 1045-1056. https://doi.org/10.1001/jama.2021.14075
    """
    given = answer.arguments
    size = "" if fit is None else f"{fit.n_persons:,} people with a value of the model, {len(fit.panel.times)} waves. "
    source = "" if fit is None else f"Data: {fit.panel.source}. "
    roles = "; ".join(
        f"{name} {in_words(value) if isinstance(value, tuple | list) else value}"
        for name in ("treatment", "mediators", "outcome")
        if (value := given.get(name))
    )
    changing = sorted({one.question.replace("_", " ") for one in answers if one.question in CHANGING})
    sensitivity = f"Asked: {in_words(changing)}." if changing else NOT_ASKED
    estimates = "mediation" if answer.question == "mediation" else "answer"
    return [
        Item("1 Title", f"{AUTHORS} It names mediation and the design."),
        Item("2 Abstract", AUTHORS),
        Item("3 Background and rationale", AUTHORS),
        Item("4 Objectives", f"{AUTHORS} Asked in this run: {answer.heading}.", "answer"),
        Item("5 Study registration", f"{AUTHORS} The model file can be registered."),
        Item("6 Study design and source of data", f"{AUTHORS} {source}".strip(), "data"),
        Item("7 Participants", f"Eligibility and recruitment: {AUTHORS.lower()}"),
        Item("8 Sample size", f"{size}Why this size: {AUTHORS.lower()}", "data"),
        Item(
            "9 Effects of interest",
            next((part for part in answer.body if isinstance(part, str)), answer.heading),
            "estimand",
        ),
        Item("10 Assumed causal model", f"{roles}. Why this order: {AUTHORS.lower()}", "model"),
        Item("11 Causal assumptions", f"{len(answer.assumptions)} are listed; none of them is tested.", "assumptions"),
        Item("12 Measurement", f"{AUTHORS} Times and kinds of absence are listed.", "data"),
        Item("13 Measurement levels", "Response families stand in the model, observed ranges in the data.", "data"),
        Item("14 Statistical methods", "A paragraph is given, with priors and missing values.", "text"),
        Item("15 Sensitivity analyses", sensitivity, "change" if changing else ""),
        Item("16 Ethical approval", AUTHORS),
        Item(
            "17 Participants in the results", "Who was observed at each wave; their features by group are not.", "data"
        ),
        Item("18 Outcomes and estimates", "All effects with intervals.", estimates),
        Item("19 Sensitivity parameters", sensitivity, "change" if changing else ""),
        Item("20 Limitations", AUTHORS),
        Item("21 Interpretation", AUTHORS),
        Item("22 Implications", AUTHORS),
        Item("23 Funding and role of sponsor", AUTHORS),
        Item("24 Conflicts of interest and financial disclosures", AUTHORS),
        Item(
            "25 Data and code", "Fingerprints and versions are listed; sharing is up to the authors.", "reproducibility"
        ),
    ]
