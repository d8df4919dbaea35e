"""Which model predicts a new person best: leave one person out, and "not distinguishable" in words."""

import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import numpy as np
import pandas as pd
import xarray as xr

from ..basics.calls import checked
from ..basics.given import is_number, is_one_of, is_whole, shown
from ..basics.names import in_words, lagged_path, number, quoted
from ..basics.problems import Problems, SpecError
from ..basics.text_tables import TextTable
from ..figures.bars import Bar
from ..figures.evidence import bars_figure
from ..likelihood.maximum_likelihood import MaximumLikelihood
from ..posterior.fit import Fit
from ..spec.cross_lagged import CrossLagged
from .answer import LIMITS, Answer, Sampling
from .arguments import pair_problems
from .cells import table_of
from .compare_likelihoods import compared_likelihoods
from .likelihoods import check_same_data, same_values
from .scores import LeftOut, Scores, leave_out

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Method", "check_fits", "check_options", "compare", "compared", "direction_models"]

LEAST_DIFFERENCE = 4.0
LEAST_ERRORS = 2.0
MOST_REFITS = 20
FEW_PERSONS = 100
FEWEST_DRAWS = 25  # whose largest 5 weights are smoothed
Method = Literal["stacking", "BB-pseudo-BMA", "pseudo-BMA"]
DEFAULTS = ("stacking", LEAST_DIFFERENCE, LEAST_ERRORS, MOST_REFITS)

ZERO = (
    "A path fixed at 0 is no direct effect (a zero in one step, or in the drift). With three or more measures the "
    "effect over a longer lag need not be 0: it may run through another measure."
)


@checked()
def direction_models[Model: CrossLagged](spec: Model, first: str, second: str) -> dict[str, Model]:
    """Return the four models of direction between two measures, nested in one.

    Parameters
    ----------
    spec
        A model with both lagged paths between the two measures.
    first, second
        Two of its measures.

    Returns
    -------
    dict
        ``"both"`` is the model itself; ``"<first> leads"`` lacks the path from second to first;
        ``"<second> leads"`` the other one; ``"neither"`` both. Other paths stay.

    Raises
    ------
    SpecError
        If a measure is not in the model, both are the same, or a path is already fixed at 0.

    Examples
    --------
    >>> from alliance_bayes import RICLPM
    >>> models = direction_models(RICLPM(["alliance", "days"]), "alliance", "days")
    >>> {name: model.remove for name, model in models.items()}  # doctest: +NORMALIZE_WHITESPACE
    {'both': (), 'alliance leads': ('days -> alliance',), 'days leads': ('alliance -> days',),
     'neither': ('days -> alliance', 'alliance -> days')}
    """
    problems = Problems("These models of direction cannot be made")
    problems.found += pair_problems(spec, first, second)
    problems.raise_as(SpecError)
    forward, backward = lagged_path(first, second), lagged_path(second, first)
    return {
        "both": spec,
        f"{first} leads": spec.without(backward),
        f"{second} leads": spec.without(forward),
        "neither": spec.without(forward, backward),
    }


