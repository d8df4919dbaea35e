"""Whether a larger model fits better, by more than chance, than a smaller one that it contains."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from pydantic import Field

from ..basics.calls import checked
from ..basics.declared import Table
from ..basics.digits import p_in_words
from ..basics.given import shown
from ..basics.names import quoted
from ..basics.problems import Problems, SpecError
from ..basics.text_tables import TextTable
from ..likelihood.likelihood_ratio import LikelihoodRatio, Nesting, likelihood_ratio, nesting
from ..likelihood.maximum_likelihood import MaximumLikelihood
from ..panel import Panel
from ..spec.cross_lagged import CrossLagged
from ..spec.mapping import spec_from_mapping, spec_to_mapping
from .answer import LIMITS, Answer
from .likelihood_arguments import LikelihoodArguments, question_about_estimates
from .likelihoods import Maximisation, check_same_data
from .registry import register

__all__ = ["doubts_about", "likelihood_ratio_test"]

NORMAL = (
    "Values are normal, or people many: without robust standard errors the test rejects too often where tails are "
    "heavy or people belong to clusters."
)
RIGHT = "The larger model is right: a test against a model that does not fit says little."


@checked()
def likelihood_ratio_test(smaller: MaximumLikelihood, larger: MaximumLikelihood) -> Answer:
    """Test a model against a larger one that contains it.

    ``2 (logL_1 - logL_0)`` is chi-square where the smaller model is right. With robust standard errors it is divided by
    ``(df_0 c_0 - df_1 c_1) / (df_0 - df_1)``, c the scaling of each model's own test [1]_, lavaan's default. That the
    larger model contains the smaller one is checked, by fitting it to the moments that the smaller one implies [2]_.

    Parameters
    ----------
    smaller, larger
        Of `maximum_likelihood`, on one panel, with the same kind of standard errors.

    Returns
    -------
    Answer
        ``table``, one row: ``chi_square``; ``df``; ``p``, the probability of a larger chi-square where the smaller
        model is right; ``scaling``, which the chi-square was divided by. NaN where the scaling is not above 0. Distrust
        p where the answer says that variances of the larger model are 0 in the smaller one: use
        `random_intercept_test`.

    Raises
    ------
    SpecError
        If the models were fitted to other data, or the larger one does not contain the smaller one.

    References
    ----------
    .. [1] Satorra & Bentler (2001). A scaled difference chi-square test statistic for moment structure analysis.
       Psychometrika 66, 507-514. https://doi.org/10.1007/BF02296192
    .. [2] Bentler & Satorra (2010). Testing model nesting and equivalence. Psychological Methods 15, 111-123.
       https://doi.org/10.1037/a0019625
    """
    problems = Problems("These models cannot be tested against each other")
    named = {"smaller": smaller, "larger": larger}
    check_same_data(named, problems)
    problems.raise_as(SpecError)
    relation = nesting(smaller, larger)
    if relation.nested is False:
        if smaller.n_parameters == larger.n_parameters:
            problems.add(
                f"Both models have {larger.n_parameters} parameters, which leaves no degrees of freedom: neither is a "
                "special case of the other, unless they are the same. Compare their AIC and BIC: "
                "ab.compare({'one': ..., 'other': ...})."
            )
        elif smaller.n_parameters > larger.n_parameters:
            problems.add(
                f"The smaller model has {smaller.n_parameters} parameters, the larger one {larger.n_parameters}. Give "
                "the model with fewer parameters first."
            )
        else:
            problems.add(
                "The larger model cannot imply the means and covariances that the smaller one implies: neither is a "
                "special case of the other. Compare their AIC and BIC: ab.compare({'one': ..., 'other': ...})."
            )
    problems.raise_as(SpecError)
    test = likelihood_ratio(smaller, larger)
    table = pd.DataFrame(
        {"chi_square": test.chi_square, "df": test.df, "p": test.p_value, "scaling": test.scaling},
        index=pd.Index(["larger instead of smaller"], name="test"),
    )
    return Answer(
        question="likelihood_ratio_test",
        arguments=named,
        heading=(
            f"Likelihood-ratio test of a smaller model in a larger one; {larger.n_persons} people\n"
            f"smaller: {smaller.spec}\nlarger:  {larger.spec}"
        ),
        table=table,
        body=(_in_words(named), _sentence(test)),
        health=Maximisation.of(named),
        computation="Maximisation",
        reasons=doubts_about(test, relation),
        assumptions=(
            RIGHT,
            *(() if smaller.sampling is not None else (NORMAL,)),
            "A small p says that the data would be unlikely if the smaller model were right, not how much better the "
            "larger one is; a large p does not show that the smaller one is right.",
        ),
        before_assumptions=LIMITS,
    )


def doubts_about(test: LikelihoodRatio, relation: Nesting) -> tuple[str, ...]:
    """What makes the p-value of a test doubtful."""
    doubts = []
    if relation.nested is None:
        doubts.append(
            "Whether the larger model contains the smaller one was not checked: people have no common means and "
            "covariances, or the models have other covariates."
        )
    if relation.at_zero:
        doubts.append(
            f"The smaller model has {quoted(relation.at_zero)} at 0, the boundary of what a variance can be: "
            "the statistic is not chi-square and p is too large. For random intercepts use ab.random_intercept_test."
        )
    if not test.scaling > 0:
        doubts.append(
            f"The scaling of the difference is {test.scaling:.3f}, not above 0, which happens in small samples or "
            "where the larger model fits badly: there is no scaled test. Look at the tests of both models against the "
            "saturated one."
        )
    return tuple(doubts)


def _in_words(answers: dict[str, MaximumLikelihood]) -> TextTable:
    return TextTable.of(
        {
            "": list(answers),
            "-2LL": [f"{-2 * answer.log_likelihood:.3f}" for answer in answers.values()],
            "parameters": [str(answer.n_parameters) for answer in answers.values()],
            "AIC": [f"{answer.aic:.1f}" for answer in answers.values()],
            "BIC": [f"{answer.bic:.1f}" for answer in answers.values()],
        }
    )


def _sentence(test: LikelihoodRatio) -> str:
    scaled = "" if test.scaling == 1 else f" (divided by {test.scaling:.3f})"
    if np.isnan(test.chi_square):
        return f"No scaled chi-square on {test.df} df."
    return f"chi-square {test.chi_square:.3f}{scaled} on {test.df} df, p {p_in_words(test.p_value)}"


class LikelihoodRatioArguments(LikelihoodArguments):
    """Keys of a test of the file's model against another one; the one with fewer parameters is the smaller."""

    named_first = ("other",)
    other: Table = Field(
        min_length=1,
        description="a table of the keys of [model] that differ in the other model, such as { lags = 'free' }",
    )

    def about(self) -> str:
        """The other model."""
        return f"against {', '.join(f'{name} {shown(value)}' for name, value in self.other.items())}"

    def against(self, model: CrossLagged) -> Iterator[str]:
        """What is said against any likelihood, and another model that cannot be made."""
        of_this = list(super().against(model))
        yield from of_this
        problems = Problems("")
        with problems.collecting("other: "):
            of_other = super().against(self.of_other(model))
            problems.found += [f"other: {reason}" for reason in of_other if reason not in of_this]
        yield from problems.found

    def of_other(self, model: CrossLagged) -> CrossLagged:
        """The other model."""
        return spec_from_mapping({**spec_to_mapping(model), **self.other})


def _answer(spec: CrossLagged, panel: Panel, given: LikelihoodRatioArguments) -> Answer:
    both = [given.estimated(each, panel) for each in (spec, given.of_other(spec))]
    return likelihood_ratio_test(*sorted(both, key=lambda estimated: estimated.n_parameters))


register(question_about_estimates("likelihood_ratio_test", LikelihoodRatioArguments, _answer))
