"""Every public name, once: `__init__.py` imports each from where it stands here when it is first used."""

from .basics.distributions import (
    LKJ as LKJ,
    Beta as Beta,
    HalfNormal as HalfNormal,
    LogNormal as LogNormal,
    Normal as Normal,
)
from .basics.exporting import (
    export_table as export_table,
)
from .basics.problems import (
    AllianceBayesError as AllianceBayesError,
    InterruptionError as InterruptionError,
    ModelFileError as ModelFileError,
    PanelError as PanelError,
    SpecError as SpecError,
)
from .batches import (
    BatchResults as BatchResults,
    Replicate as Replicate,
    read_batch as read_batch,
    run_batch as run_batch,
)
from .batches.fits import (
    Fits as Fits,
)
from .batches.fitting import (
    fit_many as fit_many,
)
from .calibration.calibrate import (
    calibrate as calibrate,
    posterior_calibration as posterior_calibration,
)
from .causal.causal_order import (
    CausalOrder as CausalOrder,
    causal_order as causal_order,
)
from .causal.equations import (
    Equation as Equation,
)
from .causal.random_intercepts import (
    bambi_model as bambi_model,
)
from .causal.regimes import (
    Shift as Shift,
)
from .causal.regression import (
    Regression as Regression,
    regression as regression,
)
from .export.lavaan import (
    to_lavaan as to_lavaan,
)
from .export.mplus import (
    to_mplus as to_mplus,
)
from .families.beta_binomial import (
    BetaBinomial as BetaBinomial,
)
from .families.count import (
    Count as Count,
)
from .families.cut_points import (
    InducedDirichlet as InducedDirichlet,
)
from .families.days import (
    Days as Days,
)
from .families.items import (
    Items as Items,
)
from .families.ordinal import (
    Ordinal as Ordinal,
)
from .families.proportion import (
    Proportion as Proportion,
)
from .families.yes_no import (
    YesNo as YesNo,
)
from .files.draft import (
    draft as draft,
)
from .files.kinds.causal_order import (
    CausalRegression as CausalRegression,
    CausalRegressions as CausalRegressions,
)
from .files.model_file import (
    ModelFile as ModelFile,
    load as load,
    packaged_model as packaged_model,
)
from .files.questions import (
    Question as Question,
)
from .likelihood.maximum_likelihood import (
    MaximumLikelihood as MaximumLikelihood,
    maximum_likelihood as maximum_likelihood,
)
from .likelihood.persons import (
    log_likelihood as log_likelihood,
)
from .likelihood.pooling import (
    PooledMaximumLikelihood as PooledMaximumLikelihood,
    pool as pool,
)
from .pages.report import (
    report as report,
)
from .panel import (
    Absence as Absence,
    InternalConsistency as InternalConsistency,
    Moments as Moments,
    Panel as Panel,
    PanelWarning as PanelWarning,
    Transitions as Transitions,
    internal_consistency as internal_consistency,
    read_frame as read_frame,
)
from .panel.overview import (
    Overview as Overview,
    overview as overview,
)
from .posterior.fit import (
    Fit as Fit,
)
from .posterior.imputations import (
    fit_imputations as fit_imputations,
)
from .posterior.interruption import (
    FitWarning as FitWarning,
)
from .posterior.loading import (
    load_fit as load_fit,
)
from .posterior.preview import (
    Preview as Preview,
    preview as preview,
)
from .posterior.sampling import (
    fit as fit,
)
from .pymc_models.building import (
    to_pymc as to_pymc,
)
from .questions.answer import (
    Answer as Answer,
)
from .questions.association import (
    association as association,
)
from .questions.bayes_factors import (
    bayes_factors as bayes_factors,
)
from .questions.compare import (
    compare as compare,
    direction_models as direction_models,
)
from .questions.contrast_of_regimes import (
    contrast_of_regimes as contrast_of_regimes,
)
from .questions.controlled_direct_effects import (
    controlled_direct_effects as controlled_direct_effects,
)
from .questions.counterfactual_plan import (
    MonteCarlo as MonteCarlo,
)
from .questions.delta_adjustment import (
    delta_adjustment as delta_adjustment,
)
from .questions.directionality import (
    directionality as directionality,
)
from .questions.effect_in_units import (
    effect_in_units as effect_in_units,
)
from .questions.embeddability import (
    embeddability as embeddability,
)
from .questions.group_contrast import (
    group_contrast as group_contrast,
)
from .questions.hypotheses import (
    hypotheses as hypotheses,
)
from .questions.interventional_effects import (
    interventional_effects as interventional_effects,
)
from .questions.joint_probability import (
    joint_probability as joint_probability,
)
from .questions.lag_curve import (
    lag_curve as lag_curve,
)
from .questions.leave_future_out import (
    leave_future_out as leave_future_out,
)
from .questions.likelihood_ratio_test import (
    likelihood_ratio_test as likelihood_ratio_test,
)
from .questions.long_run_effects import (
    long_run_effects as long_run_effects,
)
from .questions.loo_pit import (
    loo_pit as loo_pit,
)
from .questions.mediation import (
    mediation as mediation,
)
from .questions.model_variants import (
    robustness_variants as robustness_variants,
)
from .questions.modification_indices import (
    modification_indices as modification_indices,
)
from .questions.natural_effects import (
    natural_effects as natural_effects,
)
from .questions.random_intercept_test import (
    random_intercept_test as random_intercept_test,
)
from .questions.randomised_push import (
    randomised_push as randomised_push,
)
from .questions.regression_sampling import (
    SamplingOfRegressions as SamplingOfRegressions,
)
from .questions.robustness import (
    robustness as robustness,
)
from .questions.sensitivity import (
    sensitivity as sensitivity,
)
from .questions.split_by_existence import (
    split_by_existence as split_by_existence,
)
from .simulation import (
    GroupTruth as GroupTruth,
    Missing as Missing,
    Truth as Truth,
    simulate as simulate,
)
from .simulation.sponsor_cohort import (
    SponsorStudy as SponsorStudy,
    SponsorTruth as SponsorTruth,
    sponsor_study as sponsor_study,
)
from .spec.association import (
    RandomInterceptRegression as RandomInterceptRegression,
)
from .spec.models import (
    ALT as ALT,
    CLPM as CLPM,
    DPM as DPM,
    LCMSR as LCMSR,
    RICLPM as RICLPM,
    STARTS as STARTS,
)
from .spec.occurrence import (
    Selection as Selection,
    State as State,
)
from .spec.priors import (
    Priors as Priors,
)

__version__: str
