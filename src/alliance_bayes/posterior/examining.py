"""Health of the draws of one model on one panel: sampler, interruptions, and the approximate integral."""

import numpy as np

from ..engine.model_on_panel import PanelModel
from .after_sampling import error_in_words
from .health import Health, examine, with_integration, with_problem
from .predictions.people import people_of
from .sample import Sample

__all__ = ["examine_chains", "examine_sample"]


def examine_chains(model: PanelModel, sample: Sample) -> Health:
    """Whether the sampler's draws of a model's parameters can be trusted; examined once."""
    names = [block.name for block in model.scale.blocks]
    return sample.examined or examine(sample.draws, names, thin=sample.settings.thin)


def examine_sample(model: PanelModel, sample: Sample) -> Health:
    """Whether draws of a model can be trusted, in words, with what to do when they cannot."""
    health = examine_chains(model, sample)
    if sample.interrupted:
        health = with_problem(
            health,
            f"{sample.interrupted} All numbers use only these draws. Run it again without interruption for a final "
            "answer.",
        )
    if sample.settings.latent == "sample":
        return health
    try:
        error = people_of(model).integration_error(sample.thetas(model), sample.settings.seed)
    except (MemoryError, ArithmeticError, np.linalg.LinAlgError) as failure:
        return with_problem(
            health,
            "The error of the approximate integral over the linear predictors is unknown, because computing it failed "
            f'({error_in_words(failure)}). Compare the answer with that of latent="sample".',
        )
    return health if error is None else with_integration(health, error)
