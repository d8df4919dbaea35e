"""Multiple imputations made elsewhere: one fit of each completed panel, and what they say together."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import stdtr, stdtrit

from ..basics.calls import checked
from ..basics.given import is_number, shown
from ..basics.interrupts import held_interrupts
from ..basics.names import in_words, quoted
from ..basics.problems import InterruptionError, PanelError, Problems, SpecError
from ..engine.model_on_panel import PanelModel
from ..likelihood.maximum_likelihood import MaximumLikelihood
from ..panel import Panel
from ..spec.cross_lagged import CrossLagged
from .fitting import PACKAGE, Fit, FitWarning, fit, without_interruption_warnings
from .health import Health

__all__ = ["FitOfImputations", "PooledMaximumLikelihood", "fit_imputations", "imputation_of_chains", "mixed", "pool"]

N_SHOWN = 5
FEWEST = 2


@dataclass(frozen=True, eq=False, repr=False)
class FitOfImputations(Fit):
    """The posterior over all imputed panels: an equal mixture of the posteriors of each.

    Questions about parameters are answered from the draws of all fits, and the Monte Carlo errors of their
    probabilities hold what differs between panels. What belongs to the values of persons (scores, forecasts, checks,
    comparisons, Bayes factors, simulating the sample, saving) is asked of the single `fits`. R-hat in `summary`
    compares chains of different panels, so that it is large where imputations differ; `health` compares those of the
    same panel.

    Attributes
    ----------
    fits
        The fit of each panel, in the order given. `panel` holds what all panels share, and refuses the values of
        persons; `draws` holds the chains of all, which their coordinate ``imputation`` tells apart.
    """

    fits: tuple[Fit, ...] = ()

    @cached_property
    def model(self) -> PanelModel:
        """The model on what all panels share."""
        return replace(self.fits[0].model, panel=self.panel)

    @property
    def n_persons(self) -> int:
        """How many people have any value of the model."""
        return self.fits[0].n_persons

    def of_group(self, group: str) -> "FitOfImputations":
        """What was fitted of one group in all panels, for questions about a single population."""
        one = super().of_group(group)
        fits = tuple(each.of_group(group) for each in self.fits)
        return FitOfImputations(one.spec, one.panel, one.draws, one.settings, self, fits=fits)

    def require_one_panel(self, question: str, cure: str = "") -> None:
        """Refuse a question whose answer needs the values of persons.

        Raises
        ------
        SpecError
            Always.
        """
        raise _refusal(question, len(self.fits), cure)

    @cached_property
    def health(self) -> Health:
        """Whether the draws of every fit can be trusted: the worst of each diagnostic.

        R-hat is taken within each fit, for chains of different panels must differ. Chains that do not move are counted
        through all panels, as in `draws`.
        """
        parts = [each.health for each in self.fits]
        weakest = min(parts, key=lambda part: part.ess_bulk)
        before = np.cumsum([0, *(each.posterior.sizes["chain"] for each in self.fits)])
        return Health(
            rhat=float(np.max([part.rhat for part in parts])),
            ess_bulk=weakest.ess_bulk,
            ess_tail=float(np.min([part.ess_tail for part in parts])),
            divergences=sum(part.divergences for part in parts),
            bfmi=float(np.min([part.bfmi for part in parts])),
            worst=weakest.worst,
            problems=tuple(
                f"Panel {place}: {problem}" for place, part in enumerate(parts, start=1) for problem in part.problems
            ),
            stuck=tuple(int(before[place]) + chain for place, part in enumerate(parts) for chain in part.stuck),
            step_size=float(np.min([part.step_size for part in parts])),
            at_largest_depth=float(np.max([part.at_largest_depth for part in parts])),
        )

    @cached_property
    def between_share(self) -> pd.Series:
        """Share of the posterior variance that lies between imputations, the largest first.

        ``(1 + 1/m) B / (W + (1 + 1/m) B)``, B the variance of the m posterior means and W the mean posterior
        variance, of every derived quantity; in [0, 1]. Where it is large, more imputations are needed, and answers
        hang on how the imputations were made.

        Returns
        -------
        pandas.Series
            Indexed by the quantity with its coordinates, such as ``"lagged[0 to 6; alliance -> days]"``.
        """
        found: dict[str, float] = {}
        for quantity in self.derived.quantities:
            draws = [each.posterior[quantity.name] for each in self.fits]
            means = np.stack([each.mean(("chain", "draw")).to_numpy() for each in draws])
            within = np.mean([each.var(("chain", "draw"), ddof=1).to_numpy() for each in draws], axis=0)
            between = (1 + 1 / len(draws)) * means.var(axis=0, ddof=1)
            with np.errstate(invalid="ignore", divide="ignore"):
                shares = between / (within + between)
            labels = [draws[0][dim].to_numpy() for dim in quantity.dims]
            for place, share in np.ndenumerate(shares):
                names = "; ".join(str(label[index]) for label, index in zip(labels, place, strict=True))
                found[f"{quantity.name}[{names}]" if names else quantity.name] = float(share)
        return pd.Series(found, name="between_share").dropna().sort_values(ascending=False, kind="stable")

    @property
    def thetas(self) -> np.ndarray:
        """All posterior draws of the linear system's parameters, in the unit of the first fit's model."""
        first = self.fits[0].model
        return np.concatenate(
            [np.array([first.from_raw(each.model.to_raw(theta)) for theta in each.thetas]) for each in self.fits]
        )

    @checked()
    def save(self, path: str | PathLike[str]) -> Path:
        """Refused: save each of the `fits`."""
        raise _refusal("A file", len(self.fits))

    def __str__(self) -> str:
        shares = self.between_share
        lines = [f"  {name}: {share:.2f}" for name, share in shares.head(N_SHOWN).items()]
        return "\n".join(
            [
                f"{self.spec.title} of {in_words(self.spec.measures)}: {len(self.fits)} imputed panels of "
                f"{self.panel.n_persons} people, {len(self.panel.times)} waves, {self.draws_in_words}, seed "
                f"{self.settings.seed}",
                str(self.health),
                *self.incomplete,
                "Largest shares of variance between imputations (all in .between_share):",
                *lines,
            ]
        )

    __repr__ = __str__


@checked()
def fit_imputations(spec: CrossLagged, panels: Sequence[Panel], *, seed: int, **settings: Any) -> FitOfImputations:
    """Sample the posterior of a model on every one of several imputed panels, and mix them.

    A panel with missing values needs no imputation here: `fit` uses every value there is. This is for imputations
    made with more than the panel knows, such as variables that tell who is missing and why.

    Parameters
    ----------
    spec
        The model.
    panels
        At least two panels of the same persons, measures and times, with the absent values filled in
        differently, drawn from their distribution given what was observed.
    seed
        Seed of the first panel; each further one takes the next.
    settings
        Settings of `fit`, for every panel.

    Returns
    -------
    FitOfImputations
        Used like a `Fit`, with the single fits, diagnostics within them, and the share of variance between
        imputations.

    Raises
    ------
    PanelError
        If there are fewer than two panels, one holds moments alone, or they differ in persons, measures, times, groups
        or covariates, or in nothing at all.
    SpecError
        As `fit` does.
    InterruptionError
        If it is interrupted before two panels are fitted; later, what is done is returned, and said.

    Notes
    -----
    The posterior given the observed values is the mean of posteriors given completed ones, over the distribution
    of what is missing; draws of all fits together are draws of it. Each panel's prior stands in SDs of that panel.
    """
    spec.require_normal("fit_imputations")
    _check_panels(panels)
    with held_interrupts():
        fits = _fits(spec, panels, seed, settings)
        groups = {
            f"/{name}": mixed([each.drawn(name) for each in fits]) for name in ("posterior", "prior", "sample_stats")
        }
        missing: tuple[str, ...] = ()
        if len(fits) < len(panels):
            missing = (
                f"Interrupted after {len(fits)} of {len(panels)} imputed panels: the answer rests on these, and knows "
                "the less of what differs between imputations. Fit all panels for the final one.",
            )
            warnings.warn(missing[0], FitWarning, skip_file_prefixes=(PACKAGE,))
        together = replace(
            fits[0].settings,
            chains=sum(each.settings.chains for each in fits),
            compile_seconds=sum(each.settings.compile_seconds for each in fits),
            sampling_seconds=sum(each.settings.sampling_seconds for each in fits),
        )
        shared = _SharedPanel(panels[: len(fits)])
        return FitOfImputations(spec, shared, xr.DataTree.from_dict(groups), together, incomplete=missing, fits=fits)


class _SharedPanel(Panel):
    """What imputed panels share; it refuses all that belongs to the values of persons.

    So a question that reads values is refused of a fit of imputations, instead of being answered from one of them.
    """

    def __init__(self, panels: Sequence[Panel]) -> None:
        shared = {attribute.name: getattr(panels[0], attribute.name) for attribute in fields(Panel)}
        shared |= {"panels": tuple(panels), "source": f"{len(panels)} imputed panels"}
        for name, value in shared.items():
            if name not in ("values", "absence", "states"):
                object.__setattr__(self, name, value)

    panels: tuple[Panel, ...]

    @property
    def values(self) -> np.ndarray:
        """Refused."""
        raise _refusal("A person's value", len(self.panels))

    @property
    def absence(self) -> np.ndarray:
        """Refused."""
        raise _refusal("Who has a value", len(self.panels))

    @property
    def states(self) -> dict[str, np.ndarray]:
        """Refused."""
        raise _refusal("A person's state", len(self.panels))

    @property
    def has_persons(self) -> bool:
        """Whether the values of single persons are known: not the same in all panels."""
        return False

    @property
    def n_persons(self) -> int:
        """Number of persons, the same in every panel."""
        return self.panels[0].n_persons

    def require_persons(self, what: str) -> np.ndarray:
        """Refuse the values of persons."""
        raise _refusal(what, len(self.panels))

    def of_group(self, group: str) -> Self:
        """What the panels of one group share."""
        return type(self)([panel.of_group(group) for panel in self.panels])

    def __reduce__(self) -> tuple[Any, ...]:
        return _SharedPanel, (self.panels,)

    def __str__(self) -> str:
        return f"{self.source} of {self.n_persons} persons"

    __repr__ = __str__


def _refusal(what: str, n_panels: int, cure: str = "") -> SpecError:
    combine = cure or "and combine what they say"
    return SpecError(
        f"{what} belongs to one panel, and this fit is of {n_panels} imputed panels. Ask each of the single fits in "
        f".fits, {combine}."
    )


def imputation_of_chains(draws: xr.Dataset) -> dict[str, tuple[str, np.ndarray]]:
    """The coordinate by which draws computed from these stay known by their imputation; empty where there are none."""
    return {"imputation": ("chain", draws["imputation"].to_numpy())} if "imputation" in draws.coords else {}


def _fits(spec: CrossLagged, panels: Sequence[Panel], seed: int, settings: Mapping[str, Any]) -> tuple[Fit, ...]:
    """Fits of the panels, up to one whose sampling is interrupted, or to one that is interrupted later and kept.

    Raises
    ------
    InterruptionError
        If fewer than two are done by then.
    """
    found: list[Fit] = []
    try:
        for place, panel in enumerate(panels):
            with without_interruption_warnings():
                fitted = fit(spec, panel, seed=seed + place, **settings)
            if not fitted.interrupted:
                found.append(fitted)
            if fitted.stopped:
                break
    except (KeyboardInterrupt, InterruptionError):
        pass  # what is done is kept
    if len(found) < FEWEST:
        raise InterruptionError(
            f"Interrupted after {len(found)} of {len(panels)} imputed panels, and an answer needs {FEWEST} at least. "
            "Nothing was kept. Run it again; if it takes too long, use fewer draws or a shorter warm-up (tune)."
        )
    return tuple(found)


def mixed(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Draws of several imputations as chains of one data set, whose coordinate ``imputation`` tells them apart."""
    n_chains = [part.sizes["chain"] for part in parts]
    n_draws = min(part.sizes["draw"] for part in parts)  # fewer after an interruption
    return xr.concat(
        [
            part.isel(draw=slice(n_draws)).assign_coords(
                chain=np.arange(size) + sum(n_chains[:place]), imputation=("chain", np.full(size, place))
            )
            for place, (part, size) in enumerate(zip(parts, n_chains, strict=True))
        ],
        dim="chain",
    )


