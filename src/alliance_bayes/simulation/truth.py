"""True values of a model of the cross-lagged family: what they are, and whether there can be such a population."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any, Self

import numpy as np
from scipy.linalg import solve_continuous_lyapunov

from ..basics.calls import checked
from ..basics.given import Numbers, shown
from ..basics.names import ARROW, choices
from ..basics.problems import Problems, SpecError
from ..spec.cross_lagged import CrossLagged
from .arguments import effect_entry, is_used, loading_entry, mean_entry, needed
from .checks import check_dynamics, check_factors, check_predictors, check_state, refuse_unused
from .covariates import read_covariates
from .drawing import error_sds, population
from .dynamics import Interval, intervals_of, unstable_drift
from .measurement import read_items
from .printing import describe
from .reading import (
    NUMBER,
    SD,
    SHARE,
    Array,
    Entry,
    Reader,
    plain,
    plain_numbers,
)
from .responses import read_responses
from .selection import read_selection
from .state import read_state
from .true_process import TrueProcess
from .true_values import effects_by_path

__all__ = ["Truth"]


@dataclass(frozen=True)
class Truth(TrueProcess):
    """True values of a model of the cross-lagged family, from which persons can be drawn.

    The equations are those of `spec`: `RICLPM`, `CLPM`, `DPM`, `STARTS`, `LCMSR` or `ALT`. Within persons
    (in a DPM or ALT: given the accumulating factors) the covariance is W at every wave [1]_ [2]_,

    ``w_i1 ~ N(0, W)``,  ``w_it = Phi_t w_i,t-1 + z_it``,  ``z_it ~ N(0, Psi_t)``,  ``Psi_t = W - Phi_t W Phi_t'``,

    unless `within_scale` lets its SDs change, or `innovations` gives Psi_t itself. What each kind needs besides stands
    below its name.

    Parameters
    ----------
    spec
        The model: measures, lags, effects fixed at 0.
    times
        Times of the waves, increasing, in the panel's unit.
    lagged
        Lagged effects by path, such as ``{"alliance -> days": 0.12}``, in within-person SDs of
        the outcome per within-person SD of the predictor (in a CLPM: SDs of the measures; in a
        DPM or ALT: SDs given the accumulating factors). A number; with ``lags="free"`` also a list with
        one number for each interval; with ``lags="grid"`` the effect over one base step, and longer
        intervals follow exactly as matrix powers. Paths named neither here nor by `carry_over` are 0.
    carry_over
        Effects of the measures on themselves, in the same unit: one for all, or by measure.
        The same effect may instead stand in `lagged` as ``"days -> days"``.
    icc
        Share of a measure's variance that is stable between persons, in [0, 1): one for all, or
        by measure; where the variance changes, at the first wave. RICLPM, STARTS, LCMSR, and a DPM at
        equilibrium need it.
    within_correlation, between_correlation
        Correlations of the within-person parts at a wave, and of the random intercepts: one
        for every pair, by pair (``{"alliance, days": 0.26}``, all pairs), or a symmetric
        matrix in the order of the measures. A CLPM has none between.
    means
        Means in raw units: one for all, or by measure; with ``means="free"`` each may be a list
        with one number for each wave; in an LCMSR or ALT, of the first wave. Without it they are 0.
    sds
        Total SDs in raw units, above 0, with measurement error and without effects of covariates: one for
        all, or by measure; where they change, at the first wave. Without it they are 1.
    drift
        With ``lags="continuous"``, instead of `lagged` and `carry_over`: effects on the change per unit of
        time, in within-person SDs, such as ``{"alliance -> days": 0.08, "days -> days": -0.2}``;
        ``Phi(d) = exp(A d)``. See `from_diffusion` for raw units.
    lag_2
        Effects over two waves by path, in the same SDs; they act from the third wave on.
    moderation
        Change of a moderated path per SD of its moderator, in the same SDs (of `drift`: per unit of time).
        Innovations (in continuous time: the diffusion) are those at the moderator's mean.
    within_scale
        Within-person SDs after the first wave, relative to those at the first: one for all, or by
        measure, each a number or a list with one for each later wave. With lags "free" or "equal_standardized".
    innovations
        Psi_t in within-person SDs at the first wave: a covariance matrix, or with ``residuals="free"`` also a list with
        one for each interval; on a grid of a base step, in continuous time the diffusion per unit of time. Then the
        within-person covariance follows from wave to wave instead of staying W, and effects are in within-person SDs
        at the first wave.
    trait_loadings
        With ``trait_loadings="free"``: loadings of an RICLPM after the first wave, of a DPM after the second, each a
        number or a list with one for each of these waves.
    error_share
        STARTS: measurement error as a share of the variance that is not stable between persons.
    equilibrium
        DPM: True lets everybody start at equilibrium, ``alpha = (I - Phi) b`` with b of the given
        `icc`: exactly an RI-CLPM.
    accumulating_sds, accumulating_correlation
        DPM without equilibrium, and ALT: SDs of the accumulating factors alpha in raw units, and their
        correlations.
    first_accumulating_correlation
        Correlations of the first wave with alpha: one number, of each measure with its own factor; or by ordered
        pairs, the first wave's measure first, unnamed ones 0.
    accumulating_means
        ALT: means of alpha, raw units. Without it they are 0.
    slope_sds, slope_means, slope_correlation
        LCMSR and ALT: SDs and means of the slopes from the first wave to the last, raw units, and their
        correlations.
    intercept_slope_correlation, first_slope_correlation
        Correlations of the slopes with the intercepts (ALT: with alpha), and (ALT) with the first wave; as
        `first_accumulating_correlation`, slopes second.
    loadings, item_intercepts, unique_sds
        With indicators, by column: loadings (the first one's is 1), intercepts (without them 0) and SDs
        of its unique part at a wave, each a number or, where the invariance lets it change, a list with
        one for each wave. The unit of a measure is that of its first indicator.
    covariates
        Covariate to its ``mean`` and ``sd`` (without them 0 and 1) or, where it is 0 or 1, its ``probability``;
        and where it acts to effects by measure, raw units per raw unit: ``{"commitment": {"sd": 2.0,
        "intercepts": {"days": 0.5}}}``. Covariates count from their mean and are independent. With ``varies = true``
        it has a value at each wave, with ``carry_over`` from wave to wave and ``icc``; a predetermined one also
        ``follows`` deviations of measures one wave earlier, by measure.
    responses
        With families, by measure, the numbers of its family as `ab.Days` and the others have them: ``{"days":
        {"cuts": [-1.0, 1.0], "slope": 1.5, "intercept": 0.2, "interior_slope": 0.7, "precision": 5.0}}``; of items
        ``"loading A1"`` and ``"cuts A1"`` for each. Lagged effects, ICCs and correlations are then those of the
        linear predictor, whose mean and SD at the first wave are 0 and 1, and are not given.
    state
        With a state, ``first``, ``acquire`` and ``keep``: its chance at the first wave, and of being on given that it
        was off, or on, one wave before, where all predictors are at their means (a number, or a list with one for
        each interval); or a table of that ``chance`` and log odds by predictor, per SD: ``{"first": 0.6, "acquire":
        0.2, "keep": {"chance": 0.8, "alliance": 0.5}}``. ``acts_on``: shift while it is on, by measure, in SDs of it.
        ``restart``: where a measure that requires the state starts, by measure: ``mean`` in its SDs and ``sd`` in
        within-person SDs (without it 0 and 1). W and Psi are those of people in whom the state is always on.
    selection
        With a selection, by what it is of (``"interview"`` or a measure): the ``chance`` of being seen where all
        predictors are at their means, a number or a list with one for each wave that it is about, and the log odds
        per SD of the measures ``on`` the same wave and one wave ``before``: ``{"interview": {"chance": 0.8, "on":
        {"days": 0.5}}}``. Who is not seen is missing in the panel.

    Raises
    ------
    SpecError
        If the model has no use for a value, a covariance matrix is not positive definite, the
        lagged effects are unstable, or the model's equalities contradict them; all problems at once.

    References
    ----------
    .. [1] Hamaker, Kuiper & Grasman (2015). A critique of the cross-lagged panel model.
       Psychological Methods 20, 102-116. https://doi.org/10.1037/a0038889
    .. [2] Mulder (2023). Power analysis for the random intercept cross-lagged panel model using
       the powRICLPM R-package. Structural Equation Modeling 30, 645-658.
       https://doi.org/10.1080/10705511.2022.2122467

    Examples
    --------
    >>> from alliance_bayes import DPM, RICLPM
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

    A DPM whose persons start at equilibrium is an RI-CLPM; with other starts it is not.

    >>> from dataclasses import replace
    >>> dynamic = replace(truth, spec=DPM(["alliance", "days"]), equilibrium=True)
    >>> bool(np.allclose(dynamic.covariance, truth.covariance))
    True
    """

    def __post_init__(self) -> None:
        problems = Problems("This truth cannot be simulated")
        if not isinstance(self.spec, CrossLagged):
            problems.add(f"spec must be a model, such as ab.RICLPM(...); got {shown(self.spec)}.")
        times = plain_numbers(self.times)
        if not isinstance(times, tuple) or len(times) < 2 or any(later <= time for time, later in pairwise(times)):
            problems.add(f"times must be two or more increasing numbers; got {shown(self.times)}.")
        if isinstance(self.spec, CrossLagged) and self.spec.selection and self.selection is None:
            problems.add(
                "selection is missing: chances of being seen, such as {'interview': {'chance': 0.8}}; or leave it out "
                "of the model, and let values go missing by `simulate`."
            )
        problems.raise_as(SpecError)
        self._keep(times=times)
        for problem in self.spec.problems_with(tuple(self.times)):
            problems.add(problem)
        self._read(problems)
        problems.raise_as(SpecError)
        check_factors(self, problems)
        problems.raise_as(SpecError)

    @classmethod
    @checked()
    def from_mapping(cls, spec: CrossLagged, mapping: Mapping[str, object]) -> Self:
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
        >>> from alliance_bayes import CLPM
        >>> spec = CLPM(["x", "y"])
        >>> truth = Truth.from_mapping(spec, {"times": [0, 1], "carry_over": 0.5})
        >>> Truth.from_mapping(spec, truth.to_mapping()) == truth
        True
        """
        problems = Problems("[truth] cannot be read")
        known = [parameter.name for parameter in fields(cls) if parameter.name != "spec"]
        fitting = [name for name in known if is_used(name, spec)]
        for name in mapping:
            if name not in known:
                problems.add(f"A truth has no '{name}'{choices(name, fitting, 'Its keys')}")
        if "times" not in mapping:
            problems.add("'times' is missing: the times of the waves, such as times = [0, 3, 6].")
        problems.raise_as(SpecError)
        given: dict[str, Any] = dict(mapping)
        return cls(spec, **given)

    @classmethod
    @checked()
    def from_diffusion(
        cls,
        spec: CrossLagged,
        *,
        times: Sequence[float],
        drift: Mapping[str, float],
        diffusion: Numbers,
        between_covariance: Numbers | None = None,
        **others: Any,
    ) -> Self:
        """Truth in continuous time, ``dw = A w dt + L dW``, from its drift and diffusion in raw units.

        The stationary within-person covariance P solves ``A P + P A' + Q = 0``; `sds`, `icc` and the
        correlations follow from it and the covariance between persons.

        Parameters
        ----------
        spec
            A model with ``lags="continuous"``, of the kinds RICLPM, CLPM and LCMSR.
        times
            Times of the waves.
        drift
            A by path, raw units of the outcome per raw unit of the predictor and unit of time.
        diffusion
            ``Q = L L'``, a covariance per unit of time, raw units, dims (measure, measure).
        between_covariance
            B of the random intercepts, raw units, dims (measure, measure); not with a CLPM.
        **others
            Further parameters of `Truth`.

        Raises
        ------
        SpecError
            If the drift is unstable, a matrix is no covariance, or the truth is refused.

        Examples
        --------
        >>> from alliance_bayes import RICLPM
        >>> truth = Truth.from_diffusion(
        ...     RICLPM(["x", "y"], lags="continuous"),
        ...     times=[3, 6, 12],
        ...     drift={"x -> x": -0.30, "y -> x": 0.02, "x -> y": 0.08, "y -> y": -0.20},
        ...     diffusion=[[0.5, 0.1], [0.1, 0.3]],
        ...     between_covariance=[[0.4, 0.15], [0.15, 0.6]],
        ... )
        >>> truth.within_covariance.round(6)
        array([[0.858219, 0.373288],
               [0.373288, 0.899315]])
        """
        problems = Problems("This truth cannot be simulated")
        if spec.error or spec.reliability:
            problems.add("from_diffusion is for models without measurement error; give drift, icc and sds to Truth.")
        size = len(spec.measures)
        matrices = {"diffusion": np.asarray(diffusion, dtype=float)}
        if between_covariance is not None:
            matrices["between_covariance"] = np.asarray(between_covariance, dtype=float)
        for name, matrix in matrices.items():
            if matrix.shape != (size, size) or not np.allclose(matrix, matrix.T) or np.any(np.diag(matrix) <= 0):
                problems.add(f"{name} must be a {size} x {size} covariance matrix; got {shown(matrix.tolist())}.")
        by_path: dict[str, Any] = Reader(spec.measures, problems).by_path("drift", drift, NUMBER)
        problems.raise_as(SpecError)
        effects = effects_by_path(by_path, spec.measures)
        if problem := unstable_drift(effects):
            problems.add(problem)
        problems.raise_as(SpecError)
        within = solve_continuous_lyapunov(effects, -matrices["diffusion"])
        between = matrices.get("between_covariance", np.zeros((size, size)))
        total = np.diag(within) + np.diag(between)
        sds = dict(zip(spec.measures, np.sqrt(np.diag(within)).tolist(), strict=True))
        given: dict[str, Any] = {
            "drift": {path: effect * _ratio(path, sds) for path, effect in by_path.items()},
            "within_correlation": _correlation(within),
            "sds": dict(zip(spec.measures, np.sqrt(total).tolist(), strict=True)),
        }
        if between_covariance is not None:
            given["icc"] = dict(zip(spec.measures, (np.diag(between) / total).tolist(), strict=True))
            given["between_correlation"] = _correlation(between)
        return cls(spec, times=times, **given, **others)

    def to_mapping(self) -> dict[str, object]:
        """Return the truth without its model as plain numbers, lists and tables, ready for TOML."""
        given = {
            parameter.name: getattr(self, parameter.name) for parameter in fields(self) if parameter.name != "spec"
        }
        return {name: plain(value) for name, value in given.items() if value is not None}

    @property
    def innovation_covariances(self) -> Array:
        """Innovation covariances Psi_t of the intervals, raw units.

        Dims (interval, measure, measure); over an interval of several base steps, of the
        interval as a whole.
        """
        return np.array([interval.innovation for interval in self.intervals])

    @property
    def error_sds(self) -> Array:
        """SDs of measurement error of the measures, raw units, shape ``(measure,)``.

        Of a STARTS model, or where the model knows a reliability; otherwise 0. The reliability is a share of
        the variance about wave means, pooled over waves, that covariates and lines are part of.
        """
        return error_sds(self)

    @property
    def intervals(self) -> list[Interval]:
        """What happens over each interval, of persons whose moderators are at their means."""
        return intervals_of(self)

    @property
    def within_covariances(self) -> Array:
        """Within-person covariances, raw units; dims (wave, measure, measure).

        With given `innovations` as they follow from wave to wave, apart from effects over two waves.
        """
        if self.innovations is None:
            scale = self._within_scale
            return self.within_covariance * scale[:, :, None] * scale[:, None, :]
        covariances = [self.within_covariance]
        for interval in self.intervals:
            carried = interval.effects @ covariances[-1] @ interval.effects.T
            covariances.append(carried + interval.innovation)
        return np.array(covariances)

    @property
    def means_table(self) -> Array:
        """Means of the columns in raw units; dims (wave, column)."""
        return population(self)[2]

    @property
    def covariance(self) -> Array:
        """Population covariance of all waves of a person, raw units.

        Of persons whose moderators are at their means; covariates vary. Summed over independent shocks: where a
        unit of shock k moves the stacked waves by the vector g_k, ``Cov(y) = sum_k g_k g_k'``.

        Returns
        -------
        numpy.ndarray
            Shape ``(waves * columns, waves * columns)``, wave-major: all columns of the first
            wave, then all of the second, and so on.
        """
        return population(self)[0]

    @checked()
    def covariance_at(self, moderators: Mapping[str, float]) -> Array:
        """Population covariance, as `covariance`, of persons with these moderators.

        Parameters
        ----------
        moderators
            Moderator to its value in SDs from its mean; 0 where it is not named.
        """
        values = [moderators.get(name, 0.0) for name in self.spec.moderated.values()]
        return population(self, moderators=np.array([values]))[0]

    def _keep(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _read(self, problems: Problems) -> None:
        """Read every argument, and check the effects once they are known."""
        spec, waves = self.spec, len(self.times)
        read, effect = Reader(spec.measures, problems), effect_entry(spec, waves - 1)
        later = Entry(
            f"a number above 0, or a list of {waves - 1}, one for each later wave", waves - 1, lambda value: value > 0
        )
        n_before = len(problems.found)

        def given(how: Callable[..., object], *names: str, **entry: object) -> dict[str, object]:
            return {name: how(name, value, **entry) for name in names if (value := getattr(self, name)) is not None}

        self._keep(
            lagged=read.by_path("lagged", self.lagged, effect),
            **given(read.by_measure, "carry_over", entry=effect, complete=False),
            within_correlation=read.correlation("within_correlation", self.within_correlation),
            **given(read.by_path, "drift", "lag_2", "moderation", entry=NUMBER),
            **given(read.by_measure, "within_scale", entry=later),
            **given(read.covariances, "innovations", count=_matrices(spec, waves)),
        )
        refuse_unused(self, problems)
        dynamics_are_known = len(problems.found) == n_before and not spec.problems_with(tuple(self.times))
        for name, example in needed(spec, equilibrium=self.equilibrium is True).items():
            if getattr(self, name) is None:
                problems.add(f"{name} is missing: {example}.")
        crossed = ("first_accumulating_correlation", "intercept_slope_correlation", "first_slope_correlation")
        self._keep(
            **given(read.by_measure, "icc", entry=SHARE),
            between_correlation=read.correlation("between_correlation", self.between_correlation),
            **given(read.by_measure, "means", entry=mean_entry(spec, waves)),
            **given(read.by_measure, "sds", entry=SD),
            **given(read.by_measure, "error_share", entry=SHARE),
            **given(read.by_measure, "trait_loadings", entry=loading_entry(spec, waves)),
            **given(read.by_measure, "accumulating_sds", "slope_sds", entry=SD),
            **given(read.by_measure, "accumulating_means", "slope_means", entry=NUMBER),
            **given(read.correlation, "accumulating_correlation", "slope_correlation"),
            **given(read.crossed, *crossed),
            **read_items(self, problems),
        )
        if self.covariates is not None and is_used("covariates", spec):
            self._keep(covariates=read_covariates(spec, self.covariates, waves, problems))
        if spec.random_families:
            self._keep(responses=read_responses(self, problems))
            check_predictors(self, problems)
        if spec.state is not None:
            self._keep(state=read_state(self, problems))
            check_state(self, problems)
        if spec.selection:
            self._keep(selection=read_selection(self, problems))
        if dynamics_are_known:
            check_dynamics(self, problems)

    def __str__(self) -> str:
        return describe(self)


def _matrices(spec: CrossLagged, waves: int) -> int:
    """How many innovation covariances a truth may list; 0 where the model has one."""
    return waves - 1 if spec.residuals == "free" and spec.lags != "continuous" else 0


def _ratio(path: str, sds: Mapping[str, float]) -> float:
    """SD of a path's predictor relative to that of its outcome."""
    predictor, outcome = path.split(ARROW)
    return sds[predictor] / sds[outcome]


def _correlation(covariance: Array) -> Array:
    sds = np.sqrt(np.diag(covariance))
    return np.asarray(covariance / np.outer(sds, sds))
