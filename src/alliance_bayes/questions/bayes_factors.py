"""No effect against some effect: Savage-Dickey Bayes factors, and how they depend on the prior's width."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pandas as pd
import xarray as xr
from pydantic import Field

from ..basics.calls import checked
from ..basics.declared import Listed, Positive
from ..basics.distributions import Normal
from ..basics.given import is_number, shown
from ..basics.names import lagged_path, number
from ..basics.problems import Problems, SpecError
from ..basics.text_tables import TextTable
from ..figures.evidence import EvidenceCurve, evidence_curves_figure
from ..posterior.fit import Fit
from ..posterior.health import draws_without_value
from .answer import LIMITS, Answer, untrusted
from .arguments import Group, PairArguments, pair_problems, population
from .cells import table_of
from .dynamics import CROSS_EFFECTS, sample_in_words
from .path_colours import path_colour
from .ratios import Ratio
from .registry import Question, register
from .scores import refitted

if TYPE_CHECKING:
    from matplotlib.figure import Figure


__all__ = ["DensityRatio", "bayes_factors", "savage_dickey"]

Widths = Annotated[Listed[Positive], Field(min_length=1, description="a list of numbers above 0, SDs of the prior")]

WIDTHS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.5)
MOST_SHAPE = 0.7
MOST_ERROR = 0.25
ALWAYS = "every interval"
AVERAGE = "on average over intervals"


@dataclass(frozen=True)
class DensityRatio:
    """Log of posterior over prior density at 0, its Monte Carlo standard error, and the largest Pareto shape."""

    log: float
    error: float
    k_hat: float

    @property
    def sound(self) -> bool:
        """Whether the estimate can be trusted."""
        return self.k_hat <= MOST_SHAPE and self.error <= MOST_ERROR


type Nulls = dict[tuple[str, str], list[dict[str, str]]]
type Ratios = dict[tuple[str, str], list[DensityRatio]]


@checked(outside=["widths"])
def bayes_factors(
    fit: Fit,
    first: str,
    second: str,
    *,
    widths: Sequence[float] = WIDTHS,
    refit: bool = True,
    group: str | None = None,
) -> Answer:
    """Compute Bayes factors of no lagged effect between two measures against an effect, in each direction.

    The Bayes factor of the model without a path against the model with it is the ratio of the
    effect's posterior and prior densities at 0 [1]_. The prior density is known. The posterior
    density at 0 is averaged over draws (c, u) of the effects in question and of everything else,
    ``p(0 | D) = E[w(c | u) p(0, u, D) / p(c, u, D)]``, with w the normal approximation of c given u
    [2]_: the model's own density, not a kernel, so that it holds as well far from the centre as
    near it, for several effects at once, and has a Monte Carlo error.

    Parameters
    ----------
    fit
        A fitted model with both paths.
    first, second
        Two of its measures.
    widths
        SDs of the prior of all cross-lagged effects at which the Bayes factors are computed too, by
        weighting the draws with the ratio of the priors.
    refit
        Whether to sample again at a width where the weights are not to be trusted.
    group
        Which group's effects are 0, where the fit has groups.

    Returns
    -------
    Answer
        ``table``, indexed by ``absent`` (a path, or "both paths") and ``over`` (every interval, or one of them
        where lags are unpooled; with ``lags="free"`` the average over intervals, about which effects may differ).
        ``bf01``: Bayes factor of no effect against an effect; above 1 the data favour no effect;
        ``bf10`` is its inverse. ``log_error``: Monte Carlo standard error of the logarithm. ``z``: posterior mean over
        posterior SD (NaN for several effects). ``k_hat``: Pareto shape of the estimate's terms. ``sound``: whether the
        shape is at most .7, the error of the logarithm at most .25 and the sampling healthy; distrust the row
        otherwise.

        ``tables["curve"]``, indexed by ``absent``, ``over`` and ``width``, the SD of the prior of all cross-lagged
        effects: ``bf01``, ``log_error``, ``k_hat``, ``refitted`` (sampled again at this width) and ``sound``.

        ``basis``: the prior of cross-lagged effects in the fit.

    Raises
    ------
    SpecError
        If a measure is not in the model, both are the same, a path is fixed at 0, the effects'
        prior is not normal on the scale of the draws, a width is not above 0, the group is not one of the fit's, or
        the fit is of imputed panels.

    Notes
    -----
    The effects are those on which the prior is stated, in SDs at the first wave, so that "no effect"
    is exactly ``spec.without(path)``, other priors unchanged; with ``lags="free"`` it is no effect on average, and with
    ``group_lags="free"`` none in the group that is asked about.

    References
    ----------
    .. [1] Wagenmakers, Lodewyckx, Kuriyal & Grasman (2010). Bayesian hypothesis testing for
       psychologists: a tutorial on the Savage-Dickey method. Cognitive Psychology 60, 158-189.
    .. [2] Chen (1994). Importance-weighted marginal Bayesian posterior density estimation. Journal of
       the American Statistical Association 89, 818-824.
    """
    fit.require_one_panel(
        "A Bayes factor",
        "the mean of whose bf01 is that of the observed values, if they were imputed by this model with its priors",
    )
    asked = _check(fit, first, second, widths, group)
    prior, nulls = _prior(fit), _nulls(fit, first, second, group)
    every_width = tuple(dict.fromkeys([prior.sd, *map(float, widths)]))  # the fit's own comes first
    ratios, again = _ratios_by_width(fit, nulls, every_width, refit)
    healthy = fit.health.healthy
    rows = {null: {**_row(by_width[0], healthy), "z": _z(fit, nulls[null])} for null, by_width in ratios.items()}
    points = {
        (*null, width): {**_row(ratio, healthy), "refitted": width in again}
        for null, by_width in ratios.items()
        for width, ratio in sorted(zip(every_width, by_width, strict=True))
    }
    table = table_of(rows, "absent", "over")[["bf01", "bf10", "log_error", "z", "k_hat", "sound"]]
    curve = table_of(points, "absent", "over", "width")[["bf01", "log_error", "k_hat", "refitted", "sound"]]
    return Answer(
        question="bayes_factors",
        arguments={"between": (first, second), "widths": tuple(map(float, widths)), "refit": refit, "group": group},
        heading=f"{_heading(fit)}; {sample_in_words(asked, group)}",
        table=table,
        body=(_in_words(table, curve),),
        health=fit.health,
        tables={"curve": curve},
        reasons=_reasons(fit, curve),
        assumptions=(
            "Each Bayes factor compares the model with the model without the path; it says nothing about either "
            "against other models, and is no probability of a hypothesis.",
            "It depends on the prior of the effect: the wider the prior, the more it favours no effect. "
            "Read all of the curve.",
            "An effect of exactly 0 is rarely of interest; for effects too small to matter use ab.hypotheses.",
            *fit.spec.assumptions,
        ),
        before_assumptions=LIMITS,
        basis=prior,
        figure=partial(_figure, measures=fit.spec.measures),
    )


def _figure(answer: Answer, measures: Sequence[str]) -> "Figure":
    """Bayes factors of absence in every interval over the width of the prior."""
    curves = {}
    curve = answer.tables["curve"]
    over = curve.index.get_level_values("over")
    for absent, rows in curve[over.isin([ALWAYS, AVERAGE])].groupby(level="absent", sort=False):
        widths = rows.index.get_level_values("width").to_numpy()
        factors, errors, sound = (rows[name].to_numpy() for name in ("bf01", "log_error", "sound"))
        curves[_without(str(absent))] = EvidenceCurve(
            widths, np.log(factors), errors, sound, path_colour(str(absent), measures)
        )
    prior = answer.basis
    assert isinstance(prior, Normal)
    unit = "BF01, for no effect against an effect\n(above 1: data favour no effect)"
    return evidence_curves_figure(curves, title="Bayes factors by the width of the prior", unit=unit, chosen=prior.sd)


def _in_words(table: pd.DataFrame, curve: pd.DataFrame) -> TextTable:
    widths = curve.index.unique("width")
    ranges = np.log(curve["bf01"]).groupby(level=["absent", "over"], sort=False).agg(["min", "max"])
    ratios = [Ratio(float(np.log(row["bf01"])), row["log_error"]) for _, row in table.iterrows()]
    spans = [tuple(Ratio(float(value), 0.0) for value in ranges.loc[key]) for key in table.index]
    return TextTable.of(
        {
            "": [f"{_without(absent)}, {over}" for absent, over in table.index],
            "BF01 [MC error]": [ratio.with_error() for ratio in ratios],
            "BF10": [str(ratio.inverse) for ratio in ratios],
            "mean / SD": ["" if np.isnan(z) else f"{z:.1f}" for z in table["z"]],
            f"BF01 at prior SD {number(widths.min())} to {number(widths.max())}": [
                f"{least} to {most}" for least, most in spans
            ],
            " ": ["" if sound else "not settled by the draws" for sound in table["sound"]],
        },
        left={" "},
    )


def savage_dickey(
    points: np.ndarray,
    at_points: np.ndarray,
    log_density: Callable[[np.ndarray], np.ndarray],
    absent: np.ndarray,
    shared: np.ndarray,
    prior: Normal,
    widths: Sequence[float],
) -> list[DensityRatio]:
    """Posterior over prior density at 0 of some effects, for several prior SDs, from draws of one posterior.

    `points` are the draws, shape ``(chain, draw, number)``, with the log posterior density `at_points` up to a
    constant; `absent` are the positions of the effects that are 0, `shared` those of all effects that have the
    independent `prior` whose SD changes.
    """
    n_chains, _, size = points.shape
    flat = points.reshape(-1, size)
    at_zero = flat.copy()
    at_zero[:, absent] = 0.0
    terms = _conditional(flat, absent) + log_density(at_zero) - at_points
    ratios = []
    for width in widths:
        changed = [_prior_change(numbers[:, shared], prior, width) for numbers in (at_zero, flat)]
        above, below = ((terms + changed[0]).reshape(n_chains, -1), changed[1].reshape(n_chains, -1))
        posterior, influence = _log_ratio_of_means(above, below)
        at_prior = len(absent) * float(_log_normal(np.zeros(1), prior.mean, width)[0])
        ratios.append(DensityRatio(posterior - at_prior, _error_of_mean(influence), max(_shape(above), _shape(below))))
    return ratios


def _check(fit: Fit, first: str, second: str, widths: Sequence[float], group: str | None) -> Fit:
    """The fit of the population that is asked about, if Bayes factors can be computed."""
    problems = Problems("These Bayes factors cannot be computed")
    asked = population(fit, group, problems)
    problems.found += pair_problems(fit.spec, first, second)
    if not problems.found:
        for path in (lagged_path(first, second), lagged_path(second, first)):
            if path not in _paths_with_density(fit):
                problems.add(
                    f"'{path}' is not a random variable of this model with a normal prior, so its density at 0 is not "
                    "known. Compare fits with and without it by ab.compare."
                )
    for width in widths:
        if not is_number(width) or width <= 0:
            problems.add(f"widths must be numbers above 0; got {shown(width)}.")
    problems.raise_as(SpecError)
    if undefined := draws_without_value(fit.posterior[[block.name for block in fit.model.scale.blocks]]):
        problems.add(undefined)
    problems.raise_as(SpecError)
    return asked


def _random_variable(fit: Fit) -> str | None:
    """The one whose entries are the cross-lagged effects, or cross-drifts in continuous time."""
    return next((name for name in CROSS_EFFECTS if name in fit.posterior), None)


def _effects(fit: Fit, group: str = "posterior") -> xr.DataArray:
    return fit.drawn(group)[str(_random_variable(fit))]


def _paths_with_density(fit: Fit) -> list[str]:
    return [] if _random_variable(fit) is None else list(_effects(fit)["cross_lagged_path"].to_numpy())


def _prior(fit: Fit) -> Normal:
    prior: Normal = getattr(fit.spec.priors, str(_random_variable(fit)))
    return prior


def _nulls(fit: Fit, first: str, second: str, group: str | None) -> Nulls:
    """What is 0 in each hypothesis: selections from the random variable ``cross_lagged``."""
    effects = _effects(fit)
    of_group = {"group": str(group)} if "group" in effects.dims else {}
    paths = (lagged_path(first, second), lagged_path(second, first))
    over = _over(fit)
    nulls: Nulls = {(path, over): [of_group | {"cross_lagged_path": path}] for path in paths}
    nulls["both paths", over] = [of_group | {"cross_lagged_path": path} for path in paths]
    if "interval" in effects.dims:
        for path in paths:
            for interval in effects["interval"].to_numpy():
                nulls[path, str(interval)] = [of_group | {"cross_lagged_path": path, "interval": str(interval)}]
    return nulls


def _over(fit: Fit) -> str:
    """Where effects are 0 when their random variable is, which is an average where free lags are pooled."""
    return AVERAGE if "cross_lagged_deviation" in fit.posterior else ALWAYS


def _ratios_by_width(fit: Fit, nulls: Nulls, widths: Sequence[float], refit: bool) -> tuple[Ratios, set[float]]:
    """Density ratios of each hypothesis at all widths, and the widths at which the model was sampled again."""
    prior, ratios, again = _prior(fit), _ratios(fit, nulls, widths), set[float]()
    for index, width in enumerate(widths):
        if refit and index and not all(by_width[index].sound for by_width in ratios.values()):
            changed: Any = {_random_variable(fit): Normal(prior.mean, width)}
            spec = replace(fit.spec, priors=replace(fit.spec.priors, **changed))
            exact = _ratios(refitted(fit, fit.panel, fit.settings.seed + index, spec), nulls, (width,))
            again.add(width)
            for null, by_width in ratios.items():
                by_width[index] = exact[null][0]
    return ratios, again


def _ratios(fit: Fit, nulls: Nulls, widths: Sequence[float]) -> Ratios:
    from ..pymc_models.densities import log_density_of

    target = log_density_of(fit.model)
    effects = _effects(fit).isel(chain=0, draw=0, drop=True)
    labelled = effects.copy(data=target.positions(str(_random_variable(fit))).reshape(effects.shape))
    sizes = (fit.posterior.sizes["chain"], fit.posterior.sizes["draw"], -1)
    flat = target.points(fit.posterior)
    points, at_points = flat.reshape(sizes), target(flat)
    return {
        null: savage_dickey(
            points,
            at_points,
            target,
            np.unique(np.concatenate([np.ravel(labelled.sel(chosen)) for chosen in selections])),
            np.ravel(labelled),
            _prior(fit),
            widths,
        )
        for null, selections in nulls.items()
    }


def _z(fit: Fit, selections: list[dict[str, str]]) -> float:
    """How many posterior SDs a single effect is from 0; NaN of several."""
    effect = _effects(fit).sel(selections[0])
    if len(selections) > 1 or set(effect.dims) != {"chain", "draw"}:
        return np.nan
    return float(effect.mean() / effect.std())


def _row(ratio: DensityRatio, healthy: bool) -> dict[str, float]:
    return {
        "bf01": float(np.exp(ratio.log)),
        "bf10": float(np.exp(-ratio.log)),
        "log_error": ratio.error,
        "k_hat": ratio.k_hat,
        "sound": healthy and ratio.sound,
    }


def _heading(fit: Fit) -> str:
    unit = "within-person SD per SD" if fit.spec.random_intercepts else "SD per SD"
    what = "no drift" if _random_variable(fit) == "cross_drift" else "no lagged effect"
    what += " on average over intervals" if _over(fit) == AVERAGE else ""
    return f"Bayes factors of {what} against one with prior {_prior(fit)}, {unit}"


def _reasons(fit: Fit, curve: pd.DataFrame) -> tuple[str, ...]:
    doubtful = curve.loc[~curve["sound"].astype(bool)].index.unique("width")
    if not fit.health.healthy or not len(doubtful):
        return untrusted(fit.health)
    widths = ", ".join(number(width) for width in sorted(doubtful))
    return (f"At prior SD {widths} the draws do not determine every Bayes factor; sample more draws.",)


def _without(absent: str) -> str:
    return "neither path" if absent == "both paths" else f"no {absent}"


def _conditional(points: np.ndarray, absent: np.ndarray) -> np.ndarray:
    """Log density of some numbers given the others under a normal with the draws' moments; shape ``(draw,)``."""
    deviations = points - points.mean(axis=0)
    present = np.delete(np.arange(points.shape[1]), absent)
    slopes = np.linalg.lstsq(deviations[:, present], deviations[:, absent], rcond=None)[0]
    residuals = deviations[:, absent] - deviations[:, present] @ slopes
    covariance = residuals.T @ residuals / len(points)
    factor = np.linalg.cholesky(covariance)
    scaled = np.linalg.solve(factor, residuals.T)
    constant = np.log(np.diag(factor)).sum() + 0.5 * len(absent) * np.log(2 * np.pi)
    return np.asarray(-0.5 * (scaled**2).sum(axis=0) - constant)


