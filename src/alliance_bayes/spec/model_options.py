"""Options of the cross-lagged family as given, and what follows from them alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from ..basics.names import lagged_path
from ..families.family import ResponseFamily
from .occurrence import Selection, State
from .priors import Priors

__all__ = ["Across", "Equality", "GroupLags", "Invariance", "Lags", "ModelOptions", "Stable", "Target"]

Lags = Literal["equal", "free", "unpooled", "grid", "continuous", "equal_standardized"]
Equality = Literal["equal", "free"]
GroupLags = Literal["equal", "free", "pooled"]
Invariance = Literal["configural", "weak", "strong", "strict", "approximate"]
Stable = Literal["none", "trait", "growth", "accumulating", "accumulating growth"]
Target = Literal["intercepts", "slopes", "first_wave", "each_wave", "every_wave"]
Across = Literal["variances", "residuals", "means"]


@dataclass(frozen=True)
class ModelOptions:
    """Options of a model and what they select; `CrossLagged` checks them."""

    measures: Sequence[str]
    lags: Lags | None = field(default=None, kw_only=True)
    residuals: Equality = field(default="free", kw_only=True)
    means: Equality = field(default="free", kw_only=True)
    remove: Sequence[str] = field(default=(), kw_only=True)
    equal: Sequence[Sequence[str]] = field(default=(), kw_only=True)
    lag_2: Sequence[str] = field(default=(), kw_only=True)
    covariates: Mapping[str, str | Sequence[str]] = field(default_factory=dict, kw_only=True)
    predetermined: Sequence[str] = field(default=(), kw_only=True)
    moderated: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    reliability: Mapping[str, float] = field(default_factory=dict, kw_only=True)
    indicators: Mapping[str, Sequence[str]] = field(default_factory=dict, kw_only=True)
    invariance: Invariance = field(default="strong", kw_only=True)
    group_lags: GroupLags | None = field(default=None, kw_only=True)
    equal_across_groups: Sequence[str] = field(default=(), kw_only=True)
    nonexistent: Literal["as_missing"] | None = field(default=None, kw_only=True)
    families: Mapping[str, ResponseFamily] = field(default_factory=dict, kw_only=True)
    state: State | None = field(default=None, kw_only=True)
    selection: Sequence[Selection] = field(default=(), kw_only=True)
    priors: Priors = field(default_factory=Priors, kw_only=True)

    kind: ClassVar[str]
    title: ClassVar[str]
    fewest_waves: ClassVar[int]
    stable: ClassVar[Stable]
    error: ClassVar[bool] = False
    """Whether values carry measurement error of unknown variance."""

    @property
    def lags_by_interval(self) -> bool:
        """Whether lagged effects were said to be free for each interval."""
        return self.lags in ("free", "unpooled")

    @property
    def random_intercepts(self) -> bool:
        """Whether stable differences between people are added to every wave."""
        return self.stable in ("trait", "growth")

    @property
    def accumulating(self) -> bool:
        """Whether stable factors act through the dynamics, at each wave."""
        return self.stable in ("accumulating", "accumulating growth")

    @property
    def growth(self) -> bool:
        """Whether people differ in their slopes."""
        return self.stable in ("growth", "accumulating growth")

    @property
    def is_stationary(self) -> bool:
        """Whether the within-person covariance is the same at every wave."""
        return False

    @property
    def free_loadings(self) -> bool:
        """Whether the trait's loadings after the first wave are free."""
        return False

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the panel that are modelled: the measures, or their indicators in their place."""
        return tuple(column for name in self.measures for column in self.indicators.get(name, (name,)))

    @property
    def random_families(self) -> dict[str, ResponseFamily]:
        """Family of each measure that is not normal, in the order of the measures."""
        given = {name: self.families[name] for name in self.measures if name in self.families}
        return {name: family for name, family in given.items() if not family.is_normal}

    @property
    def is_latent(self) -> bool:
        """Whether the likelihood sums or integrates over unobserved quantities: families, a state or a selection."""
        return bool(self.random_families) or self.state is not None or bool(self.selection)

    @property
    def response_columns(self) -> tuple[str, ...]:
        """Measures of the panel that hold values of the model: as `columns`, with items in their measure's place."""
        return tuple(column for name in self.measures for column in self.columns_of(name))

    @property
    def reported_columns(self) -> tuple[str, ...]:
        """Columns in which values of the model are reported: `response_columns`, and the state."""
        return (*self.response_columns, *([] if self.state is None else [self.state.name]))

    def needs_state(self, measure: str) -> bool:
        """Whether a measure exists only while the state is on."""
        return self.state is not None and measure in self.state.required_by

    def columns_of(self, measure: str) -> tuple[str, ...]:
        """Measures of the panel that hold a measure's values: itself, its indicators or its items."""
        if measure in self.indicators:
            return tuple(self.indicators[measure])
        return self.families[measure].columns(measure) if measure in self.families else (measure,)

    @property
    def given_columns(self) -> tuple[str, ...]:
        """Measures of the panel that hold windows, trials and exposures of the families."""
        return tuple(dict.fromkeys(each for family in self.families.values() for each in family.given_columns))

    @property
    def conditioned_on(self) -> tuple[str, ...]:
        """Covariates by name: those of `covariates`, then those that are in the state's regressions alone."""
        of_state = () if self.state is None else self.state.predictors
        return tuple(dict.fromkeys([*self.covariates, *(name for name in of_state if name not in self.measures)]))

    @property
    def wave_covariates(self) -> tuple[str, ...]:
        """Covariates that act at each wave."""
        return tuple(name for name, targets in self.covariates.items() if {"each_wave", "every_wave"} & set(targets))

    @property
    def paths(self) -> tuple[str, ...]:
        """Lagged paths in the model: each measure on itself first, then across."""
        return self.carry_over_paths + self.cross_lagged_paths

    @property
    def carry_over_paths(self) -> tuple[str, ...]:
        """Lagged paths of a measure on itself, such as ``"days -> days"``."""
        paths = (lagged_path(name, name) for name in self.measures)
        return tuple(path for path in paths if path not in self.remove)

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
