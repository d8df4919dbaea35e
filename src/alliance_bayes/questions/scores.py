"""How well draws predict people who were left out: importance weights, moved draws, exact refits."""

import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from scipy.special import logsumexp

from ..basics.problems import InterruptionError
from ..panel import Panel, unseen_from
from ..posterior.fit import Fit
from ..posterior.integration import IntegrationError
from ..posterior.interruption import without_interruption_warnings
from ..posterior.predictions.people import People, people_of
from ..posterior.predictions.person_tables import log_densities
from ..posterior.sampling import fit as fit_model
from ..spec.cross_lagged import CrossLagged

if TYPE_CHECKING:
    from ..pymc_models.densities import LogDensity

__all__ = ["LeftOut", "Scores", "importance_scores", "leave_out", "moment_matched", "plain_scores", "refitted"]


@dataclass(frozen=True, eq=False)
class Scores:
    """Log predictive densities of one model.

    Attributes
    ----------
    elpd
        By person.
    k_hat
        Pareto shape by person, NaN where no importance weights were needed.
    good_k
        Threshold above which a shape makes its person's score unreliable.
    mcse
        Monte Carlo standard error of the sum.
    p
        Effective number of parameters, or NaN.
    n_matched, n_refitted
        Persons scored by moved draws, and by a refit.
    integration
        Error of the densities, summed over persons, where linear predictors are integrated out.
    """

    elpd: xr.DataArray
    k_hat: xr.DataArray
    good_k: float
    mcse: float
    p: float
    n_matched: int = 0
    n_refitted: int = 0
    integration: IntegrationError | None = None

    @property
    def n_high(self) -> int:
        """Persons with an unreliable score."""
        return int((self.k_hat > self.good_k).sum())


@dataclass(frozen=True, eq=False)
class LeftOut:
    """What is left out of one fit's data: a person's waves after the first `n_given`, which stay; 0: the person."""

    fit: Fit
    n_given: int = 0

    @cached_property
    def persons(self) -> np.ndarray:
        """Positions in the panel of the people who have something to leave out."""
        return np.flatnonzero(self.fit.model.has_value_from(self.n_given))

    def log_density(self, draws_of: Fit, persons: np.ndarray) -> xr.DataArray:
        """Log density of what is left out of these people given what stays, at the draws of a fit."""
        people = self._people(draws_of)
        return log_densities(people, draws_of.thetas, draws_of.posterior, persons, n_known=self.n_given)

    def integration_error(self, draws_of: Fit) -> IntegrationError | None:
        """Error of these densities, summed over people, where linear predictors are integrated out; else None."""
        return self._people(draws_of).integration_error(draws_of.thetas, draws_of.settings.seed, n_known=self.n_given)

    def _people(self, draws_of: Fit) -> People:
        return people_of(self.fit.model if draws_of.panel is self.fit.panel else draws_of.model.on(self.fit.panel))

    def panel_without(self, person: int) -> Panel:
        """The panel without what is left out of this person."""
        panel = self.fit.panel
        if not self.n_given:
            return without_person(panel, person)
        return unseen_from(panel, self.n_given, person, self.fit.spec.reported_columns)


def without_person(panel: Panel, place: int) -> Panel:
    """The panel without the person at this position."""
    panel.require_persons("Leaving out persons")
    assert panel.persons is not None
    others = np.delete(np.arange(len(panel.persons)), place)
    return panel.of_persons(others, source=f"{panel.source} without person {panel.persons[place]}")


def leave_out(left_out: LeftOut, most_refits: int) -> Scores:
    """Score each person by draws that did not see what is left out of them.

    By Pareto-smoothed importance sampling; where a person's shape is too high by ArviZ's moment
    matching; where that fails by a refit, the highest shapes first, at most `most_refits`.
    """
    from ..pymc_models.densities import log_density_of

    log_density = left_out.log_density(left_out.fit, left_out.persons)
    scores, influence = importance_scores(log_density)
    if not scores.n_high:
        return scores
    elpd, k_hat = scores.elpd.copy(), scores.k_hat.copy()
    high = np.flatnonzero(k_hat > scores.good_k)
    errors: list[float] = []
    target = log_density_of(left_out.fit.model)
    matched: list[int] = []
    for index in high.tolist():
        moved = moment_matched(left_out, target, log_density, index, scores.good_k)
        if moved is not None:
            elpd[index], k_hat[index], error = moved
            errors.append(error)
            matched.append(index)
    refits = sorted(set(high.tolist()) - set(matched), key=lambda index: -float(k_hat[index]))[:most_refits]
    for index in refits:
        exact = _refitted_score(left_out, int(left_out.persons[index]))
        elpd[index], k_hat[index] = float(exact.elpd.sum()), np.nan
        errors.append(exact.mcse)
    replaced = np.isin(np.arange(elpd.size), [*matched, *refits])
    kept = _total_error(influence[:, :, ~replaced])
    lpd = plain_scores(log_density).elpd
    return replace(
        scores,
        elpd=elpd,
        k_hat=k_hat,
        mcse=float(np.hypot(kept, np.linalg.norm(errors))),
        p=float((lpd - elpd).sum()),
        n_matched=len(matched),
        n_refitted=len(refits),
    )