def _log_normal(values: np.ndarray, mean: float, sd: float) -> np.ndarray:
    return np.asarray(-0.5 * ((values - mean) / sd) ** 2 - np.log(sd) - 0.5 * np.log(2 * np.pi))


def _prior_change(effects: np.ndarray, prior: Normal, width: float) -> np.ndarray:
    """Log ratio of the new and the old prior at each draw."""
    change = _log_normal(effects, prior.mean, width) - _log_normal(effects, prior.mean, prior.sd)
    return np.asarray(change.sum(axis=1))


def _log_ratio_of_means(above: np.ndarray, below: np.ndarray) -> tuple[float, np.ndarray]:
    """Log of ``mean(exp(above)) / mean(exp(below))`` and each draw's influence on it."""
    most, least = above.max(), below.max()
    upper, lower = np.exp(above - most), np.exp(below - least)
    log = float(np.log(upper.mean()) + most - np.log(lower.mean()) - least)
    return log, upper / upper.mean() - lower / lower.mean()


def _error_of_mean(influence: np.ndarray) -> float:
    from arviz_stats.base import array_stats

    return float(array_stats.mcse(influence, method="mean")) if np.ptp(influence) else 0.0


def _shape(log_weights: np.ndarray) -> float:
    """Pareto shape of the largest weights; minus infinity where all are equal."""
    from arviz_stats.base import array_stats

    flat = log_weights.ravel()
    if np.ptp(flat) < 1e-9:
        return -np.inf
    return float(array_stats.psislw(-flat)[1])


class BayesFactorsArguments(PairArguments):
    """Keys of Bayes factors of no lagged effect."""

    widths: Widths = WIDTHS
    refit: Annotated[bool, Field(description="true or false")] = True
    group: Group | None = None


register(Question.of(bayes_factors, BayesFactorsArguments))
