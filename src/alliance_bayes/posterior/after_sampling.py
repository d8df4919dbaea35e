"""Groups of draws that follow from the posterior; one that fails is reported, and the others are kept."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from ..basics.interrupts import held_interrupts
from ..basics.names import in_words
from ..engine.model_on_panel import PanelModel
from .predictions.people import people_of
from .predictions.person_tables import log_densities
from .predictions.responses import observed_responses
from .sample import GROUPS, STOPPED, Sample

__all__ = ["STAGES", "Stage", "error_in_words", "with_other_groups"]

MOST_STORED_VALUES = 10_000_000
N_REPLICATES = 200


class Stage(NamedTuple):
    """A group of `Fit.draws` that follows from the posterior; `cure` says how to get it all the same."""

    group: str
    draw: Callable[[PanelModel, Sample], xr.Dataset | None]
    cure: str


def with_other_groups(model: PanelModel, sample: Sample, prior: xr.Dataset) -> Sample:
    """All groups of draws, and a sentence on each that could not be made."""
    statistics = sample.group("sample_stats")
    texts = [name for name, array in statistics.data_vars.items() if array.dtype == object]
    groups = {"/posterior": sample.posterior, "/sample_stats": statistics.drop_vars(texts), "/prior": prior}
    missing: list[str] = []
    stages = STAGES if model.panel.values is not None else ()
    complete = "" if sample.interrupted else " The draws of the parameters are complete."
    with held_interrupts() as interrupts:
        for index, stage in enumerate(stages):
            try:
                with interrupts.let_through():
                    group = stage.draw(model, sample)
            except KeyboardInterrupt:
                not_drawn = in_words([f"{GROUPS[left.group]} ({left.cure})" for left in stages[index:]])
                missing.append(f"{STOPPED} after sampling.{complete} Missing: {not_drawn}.")
                break
            except Exception as error:  # whatever it is, the posterior stays in the user's hands
                missing.append(
                    f"{GROUPS[stage.group].capitalize()} are missing, because computing them "
                    f"failed ({error_in_words(error)}).{complete} {stage.cure}."
                )
            else:
                if group is not None:
                    groups[f"/{stage.group}"] = group
        return replace(sample, draws=xr.DataTree.from_dict(groups), incomplete=(*sample.incomplete, *missing))


def error_in_words(error: BaseException) -> str:
    """Kind of an error and its first line."""
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _coordinates(model: PanelModel) -> dict[str, Any]:
    panel = model.panel
    return {"person": panel.persons, "time": list(panel.times), "measure": list(model.spec.response_columns)}


def _observed_data(model: PanelModel, _: Sample) -> xr.Dataset:
    values = observed_responses(model).values.reshape(model.panel.n_persons, len(model.panel.times), -1)
    return xr.Dataset({"values": (("person", "time", "measure"), values)}, coords=_coordinates(model))


def _log_likelihood(model: PanelModel, sample: Sample) -> xr.Dataset | None:
    """Of people with any value: a person without one has density 1 and cannot be left out in cross-validation."""
    if sample.n_draws * model.panel.n_persons > MOST_STORED_VALUES:
        return None
    persons = np.flatnonzero(model.has_value)
    density = log_densities(people_of(model), sample.thetas(model), sample.posterior, persons)
    return density.to_dataset(name="values")


def _posterior_predictive(model: PanelModel, sample: Sample) -> xr.Dataset:
    """Replicated panels from evenly spaced draws, as many as the space for them allows."""
    people, rng, posterior = people_of(model), sample.settings.rng("posterior predictive"), sample.posterior
    n_chains, n_draws, n_persons = posterior.sizes["chain"], posterior.sizes["draw"], model.panel.n_persons
    shape = (n_persons, len(model.panel.times), len(model.spec.response_columns))
    per_chain = max(1, min(n_draws, N_REPLICATES // n_chains, MOST_STORED_VALUES // int(np.prod(shape))))
    kept = np.linspace(0, n_draws - 1, per_chain).astype(int)
    thetas = sample.thetas(model).reshape(n_chains, n_draws, -1)[:, kept].reshape(n_chains * per_chain, -1)
    values = np.stack([people.replicated(theta, rng).values for theta in thetas])
    return xr.Dataset(
        {"values": (("chain", "draw", "person", "time", "measure"), values.reshape(n_chains, per_chain, *shape))},
        coords={**_coordinates(model), "chain": posterior["chain"].to_numpy(), "draw": kept},
    )


# In the order in which they are made, the cheapest first.
STAGES = (
    Stage("observed_data", _observed_data, "fit.panel.values has them"),
    Stage("log_likelihood", _log_likelihood, "fit.log_likelihood(persons) computes them"),
    Stage("posterior_predictive", _posterior_predictive, "fit.check() makes its own"),
)
