"""Cross-lagged panel models as frozen descriptions: what is modelled, never the data."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, ClassVar, Literal, Self, get_args

from ..names import ARROW, choices, in_words, lagged_path, number, quoted, split_path
from ..problems import Problems, SpecError
from .priors import Priors
from .steps import base_step, equal_intervals, steps_per_interval

__all__ = ["CLPM", "RICLPM", "CrossLagged"]

Lags = Literal["equal", "free", "grid"]
Residuals = Literal["equal", "free"]
Means = Literal["equal", "free"]

MOST_STEPS = 40


@dataclass(frozen=True)
class CrossLagged:
    """What the models of the cross-lagged family share; use `RICLPM` or `CLPM`."""

    measures: Sequence[str]
    lags: Lags | None = field(default=None, kw_only=True)
    residuals: Residuals = field(default="free", kw_only=True)
    means: Means = field(default="free", kw_only=True)
    remove: Sequence[str] = field(default=(), kw_only=True)
    nonexistent: Literal["as_missing"] | None = field(default=None, kw_only=True)
    priors: Priors = field(default_factory=Priors, kw_only=True)

    kind: ClassVar[str]
    title: ClassVar[str]
    fewest_waves: ClassVar[int]
    random_intercepts: ClassVar[bool]

    def __post_init__(self) -> None:
        problems = Problems(f"This {self.title} cannot be meant")
        measures = None if isinstance(self.measures, str) else _listed(self.measures)
        if measures is None or not all(isinstance(name, str) and name for name in measures):
            problems.add(f"measures must be a list of names; got {self.measures!r}.")
            problems.raise_as(SpecError)
        object.__setattr__(self, "measures", measures)
        _check_measures(self.measures, problems)
        for name, allowed in _OPTIONS.items():
            value = getattr(self, name)
            if value not in allowed:
                choices = quoted(choice for choice in allowed if choice is not None)
                problems.add(f"{name} must be one of {choices}; got {value!r}.")
        if not isinstance(self.priors, Priors):
            problems.add(f"priors must be ab.Priors(...); got {self.priors!r}.")
        paths = None if isinstance(self.remove, str) else _listed(self.remove)
        if paths is None:
            problems.add(f"remove must be a list of paths, such as ['x -> y']; got {self.remove!r}.")
        else:
            object.__setattr__(self, "remove", _canonical_paths(paths, self.measures, problems))
        problems.raise_as(SpecError)

    @property
    def paths(self) -> tuple[str, ...]:
        """Lagged paths in the model: each measure on itself first, then across."""
        return self.carry_over_paths + self.cross_lagged_paths

    @property
    def carry_over_paths(self) -> tuple[str, ...]:
        """Lagged paths of a measure on itself, such as ``"days -> days"``."""
        own = (lagged_path(name, name) for name in self.measures)
        return tuple(path for path in own if path not in self.remove)

    @property
    def cross_lagged_paths(self) -> tuple[str, ...]:
        """Lagged paths between measures, by outcome and then predictor."""
        crossed = (
            lagged_path(predictor, outcome)
            for outcome in self.measures
            for predictor in self.measures
            if predictor != outcome
        )
        return tuple(path for path in crossed if path not in self.remove)

    def without(self, *paths: str) -> Self:
        """Return the model with these lagged paths fixed at 0 in every interval.

        Parameters
        ----------
        *paths
            Paths such as ``"days -> alliance"``.

        Raises
        ------
        SpecError
            If a path is not one of the model's.
        """
        return replace(self, remove=(*self.remove, *paths))

    def lags_for(self, times: tuple[float, ...]) -> Lags:
        """Return how the lagged effects depend on the interval, once the times are known.

        Raises
        ------
        SpecError
            If `lags` was left open and the intervals are unequal.
        """
        if self.lags is not None:
            return self.lags
        if equal_intervals(times):
            return "equal"
        raise SpecError(_UNEQUAL.format(intervals=_intervals_in_words(times)))

    def problems_with(self, times: tuple[float, ...]) -> list[str]:
        """Why the model is not identified, or not defined, at these times; empty when it is.

        Parameters
        ----------
        times
            Times of the waves, increasing, in the panel's unit.
        """
        found = []
        if len(times) < self.fewest_waves:
            found.append(
                f"A {self.title} needs at least {self.fewest_waves} waves; there are {len(times)}. {self._why_waves()}"
            )
        if self.lags is None and not equal_intervals(times):
            found.append(_UNEQUAL.format(intervals=_intervals_in_words(times)))
        if self.lags == "grid" and len(times) > 1:
            step = base_step(times)
            if step is None or sum(steps_per_interval(times)) > MOST_STEPS:
                found.append(
                    f"lags='grid' needs intervals that are whole multiples of a common step, at most {MOST_STEPS} "
                    f"steps from the first wave to the last; the intervals are {_intervals_in_words(times)}. "
                    "Use lags='free'."
                )
        return found

    def _why_waves(self) -> str:
        return "Without them its lagged effects are not identified."

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What a reader must believe before a lagged effect means more than prediction."""
        first = (
            (
                "A measure that does not exist for a person at a wave (its state is off) is treated as existing but "
                "unseen, missing at random.",
            )
            if self.nonexistent == "as_missing"
            else ()
        )
        return (*first, *self._model_assumptions(), *_SHARED_ASSUMPTIONS)

    def _model_assumptions(self) -> tuple[str, ...]:
        raise NotImplementedError

    def __str__(self) -> str:
        removed = f"; fixed at 0: {', '.join(self.remove)}" if self.remove else ""
        lags = "equal where intervals are" if self.lags is None else self.lags
        return (
            f"{self.title} of {in_words(self.measures)}; lagged effects {lags}, residual covariances {self.residuals}, "
            f"means {self.means}{removed}"
        )


