"""The models of the cross-lagged family: what is stable between people, and how it enters the waves."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from ..basics.assumptions import Assumption
from .cross_lagged import CrossLagged
from .model_options import Stable

__all__ = ["ALT", "CLPM", "DPM", "LCMSR", "RICLPM", "STARTS"]


@dataclass(frozen=True)
class _WithLoadings(CrossLagged):
    """A model whose stable factors may act through a loading at each wave."""

    trait_loadings: Literal["fixed", "free"] = field(default="fixed", kw_only=True)

    @property
    def free_loadings(self) -> bool:
        """Whether loadings after the first wave that the factors act on are free."""
        return self.trait_loadings == "free"

    def _options(self) -> dict[str, tuple[object, ...]]:
        return super()._options() | {"trait_loadings": ("fixed", "free")}


@dataclass(frozen=True)
class RICLPM(_WithLoadings):
    """Random-intercept cross-lagged panel model.

    Each measure of person i at wave t is a wave mean, a stable difference between people, and
    a within-person deviation that carries over and crosses to the other measures [1]_:

    ``y_it = mu_t + b_i + w_it``,  ``b_i ~ N(0, B)``,  ``w_i1 ~ N(0, P)``,
    ``w_it = Phi_t w_i,t-1 + z_it``,  ``z_it ~ N(0, Psi_t)``,  b independent of w and z.

    Parameters
    ----------
    measures
        Names of two or more measures.
    lags
        ``"equal"``: one Phi for every interval; ``"free"``: one for each, whose prior is an average over the
        intervals and deviations from it, or with ``"unpooled"`` independent for each interval; ``"grid"``: one Phi
        per base step, the greatest common divisor of the intervals, and its powers over longer
        intervals (exact, by waves nobody observed); ``"continuous"``: one drift A with
        ``Phi(d) = exp(A d)`` over an interval d [2]_; ``"equal_standardized"``: effects that are equal
        in within-person SDs at either end of each interval, ``Phi_t = D_t Phi* D_t-1^-1``. Left open, it is
        "equal" when the intervals are equal and refused otherwise.
    residuals
        Innovation covariance ``"free"`` for each interval or ``"equal"``; with a grid, the
        covariance of one base step; with continuous time always one diffusion covariance.
    means
        Means ``"free"`` at each wave or ``"equal"`` over waves.
    remove
        Lagged paths fixed at 0, such as ``"days -> alliance"`` (in continuous time: zeros of the
        drift), or with ``lags="free"`` over one interval, ``"days -> alliance, 6 to 12"``.
    equal
        With ``lags="free"``: lists of one path over several intervals with one effect, such as
        ``[["x -> y, 0 to 1", "x -> y, 1 to 2"]]``.
    lag_2
        Paths that also act over two waves, with one effect for all waves; those of a measure that requires a state,
        wherever it existed two waves before.
    covariates
        Covariate to where it acts: ``"intercepts"``, ``"slopes"`` (of an LCM-SR or ALT), ``"first_wave"`` (the
        within-person part there, for what was measured before treatment), ``"each_wave"`` (an effect at each) or
        ``"every_wave"`` (one effect). A covariate of persons does not change; a measure of the panel that is not
        among `measures` varies over time and acts at its own wave. The likelihood is that of the measures given
        the covariates, which must be complete.
    predetermined
        Covariates that vary over time and may depend on earlier waves of the measures. A likelihood given the
        covariates is wrong for them, so that a fit refuses the model and says what to do: name them among the
        measures. Others are exogenous at all waves.
    moderated
        Lagged path to a covariate of persons that changes it: ``{"alliance -> days": "commitment"}``.
    reliability
        Known reliability of measures with one indicator: the share of a measure's variance
        about its wave means that is not measurement error, in (0, 1).
    indicators
        Measure to the columns of the panel that measure it at each wave; the first one's
        loading is 1.
    invariance
        ``"configural"``: loadings, intercepts and unique variances free at each wave; ``"weak"``:
        equal loadings; ``"strong"``: also equal intercepts; ``"strict"``: also equal unique
        variances; ``"approximate"``: strong, with small differences at each wave (see `Priors`).
    group_lags
        Lags of a panel's groups (or studies): ``"free"`` in each, ``"equal"`` in all, or ``"pooled"``,
        drawn from a normal distribution whose mean and spread are estimated. Needed where the panel has groups.
    equal_across_groups
        What else is the same in all groups: ``"variances"`` (of random intercepts and of the first
        wave), ``"residuals"``, ``"means"``.
    nonexistent
        ``"as_missing"`` treats values that cannot exist (a measure whose required state is
        off) as missing values; without it a panel that declares `requires` is refused.
    families
        Measure that is not normal to its response family, such as ``{"days": Days(30)}``. Random intercept,
        within-person part and lagged effects are then those of its linear predictor, whose location is 0 and whose
        variance 1 at the first wave; the values are what the family makes of it. `Items` names the measures of the
        panel that take its place.
    state
        A yes/no `State` that comes and goes, such as having a sponsor, while which alone some measures exist and
        which has regressions of its own; where it was not reported, both are possible and summed over.
    selection
        A `Selection` or a list of them: regressions of who is interviewed, or answers, on the measures themselves,
        for values that are not missing at random. The effect of unobserved values is identified by its prior.

        Families, state and selection are there for `RICLPM` and `CLPM`, and go neither with `group_lags` nor with
        `moderated`; a state goes with ``lags`` "equal", "free" and "grid", and not with `stationary`. Covariates act
        on linear predictors. What knows only normal measures refuses such a model.
    priors
        See `Priors`; those of families, state and selection stand with them.
    trait_loadings
        ``"fixed"`` at 1 at every wave, or ``"free"`` after the first.
    stationary
        Whether the within-person covariance is the same at every wave,
        ``Psi_t = P - Phi_t P Phi_t'``; `residuals` then has no effect.

    Raises
    ------
    SpecError
        If an option or a path is none of the model's, with all problems at once.

    References
    ----------
    .. [1] Hamaker, Kuiper & Grasman (2015). A critique of the cross-lagged panel model.
       Psychological Methods 20, 102-116. https://doi.org/10.1037/a0038889
    .. [2] Driver, Oud & Voelkle (2017). Continuous time structural equation modeling with R package
       ctsem. Journal of Statistical Software 77(5).

    Examples
    --------
    >>> spec = RICLPM(["alliance", "days"], lags="equal")
    >>> print(spec.without("days -> alliance"))
    random-intercept cross-lagged panel model of alliance and days; lagged effects equal, residual \