def plain_scores(log_density: xr.DataArray) -> Scores:
    """Log of the mean density over draws that never saw the values, dims ``(chain, draw, person)``."""
    n_draws = log_density.sizes["chain"] * log_density.sizes["draw"]
    axes = log_density.get_axis_num(("chain", "draw"))
    elpd = log_density.isel(chain=0, draw=0, drop=True).copy(
        data=logsumexp(log_density.to_numpy(), axis=axes) - np.log(n_draws)
    )
    influence = xr.apply_ufunc(np.expm1, log_density - elpd) / n_draws
    mcse = _total_error(influence)
    return Scores(elpd, xr.full_like(elpd, np.nan), np.nan, mcse, np.nan)


def refitted(fitted: Fit, panel: Panel, seed: int, spec: CrossLagged | None = None) -> Fit:
    """The same model, or another, sampled as before on another panel; InterruptionError if that is interrupted."""
    with without_interruption_warnings():
        refit = fit_model(spec or fitted.spec, panel, progress=False, **(fitted.settings.options | {"seed": seed}))
    if refit.stopped:
        raise InterruptionError("A refit was interrupted, and with it the answer that needs it; ask again.")
    return refit


def importance_scores(log_density: xr.DataArray) -> tuple[Scores, xr.DataArray]:
    """Scores by ArviZ's PSIS, and each draw's influence on each person's score."""
    import arviz_stats

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # high shapes: every one is acted on or reported
        loo = arviz_stats.loo(_tree(log_density), var_name="values", pointwise=True, reff=_efficiency(log_density))
    # By the delta method log sum_s w_s p_s moves by w_s (p_s / mean - 1) for each draw s.
    influence = (np.exp(loo.log_weights) * np.expm1(log_density - loo.elpd_i)).transpose(*log_density.dims)
    scores = Scores(loo.elpd_i, loo.pareto_k, float(loo.good_k), _total_error(influence), float(loo.p))
    return scores, influence


def _efficiency(log_density: xr.DataArray) -> float:
    """Effective draws per draw of the densities, in (0, 1]."""
    import arviz_stats

    largest = log_density.max(("chain", "draw"))
    ess = arviz_stats.ess(np.exp(log_density - largest), method="mean")
    n_draws = log_density.sizes["chain"] * log_density.sizes["draw"]
    return float(np.clip(np.nan_to_num(ess.mean(), nan=n_draws) / n_draws, 1 / n_draws, 1.0))


def _total_error(influence: xr.DataArray) -> float:
    """Monte Carlo standard error of the summed elpd; summed over persons first, since all share the draws."""
    import arviz_stats

    per_draw = influence.sum("person")
    return per_draw.size * float(arviz_stats.mcse(per_draw, method="mean")) if per_draw.any() else 0.0


def _tree(log_density: xr.DataArray) -> xr.DataTree:
    return xr.DataTree.from_dict({"/log_likelihood": log_density.to_dataset(name="values")})


def moment_matched(
    left_out: LeftOut, target: "LogDensity", log_density: xr.DataArray, index: int, good_k: float
) -> tuple[float, float, float] | None:
    """Score, shape and Monte Carlo error of one person by ArviZ's moment matching; None where it fails.

    Not its splitting of the draws: in arviz-stats 1.3 that returns weights of the full posterior, and
    a score as if the person had been seen. Without it the moved draws must serve both the posterior
    without and the one with the person, which ArviZ checks and warns about: a warning is a failure.
    """
    import arviz_stats

    fitted, log_density = left_out.fit, log_density.isel(person=[index])
    sizes = (log_density.sizes["chain"], log_density.sizes["draw"], -1)
    points = xr.DataArray(target.points(fitted.posterior).reshape(sizes), dims=("chain", "draw", "number"))

    def log_posterior(moved: xr.DataArray) -> xr.DataArray:
        flat = moved.to_numpy().reshape(-1, moved.sizes["number"])
        return xr.DataArray(target(flat).reshape(sizes[:2]), dims=("chain", "draw"))

    def log_density_at(moved: xr.DataArray, _: int) -> xr.DataArray:
        flat = moved.to_numpy().reshape(-1, moved.sizes["number"])
        at_moved = fitted.with_draws(xr.DataTree.from_dict({"/posterior": target.draws(flat, fitted.posterior)}))
        density = left_out.log_density(at_moved, left_out.persons[[index]])
        return xr.DataArray(density.to_numpy()[:, :, 0], dims=("chain", "draw"))

    tree, efficiency = _tree(log_density), _efficiency(log_density)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the high shape, which is why we are here
        before = arviz_stats.loo(tree, var_name="values", pointwise=True, reff=efficiency)
    with warnings.catch_warnings(record=True) as failures:
        warnings.simplefilter("always")
        matched = arviz_stats.loo_moment_match(
            tree, before, log_posterior, log_density_at, points, "values", efficiency,
            k_threshold=good_k, split=False, cov=False, pointwise=True,
        )  # fmt: skip
    if any(issubclass(failure.category, UserWarning) for failure in failures):  # others are of the SE over one person
        return None
    # Under the posterior without the person, the squared coefficient of variation of its density is exp(p) - 1.
    error = np.sqrt(np.expm1(max(float(matched.p_loo_i[0]), 0.0)) / float(matched.n_eff_i[0]))
    return float(matched.elpd_i[0]), float(matched.pareto_k[0]), float(error)


def _refitted_score(left_out: LeftOut, person: int) -> Scores:
    fitted = left_out.fit
    refit = refitted(fitted, left_out.panel_without(person), fitted.settings.seed + 1 + person)
    return plain_scores(left_out.log_density(refit, np.array([person])))
