"""Multiple imputations: one fit of each completed panel, mixed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from ..basics.calls import checked
from ..basics.interrupts import held_interrupts
from ..basics.names import in_words, quoted
from ..basics.problems import InterruptionError, PanelError, Problems
from ..basics.warning import warn
from ..panel import Panel
from ..spec.cross_lagged import CrossLagged
from .fit import Fit
from .interruption import FitWarning, without_interruption_warnings
from .mixing import mixed
from .sample import STOPPED, Sample
from .sampling import fit
from .source import SharedPanel, Source
from .thinning import as_if_thinned

__all__ = ["fit_imputations"]

FEWEST = 2
GROUPS = ("posterior", "prior", "sample_stats")


@checked()
def fit_imputations(spec: CrossLagged, panels: Sequence[Panel], *, seed: int, **settings: Any) -> Fit:
    """Sample the posterior of a model on every one of several imputed panels, and mix them.

    A panel with missing values needs no imputation: `fit` uses every observed value. This is for imputations that use
    more than the panel, such as variables that predict who is missing.

    Parameters
    ----------
    spec
        The model.
    panels
        At least two panels of the same persons, measures and times, whose missing values were drawn from their
        distribution given the observed values.
    seed
        Seed of the first panel; each further one takes the next.
    settings
        Settings of `fit`, the same for every panel.

    Returns
    -------
    Fit
        An equal mixture of the posteriors of all panels, with the single fits in `Fit.fits`, diagnostics within them,
        and the share of variance between imputations. R-hat in `Fit.summary` compares chains of different panels, so
        that it is large where imputations differ; `Fit.health` compares those of the same panel.

    Raises
    ------
    PanelError
        If there are fewer than two panels, one holds moments alone, or they differ in persons, measures, times, groups
        or covariates, or are all the same.
    SpecError
        As `fit` does.
    InterruptionError
        If it is interrupted before two panels are fitted; later, a fit of the panels done so far is returned with a
        warning.

    Notes
    -----
    The posterior given the observed values is the mean of posteriors given completed ones, over the distribution
    of what is missing; draws of all fits together are draws of it. Each panel's prior stands in SDs of that panel.
    """
    spec.require_normal("fit_imputations")
    _check_panels(panels)
    with held_interrupts():
        fits = _fits(spec, panels, seed, settings)
        incomplete: tuple[str, ...] = ()
        if len(fits) < len(panels):
            incomplete = (
                f"{STOPPED} after {len(fits)} of {len(panels)} imputed panels: the answer is of these alone, and "
                "less certain of what differs between imputations. Fit all panels for a final answer.",
            )
            warn(incomplete[0], FitWarning)
        draws = {f"/{name}": mixed([one.drawn(name) for one in fits]) for name in GROUPS}
        if any(one.settings.thin > 1 for one in fits):
            draws["/sample_stats"] = mixed([as_if_thinned(one.drawn("sample_stats")) for one in fits])
        careful = max((one.settings for one in fits), key=lambda used: used.target_accept)
        settings_of_all = replace(
            fits[0].settings,
            target_accept=careful.target_accept,
            tune=careful.tune,
            thin=careful.thin,
            chains=sum(one.settings.chains for one in fits),
            compile_seconds=sum(one.settings.compile_seconds for one in fits),
            sampling_seconds=sum(one.settings.sampling_seconds for one in fits),
        )
        model = replace(fits[0].model, panel=SharedPanel(panels[: len(fits)]))
        sample = Sample(xr.DataTree.from_dict(draws), settings_of_all, incomplete)
        return Fit(model, sample, Source(n_panels=len(fits)), fits)


def _fits(spec: CrossLagged, panels: Sequence[Panel], seed: int, settings: Mapping[str, Any]) -> tuple[Fit, ...]:
    """Fits of the panels until one is interrupted; InterruptionError where fewer than two are complete by then."""
    fits: list[Fit] = []
    try:
        for index, panel in enumerate(panels):
            with without_interruption_warnings():
                fitted = fit(spec, panel, seed=seed + index, **settings)
            if not fitted.interrupted:
                fits.append(fitted)
            if fitted.stopped:
                break
    except (KeyboardInterrupt, InterruptionError):
        pass  # what is done is kept
    if len(fits) < FEWEST:
        raise InterruptionError(
            f"Interrupted after {len(fits)} of {len(panels)} imputed panels; an answer needs at least {FEWEST}. "
            "Nothing was kept. Run it again; if it takes too long, use fewer draws or a shorter warm-up (tune)."
        )
    return tuple(fits)


def _check_panels(panels: Sequence[Panel]) -> None:
    problems = Problems("These panels are not imputations of one panel")
    if len(panels) < 2:
        problems.add(
            f"There are {len(panels)} panels; give at least two, better twenty, each with its own imputations."
        )
    alone = [index for index, panel in enumerate(panels, start=1) if panel.values is None]
    if alone:
        problems.add(f"Panels {quoted(alone)} hold moments alone; give panels of the persons.")
    problems.raise_as(PanelError)
    first = panels[0]
    for index, panel in enumerate(panels[1:], start=2):
        differing = [
            name
            for name in ("persons", "measures", "times", "groups", "covariates")
            if not _alike(getattr(first, name), getattr(panel, name))
        ]
        if differing:
            problems.add(f"Panel {index} differs from panel 1 in {in_words(differing)}.")
    if not problems.found and all(_same_values(first, panel) for panel in panels[1:]):
        problems.add("All panels hold the same values, so nothing is imputed; use fit on one of them.")
    problems.raise_as(PanelError)


def _same_values(one: Panel, other: Panel) -> bool:
    first, second = (panel.require_persons("An imputation") for panel in (one, other))
    return np.array_equal(first, second, equal_nan=True)


def _alike(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    return list(one) == list(other)
