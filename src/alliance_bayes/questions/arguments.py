"""What questions are asked with: measures, paths, margins and certainties, typed and checked in one place."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, Strict

from ..basics.declared import Measures, Text
from ..basics.given import check_number, shown
from ..basics.names import choices, in_words, lagged_path, quoted, split_path
from ..basics.problems import Problems
from ..posterior.posterior import Posterior
from ..spec.cross_lagged import CrossLagged
from .answer import Answer
from .registry import Arguments
from .structure import check_free

__all__ = [
    "CERTAINTY",
    "MARGIN",
    "BetweenArguments",
    "Group",
    "Length",
    "Pair",
    "PairArguments",
    "canonical_path",
    "check_certainty",
    "check_margin",
    "check_pair",
    "chosen_paths",
    "group_problems",
    "measure_problems",
    "pair_problems",
    "pairs_problems",
    "path_problems",
    "population",
    "some_of",
]

MARGIN = 0.03
CERTAINTY = 0.95

Group = Annotated[str, Field(min_length=1, description="the label of a group")]
Length = Annotated[float, Field(gt=0, description="a number above 0, in the panel's unit of time")]
Pair = Annotated[
    tuple[Text, Text], Strict(False), Field(description="a list of two names, such as ['alliance', 'days']")
]


def some_of(words: Iterable[str]) -> AfterValidator:
    """A validator of lists whose entries are some of these words."""
    known = tuple(words)

    def check(given: tuple[str, ...]) -> tuple[str, ...]:
        if not set(given) <= set(known):
            raise ValueError(f"must be a list of {quoted(known)}; got {shown(list(given))}.")
        return given

    return AfterValidator(check)


class BetweenArguments(Arguments):
    """Keys of a question about the direction between two measures or more."""

    named_first: ClassVar[tuple[str, ...]] = ("between",)
    between: Measures

    def about(self) -> str:
        """The measures."""
        return f"between {in_words(self.between)}"

    def against(self, model: CrossLagged) -> Iterator[str]:
        """What its groups and the paths between the measures say against it."""
        if "group" in type(self).model_fields:
            yield from group_problems(model, getattr(self, "group", None))
        yield from pairs_problems(model, self.between)

    def put(self, function: Callable[..., Answer], asked: Any) -> Answer:
        """The measures go first."""
        return function(asked, *self.between, **self.given("between"))


class PairArguments(BetweenArguments):
    """Keys of a question about the direction between two measures."""

    between: Pair


def check_margin(margin: object, problems: Problems) -> None:
    """Note an invalid margin."""
    check_number("margin", margin, problems, above=0, below=1, unit=", in SD per SD")


def check_certainty(certainty: object, problems: Problems) -> None:
    """Note an invalid certainty."""
    check_number("certainty", certainty, problems, above=0.5, below=1)


def measure_problems(spec: CrossLagged, names: Iterable[Any]) -> Iterator[str]:
    """Names that are no measures of the model."""
    for name in dict.fromkeys(names):
        if name not in spec.measures:
            yield f"The model has no measure '{name}'{choices(name, spec.measures, 'Measures')}"


def canonical_path(path: str) -> str:
    """A lagged path as the model writes it; any other text as it is."""
    pair = split_path(path)
    return path if pair is None else lagged_path(*pair)


def chosen_paths(paths: Iterable[str] | None, known: Iterable[str], problems: Problems) -> list[str]:
    """The paths that were asked for, one or several; all that are known where none was named."""
    chosen = list(known) if paths is None else [paths] if isinstance(paths, str) else list(paths)
    if not chosen:
        problems.add("No path was asked for. Name one such as 'x -> y', or leave paths open for all.")
    return chosen


def path_problems(spec: CrossLagged, paths: Iterable[str]) -> Iterator[str]:
    """Lagged paths that the model fixes at 0, or does not have."""
    for path in paths:
        name = canonical_path(path)
        if name in spec.remove:
            yield f"'{name}' is fixed at 0 in this model (remove), so there is nothing to ask. Fit it with this path."
        elif name not in spec.paths:
            yield f"The model has no lagged path '{path}'{choices(path, spec.paths, 'Paths')}"


def group_problems(spec: CrossLagged, group: str | None) -> Iterator[str]:
    """Reasons why the model cannot be asked about this group, or not without one."""
    if spec.group_lags is None and group is not None:
        yield f"group '{group}' was asked for, and this model has no groups. Leave group open."
    elif spec.group_lags is not None and group is None:
        yield "This model has groups; say with group which one is asked about, or compare them (group_contrast)."


def population[Draws: Posterior](fit: Draws, group: str | None, problems: Problems) -> Draws:
    """The fit that a question about one population is asked of: that of a group where there are groups."""
    if not fit.groups:
        if group is not None:
            problems.add(f"group='{group}' was asked for, and this fit has no groups. Leave group open.")
        return fit
    if group is None:
        problems.add(
            f"This fit has groups; say which one is asked about: group= one of {quoted(fit.groups)}. "
            "ab.group_contrast compares them."
        )
    elif group not in fit.groups:
        problems.add(f"The fit has no group '{group}'{choices(group, fit.groups, 'Groups')}")
    return fit.of_group(group if group in fit.groups else fit.groups[0])


def pairs_problems(spec: CrossLagged, measures: Sequence[str]) -> Iterator[str]:
    """Reasons why the model cannot be asked about the direction between any two of several measures."""
    yield from dict.fromkeys(
        reason for first, second in combinations(measures, 2) for reason in pair_problems(spec, first, second)
    )


def pair_problems(spec: CrossLagged, first: str, second: str) -> Iterator[str]:
    """Reasons why the model cannot be asked about the direction between two measures."""
    yield from measure_problems(spec, (first, second))
    if first == second:
        yield f"Direction needs two different measures; got {quoted((first, second))}."
        return
    for path in (lagged_path(first, second), lagged_path(second, first)):
        if path in spec.remove:
            yield (
                f"'{path}' is fixed at 0 in this model, so nothing can be compared with it. "
                "Take it out of remove, and fit the model with both paths."
            )


def check_pair(fit: Posterior, first: str, second: str, problems: Problems) -> None:
    """Note what `pair_problems` says, and effects between the two that are 0 by construction over some interval."""
    against = list(pair_problems(fit.spec, first, second))
    problems.found += [reason for reason in against if reason not in problems.found]
    if not against:
        check_free(fit, (first, second), problems)
        check_free(fit, (second, first), problems)
