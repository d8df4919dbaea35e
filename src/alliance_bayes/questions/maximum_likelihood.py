"""The same model before any prior comes in, and how well it fits: maximum likelihood as a question of a model file."""

from ..panel import Panel
from ..spec.cross_lagged import CrossLagged
from .answer import Answer, Sampling
from .likelihood_arguments import LikelihoodArguments, question_about_estimates
from .registry import register

__all__: list[str] = []


def _answer(spec: CrossLagged, panel: Panel, given: LikelihoodArguments) -> Answer:
    estimated = given.estimated(spec, panel)
    return Answer(
        question="maximum_likelihood",
        arguments={},
        heading=estimated.heading,
        table=estimated.table,
        body=estimated.body,
        health=Sampling(() if estimated.converged else tuple(estimated.estimates.messages)),
        tables={"standardized": estimated.summary(), "residuals": estimated.residuals},
        basis=estimated,
        computation="Maximisation",
    )


register(question_about_estimates("maximum_likelihood", LikelihoodArguments, _answer))