def _check_panels(panels: Sequence[Panel]) -> None:
    problems = Problems("These panels are no imputations of one panel")
    if len(panels) < 2:
        problems.add(
            f"There are {len(panels)} panels; give at least two, better twenty, each with its own imputations."
        )
    alone = [place for place, panel in enumerate(panels, start=1) if panel.values is None]
    if alone:
        problems.add(f"Panels {quoted(alone)} hold moments alone; give panels of the persons.")
    problems.raise_as(PanelError)
    first = panels[0]
    for place, panel in enumerate(panels[1:], start=2):
        differing = [
            name
            for name in ("persons", "measures", "times", "groups", "covariates")
            if not _alike(getattr(first, name), getattr(panel, name))
        ]
        if differing:
            problems.add(f"Panel {place} has other {in_words(differing)} than panel 1.")
    if not problems.found and all(_same_values(first, panel) for panel in panels[1:]):
        problems.add("All panels hold the same values, so nothing is imputed; use fit on one of them.")
    problems.raise_as(PanelError)


def _same_values(one: Panel, other: Panel) -> bool:
    first, second = (panel.require_persons("An imputation") for panel in (one, other))
    return np.array_equal(first, second, equal_nan=True)


def _alike(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    return list(one) == list(other)


@dataclass(frozen=True, eq=False)
class PooledMaximumLikelihood:
    """Maximum likelihood over imputed panels, by Rubin's rules.

    Attributes
    ----------
    spec
        The model.
    table
        One row per free parameter, indexed by its name, in the measures' own units: ``kind``; ``estimate``, the mean
        over panels; ``se``, the root of ``W + (1 + 1/m) B``, W the mean squared standard error and B the variance
        of the estimates; ``df`` of Barnard and Rubin [1]_; ``t`` and ``p`` against 0; ``lower`` and ``upper`` of the
        95 % interval; ``between_share``, ``(1 + 1/m) B / (W + (1 + 1/m) B)``, in [0, 1].
    n_panels, n_persons
        Panels, and people in each.
    complete_df
        Degrees of freedom that complete data would have had.
    messages
        What to know before trusting the numbers, in words.

    References
    ----------
    .. [1] Barnard & Rubin (1999). Small-sample degrees of freedom with multiple imputation. Biometrika 86, 948-955.
    """

    spec: CrossLagged
    table: pd.DataFrame
    n_panels: int
    n_persons: int
    complete_df: float
    messages: tuple[str, ...]

    def __str__(self) -> str:
        shown = self.table.drop(columns="kind").to_string(float_format=lambda value: f"{value:.3f}")
        head = (
            f"Maximum likelihood of a {self.spec}\n{self.n_panels} imputed panels of {self.n_persons} people, "
            "pooled by Rubin's rules"
        )
        return "\n".join([head, shown, *self.messages])


@checked(apart=["complete_df"])
def pool(found: Sequence[MaximumLikelihood], *, complete_df: float | None = None) -> PooledMaximumLikelihood:
    """Pool maximum likelihood of one model on several imputed panels by Rubin's rules.

    Parameters
    ----------
    found
        At least two answers of `maximum_likelihood`, of one spec, on imputations of one panel.
    complete_df
        Degrees of freedom that complete data would have had; left open, people (or clusters) less 1.

    Returns
    -------
    PooledMaximumLikelihood
        Estimates with standard errors that hold the uncertainty about what is missing.

    Raises
    ------
    SpecError
        If there are fewer than two answers, or they differ in spec, parameters, people or kind of standard errors.

    Notes
    -----
    With ``l`` the share between imputations, m panels and v degrees of freedom of complete data,
    ``df = 1 / (1 / old + 1 / observed)``, ``old = (m - 1) / l^2`` and ``observed = (v + 1) / (v + 3) v (1 - l)``.
    Tests of fit are not pooled; look at those of each panel.
    """
    _check_answers(found, complete_df)
    first, m = found[0], len(found)
    estimates = np.array([each.table["estimate"].to_numpy() for each in found])
    within = np.mean([each.table["se"].to_numpy() ** 2 for each in found], axis=0)
    between = (1 + 1 / m) * estimates.var(axis=0, ddof=1)
    known = float((first.n_clusters or first.n_persons) - 1) if complete_df is None else float(complete_df)
    share = between / (within + between)
    with np.errstate(divide="ignore"):
        old = (m - 1) / share**2
    observed = known * (1 - share) if np.isinf(known) else (known + 1) / (known + 3) * known * (1 - share)
    df = 1 / (1 / old + 1 / observed)
    estimate, se = estimates.mean(axis=0), np.sqrt(within + between)
    width = stdtrit(df, 0.975) * se
    table = pd.DataFrame(
        {
            "kind": first.table["kind"],
            "estimate": estimate,
            "se": se,
            "df": df,
            "t": estimate / se,
            "p": 2 * stdtr(df, -np.abs(estimate / se)),
            "lower": estimate - width,
            "upper": estimate + width,
            "between_share": share,
        },
        index=first.table.index,
    )
    messages = [f"Panel {place}: {message}" for place, each in enumerate(found, start=1) for message in each.messages]
    return PooledMaximumLikelihood(first.spec, table, m, first.n_persons, known, tuple(messages))


def _check_answers(found: Sequence[MaximumLikelihood], complete_df: float | None) -> None:
    problems = Problems("These answers cannot be pooled")
    if len(found) < 2:
        problems.add(f"There are {len(found)} answers; give at least two, one for each imputed panel.")
    for place, each in enumerate(found[1:], start=2):
        differing = [
            words
            for words, one, other in (
                ("spec", found[0].spec, each.spec),
                ("parameters", list(found[0].table.index), list(each.table.index)),
                ("number of people", found[0].n_persons, each.n_persons),
                ("standard errors", found[0].standard_errors, each.standard_errors),
                ("clusters", found[0].n_clusters, each.n_clusters),
            )
            if one != other
        ]
        if differing:
            problems.add(f"Answer {place} has another {in_words(differing)} than answer 1.")
    if (
        complete_df is not None
        and not (isinstance(complete_df, float) and complete_df == np.inf)
        and not (is_number(complete_df) and complete_df > 0)
    ):
        problems.add(f"complete_df must be above 0; got {shown(complete_df)}.")
    problems.raise_as(SpecError)
