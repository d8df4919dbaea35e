"""Every public name, once: `__init__.py` imports each from where it stands here when it is first used."""

from .basics.problems import (
    AllianceBayesError as AllianceBayesError,
)
from .basics.problems import (
    InterruptionError as InterruptionError,
)
from .basics.problems import (
    ModelFileError as ModelFileError,
)
from .basics.problems import (
    PanelError as PanelError,
)
from .basics.problems import (
    SpecError as SpecError,
)
from .causal.g_formula.causal_order import (
    CausalOrder as CausalOrder,
)
from .causal.g_formula.causal_order import (
    causal_order as causal_order,
)
from .causal.g_formula.equations import (
    Equation as Equation,
)
from .causal.g_formula.regimes import (
    Shift as Shift,
)
from .causal.g_formula.regressions import (
    Regression as Regression,
)
from .causal.g_formula.regressions import (
    regression as regression,
)
from .causal.regressions.building import (
    bambi_model as bambi_model,
)
from .export.lavaan import (
    to_lavaan as to_lavaan,
)
from .export.mplus import (
    to_mplus as to_mplus,
)
from .files import (
    AssociationFile as AssociationFile,
)
from .files import (
    ModelFile as ModelFile,
)
from .files import (
    Question as Question,
)
from .files import (
    load_association as load_association,
)
from .files import (
    load_model as load_model,
)
from .files import (
    packaged_model as packaged_model,
)
from .files import (
    save_association as save_association,
)
from .files import (
    save_model as save_model,
)
from .files.causal_file import (
    CausalFile as CausalFile,
)
from .files.causal_file import (
    CausalQuestion as CausalQuestion,
)
from .files.causal_file import (
    CausalRegression as CausalRegression,
)
from .files.causal_file import (
    load_causal as load_causal,
)
from .files.causal_file import (
    save_causal as save_causal,
)
from .likelihood.maximum_likelihood import (
    MaximumLikelihood as MaximumLikelihood,
)
from .likelihood.maximum_likelihood import (
    log_likelihood as log_likelihood,
)
from .likelihood.maximum_likelihood import (
    maximum_likelihood as maximum_likelihood,
)
from .panel import (
    Absence as Absence,
)
from .panel import (
    InternalConsistency as InternalConsistency,
)
from .panel import (
    Moments as Moments,
)
from .panel import (
    Panel as Panel,
)
from .panel import (
    PanelWarning as PanelWarning,
)
from .panel import (
    Transitions as Transitions,
)
from .panel import (
    internal_consistency as internal_consistency,
)
from .panel import (
    read_frame as read_frame,
)
from .posterior.fitting import (
    Fit as Fit,
)
from .posterior.fitting import (
    FitWarning as FitWarning,
)
from .posterior.fitting import (
    fit as fit,
)
from .posterior.fitting import (
    load_fit as load_fit,
)
from .posterior.imputations import (
    FitOfImputations as FitOfImputations,
)
from .posterior.imputations import (
    PooledMaximumLikelihood as PooledMaximumLikelihood,
)
from .posterior.imputations import (
    fit_imputations as fit_imputations,
)
from .posterior.imputations import (
    pool as pool,
)
from .pymc_models.building import (
    to_pymc as to_pymc,
)
from .questions.answer import (
    Answer as Answer,
)
from .questions.association import (
    Association as Association,
)
from .questions.association import (
    SamplingOfRegressions as SamplingOfRegressions,
)
from .questions.association import (
    association as association,
)
from .questions.bayes_factors import (
    BayesFactors as BayesFactors,
)
from .questions.bayes_factors import (
    bayes_factors as bayes_factors,
)
from .questions.calibration import (
    Calibration as Calibration,
)
from .questions.calibration import (
    loo_pit as loo_pit,
)
from .questions.comparison import (
    Comparison as Comparison,
)
from .questions.comparison import (
    compare as compare,
)
from .questions.comparison import (
    direction_models as direction_models,
)
from .questions.counterfactual import (
    Counterfactual as Counterfactual,
)
from .questions.counterfactual import (
    contrast_of_regimes as contrast_of_regimes,
)
from .questions.counterfactual import (
    controlled_direct_effects as controlled_direct_effects,
)
from .questions.counterfactual import (
    interventional_effects as interventional_effects,
)
from .questions.counterfactual import (
    natural_effects as natural_effects,
)
from .questions.counterfactual_checks import (
    MonteCarlo as MonteCarlo,
)
from .questions.delta_adjustment import (
    DeltaAdjustment as DeltaAdjustment,
)
from .questions.delta_adjustment import (
    delta_adjustment as delta_adjustment,
)
from .questions.directionality import (
    directionality as directionality,
)
from .questions.embedding import (
    Embeddability as Embeddability,
)
from .questions.embedding import (
    embeddability as embeddability,
)
from .questions.future import (
    leave_future_out as leave_future_out,
)
from .questions.groups import (
    GroupContrast as GroupContrast,
)
from .questions.groups import (
    group_contrast as group_contrast,
)
from .questions.hypotheses import (
    Hypotheses as Hypotheses,
)
from .questions.hypotheses import (
    hypotheses as hypotheses,
)
from .questions.lag_curve import (
    LagCurve as LagCurve,
)
from .questions.lag_curve import (
    lag_curve as lag_curve,
)
from .questions.mediation import (
    Mediation as Mediation,
)
from .questions.mediation import (
    mediation as mediation,
)
from .questions.robustness import (
    Robustness as Robustness,
)
from .questions.robustness import (
    robustness as robustness,
)
from .questions.robustness import (
    robustness_variants as robustness_variants,
)
from .questions.sensitivity import (
    Sensitivity as Sensitivity,
)
from .questions.sensitivity import (
    sensitivity as sensitivity,
)
from .questions.state_effects import (
    RandomisedPush as RandomisedPush,
)
from .questions.state_effects import (
    randomised_push as randomised_push,
)
from .questions.state_effects import (
    split_by_existence as split_by_existence,
)
from .simulation import (
    GroupTruth as GroupTruth,
)
from .simulation import (
    Missing as Missing,
)
from .simulation import (
    Truth as Truth,
)
from .simulation import (
    simulate as simulate,
)
from .simulation.sponsor_cohort import (
    SponsorStudy as SponsorStudy,
)
from .simulation.sponsor_cohort import (
    SponsorTruth as SponsorTruth,
)
from .simulation.sponsor_cohort import (
    sponsor_study as sponsor_study,
)
from .spec.association import (
    RandomInterceptRegression as RandomInterceptRegression,
)
from .spec.models import (
    ALT as ALT,
)
from .spec.models import (
    CLPM as CLPM,
)
from .spec.models import (
    DPM as DPM,
)
from .spec.models import (
    LCMSR as LCMSR,
)
from .spec.models import (
    RICLPM as RICLPM,
)
from .spec.models import (
    STARTS as STARTS,
)
from .spec.occurrence import (
    Selection as Selection,
)
from .spec.occurrence import (
    State as State,
)
from .spec.priors import (
    LKJ as LKJ,
)
from .spec.priors import (
    Beta as Beta,
)
from .spec.priors import (
    HalfNormal as HalfNormal,
)
from .spec.priors import (
    LogNormal as LogNormal,
)
from .spec.priors import (
    Normal as Normal,
)
from .spec.priors import (
    Priors as Priors,
)
from .spec.responses import (
    BetaBinomial as BetaBinomial,
)
from .spec.responses import (
    Count as Count,
)
from .spec.responses import (
    Days as Days,
)
from .spec.responses import (
    InducedDirichlet as InducedDirichlet,
)
from .spec.responses import (
    Items as Items,
)
from .spec.responses import (
    Ordinal as Ordinal,
)
from .spec.responses import (
    YesNo as YesNo,
)

__version__: str