@checked(apart=["fits", "least_difference", "least_errors", "most_refits"])
def compare(
    fits: Mapping[str, Fit] | Mapping[str, MaximumLikelihood],
    *,
    method: Method = "stacking",
    least_difference: float = LEAST_DIFFERENCE,
    least_errors: float = LEAST_ERRORS,
    most_refits: int = MOST_REFITS,
) -> Answer:
    """Compare models by how well they predict one person from all others, or by the likelihoods at their maxima.

    Maximum likelihoods are compared by AIC and BIC, and by likelihood-ratio tests where one model contains another (see
    `likelihood_ratio_test`). What follows is about fits.

    ``elpd = sum_i log p(y_i | y_-i)``, y_i all values of person i, with random intercepts and
    within-person states integrated out: leaving out single values, or conditioning on a person's
    own intercept, would answer another question and be unstable [1]_. Estimated by Pareto-smoothed
    importance sampling [2]_. Where a person's Pareto shape k-hat is too high, the draws are moved
    to match the mean and variances of the posterior without them [3]_; where that does not suffice
    the model is fitted again without them, which is exact and takes about a second. Weights are those
    of stacking [4]_. Two models are called distinguishable only where the difference is at least 4
    and at least 2 SE: below, the normal approximation behind the SE fails [5]_. Of models with families the
    likelihood itself is approximate: what its error could explain of a difference is subtracted first.

    Parameters
    ----------
    fits
        Name to fit, or name to answer of `maximum_likelihood`, two or more, of the same panel and measures.
    method
        How ArviZ finds the weights: ``"stacking"``, ``"BB-pseudo-BMA"`` or ``"pseudo-BMA"``.
    least_difference, least_errors
        Smallest difference, in nats and in SEs of the difference, that distinguishes two models.
    most_refits
        Most persons of a model to be left out by a refit, those with the highest k-hat
        first; where more would be needed the comparison says so and decides nothing about that
        model.

    Returns
    -------
    Answer
        ``table``, indexed by ``model``, best first. ``elpd``: sum over persons of the expected log density
        of a person's values under the model fitted without them, in the values' own units, and
        its ``se`` over persons; ``elpd_difference`` to the best model (0 or less) and
        ``se_difference``, the SE of the sum of paired differences; ``mcse``, the Monte Carlo
        error of ``elpd``; ``p``, the effective number of parameters (NaN where it is not
        defined); ``weight``, in [0, 1], of the model in the combination that predicts best
        (a weight of 0 says that a model adds nothing to the others, not that it is wrong);
        ``k_hat``, the largest Pareto shape left, and ``n_high``, persons whose shape exceeds the
        threshold: distrust a model's row unless it is 0; ``n_matched`` and ``n_refitted``, persons
        scored by moved draws and by an exact refit; ``integration_error``, of models with families, the mean over
        draws of the exact log density of what is predicted minus the approximate one, by importance sampling, and
        ``integration_error_sd``, how far it varies over draws and random numbers; NaN where the likelihood is exact.

        ``tables["pairs"]``, indexed by ``better`` and ``worse``: ``elpd_difference``, ``se``, ``mcse``,
        ``by_integration``, what integration error could explain of the difference, and ``verdict``
        ("predicts better", "not distinguishable" or "undecided").

        ``basis``: ``elpd`` and ``k_hat`` (NaN where refitted) of each person, dims ``(model, person)``.

        Of maximum likelihoods: ``table``, the lowest BIC first: ``log_likelihood``, ``n_parameters``, ``aic``, ``bic``
        with ``aic_difference``, ``bic_difference`` to the lowest and ``aic_weight``, ``bic_weight``; ``chi_square``,
        ``df``, ``p``, ``cfi`` and ``rmsea`` against the saturated model. ``tables["tests"]``, indexed by ``larger`` and
        ``smaller``: ``chi_square``, ``df``, ``p``, ``scaling``, and ``on_boundary``, where p is too large.

    Raises
    ------
    SpecError
        If there are not two fits, or they differ in panel or measures, or an option is invalid; if fits and maximum
        likelihoods are mixed, or an option of fits is given for maximum likelihoods.
    PanelError
        If the panel holds moments alone.

    Notes
    -----
    Moment matching is `arviz_stats.loo_moment_match`, without splitting the draws: in arviz-stats
    1.3 the split returns the score of a person who was seen (in a test 26 nats too good). Without it
    the moved draws have to suit the posteriors with and without the person, and a person for whom
    ArviZ finds them wanting is refitted.

    A refit standardises by constants of the panel without the person, so that its priors differ
    from the fit's by the order of 1 / N; importance sampling and moment matching keep them.

    References
    ----------
    .. [1] Merkle, Furr & Rabe-Hesketh (2019). Bayesian comparison of latent variable models:
       conditional versus marginal likelihoods. Psychometrika 84, 802-829.
       https://doi.org/10.1007/s11336-019-09679-0
    .. [2] Vehtari, Gelman & Gabry (2017). Practical Bayesian model evaluation using leave-one-out
       cross-validation and WAIC. Statistics and Computing 27, 1413-1432.
       https://doi.org/10.1007/s11222-016-9696-4
    .. [3] Paananen, Piironen, Buerkner & Vehtari (2021). Implicitly adaptive importance sampling.
       Statistics and Computing 31, 16. https://doi.org/10.1007/s11222-020-09982-2
    .. [4] Yao, Vehtari, Simpson & Gelman (2018). Using stacking to average Bayesian predictive
       distributions. Bayesian Analysis 13, 917-1007. https://doi.org/10.1214/17-BA1091
    .. [5] Sivula, Magnusson, Matamoros & Vehtari. Uncertainty in Bayesian leave-one-out
       cross-validation based model comparison. https://doi.org/10.48550/arXiv.2008.10296
    """
    problems = Problems("These fits cannot be compared")
    if isinstance(fits, Mapping) and any(isinstance(each, MaximumLikelihood) for each in fits.values()):
        likelihoods = _only_likelihoods(fits, problems)
        if (method, least_difference, least_errors, most_refits) != DEFAULTS:
            problems.add("method, least_difference, least_errors and most_refits are options of fits. Omit them.")
        problems.raise_as(SpecError)
        return compared_likelihoods(likelihoods)
    check_fits(fits, problems)
    check_options(method, least_difference, least_errors, most_refits, problems)
    problems.raise_as(SpecError)
    sampled = cast(Mapping[str, Fit], fits)
    scores = {
        name: replace(leave_out(LeftOut(fitted), most_refits), integration=LeftOut(fitted).integration_error(fitted))
        for name, fitted in sampled.items()
    }
    some = next(iter(sampled.values()))
    n_persons, counts = next(iter(scores.values())).elpd.size, sorted({fitted.n_draws for fitted in sampled.values()})
    return compared(
        "compare",
        sampled,
        scores,
        method=method,
        least_difference=least_difference,
        least_errors=least_errors,
        most_refits=most_refits,
        heading=(
            f"All {len(some.panel.times)} waves of one person predicted from all other people (leave one person out); "
            f"{n_persons} people, {' and '.join(map(str, counts))} draws"
        ),
        predicted="a new person",
        assumptions=(
            "The elpd says how well a model would predict all waves of a new person from the same population, random "
            "intercepts and states integrated out. It is about prediction, not about causes.",
            "People are exchangeable and do not affect each other.",
            ZERO,
            "Not distinguishable does not mean equal: these data do not distinguish the models by prediction.",
        ),
    )


