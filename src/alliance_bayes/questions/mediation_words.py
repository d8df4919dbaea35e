"""An answer on mediation in words: estimand, effects, doubts and assumptions."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ..basics.names import ARROW, in_words, number
from ..basics.text_tables import TextTable
from ..posterior.health import Diagnostics
from ..posterior.posterior import Posterior
from .cells import estimates, intervals, probabilities
from .dynamics import hardly_within, sample_in_words, units_in_words, within_in_words
from .horizons import Horizon
from .lengths import time_in_words
from .mediated_effects import MediatedChange
from .structure import signs

__all__ = ["assumptions", "doubts", "effects_in_words", "estimand", "heading"]


def heading(fit: Posterior, asked: MediatedChange, until: Horizon) -> str:
    """Question, scale and sample."""
    within = within_in_words(fit, asked.measures)
    return (
        f"{asked.treatment}{ARROW}{asked.outcome} through {in_words(asked.mediators)}{within}, SD per SD with the SDs "
        f"at {number(until.start)}; {sample_in_words(fit)}{units_in_words(fit, (asked.treatment, asked.outcome))}"
    )


def estimand(fit: Posterior, asked: MediatedChange, until: Horizon) -> str:
    """The change, the values held, and when."""
    kept = "and keeping it there (sustained)" if asked.sustained else "and leaving it to itself (pulse)"
    mediators = in_words(asked.mediators)
    if until.timing == "continuous":
        how = f"with {mediators} held on the expected course at every moment (continuous-time effects)"
        other = "Held at the waves only, the numbers would differ."
    else:
        steps = f"{until.n_steps} steps of {time_in_words(fit, until.step)}"
        if until.intervals is not None:
            times = [number(time) for time in fit.panel.times[until.wave : until.wave + until.n_steps + 1]]
            steps = f"{until.n_steps} steps, waves {in_words(times)}"
        how = f"with {mediators} held on the expected course at each step (wave-by-wave effects: {steps})"
        other = "Held at every moment in continuous time, the numbers would differ."
    others = [name for name in fit.spec.measures if name not in asked.measures]
    through = f" Paths through {in_words(others)} are direct." if others else ""
    return (
        f"Effect of raising {asked.treatment} by one SD at {number(until.start)} {kept} on {asked.outcome} "
        f"{time_in_words(fit, until.length)} later; direct: {how}; indirect: total minus direct.{through} {other}"
    )


def effects_in_words(table: pd.DataFrame, n_draws: int) -> TextTable:
    """Each effect with its interval and sign, before and after the data, and in raw units."""
    raw = zip(table["raw_mean"], intervals(table, "raw_", ".3g"), strict=True)
    priors = probabilities(table["p_positive_prior"], n_draws, table["no_sign_prior"])
    return TextTable.of(
        {
            "": [str(name) for name in table.index],
            **estimates(table, ".3f"),
            "P(effect > 0)": signs(table, n_draws),
            "prior": ["-" if np.isnan(p) else cell for p, cell in zip(table["p_positive_prior"], priors, strict=True)],
            "raw units": [f"{mean:.3g} {inside}" for mean, inside in raw],
        },
        left={"raw units"},
    )


def doubts(fit: Posterior, health: Diagnostics, asked: MediatedChange, until: Horizon) -> Iterator[str]:
    """Reasons to doubt the numbers, one sentence each."""
    if not health.healthy:
        yield f"The draws cannot be trusted: {' '.join(health.problems)}"
    yield from hardly_within(fit, asked.measures)
    for path, name in fit.spec.moderated.items():
        yield f"{path} is its effect where '{name}', which changes it, is 0."
    span = fit.panel.times[-1] - fit.panel.times[0]
    if until.length > span * (1 + 1e-9):
        yield (
            f"The horizon of {time_in_words(fit, until.length)} is longer than the panel's {number(span)}: the same "
            "dynamics are assumed to go on beyond the data."
        )


def assumptions(fit: Posterior, asked: MediatedChange, until: Horizon) -> tuple[str, ...]:
    """Assumptions of mediation, beyond those of prediction."""
    treatment, mediators = asked.treatment, in_words(asked.mediators)
    order = (
        "Causes act from moment to moment with one drift that does not change with time."
        if until.timing == "continuous"
        else "Causes take exactly one step to act: effects between the waves, or at once, are not counted."
    )
    without_error = [name for name in asked.mediators if name not in fit.spec.random_families]
    error = (
        f"There is no measurement error in {in_words(without_error)}; error hides part of an indirect effect in the "
        "direct one."
    )
    return (
        f"However {treatment} or {mediators} change, the same consequences follow (consistency), and such changes "
        "occur (positivity).",
        f"Given the measured past{' and stable differences between people' if fit.spec.random_intercepts else ''}, "
        f"nothing unmeasured that changes with time drives two of {in_words(asked.measures)} (sequential "
        "exchangeability); see ab.sensitivity.",
        order,
        f"There are no interactions: {treatment} and {mediators} do not modify each other's effects.",
        *([error] if without_error else []),
        *fit.spec.assumptions,
    )
