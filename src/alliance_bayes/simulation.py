"""Panels from known equations: a truth, and persons drawn from it.

Nothing here is shared with the likelihood: shocks are drawn and summed person by person, so that
recovering a simulated truth is evidence.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import combinations, pairwise
from numbers import Real
from typing import Any, Literal, Self, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .names import ARROW, choices, in_words, lagged_path, number, quoted, split_path
from .panel import Panel
from .problems import Problems, SpecError
from .spec.family import CLPM, RICLPM
from .spec.steps import base_step, interval_names, steps_per_interval

__all__ = ["Missing", "Truth", "simulate"]

type Array = NDArray[np.float64]
type Each = float | Sequence[float]
type PerMeasure = Each | Mapping[str, Each]
type Plain = float | tuple[float, ...] | None
type Correlation = float | Mapping[str, float] | Sequence[Sequence[float]] | Array

Mechanism = Literal["completely_at_random", "at_random"]
Unit = Literal["wave", "value"]

SMALLEST_EIGENVALUE = 1e-9


@dataclass(frozen=True)
class Truth:
    """True values of a stationary RI-CLPM or CLPM, from which persons can be drawn.

    ``y_it = mu_t + b_i + w_it``,  ``b_i ~ N(0, B)``,  ``w_i1 ~ N(0, W)``,
    ``w_it = Phi_t w_i,t-1 + z_it``,  ``z_it ~ N(0, Psi_t)``,  ``Psi_t = W - Phi_t W Phi_t'``,

    so that the within-person covariance is W at every wave [1]_ [2]_. In a CLPM B is 0.

    Parameters
    ----------
    spec
        `RICLPM` or `CLPM`: which measures, how effects depend on the interval, which are 0.
    times
        Times of the waves, increasing, in the panel's unit.
    lagged
        Lagged effects by path, such as ``{"alliance -> days": 0.12}``, in within-person SDs of
        the outcome per within-person SD of the predictor (in a CLPM: SDs of the measures). A
        number; with ``lags="free"`` also a list with one number for each interval; with
        ``lags="grid"`` the effect over one base step, and longer intervals follow exactly as
        matrix powers. Paths named neither here nor by `carry_over` are 0.
    carry_over
        Effects of the measures on themselves, in the same unit: one for all, or by measure.
        The same effect may instead stand in `lagged` as ``"days -> days"``.
    icc
        Share of a measure's variance that is stable between persons, in [0, 1): one for all, or
        by measure. An RI-CLPM needs it, a CLPM has none.
    within_correlation, between_correlation
        Correlations of the within-person parts at a wave, and of the random intercepts: one
        for every pair, by pair (``{"alliance, days": 0.26}``, all pairs), or a symmetric
        matrix in the order of the measures. A CLPM has none between.
    means
        Means in raw units: one for all, or by measure; with ``means="free"`` each may be a list
        with one number for each wave. Without it they are 0.
    sds
        Total SDs in raw units, above 0: one for all, or by measure. Without it they are 1.

    Raises
    ------
    SpecError
        If a value is none of the model's, a correlation matrix or an innovation covariance is
        not positive definite, the lagged effects are unstable (a spectral radius of 1 or
        more), or the model's ``residuals="equal"`` contradicts them; all problems at once.

    References
    ----------
    .. [1] Hamaker, Kuiper & Grasman (2015). A critique of the cross-lagged panel model.
       Psychological Methods 20, 102-116. https://doi.org/10.1037/a0038889
    .. [2] Mulder (2023). Power analysis for the random intercept cross-lagged panel model using
       the powRICLPM R-package. Structural Equation Modeling 30, 645-658.
       https://doi.org/10.1080/10705511.2022.2122467

    Examples
    --------
    >>> truth = Truth(
    ...     RICLPM(["alliance", "days"]),
    ...     times=[0, 3, 6],
    ...     lagged={"alliance -> days": 0.12},
    ...     carry_over=0.3,
    ...     icc=0.5,
    ...     within_correlation=0.26,
    ...     between_correlation=0.35,
    ... )
    >>> print(truth)
    True values of a random-intercept cross-lagged panel model of alliance and days at times 0, 3 and 6
    Lagged effects, in within-person SDs of the outcome per within-person SD of the predictor:
                         0 to 3 3 to 6
    alliance -> alliance    0.3    0.3
    days -> alliance          0      0
    alliance -> days       0.12   0.12
    days -> days            0.3    0.3
    Measures, in raw units:
              ICC SD mean
    alliance  0.5  1    0
    days      0.5  1    0
    Correlations within persons: alliance, days 0.26
    Correlations between persons: alliance, days 0.35
    """

    spec: RICLPM | CLPM
    times: Sequence[float] = field(kw_only=True)
    lagged: Mapping[str, Each] = field(default_factory=dict, kw_only=True)
    carry_over: PerMeasure | None = field(default=None, kw_only=True)
    icc: float | Mapping[str, float] | None = field(default=None, kw_only=True)
    within_correlation: Correlation = field(default=0.0, kw_only=True)
    between_correlation: Correlation = field(default=0.0, kw_only=True)
    means: PerMeasure | None = field(default=None, kw_only=True)
    sds: float | Mapping[str, float] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        problems = Problems("This truth cannot be simulated")
        if not isinstance(self.spec, RICLPM | CLPM):
            problems.add(f"spec must be ab.RICLPM(...) or ab.CLPM(...); got {self.spec!r}.")
        times = _plain_numbers(self.times)
        if not isinstance(times, tuple) or len(times) < 2 or any(later <= time for time, later in pairwise(times)):
            problems.add(f"times must be two or more increasing numbers; got {self.times!r}.")
        problems.raise_as(SpecError)
        self._keep(times=times)

        read = _Reader(self.spec.measures, problems)
        effect = _effect_entry(self.spec, len(self.times) - 1)
        for problem in self.spec.problems_with(tuple(self.times)):
            problems.add(problem)
        self._keep(
            lagged=read.by_path("lagged", self.lagged, effect),
            carry_over=read.by_measure("carry_over", self.carry_over, effect, complete=False),
            within_correlation=read.correlation("within_correlation", self.within_correlation),
        )
        dynamics_are_known = not problems.found
        if self.spec.random_intercepts and self.icc is None:
            problems.add(f"icc is missing: the share of variance that is stable between persons, {_SHARE.expected}.")
        self._keep(
            icc=read.by_measure("icc", self.icc, _SHARE),
            between_correlation=read.correlation("between_correlation", self.between_correlation),
            means=read.by_measure("means", self.means, _mean_entry(self.spec, len(self.times))),
            sds=read.by_measure("sds", self.sds, _SD),
        )
        for name in ("icc", "between_correlation"):
            if not self.spec.random_intercepts and getattr(self, name):
                problems.add(
                    f"A {self.spec.title} has no random intercepts, hence no {name}; got {getattr(self, name)}. "
                    "Leave it out, or use ab.RICLPM(...)."
                )
        if dynamics_are_known:
            self._check_dynamics(problems)
        problems.raise_as(SpecError)

    @classmethod
    def from_mapping(cls, spec: RICLPM | CLPM, mapping: Mapping[str, object]) -> Self:
        """Read a truth as a model file writes it; the inverse of `to_mapping`.

        Parameters
        ----------
        spec
            The model the truth belongs to.
        mapping
            The parameters of `Truth` other than `spec`, by name.

        Raises
        ------
        SpecError
            If a name is not one of them, `times` is missing, or the truth is refused.

        Examples
        --------
        >>> spec = CLPM(["x", "y"])
        >>> truth = Truth.from_mapping(spec, {"times": [0, 1], "carry_over": 0.5})
        >>> Truth.from_mapping(spec, truth.to_mapping()) == truth
        True
        """
        problems = Problems("[truth] cannot be read")
        known = [each.name for each in fields(cls) if each.name != "spec"]
        for name in mapping:
            if name not in known:
                problems.add(f"A truth has no '{name}'{choices(name, known, 'Its keys')}")
        if "times" not in mapping:
            problems.add("'times' is missing: the times of the waves, such as times = [0, 3, 6].")
        problems.raise_as(SpecError)
        given: dict[str, Any] = dict(mapping)
        return cls(spec, **given)

    def to_mapping(self) -> dict[str, object]:
        """Return the truth without its model as plain numbers, lists and tables, ready for TOML."""
        given = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "spec"}
        return {name: _plain(value) for name, value in given.items() if value is not None}

    @property
    def standardized(self) -> Array:
        """Lagged effects, in within-person SDs of the outcome per within-person SD of the predictor.

        Dims (interval, outcome, predictor); the SDs are the same at every wave.
        """
        effects = self._effects
        if self.spec.lags != "grid":
            return effects
        return np.array([np.linalg.matrix_power(effects[0], steps) for steps in steps_per_interval(tuple(self.times))])

    @property
    def raw(self) -> Array:
        """Lagged effects Phi_t, in raw units of the outcome per raw unit of the predictor.

        Dims (interval, outcome, predictor).
        """
        sds = self._within_sds
        return self.standardized * sds[:, None] / sds[None, :]

    @property
    def within_covariance(self) -> Array:
        """Within-person covariance W at every wave, raw units; dims (measure, measure)."""
        return _covariance(self.within_correlation, self._within_sds, self.spec.measures)

    @property
    def between_covariance(self) -> Array:
        """Covariance B of the random intercepts, raw units; dims (measure, measure), 0 in a CLPM."""
        return _covariance(self.between_correlation, self._between_sds, self.spec.measures)

    @property
    def innovation_covariances(self) -> Array:
        """Covariances Psi_t = W - Phi_t W Phi_t' of what is new in an interval, raw units.

        Dims (interval, measure, measure); over an interval of several base steps, of the
        interval as a whole.
        """
        return _innovations(self.raw, self.within_covariance)

    @property
    def means_table(self) -> Array:
        """Means mu_t in raw units; dims (wave, measure)."""
        return _table(0.0 if self.means is None else self.means, self.spec.measures, len(self.times))

    @property
    def covariance(self) -> Array:
        """Population covariance of all waves of a person, raw units.

        Summed over shocks: with z_1 = w_1 and transfers ``A_ts = Phi_t ... Phi_s+1``,
        ``w_t = sum_s A_ts z_s``, hence ``Cov(y_t, y_u) = B + sum_s A_ts Psi_s A_us'``.

        Returns
        -------
        numpy.ndarray
            Shape ``(waves * measures, waves * measures)``, wave-major: all measures of the first
            wave, then all of the second, and so on.
        """
        waves, measures, lagged = len(self.times), len(self.spec.measures), self.raw
        shocks = np.concatenate([self.within_covariance[None], self.innovation_covariances])
        transfers = np.zeros((waves, waves, measures, measures))
        for wave in range(waves):
            transfers[wave, wave] = np.eye(measures)
            for earlier in range(wave):
                transfers[wave, earlier] = lagged[wave - 1] @ transfers[wave - 1, earlier]
        within = np.einsum("tsij,sjk,uslk->tiul", transfers, shocks, transfers)
        size = waves * measures
        total: Array = within.reshape(size, size) + np.tile(self.between_covariance, (waves, waves))
        return total

    @property
    def _paths(self) -> dict[str, Each]:
        """Effects given, by path: carry-over, then `lagged`."""
        return self._own_paths | dict(self.lagged)

    @property
    def _own_paths(self) -> dict[str, Each]:
        own = {} if self.carry_over is None else _by_name(self.carry_over, self.spec.measures)
        return {lagged_path(name, name): effect for name, effect in own.items()}

    @property
    def _effects(self) -> Array:
        """Standardised effects over each interval, with a grid over a base step; dims as `standardized`."""
        measures = self.spec.measures
        effects = np.zeros((len(self.times) - 1, len(measures), len(measures)))
        for path, effect in self._paths.items():
            predictor, outcome = (measures.index(name) for name in path.split(ARROW))
            effects[:, outcome, predictor] = effect
        return effects

    @property
    def _total_sds(self) -> Array:
        return _table(1.0 if self.sds is None else self.sds, self.spec.measures, 1).ravel()

    @property
    def _shares(self) -> Array:
        return _table(0.0 if self.icc is None else self.icc, self.spec.measures, 1).ravel()

    @property
    def _within_sds(self) -> Array:
        sds: Array = self._total_sds * np.sqrt(1 - self._shares)
        return sds

    @property
    def _between_sds(self) -> Array:
        sds: Array = self._total_sds * np.sqrt(self._shares)
        return sds

    def _keep(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _check_dynamics(self, problems: Problems) -> None:
        for path in self._own_paths:
            if path in self.lagged:
                problems.add(f"'{path}' is given twice, in lagged and in carry_over; give it once.")
        for path in self.spec.remove:
            if np.any(np.asarray(self._paths.get(path, 0.0))):
                problems.add(
                    f"'{path}' is removed from the model, so its effect must be 0; got {_plain(self._paths[path])}. "
                    "Leave the effect out, or keep the path in the model."
                )
        effects, correlations = self._effects, _matrix(self.within_correlation, self.spec.measures)
        for stretch, phi in zip(self._stretches, effects, strict=False):
            if problem := _unsound(stretch, phi, correlations):
                problems.add(problem)
        difference = float(np.ptp(_innovations(effects, correlations), axis=0).max())
        if self.spec.residuals == "equal" and difference > SMALLEST_EIGENVALUE:
            problems.add(
                f"residuals='equal' in the model, but the innovation covariances differ between intervals, by up to "
                f"{difference:.3g} in within-person SDs: the within-person covariance is the same at every wave, so "
                "unequal lagged effects leave unequal innovations. Use residuals='free', or equal effects."
            )

    @property
    def _stretches(self) -> list[str]:
        """What each of the effects that can differ acts over, in words."""
        times = tuple(self.times)
        if self.spec.lags == "free":
            return [f"the interval {name}" for name in interval_names(times)]
        if self.spec.lags == "grid":
            return [f"the base step of {number(base_step(times) or 0)}"]
        return ["every interval"]

    def __str__(self) -> str:
        spec, within = self.spec, "within-person " if self.spec.random_intercepts else ""
        effects = {
            lagged_path(predictor, outcome): over_intervals
            for outcome, by_predictor in zip(spec.measures, self.standardized.transpose(1, 2, 0), strict=True)
            for predictor, over_intervals in zip(spec.measures, by_predictor, strict=True)
        }
        columns = {"ICC": self._shares} if spec.random_intercepts else {}
        columns["SD"] = self._total_sds
        if np.ptp(self.means_table, axis=0).any():
            times = (f"mean at {number(time)}" for time in self.times)
            columns |= dict(zip(times, self.means_table, strict=True))
        else:
            columns["mean"] = self.means_table[0]
        lines = [
            f"True values of a {spec.title} of {in_words(spec.measures)} "
            f"at times {in_words([number(time) for time in self.times])}",
            f"Lagged effects, in {within}SDs of the outcome per {within}SD of the predictor:",
            _printed(pd.DataFrame(effects, index=list(interval_names(tuple(self.times)))).T),
            "Measures, in raw units:",
            _printed(pd.DataFrame(columns, index=list(spec.measures))),
            f"Correlations {'within persons' if within else 'at every wave'}: "
            + _pairs_in_words(self.within_correlation, spec.measures),
        ]
        if within:
            lines.append("Correlations between persons: " + _pairs_in_words(self.between_correlation, spec.measures))
        return "\n".join(lines)


@dataclass(frozen=True, kw_only=True)
class Missing:
    """Which simulated values nobody sees: some after the first wave, at random.

    At wave t a person i is missed with ``logit p_it = a_t + slope * x_it``, where x_it is the
    mean over measures of the last value observed before t, in total SDs from its wave's mean, and
    a_t is solved so that the mean of p_it over the simulated persons is the share. Missingness
    thus depends on observed values alone (missing at random [1]_). A missed wave does not end
    the follow-up, and the first wave is complete.

    Parameters
    ----------
    share
        Expected share of persons missed at a wave after the first, in [0, 1): a number, or a
        list with one for each later wave.
    mechanism
        ``"at_random"``: by the equation above; ``"completely_at_random"``: with slope 0, so that
        everybody has the share as probability.
    slope
        Log odds of being missed per unit of x, with ``mechanism="at_random"``; positive: people
        with high values are missed more.
    unit
        ``"wave"``: all measures of a person-wave go missing together, not interviewed;
        ``"value"``: each measure by itself with the same p_it, interviewed but unanswered.

    Raises
    ------
    SpecError
        If a value is out of range, or a slope is given without ``mechanism="at_random"``.

    References
    ----------
    .. [1] Rubin (1976). Inference and missing data. Biometrika 63, 581-592.
       https://doi.org/10.1093/biomet/63.3.581

    Examples
    --------
    >>> Missing(share=[0.1, 0.2], mechanism="at_random", slope=0.5).share
    (0.1, 0.2)
    """

    share: Each
    mechanism: Mechanism = "completely_at_random"
    slope: float = 1.0
    unit: Unit = "wave"

    def __post_init__(self) -> None:
        problems = Problems("Values cannot go missing in this way")
        share = _plain_numbers(self.share)
        if share is None or not all(map(_SHARE.accepts, np.atleast_1d(share))):
            problems.add(
                f"share must be {_SHARE.expected}, or a list with one for each later wave; got {self.share!r}."
            )
        for name, allowed in (("mechanism", get_args(Mechanism)), ("unit", get_args(Unit))):
            if getattr(self, name) not in allowed:
                problems.add(f"{name} must be one of {quoted(allowed)}; got {getattr(self, name)!r}.")
        if not isinstance(_plain_numbers(self.slope), float):
            problems.add(f"slope must be a number; got {self.slope!r}.")
        elif self.mechanism == "completely_at_random" and self.slope != 1.0:
            problems.add(f"slope={self.slope!r} needs mechanism='at_random'; add that, or leave the slope out.")
        problems.raise_as(SpecError)
        object.__setattr__(self, "share", share)


def simulate(truth: Truth, *, persons: int, seed: int, missing: Missing | None = None) -> Panel:
    """Draw a panel of persons from the equations of a truth.

    Persons are numbered from 0. `missing` removes values and changes none that stays. Under the
    same seed a larger panel begins with the persons of a smaller one (not with
    ``mechanism="at_random"``, whose intercept depends on all of them).

    Parameters
    ----------
    truth
        True values; see `Truth` for the equations.
    persons
        How many, at least 2.
    seed
        Whole number, at least 0; the same seed gives the same panel.
    missing
        Which values go missing; without it none does.

    Raises
    ------
    SpecError
        If `persons` or `seed` is out of range, or `missing` does not fit the waves.

    Examples
    --------
    >>> truth = Truth(RICLPM(["x", "y"]), times=[0, 1, 2], lagged={"x -> y": 0.2}, icc=0.5)
    >>> panel = simulate(truth, persons=300, seed=1, missing=Missing(share=0.2))
    >>> panel.values.shape
    (300, 3, 2)
    """
    problems = Problems("No panel can be simulated")
    for name, value, least in (("persons", persons, 2), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            problems.add(f"{name} must be a whole number, at least {least}; got {value!r}.")
    later = len(truth.times) - 1
    if missing is not None and isinstance(missing.share, tuple) and len(missing.share) != later:
        problems.add(f"missing has {len(missing.share)} shares; name {later}, one for each wave after the first.")
    problems.raise_as(SpecError)

    for_values, for_absence = np.random.default_rng(seed).spawn(2)
    values = _draw(truth, persons, for_values)
    interviewed = np.ones(values.shape[:2], dtype=bool)
    if missing is not None:
        absent = _absent((values - truth.means_table) / truth._total_sds, missing, for_absence)
        values[absent] = np.nan
        if missing.unit == "wave":
            interviewed = ~absent.all(axis=2)
    return Panel.from_arrays(
        values,
        measures=truth.spec.measures,
        times=truth.times,
        interviewed=interviewed,
        source="simulated values",
    )


def _draw(truth: Truth, persons: int, random: np.random.Generator) -> Array:
    """Complete values, dims (person, wave, measure)."""
    waves, measures = len(truth.times), len(truth.spec.measures)
    normal = random.standard_normal((persons, 1 + waves, measures))
    intercept_factor = np.linalg.cholesky(_matrix(truth.between_correlation, truth.spec.measures))
    intercepts = normal[:, 0] @ intercept_factor.T * truth._between_sds
    state = normal[:, 1] @ np.linalg.cholesky(truth.within_covariance).T
    values = np.empty((persons, waves, measures))
    values[:, 0] = truth.means_table[0] + intercepts + state
    lagged, innovations = truth.raw, np.linalg.cholesky(truth.innovation_covariances)
    for wave in range(1, waves):
        state = state @ lagged[wave - 1].T + normal[:, 1 + wave] @ innovations[wave - 1].T
        values[:, wave] = truth.means_table[wave] + intercepts + state
    return values


def _absent(standardized: Array, missing: Missing, random: np.random.Generator) -> NDArray[np.bool_]:
    """Which values go missing, dims (person, wave, measure); decided wave by wave from what was seen."""
    persons, waves, measures = standardized.shape
    slope = missing.slope if missing.mechanism == "at_random" else 0.0
    chances = random.random((persons, waves, 1 if missing.unit == "wave" else measures))
    absent = np.zeros(standardized.shape, dtype=bool)
    last_seen = standardized[:, 0]
    for wave, share in enumerate(np.broadcast_to(missing.share, waves - 1), start=1):
        probabilities = _probabilities(slope * last_seen.mean(axis=1), float(share))
        absent[:, wave] = chances[:, wave] < probabilities[:, None]
        last_seen = np.where(absent[:, wave], last_seen, standardized[:, wave])
    return absent


def _probabilities(log_odds: Array, share: float) -> Array:
    """Probabilities with these log odds, all shifted alike so that their mean is `share`."""
    if share == 0:
        return np.zeros_like(log_odds)
    center = math.log(share / (1 - share))
    low, high = center - log_odds.max(), center - log_odds.min()
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _logistic(middle + log_odds).mean() < share else (low, middle)
    return _logistic(high + log_odds)


def _logistic(log_odds: Array) -> Array:
    return (1 + np.tanh(log_odds / 2)) / 2


def _innovations(lagged: Array, within: Array) -> Array:
    """W - Phi W Phi' for each interval."""
    return within - lagged @ within @ lagged.swapaxes(-1, -2)


