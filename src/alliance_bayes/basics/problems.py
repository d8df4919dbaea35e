"""Every problem of an input, collected and raised as one message."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from .names import counted

__all__ = ["AllianceBayesError", "InterruptionError", "ModelFileError", "PanelError", "Problems", "SpecError"]


class AllianceBayesError(ValueError):
    """An input that cannot be used, with every reason and its cure.

    Attributes
    ----------
    problems
        The reasons, one by one; the whole message where there is only that.
    """

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems) or (message,)


class PanelError(AllianceBayesError):
    """A data set that is not, or not yet, a panel."""


class SpecError(AllianceBayesError):
    """A model that is not valid, not identified, or does not fit this panel."""


class ModelFileError(AllianceBayesError):
    """A TOML model file that cannot be read as one."""


class InterruptionError(AllianceBayesError):
    """Sampling that was interrupted before it left draws that can be used."""


for _kind in (AllianceBayesError, PanelError, SpecError, ModelFileError, InterruptionError):
    _kind.__module__ = "alliance_bayes"  # a traceback names what users can catch


class Problems:
    """Problems found so far; nothing is raised until all are known.

    Examples
    --------
    >>> problems = Problems("clinic.csv is not yet a panel")
    >>> problems.add("No column 'aliance'; did you mean 'alliance'?")
    >>> problems.raise_as(PanelError)
    Traceback (most recent call last):
    ...
    alliance_bayes.PanelError: clinic.csv is not yet a panel. 1 problem:
      1. No column 'aliance'; did you mean 'alliance'?
    """

    def __init__(self, heading: str) -> None:
        self.heading = heading
        self.found: list[str] = []

    def add(self, problem: str) -> None:
        """Note one problem: what was found, what is expected, what to do."""
        self.found.append(problem)

    @contextmanager
    def collecting(self, before: str = "") -> Iterator[None]:
        """Note every problem of an error raised inside, each with `before` in front, and go on after the block."""
        try:
            yield
        except AllianceBayesError as error:
            self.found += [before + problem for problem in error.problems]

    def raise_as(self, kind: type[AllianceBayesError]) -> None:
        """Raise `kind` with all problems numbered, if there are any."""
        if self.found:
            raise kind(str(self), self.found)

    def __str__(self) -> str:
        lines = [f"  {number}. {problem}" for number, problem in enumerate(self.found, start=1)]
        return "\n".join([f"{self.heading}. {counted(len(self.found), 'problem')}:", *lines])
