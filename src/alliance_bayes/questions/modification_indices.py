"""What a model fixes, and what would be gained by estimating it: modification indices."""

import pandas as pd

from ..basics.calls import checked
from ..basics.digits import p_in_words
from ..basics.problems import SpecError
from ..basics.text_tables import TextTable
from ..likelihood.maximum_likelihood import MaximumLikelihood
from ..likelihood.score_tests import modification_table, possible_changes
from .answer import LIMITS, Answer
from .likelihood_arguments import PlainArguments, question_about_estimates
from .likelihoods import Maximisation
from .registry import register

__all__ = ["modification_indices"]

N_SHOWN = 10
LEVEL = 0.05


@checked()
def modification_indices(answer: MaximumLikelihood) -> Answer:
    """Score tests of each number that a model fixes, one at a time, with the change to be expected if it were free.

    Without fitting the larger model: ``s^2 / V`` is chi-square with 1 degree of freedom where the model is right, s the
    score of the number at the estimates and V its expected information where all other parameters are estimated [1]_.
    Tested are lagged effects from every earlier wave, covariances among random intercepts, first wave and innovations,
    loadings of random intercepts, loadings of indicators on other measures, and whatever is held equal (over intervals,
    waves or groups) or follows from other numbers, each place apart.

    Parameters
    ----------
    answer
        Of `maximum_likelihood`.

    Returns
    -------
    Answer
        ``table``, indexed by ``change``, the largest index first: ``kind`` (``effect``, ``loading``, ``covariance``,
        ``mean``); ``index``; ``p``; ``expected_change``, in the measures' own units; ``standardized_change``, in SDs
        that the model implies (of residuals, for covariances). Changes that the data cannot distinguish from what is
        free already are absent. Distrust the expected change where it is large: it extrapolates from the model's
        estimates.

    Raises
    ------
    SpecError
        If effects differ from person to person (own times, moderators), or the maximum was not found.

    Notes
    -----
    With robust standard errors the indices are not scaled, as in lavaan: with heavy tails or clusters they are too
    large.

    References
    ----------
    .. [1] Sörbom (1989). Model modification. Psychometrika 54, 371-384. https://doi.org/10.1007/BF02294623
    """
    model = answer.model
    if len(model.design.cells) > model.design.n_groups:
        raise SpecError(
            "There are no modification indices where effects differ from person to person (own times or moderators). "
            "Compare models instead: ab.compare({'one': ..., 'other': ...})."
        )
    if not answer.converged:
        raise SpecError(f"Modification indices need a maximum: {' '.join(answer.estimates.messages)}")
    table = modification_table(model, answer.theta, possible_changes(model))
    n_tests = len(table)
    return Answer(
        question="modification_indices",
        arguments={"answer": "maximum likelihood"},
        heading=f"Modification indices of a {answer.spec}; {answer.n_persons} people",
        table=table,
        body=(_in_words(table.head(N_SHOWN)), f"The {min(N_SHOWN, n_tests)} largest of {n_tests}; all in .table."),
        health=Maximisation.of({"maximum": answer}),
        computation="Maximisation",
        reasons=_doubts(answer),
        assumptions=(
            f"Of {n_tests} indices some {LEVEL * n_tests:.0f} have p < .05 by chance; p < {LEVEL / n_tests:.2g} holds "
            "for all together (Bonferroni).",
            "Each index is for one change alone; after one change all others differ.",
            "A model changed by its indices fits the sample better than it will fit others: test it in new data.",
            "apart: this number alone free, which the model fixes at 1, holds equal to others or derives from them.",
        ),
        before_assumptions=LIMITS,
    )


def _doubts(answer: MaximumLikelihood) -> tuple[str, ...]:
    if answer.sampling is None:
        return ()
    return ("The indices are not scaled: with heavy tails or clusters they are too large, as chi-squares are.",)


def _in_words(table: pd.DataFrame) -> TextTable:
    return TextTable.of(
        {
            "": [str(name) for name in table.index],
            "index": [f"{value:.2f}" for value in table["index"]],
            "p": [p_in_words(p) for p in table["p"]],
            "expected change": [f"{value:.4g}" for value in table["expected_change"]],
            "standardised": [f"{value:.3f}" for value in table["standardized_change"]],
        }
    )


register(
    question_about_estimates(
        "modification_indices",
        PlainArguments,
        lambda spec, panel, given: modification_indices(given.estimated(spec, panel)),
    )
)