def _only_likelihoods(given: Mapping[str, Any], problems: Problems) -> Mapping[str, MaximumLikelihood]:
    likelihoods = {name: each for name, each in given.items() if isinstance(each, MaximumLikelihood)}
    if others := [name for name in given if name not in likelihoods]:
        problems.add(
            f"Maximum likelihoods ({quoted(likelihoods)}) and others ({quoted(others)}) are mixed: draws are compared "
            "by how well they predict, maximum likelihoods by AIC and BIC. Give all models of one kind."
        )
    elif len(likelihoods) < 2:
        problems.add("There is one model; give two or more by their names.")
    else:
        check_same_data(likelihoods, problems)
    return likelihoods


def check_fits(fits: Mapping[str, Any], problems: Problems) -> None:
    """Note why these fits cannot be scored on the same people; PanelError where there are no people."""
    if not isinstance(fits, Mapping) or len(fits) < 2 or not all(isinstance(fitted, Fit) for fitted in fits.values()):
        problems.add("fits must be a dict of two or more fits by their names, such as {'both': fit, 'neither': other}.")
        problems.raise_as(SpecError)
    (reference, first), *others = fits.items()
    for name, fitted in fits.items():
        fitted.panel.require_persons("Leaving out persons")
        if fitted.n_draws < FEWEST_DRAWS:
            problems.add(
                f"'{name}' has {fitted.n_draws} draws, too few for a comparison: sample {FEWEST_DRAWS} or more."
            )
    for name, fitted in others:
        shared = [column for column in first.panel.measures if column in fitted.panel.measures]
        if set(fitted.spec.measures) != set(first.spec.measures):
            problems.add(
                f"'{reference}' is about {quoted(first.spec.measures)}, '{name}' about {quoted(fitted.spec.measures)}: "
                "densities of different values cannot be compared. Fit the same measures."
            )
        elif _densities_of(first) != _densities_of(fitted):
            problems.add(
                f"'{reference}' gives a probability to {_densities_of(first)}, '{name}' to {_densities_of(fitted)}: "
                "only densities of the same things can be compared. Give the same measures families other than the "
                "normal in both, the same state, and selection of the same."
            )
        elif not same_values(first.panel, fitted.panel, shared):
            problems.add(f"'{reference}' and '{name}' were fitted to different panels. Fit both to the same panel.")


