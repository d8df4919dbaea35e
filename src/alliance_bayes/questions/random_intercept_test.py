"""Whether people differ stably at all: the chi-bar-square test of random intercepts."""

from collections.abc import Sequence
from typing import Annotated

import pandas as pd
from pydantic import Field

from ..basics.calls import checked
from ..basics.declared import Listed, Name, Seed
from ..basics.digits import p_in_words
from ..basics.given import is_whole, shown
from ..basics.names import choices, in_words
from ..basics.problems import Problems, SpecError
from ..basics.text_tables import TextTable
from ..likelihood.maximum_likelihood import MaximumLikelihood
from ..likelihood.random_intercepts import ChiBarSquare, chi_bar_square, intercepts_of
from ..panel import Panel
from ..spec.cross_lagged import CrossLagged
from ..spec.models import RICLPM
from .answer import LIMITS, Answer
from .likelihood_arguments import PlainArguments, question_about_estimates
from .likelihoods import Maximisation
from .registry import register

__all__ = ["random_intercept_test"]

SIMULATIONS = 10_000
FEWEST_SIMULATIONS = 1_000
LEAST_ERROR = 5e-5  # that shows beside a p of three digits


@checked(apart=["simulations", "seed"])
def random_intercept_test(
    answer: MaximumLikelihood,
    measures: Sequence[str] | None = None,
    *,
    simulations: int = SIMULATIONS,
    seed: int = 1,
) -> Answer:
    """Test whether the random intercepts of some measures have variances of 0 (chi-bar-square test).

    Variances cannot be negative, so that the likelihood-ratio statistic against no random intercepts is no chi-square:
    half of the time, with one intercept, it is 0 [1]_ [2]_. Its distribution is a mixture of chi-squares. For one
    intercept that is known (half with k and half with k + 1 degrees of freedom, k its covariances with the intercepts
    that stay); for several it is simulated, from how often estimates at random come to lie where all covariance
    matrices are proper.

    Parameters
    ----------
    answer
        Of `maximum_likelihood`, of an RI-CLPM whose random intercepts load 1 on each wave.
    measures
        Those whose intercepts are tested, the others staying; all when left open, which tests the CLPM.
    simulations, seed
        Simulated directions, where several intercepts are tested.

    Returns
    -------
    Answer
        ``table``, one row: ``statistic``, twice the difference of log-likelihoods, with a proper covariance matrix of
        the intercepts; ``p`` and its Monte Carlo error ``mcse`` (0 in closed form); ``naive_df`` and ``naive_p`` of the
        plain chi-square, which is too large. ``tables["weights"]``, where they are known: ``weight`` of the chi-square
        of each ``df``.

    Raises
    ------
    SpecError
        If the model is no such RI-CLPM or has robust standard errors, or a measure is not in it.

    References
    ----------
    .. [1] Self & Liang (1987). Asymptotic properties of maximum likelihood estimators and likelihood ratio tests under
       nonstandard conditions. Journal of the American Statistical Association 82, 605-610.
       https://doi.org/10.1080/01621459.1987.10478472
    .. [2] Stoel, Garre, Dolan & van den Wittenboer (2006). On the likelihood ratio test in structural equation modeling
       when parameters are subject to boundary constraints. Psychological Methods 11, 439-455.
       https://doi.org/10.1037/1082-989X.11.4.439
    """
    tested = list(answer.spec.measures) if measures is None else list(measures)
    problems = Problems("These random intercepts cannot be tested")
    _check(answer, tested, simulations, seed, problems)
    problems.raise_as(SpecError)
    test = chi_bar_square(answer, intercepts_of(answer.model, tested), simulations=simulations, seed=seed)
    table = pd.DataFrame(
        {
            "statistic": test.statistic,
            "p": test.p_value,
            "mcse": test.mcse,
            "naive_df": test.df,
            "naive_p": test.naive_p,
        },
        index=pd.Index([in_words(tested)], name="random intercepts of"),
    )
    weights = pd.DataFrame({"weight": test.weights}, index=pd.RangeIndex(len(test.weights), name="df"))
    stay = [name for name in answer.spec.measures if name not in tested]
    return Answer(
        question="random_intercept_test",
        arguments={"measures": tuple(tested), "simulations": simulations, "seed": seed},
        heading=(
            f"Do people differ stably in {in_words(tested)}? Variances of random intercepts of 0 against "
            f"{'variances above 0' if len(tested) > 1 else 'one above 0'}"
            f"{f', those of {in_words(stay)} staying' if stay else ''}; {answer.n_persons} people"
        ),
        table=table,
        body=(_in_words(test),),
        health=Maximisation.of({"maximum": answer}),
        computation="Maximisation",
        tables={"weights": weights} if test.weights else {},
        reasons=_reasons(test, tested, stay),
        assumptions=(
            "Apart from the random intercepts the model is right, lagged effects constant where it says so: slow "
            "changes within people look like random intercepts.",
            "Values are normal, and people many.",
            "A large p does not show that people do not differ: with few waves the test has little power.",
        ),
        before_assumptions=LIMITS,
    )


