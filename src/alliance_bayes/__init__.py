"""Bayesian causal modelling of panels: who leads whom, and how sure the data allow one to be."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .export.lavaan import to_lavaan
    from .export.mplus import to_mplus
    from .fitting import Fit, fit, load_fit
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
    from .panel import Absence, Moments, Panel, PanelWarning, Transitions, read_frame
    from .problems import AllianceBayesError, ModelFileError, PanelError, SpecError
    from .pymc_models.building import to_pymc
    from .questions.association import Association, SamplingOfRegressions, association
    from .questions.calibration import Calibration, loo_pit
    from .questions.directionality import (
        Directionality,
        DirectionalityOfPairs,
        directionality,
        directionality_of_pairs,
    )
    from .regressions.building import bambi_model
    from .simulation import Missing, Truth, simulate
    from .spec.association import RandomInterceptRegression
    from .spec.family import ALT, CLPM, DPM, LCMSR, RICLPM, STARTS
    from .spec.priors import LKJ, Beta, HalfNormal, LogNormal, Normal, Priors
    from .sponsor_cohort import SponsorStudy, SponsorTruth, sponsor_study

__version__ = "0.1.0"

_HOMES = {
    "export.lavaan": ("to_lavaan",),
    "export.mplus": ("to_mplus",),
    "fitting": ("Fit", "fit", "load_fit"),
    "imputations": ("FitOfImputations", "PooledMaximumLikelihood", "fit_imputations", "pool"),
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
    "panel": ("Absence", "Moments", "Panel", "PanelWarning", "Transitions", "read_frame"),
    "problems": ("AllianceBayesError", "ModelFileError", "PanelError", "SpecError"),
    "pymc_models.building": ("to_pymc",),
    "questions.association": ("Association", "SamplingOfRegressions", "association"),
    "questions.calibration": ("Calibration", "loo_pit"),
    "questions.directionality": (
        "Directionality",
        "DirectionalityOfPairs",
        "directionality",
        "directionality_of_pairs",
    ),
    "regressions.building": ("bambi_model",),
    "simulation": ("Missing", "Truth", "simulate"),
    "spec.association": ("RandomInterceptRegression",),
    "spec.family": ("ALT", "CLPM", "DPM", "LCMSR", "RICLPM", "STARTS"),
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
    "Beta",
    "Calibration",
    "Directionality",
    "DirectionalityOfPairs",
    "Fit",
    "FitOfImputations",
    "HalfNormal",
    "LogNormal",
    "MaximumLikelihood",
    "Missing",
    "ModelFile",
    "ModelFileError",
    "Moments",
    "Normal",
    "Panel",
    "PanelError",
    "PanelWarning",
    "PooledMaximumLikelihood",
    "Priors",
    "Question",
    "RandomInterceptRegression",
    "SamplingOfRegressions",
    "SpecError",
    "SponsorStudy",
    "SponsorTruth",
    "Transitions",
    "Truth",
    "association",
    "bambi_model",
    "directionality",
    "directionality_of_pairs",
    "fit",
    "fit_imputations",
    "load_association",
    "load_fit",
    "load_model",
    "log_likelihood",
    "loo_pit",
    "maximum_likelihood",
    "packaged_model",
    "pool",
    "read_frame",
    "save_association",
    "save_model",
    "simulate",
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