def _densities_of(fitted: Fit) -> str:
    """What a model of several that share their measures gives probabilities to, in words."""
    spec = fitted.spec
    words = [
        f"{name} as {'responses' if name in spec.random_families else 'numbers'}" for name in sorted(spec.measures)
    ]
    words += [f"the state {spec.state.name}"] if spec.state is not None else []
    return in_words([*words, *sorted(selection.in_words for selection in spec.selection)])


def check_options(
    method: object, least_difference: float, least_errors: float, most_refits: object, problems: Problems
) -> None:
    """Note invalid options of a comparison."""
    if not is_one_of(method, get_args(Method)):
        problems.add(f"method must be one of {quoted(get_args(Method))}; got {shown(method)}.")
    for name, value in {"least_difference": least_difference, "least_errors": least_errors}.items():
        if not is_number(value) or value < 0:
            problems.add(f"{name} must be a number of 0 or more; got {shown(value)}.")
    if not is_whole(most_refits, least=0):
        problems.add(f"most_refits must be a whole number of 0 or more; got {shown(most_refits)}.")


def compared(
    question: str,
    fits: Mapping[str, Fit],
    scores: Mapping[str, Scores],
    *,
    heading: str,
    predicted: str,
    assumptions: tuple[str, ...],
    **options: Any,
) -> Answer:
    """Compare models by their scores, with the options of `compare`."""
    least_difference, least_errors = options["least_difference"], options["least_errors"]
    order = sorted(scores, key=lambda name: -float(scores[name].elpd.sum()))
    elpd = xr.concat(
        [scores[name].elpd.reset_coords(drop=True) for name in order], dim=pd.Index(order, name="model")
    ).rename("elpd")
    k_hat = xr.concat([scores[name].k_hat.reset_coords(drop=True) for name in order], dim=elpd["model"])
    table = _table(elpd, {name: scores[name] for name in order}, _weights(elpd, options["method"]))
    doubts = {name: _doubts(name, fits[name], scores[name]) for name in order}
    pairs = _pairs(elpd, scores, doubts, least_difference, least_errors)
    reasons = [reason for name in order for reason in doubts[name]]
    if elpd.sizes["person"] < FEW_PERSONS:
        reasons.append(
            f"With {elpd.sizes['person']} people (fewer than {FEW_PERSONS}) the SEs of differences are too small."
        )
    return Answer(
        question=question,
        arguments={"fits": tuple(fits), **options},
        heading=heading,
        table=table,
        body=(
            _table_in_words(table),
            *_integration_in_words({name: scores[name] for name in order}),
            *_sentences(pairs, order[0], predicted, least_difference, least_errors),
            _columns_in_words(options["method"], min(score.good_k for score in scores.values())),
        ),
        health=Sampling.of({name: fits[name].health for name in order}),
        tables={"pairs": pairs},
        reasons=tuple(reasons),
        assumptions=assumptions,
        before_assumptions=LIMITS,
        basis=xr.Dataset({"elpd": elpd, "k_hat": k_hat}),
        figure=_figure,
    )


