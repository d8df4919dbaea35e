"""Model files: data, model, priors and the questions to be asked, all in one TOML file."""

from .model_file import ModelFile, Question, load_model, packaged_model, save_model

__all__ = ["ModelFile", "Question", "load_model", "packaged_model", "save_model"]
