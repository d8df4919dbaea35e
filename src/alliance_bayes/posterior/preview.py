"""A preview: a posterior approximated at its mode, corrected by importance resampling, before anything is sampled."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from ..basics.calls import checked
from ..basics.given import check_seed
from ..basics.names import split_path
from ..basics.problems import Problems, SpecError
from ..basics.whole_tables import WholeTable
from ..engine.model_on_panel import PanelModel, panel_model
from ..panel import Panel
from ..spec.cross_lagged import CrossLagged
from .health import SMALLEST_ESS, Diagnostics, in_words_of
from .importance import LARGEST_K_HAT, Weighted, importance_sample
from .posterior import Posterior
from .prior_draws import named_draws, prior_draws, rejected_in_words
from .quantity_tables import quantity_table
from .sample import Sample
from .settings import Settings
from .summaries import interval

if TYPE_CHECKING:
    from ..pymc_models.packed import PackedModel
    from ..pymc_models.unconstrained import Unconstrained

__all__ = ["Importance", "Preview", "examined", "preview", "preview_of"]

N_CHAINS, N_DRAWS = 4, 1000
KHAT_IN_WORDS = f"the approximation covers the posterior below {LARGEST_K_HAT}"
LEAST_SHARE = 0.05  # of draws that are effective; of fewer, k-hat itself is often too low (dynamic panel models)
CURE = "Sample it with ab.fit."
N_STARTS = 100


@dataclass(frozen=True)
class Importance(Diagnostics):
    """How well the weighted draws of a preview represent the posterior [1]_.

    Attributes
    ----------
    k_hat
        Shape of the generalised Pareto distribution of the largest weights; from 0.7 on, the approximation misses a
        part of the posterior that weights cannot make up for.
    n_effective
        Effective number of weighted draws; below 400, or 5 % of the weighted ones, answers are not reliable.
    n_weighted
        Points at which the posterior density was computed.
    problems
        What is wrong and what to do, one sentence each.

    References
    ----------
    .. [1] Vehtari, Simpson, Gelman, Yao & Gabry (2024). Pareto smoothed importance sampling. Journal of Machine
       Learning Research 25(72), 1-58. https://jmlr.org/papers/v25/19-556.html
    """

    k_hat: float
    n_effective: float
    n_weighted: int
    problems: tuple[str, ...]

    @property
    def approximate(self) -> bool:
        """True."""
        return True

    def __str__(self) -> str:
        effective = f"{self.n_effective:,.0f} of {self.n_weighted:,} weighted draws effective"
        numbers = f"k-hat {self.k_hat:.2f} ({KHAT_IN_WORDS}), {effective}"
        return in_words_of(numbers, self.problems)


@dataclass(frozen=True, eq=False, repr=False)
class Preview(Posterior):
    """An approximate posterior, with the model and the data it came from; every question about draws accepts it.

    Attributes
    ----------
    importance
        How well its draws represent the posterior.
    """

    importance: Importance = field(kw_only=True)

    @property
    def health(self) -> Importance:
        """How well its draws represent the posterior, in words, with what to do where they do not."""
        return self.importance

    @property
    def k_hat(self) -> float:
        """Shape of the tail of the importance weights; from 0.7 on no answer has a verdict."""
        return self.importance.k_hat

    @cached_property
    def table(self) -> pd.DataFrame:
        """Approximate posterior of every derived quantity of `draws`, in its unit.

        Returns
        -------
        pandas.DataFrame
            Indexed by the quantity with its coordinates, such as ``"lagged_standardized[0 to 6, alliance -> days]"``:
            ``mean``, ``sd``, and the interval's ``lower`` and ``upper``. Distrust all where `k_hat` is 0.7 or more.
        """
        return WholeTable(quantity_table(self.model.derived.quantities, self.posterior))

    @property
    def in_short(self) -> str:
        """Cross-lagged effects in one line."""
        draws = self.posterior["lagged_standardized"]
        effects = draws.mean([dim for dim in draws.dims if dim not in ("chain", "draw", "path")])
        lower, upper = interval(effects, "chain", "draw")
        shown = [
            f"{path} {float(effects.sel(path=path).mean()):.2f} "
            f"[{float(lower.sel(path=path)):.2f}, {float(upper.sel(path=path)):.2f}]"
            for path in effects["path"].to_numpy().tolist()
            if len(set(split_path(path) or ())) > 1
        ]
        return f"Approximate, before sampling (k-hat {self.k_hat:.2f}, {KHAT_IN_WORDS}): {', '.join(shown)}"

    def __str__(self) -> str:
        head = (
            f"Approximate: {self.spec.title} of {', '.join(self.spec.measures)}: {self.n_persons} people, "
            f"{len(self.panel.times)} waves, {self.draws_in_words}, seed {self.sample.settings.seed}"
        )
        return "\n".join([head, str(self.health), *self.model.notes, *rejected_in_words(self.draws)])

    __repr__ = __str__


@checked(apart=["seed"])
def preview(spec: CrossLagged, panel: Panel, *, seed: int = 1) -> Preview:
    """Approximate the posterior of a model of normal measures in a few times the time of maximum likelihood.

    With p the posterior density, up to a constant, of the parameters x on the unconstrained scale that `fit` samples,
    the first proposal is a multivariate t about the mode of p with the inverse curvature there; two further ones and
    the last one, q, adapt to the draws before [2]_. Draws of q, about as many as 2,200 effective ones need, have the
    weights ``w = p(x) / q(x)``. The largest are replaced by quantiles of the generalised Pareto distribution that fits
    them, whose shape is k-hat [1]_, and draws are resampled systematically by their weights, with repeats. The mean of
    a function f of the parameters over these draws estimates ``sum(w f(x)) / sum(w)``.

    Parameters
    ----------
    spec
        The model, of normal measures without a state or selection.
    panel
        The data, or published moments.
    seed
        The same seed gives the same draws.

    Returns
    -------
    Preview
        ``draws``, in groups ``posterior`` and ``prior`` with the names and dims of those of a fit; ``k_hat``; and
        ``table``. Questions about draws, such as `directionality`, `lag_curve`, `hypotheses`, `long_run_effects` and
        `mediation`, accept it; their answers begin with "Approximate:" and have no verdict but "undecided" where k-hat
        is 0.7 or more, or fewer than 400 or 5 % of the weighted draws are effective. What needs the values of persons,
        or refits, needs a `Fit`.

    Raises
    ------
    SpecError
        If the model has families, a state or a selection, is not identified at these times, does not fit the panel's
        measures, or no density is found from which to look for the mode.

    Notes
    -----
    A second mode far from the first is not noticed. k-hat is about all parameters together: an answer can be good where
    it is high, and `fit` says so. Effective sample sizes and Monte Carlo errors of the draws count repeats.

    References
    ----------
    .. [1] Vehtari, Simpson, Gelman, Yao & Gabry (2024). Pareto smoothed importance sampling. Journal of Machine
       Learning Research 25(72), 1-58. https://jmlr.org/papers/v25/19-556.html
    .. [2] Cornuet, Marin, Mira & Robert (2012). Adaptive multiple importance sampling. Scandinavian Journal of
       Statistics 39, 798-812. https://doi.org/10.1111/j.1467-9469.2011.00756.x
    """
    problems = Problems("This preview cannot be made")
    check_seed(seed, problems)
    problems.raise_as(SpecError)
    if spec.is_latent:
        raise SpecError(
            "A preview is of a model of normal measures, and this one has families, a state or a selection. Sample it "
            "with ab.fit."
        )
    return preview_of(panel_model(spec, panel), int(seed))


def preview_of(model: PanelModel, seed: int, *, with_prior: bool = True) -> Preview:
    """`preview` of a model on its panel, with draws of the prior where they are asked for."""
    from ..pymc_models.packed import packed_model
    from ..pymc_models.unconstrained import Unconstrained

    settings = Settings(N_DRAWS, 0, N_CHAINS, 1, np.nan, seed, "importance resampling")
    packed = packed_model(model)
    unconstrained, rng = Unconstrained(packed), settings.rng("preview")
    weighted = importance_sample(unconstrained.log_density, _start(packed, unconstrained), rng)
    distinct, repeats = np.unique(weighted.resampled(N_CHAINS * N_DRAWS, rng), return_inverse=True)
    expanded = unconstrained.expanded(weighted.points[distinct])[repeats]
    groups = {"/posterior": named_draws(model, expanded, n_chains=N_CHAINS)}
    if with_prior:
        groups["/prior"] = prior_draws(model, settings.rng("prior"))
    return Preview(model, Sample(xr.DataTree.from_dict(groups), settings), importance=examined(weighted))


def _start(packed: "PackedModel", unconstrained: "Unconstrained") -> np.ndarray:
    """The best of several points around the middle of every prior."""
    points = np.stack([packed.initial_point_func(seed) for seed in range(N_STARTS)])
    values, _ = unconstrained.log_density(points)
    if not values.max() > -np.inf:
        raise SpecError(f"No density was found from which to look for the mode of the posterior. {CURE}")
    return np.asarray(points[values.argmax()])


def examined(weighted: Weighted) -> Importance:
    """Whether weighted draws represent the posterior."""
    k_hat, n_effective, n_weighted, problems = weighted.k_hat, weighted.n_effective, len(weighted.points), []
    least = max(SMALLEST_ESS, LEAST_SHARE * n_weighted)
    if not k_hat < LARGEST_K_HAT:
        problems.append(
            f"The approximation misses a part of the posterior (k-hat {k_hat:.2f} is {LARGEST_K_HAT} or more), so "
            f"there is no verdict. {CURE}"
        )
    elif n_effective < least:
        problems.append(
            f"Too few effective draws ({n_effective:,.0f} of {n_weighted:,}; {least:,.0f} are needed): the "
            f"approximation is far from the posterior. {CURE}"
        )
    return Importance(k_hat, n_effective, n_weighted, tuple(problems))