covariances free, means free; fixed at 0: days -> alliance

    Days without alcohol out of 30, an alliance that exists only while there is a sponsor, and people who
    are interviewed the more readily the more such days they have:

    >>> from alliance_bayes import Days, Normal, Selection, State
    >>> spec = RICLPM(
    ...     ["alliance", "days"],
    ...     lags="equal",
    ...     families={"days": Days(30)},
    ...     state=State("sponsor", required_by=["alliance"], keep=["alliance"], acts_on=["days"]),
    ...     selection=Selection("interview", on=["days"], effect=Normal(0.5, 0.25)),
    ... )
    >>> for part in str(spec).split("; ")[2:]:
    ...     print(part)
    days as days out of 30
    state sponsor, required by alliance, kept by alliance, acts on days
    selection of interviews by days, effect Normal(0.5, 0.25)
    >>> print(spec.assumptions[2])
    Given a normal linear predictor, on which effects act, 'days' is days out of 30: independent between \
waves and measures, with the same family parameters at every wave.
    """

    stationary: bool = field(default=False, kw_only=True)

    kind: ClassVar[str] = "riclpm"
    title: ClassVar[str] = "random-intercept cross-lagged panel model"
    fewest_waves: ClassVar[int] = 3
    stable: ClassVar[Stable] = "trait"

    @property
    def is_stationary(self) -> bool:
        """Whether the within-person covariance is the same at every wave."""
        return self.stationary

    def _options(self) -> dict[str, tuple[object, ...]]:
        return super()._options() | {"stationary": (False, True)}

    def _why_waves(self) -> str:
        return (
            "With two, stable differences between people and carry-over within them cannot be distinguished. "
            "Add a wave, or ask a CLPM and read it as not separating the two."
        )

    def _model_assumptions(self) -> tuple[str, ...]:
        acts = "up to a loading at each wave" if self.free_loadings else "the same at every wave"
        first = (
            f"Stable differences between people act {acts}; whatever confounds the measures and "
            "changes with time is not removed by the random intercepts.",
        )
        return (*first, *((_STATIONARY,) if self.stationary else ()))


@dataclass(frozen=True)
class CLPM(CrossLagged):
    """Cross-lagged panel model without random intercepts.

    ``y_it = mu_t + w_it``,  ``w_i1 ~ N(0, P)``,  ``w_it = Phi_t w_i,t-1 + z_it``,
    ``z_it ~ N(0, Psi_t)``. Lagged effects mix differences between people with changes within
    them: where people differ stably, cross-lagged effects appear that exist in no person [1]_.

    Parameters
    ----------
    measures, lags, residuals, means, remove, nonexistent, priors
        As in `RICLPM`, like all other options; lagged effects are standardised by the SDs of the
        measures themselves.

    References
    ----------
    .. [1] Hamaker, Kuiper & Grasman (2015). A critique of the cross-lagged panel model.
       Psychological Methods 20, 102-116. https://doi.org/10.1037/a0038889
    """

    kind: ClassVar[str] = "clpm"
    title: ClassVar[str] = "cross-lagged panel model"
    fewest_waves: ClassVar[int] = 2
    stable: ClassVar[Stable] = "none"

    def _model_assumptions(self) -> tuple[str, ...]:
        return (
            "People do not differ stably: a CLPM has no random intercepts, and its lagged effects mix differences "
            "between people with changes within them.",
        )


@dataclass(frozen=True)
class DPM(_WithLoadings):
    """Dynamic panel model: stable differences between people act again at each wave and accumulate.

    ``y_it = mu_t + s_it``,  ``s_it = Phi_t s_i,t-1 + lambda_t alpha_i + z_it``,  with ``alpha_i ~ N(0, A)`` free to
    covary with the first wave s_i1 [1]_, and loadings ``lambda_t`` of 1 unless they are free. With loadings of 1 it
    equals the RI-CLPM where Phi is constant and everybody starts at equilibrium: ``alpha = (I - Phi) b`` and
    ``Cov(s_1, alpha) = B (I - Phi)'``.

    Parameters
    ----------
    measures, lags, residuals, means, remove, nonexistent, priors
        As in `RICLPM`, like all other options but `families`, `state` and `selection`, which are refused; lags are
        equal, free, unpooled or on a grid. They act among the scores themselves and are standardised by the SDs that
        are left within people given alpha. A covariate of the ``"intercepts"`` acts on alpha.
    trait_loadings
        ``"fixed"`` at 1 at every wave, or ``"free"`` after the second, where alpha acts first: one for each measure
        and wave [2]_. Free ones need four waves, and lags that are equal, free or unpooled.

    References
    ----------
    .. [1] Usami, Murayama & Hamaker (2019). A unified framework of longitudinal models to examine
       reciprocal relations. Psychological Methods 24, 637-657.
    .. [2] Zyphur et al. (2020). From data to causes I: Building a general cross-lagged panel model (GCLM).
       Organizational Research Methods 23, 651-687.
    """

    kind: ClassVar[str] = "dpm"
    title: ClassVar[str] = "dynamic panel model"
    fewest_waves: ClassVar[int] = 3
    stable: ClassVar[Stable] = "accumulating"

    def problems_with(self, times: tuple[float, ...]) -> list[str]:
        """As of every model; and why its loadings are not identified."""
        problems = super().problems_with(times)
        if self.free_loadings and len(times) == self.fewest_waves:
            problems.append(
                f"trait_loadings='free' in {self._a_title()} needs at least 4 waves; there are {len(times)}. With "
                "fewer, the loadings after the second wave, where they are 1, are not identified. Add a wave, or leave "
                "trait_loadings out."
            )
        return problems

    def _contradictions(self) -> Iterable[str]:
        yield from super()._contradictions()
        if self.free_loadings and self.lags not in ("equal", "free", "unpooled", None):
            yield (
                f"trait_loadings='free' needs lags='equal' or 'free' in {self._a_title()}: lags='{self.lags}' has "
                "steps between waves, which have no loadings. Choose one of these, or leave trait_loadings out."
            )

    def _model_assumptions(self) -> tuple[str, ...]:
        strength = "a strength that changes from wave to wave" if self.free_loadings else "the same strength"
        return (
            f"Stable causes act again at every wave with {strength}, and their effects accumulate through "
            "carry-over; whatever confounds the measures and changes with time is not removed.",
        )


@dataclass(frozen=True)
class STARTS(CrossLagged):
    """Stable trait, autoregressive trait and state: an RI-CLPM with measurement error.

    ``y_it = mu_t + b_i + w_it + e_it``,  ``e_it ~ N(0, Theta)`` with Theta diagonal and the same at every
    wave, and stationary w: ``Psi_t = P - Phi_t P Phi_t'`` [1]_.

    Parameters
    ----------
    measures, lags, means, remove, nonexistent, priors
        As in `RICLPM`, like all other options but `residuals`, which has no effect, and `reliability`,
        `indicators`, `lag_2`, `moderated`, `families`, `state`, `selection` and equal standardised lags, which are
        refused.

    References
    ----------
    .. [1] Usami, Murayama & Hamaker (2019). A unified framework of longitudinal models to examine
       reciprocal relations. Psychological Methods 24, 637-657.
    """

    kind: ClassVar[str] = "starts"
    title: ClassVar[str] = "STARTS model"
    fewest_waves: ClassVar[int] = 4
    stable: ClassVar[Stable] = "trait"
    error: ClassVar[bool] = True

    @property
    def is_stationary(self) -> bool:
        """Whether the within-person covariance is the same at every wave."""
        return True

    def _why_waves(self) -> str:
        return (
            "With fewer, measurement error, carry-over and stable differences cannot be distinguished. Use an RICLPM."
        )

    def _model_assumptions(self) -> tuple[str, ...]:
        return (
            "Stable differences between people act the same at every wave, and what lasts no longer than one wave is "
            "measurement error, independent between measures.",
            _STATIONARY,
        )


@dataclass(frozen=True)
class LCMSR(CrossLagged):
    """Latent curve model with structured residuals: lags among deviations from each person's own line.

    ``y_it = b_i + s_i tau_t + w_it``,  ``(b, s) ~ N(mu, B)``,  w as in the RI-CLPM, ``tau_t`` from 0 at the
    first wave to 1 at the last [1]_.

    Parameters
    ----------
    measures, lags, residuals, remove, nonexistent, priors
        As in `RICLPM`, like all other options but `families`, `state` and `selection`, which are refused; `means`
        has no effect, since means follow the mean line.

    References
    ----------
    .. [1] Curran, Howard, Bainter, Lane & McGinley (2014). The separation of between-person and within-person
       components of individual change over time. Journal of Consulting and Clinical Psychology 82, 879-894.
    """

    kind: ClassVar[str] = "lcmsr"
    title: ClassVar[str] = "latent curve model with structured residuals"
    fewest_waves: ClassVar[int] = 4
    stable: ClassVar[Stable] = "growth"

    def _why_waves(self) -> str:
        return "With fewer, slopes and carry-over cannot be distinguished. Use an RICLPM."

    def _model_assumptions(self) -> tuple[str, ...]:
        return (
            "Each person moves along a straight line of their own, and lagged effects are among deviations from it; "
            "whatever confounds the measures and leaves the line is not removed.",
        )


@dataclass(frozen=True)
class ALT(CrossLagged):
    """Autoregressive latent trajectory: lags among the scores themselves, with growth that accumulates.

    ``y_it = Phi_t y_i,t-1 + alpha_i + beta_i tau_t + z_it`` from the second wave on, ``tau_t`` from 0 at the first
    wave to 1 at the last; alpha, beta and the first wave covary freely [1]_. Scores are counted from each measure's
    overall mean, and so are the means of alpha and beta: with another origin they would be others.

    Parameters
    ----------
    measures, lags, residuals, remove, nonexistent, priors
        As in `RICLPM`, like all other options but `families`, `state` and `selection`, which are refused; `means`
        has no effect, since means follow those of the first wave, alpha and beta. Lags are equal, free, unpooled or on
        a grid, and standardised by the SDs left within people given alpha and beta.

    References
    ----------
    .. [1] Usami, Murayama & Hamaker (2019). A unified framework of longitudinal models to examine
       reciprocal relations. Psychological Methods 24, 637-657.
    """

    kind: ClassVar[str] = "alt"
    title: ClassVar[str] = "autoregressive latent trajectory model"
    fewest_waves: ClassVar[int] = 4
    stable: ClassVar[Stable] = "accumulating growth"

    def _why_waves(self) -> str:
        return "With fewer, growth and carry-over cannot be distinguished. Use a DPM."

    def _model_assumptions(self) -> tuple[str, ...]:
        return (
            "Stable causes and slopes act again at every wave, and their effects accumulate through carry-over; "
            "whatever confounds the measures and changes otherwise with time is not removed.",
        )


_STATIONARY = Assumption("Within-person variances and correlations are the same at every wave.", "model")
