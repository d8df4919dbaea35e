"""Questions of maximum likelihood in a model file: which estimates they are about, and of whom."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from ..basics.declared import Name
from ..basics.names import choices
from ..basics.problems import Problems, SpecError
from ..engine.model_on_panel import PanelModel
from ..likelihood.maximum_likelihood import MaximumLikelihood, StandardErrors, maximum_likelihood
from ..panel import Panel
from ..posterior.fit import Fit
from ..spec.cross_lagged import CrossLagged
from .answer import Answer
from .arguments import Group, group_problems
from .registry import Arguments, Question

__all__ = ["LikelihoodArguments", "PlainArguments", "question_about_estimates"]

OF_PANEL: Any = Field(None, description="the name of a covariate of [panel]; of a factor, too, for clusters")


class PlainArguments(Arguments):
    """Keys of any question about maximum likelihood; without a group it is about all groups."""

    group: Group | None = None

    def against(self, model: CrossLagged) -> Iterator[str]:
        """Its group, and models that have no maximum likelihood."""
        if self.group is not None:
            yield from group_problems(model, self.group)
        if model.is_latent:
            yield "This model has families, a state or a selection, so it has no closed likelihood to maximise."
        if model.indicators and model.invariance == "approximate":
            yield "Approximate invariance is identified by its priors alone, so it has no maximum likelihood."

    def population(self, spec: CrossLagged, panel: Panel) -> tuple[CrossLagged, Panel]:
        """The model and the panel that are asked about."""
        if self.group is None:
            return spec, panel
        labels = panel.background.group_labels
        if self.group not in labels:
            raise SpecError(f"The panel has no group '{self.group}'{choices(self.group, labels, 'Groups')}")
        return replace(spec, group_lags=None, equal_across_groups=()), panel.of_group(self.group)

    def estimated(self, spec: CrossLagged, panel: Panel) -> MaximumLikelihood:
        """Maximum likelihood of a model, for the population and with the errors that are asked for."""
        return maximum_likelihood(*self.population(spec, panel))


class LikelihoodArguments(PlainArguments):
    """Keys of maximum likelihood, and of tests whose errors may be robust."""

    standard_errors: StandardErrors | None = None
    cluster: Name | None = OF_PANEL
    weights: Name | None = OF_PANEL

    def estimated(self, spec: CrossLagged, panel: Panel) -> MaximumLikelihood:
        """The same with clusters and weights of the panel."""
        spec, panel = self.population(spec, panel)
        problems = Problems("These clusters or weights are not in the panel")
        cluster, weights = (_of_persons(panel, what, getattr(self, what), problems) for what in ("cluster", "weights"))
        problems.raise_as(SpecError)
        return maximum_likelihood(spec, panel, cluster=cluster, weights=weights, standard_errors=self.standard_errors)


def _of_persons(panel: Panel, what: str, name: str | None, problems: Problems) -> npt.NDArray[Any] | None:
    """A covariate, or the category of a factor, of each person."""
    if name is None:
        return None
    if name in panel.covariates:
        return np.asarray(panel.covariates[name])
    indicators = [values for known, values in panel.covariates.items() if known.startswith(f"{name}_")]
    if indicators and what == "cluster":
        rows = np.column_stack(indicators)
        labels = np.array(["".join(f"{entry:.0f}" for entry in row) for row in rows], dtype=object)
        labels[np.isnan(rows).any(axis=1)] = None
        return labels
    listed = "covariates, or in factor where it holds categories" if what == "cluster" else "covariates"
    problems.add(f"{what} names '{name}', which the panel does not hold. Name its column in {listed}, of [panel].")
    return None


def question_about_estimates[Given: PlainArguments](
    name: str, arguments: type[Given], answer: Callable[[CrossLagged, Panel, Given], Answer]
) -> Question[Fit | PanelModel, Given]:
    """A question that a model on its panel answers, without draws; its rehearsal is its answer."""
    return Question(
        name, arguments, lambda asked, given: replace(answer(asked.spec, asked.panel, given), arguments=given.given()),
        of_model=True,
    )  # fmt: skip
