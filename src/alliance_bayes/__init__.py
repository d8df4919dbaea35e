"""Bayesian causal modelling of panels: who leads whom, and how sure the data allow one to be."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .export.lavaan import to_lavaan
    from .export.mplus import to_mplus
    from .fitting import Fit, fit, load_fit
    from .imputations import FitOfImputations, PooledMaximumLikelihood, fit_imputations, pool
    from .likelihood import MaximumLikelihood, log_likelihood, maximum_likelihood
    from .model_file import ModelFile, Question, load_model, packaged_model, save_model
    from .panel import Absence, Moments, Panel, PanelWarning, read_frame
    from .problems import AllianceBayesError, ModelFileError, PanelError, SpecError
    from .pymc_models.building import to_pymc
    from .questions.calibration import Calibration, loo_pit
    from .questions.directionality import (
        Directionality,
        DirectionalityOfPairs,
        directionality,
        directionality_of_pairs,
    )
    from .simulation import Missing, Truth, simulate
    from .spec.family import ALT, CLPM, DPM, LCMSR, RICLPM, STARTS
    from .spec.priors import LKJ, Beta, HalfNormal, LogNormal, Normal, Priors

__version__ = "0.1.0"

_HOMES = {
    "export.lavaan": ("to_lavaan",),
    "export.mplus": ("to_mplus",),
    "fitting": ("Fit", "fit", "load_fit"),
    "imputations": ("FitOfImputations", "PooledMaximumLikelihood", "fit_imputations", "pool"),
    "likelihood": ("MaximumLikelihood", "log_likelihood", "maximum_likelihood"),
    "model_file": ("ModelFile", "Question", "load_model", "packaged_model", "save_model"),
    "panel": ("Absence", "Moments", "Panel", "PanelWarning", "read_frame"),
    "problems": ("AllianceBayesError", "ModelFileError", "PanelError", "SpecError"),
    "pymc_models.building": ("to_pymc",),
    "questions.calibration": ("Calibration", "loo_pit"),
    "questions.directionality": (
        "Directionality",
        "DirectionalityOfPairs",
        "directionality",
        "directionality_of_pairs",
    ),
    "simulation": ("Missing", "Truth", "simulate"),
    "spec.family": ("ALT", "CLPM", "DPM", "LCMSR", "RICLPM", "STARTS"),
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
    "SpecError",
    "Truth",
    "directionality",
    "directionality_of_pairs",
    "fit",
    "fit_imputations",
    "load_fit",
    "load_model",
    "log_likelihood",
    "loo_pit",
    "maximum_likelihood",
    "packaged_model",
    "pool",
    "read_frame",
    "save_model",
    "simulate",
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
