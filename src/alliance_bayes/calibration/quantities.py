"""What is ranked and which events are asked about: the quantities and verdicts of the field, from any draws."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import numpy.typing as npt
import xarray as xr

from ..basics.names import ARROW, lagged_path
from ..basics.problems import Problems
from ..engine.kernels.likelihood import log_likelihood_and_gradient
from ..engine.model_on_panel import PanelModel
from ..posterior.fit import Fit
from ..posterior.posterior import Posterior
from ..posterior.predictions.people import people_of
from ..posterior.summaries import above, probability
from ..questions.answer import Answer
from ..questions.arguments import CERTAINTY, check_pair
from ..questions.directionality_effects import SIDES, Effects, effects_by_length
from ..questions.directionality_verdict import verdict_on
from ..questions.hypotheses import hypotheses

__all__ = ["LOG_LIKELIHOOD", "Events", "events_of", "log_likelihoods", "named_quantities", "plain_names"]

type Array = npt.NDArray[np.float64]

LOG_LIKELIHOOD = "log-likelihood"
OF_THE_FIELD = (
    "lagged_standardized",
    "intraclass_correlation",
    "between_correlation",
    "within_correlation",
    "innovation_correlation",
    "accumulating_correlation",
)
IN_WORDS = {
    "lagged_standardized": "lagged effect",
    "intraclass_correlation": "ICC",
    "between_correlation": "between-person correlation",
    "within_correlation": "within-person correlation",
    "innovation_correlation": "correlation of innovations",
    "accumulating_correlation": "correlation of accumulating factors",
    "cross_lagged": "cross-lagged effect as sampled",
    "carry_over": "carry-over as sampled",
    "relative_mean": "mean",
    "relative_total_sd": "total SD",
}
LABELLED = re.compile(r"(?P<name>[^\[]+)\[(?P<labels>.+)\]")
OF_A_TIME = re.compile(r"\d+(\.\d+)?( to \d+(\.\d+)?)?")


def named_quantities(posterior: xr.Dataset, blocks: Iterable[str]) -> dict[str, xr.DataArray]:
    """All numbers to be ranked by name, each with dims ``(chain, draw)``: of the field, then random variables.

    Parameters
    ----------
    posterior
        Draws.
    blocks
        Random variables to be ranked too.
    """
    found: dict[str, xr.DataArray] = {}
    for name in (*(each for each in OF_THE_FIELD if each in posterior), *blocks):
        found |= dict(_numbers(name, posterior[name]))
    found |= dict(_differences(posterior["lagged_standardized"]))
    return found


def _numbers(name: str, array: xr.DataArray) -> Iterator[tuple[str, xr.DataArray]]:
    dims = [str(dim) for dim in array.dims if dim not in ("chain", "draw")]
    if not dims:
        yield name, array
        return
    flat = array.stack(number=dims)
    for index, labels in enumerate(flat["number"].to_numpy()):
        texts = [str(label) for label in labels]
        yield f"{name}[{', '.join(texts)}]", flat.isel(number=index, drop=True)


def plain_names(names: Iterable[str]) -> dict[str, str]:
    """Names as kept to names as printed: in words, measures before times, and these without needless decimals.

    Examples
    --------
    >>> list(plain_names(["relative_mean[3.0, mood]", "lagged_standardized[0 to 6, x -> y]"]).values())
    ['mean: mood, 3', 'lagged effect: x -> y, 0 to 6']
    """
    plain = {name: _plain(name) for name in names}
    return plain if len(set(plain.values())) == len(plain) else {name: name for name in plain}


def _plain(name: str) -> str:
    parts = LABELLED.fullmatch(name)
    if parts is None:
        return IN_WORDS.get(name, name)
    labels = parts["labels"].split(", ")
    times = [re.sub(r"\.0\b", "", label) for label in labels if OF_A_TIME.fullmatch(label)]
    others = [label for label in labels if not OF_A_TIME.fullmatch(label)]
    return f"{IN_WORDS.get(parts['name'], parts['name'].replace('_', ' '))}: {', '.join([*others, *times])}"


def _differences(effects: xr.DataArray) -> Iterator[tuple[str, xr.DataArray]]:
    """Difference in size of the effects of each pair of measures, over each interval."""
    paths = [str(path) for path in effects["path"].to_numpy()]
    measures = list(dict.fromkeys(path.split(ARROW)[0] for path in paths))
    for first, second in combinations(measures, 2):
        forward, backward = lagged_path(first, second), lagged_path(second, first)
        size = abs(effects.sel(path=forward, drop=True)) - abs(effects.sel(path=backward, drop=True))
        yield from _numbers(f"|{forward}| - |{backward}|", size)


def log_likelihoods(model: PanelModel, thetas: Array) -> Array:
    """Log-likelihood of all data at each theta in the model's unit, in the values' own units."""
    if model.spec.is_latent:
        return np.asarray(people_of(model).log_densities(thetas, np.flatnonzero(model.has_value)).sum(axis=1))
    arguments = model.system.structure_arrays, model.system.arrays, model.statistics.arrays
    values = [log_likelihood_and_gradient(np.ascontiguousarray(theta), *arguments)[0] for theta in thetas]
    return np.array(values) + model.statistics.log_jacobian


@dataclass(frozen=True, eq=False)
class Events:
    """What the questions on direction say of draws.

    Attributes
    ----------
    probabilities
        Event to its probability.
    verdicts
        Pair of measures to the verdict, and the name of the event that it states.
    """

    probabilities: Mapping[str, float] = field(default_factory=dict)
    verdicts: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def events_of(fit: Fit) -> Events:
    """Probabilities of events after the data, and verdicts, of every pair of measures with both paths free."""
    probabilities, verdicts = dict[str, float](), dict[str, tuple[str, str]]()
    for group in fit.groups or (None,):
        of_one = fit if group is None else fit.of_group(group)
        for pair in _pairs(of_one):
            about = f"{', '.join(pair)}{'' if group is None else f' ({group})'}"
            found = effects_by_length(of_one, pair, None, None, CERTAINTY)
            of_pair = dict(_by_bayes_factors(hypotheses(fit, *pair, group=group)))
            for effects in found.by_length.values():
                of_pair |= dict(_of_direction(effects))
            probabilities |= {f"{about}: {event}": value for event, value in of_pair.items()}
            verdict, _ = verdict_on(found.asked, fit.health)
            verdicts[about] = verdict, f"{about}: {verdict}, {found.asked.over}"
    return Events(probabilities, verdicts)


def _pairs(fit: Posterior) -> Iterator[tuple[str, str]]:
    for first, second in combinations(fit.spec.measures, 2):
        problems = Problems("")
        check_pair(fit, first, second, problems)
        if not problems.found:
            yield first, second


def _by_bayes_factors(answer: Answer) -> Iterator[tuple[str, float]]:
    """Probability of each hypothesis: its prior odds times its Bayes factor against the complement."""
    for name, row in answer.table.iterrows():
        odds = row["prior"] / (1 - row["prior"]) * row["bf_complement"]
        bounded = row["bf_complement_bound"] or not np.isfinite(odds)
        yield f"by Bayes factor {name}", float(row["posterior"] if bounded else odds / (1 + odds))


def _of_direction(effects: Effects) -> Iterator[tuple[str, float]]:
    for side, path in zip(SIDES, effects.paths, strict=True):
        yield f"{path} > 0, {effects.over}", probability(above(effects.posterior[side], 0)).value
    yield f"|{effects.paths[0]}| larger, {effects.over}", effects.contest[0].value
    for event, (after, _) in effects.events.items():
        yield f"{event}, {effects.over}", after.value
