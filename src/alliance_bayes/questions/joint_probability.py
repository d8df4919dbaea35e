"""Several statements about lagged effects at once: how probable it is that all of them hold."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import pandas as pd
from pydantic import Field

from ..basics.calls import checked
from ..basics.declared import Listed, Margin, Text
from ..basics.problems import Problems, SpecError
from ..basics.text_tables import TextTable
from ..figures.evidence import shares_figure
from ..posterior.posterior import Posterior
from ..posterior.summaries import Probability, probability
from ..spec.cross_lagged import CrossLagged
from .answer import LIMITS, Answer, untrusted
from .arguments import MARGIN, Group, check_margin, group_problems, population
from .cells import known_draws
from .dynamics import sample_in_words
from .hypotheses import undecidable
from .lengths import spacing_in_words
from .registry import Arguments, Question, register
from .statements import all_hold, effects_of, fixed_effects, read_statements, statement_problems

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["joint_probability"]

ALL = "all of them"
FEWEST = 2

Statements = Annotated[
    Annotated[Listed[Text], Field(min_length=FEWEST)] | Annotated[dict[str, Text], Field(min_length=FEWEST)],
    Field(description="a list of two or more texts, such as ['x leads y', 'x leads z'], or a table from names to them"),
]


@checked(apart=["statements", "margin"])
def joint_probability(
    fit: Posterior, statements: Sequence[str] | Mapping[str, str], *, margin: float = MARGIN, group: str | None = None
) -> Answer:
    """Compute the probability that several statements about lagged effects hold together.

    The share of draws in which all of them hold, of one posterior. Verdicts on several pairs are each as certain as was
    asked; that all of them are right is less probable, how much depends on how the effects vary together.

    Parameters
    ----------
    fit
        A fitted cross-lagged model.
    statements
        Two or more, as text or as names with texts, as in `hypotheses`: such as ``x -> y > 0.03``, and ``x leads y``,
        that ``|x -> y|`` is larger than ``|y -> x|`` by more than the margin.
    margin
        By how much an effect must be larger to lead, in SD per SD; in (0, 1).
    group
        Which group, where the fit has groups.

    Returns
    -------
    Answer
        ``table``, indexed by ``statement``, the last row being "all of them": ``text``; ``posterior`` and ``prior``,
        its probability after and before the data, with their Monte Carlo errors ``posterior_mcse`` and ``prior_mcse``;
        ``posterior_undefined`` and ``prior_undefined``, shares of draws in which both sides of a comparison are equal
        or an effect has no value, excluded from the probabilities. Distrust a joint probability that few draws decide.

    Raises
    ------
    SpecError
        If there are fewer than two statements, one cannot be read or compares nothing but effects that are 0 by
        construction, or the margin or group is invalid, with all problems at once.
    """
    problems = Problems("This joint probability cannot be computed")
    fit = population(fit, group, problems)
    check_margin(margin, problems)
    problems.raise_as(SpecError)
    after, before = (effects_of(fit, name) for name in ("posterior", "prior"))
    read = read_statements(statements, after, fixed_effects(fit), problems, margin=margin)
    if len(read) < FEWEST or ALL in read:
        raise SpecError(f"Give two or more different statements, none of them named '{ALL}'; got {list(read)}.")
    held = [{name: statement.holds(effects) for name, statement in read.items()} for effects in (after, before)]
    counted = [
        {name: probability(holds) for name, holds in {**one, ALL: all_hold(list(one.values()))}.items()} for one in held
    ]
    texts = {name: statement.text for name, statement in read.items()}
    table = pd.DataFrame.from_dict(
        {name: {"text": texts.get(name, ""), **_row(*(one[name] for one in counted))} for name in counted[0]},
        orient="index",
    ).rename_axis("statement")
    return Answer(
        question="joint_probability",
        arguments={"statements": texts, "margin": margin, "group": group},
        heading=(
            f"Joint probability of {len(read)} statements about lagged effects, SD per SD, {spacing_in_words(fit)}; "
            f"{sample_in_words(fit, group)}"
        ),
        table=table,
        body=(
            _in_words(table, fit.n_draws, next(iter(before.values())).size),
            *(f"{name}: {text}" for name, text in texts.items() if name != text),
        ),
        health=fit.health,
        reasons=untrusted(fit.health) + undecidable(table),
        assumptions=(
            "Each probability is counted in the same draws; none is adjusted for the number of statements.",
            *fit.spec.assumptions,
        ),
        before_assumptions=LIMITS,
        figure=_figure,
    )


def _row(after: Probability, before: Probability) -> dict[str, float]:
    return {
        f"{name}{suffix}": value
        for name, event in (("posterior", after), ("prior", before))
        for suffix, value in (("", event.value), ("_mcse", event.mcse), ("_undefined", event.undefined))
    }


def _in_words(table: pd.DataFrame, n_draws: int, n_prior_draws: int) -> TextTable:
    def cells(name: str, n: int) -> list[str]:
        return [
            str(Probability(row[name], row[f"{name}_mcse"], known_draws(n, row[f"{name}_undefined"])))
            for _, row in table.iterrows()
        ]

    return TextTable.of(
        {
            "": [str(name) for name in table.index],
            "posterior": cells("posterior", n_draws),
            "MCSE": [f"{error:.3f}" for error in table["posterior_mcse"]],
            "prior": cells("prior", n_prior_draws),
        }
    )


def _figure(answer: Answer) -> "Figure":
    shares = {str(name): (row["posterior"], row["prior"]) for name, row in answer.table.iterrows()}
    return shares_figure(
        shares, title="How probable the statements are", labels=("after the data", "before (prior)"), unit="probability"
    )


class JointProbabilityArguments(Arguments):
    """Keys of the joint probability of several statements about lagged effects."""

    statements: Statements
    margin: Margin = MARGIN
    group: Group | None = None

    def against(self, model: CrossLagged) -> Iterator[str]:
        """The group, and the statements, but for their intervals, which are known once the data are."""
        yield from group_problems(model, self.group)
        yield from statement_problems(self.statements, model)


register(Question.of(joint_probability, JointProbabilityArguments))
