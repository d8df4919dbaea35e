"""Bayesian causal modelling of panels: who leads whom, and how sure the data allow one to be."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .export.lavaan import to_lavaan
    from .export.mplus import to_mplus
    from .fitting import Fit, fit, load_fit
    from .g_formula.causal_order import CausalOrder, causal_order
    from .g_formula.equations import Equation
    from .g_formula.regimes import Shift
    from .g_formula.regressions import Regression, regression
    from .imputations import FitOfImputations, PooledMaximumLikelihood, fit_imputations, pool
    from .likelihood import MaximumLikelihood, log_likelihood, maximum_likelihood
    from .model_file import (
        AssociationFile,
        ModelFile,
        Question,
        load_association,
        load_model,
        packaged_model,
        save_association,
        save_model,
    )
    from .model_file.causal_file import CausalFile, CausalQuestion, CausalRegression, load_causal, save_causal
    from .panel import (
        Absence,
        InternalConsistency,
        Moments,
        Panel,
        PanelWarning,
        Transitions,
        internal_consistency,
        read_frame,
    )
    from .problems import AllianceBayesError, ModelFileError, PanelError, SpecError
    from .pymc_models.building import to_pymc
    from .questions.association import Association, SamplingOfRegressions, association
    from .questions.bayes_factors import BayesFactors, bayes_factors
    from .questions.calibration import Calibration, loo_pit
    from .questions.comparison import Comparison, compare, direction_models
    from .questions.counterfactual import (
        Counterfactual,
        contrast_of_regimes,
        controlled_direct_effects,
        interventional_effects,
        natural_effects,
    )
    from .questions.counterfactual_checks import MonteCarlo
    from .questions.delta_adjustment import DeltaAdjustment, delta_adjustment
    from .questions.directionality import (
        Directionality,
        DirectionalityOfPairs,
        directionality,
        directionality_of_pairs,
    )
    from .questions.embedding import Embeddability, embeddability
    from .questions.future import leave_future_out
    from .questions.groups import GroupContrast, group_contrast
    from .questions.hypotheses import Hypotheses, hypotheses
    from .questions.lag_curve import LagCurve, lag_curve
    from .questions.mediation import Mediation, mediation
    from .questions.robustness import Robustness, robustness, robustness_variants
    from .questions.sensitivity import Sensitivity, sensitivity
    from .questions.state_effects import RandomisedPush, randomised_push, split_by_existence
    from .regressions.building import bambi_model
    from .simulation import GroupTruth, Missing, Truth, simulate
    from .spec.association import RandomInterceptRegression
    from .spec.families import BetaBinomial, Count, Days, InducedDirichlet, Items, Ordinal, YesNo
    from .spec.family import ALT, CLPM, DPM, LCMSR, RICLPM, STARTS
    from .spec.occurrence import Selection, State
    from .spec.priors import LKJ, Beta, HalfNormal, LogNormal, Normal, Priors
    from .sponsor_cohort import SponsorStudy, SponsorTruth, sponsor_study

__version__ = "0.1.0"

_HOMES = {
    "export.lavaan": ("to_lavaan",),
    "export.mplus": ("to_mplus",),
    "fitting": ("Fit", "FitWarning", "fit", "load_fit"),
    "imputations": ("FitOfImputations", "PooledMaximumLikelihood", "fit_imputations", "pool"),
    "g_formula.causal_order": ("CausalOrder", "causal_order"),
    "g_formula.equations": ("Equation",),
    "g_formula.regimes": ("Shift",),
    "g_formula.regressions": ("Regression", "regression"),
    "likelihood": ("MaximumLikelihood", "log_likelihood", "maximum_likelihood"),
    "model_file": (
        "AssociationFile",
        "ModelFile",
        "Question",
        "load_association",
        "load_model",
        "packaged_model",
        "save_association",
        "save_model",
    ),
    "model_file.causal_file": ("CausalFile", "CausalQuestion", "CausalRegression", "load_causal", "save_causal"),
    "panel": (
        "Absence",
        "InternalConsistency",
        "Moments",
        "Panel",
        "PanelWarning",
        "Transitions",
        "internal_consistency",
        "read_frame",
    ),
    "problems": ("AllianceBayesError", "InterruptionError", "ModelFileError", "PanelError", "SpecError"),
    "pymc_models.building": ("to_pymc",),
    "questions.association": ("Association", "SamplingOfRegressions", "association"),
    "questions.calibration": ("Calibration", "loo_pit"),
    "questions.bayes_factors": ("BayesFactors", "bayes_factors"),
    "questions.comparison": ("Comparison", "compare", "direction_models"),
    "questions.counterfactual": (
        "Counterfactual",
        "contrast_of_regimes",
        "controlled_direct_effects",
        "interventional_effects",
        "natural_effects",
    ),
    "questions.counterfactual_checks": ("MonteCarlo",),
    "questions.delta_adjustment": ("DeltaAdjustment", "delta_adjustment"),
    "questions.directionality": (
        "Directionality",
        "DirectionalityOfPairs",
        "directionality",
        "directionality_of_pairs",
    ),
    "regressions.building": ("bambi_model",),
    "questions.embedding": ("Embeddability", "embeddability"),
    "questions.future": ("leave_future_out",),
    "questions.groups": ("GroupContrast", "group_contrast"),
    "questions.hypotheses": ("Hypotheses", "hypotheses"),
    "questions.robustness": ("Robustness", "robustness", "robustness_variants"),
    "questions.lag_curve": ("LagCurve", "lag_curve"),
    "questions.mediation": ("Mediation", "mediation"),
    "questions.sensitivity": ("Sensitivity", "sensitivity"),
    "questions.state_effects": ("RandomisedPush", "randomised_push", "split_by_existence"),
    "spec.association": ("RandomInterceptRegression",),
    "simulation": ("GroupTruth", "Missing", "Truth", "simulate"),
    "spec.families": ("BetaBinomial", "Count", "Days", "InducedDirichlet", "Items", "Ordinal", "YesNo"),
    "spec.family": ("ALT", "CLPM", "DPM", "LCMSR", "RICLPM", "STARTS"),
    "spec.occurrence": ("Selection", "State"),
    "sponsor_cohort": ("SponsorStudy", "SponsorTruth", "sponsor_study"),
    "spec.priors": ("LKJ", "Beta", "HalfNormal", "LogNormal", "Normal", "Priors"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "ALT",
    "CLPM",
    "DPM",
    "LCMSR",
    "LKJ",
    "RICLPM",
    "STARTS",
    "Absence",
    "AllianceBayesError",
    "Association",
    "AssociationFile",
    "BayesFactors",
    "Beta",
    "BetaBinomial",
    "Calibration",
    "CausalFile",
    "CausalOrder",
    "CausalQuestion",
    "CausalRegression",
    "Comparison",
    "Count",
    "Counterfactual",
    "Days",
    "DeltaAdjustment",
    "Directionality",
    "DirectionalityOfPairs",
    "Embeddability",
    "Equation",
    "Fit",
    "FitOfImputations",
    "FitWarning",
    "GroupContrast",
    "GroupTruth",
    "HalfNormal",
    "Hypotheses",
    "InducedDirichlet",
    "InternalConsistency",
    "InterruptionError",
    "Items",
    "LagCurve",
    "LogNormal",
    "MaximumLikelihood",
    "Mediation",
    "Missing",
    "ModelFile",
    "ModelFileError",
    "Moments",
    "MonteCarlo",
    "Normal",
    "Ordinal",
    "Panel",
    "PanelError",
    "PanelWarning",
    "PooledMaximumLikelihood",
    "Priors",
    "Question",
    "RandomInterceptRegression",
    "RandomisedPush",
    "Regression",
    "Robustness",
    "SamplingOfRegressions",
    "Selection",
    "Sensitivity",
    "Shift",
    "SpecError",
    "SponsorStudy",
    "SponsorTruth",
    "State",
    "Transitions",
    "Truth",
    "YesNo",
    "association",
    "bambi_model",
    "bayes_factors",
    "causal_order",
    "compare",
    "contrast_of_regimes",
    "controlled_direct_effects",
    "delta_adjustment",
    "direction_models",
    "directionality",
    "directionality_of_pairs",
    "embeddability",
    "fit",
    "fit_imputations",
    "group_contrast",
    "hypotheses",
    "internal_consistency",
    "interventional_effects",
    "lag_curve",
    "leave_future_out",
    "load_association",
    "load_causal",
    "load_fit",
    "load_model",
    "log_likelihood",
    "loo_pit",
    "maximum_likelihood",
    "mediation",
    "natural_effects",
    "packaged_model",
    "pool",
    "randomised_push",
    "read_frame",
    "regression",
    "robustness",
    "robustness_variants",
    "save_association",
    "save_causal",
    "save_model",
    "sensitivity",
    "simulate",
    "split_by_existence",
    "sponsor_study",
    "to_lavaan",
    "to_mplus",
    "to_pymc",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'alliance_bayes' has no attribute '{name}'")
    return getattr(import_module(f".{_HOME_OF[name]}", __name__), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
