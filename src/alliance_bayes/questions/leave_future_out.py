"""Which model predicts the next waves best: leave the future out."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, get_args

from ..basics.calls import checked
from ..basics.given import is_number, is_one_of, shown
from ..basics.names import counted, in_words, number, quoted
from ..basics.problems import Problems, SpecError
from ..panel import unseen_from
from ..posterior.fit import Fit
from .answer import Answer
from .compare import (
    LEAST_DIFFERENCE,
    LEAST_ERRORS,
    MOST_REFITS,
    ZERO,
    Method,
    check_fits,
    check_options,
    compared,
)
from .scores import LeftOut, Scores, leave_out, plain_scores, refitted

__all__ = ["leave_future_out"]

Training = Literal["others", "past"]


@checked(apart=["fits", "time", "training", "least_difference", "least_errors", "most_refits"])
def leave_future_out(
    fits: Mapping[str, Fit],
    *,
    time: float | None = None,
    training: Training = "others",
    method: Method = "stacking",
    least_difference: float = LEAST_DIFFERENCE,
    least_errors: float = LEAST_ERRORS,
    most_refits: int = MOST_REFITS,
) -> Answer:
    """Compare models by how well they predict people's later waves from their earlier ones.

    A person's score is ``log p(future_i | past_i, training)``: at each draw the waves from `time`
    on are conditioned on the person's earlier waves, ``p(all) / p(past)``, both with random
    intercepts and latent values integrated out, and averaged over draws that never saw that future. Two
    questions, which differ in where the parameters come from:

    - ``training="others"``: leave one person's future out. The parameters come from that person's
      past and from all waves of all other people, scored as in `compare`. For any model; it asks
      how well a later patient's course can be predicted once others have been followed to the end,
      not what could have been predicted at the time.
    - ``training="past"``: leave-future-out proper [1]_. Each model is fitted again to the waves
      before `time`, of everybody; exact, about a second a model. Only for models whose later waves
      share all parameters with the earlier ones (equal or grid lags, equal residuals and means, no state):
      of others the past says nothing about the future's parameters, and the score would be one of
      their priors.

    Parameters
    ----------
    fits
        Name to fit, two or more, of the same panel and measures.
    time
        First wave to predict, one of the panel's after the first; the last wave when left open.
        All waves from it on are predicted at once, each person's jointly.
    training
        What the parameters are estimated from.
    method, least_difference, least_errors, most_refits
        As in `compare`; with ``training="past"`` there is nothing else to refit.

    Returns
    -------
    Answer
        As of `compare`, of the people with a value at `time` or later.

    Raises
    ------
    SpecError
        If the fits cannot be scored on the same people, `time` is not a wave after the first, an
        option is invalid, or, for ``training="past"``, a model has parameters that are not in
        the past, or too few waves there.
    PanelError
        If the panel holds moments alone.

    References
    ----------
    .. [1] Buerkner, Gabry & Vehtari (2020). Approximate leave-future-out cross-validation for
       Bayesian time series models. Journal of Statistical Computation and Simulation 90, 2499-2523.
       https://doi.org/10.1080/00949655.2020.1783262
    """
    problems = Problems("These fits cannot be compared by their predictions")
    check_fits(fits, problems)
    for name, fitted in fits.items():
        if fitted.spec.selection:
            problems.add(
                f"'{name}' has a selection, which predicts who is observed and not only the values. Compare models "
                "without it."
            )
    check_options(method, least_difference, least_errors, most_refits, problems)
    times = next(iter(fits.values())).panel.times
    if time is not None and not (is_number(time) and time in times[1:]):
        later = ", ".join(map(number, times[1:]))
        problems.add(f"time must be one of the waves after the first, {later}; got {shown(time)}.")
    if not is_one_of(training, get_args(Training)):
        problems.add(f"training must be one of {quoted(get_args(Training))}; got {shown(training)}.")
    problems.raise_as(SpecError)
    n_before = times.index(times[-1] if time is None else time)
    if training == "past":
        _check_past(fits, n_before, problems)
        problems.raise_as(SpecError)
    scores = {name: _scores(LeftOut(fitted, n_before), training, most_refits) for name, fitted in fits.items()}
    n_persons = next(iter(scores.values())).elpd.size
    return compared(
        "leave_future_out",
        fits,
        scores,
        time=times[n_before],
        training=training,
        method=method,
        least_difference=least_difference,
        least_errors=least_errors,
        most_refits=most_refits,
        heading=_heading(times, n_before, training, n_persons),
        predicted="the later waves",
        assumptions=_assumptions(training),
    )


def _check_past(fits: Mapping[str, Fit], n_before: int, problems: Problems) -> None:
    for name, fitted in fits.items():
        spec = fitted.spec
        later = [
            parameter.name
            for parameter in fitted.model.system.parameters
            if parameter.occasion is not None
            and parameter.occasion >= n_before - (parameter.kind in ("lagged", "innovation"))
        ]
        if later:
            problems.add(
                f"'{name}' has parameters of the later waves alone, about which the earlier ones say nothing: "
                f"{quoted(later, most=4)}. Fit it with what is the same at all waves (lags 'equal' or 'grid', "
                "residuals, means and loadings 'equal', no state), or ask with training='others'."
            )
        if n_before < spec.fewest_waves:
            cure = "Choose a later time, or ask" if n_before + 1 < len(fitted.panel.times) else "Ask"
            problems.add(
                f"'{name}': {counted(n_before, 'earlier wave')} do not identify a {spec.title}, which needs "
                f"{spec.fewest_waves}. {cure} with training='others'."
            )


def _scores(left_out: LeftOut, training: Training, most_refits: int) -> Scores:
    fitted = left_out.fit
    if training == "others":
        return replace(leave_out(left_out, most_refits), integration=left_out.integration_error(fitted))
    unseen = unseen_from(fitted.panel, left_out.n_given, measures=fitted.spec.reported_columns)
    past = refitted(fitted, unseen, fitted.settings.seed + 1)
    scores = plain_scores(left_out.log_density(past, left_out.persons))
    return replace(scores, integration=left_out.integration_error(past))


def _heading(times: tuple[float, ...], n_before: int, training: Training, n_persons: int) -> str:
    future, past = (in_words([number(time) for time in part]) for part in (times[n_before:], times[:n_before]))
    source = (
        "parameters estimated from those earlier waves alone (leave the future out; exact refits)"
        if training == "past"
        else "parameters estimated from other people at all waves (leave one person's future out)"
    )
    waves = "wave" if len(times) - n_before == 1 else "waves"
    return f"Each person's {waves} at {future} predicted from their own values at {past}, {source}; {n_persons} people"


def _assumptions(training: Training) -> tuple[str, ...]:
    source = (
        "The parameters come from the earlier waves alone, and are taken to hold in the later ones."
        if training == "past"
        else "The parameters come from people whose later waves are known: this is not what could have been predicted "
        "at the time."
    )
    return (
        "The elpd says how well a model predicts people's later values from their earlier ones; it is about "
        "prediction, not about causes.",
        source,
        "Later values are missing at random given the earlier ones; people do not affect each other.",
        ZERO,
        "Not distinguishable does not mean equal: these data do not distinguish the models by prediction.",
    )
