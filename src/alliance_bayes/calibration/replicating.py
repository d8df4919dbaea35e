"""One replicate: true values, simulated people, a fit to them, and what is kept of it."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from ..batches import Replicate
from ..engine.kernels.interpreter import run_many
from ..engine.model_on_panel import PanelModel, panel_model
from ..panel import Panel
from ..posterior.fit import Fit
from ..posterior.health import Health
from ..posterior.prior_draws import named_draws, prior_draws, proper_draws
from ..posterior.sample import Sample
from ..posterior.samplers import sample_posterior, sample_until_explored
from ..posterior.settings import Settings, acceptance
from ..spec.cross_lagged import CrossLagged
from .quantities import LOG_LIKELIHOOD, Events, events_of, log_likelihoods, named_quantities
from .replicated_panels import drawn_like, joined
from .truths import truth_of
from .uniformity import rank

__all__ = ["RANKED", "Ask", "FromPosterior", "FromPrior", "Scale"]

type Array = npt.NDArray[np.float64]
type Ask = Callable[[Fit], Mapping[str, xr.DataArray]]
Scale = Literal["held", "as_shipped"]

RANKED = 99
"""Draws that a truth is ranked among, about independent of each other."""
MOST_TRIES = 3
MORE = 4
"""How often a fit with too few effective draws is sampled, and with how many times more draws each time."""
COPIES = (4, 2)
"""Chains and draws that say the same, so that questions can be asked of a truth."""
TOTAL_SD = "relative_total_sd"
FINE = Health(1.0, np.inf, np.inf, 0, 1.0, "", ())


@dataclass(frozen=True, eq=False)
class Drawn:
    """A truth in the model's random variables and parameters, and the model on the people drawn from it."""

    psi: Array
    theta: Array
    model: PanelModel


@dataclass(frozen=True, eq=False)
class _Work:
    """What all replicates share; called with one and its random numbers, it does the work of `run_batch`."""

    settings: Mapping[str, Any]  # draws, tune, chains and target_accept, None where not given
    ask: Ask | None  # further quantities to be ranked, from a fit
    events: bool  # whether events and verdicts are kept

    @property
    def template(self) -> PanelModel:
        """The model whose random variables and units truths are in."""
        raise NotImplementedError

    @property
    def holds_scale(self) -> bool:
        """Whether the fitted model has the units of the template."""
        return True

    def drawn(self, rng: np.random.Generator) -> Drawn:
        """A truth and people."""
        raise NotImplementedError

    @cached_property
    def prior(self) -> xr.Dataset:
        """Draws of the prior, that questions on events compare with."""
        return prior_draws(self.template, np.random.default_rng(0))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("template", "prior")}

    def __call__(self, replicate: Replicate, rng: np.random.Generator) -> dict[str, Any]:
        """Draw, simulate, fit and rank once; see the names of what is returned."""
        drawn = self.drawn(rng)
        fit, smallest = self._fitted(drawn, int(rng.integers(2**31)))
        truth = _said(self.template, drawn, self.prior)
        after, before = self._quantities(fit), self._quantities(truth)
        after[LOG_LIKELIHOOD], before[LOG_LIKELIHOOD] = self._log_likelihoods(fit, drawn)
        ranks, below = dict[str, float](), dict[str, float]()
        for name, draws in after.items():
            values, true_value = draws.to_numpy().ravel(), float(before[name].to_numpy().ravel()[0])
            if not np.any(values != true_value):
                continue  # fixed in the model
            ranks[name] = rank(_thinned(values), true_value, rng)
            below[name] = float(np.mean(values < true_value) + np.mean(values == true_value) / 2)
        events, true_events = (events_of(each) if self.events else Events() for each in (fit, truth))
        return {
            "quantities": np.array(list(ranks), dtype=str),
            "ranks": np.array(list(ranks.values())),
            "below": np.array(list(below.values())),
            "events": np.array(list(events.probabilities), dtype=str),
            "probabilities": np.array(list(events.probabilities.values()), dtype=float),
            "holds": np.array([true_events.probabilities[name] for name in events.probabilities], dtype=float),
            "pairs": np.array(list(events.verdicts), dtype=str),
            "verdicts": np.array([verdict for verdict, _ in events.verdicts.values()], dtype=str),
            "verdict_events": np.array([event for _, event in events.verdicts.values()], dtype=str),
            "effective": smallest,
            "n_draws": fit.n_draws,
            "healthy": fit.health.healthy,
            "health": " ".join(fit.health.problems),
        }

    def _fitted(self, drawn: Drawn, seed: int) -> tuple[Fit, float]:
        """A fit with as many effective draws of what is ranked as ranks need, if that can be had."""
        accept = self.settings["target_accept"]
        given = {**self.settings, "target_accept": acceptance(accept)}
        settings = Settings(**given, cores=1, seed=seed, sampler="nutpie")
        sample_it = sample_until_explored if accept is None else sample_posterior
        for _ in range(MOST_TRIES):
            sample = sample_it(drawn.model, settings)
            statistics = sample.group("sample_stats")
            groups = {"/posterior": sample.posterior, "/sample_stats": statistics, "/prior": self.prior}
            fit = Fit(drawn.model, replace(sample, draws=xr.DataTree.from_dict(groups)))
            smallest = _smallest_effective(self._quantities(fit))
            if smallest >= RANKED:
                break
            settings = replace(sample.settings, draws=MORE * settings.draws)
        return fit, smallest

    def _quantities(self, fit: Fit) -> dict[str, xr.DataArray]:
        blocks = [block.name for block in self.template.scale.blocks] if self.holds_scale else []
        found = named_quantities(fit.posterior, [name for name in blocks if not _is_of_the_field(name)])
        if self.ask is not None:
            found |= dict(self.ask(fit))
        return found

    def _log_likelihoods(self, fit: Fit, drawn: Drawn) -> tuple[xr.DataArray, xr.DataArray]:
        """Of the ranked draws, and of the truth."""
        theta = fit.model.from_raw(self.template.to_raw(drawn.theta))
        values = log_likelihoods(fit.model, np.vstack([_thinned(fit.thetas), theta]))
        return xr.DataArray(values[:-1]), xr.DataArray(values[-1:])


