"""Questions of a model file, put to a fit."""

from collections.abc import Callable, Sequence
from typing import Any

from ..posterior.fitting import Fit
from ..questions.bayes_factors import bayes_factors
from ..questions.delta_adjustment import delta_adjustment
from ..questions.directionality import directionality
from ..questions.groups import group_contrast
from ..questions.hypotheses import hypotheses
from ..questions.lag_curve import lag_curve
from ..questions.mediation import mediation
from ..questions.robustness import robustness, robustness_variants
from ..spec.mapping import KINDS
from .questions import Question

__all__ = ["Answer", "answer"]

type Answer = Any


def answer(question: Question, fit: Fit) -> Answer:
    """Answer to one question of the model file that was fitted."""
    found: Answer = ASK[question.ask](fit, **question.options)
    return found


def _directionality(fit: Fit, between: Sequence[str], **options: Any) -> Answer:
    return directionality(fit, *between, **options)


def _robustness(
    fit: Fit, between: Sequence[str], *, margin: float | None = None, certainty: float | None = None, **variants: Any
) -> Answer:
    first, second = between
    if "models" in variants:
        variants["models"] = [KINDS[kind].__name__ for kind in variants["models"]]
    asked = {"margin": margin, "certainty": certainty}
    options = fit.settings.options | {name: value for name, value in asked.items() if value is not None}
    chosen = robustness_variants(fit.spec, fit.panel, **variants)
    return robustness(fit.spec, fit.panel, first, second, variants=chosen, **options)


def of_pair(ask: Callable[..., Answer]) -> Callable[..., Answer]:
    def asked(fit: Fit, between: Sequence[str], **options: Any) -> Answer:
        return ask(fit, *between, **options)

    return asked


ASK: dict[str, Callable[..., Answer]] = {
    "directionality": _directionality,
    "mediation": mediation,
    "lag_curve": lag_curve,
    "hypotheses": of_pair(hypotheses),
    "bayes_factors": of_pair(bayes_factors),
    "robustness": _robustness,
    "delta_adjustment": of_pair(delta_adjustment),
    "group_contrast": group_contrast,
}