def _unsound(stretch: str, phi: Array, within: Array) -> str | None:
    """Why no stationary process has these standardised effects and correlations; None where one does."""
    smallest = float(np.linalg.eigvalsh(_innovations(phi, within)).min())
    if smallest > SMALLEST_EIGENVALUE:
        return None
    factor = np.linalg.cholesky(within)
    largest = float(np.linalg.norm(np.linalg.solve(factor, phi @ factor), ord=2))
    cure = f"Lagged effects up to {math.floor(99.9999 / largest) / 100:g} times these are possible."
    radius = float(np.abs(np.linalg.eigvals(phi)).max())
    if radius >= 1:
        return (
            f"Over {stretch} the lagged effects are unstable: their spectral radius is {radius:.3g} and must be below "
            f"1, or deviations do not die away. {cure}"
        )
    return (
        f"Over {stretch} the lagged effects explain more than there is: the innovation covariance W - Phi W Phi', in "
        f"within-person SDs, must be positive definite and has the smallest eigenvalue {smallest:.3g}. {cure}"
    )


def _covariance(correlation: Correlation, sds: Array, measures: Sequence[str]) -> Array:
    return _matrix(correlation, measures) * np.outer(sds, sds)


@dataclass(frozen=True)
class _Entry:
    """What one value of a truth may be: a number in a range, or also a list of `count` of them."""

    expected: str
    count: int = 0
    accepts: Callable[[float], bool] = math.isfinite

    def plain(self, value: object) -> Plain:
        """The value as plain numbers, or None where it is not what is expected."""
        plain = _plain_numbers(value)
        if isinstance(plain, tuple):
            return plain if len(plain) == self.count and all(map(self.accepts, plain)) else None
        return None if plain is None or not self.accepts(plain) else plain