@dataclass(frozen=True, eq=False)
class FromPrior(_Work):
    """Truths from the prior of a model on a panel, whose people are replaced by simulated ones."""

    spec: CrossLagged
    panel: Panel
    scale: Scale

    @cached_property
    def template(self) -> PanelModel:
        """The model on the panel."""
        model = panel_model(self.spec, self.panel)
        return replace(model, units=model.column_units)

    @property
    def holds_scale(self) -> bool:
        """As chosen."""
        return self.scale == "held"

    def drawn(self, rng: np.random.Generator) -> Drawn:
        """A draw of the prior that gives a proper model, and people with these parameters."""
        scale = self.template.scale
        blocks, thetas, _ = proper_draws(self.template, rng)
        theta = thetas[0]
        if not self.holds_scale:
            blocks = self._in_sds_of_values(blocks, self._people(theta, deepcopy(rng)))
            theta = run_many(scale.join(blocks)[:1], scale.arrays)[0][0]
        people = self._people(theta, rng)
        model = self.template.on(people) if self.holds_scale else panel_model(self.spec, people)
        return Drawn(scale.join(blocks)[0], theta, model)

    def _people(self, theta: Array, rng: np.random.Generator) -> Panel:
        return drawn_like(self.panel, truth_of(self.template, theta), rng)

    def _in_sds_of_values(self, blocks: Mapping[str, Array], people: Panel) -> dict[str, Array]:
        """The same truths, but total SDs divided by the SDs of these people's values in the unit of the template.

        The prior speaks of SDs of the values. If these were a hundredth of the unit in which truths are drawn, means
        drawn one unit apart would be a hundred SDs apart. Where all variation follows total SDs, those who are drawn
        with the same random numbers then have the template's unit; where some does not, about so.
        """
        relative = dict(zip(self.spec.measures, panel_model(self.spec, people).unit / self.template.unit, strict=True))
        scale, found = self.template.scale, dict(blocks)
        for block in scale.blocks:
            if block.name == TOTAL_SD:
                of_measures = scale.coordinates[block.dims[-1]]
                found[TOTAL_SD] = blocks[TOTAL_SD] / [relative[str(name)] for name in of_measures]
        return found


@dataclass(frozen=True, eq=False)
class FromPosterior(_Work):
    """Truths from the posterior of a fit, whose people stay, with as many simulated ones beside them."""

    model: PanelModel
    psis: Array  # draws of the random variables, shape ``(draw, psi)``

    @cached_property
    def template(self) -> PanelModel:
        """The fitted model."""
        return replace(self.model, units=self.model.column_units)

    def drawn(self, rng: np.random.Generator) -> Drawn:
        """A posterior draw, and the people of the fit with others who have these parameters."""
        psi = self.psis[rng.integers(len(self.psis))]
        theta = run_many(psi[None], self.template.scale.arrays)[0][0]
        people = drawn_like(self.model.panel, truth_of(self.template, theta), rng)
        return Drawn(psi, theta, self.template.on(joined(self.model.panel, people)))


def _said(model: PanelModel, drawn: Drawn, prior: xr.Dataset) -> Fit:
    """A truth as the draws of a fit, so that whatever is asked of a fit can be asked of it."""
    chains, draws = COPIES
    vector = np.concatenate([drawn.psi, model.derive(drawn.theta[None])[0]])
    posterior = named_draws(model, np.tile(vector, (chains * draws, 1)), n_chains=chains)
    settings = Settings(draws, 0, chains, 1, 0.8, 0, "nutpie")
    tree = xr.DataTree.from_dict({"/posterior": posterior, "/prior": prior})
    return Fit(model, Sample(tree, settings), examined=FINE)


def _is_of_the_field(name: str) -> bool:
    """Whether the ICC or correlations say the same as this random variable."""
    return name == "icc" or name.endswith("_partial_unit")


def _thinned(draws: Array) -> Array:
    """Evenly spaced draws, as many as a truth is ranked among."""
    return np.asarray(draws[np.linspace(0, len(draws) - 1, min(RANKED, len(draws))).astype(int)])


def _smallest_effective(quantities: Mapping[str, xr.DataArray]) -> float:
    """Smallest effective sample size of the quantities that vary."""
    from arviz_stats.base import array_stats

    arrays = np.stack([draws.transpose("chain", "draw").to_numpy() for draws in quantities.values()], axis=-1)
    moving = np.isfinite(arrays).all(axis=(0, 1)) & (np.ptp(arrays, axis=(0, 1)) > 0)
    sizes = array_stats.ess(arrays[..., moving], chain_axis=0, draw_axis=1)
    return float(np.min(sizes)) if moving.any() else 0.0
