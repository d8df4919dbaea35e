"""The same model before any prior comes in, and how well it fits: maximum likelihood as a question of a model file."""

from collections.abc import Iterator
from dataclasses import replace

from ..likelihood.maximum_likelihood import StandardErrors, maximum_likelihood
from ..posterior.fit import Fit
from ..spec.cross_lagged import CrossLagged
from .answer import Answer, Sampling
from .arguments import Group, group_problems
from .registry import Arguments, Question, register

__all__ = ["MaximumLikelihoodArguments"]


class MaximumLikelihoodArguments(Arguments):
    """Keys of maximum likelihood; without a group that of all groups."""

    standard_errors: StandardErrors | None = None
    group: Group | None = None

    def against(self, model: CrossLagged) -> Iterator[str]:
        """Its group, and models that have no maximum likelihood."""
        if self.group is not None:
            yield from group_problems(model, self.group)
        if model.is_latent:
            yield "This model has families, a state or a selection, so it has no closed likelihood to maximise."
        if model.indicators and model.invariance == "approximate":
            yield "Approximate invariance is identified by its priors alone, so it has no maximum likelihood."


def _answer(fit: Fit, given: MaximumLikelihoodArguments) -> Answer:
    spec, panel = fit.spec, fit.panel
    if given.group is not None:
        spec, panel = replace(spec, group_lags=None, equal_across_groups=()), panel.of_group(given.group)
    estimated = maximum_likelihood(spec, panel, standard_errors=given.standard_errors)
    heading, *lines = str(estimated).splitlines()
    tables = {"standardized": estimated.summary(), "residuals": estimated.residuals}
    return Answer(
        question="maximum_likelihood",
        arguments=given.given(),
        heading=heading,
        table=estimated.table,
        body=("\n".join(lines),),
        health=Sampling(() if estimated.converged else tuple(estimated.estimates.messages)),
        tables=tables,
        basis=estimated,
        computation="Maximisation",
    )


def _rehearse(fit: Fit, given: MaximumLikelihoodArguments) -> None:
    if given.group is not None:
        fit.of_group(given.group)


register(Question("maximum_likelihood", MaximumLikelihoodArguments, _answer, rehearse=_rehearse))
