"""Model files: data, model, priors and the questions to be asked, all in one TOML file."""

from .association_file import AssociationFile, load_association, save_association
from .model_file import ModelFile, Question, load_model, packaged_model, save_model

__all__ = [
    "AssociationFile",
    "ModelFile",
    "Question",
    "load_association",
    "load_model",
    "packaged_model",
    "save_association",
    "save_model",
]