@dataclass(frozen=True)
class RICLPM(CrossLagged):
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
        ``"equal"``: one Phi for every interval; ``"free"``: one for each; ``"grid"``: one Phi
        per base step, the greatest common divisor of the intervals, and its powers over longer
        intervals (exact, by waves nobody observed). Left open, it is "equal" when the
        intervals are equal and refused otherwise.
    residuals
        Innovation covariance ``"free"`` for each interval or ``"equal"``; with a grid, the
        covariance of one base step.
    means
        Means ``"free"`` at each wave or ``"equal"`` over waves.
    remove
        Lagged paths fixed at 0 in every interval, such as ``"days -> alliance"``.
    nonexistent
        ``"as_missing"`` treats values that cannot exist (a measure whose required state is
        off) as unseen values; without it a panel that declares `requires` is refused.
    priors
        See `Priors`.

    Raises
    ------
    SpecError
        If an option or a path is none of the model's, with all problems at once.

    References
    ----------
    .. [1] Hamaker, Kuiper & Grasman (2015). A critique of the cross-lagged panel model.
       Psychological Methods 20, 102-116. https://doi.org/10.1037/a0038889

    Examples
    --------
    >>> spec = RICLPM(["alliance", "days"], lags="equal")
    >>> print(spec.without("days -> alliance"))
    random-intercept cross-lagged panel model of alliance and days; lagged effects equal, residual \
