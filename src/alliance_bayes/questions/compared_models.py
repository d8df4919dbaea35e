"""Comparisons of models as questions of a file: the file's model beside others that differ in some options."""

from collections.abc import Callable, Iterator

from pydantic import Field

from ..basics.declared import Table
from ..basics.names import in_words
from ..basics.problems import Problems
from ..posterior.fit import Fit
from ..spec.cross_lagged import CrossLagged
from ..spec.mapping import spec_from_mapping, spec_to_mapping
from .answer import Answer
from .arguments import Pair, pair_problems
from .compare import Method, compare, direction_models
from .leave_future_out import Training, leave_future_out
from .registry import Arguments, Question, register
from .rehearsal import Rehearsal
from .scores import refitted

__all__ = ["CompareArguments", "LeaveFutureOutArguments"]

ORIGINAL = "original model"
MODELS = "a table of models by name, each with the keys of [model] that differ, such as { pooled = { kind = 'clpm' } }"


class CompareArguments(Arguments):
    """Keys of a comparison: models of the direction between two measures, or models that differ in their options."""

    named_first = ("between", "models")
    between: Pair | None = None
    models: dict[str, Table] = Field({}, description=MODELS)
    method: Method = "stacking"
    least_difference: float = Field(4.0, ge=0, description="a number of 0 or more")
    least_errors: float = Field(2.0, ge=0, description="a number of 0 or more")
    most_refits: int = Field(20, ge=0, description="a whole number of 0 or more")

    def about(self) -> str:
        """The models."""
        told = [f"directions between {in_words(self.between)}"] if self.between else []
        return "of " + in_words([*told, *([ORIGINAL] if not told else []), *self.models])

    def variants(self, spec: CrossLagged, problems: Problems) -> dict[str, CrossLagged]:
        """The models by name; the file's own first."""
        found = {ORIGINAL: spec}
        if self.between is not None:
            against = list(pair_problems(spec, *self.between))
            problems.found += against
            if not against:
                found = direction_models(spec, *self.between)
        for name, changes in self.models.items():
            mapping = {**spec_to_mapping(spec), **changes}
            with problems.collecting(f"models '{name}': "):
                found[name] = spec_from_mapping(mapping)
        return found

    def against(self, model: CrossLagged) -> Iterator[str]:
        """Models that cannot be made, or are one alone."""
        problems = Problems("")
        if len(self.variants(model, problems)) < 2 and not problems.found:
            yield "Name models to compare with, in models, or two measures whose directions are compared, in between."
        yield from problems.found

    def put(self, function: Callable[..., Answer], asked: Fit) -> Answer:
        """Every model fitted as the file's was."""
        fits: dict[str, Fit] = {}
        for position, (name, spec) in enumerate(self.variants(asked.spec, Problems("")).items()):
            seed = asked.settings.seed + position
            fits[name] = asked if spec == asked.spec else refitted(asked, asked.panel, seed, spec)
        return function(fits, **self.given("between", "models"))


class LeaveFutureOutArguments(CompareArguments):
    """Keys of a comparison by predictions of later waves."""

    time: float | None = Field(None, description="a number, the time of a wave after the first")
    training: Training = "others"


def _question(function: Callable[..., Answer], arguments: type[CompareArguments]) -> Question[Fit, CompareArguments]:
    def rehearse(fit: Fit, given: CompareArguments) -> None:
        assert isinstance(fit, Rehearsal)
        variants = given.variants(fit.spec, Problems(""))
        function({name: fit.of_spec(spec) for name, spec in variants.items()}, **given.given("between", "models"))

    return Question(function.__name__, arguments, lambda asked, given: given.put(function, asked), rehearse=rehearse)


register(_question(compare, CompareArguments))
register(_question(leave_future_out, LeaveFutureOutArguments))