def _check(answer: MaximumLikelihood, tested: list[str], simulations: object, seed: object, problems: Problems) -> None:
    spec = answer.spec
    if not isinstance(spec, RICLPM) or spec.free_loadings:
        problems.add(
            f"A {spec.title} has no random intercepts with loadings of 1; the test is for RICLPM(..., "
            "trait_loadings='fixed')."
        )
    if answer.sampling is not None:
        problems.add(
            "With robust standard errors the distribution of the statistic is not known. Use "
            "ab.maximum_likelihood(...) without robust standard errors, clusters and weights."
        )
    if not answer.converged:
        problems.add(" ".join(answer.estimates.messages))
    if not tested:
        problems.add("measures is empty; name some, or leave it out.")
    for name in tested:
        if name not in spec.measures:
            problems.add(f"The model has no '{name}'{choices(name, spec.measures, 'Measures')}")
    if not is_whole(simulations, least=FEWEST_SIMULATIONS):
        problems.add(f"simulations must be a whole number of {FEWEST_SIMULATIONS} or more; got {shown(simulations)}.")
    if not is_whole(seed, least=0):
        problems.add(f"seed must be a whole number of 0 or more; got {shown(seed)}.")


def _reasons(test: ChiBarSquare, tested: list[str], stay: list[str]) -> tuple[str, ...]:
    if not test.converged:
        return ("The maximum with intercepts at the boundary was not found: do not use the statistic.",)
    if not test.nested:
        return (
            f"Without random intercepts of {in_words(tested)} those of {in_words(stay)} have no proper covariance "
            "matrix (a variance below 0), so the two models are not nested and there is no p. Test all intercepts "
            "together.",
        )
    if test.near_zero:
        return (
            f"The variance of the random intercept of {in_words(test.near_zero)}, which stays, lies within two "
            "standard errors of 0. Where it is 0, too, the mixture is another one and p is too large. Test all "
            "intercepts together.",
        )
    return ()


def _in_words(test: ChiBarSquare) -> TextTable:
    mixture = ", ".join(f"{weight:.2f} of {df} df" for df, weight in enumerate(test.weights) if weight > 0)
    error = f" (MCSE {test.mcse:.2g})" if test.mcse >= LEAST_ERROR else ""
    return TextTable.of(
        {
            "": ["chi-bar-square", f"plain chi-square, {test.df} df (too large a p)"],
            "statistic": [f"{test.statistic:.3f}", f"{test.statistic:.3f}"],
            "p": [p_in_words(test.p_value) + error, p_in_words(test.naive_p)],
            "mixture": [mixture or "simulated", ""],
        },
        left=["mixture"],
    )


class RandomInterceptArguments(PlainArguments):
    """Keys of a test of random intercepts."""

    named_first = ("measures",)
    measures: Annotated[Listed[Name], Field(min_length=1, description="a list of measures")] | None = None
    simulations: int = Field(SIMULATIONS, ge=FEWEST_SIMULATIONS, description="a whole number of 1,000 or more")
    seed: Seed = 1

    def about(self) -> str:
        """The measures."""
        return f"of {in_words(self.measures)}" if self.measures else ""


def _answer(spec: CrossLagged, panel: Panel, given: RandomInterceptArguments) -> Answer:
    return random_intercept_test(given.estimated(spec, panel), **given.given("group"))


register(question_about_estimates("random_intercept_test", RandomInterceptArguments, _answer))
