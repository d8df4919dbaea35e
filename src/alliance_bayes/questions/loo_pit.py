"""Are the predictions of single values as wide as they should be? Left-out persons, wave after wave."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..basics.calls import checked
from ..basics.names import number
from ..basics.problems import SpecError
from ..basics.text_tables import TextTable
from ..figures.evidence import Ranks, ranks_figure
from ..posterior.fit import Fit
from ..posterior.importance import LARGEST_K_HAT
from ..posterior.predictions.people import people_of
from ..spec.cross_lagged import CrossLagged
from .answer import Answer
from .registry import Arguments, Question, register

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["loo_pit"]

type FloatArray = NDArray[np.float64]

LEVEL = 0.05


@checked()
def loo_pit(fit: Fit) -> Answer:
    """Probability that the model gave to less than each observed value, with that person excluded.

    Parameters
    ----------
    fit
        A fit of a panel that holds its persons.

    Returns
    -------
    Answer
        ``table``, indexed by ``measure`` and ``time``: ``n`` values; ``mean`` of the shares (.5 where right, above it
        where predictions are too low); ``spread``, their SD over that of a uniform (1 where right, above it where
        predictions are too narrow); ``p`` of a Kolmogorov-Smirnov test; and ``verdict``, what is wrong in words where p
        times the number of rows is below .05.

        ``tables["shares"]``, indexed by ``person``, ``time`` and ``measure``: for every observed value the probability
        ``share``, in [0, 1], that the model gave to less than it [1]_ [2]_; uniform where predictions are right. With a
        state, also of what was reported of it.

        ``tables["persons"]``: Pareto shape ``k_hat`` by ``person``; above 0.7 that person's exclusion could not be
        worked out from the draws.

    Raises
    ------
    PanelError
        If the panel holds moments alone.
    SpecError
        If the model has a selection: observed people then differ from those for whom it predicts values.

    Notes
    -----
    ``sum_s w_is P(Y_itm < y_itm | y_i at times before t, theta_s)``: a normal probability given the same person's
    earlier waves and covariates, for every draw s, weighted by Pareto-smoothed importance sampling to what the
    posterior would be without person i. With families or a state the probability is computed from 400 posterior draws,
    one response from each, and of what exists only in a state from those in which it is on; a random share of the
    responses equal to the value counts as less than it, without which shares of discrete values would not be uniform
    [3]_. Values of later waves and of other measures at the same time play no part, so that within a measure the shares
    of different times are independent where the model is right.

    References
    ----------
    .. [1] Dawid (1984). Statistical theory: the prequential approach. Journal of the Royal Statistical Society A 147,
       278-292.
    .. [2] Vehtari, Gelman & Gabry (2017). Practical Bayesian model evaluation using leave-one-out cross-validation
       and WAIC. Statistics and Computing 27, 1413-1432.
    .. [3] Czado, Gneiting & Held (2009). Predictive model assessment for count data. Biometrics 65, 1254-1261.
       https://doi.org/10.1111/j.1541-0420.2009.01191.x
    """
    from arviz_stats.base import array_stats

    fit.panel.require_persons("A prediction of single values")
    if fit.spec.selection:
        raise SpecError(
            "loo_pit compares observed values with predictions for all people, and this model has a selection, by "
            "which observed people differ from the others. Use a model without selection."
        )
    people = people_of(fit.model)
    kept = np.linspace(0, fit.n_draws - 1, min(people.n_draws, fit.n_draws)).astype(int)
    likelihood = fit.log_likelihood()["log_likelihood"]["values"].transpose("chain", "draw", "person")
    log_weights, khat = array_stats.psislw(likelihood.to_numpy().reshape(fit.n_draws, -1)[kept].T)
    persons, columns, state = likelihood["person"].to_numpy(), list(fit.spec.response_columns), fit.spec.state
    columns += [] if state is None else [state.name]
    thetas, rng = np.ascontiguousarray(fit.thetas[kept]), fit.settings.rng("loo_pit")
    drawn = people.predictive_shares(thetas, np.exp(log_weights).T, rng)
    index = pd.MultiIndex.from_product([persons, fit.panel.times, columns], names=["person", "time", "measure"])
    shares = pd.Series(np.clip(drawn.ravel(), 0.0, 1.0), index=index, name="share").dropna()
    table, unreliable = _table(shares, columns), int((khat > LARGEST_K_HAT).sum())
    return Answer(
        question="loo_pit",
        arguments={},
        heading=(
            "Probability given to less than each observed value, by a model fitted without that person, given the "
            f"person's earlier waves; {len(persons)} people"
        ),
        table=table,
        body=(
            _in_words(table),
            "mean: .5 where predictions are right, above it where they are too low. spread: 1 where right, above it "
            "where predictions are too narrow. p: of a test that they are uniform.",
        ),
        health=fit.health,
        tables={
            "shares": shares.to_frame(),
            "persons": pd.DataFrame({"k_hat": khat}, index=pd.Index(persons, name="person")),
        },
        verdict=_conclusion(table),
        reasons=()
        if not unreliable
        else (
            f"Of {unreliable} people the exclusion could not be worked out from the draws (Pareto k, the heaviness of "
            f"the tail of their weights, is above {LARGEST_K_HAT}); "
            "their shares lean towards the middle.",
        ),
        figure=_figure,
    )


def _conclusion(table: pd.DataFrame) -> str:
    wrong = int((table["verdict"] != "").sum())
    if not wrong:
        return "no evidence that predictions are too wide, too narrow or off"
    return f"{wrong} of {len(table)} measures and times have miscalibrated predictions"


def _in_words(table: pd.DataFrame) -> TextTable:
    return TextTable.of(
        {
            "measure": [str(measure) for measure, _ in table.index],
            "time": [number(time) for _, time in table.index],
            "n": [str(n) for n in table["n"]],
            "mean": [f"{mean:.3f}" for mean in table["mean"]],
            "spread": [f"{spread:.3f}" for spread in table["spread"]],
            "p": ["< 0.001" if p < 0.001 else f"{p:.3f}" for p in table["p"]],
            "verdict": list(table["verdict"]),
        },
        left={"verdict"},
    )


def _figure(answer: Answer) -> "Figure":
    """Empirical distribution of the shares minus the uniform one, by measure and time, with a 95 % band."""
    shares = answer.tables["shares"]["share"]
    panels = [
        Ranks(
            f"{measure}, {number(time)}",
            shares.xs((measure, time), level=("measure", "time")).to_numpy(),
            bool(answer.table.loc[(measure, time), "verdict"]),
        )
        for measure, time in answer.table.index
    ]
    return ranks_figure(
        panels, n_columns=answer.table.index.get_level_values("time").nunique(), title="Are predictions calibrated?"
    )


def _table(shares: pd.Series, columns: Sequence[str]) -> pd.DataFrame:
    from scipy.stats import kstest

    grouped = shares.groupby(level=["measure", "time"])
    table = pd.DataFrame(
        {
            "n": grouped.size(),
            "mean": grouped.mean(),
            "spread": grouped.std(ddof=0) * np.sqrt(12),
            "p": grouped.agg(lambda group: kstest(group, "uniform").pvalue),
        }
    )
    verdicts = [
        off_in_words(row["n"], row["mean"], row["spread"], "predictions") if row["p"] * len(table) < LEVEL else ""
        for _, row in table.iterrows()
    ]
    return table.assign(verdict=verdicts).reindex(list(columns), level="measure")


def off_in_words(n: float, mean: float, spread: float, what: str) -> str:
    """What is most wrong with distributions, by the shares they give to less than what came: place, width or shape."""
    off = (mean - 0.5) * np.sqrt(12 * n)
    wide = (spread**2 - 1) * np.sqrt(n / 0.8)  # the variance of a uniform's squared deviation, in its squared variance
    if max(abs(off), abs(wide)) < 2:
        return "predictions have another shape"
    if abs(off) >= abs(wide):
        return f"{what} too low" if off > 0 else f"{what} too high"
    return f"{what} too narrow" if wide > 0 else f"{what} too wide"


class CalibrationArguments(Arguments):
    """A question about the calibration of predictions has no keys."""

    def against(self, model: CrossLagged) -> Iterator[str]:
        """Selection."""
        if model.selection:
            yield "This model has a selection, by which observed people differ from the others; ask it without."


register(Question.of(loo_pit, CalibrationArguments))