_CORRELATION = _Entry("a number")
_SHARE = _Entry("a number at least 0 and below 1", accepts=lambda value: 0 <= value < 1)
_SD = _Entry("a number above 0", accepts=lambda value: value > 0)


def _effect_entry(spec: RICLPM | CLPM, intervals: int) -> _Entry:
    match spec.lags:
        case "free":
            return _Entry(f"a number, or a list of {intervals}, one for each interval", intervals)
        case "grid":
            return _Entry("one number, for a base step (lags='free' takes one for each interval)")
        case _:
            return _Entry("one number, for every interval alike (lags='free' takes one for each)")


def _mean_entry(spec: RICLPM | CLPM, waves: int) -> _Entry:
    if spec.means == "free":
        return _Entry(f"a number, or a list of {waves}, one for each wave", waves)
    return _Entry("one number, for every wave alike (means='free' takes one for each)")


@dataclass(frozen=True)
class _Reader:
    """Reads what a truth was given into plain numbers, tuples and dicts; None where it cannot."""

    measures: Sequence[str]
    problems: Problems

    def entry(self, label: str, value: object, entry: _Entry) -> Plain:
        plain = entry.plain(value)
        if plain is None:
            self.problems.add(f"{label} must be {entry.expected}; got {value!r}.")
        return plain

    def by_measure(
        self, name: str, value: object, entry: _Entry, *, complete: bool = True
    ) -> Plain | dict[object, Plain]:
        if value is None:
            return None
        if not isinstance(value, Mapping):
            return self.entry(name, value, entry)
        if complete:
            self._all_named(name, [measure for measure in self.measures if measure not in value], "measure")
        return {
            measure: self.entry(f"{name} of '{measure}'", each, entry)
            for measure, each in value.items()
            if self._known(name, [measure])
        }

    def by_path(self, name: str, value: object, entry: _Entry) -> dict[str, Plain]:
        if not isinstance(value, Mapping):
            self.problems.add(f"{name} must be a table of paths, such as {{'x -> y': 0.1}}; got {value!r}.")
            return {}
        found: dict[str, Plain] = {}
        for path, effect in value.items():
            pair = split_path(str(path))
            if pair is None:
                self.problems.add(f"{name}: {path!r} is not a lagged path; write 'predictor -> outcome'.")
            elif self._known(name, pair):
                self._once(name, lagged_path(*pair), found)
                found[lagged_path(*pair)] = self.entry(f"{name} '{lagged_path(*pair)}'", effect, entry)
        return found

    def correlation(self, name: str, value: object) -> float | dict[str, float] | None:
        """One number, or a number by pair with every pair in the order of the measures."""
        pairs = self._named_pairs(name, value) if isinstance(value, Mapping) else self._unnamed_pairs(name, value)
        if pairs is None:
            return None
        smallest = float(np.linalg.eigvalsh(_matrix(pairs, self.measures)).min())
        if smallest <= SMALLEST_EIGENVALUE:
            self.problems.add(
                f"{name} must be positive definite, and no measures have these correlations (smallest eigenvalue "
                f"{smallest:.3g}): {_pairs_in_words(pairs, self.measures)}. Move them towards 0."
            )
        return pairs

    def _unnamed_pairs(self, name: str, value: object) -> float | dict[str, float] | None:
        given = value.tolist() if isinstance(value, np.ndarray) else value
        if isinstance(one := _CORRELATION.plain(given), float):
            return one
        size, pairs = len(self.measures), _pairs(self.measures)
        rows = [_plain_numbers(row) for row in given] if isinstance(given, list | tuple) else []
        if [np.shape(row or 0.0) for row in rows] == [(size,)] * size:
            matrix = np.array(rows, dtype=float)
            if np.allclose(matrix, matrix.T, atol=1e-12) and np.allclose(np.diag(matrix), 1, atol=1e-12):
                return dict(zip(pairs, matrix[np.triu_indices(size, 1)].tolist(), strict=True))
        self.problems.add(
            f"{name} must be a number, a table of pairs such as {{'{pairs[0]}': 0.3}}, or a symmetric {size} x {size} "
            f"matrix with ones on its diagonal; got {value!r}."
        )
        return None

    def _named_pairs(self, name: str, value: Mapping[object, object]) -> dict[str, float] | None:
        pairs, found, before = _pairs(self.measures), dict[str, Plain](), len(self.problems.found)
        for key, correlation in value.items():
            pair = [part.strip() for part in str(key).split(",")]
            if len(pair) != 2 or pair[0] == pair[1]:
                self.problems.add(f"{name}: {key!r} is not a pair of measures; write '{pairs[0]}'.")
            elif self._known(name, pair):
                ordered = ", ".join(sorted(pair, key=self.measures.index))
                self._once(name, ordered, found)
                found[ordered] = self.entry(f"{name} of '{ordered}'", correlation, _CORRELATION)
        self._all_named(name, [pair for pair in pairs if pair not in found], "pair")
        numbers = {pair: each for pair in pairs if isinstance(each := found.get(pair), float)}
        return numbers if len(self.problems.found) == before else None

    def _known(self, where: str, names: Sequence[object]) -> bool:
        unknown = [name for name in dict.fromkeys(names) if name not in self.measures]
        for name in unknown:
            self.problems.add(
                f"{where} names '{name}', which is not a measure{choices(str(name), self.measures, 'Measures')}"
            )
        return not unknown

    def _once(self, where: str, name: str, found: Mapping[str, object]) -> None:
        if name in found:
            self.problems.add(f"{where}: '{name}' is given twice; give it once.")

    def _all_named(self, where: str, missing: Sequence[str], noun: str) -> None:
        if missing:
            self.problems.add(f"{where} leaves out {quoted(missing)}; name every {noun}, or give one number for all.")


