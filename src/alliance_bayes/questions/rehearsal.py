"""Questions put to a model on its panel before anything is sampled: refused as they would be afterwards.

A rehearsal is a fit without draws. Questions check their arguments first; the first look at the draws ends it.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NoReturn, cast

from ..basics.names import choices
from ..basics.problems import AllianceBayesError, SpecError
from ..engine.design import design_of
from ..engine.layout import lay_out
from ..engine.model_on_panel import PanelModel, panel_model
from ..posterior.fit import Fit
from ..posterior.health import Health
from ..posterior.sample import Sample
from ..posterior.settings import Settings
from ..spec.cross_lagged import CrossLagged
from .answer import Sampling
from .registry import Arguments, Question

__all__ = ["Rehearsal", "RehearsedError", "refusals"]


class RehearsedError(Exception):
    """A question has checked what it is asked with, and goes on to the draws."""


@dataclass(frozen=True)
class NoDraws:
    """Stands for the draws that are not sampled yet."""

    settings: Settings
    interrupted: str = ""
    incomplete: tuple[str, ...] = ()
    stopped: bool = False

    @property
    def n_draws(self) -> int:
        """As many as will be sampled."""
        return self.settings.draws * self.settings.chains

    def __getattr__(self, name: str) -> NoReturn:
        raise RehearsedError


@dataclass(frozen=True, eq=False, repr=False)
class Rehearsal(Fit):
    """A fit whose draws are not sampled yet."""

    @classmethod
    def of(cls, model: PanelModel, settings: Settings) -> "Rehearsal":
        """The model on its panel, to be sampled so."""
        return cls(model, cast(Sample, NoDraws(settings)))

    @cached_property
    def health(self) -> Health:
        """Nothing is wrong yet."""
        return cast(Health, Sampling(()))

    def of_group(self, group: str) -> "Rehearsal":
        """The model of one group."""
        if group not in self.groups:
            raise SpecError(f"The fit has no group '{group}'{choices(group, self.groups, 'Groups')}")
        spec, panel = replace(self.spec, group_lags=None, equal_across_groups=()), self.panel.of_group(group)
        model = PanelModel(lay_out(spec, design_of(spec, panel)), panel)
        return replace(self, model=model, source=replace(self.source, group_of=self.groups))

    def of_spec(self, spec: CrossLagged) -> "Rehearsal":
        """Another model on the same panel."""
        return replace(self, model=panel_model(spec, self.panel))


def refusals(question: Question[Any, Any], given: Arguments, rehearsal: Rehearsal) -> tuple[str, ...]:
    """Why a question will be refused once the model is fitted; nothing where it will be answered."""
    try:
        (question.rehearse or question.answer)(rehearsal, given)
    except RehearsedError:
        return ()
    except AllianceBayesError as error:
        return error.problems
    return ()