covariances free, means free; fixed at 0: days -> alliance
    """

    kind: ClassVar[str] = "riclpm"
    title: ClassVar[str] = "random-intercept cross-lagged panel model"
    fewest_waves: ClassVar[int] = 3
    random_intercepts: ClassVar[bool] = True

    def _why_waves(self) -> str:
        return (
            "With two, stable differences between people and carry-over within them cannot be told apart. "
            "Add a wave, or ask a CLPM and read it as not separating the two."
        )

    def _model_assumptions(self) -> tuple[str, ...]:
        return (
            "Stable differences between people act the same at every wave; whatever confounds the measures and "
            "changes with time is not removed by the random intercepts.",
        )


@dataclass(frozen=True)
class CLPM(CrossLagged):
    """Cross-lagged panel model without random intercepts.

    ``y_it = mu_t + w_it``,  ``w_i1 ~ N(0, P)``,  ``w_it = Phi_t w_i,t-1 + z_it``,
    ``z_it ~ N(0, Psi_t)``. Lagged effects mix differences between people with changes within
    them: where people differ stably, cross-lagged effects appear that nobody has [1]_.

    Parameters
    ----------
    measures, lags, residuals, means, remove, nonexistent, priors
        As in `RICLPM`; lagged effects are standardised by the SDs of the measures themselves.

    References
    ----------
    .. [1] Hamaker, Kuiper & Grasman (2015). A critique of the cross-lagged panel model.
       Psychological Methods 20, 102-116. https://doi.org/10.1037/a0038889
    """

    kind: ClassVar[str] = "clpm"
    title: ClassVar[str] = "cross-lagged panel model"
    fewest_waves: ClassVar[int] = 2
    random_intercepts: ClassVar[bool] = False

    def _model_assumptions(self) -> tuple[str, ...]:
        return (
            "People do not differ stably: a CLPM has no random intercepts, and its lagged effects mix differences "
            "between people with changes within them.",
        )


_SHARED_ASSUMPTIONS = (
    "No unmeasured cause that changes with time drives both measures.",
    "The lag that matters is the interval between waves: nothing faster or slower confounds it.",
    "Effects are linear and the same for every person; measures keep their meaning over time.",
    "Values are missing at random given the observed measures and waves.",
    "Within-person parts and random intercepts are normal, and people do not affect each other.",
)

_OPTIONS: dict[str, tuple[str | None, ...]] = {
    "lags": (None, *get_args(Lags)),
    "residuals": get_args(Residuals),
    "means": get_args(Means),
    "nonexistent": (None, "as_missing"),
}

_UNEQUAL = (
    "The intervals between waves are unequal ({intervals}), so one lagged effect for all of them has no single "
    "meaning. Choose lags='grid' (one effect per base step), lags='free' (one per interval), or type lags='equal' "
    "if you mean it."
)


def _listed(value: object) -> tuple[Any, ...] | None:
    return tuple(value) if isinstance(value, Iterable) else None


def _check_measures(measures: Sequence[str], problems: Problems) -> None:
    if len(measures) < 2:
        problems.add(
            f"A cross-lagged model needs two or more measures; got {len(measures)}: {quoted(measures) or '-'}."
        )
    repeated = sorted({name for name in measures if measures.count(name) > 1})
    if repeated:
        problems.add(f"Measures named twice: {quoted(repeated)}.")
    for name in measures:
        if "->" in name or "," in name:
            problems.add(f"The measure name '{name}' contains '->' or ',', which separate names here; rename it.")
        if name != name.strip():
            problems.add(f"The measure name '{name}' begins or ends with a space; rename it.")


def _canonical_paths(paths: Sequence[str], measures: Sequence[str], problems: Problems) -> tuple[str, ...]:
    canonical: list[str] = []
    for path in paths:
        pair = split_path(path) if isinstance(path, str) else None
        if pair is None:
            problems.add(f"remove: {path!r} is not a lagged path; write 'predictor -> outcome'.")
            continue
        unknown = [name for name in dict.fromkeys(pair) if name not in measures]
        for name in unknown:
            problems.add(
                f"remove: '{path}' names '{name}', which is not a measure{choices(name, measures, 'Measures')}"
            )
        name = lagged_path(*pair)
        if not unknown and name in canonical:
            problems.add(f"remove: '{name}' is removed twice.")
        canonical.append(name)
    return tuple(sorted(canonical, key=lambda path: _place(path, measures)))


def _place(path: str, measures: Sequence[str]) -> list[int]:
    """Position of a path among all: by outcome, then predictor; names that are no measures come last."""
    return [measures.index(name) if name in measures else len(measures) for name in reversed(path.split(ARROW))]


def _intervals_in_words(times: tuple[float, ...]) -> str:
    return ", ".join(number(later - earlier) for earlier, later in pairwise(times))