def _plain_numbers(value: object) -> Plain:
    """A finite number, or several as a tuple; None where the value is neither."""
    given = value.tolist() if isinstance(value, np.ndarray) else value
    if isinstance(given, Real) and not isinstance(given, bool):
        return float(given) if math.isfinite(given) else None
    several = [_plain_numbers(each) for each in given] if isinstance(given, list | tuple) else []
    numbers = tuple(each for each in several if isinstance(each, float))
    return numbers if numbers and len(numbers) == len(several) else None


def _by_name(value: object, names: Sequence[str]) -> Mapping[str, Any]:
    """The values by name; a single one holds for all names."""
    return value if isinstance(value, Mapping) else dict.fromkeys(names, value)


def _table(value: PerMeasure, measures: Sequence[str], rows: int) -> Array:
    """Values in full, dims (row, measure)."""
    entries = _by_name(value, measures)
    return np.column_stack([np.broadcast_to(np.asarray(entries[name], dtype=float), rows) for name in measures])


def _pairs(measures: Sequence[str]) -> list[str]:
    return [f"{first}, {second}" for first, second in combinations(measures, 2)]


def _matrix(value: Correlation, measures: Sequence[str]) -> Array:
    """Correlations in full, dims (measure, measure)."""
    upper = np.zeros((len(measures), len(measures)))
    upper[np.triu_indices(len(measures), 1)] = list(_by_name(value, _pairs(measures)).values())
    return upper + upper.T + np.eye(len(measures))


def _pairs_in_words(value: Correlation, measures: Sequence[str]) -> str:
    return "; ".join(f"{pair} {number(each)}" for pair, each in _by_name(value, _pairs(measures)).items())


def _plain(value: Any) -> Any:
    """Tuples as lists and mappings as dicts, all the way down."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _printed(table: pd.DataFrame) -> str:
    return str(table.map(lambda value: number(round(value, 4))).to_string())