def _figure(answer: Answer) -> "Figure":
    """Each model's difference to the best, with two standard errors to each side."""
    bars = {
        str(name): [Bar(centre, centre - 2 * error, centre + 2 * error)]
        for name, centre, error in answer.table[["elpd_difference", "se_difference"]].itertuples()
    }
    scores = "elpd" if answer.question == "compare" else "elpd of the later waves"
    unit = f"{scores}, difference to the best (bars: 2 SE)"
    return bars_figure(
        bars, title="Models by how well they predict", unit=unit, band=answer.arguments["least_difference"]
    )


def _weights(elpd: xr.DataArray, method: Method) -> pd.Series:
    import arviz_stats

    # Weights do not change when the same constant is added to every model's density of a person.
    relative = elpd - elpd.max("model")
    results = {}
    for name in elpd["model"].to_numpy():
        of_model = relative.sel(model=name, drop=True)
        results[str(name)] = arviz_stats.ELPDDataLOO(
            elpd=float(of_model.sum()),
            se=_sum_error(of_model),
            p=np.nan,
            n_samples=0,
            n_data_points=of_model.size,
            scale="log",
            warning=False,
            good_k=np.nan,
            elpd_i=of_model,
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of many models differing by chance: pairs say so
        weights: pd.Series = arviz_stats.compare(results, method=method, round_to="none")["weight"]
    return weights.clip(0.0, 1.0)


def _sum_error(pointwise: xr.DataArray) -> float:
    return float(np.sqrt(pointwise.size * pointwise.var(ddof=1)))


def _table(elpd: xr.DataArray, scores: Mapping[str, Scores], weights: pd.Series) -> pd.DataFrame:
    best = elpd.isel(model=0, drop=True)
    rows = {}
    for name, score in scores.items():
        of_model = elpd.sel(model=name, drop=True)
        rows[name] = {
            "elpd": float(of_model.sum()),
            "se": _sum_error(of_model),
            "elpd_difference": float((of_model - best).sum()),
            "se_difference": _sum_error(of_model - best),
            "mcse": score.mcse,
            "p": score.p,
            "weight": float(weights[name]),
            "k_hat": float(score.k_hat.max()),
            "n_high": score.n_high,
            "n_matched": score.n_matched,
            "n_refitted": score.n_refitted,
            "integration_error": np.nan if score.integration is None else score.integration.mean,
            "integration_error_sd": np.nan if score.integration is None else score.integration.spread,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")


def _doubts(name: str, fitted: Fit, score: Scores) -> list[str]:
    doubts = []
    if not fitted.health.healthy:
        doubts.append(f"The draws of '{name}' cannot be trusted: {fitted.health.problems[0]}")
    if score.n_high:
        doubts.append(
            f"'{name}': {score.n_high} people have a Pareto k-hat above {score.good_k:.2f}, so its elpd is unreliable; "
            "raise most_refits, or draws."
        )
    return doubts


def _pairs(
    elpd: xr.DataArray,
    scores: Mapping[str, Scores],
    doubts: Mapping[str, list[str]],
    least_difference: float,
    least_errors: float,
) -> pd.DataFrame:
    rows = {}
    for better, worse in combinations(elpd["model"].to_numpy(), 2):
        difference = elpd.sel(model=better, drop=True) - elpd.sel(model=worse, drop=True)
        total, error = float(difference.sum()), _sum_error(difference)
        explained = _explained(scores[better], scores[worse])
        remaining = total - explained
        if doubts[better] or doubts[worse]:
            verdict = "undecided"
        elif remaining < least_difference or remaining < least_errors * error:
            verdict = "not distinguishable"
        else:
            verdict = "predicts better"
        mcse = float(np.hypot(scores[better].mcse, scores[worse].mcse))
        rows[better, worse] = {
            "elpd_difference": total,
            "se": error,
            "mcse": mcse,
            "by_integration": explained,
            "verdict": verdict,
        }
    return table_of(rows, "better", "worse")


def _explained(better: Scores, worse: Scores) -> float:
    """What errors of the integrals could explain of a difference, two SDs of both included."""
    errors = [score.integration for score in (better, worse)]
    means = [0.0 if error is None else error.mean for error in errors]
    spreads = [0.0 if error is None else error.spread for error in errors]
    return max(means[1] - means[0], 0.0) + 2 * math.hypot(*spreads)


def _integration_in_words(scores: Mapping[str, Scores]) -> Iterator[str]:
    errors = [
        f"'{name}' {score.integration.mean:+.2f} (SD {score.integration.spread:.2f})"
        for name, score in scores.items()
        if score.integration is not None
    ]
    if errors:
        yield f"Integration error of the log density, exact minus approximate: {in_words(errors)}."


def _sentences(
    pairs: pd.DataFrame, best: str, predicted: str, least_difference: float, least_errors: float
) -> tuple[str, ...]:
    sentences = []
    if len(pairs) > 1 and (pairs["verdict"] == "not distinguishable").all():
        sentences.append("No two of these models are distinguishable.")
    for (better, worse), row in pairs.loc[[best]].iterrows():
        total = row["elpd_difference"]
        numbers = f"elpd difference {total:.1f} (SE {row['se']:.1f}, Monte Carlo error {row['mcse']:.1f})"
        if row["verdict"] == "predicts better":
            sentences.append(f"'{better}' predicts {predicted} better than '{worse}': {numbers}.")
        elif row["verdict"] == "undecided":
            sentences.append(f"'{better}' and '{worse}': undecided, for the reasons below; {numbers}.")
        else:
            why = f"less than {number(least_difference)}" if total < least_difference else "too few SEs"
            if total >= max(least_difference, least_errors * row["se"]):
                why = f"of which integration error could explain {row['by_integration']:.1f}"
            sentences.append(f"'{better}' and '{worse}' are not distinguishable: {numbers}, {why}.")
    return tuple(sentences)


def _columns_in_words(method: Method, good_k: float) -> str:
    weight = "share in the mixture of these models that predicts best" if method == "stacking" else f"by {method}"
    if np.isnan(good_k):  # exact refits alone
        return f"weight: {weight}."
    return (
        f"weight: {weight}. k-hat: Pareto shape of the weights that leave a person out of the draws; above "
        f"{good_k:.2f} draws are moved for the person (matched), or the model is fitted again (refitted)."
    )


def _table_in_words(table: pd.DataFrame) -> TextTable:
    rows = [row for _, row in table.iterrows()]
    to_the_best = [
        f"{row['elpd_difference']:.1f} ({row['se_difference']:.1f})" if row["elpd_difference"] else "best"
        for row in rows
    ]
    return TextTable.of(
        {
            "": [str(name) for name in table.index],
            "elpd (SE)": [f"{row['elpd']:.1f} ({row['se']:.1f})" for row in rows],
            "to the best (SE)": to_the_best,
            "weight": [f"{weight:.2f}" for weight in table["weight"]],
            "k-hat at most": ["exact" if np.isnan(shape) else f"{shape:.2f}" for shape in table["k_hat"]],
            "matched": [f"{count:.0f}" if count else "none" for count in table["n_matched"]],
            "refitted": [f"{count:.0f}" if count else "none" for count in table["n_refitted"]],
        }
    )
